/* The Bookstore: an API over authors, books and magazines. `bookstore help` lists its commands. */
#include "migrations/list.h"
#include "models.h"
#include "views.h"

static const cz_app store_app = {
    .name = "store",
    .models = CZ_MODELS(Author, Book, Magazine),
    .migrations = store_migrations,
    .folder = "examples/bookstore",
};

static const cz_route urls[] = {
    CZ_GET("/", index_page, .name = "index", .doc = CZ_DOC(.summary = "Where the lists are")),
    CZ_INCLUDE("/v2", v2_urls),
    CZ_RESOURCE("/openapi.json", &api_document, .name = "openapi"),
    CZ_RESOURCE("/docs", &swagger_ui),
    CZ_RESOURCE("/redoc", &redoc),
    CZ_ROUTES_END,
};

CZ_PROJECT_MAIN("bookstore", .version = "0.1.0", .apps = CZ_APPS(&store_app), .urls = urls)
