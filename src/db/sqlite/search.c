/* Full text: cz_search(query, text), which means what PostgreSQL's websearch_to_tsquery() does without a dictionary
 * (db/search.h). ASCII letters are folded, as the I-lookups do. The text is read once, for all terms. */
#include "db/search.h"
#include "db/sqlite/sqlite_internal.h"

struct search { /* what one text is asked */
    struct cz__search_query query;
    bool found[CZ__SEARCH_WORDS_MAX];    /* by term */
    cz_str latest[CZ__SEARCH_WORDS_MAX]; /* words of the text, a ring */
};

/* Whether the term's words are the last ones read, of `count`. */
static bool is_here(const struct search *search, const struct cz__search_term *term, size_t count)
{
    if (term->count > count)
        return false;
    for (size_t i = 1; i <= term->count; i++)
        if (!cz_str_eq_icase(search->latest[(count - i) % CZ__SEARCH_WORDS_MAX],
                             search->query.words[term->first + term->count - i]))
            return false;
    return true;
}

static bool holds(const struct search *search)
{
    bool group = false;
    for (size_t i = 0; i < search->query.term_count; i++) {
        const struct cz__search_term *term = &search->query.terms[i];
        if (term->begins && group)
            return true;
        group = (group || term->begins) && search->found[i] != term->negated;
    }
    return group;
}

static bool is_found(struct search *search, cz_str text)
{
    size_t count = 0;
    memset(search->found, 0, sizeof search->found);
    for (cz_str word; cz__search_next_word(&text, &word);) {
        search->latest[count++ % CZ__SEARCH_WORDS_MAX] = word;
        for (size_t i = 0; i < search->query.term_count; i++)
            if (!search->found[i])
                search->found[i] = is_here(search, &search->query.terms[i], count);
    }
    return holds(search);
}

static void search(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct search *search = sqlite3_user_data(context);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
        sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    cz_str asked = cz__sqlite_text(values[0]);
    if (asked.len > CZ__SEARCH_BYTES_MAX) {
        sqlite3_result_error(context, "a search is too long", -1);
        return;
    }
    cz__search_read(&search->query, asked);
    sqlite3_result_int(context, is_found(search, cz__sqlite_text(values[1])));
}

bool cz__sqlite_add_search(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    struct search *state = cz_calloc(1, sizeof *state);
    /* the destructor is called also when this fails */
    return state && sqlite3_create_function_v2(handle, "cz_search", 2, FLAGS, state, search, NULL,
                                               NULL, cz_free) == SQLITE_OK;
}
