/* What a unit of work has changed, so that what it reads again is read anew, and which of its lines ask the same
 * query for one row after another. */
#include "orm/orm_internal.h"
#include <calzone/log.h>

enum { MODELS_MAX = 16, REPEATS_MAX = 256 };

struct asked { /* by one line, one shape of query */
    struct cz__repeat repeat;
    uint64_t values; /* a hash of the last ones */
};

struct cz__watch {
    uint64_t now, every_at; /* changes so far; the last that may be of any model */
    struct {
        const cz_model *model;
        uint64_t at;
    } models[MODELS_MAX];
    unsigned model_count;
    cz_map asked; /* line and shape -> struct asked; empty: nothing is counted */
    bool counts;
    cz_ctx *ctx;     /* of the request */
    cz_arena *arena; /* where what is asked is kept, until it is reported */
};

static void log_repeat(const cz_ctx *ctx, const struct cz__repeat *repeat)
{
    cz_log_warning(ctx, "orm", "the same query for one row after another; read them together",
                   CZ_FIELD_STR("file", cz_str_from(repeat->file)),
                   CZ_FIELD_INT("line", repeat->line), CZ_FIELD_INT("times", repeat->times),
                   CZ_FIELD_STR("sql", repeat->sql));
}

uint32_t cz__repeats_max;
void (*cz__repeats_report)(const cz_ctx *ctx, const struct cz__repeat *repeat) = log_repeat;

/* Of the context's first session, whatever database is asked. NULL when there is no memory. */
static struct cz__watch *watch_of(cz_ctx *ctx)
{
    cz__db_session *first = ctx->db;
    if (first && !first->watch)
        first->watch = cz_arena_new(first->arena, struct cz__watch);
    return first ? first->watch : NULL;
}

static struct cz__watch *watch_there_is(const cz_ctx *ctx)
{
    return ctx->db ? ctx->db->watch : NULL;
}

/* ---- changes ---- */

void cz__watch_change(cz_ctx *ctx, const cz_model *model)
{
    struct cz__watch *watch = watch_there_is(ctx);
    if (!watch) /* nobody has read anything it would matter to */
        return;
    watch->now++;
    unsigned i = 0;
    if (model)
        model = model->state->concrete;
    while (model && i < watch->model_count && watch->models[i].model != model)
        i++;
    if (!model || i == MODELS_MAX) {
        watch->every_at = watch->now;
        return;
    }
    watch->models[i].model = model;
    watch->models[i].at = watch->now;
    if (i == watch->model_count)
        watch->model_count++;
}

uint64_t cz__watch_now(cz_ctx *ctx)
{
    const struct cz__watch *watch = watch_of(ctx);
    return watch ? watch->now : 0;
}

bool cz__watch_changed(const cz_ctx *ctx, const cz_model *model, uint64_t since)
{
    const struct cz__watch *watch = watch_there_is(ctx);
    if (!watch)
        return true;
    if (!model || watch->every_at > since)
        return watch->now > since;
    for (unsigned i = 0; i < watch->model_count; i++)
        if (watch->models[i].model == model->state->concrete)
            return watch->models[i].at > since;
    return false;
}

/* ---- values ---- */

static void append_bytes(cz_buf *out, const void *bytes, size_t len)
{
    uint64_t length = len;
    cz_buf_append_str(out, cz_str_of((const char *)&length, sizeof length));
    cz_buf_append_str(out, cz_str_of(bytes, len));
}

static void append_value(cz_buf *out, uint8_t value_kind, const void *value)
{
    uint8_t item = cz__value_item_kind(value_kind);
    if (item) {
        size_t count = cz__value_count(value_kind, value);
        append_bytes(out, &count, sizeof count);
        for (size_t i = 0; i < count; i++)
            append_value(out, item, cz__value_item(value_kind, value, i));
    } else if (value_kind == CZ__VALUE_STR || value_kind == CZ__VALUE_BYTES) {
        append_bytes(out, ((const cz_str *)value)->ptr, ((const cz_str *)value)->len);
    } else if (value_kind == CZ__VALUE_CSTR) {
        const char *text = *(const char *const *)value;
        append_bytes(out, text ? text : "", text ? strlen(text) : 0);
    } else {
        append_bytes(out, value, cz__value_bytes(value_kind));
    }
}

void cz__shape_values(const struct cz__shape *shape, cz_buf *out)
{
    for (size_t i = 0; i < shape->ref_count; i++)
        append_value(out, shape->refs[i].value_kind, shape->refs[i].value);
}

/* ---- queries ---- */

/* At the request's end, or when the scope of its first query ends by a raise. */
static void report(void *arg)
{
    struct cz__watch *watch = arg;
    size_t cursor = 0;
    watch->counts = false;
    for (const cz_map_entry *entry; (entry = cz_map_next(&watch->asked, &cursor));) {
        const struct asked *asked = entry->value;
        if (asked->repeat.times > cz__repeats_max)
            cz__repeats_report(watch->ctx, &asked->repeat);
    }
}

/* The line's count for this shape; NULL when it is too much to keep. */
static struct asked *asked_of(cz_ctx *ctx, struct cz__watch *watch, const cz_query *query,
                              const struct cz__plan *plan, const struct cz__shape *shape)
{
    struct {
        const char *file;
        uint64_t line, shape;
    } name = { query->file, (uint64_t)query->line, cz_hash(shape->bytes, shape->len) };
    cz_str key = cz_str_of((const char *)&name, sizeof name);
    struct asked *asked = cz_map_get(&watch->asked, key);
    if (asked || cz_map_count(&watch->asked) == REPEATS_MAX)
        return asked;
    asked = cz_arena_new(watch->arena, struct asked);
    cz_str kept, sql;
    if (!asked || cz_str_dup(watch->arena, key, &kept) ||
        cz_str_dup(watch->arena, plan->statement.sql, &sql))
        return NULL;
    asked->repeat = (struct cz__repeat){ .file = query->file, .line = query->line, .sql = sql };
    cz_check(ctx, cz_map_set(&watch->asked, kept, asked));
    return asked;
}

void cz__watch_query(cz_ctx *ctx, const cz_query *query, const struct cz__plan *plan,
                     const struct cz__shape *shape)
{
    if (!ctx->request || !query->file || query->repeats)
        return;
    struct cz__watch *watch = watch_of(ctx);
    if (!watch)
        return;
    if (!watch->counts) {
        watch->counts = true;
        watch->ctx = ctx;
        watch->arena = ctx->arena; /* the clean-up goes before it does */
        cz_map_init(&watch->asked, watch->arena);
        cz_defer(ctx, report, watch);
    }
    struct asked *asked = asked_of(ctx, watch, query, plan, shape);
    if (!asked)
        return;
    cz_buf *values = cz__scratch(ctx);
    cz__shape_values(shape, values);
    uint64_t hash = cz_hash(values->ptr, values->len);
    if (!asked->repeat.times || hash != asked->values)
        asked->repeat.times++;
    asked->values = hash;
}
