/* Many rows in one request: all of them are stored, or none (docs/decisions/0093-all-of-a-bulk-or-none.md). */
#include <calzone/databases.h>
#include <calzone/map.h>
#include <calzone/transactions.h>
#include "serializers/serializers.h"
#include "views/views_internal.h"

/* One request on its way. */
struct bulk {
    cz_request *req;
    const cz_viewset *view;
    cz_serializer *shown;
    cz_str json;
    bool partial;
    int status;
};

static cz_str key_of(const cz_viewset *view, const void *key)
{
    return cz_str_of(key, cz__column_bytes(view->model->state->key));
}

static cz_str key_of_row(const cz_viewset *view, const cz_row *row)
{
    return key_of(view, cz__row_at(row, view->model->state->key));
}

/* ---- finding ---- */

/* The keys that a request names, one behind the other. */
struct keys {
    char *bytes;
    size_t count;
};

static cz_cond among(cz_ctx *ctx, const cz_viewset *view, const struct keys *keys)
{
    const cz__column *key = view->model->state->key;
    return cz__cond_keys(ctx, view->model, key->attribute, key->type, keys->bytes, keys->count);
}

/* Rows by their keys. */
static void select_by_key(cz_ctx *ctx, const cz_viewset *view, cz_cond where, cz_lock lock,
                          cz_map *out)
{
    cz_order by_key = { .path = view->model->state->key->attribute };
    cz_query query = { .model = view->model,
                       .where = where,
                       .order_by = { &by_key,
                                     1 }, /* two that change the same rows lock them alike */
                       .lock = lock };
    struct cz__rows rows = cz__select(ctx, &query);
    for (size_t i = 0; i < rows.count; i++) {
        cz_row *row = cz__row_nth(rows.items, i, view->model);
        cz_check(ctx, cz_map_set(out, key_of_row(view, row), row));
    }
}

/* Those of the rows that this request may see and change, by their keys, locked to the end of the transaction. */
static void find_rows(cz_ctx *ctx, const struct bulk *bulk, const struct keys *keys, cz_map *out)
{
    bool distinct = false; /* each comes once, by its key */
    size_t cursor = 0;
    cz_map_init(out, ctx->arena);
    if (!keys->count)
        return;
    cz_cond narrowing = cz__view_narrowing(ctx, bulk->req, bulk->view, &distinct);
    select_by_key(ctx, bulk->view, cz__cond_both(ctx, among(ctx, bulk->view, keys), narrowing),
                  CZ_FOR_UPDATE, out);
    for (const cz_map_entry *entry; (entry = cz_map_next(out, &cursor));)
        cz_permission_require(ctx, bulk->req, cz__view_permission(bulk->req), entry->value);
}

/* ---- answering ---- */

/* In the input's order. Rows that show relations are read again, all at once: one by one each would ask for its own. */
static void respond(cz_ctx *ctx, const struct bulk *bulk, cz_row **rows, size_t count)
{
    size_t bytes = cz__column_bytes(bulk->view->model->state->key);
    bool again = count && !cz__serializer_state(ctx, bulk->shown)->plain;
    cz_map read;
    cz_map_init(&read, ctx->arena);
    if (again) {
        struct keys keys = { cz_array(ctx, char, count *bytes), count };
        for (size_t i = 0; i < count; i++)
            memcpy(keys.bytes + i * bytes, key_of_row(bulk->view, rows[i]).ptr, bytes);
        select_by_key(ctx, bulk->view, among(ctx, bulk->view, &keys), CZ_NO_LOCK, &read);
    }
    cz_buf *out = cz_respond_json_begin(ctx, bulk->req, bulk->status);
    cz_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        cz_row *row = again ? cz_map_get(&read, key_of_row(bulk->view, rows[i])) : rows[i];
        if (i)
            cz_buf_append_char(out, ',');
        cz__serializer_write(ctx, bulk->req, bulk->shown, row ? row : rows[i], out);
    }
    cz_buf_append_char(out, ']');
    cz_check(ctx, cz_buf_status(out));
}

/* ---- storing ---- */

static void store(cz_ctx *ctx, const struct bulk *bulk, cz_row *row, cz_action action)
{
    if (bulk->view->before_save)
        bulk->view->before_save(ctx, bulk->req, row, action);
    cz__save(ctx, row);
}

/* Each is checked when those before it are stored, so what two of them may not both have is told. After the first that is
 * wrong the rest are only checked. */
static void create_all(cz_ctx *ctx, void *arg)
{
    const struct bulk *bulk = arg;
    struct cz__list *list = cz__list_read(ctx, bulk->json, bulk->view->serializer);
    cz_row **rows = cz_array(ctx, cz_row *, list->count + 1);
    for (size_t n = 0; n < list->count; n++) {
        rows[n] = cz__list_take(list, n, NULL, false);
        if (list->errors.count)
            continue;
        cz__view_set_parent(ctx, bulk->req, bulk->view, rows[n]);
        store(ctx, bulk, rows[n], CZ_ACTION_create);
    }
    cz__list_raise(list);
    respond(ctx, bulk, rows, list->count);
}

/* The rows that the items name: NULL for those that name none, which is told. */
static cz_row **rows_named(cz_ctx *ctx, const struct bulk *bulk, struct cz__list *list)
{
    size_t bytes = cz__column_bytes(bulk->view->model->state->key);
    cz_row **rows = cz_array(ctx, cz_row *, list->count + 1);
    char *named = cz_array(ctx, char, list->count * sizeof(cz_uuid) + 1);
    bool *names = cz_array(ctx, bool, list->count + 1);
    struct keys keys = { cz_array(ctx, char, list->count *bytes + 1), 0 };
    cz_map found, seen;
    cz_map_init(&seen, ctx->arena);
    for (size_t n = 0; n < list->count; n++) {
        names[n] = cz__list_key(list, n, named + n * bytes);
        if (names[n])
            memcpy(keys.bytes + keys.count++ * bytes, named + n * bytes, bytes);
    }
    find_rows(ctx, bulk, &keys, &found);
    for (size_t n = 0; n < list->count; n++) {
        cz_str key = key_of(bulk->view, named + n * bytes);
        cz_row *row = names[n] ? cz_map_get(&found, key) : NULL;
        if (names[n] && !row)
            cz__list_not_there(list, n);
        else if (row && cz_map_get(&seen, key))
            cz__list_twice(list, n);
        else if (row) {
            cz_check(ctx, cz_map_set(&seen, key, row));
            rows[n] = row;
        }
    }
    return rows;
}

static void change_all(cz_ctx *ctx, void *arg)
{
    const struct bulk *bulk = arg;
    struct cz__list *list = cz__list_read(ctx, bulk->json, bulk->view->serializer);
    cz_row **rows = rows_named(ctx, bulk, list);
    for (size_t n = 0; n < list->count; n++) {
        if (!rows[n])
            continue;
        cz__list_take(list, n, rows[n], bulk->partial);
        if (!list->errors.count)
            store(ctx, bulk, rows[n], bulk->partial ? CZ_ACTION_partial_update : CZ_ACTION_update);
    }
    cz__list_raise(list);
    respond(ctx, bulk, rows, list->count);
}

/* ---- the actions ---- */

static void run(cz_ctx *ctx, struct bulk *bulk, void (*fn)(cz_ctx *ctx, void *arg))
{
    cz_read_primary(ctx); /* what is validated against must not be old */
    cz__view_atomic(ctx, bulk->req, fn, bulk);
}

void cz__view_bulk_create(cz_ctx *ctx, cz_request *req, cz_str json)
{
    struct bulk bulk = { req, cz_view_of(req), cz__view_serializer(ctx, req), json, .status = 201 };
    run(ctx, &bulk, create_all);
}

/* The state of a list is nobody's to lock, so a condition on it can't be kept, and may not be passed over (RFC 9110, 13.1). */
static void refuse_conditions(cz_ctx *ctx, const cz_request *req)
{
    cz_str match = cz_str_trim(cz_request_header(req, CZ_STR("If-Match")));
    bool matches = cz_request_has_header(req, CZ_STR("If-Match"));
    if ((matches && !cz_str_eq(match, CZ_STR("*"))) ||
        cz_request_header(req, CZ_STR("If-None-Match")).len)
        cz_raise(ctx, CZ_EPRECONDITION,
                 "What state many rows must be in can't be said: change them one by one.");
}

static void change(cz_ctx *ctx, cz_request *req, bool partial)
{
    refuse_conditions(ctx, req);
    const cz_viewset *view = cz_view_of(req);
    struct bulk bulk = { req,
                         view,
                         cz__view_serializer(ctx, req),
                         cz__serializer_input(ctx, req, view->serializer, partial),
                         partial,
                         200 };
    run(ctx, &bulk, change_all);
}

void cz_view_bulk_update(cz_ctx *ctx, cz_request *req)
{
    change(ctx, req, false);
}

void cz_view_bulk_partial_update(cz_ctx *ctx, cz_request *req)
{
    change(ctx, req, true);
}

/* ---- deleting ---- */

static const cz_str parameter = { "id", 2 };

/* The keys of ?id=1,2,3. */
static struct keys read_keys(cz_ctx *ctx, const struct bulk *bulk)
{
    const cz__column *column = bulk->view->model->state->key;
    size_t bytes = cz__column_bytes(column);
    cz_str list = cz_query_str(ctx, bulk->req, parameter.ptr);
    if (!list.len)
        cz_raise_field(ctx, parameter, "required", "Say which rows: ?id=1,2,3");
    size_t count = cz_str_count(list, ',') + 1;
    if (count > CZ_INPUT_LIST_MAX)
        cz_raise_field(ctx, parameter, "max_length",
                       "Ensure this field has no more than %d elements.", CZ_INPUT_LIST_MAX);
    struct keys keys = { cz_array(ctx, char, count *bytes), count };
    cz_error err;
    for (size_t i = 0; i < count; i++) {
        cz_str text = cz_str_trim(cz_str_cut(&list, ','));
        if (cz__value_from_text(column, text, keys.bytes + i * bytes, &err))
            cz_raise_field(ctx, parameter, "invalid", "\"%.*s\" is no key.",
                           CZ_STR_ARG(cz_str_head(text, text.len < 60 ? text.len : 60)));
    }
    return keys;
}

static void destroy_all(cz_ctx *ctx, void *arg)
{
    const struct bulk *bulk = arg;
    const cz_model *model = bulk->view->model;
    size_t bytes = cz__column_bytes(model->state->key);
    struct keys keys = read_keys(ctx, bulk);
    cz_map found;
    find_rows(ctx, bulk, &keys, &found);
    for (size_t i = 0; i < keys.count; i++) {
        char text[CZ_UUID_TEXT];
        if (!cz_map_get(&found, key_of(bulk->view, keys.bytes + i * bytes)))
            cz_raise_field(ctx, parameter, "does_not_exist",
                           "Invalid pk \"%.*s\" - object does not exist.",
                           CZ_STR_ARG(cz__key_text(model, keys.bytes + i * bytes, text)));
    }
    cz_query query = { .model = bulk->view->model, .where = among(ctx, bulk->view, &keys) };
    cz_ignore(cz__delete(ctx, &query) == 0);
}

void cz_view_bulk_destroy(cz_ctx *ctx, cz_request *req)
{
    struct bulk bulk = { req, cz_view_of(req), NULL, CZ_STR(""), .status = 204 };
    refuse_conditions(ctx, req);
    run(ctx, &bulk, destroy_all);
    cz_respond_empty(ctx, req, 204);
}
