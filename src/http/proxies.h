/* http/proxies.h: who asks, when proxies stand between.
 *
 * What a proxy says of its client is believed when the proxy itself is trusted (setting TRUSTED_PROXIES) and
 * from nobody else: anyone can send such a header.
 */
#ifndef CZ_HTTP_PROXIES_H
#define CZ_HTTP_PROXIES_H

#include <calzone/http.h>

/* An address: IPv6, or IPv4 mapped into it (RFC 4291, 2.5.5.2), so that one host has one form. */
typedef struct cz__address {
    uint8_t bytes[16];
} cz__address;

/* Read "192.0.2.1" or "2001:db8::1", without brackets, port or zone. False: it is none.
 * Context: any thread, as all here but cz__proxies_configure(). */
bool cz__address_read(cz_str text, cz__address *out);
bool cz__address_is_ipv4(const cz__address *address);
/* The one that has these 4 bytes in IPv4. */
cz__address cz__address_of_ipv4(const void *bytes);
/* Write its text with a NUL behind, "192.0.2.1" or "2001:db8::1". */
enum { CZ__ADDRESS_BYTES = 46 };
void cz__address_to_text(const cz__address *address, char out[CZ__ADDRESS_BYTES]);

/* Whether it is that of a trusted proxy. */
bool cz__proxies_trust(const cz__address *address);

/* Trust these addresses and CIDR blocks from now on, instead of those before; an empty list trusts nobody.
 * Errors: CZ_EVALIDATION, `err` names the entry; CZ_ETOOBIG over 256. Context: start-up. */
CZ_NODISCARD cz_status cz__proxies_configure(const cz_str_list *list, cz_error *err);

/* When the peer at req->client_address is trusted, set client_address and scheme to what Forwarded (RFC 7239) or
 * X-Forwarded-For and X-Forwarded-Proto say: the client is the right-most address that is not trusted, the
 * left-most where all are. Where that is no address, where the header is malformed or where both kinds of header
 * say different things, both stay the peer's. Owns: the text is in `arena`; without memory the peer's stays. */
void cz__proxies_apply(cz_arena *arena, cz_request *req);

#endif
