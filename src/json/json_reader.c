/* The pull parser: one pass, no recursion, everything it keeps is bounded by its limits.
 *
 *   document = ws value ws
 *   value    = "null" / "true" / "false" / number / string / list / object
 *   list     = "[" ws [ value *( ws "," ws value ) ] ws "]"
 *   object   = "{" ws [ member *( ws "," ws member ) ] ws "}"     (RFC 8259)
 *
 *   state        what may follow                        left by
 *   AT_DOCUMENT  the document's value                   read_value()
 *   AT_FIRST_x   an item, or the end of an empty level  read_value(), close_level()
 *   AT_NEXT_x    a comma and an item, or the end        read_value(), close_level()
 *   AT_END       white space only                       read_end()
 *   FINISHED     nothing: whole or failed               -
 *
 * Which levels are objects is a bit each in `stack`. Functions take the place they read from as `p`
 * and store the one after it in r->at, once: a chain of stores and loads would be the longest part
 * of the work. Error sentences and positions are those of Python's json module where it refuses
 * too. */
#include "json_internal.h"

enum state {
    AT_DOCUMENT,
    AT_FIRST_ITEM,
    AT_NEXT_ITEM,
    AT_FIRST_MEMBER,
    AT_NEXT_MEMBER,
    AT_END,
    FINISHED
};

enum { DEPTH_MAX_DEFAULT = 64, KEYS_MAX_DEFAULT = 20000 };

static cz_json_kind fail(cz_json_reader *r, cz_status status, const char *at, const char *error)
{
    r->status = status;
    r->error = error;
    r->error_at = (size_t)(at - r->start);
    r->state = FINISHED;
    return CZ_JSON_END;
}

/* ---- strings ---- */

/* Four hexadecimal digits; -1 when they are not. */
static int hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i], letter = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9'             ? c - '0'
                    : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                                     : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The \u escape at `p` (the backslash), with its partner when it is the first of a surrogate pair.
 * Returns what follows, NULL after a failure. */
static const char *read_unicode_escape(cz_json_reader *r, const char *p, unsigned *out)
{
    int c = hex4(p + 2, r->end);
    if (c < 0) {
        fail(r, CZ_EPROTOCOL, p + 1, "Invalid \\uXXXX escape");
        return NULL;
    }
    const char *after = p + 6;
    *out = (unsigned)c;
    if (c < 0xd800 || c > 0xdfff)
        return after;
    int low = -1;
    if (c < 0xdc00 && r->end - after >= 6 && after[0] == '\\' && after[1] == 'u')
        low = hex4(after + 2, r->end);
    if (low < 0xdc00 || low > 0xdfff) {
        fail(r, CZ_EPROTOCOL, p, "Unpaired surrogate escape");
        return NULL;
    }
    *out = 0x10000 + ((unsigned)(c - 0xd800) << 10 | (unsigned)(low - 0xdc00));
    return after + 6;
}

/* Pass over what a string holds as it is, multi-byte sequences included. Returns where it stops: a
 * quote, a backslash, a control character or the end; NULL after a failure. */
static const char *pass_text(cz_json_reader *r, const char *p)
{
    for (;;) {
        p += cz__json_plain(p, r->end);
        if (p == r->end || (unsigned char)*p < 0x80)
            return p;
        do {
            int len = cz__utf8_sequence((const unsigned char *)p, (size_t)(r->end - p));
            if (len < 0) {
                fail(r, CZ_EPROTOCOL, p, "Invalid UTF-8");
                return NULL;
            }
            p += len;
        } while (p < r->end && (unsigned char)*p >= 0x80);
    }
}

/* The escape at `p`, which is not the last byte. */
static const char *read_escape(cz_json_reader *r, const char *p, char **out)
{
    unsigned c;
    switch (p[1]) {
    case '"':
        c = '"';
        break;
    case '\\':
        c = '\\';
        break;
    case '/':
        c = '/';
        break;
    case 'b':
        c = '\b';
        break;
    case 'f':
        c = '\f';
        break;
    case 'n':
        c = '\n';
        break;
    case 'r':
        c = '\r';
        break;
    case 't':
        c = '\t';
        break;
    case 'u':
        p = read_unicode_escape(r, p, &c);
        if (p)
            *out += cz_utf8_write(*out, c);
        return p;
    default:
        fail(r, CZ_EPROTOCOL, p, "Invalid \\escape");
        return NULL;
    }
    *(*out)++ = (char)c;
    return p + 2;
}

/* Where the string of which `p` is inside ends at the latest: its first quote not behind a
 * backslash. No string decodes to more bytes than it is written with. */
static const char *find_quote(const char *p, const char *end)
{
    while (p < end && *p != '"')
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    return p;
}

/* A string read, and what follows it; NULL after a failure. Returned by value, to stay in
 * registers: whoever loads a cz_str whole right after its halves were stored waits for them. */
struct string {
    cz_str text;
    const char *after;
};

/* The string that began at `quote` ends where `p` is, or nowhere. */
static struct string end_string(cz_json_reader *r, const char *quote, const char *p, cz_str text)
{
    if (p < r->end && *p == '"')
        return (struct string){ text, p + 1 };
    if (p == r->end)
        fail(r, CZ_EPROTOCOL, quote, "Unterminated string starting at");
    else
        fail(r, CZ_EPROTOCOL, p, "Invalid control character at");
    return (struct string){ .after = NULL };
}

/* A string that is more than plain ASCII from `quote` to `p`. */
static __attribute__((noinline)) struct string read_string_slow(cz_json_reader *r,
                                                                const char *quote, const char *p)
{
    const struct string none = { .after = NULL };
    const char *from = quote + 1;
    p = pass_text(r, p);
    if (!p)
        return none;
    if (p == r->end || *p != '\\')
        return end_string(r, quote, p, cz_str_of(from, (size_t)(p - from)));
    char *text = cz_arena_alloc(r->arena, (size_t)(find_quote(p, r->end) - from)), *to = text;
    if (!text) {
        fail(r, CZ_ENOMEM, quote, "Out of memory");
        return none;
    }
    for (;;) {
        memcpy(to, from, (size_t)(p - from));
        to += p - from;
        if (p == r->end || *p != '\\')
            return end_string(r, quote, p, cz_str_of(text, (size_t)(to - text)));
        if (r->end - p < 2)
            return end_string(r, quote, r->end, cz_str_of(NULL, 0));
        from = read_escape(r, p, &to);
        if (!from)
            return none;
        p = pass_text(r, from);
        if (!p)
            return none;
    }
}

/* The string whose opening quote is at `quote`. */
static inline struct string read_string(cz_json_reader *r, const char *quote)
{
    const char *from = quote + 1, *p = from + cz__json_plain(from, r->end);
    if (__builtin_expect(p < r->end && *p == '"', 1))
        return (struct string){ cz_str_of(from, (size_t)(p - from)), p + 1 };
    return read_string_slow(r, quote, p);
}

/* ---- values ---- */

static inline const char *pass_space(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static inline enum state state_after_item(const cz_json_reader *r)
{
    if (r->depth == 0)
        return AT_END;
    return r->stack[(r->depth - 1) / 8] >> ((r->depth - 1) % 8) & 1 ? AT_NEXT_MEMBER : AT_NEXT_ITEM;
}

static cz_json_kind open_level(cz_json_reader *r, const char *p, bool object)
{
    if (r->depth == r->limits.depth_max)
        return fail(r, CZ_ETOOBIG, p, "Too many nested levels");
    uint8_t bit = (uint8_t)(1u << (r->depth % 8)), *byte = &r->stack[r->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    r->depth++;
    r->at = p + 1;
    r->state = object ? AT_FIRST_MEMBER : AT_FIRST_ITEM;
    return object ? CZ_JSON_OBJECT : CZ_JSON_LIST;
}

static cz_json_kind close_level(cz_json_reader *r, const char *p)
{
    r->at = p + 1;
    r->depth--;
    r->state = (uint8_t)state_after_item(r);
    return CZ_JSON_END;
}

static cz_json_kind read_number(cz_json_reader *r, const char *p)
{
    struct cz__number number;
    if (!cz__number_scan(p, r->end, &number))
        return fail(r, CZ_EPROTOCOL, p, "Expecting value");
    r->text = cz_str_of(p, (size_t)(number.end - p));
    r->at = number.end;
    uint64_t m = number.mantissa;
    bool zero_below = m == 0 && number.negative; /* -0 is a double: an integer has no such value */
    if (number.integer && number.exact && m <= (uint64_t)INT64_MAX + number.negative &&
        !zero_below) {
        r->integer = number.negative ? (int64_t)(0 - m) : (int64_t)m;
        return CZ_JSON_INT;
    }
    if (cz__number_f64(p, &number, &r->real))
        return fail(r, CZ_ETOOBIG, p, "Number out of range");
    return CZ_JSON_REAL;
}

static bool take_word(cz_json_reader *r, const char *p, const char *word, size_t len)
{
    if ((size_t)(r->end - p) < len || memcmp(p, word, len) != 0)
        return false;
    r->at = p + len;
    return true;
}

/* The value at `p`; `next` is the state after one that is neither list nor object. */
static inline cz_json_kind read_value(cz_json_reader *r, const char *p, enum state next)
{
    r->state = (uint8_t)next;
    switch (p < r->end ? *p : '\0') {
    case '"': {
        struct string string = read_string(r, p);
        if (!string.after)
            return CZ_JSON_END;
        r->text = string.text;
        r->at = string.after;
        return CZ_JSON_STR;
    }
    case '{':
        return open_level(r, p, true);
    case '[':
        return open_level(r, p, false);
    case 't':
        if (!take_word(r, p, "true", 4))
            break;
        r->boolean = true;
        return CZ_JSON_BOOL;
    case 'f':
        if (!take_word(r, p, "false", 5))
            break;
        r->boolean = false;
        return CZ_JSON_BOOL;
    case 'n':
        if (!take_word(r, p, "null", 4))
            break;
        return CZ_JSON_NULL;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(r, p);
    default:
        break;
    }
    return fail(r, CZ_EPROTOCOL, p, "Expecting value");
}

/* What precedes an item of a level that ends in `bracket`: a comma but for the first. NULL after a
 * failure, `*out_end` set at the level's end. */
static inline const char *pass_comma(cz_json_reader *r, const char *p, bool first, char bracket,
                                     bool *out_end)
{
    const char *end = r->end;
    p = pass_space(p, end);
    *out_end = p < end && *p == bracket;
    if (first || *out_end)
        return p;
    if (p == end || *p != ',') {
        fail(r, CZ_EPROTOCOL, p, "Expecting ',' delimiter");
        return NULL;
    }
    return pass_space(p + 1, end);
}

static inline cz_json_kind read_item(cz_json_reader *r, bool first)
{
    bool ended;
    const char *p = pass_comma(r, r->at, first, ']', &ended);
    if (!p)
        return CZ_JSON_END;
    if (ended)
        return close_level(r, p);
    r->key = cz_str_of(NULL, 0);
    return read_value(r, p, AT_NEXT_ITEM);
}

static inline cz_json_kind read_member(cz_json_reader *r, bool first)
{
    bool ended;
    const char *p = pass_comma(r, r->at, first, '}', &ended), *end = r->end;
    if (!p)
        return CZ_JSON_END;
    if (ended)
        return close_level(r, p);
    if (p == end || *p != '"')
        return fail(r, CZ_EPROTOCOL, p, "Expecting property name enclosed in double quotes");
    struct string name = read_string(r, p);
    if (!name.after)
        return CZ_JSON_END;
    if (++r->key_count > r->limits.keys_max)
        return fail(r, CZ_ETOOBIG, p, "Too many property names");
    r->key = name.text;
    p = pass_space(name.after, end);
    if (p == end || *p != ':')
        return fail(r, CZ_EPROTOCOL, p, "Expecting ':' delimiter");
    return read_value(r, pass_space(p + 1, end), AT_NEXT_MEMBER);
}

static cz_json_kind read_document(cz_json_reader *r)
{
    if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
        return fail(r, CZ_EPROTOCOL, r->at, "Unexpected UTF-8 BOM");
    return read_value(r, pass_space(r->at, r->end), AT_END);
}

static cz_json_kind read_end(cz_json_reader *r)
{
    r->at = pass_space(r->at, r->end);
    if (r->at < r->end)
        return fail(r, CZ_EPROTOCOL, r->at, "Extra data");
    r->state = FINISHED;
    return CZ_JSON_END;
}

void cz_json_reader_init(cz_json_reader *reader, cz_arena *arena, cz_str text,
                         const cz_json_limits *limits)
{
    *reader =
        (cz_json_reader){ .arena = arena, .at = text.ptr, .start = text.ptr, .state = AT_DOCUMENT };
    reader->end = text.len ? text.ptr + text.len : text.ptr;
    if (limits)
        reader->limits = *limits;
    if (!reader->limits.depth_max)
        reader->limits.depth_max = DEPTH_MAX_DEFAULT;
    if (reader->limits.depth_max > CZ_JSON_READ_DEPTH_MAX)
        reader->limits.depth_max = CZ_JSON_READ_DEPTH_MAX;
    if (!reader->limits.keys_max)
        reader->limits.keys_max = KEYS_MAX_DEFAULT;
}

cz_json_kind cz_json_next(cz_json_reader *reader)
{
    switch ((enum state)reader->state) {
    case AT_FIRST_ITEM:
    case AT_NEXT_ITEM:
        return read_item(reader, reader->state == AT_FIRST_ITEM);
    case AT_FIRST_MEMBER:
    case AT_NEXT_MEMBER:
        return read_member(reader, reader->state == AT_FIRST_MEMBER);
    case AT_DOCUMENT:
        return read_document(reader);
    case AT_END:
        return read_end(reader);
    case FINISHED:
        break;
    }
    return CZ_JSON_END;
}

void cz_json_skip(cz_json_reader *reader)
{
    if (reader->state != AT_FIRST_ITEM && reader->state != AT_FIRST_MEMBER)
        return;
    for (uint32_t depth = reader->depth; reader->depth >= depth && reader->state != FINISHED;)
        cz_ignore(cz_json_next(reader)); /* only its checks are wanted */
}

void cz__json_position(const cz_json_reader *reader, size_t *out_line, size_t *out_column,
                       size_t *out_char)
{
    size_t line = 1, column = 1, chars = 0;
    for (size_t i = 0; i < reader->error_at; i++) {
        unsigned char c = (unsigned char)reader->start[i];
        if (c == '\n') {
            line++;
            column = 1;
            chars++;
        } else if ((c & 0xc0) != 0x80) {
            column++;
            chars++;
        }
    }
    *out_line = line;
    *out_column = column;
    *out_char = chars;
}

void cz_json_error_position(const cz_json_reader *reader, size_t *out_line, size_t *out_column)
{
    size_t chars;
    cz__json_position(reader, out_line, out_column, &chars);
}

cz_status cz__json_check(cz_str text)
{
    cz_arena *arena; /* for strings with escapes */
    if (cz_arena_create(NULL, 0, &arena))
        return CZ_ENOMEM;
    cz_json_reader reader;
    cz_json_reader_init(&reader, arena, text, NULL);
    while (!reader.status && reader.state != FINISHED)
        cz_ignore(cz_json_next(&reader)); /* only its checks are wanted */
    cz_arena_destroy(arena);
    return reader.status;
}

bool cz__json_has_null_character(cz_str text)
{
    cz_str escape = CZ_STR("\\u0000");
    for (size_t from = 0, found; (found = cz_str_find(cz_str_tail(text, from), escape)) != SIZE_MAX;
         from += found + 1) {
        size_t at = from + found, before = 0;
        while (before < at && text.ptr[at - 1 - before] == '\\')
            before++;
        if (before % 2 == 0) /* else the last of them is itself escaped */
            return true;
    }
    return false;
}

bool cz_json_is_valid(cz_str text)
{
    return !cz__json_check(text);
}
