/* The gate: what a client says it is, against the rows of its platform. */
#include <calzone/cache.h>
#include <calzone/clients.h>
#include <calzone/json.h>

enum { PLATFORMS_MAX = 1000 };

static cz_str platform_header, version_header;
static bool refuses_unknown;

void cz__client_platform_clean(cz_ctx *ctx, void *row, cz_field_errors *errors)
{
    const cz_client_platform *platform = row;
    if (platform->minimum.len && platform->recommended.len &&
        cz_semver_compare(platform->recommended, platform->minimum) < 0)
        cz_field_errors_add(ctx, errors, CZ_STR("recommended"), "invalid",
                            "The recommended version is older than the minimum.");
}

/* ---- rules ---- */

struct rule {
    cz_str platform, minimum, recommended, store_link, message;
};

/* All platforms as one value of the cache: which names clients make up must not fill it. */
static cz_str write_rules(cz_ctx *ctx, void *unused)
{
    (void)unused;
    cz_rows(cz_client_platform) rows = cz_select(ctx, cz_client_platform, .limit = PLATFORMS_MAX);
    cz_buf *out = cz_scratch(ctx);
    cz_json_writer json;
    cz_json_writer_init(&json, out);
    cz_json_list(&json);
    for (size_t i = 0; i < rows.count; i++) {
        const cz_client_platform *row = &rows.items[i];
        cz_json_str(&json, row->platform);
        cz_json_str(&json, row->minimum);
        cz_json_str(&json, row->recommended);
        cz_json_str(&json, row->store_link);
        cz_json_str(&json, row->message);
    }
    cz_json_list_end(&json);
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}

/* False: there is none for the platform. Platforms are compared without case. */
static bool find_rule(cz_ctx *ctx, cz_str platform, struct rule *out)
{
    const cz_cache_options options = { .tags =
                                           CZ_CACHE_TAGS(CZ_CACHE_MODEL(ctx, cz_client_platform)) };
    cz_str text =
        cz_cache_get_or_set(ctx, NULL, CZ_STR("calzone:clients"), &options, write_rules, NULL);
    cz_json_reader json;
    cz_json_reader_init(&json, ctx->arena, text, NULL);
    cz_str *const members[] = { &out->platform, &out->minimum, &out->recommended, &out->store_link,
                                &out->message };
    bool found = false;
    if (cz_json_next(&json) != CZ_JSON_LIST)
        return false;
    while (!found) {
        for (size_t i = 0; i < CZ_COUNT(members); i++) {
            if (cz_json_next(&json) != CZ_JSON_STR)
                return false;
            *members[i] = json.text;
        }
        found = cz_str_eq_icase(out->platform, platform);
    }
    return true;
}

/* ---- answers ---- */

static void raise_bad(cz_ctx *ctx, const char *code, const char *what, cz_str header)
{
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_EPROTOCOL, "%s: say it in the header \"%.*s\".", what,
                           CZ_STR_ARG(header)));
    memcpy(err.code, code, strlen(code) + 1);
    cz_raise_error(ctx, &err);
}

static void member(cz_json_writer *json, const char *key, cz_str value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, value);
}

/* RFC 9110, 15.5.22 wants the answer to say in Upgrade what would do. */
static void refuse(cz_ctx *ctx, cz_request *req, const struct rule *rule)
{
    cz_str detail =
        rule->message.len
            ? rule->message
            : cz_format(ctx, "This version is too old; version %.*s or newer is needed.",
                        CZ_STR_ARG(rule->minimum));
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 426));
    cz_json_object(&json);
    member(&json, "detail", detail);
    member(&json, "code", CZ_STR("upgrade_required"));
    member(&json, "store_link", rule->store_link);
    member(&json, "minimum_version", rule->minimum);
    cz_json_object_end(&json);
    cz_respond_header(
        ctx, req, CZ_STR("Upgrade"),
        cz_format(ctx, "%.*s/%.*s", CZ_STR_ARG(rule->platform), CZ_STR_ARG(rule->minimum)));
}

static void recommend(cz_ctx *ctx, cz_request *req, const struct rule *rule)
{
    cz_respond_header(ctx, req, CZ_STR("X-Client-Recommended-Version"), rule->recommended);
    if (rule->store_link.len)
        cz_respond_header(ctx, req, CZ_STR("X-Client-Store-Link"), rule->store_link);
}

/* ---- the middleware ---- */

static bool is_older(cz_str version, cz_str than)
{
    return than.len && cz_semver_is_valid(than) && cz_semver_compare(version, than) < 0;
}

/* A browser's question whether a script may send a request at all. It sends it by itself, without any header of the script's,
 * so it can't say what the client is; the request that follows does (the Fetch Standard, "CORS-preflight fetch"). */
static bool is_preflight(const cz_request *req)
{
    return req->method == CZ_METHOD_OPTIONS && cz_request_has_header(req, CZ_STR("Origin")) &&
           cz_request_has_header(req, CZ_STR("Access-Control-Request-Method"));
}

/* Whether the client says what it is, and something is known of that. Raises: what is malformed; what is unknown, where
 * that is refused. */
static bool is_known(cz_ctx *ctx, const cz_request *req, struct rule *out)
{
    cz_str version = cz_request_header(req, version_header);
    cz_str platform = cz_request_header(req, platform_header);
    if (version.len && !cz_semver_is_valid(version))
        raise_bad(ctx, "invalid_client_version", "A client's version is such as 2.4.0",
                  version_header);
    if (!platform.len && refuses_unknown)
        raise_bad(ctx, "unknown_client", "A client says its platform", platform_header);
    if (!version.len && refuses_unknown)
        raise_bad(ctx, "unknown_client", "A client says its version", version_header);
    if (!platform.len || !version.len)
        return false;
    bool found = find_rule(ctx, platform, out);
    if (!found && refuses_unknown)
        raise_bad(ctx, "unknown_client", "Nothing is known of this platform", platform_header);
    return found;
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    struct rule rule;
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), platform_header);
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), version_header);
    bool known = !is_preflight(req) && is_known(ctx, req, &rule);
    cz_str version = cz_request_header(req, version_header);
    if (known && is_older(version, rule.minimum)) {
        refuse(ctx, req, &rule);
        return;
    }
    cz_next_call(ctx, req, next);
    if (known && is_older(version, rule.recommended))
        recommend(ctx, req, &rule);
}

/* Both stand in Vary, where anything else would break the answer. */
static cz_status check_header(const char *setting, cz_str name, cz_error *err)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_';
        if (!fine)
            return cz_error_set(err, CZ_EVALIDATION, "%s: \"%.*s\" is no name of a header", setting,
                                CZ_STR_ARG(name));
    }
    return CZ_OK;
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    cz_str unknown = cz_setting_str(settings, "CLIENT_UNKNOWN");
    platform_header = cz_setting_str(settings, "CLIENT_PLATFORM_HEADER");
    version_header = cz_setting_str(settings, "CLIENT_VERSION_HEADER");
    refuses_unknown = cz_str_eq(unknown, CZ_STR("refuse"));
    if (!refuses_unknown && !cz_str_eq(unknown, CZ_STR("allow")))
        return cz_error_set(err, CZ_EVALIDATION,
                            "CLIENT_UNKNOWN: \"%.*s\" is neither allow nor refuse",
                            CZ_STR_ARG(unknown));
    if (!platform_header.len || !version_header.len)
        return cz_error_set(err, CZ_EVALIDATION,
                            "CLIENT_PLATFORM_HEADER and CLIENT_VERSION_HEADER name a header each");
    cz_status status = check_header("CLIENT_PLATFORM_HEADER", platform_header, err);
    if (!status)
        status = check_header("CLIENT_VERSION_HEADER", version_header, err);
    if (status)
        return status;
    if (!cz_client_platform__model.state)
        return cz_error_set(err, CZ_EVALIDATION,
                            "cz_client_gate needs &cz_clients_app among the project's .apps");
    return CZ_OK;
}

const cz_middleware cz_client_gate = { "client_gate", process, configure };
