/* The check of responses, in front of a project's middleware but for the access log: it sees what leaves. */
#include "management/project.h"
#include "openapi/response_check.h"

static bool lists(const cz_middleware *const *list, const cz_middleware *middleware)
{
    while (*list && *list != middleware)
        list++;
    return *list != NULL;
}

/* How many stand outside the check: the access log, which tells the status that leaves, what only names requests before it, and
 * what compresses the body that is checked. Where others come first they may answer, so the check does. */
static size_t outside(const cz_middleware *const *list)
{
    size_t count = 0;
    while (list[count] == &cz_request_id)
        count++;
    count = list[count] == &cz_access_log ? count + 1 : 0;
    return list[count] == &cz_compression ? count + 1 : count;
}

cz_status cz__site_check_responses(const struct cz__site *site,
                                   const cz_middleware *const **middleware, cz_error *err)
{
    static const char *const words[] = {
        [CZ__RESPONSES_UNCHECKED] = "off",
        [CZ__RESPONSES_LOGGED] = "log",
        [CZ__RESPONSES_REFUSED] = "fail",
    };
    bool strict = site->env == CZ_ENV_DEVELOPMENT || site->env == CZ_ENV_TEST;
    size_t checking, count = 0;
    cz_status status = cz__middleware_check(*middleware, NULL, err);
    if (status)
        return status;
    status = cz__setting_one_of(site, "CHECK_RESPONSES", words, CZ_COUNT(words),
                                strict ? CZ__RESPONSES_REFUSED : CZ__RESPONSES_UNCHECKED, &checking,
                                err);
    if (status)
        return status;
    cz__response_check_configure((cz__response_checking)checking, site->env == CZ_ENV_TEST);
    if (!cz__response_check_is_on() || lists(*middleware, &cz_response_check))
        return CZ_OK;
    while ((*middleware)[count])
        count++;
    const cz_middleware **longer = cz_arena_array(site->arena, const cz_middleware *, count + 2);
    if (!longer)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the middleware");
    size_t before = outside(*middleware);
    memcpy(longer, *middleware, before * sizeof *longer);
    longer[before] = &cz_response_check;
    memcpy(longer + before + 1, *middleware + before, (count - before) * sizeof *longer);
    *middleware = longer;
    return CZ_OK;
}
