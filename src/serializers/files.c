/* Files of a form against their fields, with the sentences of DRF's FileField and Django's FileExtensionValidator. */
#include "base/words.h"
#include "files/files.h"
#include "serializers/serializers_internal.h"
#include <inttypes.h>

/* What a form's JSON has for a file is its place in the form, which no other input can say. */
static const cz_form_item *item_of(const struct cz__input *input, const struct cz__member *member)
{
    const cz_form *form = input->form;
    bool place = form && member->kind == CZ_JSON_INT && member->integer >= 0 &&
                 (uint64_t)member->integer < form->count;
    return place && form->items[member->integer].is_file ? &form->items[member->integer] : NULL;
}

/* A file without a name, without bytes, or with too long a name: further checks say nothing more. */
static bool is_whole(struct cz__input *input, const struct cz__serializer_field *field,
                     const cz_upload *upload)
{
    const cz__column *column = field->column;
    size_t characters = cz_str_utf8_length(upload->filename);
    bool is_empty = !upload->size && !column->field->options.allow_empty_file;
    bool is_long = column->max_length && characters > column->max_length;
    if (!upload->filename.len)
        cz__input_fail(input, field, "no_name", "No filename could be determined.");
    else if (is_empty)
        cz__input_fail(input, field, "empty", "The submitted file is empty.");
    else if (is_long)
        cz_field_errors_add(input->ctx, input->errors, field->name, "max_length",
                            "Ensure this filename has at most %u characters (it has %zu).",
                            column->max_length, characters);
    return upload->filename.len && !is_empty && !is_long;
}

static void check_size(struct cz__input *input, const struct cz__serializer_field *field,
                       const cz_upload *upload)
{
    uint64_t most = field->column->field->options.max_bytes;
    if (!most)
        most = CZ_UPLOAD_BYTES_MAX;
    if (upload->size > most)
        cz_field_errors_add(input->ctx, input->errors, field->name, "max_bytes",
                            "Ensure this file has at most %" PRIu64 " bytes (it has %" PRIu64 ").",
                            most, upload->size);
}

static void check_type(struct cz__input *input, const struct cz__serializer_field *field,
                       const cz_upload *upload)
{
    const char *allowed = field->column->field->options.content_types;
    bool lies = cz__content_type_is_known(upload->claimed_type) &&
                cz_str_eq(upload->content_type, CZ_STR("application/octet-stream"));
    if (!allowed || cz__words_have(allowed, upload->content_type))
        return;
    if (lies && cz__words_have(allowed, upload->claimed_type))
        cz_field_errors_add(input->ctx, input->errors, field->name, "invalid_content_type",
                            "The submitted file is not of the content type “%.*s” it claims.",
                            CZ_STR_ARG(upload->claimed_type));
    else
        cz_field_errors_add(input->ctx, input->errors, field->name, "invalid_content_type",
                            "Content type “%.*s” is not allowed. Allowed content types are: %.*s.",
                            CZ_STR_ARG(upload->content_type),
                            CZ_STR_ARG(cz__words_listed(input->ctx, allowed)));
}

/* What follows the last dot, in lower case; of "png" and ".png" nothing, as those are names. */
static cz_str extension_of(cz_ctx *ctx, cz_str filename)
{
    size_t dot = filename.len;
    while (dot > 0 && filename.ptr[dot - 1] != '.')
        dot--;
    if (dot < 2)
        return CZ_STR("");
    cz_str extension = cz_str_tail(filename, dot);
    char *lower = cz_alloc(ctx, extension.len + 1);
    for (size_t i = 0; i < extension.len; i++) {
        char c = extension.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return cz_str_of(lower, extension.len);
}

static void check_extension(struct cz__input *input, const struct cz__serializer_field *field,
                            const cz_upload *upload)
{
    const char *allowed = field->column->field->options.extensions;
    if (!allowed)
        return;
    cz_str extension = extension_of(input->ctx, upload->filename);
    if (!cz__words_have(allowed, extension))
        cz_field_errors_add(input->ctx, input->errors, field->name, "invalid_extension",
                            "File extension “%.*s” is not allowed. Allowed extensions are: %.*s.",
                            CZ_STR_ARG(extension),
                            CZ_STR_ARG(cz__words_listed(input->ctx, allowed)));
}

void cz__input_file(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member)
{
    const cz_form_item *item = item_of(input, member);
    if (!item) {
        cz__input_fail(input, field, "invalid",
                       "The submitted data was not a file. Check the encoding type on the form.");
        return;
    }
    cz_upload upload = cz_form_upload(input->ctx, item);
    if (!is_whole(input, field, &upload))
        return;
    cz_validator validator = field->column->field->options.validator;
    const char *wrong = validator ? validator(upload.filename, (double)upload.size) : NULL;
    if (wrong)
        cz__input_fail(input, field, "invalid", wrong);
    check_size(input, field, &upload);
    check_type(input, field, &upload);
    check_extension(input, field, &upload);
    *(cz_upload *)cz__row_at(input->row, field->column) = upload;
    cz__row_mark(input->row, field->column, false);
}

/* ---- in a form ---- */

/* The file of this name that counts, the last; of parts that a browser sends for a file nobody chose, none. */
static const cz_form_item *find_file(const cz_form *form, cz_str name)
{
    for (size_t i = form->count; i > 0; i--) {
        const cz_form_item *item = &form->items[i - 1];
        bool chosen = item->is_file && (item->filename.len || item->size);
        if (chosen && cz_str_eq(item->name, name))
            return item;
    }
    return NULL;
}

static const cz_form_item *find_text(const cz_form *form, cz_str name)
{
    for (size_t i = form->count; i > 0; i--)
        if (!form->items[i - 1].is_file && cz_str_eq(form->items[i - 1].name, name))
            return &form->items[i - 1];
    return NULL;
}

void cz__form_file(cz_json_writer *json, const cz_form *form,
                   const struct cz__serializer_field *field)
{
    const cz_form_item *file = find_file(form, field->name),
                       *text = file ? NULL : find_text(form, field->name);
    bool is_left_empty = text && !text->value.len;
    if ((!file && !text) || (is_left_empty && !field->column->null && !field->required))
        return;
    cz_json_key(json, field->name);
    if (file)
        cz_json_i64(json, file - form->items);
    else if (is_left_empty && field->column->null)
        cz_json_null(json);
    else
        cz_json_str(json, text->value);
}
