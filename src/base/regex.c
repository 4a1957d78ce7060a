#include "base/regex.h"
#include "base/base_internal.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>

/* PCRE2 counts tries anew at each place where a match may begin, so a long text is searched by a few places at a time, with a
 * look at the clock between. */
enum {
    TRIES_MAX = 50000,            /* at a place; so many take less than a millisecond */
    TRIES_ANCHORED_MAX = 1000000, /* of an expression that is tried at the first place alone */
    PLACES = 256,
    CPU_MS_MAX = 100,
    HEAP_KIB_MAX = 16384
};

struct cz__regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    bool anchored; /* it is tried at the first place alone */
};

static cz_status fail(cz_error *err, cz_status status, const char *what, int code, size_t at)
{
    char reason[128] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
    if (!at)
        return cz_error_set(err, status, "%s: %s", what, reason);
    return cz_error_set(err, status, "%s: %s, at byte %zu", what, reason, at);
}

static cz_status compile(struct cz__regex *regex, cz_str text, unsigned flags, cz_error *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_USE_OFFSET_LIMIT | PCRE2_MATCH_INVALID_UTF |
                       PCRE2_NEVER_BACKSLASH_C | (flags & CZ__REGEX_CASELESS ? PCRE2_CASELESS : 0) |
                       (flags & CZ__REGEX_PYTHON ? PCRE2_UCP : PCRE2_DOLLAR_ENDONLY);
    regex->code =
        pcre2_compile((PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, options, &code, &at, NULL);
    if (!regex->code)
        return fail(err, CZ_EVALIDATION, "a regular expression is malformed", code, at);
    /* where memory may not be executable it is interpreted */
    cz_ignore(pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE));
    uint32_t has = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_ALLOPTIONS, &has);
    regex->anchored = has & PCRE2_ANCHORED;
    return CZ_OK;
}

cz_status cz__regex_create(cz_str text, unsigned flags, struct cz__regex **out, cz_error *err)
{
    if (text.len > CZ__REGEX_BYTES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "a regular expression has at most %d bytes",
                            CZ__REGEX_BYTES_MAX);
    struct cz__regex *regex = cz_calloc(1, sizeof *regex);
    if (!regex)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    cz_status status = compile(regex, text, flags, err);
    if (!status) {
        regex->match = pcre2_match_data_create(1, NULL);
        regex->limits = pcre2_match_context_create(NULL);
        if (!regex->match || !regex->limits)
            status = cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    }
    if (status) {
        cz__regex_destroy(regex);
        return status;
    }
    pcre2_set_heap_limit(regex->limits, HEAP_KIB_MAX);
    pcre2_set_match_limit(regex->limits, regex->anchored ? TRIES_ANCHORED_MAX : TRIES_MAX);
    *out = regex;
    return CZ_OK;
}

void cz__regex_destroy(struct cz__regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    cz_free(regex);
}

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int match(const struct cz__regex *regex, cz_str text, size_t from, uint32_t options)
{
    return pcre2_match(regex->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, options,
                       regex->match, regex->limits);
}

/* Matches that begin from `from` to `to`. */
static int match_at(const struct cz__regex *regex, cz_str text, size_t from, size_t to)
{
    pcre2_set_offset_limit(regex->limits, to);
    int found = match(regex, text, from, 0);
    if (found ==
        PCRE2_ERROR_JIT_STACKLIMIT) /* 32 KiB of the fiber's; interpreted it uses the heap */
        found = match(regex, text, from, PCRE2_NO_JIT);
    return found;
}

static int match_anywhere(const struct cz__regex *regex, cz_str text)
{
    int64_t until_ms = 0;
    for (size_t from = 0;;) {
        size_t to = !regex->anchored && text.len - from > PLACES ? from + PLACES : text.len;
        int found = match_at(regex, text, from, to);
        if (found != PCRE2_ERROR_NOMATCH || to == text.len)
            return found;
        until_ms = until_ms ? until_ms : cpu_ms() + CPU_MS_MAX;
        if (cpu_ms() > until_ms)
            return PCRE2_ERROR_MATCHLIMIT;
        for (from = to + 1; from < text.len && ((unsigned char)text.ptr[from] & 0xc0) == 0x80;)
            from++; /* a character begins there */
    }
}

cz_status cz__regex_search(const struct cz__regex *regex, cz_str text, bool *out, cz_error *err)
{
    int found = match_anywhere(regex, text);
    if (found == PCRE2_ERROR_NOMEMORY)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        return fail(err, CZ_ETOOBIG, "a regular expression was given up", found, 0);
    *out = found >= 0;
    return CZ_OK;
}
