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
