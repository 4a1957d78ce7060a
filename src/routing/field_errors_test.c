/* The errors of an input, which may be inside objects and lists. */
#include <calzone/testing.h>
#include "routing/errors.h"

static void add(cz_ctx *c, cz_field_errors *errors, const char *field, const char *message)
{
    cz_field_errors_add(c, errors, cz_str_from(field), "invalid", "%s", message);
}

static void nothing(cz_ctx *c, cz_field_errors *errors)
{
    cz_field_errors_inside(c, errors, CZ_STR("author"));
    cz_field_errors_item(c, errors, CZ_STR("chapters"), 2, 3);
}
static void flat(cz_ctx *c, cz_field_errors *errors)
{
    add(c, errors, "title", "Wrong.");
    add(c, errors, "year", "Early.");
    add(c, errors, "title", "Long.");
}
static void inside(cz_ctx *c, cz_field_errors *errors)
{
    cz_field_errors *author = cz_field_errors_inside(c, errors, CZ_STR("author"));
    cz_field_errors *country = cz_field_errors_inside(c, author, CZ_STR("country"));
    add(c, country, "code", "None.");
    add(c, errors, "title", "Wrong.");
    add(c, author, "name", "Long.");
}
static void items(cz_ctx *c, cz_field_errors *errors)
{
    nothing(c, errors);
    add(c, cz_field_errors_item(c, errors, CZ_STR("chapters"), 1, 3), "title", "Wrong.");
    add(c, cz_field_errors_item(c, errors, CZ_STR("scenes"), 0, 1), "place", "None.");
}
static void list_itself(cz_ctx *c, cz_field_errors *errors)
{
    add(c, cz_field_errors_item(c, errors, CZ_STR(""), 1, 3), "title", "Wrong.");
    cz_field_errors *third = cz_field_errors_item(c, errors, CZ_STR(""), 2, 3);
    add(c, cz_field_errors_item(c, third, CZ_STR("chapters"), 0, 1), "year", "Early.");
}
/* What is said of the value itself is told, and not what is inside it. */
static void both(cz_ctx *c, cz_field_errors *errors)
{
    add(c, cz_field_errors_inside(c, errors, CZ_STR("author")), "name", "Long.");
    add(c, errors, "author", "Not allowed.");
}
static void too_many(cz_ctx *c, cz_field_errors *errors)
{
    cz_field_errors *first = cz_field_errors_inside(c, errors, CZ_STR("first"));
    cz_field_errors *second = cz_field_errors_inside(c, errors, CZ_STR("second"));
    for (int i = 0; i < CZ_FIELD_ERRORS_MAX; i++)
        add(c, second, "x", i ? "" : "Kept.");
    add(c, first, "x", "Not kept.");
    CZ_EXPECT_EQ(first->count, 1);
    CZ_EXPECT_EQ(errors->count, CZ_FIELD_ERRORS_MAX + 1);
}

static void raise_those(cz_ctx *c, void *arg)
{
    void (*const *build)(cz_ctx *, cz_field_errors *) = arg;
    cz_field_errors errors;
    cz_field_errors_init(&errors);
    (*build)(c, &errors);
    cz_field_errors_raise(c, &errors);
}

struct told {
    char bytes[8192];
};

/* What a client gets; "" when nothing was raised. */
static cz_str document(struct told *told, cz_ctx *c, const cz_error *err, cz__error_format format)
{
    cz_buf body;
    cz_buf_init(&body, 1 << 16);
    cz_request req = { .method = CZ_METHOD_POST, .response.body = &body };
    cz__errors_configure(format, false);
    cz__answer_error(c, &req, err);
    cz__errors_configure(CZ__ERRORS_DRF, false);
    size_t len = cz_buf_str(&body).len;
    cz_assert(len <= sizeof told->bytes);
    memcpy(told->bytes, cz_buf_str(&body).ptr, len);
    cz_buf_done(&body);
    return cz_str_of(told->bytes, len);
}

static const struct {
    void (*build)(cz_ctx *c, cz_field_errors *errors);
    const char *message, *drf, *fastapi;
} cases[] = {
    { flat, "title: Wrong. (and more)", "{\"title\":[\"Wrong.\",\"Long.\"],\"year\":[\"Early.\"]}",
      "{\"detail\":[{\"type\":\"invalid\",\"loc\":[\"body\",\"title\"],\"msg\":\"Wrong.\"},"
      "{\"type\":\"invalid\",\"loc\":[\"body\",\"year\"],\"msg\":\"Early.\"},"
      "{\"type\":\"invalid\",\"loc\":[\"body\",\"title\"],\"msg\":\"Long.\"}]}" },
    { inside, "author.country.code: None. (and more)",
      "{\"author\":{\"country\":{\"code\":[\"None.\"]},\"name\":[\"Long.\"]},\"title\":[\"Wrong.\"]"
      "}",
      "{\"detail\":[{\"type\":\"invalid\",\"loc\":[\"body\",\"author\",\"country\",\"code\"],"
      "\"msg\":\"None.\"},{\"type\":\"invalid\",\"loc\":[\"body\",\"author\",\"name\"],"
      "\"msg\":\"Long.\"},{\"type\":\"invalid\",\"loc\":[\"body\",\"title\"],\"msg\":\"Wrong.\"}]"
      "}" },
    { items, "chapters.1.title: Wrong. (and more)",
      "{\"chapters\":[{},{\"title\":[\"Wrong.\"]},{}],\"scenes\":[{\"place\":[\"None.\"]}]}",
      "{\"detail\":[{\"type\":\"invalid\",\"loc\":[\"body\",\"chapters\",1,\"title\"],"
      "\"msg\":\"Wrong.\"},{\"type\":\"invalid\",\"loc\":[\"body\",\"scenes\",0,\"place\"],"
      "\"msg\":\"None.\"}]}" },
    { list_itself, "1.title: Wrong. (and more)",
      "[{},{\"title\":[\"Wrong.\"]},{\"chapters\":[{\"year\":[\"Early.\"]}]}]",
      "{\"detail\":[{\"type\":\"invalid\",\"loc\":[\"body\",1,\"title\"],\"msg\":\"Wrong.\"},"
      "{\"type\":\"invalid\",\"loc\":[\"body\",2,\"chapters\",0,\"year\"],\"msg\":\"Early.\"}]}" },
    { both, "author.name: Long. (and more)", "{\"author\":[\"Not allowed.\"]}", NULL },
};

CZ_TEST(errors_nest_as_the_input_does)
{
    cz_arena *arena;
    cz_ctx ctx;
    struct told told;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err;
        void (*build)(cz_ctx *, cz_field_errors *) = cases[i].build;
        CZ_EXPECT_EQ(cz_try(&ctx, raise_those, &build, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
        CZ_EXPECT_STR(document(&told, &ctx, &err, CZ__ERRORS_DRF), cases[i].drf);
        if (cases[i].fastapi)
            CZ_EXPECT_STR(document(&told, &ctx, &err, CZ__ERRORS_FASTAPI), cases[i].fastapi);
    }
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

CZ_TEST(what_is_inside_counts_and_what_is_empty_does_not)
{
    cz_arena *arena;
    cz_ctx ctx;
    struct told told;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    cz_error err;
    void (*build)(cz_ctx *, cz_field_errors *) = nothing;
    CZ_EXPECT_EQ(cz_try(&ctx, raise_those, &build, &err), CZ_OK);
    build = too_many;
    CZ_EXPECT_EQ(cz_try(&ctx, raise_those, &build, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "second.x: Kept. (and more)");
    CZ_EXPECT(cz_str_starts_with(document(&told, &ctx, &err, CZ__ERRORS_DRF),
                                 CZ_STR("{\"second\":{\"x\":[\"Kept.\",")));
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

static void long_message(cz_ctx *c, cz_field_errors *errors)
{
    char text[1200];
    for (size_t i = 0; i < sizeof text - 1; i += 2)
        memcpy(text + i, "\303\251", 2);
    for (int shift = 0; shift < 2; shift++) {
        cz_field_errors_add(c, errors, CZ_STR("x"), "invalid", "%s%.*s", shift ? "-" : "", 1198,
                            text);
        cz_str said = (shift ? errors->first->next : errors->first)->message;
        CZ_EXPECT_EQ(said.len, 1022 + shift);
        CZ_EXPECT(cz_str_is_utf8(said));
    }
}

CZ_TEST(a_message_that_is_too_long_is_cut_between_characters)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err;
    void (*build)(cz_ctx *, cz_field_errors *) = long_message;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_EXPECT_EQ(cz_try(&ctx, raise_those, &build, &err), CZ_EVALIDATION);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}
