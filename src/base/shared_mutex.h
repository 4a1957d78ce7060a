/* base/shared_mutex.h: a mutex in memory that processes share, which outlives a holder that dies, also by SIGKILL. */
#ifndef CZ_BASE_SHARED_MUTEX_H
#define CZ_BASE_SHARED_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

/* False: the system has no memory for it. */
bool cz__shared_mutex_init(pthread_mutex_t *mutex);
/* Take it. True: whoever held it before has died, and what it guards may be half changed. Context: any thread. */
bool cz__shared_mutex_lock(pthread_mutex_t *mutex);

#endif
