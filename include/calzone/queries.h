/* calzone/queries.h: queries the compiler checks.
 *
 *     cz_rows(Book) books = cz_select(ctx, Book,
 *         .where    = CZ_WHERE(CZ_Q(Book, author->name, ICONTAINS, name), CZ_Q(Book, year, GTE, 1900)),
 *         .related  = CZ_RELATED(Book, author),
 *         .order_by = CZ_ORDER_BY(CZ_DESC(Book, year)),
 *         .limit    = 10);
 *     for (size_t i = 0; i < books.count; i++)
 *         use(&books.items[i], CZ_REL(ctx, &books.items[i], author)->name);
 *
 * A field that does not exist, a wrong path over a relation and a value of the wrong type do not compile.
 * Values are only ever bound as parameters; names come only from the models.
 *
 * All of these raise what goes wrong (CZ_ENOTFOUND, CZ_EINTEGRITY, CZ_EBUSY, CZ_EDATABASE, CZ_ENOMEM) and
 * may suspend the fiber. Rows live in the context's arena.
 */
#ifndef CALZONE_QUERIES_H
#define CALZONE_QUERIES_H

#include <calzone/expressions.h>
#include <calzone/lookups.h>
#include <calzone/models.h>
#include <calzone/transactions.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- values ---- */

typedef enum cz__value_kind {
    CZ__VALUE_NONE,
    CZ__VALUE_NULL,
    CZ__VALUE_BOOL,
    CZ__VALUE_I8,
    CZ__VALUE_I16,
    CZ__VALUE_I32,
    CZ__VALUE_I64,
    CZ__VALUE_U8,
    CZ__VALUE_U16,
    CZ__VALUE_U32,
    CZ__VALUE_U64,
    CZ__VALUE_FLOAT,
    CZ__VALUE_DOUBLE,
    CZ__VALUE_CSTR,
    CZ__VALUE_STR,
    CZ__VALUE_UUID,
    CZ__VALUE_DATETIME,
    CZ__VALUE_DATE,
    CZ__VALUE_INTS,
    CZ__VALUE_STRS,
    CZ__VALUE_UUIDS,
    CZ__VALUE_DECIMAL,
    CZ__VALUE_TIME,
    CZ__VALUE_DURATION,
    CZ__VALUE_BYTES,
    CZ__VALUE_REALS,
    CZ__VALUE_DECIMALS,
    CZ__VALUE_DATES,
    CZ__VALUE_DATETIMES,
    CZ__VALUE_TIMES,
    CZ__VALUE_DURATIONS,
    CZ__VALUE_EXPR_TEXT, /* from here on: pointers to expressions, by their type */
    CZ__VALUE_EXPR_INTEGER,
    CZ__VALUE_EXPR_REAL,
    CZ__VALUE_EXPR_EXACT,
    CZ__VALUE_EXPR_BOOLEAN,
    CZ__VALUE_EXPR_DAY,
    CZ__VALUE_EXPR_INSTANT,
    CZ__VALUE_EXPR_CLOCK,
    CZ__VALUE_EXPR_SPAN,
    CZ__VALUE_EXPR_UUID,
    CZ__VALUE_EXPR_JSON,
    CZ__VALUE_EXPR_BINARY,
    CZ__VALUE_EXPR_INTEGERS,
    CZ__VALUE_EXPR_TEXTS,
    CZ__VALUE_EXPR_KEY,
    CZ__VALUE_KIND_COUNT
} cz__value_kind;

typedef struct cz_real_list {
    const double *items;
    size_t count;
} cz_real_list;
typedef struct cz_decimal_list {
    const cz_decimal *items;
    size_t count;
} cz_decimal_list;
typedef struct cz_date_list {
    const cz_date *items;
    size_t count;
} cz_date_list;
typedef struct cz_datetime_list {
    const cz_datetime *items;
    size_t count;
} cz_datetime_list;
typedef struct cz_time_list {
    const cz_time *items;
    size_t count;
} cz_time_list;
typedef struct cz_duration_list {
    const cz_duration *items;
    size_t count;
} cz_duration_list;

/* Counted lists for IN and RANGE. */
#define CZ_INTS(...)                                                                               \
    ((cz_int_list){ (const int64_t[]){ __VA_ARGS__ },                                              \
                    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t) })
#define CZ__LIST_OF(list, item, ...)                                                               \
    ((list){ (const item[]){ __VA_ARGS__ }, sizeof((const item[]){ __VA_ARGS__ }) / sizeof(item) })
#define CZ_UUIDS(...) CZ__LIST_OF(cz_uuid_list, cz_uuid, __VA_ARGS__)
#define CZ_REALS(...) CZ__LIST_OF(cz_real_list, double, __VA_ARGS__)
#define CZ_DECIMALS(...) CZ__LIST_OF(cz_decimal_list, cz_decimal, __VA_ARGS__)
#define CZ_DATES(...) CZ__LIST_OF(cz_date_list, cz_date, __VA_ARGS__)
#define CZ_DATETIMES(...) CZ__LIST_OF(cz_datetime_list, cz_datetime, __VA_ARGS__)
#define CZ_TIMES(...) CZ__LIST_OF(cz_time_list, cz_time, __VA_ARGS__)
#define CZ_DURATIONS(...) CZ__LIST_OF(cz_duration_list, cz_duration, __VA_ARGS__)
#define CZ_STRS(...)                                                                               \
    ((cz_str_list){ (const cz_str[]){ CZ__EACH(CZ__STR_ITEM, 0, __VA_ARGS__) },                    \
                    CZ__NARG(__VA_ARGS__) })
#define CZ__STR_ITEM(unused, text)                                                                 \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }

#define CZ__KIND_OF(v)                                                                             \
    _Generic((v), bool: CZ__VALUE_BOOL, char: CZ__VALUE_I8, signed char: CZ__VALUE_I8,             \
             short: CZ__VALUE_I16, int: CZ__VALUE_I32, long: CZ__VALUE_I64,                        \
             long long: CZ__VALUE_I64, unsigned char: CZ__VALUE_U8,                                \
             unsigned short: CZ__VALUE_U16, unsigned: CZ__VALUE_U32,                               \
             unsigned long: CZ__VALUE_U64, unsigned long long: CZ__VALUE_U64,                      \
             float: CZ__VALUE_FLOAT, double: CZ__VALUE_DOUBLE, char *: CZ__VALUE_CSTR,             \
             const char *: CZ__VALUE_CSTR, cz_str: CZ__VALUE_STR, cz_uuid: CZ__VALUE_UUID,         \
             cz_datetime: CZ__VALUE_DATETIME, cz_date: CZ__VALUE_DATE, cz_int_list: CZ__VALUE_INTS,\
             cz_str_list: CZ__VALUE_STRS, cz_uuid_list: CZ__VALUE_UUIDS, void *: CZ__VALUE_NULL,   \
             cz_decimal: CZ__VALUE_DECIMAL, cz_time: CZ__VALUE_TIME,                               \
             cz_duration: CZ__VALUE_DURATION, cz_bytes: CZ__VALUE_BYTES,                           \
             cz_real_list: CZ__VALUE_REALS, cz_decimal_list: CZ__VALUE_DECIMALS,                   \
             cz_date_list: CZ__VALUE_DATES, cz_datetime_list: CZ__VALUE_DATETIMES,                 \
             cz_time_list: CZ__VALUE_TIMES, cz_duration_list: CZ__VALUE_DURATIONS,                 \
             const struct cz__text_expr *: CZ__VALUE_EXPR_TEXT, \
             const struct cz__integer_expr *: CZ__VALUE_EXPR_INTEGER, \
             const struct cz__real_expr *: CZ__VALUE_EXPR_REAL, \
             const struct cz__exact_expr *: CZ__VALUE_EXPR_EXACT, \
             const struct cz__boolean_expr *: CZ__VALUE_EXPR_BOOLEAN, \
             const struct cz__day_expr *: CZ__VALUE_EXPR_DAY, \
             const struct cz__instant_expr *: CZ__VALUE_EXPR_INSTANT, \
             const struct cz__clock_expr *: CZ__VALUE_EXPR_CLOCK, \
             const struct cz__span_expr *: CZ__VALUE_EXPR_SPAN, \
             const struct cz__uuid_expr *: CZ__VALUE_EXPR_UUID, \
             const struct cz__json_expr *: CZ__VALUE_EXPR_JSON, \
             const struct cz__binary_expr *: CZ__VALUE_EXPR_BINARY, \
             const struct cz__integers_expr *: CZ__VALUE_EXPR_INTEGERS, \
             const struct cz__texts_expr *: CZ__VALUE_EXPR_TEXTS, \
             const struct cz__key_expr *: CZ__VALUE_EXPR_KEY, \
             default: CZ__VALUE_NONE)

/* The value's address, in an object of its own type with arrays decayed, so it is a constant expression
 * at file scope when the value is one. */
#define CZ__TYPE_OF(v)                                                                             \
    __typeof__(_Generic((v), char * : (char *)0, const char * : (const char *)0, default : (v)))
#define CZ__ADDRESS_OF(v) ((const void *)(const CZ__TYPE_OF(v)[1]){ v })

/* Which values suit which kind of path: a bit for each kind of value, looked up in what the path accepts, so
 * that a check names the value once and values may be long. 1 or 0 at compile time. */
/* clang-format off */
#define CZ__BIT(kind) (UINT64_C(1) << CZ__VALUE_##kind)
#define CZ__BITS_INT                                                                               \
    (CZ__BIT(BOOL) | CZ__BIT(I8) | CZ__BIT(I16) | CZ__BIT(I32) | CZ__BIT(I64) | CZ__BIT(U8) |      \
     CZ__BIT(U16) | CZ__BIT(U32) | CZ__BIT(U64))
#define CZ__BITS_INTEGER                                                                           \
    (CZ__BITS_INT | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_BOOLEAN) | CZ__BIT(EXPR_KEY))
#define CZ__BITS_EXACT                                                                             \
    (CZ__BITS_INT | CZ__BIT(DECIMAL) | CZ__BIT(EXPR_EXACT) | CZ__BIT(EXPR_INTEGER))
#define CZ__BITS_REAL                                                                              \
    (CZ__BITS_INT | CZ__BIT(FLOAT) | CZ__BIT(DOUBLE) | CZ__BIT(EXPR_REAL) |                        \
     CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_EXACT))
#define CZ__BITS_NUMBER (CZ__BITS_EXACT | CZ__BITS_REAL)
#define CZ__BITS_TEXT (CZ__BIT(CSTR) | CZ__BIT(STR) | CZ__BIT(EXPR_TEXT))
#define CZ__BITS_KEY                                                                               \
    (CZ__BITS_INT | CZ__BIT(UUID) | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY))
#define CZ__BITS_INSTANT (CZ__BIT(DATETIME) | CZ__BIT(EXPR_INSTANT))
#define CZ__BITS_DAY (CZ__BIT(DATE) | CZ__BIT(EXPR_DAY))
#define CZ__BITS_TIME (CZ__BIT(TIME) | CZ__BIT(EXPR_CLOCK))
#define CZ__BITS_SPAN (CZ__BIT(DURATION) | CZ__BIT(EXPR_SPAN))
#define CZ__BITS_SUM                                                                               \
    (CZ__BITS_NUMBER | CZ__BITS_INSTANT | CZ__BITS_DAY | CZ__BITS_TIME | CZ__BITS_SPAN)
#define CZ__BITS_DATE (CZ__BIT(EXPR_INSTANT) | CZ__BIT(EXPR_DAY))
#define CZ__BITS_CLOCK (CZ__BIT(EXPR_INSTANT) | CZ__BIT(EXPR_CLOCK))
#define CZ__BITS_WHOLE ((CZ__BITS_INT & ~CZ__BIT(BOOL)) | CZ__BIT(EXPR_INTEGER))
#define CZ__BITS_EXPR ~(CZ__BIT(EXPR_TEXT) - 1)
#define CZ__BITS_ANY ~(CZ__BIT(NONE) | CZ__BIT(NULL))
/* A relation is compared by the key of what it leads to. */
#define CZ__ACCEPTS(path)                                                                          \
    _Generic((path),                                                                               \
             struct cz__text *: CZ__BITS_TEXT, const struct cz__text_expr *: CZ__BITS_TEXT,        \
             struct cz__sealed *: CZ__BIT(CSTR) | CZ__BIT(STR),                                    \
             struct cz__chosen *: CZ__BITS_INT & ~CZ__BIT(BOOL), struct cz__file *: UINT64_C(0),   \
             struct cz__json *: CZ__BITS_TEXT | CZ__BIT(EXPR_JSON), const struct cz__json_expr *: CZ__BITS_TEXT | CZ__BIT(EXPR_JSON), \
             struct cz__integer *: CZ__BITS_INTEGER, const struct cz__integer_expr *: CZ__BITS_INTEGER, \
             struct cz__boolean *: CZ__BITS_INTEGER, const struct cz__boolean_expr *: CZ__BITS_INTEGER, \
             struct cz__real *: CZ__BITS_REAL, const struct cz__real_expr *: CZ__BITS_REAL,        \
             struct cz__exact *: CZ__BITS_EXACT, const struct cz__exact_expr *: CZ__BITS_EXACT,    \
             struct cz__uuid *: CZ__BIT(UUID) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY), const struct cz__uuid_expr *: CZ__BIT(UUID) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY), \
             struct cz__binary *: CZ__BIT(BYTES) | CZ__BIT(EXPR_BINARY), const struct cz__binary_expr *: CZ__BIT(BYTES) | CZ__BIT(EXPR_BINARY), \
             struct cz__instant *: CZ__BITS_INSTANT, const struct cz__instant_expr *: CZ__BITS_INSTANT, \
             struct cz__day *: CZ__BITS_DAY, const struct cz__day_expr *: CZ__BITS_DAY,            \
             struct cz__clock *: CZ__BITS_TIME, const struct cz__clock_expr *: CZ__BITS_TIME,      \
             struct cz__span *: CZ__BITS_SPAN, const struct cz__span_expr *: CZ__BITS_SPAN,        \
             struct cz__integers *: CZ__BIT(INTS) | CZ__BIT(EXPR_INTEGERS), const struct cz__integers_expr *: CZ__BIT(INTS) | CZ__BIT(EXPR_INTEGERS), \
             struct cz__texts *: CZ__BIT(STRS) | CZ__BIT(EXPR_TEXTS), const struct cz__texts_expr *: CZ__BIT(STRS) | CZ__BIT(EXPR_TEXTS), \
             const struct cz__key_expr *: CZ__BITS_KEY, default: CZ__BITS_KEY)
#define CZ__ACCEPTS_LISTS(path)                                                                    \
    _Generic((path),                                                                               \
             struct cz__sealed *: UINT64_C(0), const struct cz__sealed_expr *: UINT64_C(0), struct cz__chosen *: CZ__BIT(INTS), \
             struct cz__text *: CZ__BIT(STRS) | CZ__BIT(EXPR_TEXT), const struct cz__text_expr *: CZ__BIT(STRS) | CZ__BIT(EXPR_TEXT), \
             struct cz__integer *: CZ__BIT(INTS) | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_KEY), const struct cz__integer_expr *: CZ__BIT(INTS) | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_KEY), \
             struct cz__uuid *: CZ__BIT(UUIDS) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY), const struct cz__uuid_expr *: CZ__BIT(UUIDS) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY), \
             struct cz__real *: CZ__BIT(REALS) | CZ__BIT(EXPR_REAL), const struct cz__real_expr *: CZ__BIT(REALS) | CZ__BIT(EXPR_REAL), \
             struct cz__exact *: CZ__BIT(DECIMALS) | CZ__BIT(INTS) | CZ__BIT(EXPR_EXACT), const struct cz__exact_expr *: CZ__BIT(DECIMALS) | CZ__BIT(INTS) | CZ__BIT(EXPR_EXACT), \
             struct cz__instant *: CZ__BIT(DATETIMES) | CZ__BIT(EXPR_INSTANT), const struct cz__instant_expr *: CZ__BIT(DATETIMES) | CZ__BIT(EXPR_INSTANT), \
             struct cz__day *: CZ__BIT(DATES) | CZ__BIT(EXPR_DAY), const struct cz__day_expr *: CZ__BIT(DATES) | CZ__BIT(EXPR_DAY), \
             struct cz__clock *: CZ__BIT(TIMES) | CZ__BIT(EXPR_CLOCK), const struct cz__clock_expr *: CZ__BIT(TIMES) | CZ__BIT(EXPR_CLOCK), \
             struct cz__span *: CZ__BIT(DURATIONS) | CZ__BIT(EXPR_SPAN), const struct cz__span_expr *: CZ__BIT(DURATIONS) | CZ__BIT(EXPR_SPAN), \
             struct cz__boolean *: UINT64_C(0), const struct cz__boolean_expr *: UINT64_C(0),      \
             struct cz__json *: UINT64_C(0), const struct cz__json_expr *: UINT64_C(0),            \
             struct cz__binary *: UINT64_C(0), const struct cz__binary_expr *: UINT64_C(0),        \
             struct cz__integers *: UINT64_C(0), const struct cz__integers_expr *: UINT64_C(0),    \
             struct cz__texts *: UINT64_C(0), const struct cz__texts_expr *: UINT64_C(0),          \
             const struct cz__key_expr *: CZ__BIT(INTS) | CZ__BIT(UUIDS) | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY), default: CZ__BIT(INTS) | CZ__BIT(UUIDS) | CZ__BIT(EXPR_INTEGER) | CZ__BIT(EXPR_UUID) | CZ__BIT(EXPR_KEY))
#define CZ__IS_ONE_OF(v, bits) ((UINT64_C(1) << CZ__KIND_OF(v) & (bits)) != 0)
#define CZ__SUITS(path, v) CZ__IS_ONE_OF(v, CZ__ACCEPTS(path) | CZ__BIT(NULL))
/* What a condition compares: nothing but NULL is to be found in a column that is encrypted. */
#define CZ__COMPARES(path)                                                                         \
    _Generic((path), struct cz__sealed *: UINT64_C(0),                                             \
             const struct cz__sealed_expr *: UINT64_C(0), default: CZ__ACCEPTS(path))
#define CZ__SUITS_EXACT(path, v) CZ__IS_ONE_OF(v, CZ__COMPARES(path) | CZ__BIT(NULL))
#define CZ__SUITS_ORDER(path, v)                                                                   \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__chosen *: UINT64_C(0), default: CZ__COMPARES(path)))
#define CZ__SUITS_LIST(path, v) CZ__IS_ONE_OF(v, CZ__ACCEPTS_LISTS(path))
#define CZ__SUITS_TEXT(path, v)                                                                    \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__text *: CZ__BITS_TEXT,                            \
                              const struct cz__text_expr *: CZ__BITS_TEXT, default: UINT64_C(0)))
#define CZ__SUITS_ISNULL(path, v) CZ__IS_ONE_OF(v, CZ__BIT(BOOL) | CZ__BIT(I32))
/* JSON and arrays: a document or a list it contains; a key, keys. */
#define CZ__SUITS_CONTAINS(path, v)                                                                \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__text *: CZ__BITS_TEXT,                            \
                              const struct cz__text_expr *: CZ__BITS_TEXT,                         \
                              struct cz__json *: CZ__BIT(CSTR) | CZ__BIT(STR),                     \
                              struct cz__integers *: CZ__BIT(INTS),                                \
                              struct cz__texts *: CZ__BIT(STRS), default: UINT64_C(0)))
#define CZ__SUITS_OVERLAP(path, v)                                                                 \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__integers *: CZ__BIT(INTS),                        \
                              struct cz__texts *: CZ__BIT(STRS), default: UINT64_C(0)))
#define CZ__SUITS_HAS_KEY(path, v)                                                                 \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__json *: CZ__BIT(CSTR) | CZ__BIT(STR),             \
                              const struct cz__json_expr *: CZ__BIT(CSTR) | CZ__BIT(STR),          \
                              default: UINT64_C(0)))
#define CZ__SUITS_HAS_KEYS(path, v)                                                                \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__json *: CZ__BIT(STRS),                            \
                              const struct cz__json_expr *: CZ__BIT(STRS), default: UINT64_C(0)))
/* clang-format on */

/* A constant when `ok`, else an error at the value itself: a _Generic whose only case is a type the value
 * does not have. _Static_assert would name the line on which an enclosing macro begins, and Clang would
 * print the whole condition. */
struct cz__value_of_another_type;
#define CZ__RVALUE(v)                                                                              \
    _Generic((v), bool: (bool)0, char: (char)0, signed char: (signed char)0, short: (short)0,      \
             int: 0, long: 0L, long long: 0LL, unsigned char: (unsigned char)0,                    \
             unsigned short: (unsigned short)0, unsigned: 0U, unsigned long: 0UL,                  \
             unsigned long long: 0ULL, float: 0.0F, double: 0.0, char *: (char *)0,                \
             const char *: (const char *)0, cz_str: (cz_str){ 0 }, cz_uuid: (cz_uuid){ 0 },        \
             cz_datetime: (cz_datetime){ 0 }, cz_date: (cz_date){ 0 },                             \
             cz_int_list: (cz_int_list){ 0 }, cz_str_list: (cz_str_list){ 0 },                     \
             cz_uuid_list: (cz_uuid_list){ 0 }, void *: (void *)0,                                 \
             cz_decimal: (cz_decimal){ 0 }, cz_time: (cz_time){ 0 },                               \
             cz_duration: (cz_duration){ 0 }, cz_bytes: (cz_bytes){ 0 },                           \
             cz_real_list: (cz_real_list){ 0 }, cz_decimal_list: (cz_decimal_list){ 0 },           \
             cz_date_list: (cz_date_list){ 0 }, cz_datetime_list: (cz_datetime_list){ 0 },         \
             cz_time_list: (cz_time_list){ 0 }, cz_duration_list: (cz_duration_list){ 0 },         \
             const struct cz__text_expr *: (const struct cz__text_expr *)0, const struct cz__integer_expr *: (const struct cz__integer_expr *)0, const struct cz__real_expr *: (const struct cz__real_expr *)0, const struct cz__exact_expr *: (const struct cz__exact_expr *)0, const struct cz__boolean_expr *: (const struct cz__boolean_expr *)0, const struct cz__day_expr *: (const struct cz__day_expr *)0, const struct cz__instant_expr *: (const struct cz__instant_expr *)0, const struct cz__clock_expr *: (const struct cz__clock_expr *)0, const struct cz__span_expr *: (const struct cz__span_expr *)0, const struct cz__uuid_expr *: (const struct cz__uuid_expr *)0, const struct cz__json_expr *: (const struct cz__json_expr *)0, const struct cz__binary_expr *: (const struct cz__binary_expr *)0, const struct cz__integers_expr *: (const struct cz__integers_expr *)0, const struct cz__texts_expr *: (const struct cz__texts_expr *)0, const struct cz__key_expr *: (const struct cz__key_expr *)0, default: 0)
#define CZ__SUITED(ok, ...)                                                                        \
    _Generic(__VA_ARGS__, __typeof__(_Generic((char(*)[1 + (ok)])0, char(*)[2]                     \
                                              : CZ__RVALUE((__VA_ARGS__)), default                 \
                                              : (struct cz__value_of_another_type *)0)) : 1)
/* The same of a value that a field is given, where the error names what the field wants: such a value is passed to a
 * function of that name. `ok` names the field first, and where that fails nothing else is said: it chooses the struct
 * that has the field's tag or the one whose members are all of type char. Nothing is called, and there are no such
 * functions. */
/* clang-format off */
struct cz__an_integer { char none_; };
struct cz__true_or_false { char none_; };
struct cz__a_number { char none_; };
struct cz__a_constant_of_its_enum { char none_; };
struct cz__the_key_of_a_row { char none_; };
/* clang-format on */
int cz__value_suits(int, ...);
int cz__text_field_wants_text_or_a_cz_str(int, cz_str value);
int cz__integer_field_wants_an_integer(int, struct cz__an_integer value);
int cz__bool_field_wants_true_or_false(int, struct cz__true_or_false value);
int cz__float_field_wants_a_number(int, struct cz__a_number value);
int cz__decimal_field_wants_a_cz_decimal__see_cz_decimal_of(int, cz_decimal value);
int cz__date_field_wants_a_cz_date__see_cz_date_parse(int, cz_date value);
int cz__datetime_field_wants_a_cz_datetime__see_cz_now(int, cz_datetime value);
int cz__time_field_wants_a_cz_time__see_cz_time_parse(int, cz_time value);
int cz__duration_field_wants_a_cz_duration(int, cz_duration value);
int cz__uuid_field_wants_a_cz_uuid__see_cz_uuid_parse(int, cz_uuid value);
int cz__json_field_wants_the_text_of_a_document(int, cz_str value);
int cz__binary_field_wants_cz_bytes(int, cz_bytes value);
int cz__int_array_field_wants_a_cz_int_list__see_CZ_INTS(int, cz_int_list value);
int cz__text_array_field_wants_a_cz_str_list__see_CZ_STRS(int, cz_str_list value);
int cz__enum_field_wants_a_constant_of_its_enum(int, struct cz__a_constant_of_its_enum value);
int cz__relation_wants_the_key_of_a_row(int, struct cz__the_key_of_a_row value);
/* clang-format off */
#define CZ__SUITED_FOR(ok, path, index, at, ...)                                                   \
    CZ__WANTED_BY(_Generic((char(*)[1 + (ok)])0, char(*)[2]: (index), default: (path))->at)        \
    (0, __VA_ARGS__)
#define CZ__WANTED_BY(tag)                                                                         \
    _Generic((tag), char: cz__value_suits,                                                         \
             struct cz__text *: cz__text_field_wants_text_or_a_cz_str,                             \
             struct cz__sealed *: cz__text_field_wants_text_or_a_cz_str,                           \
             struct cz__integer *: cz__integer_field_wants_an_integer,                             \
             struct cz__boolean *: cz__bool_field_wants_true_or_false,                             \
             struct cz__real *: cz__float_field_wants_a_number,                                    \
             struct cz__exact *: cz__decimal_field_wants_a_cz_decimal__see_cz_decimal_of,          \
             struct cz__day *: cz__date_field_wants_a_cz_date__see_cz_date_parse,                  \
             struct cz__instant *: cz__datetime_field_wants_a_cz_datetime__see_cz_now,             \
             struct cz__clock *: cz__time_field_wants_a_cz_time__see_cz_time_parse,                \
             struct cz__span *: cz__duration_field_wants_a_cz_duration,                            \
             struct cz__uuid *: cz__uuid_field_wants_a_cz_uuid__see_cz_uuid_parse,                 \
             struct cz__json *: cz__json_field_wants_the_text_of_a_document,                       \
             struct cz__binary *: cz__binary_field_wants_cz_bytes,                                 \
             struct cz__integers *: cz__int_array_field_wants_a_cz_int_list__see_CZ_INTS,          \
             struct cz__texts *: cz__text_array_field_wants_a_cz_str_list__see_CZ_STRS,            \
             struct cz__chosen *: cz__enum_field_wants_a_constant_of_its_enum,                     \
             default: cz__relation_wants_the_key_of_a_row)
/* clang-format on */
/* The type of `result`, once `check` compiles: one mistake is one error. */
#define CZ__AFTER(check, result) (sizeof(check) ? (result) : (result))

/* ---- conditions ---- */

enum cz__cond_op {
    CZ__COND_EVERY = 1,
    CZ__COND_LEAF,
    CZ__COND_AND,
    CZ__COND_OR,
    CZ__COND_NOT,
    CZ__COND_XOR,
    CZ__COND_EXISTS,
    CZ__COND_LINKED /* rows that a many-to-many links to one with the key `value` */
};

struct cz__cond {
    uint8_t op;         /* enum cz__cond_op */
    uint8_t lookup;     /* cz_lookup */
    uint8_t value_kind; /* cz__value_kind */
    uint32_t count;     /* of the children; of LINKED the key's type */
    const cz_model *model;
    cz_str path;
    const struct cz__expr *expr; /* what is asked about, instead of a path */
    const void *value;
    const struct cz__cond *const *children;
    const struct cz_query *query; /* EXISTS */
    const void *link;             /* LINKED: the many-to-many, from the side of the key */
};
/* A condition: a pure expression, also at file scope. Inside a function it lives as long as the block it
 * stands in; cz_cond_copy() makes one that lives as long as the context. NULL means "no condition". */

/* `path lookup value`: CZ_Q(Book, author->name, ICONTAINS, "le guin"). A NULL value with EXACT means IS
 * NULL. Text lookups see %, _ and \ as themselves. The I-forms fold ASCII letters on SQLite, as Django's
 * do there. */
#define CZ_Q(M, at, lookup, ...)                                                                   \
    (&(const struct cz__cond){                                                                     \
        .model = &M##__model,                                                                      \
        .path = { #at, sizeof(#at) - 1 },                                                          \
        CZ__LEAF(CZ__AT(M, at), CZ_LOOKUP_##lookup, CZ__FOR_##lookup, __VA_ARGS__) })
/* The same about an expression: CZ_QE(CZ_YEAR(CZ_F(Book, bought)), EXACT, 2020). */
#define CZ_QE(expression, lookup_, ...)                                                            \
    (&(const struct cz__cond){                                                                     \
        .expr = (const struct cz__expr *)(const void *)(expression),                               \
        CZ__LEAF((expression), CZ_LOOKUP_##lookup_, CZ__FOR_##lookup_, __VA_ARGS__) })
#define CZ__LEAF(asked, lookup_value, suits, ...)                                                  \
    .op = CZ__COND_LEAF, .lookup = lookup_value,                                                   \
    .value_kind = (uint8_t)CZ__KIND_OF((__VA_ARGS__)),                                             \
    .count = (uint32_t)(0 * sizeof(CZ__SUITED(suits(asked, (__VA_ARGS__)), __VA_ARGS__))),         \
    .value = CZ__ADDRESS_OF((__VA_ARGS__))
/* The rows that the model's index of full text finds: CZ_SEARCH(Page, "desert planet"). A query is what a person
 * types: words, "a phrase", or, -word, begin* (docs/topics/search.md); nothing in it is an error. CZ_SEARCH_AT() asks
 * about the rows at a path: CZ_SEARCH_AT(Author, books, "dune").
 * Raises, when it is run: CZ_EVALIDATION: a query over 1,000 bytes or with a NUL; CZ_EINVAL: the model has no index with
 * .search. */
#define CZ_SEARCH(M, ...) CZ__SEARCH(M, id, "id", __VA_ARGS__)
#define CZ_SEARCH_AT(M, at, ...) CZ__SEARCH(M, at->id, #at "->id", __VA_ARGS__)
#define CZ__SEARCH(M, key, name, ...)                                                              \
    (&(const struct cz__cond){                                                                     \
        .model = &M##__model,                                                                      \
        .path = { name, sizeof(name) - 1 },                                                        \
        CZ__LEAF(CZ__AT(M, key), CZ_LOOKUP_SEARCH, CZ__SUITS_SEARCH, __VA_ARGS__) })
#define CZ__SUITS_SEARCH(key, v) (CZ__IS_ONE_OF(v, CZ__BIT(CSTR) | CZ__BIT(STR)) && sizeof(key))
#define CZ__FOR_EXACT CZ__SUITS_EXACT
#define CZ__FOR_IEXACT CZ__SUITS_TEXT
#define CZ__FOR_CONTAINS CZ__SUITS_CONTAINS
#define CZ__FOR_ICONTAINS CZ__SUITS_TEXT
#define CZ__FOR_STARTSWITH CZ__SUITS_TEXT
#define CZ__FOR_ISTARTSWITH CZ__SUITS_TEXT
#define CZ__FOR_ENDSWITH CZ__SUITS_TEXT
#define CZ__FOR_IENDSWITH CZ__SUITS_TEXT
#define CZ__FOR_REGEX CZ__SUITS_TEXT
#define CZ__FOR_IREGEX CZ__SUITS_TEXT
#define CZ__FOR_SEARCH CZ__SUITS_TEXT
#define CZ__FOR_IN CZ__SUITS_LIST
#define CZ__FOR_GT CZ__SUITS_ORDER
#define CZ__FOR_GTE CZ__SUITS_ORDER
#define CZ__FOR_LT CZ__SUITS_ORDER
#define CZ__FOR_LTE CZ__SUITS_ORDER
#define CZ__FOR_RANGE CZ__SUITS_LIST
#define CZ__FOR_ISNULL CZ__SUITS_ISNULL
#define CZ__FOR_CONTAINED_BY CZ__SUITS_OVERLAP
#define CZ__FOR_OVERLAP CZ__SUITS_OVERLAP
#define CZ__FOR_HAS_KEY CZ__SUITS_HAS_KEY
#define CZ__FOR_HAS_KEYS CZ__SUITS_HAS_KEYS
#define CZ__FOR_HAS_ANY_KEYS CZ__SUITS_HAS_KEYS
/* Whether a query has a row: CZ_EXISTS(Book, .where = CZ_Q(Book, author, EXACT, CZ_OUTER(Author, id))). */
#define CZ_EXISTS(M, ...)                                                                          \
    (&(const struct cz__cond){                                                                     \
        .op = CZ__COND_EXISTS,                                                                     \
        .query = &(const struct cz_query){ .model = &M##__model __VA_OPT__(, ) __VA_ARGS__ } })

#define CZ__GROUP(group_op, ...)                                                                   \
    (&(const struct cz__cond){ .op = group_op,                                                     \
                               .count = CZ__NARG(__VA_ARGS__),                                     \
                               .children = (const cz_cond[]){ __VA_ARGS__ } })
/* All of them, which CZ_WHERE() is, too; any of them. Of none the first is true and the second false. */
#define CZ_AND(...) CZ__GROUP(CZ__COND_AND, __VA_ARGS__)
#define CZ_OR(...) CZ__GROUP(CZ__COND_OR, __VA_ARGS__)
/* An odd number of them, so of two one: Django's ^. */
#define CZ_XOR(...) CZ__GROUP(CZ__COND_XOR, __VA_ARGS__)
/* The rows a condition does not give, those that have NULL there too: Django's exclude(). */
#define CZ_NOT(condition) CZ__GROUP(CZ__COND_NOT, condition)
#define CZ_WHERE(...) CZ__GROUP(CZ__COND_AND, __VA_ARGS__)
/* Every row, said on purpose: update and delete accept no empty condition. */
#define CZ_EVERY_ROW (&cz__every_row)
extern const struct cz__cond cz__every_row;
#define CZ_ALL CZ_EVERY_ROW

/* A copy that lives as long as the context. Raises: CZ_ENOMEM. */
cz_cond cz_cond_copy(cz_ctx *ctx, cz_cond cond);
/* An optional condition: a copy that lives as long as the context when `wanted`, else every row. Raises: CZ_ENOMEM. */
static inline cz_cond cz_cond_when(cz_ctx *ctx, bool wanted, cz_cond cond)
{
    return wanted ? cz_cond_copy(ctx, cond) : CZ_EVERY_ROW;
}
/* `count` conditions joined by AND; of none: every row. They and the array are borrowed. */
cz_cond cz_cond_all(cz_ctx *ctx, const cz_cond *conds, size_t count);
/* A condition whose field and value are known only at run time: `path` as in CZ_Q or with "__" for "->", the value as
 * text, read as the field's kind; lists, arrays and keys are comma separated, bytes base64. For filter back-ends
 * with an allow list: a path reaches every column of every related model.
 * Raises: CZ_EVALIDATION: the text is no such value, there is no such path, or its field has no such lookup. */
cz_cond cz_cond_text(cz_ctx *ctx, cz_model *model, cz_str path, cz_lookup lookup, cz_str text);
/* The lookup of this name, "icontains", in any case. Returns false when there is none. */
bool cz_lookup_find(cz_str name, cz_lookup *out);
/* An order that comes as text, "-year,author__name": names of `allowed`, each with a "-" when descending, with
 * "->" or "__" over relations. The result borrows `allowed`; of empty text it is empty.
 * Raises: CZ_EVALIDATION: a name that is not among them, or too many names. */
cz_order_list cz_order_text(cz_ctx *ctx, cz_fields allowed, cz_str text);
/* Names that come as text, "title,year", as fields of `allowed`, for .only and the like. Raises likewise. */
cz_fields cz_fields_text(cz_ctx *ctx, cz_fields allowed, cz_str text);

/* ---- queries ---- */

struct cz__assign {
    uint16_t field;     /* ordinal in the model */
    uint8_t value_kind; /* cz__value_kind */
    const void *value;
};

/* What a query of values computes: the members of a record, each with its expression or value. */
typedef struct cz_outputs {
    const cz_model *record;
    const struct cz__assign *items;
    size_t count;
} cz_outputs;

/* Rows locked until the transaction ends; SQLite's transactions lock the whole database already. */
typedef enum cz_lock {
    CZ_NO_LOCK,
    CZ_FOR_UPDATE,
    CZ_FOR_UPDATE_NOWAIT, /* CZ_EBUSY when a row is locked */
    CZ_FOR_UPDATE_SKIP_LOCKED,
    CZ_FOR_SHARE
} cz_lock;

typedef enum cz_combine_op {
    CZ__UNION = 1,
    CZ__UNION_ALL,
    CZ__INTERSECT,
    CZ__EXCEPT
} cz_combine_op;
typedef struct cz_combine { /* joined with the query's own rows */
    cz_combine_op op;
    const struct cz_query *const *queries;
    size_t count;
} cz_combine;

/* Which rows of a model that is CZ_SOFT_DELETED. */
typedef enum cz_deleted { CZ_WITHOUT_DELETED, CZ_WITH_DELETED, CZ_ONLY_DELETED } cz_deleted;

/* Rows to read along with those of a query, by a path of relations of either side (relations.h). */
typedef struct cz_prefetch {
    cz_str path;
    const struct cz_query *query; /* which of them, in which order; NULL: as they are */
} cz_prefetch;
typedef struct cz_prefetch_list {
    const cz_prefetch *items;
    size_t count;
} cz_prefetch_list;

typedef struct cz_query {
    cz_model *model;        /* set by the macros */
    cz_cond where;          /* NULL: every row; aggregates in it ask about groups (HAVING) */
    cz_order_list order_by; /* empty: the model's ordering */
    cz_fields related;      /* relations read by the same statement, CZ_RELATED(Book, author) */
    int64_t limit;          /* 0: no limit */
    int64_t offset;
    bool unordered;            /* leave out the model's ordering */
    bool distinct;             /* equal rows once */
    cz_fields distinct_on;     /* PostgreSQL: the first row for each value of these */
    cz_fields only, defer;     /* read these columns and the key alone; all but these */
    cz_lock lock;              /* inside cz_atomic() */
    cz_outputs values;         /* of cz_values() and cz_aggregate() */
    cz_combine combine;        /* CZ_UNION(...), CZ_INTERSECT(...), CZ_EXCEPT(...) */
    const cz_manager *manager; /* instead of the model's */
    cz_deleted deleted;        /* soft-deleted rows; those on the way over relations too */
    const char
        *database; /* the alias of the one it asks (databases.h); NULL: the router's, the model's */
    cz_prefetch_list prefetch; /* CZ_PREFETCH(Author, (books)): one more query for each relation */
    const char *as; /* inside CZ_PREFETCH(): the name cz_prefetched() finds the rows by */
    bool strict;  /* touching a relation or column of the rows that was not read raises CZ_EINVAL */
    bool repeats; /* asked again and again on purpose: not reported as one query a row */
    const char *file; /* of the call; set by the macros */
    int line;
} cz_query;

/* Another query of the same model, for .combine. */
#define CZ_QUERY(M, ...) (&(const cz_query){ .model = &M##__model __VA_OPT__(, ) __VA_ARGS__ })
#define CZ__COMBINE(combine_op, ...)                                                               \
    {                                                                                              \
        combine_op, (const cz_query *const[]){ __VA_ARGS__ },                                      \
            sizeof((const cz_query *const[]){ __VA_ARGS__ }) / sizeof(cz_query *)                  \
    }
/* For .combine: the rows of the query and of those named, CZ_QUERY(...) of the same model or, with .values, of any;
 * a union once each, or as often as they come; what is in all; what is in the first alone. All give the same columns:
 * .only and .defer of the query are for all, and it has no .related (CZ_EINVAL). */
#define CZ_UNION(...) CZ__COMBINE(CZ__UNION, __VA_ARGS__)
#define CZ_UNION_ALL(...) CZ__COMBINE(CZ__UNION_ALL, __VA_ARGS__)
#define CZ_INTERSECT(...) CZ__COMBINE(CZ__INTERSECT, __VA_ARGS__)
#define CZ_EXCEPT(...) CZ__COMBINE(CZ__EXCEPT, __VA_ARGS__)

/* For .related: foreign keys, over several too, CZ_RELATED(Book, author->country); at most 16 relations. */
#define CZ_RELATED(M, ...) CZ_FIELDS(M, __VA_ARGS__)

/* For .prefetch: relations to read along, one query each whatever the number of rows, in the order they stand.
 * Each is a path; what further narrows it names the model it leads to and cz_query members, whose .limit and
 * .offset count for each row apart:
 *
 *     .prefetch = CZ_PREFETCH(Author,
 *         (books->publisher),
 *         (books, Book, .where = CZ_Q(Book, year, GTE, 1900), .limit = 3, .as = "recent"))
 *
 * A path's own steps are read as they are. What has a name is found by cz_prefetched(); what has none is what
 * CZ_REL() and cz_related() without arguments then give. Members may be .where .order_by .unordered .limit
 * .offset .related .prefetch .only .defer .distinct .as. */
#define CZ_PREFETCH(M, ...)                                                                        \
    {                                                                                              \
        (const cz_prefetch[]){ CZ__EACH(CZ__PREFETCH, M, __VA_ARGS__) }, CZ__NARG(__VA_ARGS__)     \
    }
#define CZ__PREFETCH(M, item) CZ__PREFETCH_(M, CZ__UNPAIRED item)
#define CZ__PREFETCH_(M, ...) CZ__PREFETCH__(M, __VA_ARGS__)
#define CZ__PREFETCH__(M, at, ...)                                                                 \
    {                                                                                              \
        CZ__PATH_STR(M, at) __VA_OPT__(, CZ__PREFETCH_QUERY(M, at, __VA_ARGS__))                   \
    }
#define CZ__PREFETCH_QUERY(M, at, Target, ...)                                                     \
    (&(const cz_query){ .model = _Generic(CZ__AT(M, at), Target##__path *                          \
                                          : &Target##__model),                                     \
                        ##__VA_ARGS__ })
#define CZ__UNPAIRED(...) __VA_ARGS__

/* What cz_select() gives: a struct of `items`, an array of M, and `count`. */
#define cz_rows(M) M##__rows
#define cz__query_of(M, ...)                                                                       \
    (&(const cz_query){ .model = &M##__model, .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ })

struct cz__rows {
    void *items;
    size_t count;
};
struct cz__rows cz__select(cz_ctx *ctx, const cz_query *query);
void *cz__get(cz_ctx *ctx, const cz_query *query);
void *cz__first(cz_ctx *ctx, const cz_query *query);
int64_t cz__count(cz_ctx *ctx, const cz_query *query);
bool cz__exists(cz_ctx *ctx, const cz_query *query);
struct cz__rows cz__values(cz_ctx *ctx, const cz_query *query);
void *cz__aggregate(cz_ctx *ctx, const cz_query *query);
cz_str cz__explain(cz_ctx *ctx, const cz_query *query);

/* The rows that match, as cz_rows(M) { items, count }. Further arguments are cz_query members. */
#define cz_select(ctx, M, ...)                                                                     \
    ({                                                                                             \
        struct cz__rows cz__r = cz__select((ctx), cz__query_of(M, ##__VA_ARGS__));                 \
        (M##__rows){ (M *)cz__r.items, cz__r.count };                                              \
    })
/* The one row that matches. Raises: CZ_ENOTFOUND (a 404) when none, CZ_EMULTIPLE when more. */
#define cz_get(ctx, M, ...) ((M *)cz__get((ctx), cz__query_of(M, ##__VA_ARGS__)))
/* The first row in order, or NULL. */
#define cz_first(ctx, M, ...) ((M *)cz__first((ctx), cz__query_of(M, ##__VA_ARGS__)))
/* How many rows match, of a slice those in it. */
#define cz_count(ctx, M, ...) cz__count((ctx), cz__query_of(M, ##__VA_ARGS__))
/* Rows of computed values, as cz_rows(R) of the record R:
 *
 *     cz_values(ctx, Sales, Book, .values = CZ_AS(Sales, (author, CZ_F(Book, author->name)),
 *                                                        (total, CZ_SUM(CZ_F(Book, price)))))
 *
 * Where an aggregate stands among the values, rows are grouped by the others, as Django's
 * values().annotate(); conditions on aggregates choose groups, and what they read beside the
 * aggregates is grouped by, too. Without .order_by the order is the database's.
 * Raises: CZ_EINVAL: a number that does not fit its member. */
#define cz_values(ctx, R, M, ...)                                                                  \
    ({                                                                                             \
        struct cz__rows cz__r = cz__values((ctx), cz__query_of(M, __VA_ARGS__));                   \
        (R##__rows){ (R *)cz__r.items, cz__r.count };                                              \
    })
/* The one record of aggregates over all rows that match. Raises: as cz_values(); CZ_EINVAL: a value that is no
 * aggregate, or a condition that reads one beside it, made several groups of them. */
#define cz_aggregate(ctx, R, M, ...) ((R *)cz__aggregate((ctx), cz__query_of(M, __VA_ARGS__)))
#define CZ_AS(R, ...)                                                                              \
    {                                                                                              \
        &R##__model, (const struct cz__assign[]){ CZ__EACH(CZ__ASSIGN, R, __VA_ARGS__) },          \
            CZ__NARG(__VA_ARGS__)                                                                  \
    }
/* What the database says of the query's plan: EXPLAIN's lines (EXPLAIN QUERY PLAN on SQLite). */
#define cz_explain(ctx, M, ...) cz__explain((ctx), cz__query_of(M, ##__VA_ARGS__))
/* Whether a row matches. */
#define cz_exists(ctx, M, ...) cz__exists((ctx), cz__query_of(M, ##__VA_ARGS__))

/* ---- changes ---- */

#define CZ__UNPAIR(field, ...) field, __VA_ARGS__
#define CZ__ASSIGN(M, pair) CZ__ASSIGN_(M, CZ__UNPAIR pair)
#define CZ__ASSIGN_(M, ...) CZ__ASSIGN__(M, __VA_ARGS__)
#define CZ__ASSIGN__(M, at, ...)                                                                   \
    {                                                                                              \
        (uint16_t) __builtin_offsetof(                                                             \
            __typeof__(*CZ__AFTER(CZ__SUITED_FOR(CZ__SUITS(CZ__AT(M, at), (__VA_ARGS__)),          \
                                                 (M##__path *)0, (M##__index *)0, at,              \
                                                 __VA_ARGS__),                                     \
                                  (M##__index *)0)),                                               \
            at),                                                                                   \
            (uint8_t)CZ__KIND_OF((__VA_ARGS__)), CZ__ADDRESS_OF((__VA_ARGS__))                     \
    }
#define CZ__ASSIGNS(M, ...)                                                                        \
    (const struct cz__assign[]){ CZ__EACH(CZ__ASSIGN, M, ##__VA_ARGS__) }, CZ__NARG(__VA_ARGS__)

void *cz__create(cz_ctx *ctx, const char *database, cz_model *model,
                 const struct cz__assign *assigns, size_t count);
int64_t cz__update(cz_ctx *ctx, const cz_query *query, const struct cz__assign *assigns,
                   size_t count);
int64_t cz__delete(cz_ctx *ctx, const cz_query *query);
int64_t cz__restore(cz_ctx *ctx, const cz_query *query);
/* Of the deleted ones alone when the query is .deleted = CZ_ONLY_DELETED; its .lock is held to the end. */
int64_t cz__purge(cz_ctx *ctx, const cz_query *query);
void cz__row_assign(cz_ctx *ctx, cz_row *row, const struct cz__assign *assign);
void *cz__row_new(cz_ctx *ctx, cz_model *model);
void cz__save(cz_ctx *ctx, cz_row *row);
void cz__save_on(cz_ctx *ctx, const char *database, cz_row *row);
void cz__remove(cz_ctx *ctx, cz_row *row);
void cz__refresh(cz_ctx *ctx, cz_row *row, const char *file, int line);

/* Insert a row: cz_create(ctx, Book, (title, "Dune"), (author_id, author->id)). Fields left out take
 * their default. Returns the row, with its key.
 * Raises: CZ_EINTEGRITY: a unique, foreign key or not-null rule; CZ_EINVAL: a value outside the field's
 * type. Values are not validated beyond that: a serializer does. */
#define cz_create(ctx, M, ...)                                                                     \
    ((M *)cz__create(CZ__FROM(ctx), NULL, &M##__model, CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__)))
/* Change every row that matches in one statement: cz_update(ctx, Book, CZ_WHERE(...), (year, 1965)).
 * Returns how many matched. auto_now fields are not touched, as in Django. */
#define cz_update(ctx, M, where, ...)                                                              \
    cz__update((ctx), CZ__QUERY_WHERE(M, where), CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__))
/* The same for the rows of a query: cz_update_rows(ctx, Book, CZ_QUERY(Book, .deleted = CZ_ONLY_DELETED),
 * (year, 1965)). It may have no order, limit or union. */
#define cz_update_rows(ctx, M, query, ...)                                                         \
    cz__update((ctx), (query), CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__))
#define CZ__QUERY_WHERE(M, condition)                                                              \
    (&(const cz_query){ .model = &M##__model,                                                      \
                        .where = (condition),                                                      \
                        .repeats = true,                                                           \
                        .file = __FILE__,                                                          \
                        .line = __LINE__ })
/* Delete every row that matches, and what their on_delete rules say. Returns how many rows went, those
 * of other models included. Raises: CZ_EINTEGRITY: a protected row refers to one of them. */
#define cz_delete(ctx, M, where) cz__delete((ctx), CZ__QUERY_WHERE(M, where))
/* The same for the rows of a query, as cz_update_rows(). */
#define cz_delete_rows(ctx, query) cz__delete((ctx), (query))
/* The same in a database by its alias (databases.h). Raises: CZ_EINVAL: there is none of this alias. */
#define cz_create_on(ctx, database, M, ...)                                                        \
    ((M *)cz__create(CZ__FROM(ctx), (database), &M##__model,                                       \
                     CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__)))
#define cz_update_on(ctx, alias, M, condition, ...)                                                \
    cz__update((ctx), CZ_QUERY(M, .where = (condition), .database = (alias)),                      \
               CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__))
#define cz_delete_on(ctx, alias, M, condition)                                                     \
    cz__delete((ctx), CZ_QUERY(M, .where = (condition), .database = (alias)))

/* Of a model that is CZ_SOFT_DELETED, cz_delete() marks the rows that match, and what their CASCADE rules lead to
 * as far as that is CZ_SOFT_DELETED too; CZ_PROTECT and CZ_RESTRICT refuse as ever, and all other references
 * stay, as the rows do. Restoring brings back the rows that match among the deleted ones, with those that went
 * in the same deletion because of them; what another deleted row takes by CZ_CASCADE comes back with the last that
 * does. Returns how many came back.
 * Raises: CZ_EINVAL: the model is not CZ_SOFT_DELETED; CZ_EINTEGRITY: a row that matches refers by CZ_CASCADE to a
 * deleted one that does not come back; nothing did. */
#define cz_restore(ctx, M, where) cz__restore((ctx), CZ__QUERY_WHERE(M, where))
/* Delete for good the rows that match, deleted before or not, with what their on_delete rules say. Returns how
 * many rows went. Raises as cz_delete(). */
#define cz_purge(ctx, M, where) cz__purge((ctx), CZ__QUERY_WHERE(M, where))

/* A row of its own, with defaults, not yet stored; of a record too, which never is. */
#define cz_row_new(ctx, M) ((M *)cz__row_new((ctx), &M##__model))
/* Set a field of a row; cz_save() writes it. Text is borrowed and must live as long as the row. */
#define cz_set(ctx, row, at, ...)                                                                  \
    cz__row_assign((ctx), &(row)->row_,                                                            \
                   &(const struct cz__assign){                                                     \
                       (uint16_t) __builtin_offsetof(                                              \
                           __typeof__(*CZ__AFTER(                                                  \
                               CZ__SUITED_FOR(CZ__SUITS((row)->path_[0]->at, (__VA_ARGS__)),       \
                                              (row)->path_[0], (row)->index_[0], at, __VA_ARGS__), \
                               (row)->index_[0])),                                                 \
                           at),                                                                    \
                       (uint8_t)CZ__KIND_OF((__VA_ARGS__)), CZ__ADDRESS_OF((__VA_ARGS__)) })
/* Write the changed fields of a row: an UPDATE when it came from the database, an INSERT when not.
 * Raises as cz_create(); CZ_ENOTFOUND when the row is gone. */
#define cz_save(ctx, row) cz__save(CZ__FROM(ctx), &(row)->row_)
/* Write the row to the database of this alias, which it belongs to from then on. When it came from another one,
 * all its fields that are loaded are written: to the row of its key if there is one, else to a new one. */
#define cz_save_on(ctx, database, row) cz__save_on(CZ__FROM(ctx), (database), &(row)->row_)
/* Delete this row, as cz_delete(). Raises likewise; CZ_EINVAL: it is new, and has no key. */
#define cz_remove(ctx, row) cz__remove((ctx), &(row)->row_)
/* Read it again, with all its columns; what was read of its relations is forgotten. Raises: CZ_ENOTFOUND. */
#define cz_refresh(ctx, row) cz__refresh((ctx), &(row)->row_, __FILE__, __LINE__)

/* The row a foreign key points to; NULL when the key is NULL. Loaded at the first touch, for all rows of
 * the same result in one query. Raises: as a query; CZ_EINVAL: it was not read and the query is .strict. */
#define CZ_REL(ctx, row, relation)                                                                 \
    ((__typeof__((row)->relation##_slot_))cz__relation(                                            \
        (ctx), &(row)->row_, CZ__INDEX_OF(row, relation), __FILE__, __LINE__))
void *cz__relation(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line);

/* A column that .only or .defer may have left out. Its member is zero until it is read, which this does at the
 * first touch, for all rows of the same result in one query; cz_is_loaded() (models.h) only asks.
 * Raises: as a query; CZ_ENOTFOUND: the row is gone; CZ_EINVAL: the query is .strict, or the row is new and the
 * member was never set. */
#define cz_load(ctx, row, field)                                                                   \
    ({                                                                                             \
        __typeof__(row) cz__loaded = (row);                                                        \
        if (!cz_is_loaded(cz__loaded, field))                                                      \
            cz__load((ctx), &cz__loaded->row_, CZ__INDEX_OF(cz__loaded, field), __FILE__,          \
                     __LINE__);                                                                    \
        cz__loaded->field;                                                                         \
    })
void cz__load(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
