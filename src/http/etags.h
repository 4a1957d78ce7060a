/* http/etags.h: names of states (RFC 9110, 8.8.3). */
#ifndef CZ_HTTP_ETAGS_H
#define CZ_HTTP_ETAGS_H

#include <calzone/http.h>

/* The next tag of a list such as If-Match has, without quotes, which goes behind it; `*out_weak` of W/"...". False at the end, and
 * where the list is malformed, so that nothing behind that is taken for a match. */
bool cz__etag_next(cz_str *list, cz_str *out, bool *out_weak);

/* Whether a header's list names a tag. What stands behind `mark` in the list's tags does not
 * count; with '\0' all does. `strong`: weak ones do not count (8.8.3.2). An `etag` at NULL is one that "*" alone names. */
bool cz__etag_is_named(const cz_request *req, cz_str header, cz_str etag, char mark, bool strong);

/* Whether the request has the answer's ETag already, by its If-None-Match (13.1.2). */
bool cz__etag_is_known(const cz_request *req);

#endif
