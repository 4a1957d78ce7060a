/* calzone/loadtest.h: scenarios of load, which the command `loadtest` runs against a served project.
 *
 *     static const cz_load_test load_tests[] = {
 *         { .name = "browse",
 *           .requests = CZ_LOAD_REQUESTS({ .path = "/books", .weight = 3 },
 *                                        { .make = any_book, .name = "GET /books/ID" }) },
 *     };
 *     CZ_PROJECT_MAIN("shop", .urls = urls, .load_tests = CZ_LOAD_TESTS(load_tests))
 *
 * Everything here is static data; the command copies nothing and changes nothing of it.
 */
#ifndef CALZONE_LOADTEST_H
#define CALZONE_LOADTEST_H

#include <calzone/buf.h>
#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CZ_LOAD_REQUESTS_MAX = 64,   /* of one scenario */
    CZ_LOAD_HEADERS_MAX = 32,    /* of one request */
    CZ_LOAD_WEIGHT_MAX = 1000000 /* of one request */
};

/* What a request is made of, for each time that it is sent. */
typedef struct cz_load_call {
    uint64_t number; /* counts all requests of the run from 0: the same run asks for the same */
    unsigned client; /* which of the clients sends it, from 0 */
    cz_buf *path;    /* empty; left so, the request's own `path` is sent */
    cz_buf *body;    /* empty; left so, the request's own `body` is sent */
} cz_load_call;

typedef struct cz_load_header {
    const char *name, *value; /* not Host, Connection, Content-Length or Transfer-Encoding */
} cz_load_header;

typedef struct cz_load_request {
    const char *name;         /* in the report; NULL: "GET /books" */
    cz_method method;         /* 0: GET */
    const char *path;         /* "/books?page=2", escaped as on the wire; required without `make` */
    const char *body;         /* NULL: none */
    const char *content_type; /* of the body; NULL: application/json */
    struct {
        const cz_load_header *items;
        size_t count;
    } headers; /* CZ_LOAD_HEADERS() */
    /* Writes path or body; NULL: they are the same each time. Context: fiber; does not suspend or raise. */
    void (*make)(cz_load_call *call);
    uint32_t weight; /* how often beside the others of the scenario; 0: 1 */
    uint16_t status; /* what is to be answered, 200 to 599; 0: any of 200 to 299 */
} cz_load_request;

#define CZ_LOAD_HEADERS(...)                                                                       \
    {                                                                                              \
        (const cz_load_header[]){ __VA_ARGS__ },                                                   \
            sizeof((const cz_load_header[]){ __VA_ARGS__ }) / sizeof(cz_load_header)               \
    }

/* A scenario: its requests are sent in a random order, by their weights, that is the same in each run. */
typedef struct cz_load_test {
    const char *name; /* required: letters, digits, "-" and "_" */
    struct {
        const cz_load_request *items;
        size_t count;
    } requests; /* CZ_LOAD_REQUESTS(); one at least, CZ_LOAD_REQUESTS_MAX at most */
} cz_load_test;

#define CZ_LOAD_REQUESTS(...)                                                                      \
    {                                                                                              \
        (const cz_load_request[]){ __VA_ARGS__ },                                                  \
            sizeof((const cz_load_request[]){ __VA_ARGS__ }) / sizeof(cz_load_request)             \
    }

typedef struct cz_load_test_list {
    const cz_load_test *items;
    size_t count;
} cz_load_test_list;

/* An array of scenarios, for the project's table. */
#define CZ_LOAD_TESTS(array)                                                                       \
    {                                                                                              \
        (array), CZ_COUNT(array)                                                                   \
    }

#ifdef __cplusplus
}
#endif
#endif
