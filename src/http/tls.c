#include "http/tls.h"
#include "http/tls_internal.h"
#include "http/tls_tickets.h"
#include <calzone/memory.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

struct cz__tls_server {
    unsigned references;
    bool http2;
    cz__tls_keys *keys; /* borrowed; NULL: it has them itself */
    size_t count;
    SSL_CTX *certificates[]; /* owned; the first is whom nobody asked for */
};

struct cz__tls_session {
    SSL *ssl; /* owned */
    cz__tls_server *server;
    bool wants_out, failed;
    bool starved; /* what was read of the socket is no whole record */
};

const char *cz__tls_noted(void)
{
    unsigned long code = cz__ssl.ERR_get_error();
    const char *text = code & ERR_SYSTEM_FLAG ? strerror((int)(code & ~ERR_SYSTEM_FLAG))
                       : code                 ? cz__ssl.ERR_reason_error_string(code)
                                              : NULL;
    cz__ssl.ERR_clear_error();
    return text ? text : "the connection was closed";
}

/* ---- what is spoken ---- */

/* With elliptic Diffie-Hellman, so that a key that is lost opens nothing of before, and sealed as a whole (RFC 9325, 4.2). */
static const char tls12_ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static char groups[] = "X25519:P-256:P-384";
/* By SHA-2 alone (RFC 9155). */
static char signatures[] = "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:"
                           "RSA-PSS+SHA384:RSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512:"
                           "ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512";

/* A list of names, each behind its length (RFC 7301, 3.1); ours in the order of what we like. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";

static bool offers(const unsigned char *in, unsigned in_len, const unsigned char *name)
{
    for (unsigned at = 0; at < in_len; at += in[at] + 1u)
        if (in[at] == name[0] && at + 1u + in[at] <= in_len &&
            memcmp(in + at + 1, name + 1, name[0]) == 0)
            return true;
    return false;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    const cz__tls_server *server = arg;
    (void)ssl;
    for (const unsigned char *name = protocols + (server->http2 ? 0 : 3); *name; name += *name + 1)
        if (offers(in, in_len, name)) {
            *out = name + 1;
            *out_len = *name;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2: no_application_protocol */
}

static int choose_certificate(SSL *ssl, int *alert, void *arg)
{
    const cz__tls_server *server = arg;
    const char *name = cz__ssl.SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name && i < server->count; i++)
        if (cz__ssl.X509_check_host(cz__ssl.SSL_CTX_get0_certificate(server->certificates[i]), name,
                                    0, 0, NULL) == 1) {
            if (i > 0)
                cz__ssl.SSL_set_SSL_CTX(ssl, server->certificates[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static bool set_rules(SSL_CTX *ssl, cz__tls_server *server)
{
    static const unsigned char context[] = "calzone";
    cz__ssl.SSL_CTX_set_options(
        ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ENABLE_KTLS);
    cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_MODE,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                             SSL_MODE_RELEASE_BUFFERS,
                         NULL);
    cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_READ_AHEAD, 1,
                         NULL); /* else the head of each record is a read of its own */
    cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
    cz__ssl.SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, server);
    cz__ssl.SSL_CTX_callback_ctrl(ssl, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                                  (void (*)(void))choose_certificate);
    cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, server);
    return cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) == 1 &&
           cz__ssl.SSL_CTX_set_cipher_list(ssl, tls12_ciphers) == 1 &&
           cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_GROUPS_LIST, 0, groups) == 1 &&
           cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_SET_SIGALGS_LIST, 0, signatures) == 1 &&
           cz__ssl.SSL_CTX_set_session_id_context(ssl, context, sizeof context - 1) == 1 &&
           cz__ssl.SSL_CTX_set_num_tickets(ssl, 1) == 1 && /* each takes a tenth of a handshake */
           cz__ssl.SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, cz__tls_ticket_key) == 1;
}

/* ---- whose certificates ---- */

cz_status cz__tls_use_certificate(SSL_CTX *ssl, const char *certificate, cz_error *err)
{
    if (cz__ssl.SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        return cz_error_set(err, CZ_EVALIDATION, "the certificate %s cannot be read as PEM: %s",
                            certificate, cz__tls_noted());
    return CZ_OK;
}

/* Else OpenSSL asks at the terminal, or at standard input. */
static int have_no_passphrase(char *out, int bytes, int writing, void *arg)
{
    bool *asked = arg;
    (void)out;
    (void)bytes;
    (void)writing;
    *asked = true;
    return -1;
}

cz_status cz__tls_use_key(SSL_CTX *ssl, const char *certificate, const char *key, cz_error *err)
{
    bool asked = false;
    cz__ssl.SSL_CTX_set_default_passwd_cb(ssl, have_no_passphrase);
    cz__ssl.SSL_CTX_set_default_passwd_cb_userdata(ssl, &asked);
    bool used = cz__ssl.SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) == 1;
    cz__ssl.SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
    if (asked)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "the key %s has a passphrase, which nobody is there to type at a restart: "
            "take it off with openssl pkey",
            key);
    if (!used || cz__ssl.SSL_CTX_check_private_key(ssl) != 1)
        return cz_error_set(err, CZ_EVALIDATION,
                            "the key %s cannot be read as PEM or is not that of %s: %s", key,
                            certificate, cz__tls_noted());
    return CZ_OK;
}

static cz_status use_files(SSL_CTX *ssl, const struct cz__tls_options *options, size_t index,
                           cz_error *err)
{
    cz_status status = cz__tls_use_certificate(ssl, options->certificates[index], err);
    return status ? status
                  : cz__tls_use_key(ssl, options->certificates[index], options->keys[index], err);
}

static cz_status use_process(SSL_CTX *ssl, cz__tls_keys *keys, size_t index, cz_error *err)
{
    cz_status status =
        cz__tls_use_chain(ssl, cz__tls_provider_library(), cz__tls_chain(keys, index), err);
    if (!status && !cz__tls_provider_use(ssl, keys, (unsigned)index))
        return cz_error_set(err, CZ_EUNSUPPORTED,
                            "this OpenSSL takes no keys of another process, which "
                            "TLS_KEY_PROCESS=false does without: %s",
                            cz__tls_noted());
    return status;
}

static cz_status ask_clients(SSL_CTX *ssl, const struct cz__tls_options *options, cz_error *err)
{
    STACK_OF_X509_NAME *names;
    if (!options->client_ca)
        return CZ_OK;
    if (cz__ssl.SSL_CTX_load_verify_file(ssl, options->client_ca) != 1 ||
        !(names = cz__ssl.SSL_load_client_CA_file(options->client_ca)))
        return cz_error_set(err, CZ_EVALIDATION, "%s has no certificates that can be read: %s",
                            options->client_ca, cz__tls_noted());
    cz__ssl.SSL_CTX_set_client_CA_list(ssl, names); /* which owns them now */
    cz__ssl.SSL_CTX_set_verify(
        ssl, SSL_VERIFY_PEER | (options->client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return CZ_OK;
}

static cz_status add_certificate(cz__tls_server *server, const struct cz__tls_options *options,
                                 size_t index, cz_error *err)
{
    cz__ssl.ERR_clear_error();
    SSL_CTX *ssl = cz__ssl.SSL_CTX_new_ex(options->process ? cz__tls_provider_library() : NULL,
                                          NULL, cz__ssl.TLS_server_method());
    if (!ssl)
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    server->certificates[server->count++] = ssl;
    if (!set_rules(ssl, server))
        return cz_error_set(err, CZ_EUNSUPPORTED, "this OpenSSL refuses the rules of TLS: %s",
                            cz__tls_noted());
    cz_status status = options->process ? use_process(ssl, options->process, index, err)
                                        : use_files(ssl, options, index, err);
    return status ? status : ask_clients(ssl, options, err);
}

cz_status cz__tls_server_create(const struct cz__tls_options *options, cz__tls_server **out,
                                cz_error *err)
{
    cz_status status = cz__openssl_load(err);
    if (!status)
        status = cz__tls_tickets_begin(err);
    if (!status && options->process && !cz__tls_provider_library())
        status = cz_error_set(err, CZ_EUNSUPPORTED, "this OpenSSL takes no providers: %s",
                              cz__tls_noted());
    if (status)
        return status;
    if (!options->count || options->count > CZ__TLS_CERTIFICATES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "TLS takes 1 to %d certificates, not %zu",
                            CZ__TLS_CERTIFICATES_MAX, options->count);
    cz__tls_server *server =
        cz_calloc(1, sizeof *server + options->count * sizeof(server->certificates[0]));
    if (!server)
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    server->references = 1;
    server->http2 = options->http2;
    server->keys = options->process;
    for (size_t i = 0; i < options->count && !status; i++)
        status = add_certificate(server, options, i, err);
    if (status)
        cz__tls_server_release(server);
    else
        *out = server;
    return status;
}

void cz__tls_server_retain(cz__tls_server *server)
{
    server->references++;
}

void cz__tls_server_release(cz__tls_server *server)
{
    if (!server || --server->references)
        return;
    for (size_t i = 0; i < server->count; i++)
        cz__ssl.SSL_CTX_free(server->certificates[i]);
    cz_free(server);
}

size_t cz__tls_server_expired(const cz__tls_server *server)
{
    size_t expired = 0;
    for (size_t i = 0; i < server->count; i++) {
        const X509 *certificate = cz__ssl.SSL_CTX_get0_certificate(server->certificates[i]);
        expired += cz__ssl.X509_cmp_current_time(cz__ssl.X509_get0_notAfter(certificate)) < 0;
    }
    return expired;
}

/* ---- one connection ---- */

cz_status cz__tls_session_create(cz__tls_server *server, int fd, cz__tls_session **out)
{
    cz__tls_session *session = cz_calloc(1, sizeof *session);
    if (!session)
        return CZ_ENOMEM;
    cz__ssl.ERR_clear_error();
    session->ssl = cz__ssl.SSL_new(server->certificates[0]);
    if (!session->ssl || cz__ssl.SSL_set_fd(session->ssl, fd) != 1) {
        cz__ssl.ERR_clear_error();
        cz__ssl.SSL_free(session->ssl);
        cz_free(session);
        return CZ_ENOMEM;
    }
    cz__ssl.SSL_set_accept_state(session->ssl);
    cz__tls_server_retain(server);
    session->server = server;
    *out = session;
    return CZ_OK;
}

void cz__tls_session_destroy(cz__tls_session *session)
{
    if (!session)
        return;
    cz__ssl.SSL_free(session->ssl);
    cz__tls_server_release(session->server);
    cz_free(session);
}

/* Whether it has to wait. What a call needs of the descriptor holds until the next one. */
static bool waits(cz__tls_session *session, int result, int *out_code)
{
    *out_code = cz__ssl.SSL_get_error(session->ssl, result);
    session->wants_out = *out_code == SSL_ERROR_WANT_WRITE;
    return session->wants_out || *out_code == SSL_ERROR_WANT_READ;
}

cz_status cz__tls_session_handshake(cz__tls_session *session, const char **out_reason)
{
    int code;
    cz__ssl.ERR_clear_error();
    int result = cz__ssl.SSL_do_handshake(session->ssl);
    session->starved = result != 1;
    if (result == 1) {
        session->wants_out = false;
        return CZ_OK;
    }
    if (waits(session, result, &code))
        return CZ_EAGAIN;
    bool http = (cz__ssl.ERR_peek_error() & ERR_REASON_MASK) == SSL_R_HTTP_REQUEST;
    const char *noted = cz__tls_noted();
    const char *unsigned_for =
        session->server->keys ? cz__tls_keys_failure(session->server->keys) : NULL;
    session->failed = true;
    *out_reason = unsigned_for ? unsigned_for : noted;
    return http ? CZ_EVALIDATION : CZ_EPROTOCOL;
}

/* Of a connection that can't be used any more. */
static ssize_t broken(cz__tls_session *session)
{
    session->failed = true; /* after which nothing may be called but SSL_free() */
    cz__ssl.ERR_clear_error();
    errno = ECONNRESET;
    return -1;
}

ssize_t cz__tls_session_read(cz__tls_session *session, char *room, size_t bytes)
{
    int code;
    cz__ssl.ERR_clear_error();
    int result = cz__ssl.SSL_read(session->ssl, room, bytes < INT_MAX ? (int)bytes : INT_MAX);
    session->starved = result <= 0;
    if (result > 0) {
        session->wants_out = false;
        return result;
    }
    if (waits(session, result, &code)) {
        errno = EAGAIN;
        return -1;
    }
    return code == SSL_ERROR_ZERO_RETURN ? 0 : broken(session);
}

/* Records have 16 KiB at most, and a call writes one. */
ssize_t cz__tls_session_write(cz__tls_session *session, const struct iovec *parts, size_t count)
{
    ssize_t sent = 0;
    int code;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].iov_len;) {
            size_t left = parts[i].iov_len - at;
            cz__ssl.ERR_clear_error();
            int result = cz__ssl.SSL_write(session->ssl, (const char *)parts[i].iov_base + at,
                                           left < INT_MAX ? (int)left : INT_MAX);
            if (result > 0) {
                at += (size_t)result;
                sent += result;
            } else if (!waits(session, result, &code)) {
                return sent ? sent : broken(session);
            } else if (sent) {
                return sent;
            } else {
                errno = EAGAIN;
                return -1;
            }
        }
    session->wants_out = false;
    return sent;
}

bool cz__tls_session_has_more(const cz__tls_session *session)
{
    return !session->failed && !session->starved && cz__ssl.SSL_has_pending(session->ssl);
}

bool cz__tls_session_wants_out(const cz__tls_session *session)
{
    return session->wants_out;
}

void cz__tls_session_end(cz__tls_session *session)
{
    if (session->failed)
        return;
    cz__ssl.ERR_clear_error();
    cz_ignore(
        cz__ssl.SSL_shutdown(session->ssl)); /* a courtesy: who does not get it sees the end */
    cz__ssl.ERR_clear_error();
}

cz_str cz__tls_session_protocol(const cz__tls_session *session)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    cz__ssl.SSL_get0_alpn_selected(session->ssl, &name, &len);
    return cz_str_of((const char *)name, len);
}

static cz_status copy_text(BIO *bio, cz_arena *arena, cz_str *out)
{
    size_t bytes = cz__ssl.BIO_ctrl_pending(bio);
    char *text = bytes && bytes < INT_MAX ? cz_arena_alloc(arena, bytes) : NULL;
    if (!text)
        return CZ_ENOMEM;
    *out = cz_str_of(text, (size_t)cz__ssl.BIO_read(bio, text, (int)bytes));
    return CZ_OK;
}

cz_status cz__tls_session_peer(const cz__tls_session *session, cz_arena *arena, cz_str *out)
{
    X509 *certificate = cz__ssl.SSL_get0_peer_certificate(session->ssl);
    *out = CZ_STR("");
    if (!certificate)
        return CZ_OK;
    BIO *text = cz__ssl.BIO_new(cz__ssl.BIO_s_mem());
    if (!text)
        return CZ_ENOMEM;
    int written = cz__ssl.X509_NAME_print_ex(text, cz__ssl.X509_get_subject_name(certificate), 0,
                                             XN_FLAG_RFC2253);
    cz_status status = written < 0 ? CZ_ENOMEM : written ? copy_text(text, arena, out) : CZ_OK;
    cz__ssl.BIO_free(text);
    return status;
}
