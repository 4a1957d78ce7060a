/* Full text on PostgreSQL: what a GIN index is of, and the same words in queries, so that it serves them (12.2.2). */
#include "db/postgresql/postgresql_internal.h"
#include "db/schema.h"

/* to_tsvector('english', coalesce("title", '')) */
static void append_words(cz_buf *sql, cz_str row, const char *language, const char *column,
                         bool coalesce)
{
    cz_buf_append_lit(sql, "to_tsvector(");
    cz__db_append_text(sql, cz_str_from(language));
    cz_buf_append_str(sql, coalesce ? CZ_STR(", coalesce(") : CZ_STR(", "));
    cz_buf_append_str(sql, row);
    cz_buf_append_str(sql, row.len ? CZ_STR(".") : CZ_STR(""));
    cz__db_append_name(sql, column);
    cz_buf_append_str(sql, coalesce ? CZ_STR(", ''))") : CZ_STR(")"));
}

void cz__postgresql_append_search(cz_buf *sql, cz_str row, const cz__db_index *index)
{
    if (index->column_count == 1 && !index->weights) { /* also what the lookup SEARCH asks */
        append_words(sql, row, index->search, index->columns[0], false);
        return;
    }
    for (size_t i = 0; i < index->column_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(" || ") : CZ_STR("("));
        cz_buf_append_str(sql, index->weights ? CZ_STR("setweight(") : CZ_STR(""));
        append_words(sql, row, index->search, index->columns[i], true);
        if (index->weights)
            cz_buf_printf(sql, ", '%c')", index->weights[i]);
    }
    cz_buf_append_char(sql, ')');
}

static void append_query(cz_buf *sql, const char *language, cz_str query)
{
    cz_buf_append_lit(sql, "to_tsquery(");
    cz__db_append_text(sql, cz_str_from(language));
    cz_buf_append_lit(sql, ", ");
    cz_buf_append_str(sql, query);
    cz_buf_append_char(sql, ')');
}

static void append_condition(cz_buf *sql, const cz__db_search *search, cz_str row)
{
    cz__postgresql_append_search(sql, row, search->index);
    cz_buf_append_lit(sql, " @@ ");
    append_query(sql, search->index->search, search->query);
}

static void append_from(cz_buf *sql, const cz__db_search *search)
{
    cz_buf_append_lit(sql, " FROM ");
    cz__db_append_name(sql, search->table);
    cz_buf_append_lit(sql, " s WHERE ");
}

void cz__postgresql_search_match(cz_buf *sql, const cz__db_search *search)
{
    if (search->row.len) {
        append_condition(sql, search, search->row);
        return;
    }
    cz_buf_append_str(sql, search->row_key);
    cz_buf_append_lit(sql, " IN (SELECT s.");
    cz__db_append_name(sql, search->key);
    append_from(sql, search);
    append_condition(sql, search, CZ_STR("s"));
    cz_buf_append_char(sql, ')');
}

void cz__postgresql_search_rank(cz_buf *sql, const cz__db_search *search)
{
    cz_str row = search->row.len ? search->row : CZ_STR("s");
    cz_buf_append_str(sql, search->row.len ? CZ_STR("") : CZ_STR("(SELECT "));
    cz_buf_append_lit(sql, "CAST(ts_rank(");
    cz__postgresql_append_search(sql, row, search->index);
    cz_buf_append_lit(sql, ", ");
    append_query(sql, search->index->search, search->query);
    cz_buf_append_lit(sql, ") AS double precision)");
    if (search->row.len)
        return;
    append_from(sql, search);
    cz_buf_append_lit(sql, "s.");
    cz__db_append_name(sql, search->key);
    cz_buf_append_lit(sql, " = ");
    cz_buf_append_str(sql, search->row_key);
    cz_buf_append_char(sql, ')');
}

/* The text is escaped beforehand: ts_headline() takes tags for what they are, and leaves them. */
void cz__postgresql_search_headline(cz_buf *sql, const char *language, cz_str text, cz_str query)
{
    cz_buf_append_lit(sql, "ts_headline(");
    cz__db_append_text(sql, cz_str_from(language));
    cz_buf_append_lit(sql, ", replace(replace(replace(replace(replace(");
    cz_buf_append_str(sql, text);
    cz_buf_append_lit(sql, ", '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '\"', '&quot;'), '''', "
                           "'&#39;'), ");
    append_query(sql, language, query);
    cz_buf_append_lit(sql, ", 'StartSel=<mark>, StopSel=</mark>, MaxWords=35, MinWords=15')");
}

void cz__postgresql_search_rebuild(cz_buf *sql, const char *index)
{
    cz_buf_append_lit(sql, "REINDEX INDEX CONCURRENTLY ");
    cz__db_append_name(sql, index);
}
