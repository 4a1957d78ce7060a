/* What schemas say of a value itself: its type, its bounds, its form. */
#include "openapi/schema_keywords.h"
#include "base/regex.h"
#include <calzone/base64.h>

/* ---- faults ---- */

static void append_step(cz_buf *out, const struct cz__schema_step *step)
{
    if (!step)
        return;
    append_step(out, step->outer);
    cz_buf_append_char(out, '/');
    if (step->is_index)
        cz_buf_append_u64(out, step->index);
    for (size_t i = 0; !step->is_index && i < step->key.len; i++) {
        if (step->key.ptr[i] == '~')
            cz_buf_append_lit(out, "~0");
        else if (step->key.ptr[i] == '/')
            cz_buf_append_lit(out, "~1");
        else
            cz_buf_append_char(out, step->key.ptr[i]);
    }
}

/* Remember what is wrong, and answer false. */
bool cz__keyword_fail(struct cz__schema_checking *check, cz_str what)
{
    cz_buf *pointer = cz_scratch(check->ctx);
    append_step(pointer, check->at);
    cz_check(check->ctx, cz_buf_status(pointer));
    check->fault = (struct cz__schema_fault){ cz_copy(check->ctx, cz_buf_str(pointer)), what };
    return false;
}

bool cz__keyword_fail_schema(struct cz__schema_checking *check, cz_str what)
{
    check->broken = true;
    return cz__keyword_fail(check, what);
}

static const char *kind_name(const cz_json_value *value)
{
    switch (value->kind) {
    case CZ_JSON_NULL:
        return "null";
    case CZ_JSON_BOOL:
        return "a boolean";
    case CZ_JSON_INT:
        return "an integer";
    case CZ_JSON_REAL:
        return "a number";
    case CZ_JSON_STR:
        return "a string";
    case CZ_JSON_LIST:
        return "an array";
    case CZ_JSON_OBJECT:
    case CZ_JSON_END:
        break;
    }
    return "an object";
}

cz_str cz__keyword_text(struct cz__schema_checking *check, const cz_json_value *value)
{
    cz_buf *text = cz_scratch(check->ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, text);
    cz_json_write(&json, value);
    cz_check(check->ctx, cz_buf_status(text));
    return cz_copy(check->ctx, cz_str_head(cz_buf_str(text), 100));
}

/* The value that is wrong, or where it may be a secret its kind. */
static cz_str found(struct cz__schema_checking *check, const cz_json_value *value)
{
    return check->shows_values ? cz__keyword_text(check, value) : cz_str_from(kind_name(value));
}

/* ---- values ---- */

static bool is_number(const cz_json_value *value)
{
    return value->kind == CZ_JSON_INT || value->kind == CZ_JSON_REAL;
}

static double number_of(const cz_json_value *value)
{
    return value->kind == CZ_JSON_INT ? (double)value->as.integer : value->as.real;
}

static int compare(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind == CZ_JSON_INT && b->kind == CZ_JSON_INT)
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    return (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
}

static bool is_whole(double number)
{
    return number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number;
}

static bool is_of_type(const cz_json_value *value, cz_str type)
{
    switch (value->kind) {
    case CZ_JSON_NULL:
        return cz_str_eq(type, CZ_STR("null"));
    case CZ_JSON_BOOL:
        return cz_str_eq(type, CZ_STR("boolean"));
    case CZ_JSON_INT:
        return cz_str_eq(type, CZ_STR("integer")) || cz_str_eq(type, CZ_STR("number"));
    case CZ_JSON_REAL:
        return cz_str_eq(type, CZ_STR("number")) ||
               (cz_str_eq(type, CZ_STR("integer")) && is_whole(value->as.real));
    case CZ_JSON_STR:
        return cz_str_eq(type, CZ_STR("string"));
    case CZ_JSON_LIST:
        return cz_str_eq(type, CZ_STR("array"));
    case CZ_JSON_OBJECT:
    case CZ_JSON_END:
        break;
    }
    return cz_str_eq(type, CZ_STR("object"));
}

/* ---- keywords: `rule` is the keyword's value ---- */

CZ__KEYWORD(cz__keyword_type)
{
    (void)schema;
    bool fits = rule->kind == CZ_JSON_STR && is_of_type(value, rule->as.text);
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        fits |=
            rule->as.items[i].kind == CZ_JSON_STR && is_of_type(value, rule->as.items[i].as.text);
    return fits ||
           cz__keyword_fail(check, cz_format(check->ctx, "is %s, not %.*s", kind_name(value),
                                             CZ_STR_ARG(cz__keyword_text(check, rule))));
}

CZ__KEYWORD(cz__keyword_enum)
{
    (void)schema;
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        if (cz_json_eq(value, &rule->as.items[i]))
            return true;
    return cz__keyword_fail(check, cz_format(check->ctx, "%.*s is none of %.*s",
                                             CZ_STR_ARG(found(check, value)),
                                             CZ_STR_ARG(cz__keyword_text(check, rule))));
}

CZ__KEYWORD(cz__keyword_format)
{
    (void)schema;
    bool known;
    if (rule->kind == CZ_JSON_STR && cz__format_check(rule->as.text, value, &known))
        return true;
    if (rule->kind != CZ_JSON_STR || !known)
        return cz__keyword_fail_schema(
            check, cz_format(check->ctx, "the schema has the format %.*s, which is not known",
                             CZ_STR_ARG(cz__keyword_text(check, rule))));
    return cz__keyword_fail(check,
                            cz_format(check->ctx, "%.*s is no %.*s",
                                      CZ_STR_ARG(found(check, value)), CZ_STR_ARG(rule->as.text)));
}

CZ__KEYWORD(cz__keyword_encoding)
{
    (void)schema;
    cz_bytes bytes;
    if (rule->kind != CZ_JSON_STR || !cz_str_eq(rule->as.text, CZ_STR("base64")))
        return cz__keyword_fail_schema(check,
                                       CZ_STR("the schema has an encoding that is not known"));
    return value->kind != CZ_JSON_STR ||
           cz_base64_read(check->ctx->arena, value->as.text, &bytes) == CZ_OK ||
           cz__keyword_fail(check, CZ_STR("is no base64"));
}

CZ__KEYWORD(cz__keyword_pattern)
{
    (void)schema;
    bool fits = false;
    struct cz__regex *pattern = NULL;
    if (value->kind != CZ_JSON_STR)
        return true;
    if (rule->kind != CZ_JSON_STR || cz__regex_create(rule->as.text, 0, &pattern, NULL))
        return cz__keyword_fail_schema(check, CZ_STR("the schema's pattern is malformed"));
    cz_ignore(cz__regex_search(pattern, value->as.text, &fits, NULL)); /* given up: not found */
    cz__regex_destroy(pattern);
    return fits || cz__keyword_fail(check, cz_format(check->ctx, "%.*s is not as the pattern %.*s",
                                                     CZ_STR_ARG(found(check, value)),
                                                     CZ_STR_ARG(rule->as.text)));
}

/* A number against a bound of the schema: the value itself, which `what` shows, or the size of a text or list. */
static bool check_bound(struct cz__schema_checking *check, const cz_json_value *rule,
                        const cz_json_value *size, bool least, cz_str what)
{
    if (!is_number(rule))
        return cz__keyword_fail_schema(check, CZ_STR("the schema has a bound that is no number"));
    int order = compare(size, rule);
    if (least ? order >= 0 : order <= 0)
        return true;
    return cz__keyword_fail(check, cz_format(check->ctx, "%.*s, %s %.*s", CZ_STR_ARG(what),
                                             least ? "less than" : "more than",
                                             CZ_STR_ARG(cz__keyword_text(check, rule))));
}

static bool check_number(struct cz__schema_checking *check, const cz_json_value *rule,
                         const cz_json_value *value, bool least)
{
    return !is_number(value) ||
           check_bound(check, rule, value, least,
                       cz_format(check->ctx, "is %.*s", CZ_STR_ARG(found(check, value))));
}

CZ__KEYWORD(cz__keyword_minimum)
{
    (void)schema;
    return check_number(check, rule, value, true);
}

CZ__KEYWORD(cz__keyword_maximum)
{
    (void)schema;
    return check_number(check, rule, value, false);
}

static bool check_size(struct cz__schema_checking *check, const cz_json_value *rule, size_t size,
                       bool least, const char *what)
{
    cz_json_value number = { .kind = CZ_JSON_INT, .as.integer = (int64_t)size };
    return check_bound(check, rule, &number, least, cz_format(check->ctx, "%s %zu", what, size));
}

static bool check_length(struct cz__schema_checking *check, const cz_json_value *rule,
                         const cz_json_value *value, bool least)
{
    return value->kind != CZ_JSON_STR ||
           check_size(check, rule, cz_str_utf8_length(value->as.text), least, "has a length of");
}

CZ__KEYWORD(cz__keyword_min_length)
{
    (void)schema;
    return check_length(check, rule, value, true);
}

CZ__KEYWORD(cz__keyword_max_length)
{
    (void)schema;
    return check_length(check, rule, value, false);
}

CZ__KEYWORD(cz__keyword_max_items)
{
    (void)schema;
    return value->kind != CZ_JSON_LIST ||
           check_size(check, rule, value->count, false, "has items, and of them");
}
