/* Times of day and lengths of time as text. */
#include <calzone/time.h>
#include <stdio.h>

enum { US_DIGITS = 6, FRACTION_DIGITS_MAX = 12 };
static const int64_t us_per_second = 1000000, us_per_day = 86400000000;

/* ---- reading ---- */

static bool take_char(cz_str *rest, char c)
{
    if (!rest->len || rest->ptr[0] != c)
        return false;
    *rest = cz_str_tail(*rest, 1);
    return true;
}

/* One digit or more; false also when the number is over 10^15, which no duration holds. */
static bool take_number(cz_str *rest, int64_t *out, size_t *out_digits)
{
    int64_t value = 0;
    size_t count = 0;
    for (; count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9'; count++) {
        if (value > 100000000000000)
            return false;
        value = value * 10 + (rest->ptr[count] - '0');
    }
    if (!count)
        return false;
    *rest = cz_str_tail(*rest, count);
    *out = value;
    *out_digits = count;
    return true;
}

/* The digits behind a point, as millionths. */
static bool take_millionths(cz_str *rest, size_t digits_max, int64_t *out)
{
    int64_t value = 0;
    size_t count = 0;
    for (; count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9'; count++)
        if (count < US_DIGITS)
            value = value * 10 + (rest->ptr[count] - '0');
    if (count < 1 || count > digits_max)
        return false;
    for (size_t i = count; i < US_DIGITS; i++)
        value *= 10;
    *rest = cz_str_tail(*rest, count);
    *out = value;
    return true;
}

cz_status cz_time_parse(cz_str text, cz_time *out)
{
    int64_t hour, minute, second = 0, us = 0;
    size_t digits;
    if (!take_number(&text, &hour, &digits) || digits != 2 || !take_char(&text, ':') ||
        !take_number(&text, &minute, &digits) || digits != 2)
        return CZ_EVALIDATION;
    if (take_char(&text, ':')) {
        if (!take_number(&text, &second, &digits) || digits != 2)
            return CZ_EVALIDATION;
        if (take_char(&text, '.') && !take_millionths(&text, 9, &us))
            return CZ_EVALIDATION;
    }
    if (text.len || hour > 23 || minute > 59 || second > 59)
        return CZ_EVALIDATION;
    out->us = ((hour * 60 + minute) * 60 + second) * us_per_second + us;
    return CZ_OK;
}

/* sum += count * unit, and `millionths` of the unit. */
static bool add(int64_t *sum, int64_t count, int64_t millionths, int64_t unit)
{
    int64_t part;
    return !__builtin_mul_overflow(count, unit, &part) &&
           !__builtin_add_overflow(*sum, part, sum) &&
           !__builtin_add_overflow(*sum, millionths * (unit / us_per_second), sum);
}

/* "P3DT4H5M6.5S", behind the P. */
static bool read_iso(cz_str text, int64_t *out)
{
    static const struct {
        char letter;
        bool of_time;
        int64_t unit;
    } units[] = { { 'W', false, 604800000000 },
                  { 'D', false, 86400000000 },
                  { 'H', true, 3600000000 },
                  { 'M', true, 60000000 },
                  { 'S', true, 1000000 } };
    size_t next = 0, parts = 0;
    bool in_time = false;
    int64_t sum = 0;
    while (text.len) {
        if (!in_time && take_char(&text, 'T')) {
            in_time = true;
            if (!text.len)
                return false;
        }
        int64_t number, millionths = 0;
        size_t digits;
        if (!take_number(&text, &number, &digits))
            return false;
        if ((take_char(&text, '.') || take_char(&text, ',')) &&
            !take_millionths(&text, FRACTION_DIGITS_MAX, &millionths))
            return false;
        while (next < CZ_COUNT(units) &&
               (!text.len || units[next].letter != text.ptr[0] || units[next].of_time != in_time))
            next++;
        if (next == CZ_COUNT(units) || !add(&sum, number, millionths, units[next].unit))
            return false;
        text = cz_str_tail(text, 1);
        next++;
        parts++;
    }
    *out = sum;
    return parts > 0;
}

/* [[HH:]MM:]ss[.uuuuuu] */
static bool read_clock(cz_str text, int64_t *out)
{
    int64_t parts[3] = { 0 }, millionths = 0, sum = 0;
    size_t count = 0, digits;
    do {
        if (count == 3 || !take_number(&text, &parts[count++], &digits))
            return false;
    } while (take_char(&text, ':'));
    if ((take_char(&text, '.') || take_char(&text, ',')) &&
        !take_millionths(&text, FRACTION_DIGITS_MAX, &millionths))
        return false;
    int64_t unit = us_per_second;
    while (count-- > 0) {
        if (!add(&sum, parts[count], 0, unit))
            return false;
        unit *= 60;
    }
    *out = sum + millionths;
    return text.len == 0;
}

/* Django's own form: days may be negative by themselves, as in "-1 23:59:59". */
static bool read_django(cz_str text, int64_t *out)
{
    int64_t days = 0, clock;
    size_t space = cz_str_find_char(text, ' '), digits;
    if (space != SIZE_MAX) {
        cz_str head = cz_str_head(text, space);
        bool negative = take_char(&head, '-');
        if (!take_number(&head, &days, &digits) || head.len)
            return false;
        days = negative ? -days : days;
        text = cz_str_tail(text, space + 1);
        if (cz_str_starts_with(text, CZ_STR("days, ")))
            text = cz_str_tail(text, 6);
        else if (cz_str_starts_with(text, CZ_STR("day, ")))
            text = cz_str_tail(text, 5);
    }
    bool negative = take_char(&text, '-');
    if (!read_clock(text, &clock))
        return false;
    *out = negative ? -clock : clock;
    return add(out, days, 0, us_per_day);
}

cz_status cz_duration_parse(cz_str text, cz_duration *out)
{
    int64_t us;
    cz_str iso = text;
    bool negative = take_char(&iso, '-');
    if (!negative)
        take_char(&iso, '+');
    if (take_char(&iso, 'P')) {
        if (!read_iso(iso, &us))
            return CZ_EVALIDATION;
        us = negative ? -us : us;
    } else if (!read_django(text, &us)) {
        return CZ_EVALIDATION;
    }
    out->us = us;
    return CZ_OK;
}

/* ---- writing ---- */

size_t cz_time_write(char *out, cz_time t)
{
    char text[32];
    int64_t us = t.us < 0 ? 0 : t.us % us_per_day;
    unsigned second = (unsigned)(us / us_per_second), fraction = (unsigned)(us % us_per_second);
    int len = snprintf(text, sizeof text, fraction ? "%02u:%02u:%02u.%06u" : "%02u:%02u:%02u",
                       second / 3600, second / 60 % 60, second % 60, fraction);
    memcpy(out, text, (size_t)len); /* of two digits each: at most CZ_TIME_TEXT */
    return (size_t)len;
}

size_t cz_duration_write(char *out, cz_duration d)
{
    int64_t days = d.us / us_per_day, rest = d.us % us_per_day;
    if (rest < 0) {
        days--;
        rest += us_per_day;
    }
    size_t len = days ? cz_i64_write(out, days) : 0;
    if (days)
        out[len++] = ' ';
    return len + cz_time_write(out + len, (cz_time){ rest });
}
