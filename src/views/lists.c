/* The list of a viewset: narrowed, ordered, and in pages. */
#include "views/views_internal.h"

static int64_t default_page_size = CZ_PAGE_SIZE_DEFAULT;

void cz__views_configure(int64_t page_size)
{
    default_page_size = page_size;
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

int64_t cz__view_page_size_max(const cz_viewset *view)
{
    return view->page_size_max ? (int64_t)view->page_size_max : CZ_PAGE_SIZE_LIMIT;
}

static int64_t page_size(cz_ctx *ctx, const cz_request *req, const cz_viewset *view)
{
    int64_t declared = view->page_size ? (int64_t)view->page_size : default_page_size;
    if (declared > cz__view_page_size_max(view))
        declared = cz__view_page_size_max(view);
    return cz_page_size(ctx, req, view->page_size_query, declared, cz__view_page_size_max(view));
}

static void list_by_cursor(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_serializer *shown = cz__view_serializer(ctx, req);
    cz_cursor_page page;
    cz_paginate_cursor(ctx, req, query, page_size(ctx, req, view), &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(out, '{');
    begin_page(out, page.next, page.previous);
    cz__serializer_write_rows(ctx, req, shown, page.items, page.count, out);
    cz_buf_append_lit(out, "]}");
    cz_check(ctx, cz_buf_status(out));
}

/* A page of rows that were counted. */
static void list_page(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_serializer *shown = cz__view_serializer(ctx, req);
    cz_page page;
    int64_t count = cz__count(ctx, query), size = page_size(ctx, req, view);
    if (view->pagination == CZ_PAGE_NUMBER)
        cz_paginate(ctx, req, count, size, &page);
    else
        cz_paginate_limit(ctx, req, count, size, cz__view_page_size_max(view), &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    query->order_by = list_order(ctx, req, view);
    query->limit = page.size;
    query->offset = page.offset;
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_lit(out, "{\"count\":");
    cz_buf_append_i64(out, page.count);
    cz_buf_append_char(out, ',');
    begin_page(out, page.next, page.previous);
    cz__serializer_write_query(ctx, req, shown, query, out);
    cz_buf_append_lit(out, "]}");
    cz_check(ctx, cz_buf_status(out));
}

/* A plain list: as many rows as a page may have, and a link to the others when there are any. */
static void list_plain(cz_ctx *ctx, cz_request *req, cz_viewset *view, cz_query *query)
{
    cz_serializer *shown = cz__view_serializer(ctx, req);
    cz_page page;
    cz_paginate_limit(ctx, req, cz__count(ctx, query), CZ_PAGE_SIZE_MAX, CZ_PAGE_SIZE_MAX, &page);
    cz_respond_page_links(ctx, req, page.next, page.previous);
    query->order_by = list_order(ctx, req, view);
    query->limit = page.size;
    query->offset = page.offset;
    cz_buf *out = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(out, '[');
    cz__serializer_write_query(ctx, req, shown, query, out);
    cz_buf_append_char(out, ']');
    cz_check(ctx, cz_buf_status(out));
}

void cz_view_list(cz_ctx *ctx, cz_request *req)
{
    cz_viewset *view = cz_view_of(req);
    cz_query query = { .model = view->model, .file = __FILE__, .line = __LINE__ };
    query.where = cz__view_narrowing(ctx, req, view, &query.distinct);
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
