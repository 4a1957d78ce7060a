/* Folders of files as routes. */
#include <calzone/staticfiles.h>
#include "http/file_response.h"
#include "staticfiles/names.h"
#include "staticfiles/variants.h"
#include <calzone/files.h>
#include <calzone/throttling.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What is said of files whose names have no hash. */
static char cache_control[sizeof "public, max-age=-9223372036854775808"] = "no-cache";

void cz__static_configure(int64_t max_age_s)
{
    if (max_age_s > 0)
        snprintf(cache_control, sizeof cache_control, "public, max-age=%lld", (long long)max_age_s);
    else
        snprintf(cache_control, sizeof cache_control, "no-cache");
}

/* ---- Answers ---- */

static CZ_NORETURN void raise_not_found(cz_ctx *ctx)
{
    cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
}

/* One that is older than the file is of what that was before. */
static struct cz__file *open_variant(cz_ctx *ctx, const char *folder, cz_str name,
                                     const struct cz__variant *variant, const struct cz__file *of)
{
    struct cz__file *file;
    enum cz__file_kind kind;
    cz_status status = cz__file_open(
        ctx, folder, cz_format(ctx, "%.*s%.*s", CZ_STR_ARG(name), CZ_STR_ARG(variant->suffix)),
        &kind, &file);
    if (status == CZ_ECANCELED || status == CZ_ETIMEDOUT)
        cz_raise(ctx, status, "%s", cz_status_text(status));
    if (status || kind != CZ__FILE_REGULAR)
        return NULL;
    if (file->modified_s >= of->modified_s)
        return file;
    cz__file_close(file);
    return NULL;
}

static void respond(cz_ctx *ctx, cz_request *req, const cz_static_files *files, cz_str name,
                    struct cz__file *file)
{
    struct cz__file_answer answer = { .content_type = cz_content_type_by_name(name) };
    const struct cz__variant *wanted[CZ__VARIANT_COUNT];
    size_t count = cz__variants_wanted(cz_request_header(req, CZ_STR("Accept-Encoding")), wanted);
    for (size_t i = 0; i < count && !answer.coding.len; i++) {
        struct cz__file *variant = open_variant(ctx, files->folder, name, wanted[i], file);
        if (!variant)
            continue;
        cz__file_close(file);
        file = variant;
        answer.coding = wanted[i]->coding;
    }
    cz__file_respond(ctx, req, file, &answer);
    bool for_ever = files->immutable || cz__static_has_hash(name);
    cz_respond_header_static(ctx, req, CZ_STR("Cache-Control"),
                             for_ever ? CZ_STR("public, max-age=31536000, immutable")
                                      : cz_str_from(cache_control));
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), CZ_STR("Accept-Encoding"));
}

static void answer(cz_ctx *ctx, cz_request *req)
{
    const cz_static_files *files = req->view_data;
    cz_str name = req->param_count ? req->params[req->param_count - 1].text : CZ_STR("");
    bool folder = !name.len || cz_str_ends_with(name, CZ_STR("/"));
    struct cz__file *file;
    enum cz__file_kind kind;
    cz_throttle_require(ctx, req, NULL);
    if (folder && !files->index)
        raise_not_found(ctx);
    if (folder)
        name = cz_format(ctx, "%.*s%s", CZ_STR_ARG(name), files->index);
    if (!cz__static_is_open(name, files->serves_well_known))
        raise_not_found(ctx);
    cz_status status = cz__file_open(ctx, files->folder, name, &kind, &file);
    if (status)
        cz_raise(ctx, status, "%s", cz_status_text(status));
    if (kind == CZ__FILE_REGULAR)
        respond(ctx, req, files, name, file);
    else if (files->index && !folder) /* relative addresses in its page begin behind its slash */
        cz__redirect_with_query(ctx, req, cz_format(ctx, "%.*s/", CZ_STR_ARG(req->path)));
    else
        raise_not_found(ctx);
}

/* ---- Routes ---- */

/* Whether the working directory, where .env files and SQLite's database lie, would be served. */
static bool has_project_in_it(const char *folder)
{
    char real[PATH_MAX], here[PATH_MAX];
    if (!realpath(folder, real) || !getcwd(here, sizeof here))
        return false;
    size_t len = strlen(real);
    return strncmp(here, real, len) == 0 && (len == 1 || !here[len] || here[len] == '/');
}

cz_status cz__static_add_routes(const cz_resource *resource, cz_router *router,
                                const cz_route *route, const char *prefix, cz_error *err)
{
    const cz_static_files *files = (const cz_static_files *)resource; /* its first member */
    size_t len = strlen(prefix);
    const char *slash = len && prefix[len - 1] == '/' ? "" : "/";
    if (!files->folder || !*files->folder)
        return cz_error_set(err, CZ_EVALIDATION, "CZ_STATIC(\"%s\") names no folder", prefix);
    if (has_project_in_it(files->folder))
        return cz_error_set(err, CZ_EVALIDATION,
                            "CZ_STATIC(\"%s\") would serve \"%s\", which has the project itself in "
                            "it, with its settings and its database: serve a folder below it",
                            prefix, files->folder);
    char pattern[512];
    int bytes = snprintf(pattern, sizeof pattern, "%s%s<path:path>", prefix, slash);
    if (bytes < 0 || (size_t)bytes >= sizeof pattern)
        return cz_error_set(err, CZ_ETOOBIG, "the path of CZ_STATIC(\"%s\") is too long", prefix);
    void *data = (void *)(uintptr_t)files;
    const char *name = files->name ? files->name : route->name ? route->name : "";
    cz_status status = cz__router_add(router, route, CZ_METHOD_GET, pattern, answer, name, data, 0,
                                      "static files", err);
    if (status || !files->index)
        return status;
    pattern[len + strlen(slash)] = '\0';
    return cz__router_add(router, route, CZ_METHOD_GET, pattern, answer, "", data, 0,
                          "static files", err);
}

const cz_static_files *cz_static_files_of_route(const cz_route_info *info)
{
    const cz_resource *resource = info->route->resource;
    return resource && resource->add_routes == cz__static_add_routes ? info->data : NULL;
}
