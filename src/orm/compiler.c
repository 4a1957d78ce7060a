/* From a query's shape to SQL: the only place that puts SQL together. Values are never part of it, names
 * come only from the registry.
 *
 * The shape of a query (model, paths, lookups, order, which parts there are) is written as a short key;
 * the same key finds the same plan, so the SQL of a call site is built once and its statement prepared
 * once per connection. A shape too long for the key, or met when the cache is full, is built each time. */
#include "orm/orm_internal.h"
#include <stdio.h>

enum { KEY_BYTES_MAX = 1024, PLANS_MAX = 4096, SQL_BYTES_MAX = 1 << 20, FIRST_NUMBER = 3 };

/* ---- the key ---- */

struct key {
    size_t len;
    bool overflow;
    char bytes[KEY_BYTES_MAX];
};

static void key_add(struct key *key, const void *bytes, size_t len)
{
    if (len > sizeof key->bytes - key->len) {
        key->overflow = true;
        return;
    }
    memcpy(key->bytes + key->len, bytes, len);
    key->len += len;
}

static void key_number(struct key *key, uint32_t number)
{
    key_add(key, &number, sizeof number);
}

static void key_text(struct key *key, cz_str text)
{
    key_number(key, (uint32_t)text.len);
    key_add(key, text.ptr, text.len);
}

/* Placeholders of an IN list: rounded up to a power of two, the last item repeated, so lists of many
 * lengths share few statements. */
static size_t list_places(size_t count)
{
    size_t places = 1;
    while (places < count)
        places *= 2;
    return count ? places : 0;
}

static bool isnull_value(const struct cz__cond *leaf)
{
    if (leaf->value_kind == CZ__VALUE_BOOL)
        return *(const bool *)leaf->value;
    return *(const int *)leaf->value != 0;
}

static void key_cond(cz_ctx *ctx, struct key *key, const cz_model *model, cz_cond cond,
                     unsigned depth)
{
    if (depth > CZ__COND_DEPTH_MAX)
        cz_raise(ctx, CZ_EINVAL, "conditions nest deeper than %d", CZ__COND_DEPTH_MAX);
    key_add(key, &cond->op, 1);
    if (cond->op == CZ__COND_LEAF) {
        if (cond->model != model)
            cz_raise(ctx, CZ_EINVAL, "a condition about %s in a query of %s", cond->model->name,
                     model->name);
        key_add(key, &cond->lookup, 1);
        key_text(key, cond->path);
        uint32_t detail = cz__cond_is_null(cond);
        if (cond->lookup == CZ_LOOKUP_ISNULL)
            detail = isnull_value(cond);
        else if (cond->lookup == CZ_LOOKUP_IN)
            detail = (uint32_t)list_places(cz__value_count(cond->value_kind, cond->value));
        key_number(key, detail);
        return;
    }
    key_number(key, cond->count);
    for (uint32_t i = 0; i < cond->count; i++)
        key_cond(ctx, key, model, cond->children[i], depth + 1);
}

static const cz_order_list *ordering_of(const cz_query *query)
{
    if (query->order_by.count || query->unordered)
        return &query->order_by;
    return &query->model->meta.ordering;
}

static void key_build(cz_ctx *ctx, struct key *key, const struct cz__plan_request *request)
{
    const cz_query *query = request->query;
    key->len = 0;
    key->overflow = false;
    key_number(key, request->kind);
    key_add(key, &query->model, sizeof query->model);
    if (query->where)
        key_cond(ctx, key, query->model, query->where, 0);
    for (size_t i = 0; i < request->assign_count; i++)
        key_number(key, request->assigns[i].field);
    if (request->kind != CZ__PLAN_SELECT && request->kind != CZ__PLAN_KEYS)
        return;
    key_number(key, (uint32_t)(query->limit != 0) | (uint32_t)(query->offset != 0) << 1);
    const cz_order_list *order = ordering_of(query);
    key_number(key, (uint32_t)order->count);
    for (size_t i = 0; i < order->count; i++) {
        key_number(key,
                   (uint32_t)order->items[i].descending | (uint32_t)order->items[i].random << 1);
        key_text(key, order->items[i].path);
    }
    for (size_t i = 0; i < query->related.count; i++)
        key_text(key, query->related.items[i]);
}

/* ---- the compiler ---- */

static void free_buf(void *buf)
{
    cz_buf_done(buf);
}

/* A buffer that goes with the context, also when something raises. */
static cz_buf *scratch(cz_ctx *ctx)
{
    cz_buf *buf = cz_new(ctx, cz_buf);
    cz_buf_init(buf, SQL_BYTES_MAX);
    cz_defer(ctx, free_buf, buf);
    return buf;
}

struct join {
    unsigned parent;          /* alias number */
    const cz__column *column; /* the relation followed */
    const cz_model *model;    /* what the alias stands for; NULL: a link table */
    bool optional;            /* a LEFT JOIN */
    unsigned alias;
};

struct compiler {
    cz_ctx *ctx;
    const cz__db_features *features;
    const cz_model *model;
    struct join joins[CZ__JOINS_MAX];
    unsigned join_count, alias_count; /* alias 0 is the model's table */
    const cz__column **leaves;
    unsigned leaf_count, leaf_cap;
    unsigned parameters;
    bool negated; /* inside a NOT */
};

static void append_alias(cz_buf *sql, unsigned alias)
{
    cz_buf_append_char(sql, 't');
    cz_buf_append_u64(sql, alias);
}

static void append_column(cz_buf *sql, unsigned alias, const char *name)
{
    append_alias(sql, alias);
    cz_buf_append_char(sql, '.');
    cz__db_append_name(sql, name);
}

static void append_parameter(struct compiler *c, cz_buf *sql)
{
    c->parameters++;
    if (c->features->numbered_parameters) {
        cz_buf_append_char(sql, '$');
        cz_buf_append_u64(sql, c->parameters);
    } else {
        cz_buf_append_char(sql, '?');
    }
}

static struct join *find_join(struct compiler *c, unsigned parent, const cz__column *column,
                              bool link)
{
    for (unsigned i = 0; i < c->join_count; i++) {
        struct join *join = &c->joins[i];
        if (join->parent == parent && join->column == column && (join->model == NULL) == link)
            return join;
    }
    return NULL;
}

static bool alias_is_optional(const struct compiler *c, unsigned alias)
{
    for (unsigned i = 0; i < c->join_count; i++)
        if (c->joins[i].alias == alias)
            return c->joins[i].optional;
    return false;
}

static struct join *add_join(struct compiler *c, unsigned parent, const cz__column *column,
                             const cz_model *model)
{
    struct join *join = find_join(c, parent, column, model == NULL);
    if (join)
        return join;
    if (c->join_count == CZ__JOINS_MAX)
        cz_raise(c->ctx, CZ_EINVAL, "a query joins more than %d tables", CZ__JOINS_MAX);
    join = &c->joins[c->join_count++];
    *join = (struct join){ .parent = parent,
                           .column = column,
                           .model = model,
                           .optional = column->null || column->many || alias_is_optional(c, parent),
                           .alias = ++c->alias_count };
    return join;
}

/* The alias of the rows a relation leads to. A many-to-many goes over its link table. */
static unsigned follow(struct compiler *c, unsigned alias, const cz__column *column)
{
    if (column->link_table)
        alias = add_join(c, alias, column, NULL)->alias;
    return add_join(c, alias, column, column->field->target)->alias;
}

static void append_joins(const struct compiler *c, cz_buf *sql)
{
    for (unsigned i = 0; i < c->join_count; i++) {
        const struct join *join = &c->joins[i];
        const cz__column *column = join->column;
        const struct cz__model_state *target = column->field->target->state;
        cz_buf_append_str(sql, join->optional ? CZ_STR(" LEFT JOIN ") : CZ_STR(" JOIN "));
        cz__db_append_name(sql, join->model ? target->table : column->link_table);
        cz_buf_append_char(sql, ' ');
        append_alias(sql, join->alias);
        cz_buf_append_lit(sql, " ON ");
        const char *here, *there; /* the columns of this alias and of its parent */
        if (!join->model) {
            here = column->link_from;
            there = c->model->state->key->name;
        } else if (column->link_table) {
            here = target->key->name;
            there = column->link_to;
        } else if (column->via) {
            here = column->via->name;
            there = c->model->state->key->name;
        } else {
            here = target->key->name;
            there = column->name;
        }
        append_column(sql, join->alias, here);
        cz_buf_append_lit(sql, " = ");
        append_column(sql, join->parent, there);
    }
}

/* Where a path's value is stored: an alias, the column's name and the column that types the value. */
struct place {
    unsigned alias;
    const char *name;
    const cz__column *column;
    bool many; /* a to-many relation was crossed */
};

static struct place locate(struct compiler *c, cz_str path)
{
    const cz_model *model = c->model;
    struct place at = { 0 };
    for (cz_str rest = path;;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        const cz__column *column = cz__column_find(model, part);
        if (!column)
            cz_raise(c->ctx, CZ_EINVAL, "%s has no field \"%.*s\"", model->name, CZ_STR_ARG(part));
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
        at.many |= column->many;
        at.column = column;
        at.name = column->name;
        if (!rest.len) {
            if (column->many) { /* compared by the key of what it leads to */
                at.alias = follow(c, at.alias, column);
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
        at.alias = follow(c, at.alias, column);
        model = column->field->target;
    }
}

static void add_leaf(struct compiler *c, const cz__column *column)
{
    if (c->leaf_count == c->leaf_cap) {
        unsigned cap = c->leaf_cap ? c->leaf_cap * 2 : 16;
        const cz__column **grown = cz_alloc(c->ctx, cap * sizeof *grown);
        if (c->leaf_count)
            memcpy(grown, c->leaves, c->leaf_count * sizeof *grown);
        c->leaves = grown;
        c->leaf_cap = cap;
    }
    c->leaves[c->leaf_count++] = column;
}

static void compile_leaf(struct compiler *c, cz_buf *sql, cz_cond leaf)
{
    struct place at = locate(c, leaf->path);
    if (at.many && c->negated)
        cz_raise(c->ctx, CZ_EUNSUPPORTED,
                 "a negated condition over the to-many relation in \"%.*s\"",
                 CZ_STR_ARG(leaf->path));
    add_leaf(c, at.column);
    bool null = cz__cond_is_null(leaf);
    if (leaf->lookup == CZ_LOOKUP_ISNULL || null) {
        append_column(sql, at.alias, at.name);
        cz_buf_append_str(sql,
                          null || isnull_value(leaf) ? CZ_STR(" IS NULL") : CZ_STR(" IS NOT NULL"));
        return;
    }
    size_t count = cz__value_count(leaf->value_kind, leaf->value);
    if (leaf->lookup == CZ_LOOKUP_IN) {
        if (count > CZ__LIST_ITEMS_MAX)
            cz_raise(c->ctx, CZ_EINVAL, "an IN list of %zu items; at most %d", count,
                     CZ__LIST_ITEMS_MAX);
        if (count == 0) {
            cz_buf_append_lit(sql, "1 = 0");
            return;
        }
        append_column(sql, at.alias, at.name);
        for (size_t i = 0; i < list_places(count); i++) {
            cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" IN ("));
            append_parameter(c, sql);
        }
        cz_buf_append_char(sql, ')');
        return;
    }
    if (leaf->lookup == CZ_LOOKUP_RANGE) {
        append_column(sql, at.alias, at.name);
        cz_buf_append_lit(sql, " BETWEEN ");
        append_parameter(c, sql);
        cz_buf_append_lit(sql, " AND ");
        append_parameter(c, sql);
        return;
    }
    const cz__lookup_sql *lookup = &c->features->lookups[leaf->lookup];
    cz_buf_append_str(sql, cz_str_from(lookup->before));
    append_column(sql, at.alias, at.name);
    cz_str after = cz_str_from(lookup->after);
    cz_buf_append_str(sql, cz_str_cut(&after, '?'));
    append_parameter(c, sql);
    cz_buf_append_str(sql, after);
}

static void compile_cond(struct compiler *c, cz_buf *sql, cz_cond cond)
{
    switch ((enum cz__cond_op)cond->op) {
    case CZ__COND_LEAF:
        compile_leaf(c, sql, cond);
        return;
    case CZ__COND_EVERY:
        cz_buf_append_lit(sql, "1 = 1");
        return;
    case CZ__COND_NOT: {
        /* As Django's exclude(): a NULL is "not equal", so rows without a value are kept. */
        bool outer = c->negated;
        c->negated = true;
        cz_buf_append_lit(sql, "NOT COALESCE(");
        compile_cond(c, sql, cond->children[0]);
        cz_buf_append_lit(sql, ", FALSE)");
        c->negated = outer;
        return;
    }
    case CZ__COND_AND:
    case CZ__COND_OR:
        break;
    }
    if (cond->count == 0) { /* all of nothing is true, any of nothing is false */
        cz_buf_append_str(sql, cond->op == CZ__COND_AND ? CZ_STR("1 = 1") : CZ_STR("1 = 0"));
        return;
    }
    for (uint32_t i = 0; i < cond->count; i++) {
        cz_buf_append_str(sql, i == 0                    ? CZ_STR("(")
                               : cond->op == CZ__COND_OR ? CZ_STR(" OR ")
                                                         : CZ_STR(" AND "));
        compile_cond(c, sql, cond->children[i]);
    }
    cz_buf_append_char(sql, ')');
}

/* The columns of a model at an alias, in the order rows are read. */
static void append_columns(cz_buf *sql, const cz_model *model, unsigned alias, bool *first)
{
    for (uint16_t i = 0; i < model->state->column_count; i++) {
        const cz__column *column = &model->state->columns[i];
        if (!column->stored)
            continue;
        if (!*first)
            cz_buf_append_lit(sql, ", ");
        *first = false;
        append_column(sql, alias, column->name);
    }
}

static void add_related(struct compiler *c, struct cz__plan *plan, unsigned *aliases, cz_str path)
{
    const cz_model *model = c->model;
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
                cz_raise(c->ctx, CZ_EINVAL, "more than %d related relations", CZ__RELATED_MAX);
            plan->related[plan->related_count] =
                (struct cz__related){ column, column->field->target, parent };
            aliases[plan->related_count + 1] = follow(c, aliases[parent], column);
            found = ++plan->related_count;
        }
        parent = found;
        model = column->field->target;
    }
}

static void append_order(struct compiler *c, cz_buf *sql, const cz_query *query)
{
    const cz_order_list *order = ordering_of(query);
    for (size_t i = 0; i < order->count; i++) {
        const cz_order *item = &order->items[i];
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ORDER BY "));
        if (item->random) {
            cz_buf_append_str(sql, cz_str_from(c->features->random));
            continue;
        }
        struct place at = locate(c, item->path);
        append_column(sql, at.alias, at.name);
        if (item->descending)
            cz_buf_append_lit(sql, " DESC");
    }
}

static void append_limit(struct compiler *c, cz_buf *sql, const cz_query *query)
{
    if (query->limit) {
        cz_buf_append_lit(sql, " LIMIT ");
        append_parameter(c, sql);
    } else if (query->offset) {
        cz_buf_append_lit(sql, " LIMIT ");
        cz_buf_append_str(sql, cz_str_from(c->features->limit_all));
    }
    if (query->offset) {
        cz_buf_append_lit(sql, " OFFSET ");
        append_parameter(c, sql);
    }
}

static void append_table(cz_buf *sql, const cz_model *model)
{
    cz__db_append_name(sql, model->state->table);
    cz_buf_append_lit(sql, " t0");
}

static void compile_select(struct compiler *c, struct cz__plan *plan, cz_buf *sql,
                           const struct cz__plan_request *request)
{
    const cz_query *query = request->query;
    unsigned aliases[CZ__RELATED_MAX + 1] = { 0 };
    plan->related = cz_array(c->ctx, struct cz__related, CZ__RELATED_MAX);
    if (request->kind == CZ__PLAN_SELECT)
        for (size_t i = 0; i < query->related.count; i++)
            add_related(c, plan, aliases, query->related.items[i]);
    cz_buf *where = scratch(c->ctx),
           *order = scratch(c->ctx); /* written first: they find the joins */
    if (query->where)
        compile_cond(c, where, query->where);
    bool ordered = request->kind == CZ__PLAN_SELECT || request->kind == CZ__PLAN_KEYS;
    if (ordered)
        append_order(c, order, query);
    cz_buf_append_lit(sql, "SELECT ");
    bool first = true;
    switch (request->kind) {
    case CZ__PLAN_COUNT:
        cz_buf_append_lit(sql, "COUNT(*)");
        break;
    case CZ__PLAN_EXISTS:
        cz_buf_append_char(sql, '1');
        break;
    case CZ__PLAN_KEYS:
        append_column(sql, 0, c->model->state->key->name);
        break;
    default:
        append_columns(sql, c->model, 0, &first);
        for (uint16_t i = 0; i < plan->related_count; i++)
            append_columns(sql, plan->related[i].model, aliases[i + 1], &first);
    }
    cz_buf_append_lit(sql, " FROM ");
    append_table(sql, c->model);
    append_joins(c, sql);
    if (query->where) {
        cz_buf_append_lit(sql, " WHERE ");
        cz_buf_append_str(sql, cz_buf_str(where));
    }
    cz_buf_append_str(sql, cz_buf_str(order));
    if (ordered)
        append_limit(c, sql, query);
    else if (request->kind == CZ__PLAN_EXISTS)
        cz_buf_append_lit(sql, " LIMIT 1");
    cz_check(c->ctx, cz_buf_status(where));
    cz_check(c->ctx, cz_buf_status(order));
}

static void compile_insert(struct compiler *c, cz_buf *sql, const struct cz__plan_request *request)
{
    cz_buf_append_lit(sql, "INSERT INTO ");
    cz__db_append_name(sql, c->model->state->table);
    if (request->assign_count == 0) {
        cz_buf_append_lit(sql, " DEFAULT VALUES");
        return;
    }
    for (size_t i = 0; i < request->assign_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        cz__db_append_name(sql, c->model->state->columns[request->assigns[i].field].name);
    }
    for (size_t i = 0; i < request->assign_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(") VALUES ("));
        append_parameter(c, sql);
    }
    cz_buf_append_char(sql, ')');
}

/* UPDATE and DELETE: a condition that joins goes through the keys it selects. */
static void compile_change(struct compiler *c, cz_buf *sql, const struct cz__plan_request *request)
{
    if (request->kind == CZ__PLAN_UPDATE) {
        cz_buf_append_lit(sql, "UPDATE ");
        cz__db_append_name(sql, c->model->state->table);
        cz_buf_append_lit(sql, " AS t0 SET ");
        for (size_t i = 0; i < request->assign_count; i++) {
            if (i)
                cz_buf_append_lit(sql, ", ");
            cz__db_append_name(sql, c->model->state->columns[request->assigns[i].field].name);
            cz_buf_append_lit(sql, " = ");
            append_parameter(c, sql);
        }
    } else {
        cz_buf_append_lit(sql, "DELETE FROM ");
        cz__db_append_name(sql, c->model->state->table);
        cz_buf_append_lit(sql, " AS t0");
    }
    cz_buf *where = scratch(c->ctx);
    compile_cond(c, where, request->query->where);
    cz_buf_append_lit(sql, " WHERE ");
    if (c->join_count) {
        append_column(sql, 0, c->model->state->key->name);
        cz_buf_append_lit(sql, " IN (SELECT ");
        append_column(sql, 0, c->model->state->key->name);
        cz_buf_append_lit(sql, " FROM ");
        append_table(sql, c->model);
        append_joins(c, sql);
        cz_buf_append_lit(sql, " WHERE ");
    }
    cz_buf_append_str(sql, cz_buf_str(where));
    if (c->join_count)
        cz_buf_append_char(sql, ')');
    cz_check(c->ctx, cz_buf_status(where));
}

cz__db_statement cz__link_delete(cz_ctx *ctx, cz__db_session *session, const char *table,
                                 const char *column, size_t count)
{
    struct compiler c = { .ctx = ctx, .features = session->db->driver->features };
    cz_buf *sql = scratch(ctx);
    cz_buf_append_lit(sql, "DELETE FROM ");
    cz__db_append_name(sql, table);
    cz_buf_append_lit(sql, " WHERE ");
    cz__db_append_name(sql, column);
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" IN ("));
        append_parameter(&c, sql);
    }
    cz_buf_append_char(sql, ')');
    cz_check(ctx, cz_buf_status(sql));
    return (cz__db_statement){ .sql = cz_copy(ctx, cz_buf_str(sql)),
                               .number = CZ__STATEMENT_UNCACHED };
}

static void compile(cz_ctx *ctx, const cz__db_features *features,
                    const struct cz__plan_request *request, struct cz__plan *plan, cz_buf *sql)
{
    struct compiler c = { .ctx = ctx, .features = features, .model = request->query->model };
    plan->limit = request->query->limit != 0;
    plan->offset = request->query->offset != 0;
    if (request->kind == CZ__PLAN_INSERT)
        compile_insert(&c, sql, request);
    else if (request->kind == CZ__PLAN_UPDATE || request->kind == CZ__PLAN_DELETE)
        compile_change(&c, sql, request);
    else
        compile_select(&c, plan, sql, request);
    plan->leaves = c.leaves;
    plan->leaf_count = (uint16_t)c.leaf_count;
}

/* ---- the cache ---- */

static cz_arena *plan_arena; /* lives as long as the process */
static cz_map plan_map;
static uint32_t plan_count;

/* A copy of a plan that outlives the request; NULL when there is no memory, which only means that it is
 * built again. */
static const struct cz__plan *keep(const struct key *key, const struct cz__plan *plan, cz_buf *sql)
{
    if (!plan_arena) {
        if (cz_arena_create(NULL, 0, &plan_arena))
            return NULL;
        cz_map_init(&plan_map, plan_arena);
    }
    struct cz__plan *kept = cz_arena_new(plan_arena, struct cz__plan);
    cz_str key_copy, sql_copy;
    if (!kept || cz_str_dup(plan_arena, cz_str_of(key->bytes, key->len), &key_copy) ||
        cz_str_dup(plan_arena, cz_buf_str(sql), &sql_copy))
        return NULL;
    *kept = *plan;
    kept->leaves = cz_arena_alloc(plan_arena, plan->leaf_count * sizeof *plan->leaves);
    kept->related = cz_arena_alloc(plan_arena, plan->related_count * sizeof *plan->related);
    if (!kept->leaves || !kept->related)
        return NULL;
    if (plan->leaf_count)
        memcpy(kept->leaves, plan->leaves, plan->leaf_count * sizeof *plan->leaves);
    if (plan->related_count)
        memcpy(kept->related, plan->related, plan->related_count * sizeof *plan->related);
    kept->statement = (cz__db_statement){ .sql = sql_copy, .number = FIRST_NUMBER + plan_count };
    if (cz_map_set(&plan_map, key_copy, kept))
        return NULL;
    plan_count++;
    return kept;
}

const struct cz__plan *cz__plan_for(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__plan_request *request)
{
    struct key key;
    key_build(ctx, &key, request);
    if (!key.overflow) {
        const struct cz__plan *kept = cz_map_get(&plan_map, cz_str_of(key.bytes, key.len));
        if (kept)
            return kept;
    }
    cz_buf *sql = scratch(ctx);
    struct cz__plan *plan = cz_new(ctx, struct cz__plan);
    compile(ctx, session->db->driver->features, request, plan, sql);
    cz_check(ctx, cz_buf_status(sql));
    cz_buf_cstr(sql);
    if (!key.overflow && plan_count < PLANS_MAX) {
        const struct cz__plan *kept = keep(&key, plan, sql);
        if (kept)
            return kept;
    }
    plan->statement = (cz__db_statement){ .sql = cz_copy(ctx, cz_buf_str(sql)),
                                          .number = CZ__STATEMENT_UNCACHED };
    return plan;
}
