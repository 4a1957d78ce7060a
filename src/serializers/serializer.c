/* Serializers are prepared once, and answer with rows. */
#include "serializers/serializers_internal.h"

static cz_arena *prepared; /* lives as long as the process */

/* What a client may ask for instead of keys. */
static cz_status prepare_expansions(const cz_serializer *serializer, cz_error *err)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < serializer->members.count && !status; i++)
        if (serializer->members.items[i].expand)
            status = cz__serializer_prepare(serializer->members.items[i].expand, err);
    return status;
}

cz_status cz__serializer_prepare(cz_serializer *serializer, cz_error *err)
{
    if (serializer->state)
        return CZ_OK;
    const cz_model *model = serializer->model;
    if (!model->state)
        return cz_error_set(err, CZ_EVALIDATION, "serializer of %s: the model is in no app",
                            model->name);
    if (!serializer->fields.count && !serializer->members.count)
        return cz_error_set(err, CZ_EVALIDATION, "serializer of %s: .fields is required",
                            model->name);
    if (serializer->preparing)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "serializer of %s: it is nested in itself, and its rows would have no end",
            model->name);
    if (!prepared && cz_arena_create(NULL, 0, &prepared))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a serializer");
    struct cz__serializer_state *state = cz_arena_new(prepared, struct cz__serializer_state);
    if (!state)
        return cz_error_set(err, CZ_ENOMEM, "no memory for a serializer");
    serializer->preparing = true;
    cz_status status = cz__serializer_fields(serializer, prepared, state, err);
    serializer->preparing = false;
    if (status)
        return status;
    serializer->state = state;
    return prepare_expansions(serializer, err);
}

const struct cz__serializer_state *cz__serializer_state(cz_ctx *ctx, cz_serializer *serializer)
{
    if (!serializer->state) {
        cz_error err;
        if (serializer->model->record)
            cz_ignore(cz__record_state(ctx, serializer->model) == NULL); /* it is the model's now */
        if (cz__serializer_prepare(serializer, &err))
            cz_raise(ctx, err.status == CZ_ENOMEM ? CZ_ENOMEM : CZ_EINVAL, "%s",
                     cz_error_message(&err));
    }
    return serializer->state;
}

/* ---- the rows of a query ---- */

struct rendering {
    const cz_serializer *serializer;
    cz_buf *out;
    bool comma;
};

static bool render(const cz__db_cursor *cursor, void *arg)
{
    struct rendering *rendering = arg;
    if (rendering->comma)
        cz_buf_append_char(rendering->out, ',');
    rendering->comma = true;
    cz__serializer_write_cursor(rendering->serializer, cursor, rendering->out);
    return rendering->out->status == CZ_OK;
}

void cz__serializer_write_rows(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                               void *items, size_t count, cz_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            cz_buf_append_char(out, ',');
        cz__serializer_write(ctx, req, serializer, cz__row_nth(items, i, serializer->model), out);
    }
}

size_t cz__serializer_write_query(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                                  const cz_query *query, cz_buf *out)
{
    if (cz__serializer_state(ctx, serializer)->plain) {
        struct rendering rendering = { serializer, out, false };
        return cz__each(ctx, query, render, &rendering);
    }
    struct cz__rows rows = cz__select(ctx, query);
    cz__serializer_write_rows(ctx, req, serializer, rows.items, rows.count, out);
    return rows.count;
}

/* ---- answers ---- */

void cz__respond_row(cz_ctx *ctx, cz_request *req, int status, cz_serializer *serializer,
                     cz_row *row)
{
    cz_assert(cz__same_table(serializer->model, row->model));
    cz_buf *body = cz_respond_json_begin(ctx, req, status);
    cz__serializer_write(ctx, req, serializer, row, body);
    cz_check(ctx, cz_buf_status(body));
}

void cz__respond_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, void *items,
                      size_t count)
{
    cz_buf *body = cz_respond_json_begin(ctx, req, 200);
    cz_buf_append_char(body, '[');
    cz__serializer_write_rows(ctx, req, serializer, items, count, body);
    cz_buf_append_char(body, ']');
    cz_check(ctx, cz_buf_status(body));
}
