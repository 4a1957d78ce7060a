/* Files as answers, and folders of them, over real sockets: what comes, what it costs, and who gets nothing. */
#include "certificates.h"
#include "server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH "127.0.0.1:0, https://127.0.0.1:0"

static const char *in_directory(const char *name)
{
    return format("%s/%s", cz_test_directory(), name).ptr;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_directory(name), "we");
    CZ_REQUIRE(file);
    fputs(text, file);
    CZ_REQUIRE(fclose(file) == 0);
}

/* As it was a day ago: what was written just now has a weak tag. */
static void write_old_file(const char *name, const char *text)
{
    const struct timespec times[2] = { { .tv_sec = 1577880000 }, { .tv_sec = 1577880000 } };
    write_file(name, text);
    CZ_REQUIRE(utimensat(AT_FDCWD, in_directory(name), times, 0) == 0);
}

static void make_folders(void)
{
    static const char *const folders[] = { "files",      "files/.git",  "static",
                                           "static/sub", "static/.git", "static/.well-known",
                                           "site",       "site/sub",    "site/.well-known" };
    for (size_t i = 0; i < CZ_COUNT(folders); i++)
        CZ_REQUIRE(mkdir(in_directory(folders[i]), 0755) == 0);
    write_old_file("secret", "secret\n");
    write_old_file("files/plain.txt", "0123456789");
    write_old_file("files/other.txt", "other\n");
    write_old_file("files/.git/config", "secret\n");
    write_old_file("static/app.js", "app\n");
    write_old_file("static/main.3f2a9c1b.js", "main\n");
    write_old_file("static/sub/deep.css", "deep\n");
    write_old_file("static/a b\xc3\xa4&.txt", "name\n");
    write_old_file("static/.env", "secret\n");
    write_old_file("static/.git/config", "secret\n");
    write_old_file("static/.well-known/x.txt", "known\n");
    write_old_file("site/index.html", "home\n");
    write_old_file("site/sub/index.html", "sub\n");
    write_old_file("site/.well-known/x.txt", "known\n");
}

static struct server start(void)
{
    make_folders();
    certificates_make();
    const char *const env[] = {
        format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
        format("TLS_KEYS=%s", certificate_file("good.key")).ptr,
        "ALLOWED_HOSTS=localhost,127.0.0.1",
        "ACCESS_LOG=access",
        format("SHELF_FILE=%s", in_directory("absolute")).ptr,
        NULL,
    };
    struct server server = server_start_on("shelf", BOTH, 1, env);
    CZ_REQUIRE(server.port && server.tls_port);
    return server;
}

static void expect_stopped(struct server *server)
{
    CZ_EXPECT_EQ(server_stop(server), 0);
}

static void make_sparse(const char *name, int64_t bytes)
{
    int fd = open(in_directory(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    CZ_REQUIRE(fd >= 0 && ftruncate(fd, bytes) == 0);
    close(fd);
}

/* Bytes that differ from those around them, and no round number of them. */
static void make_large(const char *name, size_t bytes)
{
    FILE *file = fopen(in_directory(name), "we");
    uint64_t x = 88172645463325252u;
    CZ_REQUIRE(file);
    for (size_t i = 0; i < bytes; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        fputc((int)(x & 0xff), file);
    }
    CZ_REQUIRE(fclose(file) == 0);
}

/* Every way a file goes. */
static const char *const ways[] = {
    "http://127.0.0.1:$PLAIN",
    "--http2-prior-knowledge http://127.0.0.1:$PLAIN",
    "--http1.1 --cacert $DIR/ca.pem https://localhost:$PORT",
    "--http2 --cacert $DIR/ca.pem https://localhost:$PORT",
};

CZ_TEST(a_file_comes_whole_by_every_way)
{
    static const size_t sizes[] = {
        0, 1, 1000, 65535, 65536, 65537, 131072, 262144, 327681, 3000001
    };
    struct server server = start();
    for (size_t i = 0; i < CZ_COUNT(sizes); i++)
        make_large(format("files/%zu.bin", sizes[i]).ptr, sizes[i]);
    for (size_t w = 0; w < CZ_COUNT(ways); w++)
        for (size_t i = 0; i < CZ_COUNT(sizes); i++) {
            cz_str said = shell(
                &server,
                format("curl -sS %s/download/$ARG.bin | cmp - $DIR/files/$ARG.bin && echo alike",
                       ways[w])
                    .ptr,
                format("%zu", sizes[i]).ptr);
            CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("alike\n")), "%s, %zu bytes: %.*s", ways[w],
                          sizes[i], CZ_STR_ARG(said));
        }
    expect_stopped(&server);
}

static long peak_kib(const struct server *server)
{
    pid_t worker;
    CZ_REQUIRE(server_workers(server, &worker, 1) == 1);
    cz_str said = shell(server, format("grep VmHWM /proc/%d/status", (int)worker).ptr, "");
    long kib = 0;
    CZ_REQUIRE(sscanf(said.ptr, "VmHWM: %ld", &kib) ==
               1); /* NOLINT(cert-err34-c): a kernel's line */
    return kib;
}

/* Of files nothing is in memory at first, so threads read them. */
CZ_TEST(a_large_file_takes_no_more_memory_than_a_small_one)
{
    struct server server = start();
    int64_t bytes = (int64_t)full_or_short(2048, 128) << 20;
    make_sparse("files/large.bin", bytes);
    CZ_REQUIRE(get(server.port, "/download/plain.txt"));
    long before = peak_kib(&server);
    for (size_t w = 0; w < CZ_COUNT(ways); w++) {
        cz_str said = shell(&server,
                            format("curl -sS -o /dev/null -w '%%{size_download}' %s%s", ways[w],
                                   "/download/large.bin")
                                .ptr,
                            "");
        CZ_EXPECT_STR(said, format("%lld", (long long)bytes).ptr);
    }
    long grown = peak_kib(&server) - before;
    CZ_EXPECT_MSG(grown < 8192 || is_sanitized(), "%ld KiB", grown);
    expect_stopped(&server);
}

/* ---- Clients and files that go away ---- */

static int ask_and_take_some(uint16_t port, const char *path, size_t some)
{
    char bytes[65536];
    int fd = dial(port);
    cz_str request = format("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    CZ_REQUIRE(send(fd, request.ptr, request.len, MSG_NOSIGNAL) == (ssize_t)request.len);
    for (size_t taken = 0; taken < some;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        CZ_REQUIRE(n > 0);
        taken += (size_t)n;
    }
    return fd;
}

static long descriptors(const struct server *server)
{
    const cz_answer *answer = get(server->port, "/process");
    CZ_REQUIRE(answer);
    return strtol(answer->body.ptr, NULL, 10);
}

CZ_TEST(a_client_that_goes_away_leaves_no_descriptor)
{
    struct server server = start();
    make_sparse("files/large.bin", INT64_C(2) << 30);
    long before = descriptors(&server);
    int fds[20];
    for (size_t i = 0; i < CZ_COUNT(fds); i++)
        fds[i] = ask_and_take_some(server.port, "/download/large.bin", i * 30000 + 1);
    CZ_EXPECT(descriptors(&server) >= before + 2 * (long)CZ_COUNT(fds));
    for (size_t i = 0; i < CZ_COUNT(fds); i++) {
        const struct linger reset = { .l_onoff = i % 2 };
        setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fds[i]);
    }
    for (size_t w = 0; w < CZ_COUNT(ways); w++)
        cz_ignore(shell(&server,
                        format("timeout 0.3 curl -sS --limit-rate 1M -o /dev/null %s%s", ways[w],
                               "/download/large.bin")
                            .ptr,
                        "")
                      .len); /* it is killed */
    long after = 0;
    for (int tries = 0; tries < 100 && (after = descriptors(&server)) != before; tries++)
        sleep_ms(20);
    CZ_EXPECT_EQ(after, before);
    expect_stopped(&server);
}

CZ_TEST(a_client_that_takes_nothing_is_cut_and_others_are_served)
{
    make_folders();
    make_sparse("files/large.bin", INT64_C(1) << 30);
    const char *const env[] = { "HTTP_WRITE_TIMEOUT=300ms", NULL };
    struct server server = server_start("shelf", 1, env);
    long before = descriptors(&server);
    int fd = ask_and_take_some(server.port, "/download/large.bin", 1);
    CZ_EXPECT_STATUS(get(server.port, "/ping"), 200);
    long after = 0;
    for (int tries = 0; tries < 100 && (after = descriptors(&server)) != before; tries++)
        sleep_ms(20);
    CZ_EXPECT_EQ(after, before);
    close(fd);
    expect_stopped(&server);
}

CZ_TEST(a_file_that_becomes_shorter_cuts_its_answer)
{
    static const char *const codes[] = { "18", "92", "18", "92" }; /* curl: partial; the stream */
    struct server server = start();
    for (size_t w = 0; w < CZ_COUNT(ways); w++) {
        make_sparse("files/shrinks.bin", INT64_C(1) << 30);
        cz_str said = shell(
            &server,
            format("(sleep 0.3; truncate -s 100 $DIR/files/shrinks.bin) & "
                   "curl -sS --limit-rate 20M -m 20 -o /dev/null -w '%%{exitcode}\\n' %s%s; wait",
                   ways[w], "/download/shrinks.bin")
                .ptr,
            "");
        CZ_EXPECT_MSG(cz_str_find(said, cz_str_from(codes[w])) != SIZE_MAX, "%s: %.*s", ways[w],
                      CZ_STR_ARG(said));
        CZ_EXPECT_STATUS(get(server.port, "/ping"), 200);
    }
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("became shorter")) != SIZE_MAX);
    expect_stopped(&server);
}

/* ---- What handlers answer ---- */

CZ_TEST(handlers_answer_with_files)
{
    static const struct {
        const char *target;
        int status;
        const char *body, *header, *value;
    } cases[] = {
        { "/download/plain.txt", 200, "0123456789", "Content-Disposition",
          "attachment; filename=\"plain.txt\"" },
        { "/descriptor", 200, "0123456789", "Content-Type", "text/x-shelf" },
        { "/descriptor", 200, "0123456789", "Content-Disposition",
          "inline; filename=\"a _b_.txt\"; filename*=UTF-8''a%20%22b%22.txt" },
        { "/absolute", 200, "far\n", "Content-Type", "application/octet-stream" },
        { "/twice", 200, "0123456789", "Content-Length", "10" },
        { "/raise", 409, NULL, "ETag", "" },
        { "/download/none.txt", 404, NULL, "Content-Disposition", "" },
        { "/download/.", 404, NULL, "ETag", "" },
        { "/download/../secret", 404, NULL, "ETag", "" },
        { "/download/..%2fsecret", 404, NULL, "ETag", "" },
        { "/download/%2e%2e/secret", 404, NULL, "ETag", "" },
        { "/download/%2fetc/passwd", 404, NULL, "ETag", "" },
        { "/download//etc/passwd", 404, NULL, "ETag", "" },
        { "/download/link", 404, NULL, "ETag", "" },
        { "/download/plain.txt/", 404, NULL, "ETag", "" },
    };
    struct server server = start();
    write_file("absolute", "far\n");
    CZ_REQUIRE(symlink("/etc/passwd", in_directory("files/link")) == 0);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = get(server.port, cases[i].target);
        CZ_REQUIRE(answer);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s: %d", cases[i].target, answer->status);
        CZ_EXPECT_MSG(
            cz_str_eq(cz_answer_header(answer, cases[i].header), cz_str_from(cases[i].value)),
            "%s: %.*s", cases[i].target, CZ_STR_ARG(cz_answer_header(answer, cases[i].header)));
        CZ_EXPECT_MSG(!cases[i].body || cz_str_eq(answer->body, cz_str_from(cases[i].body)),
                      "%s: %.*s", cases[i].target, CZ_STR_ARG(answer->body));
    }
    expect_stopped(&server);
}

/* The head has gone when that is found, so the connection is cut. */
CZ_TEST(a_file_that_a_raise_closed_is_not_read)
{
    struct server server = start();
    char bytes[4096];
    size_t len = 0;
    int fd = dial(server.port);
    cz_str request = CZ_STR("GET /closed HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CZ_REQUIRE(send(fd, request.ptr, request.len, MSG_NOSIGNAL) == (ssize_t)request.len);
    for (ssize_t n; (n = recv(fd, bytes + len, sizeof bytes - len, 0)) > 0;)
        len += (size_t)n;
    close(fd);
    CZ_EXPECT(cz_str_find(cz_str_of(bytes, len), CZ_STR("\r\nContent-Length: 10\r\n")) != SIZE_MAX);
    CZ_EXPECT(cz_str_ends_with(cz_str_of(bytes, len), CZ_STR("\r\n\r\n")));
    CZ_EXPECT_STATUS(get(server.port, "/ping"), 200);
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("was closed before it was sent")) !=
              SIZE_MAX);
    expect_stopped(&server);
}

/* A file system that lies in memory tells nothing of what is there. */
CZ_TEST(a_file_in_memory_is_sent_too)
{
    if (access("/dev/shm", W_OK) != 0)
        return;
    make_folders();
    cz_str path = format("/dev/shm/calzone-files-test-%d", (int)getpid());
    make_large("large.bin", 700001);
    struct server none = { 0 };
    const char *const env[] = { format("SHELF_FILE=%s", path.ptr).ptr, NULL };
    struct server server = server_start("shelf", 1, env);
    none.port = server.port;
    cz_str said = shell(&none,
                        "cp $DIR/large.bin $ARG; curl -sS http://127.0.0.1:$PLAIN/absolute |"
                        "cmp - $DIR/large.bin && echo alike; rm $ARG",
                        path.ptr);
    CZ_EXPECT_STR(said, "alike\n");
    expect_stopped(&server);
}

/* ---- Ranges ---- */

CZ_TEST(several_ranges_are_parts_of_one_body)
{
    struct server server = start();
    const cz_answer *answer =
        ask(server.port, "GET", "/download/plain.txt", "Range: bytes=1-2, -3\r\n", "");
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 206);
    cz_str type = cz_answer_header(answer, "Content-Type");
    cz_str begin = CZ_STR("multipart/byteranges; boundary=");
    CZ_REQUIRE(cz_str_starts_with(type, begin));
    cz_str boundary = cz_str_tail(type, begin.len);
    cz_str wanted = format("--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                           "Content-Range: bytes 1-2/10\r\n\r\n12\r\n"
                           "--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                           "Content-Range: bytes 7-9/10\r\n\r\n789\r\n--%.*s--\r\n",
                           CZ_STR_ARG(boundary), CZ_STR_ARG(boundary), CZ_STR_ARG(boundary));
    CZ_EXPECT_STR(answer->body, wanted.ptr);
    CZ_EXPECT_STR(cz_answer_header(answer, "Content-Length"), format("%zu", wanted.len).ptr);
    CZ_EXPECT_STR(cz_answer_header(answer, "Content-Range"), "");
    expect_stopped(&server);
}

CZ_TEST(a_download_goes_on_where_it_was_cut)
{
    struct server server = start();
    make_large("files/large.bin", 3000001);
    for (size_t w = 0; w < CZ_COUNT(ways); w++) {
        cz_str said = shell(&server,
                            format("head -c 1234567 $DIR/files/large.bin >$DIR/part;"
                                   "curl -sS -C - -o $DIR/part %s/download/large.bin;"
                                   "cmp $DIR/part $DIR/files/large.bin && echo alike",
                                   ways[w])
                                .ptr,
                            "");
        CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("alike\n")), "%s: %.*s", ways[w], CZ_STR_ARG(said));
    }
    expect_stopped(&server);
}

/* ---- Folders ---- */

static const struct {
    const char *target;
    int status;
    const char *body; /* NULL: whatever it is */
} paths[] = {
    { "/static/app.js", 200, "app\n" },
    { "/static/%61pp.js", 200, "app\n" },
    { "/static/sub/deep.css", 200, "deep\n" },
    { "/static/sub%2Fdeep.css", 200, "deep\n" },
    { "/static/a%20b%C3%A4&.txt", 200, "name\n" },
    { "/static/app.js?v=1", 200, "app\n" },
    { "/forever/app.js", 200, "app\n" },
    { "/named/app.js?friend", 200, "app\n" },
    { "/named/app.js", 403, NULL },
    { "/named/none.js", 403, NULL },
    { "/site/", 200, "home\n" },
    { "/site/index.html", 200, "home\n" },
    { "/site/sub/", 200, "sub\n" },
    { "/site/.well-known/x.txt", 200, "known\n" },
    { "/site/sub", 301, NULL },
    { "/site", 301, NULL },
    /* What is not there, and what is no file. */
    { "/static", 404, NULL },
    { "/static/", 404, NULL },
    { "/static/sub", 404, NULL },
    { "/static/sub/", 404, NULL },
    { "/static/none.js", 404, NULL },
    { "/static/app.js/", 404, NULL },
    { "/static/app.js/x", 404, NULL },
    { "/static/APP.js", 404, NULL },
    { "/static/pipe", 404, NULL },
    { "/static/socket", 404, NULL },
    { "/site/none/", 404, NULL },
    { "/site/.well-known/", 404, NULL },
    /* What is hidden. */
    { "/static/.env", 404, NULL },
    { "/static/%2eenv", 404, NULL },
    { "/static/.git/config", 404, NULL },
    { "/static/.well-known/x.txt", 404, NULL },
    { "/site/.well-known/.hidden", 404, NULL },
    { "/site/..well-known/x.txt", 404, NULL },
    /* What lies elsewhere. */
    { "/static/../secret", 404, NULL },
    { "/static/sub/../../secret", 404, NULL },
    { "/static/sub/../app.js", 404, NULL },
    { "/static/./app.js", 404, NULL },
    { "/static/..%2fsecret", 404, NULL },
    { "/static/..%2Fsecret", 404, NULL },
    { "/static/%2e%2e/secret", 404, NULL },
    { "/static/%2E%2E%2Fsecret", 404, NULL },
    { "/static/.%2e/secret", 404, NULL },
    { "/static/..%5csecret", 404, NULL },
    { "/static/..\\secret", 404, NULL },
    { "/static/%252e%252e/secret", 404, NULL },
    { "/static/..%252fsecret", 404, NULL },
    { "/static//secret", 404, NULL },
    { "/static//etc/passwd", 404, NULL },
    { "/static/%2fetc%2fpasswd", 404, NULL },
    { "/static/sub//deep.css", 404, NULL },
    { "/static/link", 404, NULL },
    { "/static/folder/passwd", 404, NULL },
    { "/static/inside", 404, NULL }, /* a link within the folder, too */
    { "/static/dangling", 404, NULL },
    /* What no path is. */
    { "/static/app.js%00", 400, NULL },
    { "/static/app.js%00.txt", 400, NULL },
    { "/static/%c0%ae%c0%ae/secret", 400, NULL },
    { "/static/%ff", 400, NULL },
    { "/static/%zz", 400, NULL },
};

CZ_TEST(a_folder_gives_its_own_files_and_nothing_else)
{
    struct server server = start();
    CZ_REQUIRE(symlink("/etc/passwd", in_directory("static/link")) == 0);
    CZ_REQUIRE(symlink("/etc", in_directory("static/folder")) == 0);
    CZ_REQUIRE(symlink("app.js", in_directory("static/inside")) == 0);
    CZ_REQUIRE(symlink("nowhere", in_directory("static/dangling")) == 0);
    CZ_REQUIRE(mkfifo(in_directory("static/pipe"), 0644) == 0);
    CZ_REQUIRE(mknod(in_directory("static/socket"), S_IFSOCK | 0644, 0) == 0);
    write_old_file("site/.well-known/.hidden", "secret\n");
    for (size_t i = 0; i < CZ_COUNT(paths); i++) {
        const cz_answer *answer = get(server.port, paths[i].target);
        CZ_REQUIRE(answer);
        CZ_EXPECT_MSG(answer->status == paths[i].status, "%s: %d", paths[i].target, answer->status);
        CZ_EXPECT_MSG(!paths[i].body || cz_str_eq(answer->body, cz_str_from(paths[i].body)),
                      "%s: %.*s", paths[i].target, CZ_STR_ARG(answer->body));
        CZ_EXPECT_MSG(cz_str_find(answer->body, CZ_STR("secret\n")) == SIZE_MAX &&
                          cz_str_find(answer->body, CZ_STR("root:")) == SIZE_MAX,
                      "%s", paths[i].target);
    }
    CZ_EXPECT_HEADER(get(server.port, "/site/sub?a=1&b=%20"), "Location", "/site/sub/?a=1&b=%20");
    CZ_EXPECT_STR(get(server.port, "/address")->body, "/static/sub/deep.css /named/sub/deep.css");
    long name = 0;
    cz_str longest = format("/static/%0300ld", name); /* no step is that long */
    CZ_EXPECT_STATUS(get(server.port, longest.ptr), 404);
    longest = format("/static/%04000ld/x", name);
    CZ_EXPECT_STATUS(get(server.port, longest.ptr), 404);
    expect_stopped(&server);
}

CZ_TEST(files_are_read_and_nothing_else)
{
    static const struct {
        const char *method;
        int status;
        const char *allow, *body;
    } cases[] = {
        { "HEAD", 200, "", "" },
        { "OPTIONS", 204, "GET, HEAD, OPTIONS", "" },
        { "POST", 405, "GET, HEAD, OPTIONS", NULL },
        { "PUT", 405, "GET, HEAD, OPTIONS", NULL },
        { "DELETE", 405, "GET, HEAD, OPTIONS", NULL },
    };
    struct server server = start();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = ask(server.port, cases[i].method, "/static/app.js", "", "");
        CZ_REQUIRE(answer);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s: %d", cases[i].method, answer->status);
        CZ_EXPECT_STR(cz_answer_header(answer, "Allow"), cases[i].allow);
        CZ_EXPECT(!cases[i].body || cz_str_eq(answer->body, cz_str_from(cases[i].body)));
    }
    const char *head = "curl -sS -I --http2-prior-knowledge http://127.0.0.1:$PLAIN/$ARG";
    cz_str known = shell(&server, head, "static/app.js"), unknown = shell(&server, head, "stream");
    CZ_EXPECT_MSG(cz_str_find(known, CZ_STR("content-length: 4\r\n")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(known));
    CZ_EXPECT_MSG(cz_str_find(unknown, CZ_STR("HTTP/2 200")) != SIZE_MAX &&
                      cz_str_find(unknown, CZ_STR("content-length")) == SIZE_MAX,
                  "%.*s", CZ_STR_ARG(unknown));
    expect_stopped(&server);
}

/* ---- Variants ---- */

CZ_TEST(a_packed_file_is_given_to_who_takes_it)
{
    static const struct {
        const char *accepted, *body, *coding;
    } cases[] = {
        { NULL, "app\n", "" },
        { "", "app\n", "" },
        { "gzip", "gzip", "gzip" },
        { "GZIP", "gzip", "gzip" },
        { "br", "br", "br" },
        { "zstd", "zstd", "zstd" },
        { "gzip, deflate, br, zstd", "br", "br" },
        { "gzip, zstd", "zstd", "zstd" },
        { "gzip;q=1, br;q=0.5", "gzip", "gzip" },
        { "gzip;q=0.5, br;q=0.5", "br", "br" },
        { "br;q=0, gzip", "gzip", "gzip" },
        { "*", "br", "br" },
        { "*;q=0", "app\n", "" },
        { "gzip;q=0", "app\n", "" },
        { "*;q=0.5, gzip", "gzip", "gzip" },
        { "identity", "app\n", "" },
        { "identity, gzip;q=0.5", "app\n", "" },
        { "identity;q=0.5, gzip", "gzip", "gzip" },
        { "deflate", "app\n", "" },
        { "gzip;q=", "app\n", "" },
        { "gzip;q=2", "app\n", "" },
        { "gzipped", "app\n", "" },
        { "br, gzip;q=0.9\r\nAccept-Encoding: zstd;q=0.95", "br", "br" },
    };
    struct server server = start();
    write_old_file("static/app.js.gz", "gzip");
    write_old_file("static/app.js.br", "br");
    write_old_file("static/app.js.zst", "zstd");
    sleep_ms(2500); /* until they have strong tags */
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str header =
            cases[i].accepted ? format("Accept-Encoding: %s\r\n", cases[i].accepted) : CZ_STR("");
        const cz_answer *answer =
            ask(server.port, "GET", "/static/app.js", cases[i].accepted ? header.ptr : "", "");
        CZ_REQUIRE(answer);
        CZ_EXPECT_MSG(cz_str_eq(answer->body, cz_str_from(cases[i].body)), "%s: %.*s",
                      cases[i].accepted ? cases[i].accepted : "nothing", CZ_STR_ARG(answer->body));
        CZ_EXPECT_STR(cz_answer_header(answer, "Content-Encoding"), cases[i].coding);
        CZ_EXPECT_STR(cz_answer_header(answer, "Vary"), "Accept-Encoding");
        CZ_EXPECT_STR(cz_answer_header(answer, "Content-Type"), "text/javascript; charset=utf-8");
        cz_str etag = cz_answer_header(answer, "ETag");
        CZ_EXPECT_MSG(cz_str_ends_with(etag, cases[i].coding[0] ? format("-%s\"", cases[i].coding)
                                                                : CZ_STR("\"")) &&
                          cz_str_starts_with(etag, CZ_STR("\"")),
                      "%.*s", CZ_STR_ARG(etag));
    }
    const cz_answer *itself = get(server.port, "/static/app.js.gz");
    CZ_EXPECT_STR(itself->body, "gzip");
    CZ_EXPECT_STR(cz_answer_header(itself, "Content-Encoding"), "");
    CZ_EXPECT_STR(cz_answer_header(itself, "Content-Type"), "application/gzip");
    expect_stopped(&server);
}

/* A build that made a new file and no new variant. */
CZ_TEST(a_packed_file_of_what_was_before_is_not_given)
{
    struct server server = start();
    const char *gzip = "Accept-Encoding: gzip\r\n";
    write_old_file("static/app.js.gz", "old");
    CZ_EXPECT_STR(ask(server.port, "GET", "/static/app.js", gzip, "")->body, "old");
    cz_str before = cz_answer_header(get(server.port, "/static/app.js"), "ETag");
    write_file("static/app.js", "new\n");
    CZ_EXPECT_STR(ask(server.port, "GET", "/static/app.js", gzip, "")->body, "new\n");
    CZ_EXPECT(!cz_str_eq(before, cz_answer_header(get(server.port, "/static/app.js"), "ETag")));
    write_file("static/app.js.gz", "fresh");
    CZ_EXPECT_STR(ask(server.port, "GET", "/static/app.js", gzip, "")->body, "fresh");
    CZ_REQUIRE(unlink(in_directory("static/app.js")) == 0);
    CZ_EXPECT_STATUS(ask(server.port, "GET", "/static/app.js", gzip, ""), 404);
    expect_stopped(&server);
}

/* ---- Caches ---- */

CZ_TEST(a_file_that_was_changed_is_told_from_what_it_was)
{
    struct server server = start();
    write_file("static/fresh.js", "one\n");
    const cz_answer *first = get(server.port, "/static/fresh.js");
    cz_str weak = cz_answer_header(first, "ETag");
    CZ_EXPECT_MSG(cz_str_starts_with(weak, CZ_STR("W/\"")), "%.*s", CZ_STR_ARG(weak));
    sleep_ms(2500);
    cz_str strong = cz_answer_header(get(server.port, "/static/fresh.js"), "ETag");
    CZ_EXPECT(cz_str_starts_with(strong, CZ_STR("\"")));
    /* The weak one may have been of another state in the same tick of the clock. */
    const char *known = format("If-None-Match: %.*s\r\n", CZ_STR_ARG(weak)).ptr;
    CZ_EXPECT_STATUS(ask(server.port, "GET", "/static/fresh.js", known, ""), 200);
    known = format("If-None-Match: %.*s\r\n", CZ_STR_ARG(strong)).ptr;
    const cz_answer *unchanged = ask(server.port, "GET", "/static/fresh.js", known, "");
    CZ_EXPECT_STATUS(unchanged, 304);
    CZ_EXPECT_STR(cz_answer_header(unchanged, "Cache-Control"), "public, max-age=60");
    CZ_EXPECT_STR(cz_answer_header(unchanged, "Vary"), "Accept-Encoding");
    CZ_EXPECT_STR(cz_answer_header(unchanged, "Last-Modified"), "");
    /* Another file under its name, of the same size and with its times. */
    cz_ignore(
        shell(&server, "cd $DIR/static; printf 'two\\n' >x; touch -r fresh.js x; mv x fresh.js", "")
            .len); /* looked at below */
    const cz_answer *other = ask(server.port, "GET", "/static/fresh.js", known, "");
    CZ_EXPECT_STATUS(other, 200);
    CZ_EXPECT_STR(other->body, "two\n");
    expect_stopped(&server);
}

/* The folder itself may be a link: the next release is there from one request to the next. */
CZ_TEST(a_release_is_switched_by_a_link)
{
    CZ_REQUIRE(mkdir(in_directory("one"), 0755) == 0 && mkdir(in_directory("two"), 0755) == 0);
    write_old_file("one/app.js", "one\n");
    write_old_file("two/app.js", "two\n");
    CZ_REQUIRE(symlink("one", in_directory("static")) == 0);
    struct server server = server_start("shelf", 1, NULL);
    CZ_EXPECT_STR(get(server.port, "/static/app.js")->body, "one\n");
    CZ_REQUIRE(symlink("two", in_directory("next")) == 0);
    cz_str from = format("%s/next", cz_test_directory());
    CZ_REQUIRE(rename(from.ptr, in_directory("static")) == 0);
    CZ_EXPECT_STR(get(server.port, "/static/app.js")->body, "two\n");
    CZ_REQUIRE(unlink(in_directory("static")) == 0);
    CZ_EXPECT_STATUS(get(server.port, "/static/app.js"), 404);
    expect_stopped(&server);
}

CZ_TEST(how_long_a_file_may_be_kept)
{
    static const struct {
        const char *age, *target, *value;
    } cases[] = {
        { "60s", "/static/app.js", "public, max-age=60" },
        { "2h", "/static/app.js", "public, max-age=7200" },
        { "0s", "/static/app.js", "no-cache" },
        { "0s", "/static/main.3f2a9c1b.js", "public, max-age=31536000, immutable" },
        { "60s", "/forever/app.js", "public, max-age=31536000, immutable" },
        { "60s", "/static/none.js", "" },
        { "60s", "/static/none.3f2a9c1b.js", "" },
    };
    make_folders();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *const env[] = { format("STATIC_MAX_AGE=%s", cases[i].age).ptr, NULL };
        struct server server = server_start("shelf", 1, env);
        const cz_answer *answer = get(server.port, cases[i].target);
        CZ_REQUIRE(answer);
        CZ_EXPECT_STR(cz_answer_header(answer, "Cache-Control"), cases[i].value);
        expect_stopped(&server);
    }
}

/* ---- The chain around ---- */

CZ_TEST(middleware_is_around_files_too)
{
    struct server server = start();
    const cz_answer *answer = get(server.port, "/static/app.js");
    CZ_EXPECT_HEADER(answer, "X-Content-Type-Options", "nosniff");
    CZ_EXPECT(cz_answer_header(answer, "X-Request-Id").len > 0);
    CZ_EXPECT_STATUS(
        ask_raw(server.port, CZ_STR("GET /static/app.js HTTP/1.1\r\nHost: evil.test\r\n\r\n")),
        400);
    expect_stopped(&server);
    CZ_EXPECT_STR(
        shell(&server,
              "grep -c '\"path\":\"/static/app.js\",\"status\":200,\"bytes\":4,' $DIR/access", ""),
        "1\n");
}
