#include "db/introspection.h"
#include <stdlib.h>

static void append_column(cz_buf *text, const cz__column_info *column)
{
    cz_buf_printf(text, "column %s %s", column->name, column->type);
    if (!column->null)
        cz_buf_append_lit(text, " not null");
    if (column->primary_key)
        cz_buf_append_str(text, column->generated ? CZ_STR(" key given") : CZ_STR(" key"));
    if (column->default_sql)
        cz_buf_printf(text, " default %s", column->default_sql);
    if (column->references_table)
        cz_buf_printf(text, " to %s.%s", column->references_table, column->references_column);
}

static void append_index(cz_buf *text, const cz__index_info *index)
{
    cz_buf_printf(text, "%s %s(", index->unique ? "unique" : "index", index->name);
    for (size_t i = 0; i < index->column_count; i++)
        cz_buf_printf(text, "%s%s", i ? ", " : "", index->columns[i]);
    cz_buf_append_char(text, ')');
    if (index->where)
        cz_buf_printf(text, " where %s", index->where);
}

static int compare_lines(const void *a, const void *b)
{
    const cz_str *x = a, *y = b;
    return cz_str_cmp(*x, *y);
}

cz_status cz__table_info_text(const cz__table_info *table, cz_arena *arena, cz_str *out)
{
    size_t count = table->column_count + table->index_count + table->check_count;
    cz_str *lines = cz_arena_array(arena, cz_str, count + 1);
    cz_buf text = { 0 };
    cz_status status = lines ? CZ_OK : CZ_ENOMEM;
    for (size_t i = 0; i < count && !status; i++) {
        cz_buf_clear(&text);
        if (i < table->column_count)
            append_column(&text, &table->columns[i]);
        else if (i < table->column_count + table->index_count)
            append_index(&text, &table->indexes[i - table->column_count]);
        else
            cz_buf_printf(&text, "check %s",
                          table->checks[i - table->column_count - table->index_count]);
        cz_buf_append_char(&text, '\n');
        status = cz_buf_status(&text);
        if (!status)
            status = cz_str_dup(arena, cz_buf_str(&text), &lines[i]);
    }
    if (status) {
        cz_buf_done(&text);
        return status;
    }
    cz_buf_clear(&text);
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++)
        cz_buf_append_str(&text, lines[i]);
    return cz__buf_take(&text, arena, out);
}
