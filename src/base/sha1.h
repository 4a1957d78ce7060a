/* base/sha1.h: SHA-1 (RFC 3174), for protocols that were made with it and do not rely on its strength: the handshake of a
 * WebSocket. For anything secret there is base/crypto.h. */
#ifndef CZ_BASE_SHA1_H
#define CZ_BASE_SHA1_H

#include <calzone/str.h>

enum { CZ__SHA1 = 20 /* bytes of a hash */ };

/* Context: any thread. */
void cz__sha1(cz_str text, unsigned char out[CZ__SHA1]);

#endif
