/* Reading and setting the links of a many-to-many: rows of a table that no model stands for, or of a model's. */
#include "orm/orm_internal.h"

static cz__db_param key_param(const cz_model *model, const void *key)
{
    if (CZ__DB_KIND(model->state->key->type) == CZ__DB_UUID)
        return (cz__db_param){ .kind = CZ__PARAM_UUID,
                               .type = model->state->key->type,
                               .uuid = *(const cz_uuid *)key };
    return (cz__db_param){ .kind = CZ__PARAM_INT, .integer = *(const int64_t *)key };
}

bool cz__links_make_room(cz_arena *arena, char **keys, size_t *cap, size_t count, size_t bytes)
{
    if (count < *cap)
        return true;
    char *grown = cz_arena_alloc(arena, *cap * 2 * bytes);
    if (!grown)
        return false;
    memcpy(grown, *keys, count * bytes);
    *keys = grown;
    *cap *= 2;
    return true;
}

size_t cz__links_read(cz_ctx *ctx, const cz_row *row, const cz__column *column, void **out)
{
    if (column->through)
        return cz__through_read(ctx, row, column, out);
    cz__db_session *session = cz__session_to_read(ctx, row->model, row, NULL, false);
    const cz__db_driver *driver = session->db->driver;
    const cz_model *target = column->field->target;
    size_t bytes = cz__column_bytes(target->state->key), count = 0, cap = 8;
    char *keys = cz_alloc(ctx, cap * bytes);
    cz__db_statement statement =
        cz__link_select(ctx, session, column->link_table, column->link_from, column->link_to);
    cz__db_param param = key_param(row->model, cz__row_at(row, row->model->state->key));
    cz__db_cursor cursor;
    cz_error err;
    if (cz__open_rows(ctx, session, &statement, &param, 1, &cursor, &err))
        cz_raise_error(ctx, &err);
    bool more = true, enough_memory = true;
    cz_status status = CZ_OK;
    while (enough_memory && !(status = driver->step(&cursor, &more, &err)) && more) {
        enough_memory = cz__links_make_room(ctx->arena, &keys, &cap, count, bytes);
        if (enough_memory &&
            driver->read(&cursor, 0, target->state->key->type, keys + count * bytes))
            count++;
    }
    driver->finish(&cursor);
    if (status)
        cz_raise_error(ctx, &err);
    if (!enough_memory)
        cz_raise(ctx, CZ_ENOMEM, "no memory for the links of a row");
    *out = keys;
    return count;
}

/* Those of `keys` that are not among `others`, each once. */
static size_t without(cz_ctx *ctx, const char *keys, size_t count, const char *others,
                      size_t other_count, size_t bytes, char **out)
{
    cz_map seen;
    size_t kept = 0;
    cz_map_init(&seen, ctx->arena);
    for (size_t i = 0; i < other_count; i++)
        cz_check(ctx, cz_map_set(&seen, cz_str_of(others + i * bytes, bytes), &seen));
    *out = cz_alloc(ctx, (count + 1) * bytes);
    for (size_t i = 0; i < count; i++) {
        cz_str key = cz_str_of(keys + i * bytes, bytes);
        if (cz_map_get(&seen, key))
            continue;
        cz_check(ctx, cz_map_set(&seen, key, &seen));
        memcpy(*out + kept++ * bytes, key.ptr, bytes);
    }
    return kept;
}

/* Links of a table that no model stands for, each by a statement. */
static void change_table(cz_ctx *ctx, const struct cz__links *links, cz__db_session *session,
                         const char *keys, size_t count, bool add)
{
    const cz__column *column = links->column;
    const cz_model *model = links->row->model, *other = column->field->target;
    cz__db_statement statement =
        cz__link_change(ctx, session, column->link_table, column->link_from, column->link_to, add);
    for (size_t i = 0; i < count; i++) {
        cz__db_param params[] = {
            key_param(model, cz__row_at(links->row, model->state->key)),
            key_param(other, keys + i * cz__column_bytes(other->state->key)),
        };
        int64_t rows, last_id;
        cz_error err;
        if (session->db->driver->change(ctx, session, &statement, params, 2, &rows, &last_id, &err))
            cz_raise_error(ctx, &err);
    }
}

/* `action`: PRE_ADD, PRE_REMOVE or PRE_CLEAR, which receivers are told of whatever there is to clear, and with no keys,
 * as Django's are. */
static void change(cz_ctx *ctx, const struct cz__links *links, const char *keys, size_t count,
                   cz_m2m_action action)
{
    const bool add = action == CZ_M2M_PRE_ADD, clear = action == CZ_M2M_PRE_CLEAR;
    const cz__column *column = links->column;
    cz_event event = { .signal = CZ_M2M_CHANGED,
                       .model = links->row->model,
                       .row = links->row,
                       .action = action,
                       .field = column->field,
                       .other = column->field->target,
                       .keys = clear ? NULL : keys,
                       .key_count = clear ? 0 : count };
    bool wanted = cz__signal_wanted(event.model, CZ_M2M_CHANGED);
    if (!count && !clear)
        return;
    cz__db_session *session = cz__session_to_write(ctx, event.model, event.row, NULL);
    event.database = session->database->alias;
    if (wanted)
        cz__signal_send(ctx, &event);
    cz__watch_change(ctx, event.other); /* rows behind links are found by them */
    cz__watch_change(ctx, event.model);
    if (!column->through)
        change_table(ctx, links, session, keys, count, add);
    else
        (add ? cz__through_add : cz__through_remove)(ctx, links, event.database, keys, count);
    cz__tell_change(ctx, session, event.model);
    cz__tell_change(ctx, session, event.other);
    event.action = add ? CZ_M2M_POST_ADD : clear ? CZ_M2M_POST_CLEAR : CZ_M2M_POST_REMOVE;
    if (wanted)
        cz__signal_send(ctx, &event);
}

static void set_in_transaction(cz_ctx *ctx, void *arg)
{
    const struct cz__links *links = arg;
    size_t bytes = cz__column_bytes(links->column->field->target->state->key);
    void *linked;
    size_t linked_count = cz__links_read(ctx, links->row, links->column, &linked);
    char *gone, *new;
    size_t gone_count = without(ctx, linked, linked_count, links->keys, links->count, bytes, &gone);
    size_t new_count = without(ctx, links->keys, links->count, linked, linked_count, bytes, &new);
    change(ctx, links, gone, gone_count, CZ_M2M_PRE_REMOVE);
    change(ctx, links, new, new_count, CZ_M2M_PRE_ADD);
}

void cz__links_change(cz_ctx *ctx, const struct cz__links *links, bool add)
{
    size_t bytes = cz__column_bytes(links->column->field->target->state->key);
    void *linked;
    size_t linked_count = cz__links_read(ctx, links->row, links->column, &linked);
    char *wanted;
    size_t wanted_count;
    if (add) {
        wanted_count =
            without(ctx, links->keys, links->count, linked, linked_count, bytes, &wanted);
    } else { /* of those linked, the ones named: without those that are not */
        char *others;
        size_t other_count =
            without(ctx, linked, linked_count, links->keys, links->count, bytes, &others);
        wanted_count = without(ctx, linked, linked_count, others, other_count, bytes, &wanted);
    }
    change(ctx, links, wanted, wanted_count, add ? CZ_M2M_PRE_ADD : CZ_M2M_PRE_REMOVE);
}

static void replace_in_transaction(cz_ctx *ctx, void *arg)
{
    const struct cz__links *links = arg;
    size_t bytes = cz__column_bytes(links->column->field->target->state->key);
    void *linked;
    size_t linked_count = cz__links_read(ctx, links->row, links->column, &linked);
    char *wanted;
    size_t wanted_count = without(ctx, links->keys, links->count, NULL, 0, bytes, &wanted);
    change(ctx, links, linked, linked_count, CZ_M2M_PRE_CLEAR);
    change(ctx, links, wanted, wanted_count, CZ_M2M_PRE_ADD);
}

static void in_transaction(cz_ctx *ctx, const struct cz__links *links,
                           void (*body)(cz_ctx *ctx, void *arg))
{
    struct cz__links copy = *links;
    cz_assert(links->column->link_table);
    cz__atomic_in(ctx, cz__session_to_write(ctx, links->row->model, links->row, NULL), body, &copy);
}

void cz__links_set(cz_ctx *ctx, const struct cz__links *links)
{
    in_transaction(ctx, links, set_in_transaction);
}

void cz__links_replace(cz_ctx *ctx, const struct cz__links *links)
{
    in_transaction(ctx, links, replace_in_transaction);
}
