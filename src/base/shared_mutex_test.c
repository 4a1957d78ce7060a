#include "base/shared_mutex.h"
#include <calzone/testing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

CZ_TEST(a_shared_mutex_is_handed_on_and_tells_when_its_holder_was_killed)
{
    pthread_mutex_t *mutex =
        mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CZ_REQUIRE(mutex != MAP_FAILED && cz__shared_mutex_init(mutex));
    for (int round = 0; round < 3; round++) {
        pid_t holder = fork();
        CZ_REQUIRE(holder >= 0);
        if (!holder) {
            if (cz__shared_mutex_lock(mutex))
                _exit(1);
            raise(SIGKILL);
        }
        int status;
        CZ_REQUIRE(waitpid(holder, &status, 0) == holder);
        CZ_EXPECT(WIFSIGNALED(status));
        CZ_EXPECT(cz__shared_mutex_lock(mutex));
        pthread_mutex_unlock(mutex);
        CZ_EXPECT(!cz__shared_mutex_lock(mutex));
        pthread_mutex_unlock(mutex);
    }
    munmap(mutex, sizeof *mutex);
}
