/* Indexes of full text: FTS5 tables beside the table, which hold no text of their own and which triggers keep up
 * with each row (sqlite.org/fts5.html, 4.4.3), so that whoever changes rows changes the index, in the same
 * transaction.
 *
 * FTS5 knows rows by whole numbers. The rowids of a table with another key change when the file is vacuumed, so
 * such a table gets one more, NAME_keys, of a number for each key, and the text comes from a view of both,
 * NAME_rows. */
#include "db/schema.h"
#include "db/sqlite/sqlite_internal.h"
#include <stdio.h>

/* What the SQL of one index speaks of. */
struct names {
    const char *table, *key;
    const cz__db_index *index;
    bool number_key;
    char keys[CZ__DB_NAME_BYTES_MAX + 8], rows[CZ__DB_NAME_BYTES_MAX + 8];
};

static struct names names_of(const char *table, const char *key, bool number_key,
                             const cz__db_index *index)
{
    struct names names = { .table = table, .key = key, .index = index, .number_key = number_key };
    cz_ignore(snprintf(names.keys, sizeof names.keys, "%s_keys", index->name)); /* fit */
    cz_ignore(snprintf(names.rows, sizeof names.rows, "%s_rows", index->name));
    return names;
}

/* "title", "body", each after `before`. */
static void append_columns(cz_buf *sql, const cz__db_index *index, const char *before)
{
    for (size_t i = 0; i < index->column_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(""));
        cz_buf_append_str(sql, cz_str_from(before));
        cz__db_append_name(sql, index->columns[i]);
    }
}

static bool is_english(const char *language)
{
    return strcmp(language, "english") == 0;
}

/* ---- making and dropping ---- */

/* Accents are kept, as PostgreSQL's dictionaries keep them. */
static void append_table(cz_buf *sql, const struct names *names)
{
    const cz__db_index *index = names->index;
    cz_buf_append_lit(sql, "CREATE VIRTUAL TABLE ");
    cz__db_append_name(sql, index->name);
    cz_buf_append_lit(sql, " USING fts5(");
    append_columns(sql, index, "");
    cz_buf_append_lit(sql, ", content=");
    cz__db_append_text(sql, cz_str_from(names->number_key ? names->table : names->rows));
    cz_buf_append_lit(sql, ", content_rowid=");
    cz__db_append_text(sql, cz_str_from(names->number_key ? names->key : "number"));
    cz_buf_append_lit(sql, ", tokenize='");
    cz_buf_append_str(sql, is_english(index->search) ? CZ_STR("porter ") : CZ_STR(""));
    cz_buf_append_lit(sql, "unicode61 remove_diacritics 0')");
}

static void create_keys(cz__sql_script *script, const struct names *names)
{
    cz_buf *sql = &script->sql;
    cz_buf_append_lit(sql, "CREATE TABLE ");
    cz__db_append_name(sql, names->keys);
    cz_buf_append_lit(sql,
                      " (\"number\" INTEGER PRIMARY KEY, \"key\" TEXT NOT NULL UNIQUE) STRICT");
    cz__sql_script_add(script);
    cz_buf_append_lit(sql, "INSERT INTO ");
    cz__db_append_name(sql, names->keys);
    cz_buf_append_lit(sql, " (\"key\") SELECT ");
    cz__db_append_name(sql, names->key);
    cz_buf_append_lit(sql, " FROM ");
    cz__db_append_name(sql, names->table);
    cz__sql_script_add(script);
    cz_buf_append_lit(sql, "CREATE VIEW ");
    cz__db_append_name(sql, names->rows);
    cz_buf_append_lit(sql, " AS SELECT k.\"number\", ");
    append_columns(sql, names->index, "t.");
    cz_buf_append_lit(sql, " FROM ");
    cz__db_append_name(sql, names->keys);
    cz_buf_append_lit(sql, " k JOIN ");
    cz__db_append_name(sql, names->table);
    cz_buf_append_lit(sql, " t ON t.");
    cz__db_append_name(sql, names->key);
    cz_buf_append_lit(sql, " = k.\"key\"");
    cz__sql_script_add(script);
}

/* The number FTS5 knows the row by, "new" or "old". */
static void append_number(cz_buf *sql, const struct names *names, const char *row)
{
    if (!names->number_key) {
        cz_buf_append_lit(sql, "(SELECT \"number\" FROM ");
        cz__db_append_name(sql, names->keys);
        cz_buf_append_lit(sql, " WHERE \"key\" = ");
    }
    cz_buf_append_str(sql, cz_str_from(row));
    cz_buf_append_char(sql, '.');
    cz__db_append_name(sql, names->key);
    cz_buf_append_str(sql, names->number_key ? CZ_STR("") : CZ_STR(")"));
}

/* FTS5 is told what a row had before it is changed: it keeps no text to look it up in. */
static void append_removal(cz_buf *sql, const struct names *names)
{
    cz_buf_append_lit(sql, " INSERT INTO ");
    cz__db_append_name(sql, names->index->name);
    cz_buf_append_lit(sql, " (");
    cz__db_append_name(sql, names->index->name);
    cz_buf_append_lit(sql, ", rowid, ");
    append_columns(sql, names->index, "");
    cz_buf_append_lit(sql, ") VALUES ('delete', ");
    append_number(sql, names, "old");
    cz_buf_append_lit(sql, ", ");
    append_columns(sql, names->index, "old.");
    cz_buf_append_lit(sql, ");");
    if (names->number_key)
        return;
    cz_buf_append_lit(sql, " DELETE FROM ");
    cz__db_append_name(sql, names->keys);
    cz_buf_append_lit(sql, " WHERE \"key\" = old.");
    cz__db_append_name(sql, names->key);
    cz_buf_append_char(sql, ';');
}

static void append_addition(cz_buf *sql, const struct names *names)
{
    if (!names->number_key) {
        cz_buf_append_lit(sql, " INSERT INTO ");
        cz__db_append_name(sql, names->keys);
        cz_buf_append_lit(sql, " (\"key\") VALUES (new.");
        cz__db_append_name(sql, names->key);
        cz_buf_append_lit(sql, ");");
    }
    cz_buf_append_lit(sql, " INSERT INTO ");
    cz__db_append_name(sql, names->index->name);
    cz_buf_append_lit(sql, " (rowid, ");
    append_columns(sql, names->index, "");
    cz_buf_append_lit(sql, ") VALUES (");
    append_number(sql, names, "new");
    cz_buf_append_lit(sql, ", ");
    append_columns(sql, names->index, "new.");
    cz_buf_append_lit(sql, ");");
}

static const struct trigger {
    const char *suffix, *when;
    bool removes, adds;
} triggers[] = { { "ai", "INSERT", false, true },
                 { "ad", "DELETE", true, false },
                 { "au", "UPDATE OF ", true, true } };

struct trigger_name {
    char text[CZ__DB_NAME_BYTES_MAX + 8];
};

static struct trigger_name trigger_name(const char *index, const struct trigger *trigger)
{
    struct trigger_name name;
    cz_ignore(snprintf(name.text, sizeof name.text, "%s_%s", index, trigger->suffix)); /* fits */
    return name;
}

bool cz__sqlite_is_search_trigger(const cz__db_table *table, const char *name)
{
    for (size_t i = 0; i < table->index_count; i++)
        for (size_t t = 0; table->indexes[i].search && t < CZ_COUNT(triggers); t++)
            if (strcmp(trigger_name(table->indexes[i].name, &triggers[t]).text, name) == 0)
                return true;
    return false;
}

static void create_trigger(cz__sql_script *script, const struct names *names,
                           const struct trigger *trigger)
{
    cz_buf *sql = &script->sql;
    cz_buf_append_lit(sql, "CREATE TRIGGER ");
    cz__db_append_name(sql, trigger_name(names->index->name, trigger).text);
    cz_buf_append_lit(sql, " AFTER ");
    cz_buf_append_str(sql, cz_str_from(trigger->when));
    if (trigger->removes && trigger->adds) {
        cz__db_append_name(sql, names->key);
        cz_buf_append_lit(sql, ", ");
        append_columns(sql, names->index, "");
    }
    cz_buf_append_lit(sql, " ON ");
    cz__db_append_name(sql, names->table);
    cz_buf_append_lit(sql, " BEGIN");
    if (trigger->removes)
        append_removal(sql, names);
    if (trigger->adds)
        append_addition(sql, names);
    cz_buf_append_lit(sql, " END");
    cz__sql_script_add(script);
}

static const cz__db_column *key_of(const cz__db_table *table)
{
    const cz__db_column *key = &table->columns[0];
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].primary_key)
            key = &table->columns[i];
    return key;
}

void cz__sqlite_search_rebuild(cz_buf *sql, const char *index)
{
    cz_buf_append_lit(sql, "INSERT INTO ");
    cz__db_append_name(sql, index);
    cz_buf_append_char(sql, '(');
    cz__db_append_name(sql, index);
    cz_buf_append_lit(sql, ") VALUES ('rebuild')");
}

void cz__sqlite_search_create(cz__sql_script *script, const cz__db_table *table,
                              const cz__db_index *index)
{
    const cz__db_column *key = key_of(table);
    struct names names =
        names_of(table->name, key->name, CZ__DB_KIND(key->type) == CZ__DB_INT64, index);
    if (!names.number_key)
        create_keys(script, &names);
    append_table(&script->sql, &names);
    cz__sql_script_add(script);
    cz__sqlite_search_rebuild(&script->sql, index->name);
    cz__sql_script_add(script);
    for (size_t i = 0; i < CZ_COUNT(triggers); i++)
        create_trigger(script, &names, &triggers[i]);
}

static void drop(cz__sql_script *script, const char *what, const char *name)
{
    cz_buf_append_str(&script->sql, cz_str_from(what));
    cz__db_append_name(&script->sql, name);
    cz__sql_script_add(script);
}

void cz__sqlite_search_drop(cz__sql_script *script, const cz__db_index *index)
{
    struct names names = names_of("", "", true, index);
    for (size_t i = 0; i < CZ_COUNT(triggers); i++)
        drop(script, "DROP TRIGGER IF EXISTS ", trigger_name(index->name, &triggers[i]).text);
    drop(script, "DROP TABLE IF EXISTS ", index->name);
    drop(script, "DROP VIEW IF EXISTS ", names.rows);
    drop(script, "DROP TABLE IF EXISTS ", names.keys);
}

/* ---- asking ---- */

/* "index" MATCH ?1 */
static void append_match(cz_buf *sql, const cz__db_search *search)
{
    cz__db_append_name(sql, search->index->name);
    cz_buf_append_lit(sql, " MATCH ");
    cz_buf_append_str(sql, search->query);
}

void cz__sqlite_search_match(cz_buf *sql, const cz__db_search *search)
{
    struct names names = names_of(search->table, search->key, search->number_key, search->index);
    cz_buf_append_str(sql, search->row_key);
    if (!names.number_key) {
        cz_buf_append_lit(sql, " IN (SELECT \"key\" FROM ");
        cz__db_append_name(sql, names.keys);
        cz_buf_append_lit(sql, " WHERE \"number\"");
    }
    cz_buf_append_lit(sql, " IN (SELECT rowid FROM ");
    cz__db_append_name(sql, names.index->name);
    cz_buf_append_lit(sql, " WHERE ");
    append_match(sql, search);
    cz_buf_append_str(sql, names.number_key ? CZ_STR(")") : CZ_STR("))"));
}

/* bm25() for each row that is found, once, and not again for each that is asked about: the LIMIT keeps SQLite from
 * moving the question about one row inside. */
void cz__sqlite_search_rank(cz_buf *sql, const cz__db_search *search)
{
    static const char *const counts[] = { "1.0", "0.4", "0.2", "0.1" }; /* as ts_rank()'s */
    struct names names = names_of(search->table, search->key, search->number_key, search->index);
    const cz__db_index *index = names.index;
    cz_buf_append_lit(sql, "(SELECT r.\"rank\" FROM (SELECT rowid AS \"number\", -bm25(");
    cz__db_append_name(sql, index->name);
    for (size_t i = 0; index->weights && i < index->column_count; i++)
        cz_buf_printf(sql, ", %s", counts[index->weights[i] - 'A']);
    cz_buf_append_lit(sql, ") AS \"rank\" FROM ");
    cz__db_append_name(sql, index->name);
    cz_buf_append_lit(sql, " WHERE ");
    append_match(sql, search);
    cz_buf_append_lit(sql, " LIMIT -1) r WHERE r.\"number\" = ");
    if (!names.number_key) {
        cz_buf_append_lit(sql, "(SELECT \"number\" FROM ");
        cz__db_append_name(sql, names.keys);
        cz_buf_append_lit(sql, " WHERE \"key\" = ");
    }
    cz_buf_append_str(sql, search->row_key);
    cz_buf_append_str(sql, names.number_key ? CZ_STR(")") : CZ_STR("))"));
}

void cz__sqlite_search_headline(cz_buf *sql, const char *language, cz_str text, cz_str query)
{
    cz_buf_append_lit(sql, "cz_headline(");
    cz_buf_append_str(sql, is_english(language) ? CZ_STR("1, ") : CZ_STR("0, "));
    cz_buf_append_str(sql, query);
    cz_buf_append_lit(sql, ", ");
    cz_buf_append_str(sql, text);
    cz_buf_append_char(sql, ')');
}
