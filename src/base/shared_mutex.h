/* base/shared_mutex.h: a lock in memory that processes share. */
#ifndef CZ_BASE_SHARED_MUTEX_H
#define CZ_BASE_SHARED_MUTEX_H

#include <calzone/status.h>
#include <pthread.h>

/* A mutex between processes that survives its holder: the next to lock it is told EOWNERDEAD. Errors: CZ_ENOMEM. */
CZ_NODISCARD static inline cz_status cz__mutex_init_shared(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes))
        return CZ_ENOMEM;
    bool ok = !pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) &&
              !pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) &&
              !pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return ok ? CZ_OK : CZ_ENOMEM;
}

#endif
