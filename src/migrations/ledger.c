/* calzone_migrations: what the database has, one row for each migration, with what it ran in "state" (fingerprint.c). src/orm/tables.c makes the same
 * table, with a row "0001_initial" and the models' state, for apps that have no migrations. */
#include "migrations/migrations_internal.h"
#include "migrations/ledger.h"

static bool ledger_exists(cz_ctx *ctx)
{
    cz__db_session *session = cz__session_of(ctx);
    bool found = false;
    cz_error err;
    if (session->db->driver->table_exists(ctx, session, "calzone_migrations", &found, &err))
        cz_raise_error(ctx, &err);
    return found;
}

void cz__ledger_create(cz_ctx *ctx)
{
    static const cz__db_column columns[] = {
        { .name = "id", .type = CZ__DB_INT64, .primary_key = true },
        { .name = "app", .type = CZ__DB_TEXT, .max_length = 255 },
        { .name = "name", .type = CZ__DB_TEXT, .max_length = 255 },
        { .name = "applied", .type = CZ__DB_DATETIME },
        { .name = "state", .type = CZ__DB_TEXT },
    };
    static const char *const together[] = { "app", "name" };
    static const cz__db_table table = { .name = "calzone_migrations",
                                        .columns = columns,
                                        .column_count = CZ_COUNT(columns),
                                        .unique_together = together,
                                        .unique_together_count = CZ_COUNT(together) };
    cz__db_session *session = cz__session_of(ctx);
    cz_error err;
    if (!ledger_exists(ctx) && session->db->driver->create_table(ctx, session, &table, &err))
        cz_raise_error(ctx, &err);
}

cz__ledger *cz__ledger_read(cz_ctx *ctx)
{
    static const cz__db_statement select = {
        .sql = { "SELECT app, name, applied, state FROM calzone_migrations ORDER BY id", 68 },
        .number = CZ__STATEMENT_UNCACHED,
    };
    cz__ledger *ledger = cz_new(ctx, cz__ledger);
    if (!ledger_exists(ctx))
        return ledger;
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz__ledger_row *rows = NULL;
    size_t cap = 0;
    cz__db_cursor cursor;
    cz_error err;
    if (driver->select(ctx, session, &select, NULL, 0, &cursor, &err))
        cz_raise_error(ctx, &err);
    bool row = false;
    cz_status status;
    while (!(status = driver->step(&cursor, &row, &err)) && row) {
        /* nothing may raise while the cursor is open */
        if (ledger->count == cap) {
            cap = cap ? cap * 2 : 64;
            cz__ledger_row *grown =
                cz__arena_grown(ctx->arena, rows, ledger->count, cap, sizeof *grown);
            if (!grown) {
                status = cz_error_set(&err, CZ_ENOMEM, "no memory for the list of migrations");
                break;
            }
            rows = grown;
        }
        cz_assert(rows);
        cz_str app = { 0 }, name = { 0 }, state = { 0 };
        cz__ledger_row *at = &rows[ledger->count];
        *at = (cz__ledger_row){ 0 };
        bool is_read =
            driver->read(&cursor, 0, CZ__DB_TEXT, &app) && !cz_str_dup(ctx->arena, app, &app) &&
            driver->read(&cursor, 1, CZ__DB_TEXT, &name) && !cz_str_dup(ctx->arena, name, &name);
        cz_ignore(driver->read(&cursor, 2, CZ__DB_DATETIME, &at->applied)); /* only shown */
        cz_ignore(driver->read(&cursor, 3, CZ__DB_TEXT, &state));           /* NULL is empty */
        if (!is_read) {
            status = cz_error_set(&err, CZ_EDATABASE, "calzone_migrations cannot be read");
            break;
        }
        at->app = app.ptr;
        at->name = name.ptr;
        bool operations = cz__is_fingerprint(state);
        at->from_tables = state.len > 0 && !operations;
        if (operations && cz_str_dup(ctx->arena, state, &state)) {
            status = cz_error_set(&err, CZ_ENOMEM, "no memory for the list of migrations");
            break;
        }
        at->fingerprint = operations ? state.ptr : NULL;
        ledger->count++;
    }
    driver->finish(&cursor);
    if (status)
        cz_raise_error(ctx, &err);
    ledger->rows = rows;
    return ledger;
}

bool cz__ledger_has(const cz__ledger *ledger, const char *app, const char *name)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (strcmp(ledger->rows[i].app, app) == 0 && strcmp(ledger->rows[i].name, name) == 0)
            return true;
    return false;
}

static void change(cz_ctx *ctx, cz_str sql, const cz__db_param *params, size_t count)
{
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    int64_t rows, last_id;
    cz_error err;
    if (driver->change(ctx, session, &statement, params, count, &rows, &last_id, &err))
        cz_raise_error(ctx, &err);
}

void cz__ledger_add(cz_ctx *ctx, const char *app, const char *name, const char *fingerprint)
{
    cz__db_param params[] = { { .kind = CZ__PARAM_TEXT, .text = cz_str_from(app) },
                              { .kind = CZ__PARAM_TEXT, .text = cz_str_from(name) },
                              { .kind = CZ__PARAM_DATETIME, .integer = cz_now().us },
                              { .kind = CZ__PARAM_TEXT, .text = cz_str_from(fingerprint) } };
    change(ctx,
           CZ_STR("INSERT INTO calzone_migrations (app, name, applied, state) VALUES (?, ?, ?, ?)"),
           params, CZ_COUNT(params));
}

void cz__ledger_change(cz_ctx *ctx, const char *app, const char *name, const char *fingerprint)
{
    cz__db_param params[] = { { .kind = CZ__PARAM_TEXT, .text = cz_str_from(fingerprint) },
                              { .kind = CZ__PARAM_TEXT, .text = cz_str_from(app) },
                              { .kind = CZ__PARAM_TEXT, .text = cz_str_from(name) } };
    change(ctx, CZ_STR("UPDATE calzone_migrations SET state = ? WHERE app = ? AND name = ?"),
           params, CZ_COUNT(params));
}

void cz__ledger_remove(cz_ctx *ctx, const char *app, const char *name)
{
    cz__db_param params[] = { { .kind = CZ__PARAM_TEXT, .text = cz_str_from(app) },
                              { .kind = CZ__PARAM_TEXT, .text = cz_str_from(name) } };
    change(ctx, CZ_STR("DELETE FROM calzone_migrations WHERE app = ? AND name = ?"), params,
           CZ_COUNT(params));
}
