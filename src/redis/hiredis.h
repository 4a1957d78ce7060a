/* The functions of libhiredis that the driver calls, found at run time as libpq's are (decision 0012): the reader of
 * Redis' protocol alone. Connections are the driver's own, because the library's would block. */
#ifndef CZ_REDIS_HIREDIS_H
#define CZ_REDIS_HIREDIS_H

#include <calzone/status.h>
#include <hiredis/hiredis.h>

#define CZ__HIREDIS_MAP(X)                                                                         \
    X(redisReaderCreate)                                                                           \
    X(redisReaderFree)                                                                             \
    X(redisReaderFeed)                                                                             \
    X(redisReaderGetReply)                                                                         \
    X(freeReplyObject)

struct cz__hiredis {
#define X(name) __typeof__(name) *name;
    CZ__HIREDIS_MAP(X)
#undef X
};
extern struct cz__hiredis cz__hiredis;

/* Load the library, once. Errors: CZ_EUNSUPPORTED. */
CZ_NODISCARD cz_status cz__hiredis_load(cz_error *err);

#endif
