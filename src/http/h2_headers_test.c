#ifdef CZ_HTTP2
#include "http/h2_internal.h"
#include <calzone/testing.h>
#include <stdio.h>

struct fixture {
    cz__loop *loop;
    struct cz__http_core core;
    cz__exchange *exchange;
};

static struct fixture fixture_make(void)
{
    struct fixture f = { 0 };
    const cz__http_app app = { 0 };
    CZ_REQUIRE_OK(cz__loop_create(&f.loop));
    CZ_REQUIRE_OK(cz__http_core_init(&f.core, f.loop, NULL, &app));
    return f;
}

static void fixture_done(struct fixture *f)
{
    cz__exchange_release(f->exchange);
    cz__http_core_done(&f->core);
    cz__loop_destroy(f->loop);
}

/* Begin another answer: exchanges, and what their arenas hold, are used again. */
static cz_response *next_answer(struct fixture *f)
{
    if (f->exchange)
        cz__exchange_release(f->exchange);
    CZ_REQUIRE_OK(cz__exchange_acquire(&f->core, &f->exchange));
    return &f->exchange->request.response;
}

/* "name=value" lines, with "!" before those that are not to be kept in tables. Date has no value here. */
static const char *written(struct fixture *f)
{
    static char text[2048];
    const nghttp2_nv *items;
    size_t count, at = 0;
    CZ_REQUIRE_OK(cz__h2_headers(f->exchange, &items, &count));
    for (size_t i = 0; i < count; i++) {
        const nghttp2_nv *item = &items[i];
        bool date = item->namelen == 4 && memcmp(item->name, "date", 4) == 0;
        CZ_EXPECT(item->flags & NGHTTP2_NV_FLAG_NO_COPY_NAME);
        CZ_EXPECT(item->flags & NGHTTP2_NV_FLAG_NO_COPY_VALUE);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s=%.*s\n",
                               item->flags & NGHTTP2_NV_FLAG_NO_INDEX ? "!" : "",
                               (int)item->namelen, (const char *)item->name,
                               date ? 0 : (int)item->valuelen, (const char *)item->value);
    }
    return text;
}

static void set(struct fixture *f, cz_str name, cz_str value)
{
    cz_respond_header(&f->exchange->ctx, &f->exchange->request, name, value);
}

CZ_TEST(headers_of_http_2_are_in_lower_case_and_of_no_connection)
{
    struct fixture f = fixture_make();
    cz_response *response = next_answer(&f);
    response->content_type = CZ_STR("text/plain");
    response->body_text = CZ_STR("hello");
    set(&f, CZ_STR("X-Request-ID"), CZ_STR("Ab"));
    set(&f, CZ_STR("Upgrade"), CZ_STR("TLS/1.2"));
    set(&f, CZ_STR("Vary"), CZ_STR("Accept"));
    set(&f, CZ_STR("Retry-After"), CZ_STR("3"));
    set(&f, CZ_STR("X-Nothing"), CZ_STR(""));
    response->header_lines = CZ_STR("X-One: A b\r\nX-Two:\r\n");
    CZ_EXPECT_EQ(strcmp(written(&f),
                        ":status=200\ndate=\ncontent-length=5\ncontent-type=text/plain\n"
                        "!x-request-id=Ab\nvary=Accept\n!retry-after=3\nx-nothing=\n"
                        "x-one=A b\nx-two=\n"),
                 0);
    fixture_done(&f);
}

CZ_TEST(answers_without_content_tell_no_length)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 204, ":status=204\ndate=\n" },
        { 304, ":status=304\ndate=\n" },
        { 205, ":status=205\ndate=\ncontent-length=0\n" },
        { 404, ":status=404\ndate=\ncontent-length=0\n" },
    };
    struct fixture f = fixture_make();
    for (size_t i = 0; i < CZ_COUNT(rows); i++) {
        next_answer(&f)->status = rows[i].status;
        CZ_EXPECT_EQ(strcmp(written(&f), rows[i].text), 0);
    }
    fixture_done(&f);
}

CZ_TEST(ready_lines_are_those_of_this_answer_however_many_there_were)
{
    struct fixture f = fixture_make();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 40; i++) {
            cz_response *response = next_answer(&f);
            char lines[64], want[128];
            snprintf(lines, sizeof lines, "X-Line: %d\r\nX-Also: %c\r\n", i, 'a' + i % 26);
            snprintf(want, sizeof want,
                     ":status=200\ndate=\ncontent-length=0\nx-line=%d\nx-also=%c\n", i,
                     'a' + i % 26);
            /* at one address, as those that an arena holds may be */
            CZ_REQUIRE_OK(
                cz_str_dup(f.exchange->arena, cz_str_from(lines), &response->header_lines));
            CZ_EXPECT_EQ(strcmp(written(&f), want), 0);
        }
    fixture_done(&f);
}
#endif
