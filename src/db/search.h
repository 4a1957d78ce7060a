/* db/search.h: queries of full text, as a person types them.
 *
 *     query = group { "or" group }               one group must hold
 *     group = term { term }                      each term must hold
 *     term  = { "-" } operand                    the operand is in the text, or is not
 *     operand = ( '"' ... '"' | word ) [ "*" ]   its words stand one behind the other; "*": the last one's beginning
 *
 * which is websearch_to_tsquery()'s grammar of PostgreSQL (12.3.2) but for the "*", which indexes alone know. A word
 * is a run of letters and digits, of any script. Whatever is none of this is passed over: every query means
 * something, and one without words finds nothing. */
#ifndef CZ_DB_SEARCH_H
#define CZ_DB_SEARCH_H

#include <calzone/buf.h>

enum { CZ__SEARCH_BYTES_MAX = 1000, CZ__SEARCH_WORDS_MAX = CZ__SEARCH_BYTES_MAX / 2 + 1 };

struct cz__search_term {
    cz_str operand;        /* as it was typed, without its quotes */
    uint16_t first, count; /* its words */
    bool negated, begins;  /* a group */
    bool prefix;           /* the last word is the beginning of one */
};

struct cz__search_query {
    struct cz__search_term terms[CZ__SEARCH_WORDS_MAX];
    cz_str words[CZ__SEARCH_WORDS_MAX]; /* point into the query */
    size_t term_count, word_count;
};

/* Take the next word off `*rest`; false at the end. */
bool cz__search_next_word(cz_str *rest, cz_str *out);
/* Read a query of at most CZ__SEARCH_BYTES_MAX bytes, which `out` borrows. Terms without words are left out. */
void cz__search_read(struct cz__search_query *out, cz_str text);

/* For an index, in the syntax of SQLite's FTS5 (sqlite.org/fts5.html, 3) and of PostgreSQL's to_tsquery(): terms are
 * quoted, so nothing in them is syntax. A group of which only "-" terms are left finds nothing, as an index has no
 * list of what lacks a word. `english`: terms of nothing but stop words are left out. */
void cz__search_write_fts5(const struct cz__search_query *query, bool english, cz_buf *out);
/* Leave out the "-" terms: to ts_rank() they are words that are missing from every row that is found. */
void cz__search_leave_negated(struct cz__search_query *query);
void cz__search_write_tsquery(const struct cz__search_query *query, bool english, cz_buf *out);
/* Whether a term has nothing but the stop words of PostgreSQL's `english`, which Snowball's are. */
bool cz__search_is_stopped(const struct cz__search_query *query,
                           const struct cz__search_term *term);

#endif
