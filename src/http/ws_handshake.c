#include "http/ws_handshake.h"
#include "base/sha1.h"
#include "http/h1_head.h"
#include "http/ws_deflate.h"
#include <calzone/base64.h>

enum { KEY_CHARACTERS = 24, UPGRADE_REQUIRED = 426 };

/* ---- Headers that are lists ---- */

static bool lists_token(const cz_request *req, const char *name, const char *token)
{
    for (uint32_t i = 0; i < req->header_count; i++) {
        cz_str list = req->headers[i].value;
        if (!cz_str_eq_icase(req->headers[i].name, cz_str_from(name)))
            continue;
        while (list.len)
            if (cz_str_eq_icase(cz_str_trim(cz_str_cut(&list, ',')), cz_str_from(token)))
                return true;
    }
    return false;
}

/* The one header of this name. False: there is none, or several. */
static bool single(const cz_request *req, const char *name, cz_str *out)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < req->header_count; i++)
        if (cz_str_eq_icase(req->headers[i].name, cz_str_from(name))) {
            *out = req->headers[i].value;
            count++;
        }
    return count == 1;
}

/* ---- Sec-WebSocket-Key ---- */

/* 16 bytes in base64: 22 characters, of which the last has four bits of zero, and two of padding. */
static bool is_key(cz_str key)
{
    if (key.len != KEY_CHARACTERS || key.ptr[22] != '=' || key.ptr[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.ptr[i];
        bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    c == '+' || c == '/';
        if (!good)
            return false;
    }
    return strchr("AQgw", key.ptr[21]) != NULL;
}

/* RFC 6455, 4.2.2, 5.4 */
static void make_accept(cz_str key, char out[CZ__WS_ACCEPT_BYTES])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_CHARACTERS + sizeof guid - 1];
    unsigned char hash[CZ__SHA1];
    memcpy(text, key.ptr, KEY_CHARACTERS);
    memcpy(text + KEY_CHARACTERS, guid, sizeof guid - 1);
    cz__sha1(cz_str_of(text, sizeof text), hash);
    cz_base64_write(out, hash, sizeof hash);
}

/* ---- Origin ---- */

static cz_str without_port(cz_str host, cz_str scheme)
{
    cz_str port = cz_str_eq_icase(scheme, CZ_STR("https")) ? CZ_STR(":443") : CZ_STR(":80");
    return cz_str_ends_with(host, port) ? cz_str_head(host, host.len - port.len) : host;
}

bool cz__ws_same_origin(cz_str origin, cz_str scheme, cz_str host)
{
    size_t colon = cz_str_find(origin, CZ_STR("://"));
    if (colon == SIZE_MAX || !host.len || !cz_str_eq_icase(cz_str_head(origin, colon), scheme))
        return false;
    cz_str other = cz_str_tail(origin, colon + 3);
    return cz_str_eq_icase(without_port(other, scheme), without_port(host, scheme));
}

/* Browsers always say where a page that opens a WebSocket is from, and cookies go with the request: a page of another site
 * would act in its visitor's name (RFC 6455, 10.2). Who says nothing is no browser. */
static bool origin_is_allowed(const cz_request *req, const struct cz__ws_wanted *wanted)
{
    cz_str origin;
    if (!single(req, "origin", &origin))
        return !cz_request_has_header(req, CZ_STR("origin"));
    if (cz__ws_same_origin(origin, req->scheme, req->host))
        return true;
    for (size_t i = 0; i < wanted->origin_count; i++)
        if (cz_str_eq(wanted->origins[i], CZ_STR("*")) ||
            cz_str_eq_icase(wanted->origins[i], origin))
            return true;
    return false;
}

/* ---- Subprotocols ---- */

static const char *find_subprotocol(const struct cz__ws_wanted *wanted, cz_str name)
{
    for (const char *const *at = wanted->subprotocols; at && *at; at++)
        if (cz_str_eq(cz_str_from(*at), name))
            return *at;
    return NULL;
}

/* The first of the client's, which are in its order of preference, that this side has. False: malformed. */
static bool choose_subprotocol(const cz_request *req, const struct cz__ws_wanted *wanted,
                               cz_str *out)
{
    for (uint32_t i = 0; i < req->header_count; i++) {
        cz_str list = req->headers[i].value;
        if (!cz_str_eq_icase(req->headers[i].name, CZ_STR("sec-websocket-protocol")))
            continue;
        do {
            cz_str name = cz_str_trim(cz_str_cut(&list, ','));
            const char *found = find_subprotocol(wanted, name);
            if (!cz__http_is_token(name))
                return false;
            if (found && !out->len)
                *out = cz_str_from(found);
        } while (list.len);
    }
    return true;
}

/* ---- Extensions ---- */

/* Several headers are one list (RFC 9110, 5.3); the first that has an offer to agree on decides. */
static bool choose_extensions(const cz_request *req, const struct cz__ws_wanted *wanted,
                              uint8_t *out_window_bits)
{
    for (uint32_t i = 0; i < req->header_count; i++) {
        unsigned bits;
        if (!cz_str_eq_icase(req->headers[i].name, CZ_STR("sec-websocket-extensions")))
            continue;
        if (cz__ws_deflate_choose(req->headers[i].value, &bits))
            return false;
        if (!*out_window_bits && !wanted->no_compression)
            *out_window_bits = (uint8_t)bits;
    }
    return true;
}

/* ---- All of it ---- */

static cz_status upgrade_required(cz_error *err, const char *text)
{
    cz_error_set(err, CZ_EPROTOCOL, "%s", text);
    err->http_status = UPGRADE_REQUIRED;
    return CZ_EPROTOCOL;
}

/* What HTTP/2 has no need of: there the request is a CONNECT of which nothing else can become (RFC 8441, 5). */
static cz_status check_upgrade(const cz_request *req, cz_error *err)
{
    if (req->method != CZ_METHOD_GET || req->version_minor < 1 ||
        !lists_token(req, "upgrade", "websocket"))
        return upgrade_required(err, "This address speaks WebSocket.");
    if (!lists_token(req, "connection", "upgrade"))
        return cz_error_set(err, CZ_EPROTOCOL, "Connection does not say upgrade.");
    return CZ_OK;
}

cz_status cz__ws_handshake(const cz_request *req, const struct cz__ws_wanted *wanted,
                           struct cz__ws_agreed *out, cz_error *err)
{
    struct cz__ws_agreed agreed = { .window_bits = 0 };
    cz_str key, version;
    cz_status status = req->connects ? CZ_OK : check_upgrade(req, err);
    if (status)
        return status;
    if (!single(req, "sec-websocket-version", &version) || !cz_str_eq(version, CZ_STR("13")))
        return upgrade_required(err, "The version of WebSocket is 13.");
    if (!req->connects && (!single(req, "sec-websocket-key", &key) || !is_key(key)))
        return cz_error_set(err, CZ_EPROTOCOL, "Sec-WebSocket-Key is not 16 bytes in base64.");
    if (req->body.len)
        return cz_error_set(err, CZ_EPROTOCOL, "A WebSocket's request has no body.");
    if (!origin_is_allowed(req, wanted))
        return cz_error_set(err, CZ_EDENIED, "Pages of this origin may not connect.");
    if (!choose_subprotocol(req, wanted, &agreed.subprotocol))
        return cz_error_set(err, CZ_EPROTOCOL, "Sec-WebSocket-Protocol is malformed.");
    if (!choose_extensions(req, wanted, &agreed.window_bits))
        return cz_error_set(err, CZ_EPROTOCOL, "Sec-WebSocket-Extensions is malformed.");
    if (!req->connects)
        make_accept(key, agreed.accept);
    *out = agreed;
    return CZ_OK;
}
