/* http/tls_tickets.h: the keys that tickets of sessions are sealed with. */
#ifndef CZ_HTTP_TLS_TICKETS_H
#define CZ_HTTP_TLS_TICKETS_H

#include "http/tls.h"
#include "runtime/openssl.h"

enum { CZ__TICKET_NAME = 16 };

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
int cz__tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int encrypt);

/* The same at a time of the test's own. */
CZ_NODISCARD cz_status cz__tls_tickets_begin_at(int64_t now_s, cz_error *err);
int cz__tls_ticket_key_at(int64_t now_s, unsigned char *name, unsigned char *iv,
                          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypt);

#endif
