/* base/words.h: lists of words with spaces between, as declarations have them: "png jpg". */
#ifndef CZ_BASE_WORDS_H
#define CZ_BASE_WORDS_H

#include <calzone/context.h>

/* Each with what is left in `*rest`; an empty one at the end. */
cz_str cz__word_next(cz_str *rest);
/* NULL has none. */
bool cz__words_have(const char *words, cz_str word);
bool cz__words_have_icase(const char *words, cz_str word);
/* "png, jpg" of "png jpg", for people. In the arena. Raises: CZ_ENOMEM. */
cz_str cz__words_listed(cz_ctx *ctx, const char *words);

#endif
