/* http/h1_input.h: what an HTTP/1 connection is reading. */
#ifndef CZ_HTTP_H1_INPUT_H
#define CZ_HTTP_H1_INPUT_H

#include "http/http_internal.h"

/* Pooled; a connection has one only while bytes of a request are there. */
struct cz__h1_input {
    struct cz__h1_input *next;
    size_t start, end, cap; /* bytes[start..end) came and is not consumed */
    char *bytes;            /* the room below, or owned when a head was larger */
    struct cz__h1_field *fields;
    struct cz__h1_head head;
    char room[];
};

/* NULL: no memory. */
struct cz__h1_input *cz__h1_input_acquire(struct cz__http_core *core);
void cz__h1_input_release(struct cz__http_core *core, struct cz__h1_input *input);
/* Let at least `room` bytes follow what is in the input; nothing may point into it yet. False: no memory. */
bool cz__h1_input_make_room(struct cz__h1_input *input, size_t room);
static inline size_t cz__h1_input_unread(const struct cz__h1_input *input)
{
    return input->end - input->start;
}

void cz__h1_inputs_free(struct cz__http_core *core);

#endif
