/* Private to src/orm. */
#ifndef CZ_ORM_INTERNAL_H
#define CZ_ORM_INTERNAL_H

#include "orm/orm.h"

enum {
    CZ__LIST_ITEMS_MAX = 10000, /* of an IN list */
    CZ__COND_DEPTH_MAX = 32,
    CZ__JOINS_MAX = 32,
    CZ__RELATED_MAX = 16,
};

/* Whether a condition's value is NULL: written as such, or a text pointer that is. */
static inline bool cz__cond_is_null(const struct cz__cond *leaf)
{
    return leaf->value_kind == CZ__VALUE_NULL ||
           (leaf->value_kind == CZ__VALUE_CSTR && leaf->lookup == CZ_LOOKUP_EXACT &&
            !*(const char *const *)leaf->value);
}

enum cz__plan_kind {
    CZ__PLAN_SELECT,
    CZ__PLAN_COUNT,
    CZ__PLAN_EXISTS,
    CZ__PLAN_KEYS,
    CZ__PLAN_INSERT,
    CZ__PLAN_UPDATE,
    CZ__PLAN_DELETE
};

struct cz__related { /* a relation read along with its rows */
    const cz__column *column;
    cz_model *model;
    uint16_t parent; /* 0: the query's model; n: related[n - 1] */
};

/* A query's SQL and how to feed and read it; found again by the query's shape. */
struct cz__plan {
    cz__db_statement statement;
    const cz__column **leaves; /* of the condition, in the order of their parameters */
    uint16_t leaf_count, related_count;
    struct cz__related *related;
    bool limit, offset;
};

struct cz__plan_request {
    enum cz__plan_kind kind;
    const cz_query *query;
    const struct cz__assign *assigns; /* INSERT and UPDATE */
    size_t assign_count;
};

/* The plan for a request, built at its first use. Raises: CZ_EINVAL: a path that does not exist, a
 * condition about another model, a value of the wrong type. */
const struct cz__plan *cz__plan_for(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__plan_request *request);
/* "DELETE FROM table WHERE column IN (count places)", for link tables, which no model stands for. */
cz__db_statement cz__link_delete(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *column, size_t count);
/* The parameters, in order, in the arena. Raises: CZ_EINVAL: a value out of its column's range. */
cz__db_param *cz__plan_params(cz_ctx *ctx, const struct cz__plan *plan,
                              const struct cz__plan_request *request, size_t *out_count);
/* Values by their kind: what a list's items are, one of them, how many there are (1 for what is no list), and
 * a copy that lives as long as the context. */
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
/* The bytes of a row's member. */
size_t cz__column_bytes(const cz__column *column);
/* Write a parameter made for the column into a row's member and mark it. Raises: CZ_EINVAL: out of range. */
void cz__row_store(cz_ctx *ctx, cz_row *row, const cz__column *column, const cz__db_param *param);

cz__db_session *cz__session(cz_ctx *ctx); /* raises */
/* Run a change. Raises. */
int64_t cz__run_change(cz_ctx *ctx, const struct cz__plan_request *request, int64_t *out_last_id);

#endif
