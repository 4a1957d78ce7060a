/* Collecting rows, their keys and, where somebody is told of them, whole; and the marks of those that are deleted. */
#include "orm/collector.h"

struct cz__name cz__name_key(const cz_model *model, const void *key)
{
    struct cz__name name;
    bool uuid = CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID;
    size_t bytes = uuid ? sizeof(cz_uuid) : sizeof(int64_t);
    model = model->state->concrete; /* a row is one, whatever it was found as */
    memcpy(name.bytes, &model, sizeof model);
    memcpy(name.bytes + sizeof model, key, bytes);
    name.len = sizeof model + bytes;
    return name;
}

static struct cz__name name_row(const cz_row *row)
{
    return cz__name_key(row->model, cz__row_at(row, row->model->state->key));
}

cz_str cz__name_text(const struct cz__name *name)
{
    return cz_str_of(name->bytes, name->len);
}

cz_status cz__name_remember(cz_ctx *ctx, cz_map *map, const struct cz__name *name, void *value)
{
    char *copy = cz_arena_alloc(ctx->arena, name->len);
    if (!copy)
        return CZ_ENOMEM;
    memcpy(copy, name->bytes, name->len);
    return cz_map_set(map, cz_str_of(copy, name->len), value);
}

static cz_status mark_seen(cz_ctx *ctx, struct cz__deletion *deletion, const struct cz__name *name)
{
    static char seen; /* a value that is not NULL */
    return cz__name_remember(ctx, &deletion->seen, name, &seen);
}

/* Whether a row is collected for the first time. */
static bool is_new(cz_ctx *ctx, struct cz__deletion *deletion, struct cz__name name)
{
    if (cz_map_get(&deletion->seen, cz__name_text(&name)))
        return false;
    cz_check(ctx, mark_seen(ctx, deletion, &name));
    return true;
}

/* Whether somebody is told of the model's rows. */
static bool wants_rows(const cz_model *model)
{
    return cz__signal_wanted(model, CZ_PRE_DELETE) || cz__signal_wanted(model, CZ_POST_DELETE) ||
           cz__signal_wanted(model, CZ_POST_INIT);
}

static void add_collected(cz_ctx *ctx, struct cz__deletion *deletion,
                          const struct cz__collected *keys)
{
    if (!keys->count)
        return;
    struct cz__collected *kept = cz_new(ctx, struct cz__collected);
    *kept = *keys;
    kept->before = deletion->last;
    if (deletion->last)
        deletion->last->after = kept;
    deletion->last = kept;
}

struct reading {
    const cz_query *query;
    struct cz__rows rows;
};

static void read_rows(cz_ctx *ctx, void *arg)
{
    struct reading *reading = arg;
    reading->rows = cz__select(ctx, reading->query);
}

/* The encrypted columns of a model. */
static cz_fields sealed_fields(cz_ctx *ctx, const struct cz__model_state *state)
{
    cz_str *names = cz_array(ctx, cz_str, state->column_count);
    size_t count = 0;
    for (uint16_t i = 0; i < state->column_count; i++)
        if (state->columns[i].stored && state->columns[i].type & CZ__DB_SEALED)
            names[count++] = state->columns[i].attribute;
    return (cz_fields){ names, count };
}

/* A row may go whose encryption key is lost: who is told of it gets the row without what cannot be read. */
static struct cz__rows rows_to_tell_of(cz_ctx *ctx, const cz_query *query)
{
    const struct cz__model_state *state = query->model->state;
    struct reading whole = { .query = query };
    cz_error err;
    if (!state->sealed)
        return cz__select(ctx, query);
    cz_status status = cz_try(ctx, read_rows, &whole, &err);
    if (!status)
        return whole.rows;
    cz_query readable = *query;
    readable.defer = sealed_fields(ctx, state);
    struct reading part = { .query = &readable };
    if (status != CZ_EDATABASE || cz_try(ctx, read_rows, &part, NULL))
        cz_raise_error(ctx, &err);
    return part.rows;
}

/* Collect the rows that match and were not collected yet, as a whole. */
static void collect_rows(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query)
{
    cz_model *model = query->model;
    const cz__column *key = model->state->key;
    struct cz__collected keys = { .model = model, .uuid = CZ__DB_KIND(key->type) == CZ__DB_UUID };
    struct cz__rows rows = rows_to_tell_of(ctx, query);
    if (keys.uuid)
        keys.uuids = cz_array(ctx, cz_uuid, rows.count);
    else
        keys.integers = cz_array(ctx, int64_t, rows.count);
    keys.rows = cz_array(ctx, cz_row *, rows.count);
    for (size_t n = 0; n < rows.count; n++) {
        cz_row *row = cz__row_nth(rows.items, n, model);
        if (!is_new(ctx, deletion, name_row(row)))
            continue;
        keys.rows[keys.count] = row;
        if (keys.uuid)
            keys.uuids[keys.count++] = *(const cz_uuid *)cz__row_at(row, key);
        else
            keys.integers[keys.count++] = *(const int64_t *)cz__row_at(row, key);
    }
    add_collected(ctx, deletion, &keys);
}

/* A query of nothing but keys. */
static cz_query keys_of(const cz_query *query)
{
    cz_query keys = *query;
    keys.only = (cz_fields){ &query->model->state->key->attribute, 1 };
    keys.defer = keys.related = (cz_fields){ 0 };
    keys.prefetch = (cz_prefetch_list){ 0 };
    return keys;
}

struct collecting {
    cz_ctx *ctx;
    struct cz__deletion *deletion;
    struct cz__collected keys;
    size_t cap;
    bool only_looks; /* whether one was not collected, and no more */
    bool found_other, no_memory;
};

static bool make_room(struct collecting *c)
{
    size_t bytes = c->keys.uuid ? sizeof(cz_uuid) : sizeof(int64_t);
    size_t cap = c->cap ? c->cap * 2 : 64;
    void *grown = cz_arena_alloc(c->ctx->arena, cap * bytes);
    const void *items = c->keys.uuid ? (const void *)c->keys.uuids : c->keys.integers;
    if (!grown)
        return false;
    if (c->keys.count)
        memcpy(grown, items, c->keys.count * bytes);
    if (c->keys.uuid)
        c->keys.uuids = grown;
    else
        c->keys.integers = grown;
    c->cap = cap;
    return true;
}

static bool collect_key(const cz__db_cursor *cursor, void *arg)
{
    struct collecting *c = arg;
    const cz__column *key = c->keys.model->state->key;
    union cz__key_value value = { 0 };
    cz_ignore(!cursor->db->driver->read(cursor, 0, key->type, &value)); /* never NULL */
    struct cz__name name = cz__name_key(c->keys.model, &value);
    if (cz_map_get(&c->deletion->seen, cz__name_text(&name)))
        return true;
    c->found_other = true;
    if (c->only_looks)
        return false;
    c->no_memory = (c->keys.count == c->cap && !make_room(c)) ||
                   mark_seen(c->ctx, c->deletion, &name) != CZ_OK;
    if (c->no_memory)
        return false;
    if (c->keys.uuid)
        c->keys.uuids[c->keys.count++] = value.uuid;
    else
        c->keys.integers[c->keys.count++] = value.integer;
    return true;
}

/* Go through the keys of the rows that match. */
static struct collecting each_key(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query,
                                  bool only_looks)
{
    cz_query keys = keys_of(query);
    struct collecting c = { .ctx = ctx,
                            .deletion = deletion,
                            .keys = { .model = query->model,
                                      .uuid = CZ__DB_KIND(query->model->state->key->type) ==
                                              CZ__DB_UUID },
                            .only_looks = only_looks };
    cz_ignore(cz__each(ctx, &keys, collect_key, &c) == 0);
    if (c.no_memory)
        cz_raise(ctx, CZ_ENOMEM, "the keys of the %s rows do not fit the memory",
                 query->model->name);
    return c;
}

void cz__collect_keys(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query)
{
    struct collecting c = each_key(ctx, deletion, query, false);
    add_collected(ctx, deletion, &c.keys);
}

/* Collect the rows that match and were not collected yet. */
void cz__collect(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query)
{
    if (wants_rows(query->model))
        collect_rows(ctx, deletion, query);
    else
        cz__collect_keys(ctx, deletion, query);
}

/* "column IN (a part of the keys)". */
cz_cond cz__keys_part(cz_ctx *ctx, cz_model *model, cz_str path, const struct cz__collected *keys,
                      size_t from)
{
    size_t count =
        keys->count - from < CZ__KEYS_PER_STATEMENT ? keys->count - from : CZ__KEYS_PER_STATEMENT;
    const void *items =
        keys->uuid ? (const void *)(keys->uuids + from) : (const void *)(keys->integers + from);
    return cz__cond_keys(ctx, model, path, keys->model->state->key->type, items, count);
}

/* Whether all rows of the query are collected themselves. */
bool cz__all_collected(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query)
{
    return !each_key(ctx, deletion, query, true).found_other;
}

/* Set or clear the marks of a deletion. */
static int64_t mark(cz_ctx *ctx, const cz_query *query, const cz_datetime *now)
{
    const struct cz__model_state *state = query->model->state;
    const bool is_deleted = now != NULL;
    struct cz__assign marks[2] = { { state->deleted_at->ordinal,
                                     now ? CZ__VALUE_DATETIME : CZ__VALUE_NULL, now } };
    if (state->is_deleted)
        marks[1] = (struct cz__assign){ state->is_deleted->ordinal, CZ__VALUE_BOOL, &is_deleted };
    return cz__update(ctx, query, marks, state->is_deleted ? 2 : 1);
}

int64_t cz__mark_keys(cz_ctx *ctx, const char *database, const struct cz__collected *keys,
                      const cz_datetime *now)
{
    int64_t marked = 0;
    cz_str key = keys->model->state->key->attribute;
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = cz__keys_part(ctx, keys->model, key, keys, from),
                           .manager = &cz_base_manager,
                           .database = database };
        marked += mark(ctx, &query, now);
    }
    return marked;
}
