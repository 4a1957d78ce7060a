/* What both sides of bench/run-data measure, and how they say it: "name value" lines. */
#ifndef BENCH_DATA_MEASURE_H
#define BENCH_DATA_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* The most memory this program has had, in KiB. Not ru_maxrss, which begins with what the parent had at fork. */
static long peak_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "VmHWM:", 6))
            kb = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kb;
}

static int64_t began_us, began_cpu_us;

static void begin_measure(void)
{
    began_us = now_us();
    began_cpu_us = cpu_us();
}

/* `count` rows or queries since then; `sum` is of what was read, so that it is. */
static void report_measure(int64_t count, int64_t sum)
{
    double us = (double)(now_us() - began_us), cpu = (double)(cpu_us() - began_cpu_us);
    printf("us %.3f\ncpu_us %.3f\nseconds %.3f\npeak_kb %ld\nsum %lld\n", us / (double)count,
           cpu / (double)count, us / 1e6, peak_kb(), (long long)sum);
}

#endif
