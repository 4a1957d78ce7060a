/* calzone/serializers.h: between rows and JSON.
 *
 *     CZ_SERIALIZER(BookSerializer, Book,
 *         .fields    = CZ_FIELDS(Book, id, title, isbn, author, created_at),
 *         .read_only = CZ_FIELDS(Book, id, created_at));
 *
 * Fields are listed: a column added later is not shown or written by accident. A relation is its key, as
 * DRF's PrimaryKeyRelatedField. Fields the model marks read_only need not be repeated.
 *
 * Out: rows go straight to text, without a tree. In: JSON goes straight into a row; every error is
 * collected and raised as one CZ_EVALIDATION whose document is `{"field": ["message"]}`, with DRF's
 * sentences. Checked are kind, required, null, blank, length, choices, range, the field's validator, that
 * a related row exists, and uniqueness; then, when all fields are fine, unique_together, `validate` and
 * the model's `.clean`.
 * Unknown members are refused; read-only ones are passed over; of a repeated one only the last counts.
 */
#ifndef CALZONE_SERIALIZERS_H
#define CALZONE_SERIALIZERS_H

#include <calzone/errors.h>
#include <calzone/http.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_serializer {
    cz_model *model;
    cz_fields fields; /* required */
    cz_fields read_only;
    bool ignore_unknown; /* pass over unknown members instead of refusing them */
    /* Rules over several fields, called when each is fine: `row` is the model's row as it would be
     * stored. Adds what is wrong to `errors`. May query and raise. */
    void (*validate)(cz_ctx *ctx, void *row, cz_field_errors *errors);
    struct cz__serializer_state *state; /* private; made at start or at first use */
} cz_serializer;

#define CZ_SERIALIZER(name, M, ...) cz_serializer name = { .model = &M##__model, __VA_ARGS__ }

/* Answer with one row, or with rows as a list. Raises: CZ_ENOMEM. */
#define cz_respond_row(ctx, req, status, serializer, row)                                          \
    cz__respond_row((ctx), (req), (status), (serializer), &(row)->row_)
#define cz_respond_rows(ctx, req, serializer, rows)                                                \
    cz__respond_rows((ctx), (req), (serializer), (rows).items, (rows).count)
void cz__respond_row(cz_ctx *ctx, cz_request *req, int status, cz_serializer *serializer,
                     const cz_row *row);
void cz__respond_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, const void *items,
                      size_t count);

/* Read the request's body into a new row, or into an existing one (`partial`: members that are missing
 * keep their value and are not required). The row is checked but not saved.
 * Raises: CZ_EVALIDATION, CZ_EPROTOCOL: no JSON; CZ_EMEDIATYPE; as queries do. */
#define cz_read_row(ctx, req, serializer, M)                                                       \
    ((M *)cz__read_row((ctx), (req), (serializer), NULL, false))
#define cz_read_row_into(ctx, req, serializer, row, partial)                                       \
    ((void)cz__read_row((ctx), (req), (serializer), &(row)->row_, (partial)))
cz_row *cz__read_row(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, cz_row *instance,
                     bool partial);
/* The same from a text, for fixtures and tests. */
cz_row *cz__read_row_text(cz_ctx *ctx, cz_str json, cz_serializer *serializer, cz_row *instance,
                          bool partial);

/* Work out a serializer at start. Errors: CZ_EVALIDATION: a declaration that cannot work. */
CZ_NODISCARD cz_status cz__serializer_prepare(cz_serializer *serializer, cz_error *err);
/* Append a row's JSON. Failures stay in the buffer. */
void cz__serializer_write(const cz_serializer *serializer, const cz_row *row, cz_buf *out);
/* The same for the row a cursor stands on, without a row in between (orm.h's cz__each). */
struct cz__db_cursor;
void cz__serializer_write_cursor(const cz_serializer *serializer,
                                 const struct cz__db_cursor *cursor, cz_buf *out);

#ifdef __cplusplus
}
#endif
#endif
