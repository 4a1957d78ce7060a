/* Whether a row would break a constraint that is SQL over its columns. The database says so itself: it is asked
 * about a table of one row, which has the row's values. */
#include "orm/orm_internal.h"
#include "orm/validation.h"

/* A statement as it grows, with a parameter for each value. */
struct question {
    cz_ctx *ctx;
    const cz_row *row;
    const cz__db_features *features;
    cz_buf *sql;
    cz__db_param *params;
    cz__db_type *types;
    const cz__column **columns;
    unsigned count;
};

static bool is_in_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           ((unsigned char)c & 0x80);
}

bool cz__sql_names(const char *sql, const char *column)
{
    size_t len = strlen(column);
    for (const char *at = strstr(sql, column); at; at = strstr(at + 1, column))
        if ((at == sql || !is_in_word(at[-1])) && !is_in_word(at[len]))
            return true;
    return false;
}

/* The parameter of a column's value, the same wherever it stands. */
static void append_value(struct question *q, const cz__column *column)
{
    unsigned at = 0;
    while (at < q->count && q->columns[at] != column)
        at++;
    if (at == q->count) {
        bool null = !cz__row_bit(q->row, CZ__BITS_LOADED, column->ordinal) ||
                    cz__row_bit(q->row, CZ__BITS_NULL, column->ordinal);
        q->params[at] =
            cz__param_of(q->ctx, column, null ? CZ__VALUE_NULL : cz__value_kind_of(column),
                         cz__row_at(q->row, column));
        if (column->type & CZ__DB_SEALED)
            cz__seal_param(q->ctx, &q->params[at]);
        q->types[at] = column->type;
        q->columns[at] = column;
        q->count++;
    }
    cz__append_place(q->features, q->sql, at + 1);
}

static bool is_named(const cz_constraint *constraint, const char *column)
{
    const char *const sql[] = { constraint->check, constraint->condition, constraint->expressions };
    for (size_t i = 0; i < CZ_COUNT(sql); i++)
        if (sql[i] && cz__sql_names(sql[i], column))
            return true;
    return false;
}

/* "SELECT 1 FROM (SELECT ?1 AS "id", ...) AS "table" WHERE ": the key, and what the constraint's SQL names. */
static void begin(struct question *q, const cz_constraint *constraint)
{
    const struct cz__model_state *state = q->row->model->state;
    cz_buf_append_lit(q->sql, "SELECT 1 FROM (SELECT ");
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        if (column != state->key && (!column->stored || !is_named(constraint, column->name)))
            continue;
        if (column != state->key)
            cz_buf_append_lit(q->sql, ", ");
        append_value(q, column);
        if (CZ__DB_KIND(column->type) == CZ__DB_DECIMAL && q->features->decimal_collation)
            cz_buf_append_str(q->sql, cz_str_from(q->features->decimal_collation));
        cz_buf_append_lit(q->sql, " AS ");
        cz__db_append_name(q->sql, column->name);
    }
    cz_buf_append_lit(q->sql, ") AS ");
    cz__db_append_name(q->sql, state->table);
    cz_buf_append_lit(q->sql, " WHERE ");
}

static void append_condition(struct question *q, const char *condition)
{
    if (!condition) {
        cz_buf_append_lit(q->sql, "1 = 1");
        return;
    }
    cz_buf_append_char(q->sql, '(');
    cz_buf_append_str(q->sql, cz_str_from(condition));
    cz_buf_append_char(q->sql, ')');
}

/* " AND EXISTS (SELECT 1 FROM "table" WHERE (condition) AND "book_id" = ?2 AND NOT "id" = ?1)" */
static void append_others(struct question *q, const cz_constraint *constraint, bool existing)
{
    const struct cz__model_state *state = q->row->model->state;
    cz_buf_append_lit(q->sql, " AND EXISTS (SELECT 1 FROM ");
    cz__db_append_name(q->sql, state->table);
    cz_buf_append_lit(q->sql, " WHERE ");
    append_condition(q, constraint->condition);
    for (size_t i = 0; i < constraint->unique.count + existing; i++) {
        const cz__column *column = i < constraint->unique.count
                                       ? cz__column_find(q->row->model, constraint->unique.items[i])
                                       : state->key;
        cz_buf_append_str(q->sql,
                          i < constraint->unique.count ? CZ_STR(" AND ") : CZ_STR(" AND NOT "));
        cz__db_append_name(q->sql, column->name);
        cz_buf_append_lit(q->sql, " = ");
        append_value(q, column);
    }
    cz_buf_append_char(q->sql, ')');
}

/* " AND (lower("email")) IN (SELECT lower("email") FROM "table" WHERE (condition) AND NOT "id" = ?1)" */
static void append_same(struct question *q, const cz_constraint *constraint, bool existing)
{
    const struct cz__model_state *state = q->row->model->state;
    cz_buf_append_lit(q->sql, " AND ");
    append_condition(q, constraint->expressions);
    cz_buf_append_lit(q->sql, " IN (SELECT ");
    cz_buf_append_str(q->sql, cz_str_from(constraint->expressions));
    cz_buf_append_lit(q->sql, " FROM ");
    cz__db_append_name(q->sql, state->table);
    cz_buf_append_lit(q->sql, " WHERE ");
    append_condition(q, constraint->condition);
    if (existing) {
        cz_buf_append_lit(q->sql, " AND NOT ");
        cz__db_append_name(q->sql, state->key->name);
        cz_buf_append_lit(q->sql, " = ");
        append_value(q, state->key);
    }
    cz_buf_append_char(q->sql, ')');
}

/* Whether the statement finds a row. */
static bool ask(struct question *q, cz__db_session *session)
{
    const cz__db_driver *driver = session->db->driver;
    cz_buf_cstr(q->sql);
    cz_check(q->ctx, cz_buf_status(q->sql));
    cz__db_statement statement = { .sql = cz_buf_str(q->sql),
                                   .number = CZ__STATEMENT_UNCACHED,
                                   .types = q->types,
                                   .type_count = q->count };
    cz__db_cursor cursor;
    cz_error err;
    if (cz__open_rows(q->ctx, session, &statement, q->params, q->count, &cursor, &err))
        cz_raise_error(q->ctx, &err);
    bool found = false;
    cz_status status = driver->step(&cursor, &found, &err);
    driver->finish(&cursor);
    if (status)
        cz_raise_error(q->ctx, &err);
    return found;
}

bool cz__constraint_broken(cz_ctx *ctx, const cz_row *row, const cz_constraint *constraint,
                           bool existing)
{
    cz__db_session *session = cz__session_to_read(ctx, row->model, row, NULL, false);
    size_t most = row->model->state->column_count;
    struct question q = { .ctx = ctx,
                          .row = row,
                          .features = session->db->driver->features,
                          .sql = cz__scratch(ctx),
                          .params = cz_array(ctx, cz__db_param, most),
                          .types = cz_array(ctx, cz__db_type, most),
                          .columns = cz_array(ctx, const cz__column *, most) };
    begin(&q, constraint);
    if (constraint->check)
        cz_buf_append_lit(q.sql, "NOT ");
    append_condition(&q, constraint->check ? constraint->check : constraint->condition);
    if (constraint->expressions)
        append_same(&q, constraint, existing);
    else if (!constraint->check)
        append_others(&q, constraint, existing);
    return ask(&q, session);
}
