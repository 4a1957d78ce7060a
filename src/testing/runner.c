/* The test runner: each test in a process of its own, several at once. */
#include "runtime/last_words.h"
#include "testing/template.h"
#include "testing/testing_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77, OUTPUT_BYTES_MAX = 1 << 20, LAST_WORDS_BYTES = 8192, JOBS_MAX = 64 };

static cz_test *tests, **tests_end = &tests;
static bool failed;

void cz__test_register(cz_test *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

void cz__test_fail(const char *file, int line, const char *format, ...)
{
    failed = true;
    if (file)
        fprintf(stderr, "  %s:%d: ", file, line);
    else
        fputs("  ", stderr);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void cz__test_abort(void)
{
    fflush(stdout);
    exit(1);
}

void cz_test_skip(const char *reason)
{
    fprintf(stderr, "  skipped: %s\n", reason);
    exit(failed ? 1 : EXIT_SKIPPED);
}

bool cz_test_has_failed(void)
{
    return failed;
}

void cz__test_expect_str(const char *file, int line, const char *text, cz_str actual,
                         cz_str expected)
{
    if (!cz_str_eq(actual, expected))
        cz__test_fail(file, line, "%s is \"%.*s\", expected \"%.*s\"", text, CZ_STR_ARG(actual),
                      CZ_STR_ARG(expected));
}

/* ---- a directory for each test: CALZONE-XXXXXX/PID, so the runner knows its name ---- */

enum { DIRECTORY_BYTES_MAX = 512 };
static char run_directory[DIRECTORY_BYTES_MAX];
static long runner;

static void open_run_directory(void)
{
    const char *parent = getenv("TMPDIR");
    runner = getpid();
    int len = snprintf(run_directory, sizeof run_directory, "%s/calzone-test-XXXXXX",
                       parent && *parent == '/' ? parent : "/tmp");
    if (len < 0 || (size_t)len >= sizeof run_directory || !mkdtemp(run_directory)) {
        perror("a directory for the tests");
        exit(2);
    }
}

const char *cz__test_run_directory(void)
{
    return run_directory;
}

long cz__test_runner(void)
{
    return runner;
}

static void directory_of(pid_t pid, char out[DIRECTORY_BYTES_MAX + 32])
{
    cz_ignore(
        snprintf(out, DIRECTORY_BYTES_MAX + 32, "%s/%ld", run_directory, (long)pid)); /* fits */
}

const char *cz_test_directory(void)
{
    static char path[DIRECTORY_BYTES_MAX + 32];
    if (!*path) {
        directory_of(getpid(), path);
        if (mkdir(path, 0700)) {
            perror(path);
            cz__test_abort();
        }
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path) && errno != ENOENT;
}

static void remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS))
        printf("cannot remove %s\n", path);
}

static void remove_directory(pid_t pid)
{
    char path[DIRECTORY_BYTES_MAX + 32];
    directory_of(pid, path);
    remove_tree(path);
}

struct job {
    const cz_test *test;
    pid_t pid;
    int output;
    int last_words; /* a pipe to what it says when it crashes */
    int pidfd; /* readable when the test has ended, though what it started may still hold `output` */
    char *text;
    size_t len;
    struct timespec start;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void job_start(struct job *job, const cz_test *test)
{
    int fds[2], words[2];
    if (pipe(fds) || pipe2(words, O_CLOEXEC | O_NONBLOCK)) {
        perror("pipe");
        exit(2);
    }
    fflush(NULL);
    *job = (struct job){ .test = test, .output = fds[0], .last_words = words[0] };
    clock_gettime(CLOCK_MONOTONIC, &job->start);
    job->pid = fork();
    if (job->pid < 0) {
        perror("fork");
        exit(2);
    }
    if (job->pid == 0) {
        setpgid(0, 0); /* so a time-out ends what the test started, too */
        close(fds[0]);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[1]);
        close(words[0]);
        cz__last_words_install(words[1]);
        test->fn();
        fflush(NULL);
        exit(failed ? 1 : 0);
    }
    close(fds[1]);
    close(words[1]);
    fcntl(job->output, F_SETFL, O_NONBLOCK);
    job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
    if (job->pidfd < 0) {
        perror("pidfd_open");
        exit(2);
    }
}

/* Take some of what the test has printed; false when there is nothing more now. */
static bool job_read(struct job *job)
{
    char part[4096];
    ssize_t got = read(job->output, part, sizeof part);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    if (job->len + (size_t)got <= OUTPUT_BYTES_MAX) {
        char *grown = realloc(job->text, job->len + (size_t)got);
        if (grown) {
            job->text = grown;
            memcpy(job->text + job->len, part, (size_t)got);
            job->len += (size_t)got;
        }
    }
    return true;
}

static int job_finish(struct job *job, bool timed_out)
{
    int wait_status = 0;
    while (waitpid(job->pid, &wait_status, 0) < 0 && errno == EINTR)
        ;
    kill(-job->pid, SIGKILL); /* children it left behind; none is the usual case */
    while (job_read(job))
        ;
    remove_directory(job->pid);
    close(job->output);
    close(job->pidfd);
    int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1;
    bool skipped = code == EXIT_SKIPPED && !timed_out;
    double seconds = seconds_since(&job->start);
    if (code != 0 || timed_out || seconds > 5)
        printf("%s %s (%.1f s)%s\n",
               skipped             ? "SKIP"
               : code || timed_out ? "FAIL"
                                   : "slow",
               job->test->name, seconds, timed_out ? ": timed out" : "");
    if (WIFSIGNALED(wait_status) && !timed_out) {
        char words[LAST_WORDS_BYTES];
        cz__last_words_write(job->last_words, wait_status, words, sizeof words);
        fputs(words, stdout);
    }
    close(job->last_words);
    if ((code != 0 || timed_out) && job->len)
        fwrite(job->text, 1, job->len, stdout);
    free(job->text);
    fflush(stdout);
    *job = (struct job){ 0 };
    return timed_out ? 1 : skipped ? EXIT_SKIPPED : code;
}

static bool selected(const cz_test *test, int count, char **parts)
{
    for (int i = 0; i < count; i++)
        if (strstr(test->name, parts[i]) || strstr(test->file, parts[i]))
            return true;
    return count == 0;
}

int cz_test_main(int argc, char **argv)
{
    long jobs_max = sysconf(_SC_NPROCESSORS_ONLN), timeout = 120;
    bool list = false;
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (!strcmp(argv[first], "--list"))
            list = true;
        else if (!strcmp(argv[first], "--jobs") && first + 1 < argc)
            jobs_max = strtol(argv[++first], NULL, 10);
        else if (!strcmp(argv[first], "--timeout") && first + 1 < argc)
            timeout = strtol(argv[++first], NULL, 10);
        else {
            fprintf(stderr, "usage: %s [--jobs N] [--list] [--timeout SECONDS] [PART...]\n",
                    argv[0]);
            return 2;
        }
    }
    if (jobs_max < 1)
        jobs_max = 1;
    if (jobs_max > JOBS_MAX)
        jobs_max = JOBS_MAX;
    struct job jobs[JOBS_MAX] = { 0 };
    open_run_directory();
    int running = 0, passed = 0, bad = 0, skipped = 0;
    const cz_test *next = tests;
    while (next || running) {
        while (next && running < jobs_max) {
            const cz_test *test = next;
            next = test->next;
            if (!selected(test, argc - first, argv + first))
                continue;
            if (list) {
                printf("%s\n", test->name);
                continue;
            }
            for (int i = 0; i < jobs_max; i++)
                if (!jobs[i].test) {
                    job_start(&jobs[i], test);
                    break;
                }
            running++;
        }
        struct pollfd fds[JOBS_MAX * 2]; /* of each job its end and its output */
        struct job *polled[JOBS_MAX];
        nfds_t count = 0;
        for (int i = 0; i < jobs_max; i++)
            if (jobs[i].test) {
                polled[count / 2] = &jobs[i];
                fds[count++] = (struct pollfd){ .fd = jobs[i].pidfd, .events = POLLIN };
                int output = jobs[i].output;
                fds[count++] = (struct pollfd){ .fd = output, .events = POLLIN };
            }
        if (!count)
            continue;
        poll(fds, count, 500);
        for (nfds_t i = 0; i < count / 2; i++) {
            bool over = fds[2 * i].revents;
            if (fds[2 * i + 1].revents)
                job_read(polled[i]);
            bool late = seconds_since(&polled[i]->start) > (double)timeout;
            if (!over && !late)
                continue;
            if (late)
                kill(-polled[i]->pid, SIGKILL);
            int code = job_finish(polled[i], late);
            running--;
            if (code == 0)
                passed++;
            else if (code == EXIT_SKIPPED)
                skipped++;
            else
                bad++;
        }
    }
    cz__test_databases_end(run_directory);
    remove_tree(run_directory);
    if (!list && !passed && !bad && !skipped && first < argc) {
        fprintf(stderr, "no test has \"%s\" in its name or file\n", argv[first]);
        printf("0 passed, 0 failed\n");
        return 2;
    }
    if (!list) {
        if (skipped)
            printf("%d passed, %d failed, %d skipped\n", passed, bad, skipped);
        else
            printf("%d passed, %d failed\n", passed, bad);
    }
    return bad ? 1 : 0;
}
