/* The formats of the JSON Schema test suite, asked of the fields that stand for them. Fields are DRF's, which take more of some
 * formats and less of others than the RFCs: where the two do not agree is listed, with the reason. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

#define FORMATS(F)                                                                                 \
    F(datetime_field, date_time, .null = true)                                                     \
    F(date_field, date, .null = true)                                                              \
    F(time_field, time, .null = true)                                                              \
    F(duration_field, duration, .null = true)                                                      \
    F(email_field, email, .blank = true)                                                           \
    F(url_field, uri, .blank = true)                                                               \
    F(ip_field, ip, .null = true)                                                                  \
    F(uuid_field, uuid, .null = true)
CZ_RECORD(FormatCase, FORMATS);
static CZ_SERIALIZER(FormatCaseSerializer, FormatCase,
                     .fields = CZ_FIELDS(FormatCase, date_time, date, time, duration, email, uri,
                                         ip, uuid));

static cz_str read_vectors(const char *name)
{
    char path[512];
    cz_ignore(
        snprintf(path, sizeof path, "%s/json-schema-format/%s.json", CZ_SHARED_VECTORS, name));
    FILE *file = fopen(path, "re");
    if (!file)
        cz_test_skip("the JSON Schema vectors are not here");
    char *text = cz_arena_alloc(cz_test_arena(), 1 << 20);
    CZ_REQUIRE(text);
    size_t len = fread(text, 1, 1 << 20, file);
    CZ_REQUIRE(feof(file) && !ferror(file));
    fclose(file);
    return cz_str_of(text, len);
}

struct asking {
    const char *field;
    cz_str data;
};

static void ask_field(cz_ctx *ctx, void *arg)
{
    const struct asking *asking = arg;
    cz_buf *text = cz_scratch(ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, text);
    cz_json_object(&json);
    cz_json_key(&json, cz_str_from(asking->field));
    cz_json_str(&json, asking->data);
    cz_json_object_end(&json);
    cz_check(ctx, cz_buf_status(text));
    cz__read_row_text(ctx, cz_buf_str(text), &FormatCaseSerializer, NULL, false);
}

/* Where a field answers otherwise than the suite, by the suite's words, and why. */
static const struct {
    const char *format, *description;
} others[] = {
    /* white space around a duration or an address is passed over */
    { "duration", "leading whitespace is invalid" },
    { "duration", "trailing whitespace is invalid" },
    { "duration", "a trailing newline is invalid" },
    { "ipv4", "leading whitespace is invalid" },
    { "ipv4", "trailing whitespace is invalid" },
    { "ipv4", "trailing newline is invalid" },
    { "ipv4", "tab character is invalid" },
    { "ipv6", "leading whitespace is invalid" },
    { "ipv6", "trailing whitespace is invalid" },
    /* an instant is a count of microseconds, in which there are no leap seconds */
    { "date-time", "a valid date-time with a leap second, UTC" },
    { "date-time", "a valid date-time with a leap second, with minus offset" },
    { "time", "a valid time string with leap second, Zulu" },
    { "time", "valid leap second, zero time-offset" },
    { "time", "valid leap second, positive time-offset" },
    { "time", "valid leap second, large positive time-offset" },
    { "time", "valid leap second, negative time-offset" },
    { "time", "valid leap second, large negative time-offset" },
    /* a time of day has no offset, as Django's TimeField */
    { "time", "a valid time string" },
    { "time", "a valid time string with second fraction" },
    { "time", "a valid time string with precise second fraction" },
    { "time", "a valid time string with plus offset" },
    { "time", "a valid time string with minus offset" },
    { "time", "time with unknown local offset is valid" },
    { "time", "a valid time string with case-insensitive Z" },
    { "time", "no time offset" },
    { "time", "no time offset with second fraction" },
    /* Django's form beside ISO 8601's, without years and months, within 64 bits */
    { "duration", "four years duration" },
    { "duration", "one month duration" },
    { "duration", "all date and time components" },
    { "duration", "date components only" },
    { "duration", "month and day" },
    { "duration", "multi-digit values in all components" },
    { "duration", "fractional duration is not allowed by RFC 3339 ABNF" },
    { "duration", "years and months can appear without days" },
    { "duration", "months and days can appear without years" },
    { "duration", "hours and seconds cannot appear without minutes" },
    { "duration", "a leading sign is not allowed" },
    { "duration", "weeks cannot be combined with a time component" },
    { "duration", "a component with many digits is valid" },
    { "duration", "a comma as the decimal separator is invalid" },
    /* a field takes both kinds of address */
    { "ipv4", "an IPv4-mapped IPv6 address is invalid" },
    { "ipv6", "ipv4 is not ipv6" },
    /* Django's URLValidator: http, https and ftp, with characters that browsers escape */
    { "uri", "a valid URL" },
    { "uri", "a valid mailto URI" },
    { "uri", "a valid newsgroup URI" },
    { "uri", "a valid tel URI" },
    { "uri", "a valid URN" },
    { "uri", "invalid userinfo" },
    { "uri", "unescaped non US-ASCII characters" },
    { "uri", "invalid backslash character" },
    { "uri", "invalid \" character" },
    { "uri", "invalid <> characters" },
    { "uri", "invalid {} characters" },
    { "uri", "invalid ^ character" },
    { "uri", "invalid ` character" },
    { "uri", "invalid | character" },
    { "uri", "URI with leading-zero IPv4 is structurally valid as a reg-name" },
    { "uri", "URI with out-of-bounds IPv4 is structurally valid as a reg-name" },
    { "uri", "invalid percent-encoding with non-hex digits" },
    { "uri", "incomplete percent-encoding triplet" },
    { "uri", "lone percent sign is invalid" },
    { "uri", "leading zero in an embedded IPv4 address is invalid" },
    /* Django's parsers: an hour may stand for an offset, twelve digits of a second; and addresses by IPv6 are refused */
    { "date-time", "a numeric offset without minutes is invalid" },
    { "date-time", "a second fraction of fifteen nines is valid" },
    { "email", "an IPv6-address-literal after the @ is valid" },
};

static bool is_other(const char *format, cz_str description)
{
    for (size_t i = 0; i < CZ_COUNT(others); i++)
        if (!strcmp(others[i].format, format) &&
            cz_str_eq(cz_str_from(others[i].description), description))
            return true;
    return false;
}

static const struct {
    const char *format, *field;
} formats[] = {
    { "date-time", "date_time" },
    { "date", "date" },
    { "time", "time" },
    { "duration", "duration" },
    { "email", "email" },
    { "uri", "uri" },
    { "ipv4", "ip" },
    { "ipv6", "ip" },
    { "uuid", "uuid" },
};

/* How many texts a list of cases has. */
static uint32_t ask_cases(cz_ctx *ctx, size_t format, const cz_json_value *cases)
{
    uint32_t asked = 0;
    for (uint32_t i = 0; i < cases->count; i++) {
        const cz_json_value *one = &cases->as.items[i], *data = cz_json_get(one, CZ_STR("data"));
        if (data->kind != CZ_JSON_STR)
            continue; /* a format says nothing of it */
        struct asking asking = { formats[format].field, data->as.text };
        cz_status status = cz_try(ctx, ask_field, &asking, NULL);
        cz_str description = cz_json_get(one, CZ_STR("description"))->as.text;
        bool valid = cz_json_get(one, CZ_STR("valid"))->as.boolean;
        CZ_EXPECT(status == CZ_OK || status == CZ_EVALIDATION);
        CZ_EXPECT_MSG(((status == CZ_OK) != valid) == is_other(formats[format].format, description),
                      "%s: %.*s: it is %s", formats[format].format, CZ_STR_ARG(description),
                      status ? "refused" : "taken");
        asked++;
    }
    return asked;
}

CZ_TEST(fields_agree_with_the_formats_of_json_schema)
{
    uint32_t asked = 0;
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(formats); i++) {
        const cz_json_value *groups;
        cz_str text = read_vectors(formats[i].format);
        CZ_REQUIRE_OK(cz_json_parse(cz_test_arena(), text, NULL, &groups, NULL));
        for (uint32_t g = 0; g < groups->count; g++)
            asked += ask_cases(&ctx, i, cz_json_get(&groups->as.items[g], CZ_STR("tests")));
    }
    CZ_EXPECT_EQ(asked, 343);
    cz_ctx_done(&ctx);
}
