/* Names that others gave. schema.c finds constraints and automatic indexes again by names of our own; a table that
 * Django or a person made has others. What is made as one of ours is renamed before a step that changes its table,
 * in the same transaction, so the step need not know. */
#include "db/introspection.h"
#include "db/postgresql/postgresql_internal.h"
#include "db/schema.h"

struct naming {
    cz__sql_script script;
    const cz__schema_step *step;
    const cz__table_info *there;
};

static void alter_table(struct naming *n, const char *action, const char *name)
{
    cz_buf_append_lit(&n->script.sql, "ALTER TABLE ");
    cz__db_append_name(&n->script.sql, n->step->before->name);
    cz_buf_append_str(&n->script.sql, cz_str_from(action));
    cz__db_append_name(&n->script.sql, name);
}

static void rename_constraint(struct naming *n, const char *from, const char *const *columns,
                              size_t count, const char *suffix)
{
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz__db_name(name, n->step->before->name, columns, count, suffix);
    if (!from || strcmp(from, name) == 0)
        return;
    alter_table(n, " RENAME CONSTRAINT ", from);
    cz_buf_append_lit(&n->script.sql, " TO ");
    cz__db_append_name(&n->script.sql, name);
    cz__sql_script_add(&n->script);
}

static bool same_columns(const cz__index_info *index, const char *const *columns, size_t count)
{
    if (index->column_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(index->columns[i], columns[i]) != 0)
            return false;
    return true;
}

/* The name of the UNIQUE over these columns; NULL: there is none. */
static const char *unique_over(const struct naming *n, const char *const *columns, size_t count)
{
    for (size_t i = 0; i < n->there->index_count; i++)
        if (n->there->indexes[i].constraint && same_columns(&n->there->indexes[i], columns, count))
            return n->there->indexes[i].name;
    return NULL;
}

static const cz__column_info *column_there(const struct naming *n, const char *name)
{
    for (size_t i = 0; i < n->there->column_count; i++)
        if (strcmp(n->there->columns[i].name, name) == 0)
            return &n->there->columns[i];
    return NULL;
}

static void name_constraints(struct naming *n)
{
    const cz__db_table *before = n->step->before;
    for (size_t i = 0; i < before->column_count; i++) {
        const cz__db_column *column = &before->columns[i];
        const cz__column_info *there = column_there(n, column->name);
        if (there && column->primary_key) {
            cz__postgresql_name_key(&n->script, n->step, column, there);
            rename_constraint(n, there->key_name, NULL, 0, "pkey");
        } else if (there && column->unique) {
            rename_constraint(n, unique_over(n, &column->name, 1), &column->name, 1, "key");
        }
        if (there && column->references_table)
            rename_constraint(n, there->references_name, &column->name, 1, "fk");
    }
    if (before->unique_together_count)
        rename_constraint(n, unique_over(n, before->unique_together, before->unique_together_count),
                          before->unique_together, before->unique_together_count, "uniq");
}

static const cz__index_info *index_called(const struct naming *n, const char *name)
{
    for (size_t i = 0; i < n->there->index_count; i++)
        if (strcmp(n->there->indexes[i].name, name) == 0)
            return &n->there->indexes[i];
    return NULL;
}

/* Whether a model knows the name, so that it is not free to take. */
static bool is_ours(struct naming *n, const char *name)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(n->script.out->arena, n->step->before, i, &index); i++)
        if (strcmp(index.name, name) == 0)
            return true;
    return false;
}

static void name_indexes(struct naming *n)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(n->script.out->arena, n->step->before, i, &index); i++) {
        const cz__index_info *there = index_called(n, index.name);
        if (there && there->constraint &&
            !cz__db_has_index(n->script.out->arena, n->step->after, &index)) {
            alter_table(n, " DROP CONSTRAINT ", index.name); /* DROP INDEX is refused */
            cz__sql_script_add(&n->script);
        }
        for (size_t t = 0; !there && t < n->there->index_count; t++) {
            const cz__index_info *other = &n->there->indexes[t];
            if (other->unique != index.unique || other->constraint || other->special ||
                other->where || index.where || is_ours(n, other->name) ||
                !same_columns(other, index.columns, index.column_count))
                continue;
            cz_buf_append_lit(&n->script.sql, "ALTER INDEX ");
            cz__db_append_name(&n->script.sql, other->name);
            cz_buf_append_lit(&n->script.sql, " RENAME TO ");
            cz__db_append_name(&n->script.sql, index.name);
            cz__sql_script_add(&n->script);
            there = other;
        }
    }
}

static bool is_indexed(cz_arena *arena, const cz__db_table *table, const cz__db_column *column)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(arena, table, i, &index); i++)
        if (index.column_count == 1 && strcmp(index.columns[0], column->name) == 0)
            return true;
    return column->unique || column->primary_key;
}

/* Django makes an index for LIKE beside that of a text column; it goes when that goes, or when the column is no
 * text any more, which the server would refuse. */
static void drop_special_indexes(struct naming *n)
{
    cz_arena *arena = n->script.out->arena;
    for (size_t i = 0; i < n->there->index_count; i++) {
        const cz__index_info *index = &n->there->indexes[i];
        if (!index->special || index->column_count != 1 || is_ours(n, index->name))
            continue;
        const cz__db_column *was = cz__db_column_find(n->step->before, index->columns[0]);
        const cz__db_column *is = cz__db_column_find(n->step->after, index->columns[0]);
        if (!was || !is ||
            (CZ__DB_KIND(is->type) == CZ__DB_KIND(was->type) &&
             (is_indexed(arena, n->step->after, is) || !is_indexed(arena, n->step->before, was))))
            continue;
        cz_buf_append_lit(&n->script.sql, "DROP INDEX IF EXISTS ");
        cz__db_append_name(&n->script.sql, index->name);
        cz__sql_script_add(&n->script);
    }
}

cz_status cz__postgresql_schema_names(cz_ctx *ctx, cz__db_session *session,
                                      const cz__schema_step *step, cz__sql_list *out, cz_error *err)
{
    cz__table_info there;
    bool exists = false;
    if (!step->before || !step->after || step->part == CZ__SCHEMA_HOLDS)
        return CZ_OK;
    cz_status status = cz__postgresql_table_exists(ctx, session, step->before->name, &exists, err);
    if (!status && exists)
        status = cz__postgresql_describe_table(ctx, session, step->before->name, &there, err);
    if (status || !exists)
        return status;
    struct naming naming = { .script = { .out = out, .err = err }, .step = step, .there = &there };
    name_constraints(&naming);
    if (!step->rename_table && !step->rename_from && step->part != CZ__SCHEMA_LETS_GO) {
        name_indexes(&naming);
        drop_special_indexes(&naming);
    }
    cz_buf_done(&naming.script.sql);
    return naming.script.status;
}
