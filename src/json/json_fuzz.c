/* Documents from outside, judged five ways:
 *
 * - what the reader accepts and refuses agrees with a second recogniser, written for plainness;
 * - the pull reader and the tree tell the same, item by item, and skipping fails where reading
 *   does;
 * - an accepted document written and read again is the same tree, and its text the same text;
 * - any bytes written as a string read back, unchanged if they were UTF-8;
 * - a number reads as strtod() reads it.
 *
 * Inputs are copied to blocks of their exact size, so that the sanitizer sees a byte read too far.
 * */
#include <stdint.h>
#include <stdlib.h>
#include "json_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) cz_assert(condition)

/* ---- the second recogniser: RFC 8259 and no limits but depth ---- */

struct plain {
    const char *at, *end;
    int depth;
};

static bool plain_value(struct plain *p);

static void plain_space(struct plain *p)
{
    while (p->at < p->end && memchr(" \t\r\n", *p->at, 4))
        p->at++;
}

static bool plain_take(struct plain *p, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, text, len) != 0)
        return false;
    p->at += len;
    return true;
}

static bool plain_digits(struct plain *p)
{
    const char *from = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > from;
}

static bool plain_number(struct plain *p)
{
    (void)plain_take(p, "-");
    if (!plain_take(p, "0") && !plain_digits(p))
        return false;
    if (plain_take(p, ".") && !plain_digits(p))
        return false;
    if (plain_take(p, "e") || plain_take(p, "E")) {
        if (!plain_take(p, "+"))
            (void)plain_take(p, "-");
        return plain_digits(p);
    }
    return true;
}

static bool plain_hex(struct plain *p, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const char *hex = "0123456789abcdef0123456789ABCDEF", *digit;
        if (p->at == p->end || !*p->at || !(digit = strchr(hex, *p->at)))
            return false;
        *out = *out * 16 + (unsigned)(digit - hex) % 16;
    }
    return true;
}

static bool plain_escape(struct plain *p)
{
    unsigned first, second;
    if (p->at == p->end)
        return false;
    if (*p->at != 'u')
        return memchr("\"\\/bfnrt", *p->at++, 8) != NULL;
    p->at++;
    if (!plain_hex(p, &first))
        return false;
    if (first < 0xd800 || first > 0xdfff)
        return true;
    return first < 0xdc00 && plain_take(p, "\\u") && plain_hex(p, &second) && second >= 0xdc00 &&
           second <= 0xdfff;
}

static bool plain_string(struct plain *p)
{
    if (!plain_take(p, "\""))
        return false;
    const char *from = p->at;
    for (; p->at < p->end;) {
        if (*p->at == '"')
            return cz_str_is_utf8(cz_str_of(from, (size_t)(p->at++ - from)));
        if ((unsigned char)*p->at < 0x20)
            return false;
        if (*p->at++ == '\\' && !plain_escape(p))
            return false;
    }
    return false;
}

static bool plain_items(struct plain *p, bool object)
{
    plain_space(p);
    if (plain_take(p, object ? "}" : "]"))
        return true;
    for (;;) {
        plain_space(p);
        if (object) {
            if (!plain_string(p))
                return false;
            plain_space(p);
            if (!plain_take(p, ":"))
                return false;
            plain_space(p);
        }
        if (!plain_value(p))
            return false;
        plain_space(p);
        if (plain_take(p, object ? "}" : "]"))
            return true;
        if (!plain_take(p, ","))
            return false;
    }
}

static bool plain_value(struct plain *p)
{
    if (p->at == p->end)
        return false;
    switch (*p->at) {
    case '"':
        return plain_string(p);
    case '{':
    case '[': {
        bool object = *p->at++ == '{';
        p->depth++;
        bool whole = p->depth <= 64 && plain_items(p, object);
        p->depth--;
        return whole;
    }
    case 't':
        return plain_take(p, "true");
    case 'f':
        return plain_take(p, "false");
    case 'n':
        return plain_take(p, "null");
    default:
        return plain_number(p);
    }
}

static bool plain_document(cz_str text)
{
    struct plain p = { .at = text.ptr, .end = text.ptr + text.len };
    plain_space(&p);
    if (!plain_value(&p))
        return false;
    plain_space(&p);
    return p.at == p.end;
}

/* ---- comparisons ---- */

static bool same_bits(double a, double b)
{
    uint64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static bool same_tree(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CZ_JSON_BOOL:
        return a->as.boolean == b->as.boolean;
    case CZ_JSON_INT:
        return a->as.integer == b->as.integer;
    case CZ_JSON_REAL:
        return same_bits(a->as.real, b->as.real);
    case CZ_JSON_STR:
        return cz_str_eq(a->as.text, b->as.text);
    case CZ_JSON_LIST:
    case CZ_JSON_OBJECT:
        if (a->count != b->count)
            return false;
        for (uint32_t i = 0; i < a->count; i++)
            if (!same_tree(&a->as.items[i], &b->as.items[i]) ||
                (a->keys && !cz_str_eq(a->keys[i], b->keys[i])))
                return false;
        return true;
    case CZ_JSON_NULL:
    case CZ_JSON_END:
        break;
    }
    return true;
}

static void check_number(cz_str text, bool integer, int64_t value, double real)
{
    char copy[512], *end;
    if (text.len >= sizeof copy)
        return;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (integer)
        CHECK(strtoll(copy, &end, 10) == value && !*end);
    else
        CHECK(same_bits(strtod(copy, &end), real) && !*end);
}

/* The item just read and what follows of its level, against the tree's. */
static void check_pull(cz_json_reader *r, cz_json_kind kind, const cz_json_value *value)
{
    CHECK(kind == value->kind);
    if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT) {
        uint32_t depth = r->depth, i = 0;
        for (; (kind = cz_json_next(r)) != CZ_JSON_END; i++) {
            CHECK(i < value->count);
            CHECK(cz_str_eq(r->key, value->keys ? value->keys[i] : cz_str_of(NULL, 0)));
            check_pull(r, kind, &value->as.items[i]);
        }
        CHECK(i == value->count && r->depth == depth - 1);
        if (value->keys) /* repeated or not, the last of a name is what is found */
            CHECK(cz_json_get(value, value->keys[i - 1]) == &value->as.items[i - 1]);
        return;
    }
    cz_json_value read = { .kind = kind };
    if (kind == CZ_JSON_BOOL)
        read.as.boolean = r->boolean;
    else if (kind == CZ_JSON_INT)
        read.as.integer = r->integer;
    else if (kind == CZ_JSON_REAL)
        read.as.real = r->real;
    else if (kind == CZ_JSON_STR)
        read.as.text = r->text;
    CHECK(same_tree(&read, value));
    if (kind == CZ_JSON_INT || kind == CZ_JSON_REAL)
        check_number(r->text, kind == CZ_JSON_INT, r->integer, r->real);
    if (kind == CZ_JSON_STR)
        CHECK(cz_str_is_utf8(r->text));
}

static cz_str copy_exactly(const void *bytes, size_t len)
{
    char *copy = malloc(len);
    CHECK(copy || !len);
    if (len)
        memcpy(copy, bytes, len);
    return cz_str_of(copy, len);
}

static void free_copy(cz_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

/* A buffer that may hold just the text takes it, and one with a byte less does not. */
static void check_tight(const cz_json_value *tree, cz_str text)
{
    for (size_t less = 0; less < 2 && text.len > less; less++) {
        cz_buf out;
        cz_json_writer json;
        cz_buf_init(&out, text.len - less);
        cz_json_writer_init(&json, &out);
        cz_json_write(&json, tree);
        CHECK(cz_buf_status(&out) == (less ? CZ_ETOOBIG : CZ_OK));
        CHECK(less || cz_str_eq(cz_buf_str(&out), text));
        cz_buf_done(&out);
    }
}

static void check_accepted(cz_arena *arena, cz_str text, const cz_json_value *tree)
{
    cz_json_reader r;
    cz_json_reader_init(&r, arena, text, NULL);
    check_pull(&r, cz_json_next(&r), tree);
    CHECK(cz_json_next(&r) == CZ_JSON_END && r.status == CZ_OK);

    cz_buf first = { 0 }, second = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &first);
    cz_json_write(&json, tree);
    CHECK(cz_buf_status(&first) == CZ_OK && json.depth == 0);
    const cz_json_value *again;
    cz_str copy = copy_exactly(first.ptr, first.len);
    CHECK(cz_json_parse(arena, copy, NULL, &again, NULL) == CZ_OK);
    CHECK(same_tree(tree, again));
    cz_json_writer_init(&json, &second);
    cz_json_write(&json, again);
    CHECK(cz_str_eq(cz_buf_str(&first), cz_buf_str(&second)));
    check_tight(tree, cz_buf_str(&first));
    free_copy(copy);
    cz_buf_done(&first);
    cz_buf_done(&second);
}

/* Whether a failure is one the plain recogniser does not know. */
static bool is_extra_rule(const char *error)
{
    return strcmp(error, "Number out of range") == 0 ||
           strcmp(error, "Too many property names") == 0;
}

static void check_skipped(cz_arena *arena, cz_str text, const cz_json_reader *read)
{
    cz_json_reader r;
    cz_json_reader_init(&r, arena, text, NULL);
    (void)cz_json_next(&r);
    cz_json_skip(&r);
    CHECK(cz_json_next(&r) == CZ_JSON_END);
    CHECK(r.status == read->status && r.error_at == read->error_at && r.error == read->error);
}

static void check_document(cz_arena *arena, cz_str text)
{
    cz_json_reader r;
    cz_json_reader_init(&r, arena, text, NULL);
    do
        (void)cz_json_next(&r);
    while (r.depth && !r.status);
    if (!r.status)
        CHECK(cz_json_next(&r) == CZ_JSON_END);
    check_skipped(arena, text, &r);

    const cz_json_value *tree = NULL;
    cz_error err = { .status = CZ_OK };
    cz_status status = cz_json_parse(arena, text, NULL, &tree, &err);
    CHECK(status == r.status && err.status == status);
    if (status == CZ_OK) {
        CHECK(plain_document(text));
        check_accepted(arena, text, tree);
        return;
    }
    size_t line, column;
    cz_json_error_position(&r, &line, &column);
    CHECK(r.error_at <= text.len && line >= 1 && column >= 1 && line + column <= r.error_at + 2);
    CHECK(status == CZ_EPROTOCOL || status == CZ_ETOOBIG);
    CHECK(is_extra_rule(r.error) || !plain_document(text));
}

static void check_string(cz_arena *arena, cz_str bytes)
{
    cz_buf out = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &out);
    cz_json_str(&json, bytes);
    cz_json_u64(&json, bytes.len);
    out.len -= cz_u64_write((char[20]){ 0 }, bytes.len) + 1; /* a comma came before it */
    char *piece = malloc(2 + 6 * bytes.len + 16), *end = cz__json_write_str(piece, bytes);
    CHECK(cz_str_eq(cz_buf_str(&out), cz_str_of(piece, (size_t)(end - piece))));
    free(piece);
    const cz_json_value *read;
    CHECK(cz_json_parse(arena, cz_buf_str(&out), NULL, &read, NULL) == CZ_OK &&
          read->kind == CZ_JSON_STR);
    CHECK(cz_str_is_utf8(bytes) == cz_str_eq(read->as.text, bytes));
    cz_buf_done(&out);
}

static void check_double(const uint8_t *data)
{
    double value, read = 0;
    char text[CZ__JSON_F64_BYTES];
    memcpy(&value, data, sizeof value);
    char *end = cz__json_write_f64(text, value);
    CHECK(end < text + sizeof text);
    if (value - value == 0) /* finite */
        CHECK(cz__json_read_f64(cz_str_of(text, (size_t)(end - text)), &read) == CZ_OK &&
              same_bits(value, read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cz_arena *arena;
    CHECK(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    cz_str text = copy_exactly(data, size);
    check_document(arena, text);
    check_string(arena, text);
    if (size >= sizeof(double))
        check_double(data);
    free_copy(text);
    cz_arena_destroy(arena);
    return 0;
}
