#include "db/sqlite/sqlite_internal.h"

enum { BUSY_TIMEOUT_MS = 5000, BUSY_TIMEOUT_MS_MAX = 3600 * 1000 };

static cz_status read_option(cz_str name, cz_str value, struct cz__sqlite_options *options,
                             cz_error *err)
{
    static const struct {
        const char *word, *pragma;
    } levels[] = { { "normal", "PRAGMA synchronous=NORMAL;" },
                   { "full", "PRAGMA synchronous=FULL;" },
                   { "extra", "PRAGMA synchronous=EXTRA;" } };
    if (cz_str_eq(name, CZ_STR("busy_timeout"))) {
        uint64_t ms;
        if (cz_str_to_u64(value, &ms) || ms > BUSY_TIMEOUT_MS_MAX)
            return cz_error_set(err, CZ_EVALIDATION,
                                "DATABASE_URL: busy_timeout is milliseconds, at most %d",
                                BUSY_TIMEOUT_MS_MAX);
        options->busy_timeout_ms = (int64_t)ms;
        return CZ_OK;
    }
    if (!cz_str_eq(name, CZ_STR("synchronous")))
        return cz_error_set(err, CZ_EVALIDATION,
                            "DATABASE_URL: \"%.*s\" is none of busy_timeout, synchronous",
                            CZ_STR_ARG(name));
    for (size_t i = 0; i < CZ_COUNT(levels); i++)
        if (cz_str_eq_icase(value, cz_str_from(levels[i].word))) {
            options->synchronous = levels[i].pragma;
            return CZ_OK;
        }
    return cz_error_set(err, CZ_EVALIDATION, "DATABASE_URL: synchronous is normal, full or extra");
}

cz_status cz__sqlite_read_options(cz_str query, struct cz__sqlite_options *out, cz_error *err)
{
    struct cz__sqlite_options options = { BUSY_TIMEOUT_MS, "PRAGMA synchronous=FULL;" };
    while (query.len) {
        cz_str value = cz_str_cut(&query, '&'), name = cz_str_cut(&value, '=');
        cz_status status = name.len ? read_option(name, value, &options, err) : CZ_OK;
        if (status)
            return status;
    }
    *out = options;
    return CZ_OK;
}
