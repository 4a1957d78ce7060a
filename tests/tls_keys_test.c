/* The process of the keys: who knows them, what it signs, and what happens when it or somebody else dies. */
#include "certificates.h"
#include "server.h"
#include <calzone/time.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BOTH "127.0.0.1:0, https://127.0.0.1:0"
enum { CHILDREN_MAX = 16, RESUME_MS = 1000, RESUME_SANITIZED_MS = 5000 };

/* ---- certificates of all kinds ---- */

/* NAME.pem and NAME.key for NAME.test and localhost; of "chained" and "both" by an authority below, and the first file of "both" has the key. */
static const char script[] =
    "set -e; cd \"$DIR\"; exec >keys.log 2>&1\n"
    "sign() { openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2"
    " -extfile $1.ext -out $1.pem; }\n"
    "make() {\n"
    "  name=$1; ca=$2; shift 2\n"
    "  openssl req \"$@\" -nodes -subj /CN=$name -keyout $name.key -out $name.csr\n"
    "  echo subjectAltName=DNS:$name.test,DNS:localhost >$name.ext; sign $name $ca\n"
    "}\n"
    "ec='-newkey ec -pkeyopt ec_paramgen_curve:'\n"
    "openssl req ${ec}P-256 -nodes -subj /CN=below -keyout below.key -out below.csr\n"
    "echo basicConstraints=critical,CA:true >below.ext; sign below ca\n"
    "make p256 ca ${ec}P-256; make p384 ca ${ec}P-384; make ed25519 ca -newkey ed25519\n"
    "make rsa2048 ca -newkey rsa:2048; make rsa4096 ca -newkey rsa:4096\n"
    "make chained below ${ec}P-256; cat below.pem >>chained.pem\n"
    "make both below -newkey rsa:2048; cat below.pem both.key >>both.pem; mv both.key lost.key\n"
    "ln -s both.pem both.key\n";

static const char *const names[] = { "p256",    "p384",    "ed25519", "rsa2048",
                                     "rsa4096", "chained", "both" };

static void make_all(void)
{
    if (!access(certificate_file("both.pem"), R_OK))
        return; /* this test has them from before */
    certificates_make();
    setenv("DIR", cz_test_directory(), 1);
    int status = system(script); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_REQUIRE(status == 0);
}

static const char *list(const char *setting, const char *suffix)
{
    cz_buf text = { 0 };
    cz_str kept;
    cz_buf_append_str(&text, cz_str_from(setting));
    for (size_t i = 0; i < CZ_COUNT(names); i++)
        cz_buf_printf(&text, "%s%s/%s%s", i ? "," : "=", cz_test_directory(), names[i], suffix);
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_of(cz_buf_cstr(&text), text.len + 1), &kept));
    cz_buf_done(&text);
    return kept.ptr;
}

static struct server start_all(unsigned workers, const char *setting)
{
    make_all();
    const char *const env[] = { list("TLS_CERTIFICATES", ".pem"), list("TLS_KEYS", ".key"),
                                "ALLOWED_HOSTS=*", setting, NULL };
    struct server server = server_start_on("lab", BOTH, workers, env);
    CZ_REQUIRE(server.port && server.tls_port);
    return server;
}

/* With one certificate, in files that a test may replace. */
static struct server start_one(unsigned workers, const char *setting)
{
    certificates_make();
    const char *from = certificate_file("good"), *to = certificate_file("site");
    CZ_REQUIRE(!system(format("cp %s.pem %s.pem; cp %s.key %s.key", from, to, from, to).ptr));
    const char *const env[] = { format("TLS_CERTIFICATES=%s.pem", to).ptr,
                                format("TLS_KEYS=%s.key", to).ptr, "ALLOWED_HOSTS=*", setting,
                                NULL };
    return server_start_on("lab", BOTH, workers, env);
}

static bool replace(const char *name, const char *suffix)
{
    const char *site = certificate_file("site");
    return !system(format("cp %s%s %s.new; mv %s.new %s%s", certificate_file(name), suffix, site,
                          site, site, suffix)
                       .ptr);
}

static int64_t now_ms(void)
{
    return cz_monotonic_us() / 1000;
}

static bool is_served(const struct server *server)
{
    return cz_str_find(shell(server,
                             "curl -sS --cacert $DIR/ca.pem --max-time 10 "
                             "https://localhost:$PORT/peer",
                             ""),
                       CZ_STR("https ")) == 0;
}

static bool is_served_soon(const struct server *server, int64_t within_ms)
{
    int64_t until = now_ms() + within_ms;
    while (!is_served(server))
        if (now_ms() > until)
            return false;
    return true;
}

static pid_t key_process(const struct server *server)
{
    pid_t pids[CHILDREN_MAX];
    int64_t until = now_ms() + RESUME_SANITIZED_MS;
    while (server_key_processes(server, pids, CHILDREN_MAX) != 1)
        if (now_ms() > until)
            return 0;
    return pids[0];
}

static int resume_ms(void)
{
    return is_sanitized() ? RESUME_SANITIZED_MS : RESUME_MS;
}

/* ---- handshakes ---- */

CZ_TEST(every_kind_of_key_signs_in_both_versions)
{
    struct server server = start_all(2, NULL);
    static const struct {
        const char *name, *options, *said; /* NULL: it is refused */
    } cases[] = {
        { "p256", "-tls1_3", "type: ECDSA" },
        { "p256", "-tls1_2", "type: ECDSA" },
        { "p256", "-tls1_2 -sigalgs ECDSA+SHA512", "digest: SHA512" },
        { "p384", "-tls1_3", "digest: SHA384" },
        { "p384", "-tls1_2 -sigalgs ECDSA+SHA384 -groups P-384", "digest: SHA384" },
        { "ed25519", "-tls1_3", "type: ed25519" },
        { "ed25519", "-tls1_2", "type: ed25519" },
        { "rsa2048", "-tls1_3", "type: RSA-PSS" },
        { "rsa2048", "-tls1_3 -sigalgs RSA-PSS+SHA512 -ciphersuites TLS_AES_256_GCM_SHA384",
          "digest: SHA512" },
        { "rsa2048", "-tls1_2 -sigalgs RSA+SHA256", "type: RSA\n" },
        { "rsa2048", "-tls1_2 -sigalgs RSA+SHA512 -groups P-256", "digest: SHA512" },
        { "rsa2048", "-tls1_2 -sigalgs RSA-PSS+SHA384", "type: RSA-PSS" },
        { "rsa4096", "-tls1_3", "type: RSA-PSS" },
        { "rsa4096", "-tls1_2 -sigalgs RSA+SHA384", "type: RSA\n" },
        { "chained", "-tls1_3", "type: ECDSA" },
        { "both", "-tls1_3", "type: RSA-PSS" },
        { "both", "-tls1_2", "type: RSA" },
        { "rsa2048", "-tls1_2 -sigalgs RSA+SHA1 -cipher DEFAULT@SECLEVEL=0", NULL },
        { "p256", "-tls1_2 -sigalgs ECDSA+SHA1 -cipher DEFAULT@SECLEVEL=0", NULL },
        { "rsa2048", "-tls1_2 -cipher AES128-GCM-SHA256", NULL }, /* which would decrypt */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *said = cases[i].said ? cases[i].said : "Cipher is (NONE)";
        cz_str heard = shell(&server,
                             format("echo | openssl s_client -connect 127.0.0.1:$PORT -CAfile "
                                    "$DIR/ca.pem -verify_hostname %s.test -servername %s.test %s",
                                    cases[i].name, cases[i].name, cases[i].options)
                                 .ptr,
                             "");
        bool verified = cz_str_find(heard, CZ_STR("Verify return code: 0 (ok)")) != SIZE_MAX;
        CZ_EXPECT_MSG(
            cz_str_find(heard, cz_str_from(said)) != SIZE_MAX && (verified || !cases[i].said),
            "%s %s: %.*s", cases[i].name, cases[i].options, CZ_STR_ARG(cz_str_head(heard, 2000)));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(keys_of_kinds_that_are_not_signed_with_are_told)
{
    certificates_make();
    cz_str made = shell(&(struct server){ 0 },
                        "cd $DIR; openssl req -x509 -newkey ed448 -nodes -subj /CN=x -keyout "
                        "x.key -out x.pem 2>/dev/null && echo made",
                        "");
    CZ_EXPECT_STR(made, "made\n");
    static const char *const settings[] = { "TLS_KEY_PROCESS=true", "TLS_KEY_PROCESS=maybe" };
    static const char *const told[] = { "x.key is none of RSA with at most 8192 bits",
                                        "TLS_KEY_PROCESS" };
    for (size_t i = 0; i < CZ_COUNT(settings); i++) {
        const char *const env[] = {
            "ENV=test",
            format("DATABASE_URL=sqlite://%s/x.db", cz_test_directory()).ptr,
            format("TLS_CERTIFICATES=%s", certificate_file("x.pem")).ptr,
            format("TLS_KEYS=%s", certificate_file("x.key")).ptr,
            settings[i],
            NULL
        };
        const char *const argv[] = { "lab", "run", "--bind", "https://127.0.0.1:0", NULL };
        cz_str out;
        CZ_EXPECT_EQ(run_binary("lab", argv, env, &out), 1);
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(told[i])) != SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    }
}

CZ_TEST(check_warns_of_keys_in_workers)
{
    static const struct {
        const char *env, *certificates, *process;
        bool warned;
    } cases[] = {
        { "ENV=staging", "TLS_CERTIFICATES=a.pem", "TLS_KEY_PROCESS=false", true },
        { "ENV=production", "TLS_CERTIFICATES=a.pem", "TLS_KEY_PROCESS=off", true },
        { "ENV=staging", "TLS_CERTIFICATES=a.pem", "TLS_KEY_PROCESS=true", false },
        { "ENV=staging", "TLS_CERTIFICATES=a.pem", "X=default", false },
        { "ENV=staging", "TLS_CERTIFICATES=", "TLS_KEY_PROCESS=false", false },
        { "ENV=test", "TLS_CERTIFICATES=a.pem", "TLS_KEY_PROCESS=false", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const env[] = {
            cases[i].env,
            cases[i].certificates,
            cases[i].process,
            "ALLOWED_HOSTS=x",
            "SECRET_KEY=0123456789012345678901234567890123456789",
            format("DATABASE_URL=sqlite://%s/x.db", cz_test_directory()).ptr,
            NULL
        };
        const char *const argv[] = { "lab", "check", NULL };
        cz_str out;
        CZ_EXPECT_EQ(run_binary("lab", argv, env, &out), 0);
        bool warned = cz_str_find(out, CZ_STR("warning: TLS_KEY_PROCESS is false")) != SIZE_MAX;
        CZ_EXPECT_MSG(warned == cases[i].warned, "case %zu: %.*s", i, CZ_STR_ARG(out));
    }
}

/* ---- who knows the keys ---- */

enum { SECRETS_MAX = 32, SECRET_BYTES = 600 };

struct secrets {
    unsigned char bytes[SECRETS_MAX][SECRET_BYTES];
    size_t lengths[SECRETS_MAX], count;
};

static void add_secret(struct secrets *secrets, const unsigned char *bytes, size_t len)
{
    CZ_REQUIRE(secrets->count < SECRETS_MAX && len >= 24 && len <= SECRET_BYTES);
    memcpy(secrets->bytes[secrets->count], bytes, len);
    secrets->lengths[secrets->count++] = len;
}

/* The private number of a key, or a prime of it: as it is written, and as OpenSSL computes with it on this machine. */
static void add_number(struct secrets *secrets, const char *name)
{
    unsigned char number[SECRET_BYTES], turned[SECRET_BYTES];
    size_t len = 0;
    cz_str hex = shell(&(struct server){ 0 },
                       "openssl pkey -in $DIR/$ARG.key -noout -text | awk '/^[a-z]/ { on = "
                       "/^(priv|prime1):/ } on && /^ / { gsub(/[ :]/, \"\"); printf \"%s\", $0 }'",
                       name);
    for (; hex.len >= 2 && len < sizeof number; hex = cz_str_tail(hex, 2), len++) {
        char digits[3] = { hex.ptr[0], hex.ptr[1], '\0' };
        number[len] = (unsigned char)strtoul(digits, NULL, 16);
    }
    size_t zeros = 0;
    while (zeros < len && !number[zeros])
        zeros++;
    for (size_t i = zeros; i < len; i++)
        turned[len - 1 - i] = number[i];
    add_secret(secrets, number + zeros, len - zeros);
    add_secret(secrets, turned, len - zeros);
}

/* A line of the file that has it in base64. */
static void add_line(struct secrets *secrets, const char *name)
{
    cz_str line = shell(&(struct server){ 0 },
                        "sed -n '/PRIVATE/,$ p' $DIR/$ARG.key | sed -n '3p' | head -c 40", name);
    if (line.len >= 24) /* of Ed25519 there is one line, which begins as all do */
        add_secret(secrets, (const unsigned char *)line.ptr, line.len);
}

static void read_secrets(struct secrets *out)
{
    out->count = 0;
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        add_number(out, names[i]);
        add_line(out, names[i]);
    }
    CZ_REQUIRE(out->count >= 2 * CZ_COUNT(names) + 4);
}

static size_t count_in_range(int memory, uint64_t from, uint64_t to, const struct secrets *secrets)
{
    size_t found = 0;
    char *bytes = to - from < 1u << 30 ? malloc(to - from) : NULL;
    ssize_t got = bytes ? pread(memory, bytes, to - from, (off_t)from) : -1;
    for (size_t i = 0; got > 0 && i < secrets->count; i++)
        found += memmem(bytes, (size_t)got, secrets->bytes[i], secrets->lengths[i]) != NULL;
    free(bytes);
    return found;
}

/* How many of the secrets are in its memory. */
static size_t count_in_memory(pid_t pid, const struct secrets *secrets)
{
    char line[512], rights[8];
    size_t found = 0, ranges = 0;
    unsigned long from, to;
    FILE *maps = fopen(format("/proc/%d/maps", (int)pid).ptr, "re");
    int memory = open(format("/proc/%d/mem", (int)pid).ptr, O_RDONLY | O_CLOEXEC);
    CZ_REQUIRE(maps && memory >= 0);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
            !strstr(line, "[v")) {
            found += count_in_range(memory, from, to, secrets);
            ranges++;
        }
    CZ_REQUIRE(ranges > 20);
    fclose(maps);
    close(memory);
    return found;
}

/* One handshake at each certificate, twice so that both workers have some. */
static void shake_hands(const struct server *server)
{
    for (size_t i = 0; i < 4 * CZ_COUNT(names); i++) {
        const char *name = names[i % CZ_COUNT(names)];
        cz_str said = shell(server,
                            "curl -sS --cacert $DIR/ca.pem --resolve $ARG.test:$PORT:127.0.0.1 "
                            "https://$ARG.test:$PORT/peer",
                            name);
        CZ_EXPECT_STR(said, "https ");
    }
}

static void expect_known(const struct server *server, bool process, const struct secrets *secrets)
{
    pid_t pids[CHILDREN_MAX];
    shake_hands(server);
    CZ_EXPECT_EQ(count_in_memory(server->pid, secrets), 0);
    size_t count = server_masters(server, pids, CHILDREN_MAX);
    CZ_EXPECT_EQ(count, 1);
    for (size_t i = 0; i < count && process; i++)
        CZ_EXPECT_EQ(count_in_memory(pids[i], secrets), 0);
    count = server_workers(server, pids, CHILDREN_MAX);
    CZ_EXPECT_EQ(count, 2);
    for (size_t i = 0; i < count; i++) {
        size_t found = count_in_memory(pids[i], secrets);
        CZ_EXPECT_MSG(process ? found == 0 : found >= CZ_COUNT(names), "worker %zu has %zu", i,
                      found);
    }
    count = server_key_processes(server, pids, CHILDREN_MAX);
    CZ_EXPECT_EQ(count, process ? 1 : 0);
    for (size_t i = 0; i < count; i++)
        CZ_EXPECT(count_in_memory(pids[i], secrets) >= CZ_COUNT(names));
}

static struct secrets secrets;

CZ_TEST(keys_are_in_the_memory_of_their_process_alone)
{
    if (geteuid() != 0)
        cz_test_skip("only root reads the memory of others");
    static const char *const settings[] = { "TLS_KEY_PROCESS=true", "TLS_KEY_PROCESS=false" };
    for (size_t i = 0; i < CZ_COUNT(settings); i++) {
        struct server server = start_all(2, settings[i]);
        pid_t pid;
        read_secrets(&secrets);
        expect_known(&server, i == 0, &secrets);
        server_reload(&server);
        expect_known(&server, i == 0, &secrets);
        if (i == 0) { /* nor does one that takes over leave them elsewhere */
            CZ_REQUIRE(server_key_processes(&server, &pid, 1) == 1);
            kill(pid, SIGKILL);
            server_wait_for_log(&server, "a process has died, and another is started", 1);
            expect_known(&server, true, &secrets);
        }
        CZ_EXPECT_EQ(server_stop(&server), 0);
    }
}

/* ---- what it may do ---- */

static void expect_status(pid_t pid, const char *task, const char *told)
{
    char text[8192];
    int fd = open(format("/proc/%d/task/%s/status", (int)pid, task).ptr, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    CZ_EXPECT_MSG(len > 0 && memmem(text, (size_t)len, told, strlen(told)), "thread %s lacks %s",
                  task, told);
}

CZ_TEST(all_threads_of_the_process_are_shut_in_and_it_has_nothing_open)
{
    struct server server = start_all(2, "SANDBOX=on");
    pid_t pid = key_process(&server);
    size_t threads = 0, files = 0;
    CZ_REQUIRE(pid);
    DIR *tasks = opendir(format("/proc/%d/task", (int)pid).ptr);
    CZ_REQUIRE(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] == '.')
            continue;
        expect_status(pid, task->d_name, "Seccomp:\t2");
        expect_status(pid, task->d_name, "NoNewPrivs:\t1");
        expect_status(pid, task->d_name, "CapEff:\t0000000000000000");
        threads++;
    }
    closedir(tasks);
    CZ_EXPECT(threads >= 2);
    if (geteuid() == 0) { /* to others it does not show them, as it may not be traced */
        char target[64];
        DIR *open_files = opendir(format("/proc/%d/fd", (int)pid).ptr);
        CZ_REQUIRE(open_files);
        for (struct dirent *file; (file = readdir(open_files));) {
            ssize_t len = readlink(format("/proc/%d/fd/%s", (int)pid, file->d_name).ptr, target,
                                   sizeof target);
            bool socket = len > 7 && memcmp(target, "socket:", 7) == 0;
            bool signals = len >= 21 && memcmp(target, "anon_inode:[signalfd]", 21) == 0;
            CZ_EXPECT_MSG(file->d_name[0] == '.' || socket || signals ||
                              strcmp(file->d_name, "2") == 0,
                          "%s is %.*s", file->d_name, (int)len, target);
            files += socket;
        }
        closedir(open_files);
        CZ_EXPECT_EQ(files, 4); /* two places for each worker */
    }
    shake_hands(&server);
    CZ_EXPECT_EQ(server_logged(&server, "workers may read the file of a TLS key"),
                 CZ_COUNT(names)); /* they lie where the server was started */
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- deaths ---- */

CZ_TEST(a_process_of_keys_that_is_killed_under_load_is_replaced_and_nobody_notices)
{
    enum { KILLS = 5 };
    struct server server = start_one(2, NULL);
    FILE *load =
        popen(format("cd %s; (for i in 1 2 3 4 5 6 7 8; do printf 'GET /peer HTTP/1.1\r\nHost: "
                     "localhost\r\nConnection: '; [ $i = 8 ] && printf close || printf keep-alive; "
                     "printf '\r\n\r\n'; sleep 0.5; done) | openssl s_client -quiet -connect "
                     "127.0.0.1:%d 2>/dev/null | grep -c '200 OK' >alive & "
                     "until [ -e stop ]; do curl -sS --max-time 5 --cacert ca.pem "
                     "https://localhost:%d/peer || echo FAILED; echo; done; wait; echo alive $(cat "
                     "alive)",
                     cz_test_directory(), server.tls_port, server.tls_port)
                  .ptr,
              "r"); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_REQUIRE(load);
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = key_process(&server);
        CZ_REQUIRE(pid);
        sleep_ms(300);
        int64_t killed_ms = now_ms();
        CZ_REQUIRE(kill(pid, SIGKILL) == 0);
        CZ_EXPECT(is_served_soon(&server, resume_ms()));
        CZ_EXPECT_MSG(now_ms() - killed_ms <= resume_ms(), "it took %lld ms",
                      (long long)(now_ms() - killed_ms));
    }
    sleep_ms(2500);
    CZ_REQUIRE(!system(format("touch %s/stop", cz_test_directory()).ptr));
    char line[256];
    size_t served = 0, failed = 0, alive = 0;
    while (fgets(line, sizeof line, load)) {
        served += strstr(line, "https ") != NULL;
        failed += strstr(line, "FAILED") != NULL;
        cz_ignore(sscanf(line, "alive %zu", &alive));
    }
    cz_ignore(pclose(load)); /* its words tell */
    CZ_EXPECT(served > KILLS);
    CZ_EXPECT_EQ(failed, 0);
    CZ_EXPECT_EQ(alive, 8); /* answers on a connection from before */
    CZ_EXPECT_EQ(server_logged(&server, "a process has died, and another is started"), KILLS);
    CZ_EXPECT_EQ(server_logged(&server, "does not answer"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* One that asked to be replaced is of worker_limits_test.c. */
CZ_TEST(the_replacement_of_a_worker_signs)
{
    struct server server = start_one(1, NULL);
    for (int i = 0; i < 6; i++) {
        pid_t worker;
        CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
        kill(worker, SIGKILL);
        CZ_EXPECT(is_served_soon(&server, RESUME_SANITIZED_MS));
        CZ_EXPECT(is_served(&server));
    }
    CZ_EXPECT_EQ(server_logged(&server, "does not answer"), 0);
    cz_ignore(server_stop(&server)); /* whose code tells of the killed ones */
}

/* The worker's socket to the process, as one has it who has taken it over; -1: none. */
static int socket_of(pid_t worker)
{
    enum { FDS_MAX = 64 };
    int process = (int)syscall(SYS_pidfd_open, worker, 0), out = -1;
    for (int fd = 3; fd < FDS_MAX && process >= 0 && out < 0; fd++) {
        int type = 0;
        socklen_t len = sizeof type;
        out = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
        if (out >= 0 &&
            (getsockopt(out, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)) {
            close(out);
            out = -1;
        }
    }
    if (process >= 0)
        close(process);
    return out;
}

CZ_TEST(what_a_worker_did_to_its_socket_ends_with_it)
{
    if (geteuid() != 0)
        cz_test_skip("only root takes descriptors of others");
    struct server server = start_one(1, NULL);
    pid_t worker;
    CZ_REQUIRE(is_served(&server) && server_workers(&server, &worker, 1) == 1);
    int fd = socket_of(worker);
    CZ_REQUIRE(fd >= 0 && !shutdown(fd, SHUT_RDWR));
    close(fd);
    CZ_EXPECT(!is_served(&server));
    kill(worker, SIGKILL);
    CZ_EXPECT(is_served_soon(&server, RESUME_SANITIZED_MS));
    CZ_EXPECT_EQ(server_logged(&server, "left its socket to the process of the keys unusable"), 1);
    cz_ignore(server_stop(&server)); /* whose code tells of the killed one */
}

/* Its files were replaced, and the site was not reloaded: a new key is not used with an old certificate. */
CZ_TEST(a_process_that_finds_another_key_says_so_until_it_finds_its_own)
{
    struct server server = start_one(1, NULL);
    CZ_EXPECT(is_served(&server));
    CZ_REQUIRE(replace("elsewhere", ".key"));
    kill(key_process(&server), SIGKILL);
    server_wait_for_log(&server, "cannot take over", 2); /* it goes on trying */
    CZ_EXPECT(server_logged(&server, "site.key cannot be read as PEM or is not that of") >= 2);
    CZ_EXPECT(!is_served(&server));
    server_wait_for_log(&server, "does not answer: handshakes fail until it does", 1);
    const cz_answer *plain = get(server.port, "/peer");
    CZ_REQUIRE(plain);
    CZ_EXPECT_STATUS(plain, 200);
    int64_t began_ms = now_ms();
    for (int i = 0; i < 4; i++)
        CZ_EXPECT(!is_served(&server));
    CZ_EXPECT_MSG(now_ms() - began_ms < 6000, "failures took %lld ms",
                  (long long)(now_ms() - began_ms)); /* not 2 s each */
    CZ_REQUIRE(replace("good", ".key"));
    CZ_EXPECT(is_served_soon(&server, 15000));
    server_wait_for_log(&server, "the process of the keys is there again", 1);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* As a supervisor sends to all, and a terminal; and as one that was killed leaves it. */
CZ_TEST(the_process_of_keys_ends_when_nobody_is_left_to_sign_for)
{
    struct server server = start_one(2, NULL);
    pid_t pid = key_process(&server);
    CZ_REQUIRE(pid);
    kill(pid, SIGTERM);
    kill(pid, SIGINT);
    kill(pid, SIGHUP);
    sleep_ms(100);
    CZ_EXPECT(is_served(&server));
    CZ_EXPECT_EQ(key_process(&server), pid);
    pid_t master = server_only_master(&server);
    sleep_ms(1100); /* one that dies sooner is not replaced */
    kill(master, SIGKILL);
    int64_t until = now_ms() + RESUME_SANITIZED_MS;
    while (kill(pid, 0) == 0 && now_ms() < until)
        sleep_ms(10);
    CZ_EXPECT(kill(pid, 0) != 0);
    CZ_EXPECT(is_served_soon(&server, RESUME_SANITIZED_MS));
    pid_t next = key_process(&server);
    CZ_EXPECT(next && next != pid);
    cz_ignore(server_stop(&server)); /* whose code tells of the killed one */
    CZ_EXPECT(kill(next, 0) != 0);
}

/* ---- reloads ---- */

CZ_TEST(certificates_and_keys_are_replaced_by_reloads_under_load)
{
    enum { RELOADS = 6 };
    struct server server = start_one(2, NULL);
    FILE *load = popen(format("cd %s; until [ -e stop ]; do curl -sSk --max-time 5 "
                              "https://localhost:%d/peer || echo FAILED; echo; done",
                              cz_test_directory(), server.tls_port)
                           .ptr,
                       "r"); /* NOLINT(cert-env33-c): its words are the test's own */
    CZ_REQUIRE(load);
    for (int i = 0; i < RELOADS; i++) {
        const char *name = i % 2 ? "good" : "elsewhere";
        CZ_REQUIRE(replace(name, ".pem") && replace(name, ".key"));
        server_reload(&server);
        CZ_EXPECT(key_process(&server));
        cz_str told =
            shell(&server, "echo | openssl s_client -connect 127.0.0.1:$PORT | grep subject=", "");
        CZ_EXPECT_MSG(cz_str_find(told, cz_str_from(name)) != SIZE_MAX, "%.*s", CZ_STR_ARG(told));
    }
    CZ_REQUIRE(!system(format("touch %s/stop", cz_test_directory()).ptr));
    char line[256];
    size_t served = 0, failed = 0;
    while (fgets(line, sizeof line, load)) {
        served += strstr(line, "https ") != NULL;
        failed += strstr(line, "FAILED") != NULL;
    }
    cz_ignore(pclose(load)); /* its words tell */
    CZ_EXPECT(served > RELOADS);
    CZ_EXPECT_EQ(failed, 0);
    CZ_EXPECT_EQ(server_logged(&server, "does not answer"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
