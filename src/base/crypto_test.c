#include "base/crypto.h"
#include <calzone/random.h>
#include <calzone/testing.h>

static const unsigned char zero_key[CZ__AEAD_KEY];

/* Test cases 13 and 14 of the GCM specification by McGrew and Viega: a nonce of zeros before the text. */
CZ_TEST(what_the_specification_sealed_opens)
{
    static const unsigned char empty[] = { 0,    0,    0,    0,    0,    0,    0,
                                           0,    0,    0,    0,    0,    0x53, 0x0f,
                                           0x8a, 0xfb, 0xc7, 0x45, 0x36, 0xb9, 0xa9,
                                           0x63, 0xb4, 0xf1, 0xc4, 0xcb, 0x73, 0x8b };
    static const unsigned char zeros[] = { 0,    0,    0,    0,    0,    0,    0,    0,    0,
                                           0,    0,    0,    0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60,
                                           0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d,
                                           0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0,
                                           0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19 };
    char out[16];
    cz_error err;
    CZ_REQUIRE_OK(cz__aead_open(zero_key, cz_str_of((const char *)empty, sizeof empty), out, &err));
    CZ_REQUIRE_OK(cz__aead_open(zero_key, cz_str_of((const char *)zeros, sizeof zeros), out, &err));
    for (size_t i = 0; i < sizeof out; i++)
        CZ_EXPECT_EQ(out[i], 0);
}

CZ_TEST(what_is_sealed_opens_and_no_changed_bit_of_it_does)
{
    static const char *const texts[] = { "", "a", "Ünal's secret", "sixteen bytes ok" };
    unsigned char key[CZ__AEAD_KEY], other[CZ__AEAD_KEY];
    cz_random_bytes(key, sizeof key);
    memcpy(other, key, sizeof key);
    other[31] ^= 1;
    for (size_t i = 0; i < CZ_COUNT(texts); i++) {
        cz_str plain = cz_str_from(texts[i]);
        cz_buf sealed = { 0 }, again = { 0 };
        cz_error err;
        char out[64];
        CZ_REQUIRE_OK(cz__aead_seal(key, plain, &sealed, &err));
        CZ_REQUIRE_OK(cz__aead_seal(key, plain, &again, &err));
        CZ_EXPECT_EQ(sealed.len, plain.len + CZ__AEAD_OVERHEAD);
        CZ_EXPECT(memcmp(sealed.ptr, again.ptr, sealed.len) != 0); /* a nonce of its own */
        CZ_REQUIRE_OK(cz__aead_open(key, cz_buf_str(&sealed), out, &err));
        CZ_EXPECT_STR(cz_str_of(out, plain.len), texts[i]);
        CZ_EXPECT_EQ(cz__aead_open(other, cz_buf_str(&sealed), out, &err), CZ_EVALIDATION);
        for (size_t bit = 0; bit < sealed.len * 8; bit++) {
            sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ 1 << bit % 8);
            CZ_EXPECT_EQ(cz__aead_open(key, cz_buf_str(&sealed), out, &err), CZ_EVALIDATION);
            sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ 1 << bit % 8);
        }
        for (size_t len = 0; len < sealed.len; len++)
            CZ_EXPECT_EQ(cz__aead_open(key, cz_str_of(sealed.ptr, len), out, &err), CZ_EVALIDATION);
        cz_buf_done(&sealed);
        cz_buf_done(&again);
    }
}

/* FIPS 180-4's examples. */
CZ_TEST(sha256_is_that_of_the_standard)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char hex[CZ__SHA256_HEX];
        cz_error err;
        CZ_REQUIRE_OK(cz__sha256_hex(cz_str_from(cases[i].text), hex, &err));
        CZ_EXPECT_STR(cz_str_of(hex, sizeof hex), cases[i].digest);
    }
}
