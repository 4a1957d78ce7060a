/* Files in forms: what is taken, and what is refused with which words. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "orm/orm.h"

static const char *no_drafts(cz_str text, double number)
{
    if (number == 13)
        return "Thirteen bytes bring bad luck.";
    return cz_str_starts_with(text, CZ_STR("draft")) ? "A draft is not published." : NULL;
}

#define POSTER(F)                                                                                  \
    F(char_field, title, .max_length = 20)                                                         \
    F(file_field, picture, .max_length = 12, .max_bytes = 40,                                      \
      .content_types = "image/png image/jpeg", .extensions = "png jpg jpeg",                       \
      .help_text = "As it hangs there.")                                                           \
    F(file_field, text, .blank = true, .validator = no_drafts)                                     \
    F(file_field, scan, .null = true, .allow_empty_file = true, .content_types = "text/csv",       \
      .example = "wall.csv")
CZ_RECORD(Poster, POSTER);

/* The name that a file has says nothing of the other. */
static void names_differ(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const Poster *poster = row;
    if (!cz_is_null(poster, text) && cz_str_eq(poster->text.filename, poster->picture.filename))
        cz_field_errors_add(ctx, errors, CZ_STR("text"), "invalid", "It is the picture.");
}
static CZ_SERIALIZER(PosterSerializer, Poster,
                     .fields = CZ_FIELDS(Poster, title, picture, text, scan),
                     .validate = names_differ);

static void hang(cz_ctx *ctx, cz_request *req)
{
    Poster *poster = cz_read_row(ctx, req, &PosterSerializer, Poster);
    cz_respond_row(ctx, req, 201, &PosterSerializer, poster);
}

static void hang_packed(cz_ctx *ctx, cz_request *req)
{
    req->parsers = CZ_PARSERS(&cz_msgpack_parser, &cz_json_parser);
    hang(ctx, req);
}

/* What is known of each file, and that its bytes are those that came. */
static void look(cz_ctx *ctx, cz_request *req)
{
    Poster *poster = cz_read_row(ctx, req, &PosterSerializer, Poster);
    const cz_upload *files[] = { &poster->picture, &poster->text, &poster->scan };
    cz_buf *told = cz_scratch(ctx);
    for (size_t i = 0; i < CZ_COUNT(files); i++) {
        const cz_upload *file = files[i];
        cz_bytes bytes = cz_upload_bytes(ctx, file);
        cz_buf_printf(told, "%.*s|%.*s|%.*s|%d|%.*s\n", CZ_STR_ARG(file->filename),
                      CZ_STR_ARG(file->content_type), CZ_STR_ARG(file->claimed_type),
                      (int)file->size, (int)bytes.len, bytes.len ? (const char *)bytes.ptr : "");
    }
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_buf_str(told));
}

/* Over a row there is; PATCH need not send all of it. */
static void change(cz_ctx *ctx, cz_request *req)
{
    Poster *poster = cz_row_new(ctx, Poster);
    cz_set(ctx, poster, title, CZ_STR("Old"));
    poster->text = (cz_upload){ .filename = CZ_STR("old.txt"), .size = 3 };
    cz__row_mark(&poster->row_, cz__column_find(&Poster__model, CZ_STR("text")), false);
    cz_read_row_into(ctx, req, &PosterSerializer, poster, true);
    cz_respond_row(ctx, req, 200, &PosterSerializer, poster);
}

static const cz_route urls[] = {
    CZ_POST("/posters", hang),
    CZ_POST("/packed", hang_packed),
    CZ_POST("/look", look),
    CZ_PATCH("/posters", change),
    CZ_ROUTES_END,
};
static CZ_PROJECT(wall, "wall", .urls = urls);

/* ---- forms ---- */

#define TEXT(name, value)                                                                          \
    "--X\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_AS(name, filename, type, value)                                                       \
    "--X\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" filename               \
    "\"\r\nContent-Type: " type "\r\n\r\n" value "\r\n"
#define PNG_BYTES "\x89PNG\r\n\x1a\n-----"
#define JPEG_BYTES "\xff\xd8\xff----"
#define TITLE TEXT("title", "Emma")
#define PICTURE FILE_AS("picture", "a.png", "image/png", PNG_BYTES)
#define HUGE_HTML "<html>-----------------------------------"

static const cz_answer *send(cz_client *client, const char *method, const char *target,
                             const char *type, cz_str body)
{
    const cz_client_request request = {
        .method = method, .target = target, .content_type = type, .body = body
    };
    return cz_client_send(client, &request);
}

static const cz_answer *send_parts(cz_client *client, const char *method, const char *target,
                                   const char *parts)
{
    const char *form = cz_arena_printf(cz_test_arena(), "%s--X--\r\n", parts);
    return send(client, method, target, "multipart/form-data; boundary=X", cz_str_from(form));
}

#define NO_FILE "No file was submitted."
#define NOT_A_FILE "The submitted data was not a file. Check the encoding type on the form."
#define EMPTY "The submitted file is empty."
#define WRONG_TYPE(type)                                                                           \
    "Content type “" type "” is not allowed. Allowed content types are: image/png, image/jpeg."
#define WRONG_END(end)                                                                             \
    "File extension “" end "” is not allowed. Allowed extensions are: png, jpg, jpeg."
#define LIE(type) "The submitted file is not of the content type “" type "” it claims."
#define OF_PICTURE(text) "{\"picture\":[\"" text "\"]}"

static const struct {
    const char *parts, *told;
} refused[] = {
    { TITLE, OF_PICTURE(NO_FILE) },
    { TITLE FILE_AS("picture", "", "application/octet-stream", ""), OF_PICTURE(NO_FILE) },
    { TITLE TEXT("picture", ""), OF_PICTURE(NOT_A_FILE) },
    { TITLE TEXT("picture", "a.png"), OF_PICTURE(NOT_A_FILE) },
    { TITLE TEXT("picture", "0"), OF_PICTURE(NOT_A_FILE) }, /* no place in the form */
    { TITLE TEXT("picture", "1") FILE_AS("text", "a.txt", "text/plain", "a"),
      OF_PICTURE(NOT_A_FILE) },
    { TITLE FILE_AS("picture", "", "image/png", PNG_BYTES),
      OF_PICTURE("No filename could be determined.") },
    { TITLE FILE_AS("picture", "..", "image/png", PNG_BYTES),
      OF_PICTURE("No filename could be determined.") },
    { TITLE FILE_AS("picture", "a.png", "image/png", ""), OF_PICTURE(EMPTY) },
    { TITLE FILE_AS("picture", "a.exe", "text/html", ""), OF_PICTURE(EMPTY) }, /* that alone */
    { TITLE FILE_AS("picture", "123456789.png", "image/png", PNG_BYTES),
      OF_PICTURE("Ensure this filename has at most 12 characters (it has 13).") },
    { TITLE FILE_AS("picture", "éééééééééé.png", "image/png", PNG_BYTES),
      OF_PICTURE("Ensure this filename has at most 12 characters (it has 14).") },
    { TITLE FILE_AS("picture", "a.png", "image/png", PNG_BYTES "----------------------------"),
      OF_PICTURE("Ensure this file has at most 40 bytes (it has 41).") },
    { TITLE FILE_AS("picture", "a.gif", "image/png", PNG_BYTES), OF_PICTURE(WRONG_END("gif")) },
    { TITLE FILE_AS("picture", "png", "image/png", PNG_BYTES), OF_PICTURE(WRONG_END("")) },
    { TITLE FILE_AS("picture", ".png", "image/png", PNG_BYTES), OF_PICTURE(WRONG_END("")) },
    { TITLE FILE_AS("picture", "a.png.", "image/png", PNG_BYTES), OF_PICTURE(WRONG_END("")) },
    { TITLE FILE_AS("picture", "a.png.sh", "image/png", PNG_BYTES), OF_PICTURE(WRONG_END("sh")) },
    { TITLE FILE_AS("picture", "a.png", "image/png", "<html>"), OF_PICTURE(LIE("image/png")) },
    { TITLE FILE_AS("picture", "a.png", "image/pjpeg; x=y", "<html>"),
      OF_PICTURE(LIE("image/jpeg")) },
    { TITLE FILE_AS("picture", "a.png", "text/html", "<html>"),
      OF_PICTURE(WRONG_TYPE("text/html")) },
    { TITLE FILE_AS("picture", "a.png", "image/png", "GIF89a"),
      OF_PICTURE(WRONG_TYPE("image/gif")) },
    { TITLE FILE_AS("picture", "a.png", "application/pdf", "<html>"),
      OF_PICTURE(WRONG_TYPE("application/octet-stream")) },
    { TITLE FILE_AS("picture", "a.png", "\"><script>", "<html>"),
      OF_PICTURE(WRONG_TYPE("application/octet-stream")) },
    { TITLE FILE_AS("picture", "a.html", "image/png", HUGE_HTML),
      OF_PICTURE("Ensure this file has at most 40 bytes (it has 41).\",\"" LIE(
          "image/png") "\",\"" WRONG_END("html")) },
    { TITLE PICTURE FILE_AS("picture", "b.gif", "image/png", PNG_BYTES), /* the last counts */
      OF_PICTURE(WRONG_END("gif")) },
    { TITLE PICTURE FILE_AS("text", "draft.txt", "text/plain", "a"),
      "{\"text\":[\"A draft is not published.\"]}" },
    { TITLE PICTURE FILE_AS("text", "a.txt", "text/plain", "1234567890123"),
      "{\"text\":[\"Thirteen bytes bring bad luck.\"]}" },
    { TITLE PICTURE FILE_AS("text", "a.txt", "text/plain", ""), "{\"text\":[\"" EMPTY "\"]}" },
    { TITLE PICTURE TEXT("text", "words"), "{\"text\":[\"" NOT_A_FILE "\"]}" },
    { TITLE PICTURE TEXT("scan", " "), "{\"scan\":[\"" NOT_A_FILE "\"]}" },
    { TITLE PICTURE FILE_AS("scan", "a.csv", "text/plain", "a"),
      "{\"scan\":[\"Content type “text/plain” is not allowed. Allowed content types are: "
      "text/csv.\"]}" },
    { TITLE PICTURE FILE_AS("text", "a.png", "text/plain", "a"),
      "{\"text\":[\"It is the picture.\"]}" },
    { FILE_AS("title", "a.txt", "text/plain", "a") PICTURE,
      "{\"title\":[\"This field takes no file.\"]}" },
    { TITLE PICTURE FILE_AS("other", "a.txt", "text/plain", "a"),
      "{\"other\":[\"Unknown field.\"]}" },
    { TEXT("title", "") TEXT("picture", "x"),
      "{\"title\":[\"This field may not be blank.\"],\"picture\":[\"" NOT_A_FILE "\"]}" },
};

CZ_TEST(files_that_are_not_as_their_field_says_are_refused_with_the_reason)
{
    cz_client *client = cz_client_create(&wall);
    for (size_t i = 0; i < CZ_COUNT(refused); i++) {
        const cz_answer *answer = send_parts(client, "POST", "/posters", refused[i].parts);
        CZ_EXPECT_MSG(answer->status == 400, "case %zu is %d", i, answer->status);
        CZ_EXPECT_JSON_TEXT(answer, "", refused[i].told);
    }
}

static const struct {
    const char *type;
    cz_str body;
    const char *told;
} no_forms[] = {
#define LITERAL(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
    { JSON, LITERAL("{\"title\":\"Emma\"}"), OF_PICTURE(NO_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":0}"), OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":\"a.png\"}"), OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":\"\"}"), OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":{\"filename\":\"a.png\"}}"),
      OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":[0]}"), OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":true}"), OF_PICTURE(NOT_A_FILE) },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":null}"),
      OF_PICTURE("This field may not be null.") },
    { JSON, LITERAL("{\"title\":\"Emma\",\"picture\":0,\"scan\":1,\"text\":null}"),
      "{\"picture\":[\"" NOT_A_FILE
      "\"],\"text\":[\"This field may not be null.\"],\"scan\":[\"" NOT_A_FILE "\"]}" },
    { FORM, LITERAL("title=Emma&picture=a.png"), OF_PICTURE(NOT_A_FILE) },
    { FORM, LITERAL("title=Emma&picture=0"), OF_PICTURE(NOT_A_FILE) },
    { FORM, LITERAL("title=Emma&picture="), OF_PICTURE(NOT_A_FILE) },
    { FORM, LITERAL("title=Emma"), OF_PICTURE(NO_FILE) },
};

CZ_TEST(a_file_comes_by_multipart_forms_alone)
{
    cz_client *client = cz_client_create(&wall);
    for (size_t i = 0; i < CZ_COUNT(no_forms); i++) {
        const cz_answer *answer =
            send(client, "POST", "/posters", no_forms[i].type, no_forms[i].body);
        CZ_EXPECT_MSG(answer->status == 400, "case %zu is %d", i, answer->status);
        CZ_EXPECT_JSON_TEXT(answer, "", no_forms[i].told);
    }
    CZ_EXPECT_STATUS(send(client, "POST", "/posters", JSON, CZ_STR("")), 400);
    static const cz_str packed[] = {
#define EMMA                                                                                       \
    "\xa5title\xa4"                                                                                \
    "Emma\xa7picture"
        LITERAL("\x82" EMMA "\0"),              /* 0 */
        LITERAL("\x82" EMMA "\xc4\x04\x89PNG"), /* bytes */
        LITERAL("\x82" EMMA "\xa5"
                "a.png"),
    };
    for (size_t i = 0; i < CZ_COUNT(packed); i++) {
        const cz_answer *answer = send(client, "POST", "/packed", "application/msgpack", packed[i]);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON_TEXT(answer, "", OF_PICTURE(NOT_A_FILE));
    }
    const char *form = TITLE PICTURE "--X--";
    CZ_EXPECT_STATUS(
        send(client, "POST", "/packed", "multipart/form-data; boundary=X", cz_str_from(form)), 415);
}

static const struct {
    const char *parts, *told;
} taken[] = {
#define SHOWN(picture, text, scan)                                                                 \
    "{\"title\":\"Emma\",\"picture\":" picture ",\"text\":" text ",\"scan\":" scan "}"
    { TITLE PICTURE, SHOWN("\"a.png\"", "null", "null") },
    { TITLE FILE_AS("picture", "C:\\x\\a.JPG", "application/octet-stream", JPEG_BYTES),
      SHOWN("\"a.JPG\"", "null", "null") },
    { TITLE FILE_AS("picture", "12345678.png", "image/png", PNG_BYTES),
      SHOWN("\"12345678.png\"", "null", "null") },
    { TITLE FILE_AS("picture", "éééééééé.png", "image/png",
                    PNG_BYTES "---------------------------"),
      SHOWN("\"éééééééé.png\"", "null", "null") },
    { TITLE PICTURE FILE_AS("text", "", "application/octet-stream", "")
          FILE_AS("scan", "", "application/octet-stream", ""),
      SHOWN("\"a.png\"", "null", "null") },
    { TITLE PICTURE TEXT("text", "") TEXT("scan", ""), SHOWN("\"a.png\"", "null", "null") },
    { TITLE PICTURE FILE_AS("text", "a \\\"b\\\"", "x", "a")
          FILE_AS("scan", "b.csv", "text/csv", ""),
      SHOWN("\"a.png\"", "\"a \\\"b\\\"\"", "\"b.csv\"") },
    { TITLE TEXT("picture", "text") PICTURE FILE_AS("picture", "", "x", ""),
      SHOWN("\"a.png\"", "null",
            "null") }, /* a file counts before text, one that is before one that is not */
};

CZ_TEST(files_are_taken_and_shown_by_their_names)
{
    cz_client *client = cz_client_create(&wall);
    for (size_t i = 0; i < CZ_COUNT(taken); i++) {
        const cz_answer *answer = send_parts(client, "POST", "/posters", taken[i].parts);
        CZ_EXPECT_MSG(answer->status == 201, "case %zu is %d", i, answer->status);
        CZ_EXPECT_JSON_TEXT(answer, "", taken[i].told);
    }
}

CZ_TEST(a_handler_has_the_bytes_of_a_file_and_what_they_are)
{
    cz_client *client = cz_client_create(&wall);
    const cz_answer *answer =
        send_parts(client, "POST", "/look",
                   TITLE FILE_AS("picture", "a.png", "image/x-png", JPEG_BYTES)
                       FILE_AS("text", "b.html", "Text/HTML; charset=utf-8", "<p>\r\n--Y</p>")
                           FILE_AS("scan", "c", "text/csv", ""));
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_STR(answer->body, "a.png|image/jpeg|image/png|7|" JPEG_BYTES "\n"
                                "b.html|text/html|text/html|12|<p>\r\n--Y</p>\n"
                                "c|text/csv|text/csv|0|\n");
    answer = send_parts(client, "POST", "/look", TITLE PICTURE);
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_STR(answer->body, "a.png|image/png|image/png|13|" PNG_BYTES "\n|||0|\n|||0|\n");
}

CZ_TEST(a_change_keeps_the_file_it_does_not_send)
{
    cz_client *client = cz_client_create(&wall);
    static const struct {
        const char *parts, *told;
    } cases[] = {
        { TITLE, "{\"title\":\"Emma\",\"picture\":null,\"text\":\"old.txt\",\"scan\":null}" },
        { PICTURE, "{\"title\":\"Old\",\"picture\":\"a.png\",\"text\":\"old.txt\",\"scan\":null}" },
        { FILE_AS("text", "new", "x", "y"),
          "{\"title\":\"Old\",\"picture\":null,\"text\":\"new\",\"scan\":null}" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = send_parts(client, "PATCH", "/posters", cases[i].parts);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON_TEXT(answer, "", cases[i].told);
    }
}

/* ---- declarations ---- */

static void any_name(void *out)
{
    (void)out;
}
static const cz_choice NAMES[] = { { "a.png", "A" } };

/* One field each. */
#define DOTTED_END(F) F(file_field, picture, .extensions = "png .jpg")
CZ_RECORD(DottedEnd, DOTTED_END);
#define LOUD_END(F) F(file_field, picture, .extensions = "PNG")
CZ_RECORD(LoudEnd, LOUD_END);
#define TYPE_RANGE(F) F(file_field, picture, .content_types = "image/*")
CZ_RECORD(TypeRange, TYPE_RANGE);
#define TYPE_ALIAS(F) F(file_field, picture, .content_types = "image/png image/jpg")
CZ_RECORD(TypeAlias, TYPE_ALIAS);
#define TYPE_LIST(F) F(file_field, picture, .content_types = "image/png, image/jpeg")
CZ_RECORD(TypeList, TYPE_LIST);
#define NO_TYPE(F) F(file_field, picture, .content_types = "png")
CZ_RECORD(NoType, NO_TYPE);
#define FILE_DEFAULT(F) F(file_field, picture, .default_ = cz_text("a.png"))
CZ_RECORD(FileDefault, FILE_DEFAULT);
#define FILE_MADE(F) F(file_field, picture, .default_function = any_name)
CZ_RECORD(FileMade, FILE_MADE);
#define FILE_CHOICE(F) F(file_field, picture, .choices = CZ_CHOICES(NAMES))
CZ_RECORD(FileChoice, FILE_CHOICE);
#define FILE_RANGE(F) F(file_field, picture, .max = cz_int(5))
CZ_RECORD(FileRange, FILE_RANGE);
#define TEXT_BYTES(F) F(char_field, title, .max_bytes = 5)
CZ_RECORD(TextBytes, TEXT_BYTES);
#define TEXT_TYPES(F) F(char_field, title, .content_types = "image/png")
CZ_RECORD(TextTypes, TEXT_TYPES);
#define TEXT_ENDS(F) F(url_field, title, .extensions = "png")
CZ_RECORD(TextEnds, TEXT_ENDS);
#define TEXT_EMPTY(F) F(binary_field, title, .allow_empty_file = true)
CZ_RECORD(TextEmpty, TEXT_EMPTY);

static const struct {
    cz_model *record;
    const char *says;
} wrong[] = {
    { &DottedEnd__model, "DottedEnd.picture: .extensions are written" },
    { &LoudEnd__model, "LoudEnd.picture: .extensions are written" },
    { &TypeRange__model, "TypeRange.picture: .content_types are written" },
    { &TypeAlias__model, "TypeAlias.picture: .content_types are written" },
    { &TypeList__model, "TypeList.picture: .content_types are written" },
    { &NoType__model, "NoType.picture: .content_types are written" },
    { &FileDefault__model, "FileDefault.picture: a file comes with a request" },
    { &FileMade__model, "FileMade.picture: a file comes with a request" },
    { &FileChoice__model, "FileChoice.picture: a file comes with a request" },
    { &FileRange__model, "FileRange.picture: .max is not of the field's kind" },
    { &TextBytes__model, "TextBytes.title: .max_bytes, .content_types, .extensions and" },
    { &TextTypes__model, "TextTypes.title: .max_bytes, .content_types, .extensions and" },
    { &TextEnds__model, "TextEnds.title: .max_bytes, .content_types, .extensions and" },
    { &TextEmpty__model, "TextEmpty.title: .max_bytes, .content_types, .extensions and" },
};

static void make_state(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz__record_state(ctx, arg) != NULL);
}

static void try_each(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < CZ_COUNT(wrong); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_try(ctx, make_state, wrong[i].record, &err), CZ_EINVAL);
        CZ_EXPECT_MSG(
            cz_str_starts_with(cz_str_from(cz_error_message(&err)), cz_str_from(wrong[i].says)),
            "%s", cz_error_message(&err));
    }
}

CZ_TEST(a_file_that_cannot_be_is_refused_with_the_name_of_its_field)
{
    cz_client_run(cz_client_create(&wall), try_each, NULL);
}

#ifdef CZ_FAULTS
static uint64_t fail_at; /* the allocation of the next request to fail */

static void fail_allocations(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz__alloc_fail_at(fail_at, true);
    cz_next_call(ctx, req, next);
    cz__alloc_fail_at(0, false);
}

static const cz_middleware scarce = { "scarce", fail_allocations, NULL };
static const cz_middleware *const scarce_middleware[] = { &scarce, NULL };
static CZ_PROJECT(scarce_wall, "wall", .urls = urls, .middleware = scarce_middleware);

CZ_TEST(without_memory_a_file_is_not_taken_and_the_next_one_is)
{
    cz_client *client = cz_client_create(&scarce_wall);
    static const struct {
        const char *parts;
        int status; /* with memory */
    } cases[] = {
        { TITLE PICTURE FILE_AS("text", "a.txt", "text/plain", "a"), 201 },
        { TITLE FILE_AS("picture", "a.exe", "text/html", HUGE_HTML), 400 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        for (fail_at = 1; fail_at < 60; fail_at++) {
            int status = send_parts(client, "POST", "/posters", cases[i].parts)->status;
            CZ_EXPECT_MSG(status == cases[i].status || status == 503, "allocation %d gives %d",
                          (int)fail_at, status);
        }
        fail_at = 0;
        CZ_EXPECT_STATUS(send_parts(client, "POST", "/posters", cases[i].parts), cases[i].status);
    }
}
#endif
