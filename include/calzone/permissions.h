/* calzone/permissions.h: who may do what.
 *
 * A permission is asked before a view runs, and again with the object once there is one. They combine:
 * CZ_ANY_OF(&cz_read_only, &owns_it). A viewset must name one; nothing is open by default.
 */
#ifndef CALZONE_PERMISSIONS_H
#define CALZONE_PERMISSIONS_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_permission cz_permission;

struct cz_permission {
    const char *name;
    /* Whether the request may go on. `object` is the row in question, NULL when none is known yet: then a
     * rule about objects answers true. May query and raise. */
    bool (*allows)(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object);
    const cz_permission *const *parts; /* of a combination */
    size_t part_count;
};

extern const cz_permission cz_allow_any; /* everyone, everything */
extern const cz_permission cz_read_only; /* everyone, GET, HEAD and OPTIONS */
extern const cz_permission cz_deny_all;
extern const cz_permission cz_is_authenticated; /* whoever is known: `ctx->actor` */

bool cz__permission_any(cz_ctx *ctx, const cz_request *req, const cz_permission *self,
                        void *object);
bool cz__permission_all(cz_ctx *ctx, const cz_request *req, const cz_permission *self,
                        void *object);
bool cz__permission_not(cz_ctx *ctx, const cz_request *req, const cz_permission *self,
                        void *object);

#define CZ__PERMISSION(title, function, ...)                                                       \
    (&(const cz_permission){ title, function, (const cz_permission *const[]){ __VA_ARGS__ },       \
                             sizeof((const cz_permission *const[]){ __VA_ARGS__ }) /               \
                                 sizeof(void *) })
#define CZ_ANY_OF(...) CZ__PERMISSION("any of", cz__permission_any, __VA_ARGS__)
#define CZ_ALL_OF(...) CZ__PERMISSION("all of", cz__permission_all, __VA_ARGS__)
#define CZ_NOT_OF(permission) CZ__PERMISSION("not", cz__permission_not, permission)

/* Raise CZ_EDENIED unless allowed; CZ_EUNAUTHENTICATED when nobody is known and the request might have said who it is
 * (authentication.h). */
void cz_permission_require(cz_ctx *ctx, const cz_request *req, const cz_permission *permission,
                           void *object);

#ifdef __cplusplus
}
#endif
#endif
