#include "http/etags.h"

bool cz__etag_next(cz_str *list, cz_str *out, bool *out_weak)
{
    *list = cz_str_trim(*list);
    while (cz_str_starts_with(*list, CZ_STR(",")))
        *list = cz_str_trim(cz_str_tail(*list, 1));
    *out_weak = cz_str_starts_with(*list, CZ_STR("W/"));
    cz_str rest = cz_str_tail(*list, *out_weak ? 2 : 0);
    if (!cz_str_starts_with(rest, CZ_STR("\"")))
        return false;
    rest = cz_str_tail(rest, 1);
    size_t end = cz_str_find_char(rest, '"');
    if (end == SIZE_MAX)
        return false;
    *out = cz_str_head(rest, end);
    *list = cz_str_tail(rest, end + 1);
    return true;
}

bool cz__etag_is_known(const cz_request *req)
{
    cz_str list = cz_request_header(req, CZ_STR("If-None-Match")), own, tag;
    cz_str answer = cz_response_header(req, CZ_STR("ETag"));
    bool weak; /* this comparison does not mind */
    if (!list.len || !cz__etag_next(&answer, &own, &weak))
        return false;
    if (cz_str_eq(cz_str_trim(list), CZ_STR("*")))
        return true;
    while (cz__etag_next(&list, &tag, &weak))
        if (cz_str_eq(tag, own))
            return true;
    return false;
}
