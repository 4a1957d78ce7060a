/* Parts of dates, truncated dates and sums of instants and durations, as PostgreSQL computes them. Instants are
 * text "2026-11-21 04:05:06[.ffffff]", days "2026-11-21", times "04:05:06[.ffffff]", durations microseconds. */
#include "db/sqlite/sqlite_internal.h"

enum { US_PER_SECOND = 1000000 };
static const int64_t us_per_day = INT64_C(86400) * US_PER_SECOND;

enum form { NO_TIME, INSTANT, DAY, CLOCK };

/* Microseconds since 1970, or since midnight. */
static enum form read_time(sqlite3_value *value, int64_t *out_us)
{
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return NO_TIME;
    cz_str text = cz__sqlite_text(value);
    cz_datetime instant;
    cz_date day;
    cz_time clock;
    if (cz_date_parse(text, &day) == CZ_OK) {
        *out_us = day.days * us_per_day;
        return DAY;
    }
    if (cz_datetime_parse(text, &instant) == CZ_OK) {
        *out_us = instant.us;
        return INSTANT;
    }
    if (cz_time_parse(text, &clock) == CZ_OK) {
        *out_us = clock.us;
        return CLOCK;
    }
    return NO_TIME;
}

static void result_time(sqlite3_context *context, enum form form, int64_t us)
{
    char text[CZ_DATETIME_TEXT + 1];
    size_t len;
    if (form == INSTANT) {
        len = cz_datetime_write(text, (cz_datetime){ us }) - 1; /* without the Z */
        text[10] = ' ';
    } else if (form == DAY) {
        int64_t days = us >= 0 ? us / us_per_day : -((-us + us_per_day - 1) / us_per_day);
        len = cz_date_write(text, (cz_date){ (int32_t)days });
    } else {
        us %= us_per_day;
        len = cz_time_write(text, (cz_time){ us < 0 ? us + us_per_day : us });
    }
    sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
}

/* Monday is 1: 1970-01-01 was a Thursday. */
static int iso_week_day(int32_t days)
{
    int32_t from_monday = (days + 3) % 7;
    return (from_monday < 0 ? from_monday + 7 : from_monday) + 1;
}

/* The week of ISO 8601: it belongs to the year its Thursday is in. */
static void iso_week(int32_t days, int *out_year, int *out_week)
{
    int32_t thursday = days + 4 - iso_week_day(days);
    int year = cz_date_civil((cz_date){ thursday }).year;
    cz_date first = { 0 };
    cz_ignore(cz_civil_date(year, 1, 1, &first)); /* a year that a day is in */
    *out_year = year;
    *out_week = (thursday - first.days) / 7 + 1;
}

static bool is(cz_str a, const char *b)
{
    return cz_str_eq(a, cz_str_from(b));
}

/* cz_date_part(unit, time) */
static void date_part(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t us;
    enum form form = read_time(values[1], &us);
    if (form == NO_TIME)
        return;
    cz_str unit = cz__sqlite_text(values[0]);
    int year, week, part;
    cz_civil civil = cz_datetime_civil((cz_datetime){ us });
    cz_date day = { 0 };
    cz_ignore(cz_civil_date(civil.year, civil.month, civil.day, &day)); /* it is one */
    iso_week(day.days, &year, &week);
    if (is(unit, "year"))
        part = civil.year;
    else if (is(unit, "month"))
        part = civil.month;
    else if (is(unit, "day"))
        part = civil.day;
    else if (is(unit, "quarter"))
        part = (civil.month + 2) / 3;
    else if (is(unit, "week"))
        part = week;
    else if (is(unit, "isoyear"))
        part = year;
    else if (is(unit, "isodow"))
        part = iso_week_day(day.days);
    else if (is(unit, "hour"))
        part = civil.hour;
    else if (is(unit, "minute"))
        part = civil.minute;
    else
        part = civil.second;
    sqlite3_result_int(context, part);
}

/* cz_date_trunc(unit, time) */
static void date_trunc(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t us;
    enum form form = read_time(values[1], &us);
    if (form == NO_TIME || form == CLOCK)
        return;
    cz_str unit = cz__sqlite_text(values[0]);
    cz_civil civil = cz_datetime_civil((cz_datetime){ us });
    bool second = is(unit, "second"), minute = second || is(unit, "minute"),
         hour = minute || is(unit, "hour"), whole_day = hour || is(unit, "day");
    civil.us = 0;
    civil.second = second ? civil.second : 0;
    civil.minute = minute ? civil.minute : 0;
    civil.hour = hour ? civil.hour : 0;
    if (is(unit, "week")) {
        cz_date day = { 0 };
        cz_ignore(cz_civil_date(civil.year, civil.month, civil.day, &day)); /* it is one */
        int64_t monday = day.days + 1 - iso_week_day(day.days);
        result_time(context, form, monday * us_per_day);
        return;
    }
    if (!whole_day)
        civil.day = 1;
    if (is(unit, "year"))
        civil.month = 1;
    else if (is(unit, "quarter"))
        civil.month = (uint8_t)((civil.month - 1) / 3 * 3 + 1);
    cz_datetime begin = { 0 };
    cz_ignore(cz_civil_datetime(civil, &begin)); /* what was a time is one without its end */
    result_time(context, form, begin.us);
}

/* cz_time_add(time, microseconds) */
static void time_add(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t us, sum;
    enum form form = read_time(values[0], &us);
    if (form == NO_TIME || sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    if (__builtin_add_overflow(us, sqlite3_value_int64(values[1]), &sum))
        sqlite3_result_error(context, "timestamp out of range", -1);
    else
        result_time(context, form, sum);
}

/* cz_time_difference(time, time): microseconds */
static void time_difference(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int64_t a, b;
    if (read_time(values[0], &a) != NO_TIME && read_time(values[1], &b) != NO_TIME)
        sqlite3_result_int64(context, a - b);
}

bool cz__sqlite_add_time_functions(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    static const struct {
        const char *name;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = { { "cz_date_part", date_part },
                      { "cz_date_trunc", date_trunc },
                      { "cz_time_add", time_add },
                      { "cz_time_difference", time_difference } };
    for (size_t i = 0; i < CZ_COUNT(functions); i++)
        if (sqlite3_create_function(handle, functions[i].name, 2, FLAGS, NULL,
                                    functions[i].function, NULL, NULL))
            return false;
    return true;
}
