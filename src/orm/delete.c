/* Deleting, with what on_delete says of the rows that refer to those deleted.
 *
 * Done here rather than by the database, as Django does, so the rules are the same everywhere and a
 * protected row is named. All of it is one transaction: first the keys to go are collected, each once, while
 * every referrer is asked (PROTECT, RESTRICT) or collected in turn (CASCADE), and receivers of CZ_PRE_DELETE are
 * told; then referrers are changed (SET_NULL, SET_DEFAULT) and the rows go, the last collected first, each with
 * its many-to-many links. Rows may refer to each other in a circle: foreign keys are checked at the commit. */
#include "orm/orm_internal.h"

enum { KEYS_PER_STATEMENT = 500 };

struct keys { /* of rows of one model, as a counted list of its key's type */
    cz_model *model;
    bool uuid;
    int64_t *integers;
    cz_uuid *uuids;
    size_t count;
    cz_row **rows;       /* of the keys, when somebody wants to be told of them; else NULL */
    struct keys *before; /* collected before these */
    struct keys *after;  /* and after */
};

struct deletion {
    const cz_query *query; /* which rows */
    const char *database;  /* all of it is one's; NULL: there is nothing to choose */
    bool soft;             /* rows are marked and stay */
    cz_datetime now;
    int64_t removed;
    struct keys *last;
    cz_map seen; /* model and key of every row collected */
};

union key_value {
    int64_t integer;
    cz_uuid uuid;
};

struct name { /* model and key of a row */
    char bytes[sizeof(cz_model *) + sizeof(cz_uuid)];
    size_t len;
};

static struct name name_key(const cz_model *model, const void *key)
{
    struct name name;
    bool uuid = CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID;
    size_t bytes = uuid ? sizeof(cz_uuid) : sizeof(int64_t);
    model = model->state->concrete; /* a row is one, whatever it was found as */
    memcpy(name.bytes, &model, sizeof model);
    memcpy(name.bytes + sizeof model, key, bytes);
    name.len = sizeof model + bytes;
    return name;
}

static struct name name_row(const cz_row *row)
{
    return name_key(row->model, cz__row_at(row, row->model->state->key));
}

static cz_str name_text(const struct name *name)
{
    return cz_str_of(name->bytes, name->len);
}

static cz_status remember(cz_ctx *ctx, cz_map *map, const struct name *name, void *value)
{
    char *copy = cz_arena_alloc(ctx->arena, name->len);
    if (!copy)
        return CZ_ENOMEM;
    memcpy(copy, name->bytes, name->len);
    return cz_map_set(map, cz_str_of(copy, name->len), value);
}

static cz_status mark_seen(cz_ctx *ctx, struct deletion *deletion, const struct name *name)
{
    static char seen; /* a value that is not NULL */
    return remember(ctx, &deletion->seen, name, &seen);
}

/* Whether a row is collected for the first time. */
static bool is_new(cz_ctx *ctx, struct deletion *deletion, struct name name)
{
    if (cz_map_get(&deletion->seen, name_text(&name)))
        return false;
    cz_check(ctx, mark_seen(ctx, deletion, &name));
    return true;
}

/* Those that are not deleted, whatever the model's manager says. */
static const cz_manager every_kept_row = { 0 };

/* Rows that refer to others: when those are only marked, the ones that are not marked themselves. */
static cz_query referrers(const struct deletion *deletion, cz_model *model, cz_cond where)
{
    return (cz_query){ .model = model,
                       .where = where,
                       .unordered = true,
                       .database = deletion->database,
                       .manager = deletion->soft ? &every_kept_row : &cz_base_manager };
}

/* Whether somebody is told of the model's rows. */
static bool wants_rows(const cz_model *model)
{
    return cz__signal_wanted(model, CZ_PRE_DELETE) || cz__signal_wanted(model, CZ_POST_DELETE) ||
           cz__signal_wanted(model, CZ_POST_INIT);
}

static void add_collected(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys)
{
    if (!keys->count)
        return;
    struct keys *kept = cz_new(ctx, struct keys);
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
static void collect_rows(cz_ctx *ctx, struct deletion *deletion, const cz_query *query)
{
    cz_model *model = query->model;
    const cz__column *key = model->state->key;
    struct keys keys = { .model = model, .uuid = CZ__DB_KIND(key->type) == CZ__DB_UUID };
    struct cz__rows rows = rows_to_tell_of(ctx, query);
    if (keys.uuid)
        keys.uuids = cz_array(ctx, cz_uuid, rows.count);
    else
        keys.integers = cz_array(ctx, int64_t, rows.count);
    keys.rows = cz_array(ctx, cz_row *, rows.count);
    for (size_t n = 0; n < rows.count; n++) {
        cz_row *row = (cz_row *)(void *)((char *)rows.items + n * model->row_bytes);
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
    struct deletion *deletion;
    struct keys keys;
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
    union key_value value = { 0 };
    cz_ignore(!cursor->db->driver->read(cursor, 0, key->type, &value)); /* never NULL */
    struct name name = name_key(c->keys.model, &value);
    if (cz_map_get(&c->deletion->seen, name_text(&name)))
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
static struct collecting each_key(cz_ctx *ctx, struct deletion *deletion, const cz_query *query,
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

static void collect_keys(cz_ctx *ctx, struct deletion *deletion, const cz_query *query)
{
    struct collecting c = each_key(ctx, deletion, query, false);
    add_collected(ctx, deletion, &c.keys);
}

/* Collect the rows that match and were not collected yet. */
static void collect(cz_ctx *ctx, struct deletion *deletion, const cz_query *query)
{
    if (wants_rows(query->model))
        collect_rows(ctx, deletion, query);
    else
        collect_keys(ctx, deletion, query);
}

/* "column IN (a part of the keys)". */
static cz_cond in_part(cz_ctx *ctx, cz_model *model, cz_str path, const struct keys *keys,
                       size_t from)
{
    size_t count =
        keys->count - from < KEYS_PER_STATEMENT ? keys->count - from : KEYS_PER_STATEMENT;
    const void *items =
        keys->uuid ? (const void *)(keys->uuids + from) : (const void *)(keys->integers + from);
    return cz__cond_keys(ctx, model, path, keys->model->state->key->type, items, count);
}

/* Deleting goes in rounds, each over everything collected. */
enum round {
    COLLECT,  /* CASCADE and PROTECT; collects more */
    RESTRICT, /* when it is known what goes */
    CHANGE /* SET_NULL and SET_DEFAULT, when the receivers of CZ_PRE_DELETE have seen everything as it was */
};

static enum round round_of(cz_on_delete rule)
{
    if (rule == CZ_RESTRICT)
        return RESTRICT;
    return rule == CZ_SET_NULL || rule == CZ_SET_DEFAULT ? CHANGE : COLLECT;
}

/* Whether all rows of the query are collected themselves. */
static bool all_go(cz_ctx *ctx, struct deletion *deletion, const cz_query *query)
{
    return !each_key(ctx, deletion, query, true).found_other;
}

/* Refuse when a row of the query still refers to one of the model's, and say so when all that do are deleted. */
static void check_referrers(cz_ctx *ctx, struct deletion *deletion, const cz_query *query,
                            const cz_model *referred, cz_on_delete rule)
{
    const struct cz__model_state *state = query->model->state;
    bool restricts = rule == CZ_RESTRICT;
    if (restricts ? all_go(ctx, deletion, query) : !cz__exists(ctx, query))
        return;
    cz_query alive = *query;
    alive.manager = &every_kept_row;
    bool deleted = state->deleted_at && !deletion->soft &&
                   (restricts ? all_go(ctx, deletion, &alive) : !cz__exists(ctx, &alive));
    cz_raise(ctx, CZ_EINTEGRITY, "Cannot delete: a %s%s still refers to this %s.",
             deleted ? "deleted " : "", state->lower_name, referred->state->lower_name);
}

static void set_null(cz_ctx *ctx, const struct cz__referrer *referrer, const cz_query *query)
{
    struct cz__assign null = { referrer->column->ordinal, CZ__VALUE_NULL, NULL };
    cz_ignore(cz__update(ctx, query, &null, 1) < 0); /* counted by nobody */
}

static void set_default(cz_ctx *ctx, const struct cz__referrer *referrer, const cz_query *query)
{
    const cz__column *column = referrer->column;
    cz_row *row = cz_alloc_zero(ctx, 1, referrer->model->row_bytes); /* holds the value */
    cz__db_param param;
    row->model = referrer->model;
    if (!cz__default_of(ctx, column, &param) || param.kind == CZ__PARAM_NULL) {
        set_null(ctx, referrer, query);
        return;
    }
    cz__row_store(ctx, row, column, &param);
    struct cz__assign assign = { column->ordinal, cz__value_kind_of(column),
                                 cz__row_at(row, column) };
    cz_ignore(cz__update(ctx, query, &assign, 1) < 0); /* counted by nobody */
}

static void settle_part(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys,
                        const struct cz__referrer *referrer, cz_cond where)
{
    const cz_query query = referrers(deletion, referrer->model, where);
    switch (referrer->column->field->options.on_delete) {
    case CZ_PROTECT:
    case CZ_RESTRICT:
        check_referrers(ctx, deletion, &query, keys->model,
                        referrer->column->field->options.on_delete);
        break;
    case CZ_SET_NULL:
        set_null(ctx, referrer, &query);
        break;
    case CZ_SET_DEFAULT:
        set_default(ctx, referrer, &query);
        break;
    case CZ_CASCADE:
        if (!deletion->soft || referrer->model->state->deleted_at)
            collect(ctx, deletion, &query);
        break;
    case CZ_DO_NOTHING:
        break;
    }
}

/* ---- references from other databases, which follow the commit ---- */

struct following {
    struct cz__referrer referrer;
    struct keys keys;
    bool soft;
};

static void follow_commit(cz_ctx *ctx, void *arg)
{
    const struct following *following = arg;
    const struct cz__referrer *referrer = &following->referrer;
    for (size_t from = 0; from < following->keys.count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = referrer->model,
                           .where = in_part(ctx, referrer->model, referrer->column->attribute,
                                            &following->keys, from),
                           .manager = following->soft ? &every_kept_row : &cz_base_manager };
        if (referrer->column->field->options.on_delete == CZ_SET_NULL)
            set_null(ctx, referrer, &query);
        else
            cz_ignore(cz__delete(ctx, &query) < 0); /* counted by nobody */
    }
}

/* They outlive a part that the deletion is in. */
static struct keys keys_until_commit(cz_ctx *ctx, const struct keys *keys)
{
    size_t bytes = keys->count * (keys->uuid ? sizeof(cz_uuid) : sizeof(int64_t));
    void *copy = cz_arena_alloc(cz__home(ctx), bytes);
    cz_check(ctx, copy ? CZ_OK : CZ_ENOMEM);
    memcpy(copy, keys->uuid ? (const void *)keys->uuids : keys->integers, bytes);
    return (struct keys){ .model = keys->model,
                          .uuid = keys->uuid,
                          .integers = keys->uuid ? NULL : copy,
                          .uuids = keys->uuid ? copy : NULL,
                          .count = keys->count };
}

/* Whether a referrer's rows are elsewhere, and follow when the deletion is committed. */
static bool follows(cz_ctx *ctx, const struct deletion *deletion, const struct keys *keys,
                    const struct cz__referrer *referrer, enum round round)
{
    cz_on_delete rule = referrer->column->field->options.on_delete;
    if (referrer->model->state->database == keys->model->state->database)
        return false;
    bool acts = deletion->soft ? rule == CZ_CASCADE && referrer->model->state->deleted_at
                               : rule == CZ_CASCADE || rule == CZ_SET_NULL;
    if (round == CHANGE && acts) {
        struct following *following = cz_arena_new(cz__home(ctx), struct following);
        cz_check(ctx, following ? CZ_OK : CZ_ENOMEM);
        *following = (struct following){ *referrer, keys_until_commit(ctx, keys), deletion->soft };
        cz_on_commit_on(ctx, deletion->database, follow_commit, following);
    }
    return true;
}

/* What refers to the keys. */
static void settle_referrer(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys,
                            const struct cz__referrer *referrer, enum round round)
{
    if (follows(ctx, deletion, keys, referrer, round))
        return;
    if (round_of(referrer->column->field->options.on_delete) != round ||
        (round == CHANGE && deletion->soft))
        return;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT)
        settle_part(ctx, deletion, keys, referrer,
                    in_part(ctx, referrer->model, referrer->column->attribute, keys, from));
}

/* The links of a many-to-many to the keys, which stand in `side` of its table. */
static int64_t delete_links(cz_ctx *ctx, const struct deletion *deletion, const struct keys *keys,
                            const char *table, const char *side)
{
    cz__db_session *session = cz__session_to_write(ctx, keys->model, NULL, deletion->database);
    int64_t removed = 0;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        size_t count =
            keys->count - from < KEYS_PER_STATEMENT ? keys->count - from : KEYS_PER_STATEMENT;
        cz__db_param *params = cz_array(ctx, cz__db_param, count);
        for (size_t i = 0; i < count; i++)
            params[i] = keys->uuid ? (cz__db_param){ .kind = CZ__PARAM_UUID,
                                                     .type = keys->model->state->key->type,
                                                     .uuid = keys->uuids[from + i] }
                                   : (cz__db_param){ .kind = CZ__PARAM_INT,
                                                     .integer = keys->integers[from + i] };
        cz__db_statement statement = cz__link_delete(ctx, session, table, side, count);
        int64_t rows, last_id;
        cz_error err;
        if (session->db->driver->change(ctx, session, &statement, params, count, &rows, &last_id,
                                        &err))
            cz_raise_error(ctx, &err);
        removed += rows;
    }
    return removed;
}

/* From both sides: the other may not declare its own. */
static int64_t delete_all_links(cz_ctx *ctx, const struct deletion *deletion,
                                const struct keys *keys)
{
    int64_t removed = 0;
    for (size_t m = 0; m < cz__models_count(); m++) {
        const struct cz__model_state *state = cz__models_at(m)->state;
        for (uint16_t i = 0; i < state->column_count; i++) {
            const cz__column *column = &state->columns[i];
            if (column->field->kind != CZ_KIND_many_to_many || column->through ||
                state->model->proxy_of)
                continue; /* rows of a model go by their foreign keys' rules */
            if (cz__same_table(state->model, keys->model))
                removed += delete_links(ctx, deletion, keys, column->link_table, column->link_from);
            if (cz__same_table(column->field->target, keys->model))
                removed += delete_links(ctx, deletion, keys, column->link_table, column->link_to);
        }
    }
    return removed;
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

static int64_t mark_keys(cz_ctx *ctx, const char *database, const struct keys *keys,
                         const cz_datetime *now)
{
    int64_t marked = 0;
    cz_str key = keys->model->state->key->attribute;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = in_part(ctx, keys->model, key, keys, from),
                           .manager = &cz_base_manager,
                           .database = database };
        marked += mark(ctx, &query, now);
    }
    return marked;
}

static int64_t delete_keys(cz_ctx *ctx, const struct deletion *deletion, const struct keys *keys)
{
    int64_t removed = delete_all_links(ctx, deletion, keys);
    cz_str key = keys->model->state->key->attribute;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = in_part(ctx, keys->model, key, keys, from),
                           .manager = &cz_base_manager,
                           .database = deletion->database };
        struct cz__plan_request request = { .kind = CZ__PLAN_DELETE, .query = &query };
        removed += cz__run_change(ctx, &request, NULL);
    }
    return removed;
}

static void settle(cz_ctx *ctx, struct deletion *deletion, const struct keys *keys,
                   enum round round)
{
    for (; keys; keys = keys->after) { /* which grows meanwhile */
        const struct cz__model_state *state = keys->model->state;
        for (size_t i = 0; i < state->referrer_count; i++)
            settle_referrer(ctx, deletion, keys, &state->referrers[i], round);
    }
}

static void tell(cz_ctx *ctx, const struct keys *keys, cz_signal signal)
{
    for (size_t i = 0; keys->rows && i < keys->count; i++)
        if (cz__signal_wanted(keys->model, signal))
            cz__signal_send(ctx, &(const cz_event){ .signal = signal,
                                                    .model = keys->model,
                                                    .row = keys->rows[i],
                                                    .database = keys->rows[i]->database->alias });
}

static void delete_in_transaction(cz_ctx *ctx, void *arg)
{
    struct deletion *deletion = arg;
    cz_query query = *deletion->query;
    query.unordered = true;
    query.database = deletion->database;
    if (deletion->soft) { /* those that are deleted stay so since when they are */
        cz_cond *kept = cz_array(ctx, cz_cond, 2);
        kept[0] = query.model->state->is_kept;
        kept[1] = query.where;
        query.where = cz_cond_all(ctx, kept, query.where ? 2 : 1);
    }
    cz_map_init(&deletion->seen, ctx->arena);
    collect(ctx, deletion, &query);
    struct keys *first = deletion->last;
    settle(ctx, deletion, first, COLLECT);
    settle(ctx, deletion, first, RESTRICT);
    for (const struct keys *keys = first; keys; keys = keys->after)
        tell(ctx, keys, CZ_PRE_DELETE);
    settle(ctx, deletion, first, CHANGE);
    for (const struct keys *keys = deletion->last; keys; keys = keys->before) {
        deletion->removed += deletion->soft
                                 ? mark_keys(ctx, deletion->database, keys, &deletion->now)
                                 : delete_keys(ctx, deletion, keys);
        tell(ctx, keys, CZ_POST_DELETE);
    }
}

/* Delete the rows of the query, with `row`, one of them or NULL, saying which database they are in. */
static int64_t run(cz_ctx *ctx, struct deletion *deletion, const cz_row *row)
{
    const cz_query *query = deletion->query;
    deletion->now = cz_now();
    deletion->database = cz__alias_of(ctx, query->model, row, query->database, true);
    cz__db_session *session = cz__session_to_write(ctx, query->model, NULL, deletion->database);
    cz__atomic_in(ctx, session, delete_in_transaction, deletion);
    return deletion->removed;
}

int64_t cz__delete(cz_ctx *ctx, const cz_query *query)
{
    cz__check_change(ctx, query, "cz_delete");
    struct deletion deletion = { .query = query, .soft = query->model->state->deleted_at != NULL };
    return run(ctx, &deletion, NULL);
}

void cz__remove(cz_ctx *ctx, cz_row *row)
{
    const struct cz__model_state *state = row->model->state;
    cz_query query = { .model = row->model,
                       .where = cz__cond_key(ctx, row),
                       .manager = state->deleted_at ? &every_kept_row : &cz_base_manager };
    struct deletion deletion = { .query = &query, .soft = state->deleted_at };
    if (!run(ctx, &deletion, row) || !state->deleted_at)
        return;
    cz__db_param now = { .kind = CZ__PARAM_DATETIME, .integer = deletion.now.us };
    cz__db_param yes = { .kind = CZ__PARAM_INT, .integer = 1 };
    cz__row_store(ctx, row, state->deleted_at, &now);
    cz__row_bit_set(row, CZ__BITS_DIRTY, state->deleted_at->ordinal, false);
    if (!state->is_deleted)
        return;
    cz__row_store(ctx, row, state->is_deleted, &yes);
    cz__row_bit_set(row, CZ__BITS_DIRTY, state->is_deleted->ordinal, false);
}

int64_t cz__purge(cz_ctx *ctx, const cz_query *query)
{
    cz_query rows = *query;
    rows.lock = CZ_NO_LOCK;
    cz__check_change(ctx, &rows, "cz_purge");
    rows.lock = query->lock;
    if (rows.deleted != CZ_ONLY_DELETED)
        rows.deleted = CZ_WITH_DELETED;
    struct deletion deletion = { .query = &rows };
    return run(ctx, &deletion, NULL);
}

/* ---- restoring ---- */

/* What may come back is collected first: the rows asked for, and over CASCADE those that went in the same deletion.
 * Of these a row is held back that another deleted row still takes over CASCADE; it counts as deleted with that
 * one from then on, so that it comes back with it and is never alive below it. */
struct restoration {
    const cz_query *query;
    struct deletion found;
    const struct keys *named; /* the rows asked for: never held back, but refused */
    cz_map held;              /* model and key of a row -> when that which takes it was deleted */
    int64_t restored;
};

/* Whether deleting a row marks those that refer to it by the column. */
static bool takes(const cz_model *model, const cz__column *column)
{
    const struct cz__model_state *state = model->state;
    return column->relation && column->stored && column->field->options.on_delete == CZ_CASCADE &&
           state->deleted_at && column->field->target->state->deleted_at &&
           column->field->target->state->database == state->database;
}

/* When the row was deleted that rows of the model refer to by the column. */
static const struct cz__expr **parent_deleted_at(cz_ctx *ctx, const cz_model *model,
                                                 const cz__column *column)
{
    struct cz__expr *expr = cz_new(ctx, struct cz__expr);
    const struct cz__expr **value = cz_alloc(ctx, sizeof(const struct cz__expr *));
    cz_str path = cz_format(ctx, "%s->%.*s", column->field->name,
                            CZ_STR_ARG(column->field->target->state->deleted_at->attribute));
    *expr = (struct cz__expr){ .op = CZ__EXPR_FIELD, .model = model, .path = path };
    *value = expr;
    return value;
}

/* What went with the keys by one of the relations to them. */
static void follow_back(cz_ctx *ctx, struct restoration *work, const struct keys *keys,
                        const struct cz__referrer *referrer)
{
    const struct cz__model_state *state = referrer->model->state;
    struct cz__cond together = { .op = CZ__COND_LEAF,
                                 .lookup = CZ_LOOKUP_EXACT,
                                 .value_kind = CZ__VALUE_EXPR_INSTANT,
                                 .model = referrer->model,
                                 .path = state->deleted_at->attribute,
                                 .value =
                                     parent_deleted_at(ctx, referrer->model, referrer->column) };
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_cond where[] = { in_part(ctx, referrer->model, referrer->column->attribute, keys, from),
                            &together };
        cz_query query = { .model = referrer->model,
                           .where = cz_cond_all(ctx, where, 2),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .deleted = CZ_ONLY_DELETED,
                           .database = work->found.database };
        collect_keys(ctx, &work->found, &query);
    }
}

struct holding {
    cz_ctx *ctx;
    struct restoration *work;
    const struct keys *keys;
    const cz__column *column;
    bool changed, refused, no_memory;
};

/* Stands on a row's key, the key of the deleted row it refers to and when that was deleted. */
static bool hold_back(const cz__db_cursor *cursor, void *arg)
{
    struct holding *h = arg;
    const cz__db_driver *driver = cursor->db->driver;
    cz_map *held = &h->work->held;
    union key_value own = { 0 }, parent = { 0 };
    cz_datetime at = { 0 };
    cz_ignore(!driver->read(cursor, 0, h->keys->model->state->key->type, &own)); /* never NULL: */
    cz_ignore(!driver->read(cursor, 1, h->column->type, &parent)); /* the condition says so */
    cz_ignore(!driver->read(cursor, 2, CZ__DB_DATETIME, &at));
    struct name name = name_key(h->keys->model, &own);
    struct name above = name_key(h->column->field->target, &parent);
    if (cz_map_get(held, name_text(&name)))
        return true;
    const cz_datetime *since = cz_map_get(held, name_text(&above));
    if (!since && cz_map_get(&h->work->found.seen, name_text(&above)))
        return true; /* it comes back as well */
    h->refused = h->keys == h->work->named;
    cz_datetime *until = cz_arena_new(h->ctx->arena, cz_datetime);
    if (until)
        *until = since ? *since : at;
    h->no_memory = !until || remember(h->ctx, held, &name, until) != CZ_OK;
    h->changed = true;
    return !h->refused && !h->no_memory;
}

/* Hold back those of the keys that a deleted row still takes by the column. Returns whether there was one. */
static bool hold_keys(cz_ctx *ctx, struct restoration *work, const struct keys *keys,
                      const cz__column *column)
{
    const struct cz__model_state *state = keys->model->state;
    struct cz__expr key = { .op = CZ__EXPR_FIELD,
                            .model = keys->model,
                            .path = state->key->attribute };
    struct cz__expr other = { .op = CZ__EXPR_FIELD,
                              .model = keys->model,
                              .path = column->attribute };
    const struct cz__expr *key_value = &key, *other_value = &other;
    const struct cz__expr **at = parent_deleted_at(ctx, keys->model, column);
    /* They are read as a row of the model itself that is deleted since the other is. */
    const struct cz__assign values[] = {
        { state->key->ordinal, CZ__VALUE_EXPR_KEY, &key_value },
        { column->ordinal, CZ__VALUE_EXPR_KEY, &other_value },
        { state->deleted_at->ordinal, CZ__VALUE_EXPR_INSTANT, at },
    };
    struct cz__cond gone = *state->is_gone;
    gone.path = (*at)->path;
    struct holding h = { .ctx = ctx, .work = work, .keys = keys, .column = column };
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_cond where[] = { in_part(ctx, keys->model, state->key->attribute, keys, from), &gone };
        cz_query query = { .model = keys->model,
                           .where = cz_cond_all(ctx, where, 2),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .values = { keys->model, values, CZ_COUNT(values) },
                           .database = work->found.database };
        cz_ignore(cz__each(ctx, &query, hold_back, &h) == 0); /* there may be none */
        if (h.refused)
            cz_raise(ctx, CZ_EINTEGRITY,
                     "Cannot restore: this %s's \"%s\" is deleted; restore that first.",
                     state->lower_name, column->field->name);
        if (h.no_memory)
            cz_raise(ctx, CZ_ENOMEM, "the keys of the %s rows do not fit the memory",
                     keys->model->name);
    }
    return h.changed;
}

/* Whoever is held back holds back what it takes itself, and so on. */
static void hold(cz_ctx *ctx, struct restoration *work, const struct keys *first)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (const struct keys *keys = first; keys; keys = keys->after)
            for (uint16_t i = 0; i < keys->model->state->column_count; i++) {
                const cz__column *column = &keys->model->state->columns[i];
                if (takes(keys->model, column))
                    changed |= hold_keys(ctx, work, keys, column);
            }
    }
}

static const void *key_at(const struct keys *keys, size_t i)
{
    return keys->uuid ? (const void *)&keys->uuids[i] : &keys->integers[i];
}

static void add_key(struct keys *keys, const void *key)
{
    if (keys->uuid)
        memcpy(&keys->uuids[keys->count++], key, sizeof(cz_uuid));
    else
        memcpy(&keys->integers[keys->count++], key, sizeof(int64_t));
}

/* Those of the keys that count as deleted since then; since NULL: those that come back. */
static struct keys keys_since(cz_ctx *ctx, const struct restoration *work, const struct keys *keys,
                              const cz_datetime *since)
{
    struct keys some = { .model = keys->model, .uuid = keys->uuid };
    some.integers = keys->uuid ? NULL : cz_array(ctx, int64_t, keys->count);
    some.uuids = keys->uuid ? cz_array(ctx, cz_uuid, keys->count) : NULL;
    for (size_t i = 0; i < keys->count; i++) {
        struct name name = name_key(keys->model, key_at(keys, i));
        const cz_datetime *until = cz_map_get(&work->held, name_text(&name));
        if (since && until ? since->us == until->us : !since && !until)
            add_key(&some, key_at(keys, i));
    }
    return some;
}

/* The keys that are held back count as deleted with what takes them. */
static void hand_on(cz_ctx *ctx, const struct restoration *work, const struct keys *keys)
{
    static char done; /* a value that is not NULL */
    cz_map handed;
    cz_map_init(&handed, ctx->arena);
    for (size_t i = 0; i < keys->count; i++) {
        struct name name = name_key(keys->model, key_at(keys, i));
        const cz_datetime *since = cz_map_get(&work->held, name_text(&name));
        cz_str instant = cz_str_of((const char *)since, since ? sizeof *since : 0);
        if (!since || cz_map_get(&handed, instant))
            continue;
        cz_check(ctx, cz_map_set(&handed, instant, &done));
        struct keys some = keys_since(ctx, work, keys, since);
        cz_ignore(mark_keys(ctx, work->found.database, &some, since) < 0); /* counted by nobody */
    }
}

static void tell_restored(cz_ctx *ctx, const struct restoration *work, const struct keys *keys)
{
    cz_model *model = keys->model;
    for (size_t from = 0; from < keys->count; from += KEYS_PER_STATEMENT) {
        cz_query query = { .model = model,
                           .where = in_part(ctx, model, model->state->key->attribute, keys, from),
                           .unordered = true,
                           .manager = &cz_base_manager,
                           .database = work->found.database };
        struct cz__rows rows = cz__select(ctx, &query);
        for (size_t n = 0; n < rows.count; n++)
            cz__signal_row(ctx, CZ_POST_SAVE,
                           (cz_row *)(void *)((char *)rows.items + n * model->row_bytes));
    }
}

static void restore_in_transaction(cz_ctx *ctx, void *arg)
{
    struct restoration *work = arg;
    cz_query query = *work->query;
    query.deleted = CZ_ONLY_DELETED;
    query.unordered = true;
    query.database = work->found.database;
    cz_map_init(&work->found.seen, ctx->arena);
    cz_map_init(&work->held, ctx->arena);
    collect_keys(ctx, &work->found, &query);
    struct keys *first = work->found.last;
    work->named = first;
    for (struct keys *keys = first; keys; keys = keys->after) /* which grows meanwhile */
        for (size_t i = 0; i < keys->model->state->referrer_count; i++) {
            const struct cz__referrer *referrer = &keys->model->state->referrers[i];
            if (takes(referrer->model, referrer->column))
                follow_back(ctx, work, keys, referrer);
        }
    hold(ctx, work, first);
    for (const struct keys *keys = first; keys; keys = keys->after) {
        struct keys back = keys_since(ctx, work, keys, NULL);
        work->restored += mark_keys(ctx, work->found.database, &back, NULL);
        hand_on(ctx, work, keys);
    }
    for (const struct keys *keys = first; keys; keys = keys->after)
        if (cz__signal_wanted(keys->model, CZ_POST_SAVE)) {
            struct keys back = keys_since(ctx, work, keys, NULL);
            tell_restored(ctx, work, &back);
        }
}

int64_t cz__restore(cz_ctx *ctx, const cz_query *query)
{
    cz__check_change(ctx, query, "cz_restore");
    if (!query->model->state->deleted_at)
        cz_raise(ctx, CZ_EINVAL, "%s is not CZ_SOFT_DELETED: its rows cannot be restored",
                 query->model->name);
    struct restoration work = { .query = query };
    work.found.database = cz__alias_of(ctx, query->model, NULL, query->database, true);
    cz__atomic_in(ctx, cz__session_to_write(ctx, query->model, NULL, work.found.database),
                  restore_in_transaction, &work);
    return work.restored;
}
