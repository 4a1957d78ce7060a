/* openapi/pages.h: a page of somebody else's scripts, served out of this binary. */
#ifndef CZ_OPENAPI_PAGES_H
#define CZ_OPENAPI_PAGES_H

#include <calzone/openapi.h>

/* A file that a page loads: a style sheet or a script, in their order. */
struct cz__page_asset {
    const char *name; /* "swagger-ui.css" */
    const unsigned char *bytes, *end;
    bool gzip; /* they are compressed */
};

/* A page holds an element "page" whose data-document is the address of the document to show. */
struct cz__page_kind {
    const char *label;   /* what answers, for `routes`: "swagger_ui" */
    const char *version; /* of the assets, which clients keep for a year under it */
    const char *policy;  /* the page's Content-Security-Policy */
    const struct cz__page_asset *assets;
    size_t asset_count; /* 0: they were not there when this was built */
};

/* Append the bytes of an asset, uncompressed. Errors: CZ_EPROTOCOL: they are no gzip; CZ_ENOMEM, CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__page_inflate(const struct cz__page_asset *asset, cz_buf *out);

#endif
