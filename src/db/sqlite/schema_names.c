/* Indexes that others named: those made in place of ours go when ours would, the rest stay. */
#include "db/introspection.h"
#include "db/schema.h"
#include "db/sqlite/sqlite_internal.h"

static bool same_columns(const cz__index_info *index, const char *const *columns, size_t count)
{
    if (index->column_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!cz_str_eq_icase(cz_str_from(index->columns[i]), cz_str_from(columns[i])))
            return false;
    return true;
}

static bool is_called(const char *a, const char *b)
{
    return cz_str_eq_icase(cz_str_from(a), cz_str_from(b));
}

/* Whether the table has this index, or one made as it that goes by another name. */
static bool has_such(cz_arena *arena, const cz__db_table *table, const cz__index_info *index)
{
    cz__db_index ours;
    for (size_t i = 0; cz__db_index_at(arena, table, i, &ours); i++)
        if (is_called(ours.name, index->name) ||
            (ours.unique == index->unique && !ours.where && !index->where &&
             same_columns(index, ours.columns, ours.column_count)))
            return true;
    return index->unique && !index->where && table->unique_together_count &&
           same_columns(index, table->unique_together, table->unique_together_count);
}

/* Whether a column of the index is not there any more. */
static bool lacks_column(const cz__db_table *before, const cz__db_table *after,
                         const cz__index_info *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        const char *name = index->columns[i] + (index->columns[i][0] == '-');
        if (cz__db_column_find(before, name) && !cz__db_column_find(after, name))
            return true;
    }
    return false;
}

bool cz__sqlite_index_stays(cz_arena *arena, const cz__schema_step *step,
                            const cz__index_info *index)
{
    return !has_such(arena, step->before, index) && !has_such(arena, step->after, index) &&
           !lacks_column(step->before, step->after, index);
}

/* SQLite cannot rename an index, and ours may stay under another name; one that goes is dropped by the name it
 * has. */
cz_status cz__sqlite_schema_names(cz_ctx *ctx, cz__db_session *session, const cz__schema_step *step,
                                  cz__sql_list *out, cz_error *err)
{
    cz__table_info there;
    bool exists = false;
    if (!step->before || !step->after || step->rename_table || step->rename_from ||
        cz__sqlite_is_about_keys(step))
        return CZ_OK;
    cz_status status = cz__sqlite_table_exists(ctx, session, step->before->name, &exists, err);
    if (!status && exists)
        status = cz__sqlite_describe_table(ctx, session, step->before->name, &there, err);
    if (status || !exists)
        return status;
    cz_buf sql = { 0 };
    for (size_t i = 0; !status && i < there.index_count; i++) {
        const cz__index_info *index = &there.indexes[i];
        if (!*index->name || (!lacks_column(step->before, step->after, index) &&
                              (!has_such(ctx->arena, step->before, index) ||
                               has_such(ctx->arena, step->after, index))))
            continue;
        cz_buf_append_lit(&sql, "DROP INDEX ");
        cz__db_append_name(&sql, index->name);
        status = cz__sql_list_add(out, &sql, err);
    }
    cz_buf_done(&sql);
    return status;
}
