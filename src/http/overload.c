#include "http/overload.h"
#include "http/http_internal.h"
#include <calzone/log.h>
#include <calzone/time.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_US = 100000 };

/* ---- the rule ---- */

static void begin(struct cz__overload_rule *rule, int64_t now_us)
{
    rule->on = true;
    rule->second_us = now_us;
    rule->served = rule->refused = rule->begun = 0;
    rule->first_refused_us = rule->busy_us = 0;
    rule->carried_us = 0;
    rule->allowed_us = CZ__OVERLOAD_TURN_US;
}

void cz__overload_waited(struct cz__overload_rule *rule, enum cz__overload_queue queue,
                         int64_t waited_us, int64_t now_us)
{
    int64_t *since = &rule->above_since_us[queue];
    if (!rule->wait_max_us || waited_us <= rule->wait_max_us)
        *since = 0;
    else if (!*since)
        *since = now_us;
    else if (!rule->on && now_us - *since > rule->wait_max_us)
        begin(rule, now_us);
}

bool cz__overload_judge(struct cz__overload_rule *rule, int64_t turn_us, int64_t now_us)
{
    int64_t waited = now_us - turn_us + rule->carried_us;
    bool refused = rule->begun && waited > rule->allowed_us;
    rule->busy_us = now_us;
    if (!refused) {
        rule->begun++;
        rule->served++;
        return false;
    }
    rule->refused++;
    if (!rule->first_refused_us)
        rule->first_refused_us = now_us;
    return true;
}

/* However little refusing costs, whoever asks again at once costs a worker all its time. Longer turns have more to refuse: without
 * a bound they would grow where refusing takes a quarter of the time anyway. */
static int64_t time_to_serve(int64_t refusing_us)
{
    int64_t us = refusing_us * CZ__OVERLOAD_SERVED_SHARE;
    if (us > CZ__OVERLOAD_TURN_US_MAX)
        us = CZ__OVERLOAD_TURN_US_MAX;
    return us < CZ__OVERLOAD_TURN_US ? CZ__OVERLOAD_TURN_US : us;
}

void cz__overload_begun(struct cz__overload_rule *rule, int64_t now_us)
{
    rule->busy_us = now_us;
}

void cz__overload_turn_ended(struct cz__overload_rule *rule, int64_t turn_us, int64_t now_us)
{
    int64_t second_us = now_us - rule->second_us;
    bool any = rule->first_refused_us;
    rule->carried_us = now_us - (rule->busy_us ? rule->busy_us : turn_us);
    rule->allowed_us = time_to_serve(any ? rule->busy_us - rule->first_refused_us : 0);
    rule->busy_us = rule->first_refused_us = 0;
    rule->begun = 0;
    if (second_us < CZ__OVERLOAD_SECOND_US)
        return;
    rule->on = second_us < 2 * CZ__OVERLOAD_SECOND_US && /* else the loop has rested */
               rule->refused * CZ__OVERLOAD_REFUSED_PART > rule->served + rule->refused;
    rule->second_us = now_us;
    rule->served = rule->refused = 0;
}

/* ---- what is seen of the loop ---- */

/* What was done since the request before is one piece of work, about. */
static void saw_work(struct cz__overload *overload, int64_t now_us)
{
    int64_t between_us = now_us - overload->seen_us;
    overload->longest_us = between_us > overload->longest_us ? between_us : overload->longest_us;
    overload->seen_us = now_us;
}

static void on_mark(cz__watch *watch, uint32_t events)
{
    struct cz__overload *overload =
        (struct cz__overload *)(void *)((char *)watch - offsetof(struct cz__overload, mark));
    struct cz__overload_rule *rule = &overload->rule;
    int64_t now_us = cz_monotonic_us(), waited_us = now_us - overload->marked_us;
    int64_t passed_us = overload->marked_us + rule->wait_max_us;
    bool late = waited_us > rule->wait_max_us;
    (void)events;
    overload->marked = false;
    overload->mark_next_us = late ? 0 : now_us + LOOK_US; /* so none is missed */
    /* No piece of work held the loop, so there were many: the queue stands since this wait was too long. */
    saw_work(overload, now_us);
    if (late && overload->measured && 2 * overload->longest_us < rule->wait_max_us)
        cz__overload_waited(rule, CZ__OVERLOAD_READY, waited_us, passed_us);
    cz__overload_waited(&overload->rule, CZ__OVERLOAD_READY, waited_us, now_us);
}

static void put_mark(struct cz__overload *overload)
{
    uint64_t one = 1;
    overload->marked = true;
    overload->marked_us = cz_monotonic_us();
    overload->seen_us = overload->marked_us;
    overload->longest_us = 0;
    overload->measured = true;
    cz_ignore(write(overload->mark.fd, &one, sizeof one)); /* its 64 bits are enough for ever */
}

static void tell(struct cz__overload *overload, int64_t now_us)
{
    cz_log_warning(NULL, "calzone.http", "requests are refused: they waited too long",
                   CZ_FIELD_INT("count", (int64_t)overload->untold));
    overload->untold = 0;
    overload->told_us = now_us;
}

static void on_turn_end(cz__turn_hook *hook)
{
    struct cz__overload *overload =
        (struct cz__overload *)(void *)((char *)hook - offsetof(struct cz__overload, hook));
    struct cz__http_core *core = overload->core;
    int64_t turn_us = cz__loop_now_us(core->loop);
    if (core->waiting.first)
        cz__waiting_start(core);
    overload->measured &= overload->measures;
    overload->measures = turn_us - overload->turn_us > LOOK_US;
    overload->turn_us = turn_us;
    if (overload->rule.on)
        cz__overload_turn_ended(&overload->rule, turn_us, cz_monotonic_us());
    if (overload->untold && turn_us - overload->told_us >= CZ__OVERLOAD_SECOND_US)
        tell(overload, turn_us);
    if (overload->rule.wait_max_us && !overload->marked && turn_us >= overload->mark_next_us)
        put_mark(overload);
}

cz_status cz__overload_init(struct cz__http_core *core)
{
    struct cz__overload *overload = &core->overload;
    uint32_t most_ms = core->limits.queue_wait_max_ms;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return CZ_EIO;
    cz_status status = cz__watch_add(core->loop, &overload->mark, fd, EPOLLIN | EPOLLET, on_mark);
    if (status) {
        close(fd);
        return status;
    }
    overload->rule.wait_max_us = most_ms == CZ__OVERLOAD_NEVER ? 0 : (int64_t)most_ms * 1000;
    overload->core = core;
    overload->hook.on_turn_end = on_turn_end;
    cz__turn_hook_add(core->loop, &overload->hook);
    return CZ_OK;
}

void cz__overload_done(struct cz__http_core *core)
{
    struct cz__overload *overload = &core->overload;
    if (!overload->core)
        return;
    if (overload->untold)
        tell(overload, cz__loop_now_us(core->loop));
    cz__turn_hook_remove(core->loop, &overload->hook);
    cz__watch_remove(core->loop, &overload->mark);
    close(overload->mark.fd);
    overload->core = NULL;
}

/* The kernel knows when a connection was made and when its first bytes came. One of a Unix socket it does not. */
void cz__overload_accepted(struct cz__http_core *core, int fd)
{
    struct cz__overload *overload = &core->overload;
    int64_t turn_us = cz__loop_now_us(core->loop);
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (!overload->rule.wait_max_us || turn_us < overload->accept_next_us)
        return;
    overload->accept_next_us = turn_us + LOOK_US;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
        return;
    int64_t waited_us = (int64_t)info.tcpi_last_data_recv * 1000;
    if (turn_us - waited_us > overload->accept_seen_us) /* it came when the last seen had gone */
        overload->rule.above_since_us[CZ__OVERLOAD_ACCEPT] = 0;
    overload->accept_seen_us = turn_us;
    cz__overload_waited(&overload->rule, CZ__OVERLOAD_ACCEPT, waited_us, turn_us);
}

/* ---- refusing ---- */

bool cz__overload_refuses(struct cz__http_core *core, const cz_request *req, cz_error *err)
{
    struct cz__overload_rule *rule = &core->overload.rule;
    if (__builtin_expect(core->overload.measures, 0))
        saw_work(&core->overload, cz_monotonic_us());
    if (__builtin_expect(!rule->on, 1))
        return false;
    if (!cz__overload_judge(rule, cz__loop_now_us(core->loop), cz_monotonic_us()))
        return false;
    if (core->app.is_vital && core->app.is_vital(req, core->app.user))
        return false;
    cz__overload_refused(core, err, "more requests came than can be answered in time");
    return true;
}

void cz__overload_refused(struct cz__http_core *core, cz_error *err, const char *why)
{
    struct cz__overload *overload = &core->overload;
    cz_error_set(err, CZ_EOVERLOAD, "%s", why);
    core->stats.requests_refused++;
    overload->untold++;
}
