#include "http/h1_answer.h"
#include <calzone/testing.h>

#define OK "HTTP/1.1 200 OK\r\n"
static const struct {
    const char *head;
    const char *why; /* NULL: it is one */
    bool is_head;
    struct cz__h1_answer answer;
} cases[] = {
    { OK "Content-Length: 5\r\n\r\n", NULL, false, { 200, 1, CZ__H1_ANSWER_LENGTH, true, 5, 0 } },
    { OK "content-length:5 \t\r\n\r\n", NULL, false, { 200, 1, CZ__H1_ANSWER_LENGTH, true, 5, 0 } },
    { OK "Content-Length: 0\r\nConnection: close\r\n\r\n",
      NULL,
      false,
      { 200, 1, CZ__H1_ANSWER_LENGTH, false, 0, 0 } },
    { OK "Transfer-Encoding: Chunked\r\n\r\n",
      NULL,
      false,
      { 200, 1, CZ__H1_ANSWER_CHUNKED, true, 0, 0 } },
    { OK "\r\n", NULL, false, { 200, 1, CZ__H1_ANSWER_TO_CLOSE, false, 0, 0 } },
    { OK "Content-Length: 5\r\n\r\n", NULL, true, { 200, 1, CZ__H1_ANSWER_NO_BODY, true, 0, 0 } },
    { "HTTP/1.1 204 \r\n\r\n", NULL, false, { 204, 1, CZ__H1_ANSWER_NO_BODY, true, 0, 0 } },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
      NULL,
      false,
      { 304, 1, CZ__H1_ANSWER_NO_BODY, true, 0, 0 } },
    { "HTTP/1.1 100 Continue\r\n\r\n", NULL, false, { 100, 1, CZ__H1_ANSWER_NO_BODY, true, 0, 0 } },
    { "HTTP/1.0 503 Busy\r\nContent-Length: 1\r\n\r\n",
      NULL,
      false,
      { 503, 0, CZ__H1_ANSWER_LENGTH, false, 1, 0 } },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: x , Keep-Alive\r\n\r\n",
      NULL,
      false,
      { 200, 0, CZ__H1_ANSWER_LENGTH, true, 1, 0 } },
    { "HTTP/1.1 200\r\n\r\n", "the status line" },
    { "HTTP/2.0 200 OK\r\n\r\n", "the status line" },
    { "HTTP/1.x 200 OK\r\n\r\n", "the status line" },
    { "http/1.1 200 OK\r\n\r\n", "the status line" },
    { "HTTP/1.1  200 OK\r\n\r\n", "the status line" },
    { "\r\n" OK "\r\n", "the status line" },
    { "\r\n\r\n", "the status line" },
    { "HTTP/1.1 2x0 OK\r\n\r\n", "the status is not a number" },
    { "HTTP/1.1 099 OK\r\n\r\n", "the status is not 100 to 599" },
    { "HTTP/1.1 600 OK\r\n\r\n", "the status is not 100 to 599" },
    { OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "more than one Content-Length" },
    { OK "Content-Length:\r\n\r\n", "Content-Length is not a number" },
    { OK "Content-Length: -1\r\n\r\n", "Content-Length is not a number" },
    { OK "Content-Length: 5, 5\r\n\r\n", "Content-Length is not a number" },
    { OK "Content-Length: 9223372036854775808\r\n\r\n", "Content-Length is not a number" },
    { OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding is not exactly" },
    { OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "more than one Transfer-Encoding" },
    { OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "both Content-Length" },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding in an HTTP/1.0" },
    { OK "Content-Length : 5\r\n\r\n", "a header name" },
    { OK " folded\r\n\r\n", "a header name" },
    { OK "nothing\r\n\r\n", "a header name" },
    { OK ": 5\r\n\r\n", "a header name" },
    { OK "A: 1\nContent-Length: 5\r\n\r\n", "a control byte" },
    { OK "A: 1\rB: 2\r\n\r\n", "a control byte" },
    { OK "A: \x01\r\n\r\n", "a control byte" },
};

CZ_TEST(the_head_of_an_answer_is_read_whole_or_refused_and_never_before_it_is_whole)
{
    for (size_t n = 0; n < CZ_COUNT(cases); n++) {
        cz_str text = cz_str_from(cases[n].head);
        struct cz__h1_answer answer;
        const char *why = "";
        for (size_t cut = 0; cut < text.len; cut++)
            CZ_EXPECT_EQ(
                cz__h1_answer_read(cz_str_head(text, cut), cases[n].is_head, &answer, &why),
                CZ_EAGAIN);
        cz_status status = cz__h1_answer_read(text, cases[n].is_head, &answer, &why);
        if (cases[n].why) {
            CZ_EXPECT_EQ(status, CZ_EPROTOCOL);
            CZ_EXPECT_MSG(cz_str_starts_with(cz_str_from(why), cz_str_from(cases[n].why)), "%s: %s",
                          cases[n].head, why);
            continue;
        }
        CZ_EXPECT_MSG(status == CZ_OK, "%s: %s", cases[n].head, why);
        CZ_EXPECT_EQ(answer.status, cases[n].answer.status);
        CZ_EXPECT_EQ(answer.version_minor, cases[n].answer.version_minor);
        CZ_EXPECT_EQ(answer.body, cases[n].answer.body);
        CZ_EXPECT_EQ(answer.keep_alive, cases[n].answer.keep_alive);
        CZ_EXPECT_EQ(answer.content_length, cases[n].answer.content_length);
        CZ_EXPECT_EQ(answer.bytes, text.len);
    }
}

CZ_TEST(the_head_of_an_answer_has_a_greatest_length)
{
    static char bytes[CZ__H1_ANSWER_HEAD_BYTES_MAX + 4];
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, OK "A: ", sizeof OK "A: " - 1);
    struct cz__h1_answer answer;
    const char *why = "";
    size_t max = CZ__H1_ANSWER_HEAD_BYTES_MAX;
    CZ_EXPECT_EQ(cz__h1_answer_read(cz_str_of(bytes, max - 1), false, &answer, &why), CZ_EAGAIN);
    CZ_EXPECT_EQ(cz__h1_answer_read(cz_str_of(bytes, max), false, &answer, &why), CZ_ETOOBIG);
    memcpy(bytes + max - 3, "\r\n\r\n", 4); /* one byte too late */
    CZ_EXPECT_EQ(cz__h1_answer_read(cz_str_of(bytes, max + 1), false, &answer, &why), CZ_ETOOBIG);
    memcpy(bytes + max - 4, "\r\n\r\n", 4);
    CZ_REQUIRE_OK(cz__h1_answer_read(cz_str_of(bytes, max), false, &answer, &why));
    CZ_EXPECT_EQ(answer.bytes, max);
}
