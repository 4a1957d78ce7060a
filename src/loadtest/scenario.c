/* Scenarios: what may be declared, and the requests that are made of it. */
#include "http/h1_head.h"
#include "http/h1_scan.h"
#include "loadtest/loadtest.h"

enum { PATH_BYTES_MAX = 8000, BODY_BYTES_MAX = 64 << 20, NAME_BYTES_MAX = 64 };

/* ---- what may be declared ---- */

static bool path_ok(cz_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] > '~' || path.ptr[i] == '#')
            return false;
    return path.len && path.ptr[0] == '/' && path.len <= PATH_BYTES_MAX;
}

bool cz__load_header_ok(cz_str name, cz_str value)
{
    static const char *const ours[] = { "host", "connection", "content-length",
                                        "transfer-encoding" };
    for (size_t i = 0; i < CZ_COUNT(ours); i++)
        if (cz_str_eq_icase(name, cz_str_from(ours[i])))
            return false;
    return cz__http_is_token(name) && !cz__has_ctl(value);
}

static const char *wrong_with_headers(const cz_load_request *request)
{
    if (request->headers.count > CZ_LOAD_HEADERS_MAX)
        return "has over 32 headers";
    for (size_t i = 0; i < request->headers.count; i++) {
        const cz_load_header *header = &request->headers.items[i];
        if (!header->name || !header->value ||
            !cz__load_header_ok(cz_str_from(header->name), cz_str_from(header->value)))
            return "has a header that is none, or is written by the command: Host, Connection, "
                   "Content-Length, Transfer-Encoding";
    }
    if (request->content_type && cz__has_ctl(cz_str_from(request->content_type)))
        return "has a content_type with a control byte";
    return NULL;
}

static const char *wrong_with(const cz_load_request *request)
{
    if (!request->path && !request->make)
        return "has neither .path nor .make";
    if (request->path && !path_ok(cz_str_from(request->path)))
        return "has a .path that does not begin with \"/\" or is not escaped";
    if ((unsigned)request->method >= CZ_METHOD_COUNT)
        return "has a .method that is none";
    if (request->weight > CZ_LOAD_WEIGHT_MAX)
        return "has a .weight over 1000000";
    if (request->status && (request->status < 200 || request->status > 599))
        return "has a .status that is not 200 to 599";
    return wrong_with_headers(request);
}

static bool name_ok(const char *name)
{
    size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_-")
                      : 0;
    return len && !name[len] && len <= NAME_BYTES_MAX && name[0] != '-';
}

static cz_status check(const cz_load_test *test, cz_error *err)
{
    if (!test->requests.count || test->requests.count > CZ_LOAD_REQUESTS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "load test \"%s\": has no requests, or over %d",
                            test->name, CZ_LOAD_REQUESTS_MAX);
    for (size_t i = 0; i < test->requests.count; i++) {
        const char *wrong = wrong_with(&test->requests.items[i]);
        if (wrong)
            return cz_error_set(err, CZ_EVALIDATION, "load test \"%s\": request %zu %s", test->name,
                                i + 1, wrong);
    }
    return CZ_OK;
}

cz_status cz__load_tests_check(const cz_load_test_list *tests, cz_error *err)
{
    for (size_t i = 0; i < tests->count; i++) {
        const cz_load_test *test = &tests->items[i];
        if (!name_ok(test->name))
            return cz_error_set(err, CZ_EVALIDATION,
                                "load test %zu: a name is letters, digits, \"-\" and \"_\"", i + 1);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(tests->items[j].name, test->name))
                return cz_error_set(err, CZ_EVALIDATION, "two load tests are called \"%s\"",
                                    test->name);
        cz_status status = check(test, err);
        if (status)
            return status;
    }
    return CZ_OK;
}

/* ---- requests ---- */

static void append_field(cz_buf *out, const char *name, const char *value)
{
    cz_buf_append_str(out, cz_str_from(name));
    cz_buf_append_lit(out, ": ");
    cz_buf_append_str(out, cz_str_from(value));
    cz_buf_append_lit(out, "\r\n");
}

static void append_request(const struct cz__load_scenario *scenario, const cz_load_request *request,
                           cz_str path, cz_str body, cz_buf *out)
{
    cz_buf_append_str(out, cz_str_from(cz_method_name(request->method)));
    cz_buf_append_char(out, ' ');
    cz_buf_append_str(out, path);
    cz_buf_append_lit(out, " HTTP/1.1\r\n");
    append_field(out, "Host", scenario->host);
    cz_buf_append_str(out, cz_str_from(scenario->headers));
    for (size_t i = 0; i < request->headers.count; i++)
        append_field(out, request->headers.items[i].name, request->headers.items[i].value);
    if (body.len) {
        append_field(out, "Content-Type",
                     request->content_type ? request->content_type : "application/json");
        cz_buf_append_lit(out, "Content-Length: ");
        cz_buf_append_u64(out, body.len);
        cz_buf_append_lit(out, "\r\n");
    } else if (request->method == CZ_METHOD_POST || request->method == CZ_METHOD_PUT ||
               request->method == CZ_METHOD_PATCH) {
        cz_buf_append_lit(out, "Content-Length: 0\r\n");
    }
    cz_buf_append_lit(out, "\r\n");
    cz_buf_append_str(out, body);
}

static cz_str text_or(const cz_buf *made, const char *declared)
{
    return made->len ? cz_buf_str(made) : cz_str_from(declared ? declared : "");
}

cz_status cz__load_write(const struct cz__load_scenario *scenario,
                         const struct cz__load_endpoint *endpoint, uint64_t number, unsigned client,
                         cz_buf *out, cz_str *out_bytes, cz_error *err)
{
    if (endpoint->bytes.len) {
        *out_bytes = cz_buf_str(&endpoint->bytes);
        return CZ_OK;
    }
    cz_buf path, body;
    cz_buf_init(&path, PATH_BYTES_MAX);
    cz_buf_init(&body, BODY_BYTES_MAX);
    cz_load_call call = { .number = number, .client = client, .path = &path, .body = &body };
    endpoint->request->make(&call);
    cz_buf_clear(out);
    cz_status status = cz_buf_status(&path) ? cz_buf_status(&path) : cz_buf_status(&body);
    cz_str target = text_or(&path, endpoint->request->path);
    if (status)
        cz_error_set(err, status, "%s: the path or the body made for it is too long",
                     endpoint->name);
    else if (!path_ok(target))
        status = cz_error_set(
            err, CZ_EVALIDATION,
            "%s: the path made for it does not begin with \"/\" or is not escaped", endpoint->name);
    else
        append_request(scenario, endpoint->request, target, text_or(&body, endpoint->request->body),
                       out);
    cz_buf_done(&path);
    cz_buf_done(&body);
    if (!status && (status = cz_buf_status(out)))
        cz_error_set(err, status, "%s: no memory for the request", endpoint->name);
    *out_bytes = cz_buf_str(out);
    return status;
}

/* ---- a scenario ready to run ---- */

static const char *default_name(const cz_load_request *request)
{
    cz_buf text = { 0 };
    cz_buf_printf(&text, "%s %s", cz_method_name(request->method),
                  request->path ? request->path : "(made)");
    char *name = cz_buf_status(&text) ? NULL : cz_malloc(text.len + 1);
    if (name)
        memcpy(name, cz_buf_cstr(&text), text.len + 1);
    cz_buf_done(&text);
    return name;
}

cz_status cz__load_scenario_create(const cz_load_test *test, const char *host, const char *headers,
                                   struct cz__load_scenario *out)
{
    struct cz__load_scenario scenario = { .test = test, .host = host, .headers = headers };
    scenario.endpoints = cz_calloc(test->requests.count, sizeof *scenario.endpoints);
    for (size_t i = 0; scenario.endpoints && i < test->requests.count; i++) {
        const cz_load_request *request = &test->requests.items[i];
        struct cz__load_endpoint *endpoint = &scenario.endpoints[i];
        endpoint->request = request;
        endpoint->name = request->name ? request->name : default_name(request);
        scenario.weight += request->weight ? request->weight : 1;
        if (!request->make)
            append_request(&scenario, request, cz_str_from(request->path),
                           cz_str_from(request->body ? request->body : ""), &endpoint->bytes);
        if (!endpoint->name || cz_buf_status(&endpoint->bytes)) {
            cz__load_scenario_destroy(&scenario);
            return CZ_ENOMEM;
        }
    }
    if (!scenario.endpoints)
        return CZ_ENOMEM;
    *out = scenario;
    return CZ_OK;
}

void cz__load_scenario_destroy(struct cz__load_scenario *scenario)
{
    for (size_t i = 0; scenario->endpoints && i < scenario->test->requests.count; i++) {
        struct cz__load_endpoint *endpoint = &scenario->endpoints[i];
        cz_buf_done(&endpoint->bytes);
        if (endpoint->request && !endpoint->request->name)
            cz_free((char *)(uintptr_t)endpoint->name);
    }
    cz_free(scenario->endpoints);
    scenario->endpoints = NULL;
}

void cz__load_scenario_clear(struct cz__load_scenario *scenario)
{
    for (size_t i = 0; i < scenario->test->requests.count; i++) {
        struct cz__load_endpoint *endpoint = &scenario->endpoints[i];
        *endpoint = (struct cz__load_endpoint){ .request = endpoint->request,
                                                .name = endpoint->name,
                                                .bytes = endpoint->bytes };
    }
}

/* Mixes all bits of a number (splitmix64), so that numbers in order come to endpoints in none. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct cz__load_endpoint *cz__load_pick(const struct cz__load_scenario *scenario, uint64_t number)
{
    uint64_t at = mix(number) % scenario->weight;
    struct cz__load_endpoint *endpoint = scenario->endpoints;
    for (;; endpoint++) {
        uint64_t weight = endpoint->request->weight ? endpoint->request->weight : 1;
        if (at < weight)
            return endpoint;
        at -= weight;
    }
}
