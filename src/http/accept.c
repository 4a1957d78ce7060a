#include "http/accept.h"

/* "0.25" as 250. */
static int weight_of(cz_str text)
{
    int value = 0, unit = CZ__WEIGHT_MOST;
    text = cz_str_trim(text);
    bool point = text.len == 1 || (text.len >= 2 && text.len <= 5 && text.ptr[1] == '.');
    if (!point || (text.ptr[0] != '0' && text.ptr[0] != '1'))
        return 0;
    value = (text.ptr[0] - '0') * unit;
    for (size_t i = 2; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        unit /= 10;
        value += (text.ptr[i] - '0') * unit;
    }
    return value > CZ__WEIGHT_MOST ? 0 : value;
}

int cz__accept_weight(cz_str parameters)
{
    while (parameters.len) {
        cz_str value = cz_str_trim(cz_str_cut(&parameters, ';'));
        cz_str name = cz_str_trim(cz_str_cut(&value, '='));
        if (cz_str_eq_icase(name, CZ_STR("q")))
            return weight_of(value);
    }
    return CZ__WEIGHT_MOST;
}

int cz__accept_encoding(cz_str header, cz_str coding)
{
    int any = CZ__WEIGHT_UNSAID;
    while (header.len) {
        cz_str parameters = cz_str_cut(&header, ',');
        cz_str name = cz_str_trim(cz_str_cut(&parameters, ';'));
        if (cz_str_eq_icase(name, CZ_STR("x-gzip")))
            name = CZ_STR("gzip");
        if (cz_str_eq_icase(name, coding))
            return cz__accept_weight(parameters);
        if (cz_str_eq(name, CZ_STR("*")))
            any = cz__accept_weight(parameters);
    }
    return any;
}
