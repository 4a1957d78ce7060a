/* Bytes go in and out through memory, so nothing here waits, and no signal comes of a peer that is gone. */
#include "runtime/tls.h"
#include "runtime/openssl.h"
#include <arpa/inet.h>
#include <calzone/memory.h>
#include <stdio.h>

struct cz__tls_context {
    SSL_CTX *ssl;
};

struct cz__tls {
    SSL *ssl; /* owns both */
    BIO *in, *out;
    char reason[160];
};

/* ---- whom to trust ---- */

static cz_status trust(SSL_CTX *ssl, const char *ca, cz_error *err)
{
    cz__ssl.SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) != 1)
        return cz_error_set(err, CZ_EUNSUPPORTED, "this OpenSSL has no TLS 1.2");
    if (ca && cz__ssl.SSL_CTX_load_verify_file(ssl, ca) != 1)
        return cz_error_set(err, CZ_EVALIDATION, "%s has no certificates that can be read", ca);
    if (!ca && cz__ssl.SSL_CTX_set_default_verify_paths(ssl) != 1)
        return cz_error_set(err, CZ_EVALIDATION, "the system's certificates cannot be read");
    return CZ_OK;
}

cz_status cz__tls_context_create(const char *ca, cz__tls_context **out, cz_error *err)
{
    cz_status status = cz__openssl_load(err);
    if (status)
        return status;
    cz__ssl.ERR_clear_error();
    cz__tls_context *context = cz_malloc(sizeof *context);
    SSL_CTX *ssl = context ? cz__ssl.SSL_CTX_new(cz__ssl.TLS_client_method()) : NULL;
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
    cz__ssl.SSL_CTX_free(context->ssl);
    cz_free(context);
}

/* ---- one connection ---- */

/* The certificate has to be for this name, or address; a name is told to the peer, too. */
static bool set_host(SSL *ssl, const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return cz__ssl.X509_VERIFY_PARAM_set1_ip_asc(cz__ssl.SSL_get0_param(ssl), host) == 1;
    return cz__ssl.SSL_set1_host(ssl, host) == 1 &&
           cz__ssl.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, (void *)(uintptr_t)host) == 1;
}

cz_status cz__tls_create(const cz__tls_context *context, const char *host, cz__tls **out)
{
    cz__tls *tls = cz_calloc(1, sizeof *tls);
    if (!tls)
        return CZ_ENOMEM;
    tls->ssl = cz__ssl.SSL_new(context->ssl);
    tls->in = cz__ssl.BIO_new(cz__ssl.BIO_s_mem());
    tls->out = cz__ssl.BIO_new(cz__ssl.BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        cz__ssl.BIO_free(tls->in);
        cz__ssl.BIO_free(tls->out);
        cz__tls_destroy(tls);
        return CZ_ENOMEM;
    }
    cz__ssl.SSL_set_bio(tls->ssl, tls->in, tls->out);
    cz__ssl.SSL_set_connect_state(tls->ssl);
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
    cz__ssl.SSL_free(tls->ssl);
    cz_free(tls);
}

const char *cz__tls_reason(const cz__tls *tls)
{
    return tls->reason;
}

/* Why: a certificate that was refused, or what OpenSSL noted first. */
static cz_status fail(cz__tls *tls)
{
    long verified = cz__ssl.SSL_get_verify_result(tls->ssl);
    unsigned long code = cz__ssl.ERR_get_error();
    const char *text = code ? cz__ssl.ERR_reason_error_string(code) : NULL;
    if (verified)
        text = cz__ssl.X509_verify_cert_error_string(verified);
    cz_ignore(snprintf(tls->reason, sizeof tls->reason, "TLS: %s",
                       text ? text : "the connection was closed")); /* may be cut */
    cz__ssl.ERR_clear_error();
    return CZ_EPROTOCOL;
}

cz_status cz__tls_feed(cz__tls *tls, const char *bytes, size_t len)
{
    cz_assert(len <= INT32_MAX);
    return len && cz__ssl.BIO_write(tls->in, bytes, (int)len) != (int)len ? CZ_ENOMEM : CZ_OK;
}

cz_status cz__tls_handshake(cz__tls *tls, bool *out_done)
{
    cz__ssl.ERR_clear_error();
    int result = cz__ssl.SSL_do_handshake(tls->ssl);
    *out_done = result == 1;
    if (result == 1 || cz__ssl.SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return CZ_OK;
    return fail(tls);
}

cz_status cz__tls_read(cz__tls *tls, char *out, size_t len, size_t *out_len)
{
    cz__ssl.ERR_clear_error();
    int result = cz__ssl.SSL_read(tls->ssl, out, (int)len);
    *out_len = result > 0 ? (size_t)result : 0;
    if (result > 0 || cz__ssl.SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return CZ_OK;
    return fail(tls);
}

cz_status cz__tls_write(cz__tls *tls, const char *bytes, size_t len)
{
    cz_assert(len <= INT32_MAX);
    cz__ssl.ERR_clear_error();
    return cz__ssl.SSL_write(tls->ssl, bytes, (int)len) == (int)len ? CZ_OK : fail(tls);
}

void cz__tls_take(cz__tls *tls, cz_buf *out)
{
    size_t pending;
    while ((pending = cz__ssl.BIO_ctrl_pending(tls->out)) > 0) {
        char *at = cz_buf_reserve(out, pending);
        if (!at) /* the buffer has noted it */
            return;
        int count = cz__ssl.BIO_read(tls->out, at, (int)pending);
        if (count <= 0)
            return;
        cz_buf_commit(out, (size_t)count);
    }
}
