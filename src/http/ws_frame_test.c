#include "http/ws_frame.h"
#include <calzone/testing.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1000 };

/* What some bytes came to, as text: "text hello; ping x; close 1000 bye; refused: a reserved bit is set". */
struct outcome {
    char text[4096];
    size_t len;
};

static void note(struct outcome *outcome, const char *word, cz_str bytes)
{
    int n =
        snprintf(outcome->text + outcome->len, sizeof outcome->text - outcome->len, "%s%s%s%.*s",
                 outcome->len ? "; " : "", word, bytes.len ? " " : "", CZ_STR_ARG(bytes));
    outcome->len += (size_t)n;
}

static void note_close(struct outcome *outcome, const struct cz__ws_reader *reader)
{
    char text[16];
    snprintf(text, sizeof text, "close %d", cz__ws_close_code(reader));
    note(outcome, text, cz__ws_close_reason(reader));
}

struct reading {
    struct cz__ws_reader reader;
    struct outcome outcome;
    char message[MESSAGE_MAX];
    size_t message_len;
};

static void feed(struct reading *reading, cz_str piece)
{
    char bytes[2048];
    cz_str data;
    size_t used, at = 0;
    struct cz__ws_reader *reader = &reading->reader;
    if (piece.len)
        memcpy(bytes, piece.ptr, piece.len);
    for (;; at += used) {
        cz_str control = cz_str_of(reader->control, 0);
        switch (cz__ws_read(reader, bytes + at, piece.len - at, &used, &data)) {
        case CZ__WS_MORE:
            CZ_EXPECT_EQ(at + used, piece.len);
            return;
        case CZ__WS_DATA:
            CZ_REQUIRE(reading->message_len + data.len <= sizeof reading->message);
            memcpy(reading->message + reading->message_len, data.ptr, data.len);
            reading->message_len += data.len;
            break;
        case CZ__WS_MESSAGE:
            note(&reading->outcome,
                 reader->compressed ? "deflated"
                 : reader->text     ? "text"
                                    : "binary",
                 cz_str_of(reading->message, reading->message_len));
            reading->message_len = 0;
            break;
        case CZ__WS_GOT_PING:
        case CZ__WS_GOT_PONG:
            control.len = reader->control_bytes;
            note(&reading->outcome, (reader->first & 15) == CZ__WS_PING ? "ping" : "pong", control);
            break;
        case CZ__WS_GOT_CLOSE:
            note_close(&reading->outcome, reader);
            break;
        case CZ__WS_REFUSED:
            note(&reading->outcome, cz__ws_rule_text(reader->rule), CZ_STR(""));
            return;
        }
    }
}

/* Frames in hexadecimal, "|" before a payload that is text and is masked here with the key that stands before it. */
static cz_str bytes_of(const char *frames)
{
    static char out[2048];
    size_t len = 0;
    for (const char *at = frames; *at;) {
        unsigned byte;
        int used = 0;
        if (*at == ' ') {
            at++;
        } else if (*at == '|') {
            size_t payload = strcspn(++at, "|");
            uint8_t key[4];
            memcpy(key, out + len - 4, 4);
            memcpy(out + len, at, payload);
            cz__ws_mask(out + len, payload, key, 0);
            len += payload;
            at += payload + (at[payload] == '|');
        } else {
            CZ_REQUIRE(sscanf(at, "%2x%n", &byte, &used) == 1 && used == 2);
            out[len++] = (char)byte;
            at += 2;
        }
    }
    return cz_str_of(out, len);
}

#define KEY "01 a2 f3 44"
#define TEXT(length) "81" length KEY
static const struct {
    const char *frames, *outcome;
} cases[] = {
    /* good */
    { "8185 37fa213d 7f9f4d5158", "text Hello" }, /* RFC 6455, 5.7 */
    { "8180" KEY, "text" },
    { "8280" KEY, "binary" },
    { "8285" KEY "|\x01\x02\x03\x04\x05", "binary \x01\x02\x03\x04\x05" },
    { "0183" KEY "|Hel|8082" KEY "|lo", "text Hello" },
    { "0180" KEY "0080" KEY "8080" KEY, "text" },
    { "0181" KEY "|a|8983" KEY "|hey|0081" KEY "|b|8a80" KEY "8081" KEY "|c",
      "ping hey; pong; text abc" },
    { "8980" KEY "8a81" KEY "|x", "ping; pong x" },
    { "8880" KEY, "close 1005" },
    { "8882" KEY "02 4a", "close 1000" }, /* 03 e8 masked */
    { "8885" KEY "02 4a 91 3d 64", "close 1000 bye" },
    { "8882" KEY "0e 42", "close 4064" }, /* 0f e0 */
    { "8181" KEY "|x|8181" KEY "|y", "text x; text y" },
    { "8182" KEY "|\xc3\xa9", "text \xc3\xa9" },
    { "0181" KEY "|\xc3|8081" KEY "|\xa9", "text \xc3\xa9" }, /* a character cut by frames */
    { "8184" KEY "|\xf4\x8f\xbf\xbf", "text \xf4\x8f\xbf\xbf" },
    { "8282" KEY "|\xff\xfe", "binary \xff\xfe" },
    { "c183" KEY "|\xff\xfe\xfd", "deflated \xff\xfe\xfd" },
    { "4182" KEY "|\xff\xfe|8081" KEY "|\xfd", "deflated \xff\xfe\xfd" },
    { "81fe 007e" KEY
      "|abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv",
      "text abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv" },
    /* reserved bits */
    { "a180" KEY, "a reserved bit is set" },
    { "9180" KEY, "a reserved bit is set" },
    { "f180" KEY, "a reserved bit is set" },
    { "0181" KEY "|a|c081" KEY, "a reserved bit is set" }, /* RSV1 on a continuation */
    { "c980" KEY, "a reserved bit is set" },               /* and on a control frame */
    { "c880" KEY, "a reserved bit is set" },
    { "b980" KEY, "a reserved bit is set" },
    /* opcodes */
    { "8380" KEY, "a reserved opcode" },
    { "8480" KEY, "a reserved opcode" },
    { "8580" KEY, "a reserved opcode" },
    { "8680" KEY, "a reserved opcode" },
    { "8780" KEY, "a reserved opcode" },
    { "8b80" KEY, "a reserved opcode" },
    { "8c80" KEY, "a reserved opcode" },
    { "8d80" KEY, "a reserved opcode" },
    { "8e80" KEY, "a reserved opcode" },
    { "8f80" KEY, "a reserved opcode" },
    { "0380" KEY, "a reserved opcode" },
    /* masks */
    { "8105 48656c6c6f", "a frame of a client is not masked" },
    { "8100", "a frame of a client is not masked" },
    { "8900", "a frame of a client is not masked" },
    { "8800", "a frame of a client is not masked" },
    /* control frames */
    { "0980" KEY, "a control frame is fragmented" },
    { "0a80" KEY, "a control frame is fragmented" },
    { "0880" KEY, "a control frame is fragmented" },
    { "89fe 007e", "a control frame is longer than 125 bytes" },
    { "89fe 0001", "a control frame is longer than 125 bytes" },
    { "8aff", "a control frame is longer than 125 bytes" },
    { "88fe", "a control frame is longer than 125 bytes" },
    { "8881", "a close frame has half a code" },
    /* fragments */
    { "8080" KEY, "there is no message to continue" },
    { "0080" KEY, "there is no message to continue" },
    { "8181" KEY "|x|8081" KEY, "text x; there is no message to continue" },
    { "0181" KEY "|x|8181" KEY, "a message begins inside another" },
    { "0181" KEY "|x|0281" KEY, "a message begins inside another" },
    { "0281" KEY "|x|8a80" KEY "8280", "pong; a message begins inside another" },
    /* lengths */
    { "81fe 007d" KEY, "a length is not in its shortest form" },
    { "81fe 0000" KEY, "a length is not in its shortest form" },
    { "81ff 0000000000000000", "a length is not in its shortest form" },
    { "81ff 000000000000007e", "a length is not in its shortest form" },
    { "81ff 000000000000ffff", "a length is not in its shortest form" },
    { "81ff 8000000000000000", "the highest bit of a length is set" },
    { "81ff 80", "the highest bit of a length is set" },
    { "81ff ffffffffffffffff", "the highest bit of a length is set" },
    { "81ff 7fffffffffffffff", "a message is longer than WS_MESSAGE_MAX" },
    { "81ff 0000000000010000", "a message is longer than WS_MESSAGE_MAX" },
    { "81ff 0000000100000000", "a message is longer than WS_MESSAGE_MAX" },
    { "81fe 03e9", "a message is longer than WS_MESSAGE_MAX" },
    { "0181" KEY "|x|80fe 03e8", "a message is longer than WS_MESSAGE_MAX" },
    { "c1fe 03e9", "a message is longer than WS_MESSAGE_MAX" },
    /* close frames: 999 (03 e7), 1004 (ec), 1005, 1006, 1015 (f7), 1016 (f8), 2999 (0b b7), 5000 (13 88), 0, 65535 */
    { "8882" KEY "02 45", "a close frame has a code that may not be sent" },
    { "8882" KEY "02 4e", "a close frame has a code that may not be sent" },
    { "8882" KEY "02 4f", "a close frame has a code that may not be sent" },
    { "8882" KEY "02 4c", "a close frame has a code that may not be sent" },
    { "8882" KEY "02 55", "a close frame has a code that may not be sent" },
    { "8882" KEY "02 5a", "a close frame has a code that may not be sent" },
    { "8882" KEY "0a 15", "a close frame has a code that may not be sent" },
    { "8882" KEY "12 2a", "a close frame has a code that may not be sent" },
    { "8882" KEY "01 a2", "a close frame has a code that may not be sent" },
    { "8882" KEY "fe 5d", "a close frame has a code that may not be sent" },
    { "8884" KEY "02 45 91 3d", "a close frame has a code that may not be sent" },
    { "8883" KEY "02 4a 0c", "the reason of a close frame is not UTF-8" },    /* ff */
    { "8884" KEY "02 4a 30 05", "the reason of a close frame is not UTF-8" }, /* c3 41 */
    { "8883" KEY "02 4a 30", "the reason of a close frame is not UTF-8" },    /* c3 and no more */
    /* UTF-8 */
    { "8181" KEY "|\xff", "a text message is not UTF-8" },
    { "8181" KEY "|\x80", "a text message is not UTF-8" },
    { "8181" KEY "|\xc3", "a text message is not UTF-8" },
    { "8182" KEY "|\xc0\x80", "a text message is not UTF-8" },
    { "8182" KEY "|\xc1\xbf", "a text message is not UTF-8" },
    { "8183" KEY "|\xe0\x9f\xbf", "a text message is not UTF-8" },
    { "8183" KEY "|\xed\xa0\x80", "a text message is not UTF-8" },
    { "8183" KEY "|\xed\xbf\xbf", "a text message is not UTF-8" },
    { "8184" KEY "|\xf0\x8f\xbf\xbf", "a text message is not UTF-8" },
    { "8184" KEY "|\xf4\x90\x80\x80", "a text message is not UTF-8" },
    { "8181" KEY "|\xf5", "a text message is not UTF-8" },
    { "81ff 0000000000000000" KEY, "a length is not in its shortest form" },
    { "0181" KEY "|\xc3|8081" KEY "|A", "a text message is not UTF-8" },
    { "0182" KEY "|a\xc3|8080" KEY, "a text message is not UTF-8" },
    { "018a" KEY "|abc\xed\xa0", "a text message is not UTF-8" }, /* at once, not at the end */
    { "01fe 0100" KEY "|good and then bad \xff", "a text message is not UTF-8" },
};

/* Cut at every byte, and into single bytes: the same comes out. */
CZ_TEST(frames_mean_the_same_wherever_the_network_cuts_them)
{
    for (size_t n = 0; n < CZ_COUNT(cases); n++) {
        cz_str bytes = bytes_of(cases[n].frames);
        for (size_t cut = 0; cut <= bytes.len + 1; cut++) {
            struct reading reading = { .reader = { .message_bytes_max = MESSAGE_MAX,
                                                   .deflate = true } };
            if (cut <= bytes.len) {
                feed(&reading, cz_str_head(bytes, cut));
                if (reading.reader.rule == CZ__WS_RULE_NONE)
                    feed(&reading, cz_str_tail(bytes, cut));
            } else {
                for (size_t i = 0; i < bytes.len && !reading.reader.rule; i++)
                    feed(&reading, cz_str_of(bytes.ptr + i, 1));
            }
            CZ_EXPECT_MSG(strcmp(reading.outcome.text, cases[n].outcome) == 0,
                          "%s cut at %zu: \"%s\"", cases[n].frames, cut, reading.outcome.text);
        }
    }
}

CZ_TEST(without_deflate_no_message_is_compressed)
{
    struct reading reading = { .reader = { .message_bytes_max = MESSAGE_MAX } };
    feed(&reading, bytes_of("c180" KEY));
    CZ_EXPECT_STR(cz_str_from(reading.outcome.text), "a reserved bit is set");
}

CZ_TEST(a_server_may_not_mask)
{
    struct reading reading = { .reader = { .message_bytes_max = MESSAGE_MAX,
                                           .from_server = true } };
    feed(&reading, bytes_of("8105 48656c6c6f 8a01 78 8180"));
    CZ_EXPECT_STR(cz_str_from(reading.outcome.text),
                  "text Hello; pong x; a frame of a server is masked");
}

CZ_TEST(the_longest_message_is_taken_and_one_byte_more_is_not)
{
    for (uint64_t bytes = 999; bytes <= 1001; bytes++) {
        struct cz__ws_reader reader = { .message_bytes_max = MESSAGE_MAX, .from_server = true };
        char head[CZ__WS_HEAD_MAX];
        size_t used;
        cz_str data;
        size_t len = cz__ws_head_write(head, CZ__WS_FIN | CZ__WS_BINARY, bytes);
        CZ_EXPECT_EQ(cz__ws_read(&reader, head, len, &used, &data),
                     bytes > MESSAGE_MAX ? CZ__WS_REFUSED : CZ__WS_MORE);
    }
}

CZ_TEST(what_is_written_is_read)
{
    static const uint64_t lengths[] = { 0, 1, 125, 126, 127, 65535, 65536, UINT64_C(1) << 40 };
    static const size_t bytes[] = { 2, 2, 2, 4, 4, 4, 10, 10 };
    for (size_t i = 0; i < CZ_COUNT(lengths); i++) {
        struct cz__ws_reader reader = { .message_bytes_max = UINT64_MAX, .from_server = true };
        char head[CZ__WS_HEAD_MAX];
        size_t used, len = cz__ws_head_write(head, CZ__WS_FIN | CZ__WS_TEXT, lengths[i]);
        cz_str data;
        CZ_EXPECT_EQ(len, bytes[i]);
        CZ_EXPECT_EQ(cz__ws_read(&reader, head, len, &used, &data),
                     lengths[i] ? CZ__WS_MORE : CZ__WS_MESSAGE);
        CZ_EXPECT_EQ(reader.left, lengths[i]);
    }
}

CZ_TEST(masks_begin_anywhere)
{
    static const uint8_t key[] = { 1, 2, 4, 8 };
    for (size_t at = 0; at < 9; at++)
        for (size_t len = 0; len < 40; len++) {
            char bytes[40];
            for (size_t i = 0; i < len; i++)
                bytes[i] = (char)(i ^ key[(at + i) % 4]);
            cz__ws_mask(bytes, len, key, at);
            for (size_t i = 0; i < len; i++)
                CZ_EXPECT_EQ(bytes[i], (char)i);
        }
}
