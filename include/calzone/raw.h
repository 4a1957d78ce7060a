/* calzone/raw.h: SQL written by hand.
 *
 *     cz_rows(Book) books = cz_raw(ctx, Book,
 *         "SELECT * FROM store_book WHERE year > ? AND id IN (?)", CZ_ARGS(1900, CZ_INTS(3, 5, 8)));
 *     cz_rows(Sales) sales = cz_raw_values(ctx, Sales,
 *         "SELECT category, COUNT(*) AS books FROM store_book GROUP BY category");
 *     int64_t changed = cz_execute(ctx, "UPDATE store_book SET stock = 0 WHERE year < ?", CZ_ARGS(1800));
 *
 * The SQL is a string literal: nothing else compiles, so values can only be parameters. A parameter is "?" on every
 * database; "?" in quotes and comments is none, and "??" is the character itself. A list stands in "IN (?)". Where
 * databases differ, each has its own: CZ_SQL((sqlite, "..."), (postgresql, "...")).
 *
 * `check` prepares every literal of the program, and says with file and line what does not fit.
 *
 * After CZ_ARGS(), which is CZ_ARGS() where options follow and there are no values, come members of cz_raw_options:
 * `.database = "reports"`. All of these raise what queries raise, and CZ_EINVAL with file and line for SQL that is
 * none of theirs, a number of values that is not that of the parameters, and columns that do not fit.
 */
#ifndef CALZONE_RAW_H
#define CALZONE_RAW_H

#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_raw_options {
    struct cz__args args; /* CZ_ARGS() */
    /* The alias of the one it asks (databases.h); NULL: the model's, or without one that of cz_with_database(), else
     * "default". */
    const char *database;
    cz_prefetch_list prefetch; /* cz_raw(): CZ_PREFETCH(Author, (books)) */
    bool strict; /* cz_raw(): touching a relation or column that was not read raises CZ_EINVAL */
} cz_raw_options;

enum cz__raw_use { CZ__RAW_ROWS, CZ__RAW_RECORDS, CZ__RAW_CHANGE };

struct cz__raw_statement; /* prepared for one kind of database */

/* A literal, where it stands; in a section of its own, so that `check` finds them all. */
struct cz__raw {
    float mark; /* no text can stand here: what is in parentheses comes from CZ_SQL() */
    const char *sqlite, *postgresql; /* NULL: it is not for this one */
    cz_model *model;                 /* a record's too; NULL: cz_execute() */
    const char *file;
    int line;
    uint8_t use;          /* enum cz__raw_use */
    const uint8_t *kinds; /* of the values: cz__value_kind */
    size_t kind_count;
    struct cz__raw_statement *prepared[2]; /* made at the first use */
    bool taken;                            /* `check`: a database has prepared it */
    const char *trouble;                   /* what one that has not said */
};

/* ---- the macros' parts ---- */

/* clang-format off */
#define CZ__BITS_RAW                                                                               \
    (CZ__BITS_INT | CZ__BIT(NULL) | CZ__BIT(FLOAT) | CZ__BIT(DOUBLE) | CZ__BIT(CSTR) |             \
     CZ__BIT(STR) | CZ__BIT(UUID) | CZ__BIT(DATETIME) | CZ__BIT(DATE) | CZ__BIT(TIME) |            \
     CZ__BIT(DURATION) | CZ__BIT(DECIMAL) | CZ__BIT(BYTES) | CZ__BIT(INTS) | CZ__BIT(STRS) |       \
     CZ__BIT(UUIDS))
/* clang-format on */
#define CZ__RAW_VALUE(unused, v)                                                                   \
    {                                                                                              \
        (uint8_t)(CZ__KIND_OF((v)) + 0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((v), CZ__BITS_RAW), v))), \
            CZ__ADDRESS_OF((v))                                                                    \
    }
#define CZ__RAW_KIND(unused, v) (uint8_t) CZ__KIND_OF((v))
#define CZ__RAW_VALUES(...)                                                                        \
    {                                                                                              \
        (const struct cz__arg[]){ CZ__EACH(CZ__RAW_VALUE, 0, ##__VA_ARGS__) },                     \
            CZ__NARG(__VA_ARGS__)                                                                  \
    }
#define CZ__RAW_KINDS(...)                                                                         \
    {                                                                                              \
        CZ__EACH(CZ__RAW_KIND, 0, ##__VA_ARGS__) __VA_OPT__(, ) 0                                  \
    }
#define CZ__RAW_APPLY(f, tuple) CZ__RAW_APPLY_(f, tuple)
#define CZ__RAW_APPLY_(f, tuple) f tuple
/* What follows the SQL: the values, "()" when there are none, and the options. */
#define CZ__RAW_HEAD(...) CZ__RAW_HEAD_(__VA_ARGS__ __VA_OPT__(, )())
#define CZ__RAW_HEAD_(head, ...) head
#define CZ__RAW_TAIL(...) __VA_OPT__(CZ__RAW_TAIL_(__VA_ARGS__))
#define CZ__RAW_TAIL_(head, ...) __VA_ARGS__
#define CZ__RAW_OPTIONS(...)                                                                       \
    (&(const cz_raw_options){ .args = CZ__RAW_APPLY(CZ__RAW_VALUES, CZ__RAW_HEAD(__VA_ARGS__)),    \
                              CZ__RAW_TAIL(__VA_ARGS__) })
/* A literal is both databases' text; CZ_SQL() comes as "(.sqlite = ...)". */
#define CZ__RAW_TEXT(sql) CZ__CAT(CZ__RAW_TEXT_, CZ__RAW_IS_TUPLE(sql))(sql)
#define CZ__RAW_TEXT_0(sql) .sqlite = "" sql, .postgresql = "" sql
#define CZ__RAW_TEXT_1(sql) CZ__UNPAIRED sql
#define CZ__RAW_IS_TUPLE(x) CZ__RAW_SECOND(CZ__RAW_TUPLE x, 0, 0)
#define CZ__RAW_SECOND(...) CZ__RAW_SECOND_(__VA_ARGS__)
#define CZ__RAW_SECOND_(a, b, ...) b
#define CZ__RAW_TUPLE(...) 0, 1
#define CZ__RAW_FOR(unused, pair) CZ__RAW_FOR_ pair
#define CZ__RAW_FOR_(database, ...) .database = "" __VA_ARGS__

/* The compiler may not align what stands in a section more widely than its neighbours expect. */
#define CZ__RAW_HERE(use_, model_, sql, ...)                                                       \
    static const uint8_t cz__raw_kinds[] =                                                         \
        CZ__RAW_APPLY(CZ__RAW_KINDS, CZ__RAW_HEAD(__VA_ARGS__));                                   \
    static struct cz__raw cz__raw_here                                                             \
        __attribute__((section("cz_raw"), used, aligned(sizeof(void *)))) = {                      \
            CZ__RAW_TEXT(sql),                                                                     \
            .model = model_,                                                                       \
            .file = __FILE__,                                                                      \
            .line = __LINE__,                                                                      \
            .use = use_,                                                                           \
            .kinds = cz__raw_kinds,                                                                \
            .kind_count = sizeof cz__raw_kinds - 1,                                                \
        }

struct cz__rows cz__raw(cz_ctx *ctx, struct cz__raw *here, const cz_raw_options *options);
int64_t cz__execute(cz_ctx *ctx, struct cz__raw *here, const cz_raw_options *options);
struct cz__rows cz__raw_built(cz_ctx *ctx, enum cz__raw_use use, cz_model *model, cz_str sql,
                              const cz_raw_options *options, const char *file, int line);
int64_t cz__execute_built(cz_ctx *ctx, cz_str sql, const cz_raw_options *options, const char *file,
                          int line);

/* ---- calls ---- */

/* The values of the parameters, in order: what CZ_Q() takes but expressions, and of lists CZ_INTS(), CZ_STRS() and
 * CZ_UUIDS(). Borrowed until the call is over. */
#define CZ_ARGS(...) (__VA_ARGS__)
/* One text for each database, each a literal; a database that is not named raises. */
#define CZ_SQL(...) (CZ__EACH(CZ__RAW_FOR, 0, __VA_ARGS__))

/* Rows of a model from a SELECT, as cz_rows(M): columns are those of the model's table by name, in any order and
 * case. The key must be among them; fields that are not were not read, as after .only (cz_load()). Rows are as those
 * of cz_select(): relations load for all of them at once, and cz_save() stores them.
 * Raises: CZ_EINVAL: not a SELECT; no key; a column the model has not, or twice; a value no member can hold. */
#define cz_raw(ctx, M, sql, ...)                                                                   \
    ({                                                                                             \
        CZ__RAW_HERE(CZ__RAW_ROWS, &M##__model, sql, __VA_ARGS__);                                 \
        struct cz__rows cz__r = cz__raw((ctx), &cz__raw_here, CZ__RAW_OPTIONS(__VA_ARGS__));       \
        (M##__rows){ (M *)cz__r.items, cz__r.count };                                              \
    })
/* The same into a record (CZ_RECORD), whose members are the columns by name, all of them. Raises as cz_raw(). */
#define cz_raw_values(ctx, R, sql, ...)                                                            \
    ({                                                                                             \
        CZ__RAW_HERE(CZ__RAW_RECORDS, &R##__model, sql, __VA_ARGS__);                              \
        struct cz__rows cz__r = cz__raw((ctx), &cz__raw_here, CZ__RAW_OPTIONS(__VA_ARGS__));       \
        (R##__rows){ (R *)cz__r.items, cz__r.count };                                              \
    })
/* Run one statement that changes rows or tables, in the transaction around it or one of its own. SQLite's CREATE TRIGGER
 * is one, with the statements between its BEGIN and END. Returns the rows it changed. Sends no signals. Raises: CZ_EINVAL: a SELECT, several statements, or what belongs to a connection
 * (BEGIN, SET, PRAGMA, ATTACH, COPY); CZ_EINTEGRITY. */
#define cz_execute(ctx, sql, ...)                                                                  \
    ({                                                                                             \
        CZ__RAW_HERE(CZ__RAW_CHANGE, NULL, sql, __VA_ARGS__);                                      \
        cz__execute((ctx), &cz__raw_here, CZ__RAW_OPTIONS(__VA_ARGS__));                           \
    })

/* The same for SQL (a cz_str) that the program puts together: what comes from outside must be in CZ_ARGS() and never
 * in the text. Nothing checks them before they run. */
#define cz_raw_unchecked(ctx, M, sql, ...)                                                         \
    ({                                                                                             \
        struct cz__rows cz__r = cz__raw_built((ctx), CZ__RAW_ROWS, &M##__model, (sql),             \
                                              CZ__RAW_OPTIONS(__VA_ARGS__), __FILE__, __LINE__);   \
        (M##__rows){ (M *)cz__r.items, cz__r.count };                                              \
    })
#define cz_raw_values_unchecked(ctx, R, sql, ...)                                                  \
    ({                                                                                             \
        struct cz__rows cz__r = cz__raw_built((ctx), CZ__RAW_RECORDS, &R##__model, (sql),          \
                                              CZ__RAW_OPTIONS(__VA_ARGS__), __FILE__, __LINE__);   \
        (R##__rows){ (R *)cz__r.items, cz__r.count };                                              \
    })
#define cz_execute_unchecked(ctx, sql, ...)                                                        \
    cz__execute_built((ctx), (sql), CZ__RAW_OPTIONS(__VA_ARGS__), __FILE__, __LINE__)

#ifdef __cplusplus
}
#endif
#endif
