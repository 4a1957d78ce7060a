#include "db/introspection.h"
#include "db/postgresql/postgresql_internal.h"

/* Whether a statement with text parameters has a row. */
static cz_status has_row(cz_ctx *ctx, cz__db_session *session, cz_str sql,
                         const cz__db_param *params, size_t count, bool *out_row, cz_error *err)
{
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_status status = cz__postgresql_select(ctx, session, &statement, params, count, &cursor, err);
    if (status)
        return status;
    status = cz__postgresql_step(&cursor, out_row, err);
    cz__postgresql_finish(&cursor);
    return status;
}

/* Tables and views that a query without a schema's name would find. */
cz_status cz__postgresql_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                      bool *out_exists, cz_error *err)
{
    cz__db_param name = { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table) };
    return has_row(ctx, session,
                   CZ_STR("SELECT 1 FROM pg_catalog.pg_class WHERE relname = ? "
                          "AND relkind IN ('r', 'p', 'v', 'm', 'f') "
                          "AND pg_catalog.pg_table_is_visible(oid)"),
                   &name, 1, out_exists, err);
}

cz_status cz__postgresql_column_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                       const char *column, bool *out_exists, cz_error *err)
{
    cz__db_param names[] = { { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table) },
                             { .kind = CZ__PARAM_TEXT, .text = cz_str_from(column) } };
    return has_row(ctx, session,
                   CZ_STR("SELECT 1 FROM pg_catalog.pg_attribute a "
                          "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
                          "WHERE c.relname = ? AND a.attname = ? AND a.attnum > 0 "
                          "AND NOT a.attisdropped AND pg_catalog.pg_table_is_visible(c.oid)"),
                   names, CZ_COUNT(names), out_exists, err);
}

/* ---- a whole table ---- */

enum { FIELDS_MAX = 10 };

struct row { /* of text; NULL pointers for NULL */
    const char *fields[FIELDS_MAX];
};

struct rows {
    struct row *items;
    size_t count, cap;
};

static cz_status add_row(cz_arena *arena, struct rows *rows, const cz__db_cursor *cursor,
                         unsigned width)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 16;
        struct row *grown = cz__arena_grown(arena, rows->items, rows->count, cap, sizeof *grown);
        if (!grown)
            return CZ_ENOMEM;
        rows->items = grown;
        rows->cap = cap;
    }
    struct row *row = &rows->items[rows->count];
    *row = (struct row){ 0 };
    for (unsigned i = 0; i < width; i++) {
        cz_str text;
        if (!cz__postgresql_read(cursor, i, CZ__DB_TEXT, &text))
            continue;
        cz_status status = cz_str_dup(arena, text, &text);
        if (status)
            return status;
        row->fields[i] = text.ptr;
    }
    rows->count++;
    return CZ_OK;
}

/* All rows of a statement with one text parameter (NULL: none), whose columns are text. */
static cz_status read_rows(cz_ctx *ctx, cz__db_session *session, cz_str sql, const char *name,
                           unsigned width, struct rows *out, cz_error *err)
{
    cz__db_param param = { .kind = CZ__PARAM_TEXT, .text = cz_str_from(name) };
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    cz_status status =
        cz__postgresql_select(ctx, session, &statement, &param, name ? 1 : 0, &cursor, err);
    if (status)
        return status;
    *out = (struct rows){ 0 };
    while (!(status = cz__postgresql_step(&cursor, &row, err)) && row) {
        status = add_row(ctx->arena, out, &cursor, width);
        if (status) {
            cz_ignore(cz_error_set(err, status, "no memory to describe a table"));
            break;
        }
    }
    cz__postgresql_finish(&cursor);
    return status;
}

static bool is_true(const char *text)
{
    return text && text[0] == 't';
}

/* The table's oid, as SQL. */
#define TABLE_OID                                                                                  \
    "(SELECT oid FROM pg_catalog.pg_class WHERE relname = ? AND relkind IN ('r', 'p', 'v', 'm', "  \
    "'f') AND pg_catalog.pg_table_is_visible(oid))"

static cz_status describe_columns(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                  cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(
        ctx, session,
        CZ_STR("SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)::text, "
               "a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid)::text, "
               "(p.conname IS NOT NULL)::text, (a.attidentity <> '')::text, t.relname::text, "
               "f.attname::text, r.conname::text, p.conname::text "
               "FROM pg_catalog.pg_attribute a "
               "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
               "LEFT JOIN pg_catalog.pg_constraint p ON p.conrelid = a.attrelid "
               "AND p.contype = 'p' AND p.conkey = ARRAY[a.attnum] "
               "LEFT JOIN pg_catalog.pg_constraint r ON r.conrelid = a.attrelid "
               "AND r.contype = 'f' AND r.conkey = ARRAY[a.attnum] "
               "LEFT JOIN pg_catalog.pg_class t ON t.oid = r.confrelid "
               "LEFT JOIN pg_catalog.pg_attribute f ON f.attrelid = r.confrelid "
               "AND f.attnum = r.confkey[1] "
               "WHERE a.attrelid = " TABLE_OID " AND a.attnum > 0 AND NOT a.attisdropped "
               "ORDER BY a.attnum"),
        out->name, 10, &rows, err);
    if (status)
        return status;
    out->columns = cz_arena_array(ctx->arena, cz__column_info, rows.count + 1);
    if (!out->columns)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    out->column_count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        const char **fields = rows.items[i].fields;
        out->columns[i] = (cz__column_info){ .name = fields[0],
                                             .type = fields[1],
                                             .null = !is_true(fields[2]),
                                             .default_sql = fields[3],
                                             .primary_key = is_true(fields[4]),
                                             .generated = is_true(fields[5]),
                                             .references_table = fields[6],
                                             .references_column = fields[7],
                                             .references_name = fields[8],
                                             .key_name = fields[9] };
    }
    return CZ_OK;
}

/* Rows of index name, column, unique, condition, in order of the index and its columns. */
static cz_status describe_indexes(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                  cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(
        ctx, session,
        CZ_STR("SELECT c.relname::text, "
               "CASE WHEN k > i.indnkeyatts THEN '+' "
               "WHEN i.indoption[k - 1] & 1 = 1 THEN '-' ELSE '' END || "
               "coalesce(a.attname::text, pg_get_indexdef(i.indexrelid, k, true)), "
               "i.indisunique::text, pg_get_expr(i.indpred, i.indrelid)::text, "
               "EXISTS (SELECT 1 FROM pg_catalog.pg_constraint u WHERE u.conindid = i.indexrelid "
               "AND u.contype = 'u')::text, "
               "(SELECT NOT o.opcdefault FROM pg_catalog.pg_opclass o "
               "WHERE o.oid = i.indclass[k - 1])::text, "
               "(SELECT nullif(m.amname, 'btree') FROM pg_catalog.pg_am m "
               "WHERE m.oid = c.relam)::text "
               "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
               "CROSS JOIN generate_series(1, 32) k "
               "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid "
               "AND a.attnum = i.indkey[k - 1] AND a.attnum > 0 "
               "WHERE i.indrelid = " TABLE_OID " AND NOT i.indisprimary AND k <= i.indnatts "
               "ORDER BY c.relname, k"),
        out->name, 7, &rows, err);
    if (status)
        return status;
    out->indexes = cz_arena_array(ctx->arena, cz__index_info, rows.count + 1);
    const char **columns = cz_arena_array(ctx->arena, const char *, rows.count + 1);
    if (!out->indexes || !columns)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    for (size_t i = 0; i < rows.count; i++) {
        const char **fields = rows.items[i].fields;
        cz__index_info *last = out->index_count ? &out->indexes[out->index_count - 1] : NULL;
        columns[i] = fields[1];
        if (last && strcmp(last->name, fields[0]) == 0) {
            last->column_count++;
            last->special |= is_true(fields[5]);
            continue;
        }
        out->indexes[out->index_count++] = (cz__index_info){ .name = fields[0],
                                                             .columns = &columns[i],
                                                             .column_count = 1,
                                                             .unique = is_true(fields[2]),
                                                             .constraint = is_true(fields[4]),
                                                             .special = is_true(fields[5]),
                                                             .method = fields[6],
                                                             .where = fields[3] };
    }
    return CZ_OK;
}

/* CHECKs, and foreign keys with their names and when they are checked. */
static cz_status describe_constraints(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                      cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(
        ctx, session,
        CZ_STR("SELECT conname::text || ' ' || pg_get_constraintdef(oid)::text, conname::text "
               "FROM pg_catalog.pg_constraint WHERE conrelid = " TABLE_OID
               " AND contype IN ('c', 'f') ORDER BY 1"),
        out->name, 2, &rows, err);
    if (status)
        return status;
    out->checks = cz_arena_array(ctx->arena, const char *, rows.count + 1);
    out->check_names = cz_arena_array(ctx->arena, const char *, rows.count + 1);
    if (!out->checks || !out->check_names)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    for (size_t i = 0; i < rows.count; i++) {
        out->check_names[out->check_count] = rows.items[i].fields[1];
        out->checks[out->check_count++] = rows.items[i].fields[0];
    }
    return CZ_OK;
}

cz_status cz__postgresql_describe_table(cz_ctx *ctx, cz__db_session *session, const char *table,
                                        cz__table_info *out, cz_error *err)
{
    cz__table_info info = { .name = cz_arena_strdup(ctx->arena, table) };
    bool there = false;
    if (!info.name)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    cz_status status = cz__postgresql_table_exists(ctx, session, table, &there, err);
    if (!status && !there)
        status = cz_error_set(err, CZ_ENOTFOUND, "there is no table %s", table);
    if (!status)
        status = describe_columns(ctx, session, &info, err);
    if (!status)
        status = describe_indexes(ctx, session, &info, err);
    if (!status)
        status = describe_constraints(ctx, session, &info, err);
    if (!status)
        *out = info;
    return status;
}

cz_status cz__postgresql_list_tables(cz_ctx *ctx, cz__db_session *session, cz_str_list *out,
                                     cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(ctx, session,
                                 CZ_STR("SELECT relname::text FROM pg_catalog.pg_class "
                                        "WHERE relkind IN ('r', 'p') AND relnamespace = "
                                        "(SELECT oid FROM pg_catalog.pg_namespace "
                                        "WHERE nspname = current_schema()) ORDER BY 1"),
                                 NULL, 1, &rows, err);
    if (status)
        return status;
    cz_str *names = cz_arena_array(ctx->arena, cz_str, rows.count + 1);
    if (!names)
        return cz_error_set(err, CZ_ENOMEM, "no memory to list the tables");
    for (size_t i = 0; i < rows.count; i++)
        names[i] = cz_str_from(rows.items[i].fields[0]);
    *out = (cz_str_list){ names, rows.count };
    return CZ_OK;
}
