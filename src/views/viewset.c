/* Viewsets: routes from a declaration, and the stock actions. */
#include <calzone/databases.h>
#include <calzone/json.h>
#include <calzone/pagination.h>
#include <calzone/views.h>
#include "orm/orm.h"
#include <stdio.h>

static int64_t default_page_size = CZ_PAGE_SIZE_DEFAULT;

void cz__views_configure(int64_t page_size)
{
    default_page_size = page_size;
}

cz_viewset *cz_view_of(const cz_request *req)
{
    cz_assert(req->view_data); /* called from a handler that no viewset routes to */
    return req->view_data;
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

static cz_cond *pair(cz_ctx *ctx, cz_cond a, cz_cond b)
{
    cz_cond *both = cz_array(ctx, cz_cond, 2);
    both[0] = a;
    both[1] = b;
    return both;
}

/* What this request may see and asks for; NULL: every row. As in DRF it is asked of single rows, too. */
static cz_cond narrowing(cz_ctx *ctx, const cz_request *req, const cz_viewset *view,
                         bool *out_distinct)
{
    cz_cond conds[3], *kept = cz_array(ctx, cz_cond, CZ_COUNT(conds));
    size_t count = 0;
    conds[0] = view->rows ? visible(ctx, req, view) : NULL;
    conds[1] = cz_filter_rows(ctx, req, view->model, &view->filters, out_distinct);
    conds[2] = cz_search_rows(ctx, req, view->model, &view->search, out_distinct);
    for (size_t i = 0; i < CZ_COUNT(conds); i++)
        if (conds[i])
            kept[count++] = conds[i];
    return count ? cz_cond_all(ctx, kept, count) : NULL;
}

/* "key = the path's, among the rows this request may see". */
static cz_cond object_cond(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    const cz__column *key = view->model->state->key;
    const cz_param *param = &req->params[req->param_count - 1];
    const void *value = CZ__DB_KIND(key->type) == CZ__DB_UUID ? (const void *)param->uuid
                                                              : (const void *)&param->integer;
    cz_cond same_key = cz__cond_column(ctx, view->model, key, value);
    bool distinct = false; /* it is one row */
    cz_cond narrowed = narrowing(ctx, req, view, &distinct);
    return narrowed ? cz_cond_all(ctx, pair(ctx, same_key, narrowed), 2) : same_key;
}

static cz_row *find_object(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_query query = {
        .model = view->model, .where = object_cond(ctx, req, view), .limit = 1, .unordered = true
    };
    struct cz__rows rows = cz__select(ctx, &query);
    if (!rows.count)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    cz_permission_require(ctx, req, view->permissions, rows.items);
    return rows.items;
}

/* ---- answering ---- */

/* Whether an Accept header takes JSON. Absent takes anything (RFC 9110, 12.5.1). */
static bool accepts_json(cz_str accept)
{
    if (!accept.len)
        return true;
    for (cz_str rest = accept; rest.len;) {
        cz_str item = cz_str_cut(&rest, ',');
        cz_str type = cz_str_trim(cz_str_cut(&item, ';'));
        bool fits = cz_str_eq(type, CZ_STR("*/*")) ||
                    cz_str_eq_icase(type, CZ_STR("application/*")) ||
                    cz_str_eq_icase(type, CZ_STR("application/json"));
        cz_str quality = cz_str_trim(item);
        bool refused = cz_str_eq(quality, CZ_STR("q=0")) || cz_str_eq(quality, CZ_STR("q=0.0")) ||
                       cz_str_eq(quality, CZ_STR("q=0.00")) ||
                       cz_str_eq(quality, CZ_STR("q=0.000"));
        if (fits && !refused)
            return true;
    }
    return false;
}

static void append_link(cz_buf *out, cz_str link)
{
    cz_json_writer json;
    cz_json_writer_init(&json, out);
    if (link.len)
        cz_json_str(&json, link);
    else
        cz_json_null(&json);
}

/* Lists need an order that never ties, or rows move between pages: the key comes last. */
static cz_order_list list_order(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    cz_order_list order = cz_order_rows(ctx, req, view->orderings);
    if (!order.count)
        order = view->ordering.count ? view->ordering : view->model->meta.ordering;
    cz_order *items = cz_array(ctx, cz_order, order.count + 1);
    if (order.count)
        memcpy(items, order.items, order.count * sizeof *items);
    items[order.count] = (cz_order){ .path = view->model->state->key->attribute };
    return (cz_order_list){ items, order.count + 1 };
}

static void begin_page(cz_buf *out, cz_str next, cz_str previous)
{
    cz_buf_append_lit(out, "\"next\":");
    append_link(out, next);
    cz_buf_append_lit(out, ",\"previous\":");
    append_link(out, previous);
    cz_buf_append_lit(out, ",\"results\":[");
}

static int64_t most_of(const cz_viewset *view)
{
    return view->page_size_max ? (int64_t)view->page_size_max : CZ_PAGE_SIZE_LIMIT;
}

static int64_t page_size(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    int64_t declared = view->page_size ? (int64_t)view->page_size : default_page_size;
    if (declared > most_of(view))
        declared = most_of(view);
    return cz_page_size(ctx, req, view->page_size_query, declared, most_of(view));
}

static void list_by_cursor(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_cursor_page page;
    cz_paginate_cursor(ctx, req, query, page_size(ctx, req, view), &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(out, '{');
    begin_page(out, page.next, page.previous);
    cz__serializer_write_rows(ctx, req, view->serializer, page.items, page.count, out);
    cz_buf_append_lit(out, "]}");
    cz_check(ctx, cz_buf_status(out));
}

/* A page of rows that were counted. */
static void list_page(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_page page;
    int64_t count = cz__count(ctx, query), size = page_size(ctx, req, view);
    if (view->pagination == CZ_PAGE_NUMBER)
        cz_paginate(ctx, req, count, size, &page);
    else
        cz_paginate_limit(ctx, req, count, size, most_of(view), &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    query->order_by = list_order(ctx, req, view);
    query->limit = page.size;
    query->offset = page.offset;
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_lit(out, "{\"count\":");
    cz_buf_append_i64(out, page.count);
    cz_buf_append_char(out, ',');
    begin_page(out, page.next, page.previous);
    cz__serializer_write_query(ctx, req, view->serializer, query, out);
    cz_buf_append_lit(out, "]}");
    cz_check(ctx, cz_buf_status(out));
}

/* A plain list: as many rows as a page may have, and a link to the others when there are any. */
static void list_plain(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_page page;
    cz_paginate_limit(ctx, req, cz__count(ctx, query), CZ_PAGE_SIZE_MAX, CZ_PAGE_SIZE_MAX, &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    query->order_by = list_order(ctx, req, view);
    query->limit = page.size;
    query->offset = page.offset;
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(out, '[');
    cz__serializer_write_query(ctx, req, view->serializer, query, out);
    cz_buf_append_char(out, ']');
    cz_check(ctx, cz_buf_status(out));
}

void cz_view_list(cz_ctx *ctx, cz_request *req)
{
    cz_viewset *view = cz_view_of(req);
    cz_query query = { .model = view->model, .file = __FILE__, .line = __LINE__ };
    query.where = narrowing(ctx, req, view, &query.distinct);
    switch (view->pagination) {
    case CZ_CURSOR:
        query.order_by = list_order(ctx, req, view);
        list_by_cursor(ctx, req, view, &query);
        break;
    case CZ_NO_PAGES:
        list_plain(ctx, req, view, &query);
        break;
    case CZ_PAGE_NUMBER:
    case CZ_LIMIT_OFFSET:
        list_page(ctx, req, view, &query);
        break;
    }
}

/* A row looked up by its key is written straight from the cursor, unless its permission must see it. */
void cz_view_retrieve(cz_ctx *ctx, cz_request *req)
{
    cz_viewset *view = cz_view_of(req);
    if (view->permissions != &cz_allow_any && view->permissions != &cz_read_only) {
        cz__respond_row(ctx, req, 200, view->serializer, find_object(ctx, req, view));
        return;
    }
    cz_query query = {
        .model = view->model, .where = object_cond(ctx, req, view), .limit = 1, .unordered = true
    };
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    if (cz__serializer_write_query(ctx, req, view->serializer, &query, out) == 0)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    cz_check(ctx, cz_buf_status(out));
}

static void free_buf(void *buf)
{
    cz_buf_done(buf);
}

/* The request's path is decoded: what stands in it is escaped anew. */
static cz_str detail_path(cz_ctx *ctx, const cz_request *req, const cz_row *row)
{
    const cz__column *key = row->model->state->key;
    char text[CZ_UUID_TEXT];
    bool slash = cz_str_ends_with(req->path, CZ_STR("/"));
    cz_buf *path = cz_new(ctx, cz_buf);
    cz_defer(ctx, free_buf, path);
    cz_percent_encode(path, req->path);
    cz_buf_append_str(path, slash ? CZ_STR("") : CZ_STR("/"));
    cz_buf_append_str(path, cz__key_text(row->model, cz__row_at(row, key), text));
    cz_buf_append_str(path, slash ? CZ_STR("/") : CZ_STR(""));
    cz_check(ctx, cz_buf_status(path));
    return cz_buf_str(path);
}

void cz_view_create(cz_ctx *ctx, cz_request *req)
{
    cz_viewset *view = cz_view_of(req);
    cz_read_primary(ctx); /* what is validated against must not be old */
    cz_row *row = cz__read_row(ctx, req, view->serializer, NULL, false);
    if (view->before_save)
        view->before_save(ctx, req, row, CZ_ACTION_create);
    cz__save(ctx, row);
    cz__respond_row(ctx, req, 201, view->serializer, row);
    cz_respond_header(ctx, req, CZ_STR("Location"), detail_path(ctx, req, row));
}

static void update(cz_ctx *ctx, cz_request *req, bool partial)
{
    cz_viewset *view = cz_view_of(req);
    cz_read_primary(ctx);
    cz_row *row = cz__read_row(ctx, req, view->serializer, find_object(ctx, req, view), partial);
    if (view->before_save)
        view->before_save(ctx, req, row, partial ? CZ_ACTION_partial_update : CZ_ACTION_update);
    cz__save(ctx, row);
    cz__respond_row(ctx, req, 200, view->serializer, row);
}

void cz_view_update(cz_ctx *ctx, cz_request *req)
{
    update(ctx, req, false);
}

void cz_view_partial_update(cz_ctx *ctx, cz_request *req)
{
    update(ctx, req, true);
}

void cz_view_destroy(cz_ctx *ctx, cz_request *req)
{
    cz_viewset *view = cz_view_of(req);
    cz_read_primary(ctx);
    cz__remove(ctx, find_object(ctx, req, view));
    cz_respond_empty(ctx, req, 204);
}

/* ---- routes ---- */

static void run_action(cz_ctx *ctx, cz_request *req)
{
    static const cz_handler stock[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = cz_view_##name,
        CZ_ACTION_MAP(X)
#undef X
    };
    const cz_viewset *view = cz_view_of(req);
    const cz_handler own[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = view->name,
        CZ_ACTION_MAP(X)
#undef X
    };
    cz_permission_require(ctx, req, view->permissions, NULL);
    if (!accepts_json(cz_request_header(req, CZ_STR("Accept"))))
        cz_raise(ctx, CZ_ENOTACCEPTABLE, "Could not satisfy the request Accept header.");
    cz_handler handler = own[req->view_action] ? own[req->view_action] : stock[req->view_action];
    handler(ctx, req);
}

static const struct {
    cz_method method;
    cz_action action;
    bool detail, writes;
    const char *label;
} actions[] = {
    { CZ_METHOD_GET, CZ_ACTION_list, false, false, "list" },
    { CZ_METHOD_POST, CZ_ACTION_create, false, true, "create" },
    { CZ_METHOD_GET, CZ_ACTION_retrieve, true, false, "retrieve" },
    { CZ_METHOD_PUT, CZ_ACTION_update, true, true, "update" },
    { CZ_METHOD_PATCH, CZ_ACTION_partial_update, true, true, "partial_update" },
    { CZ_METHOD_DELETE, CZ_ACTION_destroy, true, true, "destroy" },
};

/* A column that has no default and no NULL must come from the client or from before_save(), or every POST
 * fails. */
static cz_status check_complete(const cz_viewset *view, cz_error *err)
{
    const struct cz__model_state *state = view->model->state;
    if (view->read_only || view->before_save || view->create || !state)
        return CZ_OK;
    for (uint16_t i = 1; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        bool given = !column->stored || column->null || column->type == CZ__DB_TEXT ||
                     cz__column_fills_itself(column);
        for (size_t f = 0; !given && f < view->serializer->fields.count; f++)
            given = cz__column_find(view->model, view->serializer->fields.items[f]) == column;
        if (!given)
            return cz_error_set(
                err, CZ_EVALIDATION,
                "viewset %s: no row can be created, because \"%s\" is required and not in the "
                "serializer's .fields; list it, give it a default, set it in .before_save or "
                "make the viewset .read_only",
                view->name, column->field->name);
    }
    return CZ_OK;
}

static cz_status check_pages(const cz_viewset *view, cz_error *err)
{
    if (view->page_size > CZ_PAGE_SIZE_MAX || view->page_size_max > CZ_PAGE_SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s: a page has at most %d rows",
                            view->name, CZ_PAGE_SIZE_MAX);
    if (view->page_size > (uint32_t)most_of(view))
        return cz_error_set(err, CZ_EVALIDATION,
                            "viewset %s: .page_size is over %d rows, which need a .page_size_max",
                            view->name, (int)most_of(view));
    return CZ_OK;
}

/* Of pages by cursor: columns of the model's own that are not NULL. */
static cz_status check_cursor_path(const cz_viewset *view, cz_str path, cz_error *err)
{
    const cz__column *column = cz__column_find(view->model, path);
    if (column && column->stored && !column->null)
        return CZ_OK;
    return cz_error_set(err, CZ_EVALIDATION,
                        "viewset %s: pages by cursor need an order by columns of %s that are not "
                        "NULL, and \"%.*s\" is none",
                        view->name, view->model->name, CZ_STR_ARG(path));
}

static cz_status check_lists(const cz_viewset *view, cz_error *err)
{
    cz_error why;
    cz_status status =
        cz__filters_check(view->model, &view->filters, &view->search, &view->orderings, &why);
    if (status)
        return cz_error_set(err, status, "viewset %s: %s", view->name, cz_error_message(&why));
    if (view->pagination != CZ_CURSOR)
        return CZ_OK;
    const cz_order_list *order =
        view->ordering.count ? &view->ordering : &view->model->meta.ordering;
    for (size_t i = 0; i < order->count && !status; i++)
        status = check_cursor_path(view, order->items[i].path, err);
    for (size_t i = 0; i < view->orderings.count && !status; i++)
        status = check_cursor_path(view, view->orderings.items[i], err);
    return status;
}

static cz_status check(const cz_viewset *view, cz_error *err)
{
    if (!view->permissions)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "viewset %s names no .permissions; &cz_allow_any would let everyone do everything, "
            "&cz_read_only everyone read",
            view->name);
    if (!view->serializer)
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s names no .serializer", view->name);
    if (!cz__same_table(view->serializer->model, view->model))
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s is of %s, its serializer of %s",
                            view->name, view->model->name, view->serializer->model->name);
    cz_status status = check_complete(view, err);
    if (status)
        return status;
    status = check_pages(view, err);
    if (!status)
        status = check_lists(view, err);
    return status ? status : cz__serializer_prepare(view->serializer, err);
}

cz_status cz__viewset_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err)
{
    cz_viewset *view = (cz_viewset *)(uintptr_t)resource; /* its first member */
    cz_status status = check(view, err);
    if (status)
        return status;
    const struct cz__model_state *state = view->model->state;
    const char *base = route->name ? route->name : state->lower_name;
    bool slash = prefix[0] && prefix[strlen(prefix) - 1] == '/';
    for (size_t i = 0; !status && i < CZ_COUNT(actions); i++) {
        if (view->read_only && actions[i].writes)
            continue;
        char pattern[512], name[128], label[192];
        const char *key = CZ__DB_KIND(state->key->type) == CZ__DB_UUID ? "uuid" : "int";
        int len = actions[i].detail ? snprintf(pattern, sizeof pattern, "%s%s<%s:id>%s", prefix,
                                               slash ? "" : "/", key, slash ? "/" : "")
                                    : snprintf(pattern, sizeof pattern, "%s", prefix);
        int name_len =
            snprintf(name, sizeof name, "%s-%s", base, actions[i].detail ? "detail" : "list");
        int label_len = snprintf(label, sizeof label, "%s.%s", view->name, actions[i].label);
        if (len < 0 || (size_t)len >= sizeof pattern || name_len < 0 ||
            (size_t)name_len >= sizeof name || label_len < 0 || (size_t)label_len >= sizeof label)
            return cz_error_set(err, CZ_ETOOBIG, "viewset %s: its path or name is too long",
                                view->name);
        status = cz__router_add(router, route, actions[i].method, pattern, run_action, name, view,
                                (int)actions[i].action, label, err);
    }
    return status;
}
