#include "db/sqlite/sqlite_internal.h"

cz_status cz__sqlite_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                  bool *out_exists, cz_error *err)
{
    static const char sql[] = "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?";
    cz__db_statement statement = { { sql, sizeof sql - 1 }, CZ__STATEMENT_UNCACHED };
    cz__db_param name = { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table) };
    cz__db_cursor cursor;
    cz_status status = cz__sqlite_select(ctx, session, &statement, &name, 1, &cursor, err);
    if (status)
        return status;
    status = cz__sqlite_step(&cursor, out_exists, err);
    cz__sqlite_finish(&cursor);
    return status;
}
