/* openapi/openapi.h: what the library asks of documents. */
#ifndef CZ_OPENAPI_OPENAPI_H
#define CZ_OPENAPI_OPENAPI_H

#include <calzone/openapi.h>

/* The first document of a router about that version alone; NULL: it has none. */
const cz_openapi *cz__openapi_of_version(const cz_router *router, const char *api_version);
/* Whether a route of the router is of a version by that name. */
bool cz__openapi_has_version(const cz_router *router, const char *api_version);
/* Errors: CZ_EVALIDATION: a document is about a version that there is not. */
CZ_NODISCARD cz_status cz__openapi_check(const cz_router *router, cz_error *err);

#endif
