/* `check` and the SQL that models' metas are written with. */
#include "management/command_testing.h"
#include "orm/orm_testing.h"
#include <calzone/calzone.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_PAGE(F)                                                                              \
    F(char_field, title, .max_length = 40)                                                         \
    F(int_field, number)                                                                           \
    F(foreign_key, previous, CheckPage, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL_FORWARD(CheckPage)
CZ_MODEL(CheckPage, CHECK_PAGE,
         .indexes = CZ_INDEXES({ .name = "page_nope", .expressions = "lower(\"nope\")" },
                               { .name = "page_cut",
                                 .fields = CZ_FIELDS(CheckPage, number),
                                 .condition = "number >" },
                               { .name = "page_good",
                                 .expressions = "lower(\"title\") DESC",
                                 .condition = "\"previous_id\" IS NULL" },
                               { .fields = CZ_FIELDS(CheckPage, title) }),
         .constraints = CZ_CONSTRAINTS({ .name = "page_noo", .check = "\"noo\" > 0" },
                                       { .name = "page_number", .check = "\"number\" > 0" },
                                       { .name = "page_first",
                                         .unique = CZ_FIELDS(CheckPage, number),
                                         .condition = "\"tilte\" <> ''" }));
/* what only one of the databases has */
#define CHECK_SHEET(F) F(json_field, data)
CZ_MODEL(CheckSheet, CHECK_SHEET,
         .indexes = CZ_INDEXES(
             { .name = "sheet_data", .fields = CZ_FIELDS(CheckSheet, data), .method = "gin" },
             { .name = "sheet_paths", .expressions = "\"data\" jsonb_path_ops", .method = "gin" }));
#define CHECK_PART(F) F(int_field, length, .db_default = cz_sql("nothing(1)"))
CZ_MODEL(CheckPart, CHECK_PART);

static const struct cz__orm_test tree = { "tree", CZ_MODELS(CheckPage, CheckSheet, CheckPart) };

static void check_all(cz_ctx *c, void *arg)
{
    (void)arg;
    struct cz__orm_test_told told = { c, CZ_STR("") };
    static const char *const said[][2] = {
        { "CheckPage: constraint page_noo: no such column: noo", "column \"noo\" does not exist" },
        { "CheckPage: constraint page_first: no such column: tilte",
          "column \"tilte\" does not exist" },
        { "CheckPage: index page_nope: no such column: nope", "column \"nope\" does not exist" },
        { "CheckPage: index page_cut: ", "syntax error" },
        { "CheckPart: ", "function nothing(integer) does not exist" },
    };
    bool server = cz__db_default->driver->features->returning_key;
    size_t wrong = cz__meta_sql_check(c, cz__orm_test_note, &told);
    CZ_EXPECT_MSG(wrong == CZ_COUNT(said), "%.*s", CZ_STR_ARG(told.all));
    for (size_t i = 0; i < CZ_COUNT(said); i++)
        CZ_EXPECT_MSG(cz_str_find(told.all, cz_str_from(said[i][server])) != SIZE_MAX,
                      "no \"%s\" in %.*s", said[i][server], CZ_STR_ARG(told.all));
    /* nothing of it stays */
    cz_str_list tables;
    cz__db_session *session = NULL;
    cz_error err;
    CZ_REQUIRE_OK(cz__db_session_of(c, &session, &err));
    CZ_REQUIRE_OK(session->db->driver->list_tables(c, session, &tables, &err));
    CZ_EXPECT_EQ(tables.count, 0);
}

CZ_DATABASE_TEST(each_piece_of_a_metas_sql_is_tried_and_none_stays)
{
    cz__orm_test_run(&tree, check_all);
}

static const cz_app tree_app = { "tree", .models = CZ_MODELS(CheckPage, CheckSheet) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(forest, "forest", .apps = CZ_APPS(&tree_app), .urls = urls);

CZ_DATABASE_TEST(check_tells_a_misspelt_column_of_a_rule)
{
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    const char *question = cz__test_on_postgresql ? "--databases" : NULL;
    CZ_EXPECT_EQ(cz__test_command(&forest, CZ__TEXTS(url), CZ__TEXTS("check", question), &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("forest: CheckPage: constraint page_noo: ")) != SIZE_MAX,
                  "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("no issues")) == SIZE_MAX, "%.*s", CZ_STR_ARG(out));
}

static cz_str checked(const cz_project *project, int code)
{
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz__test_sqlite("a.db"));
    CZ_EXPECT_EQ(cz__test_command(project, CZ__TEXTS(url, "CLIENT_TOKENS=till:0123456789abcdef"),
                                  CZ__TEXTS("check"), &out),
                 code);
    return out;
}

/* ---- pages that could not be kept, or would be for ever ---- */

static void answer_nothing(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

#define CHECK_LEAF(F) F(int_field, length)
CZ_MODEL(CheckLeaf, CHECK_LEAF);
static const cz_app untold_app = { "leaves", .models = CZ_MODELS(CheckLeaf) };
static const cz_app told_app = { "leaves", .models = CZ_MODELS(CheckLeaf),
                                 .cached = CZ_MODELS(CheckLeaf) };
static CZ_PAGE_CACHE(leaf_pages, .models = CZ_MODELS(CheckLeaf));
static CZ_PAGE_CACHE(lost_pages, .cache = "attic");
static const cz_route leaf_urls[] = {
    CZ_GET("/leaves", answer_nothing, .middleware = CZ_CACHE_PAGES(leaf_pages)), CZ_ROUTES_END
};
static const cz_route inner_urls[] = {
    CZ_GET("/leaves", answer_nothing, .middleware = CZ_CACHE_PAGES(lost_pages)), CZ_ROUTES_END
};
static const cz_route lost_urls[] = { CZ_INCLUDE("/api", inner_urls), CZ_ROUTES_END };
static CZ_PROJECT(untold, "untold", .apps = CZ_APPS(&untold_app), .urls = leaf_urls);
static CZ_PROJECT(told, "told", .apps = CZ_APPS(&told_app), .urls = leaf_urls);
static CZ_PROJECT(lost, "lost", .apps = CZ_APPS(&told_app), .urls = lost_urls);

CZ_TEST(a_page_cache_that_nothing_ends_stops_the_start)
{
    CZ_EXPECT_STR(checked(&untold, 1), "untold: a page cache: CheckLeaf is in no app's .cached, so "
                                       "its changes would end nothing\n");
    CZ_EXPECT_STR(checked(&lost, 1), "lost: a page cache: there is no cache \"attic\"\n");
    CZ_EXPECT_STR(checked(&told, 0), "told: no issues in 1 model and 1 route (test)\n");
}

/* ---- who is never known ---- */

static void know_nobody(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_next_call(ctx, req, next);
}
static const cz_middleware own = { "own", know_nobody, NULL };
static const cz_authentication_scheme *const schemes[] = { &cz_client_tokens, NULL };
static CZ_AUTHENTICATION(authentication, .schemes = schemes);
static const cz_middleware *const by_scheme[] = { &authentication.middleware, NULL };
static const cz_middleware *const by_own[] = { &own, NULL };
static const cz_middleware *const by_nobody[] = { &cz_idempotency, &leaf_pages.middleware, NULL };

static CZ_SERIALIZER(LeafSerializer, CheckLeaf, .fields = CZ_FIELDS(CheckLeaf, id, length));
static CZ_VIEWSET(leaves, CheckLeaf, .serializer = &LeafSerializer,
                  .permissions = CZ_ANY_OF(&cz_read_only, &cz_is_authenticated),
                  .only = { .list = true, .create = true });
static CZ_VIEWSET(open_leaves, CheckLeaf, .serializer = &LeafSerializer,
                  .permissions = CZ_NOT_OF(&cz_is_authenticated), .only = { .list = true });
static const cz_route unknown_urls[] = {
    CZ_RESOURCE("/leaves", &leaves, .middleware = by_nobody),
    CZ_RESOURCE("/by-scheme", &leaves, .name = "by-scheme", .middleware = by_scheme),
    CZ_RESOURCE("/by-own", &leaves, .name = "by-own", .middleware = by_own),
    CZ_RESOURCE("/open", &open_leaves, .name = "open"),
    CZ_ROUTES_END,
};
static const cz_route known_urls[] = { CZ_INCLUDE("/api", unknown_urls, .middleware = by_scheme),
                                       CZ_ROUTES_END };
static CZ_PROJECT(unknown, "unknown", .apps = CZ_APPS(&told_app, &cz_idempotency_app),
                  .urls = unknown_urls);
static CZ_PROJECT(known, "known", .apps = CZ_APPS(&told_app, &cz_idempotency_app),
                  .urls = known_urls);

CZ_TEST(a_permission_that_nobody_can_have_is_warned_of)
{
    CZ_EXPECT_STR(
        checked(&unknown, 0),
        "unknown: warning: cz_is_authenticated is asked at 2 routes, such as GET /leaves, "
        "with no CZ_AUTHENTICATION() around: nobody is ever known there\n"
        "unknown: 1 warning in 2 models and 7 routes (test)\n");
    CZ_EXPECT_STR(checked(&known, 0), "known: no issues in 2 models and 7 routes (test)\n");
}

/* ---- models that are ahead of their migrations ---- */

#define CHECK_ATTIC(F)                                                                             \
    F(int_field, boxes)                                                                            \
    F(int_field, trunks, .null = true)                                                             \
    F(int_field, chairs, .null = true)
CZ_MODEL(CheckAttic, CHECK_ATTIC);

static CZ_MIGRATION(house_0001_initial, "house", "0001_initial",
                    .operations = CZ_OPERATIONS(CZ_CREATE_MODEL(
                        "CheckAttic",
                        CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
                                        { "boxes", "int_field" }))));
CZ_MIGRATION_LIST(house_migrations)
{
    CZ_LISTED(house_0001_initial);
    CZ_LIST_END;
}
static const cz_app house_app = { "house", .models = CZ_MODELS(CheckAttic),
                                  .migrations = house_migrations };
static CZ_PROJECT(house, "house", .apps = CZ_APPS(&house_app), .urls = urls);

CZ_TEST(models_ahead_of_their_migrations_fail_check_and_a_start_in_production)
{
    static const char sentence[] =
        "house: the models have changes that no migration has (house: Add "
        "field trunks to CheckAttic and 1 more); run `house makemigrations` "
        "and build\n";
    const char *database = cz__test_setting("DATABASE_URL", cz__test_sqlite("house.db"));
    const struct {
        const char *env, *arguments[4];
        int code;
        const char *out;
    } cases[] = {
        { "ENV=development", { "check" }, 1, sentence },
        { "ENV=development", { "check", "--databases" }, 1, sentence },
        { "ENV=staging", { "run", "--bind", "127.0.0.1:0" }, 1, sentence },
        { "ENV=production", { "run", "--bind", "127.0.0.1:0" }, 1, sentence },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str out;
        const char *const settings[] = { cases[i].env, database, "ALLOWED_HOSTS=house.example",
                                         "SECRET_KEY=0123456789abcdef0123456789abcdef", NULL };
        CZ_EXPECT_EQ(cz__test_command(&house, settings, cases[i].arguments, &out), cases[i].code);
        CZ_EXPECT_STR(out, cases[i].out);
    }
}

/* ---- rows shown where their own viewset would not ---- */

#define CHECK_OWNER(F) F(char_field, name)
CZ_MODEL(CheckOwner, CHECK_OWNER);
#define CHECK_BIKE(F)                                                                              \
    F(char_field, name)                                                                            \
    F(foreign_key, owner, CheckOwner, .on_delete = CZ_CASCADE)
CZ_MODEL(CheckBike, CHECK_BIKE);
#define CHECK_JOB(F)                                                                               \
    F(char_field, name)                                                                            \
    F(foreign_key, bike, CheckBike, .on_delete = CZ_CASCADE)                                       \
    F(foreign_key, payer, CheckOwner, .on_delete = CZ_CASCADE)
CZ_MODEL(CheckJob, CHECK_JOB);

static bool is_staff(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx, (void)req, (void)self, (void)object;
    return false;
}
static const cz_permission staff = { .name = "is staff", .allows = is_staff };

static CZ_SERIALIZER(OwnerSerializer, CheckOwner, .fields = CZ_FIELDS(CheckOwner, id, name));
static CZ_SERIALIZER(BikeSerializer, CheckBike, .fields = CZ_FIELDS(CheckBike, id, name),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(CheckBike, owner),
                                             .expand = &OwnerSerializer }));
static CZ_SERIALIZER(JobSerializer, CheckJob, .fields = CZ_FIELDS(CheckJob, id, name),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(CheckJob, bike),
                                             .nested = &BikeSerializer },
                                           { .source = CZ_FIELD(CheckJob, payer),
                                             .expand = &OwnerSerializer,
                                             .open = true }));

static CZ_VIEWSET(check_owners, CheckOwner, .serializer = &OwnerSerializer,
                  .permissions = CZ_ALL_OF(&cz_is_authenticated, &staff));
static CZ_VIEWSET(check_bikes, CheckBike, .serializer = &BikeSerializer, .sparse = true,
                  .permissions = &cz_is_authenticated);
static CZ_VIEWSET(check_jobs, CheckJob, .serializer = &JobSerializer, .sparse = true,
                  .permissions = CZ_ANY_OF(&cz_read_only, &staff));
static CZ_VIEWSET(check_plain, CheckBike, .serializer = &BikeSerializer,
                  .permissions = &cz_allow_any);
static const cz_app shed_app = { "shed", .models = CZ_MODELS(CheckOwner, CheckBike, CheckJob) };
static const cz_route shed_urls[] = {
    CZ_RESOURCE("/owners", &check_owners),
    CZ_RESOURCE("/bikes", &check_bikes),
    CZ_RESOURCE("/jobs", &check_jobs),
    CZ_ROUTES_END,
};
static CZ_PROJECT(shed, "shed", .apps = CZ_APPS(&shed_app), .urls = shed_urls,
                  .middleware = by_own);
static const cz_route open_urls[] = {
    CZ_RESOURCE("/owners", &check_owners),
    CZ_RESOURCE("/bikes", &check_plain),
    CZ_ROUTES_END,
};
static CZ_PROJECT(open_shed, "shed", .apps = CZ_APPS(&shed_app), .urls = open_urls,
                  .middleware = by_own);

CZ_TEST(check_warns_of_rows_that_their_own_viewset_shows_to_fewer)
{
    static const char *const said[] = {
        "shed: warning: check_bikes at /bikes shows rows in \"owner\" (.expand) that viewset "
        "check_owners lets fewer people read; if that is meant, the member says .open = true\n",
        "shed: warning: check_jobs at /jobs shows rows in \"bike\" (.nested) that viewset "
        "check_bikes lets fewer",
        "shed: warning: check_jobs at /jobs shows rows in \"bike.owner\" (.expand) that viewset "
        "check_owners lets fewer",
    };
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    CZ_EXPECT_EQ(cz__test_command(&shed, CZ__TEXTS(url), CZ__TEXTS("check"), &out), 0);
    size_t warnings = 0;
    for (cz_str rest = out; rest.len;)
        warnings += cz_str_find(cz_str_cut(&rest, '\n'), CZ_STR("warning:")) != SIZE_MAX;
    CZ_EXPECT_MSG(warnings == CZ_COUNT(said), "%.*s", CZ_STR_ARG(out));
    for (size_t i = 0; i < CZ_COUNT(said); i++)
        CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(said[i])) != SIZE_MAX, "no \"%s\" in %.*s",
                      said[i], CZ_STR_ARG(out));
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("shed: 3 warnings in")) != SIZE_MAX, "%.*s",
                  CZ_STR_ARG(out));
}

CZ_TEST(check_does_not_warn_of_what_no_client_can_ask_for)
{
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    CZ_EXPECT_EQ(cz__test_command(&open_shed, CZ__TEXTS(url), CZ__TEXTS("check"), &out), 0);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("warning")) == SIZE_MAX, "%.*s", CZ_STR_ARG(out));
}

/* ---- static files ---- */

static const cz_route lost_files[] = { CZ_STATIC("/static", "no-such-folder"), CZ_ROUTES_END };
static const cz_route hiding_files[] = {
    CZ_GET("/static/before", answer_nothing),  CZ_STATIC("/static", "/usr", .index = "index.html"),
    CZ_GET("/static/behind", answer_nothing),  CZ_POST("/static/more/<int:id>", answer_nothing),
    CZ_GET("/statics/beside", answer_nothing), CZ_ROUTES_END,
};
static const cz_route all_files[] = { CZ_STATIC("/", "/"), CZ_ROUTES_END };
static const cz_route no_files[] = { CZ_STATIC("/static", ""), CZ_ROUTES_END };
static const cz_route same_files[] = { CZ_STATIC("/static", "/usr"), CZ_STATIC("/static", "/etc"),
                                       CZ_ROUTES_END };
static CZ_PROJECT(loser, "loser", .urls = lost_files);
static CZ_PROJECT(hider, "hider", .urls = hiding_files);
static CZ_PROJECT(giver, "giver", .urls = all_files);
static CZ_PROJECT(namer, "namer", .urls = no_files);
static CZ_PROJECT(doubler, "doubler", .urls = same_files);

CZ_TEST(static_files_that_are_not_there_or_hide_routes_are_told)
{
    CZ_EXPECT_STR(checked(&loser, 0),
                  "loser: warning: /static/<path:path> serves files of the folder "
                  "\"no-such-folder\", which is not there: all of them are 404\n"
                  "loser: 1 warning in 0 models and 1 route (test)\n");
    CZ_EXPECT_STR(checked(&hider, 0),
                  "hider: warning: 2 routes, such as GET /static/behind, stand behind the static "
                  "files at /static/<path:path>, which have every path there: put the files last\n"
                  "hider: 1 warning in 0 models and 6 routes (test)\n");
    CZ_EXPECT_STR(checked(&giver, 1),
                  "giver: CZ_STATIC(\"/\") would serve \"/\", which has the project itself in it, "
                  "with its settings and its database: serve a folder below it\n");
    CZ_EXPECT_STR(checked(&namer, 1), "namer: CZ_STATIC(\"/static\") names no folder\n");
    CZ_EXPECT_STR(checked(&doubler, 1), "doubler: two routes answer GET /static/<path:path>\n");
}

/* ---- names that no setting has ---- */

CZ_TEST(check_warns_of_names_in_env_files_that_no_setting_has)
{
    cz_str out;
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    CZ_REQUIRE(mkdir(cz__test_path("settings"), 0700) == 0);
    cz_ignore(!cz__test_write("settings/development.env", "LOG_LEVEL=info\nDATABSE_URL=x\n"));
    cz_ignore(!cz__test_write("settings/test.env", "LGO_LEVEL=info\n"));
    CZ_REQUIRE(chdir(cz_test_directory()) == 0);
    static const char said[] = "shed: warning: settings/development.env names DATABSE_URL, and no "
                               "setting is called so\n";
    CZ_EXPECT_EQ(
        cz__test_command(&open_shed, CZ__TEXTS(url, "ENV=development"), CZ__TEXTS("check"), &out),
        0);
    CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(said)) != SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("LOG_LEVEL")) == SIZE_MAX, "%.*s", CZ_STR_ARG(out));
    CZ_EXPECT_EQ(cz__test_command(&open_shed, CZ__TEXTS(url), CZ__TEXTS("check"), &out), 0);
    CZ_EXPECT_MSG(cz_str_find(out, CZ_STR("no setting")) == SIZE_MAX, "%.*s", CZ_STR_ARG(out));
}

/* ---- codings ---- */

static const cz_middleware *const compressing[] = { &cz_compression, NULL };
static const cz_route press_urls[] = { CZ_GET("/leaves", answer_nothing), CZ_ROUTES_END };
static CZ_PROJECT(press, "press", .urls = press_urls, .middleware = compressing);

/* What `check` says with a setting, and how it ends. */
struct said {
    const char *setting, *said;
    int code;
};

static void expect_said(const struct said *cases, size_t count)
{
    const char *url = cz__test_setting("DATABASE_URL", cz_test_database());
    for (size_t i = 0; i < count; i++) {
        cz_str out;
        int code =
            cz__test_command(&press, CZ__TEXTS(url, cases[i].setting), CZ__TEXTS("check"), &out);
        CZ_EXPECT_MSG(code == cases[i].code &&
                          cz_str_find(out, cz_str_from(cases[i].said)) != SIZE_MAX,
                      "%s: %d %.*s", cases[i].setting, code, CZ_STR_ARG(out));
    }
}

CZ_TEST(a_coding_that_nobody_has_stops_the_start)
{
    static const struct said cases[] = {
        { "COMPRESSION=gzip", "press: no issues in", 0 },
        { "COMPRESSION=off", "press: no issues in", 0 },
        { "COMPRESSION=deflate", "COMPRESSION: \"deflate\" is none; zstd, br and gzip", 1 },
        { "COMPRESSION=gzip, off", "COMPRESSION: \"off\" is none", 1 },
        { "COMPRESSION=gzip,br,gzip", "COMPRESSION: \"gzip\" stands there twice", 1 },
        { "COMPRESSION_GZIP_LEVEL=10", "COMPRESSION_GZIP_LEVEL", 1 },
        { "COMPRESSION_BR_LEVEL=7", "COMPRESSION_BR_LEVEL", 1 },
        { "COMPRESSION_PADDING=256", "COMPRESSION_PADDING", 1 },
        { "COMPRESSION_MIN=0", "COMPRESSION_MIN", 1 },
    };
    expect_said(cases, CZ_COUNT(cases));
}

CZ_TEST(a_folder_for_uploads_that_is_none_stops_the_start)
{
    static const struct said cases[] = {
        { "UPLOAD_DIRECTORY=/tmp", "press: no issues in", 0 },
        { "UPLOAD_DIRECTORY=/no/such", "/no/such is no folder that one may write to", 1 },
        { "UPLOAD_DIRECTORY=/dev/null", "/dev/null is no folder that one may write to", 1 },
        { "UPLOAD_MEMORY_MAX=0", "UPLOAD_MEMORY_MAX", 1 },
        { "UPLOAD_MEMORY_MAX=2M", "UPLOAD_MEMORY_MAX", 1 },
    };
    expect_said(cases, CZ_COUNT(cases));
}
