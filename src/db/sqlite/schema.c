/* Tables from descriptions. STRICT tables, so a column never holds what its type does not say. Names come
 * only from the models and are quoted all the same. */
#include "db/sqlite/sqlite_internal.h"
#include <calzone/buf.h>

static const char *const type_names[CZ__DB_TYPE_COUNT] = {
    [CZ__DB_TEXT] = "TEXT",       [CZ__DB_INT16] = "INTEGER",  [CZ__DB_INT32] = "INTEGER",
    [CZ__DB_INT64] = "INTEGER",   [CZ__DB_BOOL] = "INTEGER",   [CZ__DB_REAL] = "REAL",
    [CZ__DB_DATE] = "TEXT",       [CZ__DB_DATETIME] = "TEXT",  [CZ__DB_UUID] = "TEXT",
    [CZ__DB_DECIMAL] = "INTEGER", [CZ__DB_TIME] = "TEXT",      [CZ__DB_DURATION] = "INTEGER",
    [CZ__DB_JSON] = "TEXT",       [CZ__DB_BINARY] = "BLOB",    [CZ__DB_IP] = "TEXT",
    [CZ__DB_INT_LIST] = "TEXT",   [CZ__DB_TEXT_LIST] = "TEXT",
};

/* CHECK (before "column" after): what a kind allows beyond its type. */
static void append_check(cz_buf *sql, const cz__db_column *column, const char *before,
                         const char *after)
{
    cz_buf_append_lit(sql, " CHECK (");
    cz_buf_append_str(sql, cz_str_from(before));
    cz__db_append_name(sql, column->name);
    cz_buf_append_str(sql, cz_str_from(after));
    cz_buf_append_char(sql, ')');
}

static void append_column(cz_buf *sql, const cz__db_column *column)
{
    cz__db_append_name(sql, column->name);
    cz_buf_append_char(sql, ' ');
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (kind == CZ__DB_DECIMAL && !cz__sqlite_decimal_is_scaled(column->type))
        cz_buf_append_lit(sql, "TEXT COLLATE cz_decimal");
    else
        cz_buf_append_str(sql, cz_str_from(type_names[kind]));
    if (!column->null)
        cz_buf_append_lit(sql, " NOT NULL");
    if (column->primary_key) {
        cz_buf_append_lit(sql, " PRIMARY KEY");
        if (column->type == CZ__DB_INT64) /* a key is never given twice, as in Django */
            cz_buf_append_lit(sql, " AUTOINCREMENT");
    } else if (column->unique) {
        cz_buf_append_lit(sql, " UNIQUE");
    }
    if (kind == CZ__DB_BOOL)
        append_check(sql, column, "", " IN (0, 1)");
    else if (kind == CZ__DB_JSON || kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST)
        append_check(sql, column, "json_valid(", ")");
    if (column->references_table) {
        cz_buf_append_lit(sql, " REFERENCES ");
        cz__db_append_name(sql, column->references_table);
        cz_buf_append_lit(sql, " (");
        cz__db_append_name(sql, column->references_column);
        cz_buf_append_lit(sql, ") DEFERRABLE INITIALLY DEFERRED");
    }
}

static void append_table(cz_buf *sql, const cz__db_table *table)
{
    cz_buf_append_lit(sql, "CREATE TABLE ");
    cz__db_append_name(sql, table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        append_column(sql, &table->columns[i]);
    }
    for (size_t i = 0; i < table->unique_together_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(", UNIQUE ("));
        cz__db_append_name(sql, table->unique_together[i]);
    }
    if (table->unique_together_count)
        cz_buf_append_lit(sql, ")");
    cz_buf_append_lit(sql, ") STRICT");
}

static cz_status run(cz_ctx *ctx, cz__db_session *session, cz_buf *sql, cz_error *err)
{
    if (cz_buf_status(sql))
        return cz_error_set(err, cz_buf_status(sql), "no memory to write a table's SQL");
    cz_buf_cstr(sql);
    return cz__sqlite_run(ctx, session, cz_buf_str(sql), err);
}

cz_status cz__sqlite_create_table(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                                  cz_error *err)
{
    cz_buf sql = { 0 };
    append_table(&sql, table);
    cz_status status = run(ctx, session, &sql, err);
    for (size_t i = 0; !status && i < table->column_count; i++) {
        const cz__db_column *column = &table->columns[i];
        bool wanted = column->index || (column->references_table && !column->unique);
        if (!wanted || column->primary_key || column->unique)
            continue;
        cz_buf_clear(&sql);
        char name[192];
        int len = snprintf(name, sizeof name, "%s_%s_idx", table->name, column->name);
        if (len < 0 || (size_t)len >= sizeof name) {
            status = cz_error_set(err, CZ_ETOOBIG, "the name of an index on %s is over 190 bytes",
                                  table->name);
            break;
        }
        cz_buf_append_lit(&sql, "CREATE INDEX ");
        cz__db_append_name(&sql, name);
        cz_buf_append_lit(&sql, " ON ");
        cz__db_append_name(&sql, table->name);
        cz_buf_append_lit(&sql, " (");
        cz__db_append_name(&sql, column->name);
        cz_buf_append_lit(&sql, ")");
        status = run(ctx, session, &sql, err);
    }
    cz_buf_done(&sql);
    return status;
}
