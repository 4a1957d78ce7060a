/* calzone/log.h: structured logging.
 *
 * A line has a level, a logger's name ("http.access"), a sentence and fields. In production it is one
 * JSON object a line, in development a coloured console line. Values of fields whose name says they are
 * secret (password, token, secret, authorization, cookie, key) are written as "***"; control bytes are
 * always escaped, so no input can forge a line (CWE-117).
 *
 * Lines are gathered in memory and written once per loop turn or every 32 KiB, errors at once. A log that
 * cannot be written (a full pipe or disk) loses lines and counts them; it never blocks a request.
 */
#ifndef CALZONE_LOG_H
#define CALZONE_LOG_H

#include <calzone/context.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cz_log_level {
    CZ_LOG_DEBUG,
    CZ_LOG_INFO,
    CZ_LOG_WARNING,
    CZ_LOG_ERROR,
    CZ_LOG_OFF
} cz_log_level;

typedef enum cz_log_format { CZ_LOG_CONSOLE, CZ_LOG_JSON } cz_log_format;

typedef enum cz__log_kind { CZ__LOG_STR, CZ__LOG_INT, CZ__LOG_REAL } cz__log_kind;

typedef struct cz_log_field {
    const char *name;
    cz__log_kind kind;
    cz_str text;
    int64_t integer;
    double real;
} cz_log_field;

static inline cz_log_field cz__log_field(const char *name, cz__log_kind kind, cz_str text,
                                         int64_t integer, double real)
{
    cz_log_field field;
    field.name = name;
    field.kind = kind;
    field.text = text;
    field.integer = integer;
    field.real = real;
    return field;
}

/* A field of a line: the name as a C string, and a cz_str, an integer or a double. */
#define CZ_FIELD_STR(field, value) cz__log_field((field), CZ__LOG_STR, (value), 0, 0)
#define CZ_FIELD_INT(field, value)                                                                 \
    cz__log_field((field), CZ__LOG_INT, cz_str_of(NULL, 0), (int64_t)(value), 0)
#define CZ_FIELD_REAL(field, value)                                                                \
    cz__log_field((field), CZ__LOG_REAL, cz_str_of(NULL, 0), 0, (double)(value))

/* Write a line; `ctx` may be NULL and adds the request id. Further arguments, if any, are cz_log_field
 * values, evaluated only when the line is made. A line is cut at 16 KiB and then says "cut":true.
 * Context: any thread; does not suspend. */
#ifdef __cplusplus
#define cz_log(ctx, level, logger, message, ...)                                                   \
    ((level) < cz_log_threshold                                                                    \
         ? (void)0                                                                                 \
         : cz__log_fields((ctx), (level), (logger), (message), ##__VA_ARGS__))
#else
/* The empty first element keeps the array valid when there are no fields. */
#define cz_log(ctx, level, logger, message, ...)                                                   \
    ((level) < cz_log_threshold                                                                    \
         ? (void)0                                                                                 \
         : cz__log((ctx), (level), (logger), (message),                                            \
                   (const cz_log_field[]){ { .name = NULL }, ##__VA_ARGS__ } + 1,                  \
                   sizeof((const cz_log_field[]){ { .name = NULL }, ##__VA_ARGS__ }) /             \
                           sizeof(cz_log_field) -                                                  \
                       1))
#endif
#define cz_log_debug(ctx, logger, message, ...)                                                    \
    cz_log(ctx, CZ_LOG_DEBUG, logger, message, ##__VA_ARGS__)
#define cz_log_info(ctx, logger, message, ...)                                                     \
    cz_log(ctx, CZ_LOG_INFO, logger, message, ##__VA_ARGS__)
#define cz_log_warning(ctx, logger, message, ...)                                                  \
    cz_log(ctx, CZ_LOG_WARNING, logger, message, ##__VA_ARGS__)
#define cz_log_error(ctx, logger, message, ...)                                                    \
    cz_log(ctx, CZ_LOG_ERROR, logger, message, ##__VA_ARGS__)

extern cz_log_level cz_log_threshold; /* lines below it are not made; set by cz_log_configure() */

void cz__log(const cz_ctx *ctx, cz_log_level level, const char *logger, const char *message,
             const cz_log_field *fields, size_t count);

typedef struct cz_log_options {
    cz_log_level level;
    cz_log_format format;
    const char *path; /* NULL: standard error */
} cz_log_options;

/* Choose level, form and file. Errors: CZ_EIO: the file cannot be opened; `err` names it and the old
 * one stays. Context: start-up. */
CZ_NODISCARD cz_status cz_log_configure(const cz_log_options *options, cz_error *err);

/* A second log for access lines: a file opened for appending that takes finished lines. `path` NULL
 * sends them where the other lines go; "-" is standard output, "off" drops them. */
CZ_NODISCARD cz_status cz_log_configure_access(const char *path, cz_error *err);
/* Where a writer builds one access line of at most `bytes` (16 KiB), its line feed included; NULL when
 * access lines are off or this one is lost. Followed by cz__log_access_commit(). Context: the worker's
 * own thread. */
char *cz__log_access_reserve(size_t bytes);
void cz__log_access_commit(size_t bytes);
bool cz_log_access_enabled(void);
/* Whether access lines are for people, as all others, and one of those: its fields follow the message. Context: likewise. */
bool cz__log_access_is_console(void);
void cz__log_access(const cz_ctx *ctx, cz_log_level level, const char *message,
                    const cz_log_field *fields, size_t count);

/* Write what is gathered. Called by the loop at the end of a turn (with at least 250 ms between writes,
 * unless `now`), and at exit. Gathering begins with the first call without `now`: where no loop turns,
 * in the master and in commands, each line is written at once. A forked child begins with nothing
 * gathered, so no line is written twice. */
void cz_log_flush(bool now);
/* How long the loop may sleep before cz_log_flush(false) has something to write, in milliseconds; -1 when
 * nothing is gathered. */
int cz__log_due_ms(void);
/* Open the files again (log rotation). Context: worker thread. */
void cz_log_reopen(void);
/* Lines lost because the log could not be written, since start. */
uint64_t cz_log_lost(void);

/* Whether a value of this name is kept from logs: password, token, secret, authorization, cookie or
 * credential anywhere in it, or "key" at its end; ASCII case does not matter. */
bool cz__name_is_secret(cz_str name);

/* Append `s` as the inside of a JSON string: quotes, backslashes and control characters (C0, DEL, C1)
 * escaped, bytes that are not UTF-8 as \ufffd. Returns the end; `out` needs 6 bytes per byte of `s`. */
char *cz__json_escape(char *out, cz_str s);

#ifdef __cplusplus
}
template <typename... Fields>
inline void cz__log_fields(const cz_ctx *ctx, cz_log_level level, const char *logger,
                           const char *message, Fields... fields)
{
    const cz_log_field list[] = { cz_log_field(), fields... };
    cz__log(ctx, level, logger, message, list + 1, sizeof...(fields));
}
#endif
#endif
