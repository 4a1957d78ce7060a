/* The timer wheel.
 *
 * Due times are written in base 64. A timer lies at the highest digit in which its due time differs from
 * the wheel's tick, so setting one is a subtraction-free O(1): exclusive or, count leading zeroes, link.
 * When the tick enters a slot of a higher level, the slot's timers move to lower ones; each timer moves
 * at most once a level. A bitmap per level finds the next slot without looking at empty ones, so time may
 * jump by any amount at no cost.
 *
 * Invariant: a timer of level n shares all digits above n with the tick and has a greater digit n. So the
 * lowest level that holds anything holds the next to happen, and no slot wraps around.
 */
#include "runtime/runtime_internal.h"

enum { DIGIT_BITS = 6, DIGIT_MASK = 63 };

void cz__wheel_init(struct cz__wheel *wheel, int64_t now_ms)
{
    *wheel = (struct cz__wheel){ .tick_ms = now_ms };
    wheel->due_end = &wheel->due;
}

static void link_at(cz__timer *timer, cz__timer **head)
{
    timer->next = *head;
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = head;
    *head = timer;
}

static void unlink_timer(struct cz__wheel *wheel, cz__timer *timer)
{
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    else if (wheel->due_end == &timer->next)
        wheel->due_end = timer->link;
    timer->next = NULL;
    timer->link = NULL;
}

static void append_due(struct cz__wheel *wheel, cz__timer *timer)
{
    timer->next = NULL;
    timer->link = wheel->due_end;
    *wheel->due_end = timer;
    wheel->due_end = &timer->next;
}

static void place(struct cz__wheel *wheel, cz__timer *timer)
{
    uint64_t difference = (uint64_t)timer->due_ms ^ (uint64_t)wheel->tick_ms;
    int level = (63 - __builtin_clzll(difference)) / DIGIT_BITS;
    if (level >= CZ__WHEEL_LEVELS) { /* more than a century away: as far as the wheel reaches */
        level = CZ__WHEEL_LEVELS - 1;
        timer->due_ms = wheel->tick_ms | (((int64_t)1 << (DIGIT_BITS * CZ__WHEEL_LEVELS)) - 1);
    }
    unsigned slot = (unsigned)(timer->due_ms >> (DIGIT_BITS * level)) & DIGIT_MASK;
    link_at(timer, &wheel->slots[level][slot]);
    wheel->occupied[level] |= (uint64_t)1 << slot;
}

void cz__wheel_set(struct cz__wheel *wheel, cz__timer *timer, int64_t due_ms)
{
    cz__wheel_cancel(wheel, timer);
    timer->due_ms = due_ms;
    if (due_ms <= wheel->tick_ms)
        link_at(timer, &wheel->soon);
    else
        place(wheel, timer);
}

void cz__wheel_cancel(struct cz__wheel *wheel, cz__timer *timer)
{
    if (!timer->link)
        return;
    cz__timer **head = timer->link;
    unlink_timer(wheel, timer);
    /* Was it the last of a slot? Then the head that it left is one of the wheel's. */
    cz__timer **first = &wheel->slots[0][0];
    if (!*head && head >= first && head < first + CZ__WHEEL_LEVELS * CZ__WHEEL_SLOTS) {
        size_t index = (size_t)(head - first);
        wheel->occupied[index / CZ__WHEEL_SLOTS] &= ~((uint64_t)1 << (index % CZ__WHEEL_SLOTS));
    }
}

/* The first slot to come into its time: its level, or -1, and when. */
static int next_slot(const struct cz__wheel *wheel, unsigned *out_slot, int64_t *out_ms)
{
    for (int level = 0; level < CZ__WHEEL_LEVELS; level++) {
        if (!wheel->occupied[level])
            continue;
        unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
        int shift = DIGIT_BITS * level;
        int64_t above = wheel->tick_ms >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
        *out_slot = slot;
        *out_ms = above | (int64_t)slot << shift;
        return level;
    }
    return -1;
}

/* Take one slot out: what is due now joins the due list, the rest moves to lower levels. */
static void open_slot(struct cz__wheel *wheel, int level, unsigned slot)
{
    cz__timer *timer = wheel->slots[level][slot];
    wheel->slots[level][slot] = NULL;
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    while (timer) {
        cz__timer *next = timer->next;
        if (timer->due_ms <= wheel->tick_ms)
            append_due(wheel, timer);
        else
            place(wheel, timer);
        timer = next;
    }
}

void cz__wheel_run(struct cz__wheel *wheel, int64_t now_ms)
{
    while (wheel->soon) {
        cz__timer *timer = wheel->soon;
        unlink_timer(wheel, timer);
        append_due(wheel, timer);
    }
    unsigned slot;
    int64_t when;
    int level;
    while ((level = next_slot(wheel, &slot, &when)) >= 0 && when <= now_ms) {
        wheel->tick_ms = when;
        open_slot(wheel, level, slot);
    }
    if (now_ms > wheel->tick_ms)
        wheel->tick_ms = now_ms;
    while (wheel->due) { /* a callback may cancel any other, and set any but for a later turn */
        cz__timer *timer = wheel->due;
        unlink_timer(wheel, timer);
        timer->on_due(timer);
    }
}

int64_t cz__wheel_next_ms(const struct cz__wheel *wheel)
{
    if (wheel->soon)
        return wheel->tick_ms;
    unsigned slot;
    int64_t when;
    return next_slot(wheel, &slot, &when) < 0 ? INT64_MAX : when;
}
