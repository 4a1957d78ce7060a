/* ?search=: every word in one of the fields, as DRF's SearchFilter. */
#include <calzone/errors.h>
#include <calzone/filters.h>
#include "orm/orm.h"

/* The next word, between spaces and commas; empty at the end. */
static cz_str next_word(cz_str *rest)
{
    static const char between[] = ", \t\n\r\v\f";
    while (rest->len && strchr(between, rest->ptr[0]))
        *rest = cz_str_tail(*rest, 1);
    size_t len = 0;
    while (len < rest->len && !strchr(between, rest->ptr[len]))
        len++;
    cz_str word = cz_str_head(*rest, len);
    *rest = cz_str_tail(*rest, len);
    return word;
}

/* That the word is in one of the fields. */
static cz_cond in_any(cz_ctx *ctx, cz_model *model, const cz_search_fields *fields, cz_str word)
{
    cz_cond *any = cz_array(ctx, cz_cond, fields->count);
    for (size_t i = 0; i < fields->count; i++)
        any[i] = cz_cond_text(
            ctx, model, fields->items[i].path,
            fields->items[i].lookup ? fields->items[i].lookup : CZ_LOOKUP_ICONTAINS, word);
    return cz__cond_any(ctx, any, fields->count);
}

/* As DRF, which leaves out NULs because no database has them in text. */
static cz_str without_nuls(cz_ctx *ctx, cz_str text)
{
    if (!text.len || !memchr(text.ptr, '\0', text.len))
        return text;
    char *kept = cz_array(ctx, char, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i])
            kept[len++] = text.ptr[i];
    return cz_str_of(kept, len);
}

cz_cond cz_search_rows(cz_ctx *ctx, const cz_request *req, cz_model *model,
                       const cz_search_fields *fields, bool *out_distinct)
{
    cz_str rest, word;
    if (!req->query.len || !fields->count || !cz_query_get(ctx, req, CZ_STR("search"), &rest))
        return NULL;
    rest = without_nuls(ctx, rest);
    cz_cond *words = cz_array(ctx, cz_cond, CZ_SEARCH_WORDS_MAX);
    size_t count = 0;
    while ((word = next_word(&rest)).len) {
        if (count == CZ_SEARCH_WORDS_MAX)
            cz_raise_field(ctx, CZ_STR("search"), "max_length", "Search for at most %d words.",
                           CZ_SEARCH_WORDS_MAX);
        words[count++] = in_any(ctx, model, fields, word);
    }
    for (size_t i = 0; count && i < fields->count; i++)
        *out_distinct |= cz__path_is_many(model, fields->items[i].path);
    return count ? cz_cond_all(ctx, words, count) : NULL;
}
