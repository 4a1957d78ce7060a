/* Everything at once, and no process of the server grows: `./dev soak SECONDS`, or 25 s of it. */
#include "reload_load.h"
#include <calzone/time.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SHORT_SECONDS = 25,
    LONG_SECONDS = 120, /* from here on the slope is judged as such */
    PROCESSES_MAX = 8,
    SAMPLES_MAX = 4000,
    FILE_LINES = 10000,
    GROWTH_KIB = 1024, /* of the short form: pools and caches still fill */
    DRAINED_MS = 3000
};

/* Of the memory when it began, for 10,000 requests. */
static const double SLOPE_MAX = 0.001;

struct sample {
    double seconds;
    long own_kib, resident_kib;
};

struct process {
    pid_t pid;
    const char *what;
    size_t files; /* before */
    struct sample samples[SAMPLES_MAX];
    size_t count;
};

/* Its own memory is what no file stands behind: of a database and of programs the kernel maps what it has, and counts it to whom it
 * likes. */
static struct sample look(pid_t pid, double seconds)
{
    char line[256];
    struct sample sample = { .seconds = seconds };
    FILE *file = fopen(format("/proc/%d/smaps_rollup", (int)pid).ptr, "re");
    CZ_REQUIRE(file);
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        long kib = colon ? strtol(colon + 1, NULL, 10) : 0;
        if (!strncmp(line, "Rss:", 4))
            sample.resident_kib = kib;
        else if (!strncmp(line, "Anonymous:", 10))
            sample.own_kib = kib;
    }
    fclose(file);
    return sample;
}

/* KiB a second, by least squares over the last four fifths. */
static double slope(const struct process *process)
{
    double n = 0, t = 0, y = 0, tt = 0, ty = 0;
    for (size_t i = process->count / 5; i < process->count; i++) {
        const struct sample *at = &process->samples[i];
        double own = (double)at->own_kib;
        n++;
        t += at->seconds;
        y += own;
        tt += at->seconds * at->seconds;
        ty += at->seconds * own;
    }
    return (n * ty - t * y) / (n * tt - t * t);
}

static size_t find_processes(const struct server *server, struct process *out)
{
    pid_t workers[PROCESSES_MAX];
    size_t count = server_workers(server, workers, PROCESSES_MAX - 2);
    out[0] = (struct process){ .pid = server->pid, .what = "keeper" };
    out[1] = (struct process){ .pid = server_only_master(server), .what = "master" };
    for (size_t i = 0; i < count; i++)
        out[2 + i] = (struct process){ .pid = workers[i], .what = "worker" };
    return 2 + count;
}

static void make_file(void)
{
    FILE *file = fopen(format("%s/file.txt", cz_test_directory()).ptr, "we");
    CZ_REQUIRE(file);
    for (int i = 0; i < FILE_LINES; i++)
        fputs("a line of a file that is sent\n", file);
    CZ_REQUIRE(fputs("/* the end of the file */\n", file) >= 0 && !fclose(file));
}

/* What it had, in ten steps: a leak rises in all of them. */
static void write_steps(const struct process *process, FILE *report)
{
    enum { STEPS = 10 };
    fprintf(report, "%s %d:", process->what, (int)process->pid);
    for (size_t i = 0; i <= STEPS; i++)
        fprintf(report, " %ld", process->samples[i * (process->count - 1) / STEPS].own_kib);
    fprintf(report, " KiB of its own");
}

static void judge(const struct process *process, double seconds, double rate, bool is_long,
                  FILE *report)
{
    const struct sample *first = &process->samples[process->count / 5],
                        *last = &process->samples[process->count - 1];
    double each_second = slope(process), own = (double)first->own_kib;
    double part = each_second / rate * 10000 / own;
    bool flat = is_long ? part < SLOPE_MAX : each_second * seconds < GROWTH_KIB;
    write_steps(process, report);
    fprintf(report, " (resident %ld); slope %+.3f KiB/s, %+.4f %% for 10,000 requests: %s\n",
            last->resident_kib, each_second, 100 * part, flat ? "pass" : "FAIL");
    CZ_EXPECT_MSG(flat || is_sanitized(), "%s: %+.3f KiB/s, %+.4f %% for 10,000 requests",
                  process->what, each_second, 100 * part);
}

/* Descriptors of what was under way are closed when that is over. */
static bool has_as_many_files(const struct process *process)
{
    for (int ms = 0; ms < DRAINED_MS; ms += 100) {
        if (open_files(process->pid) <= process->files)
            return true;
        sleep_ms(100);
    }
    return false;
}

CZ_TEST(memory_stays_flat_under_everything_at_once)
{
    static struct process processes[PROCESSES_MAX];
    const char *wanted = getenv("CZ_SOAK_SECONDS"), *path = getenv("CZ_LOAD_REPORT");
    uint64_t total = SHORT_SECONDS;
    if (wanted)
        CZ_REQUIRE_OK(cz_str_to_u64(cz_str_from(wanted), &total));
    make_file();
    struct server server = load_server(LOAD_BIND, 2);
    struct load warm =
        load_start_all(&server); /* pools and descriptors are as many as they will be */
    sleep_ms((int)(total * 1000 / 5));
    load_stop(&warm);
    sleep_ms(1000);
    size_t count = find_processes(&server, processes);
    CZ_REQUIRE(count == 4);
    for (size_t i = 0; i < count; i++)
        processes[i].files = open_files(processes[i].pid);
    struct load load = load_start_all(&server);
    int64_t began_us = cz_monotonic_us();
    for (double seconds = 0; seconds < (double)total;
         seconds = (double)(cz_monotonic_us() - began_us) / 1e6) {
        for (size_t i = 0; i < count && processes[i].count < SAMPLES_MAX; i++)
            processes[i].samples[processes[i].count++] = look(processes[i].pid, seconds);
        sleep_ms(1000);
    }
    double seconds = (double)(cz_monotonic_us() - began_us) / 1e6;
    double rate = (double)load_answered(&load) / seconds;
    load_stop(&load);
    FILE *report = path ? fopen(path, "ae") : NULL, *out = report ? report : stdout;
    fprintf(out, "%.0f requests a second for %.0f s\n", rate, seconds);
    for (size_t i = 0; i < count; i++) {
        judge(&processes[i], seconds, rate, total >= LONG_SECONDS, out);
        CZ_EXPECT_MSG(has_as_many_files(&processes[i]), "%s: %zu descriptors, and had %zu",
                      processes[i].what, open_files(processes[i].pid), processes[i].files);
    }
    if (report)
        fclose(report);
    load_expect_no_failure(&load);
    CZ_EXPECT_EQ(server_logged(&server, "a worker died"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
