/* Private to src/pagination. */
#ifndef CZ_PAGINATION_INTERNAL_H
#define CZ_PAGINATION_INTERNAL_H

#include <calzone/pagination.h>

/* links.c: the request's absolute address with other parameters: those named are left out, then those with a value added,
 * which needs no escaping. Raises: CZ_ENOMEM. */
struct cz__page_parameter {
    const char *name;
    cz_str value; /* empty: left out */
};
cz_str cz__page_address(cz_ctx *ctx, const cz_request *req,
                        const struct cz__page_parameter *parameters, size_t count);
/* A number as text, in the arena. */
cz_str cz__page_number_text(cz_ctx *ctx, int64_t number);

#endif
