/* http/targets.h: parts of what requests ask for. Context: any thread; all point into what they are given. */
#ifndef CZ_HTTP_TARGETS_H
#define CZ_HTTP_TARGETS_H

#include <calzone/str.h>

/* "/path?query" of "http://host/path?query" (RFC 9112, 3.2.2), "/" where there is none behind the host; what begins with "/" and all
 * else as it is. */
cz_str cz__target_on_host(cz_str target);
/* "/path" of it. */
cz_str cz__target_path(cz_str target);
/* A host without its port; an IPv6 address keeps its brackets. */
cz_str cz__host_name(cz_str host);

#endif
