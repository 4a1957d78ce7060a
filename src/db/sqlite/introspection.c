#include "db/sqlite/sqlite_internal.h"
#include "db/introspection.h"
#include "db/schema.h"

/* Whether a statement with text parameters has a row. */
static cz_status has_row(cz_ctx *ctx, cz__db_session *session, cz_str sql,
                         const cz__db_param *params, size_t count, bool *out_row, cz_error *err)
{
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_status status = cz__sqlite_select(ctx, session, &statement, params, count, &cursor, err);
    if (status)
        return status;
    status = cz__sqlite_step(&cursor, out_row, err);
    cz__sqlite_finish(&cursor);
    return status;
}

cz_status cz__sqlite_table_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                  bool *out_exists, cz_error *err)
{
    cz__db_param name = { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table) };
    return has_row(
        ctx, session,
        CZ_STR("SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?"), &name,
        1, out_exists, err);
}

cz_status cz__sqlite_column_exists(cz_ctx *ctx, cz__db_session *session, const char *table,
                                   const char *column, bool *out_exists, cz_error *err)
{
    cz__db_param names[] = { { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table) },
                             { .kind = CZ__PARAM_TEXT, .text = cz_str_from(column) } };
    return has_row(ctx, session,
                   CZ_STR("SELECT 1 FROM pragma_table_info(?) WHERE name = ? COLLATE NOCASE"),
                   names, CZ_COUNT(names), out_exists, err);
}

/* ---- a whole table ---- */

enum { FIELDS_MAX = 6 };

struct row { /* of text; NULL pointers for NULL */
    const char *fields[FIELDS_MAX];
};

struct rows {
    struct row *items;
    size_t count, cap;
};

static cz_status add_row(cz_arena *arena, struct rows *rows, const cz__db_cursor *cursor,
                         unsigned width)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 16;
        struct row *grown = cz__arena_grown(arena, rows->items, rows->count, cap, sizeof *grown);
        if (!grown)
            return CZ_ENOMEM;
        rows->items = grown;
        rows->cap = cap;
    }
    struct row *row = &rows->items[rows->count];
    *row = (struct row){ 0 };
    for (unsigned i = 0; i < width; i++) {
        cz_str text;
        if (!cz__sqlite_read(cursor, i, CZ__DB_TEXT, &text))
            continue;
        cz_status status = cz_str_dup(arena, text, &text);
        if (status)
            return status;
        row->fields[i] = text.ptr;
    }
    rows->count++;
    return CZ_OK;
}

/* All rows of a statement with one text parameter, whose columns are text. */
static cz_status read_rows(cz_ctx *ctx, cz__db_session *session, cz_str sql, const char *name,
                           unsigned width, struct rows *out, cz_error *err)
{
    cz__db_param param = { .kind = CZ__PARAM_TEXT, .text = cz_str_from(name) };
    cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    cz_status status =
        cz__sqlite_select(ctx, session, &statement, &param, name ? 1 : 0, &cursor, err);
    if (status)
        return status;
    *out = (struct rows){ 0 };
    while (!(status = cz__sqlite_step(&cursor, &row, err)) && row) {
        status = add_row(ctx->arena, out, &cursor, width);
        if (status) {
            cz_ignore(cz_error_set(err, status, "no memory to describe a table"));
            break;
        }
    }
    cz__sqlite_finish(&cursor);
    return status;
}

static bool is_true(const char *text)
{
    return text && strcmp(text, "0") != 0;
}

static cz__column_info *find_column(cz__table_info *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (name && cz_str_eq_icase(cz_str_from(table->columns[i].name), cz_str_from(name)))
            return &table->columns[i];
    return NULL;
}

static cz_status describe_columns(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                  bool generated, cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(ctx, session,
                                 CZ_STR("SELECT name, type, CAST(\"notnull\" AS TEXT), dflt_value, "
                                        "CAST(pk AS TEXT) FROM pragma_table_info(?)"),
                                 out->name, 5, &rows, err);
    if (status)
        return status;
    out->columns = cz_arena_array(ctx->arena, cz__column_info, rows.count + 1);
    if (!out->columns)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    out->column_count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        const struct row *row = &rows.items[i];
        bool key = is_true(row->fields[4]);
        out->columns[i] = (cz__column_info){ .name = row->fields[0],
                                             .type = row->fields[1] ? row->fields[1] : "",
                                             .default_sql = row->fields[3],
                                             .null = !is_true(row->fields[2]) && !key,
                                             .primary_key = key,
                                             .generated = key && generated };
    }
    status = read_rows(ctx, session,
                       CZ_STR("SELECT \"from\", \"table\", coalesce(\"to\", 'id') "
                              "FROM pragma_foreign_key_list(?) WHERE seq = 0"),
                       out->name, 3, &rows, err);
    for (size_t i = 0; i < rows.count && !status; i++) {
        cz__column_info *column = find_column(out, rows.items[i].fields[0]);
        if (!column)
            continue;
        column->references_table = rows.items[i].fields[1];
        column->references_column = rows.items[i].fields[2];
    }
    return status;
}

/* ---- what SQL says: others write it in any case, with any blanks, and names in any quotes ---- */

/* The end of the piece at `at`: also of names in the quotes of MySQL and SQL Server, which SQLite takes. */
static size_t piece(cz_str sql, size_t at)
{
    char c = sql.ptr[at];
    if (c != '`' && c != '[')
        return cz__sql_piece(sql, at);
    size_t end = cz_str_find_char(cz_str_tail(sql, at + 1), c == '[' ? ']' : c);
    return end == SIZE_MAX ? sql.len : at + end + 2;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

/* Where what follows the keyword at `at` begins; 0: it does not stand there. */
static size_t after_word(cz_str sql, size_t at, cz_str word)
{
    size_t end = at + word.len;
    if (end > sql.len || !cz_str_eq_icase(cz_str_of(sql.ptr + at, word.len), word) ||
        (at && is_word_byte(sql.ptr[at - 1])) || (end < sql.len && is_word_byte(sql.ptr[end])))
        return 0;
    while (end < sql.len && memchr(" \t\r\n\f", sql.ptr[end], 5))
        end++;
    return end;
}

/* What follows WHERE in CREATE INDEX, or NULL. */
static const char *condition_of(const char *sql)
{
    cz_str text = cz_str_from(sql);
    size_t depth = 0, condition;
    for (size_t at = 0; at < text.len; at = piece(text, at)) {
        if (!depth && (condition = after_word(text, at, CZ_STR("WHERE"))))
            return sql + condition;
        depth += text.ptr[at] == '(' ? 1 : 0;
        depth -= depth && text.ptr[at] == ')' ? 1 : 0;
    }
    return NULL;
}

/* What stands at a place of the list in CREATE INDEX, without its direction; empty: it is not known. */
static cz_str listed_at(cz_str sql, size_t place)
{
    static const char *const directions[] = { " DESC", " ASC" };
    size_t at = 0, depth = 0, start = SIZE_MAX;
    for (; at < sql.len; at = cz__sql_piece(sql, at)) {
        bool ends = depth == 1 && (sql.ptr[at] == ',' || sql.ptr[at] == ')');
        if (ends && place-- == 0)
            break;
        depth += sql.ptr[at] == '(' ? 1 : 0;
        depth -= depth && sql.ptr[at] == ')' ? 1 : 0;
        if (ends || (depth == 1 && start == SIZE_MAX))
            start = at + 1;
    }
    if (at >= sql.len || start == SIZE_MAX)
        return (cz_str){ 0 };
    cz_str text = cz_str_trim(cz_str_of(sql.ptr + start, at - start));
    for (size_t i = 0; i < CZ_COUNT(directions); i++) {
        size_t len = strlen(directions[i]);
        if (text.len > len &&
            cz_str_eq_icase(cz_str_tail(text, text.len - len), cz_str_from(directions[i])))
            return cz_str_trim(cz_str_head(text, text.len - len));
    }
    return text;
}

/* Write the expressions of `columns`, which are "()" or "-()", as the index's SQL has them. */
static cz_status tell_expressions(cz_ctx *ctx, const char *sql, cz__index_info *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        bool descends = index->columns[i][0] == '-';
        if (strcmp(index->columns[i] + descends, "()") != 0)
            continue;
        cz_str text = listed_at(cz_str_from(sql), i);
        if (text.len)
            index->columns[i] =
                cz_arena_printf(ctx->arena, "%s%.*s", descends ? "-" : "", CZ_STR_ARG(text));
        if (!index->columns[i])
            return CZ_ENOMEM;
    }
    return CZ_OK;
}

static cz_status describe_index(cz_ctx *ctx, cz__db_session *session, const char *name,
                                const char *sql, cz__index_info *out, cz_error *err)
{
    struct rows rows;
    cz_status status =
        read_rows(ctx, session,
                  CZ_STR("SELECT CASE WHEN \"desc\" THEN '-' ELSE '' END || coalesce(name, '()') "
                         "FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno"),
                  name, 1, &rows, err);
    if (status)
        return status;
    out->columns = cz_arena_array(ctx->arena, const char *, rows.count + 1);
    if (!out->columns)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    out->column_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        out->columns[i] = rows.items[i].fields[0];
    if (sql && tell_expressions(ctx, sql, out))
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    return CZ_OK;
}

static cz_status describe_indexes(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                  cz_error *err)
{
    struct rows rows;
    cz_status status =
        read_rows(ctx, session,
                  CZ_STR("SELECT l.name, CAST(l.\"unique\" AS TEXT), l.origin, s.sql "
                         "FROM pragma_index_list(?) l LEFT JOIN sqlite_schema s ON s.name = l.name "
                         "WHERE l.origin <> 'pk' ORDER BY l.name"),
                  out->name, 4, &rows, err);
    if (status)
        return status;
    out->indexes = cz_arena_array(ctx->arena, cz__index_info, rows.count + 1);
    if (!out->indexes)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    for (size_t i = 0; i < rows.count && !status; i++) {
        const struct row *row = &rows.items[i];
        cz__index_info *index = &out->indexes[out->index_count++];
        index->name = strcmp(row->fields[2], "c") == 0 ? row->fields[0] : "";
        index->unique = is_true(row->fields[1]);
        index->where = condition_of(row->fields[3]);
        status = describe_index(ctx, session, row->fields[0], row->fields[3], index, err);
    }
    return status;
}

/* FTS5 tables that triggers of ours keep up with the table, by the tokenizers search_index.c gives them. */
static cz_status describe_searches(cz_ctx *ctx, cz__db_session *session, cz__table_info *out,
                                   cz_error *err)
{
    struct rows rows, columns;
    cz_status status = read_rows(
        ctx, session,
        CZ_STR("SELECT s.name, CASE WHEN instr(s.sql, 'tokenize=''porter ') THEN 'english' "
               "ELSE 'simple' END FROM sqlite_schema s JOIN sqlite_schema t "
               "ON t.type = 'trigger' AND t.name = s.name || '_au' WHERE t.tbl_name = ? "
               "AND s.type = 'table' AND s.sql LIKE 'CREATE VIRTUAL TABLE %USING fts5(%' AND "
               "instr(s.sql, 'unicode61 remove_diacritics 0'')') ORDER BY s.name"),
        out->name, 2, &rows, err);
    if (status)
        return status;
    out->searches = cz_arena_array(ctx->arena, cz__index_info, rows.count + 1);
    if (!out->searches)
        return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
    for (size_t i = 0; i < rows.count; i++) {
        cz__index_info *index = &out->searches[out->search_count++];
        index->name = rows.items[i].fields[0];
        index->search = rows.items[i].fields[1];
        status =
            read_rows(ctx, session, CZ_STR("SELECT name FROM pragma_table_info(?) ORDER BY cid"),
                      index->name, 1, &columns, err);
        if (status)
            return status;
        index->columns = cz_arena_array(ctx->arena, const char *, columns.count + 1);
        if (!index->columns)
            return cz_error_set(err, CZ_ENOMEM, "no memory to describe a table");
        for (; index->column_count < columns.count; index->column_count++)
            index->columns[index->column_count] = columns.items[index->column_count].fields[0];
    }
    return CZ_OK;
}

/* The end of the name that begins at `at`. */
static size_t skip_name(cz_str sql, size_t at)
{
    char quote = at < sql.len && !is_word_byte(sql.ptr[at]) ? sql.ptr[at] : '\0';
    if (!quote) {
        while (at < sql.len && is_word_byte(sql.ptr[at]))
            at++;
        return at;
    }
    do /* one that is written twice stands for itself */
        at = piece(sql, at);
    while (at < sql.len && quote != '[' && sql.ptr[at] == quote);
    return at;
}

/* A name as it is meant, in the arena. */
static cz_status read_name(cz_arena *arena, cz_str written, cz_str *out)
{
    if (!written.len || is_word_byte(written.ptr[0]))
        return cz_str_dup(arena, written, out);
    cz_status status = cz_str_dup(arena, cz_str_of(written.ptr + 1, written.len - 2), out);
    char *text = (char *)(uintptr_t)out->ptr, quote = written.ptr[0];
    size_t len = 0;
    for (size_t i = 0; !status && i < out->len; i++) {
        text[len++] = text[i];
        i += text[i] == quote && quote != '[';
    }
    if (!status)
        text[len] = '\0';
    out->len = len;
    return status;
}

/* The next CHECK's name, if it has one, and inside from `*at` on, in the arena; empty at the end. */
static cz_status next_check(cz_arena *arena, cz_str sql, size_t *at, cz_str *out_name, cz_str *out)
{
    cz_str name = { 0 };
    size_t start, named = SIZE_MAX;
    *out = *out_name = (cz_str){ 0 };
    while (*at < sql.len) {
        if ((start = after_word(sql, *at, CZ_STR("CONSTRAINT")))) {
            *at = skip_name(sql, start);
            name = cz_str_of(sql.ptr + start, *at - start);
            while (*at < sql.len && memchr(" \t\r\n\f", sql.ptr[*at], 5))
                ++*at;
            named = *at;
            continue;
        }
        start = after_word(sql, *at, CZ_STR("CHECK"));
        if (!start || start == sql.len || sql.ptr[start] != '(') {
            *at = piece(sql, *at);
            continue;
        }
        cz_status status = named == *at ? read_name(arena, name, out_name) : CZ_OK;
        int depth = 1;
        for (*at = ++start; *at < sql.len && depth; *at = piece(sql, *at))
            depth += sql.ptr[*at] == '(' ? 1 : sql.ptr[*at] == ')' ? -1 : 0;
        return status ? status
                      : cz_str_dup(arena, cz_str_trim(cz_str_of(sql.ptr + start, *at - start - 1)),
                                   out);
    }
    return CZ_OK;
}

static cz_status describe_checks(cz_ctx *ctx, const char *sql, cz__table_info *out, cz_error *err)
{
    size_t most = 0;
    for (const char *c = sql; *c; c++)
        most += *c == '(';
    out->checks = cz_arena_array(ctx->arena, const char *, most + 1);
    out->check_names = cz_arena_array(ctx->arena, const char *, most + 1);
    cz_status status = out->checks && out->check_names ? CZ_OK : CZ_ENOMEM;
    cz_str text = cz_str_from(sql), check = { 0 }, name = { 0 };
    size_t at = 0;
    while (!status && !(status = next_check(ctx->arena, text, &at, &name, &check)) && check.ptr) {
        out->check_names[out->check_count] = name.ptr;
        out->checks[out->check_count++] = check.ptr;
    }
    return status ? cz_error_set(err, status, "no memory to describe a table") : CZ_OK;
}

cz_status cz__sqlite_describe_table(cz_ctx *ctx, cz__db_session *session, const char *table,
                                    cz__table_info *out, cz_error *err)
{
    struct rows rows;
    cz_status status = read_rows(
        ctx, session,
        CZ_STR("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?"),
        table, 2, &rows, err);
    if (status)
        return status;
    if (!rows.count)
        return cz_error_set(err, CZ_ENOTFOUND, "there is no table %s", table);
    const char *sql = rows.items[0].fields[1] ? rows.items[0].fields[1] : "";
    cz__table_info info = { .name = rows.items[0].fields[0] };
    bool generated = cz_str_find(cz_str_from(sql), CZ_STR(" AUTOINCREMENT")) != SIZE_MAX;
    status = describe_columns(ctx, session, &info, generated, err);
    if (!status)
        status = describe_indexes(ctx, session, &info, err);
    if (!status)
        status = describe_searches(ctx, session, &info, err);
    if (!status)
        status = describe_checks(ctx, sql, &info, err);
    if (!status)
        *out = info;
    return status;
}

/* But for indexes of full text and what belongs to them. */
cz_status cz__sqlite_list_tables(cz_ctx *ctx, cz__db_session *session, cz_str_list *out,
                                 cz_error *err)
{
    struct rows rows;
    cz_status status =
        read_rows(ctx, session,
                  CZ_STR("SELECT name FROM pragma_table_list t WHERE schema = 'main' AND "
                         "type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                         "AND NOT EXISTS (SELECT 1 FROM pragma_table_list WHERE type "
                         "= 'virtual' AND name || '_keys' = t.name) ORDER BY name"),
                  NULL, 1, &rows, err);
    if (status)
        return status;
    cz_str *names = cz_arena_array(ctx->arena, cz_str, rows.count + 1);
    if (!names)
        return cz_error_set(err, CZ_ENOMEM, "no memory to list the tables");
    for (size_t i = 0; i < rows.count; i++)
        names[i] = cz_str_from(rows.items[i].fields[0]);
    *out = (cz_str_list){ names, rows.count };
    return CZ_OK;
}

static const cz__index_info *find_index(const cz__table_info *table, const char *name)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (strcmp(table->indexes[i].name, name) == 0)
            return &table->indexes[i];
    return NULL;
}

/* The table's triggers, and its indexes that no model knows: a rebuild drops the table they belong to. */
cz_status cz__sqlite_schema_keep(cz_ctx *ctx, cz__db_session *session, const cz__schema_step *step,
                                 cz__sql_list *out, cz_error *err)
{
    struct rows rows;
    cz__table_info there = { 0 };
    if (!cz__sqlite_is_rebuild(step))
        return CZ_OK;
    cz_status status = cz__sqlite_describe_table(ctx, session, step->before->name, &there, err);
    if (!status)
        status = read_rows(ctx, session,
                           CZ_STR("SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? "
                                  "COLLATE NOCASE AND type IN ('trigger', 'index') "
                                  "AND sql IS NOT NULL ORDER BY type, name"),
                           step->before->name, 3, &rows, err);
    cz_buf sql = { 0 };
    for (size_t i = 0; !status && i < rows.count; i++) {
        const char **fields = rows.items[i].fields;
        const cz__index_info *index =
            strcmp(fields[0], "index") == 0 ? find_index(&there, fields[1]) : NULL;
        if (index ? !cz__sqlite_index_stays(ctx->arena, step, index)
                  : cz__sqlite_is_search_trigger(step->before, fields[1]))
            continue;
        cz_buf_append_str(&sql, cz_str_from(fields[2]));
        status = cz__sql_list_add(out, &sql, err);
    }
    cz_buf_done(&sql);
    return status;
}
