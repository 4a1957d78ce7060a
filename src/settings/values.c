/* The text form of each kind of setting. */
#include <locale.h>
#include <stdlib.h>
#include "settings/settings_internal.h"
#include "settings/values.h"

static cz_status read_bool(cz_str text, bool *out)
{
    static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (cz_str_eq_icase(text, cz_str_from(words[i]))) {
            *out = i % 2;
            return CZ_OK;
        }
    return CZ_EVALIDATION;
}

static size_t count_digits(cz_str text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9')
        count++;
    return count;
}

/* real = [ "-" ] 1*digit [ "." 1*digit ] [ ( "e" / "E" ) [ "+" / "-" ] 1*digit ] */
static bool is_real(cz_str text)
{
    if (text.len && text.ptr[0] == '-')
        text = cz_str_tail(text, 1);
    size_t digits = count_digits(text);
    if (!digits)
        return false;
    text = cz_str_tail(text, digits);
    if (text.len && text.ptr[0] == '.') {
        text = cz_str_tail(text, 1);
        digits = count_digits(text);
        if (!digits)
            return false;
        text = cz_str_tail(text, digits);
    }
    if (text.len && (text.ptr[0] == 'e' || text.ptr[0] == 'E')) {
        text = cz_str_tail(text, 1);
        if (text.len && (text.ptr[0] == '+' || text.ptr[0] == '-'))
            text = cz_str_tail(text, 1);
        digits = count_digits(text);
        if (!digits)
            return false;
        text = cz_str_tail(text, digits);
    }
    return text.len == 0;
}

cz_status cz__real_read(cz_str text, double *out)
{
    char copy[64];
    if (!is_real(text) || text.len >= sizeof copy)
        return CZ_EVALIDATION;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    locale_t plain =
        newlocale(LC_NUMERIC_MASK, "C", (locale_t)0); /* a point, whatever the user's */
    if (!plain)
        return CZ_ENOMEM;
    double value = strtod_l(copy, NULL, plain);
    freelocale(plain);
    if (!__builtin_isfinite(value))
        return CZ_EVALIDATION;
    *out = value;
    return CZ_OK;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* digits [ unit ], no sign; the unit by its letters, ASCII case as given by `icase` */
static cz_status read_with_unit(cz_str text, const struct unit *units, size_t count, bool icase,
                                int64_t *out)
{
    size_t digits = count_digits(text);
    cz_str name = cz_str_tail(text, digits);
    int64_t number;
    if (!digits || cz_str_to_i64(cz_str_head(text, digits), &number))
        return CZ_EVALIDATION;
    for (size_t i = 0; i < count; i++) {
        cz_str unit = cz_str_from(units[i].name);
        if (!(icase ? cz_str_eq_icase(name, unit) : cz_str_eq(name, unit)))
            continue;
        if (__builtin_mul_overflow(number, units[i].factor, &number))
            return CZ_EVALIDATION;
        *out = number;
        return CZ_OK;
    }
    return CZ_EVALIDATION;
}

cz_status cz__duration_ms_read(cz_str text, int64_t *out)
{
    static const struct unit units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
    };
    if (cz_str_eq(text, CZ_STR("0"))) {
        *out = 0;
        return CZ_OK;
    }
    return read_with_unit(text, units, CZ_COUNT(units), false, out);
}

static cz_status read_size(cz_str text, int64_t *out)
{
    static const struct unit units[] = { { "", 1 },         { "k", 1 << 10 }, { "m", 1 << 20 },
                                         { "g", 1 << 30 },  { "b", 1 },       { "kb", 1 << 10 },
                                         { "mb", 1 << 20 }, { "gb", 1 << 30 } };
    return read_with_unit(text, units, CZ_COUNT(units), true, out);
}

static cz_status read_list(cz_arena *arena, cz_str text, cz_str_list *out)
{
    cz_str *items = cz_arena_array(arena, cz_str, cz_str_count(text, ',') + 1);
    if (!items)
        return CZ_ENOMEM;
    size_t count = 0;
    while (text.len) {
        cz_str item = cz_str_trim(cz_str_cut(&text, ','));
        if (item.len)
            items[count++] = item;
    }
    *out = (cz_str_list){ items, count };
    return CZ_OK;
}

cz_status cz__value_read(cz_arena *arena, cz_setting_kind kind, struct cz__value *value,
                         const char **out_expected)
{
    cz_url url;
    switch (kind) {
    case CZ_SETTING_STRING:
    case CZ_SETTING_PATH:
        return CZ_OK;
    case CZ_SETTING_BOOL:
        *out_expected = "true or false, yes or no, on or off, 1 or 0";
        return read_bool(value->text, &value->boolean);
    case CZ_SETTING_INT:
        *out_expected = "digits, with \"-\" before them when negative";
        return cz_str_to_i64(value->text, &value->integer) ? CZ_EVALIDATION : CZ_OK;
    case CZ_SETTING_FLOAT:
        *out_expected = "a number such as 0.25";
        return cz__real_read(value->text, &value->real);
    case CZ_SETTING_DURATION:
        *out_expected = "a number and ms, s, m, h or d, such as 10s";
        return cz__duration_ms_read(value->text, &value->integer);
    case CZ_SETTING_SIZE:
        *out_expected = "bytes, or a number and k, M or G, such as 64k";
        return read_size(value->text, &value->integer);
    case CZ_SETTING_LIST:
        return read_list(arena, value->text, &value->list);
    case CZ_SETTING_URL:
        *out_expected = "scheme://user:password@host:port/path, special characters escaped as %40";
        return value->text.len ? cz_url_parse(arena, value->text, &url) : CZ_OK;
    }
    cz_assert(false); /* every kind stands above */
    return CZ_EINVAL;
}
