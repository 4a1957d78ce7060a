/* What two schemas say of a single value: its type, its bounds, and the few it may be. */
#include "openapi/diff.h"

void cz__diff_tell(const struct cz__comparing *c, int change, cz_str what)
{
    int breaking = c->sent == CZ__SENT_BY_CLIENTS ? CZ__NARROWED : CZ__WIDENED;
    cz__diff_add(c->diff, (change & breaking) != 0, c->where, what);
}

cz_str cz__diff_text(const struct cz__comparing *c, const cz_json_value *value)
{
    cz_buf *text = cz_scratch(c->diff->ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, text);
    if (value)
        cz_json_write(&json, value);
    cz_check(c->diff->ctx, cz_buf_status(text));
    return value ? cz_copy(c->diff->ctx, cz_str_head(cz_buf_str(text), 100)) : CZ_STR("nothing");
}

const cz_json_value *cz__diff_rule(const cz_json_value *schema, const char *keyword)
{
    return cz_json_get(schema, cz_str_from(keyword));
}

/* ---- types ---- */

enum {
    T_NULL = 1,
    T_BOOLEAN = 2,
    T_INTEGER = 4,
    T_FRACTION = 8,
    T_STRING = 16,
    T_ARRAY = 32,
    T_OBJECT = 64,
    T_ANY = 127
};

static unsigned type_bit(const cz_json_value *type)
{
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {
        { "null", T_NULL },
        { "boolean", T_BOOLEAN },
        { "integer", T_INTEGER },
        { "string", T_STRING },
        { "array", T_ARRAY },
        { "object", T_OBJECT },
        { "number", T_INTEGER | T_FRACTION },
    };
    for (size_t i = 0; i < CZ_COUNT(types); i++)
        if (type->kind == CZ_JSON_STR && cz_str_eq(type->as.text, cz_str_from(types[i].name)))
            return types[i].bits;
    return 0;
}

static unsigned types_of(const cz_json_value *schema)
{
    const cz_json_value *type = cz__diff_rule(schema, "type"),
                        *null = cz__diff_rule(schema, "nullable");
    unsigned bits = type ? type_bit(type) : T_ANY;
    for (uint32_t i = 0; type && type->kind == CZ_JSON_LIST && i < type->count; i++)
        bits |= type_bit(&type->as.items[i]);
    if (null && null->kind == CZ_JSON_BOOL && null->as.boolean) /* OpenAPI 3.0 */
        bits |= T_NULL;
    return bits;
}

static void compare_types(const struct cz__comparing *c)
{
    unsigned old = types_of(c->old), new_ = types_of(c->new_);
    if (old == new_)
        return;
    const cz_json_value *is = cz__diff_rule(c->new_, "type"), *was = cz__diff_rule(c->old, "type");
    cz_str what = CZ_STR("may be of any type");
    if (is)
        what = cz_format(c->diff->ctx, "has the type %.*s%s%.*s", CZ_STR_ARG(cz__diff_text(c, is)),
                         was ? ", not " : "", CZ_STR_ARG(was ? cz__diff_text(c, was) : CZ_STR("")));
    cz__diff_tell(c, (old & ~new_ ? CZ__NARROWED : 0) | (new_ & ~old ? CZ__WIDENED : 0), what);
}

/* ---- values ---- */

bool cz__diff_has(const cz_json_value *list, const cz_json_value *item)
{
    for (uint32_t i = 0; list->kind == CZ_JSON_LIST && i < list->count; i++)
        if (cz_json_eq(&list->as.items[i], item))
            return true;
    return false;
}

static void compare_enum(const struct cz__comparing *c)
{
    const cz_json_value *old = cz__diff_rule(c->old, "enum"),
                        *new_ = cz__diff_rule(c->new_, "enum");
    if (!old && new_)
        cz__diff_tell(
            c, CZ__NARROWED,
            cz_format(c->diff->ctx, "is one of %.*s", CZ_STR_ARG(cz__diff_text(c, new_))));
    if (old && !new_)
        cz__diff_tell(c, CZ__WIDENED, CZ_STR("is no longer one of a few values"));
    if (!old || !new_)
        return;
    for (uint32_t i = 0; old->kind == CZ_JSON_LIST && i < old->count; i++)
        if (!cz__diff_has(new_, &old->as.items[i]))
            cz__diff_tell(c, CZ__NARROWED,
                          cz_format(c->diff->ctx, "is no longer %.*s",
                                    CZ_STR_ARG(cz__diff_text(c, &old->as.items[i]))));
    for (uint32_t i = 0; new_->kind == CZ_JSON_LIST && i < new_->count; i++)
        if (!cz__diff_has(old, &new_->as.items[i]))
            cz__diff_tell(c, CZ__WIDENED,
                          cz_format(c->diff->ctx, "may be %.*s",
                                    CZ_STR_ARG(cz__diff_text(c, &new_->as.items[i]))));
}

static bool number_of(const cz_json_value *value, double *out)
{
    if (!value || (value->kind != CZ_JSON_INT && value->kind != CZ_JSON_REAL))
        return false;
    *out = value->kind == CZ_JSON_INT ? (double)value->as.integer : value->as.real;
    return true;
}

static void compare_bounds(const struct cz__comparing *c)
{
    static const struct {
        const char *keyword;
        bool least;
    } bounds[] = {
        { "minimum", true },        { "exclusiveMinimum", true },  { "minLength", true },
        { "minItems", true },       { "minProperties", true },     { "maximum", false },
        { "maxLength", false },     { "exclusiveMaximum", false }, { "maxItems", false },
        { "maxProperties", false },
    };
    for (size_t i = 0; i < CZ_COUNT(bounds); i++) {
        double old = 0, new_ = 0;
        const cz_json_value *was = cz__diff_rule(c->old, bounds[i].keyword);
        const cz_json_value *is = cz__diff_rule(c->new_, bounds[i].keyword);
        bool had = number_of(was, &old), has_one = number_of(is, &new_);
        if (had != has_one)
            cz__diff_tell(c, has_one ? CZ__NARROWED : CZ__WIDENED,
                          has_one ? cz_format(c->diff->ctx, "has the %s %.*s", bounds[i].keyword,
                                              CZ_STR_ARG(cz__diff_text(c, is)))
                                  : cz_format(c->diff->ctx, "has no %s", bounds[i].keyword));
        else if (had && old != new_)
            cz__diff_tell(c, (new_ > old) == bounds[i].least ? CZ__NARROWED : CZ__WIDENED,
                          cz_format(c->diff->ctx, "has the %s %.*s, not %.*s", bounds[i].keyword,
                                    CZ_STR_ARG(cz__diff_text(c, is)),
                                    CZ_STR_ARG(cz__diff_text(c, was))));
    }
}

/* Of int32 and int64 it is known which is the wider one. */
static int format_change(const cz_json_value *old, const cz_json_value *new_)
{
    cz_str was = old->kind == CZ_JSON_STR ? old->as.text : CZ_STR("");
    cz_str is = new_->kind == CZ_JSON_STR ? new_->as.text : CZ_STR("");
    if (cz_str_eq(was, CZ_STR("int32")) && cz_str_eq(is, CZ_STR("int64")))
        return CZ__WIDENED;
    if (cz_str_eq(was, CZ_STR("int64")) && cz_str_eq(is, CZ_STR("int32")))
        return CZ__NARROWED;
    return CZ__NARROWED | CZ__WIDENED;
}

/* Rules that hold or do not: with another one, values may be lost and won. */
static void compare_rule(const struct cz__comparing *c, const char *keyword)
{
    const cz_json_value *old = cz__diff_rule(c->old, keyword),
                        *new_ = cz__diff_rule(c->new_, keyword);
    cz_ctx *ctx = c->diff->ctx;
    if (old && !new_)
        cz__diff_tell(c, CZ__WIDENED, cz_format(ctx, "has no %s", keyword));
    else if (!old && new_)
        cz__diff_tell(
            c, CZ__NARROWED,
            cz_format(ctx, "has the %s %.*s", keyword, CZ_STR_ARG(cz__diff_text(c, new_))));
    else if (old && !cz_json_eq(old, new_))
        cz__diff_tell(
            c,
            strcmp(keyword, "format") == 0 ? format_change(old, new_) : CZ__NARROWED | CZ__WIDENED,
            cz_format(ctx, "has the %s %.*s, not %.*s", keyword, CZ_STR_ARG(cz__diff_text(c, new_)),
                      CZ_STR_ARG(cz__diff_text(c, old))));
}

void cz__diff_values(const struct cz__comparing *c)
{
    static const char *const rules[] = { "format",          "pattern",     "const",
                                         "multipleOf",      "uniqueItems", "contentEncoding",
                                         "contentMediaType" };
    compare_types(c);
    compare_enum(c);
    compare_bounds(c);
    for (size_t i = 0; i < CZ_COUNT(rules); i++)
        compare_rule(c, rules[i]);
}
