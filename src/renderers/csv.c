/* Rows as text between commas (RFC 4180). */
#include <calzone/json.h>
#include <calzone/renderers.h>

enum { COLUMNS_MAX = 1000, NESTING_MAX = 8 };

/* The names of the columns, "author.name", in the order they were met. */
struct columns {
    cz_ctx *ctx;
    cz_str *names;
    size_t count;
};

static size_t column_of(const struct columns *columns, cz_str name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (cz_str_eq(columns->names[i], name))
            return i;
    return columns->count;
}

static cz_str inside(cz_ctx *ctx, cz_str outer, cz_str name)
{
    return outer.len ? cz_format(ctx, "%.*s.%.*s", CZ_STR_ARG(outer), CZ_STR_ARG(name)) : name;
}

static bool goes_deeper(const cz_json_value *value, unsigned depth)
{
    return value->kind == CZ_JSON_OBJECT && value->count && depth < NESTING_MAX;
}

static void add_columns(struct columns *columns, const cz_json_value *row, cz_str outer,
                        unsigned depth)
{
    for (uint32_t i = 0; i < row->count; i++) {
        cz_str name = inside(columns->ctx, outer, row->keys[i]);
        if (goes_deeper(&row->as.items[i], depth)) {
            add_columns(columns, &row->as.items[i], name, depth + 1);
        } else if (column_of(columns, name) == columns->count) {
            if (columns->count == COLUMNS_MAX)
                cz_raise(columns->ctx, CZ_EINVAL, "CSV has at most %d columns", COLUMNS_MAX);
            columns->names[columns->count++] = name;
        }
    }
}

static void fill_cells(const struct columns *columns, const cz_json_value *row, cz_str outer,
                       unsigned depth, const cz_json_value **cells)
{
    for (uint32_t i = 0; i < row->count; i++) {
        cz_str name = inside(columns->ctx, outer, row->keys[i]);
        if (goes_deeper(&row->as.items[i], depth))
            fill_cells(columns, &row->as.items[i], name, depth + 1, cells);
        else
            cells[column_of(columns, name)] = &row->as.items[i];
    }
}

/* ---- cells ---- */

/* What spreadsheets take for the beginning of a formula (OWASP, CSV injection). */
static bool is_formula(cz_str text)
{
    return text.len && memchr("=+-@\t\r", text.ptr[0], 6);
}

static void write_text(cz_buf *out, cz_str text)
{
    bool quoted = is_formula(text);
    for (size_t i = 0; i < text.len && !quoted; i++)
        quoted = memchr(",\"\r\n", text.ptr[i], 4) != NULL;
    if (!quoted) {
        cz_buf_append_str(out, text);
        return;
    }
    cz_buf_append_char(out, '"');
    if (is_formula(text))
        cz_buf_append_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            cz_buf_append_char(out, '"');
        cz_buf_append_char(out, text.ptr[i]);
    }
    cz_buf_append_char(out, '"');
}

/* Numbers, booleans and lists as JSON has them, NULL as nothing. */
static void write_cell(const struct columns *columns, const cz_json_value *cell, cz_buf *out)
{
    if (!cell || cell->kind == CZ_JSON_NULL)
        return;
    if (cell->kind == CZ_JSON_STR) {
        write_text(out, cell->as.text);
        return;
    }
    cz_json_writer json;
    if (cell->kind != CZ_JSON_LIST && cell->kind != CZ_JSON_OBJECT) {
        cz_json_writer_init(&json, out);
        cz_json_write(&json, cell);
        return;
    }
    cz_buf *text = cz_scratch(columns->ctx);
    cz_json_writer_init(&json, text);
    cz_json_write(&json, cell);
    cz_check(columns->ctx, cz_buf_status(text));
    write_text(out, cz_buf_str(text));
}

/* ---- the document ---- */

struct rows {
    const cz_json_value *items;
    size_t count;
};

/* A list, the "results" of a page, or the one object there is. */
static struct rows rows_of(const cz_json_value *document)
{
    const cz_json_value *results = cz_json_get(document, CZ_STR("results"));
    if (results && results->kind == CZ_JSON_LIST)
        document = results;
    if (document->kind == CZ_JSON_LIST)
        return (struct rows){ document->as.items, document->count };
    return (struct rows){ document, 1 };
}

static void write_names(const struct columns *columns, cz_buf *out)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i)
            cz_buf_append_char(out, ',');
        write_text(out, columns->names[i]);
    }
    if (columns->count)
        cz_buf_append_lit(out, "\r\n");
}

/* `cells` has room for one of each column. What is no object is a row of one cell. */
static void write_row(const struct columns *columns, const cz_json_value *row,
                      const cz_json_value **cells, cz_buf *out)
{
    memset(cells, 0, columns->count * sizeof *cells);
    if (row->kind == CZ_JSON_OBJECT)
        fill_cells(columns, row, CZ_STR(""), 0, cells);
    else
        write_cell(columns, row, out);
    for (size_t n = 0; n < columns->count; n++) {
        if (n)
            cz_buf_append_char(out, ',');
        write_cell(columns, cells[n], out);
    }
    cz_buf_append_lit(out, "\r\n");
}

static void render(cz_ctx *ctx, const cz_request *req, cz_str text, cz_buf *out)
{
    (void)req;
    const cz_json_value *document;
    static const cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX,
                                           .keys_max = UINT32_MAX };
    cz_error err;
    cz_status status = cz_json_parse(ctx->arena, text, &limits, &document, &err);
    if (status)
        cz_raise(ctx, status == CZ_ENOMEM ? CZ_ENOMEM : CZ_EINVAL, "%s", cz_error_message(&err));
    struct rows rows = rows_of(document);
    struct columns columns = { .ctx = ctx, .names = cz_array(ctx, cz_str, COLUMNS_MAX) };
    for (size_t i = 0; i < rows.count; i++)
        if (rows.items[i].kind == CZ_JSON_OBJECT)
            add_columns(&columns, &rows.items[i], CZ_STR(""), 0);
    write_names(&columns, out);
    const cz_json_value **cells = cz_array(ctx, const cz_json_value *, columns.count + 1);
    for (size_t i = 0; i < rows.count; i++)
        write_row(&columns, &rows.items[i], cells, out);
}

const cz_renderer cz_csv_renderer = { "csv", "text/csv", "text/csv; charset=utf-8", render };
