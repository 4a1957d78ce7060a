/* Running queries: rows into the arena, or one after the other past a callback. */
#include "orm/orm_internal.h"
#include <calzone/bulk.h>

/* Run a request on a session and open its rows; raises. */
static const struct cz__plan *open_on(cz_ctx *ctx, cz__db_session *session,
                                      const struct cz__plan_request *request, cz__db_cursor *out)
{
    struct cz__shape shape;
    const struct cz__plan *plan = cz__plan_for(ctx, session, request, &shape);
    cz__db_param *params = cz__plan_params(ctx, plan, &shape, request->query);
    if (cz__repeats_max)
        cz__watch_query(ctx, request->query, plan, &shape);
    cz_error err;
    if (cz__open_rows(ctx, session, &plan->statement, params, plan->slot_count, out, &err))
        cz__raise_refused(ctx, request->query, plan, params, &err);
    return plan;
}

static cz__db_session *reader_of(cz_ctx *ctx, const cz_query *query)
{
    cz__db_session *session =
        cz__session_to_read(ctx, query->model, NULL, query->database, query->lock != CZ_NO_LOCK);
    if (query->lock && !session->block)
        cz_raise(ctx, CZ_EINVAL,
                 "rows of %s locked outside any cz_atomic(): the lock would end "
                 "with the statement",
                 query->model->name);
    if (query->limit < 0 || query->offset < 0)
        cz_raise(ctx, CZ_EINVAL, "a query of %s with a negative limit or offset",
                 query->model->name);
    return session;
}

/* Run a request that reads and open its rows; raises. */
static const struct cz__plan *open_plan(cz_ctx *ctx, const struct cz__plan_request *request,
                                        cz__db_cursor *out)
{
    return open_on(ctx, reader_of(ctx, request->query), request, out);
}

/* Read a row's columns, from `first` on, into `row`, its text into `arena`; only the `wanted`, NULL for all.
 * Returns false when there is no memory. */
static bool read_row(const cz__db_cursor *cursor, unsigned first, cz_model *model,
                     const uint64_t *wanted, cz_row *row, cz_arena *arena)
{
    const cz__db_driver *driver = cursor->db->driver;
    const struct cz__model_state *state = model->state;
    size_t words = cz__model_words(model);
    uint64_t *nulls = cz__row_bits(row, words, CZ__BITS_NULL);
    uint64_t *loaded = cz__row_bits(row, words, CZ__BITS_LOADED);
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        uint64_t bit = (uint64_t)1 << (i % 64);
        if (!column->stored || (wanted && !(wanted[i / 64] & bit)))
            continue;
        loaded[i / 64] |= bit;
        void *at = cz__row_at(row, column);
        cz__db_kind kind = CZ__DB_KIND(column->type);
        if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST) {
            bool null = false;
            if (driver->read_list(cursor, first++, column->type, arena, at, &null))
                return false;
            nulls[i / 64] |= null ? bit : 0;
        } else if (column->type & CZ__DB_CHOSEN) {
            nulls[i / 64] |= cz__choice_read(cursor, first++, column->type, at) ? 0 : bit;
        } else if (!driver->read(cursor, first++, column->type, at)) {
            nulls[i / 64] |= bit;
        } else if (cz__kind_is_text(kind)) {
            if (cz_str_dup(arena, *(cz_str *)at, at))
                return false;
        }
    }
    return true;
}

/* ---- streaming ---- */

size_t cz__each(cz_ctx *ctx, const cz_query *query,
                bool (*each)(const cz__db_cursor *cursor, void *arg), void *arg)
{
    struct cz__plan_request request = { .kind =
                                            query->values.count ? CZ__PLAN_VALUES : CZ__PLAN_SELECT,
                                        .query = query };
    cz__db_cursor cursor;
    cz_error err;
    cz_ignore(!open_plan(ctx, &request, &cursor)); /* what it reads, and in which order, is known */
    size_t seen = 0;
    bool more = true;
    cz_status status = CZ_OK;
    ctx->foreign++; /* neither a raise nor a wait may leave the statement open */
    while (more) {
        status = cursor.db->driver->step(&cursor, &more, &err);
        if (status || !more)
            break;
        seen++;
        more = each(&cursor, arg);
    }
    ctx->foreign--;
    cursor.db->driver->finish(&cursor);
    if (status)
        cz__raise_from(ctx, query, &err);
    return seen;
}

/* ---- rows in the arena ---- */

struct collect {
    cz_ctx *ctx;
    const struct cz__plan *plan;
    cz_model *model;
    cz__database *database;
    char *rows; /* model->row_bytes each */
    /* for each relation of the plan: its rows, one per row of the result; no memory may be missing for it while the
     * cursor is open */
    char *related[CZ__RELATED_MAX + 1];
    size_t count, cap;
    unsigned own_columns;            /* of the model itself */
    const struct cz__behind *behind; /* NULL: the rows are behind none */
    char *keys;                      /* what each row is behind */
    size_t key_bytes;
    cz__db_type key_type;
};

static unsigned count_columns(const cz_model *model, const uint64_t *loaded)
{
    if (!loaded)
        return model->state->stored_count;
    unsigned count = 0;
    for (size_t i = 0; i < cz__model_words(model); i++)
        count += (unsigned)__builtin_popcountll(loaded[i]);
    return count;
}

static bool grow(struct collect *c, size_t cap)
{
    cz_arena *arena = c->ctx->arena;
    char *rows = cz__arena_grown(arena, c->rows, c->count, cap, c->model->row_bytes);
    if (!rows)
        return false;
    c->rows = rows;
    for (uint16_t i = 0; i < c->plan->related_count; i++) {
        size_t bytes = c->plan->related[i].model->row_bytes;
        char *items = cz__arena_grown(arena, c->related[i], c->count, cap, bytes);
        if (!items)
            return false;
        c->related[i] = items;
    }
    if (c->behind) {
        char *keys = cz__arena_grown(arena, c->keys, c->count, cap, c->key_bytes);
        if (!keys)
            return false;
        c->keys = keys;
    }
    c->cap = cap;
    return true;
}

static bool collect_row(struct collect *c, const cz__db_cursor *cursor)
{
    if ((!c->rows || c->count == c->cap) && !grow(c, c->rows ? c->cap * 2 : c->cap))
        return false;
    cz_row *row = cz__row_nth(c->rows, c->count, c->model);
    memset(row, 0, c->model->row_bytes);
    row->model = c->model;
    row->database = c->database;
    if (!read_row(cursor, 0, c->model, c->plan->loaded, row, c->ctx->arena))
        return false;
    unsigned first = c->own_columns;
    for (uint16_t i = 0; i < c->plan->related_count; i++) {
        cz_model *model = c->plan->related[i].model;
        cz_row *item = cz__row_nth(c->related[i], c->count, model);
        memset(item, 0, model->row_bytes);
        item->model = model;
        item->database = c->database;
        if (!read_row(cursor, first, model, NULL, item, c->ctx->arena))
            return false;
        first += model->state->stored_count;
    }
    if (c->behind)
        cz_ignore(!cursor->db->driver->read(cursor, first, c->key_type,
                                            c->keys + c->count * c->key_bytes)); /* never NULL */
    c->count++;
    return true;
}

/* Rows of one model that were read together. NULL: no memory. */
static struct cz__result *new_result(const struct collect *c, const cz_query *query,
                                     cz_model *model, char *rows)
{
    struct cz__result *result = cz_arena_new(c->ctx->arena, struct cz__result);
    if (!result)
        return NULL;
    *result = (struct cz__result){ .model = model,
                                   .items = rows,
                                   .count = c->count,
                                   .arena = c->ctx->arena,
                                   .part = c->ctx->part,
                                   .strict = query->strict,
                                   .repeats = query->repeats,
                                   .file = query->file,
                                   .line = query->line };
    for (size_t n = 0; n < c->count; n++)
        cz__row_nth(rows, n, model)->result = result;
    return result;
}

/* Rows have stopped moving: point them at their result and at the rows read along. */
static cz_status link_rows(struct collect *c, const cz_query *query)
{
    if (!new_result(c, query, c->model, c->rows))
        return CZ_ENOMEM;
    for (uint16_t i = 0; i < c->plan->related_count; i++)
        if (!new_result(c, query, c->plan->related[i].model, c->related[i]))
            return CZ_ENOMEM;
    for (size_t n = 0; n < c->count; n++) {
        cz_row *row = cz__row_nth(c->rows, n, c->model);
        for (uint16_t i = 0; i < c->plan->related_count; i++) {
            const struct cz__related *related = &c->plan->related[i];
            cz_row *item = cz__row_nth(c->related[i], n, related->model);
            if (cz__row_bit(item, CZ__BITS_NULL, 0))
                continue; /* the LEFT JOIN found nothing: its key is NULL */
            cz_row *parent = row;
            if (related->parent)
                parent =
                    (cz_row *)(void *)(c->related[related->parent - 1] +
                                       n * c->plan->related[related->parent - 1].model->row_bytes);
            *cz__row_slot(parent, related->column) = item;
        }
    }
    return CZ_OK;
}

/* Step through all rows, calling `each`, then close; raises what the database or memory had to say. */
static void read_all(cz_ctx *ctx, cz__db_cursor *cursor, const cz_query *query,
                     bool (*each)(cz__db_cursor *cursor, void *arg), void *arg)
{
    bool more = true, enough_memory = true;
    cz_status status = CZ_OK;
    cz_error err;
    while (more && enough_memory) {
        status = cursor->db->driver->step(cursor, &more, &err);
        if (status || !more)
            break;
        enough_memory = each(cursor, arg);
    }
    cursor->db->driver->finish(cursor);
    if (status)
        cz__raise_from(ctx, query, &err);
    if (!enough_memory)
        cz_raise(ctx, CZ_ENOMEM, "the rows of a query of %s do not fit the request's memory",
                 query->model->name);
}

static bool collect_one(cz__db_cursor *cursor, void *arg)
{
    return collect_row(arg, cursor);
}

static void tell_of_rows(cz_ctx *ctx, const struct collect *c)
{
    if (cz__signal_wanted(c->model, CZ_POST_INIT))
        for (size_t n = 0; n < c->count; n++)
            cz__signal_row(ctx, CZ_POST_INIT, cz__row_nth(c->rows, n, c->model));
    for (uint16_t i = 0; i < c->plan->related_count; i++) {
        const cz_model *model = c->plan->related[i].model;
        for (size_t n = 0; n < c->count && cz__signal_wanted(model, CZ_POST_INIT); n++) {
            cz_row *row = cz__row_nth(c->related[i], n, model);
            if (!cz__row_bit(row, CZ__BITS_NULL, 0))
                cz__signal_row(ctx, CZ_POST_INIT, row);
        }
    }
}

static void keep_rows(struct collect *c)
{
    cz_check(c->ctx, cz__rows_keep(c->ctx->arena, c->model, c->rows, c->count));
    for (uint16_t i = 0; i < c->plan->related_count; i++)
        cz_check(c->ctx,
                 cz__rows_keep(c->ctx->arena, c->plan->related[i].model, c->related[i], c->count));
}

/* The rows of an open cursor, which is closed. */
static void collect_open(struct collect *c, const cz_query *query, cz__db_cursor *cursor)
{
    cz_ctx *ctx = c->ctx;
    c->own_columns = count_columns(query->model, c->plan->loaded);
    read_all(ctx, cursor, query, collect_one, c);
    if (link_rows(c, query))
        cz_raise(ctx, CZ_ENOMEM, "the rows of a query of %s do not fit the request's memory",
                 query->model->name);
    cz__unseal_rows(ctx, query->model, c->rows, c->count, c->plan->loaded);
    for (uint16_t i = 0; i < c->plan->related_count; i++)
        cz__unseal_rows(ctx, c->plan->related[i].model, c->related[i], c->count, NULL);
    keep_rows(c);
    tell_of_rows(ctx, c);
    if (query->prefetch.count && c->count)
        cz__prefetch(ctx, ((cz_row *)(void *)c->rows)->result, query);
}

static void collect_all(struct collect *c, const cz_query *query)
{
    if (query->values.count)
        cz_raise(c->ctx, CZ_EINVAL, "cz_select() of %s with .values, which cz_values() reads",
                 query->model->name);
    struct cz__plan_request request = { .kind = CZ__PLAN_SELECT,
                                        .query = query,
                                        .behind = c->behind };
    c->cap = query->limit > 0 && query->limit < 64 ? (size_t)query->limit : 16;
    cz__db_cursor cursor;
    cz__db_session *session = reader_of(c->ctx, query);
    c->database = session->database;
    c->plan = open_on(c->ctx, session, &request, &cursor);
    collect_open(c, query, &cursor);
}

struct cz__rows cz__select(cz_ctx *ctx, const cz_query *query)
{
    struct collect c = { .ctx = ctx, .model = query->model };
    collect_all(&c, query);
    return (struct cz__rows){ c.rows, c.count };
}

struct cz__rows cz__select_behind(cz_ctx *ctx, const cz_query *query,
                                  const struct cz__behind *behind, char **out_behind)
{
    bool uuid = behind->value_kind == CZ__VALUE_UUIDS;
    struct collect c = { .ctx = ctx,
                         .model = query->model,
                         .behind = behind,
                         .key_bytes = uuid ? sizeof(cz_uuid) : sizeof(int64_t),
                         .key_type = uuid ? CZ__DB_UUID : CZ__DB_INT64 };
    collect_all(&c, query);
    *out_behind = c.keys;
    return (struct cz__rows){ c.rows, c.count };
}

/* ---- rows in parts ---- */

struct cz_iterator {
    cz_ctx *ctx;
    struct cz__apart *apart; /* where a part's rows are */
    cz_query query;
    size_t rows; /* of a part */
    const struct cz__plan *plan;
    const cz__db_driver *driver;
    cz__db_session *session; /* the caller's, or `own`, in a transaction that it has begun */
    cz__db_session own;
    unsigned depth;        /* of the transaction it began in */
    cz__db_stream *stream; /* NULL: over */
    struct cz__rows found;
};

static void end_iterator(cz_iterator *iterator, bool ends_early)
{
    bool owns = iterator->session == &iterator->own;
    if (iterator->stream)
        iterator->driver->stream_end(iterator->ctx, iterator->stream, ends_early && !owns);
    iterator->stream = NULL;
    if (owns && iterator->own.depth)
        iterator->driver->rollback(iterator->ctx, &iterator->own); /* nothing was changed */
}

static void iterator_left(void *arg)
{
    end_iterator(arg, false);
}

void cz_iterator_end(cz_iterator *iterator)
{
    bool alive = iterator->stream && iterator->session->depth >= iterator->depth &&
                 !iterator->session->broken;
    end_iterator(iterator, alive);
    cz__apart_done(iterator->apart);
}

cz_iterator *cz__iterator_begin(cz_ctx *ctx, size_t rows, const cz_query *query)
{
    if (!rows || rows > INT32_MAX || query->values.count || query->lock)
        cz_raise(ctx, CZ_EINVAL,
                 "an iterator over %s: its parts have a size, and no values or lock",
                 query->model->name);
    cz_iterator *iterator = cz_new(ctx, cz_iterator);
    cz_error err;
    iterator->ctx = ctx;
    iterator->apart = cz__apart_create(ctx);
    iterator->query = *cz__query_copy(ctx, query);
    iterator->query.repeats = true; /* one query a part is what was asked for */
    iterator->rows = rows;
    iterator->session = cz__session_to_read(ctx, query->model, NULL, query->database, true);
    iterator->driver = iterator->session->db->driver;
    struct cz__plan_request request = { .kind = CZ__PLAN_SELECT, .query = query };
    struct cz__shape shape;
    iterator->plan = cz__plan_for(ctx, iterator->session, &request, &shape);
    cz__db_param *params = cz__plan_params(ctx, iterator->plan, &shape, query);
    cz_defer(ctx, iterator_left, iterator);
    if (!iterator->session->depth && iterator->driver->features->streams_in_transaction) {
        iterator->own = (cz__db_session){ .db = iterator->session->db,
                                          .database = iterator->session->database,
                                          .arena = ctx->arena,
                                          .primary_only = true,
                                          .read_only = true };
        iterator->session = &iterator->own;
        if (iterator->driver->begin(ctx, iterator->session, &err))
            cz__raise_from(ctx, query, &err);
    }
    iterator->depth = iterator->session->depth;
    if (iterator->driver->stream_begin(ctx, iterator->session, &iterator->plan->statement, params,
                                       iterator->plan->slot_count, rows, &iterator->stream, &err))
        cz__raise_from(ctx, query, &err);
    return iterator;
}

static void read_part(cz_ctx *ctx, void *arg)
{
    cz_iterator *iterator = arg;
    cz__db_cursor cursor;
    cz_error err;
    if (iterator->driver->stream_next(ctx, iterator->stream, &cursor, &err))
        cz__raise_from(ctx, &iterator->query, &err);
    struct collect c = { .ctx = ctx,
                         .model = iterator->query.model,
                         .plan = iterator->plan,
                         .database = iterator->session->database,
                         .cap = iterator->rows < 64 ? iterator->rows : 64 };
    collect_open(&c, &iterator->query, &cursor);
    iterator->found = (struct cz__rows){ c.rows, c.count };
}

struct cz__rows cz__iterator_next(cz_iterator *iterator)
{
    cz_ctx *ctx = iterator->ctx;
    iterator->found = (struct cz__rows){ 0 };
    if (!iterator->stream)
        return iterator->found;
    if (iterator->session->depth < iterator->depth)
        cz_raise(ctx, CZ_EINVAL, "the transaction this iterator over %s began in has ended",
                 iterator->query.model->name);
    cz__apart_run(iterator->apart, read_part, iterator);
    if (iterator->found.count < iterator->rows)
        end_iterator(iterator, true); /* the last part; its rows stay until the next call */
    return iterator->found;
}

/* ---- records ---- */

struct records {
    cz_ctx *ctx;
    const cz_query *query;
    const struct cz__plan *plan;
    const struct cz__model_state *record;
    char *items;
    size_t count, cap;
    const cz__column *overflow; /* a number did not fit this one */
};

/* One value into its member. The database computes wide integers and decimals of its own places. Returns false
 * when there is no memory. */
static bool read_output(struct records *r, const cz__db_cursor *cursor, unsigned n, cz_row *row)
{
    const cz__db_driver *driver = cursor->db->driver;
    const cz__column *member = &r->record->columns[r->query->values.items[n].field];
    cz__db_kind kind = CZ__DB_KIND(member->type);
    cz__db_type type = r->plan->outputs[n];
    void *at = cz__row_at(row, member);
    bool null = false;
    cz__row_bit_set(row, CZ__BITS_LOADED, member->ordinal, true);
    if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST) {
        if (driver->read_list(cursor, n, member->type, r->ctx->arena, at, &null))
            return false;
    } else if (kind == CZ__DB_INT16 || kind == CZ__DB_INT32) {
        int64_t wide = 0;
        null = !driver->read(cursor, n, CZ__DB_INT64, &wide);
        if (kind == CZ__DB_INT16 ? wide != (int16_t)wide : wide != (int32_t)wide)
            r->overflow = member;
        if (kind == CZ__DB_INT16)
            *(int16_t *)at = (int16_t)wide;
        else
            *(int32_t *)at = (int32_t)wide;
    } else if (kind == CZ__DB_DECIMAL) {
        cz_decimal value = { 0 };
        if (CZ__DB_KIND(type) == CZ__DB_DECIMAL) {
            null = !driver->read(cursor, n, type, &value);
        } else {
            int64_t whole = 0;
            null = !driver->read(cursor, n, CZ__DB_INT64, &whole);
            value = cz_decimal_of(whole, 0);
        }
        if (cz_decimal_round(value, CZ__DB_PLACES(member->type), at))
            r->overflow = member;
    } else if (member->type & CZ__DB_CHOSEN && CZ__DB_KIND(type) == CZ__DB_INT64) {
        int64_t place = 0; /* a constant of the enum */
        null = !driver->read(cursor, n, type, &place);
        *(int *)at = (int)place;
    } else if (member->type & CZ__DB_CHOSEN) {
        null = !cz__choice_read(cursor, n, member->type, at);
    } else if (kind == CZ__DB_REAL && CZ__DB_KIND(type) == CZ__DB_DECIMAL) {
        cz_decimal value = { 0 };
        null = !driver->read(cursor, n, type, &value);
        *(double *)at = cz_decimal_to_double(value);
    } else {
        null = !driver->read(cursor, n, member->type, at);
        if (!null && cz__kind_is_text(kind) && cz_str_dup(r->ctx->arena, *(cz_str *)at, at))
            return false;
    }
    cz__row_bit_set(row, CZ__BITS_NULL, member->ordinal, null);
    return true;
}

static bool read_record(cz__db_cursor *cursor, void *arg)
{
    struct records *r = arg;
    size_t bytes = r->record->model->row_bytes;
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        char *grown = cz__arena_grown(r->ctx->arena, r->items, r->count, cap, bytes);
        if (!grown)
            return false;
        r->items = grown;
        r->cap = cap;
    }
    cz_row *row = (cz_row *)(void *)(r->items + r->count * bytes);
    memset(row, 0, bytes);
    row->model = r->record->model;
    for (unsigned i = 0; i < r->query->values.count; i++)
        if (!read_output(r, cursor, i, row))
            return false;
    r->count++;
    return true;
}

/* Of values; a model's own order would split their groups. */
static cz_query without_own_order(const cz_query *query)
{
    cz_query unordered = *query;
    unordered.unordered = true;
    return unordered;
}

struct cz__rows cz__values(cz_ctx *ctx, const cz_query *query)
{
    if (!query->values.count)
        cz_raise(ctx, CZ_EINVAL, "cz_values() without .values");
    cz_query unordered = without_own_order(query);
    struct cz__plan_request request = { .kind = CZ__PLAN_VALUES, .query = &unordered };
    struct records r = { .ctx = ctx,
                         .query = query,
                         .record = cz__record_state(ctx, query->values.record) };
    cz__db_cursor cursor;
    r.plan = open_plan(ctx, &request, &cursor);
    read_all(ctx, &cursor, query, read_record, &r);
    if (r.overflow)
        cz_raise(ctx, CZ_EINVAL, "a value of %s does not fit the member \"%s\"",
                 query->values.record->name, r.overflow->field->name);
    return (struct cz__rows){ r.items, r.count };
}

void *cz__aggregate(cz_ctx *ctx, const cz_query *query)
{
    struct cz__rows rows = cz__values(ctx, query);
    if (rows.count != 1)
        cz_raise(ctx, CZ_EINVAL,
                 "cz_aggregate() of %s gave %zu rows: each of its values is an aggregate",
                 query->model->name, rows.count);
    return rows.items;
}

struct lines {
    cz_ctx *ctx;
    cz_buf *text;
    unsigned column;
};

static bool read_line(cz__db_cursor *cursor, void *arg)
{
    struct lines *lines = arg;
    cz_str line;
    if (cursor->db->driver->read(cursor, lines->column, CZ__DB_TEXT, &line)) {
        cz_buf_append_str(lines->text, line);
        cz_buf_append_char(lines->text, '\n');
    }
    return cz_buf_status(lines->text) == CZ_OK;
}

cz_str cz__explain(cz_ctx *ctx, const cz_query *query)
{
    bool values = query->values.count > 0;
    cz_query asked = values ? without_own_order(query) : *query;
    struct cz__plan_request request = { .kind = values ? CZ__PLAN_VALUES : CZ__PLAN_SELECT,
                                        .query = &asked,
                                        .explain = true };
    cz__db_cursor cursor;
    struct lines lines = { .ctx = ctx, .text = cz__scratch(ctx) };
    cz__db_session *session = reader_of(ctx, query);
    lines.column = session->db->driver->features->explain_column;
    cz_ignore(!open_on(ctx, session, &request, &cursor)); /* its lines are what is read */
    read_all(ctx, &cursor, query, read_line, &lines);
    return cz_copy(ctx, cz_buf_str(lines.text));
}

/* ---- keys of new rows ---- */

struct new_keys {
    const cz__column *key;
    char *items;
    size_t count, cap;
};

static bool read_key(cz__db_cursor *cursor, void *arg)
{
    struct new_keys *keys = arg;
    cz_assert(keys->count < keys->cap); /* one a row at most */
    void *at = keys->items + keys->count * cz__column_bytes(keys->key);
    cz_ignore(cursor->db->driver->read(cursor, 0, keys->key->type, at)); /* never NULL */
    keys->count++;
    return true;
}

struct cz__keys cz__run_insert(cz_ctx *ctx, const struct cz__plan_request *request)
{
    const cz_query *query = request->query;
    const cz__column *key = query->model->state->key;
    struct new_keys keys = { .key = key,
                             .items = cz_alloc_zero(ctx, request->row_count, cz__column_bytes(key)),
                             .cap = request->row_count };
    cz__db_cursor cursor;
    cz__db_session *session = cz__session_to_write(ctx, query->model, NULL, query->database);
    cz__watch_change(ctx, query->model);
    cz_ignore(!open_on(ctx, session, request, &cursor)); /* of one column */
    read_all(ctx, &cursor, query, read_key, &keys);
    cz__tell_change(ctx, session, query->model);
    return (struct cz__keys){ keys.items, keys.count };
}

struct returned {
    const struct cz__plan *plan;
    cz_row *row;
    cz_arena *arena;
    int64_t rows;
};

static bool read_returned(cz__db_cursor *cursor, void *arg)
{
    struct returned *returned = arg;
    returned->rows++;
    return read_row(cursor, 0, returned->row->model, returned->plan->loaded, returned->row,
                    returned->arena);
}

void cz__run_insert_row(cz_ctx *ctx, const struct cz__plan_request *request, cz_row *row)
{
    cz__db_cursor cursor;
    struct returned returned = { .row = row, .arena = ctx->arena };
    cz__db_session *session = cz__session_to_write(ctx, row->model, NULL, request->query->database);
    cz__watch_change(ctx, row->model);
    returned.plan = open_on(ctx, session, request, &cursor);
    read_all(ctx, &cursor, request->query, read_returned, &returned);
    cz__check_inserted(ctx, row->model, false, returned.rows);
    cz__tell_change(ctx, session, row->model);
}

/* ---- one row, counts ---- */

void *cz__get(cz_ctx *ctx, const cz_query *query)
{
    cz_query two = *query;
    bool sliced = two.limit || two.offset || two.distinct_on.count || two.combine.count;
    if (!sliced) { /* which of two it would be does not matter */
        two.unordered = true;
        two.order_by.count = 0;
    }
    if (!two.limit || two.limit > 2)
        two.limit = 2;
    struct cz__rows rows = cz__select(ctx, &two);
    if (rows.count == 0)
        cz_raise(ctx, CZ_ENOTFOUND, "No %s matches the given query.", query->model->name);
    if (rows.count > 1)
        cz_raise(ctx, CZ_EMULTIPLE, "more than one %s matches the given query", query->model->name);
    return rows.items;
}

void *cz__first(cz_ctx *ctx, const cz_query *query)
{
    cz_query one = *query;
    one.limit = 1;
    struct cz__rows rows = cz__select(ctx, &one);
    return rows.count ? rows.items : NULL;
}

/* The first column of the first row of a COUNT or EXISTS; -1 when there is no row. */
static int64_t scalar(cz_ctx *ctx, const cz_query *query, enum cz__plan_kind kind)
{
    struct cz__plan_request request = { .kind = kind, .query = query };
    cz__db_cursor cursor;
    cz_error err;
    cz_ignore(!open_plan(ctx, &request, &cursor)); /* of one column */
    bool row;
    int64_t value = -1;
    cz_status status = cursor.db->driver->step(&cursor, &row, &err);
    if (!status && kind == CZ__PLAN_EXISTS)
        value = row; /* of a union or of values the column may be any */
    else if (!status && row)
        cz_ignore(
            !cursor.db->driver->read(&cursor, 0, CZ__DB_INT64, &value)); /* COUNT is never NULL */
    cursor.db->driver->finish(&cursor);
    if (status)
        cz__raise_from(ctx, query, &err);
    return value;
}

int64_t cz__count(cz_ctx *ctx, const cz_query *query)
{
    int64_t count = scalar(ctx, query, CZ__PLAN_COUNT);
    count = count > query->offset ? count - query->offset
                                  : 0; /* a slice counts its own rows, as in Django */
    return query->limit && count > query->limit ? query->limit : count;
}

bool cz__exists(cz_ctx *ctx, const cz_query *query)
{
    if (query->offset) /* of a slice, which the statement does not know */
        return cz__count(ctx, query) > 0;
    return scalar(ctx, query, CZ__PLAN_EXISTS) == 1;
}
