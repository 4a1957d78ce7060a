/* What of PCRE2 is ECMAScript's, too. `node -e 'new RegExp(process.argv[1], "u")'` says what is not. */
#include "openapi/openapi_internal.h"
#include <calzone/testing.h>

CZ_TEST(a_regex_is_shown_as_others_read_it)
{
    static const struct {
        const char *regex, *shown; /* NULL: not at all; "=": as it is */
    } cases[] = {
        { "", "=" },
        { "^[A-Z]{2}\\d{4}$", "=" },
        { "^(?:a|b)+?(?=c)(?!d)(?<=e)(?<!f)(g)$", "=" },
        { "((?=a)b)*", "=" },
        { "a{2}b{2,}c{2,4}d{2}?", "=" },
        { "[^a-z\\]\\-\\d[]", "=" },
        { "\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/", "=" },
        { "\\bword\\B\\n\\t", "=" },
        { "^\\p{L}\\P{Lu}$", "=" },
        { "caf\xc3\xa9", "=" },
        { "^.+\\s\\S$", "^[^\\n]+[\\t-\\r ][^\\t-\\r ]$" },
        { "[\\s.]", "[\\t-\\r .]" },
        { "[^\\sx]", "[^\\t-\\r x]" },
        { "[\\S]", NULL },
        { "(?i)a", NULL },
        { "(?<year>\\d)", NULL },
        { "(?>a)", NULL },
        { "(?#note)a", NULL },
        { "(*UCP)a", NULL },
        { "a++", NULL },
        { "a*+", NULL },
        { "a{2}+", NULL },
        { "a{", NULL },
        { "a{x}", NULL },
        { "a{,3}", NULL },
        { "a{1,2,3}", NULL },
        { "a}", NULL },
        { "a]", NULL },
        { "[]a]", NULL },
        { "[^]a]", NULL },
        { "[[:alpha:]]", NULL },
        { "\\Aa", NULL },
        { "a\\z", NULL },
        { "\\Qa.b\\E", NULL },
        { "\\h", NULL },
        { "\\v", NULL },
        { "\\R", NULL },
        { "\\-", NULL },
        { "[\\b]", NULL },
        { "\\_", NULL },
        { "(a)\\1", NULL },
        { "\\0", NULL },
        { "\\01", NULL },
        { "[\\1]", NULL },
        { "(?=a)*", NULL },
        { "(?!a){2}", NULL },
        { "(?<!a)?", NULL },
        { "\\p{Greek}", NULL },
        { "\\p{lu}", NULL },
        { "\\p{lL}", NULL },
        { "\\p{LU}", NULL },
        { "\\p{}", NULL },
        { "\\p{ }", NULL },
        { "\\pL", NULL },
        { "\\p{", NULL },
        { "\\", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_buf out = { 0 };
        bool shown = cz__regex_to_ecmascript(cz_str_from(cases[i].regex), &out);
        const char *want = !cases[i].shown               ? ""
                           : strcmp(cases[i].shown, "=") ? cases[i].shown
                                                         : cases[i].regex;
        CZ_EXPECT_MSG(shown == (cases[i].shown != NULL) &&
                          (!shown || cz_str_eq(cz_buf_str(&out), cz_str_from(want))),
                      "\"%s\" is \"%.*s\"", cases[i].regex, CZ_STR_ARG(cz_buf_str(&out)));
        cz_buf_done(&out);
    }
}
