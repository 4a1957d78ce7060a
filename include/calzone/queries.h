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

#include <calzone/lookups.h>
#include <calzone/models.h>

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
#define CZ__BITS_INTEGER                                                                           \
    (CZ__BIT(BOOL) | CZ__BIT(I8) | CZ__BIT(I16) | CZ__BIT(I32) | CZ__BIT(I64) | CZ__BIT(U8) |      \
     CZ__BIT(U16) | CZ__BIT(U32) | CZ__BIT(U64))
#define CZ__BITS_REAL (CZ__BITS_INTEGER | CZ__BIT(FLOAT) | CZ__BIT(DOUBLE))
#define CZ__BITS_EXACT (CZ__BITS_INTEGER | CZ__BIT(DECIMAL))
#define CZ__BITS_TEXT (CZ__BIT(CSTR) | CZ__BIT(STR))
/* A relation is compared by the key of what it leads to. */
#define CZ__ACCEPTS(path)                                                                          \
    _Generic((path),                                                                               \
             struct cz__text *: CZ__BITS_TEXT, struct cz__json *: CZ__BITS_TEXT,                   \
             struct cz__integer *: CZ__BITS_INTEGER, struct cz__boolean *: CZ__BITS_INTEGER,       \
             struct cz__real *: CZ__BITS_REAL, struct cz__exact *: CZ__BITS_EXACT,                 \
             struct cz__uuid *: CZ__BIT(UUID), struct cz__binary *: CZ__BIT(BYTES),                \
             struct cz__instant *: CZ__BIT(DATETIME), struct cz__day *: CZ__BIT(DATE),             \
             struct cz__clock *: CZ__BIT(TIME), struct cz__span *: CZ__BIT(DURATION),              \
             struct cz__integers *: CZ__BIT(INTS), struct cz__texts *: CZ__BIT(STRS),              \
             default: CZ__BITS_INTEGER | CZ__BIT(UUID))
#define CZ__ACCEPTS_LISTS(path)                                                                    \
    _Generic((path),                                                                               \
             struct cz__text *: CZ__BIT(STRS), struct cz__integer *: CZ__BIT(INTS),                \
             struct cz__uuid *: CZ__BIT(UUIDS), struct cz__real *: CZ__BIT(REALS),                 \
             struct cz__exact *: CZ__BIT(DECIMALS) | CZ__BIT(INTS),                                \
             struct cz__instant *: CZ__BIT(DATETIMES), struct cz__day *: CZ__BIT(DATES),           \
             struct cz__clock *: CZ__BIT(TIMES), struct cz__span *: CZ__BIT(DURATIONS),            \
             struct cz__boolean *: 0, struct cz__json *: 0, struct cz__binary *: 0,                \
             struct cz__integers *: 0, struct cz__texts *: 0,                                      \
             default: CZ__BIT(INTS) | CZ__BIT(UUIDS))
#define CZ__IS_ONE_OF(v, bits) ((UINT64_C(1) << CZ__KIND_OF(v) & (bits)) != 0)
#define CZ__SUITS(path, v) CZ__IS_ONE_OF(v, CZ__ACCEPTS(path) | CZ__BIT(NULL))
#define CZ__SUITS_ORDER(path, v) CZ__IS_ONE_OF(v, CZ__ACCEPTS(path))
#define CZ__SUITS_LIST(path, v) CZ__IS_ONE_OF(v, CZ__ACCEPTS_LISTS(path))
#define CZ__SUITS_TEXT(path, v)                                                                    \
    CZ__IS_ONE_OF(v, _Generic((path), struct cz__text *: CZ__BITS_TEXT, default: UINT64_C(0)))
#define CZ__SUITS_ISNULL(path, v) CZ__IS_ONE_OF(v, CZ__BIT(BOOL) | CZ__BIT(I32))
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
             default: 0)
#define CZ__SUITED(ok, ...)                                                                        \
    _Generic(__VA_ARGS__, __typeof__(_Generic((char(*)[1 + (ok)])0, char(*)[2]                     \
                                              : CZ__RVALUE((__VA_ARGS__)), default                 \
                                              : (struct cz__value_of_another_type *)0)) : 1)
/* The type of `result`, once `check` compiles: one mistake is one error. */
#define CZ__AFTER(check, result) (sizeof(check) ? (result) : (result))

/* ---- conditions ---- */

enum cz__cond_op { CZ__COND_EVERY = 1, CZ__COND_LEAF, CZ__COND_AND, CZ__COND_OR, CZ__COND_NOT };

struct cz__cond {
    uint8_t op;         /* enum cz__cond_op */
    uint8_t lookup;     /* cz_lookup */
    uint8_t value_kind; /* cz__value_kind */
    uint32_t count;
    const cz_model *model;
    cz_str path;
    const void *value;
    const struct cz__cond *const *children;
};
/* A condition: a pure expression, also at file scope. Inside a function it lives as long as the block it
 * stands in; cz_cond_copy() makes one that lives as long as the context. NULL means "no condition". */
typedef const struct cz__cond *cz_cond;

/* `path lookup value`: CZ_Q(Book, author->name, ICONTAINS, "le guin"). A NULL value with EXACT means IS
 * NULL. Text lookups see %, _ and \ as themselves. The I-forms fold ASCII letters on SQLite, as Django's
 * do there. */
#define CZ_Q(M, path, lookup, ...) CZ__Q_##lookup(M, path, __VA_ARGS__)
#define CZ__LEAF(M, at, lookup_value, suits, ...)                                                  \
    (&(const struct cz__cond){                                                                     \
        .op = CZ__COND_LEAF,                                                                       \
        .lookup = lookup_value,                                                                    \
        .value_kind = (uint8_t)CZ__KIND_OF((__VA_ARGS__)),                                         \
        .count =                                                                                   \
            (uint32_t)(0 * sizeof(CZ__SUITED(suits(CZ__AT(M, at), (__VA_ARGS__)), __VA_ARGS__))),  \
        .model = &M##__model,                                                                      \
        .path = { #at, sizeof(#at) - 1 },                                                          \
        .value = CZ__ADDRESS_OF((__VA_ARGS__)) })
#define CZ__Q_EXACT(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_EXACT, CZ__SUITS, __VA_ARGS__)
#define CZ__Q_IEXACT(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_IEXACT, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_CONTAINS(M, path, ...)                                                               \
    CZ__LEAF(M, path, CZ_LOOKUP_CONTAINS, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_ICONTAINS(M, path, ...)                                                              \
    CZ__LEAF(M, path, CZ_LOOKUP_ICONTAINS, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_STARTSWITH(M, path, ...)                                                             \
    CZ__LEAF(M, path, CZ_LOOKUP_STARTSWITH, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_ISTARTSWITH(M, path, ...)                                                            \
    CZ__LEAF(M, path, CZ_LOOKUP_ISTARTSWITH, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_ENDSWITH(M, path, ...)                                                               \
    CZ__LEAF(M, path, CZ_LOOKUP_ENDSWITH, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_IENDSWITH(M, path, ...)                                                              \
    CZ__LEAF(M, path, CZ_LOOKUP_IENDSWITH, CZ__SUITS_TEXT, __VA_ARGS__)
#define CZ__Q_IN(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_IN, CZ__SUITS_LIST, __VA_ARGS__)
#define CZ__Q_GT(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_GT, CZ__SUITS_ORDER, __VA_ARGS__)
#define CZ__Q_GTE(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_GTE, CZ__SUITS_ORDER, __VA_ARGS__)
#define CZ__Q_LT(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_LT, CZ__SUITS_ORDER, __VA_ARGS__)
#define CZ__Q_LTE(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_LTE, CZ__SUITS_ORDER, __VA_ARGS__)
#define CZ__Q_RANGE(M, path, ...) CZ__LEAF(M, path, CZ_LOOKUP_RANGE, CZ__SUITS_LIST, __VA_ARGS__)
#define CZ__Q_ISNULL(M, path, ...)                                                                 \
    CZ__LEAF(M, path, CZ_LOOKUP_ISNULL, CZ__SUITS_ISNULL, __VA_ARGS__)

#define CZ__GROUP(group_op, ...)                                                                   \
    (&(const struct cz__cond){ .op = group_op,                                                     \
                               .count = CZ__NARG(__VA_ARGS__),                                     \
                               .children = (const cz_cond[]){ __VA_ARGS__ } })
#define CZ_AND(...) CZ__GROUP(CZ__COND_AND, __VA_ARGS__)
#define CZ_OR(...) CZ__GROUP(CZ__COND_OR, __VA_ARGS__)
#define CZ_NOT(condition) CZ__GROUP(CZ__COND_NOT, condition)
#define CZ_WHERE(...) CZ__GROUP(CZ__COND_AND, __VA_ARGS__)
/* Every row, said on purpose: update and delete accept no empty condition. */
#define CZ_EVERY_ROW (&cz__every_row)
extern const struct cz__cond cz__every_row;
#define CZ_ALL CZ_EVERY_ROW

/* A copy that lives as long as the context. Raises: CZ_ENOMEM. */
cz_cond cz_cond_copy(cz_ctx *ctx, cz_cond cond);
/* `count` conditions joined by AND; of none: every row. They and the array are borrowed. */
cz_cond cz_cond_all(cz_ctx *ctx, const cz_cond *conds, size_t count);
/* A condition whose field and value are known only at run time: `path` as in CZ_Q, the value as text,
 * read as the field's kind; lists are comma separated. For filter back-ends with an allow list.
 * Raises: CZ_EVALIDATION: the text is no such value; CZ_EINVAL: no such path. */
cz_cond cz_cond_text(cz_ctx *ctx, cz_model *model, cz_str path, cz_lookup lookup, cz_str text);

/* ---- queries ---- */

typedef struct cz_query {
    cz_model *model;        /* set by the macros */
    cz_cond where;          /* NULL: every row */
    cz_order_list order_by; /* empty: the model's ordering */
    cz_fields related;      /* relations read by the same statement, CZ_RELATED(Book, author) */
    int64_t limit;          /* 0: no limit */
    int64_t offset;
    bool unordered; /* leave out the model's ordering */
} cz_query;

#define CZ_RELATED(M, ...) CZ_FIELDS(M, __VA_ARGS__)

#define cz_rows(M) M##__rows
#define cz__query_of(M, ...) (&(const cz_query){ .model = &M##__model, ##__VA_ARGS__ })

struct cz__rows {
    void *items;
    size_t count;
};
struct cz__rows cz__select(cz_ctx *ctx, const cz_query *query);
void *cz__get(cz_ctx *ctx, const cz_query *query);
void *cz__first(cz_ctx *ctx, const cz_query *query);
int64_t cz__count(cz_ctx *ctx, const cz_query *query);
bool cz__exists(cz_ctx *ctx, const cz_query *query);

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
#define cz_count(ctx, M, ...) cz__count((ctx), cz__query_of(M, ##__VA_ARGS__))
#define cz_exists(ctx, M, ...) cz__exists((ctx), cz__query_of(M, ##__VA_ARGS__))

/* ---- changes ---- */

struct cz__assign {
    uint16_t field;     /* ordinal in the model */
    uint8_t value_kind; /* cz__value_kind */
    const void *value;
};
#define CZ__UNPAIR(field, ...) field, __VA_ARGS__
#define CZ__ASSIGN(M, pair) CZ__ASSIGN_(M, CZ__UNPAIR pair)
#define CZ__ASSIGN_(M, ...) CZ__ASSIGN__(M, __VA_ARGS__)
#define CZ__ASSIGN__(M, at, ...)                                                                   \
    {                                                                                              \
        (uint16_t) __builtin_offsetof(                                                             \
            __typeof__(*CZ__AFTER(                                                                 \
                CZ__SUITED(CZ__SUITS(CZ__AT(M, at), (__VA_ARGS__)), __VA_ARGS__),                  \
                (struct M##__index *)0)),                                                          \
            at),                                                                                   \
            (uint8_t)CZ__KIND_OF((__VA_ARGS__)), CZ__ADDRESS_OF((__VA_ARGS__))                     \
    }
#define CZ__ASSIGNS(M, ...)                                                                        \
    (const struct cz__assign[]){ CZ__EACH(CZ__ASSIGN, M, ##__VA_ARGS__) }, CZ__NARG(__VA_ARGS__)

void *cz__create(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns, size_t count);
int64_t cz__update(cz_ctx *ctx, cz_model *model, cz_cond where, const struct cz__assign *assigns,
                   size_t count);
int64_t cz__delete(cz_ctx *ctx, cz_model *model, cz_cond where);
void cz__row_assign(cz_ctx *ctx, cz_row *row, const struct cz__assign *assign);
void *cz__row_new(cz_ctx *ctx, cz_model *model);
void cz__save(cz_ctx *ctx, cz_row *row);
void cz__remove(cz_ctx *ctx, cz_row *row);
void cz__refresh(cz_ctx *ctx, cz_row *row);

/* Insert a row: cz_create(ctx, Book, (title, "Dune"), (author_id, author->id)). Fields left out take
 * their default. Returns the row, with its key.
 * Raises: CZ_EINTEGRITY: a unique, foreign key or not-null rule; CZ_EINVAL: a value outside the field's
 * type. Values are not validated beyond that: a serializer does. */
#define cz_create(ctx, M, ...)                                                                     \
    ((M *)cz__create((ctx), &M##__model, CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__)))
/* Change every row that matches in one statement: cz_update(ctx, Book, CZ_WHERE(...), (year, 1965)).
 * Returns how many matched. auto_now fields are not touched, as in Django. */
#define cz_update(ctx, M, where, ...)                                                              \
    cz__update((ctx), &M##__model, (where), CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__))
/* Delete every row that matches, and what their on_delete rules say. Returns how many rows went, those
 * of other models included. Raises: CZ_EINTEGRITY: a protected row refers to one of them. */
#define cz_delete(ctx, M, where) cz__delete((ctx), &M##__model, (where))

/* A row of its own, with defaults, not yet stored. */
#define cz_row_new(ctx, M) ((M *)cz__row_new((ctx), &M##__model))
/* Set a field of a row; cz_save() writes it. Text is borrowed and must live as long as the row. */
#define cz_set(ctx, row, at, ...)                                                                  \
    cz__row_assign(                                                                                \
        (ctx), &(row)->row_,                                                                       \
        &(const struct cz__assign){                                                                \
            (uint16_t) __builtin_offsetof(                                                         \
                __typeof__(*CZ__AFTER(                                                             \
                    CZ__SUITED(CZ__SUITS((row)->path_[0]->at, (__VA_ARGS__)), __VA_ARGS__),        \
                    (row)->index_[0])),                                                            \
                at),                                                                               \
            (uint8_t)CZ__KIND_OF((__VA_ARGS__)), CZ__ADDRESS_OF((__VA_ARGS__)) })
/* Write the changed fields of a row: an UPDATE when it came from the database, an INSERT when not.
 * Raises as cz_create(); CZ_ENOTFOUND when the row is gone. */
#define cz_save(ctx, row) cz__save((ctx), &(row)->row_)
/* Delete this row, as cz_delete(). */
#define cz_remove(ctx, row) cz__remove((ctx), &(row)->row_)
/* Read it again. Raises: CZ_ENOTFOUND. */
#define cz_refresh(ctx, row) cz__refresh((ctx), &(row)->row_)

/* The row a foreign key points to; NULL when the key is NULL. Loaded at the first touch, for all rows of
 * the same result in one query. */
#define CZ_REL(ctx, row, relation)                                                                 \
    ((__typeof__((row)->relation##_slot_))cz__relation((ctx), &(row)->row_,                        \
                                                       CZ__INDEX_OF(row, relation)))
void *cz__relation(cz_ctx *ctx, cz_row *row, size_t field);

/* ---- transactions ---- */

/* Call `fn(ctx, arg)` in a transaction; inside another, in a savepoint. Committed when it returns, rolled
 * back when it raises, and the raise goes on: catch it outside with cz_try().
 * Raises: CZ_EBUSY: the database stayed locked for its busy time. Context: may suspend. */
void cz_atomic(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
