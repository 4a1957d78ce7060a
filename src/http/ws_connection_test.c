/* WebSockets over a real socket: the handler, back-pressure, time, and the end. */
#include "http/ws_testing.h"

/* ---- a client ---- */

static void say_get(int fd, const char *target)
{
    char text[200];
    snprintf(text, sizeof text,
             "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
             target);
    say(fd, text);
}

static void say_frame(int fd, unsigned first, cz_str payload)
{
    cz_buf out = { 0 };
    put_ws_frame(&out, first, payload);
    say_bytes(fd, cz_buf_str(&out));
    cz_buf_done(&out);
}

/* Open one; what is heard begins with the 101, which is dropped. */
static int open_socket(struct bench *b, const char *target)
{
    struct heard heard = { 0 };
    int fd = dial(b);
    say_get(fd, target);
    for (int i = 0; i < 200 && !count_of(&heard, "\r\n\r\n"); i++) {
        cz__loop_turn(b->loop, 1);
        char c;
        while (!count_of(&heard, "\r\n\r\n") && recv(fd, &c, 1, 0) == 1)
            cz_buf_append_char(&heard.all, c);
    }
    EXPECT_HEARD(heard, "HTTP/1.1 101 Switching Protocols\r\n", 1);
    EXPECT_HEARD(heard, "Connection: upgrade\r\n", 1);
    EXPECT_HEARD(heard, "Content-Length", 0);
    cz_buf_done(&heard.all);
    return fd;
}

static void expect_frames(struct bench *b, int fd, const char *expected)
{
    struct heard heard = hear(b, fd);
    CZ_EXPECT_STR(cz_str_from(frames_of(&heard.all, heard.closed)), expected);
    cz_buf_done(&heard.all);
}

static struct bench begin(cz_http_limits limits)
{
    memset(&seen, 0, sizeof seen);
    return bench_make(&limits, &app, NULL);
}

/* ---- messages ---- */

CZ_TEST(messages_come_back)
{
    struct bench b = begin((cz_http_limits){ 0 });
    int fd = open_socket(&b, "/echo");
    say_frame(fd, TEXT_FRAME, CZ_STR("hello"));
    say_frame(fd, BINARY_FRAME, CZ_STR(""));
    expect_frames(&b, fd, "message of 5; message of 0");
    say_frame(fd, CZ__WS_TEXT, CZ_STR("in "));
    say_frame(fd, CZ__WS_FIN | CZ__WS_PING, CZ_STR("?"));
    say_frame(fd, CZ__WS_FIN | CZ__WS_CONTINUATION, CZ_STR("pieces"));
    expect_frames(&b, fd, "pong; message of 9");
    say_frame(fd, CLOSE_FRAME, CZ_STR("\x0f\xa1 bye"));
    expect_frames(&b, fd, "close 4001; gone");
    CZ_EXPECT_EQ(seen.closed_with, 4001);
    CZ_EXPECT_EQ(seen.handlers, 0);
    close(fd);
    bench_done(&b);
}

/* Handshake and frames in one segment, as a client may send that does not wait. */
CZ_TEST(frames_that_come_with_the_request_are_taken)
{
    static const char *const targets[] = { "/echo", "/slow" };
    struct bench b = begin((cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(targets); i++) {
        cz_buf all = { 0 };
        int fd = dial(&b);
        cz_buf_printf(&all, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n",
                      targets[i]);
        put_ws_frame(&all, TEXT_FRAME, CZ_STR("early"));
        put_ws_frame(&all, TEXT_FRAME, CZ_STR("bird"));
        put_ws_frame(&all, CLOSE_FRAME, CZ_STR("\x03\xe8"));
        say_bytes(fd, cz_buf_str(&all));
        struct heard heard = hear(&b, fd);
        EXPECT_HEARD(heard, "101 Switching", 1);
        EXPECT_HEARD(heard, "early", 1);
        EXPECT_HEARD(heard, "bird", 1);
        CZ_EXPECT(heard.closed && !heard.reset);
        cz_buf_done(&heard.all);
        cz_buf_done(&all);
        close(fd);
    }
    CZ_EXPECT_EQ(seen.handlers, 0);
    bench_done(&b);
}

CZ_TEST(what_a_message_allocated_and_deferred_goes_with_it)
{
    struct bench b = begin((cz_http_limits){ 0 });
    int fd = open_socket(&b, "/echo");
    size_t first = 0;
    for (unsigned i = 1; i <= 50; i++) {
        say_frame(fd, TEXT_FRAME, CZ_STR("x"));
        turn(&b, 2);
        if (i == 2)
            first = seen.arena_bytes;
        CZ_EXPECT_EQ(seen.deferred, i);
    }
    CZ_EXPECT_EQ(seen.arena_bytes, first);
    say_frame(fd, CLOSE_FRAME, CZ_STR(""));
    struct heard heard = hear(&b, fd);
    CZ_EXPECT(heard.closed);
    CZ_EXPECT_EQ(seen.closed_with, 1005);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

CZ_TEST(messages_inside_a_boundary_go_with_it_and_who_it_is_stays)
{
    struct bench b = begin((cz_http_limits){ 0 });
    int fd = open_socket(&b, "/nest");
    for (int i = 0; i < 3; i++)
        say_frame(fd, TEXT_FRAME, CZ_STR("inside"));
    expect_frames(&b, fd, "message of 6; message of 6; message of 6");
    CZ_EXPECT_EQ(seen.deferred, 3);
    say_frame(fd, TEXT_FRAME, CZ_STR("Maria"));
    say_frame(fd, TEXT_FRAME, CZ_STR("Ann"));
    say_frame(fd, TEXT_FRAME, CZ_STR(""));
    say_frame(fd, TEXT_FRAME, CZ_STR("Zoe"));
    expect_frames(&b, fd, "message of 0; message of 5; message of 3; message of 0");
    close(fd);
    turn(&b, 10);
    bench_done(&b);
}

/* Three megabytes to a client that reads late: nothing is lost, and not all is held at once. */
CZ_TEST(a_long_message_leaves_in_fragments)
{
    struct bench b = begin((cz_http_limits){ 0 });
    int fd = open_socket(&b, "/big");
    turn(&b, 30);
    expect_frames(&b, fd, "message of 3145728; close 1000");
    say_frame(fd, CLOSE_FRAME, CZ_STR("\x03\xe8"));
    expect_frames(&b, fd, "gone");
    close(fd);
    bench_done(&b);
}

CZ_TEST(messages_are_compressed_where_it_was_agreed_on)
{
    struct bench b = begin((cz_http_limits){ 0 });
    static char text[10000];
    memset(text, 'a', sizeof text);
    int fd = open_socket(&b, "/echo?deflate");
    say_frame(fd, TEXT_FRAME, cz_str_of(text, 255));
    say_frame(fd, TEXT_FRAME | CZ__WS_RSV1, CZ_STR("\xf2\x48\xcd\xc9\xc9\x07\x00")); /* Hello */
    expect_frames(&b, fd, "message of 255; message of 5");
    say_frame(fd, TEXT_FRAME, cz_str_of(text, sizeof text));
    struct heard heard = hear(&b, fd);
    CZ_EXPECT(
        cz_str_starts_with(cz_str_from(frames_of(&heard.all, heard.closed)), CZ_STR("small of ")));
    CZ_EXPECT(heard.all.len < 200);
    cz_buf_done(&heard.all);
    close(fd);
    bench_done(&b);
}

/* ---- limits and rules ---- */

CZ_TEST(what_may_not_be_closes_with_its_code)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *frames;
    } cases[] = {
#define CASE(literal, frames) { literal, sizeof(literal) - 1, frames }
        CASE("\x81\x05Hello", "close 1002; gone"),
        CASE("\xf1\x80\1\2\3\4", "close 1002; gone"),
        CASE("\x83\x80\1\2\3\4", "close 1002; gone"),
        CASE("\x80\x80\1\2\3\4", "close 1002; gone"),
        CASE("\x09\x80\1\2\3\4", "close 1002; gone"),
        CASE("\x88\x81", "close 1002; gone"),
        CASE("\x88\x82\0\0\0\0\x03\xed", "close 1002; gone"),
        CASE("\x88\x83\0\0\0\0\x03\xe8\xff", "close 1007; gone"),
        CASE("\x81\x81\0\0\0\0\xff", "close 1007; gone"),
        CASE("\x82\xff\x80\0\0\0\0\0\0\0", "close 1002; gone"),
        CASE("\x82\xff\x00\0\0\0\0\x20\0\0", "close 1009; gone"),
        CASE("\xc1\x81\0\0\0\0\x07", "close 1007; gone"),
        CASE("\xc1\x84\0\0\0\0\x00\x02\x00\xfd", "close 1007; gone"),
#undef CASE
    };
    struct bench b = begin((cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int fd = open_socket(&b, "/echo?deflate");
        say_bytes(fd, cz_str_of(cases[i].bytes, cases[i].len));
        struct heard heard = hear(&b, fd);
        CZ_EXPECT_MSG(strcmp(frames_of(&heard.all, heard.closed), cases[i].frames) == 0, "%zu: %s",
                      i, frames_of(&heard.all, heard.closed));
        CZ_EXPECT(!heard.reset);
        cz_buf_done(&heard.all);
        close(fd);
    }
    turn(&b, 10);
    CZ_EXPECT_EQ(seen.handlers, 0);
    bench_done(&b);
}

CZ_TEST(a_bomb_closes_with_1009)
{
    struct bench b = begin((cz_http_limits){ .ws_message_bytes = 100000 });
    cz__ws_codec *codec;
    cz_buf bomb = { 0 };
    static char zeros[1 << 20];
    CZ_REQUIRE_OK(cz__ws_codec_create(&codec));
    CZ_REQUIRE_OK(cz__ws_deflate(codec, 15, cz_str_of(zeros, sizeof zeros), &bomb));
    int fd = open_socket(&b, "/echo?deflate");
    say_frame(fd, BINARY_FRAME | CZ__WS_RSV1, cz_buf_str(&bomb));
    expect_frames(&b, fd, "close 1009; gone");
    close(fd);
    cz_buf_done(&bomb);
    cz__ws_codec_destroy(codec);
    bench_done(&b);
}

/* ---- the handler ---- */

CZ_TEST(what_a_handler_does_decides_the_code)
{
    static const struct {
        const char *target, *frames;
    } cases[] = {
        { "/raise", "close 1011" },
        { "/end", "close 1000" },
        { "/close", "close 4001" },
    };
    struct bench b = begin((cz_http_limits){ 0 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int fd = open_socket(&b, cases[i].target);
        expect_frames(&b, fd, cases[i].frames);
        say_frame(fd, TEXT_FRAME, CZ_STR("dropped"));
        say_frame(fd, CLOSE_FRAME, CZ_STR("\x03\xe8"));
        expect_frames(&b, fd, "gone");
        close(fd);
    }
    bench_done(&b);
}

CZ_TEST(a_message_waits_for_its_handler_and_the_handler_no_longer_than_it_likes)
{
    struct bench b = begin((cz_http_limits){ 0 });
    int fd = open_socket(&b, "/sleep");
    say_frame(fd, TEXT_FRAME, CZ_STR("one"));
    say_frame(fd, TEXT_FRAME, CZ_STR("two"));
    turn(&b, 100);
    expect_frames(&b, fd, "");
    turn(&b, 300);
    expect_frames(&b, fd, "message of 5; message of 5; close 1000");
    close(fd);
    bench_done(&b);
}

CZ_TEST(a_handler_outlives_its_time_out)
{
    struct bench b = begin((cz_http_limits){ .handler_timeout_ms = 20, .idle_timeout_ms = 20 });
    int fd = open_socket(&b, "/echo");
    turn(&b, 100);
    say_frame(fd, TEXT_FRAME, CZ_STR("still"));
    expect_frames(&b, fd, "message of 5");
    close(fd);
    bench_done(&b);
}

/* ---- time and the end ---- */

CZ_TEST(who_does_not_answer_a_ping_is_closed)
{
    struct bench b = begin((cz_http_limits){ .ws_ping_interval_ms = 40, .ws_pong_timeout_ms = 60 });
    int fd = open_socket(&b, "/echo"), other = open_socket(&b, "/echo");
    for (int i = 0; i < 6; i++) {
        turn(&b, 30);
        say_frame(other, CZ__WS_FIN | CZ__WS_PONG, CZ_STR("here"));
    }
    expect_frames(&b, fd, "ping; gone");
    CZ_EXPECT_EQ(seen.handlers, 1);
    close(fd);
    close(other);
    turn(&b, 10);
    CZ_EXPECT_EQ(seen.handlers, 0);
    CZ_EXPECT_EQ(seen.closed_with, 1006);
    bench_done(&b);
}

CZ_TEST(who_does_not_read_is_cut)
{
    struct bench b = begin((cz_http_limits){ .write_timeout_ms = 60 });
    int fd = open_socket(&b, "/flood");
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 1);
    turn(&b, 200);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    close(fd);
    bench_done(&b);
}

/* Pings whose answers nobody reads are not answered without end. */
CZ_TEST(a_flood_of_pings_waits_for_its_answers)
{
    struct bench b = begin((cz_http_limits){ .write_timeout_ms = 5000 });
    int fd = open_socket(&b, "/echo");
    cz_buf pings = { 0 };
    for (int i = 0; i < 500; i++)
        put_ws_frame(&pings, CZ__WS_FIN | CZ__WS_PING,
                     CZ_STR("0123456789012345678901234567890123456789012345678901234567890123456789"
                            "01234567890123456789"));
    size_t sent = 0;
    for (int i = 0; i < 3000; i++) {
        ssize_t n = send(fd, pings.ptr, pings.len, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        cz__loop_turn(b.loop, 0);
    }
    CZ_EXPECT(sent < (size_t)40 << 20); /* the kernel's buffers both ways, and ours */
    cz_buf_done(&pings);
    close(fd);
    turn(&b, 10);
    CZ_EXPECT_EQ(seen.handlers, 0);
    bench_done(&b);
}

CZ_TEST(a_drain_says_going_away_and_a_hand_over_that_the_service_restarts)
{
    static const struct {
        enum cz__http_drain how;
        const char *told, *answer;
        unsigned code;
    } cases[] = { { CZ__HTTP_STOPS, "close 1001", "\x03\xe9", 1001 },
                  { CZ__HTTP_HANDS_OVER, "close 1012", "\x03\xf4", 1012 } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct bench b = begin((cz_http_limits){ 0 });
        int fd = open_socket(&b, "/echo");
        cz__http_server_drain(b.server, cases[i].how, NULL, NULL);
        expect_frames(&b, fd, cases[i].told);
        say_frame(fd, CLOSE_FRAME, cz_str_from(cases[i].answer));
        expect_frames(&b, fd, "gone");
        CZ_EXPECT_EQ(seen.closed_with, cases[i].code);
        close(fd);
        turn(&b, 10);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
        bench_done(&b);
    }
}

CZ_TEST(clients_that_vanish_leave_nothing)
{
    struct bench b = begin((cz_http_limits){ 0 });
    for (int i = 0; i < 20; i++) {
        int fd = open_socket(&b, i % 2 ? "/echo" : "/echo?deflate");
        if (i % 3 == 0)
            say(fd, "\x81\x85\1\2\3"); /* inside a frame */
        if (i % 3 == 1)
            CZ_EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
                                 sizeof(struct linger)) == 0);
        close(fd);
        turn(&b, 2);
    }
    turn(&b, 10);
    CZ_EXPECT_EQ(seen.handlers, 0);
    CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    bench_done(&b);
}

/* A whole session with the n-th allocation failing: whatever it is, nothing is lost or used after its end. */
CZ_TEST(without_memory_a_socket_ends_and_no_more)
{
    struct bench b = begin((cz_http_limits){ 0 });
    cz_buf all = { 0 };
    static char text[3000];
    cz_buf_printf(&all, "GET /echo?deflate HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n");
    put_ws_frame(&all, TEXT_FRAME, cz_str_of(text, sizeof text));
    put_ws_frame(&all, TEXT_FRAME | CZ__WS_RSV1, CZ_STR("\xf2\x48\xcd\xc9\xc9\x07\x00"));
    put_ws_frame(&all, CZ__WS_FIN | CZ__WS_PING, CZ_STR("x"));
    put_ws_frame(&all, CLOSE_FRAME, CZ_STR("\x03\xe8"));
    for (uint64_t nth = 1; nth < 60; nth++) {
        char heard[8192];
        int fd = dial(&b);
        cz__alloc_fail_at(nth, nth % 2);
        say_bytes(fd, cz_buf_str(&all));
        for (int i = 0; i < 8; i++)
            cz__loop_turn(b.loop, 1);
        cz__alloc_fail_at(0, false);
        while (recv(fd, heard, sizeof heard, 0) > 0)
            ;
        close(fd);
        turn(&b, 2);
        CZ_EXPECT_EQ(cz__http_server_stats(b.server).connections_open, 0);
    }
    cz_buf_done(&all);
    bench_done(&b);
}
