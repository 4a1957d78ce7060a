/* openapi/schema_check.h: whether a JSON value is as a schema says (JSON Schema 2020-12, as OpenAPI 3.1 has it).
 *
 * It knows the keywords and formats that Calzone's documents are made of. Another keyword is a fault, too: what is not
 * understood can't have been checked.
 */
#ifndef CZ_OPENAPI_SCHEMA_CHECK_H
#define CZ_OPENAPI_SCHEMA_CHECK_H

#include <calzone/context.h>
#include <calzone/json.h>

struct cz__schema_fault {
    cz_str pointer; /* into the value, RFC 6901; "" is the whole of it */
    cz_str what;    /* "is a string, not integer", or of "a" or else "a string": "... is no uuid" */
};

/* Whether `value` is as `schema` says, whose references lead into `document`. What is wrong first is in `*out`, which belongs
 * to the context. `shows_values`: with the value itself, which may be a secret; else it tells of the kind of it alone, though
 * the pointer has the names of members. Raises: CZ_ENOMEM. */
bool cz__schema_check(cz_ctx *ctx, const cz_json_value *document, const cz_json_value *schema,
                      const cz_json_value *value, bool shows_values, struct cz__schema_fault *out);

/* Whether the examples of a document's schemas are as those say; where not, `out->pointer` leads to the schema. */
bool cz__examples_check(cz_ctx *ctx, const cz_json_value *document, struct cz__schema_fault *out);

/* What "#/components/schemas/Book" leads to in `document`; NULL: nothing. Raises: CZ_ENOMEM. */
const cz_json_value *cz__json_pointer(cz_ctx *ctx, const cz_json_value *document, cz_str pointer);

/* Whether a text, or a number, is of a format. False for a format that is not known, and `*out_known` tells. */
bool cz__format_check(cz_str format, const cz_json_value *value, bool *out_known);

#endif
