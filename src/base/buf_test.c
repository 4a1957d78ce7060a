#include <calzone/buf.h>
#include <calzone/testing.h>
#include <stdio.h>

CZ_TEST(a_buffer_grows_and_keeps_what_was_appended)
{
    cz_buf buf = { 0 };
    CZ_EXPECT_STR(cz_str_from(cz_buf_cstr(&buf)), "");
    for (int i = 0; i < 1000; i++) {
        cz_buf_append_lit(&buf, "ab");
        cz_buf_append_char(&buf, 'c');
        cz_buf_append_u64(&buf, UINT64_MAX);
        cz_buf_append_i64(&buf, INT64_MIN);
        cz_buf_append_str(&buf, CZ_STR("de"));
        cz_buf_printf(&buf, "%d;", i);
        cz_buf_append(&buf, NULL, 0);
    }
    CZ_REQUIRE_OK(cz_buf_status(&buf));
    cz_str rest = cz_buf_str(&buf);
    for (int i = 0; i < 1000; i++) {
        char expected[80];
        cz_ignore(snprintf(expected, sizeof expected,
                           "abc18446744073709551615-9223372036854775808de%d", i)); /* fits */
        cz_str item = cz_str_cut(&rest, ';');
        CZ_REQUIRE(cz_str_eq(item, cz_str_from(expected)));
    }
    CZ_EXPECT_EQ(strlen(cz_buf_cstr(&buf)), buf.len);
    cz_buf_done(&buf);
    CZ_EXPECT_EQ(buf.len, 0);
    cz_buf_append_lit(&buf, "again");
    CZ_EXPECT_STR(cz_buf_str(&buf), "again");
    cz_buf_done(&buf);
}

CZ_TEST(a_buffer_is_full_at_its_maximum_and_not_before)
{
    for (size_t max = 1; max < 600; max += 7) {
        cz_buf buf;
        cz_buf_init(&buf, max);
        for (size_t i = 0; i < max; i++)
            cz_buf_append_char(&buf, 'a');
        CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_OK);
        CZ_EXPECT_EQ(strlen(cz_buf_cstr(&buf)), max);
        CZ_EXPECT(buf.cap <= max + 1);
        cz_buf_append_char(&buf, 'b');
        CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_ETOOBIG);
        CZ_EXPECT_EQ(buf.len, max);
        cz_buf_clear(&buf);
        CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_OK);
        cz_buf_append(&buf, "xyz", max < 3 ? max : 3);
        CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_OK);
        cz_buf_done(&buf);
    }
}

CZ_TEST(after_a_failure_a_buffer_ignores_what_follows)
{
    cz_buf buf;
    cz_buf_init(&buf, 10);
    cz_buf_append_lit(&buf, "12345");
    cz_buf_append_lit(&buf, "678901"); /* one too many */
    cz_buf_append_lit(&buf, "x");      /* would fit */
    cz_buf_printf(&buf, "y");
    cz_buf_append_u64(&buf, 1);
    CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_ETOOBIG);
    CZ_EXPECT_STR(cz_buf_str(&buf), "12345");
    CZ_EXPECT_STR(cz_str_from(cz_buf_cstr(&buf)), "");
    CZ_EXPECT(cz_buf_reserve(&buf, 1) == NULL);
    cz_buf_done(&buf);
    cz_buf_init(&buf, SIZE_MAX);
    CZ_EXPECT(cz_buf_reserve(&buf, SIZE_MAX - 1) == NULL);
    CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_ETOOBIG);
    cz_buf_done(&buf);
}

CZ_TEST(what_is_taken_outlives_its_buffer)
{
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 64 * 1024, &arena));
    cz_buf buf = { 0 };
    cz_buf_append_lit(&buf, "12345");
    cz_str text;
    CZ_REQUIRE_OK(cz__buf_take(&buf, arena, &text));
    CZ_EXPECT(buf.ptr == NULL);
    CZ_EXPECT_STR(text, "12345");
    CZ_EXPECT_EQ(text.ptr[5], '\0');
    cz_buf_init(&buf, 3);
    cz_buf_append_lit(&buf, "12345");
    CZ_EXPECT_EQ(cz__buf_take(&buf, arena, &text), CZ_ETOOBIG);
    CZ_EXPECT(buf.ptr == NULL);
    cz_buf_init(&buf, 0);
    for (int i = 0; i < 70 * 1024; i++)
        cz_buf_append_char(&buf, 'x'); /* more than the arena may hold */
    CZ_EXPECT_EQ(cz__buf_take(&buf, arena, &text), CZ_ENOMEM);
    CZ_EXPECT(buf.ptr == NULL);
    CZ_EXPECT_STR(text, "12345");
    cz_arena_destroy(arena);
}

CZ_TEST(a_reserved_place_is_committed_in_part)
{
    cz_buf buf = { 0 };
    char *at = cz_buf_reserve(&buf, 1000);
    CZ_REQUIRE(at);
    memset(at, 'x', 1000);
    cz_buf_commit(&buf, 3);
    cz_buf_append_lit(&buf, "y");
    CZ_EXPECT_STR(cz_buf_str(&buf), "xxxy");
    cz_buf_done(&buf);
}

#ifdef CZ_FAULTS
CZ_TEST(a_buffer_survives_any_failing_allocation)
{
    uint64_t count = 0;
    for (uint64_t n = 0; n <= count; n++) {
        cz_buf buf = { 0 };
        cz__alloc_fail_at(n, false);
        for (int i = 0; i < 3000; i++)
            cz_buf_append_lit(&buf, "abc");
        uint64_t made = cz__alloc_fail_at(0, false);
        if (n == 0) {
            count = made;
            CZ_EXPECT_EQ(buf.len, 9000);
        } else {
            CZ_EXPECT_EQ(cz_buf_status(&buf), CZ_ENOMEM);
            CZ_EXPECT(buf.len < 9000 && buf.len % 3 == 0);
        }
        cz_buf_done(&buf);
    }
    CZ_EXPECT(count > 0);
}
#endif
