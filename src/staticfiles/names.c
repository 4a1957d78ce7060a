#include "staticfiles/names.h"

enum { HASH_DIGITS_MIN = 8, HASH_DIGITS_MAX = 64 };

bool cz__static_is_open(cz_str path, bool serves_well_known)
{
    bool more = true;
    while (more) {
        more = cz_str_find_char(path, '/') != SIZE_MAX;
        cz_str step = cz_str_cut(&path, '/');
        bool well_known = serves_well_known && cz_str_eq(step, CZ_STR(".well-known"));
        if (!step.len || (step.ptr[0] == '.' && !well_known))
            return false;
    }
    return true;
}

static bool is_hash(cz_str text)
{
    bool letter = false, figure = false;
    if (text.len < HASH_DIGITS_MIN || text.len > HASH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        letter |= c >= 'a' && c <= 'f';
        figure |= c >= '0' && c <= '9';
        if (!(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9'))
            return false;
    }
    return letter && figure;
}

bool cz__static_has_hash(cz_str path)
{
    cz_str name = path;
    while (cz_str_find_char(name, '/') != SIZE_MAX)
        cz_str_cut(&name, '/');
    cz_str_cut(&name, '.');
    while (cz_str_find_char(name, '.') != SIZE_MAX)
        if (is_hash(cz_str_cut(&name, '.')))
            return true;
    return false;
}
