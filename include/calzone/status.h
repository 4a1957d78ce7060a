/* calzone/status.h: how a function says that it failed.
 *
 * A function that can fail returns a cz_status: CZ_OK or a negative code; the compiler rejects ignoring
 * it. Results leave through `out` pointers, untouched on failure. Where a person needs more than the
 * code, the last parameter is a `cz_error *`, which may be NULL and is filled on failure only.
 *
 * Inside a request, a task or a command, code above the drivers may raise instead (context.h): a raise
 * carries the same status and the same cz_error to the nearest boundary.
 */
#ifndef CALZONE_STATUS_H
#define CALZONE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CZ_NODISCARD __attribute__((warn_unused_result))
#define CZ_PRINTF(format_index, first_index)                                                       \
    __attribute__((format(printf, format_index, first_index)))
#define CZ_NORETURN __attribute__((noreturn))
#define CZ_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Ignore a result on purpose; the line says why. */
#define cz_ignore(call) ((void)!(call))

/* One list makes the enum, the name, the text, the API's code and the HTTP answer.
 *
 * The code is DRF's where DRF has one (rest_framework.exceptions), because clients match on it. */
#define CZ_STATUS_MAP(X)                                                                           \
    /* name           value HTTP  code                     text                                 */ \
    X(OK, 0, 200, "ok", "Success.")                                                                \
    X(EINVAL, -1, 500, "error", "A function was called against its contract.")                     \
    X(ENOMEM, -2, 503, "out_of_memory", "Out of memory, or the request's budget is spent.")        \
    X(EPROTOCOL, -3, 400, "parse_error", "Malformed request.")                                     \
    X(ETOOBIG, -4, 413, "too_large", "A limit was passed.")                                        \
    X(ECANCELED, -5, 499, "canceled", "The client went away.")                                     \
    X(ETIMEDOUT, -6, 503, "timed_out", "The time for this request is over.")                       \
    X(ENOTFOUND, -7, 404, "not_found", "Not found.")                                               \
    X(EEXISTS, -8, 409, "conflict", "It exists already.")                                          \
    X(EDENIED, -9, 403, "permission_denied", "You do not have permission to perform this action.") \
    X(EUNAUTHENTICATED, -10, 401, "not_authenticated",                                             \
      "Authentication credentials were not provided.")                                             \
    X(EVALIDATION, -11, 400, "invalid", "Invalid input.")                                          \
    X(EMETHOD, -12, 405, "method_not_allowed", "Method not allowed.")                              \
    X(EMEDIATYPE, -13, 415, "unsupported_media_type", "Unsupported media type in request.")        \
    X(ENOTACCEPTABLE, -14, 406, "not_acceptable", "Could not satisfy the request Accept header.")  \
    X(ETHROTTLED, -15, 429, "throttled", "Request was throttled.")                                 \
    X(EBUSY, -16, 503, "unavailable", "Busy; try again later.")                                    \
    X(EIO, -17, 500, "error", "An input or output operation failed.")                              \
    X(EDATABASE, -18, 500, "error", "The database refused a statement.")                           \
    X(EINTEGRITY, -19, 409, "integrity_error", "The change breaks a rule of the data.")            \
    X(EMULTIPLE, -20, 500, "error", "More than one row matched where one was expected.")           \
    X(EAGAIN, -21, 503, "again", "Not ready yet.")                                                 \
    X(ECLOSED, -22, 500, "error", "The other side has closed.")                                    \
    X(EUNSUPPORTED, -23, 501, "not_implemented", "Not supported.")                                 \
    X(EUNAVAILABLE, -24, 503, "unavailable", "A service this needs is away; try again later.")     \
    X(ESERIALIZATION, -25, 503, "conflict", "Others changed the same data; try again.")            \
    X(EUNKNOWN, -26, 500, "outcome_unknown", "Whether the change was stored is not known.")        \
    X(EPRECONDITION, -27, 412, "precondition_failed", "It is not as it was when you read it.")     \
    X(EUNCONDITIONAL, -28, 428, "precondition_required",                                           \
      "Say in If-Match which state of it you mean to change.")                                     \
    X(EOVERLOAD, -29, 503, "overloaded",                                                           \
      "More requests came than can be answered; try again later.")

typedef enum cz_status {
#define X(name, value, http, code, text) CZ_##name = (value),
    CZ_STATUS_MAP(X)
#undef X
} cz_status;

/* What a person or a client needs besides the status. Plain data: copied freely, owns nothing. */
typedef struct cz_error {
    cz_status status;
    uint16_t http_status; /* 0: the one CZ_STATUS_MAP gives */
    int line;             /* where it was raised; 0 when unknown */
    const char *file;     /* static; NULL when unknown */
    char code[32];        /* machine-readable, "not_found"; empty: the one CZ_STATUS_MAP gives */
    char message[256];    /* one sentence; empty: the text of CZ_STATUS_MAP */
    /* Of a CZ_EINTEGRITY the rule that was broken: a constraint by the name it was declared by, a field's own rule
     * (unique, not null, key) by table and columns, "store_book.isbn" or "store_book.author_id, title", cut at 95
     * bytes. Of a CZ_EVALIDATION from the database the column, likewise. Empty: it is no rule of the database's, or the
     * database does not tell. */
    char constraint[96];
    /* What the database said itself beyond the message, as PostgreSQL's DETAIL, which may tell values: for a log or a
     * developer's console, never for a client. Cut at 255 bytes; empty: nothing. */
    char database[256];
    /* Of a CZ_EVALIDATION its `const cz_field_errors *` (errors.h), in the context's arena; NULL: it is about no field. */
    const void *details;
} cz_error;

/* The status's name without prefix: "ENOMEM". Never NULL. Context: any thread. */
const char *cz_status_name(cz_status status);
/* The status's sentence. Never NULL. Context: any thread. */
const char *cz_status_text(cz_status status);
/* The status's API code, "not_found". Never NULL. Context: any thread. */
const char *cz_status_code(cz_status status);
/* The HTTP status code that answers it, 200 to 599. Context: any thread. */
int cz_status_http(cz_status status);

/* Fill `err` (NULL does nothing) with a status and a printf-style message, cut at 255 bytes. Returns
 * `status`, so a failing function can end with it. Context: any thread. */
cz_status cz_error_set(cz_error *err, cz_status status, const char *format, ...) CZ_PRINTF(3, 4);

/* The HTTP answer, the code and the message of an error, with the status's own where it names none. */
int cz_error_http(const cz_error *err);
const char *cz_error_code(const cz_error *err);
const char *cz_error_message(const cz_error *err);

/* Stop the process with one line on standard error; the crash reporter adds the route and the stack.
 * For our own bugs only, never for input. */
CZ_NORETURN void cz__assert_failed(const char *expression, const char *file, int line);
#define cz_assert(expression)                                                                      \
    (__builtin_expect(!!(expression), 1) ? (void)0                                                 \
                                         : cz__assert_failed(#expression, __FILE__, __LINE__))

#ifdef __cplusplus
}
#endif
#endif
