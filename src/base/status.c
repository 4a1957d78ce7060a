#include <calzone/status.h>
#include <calzone/str.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *cz_status_name(cz_status status)
{
    switch (status) {
#define X(name, value, http, code, text)                                                           \
    case CZ_##name:                                                                                \
        return #name;
        CZ_STATUS_MAP(X)
#undef X
    }
    return "UNKNOWN";
}

const char *cz_status_text(cz_status status)
{
    switch (status) {
#define X(name, value, http, code, text)                                                           \
    case CZ_##name:                                                                                \
        return text;
        CZ_STATUS_MAP(X)
#undef X
    }
    return "Unknown status.";
}

const char *cz_status_code(cz_status status)
{
    switch (status) {
#define X(name, value, http, code, text)                                                           \
    case CZ_##name:                                                                                \
        return code;
        CZ_STATUS_MAP(X)
#undef X
    }
    return "error";
}

int cz_status_http(cz_status status)
{
    switch (status) {
#define X(name, value, http, code, text)                                                           \
    case CZ_##name:                                                                                \
        return http;
        CZ_STATUS_MAP(X)
#undef X
    }
    return 500;
}

cz_status cz_error_set(cz_error *err, cz_status status, const char *format, ...)
{
    if (!err)
        return status;
    char message[sizeof err->message]; /* the arguments may point into the old error */
    va_list args;
    va_start(args, format);
    cz_ignore(vsnprintf(message, sizeof message, format, args)); /* cut is documented */
    va_end(args);
    *err = (cz_error){ .status = status };
    memcpy(err->message, message, sizeof message);
    return status;
}

int cz_error_http(const cz_error *err)
{
    return err->http_status ? err->http_status : cz_status_http(err->status);
}

const char *cz_error_code(const cz_error *err)
{
    return err->code[0] ? err->code : cz_status_code(err->status);
}

const char *cz_error_message(const cz_error *err)
{
    return err->message[0] ? err->message : cz_status_text(err->status);
}

void cz__assert_failed(const char *expression, const char *file, int line)
{
    char text[512];
    int len = snprintf(text, sizeof text, "calzone: assertion failed: %s (%s:%d)\n", expression,
                       file, line);
    if (len > 0) /* nothing can be done about a standard error that is gone */
        cz_ignore(
            write(STDERR_FILENO, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1));
    abort();
}
