/* Answers: read from bytes, and compared with what a test expects. */
#include "testing/testing_internal.h"
#include <stdarg.h>
#include <stdio.h>

static cz_arena *test_arena;

static void end_arena(void)
{
    cz_arena_destroy(test_arena);
    test_arena = NULL;
}

cz_arena *cz_test_arena(void)
{
    if (!test_arena) {
        CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &test_arena));
        atexit(end_arena);
    }
    return test_arena;
}

void cz__test_die(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    cz_ignore(vsnprintf(text, sizeof text, format, args)); /* may be cut */
    va_end(args);
    cz__test_fail(NULL, 0, "%s", text);
    cz__test_abort();
}

/* ---- reading ---- */

/* The next line without its end; false when it is not whole. */
static bool take_line(cz_str *rest, cz_str *out)
{
    size_t end = cz_str_find(*rest, CZ_STR("\r\n"));
    if (end == SIZE_MAX)
        return false;
    *out = cz_str_head(*rest, end);
    *rest = cz_str_tail(*rest, end + 2);
    return true;
}

static bool read_status(cz_str line, int *out)
{
    uint64_t status;
    cz_str text = cz_str_head(cz_str_tail(line, 9), 3);
    if (!cz_str_starts_with(line, CZ_STR("HTTP/1.")) || line.len < 12 || line.ptr[8] != ' ' ||
        cz_str_to_u64(text, &status))
        return false;
    *out = (int)status;
    return true;
}

static bool read_headers(cz_str lines, cz_answer *out)
{
    cz_header *headers = cz_arena_array(cz_test_arena(), cz_header, cz_str_count(lines, '\n') + 1);
    CZ_REQUIRE(headers);
    cz_str line;
    while (take_line(&lines, &line)) {
        size_t colon = cz_str_find_char(line, ':');
        if (colon == SIZE_MAX || colon == 0)
            return false;
        headers[out->header_count++] =
            (cz_header){ cz_str_head(line, colon), cz_str_trim(cz_str_tail(line, colon + 1)) };
    }
    out->headers = headers;
    return true;
}

static bool read_hex(cz_str text, size_t *out)
{
    size_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0 || value > SIZE_MAX >> 5)
            return false;
        value = value * 16 + (size_t)digit;
    }
    *out = value;
    return text.len > 0;
}

enum taken { NOT_WHOLE, WHOLE, MALFORMED };

/* A chunked body without trailers; `*rest` is what follows it. */
static enum taken take_chunks(cz_str *rest, cz_str *out)
{
    char *at = cz_arena_alloc(cz_test_arena(), rest->len);
    CZ_REQUIRE(at);
    size_t bytes, len = 0;
    for (;;) {
        cz_str line, ignored;
        if (!take_line(rest, &line))
            return NOT_WHOLE;
        if (!read_hex(cz_str_trim(cz_str_cut(&line, ';')), &bytes))
            return MALFORMED;
        if (rest->len < bytes || rest->len - bytes < 2)
            return NOT_WHOLE;
        memcpy(at + len, rest->ptr, bytes);
        len += bytes;
        *rest = cz_str_tail(*rest, bytes);
        if (!take_line(rest, &ignored) || ignored.len)
            return MALFORMED;
        if (bytes == 0) {
            *out = cz_str_of(at, len);
            return WHOLE;
        }
    }
}

static enum taken take_body(cz_str *rest, bool head, bool closed, cz_answer *out)
{
    uint64_t length;
    cz_str given = cz_answer_header(out, "Content-Length");
    out->body = CZ_STR("");
    if (head || out->status < 200 || out->status == 204 || out->status == 304)
        return WHOLE;
    if (cz_answer_header(out, "Transfer-Encoding").len)
        return take_chunks(rest, &out->body);
    if (!given.len) { /* until the close */
        out->body = *rest;
        *rest = cz_str_tail(*rest, rest->len);
        return closed ? WHOLE : NOT_WHOLE;
    }
    if (cz_str_to_u64(given, &length))
        return MALFORMED;
    if (rest->len < length)
        return NOT_WHOLE;
    out->body = cz_str_head(*rest, (size_t)length);
    *rest = cz_str_tail(*rest, (size_t)length);
    return WHOLE;
}

static const cz_json_value *read_json(const cz_answer *answer)
{
    const cz_json_value *json;
    cz_str type = cz_answer_header(answer, "Content-Type");
    if (!answer->body.len || cz_str_find(type, CZ_STR("json")) == SIZE_MAX)
        return NULL;
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    return cz_json_parse(cz_test_arena(), answer->body, &limits, &json, NULL) ? NULL : json;
}

size_t cz__answer_parse(cz_str in, bool head, bool closed, cz_answer *out)
{
    cz_answer answer = { 0 };
    cz_str rest, line;
    size_t end = cz_str_find(in, CZ_STR("\r\n\r\n"));
    if (end == SIZE_MAX)
        return 0;
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), in, &rest));
    const char *start = rest.ptr;
    answer.head = cz_str_head(rest, end + 4);
    cz_str lines = cz_str_head(rest, end + 2);
    rest = cz_str_tail(rest, end + 4);
    enum taken taken = MALFORMED;
    if (take_line(&lines, &line) && read_status(line, &answer.status) &&
        read_headers(lines, &answer))
        taken = take_body(&rest, head, closed, &answer);
    if (taken == MALFORMED)
        cz__test_fail(__FILE__, __LINE__, "the answer is not HTTP: %.*s",
                      CZ_STR_ARG(cz_str_head(in, 200)));
    if (taken != WHOLE)
        return 0;
    answer.json = read_json(&answer);
    *out = answer;
    return (size_t)(rest.ptr - start);
}

cz_str cz_answer_header(const cz_answer *answer, const char *name)
{
    for (uint32_t i = 0; i < answer->header_count; i++)
        if (cz_str_eq_icase(answer->headers[i].name, cz_str_from(name)))
            return answer->headers[i].value;
    return CZ_STR("");
}

/* ---- looking at JSON ---- */

static const cz_json_value *item_at(const cz_json_value *list, cz_str index)
{
    uint64_t at;
    if (list->kind != CZ_JSON_LIST || cz_str_to_u64(index, &at) || at >= list->count)
        return NULL;
    return &list->as.items[at];
}

const cz_json_value *cz_answer_at(const cz_answer *answer, const char *path)
{
    const cz_json_value *value = answer->json;
    cz_str rest = cz_str_from(path);
    while (value && rest.len) {
        if (rest.ptr[0] == '[') {
            size_t close = cz_str_find_char(rest, ']');
            value = item_at(value, cz_str_head(cz_str_tail(rest, 1), close - 1));
            rest = cz_str_tail(rest, close == SIZE_MAX ? rest.len : close + 1);
            continue;
        }
        if (rest.ptr[0] == '.')
            rest = cz_str_tail(rest, 1);
        size_t end = 0;
        while (end < rest.len && rest.ptr[end] != '.' && rest.ptr[end] != '[')
            end++;
        value = cz_json_get(value, cz_str_head(rest, end));
        rest = cz_str_tail(rest, end);
    }
    return value;
}

/* The text of a value, for messages. */
static cz_str text_of(const cz_json_value *value)
{
    cz_buf buf;
    cz_buf_init(&buf, 0);
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_str copy = CZ_STR("nothing");
    if (value) {
        cz_json_write(&json, value);
        CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_head(cz_buf_str(&buf), 300), &copy));
    }
    cz_buf_done(&buf);
    return copy;
}

void cz__expect_status(const char *file, int line, const cz_answer *answer, int expected)
{
    if (answer->status != expected)
        cz__test_fail(file, line, "the status is %d, expected %d: %.*s", answer->status, expected,
                      CZ_STR_ARG(cz_str_head(answer->body, 500)));
}

static void unlike(const char *file, int line, const cz_answer *answer, const char *path,
                   const char *expected)
{
    const cz_json_value *value = cz_answer_at(answer, path);
    if (!answer->json)
        cz__test_fail(file, line, "the answer (%d) is no JSON: %.*s", answer->status,
                      CZ_STR_ARG(cz_str_head(answer->body, 300)));
    else
        cz__test_fail(file, line, "\"%s\" is %.*s, expected %s", path, CZ_STR_ARG(text_of(value)),
                      expected);
}

void cz__expect_json_str(const char *file, int line, const cz_answer *answer, const char *path,
                         const char *expected)
{
    const cz_json_value *value = cz_answer_at(answer, path);
    if (!value || value->kind != CZ_JSON_STR || !cz_str_eq(value->as.text, cz_str_from(expected))) {
        const char *quoted = cz_arena_printf(cz_test_arena(), "\"%s\"", expected);
        unlike(file, line, answer, path, quoted ? quoted : expected);
    }
}

void cz__expect_json_int(const char *file, int line, const cz_answer *answer, const char *path,
                         int64_t expected)
{
    char text[24];
    const cz_json_value *value = cz_answer_at(answer, path);
    text[cz_i64_write(text, expected)] = '\0';
    if (!value || value->kind != CZ_JSON_INT || value->as.integer != expected)
        unlike(file, line, answer, path, text);
}

void cz__expect_json_real(const char *file, int line, const cz_answer *answer, const char *path,
                          double expected)
{
    char text[CZ__JSON_F64_BYTES + 1];
    const cz_json_value *value = cz_answer_at(answer, path);
    *cz__json_write_f64(text, expected) = '\0';
    bool same = value && ((value->kind == CZ_JSON_REAL && value->as.real == expected) ||
                          (value->kind == CZ_JSON_INT && (double)value->as.integer == expected));
    if (!same)
        unlike(file, line, answer, path, text);
}

void cz__expect_json_bool(const char *file, int line, const cz_answer *answer, const char *path,
                          bool expected)
{
    const cz_json_value *value = cz_answer_at(answer, path);
    if (!value || value->kind != CZ_JSON_BOOL || value->as.boolean != expected)
        unlike(file, line, answer, path, expected ? "true" : "false");
}

void cz__expect_json_null(const char *file, int line, const cz_answer *answer, const char *path,
                          const void *expected)
{
    (void)expected;
    const cz_json_value *value = cz_answer_at(answer, path);
    if (!value || value->kind != CZ_JSON_NULL)
        unlike(file, line, answer, path, "null");
}

void cz__expect_json_text(const char *file, int line, const cz_answer *answer, const char *path,
                          const char *expected)
{
    const cz_json_value *value = cz_answer_at(answer, path), *wanted;
    cz_error err;
    if (cz_json_parse(cz_test_arena(), cz_str_from(expected), NULL, &wanted, &err))
        cz__test_fail(file, line, "the expected text is no JSON: %s", cz_error_message(&err));
    else if (!value || !cz_json_eq(value, wanted))
        unlike(file, line, answer, path, expected);
}
