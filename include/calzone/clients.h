/* calzone/clients.h: which versions of a project's own clients, apps on telephones above all, it still serves.
 *
 *     .apps = CZ_APPS(&shop_app, &cz_clients_app)
 *     static const cz_middleware *const gated[] = { &cz_client_gate, NULL };
 *     CZ_INCLUDE("/api", api_urls, .middleware = gated)
 *
 * A client says what it is, X-Client-Platform: ios and X-Client-Version: 2.4.0. A row of cz_client_platform says of a platform
 * which version it needs at least and which it ought to have; older than that it is told to update, by 426 or by a header.
 */
#ifndef CALZONE_CLIENTS_H
#define CALZONE_CLIENTS_H

#include <calzone/errors.h>
#include <calzone/middleware.h>
#include <calzone/models.h>
#include <calzone/project.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions (semver.org, 2.0.0) ---- */

enum { CZ_SEMVER_BYTES_MAX = 64 };

/* Whether a text is such a version: "2.4.0", "2.4.0-beta.2", "2.4.0+88"; as stores have them, the last numbers may be missing,
 * "2.4", and are 0. At most CZ_SEMVER_BYTES_MAX bytes. */
bool cz_semver_is_valid(cz_str text);
/* Compare two that are valid by precedence: below, at or above 0. What follows "+" does not count. Context: any. */
int cz_semver_compare(cz_str a, cz_str b);
/* A validator of text fields: NULL, or the sentence for who typed it. */
const char *cz_semver_check(cz_str text, double unused);

/* ---- what is served ---- */

#define CZ_CLIENT_PLATFORM(F)                                                                      \
    F(slug_field, platform, .max_length = 32, .unique = true,                                      \
      .help_text = "What the client calls itself, such as ios.")                                   \
    F(char_field, minimum, .max_length = 64, .blank = true, .validator = cz_semver_check,          \
      .verbose_name = "minimum version", .help_text = "Older ones are answered by 426.")           \
    F(char_field, recommended, .max_length = 64, .blank = true, .validator = cz_semver_check,      \
      .verbose_name = "recommended version", .help_text = "Older ones are told by a header.")      \
    F(url_field, store_link, .blank = true, .help_text = "Where a newer version is.")              \
    F(char_field, message, .max_length = 200, .blank = true,                                       \
      .help_text = "What a version that is too old shows; empty: a sentence of the framework's.")
void cz__client_platform_clean(cz_ctx *ctx, void *row, cz_field_errors *errors);
#ifndef __cplusplus
CZ_MODEL(cz_client_platform, CZ_CLIENT_PLATFORM, .table = "clients_platform",
         .verbose_name = "client platform",
         .ordering = CZ_ORDER_BY(CZ_ASC(cz_client_platform, platform)),
         .clean = cz__client_platform_clean);
#endif

/* The app that has the model and its migrations. */
extern const cz_app cz_clients_app;

/* Refuses or tells clients that are too old; for a project, an include or a route, and needs cz_clients_app.
 *
 *     older than the minimum      426 with {"detail", "code": "upgrade_required", "store_link", "minimum_version"}
 *     older than the recommended  X-Client-Recommended-Version and X-Client-Store-Link beside the answer
 *     a version that is none      400
 *     says nothing, or a platform without a row: served; with CLIENT_UNKNOWN=refuse 400
 *
 * CLIENT_PLATFORM_HEADER and CLIENT_VERSION_HEADER name other headers. Rows are kept in the cache until they change, so a
 * request costs no query. */
extern const cz_middleware cz_client_gate;

#ifdef __cplusplus
}
#endif
#endif
