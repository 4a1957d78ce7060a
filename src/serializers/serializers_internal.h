/* Private to src/serializers. */
#ifndef CZ_SERIALIZERS_INTERNAL_H
#define CZ_SERIALIZERS_INTERNAL_H

#include <calzone/json.h>
#include <calzone/serializers.h>
#include "orm/validation.h"

struct cz__serializer_field {
    const cz__column *column;
    cz_str name; /* of the member */
    cz_str key;  /* `"name":`, with the comma that goes before all but the first */
    bool read_only, required;
};

struct cz__serializer_state {
    struct cz__serializer_field *fields;
    size_t count;
    size_t fixed_bytes; /* room for everything but text */
};

/* Prepared at first use when start-up has not. Raises. */
const struct cz__serializer_state *cz__serializer_state(cz_ctx *ctx, cz_serializer *serializer);

/* A member as it was read. Kept until the document's end, because of a repeated member only the last
 * counts, and nothing is asked of the database for a document that turns out to be broken. */
struct cz__member {
    cz_json_kind kind; /* CZ_JSON_END: it was not there */
    bool boolean;
    cz_str text; /* of strings and numbers; of lists and objects their source */
    int64_t integer;
    double real;
};

/* validate.c: one member, into the row; adds what is wrong to `errors`. */
struct cz__input {
    cz_ctx *ctx;
    cz_row *row;
    cz_field_errors *errors;
};
void cz__input_fail(struct cz__input *input, const struct cz__serializer_field *field,
                    const char *code, const char *text);
/* documents.c: kinds whose value is more than one item of JSON, or bytes. */
void cz__input_json(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member);
void cz__input_binary(struct cz__input *input, const struct cz__serializer_field *field,
                      const struct cz__member *member);
void cz__input_list(struct cz__input *input, const struct cz__serializer_field *field,
                    const struct cz__member *member);
void cz__input_value(struct cz__input *input, const struct cz__serializer_field *field,
                     const struct cz__member *member);
/* The checks that need the database, and those over several fields. */
void cz__input_check_rows(struct cz__input *input, const cz_serializer *serializer,
                          const struct cz__serializer_state *state, bool existing);

#endif
