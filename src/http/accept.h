/* http/accept.h: how much a client wants what it lists (RFC 9110, 12.4.2 and 12.5.3).
 *
 * A weight is a q-value in thousandths: 1000 for q=1, 0 for not at all. A malformed one is 0, so that nobody gets what they did
 * not ask for. Context: any thread.
 */
#ifndef CZ_HTTP_ACCEPT_H
#define CZ_HTTP_ACCEPT_H

#include <calzone/str.h>

enum { CZ__WEIGHT_MOST = 1000, CZ__WEIGHT_UNSAID = -1 };

/* The weight among an item's parameters, ";q=0.5"; CZ__WEIGHT_MOST without one. */
int cz__accept_weight(cz_str parameters);

/* How much an Accept-Encoding header wants a coding, such as "gzip" or "identity": by its name, else by "*";
 * CZ__WEIGHT_UNSAID: it says nothing of it. "x-gzip" is gzip (8.4.1.3). */
int cz__accept_encoding(cz_str header, cz_str coding);

#endif
