#include <calzone/testing.h>
#include "db/sqlite/sqlite_internal.h"
#include <stdio.h>

static sqlite3 *open_connection(void)
{
    sqlite3 *db;
    CZ_REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK);
    CZ_REQUIRE_OK(cz__sqlite_add_functions(db));
    return db;
}

/* What "name(pattern, text)" gives: 0, 1, -1 for NULL, -2 for an error, told by sqlite3_errmsg(). */
static int match(sqlite3 *db, const char *name, cz_str pattern, cz_str text)
{
    char sql[64];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof sql, "SELECT %s(?, ?)", name);
    CZ_REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    sqlite3_bind_text(statement, 1, pattern.ptr, (int)pattern.len, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, text.ptr, (int)text.len, SQLITE_STATIC);
    int code = sqlite3_step(statement), result = -2;
    if (code == SQLITE_ROW)
        result = sqlite3_column_type(statement, 0) == SQLITE_NULL
                     ? -1
                     : sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

CZ_TEST(regular_expressions_search_text_as_pythons_do)
{
    sqlite3 *db = open_connection();
    static const struct {
        const char *name, *pattern, *text;
        int expected;
    } cases[] = {
        { "cz_regex", "^The (Left|Right)", "The Left Hand", 1 },
        { "cz_regex", "^the", "The Left Hand", 0 },
        { "cz_iregex", "^the", "The Left Hand", 1 },
        { "cz_regex", "Hand$", "The Left Hand", 1 },
        { "cz_regex", "", "x", 1 },
        { "cz_regex", "x", "", 0 },
        { "cz_regex", "^\\w+$", "na\xc3\xafve", 1 },
        { "cz_iregex", "\xc3\x89T\xc3\x89", "un \xc3\xa9t\xc3\xa9", 1 },
        { "cz_regex", "^.$", "\xc3\xa9", 1 },
        { "cz_regex", "a.c", "a\nc", 0 },
        { "cz_regex", "b", "\xff\xfe b \xff",
          1 }, /* what is not UTF-8 matches nothing, the rest does */
        { "regexp", "l.ft", "The left", 1 },
        { "cz_regex", "(a", "a", -2 },
        { "cz_regex", "\\C", "a", -2 },
        { "cz_regex", "a{70000}", "a", -2 },
    };
    for (int round = 0; round < 2; round++) /* the second from the cache */
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            int result =
                match(db, cases[i].name, cz_str_from(cases[i].pattern), cz_str_from(cases[i].text));
            CZ_EXPECT_MSG(result == cases[i].expected, "%s(\"%s\", \"%s\") is %d", cases[i].name,
                          cases[i].pattern, cases[i].text, result);
        }
    CZ_EXPECT_EQ(match(db, "cz_regex", CZ_STR("(a"), CZ_STR("a")), -2);
    CZ_EXPECT_STR(cz_str_from(sqlite3_errmsg(db)),
                  "a regular expression is malformed: missing closing parenthesis, at byte 2");
    CZ_EXPECT_EQ(match(db, "cz_regex", (cz_str){ NULL, 0 }, CZ_STR("a")), -1);
    CZ_EXPECT_EQ(match(db, "cz_iregex", CZ_STR("a"), (cz_str){ NULL, 0 }), -1);
    sqlite3_close(db);
}

CZ_TEST(a_regular_expression_that_takes_too_long_is_given_up)
{
    sqlite3 *db = open_connection();
    static char text[60000], pattern[10002];
    memset(text, 'a', sizeof text);
    memset(pattern, 'a', sizeof pattern);
    int64_t before_us = cz_monotonic_us();
    CZ_EXPECT_EQ(match(db, "cz_regex", CZ_STR("^(a+)+$x"), cz_str_of(text, sizeof text)), 0);
    CZ_EXPECT_EQ(
        match(db, "cz_regex", CZ_STR("^(a|aa)+b*c?$(?=x)y|(a*)*\\d"), cz_str_of(text, sizeof text)),
        -2);
    CZ_EXPECT(cz_str_starts_with(cz_str_from(sqlite3_errmsg(db)),
                                 CZ_STR("a regular expression was given up: ")));
    CZ_EXPECT(cz_monotonic_us() - before_us < 5 * 1000000);
    CZ_EXPECT_EQ(match(db, "cz_regex", cz_str_of(pattern, sizeof pattern), CZ_STR("a")), -2);
    CZ_EXPECT_EQ(match(db, "cz_regex", cz_str_of(pattern, 10000), cz_str_of(text, sizeof text)), 1);
    sqlite3_close(db);
}

CZ_TEST(more_patterns_than_a_connection_keeps_all_work)
{
    sqlite3 *db = open_connection();
    char pattern[16];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 40; i++) {
            snprintf(pattern, sizeof pattern, "^%d$", i);
            CZ_EXPECT_EQ(match(db, "cz_regex", cz_str_from(pattern), CZ_STR("17")), i == 17);
            CZ_EXPECT_EQ(match(db, "cz_regex", CZ_STR("^1"), CZ_STR("17")), 1);
        }
    sqlite3_close(db);
}
