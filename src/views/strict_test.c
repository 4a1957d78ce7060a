/* Queries of lists that know what they are asked. */
#include <calzone/calzone.h>
#include <calzone/testing.h>

#define REPAIR_JOB(F)                                                                              \
    F(char_field, status, .max_length = 10)                                                        \
    F(int_field, hours, .default_ = cz_int(0))
CZ_MODEL(RepairJob, REPAIR_JOB);
static CZ_SERIALIZER(JobSerializer, RepairJob, .fields = CZ_FIELDS(RepairJob, id, status, hours));

static void done(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

#define LISTS                                                                                      \
    .serializer = &JobSerializer, .permissions = &cz_allow_any,                                    \
    .filters = CZ_FILTERS({ .path = CZ_FIELD(RepairJob, status) },                                 \
                          { .path = CZ_FIELD(RepairJob, hours), CZ_LOOKUPS(EXACT, GTE) }),         \
    .search = CZ_SEARCH_FIELDS({ .path = CZ_FIELD(RepairJob, status) }),                           \
    .orderings = CZ_FIELDS(RepairJob, status, hours)
static CZ_VIEWSET(loose, RepairJob, LISTS);
static CZ_VIEWSET(strict, RepairJob, LISTS, .strict_query = true, .page_size_query = "size",
                  .sparse = true, .other_query = CZ_QUERY_NAMES("api_key"),
                  .actions = CZ_ACTIONS({ "done", .handler = done }));
static CZ_VIEWSET(counted, RepairJob, LISTS, .strict_query = true, .pagination = CZ_LIMIT_OFFSET);
static CZ_VIEWSET(walked, RepairJob, LISTS, .strict_query = true, .pagination = CZ_CURSOR);
static CZ_VIEWSET(bare, RepairJob, .serializer = &JobSerializer, .permissions = &cz_allow_any,
                  .strict_query = true, .bulk = true, .pagination = CZ_NO_PAGES);
static const cz_route api[] = {
    CZ_RESOURCE("/loose", &loose, .name = "loose"),
    CZ_RESOURCE("/strict", &strict, .name = "strict"),
    CZ_RESOURCE("/counted", &counted, .name = "counted"),
    CZ_RESOURCE("/walked", &walked, .name = "walked"),
    CZ_RESOURCE("/bare", &bare, .name = "bare"),
    CZ_ROUTES_END,
};
static CZ_VERSIONS(versions, .default_ = "1",
                   .schemes = CZ_VERSION_SCHEMES({ .by = CZ_VERSION_BY_QUERY, .name = "v" }),
                   .versions = CZ_VERSION_LIST({ .name = "1", .urls = api }));
static const cz_route urls[] = { CZ_RESOURCE("", &versions), CZ_ROUTES_END };
static const cz_app jobs_app = { .name = "jobs", .models = CZ_MODELS(RepairJob) };
static CZ_PROJECT(garage, "garage", .apps = CZ_APPS(&jobs_app), .urls = urls);

#define UNKNOWN(name) "{\"" name "\":[\"There is no such parameter.\"]}"
#define NO_NUMBER(name) "{\"" name "\":[\"A valid integer is required.\"]}"

CZ_DATABASE_TEST(a_strict_list_refuses_what_it_would_pass_over)
{
    static const struct {
        const char *target;
        int status;
        const char *body; /* NULL: whatever it is */
    } cases[] = {
        { "/loose?statsu=done&ordering=foo&limit=abc", 200, NULL },
        { "/strict", 200, NULL },
        { "/strict?status=done&hours=1&hours__gte=1&search=x&ordering=-hours,status&page=1", 200,
          NULL },
        { "/strict?size=5&fields=id&format=json&api_key=x&v=1&ordering=&size=", 200, NULL },
        { "/strict?statsu=done", 400, UNKNOWN("statsu") },
        { "/strict?status__gte=1", 400, UNKNOWN("status__gte") },
        { "/strict?limit=5", 400, UNKNOWN("limit") },
        { "/strict?version=1", 400, UNKNOWN("version") },
        { "/strict?size=many", 400, NO_NUMBER("size") },
        { "/strict?size=-1", 400, NO_NUMBER("size") },
        { "/strict?ordering=foo", 400, "{\"ordering\":[\"There is no order by “foo”.\"]}" },
        { "/strict?ordering=hours,-foo", 400, "{\"ordering\":[\"There is no order by “foo”.\"]}" },
        { "/strict?a=1&b=2", 400,
          "{\"a\":[\"There is no such parameter.\"],\"b\":[\"There is no such parameter.\"]}" },
        { "/strict?=1", 400, NULL },
        { "/strict/1?fields=id", 200, NULL },
        { "/strict/1?status=open", 400, UNKNOWN("status") },
        { "/strict/done?whatever=1", 204, NULL },
        { "/counted?limit=5&offset=0", 200, NULL },
        { "/counted?limit=abc", 400, NO_NUMBER("limit") },
        { "/counted?offset=1.5", 400, NO_NUMBER("offset") },
        { "/counted?page=1", 400, UNKNOWN("page") },
        { "/counted?expand=a", 400, UNKNOWN("expand") },
        { "/walked?cursor=", 200, NULL },
        { "/walked?page=1", 400, UNKNOWN("page") },
        { "/bare?limit=1", 200, NULL },
        { "/bare?search=x", 400, UNKNOWN("search") },
        { "/bare?ordering=hours", 400, UNKNOWN("ordering") },
        { "/bare?id=1", 400, UNKNOWN("id") },
    };
    cz_client *client = cz_client_create(&garage);
    CZ_EXPECT_STATUS(cz_client_post(client, "/strict", "{\"status\": \"open\"}"), 201);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const cz_answer *answer = cz_client_get(client, cases[i].target);
        CZ_EXPECT_MSG(answer->status == cases[i].status, "%s: %d %.*s", cases[i].target,
                      answer->status, CZ_STR_ARG(answer->body));
        if (cases[i].body)
            CZ_EXPECT_STR(answer->body, cases[i].body);
    }
    CZ_EXPECT_STATUS(cz_client_post(client, "/strict?dry=1", "{\"status\": \"open\"}"), 400);
    CZ_EXPECT_STATUS(cz_client_delete(client, "/bare?id=1"), 204);
}
