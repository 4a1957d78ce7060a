#include "http/etags.h"

/* A list may have empty items (RFC 9110, 5.6.1). */
static cz_str skip_commas(cz_str list)
{
    list = cz_str_trim(list);
    while (cz_str_starts_with(list, CZ_STR(",")))
        list = cz_str_trim(cz_str_tail(list, 1));
    return list;
}

bool cz__etag_next(cz_str *list, cz_str *out, bool *out_weak)
{
    *list = skip_commas(*list);
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

/* "*" is a list of its own; among tags, as of two lines that were joined, it means no less. */
static bool is_any(cz_str list)
{
    list = skip_commas(list);
    return cz_str_eq(cz_str_trim(cz_str_cut(&list, ',')), CZ_STR("*"));
}

bool cz__etag_is_named(const cz_request *req, cz_str header, cz_str etag, char mark, bool strong)
{
    cz_str list = cz_request_header(req, header), tag;
    bool weak;
    if (is_any(list))
        return true;
    while (cz__etag_next(&list, &tag, &weak)) {
        if (mark)
            tag = cz_str_cut(&tag, mark);
        if ((etag.ptr && cz_str_eq(tag, etag) && !(strong && weak)) || is_any(list))
            return true;
    }
    return false;
}

bool cz__etag_is_known(const cz_request *req)
{
    cz_str answer = cz_response_header(req, CZ_STR("ETag")), own;
    bool weak; /* this comparison does not mind */
    return cz__etag_next(&answer, &own, &weak) &&
           cz__etag_is_named(req, CZ_STR("If-None-Match"), own, '\0', false);
}
