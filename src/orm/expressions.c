/* Expressions as SQL, and their types. */
#include "orm/compiler.h"

static bool is_aggregate(uint8_t function)
{
    return function >= CZ__FN_COUNT_ROWS && function <= CZ__FN_STRING_AGG;
}

static bool has(const struct cz__expr *expr, bool window);

static bool args_have(const struct cz__args *args, bool window)
{
    for (size_t i = 0; i < args->count; i++) {
        const struct cz__expr *expr = cz__expr_of(args->items[i].value_kind, args->items[i].value);
        if (expr && has(expr, window))
            return true;
    }
    return false;
}

/* Whether a window, or an aggregate that is no window, stands in an expression. */
static bool has(const struct cz__expr *expr, bool window)
{
    switch ((enum cz__expr_op)expr->op) {
    case CZ__EXPR_SUBQUERY:
        return false;
    case CZ__EXPR_WINDOW:
        return window || args_have(&expr->partition_by, window);
    case CZ__EXPR_COND:
        return cz__cond_has(expr->filter, window);
    case CZ__EXPR_CALL:
        if (!window && is_aggregate(expr->function))
            return true;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; expr->op == CZ__EXPR_CASE && i < expr->when_count; i++) {
        const struct cz__when *when = &expr->whens[i];
        const struct cz__expr *value = cz__expr_of(when->value.value_kind, when->value.value);
        if ((value && has(value, window)) || cz__cond_has(when->condition, window))
            return true;
    }
    return args_have(&expr->args, window);
}

bool cz__has_aggregate(const struct cz__expr *expr)
{
    return has(expr, false);
}

bool cz__has_window(const struct cz__expr *expr)
{
    return has(expr, true);
}

/* ---- types ---- */

/* What an average, a quotient or a rounded decimal is where decimals are whole numbers: a number as it is. */
static const cz__db_type plain_decimal =
    CZ__DB_DECIMAL | UINT32_C(20) << 8 | UINT32_C(38) << 16 | CZ__DB_AS_NUMBER;

static cz__db_type type_of_value_kind(uint8_t kind)
{
    switch ((cz__value_kind)kind) {
    case CZ__VALUE_BOOL:
        return CZ__DB_BOOL;
    case CZ__VALUE_FLOAT:
    case CZ__VALUE_DOUBLE:
        return CZ__DB_REAL;
    case CZ__VALUE_CSTR:
    case CZ__VALUE_STR:
        return CZ__DB_TEXT;
    case CZ__VALUE_UUID:
        return CZ__DB_UUID;
    case CZ__VALUE_DATETIME:
        return CZ__DB_DATETIME;
    case CZ__VALUE_DATE:
        return CZ__DB_DATE;
    case CZ__VALUE_TIME:
        return CZ__DB_TIME;
    case CZ__VALUE_DURATION:
        return CZ__DB_DURATION;
    case CZ__VALUE_DECIMAL:
        return plain_decimal;
    case CZ__VALUE_BYTES:
        return CZ__DB_BINARY;
    case CZ__VALUE_INTS:
        return CZ__DB_INT_LIST;
    case CZ__VALUE_STRS:
        return CZ__DB_TEXT_LIST;
    default:
        return CZ__DB_INT64;
    }
}

static cz__db_type type_of_arg(struct cz__compiler *c, const struct cz__scope *scope,
                               const struct cz__arg *arg)
{
    const struct cz__expr *expr = cz__expr_of(arg->value_kind, arg->value);
    return expr ? cz__expr_type(c, scope, expr) : type_of_value_kind(arg->value_kind);
}

void cz__check_about(struct cz__compiler *c, const struct cz__scope *scope,
                     const struct cz__expr *expr)
{
    if (!cz__same_table(expr->model, scope->model))
        cz_raise(c->ctx, CZ_EINVAL, "an expression about %s in a query of %s", expr->model->name,
                 scope->model->name);
}

static cz__db_type type_at(struct cz__compiler *c, const struct cz__scope *scope,
                           const struct cz__expr *expr)
{
    const cz__column *column;
    cz_error err;
    if (!scope)
        cz_raise(c->ctx, CZ_EINVAL, "CZ_OUTER() outside a subquery");
    cz__check_about(c, scope, expr);
    if (cz__path_resolve(scope->model, expr->path, &column, &err))
        cz_raise_error(c->ctx, &err);
    if (column->many)
        column = column->field->target->state->key;
    return column->type;
}

static bool is_integer(cz__db_type type)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    return (kind >= CZ__DB_INT16 && kind <= CZ__DB_INT64) || kind == CZ__DB_BOOL;
}

/* Of a sum, difference or product. */
static cz__db_type arithmetic_type(struct cz__compiler *c, uint8_t function, cz__db_type a,
                                   cz__db_type b)
{
    cz__db_kind x = CZ__DB_KIND(a), y = CZ__DB_KIND(b);
    if (function == CZ__FN_SUB && x == y &&
        (x == CZ__DB_DATETIME || x == CZ__DB_DATE || x == CZ__DB_TIME))
        return CZ__DB_DURATION;
    if (x == CZ__DB_DATETIME || x == CZ__DB_DATE || x == CZ__DB_TIME)
        return a;
    if (y == CZ__DB_DATETIME || y == CZ__DB_DATE || y == CZ__DB_TIME)
        return b;
    if (x == CZ__DB_DURATION || y == CZ__DB_DURATION)
        return CZ__DB_DURATION;
    if (x == CZ__DB_REAL || y == CZ__DB_REAL)
        return CZ__DB_REAL;
    if (x == CZ__DB_DECIMAL || y == CZ__DB_DECIMAL) {
        if (function == CZ__FN_DIV)
            return plain_decimal;
        if (is_integer(a))
            return b;
        if (is_integer(b))
            return a;
        if (!cz__is_scaled(c, a) || !cz__is_scaled(c, b))
            return plain_decimal;
        int places = function == CZ__FN_MUL                ? CZ__DB_PLACES(a) + CZ__DB_PLACES(b)
                     : CZ__DB_PLACES(a) > CZ__DB_PLACES(b) ? CZ__DB_PLACES(a)
                                                           : CZ__DB_PLACES(b);
        return places <= 18 ? cz__db_decimal(18, places) : plain_decimal;
    }
    return CZ__DB_INT64;
}

static cz__db_type call_type(struct cz__compiler *c, const struct cz__scope *scope,
                             const struct cz__expr *expr)
{
    const struct cz__arg *args = expr->args.items;
    switch ((enum cz__function)expr->function) {
    case CZ__FN_ADD:
    case CZ__FN_SUB:
    case CZ__FN_MUL:
    case CZ__FN_DIV:
    case CZ__FN_MOD:
        return arithmetic_type(c, expr->function, type_of_arg(c, scope, &args[0]),
                               type_of_arg(c, scope, &args[1]));
    case CZ__FN_LOWER:
    case CZ__FN_UPPER:
    case CZ__FN_TRIM:
    case CZ__FN_LTRIM:
    case CZ__FN_RTRIM:
    case CZ__FN_CONCAT:
    case CZ__FN_SUBSTR:
    case CZ__FN_REPLACE:
    case CZ__FN_LEFT:
    case CZ__FN_RIGHT:
    case CZ__FN_CAST_TEXT:
    case CZ__FN_JSON_TEXT:
    case CZ__FN_STRING_AGG:
    case CZ__FN_SEARCH_HEADLINE:
        return CZ__DB_TEXT;
    case CZ__FN_SQRT:
    case CZ__FN_POWER:
    case CZ__FN_CAST_REAL:
    case CZ__FN_JSON_REAL:
    case CZ__FN_STDDEV:
    case CZ__FN_VARIANCE:
    case CZ__FN_PERCENT_RANK:
    case CZ__FN_CUME_DIST:
    case CZ__FN_SEARCH_RANK:
        return CZ__DB_REAL;
    case CZ__FN_NOW:
        return CZ__DB_DATETIME;
    case CZ__FN_DATE_OF:
        return CZ__DB_DATE;
    case CZ__FN_TIME_OF:
        return CZ__DB_TIME;
    case CZ__FN_JSON_PATH:
        return CZ__DB_JSON;
    case CZ__FN_CEIL:
    case CZ__FN_FLOOR:
    case CZ__FN_ROUND: {
        cz__db_type type = type_of_arg(c, scope, &args[0]);
        return cz__is_scaled(c, type) ? plain_decimal : type;
    }
    case CZ__FN_AVG: {
        cz__db_type type = type_of_arg(c, scope, &args[0]);
        return is_integer(type)                      ? CZ__DB_REAL
               : CZ__DB_KIND(type) == CZ__DB_DECIMAL ? plain_decimal
                                                     : type;
    }
    case CZ__FN_SUM: {
        cz__db_type type = type_of_arg(c, scope, &args[0]);
        if (is_integer(type))
            return CZ__DB_INT64;
        return cz__is_scaled(c, type) ? cz__db_decimal(18, CZ__DB_PLACES(type)) : type;
    }
    case CZ__FN_COALESCE:
    case CZ__FN_GREATEST:
    case CZ__FN_LEAST:
    case CZ__FN_NULLIF:
    case CZ__FN_NEGATE:
    case CZ__FN_ABS:
    case CZ__FN_MIN:
    case CZ__FN_MAX:
    case CZ__FN_LAG:
    case CZ__FN_LEAD:
    case CZ__FN_FIRST_VALUE:
    case CZ__FN_LAST_VALUE:
    case CZ__FN_NTH_VALUE:
    case CZ__FN_TRUNC_YEAR:
    case CZ__FN_TRUNC_QUARTER:
    case CZ__FN_TRUNC_MONTH:
    case CZ__FN_TRUNC_WEEK:
    case CZ__FN_TRUNC_DAY:
    case CZ__FN_TRUNC_HOUR:
    case CZ__FN_TRUNC_MINUTE:
    case CZ__FN_TRUNC_SECOND:
        return type_of_arg(c, scope, &args[0]);
    default: /* lengths, parts of dates, counts and ranks */
        return CZ__DB_INT64;
    }
}

cz__db_type cz__expr_type(struct cz__compiler *c, const struct cz__scope *scope,
                          const struct cz__expr *expr)
{
    switch ((enum cz__expr_op)expr->op) {
    case CZ__EXPR_FIELD:
        return type_at(c, scope, expr);
    case CZ__EXPR_OUTER:
        return type_at(c, scope->outer, expr);
    case CZ__EXPR_CALL:
        return call_type(c, scope, expr);
    case CZ__EXPR_COND:
        return CZ__DB_BOOL;
    case CZ__EXPR_SUBQUERY: {
        struct cz__scope inner = { .outer = (struct cz__scope *)(uintptr_t)scope,
                                   .model = expr->query->model };
        return type_of_arg(c, &inner, &expr->args.items[0]);
    }
    case CZ__EXPR_VALUE:
    case CZ__EXPR_CASE:
    case CZ__EXPR_WINDOW:
        break;
    }
    return type_of_arg(c, scope, &expr->args.items[0]);
}

/* ---- values ---- */

static void append_power_of_ten(cz_buf *sql, int exponent)
{
    cz_buf_append_char(sql, '1');
    while (exponent-- > 0)
        cz_buf_append_char(sql, '0');
}

cz__db_type cz__compile_value(struct cz__compiler *c, cz_buf *sql, uint8_t value_kind,
                              const void *value, cz__db_type type, const char *name)
{
    const struct cz__expr *expr = cz__expr_of(value_kind, value);
    if (expr)
        return cz__compile_expr(c, sql, expr);
    cz__db_type own = type_of_value_kind(value_kind);
    bool number = is_integer(own) || CZ__DB_KIND(own) == CZ__DB_DECIMAL;
    bool text = CZ__DB_KIND(own) == CZ__DB_TEXT &&
                (CZ__DB_KIND(type) == CZ__DB_JSON || CZ__DB_KIND(type) == CZ__DB_IP);
    bool takes =
        (number && (CZ__DB_KIND(type) == CZ__DB_DECIMAL || CZ__DB_KIND(type) == CZ__DB_REAL)) ||
        text;
    if (value_kind != CZ__VALUE_NULL &&
        !(takes && !(CZ__DB_KIND(own) == CZ__DB_DECIMAL && CZ__DB_KIND(type) == CZ__DB_REAL)))
        type = own;
    cz__append_slot(
        c, sql,
        (struct cz__slot){
            .kind = CZ__SLOT_VALUE, .ref = cz__take_ref(c), .type = type, .name = name });
    return type;
}

void cz__compile_as(struct cz__compiler *c, cz_buf *sql, uint8_t value_kind, const void *value,
                    cz__db_type type, const char *name)
{
    cz_buf *inside = cz__scratch(c->ctx);
    cz__db_type own = cz__compile_value(c, inside, value_kind, value, type, name);
    bool from = cz__is_scaled(c, own), to = cz__is_scaled(c, type);
    int places = CZ__DB_PLACES(type) - CZ__DB_PLACES(own);
    if (!from && to && is_integer(own)) {
        from = true;
        places = CZ__DB_PLACES(type);
    }
    if (from && to && places != 0) {
        cz_buf_append_char(sql, '(');
        cz_buf_append_str(sql, cz_buf_str(inside));
        cz_buf_append_str(sql, places > 0 ? CZ_STR(" * ") : CZ_STR(" / "));
        append_power_of_ten(sql, places > 0 ? places : -places);
        cz_buf_append_char(sql, ')');
    } else if (from && !to) { /* a number as it is */
        cz_buf_append_char(sql, '(');
        cz_buf_append_str(sql, cz_buf_str(inside));
        cz_buf_append_lit(sql, " / ");
        append_power_of_ten(sql, CZ__DB_PLACES(own));
        cz_buf_append_lit(sql, ".0)");
    } else if (!from && to) {
        cz_buf_append_lit(sql, "CAST(round(");
        cz_buf_append_str(sql, cz_buf_str(inside));
        cz_buf_append_lit(sql, " * ");
        append_power_of_ten(sql, CZ__DB_PLACES(type));
        cz_buf_append_lit(sql, ") AS INTEGER)");
    } else {
        cz_buf_append_str(sql, cz_buf_str(inside));
    }
}

static cz_buf *arg_as(struct cz__compiler *c, const struct cz__arg *arg, cz__db_type type)
{
    cz_buf *sql = cz__scratch(c->ctx);
    cz__compile_as(c, sql, arg->value_kind, arg->value, type, "an expression");
    return sql;
}

/* ---- windows ---- */

static void append_bound(cz_buf *sql, int32_t bound)
{
    if (bound == CZ_UNBOUNDED_PRECEDING) {
        cz_buf_append_lit(sql, "UNBOUNDED PRECEDING");
    } else if (bound == CZ_UNBOUNDED_FOLLOWING) {
        cz_buf_append_lit(sql, "UNBOUNDED FOLLOWING");
    } else if (bound == 0) {
        cz_buf_append_lit(sql, "CURRENT ROW");
    } else {
        cz_buf_append_u64(sql, (uint64_t)(bound < 0 ? -(int64_t)bound : bound));
        cz_buf_append_str(sql, bound < 0 ? CZ_STR(" PRECEDING") : CZ_STR(" FOLLOWING"));
    }
}

static void append_frame(struct cz__compiler *c, cz_buf *sql, const cz_frame *frame)
{
    if (!frame->kind)
        return;
    bool range = frame->kind == CZ__FRAME_RANGE;
    bool plain = (frame->start == CZ_UNBOUNDED_PRECEDING || frame->start == 0) &&
                 (frame->end == CZ_UNBOUNDED_FOLLOWING || frame->end == 0);
    if (frame->start > frame->end || (range && !plain))
        cz_raise(c->ctx, CZ_EINVAL, "a window's frame that cannot be: from %d to %d", frame->start,
                 frame->end);
    cz_buf_append_str(sql, range ? CZ_STR(" RANGE BETWEEN ") : CZ_STR(" ROWS BETWEEN "));
    append_bound(sql, frame->start);
    cz_buf_append_lit(sql, " AND ");
    append_bound(sql, frame->end);
}

/* " OVER (...)" */
static void append_over(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *window)
{
    const cz_buf *behind = c->scope->behind;
    cz_buf_append_lit(sql, " OVER (");
    if (behind) {
        cz_buf_append_lit(sql, "PARTITION BY ");
        cz_buf_append_str(sql, cz_buf_str(behind));
    }
    for (size_t i = 0; i < window->partition_by.count; i++) {
        const struct cz__arg *part = &window->partition_by.items[i];
        cz_buf_append_str(sql, i || behind ? CZ_STR(", ") : CZ_STR("PARTITION BY "));
        cz_ignore(cz__compile_value(c, sql, part->value_kind, part->value, CZ__DB_TEXT,
                                    "a window") == 0); /* any type will do */
    }
    cz__append_order(c, sql, &window->order_by,
                     window->partition_by.count || behind ? " ORDER BY " : "ORDER BY ");
    append_frame(c, sql, &window->frame);
    cz_buf_append_char(sql, ')');
}

/* ---- calls ---- */

enum { ARGS_MAX = 32 };

/* Instants, days and times and what is added to them, where they are text. */
static bool compile_time_sum(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr,
                             cz__db_type a, cz__db_type b)
{
    bool text = c->features->scaled_decimals; /* SQLite: it stores them as text */
    cz__db_kind x = CZ__DB_KIND(a), y = CZ__DB_KIND(b);
    bool left = x == CZ__DB_DATETIME || x == CZ__DB_DATE || x == CZ__DB_TIME;
    bool right = y == CZ__DB_DATETIME || y == CZ__DB_DATE || y == CZ__DB_TIME;
    if (!left && !right)
        return false;
    cz_buf *args[2] = { arg_as(c, &expr->args.items[0], a), arg_as(c, &expr->args.items[1], b) };
    bool subtract = expr->function == CZ__FN_SUB;
    if (left && right)
        cz__append_template(c, sql,
                            text               ? "cz_time_difference($1, $2)"
                            : x == CZ__DB_DATE ? "(CAST($1 AS timestamp) - CAST($2 AS timestamp))"
                                               : "($1 - $2)",
                            args, 2);
    else if (text)
        cz__append_template(c, sql,
                            right      ? "cz_time_add($2, $1)"
                            : subtract ? "cz_time_add($1, - $2)"
                                       : "cz_time_add($1, $2)",
                            args, 2);
    else
        cz__append_template(c, sql,
                            x == CZ__DB_DATE
                                ? (subtract ? "CAST($1 - $2 AS date)" : "CAST($1 + $2 AS date)")
                            : subtract ? "($1 - $2)"
                                       : "($1 + $2)",
                            args, 2);
    return true;
}

static void compile_arithmetic(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr,
                               cz__db_type type)
{
    const struct cz__arg *items = expr->args.items;
    cz__db_type a = type_of_arg(c, c->scope, &items[0]), b = type_of_arg(c, c->scope, &items[1]);
    if (compile_time_sum(c, sql, expr, a, b))
        return;
    cz_buf *args[2];
    if (CZ__DB_KIND(type) == CZ__DB_DURATION) { /* spans, and numbers they are multiplied with */
        args[0] = arg_as(c, &items[0], a);
        args[1] = arg_as(c, &items[1], b);
    } else if (expr->function == CZ__FN_MUL && cz__is_scaled(c, type)) { /* their places add up */
        args[0] = arg_as(c, &items[0], a);
        args[1] = arg_as(c, &items[1], b);
    } else {
        args[0] = arg_as(c, &items[0], type);
        args[1] = arg_as(c, &items[1], type);
    }
    cz__append_template(c, sql, c->features->functions[expr->function], args, 2);
}

static void compile_concat(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    for (size_t i = 0; i < expr->args.count; i++) {
        const struct cz__arg *arg = &expr->args.items[i];
        bool text = CZ__DB_KIND(type_of_arg(c, c->scope, arg)) == CZ__DB_TEXT;
        cz_buf_append_str(sql, i == 0 ? CZ_STR("(") : CZ_STR(" || "));
        cz_buf_append_str(sql, text ? CZ_STR("COALESCE(") : CZ_STR("COALESCE(CAST("));
        cz_ignore(cz__compile_value(c, sql, arg->value_kind, arg->value, CZ__DB_TEXT, "CONCAT") ==
                  0); /* its type was asked for */
        cz_buf_append_str(sql, text ? CZ_STR(", '')") : CZ_STR(" AS TEXT), '')"));
    }
    cz_buf_append_char(sql, ')');
}

/* The type arguments are brought to; the functions of text and time take theirs as they are. */
static cz__db_type args_type(struct cz__compiler *c, const struct cz__expr *expr, cz__db_type type)
{
    switch ((enum cz__function)expr->function) {
    case CZ__FN_COALESCE:
    case CZ__FN_GREATEST:
    case CZ__FN_LEAST:
    case CZ__FN_NULLIF:
        return type;
    case CZ__FN_CEIL:
    case CZ__FN_FLOOR:
    case CZ__FN_ROUND:
    case CZ__FN_AVG:
        return CZ__DB_KIND(type) == CZ__DB_DECIMAL ? type : CZ__DB_TYPE_COUNT;
    case CZ__FN_SQRT:
    case CZ__FN_POWER:
    case CZ__FN_STDDEV:
    case CZ__FN_VARIANCE:
    case CZ__FN_CAST_REAL:
    case CZ__FN_CAST_TEXT:
    case CZ__FN_CAST_INT: {
        cz__db_type first = type_of_arg(c, c->scope, &expr->args.items[0]);
        return cz__is_scaled(c, first) ? plain_decimal : CZ__DB_TYPE_COUNT;
    }
    default:
        return CZ__DB_TYPE_COUNT;
    }
}

static void compile_filter(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    if (!expr->filter)
        return;
    cz_buf_append_lit(sql, " FILTER (WHERE ");
    cz_ignore(cz__compile_cond(c, sql, expr->filter));
    cz_buf_append_char(sql, ')');
}

/* PostgreSQL widens what an aggregate gives: the type it is cast back to, NULL for none. */
static const char *cast_of(const struct cz__compiler *c, uint8_t function, cz__db_type first)
{
    if (!c->features->typed_sums)
        return NULL;
    switch (function) {
    case CZ__FN_SUM:
        return is_integer(first) ? "bigint" : NULL;
    case CZ__FN_AVG:
        return is_integer(first) ? "double precision" : NULL;
    case CZ__FN_STDDEV:
    case CZ__FN_VARIANCE:
        return "double precision";
    default:
        return NULL;
    }
}

static void append_cast(cz_buf *sql, const char *cast, cz_str value)
{
    if (cast)
        cz_buf_append_lit(sql, "CAST(");
    cz_buf_append_str(sql, value);
    if (cast) {
        cz_buf_append_lit(sql, " AS ");
        cz_buf_append_str(sql, cz_str_from(cast));
        cz_buf_append_char(sql, ')');
    }
}

/* A call; `window` is the window it is computed over, NULL for none. */
static void compile_call(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr,
                         cz__db_type type, const struct cz__expr *window)
{
    const char *format = c->features->functions[expr->function];
    if (expr->function <= CZ__FN_MOD) {
        compile_arithmetic(c, sql, expr, type);
        return;
    }
    if (expr->function == CZ__FN_CONCAT) {
        compile_concat(c, sql, expr);
        return;
    }
    if (expr->function == CZ__FN_SEARCH_RANK || expr->function == CZ__FN_SEARCH_HEADLINE) {
        cz__compile_search_call(c, sql, expr);
        return;
    }
    if (!format)
        cz_raise(c->ctx, CZ_EUNSUPPORTED, "%s has no such function", c->features->name);
    if (expr->args.count > ARGS_MAX)
        cz_raise(c->ctx, CZ_EINVAL, "a function takes at most %d arguments", ARGS_MAX);
    if (expr->args.count == 1 &&
        (expr->function == CZ__FN_GREATEST || expr->function == CZ__FN_LEAST))
        format = "$1"; /* of one value max() is the aggregate */
    cz_buf *args[ARGS_MAX];
    cz__db_type common = args_type(c, expr, type), first = CZ__DB_TYPE_COUNT;
    for (size_t i = 0; i < expr->args.count; i++) {
        const struct cz__arg *arg = &expr->args.items[i];
        args[i] = cz__scratch(c->ctx);
        if (i == 0 && expr->distinct)
            cz_buf_append_lit(args[i], "DISTINCT ");
        if (common != CZ__DB_TYPE_COUNT && (i == 0 || expr->function != CZ__FN_ROUND)) {
            cz__compile_as(c, args[i], arg->value_kind, arg->value, common, "an expression");
        } else {
            cz__db_type own = cz__compile_value(c, args[i], arg->value_kind, arg->value,
                                                CZ__DB_TEXT, "a function");
            first = i == 0 ? own : first;
        }
    }
    if (expr->distinct && expr->function == CZ__FN_STRING_AGG && !c->features->ordered_aggregates)
        cz_raise(c->ctx, CZ_EUNSUPPORTED,
                 "%s joins distinct parts by no separator: leave out the .distinct of "
                 "CZ_STRING_AGG(), or read the parts with .distinct and join them",
                 c->features->name);
    cz_buf *call = cz__scratch(c->ctx);
    cz__append_template(c, call, format, args, expr->args.count);
    cz_check(c->ctx, cz_buf_status(call));
    cz_assert(call->ptr); /* no function is spelt as nothing */
    cz_buf *filter = cz__scratch(c->ctx);
    compile_filter(c, filter, expr);
    if (expr->order_by.count) {
        if (expr->function != CZ__FN_STRING_AGG)
            cz_raise(c->ctx, CZ_EINVAL,
                     "an aggregate with .order_by, which CZ_STRING_AGG() alone takes");
        if (!c->features->ordered_aggregates)
            cz_raise(c->ctx, CZ_EUNSUPPORTED,
                     "%s puts the parts of CZ_STRING_AGG() into no order: leave out its .order_by, "
                     "or read the parts with one and join them",
                     c->features->name);
        call->len--; /* it stands inside the parentheses */
        cz__append_order(c, call, &expr->order_by, " ORDER BY ");
        cz_buf_append_char(call, ')');
    }
    cz_buf_append_str(call, cz_buf_str(filter));
    if (window)
        append_over(c, call, window);
    const char *cast = expr->args.count ? cast_of(c, expr->function, first) : NULL;
    append_cast(sql, cast, cz_buf_str(call));
    cz_check(c->ctx, cz_buf_status(call));
}

static void compile_case(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr,
                         cz__db_type type)
{
    cz_buf_append_lit(sql, "CASE");
    for (uint32_t i = 0; i < expr->when_count; i++) {
        cz_buf_append_lit(sql, " WHEN ");
        cz_ignore(cz__compile_cond(c, sql, expr->whens[i].condition));
        cz_buf_append_lit(sql, " THEN ");
        cz__compile_as(c, sql, expr->whens[i].value.value_kind, expr->whens[i].value.value, type,
                       "CZ_WHEN()");
    }
    cz_buf_append_lit(sql, " ELSE ");
    cz__compile_as(c, sql, expr->args.items[0].value_kind, expr->args.items[0].value, type,
                   "CZ_CASE()");
    cz_buf_append_lit(sql, " END");
}

static void compile_window(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr,
                           cz__db_type type)
{
    const struct cz__expr *call =
        cz__expr_of(expr->args.items[0].value_kind, expr->args.items[0].value);
    if (!call || call->op != CZ__EXPR_CALL || call->function < CZ__FN_COUNT_ROWS)
        cz_raise(c->ctx, CZ_EINVAL, "CZ_WINDOW() takes an aggregate or a window function");
    compile_call(c, sql, call, type, expr);
}

/* ---- all of them ---- */

/* Whose model it is was checked when its type was asked for. */
static void compile_field(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    struct cz__scope *scope = expr->op == CZ__EXPR_OUTER ? c->scope->outer : c->scope;
    struct cz__place at = cz__locate(c, scope, expr->path);
    cz__append_read(scope, sql, at.alias, at.name);
}

static cz__db_type compile_expr(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    cz__db_type type = cz__expr_type(c, c->scope, expr);
    switch ((enum cz__expr_op)expr->op) {
    case CZ__EXPR_FIELD:
    case CZ__EXPR_OUTER:
        compile_field(c, sql, expr);
        break;
    case CZ__EXPR_VALUE:
        return cz__compile_value(c, sql, expr->args.items[0].value_kind, expr->args.items[0].value,
                                 type, "CZ_VALUE()");
    case CZ__EXPR_CALL:
        compile_call(c, sql, expr, type, NULL);
        break;
    case CZ__EXPR_CASE:
        compile_case(c, sql, expr, type);
        break;
    case CZ__EXPR_WINDOW:
        compile_window(c, sql, expr, type);
        break;
    case CZ__EXPR_SUBQUERY:
        cz_buf_append_char(sql, '(');
        cz__compile_subselect(c, sql, expr->query, &expr->args.items[0], CZ__SUBSELECT_VALUE);
        cz_buf_append_char(sql, ')');
        break;
    case CZ__EXPR_COND:
        cz_buf_append_lit(sql, "(");
        cz_ignore(cz__compile_cond(c, sql, expr->filter));
        cz_buf_append_lit(sql, ")");
        break;
    }
    return type;
}

/* What is computed from rows is grouped by as a whole. What a subquery reads of the rows around it, and what an
 * aggregate is computed with, is read where it stands. */
static bool is_grouped_whole(const struct cz__expr *expr)
{
    return (expr->op == CZ__EXPR_CALL || expr->op == CZ__EXPR_CASE || expr->op == CZ__EXPR_COND) &&
           !cz__has_aggregate(expr) && !cz__has_window(expr);
}

cz__db_type cz__compile_expr(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    struct cz__scope *scope = c->scope;
    cz_buf *group = scope->group;
    bool whole = group && is_grouped_whole(expr);
    bool aggregate = expr->op == CZ__EXPR_CALL && is_aggregate(expr->function);
    if (whole || aggregate)
        scope->group = NULL;
    cz_buf *part = whole ? cz__scratch(c->ctx) : sql;
    cz__db_type type = compile_expr(c, part, expr);
    scope->group = group;
    if (whole) {
        cz__append_group(group, part);
        cz_buf_append_str(sql, cz_buf_str(part));
    }
    return type;
}
