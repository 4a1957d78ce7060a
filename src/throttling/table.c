/* The counters of throttles, in memory that all workers of a site share.
 *
 * A counter is a log of hits, as DRF's: a hit counts for one period from when it came, so no period, wherever it
 * begins, has more hits than the rate. A log of 26 million timestamps has no place here; one of RUNS runs has. Hits
 * that come within a step of a run's first one join it, and a run counts until the last hit that may have joined it is
 * a period old: hits are forgotten late by a step at most, never early. A rate of up to RUNS - 2 hits needs no joining
 * and is exact; of a larger one the step is a thirtieth of the period.
 *
 * The table is as a processor's cache: a key belongs to a set of WAYS entries. When all of a set are in use the one
 * that is least full is given up, so a flood of new keys drives out other new keys and not who is at the limit.
 *
 * Everything changes under one mutex, which outlives its holder. Before an entry is changed it is kept in `undo`;
 * whoever finds that the holder has died puts it back, so a worker killed in the middle has not counted and nothing is
 * half done. It holds no pointer. */
#include "base/shared_mutex.h"
#include "runtime/shared_memory.h"
#include "throttling/throttling_internal.h"
#include <calzone/random.h>
#include <stdio.h>
#include <sys/mman.h>

enum { WAYS = CZ__HITS_MAX, RUNS = 32, STEPS = RUNS - 2 };

struct entry {
    int64_t until_us; /* when its last run is forgotten; 0: it has none */
    uint32_t hits_max, run_count;
    int64_t begun_us[RUNS]; /* oldest first */
    uint32_t hits[RUNS];
};

struct set {
    uint64_t keys[WAYS][2]; /* both 0: free; beside each other, as all are looked at */
    struct entry entries[WAYS];
};

struct undo {
    uint64_t key[2];
    struct entry entry;
    size_t set;
    unsigned way;
};

/* Another layout has another number, so that a reload to a program with that begins with a table of its own. */
enum { LAYOUT_VERSION = 1 };

struct cz__throttle_table {
    uint8_t secrets[2][16];
    pthread_mutex_t mutex;
    size_t set_count, bytes; /* a power of two; of the mapping */
    uint32_t undo_count;     /* 0: nothing is being changed */
    struct undo undo[CZ__HITS_MAX];
    struct set sets[];
};

cz_status cz__throttle_table_create(size_t entry_count, cz__throttle_table **out)
{
    size_t set_count = 1;
    while (set_count * WAYS < entry_count)
        set_count *= 2;
    cz__throttle_table *table;
    void *memory;
    char name[60];
    bool fresh;
    size_t bytes = sizeof *table + set_count * sizeof *table->sets;
    cz_ignore(snprintf(name, sizeof name, "throttles %d %zu", LAYOUT_VERSION, bytes)); /* fits */
    if (cz__shared_memory_open(name, bytes, &memory, &fresh))
        return CZ_ENOMEM;
    table = memory;
    if (!fresh) {
        *out = table;
        return CZ_OK;
    }
    if (!cz__shared_mutex_init(&table->mutex)) {
        munmap(table, bytes);
        return CZ_ENOMEM;
    }
    cz_random_bytes(table->secrets, sizeof table->secrets);
    table->set_count = set_count;
    table->bytes = bytes;
    *out = table;
    return CZ_OK;
}

const uint8_t (*cz__throttle_table_secrets(const cz__throttle_table *table))[16]
{
    return table->secrets;
}

void cz__throttle_table_destroy(cz__throttle_table *table)
{
    if (table)
        munmap(table, table->bytes);
}

/* ---- changes that a death undoes ---- */

/* The compiler may not move a store over these: a process that dies has done those before and none after. */
static void set_undo_count(cz__throttle_table *table, uint32_t count)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&table->undo_count, count, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void keep(cz__throttle_table *table, size_t set, unsigned way)
{
    struct undo *undo = &table->undo[table->undo_count];
    memcpy(undo->key, table->sets[set].keys[way], sizeof undo->key);
    undo->entry = table->sets[set].entries[way];
    undo->set = set;
    undo->way = way;
    set_undo_count(table, table->undo_count + 1);
}

static void roll_back(cz__throttle_table *table)
{
    while (table->undo_count) { /* dying here again does no harm */
        const struct undo *undo = &table->undo[table->undo_count - 1];
        memcpy(table->sets[undo->set].keys[undo->way], undo->key, sizeof undo->key);
        table->sets[undo->set].entries[undo->way] = undo->entry;
        set_undo_count(table, table->undo_count - 1);
    }
}

static bool is_kept(const cz__throttle_table *table, size_t set, unsigned way)
{
    for (uint32_t i = 0; i < table->undo_count; i++)
        if (table->undo[i].set == set && table->undo[i].way == way)
            return true;
    return false;
}

/* ---- one counter ---- */

int64_t cz__rate_step_us(const cz__rate *rate)
{
    return rate->hits <= STEPS ? 0 : (rate->period_us + STEPS - 1) / STEPS;
}

/* How long a run counts from its begin. */
static int64_t span_of(const cz__rate *rate)
{
    return rate->period_us + cz__rate_step_us(rate);
}

static uint32_t first_counted(const struct entry *entry, int64_t span_us, int64_t now_us)
{
    uint32_t first = 0;
    while (first < entry->run_count && entry->begun_us[first] + span_us <= now_us)
        first++;
    return first;
}

/* Say what is left before this hit. `entry`: NULL for a key that has none. */
static void judge(struct cz__hit *hit, const struct entry *entry, int64_t now_us)
{
    int64_t span_us = span_of(&hit->rate);
    uint32_t first = entry ? first_counted(entry, span_us, now_us) : 0, counted = 0;
    for (uint32_t i = first; entry && i < entry->run_count; i++)
        counted += entry->hits[i];
    cz_assert(counted <= hit->rate.hits); /* the key is of this rate alone */
    hit->left = hit->rate.hits - counted;
    hit->reset_us = counted ? entry->begun_us[first] + span_us - now_us : span_us;
    hit->wait_us = hit->left ? 0 : hit->reset_us;
}

static void count_hit(struct entry *entry, const cz__rate *rate, int64_t now_us)
{
    uint32_t first = first_counted(entry, span_of(rate), now_us);
    entry->run_count -= first;
    memmove(entry->begun_us, entry->begun_us + first, entry->run_count * sizeof *entry->begun_us);
    memmove(entry->hits, entry->hits + first, entry->run_count * sizeof *entry->hits);
    uint32_t last = entry->run_count - 1; /* wraps when there is none */
    if (entry->run_count && now_us <= entry->begun_us[last] + cz__rate_step_us(rate)) {
        entry->hits[last]++;
    } else {
        cz_assert(entry->run_count < RUNS); /* runs begin more than a step apart */
        last = entry->run_count++;
        entry->begun_us[last] = now_us;
        entry->hits[last] = 1;
    }
    entry->hits_max = rate->hits;
    entry->until_us = entry->begun_us[last] + span_of(rate);
}

/* ---- the table ---- */

static size_t set_of(const cz__throttle_table *table, const uint64_t key[2])
{
    return (size_t)key[0] & (table->set_count - 1);
}

static bool is_key(const uint64_t a[2], const uint64_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

/* The way of the key's entry; WAYS: it has none. */
static unsigned find(const struct set *set, const uint64_t key[2])
{
    unsigned way = 0;
    while (way < WAYS && !is_key(set->keys[way], key))
        way++;
    return way;
}

/* In thousandths of what its rate allows, whether forgotten or not. */
static uint64_t fullness(const struct entry *entry)
{
    uint64_t hits = 0;
    for (uint32_t i = 0; i < entry->run_count; i++)
        hits += entry->hits[i];
    return entry->hits_max ? hits * 1000 / entry->hits_max : 0;
}

/* The way whose entry is missed least. None of this request's: WAYS is as many as it may have. */
static unsigned choose_victim(const cz__throttle_table *table, size_t set_index, int64_t now_us)
{
    const struct set *set = &table->sets[set_index];
    unsigned victim = WAYS;
    uint64_t least = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        if (is_kept(table, set_index, way))
            continue;
        const struct entry *entry = &set->entries[way];
        if (entry->until_us <= now_us)
            return way;
        uint64_t full = fullness(entry);
        if (victim == WAYS || full < least ||
            (full == least && entry->until_us < set->entries[victim].until_us)) {
            victim = way;
            least = full;
        }
    }
    cz_assert(victim < WAYS);
    return victim;
}

static void take_one(cz__throttle_table *table, struct cz__hit *hit, int64_t now_us, bool *evicted)
{
    size_t set_index = set_of(table, hit->key);
    struct set *set = &table->sets[set_index];
    unsigned way = find(set, hit->key);
    bool is_new = way == WAYS;
    if (is_new)
        way = choose_victim(table, set_index, now_us);
    struct entry *entry = &set->entries[way];
    if (is_new) {
        keep(table, set_index, way);
        *evicted |= entry->until_us > now_us;
        entry->run_count = 0;
        memcpy(set->keys[way], hit->key, sizeof hit->key);
    }
    count_hit(entry, &hit->rate, now_us);
    hit->left--;
}

static bool judge_all(const cz__throttle_table *table, struct cz__hit *hits, size_t hit_count,
                      int64_t now_us)
{
    bool pass = true;
    for (size_t i = 0; i < hit_count; i++) {
        const struct set *set = &table->sets[set_of(table, hits[i].key)];
        unsigned way = find(set, hits[i].key);
        judge(&hits[i], way < WAYS ? &set->entries[way] : NULL, now_us);
        pass &= hits[i].left > 0;
    }
    return pass;
}

/* A request that had looked at the clock before another that was counted first. */
static int64_t latest(const cz__throttle_table *table, const struct cz__hit *hits, size_t hit_count,
                      int64_t now_us)
{
    for (size_t i = 0; i < hit_count; i++) {
        const struct set *set = &table->sets[set_of(table, hits[i].key)];
        unsigned way = find(set, hits[i].key);
        const struct entry *entry = &set->entries[way % WAYS];
        if (way < WAYS && entry->run_count && entry->begun_us[entry->run_count - 1] > now_us)
            now_us = entry->begun_us[entry->run_count - 1];
    }
    return now_us;
}

/* Those that are there first: room for a new one is made of others. */
static void take_all(cz__throttle_table *table, struct cz__hit *hits, size_t hit_count,
                     int64_t now_us, bool *evicted)
{
    for (size_t i = 0; i < hit_count; i++) {
        size_t set_index = set_of(table, hits[i].key);
        unsigned way = find(&table->sets[set_index], hits[i].key);
        if (way < WAYS)
            keep(table, set_index, way);
    }
    for (size_t i = 0; i < hit_count; i++)
        take_one(table, &hits[i], now_us, evicted);
}

bool cz__throttle_table_take(cz__throttle_table *table, struct cz__hit *hits, size_t count,
                             int64_t now_us, bool *out_evicted)
{
    cz_assert(count <= CZ__HITS_MAX);
    *out_evicted = false;
    if (cz__shared_mutex_lock(&table->mutex))
        roll_back(table);
    now_us = latest(table, hits, count, now_us);
    bool pass = judge_all(table, hits, count, now_us);
    if (pass)
        take_all(table, hits, count, now_us, out_evicted);
    set_undo_count(table, 0);
    pthread_mutex_unlock(&table->mutex);
    return pass;
}
