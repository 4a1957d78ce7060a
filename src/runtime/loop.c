/* The event loop: epoll, level-triggered.
 *
 * A turn that changes nothing costs one system call, epoll_wait(), and one reading of the clock. What the
 * callbacks of a turn change about interests is gathered and applied once at its end.
 */
#include "runtime/loop.h"
#include <calzone/memory.h>
#include <calzone/time.h>
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "runtime/runtime_internal.h"

enum { EVENTS_MAX = 256, RETRY_MS = 100 };

struct cz__loop {
    int epoll_fd, post_fd;
    bool stopped, in_turn;
    int64_t now_us;
    struct cz__wheel wheel;
    cz__watch *changed;
    cz__turn_hook *hooks, *hook_next; /* hook_next: where the pass over them goes on */
    int event_count, event_at;        /* the event being handled and those after it */
    cz__watch post_watch;
    pthread_mutex_t post_lock; /* guards the two below */
    cz__post *posts, **posts_end;
    struct epoll_event events[EVENTS_MAX];
};

static _Thread_local cz__loop *current_loop;
static struct cz__pulse unwatched_pulse = { .watched = 1 };
_Thread_local struct cz__pulse *cz__pulse = &unwatched_pulse;

cz__loop *cz__loop_current(void)
{
    return current_loop;
}

int64_t cz__loop_now_ms(const cz__loop *loop)
{
    return loop->now_us / 1000;
}

int64_t cz__loop_now_us(const cz__loop *loop)
{
    return loop->now_us;
}

/* ---- Posts from other threads ---- */

static void run_posts(cz__watch *watch, uint32_t events)
{
    (void)events;
    cz__loop *loop = current_loop;
    uint64_t count;
    cz_ignore(
        read(watch->fd, &count, sizeof count)); /* only resets it; a spurious turn is harmless */
    pthread_mutex_lock(&loop->post_lock);
    cz__post *post = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    pthread_mutex_unlock(&loop->post_lock);
    while (post) {
        cz__post *next = post->next; /* the call may free the post */
        post->fn(post->arg);
        post = next;
    }
}

void cz__loop_post_own(cz__loop *loop, cz__post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&loop->post_lock);
    bool first = loop->posts == NULL;
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    if (first) { /* inside the lock: the loop may be destroyed once its last post has run */
        uint64_t one = 1;
        cz_ignore(
            write(loop->post_fd, &one, sizeof one)); /* fails only when it is readable anyway */
    }
    pthread_mutex_unlock(&loop->post_lock);
}

struct heap_post {
    cz__post post;
    void (*fn)(void *arg);
    void *arg;
};

static void run_heap_post(void *arg)
{
    struct heap_post heap_post = *(struct heap_post *)arg;
    cz_free(arg);
    heap_post.fn(heap_post.arg);
}

cz_status cz__loop_post(cz__loop *loop, void (*fn)(void *arg), void *arg)
{
    struct heap_post *heap_post = cz_malloc(sizeof *heap_post);
    if (!heap_post)
        return CZ_ENOMEM;
    *heap_post = (struct heap_post){ { run_heap_post, heap_post, NULL }, fn, arg };
    cz__loop_post_own(loop, &heap_post->post);
    return CZ_OK;
}

/* ---- Life ---- */

cz_status cz__loop_create(cz__loop **out)
{
    cz_assert(!current_loop);
    cz__loop *loop = cz_calloc(1, sizeof *loop);
    if (!loop)
        return CZ_ENOMEM;
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->posts_end = &loop->posts;
    loop->now_us = cz_monotonic_us();
    cz__wheel_init(&loop->wheel, loop->now_us / 1000);
    loop->post_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    current_loop = loop;
    if (loop->post_fd < 0 || loop->epoll_fd < 0 ||
        cz__watch_add(loop, &loop->post_watch, loop->post_fd, EPOLLIN, run_posts)) {
        cz__loop_destroy(loop);
        return CZ_EIO;
    }
    *out = loop;
    return CZ_OK;
}

void cz__loop_destroy(cz__loop *loop)
{
    if (!loop)
        return;
    cz_assert(!loop->in_turn);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->post_fd >= 0)
        close(loop->post_fd);
    pthread_mutex_destroy(&loop->post_lock);
    if (current_loop == loop)
        current_loop = NULL;
    cz_free(loop);
}

/* ---- Watches ---- */

static bool tell_kernel(cz__loop *loop, cz__watch *watch)
{
    struct epoll_event event = { .events = watch->wanted, .data.ptr = watch };
    /* With no interest left a descriptor leaves the set: the kernel reports EPOLLHUP and EPOLLERR
     * unasked, and nobody would consume them. */
    int operation = !watch->applied ? EPOLL_CTL_ADD : watch->wanted ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event))
        return false;
    watch->applied = watch->wanted;
    return true;
}

cz_status cz__watch_add(cz__loop *loop, cz__watch *watch, int fd, uint32_t wanted,
                        void (*on_ready)(cz__watch *watch, uint32_t events))
{
    *watch = (cz__watch){ .fd = fd, .wanted = wanted, .on_ready = on_ready };
    if (wanted && !tell_kernel(loop, watch))
        return errno == ENOMEM || errno == ENOSPC ? CZ_ENOMEM : CZ_EIO;
    return CZ_OK;
}

static void unlink_changed(cz__watch *watch)
{
    if (!watch->link_changed)
        return;
    *watch->link_changed = watch->next_changed;
    if (watch->next_changed)
        watch->next_changed->link_changed = watch->link_changed;
    watch->next_changed = NULL;
    watch->link_changed = NULL;
}

void cz__watch_want(cz__loop *loop, cz__watch *watch, uint32_t wanted)
{
    watch->wanted = wanted;
    if (wanted == watch->applied || watch->link_changed)
        return;
    watch->next_changed = loop->changed;
    if (watch->next_changed)
        watch->next_changed->link_changed = &watch->next_changed;
    watch->link_changed = &loop->changed;
    loop->changed = watch;
}

void cz__watch_renew(cz__loop *loop, cz__watch *watch)
{
    uint32_t wanted = watch->wanted;
    if (!watch->applied || !wanted)
        return;
    watch->wanted = 0;
    cz_assert(tell_kernel(loop, watch)); /* fails when the descriptor was closed too early */
    cz__watch_want(loop, watch, wanted);
}

void cz__watch_remove(cz__loop *loop, cz__watch *watch)
{
    unlink_changed(watch);
    watch->wanted = 0;
    if (watch->applied)
        cz_assert(tell_kernel(loop, watch)); /* fails when the descriptor was closed too early */
    for (int i = loop->event_at; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

static void apply_changes(cz__loop *loop)
{
    cz__watch *watch = loop->changed;
    loop->changed = NULL;
    while (watch) {
        cz__watch *next = watch->next_changed;
        watch->next_changed = NULL;
        watch->link_changed = NULL;
        if (watch->wanted != watch->applied && !tell_kernel(loop, watch)) {
            cz_assert(errno == ENOMEM ||
                      errno == ENOSPC);                 /* else it was closed before its removal */
            cz__watch_want(loop, watch, watch->wanted); /* again at the end of the next turn */
        }
        watch = next;
    }
}

/* ---- Timers and hooks ---- */

void cz__timer_set(cz__loop *loop, cz__timer *timer, int64_t delay_ms,
                   void (*on_due)(cz__timer *timer))
{
    if (!loop->in_turn) /* between turns the turn's clock may be long past */
        loop->now_us = cz_monotonic_us();
    if (delay_ms < 0)
        delay_ms = 0;
    int64_t now_ms = (loop->now_us + 999) / 1000; /* up: no timer fires early */
    timer->on_due = on_due;
    cz__wheel_set(&loop->wheel, timer,
                  delay_ms < INT64_MAX - now_ms ? now_ms + delay_ms : INT64_MAX);
}

void cz__timer_cancel(cz__loop *loop, cz__timer *timer)
{
    cz__wheel_cancel(&loop->wheel, timer);
}

void cz__turn_hook_add(cz__loop *loop, cz__turn_hook *hook)
{
    hook->next = loop->hooks;
    loop->hooks = hook;
}

void cz__turn_hook_remove(cz__loop *loop, cz__turn_hook *hook)
{
    if (loop->hook_next == hook)
        loop->hook_next = hook->next;
    for (cz__turn_hook **at = &loop->hooks; *at; at = &(*at)->next)
        if (*at == hook) {
            *at = hook->next;
            return;
        }
}

static void run_hooks(cz__loop *loop)
{
    for (cz__turn_hook *hook = loop->hooks; hook; hook = loop->hook_next) {
        loop->hook_next = hook->next;
        hook->on_turn_end(hook);
    }
}

/* ---- Turns ---- */

static int wait_ms(const cz__loop *loop, int timeout_ms)
{
    if (cz__fibers_have_woken())
        return 0;
    int64_t next_ms = cz__wheel_next_ms(&loop->wheel);
    int64_t wait = next_ms == INT64_MAX ? INT64_MAX : next_ms - loop->now_us / 1000;
    if (loop->changed && wait > RETRY_MS)
        wait = RETRY_MS;
    if (timeout_ms >= 0 && wait > timeout_ms)
        wait = timeout_ms;
    if (wait == INT64_MAX)
        return -1;
    return wait < 0 ? 0 : wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void wait_for_events(cz__loop *loop, int timeout_ms)
{
    __atomic_store_n(&cz__pulse->waiting, 1, __ATOMIC_RELAXED);
    int count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, timeout_ms);
    cz_assert(count >= 0 || errno == EINTR);
    loop->event_count = count > 0 ? count : 0;
    loop->event_at = 0;
    loop->now_us = cz_monotonic_us();
    cz__pulse_beat();
    __atomic_store_n(&cz__pulse->waiting, 0, __ATOMIC_RELEASE);
    if (__builtin_expect(!__atomic_load_n(&cz__pulse->watched, __ATOMIC_RELAXED), 0))
        cz__pulse_wake_watchdog();
}

void cz__loop_turn(cz__loop *loop, int timeout_ms)
{
    cz_assert(loop == current_loop && !loop->in_turn && !cz__fiber_current());
    if (loop->changed) /* changed between turns */
        apply_changes(loop);
    wait_for_events(loop, wait_ms(loop, timeout_ms));
    loop->in_turn = true;
    while (loop->event_at < loop->event_count) {
        struct epoll_event *event = &loop->events[loop->event_at++];
        cz__watch *watch = event->data.ptr;
        if (watch)
            watch->on_ready(watch, event->events);
    }
    cz__wheel_run(&loop->wheel, loop->now_us / 1000);
    cz__fibers_run_woken();
    run_hooks(loop);
    if (loop->changed)
        apply_changes(loop);
    loop->in_turn = false;
}

void cz__loop_run(cz__loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped)
        cz__loop_turn(loop, -1);
}

void cz__loop_stop(cz__loop *loop)
{
    loop->stopped = true;
}
