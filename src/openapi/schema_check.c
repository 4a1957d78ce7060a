/* A value against a schema. Each keyword is a function of a table; a schema is true of a value when all of its keywords are. */
#include "openapi/schema_keywords.h"

/* Schemas may refer to each other in circles, which end with the value; one that refers to itself alone never would. */
enum { DEPTH_MAX = 300 };

static bool check_schema(struct cz__schema_checking *check, const cz_json_value *schema,
                         const cz_json_value *value);

/* ---- keywords about what is inside of a value ---- */

static CZ__KEYWORD(check_items)
{
    (void)schema;
    struct cz__schema_step step = { .outer = check->at, .is_index = true };
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

static bool check_member(struct cz__schema_checking *check, const cz_json_value *rule, cz_str name,
                         const cz_json_value *value)
{
    struct cz__schema_step step = { .outer = check->at, .key = name };
    check->at = &step;
    bool fits = check_schema(check, rule, value);
    check->at = step.outer;
    return fits;
}

static CZ__KEYWORD(check_properties)
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
static CZ__KEYWORD(check_additional)
{
    const cz_json_value *named = cz_json_get(schema, CZ_STR("properties"));
    for (uint32_t i = 0; value->kind == CZ_JSON_OBJECT && i < value->count; i++)
        if (!cz_json_get(named, value->keys[i]) &&
            !check_member(check, rule, value->keys[i], &value->as.items[i]))
            return false;
    return true;
}

static CZ__KEYWORD(check_required)
{
    (void)schema;
    for (uint32_t i = 0; value->kind == CZ_JSON_OBJECT && i < rule->count; i++)
        if (rule->kind != CZ_JSON_LIST || rule->as.items[i].kind != CZ_JSON_STR)
            return cz__keyword_fail_schema(check,
                                           CZ_STR("the schema's \"required\" is no list of names"));
        else if (!cz_json_get(value, rule->as.items[i].as.text))
            return cz__keyword_fail(check, cz_format(check->ctx, "lacks \"%.*s\"",
                                                     CZ_STR_ARG(rule->as.items[i].as.text)));
    return true;
}

/* What is told of a value that is like none is what the last one says. */
static CZ__KEYWORD(check_any_of)
{
    (void)schema;
    for (uint32_t i = 0; rule->kind == CZ_JSON_LIST && i < rule->count; i++)
        if (check_schema(check, &rule->as.items[i], value))
            return true;
        else if (check->broken)
            return false;
    if (rule->kind != CZ_JSON_LIST || !rule->count)
        return cz__keyword_fail_schema(check, CZ_STR("the schema has no alternatives"));
    check->fault.what =
        cz_format(check->ctx, "%.*s (the last of %u alternatives, none of which it is)",
                  CZ_STR_ARG(check->fault.what), (unsigned)rule->count);
    return false;
}

static CZ__KEYWORD(check_ref)
{
    (void)schema;
    const cz_json_value *target = rule->kind == CZ_JSON_STR
                                      ? cz__json_pointer(check->ctx, check->document, rule->as.text)
                                      : NULL;
    if (!target)
        return cz__keyword_fail_schema(check, cz_format(check->ctx,
                                                        "the schema's reference %.*s leads nowhere",
                                                        CZ_STR_ARG(cz__keyword_text(check, rule))));
    return check_schema(check, target, value);
}

static const struct keyword {
    const char *name;
    bool (*holds)(struct cz__schema_checking *check, const cz_json_value *schema,
                  const cz_json_value *rule,
                  const cz_json_value *value); /* NULL: it is about the schema alone */
} keywords[] = {
    { "type", cz__keyword_type },
    { "enum", cz__keyword_enum },
    { "format", cz__keyword_format },
    { "contentEncoding", cz__keyword_encoding },
    { "contentMediaType", NULL }, /* of what is sent, bytes and no JSON */
    { "pattern", cz__keyword_pattern },
    { "minimum", cz__keyword_minimum },
    { "maximum", cz__keyword_maximum },
    { "minLength", cz__keyword_min_length },
    { "maxLength", cz__keyword_max_length },
    { "maxItems", cz__keyword_max_items },
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

static bool check_keywords(struct cz__schema_checking *check, const cz_json_value *schema,
                           const cz_json_value *value)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct keyword *keyword = keyword_of(schema->keys[i]);
        if (!keyword)
            return cz__keyword_fail_schema(
                check,
                cz_format(check->ctx, "the schema has the keyword \"%.*s\", which is not known",
                          CZ_STR_ARG(schema->keys[i])));
        if (keyword->holds && !keyword->holds(check, schema, &schema->as.items[i], value))
            return false;
    }
    return true;
}

static bool check_schema(struct cz__schema_checking *check, const cz_json_value *schema,
                         const cz_json_value *value)
{
    if (schema->kind == CZ_JSON_BOOL)
        return schema->as.boolean || cz__keyword_fail(check, CZ_STR("is not to be there"));
    if (schema->kind != CZ_JSON_OBJECT)
        return cz__keyword_fail_schema(check, CZ_STR("the schema is no object"));
    if (check->depth == DEPTH_MAX)
        return cz__keyword_fail_schema(check, CZ_STR("the schema refers to itself without end"));
    check->depth++;
    bool holds = check_keywords(check, schema, value);
    check->depth--;
    return holds;
}

bool cz__schema_check(cz_ctx *ctx, const cz_json_value *document, const cz_json_value *schema,
                      const cz_json_value *value, bool shows_values, struct cz__schema_fault *out)
{
    struct cz__schema_checking check = { .ctx = ctx,
                                         .document = document,
                                         .shows_values = shows_values };
    bool holds = check_schema(&check, schema, value);
    if (!holds)
        *out = check.fault;
    return holds;
}

/* ---- references ---- */

/* "a/b~c" of "a~1b~0c". */
static cz_str unescaped(cz_ctx *ctx, cz_str step)
{
    if (cz_str_find_char(step, '~') == SIZE_MAX)
        return step; /* as nearly all: items of a list would each cost a copy */
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
