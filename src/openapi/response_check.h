/* openapi/response_check.h: what cz_response_check finds, for those who report it. */
#ifndef CZ_OPENAPI_RESPONSE_CHECK_H
#define CZ_OPENAPI_RESPONSE_CHECK_H

#include <calzone/openapi.h>

/* What a response is checked for, the setting CHECK_RESPONSES. */
typedef enum cz__response_checking {
    CZ__RESPONSES_UNCHECKED, /* nothing is looked at */
    CZ__RESPONSES_LOGGED,    /* what is wrong is logged, and the answer leaves as it is */
    CZ__RESPONSES_REFUSED    /* a 500 in place of what is wrong */
} cz__response_checking;

/* Choose. `record`: the file that CZ_RESPONSES names gets a line for each answer, "PROGRAM TAB METHOD PATH TAB STATUS", which
 * tests/openapi/responses counts. Context: start-up. */
void cz__response_check_configure(cz__response_checking checking, bool record);
bool cz__response_check_is_on(void);

/* A response that is not as its document says. */
struct cz__response_fault {
    cz_str operation; /* "GET /books/{id}" */
    int status;
    cz_str pointer; /* into the body, RFC 6901 */
    cz_str what;    /* "is a string, not integer" */
};

/* Set by the test client: told of what is wrong in place of anything else. NULL: nobody is. */
extern void (*cz__response_fault_report)(const struct cz__response_fault *fault);

#endif
