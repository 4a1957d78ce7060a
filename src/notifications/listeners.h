/* notifications/listeners.h: a worker that listens. */
#ifndef CZ_NOTIFICATIONS_LISTENERS_H
#define CZ_NOTIFICATIONS_LISTENERS_H

#include <calzone/notifications.h>
#include "db/database.h"

/* Whether these listeners can be. Errors: CZ_EVALIDATION; `err` names app and channel. */
CZ_NODISCARD cz_status cz__listeners_check(const char *app, const cz_listener_list *listeners,
                                           cz_error *err);

/* Begin to listen in this worker, whose database is open; `lists` is borrowed until cz__listeners_stop(). With no
 * listener in them it does nothing.
 * Errors: CZ_EUNSUPPORTED: the database has no notifications; CZ_ENOMEM. Context: the worker's loop. */
CZ_NODISCARD cz_status cz__listeners_start(cz__db *db, const cz_listener_list *const *lists,
                                           size_t count, cz_error *err);
/* Stop; handlers that run go on. Before the database is closed. Without cz__listeners_start() it does nothing. */
void cz__listeners_stop(void);

#endif
