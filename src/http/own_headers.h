/* http/own_headers.h: the headers of an answer that come from further in, for whoever gives the answer again.
 *
 * What stands further out sets its own anew each time. But a header of that which was changed further in, as Vary mostly is,
 * is part of the answer.
 */
#ifndef CZ_HTTP_OWN_HEADERS_H
#define CZ_HTTP_OWN_HEADERS_H

#include <calzone/http.h>

/* The headers there were before what stands further in ran. */
struct cz__headers_before {
    const cz_header *items; /* a copy, in the arena */
    uint32_t count;
    const char *lines;
};

struct cz__own_headers {
    const cz_header *items; /* in the arena; what they point to is the answer's */
    size_t count;
};

/* Raises: CZ_ENOMEM. Context: any; does not suspend. */
struct cz__headers_before cz__headers_before(cz_ctx *ctx, const cz_response *response);
/* Those that were added or changed since, in order, those of `header_lines` among them. Raises and context as above. */
struct cz__own_headers cz__headers_since(cz_ctx *ctx, const cz_response *response,
                                         const struct cz__headers_before *before);

#endif
