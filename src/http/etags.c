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

static bool names(cz_str list, cz_str etag, char mark, bool strong)
{
    cz_str tag;
    bool weak;
    if (cz_str_eq(cz_str_trim(list), CZ_STR("*")))
        return true;
    while (cz__etag_next(&list, &tag, &weak)) {
        if (mark)
            tag = cz_str_cut(&tag, mark);
        if (cz_str_eq(tag, etag) && !(strong && weak))
            return true;
    }
    return false;
}

bool cz__etag_is_named(const cz_request *req, cz_str header, cz_str etag, char mark, bool strong)
{
    for (uint32_t i = 0; i < req->header_count; i++)
        if (cz_str_eq_icase(req->headers[i].name, header) &&
            names(req->headers[i].value, etag, mark, strong))
            return true;
    return false;
}

bool cz__etag_is_known(const cz_request *req)
{
    cz_str answer = cz_response_header(req, CZ_STR("ETag")), own;
    bool weak; /* this comparison does not mind */
    return cz__etag_next(&answer, &own, &weak) &&
           cz__etag_is_named(req, CZ_STR("If-None-Match"), own, '\0', false);
}
