/* JSON documents, arrays and bytes from JSON to a row. */
#include <calzone/base64.h>
#include "serializers/serializers_internal.h"

/* A string again as JSON. */
static cz_str encoded(cz_ctx *ctx, cz_str text)
{
    cz_buf *buf = cz_scratch(ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, buf);
    cz_json_str(&json, text);
    cz_check(ctx, cz_buf_status(buf));
    return cz_copy(ctx, cz_buf_str(buf));
}

void cz__input_json(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member)
{
    cz_str document = member->text;
    if (member->kind == CZ_JSON_STR)
        document = encoded(input->ctx, member->text);
    else if (member->kind == CZ_JSON_BOOL)
        document = member->boolean ? CZ_STR("true") : CZ_STR("false");
    if (cz__json_has_null_character(document)) {
        cz__input_fail(input, field, "null_characters_not_allowed",
                       "Null characters are not allowed.");
        return;
    }
    *(cz_str *)cz__row_at(input->row, field->column) = cz_copy(input->ctx, document);
    cz__row_mark(input->row, field->column, false);
}

void cz__input_binary(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member)
{
    cz_bytes bytes = { NULL, 0 };
    cz_status status = CZ_EVALIDATION;
    if (member->kind == CZ_JSON_STR)
        status = cz_base64_read(input->ctx->arena, member->text, &bytes);
    if (status == CZ_EVALIDATION) {
        cz__input_fail(input, field, "invalid", "Not valid base64.");
        return;
    }
    cz_check(input->ctx, status);
    *(cz_bytes *)cz__row_at(input->row, field->column) = bytes;
    cz__row_mark(input->row, field->column, false);
}

/* Enter a member that must be a list. It was read whole before, so it is well-formed. */
static bool begin_list(struct cz__input *input, const struct cz__serializer_field *field,
                       const struct cz__member *member, cz_json_reader *reader)
{
    if (member->kind != CZ_JSON_LIST) {
        cz_field_errors_add(input->ctx, input->errors, field->name, "not_a_list",
                            "Expected a list of items but got type \"%s\".",
                            cz__json_kind_name(member->kind));
        return false;
    }
    cz_json_reader_init(reader, input->ctx->arena, member->text, NULL);
    cz_ignore(cz_json_next(reader));
    return true;
}

bool cz__input_items(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member, struct cz__member **out, size_t *out_count)
{
    cz_json_reader reader;
    if (!begin_list(input, field, member, &reader))
        return false;
    size_t cap = cz_str_count(member->text, ',') + 1, count = 0;
    if (cap > CZ_INPUT_LIST_MAX)
        cap = CZ_INPUT_LIST_MAX; /* commas inside of items count too */
    struct cz__member *items = cz_array(input->ctx, struct cz__member, cap);
    for (cz_json_kind kind; (kind = cz_json_next(&reader)) != CZ_JSON_END;) {
        if (count == cap) {
            cz_field_errors_add(input->ctx, input->errors, field->name, "max_length",
                                "Ensure this field has no more than %d elements.",
                                CZ_INPUT_LIST_MAX);
            return false;
        }
        items[count++] = (struct cz__member){ .kind = kind,
                                              .boolean = reader.boolean,
                                              .text = reader.text,
                                              .integer = reader.integer,
                                              .real = reader.real };
        if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT)
            cz_json_skip(&reader);
    }
    cz_check(input->ctx, reader.status);
    *out = items;
    *out_count = count;
    return true;
}

void cz__input_list(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member)
{
    bool integers = CZ__DB_KIND(field->column->type) == CZ__DB_INT_LIST;
    cz_json_reader reader;
    if (!begin_list(input, field, member, &reader))
        return;
    size_t count = 0, cap = cz_str_count(member->text, ',') + 1;
    int64_t *numbers = integers ? cz_array(input->ctx, int64_t, cap) : NULL;
    cz_str *texts = integers ? NULL : cz_array(input->ctx, cz_str, cap);
    for (cz_json_kind kind; (kind = cz_json_next(&reader)) != CZ_JSON_END;) {
        if (kind != (integers ? CZ_JSON_INT : CZ_JSON_STR)) {
            cz__input_fail(input, field, "invalid",
                           integers ? "A list of integers is required."
                                    : "A list of strings is required.");
            return;
        }
        if (integers)
            numbers[count++] = reader.integer;
        else
            texts[count++] = cz_copy(input->ctx, reader.text);
    }
    cz_check(input->ctx, reader.status);
    void *at = cz__row_at(input->row, field->column);
    if (integers)
        *(cz_int_list *)at = (cz_int_list){ numbers, count };
    else
        *(cz_str_list *)at = (cz_str_list){ texts, count };
    cz__row_mark(input->row, field->column, false);
}
