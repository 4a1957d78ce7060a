/* Pages by a row's place in the order: DRF's CursorPagination, but for rows that are equal in the first column of the
 * order. DRF counts those; here the place is the values of all its columns, the key last, so no two rows share one.
 *
 * A cursor is base64 of a JSON list: true when it leads back, then the values as text, then true when the row at the place
 * belongs to the page. */
#include "pagination/pagination_internal.h"
#include <calzone/base64.h>
#include <calzone/json.h>
#include "orm/orm.h"

enum { CURSOR_BYTES_MAX = 4096 }; /* of the base64 text */

struct cursor {
    const cz_query *query;
    const cz__column **columns; /* of the order */
    size_t count;
    bool back;      /* the rows before the place, nearest first */
    bool with_it;   /* and the row at the place itself */
    cz_str *values; /* the place; NULL: the beginning */
};

static CZ_NORETURN void invalid(cz_ctx *ctx)
{
    cz_raise(ctx, CZ_ENOTFOUND, "Invalid cursor");
}

/* ---- out ---- */

static void write_value(cz_json_writer *json, const cz__column *column, const cz_row *row)
{
    char text[80];
    size_t len = 0;
    const void *value = cz__row_at(row, column);
    cz_str chosen;
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_INT16:
        len = cz_i64_write(text, *(const int16_t *)value);
        break;
    case CZ__DB_INT32:
        len = cz_i64_write(text, *(const int32_t *)value);
        break;
    case CZ__DB_INT64:
        len = cz_i64_write(text, *(const int64_t *)value);
        break;
    case CZ__DB_BOOL:
        text[len++] = *(const bool *)value ? '1' : '0';
        break;
    case CZ__DB_REAL:
        len = (size_t)(cz__json_write_f64(text, *(const double *)value) - text);
        break;
    case CZ__DB_DATE:
        len = cz_date_write(text, *(const cz_date *)value);
        break;
    case CZ__DB_DATETIME:
        len = cz_datetime_write(text, *(const cz_datetime *)value);
        break;
    case CZ__DB_TIME:
        len = cz_time_write(text, *(const cz_time *)value);
        break;
    case CZ__DB_DURATION:
        len = cz_duration_write(text, *(const cz_duration *)value);
        break;
    case CZ__DB_DECIMAL:
        len = cz_decimal_write(text, *(const cz_decimal *)value);
        break;
    case CZ__DB_UUID:
        cz_uuid_write(text, *(const cz_uuid *)value);
        len = CZ_UUID_TEXT;
        break;
    default:
        cz_json_str(json, *cz__member_text(column, value, &chosen));
        return;
    }
    cz_json_str(json, cz_str_of(text, len));
}

/* `row`: that at the place; NULL: where the cursor itself leads, with what is there, for the other way. */
static cz_str address(cz_ctx *ctx, const cz_request *req, const struct cursor *cursor,
                      const cz_row *row, bool back)
{
    cz_buf *place = cz_scratch(ctx);
    cz_json_writer json;
    cz_assert(row || cursor->values);
    cz_json_writer_init(&json, place);
    cz_json_list(&json);
    cz_json_bool(&json, back);
    for (size_t i = 0; i < cursor->count; i++)
        if (row)
            write_value(&json, cursor->columns[i], row);
        else
            cz_json_str(&json, cursor->values[i]);
    if (!row)
        cz_json_bool(&json, true);
    cz_json_list_end(&json);
    cz_check(ctx, cz_buf_status(place));
    cz_str bytes = cz_buf_str(place);
    char *text = cz_alloc(ctx, bytes.len * 4 / 3 + 8);
    size_t len = cz_base64_write(text, bytes.ptr, bytes.len), kept = 0;
    for (size_t i = 0; i < len; i++) /* RFC 4648, 5: what needs no escaping in a query */
        if (text[i] != '=')
            text[kept++] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    const struct cz__page_parameter parameter = { "cursor", cz_str_of(text, kept) };
    return cz__page_address(ctx, req, &parameter, 1);
}

/* ---- in ---- */

static cz_str decoded(cz_ctx *ctx, cz_str text)
{
    if (text.len > CURSOR_BYTES_MAX)
        invalid(ctx);
    char *plain = cz_alloc(ctx, text.len + 4);
    size_t len = text.len;
    for (size_t i = 0; i < len; i++)
        plain[i] = (char)(text.ptr[i] == '-' ? '+' : text.ptr[i] == '_' ? '/' : text.ptr[i]);
    while (len % 4)
        plain[len++] = '=';
    cz_bytes bytes;
    cz_status status = cz_base64_read(ctx->arena, cz_str_of(plain, len), &bytes);
    if (status == CZ_EVALIDATION)
        invalid(ctx);
    cz_check(ctx, status);
    return cz_str_of((const char *)bytes.ptr, bytes.len);
}

static void read_cursor(cz_ctx *ctx, const cz_request *req, struct cursor *cursor)
{
    cz_str text;
    if (!req->query.len || !cz_query_get(ctx, req, CZ_STR("cursor"), &text) || !text.len)
        return;
    cz_json_reader reader;
    cz_json_reader_init(&reader, ctx->arena, decoded(ctx, text), NULL);
    if (cz_json_next(&reader) != CZ_JSON_LIST || cz_json_next(&reader) != CZ_JSON_BOOL)
        invalid(ctx);
    cursor->back = reader.boolean;
    cursor->values = cz_array(ctx, cz_str, cursor->count);
    for (size_t i = 0; i < cursor->count; i++) {
        if (cz_json_next(&reader) != CZ_JSON_STR)
            invalid(ctx);
        cursor->values[i] = cz_copy(ctx, reader.text);
    }
    cz_json_kind kind = cz_json_next(&reader);
    cursor->with_it = kind == CZ_JSON_BOOL && reader.boolean;
    if (cursor->with_it)
        kind = cz_json_next(&reader);
    if (kind != CZ_JSON_END || cz_json_next(&reader) != CZ_JSON_END || reader.status)
        invalid(ctx);
}

static cz_cond compared(cz_ctx *ctx, const struct cursor *cursor, size_t n, cz_lookup lookup)
{
    return cz_cond_text(ctx, cursor->query->model, cursor->columns[n]->attribute, lookup,
                        cursor->values[n]);
}

/* The rows behind the place: beyond its first value, or equal in it and behind the rest of the place. */
static cz_cond behind(cz_ctx *ctx, const struct cursor *cursor, size_t n)
{
    bool descending = cursor->query->order_by.items[n].descending != cursor->back;
    if (n + 1 == cursor->count && cursor->with_it)
        return compared(ctx, cursor, n, descending ? CZ_LOOKUP_LTE : CZ_LOOKUP_GTE);
    cz_cond beyond = compared(ctx, cursor, n, descending ? CZ_LOOKUP_LT : CZ_LOOKUP_GT);
    if (n + 1 == cursor->count)
        return beyond;
    cz_cond *either = cz_array(ctx, cz_cond, 2);
    either[0] = beyond;
    either[1] =
        cz__cond_both(ctx, compared(ctx, cursor, n, CZ_LOOKUP_EXACT), behind(ctx, cursor, n + 1));
    return cz__cond_any(ctx, either, 2);
}

struct placing {
    const struct cursor *cursor;
    cz_cond cond;
};

static void place(cz_ctx *ctx, void *arg)
{
    struct placing *placing = arg;
    placing->cond = behind(ctx, placing->cursor, 0);
}

/* A value that is none of its column's was never given out. */
static cz_cond condition(cz_ctx *ctx, const struct cursor *cursor)
{
    struct placing placing = { cursor, NULL };
    cz_error err;
    cz_status status = cz_try(ctx, place, &placing, &err);
    if (status == CZ_EVALIDATION)
        invalid(ctx);
    if (status)
        cz_raise_error(ctx, &err);
    return placing.cond;
}

/* ---- the page ---- */

static void find_columns(cz_ctx *ctx, struct cursor *cursor)
{
    const cz_order_list *order = &cursor->query->order_by;
    cursor->count = order->count;
    cursor->columns = cz_array(ctx, const cz__column *, order->count);
    for (size_t i = 0; i < order->count; i++) {
        cursor->columns[i] = cz__column_find(cursor->query->model, order->items[i].path);
        const cz__column *column = cursor->columns[i];
        if (!column || !column->stored || column->null ||
            CZ__DB_KIND(column->type) == CZ__DB_BINARY || !cz__is_asked(column->type, CZ_LOOKUP_GT))
            cz_raise(ctx, CZ_EINVAL,
                     "pages by cursor need an order by columns of %s that are not NULL",
                     cursor->query->model->name);
    }
    if (!order->count || cursor->columns[order->count - 1]->ordinal)
        cz_raise(ctx, CZ_EINVAL, "pages by cursor need an order that ends with the key of %s",
                 cursor->query->model->name);
}

/* The rows, and one more that tells that others follow. */
static struct cz__rows read_rows(cz_ctx *ctx, const struct cursor *cursor, int64_t size)
{
    cz_query query = *cursor->query;
    query.limit = size + 1;
    if (cursor->values)
        query.where = cz__cond_both(ctx, query.where, condition(ctx, cursor));
    if (cursor->back) {
        cz_order *items = cz_array(ctx, cz_order, cursor->count);
        memcpy(items, query.order_by.items, cursor->count * sizeof *items);
        for (size_t i = 0; i < cursor->count; i++)
            items[i].descending = !items[i].descending;
        query.order_by.items = items;
    }
    return cz__select(ctx, &query);
}

/* Rows that were read nearest first, in the query's order. They stay where they are: the others of their result know
 * them by their place. */
static void *turned(cz_ctx *ctx, const cz_model *model, const struct cz__rows *rows, size_t count)
{
    char *items = cz_alloc(ctx, count * model->row_bytes + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(items + i * model->row_bytes, cz__row_nth(rows->items, count - 1 - i, model),
               model->row_bytes);
    return items;
}

void cz_paginate_cursor(cz_ctx *ctx, const cz_request *req, const cz_query *query, int64_t size,
                        cz_cursor_page *out)
{
    cz_assert(size >= 1 && size <= CZ_PAGE_SIZE_MAX);
    struct cursor cursor = { .query = query };
    find_columns(ctx, &cursor);
    read_cursor(ctx, req, &cursor);
    struct cz__rows rows = read_rows(ctx, &cursor, size);
    bool more = rows.count > (size_t)size;
    size_t count = more ? (size_t)size : rows.count;
    *out = (cz_cursor_page){ .items =
                                 cursor.back ? turned(ctx, query->model, &rows, count) : rows.items,
                             .count = count };
    if (!count) { /* what it led to is gone; the way back is as DRF's, but for the row it came from */
        if (cursor.values)
            *(cursor.back ? &out->next : &out->previous) =
                address(ctx, req, &cursor, NULL, !cursor.back);
        return;
    }
    if (cursor.back ? cursor.values != NULL : more)
        out->next =
            address(ctx, req, &cursor, cz__row_nth(out->items, count - 1, query->model), false);
    if (cursor.back ? more : cursor.values != NULL)
        out->previous = address(ctx, req, &cursor, cz__row_nth(out->items, 0, query->model), true);
}
