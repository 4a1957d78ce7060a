/* What a viewset says of itself to OPTIONS. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Orchard)
static const cz_choice COLOURS[] = { { "red", "Red" }, { "green", "Green one" } };
#define PEAR(F)                                                                                    \
    F(char_field, sort, .max_length = 12, .verbose_name = "kind of pear", .help_text = "As sold.") \
    F(char_field, colour, .choices = CZ_CHOICES(COLOURS))                                          \
    F(decimal_field, price, .digits = 6, .places = 2)                                              \
    F(int_field, count, .min = cz_int(0), .max = cz_int(9), .default_ = cz_int(1))                 \
    F(float_field, weight, .null = true, .min = cz_real(0.5))                                      \
    F(uuid_field, code, .null = true)                                                              \
    F(time_field, picked, .null = true)                                                            \
    F(duration_field, keeps, .null = true)                                                         \
    F(int_array_field, sizes, .blank = true)                                                       \
    F(json_field, more, .null = true)                                                              \
    F(bool_field, is_old, .read_only = true, .default_ = cz_bool(false))                           \
    F(foreign_key, orchard, Orchard, .on_delete = CZ_CASCADE)
CZ_MODEL(Pear, PEAR);
#define ORCHARD(F)                                                                                 \
    F(char_field, name, .max_length = 5)                                                           \
    F(reverse, pears, Pear, orchard)
CZ_MODEL(Orchard, ORCHARD);

static void count_all(cz_ctx *ctx, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)ctx;
    (void)req;
    (void)row;
    cz_json_i64(out, 1);
}

static CZ_SERIALIZER(PearSerializer, Pear,
                     .fields = CZ_FIELDS(Pear, id, sort, colour, price, count, weight, code, picked,
                                         keeps, sizes, more, is_old, orchard));
static CZ_SERIALIZER(SmallPearSerializer, Pear, .fields = CZ_FIELDS(Pear, id, sort));
static CZ_SERIALIZER(OrchardSerializer, Orchard, .fields = CZ_FIELDS(Orchard, name, pears),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Orchard, pears),
                                             .nested = &SmallPearSerializer,
                                             .writable = true },
                                           { .name = "size_of_it",
                                             .compute = count_all,
                                             .type = CZ_KIND_int_field,
                                             .help_text = "Roughly." }));

/* Rows may be changed by whoever says so, and row 2 by nobody. */
static bool allows(cz_ctx *ctx, const cz_request *req, const cz_permission *self, void *object)
{
    (void)ctx;
    (void)self;
    bool reads = req->method == CZ_METHOD_GET || req->method == CZ_METHOD_OPTIONS;
    return reads || (cz_request_has_header(req, CZ_STR("X-Gardener")) &&
                     !(object && ((Orchard *)object)->id == 2));
}
static const cz_permission gardeners = { .name = "gardeners", .allows = allows };

static void pick(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

#define PEAR_PHOTO(F)                                                                              \
    F(file_field, photo, .max_length = 30, .max_bytes = 9, .help_text = "From the front.")         \
    F(file_field, back_side, .null = true)
CZ_RECORD(PearPhoto, PEAR_PHOTO);
static CZ_SERIALIZER(PearPhotoSerializer, PearPhoto,
                     .fields = CZ_FIELDS(PearPhoto, photo, back_side));

static CZ_VIEWSET(pears, Pear, .serializer = &PearSerializer, .permissions = &cz_allow_any,
                  .description = "All \"pears\".",
                  .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer),
                  .parsers = CZ_PARSERS(&cz_json_parser));
static CZ_VIEWSET(
    small_orchards, Orchard, .serializer = &OrchardSerializer, .permissions = &gardeners,
    .actions = CZ_ACTIONS(
        { .name = "pick_all", .method = CZ_METHOD_POST, .detail = true, .handler = pick },
        { .name = "photo",
          .method = CZ_METHOD_POST,
          .handler = pick,
          .serializer = &PearPhotoSerializer },
        { .name = "replace",
          .method = CZ_METHOD_PUT,
          .detail = true,
          .handler = pick,
          .serializer = &PearPhotoSerializer },
        { .name = "show", .handler = pick, .serializer = &PearPhotoSerializer }));
static CZ_VIEWSET(shown_orchard_views, Orchard, .serializer = &OrchardSerializer,
                  .permissions = &cz_allow_any, .read_only = true);
static CZ_VIEWSET(hidden, Orchard, .serializer = &OrchardSerializer, .permissions = &cz_deny_all);
static const cz_route urls[] = {
    CZ_RESOURCE("/pears", &pears),
    CZ_RESOURCE("/orchards", &small_orchards),
    CZ_RESOURCE("/shown", &shown_orchard_views, .name = "shown"),
    CZ_RESOURCE("/hidden", &hidden, .name = "hidden"),
    CZ_ROUTES_END,
};
static const cz_app garden_app = { .name = "garden", .models = CZ_MODELS(Orchard, Pear) };
static CZ_PROJECT(garden, "garden", .apps = CZ_APPS(&garden_app), .urls = urls);

static const cz_answer *describe(cz_client *client, const char *target)
{
    return cz_client_send(client, &(cz_client_request){ .method = "OPTIONS", .target = target });
}

#define FLAGS(type, required, read_only)                                                           \
    "{\"type\":\"" type "\",\"required\":" #required ",\"read_only\":" #read_only
#define OPTIONAL(type, label) FLAGS(type, false, false) ",\"label\":\"" label "\""

CZ_TEST(options_tell_what_each_field_takes)
{
    static const struct {
        const char *field, *told;
    } cases[] = {
        { "id", FLAGS("integer", false, true) ",\"label\":\"ID\"}" },
        { "sort", FLAGS("string", true, false) ",\"label\":\"Kind of pear\",\"help_text\":\"As "
                                               "sold.\",\"max_length\":12}" },
        { "colour", FLAGS("choice", true, false) ",\"label\":\"Colour\",\"choices\":[{\"value\":"
                                                 "\"red\",\"display_name\":\"Red\"},{\"value\":"
                                                 "\"green\",\"display_name\":\"Green one\"}]}" },
        { "price", FLAGS("decimal", true, false) ",\"label\":\"Price\"}" },
        { "count", OPTIONAL("integer", "Count") ",\"min_value\":0,\"max_value\":9}" },
        { "weight", OPTIONAL("float", "Weight") ",\"min_value\":0.5}" },
        { "code", OPTIONAL("string", "Code") "}" },
        { "picked", OPTIONAL("time", "Picked") "}" },
        { "keeps", OPTIONAL("field", "Keeps") "}" },
        { "sizes", OPTIONAL("list", "Sizes") ",\"child\":" FLAGS("integer", true, false) "}}" },
        { "more", OPTIONAL("field", "More") "}" },
        { "is_old", FLAGS("boolean", false, true) ",\"label\":\"Is old\"}" },
        { "orchard", FLAGS("field", true, false) ",\"label\":\"Orchard\"}" },
    };
    cz_client *client = cz_client_create(&garden);
    const cz_answer *answer = describe(client, "/pears");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_HEADER(answer, "Allow", "GET, HEAD, POST, OPTIONS");
    CZ_EXPECT_HEADER(answer, "Vary", "Accept");
    CZ_EXPECT_JSON(answer, "name", "Pears List");
    CZ_EXPECT_JSON(answer, "description", "All \"pears\".");
    CZ_EXPECT_JSON_TEXT(answer, "renders", "[\"application/json\",\"text/csv\"]");
    CZ_EXPECT_JSON_TEXT(answer, "parses", "[\"application/json\"]");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[64];
        cz_ignore(snprintf(path, sizeof path, "actions.POST.%s", cases[i].field)); /* short */
        CZ_EXPECT_JSON_TEXT(answer, path, cases[i].told);
    }
}

CZ_TEST(options_tell_nested_rows_as_children)
{
    cz_client *client = cz_client_create(&garden);
    cz_client_set_header(client, "X-Gardener", "yes");
    CZ_EXPECT_JSON_TEXT(
        describe(client, "/orchards"), "actions.POST",
        "{\"name\":" FLAGS(
            "string", true,
            false) ",\"label\":\"Name\",\"max_length\":5},"
                   "\"pears\":" FLAGS(
                       "field", true,
                       false) ",\"label\":\"Pears\","
                              "\"child\":" FLAGS(
                                  "nested object", true,
                                  false) ",\"children\":{"
                                         "\"id\":" FLAGS(
                                             "integer", false,
                                             true) ",\"label\":\"ID\"},"
                                                   "\"sort\":" FLAGS(
                                                       "string", true,
                                                       false) ",\"label\":\"Kind of "
                                                              "pear\",\"help_text\":\"As "
                                                              "sold.\",\"max_length\":12}}}},"
                                                              "\"size_of_it\":" FLAGS(
                                                                  "integer", false,
                                                                  true) ",\"label\":\"Size of "
                                                                        "it\",\"help_text\":"
                                                                        "\"Roughly.\"}}");
}

CZ_DATABASE_TEST(options_tell_the_actions_the_caller_may_do)
{
    static const struct {
        const char *target, *gardener;
        int status;
        const char *name;
        const char *action; /* the one that is told of; NULL: none is */
    } cases[] = {
        { "/orchards", NULL, 200, "Small Orchards List", NULL },
        { "/orchards", "yes", 200, "Small Orchards List", "actions.POST" },
        { "/orchards/1", NULL, 200, "Small Orchards Instance", NULL },
        { "/orchards/1", "yes", 200, "Small Orchards Instance", "actions.PUT" },
        { "/orchards/2", "yes", 200, "Small Orchards Instance", NULL }, /* not that one */
        { "/orchards/3", "yes", 200, "Small Orchards Instance", NULL }, /* which is not there */
        { "/orchards/1/pick_all", "yes", 200, "Pick all", NULL },
        { "/orchards/photo", "yes", 200, "Photo", "actions.POST" },
        { "/orchards/photo", NULL, 200, "Photo", NULL },
        { "/orchards/1/replace", "yes", 200, "Replace", "actions.PUT" },
        { "/orchards/2/replace", "yes", 200, "Replace", NULL },
        { "/orchards/3/replace", "yes", 200, "Replace", NULL },
        { "/orchards/show", "yes", 200, "Show", NULL },
        { "/shown", "yes", 200, "Shown Orchard List", NULL },
        { "/shown/1", "yes", 200, "Shown Orchard Instance", NULL },
        { "/hidden", "yes", 403, NULL, NULL },
        { "/hidden/1", "yes", 403, NULL, NULL },
        { "/nowhere", "yes", 404, NULL, NULL },
        { "/orchards?format=xls", "yes", 404, NULL, NULL },
    };
    cz_client *client = cz_client_create(&garden);
    cz_client_set_header(client, "X-Gardener", "yes");
    for (int i = 0; i < 2; i++)
        CZ_EXPECT_STATUS(cz_client_post(client, "/orchards", "{\"name\":\"A\",\"pears\":[]}"), 201);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_client_set_header(client, "X-Gardener", cases[i].gardener);
        const cz_answer *answer = describe(client, cases[i].target);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s is %d", cases[i].target,
                      answer->status);
        if (cases[i].name)
            CZ_EXPECT_JSON(answer, "name", cases[i].name);
        CZ_EXPECT((cz_answer_at(answer, "actions") != NULL) == (cases[i].action != NULL));
        if (cases[i].action)
            CZ_EXPECT(cz_answer_at(answer, cases[i].action) != NULL);
    }
}

CZ_TEST(options_tell_what_an_extra_action_takes_and_of_files_that_they_are)
{
    cz_client *client = cz_client_create(&garden);
    cz_client_set_header(client, "X-Gardener", "yes");
    CZ_EXPECT_JSON_TEXT(
        describe(client, "/orchards/photo"), "actions",
        "{\"POST\":{\"photo\":" FLAGS(
            "file upload", true,
            false) ",\"label\":\"Photo\",\"help_text\":\"From the front.\",\"max_length\":30},"
                   "\"back_side\":" OPTIONAL("file upload", "Back side") "}}}");
}
