/* The shape of a query: everything but its values, as bytes that are equal for queries whose SQL is. The values
 * are listed on the way; the compiler meets them in the same order, so a parameter is known by its number. */
#include "orm/compiler.h"

static void add(struct cz__shape *shape, const void *bytes, size_t len)
{
    if (len > sizeof shape->bytes - shape->len) {
        shape->overflow = true;
        return;
    }
    memcpy(shape->bytes + shape->len, bytes, len);
    shape->len += len;
}

static void add_byte(struct cz__shape *shape, unsigned byte)
{
    char c = (char)byte;
    add(shape, &c, 1);
}

static void add_number(struct cz__shape *shape, uint32_t number)
{
    add(shape, &number, sizeof number);
}

static void add_text(struct cz__shape *shape, cz_str text)
{
    add_number(shape, (uint32_t)text.len);
    if (text.len)
        add(shape, text.ptr, text.len);
}

static void add_ref(struct cz__shape *shape, uint8_t value_kind, const void *value)
{
    if (shape->ref_count == shape->ref_cap) {
        size_t cap = shape->ref_cap * 4;
        struct cz__ref *grown = cz_array(shape->ctx, struct cz__ref, cap);
        memcpy(grown, shape->refs, shape->ref_count * sizeof *grown);
        shape->refs = grown;
        shape->ref_cap = cap;
    }
    shape->refs[shape->ref_count++] = (struct cz__ref){ value_kind, value };
}

enum { PLACES_MAX = 16 }; /* more items than these are one parameter where the kind allows it */

/* Whether the column holds what the list does: one that is a parameter is compared as it is. */
static bool is_of_column(const struct cz__cond *leaf)
{
    const cz__column *column;
    cz_error err;
    if (leaf->expr || cz__path_resolve(leaf->model, leaf->path, &column, &err))
        return false; /* what is wrong with a path, its compiler says */
    cz__db_type type = column->many ? column->field->target->state->key->type : column->type;
    cz__db_kind kind = CZ__DB_KIND(type);
    switch (leaf->value_kind) {
    case CZ__VALUE_INTS:
        return kind == CZ__DB_INT16 || kind == CZ__DB_INT32 || kind == CZ__DB_INT64;
    case CZ__VALUE_STRS:
        return kind == CZ__DB_TEXT;
    case CZ__VALUE_UUIDS:
        return kind == CZ__DB_UUID;
    default:
        return false;
    }
}

size_t cz__list_places(const struct cz__cond *leaf, size_t count)
{
    if (count > PLACES_MAX && is_of_column(leaf))
        return 0;
    size_t places =
        1; /* few numbers of places, the last item repeated, so lists share statements */
    while (places < count)
        places *= 2;
    return places;
}

bool cz__isnull_value(const struct cz__cond *leaf)
{
    if (leaf->value_kind == CZ__VALUE_BOOL)
        return *(const bool *)leaf->value;
    return *(const int *)leaf->value != 0;
}

static void shape_query(struct cz__shape *shape, const cz_query *query, enum cz__plan_kind kind,
                        unsigned depth);
static void shape_expr(struct cz__shape *shape, const struct cz__expr *expr, unsigned depth);
static void shape_cond(struct cz__shape *shape, const cz_model *model, cz_cond cond,
                       unsigned depth);

static void check_depth(struct cz__shape *shape, unsigned depth)
{
    if (depth > CZ__COND_DEPTH_MAX)
        cz_raise(shape->ctx, CZ_EINVAL, "conditions and expressions nest deeper than %d",
                 CZ__COND_DEPTH_MAX);
}

static void shape_value(struct cz__shape *shape, uint8_t value_kind, const void *value,
                        unsigned depth)
{
    const struct cz__expr *expr = cz__expr_of(value_kind, value);
    add_byte(shape, value_kind);
    if (expr) {
        shape_expr(shape, expr, depth + 1);
        return;
    }
    bool null = value_kind == CZ__VALUE_NULL ||
                (value_kind == CZ__VALUE_CSTR && !*(const char *const *)value);
    add_byte(shape, null);
    add_ref(shape, value_kind, value);
}

static void shape_args(struct cz__shape *shape, const struct cz__args *args, unsigned depth)
{
    add_number(shape, (uint32_t)args->count);
    for (size_t i = 0; i < args->count; i++)
        shape_value(shape, args->items[i].value_kind, args->items[i].value, depth);
}

static void shape_fields(struct cz__shape *shape, const cz_fields *fields)
{
    add_number(shape, (uint32_t)fields->count);
    for (size_t i = 0; i < fields->count; i++)
        add_text(shape, fields->items[i]);
}

static void shape_order(struct cz__shape *shape, const cz_order_list *order, unsigned depth)
{
    add_number(shape, (uint32_t)order->count);
    for (size_t i = 0; i < order->count; i++) {
        const cz_order *item = &order->items[i];
        add_byte(shape, (unsigned)item->descending | (unsigned)item->random << 1 |
                            (unsigned)item->nulls << 2 | (unsigned)(item->expr != NULL) << 4);
        if (item->expr)
            shape_expr(shape, item->expr, depth + 1);
        else
            add_text(shape, item->path);
    }
}

static void begin(struct cz__shape *shape, cz_ctx *ctx)
{
    shape->ctx = ctx;
    shape->len = 0;
    shape->overflow = false;
    shape->refs = shape->inline_refs;
    shape->ref_cap = CZ__SHAPE_REFS_INLINE;
    shape->ref_count = 0;
}

/* An expression alone, of a query that `whole` is the shape of. */
static const struct cz__shape *shape_alone(const struct cz__shape *whole,
                                           const struct cz__expr *expr)
{
    struct cz__shape *shape = cz_new(whole->ctx, struct cz__shape);
    begin(shape, whole->ctx);
    shape->database = whole->database;
    shape->outermost = whole->outermost;
    shape_expr(shape, expr, 1);
    return shape;
}

bool cz__same_expr(const struct cz__shape *whole, const struct cz__expr *a,
                   const struct cz__expr *b)
{
    if (a->op != b->op || a->function != b->function)
        return false;
    const struct cz__shape *one = shape_alone(whole, a), *other = shape_alone(whole, b);
    if (one->overflow || other->overflow || one->len != other->len ||
        memcmp(one->bytes, other->bytes, one->len) != 0)
        return false;
    cz_buf *values = cz__scratch(whole->ctx), *others = cz__scratch(whole->ctx);
    cz__shape_values(one, values);
    cz__shape_values(other, others);
    cz_check(whole->ctx, cz_buf_status(values));
    cz_check(whole->ctx, cz_buf_status(others));
    return cz_str_eq(cz_buf_str(values), cz_buf_str(others));
}

/* Which of what distinct values are ordered by is this value, which depends on what both hold. */
static void shape_ordered(struct cz__shape *shape, const cz_query *query, uint8_t value_kind,
                          const void *value)
{
    const cz_order_list *order = cz__ordering_of(query);
    const struct cz__expr *expr = cz__expr_of(value_kind, value);
    for (size_t i = 0; expr && query->distinct && i < order->count; i++)
        if (order->items[i].expr)
            add_byte(shape, cz__same_expr(shape, order->items[i].expr, expr));
}

static void shape_expr(struct cz__shape *shape, const struct cz__expr *expr, unsigned depth)
{
    check_depth(shape, depth);
    add_byte(shape, expr->op);
    add_byte(shape, expr->function);
    add_byte(shape, expr->distinct);
    add(shape, &expr->model, sizeof expr->model);
    add_text(shape, expr->path);
    if (expr->op == CZ__EXPR_SUBQUERY) { /* its value stands inside; an aggregate has no order */
        const struct cz__expr *value =
            expr->args.count
                ? cz__expr_of(expr->args.items[0].value_kind, expr->args.items[0].value)
                : NULL;
        bool aggregate = value && cz__has_aggregate(value);
        shape_args(shape, &expr->args, depth);
        shape_query(shape, expr->query, aggregate ? CZ__PLAN_COUNT : CZ__PLAN_SELECT, depth + 1);
        if (expr->args.count && !aggregate)
            shape_ordered(shape, expr->query, expr->args.items[0].value_kind,
                          expr->args.items[0].value);
        return;
    }
    if (expr->op == CZ__EXPR_CASE) {
        add_number(shape, expr->when_count);
        for (uint32_t i = 0; i < expr->when_count; i++) {
            shape_cond(shape, NULL, expr->whens[i].condition, depth + 1);
            shape_value(shape, expr->whens[i].value.value_kind, expr->whens[i].value.value, depth);
        }
    }
    shape_args(shape, &expr->args, depth);
    add_byte(shape, expr->filter != NULL);
    if (expr->filter)
        shape_cond(shape, NULL, expr->filter, depth + 1);
    shape_args(shape, &expr->partition_by, depth);
    shape_order(shape, &expr->order_by, depth);
    add(shape, &expr->frame, sizeof expr->frame);
}

/* What a condition's memory holds after its block has ended is seldom a condition. */
static CZ_NORETURN void gone(const struct cz__shape *shape)
{
    cz_raise(shape->ctx, CZ_EINVAL,
             "a condition that is gone, or NULL among others: CZ_Q() lives until the end of the "
             "block it is written in; cz_cond_when() and cz_cond_copy() make one that stays");
}

static bool is_known(const cz_model *model)
{
    for (size_t i = 0; i < cz__models_count(); i++)
        if (cz__models_at(i) == model)
            return true;
    return false;
}

/* `model` is NULL where the conditions of an expression are checked against its query's by the compiler. */
static void shape_cond(struct cz__shape *shape, const cz_model *model, cz_cond cond, unsigned depth)
{
    check_depth(shape, depth);
    if (!cond || cond->op < CZ__COND_EVERY || cond->op > CZ__COND_LINKED)
        gone(shape);
    add_byte(shape, cond->op);
    if (cond->op == CZ__COND_EXISTS) {
        shape_query(shape, cond->query, CZ__PLAN_EXISTS, depth + 1);
        return;
    }
    if (cond->op == CZ__COND_LINKED) {
        add(shape, &cond->link, sizeof cond->link);
        add_ref(shape, cond->value_kind, cond->value);
        return;
    }
    if (cond->op != CZ__COND_LEAF) {
        add_number(shape, cond->count);
        for (uint32_t i = 0; i < cond->count; i++)
            shape_cond(shape, model, cond->children[i], depth + 1);
        return;
    }
    if (!cond->expr && model && cond->model != model && !is_known(cond->model))
        gone(shape);
    if (!cond->expr && model && !cz__same_table(cond->model, model))
        cz_raise(shape->ctx, CZ_EINVAL, "a condition about %s in a query of %s", cond->model->name,
                 model->name);
    add_byte(shape, cond->lookup);
    add_byte(shape, cond->expr != NULL);
    if (cond->expr) {
        shape_expr(shape, cond->expr, depth + 1);
    } else {
        add(shape, &cond->model, sizeof cond->model);
        add_text(shape, cond->path);
    }
    if (cond->lookup == CZ_LOOKUP_ISNULL) {
        add_byte(shape, cz__isnull_value(cond));
        return;
    }
    if (cond->lookup == CZ_LOOKUP_IN && !cz__expr_of(cond->value_kind, cond->value)) {
        size_t count = cz__value_count(cond->value_kind, cond->value);
        add_byte(shape, count != 0);
        add_number(shape, (uint32_t)cz__list_places(cond, count));
    }
    if (cond->lookup == CZ_LOOKUP_RANGE && !cz__expr_of(cond->value_kind, cond->value) &&
        cz__value_count(cond->value_kind, cond->value) != 2)
        cz_raise(shape->ctx, CZ_EINVAL, "RANGE takes two values, not %zu",
                 cz__value_count(cond->value_kind, cond->value));
    shape_value(shape, cond->value_kind, cond->value, depth);
}

/* A statement is one database's, so each query inside it must be able to go where the whole goes. */
static void check_database(const struct cz__shape *shape, const cz_query *query)
{
    const cz__database *asked = shape->database,
                       *own = query->model->state->database ? query->model->state->database
                                                            : cz__databases,
                       *outer = shape->outermost->state->database
                                    ? shape->outermost->state->database
                                    : cz__databases;
    const char *alias = query->database ? query->database
                        : own == outer  ? asked->alias /* it goes along */
                                        : own->alias;
    if (strcmp(alias, asked->alias) != 0)
        cz_raise(shape->ctx, CZ_EINVAL,
                 "a query of %s in the database \"%s\" holds one of %s in \"%s\": a statement "
                 "is one database's; ask twice",
                 shape->outermost->name, asked->alias, query->model->name, alias);
}

static void shape_query(struct cz__shape *shape, const cz_query *query, enum cz__plan_kind kind,
                        unsigned depth)
{
    check_depth(shape, depth);
    if (depth)
        check_database(shape, query);
    add(shape, &query->model, sizeof query->model);
    add_number(shape, (uint32_t)query->values.count);
    for (size_t i = 0; i < query->values.count; i++) {
        add_number(shape, query->values.items[i].field);
        shape_value(shape, query->values.items[i].value_kind, query->values.items[i].value, depth);
    }
    if (query->values.count)
        add(shape, &query->values.record, sizeof query->values.record);
    cz_cond conds[CZ__CONDS_MAX];
    size_t cond_count = kind == CZ__PLAN_INSERT ? 0 : cz__conds_of(query, conds);
    add_byte(shape, (unsigned)cond_count | (unsigned)cz__leaves_out_deleted(query) << 2);
    for (size_t i = 0; i < cond_count; i++)
        shape_cond(shape, query->model, conds[i], depth + 1);
    const cz_order_list none = { 0 };
    bool ordered = kind != CZ__PLAN_COUNT && kind != CZ__PLAN_EXISTS && kind != CZ__PLAN_UPDATE &&
                   kind != CZ__PLAN_DELETE && kind != CZ__PLAN_INSERT;
    shape_order(shape, ordered ? cz__ordering_of(query) : &none, depth);
    for (size_t i = 0; ordered && i < query->values.count; i++)
        shape_ordered(shape, query, query->values.items[i].value_kind,
                      query->values.items[i].value);
    add_byte(shape, (unsigned)(query->limit != 0) | (unsigned)(query->offset != 0) << 1 |
                        (unsigned)query->distinct << 2 | (unsigned)query->lock << 3 |
                        (unsigned)cz__is_own_order(query) << 6);
    shape_fields(shape, &query->related);
    shape_fields(shape, &query->distinct_on);
    shape_fields(shape, &query->only);
    shape_fields(shape, &query->defer);
    add_byte(shape, (unsigned)query->combine.op);
    add_number(shape, (uint32_t)query->combine.count);
    for (size_t i = 0; i < query->combine.count; i++)
        shape_query(shape, query->combine.queries[i], CZ__PLAN_COUNT, depth + 1);
    /* of a subquery; the plan's own are slots of their kind */
    if (depth && query->limit)
        add_ref(shape, CZ__VALUE_I64, &query->limit);
    if (depth && query->offset)
        add_ref(shape, CZ__VALUE_I64, &query->offset);
}

void cz__shape_build(cz_ctx *ctx, struct cz__shape *shape, const struct cz__plan_request *request,
                     const cz__db_session *session)
{
    const cz__db_features *features = session->db->driver->features;
    begin(shape, ctx);
    shape->database = session->database;
    shape->outermost = request->query->model;
    add(shape, &features, sizeof features); /* SQL is of one database's kind */
    add_byte(shape, request->kind);
    add_byte(shape, (unsigned)request->explain | (unsigned)request->returning << 1);
    add_number(shape, (uint32_t)request->row_count);
    add_byte(shape, request->conflict != NULL);
    if (request->conflict) {
        add_number(shape, (uint32_t)request->conflict->update_count);
        add(shape, request->conflict->update,
            request->conflict->update_count * sizeof *request->conflict->update);
        shape_fields(shape, &request->conflict->unique);
    }
    add_number(shape, (uint32_t)request->assign_count);
    size_t rows = request->row_count ? request->row_count : 1;
    for (size_t i = 0; i < request->assign_count; i++) {
        const struct cz__assign *assign = &request->assigns[i];
        add_number(shape, assign->field);
        add_byte(shape, cz__expr_of(assign->value_kind, assign->value) != NULL);
    }
    for (size_t i = 0; i < request->assign_count * rows; i++) {
        const struct cz__assign *assign = &request->assigns[i];
        if (cz__expr_of(assign->value_kind, assign->value))
            shape_value(shape, assign->value_kind, assign->value, 0);
        else /* of the column's type, whatever it is */
            add_ref(shape, assign->value_kind, assign->value);
    }
    add_byte(shape, request->behind != NULL);
    if (request->behind) {
        add(shape, &request->behind->column, sizeof request->behind->column);
        add_ref(shape, request->behind->value_kind, &request->behind->keys);
    }
    shape_query(shape, request->query, request->kind, 0);
}
