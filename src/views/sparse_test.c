/* ?fields= and ?expand=, asked of viewsets. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Grove)
CZ_MODEL_FORWARD(Quince)

#define VALLEY(F)                                                                                  \
    F(char_field, name, .max_length = 20)                                                          \
    F(reverse, groves, Grove, valley)
CZ_MODEL(Valley, VALLEY);
#define GROVE(F)                                                                                   \
    F(char_field, name, .max_length = 20)                                                          \
    F(char_field, secret, .max_length = 20, .blank = true)                                         \
    F(foreign_key, valley, Valley, .on_delete = CZ_CASCADE, .null = true)                          \
    F(reverse, quinces, Quince, grove)
CZ_MODEL(Grove, GROVE);
#define QUINCE(F)                                                                                  \
    F(char_field, kind, .max_length = 20)                                                          \
    F(int_field, grams, .default_ = cz_int(0))                                                     \
    F(foreign_key, grove, Grove, .on_delete = CZ_CASCADE)
CZ_MODEL(Quince, QUINCE);

static cz_serializer GroveRows, QuinceRows;

static CZ_SERIALIZER(ValleyRows, Valley, .fields = CZ_FIELDS(Valley, id, name, groves),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Valley, groves),
                                             .expand = &GroveRows }));
static CZ_SERIALIZER(
    GroveRows, Grove, .fields = CZ_FIELDS(Grove, id, name, secret, valley, quinces),
    .write_only = CZ_FIELDS(Grove, secret),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Grove, valley), .expand = &ValleyRows },
                          { .source = CZ_FIELD(Grove, quinces), .nested = &QuinceRows }));
static CZ_SERIALIZER(QuinceRows, Quince, .fields = CZ_FIELDS(Quince, id, kind, grams));
static CZ_SERIALIZER(QuinceSerializer, Quince, .fields = CZ_FIELDS(Quince, id, kind, grams, grove),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Quince, grove),
                                             .expand = &GroveRows }));

static CZ_VIEWSET(quinces, Quince, .serializer = &QuinceSerializer, .permissions = &cz_allow_any,
                  .sparse = true, .etags = true);
static CZ_VIEWSET(by_cursor, Quince, .serializer = &QuinceSerializer, .permissions = &cz_allow_any,
                  .sparse = true, .pagination = CZ_CURSOR);
static CZ_VIEWSET(all_quinces, Quince, .serializer = &QuinceSerializer,
                  .permissions = &cz_allow_any, .sparse = true, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(groves, Grove, .serializer = &GroveRows, .permissions = &cz_allow_any,
                  .sparse = true);
static CZ_VIEWSET(whole, Quince, .serializer = &QuinceSerializer, .permissions = &cz_allow_any);

static const cz_app app = { "fruit", .models = CZ_MODELS(Valley, Grove, Quince) };
static const cz_route urls[] = {
    CZ_RESOURCE("/quinces", &quinces),
    CZ_RESOURCE("/turns", &by_cursor, .name = "turn"),
    CZ_RESOURCE("/all", &all_quinces, .name = "all"),
    CZ_RESOURCE("/groves", &groves),
    CZ_RESOURCE("/whole", &whole, .name = "whole"),
    CZ_ROUTES_END,
};
static CZ_PROJECT(fruit, "fruit", .apps = CZ_APPS(&app), .urls = urls);

static cz_client *a_farm(void)
{
    cz_client *client = cz_client_create(&fruit);
    CZ_EXPECT_STATUS(cz_client_post(client, "/groves", "{\"name\": \"wild\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/quinces",
                                    "{\"kind\": \"Conference\", \"grams\": 170, \"grove\": 1}"),
                     201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/quinces", "{\"kind\": \"Comice\", \"grove\": 1}"),
                     201);
    return client;
}

/* What a GET answers, written over as it is told; those of lists by their first row. */
CZ_DATABASE_TEST(a_client_chooses_what_it_is_shown)
{
    static const struct {
        const char *path, *at, *shown;
    } cases[] = {
        { "/quinces/1?fields=kind", "", "{\"kind\":\"Conference\"}" },
        { "/quinces/1?fields=grams,id", "", "{\"id\":1,\"grams\":170}" },
        { "/quinces/1?fields=%20kind%20,,", "", "{\"kind\":\"Conference\"}" },
        { "/quinces/1?fields=kind,kind", "", "{\"kind\":\"Conference\"}" },
        { "/quinces/1?fields=", "",
          "{\"id\":1,\"kind\":\"Conference\",\"grams\":170,\"grove\":1}" },
        { "/quinces/1?fields=id&fields=kind", "", "{\"kind\":\"Conference\"}" },
        { "/quinces?fields=kind", "results[0]", "{\"kind\":\"Conference\"}" },
        { "/turns?fields=kind", "results[0]", "{\"kind\":\"Conference\"}" },
        { "/all?fields=kind", "", "[{\"kind\":\"Conference\"},{\"kind\":\"Comice\"}]" },
        { "/quinces/1?fields=grove", "", "{\"grove\":1}" },
        { "/quinces/1?fields=kind&expand=grove", "", "{\"kind\":\"Conference\"}" },
        { "/quinces/2?expand=grove&fields=grove.name", "", "{\"grove\":{\"name\":\"wild\"}}" },
        { "/quinces/2?expand=grove&fields=grove,grove.name", "grove",
          "{\"id\":1,\"name\":\"wild\",\"valley\":null,\"quinces\":[{\"id\":1,\"kind\":"
          "\"Conference\","
          "\"grams\":170},{\"id\":2,\"kind\":\"Comice\",\"grams\":0}]}" },
        { "/quinces/2?expand=grove.valley&fields=grove.valley", "",
          "{\"grove\":{\"valley\":null}}" },
        { "/groves/1?fields=quinces.kind", "",
          "{\"quinces\":[{\"kind\":\"Conference\"},{\"kind\":\"Comice\"}]}" },
        { "/groves/1?expand=quinces&fields=quinces.id", "",
          "{\"quinces\":[{\"id\":1},{\"id\":2}]}" },
        { "/whole/1?fields=kind", "",
          "{\"id\":1,\"kind\":\"Conference\",\"grams\":170,\"grove\":1}" },
    };
    cz_client *client = a_farm();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = cz_client_get(client, cases[i].path);
        CZ_EXPECT_STATUS(answer, 200);
        CZ_EXPECT_JSON_TEXT(answer, cases[i].at, cases[i].shown);
    }
}

CZ_DATABASE_TEST(what_can_not_be_asked_for_is_told)
{
    static const struct {
        const char *query, *parameter, *why;
    } cases[] = {
        { "fields=colour", "fields", "\"colour\" is not there." },
        { "fields=kind,colour", "fields", "\"colour\" is not there." },
        { "fields=Kind", "fields", "\"Kind\" is not there." },
        { "fields=kind.length", "fields", "\"kind.length\" is not there; expand what it is of." },
        { "fields=grove.name", "fields", "\"grove.name\" is not there; expand what it is of." },
        { "fields=.", "fields", "\"\" is not there." },
        { "fields=kind.", "fields", "\"kind.\" is not there; expand what it is of." },
        { "expand=grove&fields=grove.secret", "fields", "\"grove.secret\" is not there." },
        { "expand=grove&fields=grove.name.x", "fields",
          "\"grove.name.x\" is not there; expand what it is of." },
        { "expand=colour", "expand", "\"colour\" is not there." },
        { "expand=kind", "expand", "\"kind\" is not to be expanded." },
        { "expand=grove.name", "expand", "\"grove.name\" is not to be expanded." },
        { "expand=grove.secret", "expand", "\"grove.secret\" is not there." },
        { "expand=grove.quinces.grove", "expand", "\"grove.quinces.grove\" is not there." },
        { "expand=grove.valley.groves.valley.groves", "expand",
          "Ensure a name has no more than 4 steps." },
    };
    cz_client *client = a_farm();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[200], at[20];
        cz_ignore(snprintf(path, sizeof path, "/quinces/1?%s", cases[i].query) < 0); /* it fits */
        cz_ignore(snprintf(at, sizeof at, "%s[0]", cases[i].parameter) < 0);
        const cz_answer *answer = cz_client_get(client, path);
        CZ_EXPECT_STATUS(answer, 400);
        CZ_EXPECT_JSON(answer, at, cases[i].why);
    }
}

CZ_DATABASE_TEST(rows_are_expanded_in_one_query_for_each_step)
{
    cz_client *client = a_farm();
    CZ_EXPECT_QUERIES(cz_client_get(client, "/all"), 2);
    CZ_EXPECT_QUERIES(cz_client_get(client, "/all?expand=grove&fields=grove.name"), 3);
    CZ_EXPECT_QUERIES(cz_client_get(client, "/all?expand=grove"), 4); /* and its quinces */
}

CZ_DATABASE_TEST(a_change_that_asks_for_what_is_not_there_changes_nothing)
{
    cz_client *client = a_farm();
    CZ_EXPECT_STATUS(
        cz_client_post(client, "/quinces?fields=colour", "{\"kind\": \"Abate\", \"grove\": 1}"),
        400);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/quinces/1?expand=kind", "{\"grams\": 1}"), 400);
    CZ_EXPECT_JSON(cz_client_get(client, "/quinces"), "count", 2);
    CZ_EXPECT_JSON(cz_client_get(client, "/quinces/1"), "grams", 170);
    const cz_answer *answer = cz_client_patch(client, "/quinces/1?fields=grams", "{\"grams\": 1}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "", "{\"grams\":1}");
}

CZ_DATABASE_TEST(a_part_of_a_row_has_a_state_of_its_own_name)
{
    static const struct {
        const char *target;
        int status;
    } changes[] = { { "/quinces/1", 412 }, { "/quinces/1?fields=kind", 200 } };
    cz_client *client = a_farm();
    cz_str etag = cz_answer_header(cz_client_get(client, "/quinces/1?fields=kind"), "ETag");
    char header[128];
    cz_ignore(snprintf(header, sizeof header, "If-Match: %.*s\r\n", CZ_STR_ARG(etag)) < 0);
    for (size_t i = 0; i < CZ_COUNT(changes); i++) {
        const cz_client_request change = { .method = "PATCH",
                                           .target = changes[i].target,
                                           .headers = header,
                                           .body = CZ_STR("{\"grams\": 5}") };
        CZ_EXPECT_STATUS(cz_client_send(client, &change), changes[i].status);
    }
}
