/* db/replicas.h: reading from copies of a database that follow it.
 *
 * A replica is used when it answers, is not further behind than a limit, and has replayed what its reader is
 * to see. How far it is behind is measured here and not believed of it: each worker remembers where the
 * primary's log was at which time, so a replica that has replayed so far has all that was committed before
 * then. A replica that lost its primary knows nothing of that by itself.
 *
 * Who reads never waits for these measurements: fibers of their own make them while there are readers.
 * Context: the worker's thread.
 */
#ifndef CZ_DB_REPLICAS_H
#define CZ_DB_REPLICAS_H

#include "db/database.h"

/* How far behind a replica may be, in milliseconds; for databases opened after. */
extern int64_t cz__replica_lag_max_ms;

/* Give an open database its replicas; of a process without a loop none, as nobody could measure them.
 * Errors: CZ_EVALIDATION: a malformed URL, another kind of database, one that has no replicas; CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__replicas_open(cz__database *database, const cz_str_list *urls,
                                         cz_error *err);
/* Close them. False: a measurement is under way, and with it the primary stays open until the process ends. */
bool cz__replicas_close(cz__database *database);

/* The session a read goes to, outside transactions: a replica's, or this one. Does not suspend. */
cz__db_session *cz__replica_session(cz__db_session *session);
/* A read on a replica has failed. True: it is to be repeated with the session it belongs to, which reads from
 * the primary from here on. */
bool cz__replica_failed(cz__db_session *session, cz__db_session *reader, const cz_error *error);

/* How many are in use. */
size_t cz__replicas_usable(const cz__database *database);
/* Whether any open database has replicas. */
bool cz__replicas_any(void);

#endif
