/* Scripts, and the transactions in which tables change. */
#include "db/sqlite/sqlite_internal.h"

enum { SCHEMA_TIMEOUT_MS = 10 * 60 * 1000 }; /* another process's migration may take so long */

static cz_status run_statements(struct cz__sqlite *db, cz_str sql, cz_error *err)
{
    const char *at = sql.ptr, *end = sql.ptr + sql.len;
    while (at < end) {
        sqlite3_stmt *prepared = NULL;
        int code = sqlite3_prepare_v2(db->write.handle, at, (int)(end - at), &prepared, &at);
        if (code == SQLITE_OK && !prepared)
            continue; /* blanks or a comment */
        while (code == SQLITE_OK || code == SQLITE_ROW)
            code = sqlite3_step(prepared);
        cz_status status = code == SQLITE_DONE ? CZ_OK : cz__sqlite_error(&db->write, code, err);
        cz_ignore(sqlite3_finalize(prepared)); /* repeats the step's error */
        if (status)
            return status;
    }
    return CZ_OK;
}

cz_status cz__sqlite_run_script(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    if (session->writing) {
        cz_status status = cz__sqlite_check_transaction(db, err);
        return status ? status : run_statements(db, sql, err);
    }
    cz_status status = cz__sqlite_begin(ctx, session, err);
    if (status)
        return status;
    status = run_statements(db, sql, err);
    if (status) {
        cz__sqlite_rollback(ctx, session);
        return status;
    }
    return cz__sqlite_commit(ctx, session, err);
}

/* ---- changing tables ---- */

static void enforce_foreign_keys(struct cz__sqlite *db)
{
    /* outside a transaction and without allocation: cannot fail */
    cz_ignore(cz__sqlite_run_text(&db->write,
                                  "PRAGMA foreign_keys=ON; PRAGMA legacy_alter_table=OFF;", NULL));
}

/* Foreign keys cannot be turned off inside a transaction, so that comes first; who waits for the lock
 * waits as long as another process migrates. */
cz_status cz__sqlite_schema_begin(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    if (session->depth)
        return cz_error_set(err, CZ_EINVAL, "tables cannot change inside a transaction");
    int64_t give_up_us = cz_monotonic_us() + SCHEMA_TIMEOUT_MS * INT64_C(1000);
    cz_status status = cz__sqlite_take_turn(ctx, db, give_up_us, err);
    if (status)
        return status;
    status = cz__sqlite_run_text(&db->write, "PRAGMA foreign_keys=OFF;", err);
    if (!status)
        status = cz__sqlite_begin_write(ctx, db, give_up_us, err);
    if (status) {
        enforce_foreign_keys(db);
        cz__sqlite_give_turn(db);
        return status;
    }
    session->depth = 1;
    session->writing = true;
    return CZ_OK;
}

/* The first row whose foreign key leads nowhere fails the transaction. */
static cz_status check_foreign_keys(struct cz__sqlite *db, cz_error *err)
{
    static const cz__db_statement check = { .sql = { "PRAGMA foreign_key_check", 24 },
                                            .number = CZ__STATEMENT_UNCACHED };
    sqlite3_stmt *prepared = NULL;
    cz_status status = cz__sqlite_prepare(&db->write, &check, &prepared, err);
    if (status)
        return status;
    int code = sqlite3_step(prepared);
    if (code == SQLITE_ROW)
        status = cz_error_set(err, CZ_EINTEGRITY,
                              "row %lld of %s would refer to a row of %s that does not exist",
                              (long long)sqlite3_column_int64(prepared, 1),
                              (const char *)sqlite3_column_text(prepared, 0),
                              (const char *)sqlite3_column_text(prepared, 2));
    else if (code != SQLITE_DONE)
        status = cz__sqlite_error(&db->write, code, err);
    cz__sqlite_release(prepared, true);
    return status;
}

cz_status cz__sqlite_schema_commit(cz_ctx *ctx, cz__db_session *session, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_assert(session->depth == 1);
    cz_status status = cz__sqlite_check_transaction(db, err);
    if (!status)
        status = check_foreign_keys(db, err);
    if (status) {
        cz__sqlite_schema_rollback(ctx, session);
        return status;
    }
    session->depth = 0;
    session->writing = false;
    status = cz__sqlite_end_write(ctx, db, err);
    enforce_foreign_keys(db);
    cz__sqlite_give_turn(db);
    return status;
}

void cz__sqlite_schema_rollback(cz_ctx *ctx, cz__db_session *session)
{
    (void)ctx;
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz_assert(session->depth == 1);
    session->depth = 0;
    session->writing = false;
    cz__sqlite_undo_write(db);
    enforce_foreign_keys(db);
    cz__sqlite_give_turn(db);
}
