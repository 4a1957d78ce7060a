#include "http/proxy_protocol.h"
#include <calzone/testing.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define ZEROS_12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_36 ZEROS_12 ZEROS_12 ZEROS_12
#define ZEROS_216 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36

static const struct {
    cz_str header;
    const char *client; /* NULL: none is named; "!": it is no header */
} cases[] = {
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 4711 443\r\n"), "192.0.2.1" },
    { BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255" },
    { BYTES("PROXY TCP6 2001:db8::1 ::1 0 443\r\n"), "2001:db8::1" },
    { BYTES("PROXY UNKNOWN\r\n"), NULL },
    { BYTES("PROXY UNKNOWN ffff:f::f ffff::f 65535 65535\r\n"), NULL },
    { BYTES("PROXY UNKNOWNS\r\n"), "!" },
    { BYTES("PROXY\r\n"), "!" },
    { BYTES("PROXY \r\n"), "!" },
    { BYTES("proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n"), "!" },
    { BYTES("PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n"), "!" },
    { BYTES("PROXY TCP4 2001:db8::1 198.51.100.7 1 2\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 ::1 1 2\r\n"), "!" },
    { BYTES("PROXY TCP6 192.0.2.1 ::1 1 2\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n"), "!" },
    { BYTES("PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n"), "!" },
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n\r\n"), "!" },
    { BYTES("GET / HTTP/1.1\r\n"), "!" },
    { BYTES("\x16\x03\x01\x02\0\x01\0\x01"), "!" },
    { BYTES(V2 "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\x12\x67\x01\xbb"), "192.0.2.1" },
    { BYTES(V2 "\x21\x11\0\x0f\xc0\0\x02\x01\xc6\x33\x64\x07\x12\x67\x01\xbb\x04\0\0"),
      "192.0.2.1" },
    { BYTES(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" ZEROS_12
               "\0\0\0\x01\x12\x67\x01\xbb"),
      "2001:db8::1" },
    { BYTES(V2 "\x21\x31\0\xd8" ZEROS_216), NULL },
    { BYTES(V2 "\x21\0\0\0"), NULL },
    { BYTES(V2 "\x20\0\0\0"), NULL },
    { BYTES(V2 "\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\x12\x67\x01\xbb"), NULL },
    { BYTES(V2 "\x21\x11\0\x0b\xc0\0\x02\x01\xc6\x33\x64\x07\x12\x67\x01"), "!" },
    { BYTES(V2 "\x21\x21\0\x0c" ZEROS_12), "!" },
    { BYTES(V2 "\x21\x31\0\x24" ZEROS_36), "!" },
    { BYTES(V2 "\x21\x12\0\x0c" ZEROS_12), "!" }, /* UDP */
    { BYTES(V2 "\x11\x11\0\x0c" ZEROS_12), "!" }, /* version 1 in bytes */
    { BYTES(V2 "\x22\x11\0\x0c" ZEROS_12), "!" }, /* no such command */
    { BYTES(V2 "\x21\x11\xff\xff"), "!" },
    { BYTES("\r\n\r\n\0\r\nQUIT\r"), "!" },
    { BYTES("\r\nGET"), "!" },
};

/* What a prefix of it gives, and all of it with something of the client behind. */
static void expect(cz_str header, const char *client)
{
    char bytes[512];
    struct cz__proxy_header read = { 0 };
    cz__address wanted;
    memcpy(bytes, header.ptr, header.len);
    memcpy(bytes + header.len, "GET", 3);
    cz_status status = cz__proxy_header_read(cz_str_of(bytes, header.len + 3), &read);
    if (client && client[0] == '!') {
        CZ_EXPECT_MSG(status == CZ_EPROTOCOL, "\"%.*s\" is %d", CZ_STR_ARG(header), (int)status);
        return;
    }
    CZ_EXPECT_MSG(status == CZ_OK && read.bytes == header.len && read.known == (client != NULL),
                  "\"%.*s\" is %d, %zu", CZ_STR_ARG(header), (int)status, read.bytes);
    CZ_EXPECT(!client || (cz__address_read(cz_str_from(client), &wanted) &&
                          !memcmp(&wanted, &read.client, sizeof wanted)));
    for (size_t n = 0; n < header.len; n++)
        CZ_EXPECT_MSG(cz__proxy_header_read(cz_str_of(bytes, n), &read) == CZ_EAGAIN,
                      "%zu bytes of \"%.*s\"", n, CZ_STR_ARG(header));
}

CZ_TEST(a_proxy_says_for_whom_it_speaks)
{
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect(cases[i].header, cases[i].client);
}

CZ_TEST(a_header_of_a_proxy_has_a_greatest_length)
{
    struct cz__proxy_header read;
    char line[CZ__PROXY_LINE_MAX + 2] = "PROXY UNKNOWN ";
    memset(line + 14, 'x', sizeof line - 14);
    CZ_EXPECT_EQ(cz__proxy_header_read(cz_str_of(line, CZ__PROXY_LINE_MAX - 1), &read), CZ_EAGAIN);
    CZ_EXPECT_EQ(cz__proxy_header_read(cz_str_of(line, sizeof line), &read), CZ_EPROTOCOL);
    memcpy(line + CZ__PROXY_LINE_MAX - 2, "\r\n", 2);
    CZ_EXPECT_EQ(cz__proxy_header_read(cz_str_of(line, sizeof line), &read), CZ_OK);
    CZ_EXPECT_EQ(read.bytes, CZ__PROXY_LINE_MAX);
}
