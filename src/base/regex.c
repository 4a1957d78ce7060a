#include "base/regex.h"
#include "base/base_internal.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>

/* PCRE2 bounds how often a match is tried at one place, and not how far each try looks: so the longer a text, the fewer tries.
 * It counts anew at each place where a match may begin, so a text is searched by a few places at a time, with a look at the
 * clock between. */
enum {
    STEPS_MAX = 200000000, /* tries times bytes between two looks; 0.1 s or so */
    TRIES_MAX = 1000000,
    TRIES_LEAST = 2000, /* of texts that are longer than a field's may be */
    PLACES = 16,
    CPU_MS_MAX = 100,
    STACK_MIN = 32 << 10,
    STACK_MAX = 1 << 20, /* of an expression; what is touched is memory */
    HEAP_KIB_MAX = 1024  /* likewise, where memory may not be executable */
};

struct cz__regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    bool anchored; /* it is tried at the first place alone */
    bool python;
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
    /* With PCRE2_MATCH_INVALID_UTF but without PCRE2_UCP its JIT finds no "\S" beyond ASCII (10.42). */
    uint32_t options =
        PCRE2_UTF | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C |
        (flags & CZ__REGEX_CASELESS ? PCRE2_CASELESS : 0) |
        (flags & CZ__REGEX_PYTHON ? PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : PCRE2_DOLLAR_ENDONLY);
    regex->code =
        pcre2_compile((PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, options, &code, &at, NULL);
    if (!regex->code)
        return fail(err, CZ_EVALIDATION, "a regular expression is malformed", code, at);
    /* where memory may not be executable it is interpreted */
    cz_ignore(pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE));
    uint32_t has = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_ALLOPTIONS, &has);
    regex->anchored = has & PCRE2_ANCHORED;
    regex->python = flags & CZ__REGEX_PYTHON;
    return CZ_OK;
}

/* "\G" is where a search goes on, and searches do so where they please. */
static bool has_place_of_search(cz_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == '\\' && text.ptr[++i] == 'G')
            return true;
    return false;
}

static cz_status allocate(struct cz__regex *regex, cz_error *err)
{
    regex->match = pcre2_match_data_create(1, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    regex->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!regex->match || !regex->limits)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    pcre2_set_heap_limit(regex->limits, HEAP_KIB_MAX);
    if (regex->stack) /* there is none where there is no JIT */
        pcre2_jit_stack_assign(regex->limits, NULL, regex->stack);
    return CZ_OK;
}

cz_status cz__regex_create(cz_str text, unsigned flags, struct cz__regex **out, cz_error *err)
{
    if (text.len > CZ__REGEX_BYTES_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "a regular expression has at most %d bytes",
                            CZ__REGEX_BYTES_MAX);
    if (has_place_of_search(text))
        return cz_error_set(err, CZ_EVALIDATION, "a regular expression may not have \\G");
    struct cz__regex *regex = cz_calloc(1, sizeof *regex);
    if (!regex)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    cz_status status = compile(regex, text, flags, err);
    if (!status)
        status = allocate(regex, err);
    if (status)
        cz__regex_destroy(regex);
    else
        *out = regex;
    return status;
}

void cz__regex_destroy(struct cz__regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->match);
    pcre2_jit_stack_free(regex->stack);
    pcre2_code_free(regex->code);
    cz_free(regex);
}

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint32_t tries_at_a_place(const struct cz__regex *regex, size_t bytes)
{
    size_t tries = STEPS_MAX / (bytes + 1) / (regex->anchored ? 1 : PLACES);
    return tries > TRIES_MAX ? TRIES_MAX : tries < TRIES_LEAST ? TRIES_LEAST : (uint32_t)tries;
}

/* Matches that begin from `from` to `to`. */
static int match_at(const struct cz__regex *regex, cz_str text, size_t from, size_t to)
{
    pcre2_set_offset_limit(regex->limits, to);
    return pcre2_match(regex->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from,
                       regex->python ? 0 : PCRE2_NO_UTF_CHECK, regex->match, regex->limits);
}

static int match_anywhere(const struct cz__regex *regex, cz_str text)
{
    int64_t until_ms = 0;
    pcre2_set_match_limit(regex->limits, tries_at_a_place(regex, text.len));
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
    if (!regex->python && !cz_str_is_utf8(text)) {
        *out = false;
        return CZ_OK;
    }
    int found = match_anywhere(regex, text);
    if (found == PCRE2_ERROR_NOMEMORY)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a regular expression");
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        return fail(err, CZ_ETOOBIG, "a regular expression was given up", found, 0);
    *out = found >= 0;
    return CZ_OK;
}
