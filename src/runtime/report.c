/* What the master says of a worker that died or is stuck.
 *
 * Finding the names of a trace reads files and takes memory and time; a child of the master does it, so
 * the master stays small, keeps supervising, and cannot be hurt by a damaged file. Workers are forks of
 * the master, hence the child has the program at the same addresses.
 */
#include <calzone/log.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/last_words.h"
#include "runtime/runtime_internal.h"

enum { TRACE_BYTES = 4096, SYMBOL_BYTES = 160 };

void cz__trace_write(char *out, size_t bytes, const struct cz__report *report, uint32_t frames_max)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < report->frame_count && i < frames_max; i++) {
        char symbol[SYMBOL_BYTES];
        /* a return address may already belong to the next function */
        cz__symbol_write(symbol, sizeof symbol, report->frames[i] - (i > 0));
        int len = snprintf(out + used, bytes - used, "%s%s", i ? " < " : "", symbol);
        if (len < 0 || (size_t)len >= bytes - used)
            return;
        used += (size_t)len;
    }
}

static const char *reason(char *out, size_t bytes, int wait_status, const struct cz__report *crash)
{
    if (crash && crash->overflow)
        return "fiber stack overflow";
    if (WIFEXITED(wait_status)) {
        cz_ignore(snprintf(out, bytes, "exit code %d", WEXITSTATUS(wait_status))); /* it fits */
        return out;
    }
    const char *name = sigabbrev_np(WTERMSIG(wait_status));
    if (crash && crash->fault_address)
        cz_ignore(snprintf(out, bytes, "SIG%s at 0x%llx", name ? name : "?",
                           (unsigned long long)crash->fault_address));
    else
        cz_ignore(snprintf(out, bytes, "SIG%s", name ? name : "?"));
    return out;
}

static void log_death(unsigned slot, int pid, const char *why, const struct cz__report *crash,
                      const char *trace)
{
    if (!crash) {
        cz_log_error(NULL, "runtime", "a worker died", CZ_FIELD_INT("worker", slot),
                     CZ_FIELD_INT("pid", pid), CZ_FIELD_STR("reason", cz_str_from(why)));
        return;
    }
    cz_log_error(NULL, "runtime", "a worker crashed", CZ_FIELD_INT("worker", slot),
                 CZ_FIELD_INT("pid", pid), CZ_FIELD_STR("reason", cz_str_from(why)),
                 CZ_FIELD_STR("route", cz_str_from(crash->label[0] ? crash->label : "(none)")),
                 CZ_FIELD_STR("request_id", cz_str_from(crash->request_id)),
                 CZ_FIELD_STR("trace", cz_str_from(trace)));
}

static void log_stall(const struct cz__report *stall, const char *trace)
{
    cz_log_warning(NULL, "runtime",
                   "the loop is held by one piece of work; every other request waits",
                   CZ_FIELD_INT("worker", stall->slot), CZ_FIELD_INT("pid", stall->pid),
                   CZ_FIELD_STR("route", cz_str_from(stall->label[0] ? stall->label : "(none)")),
                   CZ_FIELD_STR("request_id", cz_str_from(stall->request_id)),
                   CZ_FIELD_STR("trace", cz_str_from(trace)));
}

/* Fork a child to log in; true in it, and where no child could be made, in the master itself. */
static bool in_child(bool *out_child)
{
    cz_log_flush(true); /* else the child would write it again */
    pid_t pid = fork();
    *out_child = pid == 0;
    return pid <= 0;
}

void cz__report_death(unsigned slot, int pid, int wait_status, const struct cz__report *crash)
{
    char text[64], trace[TRACE_BYTES] = "";
    const char *why = reason(text, sizeof text, wait_status, crash);
    bool child = false;
    if (crash && !in_child(&child))
        return;
    if (child)
        cz__trace_write(trace, sizeof trace, crash, CZ__FRAMES_MAX);
    log_death(slot, pid, why, crash, trace);
    if (child) {
        cz_log_flush(true);
        _exit(0);
    }
}

void cz__report_stall(const struct cz__report *stall)
{
    char trace[TRACE_BYTES] = "";
    bool child;
    if (!in_child(&child))
        return;
    if (child)
        cz__trace_write(trace, sizeof trace, stall, CZ__FRAMES_MAX);
    log_stall(stall, trace);
    if (child) {
        cz_log_flush(true);
        _exit(0);
    }
}

/* ---- of a process that is nobody's worker ---- */

void cz__last_words_install(int fd)
{
    cz__crash_install(fd, 0);
}

void cz__last_words_write(int fd, int wait_status, char *out, size_t bytes)
{
    struct cz__report crash = { 0 };
    char text[64];
    bool told = read(fd, &crash, sizeof crash) == sizeof crash &&
                crash.frame_count <= CZ__FRAMES_MAX && crash.kind == CZ__REPORT_CRASH;
    int len = snprintf(out, bytes, "  ended by %s\n",
                       reason(text, sizeof text, wait_status, told ? &crash : NULL));
    for (uint32_t i = 0; told && i < crash.frame_count && len >= 0 && (size_t)len < bytes; i++) {
        char symbol[SYMBOL_BYTES];
        cz__symbol_write(symbol, sizeof symbol, crash.frames[i] - (i > 0));
        int more = snprintf(out + len, bytes - (size_t)len, "    in %s\n", symbol);
        len = more < 0 ? more : len + more;
    }
}
