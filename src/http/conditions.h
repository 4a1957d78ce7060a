/* http/conditions.h: whether a request's conditions hold for what is there now (RFC 9110, 13). */
#ifndef CZ_HTTP_CONDITIONS_H
#define CZ_HTTP_CONDITIONS_H

#include <calzone/http.h>

/* What is there. */
struct cz__state {
    cz_str etag;        /* as the header has it, "\"a\"" or "W/\"a\"" */
    int64_t modified_s; /* when it was changed, as Last-Modified tells */
    bool settled;       /* it will not change again within that second */
};

enum cz__verdict {
    CZ__HOLDS,     /* answer it */
    CZ__UNCHANGED, /* 304 */
    CZ__CHANGED    /* 412 */
};

/* If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of 13.2.2. A date that is none is passed
 * over. Context: any. */
enum cz__verdict cz__conditions_judge(const cz_request *req, const struct cz__state *state);

/* Whether a Range is of the state that the client has parts of, by If-Range (13.1.5): the same strong tag, or the very date
 * of a state that has settled; true when it says nothing. Context: any. */
bool cz__if_range_holds(const cz_request *req, const struct cz__state *state);

#endif
