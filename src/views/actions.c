/* The stock actions on single objects. */
#include <calzone/databases.h>
#include "serializers/serializers.h"
#include "views/views_internal.h"

cz_viewset *cz_view_of(const cz_request *req)
{
    cz_assert(req->view_data); /* called from a handler that no viewset routes to */
    return req->view_data;
}

cz_serializer *cz__view_serializer(cz_ctx *ctx, const cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    return view->sparse ? cz_serializer_asked_for(ctx, req, view->serializer) : view->serializer;
}

/* ---- what this request may see ---- */

/* A `rows` that returns NULL has lost its condition, as one made inside a block that is over is: what it
 * meant to hide must not be shown. */
static cz_cond visible(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_cond rows = view->rows(ctx, req);
    if (!rows)
        cz_raise(ctx, CZ_EINVAL,
                 "%s: .rows returned no condition; CZ_EVERY_ROW means every row, and a "
                 "condition made in the function must be copied by cz_cond_copy()",
                 view->name);
    return rows;
}

cz_cond cz__view_narrowing(cz_ctx *ctx, const cz_request *req, const cz_viewset *view,
                           bool *out_distinct)
{
    cz_cond conds[4], *kept = cz_array(ctx, cz_cond, CZ_COUNT(conds));
    size_t count = 0;
    conds[0] = view->rows ? visible(ctx, req, view) : NULL;
    conds[1] = cz__view_of_parent(ctx, req, view);
    conds[2] = cz_filter_rows(ctx, req, view->model, &view->filters, out_distinct);
    conds[3] = cz_search_rows(ctx, req, view->model, &view->search, out_distinct);
    for (size_t i = 0; i < CZ_COUNT(conds); i++)
        if (conds[i])
            kept[count++] = conds[i];
    return count ? cz_cond_all(ctx, kept, count) : NULL;
}

/* The key the path names, as the column has it. */
static const void *key_asked(const cz_request *req, const cz_viewset *view)
{
    const cz_param *param = &req->params[req->param_count - 1];
    return CZ__DB_KIND(view->model->state->key->type) == CZ__DB_UUID
               ? (const void *)param->uuid
               : (const void *)&param->integer;
}

/* "key = the path's, among the rows this request may see". */
static cz_cond object_cond(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_cond same_key =
        cz__cond_column(ctx, view->model, view->model->state->key, key_asked(req, view));
    bool distinct = false; /* it is one row */
    return cz__cond_both(ctx, same_key, cz__view_narrowing(ctx, req, view, &distinct));
}

/* NULL: there is none that this request may see. */
static cz_row *look_for(cz_ctx *ctx, const cz_request *req, const cz_viewset *view, cz_lock lock)
{
    cz_query query = { .model = view->model,
                       .where = object_cond(ctx, req, view),
                       .limit = 1,
                       .unordered = true,
                       .lock = lock };
    struct cz__rows rows = cz__select(ctx, &query);
    if (rows.count)
        cz_permission_require(ctx, req, cz__view_permission(req), rows.items);
    return rows.count ? rows.items : NULL;
}

cz_row *cz__view_locked_object(cz_ctx *ctx, const cz_request *req)
{
    return look_for(ctx, req, cz_view_of(req), CZ_FOR_UPDATE);
}

static cz_row *find_object(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_row *row = look_for(ctx, req, view, CZ_NO_LOCK);
    if (!row)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    return row;
}

cz_row *cz__view_object(cz_ctx *ctx, const cz_request *req, const cz_model *model)
{
    const cz_viewset *view = cz_view_of(req);
    cz_assert(cz__same_table(view->model, model));
    return find_object(ctx, req, view);
}

/* ---- the actions ---- */

/* A row looked up by its key is written straight from the cursor, unless its permission must see it. */
void cz_view_retrieve(cz_ctx *ctx, cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    cz_serializer *serializer = cz__view_serializer(ctx, req);
    if (view->permissions != &cz_allow_any && view->permissions != &cz_read_only) {
        cz__respond_row(ctx, req, 200, serializer, find_object(ctx, req, view));
        return;
    }
    cz_query query = {
        .model = view->model, .where = object_cond(ctx, req, view), .limit = 1, .unordered = true
    };
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    if (cz__serializer_write_query(ctx, req, serializer, &query, out) == 0)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    cz_check(ctx, cz_buf_status(out));
}

/* The request's path is decoded: what stands in it is escaped anew. What chose the version of the API beside it goes along. */
static cz_str detail_path(cz_ctx *ctx, cz_request *req, const cz_row *row)
{
    const cz_route_guard *guard = cz__route_guard(req);
    const cz__column *key = row->model->state->key;
    char text[CZ_UUID_TEXT];
    bool slash = cz_str_ends_with(req->path, CZ_STR("/"));
    cz_buf *path = cz_scratch(ctx);
    cz_percent_encode(path, req->path);
    cz_buf_append_str(path, slash ? CZ_STR("") : CZ_STR("/"));
    cz_buf_append_str(path, cz__key_text(row->model, cz__row_at(row, key), text));
    cz_buf_append_str(path, slash ? CZ_STR("/") : CZ_STR(""));
    if (guard && guard->complete)
        guard->complete(ctx, req, guard, path);
    cz_check(ctx, cz_buf_status(path));
    return cz_buf_str(path);
}

static void store(cz_ctx *ctx, cz_request *req, cz_row *row, cz_action action, int status)
{
    const cz_viewset *view = cz_view_of(req);
    cz_serializer *shown = cz__view_serializer(ctx, req); /* refused before anything is stored */
    if (view->before_save)
        view->before_save(ctx, req, row, action);
    cz__save(ctx, row);
    cz__respond_row(ctx, req, status, shown, row);
}

void cz_view_create(cz_ctx *ctx, cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    cz_read_primary(ctx); /* what is validated against must not be old */
    cz_str json = cz__serializer_input(ctx, req, view->serializer, false);
    if (view->bulk && cz_str_starts_with(cz_str_trim(json), CZ_STR("["))) {
        cz__view_bulk_create(ctx, req, json);
        return;
    }
    cz_row *row = cz__read_row_text(ctx, json, view->serializer, NULL, false);
    cz__view_set_parent(ctx, req, view, row);
    store(ctx, req, row, CZ_ACTION_create, 201);
    cz_respond_header(ctx, req, CZ_STR("Location"), detail_path(ctx, req, row));
}

/* PUT to a key that no row has. Where one has it that this request may not see, the database refuses the second. */
static void create_at_key(cz_ctx *ctx, cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    const cz__column *key = view->model->state->key;
    cz_row *row = cz__read_row(ctx, req, view->serializer, NULL, false);
    cz__view_set_parent(ctx, req, view, row);
    memcpy(cz__row_at(row, key), key_asked(req, view), cz__column_bytes(key));
    cz__row_mark(row, key, false);
    store(ctx, req, row, CZ_ACTION_update, 201);
    cz__keys_given(ctx, view->model);
}

static void update(cz_ctx *ctx, cz_request *req, bool partial)
{
    const cz_viewset *view = cz_view_of(req);
    cz_read_primary(ctx);
    cz_row *row = look_for(ctx, req, view, CZ_NO_LOCK);
    if (!row && !partial && view->put_creates) {
        create_at_key(ctx, req);
        return;
    }
    if (!row)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    cz__read_row(ctx, req, view->serializer, row, partial);
    store(ctx, req, row, partial ? CZ_ACTION_partial_update : CZ_ACTION_update, 200);
}

static void replace(cz_ctx *ctx, cz_request *req)
{
    update(ctx, req, false);
}

static void change(cz_ctx *ctx, cz_request *req)
{
    update(ctx, req, true);
}

static void destroy(cz_ctx *ctx, cz_request *req)
{
    cz_read_primary(ctx);
    cz__remove(ctx, find_object(ctx, req, cz_view_of(req)));
    cz_respond_empty(ctx, req, 204);
}

void cz_view_update(cz_ctx *ctx, cz_request *req)
{
    cz__view_guard(ctx, req, replace);
}

void cz_view_partial_update(cz_ctx *ctx, cz_request *req)
{
    cz__view_guard(ctx, req, change);
}

void cz_view_destroy(cz_ctx *ctx, cz_request *req)
{
    cz__view_guard(ctx, req, destroy);
}
