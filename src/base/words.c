#include "base/words.h"
#include <calzone/buf.h>

cz_str cz__word_next(cz_str *rest)
{
    cz_str word = CZ_STR("");
    while (rest->len && !word.len)
        word = cz_str_cut(rest, ' ');
    return word;
}

static bool has(const char *words, cz_str word, bool (*equal)(cz_str a, cz_str b))
{
    cz_str rest = cz_str_from(words);
    for (cz_str one; (one = cz__word_next(&rest)).len;)
        if (equal(one, word))
            return true;
    return false;
}

bool cz__words_have(const char *words, cz_str word)
{
    return has(words, word, cz_str_eq);
}

bool cz__words_have_icase(const char *words, cz_str word)
{
    return has(words, word, cz_str_eq_icase);
}

cz_str cz__words_listed(cz_ctx *ctx, const char *words)
{
    cz_str rest = cz_str_from(words);
    cz_buf *list = cz_scratch(ctx);
    for (cz_str word; (word = cz__word_next(&rest)).len;)
        cz_buf_printf(list, "%s%.*s", cz_buf_str(list).len ? ", " : "", CZ_STR_ARG(word));
    cz_check(ctx, cz_buf_status(list));
    return cz_copy(ctx, cz_buf_str(list));
}
