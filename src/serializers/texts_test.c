/* Texts with a pattern, a least length or HTML: in input, in cz_full_clean(), in documents and from factories. */
#include <calzone/calzone.h>
#include <calzone/factories.h>
#include <calzone/testing.h>
#include <stdio.h>

static const cz_html_rules note_rules = { .tags = "b a", .attributes = "a:href" };
static CZ_HTML_VALIDATOR(is_plain, &note_rules)

#define NUMBER_PLATE(F)                                                                            \
    F(char_field, number, .max_length = 12, .regex = "^[A-Z]{1,3}-\\d+$", .example = "AB-12")      \
    F(char_field, code, .max_length = 8, .regex = "\\A[a-f]++\\z", .null = true,                   \
      .regex_message = "Letters from a to f.")                                                     \
    F(char_field, colour, .max_length = 8, .min_length = 3, .blank = true)                         \
    F(text_field, slow, .null = true, .regex = "(a|aa)+b\\d")                                      \
    F(text_field, note, .blank = true, .html = &note_rules, .max_length = 40)                      \
    F(text_field, strict, .blank = true, .validator = is_plain)                                    \
    F(char_field, short_one, .max_length = 9, .min_length = 7, .blank = true, .regex = "^[a-z ]+$")
    CZ_MODEL(NumberPlate, NUMBER_PLATE);
#define LONG_NAMED(F) F(char_field, name, .max_length = 30, .min_length = 25)
CZ_MODEL(LongNamed, LONG_NAMED);

static CZ_SERIALIZER(NumberPlateSerializer, NumberPlate,
                     .fields = CZ_FIELDS(NumberPlate, id, number, code, colour, slow, note, strict,
                                         short_one));
static CZ_VIEWSET(plates, NumberPlate, .serializer = &NumberPlateSerializer,
                  .permissions = &cz_allow_any);
static CZ_OPENAPI(api, .title = "Plates", .version = "1");
static const cz_route urls[] = { CZ_RESOURCE("/plates", &plates),
                                 CZ_RESOURCE("/openapi.json", &api), CZ_ROUTES_END };
static const cz_app roads = { .name = "roads", .models = CZ_MODELS(NumberPlate, LongNamed) };
static CZ_PROJECT(office, "office", .apps = CZ_APPS(&roads), .urls = urls);

#define MISMATCH "{\"number\":[\"This value does not match the required pattern.\"]}"

CZ_DATABASE_TEST(texts_are_taken_by_their_pattern_and_length)
{
    static const struct {
        const char *body;
        int status;
        const char *answer; /* what it has */
    } cases[] = {
        { "{\"number\":\"AB-12\"}", 201, "\"number\":\"AB-12\"" },
        { "{\"number\":\" AB-12 \"}", 201, "\"number\":\"AB-12\"" },
        { "{\"number\":\"ab-12\"}", 400, MISMATCH },
        { "{\"number\":\"AB-12x\"}", 400, MISMATCH },
        { "{\"number\":\"AB-\xd9\xa3\"}", 400, MISMATCH },
        { "{\"number\":\"\"}", 400, "{\"number\":[\"This field may not be blank.\"]}" },
        { "{\"number\":\"ABCDEFGHIJKLM\"}", 400,
          "{\"number\":[\"This value does not match the required pattern.\",\"Ensure this field "
          "has no more than 12 characters.\"]}" },
        { "{\"number\":\"A-1\",\"code\":\"fade\"}", 201, "\"code\":\"fade\"" },
        { "{\"number\":\"A-1\",\"code\":\"fades\"}", 400, "{\"code\":[\"Letters from a to f.\"]}" },
        { "{\"number\":\"A-1\",\"code\":null}", 201, "\"code\":null" },
        { "{\"number\":\"A-1\",\"colour\":\"\"}", 201, "\"colour\":\"\"" },
        { "{\"number\":\"A-1\",\"colour\":\"\xc3\xa9t\xc3\xa9\"}", 201, "\"colour\"" },
        { "{\"number\":\"A-1\",\"colour\":\"\xc3\xa9t\"}", 400,
          "{\"colour\":[\"Ensure this field has at least 3 characters.\"]}" },
        { "{\"number\":\"A-1\",\"note\":\"<script>1</script><b onclick=x>y<i>z</i>\"}", 201,
          "\"note\":\"<b>yz</b>\"" },
        { "{\"number\":\"A-1\",\"note\":\" <p> x </p> \"}", 201, "\"note\":\"x\"" },
        { "{\"number\":\"A-1\",\"note\":\"<script>1</script>\"}", 201, "\"note\":\"\"" },
        { "{\"number\":\"A-1\",\"note\":\"<<<<<<<<<<<\"}", 400,
          "{\"note\":[\"Ensure this field has no more than 40 characters.\"]}" },
        { "{\"number\":\"A-1\",\"strict\":\"<b>x</b>\"}", 201, "\"strict\":\"<b>x</b>\"" },
        { "{\"number\":\"A-1\",\"strict\":\"<i>x</i>\"}", 400,
          "{\"strict\":[\"This has HTML that is not allowed.\"]}" },
    };
    cz_client *client = cz_client_create(&office);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = cz_client_post(client, "/plates", cases[i].body);
        CZ_EXPECT_MSG(answer->status == cases[i].status &&
                          cz_str_find(answer->body, cz_str_from(cases[i].answer)) != SIZE_MAX,
                      "%s is %d %.*s", cases[i].body, answer->status, CZ_STR_ARG(answer->body));
    }
}

static void post_slow(cz_client *client, size_t length, char last)
{
    static char body[CZ_REGEX_TEXT_MAX + 100] = "{\"number\":\"A-1\",\"slow\":\"";
    size_t at = strlen("{\"number\":\"A-1\",\"slow\":\"");
    memset(body + at, 'a', length);
    body[at + length] = 'b';
    body[at + length + 1] = last;
    memcpy(body + at + length + 2, "\"}", 3);
    const cz_answer *answer = cz_client_post(client, "/plates", body);
    bool fits = last == '1' && length + 2 <= CZ_REGEX_TEXT_MAX;
    CZ_EXPECT_STATUS(answer, fits ? 201 : 400);
}

/* Whatever comes, the worker goes on. */
CZ_DATABASE_TEST(a_pattern_that_takes_too_long_refuses_the_text)
{
    cz_client *client = cz_client_create(&office);
    post_slow(client, 20, '1');
    post_slow(client, 20, 'x');
    post_slow(client, 8000, 'x');
    post_slow(client, CZ_REGEX_TEXT_MAX - 1, '1');
}

static void clean(cz_ctx *ctx, void *arg)
{
    NumberPlate *plate = arg;
    cz_full_clean(ctx, plate);
}

static void clean_rows(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_error err;
    NumberPlate *plate = cz_create(ctx, NumberPlate, (number, "A-1"), (note, "<i>x</i><b>y"));
    CZ_EXPECT_STR(plate->note, "<i>x</i><b>y"); /* saving changes nothing */
    CZ_EXPECT_EQ(cz_try(ctx, clean, plate, &err), CZ_OK);
    CZ_EXPECT_STR(plate->note, "x<b>y</b>");
    cz_save(ctx, plate);
    plate = cz_get(ctx, NumberPlate, .where = CZ_Q(NumberPlate, id, EXACT, plate->id));
    CZ_EXPECT_STR(plate->note, "x<b>y</b>");
    cz_set(ctx, plate, number, "a-1");
    CZ_EXPECT_EQ(cz_try(ctx, clean, plate, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "number: This value does not match the required pattern.");
    for (int i = 0; i < 20; i++) {
        const NumberPlate *made = cz_make(ctx, NumberPlate);
        const LongNamed *story = cz_make(ctx, LongNamed);
        CZ_EXPECT_STR(made->number, "AB-12"); /* the example: a pattern says no text */
        CZ_EXPECT_MSG(story->name.len >= 25 && story->name.len <= 30, "%.*s",
                      CZ_STR_ARG(story->name));
    }
}

CZ_DATABASE_TEST(a_row_is_cleaned_by_its_patterns_and_html)
{
    cz_client_run(cz_client_create(&office), clean_rows, NULL);
}

CZ_TEST(documents_tell_of_patterns_lengths_and_html)
{
    static const struct {
        const char *field, *schema;
    } cases[] = {
        { "number", "{\"type\":\"string\",\"pattern\":\"^[A-Z]{1,3}-\\\\d+$\",\"maxLength\":12,"
                    "\"minLength\":1,\"examples\":[\"AB-12\"]}" },
        { "code", "{\"type\":[\"string\",\"null\"],\"maxLength\":8,\"minLength\":1}" },
        { "colour", "{\"type\":\"string\",\"maxLength\":8,\"anyOf\":[{\"maxLength\":0},{"
                    "\"minLength\":3}],\"examples\":[\"text\"]}" },
        { "note", "{\"type\":\"string\",\"examples\":[\"text\"]}" },
        { "short_one", "{\"type\":\"string\",\"pattern\":\"^$|^[a-z "
                       "]+$\",\"maxLength\":9,\"anyOf\":[{\"maxLength\":0},{\"minLength\":7}],"
                       "\"examples\":[\"texttext\"]}" },
    };
    cz_client *client = cz_client_create(&office);
    const cz_answer *answer = cz_client_get(client, "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[80];
        cz_ignore(snprintf(path, sizeof path, "components.schemas.NumberPlateRequest.properties.%s",
                           cases[i].field)); /* short */
        CZ_EXPECT_JSON_TEXT(answer, path, cases[i].schema);
    }
    answer =
        cz_client_send(client, &(cz_client_request){ .method = "OPTIONS", .target = "/plates" });
    CZ_EXPECT_JSON(answer, "actions.POST.number.type", "regex");
    CZ_EXPECT_JSON_TEXT(answer, "actions.POST.colour",
                        "{\"type\":\"string\",\"required\":false,\"read_only\":false,\"label\":"
                        "\"Colour\",\"min_length\":3,\"max_length\":8}");
}
