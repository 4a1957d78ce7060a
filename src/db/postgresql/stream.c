/* Rows in parts: a server-side cursor in the session's transaction, whose rows are those of the moment it was
 * declared. */
#include "db/postgresql/postgresql_internal.h"
#include <stdio.h>

enum { NAME_BYTES = 64 };

struct cz__db_stream {
    cz__db_session *session;
    char fetch[NAME_BYTES], close[NAME_BYTES];
};

cz_status cz__postgresql_stream_begin(cz_ctx *ctx, cz__db_session *session,
                                      const cz__db_statement *statement, const cz__db_param *params,
                                      size_t count, size_t rows, cz__db_stream **out, cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)session->db;
    cz_assert(session->depth > 0);
    unsigned number = ++db->next_cursor;
    cz__db_stream *stream = cz_arena_new(ctx->arena, cz__db_stream);
    char *sql = cz_arena_printf(ctx->arena, "DECLARE cz_%u NO SCROLL CURSOR FOR %.*s", number,
                                CZ_STR_ARG(statement->sql));
    if (!stream || !sql)
        return cz_error_set(err, CZ_ENOMEM, "no memory to read rows in parts");
    stream->session = session;
    cz_ignore(snprintf(stream->fetch, NAME_BYTES, "FETCH %zu FROM cz_%u", rows, number)); /* fits */
    cz_ignore(snprintf(stream->close, NAME_BYTES, "CLOSE cz_%u", number));
    cz__db_statement declare = { .sql = cz_str_from(sql),
                                 .number = CZ__STATEMENT_UNCACHED,
                                 .types = statement->types,
                                 .type_count = statement->type_count };
    int64_t changed, last_id;
    cz_status status = cz__postgresql_driver.change(ctx, session, &declare, params, count, &changed,
                                                    &last_id, err);
    if (!status)
        *out = stream;
    return status;
}

cz_status cz__postgresql_stream_next(cz_ctx *ctx, cz__db_stream *stream, cz__db_cursor *out,
                                     cz_error *err)
{
    cz__db_statement fetch = { .sql = cz_str_from(stream->fetch),
                               .number = CZ__STATEMENT_UNCACHED };
    return cz__postgresql_select(ctx, stream->session, &fetch, NULL, 0, out, err);
}

/* It ends with its transaction anyway. */
void cz__postgresql_stream_end(cz_ctx *ctx, cz__db_stream *stream, bool ends_early)
{
    cz_error err;
    if (ends_early) /* nothing follows from a failure but that it stays until then */
        cz_ignore(cz__postgresql_run(ctx, stream->session, cz_str_from(stream->close), &err));
}
