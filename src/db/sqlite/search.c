/* Full text: cz_search(query, text), which means what PostgreSQL's websearch_to_tsquery() does without a dictionary.
 *
 *     query = group { "or" group }       one group must hold
 *     group = term { term }              each term must hold
 *     term  = { "-" } operand            the operand is in the text, or is not
 *     operand = '"' ... '"' | word       its words stand one behind the other
 *
 * A word is a run of letters and digits, of any script; ASCII letters are folded, as the I-lookups do. Whatever is
 * none of this is passed over: every query means something, and one without words finds nothing. The text is read
 * once, for all terms. */
#include "db/sqlite/sqlite_internal.h"

enum { WORDS_MAX = CZ__SEARCH_BYTES_MAX / 2 + 1 };

struct term {
    uint16_t first, count; /* its words */
    bool negated, begins;  /* a group */
    bool found;
};

struct query { /* what one text is asked */
    struct term terms[WORDS_MAX];
    cz_str words[WORDS_MAX];  /* point into the query */
    cz_str latest[WORDS_MAX]; /* of the text, a ring */
    size_t term_count, word_count, longest;
};

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

/* Take the next word off `*rest`; false at the end. */
static bool next_word(cz_str *rest, cz_str *out)
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

static cz_str take_operand(cz_str *rest)
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
    return operand;
}

/* An operand without words is none. */
static bool add_term(struct query *query, cz_str operand, bool negated, bool begins)
{
    struct term *term = &query->terms[query->term_count];
    cz_str word;
    *term =
        (struct term){ .first = (uint16_t)query->word_count, .negated = negated, .begins = begins };
    while (next_word(&operand, &word)) {
        query->words[query->word_count++] = word;
        term->count++;
    }
    query->longest = term->count > query->longest ? term->count : query->longest;
    query->term_count += term->count != 0;
    return term->count != 0;
}

static void read_query(struct query *query, cz_str text)
{
    bool negated = false, begins = true, behind = false; /* an operand */
    query->term_count = query->word_count = query->longest = 0;
    for (cz_str rest = text; rest.len;) {
        char c = rest.ptr[0];
        if (is_blank(c)) {
            rest = cz_str_tail(rest, 1);
        } else if (behind && takes_or(&rest)) {
            begins = true;
            behind = false;
        } else if (is_operator(c)) {
            rest = cz_str_tail(rest, 1);
            behind = false;
        } else if (c == '-') {
            rest = cz_str_tail(rest, 1);
            negated = !negated;
            behind = false;
        } else {
            if (add_term(query, take_operand(&rest), negated, begins))
                begins = false;
            negated = false;
            behind = true;
        }
    }
}

/* ---- the text ---- */

/* Whether the term's words are the last ones read, of `count`. */
static bool is_here(const struct query *query, const struct term *term, size_t count)
{
    if (term->count > count)
        return false;
    for (size_t i = 1; i <= term->count; i++)
        if (!cz_str_eq_icase(query->latest[(count - i) % WORDS_MAX],
                             query->words[term->first + term->count - i]))
            return false;
    return true;
}

static bool holds(const struct query *query)
{
    bool group = false;
    for (size_t i = 0; i < query->term_count; i++) {
        const struct term *term = &query->terms[i];
        if (term->begins && group)
            return true;
        group = (group || term->begins) && term->found != term->negated;
    }
    return group;
}

static bool is_found(struct query *query, cz_str text)
{
    size_t count = 0;
    for (cz_str word; next_word(&text, &word);) {
        query->latest[count++ % WORDS_MAX] = word;
        for (size_t i = 0; i < query->term_count; i++)
            if (!query->terms[i].found)
                query->terms[i].found = is_here(query, &query->terms[i], count);
    }
    return holds(query);
}

/* ---- the function ---- */

static cz_str text_of(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);
    return cz_str_of(text ? text : "", (size_t)sqlite3_value_bytes(value));
}

static void search(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct query *query = sqlite3_user_data(context);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
        sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    cz_str asked = text_of(values[0]);
    if (asked.len > CZ__SEARCH_BYTES_MAX) {
        sqlite3_result_error(context, "a search is too long", -1);
        return;
    }
    read_query(query, asked);
    sqlite3_result_int(context, is_found(query, text_of(values[1])));
}

bool cz__sqlite_add_search(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    struct query *query = cz_calloc(1, sizeof *query);
    /* the destructor is called also when this fails */
    return query && sqlite3_create_function_v2(handle, "cz_search", 2, FLAGS, query, search, NULL,
                                               NULL, cz_free) == SQLITE_OK;
}
