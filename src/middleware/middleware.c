#include <calzone/middleware.h>

const cz_middleware *const cz_default_middleware[] = {
    &cz_request_id, &cz_access_log, &cz_security_headers, &cz_host_check, &cz_https_redirect, NULL,
};
