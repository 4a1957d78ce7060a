/* settings/settings_internal.h: the pieces of the loader. */
#ifndef CZ_SETTINGS_INTERNAL_H
#define CZ_SETTINGS_INTERNAL_H

#include <calzone/settings.h>

enum { CZ__ENV_FILE_BYTES_MAX = 1 << 20 };

/* Reads a .env file line by line; the grammar stands in env_file.c. */
typedef struct cz__env_reader {
    cz_arena *arena;   /* for values with escapes */
    cz_str rest;       /* what is not read yet */
    unsigned line;     /* of the last assignment, or of the failure; from 1 */
    const char *error; /* static sentence after CZ_EVALIDATION */
} cz__env_reader;

void cz__env_reader_init(cz__env_reader *reader, cz_arena *arena, cz_str text);
/* Read the next assignment. `*out_name` points into the text, `*out_value` into it or the arena.
 * Returns CZ_ENOTFOUND at the end. Errors: CZ_EVALIDATION, see reader->error; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__env_reader_next(cz__env_reader *reader, cz_str *out_name,
                                           cz_str *out_value);

/* A value in each of its forms; `text` is what was written. */
struct cz__value {
    cz_str text;
    int64_t integer;
    double real;
    bool boolean;
    cz_str_list list;
};

/* Read value->text as `kind`, lists into `arena`. On CZ_EVALIDATION `*out_expected` says what a value
 * of the kind looks like. Errors: CZ_EVALIDATION, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__value_read(cz_arena *arena, cz_setting_kind kind,
                                      struct cz__value *value, const char **out_expected);

/* `url` with its password, and secrets in its query, as "***"; `url` itself when it has none. */
CZ_NODISCARD cz_status cz__url_mask(cz_arena *arena, cz_str url, cz_str *out);

#endif
