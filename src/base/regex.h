/* base/regex.h: regular expressions, PCRE2's, searched for anywhere in a text.
 *
 * A search that would take too long is given up, as an error, so no text can hold a worker: how often it may try is
 * limited, and so are its memory and its time. */
#ifndef CZ_BASE_REGEX_H
#define CZ_BASE_REGEX_H

#include <calzone/status.h>
#include <calzone/str.h>

enum {
    CZ__REGEX_BYTES_MAX = 10000, /* of the expression itself */
    CZ__REGEX_CASELESS = 1,
    /* As Python's re: \d, \w and \s are of all of Unicode, and "$" is also before a line's end that ends the text. Without it as
     * ECMAScript's with its flag "u", which JSON Schema means (RFC 9485 has the reasons): ASCII alone, and the end itself. */
    CZ__REGEX_PYTHON = 2
};

/* One thread at a time uses it. */
struct cz__regex;

/* Errors: CZ_EVALIDATION: it is malformed, or has more than CZ__REGEX_BYTES_MAX; `err` says where; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__regex_create(cz_str text, unsigned flags, struct cz__regex **out,
                                        cz_error *err);
/* NULL does nothing. */
void cz__regex_destroy(struct cz__regex *regex);

/* Whether `text` has it somewhere. Without CZ__REGEX_PYTHON a text that is no UTF-8 has nothing anywhere; with it, bytes that are
 * none are like no character. Errors: CZ_ETOOBIG: it was given up, and
 * `err` says at which limit; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__regex_search(const struct cz__regex *regex, cz_str text, bool *out,
                                        cz_error *err);

#endif
