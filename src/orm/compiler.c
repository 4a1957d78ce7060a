/* From a query's shape to SQL: with conditions_sql.c and expressions.c the only place that puts SQL together.
 * Values are never part of it, names come only from the registry. */
#include "orm/compiler.h"
#include <stdio.h>

enum { SQL_BYTES_MAX = 8 << 20, ORDER_DEPTH_MAX = 4 };

struct scratch {
    cz_buf buf;
    struct scratch *before;
};
static _Thread_local struct scratch *last_scratch; /* those before the compile under way are gone */

static void free_scratch(void *scratch)
{
    cz_buf_done(&((struct scratch *)scratch)->buf);
}

cz_buf *cz__scratch(cz_ctx *ctx)
{
    struct scratch *scratch = cz_new(ctx, struct scratch);
    cz_buf_init(&scratch->buf, SQL_BYTES_MAX);
    cz_defer(ctx, free_scratch, scratch);
    scratch->before = last_scratch;
    last_scratch = scratch;
    return &scratch->buf;
}

/* A statement lacks whatever did not fit into the buffer it was put together in, and would be kept so. */
static void check_scratches(cz_ctx *ctx)
{
    for (const struct scratch *scratch = last_scratch; scratch; scratch = scratch->before)
        cz_check(ctx, cz_buf_status(&scratch->buf));
}

/* ---- pieces ---- */

void cz__append_alias(cz_buf *sql, unsigned alias)
{
    cz_buf_append_char(sql, 't');
    cz_buf_append_u64(sql, alias);
}

void cz__append_column(cz_buf *sql, unsigned alias, const char *name)
{
    cz__append_alias(sql, alias);
    cz_buf_append_char(sql, '.');
    cz__db_append_name(sql, name);
}

static void begin_group(cz_buf *group)
{
    cz_buf_append_str(group, group->len ? CZ_STR(", ") : CZ_STR(" GROUP BY "));
}

void cz__append_group(cz_buf *group, const cz_buf *part)
{
    if (!group)
        return;
    begin_group(group);
    cz_buf_append_str(group, cz_buf_str(part));
}

void cz__append_read(const struct cz__scope *scope, cz_buf *sql, unsigned alias, const char *name)
{
    if (scope->group) {
        begin_group(scope->group);
        cz__append_column(scope->group, alias, name);
    }
    cz__append_column(sql, alias, name);
}

uint32_t cz__take_ref(struct cz__compiler *c)
{
    cz_assert(c->next_ref < c->shape->ref_count);
    return (uint32_t)c->next_ref++;
}

void cz__append_slot(struct cz__compiler *c, cz_buf *sql, struct cz__slot slot)
{
    if (c->slot_count == c->slot_cap) {
        uint32_t cap = c->slot_cap ? c->slot_cap * 4 : 16;
        struct cz__slot *grown = cz_array(c->ctx, struct cz__slot, cap);
        if (c->slot_count)
            memcpy(grown, c->slots, c->slot_count * sizeof *grown);
        c->slots = grown;
        c->slot_cap = cap;
    }
    c->slots[c->slot_count++] = slot;
    cz_buf_append_char(sql, c->features->parameter);
    cz_buf_append_u64(sql, c->slot_count);
}

void cz__append_template(struct cz__compiler *c, cz_buf *sql, const char *format,
                         cz_buf *const *args, size_t count)
{
    for (; *format; format++) {
        if (*format != '$') {
            cz_buf_append_char(sql, *format);
            continue;
        }
        format++;
        size_t n = (size_t)(*format - '1');
        for (size_t i = 0; i < count; i++) {
            if (*format == '*' && i)
                cz_buf_append_lit(sql, ", ");
            if (*format == '*' || i == n)
                cz_buf_append_str(sql, cz_buf_str(args[i]));
        }
    }
    for (size_t i = 0; i < count; i++)
        cz_check(c->ctx, cz_buf_status(args[i]));
}

/* ---- joins ---- */

/* What a join goes by. The two steps of a many-to-many through a model are those of its foreign keys, so that
 * conditions on what is linked and on the rows between, beside each other, are about the same row between. */
struct step {
    const cz__column *by;
    enum { FORWARD, BACKWARD, TO_LINKS } way;
};

static struct step step_of(const struct cz__scope *scope, const cz__column *column, bool link)
{
    if (!column->link_table)
        return column->via ? (struct step){ column->via, BACKWARD }
                           : (struct step){ column, FORWARD };
    if (column->through && link)
        return (struct step){ column->through_from, BACKWARD };
    /* a foreign key leads to a row that is marked as deleted, a many-to-many does not */
    bool kept = column->field->target->state->deleted_at && scope->leaves_out_deleted;
    if (column->through && !kept)
        return (struct step){ column->through_to, FORWARD };
    return (struct step){ column, link ? TO_LINKS : FORWARD };
}

static bool same_step(struct step a, struct step b)
{
    return a.by == b.by && a.way == b.way;
}

/* Whether a step leads to the links that the rows are behind, which no model need stand for. */
static bool leads_behind(const struct cz__scope *scope, const cz__column *column, struct step step)
{
    const cz__column *behind = scope->link;
    if (!behind)
        return false;
    if (behind->through)
        return same_step(step, (struct step){ behind->through_to, BACKWARD });
    return step.way == TO_LINKS && column->link_table &&
           strcmp(column->link_table, behind->link_table) == 0 &&
           strcmp(column->link_from, behind->link_to) == 0;
}

/* The alias of the rows a step leads to, when they are joined already; 0: they are not. */
static unsigned find_join(const struct cz__scope *scope, unsigned parent, const cz__column *column,
                          bool link)
{
    struct step step = step_of(scope, column, link);
    if (parent == scope->base && leads_behind(scope, column, step))
        return scope->link_alias;
    for (unsigned i = 0; i < scope->join_count; i++) {
        const struct cz__join *join = &scope->joins[i];
        if (join->parent == parent &&
            same_step(step, step_of(scope, join->column, join->model == NULL)))
            return join->alias;
    }
    return 0;
}

static bool alias_is_optional(const struct cz__scope *scope, unsigned alias)
{
    for (unsigned i = 0; i < scope->join_count; i++)
        if (scope->joins[i].alias == alias)
            return scope->joins[i].optional;
    return false;
}

static unsigned add_join(struct cz__compiler *c, struct cz__scope *scope, unsigned parent,
                         const cz_model *from, const cz__column *column, const cz_model *model)
{
    unsigned joined = find_join(scope, parent, column, model == NULL);
    if (joined)
        return joined;
    cz_assert(column->field->target); /* only relations are followed */
    if (from->state->database != column->field->target->state->database)
        cz_raise(c->ctx, CZ_EINVAL,
                 "%s.%s leads to another database, which no statement can join: CZ_REL() and "
                 ".prefetch read it",
                 from->name, column->field->name);
    if (scope->join_count == CZ__JOINS_MAX)
        cz_raise(c->ctx, CZ_EINVAL, "a query joins more than %d tables", CZ__JOINS_MAX);
    struct cz__join *join = &scope->joins[scope->join_count];
    *join = (struct cz__join){ .parent = parent,
                               .column = column,
                               .model = model,
                               .from = from,
                               .optional =
                                   column->null || column->many || alias_is_optional(scope, parent),
                               .alias = ++c->alias_count };
    scope->join_count++;
    return join->alias;
}

/* The alias of the rows a relation leads to. A many-to-many goes over its link table. */
static unsigned follow(struct cz__compiler *c, struct cz__scope *scope, unsigned alias,
                       const cz_model *from, const cz__column *column)
{
    const cz_model *target = column->field->target;
    cz_assert(target); /* it is a relation */
    if (column->link_table)
        alias = add_join(c, scope, alias, from, column, NULL);
    return add_join(c, scope, alias, from, column, target);
}

void cz__append_kept(const struct cz__scope *scope, cz_buf *sql, const cz_model *model,
                     unsigned alias)
{
    if (!model->state->deleted_at || !scope->leaves_out_deleted)
        return;
    cz_buf_append_lit(sql, " AND ");
    cz__append_column(sql, alias, model->state->deleted_at->name);
    cz_buf_append_lit(sql, " IS NULL");
}

void cz__append_joins(const struct cz__scope *scope, cz_buf *sql)
{
    if (scope->link)
        cz__append_link_join(scope, sql);
    for (unsigned i = 0; i < scope->join_count; i++) {
        const struct cz__join *join = &scope->joins[i];
        const cz__column *column = join->column;
        const struct cz__model_state *target = column->field->target->state;
        cz_buf_append_str(sql, join->optional ? CZ_STR(" LEFT JOIN ") : CZ_STR(" JOIN "));
        cz__db_append_name(sql, join->model ? target->table : column->link_table);
        cz_buf_append_char(sql, ' ');
        cz__append_alias(sql, join->alias);
        cz_buf_append_lit(sql, " ON ");
        const char *here, *there; /* the columns of this alias and of its parent */
        if (!join->model) {
            here = column->link_from;
            there = join->from->state->key->name;
        } else if (column->link_table) {
            here = target->key->name;
            there = column->link_to;
        } else if (column->via) {
            here = column->via->name;
            there = join->from->state->key->name;
        } else {
            here = target->key->name;
            there = column->name;
        }
        cz__append_column(sql, join->alias, here);
        cz_buf_append_lit(sql, " = ");
        cz__append_column(sql, join->parent, there);
        const cz_model *kept = join->model ? join->model : column->through;
        if (kept && column->many)
            cz__append_kept(scope, sql, kept, join->alias);
    }
}

void cz__append_from(const struct cz__scope *scope, cz_buf *sql)
{
    cz_buf_append_lit(sql, " FROM ");
    cz__db_append_name(sql, scope->model->state->table);
    cz_buf_append_char(sql, ' ');
    cz__append_alias(sql, scope->base);
}

struct cz__place cz__locate(struct cz__compiler *c, struct cz__scope *scope, cz_str path)
{
    const cz_model *model = scope->model;
    struct cz__place at = { .alias = scope->base };
    for (cz_str rest = path;;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        const cz__column *column = cz__column_find(model, part);
        if (!column)
            cz_raise(c->ctx, CZ_EINVAL, "%s has no field \"%.*s\"", model->name, CZ_STR_ARG(part));
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
        at.many |= column->many;
        at.null |= column->null || column->many;
        at.column = column;
        at.name = column->name;
        if (!rest.len) {
            if (column->many) { /* compared by the key of what it leads to */
                at.alias = follow(c, scope, at.alias, model, column);
                at.column = column->field->target->state->key;
                at.name = at.column->name;
            }
            return at;
        }
        if (!column->field->target)
            cz_raise(c->ctx, CZ_EINVAL, "%s.%s is no relation", model->name, column->field->name);
        const struct cz__model_state *target = column->field->target->state;
        cz_str tail = cz_str_trim(rest);
        if (column->relation && cz_str_eq(tail, target->key->attribute)) {
            at.column = target->key; /* author->id is author_id: no join */
            return at;
        }
        at.alias = follow(c, scope, at.alias, model, column);
        model = column->field->target;
    }
}

/* ---- columns read ---- */

static bool is_listed(const cz_fields *fields, const cz__column *column)
{
    for (size_t i = 0; i < fields->count; i++)
        if (cz_str_eq(fields->items[i], cz_str_from(column->field->name)) ||
            cz_str_eq(fields->items[i], column->attribute))
            return true;
    return false;
}

static void check_listed(struct cz__compiler *c, const cz_model *model, const cz_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        const cz__column *column = cz__column_find(model, fields->items[i]);
        if (!column || !column->stored)
            cz_raise(c->ctx, CZ_EINVAL, ".only and .defer take %s's own columns, not \"%.*s\"",
                     model->name, CZ_STR_ARG(fields->items[i]));
    }
}

/* The bits of the columns that `.only` and `.defer` leave; NULL: all of them. */
static const uint64_t *loaded_bits(struct cz__compiler *c, const cz_query *query)
{
    if (!query->only.count && !query->defer.count)
        return NULL;
    const struct cz__model_state *state = query->model->state;
    check_listed(c, query->model, &query->only);
    check_listed(c, query->model, &query->defer);
    uint64_t *bits = cz_array(c->ctx, uint64_t, cz__model_words(query->model));
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        bool wanted = (!query->only.count || is_listed(&query->only, column)) &&
                      !is_listed(&query->defer, column);
        if (column->stored && (i == 0 || wanted))
            bits[i / 64] |= UINT64_C(1) << (i % 64);
    }
    return bits;
}

/* The columns of a model at an alias, in the order rows are read, after `count` others. */
static void append_columns(cz_buf *sql, const cz_model *model, unsigned alias,
                           const uint64_t *loaded, unsigned *count)
{
    for (uint16_t i = 0; i < model->state->column_count; i++) {
        const cz__column *column = &model->state->columns[i];
        if (!column->stored || (loaded && !(loaded[i / 64] >> (i % 64) & 1)))
            continue;
        if ((*count)++)
            cz_buf_append_lit(sql, ", ");
        cz__append_column(sql, alias, column->name);
    }
}

static void add_related(struct cz__compiler *c, struct cz__plan *plan, unsigned *aliases,
                        cz_str path)
{
    const cz_model *model = c->scope->model;
    uint16_t parent = 0;
    for (cz_str rest = path; rest.len;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
        const cz__column *column = cz__column_find(model, part);
        if (!column || !column->relation)
            cz_raise(c->ctx, CZ_EINVAL, "related: %s.%.*s is no foreign key", model->name,
                     CZ_STR_ARG(part));
        uint16_t found = 0;
        for (uint16_t i = 0; i < plan->related_count && !found; i++)
            if (plan->related[i].column == column && plan->related[i].parent == parent)
                found = (uint16_t)(i + 1);
        if (!found) {
            if (plan->related_count == CZ__RELATED_MAX)
                cz_raise(c->ctx, CZ_EINVAL,
                         "related: %s joins more than %d relations; read some by .prefetch",
                         c->scope->model->name, CZ__RELATED_MAX);
            plan->related[plan->related_count] =
                (struct cz__related){ column, column->field->target, parent };
            aliases[plan->related_count + 1] = follow(c, c->scope, aliases[parent], model, column);
            found = ++plan->related_count;
        }
        parent = found;
        model = column->field->target;
    }
}

/* ---- order ---- */

/* What a SELECT gives. */
struct output {
    cz_buf *sql;
    uint8_t value_kind;
    const void *value;
};

struct outputs {
    struct output *items;
    size_t count;
};

struct ordering {
    cz_buf *sql;
    const char *before;               /* " ORDER BY ", then ", " */
    cz_buf *group;                    /* what an order adds to GROUP BY; NULL: nothing is grouped */
    cz_buf *parts;                    /* ", " and each of what is ordered by; NULL: not needed */
    struct cz__window_filter *filter; /* where the order is outside of; NULL: it is not */
    const struct outputs *among; /* distinct values, which alone can order; NULL: anything can */
    bool own;                    /* the order is the model's, of which the rest is left out */
    bool distinct;               /* of distinct rows or values */
    bool has_aggregate;
};

static void append_direction(cz_buf *sql, const cz_order *item, bool descending)
{
    if (descending)
        cz_buf_append_lit(sql, " DESC");
    if (item->nulls)
        cz_buf_append_str(sql, item->nulls == CZ_NULLS_FIRST ? CZ_STR(" NULLS FIRST")
                                                             : CZ_STR(" NULLS LAST"));
}

static void begin_item(struct ordering *order)
{
    cz_buf_append_str(order->sql, cz_str_from(order->before));
    order->before = ", ";
}

static void add_item(struct ordering *order, const cz_buf *part)
{
    begin_item(order);
    if (order->filter)
        cz__filter_order(order->filter, order->sql, part);
    else
        cz_buf_append_str(order->sql, cz_buf_str(part));
}

static void add_part(struct ordering *order, cz_buf *part)
{
    if (!order->parts)
        return;
    cz_buf_append_lit(order->parts, ", ");
    cz_buf_append_str(order->parts, cz_buf_str(part));
}

static CZ_NORETURN void refuse_distinct(struct cz__compiler *c, const char *by)
{
    cz_raise(
        c->ctx, CZ_EINVAL,
        "distinct values of %s ordered by %s, which is none of them: order by %s, or leave out "
        ".distinct and order by CZ_MIN() or CZ_MAX() of it",
        c->scope->model->name, by, c->scope->outer ? "the value" : "a value, adding it to .values");
}

/* The number, from 1, of the output that this is; 0: of none. */
static size_t find_output(struct cz__compiler *c, const struct outputs *among, const cz_buf *part,
                          const struct cz__expr *expr)
{
    for (size_t i = 0; i < among->count; i++) {
        const struct output *output = &among->items[i];
        const struct cz__expr *given = cz__expr_of(output->value_kind, output->value);
        if (cz_str_eq(cz_buf_str(output->sql), cz_buf_str(part)) ||
            (expr && given && cz__same_expr(c->shape, expr, given)))
            return i + 1;
    }
    return 0;
}

/* How much a compiler has put together, to go back to. */
struct mark {
    uint32_t slot_count;
    unsigned join_count;
};

static struct mark mark(const struct cz__compiler *c)
{
    return (struct mark){ c->slot_count, c->scope->join_count };
}

/* Order by what is in `part`; of distinct values by their number, which PostgreSQL takes for one of them whatever
 * its parameters are. What was put together since `start` for `part` is then read by nobody. */
static void order_by_part(struct cz__compiler *c, struct ordering *order, const cz_order *item,
                          cz_buf *part, struct mark start)
{
    if (!order->among) {
        add_item(order, part);
        append_direction(order->sql, item, item->descending);
        add_part(order, part);
        return;
    }
    c->slot_count = start.slot_count;
    c->scope->join_count = start.join_count;
    size_t number = find_output(c, order->among, part, item->expr);
    if (!number && order->own)
        return;
    if (!number)
        refuse_distinct(c, item->expr ? "an expression"
                                      : cz_format(c->ctx, "\"%.*s\"", CZ_STR_ARG(item->path)).ptr);
    begin_item(order);
    cz_buf_append_u64(order->sql, number);
    append_direction(order->sql, item, item->descending);
}

/* By a path; one that ends at a foreign key orders as the model it leads to does, as in Django. */
static void order_by_path(struct cz__compiler *c, struct ordering *order, const cz_order *item,
                          cz_str path, bool descending, unsigned depth)
{
    const cz__column *column;
    cz_error err;
    if (cz__path_resolve(c->scope->model, path, &column, &err))
        cz_raise_error(c->ctx, &err);
    cz_str name = cz_str_from(column->field->name);
    const cz_order_list *further =
        column->relation && cz_str_ends_with(path, name) && depth < ORDER_DEPTH_MAX
            ? &column->field->target->meta.ordering
            : NULL;
    if (further && further->count) {
        for (size_t i = 0; i < further->count; i++) {
            const cz_order *next = &further->items[i];
            if (next->random || next->expr)
                continue;
            order_by_path(c, order, next,
                          cz_format(c->ctx, "%.*s->%.*s", CZ_STR_ARG(path), CZ_STR_ARG(next->path)),
                          descending != next->descending, depth + 1);
        }
        return;
    }
    cz_order here = *item;
    here.path = path;
    here.descending = descending;
    struct mark start = mark(c);
    struct cz__place at = cz__locate(c, c->scope, path);
    if (at.column->type & CZ__DB_SEALED)
        cz_raise(c->ctx, CZ_EINVAL, "\"%.*s\" is encrypted: it has no order", CZ_STR_ARG(path));
    cz_buf *part = cz__scratch(c->ctx);
    cz__append_column(part, at.alias, at.name);
    order_by_part(c, order, &here, part, start);
    cz__append_group(order->group, part);
}

static void order_by_expr(struct cz__compiler *c, struct ordering *order, const cz_order *item)
{
    struct mark start = mark(c);
    cz_buf *part = cz__scratch(c->ctx);
    bool aggregate = cz__has_aggregate(item->expr);
    bool inside = aggregate || cz__has_window(item->expr); /* it reads what groups have */
    c->scope->group = inside ? order->group : NULL;
    cz_ignore(cz__compile_expr(c, part, item->expr) == 0); /* of any type */
    c->scope->group = NULL;
    order_by_part(c, order, item, part, start);
    order->has_aggregate |= aggregate && !order->among;
    if (!inside)
        cz__append_group(order->group, part);
}

static void compile_order(struct cz__compiler *c, struct ordering *order, const cz_order_list *list)
{
    if (order->among)
        order->group = NULL; /* it adds nothing to what is given */
    for (size_t i = 0; i < list->count; i++) {
        const cz_order *item = &list->items[i];
        if (item->expr) {
            order_by_expr(c, order, item);
        } else if (!item->random) {
            order_by_path(c, order, item, item->path, item->descending, 0);
        } else if (!order->distinct) {
            begin_item(order);
            cz_buf_append_str(order->sql, cz_str_from(c->features->random));
        } else if (!order->own) {
            cz_raise(c->ctx, CZ_EINVAL,
                     "distinct rows of %s ordered by CZ_RANDOM and more: it is their only order, "
                     "outside of subqueries, or none",
                     c->scope->model->name);
        }
    }
}

void cz__append_order(struct cz__compiler *c, cz_buf *sql, const cz_order_list *list,
                      const char *before)
{
    cz_buf *group = c->scope->group;
    struct ordering order = { .sql = sql, .before = before, .group = group };
    compile_order(c, &order, list);
    c->scope->group = group;
}

/* ---- SELECT ---- */

struct select {
    cz_buf *outputs, *where, *having, *group, *order;
    unsigned output_count;
    struct outputs values; /* among the outputs */
    bool aggregates;
    struct cz__window_filter filter;
};

static struct select new_select(cz_ctx *ctx)
{
    return (struct select){ .outputs = cz__scratch(ctx),
                            .where = cz__scratch(ctx),
                            .having = cz__scratch(ctx),
                            .group = cz__scratch(ctx),
                            .order = cz__scratch(ctx),
                            .values = { 0 },
                            .filter = { cz__scratch(ctx), cz__scratch(ctx), 0, 0 } };
}

static void add_clause(cz_buf *sql, const char *first, cz_buf *part)
{
    cz_buf_append_str(sql, sql->len ? CZ_STR(" AND ") : cz_str_from(first));
    cz_buf_append_str(sql, cz_buf_str(part));
}

/* The parts of a conjunction that ask about groups go to HAVING, in the order they stand, and those that ask about
 * windows around it all. What the former read outside aggregates is then grouped by, as in Django. */
static void split_where(struct cz__compiler *c, struct select *select, cz_cond cond)
{
    if (cond->op == CZ__COND_AND && cond->count) {
        for (uint32_t i = 0; i < cond->count; i++)
            split_where(c, select, cond->children[i]);
        return;
    }
    bool aggregate = cz__cond_has(cond, false);
    cz_buf *part = cz__scratch(c->ctx);
    c->scope->group = aggregate ? select->group : NULL;
    cz_ignore(cz__compile_cond(c, part, cond)); /* a row whose condition is NULL is left out */
    c->scope->group = NULL;
    select->aggregates |= aggregate;
    if (cz__cond_has(cond, true)) {
        cz__filter_add(&select->filter, part);
    } else if (aggregate) {
        add_clause(select->having, " HAVING ", part);
    } else {
        add_clause(select->where, " WHERE ", part);
    }
    cz_check(c->ctx, cz_buf_status(part));
}

/* All conditions of a query, met as its shape met them. */
static void compile_where(struct cz__compiler *c, struct select *select, const cz_query *query)
{
    cz_cond conds[CZ__CONDS_MAX];
    size_t count = cz__conds_of(query, conds);
    for (size_t i = 0; i < count; i++)
        split_where(c, select, conds[i]);
}

static const struct cz__model_state *record_of(struct cz__compiler *c, const cz_query *query)
{
    const struct cz__model_state *record = cz__record_state(c->ctx, query->values.record);
    if (query->values.count > CZ__OUTPUTS_MAX)
        cz_raise(c->ctx, CZ_EINVAL, "more than %d values", CZ__OUTPUTS_MAX);
    return record;
}

/* The values of a query; what is no aggregate is what rows are grouped by, if there is one. */
static const cz__db_type *compile_outputs(struct cz__compiler *c, struct select *select,
                                          const cz_query *query)
{
    const struct cz__model_state *record = record_of(c, query);
    cz__db_type *types = cz_array(c->ctx, cz__db_type, query->values.count);
    select->values.items = cz_array(c->ctx, struct output, query->values.count);
    select->values.count = query->values.count;
    for (size_t i = 0; i < query->values.count; i++) {
        const struct cz__assign *item = &query->values.items[i];
        const cz__column *member = &record->columns[item->field];
        const struct cz__expr *expr = cz__expr_of(item->value_kind, item->value);
        bool aggregate = expr && cz__has_aggregate(expr), window = expr && cz__has_window(expr);
        cz_buf *part = cz__scratch(c->ctx);
        c->scope->group = aggregate || window ? select->group : NULL;
        types[i] = cz__compile_value(c, part, item->value_kind, item->value, member->type,
                                     member->field->name);
        c->scope->group = NULL;
        if (i)
            cz_buf_append_lit(select->outputs, ", ");
        cz_buf_append_str(select->outputs, cz_buf_str(part));
        cz_check(c->ctx, cz_buf_status(part));
        select->values.items[i] = (struct output){ part, item->value_kind, item->value };
        if (aggregate)
            select->aggregates = true;
        else if (expr && !window && expr->op != CZ__EXPR_VALUE)
            cz__append_group(select->group, part);
    }
    select->output_count = (unsigned)query->values.count;
    return types;
}

/* Rows of a model in groups are grouped by their key, and by those of the rows read along. */
static void group_by_keys(struct cz__compiler *c, struct select *select,
                          const struct cz__plan *plan, const unsigned *aliases)
{
    for (uint16_t i = 0; i <= (plan ? plan->related_count : 0); i++) {
        const cz_model *model = i ? plan->related[i - 1].model : c->scope->model;
        cz_buf *part = cz__scratch(c->ctx);
        cz__append_column(part, i ? aliases[i] : c->scope->base, model->state->key->name);
        cz__append_group(select->group, part);
    }
}

static void check_filter(struct cz__compiler *c, const struct select *select, const cz_query *query)
{
    const char *what = select->aggregates          ? "groups"
                       : query->combine.count      ? ".combine"
                       : query->distinct_on.count  ? ".distinct_on"
                       : query->lock != CZ_NO_LOCK ? ".lock"
                                                   : NULL;
    if (what)
        cz_raise(c->ctx, CZ_EINVAL,
                 "a condition on a window in a query of %s with %s: ask by the keys, "
                 "CZ_Q(%s, id, IN, CZ_SUBQUERY(CZ_F(%s, id), %s, .where = ...))",
                 query->model->name, what, query->model->name, query->model->name,
                 query->model->name);
}

/* A SELECT up to its order. */
static void append_body(struct cz__compiler *c, cz_buf *sql, const struct select *select,
                        const cz_query *query)
{
    const struct cz__window_filter *filter = &select->filter;
    if (filter->count) {
        check_filter(c, select, query);
        cz__filter_begin(filter, sql, select->output_count);
    }
    cz_buf_append_lit(sql, "SELECT ");
    if (query->distinct_on.count) {
        if (!c->features->distinct_on)
            cz_raise(c->ctx, CZ_EUNSUPPORTED, "%s has no DISTINCT ON", c->features->name);
        for (size_t i = 0; i < query->distinct_on.count; i++) {
            struct cz__place at = cz__locate(c, c->scope, query->distinct_on.items[i]);
            cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR("DISTINCT ON ("));
            cz__append_column(sql, at.alias, at.name);
        }
        cz_buf_append_lit(sql, ") ");
    } else if (query->distinct && !filter->count) {
        cz_buf_append_lit(sql, "DISTINCT ");
    }
    cz_buf_append_str(sql, cz_buf_str(select->outputs));
    cz_buf_append_str(sql, cz_buf_str(filter->order));
    cz_buf_append_str(sql, cz_buf_str(filter->conditions));
    cz__append_from(c->scope, sql);
    cz__append_joins(c->scope, sql);
    cz_buf_append_str(sql, cz_buf_str(select->where));
    if (select->aggregates)
        cz_buf_append_str(sql, cz_buf_str(select->group));
    cz_buf_append_str(sql, cz_buf_str(select->having));
    if (filter->count)
        cz__filter_end(filter, sql, select->output_count, query);
    cz_buf *const parts[] = { select->outputs, select->where, select->group,     select->having,
                              select->order,   filter->order, filter->conditions };
    for (size_t i = 0; i < CZ_COUNT(parts); i++)
        cz_check(c->ctx, cz_buf_status(parts[i]));
}

/* Whether a query gives or orders by what is computed over several rows and leaves each its own. */
static bool shows_windows(const cz_query *query)
{
    const cz_order_list *order = cz__ordering_of(query);
    bool shows = false;
    for (size_t i = 0; i < order->count; i++)
        shows |= order->items[i].expr && cz__has_window(order->items[i].expr);
    for (size_t i = 0; i < query->values.count; i++) {
        const struct cz__expr *expr =
            cz__expr_of(query->values.items[i].value_kind, query->values.items[i].value);
        shows |= expr && cz__has_window(expr);
    }
    return shows;
}

/* A database locks the row that a row of the result is; PostgreSQL refuses where that is none or several. SQLite, which locks
 * nothing, refuses it as well, so that a program does not learn it in production. */
static void check_lock(struct cz__compiler *c, const struct select *select, const cz_query *query)
{
    const char *what = query->combine.count                          ? ".combine"
                       : query->distinct || query->distinct_on.count ? ".distinct"
                       : select->aggregates                          ? "groups"
                       : shows_windows(query)                        ? "a window"
                                                                     : NULL;
    if (query->lock && what)
        cz_raise(c->ctx, CZ_EINVAL,
                 "rows of %s cannot be locked in a query with %s: lock them by their keys, "
                 "CZ_Q(%s, id, IN, CZ_SUBQUERY(CZ_F(%s, id), %s, .where = ...))",
                 query->model->name, what, query->model->name, query->model->name,
                 query->model->name);
}

static void append_lock(struct cz__compiler *c, cz_buf *sql, const struct select *select,
                        const cz_query *query)
{
    static const char *const locks[] = { [CZ_FOR_UPDATE] = " FOR UPDATE OF ",
                                         [CZ_FOR_UPDATE_NOWAIT] = " FOR UPDATE OF ",
                                         [CZ_FOR_UPDATE_SKIP_LOCKED] = " FOR UPDATE OF ",
                                         [CZ_FOR_SHARE] = " FOR SHARE OF " };
    check_lock(c, select, query);
    if (!query->lock || !c->features->row_locks)
        return; /* whoever writes holds the whole database */
    cz_buf_append_str(sql, cz_str_from(locks[query->lock]));
    cz__append_alias(sql, c->scope->base);
    if (query->lock == CZ_FOR_UPDATE_NOWAIT)
        cz_buf_append_lit(sql, " NOWAIT");
    else if (query->lock == CZ_FOR_UPDATE_SKIP_LOCKED)
        cz_buf_append_lit(sql, " SKIP LOCKED");
}

/* `one`: of a query without a limit, the first row alone. */
static void append_limit(struct cz__compiler *c, cz_buf *sql, const cz_query *query, bool inner,
                         bool one)
{
    struct cz__slot limit = { .kind = CZ__SLOT_LIMIT, .type = CZ__DB_INT64, .name = "limit" };
    struct cz__slot offset = { .kind = CZ__SLOT_OFFSET, .type = CZ__DB_INT64, .name = "offset" };
    if (query->limit) {
        if (inner) {
            limit.kind = CZ__SLOT_VALUE;
            limit.ref = cz__take_ref(c);
        }
        cz_buf_append_lit(sql, " LIMIT ");
        cz__append_slot(c, sql, limit);
    } else if (one) {
        cz_buf_append_lit(sql, " LIMIT 1");
    } else if (query->offset) {
        cz_buf_append_lit(sql, " LIMIT ");
        cz_buf_append_str(sql, cz_str_from(c->features->limit_all));
    }
    if (query->offset) {
        if (inner) {
            offset.kind = CZ__SLOT_VALUE;
            offset.ref = cz__take_ref(c);
        }
        cz_buf_append_lit(sql, " OFFSET ");
        cz__append_slot(c, sql, offset);
    }
}

/* A part of a union gives the columns that the whole gives, which need not be said again. */
static void check_columns(struct cz__compiler *c, const cz_query *part, const cz_query *whole)
{
    if (whole->values.count || (!part->only.count && !part->defer.count))
        return;
    const uint64_t *own = loaded_bits(c, part), *wanted = loaded_bits(c, whole);
    if (!wanted || memcmp(own, wanted, cz__model_words(whole->model) * sizeof *own) != 0)
        cz_raise(c->ctx, CZ_EINVAL,
                 "the parts of a union of %s give the same columns: the .only and .defer of the "
                 "whole are for all",
                 whole->model->name);
}

/* A part of a union: the columns or values alone. */
static void compile_part(struct cz__compiler *c, cz_buf *sql, const cz_query *query,
                         const cz_query *whole)
{
    if (!cz__same_table(query->model, whole->model) && !whole->values.count)
        cz_raise(c->ctx, CZ_EINVAL, "rows of %s joined with rows of %s", query->model->name,
                 whole->model->name);
    if (query->values.count != whole->values.count)
        cz_raise(c->ctx, CZ_EINVAL, "the parts of a union have as many values");
    if (query->limit || query->offset || query->order_by.count || query->combine.count ||
        query->related.count || query->lock)
        cz_raise(c->ctx, CZ_EINVAL,
                 "a part of a union has neither order nor limit, relations or unions of its own");
    check_columns(c, query, whole);
    struct cz__scope *outer = c->scope, *scope = cz_new(c->ctx, struct cz__scope);
    scope->outer = outer->outer;
    scope->model = query->model;
    scope->leaves_out_deleted = cz__leaves_out_deleted(query);
    scope->base = ++c->alias_count;
    c->scope = scope;
    struct select select = new_select(c->ctx);
    if (query->values.count)
        cz_ignore(!compile_outputs(c, &select, query)); /* of the same types as the whole's */
    else
        append_columns(select.outputs, query->model, scope->base, loaded_bits(c, whole),
                       &select.output_count);
    compile_where(c, &select, query);
    if (select.filter.count)
        check_filter(c, &select, whole);
    if (select.aggregates && !query->values.count)
        group_by_keys(c, &select, NULL, NULL);
    append_body(c, sql, &select, query);
    c->scope = outer;
}

static void compile_combined(struct cz__compiler *c, cz_buf *sql, const cz_query *query)
{
    static const char *const words[] = { [CZ__UNION] = " UNION ",
                                         [CZ__UNION_ALL] = " UNION ALL ",
                                         [CZ__INTERSECT] = " INTERSECT ",
                                         [CZ__EXCEPT] = " EXCEPT " };
    if (query->related.count)
        cz_raise(c->ctx, CZ_EINVAL,
                 "a union of %s has no .related, whose columns its parts would lack: .prefetch and "
                 "CZ_REL() read over relations",
                 query->model->name);
    for (size_t i = 0; i < query->combine.count; i++) {
        cz_buf_append_str(sql, cz_str_from(words[query->combine.op]));
        compile_part(c, sql, query->combine.queries[i], query);
    }
}

/* The order of a union is by its columns, which have no names of their own: by their number. */
static void order_combined(struct cz__compiler *c, cz_buf *sql, const cz_query *query)
{
    const cz_order_list *order = cz__ordering_of(query);
    for (size_t i = 0; i < order->count; i++) {
        const cz_order *item = &order->items[i];
        size_t number = 0;
        const uint64_t *loaded = loaded_bits(c, query);
        const struct cz__model_state *state = query->model->state;
        for (size_t v = 0; v < query->values.count && !item->expr; v++) {
            const struct cz__expr *expr =
                cz__expr_of(query->values.items[v].value_kind, query->values.items[v].value);
            if (expr && expr->op == CZ__EXPR_FIELD && cz_str_eq(expr->path, item->path))
                number = v + 1;
        }
        const cz__column *column = item->expr ? NULL : cz__column_find(query->model, item->path);
        if (!query->values.count && column && column->stored)
            for (uint16_t n = 0; n <= column->ordinal; n++)
                number += state->columns[n].stored && (!loaded || (loaded[n / 64] >> (n % 64) & 1));
        if (!number || item->random)
            cz_raise(c->ctx, CZ_EINVAL, "a union is ordered by its own columns or values alone");
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ORDER BY "));
        cz_buf_append_u64(sql, number);
        append_direction(sql, item, item->descending);
    }
}

/* Whether distinct rows come in any order, which is none of what makes them distinct: it stands around them. */
static bool is_shuffled(const cz_query *query)
{
    const cz_order_list *order = cz__ordering_of(query);
    return query->distinct && !query->combine.count && order->count == 1 && order->items[0].random;
}

static bool gives_rows(const struct cz__plan_request *request)
{
    const cz_query *query = request->query;
    return request->kind == CZ__PLAN_SELECT || query->distinct || query->distinct_on.count ||
           query->combine.count;
}

/* What a query without values gives; `inside`: of what is counted around it. */
static void append_outputs(struct cz__compiler *c, struct cz__plan *plan, struct select *select,
                           const struct cz__plan_request *request, const unsigned *aliases,
                           bool inside)
{
    select->output_count = 1;
    if (request->kind == CZ__PLAN_EXISTS && !request->query->combine.count) {
        cz_buf_append_char(select->outputs, '1');
    } else if (request->kind == CZ__PLAN_COUNT && !inside) {
        cz_buf_append_lit(select->outputs, "COUNT(*)");
    } else if (gives_rows(request)) {
        select->output_count = 0;
        plan->loaded = loaded_bits(c, request->query);
        append_columns(select->outputs, c->scope->model, c->scope->base, plan->loaded,
                       &select->output_count);
        for (uint16_t i = 0; i < plan->related_count; i++)
            append_columns(select->outputs, plan->related[i].model, aliases[i + 1], NULL,
                           &select->output_count);
    } else {
        cz__append_column(select->outputs, c->scope->base, c->scope->model->state->key->name);
    }
}

static void compile_select(struct cz__compiler *c, struct cz__plan *plan, cz_buf *sql,
                           const struct cz__plan_request *request)
{
    const cz_query *query = request->query;
    enum cz__plan_kind kind = request->kind;
    unsigned aliases[CZ__RELATED_MAX + 1] = { 0 };
    plan->related = cz_array(c->ctx, struct cz__related, CZ__RELATED_MAX);
    struct select select = new_select(c->ctx);
    cz_buf *behind = NULL; /* what rows are behind */
    bool sliced = request->behind && (query->limit || query->offset);
    if (request->behind) {
        behind = cz__scratch(c->ctx);
        cz_buf *among = cz__scratch(c->ctx);
        cz__compile_behind(c, behind, among, request->behind);
        add_clause(select.where, " WHERE ", among);
        c->scope->behind = request->behind->column->many ? behind : NULL;
        cz__append_group(select.group, behind);
    }
    bool values = query->values.count > 0;
    bool ordered = kind != CZ__PLAN_COUNT && kind != CZ__PLAN_EXISTS;
    if (values)
        plan->outputs = compile_outputs(c, &select, query);
    compile_where(c, &select, query);
    struct ordering order = { .sql = select.order,
                              .before = " ORDER BY ",
                              .group = !values || select.group->len ? select.group : NULL,
                              .parts = values ? NULL : cz__scratch(c->ctx),
                              .filter = select.filter.count ? &select.filter : NULL,
                              .own = cz__is_own_order(query),
                              .distinct = query->distinct && !is_shuffled(query) };
    if (query->distinct && values && !query->distinct_on.count)
        order.among = &select.values;
    if (behind && !sliced)
        add_item(&order, behind);
    if (sliced && select.filter.count)
        cz_raise(c->ctx, CZ_EINVAL,
                 "a condition on a window and a slice of each row's %s: leave out .limit and "
                 ".offset, or number them by the window",
                 query->model->name);
    if (ordered && !query->combine.count)
        compile_order(c, &order, cz__ordering_of(query));
    select.aggregates |= order.has_aggregate;
    if (kind == CZ__PLAN_SELECT)
        for (size_t i = 0; i < query->related.count; i++)
            add_related(c, plan, aliases, query->related.items[i]);
    if (select.aggregates && !values)
        group_by_keys(c, &select, plan, aliases);
    bool inside = kind == CZ__PLAN_COUNT &&
                  (gives_rows(request) || values || select.aggregates || select.filter.count);
    if (!values)
        append_outputs(c, plan, &select, request, aliases, inside);
    if (behind) {
        cz__append_behind(c, select.outputs, behind, sliced ? select.order : NULL);
        select.output_count++;
    }
    if (query->distinct && !select.filter.count && kind == CZ__PLAN_SELECT && !values &&
        !query->combine.count)
        cz_buf_append_str(select.outputs, cz_buf_str(order.parts)); /* read by nobody */
    if (sliced) {
        cz__append_sliced(c, sql, query, true);
        append_body(c, sql, &select, query);
        cz__append_sliced(c, sql, query, false);
        return;
    }
    bool shuffled = ordered && !behind && is_shuffled(query);
    if (inside || shuffled)
        cz_buf_append_str(sql,
                          inside ? CZ_STR("SELECT COUNT(*) FROM (") : CZ_STR("SELECT * FROM ("));
    append_body(c, sql, &select, query);
    if (shuffled)
        cz_buf_append_lit(sql, ") shuffled");
    if (query->combine.count) {
        compile_combined(c, sql, query);
        if (ordered)
            order_combined(c, sql, query);
    }
    cz_buf_append_str(sql, cz_buf_str(select.order));
    if (ordered)
        append_limit(c, sql, query, false, false);
    else if (kind == CZ__PLAN_EXISTS)
        cz_buf_append_lit(sql, " LIMIT 1");
    if (inside)
        cz_buf_append_lit(sql, ") counted");
    else if (ordered)
        append_lock(c, sql, &select, query);
}

/* Whether a subquery gives something else when equal rows stand once: not of what is looked for among them, nor of the
 * first. PostgreSQL orders distinct rows by what they give alone, and a model's order is seldom that. */
static bool distinct_matters(const cz_query *query, enum cz__subselect kind)
{
    bool sliced = query->limit || query->offset;
    return kind == CZ__SUBSELECT_LIST ? sliced : kind == CZ__SUBSELECT_VALUE && query->offset;
}

void cz__compile_subselect(struct cz__compiler *c, cz_buf *sql, const cz_query *query,
                           const struct cz__arg *value, enum cz__subselect kind)
{
    if (query->values.count || query->combine.count || query->lock || query->related.count)
        cz_raise(c->ctx, CZ_EINVAL,
                 "a subquery has neither values, unions, locks nor related rows");
    struct cz__scope *scope = cz_new(c->ctx, struct cz__scope);
    scope->outer = c->scope;
    scope->model = query->model;
    scope->leaves_out_deleted = cz__leaves_out_deleted(query);
    scope->base = ++c->alias_count;
    c->scope = scope;
    bool negated = c->negated;
    c->negated = false;
    struct select select = new_select(c->ctx);
    const struct cz__expr *expr = value ? cz__expr_of(value->value_kind, value->value) : NULL;
    bool aggregate = expr && cz__has_aggregate(expr); /* which has no order */
    struct output output = { select.outputs, 0, NULL };
    if (value) {
        output = (struct output){ select.outputs, value->value_kind, value->value };
        scope->group = aggregate ? NULL : select.group;
        cz_ignore(cz__compile_value(c, select.outputs, value->value_kind, value->value,
                                    CZ__DB_INT64, "a subquery") == 0); /* its type was asked for */
        scope->group = NULL;
    } else {
        cz_buf_append_char(select.outputs, '1');
    }
    select.output_count = 1;
    compile_where(c, &select, query);
    cz_query once = *query;
    once.distinct = query->distinct && distinct_matters(query, kind);
    struct ordering order = { .sql = select.order,
                              .before = " ORDER BY ",
                              .group = select.group,
                              .filter = select.filter.count ? &select.filter : NULL,
                              .among = once.distinct ? &(struct outputs){ &output, 1 } : NULL,
                              .own = cz__is_own_order(query),
                              .distinct = once.distinct };
    if (kind != CZ__SUBSELECT_EXISTS && !aggregate)
        compile_order(c, &order, cz__ordering_of(query));
    select.aggregates |= order.has_aggregate;
    cz_buf *limit = cz__scratch(c->ctx);
    append_limit(c, limit, query, true, kind == CZ__SUBSELECT_VALUE && !aggregate);
    select.aggregates |= aggregate && select.filter.count; /* to be refused */
    if (select.filter.count && query->distinct)
        cz_raise(c->ctx, CZ_EINVAL, "a condition on a window in a subquery with .distinct");
    if (select.aggregates && !aggregate)
        group_by_keys(c, &select, NULL, NULL);
    append_body(c, sql, &select, &once);
    cz_buf_append_str(sql, cz_buf_str(select.order));
    cz_buf_append_str(sql, cz_buf_str(limit));
    cz_check(c->ctx, cz_buf_status(limit));
    c->negated = negated;
    c->scope = scope->outer;
}

/* ---- INSERT, UPDATE, DELETE ---- */

static void compile_assign(struct cz__compiler *c, cz_buf *sql, const struct cz__assign *assign)
{
    const cz__column *column = &c->scope->model->state->columns[assign->field];
    const struct cz__expr *expr = cz__expr_of(assign->value_kind, assign->value);
    if (expr && (cz__has_aggregate(expr) || cz__has_window(expr)))
        cz_raise(c->ctx, CZ_EINVAL, "%s.%s: an aggregate or a window as its value; use a subquery",
                 c->scope->model->name, column->field->name);
    if (expr) {
        cz__compile_as(c, sql, assign->value_kind, assign->value, column->type,
                       column->field->name);
        return;
    }
    cz__append_slot(
        c, sql,
        (struct cz__slot){ .kind = CZ__SLOT_VALUE,
                           .ref = cz__take_ref(c),
                           .type = column->type,
                           .exact = true,
                           .max_length = column->type & CZ__DB_SEALED ? 0 : column->max_length,
                           .name = column->field->name });
}

static void append_conflict(struct cz__compiler *c, cz_buf *sql,
                            const struct cz__conflict *conflict)
{
    const struct cz__model_state *state = c->scope->model->state;
    cz_buf_append_lit(sql, " ON CONFLICT");
    for (size_t i = 0; i < conflict->unique.count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        cz__db_append_name(sql, cz__column_find(c->scope->model, conflict->unique.items[i])->name);
    }
    if (conflict->unique.count)
        cz_buf_append_char(sql, ')');
    if (conflict->condition) { /* else no rule of some rows alone is meant */
        cz_buf_append_lit(sql, " WHERE ");
        cz_buf_append_str(sql, cz_str_from(conflict->condition));
    }
    if (!conflict->update_count) {
        cz_buf_append_lit(sql, " DO NOTHING");
        return;
    }
    for (size_t i = 0; i < conflict->update_count; i++) {
        const char *name = state->columns[conflict->update[i]].name;
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" DO UPDATE SET "));
        cz__db_append_name(sql, name);
        cz_buf_append_lit(sql, " = excluded.");
        cz__db_append_name(sql, name);
    }
}

/* " RETURNING" the key and the columns with a default of the database's that were not given. */
static const uint64_t *append_returning(struct cz__compiler *c, cz_buf *sql,
                                        const struct cz__plan_request *request)
{
    const struct cz__model_state *state = c->scope->model->state;
    uint64_t *bits = cz_array(c->ctx, uint64_t, cz__model_words(c->scope->model));
    bits[0] = 1;
    for (uint16_t i = 1; i < state->column_count; i++)
        if (state->columns[i].field->options.db_default.kind)
            bits[i / 64] |= UINT64_C(1) << (i % 64);
    for (size_t i = 0; i < request->assign_count; i++)
        if (request->assigns[i].field)
            bits[request->assigns[i].field / 64] &=
                ~(UINT64_C(1) << (request->assigns[i].field % 64));
    cz_buf_append_lit(sql, " RETURNING ");
    for (uint16_t i = 0; i < state->column_count; i++) {
        if (!(bits[i / 64] >> (i % 64) & 1))
            continue;
        if (i)
            cz_buf_append_lit(sql, ", ");
        cz__db_append_name(sql, state->columns[i].name);
    }
    return bits;
}

static void compile_insert(struct cz__compiler *c, struct cz__plan *plan, cz_buf *sql,
                           const struct cz__plan_request *request)
{
    const struct cz__model_state *state = c->scope->model->state;
    cz_buf_append_lit(sql, "INSERT INTO ");
    cz__db_append_name(sql, state->table);
    bool keyed = false; /* the caller knows the key */
    for (size_t i = 0; i < request->assign_count; i++) {
        keyed |= request->assigns[i].field == 0;
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        cz__db_append_name(sql, state->columns[request->assigns[i].field].name);
    }
    if (request->assign_count == 0)
        cz_buf_append_lit(sql, " DEFAULT VALUES");
    size_t rows = request->row_count ? request->row_count : 1;
    for (size_t row = 0; row < rows && request->assign_count; row++) {
        cz_buf_append_str(sql, row ? CZ_STR("), (") : CZ_STR(") VALUES ("));
        for (size_t i = 0; i < request->assign_count; i++) {
            if (i)
                cz_buf_append_lit(sql, ", ");
            compile_assign(c, sql, &request->assigns[row * request->assign_count + i]);
        }
    }
    if (request->assign_count)
        cz_buf_append_char(sql, ')');
    if (request->conflict)
        append_conflict(c, sql, request->conflict);
    if (request->returning) {
        plan->loaded = append_returning(c, sql, request);
    } else if (request->row_count || (c->features->returning_key && !keyed)) {
        cz_buf_append_lit(sql, " RETURNING ");
        cz__db_append_name(sql, state->key->name);
    }
}

/* UPDATE of many rows, each with values of its own: beside the rows of a VALUES, whose columns both databases call
 * column1, column2, ... The first is the key. */
static void compile_update_many(struct cz__compiler *c, cz_buf *sql,
                                const struct cz__plan_request *request)
{
    const struct cz__model_state *state = c->scope->model->state;
    cz_buf_append_lit(sql, "UPDATE ");
    cz__db_append_name(sql, state->table);
    cz_buf_append_lit(sql, " AS t0 SET ");
    for (size_t i = 1; i < request->assign_count; i++) {
        if (i > 1)
            cz_buf_append_lit(sql, ", ");
        cz__db_append_name(sql, state->columns[request->assigns[i].field].name);
        cz_buf_append_lit(sql, " = v.column");
        cz_buf_append_u64(sql, i + 1);
    }
    for (size_t i = 0; i < request->row_count * request->assign_count; i++) {
        bool begins = i % request->assign_count == 0;
        cz_buf_append_str(sql, !i       ? CZ_STR(" FROM (VALUES (")
                               : begins ? CZ_STR("), (")
                                        : CZ_STR(", "));
        compile_assign(c, sql, &request->assigns[i]);
    }
    cz_buf_append_lit(sql, ")) AS v WHERE ");
    cz__append_column(sql, 0, state->key->name);
    cz_buf_append_lit(sql, " = v.column1");
}

/* UPDATE and DELETE: a condition that joins goes through the keys it selects. */
static void compile_change(struct cz__compiler *c, cz_buf *sql,
                           const struct cz__plan_request *request)
{
    const struct cz__model_state *state = c->scope->model->state;
    if (request->kind == CZ__PLAN_UPDATE) {
        cz_buf_append_lit(sql, "UPDATE ");
        cz__db_append_name(sql, state->table);
        cz_buf_append_lit(sql, " AS t0 SET ");
        for (size_t i = 0; i < request->assign_count; i++) {
            if (i)
                cz_buf_append_lit(sql, ", ");
            cz__db_append_name(sql, state->columns[request->assigns[i].field].name);
            cz_buf_append_lit(sql, " = ");
            compile_assign(c, sql, &request->assigns[i]);
        }
        if (c->scope->join_count)
            cz_raise(c->ctx, CZ_EINVAL,
                     "an update of %s from fields of another model; use a subquery",
                     c->scope->model->name);
    } else {
        cz_buf_append_lit(sql, "DELETE FROM ");
        cz__db_append_name(sql, state->table);
        cz_buf_append_lit(sql, " AS t0");
    }
    struct select select = new_select(c->ctx);
    compile_where(c, &select, request->query);
    if (!c->scope->join_count && !c->scope->link && !select.aggregates && !select.filter.count) {
        cz_buf_append_str(sql, cz_buf_str(select.where));
        cz_check(c->ctx, cz_buf_status(select.where));
        return;
    }
    cz_buf_append_lit(sql, " WHERE ");
    cz__append_column(sql, 0, state->key->name);
    cz_buf_append_lit(sql, " IN (");
    cz__append_column(select.outputs, 0, state->key->name);
    select.output_count = 1;
    if (select.aggregates)
        group_by_keys(c, &select, NULL, NULL);
    const cz_query plain = { .model = request->query->model };
    append_body(c, sql, &select, &plain);
    cz_buf_append_char(sql, ')');
}

cz__db_statement cz__link_delete(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *column, size_t count)
{
    const cz__db_features *features = session->db->driver->features;
    cz_buf *sql = cz__scratch(ctx);
    cz_buf_append_lit(sql, "DELETE FROM ");
    cz__db_append_name(sql, table);
    cz_buf_append_lit(sql, " WHERE ");
    cz__db_append_name(sql, column);
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" IN ("));
        cz_buf_append_char(sql, features->parameter);
        cz_buf_append_u64(sql, i + 1);
    }
    cz_buf_append_char(sql, ')');
    cz_check(ctx, cz_buf_status(sql));
    return (cz__db_statement){ .sql = cz_copy(ctx, cz_buf_str(sql)),
                               .number = CZ__STATEMENT_UNCACHED };
}

void cz__append_place(const cz__db_features *features, cz_buf *sql, unsigned number)
{
    cz_buf_append_char(sql, features->parameter);
    cz_buf_append_u64(sql, number);
}

cz__db_statement cz__link_select(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *from, const char *to)
{
    cz_buf *sql = cz__scratch(ctx);
    cz_buf_append_lit(sql, "SELECT ");
    cz__db_append_name(sql, to);
    cz_buf_append_lit(sql, " FROM ");
    cz__db_append_name(sql, table);
    cz_buf_append_lit(sql, " WHERE ");
    cz__db_append_name(sql, from);
    cz_buf_append_lit(sql, " = ");
    cz__append_place(session->db->driver->features, sql, 1);
    cz_buf_append_lit(sql, " ORDER BY 1");
    cz_check(ctx, cz_buf_status(sql));
    return (cz__db_statement){ .sql = cz_copy(ctx, cz_buf_str(sql)),
                               .number = CZ__STATEMENT_UNCACHED };
}

cz__db_statement cz__link_change(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *from, const char *to, bool add)
{
    const cz__db_features *features = session->db->driver->features;
    cz_buf *sql = cz__scratch(ctx);
    cz_buf_append_str(sql, add ? CZ_STR("INSERT INTO ") : CZ_STR("DELETE FROM "));
    cz__db_append_name(sql, table);
    cz_buf_append_str(sql, add ? CZ_STR(" (") : CZ_STR(" WHERE "));
    cz__db_append_name(sql, from);
    if (!add) {
        cz_buf_append_lit(sql, " = ");
        cz__append_place(features, sql, 1);
    }
    cz_buf_append_str(sql, add ? CZ_STR(", ") : CZ_STR(" AND "));
    cz__db_append_name(sql, to);
    cz_buf_append_str(sql, add ? CZ_STR(") VALUES (") : CZ_STR(" = "));
    if (add) {
        cz__append_place(features, sql, 1);
        cz_buf_append_lit(sql, ", ");
    }
    cz__append_place(features, sql, 2);
    if (add)
        cz_buf_append_lit(sql, ") ON CONFLICT DO NOTHING"); /* somebody else was faster */
    cz_check(ctx, cz_buf_status(sql));
    return (cz__db_statement){ .sql = cz_copy(ctx, cz_buf_str(sql)),
                               .number = CZ__STATEMENT_UNCACHED };
}

void cz__compile(cz_ctx *ctx, const cz__db_features *features,
                 const struct cz__plan_request *request, const struct cz__shape *shape,
                 struct cz__plan *plan, cz_buf *sql)
{
    struct cz__scope *scope = cz_new(ctx, struct cz__scope);
    scope->model = request->query->model;
    scope->leaves_out_deleted = cz__leaves_out_deleted(request->query);
    last_scratch = NULL;
    struct cz__compiler c = { .ctx = ctx, .features = features, .shape = shape, .scope = scope };
    if (request->explain)
        cz_buf_append_str(sql, cz_str_from(features->explain));
    if (request->kind == CZ__PLAN_INSERT)
        compile_insert(&c, plan, sql, request);
    else if (request->kind == CZ__PLAN_UPDATE && request->row_count)
        compile_update_many(&c, sql, request);
    else if (request->kind == CZ__PLAN_UPDATE || request->kind == CZ__PLAN_DELETE)
        compile_change(&c, sql, request);
    else
        compile_select(&c, plan, sql, request);
    check_scratches(ctx);
    cz_assert(c.next_ref == shape->ref_count); /* else a parameter would be another's value */
    plan->slots = c.slots;
    plan->slot_count = c.slot_count;
}
