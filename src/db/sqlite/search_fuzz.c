/* Full text: a line of query, then a text. Oracles: no query is an error; what a query in quotes finds, the same behind
 * a "-" does not, and the other way round; the first word of ASCII letters in a text is found in it. */
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
        expect(!sqlite3_open(":memory:", &handle) && cz__sqlite_add_search(handle));
        expect(!sqlite3_prepare_v2(handle, "SELECT cz_search(?1, ?2)", -1, &statement, NULL));
    }
    cz_str text = cz_str_of((const char *)data, size), query = cz_str_cut(&text, '\n');
    if (query.len > CZ__SEARCH_BYTES_MAX - 3)
        return 0;
    bool found = search("", query, "", text);
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
