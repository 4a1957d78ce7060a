#include "base/sha1.h"
#include <calzone/testing.h>
#include <stdio.h>

static const char *hex_of(cz_str text)
{
    static char hex[2 * CZ__SHA1 + 1];
    unsigned char hash[CZ__SHA1];
    cz__sha1(text, hash);
    for (size_t i = 0; i < CZ__SHA1; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return hex;
}

/* RFC 3174, 7.3, and FIPS 180-4's examples; the last is the sum of a million letters. */
CZ_TEST(sha1_is_that_of_the_standards)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "0123456701234567012345670123456701234567012345670123456701234567",
          "e0c094e867ef46c350ef54a7f59dd60bed92ae83" },
    };
    static char million[1000000];
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_STR(cz_str_from(hex_of(cz_str_from(cases[i].text))), cases[i].hash);
    memset(million, 'a', sizeof million);
    CZ_EXPECT_STR(cz_str_from(hex_of(cz_str_of(million, sizeof million))),
                  "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
