/* A value of one type as one of another, for changes of tables. What is no such value, or would lose something
 * that PostgreSQL would not let go, is an error that names it: the change is refused and the table stays. */
#include <calzone/json.h>
#include "db/sqlite/sqlite_internal.h"
#include <math.h>

enum { SHOWN_BYTES_MAX = 60 }; /* of a value in a message */

static const int64_t day_us = INT64_C(86400000000);

/* `values` are those of cz_cast(). */
static void refuse(sqlite3_context *context, sqlite3_value **values, cz__db_type to)
{
    static const char *const names[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_TEXT] = "text",
        [CZ__DB_INT16] = "integer of 16 bits",
        [CZ__DB_INT32] = "integer of 32 bits",
        [CZ__DB_INT64] = "integer of 64 bits",
        [CZ__DB_BOOL] = "boolean",
        [CZ__DB_REAL] = "number",
        [CZ__DB_DATE] = "date",
        [CZ__DB_DATETIME] = "instant",
        [CZ__DB_UUID] = "UUID",
        [CZ__DB_DECIMAL] = "decimal of the column's digits",
        [CZ__DB_TIME] = "time",
        [CZ__DB_DURATION] = "duration",
        [CZ__DB_IP] = "IP address",
    };
    const char *name = names[CZ__DB_KIND(to)];
    sqlite3_value *value = values[0];
    cz_str table = cz__sqlite_text(values[3]), column = cz__sqlite_text(values[4]);
    bool blob = sqlite3_value_type(value) == SQLITE_BLOB;
    cz_str text = blob ? CZ_STR("bytes") : cz__sqlite_text(value);
    bool cut = text.len > SHOWN_BYTES_MAX;
    text = cz_str_head(text, cut ? SHOWN_BYTES_MAX : text.len);
    char *message = sqlite3_mprintf("\"%.*s%s\" in %.*s.%.*s is no %s", (int)text.len,
                                    text.ptr ? text.ptr : "", cut ? "..." : "", CZ_STR_ARG(table),
                                    CZ_STR_ARG(column), name ? name : "value of the column's type");
    if (message)
        sqlite3_result_error(context, message, -1);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(message);
}

/* ---- numbers ---- */

static bool whole_of(sqlite3_value *value, int64_t *out)
{
    double real;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        *out = sqlite3_value_int64(value);
        return true;
    case SQLITE_FLOAT:
        real = rint(sqlite3_value_double(value)); /* to even, as PostgreSQL does */
        if (!(real >= -0x1p63 && real < 0x1p63))
            return false;
        *out = (int64_t)real;
        return true;
    case SQLITE_TEXT:
        return cz_str_to_i64(cz_str_trim(cz__sqlite_text(value)), out) == CZ_OK;
    default:
        return false;
    }
}

static bool fits(int64_t whole, cz__db_kind kind)
{
    return kind == CZ__DB_INT16   ? whole == (int16_t)whole
           : kind == CZ__DB_INT32 ? whole == (int32_t)whole
                                  : true;
}

static bool real_of(sqlite3_value *value, double *out)
{
    int type = sqlite3_value_type(value);
    *out = sqlite3_value_double(value);
    if (type == SQLITE_TEXT)
        return cz__json_read_f64(cz_str_trim(cz__sqlite_text(value)), out) == CZ_OK;
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* The words PostgreSQL knows. */
static bool boolean_of(sqlite3_value *value, bool *out)
{
    static const char *const words[] = { "true",  "t", "yes", "y", "on",  "1",
                                         "false", "f", "no",  "n", "off", "0" };
    int type = sqlite3_value_type(value);
    *out = sqlite3_value_double(value) != 0;
    if (type != SQLITE_TEXT)
        return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    cz_str text = cz_str_trim(cz__sqlite_text(value));
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (cz_str_eq_icase(text, cz_str_from(words[i]))) {
            *out = i < CZ_COUNT(words) / 2;
            return true;
        }
    return false;
}

/* ---- times and UUIDs, as values.c writes them ---- */

static size_t write_instant(char *out, int64_t us)
{
    size_t len = cz_datetime_write(out, (cz_datetime){ us });
    out[10] = ' ';
    return len - 1; /* the Z */
}

/* The length of what is written; 0: it is no such value. */
static size_t write_text(char *out, cz_str text, cz__db_kind from, cz__db_type to)
{
    cz_date date;
    cz_datetime instant;
    cz_time time;
    cz_uuid uuid;
    bool has_date = from == CZ__DB_DATE && !cz_date_parse(text, &date);
    bool has_instant = !has_date && !cz_datetime_parse(text, &instant);
    int64_t in_day = has_instant ? ((instant.us % day_us) + day_us) % day_us : 0;
    switch (CZ__DB_KIND(to)) {
    case CZ__DB_DATE:
        if (from == CZ__DB_DATETIME && has_instant)
            date.days = (int32_t)((instant.us - in_day) / day_us);
        else if (cz_date_parse(text, &date))
            return 0;
        return cz_date_write(out, date);
    case CZ__DB_DATETIME:
        if (has_date)
            return write_instant(out, date.days * day_us);
        return has_instant ? write_instant(out, instant.us) : 0;
    case CZ__DB_TIME:
        if (from == CZ__DB_DATETIME && has_instant)
            return cz_time_write(out, (cz_time){ in_day });
        return cz_time_parse(text, &time) ? 0 : cz_time_write(out, time);
    default: /* CZ__DB_UUID */
        return cz__sqlite_uuid_parse(text, &uuid) ? 0 : cz__sqlite_uuid_write(out, uuid, to);
    }
}

static bool cast_text(sqlite3_context *context, sqlite3_value *value, cz__db_kind from,
                      cz__db_type to)
{
    char text[128];
    size_t len = sqlite3_value_type(value) == SQLITE_TEXT
                     ? write_text(text, cz_str_trim(cz__sqlite_text(value)), from, to)
                     : 0;
    if (len)
        sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
    return len > 0;
}

static bool cast_duration(sqlite3_context *context, sqlite3_value *value)
{
    cz_duration duration;
    int64_t us;
    bool fine;
    if (sqlite3_value_type(value) == SQLITE_TEXT) {
        fine = !cz_duration_parse(cz_str_trim(cz__sqlite_text(value)), &duration);
        us = fine ? duration.us : 0;
    } else {
        fine = whole_of(value, &us);
    }
    if (fine)
        sqlite3_result_int64(context, us);
    return fine;
}

static bool show_duration(sqlite3_context *context, sqlite3_value *value)
{
    char text[CZ_DURATION_TEXT];
    int64_t us;
    if (!whole_of(value, &us))
        return false;
    size_t len = cz_duration_write(text, (cz_duration){ us });
    sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
    return true;
}

/* As PostgreSQL writes it, so that one address is one text. */
static bool cast_address(sqlite3_context *context, sqlite3_value *value)
{
    char text[CZ__IP_TEXT];
    if (sqlite3_value_type(value) != SQLITE_TEXT || !cz__ip_write(text, cz__sqlite_text(value)))
        return false;
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
    return true;
}

static bool cast_bytes(sqlite3_context *context, sqlite3_value *value)
{
    cz_str text;
    text.ptr = sqlite3_value_blob(value);
    text.len = (size_t)sqlite3_value_bytes(value);
    if (!cz_str_is_utf8(text) || (text.len && memchr(text.ptr, '\0', text.len)))
        return false;
    sqlite3_result_text64(context, text.len ? text.ptr : "", text.len, SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    return true;
}

/* cz_cast(value, from, to, table, column): `from` and `to` are cz__db_types, neither a decimal; the value is of that
 * table's column. */
static void cast(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_value *value = values[0];
    cz__db_kind from = CZ__DB_KIND((cz__db_type)sqlite3_value_int64(values[1]));
    cz__db_type to = (cz__db_type)sqlite3_value_int64(values[2]);
    int64_t whole;
    double real;
    bool truth, fine;
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return;
    switch (CZ__DB_KIND(to)) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        fine = whole_of(value, &whole) && fits(whole, CZ__DB_KIND(to));
        if (fine)
            sqlite3_result_int64(context, whole);
        break;
    case CZ__DB_BOOL:
        fine = boolean_of(value, &truth);
        if (fine)
            sqlite3_result_int(context, truth);
        break;
    case CZ__DB_REAL:
        fine = real_of(value, &real);
        if (fine)
            sqlite3_result_double(context, real);
        break;
    case CZ__DB_DURATION:
        fine = cast_duration(context, value);
        break;
    case CZ__DB_TEXT:
        fine = from == CZ__DB_DURATION ? show_duration(context, value) : cast_bytes(context, value);
        break;
    case CZ__DB_IP:
        fine = cast_address(context, value);
        break;
    default:
        fine = cast_text(context, value, from, to);
    }
    if (!fine)
        refuse(context, values, to);
}

/* ---- decimals ---- */

/* Whether the value is one that cz__sqlite_decimal() reads as what it is. */
static bool is_number(sqlite3_value *value)
{
    cz_decimal d;
    int type = sqlite3_value_type(value);
    if (type == SQLITE_FLOAT)
        return cz_decimal_from_double(sqlite3_value_double(value), &d) == CZ_OK;
    return type == SQLITE_TEXT ? cz_decimal_parse(cz_str_trim(cz__sqlite_text(value)), &d) == CZ_OK
                               : type == SQLITE_INTEGER;
}

/* Another type is read as it is, rounded to the places the result has. */
static cz_decimal decimal_of(sqlite3_value *value, cz__db_type from, int places)
{
    cz_decimal d = { 0 }, rounded;
    if (CZ__DB_KIND(from) == CZ__DB_DECIMAL)
        return cz__sqlite_decimal(value, from);
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        d = cz_decimal_of(sqlite3_value_int64(value), 0);
        break;
    case SQLITE_FLOAT:
        cz_ignore(cz_decimal_from_double(sqlite3_value_double(value), &d)); /* is_number() has */
        break;
    default:
        cz_ignore(cz_decimal_parse(cz_str_trim(cz__sqlite_text(value)), &d)); /* asked */
    }
    return cz_decimal_round_half_up(d, places, &rounded) ? d : rounded;
}

static bool cast_decimal(sqlite3_context *context, cz_decimal d, cz__db_type to)
{
    char text[CZ_DECIMAL_TEXT];
    int64_t units;
    cz__db_kind kind = CZ__DB_KIND(to);
    switch (kind) {
    case CZ__DB_REAL:
        sqlite3_result_double(context, cz_decimal_to_double(d));
        return true;
    case CZ__DB_BOOL:
        sqlite3_result_int(context, cz_decimal_compare(d, cz_decimal_of(0, 0)) != 0);
        return true;
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
    case CZ__DB_DURATION:
        if (cz_decimal_round_half_up(d, 0, &d) || cz_decimal_units(d, 0, &units) ||
            !fits(units, kind))
            return false;
        sqlite3_result_int64(context, units);
        return true;
    case CZ__DB_DECIMAL:
        if (cz_decimal_round_half_up(d, CZ__DB_PLACES(to), &d) ||
            cz_decimal_digits(d) > CZ__DB_DIGITS(to))
            return false;
        if (to & CZ__DB_AS_NUMBER) {
            sqlite3_result_double(context, cz_decimal_to_double(d));
            return true;
        }
        if (cz__sqlite_decimal_is_scaled(to)) {
            if (cz_decimal_units(d, CZ__DB_PLACES(to), &units))
                return false;
            sqlite3_result_int64(context, units);
            return true;
        }
        break;
    case CZ__DB_TEXT:
        break;
    default:
        return false;
    }
    sqlite3_result_text(context, text, (int)cz_decimal_write(text, d), SQLITE_TRANSIENT);
    return true;
}

/* cz_decimal_cast(value, from, to, table, column): the same of a decimal as another, or as a number or text, or
 * made of one. */
static void decimal_cast(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    cz__db_type from = (cz__db_type)sqlite3_value_int64(values[1]);
    cz__db_type to = (cz__db_type)sqlite3_value_int64(values[2]);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    int places = CZ__DB_KIND(to) == CZ__DB_DECIMAL ? CZ__DB_PLACES(to) : 0;
    if (!is_number(values[0]) || !cast_decimal(context, decimal_of(values[0], from, places), to))
        refuse(context, values, to);
}

bool cz__sqlite_add_casts(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    return !sqlite3_create_function(handle, "cz_cast", 5, FLAGS, NULL, cast, NULL, NULL) &&
           !sqlite3_create_function(handle, "cz_decimal_cast", 5, FLAGS, NULL, decimal_cast, NULL,
                                    NULL);
}
