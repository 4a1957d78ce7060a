/* Regular expressions in SQL: PCRE2's, searched for anywhere in the text, with Unicode classes, as Django's
 * REGEXP is Python's re.search(). NULL in, NULL out. A pattern that would search for too long is an error, not a
 * stuck worker: how often it may try is limited, and so is its memory. */
#include "db/sqlite/sqlite_internal.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

enum {
    PATTERN_BYTES_MAX = 10000,
    CACHED_MAX = 16, /* patterns of a connection */
    TRIES_MAX = 1000000,
    HEAP_KIB_MAX = 16384
};

struct pattern {
    char *text; /* owned */
    size_t bytes;
    bool caseless;
    pcre2_code *code; /* owned; NULL: the place is free */
    uint64_t used;    /* when last */
};

struct cache { /* of a connection; freed with its last function */
    struct pattern patterns[CACHED_MAX];
    pcre2_match_data *match;
    pcre2_match_context *limits;
    uint64_t clock;
    unsigned users;
};

static void cache_unref(void *arg)
{
    struct cache *cache = arg;
    if (--cache->users)
        return;
    for (size_t i = 0; i < CACHED_MAX; i++) {
        pcre2_code_free(cache->patterns[i].code);
        cz_free(cache->patterns[i].text);
    }
    pcre2_match_data_free(cache->match);
    pcre2_match_context_free(cache->limits);
    cz_free(cache);
}

/* The pattern's fault, which whoever wrote it is told; connection.c knows it by its code. */
static void refuse(sqlite3_context *context, const char *text)
{
    sqlite3_result_error(context, text, -1);
    sqlite3_result_error_code(context, SQLITE_MISMATCH);
}

static void fail(sqlite3_context *context, int code, const char *what, size_t at)
{
    char reason[128] = "", text[256];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
    if (at)
        snprintf(text, sizeof text, "%s: %s, at byte %zu", what, reason, at);
    else
        snprintf(text, sizeof text, "%s: %s", what, reason);
    refuse(context, text);
}

/* The pattern's place, or, with `*out_found` false, the one that was not used for longest. */
static struct pattern *find(struct cache *cache, cz_str text, bool caseless, bool *out_found)
{
    struct pattern *oldest = &cache->patterns[0];
    for (size_t i = 0; i < CACHED_MAX; i++) {
        struct pattern *pattern = &cache->patterns[i];
        if (pattern->code && pattern->caseless == caseless &&
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

static const pcre2_code *compile(sqlite3_context *context, struct cache *cache, cz_str text,
                                 bool caseless)
{
    bool found;
    struct pattern *pattern = find(cache, text, caseless, &found);
    if (found)
        return pattern->code;
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                       (caseless ? PCRE2_CASELESS : 0);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, options, &code, &at, NULL);
    if (!compiled) {
        fail(context, code, "a regular expression is malformed", at);
        return NULL;
    }
    char *copy = cz_malloc(text.len + 1);
    if (!copy) {
        pcre2_code_free(compiled);
        sqlite3_result_error_nomem(context);
        return NULL;
    }
    memcpy(copy, text.ptr, text.len);
    /* where memory may not be executable it is interpreted */
    cz_ignore(pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE));
    pcre2_code_free(pattern->code);
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
    if (text.len > PATTERN_BYTES_MAX) {
        refuse(context, "a regular expression has at most 10000 bytes");
        return;
    }
    const pcre2_code *code = compile(context, cache, text, caseless);
    if (!code)
        return;
    int found =
        pcre2_match(code, (PCRE2_SPTR)subject.ptr, subject.len, 0, 0, cache->match, cache->limits);
    if (found >= 0 || found == PCRE2_ERROR_NOMATCH)
        sqlite3_result_int(context, found >= 0);
    else if (found == PCRE2_ERROR_NOMEMORY)
        sqlite3_result_error_nomem(context);
    else
        fail(context, found, "a regular expression was given up", 0);
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
    cache->match = pcre2_match_data_create(1, NULL);
    cache->limits = pcre2_match_context_create(NULL);
    cz_status status = cache->match && cache->limits ? CZ_OK : CZ_ENOMEM;
    if (!status) {
        pcre2_set_match_limit(cache->limits, TRIES_MAX);
        pcre2_set_heap_limit(cache->limits, HEAP_KIB_MAX);
    }
    for (size_t i = 0; i < CZ_COUNT(functions) && !status; i++) {
        cache->users++; /* given back also when this fails */
        if (sqlite3_create_function_v2(handle, functions[i].name, 2, FLAGS, cache, functions[i].fn,
                                       NULL, NULL, cache_unref))
            status = CZ_ENOMEM;
    }
    cache_unref(cache);
    return status;
}
