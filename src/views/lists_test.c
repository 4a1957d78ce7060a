/* What lists may be asked: filters, search, orders, pages of each kind. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

static const cz_choice RIGS[] = { { "sloop", "Sloop" }, { "barque", "Barque" } };

#define HAVEN(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Haven, HAVEN);

#define VOYAGE(F)                                                                                  \
    F(char_field, ship, .max_length = 20)                                                          \
    F(char_field, rig, .choices = CZ_CHOICES(RIGS), .default_ = cz_text("sloop"))                  \
    F(int_field, crew)                                                                             \
    F(decimal_field, cargo, .digits = 8, .places = 2, .default_ = cz_text("0"))                    \
    F(date_field, sailed, .null = true)                                                            \
    F(bool_field, lost, .default_ = cz_bool(false))                                                \
    F(foreign_key, origin, Haven, .on_delete = CZ_CASCADE)                                         \
    F(many_to_many, stops, Haven)
CZ_MODEL(Voyage, VOYAGE);

static const cz_app sea = { .name = "sea", .models = CZ_MODELS(Haven, Voyage) };
static CZ_SERIALIZER(VoyageSerializer, Voyage, .fields = CZ_FIELDS(Voyage, id, ship, crew, origin));
static CZ_SERIALIZER(LongSerializer, Voyage,
                     .fields = CZ_FIELDS(Voyage, id, ship, crew, origin, stops));

static cz_cond half(cz_ctx *ctx, const cz_request *req, cz_str value)
{
    (void)req;
    if (!cz_str_eq(value, CZ_STR("small")) && !cz_str_eq(value, CZ_STR("large")))
        cz_raise(ctx, CZ_EVALIDATION, "small or large.");
    bool small = cz_str_eq(value, CZ_STR("small"));
    return small ? cz_cond_copy(ctx, CZ_Q(Voyage, crew, LT, 5))
                 : cz_cond_copy(ctx, CZ_Q(Voyage, crew, GTE, 5));
}

#define ASKED                                                                                      \
    .permissions = &cz_allow_any,                                                                  \
    .filters = CZ_FILTERS(                                                                         \
        { .path = CZ_FIELD(Voyage, rig) },                                                         \
        { .path = CZ_FIELD(Voyage, crew), CZ_LOOKUPS(EXACT, GTE, LT, IN, RANGE) },                 \
        { .path = CZ_FIELD(Voyage, cargo) }, { .path = CZ_FIELD(Voyage, lost) },                   \
        { .path = CZ_FIELD(Voyage, sailed), CZ_LOOKUPS(EXACT, ISNULL) },                           \
        { .path = CZ_FIELD(Voyage, origin) },                                                      \
        { .path = CZ_FIELD(Voyage, origin->name), CZ_LOOKUPS(EXACT, ICONTAINS) },                  \
        { .path = CZ_FIELD(Voyage, stops->name), CZ_LOOKUPS(STARTSWITH), .name = "stop" },         \
        { .name = "half", .condition = half }),                                                    \
    .search = CZ_SEARCH_FIELDS(                                                                    \
        { .path = CZ_FIELD(Voyage, ship) }, { .path = CZ_FIELD(Voyage, stops->name) },             \
        { .path = CZ_FIELD(Voyage, rig), .lookup = CZ_LOOKUP_ISTARTSWITH }),                       \
    .orderings = CZ_FIELDS(Voyage, ship, crew, origin->name)

static CZ_VIEWSET(pages, Voyage, .serializer = &VoyageSerializer, ASKED, .page_size = 10,
                  .page_size_query = "rows", .page_size_max = 20);
static CZ_VIEWSET(slices, Voyage, .serializer = &LongSerializer, ASKED,
                  .pagination = CZ_LIMIT_OFFSET, .page_size = 2, .page_size_max = 4);
static CZ_VIEWSET(plain, Voyage, .serializer = &VoyageSerializer, ASKED, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(cursors, Voyage, .serializer = &LongSerializer, .permissions = &cz_allow_any,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Voyage, rig) }),
                  .orderings = CZ_FIELDS(Voyage, crew, ship, cargo, lost, rig),
                  .ordering = CZ_ORDER_BY(CZ_DESC(Voyage, crew)), .pagination = CZ_CURSOR,
                  .page_size = 3, .page_size_query = "rows");
static const cz_route urls[] = {
    CZ_RESOURCE("/pages", &pages, .name = "page"),
    CZ_RESOURCE("/slices", &slices, .name = "slice"),
    CZ_RESOURCE("/plain", &plain, .name = "plain"),
    CZ_RESOURCE("/cursors", &cursors, .name = "cursor"),
    CZ_ROUTES_END,
};
static CZ_PROJECT(fleet, "fleet", .apps = CZ_APPS(&sea), .urls = urls);

static void launch(cz_ctx *c, void *arg)
{
    (void)arg;
    Haven *bergen = cz_create(c, Haven, (name, "Bergen"));
    Haven *calais = cz_create(c, Haven, (name, "Calais"));
    Haven *cadiz = cz_create(c, Haven, (name, "Cadiz"));
    static const struct {
        const char *ship, *rig, *cargo;
        int crew;
        bool at_bergen, lost;
    } voyages[] = {
        { "Ada", "sloop", "1.50", 3, true, false },
        { "Bea", "barque", "2.00", 7, false, false },
        { "Cleo", "sloop", "1.50", 3, false, true },
        { "Dora of Calais", "barque", "9.99", 9, true, true },
        { "Eve, a sloop", "barque", "0.00", 3, true, false },
    };
    for (size_t i = 0; i < CZ_COUNT(voyages); i++) {
        cz_decimal cargo;
        CZ_REQUIRE_OK(cz_decimal_parse(cz_str_from(voyages[i].cargo), &cargo));
        Voyage *voyage = cz_create(c, Voyage, (ship, voyages[i].ship), (rig, voyages[i].rig),
                                   (crew, voyages[i].crew), (cargo, cargo), (lost, voyages[i].lost),
                                   (origin, voyages[i].at_bergen ? bergen->id : calais->id));
        if (i == 1)
            cz_related_set(c, voyage, stops, CZ_INTS(calais->id, cadiz->id));
        if (i == 0) {
            cz_related_set(c, voyage, stops, CZ_INTS(bergen->id));
            cz_date day = { 20000 };
            cz_set(c, voyage, sailed, day);
            cz_save(c, voyage);
        }
    }
}

/* The keys of the rows an answer lists, "1 3 5". */
static cz_str keys(const cz_answer *answer, const char *list)
{
    static char text[256];
    size_t len = 0;
    for (int i = 0; i < 40; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s[%d].id", list, i);
        const cz_json_value *key = cz_answer_at(answer, path);
        if (!key)
            break;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%lld", i ? " " : "",
                                (long long)key->as.integer);
    }
    return cz_str_of(text, len);
}

CZ_DATABASE_TEST(lists_are_narrowed_and_ordered_by_what_was_declared)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, launch, NULL);
    static const struct {
        const char *query, *keys;
    } cases[] = {
        { "", "1 2 3 4 5" },
        { "?rig=sloop", "1 3" },
        { "?rig=", "1 2 3 4 5" },
        { "?rig=sloop&lost=true", "3" },
        { "?lost=FALSE", "1 2 5" },
        { "?crew=3", "1 3 5" },
        { "?crew__gte=4", "2 4" },
        { "?crew__gte=4&crew__lt=9", "2" },
        { "?crew__in=9,7", "2 4" },
        { "?crew__range=7,9", "2 4" },
        { "?crew__lte=4", "1 2 3 4 5" }, /* not declared: somebody else's */
        { "?cargo=1.5", "1 3" },
        { "?sailed=2024-10-04", "1" },
        { "?sailed__isnull=true", "2 3 4 5" },
        { "?origin=1", "1 4 5" },
        { "?origin__name=Calais", "2 3" },
        { "?origin__name__icontains=ERG", "1 4 5" },
        { "?stop=Ca", "2" }, /* which has two such stops */
        { "?half=small", "1 3 5" },
        { "?half=large&rig=barque", "2 4" },
        { "?search=calais", "2 4" },
        { "?search=SLOOP", "1 3 5" },
        { "?search=eve+sloop", "5" },
        { "?search=eve,sloop", "5" },
        { "?search=+,+", "1 2 3 4 5" },
        { "?search=oop", "5" },
        { "?search=ca&origin=2", "2" },
        { "?ordering=-ship", "5 4 3 2 1" },
        { "?ordering=crew,-ship", "5 3 1 2 4" },
        { "?ordering=origin__name,-crew", "4 1 5 2 3" },
        { "?ordering=password,-crew", "4 2 1 3 5" },
        { "?ordering=password", "1 2 3 4 5" },
        { "?search=ca&ordering=-origin__name", "2 4" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[128];
        snprintf(path, sizeof path, "/pages%s", cases[i].query);
        const cz_answer *answer = cz_client_get(client, path);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_STR(keys(answer, "results"), cases[i].keys);
        snprintf(path, sizeof path, "/plain%s", cases[i].query);
        CZ_EXPECT_STR(keys(cz_client_get(client, path), ""), cases[i].keys);
    }
    CZ_EXPECT_STATUS(cz_client_get(client, "/pages/1?rig=sloop"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/pages/1?rig=barque"), 404);
}

CZ_DATABASE_TEST(values_that_cannot_be_are_told_by_their_parameter)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, launch, NULL);
    static const struct {
        const char *query, *path, *message;
    } cases[] = {
        { "?crew=x", "crew[0]", "A valid integer is required." },
        { "?crew__in=1,x", "crew__in[0]", "A valid integer is required." },
        { "?crew=99999999999", "crew[0]", "This number is out of range." },
        { "?rig=cutter", "rig[0]",
          "Select a valid choice. cutter is not one of the available choices." },
        { "?cargo=1,5", "cargo[0]", "A valid number is required." },
        { "?sailed=yesterday", "sailed[0]",
          "Date has wrong format. Use one of these formats instead: YYYY-MM-DD." },
        { "?origin=99", "origin[0]",
          "Select a valid choice. That choice is not one of the available choices." },
        { "?half=most", "half[0]", "small or large." },
        { "?search=a+b+c+d+e+f+g+h+i+j+k", "search[0]", "Search for at most 10 words." },
        { "?rig=cutter&crew=x", "crew[0]", "A valid integer is required." },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[128];
        snprintf(path, sizeof path, "/pages%s", cases[i].query);
        const cz_answer *answer = cz_client_get(client, path);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON(answer, cases[i].path, cases[i].message);
    }
}

/* ---- pages ---- */

/* The path and query of an address of this site. */
static const char *target_of(const cz_json_value *address, char *text, size_t bytes)
{
    cz_str found = address && address->kind == CZ_JSON_STR ? address->as.text : CZ_STR("");
    size_t path = cz_str_find(found, CZ_STR("testserver/"));
    found = path == SIZE_MAX ? CZ_STR("") : cz_str_tail(found, path + 10);
    snprintf(text, bytes, "%.*s", CZ_STR_ARG(found));
    return text;
}

/* The keys of page after page, "1 2|3 4|5", following `link` from a target to the end. */
static const char *walk(cz_client *client, const char *from, const char *link, char *last)
{
    static char all[512];
    char target[512];
    size_t len = 0;
    snprintf(target, sizeof target, "%s", from);
    for (int n = 0; target[0] && n < 20; n++) {
        const cz_answer *answer = cz_client_get(client, target);
        CZ_EXPECT_STATUS(answer, 200);
        cz_str page = keys(answer, "results");
        len +=
            (size_t)snprintf(all + len, sizeof all - len, "%s%.*s", n ? "|" : "", CZ_STR_ARG(page));
        if (last)
            snprintf(last, 512, "%s", target);
        target_of(cz_answer_at(answer, link), target, sizeof target);
    }
    return all;
}

static void seven_more(cz_ctx *c, void *arg)
{
    launch(c, arg);
    for (int i = 0; i < 7; i++)
        cz_create(c, Voyage, (ship, "Same"), (crew, 3), (origin, 1));
}

CZ_DATABASE_TEST(pages_of_each_kind_lead_to_every_row_once)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, seven_more, NULL);
    static const struct {
        const char *from, *forward, *back;
    } cases[] = {
        { "/pages?rows=5", "1 2 3 4 5|6 7 8 9 10|11 12", "11 12|6 7 8 9 10|1 2 3 4 5" },
        { "/slices?limit=4&offset=0", "1 2 3 4|5 6 7 8|9 10 11 12", "9 10 11 12|5 6 7 8|1 2 3 4" },
        { "/slices?limit=4&offset=3", "4 5 6 7|8 9 10 11|12", "12|8 9 10 11|4 5 6 7|1 2 3 4" },
        { "/cursors", "4 2 1|3 5 6|7 8 9|10 11 12", "10 11 12|7 8 9|3 5 6|4 2 1" },
        { "/cursors?rows=5&ordering=ship", "1 2 3 4 5|6 7 8 9 10|11 12",
          "11 12|6 7 8 9 10|1 2 3 4 5" },
        { "/cursors?rows=100", "4 2 1 3 5 6 7 8 9 10 11 12", "4 2 1 3 5 6 7 8 9 10 11 12" },
        { "/cursors?rows=4&ordering=-cargo,lost&rig=barque", "4 2 5", "4 2 5" },
        { "/cursors?rows=2&ordering=-cargo,lost&rig=barque", "4 2|5", "5|4 2" },
        { "/cursors?rows=4&ordering=rig,-lost,ship", "4 2 5 3|1 6 7 8|9 10 11 12",
          "9 10 11 12|1 6 7 8|4 2 5 3" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char last[512];
        CZ_EXPECT_STR(cz_str_from(walk(client, cases[i].from, "next", last)), cases[i].forward);
        CZ_EXPECT_STR(cz_str_from(walk(client, last, "previous", NULL)), cases[i].back);
    }
}

CZ_DATABASE_TEST(rows_that_come_and_go_move_nothing_between_pages_by_cursor)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, launch, NULL);
    char target[512];
    const cz_answer *answer = cz_client_get(client, "/cursors?rows=2&ordering=ship");
    CZ_EXPECT_STR(keys(answer, "results"), "1 2");
    target_of(cz_answer_at(answer, "next"), target, sizeof target);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/pages/1"), 204);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/pages/2"), 204); /* whose place the cursor is */
    CZ_EXPECT_STR(keys(cz_client_get(client, target), "results"), "3 4");
}

/* As DRF, but for the row where the other page ended, which belongs to the way back. */
CZ_DATABASE_TEST(a_page_by_cursor_that_is_empty_leads_back)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, launch, NULL);
    char next[512], previous[512];
    const cz_answer *answer = cz_client_get(client, "/cursors?rows=2&ordering=ship");
    target_of(cz_answer_at(answer, "next"), next, sizeof next);
    answer = cz_client_get(client, next);
    CZ_EXPECT_STR(keys(answer, "results"), "3 4");
    target_of(cz_answer_at(answer, "previous"), previous, sizeof previous);
    for (int i = 3; i <= 5; i++)
        CZ_EXPECT_STATUS(cz_client_delete(client, cz_arena_printf(cz_test_arena(), "/pages/%d", i)),
                         204);
    answer = cz_client_get(client, next);
    CZ_EXPECT_STR(keys(answer, "results"), "");
    CZ_EXPECT_JSON_TEXT(answer, "next", "null");
    CZ_EXPECT_STR(cz_str_from(walk(client, next, "previous", NULL)), "|1 2");
    for (int i = 1; i <= 2; i++)
        CZ_EXPECT_STATUS(cz_client_delete(client, cz_arena_printf(cz_test_arena(), "/pages/%d", i)),
                         204);
    answer = cz_client_get(client, previous);
    CZ_EXPECT_STR(keys(answer, "results"), "");
    CZ_EXPECT_JSON_TEXT(answer, "previous", "null");
    CZ_EXPECT(target_of(cz_answer_at(answer, "next"), next, sizeof next)[0] != '\0');
    CZ_EXPECT_STATUS(cz_client_get(client, next), 200);
}

CZ_DATABASE_TEST(what_is_asked_of_pages_has_limits)
{
    cz_client *client = cz_client_create(&fleet);
    cz_client_run(client, seven_more, NULL);
    static const struct {
        const char *target, *keys, *next, *previous, *link;
    } cases[] = {
        { "/pages?rows=99&x=%20", "1 2 3 4 5 6 7 8 9 10 11 12", "", "", "" },
        { "/pages?rows=0", "1 2 3 4 5 6 7 8 9 10", "/pages?rows=0&page=2", "",
          "<http://testserver/pages?rows=0&page=2>; rel=\"next\"" },
        { "/pages?page=2", "11 12", "", "/pages", "<http://testserver/pages>; rel=\"prev\"" },
        { "/pages?rows=-1&page=last", "11 12", "", "/pages?rows=-1", NULL },
        { "/slices", "1 2", "/slices?limit=2&offset=2", "", NULL },
        { "/slices?limit=many&offset=x", "1 2", "/slices?limit=2&offset=2", "", NULL },
        { "/slices?limit=99999999999999999999", "1 2 3 4", "/slices?limit=4&offset=4", "", NULL },
        { "/slices?limit=0&offset=-3", "1 2", "/slices?limit=2&offset=2", "", NULL },
        { "/slices?offset=5", "6 7", "/slices?limit=2&offset=7", "/slices?limit=2&offset=3", NULL },
        { "/slices?offset=1", "2 3", "/slices?limit=2&offset=3", "/slices?limit=2", NULL },
        { "/slices?offset=99999999999999999999", "", "", NULL, NULL },
        { "/slices?offset=9223372036854775807", "", "", NULL, NULL },
        { "/slices?offset=12", "", "", "/slices?limit=2&offset=10",
          "<http://testserver/slices?limit=2&offset=10>; rel=\"prev\"" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char target[512];
        const cz_answer *answer = cz_client_get(client, cases[i].target);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_STR(keys(answer, "results"), cases[i].keys);
        CZ_EXPECT_STR(cz_str_from(target_of(cz_answer_at(answer, "next"), target, sizeof target)),
                      cases[i].next);
        if (cases[i].previous)
            CZ_EXPECT_STR(
                cz_str_from(target_of(cz_answer_at(answer, "previous"), target, sizeof target)),
                cases[i].previous);
        if (cases[i].link)
            CZ_EXPECT_STR(cz_answer_header(answer, "Link"), cases[i].link);
    }
    static const char *const wrong[] = {
        "/pages?page=3",
        "/pages?page=0",
        "/pages?page=two",
        "/pages?page=-1",
        "/cursors?cursor=x",
        "/cursors?cursor=W10",                                /* [] */
        "/cursors?cursor=W2ZhbHNlXQ",                         /* [false] */
        "/cursors?cursor=W2ZhbHNlLCJ4IiwiMSJd",               /* [false,"x","1"] */
        "/cursors?cursor=W2ZhbHNlLCIxIiwiMSIsIjEiXQ",         /* [false,"1","1","1"] */
        "/cursors?cursor=W2ZhbHNlLDEsMV0",                    /* [false,1,1] */
        "/cursors?cursor=W2ZhbHNlLCIxIiwiMSIsZmFsc2Vd",       /* [false,"1","1",false] */
        "/cursors?cursor=W2ZhbHNlLCIxIiwiMSIsdHJ1ZSx0cnVlXQ", /* [false,"1","1",true,true] */
        "/cursors?cursor=%00",
        "/cursors?cursor=W2ZhbHNlLCIxIiwiMSJdIDE",
    };
    for (size_t i = 0; i < CZ_COUNT(wrong); i++) {
        const cz_answer *answer = cz_client_get(client, wrong[i]);
        CZ_EXPECT_STATUS(answer, 404);
        CZ_EXPECT_JSON(answer, "detail", i < 4 ? "Invalid page." : "Invalid cursor");
    }
}
