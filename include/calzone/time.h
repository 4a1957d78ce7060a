/* calzone/time.h: instants, dates and their text forms.
 *
 * Instants are UTC, microseconds since 1970-01-01T00:00:00Z without leap seconds, in a struct of its own
 * so that the compiler tells them from numbers. Years run from 1 to 9999, as in Python and Django.
 */
#ifndef CALZONE_TIME_H
#define CALZONE_TIME_H

#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_datetime {
    int64_t us; /* microseconds since 1970-01-01T00:00:00Z */
} cz_datetime;

typedef struct cz_date {
    int32_t days; /* days since 1970-01-01 */
} cz_date;

typedef struct cz_time {
    int64_t us; /* microseconds since midnight, below 86,400,000,000 */
} cz_time;

typedef struct cz_duration {
    int64_t us; /* microseconds; may be negative */
} cz_duration;

typedef struct cz_civil {
    int32_t year;                             /* 1 to 9999 */
    uint8_t month, day, hour, minute, second; /* 1-12, 1-31, 0-23, 0-59, 0-59 */
    uint32_t us;                              /* 0-999999 */
} cz_civil;

/* The clock, in microseconds. cz_now() is what a model's auto_now stores; a test may freeze it. */
cz_datetime cz_now(void);
/* The day that cz_now() is in, in UTC. */
cz_date cz_today(void);
/* The day in UTC. */
cz_date cz_datetime_date(cz_datetime t);
/* A clock that only goes forward; for time-outs, never shown to anyone. */
int64_t cz_monotonic_us(void);

cz_civil cz_datetime_civil(cz_datetime t);
/* Errors: CZ_EVALIDATION: no such day or time. */
CZ_NODISCARD cz_status cz_civil_datetime(cz_civil civil, cz_datetime *out);
cz_civil cz_date_civil(cz_date date);
CZ_NODISCARD cz_status cz_civil_date(int32_t year, int month, int day, cz_date *out);

/* Read ISO 8601 / RFC 3339: "2026-11-21T04:05:06.789Z", with "T" or a space, seconds optional, up to
 * nine decimals (cut at six), and "Z", an offset or nothing (UTC) at the end, as DRF's DateTimeField.
 * Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz_datetime_parse(cz_str text, cz_datetime *out);
/* "2026-11-21". Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz_date_parse(cz_str text, cz_date *out);

/* "04:05", "04:05:06" or "04:05:06.789" with up to nine decimals, cut at six. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz_time_parse(cz_str text, cz_time *out);
/* Django's form "[-][DD ][[HH:]MM:]ss[.uuuuuu]", or ISO 8601's "P3DT4H5M6.5S" without years and months.
 * Errors: CZ_EVALIDATION: neither, or beyond 64 bits of microseconds. */
CZ_NODISCARD cz_status cz_duration_parse(cz_str text, cz_duration *out);

/* The most bytes of each text form, without NUL. */
enum {
    CZ_DATETIME_TEXT = 27,
    CZ_DATE_TEXT = 10,
    CZ_HTTP_DATE_TEXT = 29,
    CZ_TIME_TEXT = 15,
    CZ_DURATION_TEXT = 26,
};

/* Write "2026-11-21T04:05:06Z" or, with a fraction, "2026-11-21T04:05:06.789000Z" (DRF's form). Returns
 * the bytes written; no NUL. */
size_t cz_datetime_write(char *out, cz_datetime t);
/* "2026-11-21", always 10 bytes. */
size_t cz_date_write(char *out, cz_date date);
/* "04:05:06" or "04:05:06.789000". Returns the bytes written; no NUL. */
size_t cz_time_write(char *out, cz_time t);
/* As Django's duration_string(): "04:05:06", "3 04:05:06.500000"; below zero the days are, as in
 * "-1 23:59:59". Returns the bytes written; no NUL. */
size_t cz_duration_write(char *out, cz_duration d);
/* "Sat, 21 Nov 2026 04:05:06 GMT" (RFC 9110, 5.6.7), always 29 bytes. */
size_t cz_http_date_write(char *out, int64_t unix_seconds);
/* Read any of the three forms of RFC 9110, 5.6.7. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz_http_date_parse(cz_str text, int64_t *out_unix_seconds);

/* Freeze cz_now() at `t` for tests; {INT64_MIN} lets it run again. */
void cz__time_freeze(cz_datetime t);

#ifdef __cplusplus
}
#endif
#endif
