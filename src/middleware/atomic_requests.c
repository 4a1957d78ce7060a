#include <calzone/middleware.h>
#include <calzone/transactions.h>
#include "orm/orm.h"

struct call {
    cz_request *req;
    const cz_next *next;
};

static void call_next(cz_ctx *ctx, void *arg)
{
    const struct call *call = arg;
    cz_next_call(ctx, call->req, call->next);
    const cz_response *response = &call->req->response;
    if (response->raised || response->status >= 500 || ctx->cancelled)
        cz_set_rollback(ctx, true);
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct call call = { req, next };
    cz__atomic_lazily(ctx, call_next, &call);
}

const cz_middleware cz_atomic_requests = { .name = "atomic_requests", .process = process };
