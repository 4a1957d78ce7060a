#include <calzone/random.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <sys/wait.h>
#include <unistd.h>

CZ_TEST(random_bytes_fill_exactly_what_was_asked)
{
    for (size_t len = 0; len < 600; len += 13) {
        unsigned char bytes[640];
        unsigned char seen[640] = { 0 };
        for (int round = 0; round < 12; round++) { /* each byte is not 0 in one of them */
            memset(bytes, 0, sizeof bytes);
            cz_random_bytes(bytes + 8, len);
            for (size_t i = 0; i < sizeof bytes; i++)
                seen[i] |= bytes[i];
        }
        for (size_t i = 0; i < sizeof bytes; i++)
            CZ_REQUIRE((seen[i] != 0) == (i >= 8 && i < 8 + len));
    }
}

CZ_TEST(every_bit_of_a_random_number_is_set_about_half_the_time)
{
    enum { DRAWS = 20000 };
    unsigned counts[64] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = cz_random_u64();
        for (int bit = 0; bit < 64; bit++)
            counts[bit] += (unsigned)(value >> bit & 1);
    }
    for (int bit = 0; bit < 64; bit++) /* seven standard deviations */
        CZ_EXPECT_MSG(counts[bit] > 9500 && counts[bit] < 10500, "bit %d: %u", bit, counts[bit]);
}

CZ_TEST(a_forked_child_draws_other_numbers)
{
    int fds[2];
    CZ_REQUIRE(pipe(fds) == 0);
    cz_ignore(cz_random_u64() == 0); /* fills the block that both would draw from */
    pid_t pid = fork();
    uint64_t mine = cz_random_u64(), theirs = 0;
    if (pid == 0) {
        cz_ignore(write(fds[1], &mine, sizeof mine) < 0); /* the parent fails without it */
        _exit(0);
    }
    CZ_REQUIRE(read(fds[0], &theirs, sizeof theirs) == sizeof theirs);
    CZ_EXPECT(mine != theirs);
    waitpid(pid, NULL, 0);
}

CZ_TEST(uuids_have_their_version_and_survive_text)
{
    for (int i = 0; i < 1000; i++) {
        cz_uuid four = cz_uuid_v4(), seven = cz_uuid_v7(), back;
        CZ_EXPECT_EQ(four.bytes[6] >> 4, 4);
        CZ_EXPECT_EQ(seven.bytes[6] >> 4, 7);
        CZ_EXPECT_EQ(four.bytes[8] >> 6, 2);
        CZ_EXPECT_EQ(seven.bytes[8] >> 6, 2);
        char text[CZ_UUID_TEXT];
        cz_uuid_write(text, four);
        CZ_REQUIRE_OK(cz_uuid_parse(cz_str_of(text, sizeof text), &back));
        CZ_EXPECT(cz_uuid_eq(four, back));
        CZ_EXPECT(!cz_uuid_eq(four, seven));
    }
    cz_uuid uuid;
    CZ_REQUIRE_OK(cz_uuid_parse(CZ_STR("F81D4FAE-7DEC-11d0-a765-00a0c91e6bf6"), &uuid));
    char text[CZ_UUID_TEXT];
    cz_uuid_write(text, uuid);
    CZ_EXPECT_STR(cz_str_of(text, sizeof text), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}

CZ_TEST(uuids_of_version_7_sort_by_the_time_they_were_made)
{
    cz_datetime now;
    CZ_REQUIRE_OK(cz_datetime_parse(CZ_STR("2026-11-21T04:05:06.789Z"), &now));
    cz__time_freeze(now);
    cz_uuid last = cz_uuid_v7();
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | last.bytes[i];
    CZ_EXPECT_EQ(ms, now.us / 1000);
    for (int i = 0; i < 20000; i++) { /* more than the counter holds in one millisecond */
        if (i == 10000)
            cz__time_freeze((cz_datetime){ now.us - 5000000 }); /* a clock that goes back */
        cz_uuid next = cz_uuid_v7();
        CZ_REQUIRE(memcmp(last.bytes, next.bytes, sizeof last.bytes) < 0);
        last = next;
    }
    cz__time_freeze((cz_datetime){ -1 });
    CZ_EXPECT_EQ(cz_uuid_v7().bytes[0], last.bytes[0]);
}

CZ_TEST(malformed_uuids_are_refused)
{
    static const char *const bad[] = {
        "",
        "f81d4fae",
        "f81d4fae7dec11d0a76500a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf66",
        "f81d4fae-7dec-11d0-a765_00a0c91e6bf6",
        "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6",
        "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf\x10",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf ",
        "{81d4fae-7dec-11d0-a765-00a0c91e6bf}",
        "f81d4fae-7dec-11d0-a765-00a0c91e6b\xc3\xa9",
        "f81d4fae-7dec-11d0-a765-00a0c91e6b-6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6b+6",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_uuid uuid = { { 42 } };
        CZ_EXPECT_MSG(cz_uuid_parse(cz_str_from(bad[i]), &uuid) == CZ_EVALIDATION &&
                          uuid.bytes[0] == 42,
                      "\"%s\" was accepted", bad[i]);
    }
}
