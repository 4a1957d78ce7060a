/* A site that has been taken over: it tries what nobody who did that should be able to do, and what every site must. */
#include <calzone/calzone.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOTE(F) F(char_field, text, .max_length = 80, .regex = "^[a-z ]+$")
CZ_MODEL(Note, NOTE);

static pid_t master;

/* Each returns what a system call does: 0 or more when it was let. */
static long start_a_program(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}
static long start_an_open_program(void)
{
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    char *const arguments[] = { NULL };
    return syscall(SYS_execveat, fd, "", arguments, arguments, AT_EMPTY_PATH);
}
static long read_secrets_of_another(void)
{
    return open(getenv("CELL_SECRET"), O_RDONLY | O_CLOEXEC);
}
static long list_a_home(void)
{
    return open("/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
static long read_another_process(void)
{
    return open("/proc/1/environ", O_RDONLY | O_CLOEXEC);
}
static long change_the_machine(void)
{
    return open("/etc/passwd", O_WRONLY | O_CLOEXEC);
}
static long leave_a_program(void)
{
    return open("/usr/local/bin/calzone-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
}
static long remove_a_file(void)
{
    return unlink(getenv("CELL_SECRET"));
}
static long rename_a_file(void)
{
    return rename(getenv("CELL_SECRET"), "stolen");
}
static long make_a_link(void)
{
    return symlink("/etc/shadow", "/tmp/calzone-link");
}
static long make_a_device(void)
{
    return mknod("/tmp/calzone-device", S_IFCHR | 0600, (dev_t)(1 << 8 | 3));
}
static long make_a_pipe(void)
{
    return mkfifo("/tmp/calzone-pipe", 0600);
}
static long listen_on_a_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    return bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
                sizeof address);
}
static long read_packets(void)
{
    return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}
static long open_a_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}
static long open_a_rare_socket(void)
{
    return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
static long trace_the_master(void)
{
    return ptrace(PTRACE_ATTACH, master, NULL, NULL);
}
static long be_traced(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static long read_the_master(void)
{
    char byte;
    struct iovec here = { &byte, 1 }, there = { (void *)&errno, 1 };
    return process_vm_readv(master, &here, 1, &there, 1, 0);
}
static long end_the_master(void)
{
    return kill(master, SIGKILL);
}
static long mount_a_folder(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL);
}
static long unmount_a_folder(void)
{
    return umount2("/proc", MNT_DETACH);
}
static long change_the_root(void)
{
    return chroot(".");
}
static long move_the_root(void)
{
    return syscall(SYS_pivot_root, ".", ".");
}
static long leave_by_a_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}
static long join_a_namespace(void)
{
    return setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), 0);
}
static long fork_into_a_namespace(void)
{
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
    if (!child)
        _exit(0);
    return child;
}
static long load_into_the_kernel(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}
static long load_a_module(void)
{
    return syscall(SYS_finit_module, 0, "", 0);
}
static long watch_the_kernel(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}
static long take_page_faults(void)
{
    return syscall(SYS_userfaultfd, 0);
}
static long make_a_ring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL);
}
static long keep_a_key(void)
{
    return syscall(SYS_add_key, "user", "calzone", "x", 1, -3);
}
static long set_the_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return clock_settime(CLOCK_REALTIME, &now);
}
static long name_the_machine(void)
{
    return sethostname("calzone", 7);
}
static long stop_the_machine(void)
{
    return reboot(RB_DISABLE_CAD);
}
static long become_root(void)
{
    return setuid(0);
}
static long open_by_a_handle(void)
{
    return syscall(SYS_open_by_handle_at, -1, NULL, 0);
}
static long type_on_the_terminal(void)
{
    return ioctl(STDIN_FILENO, TIOCSTI, "x");
}
static long write_a_program(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}
static long run_what_was_written(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static long change_what_it_is(void)
{
    return syscall(SYS_personality, 0x0400000); /* READ_IMPLIES_EXEC */
}

#define ACTS(X)                                                                                    \
    X(start_a_program)                                                                             \
    X(start_an_open_program)                                                                       \
    X(read_secrets_of_another)                                                                     \
    X(list_a_home)                                                                                 \
    X(read_another_process)                                                                        \
    X(change_the_machine)                                                                          \
    X(leave_a_program)                                                                             \
    X(remove_a_file)                                                                               \
    X(rename_a_file)                                                                               \
    X(make_a_link)                                                                                 \
    X(make_a_device)                                                                               \
    X(make_a_pipe)                                                                                 \
    X(listen_on_a_port)                                                                            \
    X(read_packets)                                                                                \
    X(open_a_raw_socket)                                                                           \
    X(open_a_rare_socket)                                                                          \
    X(trace_the_master)                                                                            \
    X(be_traced)                                                                                   \
    X(read_the_master)                                                                             \
    X(end_the_master)                                                                              \
    X(mount_a_folder)                                                                              \
    X(unmount_a_folder)                                                                            \
    X(change_the_root)                                                                             \
    X(move_the_root)                                                                               \
    X(leave_by_a_namespace)                                                                        \
    X(join_a_namespace)                                                                            \
    X(fork_into_a_namespace)                                                                       \
    X(load_into_the_kernel)                                                                        \
    X(load_a_module)                                                                               \
    X(watch_the_kernel)                                                                            \
    X(take_page_faults)                                                                            \
    X(make_a_ring)                                                                                 \
    X(keep_a_key)                                                                                  \
    X(set_the_clock)                                                                               \
    X(name_the_machine)                                                                            \
    X(stop_the_machine)                                                                            \
    X(become_root)                                                                                 \
    X(open_by_a_handle)                                                                            \
    X(type_on_the_terminal)                                                                        \
    X(write_a_program)                                                                             \
    X(run_what_was_written)                                                                        \
    X(change_what_it_is)

static const struct {
    const char *name;
    long (*act)(void);
} acts[] = {
#define X(name) { #name, name },
    ACTS(X)
#undef X
};

/* Acts that a lucky one would not come back from are tried by a child. */
static int try_act(long (*act)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        errno = 0;
        _exit(act() < 0 ? errno : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* What each came to: its errno, and 0 when it was let. */
static void try_all(cz_ctx *ctx, cz_request *req)
{
    cz_json_writer json;
    master = getppid();
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_object(&json);
    for (size_t i = 0; i < CZ_COUNT(acts); i++) {
        cz_json_key(&json, cz_str_from(acts[i].name));
        cz_json_i64(&json, try_act(acts[i].act));
    }
    cz_json_object_end(&json);
}

/* ---- what a site does all day ---- */

static void use_a_thread(void *arg)
{
    FILE *file = tmpfile();
    struct addrinfo *found = NULL;
    int *wrong = arg;
    *wrong = !file || fputs("x", file) < 0 || getaddrinfo("localhost", "80", NULL, &found) != 0;
    if (file && fclose(file))
        *wrong = 1;
    if (found)
        freeaddrinfo(found);
}

static void store_note(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Note *note = cz_create(ctx, Note, (text, "all is well"));
    cz_full_clean(ctx, note);
}

static void work(cz_ctx *ctx, cz_request *req)
{
    int wrong = 1;
    cz_offload(ctx, use_a_thread, &wrong);
    if (wrong)
        cz_raise(ctx, CZ_EIO, "a temporary file or a name");
    cz_atomic(ctx, store_note, NULL);
    int64_t found = cz_count(ctx, Note, .where = CZ_Q(Note, text, REGEX, "^all .*well$"));
    int own = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char status[4096] = "";
    if (own < 0 || read(own, status, sizeof status - 1) < 0)
        cz_raise(ctx, CZ_EIO, "the worker's own status");
    close(own);
    cz_respond(
        ctx, req, 200, CZ_STR("text/plain"),
        cz_format(ctx, "notes %lld\nuid %u\n%s", (long long)found, (unsigned)getuid(), status));
}

/* What comes of a connection to two ports on which nobody listens. */
static void reach(cz_ctx *ctx, cz_request *req)
{
    int came[2];
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)(9 + i)),
                                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        came[i] = connect(fd, (struct sockaddr *)&address, sizeof address) ? errno : 0;
        close(fd);
    }
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "9: %d\n10: %d\n", came[0], came[1]));
}

static const cz_app cells = { .name = "cells", .models = CZ_MODELS(Note) };
static const cz_route urls[] = { CZ_GET("/acts", try_all), CZ_GET("/work", work),
                                 CZ_GET("/connect", reach), CZ_ROUTES_END };
CZ_PROJECT_MAIN("cell", .apps = CZ_APPS(&cells), .urls = urls)
