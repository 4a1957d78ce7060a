/* base/crypto.h: authenticated encryption and digests, by OpenSSL's libcrypto.
 *
 * The library is loaded when it is first asked for: a program that encrypts nothing does not pay for it.
 */
#ifndef CZ_BASE_CRYPTO_H
#define CZ_BASE_CRYPTO_H

#include <calzone/buf.h>
#include <calzone/status.h>
#include <calzone/str.h>

enum {
    CZ__AEAD_KEY = 32, /* bytes of a key: AES-256 */
    CZ__AEAD_NONCE = 12,
    CZ__AEAD_TAG = 16,
    CZ__AEAD_OVERHEAD = CZ__AEAD_NONCE + CZ__AEAD_TAG,
    CZ__SHA256 = 32 /* bytes of a hash */
};

/* Load libcrypto. Errors: CZ_EUNSUPPORTED; `err` names what is missing. Context: any thread, as all here. */
CZ_NODISCARD cz_status cz__crypto_load(cz_error *err);

/* Append nonce, ciphertext and tag of AES-256-GCM (NIST SP 800-38D) with a nonce of the system's randomness: one
 * key is good for 2^32 messages. Errors: CZ_EUNSUPPORTED, CZ_ENOMEM, CZ_EIO: no randomness. */
CZ_NODISCARD cz_status cz__aead_seal(const unsigned char key[CZ__AEAD_KEY], cz_str plain,
                                     cz_buf *out, cz_error *err);
/* The plain text of what was sealed, in `out`, which has room for `sealed.len - CZ__AEAD_OVERHEAD` bytes.
 * Errors: CZ_EUNSUPPORTED; CZ_EVALIDATION: not sealed with this key, or changed since. */
CZ_NODISCARD cz_status cz__aead_open(const unsigned char key[CZ__AEAD_KEY], cz_str sealed,
                                     char *out, cz_error *err);

/* Whether two texts of one length are alike, in a time that does not tell where they differ. */
bool cz__bytes_equal(const void *a, const void *b, size_t len);

/* SHA-256 (FIPS 180-4). Errors: CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__sha256(cz_str text, unsigned char out[CZ__SHA256], cz_error *err);
/* The same as CZ__SHA256_HEX small hexadecimal digits, without NUL. */
enum { CZ__SHA256_HEX = 2 * CZ__SHA256 };
CZ_NODISCARD cz_status cz__sha256_hex(cz_str text, char out[CZ__SHA256_HEX], cz_error *err);
/* HMAC-SHA-256 (RFC 2104). Errors: CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__hmac_sha256(cz_str key, cz_str text, unsigned char out[CZ__SHA256],
                                       cz_error *err);
/* `bytes` of PBKDF2 (RFC 8018) with HMAC-SHA-1 or HMAC-SHA-256, at most 64. It takes long: not on a worker's own thread. Errors:
 * CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__pbkdf2(bool sha1, cz_str password, cz_str salt, unsigned rounds,
                                  unsigned char *out, size_t bytes, cz_error *err);

#endif
