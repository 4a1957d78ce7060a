/* calzone/testing.h: tests of Calzone and of projects made with it.
 *
 * A test is a function that registers itself and is named for the behaviour it shows. The runner
 * (cz_test_main()) runs each in its own process, so a crash or an exit fails one test and no other, and
 * ends with the line `N passed, N failed`, to which `, N skipped` is added when there are any.
 *
 *     CZ_TEST(an_isbn_with_a_wrong_check_digit_is_refused)
 *     {
 *         CZ_EXPECT(!isbn_is_valid(CZ_STR("9780131103628")));
 *     }
 *
 * An expectation that fails is reported with its file, line and values, and the test goes on; a
 * requirement (CZ_REQUIRE) ends it.
 *
 * A project is asked without a socket, against a database that only this test has:
 *
 *     CZ_TEST(a_book_that_was_posted_can_be_read)
 *     {
 *         cz_client *client = cz_client_create(&bookstore);
 *         CZ_EXPECT_STATUS(cz_client_post(client, "/v2/authors", "{\"name\": \"Ovid\"}"), 201);
 *         const cz_answer *answer = cz_client_get(client, "/v2/authors?page=1");
 *         CZ_EXPECT_JSON(answer, "results[0].name", "Ovid");
 *         CZ_EXPECT_QUERIES(answer, 2);
 *     }
 *
 * and a server that runs is asked byte by byte by cz_wire, below.
 */
#ifndef CALZONE_TESTING_H
#define CALZONE_TESTING_H

#include <calzone/http.h>
#include <calzone/json.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_test {
    const char *name, *file;
    void (*fn)(void);
    struct cz_test *next; /* private */
} cz_test;

void cz__test_register(cz_test *test);

#define CZ_TEST(test_name)                                                                         \
    static void test_name(void);                                                                   \
    __attribute__((constructor)) static void test_name##_register(void)                            \
    {                                                                                              \
        static cz_test test = { #test_name, __FILE__, test_name, NULL };                           \
        cz__test_register(&test);                                                                  \
    }                                                                                              \
    static void test_name(void)

/* Report a failure at a line; the test goes on. */
void cz__test_fail(const char *file, int line, const char *format, ...) CZ_PRINTF(3, 4);
/* End the test at once: as failed, or as skipped with the reason. */
CZ_NORETURN void cz__test_abort(void);
CZ_NORETURN void cz_test_skip(const char *reason);
/* Whether the running test has failed an expectation so far. */
bool cz_test_has_failed(void);
/* An empty directory of the running test's own; the runner removes it, and all in it, after the test,
 * however that ended. Ends the test when it cannot be made. */
const char *cz_test_directory(void);
/* Memory that lives as long as the running test. Never NULL. */
cz_arena *cz_test_arena(void);
/* The URL of a PostgreSQL database in which the running test has an empty schema of its own; the same at
 * every call. CZ_TEST_POSTGRESQL_URL names the server, whose user may create schemas; without it the test
 * ends as skipped. */
const char *cz_test_postgresql(void);
/* A test run on SQLite and, as NAME_on_postgresql, on PostgreSQL, each in a process of its own:
 * cz_test_database() is the URL of the database to open, empty and of this test alone. */
#define CZ_DATABASE_TEST(name)                                                                     \
    static void name##_body(void);                                                                 \
    CZ_TEST(name)                                                                                  \
    {                                                                                              \
        name##_body();                                                                             \
    }                                                                                              \
    CZ_TEST(name##_on_postgresql)                                                                  \
    {                                                                                              \
        cz__test_on_postgresql = true;                                                             \
        name##_body();                                                                             \
    }                                                                                              \
    static void name##_body(void)
extern bool cz__test_on_postgresql;
const char *cz_test_database(void);

#define CZ_EXPECT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cz__test_fail(__FILE__, __LINE__, "%s", #condition);                                   \
    } while (0)
/* As CZ_EXPECT, with a printf-style message that tells the case. */
#define CZ_EXPECT_MSG(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cz__test_fail(__FILE__, __LINE__, __VA_ARGS__);                                        \
    } while (0)
#define CZ_EXPECT_EQ(actual, expected)                                                             \
    do {                                                                                           \
        long long cz__a = (long long)(actual), cz__e = (long long)(expected);                      \
        if (cz__a != cz__e)                                                                        \
            cz__test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld", #actual, cz__a, cz__e); \
    } while (0)
#define CZ_EXPECT_STR(actual, expected)                                                            \
    cz__test_expect_str(__FILE__, __LINE__, #actual, (actual), cz_str_from(expected))
#define CZ_REQUIRE(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            cz__test_fail(__FILE__, __LINE__, "%s", #condition);                                   \
            cz__test_abort();                                                                      \
        }                                                                                          \
    } while (0)
#define CZ_REQUIRE_OK(call)                                                                        \
    do {                                                                                           \
        cz_status cz__s = (call);                                                                  \
        if (cz__s != CZ_OK) {                                                                      \
            cz__test_fail(__FILE__, __LINE__, "%s gave %s", #call, cz_status_name(cz__s));         \
            cz__test_abort();                                                                      \
        }                                                                                          \
    } while (0)

void cz__test_expect_str(const char *file, int line, const char *text, cz_str actual,
                         cz_str expected);

/* ---- answers ---- */

/* What came back for a request. Lives as long as the test. */
typedef struct cz_answer {
    int status;
    cz_str head; /* status line and headers, as sent */
    cz_str body; /* without its chunks */
    const cz_header *headers;
    uint32_t header_count;
    const cz_json_value *json; /* the body, when its type is JSON and it is well-formed; or NULL */
    uint32_t query_count;  /* statements the request ran; 0 over a socket, where nobody counts */
    const cz_str *queries; /* their SQL; NULL when there was no memory to keep it */
} cz_answer;

/* The first header of this name, compared without case; empty when there is none. */
cz_str cz_answer_header(const cz_answer *answer, const char *name);
/* What stands at `path` ("results[0].title"; "" is the whole document); NULL: nothing does. */
const cz_json_value *cz_answer_at(const cz_answer *answer, const char *path);

#define CZ_EXPECT_STATUS(answer, expected)                                                         \
    cz__expect_status(__FILE__, __LINE__, (answer), (expected))
/* What stands at `path` is this text, number, bool or NULL. `true` is an int in C17: write
 * CZ_EXPECT_JSON_TEXT(answer, "lent", "true"). */
#define CZ_EXPECT_JSON(answer, path, expected)                                                     \
    _Generic((expected), char *: cz__expect_json_str, const char *: cz__expect_json_str,           \
             float: cz__expect_json_real, double: cz__expect_json_real,                            \
             bool: cz__expect_json_bool, void *: cz__expect_json_null,                             \
             default: cz__expect_json_int)(__FILE__, __LINE__, (answer), (path), (expected))
/* What stands at `path` is the same as this JSON text; the order of members does not matter. */
#define CZ_EXPECT_JSON_TEXT(answer, path, text)                                                    \
    cz__expect_json_text(__FILE__, __LINE__, (answer), (path), (text))
#define CZ_EXPECT_HEADER(answer, name, expected)                                                   \
    cz__test_expect_str(__FILE__, __LINE__, name, cz_answer_header((answer), (name)),              \
                        cz_str_from(expected))
/* So many statements ran; else their SQL is listed. BEGIN and COMMIT are not counted. */
#define CZ_EXPECT_QUERIES(answer, expected)                                                        \
    cz__expect_queries(__FILE__, __LINE__, (answer)->queries, (answer)->query_count, (expected))
/* The same of a block, which a raise leaves unchecked. A database must be open.
 *
 *     CZ_EXPECT_QUERIES_OF(2)
 *     {
 *         cz_rows(Author) authors = cz_select(ctx, Author, .prefetch = CZ_PREFETCH(Author, (books)));
 *         ...
 *     }
 */
#define CZ_EXPECT_QUERIES_OF(expected) CZ__QUERY_BLOCK(CZ__CAT(cz__block_, __LINE__), expected)
#define CZ__QUERY_BLOCK(block, expected)                                                           \
    for (struct cz__query_block block __attribute__((cleanup(cz__query_block_end))) =              \
             cz__query_block_begin(__FILE__, __LINE__, (expected));                                \
         block.open; block.open = false)

struct cz__query_block { /* private */
    const char *file;
    int line;
    uint32_t before, expected;
    bool open;
};
struct cz__query_block cz__query_block_begin(const char *file, int line, uint32_t expected);
void cz__query_block_end(const struct cz__query_block *block);
void cz__expect_queries(const char *file, int line, const cz_str *queries, uint32_t count,
                        uint32_t expected);

void cz__expect_status(const char *file, int line, const cz_answer *answer, int expected);
void cz__expect_json_str(const char *file, int line, const cz_answer *answer, const char *path,
                         const char *expected);
void cz__expect_json_int(const char *file, int line, const cz_answer *answer, const char *path,
                         int64_t expected);
void cz__expect_json_real(const char *file, int line, const cz_answer *answer, const char *path,
                          double expected);
void cz__expect_json_bool(const char *file, int line, const cz_answer *answer, const char *path,
                          bool expected);
void cz__expect_json_null(const char *file, int line, const cz_answer *answer, const char *path,
                          const void *expected);
void cz__expect_json_text(const char *file, int line, const cz_answer *answer, const char *path,
                          const char *expected);

/* Read the first answer in `in`, which is copied. `head`: it answers HEAD, so has no body. `closed`:
 * nothing will follow `in`. Returns how many bytes the answer takes; 0 when it is not whole, or,
 * reported as a failure, is none. */
size_t cz__answer_parse(cz_str in, bool head, bool closed, cz_answer *out);

/* ---- a project, asked in the test's own process ---- */

struct cz_project;
typedef struct cz_client cz_client;

/* Start `project` as a worker would, with ENV=test and a new database with all its tables, and open a
 * client of it. The database is a copy of one that was migrated once for the run: on the server that
 * DATABASE_URL names when that is PostgreSQL, and in a CZ_DATABASE_TEST's second run on that of
 * CZ_TEST_POSTGRESQL_URL; else an SQLite file. The database DATABASE_URL names itself is not used, and
 * DATABASE_URL is the copy's from here on. Settings come from the environment: setenv() before. All of a test's clients share the
 * project and its database, and end with the test; what fails here ends it at once. A test has one
 * project. */
cz_client *cz_client_create(const struct cz_project *project);

/* Send this header with every request from now on; NULL: not any more. */
void cz_client_set_header(cz_client *client, const char *name, const char *value);

typedef struct cz_client_request {
    const char *method;       /* required */
    const char *target;       /* required: "/v2/books?page=2" */
    const char *headers;      /* lines, "Accept: text/html\r\n"; may be NULL */
    const char *content_type; /* NULL: application/json when there is a body */
    cz_str body;
} cz_client_request;

/* Ask and return the answer. A request that cannot be answered ends the test. Context: not inside
 * cz_client_run(). */
const cz_answer *cz_client_send(cz_client *client, const cz_client_request *request);
const cz_answer *cz_client_get(cz_client *client, const char *target);
const cz_answer *cz_client_delete(cz_client *client, const char *target);
const cz_answer *cz_client_post(cz_client *client, const char *target, const char *json);
const cz_answer *cz_client_put(cz_client *client, const char *target, const char *json);
const cz_answer *cz_client_patch(cz_client *client, const char *target, const char *json);
/* A whole request as it would come over a connection, sent as it is. */
const cz_answer *cz_client_send_raw(cz_client *client, cz_str bytes);

/* Call `fn(ctx, arg)` as a handler is called, on a fiber with the database: to make rows and look at
 * them. What it raises ends the test, and is told with the place of the call and, where it is known, of the raise. */
#define cz_client_run(client, fn, arg) cz__client_run((client), (fn), (arg), __FILE__, __LINE__)
void cz__client_run(cz_client *client, void (*fn)(cz_ctx *ctx, void *arg), void *arg,
                    const char *file, int line);

/* ---- a server that runs, asked byte by byte ---- */

typedef struct cz_wire {
    int fd;
    bool closed;         /* the peer has closed, and every answer was taken */
    bool timed_out;      /* nothing came in the time given */
    bool head;           /* set before taking an answer to HEAD: it has no body */
    unsigned read_count; /* reads that brought bytes */
    cz_buf in;           /* private */
    size_t used;
} cz_wire;

/* Connect to 127.0.0.1:`port`; ends the test when nobody listens. */
cz_wire *cz_wire_open(uint16_t port);
/* Send bytes in one write; at a cut in two, with a pause between that lets the peer read the first; or
 * one by one. False: the peer has closed; what it answered before can still be taken. */
bool cz_wire_send(cz_wire *wire, cz_str bytes);
bool cz_wire_send_cut(cz_wire *wire, cz_str bytes, size_t cut);
bool cz_wire_send_bytes(cz_wire *wire, cz_str bytes);
/* Take the next whole answer, interim ones (100) included; NULL at the close or after the time-out. */
const cz_answer *cz_wire_next(cz_wire *wire, uint32_t timeout_ms);
/* Whether the peer closes within the time, without sending more. */
bool cz_wire_closes(cz_wire *wire, uint32_t timeout_ms);
/* Close, in good order or by a reset, and free. NULL does nothing. */
void cz_wire_close(cz_wire *wire);
void cz_wire_abort(cz_wire *wire);

/* Run the registered tests: `PROGRAM [--jobs N] [--list] [--timeout SECONDS] [PART_OF_A_NAME...]`.
 * Returns 0 when none failed. */
int cz_test_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
