#include "http/conditions.h"
#include "http/etags.h"
#include <calzone/time.h>

/* Whether the list of a header names the state. A weak tag is none where the comparison is strong. */
static bool is_named(const cz_request *req, cz_str header, const struct cz__state *state,
                     bool strong)
{
    cz_str rest = state->etag, tag = cz_str_of(NULL, 0);
    bool weak = false;
    if (!cz__etag_next(&rest, &tag, &weak) || (strong && weak))
        tag = cz_str_of(NULL, 0);
    return cz__etag_is_named(req, header, tag, '\0', strong);
}

static bool read_date(const cz_request *req, cz_str header, int64_t *out_s)
{
    cz_str value = cz_request_header(req, header);
    return value.len && cz_http_date_parse(value, out_s) == CZ_OK;
}

/* Whether it is as the client says that it is. */
static bool is_meant(const cz_request *req, const struct cz__state *state)
{
    int64_t date_s;
    if (cz_request_has_header(req, CZ_STR("If-Match")))
        return is_named(req, CZ_STR("If-Match"), state, true);
    return !read_date(req, CZ_STR("If-Unmodified-Since"), &date_s) || state->modified_s <= date_s;
}

enum cz__verdict cz__conditions_judge(const cz_request *req, const struct cz__state *state)
{
    bool reads = req->method == CZ_METHOD_GET || req->method == CZ_METHOD_HEAD;
    int64_t date_s;
    if (!is_meant(req, state))
        return CZ__CHANGED;
    if (cz_request_has_header(req, CZ_STR("If-None-Match"))) {
        if (!is_named(req, CZ_STR("If-None-Match"), state, false))
            return CZ__HOLDS;
        return reads ? CZ__UNCHANGED : CZ__CHANGED;
    }
    if (reads && read_date(req, CZ_STR("If-Modified-Since"), &date_s) &&
        state->modified_s <= date_s)
        return CZ__UNCHANGED;
    return CZ__HOLDS;
}

bool cz__if_range_holds(const cz_request *req, const struct cz__state *state)
{
    const cz_str header = CZ_STR("If-Range");
    cz_str value = cz_request_header(req, header), tag, own = state->etag, own_tag;
    bool weak, own_weak;
    int64_t date_s;
    if (!cz_request_has_header(req, header))
        return true;
    if (read_date(req, header, &date_s))
        return state->settled && date_s == state->modified_s;
    return cz__etag_next(&value, &tag, &weak) && !cz_str_trim(value).len &&
           cz__etag_next(&own, &own_tag, &own_weak) && !weak && !own_weak &&
           cz_str_eq(tag, own_tag);
}
