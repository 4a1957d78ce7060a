/* calzone/serializers.h: between rows and JSON.
 *
 *     CZ_SERIALIZER(BookSerializer, Book,
 *         .fields    = CZ_FIELDS(Book, id, title, isbn, author, created_at),
 *         .read_only = CZ_FIELDS(Book, id, created_at));
 *
 * Fields are listed: a column added later is not shown or written by accident. A relation is its key, as
 * DRF's PrimaryKeyRelatedField, and one to several rows a list of keys. Fields the model marks read_only need not be
 * repeated. What is more than a field stands in a table beside:
 *
 *     CZ_SERIALIZER(BookSerializer, Book,
 *         .fields  = CZ_FIELDS(Book, id, title, author, tags, pages),
 *         .members = CZ_MEMBERS(
 *             { .source = CZ_FIELD(Book, author), .nested = &AuthorSerializer },
 *             { .source = CZ_FIELD(Book, tags), .slug = CZ_FIELD(Tag, word) },
 *             { .name = "country", .source = CZ_FIELD(Book, author->country) },
 *             { .name = "url", .view = "book-detail" },
 *             { .name = "is_long", .compute = is_long, .type = CZ_KIND_bool_field }));
 *
 * Out: rows go straight to text, without a tree; relations are read for all rows at once. In: JSON goes straight into a
 * row; every error is collected and raised as one CZ_EVALIDATION whose document is `{"field": ["message"]}`, with DRF's
 * sentences, nested as the input is. Checked are kind, required, null, blank, length, choices, range, the field's
 * validator, that a related row exists, and uniqueness; then, when all fields are fine, unique_together, `validate` and
 * the model's `.clean`. The row is not stored yet; cz_save() stores it with what came with it, links and nested rows.
 * Unknown members are refused; read-only ones are passed over; of a repeated one only the last counts.
 *
 * What is no model's is a CZ_RECORD(), with a serializer like any other.
 */
#ifndef CALZONE_SERIALIZERS_H
#define CALZONE_SERIALIZERS_H

#include <calzone/errors.h>
#include <calzone/http.h>
#include <calzone/json.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cz_serializer;

/* Write a computed member: one JSON value. `row` is of the serializer's model; `req` is NULL outside requests. May query
 * and raise. */
typedef void (*cz_compute)(cz_ctx *ctx, const cz_request *req, const void *row,
                           cz_json_writer *out);

/* A member of the JSON object that is more than a field of the model, or a field of the list with more to say. */
typedef struct cz_serializer_member {
    const char *name; /* NULL: the source's */
    /* What it shows: CZ_FIELD(Book, title), or over foreign keys, CZ_FIELD(Book, author->name), which is read-only. */
    cz_str source;
    struct cz_serializer
        *nested; /* of a relation: rows instead of keys; read-only unless .writable */
    struct cz_serializer
        *expand; /* of a relation: rows instead of keys for a client that asks, ?expand=author */
    cz_str
        slug; /* of a relation: this unique field of the other side instead of the key, CZ_FIELD(Tag, word) */
    const char *
        view; /* of a relation: the address of the other row, by the name of its route, which has one parameter,
                         the key; without .source: the row's own address */
    cz_compute compute; /* instead of a source */
    cz_field_kind
        type; /* of what .compute writes, CZ_KIND_int_field; of a list of them with .list */
    bool list;
    bool
        open; /* of .nested and .expand: who may not read these rows elsewhere may see them here; `check` asks no more */
    bool writable;  /* of .nested, and of the keys of a reverse side: input may change other rows */
    bool read_only; /* passed over in input */
    bool write_only;        /* not shown */
    bool required;          /* must be in the input, default or not */
    bool optional;          /* may be missing from the input, default or not */
    cz_validator validator; /* asked beside the field's own */
    const char *help_text;  /* for documents about the API */
    const char
        *example; /* likewise, instead of the field's: text as it is, of anything else its JSON */
} cz_serializer_member;
typedef struct cz_serializer_members {
    const cz_serializer_member *items;
    size_t count;
} cz_serializer_members;
#define CZ_MEMBERS(...)                                                                            \
    {                                                                                              \
        (const cz_serializer_member[]){ __VA_ARGS__ },                                             \
            sizeof((const cz_serializer_member[]){ __VA_ARGS__ }) / sizeof(cz_serializer_member)   \
    }

typedef struct cz_serializer {
    const char *name; /* set by CZ_SERIALIZER */
    cz_model *model;
    cz_fields fields; /* of the model, in the order of the output */
    cz_fields read_only, write_only;
    cz_serializer_members
        members;         /* those with a .source in `fields` stay in their place, others follow */
    bool ignore_unknown; /* pass over unknown members instead of refusing them */
    /* Rules over several fields, called when each is fine: `row` is the model's row as it would be
     * stored. Adds what is wrong to `errors`. May query and raise. */
    void (*validate)(cz_ctx *ctx, void *row, cz_field_errors *errors);
    struct cz__serializer_state *state; /* private; made at start or at first use */
    bool preparing;                     /* private */
} cz_serializer;

#define CZ_SERIALIZER(variable, M, ...)                                                            \
    cz_serializer variable = { .name = #variable, .model = &M##__model, __VA_ARGS__ }

/* The serializer with the members that the request asks for: ?fields=title,author.name those alone, ?expand=author,tags rows
 * instead of the keys of members that have an .expand, to any depth that is declared; in the order of the declaration. For
 * answers alone: what it does not show it does not read either. The serializer itself when the request asks for nothing; else
 * one that lives as long as the context. Of a parameter given twice the last counts; an empty one asks for nothing.
 * Raises: CZ_EVALIDATION: there is no such member, it is not to be expanded, or they are more than CZ_ASKED_MEMBERS_MAX. */
cz_serializer *cz_serializer_asked_for(cz_ctx *ctx, const cz_request *req,
                                       cz_serializer *serializer);
enum {
    CZ_ASKED_MEMBERS_MAX = 100, /* names in one parameter */
    CZ_EXPAND_DEPTH_MAX = 4     /* steps of a name: "author.country.capital.mayor" */
};

enum { CZ_INPUT_LIST_MAX = 1000 }; /* keys or nested rows in one member of an input */

/* Answer with one row, or with rows as a list. Raises: CZ_ENOMEM. */
#define cz_respond_row(ctx, req, status, serializer, row)                                          \
    cz__respond_row((ctx), (req), (status), (serializer), &(row)->row_)
#define cz_respond_rows(ctx, req, serializer, rows)                                                \
    cz__respond_rows((ctx), (req), (serializer), (rows).items, (rows).count)
void cz__respond_row(cz_ctx *ctx, cz_request *req, int status, cz_serializer *serializer,
                     cz_row *row);
void cz__respond_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, void *items,
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
/* Read the request's body, a list of objects, into new rows: `*out_count` pointers, as cz_bulk_create() takes them. Checked but
 * not saved: what two of them may not both have, the database refuses. Errors come as a list, `[{}, {"title": ["..."]}]`, and
 * `{"non_field_errors": ["..."]}` of what is none or has more than CZ_INPUT_LIST_MAX items: DRF's many=True. Raises likewise. */
#define cz_read_rows(ctx, req, serializer, M, out_count)                                           \
    ((M **)(void *)cz__read_rows((ctx), (req), (serializer), (out_count)))
cz_row **cz__read_rows(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, size_t *out_count);
/* The same from a text, for fixtures and tests. */
cz_row *cz__read_row_text(cz_ctx *ctx, cz_str json, cz_serializer *serializer, cz_row *instance,
                          bool partial);

/* Work out a serializer at start. Errors: CZ_EVALIDATION: a declaration that cannot work. */
CZ_NODISCARD cz_status cz__serializer_prepare(cz_serializer *serializer, cz_error *err);
/* Append a row's JSON; `req` may be NULL. Failures stay in the buffer. Raises: as a query, where it shows relations. */
void cz__serializer_write(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                          cz_row *row, cz_buf *out);
/* Append rows of the serializer's model, with commas between. The same. */
void cz__serializer_write_rows(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                               void *items, size_t count, cz_buf *out);
/* Append the rows of a query, with commas between; returns how many. Rows of columns alone are written from where the
 * database has them. Failures stay in the buffer. Raises as a query. */
size_t cz__serializer_write_query(cz_ctx *ctx, const cz_request *req, cz_serializer *serializer,
                                  const cz_query *query, cz_buf *out);

#ifdef __cplusplus
}
#endif
#endif
