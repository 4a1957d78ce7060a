/* The pull parser: one pass, no recursion, everything it keeps is bounded by its limits.
 *
 *   document = ws value ws
 *   value    = "null" / "true" / "false" / number / string / list / object
 *   list     = "[" ws [ value *( ws "," ws value ) ] ws "]"
 *   object   = "{" ws [ member *( ws "," ws member ) ] ws "}"     (RFC 8259)
 *
 *   state         what may follow                        left by
 *   AT_DOCUMENT   the document's value                   read_value()
 *   AT_FIRST      an item, or the end of an empty level  read_value(), close_level()
 *   AT_NEXT       a comma and an item, or the end        read_value(), close_level()
 *   AT_END        white space only                       cz_json_next()
 *   FINISHED      nothing: whole or failed               -
 *
 * Which levels are objects is a bit each in `stack`. Error sentences and positions are those of Python's
 * json module where it refuses too. */
#include <calzone/map.h>
#include "json_internal.h"

enum state { AT_DOCUMENT, AT_FIRST, AT_NEXT, AT_END, FINISHED };

enum { DEPTH_MAX_DEFAULT = 64, KEYS_MAX_DEFAULT = 20000 };

/* ---- duplicate names ----
 *
 * The names of all open objects lie in one stack; an object's own are the newest, from its level's `base`
 * on, as inner objects take theirs away when they end. Up to LINEAR_MAX names are compared one by one;
 * beyond, the level gets a table of slots, keyed by cz_hash so that nobody can choose colliding names. */
enum { LINEAR_MAX = 16, KEYS_FIRST = 32 };

struct level {
    uint32_t base;       /* first key of the object at this depth */
    uint32_t hashed;     /* keys of it that are in the slots */
    uint32_t slot_count; /* a power of two; kept for later objects of the same depth */
    uint32_t *slots;     /* index into keys + 1; 0 empty */
};

struct keys {
    cz_str *names;
    uint32_t *tags; /* length, first and last byte: most names differ there */
    uint32_t count, cap;
    uint32_t levels_known; /* levels from here on are not initialised */
    struct level levels[];
};

static cz_json_kind fail(cz_json_reader *r, cz_status status, const char *at, const char *error)
{
    r->status = status;
    r->error = error;
    r->error_at = (size_t)(at - r->start);
    r->state = FINISHED;
    return CZ_JSON_END;
}

static uint32_t key_tag(cz_str key)
{
    if (key.len == 0)
        return 0;
    return (uint32_t)key.len << 16 | (uint32_t)(unsigned char)key.ptr[0] << 8 |
           (unsigned char)key.ptr[key.len - 1];
}

static bool keys_grow(cz_json_reader *r, struct keys *keys)
{
    uint32_t cap = keys->cap ? keys->cap * 2 : KEYS_FIRST;
    char *memory = cz_arena_alloc(r->arena, cap * (sizeof(cz_str) + sizeof(uint32_t)));
    if (!memory)
        return false;
    cz_str *names = (cz_str *)(void *)memory;
    uint32_t *tags = (uint32_t *)(void *)(names + cap);
    if (keys->count) {
        memcpy(names, keys->names, keys->count * sizeof *names);
        memcpy(tags, keys->tags, keys->count * sizeof *tags);
    }
    keys->names = names;
    keys->tags = tags;
    keys->cap = cap;
    return true;
}

/* Begin the names of an object that has just been entered. */
static bool keys_enter(cz_json_reader *r)
{
    struct keys *keys = r->keys;
    if (!keys) {
        keys = cz_arena_alloc(r->arena, sizeof *keys + (r->limits.depth_max + 1) * sizeof *keys->levels);
        if (!keys)
            return false;
        *keys = (struct keys){ .cap = 0 };
        r->keys = keys;
    }
    for (; keys->levels_known <= r->depth; keys->levels_known++)
        keys->levels[keys->levels_known] = (struct level){ .slots = NULL };
    struct level *level = &keys->levels[r->depth];
    level->base = keys->count;
    level->hashed = 0;
    return true;
}

/* Put key `index` into the level's slots; false when an equal one is there. */
static bool slots_add(const struct keys *keys, struct level *level, uint32_t index)
{
    cz_str name = keys->names[index];
    uint32_t mask = level->slot_count - 1, i = (uint32_t)cz_hash(name.ptr, name.len) & mask;
    for (; level->slots[i]; i = (i + 1) & mask)
        if (cz_str_eq(keys->names[level->slots[i] - 1], name))
            return false;
    level->slots[i] = index + 1;
    level->hashed++;
    return true;
}

/* Make the slots hold `count` keys at most half full, and put all but the newest key in. */
static bool slots_prepare(cz_json_reader *r, struct keys *keys, struct level *level, uint32_t count)
{
    if (level->slot_count < 2 * count) {
        uint32_t slot_count = level->slot_count ? level->slot_count : 2 * LINEAR_MAX;
        while (slot_count < 4 * count)
            slot_count *= 2;
        uint32_t *slots = cz_arena_alloc(r->arena, slot_count * sizeof *slots);
        if (!slots)
            return false;
        level->slots = slots;
        level->slot_count = slot_count;
        level->hashed = 0;
    }
    if (level->hashed == 0) {
        memset(level->slots, 0, level->slot_count * sizeof *level->slots);
        for (uint32_t i = level->base; i < keys->count - 1; i++) {
            bool added = slots_add(keys, level, i);
            cz_assert(added); /* or the linear search had found it */
        }
    }
    return true;
}

/* Remember the name just read (which began at `at`); false after a failure. */
static bool keys_add(cz_json_reader *r, const char *at)
{
    struct keys *keys = r->keys;
    struct level *level = &keys->levels[r->depth];
    if (++r->key_count > r->limits.keys_max) {
        fail(r, CZ_ETOOBIG, at, "Too many property names");
        return false;
    }
    bool room = keys->count < keys->cap || keys_grow(r, keys);
    if (!room)
        goto no_memory;
    uint32_t tag = key_tag(r->key), count = keys->count - level->base;
    bool repeated = false;
    keys->names[keys->count] = r->key;
    keys->tags[keys->count++] = tag;
    if (count < LINEAR_MAX) {
        for (uint32_t i = level->base; i < level->base + count; i++)
            if (keys->tags[i] == tag && cz_str_eq(keys->names[i], r->key))
                repeated = true;
    } else {
        if (!slots_prepare(r, keys, level, count + 1))
            goto no_memory;
        repeated = !slots_add(keys, level, keys->count - 1);
    }
    if (repeated)
        fail(r, CZ_EPROTOCOL, at, "Duplicate property name");
    return !repeated;

no_memory:
    fail(r, CZ_ENOMEM, at, "Out of memory");
    return false;
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
        int digit = c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The \u escape at `p` (the backslash), with its partner when it is the first of a surrogate pair. Returns
 * what follows, NULL after a failure. */
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

/* Pass over what a string holds as it is, multi-byte sequences included. Returns where it stops: a quote,
 * a backslash, a control character or the end; NULL after a failure. */
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

static const char *read_escape(cz_json_reader *r, const char *p, char **out)
{
    if (r->end - p < 2) {
        fail(r, CZ_EPROTOCOL, r->at, "Unterminated string starting at");
        return NULL;
    }
    unsigned c;
    switch (p[1]) {
    case '"': c = '"'; break;
    case '\\': c = '\\'; break;
    case '/': c = '/'; break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u':
        p = read_unicode_escape(r, p, &c);
        if (p)
            *out = put_utf8(*out, c);
        return p;
    default:
        fail(r, CZ_EPROTOCOL, p, "Invalid \\escape");
        return NULL;
    }
    *(*out)++ = (char)c;
    return p + 2;
}

/* Where the string of which `p` is inside ends at the latest: its first quote not behind a backslash. No
 * string decodes to more bytes than it is written with. */
static const char *find_quote(const char *p, const char *end)
{
    while (p < end && *p != '"')
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    return p;
}

/* A string with escapes, the first of which is at `p`. Returns where it stops, as pass_text() does. */
static const char *read_escaped(cz_json_reader *r, const char *p, cz_str *out)
{
    const char *from = r->at + 1;
    char *text = cz_arena_alloc(r->arena, (size_t)(find_quote(p, r->end) - from)), *to = text;
    if (!text) {
        fail(r, CZ_ENOMEM, r->at, "Out of memory");
        return NULL;
    }
    for (;;) {
        size_t len = (size_t)(p - from);
        memcpy(to, from, len);
        to += len;
        if (p == r->end || *p != '\\')
            break;
        from = read_escape(r, p, &to);
        if (!from)
            return NULL;
        p = pass_text(r, from);
        if (!p)
            return NULL;
    }
    *out = cz_str_of(text, (size_t)(to - text));
    return p;
}

/* The string whose opening quote is at r->at; r->at then follows it. */
static bool read_string(cz_json_reader *r, cz_str *out)
{
    const char *from = r->at + 1, *p = pass_text(r, from);
    if (!p)
        return false;
    cz_str text = cz_str_of(from, (size_t)(p - from));
    if (p < r->end && *p == '\\') {
        p = read_escaped(r, p, &text);
        if (!p)
            return false;
    }
    if (p == r->end) {
        fail(r, CZ_EPROTOCOL, r->at, "Unterminated string starting at");
        return false;
    }
    if (*p != '"') {
        fail(r, CZ_EPROTOCOL, p, "Invalid control character at");
        return false;
    }
    *out = text;
    r->at = p + 1;
    return true;
}

/* ---- values ---- */

static const char *pass_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static bool in_object(const cz_json_reader *r)
{
    return r->stack[(r->depth - 1) / 8] >> ((r->depth - 1) % 8) & 1;
}

static cz_json_kind open_level(cz_json_reader *r, bool object)
{
    if (r->depth == r->limits.depth_max)
        return fail(r, CZ_ETOOBIG, r->at, "Too many nested levels");
    uint8_t bit = (uint8_t)(1u << (r->depth % 8)), *byte = &r->stack[r->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    r->depth++;
    if (object && !keys_enter(r))
        return fail(r, CZ_ENOMEM, r->at, "Out of memory");
    r->at++;
    r->state = AT_FIRST;
    return object ? CZ_JSON_OBJECT : CZ_JSON_LIST;
}

static cz_json_kind close_level(cz_json_reader *r)
{
    if (in_object(r)) {
        struct keys *keys = r->keys;
        keys->count = keys->levels[r->depth].base;
    }
    r->at++;
    r->depth--;
    r->state = r->depth ? AT_NEXT : AT_END;
    return CZ_JSON_END;
}

static cz_json_kind read_number(cz_json_reader *r)
{
    struct cz__number number;
    if (!cz__number_scan(r->at, r->end, &number))
        return fail(r, CZ_EPROTOCOL, r->at, "Expecting value");
    const char *at = r->at;
    r->text = cz_str_of(at, (size_t)(number.end - at));
    r->at = number.end;
    uint64_t m = number.mantissa;
    bool zero_below = m == 0 && number.negative; /* -0 is a double: an integer has no such value */
    if (number.integer && number.exact && m <= (uint64_t)INT64_MAX + number.negative && !zero_below) {
        r->integer = number.negative ? (int64_t)(0 - m) : (int64_t)m;
        return CZ_JSON_INT;
    }
    if (cz__number_f64(at, &number, &r->real))
        return fail(r, CZ_ETOOBIG, at, "Number out of range");
    return CZ_JSON_REAL;
}

static bool take_word(cz_json_reader *r, const char *word, size_t len)
{
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static cz_json_kind read_value(cz_json_reader *r)
{
    r->state = r->depth ? AT_NEXT : AT_END;
    switch (r->at < r->end ? *r->at : '\0') {
    case '"':
        return read_string(r, &r->text) ? CZ_JSON_STR : CZ_JSON_END;
    case '{':
        return open_level(r, true);
    case '[':
        return open_level(r, false);
    case 't':
        if (!take_word(r, "true", 4))
            break;
        r->boolean = true;
        return CZ_JSON_BOOL;
    case 'f':
        if (!take_word(r, "false", 5))
            break;
        r->boolean = false;
        return CZ_JSON_BOOL;
    case 'n':
        if (!take_word(r, "null", 4))
            break;
        return CZ_JSON_NULL;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return read_number(r);
    default:
        break;
    }
    return fail(r, CZ_EPROTOCOL, r->at, "Expecting value");
}

/* The member's name, the colon and the space around them. */
static bool read_key(cz_json_reader *r)
{
    const char *at = r->at;
    if (at == r->end || *at != '"') {
        fail(r, CZ_EPROTOCOL, at, "Expecting property name enclosed in double quotes");
        return false;
    }
    if (!read_string(r, &r->key) || !keys_add(r, at))
        return false;
    r->at = pass_space(r->at, r->end);
    if (r->at == r->end || *r->at != ':') {
        fail(r, CZ_EPROTOCOL, r->at, "Expecting ':' delimiter");
        return false;
    }
    r->at = pass_space(r->at + 1, r->end);
    return true;
}

/* An item of the list or object at hand, or its end. */
static cz_json_kind read_item(cz_json_reader *r)
{
    bool object = in_object(r);
    if (r->at < r->end && *r->at == (object ? '}' : ']'))
        return close_level(r);
    if (r->state == AT_NEXT) {
        if (r->at == r->end || *r->at != ',')
            return fail(r, CZ_EPROTOCOL, r->at, "Expecting ',' delimiter");
        r->at = pass_space(r->at + 1, r->end);
    }
    if (object && !read_key(r))
        return CZ_JSON_END;
    return read_value(r);
}

void cz_json_reader_init(cz_json_reader *reader, cz_arena *arena, cz_str text, const cz_json_limits *limits)
{
    *reader = (cz_json_reader){ .arena = arena, .at = text.ptr, .start = text.ptr, .state = AT_DOCUMENT };
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
    reader->key = cz_str_of(NULL, 0);
    if (reader->state == FINISHED)
        return CZ_JSON_END;
    if (reader->state == AT_DOCUMENT && reader->end - reader->at >= 3 &&
        memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        return fail(reader, CZ_EPROTOCOL, reader->at, "Unexpected UTF-8 BOM");
    reader->at = pass_space(reader->at, reader->end);
    switch ((enum state)reader->state) {
    case AT_DOCUMENT:
        return read_value(reader);
    case AT_FIRST:
    case AT_NEXT:
        return read_item(reader);
    case AT_END:
    case FINISHED:
        break;
    }
    if (reader->at < reader->end)
        return fail(reader, CZ_EPROTOCOL, reader->at, "Extra data");
    reader->state = FINISHED;
    return CZ_JSON_END;
}

void cz_json_skip(cz_json_reader *reader)
{
    if (reader->state != AT_FIRST)
        return;
    for (uint32_t depth = reader->depth; reader->depth >= depth && reader->state != FINISHED;)
        cz_ignore(cz_json_next(reader)); /* only its checks are wanted */
}

void cz__json_position(const cz_json_reader *reader, size_t *out_line, size_t *out_column, size_t *out_char)
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
