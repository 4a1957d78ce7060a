/* JSON to a row, with every error collected. */
#include <calzone/parsers.h>
#include "http/body.h"
#include "http/content.h"
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

const char *cz__json_kind_name(cz_json_kind kind)
{
    static const char *const names[] = {
        "null", "bool", "int", "float", "str", "list", "dict", ""
    };
    return names[kind];
}

/* ---- the document ---- */

/* So many unknown members say enough, and looking through them stays cheap. */
enum { UNKNOWN_ERRORS_MAX = 50 };

static void read_value(cz_ctx *ctx, cz_json_reader *reader, cz_json_kind kind,
                       const struct cz__serializer_field *field, struct cz__member *out);

static void unknown_member(cz_ctx *ctx, struct cz__document *document, cz_str name)
{
    for (size_t i = 0; i < document->unknown_count; i++)
        if (cz_str_eq(document->unknown[i], name))
            return;
    if (document->unknown_count == UNKNOWN_ERRORS_MAX)
        return;
    if (!document->unknown)
        document->unknown = cz_array(ctx, cz_str, UNKNOWN_ERRORS_MAX);
    document->unknown[document->unknown_count++] = cz_copy(ctx, name);
}

/* A nested row's key tells which one it is, whether input may change it or not. */
static bool is_taken(const struct cz__serializer_field *field, bool nested)
{
    return !field->read_only || (nested && field->column && field->column->ordinal == 0 &&
                                 !field->way_count && field->as == CZ__AS_VALUE);
}

static struct cz__document *new_document(cz_ctx *ctx, const struct cz__serializer_state *state,
                                         cz_json_kind kind)
{
    struct cz__document *document = cz_new(ctx, struct cz__document);
    document->state = state;
    document->kind = kind;
    document->members = cz_array(ctx, struct cz__member, state->count + 1);
    for (size_t i = 0; i < state->count; i++)
        document->members[i].kind = CZ_JSON_END;
    return document;
}

/* The members of an object that has been entered, in whatever order they come: one for each field, the last. */
static void read_members(cz_ctx *ctx, cz_json_reader *reader, struct cz__document *document,
                         bool nested)
{
    for (cz_json_kind kind; (kind = cz_json_next(reader)) != CZ_JSON_END;) {
        const struct cz__serializer_field *field = find_field(document->state, reader->key);
        bool taken = field && is_taken(field, nested);
        struct cz__member passed_over;
        if (!field && !document->state->serializer->ignore_unknown)
            unknown_member(ctx, document, reader->key);
        read_value(ctx, reader, kind, taken ? field : NULL,
                   taken ? &document->members[field - document->state->fields] : &passed_over);
    }
}

static struct cz__document *read_nested(cz_ctx *ctx, cz_json_reader *reader, cz_json_kind kind,
                                        cz_serializer *serializer)
{
    struct cz__document *document = new_document(ctx, cz__serializer_state(ctx, serializer), kind);
    if (kind == CZ_JSON_OBJECT)
        read_members(ctx, reader, document, true);
    else if (kind == CZ_JSON_LIST)
        cz_json_skip(reader);
    return document;
}

/* Those that are too many are only counted: a short text must not become a great tree. */
static void read_nested_list(cz_ctx *ctx, cz_json_reader *reader, cz_serializer *serializer,
                             struct cz__member *out)
{
    size_t cap = 0;
    for (cz_json_kind kind; (kind = cz_json_next(reader)) != CZ_JSON_END; out->document_count++) {
        if (out->document_count >= CZ_INPUT_LIST_MAX) {
            if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT)
                cz_json_skip(reader);
            continue;
        }
        if (out->document_count == cap) {
            struct cz__document **grown = cz_array(ctx, struct cz__document *, cap * 2 + 8);
            if (cap)
                memcpy(grown, out->documents, cap * sizeof(void *));
            out->documents = grown;
            cap = cap * 2 + 8;
        }
        out->documents[out->document_count] = read_nested(ctx, reader, kind, serializer);
    }
}

/* `field`: NULL when nobody wants it. */
static void read_value(cz_ctx *ctx, cz_json_reader *reader, cz_json_kind kind,
                       const struct cz__serializer_field *field, struct cz__member *out)
{
    bool nested = field && field->as == CZ__AS_NESTED;
    *out = (struct cz__member){
        kind, reader->boolean, reader->text, reader->integer, reader->real, NULL, 0
    };
    if (kind != CZ_JSON_LIST && kind != CZ_JSON_OBJECT) {
        if (nested && kind != CZ_JSON_NULL) {
            out->documents = cz_new(ctx, struct cz__document *);
            out->documents[out->document_count++] =
                read_nested(ctx, reader, kind, field->member->nested);
        }
        return;
    }
    const char *start = reader->at - 1; /* its bracket */
    if (nested && field->list && kind == CZ_JSON_LIST) {
        read_nested_list(ctx, reader, field->member->nested, out);
    } else if (nested) {
        out->documents = cz_new(ctx, struct cz__document *);
        out->documents[out->document_count++] =
            read_nested(ctx, reader, kind, field->member->nested);
    } else {
        cz_json_skip(reader);
    }
    out->text = cz_str_of(start, (size_t)(reader->at - start));
}

static void expect_end(cz_ctx *ctx, cz_json_reader *reader)
{
    if (!reader->status && cz_json_next(reader) != CZ_JSON_END)
        cz_assert(reader->status); /* what follows the document is an error of the reader's */
    if (reader->status)
        raise_parse_error(ctx, reader);
}

static struct cz__document *read_document(cz_ctx *ctx, cz_str text, cz_serializer *serializer)
{
    cz_json_reader reader;
    cz_json_reader_init(&reader, ctx->arena, text, NULL);
    cz_json_kind kind = cz_json_next(&reader);
    struct cz__document *document = new_document(ctx, cz__serializer_state(ctx, serializer), kind);
    if (kind == CZ_JSON_OBJECT)
        read_members(ctx, &reader, document, false);
    else if (kind == CZ_JSON_LIST)
        cz_json_skip(&reader);
    expect_end(ctx, &reader);
    return document;
}

/* A list on its way to documents. */
struct reading_list {
    cz_str text;
    cz_serializer *serializer;
    struct cz__member *out;
};

static void read_documents(cz_ctx *ctx, void *arg)
{
    const struct reading_list *list = arg;
    cz_json_reader reader;
    cz_json_reader_init(&reader, ctx->arena, list->text, NULL);
    *list->out = (struct cz__member){ .kind = cz_json_next(&reader) };
    if (list->out->kind == CZ_JSON_LIST)
        read_nested_list(ctx, &reader, list->serializer, list->out);
    else if (list->out->kind == CZ_JSON_OBJECT)
        cz_json_skip(&reader);
    expect_end(ctx, &reader);
}

void cz__read_documents(cz_ctx *ctx, cz_str text, cz_serializer *serializer, struct cz__member *out)
{
    struct reading_list list = { text, serializer, out };
    cz__read_body(ctx, read_documents, &list);
}

/* ---- into a row ---- */

void cz__document_is_no_object(cz_ctx *ctx, const struct cz__document *document,
                               cz_field_errors *errors)
{
    if (document->kind == CZ_JSON_NULL)
        cz_field_errors_add(ctx, errors, CZ_STR("non_field_errors"), "null", "No data provided");
    else
        cz_field_errors_add(ctx, errors, CZ_STR("non_field_errors"), "invalid",
                            "Invalid data. Expected a dictionary, but got %s.",
                            cz__json_kind_name(document->kind));
}

static void take_no_row(struct cz__input *input, const struct cz__serializer_field *field)
{
    const cz__column *column = field->column;
    if (column->many || !column->null) {
        cz__input_fail(input, field, "null", "This field may not be null.");
        return;
    }
    *cz__row_slot(input->row, column) = NULL;
    cz__row_mark(input->row, column, true);
}

static void take_member(struct cz__input *input, const struct cz__serializer_field *field,
                        const struct cz__member *member)
{
    if (member->kind == CZ_JSON_END) {
        if (field->required && !input->partial)
            cz__input_fail(input, field, "required",
                           field->column->upload ? "No file was submitted."
                                                 : "This field is required.");
    } else if (field->as != CZ__AS_NESTED && !field->column->many && !field->column->relation) {
        cz__input_value(input, field, member);
    } else if (member->kind == CZ_JSON_NULL) {
        take_no_row(input, field);
    } else if (field->as == CZ__AS_NESTED) {
        cz__input_nested(input, field, member);
    } else {
        cz__input_related(input, field, member);
    }
}

cz_row *cz__document_take(cz_ctx *ctx, const struct cz__document *document, cz_row *instance,
                          bool partial, cz_field_errors *errors)
{
    const struct cz__serializer_state *state = document->state;
    const cz_serializer *serializer = state->serializer;
    struct cz__input input = { ctx, instance, errors, document->form, instance != NULL, partial };
    if (!instance)
        input.row = cz__row_new(ctx, serializer->model);
    for (size_t i = 0; i < document->unknown_count; i++)
        cz_field_errors_add(ctx, errors, document->unknown[i], "unknown", "Unknown field.");
    for (size_t i = 0; i < state->count; i++)
        if (!state->fields[i].read_only)
            take_member(&input, &state->fields[i], &document->members[i]);
    cz__input_check_rows(&input, state);
    if (errors->count)
        return input.row;
    if (serializer->validate)
        serializer->validate(ctx, input.row, errors);
    if (serializer->model->meta.clean)
        serializer->model->meta.clean(ctx, input.row, errors);
    return input.row;
}

/* A text on its way to a row. */
struct reading_row {
    cz_str text;
    const cz_form *form; /* it was made of; NULL: of none */
    cz_serializer *serializer;
    cz_row *row; /* to be changed; NULL: a new one is made */
    bool partial;
};

static void read_row(cz_ctx *ctx, void *arg)
{
    struct reading_row *reading = arg;
    struct cz__document *document = read_document(ctx, reading->text, reading->serializer);
    document->form = reading->form;
    cz_field_errors errors;
    cz_field_errors_init(&errors);
    if (document->kind == CZ_JSON_OBJECT)
        reading->row = cz__document_take(ctx, document, reading->row, reading->partial, &errors);
    else
        cz__document_is_no_object(ctx, document, &errors);
    cz_field_errors_raise(ctx, &errors);
}

cz_row *cz__read_row_text(cz_ctx *ctx, cz_str text, cz_serializer *serializer, cz_row *instance,
                          bool partial)
{
    struct reading_row reading = { text, NULL, serializer, instance, partial };
    cz__read_body(ctx, read_row, &reading);
    return reading.row;
}

/* A body on its way to JSON. */
struct converting {
    cz_request *req;
    cz_serializer *serializer;
    bool partial;
    cz_str json;
};

static void convert(cz_ctx *ctx, void *arg)
{
    struct converting *converting = arg;
    const cz_parser *parser = cz_parser_for(ctx, converting->req);
    converting->json =
        parser->to_json
            ? parser->to_json(ctx, converting->req)
            : cz__form_json(ctx, converting->req, cz__serializer_state(ctx, converting->serializer),
                            converting->partial);
}

cz_str cz__serializer_input(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, bool partial)
{
    struct converting converting = { req, serializer, partial, CZ_STR("{}") };
    if (cz__form_is_streamed(req) ||
        cz_request_body(ctx, req)
            .len) /* none is an empty object, whatever its type is said to be, as in DRF */
        cz__read_body(ctx, convert, &converting);
    return converting.json;
}

/* The form that the input was made of; NULL: of none. */
static const cz_form *form_of(cz_ctx *ctx, cz_request *req)
{
    return req->form && !cz_parser_for(ctx, req)->to_json ? req->form : NULL;
}

cz_row *cz__read_row(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, cz_row *instance,
                     bool partial)
{
    cz_str text = cz__serializer_input(ctx, req, serializer, partial);
    struct reading_row reading = { text, form_of(ctx, req), serializer, instance, partial };
    cz__read_body(ctx, read_row, &reading);
    return reading.row;
}
