/* The Bookstore's /v1: users and their tokens, and each endpoint by the names of the course. */
#include "private_server.h"
#include "server.h"
#include <calzone/base64.h>
#include <stdio.h>
#include <time.h>

static uint16_t port;

/* Its first user, as createsuperuser makes one; the password goes through a pipe. */
static void create_superuser(const char *url, const char *name, const char *password)
{
    FILE *command = popen(format("ENV=test PASSWORD_HASH_MEMORY=8M DATABASE_URL='%s' %s "
                                 "createsuperuser %s >/dev/null 2>&1",
                                 url, binary_path("bookstore"), name)
                              .ptr,
                          "w");
    CZ_REQUIRE(command);
    CZ_EXPECT(fprintf(command, "%s\n", password) > 0);
    CZ_EXPECT_EQ(pclose(command), 0);
}

#define ROOT_PASSWORD "correct horse battery"

/* `setting`: a further one, which comes before others of its name. */
static struct server start_with(const char *setting)
{
    const char *url = cz__test_on_postgresql
                          ? cz_test_postgresql()
                          : format("sqlite://%s/shop.db", cz_test_directory()).ptr;
    const char *env[] = { setting, format("DATABASE_URL=%s", url).ptr, "PASSWORD_HASH_MEMORY=8M",
                          NULL };
    struct server server = server_start("bookstore", 2, env);
    port = server.port;
    ask_always = NULL;
    create_superuser(url, "root", ROOT_PASSWORD);
    create_superuser(url, "ann", "an old password");
    return server;
}

static struct server start(void)
{
    return start_with("PASSWORD_HASH_MEMORY=8M");
}

#define FORM_BODY "Content-Type: application/x-www-form-urlencoded\r\n"

static const cz_answer *log_in(const char *name, const char *password)
{
    return ask(port, "POST", "/v1/token", FORM_BODY,
               format("grant_type=password&username=%s&password=%s", name, password).ptr);
}

/* The header that a user of this name sends. */
static const char *token_of(const char *name, const char *password)
{
    const cz_answer *answer = log_in(name, password);
    CZ_EXPECT_STATUS(answer, 200);
    const cz_json_value *token = cz_answer_at(answer, "access_token");
    CZ_REQUIRE(token && token->kind == CZ_JSON_STR);
    return format("Authorization: Bearer %.*s\r\n", CZ_STR_ARG(token->as.text)).ptr;
}

#define JSON_BODY "Content-Type: application/json\r\n"

/* `body`: a form unless it begins as a JSON object; NULL: none. */
static const cz_answer *send(const char *method, const char *target, const char *who,
                             const char *body)
{
    const char *type = !body ? "" : *body == '{' ? JSON_BODY : FORM_BODY;
    return ask(port, method, target, format("%s%s", who ? who : "", type).ptr, body);
}

/* "root:correct horse battery", "root:wrong". */
#define BASIC_ROOT "Authorization: Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=\r\n"
#define BASIC_WRONG "Authorization: Basic cm9vdDp3cm9uZw==\r\n"

CZ_DATABASE_TEST(users_of_the_bookstore_come_go_and_prove_who_they_are)
{
    struct server server = start();
    const char *const paths[] = { "/v1/validation/user", "/v1/user" };
    for (size_t i = 0; i < CZ_COUNT(paths); i++) {
        const cz_answer *answer = send("GET", paths[i], BASIC_ROOT, NULL);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON_TEXT(answer, "", "{\"valid\":true,\"username\":\"root\"}");
        answer = send("GET", paths[i], BASIC_WRONG, NULL);
        CZ_EXPECT_STATUS(answer, 401);
        CZ_EXPECT_STATUS(send("GET", paths[i], NULL, NULL), 401);
        const char *leak = format("%s?username=root&password=secret", paths[i]).ptr;
        answer = send("GET", leak, NULL, NULL);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT(cz_str_find(answer->body, CZ_STR("/v1/validation/user")) != SIZE_MAX);
    }
    CZ_EXPECT_STATUS(log_in("root", "wrong"), 401);
    CZ_EXPECT_STATUS(log_in("nobody", ROOT_PASSWORD), 401);
    CZ_EXPECT_STATUS(post(port, "/v1/token", "{\"username\":\"root\"}"), 400);
    CZ_EXPECT_STATUS(post(port, "/v1/token",
                          "{\"grant_type\":\"implicit\",\"username\":\"root\",\"password\":\"x\"}"),
                     400);
    const char *root = token_of("root", "correct+horse+battery");

    const char *ada = "{\"username\":\"ada\",\"password\":\"analytical engine\"}";
    CZ_EXPECT_STATUS(send("POST", "/v1/user", NULL, ada), 401);
    const cz_answer *answer = send("POST", "/v1/user", root, ada);
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "username", "ada");
    CZ_EXPECT(!cz_answer_at(answer, "password"));
    answer = send("POST", "/v1/user", root, ada);
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "username[0]", "user with this username already exists.");
    answer = send("POST", "/v1/user", root, "{\"username\":\"bob\",\"password\":\"short\"}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT(cz_answer_at(answer, "password[0]"));
    answer = send("POST", "/v1/user", root,
                  "{\"username\":\"bob\",\"password\":\"long enough now\",\"is_superuser\":true}");
    CZ_EXPECT_STATUS(answer, 201); /* what a client may not set is passed over */
    CZ_EXPECT_JSON_TEXT(answer, "is_superuser", "false");

    const char *of_ada = token_of("ada", "analytical+engine");
    CZ_EXPECT_STATUS(send("POST", "/v1/user", of_ada, ada), 403);
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user?username=bob", of_ada, NULL), 403);
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user?username=bob", root, NULL), 204);
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user?username=bob", root, NULL), 404);
    CZ_EXPECT_STATUS(send("PUT", "/v1/user", of_ada,
                          "{\"username\":\"ada\",\"password\":\"difference engine\"}"),
                     200);
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user", of_ada, NULL), 401); /* of the old password */
    of_ada = token_of("ada", "difference+engine");
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user", of_ada, NULL), 204);
    CZ_EXPECT_STATUS(send("POST", "/v1/book", of_ada, "{}"), 401);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* What the token of a user says its round is. */
static int64_t round_of(const char *name, const char *password)
{
    cz_str token = cz_str_from(token_of(name, password));
    cz_ignore(cz_str_cut(&token, '.').len); /* the header */
    cz_str claims = cz_str_cut(&token, '.');
    char *text = cz_arena_alloc(cz_test_arena(), claims.len + 4);
    size_t len = claims.len;
    CZ_REQUIRE(text && len);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(claims.ptr[i] == '-' ? '+' : claims.ptr[i] == '_' ? '/' : claims.ptr[i]);
    while (len % 4)
        text[len++] = '=';
    cz_bytes bytes;
    const cz_json_value *document;
    CZ_REQUIRE_OK(cz_base64_read(cz_test_arena(), cz_str_of(text, len), &bytes));
    CZ_REQUIRE_OK(
        cz_json_parse(cz_test_arena(), cz_str_of(bytes.ptr, bytes.len), NULL, &document, NULL));
    const cz_json_value *round = cz_json_get(document, CZ_STR("round"));
    CZ_REQUIRE(round && round->kind == CZ_JSON_INT);
    return round->as.integer;
}

/* Two changes at once both read the round before; counted up, it would be the same of both, and so would their tokens be. */
CZ_DATABASE_TEST(each_password_of_a_user_has_tokens_of_its_own)
{
    struct server server = start();
    const char *ann = token_of("ann", "an+old+password");
    int64_t before = round_of("ann", "an+old+password");
    CZ_EXPECT_STATUS(
        send("PUT", "/v1/user", ann, "{\"username\":\"ann\",\"password\":\"another password\"}"),
        200);
    int64_t after = round_of("ann", "another+password");
    CZ_EXPECT(after != before && after != before + 1);
    CZ_EXPECT_STATUS(send("DELETE", "/v1/user", ann, NULL), 401);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(passwords_of_the_bookstore_are_tried_a_few_times_a_minute)
{
    struct server server = start();
    int refused = 0;
    for (int i = 0; i < 25; i++)
        refused += log_in("root", "wrong")->status == 429;
    CZ_EXPECT_EQ(refused, 5);
    CZ_EXPECT_STATUS(get(port, "/v1/books"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Ann's password is hashed anew, with more memory, by a login that begins while it is changed and ends later. */
CZ_DATABASE_TEST(a_login_does_not_bring_an_old_password_back)
{
    struct server server = start_with("PASSWORD_HASH_MEMORY=32M");
    const struct timespec pause = { .tv_nsec = 30000000 };
    const char *root = token_of("root", "correct+horse+battery");
    const char *change = "username=ann&password=a+new+password", *old = "an+old+password";
    const char *form = format("username=ann&password=%s", old).ptr;
    cz_wire *one = cz_wire_open(port), *other = cz_wire_open(port);
    CZ_EXPECT(cz_wire_send(one, format("PUT /v1/user?username=ann HTTP/1.1\r\nHost: localhost\r\n"
                                       "%s" FORM_BODY "Content-Length: %zu\r\n\r\n%s",
                                       root, strlen(change), change)));
    nanosleep(&pause, NULL);
    CZ_EXPECT(cz_wire_send(other, format("POST /v1/token HTTP/1.1\r\nHost: localhost\r\n" FORM_BODY
                                         "Content-Length: %zu\r\n\r\n%s",
                                         strlen(form), form)));
    CZ_EXPECT_STATUS(cz_wire_next(one, 20000), 200);
    CZ_REQUIRE(cz_wire_next(other, 20000)); /* 200 or 401, as it came */
    CZ_EXPECT_STATUS(log_in("ann", "a+new+password"), 200);
    CZ_EXPECT_STATUS(log_in("ann", old), 401);
    cz_wire_close(one);
    cz_wire_close(other);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

#define DUNE "\"title\":\"Dune\",\"author\":1,\"category\":\"fiction\",\"year\":1965"

/* What is asked in this order; those that write with a token unless `nobody`. */
static const struct {
    const char *method, *target, *json;
    int status;
    const char *at, *text; /* NULL: not looked at */
    bool nobody;
} flow[] = {
    { "POST", "/v1/author", "{\"name\":\"Frank Herbert\",\"birth_year\":1920}", 201, "id", "1",
      false },
    { "POST", "/v1/author", "{\"name\":\"Frank Herbert\"}", 400, NULL, NULL, false },
    { "POST", "/v1/author", "{\"name\":\"Nobody\"}", 401, NULL, NULL, true },
    { "POST", "/v1/author", "{}", 400, "name", "[\"This field is required.\"]", false },
    { "GET", "/v1/author/1", NULL, 200, "name", "\"Frank Herbert\"", true },
    { "GET", "/v1/author/9", NULL, 404, NULL, NULL, true },
    { "GET", "/v1/author/x", NULL, 404, NULL, NULL, true },
    { "PATCH", "/v1/author/1/name", "{\"name\":\"F. Herbert\"}", 200, "name", "\"F. Herbert\"",
      false },
    { "PATCH", "/v1/author/1/name", "{\"name\":\"\"}", 400, NULL, NULL, false },
    { "PATCH", "/v1/author/1/name", "{}", 400, NULL, NULL, false },
    { "PATCH", "/v1/author/9/name", "{\"name\":\"x\"}", 404, NULL, NULL, false },
    { "PATCH", "/v1/author/1/name", "{\"name\":\"x\"}", 401, NULL, NULL, true },
    { "PATCH", "/v1/author/name", "{\"id\":1,\"name\":\"Herbert\"}", 200, "name", "\"Herbert\"",
      false },
    { "PATCH", "/v1/author/name", "{\"name\":\"x\"}", 400, "id", "[\"This field is required.\"]",
      false },
    { "PATCH", "/v1/author/name", "{\"id\":9,\"name\":\"x\"}", 404, NULL, NULL, false },
    { "PATCH", "/v1/author/name", "{\"id\":1", 400, NULL, NULL, false },
    { "GET", "/v1/authors", NULL, 200, "[0].name", "\"Herbert\"", true },
    { "POST", "/v1/book", "{\"isbn\":\"9780441172719\"," DUNE "}", 201, "title", "\"Dune\"",
      false },
    { "POST", "/v1/book", "{\"isbn\":\"9780441172719\"," DUNE "}", 409, "code", "\"conflict\"",
      false },
    { "POST", "/v1/book", "{\"isbn\":\"9780441172719\"}", 400, NULL, NULL, false },
    { "POST", "/v1/book", "{\"isbn\":\"9780441172710\"," DUNE "}", 400, NULL, NULL, false },
    { "POST", "/v1/book", "{" DUNE "}", 400, "isbn", "[\"This field is required.\"]", false },
    { "POST", "/v1/book",
      "{\"isbn\":\"0441172717\",\"title\":\"Dune\",\"author\":1,\"category\":\"spice\"}", 400,
      "category", "[\"\\\"spice\\\" is not a valid choice.\"]", false },
    { "POST", "/v1/book",
      "{\"isbn\":\"0441172717\",\"title\":\"Dune\",\"author\":1,\"category\":"
      "\"fiction\",\"year\":3000}",
      400, NULL, NULL, false },
    { "POST", "/v1/book", "{\"isbn\":\"0441172717\"," DUNE "}", 401, NULL, NULL, true },
    { "POST", "/v1/book", "{\"isbn\":\"0441172717\"," DUNE "}", 201, "isbn", "\"0441172717\"",
      false },
    { "GET", "/v1/books", NULL, 200, "[1].isbn", "\"0441172717\"", true },
    { "GET", "/v1/book/9780441172719", NULL, 200, "year", "1965", true },
    { "GET", "/v1/book/0000000000", NULL, 404, NULL, NULL, true },
    { "GET", "/v1/book?category=fiction&year=1965", NULL, 200, "[0].title", "\"Dune\"", true },
    { "GET", "/v1/book?category=poetry", NULL, 200, "", "[]", true },
    { "GET", "/v1/book?year=soon", NULL, 400, NULL, NULL, true },
    { "GET", "/v1/book?category=spice", NULL, 400, NULL, NULL, true },
    { "PUT", "/v1/book",
      "{\"isbn\":\"0441172717\",\"title\":\"Dune!\",\"author\":1,\"category\":"
      "\"fiction\",\"year\":1966}",
      200, "title", "\"Dune!\"", false },
    { "PUT", "/v1/book", "{\"isbn\":\"0441172717\"}", 400, NULL, NULL, false },
    { "PUT", "/v1/book", "{\"isbn\":\"9780140447897\"," DUNE "}", 404, NULL, NULL, false },
    { "PUT", "/v1/book", "{" DUNE "}", 400, "isbn", "[\"This field is required.\"]", false },
    { "PUT", "/v1/book", "{\"isbn\":\"0441172717\"," DUNE "}", 401, NULL, NULL, true },
    { "GET", "/v1/author/1/book", NULL, 200, "[0].year", "1965", true },
    { "GET", "/v1/author/1/book?order=desc", NULL, 200, "[0].year", "1966", true },
    { "GET", "/v1/author/1/book?order=asc&category=fiction", NULL, 200, "[1].year", "1966", true },
    { "GET", "/v1/author/1/book?category=poetry", NULL, 200, "", "[]", true },
    { "GET", "/v1/author/1/book?order=up", NULL, 400, "order", "[\"The order is asc or desc.\"]",
      true },
    { "GET", "/v1/author/9/book", NULL, 404, NULL, NULL, true },
    { "DELETE", "/v1/author?id=1", NULL, 409, NULL, NULL, false },
    { "DELETE", "/v1/book?isbn=0441172717", NULL, 401, NULL, NULL, true },
    { "DELETE", "/v1/book?isbn=0441172717", NULL, 204, NULL, NULL, false },
    { "DELETE", "/v1/book?isbn=0441172717", NULL, 404, NULL, NULL, false },
    { "DELETE", "/v1/book", NULL, 400, "isbn", "[\"This field is required.\"]", false },
    { "DELETE", "/v1/book?isbn=9780441172719", NULL, 204, NULL, NULL, false },
    { "GET", "/v1/books", NULL, 200, "", "[]", true },
    { "DELETE", "/v1/author?id=x", NULL, 400, "id", "[\"A valid integer is required.\"]", false },
    { "DELETE", "/v1/author", NULL, 400, "id", "[\"This field is required.\"]", false },
    { "DELETE", "/v1/author?id=1", NULL, 204, NULL, NULL, false },
    { "DELETE", "/v1/author?id=1", NULL, 404, NULL, NULL, false },
    { "POST", "/v1/magazine",
      "{\"title\":\"Nature\",\"issn\":\"0028-0836\",\"category\":\"science\"}", 201, "id", "1",
      false },
    { "POST", "/v1/magazine", "{\"title\":\"Nature\",\"category\":\"science\"}", 400, NULL, NULL,
      false },
    { "POST", "/v1/magazine",
      "{\"title\":\"Mind\",\"issn\":\"0028-0837\",\"category\":\"science\"}", 400, NULL, NULL,
      false },
    { "POST", "/v1/magazine", "{\"title\":\"Mind\",\"category\":\"science\"}", 401, NULL, NULL,
      true },
    { "PUT", "/v1/magazine", "{\"id\":1,\"title\":\"Nature!\",\"category\":\"news\"}", 200, "title",
      "\"Nature!\"", false },
    { "PUT", "/v1/magazine", "id=1&title=Science&category=news", 200, "title", "\"Science\"",
      false },
    { "PUT", "/v1/magazine", "title=Science&category=news", 400, "id",
      "[\"This field is required.\"]", false },
    { "PUT", "/v1/magazine", "{\"id\":9,\"title\":\"x\",\"category\":\"news\"}", 404, NULL, NULL,
      false },
    { "PUT", "/v1/magazine", "{\"title\":\"x\",\"category\":\"news\"}", 400, NULL, NULL, false },
    { "PUT", "/v1/magazine", "{\"id\":\"one\",\"title\":\"x\",\"category\":\"news\"}", 400, NULL,
      NULL, false },
    { "DELETE", "/v1/magazine?id=1", NULL, 401, NULL, NULL, true },
    { "DELETE", "/v1/magazine?id=1", NULL, 204, NULL, NULL, false },
    { "DELETE", "/v1/magazine?id=1", NULL, 404, NULL, NULL, false },
    { "DELETE", "/v1/magazine", NULL, 400, NULL, NULL, false },
    { "GET", "/v1/nothing", NULL, 404, NULL, NULL, true },
    { "PATCH", "/v1/book", "{}", 405, NULL, NULL, false },
    { "GET", "/v3/books", NULL, 404, NULL, NULL, true },
};

CZ_DATABASE_TEST(version_one_of_the_bookstore_answers_as_the_course_has_it)
{
    struct server server = start();
    const char *root = token_of("root", "correct+horse+battery");
    for (size_t i = 0; i < CZ_COUNT(flow); i++) {
        const cz_answer *answer =
            send(flow[i].method, flow[i].target, flow[i].nobody ? NULL : root, flow[i].json);
        CZ_EXPECT_MSG(answer->status == flow[i].status, "%s %s %s: %d: %.*s", flow[i].method,
                      flow[i].target, flow[i].json ? flow[i].json : "", answer->status,
                      CZ_STR_ARG(answer->body));
        if (flow[i].text)
            CZ_EXPECT_JSON_TEXT(answer, flow[i].at, flow[i].text);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* The same address, by another version. */
CZ_TEST(accept_version_chooses_where_the_path_does_not)
{
    struct server server = start();
    static const struct {
        const char *target, *header;
        int status;
        bool page; /* v2's list, with a count */
    } cases[] = {
        { "/books", NULL, 200, true },
        { "/books", "Accept-Version: 2\r\n", 200, true },
        { "/books", "Accept-Version: 1\r\n", 200, false },
        { "/v1/books", "Accept-Version: 2\r\n", 200, false },
        { "/v2/books", "Accept-Version: 1\r\n", 200, true },
        { "/books", "Accept-Version: 3\r\n", 406, false },
        { "/books", "Accept-Version: one\r\n", 406, false },
        { "/book?year=1", "Accept-Version: 1\r\n", 200, false },
        { "/book?year=1", NULL, 404, false },
    };
    for (int round = 0; round < 2; round++) /* from the cache as well */
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            const cz_answer *answer = ask(port, "GET", cases[i].target, cases[i].header, NULL);
            CZ_EXPECT_STATUS(answer, cases[i].status);
            CZ_EXPECT_EQ(cz_answer_at(answer, "count") != NULL, cases[i].page);
        }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Lists of /v1 have no pages: what is over 1,000, or over the limit that is asked for, is behind a link. */
CZ_DATABASE_TEST(books_of_an_author_beyond_one_answer_are_behind_a_link)
{
    struct server server = start();
    const char *root = token_of("root", "correct+horse+battery");
    CZ_EXPECT_STATUS(send("POST", "/v1/author", root, "{\"name\":\"Frank Herbert\"}"), 201);
    static const char *const isbns[] = { "0441172717", "9780441172719" };
    for (size_t i = 0; i < CZ_COUNT(isbns); i++)
        CZ_EXPECT_STATUS(send("POST", "/v1/book", root,
                              format("{\"isbn\":\"%s\",\"title\":\"Dune\",\"author\":1,"
                                     "\"category\":\"fiction\",\"year\":%zu}",
                                     isbns[i], 1965 + i)
                                  .ptr),
                         201);
    const cz_answer *answer = get(port, "/v1/author/1/book");
    CZ_EXPECT_EQ(cz_answer_at(answer, "")->count, 2);
    CZ_EXPECT_HEADER(answer, "Link", "");
    answer = get(port, "/v1/author/1/book?order=desc&limit=1");
    CZ_EXPECT_EQ(cz_answer_at(answer, "")->count, 1);
    CZ_EXPECT_JSON(answer, "[0].year", 1966);
    CZ_EXPECT_HEADER(
        answer, "Link",
        "<http://localhost/v1/author/1/book?order=desc&limit=1&offset=1>; rel=\"next\"");
    answer = get(port, "/v1/author/1/book?order=desc&limit=1&offset=1");
    CZ_EXPECT_JSON(answer, "[0].year", 1965);
    CZ_EXPECT_HEADER(answer, "Link",
                     "<http://localhost/v1/author/1/book?order=desc&limit=1>; rel=\"prev\"");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Each list as it is with `count` authors, first made and then kept, or made twice where there is no cache. */
static void expect_lists(uint32_t count, bool cached)
{
    static const char *const lists[] = { "/v1/authors", "/v2/authors", "/authors" };
    for (size_t i = 0; i < CZ_COUNT(lists); i++) {
        const cz_answer *first = get(port, lists[i]), *second = get(port, lists[i]);
        CZ_EXPECT_STATUS(first, 200);
        CZ_EXPECT_HEADER(first, "Age", "");
        CZ_EXPECT_HEADER(second, "Age", cached ? "0" : "");
        CZ_EXPECT_EQ(cz_answer_at(second, i ? "results" : "")->count, count);
    }
}

static void expect_lists_to_follow(const char *root)
{
    for (int round = 0; round < 3; round++) {
        expect_lists((uint32_t)round, true);
        const char *json = format("{\"name\":\"Author %d\"}", round).ptr;
        CZ_EXPECT_STATUS(send("POST", round % 2 ? "/v1/author" : "/v2/authors", root, json), 201);
    }
}

CZ_DATABASE_TEST(lists_of_the_bookstore_are_kept_until_rows_change)
{
    struct server server = start();
    expect_lists_to_follow(token_of("root", "correct+horse+battery"));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_DATABASE_TEST(lists_of_the_bookstore_are_kept_in_redis_and_made_without_it)
{
    struct private_server redis = { 0 };
    redis_run(&redis, NULL);
    struct server server = start_with(format("CACHE_URL=redis://127.0.0.1:%u/0", redis.port).ptr);
    const char *root = token_of("root", "correct+horse+battery");
    expect_lists_to_follow(root);
    private_server_kill(&redis);
    CZ_EXPECT_STATUS(send("POST", "/v2/authors", root, "{\"name\":\"Author 3\"}"), 201);
    expect_lists(4, false);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
