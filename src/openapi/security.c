/* How callers prove who they are, and which operations ask for it. */
#include "openapi/openapi_internal.h"
#include "permissions/permissions.h"
#include <calzone/authentication.h>

/* ---- schemes ---- */

static void write_optional(struct cz__document *doc, const char *key, const char *value)
{
    if (value)
        cz__doc_str(doc, key, value);
}

static void write_scopes(struct cz__document *doc, const cz_security_scheme *scheme)
{
    cz__doc_object(doc, "scopes");
    for (size_t i = 0; i < scheme->scopes.count; i++)
        cz__doc_str(doc, scheme->scopes.items[i].name, scheme->scopes.items[i].description);
    cz_json_object_end(&doc->json);
}

static void write_members(struct cz__document *doc, const cz_security_scheme *scheme)
{
    switch (scheme->kind) {
    case CZ_SECURITY_BEARER:
        cz__doc_str(doc, "type", "http");
        cz__doc_str(doc, "scheme", "bearer");
        write_optional(doc, "bearerFormat", scheme->bearer_format);
        break;
    case CZ_SECURITY_BASIC:
        cz__doc_str(doc, "type", "http");
        cz__doc_str(doc, "scheme", "basic");
        break;
    case CZ_SECURITY_API_KEY:
        cz__doc_str(doc, "type", "apiKey");
        cz__doc_str(doc, "in", scheme->in ? scheme->in : "header");
        cz__doc_str(doc, "name", scheme->parameter);
        break;
    case CZ_SECURITY_OAUTH2_PASSWORD:
        cz__doc_str(doc, "type", "oauth2");
        cz__doc_object(doc, "flows");
        cz__doc_object(doc, "password");
        cz__doc_str(doc, "tokenUrl", scheme->url);
        write_optional(doc, "refreshUrl", scheme->refresh_url);
        write_scopes(doc, scheme);
        cz_json_object_end(&doc->json);
        cz_json_object_end(&doc->json);
        break;
    case CZ_SECURITY_OPENID_CONNECT:
        cz__doc_str(doc, "type", "openIdConnect");
        cz__doc_str(doc, "openIdConnectUrl", scheme->url);
        break;
    }
    const char *description = scheme->description;
    if (!description && scheme->kind == CZ_SECURITY_BEARER && !scheme->bearer_format &&
        cz__client_tokens_asked())
        description = "The token of a service is the base64 of CLIENT:TOKEN, as `printf "
                      "CLIENT:TOKEN | base64 -w0` prints it.";
    write_optional(doc, "description", description);
}

void cz__security_schemes_write(struct cz__document *doc)
{
    const cz_security_schemes *schemes = &doc->api->security;
    if (!schemes->count)
        return;
    cz__doc_object(doc, "securitySchemes");
    for (size_t i = 0; i < schemes->count; i++) {
        cz__doc_object(doc, schemes->items[i].name);
        write_members(doc, &schemes->items[i]);
        cz_json_object_end(&doc->json);
    }
    cz_json_object_end(&doc->json);
}

static bool is_in_list(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static const char *what_is_wrong(const cz_security_schemes *schemes, size_t index)
{
    static const char *const places[] = { "header", "query", "cookie" };
    const cz_security_scheme *scheme = &schemes->items[index];
    bool wants_url =
        scheme->kind == CZ_SECURITY_OAUTH2_PASSWORD || scheme->kind == CZ_SECURITY_OPENID_CONNECT;
    if (!scheme->name || !*scheme->name || strchr(scheme->name, ' '))
        return "has a .name without spaces";
    for (size_t i = 0; i < index; i++)
        if (strcmp(schemes->items[i].name, scheme->name) == 0)
            return "has a name of its own";
    if (scheme->kind == CZ_SECURITY_API_KEY && !scheme->parameter)
        return "names the .parameter that the key comes in";
    if (scheme->in && !is_in_list(scheme->in, places, CZ_COUNT(places)))
        return "has an .in of \"header\", \"query\" or \"cookie\"";
    if (wants_url && !scheme->url)
        return "has a .url";
    return NULL;
}

cz_status cz__security_check(const cz_openapi *api, const char *prefix, cz_error *err)
{
    for (size_t i = 0; i < api->security.count; i++) {
        const char *wrong = what_is_wrong(&api->security, i);
        if (wrong)
            return cz_error_set(err, CZ_EVALIDATION,
                                "the OpenAPI document at %s: security scheme %zu %s", prefix, i + 1,
                                wrong);
    }
    return CZ_OK;
}

/* ---- what an operation asks for ---- */

bool cz__operation_is_open(const struct cz__operation *op)
{
    const cz_permission *permission = cz__route_permission(op->route);
    bool reads = strcmp(op->route->method, "GET") == 0;
    return !permission || cz__permission_openness(permission, reads) == CZ__OPEN_TO_ALL;
}

static const char *const *asked_for(const struct cz__operation *op)
{
    if (op->doc && op->doc->security)
        return op->doc->security;
    return op->view && !cz__operation_is_open(op) ? op->view->security : NULL;
}

bool cz__operation_is_secured(const struct cz__document *doc, const struct cz__operation *op)
{
    const char *const *asked = asked_for(op);
    return asked ? *asked != NULL : doc->api->security.count && !cz__operation_is_open(op);
}

/* "oauth books:read books:write" as {"oauth": ["books:read", "books:write"]}. */
static void write_requirement(struct cz__document *doc, const struct cz__operation *op,
                              const char *text)
{
    cz_str rest = cz_str_from(text), name = cz_str_cut(&rest, ' ');
    bool known = false;
    for (size_t i = 0; i < doc->api->security.count; i++)
        known |= cz_str_eq(name, cz_str_from(doc->api->security.items[i].name));
    if (!known && *doc->api->title) /* without a document of the project's nobody names schemes */
        cz_raise(doc->ctx, CZ_EINVAL,
                 "%s %s asks for \"%.*s\", which is no scheme of the document's .security",
                 op->route->method, op->route->pattern, CZ_STR_ARG(name));
    cz_json_object(&doc->json);
    cz_json_key(&doc->json, name);
    cz_json_list(&doc->json);
    while (rest.len)
        cz_json_str(&doc->json, cz_str_cut(&rest, ' '));
    cz_json_list_end(&doc->json);
    cz_json_object_end(&doc->json);
}

void cz__operation_security_write(struct cz__document *doc, const struct cz__operation *op)
{
    const char *const *asked = asked_for(op);
    bool any = !asked && !cz__operation_is_open(op); /* one of all there are */
    if (!asked && !doc->api->security.count)
        return; /* the document's own, which is none */
    cz__doc_list(doc, "security");
    for (size_t i = 0; asked && asked[i]; i++)
        write_requirement(doc, op, asked[i]);
    for (size_t i = 0; any && i < doc->api->security.count; i++)
        write_requirement(doc, op, doc->api->security.items[i].name);
    cz_json_list_end(&doc->json);
}
