#include "cache/cache_internal.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GAZETTE(F) F(char_field, title, .max_length = 40)
CZ_MODEL(Gazette, GAZETTE);

static struct {
    unsigned calls;
    int status; /* 0: 200 */
    bool raises, streams;
    const char *body;
    cz_header headers[4];
} behaviour;

static void send_body(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_stream_write(ctx, req, CZ_STR("streamed"));
}

static void answer(cz_ctx *ctx, cz_request *req)
{
    behaviour.calls++;
    if (behaviour.raises)
        cz_raise(ctx, CZ_ENOTFOUND, "gone");
    for (size_t i = 0; i < CZ_COUNT(behaviour.headers) && behaviour.headers[i].name.len; i++)
        cz_respond_header(ctx, req, behaviour.headers[i].name, behaviour.headers[i].value);
    if (behaviour.streams)
        cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_body, NULL);
    else
        cz_respond(ctx, req, behaviour.status ? behaviour.status : 200, CZ_STR("text/x-own"),
                   behaviour.body ? cz_str_from(behaviour.body)
                                  : cz_format(ctx, "call %u", behaviour.calls));
}

static void list(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "%lld gazettes", (long long)cz_count(ctx, Gazette)));
}

static CZ_PAGE_CACHE(pages);
static CZ_PAGE_CACHE(short_pages, .ttl_ms = 400);
static CZ_PAGE_CACHE(gazette_pages, .tags = CZ_CACHE_NAMES("front"), .models = CZ_MODELS(Gazette),
                     .cache = "pages");

static CZ_PAGE_CACHE(stale_pages, .ttl_ms = 200, .stale_ms = 60000, .tags = CZ_CACHE_NAMES("front"),
                     .cache = "pages");

/* Further out: a header that handlers may change, and one of each request's own. */
static void frame(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    static unsigned count;
    cz_respond_header(ctx, req, CZ_STR("Vary"), CZ_STR("X-Frame"));
    cz_respond_header(ctx, req, CZ_STR("X-Theme"), CZ_STR("plain"));
    cz_respond_header(ctx, req, CZ_STR("X-Count"), cz_format(ctx, "%u", ++count));
    cz_next_call(ctx, req, next);
}
static const cz_middleware framing = { .name = "framing", .process = frame };
static const cz_middleware *const framed[] = { &framing, &pages.middleware, NULL };

/* Who calls is known by a header of one's own. */
static void know(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_set_actor(ctx, cz_request_header(req, CZ_STR("X-Api-Key")));
    cz_next_call(ctx, req, next);
}
static const cz_middleware knowing = { .name = "knowing", .process = know };
static const cz_middleware *const known[] = { &knowing, &pages.middleware, NULL };

static void answer_in_frame(cz_ctx *ctx, cz_request *req)
{
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), CZ_STR("Accept"));
    cz_respond_header(ctx, req, CZ_STR("X-Theme"), CZ_STR("dark"));
    answer(ctx, req);
}

static const cz_route urls[] = {
    CZ_GET("/known", answer, .middleware = known),
    CZ_GET("/framed", answer_in_frame, .middleware = framed),
    CZ_GET("/stale", answer, .middleware = CZ_CACHE_PAGES(stale_pages)),
    CZ_GET("/page", answer, .middleware = CZ_CACHE_PAGES(pages)),
    CZ_POST("/page", answer, .middleware = CZ_CACHE_PAGES(pages)),
    CZ_GET("/short", answer, .middleware = CZ_CACHE_PAGES(short_pages)),
    CZ_GET("/gazettes", list, .middleware = CZ_CACHE_PAGES(gazette_pages)),
    CZ_ROUTES_END,
};
static const cz_app press = { .name = "press",
                              .models = CZ_MODELS(Gazette),
                              .cached = CZ_MODELS(Gazette) };
static CZ_PROJECT(daily, "daily", .apps = CZ_APPS(&press), .urls = urls,
                  .caches = CZ_CACHES({ .alias = "pages" }));

/* Around everything, as Django's cache middleware. */
static CZ_PAGE_CACHE(all_pages, .ttl_ms = 60000);
static const cz_middleware *const around_all[] = { &cz_request_id, &cz_host_check,
                                                   &all_pages.middleware, NULL };
static const cz_middleware *const safely[] = { &cz_security_headers, NULL };
static const cz_route weekly_urls[] = {
    CZ_GET("/any", answer),
    CZ_GET("/safe", answer, .middleware = safely),
    CZ_POST("/any", answer),
    CZ_ROUTES_END,
};
static CZ_PROJECT(weekly, "weekly", .apps = CZ_APPS(&press), .urls = weekly_urls,
                  .middleware = around_all);

static const cz_answer *get(cz_client *client, const char *target, const char *headers)
{
    return cz_client_send(
        client, &(cz_client_request){ .method = "GET", .target = target, .headers = headers });
}

static bool is_cached(const cz_answer *given)
{
    return cz_answer_header(given, "age").len > 0;
}

CZ_TEST(a_page_comes_from_the_cache_as_it_was_with_its_age)
{
    cz_client *client = cz_client_create(&daily);
    behaviour.headers[0] = (cz_header){ CZ_STR("ETag"), CZ_STR("\"1\"") };
    const cz_answer *first = cz_client_get(client, "/page?a=1");
    CZ_EXPECT(first->status == 200 && !is_cached(first));
    const cz_answer *second = cz_client_get(client, "/page?a=1");
    CZ_EXPECT_STATUS(second, 200);
    CZ_EXPECT_HEADER(second, "age", "0");
    CZ_EXPECT_HEADER(second, "etag", "\"1\"");
    CZ_EXPECT_HEADER(second, "content-type", "text/x-own");
    CZ_EXPECT_STR(second->body, "call 1");
    CZ_EXPECT(!cz_str_eq(cz_answer_header(first, "x-request-id"),
                         cz_answer_header(second, "x-request-id"))); /* is of the request */
    CZ_EXPECT_EQ(behaviour.calls, 1);
    const cz_answer *head =
        cz_client_send(client, &(cz_client_request){ .method = "HEAD", .target = "/page?a=1" });
    CZ_EXPECT(is_cached(head) && !head->body.len);
    CZ_EXPECT_HEADER(head, "content-length", "6");
    CZ_EXPECT(!is_cached(cz_client_get(client, "/page?a=2")));
    CZ_EXPECT(!is_cached(cz_client_get(client, "/page")));
    CZ_EXPECT(!is_cached(get(client, "/page?a=1", "Host: 127.0.0.1\r\n")));
    CZ_EXPECT(!is_cached(cz_client_post(client, "/page?a=1", "{}")));
    CZ_EXPECT(is_cached(cz_client_get(client, "/page?a=1")));
}

CZ_TEST(what_the_view_makes_of_headers_from_further_out_is_kept)
{
    cz_client *client = cz_client_create(&daily);
    for (int i = 0; i < 2; i++) {
        const cz_answer *page = cz_client_get(client, "/framed");
        CZ_EXPECT(is_cached(page) == (i > 0));
        CZ_EXPECT_HEADER(page, "Vary", "X-Frame, Accept");
        CZ_EXPECT_HEADER(page, "X-Theme", "dark");
        CZ_EXPECT_HEADER(page, "X-Count", i ? "2" : "1"); /* is of the request */
    }
    CZ_EXPECT_EQ(behaviour.calls, 1);
}

static void invalidate_front(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_cache_invalidate(ctx, cz_cache_of(ctx, "pages"), CZ_STR("front"));
}

CZ_TEST(the_project_s_middleware_keeps_the_pages_of_all_routes)
{
    cz_client *client = cz_client_create(&weekly);
    CZ_EXPECT(!is_cached(cz_client_get(client, "/any")));
    CZ_EXPECT(is_cached(cz_client_get(client, "/any")));
    CZ_EXPECT(!is_cached(cz_client_get(client, "/any?page=2")));
    CZ_EXPECT(!is_cached(cz_client_post(client, "/any", "{}")));
    CZ_EXPECT_EQ(behaviour.calls, 3);
    for (int i = 0; i < 2; i++)
        CZ_EXPECT_HEADER(cz_client_get(client, "/safe"), "X-Content-Type-Options", "nosniff");
    for (int i = 0; i < 2; i++) {
        const cz_answer *none = cz_client_get(client, "/none");
        CZ_EXPECT(none->status == 404 && !is_cached(none));
    }
    CZ_EXPECT_STATUS(get(client, "/any", "Host: elsewhere.example\r\n"), 400); /* asked before */
}

CZ_TEST(an_old_page_is_not_shown_after_its_tags_ended_it)
{
    cz_client *client = cz_client_create(&daily);
    cz_client_get(client, "/stale");
    usleep(250000);
    cz_client_run(client, invalidate_front, NULL);
    CZ_EXPECT(!is_cached(cz_client_get(client, "/stale")));
    CZ_EXPECT_EQ(behaviour.calls, 2);
}

CZ_TEST(only_what_everybody_may_have_is_kept)
{
    static const struct {
        const char *headers;      /* of both requests */
        const char *name, *value; /* a header of the answer */
        bool kept;
    } cases[] = {
        { NULL, "X", "y", true },
        { NULL, "Cache-Control", "max-age=60, public", true },
        { NULL, "Cache-Control", "private", false },
        { NULL, "Cache-Control", "max-age=60,PRIVATE", false },
        { NULL, "Cache-Control", "private=\"set-cookie, x\"", false },
        { NULL, "Cache-Control", "foo=\"bar, private\"", true },
        { NULL, "Cache-Control", "no-store", false },
        { NULL, "Cache-Control", " no-cache ", false },
        { NULL, "Cache-Control", "max-age=0", false },
        { NULL, "Cache-Control", "max-age=60, s-maxage=0", false },
        { NULL, "Cache-Control", "max-age=0, s-maxage=60", true },
        { NULL, "Cache-Control", "max-age=soon", false },
        { NULL, "Cache-Control", "max-age=-1", false },
        { NULL, "Set-Cookie", "a=b", false },
        { NULL, "Vary", "*", false },
        { NULL, "Vary", " * ", false },
        { NULL, "Vary", "Accept, *", false },
        { NULL, "Vary", "Accept", true },
        { NULL, "Vary", ", ,", true },
        { "Accept: a\r\n", "Vary", "Accept", true },
        { "Cookie: a=b\r\n", "X", "y", false },
        { "Cookie: a=b\r\n", "Vary", "Accept", false },
        { "Cookie: a=b\r\n", "Vary", "Accept, COOKIE", true },
        { "Cookie: \r\n", "X", "y", false },
        { "Authorization: Token x\r\n", "X", "y", false },
        { "Authorization: Token x\r\n", "Vary", "Cookie", false },
        { "Authorization: Token x\r\n", "Vary", "Authorization", true },
        { "Cache-Control: no-store\r\n", "X", "y", false },
        { "Cache-Control: max-age=9\r\ncache-control: foo, No-Store\r\n", "X", "y", false },
        { "Cache-Control: no-cache\r\n", "X", "y", true },
    };
    cz_client *client = cz_client_create(&daily);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char target[32];
        cz_ignore(snprintf(target, sizeof target, "/page?case=%zu", i)); /* it fits */
        behaviour.headers[0] =
            (cz_header){ cz_str_from(cases[i].name), cz_str_from(cases[i].value) };
        CZ_EXPECT(!is_cached(get(client, target, cases[i].headers)));
        CZ_EXPECT_MSG(is_cached(get(client, target, cases[i].headers)) == cases[i].kept,
                      "case %zu: %s: %s", i, cases[i].name, cases[i].value);
    }
}

CZ_TEST(errors_streams_and_bodies_are_not_kept)
{
    cz_client *client = cz_client_create(&daily);
    static const int statuses[] = { 201, 204, 206, 301, 302, 404, 500, 503 };
    for (size_t i = 0; i < CZ_COUNT(statuses); i++) {
        behaviour.status = statuses[i];
        cz_client_get(client, "/page");
        CZ_EXPECT_MSG(!is_cached(cz_client_get(client, "/page")), "%d", statuses[i]);
    }
    behaviour.status = 0;
    behaviour.raises = true;
    cz_client_get(client, "/page");
    CZ_EXPECT(!is_cached(cz_client_get(client, "/page")));
    behaviour.raises = false;
    behaviour.streams = true;
    cz_client_get(client, "/page");
    CZ_EXPECT(!is_cached(cz_client_get(client, "/page")));
    behaviour.streams = false;
    cz_client_request fat = {
        .method = "GET", .target = "/page", .body = CZ_STR("{}"), .content_type = "application/json"
    };
    cz_client_send(client, &fat);
    CZ_EXPECT(
        !is_cached(cz_client_get(client, "/page"))); /* what a body asked for is nobody else's */
    CZ_EXPECT(!is_cached(cz_client_send(client, &fat)));
    CZ_EXPECT(is_cached(cz_client_get(client, "/page")));
    behaviour.calls = 0;
    cz_client_send(client, &(cz_client_request){ .method = "HEAD", .target = "/page?head" });
    CZ_EXPECT(!is_cached(cz_client_get(client, "/page?head")));
}

CZ_TEST(each_value_of_a_header_that_is_varied_on_has_its_page)
{
    static const char *const headers[] = {
        NULL,
        "Accept: \r\n",
        "Accept: a\r\n",
        "Accept: b\r\n",
        "Accept: a\r\nAccept: b\r\n",
        "Accept: a\r\nAccept-Language: b\r\n",
        "Accept-Language: a\r\n",
    };
    cz_client *client = cz_client_create(&daily);
    behaviour.headers[0] = (cz_header){ CZ_STR("Vary"), CZ_STR("Accept-Language,accept , ACCEPT") };
    cz_str bodies[CZ_COUNT(headers)];
    for (size_t i = 0; i < CZ_COUNT(headers); i++) {
        const cz_answer *made = get(client, "/page", headers[i]);
        CZ_EXPECT_MSG(!is_cached(made), "headers %zu", i);
        bodies[i] = made->body;
    }
    for (size_t i = 0; i < CZ_COUNT(headers); i++) {
        const cz_answer *kept = get(client, "/page", headers[i]);
        CZ_EXPECT_MSG(is_cached(kept) && cz_str_eq(kept->body, bodies[i]), "headers %zu", i);
    }
    CZ_EXPECT(is_cached(get(client, "/page", "Accept: a, b\r\n"))); /* two lines are one list */
}

CZ_TEST(two_users_never_get_each_others_pages)
{
    cz_client *client = cz_client_create(&daily);
    behaviour.body = "Ann's";
    behaviour.headers[0] = (cz_header){ CZ_STR("Vary"), CZ_STR("Cookie") };
    get(client, "/page", "Cookie: user=ann\r\n");
    behaviour.body = "Bob's";
    CZ_EXPECT_STR(get(client, "/page", "Cookie: user=bob\r\n")->body, "Bob's");
    behaviour.body = "nobody's";
    CZ_EXPECT_STR(get(client, "/page", NULL)->body, "nobody's");
    CZ_EXPECT_STR(get(client, "/page", "Cookie: user=ann\r\n")->body, "Ann's");
    CZ_EXPECT_STR(get(client, "/page", "Cookie: user=ann; theme=dark\r\n")->body, "nobody's");
    behaviour.body = "Ann's own";
    behaviour.headers[0] = (cz_header){ { NULL, 0 }, { NULL, 0 } }; /* forgot to say so */
    CZ_EXPECT_STR(get(client, "/page?2", "Cookie: user=ann\r\n")->body, "Ann's own");
    behaviour.body = "Bob's own";
    CZ_EXPECT_STR(get(client, "/page?2", "Cookie: user=bob\r\n")->body, "Bob's own");
    CZ_EXPECT_STR(get(client, "/page?2", NULL)->body, "Bob's own");
    behaviour.body = "Ann's own";
    CZ_EXPECT_STR(get(client, "/page?2", "Cookie: user=ann\r\n")->body, "Ann's own");
}

CZ_TEST(who_is_known_by_another_header_gets_no_one_else_s_page)
{
    static const char *const headers[] = { "X-Api-Key: ann\r\n", "X-Api-Key: bob\r\n" };
    cz_client *client = cz_client_create(&daily);
    for (int i = 0; i < 4; i++)
        CZ_EXPECT_MSG(!is_cached(get(client, "/known", headers[i % 2])), "request %d", i);
    CZ_EXPECT(!is_cached(get(client, "/known", NULL)));
    CZ_EXPECT(is_cached(get(client, "/known", NULL)));
    for (int i = 0; i < 2; i++)
        CZ_EXPECT_MSG(!is_cached(get(client, "/known", headers[i])), "request %d", i);
    behaviour.headers[0] = (cz_header){ CZ_STR("Vary"), CZ_STR("Cookie") };
    get(client, "/known?2", "Cookie: a=b\r\nX-Api-Key: ann\r\n");
    CZ_EXPECT(is_cached(get(client, "/known?2", "Cookie: a=b\r\nX-Api-Key: ann\r\n")));
}

CZ_TEST(a_page_lives_as_long_as_its_view_says)
{
    cz_client *client = cz_client_create(&daily);
    cz_client_get(client, "/short");
    CZ_EXPECT(is_cached(cz_client_get(client, "/short")));
    usleep(450000);
    CZ_EXPECT(!is_cached(cz_client_get(client, "/short")));
}

static void add_gazette(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_create(ctx, Gazette, (title, "Times"));
}

CZ_DATABASE_TEST(a_page_ends_with_its_tags_and_with_changes_of_its_models)
{
    setenv("DATABASE_URL", cz_test_database(), 1);
    cz_client *client = cz_client_create(&daily);
    CZ_EXPECT_STR(cz_client_get(client, "/gazettes")->body, "0 gazettes");
    const cz_answer *kept = cz_client_get(client, "/gazettes");
    CZ_EXPECT(is_cached(kept));
    CZ_EXPECT_QUERIES(kept, 0);
    cz_client_run(client, add_gazette, NULL);
    CZ_EXPECT_STR(cz_client_get(client, "/gazettes")->body, "1 gazettes");
    CZ_EXPECT(is_cached(cz_client_get(client, "/gazettes")));
    cz_client_run(client, invalidate_front, NULL);
    CZ_EXPECT(!is_cached(cz_client_get(client, "/gazettes")));
}

CZ_TEST(a_page_too_long_to_be_kept_is_answered)
{
    cz_client *client = cz_client_create(&daily);
    char *body = malloc(CZ_CACHE_VALUE_BYTES_MAX + 1);
    CZ_REQUIRE(body);
    memset(body, 'x', CZ_CACHE_VALUE_BYTES_MAX);
    body[CZ_CACHE_VALUE_BYTES_MAX] = '\0';
    behaviour.body = body;
    for (int i = 0; i < 2; i++) {
        const cz_answer *whole = cz_client_get(client, "/page");
        CZ_EXPECT(whole->status == 200 && whole->body.len == CZ_CACHE_VALUE_BYTES_MAX);
        CZ_EXPECT(!is_cached(whole));
    }
    free(body);
}

#ifdef CZ_REDIS
CZ_TEST(a_cache_that_is_away_fails_no_page)
{
    setenv("CACHE_URL", "redis://127.0.0.1:1/0", 1);
    cz_client *client = cz_client_create(&daily);
    for (int i = 0; i < 3; i++) {
        const cz_answer *made = cz_client_get(client, "/page");
        CZ_EXPECT(made->status == 200 && !is_cached(made));
    }
    CZ_EXPECT_EQ(behaviour.calls, 3);
}
#endif

CZ_TEST(a_client_that_has_a_kept_page_is_not_sent_it_again)
{
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        { NULL, 200 },
        { "If-None-Match: \"v1\"\r\n", 304 },
        { "If-None-Match: W/\"v1\"\r\n", 304 },
        { "If-None-Match: \"v0\", , \"v1\"\r\n", 304 },
        { "If-None-Match: *\r\n", 304 },
        { "If-None-Match: \"v2\"\r\n", 200 },
        { "If-None-Match: v1\r\n", 200 },
        { "If-None-Match: \"v1\r\n", 200 },
        { "If-None-Match: \"v0\" \"v1\"\r\n", 304 },
        { "If-None-Match: x, \"v1\"\r\n", 200 },
        { "If-None-Match: \r\n", 200 },
        { "If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n", 304 },
    };
    cz_client *client = cz_client_create(&daily);
    behaviour.headers[0] = (cz_header){ CZ_STR("ETag"), CZ_STR("\"v1\"") };
    CZ_EXPECT_STATUS(get(client, "/page", NULL), 200);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *given = get(client, "/page", cases[i].headers);
        CZ_EXPECT_MSG(given->status == cases[i].status, "%s: %d", cases[i].headers, given->status);
        CZ_EXPECT(is_cached(given));
        CZ_EXPECT_HEADER(given, "ETag", "\"v1\"");
        CZ_EXPECT_EQ(given->body.len > 0, given->status == 200);
    }
    CZ_EXPECT_EQ(behaviour.calls, 1);
}
