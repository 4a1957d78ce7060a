/* Regular expressions in SQL: PCRE2's, searched for anywhere in the text, with Unicode classes, as Django's
 * REGEXP is Python's re.search(). NULL in, NULL out. A pattern that would search for too long is an error, not a
 * stuck worker: how often it may try is limited, and so is its memory. */
#include "db/sqlite/sqlite_internal.h"
#include "base/regex.h"

enum { CACHED_MAX = 16 }; /* patterns of a connection */

struct pattern {
    char *text; /* owned */
    size_t bytes;
    bool caseless;
    struct cz__regex *compiled; /* owned; NULL: the place is free */
    uint64_t used;              /* when last */
};

struct cache { /* of a connection; freed with its last function */
    struct pattern patterns[CACHED_MAX];
    uint64_t clock;
    unsigned users;
};

static void cache_unref(void *arg)
{
    struct cache *cache = arg;
    if (--cache->users)
        return;
    for (size_t i = 0; i < CACHED_MAX; i++) {
        cz__regex_destroy(cache->patterns[i].compiled);
        cz_free(cache->patterns[i].text);
    }
    cz_free(cache);
}

/* The pattern's fault, which whoever wrote it is told; connection.c knows it by its code. */
static void refuse(sqlite3_context *context, cz_status status, const cz_error *err)
{
    if (status == CZ_ENOMEM) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_error(context, cz_error_message(err), -1);
    sqlite3_result_error_code(context, SQLITE_MISMATCH);
}

/* The pattern's place, or, with `*out_found` false, the one that was not used for longest. */
static struct pattern *find(struct cache *cache, cz_str text, bool caseless, bool *out_found)
{
    struct pattern *oldest = &cache->patterns[0];
    for (size_t i = 0; i < CACHED_MAX; i++) {
        struct pattern *pattern = &cache->patterns[i];
        if (pattern->compiled && pattern->caseless == caseless &&
            cz_str_eq(cz_str_of(pattern->text, pattern->bytes), text)) {
            pattern->used = ++cache->clock;
            *out_found = true;
            return pattern;
        }
        if (pattern->used < oldest->used)
            oldest = pattern;
    }
    *out_found = false;
    return oldest;
}

static const struct cz__regex *compile(sqlite3_context *context, struct cache *cache, cz_str text,
                                       bool caseless)
{
    bool found;
    struct pattern *pattern = find(cache, text, caseless, &found);
    if (found)
        return pattern->compiled;
    struct cz__regex *compiled = NULL;
    cz_error err = { 0 };
    cz_status status = cz__regex_create(
        text, CZ__REGEX_PYTHON | (caseless ? CZ__REGEX_CASELESS : 0), &compiled, &err);
    char *copy = status ? NULL : cz_malloc(text.len + 1);
    if (!copy) {
        cz__regex_destroy(compiled);
        refuse(context, status ? status : CZ_ENOMEM, &err);
        return NULL;
    }
    memcpy(copy, text.ptr, text.len);
    cz__regex_destroy(pattern->compiled);
    cz_free(pattern->text);
    *pattern = (struct pattern){ copy, text.len, caseless, compiled, ++cache->clock };
    return compiled;
}

static void search(sqlite3_context *context, sqlite3_value **values, bool caseless)
{
    struct cache *cache = sqlite3_user_data(context);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
        sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    cz_str text = cz__sqlite_text(values[0]), subject = cz__sqlite_text(values[1]);
    const struct cz__regex *pattern = compile(context, cache, text, caseless);
    bool found;
    cz_error err;
    if (!pattern)
        return;
    cz_status status = cz__regex_search(pattern, subject, &found, &err);
    if (status)
        refuse(context, status, &err);
    else
        sqlite3_result_int(context, found);
}

static void regex(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    search(context, values, false);
}

static void iregex(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    search(context, values, true);
}

cz_status cz__sqlite_add_regex(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    static const struct {
        const char *name;
        void (*fn)(sqlite3_context *context, int count, sqlite3_value **values);
    } functions[] = { { "cz_regex", regex }, { "cz_iregex", iregex }, { "regexp", regex } };
    struct cache *cache = cz_calloc(1, sizeof *cache);
    if (!cache)
        return CZ_ENOMEM;
    cache->users = 1; /* this function */
    cz_status status = CZ_OK;
    for (size_t i = 0; i < CZ_COUNT(functions) && !status; i++) {
        cache->users++; /* given back also when this fails */
        if (sqlite3_create_function_v2(handle, functions[i].name, 2, FLAGS, cache, functions[i].fn,
                                       NULL, NULL, cache_unref))
            status = CZ_ENOMEM;
    }
    cache_unref(cache);
    return status;
}
