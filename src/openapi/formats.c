/* The formats that documents name: what a text or a number of each looks like. */
#include "openapi/schema_check.h"
#include <calzone/decimal.h>
#include <calzone/random.h>
#include <calzone/time.h>
#include <ctype.h>

static bool is_uuid(cz_str text)
{
    cz_uuid id;
    return cz_uuid_parse(text, &id) == CZ_OK;
}

static bool is_date(cz_str text)
{
    cz_date date;
    return cz_date_parse(text, &date) == CZ_OK;
}

/* RFC 3339 asks for an offset, which cz_datetime_parse() does without. */
static bool is_instant(cz_str text)
{
    cz_datetime instant;
    cz_str behind = cz_str_tail(text, CZ_DATE_TEXT);
    bool offset = cz_str_ends_with(text, CZ_STR("Z")) ||
                  cz_str_find_char(behind, '+') != SIZE_MAX ||
                  cz_str_find_char(behind, '-') != SIZE_MAX;
    return offset && cz_datetime_parse(text, &instant) == CZ_OK;
}

static bool is_decimal(cz_str text)
{
    cz_decimal number;
    return cz_decimal_parse(text, &number) == CZ_OK;
}

static bool is_reference(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 0x7f)
            return false;
    return true;
}

/* A scheme, a colon, and more. */
static bool is_uri(cz_str text)
{
    size_t colon = cz_str_find_char(text, ':');
    if (colon == SIZE_MAX || colon == 0 || colon + 1 == text.len ||
        !isalpha((unsigned char)text.ptr[0]))
        return false;
    for (size_t i = 1; i < colon; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !strchr("+-.", text.ptr[i]))
            return false;
    return true;
}

static bool is_email(cz_str text)
{
    size_t at = cz_str_find_char(text, '@');
    return at != SIZE_MAX && at > 0 && at + 1 < text.len && cz_str_find_char(text, ' ') == SIZE_MAX;
}

static bool is_int32(const cz_json_value *value)
{
    return value->kind != CZ_JSON_INT ||
           (value->as.integer >= INT32_MIN && value->as.integer <= INT32_MAX);
}

bool cz__format_check(cz_str format, const cz_json_value *value, bool *out_known)
{
    static const struct {
        const char *name;
        bool (*text)(cz_str text);
        bool (*number)(const cz_json_value *value);
    } formats[] = {
        { "int32", NULL, is_int32 },     { "int64", NULL, NULL },
        { "double", NULL, NULL },        { "uuid", is_uuid, NULL },
        { "date", is_date, NULL },       { "date-time", is_instant, NULL },
        { "decimal", is_decimal, NULL }, { "email", is_email, NULL },
        { "uri", is_uri, NULL },         { "uri-reference", is_reference, NULL },
    };
    *out_known = true;
    for (size_t i = 0; i < CZ_COUNT(formats); i++) {
        if (!cz_str_eq(format, cz_str_from(formats[i].name)))
            continue;
        if (value->kind == CZ_JSON_STR)
            return !formats[i].text || formats[i].text(value->as.text);
        return !formats[i].number || formats[i].number(value);
    }
    *out_known = false;
    return false;
}
