#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHIP(F)                                                                                    \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(bool_field, afloat, .default_ = cz_bool(true))                                               \
    F(float_field, draught, .null = true)
CZ_MODEL(Ship, SHIP, .ordering = CZ_ORDER_BY(CZ_ASC(Ship, name)));

static const cz_app fleet_app = { "fleet", .models = CZ_MODELS(Ship) };
static CZ_SERIALIZER(ShipSerializer, Ship, .fields = CZ_FIELDS(Ship, id, name, afloat, draught));
static CZ_VIEWSET(ship_views, Ship, .serializer = &ShipSerializer, .permissions = &cz_allow_any);

static void echo(cz_ctx *ctx, cz_request *req)
{
    cz_sleep(ctx, 1);
    cz_respond_header(ctx, req, CZ_STR("X-Language"),
                      cz_request_header(req, CZ_STR("Accept-Language")));
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), req->body);
}

static void fail_at_work(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    cz_raise(ctx, CZ_EDATABASE, "no");
}

/* Ask for each ship (1), on purpose (2), for one again and again (3), for two (4), whether each is there (5). */
static void one_by_one(cz_ctx *ctx, cz_request *req)
{
    cz_rows(Ship) ships = cz_select(ctx, Ship);
    int64_t how = req->params[0].integer;
    for (size_t i = 0; i < ships.count && how == 1; i++)
        cz_refresh(ctx, &ships.items[i]);
    for (size_t i = 0; i < ships.count && how == 2; i++)
        cz_get(ctx, Ship, .where = CZ_Q(Ship, id, EXACT, ships.items[i].id), .repeats = true);
    for (size_t i = 0; i < ships.count && how == 3; i++)
        cz_get(ctx, Ship, .where = CZ_Q(Ship, id, EXACT, ships.items[0].id));
    for (size_t i = 0; i < 2 && how == 4; i++)
        cz_get(ctx, Ship, .where = CZ_Q(Ship, id, EXACT, ships.items[i].id));
    for (size_t i = 0; i < ships.count && how == 5; i++)
        cz_exists(ctx, Ship, .where = CZ_Q(Ship, name, EXACT, ships.items[i].name));
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("done"));
}

/* /partly: ships of which one column was read; /partly?strict: and no other may be. */
static void partly(cz_ctx *ctx, cz_request *req)
{
    cz_rows(Ship) ships =
        cz_select(ctx, Ship, .only = CZ_FIELDS(Ship, name), .strict = req->query.len > 0);
    if (ships.count == 1)
        cz_respond_row(ctx, req, 200, &ShipSerializer, &ships.items[0]);
    else
        cz_respond_rows(ctx, req, &ShipSerializer, ships);
}

static const cz_route urls[] = {
    CZ_RESOURCE("/ships", &ship_views),
    CZ_GET("/partly", partly),
    CZ_GET("/one-by-one/<int:how>", one_by_one),
    CZ_POST("/echo", echo),
    CZ_GET("/fail", fail_at_work),
    CZ_ROUTES_END,
};

static CZ_PROJECT(fleet, "fleet", .apps = CZ_APPS(&fleet_app), .urls = urls);

CZ_TEST(a_client_asks_a_project_with_a_database_of_its_own)
{
    cz_client *client = cz_client_create(&fleet);
    const cz_answer *answer = cz_client_post(client, "/ships", "{\"name\": \"Vasa\"}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_HEADER(answer, "location", "/ships/1");
    CZ_EXPECT_JSON(answer, "name", "Vasa");
    CZ_EXPECT_JSON(answer, "id", 1);
    CZ_EXPECT_JSON(answer, "draught", NULL);
    CZ_EXPECT_JSON_TEXT(answer, "afloat", "true");
    CZ_EXPECT_STATUS(cz_client_put(client, "/ships/1", "{\"name\": \"Vasa\", \"draught\": 4.8}"),
                     200);
    answer = cz_client_patch(client, "/ships/1", "{\"afloat\": false}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "draught", 4.8);
    CZ_EXPECT_JSON(answer, "afloat", (bool)0);
    answer = cz_client_get(client, "/ships?page=1");
    CZ_EXPECT_JSON_TEXT(answer, "",
                        "{\"next\": null, \"previous\": null, \"count\": 1, \"results\":"
                        "[{\"id\": 1, \"name\": \"Vasa\", \"afloat\": false, \"draught\": 4.8}]}");
    CZ_EXPECT_JSON(answer, "results[0].name", "Vasa");
    CZ_EXPECT_QUERIES(answer, 2);
    CZ_EXPECT(!cz_answer_at(answer, "results[1]") && !cz_answer_at(answer, "results[0].x"));
    answer = cz_client_delete(client, "/ships/1");
    CZ_EXPECT_STATUS(answer, 204);
    CZ_EXPECT_EQ(answer->body.len, 0);
    answer = cz_client_get(client, "/ships/1");
    CZ_EXPECT_STATUS(answer, 404);
    CZ_EXPECT_QUERIES(answer, 1);
}

CZ_TEST(a_client_sends_headers_bodies_and_raw_bytes)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_set_header(client, "Accept-Language", "nl");
    cz_client_request request = {
        .method = "POST", .target = "/echo", .content_type = "text/plain", .body = CZ_STR("hoi")
    };
    const cz_answer *answer = cz_client_send(client, &request);
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_STR(answer->body, "hoi");
    CZ_EXPECT_HEADER(answer, "X-Language", "nl");
    CZ_EXPECT(!answer->json);
    cz_client_set_header(client, "Accept-Language", NULL);
    CZ_EXPECT_HEADER(cz_client_send(client, &request), "X-Language", "");
    request = (cz_client_request){ .method = "HEAD", .target = "/ships" };
    answer = cz_client_send(client, &request);
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_EQ(answer->body.len, 0);
    request = (cz_client_request){ .method = "GET",
                                   .target = "/ships",
                                   .headers = "Host: elsewhere.example\r\n" };
    CZ_EXPECT_STATUS(cz_client_send(client, &request), 400);
    CZ_EXPECT_STATUS(cz_client_send_raw(client, CZ_STR("GET / HTTP/3.0\r\n\r\n")), 505);
    CZ_EXPECT_STATUS(cz_client_get(client, "/fail"), 500);
}

static void add_ships(cz_ctx *ctx, void *arg)
{
    int *count = arg;
    for (int i = 0; i < *count; i++)
        cz_create(ctx, Ship, (name, cz_format(ctx, "ship %d", i)));
    *count = (int)cz_count(ctx, Ship);
}

CZ_TEST(rows_made_in_a_test_are_what_its_clients_see)
{
    cz_client *one = cz_client_create(&fleet), *two = cz_client_create(&fleet);
    int count = 3;
    cz_client_run(one, add_ships, &count);
    CZ_EXPECT_EQ(count, 3);
    CZ_EXPECT_JSON(cz_client_get(two, "/ships"), "count", 3);
}

/* Run `test` in a child and expect that it fails. */
static void expect_failure(void (*test)(void))
{
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        test();
        _exit(cz_test_has_failed() ? 1 : 0);
    }
    int status;
    CZ_REQUIRE(waitpid(child, &status, 0) == child);
    CZ_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static int ask_one_by_one(int how)
{
    cz_client *client = cz_client_create(&fleet);
    int count = 3;
    cz_client_run(client, add_ships, &count);
    char target[] = "/one-by-one/0";
    target[sizeof target - 2] = (char)('0' + how);
    return cz_client_get(client, target)->status;
}

static void refresh_one_by_one(void)
{
    if (ask_one_by_one(1) != 200)
        _exit(0); /* it failed, but not so */
}
static void exist_one_by_one(void)
{
    if (ask_one_by_one(5) != 200)
        _exit(0); /* it failed, but not so */
}

CZ_TEST(a_request_that_asks_row_by_row_fails_its_test)
{
    expect_failure(refresh_one_by_one);
    expect_failure(exist_one_by_one);
}
CZ_TEST(rows_asked_for_one_by_one_on_purpose_fail_nothing)
{
    CZ_EXPECT_EQ(ask_one_by_one(2), 200);
}
CZ_TEST(the_same_row_asked_for_again_fails_nothing)
{
    CZ_EXPECT_EQ(ask_one_by_one(3), 200);
}
CZ_TEST(two_rows_asked_for_one_by_one_fail_nothing)
{
    CZ_EXPECT_EQ(ask_one_by_one(4), 200);
}
CZ_TEST(rows_may_be_asked_for_one_by_one_where_the_setting_says_so)
{
    setenv("QUERY_REPEATS_MAX", "3", 1);
    CZ_EXPECT_EQ(ask_one_by_one(1), 200);
}

static void add_ship(cz_ctx *ctx, void *arg)
{
    cz_create(ctx, Ship, (name, (const char *)arg), (draught, 4.5));
}

CZ_TEST(a_column_left_out_of_a_query_is_never_answered_as_zero)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, add_ship, (char[]){ "Vasa" });
    CZ_EXPECT_JSON_TEXT(cz_client_get(client, "/partly"), "",
                        "{\"id\": 1, \"name\": \"Vasa\", \"afloat\": true, \"draught\": 4.5}");
    CZ_EXPECT_STATUS(cz_client_get(client, "/partly?strict"), 500);
    cz_client_run(client, add_ship, (char[]){ "Zeven" });
    const cz_answer *answer = cz_client_get(client, "/partly");
    CZ_EXPECT_JSON_TEXT(answer, "",
                        "[{\"id\": 1, \"name\": \"Vasa\", \"afloat\": true, \"draught\": 4.5},"
                        "{\"id\": 2, \"name\": \"Zeven\", \"afloat\": true, \"draught\": 4.5}]");
    CZ_EXPECT_QUERIES(answer, 3); /* the rows, and two columns for all of them */
}

static void count_ships(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_QUERIES_OF(2)
    {
        cz_ignore(cz_count(ctx, Ship) + cz_count(ctx, Ship) == 0); /* only that it is asked */
    }
}
static void count_too_many(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_QUERIES_OF(1)
    {
        count_ships(ctx, NULL);
    }
}
static void expect_one_of_two(void)
{
    cz_client_run(cz_client_create(&fleet), count_too_many, NULL);
}

CZ_TEST(a_block_counts_its_queries)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, count_ships, NULL);
    const cz_answer *answer = cz_client_get(client, "/ships/7");
    CZ_REQUIRE(answer->query_count == 1);
    CZ_EXPECT(cz_str_find(answer->queries[0], CZ_STR("fleet_ship")) != SIZE_MAX);
}
CZ_TEST(a_block_with_other_queries_fails)
{
    expect_failure(expect_one_of_two);
}

static cz_answer answer_of(const char *text)
{
    cz_answer answer = { 0 };
    cz_str bytes = cz_str_from(text);
    CZ_EXPECT_EQ(cz__answer_parse(bytes, false, true, &answer), bytes.len);
    return answer;
}

#define JSON_ANSWER                                                                                \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"              \
    "{\"a\":[1,true,\"1\",{}]}"

static void wrong_status(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_STATUS(&answer, 201);
}
static void wrong_kind(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "a[2]", 1);
}
static void wrong_text(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "a[0]", "1");
}
static void wrong_bool(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "a[1]", (bool)0);
}
static void wrong_null(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "b", NULL);
}
static void wrong_real(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "a[0]", 1.5);
}
static void wrong_document(void)
{
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON_TEXT(&answer, "", "{\"a\":[1,true,\"1\",{\"b\":1}]}");
}
static void no_json(void)
{
    cz_answer answer = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    CZ_EXPECT_JSON_TEXT(&answer, "", "{}");
}
static void no_http(void)
{
    answer_of("HELO 200 OK\r\n\r\n");
}
static void raise_in_run(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_raise(ctx, CZ_EBUSY, "busy");
}
static void raising_work(void)
{
    cz_client_run(cz_client_create(&fleet), raise_in_run, NULL);
}
static void require_in_run(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    CZ_REQUIRE(arg);
}
static void requiring_work(void)
{
    cz_client_run(cz_client_create(&fleet), require_in_run, NULL);
}
static void two_projects(void)
{
    static const cz_project other = { .name = "other", .urls = urls };
    cz_client_create(&fleet);
    cz_client_create(&other);
}

CZ_TEST(expectations_that_do_not_hold_fail_the_test)
{
    CZ_EXPECT_EQ(strlen(JSON_ANSWER), sizeof JSON_ANSWER - 1);
    cz_answer answer = answer_of(JSON_ANSWER);
    CZ_EXPECT_JSON(&answer, "a[0]", 1);
    CZ_EXPECT_JSON(&answer, "a[0]", 1.0);
    CZ_EXPECT_JSON(&answer, "a[1]", (bool)1);
    CZ_EXPECT_JSON_TEXT(&answer, "a[3]", "{}");
    void (*const wrong[])(void) = { wrong_status, wrong_kind,   wrong_text,     wrong_bool,
                                    wrong_null,   wrong_real,   wrong_document, no_json,
                                    no_http,      raising_work, requiring_work, two_projects };
    for (size_t i = 0; i < CZ_COUNT(wrong); i++)
        expect_failure(wrong[i]);
}

CZ_TEST(an_answer_is_read_whole_or_not_at_all)
{
    static const struct {
        const char *bytes;
        bool head, closed;
        size_t used; /* SIZE_MAX: all */
        const char *body;
    } cases[] = {
        { "", false, true, 0, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", false, true, 0, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", false, true, 0, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, false, SIZE_MAX, "ab" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", false, false, 40, "ab" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true, false, SIZE_MAX, "" },
        { "HTTP/1.1 100 Continue\r\n\r\n", false, false, SIZE_MAX, "" },
        { "HTTP/1.1 204 No Content\r\n\r\n", false, false, SIZE_MAX, "" },
        { "HTTP/1.0 200 OK\r\n\r\nabc", false, false, 0, "" },
        { "HTTP/1.0 200 OK\r\n\r\nabc", false, true, SIZE_MAX, "abc" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\n2\r\nab\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
          false, false, SIZE_MAX, "ab0123456789" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", false, false, 0,
          "" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_answer answer = { 0 };
        cz_str bytes = cz_str_from(cases[i].bytes);
        size_t used = cz__answer_parse(bytes, cases[i].head, cases[i].closed, &answer);
        CZ_EXPECT_MSG(used == (cases[i].used == SIZE_MAX ? bytes.len : cases[i].used),
                      "case %zu: %zu bytes", i, used);
        CZ_EXPECT_STR(answer.body, cases[i].body);
    }
}

/* A peer on a port of its own that does what `serve` does with each connection; ends with the test. */
static uint16_t start_peer(void (*serve)(int fd))
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    struct sockaddr *any = (struct sockaddr *)(void *)&address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CZ_REQUIRE(listener >= 0 && !bind(listener, any, len) && !listen(listener, 8) &&
               !getsockname(listener, any, &len));
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0)
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0)
                _exit(1);
            serve(fd);
            close(fd);
        }
    close(listener);
    return ntohs(address.sin_port);
}

/* Answers once for each line, with how many reads it took, and closes after "end". */
static void serve_lines(int fd)
{
    char line[64], answer[128];
    size_t len = 0;
    int reads = 0;
    ssize_t got;
    while ((got = read(fd, line + len, sizeof line - len)) > 0) {
        len += (size_t)got;
        reads++;
        if (line[len - 1] != '\n')
            continue;
        int bytes = snprintf(
            answer, sizeof answer,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%2d", reads);
        if (write(fd, answer, (size_t)bytes) < 0 || memcmp(line, "end", 3) == 0)
            return;
        len = 0;
        reads = 0;
    }
}

CZ_TEST(the_wire_client_cuts_what_it_sends_where_it_is_told)
{
    cz_wire *wire = cz_wire_open(start_peer(serve_lines));
    CZ_EXPECT(cz_wire_send(wire, CZ_STR("abc\n")));
    CZ_EXPECT_STATUS(cz_wire_next(wire, 5000), 100);
    const cz_answer *answer = cz_wire_next(wire, 5000);
    CZ_REQUIRE(answer);
    CZ_EXPECT_STR(answer->body, " 1");
    CZ_EXPECT_EQ(wire->read_count, 1);
    CZ_EXPECT(cz_wire_send_cut(wire, CZ_STR("abc\n"), 2));
    CZ_EXPECT_STATUS(cz_wire_next(wire, 5000), 100);
    cz_str reads = cz_wire_next(wire, 5000)->body; /* on a busy machine the pieces may meet */
    CZ_EXPECT(cz_str_eq(reads, CZ_STR(" 2")) || cz_str_eq(reads, CZ_STR(" 1")));
    CZ_EXPECT(cz_wire_send_bytes(wire, CZ_STR("end\n")));
    CZ_EXPECT(!cz_wire_closes(wire, 1000)); /* there is an answer first */
    CZ_EXPECT_STATUS(cz_wire_next(wire, 5000), 100);
    reads = cz_wire_next(wire, 5000)->body;
    CZ_EXPECT(reads.len == 2 && reads.ptr[1] >= '1' && reads.ptr[1] <= '4');
    CZ_EXPECT(cz_wire_closes(wire, 5000));
    CZ_EXPECT(!cz_wire_next(wire, 100) && wire->closed && !wire->timed_out);
    cz_wire_close(wire);
    wire = cz_wire_open(start_peer(serve_lines));
    CZ_EXPECT(!cz_wire_next(wire, 10) && wire->timed_out && !wire->closed);
    cz_wire_abort(wire);
    cz_wire_close(NULL);
}

CZ_TEST(a_test_has_a_directory_of_its_own)
{
    const char *path = cz_test_directory();
    CZ_EXPECT(!access(path, W_OK));
    CZ_EXPECT(path == cz_test_directory());
}

/* ---- what a failing test says ---- */

static void raise_here(cz_ctx *ctx, void *arg)
{
    *(int *)arg = __LINE__ + 1;
    cz_raise(ctx, CZ_EINVAL, "the hull leaks");
}

static void raise_from_below(cz_ctx *ctx, void *arg)
{
    cz_error err = { .status = CZ_EIO, .message = "the sea is rough" };
    (void)arg;
    cz_raise_error(ctx, &err);
}

/* What `test` writes to stderr, in a child that it ends. */
static cz_str told_by(void (*test)(void))
{
    int ends[2];
    char *text = cz_arena_alloc(cz_test_arena(), 4096);
    CZ_REQUIRE(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        CZ_REQUIRE(dup2(ends[1], STDERR_FILENO) >= 0);
        test();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], text + len, 4096 - len)) > 0;)
        len += (size_t)got;
    close(ends[0]);
    CZ_REQUIRE(waitpid(child, NULL, 0) == child);
    return cz_str_of(text, len);
}

static int raised_at;

static void run_and_raise(void)
{
    cz_client *client = cz_client_create(&fleet);
    CZ_EXPECT_MSG(false, "line %d", __LINE__ + 1); /* told to the parent, too */
    cz_client_run(client, raise_here, &raised_at);
}

static void run_and_raise_from_below(void)
{
    cz_client_run(cz_client_create(&fleet), raise_from_below, NULL);
}

CZ_TEST(what_is_raised_in_a_run_is_told_with_its_place)
{
    cz_str told = told_by(run_and_raise);
    size_t at = cz_str_find(told, CZ_STR("line "));
    CZ_REQUIRE(at != SIZE_MAX);
    int called_at = atoi(told.ptr + at + 5);
    CZ_EXPECT_MSG(
        cz_str_find(told, cz_str_from(cz_arena_printf(cz_test_arena(),
                                                      "%s:%d: cz_client_run() raised EINVAL at %s:",
                                                      __FILE__, called_at, __FILE__))) != SIZE_MAX,
        "%.*s", CZ_STR_ARG(told));
    CZ_EXPECT(cz_str_find(told, CZ_STR(": the hull leaks\n")) != SIZE_MAX);
    told = told_by(run_and_raise_from_below);
    CZ_EXPECT_MSG(cz_str_find(told, CZ_STR("cz_client_run() raised EIO at ")) != SIZE_MAX &&
                      cz_str_find(told, CZ_STR(": the sea is rough\n")) != SIZE_MAX,
                  "%.*s", CZ_STR_ARG(told));
    CZ_EXPECT(cz_str_find(told, CZ_STR("?:0")) == SIZE_MAX);
}
