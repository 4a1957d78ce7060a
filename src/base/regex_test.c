#include "base/regex.h"
#include <calzone/testing.h>
#include <calzone/time.h>

static int search(const char *regex, unsigned flags, cz_str text, cz_error *err)
{
    struct cz__regex *made = NULL;
    bool found = false;
    cz_status status = cz__regex_create(cz_str_from(regex), flags, &made, err);
    if (!status)
        status = cz__regex_search(made, text, &found, err);
    cz__regex_destroy(made);
    return status ? (int)status : found;
}

CZ_TEST(a_regex_finds_what_is_anywhere)
{
    static const struct {
        const char *regex;
        unsigned flags;
        const char *text;
        int found;
    } cases[] = {
        { "b", 0, "abc", 1 },
        { "^b", 0, "abc", 0 },
        { "", 0, "", 1 },
        { "x", 0, "", 0 },
        { "B", 0, "abc", 0 },
        { "B", CZ__REGEX_CASELESS, "abc", 1 },
        { "^\\d+$", 0, "12", 1 },
        { "^\\d+$", 0, "12\n", 0 },
        { "^\\d+$", CZ__REGEX_PYTHON, "12\n", 1 },
        { "^\\d$", 0, "\xd9\xa3", 0 }, /* an Arabic digit */
        { "^\\d$", CZ__REGEX_PYTHON, "\xd9\xa3", 1 },
        { "^\\w+$", 0, "na\xc3\xafve", 0 },
        { "^\\S+$", 0, "\xc3\xa9t\xc3\xa9", 1 },
        { "^\\D+$", 0, "\xc3\xa9", 1 },
        { "^\\W$", 0, "\xc3\xa9", 1 },
        { "^[^a]+$", 0, "\xc3\xa9\xe2\x82\xac", 1 },
        { "^\\S+@\\S+$", 0, "\xc3\xa9@\xc3\xbc", 1 },
        { "^.$", 0, "\xc3\xa9", 1 },
        { "^\\p{Lu}", 0, "\xc3\x89t\xc3\xa9", 1 },
        { "b", 0, "\xff\xfe b \xff", 0 },
        { "b", CZ__REGEX_PYTHON, "\xff\xfe b \xff", 1 },
        { "\\Gb", 0, "b", CZ_EVALIDATION },
        { "\\\\Gb", 0, "\\Gb", 1 },
        { "(a", 0, "a", CZ_EVALIDATION },
        { "\\C", 0, "a", CZ_EVALIDATION },
        { "a{70000}", 0, "a", CZ_EVALIDATION },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int found = search(cases[i].regex, cases[i].flags, cz_str_from(cases[i].text), NULL);
        CZ_EXPECT_MSG(found == cases[i].found, "\"%s\" in \"%s\" is %d", cases[i].regex,
                      cases[i].text, found);
    }
    cz_error err;
    CZ_EXPECT_EQ(search("(a", 0, CZ_STR("a"), &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "a regular expression is malformed: missing closing parenthesis, at byte 2");
    static char longest[CZ__REGEX_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    CZ_EXPECT_EQ(search(longest, 0, CZ_STR("a"), &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(search(longest + 1, 0, CZ_STR("a"), &err), 0);
    cz__regex_destroy(NULL);
}

/* Each would take years. */
CZ_TEST(a_regex_that_takes_too_long_is_given_up)
{
    static const char *const regexes[] = {
        "^(a|aa)+$(?=x)y|(a*)*\\d",
        "(a|aa)+b\\d",
        "(a*)*b\\d",
        "^(a+)+$",
        "a{0,90}a{0,90}c|b\\d",
        "^(?:(?=.*b)(?=.*b)(?=.*b)a)+$",
        "^(?:a(?=[^b]*b))*+$",
        "^(?:a(?=\\w+b))*$",
        "(?:(?=[^x]*$)a)*c",
        "(?i)(\\w+)\\1{3}\\d",
    };
    static char text[8192];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 'b'; /* what must be there is there */
    for (size_t i = 0; i < sizeof text; i += 10)
        text[i] = ' ';
    CZ_EXPECT_EQ(search("(?:[a-z]+ ?)+$", 0, cz_str_of(text, sizeof text), NULL),
                 1); /* long, and easy */
    memset(text, 'a', sizeof text - 1);
    CZ_EXPECT_EQ(search("b$", 0, cz_str_of(text, sizeof text), NULL), 1); /* at the last place */
    CZ_EXPECT_EQ(search("(?<=a)$", 0, cz_str_of(text, sizeof text - 1), NULL), 1);
    CZ_EXPECT_EQ(search("c$", 0, cz_str_of(text, sizeof text), NULL), 0);
    for (size_t i = 0; i < CZ_COUNT(regexes); i++) {
        int64_t before_us = cz_monotonic_us();
        cz_error err = { 0 };
        int found = search(regexes[i], 0, cz_str_of(text, sizeof text), &err);
        CZ_EXPECT_MSG(found == CZ_ETOOBIG || found == 0, "%s: %d", regexes[i], found);
        CZ_EXPECT_MSG(cz_monotonic_us() - before_us < 1000000, "%s", regexes[i]);
        CZ_EXPECT(found == 0 || cz_str_starts_with(cz_str_from(cz_error_message(&err)),
                                                   CZ_STR("a regular expression was given up: ")));
    }
}
