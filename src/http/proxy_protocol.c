#include "http/proxy_protocol.h"

#define SIGNATURE                                                                                  \
    CZ_STR("\r\n\r\n\0\r\nQUIT\n") /* of version 2: nothing that HTTP or TLS begins with */

/* ---- version 1: a line of text ---- */

/* "0" to "65535", without zeros in front. */
static bool is_port(cz_str text)
{
    uint64_t port;
    return text.len && text.len <= 5 && (text.ptr[0] != '0' || text.len == 1) &&
           !cz_str_to_u64(text, &port) && port <= 65535;
}

/* "TCP4 192.0.2.1 198.51.100.7 4711 443": the client and where it asked. */
static bool read_addresses(cz_str line, cz__address *out)
{
    cz__address there;
    cz_str family = cz_str_cut(&line, ' '), from = cz_str_cut(&line, ' '),
           to = cz_str_cut(&line, ' ');
    cz_str from_port = cz_str_cut(&line, ' ');
    bool v4 = cz_str_eq(family, CZ_STR("TCP4"));
    return (v4 || cz_str_eq(family, CZ_STR("TCP6"))) && cz__address_read(from, out) &&
           cz__address_read(to, &there) && is_port(from_port) && is_port(line) &&
           (cz_str_find_char(from, ':') == SIZE_MAX) == v4 &&
           (cz_str_find_char(to, ':') == SIZE_MAX) == v4;
}

static cz_status read_line(cz_str bytes, struct cz__proxy_header *out)
{
    cz_str begin = CZ_STR("PROXY "), line = cz_str_head(bytes, CZ__PROXY_LINE_MAX);
    size_t end = cz_str_find(line, CZ_STR("\r\n"));
    if (!cz_str_eq(cz_str_head(line, begin.len), cz_str_head(begin, line.len)))
        return CZ_EPROTOCOL;
    if (end == SIZE_MAX)
        return line.len < CZ__PROXY_LINE_MAX ? CZ_EAGAIN : CZ_EPROTOCOL;
    out->bytes = end + 2;
    line = cz_str_tail(cz_str_head(line, end), begin.len);
    bool unknown =
        cz_str_eq(line, CZ_STR("UNKNOWN")) || cz_str_starts_with(line, CZ_STR("UNKNOWN "));
    out->known = !unknown;
    return unknown || read_addresses(line, &out->client) ? CZ_OK : CZ_EPROTOCOL;
}

/* ---- version 2: bytes ---- */

enum { HEAD_BYTES = 16, IPV4_BYTES = 12, IPV6_BYTES = 36, UNIX_BYTES = 216 };
enum { LOCAL = 0x20, PROXY = 0x21 };
enum { UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21, UNIX = 0x31 };

static cz_status take_client(const unsigned char *head, size_t bytes, struct cz__proxy_header *out)
{
    const unsigned char *client = head + HEAD_BYTES;
    size_t least = head[13] == TCP4   ? IPV4_BYTES
                   : head[13] == TCP6 ? IPV6_BYTES
                   : head[13] == UNIX ? UNIX_BYTES
                                      : 0;
    if (bytes < least)
        return CZ_EPROTOCOL;
    switch (head[13]) {
    case TCP4:
        out->known = true;
        out->client = cz__address_of_ipv4(client);
        return CZ_OK;
    case TCP6:
        out->known = true;
        memcpy(out->client.bytes, client, 16);
        return CZ_OK;
    case UNIX:
    case UNSPEC:
        return CZ_OK;
    default: /* of datagrams, which HTTP has none of */
        return CZ_EPROTOCOL;
    }
}

static cz_status read_bytes(cz_str bytes, struct cz__proxy_header *out)
{
    const unsigned char *head = (const unsigned char *)bytes.ptr;
    if (bytes.len < HEAD_BYTES)
        return CZ_EAGAIN;
    size_t rest = (size_t)head[14] << 8 | head[15];
    if ((head[12] != LOCAL && head[12] != PROXY) || rest > CZ__PROXY_BYTES_MAX - HEAD_BYTES)
        return CZ_EPROTOCOL;
    if (bytes.len - HEAD_BYTES < rest)
        return CZ_EAGAIN;
    out->bytes = HEAD_BYTES + rest;
    out->known = false;
    return head[12] == LOCAL ? CZ_OK : take_client(head, rest, out);
}

cz_status cz__proxy_header_read(cz_str bytes, struct cz__proxy_header *out)
{
    struct cz__proxy_header header = { 0 };
    cz_str signature = SIGNATURE;
    bool second = bytes.len && bytes.ptr[0] == '\r';
    if (!bytes.len)
        return CZ_EAGAIN;
    if (second && !cz_str_eq(cz_str_head(bytes, signature.len), cz_str_head(signature, bytes.len)))
        return CZ_EPROTOCOL;
    cz_status status = second ? read_bytes(bytes, &header) : read_line(bytes, &header);
    if (!status)
        *out = header;
    return status;
}
