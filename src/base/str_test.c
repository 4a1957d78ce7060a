#include <calzone/testing.h>
#include <stdio.h>

CZ_TEST(the_empty_string_works_everywhere_also_without_a_pointer)
{
    cz_str none = { NULL, 0 }, rest = none;
    CZ_EXPECT(cz_str_eq(none, CZ_STR("")));
    CZ_EXPECT(cz_str_eq_icase(none, CZ_STR("")));
    CZ_EXPECT_EQ(cz_str_cmp(none, none), 0);
    CZ_EXPECT_EQ(cz_str_head(none, 5).len, 0);
    CZ_EXPECT_EQ(cz_str_tail(none, 0).len, 0);
    CZ_EXPECT_EQ(cz_str_tail(none, 5).len, 0);
    CZ_EXPECT(cz_str_starts_with(none, none) && cz_str_ends_with(none, none));
    CZ_EXPECT(cz_str_find(none, none) == 0 && cz_str_find(none, CZ_STR("a")) == SIZE_MAX);
    CZ_EXPECT(cz_str_find_char(none, 'a') == SIZE_MAX);
    CZ_EXPECT_EQ(cz_str_count(none, 'a'), 0);
    CZ_EXPECT_EQ(cz_str_trim(none).len, 0);
    CZ_EXPECT_EQ(cz_str_cut(&rest, ',').len, 0);
    CZ_EXPECT(cz_str_is_utf8(none) && cz_str_utf8_length(none) == 0);
    CZ_EXPECT(cz_str_eq_constant_time(none, none));
    CZ_EXPECT_EQ(cz_str_from(NULL).len, 0);
}

CZ_TEST(strings_are_compared_as_bytes)
{
    CZ_EXPECT(cz_str_cmp(CZ_STR("a"), CZ_STR("b")) < 0);
    CZ_EXPECT(cz_str_cmp(CZ_STR("a"), CZ_STR("ab")) < 0);
    CZ_EXPECT(cz_str_cmp(CZ_STR("\xff"), CZ_STR("a")) > 0);
    CZ_EXPECT(cz_str_cmp(CZ_STR("a\0b"), CZ_STR("a\0a")) > 0);
    CZ_EXPECT(!cz_str_eq(CZ_STR("a"), CZ_STR("A")));
    CZ_EXPECT(cz_str_eq_icase(CZ_STR("Content-TYPE"), CZ_STR("content-type")));
    CZ_EXPECT(
        !cz_str_eq_icase(CZ_STR("a[b"), CZ_STR("a{b"))); /* differ by 0x20, but are no letters */
    CZ_EXPECT(!cz_str_eq_icase(CZ_STR("\xc3\x84"), CZ_STR("\xc3\xa4")));
    CZ_EXPECT(cz_str_eq_constant_time(CZ_STR("token"), CZ_STR("token")));
    CZ_EXPECT(!cz_str_eq_constant_time(CZ_STR("token"), CZ_STR("tokem")));
    CZ_EXPECT(!cz_str_eq_constant_time(CZ_STR("token"), CZ_STR("toke")));
}

CZ_TEST(strings_are_searched_trimmed_and_cut)
{
    cz_str s = CZ_STR("a=1, b=2 ,c");
    CZ_EXPECT_EQ(cz_str_find(s, CZ_STR("b=")), 5);
    CZ_EXPECT(cz_str_find(s, CZ_STR("b=3")) == SIZE_MAX);
    CZ_EXPECT_EQ(cz_str_find_char(s, ','), 3);
    CZ_EXPECT_EQ(cz_str_count(s, ','), 2);
    CZ_EXPECT(cz_str_starts_with(s, CZ_STR("a=")) && !cz_str_starts_with(CZ_STR("a"), s));
    CZ_EXPECT(cz_str_ends_with(s, CZ_STR(",c")) && !cz_str_ends_with(CZ_STR("c"), s));
    CZ_EXPECT_STR(cz_str_trim(CZ_STR(" \t\r\n a b \n")), "a b");
    CZ_EXPECT_STR(cz_str_trim(CZ_STR(" \t ")), "");
    CZ_EXPECT_STR(cz_str_cut(&s, ','), "a=1");
    CZ_EXPECT_STR(cz_str_cut(&s, ','), " b=2 ");
    CZ_EXPECT_STR(cz_str_cut(&s, ','), "c");
    CZ_EXPECT_EQ(s.len, 0);
    CZ_EXPECT_STR(cz_str_head(CZ_STR("abc"), 2), "ab");
    CZ_EXPECT_STR(cz_str_tail(CZ_STR("abc"), 2), "c");
    CZ_EXPECT_STR(cz_str_tail(CZ_STR("abc"), 9), "");
}

CZ_TEST(integers_are_read_whole_or_not_at_all)
{
    static const struct {
        const char *text;
        cz_status status;
        int64_t value;
    } cases[] = {
        { "0", CZ_OK, 0 },
        { "-0", CZ_OK, 0 },
        { "007", CZ_OK, 7 },
        { "9223372036854775807", CZ_OK, INT64_MAX },
        { "-9223372036854775808", CZ_OK, INT64_MIN },
        { "9223372036854775808", CZ_ETOOBIG, 0 },
        { "-9223372036854775809", CZ_ETOOBIG, 0 },
        { "18446744073709551616", CZ_ETOOBIG, 0 },
        { "36893488147419103232", CZ_ETOOBIG, 0 }, /* wraps to 0 */
        { "99999999999999999999999999", CZ_ETOOBIG, 0 },
        { "", CZ_EVALIDATION, 0 },
        { "-", CZ_EVALIDATION, 0 },
        { "--1", CZ_EVALIDATION, 0 },
        { "+1", CZ_EVALIDATION, 0 },
        { " 1", CZ_EVALIDATION, 0 },
        { "1 ", CZ_EVALIDATION, 0 },
        { "1.0", CZ_EVALIDATION, 0 },
        { "1e3", CZ_EVALIDATION, 0 },
        { "0x1", CZ_EVALIDATION, 0 },
        { "99999999999999999999999999x", CZ_EVALIDATION, 0 },
        { "\xd9\xa3", CZ_EVALIDATION, 0 }, /* ARABIC-INDIC DIGIT THREE */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int64_t value = 42;
        CZ_EXPECT_MSG(cz_str_to_i64(cz_str_from(cases[i].text), &value) == cases[i].status, "%s",
                      cases[i].text);
        CZ_EXPECT_EQ(value, cases[i].status ? 42 : cases[i].value);
    }
    uint64_t value;
    CZ_REQUIRE_OK(cz_str_to_u64(CZ_STR("18446744073709551615"), &value));
    CZ_EXPECT(value == UINT64_MAX);
    CZ_EXPECT_EQ(cz_str_to_u64(CZ_STR("18446744073709551616"), &value), CZ_ETOOBIG);
    CZ_EXPECT_EQ(cz_str_to_u64(CZ_STR("-1"), &value), CZ_EVALIDATION);
}

CZ_TEST(integers_are_written_as_printf_writes_them)
{
    uint64_t value = 1;
    for (int i = 0; i < 20000; i++) {
        char mine[24], theirs[24];
        uint64_t number = i < 2000 ? (uint64_t)i : value;
        size_t len = cz_u64_write(mine, number);
        int expected = snprintf(theirs, sizeof theirs, "%llu", (unsigned long long)number);
        CZ_REQUIRE(len == (size_t)expected && !memcmp(mine, theirs, len));
        len = cz_i64_write(mine, (int64_t)number);
        expected = snprintf(theirs, sizeof theirs, "%lld", (long long)number);
        CZ_REQUIRE(len == (size_t)expected && !memcmp(mine, theirs, len));
        value = value * 6364136223846793005u + 1442695040888963407u;
        value >>= i % 64 / 4 * 4 % 60;
    }
    char text[24];
    CZ_EXPECT_STR(cz_str_of(text, cz_u64_write(text, UINT64_MAX)), "18446744073709551615");
    CZ_EXPECT_STR(cz_str_of(text, cz_i64_write(text, INT64_MIN)), "-9223372036854775808");
    for (uint64_t power = 1, i = 0; i < 20; i++, power *= 10) {
        char theirs[24];
        cz_ignore(
            snprintf(theirs, sizeof theirs, "%llu", (unsigned long long)(power - 1))); /* fits */
        CZ_EXPECT_STR(cz_str_of(text, cz_u64_write(text, power - 1)), theirs);
    }
}

/* Decode by the definition: RFC 3629, and nothing clever. */
static bool naive_is_utf8(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    for (size_t i = 0; i < len;) {
        unsigned count = p[i] < 0x80             ? 1
                         : (p[i] & 0xe0) == 0xc0 ? 2
                         : (p[i] & 0xf0) == 0xe0 ? 3
                         : (p[i] & 0xf8) == 0xf0 ? 4
                                                 : 0;
        if (!count || i + count > len)
            return false;
        uint32_t code = count == 1 ? p[i] : p[i] & (0xffu >> (count + 1));
        for (unsigned k = 1; k < count; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (p[i + k] & 0x3f);
        }
        if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        i += count;
    }
    return true;
}

CZ_TEST(utf8_is_accepted_exactly_where_the_definition_says)
{
    unsigned char text[32];
    for (uint32_t lead = 0; lead < 0x10000; lead++) /* all two leading bytes, good ones continued */
        for (unsigned tail = 0; tail < 4; tail++) {
            static const unsigned char ends[][2] = {
                { 0x80, 0x80 }, { 0xbf, 0xbf }, { 'a', 'a' }, { 0x80, 'a' }
            };
            text[0] = (unsigned char)(lead >> 8);
            text[1] = (unsigned char)lead;
            text[2] = ends[tail][0];
            text[3] = ends[tail][1];
            for (size_t len = 1; len <= 4; len++)
                CZ_REQUIRE(cz_str_is_utf8(cz_str_of((char *)text, len)) ==
                           naive_is_utf8(text, len));
        }
    /* The same sequences at every offset of the eight-byte steps. */
    static const char *const pieces[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8d\x95",
                                          "\xed\xa0\x80", "\xff" };
    for (size_t i = 0; i < CZ_COUNT(pieces); i++)
        for (size_t at = 0; at < 20; at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at, pieces[i], strlen(pieces[i]));
            CZ_EXPECT_EQ(cz_str_is_utf8(cz_str_of((char *)text, sizeof text)), i < 3);
        }
    CZ_EXPECT_EQ(cz_str_utf8_length(CZ_STR("a\xc3\xa9\xf0\x9f\x8d\x95z")), 4);
}

CZ_TEST(a_copy_in_an_arena_ends_in_nul)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_str copy;
    CZ_REQUIRE_OK(cz_str_dup(arena, cz_str_of("abcdef", 3), &copy));
    CZ_EXPECT_STR(copy, "abc");
    CZ_EXPECT_EQ(copy.ptr[3], '\0');
    CZ_REQUIRE_OK(cz_str_dup(arena, cz_str_of(NULL, 0), &copy));
    CZ_EXPECT_EQ(copy.ptr[0], '\0');
    cz_arena_destroy(arena);
}
