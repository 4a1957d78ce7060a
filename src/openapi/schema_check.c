/* A value against a schema. Each keyword is a function of a table; a schema is true of a value when all of its keywords are. */
#include "openapi/schema_check.h"
#include <calzone/base64.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Schemas may refer to each other in circles, which end with the value; one that refers to itself alone never would. */
enum { DEPTH_MAX = 300, PATTERN_TRIES_MAX = 100000 };

/* The steps that lead to the value in question, innermost first. */
struct step {
    const struct step *outer;
    cz_str key;
    uint32_t index;
    bool is_index;
};

struct check {
    cz_ctx *ctx;
    const cz_json_value *document;
    const struct step *at;
    unsigned depth;
    bool broken; /* the schema itself can't be checked by: no alternative makes up for that */
    struct cz__schema_fault fault;
};

static bool check_schema(struct check *check, const cz_json_value *schema,
                         const cz_json_value *value);

/* ---- faults ---- */

static void append_step(cz_buf *out, const struct step *step)
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
static bool fail(struct check *check, cz_str what)
{
    cz_buf *pointer = cz_scratch(check->ctx);
    append_step(pointer, check->at);
    cz_check(check->ctx, cz_buf_status(pointer));
    check->fault = (struct cz__schema_fault){ cz_copy(check->ctx, cz_buf_str(pointer)), what };
    return false;
}

static bool fail_schema(struct check *check, cz_str what)
{
    check->broken = true;
    return fail(check, what);
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

static cz_str text_of(struct check *check, const cz_json_value *value)
{
    cz_buf *text = cz_scratch(check->ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, text);
    cz_json_write(&json, value);
    cz_check(check->ctx, cz_buf_status(text));
    return cz_copy(check->ctx, cz_str_head(cz_buf_str(text), 100));
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

#define KEYWORD(name)                                                                              \
    static bool name(struct check *check, const cz_json_value *schema, const cz_json_value *rule,  \
                     const cz_json_value *value)

KEYWORD(check_type)
{
    (void)schema;
    bool fits = rule->kind == CZ_JSON_STR && is_of_type(value, rule->as.text);
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        fits |=
            rule->as.items[i].kind == CZ_JSON_STR && is_of_type(value, rule->as.items[i].as.text);
    return fits || fail(check, cz_format(check->ctx, "is %s, not %.*s", kind_name(value),
                                         CZ_STR_ARG(text_of(check, rule))));
}

KEYWORD(check_enum)
{
    (void)schema;
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        if (cz_json_eq(value, &rule->as.items[i]))
            return true;
    return fail(check,
                cz_format(check->ctx, "%.*s is none of %.*s", CZ_STR_ARG(text_of(check, value)),
                          CZ_STR_ARG(text_of(check, rule))));
}

KEYWORD(check_format)
{
    (void)schema;
    bool known;
    if (rule->kind == CZ_JSON_STR && cz__format_check(rule->as.text, value, &known))
        return true;
    if (rule->kind != CZ_JSON_STR || !known)
        return fail_schema(check, cz_format(check->ctx,
                                            "the schema has the format %.*s, which is not known",
                                            CZ_STR_ARG(text_of(check, rule))));
    return fail(check, cz_format(check->ctx, "%.*s is no %.*s", CZ_STR_ARG(text_of(check, value)),
                                 CZ_STR_ARG(rule->as.text)));
}

KEYWORD(check_encoding)
{
    (void)schema;
    cz_bytes bytes;
    if (rule->kind != CZ_JSON_STR || !cz_str_eq(rule->as.text, CZ_STR("base64")))
        return fail_schema(check, CZ_STR("the schema has an encoding that is not known"));
    return value->kind != CZ_JSON_STR ||
           cz_base64_read(check->ctx->arena, value->as.text, &bytes) == CZ_OK ||
           fail(check, CZ_STR("is no base64"));
}

KEYWORD(check_pattern)
{
    (void)schema;
    int code;
    PCRE2_SIZE at;
    if (value->kind != CZ_JSON_STR)
        return true;
    cz_str text = rule->kind == CZ_JSON_STR ? rule->as.text : CZ_STR("(");
    pcre2_code *pattern =
        pcre2_compile((PCRE2_SPTR)text.ptr, text.len,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    pcre2_match_data *match = pattern ? pcre2_match_data_create(1, NULL) : NULL;
    pcre2_match_context *limits = pattern ? pcre2_match_context_create(NULL) : NULL;
    int found = PCRE2_ERROR_NOMEMORY;
    if (match && limits) {
        pcre2_set_match_limit(limits, PATTERN_TRIES_MAX);
        found = pcre2_match(pattern, (PCRE2_SPTR)value->as.text.ptr, value->as.text.len, 0, 0,
                            match, limits);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(match);
    pcre2_code_free(pattern);
    if (!pattern)
        return fail_schema(check, CZ_STR("the schema's pattern is malformed"));
    return found >= 0 ||
           fail(check, cz_format(check->ctx, "%.*s is not as the pattern %.*s",
                                 CZ_STR_ARG(text_of(check, value)), CZ_STR_ARG(text)));
}

/* A number against a bound of the schema: `size` is of a text or list, or the value itself. */
static bool check_bound(struct check *check, const cz_json_value *rule, const cz_json_value *size,
                        bool least, const char *what)
{
    if (!is_number(rule))
        return fail_schema(check, CZ_STR("the schema has a bound that is no number"));
    int order = compare(size, rule);
    if (least ? order >= 0 : order <= 0)
        return true;
    return fail(check,
                cz_format(check->ctx, "%s %.*s, %s %.*s", what, CZ_STR_ARG(text_of(check, size)),
                          least ? "less than" : "more than", CZ_STR_ARG(text_of(check, rule))));
}

KEYWORD(check_minimum)
{
    (void)schema;
    return !is_number(value) || check_bound(check, rule, value, true, "is");
}

KEYWORD(check_maximum)
{
    (void)schema;
    return !is_number(value) || check_bound(check, rule, value, false, "is");
}

static cz_json_value integer_of(size_t number)
{
    return (cz_json_value){ .kind = CZ_JSON_INT, .as.integer = (int64_t)number };
}

static bool check_length(struct check *check, const cz_json_value *rule, const cz_json_value *value,
                         bool least)
{
    if (value->kind != CZ_JSON_STR)
        return true;
    cz_json_value length = integer_of(cz_str_utf8_length(value->as.text));
    return check_bound(check, rule, &length, least, "has a length of");
}

KEYWORD(check_min_length)
{
    (void)schema;
    return check_length(check, rule, value, true);
}

KEYWORD(check_max_length)
{
    (void)schema;
    return check_length(check, rule, value, false);
}

KEYWORD(check_max_items)
{
    (void)schema;
    cz_json_value count = integer_of(value->count);
    return value->kind != CZ_JSON_LIST ||
           check_bound(check, rule, &count, false, "has items, and of them");
}

KEYWORD(check_items)
{
    (void)schema;
    struct step step = { .outer = check->at, .is_index = true };
    bool fits = true;
    if (value->kind != CZ_JSON_LIST)
        return true;
    check->at = &step;
    for (uint32_t i = 0; fits && i < value->count; i++) {
        step.index = i;
        fits = check_schema(check, rule, &value->as.items[i]);
    }
    check->at = step.outer;
    return fits;
}

static bool check_member(struct check *check, const cz_json_value *rule, cz_str name,
                         const cz_json_value *value)
{
    struct step step = { .outer = check->at, .key = name };
    check->at = &step;
    bool fits = check_schema(check, rule, value);
    check->at = step.outer;
    return fits;
}

KEYWORD(check_properties)
{
    (void)schema;
    for (uint32_t i = 0; value->kind == CZ_JSON_OBJECT && i < value->count; i++) {
        const cz_json_value *member = cz_json_get(rule, value->keys[i]);
        if (member && !check_member(check, member, value->keys[i], &value->as.items[i]))
            return false;
    }
    return true;
}

/* Of members that "properties" does not name. */
KEYWORD(check_additional)
{
    const cz_json_value *named = cz_json_get(schema, CZ_STR("properties"));
    for (uint32_t i = 0; value->kind == CZ_JSON_OBJECT && i < value->count; i++)
        if (!cz_json_get(named, value->keys[i]) &&
            !check_member(check, rule, value->keys[i], &value->as.items[i]))
            return false;
    return true;
}

KEYWORD(check_required)
{
    (void)schema;
    for (uint32_t i = 0; value->kind == CZ_JSON_OBJECT && i < rule->count; i++)
        if (rule->kind != CZ_JSON_LIST || rule->as.items[i].kind != CZ_JSON_STR)
            return fail_schema(check, CZ_STR("the schema's \"required\" is no list of names"));
        else if (!cz_json_get(value, rule->as.items[i].as.text))
            return fail(check, cz_format(check->ctx, "lacks \"%.*s\"",
                                         CZ_STR_ARG(rule->as.items[i].as.text)));
    return true;
}

/* What is told of a value that is like none is what the last one says. */
KEYWORD(check_any_of)
{
    (void)schema;
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        if (check_schema(check, &rule->as.items[i], value))
            return true;
        else if (check->broken)
            return false;
    if (rule->kind != CZ_JSON_LIST || !rule->count)
        return fail_schema(check, CZ_STR("the schema has no alternatives"));
    check->fault.what =
        cz_format(check->ctx, "%.*s (the last of %u alternatives, none of which it is)",
                  CZ_STR_ARG(check->fault.what), (unsigned)rule->count);
    return false;
}

KEYWORD(check_ref)
{
    (void)schema;
    const cz_json_value *target = rule->kind == CZ_JSON_STR
                                      ? cz__json_pointer(check->ctx, check->document, rule->as.text)
                                      : NULL;
    if (!target)
        return fail_schema(check, cz_format(check->ctx, "the schema's reference %.*s leads nowhere",
                                            CZ_STR_ARG(text_of(check, rule))));
    return check_schema(check, target, value);
}

static const struct keyword {
    const char *name;
    bool (*holds)(struct check *check, const cz_json_value *schema, const cz_json_value *rule,
                  const cz_json_value *value); /* NULL: it is about the schema alone */
} keywords[] = {
    { "type", check_type },
    { "enum", check_enum },
    { "format", check_format },
    { "contentEncoding", check_encoding },
    { "pattern", check_pattern },
    { "minimum", check_minimum },
    { "maximum", check_maximum },
    { "minLength", check_min_length },
    { "maxLength", check_max_length },
    { "maxItems", check_max_items },
    { "items", check_items },
    { "properties", check_properties },
    { "additionalProperties", check_additional },
    { "required", check_required },
    { "anyOf", check_any_of },
    { "$ref", check_ref },
    { "description", NULL },
    { "examples", NULL },
};

static const struct keyword *keyword_of(cz_str name)
{
    for (size_t i = 0; i < CZ_COUNT(keywords); i++)
        if (cz_str_eq(name, cz_str_from(keywords[i].name)))
            return &keywords[i];
    return NULL;
}

static bool check_keywords(struct check *check, const cz_json_value *schema,
                           const cz_json_value *value)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct keyword *keyword = keyword_of(schema->keys[i]);
        if (!keyword)
            return fail_schema(check,
                               cz_format(check->ctx,
                                         "the schema has the keyword \"%.*s\", which is not known",
                                         CZ_STR_ARG(schema->keys[i])));
        if (keyword->holds && !keyword->holds(check, schema, &schema->as.items[i], value))
            return false;
    }
    return true;
}

static bool check_schema(struct check *check, const cz_json_value *schema,
                         const cz_json_value *value)
{
    if (schema->kind == CZ_JSON_BOOL)
        return schema->as.boolean || fail(check, CZ_STR("is not to be there"));
    if (schema->kind != CZ_JSON_OBJECT)
        return fail_schema(check, CZ_STR("the schema is no object"));
    if (check->depth == DEPTH_MAX)
        return fail_schema(check, CZ_STR("the schema refers to itself without end"));
    check->depth++;
    bool holds = check_keywords(check, schema, value);
    check->depth--;
    return holds;
}

bool cz__schema_check(cz_ctx *ctx, const cz_json_value *document, const cz_json_value *schema,
                      const cz_json_value *value, struct cz__schema_fault *out)
{
    struct check check = { .ctx = ctx, .document = document };
    bool holds = check_schema(&check, schema, value);
    if (!holds)
        *out = check.fault;
    return holds;
}

/* ---- references ---- */

/* "a/b~c" of "a~1b~0c". */
static cz_str unescaped(cz_ctx *ctx, cz_str step)
{
    char *out = cz_alloc(ctx, step.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < step.len; i++) {
        bool escape = step.ptr[i] == '~' && i + 1 < step.len;
        out[len++] = !escape ? step.ptr[i] : step.ptr[++i] == '1' ? '/' : '~';
    }
    return cz_str_of(out, len);
}

const cz_json_value *cz__json_pointer(cz_ctx *ctx, const cz_json_value *document, cz_str pointer)
{
    if (!cz_str_starts_with(pointer, CZ_STR("#")))
        return NULL; /* another document's */
    cz_str rest = cz_str_tail(pointer, 1);
    if (rest.len && !cz_str_starts_with(rest, CZ_STR("/")))
        return NULL;
    rest = cz_str_tail(rest, 1);
    while (document && rest.len) {
        cz_str step = unescaped(ctx, cz_str_cut(&rest, '/'));
        uint64_t index;
        if (document->kind == CZ_JSON_LIST)
            document = cz_str_to_u64(step, &index) || index >= document->count
                           ? NULL
                           : &document->as.items[index];
        else
            document = cz_json_get(document, step);
    }
    return document;
}
