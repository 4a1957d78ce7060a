/* orm/compiler.h: what the parts of the compiler share; for compiler.c, conditions_sql.c and expressions.c. */
#ifndef CZ_ORM_COMPILER_H
#define CZ_ORM_COMPILER_H

#include "orm/orm_internal.h"

struct cz__join {
    unsigned parent;          /* alias number */
    const cz__column *column; /* the relation followed */
    const cz_model *model;    /* what the alias stands for; NULL: a link table */
    const cz_model *from;     /* what the parent stands for */
    bool optional;            /* a LEFT JOIN */
    unsigned alias;
};

/* One SELECT: the query itself or a subquery. */
struct cz__scope {
    struct cz__scope *outer; /* what CZ_OUTER() speaks of */
    const cz_model *model;
    unsigned base;           /* the alias of the model's table */
    bool leaves_out_deleted; /* rows of other models, on the way to several of them */
    struct cz__join joins[CZ__JOINS_MAX];
    unsigned join_count;
    const cz__column *link; /* a many-to-many whose links the rows are behind; NULL: none */
    unsigned link_alias;
    const cz_buf
        *behind; /* what each row is one of several behind, and a window keeps to; NULL: nothing */
    cz_buf
        *group; /* gets what is read outside aggregates; NULL: nothing is grouped by what is read */
};

struct cz__compiler {
    cz_ctx *ctx;
    const cz__db_features *features;
    const struct cz__shape *shape;
    size_t next_ref; /* of the shape's values, which are met in the same order */
    struct cz__scope *scope;
    unsigned alias_count;
    struct cz__slot *slots;
    uint32_t slot_count, slot_cap;
    bool negated; /* inside a NOT */
};

/* Where a path's value is stored: an alias, the column's name and the column that types the value. */
struct cz__place {
    unsigned alias;
    const char *name;
    const cz__column *column;
    bool many; /* a to-many relation was crossed */
    bool null; /* it may be NULL */
};

/* compiler.c */
void cz__append_alias(cz_buf *sql, unsigned alias);
void cz__append_column(cz_buf *sql, unsigned alias, const char *name);
/* A column, by which rows are grouped where the scope says so. */
void cz__append_read(const struct cz__scope *scope, cz_buf *sql, unsigned alias, const char *name);
/* Another part of " GROUP BY "; no `group`: nothing. */
void cz__append_group(cz_buf *group, const cz_buf *part);
/* The next of the shape's values. */
uint32_t cz__take_ref(struct cz__compiler *c);
/* A parameter and where it comes from. */
void cz__append_slot(struct cz__compiler *c, cz_buf *sql, struct cz__slot slot);
/* Find a path from the scope's model, joining what it crosses. Raises: CZ_EINVAL. */
struct cz__place cz__locate(struct cz__compiler *c, struct cz__scope *scope, cz_str path);
/* " AND deleted_at IS NULL" of a joined model whose deleted rows the scope leaves out, or nothing. */
void cz__append_kept(const struct cz__scope *scope, cz_buf *sql, const cz_model *model,
                     unsigned alias);
void cz__append_joins(const struct cz__scope *scope, cz_buf *sql);
/* " FROM table alias". */
void cz__append_from(const struct cz__scope *scope, cz_buf *sql);
/* A whole SELECT in a scope of its own, inside `outer`. `value` is what it gives; NULL: the key, or 1. */
enum cz__subselect { CZ__SUBSELECT_VALUE, CZ__SUBSELECT_LIST, CZ__SUBSELECT_EXISTS };
void cz__compile_subselect(struct cz__compiler *c, cz_buf *sql, const cz_query *query,
                           const struct cz__arg *value, enum cz__subselect kind);
void cz__append_order(struct cz__compiler *c, cz_buf *sql, const cz_order_list *order,
                      const char *before);
/* Put arguments into "f($1, $2)" or "f($*)". */
void cz__append_template(struct cz__compiler *c, cz_buf *sql, const char *format,
                         cz_buf *const *args, size_t count);

/* behind_sql.c: what rows are behind into `key`, and that it is among the keys into `among`. */
void cz__compile_behind(struct cz__compiler *c, cz_buf *key, cz_buf *among,
                        const struct cz__behind *behind);
/* " JOIN links ON ...", before the scope's other joins. */
void cz__append_link_join(const struct cz__scope *scope, cz_buf *sql);
/* The last columns: what a row is behind, and, where each one's rows are sliced, the row's number in `order`. */
void cz__append_behind(struct cz__compiler *c, cz_buf *outputs, const cz_buf *key,
                       const cz_buf *order);
/* What stands before and after a SELECT with such numbers, to take the query's slice of each one's rows. */
void cz__append_sliced(struct cz__compiler *c, cz_buf *sql, const cz_query *query, bool before);

/* windows_sql.c: conditions on windows. A window is computed from the rows that WHERE leaves, so what chooses among them
 * afterwards stands around that SELECT, which gives, beside its outputs, what the rows are ordered by and, as truth
 * values, the conditions. */
struct cz__window_filter {
    cz_buf *order, *conditions; /* ", " and each */
    unsigned order_count, count;
};
void cz__filter_add(struct cz__window_filter *filter, const cz_buf *condition);
/* Give another thing that rows are ordered by; its name goes into `sql`. */
void cz__filter_order(struct cz__window_filter *filter, cz_buf *sql, const cz_buf *part);
/* What stands before the SELECT, of so many outputs, and after it, up to the order. */
void cz__filter_begin(const struct cz__window_filter *filter, cz_buf *sql, unsigned output_count);
void cz__filter_end(const struct cz__window_filter *filter, cz_buf *sql, unsigned output_count,
                    const cz_query *query);

/* conditions_sql.c: a condition; returns whether it may be NULL. */
bool cz__compile_cond(struct cz__compiler *c, cz_buf *sql, cz_cond cond);

/* search_sql.c: that rows are found by their model's index of full text, whose key the leaf's path leads to and `key`
 * is; how well; and the excerpt of a text. Raise: CZ_EINVAL: there is no such index. */
void cz__compile_search(struct cz__compiler *c, cz_buf *sql, cz_cond leaf, cz_str key);
void cz__compile_search_call(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr);

/* expressions.c */
/* Whether an expression is about the scope's table, under whatever name. Raises: CZ_EINVAL: it is not. */
void cz__check_about(struct cz__compiler *c, const struct cz__scope *scope,
                     const struct cz__expr *expr);
cz__db_type cz__compile_expr(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr);
/* A value or expression, as `type` where that is its representation's choice. Returns the type it has. */
cz__db_type cz__compile_value(struct cz__compiler *c, cz_buf *sql, uint8_t value_kind,
                              const void *value, cz__db_type type, const char *name);
/* The same, converted to `type` where decimals are kept in several ways. */
void cz__compile_as(struct cz__compiler *c, cz_buf *sql, uint8_t value_kind, const void *value,
                    cz__db_type type, const char *name);
/* The type an expression will have. */
cz__db_type cz__expr_type(struct cz__compiler *c, const struct cz__scope *scope,
                          const struct cz__expr *expr);
bool cz__has_aggregate(const struct cz__expr *expr);
/* Whether a condition asks about a window, or else about an aggregate that is none. */
bool cz__cond_has(cz_cond cond, bool window);
static inline bool cz__is_scaled(const struct cz__compiler *c, cz__db_type type)
{
    return c->features->scaled_decimals && CZ__DB_KIND(type) == CZ__DB_DECIMAL &&
           CZ__DB_DIGITS(type) <= 18 && !(type & CZ__DB_AS_NUMBER);
}

#endif
