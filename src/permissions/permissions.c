#include <calzone/authentication.h>
#include <calzone/permissions.h>

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

bool cz__permission_only_reads(const cz_permission *permission)
{
    bool any = permission->allows == cz__permission_any && permission->part_count,
         all = permission->allows == cz__permission_all;
    if (!any && !all)
        return permission->allows == only_read || permission->allows == deny;
    for (size_t i = 0; i < permission->part_count; i++)
        if (cz__permission_only_reads(permission->parts[i]) != any)
            return all; /* of all one is enough; of any one is too many */
    return any;
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
