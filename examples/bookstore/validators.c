/* Check digits of ISBN (ISO 2108) and ISSN (ISO 3297). */
#include "models.h"

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* ISBN-10 and ISSN: the digits weighted `len` down to 1 add up to a multiple of 11; X is a last 10. */
static bool is_mod11(cz_str text)
{
    int sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool last = i + 1 == text.len;
        int value = last && text.ptr[i] == 'X' ? 10 : digit(text.ptr[i]);
        if (value < 0)
            return false;
        sum += value * (int)(text.len - i);
    }
    return sum % 11 == 0;
}

/* ISBN-13: weights 1, 3, 1, 3... add up to a multiple of 10. */
static bool is_mod10(cz_str text)
{
    int sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit(text.ptr[i]);
        if (value < 0)
            return false;
        sum += value * (i % 2 ? 3 : 1);
    }
    return sum % 10 == 0;
}

const char *validate_isbn(cz_str text, double number)
{
    (void)number;
    bool valid = text.len == 10   ? is_mod11(text)
                 : text.len == 13 ? is_mod10(text) && (cz_str_starts_with(text, CZ_STR("978")) ||
                                                       cz_str_starts_with(text, CZ_STR("979")))
                                  : false;
    return valid ? NULL : "Enter a valid ISBN: 10 or 13 digits without hyphens.";
}

const char *validate_issn(cz_str text, double number)
{
    (void)number;
    char digits[8];
    if (text.len != 9 || text.ptr[4] != '-')
        return "Enter a valid ISSN: NNNN-NNNC.";
    for (size_t i = 0; i < 8; i++)
        digits[i] = text.ptr[i + (i >= 4)];
    return is_mod11(cz_str_of(digits, 8)) ? NULL : "Enter a valid ISSN: NNNN-NNNC.";
}
