/* Private to src/serializers. */
#ifndef CZ_SERIALIZERS_INTERNAL_H
#define CZ_SERIALIZERS_INTERNAL_H

#include <calzone/json.h>
#include <calzone/serializers.h>
#include "orm/orm.h"

struct cz__serializer_field {
    const cz__column *column;
    cz_str name;  /* of the member */
    cz_str key;   /* `"name":`, with the comma that goes before all but the first */
    bool read_only, required;
};

struct cz__serializer_state {
    struct cz__serializer_field *fields;
    size_t count;
    size_t fixed_bytes; /* room for everything but text */
};

/* Prepared at first use when start-up has not. Raises. */
const struct cz__serializer_state *cz__serializer_state(cz_ctx *ctx, cz_serializer *serializer);

/* validate.c: one value that was read, into the row; adds what is wrong to `errors`. */
struct cz__input {
    cz_ctx *ctx;
    cz_row *row;
    cz_field_errors *errors;
};
void cz__input_value(struct cz__input *input, const struct cz__serializer_field *field,
                     cz_json_kind kind, const cz_json_reader *reader);
/* The checks that need the database, and those over several fields. */
void cz__input_check_rows(struct cz__input *input, const cz_serializer *serializer,
                          const struct cz__serializer_state *state, bool existing);

#endif
