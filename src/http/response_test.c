#include <calzone/http.h>
#include <calzone/testing.h>

struct fixture {
    cz_arena *arena;
    cz_ctx ctx;
    cz_buf body;
    cz_request req;
};

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 1 << 20, &f->arena));
    cz_ctx_init(&f->ctx, f->arena);
    f->body.bytes_max = 1000;
    f->req.response = (cz_response){ .status = 200, .body = &f->body };
}

static void fixture_done(struct fixture *f)
{
    cz_ctx_done(&f->ctx);
    cz_arena_destroy(f->arena);
    cz_buf_done(&f->body);
}

CZ_TEST(an_answer_has_status_type_and_body_and_may_be_replaced)
{
    struct fixture f;
    fixture_init(&f);
    cz_respond(&f.ctx, &f.req, 201, CZ_STR("text/plain"), CZ_STR("hello"));
    CZ_EXPECT_EQ(f.req.response.status, 201);
    CZ_EXPECT(f.req.response.sent);
    CZ_EXPECT_STR(cz_buf_str(&f.body), "hello");
    cz_respond_json(&f.ctx, &f.req, 200, CZ_STR("{}"));
    CZ_EXPECT_STR(cz_buf_str(&f.body), "{}");
    CZ_EXPECT_STR(f.req.response.content_type, "application/json");
    CZ_EXPECT_STR(cz_response_header(&f.req, CZ_STR("content-type")), "application/json");
    cz_respond_empty(&f.ctx, &f.req, 204);
    CZ_EXPECT_EQ(f.body.len + f.req.response.content_type.len, 0);
    fixture_done(&f);
}

struct header_call {
    cz_request *req;
    cz_str name, value;
};

static void add_header(cz_ctx *ctx, void *arg)
{
    struct header_call *call = arg;
    cz_respond_header(ctx, call->req, call->name, call->value);
}

CZ_TEST(a_response_header_that_could_split_or_contradict_the_answer_is_refused)
{
    static const struct {
        cz_str name, value;
        bool good;
    } rows[] = {
        { CZ_STR("X-A"), CZ_STR("b"), true },
        { CZ_STR("X-A"), CZ_STR(""), true },
        { CZ_STR("X-A"), CZ_STR("tab\there \xc3\xa9"), true },
        { CZ_STR("ETag"), CZ_STR("\"x\""), true },
        { CZ_STR("X-A"), CZ_STR("b\r\nSet-Cookie: c"), false },
        { CZ_STR("X-A"), CZ_STR("b\nc"), false },
        { CZ_STR("X-A"), CZ_STR("b\rc"), false },
        { CZ_STR("X-A"), CZ_STR("b\0c"), false },
        { CZ_STR("X-A"), CZ_STR("b\x7f"), false },
        { CZ_STR(""), CZ_STR("b"), false },
        { CZ_STR("X A"), CZ_STR("b"), false },
        { CZ_STR("X:"), CZ_STR("b"), false },
        { CZ_STR("X\r\n"), CZ_STR("b"), false },
        { CZ_STR("X\xc3\xa9"), CZ_STR("b"), false },
        { CZ_STR("Content-Length"), CZ_STR("5"), false },
        { CZ_STR("content-length"), CZ_STR("5"), false },
        { CZ_STR("Transfer-Encoding"), CZ_STR("chunked"), false },
        { CZ_STR("CONNECTION"), CZ_STR("close"), false },
        { CZ_STR("Date"), CZ_STR("now"), false },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        struct fixture f;
        fixture_init(&f);
        struct header_call call = { &f.req, rows[n].name, rows[n].value };
        cz_status status = cz_try(&f.ctx, add_header, &call, NULL);
        CZ_EXPECT_MSG(status == (rows[n].good ? CZ_OK : CZ_EINVAL), "row %zu", n);
        CZ_EXPECT_EQ(f.req.response.header_count, rows[n].good);
        fixture_done(&f);
    }
}

CZ_TEST(response_headers_replace_each_other_but_cookies_add_up)
{
    struct fixture f;
    fixture_init(&f);
    char value[] = "one";
    cz_respond_header(&f.ctx, &f.req, CZ_STR("X-A"), cz_str_from(value));
    value[0] = '?';
    CZ_EXPECT_STR(cz_response_header(&f.req, CZ_STR("x-a")), "one");
    cz_respond_header(&f.ctx, &f.req, CZ_STR("x-a"), CZ_STR("two"));
    CZ_EXPECT_STR(cz_response_header(&f.req, CZ_STR("X-A")), "two");
    CZ_EXPECT_EQ(f.req.response.header_count, 1);
    for (int i = 0; i < 20; i++)
        cz_respond_header(&f.ctx, &f.req, CZ_STR("Set-Cookie"), CZ_STR("a=b"));
    CZ_EXPECT_EQ(f.req.response.header_count, 21);
    cz_respond_header(&f.ctx, &f.req, CZ_STR("Content-Type"), CZ_STR("text/css"));
    CZ_EXPECT_EQ(f.req.response.header_count, 21);
    CZ_EXPECT_STR(f.req.response.content_type, "text/css");
    CZ_EXPECT_STR(cz_response_header(&f.req, CZ_STR("none")), "");
    fixture_done(&f);
}

struct redirect_call {
    cz_request *req;
    int status;
    cz_str path;
};

static void redirect(cz_ctx *ctx, void *arg)
{
    struct redirect_call *call = arg;
    cz_respond_redirect(ctx, call->req, call->status, call->path);
}

CZ_TEST(items_are_added_to_headers_that_are_lists_once_each)
{
    static const struct {
        const char *name, *value, *whole;
    } rows[] = {
        { "Vary", "Accept", "Accept" },
        { "vary", "Cookie", "Accept, Cookie" },
        { "VARY", "accept", "Accept, Cookie" }, /* has it */
        { "Vary", "Accept-Language", "Accept, Cookie, Accept-Language" },
        { "Link", "</a>; rel=\"next\"", "</a>; rel=\"next\"" },
        { "Link", "</b>; rel=\"prev\"", "</a>; rel=\"next\", </b>; rel=\"prev\"" },
        { "Link", "</b>; rel=\"prev\"", "</a>; rel=\"next\", </b>; rel=\"prev\"" },
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < CZ_COUNT(rows); i++) {
        cz_respond_header_add(&f.ctx, &f.req, cz_str_from(rows[i].name),
                              cz_str_from(rows[i].value));
        CZ_EXPECT_STR(cz_response_header(&f.req, cz_str_from(rows[i].name)), rows[i].whole);
    }
    CZ_EXPECT_EQ(f.req.response.header_count, 2);
    fixture_done(&f);
}

CZ_TEST(a_redirect_stays_on_the_site)
{
    static const struct {
        int status;
        cz_str path;
        const char *location; /* NULL: refused */
    } rows[] = {
        { 302, CZ_STR("/"), "/" },
        { 301, CZ_STR("/a?b=c#d"), "/a?b=c#d" },
        { 303, CZ_STR("/a//b"), "/a//b" },
        { 307, CZ_STR("/caf\xc3\xa9 au%20lait"), "/caf%C3%A9%20au%20lait" },
        { 308, CZ_STR("/?next=//x"), "/?next=//x" },
        { 302, CZ_STR(""), NULL },
        { 302, CZ_STR("a"), NULL },
        { 302, CZ_STR("?a"), NULL },
        { 302, CZ_STR("//evil"), NULL },
        { 302, CZ_STR("/\\evil"), NULL },
        { 302, CZ_STR("\\\\evil"), NULL },
        { 302, CZ_STR("/\t/evil"), NULL },
        { 302, CZ_STR("/\n/evil"), NULL },
        { 302, CZ_STR("/a\r\nSet-Cookie: b"), NULL },
        { 302, CZ_STR("http://evil"), NULL },
        { 302, CZ_STR("javascript:alert(1)"), NULL },
        { 302, CZ_STR(" /a"), NULL },
        { 200, CZ_STR("/"), NULL },
        { 304, CZ_STR("/"), NULL },
        { 300, CZ_STR("/"), NULL },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        struct fixture f;
        fixture_init(&f);
        struct redirect_call call = { &f.req, rows[n].status, rows[n].path };
        cz_status status = cz_try(&f.ctx, redirect, &call, NULL);
        CZ_EXPECT_MSG(status == (rows[n].location ? CZ_OK : CZ_EINVAL), "row %zu", n);
        CZ_EXPECT_STR(cz_response_header(&f.req, CZ_STR("location")),
                      rows[n].location ? rows[n].location : "");
        fixture_done(&f);
    }
}

struct answer_call {
    cz_request *req;
    int status;
    cz_str type, body;
};

static void respond(cz_ctx *ctx, void *arg)
{
    struct answer_call *call = arg;
    cz_respond(ctx, call->req, call->status, call->type, call->body);
}

CZ_TEST(an_answer_that_cannot_be_sent_is_refused)
{
    static char large[2000];
    memset(large, 'x', sizeof large);
    const struct {
        int status;
        cz_str type, body;
        cz_status expected;
    } rows[] = {
        { 100, CZ_STR(""), CZ_STR(""), CZ_EINVAL },
        { 600, CZ_STR(""), CZ_STR(""), CZ_EINVAL },
        { 200, CZ_STR("text/plain\r\nX: y"), CZ_STR(""), CZ_EINVAL },
        { 200, CZ_STR(""), { large, sizeof large }, CZ_ETOOBIG },
    };
    for (size_t n = 0; n < CZ_COUNT(rows); n++) {
        struct fixture f;
        fixture_init(&f);
        struct answer_call call = { &f.req, rows[n].status, rows[n].type, rows[n].body };
        cz_error err;
        CZ_EXPECT_EQ(cz_try(&f.ctx, respond, &call, &err), rows[n].expected);
        CZ_EXPECT_EQ(cz_error_http(&err), 500);
        fixture_done(&f);
    }
}

CZ_TEST(every_status_of_the_library_has_a_reason)
{
    CZ_EXPECT_STR(cz_str_from(cz_http_reason(404)), "Not Found");
    CZ_EXPECT_STR(cz_str_from(cz_http_reason(299)), "Unknown");
#define X(name, value, http, code, text) CZ_EXPECT(strcmp(cz_http_reason(http), "Unknown") != 0);
    CZ_STATUS_MAP(X)
#undef X
}
