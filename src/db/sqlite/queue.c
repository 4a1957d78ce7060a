/* Whose turn it is to write, among the processes of a site.
 *
 * SQLite's own lock is not fair: whoever tries at the right moment has it, and the others sleep and try again.
 * The workers of a site therefore draw tickets and write in their order. The queue lives in memory that the
 * master maps before it forks; it holds no pointer, and only ever says who is to try next. The lock itself stays
 * SQLite's: processes that are not in the queue, as commands, take it by trying, and a queue in disorder would
 * cost fairness, not data.
 *
 * A process has one slot for a database it has open. Its ticket there is that of its fiber that has waited
 * longest; `holds` says that it is its turn. The slot's mutex `alive` is held as long as the process uses the
 * slot, and the kernel marks it when the process dies, also by SIGKILL. Whoever waits looks at that now and then
 * (write.c), so a turn that died is passed on. Fields are changed under `lock`, which survives its holder
 * likewise; each change is one store, and every state in between is one that choose() can go on from.
 *
 * Who is passed the turn is told by an eventfd, one a slot, that all workers have inherited. */
#include "base/shared_mutex.h"
#include "db/sqlite/sqlite_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { QUEUE_MAGIC = 0x637a7171, QUEUE_VERSION = 1, SLOTS_MAX = 1024, SLOTS_PER_PROCESS = 2 };

struct slot {
    pthread_mutex_t alive;
    uint64_t database; /* 0: the slot is free */
    uint64_t ticket;   /* 0: nobody waits */
    uint32_t holds;
};

struct queue {
    uint32_t magic, version, slot_count;
    pthread_mutex_t lock;
    uint64_t last_ticket;
    struct slot slots[];
};

static struct queue *shared; /* NULL: each process is alone */
static int *wake_fds;        /* by slot */

cz_status cz__sqlite_share(unsigned processes, cz_error *err)
{
    unsigned count = processes * SLOTS_PER_PROCESS;
    if (shared || count < 2)
        return CZ_OK;
    if (count > SLOTS_MAX)
        count = SLOTS_MAX;
    size_t bytes = sizeof *shared + count * sizeof *shared->slots;
    int *fds = cz_calloc(count, sizeof *fds);
    struct queue *queue =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ok = fds && queue != MAP_FAILED && cz__shared_mutex_init(&queue->lock);
    unsigned made = 0;
    for (; ok && made < count; made++) {
        fds[made] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        ok = fds[made] >= 0 && cz__shared_mutex_init(&queue->slots[made].alive);
    }
    if (!ok) {
        for (unsigned i = 0; i < made; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        cz_free(fds);
        if (queue != MAP_FAILED)
            munmap(queue, bytes);
        return cz_error_set(err, CZ_ENOMEM, "no memory for the queue of writers");
    }
    queue->magic = QUEUE_MAGIC;
    queue->version = QUEUE_VERSION;
    queue->slot_count = count;
    wake_fds = fds;
    shared = queue;
    return CZ_OK;
}

static void lock(void)
{
    cz_assert(shared->magic == QUEUE_MAGIC && shared->version == QUEUE_VERSION);
    cz_ignore(cz__shared_mutex_lock(&shared->lock)); /* each change is one store */
}

static void unlock(void)
{
    pthread_mutex_unlock(&shared->lock);
}

/* Take a mutex that nobody alive holds. */
static bool take_if_dead(pthread_mutex_t *mutex)
{
    int code = pthread_mutex_trylock(mutex);
    if (code == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    return code == 0 || code == EOWNERDEAD;
}

static void free_slot(struct slot *slot)
{
    slot->holds = 0;
    slot->ticket = 0;
    slot->database = 0;
}

static void free_dead_slots(void)
{
    for (uint32_t i = 0; i < shared->slot_count; i++) {
        struct slot *slot = &shared->slots[i];
        if (slot->database && take_if_dead(&slot->alive)) {
            free_slot(slot);
            pthread_mutex_unlock(&slot->alive);
        }
    }
}

/* When it is nobody's turn, give it to the lowest ticket. */
static void choose(uint64_t database, int self)
{
    int next = -1;
    for (uint32_t i = 0; i < shared->slot_count; i++) {
        const struct slot *slot = &shared->slots[i];
        if (slot->database != database)
            continue;
        if (slot->holds)
            return;
        if (slot->ticket && (next < 0 || slot->ticket < shared->slots[next].ticket))
            next = (int)i;
    }
    if (next < 0)
        return;
    shared->slots[next].holds = 1;
    uint64_t one = 1;
    if (next != self)
        cz_ignore(write(wake_fds[next], &one, sizeof one) ==
                  sizeof one); /* full: it is told already */
}

int cz__queue_join(uint64_t database)
{
    if (!shared)
        return -1;
    int joined = -1;
    lock();
    free_dead_slots();
    for (uint32_t i = 0; i < shared->slot_count && joined < 0; i++) {
        struct slot *slot = &shared->slots[i];
        if (slot->database || !take_if_dead(&slot->alive))
            continue;
        free_slot(slot);
        slot->database = database;
        joined = (int)i;
    }
    unlock();
    return joined;
}

void cz__queue_leave(int slot)
{
    lock();
    uint64_t database = shared->slots[slot].database;
    free_slot(&shared->slots[slot]);
    choose(database, slot);
    pthread_mutex_unlock(&shared->slots[slot].alive);
    unlock();
}

int cz__queue_wake_fd(int slot)
{
    return wake_fds[slot];
}

uint64_t cz__queue_ticket(void)
{
    return __atomic_add_fetch(&shared->last_ticket, 1, __ATOMIC_RELAXED);
}

bool cz__queue_enter(int slot, uint64_t ticket)
{
    struct slot *self = &shared->slots[slot];
    lock();
    self->ticket = ticket;
    choose(self->database, slot);
    bool ours = self->holds;
    unlock();
    return ours;
}

bool cz__queue_pass(int slot, uint64_t ticket)
{
    struct slot *self = &shared->slots[slot];
    lock();
    self->ticket = ticket;
    self->holds = 0;
    choose(self->database, slot);
    bool ours = self->holds;
    unlock();
    return ours;
}

bool cz__queue_look(int slot)
{
    struct slot *self = &shared->slots[slot];
    lock();
    if (!self->holds) {
        free_dead_slots();
        choose(self->database, slot);
    }
    bool ours = self->holds;
    unlock();
    return ours;
}
