/* The Bookstore over real sockets: every endpoint, and more bad input than good. */
#include "server.h"
#include <calzone/time.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static uint16_t port;

static struct server start_with(const char *variable)
{
    const char *url =
        cz__test_on_postgresql ? format("DATABASE_URL=%s", cz_test_postgresql()).ptr : NULL;
    const char *env[] = { BOOKSTORE_SERVICE, url ? url : variable, url ? variable : NULL, NULL };
    ask_always = BOOKSTORE_SERVICE_HEADER;
    return server_start("bookstore", 1, env);
}

static struct server start(void)
{
    struct server server = start_with(NULL);
    port = server.port;
    return server;
}

static void seed(void)
{
    CZ_EXPECT_STATUS(
        post(port, "/v2/authors", "{\"name\":\"Ovid\",\"birth_year\":-43,\"death_year\":17}"), 201);
    CZ_EXPECT_STATUS(post(port, "/v2/authors", "{\"name\":\"Sappho\"}"), 201);
    CZ_EXPECT_STATUS(post(port, "/v2/books",
                          "{\"title\":\"Metamorphoses\",\"author\":1,\"isbn\":\"9780140447897\","
                          "\"year\":8,\"category\":\"poetry\",\"language\":\"la\"}"),
                     201);
    CZ_EXPECT_STATUS(post(port, "/v2/magazines",
                          "{\"title\":\"Nature\",\"issn\":\"0028-0836\",\"founded\":1869,"
                          "\"category\":\"science\"}"),
                     201);
}

CZ_DATABASE_TEST(bookstore_resources_are_made_read_changed_and_removed)
{
    struct server server = start();
    seed();
    static const struct {
        const char *list, *create, *put, *patch, *field, *put_value, *patch_value;
    } kinds[] = {
        { "/v2/authors", "{\"name\":\"Homer\",\"source\":\"\"}", "{\"name\":\"Virgil\"}",
          "{\"name\":\"Horace\"}", "name", "Virgil", "Horace" },
        { "/v2/books", "{\"title\":\"Amores\",\"author\":1,\"category\":\"poetry\"}",
          "{\"title\":\"Fasti\",\"author\":2,\"category\":\"drama\"}", "{\"title\":\"Tristia\"}",
          "title", "Fasti", "Tristia" },
        { "/v2/magazines", "{\"title\":\"Mind\",\"category\":\"philosophy\"}",
          "{\"title\":\"Analysis\",\"category\":\"news\"}", "{\"title\":\"Noûs\"}", "title",
          "Analysis", "Noûs" },
    };
    for (size_t i = 0; i < CZ_COUNT(kinds); i++) {
        const cz_answer *answer = post(port, kinds[i].list, kinds[i].create);
        CZ_EXPECT_STATUS(answer, 201);
        CZ_EXPECT_HEADER(answer, "Content-Type", "application/json");
        const cz_json_value *id = cz_answer_at(answer, "id");
        CZ_REQUIRE(id && id->kind == CZ_JSON_INT);
        const char *detail = format("%s/%d", kinds[i].list, (int)id->as.integer).ptr;
        CZ_EXPECT_HEADER(answer, "Location", detail);
        const cz_answer *read = get(port, detail);
        CZ_EXPECT_STATUS(read, 200);
        CZ_EXPECT_JSON_TEXT(read, "", format("%.*s", CZ_STR_ARG(answer->body)).ptr);
        const char *json = "Content-Type: application/json; charset=utf-8\r\n";
        answer = ask(port, "PUT", detail, json, kinds[i].put);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON(answer, kinds[i].field, kinds[i].put_value);
        answer = ask(port, "PATCH", detail, json, kinds[i].patch);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON(get(port, detail), kinds[i].field, kinds[i].patch_value);
        CZ_EXPECT_STATUS(ask(port, "PATCH", detail, json, "{}"), 200);
        answer = ask(port, "HEAD", detail, NULL, NULL);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_HEADER(answer, "Content-Length", format("%zu", get(port, detail)->body.len).ptr);
        answer = ask(port, "OPTIONS", detail, NULL, NULL);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT(cz_answer_at(answer, format("actions.PUT.%s", kinds[i].field).ptr) != NULL);
        CZ_EXPECT(cz_str_find(cz_answer_header(answer, "Allow"), CZ_STR("PATCH")) != SIZE_MAX);
        answer = ask(port, "DELETE", detail, NULL, NULL);
        CZ_EXPECT_STATUS(answer, 204);
        CZ_EXPECT_EQ(answer->body.len, 0);
        CZ_EXPECT_STATUS(get(port, detail), 404);
        CZ_EXPECT_STATUS(ask(port, "DELETE", detail, NULL, NULL), 404);
        CZ_EXPECT_STATUS(ask(port, "PUT", detail, json, kinds[i].put), 404);
        CZ_EXPECT_STATUS(ask(port, "PATCH", detail, json, "{}"), 404);
    }
    const cz_answer *answer = get(port, "/");
    CZ_EXPECT_JSON(answer, "books", "http://localhost/v2/books");
    answer = ask(port, "DELETE", "/v2/authors/1", NULL, NULL); /* has a book */
    CZ_EXPECT_STATUS(answer, 409);
    CZ_EXPECT(cz_answer_at(answer, "detail"));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* What is refused, with the document's one member that tells why. */
CZ_DATABASE_TEST(bookstore_refuses_bad_fields_with_drf_sentences)
{
    struct server server = start();
    seed();
    char long_title[250], body[400];
    memset(long_title, 'x', 201);
    long_title[201] = '\0';
    snprintf(body, sizeof body, "{\"title\":\"%s\",\"author\":1,\"category\":\"drama\"}",
             long_title);
#define BOOK(fields) "{\"author\":1,\"category\":\"drama\"," fields "}"
#define TITLED(fields) "{\"title\":\"t\",\"author\":1,\"category\":\"drama\"," fields "}"
    const struct {
        const char *path, *json, *field, *message; /* NULL: only that it is refused */
    } cases[] = {
        { "/v2/books", "{}", "title[0]", "This field is required." },
        { "/v2/books", "{}", "author[0]", "This field is required." },
        { "/v2/books", "{}", "category[0]", "This field is required." },
        { "/v2/magazines", "[]", "non_field_errors[0]",
          "Invalid data. Expected a dictionary, but got list." },
        { "/v2/books", "7", "non_field_errors[0]",
          "Invalid data. Expected a dictionary, but got int." },
        { "/v2/books", "null", "non_field_errors[0]", NULL },
        { "/v2/books", BOOK("\"title\":\"\""), "title[0]", "This field may not be blank." },
        { "/v2/books", BOOK("\"title\":\"  \""), "title[0]", "This field may not be blank." },
        { "/v2/books", BOOK("\"title\":null"), "title[0]", "This field may not be null." },
        { "/v2/books", BOOK("\"title\":true"), "title[0]", "Not a valid string." },
        { "/v2/books", BOOK("\"title\":[]"), "title[0]", "Not a valid string." },
        { "/v2/books", BOOK("\"title\":{\"a\":[{}]}"), "title[0]", "Not a valid string." },
        { "/v2/books", BOOK("\"title\":\"a\\u0000b\""), "title[0]",
          "Null characters are not allowed." },
        { "/v2/books", body, "title[0]", "Ensure this field has no more than 200 characters." },
        { "/v2/books", TITLED("\"isbn\":\"9780140447898\""), "isbn[0]",
          "Enter a valid ISBN: 10 or 13 digits without hyphens." },
        { "/v2/books", TITLED("\"isbn\":\"978014044789\""), "isbn[0]",
          "Enter a valid ISBN: 10 or 13 digits without hyphens." },
        { "/v2/books", TITLED("\"isbn\":\"97801404478971\""), "isbn[0]", NULL },
        { "/v2/books", TITLED("\"isbn\":\"080442957x\""), "isbn[0]", NULL },
        { "/v2/books", TITLED("\"isbn\":\"9780140447897\""), "isbn[0]", NULL }, /* taken */
        { "/v2/books", TITLED("\"year\":\"soon\""), "year[0]", "A valid integer is required." },
        { "/v2/books", TITLED("\"year\":1.5"), "year[0]", "A valid integer is required." },
        { "/v2/books", TITLED("\"year\":[1]"), "year[0]", "A valid integer is required." },
        { "/v2/books", TITLED("\"year\":2101"), "year[0]",
          "Ensure this value is less than or equal to 2100." },
        { "/v2/books", TITLED("\"year\":-3001"), "year[0]",
          "Ensure this value is greater than or equal to -3000." },
        { "/v2/books", TITLED("\"year\":99999999999999999999"), "year[0]", NULL },
        { "/v2/books", TITLED("\"language\":\"far too long\""), "language[0]",
          "Ensure this field has no more than 8 characters." },
        { "/v2/books", "{\"title\":\"t\",\"author\":1,\"category\":\"cars\"}", "category[0]",
          "\"cars\" is not a valid choice." },
        { "/v2/books", "{\"title\":\"t\",\"author\":1,\"category\":\"news\"}", "category[0]",
          "\"news\" is not a valid choice." },
        { "/v2/books", "{\"title\":\"t\",\"author\":99,\"category\":\"drama\"}", "author[0]",
          "Invalid pk \"99\" - object does not exist." },
        { "/v2/books", "{\"title\":\"t\",\"author\":\"x\",\"category\":\"drama\"}", "author[0]",
          NULL },
        { "/v2/books", "{\"title\":\"t\",\"author\":null,\"category\":\"drama\"}", "author[0]",
          "This field may not be null." },
        { "/v2/books", "{\"title\":\"t\",\"author\":{},\"category\":\"drama\"}", "author[0]",
          NULL },
        { "/v2/books", TITLED("\"colour\":\"red\""), "colour[0]", "Unknown field." },
        { "/v2/authors", "{}", "name[0]", "This field is required." },
        { "/v2/authors", "{\"name\":\"Ovid\"}", "name[0]", NULL }, /* taken */
        { "/v2/authors", "{\"name\":\"A\",\"birth_year\":5,\"death_year\":4}", "death_year[0]",
          "Must not be before birth_year." },
        { "/v2/authors", "{\"name\":\"A\",\"birth_year\":5000}", "birth_year[0]", NULL },
        { "/v2/authors", "{\"name\":\"A\",\"source\":null}", "source[0]",
          "This field may not be null." },
        { "/v2/magazines", "{\"title\":\"M\",\"category\":\"news\",\"issn\":\"0028-0837\"}",
          "issn[0]", "Enter a valid ISSN: NNNN-NNNC." },
        { "/v2/magazines", "{\"title\":\"M\",\"category\":\"news\",\"issn\":\"00280836\"}",
          "issn[0]", "Enter a valid ISSN: NNNN-NNNC." },
        { "/v2/magazines", "{\"title\":\"M\",\"category\":\"news\",\"issn\":\"0028-0836\"}",
          "issn[0]", NULL }, /* taken */
        { "/v2/magazines", "{\"title\":\"Nature\",\"category\":\"news\"}", "title[0]", NULL },
        { "/v2/magazines", "{\"title\":\"M\",\"category\":\"news\",\"founded\":1599}", "founded[0]",
          "Ensure this value is greater than or equal to 1600." },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = post(port, cases[i].path, cases[i].json);
        CZ_EXPECT_MSG(answer->status == 400, "%s: %d", cases[i].json, answer->status);
        if (cases[i].message)
            CZ_EXPECT_JSON(answer, cases[i].field, cases[i].message);
        else
            CZ_EXPECT_MSG(cz_answer_at(answer, cases[i].field), "%s: %.*s", cases[i].json,
                          CZ_STR_ARG(answer->body));
    }
    CZ_EXPECT_JSON(get(port, "/v2/books"), "count", 1);
    CZ_EXPECT_JSON(get(port, "/v2/authors"), "count", 2);
    CZ_EXPECT_JSON(get(port, "/v2/magazines"), "count", 1);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_DATABASE_TEST(bookstore_refuses_bad_requests_with_documents)
{
    struct server server = start();
    seed();
    const char *json = "Content-Type: application/json\r\n";
    const char *xml = "Content-Type: application/xml\r\n";
    const char *big = format("{\"title\":\"%0*d\"}", 3 << 20, 7).ptr;
    const char *long_target = format("/v2/books?q=%0*d", 9000, 7).ptr;
    const char *long_header = format("X-Long: %0*d\r\n", 40000, 7).ptr;
    const struct {
        const char *method, *target, *headers, *body;
        int status;
        const char *code; /* NULL: not looked at */
    } cases[] = {
        { "GET", "/nowhere", NULL, NULL, 404, "not_found" },
        { "GET", "/v2", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/99", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/0", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/-1", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/1x", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/99999999999999999999", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/1/2", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books/%31%00", NULL, NULL, 400, "parse_error" },
        { "GET", "/v2/../etc/passwd", NULL, NULL, 404, NULL },
        { "GET", "/v2/books?page=0", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books?page=2", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books?page=x", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books?page=-1", NULL, NULL, 404, "not_found" },
        { "GET", "/v2/books?page=99999999999999999999", NULL, NULL, 404, "not_found" },
        { "DELETE", "/v2/magazines", NULL, NULL, 405, "method_not_allowed" },
        { "PUT", "/v2/magazines", json, "{}", 405, "method_not_allowed" },
        { "PATCH", "/v2/magazines", json, "{}", 405, "method_not_allowed" },
        { "POST", "/v2/books/1", json, "{}", 405, "method_not_allowed" },
        { "POST", "/", json, "{}", 405, "method_not_allowed" },
        { "FETCH", "/v2/books", NULL, NULL, 501, NULL },
        { "TRACE", "/v2/books", NULL, NULL, 501, NULL },
        { "POST", "/v2/books", json, "{", 400, "parse_error" },
        { "POST", "/v2/books", json, "{\"title\":}", 400, "parse_error" },
        { "POST", "/v2/books", json, "{\"title\":\"a\",\"title\":\"b\"}", 400,
          NULL }, /* the last counts; an author is missing */
        { "POST", "/v2/books", json, "{} {}", 400, "parse_error" },
        { "POST", "/v2/books", json, "\xff", 400, "parse_error" },
        { "POST", "/v2/books", json, "", 400, NULL },
        { "PUT", "/v2/books/1", json, "{", 400, "parse_error" },
        { "PATCH", "/v2/books/1", json, "[", 400, "parse_error" },
        { "POST", "/v2/books", xml, "<a/>", 415, "unsupported_media_type" },
        { "PATCH", "/v2/books/1", "Content-Type: nonsense\r\n", "{}", 415, NULL },
        { "POST", "/v2/books", NULL, "{}", 415, "unsupported_media_type" },
        { "GET", "/v2/books", "Accept: application/xml\r\n", NULL, 406, "not_acceptable" },
        { "GET", "/v2/books", "Accept: application/json;q=0\r\n", NULL, 406, "not_acceptable" },
        { "POST", "/v2/books", json, big, 413, "too_large" },
        { "GET", long_target, NULL, NULL, 414, NULL },
        { "GET", "/", long_header, NULL, 431, NULL },
        { "GET", "/", "Host: localhost\r\n", NULL, 400, "parse_error" }, /* the second */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer =
            ask(port, cases[i].method, cases[i].target, cases[i].headers, cases[i].body);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s %.60s %.60s: %d: %.*s",
                      cases[i].method, cases[i].target, cases[i].body ? cases[i].body : "",
                      answer->status, CZ_STR_ARG(cz_str_head(answer->body, 200)));
        if (cases[i].code)
            CZ_EXPECT_JSON(answer, "code", cases[i].code);
        if (cases[i].code)
            CZ_EXPECT_MSG(cz_answer_at(answer, "detail"), "%s %.60s has no detail", cases[i].method,
                          cases[i].target);
        if (answer->status == 405)
            CZ_EXPECT(cz_answer_header(answer, "Allow").len);
    }
    static const char *const hosts[] = { "evil.example", "localhost.evil.example", "127.0.0.2" };
    for (size_t i = 0; i < CZ_COUNT(hosts); i++) {
        const cz_answer *answer =
            ask_raw(port, format("GET /v2/books HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]));
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 400);
    }
    CZ_EXPECT_STATUS(get(port, "/v2/books/1"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_DATABASE_TEST(bookstore_lists_come_in_pages_with_links)
{
    struct server server = start_with("PAGE_SIZE=3");
    port = server.port;
    for (int i = 0; i < 7; i++)
        CZ_EXPECT_STATUS(post(port, "/v2/authors", format("{\"name\":\"a%d\"}", i).ptr), 201);
    const cz_answer *answer = get(port, "/v2/authors");
    CZ_EXPECT_JSON(answer, "count", 7);
    CZ_EXPECT_JSON(answer, "previous", NULL);
    CZ_EXPECT_JSON(answer, "next", "http://localhost/v2/authors?page=2");
    CZ_EXPECT_JSON(answer, "results[2].name", "a2");
    answer = get(port, "/v2/authors?x=%20y&page=2");
    CZ_EXPECT_JSON(answer, "next", "http://localhost/v2/authors?x=%20y&page=3");
    CZ_EXPECT_JSON(answer, "previous", "http://localhost/v2/authors?x=%20y");
    answer = get(port, "/v2/authors?page=last");
    CZ_EXPECT_JSON(answer, "next", NULL);
    CZ_EXPECT_JSON(answer, "results[0].name", "a6");
    CZ_EXPECT(!cz_answer_at(answer, "results[1]"));
    CZ_EXPECT_STATUS(get(port, "/v2/authors?page=4"), 404);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static cz_str read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    CZ_REQUIRE(file && !fseek(file, 0, SEEK_END));
    long len = ftell(file);
    rewind(file);
    char *text = cz_arena_alloc(cz_test_arena(), (size_t)len + 1);
    CZ_REQUIRE(text && fread(text, 1, (size_t)len, file) == (size_t)len);
    fclose(file);
    return cz_str_of(text, (size_t)len);
}

CZ_DATABASE_TEST(bookstore_answers_every_json_vector_and_lives_on)
{
    const char *folder = CZ_SHARED_VECTORS "/json-test-suite/test_parsing";
    DIR *directory = opendir(folder);
    if (!directory)
        cz_test_skip("the JSON vectors are not here");
    struct server server = start();
    seed();
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        cz_str body = read_file(format("%s/%s", folder, entry->d_name).ptr);
        cz_buf bytes = { 0 };
        cz_buf_printf(&bytes,
                      "POST /v2/magazines HTTP/1.1\r\nHost: localhost\r\n" BOOKSTORE_SERVICE_HEADER
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                      body.len);
        cz_buf_append_str(&bytes, body);
        const cz_answer *answer = ask_raw(port, cz_buf_str(&bytes));
        cz_buf_done(&bytes);
        CZ_EXPECT_MSG(answer && answer->status == 400, "%s: %d", entry->d_name,
                      answer ? answer->status : 0);
        if (answer && entry->d_name[0] == 'n' && body.len) /* no body at all is an empty form */
            CZ_EXPECT_MSG(cz_answer_at(answer, "code"), "%s was read", entry->d_name);
        if (answer && entry->d_name[0] == 'y')
            CZ_EXPECT_MSG(!cz_answer_at(answer, "code"), "%s was not read: %.*s", entry->d_name,
                          CZ_STR_ARG(answer->body));
        count++;
    }
    closedir(directory);
    CZ_EXPECT(count > 300);
    CZ_EXPECT_JSON(get(port, "/v2/books"), "count", 1);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(bookstore_lists_are_filtered_and_the_document_tells_so)
{
    struct server server = start();
    seed();
    CZ_EXPECT_JSON(get(port, "/v2/books?category=poetry&year__lte=10"), "count", 1);
    CZ_EXPECT_JSON(get(port, "/v2/books?category=drama"), "count", 0);
    CZ_EXPECT_JSON(get(port, "/v2/authors?search=sap"), "results[0].name", "Sappho");
    CZ_EXPECT_JSON(get(port, "/v2/authors?ordering=-name"), "results[0].name", "Sappho");
    CZ_EXPECT_STATUS(get(port, "/v2/books?category=verse"), 400);
    CZ_EXPECT_STATUS(get(port, "/v2/books?author=99"), 400);
    const cz_answer *answer = get(port, "/v2/books?format=csv");
    CZ_EXPECT_HEADER(answer, "Content-Type", "text/csv; charset=utf-8");
    answer = get(port, "/openapi.json");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "info.title", "Bookstore");
    CZ_EXPECT_JSON(answer, "paths./v2/books.get.operationId", "v2_book_views_list");
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

enum { COUNTERS = 4, COUNTS = 15 };

/* Add one to the year of book 1, so many times, each on the state it was read in. Returns how often another was faster; -1
 * when something else happened. */
static int count_up(uint16_t to)
{
    int lost = 0;
    for (int done = 0; done < COUNTS && lost < 10000;) {
        const cz_answer *answer = get(to, "/v2/books/1");
        const cz_json_value *year = answer ? cz_answer_at(answer, "year") : NULL;
        if (!year)
            return -1;
        cz_str header = format("Content-Type: application/json\r\nIf-Match: %.*s\r\n",
                               CZ_STR_ARG(cz_answer_header(answer, "ETag")));
        cz_str body = format("{\"year\":%lld}", (long long)year->as.integer + 1);
        answer = ask(to, "PATCH", "/v2/books/1", header.ptr, body.ptr);
        if (!answer || (answer->status != 200 && answer->status != 412))
            return -1;
        done += answer->status == 200;
        lost += answer->status == 412;
    }
    return lost;
}

CZ_DATABASE_TEST(no_update_is_lost_between_workers_that_say_what_they_change)
{
    const char *url =
        cz__test_on_postgresql ? format("DATABASE_URL=%s", cz_test_postgresql()).ptr : NULL;
    const char *env[] = { BOOKSTORE_SERVICE, url, NULL };
    struct server server = server_start("bookstore", 2, env);
    ask_always = BOOKSTORE_SERVICE_HEADER;
    port = server.port;
    seed();
    pid_t counters[COUNTERS];
    for (int i = 0; i < COUNTERS; i++) {
        counters[i] = fork();
        if (!counters[i])
            _exit(count_up(port) < 0);
    }
    for (int i = 0; i < COUNTERS; i++) {
        int status;
        CZ_EXPECT_EQ(waitpid(counters[i], &status, 0), counters[i]);
        CZ_EXPECT_EQ(status, 0);
    }
    CZ_EXPECT_JSON(get(port, "/v2/books/1"), "year", 8 + COUNTERS * COUNTS);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_DATABASE_TEST(many_books_are_made_changed_and_deleted_at_once)
{
    struct server server = start();
    seed();
    const char *json = "Content-Type: application/json\r\n";
    const cz_answer *answer = post(port, "/v2/books",
                                   "[{\"title\":\"Ibis\",\"author\":1,\"category\":\"poetry\"},"
                                   "{\"title\":\"Tristia\",\"author\":1,\"category\":\"poetry\"}]");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "[1].id", 3);
    answer =
        post(port, "/v2/books", "[{\"title\":\"Halieutica\",\"author\":1,\"category\":\"fish\"}]");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "[0].category[0]", "\"fish\" is not a valid choice.");
    answer = ask(port, "PATCH", "/v2/books?expand=author&fields=year,author.name", json,
                 "[{\"id\":2,\"year\":9},{\"id\":3,\"year\":10}]");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "[1]", "{\"author\":{\"name\":\"Ovid\"},\"year\":10}");
    CZ_EXPECT_STATUS(ask(port, "PATCH", "/v2/books", json, "[{\"id\":9}]"), 400);
    answer = ask(port, "PUT", "/v2/books", json,
                 "[{\"id\":2,\"title\":\"Ibis!\",\"author\":2,\"category\":\"drama\"}]");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "[0].title", "Ibis!");
    CZ_EXPECT_STATUS(ask(port, "PUT", "/v2/books", json, "[{\"id\":2}]"), 400);
    CZ_EXPECT_STATUS(ask(port, "DELETE", "/v2/books?id=2,9", NULL, NULL), 400);
    CZ_EXPECT_STATUS(ask(port, "DELETE", "/v2/books?id=2,3", NULL, NULL), 204);
    CZ_EXPECT_JSON(get(port, "/v2/books"), "count", 1);
    ask_always = NULL;
    CZ_EXPECT_STATUS(ask(port, "DELETE", "/v2/books?id=1", NULL, NULL), 401);
    CZ_EXPECT_STATUS(ask(port, "PUT", "/v2/books", json, "[]"), 401);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}
