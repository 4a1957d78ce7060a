/* calzone/expressions.h: what the database computes, checked by the compiler.
 *
 *     CZ_F(Book, price)                                a field, also over relations: CZ_F(Book, author->name)
 *     CZ_MUL(CZ_F(Book, price), CZ_F(Book, stock))     arithmetic
 *     CZ_LOWER(CZ_F(Book, title))                      functions
 *     CZ_CASE("dear", CZ_WHEN(CZ_Q(Book, price, LT, 10), "cheap"))
 *     CZ_SUM(CZ_F(Book, price), .filter = CZ_Q(Book, year, GTE, 2000))
 *     CZ_WINDOW(CZ_RANK, .partition_by = CZ_EXPRS(CZ_F(Book, author)), .order_by = ...)
 *     CZ_SUBQUERY(CZ_MAX(CZ_F(Book, price)), Book, .where = CZ_Q(Book, author, EXACT, CZ_OUTER(Author, id)))
 *
 * An expression is the value of a condition (CZ_Q(Book, sold, GT, CZ_F(Book, stock))), what a condition asks
 * about (CZ_QE(CZ_YEAR(CZ_F(Book, bought)), EXACT, 2020)), an assignment of cz_update(), an order
 * (CZ_DESC_OF(expression)), or a value of a record (cz_values()). Its type follows from its parts: text where
 * a number belongs does not compile. Like a condition it is a pointer to constants, also at file scope, and
 * lives as long as the block it stands in.
 *
 * Functions mean what Django's mean; each database's spelling is in its features.c.
 */
#ifndef CALZONE_EXPRESSIONS_H
#define CALZONE_EXPRESSIONS_H

#include <calzone/functions.h>
#include <calzone/models.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The types of expressions, each of its own so that the compiler tells them apart. They are never defined:
 * every expression is a struct cz__expr. A key expression is a relation, whose key may be of either kind. */
/* clang-format off */
struct cz__text_expr; struct cz__integer_expr; struct cz__real_expr; struct cz__exact_expr;
struct cz__boolean_expr; struct cz__day_expr; struct cz__instant_expr; struct cz__clock_expr;
struct cz__span_expr; struct cz__uuid_expr; struct cz__json_expr; struct cz__binary_expr;
struct cz__integers_expr; struct cz__texts_expr; struct cz__key_expr;
struct cz__sealed_expr; /* that no expression takes */
/* clang-format on */

struct cz__cond;
typedef const struct cz__cond *cz_cond;
struct cz_query;

enum cz__expr_op {
    CZ__EXPR_FIELD = 1,
    CZ__EXPR_OUTER,
    CZ__EXPR_VALUE,
    CZ__EXPR_CALL,
    CZ__EXPR_CASE,
    CZ__EXPR_WINDOW,
    CZ__EXPR_SUBQUERY,
    CZ__EXPR_COND
};

/* A value or, when its kind says so, a pointer to an expression. */
struct cz__arg {
    uint8_t value_kind; /* cz__value_kind */
    const void *value;
};

struct cz__when {
    cz_cond condition;
    struct cz__arg value;
};

struct cz__args {
    const struct cz__arg *items;
    size_t count;
};

/* A window's rows, relative to the current one: negative before it, CZ_UNBOUNDED_* without an end. */
typedef struct cz_frame {
    enum { CZ__FRAME_NONE, CZ__FRAME_ROWS, CZ__FRAME_RANGE } kind;
    int32_t start, end;
} cz_frame;
enum { CZ_UNBOUNDED_PRECEDING = INT32_MIN, CZ_UNBOUNDED_FOLLOWING = INT32_MAX };
#define CZ_ROWS_BETWEEN(start, end)                                                                \
    {                                                                                              \
        CZ__FRAME_ROWS, (start), (end)                                                             \
    }
/* Only CZ_UNBOUNDED_* and 0 (the current row and its peers). */
#define CZ_RANGE_BETWEEN(start, end)                                                               \
    {                                                                                              \
        CZ__FRAME_RANGE, (start), (end)                                                            \
    }

struct cz__expr {
    uint8_t op;       /* enum cz__expr_op */
    uint8_t function; /* enum cz__function */
    bool distinct;    /* aggregates: each value once */
    const cz_model *model;
    cz_str path;
    struct cz__args args;
    const struct cz__when *whens;
    uint32_t when_count;
    cz_cond filter; /* aggregates: only rows that match; CZ__EXPR_COND: the condition */
    const struct cz_query *query; /* of a subquery */
    struct cz__args partition_by; /* of a window, as the two below */
    cz_order_list order_by;       /* of a window; STRING_AGG: the order of its parts */
    cz_frame frame;
};

/* ---- types ---- */

/* clang-format off */
/* The type of an expression that is the field at a path. */
#define CZ__EXPR_AT(path)                                                                          \
    _Generic((path),                                                                               \
             struct cz__text *: (const struct cz__text_expr *)0,                                   \
             struct cz__integer *: (const struct cz__integer_expr *)0,                             \
             struct cz__real *: (const struct cz__real_expr *)0,                                   \
             struct cz__exact *: (const struct cz__exact_expr *)0,                                 \
             struct cz__boolean *: (const struct cz__boolean_expr *)0,                             \
             struct cz__day *: (const struct cz__day_expr *)0,                                     \
             struct cz__instant *: (const struct cz__instant_expr *)0,                             \
             struct cz__clock *: (const struct cz__clock_expr *)0,                                 \
             struct cz__span *: (const struct cz__span_expr *)0,                                   \
             struct cz__uuid *: (const struct cz__uuid_expr *)0,                                   \
             struct cz__json *: (const struct cz__json_expr *)0,                                   \
             struct cz__binary *: (const struct cz__binary_expr *)0,                               \
             struct cz__integers *: (const struct cz__integers_expr *)0,                           \
             struct cz__texts *: (const struct cz__texts_expr *)0,                                 \
             struct cz__sealed *: (const struct cz__sealed_expr *)0,                               \
             struct cz__file *: (const struct cz__sealed_expr *)0,                                 \
             struct cz__chosen *: (const struct cz__text_expr *)0,                                 \
             default: (const struct cz__key_expr *)0)
/* That of a value; of an expression its own. */
#define CZ__EXPR_LIKE(v)                                                                           \
    _Generic((v),                                                                                  \
             bool: (const struct cz__boolean_expr *)0,                                             \
             char: (const struct cz__integer_expr *)0,                                             \
             signed char: (const struct cz__integer_expr *)0,                                      \
             short: (const struct cz__integer_expr *)0,                                            \
             int: (const struct cz__integer_expr *)0,                                              \
             long: (const struct cz__integer_expr *)0,                                             \
             long long: (const struct cz__integer_expr *)0,                                        \
             unsigned char: (const struct cz__integer_expr *)0,                                    \
             unsigned short: (const struct cz__integer_expr *)0,                                   \
             unsigned: (const struct cz__integer_expr *)0,                                         \
             unsigned long: (const struct cz__integer_expr *)0,                                    \
             unsigned long long: (const struct cz__integer_expr *)0,                               \
             float: (const struct cz__real_expr *)0, double: (const struct cz__real_expr *)0,      \
             char *: (const struct cz__text_expr *)0, const char *: (const struct cz__text_expr *)0, \
             cz_str: (const struct cz__text_expr *)0, cz_decimal: (const struct cz__exact_expr *)0, \
             cz_date: (const struct cz__day_expr *)0,                                              \
             cz_datetime: (const struct cz__instant_expr *)0,                                      \
             cz_time: (const struct cz__clock_expr *)0,                                            \
             cz_duration: (const struct cz__span_expr *)0, cz_uuid: (const struct cz__uuid_expr *)0, \
             cz_bytes: (const struct cz__binary_expr *)0,                                          \
             default: (v))
/* That of a sum, difference or product: an integer takes the type of the other side, and what is added to
 * an instant or a day leaves its type. */
#define CZ__EXPR_SUM(a, b)                                                                         \
    _Generic(CZ__EXPR_LIKE(a), const struct cz__integer_expr *: CZ__EXPR_LIKE(b),                  \
             const struct cz__exact_expr *: _Generic(CZ__EXPR_LIKE(b),                             \
                 const struct cz__real_expr *: (const struct cz__real_expr *)0,                    \
                 default: (const struct cz__exact_expr *)0),                                       \
             const struct cz__span_expr *: _Generic(CZ__EXPR_LIKE(b),                              \
                 const struct cz__instant_expr *: (const struct cz__instant_expr *)0,              \
                 const struct cz__day_expr *: (const struct cz__day_expr *)0,                      \
                 const struct cz__clock_expr *: (const struct cz__clock_expr *)0,                  \
                 default: (const struct cz__span_expr *)0),                                        \
             default: CZ__EXPR_LIKE(a))
/* Two instants, days or times differ by a duration. */
#define CZ__EXPR_DIFFERENCE(a, b)                                                                  \
    _Generic(CZ__EXPR_LIKE(a),                                                                     \
             const struct cz__instant_expr *: _Generic(CZ__EXPR_LIKE(b),                           \
                 const struct cz__instant_expr *: (const struct cz__span_expr *)0,                 \
                 default: (const struct cz__instant_expr *)0),                                     \
             const struct cz__day_expr *: _Generic(CZ__EXPR_LIKE(b),                               \
                 const struct cz__day_expr *: (const struct cz__span_expr *)0,                     \
                 default: (const struct cz__day_expr *)0),                                         \
             const struct cz__clock_expr *: _Generic(CZ__EXPR_LIKE(b),                             \
                 const struct cz__clock_expr *: (const struct cz__span_expr *)0,                   \
                 default: (const struct cz__clock_expr *)0),                                       \
             default: CZ__EXPR_SUM(a, b))
/* What may be added to a value, subtracted from it and multiplied with it. */
#define CZ__ADDS(a)                                                                                \
    _Generic(CZ__EXPR_LIKE(a),                                                                     \
             const struct cz__instant_expr *: CZ__BITS_SPAN,                                       \
             const struct cz__day_expr *: CZ__BITS_SPAN,                                           \
             const struct cz__clock_expr *: CZ__BITS_SPAN,                                         \
             const struct cz__span_expr *: CZ__BITS_SPAN | CZ__BITS_INSTANT | CZ__BITS_DAY | CZ__BITS_TIME, \
             default: CZ__BITS_NUMBER)
#define CZ__SUBTRACTS(a)                                                                           \
    _Generic(CZ__EXPR_LIKE(a),                                                                     \
             const struct cz__instant_expr *: CZ__BITS_SPAN | CZ__BITS_INSTANT,                    \
             const struct cz__day_expr *: CZ__BITS_SPAN | CZ__BITS_DAY,                            \
             const struct cz__clock_expr *: CZ__BITS_SPAN | CZ__BITS_TIME,                         \
             const struct cz__span_expr *: CZ__BITS_SPAN, default: CZ__BITS_NUMBER)
#define CZ__MULTIPLIES(a)                                                                          \
    _Generic(CZ__EXPR_LIKE(a), const struct cz__integer_expr *: CZ__BITS_NUMBER | CZ__BITS_SPAN,   \
             default: CZ__BITS_NUMBER)
/* What may stand beside a value where either of them is given: what a field like it takes. */
#define CZ__ALIKE(v) CZ__ACCEPTS(CZ__EXPR_LIKE(v))
/* An average of integers is no integer. */
#define CZ__EXPR_AVERAGE(v)                                                                        \
    _Generic(CZ__EXPR_LIKE(v), const struct cz__integer_expr *: (const struct cz__real_expr *)0,   \
             default: CZ__EXPR_LIKE(v))
/* clang-format on */

#define CZ__EXPR(type, ...)                                                                        \
    ((__typeof__(type))(const void *)&(const struct cz__expr){ __VA_ARGS__ })
#define CZ__ARG(v)                                                                                 \
    {                                                                                              \
        (uint8_t) CZ__KIND_OF((v)), CZ__ADDRESS_OF((v))                                            \
    }
/* An argument that is one of the kinds of values in `suits`. */
#define CZ__ARG_OF(suits, v)                                                                       \
    {                                                                                              \
        (uint8_t)(CZ__KIND_OF((v)) + 0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((v), suits), v))),        \
            CZ__ADDRESS_OF((v))                                                                    \
    }
#define CZ__ARGS_1(a)                                                                              \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__ARG(a) }, 1                                                  \
    }
/* `suits` are the kinds of all but the first; of all there are. */
#define CZ__ARGS_2(a, suits, b)                                                                    \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__ARG(a), CZ__ARG_OF(suits, b) }, 2                            \
    }
#define CZ__ARGS_3(a, suits, b, c)                                                                 \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__ARG(a), CZ__ARG_OF(suits, b), CZ__ARG_OF(suits, c) }, 3      \
    }
#define CZ__ARGS_AFTER(a, suits, ...)                                                              \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__ARG(a), CZ__EACH(CZ__ARG_OF, suits, __VA_ARGS__) },          \
            1 + CZ__NARG(__VA_ARGS__)                                                              \
    }
#define CZ__ARGS_N(suits, ...)                                                                     \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__EACH(CZ__ARG_OF, suits, __VA_ARGS__) },                      \
            CZ__NARG(__VA_ARGS__)                                                                  \
    }
/* A call; `suits` are the kinds of values the first argument may have. */
#define CZ__CALL(type, fn, suits, first, ...)                                                      \
    CZ__EXPR(type, .op = CZ__EXPR_CALL, .function = CZ__FN_##fn,                                   \
             .when_count =                                                                         \
                 (uint32_t)(0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((first), suits), (first)))),       \
             .args = __VA_ARGS__)
#define CZ__CALL_0(type, fn, ...)                                                                  \
    CZ__EXPR((const struct type *)0, .op = CZ__EXPR_CALL, .function = CZ__FN_##fn, ##__VA_ARGS__)
#define CZ__TEXT_CALL(fn, e)                                                                       \
    CZ__CALL((const struct cz__text_expr *)0, fn, CZ__BITS_TEXT, e, CZ__ARGS_1(e))
#define CZ__INTEGER_CALL(fn, suits, e)                                                             \
    CZ__CALL((const struct cz__integer_expr *)0, fn, suits, e, CZ__ARGS_1(e))

/* ---- fields and values ---- */

/* A field of the query's model, or over relations. */
#define CZ_F(M, at)                                                                                \
    CZ__EXPR(CZ__EXPR_AT(CZ__AT(M, at)), .op = CZ__EXPR_FIELD, .model = &M##__model,               \
             .path = { #at, sizeof(#at) - 1 })
/* Inside a subquery: a field of the query around it. */
#define CZ_OUTER(M, at)                                                                            \
    CZ__EXPR(CZ__EXPR_AT(CZ__AT(M, at)), .op = CZ__EXPR_OUTER, .model = &M##__model,               \
             .path = { #at, sizeof(#at) - 1 })
/* A value where an expression must stand first, as in CZ_COALESCE(). */
#define CZ_VALUE(v) CZ__EXPR(CZ__EXPR_LIKE(v), .op = CZ__EXPR_VALUE, .args = CZ__ARGS_1(v))
/* Whether a condition holds, as a boolean. */
#define CZ_COND(condition)                                                                         \
    CZ__EXPR((const struct cz__boolean_expr *)0, .op = CZ__EXPR_COND, .filter = (condition))
/* A list of expressions. */
#define CZ_EXPRS(...) CZ__ARGS_N(CZ__BITS_ANY, __VA_ARGS__)

/* ---- arithmetic ---- */

/* Numbers; instants, days, times and durations where they can be added up. NULL when either is. */
#define CZ_ADD(a, b)                                                                               \
    CZ__CALL(CZ__EXPR_SUM(a, b), ADD, CZ__BITS_SUM, a, CZ__ARGS_2(a, CZ__ADDS(a), b))
#define CZ_SUB(a, b)                                                                               \
    CZ__CALL(CZ__EXPR_DIFFERENCE(a, b), SUB, CZ__BITS_SUM, a, CZ__ARGS_2(a, CZ__SUBTRACTS(a), b))
#define CZ_MUL(a, b)                                                                               \
    CZ__CALL(CZ__EXPR_SUM(a, b), MUL, CZ__BITS_NUMBER | CZ__BITS_SPAN, a,                          \
             CZ__ARGS_2(a, CZ__MULTIPLIES(a), b))
/* Integers divide as in C, without a remainder; decimals and floats do not. NULL when b is 0 on SQLite, an
 * error on PostgreSQL. */
#define CZ_DIV(a, b)                                                                               \
    CZ__CALL(CZ__EXPR_SUM(a, b), DIV, CZ__BITS_NUMBER, a, CZ__ARGS_2(a, CZ__BITS_NUMBER, b))
#define CZ_MOD(a, b)                                                                               \
    CZ__CALL(CZ__EXPR_SUM(a, b), MOD, CZ__BITS_NUMBER, a, CZ__ARGS_2(a, CZ__BITS_NUMBER, b))
#define CZ_NEGATE(e) CZ__CALL(CZ__EXPR_LIKE(e), NEGATE, CZ__BITS_NUMBER, e, CZ__ARGS_1(e))
#define CZ_ABS(e) CZ__CALL(CZ__EXPR_LIKE(e), ABS, CZ__BITS_NUMBER, e, CZ__ARGS_1(e))
#define CZ_CEIL(e) CZ__CALL(CZ__EXPR_LIKE(e), CEIL, CZ__BITS_NUMBER, e, CZ__ARGS_1(e))
#define CZ_FLOOR(e) CZ__CALL(CZ__EXPR_LIKE(e), FLOOR, CZ__BITS_NUMBER, e, CZ__ARGS_1(e))
#define CZ_ROUND(e, places)                                                                        \
    CZ__CALL(CZ__EXPR_LIKE(e), ROUND, CZ__BITS_NUMBER, e, CZ__ARGS_2(e, CZ__BITS_WHOLE, places))
#define CZ_SIGN(e) CZ__INTEGER_CALL(SIGN, CZ__BITS_NUMBER, e)
#define CZ_SQRT(e)                                                                                 \
    CZ__CALL((const struct cz__real_expr *)0, SQRT, CZ__BITS_NUMBER, e, CZ__ARGS_1(e))
#define CZ_POWER(a, b)                                                                             \
    CZ__CALL((const struct cz__real_expr *)0, POWER, CZ__BITS_NUMBER, a,                           \
             CZ__ARGS_2(a, CZ__BITS_NUMBER, b))

/* ---- text ---- */

/* NULL when the text is. Blanks alone are trimmed; the length is in characters. */
#define CZ_LOWER(e) CZ__TEXT_CALL(LOWER, e)
#define CZ_UPPER(e) CZ__TEXT_CALL(UPPER, e)
#define CZ_TRIM(e) CZ__TEXT_CALL(TRIM, e)
#define CZ_LTRIM(e) CZ__TEXT_CALL(LTRIM, e)
#define CZ_RTRIM(e) CZ__TEXT_CALL(RTRIM, e)
#define CZ_LENGTH(e) CZ__INTEGER_CALL(LENGTH, CZ__BITS_TEXT, e)
/* NULL counts as "", as Django's Concat. */
#define CZ_CONCAT(...)                                                                             \
    CZ__EXPR((const struct cz__text_expr *)0, .op = CZ__EXPR_CALL, .function = CZ__FN_CONCAT,      \
             .args = CZ__ARGS_N(CZ__BITS_ANY | CZ__BIT(NULL), __VA_ARGS__))
/* `from` counts from 1. */
#define CZ_SUBSTR(e, from, length)                                                                 \
    CZ__CALL((const struct cz__text_expr *)0, SUBSTR, CZ__BITS_TEXT, e,                            \
             CZ__ARGS_3(e, CZ__BITS_WHOLE, from, length))
#define CZ_LEFT(e, length)                                                                         \
    CZ__CALL((const struct cz__text_expr *)0, LEFT, CZ__BITS_TEXT, e,                              \
             CZ__ARGS_2(e, CZ__BITS_WHOLE, length))
#define CZ_RIGHT(e, length)                                                                        \
    CZ__CALL((const struct cz__text_expr *)0, RIGHT, CZ__BITS_TEXT, e,                             \
             CZ__ARGS_2(e, CZ__BITS_WHOLE, length))
#define CZ_REPLACE(e, old, new)                                                                    \
    CZ__CALL((const struct cz__text_expr *)0, REPLACE, CZ__BITS_TEXT, e,                           \
             CZ__ARGS_3(e, CZ__BITS_TEXT, old, new))
/* Where `part` begins, from 1; 0 when it is not there. */
#define CZ_STRPOS(e, part)                                                                         \
    CZ__CALL((const struct cz__integer_expr *)0, STRPOS, CZ__BITS_TEXT, e,                         \
             CZ__ARGS_2(e, CZ__BITS_TEXT, part))

/* ---- choices ---- */

/* The first that is not NULL. The type is that of the first, which is an expression, as below. */
#define CZ_COALESCE(first, ...)                                                                    \
    CZ__EXPR(CZ__EXPR_LIKE(first), .op = CZ__EXPR_CALL, .function = CZ__FN_COALESCE,               \
             .args = CZ__ARGS_N(CZ__ALIKE(first), first, __VA_ARGS__))
/* NULL when one of them is, on SQLite; on PostgreSQL NULLs are passed over. */
#define CZ_GREATEST(first, ...)                                                                    \
    CZ__EXPR(CZ__EXPR_LIKE(first), .op = CZ__EXPR_CALL, .function = CZ__FN_GREATEST,               \
             .args = CZ__ARGS_N(CZ__ALIKE(first), first, __VA_ARGS__))
#define CZ_LEAST(first, ...)                                                                       \
    CZ__EXPR(CZ__EXPR_LIKE(first), .op = CZ__EXPR_CALL, .function = CZ__FN_LEAST,                  \
             .args = CZ__ARGS_N(CZ__ALIKE(first), first, __VA_ARGS__))
#define CZ_NULLIF(a, b)                                                                            \
    CZ__EXPR(CZ__EXPR_LIKE(a), .op = CZ__EXPR_CALL, .function = CZ__FN_NULLIF,                     \
             .args = CZ__ARGS_N(CZ__ALIKE(a), a, b))
/* The value of the first CZ_WHEN() whose condition holds, else `otherwise`, which gives the type and so is no NULL. */
#define CZ_CASE(otherwise, ...)                                                                    \
    CZ__EXPR(CZ__EXPR_LIKE(otherwise), .op = CZ__EXPR_CASE,                                        \
             .args = CZ__ARGS_N(CZ__ALIKE(otherwise), otherwise),                                  \
             .whens = (const struct cz__when[]){ CZ__EACH(                                         \
                 CZ__WHEN_ITEM, CZ__ALIKE(otherwise) | CZ__BIT(NULL), __VA_ARGS__) },              \
             .when_count = CZ__NARG(__VA_ARGS__))
/* Inside CZ_CASE() alone. */
#define CZ_WHEN(condition, v) ((condition), v)
#define CZ__WHEN_ITEM(suits, pair) CZ__WHEN_OF(suits, CZ__UNWRAP pair)
#define CZ__UNWRAP(...) __VA_ARGS__
#define CZ__WHEN_OF(suits, ...) CZ__WHEN(suits, __VA_ARGS__)
#define CZ__WHEN(suits, condition, v)                                                              \
    {                                                                                              \
        condition, CZ__ARG_OF(suits, v)                                                            \
    }

/* ---- time ---- */

/* The clock of the database's transaction, or statement on SQLite. */
#define CZ_NOW CZ__CALL_0(cz__instant_expr, NOW)
#define CZ_YEAR(e) CZ__INTEGER_CALL(YEAR, CZ__BITS_DATE, e)
#define CZ_ISO_YEAR(e) CZ__INTEGER_CALL(ISO_YEAR, CZ__BITS_DATE, e)
#define CZ_QUARTER(e) CZ__INTEGER_CALL(QUARTER, CZ__BITS_DATE, e)
#define CZ_MONTH(e) CZ__INTEGER_CALL(MONTH, CZ__BITS_DATE, e)
/* The week of ISO 8601, 1 to 53. */
#define CZ_WEEK(e) CZ__INTEGER_CALL(WEEK, CZ__BITS_DATE, e)
#define CZ_DAY(e) CZ__INTEGER_CALL(DAY, CZ__BITS_DATE, e)
/* Sunday is 1, as in Django. */
#define CZ_WEEK_DAY(e) CZ__INTEGER_CALL(WEEK_DAY, CZ__BITS_DATE, e)
/* Monday is 1. */
#define CZ_ISO_WEEK_DAY(e) CZ__INTEGER_CALL(ISO_WEEK_DAY, CZ__BITS_DATE, e)
#define CZ_HOUR(e) CZ__INTEGER_CALL(HOUR, CZ__BITS_CLOCK, e)
#define CZ_MINUTE(e) CZ__INTEGER_CALL(MINUTE, CZ__BITS_CLOCK, e)
#define CZ_SECOND(e) CZ__INTEGER_CALL(SECOND, CZ__BITS_CLOCK, e)
#define CZ_DATE_OF(e)                                                                              \
    CZ__CALL((const struct cz__day_expr *)0, DATE_OF, CZ__BIT(EXPR_INSTANT), e, CZ__ARGS_1(e))
#define CZ_TIME_OF(e)                                                                              \
    CZ__CALL((const struct cz__clock_expr *)0, TIME_OF, CZ__BIT(EXPR_INSTANT), e, CZ__ARGS_1(e))
/* The beginning of the year, month, ... of a day or an instant: CZ_TRUNC(MONTH, CZ_F(Book, bought)). Units:
 * YEAR QUARTER MONTH WEEK DAY, and for instants HOUR MINUTE SECOND. */
#define CZ_TRUNC(unit, e) CZ__CALL(CZ__EXPR_LIKE(e), TRUNC_##unit, CZ__BITS_DATE, e, CZ__ARGS_1(e))

/* ---- casts and documents ---- */

/* As the database casts; what is no number is 0 on SQLite and an error on PostgreSQL. */
#define CZ_CAST_TEXT(e)                                                                            \
    CZ__CALL((const struct cz__text_expr *)0, CAST_TEXT, CZ__BITS_ANY, e, CZ__ARGS_1(e))
#define CZ_CAST_INT(e)                                                                             \
    CZ__CALL((const struct cz__integer_expr *)0, CAST_INT, CZ__BITS_ANY, e, CZ__ARGS_1(e))
#define CZ_CAST_REAL(e)                                                                            \
    CZ__CALL((const struct cz__real_expr *)0, CAST_REAL, CZ__BITS_ANY, e, CZ__ARGS_1(e))
/* What a document holds at a path of keys (and, as text, indexes): CZ_JSON_TEXT(CZ_F(Book, extra), "a", "0").
 * NULL where there is nothing, or what is there is of another kind. */
#define CZ_JSON_PATH(e, ...)                                                                       \
    CZ__CALL((const struct cz__json_expr *)0, JSON_PATH, CZ__BIT(EXPR_JSON), e,                    \
             CZ__ARGS_AFTER(e, CZ__BITS_TEXT, __VA_ARGS__))
#define CZ_JSON_TEXT(e, ...)                                                                       \
    CZ__CALL((const struct cz__text_expr *)0, JSON_TEXT, CZ__BIT(EXPR_JSON), e,                    \
             CZ__ARGS_AFTER(e, CZ__BITS_TEXT, __VA_ARGS__))
#define CZ_JSON_INT(e, ...)                                                                        \
    CZ__CALL((const struct cz__integer_expr *)0, JSON_INT, CZ__BIT(EXPR_JSON), e,                  \
             CZ__ARGS_AFTER(e, CZ__BITS_TEXT, __VA_ARGS__))
#define CZ_JSON_REAL(e, ...)                                                                       \
    CZ__CALL((const struct cz__real_expr *)0, JSON_REAL, CZ__BIT(EXPR_JSON), e,                    \
             CZ__ARGS_AFTER(e, CZ__BITS_TEXT, __VA_ARGS__))
#define CZ_LIST_LENGTH(e)                                                                          \
    CZ__INTEGER_CALL(LIST_LENGTH, CZ__BIT(EXPR_INTEGERS) | CZ__BIT(EXPR_TEXTS), e)

/* ---- full text ----
 *
 * Of rows that CZ_SEARCH() finds by the same query, which is a text (docs/topics/search.md). */

/* How well a row is found: more is better. The figures are the database's own, ts_rank() of PostgreSQL and bm25() of
 * SQLite; of a row that is not found they mean nothing, and SQLite's is NULL. */
#define CZ_SEARCH_RANK(M, query)                                                                   \
    CZ__CALL((const struct cz__real_expr *)0, SEARCH_RANK, CZ__BIT(CSTR) | CZ__BIT(STR), query,    \
             CZ__ARGS_1(query), .model = &M##__model, .path = { "id", sizeof("id") - 1 })
/* What stands around the words that are found in a text field, at most 35 words: HTML for the inside of an element,
 * the text escaped and the words in <mark>. Words are stemmed as the index of the field's model has them. */
#define CZ_SEARCH_HEADLINE(M, at, query)                                                           \
    CZ__CALL((const struct cz__text_expr *)0, SEARCH_HEADLINE, CZ__BIT(CSTR) | CZ__BIT(STR),       \
             query, CZ__ARGS_1(query), .model = &M##__model,                                       \
             .path = { #at, sizeof(#at) - 1 + 0 * sizeof(CZ__TEXT_AT(CZ__AT(M, at))) })
#define CZ__TEXT_AT(path) _Generic((path), struct cz__text * : (char)0)

/* ---- aggregates ----
 *
 * Further arguments: .distinct = true, .filter = CZ_Q(...). Over no rows a count is 0, the others NULL. */

#define CZ__AGGREGATE(type, fn, suits, e, ...)                                                     \
    CZ__EXPR(type, .op = CZ__EXPR_CALL, .function = CZ__FN_##fn,                                   \
             .when_count = (uint32_t)(0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((e), suits), (e)))),     \
             .args = CZ__ARGS_1(e), ##__VA_ARGS__)
/* The rows of a group, and those of them that match a condition. */
#define CZ_COUNT_ROWS CZ__CALL_0(cz__integer_expr, COUNT_ROWS)
#define CZ_COUNT_ROWS_IF(condition) CZ__CALL_0(cz__integer_expr, COUNT_ROWS, .filter = (condition))
/* The values that are not NULL. Over several to-many relations add .distinct: joins multiply rows. */
#define CZ_COUNT_OF(e, ...)                                                                        \
    CZ__AGGREGATE((const struct cz__integer_expr *)0, COUNT_OF, CZ__BITS_ANY, e, ##__VA_ARGS__)
#define CZ_SUM(e, ...)                                                                             \
    CZ__AGGREGATE(CZ__EXPR_LIKE(e), SUM, CZ__BITS_NUMBER | CZ__BIT(EXPR_SPAN), e, ##__VA_ARGS__)
#define CZ_AVG(e, ...)                                                                             \
    CZ__AGGREGATE(CZ__EXPR_AVERAGE(e), AVG, CZ__BITS_NUMBER | CZ__BIT(EXPR_SPAN), e, ##__VA_ARGS__)
#define CZ_MIN(e, ...) CZ__AGGREGATE(CZ__EXPR_LIKE(e), MIN, CZ__BITS_ANY, e, ##__VA_ARGS__)
#define CZ_MAX(e, ...) CZ__AGGREGATE(CZ__EXPR_LIKE(e), MAX, CZ__BITS_ANY, e, ##__VA_ARGS__)
/* Of the population, as Django's without sample=True. */
#define CZ_STDDEV(e, ...)                                                                          \
    CZ__AGGREGATE((const struct cz__real_expr *)0, STDDEV, CZ__BITS_NUMBER, e, ##__VA_ARGS__)
#define CZ_VARIANCE(e, ...)                                                                        \
    CZ__AGGREGATE((const struct cz__real_expr *)0, VARIANCE, CZ__BITS_NUMBER, e, ##__VA_ARGS__)
/* .order_by orders the parts, on PostgreSQL alone: SQLite has that since 3.44, and elsewhere it is CZ_EUNSUPPORTED; so is
 * .distinct, which SQLite takes of one argument and not of two. */
#define CZ_STRING_AGG(e, separator, ...)                                                           \
    CZ__EXPR((const struct cz__text_expr *)0, .op = CZ__EXPR_CALL, .function = CZ__FN_STRING_AGG,  \
             .args = CZ__ARGS_N(CZ__BITS_TEXT, e, separator), ##__VA_ARGS__)

/* ---- windows ----
 *
 * CZ_WINDOW(function, .partition_by = CZ_EXPRS(...), .order_by = CZ_ORDER_BY(...), .frame = ...), where the
 * function is an aggregate or one of these. */

#define CZ_WINDOW(call, ...)                                                                       \
    CZ__EXPR(CZ__EXPR_LIKE(call), .op = CZ__EXPR_WINDOW,                                           \
             .args = CZ__ARGS_N(CZ__BITS_EXPR, call) __VA_OPT__(, ) __VA_ARGS__)
/* The row's place: its number, the same for equals with and without gaps after them, from 0 to 1, as the share of
 * rows up to it, and which of so many equal parts it is in. */
#define CZ_ROW_NUMBER CZ__CALL_0(cz__integer_expr, ROW_NUMBER)
#define CZ_RANK CZ__CALL_0(cz__integer_expr, RANK)
#define CZ_DENSE_RANK CZ__CALL_0(cz__integer_expr, DENSE_RANK)
#define CZ_PERCENT_RANK CZ__CALL_0(cz__real_expr, PERCENT_RANK)
#define CZ_CUME_DIST CZ__CALL_0(cz__real_expr, CUME_DIST)
#define CZ_NTILE(parts)                                                                            \
    CZ__CALL_0(cz__integer_expr, NTILE, .args = CZ__ARGS_N(CZ__BITS_WHOLE, parts))
/* The value so many rows before, after; NULL where there is none. */
#define CZ_LAG(e, rows)                                                                            \
    CZ__CALL(CZ__EXPR_LIKE(e), LAG, CZ__BITS_ANY, e, CZ__ARGS_2(e, CZ__BITS_WHOLE, rows))
#define CZ_LEAD(e, rows)                                                                           \
    CZ__CALL(CZ__EXPR_LIKE(e), LEAD, CZ__BITS_ANY, e, CZ__ARGS_2(e, CZ__BITS_WHOLE, rows))
/* Of the first, the last and the n-th row of the frame, which ends at the current row's peers unless .frame says
 * otherwise. */
#define CZ_FIRST_VALUE(e) CZ__CALL(CZ__EXPR_LIKE(e), FIRST_VALUE, CZ__BITS_ANY, e, CZ__ARGS_1(e))
#define CZ_LAST_VALUE(e) CZ__CALL(CZ__EXPR_LIKE(e), LAST_VALUE, CZ__BITS_ANY, e, CZ__ARGS_1(e))
#define CZ_NTH_VALUE(e, n)                                                                         \
    CZ__CALL(CZ__EXPR_LIKE(e), NTH_VALUE, CZ__BITS_ANY, e, CZ__ARGS_2(e, CZ__BITS_WHOLE, n))

/* ---- subqueries ---- */

/* The value an expression over model M has in the first row that matches; NULL when none does. Further
 * arguments are cz_query members. Also the list of an IN: then without a limit of one row. */
#define CZ_SUBQUERY(e, M, ...)                                                                     \
    CZ__EXPR(CZ__EXPR_LIKE(e), .op = CZ__EXPR_SUBQUERY, .args = CZ__ARGS_N(CZ__BITS_ANY, e),       \
             .query = &(const struct cz_query){ .model = &M##__model __VA_OPT__(, ) __VA_ARGS__ })

#ifdef __cplusplus
}
#endif
#endif
