/* What of PCRE2 is ECMAScript's, too. `node -e 'new RegExp(process.argv[1], "u")'` says what is not. */
#include "openapi/openapi_internal.h"
#include <calzone/testing.h>

CZ_TEST(a_regex_is_shown_where_it_means_the_same)
{
    static const struct {
        const char *regex;
        bool portable;
    } cases[] = {
        { "", true },
        { "^[A-Z]{2}\\d{4}$", true },
        { "^(?:a|b)+?(?=c)(?!d)(?<=e)(?<!f)(g)$", true },
        { "a{2}b{2,}c{2,4}d{2}?", true },
        { "[^a-z\\]\\-\\d[]", true },
        { "\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/", true },
        { "\\bword\\B\\n\\t", true },
        { "^\\p{L}\\P{Lu}$", true },
        { "caf\xc3\xa9", true },
        { "(?i)a", false },
        { "(?<year>\\d)", false },
        { "(?>a)", false },
        { "(?#note)a", false },
        { "(*UCP)a", false },
        { "a++", false },
        { "a*+", false },
        { "a{2}+", false },
        { "a{", false },
        { "a{x}", false },
        { "a{,3}", false },
        { "a{1,2,3}", false },
        { "a}", false },
        { "a]", false },
        { "[]a]", false },
        { "[^]a]", false },
        { "[[:alpha:]]", false },
        { "\\Aa", false },
        { "a\\z", false },
        { "\\Qa.b\\E", false },
        { "\\h", false },
        { "\\v", false },
        { "\\R", false },
        { "\\-", false },
        { "[\\b]", false },
        { "\\_", false },
        { "\\p{Greek}", false },
        { "\\pL", false },
        { "\\p{", false },
        { "\\", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(cz__regex_is_portable(cz_str_from(cases[i].regex)) == cases[i].portable,
                      "\"%s\"", cases[i].regex);
}
