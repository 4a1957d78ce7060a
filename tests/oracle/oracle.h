/* Answers of Calzone's side: one JSON line a question. Numbers, booleans and NULL as JSON has them, all else as
 * text; durations in microseconds. */
#ifndef ORACLE_H
#define ORACLE_H

#include "models.h"
#include <stdio.h>
#include <stdlib.h>

extern cz_buf answer;
extern cz_json_writer out;

struct question {
    const char *name;
    void (*ask)(cz_ctx *ctx, void *unused);
};

/* ---- values, spelt as on Django's side ---- */

#define PARSED(name, type, parse)                                                                  \
    static inline type name(const char *text)                                                      \
    {                                                                                              \
        type value;                                                                                \
        if (parse(cz_str_from(text), &value) != CZ_OK)                                             \
            abort();                                                                               \
        return value;                                                                              \
    }
PARSED(decimal, cz_decimal, cz_decimal_parse)
PARSED(day, cz_date, cz_date_parse)
PARSED(clock_time, cz_time, cz_time_parse)
PARSED(instant, cz_datetime, cz_datetime_parse)
PARSED(span, cz_duration, cz_duration_parse)
PARSED(uid, cz_uuid, cz_uuid_parse)
#define clock clock_time

/* ---- columns, by the kind of the record's or the model's member ---- */

static inline void put_text(cz_str value)
{
    cz_json_str(&out, value);
}
static inline void put_int(int64_t value)
{
    cz_json_i64(&out, value);
}
static inline void put_real(double value)
{
    cz_json_f64(&out, value);
}
static inline void put_flag(bool value)
{
    cz_json_bool(&out, value);
}
static inline void put_span(cz_duration value)
{
    cz_json_i64(&out, value.us);
}
#define WRITTEN(name, type, bytes, write)                                                          \
    static inline void name(type value)                                                            \
    {                                                                                              \
        char text[bytes];                                                                          \
        cz_json_str(&out, cz_str_of(text, write(text, value)));                                    \
    }
WRITTEN(put_dec, cz_decimal, 64, cz_decimal_write)
WRITTEN(put_date, cz_date, CZ_DATE_TEXT, cz_date_write)
WRITTEN(put_time, cz_time, CZ_TIME_TEXT, cz_time_write)
WRITTEN(put_datetime, cz_datetime, CZ_DATETIME_TEXT, cz_datetime_write)
static inline void put_uuid(cz_uuid value)
{
    char text[CZ_UUID_TEXT];
    cz_uuid_write(text, value);
    cz_json_str(&out, cz_str_of(text, sizeof text));
}
#define put_json put_text
#define PUT(row, kind, member) PUT_AS(row, kind, member, member)
#define PUT_AS(row, kind, member, field)                                                           \
    do {                                                                                           \
        if (cz_is_null((row), field))                                                              \
            cz_json_null(&out);                                                                    \
        else                                                                                       \
            put_##kind((row)->member);                                                             \
    } while (0)

/* ---- answers ---- */

#define IDS(M, ...)                                                                                \
    do {                                                                                           \
        cz_rows(M) rows = cz_select(ctx, M, __VA_ARGS__);                                          \
        for (size_t i = 0; i < rows.count; i++) {                                                  \
            cz_json_list(&out);                                                                    \
            put_int(rows.items[i].id);                                                             \
            cz_json_list_end(&out);                                                                \
        }                                                                                          \
    } while (0)
#define ROWS(R, M, ...)                                                                            \
    do {                                                                                           \
        cz_rows(R) rows = cz_values(ctx, R, M, __VA_ARGS__);                                       \
        for (size_t i = 0; i < rows.count; i++)                                                    \
            put_##R(&rows.items[i]);                                                               \
    } while (0)
#define TOTAL(R, M, ...) put_##R(cz_aggregate(ctx, R, M, __VA_ARGS__))
#define NUMBER(n)                                                                                  \
    do {                                                                                           \
        cz_json_list(&out);                                                                        \
        put_int(n);                                                                                \
        cz_json_list_end(&out);                                                                    \
    } while (0)

/* A change and the states after it, in a transaction that is taken back by `undone`. */
extern const char undone[];
#define CHANGE(call, states)                                                                       \
    do {                                                                                           \
        NUMBER(call);                                                                              \
        states cz_raise(ctx, CZ_EVALIDATION, "%s", undone);                                        \
    } while (0)

extern const struct question questions_0[], questions_1[], questions_2[], questions_3[];

#endif
