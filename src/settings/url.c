/* URLs of databases, caches and brokers: RFC 3986's generic syntax with an authority, read strictly.
 *
 *   url       = scheme "://" [ user [ ":" password ] "@" ] [ host [ ":" port ] ] [ "/" path ] [ "?" query ]
 *   host      = name / IPv4 / "[" IPv6 "]"
 *
 * Where the scheme is a group of servers' ("memcached"), "," host [ ":" port ] may follow the first, several times.
 *
 * A fragment, white space, a control character (also one that is percent-escaped) and a second "@" are
 * refused: the last is a password that was not escaped.
 */
#include <arpa/inet.h>
#include <calzone/log.h>
#include "settings/settings_internal.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static cz_status read_scheme(cz_arena *arena, cz_str text, cz_str *out)
{
    if (!text.len || !is_letter(text.ptr[0]))
        return CZ_EVALIDATION;
    char *lower = cz_arena_alloc(arena, text.len);
    if (!lower)
        return CZ_ENOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
            return CZ_EVALIDATION;
        lower[i] = is_letter(c) ? (char)(c | 0x20) : c;
    }
    *out = cz_str_of(lower, text.len);
    return CZ_OK;
}

static cz_status decode(cz_arena *arena, cz_str text, cz_str *out)
{
    if (cz_str_find_char(text, '%') == SIZE_MAX) {
        *out = text;
        return CZ_OK;
    }
    char *decoded = cz_arena_alloc(arena, text.len);
    if (!decoded)
        return CZ_ENOMEM;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            if (text.len - i < 3)
                return CZ_EVALIDATION;
            int high = hex_digit(text.ptr[i + 1]), low = hex_digit(text.ptr[i + 2]);
            if (high < 0 || low < 0)
                return CZ_EVALIDATION;
            c = (char)(high << 4 | low);
            if (is_control(c))
                return CZ_EVALIDATION;
            i += 2;
        }
        decoded[len++] = c;
    }
    *out = cz_str_of(decoded, len);
    return CZ_OK;
}

static bool is_ipv6(cz_str text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_host_name(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter(text.ptr[i]) && !is_digit(text.ptr[i]) && !strchr("-._~", text.ptr[i]))
            return false;
    return text.len <= 253;
}

static cz_status read_host(cz_str text, cz_url *url)
{
    cz_str port = { NULL, 0 };
    bool has_port;
    if (text.len && text.ptr[0] == '[') {
        size_t end = cz_str_find_char(text, ']');
        if (end == SIZE_MAX)
            return CZ_EVALIDATION;
        url->host = cz_str_tail(cz_str_head(text, end), 1);
        port = cz_str_tail(text, end + 1);
        has_port = port.len != 0;
        if (!is_ipv6(url->host) || (has_port && port.ptr[0] != ':'))
            return CZ_EVALIDATION;
        port = cz_str_tail(port, 1);
    } else {
        has_port = cz_str_find_char(text, ':') != SIZE_MAX;
        port = text;
        url->host = cz_str_cut(&port, ':');
        if (!is_host_name(url->host) || (has_port && !url->host.len))
            return CZ_EVALIDATION;
    }
    if (!has_port)
        return CZ_OK;
    uint64_t number;
    if (cz_str_to_u64(port, &number) || number < 1 || number > UINT16_MAX)
        return CZ_EVALIDATION;
    url->port = (uint16_t)number;
    return CZ_OK;
}

/* One host, or, of a group, each. */
static cz_status read_hosts(cz_str text, cz_url *url)
{
    if (!cz_str_eq(url->scheme, CZ_STR("memcached")) || cz_str_find_char(text, ',') == SIZE_MAX)
        return read_host(text, url);
    url->more_hosts = text;
    cz_str rest = text, first = cz_str_cut(&url->more_hosts, ',');
    for (size_t count = cz_str_count(text, ',') + 1; count > 0; count--) {
        cz_url one = { 0 };
        if (read_host(cz_str_cut(&rest, ','), &one) || !one.host.len)
            return CZ_EVALIDATION;
    }
    return read_host(first, url);
}

static cz_status read_authority(cz_arena *arena, cz_str text, cz_url *url)
{
    size_t at = cz_str_find_char(text, '@');
    if (at == SIZE_MAX)
        return read_hosts(text, url);
    cz_str password = cz_str_head(text, at);
    cz_str user = cz_str_cut(&password, ':');
    cz_status status = decode(arena, user, &url->user);
    if (status == CZ_OK)
        status = decode(arena, password, &url->password);
    if (status == CZ_OK)
        status = read_hosts(cz_str_tail(text, at + 1), url); /* refuses a second "@" */
    return status;
}

static size_t find_any(cz_str text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(set, text.ptr[i]))
            return i;
    return text.len;
}

cz_status cz_url_parse(cz_arena *arena, cz_str text, cz_url *out)
{
    cz_url url = { 0 };
    for (size_t i = 0; i < text.len; i++)
        if (is_control(text.ptr[i]) || text.ptr[i] == ' ' || text.ptr[i] == '#')
            return CZ_EVALIDATION;
    size_t scheme_end = cz_str_find(text, CZ_STR("://"));
    if (scheme_end == SIZE_MAX || !cz_str_is_utf8(text))
        return CZ_EVALIDATION;
    cz_status status = read_scheme(arena, cz_str_head(text, scheme_end), &url.scheme);
    if (status)
        return status;
    cz_str rest = cz_str_tail(text, scheme_end + 3);
    size_t authority_end = find_any(rest, "/?");
    status = read_authority(arena, cz_str_head(rest, authority_end), &url);
    if (status)
        return status;
    url.query = cz_str_tail(rest, authority_end);
    cz_str path = cz_str_cut(&url.query, '?');
    status = decode(arena, path, &url.path);
    if (status)
        return status;
    *out = url;
    return CZ_OK;
}

bool cz_url_take_host(cz_url *url)
{
    if (!url->more_hosts.len)
        return false;
    url->port = 0;
    cz_ignore(read_host(cz_str_cut(&url->more_hosts, ','), url)); /* it was read before */
    return true;
}

cz_status cz_url_take_parameter(cz_arena *arena, cz_str *query, cz_str *out_name, cz_str *out_value)
{
    cz_str pair = CZ_STR("");
    while (query->len && !pair.len) /* "a=1&&b=2" has two */
        pair = cz_str_cut(query, '&');
    cz_str value = pair, name = cz_str_cut(&value, '=');
    cz_status status = decode(arena, name, &name);
    if (!status)
        status = decode(arena, value, &value);
    if (status)
        return status;
    *out_name = name;
    *out_value = value;
    return CZ_OK;
}

/* What of the query may be shown: the value of every parameter with a secret's name is hidden. */
static char *mask_query(char *out, cz_str query)
{
    while (query.len) {
        cz_str pair = cz_str_cut(&query, '&');
        cz_str value = pair, name = cz_str_cut(&value, '=');
        bool secret = value.len && cz__name_is_secret(name);
        cz_str shown = secret ? cz_str_head(pair, name.len + 1) : pair;
        memcpy(out, shown.ptr, shown.len);
        out += shown.len;
        if (secret) {
            memcpy(out, "***", 3);
            out += 3;
        }
        if (query.len)
            *out++ = '&';
    }
    return out;
}

cz_status cz__url_mask(cz_arena *arena, cz_str url, cz_str *out)
{
    /* Also of a URL that does not parse: the last "@" before a path ends what may be a password. */
    size_t begin = cz_str_find(url, CZ_STR("://"));
    begin = begin == SIZE_MAX ? 0 : begin + 3;
    size_t query = cz_str_find_char(url, '?'), end = begin;
    for (size_t i = begin; i < url.len; i++)
        if (url.ptr[i] == '@')
            end = i;
    if (end == begin && query == SIZE_MAX) {
        *out = url;
        return CZ_OK;
    }
    char *masked = cz_arena_alloc(arena, url.len * 4 + 8);
    if (!masked)
        return CZ_ENOMEM;
    char *at = masked;
    size_t colon = cz_str_find_char(cz_str_of(url.ptr + begin, end - begin), ':');
    size_t shown = colon == SIZE_MAX ? end : begin + colon + 1;
    if (shown)
        memcpy(at, url.ptr, shown);
    at += shown;
    if (colon != SIZE_MAX) {
        memcpy(at, "***", 3);
        at += 3;
    }
    cz_str rest = cz_str_tail(url, end);
    size_t mark = cz_str_find_char(rest, '?');
    cz_str head = cz_str_head(rest, mark == SIZE_MAX ? rest.len : mark + 1);
    if (head.len)
        memcpy(at, head.ptr, head.len);
    at = mask_query(at + head.len, cz_str_tail(rest, head.len));
    *out = cz_str_of(masked, (size_t)(at - masked));
    return CZ_OK;
}
