/* The functions of libpq that the driver calls, found at run time.
 *
 * Linked in, libpq brings TLS, Kerberos and LDAP into every process, SQLite's too (decision 0012); so it
 * is loaded when a database with its URL is opened. Each name below stands for a pointer that
 * cz__pg_load() has filled. */
#ifndef CZ_DB_POSTGRESQL_LIBPQ_H
#define CZ_DB_POSTGRESQL_LIBPQ_H

#include <calzone/status.h>
#include <libpq-fe.h>

#define CZ__PQ_MAP(X)                                                                              \
    X(PQclear)                                                                                     \
    X(PQcmdStatus)                                                                                 \
    X(PQcmdTuples)                                                                                 \
    X(PQconnectPoll)                                                                               \
    X(PQconnectStartParams)                                                                        \
    X(PQconsumeInput)                                                                              \
    X(PQenterPipelineMode)                                                                         \
    X(PQerrorMessage)                                                                              \
    X(PQexitPipelineMode)                                                                          \
    X(PQfinish)                                                                                    \
    X(PQflush)                                                                                     \
    X(PQfreemem)                                                                                   \
    X(PQfname)                                                                                     \
    X(PQftype)                                                                                     \
    X(PQgetisnull)                                                                                 \
    X(PQgetlength)                                                                                 \
    X(PQgetResult)                                                                                 \
    X(PQgetvalue)                                                                                  \
    X(PQisBusy)                                                                                    \
    X(PQnotifies)                                                                                  \
    X(PQnfields)                                                                                   \
    X(PQnparams)                                                                                   \
    X(PQntuples)                                                                                   \
    X(PQparamtype)                                                                                 \
    X(PQpipelineSync)                                                                              \
    X(PQputCopyData)                                                                               \
    X(PQputCopyEnd)                                                                                \
    X(PQresultErrorField)                                                                          \
    X(PQresultMemorySize)                                                                          \
    X(PQresultStatus)                                                                              \
    X(PQsendDescribePrepared)                                                                      \
    X(PQsendPrepare)                                                                               \
    X(PQsendQueryParams)                                                                           \
    X(PQsendQueryPrepared)                                                                         \
    X(PQserverVersion)                                                                             \
    X(PQsetnonblocking)                                                                            \
    X(PQsetNoticeReceiver)                                                                         \
    X(PQsocket)                                                                                    \
    X(PQstatus)                                                                                    \
    X(PQtransactionStatus)

struct cz__pq {
#define X(name) __typeof__(&name) name;
    CZ__PQ_MAP(X)
#undef X
};

extern struct cz__pq cz__pq;

/* Fill cz__pq. Errors: CZ_EUNSUPPORTED: the library is missing or too old; `err` says which.
 * Context: any thread that has no other in here. */
CZ_NODISCARD cz_status cz__pg_load(cz_error *err);

#endif
