#include <calzone/middleware.h>
#include <calzone/transactions.h>
#include "orm/orm.h"

struct call {
    cz_request *req;
    const cz_next *next;
    size_t database; /* whose transaction is opened next */
};

/* Those that are open are left together. */
static void mark(cz_ctx *ctx)
{
    cz_set_rollback(ctx, true);
    for (size_t i = 1; i < cz__database_count; i++)
        if (cz__databases[i].atomic_requests)
            cz_set_rollback_on(ctx, cz__databases[i].alias, true);
}

/* One inside the other, "default" outermost, then what is further in. */
static void call_next(cz_ctx *ctx, void *arg)
{
    struct call *call = arg;
    while (call->database < cz__database_count && !cz__databases[call->database].atomic_requests)
        call->database++;
    if (call->database < cz__database_count) {
        cz__atomic_lazily(ctx, &cz__databases[call->database++], call_next, call);
        return;
    }
    cz_next_call(ctx, call->req, call->next);
    const cz_response *response = &call->req->response;
    if (response->raised || response->status >= 500 || ctx->cancelled)
        mark(ctx);
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct call call = { req, next, 1 };
    cz__atomic_lazily(ctx, NULL, call_next, &call);
}

const cz_middleware cz_atomic_requests = { .name = "atomic_requests", .process = process };
