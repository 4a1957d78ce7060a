/* Conditions as SQL. */
#include "orm/compiler.h"

static cz__db_type widened(cz__db_type type)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    return kind == CZ__DB_INT16 || kind == CZ__DB_INT32 ? CZ__DB_INT64 : type;
}

/* What a leaf asks about. */
struct asked {
    cz_buf *sql;
    cz__db_type type;
    const char *name; /* for messages */
    bool null;
};

static struct asked ask(struct cz__compiler *c, cz_cond leaf)
{
    struct asked asked = { .sql = cz__scratch(c->ctx), .name = "an expression", .null = true };
    if (leaf->expr) {
        asked.type = cz__compile_expr(c, asked.sql, leaf->expr);
        return asked;
    }
    if (!cz__same_table(leaf->model, c->scope->model))
        cz_raise(c->ctx, CZ_EINVAL, "a condition about %s in a query of %s", leaf->model->name,
                 c->scope->model->name);
    struct cz__place at = cz__locate(c, c->scope, leaf->path);
    cz__append_read(c->scope, asked.sql, at.alias, at.name);
    asked.type = at.column->type;
    asked.name = at.column->field->name;
    asked.null = at.null;
    return asked;
}

static void compile_in(struct cz__compiler *c, cz_buf *sql, const struct asked *asked, cz_cond leaf)
{
    const struct cz__expr *expr = cz__expr_of(leaf->value_kind, leaf->value);
    if (expr) {
        if (expr->op != CZ__EXPR_SUBQUERY)
            cz_raise(c->ctx, CZ_EINVAL, "IN takes a list or a subquery (\"%s\")", asked->name);
        cz_buf_append_str(sql, cz_buf_str(asked->sql));
        cz_buf_append_lit(sql, " IN (");
        cz__compile_subselect(c, sql, expr->query, &expr->args.items[0], CZ__SUBSELECT_LIST);
        cz_buf_append_char(sql, ')');
        return;
    }
    size_t count = cz__value_count(leaf->value_kind, leaf->value);
    uint32_t ref = cz__take_ref(c);
    if (count > CZ__LIST_ITEMS_MAX)
        cz_raise(c->ctx, CZ_EINVAL, "an IN list of %zu items; at most %d", count,
                 CZ__LIST_ITEMS_MAX);
    if (count == 0) {
        cz_buf_append_lit(sql, "1 = 0");
        return;
    }
    size_t places = cz__list_places(leaf, count);
    struct cz__slot slot = {
        .kind = CZ__SLOT_ITEM, .ref = ref, .type = widened(asked->type), .name = asked->name
    };
    if (!places) {
        static const cz__db_type lists[] = { [CZ__VALUE_INTS] = CZ__DB_INT_LIST,
                                             [CZ__VALUE_STRS] = CZ__DB_TEXT_LIST,
                                             [CZ__VALUE_UUIDS] = CZ__DB_UUID_LIST };
        cz_buf *args[2] = { asked->sql, cz__scratch(c->ctx) };
        slot.kind = CZ__SLOT_LIST;
        slot.type = lists[leaf->value_kind] | (asked->type & CZ__DB_AS_DIGITS);
        cz__append_slot(c, args[1], slot);
        cz_buf_append_str(sql, cz_buf_str(asked->sql));
        cz__append_template(c, sql, c->features->in_list, args, 2);
        return;
    }
    cz_buf_append_str(sql, cz_buf_str(asked->sql));
    for (size_t i = 0; i < places; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" IN ("));
        slot.item = (uint32_t)i;
        cz__append_slot(c, sql, slot);
    }
    cz_buf_append_char(sql, ')');
}

static void compile_range(struct cz__compiler *c, cz_buf *sql, const struct asked *asked,
                          cz_cond leaf)
{
    if (cz__expr_of(leaf->value_kind, leaf->value))
        cz_raise(c->ctx, CZ_EINVAL, "RANGE takes a list of two values; write GTE and LTE");
    struct cz__slot slot = { .kind = CZ__SLOT_ITEM,
                             .ref = cz__take_ref(c),
                             .type = widened(asked->type),
                             .name = asked->name };
    cz_buf_append_str(sql, cz_buf_str(asked->sql));
    cz_buf_append_lit(sql, " BETWEEN ");
    cz__append_slot(c, sql, slot);
    cz_buf_append_lit(sql, " AND ");
    slot.item = 1;
    cz__append_slot(c, sql, slot);
}

/* Lookups of documents and arrays; NULL for the rest. */
static const char *document_lookup(const struct cz__compiler *c, cz__db_kind kind, cz_lookup lookup)
{
    if (kind == CZ__DB_JSON) {
        static const cz_lookup order[] = { CZ_LOOKUP_CONTAINS, CZ_LOOKUP_HAS_KEY,
                                           CZ_LOOKUP_HAS_KEYS, CZ_LOOKUP_HAS_ANY_KEYS };
        for (size_t i = 0; i < CZ_COUNT(order); i++)
            if (order[i] == lookup)
                return c->features->json_lookups[i];
    }
    if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST) {
        static const cz_lookup order[] = { CZ_LOOKUP_CONTAINS, CZ_LOOKUP_CONTAINED_BY,
                                           CZ_LOOKUP_OVERLAP };
        for (size_t i = 0; i < CZ_COUNT(order); i++)
            if (order[i] == lookup)
                return c->features->list_lookups[i];
    }
    return NULL;
}

static void compile_document(struct cz__compiler *c, cz_buf *sql, const struct asked *asked,
                             cz_cond leaf, const char *format)
{
    bool keys = leaf->lookup == CZ_LOOKUP_HAS_KEYS || leaf->lookup == CZ_LOOKUP_HAS_ANY_KEYS;
    bool list = CZ__DB_KIND(asked->type) != CZ__DB_JSON;
    cz_buf *args[2] = { asked->sql, cz__scratch(c->ctx) };
    cz__append_slot(c, args[1],
                    (struct cz__slot){ .kind = keys || list ? CZ__SLOT_LIST : CZ__SLOT_VALUE,
                                       .ref = cz__take_ref(c),
                                       .type = keys ? CZ__DB_TEXT_LIST
                                               : leaf->lookup == CZ_LOOKUP_HAS_KEY ? CZ__DB_TEXT
                                                                                   : asked->type,
                                       .name = asked->name });
    cz__append_template(c, sql, format, args, 2);
}

static bool is_null_value(cz_cond leaf)
{
    return leaf->value_kind == CZ__VALUE_NULL ||
           (leaf->value_kind == CZ__VALUE_CSTR && !*(const char *const *)leaf->value);
}

/* The value of a comparison, into `out`. */
static void compile_right(struct cz__compiler *c, cz_buf *out, const struct asked *asked,
                          cz_cond leaf, enum cz__pattern pattern)
{
    if (cz__expr_of(leaf->value_kind, leaf->value)) {
        cz__compile_as(c, out, leaf->value_kind, leaf->value, asked->type, asked->name);
        return;
    }
    cz__append_slot(c, out,
                    (struct cz__slot){ .kind = CZ__SLOT_VALUE,
                                       .ref = cz__take_ref(c),
                                       .type = pattern ? CZ__DB_TEXT : widened(asked->type),
                                       .pattern = pattern,
                                       .name = asked->name });
}

/* Lookups that are about the text of an address, where the database has a type of its own for it. */
static bool asks_text_of_ip(const struct cz__compiler *c, cz__db_type type, cz_lookup lookup)
{
    return CZ__DB_KIND(type) == CZ__DB_IP && c->features->ip_text && lookup >= CZ_LOOKUP_IEXACT &&
           lookup <= CZ_LOOKUP_SEARCH;
}

static void ask_as_text(struct cz__compiler *c, struct asked *asked)
{
    cz_buf *text = cz__scratch(c->ctx);
    cz__append_template(c, text, c->features->ip_text, &asked->sql, 1);
    asked->sql = text;
    asked->type = CZ__DB_TEXT;
}

static bool compile_leaf_here(struct cz__compiler *c, cz_buf *sql, cz_cond leaf)
{
    struct asked asked = ask(c, leaf);
    cz_lookup lookup = (cz_lookup)leaf->lookup;
    if (lookup == CZ_LOOKUP_ISNULL) {
        cz_buf_append_str(sql, cz_buf_str(asked.sql));
        cz_buf_append_str(sql,
                          cz__isnull_value(leaf) ? CZ_STR(" IS NULL") : CZ_STR(" IS NOT NULL"));
        return false;
    }
    if (is_null_value(leaf)) {
        cz__take_ref(c);
        if (lookup != CZ_LOOKUP_EXACT)
            cz_raise(c->ctx, CZ_EINVAL, "NULL as a value for \"%s\": only EXACT takes it",
                     asked.name);
        cz_buf_append_str(sql, cz_buf_str(asked.sql));
        cz_buf_append_lit(sql, " IS NULL");
        return false;
    }
    cz__db_kind kind = CZ__DB_KIND(asked.type);
    if (lookup == CZ_LOOKUP_SEARCH && kind != CZ__DB_TEXT && kind != CZ__DB_IP) { /* a key */
        cz__compile_search(c, sql, leaf, cz_buf_str(asked.sql));
        return true;
    }
    const char *document = document_lookup(c, kind, lookup);
    if (document) {
        compile_document(c, sql, &asked, leaf, document);
    } else if (lookup == CZ_LOOKUP_IN) {
        compile_in(c, sql, &asked, leaf);
        return asked.null || cz__expr_of(leaf->value_kind, leaf->value); /* NULLs among the rows */
    } else if (lookup == CZ_LOOKUP_RANGE) {
        compile_range(c, sql, &asked, leaf);
    } else {
        const cz__lookup_sql *spelling = &c->features->lookups[lookup];
        if (!spelling->sql)
            cz_raise(c->ctx, CZ_EUNSUPPORTED, "%s has no such lookup for \"%s\"", c->features->name,
                     asked.name);
        bool expression = cz__expr_of(leaf->value_kind, leaf->value) != NULL;
        const char *format = expression ? spelling->with_expression : spelling->sql;
        if (lookup == CZ_LOOKUP_EXACT && CZ__DB_KIND(asked.type) == CZ__DB_JSON)
            format = c->features->json_same;
        if (asks_text_of_ip(c, asked.type, lookup))
            ask_as_text(c, &asked);
        cz_buf *args[2] = { asked.sql, cz__scratch(c->ctx) };
        compile_right(c, args[1], &asked, leaf, expression ? CZ__PATTERN_NONE : spelling->pattern);
        cz__append_template(c, sql, format, args, 2);
        return asked.null || expression;
    }
    return asked.null;
}

/* Whether a path of the scope's model crosses a to-many relation. */
static bool crosses_many(const cz_model *model, cz_str path)
{
    for (cz_str rest = path; rest.len;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        rest = arrow == SIZE_MAX ? CZ_STR("") : cz_str_tail(rest, arrow + 2);
        const cz__column *column = cz__column_find(model, part);
        if (!column)
            return false; /* which locating it reports */
        if (column->many)
            return true;
        model = column->field->target;
    }
    return false;
}

/* NOT over a to-many relation: no related row may match. A join would answer whether one does not match, which
 * is another question, so each such leaf asks in a subquery of its own, as Django's exclude() does. */
static void compile_leaf_apart(struct cz__compiler *c, cz_buf *sql, cz_cond leaf)
{
    struct cz__scope *outer = c->scope;
    struct cz__scope *apart = cz_new(c->ctx, struct cz__scope);
    apart->outer = outer->outer;
    apart->model = outer->model;
    apart->leaves_out_deleted = outer->leaves_out_deleted;
    apart->base = ++c->alias_count;
    cz_buf *where = cz__scratch(c->ctx);
    c->scope = apart;
    c->negated = false;
    cz_ignore(compile_leaf_here(c, where, leaf));
    c->negated = true;
    c->scope = outer;
    const char *key = outer->model->state->key->name;
    cz_buf_append_lit(sql, "EXISTS (SELECT 1");
    cz__append_from(apart, sql);
    cz__append_joins(apart, sql);
    cz_buf_append_lit(sql, " WHERE ");
    cz__append_column(sql, apart->base, key);
    cz_buf_append_lit(sql, " = ");
    cz__append_read(outer, sql, outer->base, key);
    cz_buf_append_lit(sql, " AND ");
    cz_buf_append_str(sql, cz_buf_str(where));
    cz_buf_append_char(sql, ')');
}

static bool compile_leaf(struct cz__compiler *c, cz_buf *sql, cz_cond leaf)
{
    if (c->negated && !leaf->expr && cz__same_table(leaf->model, c->scope->model) &&
        crosses_many(leaf->model, leaf->path)) {
        compile_leaf_apart(c, sql, leaf);
        return false;
    }
    return compile_leaf_here(c, sql, leaf);
}

/* As Django's exclude(): a NULL is "not equal", so rows without a value are kept. */
static void compile_not(struct cz__compiler *c, cz_buf *sql, cz_cond cond)
{
    bool outer = c->negated;
    cz_buf *inside = cz__scratch(c->ctx);
    c->negated = true;
    bool null = cz__compile_cond(c, inside, cond);
    c->negated = outer;
    cz_buf_append_str(sql, null ? CZ_STR("NOT COALESCE(") : CZ_STR("NOT ("));
    cz_buf_append_str(sql, cz_buf_str(inside));
    cz_buf_append_str(sql, null ? CZ_STR(", FALSE)") : CZ_STR(")"));
}

/* True of an odd number of them, as Django's ^ is. Each is 1 or 0. */
static void compile_xor(struct cz__compiler *c, cz_buf *sql, cz_cond cond)
{
    cz_buf_append_char(sql, '(');
    for (uint32_t i = 0; i < cond->count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(" + CASE WHEN ") : CZ_STR("(CASE WHEN "));
        cz_ignore(cz__compile_cond(c, sql, cond->children[i]));
        cz_buf_append_lit(sql, " THEN 1 ELSE 0 END");
    }
    cz_buf_append_str(sql, cond->count ? CZ_STR(") % 2 = 1)") : CZ_STR("1 = 0)"));
}

/* The links are joined, as for the rows behind several: further conditions over them are about those that lead here. */
static void compile_linked(struct cz__compiler *c, cz_buf *sql, cz_cond cond)
{
    const cz__column *column = cond->link;
    c->scope->link = column;
    c->scope->link_alias = ++c->alias_count;
    cz__append_column(sql, c->scope->link_alias, column->link_from);
    cz_buf_append_lit(sql, " = ");
    cz__append_slot(c, sql,
                    (struct cz__slot){ .kind = CZ__SLOT_VALUE,
                                       .ref = cz__take_ref(c),
                                       .type = cond->count,
                                       .name = column->field->name });
}

bool cz__compile_cond(struct cz__compiler *c, cz_buf *sql, cz_cond cond)
{
    switch ((enum cz__cond_op)cond->op) {
    case CZ__COND_LEAF:
        return compile_leaf(c, sql, cond);
    case CZ__COND_EVERY:
        cz_buf_append_lit(sql, "1 = 1");
        return false;
    case CZ__COND_NOT:
        compile_not(c, sql, cond->children[0]);
        return false;
    case CZ__COND_XOR:
        compile_xor(c, sql, cond);
        return false;
    case CZ__COND_EXISTS:
        cz_buf_append_lit(sql, "EXISTS (");
        cz__compile_subselect(c, sql, cond->query, NULL, CZ__SUBSELECT_EXISTS);
        cz_buf_append_char(sql, ')');
        return false;
    case CZ__COND_LINKED:
        compile_linked(c, sql, cond);
        return false;
    case CZ__COND_AND:
    case CZ__COND_OR:
        break;
    }
    if (cond->count == 0) { /* all of nothing is true, any of nothing is false */
        cz_buf_append_str(sql, cond->op == CZ__COND_AND ? CZ_STR("1 = 1") : CZ_STR("1 = 0"));
        return false;
    }
    bool null = false;
    for (uint32_t i = 0; i < cond->count; i++) {
        cz_buf_append_str(sql, i == 0                    ? CZ_STR("(")
                               : cond->op == CZ__COND_OR ? CZ_STR(" OR ")
                                                         : CZ_STR(" AND "));
        null |= cz__compile_cond(c, sql, cond->children[i]);
    }
    cz_buf_append_char(sql, ')');
    return null;
}

static bool expr_has(const struct cz__expr *expr, bool window)
{
    return expr && (window ? cz__has_window(expr) : cz__has_aggregate(expr));
}

bool cz__cond_has(cz_cond cond, bool window)
{
    if (cond->op == CZ__COND_LEAF) {
        return expr_has(cond->expr, window) ||
               (cond->lookup != CZ_LOOKUP_ISNULL &&
                expr_has(cz__expr_of(cond->value_kind, cond->value), window));
    }
    if (cond->op == CZ__COND_EVERY || cond->op == CZ__COND_EXISTS || cond->op == CZ__COND_LINKED)
        return false;
    for (uint32_t i = 0; i < cond->count; i++)
        if (cz__cond_has(cond->children[i], window))
            return true;
    return false;
}
