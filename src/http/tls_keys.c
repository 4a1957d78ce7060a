/* The process of the keys as its master and its workers see it. */
#include <calzone/log.h>
#include <calzone/memory.h>
#include <calzone/random.h>
#include <calzone/time.h>
#include "http/tls_internal.h"
#include "runtime/listen.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 1000, RETRY_MS = 1000, RETRY_ANSWER_MS = 50 };
enum { OF_WORKER, OF_PROCESS };

/* ---- certificates, as the process tells them ---- */

static bool take_length(cz_str *rest, uint32_t *out)
{
    if (rest->len < sizeof *out)
        return false;
    memcpy(out, rest->ptr, sizeof *out);
    *rest = cz_str_tail(*rest, sizeof *out);
    return *out <= rest->len;
}

bool cz__tls_chain_next(cz_str *chain, cz_str *out)
{
    uint32_t len;
    if (!take_length(chain, &len) || !len)
        return false;
    *out = cz_str_head(*chain, len);
    *chain = cz_str_tail(*chain, len);
    return true;
}

cz_str cz__tls_chain(const cz__tls_keys *keys, size_t index)
{
    cz_str rest = cz_buf_str(&keys->chains), certificate;
    for (size_t i = 0; i < index; i++)
        while (cz__tls_chain_next(&rest, &certificate))
            ;
    return rest;
}

cz_status cz__tls_use_chain(SSL_CTX *ssl, OSSL_LIB_CTX *library, cz_str chain, cz_error *err)
{
    cz_str der;
    for (bool first = true; cz__tls_chain_next(&chain, &der); first = false) {
        const unsigned char *bytes = (const unsigned char *)der.ptr;
        X509 *certificate = cz__ssl.X509_new_ex(library, NULL);
        if (!certificate)
            return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
        bool used = cz__ssl.d2i_X509(&certificate, &bytes, (long)der.len) &&
                    (first ? cz__ssl.SSL_CTX_use_certificate(ssl, certificate) == 1
                           : cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_CHAIN_CERT, 1, certificate) == 1);
        cz__ssl.X509_free(certificate);
        if (!used)
            return cz_error_set(err, CZ_EVALIDATION, "a certificate cannot be used: %s",
                                cz__tls_noted());
    }
    return CZ_OK;
}

/* ---- the master ---- */

static cz_status read_report(int fd, cz_buf *out, cz_error *err)
{
    ssize_t got = 1;
    while (got) {
        char *room = cz_buf_reserve(out, 4096);
        if (!room)
            return cz_error_set(err, CZ_ETOOBIG, "the certificates have more than %d bytes",
                                CZ__TLS_CHAINS_MAX);
        got = read(fd, room, 4096);
        if (got < 0 && errno != EINTR)
            return cz_error_set(err, CZ_EIO, "the process of the keys: errno %d", errno);
        cz_buf_commit(out, got > 0 ? (size_t)got : 0);
    }
    return CZ_OK;
}

/* What the first process told: the chains, or what keeps it from its work. */
static cz_status take_report(cz__tls_keys *keys, int fd, cz_error *err)
{
    int32_t told;
    cz_status status = read_report(fd, &keys->chains, err);
    if (status)
        return status;
    if (keys->chains.len < sizeof told)
        return cz_error_set(err, CZ_EIO, "the process of the keys died at its start");
    memcpy(&told, keys->chains.ptr, sizeof told);
    keys->chains.len -= sizeof told;
    memmove(keys->chains.ptr, keys->chains.ptr + sizeof told, keys->chains.len);
    if (told)
        return cz_error_set(err, (cz_status)told, "%.*s", CZ_STR_ARG(cz_buf_str(&keys->chains)));
    return CZ_OK;
}

static cz_status open_pairs(cz__tls_keys *keys, cz_error *err)
{
    size_t count = (size_t)keys->options.workers * 2;
    cz_assert(count && count <= CZ__TLS_KEYS_PLACES_MAX);
    cz__descriptor_limit_raise();
    keys->pairs = cz_calloc(count, sizeof *keys->pairs);
    if (!keys->pairs)
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    for (; keys->place_count < count; keys->place_count++)
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, keys->pairs[keys->place_count]))
            return cz_error_set(err, CZ_EIO, "the process of the keys: no sockets: errno %d",
                                errno);
    return CZ_OK;
}

static cz_status start_first(cz__tls_keys *keys, cz_error *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return cz_error_set(err, CZ_EIO, "the process of the keys: no pipe: errno %d", errno);
    cz_log_flush(true); /* else it would write again what is gathered */
    fflush(NULL);
    keys->pid = fork();
    if (keys->pid == 0)
        cz__tls_key_process(keys, fds[1]);
    close(fds[1]);
    cz_status status =
        keys->pid < 0 ? cz_error_set(err, CZ_EIO, "the process of the keys: fork: errno %d", errno)
                      : take_report(keys, fds[0], err);
    close(fds[0]);
    return status;
}

cz_status cz__tls_keys_start(const struct cz__tls_keys_options *options, cz__tls_keys **out,
                             cz_error *err)
{
    cz_status status = cz__openssl_load(err);
    if (status)
        return status;
    if (!options->count || options->count > CZ__TLS_CERTIFICATES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "TLS takes 1 to %d certificates, not %zu",
                            CZ__TLS_CERTIFICATES_MAX, options->count);
    cz__tls_keys *keys = cz_calloc(1, sizeof *keys);
    if (!keys)
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    keys->options = *options;
    keys->master = getpid();
    keys->fd = -1;
    cz_buf_init(&keys->chains, CZ__TLS_CHAINS_MAX);
    status = open_pairs(keys, err);
    if (!status)
        status = start_first(keys, err);
    if (status)
        cz__tls_keys_destroy(keys);
    else
        *out = keys;
    return status;
}

pid_t cz__tls_keys_pid(const cz__tls_keys *keys)
{
    return keys->pid;
}

pid_t cz__tls_keys_restart(void *arg)
{
    cz__tls_keys *keys = arg;
    keys->pid = fork();
    if (keys->pid == 0)
        cz__tls_key_process(keys, -1);
    return keys->pid;
}

/* What a worker can do to a pair for good: shut it down, attach a filter that takes no answers, or pass what the process does not take;
 * a request that was under way when it died looks like that as well. */
static bool is_spoiled(const int pair[2])
{
    struct pollfd ends[] = { { .fd = pair[OF_WORKER], .events = POLLRDHUP },
                             { .fd = pair[OF_PROCESS], .events = POLLIN | POLLRDHUP } };
    socklen_t filter = 0;
    return poll(ends, CZ_COUNT(ends), 0) != 0 ||
           getsockopt(pair[OF_WORKER], SOL_SOCKET, SO_GET_FILTER, NULL, &filter) || filter;
}

bool cz__tls_keys_left(void *arg, unsigned place)
{
    cz__tls_keys *keys = arg;
    int pair[2], *old = keys->pairs[place];
    if (!is_spoiled(old) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return false;
    for (int end = OF_WORKER; end <= OF_PROCESS; end++) {
        close(old[end]); /* the process has it as well, so nothing that was passed is closed here */
        old[end] = pair[end];
    }
    cz_log_warning(NULL, "calzone.http",
                   "a worker that has ended left its socket to the process of the keys unusable: "
                   "both are made anew",
                   CZ_FIELD_INT("place", place));
    return true;
}

/* A worker may have passed a descriptor that nobody took. It is closed with the socket, which may wait for as long as the worker
 * likes (SO_LINGER), unless that is done by the end of this process. */
static bool is_unread(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    return poll(&waiting, 1, 0) > 0;
}

void cz__tls_keys_destroy(cz__tls_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->place_count; i++)
        for (int end = OF_PROCESS; end >= OF_WORKER; end--)
            if (keys->pairs[i][end] >= 0 && (end == OF_WORKER || !is_unread(keys->pairs[i][end])))
                close(keys->pairs[i][end]);
    if (keys->pid > 0 && keys->master == getpid()) /* by which it ends, unless it has ended */
        while (waitpid(keys->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    cz_free(keys->pairs);
    cz_buf_done(&keys->chains);
    cz_free(keys);
}

/* ---- a worker ---- */

void cz__tls_keys_join(cz__tls_keys *keys, unsigned place)
{
    cz_assert(place < keys->place_count);
    for (size_t i = 0; i < keys->place_count; i++)
        for (int end = OF_WORKER; end <= OF_PROCESS; end++) {
            if (i == place && end == OF_WORKER)
                continue;
            close(keys->pairs[i][end]);
            keys->pairs[i][end] = -1;
        }
    keys->fd = keys->pairs[place][OF_WORKER];
}

const char *cz__tls_keys_failure(cz__tls_keys *keys)
{
    const char *failure = keys->failure;
    keys->failure = NULL;
    return failure;
}

static void heard(cz__tls_keys *keys)
{
    if (keys->silent)
        cz_log_info(NULL, "calzone.http", "the process of the keys is there again");
    keys->silent = false;
}

static void not_heard(cz__tls_keys *keys, int64_t now_ms)
{
    if (!keys->silent)
        cz_log_error(NULL, "calzone.http",
                     "the process of the keys does not answer: handshakes fail until it does");
    keys->silent = true;
    keys->retry_ms = now_ms + RETRY_MS;
}

/* An answer, or 0 when none is there; -1: there will be none any more. */
static ssize_t take_answer(cz__tls_keys *keys, unsigned char answer[CZ__SIGNED_ANSWER_MAX],
                           uint64_t *out_id)
{
    ssize_t got;
    while ((got = recv(keys->fd, answer, CZ__SIGNED_ANSWER_MAX, MSG_DONTWAIT)) < 0 &&
           errno == EINTR)
        ;
    if (got < (ssize_t)sizeof *out_id)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    heard(keys);
    memcpy(out_id, answer, sizeof *out_id);
    return got;
}

static bool ask(const cz__tls_keys *keys, const unsigned char *request, size_t len)
{
    ssize_t sent;
    while ((sent = send(keys->fd, request, len, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent == (ssize_t)len;
}

/* The answer to this request; a successor that begins meanwhile is asked again. Answers to others are of requests that were given
 * up, or of the worker that had the place before. */
static ssize_t exchange(cz__tls_keys *keys, uint64_t id, const unsigned char *request, size_t len,
                        int64_t until_ms, unsigned char answer[CZ__SIGNED_ANSWER_MAX])
{
    uint64_t of;
    ssize_t got;
    while ((got = take_answer(keys, answer, &of)) > 0)
        ;
    if (got < 0 || !ask(keys, request, len))
        return -1;
    for (;;) {
        int64_t left_ms = until_ms - cz_monotonic_us() / 1000;
        struct pollfd fd = { .fd = keys->fd, .events = POLLIN };
        if (left_ms <= 0 || (poll(&fd, 1, (int)left_ms) < 0 && errno != EINTR))
            return -1;
        while ((got = take_answer(keys, answer, &of)) > 0)
            if (of == id)
                return got;
            else if (!of && !ask(keys, request, len))
                return -1;
        if (got < 0)
            return -1;
    }
}

cz_status cz__tls_keys_sign(cz__tls_keys *keys, unsigned key, const struct cz__scheme *scheme,
                            cz_str bytes, unsigned char out[CZ__SIGNATURE_MAX], size_t *out_len)
{
    unsigned char request[CZ__SIGNING_MAX], answer[CZ__SIGNED_ANSWER_MAX];
    struct cz__signing signing = { .key = key, .scheme = scheme, .bytes = bytes };
    int64_t now_ms = cz_monotonic_us() / 1000;
    keys->failure = "the process of the keys does not answer";
    if (bytes.len > CZ__SIGNED_MAX)
        return CZ_EDENIED;
    while (!signing.id) /* one that the worker before in this place has not used */
        cz_random_bytes(&signing.id, sizeof signing.id);
    size_t len = cz__signing_write(&signing, request);
    struct pollfd fd = { .fd = keys->fd, .events = POLLIN };
    if (keys->silent && now_ms < keys->retry_ms && poll(&fd, 1, 0) <= 0)
        return CZ_EUNAVAILABLE;
    int64_t until_ms = now_ms + (keys->silent ? RETRY_ANSWER_MS : ANSWER_MS);
    ssize_t got = exchange(keys, signing.id, request, len, until_ms, answer);
    if (got < 0) {
        not_heard(keys, cz_monotonic_us() / 1000);
        return CZ_EUNAVAILABLE;
    }
    keys->failure = "the process of the keys refused to sign";
    *out_len = (size_t)got - sizeof signing.id;
    if (!*out_len)
        return CZ_EDENIED;
    memcpy(out, answer + sizeof signing.id, *out_len);
    keys->failure = NULL;
    return CZ_OK;
}
