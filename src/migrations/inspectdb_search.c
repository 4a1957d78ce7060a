/* Indexes of full text that Calzone made, told from others: on SQLite by what the driver describes, on PostgreSQL by
 * their expression, as the server prints the one that src/db/postgresql/search.c writes. */
#include "migrations/inspectdb_internal.h"
#include "orm/orm.h"

static bool take(cz_str *rest, cz_str text)
{
    if (!cz_str_starts_with(*rest, text))
        return false;
    *rest = cz_str_tail(*rest, text.len);
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* A column's name, quoted where it must be; NULL: none stands here. */
static const char *take_name(cz_ctx *ctx, cz_str *rest)
{
    size_t end = 0, len = 0;
    bool quoted = rest->len && rest->ptr[0] == '"';
    char *name = cz_alloc(ctx, rest->len + 1);
    for (end = quoted; end < rest->len; end++) {
        if (quoted && rest->ptr[end] == '"' && (++end == rest->len || rest->ptr[end] != '"'))
            break;
        if (!quoted && !is_name_byte(rest->ptr[end]))
            break;
        name[len++] = rest->ptr[end];
    }
    name[len] = '\0';
    *rest = cz_str_tail(*rest, end);
    return len ? name : NULL;
}

/* to_tsvector('english'::regconfig, COALESCE(title, ''::text)) */
static const char *take_words(cz_ctx *ctx, cz_str *rest, const char **language)
{
    if (!take(rest, CZ_STR("to_tsvector('")))
        return NULL;
    const char *said = cz_copy(ctx, cz_str_cut(rest, '\'')).ptr;
    if ((*language && strcmp(*language, said) != 0) || !take(rest, CZ_STR("::regconfig, ")))
        return NULL;
    *language = said;
    bool or_none = take(rest, CZ_STR("COALESCE("));
    const char *name = take_name(ctx, rest);
    bool as_text = or_none ? take(rest, CZ_STR(", ''::text)")) ||
                                 take(rest, CZ_STR(", ''::character varying)::text"))
                           : take(rest, CZ_STR("::text")) || true;
    return name && as_text && take(rest, CZ_STR(")")) ? name : NULL;
}

/* The words of one column after another, each with its weight or none with one. */
static bool read_columns(cz_ctx *ctx, cz_str rest, struct cz__inspected_search *out)
{
    char *weights = cz_alloc(ctx, rest.len + 1);
    size_t weighted = 0;
    out->columns = cz_array(ctx, const char *, rest.len + 1);
    for (bool more = true; more; more = take(&rest, CZ_STR(" || "))) {
        while (take(&rest, CZ_STR("(")))
            continue; /* "||" is read from the left, which the server says */
        bool weighs = take(&rest, CZ_STR("setweight("));
        const char *name = take_words(ctx, &rest, &out->language);
        if (!name || weighted != (weighs ? out->count : 0))
            return false;
        out->columns[out->count++] = name;
        if (weighs) {
            if (!take(&rest, CZ_STR(", '")) || !rest.len)
                return false;
            weights[weighted++] = rest.ptr[0];
            rest = cz_str_tail(rest, 1);
            if (!take(&rest, CZ_STR("'::\"char\")")))
                return false;
        }
        while (take(&rest, CZ_STR(")")))
            continue;
    }
    weights[weighted] = '\0';
    out->weights = weighted ? weights : NULL;
    return !rest.len;
}

bool cz__inspect_search(cz_ctx *ctx, const cz__index_info *index, struct cz__inspected_search *out)
{
    struct cz__inspected_search found = { .columns = index->columns,
                                          .count = index->column_count,
                                          .language = index->search };
    if (!index->search) {
        found.count = 0;
        if (index->column_count != 1 || !index->method || strcmp(index->method, "gin") != 0 ||
            index->where || index->special || index->unique ||
            !read_columns(ctx, cz_str_from(index->columns[0]), &found) ||
            !cz__is_search_language(found.language))
            return false;
    }
    *out = found;
    return true;
}
