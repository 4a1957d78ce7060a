/* Full text: cz_headline(english, query, text), the words of a text around those a query finds, as HTML: the text
 * escaped and what is found in <mark>. Words are FTS5's own, so those are marked that an index finds
 * (sqlite.org/fts5.html, 7). Like PostgreSQL's ts_headline() it gives 35 words at most. */
#include "db/search.h"
#include "db/sqlite/sqlite_internal.h"

enum { WINDOW = 35, LEAD = 4, TOKENS_MAX = 64 };

struct tokenizer {
    fts5_tokenizer calls;
    Fts5Tokenizer *state; /* NULL: not made yet */
};

struct headliner { /* a connection's */
    struct tokenizer plain, english;
    struct cz__search_query query;
    struct token {
        cz_str text; /* in `texts` */
        bool prefix;
    } tokens[TOKENS_MAX];
    size_t token_count;
    cz_buf texts;
};

/* ---- FTS5 ---- */

static fts5_api *find_fts5(sqlite3 *handle)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        cz_ignore(sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL)); /* else NULL */
        cz_ignore(sqlite3_step(statement));
    }
    cz_ignore(sqlite3_finalize(statement));
    return api;
}

static bool make_tokenizer(sqlite3 *handle, const char *name, struct tokenizer *out)
{
    const char *args[] = { "unicode61", "remove_diacritics", "0" };
    bool porter = strcmp(name, "porter") == 0; /* it takes the one beneath it first */
    void *data = NULL;
    fts5_api *api = out->state ? NULL : find_fts5(handle);
    if (out->state)
        return true;
    return api && api->xFindTokenizer(api, name, &data, &out->calls) == SQLITE_OK &&
           out->calls.xCreate(data, porter ? args : args + 1, porter ? 3 : 2, &out->state) ==
               SQLITE_OK;
}

static void headliner_destroy(void *data)
{
    struct headliner *h = data;
    struct tokenizer *all[] = { &h->plain, &h->english };
    for (size_t i = 0; i < CZ_COUNT(all); i++)
        if (all[i]->state)
            all[i]->calls.xDelete(all[i]->state);
    cz_buf_done(&h->texts);
    cz_free(h);
}

/* ---- what is asked ---- */

static int keep_token(void *data, int flags, const char *token, int len, int from, int end)
{
    struct headliner *h = data;
    (void)flags, (void)from, (void)end;
    if (h->token_count == TOKENS_MAX)
        return SQLITE_OK; /* the others are not marked */
    h->tokens[h->token_count++] = (struct token){ .text = { NULL, (size_t)len } };
    cz_buf_append(&h->texts, token, (size_t)len);
    return SQLITE_OK;
}

/* The words of the terms that are not negated. */
static int read_query(struct headliner *h, const struct tokenizer *tokenizer, bool english,
                      cz_str query)
{
    int code = SQLITE_OK;
    h->token_count = 0;
    cz_buf_clear(&h->texts);
    cz__search_read(&h->query, query);
    for (size_t i = 0; code == SQLITE_OK && i < h->query.term_count; i++) {
        const struct cz__search_term *term = &h->query.terms[i];
        if (term->negated || (english && cz__search_is_stopped(&h->query, term)))
            continue;
        size_t before = h->token_count;
        code = tokenizer->calls.xTokenize(tokenizer->state, h, FTS5_TOKENIZE_QUERY,
                                          term->operand.ptr, (int)term->operand.len, keep_token);
        if (h->token_count > before)
            h->tokens[h->token_count - 1].prefix = term->prefix;
    }
    cz_str rest = cz_buf_str(&h->texts);
    for (size_t i = 0; i < h->token_count && !cz_buf_status(&h->texts); i++) {
        h->tokens[i].text = cz_str_head(rest, h->tokens[i].text.len);
        rest = cz_str_tail(rest, h->tokens[i].text.len);
    }
    return cz_buf_status(&h->texts) ? SQLITE_NOMEM : code;
}

static bool is_asked(const struct headliner *h, cz_str word)
{
    for (size_t i = 0; i < h->token_count; i++)
        if (h->tokens[i].prefix ? cz_str_starts_with(word, h->tokens[i].text)
                                : cz_str_eq(word, h->tokens[i].text))
            return true;
    return false;
}

/* ---- the text ---- */

struct window { /* which words are given: those with the most found ones, the first such */
    const struct headliner *headliner;
    size_t count;              /* of words read */
    bool ring[WINDOW];         /* whether each of the latest is found */
    size_t found, most, begin; /* of the ring's; of the best, whose first word has this number */
};

/* The number of the first word: some before the first that is found, and the last that is found is in. */
static size_t begin_here(const struct window *window)
{
    size_t oldest = window->count > WINDOW ? window->count - WINDOW : 0, first = oldest;
    while (!window->ring[first % WINDOW])
        first++;
    size_t begin = first > LEAD ? first - LEAD : 0;
    return begin > oldest ? begin : oldest;
}

static int measure(void *data, int flags, const char *token, int len, int from, int end)
{
    struct window *window = data;
    (void)from, (void)end;
    if (flags & FTS5_TOKEN_COLOCATED)
        return SQLITE_OK;
    bool *place = &window->ring[window->count % WINDOW];
    window->found -= *place;
    *place = is_asked(window->headliner, cz_str_of(token, (size_t)len));
    window->found += *place;
    window->count++;
    if (window->found > window->most) {
        window->most = window->found;
        window->begin = begin_here(window);
    }
    return SQLITE_OK;
}

struct writer {
    const struct headliner *headliner;
    cz_str text;
    size_t begin, count; /* words before the excerpt; words read */
    size_t at;           /* bytes written */
    cz_buf out;
};

static void append_escaped(cz_buf *out, cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        cz_str escaped = c == '&'    ? CZ_STR("&amp;")
                         : c == '<'  ? CZ_STR("&lt;")
                         : c == '>'  ? CZ_STR("&gt;")
                         : c == '"'  ? CZ_STR("&quot;")
                         : c == '\'' ? CZ_STR("&#39;")
                                     : cz_str_of(text.ptr + i, 1);
        cz_buf_append_str(out, escaped);
    }
}

static int write_word(void *data, int flags, const char *token, int len, int from, int end)
{
    struct writer *w = data;
    size_t number = w->count;
    if (flags & FTS5_TOKEN_COLOCATED)
        return SQLITE_OK;
    w->count++;
    if (number < w->begin || number >= w->begin + WINDOW)
        return SQLITE_OK;
    bool asked = is_asked(w->headliner, cz_str_of(token, (size_t)len));
    size_t before = number == w->begin && number ? (size_t)from : w->at;
    append_escaped(&w->out, cz_str_of(w->text.ptr + before, (size_t)from - before));
    cz_buf_append_str(&w->out, asked ? CZ_STR("<mark>") : CZ_STR(""));
    append_escaped(&w->out, cz_str_of(w->text.ptr + from, (size_t)(end - from)));
    cz_buf_append_str(&w->out, asked ? CZ_STR("</mark>") : CZ_STR(""));
    w->at = (size_t)end;
    return SQLITE_OK;
}

static int write_headline(struct headliner *h, const struct tokenizer *tokenizer, cz_str text,
                          cz_buf *out)
{
    struct window window = { .headliner = h };
    int code = tokenizer->calls.xTokenize(tokenizer->state, &window, FTS5_TOKENIZE_AUX, text.ptr,
                                          (int)text.len, measure);
    size_t last = window.count > WINDOW ? window.count - WINDOW : 0; /* a full one at the end */
    struct writer writer = { .headliner = h,
                             .text = text,
                             .begin = window.begin < last ? window.begin : last };
    if (code == SQLITE_OK)
        code = tokenizer->calls.xTokenize(tokenizer->state, &writer, FTS5_TOKENIZE_AUX, text.ptr,
                                          (int)text.len, write_word);
    if (code == SQLITE_OK && window.count <= writer.begin + WINDOW)
        append_escaped(&writer.out, cz_str_tail(text, writer.at));
    *out = writer.out;
    return cz_buf_status(out) ? SQLITE_NOMEM : code;
}

/* ---- the function ---- */

static void headline(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct headliner *h = sqlite3_user_data(context);
    sqlite3 *handle = sqlite3_context_db_handle(context);
    bool english = sqlite3_value_int(values[0]) != 0;
    struct tokenizer *tokenizer = english ? &h->english : &h->plain;
    if (sqlite3_value_type(values[1]) == SQLITE_NULL ||
        sqlite3_value_type(values[2]) == SQLITE_NULL)
        return;
    cz_str query = cz__sqlite_text(values[1]), text = cz__sqlite_text(values[2]);
    if (query.len > CZ__SEARCH_BYTES_MAX) {
        sqlite3_result_error(context, "a search is too long", -1);
        return;
    }
    if (!make_tokenizer(handle, english ? "porter" : "unicode61", tokenizer)) {
        sqlite3_result_error(context, "this SQLite was built without FTS5", -1);
        return;
    }
    cz_buf out = { 0 };
    int code = read_query(h, tokenizer, english, query);
    if (code == SQLITE_OK)
        code = write_headline(h, tokenizer, text, &out);
    if (code == SQLITE_OK)
        sqlite3_result_text64(context, out.ptr ? out.ptr : "", out.len, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    else
        sqlite3_result_error_code(context, code);
    cz_buf_done(&out);
}

bool cz__sqlite_add_headline(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY };
    struct headliner *h = cz_calloc(1, sizeof *h);
    /* the destructor is called also when this fails */
    return h && sqlite3_create_function_v2(handle, "cz_headline", 3, FLAGS, h, headline, NULL, NULL,
                                           headliner_destroy) == SQLITE_OK;
}
