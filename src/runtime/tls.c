/* The functions are declared here, as OpenSSL's manual has them: its headers use names that the library's own code may not.
 * Bytes go in and out through memory, so nothing here waits, and no signal comes of a peer that is gone. */
#include "runtime/tls.h"
#include "base/library.h"
#include <arpa/inet.h>
#include <calzone/memory.h>
#include <stdio.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;

enum {
    SSL_VERIFY_PEER = 1,
    SSL_ERROR_WANT_READ = 2,
    SSL_CTRL_SET_TLSEXT_HOSTNAME = 55,
    SSL_CTRL_SET_MIN_PROTO_VERSION = 123,
    TLS1_2_VERSION = 0x0303
};

#define SSL_FUNCTIONS(X)                                                                           \
    X(const SSL_METHOD *, TLS_client_method, (void))                                               \
    X(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *))                                                \
    X(void, SSL_CTX_free, (SSL_CTX *))                                                             \
    X(long, SSL_CTX_ctrl, (SSL_CTX *, int command, long number, void *pointer))                    \
    X(void, SSL_CTX_set_verify, (SSL_CTX *, int mode, void *callback))                             \
    X(int, SSL_CTX_set_default_verify_paths, (SSL_CTX *))                                          \
    X(int, SSL_CTX_load_verify_file, (SSL_CTX *, const char *file))                                \
    X(SSL *, SSL_new, (SSL_CTX *))                                                                 \
    X(void, SSL_free, (SSL *))                                                                     \
    X(void, SSL_set_bio, (SSL *, BIO * in, BIO * out))                                             \
    X(void, SSL_set_connect_state, (SSL *))                                                        \
    X(long, SSL_ctrl, (SSL *, int command, long number, void *pointer))                            \
    X(int, SSL_set1_host, (SSL *, const char *name))                                               \
    X(X509_VERIFY_PARAM *, SSL_get0_param, (SSL *))                                                \
    X(int, SSL_do_handshake, (SSL *))                                                              \
    X(int, SSL_read, (SSL *, void *out, int len))                                                  \
    X(int, SSL_write, (SSL *, const void *bytes, int len))                                         \
    X(int, SSL_get_error, (const SSL *, int result))                                               \
    X(long, SSL_get_verify_result, (const SSL *))

#define CRYPTO_FUNCTIONS(X)                                                                        \
    X(BIO *, BIO_new, (const BIO_METHOD *))                                                        \
    X(const BIO_METHOD *, BIO_s_mem, (void))                                                       \
    X(int, BIO_free, (BIO *))                                                                      \
    X(int, BIO_read, (BIO *, void *out, int len))                                                  \
    X(int, BIO_write, (BIO *, const void *bytes, int len))                                         \
    X(size_t, BIO_ctrl_pending, (BIO *))                                                           \
    X(int, X509_VERIFY_PARAM_set1_ip_asc, (X509_VERIFY_PARAM *, const char *address))              \
    X(const char *, X509_verify_cert_error_string, (long))                                         \
    X(unsigned long, ERR_get_error, (void))                                                        \
    X(void, ERR_clear_error, (void))                                                               \
    X(const char *, ERR_reason_error_string, (unsigned long))

static struct {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    SSL_FUNCTIONS(X)
    CRYPTO_FUNCTIONS(X)
#undef X
} lib;

struct cz__tls_context {
    SSL_CTX *ssl;
};

struct cz__tls {
    SSL *ssl; /* owns both */
    BIO *in, *out;
    char reason[160];
};

#define X(type, name, arguments) { #name, &lib.name },
static cz_status load(cz_error *err)
{
    static struct cz__library ssl = { .file = "libssl.so.3",
                                      .from = " (package libssl3)",
                                      .name = "libssl",
                                      .need = "; version 3 is needed" };
    static struct cz__library crypto = { .file = "libcrypto.so.3",
                                         .from = " (package libssl3)",
                                         .name = "libcrypto",
                                         .need = "; version 3 is needed" };
    static const struct cz__symbol of_ssl[] = { SSL_FUNCTIONS(X) };
    static const struct cz__symbol of_crypto[] = { CRYPTO_FUNCTIONS(X) };
    cz_status status = cz__library_load(&crypto, of_crypto, CZ_COUNT(of_crypto), err);
    return status ? status : cz__library_load(&ssl, of_ssl, CZ_COUNT(of_ssl), err);
}
#undef X

/* ---- whom to trust ---- */

static cz_status trust(SSL_CTX *ssl, const char *ca, cz_error *err)
{
    lib.SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (lib.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) != 1)
        return cz_error_set(err, CZ_EUNSUPPORTED, "this OpenSSL has no TLS 1.2");
    if (ca && lib.SSL_CTX_load_verify_file(ssl, ca) != 1)
        return cz_error_set(err, CZ_EVALIDATION, "%s has no certificates that can be read", ca);
    if (!ca && lib.SSL_CTX_set_default_verify_paths(ssl) != 1)
        return cz_error_set(err, CZ_EVALIDATION, "the system's certificates cannot be read");
    return CZ_OK;
}

cz_status cz__tls_context_create(const char *ca, cz__tls_context **out, cz_error *err)
{
    cz_status status = load(err);
    if (status)
        return status;
    lib.ERR_clear_error();
    cz__tls_context *context = cz_malloc(sizeof *context);
    SSL_CTX *ssl = context ? lib.SSL_CTX_new(lib.TLS_client_method()) : NULL;
    if (!ssl) {
        cz_free(context);
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    }
    context->ssl = ssl;
    status = trust(ssl, ca, err);
    if (status)
        cz__tls_context_destroy(context);
    else
        *out = context;
    return status;
}

void cz__tls_context_destroy(cz__tls_context *context)
{
    if (!context)
        return;
    lib.SSL_CTX_free(context->ssl);
    cz_free(context);
}

/* ---- one connection ---- */

/* The certificate has to be for this name, or address; a name is told to the peer, too. */
static bool set_host(SSL *ssl, const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return lib.X509_VERIFY_PARAM_set1_ip_asc(lib.SSL_get0_param(ssl), host) == 1;
    return lib.SSL_set1_host(ssl, host) == 1 &&
           lib.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, (void *)(uintptr_t)host) == 1;
}

cz_status cz__tls_create(const cz__tls_context *context, const char *host, cz__tls **out)
{
    cz__tls *tls = cz_calloc(1, sizeof *tls);
    if (!tls)
        return CZ_ENOMEM;
    tls->ssl = lib.SSL_new(context->ssl);
    tls->in = lib.BIO_new(lib.BIO_s_mem());
    tls->out = lib.BIO_new(lib.BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        lib.BIO_free(tls->in);
        lib.BIO_free(tls->out);
        cz__tls_destroy(tls);
        return CZ_ENOMEM;
    }
    lib.SSL_set_bio(tls->ssl, tls->in, tls->out);
    lib.SSL_set_connect_state(tls->ssl);
    if (!set_host(tls->ssl, host)) {
        cz__tls_destroy(tls);
        return CZ_ENOMEM;
    }
    *out = tls;
    return CZ_OK;
}

void cz__tls_destroy(cz__tls *tls)
{
    if (!tls)
        return;
    lib.SSL_free(tls->ssl);
    cz_free(tls);
}

const char *cz__tls_reason(const cz__tls *tls)
{
    return tls->reason;
}

/* Why: a certificate that was refused, or what OpenSSL noted first. */
static cz_status fail(cz__tls *tls)
{
    long verified = lib.SSL_get_verify_result(tls->ssl);
    unsigned long code = lib.ERR_get_error();
    const char *text = code ? lib.ERR_reason_error_string(code) : NULL;
    if (verified)
        text = lib.X509_verify_cert_error_string(verified);
    cz_ignore(snprintf(tls->reason, sizeof tls->reason, "TLS: %s",
                       text ? text : "the connection was closed")); /* may be cut */
    lib.ERR_clear_error();
    return CZ_EPROTOCOL;
}

cz_status cz__tls_feed(cz__tls *tls, const char *bytes, size_t len)
{
    cz_assert(len <= INT32_MAX);
    return len && lib.BIO_write(tls->in, bytes, (int)len) != (int)len ? CZ_ENOMEM : CZ_OK;
}

cz_status cz__tls_handshake(cz__tls *tls, bool *out_done)
{
    lib.ERR_clear_error();
    int result = lib.SSL_do_handshake(tls->ssl);
    *out_done = result == 1;
    if (result == 1 || lib.SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return CZ_OK;
    return fail(tls);
}

cz_status cz__tls_read(cz__tls *tls, char *out, size_t len, size_t *out_len)
{
    lib.ERR_clear_error();
    int result = lib.SSL_read(tls->ssl, out, (int)len);
    *out_len = result > 0 ? (size_t)result : 0;
    if (result > 0 || lib.SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return CZ_OK;
    return fail(tls);
}

cz_status cz__tls_write(cz__tls *tls, const char *bytes, size_t len)
{
    cz_assert(len <= INT32_MAX);
    lib.ERR_clear_error();
    return lib.SSL_write(tls->ssl, bytes, (int)len) == (int)len ? CZ_OK : fail(tls);
}

void cz__tls_take(cz__tls *tls, cz_buf *out)
{
    size_t pending;
    while ((pending = lib.BIO_ctrl_pending(tls->out)) > 0) {
        char *at = cz_buf_reserve(out, pending);
        if (!at) /* the buffer has noted it */
            return;
        int count = lib.BIO_read(tls->out, at, (int)pending);
        if (count <= 0)
            return;
        cz_buf_commit(out, (size_t)count);
    }
}
