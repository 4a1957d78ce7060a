/* What the process of the keys takes, and what it does not. */
#include "http/tls_signing.h"
#include <calzone/testing.h>
#include <stdio.h>

#define SPACES "                                                                "
#define SERVER SPACES "TLS 1.3, server CertificateVerify\0"

enum { RANDOMS = 64 };

/* A signed text of TLS 1.2: two randoms, which `fill` makes, and a point. */
static cz_str tls12(char out[CZ__SIGNED_MAX + 8], char fill, const char *head, size_t point_bytes)
{
    memset(out, fill, CZ__SIGNED_MAX + 8);
    memcpy(out + RANDOMS, head, 4);
    return cz_str_of(out, RANDOMS + 4 + point_bytes);
}

static cz_str tls13(char out[CZ__SIGNED_MAX + 8], const char *before, size_t hash_bytes)
{
    memset(out, 'h', CZ__SIGNED_MAX + 8);
    memcpy(out, before, sizeof SERVER - 1);
    return cz_str_of(out, sizeof SERVER - 1 + hash_bytes);
}

static size_t message(unsigned char out[CZ__SIGNING_MAX + 8], uint16_t scheme, cz_str bytes)
{
    const uint64_t id = 77;
    memset(out, 0, CZ__SIGNING_HEAD);
    memcpy(out, &id, 8);
    memcpy(out + 8, &scheme, 2);
    out[10] = 3;
    memcpy(out + CZ__SIGNING_HEAD, bytes.ptr, bytes.len);
    return CZ__SIGNING_HEAD + bytes.len;
}

CZ_TEST(what_a_server_signs_is_taken_and_written_as_it_was)
{
    static const struct {
        uint16_t scheme;
        const char *type, *digest, *point; /* of TLS 1.2; NULL: 1.3 */
        size_t bytes;
        bool pss;
    } cases[] = {
        { 0x0403, "EC", "SHA256", NULL, 32, false },
        { 0x0503, "EC", "SHA2-384", NULL, 48, false },
        { 0x0603, "EC", "SHA512", "\3\0\x18\x61", 97, false },
        { 0x0804, "RSA", "SHA2-256", NULL, 48, true },
        { 0x0806, "RSA", "SHA512", "\3\0\x17\x41", 65, true },
        { 0x0807, "ED25519", NULL, NULL, 32, false },
        { 0x0807, "ED25519", "", "\3\0\x1d\x20", 32, false },
        { 0x0401, "RSA", "SHA256", "\3\0\x1d\x20", 32, false },
        { 0x0601, "RSA", "SHA2-512", "\3\0\x17\x41", 65, false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char text[CZ__SIGNED_MAX + 8];
        unsigned char written[CZ__SIGNING_MAX + 8], again[CZ__SIGNING_MAX];
        cz_str bytes = cases[i].point ? tls12(text, 'r', cases[i].point, cases[i].bytes)
                                      : tls13(text, SERVER, cases[i].bytes);
        size_t len = message(written, cases[i].scheme, bytes);
        struct cz__signing signing;
        CZ_REQUIRE_OK(cz__signing_read(cz_str_of((const char *)written, len), &signing));
        CZ_EXPECT_EQ(signing.id, 77);
        CZ_EXPECT_EQ(signing.key, 3);
        CZ_EXPECT(cz_str_eq(signing.bytes, bytes));
        CZ_EXPECT(signing.scheme == cz__scheme_of(cases[i].type, cases[i].digest, cases[i].pss));
        CZ_EXPECT(cz__signing_write(&signing, again) == len && memcmp(again, written, len) == 0);
    }
}

CZ_TEST(what_no_server_signs_is_refused)
{
    static const struct {
        uint16_t scheme;
        const char *before;
        size_t hash_bytes;
    } of_tls13[] = {
        { 0x0401, SERVER, 32 }, /* TLS 1.3 has no PKCS #1 */
        { 0x0601, SERVER, 48 },
        { 0x0403, SERVER, 0 },
        { 0x0403, SERVER, 31 },
        { 0x0403, SERVER, 33 },
        { 0x0403, SERVER, 49 },
        { 0x0403, SERVER, 64 },
        { 0x0403, SPACES "TLS 1.3, client CertificateVerify\0", 32 },
        { 0x0403, SPACES "TLS 1.3, server CertificateVerify ", 32 },
        { 0x0403, SPACES "TLS 1.3, exporter CertificateVerif", 32 },
        { 0x0403,
          "                               \n                                "
          "TLS 1.3, server CertificateVerify\0",
          32 },
        { 0x0201, SERVER, 32 }, /* SHA-1 */
        { 0x0203, SERVER, 32 },
        { 0x0301, SERVER, 32 },
        { 0x0808, SERVER, 32 }, /* Ed448 */
        { 0x0809, SERVER, 32 }, /* RSA-PSS with a key that is of nothing else */
        { 0x0000, SERVER, 32 },
        { 0xffff, SERVER, 32 },
    };
    static const struct {
        const char *head;
        size_t bytes;
    } of_tls12[] = {
        { "\3\0\x1d\x20", 31 }, { "\3\0\x1d\x20", 33 }, { "\3\0\x1d\x20", 0 },
        { "\3\0\x1d\x41", 65 }, { "\3\0\x17\x20", 32 }, { "\3\0\x17\x61", 97 },
        { "\3\0\x19\x41", 65 }, /* P-521, which is not spoken */
        { "\3\1\x1d\x20", 32 }, { "\1\0\x1d\x20", 32 }, { "\2\0\x1d\x20", 32 },
        { "\3\0\x1e\x38", 56 }, { "\3\0\x1d\x1f", 32 },
    };
    char text[CZ__SIGNED_MAX + 8];
    unsigned char written[CZ__SIGNING_MAX + 8];
    struct cz__signing signing;
    for (size_t i = 0; i < CZ_COUNT(of_tls13); i++) {
        size_t len = message(written, of_tls13[i].scheme,
                             tls13(text, of_tls13[i].before, of_tls13[i].hash_bytes));
        CZ_EXPECT_MSG(cz__signing_read(cz_str_of((const char *)written, len), &signing) ==
                          CZ_EPROTOCOL,
                      "of TLS 1.3, case %zu", i);
    }
    for (size_t i = 0; i < CZ_COUNT(of_tls12); i++) {
        size_t len =
            message(written, 0x0403, tls12(text, 'r', of_tls12[i].head, of_tls12[i].bytes));
        CZ_EXPECT_MSG(cz__signing_read(cz_str_of((const char *)written, len), &signing) ==
                          CZ_EPROTOCOL,
                      "of TLS 1.2, case %zu", i);
    }
}

CZ_TEST(a_message_that_is_cut_or_grown_or_bent_is_refused)
{
    char text[CZ__SIGNED_MAX + 8];
    unsigned char written[CZ__SIGNING_MAX + 8] = { 0 };
    struct cz__signing signing;
    size_t len = message(written, 0x0603, tls12(text, 'r', "\3\0\x18\x61", 97));
    CZ_EXPECT_EQ(len, CZ__SIGNING_MAX); /* the longest */
    for (size_t cut = 0; cut < sizeof written; cut++)
        CZ_EXPECT_EQ(cz__signing_read(cz_str_of((const char *)written, cut), &signing),
                     cut == len ? CZ_OK : CZ_EPROTOCOL);
    for (size_t at = 11; at < CZ__SIGNING_HEAD; at++) { /* what has to be 0 */
        written[at] = 1;
        CZ_EXPECT_EQ(cz__signing_read(cz_str_of((const char *)written, len), &signing),
                     CZ_EPROTOCOL);
        written[at] = 0;
    }
    memset(written, 0, 8); /* the number that says "another one is there" */
    CZ_EXPECT_EQ(cz__signing_read(cz_str_of((const char *)written, len), &signing), CZ_EPROTOCOL);
}
