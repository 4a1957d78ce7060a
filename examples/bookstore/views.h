/* The Bookstore's /v2: authors, books and magazines as resources. */
#ifndef BOOKSTORE_VIEWS_H
#define BOOKSTORE_VIEWS_H

#include <calzone/calzone.h>

extern const cz_route v2_urls[];
extern cz_openapi api_document;
extern cz_api_page swagger_ui, redoc;

void index_page(cz_ctx *ctx, cz_request *req);

#endif
