/* The process of the keys from the place of a worker, honest and not. */
#include "certificates.h"
#include "http/tls_internal.h"
#include <calzone/testing.h>
#include <calzone/time.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPACES "                                                                "
#define SERVER SPACES "TLS 1.3, server CertificateVerify\0"

static const struct cz__scheme *ecdsa(void)
{
    return cz__scheme_of("EC", "SHA256", false);
}

/* What TLS 1.3 has signed, with a hash of any bytes. */
static cz_str signed_text(void)
{
    return cz_str_of(SERVER "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", sizeof SERVER - 1 + 32);
}

/* With good and elsewhere; this process is the master and the worker of place 0. */
static cz__tls_keys *start(bool shut_in, const char *const *out_files[2])
{
    static const char *certificates[2], *keys[2];
    cz__tls_keys *out;
    cz_error err = { 0 };
    certificates_make();
    certificates[0] = certificate_file("good.pem");
    certificates[1] = certificate_file("elsewhere.pem");
    keys[0] = certificate_file("good.key");
    keys[1] = certificate_file("elsewhere.key");
    if (out_files) {
        out_files[0] = certificates;
        out_files[1] = keys;
    }
    const struct cz__tls_keys_options options = { .certificates = certificates,
                                                  .keys = keys,
                                                  .count = 2,
                                                  .workers = 2,
                                                  .shut_in = shut_in,
                                                  .linger_ms = 1000 };
    CZ_REQUIRE_OK(cz__tls_keys_start(&options, &out, &err));
    out->fd = out->pairs[0][0]; /* and it keeps the other places */
    return out;
}

static bool lives(const cz__tls_keys *keys)
{
    return waitpid(keys->pid, NULL, WNOHANG) == 0;
}

static void kill_and_wait(const cz__tls_keys *keys)
{
    kill(keys->pid, SIGKILL);
    CZ_EXPECT(waitpid(keys->pid, NULL, 0) == keys->pid);
}

static cz_status ask(cz__tls_keys *keys, unsigned key)
{
    unsigned char signature[CZ__SIGNATURE_MAX];
    size_t len = 0;
    cz_status status = cz__tls_keys_sign(keys, key, ecdsa(), signed_text(), signature, &len);
    CZ_EXPECT(status || (len >= 64 && len <= 72)); /* ECDSA-Sig-Value of P-256 */
    return status;
}

CZ_TEST(a_process_of_keys_signs_what_tls_signs_and_nothing_else)
{
    for (int shut_in = 0; shut_in < 2; shut_in++) {
        cz__tls_keys *keys = start(shut_in, NULL);
        unsigned char signature[CZ__SIGNATURE_MAX];
        size_t len = 0;
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        CZ_EXPECT_EQ(ask(keys, 1), CZ_OK);
        CZ_EXPECT(!cz__tls_keys_failure(keys));
        CZ_EXPECT_EQ(ask(keys, 2), CZ_EDENIED); /* there is none */
        CZ_EXPECT_EQ(ask(keys, 255), CZ_EDENIED);
        CZ_EXPECT_EQ(cz__tls_keys_sign(keys, 0, cz__scheme_of("RSA", "SHA256", true), signed_text(),
                                       signature, &len),
                     CZ_EDENIED); /* of an elliptic curve */
        CZ_EXPECT_EQ(cz__tls_keys_sign(keys, 0, ecdsa(), CZ_STR("a token"), signature, &len),
                     CZ_EDENIED);
        CZ_EXPECT_EQ(cz__tls_keys_sign(keys, 0, ecdsa(), CZ_STR(""), signature, &len), CZ_EDENIED);
        CZ_EXPECT(cz__tls_keys_failure(keys) != NULL);
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        CZ_EXPECT(lives(keys));
        cz__tls_keys_destroy(keys);
    }
}

/* A descriptor beside the bytes. */
static void send_descriptor(int to, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    char byte = 'x';
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    CZ_EXPECT(sendmsg(to, &message, MSG_NOSIGNAL) == 1);
}

CZ_TEST(a_process_of_keys_survives_whatever_is_written_to_it)
{
    cz__tls_keys *keys = start(true, NULL);
    static unsigned char bytes[100000];
    unsigned seed = 7; /* the same bytes each time */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
    for (size_t len = 0; len < 400; len++) {
        CZ_EXPECT(send(keys->fd, bytes + len, len, MSG_NOSIGNAL) == (ssize_t)len);
        if (len % 16 == 0) /* which takes the refusals, too */
            CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
    }
    static const size_t large[] = { 1000, 4096, 65536, sizeof bytes };
    for (size_t i = 0; i < CZ_COUNT(large); i++)
        CZ_EXPECT(send(keys->fd, bytes, large[i], MSG_NOSIGNAL) == (ssize_t)large[i]);
    CZ_EXPECT_EQ(ask(keys, 1), CZ_OK);
    CZ_EXPECT(lives(keys));
    cz__tls_keys_destroy(keys);
}

/* A connection whose close() waits, as its peer takes nothing. */
static int open_lingering(int seconds)
{
    static const char bytes[1 << 16];
    const struct linger linger = { 1, seconds };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;
    int listener =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* which takes none: both stay open */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(!bind(listener, (struct sockaddr *)&at, len) && !listen(listener, 1));
    CZ_REQUIRE(!getsockname(listener, (struct sockaddr *)&at, &len));
    CZ_REQUIRE(!connect(fd, (struct sockaddr *)&at, len));
    CZ_REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    return fd;
}

/* Place 2 is of the same thread as place 0. */
CZ_TEST(descriptors_that_are_passed_to_a_process_of_keys_do_not_hold_it)
{
    cz__tls_keys *keys = start(true, NULL);
    int fd = open_lingering(4);
    send_descriptor(keys->pairs[1][0], fd);
    close(fd);
    usleep(50000);
    for (int i = 0; i < 100; i++)
        send_descriptor(keys->pairs[1][0], STDERR_FILENO);
    CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
    CZ_EXPECT(lives(keys));
    kill_and_wait(keys);
    int64_t began = cz_monotonic_us();
    cz__tls_keys_destroy(keys);
    CZ_EXPECT((cz_monotonic_us() - began) / 1000 < 2000); /* nor the master at its end */
}

/* In hundredths of a second. */
static long cpu_time(pid_t pid)
{
    char path[64], text[1024];
    long user = 0, kernel = 0;
    cz_ignore(snprintf(path, sizeof path, "/proc/%d/stat", (int)pid));
    FILE *file = fopen(path, "re");
    CZ_REQUIRE(file && fgets(text, sizeof text, file));
    fclose(file);
    CZ_REQUIRE(sscanf(strrchr(text, ')') + 1,
                      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
                      &kernel) == 2); /* NOLINT(cert-err34-c): the kernel's own numbers */
    return user + kernel;
}

static void shut_down(int fd)
{
    CZ_EXPECT(!shutdown(fd, SHUT_RDWR));
}

static void stop_writing(int fd)
{
    CZ_EXPECT(!shutdown(fd, SHUT_WR));
}

static void stop_reading(int fd)
{
    CZ_EXPECT(!shutdown(fd, SHUT_RD));
}

static void filter_all(int fd)
{
    struct sock_filter take_nothing = { .code = BPF_RET | BPF_K };
    const struct sock_fprog program = { 1, &take_nothing };
    CZ_EXPECT(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

static void pass_one(int fd)
{
    send_descriptor(fd, STDERR_FILENO);
    usleep(50000);
}

CZ_TEST(a_place_that_a_worker_left_unusable_is_made_anew)
{
    static void (*const ways[])(int fd) = { shut_down, stop_writing, stop_reading, filter_all,
                                            pass_one };
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        cz__tls_keys *keys = start(true, NULL);
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        CZ_EXPECT(!cz__tls_keys_left(keys, 0)); /* as an honest one leaves it */
        ways[i](keys->fd);
        CZ_EXPECT_MSG(cz__tls_keys_left(keys, 0), "way %zu", i);
        CZ_EXPECT(!cz__tls_keys_left(keys, 1));
        kill_and_wait(keys);
        CZ_REQUIRE(cz__tls_keys_restart(keys) > 0);
        keys->fd = keys->pairs[0][0];
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        cz__tls_keys_destroy(keys);
    }
}

CZ_TEST(a_place_that_is_shut_down_costs_a_process_of_keys_nothing)
{
    static const int ways[] = { SHUT_WR, SHUT_RD, SHUT_RDWR };
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        cz__tls_keys *keys = start(true, NULL);
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        CZ_EXPECT(!shutdown(keys->pairs[1][0], ways[i]));
        long before = cpu_time(keys->pid);
        usleep(300000);
        long spent = cpu_time(keys->pid) - before;
        CZ_EXPECT_MSG(spent < 10, "%ld", spent);
        CZ_EXPECT_EQ(ask(keys, 0), CZ_OK);
        CZ_EXPECT(lives(keys));
        cz__tls_keys_destroy(keys);
    }
}

/* Place 2 asks without end and takes no answer; place 0 has its thread or shares it. */
CZ_TEST(a_worker_that_asks_without_end_starves_no_other)
{
    cz__tls_keys *keys = start(true, NULL);
    unsigned char request[CZ__SIGNING_MAX];
    const struct cz__signing signing = { .id = 1, .scheme = ecdsa(), .bytes = signed_text() };
    size_t len = cz__signing_write(&signing, request);
    const int greedy = keys->pairs[1][0]; /* of the same thread as place 0 */
    int64_t until = cz_monotonic_us() + 500000;
    size_t asked = 0, signatures = 0;
    while (cz_monotonic_us() < until) {
        for (int i = 0; i < 1000; i++)
            asked += send(greedy, request, len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
        signatures += ask(keys, 0) == CZ_OK;
    }
    CZ_EXPECT(asked > 100);
    CZ_EXPECT_MSG(signatures > 10, "%zu", signatures);
    CZ_EXPECT(lives(keys));
    cz__tls_keys_destroy(keys);
}

/* The answers of the worker that had the place before lie in its socket. */
CZ_TEST(an_answer_to_somebody_else_is_none)
{
    cz__tls_keys *keys = start(false, NULL);
    unsigned char request[CZ__SIGNING_MAX];
    for (uint64_t id = 1; id < 50; id++) {
        const struct cz__signing signing = { .id = id, .scheme = ecdsa(), .bytes = signed_text() };
        size_t len = cz__signing_write(&signing, request);
        CZ_EXPECT(send(keys->fd, request, len, MSG_NOSIGNAL) == (ssize_t)len);
        unsigned char signature[CZ__SIGNATURE_MAX];
        size_t refused = 1; /* which is told from the signature that was asked for before */
        CZ_EXPECT_EQ(cz__tls_keys_sign(keys, 9, ecdsa(), signed_text(), signature, &refused),
                     CZ_EDENIED);
    }
    cz__tls_keys_destroy(keys);
}

CZ_TEST(without_an_answer_a_worker_waits_once_and_then_asks_the_next_process)
{
    cz__tls_keys *keys = start(false, NULL);
    kill_and_wait(keys);
    int64_t began = cz_monotonic_us();
    CZ_EXPECT_EQ(ask(keys, 0), CZ_EUNAVAILABLE);
    int64_t waited_ms = (cz_monotonic_us() - began) / 1000;
    CZ_EXPECT_MSG(waited_ms >= 900 && waited_ms < 2500, "%lld ms", (long long)waited_ms);
    CZ_EXPECT(strstr(cz__tls_keys_failure(keys), "does not answer"));
    began = cz_monotonic_us();
    for (int i = 0; i < 1000; i++)
        CZ_EXPECT_EQ(ask(keys, 0), CZ_EUNAVAILABLE);
    CZ_EXPECT((cz_monotonic_us() - began) / 1000 < 1500); /* not 2 s each */
    CZ_REQUIRE(cz__tls_keys_restart(keys) > 0);
    int64_t until = cz_monotonic_us() + 5000000;
    cz_status status;
    while ((status = ask(keys, 0)) && cz_monotonic_us() < until)
        usleep(1000);
    CZ_EXPECT_EQ(status, CZ_OK);
    cz__tls_keys_destroy(keys);
}

/* The successor is asked by whoever waits, without a failure. */
CZ_TEST(what_was_asked_of_one_that_died_is_asked_of_the_next)
{
    cz__tls_keys *keys = start(false, NULL);
    for (int i = 0; i < 5; i++) {
        kill(keys->pid, SIGSTOP); /* it takes nothing any more */
        pid_t worker = fork();
        if (worker == 0)
            _exit(ask(keys, 0) ? 1 : 0);
        usleep(50000);
        kill_and_wait(keys);
        CZ_REQUIRE(cz__tls_keys_restart(keys) > 0);
        int code = -1;
        CZ_EXPECT(waitpid(worker, &code, 0) == worker);
        CZ_EXPECT(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    }
    cz__tls_keys_destroy(keys);
}

CZ_TEST(a_process_of_keys_does_not_take_over_with_the_key_of_another_certificate)
{
    const char *const *files[2];
    cz__tls_keys *keys = start(false, files);
    int code = 0;
    kill_and_wait(keys);
    CZ_REQUIRE(rename(certificate_file("elsewhere.key"), certificate_file("good.key")) == 0);
    pid_t pid = cz__tls_keys_restart(keys);
    CZ_EXPECT(waitpid(pid, &code, 0) == pid);
    CZ_EXPECT(WIFEXITED(code) && WEXITSTATUS(code) == 1);
    cz__tls_keys_destroy(keys);
}

/* Those of tls_test.c are told by the process in the same words. */
CZ_TEST(keys_that_cannot_be_used_are_told_by_their_process)
{
    static const struct {
        const char *certificate, *key, *told;
    } cases[] = {
        { "none.pem", "good.key", "none.pem cannot be read as PEM" },
        { "good.key", "good.key", "good.key cannot be read as PEM" },
        { "good.pem", "none.key", "none.key cannot be read as PEM or is not that of" },
        { "good.pem", "none.key", "good.pem: No such file or directory" },
        { "good.pem", "elsewhere.key", "elsewhere.key cannot be read as PEM or is not that" },
        { "good.pem", "locked.key", "locked.key has a passphrase" },
        { "good.pem", "good.pem", "good.pem cannot be read as PEM or is not that of" },
    };
    certificates_make();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *certificate = certificate_file(cases[i].certificate);
        const char *key = certificate_file(cases[i].key);
        const struct cz__tls_keys_options options = {
            .certificates = &certificate, .keys = &key, .count = 1, .workers = 1
        };
        cz__tls_keys *keys = NULL;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz__tls_keys_start(&options, &keys, &err), CZ_EVALIDATION);
        CZ_EXPECT_MSG(strstr(cz_error_message(&err), cases[i].told), "case %zu: %s", i,
                      cz_error_message(&err));
        CZ_EXPECT(!keys);
    }
    const struct cz__tls_keys_options none = { .workers = 1 };
    CZ_EXPECT_EQ(cz__tls_keys_start(&none, &(cz__tls_keys *){ NULL }, NULL), CZ_EVALIDATION);
}
