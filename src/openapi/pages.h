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

/* Give the bytes of an asset, uncompressed, to `take` in pieces of at most 16 KiB, which are gone after the call. Raises:
 * CZ_EPROTOCOL: they are no gzip; CZ_ENOMEM; what `take` raises. */
void cz__page_unpack(cz_ctx *ctx, const struct cz__page_asset *asset,
                     void (*take)(cz_ctx *ctx, cz_str piece, void *arg), void *arg);

#endif
