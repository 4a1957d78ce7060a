/* Three databases in one process: which of them a statement goes to. */
#include "db/replicas.h"
#include "orm/orm_testing.h"
#include <calzone/calzone.h>
#include <stdlib.h>

#define RACK(F)                                                                                    \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(reverse, kegs, Keg, rack)
#define KEG(F)                                                                                     \
    F(char_field, name, .max_length = 20)                                                          \
    F(int_field, weight, .default_ = cz_int(1))                                                    \
    F(foreign_key, rack, Rack, .null = true, .on_delete = CZ_CASCADE)                              \
    F(many_to_many, stickers, Sticker)
#define STICKER(F) F(char_field, word, .max_length = 20)
CZ_MODEL_FORWARD(Keg);
CZ_MODEL(Rack, RACK);
CZ_MODEL(Sticker, STICKER);
CZ_MODEL(Keg, KEG, .ordering = CZ_ORDER_BY(CZ_ASC(Keg, name)));

#define REPORT(F)                                                                                  \
    F(char_field, title, .max_length = 40)                                                         \
    F(big_int_field, keg_id, .null = true)
CZ_MODEL(Report, REPORT, .database = "reports");

static const cz_app depot_app = { "depot", .models = CZ_MODELS(Rack, Sticker, Keg, Report) };

static void respond(cz_ctx *ctx, cz_request *req)
{
    cz_create(ctx, Keg, (name, "asked"));
    cz_create(ctx, Report, (title, "asked"));
    CZ_EXPECT(cz_in_atomic(ctx) && cz_in_atomic_on(ctx, "reports") &&
              !cz_in_atomic_on(ctx, "archive"));
    if (cz_str_eq(req->query, CZ_STR("raise")))
        cz_raise(ctx, CZ_EVALIDATION, "no");
    cz_respond(ctx, req, cz_str_eq(req->query, CZ_STR("fail")) ? 503 : 200, CZ_STR("text/plain"),
               CZ_STR("done"));
}

static const cz_middleware *const atomic_requests[] = { &cz_atomic_requests, NULL };
static const cz_route urls[] = {
    CZ_POST("/both", respond, .middleware = atomic_requests),
    CZ_ROUTES_END,
};

/* Everything but reports is in "archive" as well. */
static cz_opinion allow(const char *alias, const char *app, const char *model)
{
    CZ_EXPECT(!strcmp(app, "depot"));
    return !strcmp(alias, "archive") && model && strcmp(model, "Report") != 0 ? CZ_ALLOW
                                                                              : CZ_NO_OPINION;
}
static const cz_database_router copies = { .allow_migrate = allow };

static CZ_PROJECT(depot, "depot", .apps = CZ_APPS(&depot_app), .urls = urls,
                  .databases = CZ_DATABASES({ "reports", .atomic_requests = true }, { "archive" }),
                  .database_router = &copies);

static cz_client *client;

/* Two SQLite files and, where there is a server, PostgreSQL between them. */
static void in_depot(void (*fn)(cz_ctx *ctx, void *arg))
{
    const char *server = getenv("CZ_TEST_POSTGRESQL_URL");
#ifdef CZ_POSTGRESQL
    if (server && *server)
        setenv("DATABASE_REPORTS_URL", server, 1);
#endif
    client = cz_client_create(&depot);
    cz_client_run(client, fn, NULL);
}

static bool has_table(cz_ctx *ctx, const char *alias, const char *table)
{
    cz__db_session *session = NULL;
    bool found = false;
    CZ_REQUIRE_OK(cz__db_session_on(ctx, cz__database_find(alias), &session, NULL));
    CZ_REQUIRE_OK(session->db->driver->table_exists(ctx, session, table, &found, NULL));
    return found;
}

/* ---- where tables and rows are ---- */

static void look_at_tables(cz_ctx *ctx, void *arg)
{
    static const struct {
        const char *alias, *table;
        bool there;
    } cases[] = {
        { "default", "depot_keg", true },          { "reports", "depot_keg", false },
        { "archive", "depot_keg", true },          { "default", "depot_report", false },
        { "reports", "depot_report", true },       { "archive", "depot_report", false },
        { "default", "depot_keg_stickers", true }, { "reports", "depot_keg_stickers", false },
        { "archive", "depot_keg_stickers", true },
    };
    (void)arg;
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(has_table(ctx, cases[i].alias, cases[i].table) == cases[i].there, "%s in %s",
                      cases[i].table, cases[i].alias);
}

CZ_TEST(a_table_is_made_in_its_models_database_or_where_the_router_says)
{
    in_depot(look_at_tables);
}

static void use_models(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Report *report = cz_create(ctx, Report, (title, "first"));
    Keg *keg = cz_create(ctx, Keg, (name, "oak"));
    CZ_EXPECT(!strcmp(report->row_.database->alias, "reports"));
    CZ_EXPECT(!strcmp(keg->row_.database->alias, "default"));
    CZ_EXPECT_EQ(cz_count(ctx, Report), 1);
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 1);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 0);
    CZ_EXPECT_EQ(cz_update(ctx, Report, CZ_ALL, (title, "changed")), 1);
    cz_refresh(ctx, report);
    CZ_EXPECT_STR(report->title, "changed");
    cz_rows(Report) found = cz_select(ctx, Report);
    CZ_REQUIRE(found.count == 1);
    CZ_EXPECT(!strcmp(found.items[0].row_.database->alias, "reports"));
    CZ_EXPECT_EQ(cz_delete(ctx, Report, CZ_ALL), 1);
    CZ_EXPECT(!cz_exists(ctx, Report));
}

CZ_TEST(a_model_is_read_and_written_in_its_database)
{
    in_depot(use_models);
}

static void name_databases(cz_ctx *ctx, void *arg)
{
    (void)arg;
    /* the same shapes, on both kinds of database and in turn */
    for (int i = 0; i < 3; i++) {
        cz_create(ctx, Keg, (name, "here"));
        cz_create_on(ctx, "archive", Keg, (name, "there"));
        cz_create_on(ctx, "archive", Keg, (name, "there"));
        cz_create(ctx, Report, (title, "there"));
    }
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 3);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "default"), 3);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 6);
    CZ_EXPECT_EQ(cz_update_on(ctx, "archive", Keg, CZ_ALL, (weight, 7)), 6);
    CZ_EXPECT(!cz_exists(ctx, Keg, .where = CZ_Q(Keg, weight, EXACT, 7)));
    CZ_EXPECT_EQ(cz_delete_on(ctx, "archive", Keg, CZ_Q(Keg, id, LT, 5)), 4);
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 3);
    Keg *rows[3];
    for (int i = 0; i < 3; i++)
        rows[i] = cz_row_new(ctx, Keg);
    cz_set(ctx, rows[0], name, "a"), cz_set(ctx, rows[1], name, "b"),
        cz_set(ctx, rows[2], name, "c");
    CZ_EXPECT_EQ(cz_bulk_create(ctx, Keg, rows, 3, .database = "archive"), 3);
    CZ_EXPECT(!strcmp(rows[2]->row_.database->alias, "archive"));
    cz_set(ctx, rows[1], weight, 11);
    CZ_EXPECT_EQ(cz_bulk_update(ctx, Keg, rows, 3, weight), 3);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive", .where = CZ_Q(Keg, weight, EXACT, 11)),
                 1);
    size_t seen = 0;
    cz_chunks *chunks = cz_chunks_begin(ctx, Keg, 2, .database = "archive");
    for (cz_rows(Keg) part; (part = cz_chunks_next(chunks, Keg)).count;)
        seen += part.count;
    CZ_EXPECT_EQ(seen, 5);
}

CZ_TEST(a_statement_goes_to_the_database_it_names)
{
    in_depot(name_databases);
}

static void ask_nowhere(cz_ctx *ctx)
{
    cz_count(ctx, Keg, .database = "archives");
}
static void create_nowhere(cz_ctx *ctx)
{
    cz_create_on(ctx, "Default", Keg, (name, "x"));
}
static void begin_nowhere(cz_ctx *ctx)
{
    cz_atomic_with(ctx, &(cz_atomic_options){ .database = "" }, cz__orm_test_call, NULL);
}
static void hook_nowhere(cz_ctx *ctx)
{
    cz_on_commit_on(ctx, "nowhere", cz__orm_test_call, NULL);
}
static void scope_nowhere(cz_ctx *ctx)
{
    cz_with_database(ctx, "nowhere", cz__orm_test_call, NULL);
}
static void ask_two(cz_ctx *ctx)
{
    cz_count(ctx, Keg, .where = CZ_EXISTS(Report));
}
static void ask_two_by_name(cz_ctx *ctx)
{
    cz_count(ctx, Keg, .where = CZ_EXISTS(Rack, .database = "archive"));
}
static void unite_two(cz_ctx *ctx)
{
    cz_select(ctx, Keg, .unordered = true,
              .combine = CZ_UNION(CZ_QUERY(Keg, .database = "archive")));
}
static void ask_where_it_is_not(cz_ctx *ctx)
{
    cz_count(ctx, Report, .database = "default");
}

static void refuse(cz_ctx *ctx, void *arg)
{
    static const struct {
        void (*fn)(cz_ctx *ctx);
        const char *part;
    } cases[] = {
        { ask_nowhere,
          "there is no database \"archives\"; declared are default, reports, archive" },
        { create_nowhere, "there is no database \"Default\"" },
        { begin_nowhere, "there is no database \"\"" },
        { hook_nowhere, "there is no database \"nowhere\"" },
        { scope_nowhere, "there is no database \"nowhere\"" },
        { ask_two, "holds one of Report in \"reports\": a statement is one database's" },
        { ask_two_by_name, "holds one of Rack in \"archive\"" },
        { unite_two, "holds one of Keg in \"archive\"" },
        { ask_where_it_is_not, "no such table: depot_report" },
    };
    (void)arg;
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *text = cz__orm_test_raised(ctx, cases[i].fn);
        CZ_EXPECT_MSG(strstr(text, cases[i].part), "%zu: \"%s\" is not in \"%s\"", i, cases[i].part,
                      text);
    }
    /* what goes along is no other database */
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive", .where = CZ_EXISTS(Rack)), 0);
    CZ_EXPECT_EQ(cz_count(ctx, Report, .where = CZ_EXISTS(Report)), 0);
}

CZ_TEST(what_names_no_database_or_two_is_refused)
{
    in_depot(refuse);
}

/* ---- rows remember ---- */

static void follow_rows(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Rack *rack = cz_create_on(ctx, "archive", Rack, (name, "top"));
    Sticker *sticker = cz_create_on(ctx, "archive", Sticker, (word, "old"));
    cz_create_on(ctx, "archive", Keg, (name, "elm"), (rack_id, rack->id));
    cz_create(ctx, Rack, (name, "not this")); /* of the same key */
    cz_create(ctx, Sticker, (word, "nor this"));
    Keg *keg = cz_get(ctx, Keg, .database = "archive");
    CZ_EXPECT_STR(CZ_REL(ctx, keg, rack)->name, "top");
    cz_rows(Keg) behind = cz_related(ctx, Keg, rack, kegs);
    CZ_EXPECT_EQ(behind.count, 1);
    cz_related_add(ctx, keg, stickers, CZ_INTS(sticker->id));
    cz_rows(Sticker) stickers = cz_related(ctx, Sticker, keg, stickers);
    CZ_REQUIRE(stickers.count == 1);
    CZ_EXPECT_STR(stickers.items[0].word, "old");
    cz_set(ctx, keg, weight, 5);
    cz_save(ctx, keg);
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 0);
    CZ_EXPECT_EQ(cz_get(ctx, Keg, .database = "archive")->weight, 5);
    const Keg *joined = cz_get(ctx, Keg, .database = "archive", .related = CZ_RELATED(Keg, rack));
    Rack *along = CZ_REL(ctx, (Keg *)(uintptr_t)joined, rack);
    cz_set(ctx, along, name, "first");
    cz_save(ctx, along); /* one that was read along knows it, too */
    CZ_EXPECT(cz_exists(ctx, Rack, .where = CZ_Q(Rack, name, EXACT, "not this")));
    CZ_EXPECT(
        cz_exists(ctx, Rack, .database = "archive", .where = CZ_Q(Rack, name, EXACT, "first")));
    cz_remove(ctx, along); /* takes the keg and its link along */
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 0);
    CZ_EXPECT_EQ(cz_count(ctx, Rack), 1);
}

CZ_TEST(a_row_and_its_relations_stay_in_the_database_it_came_from)
{
    in_depot(follow_rows);
}

static void copy_rows(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Keg *keg = cz_create(ctx, Keg, (name, "ash"), (weight, 9));
    cz_save_on(ctx, "archive", keg); /* there is none of its key */
    CZ_EXPECT(!strcmp(keg->row_.database->alias, "archive"));
    Keg *copy = cz_get(ctx, Keg, .database = "archive");
    CZ_EXPECT(copy->id == keg->id && copy->weight == 9);
    copy = cz_get(ctx, Keg);
    cz_set(ctx, copy, weight, 10);
    cz_save_on(ctx, "archive", copy); /* there is one */
    CZ_EXPECT_EQ(cz_get(ctx, Keg, .database = "archive")->weight, 10);
    CZ_EXPECT_EQ(cz_get(ctx, Keg)->weight, 9);
}

CZ_TEST(a_row_saved_to_another_database_is_written_whole)
{
    in_depot(copy_rows);
}

static void in_scope(cz_ctx *ctx, void *arg)
{
    bool *created = arg;
    cz_get_or_create(ctx, Rack, CZ_PAIRS(Rack, (name, "low")), CZ_PAIRS(Rack), created);
    CZ_EXPECT_EQ(cz_count(ctx, Rack), 1);
    CZ_EXPECT_EQ(cz_count(ctx, Rack, .database = "default"), 0);
}

static void raise_in_scope(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_raise(ctx, CZ_EVALIDATION, "out");
}

static void leave_scope(cz_ctx *ctx)
{
    cz_with_database(ctx, "archive", raise_in_scope, NULL);
}

static void use_scope(cz_ctx *ctx, void *arg)
{
    (void)arg;
    bool created = false;
    cz_with_database(ctx, "archive", in_scope, &created);
    CZ_EXPECT(created);
    CZ_EXPECT(!strcmp(cz__orm_test_raised(ctx, leave_scope), "out"));
    CZ_EXPECT_EQ(cz_count(ctx, Rack), 0);
    CZ_EXPECT_EQ(cz_count(ctx, Rack, .database = "archive"), 1);
}

CZ_TEST(a_scope_sends_everything_to_one_database_and_ends_also_by_a_raise)
{
    in_depot(use_scope);
}

/* ---- transactions ---- */

static char trail[100];

static void note(cz_ctx *ctx, void *arg)
{
    (void)ctx;
    strcat(trail, arg);
}

static void both(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz_in_atomic_on(ctx, "archive") && !cz_in_atomic_on(ctx, "reports"));
    cz_create_on(ctx, "archive", Keg, (name, "inner"));
    cz_on_commit_on(ctx, "archive", note, (void *)(uintptr_t) "archive ");
    cz_on_commit(ctx, note, (void *)(uintptr_t) "default ");
    if (arg)
        cz_raise(ctx, CZ_EVALIDATION, "inside");
}

static void around(cz_ctx *ctx, void *arg)
{
    cz_atomic_options archive = { .database = "archive" };
    cz_create(ctx, Keg, (name, "outer"));
    cz_atomic_with(ctx, &archive, both, NULL);
    CZ_EXPECT(!strcmp(trail, "archive ")); /* its block has ended, this one has not */
    CZ_EXPECT(!cz_in_atomic_on(ctx, "archive") && cz_in_atomic(ctx));
    CZ_EXPECT(ctx->write_hold_us != 0); /* and still holds a file */
    if (arg)
        cz_raise(ctx, CZ_EVALIDATION, "outside");
}

static void fail_outside(cz_ctx *ctx)
{
    cz_atomic(ctx, around, ctx);
}

static void transact(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT(!strcmp(cz__orm_test_raised(ctx, fail_outside), "outside"));
    CZ_EXPECT(!strcmp(trail, "archive "));
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 0);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 1);
    CZ_EXPECT(ctx->write_hold_us == 0);
    trail[0] = '\0';
    cz_atomic(ctx, around, NULL);
    CZ_EXPECT(!strcmp(trail, "archive default "));
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 1);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 2);
    cz_on_commit_on(ctx, "archive", note, (void *)(uintptr_t) "now");
    CZ_EXPECT(strstr(trail, "now")); /* outside any block of it */
}

CZ_TEST(transactions_of_two_databases_end_each_by_itself)
{
    in_depot(transact);
}

static void set_aside(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_create_on(ctx, "archive", Keg, (name, "gone"));
    cz_create(ctx, Keg, (name, "stays"));
    cz_set_rollback_on(ctx, "archive", true);
    CZ_EXPECT(cz_get_rollback_on(ctx, "archive") && !cz_get_rollback(ctx));
    cz_create(ctx, Keg, (name, "stays as well"));
}

static void count_marked(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_atomic_with(ctx, &(cz_atomic_options){ .database = "archive" }, set_aside, NULL);
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 2);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "archive"), 0);
}

CZ_TEST(a_mark_rolls_back_one_database)
{
    in_depot(count_marked);
}

static int64_t counts[2];

static void count_both(cz_ctx *ctx, void *arg)
{
    (void)arg;
    counts[0] = cz_count(ctx, Keg);
    counts[1] = cz_count(ctx, Report);
}

CZ_TEST(request_transactions_cover_each_database_that_asks_for_them)
{
    static const struct {
        const char *target;
        int status;
        int64_t count;
    } cases[] = { { "/both?raise", 400, 0 }, { "/both?fail", 503, 0 }, { "/both", 200, 1 } };
    in_depot(count_both);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        CZ_EXPECT_STATUS(cz_client_post(client, cases[i].target, "{}"), cases[i].status);
        cz_client_run(client, count_both, NULL);
        CZ_EXPECT_EQ(counts[0], cases[i].count);
        CZ_EXPECT_EQ(counts[1], cases[i].count);
    }
}

/* ---- a router ---- */

static const char *read_alias, *write_alias;
static const cz_row *hint;

static const char *for_read(cz_ctx *ctx, const cz_model *model, const cz_row *row)
{
    (void)ctx;
    (void)model;
    hint = row;
    return read_alias;
}
static const char *for_write(cz_ctx *ctx, const cz_model *model, const cz_row *row)
{
    (void)ctx;
    hint = row;
    return model == &Report__model ? NULL : write_alias;
}
static const cz_database_router picky = { for_read, for_write, allow };

static CZ_PROJECT(routed, "routed", .apps = CZ_APPS(&depot_app), .urls = urls,
                  .databases = CZ_DATABASES({ "reports" }, { "archive" }),
                  .database_router = &picky);

static void use_router(cz_ctx *ctx, void *arg)
{
    (void)arg;
    write_alias = "archive";
    Keg *keg = cz_create(ctx, Keg, (name, "fir"));
    CZ_EXPECT(!strcmp(keg->row_.database->alias, "archive"));
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 0); /* no opinion: "default" */
    read_alias = "archive";
    CZ_EXPECT_EQ(cz_count(ctx, Keg), 1);
    CZ_EXPECT_EQ(cz_count(ctx, Keg, .database = "default"), 0); /* what is named comes first */
    CZ_EXPECT(!hint);
    cz_set(ctx, keg, weight, 3);
    cz_save(ctx, keg);
    CZ_EXPECT(hint == &keg->row_);
    write_alias = "nowhere";
    read_alias = NULL;
    cz_create(ctx, Report, (title, "x")); /* no opinion: the model's */
    CZ_EXPECT_EQ(cz_count(ctx, Report), 1);
}

static void save_nowhere(cz_ctx *ctx)
{
    write_alias = "nowhere";
    cz_create(ctx, Keg, (name, "x"));
}

static void misroute(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT(strstr(cz__orm_test_raised(ctx, save_nowhere), "there is no database \"nowhere\""));
}

CZ_TEST(a_router_is_asked_after_the_query_and_before_row_and_model)
{
    cz_client_run(cz_client_create(&routed), use_router, NULL);
    cz_client_run(cz_client_create(&routed), misroute, NULL);
}

/* ---- what cannot start ---- */

CZ_TEST(an_alias_is_a_name_that_is_not_taken)
{
    static const char *const bad[] = { "",      "Reports", "2nd", "_x",      "re-ports", "a.b",
                                       "naïve", "default", "a b", "reports", NULL };
    static char names[CZ__DATABASES_MAX][4];
    char long_name[CZ__ALIAS_BYTES_MAX + 2] = "";
    cz_error err;
    memset(long_name, 'a', CZ__ALIAS_BYTES_MAX + 1);
    CZ_REQUIRE_OK(cz__database_declare("reports", false, &err));
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__database_declare(bad[i], false, &err) == CZ_EVALIDATION, "\"%s\"",
                      bad[i] ? bad[i] : "NULL");
    CZ_EXPECT_EQ(cz__database_declare(long_name, false, &err), CZ_EVALIDATION);
    CZ_REQUIRE_OK(cz__database_declare(long_name + 1, false, &err));
    for (size_t i = cz__database_count; i < CZ__DATABASES_MAX; i++) {
        memcpy(names[i], "db", 2);
        names[i][2] = (char)('a' + i);
        CZ_REQUIRE_OK(cz__database_declare(names[i], false, &err));
    }
    CZ_EXPECT_EQ(cz__database_declare("more", false, &err), CZ_ETOOBIG);
}

#define STRAY(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Stray, STRAY, .database = "nowhere");
#define LEAF(F) F(foreign_key, stray, Trunk, .on_delete = CZ_CASCADE)
#define TRUNK(F) F(char_field, name, .max_length = 20)
CZ_MODEL_UUID(Trunk, TRUNK, .database = "reports");
CZ_MODEL(Leaf, LEAF);

CZ_TEST(a_model_in_a_database_that_is_not_declared_stops_the_start)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add("woods", (cz_model *const[]){ &Stray__model }, 1, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Stray: .database: the project declares no \"nowhere\"; there are default");
}

CZ_TEST(a_relation_between_databases_stops_the_start)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__database_declare("reports", false, &err));
    CZ_REQUIRE_OK(
        cz__models_add("woods", (cz_model *const[]){ &Trunk__model, &Leaf__model }, 2, &err));
    CZ_EXPECT_EQ(cz__models_resolve(&err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Leaf.stray: Leaf is in the database \"default\" and Trunk in \"reports\": a "
                  "relation cannot lead from one to the other, but a reference; or keep the key in "
                  "a uuid_field");
}

/* ---- replicas ---- */

static CZ_PROJECT(alone, "alone", .apps = CZ_APPS(&depot_app), .urls = urls,
                  .databases = CZ_DATABASES({ "reports" }));

static void give_replicas(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_str url = cz_str_from(getenv("CZ_TEST_POSTGRESQL_URL"));
    cz_str urls_of[CZ__REPLICAS_MAX + 1];
    cz_error err = { 0 };
    cz_str_list none = { 0 }, one = { &url, 1 }, many = { urls_of, CZ_COUNT(urls_of) };
    cz_str lite = CZ_STR("sqlite:///tmp/no-such-file.db"), broken = CZ_STR("postgresql://[");
    cz__database *lone = &cz__databases[0], *reports = &cz__databases[1];
    for (size_t i = 0; i < CZ_COUNT(urls_of); i++)
        urls_of[i] = url;
    CZ_EXPECT_EQ(cz__replicas_open(lone, &none, &err), CZ_OK);
    CZ_EXPECT_EQ(cz__replicas_open(lone, &one, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(
        cz_str_from(cz_error_message(&err)),
        "the database \"default\" has replicas: SQLite has none, they are for PostgreSQL");
    CZ_EXPECT_EQ(cz__replicas_open(reports, &many, &err), CZ_ETOOBIG);
    CZ_EXPECT_EQ(cz__replicas_open(reports, &(cz_str_list){ &broken, 1 }, &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz__replicas_open(reports, &(cz_str_list){ &lite, 1 }, &err), CZ_EVALIDATION);
    CZ_EXPECT(!cz__replicas_any());
    CZ_REQUIRE_OK(cz__replicas_open(reports, &one, &err));
    /* it is the primary itself, which follows nobody: asked, and never used */
    int64_t until_us = cz_monotonic_us() + 700000;
    CZ_EXPECT_EQ(cz_count(ctx, Report), 0);
    CZ_EXPECT(
        cz__db_session_find(ctx, reports)->primary_only); /* it was looked for, and not found */
    while (cz_monotonic_us() < until_us)
        cz_sleep(ctx, 20);
    CZ_EXPECT_EQ(cz__replicas_usable(reports), 0);
}

static cz_str position;

static void write_and_look(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_create(ctx, Keg, (name, "x"));
    CZ_EXPECT_STR(cz_read_position(ctx), ""); /* "default" has no replicas */
    CZ_EXPECT_EQ(cz_count(ctx, Report), 0);
    CZ_EXPECT_STR(cz_read_position(ctx), ""); /* nor was anything written */
    cz_create(ctx, Report, (title, "x"));
    cz_str text = cz_read_position(ctx);
    CZ_EXPECT(cz_str_find(text, CZ_STR(".reports.")) != SIZE_MAX);
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), text, &position));
}

static void read_by_position(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT(cz_read_after(ctx, position));
    const cz__db_session *session = cz__db_session_find(ctx, &cz__databases[1]);
    CZ_EXPECT(session && session->wanted > 0);
}

/* Any one byte changed, any part of it, and one whose time is over. */
static void read_by_bad_positions(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const bad[] = { "",          ".",
                                       "..",        "x",
                                       "1.2",       "1.2.3.4",
                                       "default.1", "-1.default.5.9",
                                       "1.a.1.0",   "99999999999999999999999.1" };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(!cz_read_after(ctx, cz_str_from(bad[i])), "\"%s\"", bad[i]);
    for (size_t i = 0; i < position.len; i++) {
        char *text = cz_alloc(ctx, position.len);
        memcpy(text, position.ptr, position.len);
        text[i] = text[i] == '1' ? '2' : '1';
        CZ_EXPECT_MSG(!cz_read_after(ctx, cz_str_of(text, position.len)), "byte %zu", i);
        CZ_EXPECT_MSG(!cz_read_after(ctx, cz_str_head(position, i)), "cut at %zu", i);
    }
    char *large = cz_alloc(ctx, 100000);
    memset(large, '9', 100000);
    CZ_EXPECT(!cz_read_after(ctx, cz_str_of(large, 100000)));
    cz_datetime now = cz_now();
    cz__time_freeze((cz_datetime){ now.us + cz__position_life_ms() * 1000 + 1000000 });
    CZ_EXPECT(!cz_read_after(ctx, position));
    cz__time_freeze((cz_datetime){ now.us - 60 * INT64_C(1000000) });
    CZ_EXPECT(!cz_read_after(ctx, position)); /* from the future */
    cz__time_freeze((cz_datetime){ INT64_MIN });
    cz__position_set_key(CZ_STR("another site's"));
    CZ_EXPECT(!cz_read_after(ctx, position));
    CZ_EXPECT(!cz__db_session_find(ctx, &cz__databases[1]));
}

CZ_TEST(replicas_are_refused_or_passed_over_and_positions_are_ours_and_recent)
{
    cz_ignore(!cz_test_postgresql()); /* skips where there is none */
    setenv("DATABASE_REPORTS_URL", getenv("CZ_TEST_POSTGRESQL_URL"), 1);
    cz_client *of = cz_client_create(&alone);
    cz_client_run(of, give_replicas, NULL);
    cz_client_run(of, write_and_look, NULL);
    cz_client_run(of, read_by_position, NULL);
    cz_client_run(of, read_by_bad_positions, NULL);
}
