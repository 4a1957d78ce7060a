#include "load_tests.h"

enum { BOOKS = 200, PAGES = 3 };

static void any_book(cz_load_call *call)
{
    cz_buf_printf(call->path, "/v2/books/%d", (int)(call->number % BOOKS) + 1);
}

static void any_page(cz_load_call *call)
{
    cz_buf_printf(call->path, "/v2/books?page=%d", (int)(call->number % PAGES) + 1);
}

static void any_word(cz_load_call *call)
{
    static const char *const words[] = { "the", "history", "war", "love", "house" };
    cz_buf_printf(call->path, "/v2/books?search=%s", words[call->number % CZ_COUNT(words)]);
}

const cz_load_test load_tests[LOAD_TESTS] = {
    { .name = "browse",
      .requests =
          CZ_LOAD_REQUESTS({ .name = "GET /v2/books?page=", .make = any_page, .weight = 4 },
                           { .name = "GET /v2/books/ID", .make = any_book, .weight = 8 },
                           { .path = "/v2/authors", .weight = 2 }, { .path = "/v2/magazines" },
                           { .path = "/v2/books/0", .status = 404 }) },
    { .name = "search",
      .requests = CZ_LOAD_REQUESTS({ .name = "GET /v2/books?search=", .make = any_word }) },
    { .name = "course", .requests = CZ_LOAD_REQUESTS({ .path = "/v1/books" }) },
};
