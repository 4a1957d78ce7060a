/* Full text: a line of query, then a text. Oracles: no query is an error, of an index neither; what a query in quotes
 * finds, the same behind a "-" does not, and the other way round; the first word of ASCII letters in a text is found in
 * it; an excerpt is a part of the text. */
#include "db/search.h"
#include "db/sqlite/sqlite_internal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static sqlite3_stmt *statement;

static bool search(const char *before, cz_str query, const char *after, cz_str text)
{
    cz_buf whole = { 0 };
    cz_buf_append(&whole, before, strlen(before));
    cz_buf_append_str(&whole, query);
    cz_buf_append(&whole, after, strlen(after));
    expect(cz_buf_status(&whole) == CZ_OK);
    expect(!sqlite3_bind_text64(statement, 1, whole.ptr ? whole.ptr : "", whole.len, SQLITE_STATIC,
                                SQLITE_UTF8));
    expect(!sqlite3_bind_text64(statement, 2, text.len ? text.ptr : "", text.len, SQLITE_STATIC,
                                SQLITE_UTF8));
    expect(sqlite3_step(statement) == SQLITE_ROW);
    bool found = sqlite3_column_int(statement, 0) == 1;
    expect(!sqlite3_reset(statement));
    cz_buf_done(&whole);
    return found;
}

/* ---- indexes ---- */

static sqlite3_stmt *match, *headline;

static void ask_index(cz_str query, bool english)
{
    static struct cz__search_query read;
    cz_buf fts5 = { 0 }, tsquery = { 0 };
    cz__search_read(&read, query);
    cz__search_write_fts5(&read, english, &fts5);
    cz__search_write_tsquery(&read, english, &tsquery);
    expect(!cz_buf_status(&fts5) && !cz_buf_status(&tsquery));
    if (cz_str_find_char(query, '\0') == SIZE_MAX) { /* else refused beforehand */
        expect(!sqlite3_bind_text64(match, 1, fts5.ptr, fts5.len, SQLITE_STATIC, SQLITE_UTF8));
        expect(sqlite3_step(match) == SQLITE_ROW);
        expect(!sqlite3_reset(match));
    }
    cz_buf_done(&fts5);
    cz_buf_done(&tsquery);
}

/* HTML without its marks as the text it is of. */
static void unescape(cz_str html, cz_buf *out)
{
    static const struct {
        const char *html, *text;
    } all[] = { { "<mark>", "" }, { "</mark>", "" },  { "&amp;", "&" }, { "&lt;", "<" },
                { "&gt;", ">" },  { "&quot;", "\"" }, { "&#39;", "'" } };
    while (html.len) {
        size_t i = 0;
        while (i < CZ_COUNT(all) && !cz_str_starts_with(html, cz_str_from(all[i].html)))
            i++;
        bool plain = i == CZ_COUNT(all);
        expect(!plain || !strchr("<>&\"'", html.ptr[0]) || !html.ptr[0]);
        cz_buf_append_str(out, plain ? cz_str_head(html, 1) : cz_str_from(all[i].text));
        html = cz_str_tail(html, plain ? 1 : strlen(all[i].html));
    }
}

static void cut_out(cz_str query, cz_str text, int english)
{
    cz_buf plain = { 0 };
    expect(!sqlite3_bind_int(headline, 1, english));
    expect(!sqlite3_bind_text64(headline, 2, query.len ? query.ptr : "", query.len, SQLITE_STATIC,
                                SQLITE_UTF8));
    expect(!sqlite3_bind_text64(headline, 3, text.len ? text.ptr : "", text.len, SQLITE_STATIC,
                                SQLITE_UTF8));
    expect(sqlite3_step(headline) == SQLITE_ROW);
    const char *html = (const char *)sqlite3_column_text(headline, 0);
    unescape(cz_str_of(html, (size_t)sqlite3_column_bytes(headline, 0)), &plain);
    expect(!plain.len || cz_str_find(text, cz_buf_str(&plain)) != SIZE_MAX);
    expect(!sqlite3_reset(headline));
    cz_buf_done(&plain);
}

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static cz_str first_word(cz_str text)
{
    size_t at = 0, from;
    while (at < text.len && !is_ascii_letter(text.ptr[at]) && (unsigned char)text.ptr[at] < 0x80 &&
           !(text.ptr[at] >= '0' && text.ptr[at] <= '9'))
        at++;
    for (from = at; at < text.len && is_ascii_letter(text.ptr[at]);)
        at++;
    bool ends = at == text.len || ((unsigned char)text.ptr[at] < 0x80 &&
                                   !(text.ptr[at] >= '0' && text.ptr[at] <= '9'));
    return ends ? cz_str_of(text.ptr + from, at - from) : CZ_STR("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sqlite3 *handle;
    if (!handle) {
        expect(!sqlite3_open(":memory:", &handle) && cz__sqlite_add_search(handle) &&
               cz__sqlite_add_headline(handle));
        expect(
            !sqlite3_exec(handle,
                          "CREATE VIRTUAL TABLE i USING fts5(a, b, tokenize='porter unicode61'); "
                          "INSERT INTO i VALUES ('a desert planet', 'the spice must flow')",
                          NULL, NULL, NULL));
        expect(!sqlite3_prepare_v2(handle, "SELECT count(*) FROM i WHERE i MATCH ?1", -1, &match,
                                   NULL));
        expect(!sqlite3_prepare_v2(handle, "SELECT cz_headline(?1, ?2, ?3)", -1, &headline, NULL));
        expect(!sqlite3_prepare_v2(handle, "SELECT cz_search(?1, ?2)", -1, &statement, NULL));
    }
    cz_str text = cz_str_of((const char *)data, size), query = cz_str_cut(&text, '\n');
    if (query.len > CZ__SEARCH_BYTES_MAX - 3)
        return 0;
    bool found = search("", query, "", text);
    for (int english = 0; english < 2; english++) {
        ask_index(query, english);
        cut_out(query, text, english);
    }
    if (cz_str_find_char(query, '"') == SIZE_MAX) {
        bool whole = search("\"", query, "\"", text), none = search("-\"", query, "\"", text);
        bool words = search("\"", query, "\"", query);
        expect(words ? whole != none : !whole && !none);
    }
    cz_str word = cz_str_head(first_word(text), CZ__SEARCH_BYTES_MAX - 3);
    if (word.len && word.len == first_word(text).len)
        expect(search("\"", word, "\"", text));
    expect(!found || query.len);
    return 0;
}
