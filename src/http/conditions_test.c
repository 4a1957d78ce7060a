#include "http/conditions.h"
#include <calzone/testing.h>

#define SOONER "Wed, 01 Jan 2020 11:59:59 GMT"
#define SAME "Wed, 01 Jan 2020 12:00:00 GMT"
#define LATER "Wed, 01 Jan 2020 12:00:01 GMT"
enum { SAME_S = 1577880000 };

struct said {
    const char *name, *value;
};

static cz_request request_of(cz_method method, const struct said *said, size_t said_max,
                             cz_header *headers)
{
    uint32_t count = 0;
    while (count < said_max && said[count].name) {
        headers[count] =
            (cz_header){ cz_str_from(said[count].name), cz_str_from(said[count].value) };
        count++;
    }
    return (cz_request){ .method = method, .headers = headers, .header_count = count };
}

CZ_TEST(conditions_are_judged_in_the_order_of_rfc_9110)
{
    static const struct {
        cz_method method;
        const char *etag;
        struct said said[4];
        enum cz__verdict verdict;
    } cases[] = {
        { CZ_METHOD_GET, "\"a\"", { { NULL, NULL } }, CZ__HOLDS },
        /* If-Match, 13.1.1: strong. */
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "\"a\"" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "\"b\", \"a\"" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "*" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "W/\"a\"", { { "If-Match", "*" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "\"b\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "W/\"a\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "W/\"a\"", { { "If-Match", "\"a\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "W/\"a\"", { { "If-Match", "W/\"a\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "W/\"a\"", { { "If-Match", "\"\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "a" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Match", "\"a" } }, CZ__CHANGED },
        { CZ_METHOD_HEAD, "\"a\"", { { "If-Match", "\"b\"" } }, CZ__CHANGED },
        /* If-Unmodified-Since, 13.1.4; not read behind If-Match. */
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", SAME } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", LATER } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", SOONER } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", "1" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", "" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Unmodified-Since", SOONER ", " SOONER } }, CZ__HOLDS },
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-Unmodified-Since", SOONER }, { "If-Match", "\"a\"" } },
          CZ__HOLDS },
        /* If-None-Match, 13.1.2: weak. */
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "\"a\"" } }, CZ__UNCHANGED },
        { CZ_METHOD_HEAD, "\"a\"", { { "If-None-Match", "\"a\"" } }, CZ__UNCHANGED },
        { CZ_METHOD_PUT, "\"a\"", { { "If-None-Match", "\"a\"" } }, CZ__CHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "W/\"a\"" } }, CZ__UNCHANGED },
        { CZ_METHOD_GET, "W/\"a\"", { { "If-None-Match", "\"a\"" } }, CZ__UNCHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "*" } }, CZ__UNCHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "\"b\"" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "\"A\"" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "\"a,b\"" } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-None-Match", "" } }, CZ__HOLDS },
        /* If-Modified-Since, 13.1.3; for GET and HEAD, and not behind If-None-Match. */
        { CZ_METHOD_GET, "\"a\"", { { "If-Modified-Since", SAME } }, CZ__UNCHANGED },
        { CZ_METHOD_HEAD, "\"a\"", { { "If-Modified-Since", LATER } }, CZ__UNCHANGED },
        { CZ_METHOD_GET, "\"a\"", { { "If-Modified-Since", SOONER } }, CZ__HOLDS },
        { CZ_METHOD_PUT, "\"a\"", { { "If-Modified-Since", SAME } }, CZ__HOLDS },
        { CZ_METHOD_GET, "\"a\"", { { "If-Modified-Since", "yesterday" } }, CZ__HOLDS },
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-Modified-Since", SAME }, { "If-None-Match", "\"b\"" } },
          CZ__HOLDS },
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-Modified-Since", SOONER }, { "If-None-Match", "\"a\"" } },
          CZ__UNCHANGED },
        /* Together. */
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-None-Match", "\"a\"" }, { "If-Match", "\"b\"" } },
          CZ__CHANGED },
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-None-Match", "\"a\"" }, { "If-Match", "*" } },
          CZ__UNCHANGED },
        { CZ_METHOD_GET,
          "\"a\"",
          { { "If-Unmodified-Since", SOONER }, { "If-Modified-Since", SAME } },
          CZ__CHANGED },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_header headers[CZ_COUNT(cases[i].said)];
        const struct cz__state state = { cz_str_from(cases[i].etag), SAME_S, true };
        cz_request req =
            request_of(cases[i].method, cases[i].said, CZ_COUNT(cases[i].said), headers);
        enum cz__verdict verdict = cz__conditions_judge(&req, &state);
        CZ_EXPECT_MSG(verdict == cases[i].verdict, "case %zu, %s of %s: %d", i,
                      cases[i].said[0].value ? cases[i].said[0].value : "nothing", cases[i].etag,
                      (int)verdict);
    }
}

CZ_TEST(if_range_takes_the_same_strong_tag_or_the_very_date)
{
    static const struct {
        const char *etag, *value;
        bool settled, holds;
    } cases[] = {
        { "\"a\"", NULL, true, true },       { "\"a\"", "\"a\"", true, true },
        { "\"a\"", SAME, true, true },       { "W/\"a\"", SAME, true, true },
        { "\"a\"", SAME, false, false }, /* it may change within the second */
        { "\"a\"", SOONER, true, false },    { "\"a\"", LATER, true, false },
        { "\"a\"", "\"b\"", true, false },   { "\"a\"", "\"A\"", true, false },
        { "\"a\"", "W/\"a\"", true, false }, { "W/\"a\"", "W/\"a\"", true, false },
        { "W/\"a\"", "\"a\"", true, false }, { "\"a\"", "\"a\", \"b\"", true, false }, /* no list */
        { "\"a\"", "\"a\" b", true, false }, { "\"a\"", "*", true, false },
        { "\"a\"", "a", true, false },       { "\"a\"", "", true, false },
        { "\"a\"", "\"a", true, false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_header headers[1];
        const struct said said[] = { { cases[i].value ? "If-Range" : NULL, cases[i].value } };
        const struct cz__state state = { cz_str_from(cases[i].etag), SAME_S, cases[i].settled };
        cz_request req = request_of(CZ_METHOD_GET, said, 1, headers);
        CZ_EXPECT_MSG(cz__if_range_holds(&req, &state) == cases[i].holds, "%s of %s",
                      cases[i].value ? cases[i].value : "nothing", cases[i].etag);
    }
}
