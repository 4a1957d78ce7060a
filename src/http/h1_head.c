#include "http/h1_head.h"
#include "http/h1_scan.h"

enum head_state {
    HEAD_REQUEST, /* in the request line; one empty line may come first */
    HEAD_FIELDS,  /* in a field line or the empty line */
    HEAD_DONE,
    HEAD_REFUSED
};

enum byte_class {
    TOKEN = 1,   /* tchar */
    TARGET = 2,  /* visible ASCII but '#' */
    HOST = 4,    /* letters, digits, "-", ".", "_", "~": unreserved */
    QUERY = 8,   /* '?' */
    ESCAPE = 16, /* '%' */
    IPV6 = 32,   /* inside brackets */
};

#define ALNUM (TOKEN | TARGET | HOST)
static const uint8_t classes[256] = {
    ['!' ... '~'] = TARGET,
    ['0' ... '9'] = ALNUM | IPV6,
    ['A' ... 'Z'] = ALNUM,
    ['a' ... 'z'] = ALNUM,
    ['A' ... 'F'] = ALNUM | IPV6,
    ['a' ... 'f'] = ALNUM | IPV6,
    ['-'] = ALNUM,
    ['.'] = ALNUM | IPV6,
    [':'] = TARGET | IPV6,
    ['_'] = ALNUM,
    ['~'] = ALNUM,
    ['!'] = TOKEN | TARGET,
    ['$'] = TOKEN | TARGET,
    ['&'] = TOKEN | TARGET,
    ['\''] = TOKEN | TARGET,
    ['*'] = TOKEN | TARGET,
    ['+'] = TOKEN | TARGET,
    ['^'] = TOKEN | TARGET,
    ['`'] = TOKEN | TARGET,
    ['|'] = TOKEN | TARGET,
    ['%'] = TOKEN | TARGET | ESCAPE,
    ['?'] = TARGET | QUERY,
    ['#'] = TOKEN,
};

static bool is_class(char c, unsigned wanted)
{
    return classes[(unsigned char)c] & wanted;
}

cz_status cz__h1_rule_error(enum cz__h1_rule rule, cz_error *err)
{
    static const struct {
        cz_status status;
        uint16_t http;
        const char *text;
    } rules[] = {
#define X(name, status, http, text) { CZ_##status, http, text },
        CZ__H1_RULE_MAP(X)
#undef X
    };
    cz_assert((size_t)rule < CZ_COUNT(rules));
    cz_error_set(err, rules[rule].status, "%s", rules[rule].text);
    if (err)
        err->http_status = rules[rule].http;
    return rules[rule].status;
}

bool cz__http_is_token(cz_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_class(name.ptr[i], TOKEN))
            return false;
    return name.len > 0;
}

/* uri-host [ ":" port ]. Narrower than RFC 3986's reg-name: sub-delims and escapes, which no DNS name
 * has, would reach links and redirects made from it. */
bool cz__http_is_host(cz_str host)
{
    size_t i = 0;
    if (host.len && host.ptr[0] == '[') {
        size_t colons = 0;
        for (i = 1; i < host.len && is_class(host.ptr[i], IPV6); i++)
            colons += host.ptr[i] == ':';
        if (colons < 2 || i == host.len || host.ptr[i] != ']')
            return false;
        i++;
    } else {
        while (i < host.len && is_class(host.ptr[i], HOST))
            i++;
        if (i == 0 || i > 255)
            return false;
    }
    if (i == host.len)
        return true;
    if (host.ptr[i++] != ':' || host.len - i > 5)
        return false;
    unsigned port = 0;
    for (; i < host.len; i++) {
        if (host.ptr[i] < '0' || host.ptr[i] > '9')
            return false;
        port = port * 10 + (unsigned)(host.ptr[i] - '0');
    }
    return port <= 65535;
}

void cz__h1_head_init(struct cz__h1_head *head, const cz_http_limits *limits,
                      struct cz__h1_field *fields)
{
    head->line_bytes_max = limits->request_line_bytes ? limits->request_line_bytes : 8192;
    head->header_bytes_max = limits->header_bytes ? limits->header_bytes : 32768;
    head->field_count_max = limits->header_count ? limits->header_count : 100;
    head->fields = fields;
    cz_assert(head->line_bytes_max < 1u << 30 && head->header_bytes_max < 1u << 30);
    cz__h1_head_reset(head);
}

void cz__h1_head_reset(struct cz__h1_head *head)
{
    memset(&head->state, 0, sizeof *head - offsetof(struct cz__h1_head, state));
}

static cz_status refuse(struct cz__h1_head *head, enum cz__h1_rule rule)
{
    head->state = HEAD_REFUSED;
    head->rule = (uint8_t)rule;
    return cz__h1_rule_error(rule, NULL);
}

static struct cz__h1_span span_of(const char *bytes, const char *from, const char *to)
{
    return (struct cz__h1_span){ (uint32_t)(from - bytes), (uint32_t)(to - from) };
}

/* Whether a token is `lower` when its letters are folded; `lower` is letters and "-" only, and among the
 * bytes of a token no other one folds to those. */
static bool equals_folded(const char *p, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((p[i] | 0x20) != lower[i])
            return false;
    return true;
}

static cz_method method_of(const char *p, size_t len)
{
#define IS(name) (memcmp(p, name, sizeof(name) - 1) == 0)
    switch (len) {
    case 3:
        return IS("GET") ? CZ_METHOD_GET : IS("PUT") ? CZ_METHOD_PUT : CZ_METHOD_OTHER;
    case 4:
        return IS("POST") ? CZ_METHOD_POST : IS("HEAD") ? CZ_METHOD_HEAD : CZ_METHOD_OTHER;
    case 5:
        return IS("PATCH") ? CZ_METHOD_PATCH : CZ_METHOD_OTHER;
    case 6:
        return IS("DELETE") ? CZ_METHOD_DELETE : CZ_METHOD_OTHER;
    case 7:
        return IS("OPTIONS") ? CZ_METHOD_OPTIONS : CZ_METHOD_OTHER;
    default:
        return CZ_METHOD_OTHER;
    }
}

static enum cz__h1_rule parse_version(struct cz__h1_head *head, const char *p, size_t len)
{
    if (len != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || p[5] < '0' || p[5] > '9' ||
        p[7] < '0' || p[7] > '9')
        return CZ__H1_VERSION;
    if (p[5] != '1')
        return CZ__H1_VERSION_MAJOR;
    head->version_minor = p[7] > '0'; /* a later minor version is spoken to as 1.1 (9110, 2.5) */
    return CZ__H1_NONE;
}

/* Split the target into authority, path and query; its bytes are known to be allowed. An absolute form
 * without a path has an empty one, which the request gets as "/". */
static enum cz__h1_rule parse_target(struct cz__h1_head *head, const char *bytes, unsigned seen)
{
    const char *p = bytes + head->target.at, *end = p + head->target.len;
    if (*p != '/') {
        if (head->method == CZ_METHOD_OPTIONS && end - p == 1 && *p == '*') {
            head->path = head->target;
            return CZ__H1_NONE;
        }
        size_t scheme = end - p > 7 && equals_folded(p, "http://", 7)    ? 7
                        : end - p > 8 && equals_folded(p, "https://", 8) ? 8
                                                                         : 0;
        if (!scheme)
            return CZ__H1_TARGET_FORM;
        const char *authority = p += scheme;
        while (p < end && *p != '/' && *p != '?')
            p++;
        head->authority = span_of(bytes, authority, p);
        if (!cz__http_is_host(cz__h1_span_str(bytes, head->authority)))
            return CZ__H1_TARGET_FORM;
    }
    const char *question = seen & QUERY ? memchr(p, '?', (size_t)(end - p)) : NULL;
    head->path = span_of(bytes, p, question ? question : end);
    head->query = question ? span_of(bytes, question + 1, end) : (struct cz__h1_span){ 0, 0 };
    head->path_is_escaped = seen & ESCAPE && memchr(p, '%', head->path.len);
    return CZ__H1_NONE;
}

static enum cz__h1_rule parse_request_line(struct cz__h1_head *head, const char *bytes,
                                           const char *end)
{
    const char *p = bytes + head->line, *start = p;
    while (is_class(*p, TOKEN)) /* stops at the CR at the latest */
        p++;
    head->method_text = span_of(bytes, start, p);
    if (p == start || *p != ' ')
        return p < end ? CZ__H1_METHOD : CZ__H1_REQUEST_LINE;
    head->method = (uint8_t)method_of(start, (size_t)(p - start));

    const char *target = ++p;
    unsigned seen = 0, class;
    while ((class = classes[(unsigned char)*p]) & TARGET) {
        seen |= class;
        p++;
    }
    head->target = span_of(bytes, target, p);
    if (p == end || p == target)
        return CZ__H1_REQUEST_LINE; /* no version, or two spaces */
    if (*p != ' ')
        return CZ__H1_TARGET_BYTES;
    enum cz__h1_rule rule = parse_version(head, p + 1, (size_t)(end - p - 1));
    if (rule)
        return rule;
    /* A tunnel and a loop-back of the head, cookies included, are not for an origin server. Their names
     * are known, so the answer is not left to the routes; 501 is for "no resource" (9110, 15.6.2). */
    cz_str method = cz_str_of(start, head->method_text.len);
    if (cz_str_eq(method, CZ_STR("CONNECT")) || cz_str_eq(method, CZ_STR("TRACE")))
        return CZ__H1_METHOD_TUNNEL;
    return parse_target(head, bytes, seen);
}

static enum cz__h1_rule parse_host(struct cz__h1_head *head, const char *bytes,
                                   struct cz__h1_span value)
{
    if (head->has_host)
        return CZ__H1_HOST_TWICE;
    head->has_host = true;
    head->host = value;
    cz_str host = cz__h1_span_str(bytes, value);
    if (!cz__http_is_host(host))
        return CZ__H1_HOST_INVALID;
    if (head->authority.len && !cz_str_eq_icase(host, cz__h1_span_str(bytes, head->authority)))
        return CZ__H1_HOST_MISMATCH;
    return CZ__H1_NONE;
}

static enum cz__h1_rule parse_content_length(struct cz__h1_head *head, cz_str value)
{
    if (head->has_length)
        return CZ__H1_LENGTH_TWICE; /* even the same number: someone on the way has merged or split */
    head->has_length = true;
    if (cz_str_to_u64(value, &head->content_length) || head->content_length > INT64_MAX)
        return CZ__H1_LENGTH_INVALID;
    return head->has_coding ? CZ__H1_LENGTH_AND_CODING : CZ__H1_NONE;
}

/* What the body is decides who reads it: two that choose differently, one before us perhaps, see two bodies. */
static enum cz__h1_rule parse_content_type(struct cz__h1_head *head, struct cz__h1_span value)
{
    if (head->has_type)
        return CZ__H1_TYPE_TWICE;
    head->has_type = true;
    head->content_type = value;
    return CZ__H1_NONE;
}

/* Whether a list ends in "chunked" behind codings of other names: well formed, and not for us. Anything else that is not
 * "chunked" alone leaves open where the body ends (9112, 6.3). */
static bool is_other_coding(cz_str list)
{
    for (size_t others = 0;; others++) {
        bool last = cz_str_find_char(list, ',') == SIZE_MAX;
        cz_str coding = cz_str_trim(cz_str_cut(&list, ','));
        bool chunked = cz_str_eq_icase(coding, CZ_STR("chunked"));
        if (last)
            return chunked && others;
        if (chunked || !cz__http_is_token(coding))
            return false;
    }
}

static enum cz__h1_rule parse_transfer_encoding(struct cz__h1_head *head, cz_str value)
{
    if (head->has_coding)
        return CZ__H1_CODING_TWICE;
    head->has_coding = true;
    if (!head->version_minor)
        return CZ__H1_CODING_VERSION;
    if (!cz_str_eq_icase(value, CZ_STR("chunked"))) /* coding names have no case (9112, 7) */
        return is_other_coding(value) ? CZ__H1_CODING_UNKNOWN : CZ__H1_CODING_INVALID;
    return head->has_length ? CZ__H1_LENGTH_AND_CODING : CZ__H1_NONE;
}

static void parse_connection(struct cz__h1_head *head, cz_str value)
{
    while (value.len) {
        cz_str option = cz_str_trim(cz_str_cut(&value, ','));
        if (cz_str_eq_icase(option, CZ_STR("close")))
            head->connection_close = true;
        else if (cz_str_eq_icase(option, CZ_STR("keep-alive")))
            head->connection_keep_alive = true;
        else if (cz_str_eq_icase(option, CZ_STR("upgrade")))
            head->connection_upgrade = true;
    }
}

static void parse_expect(struct cz__h1_head *head, cz_str value)
{
    if (!head->version_minor)
        return; /* 1.0 has no expectations (9110, 10.1.1) */
    if (head->has_expect || !cz_str_eq_icase(value, CZ_STR("100-continue")))
        head->expect_unknown = true;
    else
        head->expect_continue = true;
    head->has_expect = true;
}

/* The fields that decide about framing and connection; the length tells almost all others apart. */
static enum cz__h1_rule parse_known(struct cz__h1_head *head, const char *bytes,
                                    const struct cz__h1_field *field)
{
    const char *name = bytes + field->name.at;
    cz_str value = cz__h1_span_str(bytes, field->value);
    enum cz__h1_rule rule;
    switch (field->name.len) {
    case 4:
        return equals_folded(name, "host", 4) ? parse_host(head, bytes, field->value) : CZ__H1_NONE;
    case 6:
        if (equals_folded(name, "expect", 6))
            parse_expect(head, value);
        return CZ__H1_NONE;
    case 10:
        if (equals_folded(name, "connection", 10))
            parse_connection(head, value);
        return CZ__H1_NONE;
    case 12:
        return equals_folded(name, "content-type", 12) ? parse_content_type(head, field->value)
                                                       : CZ__H1_NONE;
    case 13: /* whoever checks another one than we do lets in somebody else */
        if (!equals_folded(name, "authorization", 13))
            return CZ__H1_NONE;
        rule = head->has_authorization ? CZ__H1_AUTHORIZATION_TWICE : CZ__H1_NONE;
        head->has_authorization = true;
        return rule;
    case 14:
        return equals_folded(name, "content-length", 14) ? parse_content_length(head, value)
                                                         : CZ__H1_NONE;
    case 17:
        return equals_folded(name, "transfer-encoding", 17) ? parse_transfer_encoding(head, value)
                                                            : CZ__H1_NONE;
    default:
        return CZ__H1_NONE;
    }
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t';
}

static enum cz__h1_rule parse_field(struct cz__h1_head *head, const char *bytes, const char *end)
{
    const char *name = bytes + head->line, *p = name;
    if (is_white(*name))
        return CZ__H1_FOLDED;
#ifdef __SSE2__
    if (end - p >= 16) /* most names have no other bytes */
        p += cz__alnum_prefix(p);
#endif
    while (is_class(*p, TOKEN)) /* stops at the CR at the latest */
        p++;
    if (p == name || *p != ':')
        return CZ__H1_FIELD_NAME;
    if (head->field_count == head->field_count_max)
        return CZ__H1_TOO_MANY_HEADERS;
    struct cz__h1_field *field = &head->fields[head->field_count++];
    field->name = span_of(bytes, name, p);
    p++;
    while (p < end && is_white(*p))
        p++;
    while (end > p && is_white(end[-1]))
        end--;
    field->value = span_of(bytes, p, end);
    return parse_known(head, bytes, field);
}

static enum cz__h1_rule finish(struct cz__h1_head *head)
{
    if (!head->has_host) {
        if (head->version_minor)
            return CZ__H1_HOST_MISSING;
        head->host = head->authority;
    }
    return CZ__H1_NONE;
}

/* Find the end of the current line, up to `window` bytes from the head's start, past which `too_long`
 * is the answer. CZ_OK: head->position is at its CR, and LF follows. */
static cz_status find_line(struct cz__h1_head *head, cz_str in, size_t window,
                           enum cz__h1_rule too_long)
{
    const char *end = in.ptr + (window < in.len ? window : in.len);
    const char *p = cz__scan_ctl(in.ptr, in.ptr + head->position, end);
    head->position = (uint32_t)(p - in.ptr);
    if (p == end)
        return (size_t)(p - in.ptr) == window ? refuse(head, too_long) : CZ_EAGAIN;
    if (__builtin_expect(*p != '\r', 0))
        return refuse(head, *p == '\n' ? CZ__H1_BARE_LF : CZ__H1_CONTROL);
    if (p + 1 == in.ptr + in.len)
        return CZ_EAGAIN;
    return p[1] == '\n' ? CZ_OK : refuse(head, CZ__H1_BARE_CR);
}

static cz_status feed_request_line(struct cz__h1_head *head, cz_str in)
{
    /* The CR may stand right behind the longest line allowed. */
    cz_status status =
        find_line(head, in, head->line + (size_t)head->line_bytes_max + 1, CZ__H1_LINE_TOO_LONG);
    if (status)
        return status;
    const char *end = in.ptr + head->position;
    if (head->position == head->line) { /* clients of old sent one after a body (9112, 2.2) */
        if (head->skipped_empty_line)
            return refuse(head, CZ__H1_EMPTY_LINES);
        head->skipped_empty_line = true;
        head->line = head->position += 2;
        return CZ_OK;
    }
    enum cz__h1_rule rule = parse_request_line(head, in.ptr, end);
    if (rule)
        return refuse(head, rule);
    head->line = head->block = head->position += 2;
    head->state = HEAD_FIELDS;
    return CZ_OK;
}

static cz_status feed_field(struct cz__h1_head *head, cz_str in)
{
    size_t window = head->block + (size_t)head->header_bytes_max;
    cz_status status = find_line(head, in, window, CZ__H1_HEADERS_TOO_LONG);
    if (status)
        return status;
    const char *end = in.ptr + head->position;
    bool last = head->position == head->line;
    if (head->position + (last ? 2u : 4u) > window) /* the empty line counts too */
        return refuse(head, CZ__H1_HEADERS_TOO_LONG);
    enum cz__h1_rule rule = last ? finish(head) : parse_field(head, in.ptr, end);
    if (rule)
        return refuse(head, rule);
    head->line = head->position += 2;
    if (last) {
        head->bytes = head->position;
        head->state = HEAD_DONE;
    }
    return CZ_OK;
}

cz_status cz__h1_head_feed(struct cz__h1_head *head, cz_str in)
{
    cz_status status = CZ_OK;
    while (status == CZ_OK) {
        switch ((enum head_state)head->state) {
        case HEAD_REQUEST:
            status = feed_request_line(head, in);
            break;
        case HEAD_FIELDS:
            status = feed_field(head, in);
            break;
        case HEAD_DONE:
            return CZ_OK;
        case HEAD_REFUSED:
            return cz__h1_rule_error((enum cz__h1_rule)head->rule, NULL);
        }
    }
    return status;
}
