/* A list of objects as input: DRF's many=True. */
#include "http/body.h"
#include "serializers/serializers_internal.h"

struct cz__list *cz__list_read(cz_ctx *ctx, cz_str json, cz_serializer *serializer)
{
    struct cz__member member;
    cz__read_documents(ctx, json, serializer, &member);
    if (member.kind != CZ_JSON_LIST)
        cz_raise_field(ctx, CZ_STR("non_field_errors"), "not_a_list",
                       "Expected a list of items but got type \"%s\".",
                       cz__json_kind_name(member.kind));
    if (member.document_count > CZ_INPUT_LIST_MAX)
        cz_raise_field(ctx, CZ_STR("non_field_errors"), "max_length",
                       "Ensure this field has no more than %d elements.", CZ_INPUT_LIST_MAX);
    struct cz__list *list = cz_new(ctx, struct cz__list);
    list->ctx = ctx;
    list->serializer = serializer;
    list->documents = member.documents;
    list->count = member.document_count;
    cz_field_errors_init(&list->errors);
    return list;
}

static cz_field_errors *errors_of(struct cz__list *list, size_t n)
{
    return cz_field_errors_item(list->ctx, &list->errors, CZ_STR(""), n, list->count);
}

bool cz__list_key(struct cz__list *list, size_t n, void *key)
{
    const struct cz__document *document = list->documents[n];
    cz_str name = document->state->key->name;
    if (document->kind != CZ_JSON_OBJECT) {
        cz__document_is_no_object(list->ctx, document, errors_of(list, n));
        return false;
    }
    if (cz__document_key(document))
        return cz__document_read_key(list->ctx, document, list->serializer->model, key,
                                     errors_of(list, n));
    cz_field_errors_add(list->ctx, errors_of(list, n), name, "required", "This field is required.");
    return false;
}

void cz__list_not_there(struct cz__list *list, size_t n)
{
    const struct cz__document *document = list->documents[n];
    cz__not_there(list->ctx, document->state->key->name, cz__document_key(document)->text,
                  errors_of(list, n));
}

void cz__list_twice(struct cz__list *list, size_t n)
{
    cz_field_errors_add(list->ctx, errors_of(list, n), list->documents[n]->state->key->name,
                        "invalid", "Another item names this row.");
}

/* An item on its way to a row. */
struct taking {
    struct cz__list *list;
    size_t n;
    cz_row *instance;
    bool partial;
    cz_row *row;
};

static void take(cz_ctx *ctx, void *arg)
{
    struct taking *taking = arg;
    const struct cz__document *document = taking->list->documents[taking->n];
    cz_field_errors *errors = errors_of(taking->list, taking->n);
    if (document->kind == CZ_JSON_OBJECT)
        taking->row = cz__document_take(ctx, document, taking->instance, taking->partial, errors);
    else
        cz__document_is_no_object(ctx, document, errors);
}

cz_row *cz__list_take(struct cz__list *list, size_t n, cz_row *instance, bool partial)
{
    struct taking taking = { list, n, instance, partial, NULL };
    cz__read_body(list->ctx, take, &taking);
    return taking.row;
}

void cz__list_raise(struct cz__list *list)
{
    cz_field_errors_raise(list->ctx, &list->errors);
}

cz_row **cz__read_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, size_t *out_count)
{
    struct cz__list *list =
        cz__list_read(ctx, cz__serializer_input(ctx, req, serializer, false), serializer);
    cz_row **rows = cz_array(ctx, cz_row *, list->count + 1);
    for (size_t n = 0; n < list->count; n++)
        rows[n] = cz__list_take(list, n, NULL, false);
    cz__list_raise(list);
    *out_count = list->count;
    return rows;
}
