/* Files of forms over a real socket: whole, in chunks, cut at any byte, many, too great. */
#include <calzone/json.h>
#include "server.h"

enum { SECONDS_5 = 5000, GREAT_BYTES = 900000 };

#define BOUNDARY "------------------------d74496d66958873e" /* as curl makes them */
#define PART(name) "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"" name "\""
#define LABEL PART("label") "\r\n\r\nA parcel\r\n"
#define CONTENT(filename, type)                                                                    \
    PART("content") "; filename=\"" filename "\"\r\nContent-Type: " type "\r\n\r\n"
#define END "\r\n--" BOUNDARY "--\r\n"
#define PNG "\x89PNG\r\n\x1a\n"

/* A body of these parts and, behind `before`, `bytes` bytes of which no two beside each other are alike. */
static cz_str body_of(const char *before, cz_str begin, size_t bytes)
{
    cz_buf body = { 0 };
    cz_str kept;
    cz_buf_append_str(&body, cz_str_from(before));
    cz_buf_append_str(&body, begin);
    for (size_t i = 0; i < bytes; i++)
        cz_buf_append_char(&body, (char)(i * 7 % 251));
    cz_buf_append_str(&body, cz_str_from(END));
    CZ_REQUIRE_OK(cz_buf_status(&body));
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&body), &kept));
    cz_buf_done(&body);
    return kept;
}

static uint64_t sum_of(cz_str begin, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < begin.len; i++)
        sum += (unsigned char)begin.ptr[i];
    for (size_t i = 0; i < bytes; i++)
        sum += i * 7 % 251;
    return sum;
}

/* The request with this body; in chunks of `chunk` bytes when that is not 0. */
static cz_str request_of(const char *type, cz_str body, size_t chunk)
{
    cz_buf bytes = { 0 };
    cz_str kept;
    cz_buf_printf(&bytes, "POST /parcels HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n",
                  type);
    if (chunk)
        cz_buf_append_str(&bytes, CZ_STR("Transfer-Encoding: chunked\r\n\r\n"));
    else
        cz_buf_printf(&bytes, "Content-Length: %zu\r\n\r\n", body.len);
    for (cz_str rest = body; chunk && rest.len; rest = cz_str_tail(rest, chunk)) {
        cz_str piece = cz_str_head(rest, chunk);
        cz_buf_printf(&bytes, "%zx\r\n", piece.len);
        cz_buf_append_str(&bytes, piece);
        cz_buf_append_str(&bytes, CZ_STR("\r\n"));
    }
    cz_buf_append_str(&bytes, chunk ? CZ_STR("0\r\n\r\n") : body);
    CZ_REQUIRE_OK(cz_buf_status(&bytes));
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&bytes), &kept));
    cz_buf_done(&bytes);
    return kept;
}

#define MULTIPART "multipart/form-data; boundary=" BOUNDARY

static void expect(uint16_t port, cz_str request, int status, cz_str told)
{
    const cz_answer *answer = ask_raw(port, request);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, status);
    CZ_EXPECT_MSG(cz_str_find(answer->body, told) != SIZE_MAX, "%.*s is not in %.*s",
                  CZ_STR_ARG(told), CZ_STR_ARG(answer->body));
}

CZ_TEST(a_file_of_any_size_arrives_whole_however_it_is_sent)
{
    struct server server = server_start("lab", 1, NULL);
    static const size_t sizes[] = { 0, 1, 992, 1000, 16384, 65537, GREAT_BYTES };
    static const size_t chunks[] = { 0, 999, 65536 };
    for (size_t i = 0; i < CZ_COUNT(sizes); i++) {
        cz_str body = body_of(LABEL CONTENT("../map 1.png", "image/png"), CZ_STR(PNG), sizes[i]);
        unsigned long long sum = sum_of(CZ_STR(PNG), sizes[i]);
        for (size_t c = 0; c < CZ_COUNT(chunks); c++)
            expect(server.port, request_of(MULTIPART, body, chunks[c]), 200,
                   format("A parcel map 1.png image/png %zu %llu", sizes[i] + 8, sum));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(a_file_cut_at_any_byte_gets_the_same_answer)
{
    struct server server = server_start("lab", 1, NULL);
    cz_str body = body_of(LABEL CONTENT("a.pdf", "application/pdf"), CZ_STR("%PDF-1.7"), 40);
    cz_str request = request_of(MULTIPART, body, 0);
    cz_str told = format("A parcel a.pdf application/pdf 48 %llu",
                         (unsigned long long)sum_of(CZ_STR("%PDF-1.7"), 40));
    for (size_t cut = 1; cut < request.len; cut += (size_t)full_or_short(1, 17)) {
        cz_wire *wire = cz_wire_open(server.port);
        CZ_EXPECT(cz_wire_send_cut(wire, request, cut));
        const cz_answer *answer = cz_wire_next(wire, SECONDS_5);
        CZ_EXPECT_MSG(answer && cz_str_eq(answer->body, told), "cut at %zu", cut);
        cz_wire_close(wire);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(files_that_are_not_to_be_are_refused_over_a_socket)
{
    static const struct {
        const char *type, *before;
        cz_str begin;
        size_t bytes;
        int status;
        const char *told;
    } cases[] = {
#define LITERAL(text) { text, sizeof(text) - 1 }
        { MULTIPART, LABEL CONTENT("a.png", "image/png"), LITERAL("<html>"), 0, 400,
          "{\"content\":[\"The submitted file is not of the content type “image/png” it claims." },
        { MULTIPART, LABEL CONTENT("a.exe", "image/png"), LITERAL(PNG), 9, 400,
          "File extension “exe” is not allowed." },
        { MULTIPART, LABEL CONTENT("a.png", "image/png"), LITERAL(""), 0, 400,
          "{\"content\":[\"The submitted file is empty.\"]}" },
        { MULTIPART, LABEL CONTENT("a.png", "image/png"), LITERAL(PNG), 1 << 20, 400,
          "{\"content\":[\"Ensure this file has at most 1048576 bytes (it has 1048584).\"]}" },
        { MULTIPART, LABEL CONTENT("a.png", "image/png"), LITERAL(PNG), 3 << 20, 413, "" },
        { MULTIPART, LABEL PART("content") "\r\n\r\n", LITERAL(PNG), 0, 400, "Form parse error" },
        { MULTIPART, LABEL PART("content") "\r\n\r\n", LITERAL("a.png"), 0, 400,
          "{\"content\":[\"The submitted data was not a file." },
        { "multipart/form-data", LABEL CONTENT("a.png", "image/png"), LITERAL(PNG), 0, 400,
          "Form parse error" },
        { "application/json", "{\"label\":\"A parcel\",\"content\":\"a.png\"}", LITERAL(""), 0, 400,
          "JSON parse error" },
        { "image/png", "", LITERAL(PNG), 9, 415, "Unsupported media type" },
    };
    struct server server = server_start("lab", 1, NULL);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str body = body_of(cases[i].before, cases[i].begin, cases[i].bytes);
        expect(server.port, request_of(cases[i].type, body, 0), cases[i].status,
               cz_str_from(cases[i].told));
    }
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200); /* it goes on */
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
