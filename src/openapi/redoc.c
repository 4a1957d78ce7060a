/* ReDoc, from npm's redoc; README.md of pages/ tells of versions. */
#include "openapi/pages.h"

#ifndef CZ_NO_API_PAGES
extern const unsigned char cz__asset_redoc_js[], cz__asset_redoc_js_end[];

static const unsigned char start[] = "\"use strict\";\n"
                                     "const page = document.getElementById(\"page\");\n"
                                     "Redoc.init(page.dataset.document, {}, page);\n";

static const unsigned char style[] = "body { margin: 0; }\n";

static const struct cz__page_asset assets[] = {
    { "page.css", style, style + sizeof style - 1, false },
    { "redoc.standalone.js", cz__asset_redoc_js, cz__asset_redoc_js_end, true },
    { "start.js", start, start + sizeof start - 1, false },
};
#define ASSETS assets, CZ_COUNT(assets)
#else
#define ASSETS NULL, 0
#endif

/* The hashes are of the two style elements its libraries make, one of them empty; rules are added to them by script. Its
 * search runs in a worker that it makes of its own text. */
#define STYLES                                                                                     \
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "                                       \
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

const struct cz__page_kind cz__redoc = {
    "ReDoc", CZ_REDOC_VERSION,
    "default-src 'none'; script-src 'self'; worker-src blob:; style-src 'self' " STYLES
    "; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    ASSETS
};
