/* calzone/errors.h: what is wrong with each field of an input.
 *
 * The errors of one input are collected, then raised together as a CZ_EVALIDATION; the client gets
 * `{"title": ["This field is required."]}` with 400, DRF's shape.
 */
#ifndef CALZONE_ERRORS_H
#define CALZONE_ERRORS_H

#include <calzone/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_field_error {
    struct cz_field_error *next;
    cz_str field; /* "non_field_errors" for what concerns several */
    cz_str message;
    const char *code; /* static: "required", "invalid", "unique" */
} cz_field_error;

enum { CZ_FIELD_ERRORS_MAX = 100 }; /* kept of one input; the rest are only counted */

typedef struct cz_field_errors {
    cz_field_error *first, **end;
    size_t count;
} cz_field_errors;

/* An empty collection. */
static inline void cz_field_errors_init(cz_field_errors *errors)
{
    errors->first = NULL;
    errors->end = &errors->first;
    errors->count = 0;
}
/* Add one. `field` is borrowed for the context's life; the message is copied. From
 * CZ_FIELD_ERRORS_MAX on nothing is kept: a client cannot make the answer as long as it likes.
 * Raises: CZ_ENOMEM. */
void cz_field_errors_add(cz_ctx *ctx, cz_field_errors *errors, cz_str field, const char *code,
                         const char *format, ...) CZ_PRINTF(5, 6);
/* Raise them as CZ_EVALIDATION when there are any. */
void cz_field_errors_raise(cz_ctx *ctx, const cz_field_errors *errors);

#ifdef __cplusplus
}
#endif
#endif
