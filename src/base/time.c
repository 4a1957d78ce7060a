/* Dates by Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms" (days_from_civil,
 * civil_from_days): years begin in March, so that the leap day is the last of its year. Everything is
 * counted from 0000-03-01 in unsigned numbers, which years 1 to 9999 allow; instants outside them are
 * shown as the nearest one inside. */
#include <calzone/time.h>
#include <stdatomic.h>
#include <time.h>
#include "base/base_internal.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)

enum {
    DAYS_TO_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
    DAYS_PER_ERA = 146097,  /* 400 years */
    DAY_MIN = -719162,      /* 0001-01-01 */
    DAY_MAX = 2932896       /* 9999-12-31 */
};

static _Atomic int64_t frozen = INT64_MIN;

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

cz_datetime cz_now(void)
{
    int64_t us = atomic_load_explicit(&frozen, memory_order_relaxed);
    return (cz_datetime){ us != INT64_MIN ? us : clock_us(CLOCK_REALTIME) };
}

void cz__time_freeze(cz_datetime t)
{
    atomic_store_explicit(&frozen, t.us, memory_order_relaxed);
}

cz_date cz_datetime_date(cz_datetime t)
{
    int64_t day = t.us / US_PER_DAY - (t.us % US_PER_DAY < 0); /* before 1970 too, the day begun */
    return (cz_date){ (int32_t)(day < DAY_MIN ? DAY_MIN : day > DAY_MAX ? DAY_MAX : day) };
}

cz_date cz_today(void)
{
    return cz_datetime_date(cz_now());
}

int64_t cz_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static uint32_t clamp_day(int64_t days)
{
    days = days < DAY_MIN ? DAY_MIN : days > DAY_MAX ? DAY_MAX : days;
    return (uint32_t)(days + DAYS_TO_EPOCH);
}

/* `day` counts from 0000-03-01. */
static void civil_from_days(uint32_t day, cz_civil *out)
{
    uint32_t era = day / DAYS_PER_ERA;
    uint32_t day_of_era = day % DAYS_PER_ERA;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153; /* from March */
    out->day = (uint8_t)(day_of_year - (153 * month + 2) / 5 + 1);
    out->month = (uint8_t)(month < 10 ? month + 3 : month - 9);
    out->year = (int32_t)(year_of_era + era * 400 + (out->month <= 2));
}

/* Days from 1970-01-01 of a day that exists. */
static int32_t days_from_civil(uint32_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    uint32_t era = year / 400, year_of_era = year % 400;
    uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * DAYS_PER_ERA + day_of_era) - DAYS_TO_EPOCH;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

cz_status cz_civil_date(int32_t year, int month, int day, cz_date *out)
{
    static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
        return CZ_EVALIDATION;
    if (day > month_days[month - 1] + (month == 2 && is_leap(year)))
        return CZ_EVALIDATION;
    out->days = days_from_civil((uint32_t)year, (uint32_t)month, (uint32_t)day);
    return CZ_OK;
}

cz_civil cz_date_civil(cz_date date)
{
    cz_civil civil = { 0 };
    civil_from_days(clamp_day(date.days), &civil);
    return civil;
}

cz_civil cz_datetime_civil(cz_datetime t)
{
    static const int64_t min = DAY_MIN * US_PER_DAY, max = (DAY_MAX + 1) * US_PER_DAY - 1;
    int64_t us = t.us < min ? min : t.us > max ? max : t.us;
    uint64_t since = (uint64_t)(us + DAYS_TO_EPOCH * US_PER_DAY); /* 0000-03-01: never negative */
    uint64_t seconds = since / (uint64_t)US_PER_SECOND;
    uint32_t second = (uint32_t)(seconds % 86400);
    cz_civil civil = {
        .hour = (uint8_t)(second / 3600),
        .minute = (uint8_t)(second / 60 % 60),
        .second = (uint8_t)(second % 60),
        .us = (uint32_t)(since % (uint64_t)US_PER_SECOND),
    };
    civil_from_days((uint32_t)(seconds / 86400), &civil);
    return civil;
}

cz_status cz_civil_datetime(cz_civil civil, cz_datetime *out)
{
    cz_date date;
    if (civil.hour > 23 || civil.minute > 59 || civil.second > 59 || civil.us > 999999)
        return CZ_EVALIDATION;
    cz_status status = cz_civil_date(civil.year, civil.month, civil.day, &date);
    if (status)
        return status;
    int64_t second = (int64_t)civil.hour * 3600 + civil.minute * 60 + civil.second;
    out->us = date.days * US_PER_DAY + second * US_PER_SECOND + civil.us;
    return CZ_OK;
}

/* ---- reading ---- */

static bool take_char(cz_str *rest, char c)
{
    if (!rest->len || rest->ptr[0] != c)
        return false;
    *rest = cz_str_tail(*rest, 1);
    return true;
}

/* Exactly `count` digits. */
static bool take_digits(cz_str *rest, size_t count, int *out)
{
    if (rest->len < count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)rest->ptr[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + (int)digit;
    }
    *rest = cz_str_tail(*rest, count);
    *out = value;
    return true;
}

/* date = 4DIGIT "-" 2DIGIT "-" 2DIGIT */
static bool take_date(cz_str *rest, cz_date *out)
{
    int year, month, day;
    return take_digits(rest, 4, &year) && take_char(rest, '-') && take_digits(rest, 2, &month) &&
           take_char(rest, '-') && take_digits(rest, 2, &day) &&
           cz_civil_date(year, month, day, out) == CZ_OK;
}

cz_status cz_date_parse(cz_str text, cz_date *out)
{
    cz_date date;
    if (!take_date(&text, &date) || text.len)
        return CZ_EVALIDATION;
    *out = date;
    return CZ_OK;
}

/* fraction = ("." / ",") 1*9DIGIT, cut to microseconds */
static bool take_fraction(cz_str *rest, int64_t *out_us)
{
    enum { DIGITS_MAX = 9, DIGITS_KEPT = 6 };
    size_t count = 0;
    int64_t us = 0;
    for (; count < rest->len; count++) {
        unsigned digit = (unsigned)(unsigned char)rest->ptr[count] - '0';
        if (digit > 9)
            break;
        if (count < DIGITS_KEPT)
            us = us * 10 + digit;
    }
    if (count < 1 || count > DIGITS_MAX)
        return false;
    for (size_t i = count; i < DIGITS_KEPT; i++)
        us *= 10;
    *rest = cz_str_tail(*rest, count);
    *out_us = us;
    return true;
}

/* zone = [ "Z" / "z" / ("+" / "-") 2DIGIT [ [":"] 2DIGIT ] ] */
static bool take_zone(cz_str *rest, int64_t *out_seconds)
{
    int hours, minutes = 0;
    *out_seconds = 0;
    if (!rest->len || take_char(rest, 'Z') || take_char(rest, 'z'))
        return true;
    bool west = take_char(rest, '-');
    if (!west && !take_char(rest, '+'))
        return false;
    if (!take_digits(rest, 2, &hours))
        return false;
    bool colon = take_char(rest, ':');
    if ((colon || rest->len) && !take_digits(rest, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *out_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

/* Eight bytes as a number whose lowest byte is the first. */
static uint64_t load8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Whether the bytes of `word` under `digits` are digits and the others are those of `marks`. A byte is a
 * digit when neither it minus "0" nor that plus 0x76 has its high bit set. */
static bool has_shape(uint64_t word, uint64_t digits, uint64_t marks)
{
    uint64_t high = UINT64_C(0x8080808080808080) & digits;
    uint64_t value = (word & digits) - (UINT64_C(0x3030303030303030) & digits);
    return ((value | (value + (UINT64_C(0x7676767676767676) & digits)) | (word & digits)) & high) ==
               0 &&
           (word & ~digits) == marks;
}

static unsigned two(const char *p)
{
    return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

/* "YYYY-MM-DD hh:mm:ss" and nothing more, what databases store: all of it is checked eight bytes at a time.
 * False: it is not that, or no such instant, and the grammar below decides. */
static bool parse_plain(const char *p, cz_datetime *out)
{
    const uint64_t date_digits = UINT64_C(0x00ffff00ffffffff),
                   time_digits = UINT64_C(0xffff00ffff00ffff);
    if (!has_shape(load8(p), date_digits, UINT64_C(0x2d00002d00000000)) ||
        !has_shape(load8(p + 11), time_digits, UINT64_C(0x00003a00003a0000)) ||
        (unsigned)(p[8] - '0') > 9 || (unsigned)(p[9] - '0') > 9 || (p[10] != ' ' && p[10] != 'T'))
        return false;
    unsigned hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
    cz_date date;
    if (hour > 23 || minute > 59 || second > 59 ||
        cz_civil_date((int)(two(p) * 100 + two(p + 2)), (int)two(p + 5), (int)two(p + 8), &date))
        return false;
    out->us =
        date.days * US_PER_DAY + (int64_t)(hour * 3600 + minute * 60 + second) * US_PER_SECOND;
    return true;
}

/* date-time = date ("T" / "t" / " ") 2DIGIT ":" 2DIGIT [ ":" 2DIGIT [ fraction ] ] zone */
cz_status cz_datetime_parse(cz_str text, cz_datetime *out)
{
    cz_date date;
    int hour, minute, second = 0;
    int64_t us = 0, zone;
    if (text.len == 19 && parse_plain(text.ptr, out))
        return CZ_OK;
    if (!take_date(&text, &date))
        return CZ_EVALIDATION;
    if (!take_char(&text, 'T') && !take_char(&text, ' ') && !take_char(&text, 't'))
        return CZ_EVALIDATION;
    if (!take_digits(&text, 2, &hour) || !take_char(&text, ':') || !take_digits(&text, 2, &minute))
        return CZ_EVALIDATION;
    if (take_char(&text, ':')) {
        if (!take_digits(&text, 2, &second))
            return CZ_EVALIDATION;
        if ((take_char(&text, '.') || take_char(&text, ',')) && !take_fraction(&text, &us))
            return CZ_EVALIDATION;
    }
    if (!take_zone(&text, &zone) || text.len || hour > 23 || minute > 59 || second > 59)
        return CZ_EVALIDATION;
    int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second - zone;
    int64_t instant = date.days * US_PER_DAY + seconds * US_PER_SECOND + us;
    if (instant < DAY_MIN * US_PER_DAY || instant >= (DAY_MAX + 1) * US_PER_DAY)
        return CZ_EVALIDATION; /* the zone moved it out of years 1 to 9999 */
    out->us = instant;
    return CZ_OK;
}

/* ---- writing ---- */

static void write_date(char *out, const cz_civil *civil)
{
    cz__write_two_digits(out, (unsigned)civil->year / 100);
    cz__write_two_digits(out + 2, (unsigned)civil->year % 100);
    out[4] = '-';
    cz__write_two_digits(out + 5, civil->month);
    out[7] = '-';
    cz__write_two_digits(out + 8, civil->day);
}

static void write_time(char *out, const cz_civil *civil)
{
    cz__write_two_digits(out, civil->hour);
    out[2] = ':';
    cz__write_two_digits(out + 3, civil->minute);
    out[5] = ':';
    cz__write_two_digits(out + 6, civil->second);
}

size_t cz_date_write(char *out, cz_date date)
{
    cz_civil civil = cz_date_civil(date);
    write_date(out, &civil);
    return CZ_DATE_TEXT;
}

size_t cz_datetime_write(char *out, cz_datetime t)
{
    cz_civil civil = cz_datetime_civil(t);
    write_date(out, &civil);
    out[10] = 'T';
    write_time(out + 11, &civil);
    size_t len = 19;
    if (civil.us) {
        out[19] = '.';
        cz__write_two_digits(out + 20, civil.us / 10000);
        cz__write_two_digits(out + 22, civil.us / 100 % 100);
        cz__write_two_digits(out + 24, civil.us % 100);
        len = 26;
    }
    out[len] = 'Z';
    return len + 1;
}

/* ---- HTTP dates (RFC 9110, 5.6.7) ---- */

static const char day_names[7][10] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

size_t cz_http_date_write(char *out, int64_t unix_seconds)
{
    const int64_t min = DAY_MIN * INT64_C(86400), max = (DAY_MAX + 1) * INT64_C(86400) - 1;
    unix_seconds = unix_seconds < min ? min : unix_seconds > max ? max : unix_seconds;
    cz_civil civil = cz_datetime_civil((cz_datetime){ unix_seconds * US_PER_SECOND });
    uint64_t day = (uint64_t)(unix_seconds + DAYS_TO_EPOCH * INT64_C(86400)) / 86400;
    memcpy(out, day_names[(day + 3) % 7], 3); /* 0000-03-01 was a Wednesday */
    memcpy(out + 3, ", ", 2);
    cz__write_two_digits(out + 5, civil.day);
    out[7] = ' ';
    memcpy(out + 8, month_names[civil.month - 1], 3);
    out[11] = ' ';
    cz__write_two_digits(out + 12, (unsigned)civil.year / 100);
    cz__write_two_digits(out + 14, (unsigned)civil.year % 100);
    out[16] = ' ';
    write_time(out + 17, &civil);
    memcpy(out + 25, " GMT", 4);
    return CZ_HTTP_DATE_TEXT;
}

static bool take_text(cz_str *rest, const char *text, size_t len)
{
    if (rest->len < len || memcmp(rest->ptr, text, len) != 0)
        return false;
    *rest = cz_str_tail(*rest, len);
    return true;
}

static bool take_day_name(cz_str *rest, bool whole)
{
    for (size_t i = 0; i < CZ_COUNT(day_names); i++)
        if (take_text(rest, day_names[i], whole ? strlen(day_names[i]) : 3))
            return true;
    return false;
}

static bool take_month_name(cz_str *rest, int *out)
{
    for (size_t i = 0; i < CZ_COUNT(month_names); i++)
        if (take_text(rest, month_names[i], 3)) {
            *out = (int)i + 1;
            return true;
        }
    return false;
}

/* time-of-day = 2DIGIT ":" 2DIGIT ":" 2DIGIT; second 60 is a leap second, counted as the next one */
static bool take_time_of_day(cz_str *rest, int64_t *out)
{
    int hour, minute, second;
    if (!take_digits(rest, 2, &hour) || !take_char(rest, ':') || !take_digits(rest, 2, &minute) ||
        !take_char(rest, ':') || !take_digits(rest, 2, &second))
        return false;
    *out = (int64_t)hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool take_fixdate(cz_str rest, int *year, int *month, int *day, int64_t *time)
{
    return take_day_name(&rest, false) && take_text(&rest, ", ", 2) && take_digits(&rest, 2, day) &&
           take_char(&rest, ' ') && take_month_name(&rest, month) && take_char(&rest, ' ') &&
           take_digits(&rest, 4, year) && take_char(&rest, ' ') && take_time_of_day(&rest, time) &&
           take_text(&rest, " GMT", 4) && rest.len == 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT": a year more than 50 years ahead is the one a century before */
static bool take_rfc850(cz_str rest, int *year, int *month, int *day, int64_t *time)
{
    if (!take_day_name(&rest, true) || !take_text(&rest, ", ", 2) || !take_digits(&rest, 2, day) ||
        !take_char(&rest, '-') || !take_month_name(&rest, month) || !take_char(&rest, '-') ||
        !take_digits(&rest, 2, year) || !take_char(&rest, ' ') || !take_time_of_day(&rest, time) ||
        !take_text(&rest, " GMT", 4) || rest.len)
        return false;
    int now = cz_datetime_civil(cz_now()).year;
    *year += now / 100 * 100;
    if (*year > now + 50)
        *year -= 100;
    else if (*year <= now - 50)
        *year += 100;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool take_asctime(cz_str rest, int *year, int *month, int *day, int64_t *time)
{
    if (!take_day_name(&rest, false) || !take_char(&rest, ' ') || !take_month_name(&rest, month) ||
        !take_char(&rest, ' '))
        return false;
    if (!(take_char(&rest, ' ') ? take_digits(&rest, 1, day) : take_digits(&rest, 2, day)))
        return false;
    return take_char(&rest, ' ') && take_time_of_day(&rest, time) && take_char(&rest, ' ') &&
           take_digits(&rest, 4, year) && rest.len == 0;
}

cz_status cz_http_date_parse(cz_str text, int64_t *out_unix_seconds)
{
    int year, month, day;
    int64_t time;
    cz_date date;
    if (!take_fixdate(text, &year, &month, &day, &time) &&
        !take_rfc850(text, &year, &month, &day, &time) &&
        !take_asctime(text, &year, &month, &day, &time))
        return CZ_EVALIDATION;
    if (cz_civil_date(year, month, day, &date))
        return CZ_EVALIDATION;
    *out_unix_seconds = date.days * INT64_C(86400) + time;
    return CZ_OK;
}
