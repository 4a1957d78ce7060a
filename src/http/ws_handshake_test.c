#include "http/ws_handshake.h"
#include <calzone/testing.h>

#define KEY_LINE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
#define UPGRADE "Upgrade: websocket\nConnection: Upgrade\n"
#define WHOLE UPGRADE KEY_LINE "Sec-WebSocket-Version: 13\n"

enum { HEADERS_MAX = 16 };

static cz_request request_of(const char *lines, cz_header headers[HEADERS_MAX])
{
    cz_request req = { .method = CZ_METHOD_GET,
                       .version_minor = 1,
                       .host = CZ_STR("shop.example"),
                       .scheme = CZ_STR("https"),
                       .headers = headers };
    cz_str rest = cz_str_from(lines);
    while (rest.len) {
        cz_str line = cz_str_cut(&rest, '\n');
        cz_str name = cz_str_cut(&line, ':');
        CZ_REQUIRE(req.header_count < HEADERS_MAX);
        headers[req.header_count++] = (cz_header){ name, cz_str_trim(line) };
    }
    return req;
}

static const char *const subprotocols[] = { "chat.v2", "chat.v1", NULL };
static const cz_str origins[] = { CZ_STR("https://admin.example"),
                                  CZ_STR("http://localhost:3000") };
static const struct cz__ws_wanted wanted = { .origins = origins,
                                             .origin_count = CZ_COUNT(origins),
                                             .subprotocols = subprotocols };

static const struct {
    const char *lines;
    int http; /* 101, or the refusal's */
    const char *subprotocol;
    unsigned window_bits;
} cases[] = {
    { WHOLE, 101, "", 0 },
    { "upgrade: WebSocket\nconnection: keep-alive, UPGRADE\n" KEY_LINE
      "sec-websocket-version: 13\n",
      101, "", 0 },
    { "Upgrade: h2c, websocket\nConnection: Upgrade\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 101,
      "", 0 },
    { WHOLE "Origin: https://shop.example\n", 101, "", 0 },
    { WHOLE "Origin: https://SHOP.example:443\n", 101, "", 0 },
    { WHOLE "Origin: https://admin.example\n", 101, "", 0 },
    { WHOLE "Origin: http://localhost:3000\n", 101, "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: chat.v1\n", 101, "chat.v1", 0 },
    { WHOLE "Sec-WebSocket-Protocol: mqtt, chat.v1, chat.v2\n", 101, "chat.v1", 0 },
    { WHOLE "Sec-WebSocket-Protocol: mqtt\nSec-WebSocket-Protocol: chat.v2\n", 101, "chat.v2", 0 },
    { WHOLE "Sec-WebSocket-Protocol: mqtt\n", 101, "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: CHAT.v1\n", 101, "", 0 }, /* they are compared with case */
    { WHOLE "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n", 101, "", 15 },
    { WHOLE "Sec-WebSocket-Extensions: foo\nSec-WebSocket-Extensions: "
            "permessage-deflate; server_max_window_bits=11\n",
      101, "", 11 },
    { WHOLE "Sec-WebSocket-Extensions: foo\n", 101, "", 0 },
    /* no WebSocket is asked for */
    { "", 426, "", 0 },
    { "Connection: Upgrade\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 426, "", 0 },
    { "Upgrade: h2c\nConnection: Upgrade\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 426, "", 0 },
    { "Upgrade: websockets\nConnection: Upgrade\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 426, "",
      0 },
    /* another version */
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: 8\n", 426, "", 0 },
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: 14\n", 426, "", 0 },
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: 13, 8\n", 426, "", 0 },
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: 013\n", 426, "", 0 },
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: \n", 426, "", 0 },
    { UPGRADE KEY_LINE "Sec-WebSocket-Version: 13\nSec-WebSocket-Version: 13\n", 426, "", 0 },
    { UPGRADE KEY_LINE, 426, "", 0 },
    /* malformed */
    { "Upgrade: websocket\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 400, "", 0 },
    { "Upgrade: websocket\nConnection: close\n" KEY_LINE "Sec-WebSocket-Version: 13\n", 400, "",
      0 },
    { UPGRADE "Sec-WebSocket-Version: 13\n", 400, "", 0 },
    { WHOLE KEY_LINE, 400, "", 0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: \n", 400, "", 0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\n", 400, "", 0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\n", 400, "",
      0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\n", 400, "",
      0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\n", 400, "",
      0 }, /* bits that stand for nothing */
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ_==\n", 400, "",
      0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ==\n", 400, "",
      0 },
    { UPGRADE "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, x\n", 400,
      "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: \n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: chat.v1,,chat.v2\n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: chat v1\n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Protocol: chat.v1; x\n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Extensions: \n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Extensions: permessage-deflate;\n", 400, "", 0 },
    { WHOLE "Sec-WebSocket-Extensions: permessage-deflate\nSec-WebSocket-Extensions: a=b\n", 400,
      "", 0 },
    /* other sites */
    { WHOLE "Origin: https://evil.example\n", 403, "", 0 },
    { WHOLE "Origin: http://shop.example\n", 403, "", 0 },
    { WHOLE "Origin: https://shop.example:8443\n", 403, "", 0 },
    { WHOLE "Origin: https://shop.example.evil.example\n", 403, "", 0 },
    { WHOLE "Origin: https://evil.example/shop.example\n", 403, "", 0 },
    { WHOLE "Origin: https://shop.example@evil.example\n", 403, "", 0 },
    { WHOLE "Origin: null\n", 403, "", 0 },
    { WHOLE "Origin: \n", 403, "", 0 },
    { WHOLE "Origin: shop.example\n", 403, "", 0 },
    { WHOLE "Origin: https://shop.example\nOrigin: https://evil.example\n", 403, "", 0 },
    { WHOLE "Origin: https://shop.example, https://evil.example\n", 403, "", 0 },
    { WHOLE "Origin: https://localhost:3000\n", 403, "", 0 },
};

CZ_TEST(a_handshake_is_agreed_to_or_refused)
{
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_header headers[HEADERS_MAX];
        cz_request req = request_of(cases[i].lines, headers);
        struct cz__ws_agreed agreed = { .window_bits = 0 };
        cz_error err = { 0 };
        cz_status status = cz__ws_handshake(&req, &wanted, &agreed, &err);
        CZ_EXPECT_MSG((status ? cz_error_http(&err) : 101) == cases[i].http, "%s: %d, %s",
                      cases[i].lines, cz_error_http(&err), err.message);
        CZ_EXPECT_STR(agreed.subprotocol, cases[i].subprotocol);
        CZ_EXPECT_EQ(agreed.window_bits, cases[i].window_bits);
        if (!status) /* RFC 6455, 1.3 */
            CZ_EXPECT_STR(cz_str_of(agreed.accept, sizeof agreed.accept),
                          "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

CZ_TEST(only_a_get_of_http_1_1_without_a_body_becomes_a_websocket)
{
    cz_header headers[HEADERS_MAX];
    struct cz__ws_agreed agreed;
    cz_error err = { 0 };
    cz_request req = request_of(WHOLE, headers);
    req.version_minor = 0;
    CZ_EXPECT_EQ(cz__ws_handshake(&req, &wanted, &agreed, &err), CZ_EPROTOCOL);
    CZ_EXPECT_EQ(cz_error_http(&err), 426);
    req.version_minor = 1;
    req.method = CZ_METHOD_HEAD;
    CZ_EXPECT_EQ(cz__ws_handshake(&req, &wanted, &agreed, &err), CZ_EPROTOCOL);
    CZ_EXPECT_EQ(cz_error_http(&err), 426);
    req.method = CZ_METHOD_GET;
    req.body = CZ_STR("x");
    CZ_EXPECT_EQ(cz__ws_handshake(&req, &wanted, &agreed, &err), CZ_EPROTOCOL);
    CZ_EXPECT_EQ(cz_error_http(&err), 400);
}

/* Of the rest nothing is asked: nghttp2 lets no field of the connection through. */
CZ_TEST(over_http_2_a_connect_needs_the_version_and_an_origin_that_may)
{
    static const struct {
        const char *lines;
        int http;
    } connects[] = {
        { "sec-websocket-version: 13\n", 101 },
        { "sec-websocket-version: 13\nsec-websocket-key: none\n", 101 },
        { "sec-websocket-version: 13\norigin: https://shop.example\n", 101 },
        { "", 426 },
        { "sec-websocket-version: 8\n", 426 },
        { "sec-websocket-version: 13, 8\n", 426 },
        { "sec-websocket-version: 13\norigin: https://evil.example\n", 403 },
        { "sec-websocket-version: 13\norigin: null\n", 403 },
        { "sec-websocket-version: 13\nsec-websocket-protocol: ,\n", 400 },
        { "sec-websocket-version: 13\nsec-websocket-extensions: ;\n", 400 },
    };
    for (size_t i = 0; i < CZ_COUNT(connects); i++) {
        cz_header headers[HEADERS_MAX];
        struct cz__ws_agreed agreed;
        cz_error err = { 0 };
        cz_request req = request_of(connects[i].lines, headers);
        req.connects = true;
        cz_status status = cz__ws_handshake(&req, &wanted, &agreed, &err);
        CZ_EXPECT_MSG((status ? cz_error_http(&err) : 101) == connects[i].http, "%s: %d",
                      connects[i].lines, cz_error_http(&err));
    }
}

CZ_TEST(a_star_lets_any_origin_in_and_compression_may_be_off)
{
    static const cz_str any[] = { CZ_STR("*") };
    cz_header headers[HEADERS_MAX];
    struct cz__ws_agreed agreed;
    cz_request req =
        request_of(WHOLE "Origin: null\nSec-WebSocket-Extensions: permessage-deflate\n", headers);
    const struct cz__ws_wanted open = { .origins = any, .origin_count = 1, .no_compression = true };
    CZ_EXPECT_EQ(cz__ws_handshake(&req, &open, &agreed, NULL), CZ_OK);
    CZ_EXPECT_EQ(agreed.window_bits, 0);
}
