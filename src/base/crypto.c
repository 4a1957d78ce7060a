/* The functions are declared here, as OpenSSL's manual (EVP_EncryptInit(3), HMAC(3), PKCS5_PBKDF2_HMAC(3)) has them: its headers use names that
 * the library's own code may not. */
#include "base/crypto.h"
#include "base/library.h"
#include <calzone/random.h>

typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_md_st EVP_MD;
typedef struct engine_st ENGINE;
enum { EVP_CTRL_GCM_GET_TAG = 0x10, EVP_CTRL_GCM_SET_TAG = 0x11 };

#define FUNCTIONS(X)                                                                               \
    X(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void))                                                \
    X(void, EVP_CIPHER_CTX_free, (EVP_CIPHER_CTX *))                                               \
    X(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX *, int type, int arg, void *ptr))                  \
    X(const EVP_CIPHER *, EVP_aes_256_gcm, (void))                                                 \
    X(int, EVP_EncryptInit_ex,                                                                     \
      (EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key,                   \
       const unsigned char *iv))                                                                   \
    X(int, EVP_EncryptUpdate,                                                                      \
      (EVP_CIPHER_CTX *, unsigned char *out, int *outl, const unsigned char *in, int inl))         \
    X(int, EVP_EncryptFinal_ex, (EVP_CIPHER_CTX *, unsigned char *out, int *outl))                 \
    X(int, EVP_DecryptInit_ex,                                                                     \
      (EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key,                   \
       const unsigned char *iv))                                                                   \
    X(int, EVP_DecryptUpdate,                                                                      \
      (EVP_CIPHER_CTX *, unsigned char *out, int *outl, const unsigned char *in, int inl))         \
    X(int, EVP_DecryptFinal_ex, (EVP_CIPHER_CTX *, unsigned char *out, int *outl))                 \
    X(const EVP_MD *, EVP_sha1, (void))                                                            \
    X(const EVP_MD *, EVP_sha256, (void))                                                          \
    X(unsigned char *, HMAC,                                                                       \
      (const EVP_MD *, const void *key, int key_len, const unsigned char *text, size_t text_len,   \
       unsigned char *out, unsigned *out_len))                                                     \
    X(int, PKCS5_PBKDF2_HMAC,                                                                      \
      (const char *password, int password_len, const unsigned char *salt, int salt_len,            \
       int rounds, const EVP_MD *, int bytes, unsigned char *out))                                 \
    X(int, EVP_Digest,                                                                             \
      (const void *data, size_t count, unsigned char *md, unsigned *size, const EVP_MD *,          \
       ENGINE *))

static struct {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    FUNCTIONS(X)
#undef X
} crypto;

cz_status cz__crypto_load(cz_error *err)
{
    static struct cz__library library = { .file = "libcrypto.so.3",
                                          .from = " (package libssl3)",
                                          .name = "libcrypto",
                                          .need = "; version 3 is needed" };
    static const struct cz__symbol symbols[] = {
#define X(type, name, arguments) { #name, &crypto.name },
        FUNCTIONS(X)
#undef X
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}

/* Lengths are int there. */
static bool fits(cz_str text)
{
    return text.len <= INT32_MAX - CZ__AEAD_OVERHEAD;
}

static bool encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, cz_str plain,
                    unsigned char *out)
{
    unsigned char *text = out + CZ__AEAD_NONCE;
    int len = 0, rest = 0;
    return crypto.EVP_EncryptInit_ex(context, crypto.EVP_aes_256_gcm(), NULL, key, out) == 1 &&
           crypto.EVP_EncryptUpdate(context, text, &len, (const unsigned char *)plain.ptr,
                                    (int)plain.len) == 1 &&
           crypto.EVP_EncryptFinal_ex(context, text + len, &rest) == 1 &&
           crypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, CZ__AEAD_TAG,
                                      text + plain.len) == 1;
}

cz_status cz__aead_seal(const unsigned char key[CZ__AEAD_KEY], cz_str plain, cz_buf *out,
                        cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    if (!fits(plain))
        return cz_error_set(err, CZ_ETOOBIG, "a text to encrypt has at most 2 GiB");
    char *room = cz_buf_reserve(out, plain.len + CZ__AEAD_OVERHEAD);
    EVP_CIPHER_CTX *context = crypto.EVP_CIPHER_CTX_new();
    if (!room || !context) {
        crypto.EVP_CIPHER_CTX_free(context);
        return cz_error_set(err, CZ_ENOMEM, "no memory to encrypt");
    }
    cz_random_bytes(room, CZ__AEAD_NONCE);
    cz_str text = plain.len ? plain : CZ_STR("");
    bool fine = encrypt(context, key, text, (unsigned char *)room);
    crypto.EVP_CIPHER_CTX_free(context);
    if (!fine)
        return cz_error_set(err, CZ_EUNSUPPORTED, "libcrypto has no AES-256-GCM");
    out->len += plain.len + CZ__AEAD_OVERHEAD;
    return CZ_OK;
}

static bool decrypt(EVP_CIPHER_CTX *context, const unsigned char *key, cz_str sealed,
                    unsigned char *out)
{
    const unsigned char *nonce = (const unsigned char *)sealed.ptr, *text = nonce + CZ__AEAD_NONCE;
    size_t text_len = sealed.len - CZ__AEAD_OVERHEAD;
    unsigned char tag[CZ__AEAD_TAG], none[1];
    int len = 0, rest = 0;
    memcpy(tag, text + text_len, sizeof tag);
    return crypto.EVP_DecryptInit_ex(context, crypto.EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           crypto.EVP_DecryptUpdate(context, text_len ? out : none, &len, text, (int)text_len) ==
               1 &&
           crypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, CZ__AEAD_TAG, tag) == 1 &&
           crypto.EVP_DecryptFinal_ex(context, text_len ? out + len : none, &rest) == 1;
}

cz_status cz__aead_open(const unsigned char key[CZ__AEAD_KEY], cz_str sealed, char *out,
                        cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    if (sealed.len < CZ__AEAD_OVERHEAD || !fits(sealed))
        return cz_error_set(err, CZ_EVALIDATION, "not an encrypted text");
    EVP_CIPHER_CTX *context = crypto.EVP_CIPHER_CTX_new();
    if (!context)
        return cz_error_set(err, CZ_ENOMEM, "no memory to decrypt");
    bool fine = decrypt(context, key, sealed, (unsigned char *)out);
    crypto.EVP_CIPHER_CTX_free(context);
    return fine
               ? CZ_OK
               : cz_error_set(err, CZ_EVALIDATION, "not encrypted with this key, or changed since");
}

cz_status cz__sha256(cz_str text, unsigned char out[CZ__SHA256], cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    if (crypto.EVP_Digest(text.len ? text.ptr : "", text.len, out, NULL, crypto.EVP_sha256(),
                          NULL) == 1)
        return CZ_OK;
    return cz_error_set(err, CZ_EUNSUPPORTED, "libcrypto has no SHA-256");
}

cz_status cz__sha256_hex(cz_str text, char out[CZ__SHA256_HEX], cz_error *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[CZ__SHA256];
    cz_status status = cz__sha256(text, digest, err);
    for (size_t i = 0; i < sizeof digest && !status; i++) {
        *out++ = digits[digest[i] >> 4];
        *out++ = digits[digest[i] & 15];
    }
    return status;
}

cz_status cz__hmac_sha256(cz_str key, cz_str text, unsigned char out[CZ__SHA256], cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    bool fine = key.len <= INT32_MAX &&
                crypto.HMAC(crypto.EVP_sha256(), key.len ? key.ptr : "", (int)key.len,
                            (const unsigned char *)(text.len ? text.ptr : ""), text.len, out, NULL);
    return fine ? CZ_OK : cz_error_set(err, CZ_EUNSUPPORTED, "libcrypto has no HMAC-SHA-256");
}

cz_status cz__pbkdf2(bool sha1, cz_str password, cz_str salt, unsigned rounds, unsigned char *out,
                     size_t bytes, cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    bool fine = password.len <= INT32_MAX && salt.len <= INT32_MAX && rounds <= INT32_MAX &&
                crypto.PKCS5_PBKDF2_HMAC(
                    password.len ? password.ptr : "", (int)password.len,
                    (const unsigned char *)(salt.len ? salt.ptr : ""), (int)salt.len, (int)rounds,
                    sha1 ? crypto.EVP_sha1() : crypto.EVP_sha256(), (int)bytes, out) == 1;
    return fine ? CZ_OK : cz_error_set(err, CZ_EUNSUPPORTED, "libcrypto has no PBKDF2");
}

bool cz__bytes_equal(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *one = a, *other = b;
    unsigned char different = 0;
    for (size_t i = 0; i < len; i++)
        different |= (unsigned char)(one[i] ^ other[i]);
    return different == 0;
}
