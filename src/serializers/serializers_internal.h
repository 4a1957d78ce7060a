/* Private to src/serializers. */
#ifndef CZ_SERIALIZERS_INTERNAL_H
#define CZ_SERIALIZERS_INTERNAL_H

#include <calzone/json.h>
#include <calzone/serializers.h>
#include "orm/validation.h"
#include "serializers/serializers.h"

/* members.c: the fields of a serializer, from `arena`. Errors: CZ_EVALIDATION; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__serializer_fields(cz_serializer *serializer, cz_arena *arena,
                                             struct cz__serializer_state *out, cz_error *err);
/* The keys of the members that are shown, from `arena`, and what follows from which they are. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__serializer_lay_out(struct cz__serializer_state *state, cz_arena *arena);
/* write.c: the row a cursor stands on, without a row in between (orm.h's cz__each), of a serializer that is plain. */
void cz__serializer_write_cursor(const cz_serializer *serializer, const cz__db_cursor *cursor,
                                 cz_buf *out);
/* links.c: the address of a row by the name of its route. Raises: CZ_EINVAL: there is no such route. */
cz_str cz__link_to(cz_ctx *ctx, const cz_request *req, const char *view, const cz_model *model,
                   const void *key);

/* ---- input ---- */

struct cz__document;

/* A member as it was read. Kept until the document's end, because of a repeated member only the last
 * counts, and nothing is asked of the database for a document that turns out to be broken. */
struct cz__member {
    cz_json_kind kind; /* CZ_JSON_END: it was not there */
    bool boolean;
    cz_str text; /* of strings and numbers; of lists and objects their source */
    int64_t integer;
    double real;
    struct cz__document **documents; /* of nested rows: of an object one, of a list its items */
    size_t document_count;
};

/* An object, or what stands in its place. */
struct cz__document {
    const struct cz__serializer_state *state;
    cz_json_kind kind;
    const cz_form *form;        /* that it was made of, which has its files; NULL: of none */
    struct cz__member *members; /* one for each field */
    cz_str *unknown;            /* names of members that no field has */
    size_t unknown_count;
};

/* forms.c: a form as a JSON document for the serializer. Raises: CZ_EVALIDATION; as cz_request_form(). */
cz_str cz__form_json(cz_ctx *ctx, cz_request *req, const struct cz__serializer_state *state,
                     bool partial);
/* read.c: check a document and put it into a row, a new one when `instance` is NULL; what is wrong is added to `errors`.
 * Raises as a query. */
cz_row *cz__document_take(cz_ctx *ctx, const struct cz__document *document, cz_row *instance,
                          bool partial, cz_field_errors *errors);
/* "Invalid data. Expected a dictionary, but got str." */
void cz__document_is_no_object(cz_ctx *ctx, const struct cz__document *document,
                               cz_field_errors *errors);
/* read.c: a text that should be a list of objects; `out->documents` when it is one, of which those behind the first
 * CZ_INPUT_LIST_MAX are only counted. Raises: CZ_EPROTOCOL: it is no JSON. */
void cz__read_documents(cz_ctx *ctx, cz_str text, cz_serializer *serializer,
                        struct cz__member *out);
/* nested.c: the key that an object names; NULL: none. */
const struct cz__member *cz__document_key(const struct cz__document *document);
/* The same, of that model, to `key`; what is no key is told. */
bool cz__document_read_key(cz_ctx *ctx, const struct cz__document *document, const cz_model *target,
                           void *key, cz_field_errors *errors);
/* "list", as DRF calls the kinds. */
const char *cz__json_kind_name(cz_json_kind kind);

/* One row's input on its way. */
struct cz__input {
    cz_ctx *ctx;
    cz_row *row;
    cz_field_errors *errors;
    const cz_form *form; /* as cz__document has it */
    bool existing;       /* the row is stored */
    bool partial;
};
void cz__input_fail(struct cz__input *input, const struct cz__serializer_field *field,
                    const char *code, const char *text);
/* validate.c: one member, into the row; adds what is wrong to `errors`. */
void cz__input_value(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member);
/* The checks that need the database, and those over several fields. */
void cz__input_check_rows(struct cz__input *input, const struct cz__serializer_state *state);
/* DRF takes 3, "3" and 3.0 for an integer. */
bool cz__integer_of(const struct cz__member *member, int64_t *out, bool *out_huge);
/* documents.c: kinds whose value is more than one item of JSON, or bytes. */
void cz__input_json(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member);
void cz__input_binary(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member);
void cz__input_list(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member);
/* The items of a member that must be a list, of scalars: `*out` in the arena. Returns false when it is none, or too long,
 * which it has said. */
bool cz__input_items(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member, struct cz__member **out, size_t *out_count);
/* files.c: a file, which only a form has. */
void cz__input_file(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member);
/* The member of a form's JSON that names the file of a field, or says what stands in its place. */
void cz__form_file(cz_json_writer *json, const cz_form *form,
                   const struct cz__serializer_field *field);
/* related.c: relations by key, slug or address. */
void cz__input_related(struct cz__input *input, const struct cz__serializer_field *field,
                       const struct cz__member *member);
/* Whether a value is a key of the model, written to `key`. */
bool cz__key_of(const struct cz__member *member, const cz_model *model, void *key);
/* links.c: the key of the row an address leads to, by the name of its route; else why not, in DRF's words. */
const char *cz__link_key(cz_ctx *ctx, const char *view, const cz_model *model, cz_str address,
                         void *key, const char **out_code);
/* nested.c: rows of a relation in the document itself. */
void cz__input_nested(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member);

#endif
