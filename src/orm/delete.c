/* Deleting, with what on_delete says of the rows that refer to those deleted.
 *
 * Done here rather than by the database, as Django does, so the rules are the same everywhere and a
 * protected row is named. All of it is one transaction: first the keys to go are collected, each once, while
 * every referrer is asked (PROTECT, RESTRICT) or collected in turn (CASCADE), and receivers of CZ_PRE_DELETE are
 * told; then referrers are changed (SET_NULL, SET_DEFAULT) and the rows go, the last collected first, each with
 * its many-to-many links. Rows may refer to each other in a circle: foreign keys are checked at the commit. */
#include "orm/collector.h"

/* Those that are not deleted, whatever the model's manager says. */
static const cz_manager every_kept_row = { 0 };

/* Rows that refer to others: when those are only marked, the ones that are not marked themselves. */
static cz_query referrers(const struct cz__deletion *deletion, cz_model *model, cz_cond where)
{
    return (cz_query){ .model = model,
                       .where = where,
                       .unordered = true,
                       .database = deletion->database,
                       .manager = deletion->soft ? &every_kept_row : &cz_base_manager };
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

/* Refuse when a row of the query still refers to one of the model's, and say so when all that do are deleted. */
static void check_referrers(cz_ctx *ctx, struct cz__deletion *deletion, const cz_query *query,
                            const cz_model *referred, cz_on_delete rule)
{
    const struct cz__model_state *state = query->model->state;
    bool restricts = rule == CZ_RESTRICT;
    if (restricts ? cz__all_collected(ctx, deletion, query) : !cz__exists(ctx, query))
        return;
    cz_query alive = *query;
    alive.manager = &every_kept_row;
    bool deleted =
        state->deleted_at && !deletion->soft &&
        (restricts ? cz__all_collected(ctx, deletion, &alive) : !cz__exists(ctx, &alive));
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

static void settle_part(cz_ctx *ctx, struct cz__deletion *deletion,
                        const struct cz__collected *keys, const struct cz__referrer *referrer,
                        cz_cond where)
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
            cz__collect(ctx, deletion, &query);
        break;
    case CZ_DO_NOTHING:
        break;
    }
}

/* ---- references from other databases, which follow the commit ---- */

struct following {
    struct cz__referrer referrer;
    struct cz__collected keys;
    bool soft;
};

static void follow_commit(cz_ctx *ctx, void *arg)
{
    const struct following *following = arg;
    const struct cz__referrer *referrer = &following->referrer;
    for (size_t from = 0; from < following->keys.count; from += CZ__KEYS_PER_STATEMENT) {
        cz_query query = { .model = referrer->model,
                           .where = cz__keys_part(ctx, referrer->model, referrer->column->attribute,
                                                  &following->keys, from),
                           .manager = following->soft ? &every_kept_row : &cz_base_manager };
        if (referrer->column->field->options.on_delete == CZ_SET_NULL)
            set_null(ctx, referrer, &query);
        else if (following->soft)
            cz_ignore(cz__delete(ctx, &query) < 0); /* counted by nobody */
        else /* for good, as what they refer to, also those that are marked */
            cz_ignore(cz__purge(ctx, &query) < 0);
    }
}

/* They outlive a part that the deletion is in. */
static struct cz__collected keys_until_commit(cz_ctx *ctx, const struct cz__collected *keys)
{
    size_t bytes = keys->count * (keys->uuid ? sizeof(cz_uuid) : sizeof(int64_t));
    void *copy = cz_arena_alloc(cz__home(ctx), bytes);
    cz_check(ctx, copy ? CZ_OK : CZ_ENOMEM);
    memcpy(copy, keys->uuid ? (const void *)keys->uuids : keys->integers, bytes);
    return (struct cz__collected){ .model = keys->model,
                                   .uuid = keys->uuid,
                                   .integers = keys->uuid ? NULL : copy,
                                   .uuids = keys->uuid ? copy : NULL,
                                   .count = keys->count };
}

/* Whether a referrer's rows are elsewhere, and follow when the deletion is committed. */
static bool follows(cz_ctx *ctx, const struct cz__deletion *deletion,
                    const struct cz__collected *keys, const struct cz__referrer *referrer,
                    enum round round)
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
static void settle_referrer(cz_ctx *ctx, struct cz__deletion *deletion,
                            const struct cz__collected *keys, const struct cz__referrer *referrer,
                            enum round round)
{
    if (follows(ctx, deletion, keys, referrer, round))
        return;
    if (round_of(referrer->column->field->options.on_delete) != round ||
        (round == CHANGE && deletion->soft))
        return;
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT)
        settle_part(ctx, deletion, keys, referrer,
                    cz__keys_part(ctx, referrer->model, referrer->column->attribute, keys, from));
}

/* The links of a many-to-many to the keys, which stand in `side` of its table. */
static int64_t delete_links(cz_ctx *ctx, const struct cz__deletion *deletion,
                            const struct cz__collected *keys, const char *table, const char *side)
{
    cz__db_session *session = cz__session_to_write(ctx, keys->model, NULL, deletion->database);
    int64_t removed = 0;
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        size_t count = keys->count - from < CZ__KEYS_PER_STATEMENT ? keys->count - from
                                                                   : CZ__KEYS_PER_STATEMENT;
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
static int64_t delete_all_links(cz_ctx *ctx, const struct cz__deletion *deletion,
                                const struct cz__collected *keys)
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

static int64_t delete_keys(cz_ctx *ctx, const struct cz__deletion *deletion,
                           const struct cz__collected *keys)
{
    int64_t removed = delete_all_links(ctx, deletion, keys);
    cz_str key = keys->model->state->key->attribute;
    for (size_t from = 0; from < keys->count; from += CZ__KEYS_PER_STATEMENT) {
        cz_query query = { .model = keys->model,
                           .where = cz__keys_part(ctx, keys->model, key, keys, from),
                           .manager = &cz_base_manager,
                           .database = deletion->database };
        struct cz__plan_request request = { .kind = CZ__PLAN_DELETE, .query = &query };
        removed += cz__run_change(ctx, &request, NULL);
    }
    return removed;
}

static void settle(cz_ctx *ctx, struct cz__deletion *deletion, const struct cz__collected *keys,
                   enum round round)
{
    for (; keys; keys = keys->after) { /* which grows meanwhile */
        const struct cz__model_state *state = keys->model->state;
        for (size_t i = 0; i < state->referrer_count; i++)
            settle_referrer(ctx, deletion, keys, &state->referrers[i], round);
    }
}

static void tell(cz_ctx *ctx, const struct cz__collected *keys, cz_signal signal)
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
    struct cz__deletion *deletion = arg;
    cz_query query = *deletion->query;
    query.unordered = true;
    query.database = deletion->database;
    if (deletion->soft) /* those that are deleted stay so since when they are */
        query.where = cz__cond_both(ctx, query.model->state->is_kept, query.where);
    cz_map_init(&deletion->seen, ctx->arena);
    cz__collect(ctx, deletion, &query);
    struct cz__collected *first = deletion->last;
    settle(ctx, deletion, first, COLLECT);
    settle(ctx, deletion, first, RESTRICT);
    for (const struct cz__collected *keys = first; keys; keys = keys->after)
        tell(ctx, keys, CZ_PRE_DELETE);
    settle(ctx, deletion, first, CHANGE);
    for (const struct cz__collected *keys = deletion->last; keys; keys = keys->before) {
        deletion->removed += deletion->soft
                                 ? cz__mark_keys(ctx, deletion->database, keys, &deletion->now)
                                 : delete_keys(ctx, deletion, keys);
        tell(ctx, keys, CZ_POST_DELETE);
    }
}

/* Delete the rows of the query, with `row`, one of them or NULL, saying which database they are in. */
static int64_t run(cz_ctx *ctx, struct cz__deletion *deletion, const cz_row *row)
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
    struct cz__deletion deletion = { .query = query,
                                     .soft = query->model->state->deleted_at != NULL };
    return run(ctx, &deletion, NULL);
}

void cz__remove(cz_ctx *ctx, cz_row *row)
{
    const struct cz__model_state *state = row->model->state;
    if (!cz__row_bit(row, CZ__BITS_LOADED, 0))
        cz_raise(ctx, CZ_EINVAL, "a %s that is not stored cannot be removed", row->model->name);
    cz_query query = { .model = row->model,
                       .where = cz__cond_key(ctx, row),
                       .manager = state->deleted_at ? &every_kept_row : &cz_base_manager };
    struct cz__deletion deletion = { .query = &query, .soft = state->deleted_at };
    if (!run(ctx, &deletion, row) || !state->deleted_at)
        return;
    cz__db_param now = { .kind = CZ__PARAM_DATETIME, .integer = deletion.now.us };
    cz__db_param yes = { .kind = CZ__PARAM_INT, .integer = 1 };
    cz__row_store(ctx, row, state->deleted_at, &now);
    cz__row_bit_set(row, CZ__BITS_DIRTY, state->deleted_at->ordinal, false);
    cz__row_keep_member(row, state->deleted_at);
    if (!state->is_deleted)
        return;
    cz__row_store(ctx, row, state->is_deleted, &yes);
    cz__row_bit_set(row, CZ__BITS_DIRTY, state->is_deleted->ordinal, false);
    cz__row_keep_member(row, state->is_deleted);
}

int64_t cz__purge(cz_ctx *ctx, const cz_query *query)
{
    cz_query rows = *query;
    rows.lock = CZ_NO_LOCK;
    cz__check_change(ctx, &rows, "cz_purge");
    rows.lock = query->lock;
    if (rows.deleted != CZ_ONLY_DELETED)
        rows.deleted = CZ_WITH_DELETED;
    struct cz__deletion deletion = { .query = &rows };
    return run(ctx, &deletion, NULL);
}
