/* Many writers of one SQLite file: rows a second and how long a write waits.
 *
 *     bench-writes [--workers 4] [--fibers 8] [--seconds 5] [--atomic] [--read] [--no-queue] [FOLDER]
 *
 * Each worker is a process with a loop; each of its fibers inserts row after row, each in a transaction of its
 * own (--atomic: in a block that reads before it writes). Beside them a process holds a read transaction for
 * 500 ms at a time, and one asks for checkpoints. With --read one fiber a worker reads all the time and reports
 * how long its longest read took. With --no-queue the processes take SQLite's lock as it comes, as those do that
 * are no workers of one site. Writes that fail are counted, and at the end the rows must be as many as
 * were acknowledged. */
#include <calzone/calzone.h>
#include "db/database.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CZ__LIT(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

enum { WORKERS_MAX = 64, SAMPLES_MAX = 1 << 20 };

static struct {
    unsigned workers, fibers, seconds;
    bool atomic, read, no_queue;
    char path[512];
    int64_t until_us;
} options = { .workers = 4, .fibers = 8, .seconds = 5 };

static struct tally { /* shared by all processes */
    uint32_t count, failed;
    int64_t read_us_max, reads, log_bytes_max;
    uint32_t us[SAMPLES_MAX / WORKERS_MAX * 4];
} * tallies;
static struct tally *own;
static unsigned running;

static cz__db_statement insert = { .sql = CZ__LIT("INSERT INTO t (n) VALUES (?)"), .number = 100 },
                        count_rows = { .sql = CZ__LIT("SELECT max(id) FROM t"), .number = 101 };

static cz_status query(cz_ctx *ctx)
{
    cz__db_cursor cursor;
    bool row;
    cz_status status =
        cz__db_default->driver->select(ctx, ctx->db, &count_rows, NULL, 0, &cursor, NULL);
    if (status)
        return status;
    status = cz__db_default->driver->step(&cursor, &row, NULL);
    cz__db_default->driver->finish(&cursor);
    return status;
}

static cz_status write_one(cz_ctx *ctx)
{
    const cz__db_driver *driver = cz__db_default->driver;
    cz__db_param param = { .kind = CZ__PARAM_INT, .integer = 7 };
    int64_t rows, id;
    cz_status status = options.atomic ? driver->begin(ctx, ctx->db, NULL) : CZ_OK;
    if (status)
        return status;
    if (options.atomic)
        status = query(ctx);
    if (!status)
        status = driver->change(ctx, ctx->db, &insert, &param, 1, &rows, &id, NULL);
    if (options.atomic && status)
        driver->rollback(ctx, ctx->db);
    else if (options.atomic)
        status = driver->commit(ctx, ctx->db, NULL);
    return status;
}

static void with_context(void (*fn)(cz_ctx *ctx))
{
    cz_arena *arena;
    cz_ctx ctx;
    cz__db_session *session;
    if (cz_arena_create(NULL, 0, &arena))
        abort();
    cz_ctx_init(&ctx, arena);
    cz__fiber_attach(&ctx);
    if (cz__db_session_of(&ctx, &session, NULL))
        abort();
    fn(&ctx);
    cz_ctx_done(&ctx);
    cz__fiber_attach(NULL);
    cz_arena_destroy(arena);
    running--;
}

static void write_rows(cz_ctx *ctx)
{
    for (int64_t now = cz_monotonic_us(); now < options.until_us;) {
        int64_t before = now;
        if (write_one(ctx)) {
            own->failed++;
            now = cz_monotonic_us();
            continue;
        }
        now = cz_monotonic_us();
        own->us[own->count++ % CZ_COUNT(own->us)] = (uint32_t)(now - before);
    }
}

static void read_rows(cz_ctx *ctx)
{
    while (cz_monotonic_us() < options.until_us) {
        int64_t before = cz_monotonic_us();
        if (query(ctx) || cz__fiber_sleep(ctx, 1))
            own->failed++;
        int64_t us = cz_monotonic_us() - before;
        own->reads++;
        own->read_us_max = us > own->read_us_max ? us : own->read_us_max;
    }
}

static void writer(void *arg)
{
    (void)arg;
    with_context(write_rows);
}

static void reader(void *arg)
{
    (void)arg;
    with_context(read_rows);
}

static void open_database(void)
{
    char url[600];
    cz_error err;
    snprintf(url, sizeof url, "sqlite://%s", options.path);
    if (cz__db_open(cz_str_from(url), &cz__db_default, &err)) {
        fprintf(stderr, "%s\n", cz_error_message(&err));
        exit(1);
    }
}

static void work(void)
{
    cz__loop *loop;
    if (cz__loop_create(&loop) || cz__fibers_init(NULL))
        exit(1);
    open_database();
    for (unsigned i = 0; i < options.fibers; i++) {
        running++;
        if (cz__fiber_start(writer, NULL))
            exit(1);
    }
    if (options.read) {
        running++;
        if (cz__fiber_start(reader, NULL))
            exit(1);
    }
    while (running)
        cz__loop_turn(loop, 100);
    cz__loop_turn(loop, 0);
    cz__db_close(cz__db_default);
    exit(0);
}

/* What shares the file with the site: a report that reads for long, and checkpoints. */
static void disturb(const char *sql, unsigned pause_ms)
{
    sqlite3 *db;
    if (sqlite3_open(options.path, &db))
        exit(1);
    sqlite3_busy_timeout(db, 5000);
    while (cz_monotonic_us() < options.until_us) {
        if (!strcmp(sql, "read")) {
            sqlite3_exec(db, "BEGIN; SELECT count(*) FROM t;", NULL, NULL, NULL);
            usleep(500000);
            sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        } else {
            struct stat log;
            char name[600];
            snprintf(name, sizeof name, "%s-wal", options.path);
            if (stat(name, &log) == 0 && log.st_size > tallies[options.workers].log_bytes_max)
                tallies[options.workers].log_bytes_max = log.st_size;
            sqlite3_exec(db, sql, NULL, NULL, NULL);
        }
        usleep(pause_ms * 1000);
    }
    sqlite3_close(db);
    exit(0);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int report(void)
{
    size_t count = 0, kept = 0, failed = 0;
    int64_t read_us_max = 0, reads = 0;
    uint32_t least = UINT32_MAX, most = 0;
    uint32_t *all = malloc(options.workers * sizeof tallies->us);
    for (unsigned w = 0; w < options.workers && all; w++) {
        size_t n = tallies[w].count < CZ_COUNT(own->us) ? tallies[w].count : CZ_COUNT(own->us);
        memcpy(all + kept, tallies[w].us, n * sizeof *all);
        kept += n;
        count += tallies[w].count;
        failed += tallies[w].failed;
        reads += tallies[w].reads;
        least = tallies[w].count < least ? tallies[w].count : least;
        most = tallies[w].count > most ? tallies[w].count : most;
        read_us_max = tallies[w].read_us_max > read_us_max ? tallies[w].read_us_max : read_us_max;
    }
    if (!all || !kept)
        return 1;
    qsort(all, kept, sizeof *all, by_value);
    sqlite3 *db;
    sqlite3_stmt *rows;
    if (sqlite3_open(options.path, &db) ||
        sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE n = 7", -1, &rows, NULL))
        return 1;
    sqlite3_step(rows);
    int64_t stored = sqlite3_column_int64(rows, 0);
    sqlite3_finalize(rows);
    printf(
        "%zu writes, %.0f a second, of a worker %u to %u; ms: median %.2f, p99 %.2f, longest %.2f; "
        "%zu failed",
        count, (double)count / options.seconds, least, most, all[kept / 2] / 1e3,
        all[kept * 99 / 100] / 1e3, all[kept - 1] / 1e3, failed);
    if (options.read)
        printf("; %lld reads, longest %.2f ms", (long long)reads, (double)read_us_max / 1e3);
    printf("; log up to %.1f MB; %s\n", (double)tallies[options.workers].log_bytes_max / 1e6,
           stored == (int64_t)count ? "all are stored" : "ROWS LOST");
    sqlite3_close(db);
    free(all);
    return failed || stored != (int64_t)count;
}

int main(int argc, char **argv)
{
    const char *folder = "/tmp";
    for (int i = 1; i < argc; i++) {
        uint64_t value;
        unsigned *number = !strcmp(argv[i], "--workers")   ? &options.workers
                           : !strcmp(argv[i], "--fibers")  ? &options.fibers
                           : !strcmp(argv[i], "--seconds") ? &options.seconds
                                                           : NULL;
        if (number && i + 1 < argc && !cz_str_to_u64(cz_str_from(argv[++i]), &value))
            *number = (unsigned)value;
        else if (number)
            return 2;
        else if (!strcmp(argv[i], "--atomic"))
            options.atomic = true;
        else if (!strcmp(argv[i], "--read"))
            options.read = true;
        else if (!strcmp(argv[i], "--no-queue"))
            options.no_queue = true;
        else
            folder = argv[i];
    }
    if (!options.workers || options.workers > WORKERS_MAX)
        return 2;
    snprintf(options.path, sizeof options.path, "%s/bench-writes-%d.db", folder, (int)getpid());
    tallies = mmap(NULL, (options.workers + 1) * sizeof *tallies, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sqlite3 *db;
    if (tallies == MAP_FAILED || sqlite3_open(options.path, &db) ||
        sqlite3_exec(
            db,
            "PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) STRICT",
            NULL, NULL, NULL))
        return 1;
    sqlite3_close(db);
    if (!options.no_queue && cz__db_share(options.workers, NULL))
        return 1;
    options.until_us = cz_monotonic_us() + (int64_t)options.seconds * 1000000;
    unsigned children = options.workers + 2;
    for (unsigned i = 0; i < children; i++)
        if (fork() == 0) {
            if (i == options.workers)
                disturb("read", 100);
            if (i == options.workers + 1)
                disturb("PRAGMA wal_checkpoint(PASSIVE)", 200);
            own = &tallies[i];
            work();
        }
    int code = 0, status;
    for (unsigned i = 0; i < children; i++)
        if (wait(&status) < 0 || status)
            code = 1;
    code |= report();
    char name[600];
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < CZ_COUNT(suffixes); i++) {
        snprintf(name, sizeof name, "%s%s", options.path, suffixes[i]);
        unlink(name);
    }
    return code;
}
