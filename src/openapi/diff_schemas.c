/* Two schemas of one thing: what got narrower, so that some values are taken no more, and what got wider. */
#include "openapi/diff.h"

enum { DEPTH_MAX = 100 };

/* ---- members ---- */

static bool requires(const cz_json_value *schema, cz_str name)
{
    const cz_json_value *required = cz__diff_rule(schema, "required");
    cz_json_value item = { .kind = CZ_JSON_STR, .as.text = name };
    return required && cz__diff_has(required, &item);
}

static struct cz__comparing member(const struct cz__comparing *c, cz_str name)
{
    struct cz__comparing one = *c;
    one.where =
        cz_format(c->diff->ctx, "%.*s%s/%.*s", CZ_STR_ARG(c->where),
                  cz_str_find(c->where, CZ_STR(", /")) == SIZE_MAX ? ", " : "", CZ_STR_ARG(name));
    return one;
}

static void compare_member(const struct cz__comparing *c, cz_str name, const cz_json_value *old,
                           const cz_json_value *new_)
{
    struct cz__comparing one = member(c, name);
    bool was = requires(c->old, name), is = requires(c->new_, name);
    if (was != is)
        cz__diff_tell(&one, is ? CZ__NARROWED : CZ__WIDENED,
                      is ? CZ_STR("is required") : CZ_STR("is no longer required"));
    cz__diff_schemas(c->diff, c->sent, one.where, old, new_);
}

/* A member that is gone is lost on either side; a new one breaks clients that have to send it. */
static void compare_properties(const struct cz__comparing *c)
{
    const cz_json_value *old = cz__diff_rule(c->old, "properties"),
                        *new_ = cz__diff_rule(c->new_, "properties");
    for (uint32_t i = 0; old && old->kind == CZ_JSON_OBJECT && i < old->count; i++) {
        struct cz__comparing one = member(c, old->keys[i]);
        const cz_json_value *other = cz_json_get(new_, old->keys[i]);
        if (other)
            compare_member(c, old->keys[i], &old->as.items[i], other);
        else
            cz__diff_tell(&one, CZ__NARROWED | CZ__WIDENED, CZ_STR("is gone"));
    }
    for (uint32_t i = 0; new_ && new_->kind == CZ_JSON_OBJECT && i < new_->count; i++) {
        struct cz__comparing one = member(c, new_->keys[i]);
        bool required = requires(c->new_, new_->keys[i]);
        if (!cz_json_get(old, new_->keys[i]))
            cz__diff_tell(&one, required ? CZ__NARROWED : 0,
                          required && c->sent == CZ__SENT_BY_CLIENTS ? CZ_STR("is new and required")
                                                                     : CZ_STR("is new"));
    }
}

static bool is_false(const cz_json_value *value)
{
    return value && value->kind == CZ_JSON_BOOL && !value->as.boolean;
}

/* Of members that have no name: clients pass over those they do not know. */
static void compare_additional(const struct cz__comparing *c)
{
    const cz_json_value *old = cz__diff_rule(c->old, "additionalProperties");
    const cz_json_value *new_ = cz__diff_rule(c->new_, "additionalProperties");
    bool closed = is_false(new_), was_closed = is_false(old);
    if (closed && !was_closed)
        cz__diff_tell(c, CZ__NARROWED, CZ_STR("takes no other members"));
    else if (was_closed && !closed)
        cz__diff_tell(c, 0, CZ_STR("takes other members"));
    else if (!closed)
        cz__diff_schemas(c->diff, c->sent, member(c, CZ_STR("*")).where, old, new_);
}

static void compare_items(const struct cz__comparing *c)
{
    cz__diff_schemas(c->diff, c->sent, member(c, CZ_STR("*")).where, cz__diff_rule(c->old, "items"),
                     cz__diff_rule(c->new_, "items"));
}

/* ---- alternatives ---- */

/* What says nothing of values, but to people and generators. */
static bool is_annotation(cz_str keyword)
{
    static const char *const words[] = {
        "title",    "description", "default",      "example", "examples", "deprecated",
        "readOnly", "writeOnly",   "externalDocs", "xml",     "$comment", "discriminator"
    };
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (cz_str_eq(keyword, cz_str_from(words[i])))
            return true;
    return cz_str_starts_with(keyword, CZ_STR("x-"));
}

/* The schemas of a keyword; of a schema without it that schema alone. */
struct alternatives {
    const cz_json_value *items;
    uint32_t count;
};

static struct alternatives alternatives_of(const cz_json_value *said, const cz_json_value *schema,
                                           const char *keyword)
{
    const cz_json_value *list = cz__diff_rule(schema, keyword);
    if (list && list->kind == CZ_JSON_LIST)
        return (struct alternatives){ list->as.items, list->count };
    return (struct alternatives){ said, 1 };
}

static const cz_json_value *same_among(const struct alternatives *list, const cz_json_value *one)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (cz_json_eq(&list->items[i], one))
            return &list->items[i];
    return NULL;
}

/* The last one that is not among the others, and how many there are. */
static const cz_json_value *odd_one(const struct alternatives *list,
                                    const struct alternatives *others, uint32_t *out_count)
{
    const cz_json_value *odd = NULL;
    *out_count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (!same_among(others, &list->items[i])) {
            odd = &list->items[i];
            ++*out_count;
        }
    return odd;
}

/* Of those that read alike, references may lead to what changed; one that is gone and one that came are one that changed.
 * `more`: what one alternative more does to the values. */
static void compare_lists(const struct cz__comparing *c, const char *keyword, int more)
{
    struct alternatives old = alternatives_of(c->old_said, c->old, keyword);
    struct alternatives new_ = alternatives_of(c->new_said, c->new_, keyword);
    uint32_t gone, added;
    const cz_json_value *lost = odd_one(&old, &new_, &gone), *won = odd_one(&new_, &old, &added);
    for (uint32_t i = 0; i < old.count; i++) {
        const cz_json_value *same = same_among(&new_, &old.items[i]);
        if (same)
            cz__diff_schemas(c->diff, c->sent, c->where, &old.items[i], same);
    }
    if (gone == 1 && added == 1) {
        cz__diff_schemas(c->diff, c->sent, c->where, lost, won);
        return;
    }
    if (gone)
        cz__diff_tell(c, more == CZ__WIDENED ? CZ__NARROWED : CZ__WIDENED,
                      cz_format(c->diff->ctx, "has %u of its %s fewer", (unsigned)gone, keyword));
    if (added)
        cz__diff_tell(c, more,
                      cz_format(c->diff->ctx, "has %u of its %s more", (unsigned)added, keyword));
}

static bool says_more_than(const cz_json_value *schema, const char *keyword)
{
    for (uint32_t i = 0; i < schema->count; i++)
        if (!cz_str_eq(schema->keys[i], cz_str_from(keyword)) && !is_annotation(schema->keys[i]))
            return true;
    return false;
}

/* True: one side alone has the keyword, so that the other side is one of its schemas, and nothing else is to be compared. */
static bool compare_alternatives(const struct cz__comparing *c, const char *keyword, int more)
{
    const cz_json_value *old = cz__diff_rule(c->old, keyword),
                        *new_ = cz__diff_rule(c->new_, keyword);
    if (!old && !new_)
        return false;
    if (!(old && new_) && says_more_than(old ? c->old : c->new_, keyword))
        cz__diff_tell(c, CZ__NARROWED | CZ__WIDENED,
                      cz_format(c->diff->ctx, "has another \"%s\"", keyword));
    else
        compare_lists(c, keyword, more);
    return !(old && new_);
}

/* ---- the whole ---- */

static bool is_compared(cz_str keyword)
{
    static const char *const words[] = {
        "type",
        "nullable",
        "enum",
        "format",
        "pattern",
        "const",
        "multipleOf",
        "uniqueItems",
        "contentEncoding",
        "contentMediaType",
        "minimum",
        "exclusiveMinimum",
        "minLength",
        "minItems",
        "minProperties",
        "maximum",
        "exclusiveMaximum",
        "maxLength",
        "maxItems",
        "maxProperties",
        "properties",
        "required",
        "items",
        "additionalProperties",
        "anyOf",
        "oneOf",
        "allOf",
    };
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (cz_str_eq(keyword, cz_str_from(words[i])))
            return true;
    return is_annotation(keyword);
}

/* What is not understood may be anything. */
static void compare_unknown(const struct cz__comparing *c, const cz_json_value *one,
                            const cz_json_value *other, bool both)
{
    for (uint32_t i = 0; i < one->count; i++) {
        const cz_json_value *there = cz_json_get(other, one->keys[i]);
        if (is_compared(one->keys[i]) || (there && (!both || cz_json_eq(there, &one->as.items[i]))))
            continue;
        cz__diff_tell(c, CZ__NARROWED | CZ__WIDENED,
                      cz_format(c->diff->ctx, "has another \"%.*s\"", CZ_STR_ARG(one->keys[i])));
    }
}

static void compare_objects(const struct cz__comparing *c)
{
    if (compare_alternatives(c, "anyOf", CZ__WIDENED) ||
        compare_alternatives(c, "oneOf", CZ__WIDENED) ||
        compare_alternatives(c, "allOf", CZ__NARROWED))
        return;
    cz__diff_values(c);
    compare_properties(c);
    compare_additional(c);
    compare_items(c);
    compare_unknown(c, c->old, c->new_, true);
    compare_unknown(c, c->new_, c->old, false);
}

/* A pair is compared once for each way it is sent: schemas may lead to themselves. */
static bool is_first_time(struct cz__diff *diff, enum cz__sent sent, const cz_json_value *old,
                          const cz_json_value *new_)
{
    cz_str key = cz_format(diff->ctx, "%p %p %d", (const void *)old, (const void *)new_, (int)sent);
    if (cz_map_get(&diff->compared, key))
        return false;
    cz_check(diff->ctx, cz_map_set(&diff->compared, key, diff));
    return true;
}

/* A schema that both documents have under one name is where its changes are. */
static cz_str place_of(struct cz__diff *diff, enum cz__sent sent, cz_str where,
                       const cz_json_value *old, const cz_json_value *new_)
{
    const cz_json_value *was = cz_json_get(old, CZ_STR("$ref")),
                        *is = cz_json_get(new_, CZ_STR("$ref"));
    cz_str prefix = CZ_STR("#/components/schemas/");
    if (!was || !is || was->kind != CZ_JSON_STR || !cz_json_eq(was, is) ||
        !cz_str_starts_with(was->as.text, prefix))
        return where;
    return cz_format(diff->ctx, "schema %.*s, as %s",
                     CZ_STR_ARG(cz_str_tail(was->as.text, prefix.len)),
                     sent == CZ__SENT_BY_CLIENTS ? "it is sent" : "it is answered");
}

void cz__diff_schemas(struct cz__diff *diff, enum cz__sent sent, cz_str where,
                      const cz_json_value *old, const cz_json_value *new_)
{
    static const cz_json_value anything = { .kind = CZ_JSON_OBJECT };
    const cz_json_value *was = cz__diff_resolve(diff, diff->old, old);
    const cz_json_value *is = cz__diff_resolve(diff, diff->new_, new_);
    struct cz__comparing c = { .diff = diff,
                               .sent = sent,
                               .where = place_of(diff, sent, where, old, new_),
                               .old = was && was->kind == CZ_JSON_OBJECT ? was : &anything,
                               .new_ = is && is->kind == CZ_JSON_OBJECT ? is : &anything,
                               .old_said = old ? old : &anything,
                               .new_said = new_ ? new_ : &anything };
    if (!old && !new_)
        return;
    if ((old && !was) || (new_ && !is)) {
        cz__diff_add(diff, true, where, CZ_STR("has a reference that leads nowhere"));
        return;
    }
    if (is_false(was) != is_false(is))
        cz__diff_tell(&c, is_false(is) ? CZ__NARROWED : CZ__WIDENED,
                      is_false(is) ? CZ_STR("may not be there") : CZ_STR("may be there"));
    if (is_false(was) || is_false(is) || !is_first_time(diff, sent, c.old, c.new_))
        return;
    if (diff->depth == DEPTH_MAX) {
        cz__diff_add(diff, true, where, CZ_STR("is nested too deep to be compared"));
        return;
    }
    diff->depth++;
    compare_objects(&c);
    diff->depth--;
}
