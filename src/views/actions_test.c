/* Actions beside the stock ones, some of the stock ones alone, rows of another row, PUT that creates. */
#include <calzone/calzone.h>
#include <calzone/testing.h>

#define BOOKCASE(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Bookcase, BOOKCASE);
#define FOLIO(F)                                                                                   \
    F(char_field, title, .max_length = 20, .unique = true)                                         \
    F(bool_field, open, .default_ = cz_bool(false))                                                \
    F(json_field, notes, .null = true)                                                             \
    F(foreign_key, bookcase, Bookcase, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Folio, FOLIO);
#define PLATE(F)                                                                                   \
    F(char_field, caption, .max_length = 20)                                                       \
    F(foreign_key, bookcase, Bookcase, .on_delete = CZ_CASCADE)
CZ_MODEL_UUID(Plate, PLATE);

static const cz_app archive_app = { .name = "archive",
                                    .models = CZ_MODELS(Bookcase, Folio, Plate) };
static CZ_SERIALIZER(BookcaseSerializer, Bookcase, .fields = CZ_FIELDS(Bookcase, id, name));
static CZ_SERIALIZER(FolioSerializer, Folio, .fields = CZ_FIELDS(Folio, id, title, open));
static CZ_SERIALIZER(PlateSerializer, Plate, .fields = CZ_FIELDS(Plate, id, caption));

static void open_folio(cz_ctx *ctx, cz_request *req)
{
    Folio *folio = cz_view_object(ctx, req, Folio);
    cz_set(ctx, folio, open, true);
    cz_save(ctx, folio);
    cz_respond_row(ctx, req, 200, &FolioSerializer, folio);
}
static void count_folios(cz_ctx *ctx, cz_request *req)
{
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_i64(&json, cz_count(ctx, Folio));
}

static CZ_VIEWSET(bookcases, Bookcase, .serializer = &BookcaseSerializer,
                  .permissions = &cz_allow_any, .only = { .list = true, .create = true });
static CZ_VIEWSET(folios, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .put_creates = true,
                  .actions = CZ_ACTIONS({ .name = "open",
                                          .method = CZ_METHOD_POST,
                                          .detail = true,
                                          .handler = open_folio },
                                        { .name = "count", .handler = count_folios },
                                        { .name = "shut",
                                          .path = "shut-up",
                                          .method = CZ_METHOD_POST,
                                          .detail = true,
                                          .handler = open_folio,
                                          .permissions = &cz_deny_all }));
static CZ_VIEWSET(plates, Plate, .serializer = &PlateSerializer, .permissions = &cz_allow_any,
                  .put_creates = true, .parent = CZ_FIELD(Plate, bookcase));
static CZ_VIEWSET(own_folios, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .parent = CZ_FIELD(Folio, bookcase),
                  .ordering = CZ_ORDER_BY(CZ_DESC(Folio, title)));

static const cz_route urls[] = {
    CZ_RESOURCE("/bookcases", &bookcases),
    CZ_RESOURCE("/folios", &folios),
    CZ_RESOURCE("/bookcases/<int:bookcase>/plates/", &plates),
    CZ_RESOURCE("/bookcases/<int:bookcase>/folios", &own_folios, .name = "bookcase-folio"),
    CZ_ROUTES_END,
};
static CZ_PROJECT(archive, "archive", .apps = CZ_APPS(&archive_app), .urls = urls);

CZ_DATABASE_TEST(a_viewset_has_actions_of_its_own)
{
    cz_client *client = cz_client_create(&archive);
    CZ_EXPECT_STATUS(cz_client_post(client, "/folios", "{\"title\": \"a\"}"), 201);
    const cz_answer *answer = cz_client_post(client, "/folios/1/open", "{}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "open", "true");
    CZ_EXPECT_STATUS(cz_client_post(client, "/folios/2/open", "{}"), 404);
    CZ_EXPECT_STATUS(cz_client_get(client, "/folios/1/open"), 405);
    CZ_EXPECT_STATUS(cz_client_post(client, "/folios/1/shut-up", "{}"), 403);
    CZ_EXPECT_STATUS(cz_client_post(client, "/folios/1/shut", "{}"), 404);
    CZ_EXPECT_JSON(cz_client_get(client, "/folios/count"), "", 1);
}

CZ_DATABASE_TEST(a_viewset_has_the_actions_it_names)
{
    cz_client *client = cz_client_create(&archive);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases", "{\"name\": \"oak\"}"), 201);
    CZ_EXPECT_JSON(cz_client_get(client, "/bookcases"), "results[0].name", "oak");
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/1"), 404);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/bookcases/1"), 404);
    CZ_EXPECT_STATUS(cz_client_put(client, "/bookcases", "{}"), 405);
}

CZ_DATABASE_TEST(rows_of_another_row_are_its_alone)
{
    cz_client *client = cz_client_create(&archive);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases", "{\"name\": \"oak\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases", "{\"name\": \"ash\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/folios", "{\"title\": \"loose\"}"), 201);
    const cz_answer *answer = cz_client_post(client, "/bookcases/2/folios", "{\"title\": \"a\"}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_STR(cz_answer_header(answer, "Location"), "/bookcases/2/folios/2");
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases/2/folios", "{\"title\": \"b\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases/3/folios", "{\"title\": \"c\"}"), 404);
    answer = cz_client_get(client, "/bookcases/2/folios");
    CZ_EXPECT_JSON(answer, "count", 2);
    CZ_EXPECT_JSON(answer, "results[0].title", "b");
    CZ_EXPECT_JSON(cz_client_get(client, "/bookcases/1/folios"), "count", 0);
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/3/folios"), 404);
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/2/folios/2"), 200);
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/1/folios/2"), 404);
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/2/folios/1"), 404);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/bookcases/1/folios/2", "{\"title\": \"x\"}"), 404);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/bookcases/1/folios/2"), 404);
    CZ_EXPECT_STATUS(cz_client_put(client, "/bookcases/2/folios/9", "{\"title\": \"x\"}"), 404);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/bookcases/2/folios/2"), 204);
}

#define KEY "11111111-1111-4111-8111-111111111111"

CZ_DATABASE_TEST(put_makes_the_row_that_is_not_there)
{
    cz_client *client = cz_client_create(&archive);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases", "{\"name\": \"oak\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/bookcases", "{\"name\": \"ash\"}"), 201);
    const cz_answer *answer = cz_client_put(client, "/folios/7", "{\"title\": \"seven\"}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "id", 7);
    answer = cz_client_put(client, "/folios/7", "{\"title\": \"sept\"}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON(answer, "title", "sept");
    CZ_EXPECT_STATUS(cz_client_patch(client, "/folios/8", "{\"title\": \"eight\"}"), 404);
    CZ_EXPECT_STATUS(cz_client_put(client, "/folios/8", "{}"), 400);
    CZ_EXPECT_JSON(cz_client_post(client, "/folios", "{\"title\": \"next\"}"), "id", 8);
    answer = cz_client_put(client, "/bookcases/1/plates/" KEY "/", "{\"caption\": \"x\"}");
    CZ_EXPECT_STATUS(answer, 201);
    CZ_EXPECT_JSON(answer, "id", KEY);
    /* another bookcase's: not seen, and its key is taken */
    CZ_EXPECT_STATUS(cz_client_put(client, "/bookcases/2/plates/" KEY "/", "{\"caption\": \"x\"}"),
                     409);
    CZ_EXPECT_STATUS(cz_client_get(client, "/bookcases/1/plates/" KEY "/"), 200);
}

/* ---- what the start refuses ---- */

static CZ_VIEWSET(nameless, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .actions = CZ_ACTIONS({ .handler = count_folios }));
static CZ_VIEWSET(twice, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .actions = CZ_ACTIONS({ .name = "count", .handler = count_folios },
                                        { .name = "count", .handler = count_folios }));
static CZ_VIEWSET(orphans, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .parent = CZ_FIELD(Folio, title));
static CZ_VIEWSET(no_parameter, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .parent = CZ_FIELD(Folio, bookcase));
static CZ_VIEWSET(large, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .page_size = 101);
static CZ_VIEWSET(larger, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .page_size_max = 1001);
static CZ_VIEWSET(loose_cursor, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .pagination = CZ_CURSOR, .orderings = CZ_FIELDS(Folio, title, bookcase));
static CZ_VIEWSET(odd_filter, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Folio, open), CZ_LOOKUPS(ICONTAINS) }));
static CZ_VIEWSET(odd_search, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(Folio, title),
                                               .lookup = CZ_LOOKUP_COUNT }));
static CZ_VIEWSET(odd_order, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .orderings = CZ_FIELDS(Folio, title, notes));
static CZ_VIEWSET(two_filters, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .filters = CZ_FILTERS({ .path = CZ_FIELD(Folio, title) },
                                        { .path = CZ_FIELD(Folio, open), .name = "title" }));
static CZ_VIEWSET(no_filter, Folio, .serializer = &FolioSerializer, .permissions = &cz_allow_any,
                  .filters = CZ_FILTERS({ .name = "x" }));

static const struct {
    const cz_viewset *view;
    const char *path, *message;
} refused[] = {
    { &nameless, "/x", "viewset nameless: an action of .actions has a .name and a .handler" },
    { &twice, "/x", "two routes answer GET /x/count" },
    { &orphans, "/x", "viewset orphans: .parent \"title\" is no foreign key" },
    { &no_parameter, "/x/<int:case>",
      "viewset no_parameter: .parent needs a <int:bookcase> in its path, and \"/x/<int:case>\" has "
      "none" },
    { &large, "/x", "viewset large: .page_size is over 100 rows, which need a .page_size_max" },
    { &larger, "/x", "viewset larger: a page has at most 1000 rows" },
    { &loose_cursor, "/x",
      "viewset loose_cursor: pages by cursor need an order by columns of Folio that are not NULL, "
      "and \"bookcase\" is none" },
    { &odd_filter, "/x", "viewset odd_filter: Folio.open has no lookup ICONTAINS" },
    { &odd_search, "/x", "viewset odd_search: Folio.title has no lookup of that number" },
    { &odd_order, "/x", "viewset odd_order: rows cannot be ordered by Folio.notes" },
    { &two_filters, "/x", "viewset two_filters: two filters are called \"title\"" },
    { &no_filter, "/x", "viewset no_filter: a filter has either a path or a .condition" },
};

CZ_TEST(a_viewset_that_cannot_work_is_refused)
{
    cz_client_create(&archive); /* resolves the models */
    for (size_t i = 0; i < CZ_COUNT(refused); i++) {
        const cz_route routes[] = {
            { .kind = CZ__ROUTE_RESOURCE,
              .pattern = refused[i].path,
              .resource = &refused[i].view->resource },
            CZ_ROUTES_END,
        };
        cz_router *router;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_router_create(routes, NULL, &router, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), refused[i].message);
    }
}
