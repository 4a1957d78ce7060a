/* Conditions on windows: WITH cz_kept(c1, ..., o1, ..., w1, ...) AS (SELECT ...) SELECT c1, ... FROM cz_kept WHERE w1 ...
 * The names stand in front because both databases take them there, whatever the outputs are. */
#include "orm/compiler.h"

static void append_names(cz_buf *sql, char letter, unsigned count, const char *before,
                         const char *between)
{
    for (unsigned i = 1; i <= count; i++) {
        cz_buf_append_str(sql, cz_str_from(i == 1 ? before : between));
        cz_buf_append_char(sql, letter);
        cz_buf_append_u64(sql, i);
    }
}

void cz__filter_add(struct cz__window_filter *filter, const cz_buf *condition)
{
    cz_buf_append_lit(filter->conditions, ", (");
    cz_buf_append_str(filter->conditions, cz_buf_str(condition));
    cz_buf_append_char(filter->conditions, ')');
    filter->count++;
}

void cz__filter_order(struct cz__window_filter *filter, cz_buf *sql, const cz_buf *part)
{
    cz_buf_append_lit(filter->order, ", ");
    cz_buf_append_str(filter->order, cz_buf_str(part));
    cz_buf_append_char(sql, 'o');
    cz_buf_append_u64(sql, ++filter->order_count);
}

void cz__filter_begin(const struct cz__window_filter *filter, cz_buf *sql, unsigned output_count)
{
    cz_buf_append_lit(sql, "WITH cz_kept(");
    append_names(sql, 'c', output_count, "", ", ");
    append_names(sql, 'o', filter->order_count, ", ", ", ");
    append_names(sql, 'w', filter->count, ", ", ", ");
    cz_buf_append_lit(sql, ") AS (");
}

void cz__filter_end(const struct cz__window_filter *filter, cz_buf *sql, unsigned output_count,
                    const cz_query *query)
{
    cz_buf_append_lit(sql, ") SELECT ");
    if (query->distinct)
        cz_buf_append_lit(sql, "DISTINCT ");
    append_names(sql, 'c', output_count, "", ", ");
    if (query
            ->distinct) /* PostgreSQL orders distinct rows by what they give alone; read by nobody */
        append_names(sql, 'o', filter->order_count, ", ", ", ");
    cz_buf_append_lit(sql, " FROM cz_kept");
    append_names(sql, 'w', filter->count, " WHERE ", " AND ");
}
