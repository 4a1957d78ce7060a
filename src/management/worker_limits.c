#include "management/worker_limits.h"
#include <calzone/random.h>
#include <calzone/str.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "runtime/server.h"

enum { CHECK_MS = 1000, MIN_LIFE_MS = 5000 };

static struct {
    cz__loop *loop;
    const cz__http_server *server;
    uint64_t requests_max, bytes_max; /* 0: no limit */
    uint64_t requests_seen;
    int64_t began_ms;
    bool asked;
    cz__timer timer;
    cz__turn_hook hook;
} self;

/* /proc/self/statm: all, resident and shared pages. 0: it cannot be read, and there is no limit then. */
static uint64_t own_bytes(void)
{
    char text[200];
    uint64_t resident, shared;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    cz_str rest = cz_str_of(text, len > 0 ? (size_t)len : 0);
    cz_str_cut(&rest, ' ');
    if (cz_str_to_u64(cz_str_cut(&rest, ' '), &resident) ||
        cz_str_to_u64(cz_str_cut(&rest, ' '), &shared) || shared > resident)
        return 0;
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void ask(const char *limit, uint64_t has, const char *what)
{
    char why[120];
    cz_ignore(snprintf(why, sizeof why, "%s: it has %llu %s", limit, (unsigned long long)has,
                       what)); /* it fits */
    self.asked = true;
    cz__worker_spent(why);
}

static void check(cz__timer *timer)
{
    (void)timer;
    uint64_t requests = self.requests_seen = cz__http_server_stats(self.server).requests;
    uint64_t bytes = self.bytes_max ? own_bytes() : 0;
    if (self.asked || cz__loop_now_ms(self.loop) - self.began_ms < MIN_LIFE_MS)
        return;
    if (self.requests_max && requests >= self.requests_max)
        ask("WORKER_REQUESTS_MAX", requests, "requests");
    else if (self.bytes_max && bytes > self.bytes_max)
        ask("WORKER_MEMORY_MAX", bytes, "bytes of memory");
}

/* An idle worker is not woken for it. */
static void turn_ended(cz__turn_hook *hook)
{
    (void)hook;
    if (!self.asked && !cz__timer_is_set(&self.timer) &&
        cz__http_server_stats(self.server).requests != self.requests_seen)
        cz__timer_set(self.loop, &self.timer, CHECK_MS, check);
}

void cz__worker_limits_watch(cz__loop *loop, const cz__http_server *server,
                             const cz_settings *settings)
{
    uint64_t requests_max = (uint64_t)cz_setting_int(settings, "WORKER_REQUESTS_MAX");
    self.bytes_max = (uint64_t)cz_setting_int(settings, "WORKER_MEMORY_MAX");
    self.requests_max =
        requests_max - (requests_max ? cz_random_u64() % (requests_max / 10 + 1) : 0);
    if (!self.requests_max && !self.bytes_max)
        return;
    self.loop = loop;
    self.server = server;
    self.began_ms = cz__loop_now_ms(loop);
    self.hook.on_turn_end = turn_ended;
    cz__turn_hook_add(loop, &self.hook);
}
