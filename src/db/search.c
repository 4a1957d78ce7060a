#include "db/search.h"
#include <stdlib.h>

/* ---- words ---- */

/* Blanks and signs beyond ASCII: Latin-1's, General Punctuation to the dingbats, CJK's, and emoji. */
static bool is_sign(uint32_t c)
{
    return (c >= 0x80 && c <= 0xbf && c != 0xaa && c != 0xb5 && c != 0xba) || c == 0xd7 ||
           c == 0xf7 || (c >= 0x2000 && c <= 0x2070) || (c >= 0x2190 && c <= 0x2bff) ||
           (c >= 0x3000 && c <= 0x3003) || (c >= 0x3008 && c <= 0x3020) ||
           (c >= 0xfe00 && c <= 0xfe4f) || (c >= 0x1f000 && c <= 0x1faff);
}

/* The character at `at`, as far as it is one; `*out_end` is where the next begins. */
static uint32_t read_character(cz_str text, size_t at, size_t *out_end)
{
    unsigned char first = (unsigned char)text.ptr[at];
    size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t c = more == 3 ? first & 7u : more == 2 ? first & 15u : more == 1 ? first & 31u : first;
    for (at++; more && at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80; more--)
        c = c << 6 | ((unsigned char)text.ptr[at++] & 0x3fu);
    *out_end = at;
    return c;
}

static bool is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !is_sign(c);
}

bool cz__search_next_word(cz_str *rest, cz_str *out)
{
    size_t at = 0, end;
    while (at < rest->len && !is_letter(read_character(*rest, at, &end)))
        at = end;
    size_t from = at;
    while (at < rest->len && is_letter(read_character(*rest, at, &end)))
        at = end;
    *out = cz_str_of(rest->ptr + from, at - from);
    *rest = cz_str_tail(*rest, at);
    return at > from;
}

/* ---- the query ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_operator(char c)
{
    return c == '!' || c == '&' || c == '|' || c == '(' || c == ')';
}

/* Between operands: "or", where something follows. */
static bool takes_or(cz_str *rest)
{
    static const char joined[] = "-_";
    size_t end;
    if (!cz_str_eq_icase(cz_str_head(*rest, 2), CZ_STR("or")) || rest->len == 2)
        return false;
    cz_str behind = cz_str_tail(*rest, 2);
    if (strchr(joined, behind.ptr[0]) || is_letter(read_character(behind, 0, &end)) ||
        !cz_str_trim(behind).len)
        return false;
    *rest = behind;
    return true;
}

static cz_str take_operand(cz_str *rest, bool *out_prefix)
{
    size_t end = 0;
    bool quoted = rest->ptr[0] == '"';
    if (quoted)
        *rest = cz_str_tail(*rest, 1);
    while (end < rest->len && rest->ptr[end] != '"' &&
           (quoted || !(is_blank(rest->ptr[end]) || is_operator(rest->ptr[end]))))
        end++;
    cz_str operand = cz_str_head(*rest, end);
    *rest = cz_str_tail(*rest, end + (quoted ? 1 : 0));
    size_t bare = operand.len;
    while (!quoted && bare && operand.ptr[bare - 1] == '*')
        bare--;
    *out_prefix = quoted ? rest->len && rest->ptr[0] == '*' : bare < operand.len;
    return cz_str_head(operand, bare);
}

/* An operand without words is none. */
static bool add_term(struct cz__search_query *query, struct cz__search_term term)
{
    cz_str rest = term.operand, word;
    term.first = (uint16_t)query->word_count;
    while (cz__search_next_word(&rest, &word)) {
        query->words[query->word_count++] = word;
        term.count++;
    }
    if (!term.count)
        return false;
    query->terms[query->term_count++] = term;
    return true;
}

void cz__search_read(struct cz__search_query *out, cz_str text)
{
    struct cz__search_term term = { .begins = true };
    bool behind = false; /* an operand */
    out->term_count = out->word_count = 0;
    for (cz_str rest = text; rest.len;) {
        char c = rest.ptr[0];
        if (is_blank(c)) {
            rest = cz_str_tail(rest, 1);
        } else if (behind && takes_or(&rest)) {
            term.begins = true;
            behind = false;
        } else if (is_operator(c)) {
            rest = cz_str_tail(rest, 1);
            behind = false;
        } else if (c == '-') {
            rest = cz_str_tail(rest, 1);
            term.negated = !term.negated;
            behind = false;
        } else {
            term.operand = take_operand(&rest, &term.prefix);
            if (add_term(out, term))
                term.begins = false;
            term.negated = false;
            behind = true;
        }
    }
}

void cz__search_leave_negated(struct cz__search_query *query)
{
    size_t kept = 0;
    bool begins = false;
    for (size_t i = 0; i < query->term_count; i++) {
        struct cz__search_term term = query->terms[i];
        begins |= term.begins;
        if (term.negated)
            continue;
        term.begins = begins;
        begins = false;
        query->terms[kept++] = term;
    }
    query->term_count = kept;
}

/* ---- stop words ---- */

static const char *const stop_words[] = {
    /* in order */
    "a",      "about",  "above", "after", "again",   "against",   "all",        "am",
    "an",     "and",    "any",   "are",   "as",      "at",        "be",         "because",
    "been",   "before", "being", "below", "between", "both",      "but",        "by",
    "can",    "did",    "do",    "does",  "doing",   "don",       "down",       "during",
    "each",   "few",    "for",   "from",  "further", "had",       "has",        "have",
    "having", "he",     "her",   "here",  "hers",    "herself",   "him",        "himself",
    "his",    "how",    "i",     "if",    "in",      "into",      "is",         "it",
    "its",    "itself", "just",  "me",    "more",    "most",      "my",         "myself",
    "no",     "nor",    "not",   "now",   "of",      "off",       "on",         "once",
    "only",   "or",     "other", "our",   "ours",    "ourselves", "out",        "over",
    "own",    "s",      "same",  "she",   "should",  "so",        "some",       "such",
    "t",      "than",   "that",  "the",   "their",   "theirs",    "them",       "themselves",
    "then",   "there",  "these", "they",  "this",    "those",     "through",    "to",
    "too",    "under",  "until", "up",    "very",    "was",       "we",         "were",
    "what",   "when",   "where", "which", "while",   "who",       "whom",       "why",
    "will",   "with",   "you",   "your",  "yours",   "yourself",  "yourselves",
};

static int compare_word(const void *key, const void *item)
{
    const cz_str *word = key;
    cz_str stop = cz_str_from(*(const char *const *)item);
    for (size_t i = 0; i < word->len && i < stop.len; i++) {
        int c = (unsigned char)word->ptr[i];
        c = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
        if (c != stop.ptr[i])
            return c - stop.ptr[i];
    }
    return word->len < stop.len ? -1 : word->len > stop.len;
}

static bool is_stop_word(const struct cz__search_query *query, const struct cz__search_term *term,
                         size_t at)
{
    return !(term->prefix && at == term->count - 1u) &&
           bsearch(&query->words[term->first + at], stop_words, CZ_COUNT(stop_words),
                   sizeof stop_words[0], compare_word);
}

bool cz__search_is_stopped(const struct cz__search_query *query, const struct cz__search_term *term)
{
    for (size_t i = 0; i < term->count; i++)
        if (!is_stop_word(query, term, i))
            return false;
    return true;
}

/* ---- for indexes ---- */

struct syntax {
    const char *and_, *or_, *but_not,
        *next_not;    /* before the first of a group's "-" terms, and the others */
    const char *ends; /* after the last of them */
    const char *nothing;
    void (*append)(cz_buf *out, const struct cz__search_query *query,
                   const struct cz__search_term *term, bool english);
};

/* The terms of the group at `at` that are negated or are not; returns how many. */
static size_t append_terms(cz_buf *out, const struct cz__search_query *query, size_t at,
                           bool english, bool negated, const struct syntax *syntax)
{
    size_t count = 0;
    for (size_t i = at; i < query->term_count && (i == at || !query->terms[i].begins); i++) {
        const struct cz__search_term *term = &query->terms[i];
        if (term->negated != negated || (english && cz__search_is_stopped(query, term)))
            continue;
        const char *before =
            negated ? (count ? syntax->next_not : syntax->but_not) : (count ? syntax->and_ : "(");
        cz_buf_append_str(out, cz_str_from(before));
        syntax->append(out, query, term, english);
        count++;
    }
    return count;
}

static void append_query(cz_buf *out, const struct cz__search_query *query, bool english,
                         const struct syntax *syntax)
{
    bool any = false;
    for (size_t i = 0; i < query->term_count; i++) {
        if (!query->terms[i].begins)
            continue;
        cz_buf group = { 0 };
        if (append_terms(&group, query, i, english, false, syntax)) {
            cz_buf_append_char(&group, ')');
            if (append_terms(&group, query, i, english, true, syntax))
                cz_buf_append_str(&group, cz_str_from(syntax->ends));
            cz_buf_printf(out, "%s(%.*s)", any ? syntax->or_ : "", CZ_STR_ARG(cz_buf_str(&group)));
            any = true;
        }
        if (cz_buf_status(&group)) /* what it lacks would be missed by nobody */
            out->status = cz_buf_status(&group);
        cz_buf_done(&group);
    }
    if (!any)
        cz_buf_append_str(out, cz_str_from(syntax->nothing));
}

/* Words have no quotes in them. Stop words at the ends of a phrase are no part of it, as PostgreSQL has it. */
static void append_fts5(cz_buf *out, const struct cz__search_query *query,
                        const struct cz__search_term *term, bool english)
{
    size_t first = 0, end = term->count;
    while (english && is_stop_word(query, term, first))
        first++;
    while (english && is_stop_word(query, term, end - 1))
        end--;
    for (size_t i = first; i < end; i++) {
        cz_buf_append_char(out, i > first ? ' ' : '"');
        cz_buf_append_str(out, query->words[term->first + i]);
    }
    cz_buf_append_str(out, term->prefix ? CZ_STR("\" *") : CZ_STR("\""));
}

/* The whole operand, so that the server takes it for what it takes the same in a text for: one host, say. But tags,
 * which it would pass over. */
static void append_tsquery(cz_buf *out, const struct cz__search_query *query,
                           const struct cz__search_term *term, bool english)
{
    (void)query, (void)english; /* it knows its stop words */
    cz_buf_append_char(out, '\'');
    for (size_t i = 0; i < term->operand.len; i++) {
        char c = term->operand.ptr[i];
        if (c == '\'' || c == '\\')
            cz_buf_append_char(out, c);
        cz_buf_append_char(out, c == '<' || c == '>' ? ' ' : c);
    }
    cz_buf_append_str(out, term->prefix ? CZ_STR("':*") : CZ_STR("'"));
}

void cz__search_write_fts5(const struct cz__search_query *query, bool english, cz_buf *out)
{
    static const struct syntax syntax = { .and_ = " AND ",
                                          .or_ = " OR ",
                                          .but_not = " NOT (",
                                          .next_not = " OR ", /* a chain of NOTs has a limit */
                                          .ends = ")",
                                          .nothing = "\"\"",
                                          .append = append_fts5 };
    append_query(out, query, english, &syntax);
}

void cz__search_write_tsquery(const struct cz__search_query *query, bool english, cz_buf *out)
{
    static const struct syntax syntax = { .and_ = " & ",
                                          .or_ = " | ",
                                          .but_not = " & !",
                                          .next_not = " & !",
                                          .ends = "",
                                          .nothing = "",
                                          .append = append_tsquery };
    append_query(out, query, english, &syntax);
}
