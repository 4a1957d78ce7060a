/* Versions of an API as routes: each table below its path, and once more without it where a request may say the version
 * otherwise; then its routes are guarded by what was said. */
#include "versioning/versioning.h"
#include "versioning/versioning_internal.h"
#include <stdio.h>

/* "1" is called "v1" where a name must begin with a letter; "v1" and "beta" stay. */
const char *cz__version_label(const cz_version *version, char *room)
{
    if (version->label)
        return version->label;
    bool digit = version->name[0] >= '0' && version->name[0] <= '9';
    snprintf(room, CZ__VERSION_LABEL, "%s%s", digit ? "v" : "", version->name);
    return room;
}

/* ---- what a request was led to ---- */

static cz_admission admit(cz_ctx *ctx, cz_request *req, const cz_route_guard *guard)
{
    const struct cz__versioned *versioned = (const struct cz__versioned *)guard;
    cz__version_choose(ctx, req, versioned->versions);
    if (!req->version)
        return CZ_REFUSED;
    return req->version == versioned->version ? CZ_ADMITTED : CZ_PASSED_BY;
}

static void refuse(cz_ctx *ctx, cz_request *req, const cz_route_guard *guard)
{
    cz__version_refuse(ctx, req, ((const struct cz__versioned *)guard)->versions);
}

/* The version goes with the address where it came with the address, as DRF's QueryParameterVersioning.reverse(). */
static void complete(cz_ctx *ctx, cz_request *req, const cz_route_guard *guard, cz_buf *address)
{
    const struct cz__versioned *versioned = (const struct cz__versioned *)guard;
    cz__version_choose(ctx, req, versioned->versions);
    if (req->version_scheme < 0)
        return;
    const cz_version_scheme *scheme = &versioned->versions->schemes.items[req->version_scheme];
    if (scheme->by != CZ_VERSION_BY_QUERY)
        return;
    cz_buf_printf(address, "?%s=", cz__scheme_name(scheme));
    cz_percent_encode(address, cz_str_from(versioned->version->name));
}

const struct cz__versioned *cz__versioned_of(const cz_route_guard *guard)
{
    return guard && guard->refuse == refuse ? (const struct cz__versioned *)guard : NULL;
}

const char *cz_request_version(const cz_request *req)
{
    const struct cz__versioned *versioned = cz__versioned_of(cz__route_guard(req));
    return versioned ? versioned->version->name : NULL;
}

bool cz_request_has_version(const cz_request *req, const char *name)
{
    const char *version = cz_request_version(req);
    return version && strcmp(version, name) == 0;
}

/* ---- what routes there are ---- */

const char *cz_version_of_route(const cz_route_info *info)
{
    const struct cz__versioned *versioned = cz__versioned_of(info->guard);
    return versioned ? versioned->version->name : NULL;
}

bool cz__version_is_step(const cz_route_info *info, cz_str step)
{
    char room[CZ__VERSION_LABEL];
    const struct cz__versioned *versioned = cz__versioned_of(info->guard);
    return versioned && cz_str_eq(step, cz_str_from(cz__version_label(versioned->version, room)));
}

bool cz_version_lists_route(const char *version, const cz_route_info *info)
{
    const struct cz__versioned *versioned = cz__versioned_of(info->guard);
    if (!versioned)
        return true;
    if (info->guard->alias)
        return false;
    if (version)
        return strcmp(versioned->version->name, version) == 0;
    const cz_versions *versions = versioned->versions;
    const char *given = versions->default_
                            ? versions->default_
                            : versions->versions.items[versions->versions.count - 1].name;
    return versioned->has_path || strcmp(versioned->version->name, given) == 0;
}

const cz_route *cz__versions_table(const cz_resource *resource, size_t index)
{
    const cz_versions *versions = (const cz_versions *)resource;
    return index < versions->versions.count ? versions->versions.items[index].urls : NULL;
}

/* ---- whether they can be ---- */

static bool is_plain(const char *name)
{
    size_t len = strlen(name), fine = 0;
    while (fine < len &&
           (strchr("._-~", name[fine]) || (name[fine] >= '0' && name[fine] <= '9') ||
            (name[fine] >= 'a' && name[fine] <= 'z') || (name[fine] >= 'A' && name[fine] <= 'Z')))
        fine++;
    return len > 0 && len < CZ__VERSION_LABEL - 1 && fine == len;
}

static cz_status check_version(const cz_versions *versions, const cz_version *version,
                               cz_error *err)
{
    char room[2][CZ__VERSION_LABEL];
    if (!version->name || !is_plain(version->name) || (version->label && !is_plain(version->label)))
        return cz_error_set(err, CZ_EVALIDATION,
                            "versions %s: \"%s\" is no name of a version; letters, digits, \".\", "
                            "\"-\", \"_\" and \"~\" make one",
                            versions->name, version->name ? version->name : "");
    if (!version->urls)
        return cz_error_set(err, CZ_EVALIDATION, "versions %s: \"%s\" names no .urls",
                            versions->name, version->name);
    for (const cz_version *other = versions->versions.items; other < version; other++)
        if (!strcmp(other->name, version->name) ||
            !strcmp(cz__version_label(other, room[0]), cz__version_label(version, room[1])))
            return cz_error_set(err, CZ_EVALIDATION, "versions %s: two are called \"%s\"",
                                versions->name, version->name);
    const char *successor = version->successor;
    if (successor && !cz__version_named(versions, cz_str_from(successor)))
        return cz_error_set(err, CZ_EVALIDATION, "versions %s: no version \"%s\" to succeed \"%s\"",
                            versions->name, successor, version->name);
    return CZ_OK;
}

static cz_status check(const cz_versions *versions, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < versions->schemes.count; i++)
        if (versions->schemes.items[i].by < CZ_VERSION_BY_PATH ||
            versions->schemes.items[i].by > CZ_VERSION_BY_HOST)
            return cz_error_set(err, CZ_EVALIDATION, "versions %s: scheme %zu is none",
                                versions->name, i + 1);
    if (!versions->versions.count)
        return cz_error_set(err, CZ_EVALIDATION, "versions %s: there is none", versions->name);
    for (size_t i = 0; i < versions->versions.count && !status; i++)
        status = check_version(versions, &versions->versions.items[i], err);
    if (!status && versions->default_ &&
        !cz__version_named(versions, cz_str_from(versions->default_)))
        return cz_error_set(err, CZ_EVALIDATION, "versions %s: .default_ \"%s\" is none of them",
                            versions->name, versions->default_);
    return status;
}

/* ---- adding them ---- */

static bool uses(const cz_versions *versions, bool path)
{
    for (size_t i = 0; i < versions->schemes.count; i++)
        if ((versions->schemes.items[i].by == CZ_VERSION_BY_PATH) == path)
            return true;
    return path && !versions->schemes.count;
}

/* "Accept-Version, Accept" of the schemes that ask headers; a host and a query stand in the address. */
static const char *vary_of(const cz_versions *versions, cz_arena *arena)
{
    const char *vary = "";
    for (size_t i = 0; i < versions->schemes.count && vary; i++) {
        const cz_version_scheme *scheme = &versions->schemes.items[i];
        if (scheme->by == CZ_VERSION_BY_HEADER || scheme->by == CZ_VERSION_BY_ACCEPT)
            vary = cz_arena_printf(arena, "%s%s%s", vary, *vary ? ", " : "",
                                   scheme->by == CZ_VERSION_BY_ACCEPT ? "Accept"
                                                                      : cz__scheme_name(scheme));
    }
    return vary;
}

struct adding {
    cz_router *router;
    const cz_route *mount;
    const cz_versions *versions;
    bool has_path, is_asked; /* by its path; by what a request says */
    const char *vary;
    cz_error *err;
};

static cz_status add_version(const struct adding *adding, const cz_version *version, bool by_path)
{
    cz_arena *arena = cz__router_arena(adding->router);
    struct cz__versioned *made = cz_arena_new(arena, struct cz__versioned);
    char room[CZ__VERSION_LABEL];
    const char *label = cz_arena_strdup(arena, cz__version_label(version, room));
    const char *prefix = label && by_path ? cz_arena_printf(arena, "/%s", label)
                         : label          ? ""
                                          : NULL;
    if (!made || !prefix)
        return cz_error_set(adding->err, CZ_ENOMEM, "no memory for the versions");
    *made = (struct cz__versioned){ .guard = { .admit = by_path ? NULL : admit,
                                               .refuse = refuse,
                                               .complete = by_path ? NULL : complete,
                                               .vary = by_path ? NULL : adding->vary,
                                               .alias = !by_path && adding->has_path },
                                    .versions = adding->versions,
                                    .version = version,
                                    .has_path = adding->has_path,
                                    .deprecation = version->deprecation };
    made->deprecation.middleware = (cz_middleware){ "deprecation", cz__deprecation_process, NULL };
    char owner[2 * CZ__VERSION_LABEL];
    snprintf(owner, sizeof owner, "version \"%s\"", version->name);
    if (version->deprecation.since || version->deprecation.sunset) {
        made->middleware[0] = &made->deprecation.middleware;
        cz_status status = cz__deprecation_prepare(&made->deprecation, owner, adding->err);
        if (status)
            return status;
    }
    const cz__guarded_table table = { adding->mount, version->urls,    prefix,
                                      label,         made->middleware, &made->guard };
    return cz__router_add_table(adding->router, &table, adding->err);
}

cz_status cz__versions_add_routes(const cz_resource *resource, cz_router *router,
                                  const cz_route *route, const char *prefix, cz_error *err)
{
    (void)prefix;                                                /* the mount's */
    const cz_versions *versions = (const cz_versions *)resource; /* its first member */
    struct adding adding = { .router = router,
                             .mount = route,
                             .versions = versions,
                             .has_path = uses(versions, true),
                             .is_asked = uses(versions, false),
                             .vary = vary_of(versions, cz__router_arena(router)),
                             .err = err };
    cz_status status = check(versions, err);
    if (!status && !adding.vary)
        status = cz_error_set(err, CZ_ENOMEM, "no memory for the versions");
    for (size_t i = 0; i < versions->versions.count && !status && adding.has_path; i++)
        status = add_version(&adding, &versions->versions.items[i], true);
    for (size_t i = 0; i < versions->versions.count && !status && adding.is_asked; i++)
        status = add_version(&adding, &versions->versions.items[i], false);
    return status;
}
