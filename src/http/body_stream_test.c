/* Bodies that their handlers read as they come, over real sockets. HTTP/2's are in tests/bodies_test.c. */
#include "http/http_testing.h"
#include <dirent.h>

enum { BODY_MAX = 100000 };

static struct {
    unsigned handled, ended_early;
    uint64_t last_bytes;
} seen;

static void plan_body(cz_ctx *ctx, cz_request *req, cz__body_plan *plan, void *user)
{
    (void)ctx, (void)user;
    bool great = cz_str_starts_with(req->path, CZ_STR("/great"));
    plan->streamed = !cz_str_starts_with(req->path, CZ_STR("/held"));
    plan->bytes_max = great ? UINT64_C(1) << 40 : BODY_MAX;
}

/* In pieces of `room` bytes; answers how many there were, and their sum. */
static void weigh(cz_ctx *ctx, cz_request *req, size_t room, uint64_t pause_ms)
{
    static unsigned char piece[64 << 10];
    uint64_t sum = 0, bytes = 0;
    for (size_t n; (n = cz_body_read(ctx, req, piece, room)) > 0; bytes += n) {
        for (size_t i = 0; i < n; i++)
            sum = sum * 31 + piece[i];
        if (pause_ms)
            cz_sleep(ctx, pause_ms);
    }
    seen.last_bytes = bytes;
    cz_respond_header(ctx, req, CZ_STR("X-Trailer"), cz_request_trailer(req, CZ_STR("x-sum")));
    cz_respond(
        ctx, req, 200, CZ_STR("text/plain"),
        cz_format(ctx, "<%llu %016llx>", (unsigned long long)bytes, (unsigned long long)sum));
}

static void note_end(void *arg)
{
    (void)arg;
    seen.ended_early++;
}

static void read_one(cz_ctx *ctx, void *arg)
{
    char byte;
    *(size_t *)arg = cz_body_read(ctx, ctx->request, &byte, 1);
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    seen.handled++;
    if (cz_str_eq(req->path, CZ_STR("/weigh")) || cz_str_eq(req->path, CZ_STR("/held"))) {
        weigh(ctx, req, 1000, 0);
    } else if (cz_str_eq(req->path, CZ_STR("/weigh-much"))) {
        weigh(ctx, req, 64 << 10, 0);
    } else if (cz_str_eq(req->path, CZ_STR("/slowly"))) {
        weigh(ctx, req, 7, 1);
    } else if (cz_str_eq(req->path, CZ_STR("/late")) ||
               cz_str_eq(req->path, CZ_STR("/great-late"))) {
        cz_sleep(ctx, 150);
        weigh(ctx, req, 64 << 10, 0);
    } else if (cz_str_eq(req->path, CZ_STR("/great-left"))) {
        cz_defer(ctx, note_end, NULL);
        weigh(ctx, req, 64 << 10, 0);
    } else if (cz_str_eq(req->path, CZ_STR("/first"))) {
        size_t n;
        read_one(ctx, &n);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("<first>"));
    } else if (cz_str_eq(req->path, CZ_STR("/twice"))) {
        cz_error err;
        size_t n = 1;
        cz_status status = CZ_OK;
        while (!status && n)
            status = cz_try(ctx, read_one, &n, &err);
        cz_status again = cz_try(ctx, read_one, &n, NULL);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"),
                   status == again ? CZ_STR("<as before>") : CZ_STR("<otherwise>"));
    } else if (cz_str_eq(req->path, CZ_STR("/whole"))) {
        cz_str body = cz_request_body(ctx, req);
        cz_respond(ctx, req, 200, CZ_STR("text/plain"),
                   cz_format(ctx, "<%zu %d>", body.len, cz_str_eq(body, req->body)));
    } else {
        cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("<unread>"));
    }
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"),
               cz_str_from(cz_error_message(err)));
}

static const cz__http_app app = { .handle = handle,
                                  .plan_body = plan_body,
                                  .answer_error = answer_error };

/* ---- requests ---- */

static cz_str body_of(size_t bytes)
{
    static char text[2 * BODY_MAX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7 % 251);
    return cz_str_of(text, bytes);
}

static const char *expected(size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = sum * 31 + (unsigned char)(i * 7 % 251);
    return cz_arena_printf(cz_test_arena(), "<%zu %016llx>", bytes, (unsigned long long)sum);
}

/* With `chunk` not 0 in chunks of so many bytes. */
static cz_str request_of(const char *path, size_t bytes, size_t chunk, const char *headers)
{
    cz_buf text = { 0 };
    cz_str kept, rest = body_of(bytes);
    cz_buf_printf(&text, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, headers);
    if (chunk)
        cz_buf_append_lit(&text, "Transfer-Encoding: chunked\r\n\r\n");
    else
        cz_buf_printf(&text, "Content-Length: %zu\r\n\r\n", bytes);
    for (; chunk && rest.len; rest = cz_str_tail(rest, chunk)) {
        cz_str piece = cz_str_head(rest, chunk);
        cz_buf_printf(&text, "%zx\r\n", piece.len);
        cz_buf_append_str(&text, piece);
        cz_buf_append_lit(&text, "\r\n");
    }
    cz_buf_append_str(&text, chunk ? CZ_STR("0\r\nX-Sum: 1\r\n\r\n") : rest);
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&text), &kept));
    cz_buf_done(&text);
    return kept;
}

#define CANARY "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"

/* Send it cut in two, and what comes back until it is quiet. */
static struct heard ask(struct bench *b, cz_str request, size_t cut)
{
    int fd = dial(b);
    if (cut) {
        say_bytes(fd, cz_str_head(request, cut));
        turn(b, 2);
    }
    say_bytes(fd, cz_str_tail(request, cut));
    struct heard heard = hear(b, fd);
    close(fd);
    return heard;
}

CZ_TEST(a_body_is_read_as_it_was_sent_wherever_it_was_cut)
{
    static const char *const paths[] = { "/weigh", "/weigh-much", "/slowly", "/held" };
    static const size_t chunks[] = { 0, 1, 13 };
    struct bench b = bench_make(NULL, &app, NULL);
    cz_str canary = CZ_STR(CANARY);
    for (size_t i = 0; i < CZ_COUNT(paths) * CZ_COUNT(chunks); i++) {
        cz_str request = request_of(paths[i / 3], 40, chunks[i % 3], ""), both;
        cz_buf text = { 0 };
        cz_buf_append_str(&text, request);
        cz_buf_append_str(&text, canary);
        both = cz_buf_str(&text);
        for (size_t cut = 0; cut < both.len; cut += cut < request.len - 90 ? 17 : 3) {
            int fd = dial(&b);
            say_bytes(fd, cz_str_head(both, cut));
            turn(&b, 2);
            say_bytes(fd, cz_str_tail(both, cut));
            struct heard heard = { 0 };
            for (int tries = 0; tries < 20 && !count_of(&heard, "<unread>"); tries++)
                listen_until(&b, fd, &heard, heard.all.len + 1, 60);
            EXPECT_HEARD(heard, expected(40), 1);
            EXPECT_HEARD(heard, "X-Trailer: 1\r\n", chunks[i % 3] > 0);
            EXPECT_HEARD(heard, "<unread>", 1); /* what follows is the next request */
            CZ_EXPECT(!heard.closed);
            cz_buf_done(&heard.all);
            close(fd);
        }
        cz_buf_done(&text);
    }
    bench_done(&b);
}

CZ_TEST(large_bodies_are_read_in_pieces_of_any_size)
{
    static const char *const paths[] = { "/weigh", "/weigh-much", "/held" };
    static const size_t chunks[] = { 0, 1000, 70000 };
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(paths) * CZ_COUNT(chunks); i++) {
        struct heard heard = ask(&b, request_of(paths[i / 3], 99999, chunks[i % 3], ""), 300);
        EXPECT_HEARD(heard, expected(99999), 1);
        cz_buf_done(&heard.all);
    }
    bench_done(&b);
}

CZ_TEST(a_client_is_told_to_send_when_the_handler_reads_and_not_before)
{
    struct bench b = bench_make(NULL, &app, NULL);
    cz_str request = request_of("/late", 3000, 0, "Expect: 100-continue\r\n");
    int fd = dial(&b);
    say_bytes(fd, cz_str_head(request, request.len - 3000));
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, 1, 70);
    CZ_EXPECT_EQ(heard.all.len, 0);
    listen_until(&b, fd, &heard, 1, 500);
    EXPECT_HEARD(heard, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    say_bytes(fd, cz_str_tail(request, request.len - 3000));
    listen_until(&b, fd, &heard, heard.all.len + 1, 500);
    EXPECT_HEARD(heard, expected(3000), 1);
    EXPECT_HEARD(heard, "100 Continue", 1);
    CZ_EXPECT(!heard.closed);
    cz_buf_done(&heard.all);
    close(fd);
    /* one that is not read is not asked for, and what the client sends then is no request */
    heard = ask(&b,
                CZ_STR("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n"
                       "Expect: 100-continue\r\n\r\n"),
                0);
    EXPECT_HEARD(heard, "100 Continue", 0);
    EXPECT_HEARD(heard, "<unread>", 1);
    EXPECT_HEARD(heard, "Connection: close", 1);
    CZ_EXPECT(heard.closed);
    cz_buf_done(&heard.all);
    bench_done(&b);
}

CZ_TEST(what_was_not_read_of_a_body_is_never_the_next_request)
{
    static const struct {
        const char *path;
        size_t bytes, chunk, sent; /* so many bytes of the request; 0: all, and a canary */
        bool goes_on;
    } cases[] = {
        { "/unread", 0, 0, 0, true },         { "/unread", 3000, 0, 0, true },
        { "/unread", 3000, 100, 0, true },    { "/first", 3000, 0, 0, true },
        { "/first", 3000, 100, 0, true },     { "/unread", 60000, 0, 0, true },
        { "/unread", 60000, 9000, 0, true },  { "/unread", 3000, 0, 1000, false },
        { "/first", 3000, 0, 1000, false },   { "/unread", 3000, 100, 1000, false },
        { "/first", 3000, 100, 1000, false }, { "/unread", 90000, 0, 1000, false },
    };
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str request = request_of(cases[i].path, cases[i].bytes, cases[i].chunk, "");
        int fd = dial(&b);
        say_bytes(fd, cz_str_head(request, cases[i].sent ? cases[i].sent : request.len));
        if (!cases[i].sent)
            say(fd, CANARY);
        struct heard heard = hear(&b, fd);
        size_t answers = count_of(&heard, "HTTP/1.1 200 OK");
        CZ_EXPECT_MSG(answers == (cases[i].goes_on ? 2 : 1), "case %zu: %zu answers", i, answers);
        CZ_EXPECT_MSG(heard.closed == !cases[i].goes_on, "case %zu", i);
        EXPECT_HEARD(heard, "Connection: close", !cases[i].goes_on);
        cz_buf_done(&heard.all);
        close(fd);
    }
    bench_done(&b);
}

CZ_TEST(bodies_that_cannot_be_are_refused_while_they_are_read)
{
    static const struct {
        const char *text;
        int status;
        unsigned handled;
    } cases[] = {
#define HEAD(lines) "POST /weigh HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
        { HEAD("Content-Length: 100001\r\n"), 413, 0 },
        { HEAD("Content-Length: 100001\r\nExpect: 100-continue\r\n"), 413, 0 },
        { HEAD("Content-Length: 10\r\nExpect: 200-ok\r\n"), 417, 0 },
        { HEAD("Content-Length: -1\r\n"), 400, 0 },
        { HEAD(CHUNKED) "186a1\r\n", 413, 1 },
        { HEAD(CHUNKED) "5\r\nhello\r\n1869c\r\n", 413, 1 },
        { HEAD(CHUNKED) "ffffffffffffffff\r\n", 413, 1 },
        { HEAD(CHUNKED) "g\r\n", 400, 1 },
        { HEAD(CHUNKED) "5\nhello\r\n", 400, 1 },
        { HEAD(CHUNKED) "5\r\nhello!\r\n", 400, 1 },
        { HEAD(CHUNKED) "5\r\nhello\r\n\r\n", 400, 1 },
        { HEAD(CHUNKED) "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", 400, 1 },
        { HEAD(CHUNKED) "00000000000000005\r\n", 400, 1 },
    };
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        seen.handled = 0;
        cz_buf text = { 0 };
        cz_buf_printf(&text, "%s%s", cases[i].text, CANARY);
        struct heard heard = ask(&b, cz_buf_str(&text), 0);
        const char *line = cz_arena_printf(cz_test_arena(), "HTTP/1.1 %d ", cases[i].status);
        EXPECT_HEARD(heard, line, 1);
        EXPECT_HEARD(heard, "HTTP/1.1 ", 1);
        CZ_EXPECT_MSG(heard.closed && seen.handled == cases[i].handled, "case %zu", i);
        cz_buf_done(&heard.all);
        cz_buf_done(&text);
    }
    struct heard heard = ask(&b, request_of("/twice", 5, 0, ""), 0);
    EXPECT_HEARD(heard, "<as before>", 1);
    cz_buf_done(&heard.all);
    heard = ask(&b, CZ_STR("POST /twice HTTP/1.1\r\nHost: a\r\n" CHUNKED "\r\n2\r\nabc\r\n"), 0);
    EXPECT_HEARD(heard, "<as before>", 1);
    CZ_EXPECT(heard.closed);
    cz_buf_done(&heard.all);
    bench_done(&b);
}

CZ_TEST(a_client_that_ends_inside_the_body_is_told_so)
{
    static const char *const headers[] = { "Content-Length: 10\r\n\r\nhalf",
                                           CHUNKED "\r\n4\r\nhalf", CHUNKED "\r\n4\r\nha" };
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(headers); i++) {
        int fd = dial(&b);
        say(fd, "POST /weigh HTTP/1.1\r\nHost: a\r\n");
        say(fd, headers[i]);
        turn(&b, 5);
        CZ_EXPECT(shutdown(fd, SHUT_WR) == 0);
        struct heard heard = hear(&b, fd);
        EXPECT_HEARD(heard, "HTTP/1.1 400 ", 1);
        EXPECT_HEARD(heard, "the client ended its request inside the body", 1);
        CZ_EXPECT(heard.closed);
        cz_buf_done(&heard.all);
        close(fd);
    }
    /* one that ends behind it waits for the answer */
    int fd = dial(&b);
    say_bytes(fd, request_of("/late", 3000, 0, ""));
    CZ_EXPECT(shutdown(fd, SHUT_WR) == 0);
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, SIZE_MAX, 400);
    EXPECT_HEARD(heard, expected(3000), 1);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_trailer_is_known_at_the_end_and_is_no_header)
{
    static const struct {
        const char *trailer, *said; /* X-Trailer of the answer; or its status line */
    } cases[] = {
        { "X-Sum: a b \r\n\r\n", "X-Trailer: a b\r\n" },
        { "x-sum:1\r\nX-Sum: 2\r\n\r\n", "X-Trailer: 1\r\n" },
        { "X-Other: 1\r\nX-SUM:\r\n\r\n", "X-Trailer: \r\n" },
        { "X-Sum2: 1\r\n\r\n", "X-Trailer: \r\n" },
        { "\r\n", "X-Trailer: \r\n" },
        { "X-Sum : 1\r\n\r\n", "HTTP/1.1 400 " },
        { "X-Sum: \001\r\n\r\n", "HTTP/1.1 400 " },
        { "X-Sum: 1\n\r\n", "HTTP/1.1 400 " },
    };
    static const char *const paths[] = { "/weigh", "/held" };
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < 2 * CZ_COUNT(cases); i++) {
        cz_buf text = { 0 };
        cz_buf_printf(&text, "POST %s HTTP/1.1\r\nHost: a\r\n" CHUNKED "\r\n1\r\nx\r\n0\r\n%s",
                      paths[i % 2], cases[i / 2].trailer);
        struct heard heard = ask(&b, cz_buf_str(&text), 0);
        EXPECT_HEARD(heard, cases[i / 2].said, 1);
        cz_buf_done(&heard.all);
        cz_buf_done(&text);
    }
    bench_done(&b);
}

/* ---- time ---- */

CZ_TEST(a_body_that_comes_too_slowly_is_refused_and_a_handler_that_reads_slowly_is_not)
{
    const cz_http_limits limits = { .body_grace_ms = 100, .body_rate_min = 1 << 20 };
    struct bench b = bench_make(&limits, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST /weigh HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    struct heard heard = { 0 };
    listen_until(&b, fd, &heard, SIZE_MAX, 1500);
    EXPECT_HEARD(heard, "HTTP/1.1 408 ", 1);
    CZ_EXPECT(heard.closed);
    cz_buf_done(&heard.all);
    close(fd);
    fd = dial(&b);
    say_bytes(fd, request_of("/slowly", 1400, 0, "")); /* 200 pieces, and as many ms */
    memset(&heard, 0, sizeof heard);
    listen_until(&b, fd, &heard, 1, 2000);
    EXPECT_HEARD(heard, expected(1400), 1);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_handlers_time_begins_anew_with_each_piece)
{
    const cz_http_limits limits = { .handler_timeout_ms = 120 };
    struct bench b = bench_make(&limits, &app, NULL);
    int fd = dial(&b);
    say(fd, "POST /weigh HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n");
    for (size_t i = 0; i < 5; i++) {
        turn(&b, 80);
        say_bytes(fd, cz_str_of(body_of(40).ptr + 8 * i, 8));
    }
    struct heard heard = hear(&b, fd);
    EXPECT_HEARD(heard, expected(40), 1);
    cz_buf_done(&heard.all);
    close(fd);
    /* and is over when it does not read */
    fd = dial(&b);
    say_bytes(fd, request_of("/late", 10, 0, ""));
    memset(&heard, 0, sizeof heard);
    listen_until(&b, fd, &heard, 1, 400);
    EXPECT_HEARD(heard, "HTTP/1.1 503 ", 1);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

/* ---- what it holds ---- */

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    CZ_REQUIRE(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

CZ_TEST(a_handler_that_does_not_read_makes_the_client_wait)
{
    enum { TRIED = 64 << 20 };
    struct bench b = bench_make(NULL, &app, NULL);
    int fd = dial(&b), room = 64 << 10;
    cz_ignore(setsockopt(b.listen_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room));
    static char bytes[1 << 20];
    size_t sent = 0;
    say(fd, cz_arena_printf(cz_test_arena(),
                            "POST /great-late HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
                            TRIED));
    for (int64_t until = cz_monotonic_us() + 120000; cz_monotonic_us() < until;) {
        cz__loop_turn(b.loop, 1);
        ssize_t n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    }
    CZ_EXPECT_MSG(sent < TRIED / 4, "it took %zu bytes that nobody had read", sent);
    for (int64_t until = cz_monotonic_us() + 20000000; sent < TRIED && cz_monotonic_us() < until;) {
        cz__loop_turn(b.loop, 1);
        size_t left = TRIED - sent;
        ssize_t n = send(fd, bytes, left < sizeof bytes ? left : sizeof bytes, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    }
    struct heard heard = hear(&b, fd);
    CZ_EXPECT_EQ(seen.last_bytes, TRIED);
    EXPECT_HEARD(heard, "HTTP/1.1 200 OK", 1);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(clients_that_leave_in_the_midst_leave_nothing_behind)
{
    struct bench b = bench_make(NULL, &app, NULL);
    cz_str request = request_of("/great-left", 300, 50, "");
    unsigned before = open_files(), left = 0;
    for (int reset = 0; reset < 2; reset++)
        for (size_t cut = 1; cut < request.len - 1; cut += 3, left++) {
            struct linger linger = { .l_onoff = 1 };
            int fd = dial(&b);
            say_bytes(fd, cz_str_head(request, cut));
            turn(&b, 1);
            if (reset)
                cz_ignore(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
            close(fd);
            turn(&b, 1);
        }
    turn(&b, 50);
    CZ_EXPECT_EQ(open_files(), before);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_in_flight, 0);
    CZ_EXPECT_EQ(cz__fibers_stats().in_use, 0);
    CZ_EXPECT_MSG(seen.ended_early > left / 2, "%u of %u", seen.ended_early, left);
    bench_done(&b);
}

CZ_TEST(a_whole_body_of_a_streamed_one_is_bounded_by_the_limit_for_memory)
{
    const cz_http_limits limits = { .body_bytes = 5000 };
    static const struct {
        size_t bytes, chunk;
        const char *said;
    } cases[] = {
        { 0, 0, "<0 1>" },
        { 5000, 0, "<5000 1>" },
        { 5000, 77, "<5000 1>" },
        { 5001, 0, "HTTP/1.1 413 " },
        { 90000, 777, "HTTP/1.1 413 " },
    };
    struct bench b = bench_make(&limits, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct heard heard = ask(&b, request_of("/whole", cases[i].bytes, cases[i].chunk, ""), 0);
        EXPECT_HEARD(heard, cases[i].said, 1);
        cz_buf_done(&heard.all);
    }
    bench_done(&b);
}

CZ_TEST(a_request_in_memory_has_its_body_there)
{
    static const struct {
        const char *path;
        size_t bytes, chunk;
    } cases[] = { { "/weigh", 0, 0 },
                  { "/weigh", 3000, 0 },
                  { "/weigh", 3000, 77 },
                  { "/held", 3000, 77 },
                  { "/weigh", BODY_MAX, 0 } };
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct heard heard = { 0 };
        CZ_EXPECT_EQ(cz__http_serve_bytes(
                         NULL, &app, request_of(cases[i].path, cases[i].bytes, cases[i].chunk, ""),
                         &heard.all),
                     CZ_OK);
        EXPECT_HEARD(heard, expected(cases[i].bytes), 1);
        EXPECT_HEARD(heard, "X-Trailer: 1\r\n", cases[i].chunk > 0);
        cz_buf_done(&heard.all);
    }
    struct heard heard = { 0 };
    CZ_EXPECT_EQ(
        cz__http_serve_bytes(NULL, &app, request_of("/weigh", BODY_MAX + 1, 0, ""), &heard.all),
        CZ_OK);
    EXPECT_HEARD(heard, "HTTP/1.1 413 ", 1);
    cz_buf_done(&heard.all);
    cz__fibers_done();
    cz__loop_destroy(loop);
}

/* Builds with CZ_FAULTS; elsewhere nothing fails. */
CZ_TEST(whichever_allocation_fails_a_body_is_read_or_refused)
{
    static const char *const paths[] = { "/weigh", "/whole", "/held" };
    struct bench b = bench_make(NULL, &app, NULL);
    for (uint64_t nth = 1; nth <= 30; nth++)
        for (size_t i = 0; i < CZ_COUNT(paths); i++) {
            cz_str request = request_of(paths[i], 300, 70, "");
            int fd = dial(&b);
            say_bytes(fd, cz_str_head(request, 150));
            cz_ignore(cz__alloc_fail_at(nth, false)); /* the count before is of no use */
            turn(&b, 3);
            cz_ignore(send(fd, request.ptr + 150, request.len - 150, MSG_NOSIGNAL));
            turn(&b, 3);
            uint64_t count = cz__alloc_fail_at(0, false);
            struct heard heard = { 0 };
            listen_until(&b, fd, &heard, SIZE_MAX, 15);
            size_t good = count_of(&heard, "HTTP/1.1 200 OK"),
                   unavailable = count_of(&heard, "HTTP/1.1 503");
            CZ_EXPECT_MSG(heard.closed || good + unavailable == 1, "%s, allocation %d: %.*s",
                          paths[i], (int)nth, CZ_STR_ARG(cz_buf_str(&heard.all)));
            CZ_EXPECT_MSG(count >= nth || good == 1, "%s, allocation %d of %d", paths[i], (int)nth,
                          (int)count);
            cz_buf_done(&heard.all);
            close(fd);
            turn(&b, 2);
        }
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).requests_in_flight, 0);
    bench_done(&b);
}
