/* The client's address behind trusted proxies.
 *
 * Each proxy appends what it sees to the right, so the headers are read from there: the peer is trusted, hence the
 * right-most address is true; if that is a trusted proxy's, so is the one to its left. The first that is not
 * trusted is the client, and what stands left of it is the client's own text, which nobody looks at.
 *
 *   Forwarded = 1#element      element = [ pair ] *( ";" [ pair ] )      (RFC 7239, 4)
 *   pair      = token "=" ( token / quoted-string )
 *   node      = ( IPv4 / "[" IPv6 "]" / "unknown" / "_" obfuscated ) [ ":" port ]
 */
#include "http/proxies.h"
#include <arpa/inet.h>

enum { PROXIES_MAX = 256, HOPS_MAX = 32, IPV4_AT = 12 };

/* ---- addresses ---- */

static const uint8_t ipv4_prefix[IPV4_AT] = { [10] = 0xff, [11] = 0xff };

bool cz__address_read(cz_str text, cz__address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof copy || cz_str_find_char(text, '\0') != SIZE_MAX)
        return false;
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    cz__address address;
    if (inet_pton(AF_INET, copy, &address.bytes[IPV4_AT]) == 1)
        memcpy(address.bytes, ipv4_prefix, sizeof ipv4_prefix);
    else if (inet_pton(AF_INET6, copy, address.bytes) != 1)
        return false;
    *out = address;
    return true;
}

bool cz__address_is_ipv4(const cz__address *address)
{
    return memcmp(address->bytes, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

cz__address cz__address_of_ipv4(const void *bytes)
{
    cz__address address;
    memcpy(address.bytes, ipv4_prefix, sizeof ipv4_prefix);
    memcpy(address.bytes + IPV4_AT, bytes, sizeof address.bytes - IPV4_AT);
    return address;
}

void cz__address_to_text(const cz__address *address, char out[CZ__ADDRESS_BYTES])
{
    _Static_assert(CZ__ADDRESS_BYTES >= INET6_ADDRSTRLEN, "room for any");
    bool ipv4 = cz__address_is_ipv4(address);
    inet_ntop(ipv4 ? AF_INET : AF_INET6, address->bytes + (ipv4 ? IPV4_AT : 0), out,
              CZ__ADDRESS_BYTES);
}

/* Its text, with a NUL after it; empty: no memory. */
static cz_str address_text(cz_arena *arena, const cz__address *address)
{
    char text[CZ__ADDRESS_BYTES];
    cz_str copy;
    cz__address_to_text(address, text);
    return cz_str_dup(arena, cz_str_from(text), &copy) ? CZ_STR("") : copy;
}

/* ---- whom to trust ---- */

struct block {
    cz__address address;
    unsigned bits; /* of the address that count */
};

static struct block proxies[PROXIES_MAX];
static size_t proxy_count;

/* The bits of byte `at` that lie within the first `bits` of an address. */
static uint8_t mask_of(unsigned bits, size_t at)
{
    unsigned before = (unsigned)at * 8;
    if (bits <= before)
        return 0;
    unsigned here = bits - before;
    return here >= 8 ? 0xff : (uint8_t)(0xff << (8 - here));
}

bool cz__proxies_trust(const cz__address *address)
{
    for (size_t i = 0; i < proxy_count; i++) {
        bool same = true;
        for (size_t at = 0; same && at < sizeof address->bytes; at++)
            same = !((address->bytes[at] ^ proxies[i].address.bytes[at]) &
                     mask_of(proxies[i].bits, at));
        if (same)
            return true;
    }
    return false;
}

static cz_status refuse_entry(cz_str entry, const char *why, cz_error *err)
{
    return cz_error_set(err, CZ_EVALIDATION, "TRUSTED_PROXIES: \"%.*s\" %s",
                        CZ_STR_ARG(cz_str_head(entry, 100)), why);
}

static cz_status read_block(cz_str entry, struct block *out, cz_error *err)
{
    cz_str rest = entry;
    struct block block;
    if (!cz__address_read(cz_str_cut(&rest, '/'), &block.address))
        return refuse_entry(entry, "is no address and no block such as 10.0.0.0/8", err);
    bool ipv4 = cz__address_is_ipv4(&block.address);
    uint64_t bits = ipv4 ? 32 : 128;
    if (cz_str_find_char(entry, '/') != SIZE_MAX &&
        (cz_str_to_u64(rest, &bits) || bits > (ipv4 ? 32 : 128)))
        return refuse_entry(entry, "has no number of bits after its \"/\"", err);
    if (!bits)
        return refuse_entry(entry, "would believe whatever anybody sends", err);
    block.bits = (unsigned)bits + (ipv4 ? 8 * IPV4_AT : 0);
    for (size_t at = 0; at < sizeof block.address.bytes; at++)
        if (block.address.bytes[at] & ~mask_of(block.bits, at))
            return refuse_entry(entry, "has bits set behind those that count", err);
    *out = block;
    return CZ_OK;
}

cz_status cz__proxies_configure(const cz_str_list *list, cz_error *err)
{
    if (list->count > PROXIES_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "TRUSTED_PROXIES: at most %d entries", PROXIES_MAX);
    proxy_count = 0; /* a list that fails half-way trusts nobody */
    for (size_t i = 0; i < list->count; i++) {
        cz_status status = read_block(list->items[i], &proxies[i], err);
        if (status)
            return status;
    }
    proxy_count = list->count;
    return CZ_OK;
}

/* ---- Forwarded ---- */

struct hop {
    cz_str node, proto; /* empty: not said */
};

static bool is_token(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return text.len > 0;
}

/* Take what stands before the next "," or ";" outside quotes; `*out_ends` is set where the element ends. False: a
 * quote is not closed. */
static bool cut_pair(cz_str *rest, cz_str *out, bool *out_ends)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (quoted && c == '\\')
            i++; /* a quoted pair; at the end the quote stays open */
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ',' || c == ';'))
            break;
    }
    if (quoted)
        return false;
    *out_ends = i >= rest->len || rest->ptr[i] == ',';
    *out = cz_str_trim(cz_str_head(*rest, i));
    *rest = cz_str_tail(*rest, i < rest->len ? i + 1 : i);
    return true;
}

/* A value that holds escapes stays as it is sent: no address and no scheme has any. */
static bool read_value(cz_str text, cz_str *out)
{
    bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    if (!quoted && !is_token(text))
        return false;
    *out = quoted ? cz_str_of(text.ptr + 1, text.len - 2) : text;
    return !quoted || out->len > 0;
}

static bool read_pair(cz_str pair, struct hop *hop)
{
    cz_str value = pair, name = cz_str_cut(&value, '='), read;
    if (!is_token(name) || !read_value(value, &read))
        return false;
    cz_str *into = cz_str_eq_icase(name, CZ_STR("for"))     ? &hop->node
                   : cz_str_eq_icase(name, CZ_STR("proto")) ? &hop->proto
                                                            : NULL;
    if (into && into->len)
        return false; /* twice: which of them would be a matter of taste */
    if (into)
        *into = read;
    return true;
}

static bool read_forwarded(cz_str field, struct hop *hops, size_t *out_count)
{
    size_t count = 0;
    while (field.len) {
        struct hop hop = { 0 };
        bool ends = false, any = false;
        while (!ends) {
            cz_str pair;
            if (!cut_pair(&field, &pair, &ends) || (pair.len && !read_pair(pair, &hop)))
                return false;
            any |= pair.len > 0;
        }
        if (!any) /* an empty item of a list (RFC 9110, 5.6.1.2) */
            continue;
        if (count == HOPS_MAX)
            return false;
        hops[count++] = hop;
    }
    *out_count = count;
    return true;
}

static bool is_port(cz_str text)
{
    uint64_t port;
    return !cz_str_to_u64(text, &port) && port <= UINT16_MAX;
}

/* `bare`: IPv6 may stand without brackets, as X-Forwarded-For has it. */
static bool read_node(cz_str text, bool bare, cz__address *out)
{
    if (text.len && text.ptr[0] == '[') {
        size_t end = cz_str_find_char(text, ']');
        cz_str port = end == SIZE_MAX ? text : cz_str_tail(text, end + 1);
        cz_str inside = cz_str_tail(cz_str_head(text, end), 1);
        return end != SIZE_MAX && cz_str_find_char(inside, ':') != SIZE_MAX &&
               (!port.len || (port.ptr[0] == ':' && is_port(cz_str_tail(port, 1)))) &&
               cz__address_read(inside, out);
    }
    size_t colons = cz_str_count(text, ':');
    if (colons == 1) {
        cz_str port = text, host = cz_str_cut(&port, ':');
        return is_port(port) && cz__address_read(host, out);
    }
    return (!colons || bare) && cz__address_read(text, out);
}

/* ---- the client ---- */

enum outcome { ABSENT, MALFORMED, TRUSTED_SO_FAR, FOUND };

struct client {
    cz__address address;
    cz_str proto;
};

static enum outcome look_at(cz_str node, bool bare, struct client *client)
{
    if (!read_node(node, bare, &client->address))
        return MALFORMED;
    return cz__proxies_trust(&client->address) ? TRUSTED_SO_FAR : FOUND;
}

static enum outcome from_forwarded(cz_str field, struct client *client)
{
    struct hop hops[HOPS_MAX];
    size_t count;
    if (!read_forwarded(field, hops, &count))
        return MALFORMED;
    enum outcome outcome = ABSENT;
    while (count-- > 0 && outcome != FOUND && outcome != MALFORMED) {
        client->proto = hops[count].proto;
        outcome = look_at(hops[count].node, false, client);
    }
    return outcome;
}

static enum outcome from_x_forwarded_for(cz_str field, struct client *client)
{
    enum outcome outcome = TRUSTED_SO_FAR;
    for (bool more = true; more && outcome == TRUSTED_SO_FAR;) {
        const char *comma = field.len ? memrchr(field.ptr, ',', field.len) : NULL;
        size_t from = comma ? (size_t)(comma - field.ptr) + 1 : 0;
        outcome = look_at(cz_str_trim(cz_str_tail(field, from)), true, client);
        more = comma != NULL;
        field = cz_str_head(field, from ? from - 1 : 0);
    }
    return outcome;
}

/* Over all fields of a name, which are one list, from its end. */
static enum outcome from_fields(const cz_request *req, cz_str name,
                                enum outcome (*from)(cz_str field, struct client *client),
                                struct client *client)
{
    enum outcome outcome = ABSENT;
    for (uint32_t i = req->header_count; i-- > 0;) {
        if (!cz_str_eq_icase(req->headers[i].name, name))
            continue;
        enum outcome here = from(req->headers[i].value, client);
        if (here != ABSENT)
            outcome = here;
        if (here == FOUND || here == MALFORMED)
            break;
    }
    return outcome;
}

/* What the nearest proxy says: the right-most of the last field. */
static cz_str x_forwarded_proto(const cz_request *req)
{
    for (uint32_t i = req->header_count; i-- > 0;)
        if (cz_str_eq_icase(req->headers[i].name, CZ_STR("X-Forwarded-Proto"))) {
            cz_str rest = req->headers[i].value, last = rest;
            while (rest.len)
                last = cz_str_cut(&rest, ',');
            return cz_str_trim(last);
        }
    return CZ_STR("");
}

static void set_scheme(cz_request *req, cz_str proto)
{
    if (cz_str_eq_icase(proto, CZ_STR("https")))
        req->scheme = CZ_STR("https");
    else if (cz_str_eq_icase(proto, CZ_STR("http")))
        req->scheme = CZ_STR("http");
}

void cz__proxies_apply(cz_arena *arena, cz_request *req)
{
    cz__address peer;
    if (!proxy_count || !cz__address_read(req->client_address, &peer) || !cz__proxies_trust(&peer))
        return;
    struct client client = { 0 }, other = { .proto = x_forwarded_proto(req) };
    enum outcome told = from_fields(req, CZ_STR("Forwarded"), from_forwarded, &client);
    enum outcome told_too =
        from_fields(req, CZ_STR("X-Forwarded-For"), from_x_forwarded_for, &other);
    if (told == MALFORMED || told_too == MALFORMED)
        return;
    /* A proxy that knows one kind of header passes on the other as the client has sent it. */
    if (told != ABSENT && told_too != ABSENT &&
        memcmp(&client.address, &other.address, sizeof client.address) != 0)
        return;
    if (client.proto.len && other.proto.len && !cz_str_eq_icase(client.proto, other.proto))
        return;
    set_scheme(req, client.proto.len ? client.proto : other.proto);
    if (told == ABSENT && told_too == ABSENT)
        return;
    cz_str text = address_text(arena, told != ABSENT ? &client.address : &other.address);
    if (text.len)
        req->client_address = text;
}
