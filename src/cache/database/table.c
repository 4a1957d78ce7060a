#include "cache/database/table.h"
#include "cache/caches.h"
#include "db/schema.h"
#include <stdio.h>

/* ---- making it ---- */

static const cz__db_column columns[] = {
    { .name = "cache_key", .type = CZ__DB_BINARY, .primary_key = true },
    { .name = "value", .type = CZ__DB_BINARY, .null = true },
    { .name = "number", .type = CZ__DB_INT64, .null = true },
    { .name = "expires", .type = CZ__DB_INT64 },
};
static const char *const expires[] = { "expires" };

static cz_status statements_of(cz_ctx *ctx, const struct cz__cache_table *table,
                               const cz__db_driver *driver, cz__sql_list *out, cz_error *err)
{
    const cz__db_index index = { .name = table->index, .columns = expires, .column_count = 1 };
    const cz__db_table described = { .name = table->name,
                                     .columns = columns,
                                     .column_count = CZ_COUNT(columns),
                                     .indexes = &index,
                                     .index_count = 1 };
    const cz__schema_step step = { .after = &described };
    *out = (cz__sql_list){ .arena = ctx->arena };
    return driver->schema_write(&step, out, err);
}

static cz_status make_table(cz_ctx *ctx, const struct cz__cache_table *table,
                            cz__db_session *session, bool dry_run, cz_error *err)
{
    const cz__db_driver *driver = session->db->driver;
    cz__sql_list list;
    cz_status status = statements_of(ctx, table, driver, &list, err);
    for (size_t i = 0; i < list.count && !status && dry_run; i++)
        printf("%.*s;\n", CZ_STR_ARG(list.items[i]));
    if (status || dry_run)
        return status;
    status = driver->begin(ctx, session, err);
    if (status)
        return status;
    for (size_t i = 0; i < list.count && !status; i++)
        status = driver->run(ctx, session, list.items[i], err);
    if (!status)
        return driver->commit(ctx, session, err);
    driver->rollback(ctx, session);
    return status;
}

size_t cz__cache_tables_create(cz_ctx *ctx, const char *database, bool dry_run)
{
    size_t made = 0;
    for (size_t i = 0; i < cz__stores_count(); i++) {
        const struct cz__store *store = cz__stores_at(i);
        const struct cz__cache_table *table = store->state;
        cz_error err;
        bool exists = false;
        if (store->driver != &cz__cache_database ||
            (database && strcmp(database, table->alias) != 0))
            continue;
        cz__db_session session = { .db = cz__database_find(table->alias)->primary,
                                   .arena = ctx->arena };
        if (!session.db)
            cz_raise(ctx, CZ_EINVAL, "the database \"%s\" is not open", table->alias);
        cz_status status =
            session.db->driver->table_exists(ctx, &session, table->name, &exists, &err);
        if (!status && exists)
            printf("%s there is already\n", table->name);
        else if (!status)
            status = make_table(ctx, table, &session, dry_run, &err);
        if (status)
            cz_raise_error(ctx, &err);
        made += !exists;
    }
    return made;
}

/* ---- keeping it small ---- */

static cz_status count_rows(cz_ctx *ctx, struct cz__cache_use *use, int64_t *out)
{
    cz__db_cursor cursor;
    bool row = false;
    *out = 0;
    cz_status status = cz__cache_select(ctx, use, "SELECT COUNT(*) FROM $T", NULL, 0, &cursor);
    if (status)
        return status;
    status = cursor.db->driver->step(&cursor, &row, &use->err);
    if (!status && row)
        cursor.db->driver->read(&cursor, 0, CZ__DB_INT64, out);
    cursor.db->driver->finish(&cursor);
    return status;
}

cz_status cz__cache_table_cull(cz_ctx *ctx, struct cz__cache_use *use)
{
    int64_t rows, count;
    cz__db_param param = cz__cache_integer(cz_now().us / 1000);
    cz_status status =
        cz__cache_change(ctx, use, "DELETE FROM $T WHERE expires <= $1", &param, 1, &rows);
    if (!status)
        status = count_rows(ctx, use, &count);
    if (status || count <= use->store->entries)
        return status;
    param = cz__cache_integer(count - use->store->entries + use->store->entries / 3);
    return cz__cache_change(ctx, use,
                            "DELETE FROM $T WHERE cache_key IN (SELECT cache_key FROM $T "
                            "ORDER BY expires, cache_key LIMIT $1)",
                            &param, 1, &rows);
}
