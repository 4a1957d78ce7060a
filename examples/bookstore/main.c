/* The Bookstore: an API over authors, books and magazines. `bookstore help` lists its commands. */
#include "access.h"
#include "load_tests.h"
#include "migrations/list.h"
#include "models.h"
#include "users.h"
#include "v1.h"
#include "v2.h"

static const cz_command commands[] = {
    { "createsuperuser",
      "Add a user who may add others; the password comes from the terminal, or standard input.",
      "USERNAME", create_superuser },
};
static const cz_app store_app = {
    .name = "store",
    .models = CZ_MODELS(Author, Book, Magazine, User),
    .cached = CZ_MODELS(Author, Book, Magazine),
    .commands = CZ_COMMANDS(commands),
    .migrations = store_migrations,
    .folder = "examples/bookstore",
};
static const cz_setting settings[] = {
    { .name = "RATE_LIMIT",
      .kind = CZ_SETTING_BOOL,
      .default_value = "true",
      .help = "Whether a caller has so many requests a minute; off for load tests." },
};

/* ---- versions ---- */

static CZ_VERSIONS(api,
                   .schemes = CZ_VERSION_SCHEMES({ .by = CZ_VERSION_BY_PATH },
                                                 { .by = CZ_VERSION_BY_HEADER }),
                   .default_ = "2",
                   .versions = CZ_VERSION_LIST({ .name = "1", .urls = v1_urls },
                                               { .name = "2", .urls = v2_urls }));

/* ---- documents ---- */

#define SECURITY                                                                                   \
    CZ_SECURITY_SCHEMES(                                                                           \
        { .name = "token",                                                                         \
          .kind = CZ_SECURITY_OAUTH2_PASSWORD,                                                     \
          .url = "/v1/token",                                                                      \
          .description = "A token of fifteen minutes for a name and a password." },                \
        { .name = "password", .kind = CZ_SECURITY_BASIC })
static CZ_OPENAPI(
    api_document, .title = "Bookstore", .version = "2.0.0",
    .description =
        "Authors, books and magazines. `/v2` has them as resources, `/v1` by the names of "
        "the course it comes from; without a prefix `Accept-Version` chooses.",
    .tags = CZ_TAG_DOCS({ "books", "What is on the shelves." }, { "authors", "Who wrote it." },
                        { "magazines", "What comes again." }, { "users", "Who may change it." },
                        { "site", "Where all of it is." }),
    .security = SECURITY);
static CZ_OPENAPI(v1_document, .title = "Bookstore, version 1", .version = "1.0.0",
                  .api_version = "1", .security = SECURITY);
static CZ_OPENAPI(v2_document, .title = "Bookstore, version 2", .version = "2.0.0",
                  .api_version = "2", .security = SECURITY);
static CZ_SWAGGER_UI(swagger_ui);
static CZ_REDOC(redoc);

/* The addresses of the API, for whoever opens the site's root. */
static void index_page(cz_ctx *ctx, cz_request *req)
{
    static const struct {
        const char *name, *path;
    } pages[] = {
        { "books", "/v2/books" },
        { "authors", "/v2/authors" },
        { "magazines", "/v2/magazines" },
        { "v1", "/v1/books" },
        { "docs", "/docs" },
        { "redoc", "/redoc" },
        { "openapi", "/openapi.json" },
    };
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_object(&json);
    for (size_t i = 0; i < CZ_COUNT(pages); i++) {
        cz_json_key(&json, cz_str_from(pages[i].name));
        cz_json_str(&json, cz_request_absolute_uri(ctx, req, cz_str_from(pages[i].path)));
    }
    cz_json_object_end(&json);
}

static const cz_route urls[] = {
    CZ_GET("/", index_page, .name = "index",
           .doc = CZ_DOC(.summary = "Where everything is", .tag = "site")),
    CZ_RESOURCE("/openapi.json", &api_document, .name = "openapi"),
    CZ_RESOURCE("/v1/openapi.json", &v1_document),
    CZ_RESOURCE("/v2/openapi.json", &v2_document),
    CZ_RESOURCE("/docs", &swagger_ui),
    CZ_RESOURCE("/redoc", &redoc),
    CZ_RESOURCE("", &api),
    CZ_ROUTES_END,
};

static const cz_middleware *const middleware[] = {
    &cz_request_id, &cz_access_log,     &cz_security_headers,
    &cz_host_check, &cz_response_check, &authentication.middleware,
    NULL,
};

CZ_PROJECT_MAIN("bookstore", .version = "2.0.0", .apps = CZ_APPS(&store_app), .urls = urls,
                .middleware = middleware, .settings = { settings, CZ_COUNT(settings) },
                .load_tests = CZ_LOAD_TESTS(load_tests))
