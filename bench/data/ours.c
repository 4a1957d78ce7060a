/* The data layer at work: what bench/run-data measures beside limit.c and Django.
 *
 *     bench-data MODE COUNT [IN_FLIGHT]      the database is DATABASE_URL's
 *
 *     sql      print the SELECT of one row by key and the INSERT of one row, which the limit sends as well
 *     make     the table; COUNT rows by cz_bulk_create()
 *     get      COUNT rows by key, IN_FLIGHT fibers (0: none, outside a loop)
 *     iterate  all rows by cz_iterator_begin(), 2,000 at a time
 *     chunks   the same by cz_chunks_begin()
 *     alone    COUNT queries by key, of IN_FLIGHT fibers, and how long each waited
 *     beside   the same beside a query of five seconds; beside-first: one that is thought short at first
 *
 * It prints "name value" lines: us (per row or query), cpu_us (of this process, the same), peak_kb (VmHWM). */
#include "measure.h"
#include <calzone/calzone.h>
#include "orm/orm_internal.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"

#define ITEM(F)                                                                                    \
    F(char_field, name, .max_length = 200)                                                         \
    F(text_field, description)                                                                     \
    F(float_field, price)                                                                          \
    F(big_int_field, quantity)                                                                     \
    F(datetime_field, created_at)
CZ_MODEL(Item, ITEM, .table = "items");

enum { PART_ROWS = 2000, WARM_UP = 1000, SAMPLES_MAX = 1 << 20 };

static struct {
    int64_t count, left, rows;
    unsigned running;
    uint64_t random;
    int64_t sum; /* of what was read, so that it is */
    uint32_t *waits;
    size_t wait_count;
} work = { .random = 42 };

static void die(const char *what, const cz_error *err)
{
    fprintf(stderr, "bench-data: %s: %s\n", what, err ? cz_error_message(err) : "failed");
    exit(1);
}

/* ---- what is measured ---- */

static int64_t next_key(void)
{
    work.random ^= work.random << 13;
    work.random ^= work.random >> 7;
    work.random ^= work.random << 17;
    return (int64_t)(work.random % (uint64_t)work.rows) + 1;
}

static void get_one(cz_ctx *ctx, void *arg)
{
    (void)arg;
    const Item *item = cz_get(ctx, Item, .where = CZ_Q(Item, id, EXACT, next_key()));
    work.sum += item->quantity + item->created_at.us + (int64_t)item->name.len;
}

/* One unit of work: its arena is emptied afterwards, as a request's is. */
static void run_unit(void (*fn)(cz_ctx *ctx, void *arg), cz_arena *arena)
{
    cz_ctx ctx;
    cz_error err;
    cz_ctx_init(&ctx, arena);
    if (cz__fiber_current())
        cz__fiber_attach(&ctx);
    if (cz_try(&ctx, fn, NULL, &err))
        die("a unit of work", &err);
    cz_ctx_done(&ctx);
    if (cz__fiber_current())
        cz__fiber_attach(NULL);
    cz_arena_reset(arena);
}

static void get_many(void *arg)
{
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        die("memory", NULL);
    while (work.left-- > 0) {
        int64_t before = arg ? cz_monotonic_us() : 0;
        run_unit(get_one, arena);
        if (arg && work.wait_count < SAMPLES_MAX)
            work.waits[work.wait_count++] = (uint32_t)(cz_monotonic_us() - before);
    }
    cz_arena_destroy(arena);
    work.running--;
}

static void count_rows(cz_ctx *ctx, void *arg)
{
    (void)arg;
    work.rows = cz_count(ctx, Item);
}

static void make(cz_ctx *ctx, void *arg)
{
    size_t count = (size_t)work.count;
    (void)arg;
    cz__tables_create(ctx);
    Item **items = cz_array(ctx, Item *, count);
    begin_measure(); /* as Django, with the objects */
    for (size_t i = 0; i < count; i++) {
        items[i] = cz_row_new(ctx, Item);
        cz_set(ctx, items[i], name, cz_format(ctx, "Alpha bravo %zu", i));
        cz_set(ctx, items[i], description,
               "charlie delta echo foxtrot golf hotel india juliet kilo lima");
        cz_set(ctx, items[i], price, (double)(i % 1000) + 0.25);
        cz_set(ctx, items[i], quantity, (int64_t)(i % 500));
        cz_set(ctx, items[i], created_at,
               ((cz_datetime){ 1767225600000000 + (int64_t)i * 1000000 }));
    }
    int64_t made_us = cz_monotonic_us();
    cz_bulk_create(ctx, Item, items, count);
    work.sum = items[count - 1]->id > 0;
    printf("store_us %.3f\n", (double)(cz_monotonic_us() - made_us) / (double)count);
    report_measure(work.count, work.sum);
}

static void use(const Item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        work.sum += items[i].quantity + items[i].created_at.us + (int64_t)items[i].name.len;
    work.count += (int64_t)count;
}

static void iterate(cz_ctx *ctx, void *arg)
{
    (void)arg;
    work.count = 0;
    begin_measure();
    cz_iterator *all = cz_iterator_begin(ctx, Item, PART_ROWS);
    for (cz_rows(Item) items; (items = cz_iterator_next(all, Item)).count;)
        use(items.items, items.count);
    report_measure(work.count, work.sum);
}

static void chunks(cz_ctx *ctx, void *arg)
{
    (void)arg;
    work.count = 0;
    begin_measure();
    cz_chunks *all = cz_chunks_begin(ctx, Item, PART_ROWS);
    for (cz_rows(Item) items; (items = cz_chunks_next(all, Item)).count;)
        use(items.items, items.count);
    report_measure(work.count, work.sum);
}

static void print_sql(cz_ctx *ctx, void *arg)
{
    struct cz__shape shape;
    struct cz__assign assigns[5] = { { 0 } };
    cz_query query = {
        .model = &Item__model, .where = CZ_Q(Item, id, EXACT, 1), .limit = 2, .unordered = true
    };
    struct cz__plan_request get = { .kind = CZ__PLAN_SELECT, .query = &query };
    cz_query all = { .model = &Item__model };
    struct cz__plan_request insert = {
        .kind = CZ__PLAN_INSERT, .query = &all, .assigns = assigns, .assign_count = 5
    };
    struct cz__plan_request every = { .kind = CZ__PLAN_SELECT, .query = &all };
    (void)arg;
    for (uint16_t i = 0; i < 5; i++)
        assigns[i] = (struct cz__assign){ (uint16_t)(i + 1), CZ__VALUE_NULL, NULL };
    printf("get %s\n", cz__plan_for(ctx, cz__session(ctx), &get, &shape)->statement.sql.ptr);
    printf("insert %s\n", cz__plan_for(ctx, cz__session(ctx), &insert, &shape)->statement.sql.ptr);
    printf("all %s\n", cz__plan_for(ctx, cz__session(ctx), &every, &shape)->statement.sql.ptr);
}

/* A query that takes five seconds. Hand-written SQL runs on the pool; what the ORM writes and numbers goes on a
 * pipeline the first time. */
static void query_slowly(cz_ctx *ctx, uint32_t number)
{
    cz__db_statement slow = { .sql = { "SELECT count(*) FROM pg_sleep(5)", 32 }, .number = number };
    cz__db_cursor cursor;
    cz_error err;
    cz__db_session *session = cz__session(ctx);
    if (session->db->driver->select(ctx, session, &slow, NULL, 0, &cursor, &err))
        cz_raise_error(ctx, &err);
    session->db->driver->finish(&cursor);
}

static void query_on_pool(cz_ctx *ctx, void *arg)
{
    (void)arg;
    query_slowly(ctx, CZ__STATEMENT_UNCACHED);
}

static void query_on_pipeline(cz_ctx *ctx, void *arg)
{
    (void)arg;
    query_slowly(ctx, 90000);
}

static void slow_fiber(void *arg)
{
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        die("memory", NULL);
    int64_t before = cz_monotonic_us();
    run_unit(arg ? query_on_pipeline : query_on_pool, arena);
    printf("slow_s %.2f\n", (double)(cz_monotonic_us() - before) / 1e6);
    cz_arena_destroy(arena);
    work.running--;
}

/* ---- with and without a loop ---- */

static void open_database(void)
{
    cz_error err;
    const char *url = getenv("DATABASE_URL");
    if (cz__db_open(cz_str_from(url ? url : ""), &cz__db_default, &err))
        die("DATABASE_URL", &err);
}

static int outside(void (*fn)(cz_ctx *ctx, void *arg))
{
    cz_arena *arena;
    open_database();
    if (cz_arena_create(NULL, 0, &arena))
        die("memory", NULL);
    run_unit(fn, arena);
    cz_arena_destroy(arena);
    cz__db_close(cz__db_default);
    return 0;
}

static void start(void (*fn)(void *arg), void *arg)
{
    work.running++;
    if (cz__fiber_start(fn, arg))
        die("a fiber", NULL);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report_waits(void)
{
    size_t n = work.wait_count;
    qsort(work.waits, n, sizeof *work.waits, by_value);
    printf("queries %zu\np50_ms %.3f\np99_ms %.3f\nmax_ms %.3f\n", n, work.waits[n / 2] / 1e3,
           work.waits[n * 99 / 100] / 1e3, work.waits[n - 1] / 1e3);
}

static void turns(cz__loop *loop)
{
    while (work.running)
        cz__loop_turn(loop, 100);
}

static int in_loop(const char *mode, unsigned fibers)
{
    cz__loop *loop;
    bool beside = strcmp(mode, "get") != 0;
    int64_t count = work.count;
    if (cz__loop_create(&loop) || cz__fibers_init(NULL))
        die("the loop", NULL);
    open_database();
    work.left = WARM_UP;
    for (unsigned i = 0; i < fibers; i++)
        start(get_many, NULL);
    turns(loop);
    work.left = count;
    work.sum = 0;
    begin_measure();
    if (beside) {
        work.waits = malloc(SAMPLES_MAX * sizeof *work.waits);
        if (strcmp(mode, "alone"))
            start(slow_fiber, strcmp(mode, "beside-first") ? NULL : &work);
    }
    for (unsigned i = 0; i < fibers; i++)
        start(get_many, beside ? &work : NULL);
    turns(loop);
    report_measure(count, work.sum);
    if (beside)
        report_waits();
    cz__loop_turn(loop, 0);
    cz__db_close(cz__db_default);
    return 0;
}

static int without_loop(void)
{
    open_database();
    work.running = 2;
    int64_t count = work.count;
    work.left = WARM_UP;
    get_many(NULL);
    work.left = count;
    work.sum = 0;
    begin_measure();
    get_many(NULL);
    report_measure(count, work.sum);
    cz__db_close(cz__db_default);
    return 0;
}

int main(int argc, char **argv)
{
    static cz_model *const models[] = { &Item__model };
    cz_error err;
    const char *mode = argc > 2 ? argv[1] : "";
    unsigned fibers = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    if (cz__models_add("bench", models, CZ_COUNT(models), &err) || cz__models_resolve(&err))
        die("the model", &err);
    work.count = argc > 2 ? strtoll(argv[2], NULL, 10) : 0;
    if (!strcmp(mode, "sql"))
        return outside(print_sql);
    if (!strcmp(mode, "make"))
        return outside(make);
    if (!strcmp(mode, "iterate"))
        return outside(iterate);
    if (!strcmp(mode, "chunks"))
        return outside(chunks);
    if (strcmp(mode, "get") && strcmp(mode, "alone") && strncmp(mode, "beside", 6)) {
        fputs("usage: bench-data sql|make|get|iterate|chunks|alone|beside|beside-first COUNT "
              "[IN_FLIGHT]\n",
              stderr);
        return 2;
    }
    cz_ignore(outside(count_rows));
    return fibers ? in_loop(mode, fibers) : without_loop();
}
