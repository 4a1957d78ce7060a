/* Trees. Lists and objects know their size only at their end, so items wait on a stack until then,
 * when the level's newest are copied to an array of the right length. The stack is a small local
 * array first and then lives in a child of the caller's arena, whose budget thereby bounds it. */
#include "json_internal.h"

enum { ITEMS_LOCAL = 32 };

struct item {
    cz_json_value value;
    cz_str key;
};

struct builder {
    cz_json_reader reader;
    cz_arena *arena, *scratch;
    struct item *items;
    uint32_t count, cap;
    uint32_t open[CZ_JSON_READ_DEPTH_MAX]; /* index of each open list or object in `items` */
    struct item local[ITEMS_LOCAL];
};

static cz_status grow(struct builder *b)
{
    if (!b->scratch) {
        cz_status status = cz_arena_create(b->arena, 0, &b->scratch);
        if (status)
            return status;
    }
    size_t cap = (size_t)b->cap * 4;
    if (cap > UINT32_MAX)
        return CZ_ETOOBIG;
    struct item *items = cz_arena_alloc(b->scratch, cap * sizeof *items);
    if (!items)
        return CZ_ENOMEM;
    memcpy(items, b->items, b->count * sizeof *items);
    b->items = items;
    b->cap = (uint32_t)cap;
    return CZ_OK;
}

/* Give the list or object at the top its items, which follow it on the stack. */
static cz_status close_level(struct builder *b, uint32_t index)
{
    cz_json_value *value = &b->items[index].value;
    const struct item *from = &b->items[index + 1];
    uint32_t count = b->count - index - 1;
    b->count = index + 1;
    if (!count)
        return CZ_OK;
    bool object = value->kind == CZ_JSON_OBJECT;
    size_t values_bytes = count * sizeof *value, keys_bytes = object ? count * sizeof(cz_str) : 0;
    cz_json_value *values = cz_arena_alloc(b->arena, values_bytes + keys_bytes);
    if (!values)
        return CZ_ENOMEM;
    cz_str *keys = (cz_str *)(void *)(values + count);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = from[i].value;
        if (object)
            keys[i] = from[i].key;
    }
    value->count = count;
    value->as.items = values;
    value->keys = object ? keys : NULL;
    return CZ_OK;
}

static cz_status push(struct builder *b, cz_json_kind kind)
{
    const cz_json_reader *r = &b->reader;
    if (b->count == b->cap) {
        cz_status status = grow(b);
        if (status)
            return status;
    }
    struct item *item = &b->items[b->count++];
    *item = (struct item){ .value = { .kind = kind }, .key = r->key };
    switch (kind) {
    case CZ_JSON_BOOL:
        item->value.as.boolean = r->boolean;
        break;
    case CZ_JSON_INT:
        item->value.as.integer = r->integer;
        break;
    case CZ_JSON_REAL:
        item->value.as.real = r->real;
        break;
    case CZ_JSON_STR:
        item->value.as.text = r->text;
        break;
    case CZ_JSON_LIST:
    case CZ_JSON_OBJECT:
        b->open[r->depth - 1] = b->count - 1;
        break;
    case CZ_JSON_NULL:
    case CZ_JSON_END:
        break;
    }
    return CZ_OK;
}

static cz_status build(struct builder *b)
{
    cz_json_reader *r = &b->reader;
    for (;;) {
        uint32_t depth = r->depth;
        cz_json_kind kind = cz_json_next(r);
        cz_status status = CZ_OK;
        if (kind != CZ_JSON_END)
            status = push(b, kind);
        else if (r->status || depth == 0) /* failed, or the document's end */
            return r->status;
        else
            status = close_level(b, b->open[depth - 1]);
        if (status)
            return status;
    }
}

static cz_status report(const cz_json_reader *r, cz_status status, cz_error *err)
{
    if (!r->status) /* the tree's own memory */
        return cz_error_set(err, status, "JSON parse error: %s", cz_status_text(status));
    size_t line, column, chars;
    cz__json_position(r, &line, &column, &chars);
    return cz_error_set(err, status, "JSON parse error: %s: line %zu column %zu (char %zu)",
                        r->error, line, column, chars);
}

cz_status cz_json_parse(cz_arena *arena, cz_str text, const cz_json_limits *limits,
                        const cz_json_value **out, cz_error *err)
{
    struct builder b;
    b.arena = arena;
    b.scratch = NULL;
    b.items = b.local;
    b.count = 0;
    b.cap = ITEMS_LOCAL;
    cz_json_reader_init(&b.reader, arena, text, limits);
    cz_status status = build(&b);
    cz_json_value *root = NULL;
    if (!status) {
        root = cz_arena_alloc(arena, sizeof *root);
        if (root)
            *root = b.items[0].value;
        else
            status = CZ_ENOMEM;
    }
    cz_arena_destroy(b.scratch);
    if (status)
        return report(&b.reader, status, err);
    *out = root;
    return CZ_OK;
}

const cz_json_value *cz_json_get(const cz_json_value *object, cz_str key)
{
    if (!object || object->kind != CZ_JSON_OBJECT)
        return NULL;
    for (uint32_t i = object->count; i-- > 0;) /* of a repeated member the last counts */
        if (cz_str_eq(object->keys[i], key))
            return &object->as.items[i];
    return NULL;
}

/* Of a repeated member the last counts, on both sides. */
static bool same_members(const cz_json_value *a, const cz_json_value *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (!cz_json_get(a, b->keys[i]))
            return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const cz_json_value *other = cz_json_get(b, a->keys[i]);
        if (!other || !cz_json_eq(cz_json_get(a, a->keys[i]), other))
            return false;
    }
    return true;
}

bool cz_json_eq(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CZ_JSON_BOOL:
        return a->as.boolean == b->as.boolean;
    case CZ_JSON_INT:
        return a->as.integer == b->as.integer;
    case CZ_JSON_REAL:
        return a->as.real == b->as.real;
    case CZ_JSON_STR:
        return cz_str_eq(a->as.text, b->as.text);
    case CZ_JSON_OBJECT:
        return same_members(a, b);
    case CZ_JSON_LIST:
    case CZ_JSON_NULL:
    case CZ_JSON_END:
        break;
    }
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = cz_json_eq(&a->as.items[i], &b->as.items[i]);
    return same;
}

void cz_json_write(cz_json_writer *json, const cz_json_value *value)
{
    switch (value->kind) {
    case CZ_JSON_NULL:
        cz_json_null(json);
        break;
    case CZ_JSON_BOOL:
        cz_json_bool(json, value->as.boolean);
        break;
    case CZ_JSON_INT:
        cz_json_i64(json, value->as.integer);
        break;
    case CZ_JSON_REAL:
        cz_json_f64(json, value->as.real);
        break;
    case CZ_JSON_STR:
        cz_json_str(json, value->as.text);
        break;
    case CZ_JSON_LIST:
        cz_json_list(json);
        for (uint32_t i = 0; i < value->count; i++)
            cz_json_write(json, &value->as.items[i]);
        cz_json_list_end(json);
        break;
    case CZ_JSON_OBJECT:
        cz_json_object(json);
        for (uint32_t i = 0; i < value->count; i++) {
            cz_json_key(json, value->keys[i]);
            cz_json_write(json, &value->as.items[i]);
        }
        cz_json_object_end(json);
        break;
    case CZ_JSON_END:
        break;
    }
}
