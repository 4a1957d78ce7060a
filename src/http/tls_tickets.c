/* The keys that tickets of sessions are sealed with (RFC 5077; RFC 8446, 4.6.1).
 *
 * All workers begin with one random secret, which is in no file, and go from one secret to the next by a hash every twelve hours:
 * so they agree without a word, and nobody can go back. A ticket of the time before is taken once more and replaced. The secret of
 * today, and no older one, lies in memory that generations share, so that sessions go on over a reload. */
#include "http/tls_tickets.h"
#include "base/crypto.h"
#include "runtime/shared_memory.h"
#include <calzone/random.h>
#include <calzone/time.h>
#include <stdatomic.h>
#include <string.h>

enum { ROTATE_S = 12 * 3600, IV_BYTES = 16 };

struct keys {
    unsigned char name[CZ__SHA256], cipher[CZ__SHA256], mac[CZ__SHA256];
};

static struct {
    unsigned char secret[CZ__SHA256]; /* of the period before */
    int64_t period;                   /* of `secret` */
    struct keys previous, current;
    bool begun;
} self;

/* What the next generation begins with. Whoever goes to the next secret writes it, and all write the same. */
struct left {
    _Atomic int64_t period; /* 0: none; -1: it is being written */
    unsigned char secret[CZ__SHA256];
};
static struct left *left; /* NULL: there is no memory for it */

static void leave_secret(void)
{
    if (!left)
        return;
    atomic_store(&left->period, -1);
    memcpy(left->secret, self.secret, sizeof left->secret);
    atomic_store(&left->period, self.period);
}

/* False: there is none, or it changes just now. */
static bool take_secret(int64_t period)
{
    bool fresh;
    void *memory;
    if (!left && !cz__shared_memory_open("tickets 1", sizeof *left, &memory, &fresh))
        left = memory;
    int64_t of = left ? atomic_load(&left->period) : 0;
    if (of <= 0 || of > period)
        return false;
    memcpy(self.secret, left->secret, sizeof self.secret);
    self.period = of;
    return atomic_load(&left->period) == of;
}

static cz_status derive(const unsigned char *secret, const char *purpose, unsigned char *out)
{
    return cz__hmac_sha256(cz_str_of((const char *)secret, CZ__SHA256), cz_str_from(purpose), out,
                           NULL);
}

static cz_status derive_keys(const unsigned char *secret, struct keys *out)
{
    cz_status status = derive(secret, "name", out->name);
    if (!status)
        status = derive(secret, "cipher", out->cipher);
    return status ? status : derive(secret, "mac", out->mac);
}

static cz_status derive_all(void)
{
    unsigned char next[CZ__SHA256];
    cz_status status = derive_keys(self.secret, &self.previous);
    if (!status)
        status = derive(self.secret, "next", next);
    if (!status)
        status = derive_keys(next, &self.current);
    explicit_bzero(next, sizeof next);
    return status;
}

static cz_status advance(int64_t now_s)
{
    int64_t wanted = now_s / ROTATE_S - 1;
    if (self.period >= wanted)
        return CZ_OK;
    for (; self.period < wanted; self.period++) {
        unsigned char next[CZ__SHA256];
        cz_status status = derive(self.secret, "next", next);
        if (status)
            return status;
        memcpy(self.secret, next, sizeof next);
        explicit_bzero(next, sizeof next);
    }
    leave_secret();
    return derive_all();
}

cz_status cz__tls_tickets_begin_at(int64_t now_s, cz_error *err)
{
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    self.begun = true;
    if (take_secret(now_s / ROTATE_S - 1)) {
        status = advance(now_s);
        return status ? status : derive_all();
    }
    cz_random_bytes(self.secret, sizeof self.secret);
    self.period = now_s / ROTATE_S - 1;
    leave_secret();
    return derive_all();
}

static bool set_mac(EVP_MAC_CTX *mac, const struct keys *keys)
{
    static char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        { .key = "key",
          .data_type = OSSL_PARAM_OCTET_STRING,
          .data = (void *)(uintptr_t)keys->mac,
          .data_size = sizeof keys->mac },
        { .key = "digest",
          .data_type = OSSL_PARAM_UTF8_STRING,
          .data = digest,
          .data_size = sizeof digest - 1 },
        { .key = NULL },
    };
    return cz__ssl.EVP_MAC_CTX_set_params(mac, params) == 1;
}

int cz__tls_ticket_key_at(int64_t now_s, unsigned char *name, unsigned char *iv,
                          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypt)
{
    enum { FAILED = -1, UNKNOWN = 0, FINE = 1, RENEW = 2 };
    const EVP_CIPHER *aes = cz__ssl.EVP_aes_256_cbc();
    if (advance(now_s))
        return FAILED;
    if (encrypt) {
        memcpy(name, self.current.name, CZ__TICKET_NAME);
        cz_random_bytes(iv, IV_BYTES);
        return set_mac(mac, &self.current) &&
                       cz__ssl.EVP_EncryptInit_ex(cipher, aes, NULL, self.current.cipher, iv) == 1
                   ? FINE
                   : FAILED;
    }
    bool current = memcmp(name, self.current.name, CZ__TICKET_NAME) == 0;
    const struct keys *keys = current ? &self.current : &self.previous;
    if (!current && memcmp(name, self.previous.name, CZ__TICKET_NAME) != 0)
        return UNKNOWN; /* a whole handshake then */
    if (!set_mac(mac, keys) || cz__ssl.EVP_DecryptInit_ex(cipher, aes, NULL, keys->cipher, iv) != 1)
        return FAILED;
    return current ? FINE : RENEW;
}

cz_status cz__tls_tickets_begin(cz_error *err)
{
    return self.begun ? CZ_OK : cz__tls_tickets_begin_at(cz_now().us / 1000000, err);
}

int cz__tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int encrypt)
{
    (void)ssl;
    return cz__tls_ticket_key_at(cz_now().us / 1000000, name, iv, cipher, mac, encrypt != 0);
}
