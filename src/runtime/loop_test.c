#include <calzone/memory.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/runtime_internal.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- The wheel against a model that looks at every timer ---- */

enum { MODEL_TIMERS = 2000, MODEL_STEPS = 4000 };

static struct {
    struct cz__wheel wheel;
    cz__timer timers[MODEL_TIMERS];
    int64_t due[MODEL_TIMERS]; /* -1: not set */
    int64_t now, last_fired;
    unsigned fired;
    uint64_t seed;
} model;

static int64_t model_delay(void)
{
    static const int64_t ranges[] = {
        1, 3, 64, 65, 4096, 5000, 262144, 300000, 20000000, 2000000000
    };
    return (int64_t)(next_random(&model.seed) % (uint64_t)ranges[next_random(&model.seed) % 10]);
}

static void model_set(size_t i);

static void model_fired(cz__timer *timer)
{
    size_t i = (size_t)(timer - model.timers);
    CZ_EXPECT(!cz__timer_is_set(timer));
    CZ_EXPECT_MSG(model.due[i] >= 0 && model.due[i] <= model.now, "fired at %lld, due %lld",
                  (long long)model.now, (long long)model.due[i]);
    CZ_EXPECT_MSG(model.due[i] >= model.last_fired, "fired out of order");
    model.last_fired = model.due[i];
    model.due[i] = -1;
    model.fired++;
    size_t other = next_random(&model.seed) % MODEL_TIMERS;
    switch (next_random(&model.seed) % 4) {
    case 0: /* a callback may cancel any timer, due ones too */
        cz__wheel_cancel(&model.wheel, &model.timers[other]);
        model.due[other] = -1;
        break;
    case 1: {
        cz__wheel_cancel(&model.wheel, &model.timers[i]);
        int64_t due = model.now + 1 + model_delay(); /* a later turn */
        model.timers[i].on_due = model_fired;
        cz__wheel_set(&model.wheel, &model.timers[i], due);
        model.due[i] = due;
        break;
    }
    default:
        break;
    }
}

static void model_set(size_t i)
{
    model.due[i] = model.now + model_delay();
    model.timers[i].on_due = model_fired;
    cz__wheel_set(&model.wheel, &model.timers[i], model.due[i]);
}

static int64_t model_next_due(void)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < MODEL_TIMERS; i++)
        if (model.due[i] >= 0 && model.due[i] < next)
            next = model.due[i];
    return next;
}

CZ_TEST(timers_fire_in_order_and_never_early_across_all_levels_of_the_wheel)
{
    for (uint64_t round = 1; round <= 5; round++) {
        memset(&model, 0, sizeof model);
        memset(model.due, 0xff, sizeof model.due);
        model.seed = round * 0x9e3779b97f4a7c15u;
        model.now = (int64_t)(next_random(&model.seed) % 100000000);
        cz__wheel_init(&model.wheel, model.now);
        for (int step = 0; step < MODEL_STEPS; step++) {
            for (int n = 0; n < 5; n++)
                model_set(next_random(&model.seed) % MODEL_TIMERS);
            int64_t next_due = model_next_due();
            CZ_EXPECT(cz__wheel_next_ms(&model.wheel) <=
                      (next_due > model.now ? next_due : model.now));
            model.now += 1 + model_delay() / (step % 7 ? 1000 : 1);
            model.last_fired = 0;
            cz__wheel_run(&model.wheel, model.now);
            CZ_EXPECT(model_next_due() > model.now); /* nothing that is due was left */
            if (cz_test_has_failed())
                return;
        }
        CZ_EXPECT(model.fired > 1000);
        for (size_t i = 0; i < MODEL_TIMERS; i++)
            cz__wheel_cancel(&model.wheel, &model.timers[i]);
        CZ_EXPECT(cz__wheel_next_ms(&model.wheel) == INT64_MAX);
    }
}

static int64_t fired_us;
static void note_time(cz__timer *timer)
{
    (void)timer;
    fired_us = cz_monotonic_us();
}

CZ_TEST(a_timer_of_the_loop_is_not_early_and_not_very_late)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    for (int64_t delay = 0; delay < 30; delay += 7) {
        cz__timer timer = { 0 };
        fired_us = 0;
        int64_t start_us = cz_monotonic_us();
        cz__timer_set(loop, &timer, delay, note_time);
        while (!fired_us)
            cz__loop_turn(loop, -1);
        CZ_EXPECT_MSG(fired_us - start_us >= delay * 1000, "%lld us after %lld ms",
                      (long long)(fired_us - start_us), (long long)delay);
        CZ_EXPECT_MSG(fired_us - start_us < delay * 1000 + 500000, "far too late");
    }
    cz__loop_destroy(loop);
}

/* ---- Watches ---- */

struct peer {
    cz__watch watch;
    struct peer *other;
    int calls;
};

static void remove_both(cz__watch *watch, uint32_t events)
{
    struct peer *peer = (struct peer *)(void *)watch;
    (void)events;
    peer->calls++;
    cz__watch_remove(cz__loop_current(), &peer->other->watch);
    cz__watch_remove(cz__loop_current(), &peer->watch);
    memset(&peer->other->watch, 0xee, sizeof peer->other->watch); /* as if freed */
}

CZ_TEST(a_watch_removed_in_a_callback_gets_no_event_of_the_same_turn)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    int fds[2];
    CZ_REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    struct peer a = { 0 }, b = { 0 };
    a.other = &b;
    b.other = &a;
    CZ_REQUIRE_OK(cz__watch_add(loop, &a.watch, fds[0], EPOLLOUT, remove_both));
    CZ_REQUIRE_OK(cz__watch_add(loop, &b.watch, fds[1], EPOLLOUT, remove_both));
    cz__loop_turn(loop, 1000);
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(a.calls + b.calls, 1);
    cz__loop_destroy(loop);
}

static void count_call(cz__watch *watch, uint32_t events)
{
    (void)events;
    ((struct peer *)(void *)watch)->calls++;
}

CZ_TEST(a_watch_that_wants_nothing_stays_silent_even_when_the_peer_is_gone)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    int fds[2];
    CZ_REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    struct peer peer = { 0 };
    CZ_REQUIRE_OK(cz__watch_add(loop, &peer.watch, fds[0], EPOLLIN, count_call));
    cz__watch_want(loop, &peer.watch, 0);
    cz__loop_turn(loop, 0);
    close(fds[1]);
    for (int i = 0; i < 3; i++)
        cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(peer.calls, 0);
    cz__watch_want(loop, &peer.watch, EPOLLIN);
    cz__watch_want(loop, &peer.watch, EPOLLIN | EPOLLRDHUP); /* twice in a turn: one change */
    cz__loop_turn(loop, 1000);
    CZ_EXPECT_EQ(peer.calls, 1);
    cz__watch_want(loop, &peer.watch, 0);
    cz__watch_remove(loop, &peer.watch); /* with a change pending */
    cz__loop_turn(loop, 0);
    close(fds[0]);
    cz__loop_destroy(loop);
}

/* ---- Hooks and posts ---- */

static struct hook {
    cz__turn_hook hook;
    int calls;
} hooks[3];

static void remove_next_hook(cz__turn_hook *hook)
{
    struct hook *self = (struct hook *)(void *)hook;
    self->calls++;
    cz__turn_hook_remove(cz__loop_current(), &hooks[0].hook); /* the one that would come next */
    cz__turn_hook_remove(cz__loop_current(), hook);
}

static void count_hook(cz__turn_hook *hook)
{
    ((struct hook *)(void *)hook)->calls++;
}

CZ_TEST(turn_hooks_may_remove_themselves_and_others)
{
    cz__loop *loop;
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    hooks[0].hook.on_turn_end = hooks[2].hook.on_turn_end = count_hook;
    hooks[1].hook.on_turn_end = remove_next_hook;
    for (int i = 0; i < 3; i++)
        cz__turn_hook_add(loop, &hooks[i].hook);
    cz__loop_turn(loop, 0);
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(hooks[0].calls, 0);
    CZ_EXPECT_EQ(hooks[1].calls, 1);
    CZ_EXPECT_EQ(hooks[2].calls, 2);
    cz__loop_destroy(loop);
}

enum { POSTERS = 4, POSTS_EACH = 5000 };
static int posts_seen[POSTERS];

struct posted {
    int poster, number;
};

static void post_arrived(void *arg)
{
    struct posted *posted = arg;
    CZ_EXPECT_EQ(posted->number, posts_seen[posted->poster]); /* in order for each sender */
    posts_seen[posted->poster]++;
    cz_free(posted);
}

static cz__loop *posting_loop;

static void *post_many(void *arg)
{
    for (int i = 0; i < POSTS_EACH; i++) {
        struct posted *posted = cz_malloc(sizeof *posted);
        *posted = (struct posted){ (int)(intptr_t)arg, i };
        if (cz__loop_post(posting_loop, post_arrived, posted))
            abort();
    }
    return NULL;
}

CZ_TEST(posts_of_many_threads_all_arrive_each_threads_in_order)
{
    CZ_REQUIRE_OK(cz__loop_create(&posting_loop));
    pthread_t threads[POSTERS];
    for (intptr_t i = 0; i < POSTERS; i++)
        CZ_REQUIRE(!pthread_create(&threads[i], NULL, post_many, (void *)i));
    int total = 0;
    while (total < POSTERS * POSTS_EACH && !cz_test_has_failed()) {
        cz__loop_turn(posting_loop, 5000);
        total = 0;
        for (int i = 0; i < POSTERS; i++)
            total += posts_seen[i];
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    cz__loop_destroy(posting_loop);
}

static void note_post(void *arg)
{
    ++*(int *)arg;
}

CZ_TEST(without_memory_a_loop_is_not_made_and_a_post_is_refused)
{
    cz__loop *loop = NULL;
    cz_status status = CZ_ENOMEM;
    for (uint64_t n = 1; status; n++) { /* builds without CZ_FAULTS succeed at once */
        cz__alloc_fail_at(n, false);
        status = cz__loop_create(&loop);
        cz__alloc_fail_at(0, false);
        CZ_EXPECT(!status || status == CZ_ENOMEM);
        CZ_EXPECT((loop != NULL) == (status == CZ_OK) && cz__loop_current() == loop);
    }
    int arrived = 0, refused = 0;
    for (uint64_t n = 1; n < 4; n++) {
        cz__alloc_fail_at(n, false);
        refused += cz__loop_post(loop, note_post, &arrived) == CZ_ENOMEM;
        cz__alloc_fail_at(0, false);
    }
    cz__loop_turn(loop, 0);
    CZ_EXPECT_EQ(arrived + refused, 3);
    cz__loop_destroy(loop);
}
