/* runtime/loop.h: the event loop of a worker. Knows no HTTP and no SQL.
 *
 * One thread runs one loop over epoll, level-triggered. A turn is: wait, call the watches that are ready,
 * fire the timers that are due, resume the fibers that were woken, call the end-of-turn hooks (where
 * SQLite's read transaction closes and logs are written), apply the changed interests with one
 * epoll_ctl() each. Everything here is for the worker's own thread unless it says otherwise.
 */
#ifndef CZ_RUNTIME_LOOP_H
#define CZ_RUNTIME_LOOP_H

#include <calzone/status.h>
#include <sys/epoll.h>

typedef struct cz__loop cz__loop;

/* One descriptor's interest; embedded in its owner, who keeps it alive until cz__watch_remove(). */
typedef struct cz__watch {
    int fd;
    uint32_t wanted, applied; /* EPOLL* bits; private */
    struct cz__watch *next_changed,
        **link_changed; /* private: interests to apply; NULL: not in it */
    void (*on_ready)(struct cz__watch *watch, uint32_t events);
} cz__watch;

/* One time-out; embedded in its owner. Zeroed is "not set". Resolution 1 ms, never early. */
typedef struct cz__timer {
    struct cz__timer *next, **link; /* private: the wheel's slot */
    int64_t due_ms;                 /* private */
    void (*on_due)(struct cz__timer *timer);
} cz__timer;

/* Called at the end of each turn until removed. */
typedef struct cz__turn_hook {
    void (*on_turn_end)(struct cz__turn_hook *hook);
    struct cz__turn_hook *next; /* private */
} cz__turn_hook;

/* The loop of the calling thread; NULL outside workers. */
cz__loop *cz__loop_current(void);

CZ_NODISCARD cz_status cz__loop_create(cz__loop **out); /* becomes the thread's current loop */
void cz__loop_destroy(cz__loop *loop);
/* Run turns until cz__loop_stop(). */
void cz__loop_run(cz__loop *loop);
void cz__loop_stop(cz__loop *loop);
/* One turn that waits at most `timeout_ms` (-1: as long as it takes); for tests and commands. */
void cz__loop_turn(cz__loop *loop, int timeout_ms);

/* The monotonic time at the start of the turn, in milliseconds and microseconds. */
int64_t cz__loop_now_ms(const cz__loop *loop);
int64_t cz__loop_now_us(const cz__loop *loop);

/* Begin watching `fd`, which stays the caller's. Errors: CZ_ENOMEM, CZ_EIO (epoll_ctl). */
CZ_NODISCARD cz_status cz__watch_add(cz__loop *loop, cz__watch *watch, int fd, uint32_t wanted,
                                     void (*on_ready)(cz__watch *watch, uint32_t events));
/* Change the interest; costs a system call at the end of the turn, and only if it then differs. With 0
 * nothing is reported, not even EPOLLHUP and EPOLLERR, so a peer that is gone cannot keep the loop busy. */
void cz__watch_want(cz__loop *loop, cz__watch *watch, uint32_t wanted);
/* Of a watch with EPOLLEXCLUSIVE, which wants nothing else but EPOLLIN and 0: wait behind all others that share the descriptor. */
void cz__watch_renew(cz__loop *loop, cz__watch *watch);
/* Stop watching; safe inside any callback: no event of this turn reaches it any more. Before close(). */
void cz__watch_remove(cz__loop *loop, cz__watch *watch);

/* (Re)start a timer to fire `delay_ms` from the start of this turn, in a later turn. O(1). */
void cz__timer_set(cz__loop *loop, cz__timer *timer, int64_t delay_ms,
                   void (*on_due)(cz__timer *timer));
/* Not set: does nothing. */
void cz__timer_cancel(cz__loop *loop, cz__timer *timer);
static inline bool cz__timer_is_set(const cz__timer *timer)
{
    return timer->link != NULL;
}

void cz__turn_hook_add(cz__loop *loop, cz__turn_hook *hook);
void cz__turn_hook_remove(cz__loop *loop, cz__turn_hook *hook);

/* Call `fn(arg)` in the loop's thread, in a later turn. Context: any thread. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__loop_post(cz__loop *loop, void (*fn)(void *arg), void *arg);

/* The same without allocating, so without failing: `post` is the caller's until `fn` is called. */
typedef struct cz__post {
    void (*fn)(void *arg);
    void *arg;
    struct cz__post *next; /* private */
} cz__post;
void cz__loop_post_own(cz__loop *loop, cz__post *post);

#endif
