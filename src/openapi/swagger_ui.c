/* Swagger UI, from npm's swagger-ui-dist; README.md of pages/ tells of versions. */
#include "openapi/pages.h"

#ifndef CZ_NO_API_PAGES
extern const unsigned char cz__asset_swagger_css[], cz__asset_swagger_css_end[];
extern const unsigned char cz__asset_swagger_js[], cz__asset_swagger_js_end[];

/* No validator: it would be asked over the network. */
static const unsigned char start[] =
    "\"use strict\";\n"
    "const page = document.getElementById(\"page\");\n"
    "SwaggerUIBundle({ url: page.dataset.document, domNode: page, deepLinking: true,\n"
    "                  validatorUrl: null });\n";

static const unsigned char style[] = "body { margin: 0; }\n";

static const struct cz__page_asset assets[] = {
    { "page.css", style, style + sizeof style - 1, false },
    { "swagger-ui.css", cz__asset_swagger_css, cz__asset_swagger_css_end, true },
    { "swagger-ui-bundle.js", cz__asset_swagger_js, cz__asset_swagger_js_end, true },
    { "start.js", start, start + sizeof start - 1, false },
};
#define ASSETS assets, CZ_COUNT(assets)
#else
#define ASSETS NULL, 0
#endif

const struct cz__page_kind cz__swagger_ui = {
    "Swagger UI", CZ_SWAGGER_UI_VERSION,
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ASSETS
};
