/* Relations in input: the rows that keys, slugs or addresses name. */
#include "serializers/serializers_internal.h"
#include <calzone/relations.h>

bool cz__key_of(const struct cz__member *member, const cz_model *model, void *key)
{
    bool huge;
    if (CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID)
        return member->kind == CZ_JSON_STR && cz_uuid_parse(member->text, key) == CZ_OK;
    return cz__integer_of(member, key, &huge);
}

static void incorrect_type(struct cz__input *input, const struct cz__serializer_field *field,
                           const struct cz__member *member, const char *expected)
{
    cz_field_errors_add(input->ctx, input->errors, field->name, "incorrect_type",
                        "Incorrect type. Expected %s, received %s.", expected,
                        cz__json_kind_name(member->kind));
}

static bool by_key(struct cz__input *input, const struct cz__serializer_field *field,
                   const struct cz__member *member, void *key)
{
    if (cz__key_of(member, field->column->field->target, key))
        return true;
    incorrect_type(input, field, member, "pk value");
    return false;
}

static bool by_link(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member, void *key)
{
    if (member->kind != CZ_JSON_STR) {
        incorrect_type(input, field, member, "URL string");
        return false;
    }
    const char *code, *why = cz__link_key(input->ctx, field->member->view,
                                          field->column->field->target, member->text, key, &code);
    if (why)
        cz__input_fail(input, field, code, why);
    return !why;
}

/* Room for a value of any slug. */
union slug_value {
    int64_t integer;
    double real;
    cz_uuid uuid;
    cz_str text;
    cz_decimal decimal;
};

static bool by_slug(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member, void *key)
{
    cz_model *target = field->column->field->target;
    union slug_value *value = cz_new(input->ctx, union slug_value);
    cz_error err;
    bool scalar =
        member->kind == CZ_JSON_STR || member->kind == CZ_JSON_INT || member->kind == CZ_JSON_REAL;
    if (!scalar || cz__value_from_text(field->slug, member->text, value, &err)) {
        cz__input_fail(input, field, "invalid", "Invalid value.");
        return false;
    }
    cz_query query = { .model = target,
                       .where = cz__cond_column(input->ctx, target, field->slug, value),
                       .only = { &target->state->key->attribute, 1 },
                       .unordered = true,
                       .limit = 1,
                       .repeats = true };
    struct cz__rows rows = cz__select(input->ctx, &query);
    if (!rows.count) {
        cz_str shown = cz_str_head(member->text, member->text.len < 60 ? member->text.len : 60);
        cz_field_errors_add(input->ctx, input->errors, field->name, "does_not_exist",
                            "Object with %s=%.*s does not exist.", field->slug->field->name,
                            CZ_STR_ARG(shown));
        return false;
    }
    memcpy(key, cz__row_at(rows.items, target->state->key), cz__column_bytes(target->state->key));
    return true;
}

/* The key an item names, of a row that may not be there yet but for a slug's. */
static bool key_named(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member, void *key)
{
    if (field->as == CZ__AS_SLUG)
        return by_slug(input, field, member, key);
    return field->as == CZ__AS_LINK ? by_link(input, field, member, key)
                                    : by_key(input, field, member, key);
}

static void not_there(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    if (field->as == CZ__AS_LINK)
        cz__input_fail(input, field, "does_not_exist",
                       "Invalid hyperlink - Object does not exist.");
    else
        cz__not_there(input->ctx, field->name, member->text, input->errors);
}

static void take_one(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member)
{
    const cz__column *column = field->column;
    cz_model *target = column->field->target;
    void *at = cz__row_at(input->row, column);
    if (!key_named(input, field, member, at))
        return;
    cz_query query = { .model = target,
                       .unordered = true,
                       .where = cz__cond_column(input->ctx, target, target->state->key, at) };
    if (field->as != CZ__AS_SLUG && !cz__exists(input->ctx, &query)) {
        not_there(input, field, member);
        return;
    }
    *cz__row_slot(input->row, column) = NULL;
    cz__row_mark(input->row, column, false);
}

/* ---- several ---- */

struct links {
    struct cz__pending pending;
    const cz__column *column;
    cz_int_list keys; /* of the target's type: all lists begin alike */
};

static void store_links(cz_ctx *ctx, cz_row *row, struct cz__pending *pending)
{
    const struct links *links = (const struct links *)(const void *)pending;
    cz__related_change(ctx, row, links->column->ordinal, CZ__RELATED_SET, CZ__NO_DEFAULTS,
                       &links->keys);
}

/* Say which of the keys no row has. */
static bool all_there(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *items, const char *keys, size_t count)
{
    cz_model *target = field->column->field->target;
    const cz__column *key = target->state->key;
    size_t bytes = cz__column_bytes(target->state->key);
    cz_query query = { .model = target,
                       .where = cz__cond_keys(input->ctx, target, key->attribute, key->type, keys,
                                              count),
                       .only = { &key->attribute, 1 },
                       .unordered = true };
    struct cz__rows rows = cz__select(input->ctx, &query);
    cz_map found;
    cz_map_init(&found, input->ctx->arena);
    for (size_t i = 0; i < rows.count; i++) {
        cz_row *row = cz__row_nth(rows.items, i, target);
        cz_str name = { cz__row_at(row, key), bytes };
        cz_check(input->ctx, cz_map_set(&found, name, row));
    }
    for (size_t i = 0; i < count; i++)
        if (!cz_map_get(&found, cz_str_of(keys + i * bytes, bytes))) {
            not_there(input, field, &items[i]);
            return false;
        }
    return true;
}

static void take_several(struct cz__input *input, const struct cz__serializer_field *field,
                         const struct cz__member *member)
{
    const cz_model *target = field->column->field->target;
    size_t bytes = cz__column_bytes(target->state->key), count;
    struct cz__member *items;
    if (!cz__input_items(input, field, member, &items, &count))
        return;
    if (!count && !field->column->via && !field->column->field->options.blank) {
        cz__input_fail(input, field, "empty", "This list may not be empty.");
        return;
    }
    char *keys = cz_array(input->ctx, char, count *bytes + 1);
    for (size_t i = 0; i < count; i++)
        if (!key_named(input, field, &items[i], keys + i * bytes))
            return;
    if (count && field->as != CZ__AS_SLUG && !all_there(input, field, items, keys, count))
        return;
    struct links *links = cz_new(input->ctx, struct links);
    links->pending.store = store_links;
    links->column = field->column;
    links->keys = (cz_int_list){ (const int64_t *)(const void *)keys, count };
    cz__pending_add(input->row, &links->pending);
}

void cz__input_related(struct cz__input *input, const struct cz__serializer_field *field,
                       const struct cz__member *member)
{
    if (field->column->many)
        take_several(input, field, member);
    else
        take_one(input, field, member);
}
