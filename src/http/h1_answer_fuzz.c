/* Two oracles: no shorter piece of a head is anything but unfinished, and what was read, written again in one
 * form, is read the same. */
#include "http/h1_answer.h"
#include <calzone/buf.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void write_again(const struct cz__h1_answer *answer, bool is_head)
{
    cz_buf text = { 0 };
    cz_buf_printf(&text, "HTTP/1.%u %u \r\nConnection: %s\r\n", answer->version_minor,
                  answer->status, answer->keep_alive ? "keep-alive" : "close");
    if (answer->body == CZ__H1_ANSWER_LENGTH)
        cz_buf_printf(&text, "Content-Length: %llu\r\n",
                      (unsigned long long)answer->content_length);
    else if (answer->body == CZ__H1_ANSWER_CHUNKED)
        cz_buf_append_lit(&text, "Transfer-Encoding: chunked\r\n");
    cz_buf_append_lit(&text, "\r\n");
    struct cz__h1_answer again;
    const char *why = NULL;
    cz_assert(!cz_buf_status(&text));
    cz_assert(!cz__h1_answer_read(cz_buf_str(&text), is_head, &again, &why));
    cz_assert(again.status == answer->status && again.version_minor == answer->version_minor);
    cz_assert(again.body == answer->body && again.keep_alive == answer->keep_alive);
    cz_assert(again.content_length == answer->content_length && again.bytes == text.len);
    cz_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (!len)
        return 0;
    bool is_head = bytes[0] & 1;
    cz_str in = cz_str_of((const char *)bytes + 1, len - 1);
    struct cz__h1_answer answer;
    const char *why = NULL;
    cz_status status = cz__h1_answer_read(in, is_head, &answer, &why);
    cz_assert((status == CZ_EPROTOCOL) == (why != NULL));
    if (status != CZ_OK)
        return 0;
    cz_assert(answer.bytes <= in.len && answer.status >= 100 && answer.status <= 599);
    char *part = malloc(answer.bytes); /* exactly, so that a byte too far is seen */
    if (!part)
        abort();
    memcpy(part, in.ptr, answer.bytes - 1);
    struct cz__h1_answer none;
    cz_assert(cz__h1_answer_read(cz_str_of(part, answer.bytes - 1), is_head, &none, &why) ==
              CZ_EAGAIN);
    free(part);
    write_again(&answer, is_head);
    return 0;
}
