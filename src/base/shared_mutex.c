#include "base/shared_mutex.h"
#include <calzone/status.h>
#include <errno.h>

bool cz__shared_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    bool ok = !pthread_mutexattr_init(&attributes) &&
              !pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) &&
              !pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) &&
              !pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return ok;
}

bool cz__shared_mutex_lock(pthread_mutex_t *mutex)
{
    int code = pthread_mutex_lock(mutex);
    cz_assert(code == 0 || code == EOWNERDEAD);
    if (code == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    return code == EOWNERDEAD;
}
