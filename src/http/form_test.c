/* Forms: what is read, and what is refused. */
#include "http/form_internal.h"
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
    bool as_it_comes;
};

/* The same form by the other reader, for which files of more than 3 bytes are large. */
static const cz_form *read_as_it_comes(cz_ctx *c, cz_request *req)
{
    const struct cz__form_limits limits = { .held_bytes_max = 1 << 20, .file_bytes_max = 3 };
    struct cz__form_reading reading = { .ctx = c };
    cz__form_read_stream(&reading, req, CZ_STR("XX"), &limits);
    cz_form *form = cz_new(c, cz_form);
    *form = (cz_form){ reading.items, reading.count };
    return form;
}

/* "name=value" of each, files as "name=filename(bytes, type)". */
static void tell(cz_ctx *c, void *arg)
{
    struct posting *posting = arg;
    const cz_form *form = posting->as_it_comes ? read_as_it_comes(c, &posting->req)
                                               : cz_request_form(c, &posting->req);
    CZ_EXPECT(posting->as_it_comes || form == cz_request_form(c, &posting->req));
    for (size_t i = 0; i < form->count; i++) {
        const cz_form_item *item = &form->items[i];
        cz_buf_printf(posting->told, "%s%.*s=", i ? "|" : "", CZ_STR_ARG(item->name));
        if (item->is_file)
            cz_buf_printf(posting->told, "%.*s(%llu, %.*s)", CZ_STR_ARG(item->filename),
                          (unsigned long long)item->size, CZ_STR_ARG(item->content_type));
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

static cz_str post_one_way(cz_ctx *ctx, struct posting *posting, cz_status expected)
{
    cz_error err;
    cz_buf_clear(posting->told);
    CZ_EXPECT_EQ(cz_try(ctx, tell, posting, &err), expected);
    return expected ? cz_copy(ctx, cz_str_from(cz_error_message(&err))) : cz_buf_str(posting->told);
}

/* Both readers say the same. */
static cz_str posted(cz_ctx *ctx, cz_str type, cz_str body, cz_status expected, cz_buf *told)
{
    struct posting posting = { { .content_type = type, .body = body }, told, true };
    cz_str other = CZ_STR("");
    bool both = cz_str_eq(type, CZ_STR(MULTIPART));
    if (both)
        other = cz_copy(ctx, post_one_way(ctx, &posting, expected));
    posting.as_it_comes = false;
    cz_str said = post_one_way(ctx, &posting, expected);
    CZ_EXPECT_MSG(!both || cz_str_eq(other, said), "as it comes: %.*s", CZ_STR_ARG(other));
    return said;
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

/* ---- as they come ---- */

enum { WINDOW_BYTES = 128 << 10 }; /* form_stream.c's */

static char file_bytes[2 * WINDOW_BYTES];

static void read_around_the_window(cz_ctx *c, void *arg)
{
    static char read[sizeof file_bytes];
    cz_request *req = arg;
    const cz_form *form = read_as_it_comes(c, req);
    CZ_REQUIRE(form->count == 2);
    cz_upload upload = cz_form_upload(c, &form->items[0]);
    size_t len = 0;
    for (size_t n; (n = cz_upload_read(c, &upload, len, read + len, 5000)) > 0;)
        len += n;
    CZ_EXPECT_EQ(len, upload.size);
    CZ_EXPECT_STR(upload.filename, "x");
    CZ_EXPECT_STR(upload.content_type, "text/x");
    CZ_EXPECT(memcmp(read, file_bytes, len) == 0);
    CZ_EXPECT_STR(form->items[1].value, "after");
    *(uint64_t *)req->view_data = upload.size;
}

CZ_TEST(a_delimiter_is_found_wherever_the_window_ends)
{
    static const char almost[] = "\r\n--X\r\n--XY\r\n-\r\r\n--";
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < sizeof file_bytes; i++)
        file_bytes[i] = almost[i % (sizeof almost - 1)];
    for (size_t bytes = WINDOW_BYTES - 200; bytes < WINDOW_BYTES + 60; bytes++) {
        cz_ctx ctx;
        cz_buf body = { 0 };
        uint64_t size = 0;
        cz_buf_append_lit(&body, "--XX\r\nContent-Disposition: form-data; name=f; "
                                 "filename=x\r\nContent-Type: text/x\r\n\r\n");
        cz_buf_append(&body, file_bytes, bytes);
        cz_buf_append_lit(&body, "\r\n" PART("a", "after") END "epilogue");
        cz_ctx_init(&ctx, arena);
        cz_request req = { .body = cz_buf_str(&body), .view_data = &size };
        CZ_EXPECT_EQ(cz_try(&ctx, read_around_the_window, &req, NULL), CZ_OK);
        CZ_EXPECT_EQ(size, bytes);
        cz_ctx_done(&ctx);
        cz_arena_reset(arena);
        cz_buf_done(&body);
    }
    cz_arena_destroy(arena);
}

static void read_limited(cz_ctx *c, void *arg)
{
    const struct cz__form_limits limits = { .held_bytes_max = 10, .file_bytes_max = 8 };
    struct cz__form_reading reading = { .ctx = c };
    cz__form_read_stream(&reading, arg, CZ_STR("XX"), &limits);
    for (size_t i = 0; i < reading.count; i++)
        if (reading.items[i].is_file)
            CZ_EXPECT_EQ(reading.items[i].spool_ != NULL,
                         reading.items[i].filename.ptr[0] == 'd'); /* on a disk */
}

CZ_TEST(what_a_form_holds_in_memory_has_a_limit)
{
    static const struct {
        const char *body;
        cz_status status;
    } cases_of_limits[] = {
        { PART("a", "0123456789") END, CZ_OK },
        { PART("a", "0123456789a") END, CZ_ETOOBIG },
        { PART("a", "01234") PART("b", "01234") END, CZ_OK },
        { PART("a", "01234") PART("b", "012345") END, CZ_ETOOBIG },
        { FILE_PART("m", "01234567") END, CZ_OK },
        { FILE_PART("d", "012345678") PART("a", "0123456789") END, CZ_OK },
        { FILE_PART("m", "01234") FILE_PART("d", "012345") PART("a", "01234") END, CZ_OK },
        { FILE_PART("m", "01234") PART("a", "012345") END, CZ_ETOOBIG },
        { FILE_PART("m", "") FILE_PART("d", "0123456789abcdef") END, CZ_OK },
    };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(cases_of_limits); i++) {
        cz_ctx ctx;
        cz_request req = { .body = cz_str_from(cases_of_limits[i].body) };
        cz_ctx_init(&ctx, arena);
        CZ_EXPECT_MSG(cz_try(&ctx, read_limited, &req, NULL) == cases_of_limits[i].status,
                      "case %zu", i);
        cz_ctx_done(&ctx);
        cz_arena_reset(arena);
    }
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
