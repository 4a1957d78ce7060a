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

struct cz_field_errors;
typedef struct cz_field_error {
    struct cz_field_error *next;
    cz_str field; /* "non_field_errors" for what concerns several */
    cz_str message;
    const char *code; /* static: "required", "invalid", "unique" */
    /* What is wrong inside the field's value instead of a message: of an object, or of `item_count` items of a list,
     * NULL for an item that is fine. */
    const struct cz_field_errors *object;
    struct cz_field_errors **items;
    size_t item_count;
} cz_field_error;

enum { CZ_FIELD_ERRORS_MAX = 100 }; /* kept of one input; the rest are only counted */

typedef struct cz_field_errors {
    cz_field_error *first, **end;
    size_t count;                  /* those inside objects and items too */
    struct cz_field_errors *outer; /* whose field it is inside of; NULL: nobody's */
} cz_field_errors;

/* An empty collection. */
static inline void cz_field_errors_init(cz_field_errors *errors)
{
    errors->first = NULL;
    errors->end = &errors->first;
    errors->count = 0;
    errors->outer = NULL;
}
/* Add one. `field` is borrowed for the context's life; the message is copied. From
 * CZ_FIELD_ERRORS_MAX on nothing is kept: a client cannot make the answer as long as it likes.
 * Raises: CZ_ENOMEM. */
void cz_field_errors_add(cz_ctx *ctx, cz_field_errors *errors, cz_str field, const char *code,
                         const char *format, ...) CZ_PRINTF(5, 6);
/* An empty collection for what is wrong inside the object, or inside item `index` of `count`, that is the field's
 * value: `{"author": {"name": ["..."]}}`, `{"chapters": [{}, {"title": ["..."]}]}`. With an empty `field` the list is the input
 * itself: `[{}, {"title": ["..."]}]`. It counts to `errors` what is
 * added to it, and is left out while it is empty. In the context's arena. Raises: CZ_ENOMEM. */
cz_field_errors *cz_field_errors_inside(cz_ctx *ctx, cz_field_errors *errors, cz_str field);
cz_field_errors *cz_field_errors_item(cz_ctx *ctx, cz_field_errors *errors, cz_str field,
                                      size_t index, size_t count);
/* Raise them as CZ_EVALIDATION when there are any. */
void cz_field_errors_raise(cz_ctx *ctx, const cz_field_errors *errors);
/* Raise one, as CZ_EVALIDATION: `{"order": ["The order is asc or desc."]}`. `field` is borrowed likewise. */
CZ_NORETURN void cz_raise_field(cz_ctx *ctx, cz_str field, const char *code, const char *format,
                                ...) CZ_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif
#endif
