#include <calzone/testing.h>
#include "db/postgresql/postgresql_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a database, with or without a loop ---- */

static cz__loop *loop;

static cz__db *open_database(const char *parameters)
{
    cz_error err = { 0 };
    const char *url = cz_arena_printf(cz_test_arena(), "%s%s", cz_test_postgresql(), parameters);
    CZ_REQUIRE(url);
    if (cz__db_open(cz_str_from(url), &cz__db_default, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", cz_error_message(&err));
        cz__test_abort();
    }
    return cz__db_default;
}

static cz_ctx *new_context(void)
{
    cz_arena *arena;
    cz_ctx *ctx = cz_arena_new(cz_test_arena(), cz_ctx);
    CZ_REQUIRE(ctx);
    CZ_REQUIRE_OK(cz_arena_create(cz_test_arena(), 0, &arena));
    cz_ctx_init(ctx, arena);
    return ctx;
}

static cz__db_session *session_of(cz_ctx *ctx)
{
    cz__db_session *session;
    cz_error err;
    CZ_REQUIRE_OK(cz__db_session_of(ctx, &session, &err));
    return session;
}

static void start_loop(const char *parameters)
{
    cz_ignore(*cz_test_postgresql() == '\0'); /* its schema is made before there is a loop */
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    open_database(parameters);
}

static void finish_loop(void)
{
    cz__db_close(cz__db_default);
    cz__fibers_done();
    cz__loop_destroy(loop);
}

struct work { /* of one fiber */
    void (*fn)(cz_ctx *ctx, struct work *work);
    int number;
    cz_ctx *ctx;
    int64_t value, took_us;
    cz_status status;
    cz_error err;
    bool done;
};

static void run_work(void *arg)
{
    struct work *work = arg;
    work->ctx = new_context();
    cz__fiber_attach(work->ctx);
    int64_t began = cz_monotonic_us();
    work->fn(work->ctx, work);
    work->took_us = cz_monotonic_us() - began;
    cz__fiber_attach(NULL);
    work->done = true;
}

static void start_work(struct work *work, void (*fn)(cz_ctx *ctx, struct work *work), int number)
{
    *work = (struct work){ .fn = fn, .number = number };
    CZ_REQUIRE_OK(cz__fiber_start(run_work, work));
}

static void finish_work(const struct work *works, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (!works[i].done)
            cz__loop_turn(loop, 100);
}

static void in_fiber(void (*fn)(cz_ctx *ctx, struct work *work))
{
    struct work work;
    start_work(&work, fn, 0);
    finish_work(&work, 1);
}

/* ---- statements ---- */

static cz_status change(cz_ctx *ctx, const char *sql, const cz__db_param *params, size_t count,
                        int64_t *out_rows, cz_error *err)
{
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_session *session = session_of(ctx);
    int64_t last_id;
    return session->db->driver->change(ctx, session, &statement, params, count, out_rows, &last_id,
                                       err);
}

static void run_sql(cz_ctx *ctx, const char *sql)
{
    int64_t rows;
    cz_error err = { 0 };
    if (change(ctx, sql, NULL, 0, &rows, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s: %s", sql, cz_error_message(&err));
        cz__test_abort();
    }
}

static cz_status select_i64(cz_ctx *ctx, const char *sql, uint32_t number, const int64_t *param,
                            int64_t *out, cz_error *err)
{
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = number };
    cz__db_param given = { .kind = CZ__PARAM_INT, .integer = param ? *param : 0 };
    cz__db_session *session = session_of(ctx);
    cz__db_cursor cursor;
    cz_status status =
        session->db->driver->select(ctx, session, &statement, &given, param ? 1 : 0, &cursor, err);
    if (status)
        return status;
    bool row;
    status = session->db->driver->step(&cursor, &row, err);
    if (!status && row && !session->db->driver->read(&cursor, 0, CZ__DB_INT64, out))
        *out = -1;
    session->db->driver->finish(&cursor);
    return status;
}

static int64_t number(cz_ctx *ctx, const char *sql)
{
    int64_t value = -1;
    cz_error err = { 0 };
    if (select_i64(ctx, sql, CZ__STATEMENT_UNCACHED, NULL, &value, &err))
        cz__test_fail(__FILE__, __LINE__, "%s: %s", sql, cz_error_message(&err));
    return value;
}

static cz_status begin(cz_ctx *ctx)
{
    cz__db_session *session = session_of(ctx);
    return session->db->driver->begin(ctx, session, NULL);
}

static cz_status commit(cz_ctx *ctx, cz_error *err)
{
    cz__db_session *session = session_of(ctx);
    return session->db->driver->commit(ctx, session, err);
}

static void rollback(cz_ctx *ctx)
{
    cz__db_session *session = session_of(ctx);
    session->db->driver->rollback(ctx, session);
}

/* ---- values ---- */

CZ_TEST(values_come_back_as_they_were_stored)
{
    open_database("");
    cz_ctx *ctx = new_context();
    run_sql(ctx, "CREATE TABLE t (n int, i2 smallint, i4 integer, i8 bigint, b boolean, r float8, "
                 "s text, v varchar(5), d date, z timestamptz, u uuid, m numeric(40, 4))");
    const cz_uuid uuid = { { 1, 2, 3, 255, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255 } };
    const struct {
        int64_t integers[3];
        bool boolean;
        double real;
        cz_str text;
        int32_t days;
        int64_t us;
        const char *json;
    } rows[] = {
        { { 0, 0, 0 },
          false,
          0,
          CZ_STR(""),
          0,
          0,
          "0 0 0 false 0.0 \"\" \"1970-01-01\" \"1970-01-01T00:00:00Z\"" },
        { { INT16_MIN, INT32_MIN, INT64_MIN },
          true,
          -1.7976931348623157e308,
          CZ_STR("\"\\\n\xc3\xa9\xf0\x9f\x8d\x95"),
          -719162,
          -62135596800000000,
          "-32768 -2147483648 -9223372036854775808 true -1.7976931348623157e+308 "
          "\"\\\"\\\\\\n\xc3\xa9\xf0\x9f\x8d\x95\" \"0001-01-01\" \"0001-01-01T00:00:00Z\"" },
        { { INT16_MAX, INT32_MAX, INT64_MAX },
          true,
          5e-324,
          CZ_STR("x"),
          2932896,
          253402300799999999,
          "32767 2147483647 9223372036854775807 true 5e-324 \"x\" \"9999-12-31\" "
          "\"9999-12-31T23:59:59.999999Z\"" },
    };
    for (size_t i = 0; i < CZ_COUNT(rows); i++) {
        cz__db_param params[] = {
            { .kind = CZ__PARAM_INT, .integer = (int64_t)i },
            { .kind = CZ__PARAM_INT, .integer = rows[i].integers[0] },
            { .kind = CZ__PARAM_INT, .integer = rows[i].integers[1] },
            { .kind = CZ__PARAM_INT, .integer = rows[i].integers[2] },
            { .kind = CZ__PARAM_INT, .integer = rows[i].boolean },
            { .kind = CZ__PARAM_REAL, .real = rows[i].real },
            { .kind = CZ__PARAM_TEXT, .text = rows[i].text },
            { .kind = CZ__PARAM_DATE, .integer = rows[i].days },
            { .kind = CZ__PARAM_DATETIME, .integer = rows[i].us },
            { .kind = CZ__PARAM_UUID, .uuid = uuid },
        };
        int64_t count;
        cz_error err = { 0 };
        CZ_REQUIRE_OK(change(ctx,
                             "INSERT INTO t (n, i2, i4, i8, b, r, s, d, z, u) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             params, CZ_COUNT(params), &count, &err));
        CZ_EXPECT_EQ(count, 1);
    }
    run_sql(ctx, "INSERT INTO t DEFAULT VALUES");
    static const cz__db_type types[] = {
        CZ__DB_INT16, CZ__DB_INT32, CZ__DB_INT64, CZ__DB_BOOL,
        CZ__DB_REAL,  CZ__DB_TEXT,  CZ__DB_DATE,  CZ__DB_DATETIME
    };
    cz__db_statement all = { .sql = CZ_STR("SELECT i2, i4, i8, b, r, s, d, z, u FROM t ORDER BY n"),
                             .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    CZ_REQUIRE_OK(cz__postgresql_select(ctx, session_of(ctx), &all, NULL, 0, &cursor, NULL));
    for (size_t i = 0; i <= CZ_COUNT(rows); i++) {
        bool row = false;
        cz_buf json = { 0 };
        CZ_REQUIRE_OK(cz__postgresql_step(&cursor, &row, NULL));
        CZ_REQUIRE(row);
        for (unsigned c = 0; c < CZ_COUNT(types); c++) {
            if (c)
                cz_buf_append_char(&json, ' ');
            cz__postgresql_write_json(&cursor, c, types[c], &json);
        }
        CZ_EXPECT_STR(cz_buf_str(&json), i < CZ_COUNT(rows)
                                             ? rows[i].json
                                             : "null null null null null null null null");
        cz_buf_done(&json);
        cz_uuid found = { { 0 } };
        int64_t big = 7;
        cz_str text = { 0 };
        CZ_EXPECT(cz__postgresql_read(&cursor, 8, CZ__DB_UUID, &found) == (i < CZ_COUNT(rows)));
        CZ_EXPECT(cz__postgresql_read(&cursor, 2, CZ__DB_INT64, &big) == (i < CZ_COUNT(rows)));
        if (i == CZ_COUNT(rows)) {
            CZ_EXPECT_EQ(big, 7); /* untouched by NULL */
            break;
        }
        CZ_EXPECT(cz_uuid_eq(found, uuid));
        CZ_EXPECT_EQ(big, rows[i].integers[2]);
        CZ_EXPECT(cz__postgresql_read(&cursor, 5, CZ__DB_TEXT, &text));
        CZ_EXPECT(cz_str_eq(text, rows[i].text));
    }
    cz__postgresql_finish(&cursor);
    cz__db_close(cz__db_default);
}

CZ_TEST(what_other_programs_stored_reads_as_the_type_asked_for)
{
    open_database("");
    cz_ctx *ctx = new_context();
    const struct {
        const char *sql;
        cz__db_type type;
        const char *json;
    } cases[] = {
        { "SELECT 12.5::numeric", CZ__DB_REAL, "12.5" },
        { "SELECT -0.00012::numeric", CZ__DB_REAL, "-0.00012" },
        { "SELECT 100000000::numeric", CZ__DB_INT64, "100000000" },
        { "SELECT 123456789012.3456::numeric(20, 3)", CZ__DB_REAL, "123456789012.346" },
        { "SELECT 'NaN'::numeric", CZ__DB_REAL, "0.0" },
        { "SELECT 1.5::float4", CZ__DB_REAL, "1.5" },
        { "SELECT 'NaN'::float8", CZ__DB_REAL, "null" },
        { "SELECT 3::smallint", CZ__DB_INT64, "3" },
        { "SELECT true", CZ__DB_INT64, "1" },
        { "SELECT 'infinity'::timestamptz", CZ__DB_DATETIME, "\"9999-12-31T23:59:59.999999Z\"" },
        { "SELECT '-infinity'::timestamptz", CZ__DB_DATETIME, "\"0001-01-01T00:00:00Z\"" },
        { "SELECT '4000-01-01 BC'::date", CZ__DB_DATE, "\"0001-01-01\"" },
        { "SELECT 'infinity'::date", CZ__DB_DATE, "\"9999-12-31\"" },
        { "SELECT '2026-11-21 04:05:06'::timestamp", CZ__DB_DATETIME, "\"2026-11-21T04:05:06Z\"" },
        { "SELECT '{\"a\": 1}'::jsonb", CZ__DB_TEXT, "\"{\\\"a\\\": 1}\"" },
        { "SELECT 'x'::name", CZ__DB_TEXT, "\"x\"" },
        { "SELECT 7", CZ__DB_TEXT, "\"\"" },
        { "SELECT 'x'", CZ__DB_INT64, "0" },
        { "SELECT 'x'", CZ__DB_UUID, "\"00000000-0000-0000-0000-000000000000\"" },
        { "SELECT 1.005::numeric", cz__db_decimal(8, 2), "\"1.00\"" },
        { "SELECT -12345678901234567890.5::numeric", cz__db_decimal(38, 4),
          "\"-12345678901234567890.5000\"" },
        { "SELECT 0.00001234::numeric", CZ__DB_DECIMAL, "\"0.00001234\"" },
        { "SELECT 1e300::numeric", CZ__DB_DECIMAL, "\"0\"" },
        { "SELECT 1.5::float8", cz__db_decimal(8, 2), "\"1.50\"" },
        { "SELECT interval '-1 day +1 second'", CZ__DB_DURATION, "\"-1 00:00:01\"" },
        { "SELECT interval '2 months 3 days'", CZ__DB_DURATION, "\"63 00:00:00\"" },
        { "SELECT interval '178000000 years'", CZ__DB_DURATION, "\"106751991 04:00:54.775807\"" },
        { "SELECT '24:00'::time", CZ__DB_TIME, "\"23:59:59.999999\"" },
        { "SELECT '10.0.0.0/8'::inet", CZ__DB_IP, "\"10.0.0.0/8\"" },
        { "SELECT '::ffff:1.2.3.4'::inet", CZ__DB_IP, "\"::ffff:1.2.3.4\"" },
        { "SELECT 'x'", CZ__DB_IP, "\"x\"" },
        { "SELECT '\\x00ff80'::bytea", CZ__DB_BINARY, "\"AP+A\"" },
        { "SELECT '{\"a\":[1]}'::json", CZ__DB_JSON, "{\"a\":[1]}" },
        { "SELECT 7", CZ__DB_JSON, "null" },
        { "SELECT '{1,NULL,3}'::int[]", CZ__DB_INT_LIST, "[1,0,3]" },
        { "SELECT '{{1,2},{3,4}}'::smallint[]", CZ__DB_INT_LIST, "[1,2,3,4]" },
        { "SELECT '{}'::bigint[]", CZ__DB_INT_LIST, "[]" },
        { "SELECT '{\"a,b\",\"\\\"\"}'::varchar[]", CZ__DB_TEXT_LIST, "[\"a,b\",\"\\\"\"]" },
        { "SELECT 7", CZ__DB_TEXT_LIST, "[]" },
        { "SELECT '1969-12-31 23:59:59'::timestamptz", CZ__DB_DATE, "\"1969-12-31\"" },
        { "SELECT date_trunc('year', '2026-11-21'::date)", CZ__DB_DATE, "\"2026-01-01\"" },
        { "SHOW TimeZone", CZ__DB_TEXT, "\"UTC\"" },
        { "SHOW client_encoding", CZ__DB_TEXT, "\"UTF8\"" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz__db_statement statement = { .sql = cz_str_from(cases[i].sql),
                                       .number = CZ__STATEMENT_UNCACHED };
        cz__db_cursor cursor;
        bool row = false;
        cz_error err = { 0 };
        cz_buf json = { 0 };
        CZ_REQUIRE_OK(
            cz__postgresql_select(ctx, session_of(ctx), &statement, NULL, 0, &cursor, &err));
        CZ_REQUIRE_OK(cz__postgresql_step(&cursor, &row, &err));
        CZ_REQUIRE(row);
        cz__postgresql_write_json(&cursor, 0, cases[i].type, &json);
        CZ_EXPECT_MSG(cz_str_eq(cz_buf_str(&json), cz_str_from(cases[i].json)), "%s gave %s",
                      cases[i].sql, cz_buf_cstr(&json));
        cz__postgresql_finish(&cursor);
        cz_buf_done(&json);
    }
    cz__db_close(cz__db_default);
}

CZ_TEST(parameters_of_hand_written_sql_take_the_type_the_server_infers)
{
    open_database("");
    cz_ctx *ctx = new_context();
    run_sql(ctx, "CREATE TABLE t (n smallint, \"what?\" text)");
    run_sql(ctx, "INSERT INTO t VALUES (1, 'a?'), (2, 'b')");
    const cz__db_param small = { .kind = CZ__PARAM_INT, .integer = 2 },
                       large = { .kind = CZ__PARAM_INT, .integer = 70000 },
                       null = { .kind = CZ__PARAM_NULL },
                       text = { .kind = CZ__PARAM_TEXT, .text = CZ_STR("b") };
    const struct {
        const char *sql;
        const cz__db_param *param;
        int64_t rows;
    } cases[] = {
        { "UPDATE t SET n = n WHERE n = ?", &small, 1 },
        { "UPDATE t SET n = n WHERE n < ?", &large, 2 }, /* more than the column could hold */
        { "UPDATE t SET n = n WHERE n = ?", &null, 0 },
        { "UPDATE t SET n = n WHERE \"what?\" = ? AND 'x?' <> 'y' -- why?", &text, 1 },
        { "UPDATE t SET n = n WHERE n::float8 = ?", &small, 1 },
        { "UPDATE t SET n = n WHERE n::numeric = ?", &small, 1 },
        { "UPDATE t SET n = n WHERE (n = 2) = (? = 2)", &small, 1 },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int64_t rows = -1;
        cz_error err = { 0 };
        cz_status status = change(ctx, cases[i].sql, cases[i].param, 1, &rows, &err);
        CZ_EXPECT_MSG(!status && rows == cases[i].rows, "%s: %lld rows, %s", cases[i].sql,
                      (long long)rows, cz_error_message(&err));
    }
    cz__db_close(cz__db_default);
}

CZ_TEST(a_question_mark_of_sql_without_parameters_is_an_operator)
{
    open_database("");
    cz_ctx *ctx = new_context();
    run_sql(ctx, "CREATE TABLE t (d jsonb CHECK (d ? 'a')) /* why? */");
    run_sql(ctx, "INSERT INTO t VALUES ('{\"a\": 1}')");
    run_sql(ctx, "UPDATE t SET d = d || '{\"b\": 2}' WHERE d ?| ARRAY['a', 'c'] -- all?");
    run_sql(ctx, "DO $$ BEGIN IF EXISTS (SELECT 1 FROM t WHERE NOT d ?& ARRAY['a', 'b']) THEN "
                 "RAISE 'no b'; END IF; END $$");
    cz__db_close(cz__db_default);
}

/* ---- errors ---- */

CZ_TEST(what_the_server_refuses_is_a_status_and_a_sentence)
{
    open_database("&statement_timeout=200&lock_timeout=100");
    cz_ctx *ctx = new_context();
    run_sql(ctx, "CREATE TABLE p (id int PRIMARY KEY)");
    run_sql(ctx, "CREATE TABLE t (id int PRIMARY KEY, \"a b\" text NOT NULL, v varchar(3), "
                 "n smallint CHECK (n > 0), p int REFERENCES p DEFERRABLE INITIALLY DEFERRED, "
                 "UNIQUE (\"a b\", n))");
    run_sql(ctx, "INSERT INTO t VALUES (1, 'x', 'y', 1, NULL)");
    const struct {
        const char *sql;
        cz_status status;
        const char *message;
    } cases[] = {
        { "INSERT INTO t VALUES (1, 'z', 'y', 1)", CZ_EINTEGRITY,
          "Another row has this id already." },
        { "INSERT INTO t VALUES (2, 'x', 'y', 1)", CZ_EINTEGRITY,
          "Another row has this a b, n already." },
        { "INSERT INTO t VALUES (2, 'z', 'y', 1, 99)", CZ_EINTEGRITY,
          "A row that is referred to does not exist, or is still in use." },
        { "INSERT INTO t (id) VALUES (2)", CZ_EINTEGRITY, "a b may not be null." },
        { "INSERT INTO t VALUES (2, 'z', 'y', -1)", CZ_EINTEGRITY,
          "The change breaks a rule of the database." },
        { "INSERT INTO t VALUES (2, 'z', 'long', 1)", CZ_EVALIDATION,
          "A text is longer than its column." },
        { "INSERT INTO t VALUES (2, 'z', 'y', 70000)", CZ_EVALIDATION,
          "A number is out of its column's range." },
        { "INSERT INTO t VALUES (2, 'z', 'y', 'x')", CZ_EVALIDATION,
          "A value is not what its column holds." },
        { "SELECT date '2001-02-31'", CZ_EVALIDATION,
          "A date or time is out of its column's range." },
        { "SELECT * FROM nothing", CZ_EDATABASE,
          "PostgreSQL: relation \"nothing\" does not exist; `migrate` makes the tables of apps "
          "with "
          "migrations, `createtables` those of apps without" },
        { "SELEC", CZ_EDATABASE, "PostgreSQL: syntax error at or near \"SELEC\" (42601)" },
        { "SELECT 1; SELECT 2", CZ_EDATABASE,
          "PostgreSQL: cannot insert multiple commands into a prepared statement (42601)" },
        { "SELECT pg_sleep(2)", CZ_ETIMEDOUT,
          "a statement took longer than its time-out, or was cancelled" },
        { "COPY t FROM STDIN", CZ_EUNSUPPORTED, "COPY cannot be run here" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        int64_t rows;
        cz_error err = { 0 };
        cz_status status = change(ctx, cases[i].sql, NULL, 0, &rows, &err);
        CZ_EXPECT_EQ(status, cases[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
        if (i == 0) /* for a developer */
            CZ_EXPECT_STR(cz_str_from(err.database),
                          "duplicate key value violates unique constraint \"t_pkey\"; Key (id)=(1) "
                          "already exists.");
    }
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 1); /* and the connection still serves */
    cz__db_param nul = { .kind = CZ__PARAM_TEXT, .text = CZ_STR("a\0b") },
                 bad = { .kind = CZ__PARAM_TEXT, .text = CZ_STR("\xff") };
    int64_t rows;
    CZ_EXPECT_EQ(change(ctx, "UPDATE t SET v = ?", &nul, 1, &rows, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(change(ctx, "UPDATE t SET v = ?", &bad, 1, &rows, NULL), CZ_EVALIDATION);
    CZ_EXPECT_EQ(change(ctx, "UPDATE t SET v = ? WHERE v = ?", &bad, 1, &rows, NULL), CZ_EINVAL);
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t WHERE v = 'y'"), 1);
    cz__db_close(cz__db_default);
}

CZ_TEST(a_url_that_cannot_work_says_why)
{
    const struct {
        const char *url;
        cz_status status;
        const char *message;
    } cases[] = {
        { "postgresql://127.0.0.1", CZ_EVALIDATION,
          "DATABASE_URL: a PostgreSQL URL is postgresql://USER@HOST/DATABASE" },
        { "postgres://h/d?colour=red", CZ_EVALIDATION,
          "DATABASE_URL: PostgreSQL's driver has no parameter \"colour\"" },
        { "postgres:///d?host=/tmp&port=65536", CZ_EVALIDATION,
          "DATABASE_URL: the value of \"port\" is malformed" },
        { "postgres://h/d?pool_size=65", CZ_EVALIDATION,
          "DATABASE_URL: the value of \"pool_size\" is malformed" },
        { "postgres://h/d?pool_size=0", CZ_EVALIDATION,
          "DATABASE_URL: pool_size is at least 1: transactions need a connection" },
        { "postgres://h/d?statement_timeout=5h", CZ_EVALIDATION,
          "DATABASE_URL: the value of \"statement_timeout\" is malformed" },
        { "postgres://h/d?statement_timeout=-1", CZ_EVALIDATION,
          "DATABASE_URL: the value of \"statement_timeout\" is malformed" },
        { "postgres://h/d?connect_timeout=99999999999s", CZ_EVALIDATION,
          "DATABASE_URL: the value of \"connect_timeout\" is malformed" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz__db *db = NULL;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz__db_open(cz_str_from(cases[i].url), &db, &err), cases[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].message);
    }
}

CZ_TEST(a_server_over_a_network_must_prove_who_it_is)
{
    const struct {
        const char *url, *sslmode; /* NULL: libpq's default */
    } cases[] = {
        { "postgresql://db.example.com/d", "verify-full" },
        { "postgresql://10.0.0.1/d", "verify-full" },
        { "postgresql://[2001:db8::1]/d", "verify-full" },
        { "postgresql://db.example.com/d?sslmode=require", "require" },
        { "postgresql://localhost/d", NULL },
        { "postgresql://127.0.0.2/d", NULL },
        { "postgresql://[::1]/d", NULL },
        { "postgresql:///d", NULL },
        { "postgresql:///d?host=/run/postgresql", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_url url;
        struct cz__pg_settings settings;
        CZ_REQUIRE_OK(cz_url_parse(cz_test_arena(), cz_str_from(cases[i].url), &url));
        CZ_REQUIRE_OK(cz__pg_settings_read(cz_test_arena(), &url, false, &settings, NULL));
        CZ_EXPECT_MSG(!settings.sslmode == !cases[i].sslmode &&
                          (!settings.sslmode || !strcmp(settings.sslmode, cases[i].sslmode)),
                      "%s: sslmode %s", cases[i].url, settings.sslmode ? settings.sslmode : "none");
    }
}

CZ_TEST(a_server_that_is_away_is_told_at_once_and_not_asked_again_at_once)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__db_open(CZ_STR("postgresql://u@127.0.0.1:1/d"), &cz__db_default, &err));
    cz_ctx *ctx = new_context();
    int64_t rows, began = cz_monotonic_us();
    CZ_EXPECT_EQ(change(ctx, "SELECT 1", NULL, 0, &rows, &err), CZ_EUNAVAILABLE);
    CZ_EXPECT(cz_str_find(cz_str_from(cz_error_message(&err)), CZ_STR("Connection refused")) !=
              SIZE_MAX);
    CZ_EXPECT_EQ(cz_error_http(&err), 503);
    for (int i = 0; i < 100; i++)
        CZ_EXPECT_EQ(change(ctx, "SELECT 1", NULL, 0, &rows, &err), CZ_EUNAVAILABLE);
    CZ_EXPECT(cz_monotonic_us() - began < 1000 * 1000);
    cz__db_close(cz__db_default);
}

CZ_TEST(a_server_that_refuses_a_connection_is_told_in_its_words)
{
    const char *server = cz_test_postgresql();
    cz_error err = { 0 };
    const char *slash = strrchr(server, '/');
    const char *url =
        cz_arena_printf(cz_test_arena(), "%.*s/no_such_database", (int)(slash - server), server);
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(url), &cz__db_default, &err));
    cz_ctx *ctx = new_context();
    int64_t rows;
    CZ_EXPECT_EQ(change(ctx, "SELECT 1", NULL, 0, &rows, &err), CZ_EUNAVAILABLE);
    CZ_EXPECT_STR(
        cz_str_from(cz_error_message(&err)),
        "PostgreSQL refuses the connection: database \"no_such_database\" does not exist");
    cz__db_close(cz__db_default);
}

/* ---- transactions ---- */

CZ_TEST(a_transaction_and_its_savepoints_keep_or_undo_what_ran_inside)
{
    open_database("&pool_size=2");
    cz_ctx *ctx = new_context(), *other = new_context();
    cz_error err = { 0 };
    int64_t rows;
    run_sql(ctx, "CREATE TABLE t (n int UNIQUE)");
    CZ_REQUIRE_OK(begin(ctx)); /* nothing runs inside: nothing is sent */
    CZ_REQUIRE_OK(begin(ctx));
    CZ_REQUIRE_OK(commit(ctx, &err));
    CZ_REQUIRE_OK(commit(ctx, &err));
    CZ_REQUIRE_OK(begin(ctx));
    run_sql(ctx, "INSERT INTO t VALUES (1)");
    CZ_EXPECT_EQ(number(other, "SELECT count(*) FROM t"), 0);
    CZ_REQUIRE_OK(begin(ctx));
    CZ_REQUIRE_OK(begin(ctx)); /* two savepoints with one statement */
    run_sql(ctx, "INSERT INTO t VALUES (2)");
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 2);
    CZ_REQUIRE_OK(commit(ctx, &err));
    rollback(ctx);
    CZ_EXPECT_EQ(number(ctx, "SELECT count(*) FROM t"), 1);
    CZ_REQUIRE_OK(begin(ctx));
    CZ_EXPECT_EQ(change(ctx, "INSERT INTO t VALUES (1)", NULL, 0, &rows, &err), CZ_EINTEGRITY);
    CZ_EXPECT_EQ(change(ctx, "INSERT INTO t VALUES (3)", NULL, 0, &rows, &err), CZ_EDATABASE);
    rollback(ctx); /* what failed is undone, and the rest goes on */
    run_sql(ctx, "INSERT INTO t VALUES (4)");
    CZ_REQUIRE_OK(commit(ctx, &err));
    CZ_EXPECT_EQ(number(other, "SELECT sum(n)::int FROM t"), 5);
    CZ_REQUIRE_OK(begin(ctx)); /* a failure without a savepoint undoes all */
    run_sql(ctx, "INSERT INTO t VALUES (5)");
    CZ_EXPECT_EQ(change(ctx, "INSERT INTO t VALUES (5)", NULL, 0, &rows, &err), CZ_EINTEGRITY);
    CZ_EXPECT_EQ(commit(ctx, &err), CZ_EDATABASE);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "the transaction was rolled back: an earlier statement of it failed");
    CZ_REQUIRE_OK(begin(ctx));
    run_sql(ctx, "INSERT INTO t VALUES (6)");
    rollback(ctx);
    CZ_EXPECT_EQ(number(other, "SELECT sum(n)::int FROM t"), 5);
    cz__db_close(cz__db_default);
}

CZ_TEST(of_two_transactions_that_change_the_same_one_is_to_be_repeated)
{
    open_database("&pool_size=2&options=-c%20default_transaction_isolation%3Dserializable");
    cz_ctx *one = new_context(), *two = new_context();
    cz_error err = { 0 };
    int64_t rows;
    run_sql(one, "CREATE TABLE t (n int)");
    run_sql(one, "INSERT INTO t VALUES (1)");
    CZ_REQUIRE_OK(begin(one));
    CZ_REQUIRE_OK(begin(two));
    CZ_EXPECT_EQ(number(one, "SELECT n FROM t"), 1);
    CZ_EXPECT_EQ(number(two, "SELECT n FROM t"), 1);
    run_sql(one, "UPDATE t SET n = n + 1");
    CZ_REQUIRE_OK(commit(one, &err));
    CZ_EXPECT_EQ(change(two, "UPDATE t SET n = n + 1", NULL, 0, &rows, &err), CZ_ESERIALIZATION);
    rollback(two);
    cz__db_close(cz__db_default);
}

/* ---- pipelines ---- */

static void add_one(cz_ctx *ctx, struct work *work)
{
    int64_t param = work->number;
    work->status = select_i64(ctx, "SELECT 1 + $1::bigint", 5, &param, &work->value, &work->err);
}

static int64_t connections;

static void count_connections(cz_ctx *ctx, struct work *work)
{
    (void)work;
    connections = number(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                              "current_setting('application_name')");
}

CZ_TEST(fibers_share_a_pipeline_and_each_gets_its_own_result)
{
    start_loop("&application_name=shared&pipelines=1");
    struct work works[16];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 16; i++)
            start_work(&works[i], add_one, i);
        finish_work(works, 16);
        for (int i = 0; i < 16; i++) {
            CZ_EXPECT_EQ(works[i].status, CZ_OK);
            CZ_EXPECT_EQ(works[i].value, i + 1);
        }
    }
    in_fiber(count_connections);
    CZ_EXPECT_EQ(connections, 2); /* the pipeline, and the one that counts */
    finish_loop();
}

static void divide(cz_ctx *ctx, struct work *work)
{
    int64_t param = work->number;
    work->status = select_i64(ctx, "SELECT 100 / $1::bigint", 6, &param, &work->value, &work->err);
}

CZ_TEST(a_statement_that_fails_in_a_pipeline_fails_alone)
{
    start_loop("&pipelines=1");
    struct work works[16];
    for (int i = 0; i < 16; i++)
        start_work(&works[i], divide, i % 4);
    finish_work(works, 16);
    for (int i = 0; i < 16; i++) {
        CZ_EXPECT_EQ(works[i].status, i % 4 ? CZ_OK : CZ_EDATABASE);
        if (i % 4)
            CZ_EXPECT_EQ(works[i].value, 100 / (i % 4));
    }
    finish_loop();
}

static void sleep_a_little(cz_ctx *ctx, struct work *work)
{
    work->status =
        select_i64(ctx, "SELECT 1 FROM pg_sleep(0.1)", 7, NULL, &work->value, &work->err);
}

CZ_TEST(a_fiber_that_leaves_a_pipeline_takes_no_result_of_another)
{
    start_loop("&pipelines=1");
    struct work left, works[8];
    in_fiber(count_connections); /* so the connection is there */
    start_work(&works[0], add_one, 0);
    finish_work(works, 1);
    start_work(&left, sleep_a_little, 0);
    for (int i = 0; i < 8; i++)
        start_work(&works[i], add_one, i);
    cz__loop_turn(loop, 10);
    cz__fiber_cancel(left.ctx, CZ_ECANCELED);
    finish_work(&left, 1);
    CZ_EXPECT_EQ(left.status, CZ_ECANCELED);
    CZ_EXPECT(left.took_us < 90 * 1000);
    finish_work(works, 8);
    for (int i = 0; i < 8; i++) {
        CZ_EXPECT_EQ(works[i].status, CZ_OK);
        CZ_EXPECT_EQ(works[i].value, i + 1);
    }
    finish_loop();
}

static void sleep_long(cz_ctx *ctx, struct work *work)
{
    work->status =
        select_i64(ctx, "SELECT 1 FROM pg_sleep(0.6)", 8, NULL, &work->value, &work->err);
}

CZ_TEST(a_slow_statement_holds_up_a_pipeline_once_and_for_its_time_out_only)
{
    start_loop("&pipelines=1");
    enum { OTHERS = 100, WARM = 1 };
    struct work slow, works[OTHERS];
    start_work(works, add_one, 0);
    finish_work(works, WARM);
    for (int round = 0; round < 2; round++) {
        start_work(&slow, sleep_long, 0);
        cz__loop_turn(loop, 1);
        for (int i = 0; i < OTHERS; i++)
            start_work(&works[i], add_one, i);
        finish_work(works, OTHERS);
        finish_work(&slow, 1);
        CZ_EXPECT_EQ(slow.status, CZ_OK); /* it is run again by itself */
        CZ_EXPECT_EQ(slow.value, 1);
        int64_t limit_us = (round ? 50 : 250 + 50) * 1000;
        for (int i = 0; i < OTHERS; i++) {
            CZ_EXPECT_EQ(works[i].value, i + 1);
            CZ_EXPECT_MSG(works[i].took_us < limit_us, "round %d: %lld us", round,
                          (long long)works[i].took_us);
        }
    }
    finish_loop();
}

static void read_all(cz_ctx *ctx, struct work *work)
{
    work->status = select_i64(ctx, "SELECT * FROM t", 9, NULL, &work->value, &work->err);
}

static void read_all_in_transaction(cz_ctx *ctx, struct work *work)
{
    CZ_REQUIRE_OK(begin(ctx));
    CZ_EXPECT_EQ(number(ctx, "SELECT 1"), 1);
    read_all(ctx, work);
    rollback(ctx);
}

static void create(cz_ctx *ctx, struct work *work)
{
    (void)work;
    run_sql(ctx, "CREATE TABLE t (n int)");
    run_sql(ctx, "INSERT INTO t VALUES (3)");
}

static void widen(cz_ctx *ctx, struct work *work)
{
    (void)work;
    run_sql(ctx, "ALTER TABLE t ADD COLUMN m int, ALTER COLUMN n TYPE bigint");
}

static void count_threes(cz_ctx *ctx, struct work *work)
{
    int64_t three = 3;
    work->status = select_i64(ctx, "SELECT count(*) FROM t WHERE n = $1", 10, &three, &work->value,
                              &work->err);
}

static void make_text(cz_ctx *ctx, struct work *work)
{
    (void)work;
    run_sql(ctx, "ALTER TABLE t ALTER COLUMN n TYPE text");
}

static void drop(cz_ctx *ctx, struct work *work)
{
    (void)work;
    run_sql(ctx, "DROP TABLE t");
}

CZ_TEST(a_parameter_takes_its_columns_new_type)
{
    start_loop("&pipelines=1&pool_size=1");
    struct work work;
    in_fiber(create);
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            in_fiber(make_text);
        start_work(&work, count_threes, 0);
        finish_work(&work, 1);
        CZ_EXPECT_MSG(work.status == CZ_OK && work.value == 1, "%d: %s", i,
                      cz_error_message(&work.err));
    }
    in_fiber(drop);
    for (int i = 0; i < 2; i++) {
        start_work(&work, count_threes, 0);
        finish_work(&work, 1);
        CZ_EXPECT_EQ(work.status, CZ_EDATABASE);
    }
    in_fiber(create);
    start_work(&work, count_threes, 0);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.value, 1);
    finish_loop();
}

CZ_TEST(a_statement_whose_table_has_changed_is_prepared_again)
{
    start_loop("&pipelines=1&pool_size=1");
    struct work work;
    in_fiber(create);
    for (int i = 0; i < 3; i++) {
        start_work(&work, read_all, 0);
        finish_work(&work, 1);
        CZ_EXPECT_EQ(work.value, 3);
    }
    start_work(&work, read_all_in_transaction, 0); /* prepared on the pool's connection as well */
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_OK);
    in_fiber(widen);
    start_work(&work, read_all_in_transaction, 0); /* a transaction cannot go on after it */
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_ESERIALIZATION);
    start_work(&work, read_all_in_transaction, 0);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_OK);
    start_work(&work, read_all, 0);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_OK);
    CZ_EXPECT_EQ(work.value, 3);
    finish_loop();
}

/* ---- the pool ---- */

static int inside, inside_most;

static void hold(cz_ctx *ctx, struct work *work)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(begin(ctx));
    work->status =
        select_i64(ctx, "SELECT 1", CZ__STATEMENT_UNCACHED, NULL, &work->value, &work->err);
    if (work->status) {
        rollback(ctx);
        return;
    }
    inside++;
    inside_most = inside > inside_most ? inside : inside_most;
    CZ_EXPECT_EQ(cz__fiber_sleep(ctx, 30), CZ_OK);
    inside--;
    CZ_REQUIRE_OK(commit(ctx, &err));
    work->value = cz_monotonic_us();
}

CZ_TEST(transactions_queue_for_the_pool_in_order)
{
    start_loop("&pool_size=2&application_name=queue");
    struct work works[8];
    for (int i = 0; i < 8; i++)
        start_work(&works[i], hold, i);
    finish_work(works, 8);
    CZ_EXPECT_EQ(inside_most, 2);
    for (int i = 0; i < 8; i++) {
        CZ_EXPECT_EQ(works[i].status, CZ_OK);
        if (i >= 2)
            CZ_EXPECT(works[i].value > works[i - 2].value);
    }
    in_fiber(count_connections);
    CZ_EXPECT_EQ(connections, 2);
    finish_loop();
}

CZ_TEST(who_waits_too_long_for_the_pool_is_told)
{
    start_loop("&pool_size=1&pool_timeout=20ms");
    struct work works[2];
    start_work(&works[0], hold, 0);
    while (!inside)
        cz__loop_turn(loop, 10);
    start_work(&works[1], hold, 1);
    finish_work(works, 2);
    CZ_EXPECT_EQ(works[0].status, CZ_OK);
    CZ_EXPECT_EQ(works[1].status, CZ_EBUSY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&works[1].err)),
                  "none of the pool's 1 connections to PostgreSQL came free in 20 ms");
    start_work(&works[0], hold, 0); /* nothing was lost by it */
    finish_work(works, 1);
    CZ_EXPECT_EQ(works[0].status, CZ_OK);
    finish_loop();
}

CZ_TEST(where_the_server_takes_no_more_connections_those_there_are_serve_all)
{
    cz_str url = cz_str_from(cz_test_postgresql());
    size_t user = cz_str_find(url, CZ_STR("://")) + 3, at = cz_str_find_char(url, '@');
    CZ_REQUIRE(at != SIZE_MAX && at > user);
    const char *role = cz_arena_printf(cz_test_arena(), "limited_%ld", (long)getpid());
    open_database("");
    cz_ctx *ctx = new_context();
    run_sql(ctx, cz_arena_printf(cz_test_arena(), "CREATE ROLE %s LOGIN CONNECTION LIMIT 1", role));
    cz__db_close(cz__db_default);
    CZ_REQUIRE_OK(cz__loop_create(&loop));
    CZ_REQUIRE_OK(cz__fibers_init(NULL));
    cz_error err = { 0 };
    const char *limited = cz_arena_printf(cz_test_arena(), "%.*s%s%s&pool_size=4", (int)user,
                                          url.ptr, role, url.ptr + at);
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(limited), &cz__db_default, &err));
    struct work works[8];
    start_work(&works[0], hold, 0); /* so that one is open */
    while (!inside)
        cz__loop_turn(loop, 10);
    for (int i = 1; i < 8; i++)
        start_work(&works[i], hold, i);
    finish_work(works, 8);
    for (int i = 0; i < 8; i++)
        CZ_EXPECT_MSG(works[i].status == CZ_OK, "%d: %s", i, cz_error_message(&works[i].err));
    CZ_EXPECT_EQ(inside_most, 1);
    finish_loop();
    open_database("");
    run_sql(new_context(), cz_arena_printf(cz_test_arena(), "DROP ROLE %s", role));
    cz__db_close(cz__db_default);
}

static void sleep_in_transaction(cz_ctx *ctx, struct work *work)
{
    CZ_REQUIRE_OK(begin(ctx));
    run_sql(ctx, "INSERT INTO t VALUES (99)");
    work->status = select_i64(ctx, "SELECT 1 FROM pg_sleep(60)", CZ__STATEMENT_UNCACHED, NULL,
                              &work->value, &work->err);
    rollback(ctx);
}

static void count_rows(cz_ctx *ctx, struct work *work)
{
    work->status = select_i64(ctx, "SELECT count(*) FROM t", CZ__STATEMENT_UNCACHED, NULL,
                              &work->value, &work->err);
}

CZ_TEST(a_fiber_cancelled_inside_a_transaction_undoes_it_and_frees_the_connection)
{
    start_loop("&pool_size=1");
    struct work work, next;
    in_fiber(create);
    start_work(&work, sleep_in_transaction, 0);
    for (int i = 0; i < 20; i++)
        cz__loop_turn(loop, 5);
    cz__fiber_cancel(work.ctx, CZ_ECANCELED);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_ECANCELED);
    start_work(&next, count_rows, 0); /* after a second the stuck connection is closed */
    finish_work(&next, 1);
    CZ_EXPECT_EQ(next.status, CZ_OK);
    CZ_EXPECT_EQ(next.value, 1);
    CZ_EXPECT(next.took_us < 2000 * 1000);
    finish_loop();
}

/* ---- connections that end ---- */

static void end_others(cz_ctx *ctx, struct work *work)
{
    work->value = number(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                              "WHERE application_name = current_setting('application_name') "
                              "AND pid <> pg_backend_pid()");
}

static void transaction_around_an_end(cz_ctx *ctx, struct work *work)
{
    struct work other;
    CZ_REQUIRE_OK(begin(ctx));
    run_sql(ctx, "INSERT INTO t VALUES (7)");
    start_work(&other, end_others, 0);
    while (!other.done)
        CZ_EXPECT_EQ(cz__fiber_sleep(ctx, 5), CZ_OK);
    CZ_EXPECT_EQ(cz__fiber_sleep(ctx, 20), CZ_OK);
    int64_t rows;
    CZ_EXPECT_EQ(change(ctx, "INSERT INTO t VALUES (8)", NULL, 0, &rows, NULL), CZ_EUNAVAILABLE);
    work->status = commit(ctx, &work->err);
}

CZ_TEST(a_connection_the_server_ends_costs_no_read_and_undoes_its_transaction)
{
    start_loop("&application_name=ended&pipelines=1&pool_size=2");
    struct work work;
    in_fiber(create);
    for (int i = 0; i < 5; i++) {
        start_work(&work, read_all, 0);
        finish_work(&work, 1);
        CZ_EXPECT_EQ(work.status, CZ_OK);
        CZ_EXPECT_EQ(work.value, 3);
        start_work(&work, end_others, 0);
        finish_work(&work, 1);
        CZ_EXPECT(work.value >= 1);
    }
    start_work(&work, transaction_around_an_end, 0);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_EUNAVAILABLE);
    start_work(&work, count_rows, 0);
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.value, 1);
    finish_loop();
}

CZ_TEST(a_transaction_whose_connection_was_gone_before_it_began_begins_on_another)
{
    cz__db *one = open_database("&application_name=gone&pool_size=1"), *other;
    cz_error err = { 0 };
    cz_ctx *ctx = new_context(), *ending = new_context();
    run_sql(ctx, "CREATE TABLE t (n int)");
    CZ_REQUIRE_OK(cz__db_open(cz_str_from(cz_test_postgresql()), &other, &err));
    cz__db_session session = { .db = other };
    ending->db = &session;
    for (int i = 0; i < 3; i++) {
        run_sql(ending, "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
                        "WHERE application_name = 'gone'");
        CZ_REQUIRE_OK(begin(ctx));
        CZ_REQUIRE_OK(begin(ctx));
        run_sql(ctx, "INSERT INTO t VALUES (1)");
        CZ_REQUIRE_OK(commit(ctx, &err));
        CZ_REQUIRE_OK(commit(ctx, &err));
    }
    CZ_EXPECT_EQ(number(ending, "SELECT count(*) FROM t"), 3);
    cz__db_close(other);
    cz__db_close(one);
}

static void insert_slowly(cz_ctx *ctx, struct work *work)
{
    int64_t rows;
    work->status =
        change(ctx, "INSERT INTO t SELECT 50 FROM pg_sleep(0.3)", NULL, 0, &rows, &work->err);
}

/* An INSERT that gives rows is read with a cursor. */
static void insert_slowly_returning(cz_ctx *ctx, struct work *work)
{
    work->status = select_i64(ctx, "INSERT INTO t SELECT 50 FROM pg_sleep(0.1) RETURNING n", 12,
                              NULL, &work->value, &work->err);
}

static void close_busy(struct cz__pg_link *links, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (links[i].first)
            cz__pg_link_close(&links[i]);
}

CZ_TEST(a_change_whose_end_is_not_known_is_reported_so_and_not_repeated)
{
    start_loop("&application_name=unknown&pool_size=2");
    struct cz__pg *db = (struct cz__pg *)cz__db_default;
    void (*const bodies[])(cz_ctx * ctx, struct work * work) = { insert_slowly,
                                                                 insert_slowly_returning };
    struct work change_work, work;
    in_fiber(create);
    for (int n = 0; n < 2; n++) {
        start_work(&change_work, bodies[n], 0);
        for (int i = 0; i < 8; i++)
            cz__loop_turn(loop, 5);
        /* the connection is closed under it without a word of the server's */
        close_busy(db->pool, db->settings.pool_size);
        close_busy(db->pipelines, db->settings.pipelines);
        finish_work(&change_work, 1);
        CZ_EXPECT_EQ(change_work.status, CZ_EUNKNOWN);
    }
    start_work(&work, count_rows, 0);
    finish_work(&work, 1);
    CZ_EXPECT(work.value >= 1 && work.value <= 3);
    finish_loop();
}

#ifdef CZ_FAULTS
/* Open, write in a transaction and read; the first failure. */
static cz_status use_once(cz_ctx *ctx, const char *url)
{
    cz_error err = { 0 };
    cz__db_default = NULL;
    cz_status status = cz__db_open(cz_str_from(url), &cz__db_default, &err);
    if (status)
        return status;
    cz__db_session session = { .db = cz__db_default, .alone = true, .database = cz__databases };
    ctx->db = &session;
    int64_t rows, value = 0;
    cz__db_param param = { .kind = CZ__PARAM_INT, .integer = 5 };
    status = begin(ctx);
    if (!status)
        status = change(ctx, "UPDATE t SET n = ?", &param, 1, &rows, &err);
    if (status) {
        rollback(ctx);
    } else {
        status = commit(ctx, &err);
    }
    int64_t five = 5;
    if (!status)
        status = select_i64(ctx, "SELECT n FROM t WHERE n = $1", 7, &five, &value, &err);
    if (!status)
        CZ_EXPECT_EQ(value, 5);
    cz__db_close(cz__db_default);
    return status;
}

CZ_TEST(without_memory_a_statement_fails_and_nothing_else)
{
    open_database("");
    cz_ctx *ctx = new_context();
    run_sql(ctx, "CREATE TABLE t (n int)");
    run_sql(ctx, "INSERT INTO t VALUES (1)");
    cz__db_close(cz__db_default);
    const char *url = cz_test_postgresql();
    cz_status status = CZ_ENOMEM;
    int n = 1;
    for (; status && n < 200; n++) {
        ctx = new_context();
        cz__alloc_fail_at((uint64_t)n, false);
        status = use_once(ctx, url);
        cz__alloc_fail_at(0, false);
        CZ_EXPECT_MSG(status == CZ_OK || status == CZ_ENOMEM || status == CZ_EUNAVAILABLE,
                      "allocation %d: %s", n, cz_status_name(status));
    }
    CZ_EXPECT_EQ(status, CZ_OK);
    CZ_EXPECT(n > 10);
}
#endif

/* ---- loading ---- */

static void load_rows(cz_ctx *ctx, struct work *work)
{
    enum { ROWS = 3000, BYTES = 1000 };
    static char text[BYTES];
    static const char *const columns[] = { "id", "t" };
    static const cz__db_type types[] = { CZ__DB_INT64, CZ__DB_TEXT };
    static int64_t keys[4][ROWS];
    struct cz__db_load_table table = { .name = "loaded",
                                       .columns = columns,
                                       .types = types,
                                       .column_count = 2,
                                       .key = "id",
                                       .key_count = ROWS,
                                       .keys = keys[work->number] };
    cz__db_session *session = session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz__db_load *load = NULL;
    memset(text, 'x', sizeof text);
    CZ_REQUIRE_OK(driver->begin(ctx, session, &work->err));
    work->status = driver->load_begin(ctx, session, &table, &load, &work->err);
    for (int i = 0; i < ROWS && !work->status; i++) {
        cz__db_param params[] = { { .kind = CZ__PARAM_INT, .integer = keys[work->number][i] },
                                  { .kind = CZ__PARAM_TEXT, .text = { text, sizeof text } } };
        work->status = driver->load_row(ctx, load, params, &work->err);
    }
    if (!work->status)
        work->status = driver->load_end(ctx, load, &work->err);
    if (load)
        driver->load_destroy(load);
    if (work->status)
        driver->rollback(ctx, session);
    else
        work->status = driver->commit(ctx, session, &work->err);
}

static void make_loaded(cz_ctx *ctx, struct work *work)
{
    (void)work;
    run_sql(ctx, "CREATE TABLE loaded (id bigint GENERATED BY DEFAULT AS IDENTITY, t text)");
}

static void count_loaded(cz_ctx *ctx, struct work *work)
{
    work->value = number(ctx, "SELECT count(*) FROM loaded");
}

static int64_t loaded(void)
{
    struct work work;
    start_work(&work, count_loaded, 0);
    finish_work(&work, 1);
    return work.value;
}

CZ_TEST(postgresql_is_loaded_by_fibers_at_once)
{
    struct work works[4];
    start_loop("");
    in_fiber(make_loaded);
    for (int i = 0; i < 4; i++)
        start_work(&works[i], load_rows, i);
    finish_work(works, 4);
    for (int i = 0; i < 4; i++)
        CZ_EXPECT_MSG(works[i].status == CZ_OK, "%s", cz_error_message(&works[i].err));
    CZ_EXPECT_EQ(loaded(), 12000);
    finish_loop();
}

/* A trigger holds up the COPY, so it is under way when something happens to it. */
static void make_slow(cz_ctx *ctx, struct work *work)
{
    make_loaded(ctx, work);
    run_sql(ctx, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                 "'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'");
    run_sql(ctx, "CREATE TRIGGER wait BEFORE INSERT ON loaded FOR EACH STATEMENT EXECUTE FUNCTION "
                 "wait()");
}

static void end_backends(cz_ctx *ctx, struct work *work)
{
    work->value = number(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                              "WHERE query LIKE 'COPY %' AND state = 'active'");
}

CZ_TEST(a_load_that_is_given_up_or_loses_its_connection_stores_nothing)
{
    static const struct {
        cz_status reason, status; /* OK: the connection is ended */
    } cases[] = {
        { CZ_ECANCELED, CZ_ECANCELED },
        { CZ_ETIMEDOUT, CZ_ETIMEDOUT },
        { CZ_OK, CZ_EUNAVAILABLE },
    };
    start_loop("&pool_size=2");
    in_fiber(make_slow);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct work work, end;
        start_work(&work, load_rows, 0);
        int64_t until = cz_monotonic_us() + 150000;
        while (cz_monotonic_us() < until)
            cz__loop_turn(loop, 10);
        CZ_EXPECT(!work.done);
        if (cases[i].reason) {
            cz__fiber_cancel(work.ctx, cases[i].reason);
        } else {
            start_work(&end, end_backends, 0);
            finish_work(&end, 1);
            CZ_EXPECT_EQ(end.value, 1);
        }
        finish_work(&work, 1);
        CZ_EXPECT_EQ(work.status, cases[i].status);
        CZ_EXPECT_EQ(loaded(), 0);
    }
    struct work work;
    start_work(&work, load_rows, 0); /* and the pool is as it was */
    finish_work(&work, 1);
    CZ_EXPECT_EQ(work.status, CZ_OK);
    CZ_EXPECT_EQ(loaded(), 3000);
    finish_loop();
}

/* ---- behind a slow statement ---- */

static void ask_slowly(cz_ctx *ctx, struct work *work)
{
    work->status =
        select_i64(ctx, "SELECT count(*) FROM pg_sleep(0.6)", 50, NULL, &work->value, &work->err);
}

static void ask_quickly(cz_ctx *ctx, struct work *work)
{
    int64_t number = work->number;
    work->status =
        select_i64(ctx, "SELECT CAST($1 AS bigint)", 51, &number, &work->value, &work->err);
}

CZ_TEST(reads_behind_a_slow_statement_on_a_pipeline_overtake_it)
{
    static const char *const parameters[] = { "", "&pipelines=1", "&pipelines=3" };
    cz_ignore(*cz_test_postgresql() == '\0');
    for (size_t p = 0; p < CZ_COUNT(parameters); p++) {
        struct work quick[60], slow;
        start_loop(parameters[p]);
        for (int i = 0; i < 3; i++) { /* connected and prepared everywhere */
            start_work(&quick[0], ask_quickly, i);
            finish_work(quick, 1);
        }
        start_work(&slow, ask_slowly, 0);
        for (int i = 0; i < 30; i++)
            start_work(&quick[i], ask_quickly, i);
        finish_work(quick, 30); /* sent behind it */
        for (int i = 30; i < 60; i++)
            start_work(&quick[i], ask_quickly, i);
        finish_work(quick, 60); /* sent while it is known to be slow */
        CZ_EXPECT(!slow.done);
        for (int i = 0; i < 60; i++) {
            CZ_EXPECT_EQ(quick[i].status, CZ_OK);
            CZ_EXPECT_EQ(quick[i].value, i);
            CZ_EXPECT_MSG(quick[i].took_us < 150000, "%s: %lld us", parameters[p],
                          (long long)quick[i].took_us);
        }
        finish_work(&slow, 1);
        CZ_EXPECT_EQ(slow.status, CZ_OK);
        CZ_EXPECT_EQ(slow.value, 1);
        /* what was dropped there has taken nothing along */
        start_work(&quick[0], ask_quickly, 77);
        finish_work(quick, 1);
        CZ_EXPECT_EQ(quick[0].value, 77);
        finish_loop();
    }
}
