/* The process that has the keys: it reads them, shuts itself in, and signs.
 *
 * One thread for each core, or for each worker when these are fewer, has the sockets of its share of the workers. It takes one request of
 * each that has some, in turn, so who asks much waits as long as the others. The first thread signs nothing: it waits for the
 * end, which is that of the last process that had one of the sockets; its master keeps all of them, and kills it at its own. */
#include <calzone/log.h>
#include <calzone/memory.h>
#include <calzone/time.h>
#include "http/tls_internal.h"
#include "runtime/privileges.h"
#include "runtime/sandbox.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OF_PROCESS = 1, STACK_BYTES = 256 * 1024 };

static struct {
    cz__tls_keys *keys;
    EVP_PKEY *signers[CZ__TLS_CERTIFICATES_MAX];
    size_t lanes;
    pthread_barrier_t shut_in; /* all threads are, or one could not */
    _Atomic(bool) failed;
} self;

/* ---- signing ---- */

static bool begin_signing(EVP_MD_CTX *with, const struct cz__scheme *scheme, EVP_PKEY *key)
{
    EVP_PKEY_CTX *how; /* which `with` owns */
    if (cz__ssl.EVP_DigestSignInit_ex(with, &how, scheme->digest, NULL, NULL, key, NULL) != 1)
        return false;
    return !scheme->pss ||
           (cz__ssl.EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) > 0 &&
            cz__ssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) > 0);
}

/* Returns the signature's length; 0: none. */
static size_t sign(const struct cz__signing *signing, unsigned char out[CZ__SIGNATURE_MAX])
{
    size_t len = CZ__SIGNATURE_MAX;
    EVP_PKEY *key = signing->key < self.keys->options.count ? self.signers[signing->key] : NULL;
    if (!key || !cz__ssl.EVP_PKEY_is_a(key, signing->scheme->type))
        return 0;
    EVP_MD_CTX *with = cz__ssl.EVP_MD_CTX_new();
    bool done = with && begin_signing(with, signing->scheme, key) &&
                cz__ssl.EVP_DigestSign(with, out, &len, (const unsigned char *)signing->bytes.ptr,
                                       signing->bytes.len) == 1;
    cz__ssl.EVP_MD_CTX_free(with);
    cz__ssl.ERR_clear_error();
    return done ? len : 0;
}

/* Whether the next message passes descriptors. It stays where it is: who takes it closes them, and a socket that lingers (SO_LINGER)
 * makes close() wait for as long as whoever passed it likes. */
static bool passes_descriptors(int fd)
{
    char byte;
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    return recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT) >= 0 && (message.msg_flags & MSG_CTRUNC);
}

/* One request, or none. What is none of ours is refused when it has a number. A worker that does not take its answers gets none. */
static void answer(int fd)
{
    char request[CZ__SIGNING_MAX + 1]; /* a byte more tells those that are too long */
    unsigned char reply[CZ__SIGNED_ANSWER_MAX];
    struct cz__signing signing;
    size_t len = sizeof signing.id;
    ssize_t got = recv(fd, request, sizeof request, MSG_DONTWAIT);
    if (got < (ssize_t)len)
        return;
    memcpy(reply, request, len);
    if (!cz__signing_read(cz_str_of(request, (size_t)got), &signing))
        len += sign(&signing, reply + len);
    cz_ignore(send(fd, reply, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Threads and the first one, each by itself. */
static void shut_in(void)
{
    if (self.keys->options.shut_in && cz__sandbox_enter_alone(NULL))
        self.failed = true;
    pthread_barrier_wait(&self.shut_in);
}

static size_t lane_of(size_t place)
{
    return place / 2 % self.lanes;
}

static void *serve(void *arg)
{
    struct pollfd fds[CZ__TLS_KEYS_PLACES_MAX];
    size_t lane = (size_t)(uintptr_t)arg;
    nfds_t count = 0;
    for (size_t i = 0; i < self.keys->place_count; i++)
        if (lane_of(i) == lane)
            fds[count++] = (struct pollfd){ .fd = self.keys->pairs[i][OF_PROCESS],
                                            .events = POLLIN | POLLRDHUP };
    shut_in();
    for (;;) {
        if (poll(fds, count, -1) < 0)
            continue;
        for (nfds_t i = 0; i < count; i++)
            if (fds[i].revents & ~POLLIN || (fds[i].revents && passes_descriptors(fds[i].fd)))
                fds[i].fd = -1; /* nobody has its other end, or a worker that is none any more */
            else if (fds[i].revents)
                answer(fds[i].fd);
    }
    return NULL;
}

/* ---- the end ---- */

/* False: all others that had a socket have ended. */
static bool drop_ended(struct pollfd *fds, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents)
            fds[i].fd = -1;
        left += fds[i].fd >= 0;
    }
    return left > 0;
}

/* SIGTERM comes when the master has died, which kills nothing: its workers finish what they have. A supervisor sends it to
 * everybody, and an operator may, while the master lives. */
static void wait_for_end(int signal_fd)
{
    struct pollfd fds[1 + CZ__TLS_KEYS_PLACES_MAX] = { { .fd = signal_fd, .events = POLLIN } };
    const size_t count = self.keys->place_count;
    int64_t end_ms = 0;
    for (size_t i = 0; i < count; i++)
        fds[1 + i] = (struct pollfd){ .fd = self.keys->pairs[i][OF_PROCESS] };
    do {
        struct signalfd_siginfo info;
        int64_t left_ms = end_ms - cz_monotonic_us() / 1000;
        if (end_ms && left_ms <= 0)
            return;
        int ready = poll(fds, 1 + count, end_ms ? (int)left_ms : -1);
        if (ready > 0 && fds[0].revents && read(signal_fd, &info, sizeof info) == sizeof info &&
            getppid() != self.keys->master && !end_ms)
            end_ms = cz_monotonic_us() / 1000 + (int64_t)self.keys->options.linger_ms;
    } while (drop_ended(fds + 1, count));
}

/* ---- the keys ---- */

static cz_status keep_key(SSL_CTX *ssl, size_t index, cz_error *err)
{
    static const char *const types[] = { "EC", "ED25519", "RSA" };
    EVP_PKEY *key = cz__ssl.SSL_CTX_get0_privatekey(ssl);
    for (size_t i = 0; i < CZ_COUNT(types); i++)
        if (cz__ssl.EVP_PKEY_is_a(key, types[i]) &&
            (i < 2 || cz__ssl.EVP_PKEY_get_bits(key) <= CZ__TLS_RSA_BITS_MAX) &&
            cz__ssl.EVP_PKEY_up_ref(key) == 1) {
            self.signers[index] = key;
            return CZ_OK;
        }
    return cz_error_set(
        err, CZ_EVALIDATION,
        "the key %s is none of RSA with at most %d bits, of elliptic curves (ECDSA) "
        "or Ed25519; others need TLS_KEY_PROCESS=false",
        self.keys->options.keys[index], CZ__TLS_RSA_BITS_MAX);
}

static void append_certificate(cz_buf *out, const X509 *certificate)
{
    int len = certificate ? cz__ssl.i2d_X509(certificate, NULL) : 0;
    uint32_t bytes = len > 0 ? (uint32_t)len : 0;
    cz_buf_append(out, &bytes, sizeof bytes);
    unsigned char *room = bytes ? (unsigned char *)cz_buf_reserve(out, bytes) : NULL;
    if (room && cz__ssl.i2d_X509(certificate, &room) == len)
        cz_buf_commit(out, bytes);
}

static void append_chain(cz_buf *out, SSL_CTX *ssl)
{
    const OPENSSL_STACK *others = NULL;
    append_certificate(out, cz__ssl.SSL_CTX_get0_certificate(ssl));
    cz__ssl.SSL_CTX_ctrl(ssl, SSL_CTRL_GET_CHAIN_CERTS, 0, &others);
    for (int i = 0; i < (others ? cz__ssl.OPENSSL_sk_num(others) : 0); i++)
        append_certificate(out, cz__ssl.OPENSSL_sk_value(others, i));
    append_certificate(out, NULL);
}

/* The first process reads certificates from their files, one that takes over has those that are served. */
static cz_status read_key(size_t index, cz_buf *chains, cz_error *err)
{
    const struct cz__tls_keys_options *options = &self.keys->options;
    SSL_CTX *ssl = cz__ssl.SSL_CTX_new(cz__ssl.TLS_server_method());
    if (!ssl)
        return cz_error_set(err, CZ_ENOMEM, "no memory for TLS");
    cz_status status = chains ? cz__tls_use_certificate(ssl, options->certificates[index], err)
                              : cz__tls_use_chain(ssl, NULL, cz__tls_chain(self.keys, index), err);
    if (!status)
        status = cz__tls_use_key(ssl, options->certificates[index], options->keys[index], err);
    if (!status)
        status = keep_key(ssl, index, err);
    if (!status && chains)
        append_chain(chains, ssl);
    cz__ssl.SSL_CTX_free(ssl);
    return status;
}

static cz_status read_keys(cz_buf *chains, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < self.keys->options.count && !status; i++)
        status = read_key(i, chains, err);
    if (!status && chains && cz_buf_status(chains))
        return cz_error_set(err, CZ_ETOOBIG, "the certificates have more than %d bytes",
                            CZ__TLS_CHAINS_MAX);
    return status;
}

/* ---- the beginning ---- */

static void close_range_of(int first, int last)
{
    if (first > last || !syscall(SYS_close_range, first, last, 0))
        return;
    long most = sysconf(_SC_OPEN_MAX); /* the kernel is older than 5.9 */
    for (int fd = first; fd <= last && fd < most; fd++)
        close(fd);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* All but the ends that are its own, standard error and those two, the second of which may be -1. */
static void close_others(int signal_fd, int report_fd)
{
    int kept[CZ__TLS_KEYS_PLACES_MAX + 3] = { STDERR_FILENO, signal_fd, report_fd }, next = 0;
    size_t count = report_fd >= 0 ? 3 : 2;
    for (size_t i = 0; i < self.keys->place_count; i++)
        kept[count++] = self.keys->pairs[i][OF_PROCESS];
    qsort(kept, count, sizeof kept[0], compare_ints);
    for (size_t i = 0; i < count; i++) {
        close_range_of(next, kept[i] - 1);
        next = kept[i] + 1;
    }
    close_range_of(next, INT_MAX);
}

static void write_all(int fd, const void *bytes, size_t len)
{
    for (const char *at = bytes; len;) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno != EINTR)
            return; /* the master is gone */
        at += put > 0 ? put : 0;
        len -= put > 0 ? (size_t)put : 0;
    }
}

static void tell(int report_fd, cz_status status, cz_str text)
{
    int32_t told = status;
    write_all(report_fd, &told, sizeof told);
    write_all(report_fd, text.ptr, text.len);
    close(report_fd);
}

CZ_NORETURN static void fail(int report_fd, cz_status status, const cz_error *err)
{
    cz_str why = cz_str_from(cz_error_message(err));
    if (report_fd >= 0) {
        tell(report_fd, status, why);
    } else {
        cz_log_error(NULL, "calzone.http",
                     "the process of the keys cannot take over: handshakes fail until it can, or "
                     "the site is reloaded",
                     CZ_FIELD_STR("error", why));
        cz_log_flush(true);
    }
    _exit(1);
}

/* No dumps, no tracers, no signals but those that end it. Returns where the end of the master is heard. */
static int become_private(void)
{
    sigset_t all, of_end;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NAME, "calzone-keys");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    cz__core_dumps_off();
    if (getppid() != self.keys->master)
        _exit(1); /* it died before the line above */
    sigemptyset(&of_end);
    sigaddset(&of_end, SIGTERM);
    int fd = signalfd(-1, &of_end, SFD_CLOEXEC);
    if (fd < 0)
        _exit(1); /* the master tells */
    return fd;
}

/* Its threads, each shut in before it reads a byte. */
static cz_status start_threads(cz_error *err)
{
    pthread_attr_t attributes;
    pthread_t thread;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    self.lanes = cores > 0 && cores < self.keys->options.workers ? (size_t)cores
                                                                 : self.keys->options.workers;
    cz_ignore(cz__seccomp_lacks()); /* loaded once, for all threads */
    pthread_barrier_init(&self.shut_in, NULL, (unsigned)self.lanes + 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int failed = 0;
    for (size_t i = 0; i < self.lanes && !failed; i++)
        failed = pthread_create(&thread, &attributes, serve, (void *)(uintptr_t)i);
    pthread_attr_destroy(&attributes);
    if (failed)
        return cz_error_set(err, CZ_EIO, "the process of the keys: no threads: errno %d", failed);
    shut_in();
    return self.failed ? cz_error_set(err, CZ_EIO,
                                      "the process of the keys could not shut itself "
                                      "in")
                       : CZ_OK;
}

/* Those that wait for an answer of the one before ask again. */
static void tell_workers(void)
{
    static const uint64_t none = 0;
    for (size_t i = 0; i < self.keys->place_count; i++)
        cz_ignore(send(self.keys->pairs[i][OF_PROCESS], &none, sizeof none,
                       MSG_DONTWAIT | MSG_NOSIGNAL)); /* who takes no answers needs none */
}

void cz__tls_key_process(cz__tls_keys *keys, int report_fd)
{
    cz_buf chains;
    cz_error err = { 0 };
    self.keys = keys;
    int signal_fd = become_private();
    cz_buf_init(&chains, CZ__TLS_CHAINS_MAX);
    cz_status status = cz__privileges_drop_all(&err);
    if (!status)
        status = read_keys(report_fd >= 0 ? &chains : NULL, &err);
    if (status)
        fail(report_fd, status, &err);
    close_others(signal_fd, report_fd);
    status = start_threads(&err);
    if (status)
        fail(report_fd, status, &err);
    if (report_fd >= 0)
        tell(report_fd, CZ_OK, cz_buf_str(&chains));
    else
        tell_workers();
    cz_buf_done(&chains);
    wait_for_end(signal_fd);
    _exit(0);
}
