/* Tables from descriptions, and the way from one description to another, as Django's schema editor writes
 * them. Names come only from the models and are quoted all the same. */
#include "db/postgresql/postgresql_internal.h"
#include "db/schema.h"
#include <calzone/buf.h>
#include <calzone/json.h>

static const char *const type_names[CZ__DB_TYPE_COUNT] = {
    [CZ__DB_TEXT] = "text",         [CZ__DB_INT16] = "smallint",
    [CZ__DB_INT32] = "integer",     [CZ__DB_INT64] = "bigint",
    [CZ__DB_BOOL] = "boolean",      [CZ__DB_REAL] = "double precision",
    [CZ__DB_DATE] = "date",         [CZ__DB_DATETIME] = "timestamp with time zone",
    [CZ__DB_UUID] = "uuid",         [CZ__DB_TIME] = "time",
    [CZ__DB_DURATION] = "interval", [CZ__DB_JSON] = "jsonb",
    [CZ__DB_BINARY] = "bytea",      [CZ__DB_IP] = "inet",
    [CZ__DB_INT_LIST] = "bigint[]", [CZ__DB_TEXT_LIST] = "text[]",
};

void cz__postgresql_append_type(cz_buf *sql, const cz__db_column *column)
{
    if (column->type == CZ__DB_TEXT && column->max_length) {
        cz_buf_append_lit(sql, "varchar(");
        cz_buf_append_u64(sql, column->max_length);
        cz_buf_append_char(sql, ')');
    } else if (CZ__DB_KIND(column->type) == CZ__DB_DECIMAL) {
        cz_buf_append_lit(sql, "numeric(");
        cz_buf_append_u64(sql, (uint64_t)CZ__DB_DIGITS(column->type));
        cz_buf_append_lit(sql, ", ");
        cz_buf_append_u64(sql, (uint64_t)CZ__DB_PLACES(column->type));
        cz_buf_append_char(sql, ')');
    } else {
        cz_buf_append_str(sql, cz_str_from(type_names[CZ__DB_KIND(column->type)]));
    }
}

/* CONSTRAINT "table_columns_suffix": every constraint has a name of our own, by which it is found again. */
static void append_constraint_name(cz_buf *sql, const char *table, const char *const *columns,
                                   size_t count, const char *suffix)
{
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz__db_name(name, table, columns, count, suffix);
    cz__db_append_name(sql, name);
}

/* What a new column is filled with: SQL that is also shown cannot bind. */
static void append_value(cz_buf *sql, const cz__db_column *column, const cz__db_param *value)
{
    char text[CZ_DECIMAL_TEXT + 64];
    size_t len = 0;
    switch (value->kind) {
    case CZ__PARAM_INT:
        if (column->type == CZ__DB_BOOL)
            cz_buf_append_str(sql, value->integer ? CZ_STR("true") : CZ_STR("false"));
        else
            cz_buf_append_i64(sql, value->integer);
        return;
    case CZ__PARAM_REAL:
        cz_buf_append(sql, text, (size_t)(cz__json_write_f64(text, value->real) - text));
        return;
    case CZ__PARAM_TEXT:
        cz__db_append_text(sql, value->text);
        return;
    case CZ__PARAM_DATE:
        len = cz_date_write(text, (cz_date){ (int32_t)value->integer });
        break;
    case CZ__PARAM_DATETIME:
        len = cz_datetime_write(text, (cz_datetime){ value->integer }); /* with its Z */
        break;
    case CZ__PARAM_TIME:
        len = cz_time_write(text, (cz_time){ value->integer });
        break;
    case CZ__PARAM_DURATION:
        len = cz_i64_write(text, value->integer);
        memcpy(text + len, " microseconds", strlen(" microseconds"));
        len += strlen(" microseconds");
        break;
    case CZ__PARAM_UUID:
        cz_uuid_write(text, value->uuid);
        len = CZ_UUID_TEXT;
        break;
    case CZ__PARAM_DECIMAL:
        cz_buf_append(sql, text, cz_decimal_write(text, value->decimal));
        return;
    default: /* no field has bytes or a list for its default */
        cz_buf_append_lit(sql, "NULL");
        return;
    }
    cz__db_append_text(sql, cz_str_of(text, len));
}

/* " DEFAULT ..." */
static void append_default(cz_buf *sql, const cz__db_column *column)
{
    const cz__db_default_value *value = &column->default_;
    if (!value->kind)
        return;
    cz_buf_append_lit(sql, " DEFAULT ");
    if (value->kind == CZ__DEFAULT_VALUE)
        append_value(sql, column, &value->value);
    else if (value->kind == CZ__DEFAULT_SQL)
        cz_buf_printf(sql, "(%s)", value->sql);
    else if (CZ__DB_KIND(column->type) == CZ__DB_DATE)
        cz_buf_append_lit(sql, "CURRENT_DATE");
    else
        cz_buf_append_lit(sql, "now()");
}

static void append_column(cz_buf *sql, const cz__db_table *table, const cz__db_column *column,
                          const cz__db_param *fill)
{
    cz__db_append_name(sql, column->name);
    cz_buf_append_char(sql, ' ');
    cz__postgresql_append_type(sql, column);
    if (fill) {
        cz_buf_append_lit(sql, " DEFAULT ");
        append_value(sql, column, fill);
    } else {
        append_default(sql, column);
    }
    if (!column->null)
        cz_buf_append_lit(sql, " NOT NULL");
    if (column->primary_key) {
        cz_buf_append_lit(sql, " CONSTRAINT ");
        append_constraint_name(sql, table->name, NULL, 0, "pkey");
        cz_buf_append_lit(sql, " PRIMARY KEY");
        if (cz__db_column_is_counted(column))
            cz_buf_append_lit(sql, " GENERATED BY DEFAULT AS IDENTITY");
    } else if (column->unique) {
        cz_buf_append_lit(sql, " CONSTRAINT ");
        append_constraint_name(sql, table->name, &column->name, 1, "key");
        cz_buf_append_lit(sql, " UNIQUE");
    }
}

static void append_names(cz_buf *sql, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool descending = names[i][0] == '-';
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        cz__db_append_name(sql, names[i] + descending);
        if (descending)
            cz_buf_append_lit(sql, " DESC");
    }
    cz_buf_append_char(sql, ')');
}

static void append_together(cz_buf *sql, const cz__db_table *table)
{
    cz_buf_append_lit(sql, "CONSTRAINT ");
    append_constraint_name(sql, table->name, table->unique_together, table->unique_together_count,
                           "uniq");
    cz_buf_append_lit(sql, " UNIQUE");
    append_names(sql, table->unique_together, table->unique_together_count);
}

static void append_check(cz_buf *sql, const cz__db_check *check)
{
    cz_buf_append_lit(sql, "CONSTRAINT ");
    cz__db_append_name(sql, check->name);
    cz_buf_append_lit(sql, " CHECK (");
    cz_buf_append_str(sql, cz_str_from(check->sql));
    cz_buf_append_char(sql, ')');
}

static void append_table(cz_buf *sql, const cz__db_table *table, bool online)
{
    cz_buf_append_str(sql,
                      online ? CZ_STR("CREATE TABLE IF NOT EXISTS ") : CZ_STR("CREATE TABLE "));
    cz__db_append_name(sql, table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        append_column(sql, table, &table->columns[i], NULL);
    }
    if (table->unique_together_count) {
        cz_buf_append_lit(sql, ", ");
        append_together(sql, table);
    }
    for (size_t i = 0; i < table->check_count; i++) {
        cz_buf_append_lit(sql, ", ");
        append_check(sql, &table->checks[i]);
    }
    cz_buf_append_lit(sql, ")");
}

/* "ALTER TABLE name ". */
static void append_alter(cz_buf *sql, const char *table)
{
    cz_buf_append_lit(sql, "ALTER TABLE ");
    cz__db_append_name(sql, table);
    cz_buf_append_char(sql, ' ');
}

/* What comes after ADD. */
static void append_reference(cz_buf *sql, const char *table, const char *column,
                             const char *to_table, const char *to_column)
{
    cz_buf_append_lit(sql, "CONSTRAINT ");
    append_constraint_name(sql, table, &column, 1, "fk");
    cz_buf_append_lit(sql, " FOREIGN KEY (");
    cz__db_append_name(sql, column);
    cz_buf_append_lit(sql, ") REFERENCES ");
    cz__db_append_name(sql, to_table);
    cz_buf_append_lit(sql, " (");
    cz__db_append_name(sql, to_column);
    cz_buf_append_lit(sql, ") DEFERRABLE INITIALLY DEFERRED");
}

static void append_index(cz_buf *sql, const cz__db_table *table, const cz__db_index *index,
                         bool online)
{
    cz_buf_append_str(sql,
                      index->unique ? CZ_STR("CREATE UNIQUE INDEX ") : CZ_STR("CREATE INDEX "));
    if (online)
        cz_buf_append_lit(sql, "CONCURRENTLY ");
    cz__db_append_name(sql, index->name);
    cz_buf_append_lit(sql, " ON ");
    cz__db_append_name(sql, table->name);
    const char *method = index->search ? "gin" : index->method;
    if (method) {
        cz_buf_append_lit(sql, " USING ");
        cz__db_append_name(sql, method);
    }
    if (index->search) {
        cz_buf_append_lit(sql, " (");
        cz__postgresql_append_search(sql, CZ_STR(""), index);
        cz_buf_append_char(sql, ')');
    } else if (index->expressions) {
        cz_buf_printf(sql, " (%s)", index->expressions);
    } else {
        append_names(sql, index->columns, index->column_count);
    }
    if (index->include_count) {
        cz_buf_append_lit(sql, " INCLUDE");
        append_names(sql, index->include, index->include_count);
    }
    if (index->where) {
        cz_buf_append_lit(sql, " WHERE ");
        cz_buf_append_str(sql, cz_str_from(index->where));
    }
}

cz_status cz__postgresql_run_buf(cz_ctx *ctx, cz__db_session *session, cz_buf *sql, cz_error *err)
{
    if (cz_buf_status(sql))
        return cz_error_set(err, cz_buf_status(sql), "no memory to write a table's SQL");
    cz_buf_cstr(sql);
    cz_status status = cz__postgresql_run(ctx, session, cz_buf_str(sql), err);
    cz_buf_clear(sql);
    return status;
}

/* ---- from one table to another ---- */

static bool is_text(const char *a, const char *b)
{
    return a && b ? cz_str_eq_icase(cz_str_from(a), cz_str_from(b)) : a == b;
}

static bool is_listed(const cz__db_table *table, const cz__db_check *check)
{
    for (size_t i = 0; i < table->check_count; i++)
        if (cz__db_check_eq(&table->checks[i], check))
            return true;
    return false;
}

static bool reference_eq(const cz__db_column *a, const cz__db_column *b)
{
    return is_text(a->references_table, b->references_table) &&
           is_text(a->references_column, b->references_column);
}

static bool type_eq(const cz__db_column *a, const cz__db_column *b)
{
    cz__db_type same = ~(CZ__DB_AS_NUMBER | CZ__DB_AS_DIGITS); /* SQLite's alone */
    return (a->type & same) == (b->type & same) &&
           (a->type != CZ__DB_TEXT || a->max_length == b->max_length);
}

/* Make an index. Online, what an attempt that failed has left is not valid and goes first. */
static void create_index(cz__sql_script *script, const cz__schema_step *step,
                         const cz__db_index *index)
{
    if (step->online) {
        cz_buf_append_lit(&script->sql, "DROP INDEX CONCURRENTLY IF EXISTS ");
        cz__db_append_name(&script->sql, index->name);
        cz__sql_script_add(script);
    }
    append_index(&script->sql, step->after, index, step->online);
    cz__sql_script_add(script);
}

static void create_indexes(cz__sql_script *script, const cz__schema_step *step)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(script->out->arena, step->after, i, &index); i++)
        create_index(script, step, &index);
}

/* Online, a constraint holds for new rows at once and is then checked for those that are there, under a lock
 * that lets others write. `sql` holds what comes after ADD; the name is quoted in it. */
static void add_checked(cz__sql_script *script, const cz__schema_step *step, const char *name,
                        cz_buf *definition)
{
    cz_buf *sql = &script->sql;
    const char *table = step->after->name;
    if (step->online) {
        append_alter(sql, table);
        cz_buf_append_lit(sql, "DROP CONSTRAINT IF EXISTS ");
        cz__db_append_name(sql, name);
        cz__sql_script_add(script);
    }
    append_alter(sql, table);
    cz_buf_append_lit(sql, "ADD ");
    cz_buf_append_str(sql, cz_str_from(cz_buf_cstr(definition)));
    if (step->online)
        cz_buf_append_lit(sql, " NOT VALID");
    if (cz_buf_status(definition) && !script->status)
        script->status = cz_error_set(script->err, cz_buf_status(definition),
                                      "no memory to write a table's SQL");
    cz_buf_clear(definition);
    cz__sql_script_add(script);
    if (!step->online)
        return;
    append_alter(sql, table);
    cz_buf_append_lit(sql, "VALIDATE CONSTRAINT ");
    cz__db_append_name(sql, name);
    cz__sql_script_add(script);
}

/* Online, the index is made beside whoever writes and then becomes the constraint. */
static void add_unique(cz__sql_script *script, const cz__schema_step *step,
                       const char *const *columns, size_t count, const char *suffix)
{
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz_buf *sql = &script->sql;
    cz__db_name(name, step->after->name, columns, count, suffix);
    if (step->online) {
        append_alter(sql, step->after->name);
        cz_buf_append_lit(sql, "DROP CONSTRAINT IF EXISTS ");
        cz__db_append_name(sql, name);
        cz__sql_script_add(script);
        create_index(script, step,
                     &(cz__db_index){
                         .name = name, .columns = columns, .column_count = count, .unique = true });
    }
    append_alter(sql, step->after->name);
    cz_buf_append_lit(sql, "ADD CONSTRAINT ");
    cz__db_append_name(sql, name);
    cz_buf_append_lit(sql, " UNIQUE");
    if (step->online) {
        cz_buf_append_lit(sql, " USING INDEX ");
        cz__db_append_name(sql, name);
    } else {
        append_names(sql, columns, count);
    }
    cz__sql_script_add(script);
}

/* The index of `before` that goes and is made as this one is; it only gets another name. */
static bool find_same_index(cz__sql_script *script, const cz__schema_step *step,
                            const cz__db_index *index, cz__db_index *out)
{
    cz_arena *arena = script->out->arena;
    for (size_t i = 0; cz__db_index_at(arena, step->after, i, out); i++)
        if (cz__db_index_eq(index, out) && !cz__db_has_index(arena, step->before, out))
            return true;
    return false;
}

static void drop_constraint(cz__sql_script *script, const char *table, const char *const *columns,
                            size_t count, const char *suffix)
{
    append_alter(&script->sql, table);
    cz_buf_append_lit(&script->sql, "DROP CONSTRAINT ");
    append_constraint_name(&script->sql, table, columns, count, suffix);
    cz__sql_script_add(script);
}

/* Whether a column that stays was a foreign key that it is no longer as it was. */
static bool lets_go(const cz__db_column *was, const cz__db_column *is)
{
    return was->references_table && (!reference_eq(was, is) || !type_eq(was, is));
}

static void drop_references(cz__sql_script *script, const cz__schema_step *step)
{
    for (size_t i = 0; i < step->before->column_count; i++) {
        const cz__db_column *was = &step->before->columns[i];
        const cz__db_column *is = cz__db_column_find(step->after, was->name);
        if (is && lets_go(was, is))
            drop_constraint(script, step->before->name, &was->name, 1, "fk");
    }
}

/* What a column that stays, or the whole table, is no longer held to, but foreign keys. */
static void drop_constraints(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    for (size_t i = 0; i < before->check_count; i++) {
        if (is_listed(after, &before->checks[i]))
            continue;
        append_alter(&script->sql, before->name);
        cz_buf_append_lit(&script->sql, "DROP CONSTRAINT ");
        cz__db_append_name(&script->sql, before->checks[i].name);
        cz__sql_script_add(script);
    }
    if (before->unique_together_count && cz__schema_together_differs(step))
        drop_constraint(script, before->name, before->unique_together,
                        before->unique_together_count, "uniq");
    for (size_t i = 0; i < before->column_count; i++) {
        const cz__db_column *column = &before->columns[i];
        const cz__db_column *is = cz__db_column_find(after, column->name);
        if (is && column->unique && !is->unique)
            drop_constraint(script, before->name, &column->name, 1, "key");
    }
}

static void drop_indexes(cz__sql_script *script, const cz__schema_step *step)
{
    cz_arena *arena = script->out->arena;
    cz__db_index index, same;
    for (size_t i = 0; cz__db_index_at(arena, step->before, i, &index); i++) {
        if (cz__db_has_index(arena, step->after, &index) ||
            find_same_index(script, step, &index, &same))
            continue;
        cz_buf_append_str(&script->sql, step->online ? CZ_STR("DROP INDEX CONCURRENTLY IF EXISTS ")
                                                     : CZ_STR("DROP INDEX IF EXISTS "));
        cz__db_append_name(&script->sql, index.name);
        cz__sql_script_add(script);
    }
}

static void rename_indexes(cz__sql_script *script, const cz__schema_step *step)
{
    cz_arena *arena = script->out->arena;
    cz__db_index index, same;
    for (size_t i = 0; cz__db_index_at(arena, step->before, i, &index); i++) {
        if (cz__db_has_index(arena, step->after, &index) ||
            !find_same_index(script, step, &index, &same))
            continue;
        cz_buf_append_lit(&script->sql, "ALTER INDEX ");
        cz__db_append_name(&script->sql, index.name);
        cz_buf_append_lit(&script->sql, " RENAME TO ");
        cz__db_append_name(&script->sql, same.name);
        cz__sql_script_add(script);
    }
}

/* New indexes but for those that were renamed to. */
static void create_new_indexes(cz__sql_script *script, const cz__schema_step *step)
{
    cz_arena *arena = script->out->arena;
    cz__db_index index, old, same;
    for (size_t i = 0; cz__db_index_at(arena, step->after, i, &index); i++) {
        bool is_there = cz__db_has_index(arena, step->before, &index);
        for (size_t o = 0; !is_there && cz__db_index_at(arena, step->before, o, &old); o++)
            is_there = !cz__db_has_index(arena, step->after, &old) &&
                       find_same_index(script, step, &old, &same) && is_text(same.name, index.name);
        if (!is_there)
            create_index(script, step, &index);
    }
}

static bool is_number(cz__db_kind kind)
{
    return (kind >= CZ__DB_INT16 && kind <= CZ__DB_INT64) || kind == CZ__DB_REAL ||
           kind == CZ__DB_DECIMAL;
}

/* " USING ..." where the server does not convert by itself. Text that becomes shorter has none: a cast would
 * cut what is too long, and without one it is refused. */
static void append_using(cz_buf *sql, const cz__db_column *was, const cz__db_column *is)
{
    cz__db_kind from = CZ__DB_KIND(was->type), to = CZ__DB_KIND(is->type);
    const char *before = "", *after = "";
    if (from == to)
        return;
    if ((from == CZ__DB_UUID && is_number(to)) || (to == CZ__DB_UUID && is_number(from))) {
        after = "::text::"; /* the server knows no other way; a table without rows needs none */
    } else if (to == CZ__DB_TEXT && from == CZ__DB_BINARY) {
        before = "convert_from(";
        after = ", 'UTF8')";
    } else if (to == CZ__DB_TEXT) {
        after = "::text";
    } else if (to == CZ__DB_BINARY) {
        before = "convert_to(";
        after = "::text, 'UTF8')";
    } else if (to == CZ__DB_BOOL && from != CZ__DB_TEXT) {
        after = " <> 0";
    } else if (from == CZ__DB_BOOL) {
        after = "::integer::";
    } else if (from == CZ__DB_DURATION && is_number(to)) {
        before = "(extract(epoch FROM ";
        after = ") * 1000000)::";
    } else if (to == CZ__DB_DURATION && is_number(from)) {
        before = "(interval '1 microsecond' * ";
        after = ")::";
    } else {
        after = "::";
    }
    cz_buf_append_lit(sql, " USING ");
    cz_buf_append_str(sql, cz_str_from(before));
    cz__db_append_name(sql, was->name);
    cz_buf_append_str(sql, cz_str_from(after));
    if (cz_str_ends_with(cz_str_from(after), CZ_STR("::")))
        cz__postgresql_append_type(sql, is);
}

void cz__postgresql_append_alter_column(cz_buf *sql, const char *table, const char *column)
{
    append_alter(sql, table);
    cz_buf_append_lit(sql, "ALTER COLUMN ");
    cz__db_append_name(sql, column);
    cz_buf_append_char(sql, ' ');
}

/* 10,000 rows a transaction, so none is locked for long. */
static void fill_in_batches(cz_buf *sql, const cz__schema_step *step, const cz__db_column *column,
                            const cz__db_param *fill)
{
    cz_buf_append_lit(sql, "DO $batches$ BEGIN LOOP UPDATE ");
    cz__db_append_name(sql, step->after->name);
    cz_buf_append_lit(sql, " SET ");
    cz__db_append_name(sql, column->name);
    cz_buf_append_lit(sql, " = ");
    append_value(sql, column, fill);
    cz_buf_append_lit(sql, " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ");
    cz__db_append_name(sql, step->after->name);
    cz_buf_append_lit(sql, " WHERE ");
    cz__db_append_name(sql, column->name);
    cz_buf_append_lit(sql, " IS NULL LIMIT 10000)); EXIT WHEN NOT FOUND; COMMIT; END LOOP; END "
                           "$batches$");
}

/* A checked "IS NOT NULL" spares SET NOT NULL the look at every row, under a lock that stops everybody. */
static void check_not_null(cz__sql_script *script, const cz__schema_step *step,
                           const cz__db_column *column)
{
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz_buf definition = { 0 };
    cz__db_name(name, step->after->name, &column->name, 1, "nn");
    cz_buf_append_lit(&definition, "CONSTRAINT ");
    cz__db_append_name(&definition, name);
    cz_buf_append_lit(&definition, " CHECK (");
    cz__db_append_name(&definition, column->name);
    cz_buf_append_lit(&definition, " IS NOT NULL)");
    add_checked(script, step, name, &definition);
    cz_buf_done(&definition);
}

static void forget_not_null(cz__sql_script *script, const cz__schema_step *step,
                            const cz__db_column *column)
{
    append_alter(&script->sql, step->after->name);
    cz_buf_append_lit(&script->sql, "DROP CONSTRAINT ");
    append_constraint_name(&script->sql, step->after->name, &column->name, 1, "nn");
    cz__sql_script_add(script);
}

static void fill_nulls(cz__sql_script *script, const cz__schema_step *step,
                       const cz__db_column *column, const cz__db_param *fill)
{
    cz_buf *sql = &script->sql;
    if (step->online) {
        fill_in_batches(sql, step, column, fill);
        cz__sql_script_add(script);
        return;
    }
    cz_buf_append_lit(sql, "UPDATE ");
    cz__db_append_name(sql, step->after->name);
    cz_buf_append_lit(sql, " SET ");
    cz__db_append_name(sql, column->name);
    cz_buf_append_lit(sql, " = ");
    append_value(sql, column, fill);
    cz_buf_append_lit(sql, " WHERE ");
    cz__db_append_name(sql, column->name);
    cz_buf_append_lit(sql, " IS NULL");
    cz__sql_script_add(script);
    /* deferred checks of what was written, now: else the table cannot be altered */
    cz_buf_append_lit(sql, "SET CONSTRAINTS ALL IMMEDIATE");
    cz__sql_script_add(script);
    cz_buf_append_lit(sql, "SET CONSTRAINTS ALL DEFERRED");
    cz__sql_script_add(script);
}

static void set_default(cz__sql_script *script, const char *table, const cz__db_column *column)
{
    cz__postgresql_append_alter_column(&script->sql, table, column->name);
    if (column->default_.kind) {
        cz_buf_append_lit(&script->sql, "SET");
        append_default(&script->sql, column);
    } else {
        cz_buf_append_lit(&script->sql, "DROP DEFAULT");
    }
    cz__sql_script_add(script);
}

static void alter_column(cz__sql_script *script, const cz__schema_step *step,
                         const cz__db_column *was, const cz__db_column *is)
{
    const char *table = step->after->name;
    cz_buf *sql = &script->sql;
    bool new_type = !type_eq(was, is);
    bool new_default = !cz__db_default_eq(&was->default_, &is->default_);
    bool counted = cz__db_column_is_counted(was), counts = cz__db_column_is_counted(is);
    if (counted && !counts)
        cz__postgresql_stop_counting(script, table, is->name);
    if (new_type && was->default_.kind) { /* which might not be of the new type */
        cz__db_column without = *was;
        without.default_.kind = CZ__DEFAULT_NONE;
        set_default(script, table, &without);
        new_default = is->default_.kind;
    }
    if (new_type) {
        cz__postgresql_append_alter_column(sql, table, is->name);
        cz_buf_append_lit(sql, "TYPE ");
        cz__postgresql_append_type(sql, is);
        append_using(sql, was, is);
        cz__sql_script_add(script);
    }
    if (counts && !counted)
        cz__postgresql_count(script, table, is->name);
    if (new_default)
        set_default(script, table, is);
    if (was->null && !is->null) {
        const cz__db_param *fill = cz__schema_fill(step, is);
        if (fill)
            fill_nulls(script, step, is, fill);
        if (step->online)
            check_not_null(script, step, is);
        cz__postgresql_append_alter_column(sql, table, is->name);
        cz_buf_append_lit(sql, "SET NOT NULL");
        cz__sql_script_add(script);
        if (step->online)
            forget_not_null(script, step, is);
    } else if (!was->null && is->null) {
        cz__postgresql_append_alter_column(sql, table, is->name);
        cz_buf_append_lit(sql, "DROP NOT NULL");
        cz__sql_script_add(script);
    }
}

static void add_column(cz__sql_script *script, const cz__schema_step *step,
                       const cz__db_column *column)
{
    const cz__db_param *fill = cz__schema_fill(step, column);
    cz__db_column plain = *column;
    if (step->online) /* its index is made beside whoever writes */
        plain.unique = false;
    append_alter(&script->sql, step->after->name);
    cz_buf_append_str(&script->sql,
                      step->online ? CZ_STR("ADD COLUMN IF NOT EXISTS ") : CZ_STR("ADD COLUMN "));
    append_column(&script->sql, step->after, &plain, fill);
    cz__sql_script_add(script);
    if (!fill)
        return;
    set_default(script, step->after->name, column);
}

static void change_columns(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    for (size_t i = 0; i < before->column_count; i++) {
        if (cz__db_column_find(after, before->columns[i].name))
            continue;
        append_alter(&script->sql, after->name);
        cz_buf_append_str(&script->sql,
                          step->online ? CZ_STR("DROP COLUMN IF EXISTS ") : CZ_STR("DROP COLUMN "));
        cz__db_append_name(&script->sql, before->columns[i].name);
        cz__sql_script_add(script);
    }
    for (size_t i = 0; i < after->column_count; i++) {
        const cz__db_column *is = &after->columns[i];
        const cz__db_column *was = cz__db_column_find(before, is->name);
        if (was)
            alter_column(script, step, was, is);
        else
            add_column(script, step, is);
    }
}

static void add_reference_of(cz__sql_script *script, const cz__schema_step *step,
                             const cz__db_column *column)
{
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz_buf definition = { 0 };
    cz__db_name(name, step->after->name, &column->name, 1, "fk");
    append_reference(&definition, step->after->name, column->name, column->references_table,
                     column->references_column);
    add_checked(script, step, name, &definition);
    cz_buf_done(&definition);
}

static void make_references(cz__sql_script *script, const cz__schema_step *step)
{
    for (size_t i = 0; i < step->after->column_count; i++) {
        const cz__db_column *is = &step->after->columns[i];
        const cz__db_column *was = cz__db_column_find(step->before, is->name);
        if (is->references_table && (!was || !was->references_table || lets_go(was, is)))
            add_reference_of(script, step, is);
    }
}

static void add_constraints(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    cz_buf definition = { 0 };
    for (size_t i = 0; i < after->column_count; i++) {
        const cz__db_column *is = &after->columns[i];
        const cz__db_column *was = cz__db_column_find(before, is->name);
        /* a new column has its UNIQUE with it, but online */
        if (is->unique && !is->primary_key && (was ? !was->unique : step->online))
            add_unique(script, step, &is->name, 1, "key");
    }
    if (after->unique_together_count && cz__schema_together_differs(step))
        add_unique(script, step, after->unique_together, after->unique_together_count, "uniq");
    for (size_t i = 0; i < after->check_count; i++) {
        if (is_listed(before, &after->checks[i]))
            continue;
        append_check(&definition, &after->checks[i]);
        add_checked(script, step, after->checks[i].name, &definition);
    }
    cz_buf_done(&definition);
}

static void create(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *table = step->after;
    append_table(&script->sql, table, step->online);
    cz__sql_script_add(script);
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].references_table)
            add_reference_of(script, step, &table->columns[i]);
    create_indexes(script, step);
}

/* Constraints are named by table and columns, and keep up with them. */
static void rename_constraint(cz__sql_script *script, const cz__schema_step *step,
                              const char *const *from, const char *const *to, size_t count,
                              const char *suffix)
{
    char old[CZ__DB_NAME_BYTES_MAX + 1], now[CZ__DB_NAME_BYTES_MAX + 1];
    cz__db_name(old, step->before->name, from, count, suffix);
    cz__db_name(now, step->after->name, to, count, suffix);
    if (strcmp(old, now) == 0)
        return;
    append_alter(&script->sql, step->after->name);
    cz_buf_append_lit(&script->sql, "RENAME CONSTRAINT ");
    cz__db_append_name(&script->sql, old);
    cz_buf_append_lit(&script->sql, " TO ");
    cz__db_append_name(&script->sql, now);
    cz__sql_script_add(script);
}

static void rename_things(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    append_alter(&script->sql, before->name);
    if (step->rename_table) {
        cz_buf_append_lit(&script->sql, "RENAME TO ");
        cz__db_append_name(&script->sql, after->name);
    } else {
        cz_buf_append_lit(&script->sql, "RENAME COLUMN ");
        cz__db_append_name(&script->sql, step->rename_from);
        cz_buf_append_lit(&script->sql, " TO ");
        cz__db_append_name(&script->sql, step->rename_to);
    }
    cz__sql_script_add(script);
    for (size_t i = 0; i < before->column_count; i++) { /* the same places: only names differ */
        const cz__db_column *column = &before->columns[i];
        const char *const *to = &after->columns[i].name;
        if (column->primary_key)
            rename_constraint(script, step, NULL, NULL, 0, "pkey");
        else if (column->unique)
            rename_constraint(script, step, &column->name, to, 1, "key");
        if (column->references_table)
            rename_constraint(script, step, &column->name, to, 1, "fk");
    }
    if (before->unique_together_count)
        rename_constraint(script, step, before->unique_together, after->unique_together,
                          before->unique_together_count, "uniq");
}

static void change_table(cz__sql_script *script, const cz__schema_step *step)
{
    enum cz__schema_part part = step->part;
    if (part == CZ__SCHEMA_WHOLE || part == CZ__SCHEMA_LETS_GO)
        drop_references(script, step);
    if (part == CZ__SCHEMA_WHOLE || part == CZ__SCHEMA_BETWEEN) {
        drop_constraints(script, step);
        drop_indexes(script, step);
        rename_indexes(script, step);
        change_columns(script, step);
        add_constraints(script, step);
        create_new_indexes(script, step);
    }
    if (part == CZ__SCHEMA_WHOLE || part == CZ__SCHEMA_HOLDS)
        make_references(script, step);
}

cz_status cz__postgresql_schema_write(const cz__schema_step *step, cz__sql_list *out, cz_error *err)
{
    cz__sql_script script = { .out = out, .err = err };
    if (!step->before) {
        create(&script, step);
    } else if (!step->after) {
        cz_buf_append_str(&script.sql,
                          step->online ? CZ_STR("DROP TABLE IF EXISTS ") : CZ_STR("DROP TABLE "));
        cz__db_append_name(&script.sql, step->before->name);
        cz__sql_script_add(&script);
    } else if (step->rename_table || step->rename_from) {
        rename_things(&script, step);
    } else {
        change_table(&script, step);
    }
    cz_buf_done(&script.sql);
    return script.status;
}

/* ---- foreign keys, whose table may be made after the one that refers to it ---- */

static cz_status add_reference(cz_ctx *ctx, cz__db_session *session, const char *table,
                               const char *column, const char *to_table, const char *to_column,
                               cz_buf *sql, cz_error *err)
{
    append_alter(sql, table);
    cz_buf_append_lit(sql, "ADD ");
    append_reference(sql, table, column, to_table, to_column);
    return cz__postgresql_run_buf(ctx, session, sql, err);
}

struct cz__pg_reference {
    struct cz__pg_reference *next;
    char *table, *column, *to_table, *to_column; /* owned */
};

static void reference_destroy(struct cz__pg_reference *reference)
{
    if (!reference)
        return;
    cz_free(reference->table);
    cz_free(reference->column);
    cz_free(reference->to_table);
    cz_free(reference->to_column);
    cz_free(reference);
}

void cz__pg_references_clear(struct cz__pg *db)
{
    while (db->references) {
        struct cz__pg_reference *next = db->references->next;
        reference_destroy(db->references);
        db->references = next;
    }
}

static cz_status remember(struct cz__pg *db, const char *table, const cz__db_column *column,
                          cz_error *err)
{
    struct cz__pg_reference *reference = cz_calloc(1, sizeof *reference);
    if (reference) {
        reference->table = cz_strdup(table);
        reference->column = cz_strdup(column->name);
        reference->to_table = cz_strdup(column->references_table);
        reference->to_column = cz_strdup(column->references_column);
    }
    if (!reference || !reference->table || !reference->column || !reference->to_table ||
        !reference->to_column) {
        reference_destroy(reference);
        return cz_error_set(err, CZ_ENOMEM, "no memory to write a table's SQL");
    }
    reference->next = db->references;
    db->references = reference;
    return CZ_OK;
}

/* Foreign keys of this table, and those of earlier ones that lead to it. */
static cz_status add_references(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                                cz_buf *sql, cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)session->db;
    for (size_t i = 0; i < table->column_count; i++) {
        const cz__db_column *column = &table->columns[i];
        bool there = false;
        if (!column->references_table)
            continue;
        cz_status status =
            cz__postgresql_table_exists(ctx, session, column->references_table, &there, err);
        if (!status)
            status =
                there ? add_reference(ctx, session, table->name, column->name,
                                      column->references_table, column->references_column, sql, err)
                      : remember(db, table->name, column, err);
        if (status)
            return status;
    }
    for (struct cz__pg_reference **at = &db->references; *at;) {
        struct cz__pg_reference *reference = *at;
        if (strcmp(reference->to_table, table->name) != 0) {
            at = &reference->next;
            continue;
        }
        cz_status status = add_reference(ctx, session, reference->table, reference->column,
                                         reference->to_table, reference->to_column, sql, err);
        if (status)
            return status;
        *at = reference->next;
        reference_destroy(reference);
    }
    return CZ_OK;
}

cz_status cz__postgresql_create_table(cz_ctx *ctx, cz__db_session *session,
                                      const cz__db_table *table, cz_error *err)
{
    cz_buf sql = { 0 };
    append_table(&sql, table, false);
    cz_status status = cz__postgresql_run_buf(ctx, session, &sql, err);
    if (!status)
        status = add_references(ctx, session, table, &sql, err);
    cz__db_index index;
    for (size_t i = 0; !status && cz__db_index_at(ctx->arena, table, i, &index); i++) {
        append_index(&sql, table, &index, false);
        status = cz__postgresql_run_buf(ctx, session, &sql, err);
    }
    cz_buf_done(&sql);
    return status;
}
