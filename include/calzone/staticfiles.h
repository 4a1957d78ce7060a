/* calzone/staticfiles.h: a folder of files that anybody may have: scripts, styles, pictures.
 *
 *     static const cz_route urls[] = {
 *         CZ_STATIC("/static", "static"),
 *         CZ_STATIC("/", "site", .index = "index.html"),      last: it has every path that is left
 *         CZ_ROUTES_END
 *     };
 *
 * Only regular files below the folder are served: nothing by a symbolic link, nothing whose name or folder begins with a dot, no
 * pipes or devices, and no list of what there is. The answers are those of file_response.h, with conditions and ranges. Where
 * app.js.br, app.js.zst or app.js.gz lies beside app.js and is not older, a client that takes it (Accept-Encoding) gets
 * that. Nothing is kept in memory, so a file that was changed is served as it is now.
 */
#ifndef CALZONE_STATICFILES_H
#define CALZONE_STATICFILES_H

#include <calzone/routing.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_static_files {
    cz_resource resource; /* private */
    /* Required: the folder, absolute or from the working directory. It may itself be a symbolic link, which is followed anew at
     * each request, so a release may be switched by one. Not one that has the project in it: it would serve its settings. */
    const char *folder;
    const char *index; /* "index.html": the file that answers for a folder; NULL: none, 404 */
    const char *name;  /* for cz_reverse(), which takes the path below the folder; NULL: none */
    bool immutable;    /* every name is of one content for ever, so all may be kept for a year */
    bool serves_well_known; /* .well-known (RFC 8615) is no hidden folder */
} cz_static_files;

#define CZ_STATIC_FILES(directory, ...)                                                            \
    {                                                                                              \
        .resource = { .add_routes = cz__static_add_routes }, .folder = (directory), ##__VA_ARGS__  \
    }
/* Routes for a folder below a path. With middleware of their own:
 *
 *     static const cz_static_files reports = CZ_STATIC_FILES("reports");
 *     ... CZ_RESOURCE("/reports", &reports, .middleware = members_only), */
#define CZ_STATIC(path, directory, ...)                                                            \
    CZ_RESOURCE(path, &(const cz_static_files)CZ_STATIC_FILES(directory, ##__VA_ARGS__))

cz_status cz__static_add_routes(const cz_resource *resource, cz_router *router,
                                const cz_route *route, const char *prefix, cz_error *err);
/* How long others may keep a file whose name has no hash, in seconds; 0: they are to ask each time. Context: start-up. */
void cz__static_configure(int64_t max_age_s);
/* The folder that a route serves; NULL: it is no such route. */
const cz_static_files *cz_static_files_of_route(const cz_route_info *info);

#ifdef __cplusplus
}
#endif
#endif
