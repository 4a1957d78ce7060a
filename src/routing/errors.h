/* routing/errors.h: error documents. */
#ifndef CZ_ROUTING_ERRORS_H
#define CZ_ROUTING_ERRORS_H

#include <calzone/errors.h>
#include <calzone/http.h>
#include <calzone/json.h>

typedef enum cz__error_format {
    CZ__ERRORS_DRF,
    CZ__ERRORS_PROBLEM,
    CZ__ERRORS_FASTAPI
} cz__error_format;

/* Choose the JSON form (setting ERROR_FORMAT), and whether a 5xx tells its message and place (development
 * only: in production it is in the log). Context: start-up. */
void cz__errors_configure(cz__error_format format, bool tell_internals);
/* Whether it does. */
bool cz__errors_tell_internals(void);
/* The form that was chosen. */
cz__error_format cz__errors_format(void);

/* Write them as an object, or as a list where the input was one: DRF's shapes. */
void cz__field_errors_write_value(cz_json_writer *json, const cz_field_errors *errors);
/* Write the members {"field": ["message"], "author": {"name": [...]}, "chapters": [{}, ...]}, each field once, in the order
 * first met, into an open object: DRF's shape. */
void cz__field_errors_write(cz_json_writer *json, const cz_field_errors *errors);

/* Make the error the request's answer, replacing whatever was answered before; headers already set stay.
 * A 5xx is logged here, once. Never raises: without memory the answer has no body. */
void cz__answer_error(cz_ctx *ctx, cz_request *req, const cz_error *err);

#endif
