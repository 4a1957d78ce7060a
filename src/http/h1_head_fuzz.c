/* Two oracles: bytes cut at any two places mean the same as uncut, and an accepted head written anew from
 * what was understood is understood as the same. The first two bytes of the input choose the cuts. */
#include <stdlib.h>
#include "http/h1_head.h"

enum { FIELDS_MAX = 20, LINE_MAX = 200, BLOCK_MAX = 600 };
static const cz_http_limits limits = { .request_line_bytes = LINE_MAX,
                                       .header_bytes = BLOCK_MAX,
                                       .header_count = FIELDS_MAX };

/* From memory of the exact size, gone right after. */
static cz_status feed(struct cz__h1_head *head, const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    cz_status status = cz__h1_head_feed(head, cz_str_of(copy, len));
    free(copy);
    return status;
}

static bool same(const struct cz__h1_head *a, const struct cz__h1_head *b)
{
    return memcmp(&a->state, &b->state, sizeof *a - offsetof(struct cz__h1_head, state)) == 0 &&
           memcmp(a->fields, b->fields, a->field_count * sizeof *a->fields) == 0;
}

static void check_cuts(const struct cz__h1_head *whole, cz_status expected, const uint8_t *bytes,
                       size_t len, size_t first, size_t second)
{
    struct cz__h1_field fields[FIELDS_MAX] = { 0 };
    struct cz__h1_head head = { 0 };
    cz__h1_head_init(&head, &limits, fields);
    cz_status status = feed(&head, bytes, first < len ? first : len);
    if (status == CZ_EAGAIN)
        status = feed(&head, bytes, first + second < len ? first + second : len);
    if (status == CZ_EAGAIN)
        status = feed(&head, bytes, len);
    cz_assert(status == expected && same(&head, whole));
}

/* What the RFC promises of an accepted head, checked in another way than the parser does. */
static void check_accepted(const struct cz__h1_head *head, const char *bytes)
{
    size_t hosts = 0, lengths = 0, codings = 0;
    cz_assert(head->bytes >= 4 && memcmp(bytes + head->bytes - 4, "\r\n\r\n", 4) == 0);
    cz_assert(cz_str_count(cz_str_of(bytes, head->bytes), '\n') ==
              head->field_count + 2u + head->skipped_empty_line);
    cz_assert(cz_str_find_char(cz_str_of(bytes, head->bytes), '\0') == SIZE_MAX);
    for (uint32_t i = 0; i < head->field_count; i++) {
        cz_str name = cz__h1_span_str(bytes, head->fields[i].name);
        cz_str value = cz__h1_span_str(bytes, head->fields[i].value), trimmed = cz_str_trim(value);
        cz_assert(cz__http_is_token(name) && cz_str_eq(trimmed, value));
        cz_assert(name.ptr[name.len] == ':' && (name.ptr[-1] == '\n'));
        cz_assert(cz_str_count(value, '\r') + cz_str_count(value, '\n') == 0);
        hosts += cz_str_eq_icase(name, CZ_STR("host"));
        lengths += cz_str_eq_icase(name, CZ_STR("content-length"));
        codings += cz_str_eq_icase(name, CZ_STR("transfer-encoding"));
    }
    cz_assert(hosts == head->has_host && (hosts == 1 || head->version_minor == 0));
    cz_assert(lengths == head->has_length && codings == head->has_coding && lengths + codings <= 1);
    cz_assert(!codings || head->version_minor);
}

static void check_written_anew(const struct cz__h1_head *head, const char *bytes)
{
    struct cz__h1_field fields[FIELDS_MAX];
    struct cz__h1_head again;
    cz_buf out = { 0 };
    cz_buf_append_str(&out, cz__h1_span_str(bytes, head->method_text));
    cz_buf_append_lit(&out, " ");
    cz_buf_append_str(&out, cz__h1_span_str(bytes, head->target));
    cz_buf_printf(&out, " HTTP/1.%d\r\n", head->version_minor);
    for (uint32_t i = 0; i < head->field_count; i++) {
        cz_buf_append_str(&out, cz__h1_span_str(bytes, head->fields[i].name));
        cz_buf_append_lit(&out, ":");
        cz_buf_append_str(&out, cz__h1_span_str(bytes, head->fields[i].value));
        cz_buf_append_lit(&out, "\r\n");
    }
    cz_buf_append_lit(&out, "\r\n");
    cz__h1_head_init(&again, &limits, fields);
    cz_assert(cz__h1_head_feed(&again, cz_buf_str(&out)) == CZ_OK && again.bytes == out.len);
    cz_assert(again.method == head->method && again.version_minor == head->version_minor);
    cz_assert(again.content_length == head->content_length && again.has_coding == head->has_coding);
    cz_assert(cz__h1_head_keep_alive(&again) == cz__h1_head_keep_alive(head));
    cz_assert(again.expect_continue == head->expect_continue &&
              again.field_count == head->field_count);
    cz_assert(cz_str_eq(cz__h1_span_str(out.ptr, again.path), cz__h1_span_str(bytes, head->path)));
    cz_assert(
        cz_str_eq(cz__h1_span_str(out.ptr, again.query), cz__h1_span_str(bytes, head->query)));
    cz_assert(cz_str_eq(cz__h1_span_str(out.ptr, again.host), cz__h1_span_str(bytes, head->host)));
    for (uint32_t i = 0; i < head->field_count; i++)
        cz_assert(cz_str_eq(cz__h1_span_str(out.ptr, fields[i].value),
                            cz__h1_span_str(bytes, head->fields[i].value)));
    cz_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t first = data[0], second = data[1], len = size - 2;
    const uint8_t *bytes = data + 2;
    struct cz__h1_field fields[FIELDS_MAX] = { 0 };
    struct cz__h1_head head = { 0 };
    cz__h1_head_init(&head, &limits, fields);
    cz_status status = feed(&head, bytes, len);
    cz_assert((status == CZ_OK || status == CZ_EAGAIN) == (head.rule == CZ__H1_NONE));
    cz_assert(head.position <= len && head.bytes <= len);
    check_cuts(&head, status, bytes, len, first, second);
    if (status == CZ_OK) {
        check_accepted(&head, (const char *)bytes);
        check_written_anew(&head, (const char *)bytes);
    }
    return 0;
}
