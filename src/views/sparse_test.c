/* ?fields= and ?expand=, asked of viewsets. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Orchard)
CZ_MODEL_FORWARD(Pear)

#define VALLEY(F)                                                                                  \
    F(char_field, name, .max_length = 20)                                                          \
    F(reverse, orchards, Orchard, valley)
CZ_MODEL(Valley, VALLEY);
#define ORCHARD(F)                                                                                 \
    F(char_field, name, .max_length = 20)                                                          \
    F(char_field, secret, .max_length = 20, .blank = true)                                         \
    F(foreign_key, valley, Valley, .on_delete = CZ_CASCADE, .null = true)                          \
    F(reverse, pears, Pear, orchard)
CZ_MODEL(Orchard, ORCHARD);
#define PEAR(F)                                                                                    \
    F(char_field, kind, .max_length = 20)                                                          \
    F(int_field, grams, .default_ = cz_int(0))                                                     \
    F(foreign_key, orchard, Orchard, .on_delete = CZ_CASCADE)
CZ_MODEL(Pear, PEAR);

static cz_serializer OrchardRows, PearRows;

static CZ_SERIALIZER(ValleyRows, Valley, .fields = CZ_FIELDS(Valley, id, name, orchards),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Valley, orchards),
                                             .expand = &OrchardRows }));
static CZ_SERIALIZER(
    OrchardRows, Orchard, .fields = CZ_FIELDS(Orchard, id, name, secret, valley, pears),
    .write_only = CZ_FIELDS(Orchard, secret),
    .members = CZ_MEMBERS({ .source = CZ_FIELD(Orchard, valley), .expand = &ValleyRows },
                          { .source = CZ_FIELD(Orchard, pears), .nested = &PearRows }));
static CZ_SERIALIZER(PearRows, Pear, .fields = CZ_FIELDS(Pear, id, kind, grams));
static CZ_SERIALIZER(PearSerializer, Pear, .fields = CZ_FIELDS(Pear, id, kind, grams, orchard),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Pear, orchard),
                                             .expand = &OrchardRows }));

static CZ_VIEWSET(pears, Pear, .serializer = &PearSerializer, .permissions = &cz_allow_any,
                  .sparse = true, .etags = true);
static CZ_VIEWSET(by_cursor, Pear, .serializer = &PearSerializer, .permissions = &cz_allow_any,
                  .sparse = true, .pagination = CZ_CURSOR);
static CZ_VIEWSET(all_pears, Pear, .serializer = &PearSerializer, .permissions = &cz_allow_any,
                  .sparse = true, .pagination = CZ_NO_PAGES);
static CZ_VIEWSET(orchards, Orchard, .serializer = &OrchardRows, .permissions = &cz_allow_any,
                  .sparse = true);
static CZ_VIEWSET(whole, Pear, .serializer = &PearSerializer, .permissions = &cz_allow_any);

static const cz_app app = { "fruit", .models = CZ_MODELS(Valley, Orchard, Pear) };
static const cz_route urls[] = {
    CZ_RESOURCE("/pears", &pears),
    CZ_RESOURCE("/turns", &by_cursor, .name = "turn"),
    CZ_RESOURCE("/all", &all_pears, .name = "all"),
    CZ_RESOURCE("/orchards", &orchards),
    CZ_RESOURCE("/whole", &whole, .name = "whole"),
    CZ_ROUTES_END,
};
static CZ_PROJECT(fruit, "fruit", .apps = CZ_APPS(&app), .urls = urls);

static cz_client *a_farm(void)
{
    cz_client *client = cz_client_create(&fruit);
    CZ_EXPECT_STATUS(cz_client_post(client, "/orchards", "{\"name\": \"wild\"}"), 201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/pears",
                                    "{\"kind\": \"Conference\", \"grams\": 170, \"orchard\": 1}"),
                     201);
    CZ_EXPECT_STATUS(cz_client_post(client, "/pears", "{\"kind\": \"Comice\", \"orchard\": 1}"),
                     201);
    return client;
}

/* What a GET answers, written over as it is told; those of lists by their first row. */
CZ_DATABASE_TEST(a_client_chooses_what_it_is_shown)
{
    static const struct {
        const char *path, *at, *shown;
    } cases[] = {
        { "/pears/1?fields=kind", "", "{\"kind\":\"Conference\"}" },
        { "/pears/1?fields=grams,id", "", "{\"id\":1,\"grams\":170}" },
        { "/pears/1?fields=%20kind%20,,", "", "{\"kind\":\"Conference\"}" },
        { "/pears/1?fields=kind,kind", "", "{\"kind\":\"Conference\"}" },
        { "/pears/1?fields=", "",
          "{\"id\":1,\"kind\":\"Conference\",\"grams\":170,\"orchard\":1}" },
        { "/pears/1?fields=id&fields=kind", "", "{\"kind\":\"Conference\"}" },
        { "/pears?fields=kind", "results[0]", "{\"kind\":\"Conference\"}" },
        { "/turns?fields=kind", "results[0]", "{\"kind\":\"Conference\"}" },
        { "/all?fields=kind", "", "[{\"kind\":\"Conference\"},{\"kind\":\"Comice\"}]" },
        { "/pears/1?fields=orchard", "", "{\"orchard\":1}" },
        { "/pears/1?fields=kind&expand=orchard", "", "{\"kind\":\"Conference\"}" },
        { "/pears/2?expand=orchard&fields=orchard.name", "", "{\"orchard\":{\"name\":\"wild\"}}" },
        { "/pears/2?expand=orchard&fields=orchard,orchard.name", "orchard",
          "{\"id\":1,\"name\":\"wild\",\"valley\":null,\"pears\":[{\"id\":1,\"kind\":"
          "\"Conference\","
          "\"grams\":170},{\"id\":2,\"kind\":\"Comice\",\"grams\":0}]}" },
        { "/pears/2?expand=orchard.valley&fields=orchard.valley", "",
          "{\"orchard\":{\"valley\":null}}" },
        { "/orchards/1?fields=pears.kind", "",
          "{\"pears\":[{\"kind\":\"Conference\"},{\"kind\":\"Comice\"}]}" },
        { "/orchards/1?expand=pears&fields=pears.id", "", "{\"pears\":[{\"id\":1},{\"id\":2}]}" },
        { "/whole/1?fields=kind", "",
          "{\"id\":1,\"kind\":\"Conference\",\"grams\":170,\"orchard\":1}" },
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
        { "fields=orchard.name", "fields", "\"orchard.name\" is not there; expand what it is of." },
        { "fields=.", "fields", "\"\" is not there." },
        { "fields=kind.", "fields", "\"kind.\" is not there; expand what it is of." },
        { "expand=orchard&fields=orchard.secret", "fields", "\"orchard.secret\" is not there." },
        { "expand=orchard&fields=orchard.name.x", "fields",
          "\"orchard.name.x\" is not there; expand what it is of." },
        { "expand=colour", "expand", "\"colour\" is not there." },
        { "expand=kind", "expand", "\"kind\" is not to be expanded." },
        { "expand=orchard.name", "expand", "\"orchard.name\" is not to be expanded." },
        { "expand=orchard.secret", "expand", "\"orchard.secret\" is not there." },
        { "expand=orchard.pears.orchard", "expand", "\"orchard.pears.orchard\" is not there." },
        { "expand=orchard.valley.orchards.valley.orchards", "expand",
          "Ensure a name has no more than 4 steps." },
    };
    cz_client *client = a_farm();
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        char path[200], at[20];
        cz_ignore(snprintf(path, sizeof path, "/pears/1?%s", cases[i].query) < 0); /* it fits */
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
    CZ_EXPECT_QUERIES(cz_client_get(client, "/all?expand=orchard&fields=orchard.name"), 3);
    CZ_EXPECT_QUERIES(cz_client_get(client, "/all?expand=orchard"), 4); /* and its pears */
}

CZ_DATABASE_TEST(a_change_that_asks_for_what_is_not_there_changes_nothing)
{
    cz_client *client = a_farm();
    CZ_EXPECT_STATUS(
        cz_client_post(client, "/pears?fields=colour", "{\"kind\": \"Abate\", \"orchard\": 1}"),
        400);
    CZ_EXPECT_STATUS(cz_client_patch(client, "/pears/1?expand=kind", "{\"grams\": 1}"), 400);
    CZ_EXPECT_JSON(cz_client_get(client, "/pears"), "count", 2);
    CZ_EXPECT_JSON(cz_client_get(client, "/pears/1"), "grams", 170);
    const cz_answer *answer = cz_client_patch(client, "/pears/1?fields=grams", "{\"grams\": 1}");
    CZ_EXPECT_STATUS(answer, 200);
    CZ_EXPECT_JSON_TEXT(answer, "", "{\"grams\":1}");
}

CZ_DATABASE_TEST(a_part_of_a_row_has_a_state_of_its_own_name)
{
    static const struct {
        const char *target;
        int status;
    } changes[] = { { "/pears/1", 412 }, { "/pears/1?fields=kind", 200 } };
    cz_client *client = a_farm();
    cz_str etag = cz_answer_header(cz_client_get(client, "/pears/1?fields=kind"), "ETag");
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
