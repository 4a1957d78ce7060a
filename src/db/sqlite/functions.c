/* What SQLite lacks, added to every connection: a collation that compares decimals kept as text by value, and a
 * json_valid() that a table's CHECK may call: SQLite's own may not, as the schema of a file is not trusted. */
#include <calzone/json.h>
#include "db/sqlite/sqlite_internal.h"
#include <math.h>

/* Text that is no decimal sorts below every number, by its bytes. */
static int compare_decimals(void *unused, int a_bytes, const void *a, int b_bytes, const void *b)
{
    (void)unused;
    cz_str texts[2] = { cz_str_of(a, (size_t)a_bytes), cz_str_of(b, (size_t)b_bytes) };
    cz_decimal numbers[2];
    bool number[2];
    for (int i = 0; i < 2; i++)
        number[i] = cz_decimal_parse(texts[i], &numbers[i]) == CZ_OK;
    if (number[0] && number[1])
        return cz_decimal_compare(numbers[0], numbers[1]);
    if (number[0] != number[1])
        return number[0] ? 1 : -1;
    size_t common = texts[0].len < texts[1].len ? texts[0].len : texts[1].len;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (texts[0].len > texts[1].len) - (texts[0].len < texts[1].len);
}

static void json_valid(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    cz_str text;
    text.ptr = (const char *)sqlite3_value_text(values[0]);
    text.len = (size_t)sqlite3_value_bytes(values[0]);
    cz_status status = cz__json_check(text);
    sqlite3_result_int(context, !status);
    if (status == CZ_ENOMEM)
        sqlite3_result_error_nomem(context);
}

/* ---- variance and standard deviation of all values, in one pass (Welford, 1962) ---- */

struct spread {
    int64_t count;
    double mean, squares;
};

static void spread_step(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct spread *spread = sqlite3_aggregate_context(context, sizeof *spread);
    if (!spread || sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    double value = sqlite3_value_double(values[0]), delta = value - spread->mean;
    spread->count++;
    spread->mean += delta / (double)spread->count;
    spread->squares += delta * (value - spread->mean);
}

static void variance_final(sqlite3_context *context)
{
    const struct spread *spread = sqlite3_aggregate_context(context, 0);
    if (spread && spread->count)
        sqlite3_result_double(context, spread->squares / (double)spread->count);
}

static void deviation_final(sqlite3_context *context)
{
    const struct spread *spread = sqlite3_aggregate_context(context, 0);
    if (spread && spread->count)
        sqlite3_result_double(context, sqrt(spread->squares / (double)spread->count));
}

cz_status cz__sqlite_add_functions(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    if (sqlite3_create_collation(handle, "cz_decimal", SQLITE_UTF8, NULL, compare_decimals) ||
        sqlite3_create_function(handle, "json_valid", 1, FLAGS, NULL, json_valid, NULL, NULL) ||
        sqlite3_create_function(handle, "cz_var_pop", 1, FLAGS, NULL, NULL, spread_step,
                                variance_final) ||
        sqlite3_create_function(handle, "cz_stddev_pop", 1, FLAGS, NULL, NULL, spread_step,
                                deviation_final) ||
        !cz__sqlite_add_casts(handle) || !cz__sqlite_add_time_functions(handle) ||
        !cz__sqlite_add_json_functions(handle) || !cz__sqlite_add_search(handle) ||
        !cz__sqlite_add_headline(handle))
        return CZ_ENOMEM; /* the only reason these fail for */
    return cz__sqlite_add_regex(handle);
}
