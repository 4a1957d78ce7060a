/* From rows to the rows they are related to. Touching a relation of one row of a result loads it for all rows of
 * that result, so a loop over rows asks once and not once a row. What is loaded is kept with the result: by the
 * relation, by what narrowed it and, for what a query named, by its name. */
#include "orm/orm_internal.h"
#include <calzone/relations.h>

struct cz__loaded {
    struct cz__loaded *next;
    const cz__column *column;
    const char *name; /* `.as`; NULL: none */
    cz_str
        narrowed; /* shape and values of the query; empty: what the relation is without arguments */
    bool stays;   /* asked for as it is; else read anew once its model was changed */
    const cz_model *depends;  /* whose changes matter; NULL: any model's */
    uint64_t at;              /* the moment it was read */
    cz_map rows;              /* key of this side -> struct cz__rows, of none for those without */
    struct cz__result *found; /* all of the rows; NULL: there are none */
};

struct touch { /* somebody asks about a relation of a row */
    cz_row *row;
    const cz__column *column;
    const char *file;
    int line;
};

const char *cz__alias_behind(cz_ctx *ctx, const cz_row *row, const cz__column *column,
                             const char *named, bool write)
{
    cz_model *target = column->field->target;
    bool same = target->state->database == row->model->state->database;
    return cz__alias_of(ctx, target, same ? row : NULL, named, write);
}

/* ---- keys ---- */

/* Where a row's end of a relation is: its key, or its foreign key. */
static const cz__column *near_end(const cz_model *model, const cz__column *column)
{
    return column->many ? model->state->key : column;
}

static cz_str key_text(const cz_row *row, const cz__column *near)
{
    return cz_str_of(cz__row_at(row, near), cz__column_bytes(near));
}

static bool has_end(const cz_row *row, const cz__column *near)
{
    return cz__row_bit(row, CZ__BITS_LOADED, near->ordinal) &&
           !cz__row_bit(row, CZ__BITS_NULL, near->ordinal);
}

/* The key of `first`, which may be a copy of a row, and of the rows of its result, each once. `already`: those
 * that are known are left out; may be NULL. */
static struct cz__key_list gather(cz_ctx *ctx, const cz_row *first, const struct cz__result *result,
                                  const cz__column *near, const cz_map *already)
{
    size_t bytes = cz__column_bytes(near), rows = result ? result->count : 0, count = 0;
    char *keys = cz_alloc(ctx, (rows + 1) * bytes);
    cz_map seen;
    cz_map_init(&seen, ctx->arena);
    for (size_t n = 0; n <= rows; n++) {
        const cz_row *row = n ? cz__row_nth(result->items, n - 1, result->model) : first;
        if (!row || !has_end(row, near))
            continue;
        cz_str key = key_text(row, near);
        if ((already && cz_map_get(already, key)) || cz_map_get(&seen, key))
            continue;
        memcpy(keys + count * bytes, key.ptr, bytes);
        cz_check(ctx, cz_map_set(&seen, cz_str_of(keys + count++ * bytes, bytes), keys));
    }
    return (struct cz__key_list){ keys, count };
}

/* ---- what is kept ---- */

static struct cz__loaded *find(const struct cz__result *result, const cz__column *column,
                               const char *name, cz_str narrowed)
{
    for (struct cz__loaded *l = result ? result->loaded : NULL; l; l = l->next)
        if (l->column == column && (name != NULL) == (l->name != NULL) &&
            (name ? strcmp(name, l->name) == 0 : cz_str_eq(narrowed, l->narrowed)))
            return l;
    return NULL;
}

static void keep(cz_ctx *ctx, struct cz__result *result, struct cz__loaded *loaded)
{
    if (!cz__may_keep(ctx, result))
        return;
    loaded->next = result->loaded;
    result->loaded = loaded;
}

void cz__related_forget(const cz_row *row, const cz__column *column)
{
    for (struct cz__loaded **l = row->result ? &row->result->loaded : NULL; l && *l;)
        if ((*l)->column == column && !(*l)->name)
            *l = (*l)->next;
        else
            l = &(*l)->next;
}

static void remember(cz_ctx *ctx, struct cz__loaded *loaded, cz_str key, struct cz__rows rows)
{
    struct cz__rows *kept = cz_new(ctx, struct cz__rows);
    *kept = rows;
    cz_check(ctx, cz_map_set(&loaded->rows, key, kept));
}

/* Read the rows behind the keys into `loaded`. They come in the order of the keys: a slice for each. */
static void read_behind(cz_ctx *ctx, struct cz__loaded *loaded, const cz_model *from,
                        struct cz__key_list keys, const cz_query *query)
{
    const cz__column *near = near_end(from, loaded->column);
    size_t bytes = cz__column_bytes(near);
    struct cz__behind behind = { .column = loaded->column,
                                 .from = from,
                                 .keys = keys,
                                 .value_kind =
                                     bytes == sizeof(cz_uuid) ? CZ__VALUE_UUIDS : CZ__VALUE_INTS };
    if (!keys.count)
        return;
    char *ends;
    cz_query all = *query;
    all.repeats |= keys.count > 1; /* which is not one query a row */
    struct cz__rows found = cz__select_behind(ctx, &all, &behind, &ends);
    const cz_model *target = query->model;
    for (size_t first = 0, n = 1; first < found.count; n++) {
        const char *end = ends + first * bytes;
        if (n < found.count && memcmp(end, ends + n * bytes, bytes) == 0)
            continue;
        remember(ctx, loaded, cz_str_of(end, bytes),
                 (struct cz__rows){ cz__row_nth(found.items, first, target), n - first });
        first = n;
    }
    for (size_t n = 0; n < keys.count; n++) {
        cz_str key = cz_str_of((const char *)keys.items + n * bytes, bytes);
        if (!cz_map_get(&loaded->rows, key))
            remember(ctx, loaded, key, (struct cz__rows){ 0 });
    }
    if (found.count)
        loaded->found = cz__row_nth(found.items, 0, target)->result;
}

static struct cz__loaded *new_loaded(cz_ctx *ctx, const cz__column *column)
{
    struct cz__loaded *loaded = cz_new(ctx, struct cz__loaded);
    loaded->column = column;
    loaded->stays = true;
    cz_map_init(&loaded->rows, ctx->arena);
    return loaded;
}

static CZ_NORETURN void refuse(cz_ctx *ctx, const struct touch *touch)
{
    const struct cz__result *result = touch->row->result;
    cz__raise(ctx, touch->file ? touch->file : __FILE__, touch->file ? touch->line : __LINE__,
              CZ_EINVAL, "%s.%s was not read, and the query at %s:%d is strict",
              touch->row->model->name, touch->column->field->name,
              result->file ? result->file : "?", result->line);
}

static void check_strict(cz_ctx *ctx, const struct touch *touch)
{
    if (touch->row->result && touch->row->result->strict)
        refuse(ctx, touch);
}

/* ---- one row: a foreign key ---- */

/* Point the rows of a result at what was read for them. */
static void fill_slots(const struct cz__result *result, const struct cz__loaded *loaded)
{
    const cz__column *column = loaded->column;
    for (size_t n = 0; result && n < result->count; n++) {
        const cz_row *row = cz__row_nth(result->items, n, result->model);
        if (!has_end(row, column) || *cz__row_slot(row, column))
            continue;
        const struct cz__rows *rows = cz_map_get(&loaded->rows, key_text(row, column));
        if (rows && rows->count)
            *cz__row_slot(row, column) = rows->items;
    }
}

/* To one row it leads whatever the model's manager says. */
static cz_query plain_query(const struct cz__result *result, const cz__column *column,
                            const char *file, int line)
{
    return (cz_query){ .model = column->field->target,
                       .unordered = !column->many,
                       .manager = column->many ? NULL : &cz_base_manager,
                       .strict = result && result->strict,
                       .repeats = result && result->repeats,
                       .file = file,
                       .line = line };
}

static void relation_in_part(cz_ctx *ctx, void *arg)
{
    const struct touch *touch = arg;
    cz_ignore(cz__relation(ctx, touch->row, touch->column->ordinal, touch->file, touch->line) ==
              NULL); /* it is in its slot */
}

void *cz__relation(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line)
{
    struct touch touch = { row, &row->model->state->columns[field], file, line };
    const cz__column *column = touch.column;
    if (!cz__row_bit(row, CZ__BITS_LOADED, field)) {
        if (!cz__row_bit(row, CZ__BITS_LOADED, 0))
            return NULL; /* a new row that refers to nothing yet */
        cz__load(ctx, row, field, file, line);
    }
    if (cz__row_bit(row, CZ__BITS_NULL, field))
        return NULL;
    cz_row **slot = cz__row_slot(row, column);
    if (*slot)
        return *slot;
    struct cz__result *result = row->result;
    struct cz__apart *part = cz__apart_of(ctx, result);
    if (part) {
        cz__apart_go_on(part, relation_in_part, &touch);
        return *slot;
    }
    struct cz__loaded *loaded = find(result, column, NULL, CZ_STR(""));
    const struct cz__rows *rows = loaded ? cz_map_get(&loaded->rows, key_text(row, column)) : NULL;
    if (!rows) {
        check_strict(ctx, &touch);
        cz_query query = plain_query(result, column, file, line);
        query.database = cz__alias_behind(ctx, row, column, NULL, false);
        const cz_map *known = loaded ? &loaded->rows : NULL;
        struct cz__key_list keys = gather(ctx, row, result, column, known);
        if (!loaded) {
            loaded = new_loaded(ctx, column);
            keep(ctx, result, loaded);
        }
        read_behind(ctx, loaded, row->model, keys, &query);
        if (cz__may_keep(ctx, result))
            fill_slots(result, loaded);
        rows = cz_map_get(&loaded->rows, key_text(row, column));
    }
    if (result && !cz__may_keep(ctx, result))
        return rows->count ? rows->items : NULL; /* the row lives longer than what was read */
    *slot = rows->count ? rows->items : NULL;
    return *slot;
}

/* ---- several rows: reverse sides and many-to-many ---- */

static bool is_plain(const cz_query *query)
{
    return !query->where && !query->order_by.count && !query->related.count && !query->limit &&
           !query->offset && !query->unordered && !query->distinct && !query->distinct_on.count &&
           !query->only.count && !query->defer.count && !query->lock && !query->combine.count &&
           !query->prefetch.count && !query->manager && !query->deleted && !query->database;
}

static bool orders_by_window(const cz_order_list *order)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->items[i].expr && cz__has_window(order->items[i].expr))
            return true;
    return false;
}

/* What no window and no condition over many rows can say: each row's rows are asked for apart. */
static bool is_apart(const cz_query *query)
{
    bool sliced = query->limit || query->offset;
    return query->lock || query->distinct_on.count || query->combine.count ||
           (sliced && (query->distinct || orders_by_window(cz__ordering_of(query))));
}

/* Whether a condition asks about other models than its own. */
static bool asks_others(cz_cond cond)
{
    if (cond->op == CZ__COND_EVERY)
        return false;
    if (cond->op == CZ__COND_EXISTS || cond->op == CZ__COND_LINKED)
        return true;
    if (cond->op == CZ__COND_LEAF)
        return cond->expr || cz__expr_of(cond->value_kind, cond->value) ||
               cz_str_find(cond->path, CZ_STR("->")) != SIZE_MAX;
    for (uint32_t i = 0; i < cond->count; i++)
        if (asks_others(cond->children[i]))
            return true;
    return false;
}

static bool orders_by_others(const cz_order_list *order)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->items[i].expr || cz_str_find(order->items[i].path, CZ_STR("->")) != SIZE_MAX)
            return true;
    return false;
}

/* The model whose changes change what the query gives; NULL: any. */
static const cz_model *depends_on(const cz_query *query)
{
    bool others =
        query->related.count || query->prefetch.count || orders_by_others(cz__ordering_of(query));
    cz_cond conds[CZ__CONDS_MAX];
    size_t count = cz__conds_of(query, conds);
    for (size_t i = 0; i < count; i++)
        others |= asks_others(conds[i]);
    return others ? NULL : query->model;
}

/* What narrows a relation, as bytes that are equal when it is the same. Returns false when it is too long. */
static bool append_narrowed(cz_ctx *ctx, cz_buf *out, const cz_query *query)
{
    struct cz__shape shape;
    struct cz__plan_request request = { .kind = CZ__PLAN_SELECT, .query = query };
    cz__shape_build(ctx, &shape, &request,
                    cz__session_to_read(ctx, query->model, NULL, query->database, false));
    cz_str database = cz_str_from(query->database ? query->database : "");
    uint64_t database_len = database.len;
    cz_buf_append_str(out, cz_str_of((const char *)&database_len, sizeof database_len));
    cz_buf_append_str(out, database);
    if (shape.overflow)
        return false;
    uint64_t numbers[] = { shape.len, (uint64_t)query->limit, (uint64_t)query->offset,
                           query->prefetch.count };
    cz_buf_append_str(out, cz_str_of((const char *)numbers, sizeof numbers));
    cz_buf_append_str(out, cz_str_of(shape.bytes, shape.len));
    cz__shape_values(&shape, out);
    for (size_t i = 0; i < query->prefetch.count; i++) {
        const cz_prefetch *item = &query->prefetch.items[i];
        uint64_t head[] = { item->path.len, item->query != NULL };
        cz_buf_append_str(out, cz_str_of((const char *)head, sizeof head));
        cz_buf_append_str(out, item->path);
        if (!item->query)
            continue;
        cz_buf_append_str(out, cz_str_from(item->query->as ? item->query->as : ""));
        if (!append_narrowed(ctx, out, item->query))
            return false;
    }
    return true;
}

/* Empty: nothing narrows it; with a NULL pointer: too long to be found again. */
static cz_str narrowed_by(cz_ctx *ctx, const cz_query *query)
{
    if (is_plain(query))
        return CZ_STR("");
    cz_buf *out = cz__scratch(ctx);
    if (!append_narrowed(ctx, out, query))
        return (cz_str){ 0 };
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}

cz_cond cz__related_cond(cz_ctx *ctx, const cz_row *row, const cz__column *column)
{
    cz_model *target = column->field->target;
    const cz__column *key = row->model->state->key;
    if (!column->link_table)
        return cz__cond_column(ctx, target, column->via, cz__row_at(row, key));
    struct cz__cond *linked = cz_new(ctx, struct cz__cond);
    *linked = (struct cz__cond){ .op = CZ__COND_LINKED,
                                 .model = target,
                                 .link = column,
                                 .count = key->type,
                                 .value_kind = cz__value_kind_of(key),
                                 .value = cz__row_at(row, key) };
    return linked;
}

/* The rows of one row by a query of its own. */
static struct cz__rows read_apart(cz_ctx *ctx, const cz_row *row, const cz__column *column,
                                  const cz_query *query)
{
    cz_query narrowed = *query;
    narrowed.where = cz__cond_both(ctx, cz__related_cond(ctx, row, column), query->where);
    return cz__select(ctx, &narrowed);
}

const cz__column *cz__to_many(cz_ctx *ctx, const cz_row *row, size_t field)
{
    const cz__column *column = &row->model->state->columns[field];
    if (!column->many)
        cz_raise(ctx, CZ_EINVAL, "%s.%s leads to one row: CZ_REL() reads it", row->model->name,
                 column->field->name);
    if (!cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz_raise(ctx, CZ_EINVAL, "a %s that is not stored has no relations", row->model->name);
    return column;
}

struct asking { /* for the rows of a relation of a row of a part */
    cz_row *row;
    size_t field;
    const cz_query *asked;
    struct cz__rows rows;
};

static void rows_in_part(cz_ctx *ctx, void *arg)
{
    struct asking *asking = arg;
    asking->rows = cz__related_rows(ctx, asking->row, asking->field, asking->asked);
}

struct cz__rows cz__related_rows(cz_ctx *ctx, cz_row *row, size_t field, const cz_query *asked)
{
    struct cz__apart *part = cz__apart_of(ctx, row->result);
    if (part) {
        struct asking asking = { row, field, asked, { 0 } };
        cz__apart_go_on(part, rows_in_part, &asking);
        return asking.rows;
    }
    struct touch touch = { row, cz__to_many(ctx, row, field), asked->file, asked->line };
    struct cz__result *result = row->result;
    cz_str narrowed = narrowed_by(ctx, asked), key = key_text(row, row->model->state->key);
    struct cz__loaded *loaded = narrowed.ptr ? find(result, touch.column, NULL, narrowed) : NULL;
    bool stale = loaded && !loaded->stays && cz__watch_changed(ctx, loaded->depends, loaded->at);
    const struct cz__rows *rows = loaded && !stale ? cz_map_get(&loaded->rows, key) : NULL;
    if (rows)
        return *rows;
    check_strict(ctx, &touch);
    cz_query where_row_is = *asked;
    const cz_query *query = &where_row_is;
    where_row_is.database = cz__alias_behind(ctx, row, touch.column, asked->database, false);
    if (stale || !narrowed.ptr || is_apart(query))
        return read_apart(ctx, row, touch.column, query);
    loaded = new_loaded(ctx, touch.column);
    loaded->narrowed = narrowed;
    loaded->stays = !narrowed.len;
    loaded->depends = touch.column->through ? NULL : depends_on(query);
    loaded->at = cz__watch_now(ctx);
    read_behind(ctx, loaded, row->model, gather(ctx, row, result, row->model->state->key, NULL),
                query);
    keep(ctx, result, loaded);
    rows = cz_map_get(&loaded->rows, key);
    return *rows;
}

struct cz__rows cz__prefetched(cz_ctx *ctx, const cz_row *row, size_t field, const char *name)
{
    const cz__column *column = &row->model->state->columns[field];
    const struct cz__loaded *loaded = find(row->result, column, name, CZ_STR(""));
    if (!loaded)
        cz_raise(ctx, CZ_EINVAL, "no query prefetched %s.%s as \"%s\"", row->model->name,
                 column->field->name, name);
    const cz__column *near = near_end(row->model, column);
    const struct cz__rows *rows =
        has_end(row, near) ? cz_map_get(&loaded->rows, key_text(row, near)) : NULL;
    return rows ? *rows : (struct cz__rows){ 0 };
}

void *cz__related_one(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line)
{
    const cz__column *column = cz__to_many(ctx, row, field);
    if (!column->via || column->link_table || column->via->field->kind != CZ_KIND_one_to_one)
        cz_raise(ctx, CZ_EINVAL, "%s.%s leads to several rows: cz_related() reads them",
                 row->model->name, column->field->name);
    cz_query query = plain_query(row->result, column, file, line);
    struct cz__rows rows = cz__related_rows(ctx, row, field, &query);
    if (!rows.count)
        cz_raise(ctx, CZ_ENOTFOUND, "%s has no %s.", row->model->name, column->field->name);
    return rows.items;
}

/* ---- .prefetch ---- */

struct prefetching {
    const cz_query *query; /* whose .prefetch it is */
    const cz_prefetch *item;
};

static void check_item(cz_ctx *ctx, const struct cz__result *result, const cz__column *column,
                       const cz_query *query)
{
    const char *model = result->model->name, *field = column->field->name;
    if (!cz__same_table(query->model, column->field->target))
        cz_raise(ctx, CZ_EINVAL, "prefetch: %s.%s does not lead to %s", model, field,
                 query->model->name);
    if (is_apart(query) || query->values.count)
        cz_raise(ctx, CZ_EINVAL,
                 "prefetch: %s.%s takes neither locks, unions, values nor slices of rows that are "
                 "distinct or ordered by a window",
                 model, field);
    if (!column->many && (query->limit || query->offset))
        cz_raise(ctx, CZ_EINVAL, "prefetch: %s.%s leads to one row, of which there is no slice",
                 model, field);
    if (find(result, column, query->as, CZ_STR("")))
        cz_raise(ctx, CZ_EINVAL, "prefetch: %s.%s is read twice%s%s", model, field,
                 query->as ? " as " : "; name one with .as", query->as ? query->as : "");
}

/* Take one step from a result over a relation, narrowed by `query` or not (NULL). Returns the rows it leads to;
 * NULL: there are none. */
static struct cz__result *step(cz_ctx *ctx, struct cz__result *result, const cz__column *column,
                               const cz_query *narrowing, const struct prefetching *doing)
{
    struct cz__loaded *loaded = find(result, column, NULL, CZ_STR(""));
    cz_query query = plain_query(result, column, doing->query->file, doing->query->line);
    if (narrowing) {
        check_item(ctx, result, column, narrowing);
        query = *narrowing;
        query.strict |= result->strict;
        query.file = doing->query->file;
        query.line = doing->query->line;
    } else if (loaded) {
        return loaded->found;
    }
    for (size_t n = 0; !narrowing && !column->many && n < result->count; n++) {
        const cz_row *row = cz__row_nth(result->items, n, result->model);
        if (*cz__row_slot(row, column)) /* read along by .related */
            return (*cz__row_slot(row, column))->result;
    }
    if (!query.database && result->count)
        query.database = cz__alias_behind(ctx, cz__row_nth(result->items, 0, result->model), column,
                                          NULL, false);
    loaded = new_loaded(ctx, column);
    loaded->name = query.as ? cz_copy(ctx, cz_str_from(query.as)).ptr : NULL;
    read_behind(ctx, loaded, result->model,
                gather(ctx, NULL, result, near_end(result->model, column), NULL), &query);
    keep(ctx, result, loaded);
    if (!column->many && !loaded->name)
        fill_slots(result, loaded);
    return loaded->found;
}

static void prefetch_one(cz_ctx *ctx, struct cz__result *result, const struct prefetching *doing)
{
    const cz_model *model = result->model;
    for (cz_str rest = doing->item->path; rest.len;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
        const cz__column *column = cz__column_find(model, part);
        if (!column || !column->field->target)
            cz_raise(ctx, CZ_EINVAL, "prefetch: %s.%.*s is no relation", model->name,
                     CZ_STR_ARG(part));
        model = column->field->target;
        if (result)
            result = step(ctx, result, column, rest.len ? NULL : doing->item->query, doing);
    }
}

void cz__prefetch(cz_ctx *ctx, struct cz__result *result, const cz_query *query)
{
    for (size_t i = 0; i < query->prefetch.count; i++)
        prefetch_one(ctx, result, &(struct prefetching){ query, &query->prefetch.items[i] });
}

/* ---- columns that were left out ---- */

/* Rows of the result that lack the column, the one touched among them, get it from rows read for it. */
static void read_column(cz_ctx *ctx, const struct touch *touch)
{
    const cz_model *model = touch->row->model;
    const cz__column *key = model->state->key, *column = touch->column;
    struct cz__result *result = touch->row->result;
    struct cz__key_list keys = gather(ctx, touch->row, result, key, NULL);
    if (keys.count > CZ__LIST_ITEMS_MAX)
        keys.count = CZ__LIST_ITEMS_MAX; /* the touched one is the first; others ask again */
    struct cz__cond leaf = { .op = CZ__COND_LEAF,
                             .lookup = CZ_LOOKUP_IN,
                             .model = model,
                             .path = key->attribute,
                             .value = &keys,
                             .value_kind = CZ__DB_KIND(key->type) == CZ__DB_UUID ? CZ__VALUE_UUIDS
                                                                                 : CZ__VALUE_INTS };
    cz_query query = { .model = touch->row->model,
                       .where = &leaf,
                       .manager = &cz_base_manager,
                       .database = cz__alias_of(ctx, model, touch->row, NULL, false),
                       .only = { &column->attribute, 1 },
                       .unordered = true,
                       .repeats = keys.count > 1 || (result && result->repeats),
                       .file = touch->file,
                       .line = touch->line };
    struct cz__rows found = cz__select(ctx, &query);
    cz_map by_key;
    cz_map_init(&by_key, ctx->arena);
    for (size_t n = 0; n < found.count; n++) {
        cz_row *row = cz__row_nth(found.items, n, model);
        cz_check(ctx, cz_map_set(&by_key, key_text(row, key), row));
    }
    for (size_t n = 0; n <= (result ? result->count : 0); n++) {
        cz_row *row = n ? cz__row_nth(result->items, n - 1, model) : touch->row;
        const cz_row *from = has_end(row, key) ? cz_map_get(&by_key, key_text(row, key)) : NULL;
        if (!from || cz__row_bit(row, CZ__BITS_LOADED, column->ordinal))
            continue;
        memcpy(cz__row_at(row, column), cz__row_at(from, column), cz__column_bytes(column));
        cz__row_bit_set(row, CZ__BITS_NULL, column->ordinal,
                        cz__row_bit(from, CZ__BITS_NULL, column->ordinal));
        cz__row_bit_set(row, CZ__BITS_LOADED, column->ordinal, true);
        cz__row_keep_member(row, column);
    }
}

static void column_in_part(cz_ctx *ctx, void *arg)
{
    read_column(ctx, arg);
}

void cz__load(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line)
{
    struct touch touch = { row, &row->model->state->columns[field], file, line };
    const char *model = row->model->name, *name = touch.column->field->name;
    if (cz__row_bit(row, CZ__BITS_LOADED, field))
        return;
    if (!touch.column->stored)
        cz_raise(ctx, CZ_EINVAL, "%s.%s has no column to read", model, name);
    if (!cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz_raise(ctx, CZ_EINVAL, "%s.%s of a new row was never set", model, name);
    check_strict(ctx, &touch);
    struct cz__apart *part = cz__apart_of(ctx, row->result);
    if (part)
        cz__apart_go_on(part, column_in_part, &touch);
    else
        read_column(ctx, &touch);
    if (!cz__row_bit(row, CZ__BITS_LOADED, field))
        cz_raise(ctx, CZ_ENOTFOUND, "This %s no longer exists.", row->model->state->lower_name);
}
