/* calzone/json.h: JSON (RFC 8259), written as a stream and read in one pass.
 *
 * The writer appends to a cz_buf, compact, raw UTF-8, and takes care of commas. Integers are exact,
 * doubles the shortest text that reads back as the same double; NaN and infinities become null
 * (DRF's strict JSON refuses them; a model's float field does not accept them on input).
 *
 * The reader is strict: RFC 8259 and nothing else, well-formed UTF-8 only, lone surrogate escapes
 * refused, depth and number of names bounded. It offers a pull interface, from which serializers
 * read straight into rows, and a tree in an arena built on it. Of a name that an object repeats the
 * last value counts, as in Python and DRF: the pull interface gives every member in order, and who
 * reads takes the last; cz_json_get() does.
 */
#ifndef CALZONE_JSON_H
#define CALZONE_JSON_H

#include <calzone/buf.h>
#include <calzone/decimal.h>
#include <calzone/memory.h>
#include <calzone/random.h>
#include <calzone/str.h>
#include <calzone/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing ---- */

typedef struct cz_json_writer {
    cz_buf *out; /* borrowed */
    uint8_t depth;
    bool comma; /* the next item needs one before it */
} cz_json_writer;

static inline void cz_json_writer_init(cz_json_writer *json, cz_buf *out)
{
    json->out = out;
    json->depth = 0;
    json->comma = false;
}

/* Failures stay in the buffer (cz_buf_status). Depth is limited to CZ_JSON_WRITE_DEPTH_MAX
 * (asserted: our own bug), which leaves room around any document the reader accepts. */
enum { CZ_JSON_WRITE_DEPTH_MAX = 250, CZ_JSON_READ_DEPTH_MAX = 128 };
void cz_json_object(cz_json_writer *json);
void cz_json_object_end(cz_json_writer *json);
void cz_json_list(cz_json_writer *json);
void cz_json_list_end(cz_json_writer *json);
void cz_json_key(cz_json_writer *json, cz_str key);
/* Values. Text that is not UTF-8 has its bad bytes replaced by U+FFFD. */
void cz_json_str(cz_json_writer *json, cz_str value);
void cz_json_i64(cz_json_writer *json, int64_t value);
void cz_json_u64(cz_json_writer *json, uint64_t value);
void cz_json_f64(cz_json_writer *json, double value);
void cz_json_bool(cz_json_writer *json, bool value);
void cz_json_null(cz_json_writer *json);
/* As serializers write fields of these kinds: text in quotes, of a decimal too, which a number would round. */
void cz_json_decimal(cz_json_writer *json, cz_decimal value);
void cz_json_date(cz_json_writer *json, cz_date value);
void cz_json_datetime(cz_json_writer *json, cz_datetime value);
void cz_json_time(cz_json_writer *json, cz_time value);
void cz_json_duration(cz_json_writer *json, cz_duration value);
void cz_json_uuid(cz_json_writer *json, cz_uuid value);
/* A finished piece of JSON, as it is. */
void cz_json_raw(cz_json_writer *json, cz_str value);

/* The pieces for those who write commas themselves (serializers): `out` needs the room stated; each
 * returns the end. */
char *cz__json_write_str(char *out, cz_str value); /* 2 + 6 * len + 16 bytes of room */
enum { CZ__JSON_F64_BYTES = 32 };
char *cz__json_write_f64(char *out, double value); /* CZ__JSON_F64_BYTES bytes of room */
/* Read a whole string as a number in JSON's syntax; correctly rounded, no locale.
 * Errors: CZ_EVALIDATION not a number; CZ_ETOOBIG it overflows. */
CZ_NODISCARD cz_status cz__json_read_f64(cz_str text, double *out);

/* ---- reading ---- */

typedef enum cz_json_kind {
    CZ_JSON_NULL,
    CZ_JSON_BOOL,
    CZ_JSON_INT,  /* no fraction or exponent, and fits int64 */
    CZ_JSON_REAL, /* any other number, as the nearest double, -0 too; out of range is an error */
    CZ_JSON_STR,
    CZ_JSON_LIST,
    CZ_JSON_OBJECT,
    CZ_JSON_END /* only from cz_json_next(): the list, object or document has ended */
} cz_json_kind;

typedef struct cz_json_limits {
    uint32_t depth_max; /* 0: 64; at most CZ_JSON_READ_DEPTH_MAX */
    uint32_t keys_max;  /* 0: 20,000 in the document, repeated ones included */
} cz_json_limits;

typedef struct cz_json_reader {
    const char *at, *end, *start;
    cz_arena *arena; /* for strings with escapes */
    cz_json_limits limits;
    uint32_t depth, key_count;
    uint8_t stack[CZ_JSON_READ_DEPTH_MAX / 8]; /* private: one bit a level, object or list */
    uint8_t state;                             /* private */
    cz_status status;                          /* the first failure */
    size_t error_at;                           /* byte offset of it */
    const char *error;                         /* static sentence: "Expecting value" */
    /* the item read last */
    cz_str key;  /* in an object: the member's name, escapes decoded */
    cz_str text; /* CZ_JSON_STR: the value; numbers: their source text */
    int64_t integer;
    double real;
    bool boolean;
} cz_json_reader;

/* Begin reading `text`, which is borrowed until the end. `arena` is used only where a string has
 * escapes. */
void cz_json_reader_init(cz_json_reader *reader, cz_arena *arena, cz_str text,
                         const cz_json_limits *limits);
/* Read the next item at the current level: its kind, with key and value in the reader. CZ_JSON_LIST
 * and CZ_JSON_OBJECT enter it: the next calls read its items until CZ_JSON_END. At the top level
 * CZ_JSON_END means the document was whole and nothing follows it. After a failure it always
 * returns CZ_JSON_END, with reader->status set: check it at the end. Failures: CZ_EPROTOCOL
 * malformed; CZ_ETOOBIG a limit; CZ_ENOMEM. */
cz_json_kind cz_json_next(cz_json_reader *reader);
/* Having just read a CZ_JSON_LIST or CZ_JSON_OBJECT, pass over its contents to its end (still fully
 * checked). */
void cz_json_skip(cz_json_reader *reader);
/* Line and column (from 1, in code points) of the failure. */
void cz_json_error_position(const cz_json_reader *reader, size_t *out_line, size_t *out_column);

/* Whether `text` is one whole document, at most 64 levels deep; false also when there is no memory
 * to find out. */
bool cz_json_is_valid(cz_str text);
/* The same, told apart. Errors: CZ_ENOMEM; any other: it is none. */
CZ_NODISCARD cz_status cz__json_check(cz_str text);
/* Whether a document, in whatever place, has a text with a null character, which PostgreSQL keeps in none. */
bool cz__json_has_null_character(cz_str text);

/* ---- a tree, for documents whose shape is not known ---- */

typedef struct cz_json_value cz_json_value;
struct cz_json_value {
    cz_json_kind kind;
    uint32_t count; /* items of a list or object */
    union {
        bool boolean;
        int64_t integer;
        double real;
        cz_str text;
        const cz_json_value *items; /* list; for an object the values, with `keys` beside */
    } as;
    const cz_str *keys; /* object only; every member in order, a repeated one each time */
};

/* Parse a whole document. Owns: the tree is in `arena`; unescaped text points into `text`.
 * Errors: CZ_EPROTOCOL, CZ_ETOOBIG, CZ_ENOMEM; `err` says where: "JSON parse error: Expecting
 * value: line 1 column 2 (char 1)" (DRF's sentence). */
CZ_NODISCARD cz_status cz_json_parse(cz_arena *arena, cz_str text, const cz_json_limits *limits,
                                     const cz_json_value **out, cz_error *err);
/* The member `key`, the last when it is repeated; NULL when there is none or `object` is not an
 * object (or NULL). */
const cz_json_value *cz_json_get(const cz_json_value *object, cz_str key);
/* Whether two trees say the same; the order of members does not matter, and 1 is not 1.0. */
bool cz_json_eq(const cz_json_value *a, const cz_json_value *b);
/* Write a tree, repeated members each time: whoever reads it takes the same one. */
void cz_json_write(cz_json_writer *json, const cz_json_value *value);

#ifdef __cplusplus
}
#endif
#endif
