/* `dumpdata` and `loaddata`, as a project's binary runs them. */
#include "management/command_testing.h"
#include <calzone/calzone.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

CZ_MODEL_FORWARD(Book)

/* What an author continued is told by the rows of Book, not by the author's. */
#define AUTHOR(F)                                                                                  \
    F(char_field, name, .max_length = 40)                                                          \
    F(date_field, born, .null = true)                                                              \
    F(many_to_many, continued, Book, .through = CZ_THROUGH(Book))
CZ_MODEL(Author, AUTHOR, .natural_key = CZ_FIELDS(Author, name, born));

#define TAG(F) F(char_field, word, .max_length = 20)
CZ_MODEL_UUID(Tag, TAG, .natural_key = CZ_FIELDS(Tag, word));

#define BOOK(F)                                                                                    \
    F(char_field, title, .max_length = 80)                                                         \
    F(foreign_key, author, Author, .on_delete = CZ_CASCADE)                                        \
    F(decimal_field, price, .digits = 20, .places = 2, .null = true)                               \
    F(float_field, rating, .null = true)                                                           \
    F(bool_field, lent, .default_ = cz_bool(false))                                                \
    F(json_field, notes, .null = true)                                                             \
    F(binary_field, cover, .null = true)                                                           \
    F(datetime_field, seen, .null = true)                                                          \
    F(foreign_key, sequel_of, Book, .null = true, .on_delete = CZ_SET_NULL)                        \
    F(many_to_many, tags, Tag)
CZ_MODEL(Book, BOOK, .natural_key = CZ_FIELDS(Book, title, author),
         .constraints = CZ_CONSTRAINTS({ .name = "book_price", .check = "\"price\" >= '0'" }));

#define LENDING(F)                                                                                 \
    CZ_SOFT_DELETED(F)                                                                             \
    CZ_TIMESTAMPED(F)                                                                              \
    CZ_AUDITED(F)                                                                                  \
    F(text_array_field, marks, .blank = true)                                                      \
    F(char_field, reader, .max_length = 40)                                                        \
    F(foreign_key, renews, Lending, .null = true, .on_delete = CZ_PROTECT)
CZ_MODEL(Lending, LENDING);
CZ_PROXY(Overdue, Lending);
#define FINE(F) F(foreign_key, loan, Lending, .on_delete = CZ_PROTECT)
CZ_MODEL(Fine, FINE);

#define SHADE(F)                                                                                   \
    F(decimal_field, exact, .digits = 30, .places = 10)                                            \
    F(json_field, mix)
CZ_MODEL(Shade, SHADE);
CZ_MODEL(TheirShade, SHADE, .table = "store_shade", .unmanaged = true);

#define CHAPTER(F)                                                                                 \
    F(char_field, name, .max_length = 40, .unique = true)                                          \
    F(foreign_key, part_of, Chapter, .null = true, .on_delete = CZ_CASCADE)                        \
    F(foreign_key, before, Chapter, .null = true, .on_delete = CZ_CASCADE)                         \
    F(many_to_many, see, Chapter)
CZ_MODEL(Chapter, CHAPTER, .natural_key = CZ_FIELDS(Chapter, name));

static bool restores; /* what `purge` has read is restored before it is purged */

static void restore(cz_ctx *ctx, const cz_event *event)
{
    const Lending *lending = CZ_EVENT_ROW(ctx, event, Lending);
    if (!restores || cz_in_atomic(ctx) || lending->id != 1)
        return;
    restores = false;
    CZ_EXPECT_EQ(cz_restore(ctx, Lending, CZ_Q(Lending, reader, EXACT, "back")), 1);
}

static const cz_receiver receivers[] = { CZ_RECEIVER(CZ_POST_INIT, Lending, restore) };
static const cz_app store_app = { "store",
                                  .models = CZ_MODELS(Author, Tag, Book, Overdue, Lending, Fine,
                                                      Shade, TheirShade, Chapter),
                                  .receivers = CZ_RECEIVERS(receivers) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(shop, "shop", .apps = CZ_APPS(&store_app), .urls = urls);

static cz_str read_whole(const char *path)
{
    char *text = cz_arena_alloc(cz_test_arena(), 1 << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CZ_REQUIRE(text && fd >= 0);
    ssize_t len = read(fd, text, 1 << 20);
    close(fd);
    CZ_REQUIRE(len >= 0);
    return cz_str_of(text, (size_t)len);
}

/* Run a command against the SQLite file `database`, NULL: what SHOP_URL names. */
static int run_on(const char *database, cz_str *out, const char *const *arguments)
{
    const char *url = database ? cz__test_sqlite(database) : getenv("SHOP_URL");
    return cz__test_command(&shop, CZ__TEXTS(cz__test_setting("DATABASE_URL", url)), arguments,
                            out);
}
#define run(database, out, ...) run_on((database), (out), CZ__TEXTS(__VA_ARGS__))

static void expect(int line, int code, const char *text, int actual, cz_str out)
{
    if (actual != code || !cz_str_eq(out, cz_str_from(text)))
        cz__test_fail(__FILE__, line,
                      "ended with %d, expected %d, and printed \"%.*s\", expected \"%s\"", actual,
                      code, CZ_STR_ARG(out), text);
}

static const char fixture[] =
    "[\n"
    "{\"model\": \"store.book\", \"pk\": 7, \"fields\": {\"title\": \"Tehanu, \\\"last\\\"\",\n"
    "  \"author\": 1, \"price\": \"123456789012345678.90\", \"rating\": 4.5, \"lent\": true,\n"
    "  \"notes\": {\"shelf\": [1, \"two\", null]}, \"cover\": \"AAH/\",\n"
    "  \"seen\": \"2026-11-21T04:05:06.789Z\", \"sequel_of\": 8,\n"
    "  \"tags\": [\"00000000-0000-4000-8000-000000000002\", "
    "\"00000000-0000-4000-8000-000000000001\"]}},\n"
    "{\"model\": \"store.book\", \"pk\": 8, \"fields\": {\"title\": \"Atuan\", \"author\": 1}},\n"
    "{\"model\": \"store.author\", \"pk\": 1, \"fields\": {\"name\": \"Ursula\", \"born\": "
    "\"1929-10-21\"}},\n"
    "{\"model\": \"store.tag\", \"pk\": \"00000000-0000-4000-8000-000000000001\", \"fields\": "
    "{\"word\": \"sea\"}},\n"
    "{\"model\": \"store.tag\", \"pk\": \"00000000-0000-4000-8000-000000000002\", \"fields\": "
    "{\"word\": \"old, \\u00e9\"}}\n"
    "]\n";

static const char dumped[] =
    "[{\"model\": \"store.author\", \"pk\": 1, \"fields\": {\"name\": \"Ursula\", \"born\": "
    "\"1929-10-21\"}}, {\"model\": \"store.tag\", \"pk\": "
    "\"00000000-0000-4000-8000-000000000001\", "
    "\"fields\": {\"word\": \"sea\"}}, {\"model\": \"store.tag\", \"pk\": "
    "\"00000000-0000-4000-8000-000000000002\", \"fields\": {\"word\": \"old, \xc3\xa9\"}}, "
    "{\"model\": \"store.book\", \"pk\": 7, \"fields\": {\"title\": \"Tehanu, \\\"last\\\"\", "
    "\"author\": 1, \"price\": \"123456789012345678.90\", \"rating\": 4.5, \"lent\": true, "
    "\"notes\": {\"shelf\":[1,\"two\",null]}, \"cover\": \"AAH/\", \"seen\": "
    "\"2026-11-21T04:05:06.789000Z\", \"sequel_of\": 8, \"tags\": "
    "[\"00000000-0000-4000-8000-000000000001\", \"00000000-0000-4000-8000-000000000002\"]}}, "
    "{\"model\": \"store.book\", \"pk\": 8, \"fields\": {\"title\": \"Atuan\", \"author\": 1, "
    "\"price\": null, \"rating\": null, \"lent\": false, \"notes\": null, \"cover\": null, "
    "\"seen\": null, \"sequel_of\": null, \"tags\": []}}]\n";

#define RUN(code, text, ...)                                                                       \
    do {                                                                                           \
        cz_str out_;                                                                               \
        int code_ = run(__VA_ARGS__);                                                              \
        expect(__LINE__, (code), (text), code_, out_);                                             \
    } while (0)

CZ_TEST(what_is_dumped_and_loaded_is_the_same)
{
    const char *path = cz__test_write("all.json", fixture), *again = cz__test_path("again.json");
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata", path);
    RUN(0, dumped, "a.db", &out_, "dumpdata");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata", path); /* replaced */
    static const char *const ways[][4] = {
        { NULL },
        { "--indent", "2", NULL },
        { "--natural-foreign", "--indent", "4", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        const char *name = cz_arena_printf(cz_test_arena(), "copy%zu.db", i);
        RUN(0, "", "a.db", &out_, "dumpdata", "-o", again, ways[i][0], ways[i][1], ways[i][2]);
        RUN(0, "shop: 9 tables created\n", name, &out_, "createtables");
        RUN(0, "5 rows loaded from 1 file\n", name, &out_, "loaddata", again);
        RUN(0, dumped, name, &out_, "dumpdata");
    }
}

CZ_TEST(numbers_keep_the_digits_they_are_written_with)
{
    static const char rows[] =
        "[{\"model\": \"store.shade\", \"pk\": 1, \"fields\": {\"exact\": "
        "12345678901234567890.1234567890, \"mix\": {\"n\": [12345678901234567890, 0.1e-7, "
        "{\"\": -1.10}], \"t\": \"\\u00e9\\n\"}}},"
        " {\"model\": \"store.shade\", \"pk\": 2, \"fields\": {\"exact\": 5, \"mix\": 1, "
        "\"mix\": 12345678901234567890}},"
        " {\"model\": \"store.shade\", \"pk\": 3, \"fields\": {\"exact\": 1E2, \"mix\": null}}]";
    static const char same[] =
        "[{\"model\": \"store.shade\", \"pk\": 1, \"fields\": {\"exact\": "
        "\"12345678901234567890.1234567890\", \"mix\": "
        "{\"n\":[12345678901234567890,0.1e-7,{\"\":-1.10}],\"t\":\"\xc3\xa9\\n\"}}}, "
        "{\"model\": \"store.shade\", \"pk\": 2, \"fields\": {\"exact\": \"5.0000000000\", "
        "\"mix\": 12345678901234567890}}, {\"model\": \"store.shade\", \"pk\": 3, \"fields\": "
        "{\"exact\": \"100.0000000000\", \"mix\": null}}]\n";
    const char *file = cz__test_write("shades.json", rows), *again = cz__test_path("again.json");
    RUN(0, "shop: 9 tables created\n", "d.db", &out_, "createtables");
    RUN(0, "3 rows loaded from 1 file\n", "d.db", &out_, "loaddata", file);
    for (int i = 0; i < 2; i++) { /* what is dumped is loaded again as it was */
        RUN(0, same, "d.db", &out_, "dumpdata", "store.shade");
        RUN(0, "", "d.db", &out_, "dumpdata", "store.shade", "-o", again);
        RUN(0, "3 rows loaded from 1 file\n", "d.db", &out_, "loaddata", again);
    }
}

CZ_DATABASE_TEST(keys_go_on_after_those_loaded_into_a_table_of_others)
{
    const char *database = cz__test_on_postgresql ? NULL : "k.db";
    setenv("SHOP_URL", cz_test_database(), 1);
    RUN(0, "shop: 9 tables created\n", database, &out_, "createtables");
    RUN(0, "1 row loaded from 1 file\n", database, &out_, "loaddata",
        cz__test_write("given.json", "[{\"model\": \"store.theirshade\", \"pk\": 1, "
                                     "\"fields\": {\"exact\": 1, \"mix\": 1}}]"));
    RUN(0, "1 row loaded from 1 file\n", database, &out_, "loaddata",
        cz__test_write("new.json", "[{\"model\": \"store.theirshade\", "
                                   "\"fields\": {\"exact\": 2, \"mix\": 2}}]"));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEPS_WHAT_IS_FREED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPS_WHAT_IS_FREED 1
#endif
#endif

#ifndef KEEPS_WHAT_IS_FREED
static long most_kilobytes(void)
{
    struct rusage usage;
    CZ_REQUIRE(getrusage(RUSAGE_CHILDREN, &usage) == 0);
    return usage.ru_maxrss;
}

CZ_TEST(loading_takes_little_more_memory_than_the_file)
{
    enum { ROWS = 20000, ALLOWED_KILOBYTES = 20000 };
    cz_buf text = { 0 };
    RUN(0, "shop: 9 tables created\n", "m.db", &out_, "createtables");
    RUN(0, "0 rows loaded from 1 file\n", "m.db", &out_, "loaddata",
        cz__test_write("none.json", "[]"));
    long before = most_kilobytes();
    for (int i = 0; i < ROWS; i++)
        cz_buf_printf(&text,
                      "%s{\"model\": \"store.shade\", \"pk\": %d, \"fields\": {\"exact\": \"1\", "
                      "\"mix\": {\"n\": %d}}}",
                      i ? "," : "[", i + 1, i);
    cz_buf_append_char(&text, ']');
    const char *file = cz__test_write("many.json", cz_buf_cstr(&text));
    cz_buf_done(&text);
    RUN(0, "20000 rows loaded from 1 file\n", "m.db", &out_, "loaddata", file);
    long more = most_kilobytes() - before;
    CZ_EXPECT_MSG(more < ALLOWED_KILOBYTES, "%ld KB", more);
}
#endif

CZ_TEST(natural_keys_stand_for_rows_whose_keys_differ)
{
    const char *path = cz__test_write("all.json", fixture),
               *natural = cz__test_path("natural.json");
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata", path);
    RUN(0, "", "a.db", &out_, "dumpdata", "--natural-foreign", "--natural-primary", "--indent", "1",
        "-o", natural, "store.book", "store.Author", "store.tag");
    cz_str text = read_whole(natural);
    CZ_EXPECT(cz_str_find(text, CZ_STR("\"pk\"")) == SIZE_MAX);
    CZ_EXPECT(cz_str_find(text, CZ_STR("\n  \"author\": [\"Ursula\", \"1929-10-21\"],\n")) !=
              SIZE_MAX);
    CZ_EXPECT(
        cz_str_find(text, CZ_STR("\n  \"sequel_of\": [\"Atuan\", [\"Ursula\", \"1929-10-21\"]],"
                                 "\n  \"tags\": [[\"sea\"], [\"old, \xc3\xa9\"]]\n }\n},\n")) !=
        SIZE_MAX);
    /* another database in which other keys are taken, and Ursula is there */
    const char *other = cz__test_write(
        "other.json",
        "[{\"model\": \"store.author\", \"pk\": 5, \"fields\": {\"name\": \"Ursula\", "
        "\"born\": \"1929-10-21\"}}, {\"model\": \"store.author\", \"pk\": 6, "
        "\"fields\": {\"name\": \"Ursula\", \"born\": null}}]");
    RUN(0, "shop: 9 tables created\n", "b.db", &out_, "createtables");
    RUN(0, "2 rows loaded from 1 file\n", "b.db", &out_, "loaddata", other);
    for (int i = 0; i < 2; i++)
        RUN(0, "5 rows loaded from 1 file\n", "b.db", &out_, "loaddata", natural);
    RUN(0,
        "[{\"model\": \"store.author\", \"pk\": 5, \"fields\": {\"name\": \"Ursula\", \"born\": "
        "\"1929-10-21\"}}, {\"model\": \"store.author\", \"pk\": 6, \"fields\": {\"name\": "
        "\"Ursula\", \"born\": null}}]\n",
        "b.db", &out_, "dumpdata", "store.author");
    cz_str books;
    CZ_EXPECT_EQ(run("b.db", &books, "dumpdata", "store", "-e", "store.tag", "-e", "store.author",
                     "--natural-foreign", "--natural-primary"),
                 0);
    CZ_EXPECT(
        cz_str_find(books, CZ_STR("\"sequel_of\": [\"Atuan\", [\"Ursula\", \"1929-10-21\"]]")) !=
        SIZE_MAX);
    CZ_EXPECT(cz_str_find(books, CZ_STR("\"word\"")) == SIZE_MAX);
}

CZ_DATABASE_TEST(rows_that_refer_to_themselves_and_each_other_have_natural_keys)
{
    const char *database = cz__test_on_postgresql ? NULL : "s.db", *file = cz__test_path("s.json");
    static const char rows[] =
        "[{\"model\": \"store.chapter\", \"pk\": 1, \"fields\": {\"name\": \"a\", \"part_of\": "
        "[\"a\"], \"before\": null, \"see\": []}}, "
        "{\"model\": \"store.chapter\", \"pk\": 2, \"fields\": {\"name\": \"b\", \"part_of\": "
        "[\"c\"], \"before\": [\"d\"], \"see\": [[\"b\"], [\"c\"]]}}, "
        "{\"model\": \"store.chapter\", \"pk\": 3, \"fields\": {\"name\": \"c\", \"part_of\": "
        "[\"b\"], \"before\": null, \"see\": [[\"a\"]]}}, "
        "{\"model\": \"store.chapter\", \"pk\": 4, \"fields\": {\"name\": \"d\", \"part_of\": "
        "null, \"before\": [\"c\"], \"see\": []}}]\n";
    setenv("SHOP_URL", cz_test_database(), 1);
    RUN(0, "shop: 9 tables created\n", database, &out_, "createtables");
    for (int i = 0; i < 2; i++) { /* where no row is, and where all are */
        RUN(0, "4 rows loaded from 1 file\n", database, &out_, "loaddata",
            cz__test_write("rows.json", rows));
        RUN(0, rows, database, &out_, "dumpdata", "store.chapter", "--natural-foreign");
        RUN(0, "", database, &out_, "dumpdata", "store.chapter", "--natural-foreign",
            "--natural-primary", "-o", file);
        RUN(0, "4 rows loaded from 1 file\n", database, &out_, "loaddata", file);
        RUN(0, rows, database, &out_, "dumpdata", "store.chapter", "--natural-foreign");
    }
    cz_str out;
    CZ_EXPECT_EQ(run(database, &out, "loaddata",
                     cz__test_write("lost.json", "[{\"model\": \"store.chapter\", \"fields\": "
                                                 "{\"name\": \"e\", \"part_of\": [\"e\"], "
                                                 "\"before\": [\"f\"]}}]")),
                 1);
    CZ_EXPECT_MSG(
        cz_str_ends_with(out,
                         CZ_STR("lost.json:1: store.chapter: there is no store.chapter [\"f\"]\n")),
        "%.*s", CZ_STR_ARG(out));
}

CZ_TEST(a_natural_key_of_a_row_that_is_gone_ends_the_dump)
{
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata",
        cz__test_write("all.json", fixture));
    sqlite3 *other; /* a program that holds nobody to foreign keys */
    CZ_REQUIRE(sqlite3_open(cz__test_path("a.db"), &other) == SQLITE_OK);
    CZ_EXPECT_EQ(sqlite3_exec(other, "DELETE FROM store_author", NULL, NULL, NULL), SQLITE_OK);
    CZ_EXPECT_EQ(sqlite3_close(other), SQLITE_OK);
    cz_str out;
    CZ_EXPECT_EQ(run("a.db", &out, "dumpdata", "store.book", "--natural-foreign"), 1);
    CZ_EXPECT_MSG(cz_str_starts_with(
                      out, CZ_STR("shop: a row refers to store.author 1, which does not exist\n")),
                  "%.*s", CZ_STR_ARG(out)); /* before what standard output holds back */
}

CZ_TEST(a_model_as_csv_is_loaded_as_it_was_dumped)
{
    const char *path = cz__test_write("all.json", fixture);
    const char *names[] = { "store.author", "store.tag", "store.book" };
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata", path);
    RUN(0,
        "id,title,author,price,rating,lent,notes,cover,seen,sequel_of,tags\r\n"
        "7,\"Tehanu, \"\"last\"\"\",1,\"123456789012345678.90\",4.5,true,"
        "\"{\"\"shelf\"\":[1,\"\"two\"\",null]}\",\"AAH/\",\"2026-11-21T04:05:06.789000Z\",8,"
        "\"00000000-0000-4000-8000-000000000001 00000000-0000-4000-8000-000000000002\"\r\n"
        "8,\"Atuan\",1,,,false,,,,,\"\"\r\n",
        "a.db", &out_, "dumpdata", "--format", "csv", "store.book");
    RUN(0, "shop: 9 tables created\n", "b.db", &out_, "createtables");
    const char *files[3];
    for (size_t i = 0; i < 3; i++) {
        files[i] = cz__test_path(cz_arena_printf(cz_test_arena(), "%s.csv", names[i]));
        RUN(0, "", "a.db", &out_, "dumpdata", "--format", "csv", "-o", files[i], names[i]);
    }
    RUN(0, "5 rows loaded from 3 files\n", "b.db", &out_, "loaddata", files[2], files[0], files[1]);
    RUN(0, dumped, "b.db", &out_, "dumpdata");
}

CZ_TEST(a_fixture_that_cannot_be_loaded_says_where_and_changes_nothing)
{
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        { "x.json", "[\n{\"model\": \"store.author\", \"fields\": {\"name\": \"A\"}},\n{]",
          "x.json:3: Expecting property name enclosed in double quotes, at column 2" },
        { "x.json", "{}", "x.json:1: a fixture is a list of objects" },
        { "x.json", "[] []", "x.json:1: Extra data, at column 4" },
        { "x.json", "[\n\n1]", "x.json:3: a fixture is a list of objects" },
        { "x.json", "[\n{\"model\": \"store.pizza\", \"fields\": {}}]",
          "x.json:2: row: there is no model \"store.pizza\"" },
        { "x.json", "[{\"fields\": {}}]", "x.json:1: row: \"model\" and \"fields\" are required" },
        { "x.json", "[{\"model\": \"store.author\", \"fields\": {\"nam\": \"A\"}}]",
          "x.json:1: store.author: there is no field \"nam\"" },
        { "x.json",
          "[{\"model\": \"store.author\",\n \"pk\": 1, \"fields\": {\n\"name\": \"A\",\n\"born\": "
          "\"soon\"}}]",
          "x.json:4: store.author 1: born: Date has wrong format. Use one of these formats "
          "instead: "
          "YYYY-MM-DD." },
        { "x.json", "[{\"model\": \"store.author\", \"fields\": {\"name\": 5}}]",
          "x.json:1: store.author: name: a value of another kind is expected" },
        { "x.json",
          "[{\"model\": \"store.author\", \"pk\": 1, \"fields\": {\"name\": \"A\"}},\n"
          "{\"model\": \"store.book\", \"pk\": 1, \"fields\":\n{\"title\": \"T\", \"author\": 9}}]",
          "x.json:3: store.book 1: author: there is no store.author 9" },
        { "x.json",
          "[\n{\"model\": \"store.book\", \"fields\": {\"title\": \"T\", \"author\": [\"B\", "
          "null]}}]",
          "x.json:2: store.book: there is no store.author [\"B\",null]" },
        { "x.json",
          "[{\"model\": \"store.book\", \"fields\": {\"title\": \"T\", \"author\": [\"B\"]}}]",
          "x.json:1: store.book: author: the natural key of store.author has 2 parts" },
        { "x.json", "[{\"model\": \"store.author\", \"fields\": {\"name\": null}}]",
          "x.json:1: store.author: name may not be null. (store_author.name)\n"
          "  the database said: NOT NULL constraint failed: store_author.name" },
        { "x.json",
          "[{\"model\": \"store.author\", \"pk\": 1, \"fields\": {\"name\": \"A\"}},\n"
          "{\"model\": \"store.book\", \"pk\": 7, \"fields\": {\"title\": \"T\", \"author\": 1,\n"
          "\"price\": \"-1\"}}]",
          "x.json:2: store.book 7: The change breaks a rule of the database. (book_price)\n"
          "  the database said: CHECK constraint failed: book_price" },
        { "x.json",
          "[{\"model\": \"store.author\", \"pk\": 5, \"fields\": {\"name\": \"A\\u0000\"}}]",
          "x.json:1: store.author 5: name: Null characters are not allowed." },
        { "store.author.csv", "name,born\nA,\nB",
          "store.author.csv:3: store.author: 1 cells where "
          "the first line has 2" },
        { "store.author.csv", "name,born\n\"A\nB,", "store.author.csv:2: a quote is not closed" },
        { "store.author.csv", "name,born\n\"A\"B,",
          "store.author.csv:2: a comma or the line's end is expected after a quote" },
        { "store.author.csv", "name,born\nA,1929\n",
          "store.author.csv:2: store.author: born: Date has wrong format. Use one of these formats "
          "instead: YYYY-MM-DD." },
        { "store.author.csv", "",
          "store.author.csv:1: store.author: a line with the names of the fields is expected" },
        { "people.csv", "name\nA\n", "people.csv:1: row: there is no model \"people\"" },
    };
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    const char *good = cz__test_write(
        "good.json", "[{\"model\": \"store.author\", \"pk\": 70, \"fields\": {\"name\": \"G\"}}]");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *path = cz__test_write(cases[i].name, cases[i].text);
        const char *message = cz_arena_printf(cz_test_arena(), "shop: %s/%s\n", cz_test_directory(),
                                              cases[i].message);
        RUN(1, message, "a.db", &out_, "loaddata", good, path);
        RUN(0, "[]\n", "a.db", &out_, "dumpdata");
    }
    const char *path =
        cz__test_write("x.json", "[{\"model\": \"store.pizza\", \"fields\": {}},"
                                 "{\"model\": \"store.author\", \"pk\": 3, \"fields\": "
                                 "{\"name\": \"A\", \"nom\": 1}}]");
    RUN(0, "1 row loaded from 1 file\n", "a.db", &out_, "loaddata", "--ignorenonexistent", path);
    path = cz__test_write("people.csv", "\xef\xbb\xbfname,born\r\n\"\"\"Q\"\"\",\r\n,2000-01-01");
    RUN(0, "2 rows loaded from 1 file\n", "a.db", &out_, "loaddata", "--model", "store.author",
        path);
    RUN(0, "id,name,born\r\n3,\"A\",\r\n4,\"\"\"Q\"\"\",\r\n5,\"\",\"2000-01-01\"\r\n", "a.db",
        &out_, "dumpdata", "--format", "csv", "store.author");
}

CZ_TEST(a_dump_fails_rather_than_lose_a_value)
{
    static const struct {
        const char *sql, *said;
    } cases[] = {
        { "UPDATE store_book SET title = CAST(x'c328' AS TEXT) WHERE id = 7",
          "store.book 7: title has bytes that are no UTF-8" },
        { "UPDATE store_book SET rating = 9e999 WHERE id = 7",
          "store.book 7: rating has a number that is not finite" },
        { "UPDATE store_tag SET word = CAST(x'ff' AS TEXT) WHERE word = 'sea'",
          "store.tag \"00000000-0000-4000-8000-000000000001\": word has bytes that are no UTF-8" },
        { "UPDATE store_book SET notes = CAST(x'22ff22' AS TEXT) WHERE id = 8",
          "store.book 8: notes has bytes that are no UTF-8" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *name = cz_arena_printf(cz_test_arena(), "lossy%zu.db", i);
        const char *path = cz__test_write("f.json", fixture);
        RUN(0, "shop: 9 tables created\n", name, &out_, "createtables");
        RUN(0, "5 rows loaded from 1 file\n", name, &out_, "loaddata", path);
        sqlite3 *handle;
        CZ_REQUIRE(sqlite3_open(cz__test_sqlite(name) + strlen("sqlite://"), &handle) == SQLITE_OK);
        CZ_EXPECT_EQ(sqlite3_exec(handle, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
        CZ_EXPECT_EQ(sqlite3_changes(handle), 1);
        CZ_REQUIRE(sqlite3_close(handle) == SQLITE_OK);
        RUN(1,
            cz_arena_printf(cz_test_arena(),
                            "shop: dumpdata: %s, which a dump cannot hold; mend it first\n",
                            cases[i].said),
            name, &out_, "dumpdata", "-o",
            cz_arena_printf(cz_test_arena(), "%s/lossy.json", cz_test_directory()));
    }
}

/* What the command ends with where nothing can be written to its output. */
static int run_on_a_full_disk(const char *command)
{
    char *argv[] = { (char *)(uintptr_t) "shop", (char *)(uintptr_t)command, NULL };
    int status;
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC), nowhere = open("/dev/null", O_WRONLY);
        setenv("DATABASE_URL", cz__test_sqlite("a.db"), 1);
        if (dup2(full, 1) < 0 || dup2(nowhere, 2) < 0)
            _exit(99);
        _exit(cz_project_main(&shop, 2, argv));
    }
    CZ_REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

CZ_TEST(what_cannot_be_printed_fails_the_command)
{
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    const char *const commands[] = { "dumpdata", "inspectdb", "settings", "check", "help" };
    for (size_t i = 0; i < CZ_COUNT(commands); i++)
        CZ_EXPECT_MSG(run_on_a_full_disk(commands[i]) == 1, "%s", commands[i]);
}

CZ_TEST(command_lines_of_fixtures_that_make_no_sense_are_refused)
{
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(2, "dumpdata: \"--indent x\" makes no sense; see --help\n", "a.db", &out_, "dumpdata",
        "--indent", "x");
    RUN(2, "dumpdata: \"--format xml\" makes no sense; see --help\n", "a.db", &out_, "dumpdata",
        "--format", "xml");
    RUN(2, "dumpdata: \"--all\" makes no sense; see --help\n", "a.db", &out_, "dumpdata", "--all");
    RUN(1, "shop: dumpdata: store.Overdue is a proxy: its rows are those of store.lending\n",
        "a.db", &out_, "dumpdata", "store.Overdue");
    RUN(1, "shop: dumpdata: there is no app or model \"store.pizza\"\n", "a.db", &out_, "dumpdata",
        "store.pizza");
    RUN(1, "shop: dumpdata: CSV holds one model; 8 are named\n", "a.db", &out_, "dumpdata",
        "--format", "csv");
    RUN(2, "loaddata: name at least one file; see --help\n", "a.db", &out_, "loaddata");
    RUN(2, "loaddata: unknown argument \"--model\"; see --help\n", "a.db", &out_, "loaddata",
        "--model");
    RUN(1, "shop: /nowhere.json: No such file or directory\n", "a.db", &out_, "loaddata",
        "/nowhere.json");
}

CZ_TEST(a_database_is_backed_up_and_its_shell_opened)
{
    const char *path = cz__test_write("all.json", fixture), *copy = cz__test_path("copy.db");
    RUN(0, "shop: 9 tables created\n", "a.db", &out_, "createtables");
    RUN(0, "5 rows loaded from 1 file\n", "a.db", &out_, "loaddata", path);
    cz_str out;
    CZ_EXPECT_EQ(run("a.db", &out, "backup", copy), 0);
    CZ_EXPECT(cz_str_ends_with(out, CZ_STR(" bytes, checked\n")));
    RUN(0, dumped, "copy.db", &out_, "dumpdata");
    RUN(1, cz_arena_printf(cz_test_arena(), "backup: %s is there already\n", copy), "a.db", &out_,
        "backup", copy);
    RUN(2, "backup: name one file; see --help\n", "a.db", &out_, "backup");
    const char *nothing = cz__test_path("mistyped.db");
    RUN(1, cz_arena_printf(cz_test_arena(), "backup: there is no database %s\n", nothing),
        "mistyped.db", &out_, "backup", cz__test_path("copy2.db"));
    CZ_EXPECT(access(nothing, F_OK) != 0);
    /* programs of these names that tell how they were called */
    const char *tell = "#!/bin/sh\necho \"$0 $* [$PGPASSWORD]\" | sed 's|^.*/||'\n";
    const char *shells[] = { cz__test_write("sqlite3", tell), cz__test_write("psql", tell) };
    for (size_t i = 0; i < 2; i++)
        CZ_REQUIRE(chmod(shells[i], 0700) == 0);
    setenv("PATH", cz_arena_printf(cz_test_arena(), "%s:/usr/bin:/bin", cz_test_directory()), 1);
    CZ_EXPECT_EQ(run("a.db", &out, "dbshell", "-line"), 0);
    CZ_EXPECT_STR(out, "a.db -line []\n");
    setenv("SHOP_URL", "postgresql://ann:s%20e@[::1]:5433/shop?sslmode=require&password=x", 1);
    CZ_EXPECT_EQ(run(NULL, &out, "dbshell", "-c", "SELECT 1"), 0);
    CZ_EXPECT_STR(out, "shop?sslmode=require -c SELECT 1 [s e]\n");
}

CZ_TEST(purge_deletes_for_good_what_was_deleted_long_ago)
{
    const char *rows =
        "["
        "{\"model\": \"store.lending\", \"pk\": 1, \"fields\": {\"reader\": \"old\","
        " \"deleted_at\": \"2001-01-01T00:00:00Z\", \"is_deleted\": true}},"
        "{\"model\": \"store.lending\", \"pk\": 2, \"fields\": {\"reader\": \"renewed\", "
        "\"renews\": 1,"
        " \"deleted_at\": \"2001-01-01T00:00:00Z\", \"is_deleted\": true}},"
        "{\"model\": \"store.lending\", \"pk\": 3, \"fields\": {\"reader\": \"fined\","
        " \"deleted_at\": \"2001-01-01T00:00:00Z\", \"is_deleted\": true}},"
        "{\"model\": \"store.lending\", \"pk\": 4, \"fields\": {\"reader\": \"soon\","
        " \"deleted_at\": \"2999-01-01T00:00:00Z\", \"is_deleted\": true}},"
        "{\"model\": \"store.lending\", \"pk\": 5, \"fields\": {\"reader\": \"kept\"}},"
        "{\"model\": \"store.fine\", \"pk\": 1, \"fields\": {\"loan\": 3}}]";
    const char *file = cz__test_write("loans.json", rows);
    RUN(0, "shop: 9 tables created\n", "p.db", &out_, "createtables");
    RUN(0, "6 rows loaded from 1 file\n", "p.db", &out_, "loaddata", file);
    RUN(0, "2 rows purged; 1 stay: other rows refer to them\n", "p.db", &out_, "purge", "--days",
        "365");
    RUN(0, "0 rows purged; 1 stay: other rows refer to them\n", "p.db", &out_, "purge",
        "store.Lending");
    RUN(1, "shop: purge: store.Fine is not CZ_SOFT_DELETED\n", "p.db", &out_, "purge",
        "store.Fine");
    RUN(1, "shop: purge: store.overdue is a proxy: its rows are those of store.lending\n", "p.db",
        &out_, "purge", "store.overdue");
    RUN(1, "shop: purge: there is no model \"store.Nothing\"\n", "p.db", &out_, "purge",
        "store.Nothing");
    static const char *const days[] = { "-1", "x", "36501", "" };
    for (size_t i = 0; i < CZ_COUNT(days); i++)
        RUN(2,
            cz_arena_printf(cz_test_arena(), "purge: \"%s\" makes no sense; see --help\n", days[i]),
            "p.db", &out_, "purge", "--days", days[i]);
    RUN(2, "purge: \"--all\" makes no sense; see --help\n", "p.db", &out_, "purge", "--all");
}

CZ_TEST(what_is_loaded_keeps_who_changed_it_and_when)
{
    static const char rows[] =
        "[{\"model\": \"store.lending\", \"pk\": 1, \"fields\": {\"deleted_at\": null, "
        "\"is_deleted\": false, "
        "\"created_at\": \"2001-01-01T00:00:00Z\", \"updated_at\": \"2002-02-02T00:00:00Z\", "
        "\"created_by\": \"ann\", \"updated_by\": \"bob\", \"marks\": [], \"reader\": \"old\", "
        "\"renews\": null}}]\n";
    const char *file = cz__test_write("audited.json", rows);
    RUN(0, "shop: 9 tables created\n", "w.db", &out_, "createtables");
    for (int again = 0; again < 2; again++) {
        RUN(0, "1 row loaded from 1 file\n", "w.db", &out_, "loaddata", file);
        RUN(0, rows, "w.db", &out_, "dumpdata", "store.lending");
    }
    const char *bare = cz__test_write("bare.json", "[{\"model\": \"store.lending\", \"pk\": 2, "
                                                   "\"fields\": {\"reader\": \"new\"}}]");
    RUN(0, "1 row loaded from 1 file\n", "w.db", &out_, "loaddata",
        bare); /* marks may be left out */
}

static void purge_beside_a_restore(const char *database)
{
    const char *file = cz__test_write(
        "back.json", "["
                     "{\"model\": \"store.lending\", \"pk\": 1, \"fields\": {\"reader\": "
                     "\"back\", \"deleted_at\": \"2001-01-01T00:00:00Z\","
                     " \"is_deleted\": true}},"
                     "{\"model\": \"store.lending\", \"pk\": 2, \"fields\": {\"reader\": "
                     "\"gone\", \"deleted_at\": \"2001-01-01T00:00:00Z\","
                     " \"is_deleted\": true}}]");
    RUN(0, "shop: 9 tables created\n", database, &out_, "createtables");
    RUN(0, "2 rows loaded from 1 file\n", database, &out_, "loaddata", file);
    restores = true;
    RUN(0, "1 row purged\n", database, &out_, "purge");
    restores = false;
    RUN(0, "0 rows purged\n", database, &out_, "purge");
    cz_str out;
    CZ_EXPECT_EQ(run(database, &out, "dumpdata", "store.Lending"), 0);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("\"reader\": \"back\"")) != SIZE_MAX &&
                      cz_str_find(out, CZ_STR("gone")) == SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
}

CZ_DATABASE_TEST(purge_leaves_what_was_restored_meanwhile)
{
    setenv("SHOP_URL", cz_test_database(), 1);
    purge_beside_a_restore(cz__test_on_postgresql ? NULL : "b.db");
}
