#include <calzone/sse.h>
#include "http/http_testing.h"
#include <stdio.h>

static const struct {
    cz_sse_event event;
    const char *bytes; /* NULL: it raises, which cuts the stream */
} cases[] = {
    { { .data = CZ_STR("one") }, "data: one\n\n" },
    { { .data = CZ_STR("") }, "data: \n\n" },
    { { .data = CZ_STR("a\nb\r\nc\rd") }, "data: a\ndata: b\ndata: c\ndata: d\n\n" },
    { { .data = CZ_STR("a\n") }, "data: a\ndata: \n\n" },
    { { .data = CZ_STR("\n\n") }, "data: \ndata: \ndata: \n\n" },
    { { .data = CZ_STR("\r") }, "data: \ndata: \n\n" },
    { { .data = CZ_STR(" : x") }, "data:  : x\n\n" },
    { { .data = CZ_STR("\xc3\xa9"), .event = "tick", .id = CZ_STR("7"), .retry_ms = 1500 },
      "id: 7\nevent: tick\nretry: 1500\ndata: \xc3\xa9\n\n" },
    { { .data = CZ_STR("\xff") }, NULL },
    { { .data = CZ_STR("a\xed\xa0\x80") }, NULL },
    { { .event = "a\nb" }, NULL },
    { { .event = "a\rb" }, NULL },
    { { .event = "\xff" }, NULL },
    { { .id = CZ_STR("1\n2") }, NULL },
    { { .id = CZ_STR("1\r2") }, NULL },
    { { .id = CZ_STR("1\0002") }, NULL },
    { { .id = CZ_STR("\xc3") }, NULL },
};
static char long_data[10000];

static void send_it(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    uint64_t number = 0;
    cz_ignore(cz_str_to_u64(req->query, &number));
    if (cz_str_eq(req->path, CZ_STR("/long")))
        cz_sse_send(ctx, req, &(cz_sse_event){ .data = cz_str_of(long_data, sizeof long_data) });
    else if (cz_str_eq(req->path, CZ_STR("/last")))
        cz_sse_comment(ctx, req, cz_sse_last_event_id(req));
    else if (cz_str_eq(req->path, CZ_STR("/wait")))
        cz_sse_send(ctx, req,
                    &(cz_sse_event){ .event = cz_sse_wait(ctx, req, 50) ? "waited" : "stopped" });
    else if (cz_str_eq(req->path, CZ_STR("/comment")))
        cz_sse_comment(ctx, req, CZ_STR("two\nlines"));
    else
        cz_sse_send(ctx, req, &cases[number].event);
}

static void handle(cz_ctx *ctx, cz_request *req, void *user)
{
    (void)user;
    cz_sse_begin(ctx, req, send_it, NULL);
}

static void answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err, void *user)
{
    (void)user;
    cz_respond(ctx, req, cz_error_http(err), CZ_STR("text/plain"),
               cz_str_from(cz_error_message(err)));
}

static const cz__http_app app = { .handle = handle, .answer_error = answer_error };

/* What follows the head, of a client of HTTP/1.0: it comes without chunks. */
static struct heard ask(struct bench *b, const char *target, const char *headers)
{
    char text[200];
    int fd = dial(b);
    snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n%s\r\n", target, headers);
    say(fd, text);
    struct heard heard = { 0 };
    listen_until(b, fd, &heard, SIZE_MAX, 400);
    close(fd);
    return heard;
}

static cz_str body_of(const struct heard *heard)
{
    cz_str all = cz_buf_str(&heard->all);
    return cz_str_tail(all, cz_str_find(all, CZ_STR("\r\n\r\n")) + 4);
}

CZ_TEST(events_are_written_or_raise)
{
    struct bench b = bench_make(NULL, &app, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char target[20];
        snprintf(target, sizeof target, "/?%zu", i);
        struct heard heard = ask(&b, target, "");
        EXPECT_HEARD(heard, "Content-Type: text/event-stream\r\n", 1);
        EXPECT_HEARD(heard, "Cache-Control: no-store\r\n", 1);
        CZ_EXPECT_STR(body_of(&heard), cases[i].bytes ? cases[i].bytes : "");
        cz_buf_done(&heard.all);
    }
    bench_done(&b);
}

CZ_TEST(long_data_arrives_whole_and_bad_comments_do_not)
{
    struct bench b = bench_make(NULL, &app, NULL);
    memset(long_data, 'd', sizeof long_data);
    struct heard heard = ask(&b, "/long", "");
    CZ_EXPECT_EQ(body_of(&heard).len, sizeof long_data + 8);
    CZ_EXPECT_EQ(cz_str_count(body_of(&heard), 'd'), sizeof long_data + 1);
    cz_buf_done(&heard.all);
    heard = ask(&b, "/comment", "");
    CZ_EXPECT_STR(body_of(&heard), "");
    cz_buf_done(&heard.all);
    bench_done(&b);
}

CZ_TEST(the_last_id_is_told_and_a_wait_comes_to_its_end)
{
    struct bench b = bench_make(NULL, &app, NULL);
    struct heard heard = ask(&b, "/last", "Last-Event-ID: a 7\r\n");
    CZ_EXPECT_STR(body_of(&heard), ": a 7\n\n");
    cz_buf_done(&heard.all);
    heard = ask(&b, "/last", "");
    CZ_EXPECT_STR(body_of(&heard), ": \n\n");
    cz_buf_done(&heard.all);
    heard = ask(&b, "/last", "Last-Event-ID: \xff\r\n");
    CZ_EXPECT_STR(body_of(&heard), ": \n\n");
    cz_buf_done(&heard.all);
    heard = ask(&b, "/wait", "");
    CZ_EXPECT_STR(body_of(&heard), "event: waited\ndata: \n\n");
    cz_buf_done(&heard.all);
    bench_done(&b);
}
