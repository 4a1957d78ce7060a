/* management/worker_limits.h: workers that are replaced after so many requests or with so much memory. */
#ifndef CZ_MANAGEMENT_WORKER_LIMITS_H
#define CZ_MANAGEMENT_WORKER_LIMITS_H

#include "http/http_server.h"
#include <calzone/settings.h>

/* Ask for a replacement of this worker when it passes WORKER_REQUESTS_MAX, less up to a tenth by chance, so that not all do
 * at once, or WORKER_MEMORY_MAX, which is looked at once a second while there are requests. Memory is what is resident and the
 * worker's own: caches that workers share and pages of files do not count. Neither before the worker is five seconds old, as one that begins
 * above the limit would be replaced for ever. Context: a worker, at its start. */
void cz__worker_limits_watch(cz__loop *loop, const cz__http_server *server,
                             const cz_settings *settings);

#endif
