/* What the insert of an article costs alone: the limit of the pass `post`.
 *
 *     inserts DATABASE BODY.json SECONDS
 *
 * One prepared INSERT after the other, each a transaction of its own, into the table that the server's POST fills and with the
 * same bytes: the members of BODY.json, taken out once by SQLite's own functions. WAL, synchronous=FULL, as the server has it.
 * Prints "N inserts, C us": user and system time of this process for each. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(sqlite3 *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return;
    fprintf(stderr, "inserts: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static char *read_file(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (!file || !len) {
        fprintf(stderr, "inserts: %s cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    text[len] = '\0';
    return text;
}

/* The values of the row, copied, so that nothing of JSON is left in the loop. */
static sqlite3_value *value_of(sqlite3 *db, const char *json, const char *member)
{
    char path[40];
    sqlite3_stmt *select;
    snprintf(path, sizeof path, "$.%s", member);
    check(db, sqlite3_prepare_v2(db, "SELECT json_extract(?, ?)", -1, &select, NULL));
    sqlite3_bind_text(select, 1, json, -1, SQLITE_STATIC);
    sqlite3_bind_text(select, 2, path, -1, SQLITE_STATIC);
    check(db, sqlite3_step(select));
    sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(select, 0));
    sqlite3_finalize(select);
    return value;
}

int main(int argc, char **argv)
{
    static const char *const members[] = { "title", "slug",   "author_email", "summary",
                                           "body",  "rating", "public",       "published_at" };
    enum { COUNT = sizeof members / sizeof *members };
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_value *values[COUNT];
    if (argc != 4 || sqlite3_open(argv[1], &db) != SQLITE_OK)
        return 2;
    check(db,
          sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL));
    const char *json = read_file(argv[2]);
    for (int i = 0; i < COUNT; i++)
        values[i] = value_of(db, json, members[i]);
    check(db, sqlite3_prepare_v2(
                  db,
                  "INSERT INTO articles (title, slug, author_email, summary, body, rating, "
                  "public, published_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  -1, &insert, NULL));
    long count = 0;
    double end = now_s() + (double)strtol(argv[3], NULL, 10), before = cpu_us();
    while (now_s() < end) {
        for (int i = 0; i < COUNT; i++)
            sqlite3_bind_value(insert, i + 1, values[i]);
        check(db, sqlite3_step(insert));
        sqlite3_reset(insert);
        count++;
    }
    printf("%ld inserts, %.3f us\n", count, (cpu_us() - before) / (double)count);
    sqlite3_finalize(insert);
    return sqlite3_close(db) != SQLITE_OK;
}
