/* What a process that only computes can still do. tests/sandbox_test.c has the workers. */
#include "runtime/sandbox.h"
#include <calzone/testing.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool refused(long result)
{
    return result == -1 && errno == EPERM;
}

/* Returns the number of the first act that was not refused, or 0. Without libc where that would look before it asks. */
static int try_acts(int fd)
{
    char *const none[] = { NULL };
    const bool acts[] = {
        refused(open("/etc/passwd", O_RDONLY | O_CLOEXEC)),
        refused(syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC)),
        refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        refused(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (int[2]){ 0 })),
        refused(syscall(SYS_execve, "/bin/true", none, none)),
        refused(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)),
        refused(syscall(SYS_clone3, NULL, 0)),
        refused(kill(getppid(), 0)),
        refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)),
        refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)),
        refused(prctl(PR_SET_DUMPABLE, 1)),
        refused(syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0)),
        refused(dup(fd)),
        refused(fcntl(fd, F_GETFL)),
        refused(connect(fd, NULL, 0)),
        refused(bind(fd, NULL, 0)),
        refused(setuid(getuid())),
        refused(syscall(SYS_memfd_create, "x", 0)),
        refused(unlink("/tmp/no-such-file")),
        refused(chdir("/")),
    };
    for (size_t i = 0; i < CZ_COUNT(acts); i++)
        if (!acts[i])
            return (int)i + 1;
    return 0;
}

static bool works(int fd)
{
    char bytes[16];
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && !munmap(memory, 1 << 20) &&
           getrandom(bytes, sizeof bytes, 0) == sizeof bytes && poll(&wait, 1, 1000) == 1 &&
           recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == 2 && send(fd, "ok", 2, MSG_NOSIGNAL) == 2;
}

CZ_TEST(who_is_shut_in_alone_can_but_compute_and_answer)
{
    int fds[2], code = -1;
    char said[8] = "";
    if (cz__sandbox_lacks())
        cz_test_skip("this machine has not all of the sandbox");
    CZ_REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
    CZ_REQUIRE(send(fds[0], "do", 2, 0) == 2);
    pid_t child = fork();
    if (child == 0) {
        if (cz__sandbox_enter_alone(NULL))
            _exit(100);
        int act = try_acts(fds[1]);
        _exit(act ? act : works(fds[1]) ? 0 : 101);
    }
    CZ_REQUIRE(waitpid(child, &code, 0) == child);
    CZ_EXPECT_MSG(WIFEXITED(code) && WEXITSTATUS(code) == 0, "act %d, status %x", WEXITSTATUS(code),
                  (unsigned)code);
    CZ_EXPECT(recv(fds[0], said, sizeof said, MSG_DONTWAIT) == 2 && said[0] == 'o');
    close(fds[0]);
    close(fds[1]);
}
