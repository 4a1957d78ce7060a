/* Files as answers, below what can be seen from outside: how they are found where the kernel has no openat2(), what a name says to
 * a client, and streams that do not have the bytes they said. */
#include "http/file_response.h"
#include "http/http_testing.h"
#include <stdio.h>
#include <sys/stat.h>

/* ---- Finding ---- */

static const char *in_directory(const char *name)
{
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", cz_test_directory(), name);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(in_directory(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    CZ_REQUIRE(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
}

static void link_to(const char *target, const char *name)
{
    CZ_REQUIRE(symlink(target, in_directory(name)) == 0);
}

static void make_tree(void)
{
    CZ_REQUIRE(mkdir(in_directory("root"), 0755) == 0);
    CZ_REQUIRE(mkdir(in_directory("root/sub"), 0755) == 0);
    CZ_REQUIRE(mkfifo(in_directory("root/pipe"), 0644) == 0);
    make_file("secret");
    make_file("root/a");
    make_file("root/sub/b");
    link_to("../secret", "root/up");
    link_to("..", "root/parent");
    link_to("a", "root/same");
    link_to("sub", "root/folder");
    link_to("/etc/passwd", "root/far");
}

static const struct {
    const char *path;
    int error; /* 0: it is opened */
} steps[] = {
    { "a", 0 },
    { "sub/b", 0 },
    { "none", ENOENT },
    { "sub/none", ENOENT },
    { "none/b", ENOENT },
    { "a/b", ENOTDIR },
    { "", ENOENT },
    { "/a", ENOENT },
    { "sub//b", ENOENT },
    { "sub/b/", ENOTDIR },
    { "..", EXDEV },
    { "../secret", EXDEV },
    { "sub/../a", EXDEV },
    { "sub/../../secret", EXDEV },
    { "up", ELOOP },
    { "same", ELOOP },
    { "far", ELOOP },
    { "parent/secret", ENOTDIR },
    { "folder/b", ENOTDIR },
};

CZ_TEST(a_walk_leads_nowhere_else)
{
    make_tree();
    int folder = open(in_directory("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    CZ_REQUIRE(folder >= 0);
    for (size_t i = 0; i < CZ_COUNT(steps); i++) {
        errno = 0;
        int fd = cz__file_walk(folder, steps[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        CZ_EXPECT_MSG(fd >= 0 ? !steps[i].error : errno == steps[i].error, "%s: %d, %s",
                      steps[i].path, fd, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    char longest[600];
    memset(longest, 'x', sizeof longest);
    longest[300] = '\0';
    CZ_EXPECT(cz__file_walk(folder, longest, O_RDONLY | O_CLOEXEC) < 0 && errno == ENAMETOOLONG);
    CZ_EXPECT(fcntl(folder, F_GETFD) >= 0); /* is still the caller's */
    close(folder);
}

struct finding {
    cz_arena *arena;
    cz_ctx ctx;
};

static struct finding finding_make(void)
{
    struct finding f = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, &f.arena));
    cz_ctx_init(&f.ctx, f.arena);
    return f;
}

CZ_TEST(what_a_name_below_a_folder_leads_to)
{
    static const struct {
        const char *name;
        cz_status status;
        bool folder;
    } cases[] = {
        { "a", CZ_OK, false },
        { "sub/b", CZ_OK, false },
        { "sub", CZ_OK, true },
        { ".", CZ_OK, true },
        { "none", CZ_ENOTFOUND, false },
        { "", CZ_ENOTFOUND, false },
        { "pipe", CZ_ENOTFOUND, false },
        { "a/", CZ_ENOTFOUND, false },
        { "..", CZ_ENOTFOUND, false },
        { "../secret", CZ_ENOTFOUND, false },
        { "sub/../a", CZ_ENOTFOUND, false },
        { "/etc/passwd", CZ_ENOTFOUND, false },
        { "up", CZ_ENOTFOUND, false },
        { "same", CZ_ENOTFOUND, false },
        { "far", CZ_ENOTFOUND, false },
        { "parent/secret", CZ_ENOTFOUND, false },
        { "folder/b", CZ_ENOTFOUND, false },
    };
    struct finding f = finding_make();
    make_tree();
    char root[700];
    snprintf(root, sizeof root, "%s", in_directory("root"));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__file *file = NULL;
        enum cz__file_kind kind = CZ__FILE_REGULAR;
        cz_status status = cz__file_open(&f.ctx, root, cz_str_from(cases[i].name), &kind, &file);
        CZ_EXPECT_MSG(status == cases[i].status, "%s: %s", cases[i].name, cz_status_name(status));
        CZ_EXPECT_MSG(status || (kind == CZ__FILE_FOLDER) == cases[i].folder, "%s", cases[i].name);
        CZ_EXPECT_MSG(status || cases[i].folder || (file && file->bytes == 1), "%s", cases[i].name);
    }
    struct cz__file *file;
    enum cz__file_kind kind;
    CZ_EXPECT_EQ(cz__file_open(&f.ctx, root, cz_str_of("a\0b", 3), &kind, &file), CZ_ENOTFOUND);
    CZ_EXPECT_EQ(cz__file_open(&f.ctx, in_directory("none"), CZ_STR("a"), &kind, &file),
                 CZ_ENOTFOUND);
    cz_ctx_done(&f.ctx);
    cz_arena_destroy(f.arena);
}

/* ---- Names for clients ---- */

CZ_TEST(what_a_client_is_told_to_call_a_file)
{
    static const struct {
        bool attachment;
        const char *filename, *value;
    } cases[] = {
        { true, "a.pdf", "attachment; filename=\"a.pdf\"" },
        { false, "a.pdf", "inline; filename=\"a.pdf\"" },
        { true, "", "attachment" },
        { true, "a b;c,d=e.txt", "attachment; filename=\"a b;c,d=e.txt\"" },
        { true, "\xc3\xa4.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt" },
        { true, "\xe2\x82\xac 5.txt",
          "attachment; filename=\"_ 5.txt\"; filename*=UTF-8''%E2%82%AC%205.txt" },
        { true, "a\"b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b" },
        { true, "a\\b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%5Cb" },
        { true, "100%41.txt",
          "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt" },
        { true, "../../etc/passwd",
          "attachment; filename=\".._.._etc_passwd\"; filename*=UTF-8''.._.._etc_passwd" },
        { true, "a\r\nSet-Cookie: b",
          "attachment; filename=\"a__Set-Cookie: b\"; filename*=UTF-8''a__Set-Cookie%3A%20b" },
        { true, "a\x7f\x01", "attachment; filename=\"a__\"; filename*=UTF-8''a__" },
        { true, "a'b*c(d)", "attachment; filename=\"a'b*c(d)\"" },
        { true, "\xc3\xa4'*()<>@,;:", /* what RFC 8187 lets not stand as it is */
          "attachment; filename=\"_'*()<>@,;:\"; "
          "filename*=UTF-8''%C3%A4%27%2A%28%29%3C%3E%40%2C%3B%3A" },
        { true, "a\xff", "attachment; filename=\"a_\"" }, /* no UTF-8 */
        { true, "\xc3", "attachment; filename=\"_\"" },
    };
    struct finding f = finding_make();
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(
            cz_content_disposition(&f.ctx, cases[i].attachment, cz_str_from(cases[i].filename)),
            cases[i].value);
    cz_ctx_done(&f.ctx);
    cz_arena_destroy(f.arena);
}

static void name_too_long(cz_ctx *ctx, void *arg)
{
    char name[CZ_FILENAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    cz_str value = cz_content_disposition(ctx, true, cz_str_of(name, CZ_FILENAME_BYTES_MAX));
    CZ_EXPECT(value.len > CZ_FILENAME_BYTES_MAX);
    *(bool *)arg = true;
    cz_content_disposition(ctx, true, cz_str_of(name, sizeof name));
}

CZ_TEST(a_name_of_more_bytes_than_any_file_has_raises)
{
    struct finding f = finding_make();
    bool longest_was_taken = false;
    CZ_EXPECT_EQ(cz_try(&f.ctx, name_too_long, &longest_was_taken, NULL), CZ_EINVAL);
    CZ_EXPECT(longest_was_taken);
    cz_ctx_done(&f.ctx);
    cz_arena_destroy(f.arena);
}

/* ---- Streams that said how long they are ---- */

static void send_ten(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_stream_write(ctx, req, CZ_STR("01234"));
    cz_stream_write(ctx, req, CZ_STR(""));
    cz_stream_write(ctx, req, CZ_STR("56789"));
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    int64_t said = 10;
    cz_ignore(cz_str_to_i64(cz_str_tail(req->path, 1), &said)); /* 10 is said elsewhere */
    cz__respond_counted(ctx, req, 200, CZ_STR("text/plain"), (uint64_t)said, send_ten, NULL);
    if (cz_str_eq(req->path, CZ_STR("/replaced")))
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("another"));
    if (cz_str_eq(req->path, CZ_STR("/streamed")))
        cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_ten, NULL);
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond_empty(ctx, req, cz_error_http(err));
}

static const cz__http_app app = { .handle = handle, .answer_error = answer_error };

CZ_TEST(a_stream_that_has_not_the_bytes_it_said_is_cut)
{
    static const struct {
        const char *request, *wanted, *unwanted;
        bool closed;
    } cases[] = {
        { "GET /10 HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 10\r\n", "chunked", false },
        { "GET /10 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n0123456789", "\r\n0\r\n", false },
        { "HEAD /10 HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 10\r\n", "01234", false },
        { "GET /10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n",
          "chunked", false },
        { "GET /10 HTTP/1.0\r\n\r\n", "\r\n\r\n0123456789", "keep-alive", true },
        { "GET /11 HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 11\r\n", "HTTP/1.1 500", true },
        { "GET /9 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n01234", "56789", true },
        { "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 4\r\n", "0123", true },
        { "GET /replaced HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 7\r\n", "01234", false },
        { "GET /streamed HTTP/1.1\r\nHost: a\r\n\r\n", "Transfer-Encoding: chunked\r\n",
          "Content-Length", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct bench b = bench_make(&(const cz_http_limits){ 0 }, &app, NULL);
        int fd = dial(&b);
        say(fd, cases[i].request);
        struct heard heard = hear(&b, fd);
        EXPECT_HEARD(heard, cases[i].wanted, 1u);
        EXPECT_HEARD(heard, cases[i].unwanted, 0u);
        CZ_EXPECT_MSG(heard.closed == cases[i].closed && !heard.reset, "case %zu", i);
        cz_buf_done(&heard.all);
        close(fd);
        bench_done(&b);
    }
}

/* ---- File systems that cannot do all ---- */

static char folder[700];

/* As if the file lay on another one: overlayfs tells nothing of what is in memory, FUSE has no pages to send from. */
static void handle_other(cz_ctx *ctx, cz_request *req, void *user)
{
    struct cz__file *file;
    enum cz__file_kind kind;
    const struct cz__file_answer answer = { .content_type = CZ_STR("text/plain") };
    (void)user;
    cz_check(ctx, cz__file_open(ctx, folder, CZ_STR("sub/b"), &kind, &file));
    file->in_layers = cz_str_eq(req->path, CZ_STR("/layers"));
    file->asks_disk = file->in_layers || cz_str_eq(req->path, CZ_STR("/disk"));
    file->is_copied = cz_str_eq(req->path, CZ_STR("/copied"));
    file->in_memory = cz_str_eq(req->path, CZ_STR("/memory"));
    cz__file_respond(ctx, req, file, &answer);
}

static const cz__http_app other_app = { .handle = handle_other, .answer_error = answer_error };

CZ_TEST(a_file_of_any_file_system_comes_whole)
{
    static const char *const kinds[] = { "disk", "layers", "layers", "copied", "memory", "usual" };
    enum { BYTES = 700001 };
    char *content = cz_arena_alloc(cz_test_arena(), BYTES);
    make_tree();
    for (size_t i = 0; i < BYTES; i++)
        content[i] = (char)(i * 2654435761u >> 13);
    int out = open(in_directory("root/sub/b"), O_WRONLY | O_CLOEXEC);
    CZ_REQUIRE(out >= 0 && write(out, content, BYTES) == BYTES);
    close(out);
    snprintf(folder, sizeof folder, "%s", in_directory("root"));
    struct bench b = bench_make(&(const cz_http_limits){ 0 }, &other_app, NULL);
    for (size_t i = 0; i < CZ_COUNT(kinds); i++) {
        char request[64];
        int fd = dial(&b);
        snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", kinds[i]);
        say(fd, request);
        struct heard heard = { 0 };
        listen_until(&b, fd, &heard, BYTES + 100, 1000);
        listen_until(&b, fd, &heard, SIZE_MAX, 20);
        size_t head = cz_str_find(cz_buf_str(&heard.all), CZ_STR("\r\n\r\n")) + 4;
        CZ_EXPECT_MSG(heard.all.len == head + BYTES &&
                          memcmp(heard.all.ptr + head, content, BYTES) == 0 && !heard.closed,
                      "%s: %zu bytes", kinds[i], heard.all.len);
        cz_buf_done(&heard.all);
        close(fd);
    }
    bench_done(&b);
}

/* ---- Out of memory (builds with CZ_FAULTS; elsewhere nothing fails) ---- */

static void handle_file(cz_ctx *ctx, cz_request *req, void *user)
{
    const cz_file_options options = { .attachment = true, .filename = CZ_STR("\xc3\xa4.txt") };
    (void)user;
    cz_respond_file(ctx, req, folder, CZ_STR("sub/b"), &options);
}

static const cz__http_app file_app = { .handle = handle_file, .answer_error = answer_error };

/* The log opens a descriptor of its own at the first line. */
static int open_files(void)
{
    struct stat status;
    int count = 0;
    for (int fd = 0; fd < 200; fd++)
        count += !fstat(fd, &status) && S_ISREG(status.st_mode);
    return count;
}

CZ_TEST(whichever_allocation_fails_a_file_is_answered_or_cut_off_and_closed)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3, 100-109\r\n\r\n";
    const cz_http_limits limits = { 0 };
    make_tree();
    CZ_REQUIRE(truncate(in_directory("root/sub/b"), 100000) == 0);
    snprintf(folder, sizeof folder, "%s", in_directory("root"));
    struct bench b = bench_make(&limits, &file_app, NULL);
    int before = open_files();
    for (uint64_t nth = 1; nth <= 60; nth++) {
        int fd = dial(&b);
        say(fd, request);
        cz_ignore(cz__alloc_fail_at(nth, false)); /* the count before is of no use */
        for (int turns = 0; turns < 4; turns++)
            cz__loop_turn(b.loop, 5);
        uint64_t count = cz__alloc_fail_at(0, false);
        struct heard heard = { 0 };
        listen_until(&b, fd, &heard, SIZE_MAX, 15);
        size_t good = count_of(&heard, "HTTP/1.1 206"),
               unavailable = count_of(&heard, "HTTP/1.1 503");
        CZ_EXPECT_MSG(heard.closed || good + unavailable == 1, "allocation %d: %.*s", (int)nth,
                      CZ_STR_ARG(cz_str_head(cz_buf_str(&heard.all), 400)));
        CZ_EXPECT_MSG(count >= nth || good == 1, "allocation %d of %d", (int)nth, (int)count);
        cz_buf_done(&heard.all);
        close(fd);
        cz__loop_turn(b.loop, 5);
        cz__http_server_destroy(b.server); /* cold again for the next */
        CZ_REQUIRE_OK(cz__http_server_create(b.loop, &limits, &file_app, &b.server));
        CZ_REQUIRE_OK(cz__http_server_listen(b.server, b.listen_fd, false));
        CZ_EXPECT_EQ(open_files(), before);
    }
    bench_done(&b);
}
