/* JSON to a row, with every error collected. */
#include "serializers/serializers_internal.h"

static const struct cz__serializer_field *find_field(const struct cz__serializer_state *state,
                                                     cz_str name)
{
    for (size_t i = 0; i < state->count; i++)
        if (cz_str_eq(state->fields[i].name, name))
            return &state->fields[i];
    return NULL;
}

static CZ_NORETURN void raise_parse_error(cz_ctx *ctx, const cz_json_reader *reader)
{
    size_t line, column;
    if (reader->status == CZ_ENOMEM)
        cz_raise(ctx, CZ_ENOMEM, "no memory to read the body");
    cz_json_error_position(reader, &line, &column);
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_EPROTOCOL,
                           "JSON parse error - %s: line %zu column %zu (char %zu)",
                           reader->error ? reader->error : cz_status_text(reader->status), line,
                           column, cz_str_utf8_length(cz_str_of(reader->start, reader->error_at))));
    cz_raise_error(ctx, &err); /* a limit passed is malformed input to this API: 400 as well */
}

static const char *kind_name(cz_json_kind kind)
{
    switch (kind) {
    case CZ_JSON_LIST:
        return "list";
    case CZ_JSON_STR:
        return "str";
    case CZ_JSON_INT:
        return "int";
    case CZ_JSON_REAL:
        return "float";
    case CZ_JSON_BOOL:
        return "bool";
    default:
        return "";
    }
}

/* So many unknown members say enough, and looking through them stays cheap. */
enum { UNKNOWN_ERRORS_MAX = 50 };

static void unknown_member(const struct cz__input *input, cz_str name)
{
    if (input->errors->count < UNKNOWN_ERRORS_MAX && !cz__has_error(input->errors, name))
        cz_field_errors_add(input->ctx, input->errors, cz_copy(input->ctx, name), "unknown",
                            "Unknown field.");
}

/* The members of the top object, in whatever order they come: one for each field, the last. */
static void read_members(const struct cz__input *input, const cz_serializer *serializer,
                         const struct cz__serializer_state *state, cz_json_reader *reader,
                         struct cz__member *members)
{
    for (;;) {
        cz_json_kind kind = cz_json_next(reader);
        if (kind == CZ_JSON_END)
            return;
        const struct cz__serializer_field *field = find_field(state, reader->key);
        if (field && !field->read_only) {
            members[field - state->fields] =
                (struct cz__member){ kind, reader->boolean, reader->text, reader->integer,
                                     reader->real };
        } else if (!field && !serializer->ignore_unknown) {
            unknown_member(input, reader->key);
        }
        if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT) {
            const char *start = reader->at - 1; /* its bracket */
            cz_json_skip(reader);
            if (field && !field->read_only && !reader->status)
                members[field - state->fields].text =
                    cz_str_of(start, (size_t)(reader->at - start));
        }
    }
}

cz_row *cz__read_row_text(cz_ctx *ctx, cz_str text, cz_serializer *serializer, cz_row *instance,
                          bool partial)
{
    const struct cz__serializer_state *state = cz__serializer_state(ctx, serializer);
    cz_field_errors errors;
    cz_field_errors_init(&errors);
    struct cz__input input = { ctx, instance ? instance : cz__row_new(ctx, serializer->model),
                               &errors };
    cz_json_reader reader;
    cz_json_reader_init(&reader, ctx->arena, text, NULL);
    cz_json_kind kind = cz_json_next(&reader);
    struct cz__member *members = cz_array(ctx, struct cz__member, state->count);
    for (size_t i = 0; i < state->count; i++)
        members[i].kind = CZ_JSON_END;
    if (kind == CZ_JSON_OBJECT) {
        read_members(&input, serializer, state, &reader, members);
    } else if (kind == CZ_JSON_NULL) {
        cz_field_errors_add(ctx, &errors, CZ_STR("non_field_errors"), "null", "No data provided");
    } else if (kind != CZ_JSON_END) {
        cz_field_errors_add(ctx, &errors, CZ_STR("non_field_errors"), "invalid",
                            "Invalid data. Expected a dictionary, but got %s.", kind_name(kind));
        if (kind == CZ_JSON_LIST)
            cz_json_skip(&reader);
    }
    if (!reader.status && cz_json_next(&reader) != CZ_JSON_END)
        cz_assert(reader.status); /* what follows the document is an error of the reader's */
    if (reader.status)
        raise_parse_error(ctx, &reader);
    if (kind != CZ_JSON_OBJECT)
        cz_field_errors_raise(ctx, &errors);
    for (size_t i = 0; i < state->count; i++) {
        if (members[i].kind != CZ_JSON_END)
            cz__input_value(&input, &state->fields[i], &members[i]);
        else if (state->fields[i].required && !partial)
            cz_field_errors_add(ctx, &errors, state->fields[i].name, "required",
                                "This field is required.");
    }
    cz__input_check_rows(&input, serializer, state, instance != NULL);
    cz_field_errors_raise(ctx, &errors);
    if (serializer->validate)
        serializer->validate(ctx, input.row, &errors);
    if (serializer->model->meta.clean)
        serializer->model->meta.clean(ctx, input.row, &errors);
    cz_field_errors_raise(ctx, &errors);
    return input.row;
}

static bool is_json(cz_str content_type)
{
    cz_str type = cz_str_trim(cz_str_cut(&content_type, ';'));
    return cz_str_eq_icase(type, CZ_STR("application/json"));
}

cz_row *cz__read_row(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, cz_row *instance,
                     bool partial)
{
    if (!req->body.len) /* no body is an empty object, whatever its type is said to be, as in DRF */
        return cz__read_row_text(ctx, CZ_STR("{}"), serializer, instance, partial);
    if (!is_json(req->content_type))
        cz_raise(ctx, CZ_EMEDIATYPE, "Unsupported media type \"%.*s\" in request.",
                 CZ_STR_ARG(cz_str_head(req->content_type, 100)));
    return cz__read_row_text(ctx, req->body, serializer, instance, partial);
}
