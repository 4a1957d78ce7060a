/* Private to src/orm. */
#ifndef CZ_ORM_INTERNAL_H
#define CZ_ORM_INTERNAL_H

#include "orm/orm.h"
#include <calzone/bulk.h>

enum {
    CZ__LIST_ITEMS_MAX = 10000, /* of an IN list */
    CZ__COND_DEPTH_MAX = 32,    /* of conditions and expressions together */
    CZ__OUTPUTS_MAX = 64,
    CZ__JOINS_MAX = 32,
    CZ__RELATED_MAX = 16,
    CZ__NAMES_MAX = 64, /* of fields that come as text */
};

/* Whether a condition's value is NULL: written as such, or a text pointer that is. */
static inline bool cz__cond_is_null(const struct cz__cond *leaf)
{
    return leaf->value_kind == CZ__VALUE_NULL ||
           (leaf->value_kind == CZ__VALUE_CSTR && leaf->lookup == CZ_LOOKUP_EXACT &&
            !*(const char *const *)leaf->value);
}

struct cz__result { /* rows read together, so that a relation is loaded for all of them at once */
    cz_model *model;
    char *items; /* those a LEFT JOIN found nothing for have no key */
    size_t count;
    cz_arena *arena;           /* of the contexts that may keep something here */
    struct cz__apart *part;    /* what its memory goes with; NULL: with the context */
    struct cz__loaded *loaded; /* related.c: what their relations lead to */
    bool strict;               /* what was not read raises */
    bool repeats;              /* one of many on purpose, as a chunk is */
    const char *file;          /* the query's call; NULL: unknown */
    int line;
};

/* The rows behind a relation of many rows at once. */
struct cz__behind {
    const cz__column *column;
    const cz_model *from;  /* whose field it is */
    struct cz__key_list {  /* begins as all lists do */
        const void *items; /* keys of `from`; to-one relations: of the target */
        size_t count;
    } keys;
    uint8_t value_kind; /* of the list */
};

enum cz__plan_kind {
    CZ__PLAN_SELECT,
    CZ__PLAN_VALUES, /* the query's .values */
    CZ__PLAN_COUNT,
    CZ__PLAN_EXISTS,
    CZ__PLAN_INSERT,
    CZ__PLAN_UPDATE,
    CZ__PLAN_DELETE
};

struct
    cz__conflict { /* INSERT: a row that is there already is left, or these of its columns changed */
    cz_fields unique;      /* what makes it the same; of none: any */
    const char *condition; /* among rows that fulfil this SQL of the model's; NULL: all */
    const uint16_t *update;
    size_t update_count;
};

struct cz__related { /* a relation read along with its rows */
    const cz__column *column;
    cz_model *model;
    uint16_t parent; /* 0: the query's model; n: related[n - 1] */
};

/* One of a query's values, met in the order its shape is read. */
struct cz__ref {
    uint8_t value_kind;
    const void *value;
};

/* Where a parameter of the SQL comes from. */
struct cz__slot {
    enum cz__slot_kind {
        CZ__SLOT_VALUE,
        CZ__SLOT_ITEM, /* of a list; past its end the last again */
        CZ__SLOT_LIST, /* a whole list */
        CZ__SLOT_LIMIT,
        CZ__SLOT_OFFSET
    } kind;
    uint32_t ref, item;
    enum cz__pattern pattern;
    cz__db_type type;
    bool exact;          /* stored: it must fit the column's type */
    uint32_t max_length; /* of what is stored; 0: no limit */
    const char *name;
};

/* A query's SQL and how to feed and read it; found again by the query's shape. */
struct cz__plan {
    cz__db_statement statement;
    const struct cz__slot *slots;
    uint32_t slot_count;
    uint16_t related_count;
    struct cz__related *related;
    const uint64_t *loaded;     /* bits of the columns read; NULL: all */
    const cz__db_type *outputs; /* VALUES: the type of each, as it is computed */
};

struct cz__plan_request {
    enum cz__plan_kind kind;
    const cz_query *query;
    const struct cz__behind
        *behind; /* SELECT: the rows behind others, in order of those, each row with the key
                                        it is behind as a last column; the slice is each one's; NULL: none */
    const struct cz__assign *assigns; /* INSERT and UPDATE */
    size_t assign_count;
    /* assign_count assigns for each of so many rows; 0: one. Of an INSERT the keys come back as rows of a
     * SELECT; of an UPDATE without a condition the first of each row's is the key it is found by. */
    size_t row_count;
    const struct cz__conflict *conflict;
    bool
        returning; /* INSERT of one row: its key and what the database gave it come back as a row */
    bool explain;
};

/* shape.c: what a query is apart from its values, as bytes, and the values in the order they are met. */
enum { CZ__SHAPE_BYTES_MAX = 2048, CZ__SHAPE_REFS_INLINE = 32 };
struct cz__shape {
    cz_ctx *ctx;
    size_t len;
    bool overflow; /* too long for the cache */
    struct cz__ref *refs;
    size_t ref_count, ref_cap;
    const cz__database *database; /* the one that is asked */
    const cz_model *outermost;
    struct cz__ref inline_refs[CZ__SHAPE_REFS_INLINE];
    char bytes[CZ__SHAPE_BYTES_MAX];
};
/* Raises: CZ_EINVAL: conditions or expressions nested too deep, a condition about another model, a part that asks
 * another database. */
void cz__shape_build(cz_ctx *ctx, struct cz__shape *shape, const struct cz__plan_request *request,
                     const cz__db_session *session);
/* Whether two expressions of the query `whole` is the shape of are the same, down to their values. Raises: CZ_EINVAL:
 * nested too deep. */
bool cz__same_expr(const struct cz__shape *whole, const struct cz__expr *a,
                   const struct cz__expr *b);
/* scopes.c: the conditions of a query: its own, its manager's and that on deleted rows. */
enum { CZ__CONDS_MAX = 3 };
size_t cz__conds_of(const cz_query *query, cz_cond out[CZ__CONDS_MAX]);
/* Whether a change of many rows says which: `call` is its name, for the message. Raises: CZ_EINVAL. */
void cz__check_change(cz_ctx *ctx, const cz_query *query, const char *call);
/* Whether deleted rows of other models are left out where the query goes over a relation to several of them. */
bool cz__leaves_out_deleted(const cz_query *query);
const cz_order_list *cz__ordering_of(const cz_query *query);
/* Whether that is its manager's or model's, which the query does not say itself. */
bool cz__is_own_order(const cz_query *query);
bool cz__isnull_value(const struct cz__cond *leaf);
/* Whether an argument or value is an expression, and which. */
static inline const struct cz__expr *cz__expr_of(uint8_t value_kind, const void *value)
{
    return value_kind >= CZ__VALUE_EXPR_TEXT ? *(const struct cz__expr *const *)value : NULL;
}
/* How a list stands in SQL: so many places, or 0 for one parameter that is the list. */
size_t cz__list_places(const struct cz__cond *leaf, size_t count);

/* plans.c: the plan for a request, built at its first use, with the shape its values are taken from. Raises:
 * CZ_EINVAL: a path that does not exist, a value of the wrong type. */
const struct cz__plan *cz__plan_for(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__plan_request *request,
                                    struct cz__shape *shape);
/* A number for a statement that lives as long as the process; CZ__STATEMENT_UNCACHED: there are too many. */
uint32_t cz__statement_number(void);
/* compiler.c: build it, its arrays in the context's arena, its SQL in `sql`. */
void cz__compile(cz_ctx *ctx, const cz__db_features *features,
                 const struct cz__plan_request *request, const struct cz__shape *shape,
                 struct cz__plan *plan, cz_buf *sql);
/* "DELETE FROM table WHERE column IN (count places)", for link tables, which no model stands for. */
cz__db_statement cz__link_delete(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *column, size_t count);
/* "SELECT to FROM table WHERE from = ? ORDER BY 1"; "INSERT INTO table (from, to) VALUES (?, ?)" or "DELETE FROM
 * table WHERE from = ? AND to = ?". */
cz__db_statement cz__link_select(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *from, const char *to);
cz__db_statement cz__link_change(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *from, const char *to, bool add);
/* A parameter by its number: "?1" or "$1". */
void cz__append_place(const cz__db_features *features, cz_buf *sql, unsigned number);
/* meta_checks.c: whether what a model says beyond its fields can be: once its fields are known, and once relations are.
 * Errors: CZ_EVALIDATION. */
enum {
    CZ__MODEL_NAME_BYTES_MAX = 60
}; /* of what it calls something; PostgreSQL cuts names at 63 bytes */
CZ_NODISCARD cz_status cz__meta_check(const cz_model *model, cz_error *err);
CZ_NODISCARD cz_status cz__natural_key_check(const cz_model *model, cz_error *err);
/* model_permissions.c: whether its permissions can be stored, and told apart within its app. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__model_permissions_check(const cz_model *model, cz_error *err);
/* proxies.c: whether a proxy says nothing that belongs to its table; then, once every model is in, let proxies share
 * their bases' columns, and, once relations are known, who refers to their rows. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__proxy_check(const cz_model *model, cz_error *err);
CZ_NODISCARD cz_status cz__proxies_join(cz_error *err);
void cz__proxies_know_referrers(void);
/* links.c: room for one more key after `count` of them. Returns false when there is no memory. */
bool cz__links_make_room(cz_arena *arena, char **keys, size_t *cap, size_t count, size_t bytes);
/* through.c: what a many-to-many with a .through goes over. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__through_resolve(const cz_model *model, cz__column *column,
                                           cz_error *err);
/* cz__links_read() of such a column. */
size_t cz__through_read(cz_ctx *ctx, const cz_row *row, const cz__column *column, void **out);
/* Whether rows of the column's .through can be given these. Raises: CZ_EINVAL. */
void cz__through_check(cz_ctx *ctx, const cz__column *column, const cz_pairs *defaults);
/* Make and delete the rows between the links' row and these keys. Raise. */
void cz__through_add(cz_ctx *ctx, const struct cz__links *links, const char *database,
                     const char *keys, size_t count);
void cz__through_remove(cz_ctx *ctx, const struct cz__links *links, const char *database,
                        const char *keys, size_t count);
/* rows.c: raise CZ_EINTEGRITY when an INSERT that was no error stored nothing; `keyed`: the caller knew the key. */
void cz__check_inserted(cz_ctx *ctx, const cz_model *model, bool keyed, int64_t rows);
/* rows.c: a new row with its defaults and these, not stored; receivers are told. Raises. */
cz_row *cz__row_made(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns, size_t count);
/* query.c: rows behind others, in the order of what they are behind: for each the key, of the type of the list's
 * items, in `*out_behind`. Raises. */
struct cz__rows cz__select_behind(cz_ctx *ctx, const cz_query *query,
                                  const struct cz__behind *behind, char **out_behind);
/* related.c: read along what the query's .prefetch names. Raises. */
void cz__prefetch(cz_ctx *ctx, struct cz__result *result, const cz_query *query);
/* A to-many field of a stored row. Raises: CZ_EINVAL: it is none. */
const cz__column *cz__to_many(cz_ctx *ctx, const cz_row *row, size_t field);

/* related.c: the alias of the database the rows behind a relation of `row` are in: the row's own, but for references
 * into another. */
const char *cz__alias_behind(cz_ctx *ctx, const cz_row *row, const cz__column *column,
                             const char *named, bool write);
/* bulk.c: in a database by its alias; NULL: the model's. */
void *cz__get_or_create_on(cz_ctx *ctx, const char *database, cz_model *model, cz_pairs match,
                           cz_pairs defaults, bool update, bool *out_created);
/* bulk.c: the condition that a row's fields equal the pairs'. */
cz_cond cz__pairs_cond(cz_ctx *ctx, const cz_model *model, cz_pairs pairs);
/* expressions.c: whether a window stands in an expression. */
bool cz__has_window(const struct cz__expr *expr);

/* watch.c: what a unit of work has changed and asked. */
/* Rows of a model were changed; NULL: of any. */
void cz__watch_change(cz_ctx *ctx, const cz_model *model);
uint64_t cz__watch_now(cz_ctx *ctx);
/* Whether rows of the model, or of any when NULL, were changed after a moment. */
bool cz__watch_changed(const cz_ctx *ctx, const cz_model *model, uint64_t since);
/* A query is about to run; called while cz__repeats_max is not 0. */
void cz__watch_query(cz_ctx *ctx, const cz_query *query, const struct cz__plan *plan,
                     const struct cz__shape *shape);
/* A shape's values as bytes that are equal when they are. Failures stay in the buffer. */
void cz__shape_values(const struct cz__shape *shape, cz_buf *out);

/* conditions.c: a copy that needs nothing of the caller's block, but for .values. Raises: CZ_ENOMEM. */
const cz_query *cz__query_copy(cz_ctx *ctx, const cz_query *query);
/* A buffer that goes with the context, also when something raises. */
cz_buf *cz__scratch(cz_ctx *ctx);
/* parameters.c: the parameters, in order, in the arena. Raises: CZ_EINVAL: a value out of its column's range. */
cz__db_param *cz__plan_params(cz_ctx *ctx, const struct cz__plan *plan,
                              const struct cz__shape *shape, const cz_query *query);
/* Whether what is to be stored can be read again, on any database: an integer fits its column, a text is UTF-8 without
 * null characters. Raises: CZ_EINVAL, CZ_EVALIDATION. */
void cz__check_stored(cz_ctx *ctx, cz__db_type type, const char *name, const cz__db_param *param);
/* Raise what a statement has failed with; of a value that its column does not hold as that field's error. */
CZ_NORETURN void cz__raise_refused(cz_ctx *ctx, const cz_query *query, const struct cz__plan *plan,
                                   const cz__db_param *params, const cz_error *err);
/* Raise an error of the database with the place the query is written at. */
CZ_NORETURN void cz__raise_from(cz_ctx *ctx, const cz_query *query, const cz_error *err);
/* Values by their kind: their bytes, what a list's items are, one of them, how many there are (1 for what is no
 * list), and a copy that lives as long as the context. */
size_t cz__value_bytes(uint8_t value_kind);
uint8_t cz__value_item_kind(uint8_t value_kind);
const void *cz__value_item(uint8_t value_kind, const void *list, size_t index);
size_t cz__value_count(uint8_t value_kind, const void *value);
const void *cz__value_copy(cz_ctx *ctx, uint8_t value_kind, const void *value);
/* One value as a parameter of a type; `name` is for the message. Raises: CZ_EINVAL. */
cz__db_param cz__param_of_value(cz_ctx *ctx, cz__db_type type, const char *name, uint8_t value_kind,
                                const void *value);
/* One value as a parameter for a column. Raises: CZ_EINVAL. */
cz__db_param cz__param_of(cz_ctx *ctx, const cz__column *column, uint8_t value_kind,
                          const void *value);
uint8_t cz__value_kind_of(const cz__column *column);
/* encryption.c: encrypt what goes into a column that is, and decrypt what rows have from such columns, those of
 * `loaded` (NULL: all). Raises: CZ_EINVAL, CZ_EDATABASE, CZ_ENOMEM. */
void cz__seal_param(cz_ctx *ctx, cz__db_param *param);
void cz__unseal_rows(cz_ctx *ctx, const cz_model *model, char *rows, size_t count,
                     const uint64_t *loaded);
/* transactions.c: a row was stored, created or changed, in the session's innermost block. */
void cz__row_is_stored(const cz__db_session *session, cz_row *row, bool created);
/* The number of the session's innermost block; 0: it is in none. */
uint32_t cz__block_number(const cz__db_session *session);
/* Whether the block of this number was rolled back; 0 never was. */
bool cz__is_undone(const cz__db_session *session, uint32_t block);
/* rows.c: an option's value for a column; SQL and the database's clock are none: NULL. Raises: CZ_ENOMEM. */
cz__db_param cz__tagged_param(cz_ctx *ctx, const cz__column *column, const cz_tagged *tagged);
/* rows.c: what a new row has in a column that is not given; false when it has nothing. Raises: CZ_ENOMEM. */
bool cz__default_of(cz_ctx *ctx, const cz__column *column, cz__db_param *out);
/* Write a parameter made for the column into a row's member and mark it. Raises: CZ_EINVAL: out of range. */
void cz__row_store(cz_ctx *ctx, cz_row *row, const cz__column *column, const cz__db_param *param);

/* The session of what names no database. Raises: no database is open, or the block around can only be rolled
 * back (CZ_EDATABASE). */
cz__db_session *cz__session(cz_ctx *ctx);
/* Those of rows of `model`: for reading a query, which may be a replica's, and for a change. `row` and `database`
 * may be NULL. Raise likewise. */
cz__db_session *cz__session_to_read(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                                    const char *database, bool lock);
cz__db_session *cz__session_to_write(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                                     const char *database);
/* Open a statement's rows; what fails on a replica is asked of the primary. */
CZ_NODISCARD cz_status cz__open_rows(cz_ctx *ctx, cz__db_session *session,
                                     const cz__db_statement *statement, const cz__db_param *params,
                                     size_t count, cz__db_cursor *out, cz_error *err);
/* cz_atomic() on a session. */
void cz__atomic_in(cz_ctx *ctx, cz__db_session *session, void (*fn)(cz_ctx *ctx, void *arg),
                   void *arg);
CZ_NORETURN void cz__raise_broken(cz_ctx *ctx);
/* Run a change. Raises. */
int64_t cz__run_change(cz_ctx *ctx, const struct cz__plan_request *request, int64_t *out_last_id);

/* Whether rows of a result may point at what the context reads now: they go with it. */
static inline bool cz__may_keep(const cz_ctx *ctx, const struct cz__result *result)
{
    return result && result->arena == ctx->arena && result->part == ctx->part;
}
/* What is found out about rows of a part later belongs to it: the part of the result when `ctx` is not in it but
 * outside, else NULL; and to go on in it, with what it has. */
struct cz__apart *cz__apart_of(const cz_ctx *ctx, const struct cz__result *result);
void cz__apart_go_on(struct cz__apart *apart, void (*fn)(cz_ctx *ctx, void *arg), void *arg);

/* Run an INSERT that is .returning, inside a transaction, and read what comes back into the row. Raises. */
void cz__run_insert_row(cz_ctx *ctx, const struct cz__plan_request *request, cz_row *row);
/* Run an INSERT of many rows inside a transaction; the new keys, in the order of the rows. Raises. */
struct cz__keys {
    const char *items; /* cz__column_bytes() of the model's key each */
    size_t count;
};
struct cz__keys cz__run_insert(cz_ctx *ctx, const struct cz__plan_request *request);

#endif
