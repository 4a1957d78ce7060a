/* Asking a database for a cache: in which session, for how long, and what its errors mean. */
#include "cache/database/database_internal.h"
#include <stdio.h>

enum { PARAMETERS_MAX = 128 };

cz_status cz__cache_use_begin(cz_ctx *ctx, struct cz__store *store, struct cz__cache_use *use)
{
    struct cz__cache_table *table = store->state;
    cz__database *database = cz__database_find(table->alias);
    *use =
        (struct cz__cache_use){ .store = store, .table = table, .deadline_us = ctx->deadline_us };
    if (!database || !database->primary) {
        cz_ignore(snprintf(table->reason, sizeof table->reason, "the database \"%s\" is not open",
                           table->alias)); /* it fits */
        return CZ_EUNAVAILABLE;
    }
    cz__db_session *request = cz__db_session_find(ctx, database);
    bool one_writer = !database->primary->driver->features->row_locks;
    use->own = (cz__db_session){ .db = database->primary, .arena = ctx->arena };
    use->session = one_writer && request && request->writing ? request : &use->own;
    int64_t end_us = cz_monotonic_us() + store->timeout_ms * 1000;
    if (!ctx->deadline_us || end_us < ctx->deadline_us)
        ctx->deadline_us = end_us;
    return CZ_OK;
}

cz_status cz__cache_use_end(cz_ctx *ctx, struct cz__cache_use *use, cz_status status)
{
    ctx->deadline_us = use->deadline_us;
    bool own_end =
        status == CZ_ETIMEDOUT && use->deadline_us && cz_monotonic_us() >= use->deadline_us;
    if (status == CZ_OK || status == CZ_ENOMEM || status == CZ_ECANCELED || status == CZ_EINVAL ||
        own_end)
        return status;
    const char *why = status == CZ_ETIMEDOUT ? "no answer in time" : cz_error_message(&use->err);
    const char *hint = cz_str_find(cz_str_from(why), cz_str_from(use->table->name)) == SIZE_MAX
                           ? ""
                           : " (`createcachetable` makes the table)";
    cz_ignore(snprintf(use->table->reason, sizeof use->table->reason, "%.180s%s", why,
                       hint)); /* it fits */
    return CZ_EUNAVAILABLE;
}

/* ---- statements ---- */

static void write_sql(cz_buf *out, const struct cz__cache_use *use, const char *sql)
{
    char mark = use->session->db->driver->features->parameter;
    for (; *sql; sql++) {
        if (sql[0] == '$' && sql[1] == 'T') {
            cz__db_append_name(out, use->table->name);
            sql++;
        } else {
            cz_buf_append_char(out, *sql == '$' ? mark : *sql);
        }
    }
}

/* A statement and its parameters' types, in the arena. */
static cz_status prepare(cz_ctx *ctx, const struct cz__cache_use *use, const char *sql,
                         const cz__db_param *params, size_t count, cz__db_statement *out)
{
    cz_buf text = { 0 };
    cz_assert(count <= PARAMETERS_MAX);
    cz__db_type *types = cz_arena_array(ctx->arena, cz__db_type, count + 1);
    for (size_t i = 0; types && i < count; i++)
        types[i] = params[i].type;
    write_sql(&text, use, sql);
    cz_buf_append_char(&text, '\0');
    *out =
        (cz__db_statement){ .number = CZ__STATEMENT_UNCACHED, .types = types, .type_count = count };
    cz_status status = cz__buf_take(&text, ctx->arena, &out->sql);
    if (!status && !types)
        status = CZ_ENOMEM;
    if (!status)
        out->sql.len--;
    return status;
}

cz_status cz__cache_change(cz_ctx *ctx, struct cz__cache_use *use, const char *sql,
                           const cz__db_param *params, size_t count, int64_t *out_rows)
{
    cz__db_statement statement;
    int64_t last_id;
    cz_status status = prepare(ctx, use, sql, params, count, &statement);
    if (status)
        return status;
    return use->session->db->driver->change(ctx, use->session, &statement, params, count, out_rows,
                                            &last_id, &use->err);
}

cz_status cz__cache_select(cz_ctx *ctx, struct cz__cache_use *use, const char *sql,
                           const cz__db_param *params, size_t count, cz__db_cursor *out)
{
    cz__db_statement statement;
    cz_status status = prepare(ctx, use, sql, params, count, &statement);
    if (status)
        return status;
    return use->session->db->driver->select(ctx, use->session, &statement, params, count, out,
                                            &use->err);
}

cz__db_param cz__cache_bytes(cz_str bytes)
{
    return (cz__db_param){ .kind = CZ__PARAM_BINARY, .type = CZ__DB_BINARY, .text = bytes };
}

cz__db_param cz__cache_integer(int64_t integer)
{
    return (cz__db_param){ .kind = CZ__PARAM_INT, .type = CZ__DB_INT64, .integer = integer };
}

cz_status cz__cache_row_value(cz_arena *arena, const cz__db_cursor *cursor, unsigned first,
                              cz_str *out)
{
    const cz__db_driver *driver = cursor->db->driver;
    cz_bytes bytes;
    int64_t number;
    char digits[24];
    *out = cz_str_of(NULL, 0);
    if (driver->read(cursor, first, CZ__DB_BINARY, &bytes))
        return cz_str_dup(arena, cz_str_of(bytes.ptr, bytes.len), out);
    if (driver->read(cursor, first + 1, CZ__DB_INT64, &number))
        return cz_str_dup(arena, cz_str_of(digits, cz_i64_write(digits, number)), out);
    return CZ_OK;
}
