/* A head comes in one piece nearly always, so it is looked at only once it is whole. What two readers could
 * understand in two ways is refused, as in requests: else a measured answer might begin amid another's body. */
#include "http/h1_answer.h"
#include "http/h1_head.h"
#include "http/h1_scan.h"

enum { STATUS_LINE_BYTES_MIN = 13 }; /* "HTTP/1.1 200 " */

struct fields {
    bool has_length, has_coding, close, keep_alive;
    uint64_t length;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* NULL, or what is wrong with it; the same of the following. */
static const char *read_status_line(cz_str line, struct cz__h1_answer *answer)
{
    if (line.len < STATUS_LINE_BYTES_MIN || !cz_str_starts_with(line, CZ_STR("HTTP/1.")) ||
        !is_digit(line.ptr[7]) || line.ptr[8] != ' ' || line.ptr[12] != ' ')
        return "the status line is not 'HTTP/1.1 200 reason'";
    for (size_t i = 9; i < 12; i++) {
        if (!is_digit(line.ptr[i]))
            return "the status is not a number";
        answer->status = (uint16_t)(answer->status * 10 + (line.ptr[i] - '0'));
    }
    answer->version_minor = (uint8_t)(line.ptr[7] - '0');
    return answer->status < 100 || answer->status > 599 ? "the status is not 100 to 599" : NULL;
}

static const char *read_length(cz_str value, struct fields *fields)
{
    if (fields->has_length)
        return "more than one Content-Length";
    fields->has_length = true;
    if (!value.len || !is_digit(value.ptr[0]) || cz_str_to_u64(value, &fields->length) ||
        fields->length > INT64_MAX)
        return "Content-Length is not a number below 2^63";
    return NULL;
}

static const char *read_coding(cz_str value, struct fields *fields)
{
    if (fields->has_coding)
        return "more than one Transfer-Encoding";
    fields->has_coding = true;
    return cz_str_eq_icase(value, CZ_STR("chunked")) ? NULL
                                                     : "Transfer-Encoding is not exactly 'chunked'";
}

static const char *read_connection(cz_str value, struct fields *fields)
{
    while (value.len) {
        cz_str word = cz_str_trim(cz_str_cut(&value, ','));
        fields->close = fields->close || cz_str_eq_icase(word, CZ_STR("close"));
        fields->keep_alive = fields->keep_alive || cz_str_eq_icase(word, CZ_STR("keep-alive"));
    }
    return NULL;
}

static const char *read_field(cz_str line, struct fields *fields)
{
    static const struct {
        const char *name;
        const char *(*read)(cz_str value, struct fields *fields);
    } known[] = { { "content-length", read_length },
                  { "transfer-encoding", read_coding },
                  { "connection", read_connection } };
    size_t colon = cz_str_find_char(line, ':');
    cz_str name = cz_str_head(line, colon);
    if (colon == SIZE_MAX || !cz__http_is_token(name))
        return "a header name is empty, not a token, or not followed by ':'";
    for (size_t i = 0; i < CZ_COUNT(known); i++)
        if (cz_str_eq_icase(name, cz_str_from(known[i].name)))
            return known[i].read(cz_str_trim(cz_str_tail(line, colon + 1)), fields);
    return NULL;
}

/* RFC 9112, 6.3 and 9.3. */
static const char *conclude(const struct fields *fields, bool is_head, struct cz__h1_answer *answer)
{
    if (fields->has_length && fields->has_coding)
        return "both Content-Length and Transfer-Encoding";
    if (fields->has_coding && answer->version_minor == 0)
        return "Transfer-Encoding in an HTTP/1.0 answer";
    if (is_head || answer->status < 200 || answer->status == 204 || answer->status == 304)
        answer->body = CZ__H1_ANSWER_NO_BODY;
    else if (fields->has_coding)
        answer->body = CZ__H1_ANSWER_CHUNKED;
    else
        answer->body = fields->has_length ? CZ__H1_ANSWER_LENGTH : CZ__H1_ANSWER_TO_CLOSE;
    answer->content_length = answer->body == CZ__H1_ANSWER_LENGTH ? fields->length : 0;
    answer->keep_alive = answer->body != CZ__H1_ANSWER_TO_CLOSE && !fields->close &&
                         (answer->version_minor > 0 || fields->keep_alive);
    return NULL;
}

cz_status cz__h1_answer_read(cz_str in, bool is_head, struct cz__h1_answer *out,
                             const char **out_why)
{
    cz_str head = cz_str_head(in, CZ__H1_ANSWER_HEAD_BYTES_MAX);
    size_t end = cz_str_find(head, CZ_STR("\r\n\r\n"));
    if (end == SIZE_MAX)
        return in.len < CZ__H1_ANSWER_HEAD_BYTES_MAX ? CZ_EAGAIN : CZ_ETOOBIG;
    struct cz__h1_answer answer = { .bytes = end + 4 };
    struct fields fields = { 0 };
    const char *why = NULL;
    cz_str rest = cz_str_head(head, end + 2);
    for (bool first = true; rest.len && !why; first = false) {
        size_t len = cz_str_find(rest, CZ_STR("\r\n"));
        cz_str line = cz_str_head(rest, len);
        rest = cz_str_tail(rest, len + 2);
        why = cz__has_ctl(line) ? "a control byte in the head"
              : first           ? read_status_line(line, &answer)
                                : read_field(line, &fields);
    }
    if (!why)
        why = conclude(&fields, is_head, &answer);
    if (why) {
        *out_why = why;
        return CZ_EPROTOCOL;
    }
    *out = answer;
    return CZ_OK;
}
