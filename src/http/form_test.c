/* Forms: what is read, and what is refused. */
#include <calzone/http.h>
#include <calzone/json.h>
#include <calzone/testing.h>
#include <stdio.h>

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=XX"
#define PART(name, value)                                                                          \
    "--XX\r\nContent-Disposition: form-data; name=" name "\r\n\r\n" value "\r\n"
#define FILE_PART(filename, value)                                                                 \
    "--XX\r\nContent-Disposition: form-data; name=f; filename=" filename                           \
    "\r\nContent-Type: text/plain\r\n\r\n" value "\r\n"
#define END "--XX--\r\n"

struct posting {
    cz_request req;
    cz_buf *told;
};

/* "name=value" of each, files as "name=filename(bytes, type)". */
static void tell(cz_ctx *c, void *arg)
{
    struct posting *posting = arg;
    const cz_form *form = cz_request_form(c, &posting->req);
    CZ_EXPECT(form == cz_request_form(c, &posting->req));
    for (size_t i = 0; i < form->count; i++) {
        const cz_form_item *item = &form->items[i];
        cz_buf_printf(posting->told, "%s%.*s=", i ? "|" : "", CZ_STR_ARG(item->name));
        if (item->is_file)
            cz_buf_printf(posting->told, "%.*s(%zu, %.*s)", CZ_STR_ARG(item->filename),
                          item->value.len, CZ_STR_ARG(item->content_type));
        else
            cz_buf_append_str(posting->told, item->value);
    }
}

static const struct {
    const char *type, *body, *told; /* the message of what is refused */
    cz_status status;
} cases[] = {
    { URLENCODED,
      "a=1&b=two+words&c=%C3%A9&d&=e&&f=", "a=1|b=two words|c=\303\251|d=|=e|f=", CZ_OK },
    { URLENCODED "; charset=utf-8", "a=%", "a=%", CZ_OK },
    { "APPLICATION/X-WWW-FORM-URLENCODED", "a=1", "a=1", CZ_OK },
    { URLENCODED, "", "", CZ_OK },
    { URLENCODED, "a=%FF", "Form parse error - it is not UTF-8", CZ_EPROTOCOL },
    { URLENCODED, "%FF=1", "Form parse error - it is not UTF-8", CZ_EPROTOCOL },
    { "application/json", "{}", "Unsupported media type \"application/json\" in request.",
      CZ_EMEDIATYPE },
    { "", "a=1", "Unsupported media type \"\" in request.", CZ_EMEDIATYPE },
    /* parts */
    { MULTIPART, PART("a", "1") PART("\"b c\"", "") END, "a=1|b c=", CZ_OK },
    { MULTIPART,
      PART("a",
           "--XX\r\n--X\r\n") "--XX  \t\r\nContent-Disposition:form-data;name=b\r\n\r\n2\r\n" END,
      "Form parse error - a part has no header", CZ_EPROTOCOL },
    { MULTIPART,
      PART("a",
           "-\r\n--X\r\n\r\n --XX") "--XX  "
                                    "\t\r\nContent-Disposition:form-data;name=b\r\n\r\n2\r\n" END,
      "a=-\r\n--X\r\n\r\n --XX|b=2", CZ_OK },
    { MULTIPART, "--XX--", "", CZ_OK },
    { MULTIPART, END "what follows is nobody's", "", CZ_OK },
    { "multipart/form-data; charset=x; BOUNDARY=\"XX\"", PART("a", "1") END, "a=1", CZ_OK },
    { MULTIPART, FILE_PART("\"notes.txt\"", "two\r\nlines") END, "f=notes.txt(10, text/plain)",
      CZ_OK },
    { MULTIPART, FILE_PART("\"\"", "") END, "f=(0, text/plain)", CZ_OK },
    { MULTIPART, FILE_PART("\"C:\\Users\\me\\a.txt\"", "") END, "f=a.txt(0, text/plain)", CZ_OK },
    { MULTIPART, FILE_PART("\"../../etc/passwd\"", "") END, "f=passwd(0, text/plain)", CZ_OK },
    { MULTIPART, FILE_PART("\"..\"", "") END, "f=(0, text/plain)", CZ_OK },
    { MULTIPART, FILE_PART("\"a\\\"b\t\x01.txt\"", "") END, "f=a\"b.txt(0, text/plain)", CZ_OK },
    { MULTIPART, FILE_PART("\"\xff.txt\"", "") END, "Form parse error - a filename is not UTF-8",
      CZ_EPROTOCOL },
    { MULTIPART, FILE_PART("\"x\"", "\xff\xfe") END, "f=x(2, text/plain)", CZ_OK },
    { MULTIPART, PART("a", "\xff") END, "Form parse error - it is not UTF-8", CZ_EPROTOCOL },
    /* malformed */
    { "multipart/form-data", PART("a", "1") END,
      "Form parse error - its boundary is missing or malformed", CZ_EPROTOCOL },
    { "multipart/form-data; boundary=", END,
      "Form parse error - its boundary is missing or malformed", CZ_EPROTOCOL },
    { "multipart/form-data; boundary=a\\b", END,
      "Form parse error - its boundary is missing or malformed", CZ_EPROTOCOL },
    { "multipart/form-data; boundary=\"XX", END, "Form parse error - a quoted value has no end",
      CZ_EPROTOCOL },
    { "multipart/form-data; "
      "boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
      END, "Form parse error - its boundary is missing or malformed", CZ_EPROTOCOL },
    { MULTIPART, "", "Form parse error - it does not begin with its boundary", CZ_EPROTOCOL },
    { MULTIPART, "preamble\r\n" END, "Form parse error - it does not begin with its boundary",
      CZ_EPROTOCOL },
    { MULTIPART, PART("a", "1"), "Form parse error - a part has no end", CZ_EPROTOCOL },
    { MULTIPART, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
      "Form parse error - a part has no end", CZ_EPROTOCOL },
    { MULTIPART, "--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX--",
      "Form parse error - a boundary is not alone on its line", CZ_EPROTOCOL },
    { MULTIPART, "--XXY\r\n\r\n1\r\n" END, "Form parse error - a boundary is not alone on its line",
      CZ_EPROTOCOL },
    { MULTIPART, "--XX\r\n\r\n1\r\n" END, "Form parse error - a part has no header", CZ_EPROTOCOL },
    { MULTIPART, "--XX\r\nX: y\r\n\r\n1\r\n" END, "Form parse error - a part has no name",
      CZ_EPROTOCOL },
    { MULTIPART, "--XX\r\nX\r\n\r\n1\r\n" END, "Form parse error - a part's header has no colon",
      CZ_EPROTOCOL },
    { MULTIPART, "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n" END,
      "Form parse error - a part has no name", CZ_EPROTOCOL },
    { MULTIPART,
      "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
      "name=b\r\n\r\n1\r\n" END,
      "Form parse error - a part has no name", CZ_EPROTOCOL },
    { MULTIPART,
      "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nMQ==\r\n" END,
      "Form parse error - a part is encoded, which RFC 7578 does without", CZ_EPROTOCOL },
};

static cz_str posted(cz_ctx *ctx, cz_str type, cz_str body, cz_status expected, cz_buf *told)
{
    struct posting posting = { { .content_type = type, .body = body }, told };
    cz_error err;
    cz_buf_clear(told);
    CZ_EXPECT_EQ(cz_try(ctx, tell, &posting, &err), expected);
    return expected ? cz_copy(ctx, cz_str_from(cz_error_message(&err))) : cz_buf_str(told);
}

CZ_TEST(forms_are_read_or_refused)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_buf told = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(posted(&ctx, cz_str_from(cases[i].type), cz_str_from(cases[i].body),
                             cases[i].status, &told),
                      cases[i].told);
    cz_buf_done(&told);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

/* `count` pieces and an end. */
static void repeat(cz_buf *body, const char *piece, int count, const char *end)
{
    cz_buf_clear(body);
    for (int i = 0; i < count; i++)
        cz_buf_append_str(body, cz_str_from(piece));
    cz_buf_append_str(body, cz_str_from(end));
}

CZ_TEST(forms_have_limits)
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_buf told = { 0 }, body = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    repeat(&body, "a=1&", CZ_FORM_ITEMS_MAX + 1, "");
    CZ_EXPECT_STR(posted(&ctx, CZ_STR(URLENCODED), cz_buf_str(&body), CZ_ETOOBIG, &told),
                  "A form has at most 1000 fields.");
    repeat(&body, PART("a", "1"), CZ_FORM_ITEMS_MAX + 1, END);
    CZ_EXPECT_STR(posted(&ctx, CZ_STR(MULTIPART), cz_buf_str(&body), CZ_ETOOBIG, &told),
                  "A form has at most 1000 fields.");
    repeat(&body, FILE_PART("x", "1"), CZ_FORM_FILES_MAX + 1, END);
    CZ_EXPECT_STR(posted(&ctx, CZ_STR(MULTIPART), cz_buf_str(&body), CZ_ETOOBIG, &told),
                  "A form has at most 100 files.");
    cz_buf_clear(&body);
    cz_buf_append_lit(&body, "--XX\r\n");
    for (int i = 0; i < 1200; i++)
        cz_buf_append_lit(&body, "X-Y: z\r\n");
    cz_buf_append_lit(&body, "\r\n1\r\n" END);
    CZ_EXPECT_STR(posted(&ctx, CZ_STR(MULTIPART), cz_buf_str(&body), CZ_ETOOBIG, &told),
                  "The header of a form's part has at most 8192 bytes.");
    cz_buf_clear(&body);
    cz_buf_append_lit(&body, "--XX\r\nContent-Disposition: form-data; name=f; filename=\"");
    for (int i = 0; i < 200; i++)
        cz_buf_append_lit(&body, "\303\251");
    cz_buf_append_lit(&body, "\"\r\n\r\n1\r\n" END);
    cz_str long_name = posted(&ctx, CZ_STR(MULTIPART), cz_buf_str(&body), CZ_OK, &told);
    CZ_EXPECT_EQ(long_name.len, sizeof "f=" - 1 + 254 + sizeof "(1, )" - 1); /* whole characters */
    static const struct {
        const char *end;
        size_t kept;        /* bytes of the name */
        const char *behind; /* what the name ends with */
    } ends[] = {
        { ".png", 254, "\303\251.png" }, /* whole characters and the extension */
        { ".p.ng", 255, "\303\251.ng" },
        { ".\303\251\303\251", 255, "\303\251.\303\251\303\251" },
        { ". of which this is no extension at all", 254, "\303\251\303\251" },
        { ".", 255, "\303\251." },
    };
    for (size_t n = 0; n < CZ_COUNT(ends); n++) {
        cz_buf_clear(&body);
        cz_buf_append_lit(&body, "--XX\r\nContent-Disposition: form-data; name=f; filename=\"/x/");
        for (int i = 0; i < 200; i++)
            cz_buf_append_lit(&body, "\303\251");
        cz_buf_printf(&body, "%s\"\r\n\r\n1\r\n" END, ends[n].end);
        cz_str name = posted(&ctx, CZ_STR(MULTIPART), cz_buf_str(&body), CZ_OK, &told);
        CZ_EXPECT_EQ(name.len, sizeof "f=" - 1 + ends[n].kept + sizeof "(1, )" - 1);
        CZ_EXPECT(cz_str_ends_with(cz_str_head(name, name.len - 5), cz_str_from(ends[n].behind)));
    }
    cz_buf_done(&body);
    cz_buf_done(&told);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

/* ---- the Web Platform Tests ---- */

struct vector {
    cz_request req;
    const cz_json_value *pairs;
};

static void compare_pairs(cz_ctx *c, void *arg)
{
    struct vector *vector = arg;
    const cz_form *form = cz_request_form(c, &vector->req);
    CZ_EXPECT_EQ(form->count, vector->pairs->count);
    for (uint32_t i = 0; i < form->count && i < vector->pairs->count; i++) {
        const cz_json_value *pair = vector->pairs->as.items[i].as.items;
        CZ_EXPECT(cz_str_eq(form->items[i].name, pair[0].as.text));
        CZ_EXPECT(cz_str_eq(form->items[i].value, pair[1].as.text));
    }
}

static bool has_replacement(const cz_json_value *value)
{
    if (value->kind == CZ_JSON_STR)
        return cz_str_find(value->as.text, CZ_STR("\xef\xbf\xbd")) != SIZE_MAX;
    bool has = false;
    for (uint32_t i = 0; i < value->count; i++)
        has |= has_replacement(&value->as.items[i]);
    return has;
}

/* Bytes that are not UTF-8, which the URL Standard replaces, are refused: docs/decisions/0097. */
CZ_TEST(forms_agree_with_the_web_platform_tests)
{
    static char text[1 << 16];
    FILE *file = fopen(CZ_SHARED_VECTORS "/wpt-url/urlencoded-parser-data.json", "re");
    if (!file)
        cz_test_skip("the URL vectors are not here");
    size_t len = fread(text, 1, sizeof text, file);
    CZ_REQUIRE(feof(file));
    fclose(file);
    const cz_json_value *vectors;
    CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), cz_str_of(text, len), NULL, &vectors, NULL));
    cz_ctx c;
    cz_ctx_init(&c, cz_test_arena());
    int asked = 0, refused = 0;
    for (uint32_t i = 0; i < vectors->count; i++) {
        const cz_json_value *input = cz_json_get(&vectors->as.items[i], CZ_STR("input"));
        if (!input)
            continue; /* a comment */
        struct vector vector = { .pairs = cz_json_get(&vectors->as.items[i], CZ_STR("output")) };
        vector.req = (cz_request){ .content_type = CZ_STR(URLENCODED), .body = input->as.text };
        bool is_text = !has_replacement(vector.pairs);
        CZ_EXPECT_EQ(cz_try(&c, compare_pairs, &vector, NULL), is_text ? CZ_OK : CZ_EPROTOCOL);
        asked++;
        refused += !is_text;
    }
    cz_ctx_done(&c);
    CZ_EXPECT(asked == 35 && refused == 5);
}
