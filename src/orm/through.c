/* Many-to-many relations whose links are rows of a model: which of its foreign keys they are, and its rows read,
 * made and deleted. Filters, joins and prefetches go over its table as over any table of links. */
#include "orm/orm_internal.h"

enum { KEYS_PER_DELETE = 500 };

/* ---- at start-up ---- */

static cz_status refuse(const cz_model *model, const cz__column *column, cz_error *err,
                        const char *text, const char *target)
{
    return cz_error_set(err, CZ_EVALIDATION, "%s.%s: %s %s %s", model->name, column->field->name,
                        column->field->options.through->name, text, target);
}

/* One of .through_fields. */
static cz_status named_key(const cz_model *model, const cz__column *column, size_t at,
                           const cz_model *target, const cz__column **out, cz_error *err)
{
    const cz_model *through = column->field->options.through;
    cz_str name = column->field->options.through_fields.items[at];
    const cz__column *key = cz__column_find(through, name);
    if (!key || !key->relation || !cz__same_table(key->field->target, target))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s.%s: .through_fields: %s.%.*s is no foreign key to %s", model->name,
                            column->field->name, through->name, CZ_STR_ARG(name), target->name);
    *out = key;
    return CZ_OK;
}

/* The foreign keys of the model between that lead to `target`: `*out_first`, and of two `*out_second`. */
static size_t find_keys(const cz_model *through, const cz_model *target,
                        const cz__column **out_first, const cz__column **out_second)
{
    size_t count = 0;
    for (uint16_t i = 0; i < through->state->column_count; i++) {
        const cz__column *key = &through->state->columns[i];
        if (!key->relation || !cz__same_table(key->field->target, target))
            continue;
        if (count < 2)
            *(count ? out_second : out_first) = key;
        count++;
    }
    return count;
}

/* Of a model with itself: the first key leads to the row that has the links, the second to what it is linked with. */
static cz_status find_both(const cz_model *model, const cz__column *column, const cz__column **from,
                           const cz__column **to, cz_error *err)
{
    size_t count = find_keys(column->field->options.through, model, from, to);
    if (count == 2)
        return CZ_OK;
    return refuse(model, column, err,
                  count < 2 ? "needs two foreign keys, from and to:"
                            : "has more than two foreign keys: say by .through_fields which two "
                              "link rows of",
                  model->name);
}

static cz_status find_one(const cz_model *model, const cz__column *column, const cz_model *target,
                          const cz__column **out, cz_error *err)
{
    const cz__column *second;
    size_t count = find_keys(column->field->options.through, target, out, &second);
    if (count == 1)
        return CZ_OK;
    return refuse(model, column, err,
                  count ? "has more than one foreign key, say by .through_fields which one links:"
                        : "has no foreign key to",
                  target->name);
}

/* Two fields over the same keys would be the same links, each cached apart. */
static cz_status check_other_fields(const cz_model *model, const cz__column *column, cz_error *err)
{
    for (const cz__column *other = model->state->columns; other < column; other++)
        if (other->through == column->through && other->through_from == column->through_from &&
            other->through_to == column->through_to)
            return cz_error_set(
                err, CZ_EVALIDATION, "%s.%s: %s.%s goes through the same keys of %s", model->name,
                column->field->name, model->name, other->field->name, column->through->name);
    return CZ_OK;
}

static cz_status find_ends(const cz_model *model, const cz__column *column, const cz__column **from,
                           const cz__column **to, cz_error *err)
{
    const cz_model *target = column->field->target;
    const cz_fields *named = &column->field->options.through_fields;
    if (named->count && named->count != 2)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s.%s: .through_fields are two: the foreign key to %s and that to %s",
                            model->name, column->field->name, model->name, target->name);
    if (!named->count && cz__same_table(target, model))
        return find_both(model, column, from, to, err);
    cz_status status = named->count ? named_key(model, column, 0, model, from, err)
                                    : find_one(model, column, model, from, err);
    if (status)
        return status;
    status = named->count ? named_key(model, column, 1, target, to, err)
                          : find_one(model, column, target, to, err);
    if (!status && *from == *to)
        return refuse(model, column, err, "has one key for both sides of", column->field->name);
    return status;
}

cz_status cz__through_resolve(const cz_model *model, cz__column *column, cz_error *err)
{
    cz_model *through = column->field->options.through;
    const cz__column *from = NULL, *to = NULL;
    if (!through->state)
        return refuse(model, column, err, "is not in any app's .models, and is to link",
                      model->name);
    cz_status status = find_ends(model, column, &from, &to, err);
    if (status)
        return status;
    cz_assert(from && to);
    column->through = through;
    column->through_from = from;
    column->through_to = to;
    column->link_table = through->state->table;
    column->link_from = from->name;
    column->link_to = to->name;
    return check_other_fields(model, column, err);
}

/* ---- rows ---- */

static cz_cond of_row(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    return cz__cond_column(ctx, column->through, column->through_from,
                           cz__row_at(row, row->model->state->key));
}

struct reading {
    const cz__column *to;
    char *keys;
    size_t bytes, count, cap;
    cz_arena *arena;
    bool no_memory;
};

/* Rows come in the order of their keys, so that a row linked twice stands beside itself. */
static bool take_key(const cz__db_cursor *cursor, void *arg)
{
    struct reading *r = arg;
    if (!cz__links_make_room(r->arena, &r->keys, &r->cap, r->count, r->bytes)) {
        r->no_memory = true;
        return false;
    }
    char *at = r->keys + r->count * r->bytes;
    if (cursor->db->driver->read(cursor, 1, r->to->type, at) &&
        (!r->count || memcmp(at - r->bytes, at, r->bytes) != 0))
        r->count++;
    return true;
}

size_t cz__through_read(cz_ctx *ctx, const cz_row *row, const cz__column *column, void **out)
{
    const cz__column *to = column->through_to;
    struct reading reading = {
        .to = to, .bytes = cz__column_bytes(to), .cap = 8, .arena = ctx->arena
    };
    reading.keys = cz_alloc(ctx, reading.cap * reading.bytes);
    cz_order by_key = { .path = to->attribute };
    cz_query query = { .model = column->through,
                       .where = of_row(ctx, row, column),
                       .order_by = { &by_key, 1 },
                       .only = { &to->attribute, 1 }, /* after the key, which is always read */
                       .database = cz__alias_of(ctx, row->model, row, NULL, false) };
    cz_ignore(cz__each(ctx, &query, take_key, &reading) == 0);
    if (reading.no_memory)
        cz_raise(ctx, CZ_ENOMEM, "no memory for the links of a row");
    *out = reading.keys;
    return reading.count;
}

static void check_defaults(cz_ctx *ctx, const cz__column *column, const cz_pairs *defaults)
{
    const cz_field *field = column->field;
    if (!column->through)
        cz_raise(ctx, CZ_EINVAL, "%s has no .through: its links have no fields of their own",
                 field->name);
    if (!cz__same_table(defaults->model, column->through))
        cz_raise(ctx, CZ_EINVAL, "%s goes through %s: what its links are given cannot be of %s",
                 field->name, column->through->name, defaults->model->name);
    for (size_t i = 0; i < defaults->count; i++)
        if (defaults->items[i].field == column->through_from->ordinal ||
            defaults->items[i].field == column->through_to->ordinal)
            cz_raise(ctx, CZ_EINVAL, "%s.%s of a link is the row it leads to, not a default",
                     column->through->name, column->through->fields[defaults->items[i].field].name);
}

void cz__through_check(cz_ctx *ctx, const cz__column *column, const cz_pairs *defaults)
{
    if (defaults->model)
        check_defaults(ctx, column, defaults);
}

void cz__through_add(cz_ctx *ctx, const struct cz__links *links, const char *database,
                     const char *keys, size_t count)
{
    const cz__column *column = links->column, *to = column->through_to;
    const cz__column *key = links->row->model->state->key;
    size_t given = links->defaults.count;
    cz_row **rows = cz_array(ctx, cz_row *, count);
    struct cz__assign *assigns = cz_array(ctx, struct cz__assign, given + 2);
    if (given)
        memcpy(assigns, links->defaults.items, given * sizeof *assigns);
    assigns[given] = (struct cz__assign){ column->through_from->ordinal, cz__value_kind_of(key),
                                          cz__row_at(links->row, key) };
    for (size_t i = 0; i < count; i++) {
        assigns[given + 1] = (struct cz__assign){ to->ordinal, cz__value_kind_of(to),
                                                  keys + i * cz__column_bytes(to) };
        rows[i] = cz__row_made(ctx, column->through, assigns, given + 2);
    }
    const cz_bulk_options options = { .database = database };
    cz_ignore(cz__bulk_create(ctx, column->through, rows, count, &options) < 0); /* as many */
}

void cz__through_remove(cz_ctx *ctx, const struct cz__links *links, const char *database,
                        const char *keys, size_t count)
{
    const cz__column *column = links->column, *to = column->through_to;
    for (size_t from = 0; from < count; from += KEYS_PER_DELETE) {
        size_t part = count - from < KEYS_PER_DELETE ? count - from : KEYS_PER_DELETE;
        cz_cond both[] = { of_row(ctx, links->row, column),
                           cz__cond_keys(ctx, column->through, to->attribute, to->type,
                                         keys + from * cz__column_bytes(to), part) };
        cz_query query = { .model = column->through,
                           .where = cz_cond_all(ctx, both, 2),
                           .database = database };
        cz_ignore(cz__delete(ctx, &query) < 0); /* counted by nobody */
    }
}
