/* What files are said to be, and what they are. */
#include "files/files.h"
#include <calzone/testing.h>

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct {
    cz_bytes head;
    size_t needed; /* bytes that are enough */
    const char *type;
} beginnings[] = {
    { BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 8, "image/png" },
    { BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), 3, "image/jpeg" },
    { BYTES("\xff\xd8\xff\xdb"), 3, "image/jpeg" },
    { BYTES("GIF87a\1\0\1\0"), 6, "image/gif" },
    { BYTES("GIF89a\1\0\1\0"), 6, "image/gif" },
    { BYTES("RIFF\x24\0\0\0WEBPVP8 "), 12, "image/webp" },
    { BYTES("%PDF-1.7\n"), 5, "application/pdf" },
    { BYTES("PK\3\4\x14\0\0\0\x08\0"), 4, "application/zip" },
    { BYTES("PK\5\6\0\0\0\0\0\0"), 4, "application/zip" },
    { BYTES(""), 0, "" },
    { BYTES("<!DOCTYPE html>"), 0, "" },
    { BYTES("<svg xmlns="), 0, "" },
    { BYTES("\x89PNG\n\x1a\n"), 0, "" },        /* its line ends were changed on the way */
    { BYTES(" \x89PNG\r\n\x1a\n"), 0, "" },     /* not at the beginning */
    { BYTES("\xff\xd8\xfe\xff"), 0, "" },       /* a byte beside */
    { BYTES("GIF90a\1\0\1\0"), 0, "" },         /* there is none */
    { BYTES("gif89a\1\0\1\0"), 0, "" },         /* letters count */
    { BYTES("RIFF\x24\0\0\0WAVEfmt "), 0, "" }, /* another container */
    { BYTES("RIFX\x24\0\0\0WEBPVP8 "), 0, "" },
    { BYTES("%PDX-1.7\n"), 0, "" },
    { BYTES("PK\1\2\x14\0\0\0"), 0, "" },
    { BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), 0, "" },
    { BYTES("MZ\x90\0\3\0\0\0\4\0\0\0"), 0, "" },
};

CZ_TEST(a_file_is_known_by_its_first_bytes_and_not_before_there_are_enough)
{
    for (size_t i = 0; i < CZ_COUNT(beginnings); i++)
        for (size_t cut = 0; cut <= beginnings[i].head.len; cut++) {
            char *exact = cz_arena_alloc(cz_test_arena(), cut + 1); /* nothing behind it is read */
            memcpy(exact, beginnings[i].head.ptr, cut);
            cz_str type = cz_content_type_sniff((cz_bytes){ exact, cut });
            bool known = cut >= beginnings[i].needed;
            CZ_EXPECT_STR(type, known ? beginnings[i].type : "");
        }
    CZ_EXPECT_STR(cz_content_type_sniff((cz_bytes){ NULL, 0 }), "");
}

static const struct {
    const char *claimed;
    cz_bytes head;
    const char *type;
} settlements[] = {
#define PNG BYTES("\x89PNG\r\n\x1a\n\0\0\0\r")
#define ZIP BYTES("PK\3\4\x14\0\0\0\x08\0\0\0")
#define HTML BYTES("<html><script>")
#define OFFICE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    { "image/png", PNG, "image/png" },
    { "", PNG, "image/png" },
    { "application/octet-stream", PNG, "image/png" },
    { "image/jpeg", PNG, "image/png" }, /* the bytes know better */
    { "text/html", PNG, "image/png" },
    { "image/png", HTML, "application/octet-stream" }, /* a lie */
    { "application/pdf", HTML, "application/octet-stream" },
    { "application/zip", HTML, "application/octet-stream" },
    { OFFICE, HTML, "application/octet-stream" },
    { "application/epub+zip", HTML, "application/octet-stream" },
    { "image/png", BYTES(""), "application/octet-stream" },
    { "", HTML, "application/octet-stream" },
    { "text/html", HTML, "text/html" }, /* nobody knows better */
    { "text/csv", HTML, "text/csv" },
    { "image/svg+xml", HTML, "image/svg+xml" },
    { "application/zip", ZIP, "application/zip" },
    { OFFICE, ZIP, OFFICE },
    { "application/epub+zip", ZIP, "application/epub+zip" },
    { "application/java-archive", ZIP, "application/java-archive" },
    { "application/vnd.ms-excel.sheet.macroenabled.12", ZIP,
      "application/vnd.ms-excel.sheet.macroenabled.12" },
    { "application/vnd.ms-excel", ZIP, "application/zip" }, /* that is no archive */
    { OFFICE, PNG, "image/png" },
    { "text/plain", ZIP, "application/zip" },
};

CZ_TEST(what_the_bytes_show_counts_more_than_what_a_client_says)
{
    for (size_t i = 0; i < CZ_COUNT(settlements); i++)
        CZ_EXPECT_STR(
            cz__content_type_settle(cz_str_from(settlements[i].claimed), settlements[i].head),
            settlements[i].type);
}

static const struct {
    const char *header, *type;
    bool plain; /* may stand in .content_types as it is */
} headers[] = {
    { "image/png", "image/png", true },
    { "application/vnd.api+json", "application/vnd.api+json", true },
    { " Image/PNG ; charset=x", "image/png", false },
    { "image/png;", "image/png", false },
    { "IMAGE/PNG", "image/png", false },
    { "image/pjpeg", "image/jpeg", false },
    { "image/jpg", "image/jpeg", false },
    { "application/x-zip-compressed", "application/zip", false },
    { "image/*", "image/*", false },
    { "*/*", "*/*", false },
    { "", "", false },
    { "png", "", false },
    { "image/", "", false },
    { "/png", "", false },
    { "image/png/x", "", false },
    { "image /png", "", false },
    { "image/pn\xc3\xa9g", "", false },
    { "image/png\x01", "", false },
    { "image/\"png\"", "", false },
    { "text/html, image/png", "", false },
};

static void read_headers(cz_ctx *ctx, void *arg)
{
    (void)arg;
    char long_type[200];
    memset(long_type, 'x', sizeof long_type);
    long_type[1] = '/';
    CZ_EXPECT_EQ(cz__content_type_read(ctx, cz_str_of(long_type, 127)).len, 127);
    CZ_EXPECT_STR(cz__content_type_read(ctx, cz_str_of(long_type, 128)), "");
    for (size_t i = 0; i < CZ_COUNT(headers); i++) {
        cz_str header = cz_str_from(headers[i].header);
        CZ_EXPECT_STR(cz__content_type_read(ctx, header), headers[i].type);
        CZ_EXPECT_MSG(cz__content_type_is_plain(header) == headers[i].plain, "\"%s\"",
                      headers[i].header);
    }
}

static void read_upload(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const struct {
        uint64_t from;
        size_t count;
        const char *read;
    } cases[] = {
        { 0, 3, "abc" }, { 0, 9, "abcdef" }, { 4, 9, "ef" },        { 5, 1, "f" },
        { 0, 0, "" },    { 6, 1, "" },       { UINT64_MAX, 1, "" }, { UINT32_MAX, 9, "" },
    };
    cz_upload upload = { .size = 6, .bytes_ = { "abcdef", 6 } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char out[9] = "";
        size_t read = cz_upload_read(ctx, &upload, cases[i].from, out, cases[i].count);
        CZ_EXPECT_STR(cz_str_of(out, read), cases[i].read);
    }
    CZ_EXPECT_EQ(cz_upload_bytes(ctx, &upload).len, 6);
    CZ_EXPECT_EQ(cz_upload_read(ctx, &(cz_upload){ 0 }, 0, &upload, 6), 0);
}

static void in_a_context(void (*fn)(cz_ctx *ctx, void *arg))
{
    cz_arena *arena;
    cz_ctx ctx;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_EXPECT_MSG(cz_try(&ctx, fn, NULL, &err) == CZ_OK, "%s", cz_error_message(&err));
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

CZ_TEST(a_content_type_is_read_as_one_name_or_is_none)
{
    in_a_context(read_headers);
}

CZ_TEST(an_upload_is_read_from_any_place)
{
    in_a_context(read_upload);
}

CZ_TEST(a_file_of_our_own_is_what_its_name_ends_in)
{
    static const struct {
        const char *name, *type;
    } cases[] = {
        { "main.css", "text/css; charset=utf-8" },
        { "site/main.CSS", "text/css; charset=utf-8" },
        { "app.min.js", "text/javascript; charset=utf-8" },
        { "logo.svg", "image/svg+xml" },
        { "a.tar.gz", "application/gzip" },
        { "font.woff2", "font/woff2" },
        { "", "application/octet-stream" },
        { ".", "application/octet-stream" },
        { "css", "application/octet-stream" },
        { ".css", "application/octet-stream" }, /* a name, and no extension */
        { "site/.css", "application/octet-stream" },
        { "main.css/", "application/octet-stream" },
        { "main.css/readme", "application/octet-stream" },
        { "main.", "application/octet-stream" },
        { "main.cs", "application/octet-stream" },
        { "main.csss", "application/octet-stream" },
        { "main.css ", "application/octet-stream" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(cz_content_type_by_name(cz_str_from(cases[i].name)), cases[i].type);
}
