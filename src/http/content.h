/* http/content.h: what a request's content is sent as. */
#ifndef CZ_HTTP_CONTENT_H
#define CZ_HTTP_CONTENT_H

#include <calzone/http.h>

/* Bodies are read as they came: one that is packed (RFC 9110, 8.4) would be taken for what it is not. Raises: CZ_EMEDIATYPE, and
 * Accept-Encoding says what is read (12.5.3). */
void cz__request_refuse_coding(cz_ctx *ctx, cz_request *req);

/* Whether its form is read as it comes, and its body never whole. */
bool cz__form_is_streamed(const cz_request *req);

#endif
