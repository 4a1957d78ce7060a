#include "permissions/permissions.h"
#include <calzone/authentication.h>

static bool allow(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx;
    (void)req;
    (void)self;
    (void)object;
    return true;
}

static bool deny(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx;
    (void)req;
    (void)self;
    (void)object;
    return false;
}

static bool only_read(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx;
    (void)self;
    (void)object;
    return req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD ||
           req->method == CZ_METHOD_OPTIONS;
}

static bool is_known(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)req;
    (void)self;
    (void)object;
    return ctx->actor.len > 0;
}

const cz_permission cz_is_authenticated = { .name = "is authenticated", .allows = is_known };
const cz_permission cz_allow_any = { .name = "allow any", .allows = allow };
const cz_permission cz_read_only = { .name = "read only", .allows = only_read };
const cz_permission cz_deny_all = { .name = "deny all", .allows = deny };

bool cz__permission_any(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    for (size_t i = 0; i < self->part_count; i++)
        if (self->parts[i]->allows(ctx, req, self->parts[i], object))
            return true;
    return false;
}

bool cz__permission_all(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    for (size_t i = 0; i < self->part_count; i++)
        if (!self->parts[i]->allows(ctx, req, self->parts[i], object))
            return false;
    return true;
}

bool cz__permission_not(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    return !cz__permission_all(ctx, req, self, object);
}

cz__openness cz__permission_openness(const cz_permission *permission, bool reads)
{
    if (permission == &cz_allow_any || (reads && permission == &cz_read_only))
        return CZ__OPEN_TO_ALL;
    if (permission == &cz_is_authenticated)
        return CZ__OPEN_TO_KNOWN;
    if (permission == &cz_deny_all || permission == &cz_read_only)
        return CZ__OPEN_TO_NOBODY;
    bool any = permission->allows == cz__permission_any;
    if ((!any && permission->allows != cz__permission_all) || !permission->part_count)
        return CZ__OPEN_TO_SOME;
    cz__openness open = cz__permission_openness(permission->parts[0], reads);
    for (size_t i = 1; i < permission->part_count; i++) {
        cz__openness part = cz__permission_openness(permission->parts[i], reads);
        open = (part > open) == any ? part : open;
    }
    return open;
}

void cz_permission_require(cz_ctx *ctx, const cz_request *req, const cz_permission *permission,
                           void *object)
{
    cz__credentials_require_read(ctx, req);
    if (permission->allows(ctx, req, permission, object))
        return;
    if (req->authenticates && !ctx->actor.len) /* as in DRF: who says who it is may be allowed */
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "Authentication credentials were not provided.");
    cz_raise(ctx, CZ_EDENIED, "You do not have permission to perform this action.");
}
