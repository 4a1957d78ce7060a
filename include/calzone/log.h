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

typedef struct cz_log_field {
    const char *name;
    enum { CZ__LOG_STR, CZ__LOG_INT, CZ__LOG_REAL } kind;
    cz_str text;
    int64_t integer;
    double real;
} cz_log_field;

#define CZ_FIELD_STR(field, value) \
    ((cz_log_field){ .name = (field), .kind = CZ__LOG_STR, .text = (value) })
#define CZ_FIELD_INT(field, value) \
    ((cz_log_field){ .name = (field), .kind = CZ__LOG_INT, .integer = (value) })
#define CZ_FIELD_REAL(field, value) \
    ((cz_log_field){ .name = (field), .kind = CZ__LOG_REAL, .real = (value) })

/* Write a line; `ctx` may be NULL and adds the request id. Further arguments are cz_log_field values.
 * Context: any thread; does not suspend. */
#define cz_log(ctx, level, logger, message, ...)                                                   \
    ((level) < cz_log_threshold                                                                    \
         ? (void)0                                                                                 \
         : cz__log((ctx), (level), (logger), (message), (const cz_log_field[]){ __VA_ARGS__ },     \
                   sizeof((const cz_log_field[]){ __VA_ARGS__ }) / sizeof(cz_log_field)))
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
/* Where a writer builds one access line of at most `bytes`; NULL when access lines are off. Followed by
 * cz__log_access_commit(). */
char *cz__log_access_reserve(size_t bytes);
void cz__log_access_commit(size_t bytes);
bool cz_log_access_enabled(void);

/* Write what is gathered. Called by the loop at the end of a turn (with at least 250 ms between writes,
 * unless `now`), and at exit. */
void cz_log_flush(bool now);
/* Open the files again (log rotation). Context: worker thread. */
void cz_log_reopen(void);
/* Lines lost because the log could not be written, since start. */
uint64_t cz_log_lost(void);

/* Append `s` as the inside of a JSON string: quotes, backslashes and control bytes escaped, bytes that
 * are not UTF-8 as \ufffd. Returns the end; `out` needs 6 bytes per byte of `s`. */
char *cz__json_escape(char *out, cz_str s);

#ifdef __cplusplus
}
#endif
#endif
