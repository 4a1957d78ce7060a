/* Private to src/openapi. */
#ifndef CZ_OPENAPI_INTERNAL_H
#define CZ_OPENAPI_INTERNAL_H

#include <calzone/json.h>
#include <calzone/map.h>
#include <calzone/openapi.h>
#include <calzone/versioning.h>
#include <calzone/views.h>
#include "serializers/serializers.h"
#include "views/views.h"

/* What of a serializer a schema is. */
enum cz__schema_mode {
    CZ__SCHEMA_OUT,    /* what it shows */
    CZ__SCHEMA_SPARSE, /* what it shows to who may choose: any part, and rows instead of keys */
    CZ__SCHEMA_IN,     /* what it takes */
    CZ__SCHEMA_LISTED, /* what PUT of a list takes: the same with the key */
    CZ__SCHEMA_KEYED, /* what a nested object takes that names a stored row: its key, and what is to change */
    CZ__SCHEMA_PATCH,
    CZ__SCHEMA_PAGE, /* a page of what it shows */
    CZ__SCHEMA_SPARSE_PAGE
};

/* A schema that something referred to, which components.schemas must have. */
struct cz__schema {
    cz_serializer *serializer;
    enum cz__schema_mode mode;
    cz_pagination pagination; /* of a page */
    cz_str name;
};

struct cz__document {
    cz_ctx *ctx;
    const cz_openapi *api;
    cz_json_writer json;
    struct cz__schema *schemas;
    size_t count, cap;
    cz_map tags;          /* those of operations */
    uint64_t answers[10]; /* of the operation in hand: the statuses that were written, a bit each */
};

/* One operation as its route has it. */
struct cz__operation {
    const cz_route_info *route;
    const cz_viewset *view;      /* NULL: a handler of one's own */
    const cz_operation_doc *doc; /* NULL: nothing was said */
    bool stock;                  /* of a viewset, and answered by it */
};

/* Pieces of JSON. */
void cz__doc_str(struct cz__document *doc, const char *key, const char *value);
void cz__doc_object(struct cz__document *doc, const char *key);
void cz__doc_list(struct cz__document *doc, const char *key);
void cz__doc_int(struct cz__document *doc, const char *key, int64_t value);
void cz__doc_bool(struct cz__document *doc, const char *key, bool value);

/* An arena for a tree of JSON, which a request's budget may be too small for; it ends with the unit of work. Raises:
 * CZ_ENOMEM. */
cz_arena *cz__document_arena(cz_ctx *ctx);

/* schemas.c: the name of a serializer's schema, which is written later. Raises: CZ_ENOMEM. */
cz_str cz__schema_named(struct cz__document *doc, cz_serializer *serializer,
                        enum cz__schema_mode mode, cz_pagination pagination);
/* {"$ref": "#/components/schemas/Book"} as the value of `key`, or of the place when NULL. */
void cz__schema_ref(struct cz__document *doc, const char *key, cz_str name);
/* The members of a column's schema, into an open object; `null` adds that type. */
void cz__schema_column(struct cz__document *doc, const cz__column *column, bool null, bool input);
/* patterns.c: append a .regex as ECMAScript with its flag "u" has it. False: it cannot be said there; what was appended is
 * worth nothing. */
bool cz__regex_to_ecmascript(cz_str regex, cz_buf *out);
/* Every schema that was named, those that they name, and those of errors. */
void cz__schemas_write(struct cz__document *doc);
/* The mode of what an operation of a viewset shows. */
enum cz__schema_mode cz__schema_shown(const cz_viewset *view);
/* What a computed member's kind is in JSON, "integer"; NULL: anything. */
const char *cz__computed_type(cz_field_kind kind);
/* examples.c: the member "examples" of a member's schema, when there is one. Raises: CZ_EINVAL: one that is no JSON. */
void cz__example_write(struct cz__document *doc, const struct cz__serializer_field *field);
/* error_schemas.c: those of errors, as members of an open object; and whether a name is one of theirs. */
void cz__error_schemas_write(struct cz__document *doc);
bool cz__error_schema_is_named(cz_str name);
/* parameters.c: the list of an operation's parameters: of its path, and of a viewset's action. */
void cz__parameters_write(struct cz__document *doc, const struct cz__operation *op);
/* "/books/{id}" of "/books/<int:id>", and "get" of "GET": the keys of an operation. In the arena. Raise: CZ_ENOMEM. */
cz_str cz__path_template(cz_ctx *ctx, const char *pattern);
cz_str cz__method_key(cz_ctx *ctx, const char *method);
/* operations.c: one method of a path, as the value of its key. */
void cz__operation_write(struct cz__document *doc, const cz_route_info *route);
struct cz__operation cz__operation_of(const cz_route_info *route);
/* Whether a middleware stands around it; whether cz_idempotency does, and is about its method. */
bool cz__operation_has(const struct cz__operation *op, const cz_middleware *middleware);
bool cz__operation_is_once(const struct cz__operation *op);
/* Whether it is a handler of the project's own that changes one row of a viewset, so that If-Match is obeyed. */
bool cz__operation_changes_one(const struct cz__operation *op);
/* Whether the document about that version has it; NULL: about all. */
bool cz__operation_is_shown(const cz_route_info *route, const char *api_version);
/* security.c: "securitySchemes" of the components, and "security" of an operation. Raises: CZ_EINVAL. */
void cz__security_schemes_write(struct cz__document *doc);
void cz__operation_security_write(struct cz__document *doc, const struct cz__operation *op);
/* Whether its permission, as far as that is known, lets everybody. */
bool cz__operation_is_open(const struct cz__operation *op);
bool cz__operation_is_secured(const struct cz__document *doc, const struct cz__operation *op);
/* Errors: CZ_EVALIDATION: a scheme that can't be. */
CZ_NODISCARD cz_status cz__security_check(const cz_openapi *api, const char *prefix, cz_error *err);
/* responses.c: what it answers, as the member "responses". */
void cz__responses_write(struct cz__document *doc, const struct cz__operation *op);
/* Whether it is about a list of rows. */
static inline bool cz__operation_is_bulk(const struct cz__operation *op)
{
    return op->view && cz__view_is_bulk((cz_action)op->route->action);
}
/* A media type with a schema of components.schemas; "" for one of which nothing is said. */
void cz__content_write(struct cz__document *doc, const char *media_type, cz_str schema);

#endif
