/* Rows in the input of another row: those behind a foreign key, a reverse side or a many-to-many. They are checked with
 * it, and stored with it (docs/decisions/0091-saving-what-came-nested.md). */
#include "serializers/serializers_internal.h"
#include <calzone/relations.h>

static const void *key_at(const cz_row *row)
{
    return cz__row_at(row, row->model->state->key);
}

static cz_str key_str(const cz_row *row)
{
    return cz_str_of(key_at(row), cz__column_bytes(row->model->state->key));
}

static void copy_key(cz_row *row, const cz__column *column, const cz_row *from)
{
    size_t bytes = cz__column_bytes(from->model->state->key);
    bool has_it = cz__row_bit(row, CZ__BITS_LOADED, column->ordinal) &&
                  !cz__row_bit(row, CZ__BITS_NULL, column->ordinal);
    if (has_it && memcmp(cz__row_at(row, column), key_at(from), bytes) == 0)
        return;
    memcpy(cz__row_at(row, column), key_at(from), bytes);
    cz__row_mark(row, column, false);
}

const struct cz__member *cz__document_key(const struct cz__document *document)
{
    const struct cz__serializer_field *key = document->state->key;
    const struct cz__member *member =
        key ? &document->members[key - document->state->fields] : NULL;
    bool given = member && member->kind != CZ_JSON_END && member->kind != CZ_JSON_NULL;
    return given ? member : NULL;
}

bool cz__document_read_key(cz_ctx *ctx, const struct cz__document *document, const cz_model *target,
                           void *key, cz_field_errors *errors)
{
    const struct cz__member *member = cz__document_key(document);
    if (cz__key_of(member, target, key))
        return true;
    cz_field_errors_add(ctx, errors, document->state->key->name, "incorrect_type",
                        "Incorrect type. Expected pk value, received %s.",
                        cz__json_kind_name(member->kind));
    return false;
}

/* Whether members of a nested object may be missing: of one that names a stored row, and of one that is for a stored row
 * when its parent's may. */
static bool is_partial(const struct cz__input *input, const struct cz__document *document,
                       const cz_row *row)
{
    return row && (input->partial || cz__document_key(document));
}

/* ---- behind a foreign key ---- */

struct one {
    struct cz__pending pending;
    const cz__column *column;
    cz_row *related;
};

static void store_one(cz_ctx *ctx, cz_row *row, struct cz__pending *pending)
{
    const struct one *one = (const struct one *)(const void *)pending;
    cz__save(ctx, one->related);
    copy_key(row, one->column, one->related);
    *cz__row_slot(row, one->column) = one->related;
}

/* The row an object names by its key: the one that is referred to, or another; NULL: there is none, which is told. */
static cz_row *named_row(struct cz__input *input, const struct cz__document *document,
                         cz_row *current, cz_model *target, cz_field_errors *errors)
{
    void *key = cz_new(input->ctx, cz_uuid);
    if (!cz__document_read_key(input->ctx, document, target, key, errors))
        return NULL;
    if (current && memcmp(key, key_at(current), cz__column_bytes(target->state->key)) == 0)
        return current;
    cz_query query = { .model = target,
                       .where = cz__cond_column(input->ctx, target, target->state->key, key),
                       .unordered = true,
                       .limit = 1 };
    struct cz__rows rows = cz__select(input->ctx, &query);
    if (!rows.count)
        cz__not_there(input->ctx, document->state->key->name, cz__document_key(document)->text,
                      errors);
    return rows.items;
}

static void take_one(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member)
{
    const cz__column *column = field->column;
    const struct cz__document *document = member->documents[0];
    cz_field_errors *errors = cz_field_errors_inside(input->ctx, input->errors, field->name);
    if (document->kind != CZ_JSON_OBJECT) {
        cz__document_is_no_object(input->ctx, document, errors);
        return;
    }
    cz_row *current =
        input->existing ? cz__relation(input->ctx, input->row, column->ordinal, __FILE__, __LINE__)
                        : NULL;
    cz_row *row = current;
    if (cz__document_key(document)) {
        row = named_row(input, document, current, column->field->target, errors);
        if (!row)
            return;
    }
    struct one *one = cz_new(input->ctx, struct one);
    one->pending.store = store_one;
    one->pending.before = true;
    one->column = column;
    one->related =
        cz__document_take(input->ctx, document, row, is_partial(input, document, row), errors);
    if (row) { /* known now; a new row has its key when it is stored */
        copy_key(input->row, column, row);
        *cz__row_slot(input->row, column) = row;
    }
    cz__pending_add(input->row, &one->pending);
}

/* ---- behind a reverse side or a many-to-many ---- */

struct several {
    struct cz__pending pending;
    const cz__column *column;
    bool list; /* others that are behind it now go */
    cz_row **rows;
    size_t count;
};

/* The keys of the rows that have one: of those that are stored. */
static char *stored_keys(cz_ctx *ctx, const struct several *several, size_t *out_count)
{
    size_t bytes = cz__column_bytes(several->column->field->target->state->key);
    char *keys = cz_array(ctx, char, several->count *bytes + 1);
    *out_count = 0;
    for (size_t i = 0; i < several->count; i++)
        if (cz__row_bit(several->rows[i], CZ__BITS_LOADED, 0))
            memcpy(keys + (*out_count)++ * bytes, key_at(several->rows[i]), bytes);
    return keys;
}

/* Delete the rows behind the reverse side that the input did not name. */
static void delete_others(cz_ctx *ctx, cz_row *row, const struct several *several)
{
    cz_model *target = several->column->field->target;
    const cz__column *key = target->state->key;
    size_t count;
    const char *keys = stored_keys(ctx, several, &count);
    cz_cond others = NULL;
    if (count)
        others =
            cz__cond_not(ctx, cz__cond_keys(ctx, target, key->attribute, key->type, keys, count));
    cz_cond behind = cz__related_cond(ctx, row, several->column);
    cz_query query = { .model = target, .where = cz__cond_both(ctx, behind, others) };
    cz_ignore(cz__delete(ctx, &query) == 0);
}

/* Those that go make place for those that come, whose values may be unique. */
static void store_reverse(cz_ctx *ctx, cz_row *row, struct cz__pending *pending)
{
    const struct several *several = (const struct several *)(const void *)pending;
    if (several->list)
        delete_others(ctx, row, several);
    for (size_t i = 0; i < several->count; i++) {
        copy_key(several->rows[i], several->column->via, row);
        cz__save(ctx, several->rows[i]);
    }
    cz__related_forget(row, several->column);
}

static void store_links(cz_ctx *ctx, cz_row *row, struct cz__pending *pending)
{
    const struct several *several = (const struct several *)(const void *)pending;
    for (size_t i = 0; i < several->count; i++)
        cz__save(ctx, several->rows[i]);
    size_t count;
    const char *keys = stored_keys(ctx, several, &count);
    cz_int_list list = { (const int64_t *)(const void *)keys, count }; /* all lists begin alike */
    cz__related_change(ctx, row, several->column->ordinal, CZ__RELATED_SET, CZ__NO_DEFAULTS, &list);
}

/* The documents of a member, and where what is wrong with each of them goes. */
struct items {
    struct cz__document *const *documents;
    size_t count;
    cz_field_errors **errors;
    cz_map stored; /* rows by the keys that the documents name */
};

static cz_field_errors *errors_of(struct cz__input *input, const struct cz__serializer_field *field,
                                  const struct items *items, size_t n)
{
    return field->list
               ? cz_field_errors_item(input->ctx, input->errors, field->name, n, items->count)
               : cz_field_errors_inside(input->ctx, input->errors, field->name);
}

/* Read the rows that keys name: of a reverse side those of this row alone. */
static void find_stored(struct cz__input *input, const struct cz__serializer_field *field,
                        struct items *items)
{
    cz_model *target = field->column->field->target;
    const cz__column *key = target->state->key;
    size_t bytes = cz__column_bytes(target->state->key), count = 0;
    char *keys = cz_array(input->ctx, char, items->count *bytes + 1);
    cz_map_init(&items->stored, input->ctx->arena);
    for (size_t i = 0; i < items->count; i++)
        if (items->documents[i]->kind == CZ_JSON_OBJECT && cz__document_key(items->documents[i]) &&
            cz__key_of(cz__document_key(items->documents[i]), target, keys + count * bytes))
            count++;
    bool links = field->column->link_table != NULL;
    bool has_own = field->list ? count > 0 : input->existing; /* of a one-to-one there is one */
    if (!has_own || (!links && !input->existing))
        return;
    cz_cond behind = NULL, named = NULL;
    if (!links)
        behind = cz__related_cond(input->ctx, input->row, field->column);
    if (field->list)
        named = cz__cond_keys(input->ctx, target, key->attribute, key->type, keys, count);
    cz_query query = { .model = target,
                       .where = cz__cond_both(input->ctx, behind, named),
                       .unordered = true };
    struct cz__rows rows = cz__select(input->ctx, &query);
    for (size_t i = 0; i < rows.count; i++) {
        cz_row *row = cz__row_nth(rows.items, i, target);
        cz_check(input->ctx, cz_map_set(&items->stored, key_str(row), row));
    }
}

/* The stored row an object is for; NULL: a new one, or `*out_wrong`. One row has one object. */
static cz_row *stored_for(struct cz__input *input, const struct cz__serializer_field *field,
                          struct items *items, size_t n, bool *out_wrong)
{
    const struct cz__document *document = items->documents[n];
    const cz_model *target = field->column->field->target;
    const struct cz__member *member = cz__document_key(document);
    *out_wrong = false;
    if (!member) {
        size_t cursor = 0;
        const cz_map_entry *only = field->list ? NULL : cz_map_next(&items->stored, &cursor);
        return only ? only->value : NULL;
    }
    void *key = cz_new(input->ctx, cz_uuid);
    *out_wrong = !cz__document_read_key(input->ctx, document, target, key, items->errors[n]);
    if (*out_wrong)
        return NULL;
    cz_str name = { key, cz__column_bytes(target->state->key) };
    cz_row *row = cz_map_remove(&items->stored, name);
    *out_wrong = !row;
    if (!row)
        cz__not_there(input->ctx, document->state->key->name, member->text, items->errors[n]);
    return row;
}

static cz_row *take_item(struct cz__input *input, const struct cz__serializer_field *field,
                         struct items *items, size_t n)
{
    const struct cz__document *document = items->documents[n];
    items->errors[n] = errors_of(input, field, items, n);
    if (document->kind != CZ_JSON_OBJECT) {
        cz__document_is_no_object(input->ctx, document, items->errors[n]);
        return NULL;
    }
    bool wrong;
    cz_row *row = stored_for(input, field, items, n, &wrong);
    return wrong ? NULL
                 : cz__document_take(input->ctx, document, row, is_partial(input, document, row),
                                     items->errors[n]);
}

static void take_several(struct cz__input *input, const struct cz__serializer_field *field,
                         const struct cz__member *member)
{
    if (field->list && member->kind != CZ_JSON_LIST) {
        cz_field_errors_add(input->ctx, input->errors, field->name, "not_a_list",
                            "Expected a list of items but got type \"%s\".",
                            cz__json_kind_name(member->kind));
        return;
    }
    struct items items = { .documents = member->documents, .count = member->document_count };
    if (items.count > CZ_INPUT_LIST_MAX) {
        cz_field_errors_add(input->ctx, input->errors, field->name, "max_length",
                            "Ensure this field has no more than %d elements.", CZ_INPUT_LIST_MAX);
        return;
    }
    items.errors = cz_array(input->ctx, cz_field_errors *, items.count + 1);
    find_stored(input, field, &items);
    struct several *several = cz_new(input->ctx, struct several);
    several->pending.store = field->column->link_table ? store_links : store_reverse;
    several->column = field->column;
    several->list = field->list;
    several->rows = cz_array(input->ctx, cz_row *, items.count + 1);
    for (; several->count < items.count; several->count++)
        several->rows[several->count] = take_item(input, field, &items, several->count);
    cz__pending_add(input->row, &several->pending);
}

void cz__input_nested(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    if (field->column->many)
        take_several(input, field, member);
    else
        take_one(input, field, member);
}
