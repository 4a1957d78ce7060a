#include "throttling/throttling_internal.h"

enum { HITS_MAX = 1000000000, SECOND_US = 1000000, DAY_S = 86400, PERIOD_DAYS_MAX = 366 };

static const struct {
    const char *word;
    int64_t seconds;
} units[] = {
    { "s", 1 },        { "sec", 1 },     { "second", 1 },   { "seconds", 1 },  { "m", 60 },
    { "min", 60 },     { "minute", 60 }, { "minutes", 60 }, { "h", 3600 },     { "hour", 3600 },
    { "hours", 3600 }, { "d", DAY_S },   { "day", DAY_S },  { "days", DAY_S },
};

static bool read_unit(cz_str text, int64_t *out_seconds)
{
    for (size_t i = 0; i < CZ_COUNT(units); i++)
        if (cz_str_eq(text, cz_str_from(units[i].word))) {
            *out_seconds = units[i].seconds;
            return true;
        }
    return false;
}

cz_status cz__rate_read(cz_str text, cz__rate *out)
{
    cz_str period = cz_str_trim(text), hits_text = cz_str_trim(cz_str_cut(&period, '/'));
    uint64_t hits, units_count = 1;
    int64_t seconds;
    period = cz_str_trim(period);
    size_t digits = 0;
    while (digits < period.len && period.ptr[digits] >= '0' && period.ptr[digits] <= '9')
        digits++;
    if (cz_str_to_u64(hits_text, &hits) || !hits || hits > HITS_MAX ||
        (digits && cz_str_to_u64(cz_str_head(period, digits), &units_count)) || !units_count ||
        !read_unit(cz_str_trim(cz_str_tail(period, digits)), &seconds) ||
        units_count > (uint64_t)(PERIOD_DAYS_MAX * (DAY_S / seconds)))
        return CZ_EVALIDATION;
    *out = (cz__rate){ (uint32_t)hits, (int64_t)units_count * seconds * SECOND_US };
    return CZ_OK;
}
