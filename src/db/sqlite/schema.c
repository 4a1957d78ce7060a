/* Tables from descriptions, and the way from one description to another. STRICT tables, so a column never
 * holds what its type does not say. Names come only from the models and are quoted all the same.
 *
 * SQLite's ALTER TABLE renames, adds columns that may be NULL and drops plain ones. Everything else is a
 * rebuild (sqlite.org/lang_altertable.html, 7): a table of the new form is made beside the old one, the rows
 * are copied, the old one is dropped and the new one takes its name. It happens in a schema transaction, in
 * which foreign keys are not enforced, so dropping the old table touches no other and one that refers to it
 * goes on doing so by name; the transaction's end checks them all. */
#include "db/sqlite/sqlite_internal.h"
#include "db/schema.h"
#include <calzone/json.h>
#include <inttypes.h>
#include <stdio.h>

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

static void append_index(cz_buf *sql, const cz__db_table *table, const cz__db_index *index)
{
    cz_buf_append_str(sql,
                      index->unique ? CZ_STR("CREATE UNIQUE INDEX ") : CZ_STR("CREATE INDEX "));
    cz__db_append_name(sql, index->name);
    cz_buf_append_lit(sql, " ON ");
    cz__db_append_name(sql, table->name);
    cz_buf_append_lit(sql, " (");
    if (index->expressions)
        cz_buf_append_str(sql, cz_str_from(index->expressions));
    for (size_t i = 0; i < index->column_count; i++) {
        bool descending = index->columns[i][0] == '-';
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(""));
        cz__db_append_name(sql, index->columns[i] + descending);
        if (descending)
            cz_buf_append_lit(sql, " DESC");
    }
    for (size_t i = 0; i < index->include_count && !index->unique; i++) {
        cz_buf_append_lit(sql, ", "); /* it would change what is unique */
        cz__db_append_name(sql, index->include[i]);
    }
    cz_buf_append_lit(sql, ")");
    if (index->where) {
        cz_buf_append_lit(sql, " WHERE ");
        cz_buf_append_str(sql, cz_str_from(index->where));
    }
}

/* What a new column is filled with, as connections bind it (values.c): SQL that is also shown cannot bind. */
static void append_value(cz_buf *sql, const cz__db_param *value)
{
    char text[CZ_DECIMAL_TEXT + 64];
    int64_t units;
    size_t len;
    switch (value->kind) {
    case CZ__PARAM_INT:
    case CZ__PARAM_DURATION:
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
        len = cz_datetime_write(text, (cz_datetime){ value->integer }) - 1 /* the Z */;
        text[10] = ' ';
        break;
    case CZ__PARAM_TIME:
        len = cz_time_write(text, (cz_time){ value->integer });
        break;
    case CZ__PARAM_UUID:
        len = cz__sqlite_uuid_write(text, value->uuid, value->type);
        break;
    case CZ__PARAM_DECIMAL:
        if (cz__sqlite_decimal_is_scaled(value->type) &&
            !cz_decimal_units(value->decimal, CZ__DB_PLACES(value->type), &units)) {
            cz_buf_append_i64(sql, units);
            return;
        }
        len = cz_decimal_write(text, value->decimal);
        break;
    case CZ__PARAM_BINARY:
        cz_buf_append_lit(sql, "X'");
        for (size_t i = 0; i < value->text.len; i++)
            cz_buf_printf(sql, "%02x", (unsigned char)value->text.ptr[i]);
        cz_buf_append_char(sql, '\'');
        return;
    default: /* no field has a list for its default */
        cz_buf_append_lit(sql, "NULL");
        return;
    }
    cz__db_append_text(sql, cz_str_of(text, len));
}

/* Of any SQLite: before 3.41 json_valid(NULL) is false. */
static void append_json_check(cz_buf *sql, const cz__db_column *column)
{
    cz_buf_append_lit(sql, " CHECK (");
    if (column->null) {
        cz__db_append_name(sql, column->name);
        cz_buf_append_lit(sql, " IS NULL OR ");
    }
    cz_buf_append_lit(sql, "json_valid(");
    cz__db_append_name(sql, column->name);
    cz_buf_append_lit(sql, "))");
}

/* " DEFAULT ..." */
static void append_default(cz_buf *sql, const cz__db_column *column)
{
    const cz__db_default_value *value = &column->default_;
    if (!value->kind)
        return;
    cz_buf_append_lit(sql, " DEFAULT ");
    if (value->kind == CZ__DEFAULT_VALUE)
        append_value(sql, &value->value);
    else if (value->kind == CZ__DEFAULT_SQL)
        cz_buf_printf(sql, "(%s)", value->sql);
    else if (CZ__DB_KIND(column->type) == CZ__DB_DATE)
        cz_buf_append_lit(sql, "CURRENT_DATE");
    else
        cz_buf_append_lit(
            sql, "(replace(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000', '.000000', ''))");
}

static void append_column(cz_buf *sql, const cz__db_column *column)
{
    cz__db_append_name(sql, column->name);
    cz_buf_append_char(sql, ' ');
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (column->type & CZ__DB_AS_NUMBER)
        cz_buf_append_lit(sql, "REAL");
    else if (kind == CZ__DB_DECIMAL && !cz__sqlite_decimal_is_scaled(column->type))
        cz_buf_append_lit(sql, "TEXT COLLATE cz_decimal");
    else
        cz_buf_append_str(sql, cz_str_from(type_names[kind]));
    append_default(sql, column);
    if (!column->null)
        cz_buf_append_lit(sql, " NOT NULL");
    if (column->primary_key) {
        cz_buf_append_lit(sql, " PRIMARY KEY");
        if (cz__db_column_is_counted(column)) /* a key is never given twice, as in Django */
            cz_buf_append_lit(sql, " AUTOINCREMENT");
    } else if (column->unique) {
        cz_buf_append_lit(sql, " UNIQUE");
    }
    if (kind == CZ__DB_BOOL)
        append_check(sql, column, "", " IN (0, 1)");
    else if (kind == CZ__DB_JSON || kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST)
        append_json_check(sql, column);
    if (column->references_table) {
        cz_buf_append_lit(sql, " REFERENCES ");
        cz__db_append_name(sql, column->references_table);
        cz_buf_append_lit(sql, " (");
        cz__db_append_name(sql, column->references_column);
        cz_buf_append_lit(sql, ") DEFERRABLE INITIALLY DEFERRED");
    }
}

static void append_table(cz_buf *sql, const cz__db_table *table, const char *name)
{
    cz_buf_append_lit(sql, "CREATE TABLE ");
    cz__db_append_name(sql, name);
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
    for (size_t i = 0; i < table->check_count; i++) {
        cz_buf_append_lit(sql, ", CONSTRAINT ");
        cz__db_append_name(sql, table->checks[i].name);
        cz_buf_append_lit(sql, " CHECK (");
        cz_buf_append_str(sql, cz_str_from(table->checks[i].sql));
        cz_buf_append_lit(sql, ")");
    }
    cz_buf_append_lit(sql, ") STRICT");
}

/* ---- what a step needs ---- */

static bool is_text(const char *a, const char *b)
{
    return a && b ? cz_str_eq_icase(cz_str_from(a), cz_str_from(b)) : a == b;
}

static bool is_decimal(cz__db_type type)
{
    return CZ__DB_KIND(type) == CZ__DB_DECIMAL;
}

static bool has_rule(cz__db_kind kind) /* a CHECK or a collation */
{
    return kind == CZ__DB_BOOL || kind == CZ__DB_JSON || kind == CZ__DB_INT_LIST ||
           kind == CZ__DB_TEXT_LIST || kind == CZ__DB_DECIMAL;
}

/* Whether a column of the one type is, rows and all, one of the other. */
static bool type_eq(cz__db_type a, cz__db_type b)
{
    cz__db_kind from = CZ__DB_KIND(a), to = CZ__DB_KIND(b);
    if (from == to && (a ^ b) & (CZ__DB_AS_NUMBER | CZ__DB_AS_DIGITS))
        return false;
    if (is_decimal(a) && is_decimal(b)) {
        bool scaled = cz__sqlite_decimal_is_scaled(a);
        return scaled == cz__sqlite_decimal_is_scaled(b) &&
               (!scaled || CZ__DB_PLACES(a) == CZ__DB_PLACES(b));
    }
    if (from == to)
        return true;
    bool widens = from >= CZ__DB_INT16 && from < to && to <= CZ__DB_INT64;
    bool becomes_plain = to == CZ__DB_TEXT || to == CZ__DB_INT64 || widens;
    return becomes_plain && !has_rule(from) && strcmp(type_names[from], type_names[to]) == 0;
}

static bool column_eq(const cz__db_column *a, const cz__db_column *b)
{
    return strcmp(a->name, b->name) == 0 && type_eq(a->type, b->type) && a->null == b->null &&
           a->unique == b->unique && a->primary_key == b->primary_key &&
           cz__db_default_eq(&a->default_, &b->default_) &&
           is_text(a->references_table, b->references_table) &&
           is_text(a->references_column, b->references_column);
}

static bool checks_differ(const cz__schema_step *step)
{
    if (step->before->check_count != step->after->check_count)
        return true;
    for (size_t i = 0; i < step->after->check_count; i++)
        if (!cz__db_check_eq(&step->before->checks[i], &step->after->checks[i]))
            return true;
    return false;
}

static bool needs_rebuild(const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    if (cz__schema_together_differs(step) || checks_differ(step))
        return true;
    for (size_t i = 0; i < after->column_count; i++) {
        const cz__db_column *column = &after->columns[i];
        const cz__db_column *was = cz__db_column_find(before, column->name);
        if (was ? !column_eq(was, column)
                : !column->null || column->unique || column->primary_key ||
                      column->default_.kind > CZ__DEFAULT_VALUE || cz__schema_fill(step, column))
            return true;
    }
    for (size_t i = 0; i < before->column_count; i++) {
        const cz__db_column *column = &before->columns[i];
        if (!cz__db_column_find(after, column->name) &&
            (column->unique || column->primary_key || column->references_table ||
             before->check_count))
            return true; /* DROP COLUMN takes plain ones only */
    }
    return false;
}

bool cz__sqlite_is_about_keys(const cz__schema_step *step)
{
    return step->part == CZ__SCHEMA_LETS_GO || step->part == CZ__SCHEMA_HOLDS;
}

bool cz__sqlite_is_rebuild(const cz__schema_step *step)
{
    return step->before && step->after && !step->rename_table && !step->rename_from &&
           !cz__sqlite_is_about_keys(step) && needs_rebuild(step);
}

/* ---- the statements ---- */

static void create_indexes(cz__sql_script *script, const cz__schema_step *step, bool all)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(script->out->arena, step->after, i, &index); i++) {
        if (index.method || (!all && cz__db_has_index(script->out->arena, step->before, &index)))
            continue;
        if (index.search) {
            cz__sqlite_search_create(script, step->after, &index);
            continue;
        }
        append_index(&script->sql, step->after, &index);
        cz__sql_script_add(script);
    }
}

/* "ALTER TABLE name ". */
static void append_alter(cz_buf *sql, const char *table)
{
    cz_buf_append_lit(sql, "ALTER TABLE ");
    cz__db_append_name(sql, table);
    cz_buf_append_char(sql, ' ');
}

static void drop_indexes(cz__sql_script *script, const cz__schema_step *step)
{
    cz__db_index index;
    for (size_t i = 0; cz__db_index_at(script->out->arena, step->before, i, &index); i++) {
        if (cz__db_has_index(script->out->arena, step->after, &index))
            continue;
        if (index.search) {
            cz__sqlite_search_drop(script, &index);
            continue;
        }
        cz_buf_append_lit(&script->sql, "DROP INDEX IF EXISTS "); /* made under another name once */
        cz__db_append_name(&script->sql, index.name);
        cz__sql_script_add(script);
    }
}

/* Those of full text are tables of their own, which know the table and its columns by name. */
static void drop_searches(cz__sql_script *script, const cz__db_table *table)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].search)
            cz__sqlite_search_drop(script, &table->indexes[i]);
}

/* What a table is called until it has its name; NULL, and the script has failed: no memory. */
static const char *name_meanwhile(cz__sql_script *script, const char *table)
{
    const char *name = cz_arena_printf(script->out->arena, "new__%s", table);
    if (!name)
        script->status = cz_error_set(script->err, CZ_ENOMEM, "no memory to write a table's SQL");
    return name;
}

static void append_rename(cz_buf *sql, const char *from, const char *to)
{
    append_alter(sql, from);
    cz_buf_append_lit(sql, "RENAME TO ");
    cz__db_append_name(sql, to);
}

static void rename_table(cz__sql_script *script, const char *from, const char *to)
{
    if (is_text(from, to)) { /* in the case of letters, which SQLite takes for the same name */
        const char *between = name_meanwhile(script, to);
        if (!between)
            return;
        append_rename(&script->sql, from, between);
        cz__sql_script_add(script);
        from = between;
    }
    append_rename(&script->sql, from, to);
}

static void rename_things(cz__sql_script *script, const cz__schema_step *step)
{
    drop_searches(script, step->before);
    if (step->rename_table) {
        rename_table(script, step->before->name, step->after->name);
    } else {
        append_alter(&script->sql, step->before->name);
        cz_buf_append_lit(&script->sql, "RENAME COLUMN ");
        cz__db_append_name(&script->sql, step->rename_from);
        cz_buf_append_lit(&script->sql, " TO ");
        cz__db_append_name(&script->sql, step->rename_to);
    }
    cz__sql_script_add(script);
    for (size_t i = 0; i < step->after->index_count; i++)
        if (step->after->indexes[i].search)
            cz__sqlite_search_create(script, step->after, &step->after->indexes[i]);
}

static void alter_in_place(cz__sql_script *script, const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    drop_indexes(script, step);
    for (size_t i = 0; i < before->column_count; i++) {
        if (cz__db_column_find(after, before->columns[i].name))
            continue;
        append_alter(&script->sql, after->name);
        cz_buf_append_lit(&script->sql, "DROP COLUMN ");
        cz__db_append_name(&script->sql, before->columns[i].name);
        cz__sql_script_add(script);
    }
    for (size_t i = 0; i < after->column_count; i++) {
        if (cz__db_column_find(before, after->columns[i].name))
            continue;
        append_alter(&script->sql, after->name);
        cz_buf_append_lit(&script->sql, "ADD COLUMN ");
        append_column(&script->sql, &after->columns[i]);
        cz__sql_script_add(script);
    }
    create_indexes(script, step, false);
}

/* What casts.c checks: all but lists and documents, which have rules of their own, and what any value can be. */
static bool is_cast(cz__db_kind from, cz__db_kind to)
{
    switch (to) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
    case CZ__DB_BOOL:
    case CZ__DB_REAL:
    case CZ__DB_DATE:
    case CZ__DB_DATETIME:
    case CZ__DB_TIME:
    case CZ__DB_DURATION:
    case CZ__DB_UUID:
    case CZ__DB_IP:
        return true;
    default:
        return to == CZ__DB_TEXT && (from == CZ__DB_BINARY || from == CZ__DB_DURATION);
    }
}

/* A value of one type as one of another; what refuses one says whose it is. */
static void append_converted(cz_buf *sql, const char *table, const char *name, cz__db_type from,
                             cz__db_type to)
{
    cz__db_kind from_kind = CZ__DB_KIND(from), to_kind = CZ__DB_KIND(to);
    bool same = type_eq(from, to), decimal = is_decimal(from) || is_decimal(to);
    if (!same && (decimal || is_cast(from_kind, to_kind))) {
        cz_buf_append_str(sql, decimal ? CZ_STR("cz_decimal_cast(") : CZ_STR("cz_cast("));
        cz__db_append_name(sql, name);
        cz_buf_printf(sql, ", %" PRIu32 ", %" PRIu32 ", ", from, to);
        cz__db_append_text(sql, cz_str_from(table));
        cz_buf_append_lit(sql, ", ");
        cz__db_append_text(sql, cz_str_from(name));
        cz_buf_append_char(sql, ')');
    } else if (strcmp(type_names[from_kind], type_names[to_kind]) != 0) {
        cz_buf_append_lit(sql, "CAST(");
        cz__db_append_name(sql, name);
        cz_buf_printf(sql, " AS %s)", type_names[to_kind]);
    } else {
        cz__db_append_name(sql, name);
    }
}

/* A column's value in the row that is copied, for a column of the new table. */
static void append_copied(cz_buf *sql, const cz__schema_step *step, const cz__db_column *column,
                          const cz__db_column *was)
{
    const cz__db_param *fill = cz__schema_fill(step, column);
    if (!was) {
        append_value(sql, fill);
        return;
    }
    bool coalesce = fill && was->null && !column->null;
    if (coalesce)
        cz_buf_append_lit(sql, "coalesce(");
    append_converted(sql, step->before->name, was->name, was->type, column->type);
    if (coalesce) {
        cz_buf_append_lit(sql, ", ");
        append_value(sql, fill);
        cz_buf_append_char(sql, ')');
    }
}

/* The columns that get a value in a copy: those there were and those with a fill. */
static bool is_copied(const cz__schema_step *step, const cz__db_column *column)
{
    return cz__db_column_find(step->before, column->name) || cz__schema_fill(step, column);
}

static void copy_rows(cz__sql_script *script, const cz__schema_step *step, const char *name)
{
    const cz__db_table *after = step->after;
    bool first = true;
    cz_buf_append_lit(&script->sql, "INSERT INTO ");
    cz__db_append_name(&script->sql, name);
    for (size_t i = 0; i < after->column_count; i++) {
        if (!is_copied(step, &after->columns[i]))
            continue;
        cz_buf_append_str(&script->sql, first ? CZ_STR(" (") : CZ_STR(", "));
        cz__db_append_name(&script->sql, after->columns[i].name);
        first = false;
    }
    cz_buf_append_str(&script->sql, CZ_STR(") SELECT "));
    first = true;
    for (size_t i = 0; i < after->column_count; i++) {
        const cz__db_column *column = &after->columns[i];
        if (!is_copied(step, column))
            continue;
        if (!first)
            cz_buf_append_lit(&script->sql, ", ");
        append_copied(&script->sql, step, column, cz__db_column_find(step->before, column->name));
        first = false;
    }
    cz_buf_append_lit(&script->sql, " FROM ");
    cz__db_append_name(&script->sql, step->before->name);
    cz__sql_script_add(script);
}

static bool has_sequence(const cz__db_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (cz__db_column_is_counted(&table->columns[i]))
            return true;
    return false;
}

/* Keys that were given once are not given again, also when their rows are gone. */
static void copy_sequence(cz__sql_script *script, const cz__schema_step *step, const char *name)
{
    cz_buf *sql = &script->sql;
    if (!has_sequence(step->before) || !has_sequence(step->after))
        return;
    cz_buf_append_lit(sql, "DELETE FROM sqlite_sequence WHERE name = ");
    cz__db_append_text(sql, cz_str_from(name));
    cz__sql_script_add(script);
    cz_buf_append_lit(sql, "INSERT INTO sqlite_sequence (name, seq) SELECT ");
    cz__db_append_text(sql, cz_str_from(name));
    cz_buf_append_lit(sql, ", seq FROM sqlite_sequence WHERE name = ");
    cz__db_append_text(sql, cz_str_from(step->before->name));
    cz__sql_script_add(script);
}

static void rebuild(cz__sql_script *script, const cz__schema_step *step)
{
    cz_buf *sql = &script->sql;
    const char *name = name_meanwhile(script, step->after->name);
    if (!name)
        return;
    drop_searches(script, step->before);
    append_table(sql, step->after, name);
    cz__sql_script_add(script);
    copy_rows(script, step, name);
    copy_sequence(script, step, name);
    cz_buf_append_lit(sql, "DROP TABLE ");
    cz__db_append_name(sql, step->before->name);
    cz__sql_script_add(script);
    /* else SQLite would look into every view, and refuse those of the table that is not there now */
    cz_buf_append_lit(sql, "PRAGMA legacy_alter_table=ON");
    cz__sql_script_add(script);
    append_rename(sql, name, step->after->name);
    cz__sql_script_add(script);
    cz_buf_append_lit(sql, "PRAGMA legacy_alter_table=OFF");
    cz__sql_script_add(script);
    create_indexes(script, step, true);
}

cz_status cz__sqlite_schema_write(const cz__schema_step *step, cz__sql_list *out, cz_error *err)
{
    cz__sql_script script = { .out = out, .err = err };
    if (!step->before) {
        append_table(&script.sql, step->after, step->after->name);
        cz__sql_script_add(&script);
        create_indexes(&script, step, true);
    } else if (!step->after) {
        drop_searches(&script, step->before);
        cz_buf_append_lit(&script.sql, "DROP TABLE ");
        cz__db_append_name(&script.sql, step->before->name);
        cz__sql_script_add(&script);
    } else if (step->rename_table || step->rename_from) {
        rename_things(&script, step);
    } else if (cz__sqlite_is_rebuild(step)) {
        rebuild(&script, step);
    } else if (!cz__sqlite_is_about_keys(step)) {
        alter_in_place(&script, step);
    }
    cz_buf_done(&script.sql);
    return script.status;
}

cz_status cz__sqlite_create_table(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                                  cz_error *err)
{
    cz__schema_step step = { .after = table };
    cz__sql_list list = { .arena = ctx->arena };
    cz_status status = cz__sqlite_schema_write(&step, &list, err);
    for (size_t i = 0; !status && i < list.count; i++)
        status = cz__sqlite_run(ctx, session, list.items[i], err);
    return status;
}
