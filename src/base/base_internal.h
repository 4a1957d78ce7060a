/* base/base_internal.h: what the files of base share with each other and nobody else. */
#ifndef CZ_BASE_INTERNAL_H
#define CZ_BASE_INTERNAL_H

/* "000102...99": two digits at once, at twice their value. */
extern const char cz__digit_pairs[201];

static inline void cz__write_two_digits(char *out, unsigned value)
{
    out[0] = cz__digit_pairs[value * 2];
    out[1] = cz__digit_pairs[value * 2 + 1];
}

#endif
