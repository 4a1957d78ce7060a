#include "http/h1_input.h"

struct cz__h1_input *cz__h1_input_acquire(struct cz__http_core *core)
{
    struct cz__h1_input *input = core->inputs;
    size_t field_bytes = core->limits.header_count * sizeof *input->fields;
    if (input) {
        core->inputs = input->next;
        core->input_count--;
    } else {
        input = cz_malloc(sizeof *input + field_bytes + CZ__HTTP_INPUT_BYTES);
        if (!input)
            return NULL;
        input->fields = (struct cz__h1_field *)(void *)input->room;
        input->bytes = input->room + field_bytes;
        input->cap = CZ__HTTP_INPUT_BYTES;
        cz__h1_head_init(&input->head, &core->limits, input->fields);
    }
    input->start = input->end = 0;
    cz__h1_head_reset(&input->head);
    return input;
}

void cz__h1_input_release(struct cz__http_core *core, struct cz__h1_input *input)
{
    if (!input)
        return;
    if (input->cap > CZ__HTTP_INPUT_BYTES) {
        cz_free(input->bytes);
        input->bytes = (char *)(input->fields + core->limits.header_count);
        input->cap = CZ__HTTP_INPUT_BYTES;
    }
    if (core->input_count >= CZ__HTTP_POOLED_MAX) {
        cz_free(input);
        return;
    }
    input->next = core->inputs;
    core->inputs = input;
    core->input_count++;
}

bool cz__h1_input_make_room(struct cz__h1_input *input, size_t room)
{
    if (input->cap - input->end >= room)
        return true;
    size_t len = cz__h1_input_unread(input);
    if (input->cap - len >= room) {
        memmove(input->bytes, input->bytes + input->start, len);
    } else {
        size_t cap = len + room;
        char *bytes = cz_malloc(cap);
        if (!bytes)
            return false;
        memcpy(bytes, input->bytes + input->start, len);
        if (input->cap > CZ__HTTP_INPUT_BYTES)
            cz_free(input->bytes);
        input->bytes = bytes;
        input->cap = cap;
    }
    input->start = 0;
    input->end = len;
    return true;
}

void cz__h1_inputs_free(struct cz__http_core *core)
{
    while (core->inputs) {
        struct cz__h1_input *input = core->inputs;
        core->inputs = input->next;
        cz_free(input);
    }
}
