#include "orm/orm_internal.h"

void cz_atomic(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg)
{
    cz__db_session *session = cz__session(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz_error err;
    if (driver->begin(ctx, session, &err))
        cz_raise_error(ctx, &err);
    unsigned depth = session->depth;
    if (cz_try(ctx, fn, arg, &err)) {
        cz_assert(session->depth == depth);
        driver->rollback(ctx, session);
        cz_raise_error(ctx, &err);
    }
    cz_assert(session->depth == depth);
    if (driver->commit(ctx, session, &err))
        cz_raise_error(ctx, &err);
}
