/* WebSockets on streams of HTTP/2, over a real socket and by the frame: what HTTP/1 has none of. */
#include "http/h2_internal.h"
#include "http/h2_testing.h"
#include "http/ws_testing.h"
#include <time.h>

enum { STREAMS = 210 };

/* What came of a stream. */
struct side {
    cz_buf data;
    unsigned status;
    uint32_t code; /* of RST_STREAM */
    bool ended, reset;
};

struct client {
    struct bench *b;
    int fd;
    cz_buf in;
    struct side sides[STREAMS];
    uint64_t room[STREAMS]; /* by WINDOW_UPDATE; 0: the connection's */
    bool offers, goaway, closed;
};

static size_t index_of(uint32_t stream)
{
    return (stream + 1) / 2;
}

/* ---- headers ---- */

/* A status in Huffman's code: digits are five bits, from "3" on six (RFC 7541, appendix B). */
static unsigned huffman_status(const uint8_t *at, size_t len)
{
    unsigned bits = 0, count = 0, status = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | at[i];
        count += 8;
    }
    for (int digit = 0; digit < 3; digit++) {
        unsigned five = bits >> (count - 5) & 31;
        if (five < 3) {
            status = status * 10 + five;
            count -= 5;
        } else {
            status = status * 10 + (bits >> (count - 6) & 63) - 22;
            count -= 6;
        }
    }
    return status;
}

/* The first field of an answer, behind a change of the table's size: of the static table, or a literal with its name. */
static unsigned status_of(const uint8_t *at)
{
    at += (at[0] & 0xe0) == 0x20;
    static const unsigned known[] = { 200, 204, 206, 304, 400, 404, 500 };
    if (at[0] & 0x80)
        return known[(at[0] & 0x7f) - 8];
    if (at[1] & 0x80)
        return huffman_status(at + 2, at[1] & 0x7f);
    return (unsigned)(at[2] - '0') * 100 + (unsigned)(at[3] - '0') * 10 + (unsigned)(at[4] - '0');
}

static void put_literal(cz_buf *out, const char *name, const char *value)
{
    cz_buf_append_char(out, '\0');
    cz_buf_append_char(out, (char)strlen(name));
    cz_buf_append_str(out, cz_str_from(name));
    cz_buf_append_char(out, (char)strlen(value));
    cz_buf_append_str(out, cz_str_from(value));
}

/* An extended CONNECT, of fields that each may be missing: NULL. */
static void put_connect_of(cz_buf *out, uint32_t stream, const char *method, const char *protocol,
                           const char *path, const char *more, int flags)
{
    cz_buf fields = { 0 };
    put_literal(&fields, ":method", method);
    if (protocol)
        put_literal(&fields, ":protocol", protocol);
    if (path) {
        put_literal(&fields, ":scheme", "http");
        put_literal(&fields, ":path", path);
    }
    put_literal(&fields, ":authority", "x");
    if (more)
        put_literal(&fields, more, "websocket");
    put_frame(out, HEADERS, END_HEADERS | flags, stream, fields.ptr, fields.len);
    cz_buf_done(&fields);
}

static void put_connect(cz_buf *out, uint32_t stream, const char *path)
{
    put_connect_of(out, stream, "CONNECT", "websocket", path, NULL, 0);
}

/* ---- a client ---- */

/* The preface of a client that keeps no table of headers, with a setting more or none. */
static void put_hello(cz_buf *out, cz_str setting)
{
    cz_buf settings = { 0 };
    cz_buf_append_lit(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    cz_buf_append_lit(&settings, "\0\1\0\0\0\0");
    cz_buf_append_str(&settings, setting);
    put_frame(out, SETTINGS, 0, 0, settings.ptr, settings.len);
    cz_buf_done(&settings);
}

static bool take_frame(struct client *client)
{
    cz_buf *in = &client->in;
    const uint8_t *at = (const uint8_t *)in->ptr;
    size_t len = in->len < 9 ? 0 : ((size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]);
    if (in->len < 9 || in->len < 9 + len)
        return false;
    size_t index = index_of(number_at(at + 5));
    struct side *side = &client->sides[index];
    CZ_REQUIRE(index < STREAMS);
    if (at[3] == HEADERS)
        side->status = status_of(at + 9);
    else if (at[3] == DATA)
        cz_buf_append(&side->data, at + 9, len);
    else if (at[3] == WINDOW_UPDATE)
        client->room[index] += number_at(at + 9);
    else if (at[3] == GOAWAY)
        client->goaway = true;
    for (size_t i = 0; at[3] == SETTINGS && i + 6 <= len; i += 6)
        client->offers |= at[9 + i + 1] == 8 && at[9 + i + 5] == 1; /* RFC 8441, 3 */
    if (at[3] == RST_STREAM) {
        side->reset = true;
        side->code = number_at(at + 9);
    }
    side->ended |= (at[3] == HEADERS || at[3] == DATA) && (at[4] & END_STREAM);
    in->len -= 9 + len;
    memmove(in->ptr, in->ptr + 9 + len, in->len);
    return true;
}

static void hear_frames(struct client *client, int ms)
{
    for (int64_t until = cz_monotonic_us() + ms * 1000; cz_monotonic_us() < until;) {
        cz__loop_turn(client->b->loop, 1);
        ssize_t n = recv(client->fd, cz_buf_reserve(&client->in, 1 << 16), 1 << 16, 0);
        if (n > 0)
            cz_buf_commit(&client->in, (size_t)n);
        else
            client->closed |= n == 0 || errno != EAGAIN;
        while (take_frame(client))
            ;
    }
}

static struct client *client_make(struct bench *b)
{
    struct client *client = cz_calloc(1, sizeof *client);
    CZ_REQUIRE(client);
    client->b = b;
    client->fd = dial(b);
    return client;
}

static void client_done(struct client *client)
{
    close(client->fd);
    for (size_t i = 0; i < STREAMS; i++)
        cz_buf_done(&client->sides[i].data);
    cz_buf_done(&client->in);
    turn(client->b, 20);
    cz_free(client);
}

/* Say what is in `out`, and hear. */
static void talk(struct client *client, cz_buf *out, int ms)
{
    say_bytes(client->fd, cz_buf_str(out));
    cz_buf_clear(out);
    hear_frames(client, ms);
}

/* In text: "200: message of 5; close 1000; end; reset 8". */
static const char *told(const struct client *client, uint32_t stream)
{
    static char text[4200];
    const struct side *side = &client->sides[index_of(stream)];
    snprintf(text, sizeof text, "%u: %s%s", side->status, frames_of(&side->data, false),
             side->ended ? "; end" : "");
    if (side->reset)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; reset %u", side->code);
    return text;
}

static void expect_told(const struct client *client, uint32_t stream, const char *expected)
{
    CZ_EXPECT_STR(cz_str_from(told(client, stream)), expected);
}

static void put_ws_data(cz_buf *out, uint32_t stream, unsigned first, cz_str payload, int flags)
{
    cz_buf frame = { 0 };
    put_ws_frame(&frame, first, payload);
    put_frame(out, DATA, flags, stream, frame.ptr, frame.len);
    cz_buf_done(&frame);
}

static struct bench begin(cz_http_limits limits)
{
    memset(&seen, 0, sizeof seen);
    limits.http2 = cz__h2_is_there();
    return bench_make(&limits, &app, NULL);
}

static struct client *open_sockets(struct bench *b, uint32_t count, const char *path)
{
    struct client *client = client_make(b);
    cz_buf out = { 0 };
    put_hello(&out, CZ_STR(""));
    for (uint32_t i = 0; i < count; i++)
        put_connect(&out, 2 * i + 1, path);
    talk(client, &out, 60);
    put_frame(&out, SETTINGS, ACK, 0, NULL, 0); /* from here the windows are as they say */
    talk(client, &out, 5);
    cz_buf_done(&out);
    CZ_EXPECT(client->offers);
    return client;
}

/* ---- messages ---- */

CZ_TEST(a_stream_carries_a_websocket)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 1, "/echo");
    cz_buf out = { 0 };
    expect_told(client, 1, "200: ");
    put_ws_data(&out, 1, TEXT_FRAME, CZ_STR("hello"), 0);
    put_ws_data(&out, 1, CZ__WS_BINARY, CZ_STR("in "), 0);
    put_ws_data(&out, 1, CZ__WS_FIN | CZ__WS_PING, CZ_STR("?"), 0);
    put_ws_data(&out, 1, CZ__WS_FIN | CZ__WS_CONTINUATION, CZ_STR("pieces"), 0);
    talk(client, &out, 60);
    expect_told(client, 1, "200: message of 5; pong; message of 9");
    put_ws_data(&out, 1, CLOSE_FRAME, CZ_STR("\x0f\xa1 bye"), END_STREAM);
    talk(client, &out, 60);
    expect_told(client, 1, "200: message of 5; pong; message of 9; close 4001; end");
    CZ_EXPECT_EQ(seen.closed_with, 4001);
    CZ_EXPECT_EQ(seen.handlers, 0);
    put_connect(&out, 3, "/plain"); /* the connection has more to do */
    put_get(&out, 5, "/plain");
    talk(client, &out, 60);
    CZ_EXPECT_EQ(client->sides[index_of(5)].status, 200);
    CZ_EXPECT(!client->closed && !client->goaway);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* The bytes of DATA frames are one stream: cut into two anywhere, and into single bytes. */
CZ_TEST(data_frames_may_be_cut_anywhere)
{
    cz_buf bytes = { 0 }, out = { 0 };
    put_ws_frame(&bytes, TEXT_FRAME, CZ_STR("hello"));
    put_ws_frame(&bytes, CZ__WS_FIN | CZ__WS_PING, CZ_STR("?"));
    put_ws_frame(&bytes, BINARY_FRAME, CZ_STR(""));
    put_ws_frame(&bytes, CLOSE_FRAME, CZ_STR("\x03\xe8"));
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 1, "/echo");
    for (uint32_t cut = 0; cut <= bytes.len; cut++) {
        uint32_t id = 2 * cut + 3;
        put_connect(&out, id, "/echo");
        if (cut == bytes.len)
            for (size_t i = 0; i < bytes.len; i++)
                put_frame(&out, DATA, 0, id, bytes.ptr + i, 1);
        else
            put_frame(&out, DATA, 0, id, bytes.ptr, cut);
        if (cut % 2)
            talk(client, &out, 5);
        if (cut < bytes.len)
            put_frame(&out, DATA, END_STREAM, id, bytes.ptr + cut, bytes.len - cut);
        else
            put_frame(&out, DATA, END_STREAM, id, NULL, 0);
        talk(client, &out, 20);
        CZ_EXPECT_MSG(
            !strcmp(told(client, id), "200: message of 5; pong; message of 0; close 1000; end") ||
                !strcmp(told(client, id), "200: pong; message of 5; message of 0; close 1000; end"),
            "cut at %u: %s", cut, told(client, id));
    }
    client_done(client);
    cz_buf_done(&bytes);
    cz_buf_done(&out);
    bench_done(&b);
}

/* A window that is opened a byte at a time: what is sent comes all the same. */
CZ_TEST(a_window_of_one_byte_is_enough)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = client_make(&b);
    cz_buf out = { 0 };
    put_hello(&out, CZ_STR("\0\4\0\0\0\1"));
    put_connect(&out, 1, "/echo");
    put_ws_data(&out, 1, TEXT_FRAME, CZ_STR("slowly"), 0);
    talk(client, &out, 60);
    CZ_EXPECT_EQ(client->sides[1].data.len, 1);
    for (int i = 0; i < 7; i++) {
        put_number(&out, WINDOW_UPDATE, 1, 1);
        talk(client, &out, 10);
        CZ_EXPECT_EQ(client->sides[1].data.len, 2 + i);
    }
    expect_told(client, 1, "200: message of 6");
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* "/sleep" receives after 400 ms, and nothing more than its window is taken before; others go on. */
CZ_TEST(a_handler_that_does_not_receive_stops_its_stream_and_no_other)
{
    enum { PIECE = 16000 };
    static char bytes[PIECE];
    struct bench b = begin((cz_http_limits){ .ws_message_bytes = 8 << 20 });
    struct client *client = open_sockets(&b, 1, "/sleep");
    cz_buf out = { 0 };
    put_connect(&out, 3, "/echo");
    for (int i = 0; i < 8; i++) { /* the first waits for the handler, the others for the first */
        put_ws_data(&out, 1, BINARY_FRAME, cz_str_of(bytes, PIECE), 0);
        talk(client, &out, 5);
    }
    CZ_EXPECT_EQ(client->room[1], 0);
    CZ_EXPECT(client->room[0] > 0); /* everybody's */
    put_ws_data(&out, 3, TEXT_FRAME, CZ_STR("I go on"), 0);
    talk(client, &out, 30);
    expect_told(client, 3, "200: message of 7");
    hear_frames(client, 600);
    CZ_EXPECT_MSG(cz_str_starts_with(cz_str_from(told(client, 1)),
                                     CZ_STR("200: message of 5; message of 5;")),
                  "%s", told(client, 1));
    put_ws_data(&out, 1, CLOSE_FRAME, CZ_STR("\x03\xe8"), END_STREAM);
    talk(client, &out, 30);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* Of the processor: the machine may be busy with something else. */
static int64_t spent_us(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

/* Handlers that have a lot to receive: others have their turn between. */
CZ_TEST(what_waits_for_a_socket_keeps_nobody_waiting)
{
    enum { SOCKETS = 4, TIMES = 15, PIECE = 16002 };
    static char small[PIECE]; /* messages of no bytes, each a frame of six */
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, SOCKETS, "/sleep");
    cz_buf out = { 0 };
    int64_t longest = 0;
    for (int i = 0; i < PIECE; i += 6)
        memcpy(small + i, "\x81\x80\0\0\0\0", 6);
    for (uint32_t n = 0; n <= SOCKETS; n++) /* all that is answered may go at once */
        put_number(&out, WINDOW_UPDATE, n ? 2 * n - 1 : 0, 1 << 30);
    for (uint32_t n = 0; n < SOCKETS * TIMES; n++) {
        put_frame(&out, DATA, 0, 2 * (n % SOCKETS) + 1, small, PIECE);
        talk(client, &out, 1);
    }
    for (int64_t until = cz_monotonic_us() + 3000000; cz_monotonic_us() < until;) {
        int64_t began = spent_us();
        cz__loop_turn(b.loop, 1);
        int64_t took = spent_us() - began;
        longest = took > longest ? took : longest;
    }
    hear_frames(client, 100);
    CZ_EXPECT_MSG(longest < 50000, "%d us", (int)longest);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

CZ_TEST(a_hundred_sockets_live_beside_requests)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, CZ__H2_WEBSOCKETS_MAX + 1, "/echo");
    cz_buf out = { 0 };
    for (uint32_t i = 0; i < CZ__H2_WEBSOCKETS_MAX; i++)
        put_ws_data(&out, 2 * i + 1, TEXT_FRAME, CZ_STR("me too"), 0);
    for (uint32_t i = 0; i < 20; i++)
        put_get(&out, 2 * (CZ__H2_WEBSOCKETS_MAX + 1 + i) + 1, "/plain");
    talk(client, &out, 200);
    for (uint32_t i = 0; i < CZ__H2_WEBSOCKETS_MAX; i++)
        expect_told(client, 2 * i + 1, "200: message of 6");
    CZ_EXPECT_EQ(client->sides[index_of(2 * CZ__H2_WEBSOCKETS_MAX + 1)].status, 503);
    for (uint32_t i = 0; i < 20; i++)
        CZ_EXPECT_EQ(client->sides[CZ__H2_WEBSOCKETS_MAX + 2 + i].status, 200);
    CZ_EXPECT_EQ(seen.handlers, CZ__H2_WEBSOCKETS_MAX);
    client_done(client);
    CZ_EXPECT_EQ(seen.handlers, 0);
    CZ_EXPECT_EQ(seen.closed_with, 1006);
    cz_buf_done(&out);
    bench_done(&b);
}

/* ---- what is refused ---- */

CZ_TEST(what_is_no_extended_connect_is_refused)
{
    static const struct {
        const char *method, *protocol, *path, *more;
        const char *told;
    } cases[] = {
        { "CONNECT", "connect-udp", "/echo", NULL, "501" },
        { "CONNECT", "WebSocket", "/echo", NULL, "501" },
        { "CONNECT", NULL, NULL, NULL, "501" },
        { "CONNECT", "websocket", "/plain", NULL, "400" }, /* which speaks none */
        { "CONNECT", "websocket", "*", NULL, "0: ; reset 1" },
        { "CONNECT", "websocket", NULL, NULL, "0: ; reset 1" },
        { "CONNECT", "websocket", "/echo", "upgrade", "0: ; reset 1" },
        { "CONNECT", "websocket", "/echo", "connection", "0: ; reset 1" },
        { "CONNECT", "websocket", "/echo", ":protocol", "0: ; reset 1" },
        { "CONNECT", NULL, "/echo", NULL, "0: ; reset 1" },
        { "GET", "websocket", "/echo", NULL, "0: ; reset 1" },
        { "POST", "websocket", "/echo", NULL, "0: ; reset 1" },
    };
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 1, "/echo");
    cz_buf out = { 0 };
    for (uint32_t i = 0; i < CZ_COUNT(cases); i++) {
        uint32_t id = 2 * i + 3;
        put_connect_of(&out, id, cases[i].method, cases[i].protocol, cases[i].path, cases[i].more,
                       0);
        talk(client, &out, 20);
        CZ_EXPECT_MSG(cz_str_starts_with(cz_str_from(told(client, id)), cz_str_from(cases[i].told)),
                      "%u: %s", i, told(client, id));
    }
    put_ws_data(&out, 1, TEXT_FRAME, CZ_STR("untouched"), 0);
    talk(client, &out, 20);
    expect_told(client, 1, "200: message of 9");
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* It is judged where it is begun, as a request without a body is, and once. */
CZ_TEST(a_socket_is_one_request_in_an_overload)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct cz__overload_rule *rule = &b.server->core.overload.rule;
    *rule = (struct cz__overload_rule){ .wait_max_us = 1000000,
                                        .on = true,
                                        .allowed_us = -1, /* the first of a turn, and no other */
                                        .second_us = cz_monotonic_us() };
    struct client *client = open_sockets(&b, 1, "/echo");
    CZ_EXPECT_EQ(rule->served, 1);
    CZ_EXPECT_EQ(rule->refused, 0);
    expect_told(client, 1, "200: ");
    client_done(client);
    bench_done(&b);
}

CZ_TEST(sockets_on_streams_count_as_connections_do)
{
    static const cz_http_limits limits[] = { { .connections_per_address = 5 },
                                             { .connections_max = 5 } };
    for (size_t i = 0; i < CZ_COUNT(limits); i++) {
        struct bench b = begin(limits[i]);
        struct client *client = open_sockets(&b, 6, "/echo");
        cz_buf out = { 0 };
        for (uint32_t n = 0; n < 6; n++) /* the connection is the first of five */
            CZ_EXPECT_EQ(client->sides[n + 1].status, n < 4 ? 200 : 503);
        put_number(&out, RST_STREAM, 1, CANCEL);
        talk(client, &out, 20);
        put_connect(&out, 13, "/echo");
        put_connect(&out, 15, "/echo");
        talk(client, &out, 20);
        CZ_EXPECT_EQ(client->sides[7].status, 200);
        CZ_EXPECT_EQ(client->sides[8].status, 503);
        client_done(client);
        client = open_sockets(&b, 4, "/echo"); /* all were given back */
        for (uint32_t n = 0; n < 4; n++)
            CZ_EXPECT_EQ(client->sides[n + 1].status, 200);
        client_done(client);
        cz_buf_done(&out);
        bench_done(&b);
    }
}

/* ---- the end ---- */

CZ_TEST(a_stream_ends_as_a_connection_would)
{
    static const struct {
        const char *what, *path;
        unsigned first;
        const char *payload;
        size_t payload_bytes;
        uint32_t reset; /* 0: END_STREAM */
        const char *told;
        unsigned closed_with;
    } cases[] = {
        { "an end without a close", "/echo", TEXT_FRAME, "last words", 10, 0,
          "200: message of 10; end", 1006 },
        { "an end inside a message", "/echo", CZ__WS_TEXT, "half", 4, 0, "200: ; end", 1006 },
        { "a reset", "/echo", TEXT_FRAME, "", 0, CANCEL, NULL, 1006 },
        { "a reset inside a message", "/echo", CZ__WS_TEXT, "half", 4, CANCEL, NULL, 1006 },
        { "a close", "/echo", CLOSE_FRAME, "\x03\xe9", 2, 0, "200: close 1001; end", 1001 },
        { "a close without a code", "/echo", CLOSE_FRAME, "", 0, 0, "200: close 1005; end", 1005 },
        { "a rule that is broken", "/echo", TEXT_FRAME, "\xff", 1, 0, "200: close 1007; end",
          1007 },
    };
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 1, "/echo");
    cz_buf out = { 0 };
    for (uint32_t i = 0; i < CZ_COUNT(cases); i++) {
        uint32_t id = 2 * i + 3;
        put_connect(&out, id, cases[i].path);
        talk(client, &out, 20);
        put_ws_data(&out, id, cases[i].first, cz_str_of(cases[i].payload, cases[i].payload_bytes),
                    cases[i].reset ? 0 : END_STREAM);
        if (cases[i].reset)
            put_number(&out, RST_STREAM, id, cases[i].reset);
        talk(client, &out, 30);
        if (cases[i].told)
            CZ_EXPECT_MSG(!strcmp(told(client, id), cases[i].told), "%s: %s", cases[i].what,
                          told(client, id));
        CZ_EXPECT_MSG(seen.closed_with == cases[i].closed_with, "%s: %u", cases[i].what,
                      seen.closed_with);
        CZ_EXPECT_EQ(seen.handlers, 1);
    }
    CZ_EXPECT(!client->goaway && !client->closed);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

CZ_TEST(a_stream_that_is_a_socket_has_no_trailer)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 2, "/echo");
    cz_buf out = { 0 };
    put_ws_data(&out, 1, CZ__WS_TEXT, CZ_STR("half"), 0);
    put_frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, "\0\1x\1y", 5);
    put_ws_data(&out, 3, TEXT_FRAME, CZ_STR("untouched"), 0);
    talk(client, &out, 30);
    expect_told(client, 1, "200: ; reset 1");
    expect_told(client, 3, "200: message of 9");
    CZ_EXPECT_EQ(seen.closed_with, 1006);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* Its handler may go on for long, and costs nothing meanwhile. */
CZ_TEST(a_stream_that_is_gone_asks_for_no_time)
{
    struct bench b = begin((cz_http_limits){ .ws_ping_interval_ms = 20, .ws_pong_timeout_ms = 20 });
    struct client *client = open_sockets(&b, 1, "/sleep");
    cz_buf out = { 0 };
    put_number(&out, RST_STREAM, 1, CANCEL);
    talk(client, &out, 20);
    unsigned turns = 0;
    for (int64_t until = cz_monotonic_us() + 200000; cz_monotonic_us() < until; turns++)
        cz__loop_turn(b.loop, 100);
    CZ_EXPECT_MSG(turns < 20, "%u turns", turns);
    client_done(client);
    turn(&b, 300);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    cz_buf_done(&out);
    bench_done(&b);
}

/* Who was refused in the middle of a message and never ends has a second, and is told to stop. */
CZ_TEST(who_does_not_end_after_us_is_reset)
{
    struct bench b = begin((cz_http_limits){ 0 });
    struct client *client = open_sockets(&b, 1, "/echo");
    cz_buf out = { 0 };
    put_frame(&out, DATA, 0, 1, "\x81\x05Hello", 7);
    talk(client, &out, 300);
    expect_told(client, 1, "200: close 1002; end");
    put_frame(&out, DATA, 0, 1, "more of it", 10);
    talk(client, &out, 1200);
    expect_told(client, 1, "200: close 1002; end; reset 0");
    CZ_EXPECT(!client->closed);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

CZ_TEST(what_a_handler_does_decides_the_code_on_a_stream)
{
    static const struct {
        const char *path, *told;
    } cases[] = { { "/raise", "200: close 1011" },
                  { "/end", "200: close 1000" },
                  { "/close", "200: close 4001" } };
    struct bench b = begin((cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct client *client = open_sockets(&b, 1, cases[i].path);
        cz_buf out = { 0 };
        expect_told(client, 1, cases[i].told);
        put_ws_data(&out, 1, TEXT_FRAME, CZ_STR("dropped"), 0);
        put_ws_data(&out, 1, CLOSE_FRAME, CZ_STR("\x03\xe8"), END_STREAM);
        talk(client, &out, 30);
        CZ_EXPECT(client->sides[1].ended && !client->sides[1].reset);
        client_done(client);
        cz_buf_done(&out);
    }
    bench_done(&b);
}

CZ_TEST(a_stream_whose_ping_is_not_answered_is_reset)
{
    struct bench b = begin((cz_http_limits){ .ws_ping_interval_ms = 40, .ws_pong_timeout_ms = 60 });
    struct client *client = open_sockets(&b, 2, "/echo");
    cz_buf out = { 0 };
    for (int i = 0; i < 6; i++) {
        put_ws_data(&out, 3, CZ__WS_FIN | CZ__WS_PONG, CZ_STR("here"), 0);
        talk(client, &out, 25);
    }
    expect_told(client, 1, "200: ping; reset 8");
    CZ_EXPECT(!client->sides[index_of(3)].reset && !client->closed);
    CZ_EXPECT_EQ(seen.handlers, 1);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

CZ_TEST(who_does_not_read_a_stream_is_reset_and_the_connection_lives)
{
    struct bench b = begin((cz_http_limits){ .write_timeout_ms = 500 });
    struct client *client = open_sockets(&b, 1, "/flood"); /* 64 KiB are the window */
    cz_buf out = { 0 };
    hear_frames(client, 2800);
    CZ_EXPECT_MSG(client->sides[1].reset && client->sides[1].code == CANCEL, "%u bytes",
                  (unsigned)client->sides[1].data.len);
    CZ_EXPECT_EQ(client->sides[1].data.len, 65535);
    put_number(&out, WINDOW_UPDATE, 0, 1 << 20);
    put_get(&out, 3, "/plain");
    talk(client, &out, 30);
    CZ_EXPECT_EQ(client->sides[2].status, 200);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

/* Who has a window of nothing and ends without a word: our end, which has no bytes, waits for that window too. */
CZ_TEST(who_takes_not_even_our_end_is_reset)
{
    struct bench b = begin((cz_http_limits){ .write_timeout_ms = 500 });
    struct client *client = client_make(&b);
    cz_buf out = { 0 };
    put_hello(&out, CZ_STR("\0\4\0\0\0\0"));
    put_connect(&out, 1, "/echo");
    put_frame(&out, DATA, END_STREAM, 1, NULL, 0);
    talk(client, &out, 60);
    expect_told(client, 1, "200: ");
    CZ_EXPECT_EQ(seen.handlers, 0);
    CZ_EXPECT_EQ(b.server->websocket_streams, 1);
    hear_frames(client, 2800);
    expect_told(client, 1, "200: ; reset 8");
    CZ_EXPECT_EQ(b.server->websocket_streams, 0);
    CZ_EXPECT(!client->closed);
    client_done(client);
    cz_buf_done(&out);
    bench_done(&b);
}

CZ_TEST(sockets_on_streams_are_told_of_a_drain)
{
    static const struct {
        enum cz__http_drain how;
        const char *told, *answer;
        unsigned code;
    } cases[] = { { CZ__HTTP_STOPS, "200: close 1001", "\x03\xe9", 1001 },
                  { CZ__HTTP_HANDS_OVER, "200: close 1012", "\x03\xf4", 1012 } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct bench b = begin((cz_http_limits){ 0 });
        struct client *client = open_sockets(&b, 2, "/echo");
        cz_buf out = { 0 };
        cz__http_server_drain(b.server, cases[i].how, NULL, NULL);
        hear_frames(client, 60);
        for (uint32_t id = 1; id <= 3; id += 2) {
            expect_told(client, id, cases[i].told);
            put_ws_data(&out, id, CLOSE_FRAME, cz_str_from(cases[i].answer), END_STREAM);
        }
        CZ_EXPECT(client->goaway);
        talk(client, &out, 400);
        CZ_EXPECT(client->closed);
        CZ_EXPECT_EQ(seen.closed_with, cases[i].code);
        client_done(client);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
        cz_buf_done(&out);
        bench_done(&b);
    }
}

/* A connection that is closed, or a stream that is reset, in the handshake, inside a message, while a handler sends or sleeps. */
CZ_TEST(clients_that_vanish_leave_no_stream)
{
    static const char *const paths[] = { "/echo", "/slow", "/sleep", "/flood", "/big", "/nest" };
    struct bench b = begin((cz_http_limits){ 0 });
    for (size_t i = 0; i < 4 * CZ_COUNT(paths); i++) {
        struct client *client = client_make(&b);
        cz_buf out = { 0 };
        put_hello(&out, CZ_STR(""));
        put_connect(&out, 1, paths[i / 4]);
        put_ws_data(&out, 1, CZ__WS_TEXT, CZ_STR("half"), 0);
        talk(client, &out, i % 2 ? 2 : 20);
        if (i % 4 < 2) {
            put_number(&out, RST_STREAM, 1, CANCEL);
            talk(client, &out, 5);
        }
        client_done(client);
        cz_buf_done(&out);
    }
    turn(&b, 450); /* who sleeps ends by itself */
    CZ_EXPECT_EQ(seen.handlers, 0);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

/* A whole session with the n-th allocation failing, nghttp2's not among them: nothing is lost or used after its end. */
CZ_TEST(without_memory_a_socket_on_a_stream_ends_and_no_more)
{
    struct bench b = begin((cz_http_limits){ 0 });
    cz_buf out = { 0 };
    static char text[3000];
    put_hello(&out, CZ_STR(""));
    put_connect(&out, 1, "/echo?deflate");
    put_ws_data(&out, 1, TEXT_FRAME, cz_str_of(text, sizeof text), 0);
    put_ws_data(&out, 1, CZ__WS_FIN | CZ__WS_PING, CZ_STR("x"), 0);
    put_ws_data(&out, 1, CLOSE_FRAME, CZ_STR("\x03\xe8"), END_STREAM);
    for (uint64_t nth = 1; nth < 60; nth++) {
        struct client *client = client_make(&b);
        cz__alloc_fail_at(nth, nth % 2);
        say_bytes(client->fd, cz_buf_str(&out));
        for (int i = 0; i < 8; i++)
            cz__loop_turn(b.loop, 1);
        cz__alloc_fail_at(0, false);
        client_done(client);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    }
    cz_buf_done(&out);
    bench_done(&b);
}
