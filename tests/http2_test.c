/* HTTP/2 as bytes: what breaks its rules, and what costs a server more than its client. Frames are made by hand: a client library
 * would not send them. Sections are RFC 9113's. */
#include "server.h"
#include "http/h2_testing.h"
#include <calzone/time.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a connection ---- */

struct heard {
    enum frame frame; /* the first that is none of the usual ones, CLOSED or NOTHING */
    uint32_t code;    /* of GOAWAY and RST_STREAM */
    unsigned answers; /* HEADERS */
    bool ok;          /* the last of them says 200 */
    uint64_t room;    /* of streams, by WINDOW_UPDATE */
    bool resets;      /* count */
};

/* Take one whole frame from the front. False: there is none. */
static bool take_frame(cz_buf *in, struct heard *heard)
{
    const uint8_t *at = (const uint8_t *)in->ptr;
    size_t len = in->len < 9 ? 0 : ((size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]);
    if (in->len < 9 || in->len < 9 + len)
        return false;
    uint32_t code = 0;
    if (at[3] == GOAWAY && len >= 8)
        code = number_at(at + 13);
    if (at[3] == RST_STREAM && len == 4)
        code = number_at(at + 9);
    heard->answers += at[3] == HEADERS;
    if (at[3] == HEADERS && len)
        heard->ok = at[9] == 0x88; /* of the static table */
    if (at[3] == WINDOW_UPDATE && len == 4 && (at[5] | at[6] | at[7] | at[8]))
        heard->room += number_at(at + 9);
    if ((at[3] == GOAWAY || (at[3] == RST_STREAM && heard->resets)) && heard->frame == NOTHING) {
        heard->frame = (enum frame)at[3];
        heard->code = code;
    }
    in->len -= 9 + len;
    memmove(in->ptr, in->ptr + 9 + len, in->len);
    return true;
}

/* Send all, as far as the server takes it, and hear for `ms`, or until GOAWAY, the end or, when `resets` count, RST_STREAM. */
static struct heard converse(int fd, cz_str bytes, int ms, bool resets)
{
    struct heard heard = { .frame = NOTHING, .resets = resets };
    cz_buf in = { 0 };
    int64_t until = cz_monotonic_us() + ms * INT64_C(1000);
    while (heard.frame == NOTHING && cz_monotonic_us() < until) {
        struct pollfd ready = { .fd = fd, .events = (short)(POLLIN | (bytes.len ? POLLOUT : 0)) };
        cz_ignore(poll(&ready, 1, 20));
        if (ready.revents & POLLIN) {
            ssize_t n = recv(fd, cz_buf_reserve(&in, 1 << 16), 1 << 16, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                heard.frame = CLOSED;
            cz_buf_commit(&in, n > 0 ? (size_t)n : 0);
            while (take_frame(&in, &heard))
                ;
        } else if (ready.revents & (POLLHUP | POLLERR)) {
            heard.frame = CLOSED;
        } else if (ready.revents & POLLOUT) {
            ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
            bytes = cz_str_tail(bytes, n > 0 ? (size_t)n : 0);
        }
    }
    cz_buf_done(&in);
    return heard;
}

static struct heard ask_frames(uint16_t port, const cz_buf *frames, int ms)
{
    int fd = dial(port);
    struct heard heard = converse(fd, cz_buf_str(frames), ms, true);
    close(fd);
    return heard;
}

/* Streams of files hold fibers, which others need. */
CZ_TEST(who_takes_nothing_of_many_files_leaves_fibers_for_others)
{
    enum { CONNECTIONS = 21, STREAMS = 100 }; /* 2,048 files at once are the limit */
    int fds[CONNECTIONS];
    CZ_REQUIRE(mkdir(format("%s/files", cz_test_directory()).ptr, 0755) == 0);
    int file = open(format("%s/files/large.bin", cz_test_directory()).ptr,
                    O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    CZ_REQUIRE(file >= 0 && ftruncate(file, 1 << 20) == 0);
    close(file);
    struct server server = server_start("shelf", 1, NULL);
    cz_buf frames = { 0 };
    const uint8_t no_window[] = { 0, 4, 0, 0, 0, 0 };
    cz_buf_append_lit(&frames, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(&frames, SETTINGS, 0, 0, no_window, sizeof no_window);
    for (uint32_t i = 0; i < STREAMS; i++)
        put_get(&frames, 2 * i + 1, "/download/large.bin");
    unsigned answers = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = dial(server.port);
        answers += converse(fds[i], cz_buf_str(&frames), 300, false).answers;
    }
    CZ_EXPECT_EQ(answers, CONNECTIONS * STREAMS);
    CZ_EXPECT_STATUS(get(server.port, "/ping"), 200);
    CZ_EXPECT_STATUS(get(server.port, "/download/large.bin"), 503);
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    sleep_ms(300);
    CZ_EXPECT_STATUS(get(server.port, "/download/large.bin"), 200);
    cz_buf_done(&frames);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- rules ---- */

static void rule_get(cz_buf *out)
{
    put_preface(out);
    put_get(out, 1, "/notes");
}

static void rule_no_settings(cz_buf *out)
{
    cz_buf_append_lit(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_get(out, 1, "/notes");
}

static void rule_even_stream(cz_buf *out)
{
    put_preface(out);
    put_get(out, 2, "/notes");
}

static void rule_lower_stream(cz_buf *out)
{
    put_preface(out);
    put_get(out, 5, "/notes");
    put_get(out, 3, "/notes");
}

static void rule_data_idle(cz_buf *out)
{
    put_preface(out);
    put_frame(out, DATA, END_STREAM, 1, "x", 1);
}

static void rule_data_on_zero(cz_buf *out)
{
    put_preface(out);
    put_frame(out, DATA, 0, 0, "x", 1);
}

static void rule_headers_on_zero(cz_buf *out)
{
    put_preface(out);
    put_get(out, 0, "/notes");
}

static void rule_long_frame(cz_buf *out)
{
    static char bytes[16385];
    put_preface(out);
    put_request(out, 1, true, "/echo", END_HEADERS);
    put_frame(out, DATA, 0, 1, bytes, sizeof bytes);
}

static void rule_settings_length(cz_buf *out)
{
    put_preface(out);
    put_frame(out, SETTINGS, 0, 0, "12345", 5);
}

static void rule_settings_ack_with_content(cz_buf *out)
{
    put_preface(out);
    put_frame(out, SETTINGS, ACK, 0, "\0\1\0\0\0\0", 6);
}

static void rule_settings_on_stream(cz_buf *out)
{
    put_preface(out);
    put_frame(out, SETTINGS, 0, 1, NULL, 0);
}

static void rule_settings_window(cz_buf *out)
{
    put_preface(out);
    put_frame(out, SETTINGS, 0, 0, "\0\4\x80\0\0\0", 6);
}

static void rule_settings_frame_size(cz_buf *out)
{
    put_preface(out);
    put_frame(out, SETTINGS, 0, 0, "\0\5\0\0\x3f\xff", 6);
}

static void rule_ping_length(cz_buf *out)
{
    put_preface(out);
    put_frame(out, PING, 0, 0, "1234567", 7);
}

static void rule_ping_on_stream(cz_buf *out)
{
    put_preface(out);
    put_frame(out, PING, 0, 1, "12345678", 8);
}

static void rule_window_zero(cz_buf *out)
{
    put_preface(out);
    put_number(out, WINDOW_UPDATE, 0, 0);
}

static void rule_window_overflow(cz_buf *out)
{
    put_preface(out);
    put_number(out, WINDOW_UPDATE, 0, 0x7fffffff);
}

static void rule_reset_idle(cz_buf *out)
{
    put_preface(out);
    put_number(out, RST_STREAM, 7, 8);
}

static void rule_push(cz_buf *out)
{
    put_preface(out);
    put_frame(out, PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82", 5);
}

static void rule_continuation_alone(cz_buf *out)
{
    put_preface(out);
    put_frame(out, CONTINUATION, END_HEADERS, 1, "\x82", 1);
}

static void rule_headers_interrupted(cz_buf *out)
{
    put_preface(out);
    put_request(out, 1, false, "/notes", END_STREAM);
    put_frame(out, PING, 0, 0, "12345678", 8);
}

static void rule_compression(cz_buf *out)
{
    put_preface(out);
    put_frame(out, HEADERS, END_STREAM | END_HEADERS, 1, "\xff\xff\xff\xff\xff", 5);
}

static void rule_padding(cz_buf *out)
{
    put_preface(out);
    put_request(out, 1, true, "/echo", END_HEADERS);
    put_frame(out, DATA, PADDED | END_STREAM, 1, "\x09xyz", 4);
}

static void put_bad_request(cz_buf *out, cz_str fields)
{
    put_preface(out);
    put_frame(out, HEADERS, END_STREAM | END_HEADERS, 1, fields.ptr, fields.len);
}

static void rule_no_path(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x01\x09localhost"));
}

static void rule_pseudo_twice(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x82\x86\x84\x01\x09localhost"));
}

static void rule_pseudo_behind(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x00\x01"
                                "a\x01"
                                "b\x84\x01\x09localhost"));
}

static void rule_pseudo_unknown(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x04:foo\x01x"));
}

static void rule_upper_case(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x03X-A\x01x"));
}

static void rule_connection(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x0a"
                                "connection\x05"
                                "close"));
}

static void rule_coding(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x11"
                                "transfer-encoding\x07"
                                "chunked"));
}

static void rule_line_end(cz_buf *out)
{
    put_bad_request(out, CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x01"
                                "a\x07"
                                "b\r\nx: y"));
}

static void rule_length(cz_buf *out)
{
    cz_buf fields = { 0 };
    put_preface(out);
    put_fields(&fields, true, "/echo");
    cz_buf_append_lit(&fields, "\x0f\x0d\x01"
                               "9"); /* content-length: 9 */
    put_frame(out, HEADERS, END_HEADERS, 1, fields.ptr, fields.len);
    put_frame(out, DATA, END_STREAM, 1, "x", 1);
    cz_buf_done(&fields);
}

static const struct {
    const char *rule;
    void (*put)(cz_buf *out);
    enum frame frame;
    uint32_t code;
} rules[] = {
    { "a request is answered", rule_get, NOTHING, 0 },
    { "3.4: settings come first", rule_no_settings, GOAWAY, PROTOCOL_ERROR },
    { "5.1.1: a client's streams are odd", rule_even_stream, GOAWAY, PROTOCOL_ERROR },
    { "5.1.1: and rise", rule_lower_stream, GOAWAY, PROTOCOL_ERROR },
    { "5.1: an idle stream has no data", rule_data_idle, GOAWAY, PROTOCOL_ERROR },
    { "6.1: data are of a stream", rule_data_on_zero, GOAWAY, PROTOCOL_ERROR },
    { "6.2: headers are of a stream", rule_headers_on_zero, GOAWAY, PROTOCOL_ERROR },
    { "4.2: frames are bounded", rule_long_frame, GOAWAY, FRAME_SIZE_ERROR },
    { "6.5: settings are six bytes each", rule_settings_length, GOAWAY, FRAME_SIZE_ERROR },
    { "6.5: their acknowledgement is empty", rule_settings_ack_with_content, GOAWAY,
      FRAME_SIZE_ERROR },
    { "6.5: they are the connection's", rule_settings_on_stream, GOAWAY, PROTOCOL_ERROR },
    { "6.5.2: a window is below 2^31", rule_settings_window, GOAWAY, FLOW_CONTROL_ERROR },
    { "6.5.2: frames take 2^14 bytes", rule_settings_frame_size, GOAWAY, PROTOCOL_ERROR },
    { "6.7: a ping is eight bytes", rule_ping_length, GOAWAY, FRAME_SIZE_ERROR },
    { "6.7: and the connection's", rule_ping_on_stream, GOAWAY, PROTOCOL_ERROR },
    { "6.9: a window grows by something", rule_window_zero, GOAWAY, PROTOCOL_ERROR },
    { "6.9.1: and not beyond 2^31 - 1", rule_window_overflow, GOAWAY, FLOW_CONTROL_ERROR },
    { "6.4: an idle stream is not reset", rule_reset_idle, GOAWAY, PROTOCOL_ERROR },
    { "8.4: a client pushes nothing", rule_push, GOAWAY, PROTOCOL_ERROR },
    { "6.10: a continuation follows headers", rule_continuation_alone, GOAWAY, PROTOCOL_ERROR },
    { "6.2: nothing comes between headers", rule_headers_interrupted, GOAWAY, PROTOCOL_ERROR },
    { "4.3: headers that can't be decoded", rule_compression, GOAWAY, COMPRESSION_ERROR },
    { "6.1: padding is within the frame", rule_padding, GOAWAY, PROTOCOL_ERROR },
    { "8.3.1: a request has a path", rule_no_path, RST_STREAM, PROTOCOL_ERROR },
    { "8.3: a pseudo field comes once", rule_pseudo_twice, RST_STREAM, PROTOCOL_ERROR },
    { "8.3: before the others", rule_pseudo_behind, RST_STREAM, PROTOCOL_ERROR },
    { "8.3: there are no others", rule_pseudo_unknown, RST_STREAM, PROTOCOL_ERROR },
    { "8.2.1: names are in lower case", rule_upper_case, RST_STREAM, PROTOCOL_ERROR },
    { "8.2.2: nothing is of the connection", rule_connection, RST_STREAM, PROTOCOL_ERROR },
    { "8.2.2: there are no transfer codings", rule_coding, RST_STREAM, PROTOCOL_ERROR },
    { "8.2.1: a value has no line end", rule_line_end, RST_STREAM, PROTOCOL_ERROR },
    { "8.1.1: a body is as long as it says", rule_length, RST_STREAM, PROTOCOL_ERROR },
};

CZ_TEST(the_rules_of_http_2_are_kept)
{
    struct server server = server_start("lab", 1, NULL);
    for (size_t i = 0; i < CZ_COUNT(rules); i++) {
        cz_buf frames = { 0 };
        rules[i].put(&frames);
        struct heard heard =
            ask_frames(server.port, &frames, rules[i].frame == NOTHING ? 300 : 2000);
        CZ_EXPECT_MSG(heard.frame == rules[i].frame && heard.code == rules[i].code,
                      "%s: frame %d, code %u", rules[i].rule, (int)heard.frame, heard.code);
        cz_buf_done(&frames);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* However the bytes are cut. */
CZ_TEST(a_request_over_http_2_cut_at_any_byte_is_answered)
{
    struct server server = server_start("lab", 1, NULL);
    cz_buf frames = { 0 };
    put_preface(&frames);
    put_request(&frames, 1, true, "/echo", END_HEADERS);
    put_frame(&frames, DATA, 0, 1, "hello ", 6);
    put_frame(&frames, DATA, END_STREAM, 1, "there", 5);
    for (size_t cut = 1; cut < frames.len; cut++) {
        int fd = dial(server.port);
        struct heard heard = converse(fd, cz_str_of(frames.ptr, cut), 2, true);
        CZ_EXPECT_MSG(heard.frame == NOTHING, "cut at %zu", cut);
        heard = converse(fd, cz_str_of(frames.ptr + cut, frames.len - cut), 60, true);
        CZ_EXPECT_MSG(heard.frame == NOTHING && heard.answers == 1, "cut at %zu: %d, %u answers",
                      cut, (int)heard.frame, heard.answers);
        close(fd);
    }
    cz_buf_done(&frames);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- floods ---- */

enum { FLOOD_BYTES = 4 << 20 };

static void flood_reset(cz_buf *out, uint32_t n)
{
    put_get(out, 2 * n + 1, "/sleep/1000");
    put_number(out, RST_STREAM, 2 * n + 1, 8);
}

/* The server is made to reset: a name in upper case is an error of its stream. */
static void flood_made_reset(cz_buf *out, uint32_t n)
{
    cz_str fields = CZ_STR("\x82\x86\x84\x01\x09localhost\x00\x03X-A\x01x");
    put_frame(out, HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, fields.ptr, fields.len);
}

static void flood_settings(cz_buf *out, uint32_t n)
{
    (void)n;
    put_frame(out, SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
}

static void flood_ping(cz_buf *out, uint32_t n)
{
    (void)n;
    put_frame(out, PING, 0, 0, "12345678", 8);
}

static void flood_priority(cz_buf *out, uint32_t n)
{
    put_frame(out, PRIORITY, 0, 2 * n + 1, "\0\0\0\0\x10", 5);
}

static void flood_continuation(cz_buf *out, uint32_t n)
{
    static char fields[2000] = "\x00\x01"
                               "a\x7f"; /* a literal whose value takes the rest */
    if (n == 0)
        put_request(out, 1, false, "/notes", END_STREAM);
    put_frame(out, CONTINUATION, 0, 1, fields, n % 2 ? 0 : 1);
}

static void flood_empty_data(cz_buf *out, uint32_t n)
{
    if (n == 0)
        put_request(out, 1, true, "/echo", END_HEADERS);
    put_frame(out, DATA, 0, 1, NULL, 0);
}

static void flood_small_windows(cz_buf *out, uint32_t n)
{
    (void)n;
    put_number(out, WINDOW_UPDATE, 0, 1);
}

static void flood_unknown(cz_buf *out, uint32_t n)
{
    (void)n;
    put_frame(out, (enum frame)0xee, 0, 0, "12345678", 8);
}

/* One field of 4,000 bytes is kept by the decoder, and then named by a byte each. */
static void flood_table(cz_buf *out, uint32_t n)
{
    cz_buf fields = { 0 };
    put_fields(&fields, false, "/notes");
    if (n == 0) {
        cz_buf_append_lit(&fields, "\x40\x01"
                                   "a\x7f\x91\x1e"); /* 127 + 17 + 30 * 128 bytes */
        for (int i = 0; i < 127 + 17 + 30 * 128; i++)
            cz_buf_append_char(&fields, 'x');
    }
    for (int i = 0; i < 8000; i++)
        cz_buf_append_char(&fields, (char)0xbe);
    put_frame(out, HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, fields.ptr, fields.len);
    cz_buf_done(&fields);
}

static const struct {
    const char *name;
    void (*put)(cz_buf *out, uint32_t n);
} floods[] = {
    { "rapid reset", flood_reset },
    { "the server is made to reset", flood_made_reset },
    { "settings", flood_settings },
    { "pings", flood_ping },
    { "priorities", flood_priority },
    { "continuations", flood_continuation },
    { "empty data", flood_empty_data },
    { "windows that grow by one byte", flood_small_windows },
    { "frames nobody knows", flood_unknown },
    { "references to a large field", flood_table },
};

static long memory_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* Each from an address of its own, as one that floods again is refused. */
static int dial_from(uint8_t last, uint16_t port)
{
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK + last) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    CZ_REQUIRE(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Told to be calm and closed within a second, while others are served and memory stays. */
CZ_TEST(floods_over_http_2_are_ended)
{
    struct server server = server_start("lab", 1, NULL);
    pid_t worker;
    CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
    CZ_REQUIRE(get(server.port, "/notes"));
    long before = memory_kib(worker);
    for (size_t i = 0; i < CZ_COUNT(floods); i++) {
        cz_buf frames = { 0 };
        put_preface(&frames);
        for (uint32_t n = 0; frames.len < FLOOD_BYTES && n < 20000; n++)
            floods[i].put(&frames, n);
        int fd = dial_from((uint8_t)(1 + i), server.port);
        int64_t began = cz_monotonic_us();
        struct heard heard = converse(fd, cz_buf_str(&frames), 5000, false);
        int64_t ms = (cz_monotonic_us() - began) / 1000;
        CZ_EXPECT_MSG(heard.frame == GOAWAY && heard.code == ENHANCE_YOUR_CALM,
                      "%s: frame %d, code %u", floods[i].name, (int)heard.frame, heard.code);
        CZ_EXPECT_MSG(ms < 1000 || is_sanitized(), "%s: %d ms", floods[i].name, (int)ms);
        const cz_answer *answer = get(server.port, "/notes");
        CZ_EXPECT_MSG(answer && answer->status == 200, "beside %s", floods[i].name);
        close(fd);
        cz_buf_done(&frames);
    }
    long grown = memory_kib(worker) - before;
    CZ_EXPECT_MSG(grown < 16 << 10 || is_sanitized(), "%ld KiB more", grown);
    sleep_ms(400); /* lines are gathered for 250 ms */
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("a flood over HTTP/2 was ended")) !=
              SIZE_MAX);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* A window of nothing: answers are made and never taken. */
/* From the second time on, and nobody else. */
CZ_TEST(who_floods_again_is_refused_for_a_while)
{
    struct server server = server_start("lab", 1, NULL);
    cz_buf frames = { 0 };
    put_preface(&frames);
    for (uint32_t n = 0; n < 1000; n++)
        flood_ping(&frames, n);
    for (int i = 0; i < 3; i++) {
        int fd = dial_from(9, server.port);
        struct heard heard = converse(fd, cz_buf_str(&frames), 5000, false);
        bool refused = i == 2;
        CZ_EXPECT_MSG((heard.frame == GOAWAY) == !refused, "%d: frame %d", i, (int)heard.frame);
        close(fd);
    }
    int fd = dial_from(9, server.port);
    char text[200] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    CZ_EXPECT(got > 0 && strstr(text, "HTTP/1.1 503") && strstr(text, "Retry-After: "));
    close(fd);
    CZ_EXPECT_EQ(get(server.port, "/notes")->status, 200);
    sleep_ms(1100);
    fd = dial_from(9, server.port);
    struct heard heard = converse(fd, cz_buf_str(&frames), 5000, false);
    CZ_EXPECT_EQ(heard.frame, GOAWAY);
    close(fd);
    cz_buf_done(&frames);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(answers_that_nobody_takes_over_http_2_are_dropped)
{
    static const char *const env[] = { "HTTP_WRITE_TIMEOUT=1s", NULL };
    struct server server = server_start("lab", 1, env);
    cz_buf frames = { 0 };
    cz_buf_append_lit(&frames, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(&frames, SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
    for (uint32_t n = 0; n < 50; n++)
        put_get(&frames, 2 * n + 1, "/stream/1000000");
    struct heard heard = ask_frames(server.port, &frames, 6000);
    CZ_EXPECT_MSG(heard.frame == RST_STREAM && heard.answers == 50, "frame %d, %u answers",
                  (int)heard.frame, heard.answers);
    CZ_EXPECT(get(server.port, "/notes"));
    cz_buf_done(&frames);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* More streams than are allowed are refused, and may be asked again. */
CZ_TEST(streams_beyond_the_limit_are_refused)
{
    struct server server = server_start("lab", 1, NULL);
    cz_buf frames = { 0 };
    put_preface(&frames);
    for (uint32_t n = 0; n < 201; n++)
        put_get(&frames, 2 * n + 1, "/sleep/500");
    struct heard heard = ask_frames(server.port, &frames, 300);
    CZ_EXPECT_MSG(heard.frame == RST_STREAM && heard.code == REFUSED_STREAM, "frame %d, code %u",
                  (int)heard.frame, heard.code);
    cz_buf_done(&frames);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- bodies that are read as they come ---- */

enum { WINDOW = 256 << 10, PIECE = 16 << 10 };

static void put_data(cz_buf *out, uint32_t stream, size_t bytes, int flags)
{
    static const char zeros[PIECE];
    for (; bytes > PIECE; bytes -= PIECE)
        put_frame(out, DATA, 0, stream, zeros, PIECE);
    put_frame(out, DATA, flags, stream, zeros, bytes);
}

/* The window is as the server's settings say once they are acknowledged. */
static void open_window(int fd)
{
    cz_buf out = { 0 };
    put_preface(&out);
    put_frame(&out, SETTINGS, ACK, 0, NULL, 0);
    CZ_EXPECT_EQ(converse(fd, cz_buf_str(&out), 50, true).frame, NOTHING);
    cz_buf_done(&out);
}

CZ_TEST(a_client_may_send_as_much_as_the_handler_has_read_and_others_go_on)
{
    struct server server = server_start("lab", 1, NULL);
    int fd = dial(server.port);
    cz_buf out = { 0 };
    open_window(fd);
    put_request(&out, 1, true, "/sum/500", END_HEADERS);
    put_data(&out, 1, WINDOW, 0);
    put_get(&out, 3, "/notes");
    struct heard before = converse(fd, cz_buf_str(&out), 250, true);
    CZ_EXPECT_EQ(before.frame, NOTHING);
    CZ_EXPECT_EQ(before.answers, 1); /* the second's */
    CZ_EXPECT_EQ(before.room, 0);
    struct heard after = converse(fd, CZ_STR(""), 600, true);
    CZ_EXPECT_EQ(after.frame, NOTHING);
    CZ_EXPECT_MSG(after.room >= WINDOW / 2, "room for %llu", (unsigned long long)after.room);
    out.len = 0;
    put_data(&out, 1, WINDOW / 2, END_STREAM);
    CZ_EXPECT_EQ(converse(fd, cz_buf_str(&out), 300, true).answers, 1);
    close(fd);
    cz_buf_done(&out);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(more_than_the_window_of_a_body_that_nobody_reads_is_refused)
{
    struct server server = server_start("lab", 1, NULL);
    cz_buf out = { 0 };
    int fd = dial(server.port);
    open_window(fd);
    put_request(&out, 1, true, "/sum/500", END_HEADERS);
    put_data(&out, 1, WINDOW + 1, 0);
    struct heard heard = converse(fd, cz_buf_str(&out), 400, true);
    close(fd);
    CZ_EXPECT(heard.frame == RST_STREAM || heard.frame == GOAWAY);
    CZ_EXPECT_EQ(heard.code, FLOW_CONTROL_ERROR);
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    cz_buf_done(&out);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(an_answer_before_the_end_of_the_body_tells_the_client_to_stop)
{
    struct server server = server_start("lab", 1, NULL);
    static const char *const paths[] = { "/sum-small", "/sum" };
    for (size_t i = 0; i < 2; i++) { /* over HTTP_BODY_MAX; and reset by the client */
        int fd = dial(server.port);
        cz_buf out = { 0 };
        open_window(fd);
        put_request(&out, 1, true, paths[i], END_HEADERS);
        struct heard heard = converse(fd, cz_buf_str(&out), 50, true);
        for (int sent = 0; heard.frame == NOTHING && !heard.answers && sent < 40;
             sent++) { /* 5 MiB */
            out.len = 0;
            put_data(&out, 1, WINDOW / 2, 0);
            if (i && sent == 20)
                put_number(&out, RST_STREAM, 1, 8);
            heard = converse(fd, cz_buf_str(&out), 20, true);
            if (i && sent == 20)
                break;
        }
        if (!i) { /* it has the time to read why */
            CZ_EXPECT_EQ(heard.answers, 1);
            heard = converse(fd, CZ_STR(""), 500, true);
            CZ_EXPECT_EQ(heard.frame, NOTHING);
            heard = converse(fd, CZ_STR(""), 2500, true);
        }
        CZ_EXPECT_EQ(heard.frame, i ? NOTHING : RST_STREAM);
        CZ_EXPECT_EQ(heard.code, NO_ERROR);
        out.len = 0;
        put_get(&out, 3, "/notes");
        CZ_EXPECT_EQ(converse(fd, cz_buf_str(&out), 100, false).answers, 1);
        cz_buf_done(&out);
        close(fd);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_trailer_over_http_2_is_bounded)
{
    static const char *const paths[] = { "/sum", "/sum-held" };
    static const size_t lengths[] = { 5, 8000, 9000 };
    struct server server = server_start("lab", 1, NULL);
    char value[9000];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < 2 * CZ_COUNT(lengths); i++) {
        cz_buf out = { 0 }, trailer = { 0 };
        size_t len = lengths[i / 2];
        put_preface(&out);
        put_request(&out, 1, true, paths[i % 2], END_HEADERS);
        put_data(&out, 1, 100, 0);
        cz_buf_append(&trailer, "\x00\x05x-sum", 7);
        if (len < 127) {
            cz_buf_append_char(&trailer, (char)len);
        } else { /* RFC 7541, 5.1 */
            cz_buf_append_char(&trailer, 127);
            cz_buf_append_char(&trailer, (char)(0x80 | ((len - 127) & 127)));
            cz_buf_append_char(&trailer, (char)((len - 127) >> 7));
        }
        cz_buf_append(&trailer, value, len);
        put_frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, trailer.ptr, trailer.len);
        struct heard heard = ask_frames(server.port, &out, 200);
        CZ_EXPECT_EQ(heard.answers, 1);
        CZ_EXPECT_MSG(heard.ok == (len < 8192), "%s, %zu", paths[i % 2], len);
        cz_buf_done(&out);
        cz_buf_done(&trailer);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
