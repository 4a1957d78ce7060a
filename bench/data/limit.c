/* The least the same work can cost: bare libpq and sqlite3 with the ORM's own SQL. No plan, no pool, no fiber.
 *
 *     data-limit sqlite|postgresql TARGET MODE COUNT [IN_FLIGHT] SQL
 *
 * TARGET is a file, or libpq's URL. Modes and output as of ours.c; "get-turn" on SQLite: all in one transaction. Both
 * sides read all columns, copy texts to memory that is used again, and turn dates into microseconds. */
#include "measure.h"
#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdbool.h>

enum { PART_ROWS = 2000, WARM_UP = 1000, COLUMNS = 6, OID_INT8 = 20, OID_FLOAT8 = 701 };

static int64_t sum, rows = 100000;
static uint64_t state = 42;
static char text[65536];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "data-limit: %s: %s\n", what, why);
    exit(1);
}

static void begin(void)
{
    begin_measure();
    sum = 0;
}

static int64_t next_key(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int64_t)(state % (uint64_t)rows) + 1;
}

/* ---- SQLite ---- */

static int digits(const char *at, int count)
{
    int value = 0;
    while (count--)
        value = value * 10 + *at++ - '0';
    return value;
}

/* "2026-11-21 04:05:06"; years begin in March, so that a leap day is the last. */
static int64_t read_moment(const char *at)
{
    int y = digits(at, 4), m = digits(at + 5, 2), d = digits(at + 8, 2);
    y -= m <= 2;
    int era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = era * 146097LL + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    return (days * 86400 + digits(at + 11, 2) * 3600 + digits(at + 14, 2) * 60 +
            digits(at + 17, 2)) *
           1000000;
}

static void use_row(sqlite3_stmt *row)
{
    volatile double price;
    int64_t id = sqlite3_column_int64(row, 0);
    size_t len = 0;
    for (int i = 1; i < 3; i++) {
        const void *bytes = sqlite3_column_text(row, i);
        size_t n = (size_t)sqlite3_column_bytes(row, i);
        memcpy(text + len, bytes, n);
        len = i == 1 ? n : len + n;
        sum += i == 1 ? (int64_t)n : 0;
    }
    price = sqlite3_column_double(row, 3);
    (void)price, (void)id;
    sum += sqlite3_column_int64(row, 4) + read_moment((const char *)sqlite3_column_text(row, 5));
}

static sqlite3 *open_sqlite(const char *path)
{
    sqlite3 *db;
    if (sqlite3_open(path, &db))
        die(path, sqlite3_errmsg(db));
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                 "PRAGMA mmap_size=268435456; PRAGMA cache_size=-2048",
                 NULL, NULL, NULL);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
        die(sql, sqlite3_errmsg(db));
    return statement;
}

static void sqlite_get(sqlite3 *db, const char *sql, int64_t count)
{
    sqlite3_stmt *get = prepare(db, sql);
    for (; count > 0; count--) {
        sqlite3_bind_int64(get, 1, next_key());
        sqlite3_bind_int64(get, 2, 2); /* LIMIT */
        while (sqlite3_step(get) == SQLITE_ROW)
            use_row(get);
        sqlite3_reset(get);
    }
    sqlite3_finalize(get);
}

static void sqlite_make(sqlite3 *db, const char *sql, int64_t count)
{
    sqlite3_stmt *insert = prepare(db, sql);
    begin();
    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int64_t i = 0; i < count; i++) {
        char name[64], moment[32];
        time_t at = 1767225600 + i;
        struct tm tm;
        int len = snprintf(name, sizeof name, "Alpha bravo %lld", (long long)i);
        gmtime_r(&at, &tm);
        strftime(moment, sizeof moment, "%Y-%m-%d %H:%M:%S", &tm);
        sqlite3_bind_text(insert, 1, name, len, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, "charlie delta echo foxtrot golf hotel india juliet kilo lima",
                          -1, SQLITE_STATIC);
        sqlite3_bind_double(insert, 3, (double)(i % 1000) + 0.25);
        sqlite3_bind_int64(insert, 4, i % 500);
        sqlite3_bind_text(insert, 5, moment, -1, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            die(sql, sqlite3_errmsg(db));
        sum = sqlite3_last_insert_rowid(db) > 0;
        sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    report_measure(count, sum);
    sqlite3_finalize(insert);
}

static void sqlite_iterate(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *all = prepare(db, sql);
    int64_t count = 0;
    begin();
    for (; sqlite3_step(all) == SQLITE_ROW; count++)
        use_row(all);
    report_measure(count, sum);
    sqlite3_finalize(all);
}

static void run_sqlite(const char *path, const char *mode, int64_t count, const char *sql)
{
    sqlite3 *db = open_sqlite(path);
    if (!strcmp(mode, "make")) {
        sqlite_make(db, sql, count);
    } else if (!strcmp(mode, "iterate")) {
        sqlite_iterate(db, sql);
    } else {
        bool turn = !strcmp(mode, "get-turn");
        sqlite_get(db, sql, WARM_UP);
        if (turn)
            sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        begin();
        sqlite_get(db, sql, count);
        report_measure(count, sum);
        if (turn)
            sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    sqlite3_close(db);
}

/* ---- PostgreSQL ---- */

static uint64_t read_u64(const char *at)
{
    uint64_t wire;
    memcpy(&wire, at, sizeof wire);
    return be64toh(wire);
}

static void use_result(const PGresult *result)
{
    for (int r = 0; r < PQntuples(result); r++) {
        volatile uint64_t price;
        size_t len = 0;
        volatile int64_t id = (int64_t)read_u64(PQgetvalue(result, r, 0));
        (void)id;
        for (int i = 1; i < 3; i++) {
            size_t n = (size_t)PQgetlength(result, r, i);
            memcpy(text + len, PQgetvalue(result, r, i), n);
            len = i == 1 ? n : len + n;
            sum += i == 1 ? (int64_t)n : 0;
        }
        price = read_u64(PQgetvalue(result, r, 3));
        (void)price;
        sum += (int64_t)read_u64(PQgetvalue(result, r, 4)) +
               (int64_t)read_u64(PQgetvalue(result, r, 5)) + 946684800000000;
    }
}

static PGconn *open_postgresql(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK)
        die("PostgreSQL", PQerrorMessage(conn));
    PQclear(PQexec(conn, "SET TimeZone=UTC"));
    return conn;
}

static void expect(PGconn *conn, PGresult *result, ExecStatusType status)
{
    if (PQresultStatus(result) != status)
        die("PostgreSQL", PQerrorMessage(conn));
    PQclear(result);
}

static void prepare_get(PGconn *conn, const char *sql)
{
    static const Oid types[] = { OID_INT8, OID_INT8 };
    expect(conn, PQprepare(conn, "get", sql, 2, types), PGRES_COMMAND_OK);
}

static const char *const *get_values(uint64_t wire[2])
{
    static const char *values[2];
    wire[0] = htobe64((uint64_t)next_key());
    wire[1] = htobe64(2);
    values[0] = (const char *)&wire[0];
    values[1] = (const char *)&wire[1];
    return values;
}

static const int lengths[2] = { 8, 8 }, formats[2] = { 1, 1 };

static void pg_get(PGconn *conn, int64_t count)
{
    uint64_t wire[2];
    for (; count > 0; count--) {
        PGresult *result = PQexecPrepared(conn, "get", 2, get_values(wire), lengths, formats, 1);
        use_result(result);
        expect(conn, result, PGRES_TUPLES_OK);
    }
}

static void send_get(PGconn *conn)
{
    uint64_t wire[2];
    if (!PQsendQueryPrepared(conn, "get", 2, get_values(wire), lengths, formats, 1) ||
        !PQpipelineSync(conn))
        die("PostgreSQL", PQerrorMessage(conn));
}

/* Always `in_flight` under way; what one reading has brought is sent again in one. */
static void pg_get_pipelined(PGconn *conn, int64_t count, int in_flight)
{
    int64_t sent = 0, done = 0;
    for (; sent < in_flight && sent < count; sent++)
        send_get(conn);
    while (done < count) {
        if (PQflush(conn) < 0)
            die("PostgreSQL", PQerrorMessage(conn));
        struct pollfd fd = { .fd = PQsocket(conn), .events = POLLIN };
        poll(&fd, 1, -1);
        if (!PQconsumeInput(conn))
            die("PostgreSQL", PQerrorMessage(conn));
        while (done < sent && !PQisBusy(conn)) {
            PGresult *result = PQgetResult(conn);
            ExecStatusType status = PQresultStatus(result);
            if (status == PGRES_TUPLES_OK) {
                use_result(result);
            } else if (status == PGRES_PIPELINE_SYNC) {
                done++;
                if (sent < count) {
                    send_get(conn);
                    sent++;
                }
            } else if (result) {
                die("PostgreSQL", PQerrorMessage(conn));
            }
            PQclear(result);
        }
    }
}

static char *put16(char *at, uint16_t value)
{
    value = htobe16(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static char *put_field(char *at, const void *bytes, size_t len)
{
    uint32_t wire = htobe32((uint32_t)len);
    memcpy(at, &wire, sizeof wire);
    memcpy(at + sizeof wire, bytes, len);
    return at + sizeof wire + len;
}

static char *put64(char *at, uint64_t value)
{
    value = htobe64(value);
    return put_field(at, &value, sizeof value);
}

/* Keys from the sequence, then one COPY. */
static void pg_make(PGconn *conn, int64_t count)
{
    static const char signature[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    static const char words[] = "charlie delta echo foxtrot golf hotel india juliet kilo lima";
    char ask[128];
    begin();
    snprintf(ask, sizeof ask,
             "SELECT nextval(pg_get_serial_sequence('items', 'id')::regclass) FROM "
             "generate_series(1, %lld)",
             (long long)count);
    expect(conn, PQexec(conn, "BEGIN"), PGRES_COMMAND_OK);
    PGresult *keys = PQexecParams(conn, ask, 0, NULL, NULL, NULL, NULL, 1);
    expect(conn,
           PQexec(conn, "COPY items (id, name, description, price, quantity, created_at) FROM "
                        "STDIN (FORMAT binary)"),
           PGRES_COPY_IN);
    PQputCopyData(conn, signature, sizeof signature);
    for (int64_t i = 0; i < count; i++) {
        char row[512], name[64];
        double price = (double)(i % 1000) + 0.25;
        uint64_t bits;
        memcpy(&bits, &price, sizeof bits);
        int len = snprintf(name, sizeof name, "Alpha bravo %lld", (long long)i);
        char *at = put16(row, COLUMNS);
        at = put_field(at, PQgetvalue(keys, (int)i, 0), 8);
        at = put_field(at, name, (size_t)len);
        at = put_field(at, words, sizeof words - 1);
        at = put64(at, bits);
        at = put64(at, (uint64_t)(i % 500));
        at = put64(at, (uint64_t)(1767225600000000 + i * 1000000 - 946684800000000));
        if (PQputCopyData(conn, row, (int)(at - row)) != 1)
            die("COPY", PQerrorMessage(conn));
    }
    PQputCopyData(conn, "\377\377", 2);
    PQputCopyEnd(conn, NULL);
    expect(conn, PQgetResult(conn), PGRES_COMMAND_OK);
    PQclear(PQgetResult(conn));
    expect(conn, PQexec(conn, "COMMIT"), PGRES_COMMAND_OK);
    PQclear(keys);
    sum = 1;
    report_measure(count, sum);
}

static void pg_iterate(PGconn *conn, const char *sql)
{
    char declare[1024], fetch[64];
    int64_t count = 0;
    begin();
    snprintf(declare, sizeof declare, "DECLARE c NO SCROLL CURSOR FOR %s", sql);
    snprintf(fetch, sizeof fetch, "FETCH %d FROM c", PART_ROWS);
    expect(conn, PQexec(conn, "BEGIN"), PGRES_COMMAND_OK);
    expect(conn, PQexec(conn, declare), PGRES_COMMAND_OK);
    for (int got = PART_ROWS; got == PART_ROWS; count += got) {
        PGresult *part = PQexecParams(conn, fetch, 0, NULL, NULL, NULL, NULL, 1);
        got = PQntuples(part);
        use_result(part);
        expect(conn, part, PGRES_TUPLES_OK);
    }
    expect(conn, PQexec(conn, "COMMIT"), PGRES_COMMAND_OK);
    report_measure(count, sum);
}

static void run_postgresql(const char *url, const char *mode, int64_t count, int in_flight,
                           const char *sql)
{
    PGconn *conn = open_postgresql(url);
    if (!strcmp(mode, "make")) {
        pg_make(conn, count);
    } else if (!strcmp(mode, "iterate")) {
        pg_iterate(conn, sql);
    } else {
        prepare_get(conn, sql);
        pg_get(conn, WARM_UP);
        if (in_flight > 1 && (PQsetnonblocking(conn, 1) || !PQenterPipelineMode(conn)))
            die("PostgreSQL", PQerrorMessage(conn));
        begin();
        if (in_flight > 1)
            pg_get_pipelined(conn, count, in_flight);
        else
            pg_get(conn, count);
        report_measure(count, sum);
    }
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fputs("usage: data-limit sqlite|postgresql TARGET MODE COUNT IN_FLIGHT SQL\n", stderr);
        return 2;
    }
    int64_t count = strtoll(argv[4], NULL, 10);
    if (getenv("ROWS"))
        rows = strtoll(getenv("ROWS"), NULL, 10);
    if (!strcmp(argv[1], "sqlite"))
        run_sqlite(argv[2], argv[3], count, argv[6]);
    else
        run_postgresql(argv[2], argv[3], count, (int)strtol(argv[5], NULL, 10), argv[6]);
    return 0;
}
