/* Questions about JSON documents that mean on SQLite what jsonb's operators mean on PostgreSQL: paths whose steps
 * are keys or indexes, containment, keys. A document nobody can read is NULL, or not what is asked for. */
#include <calzone/json.h>
#include "db/sqlite/sqlite_internal.h"

/* Parse into an arena of its own; NULL when it is no document, or when there is no memory, which is told. */
static const cz_json_value *parse(sqlite3_context *context, sqlite3_value *value, cz_arena *arena)
{
    const cz_json_value *document = NULL;
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return NULL;
    cz_status status = cz_json_parse(arena, cz__sqlite_text(value), NULL, &document, NULL);
    if (status == CZ_ENOMEM)
        sqlite3_result_error_nomem(context);
    return status ? NULL : document;
}

static const cz_json_value *step(const cz_json_value *at, cz_str key)
{
    if (at->kind == CZ_JSON_OBJECT)
        return cz_json_get(at, key);
    int64_t index;
    if (at->kind != CZ_JSON_LIST || cz_str_to_i64(key, &index))
        return NULL;
    if (index < 0) /* from the end, as #> counts */
        index += at->count;
    return index >= 0 && index < at->count ? &at->as.items[index] : NULL;
}

enum wanted { AS_DOCUMENT, AS_TEXT, AS_INTEGER, AS_REAL };

static void result_document(sqlite3_context *context, const cz_json_value *value)
{
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_write(&json, value);
    if (cz_buf_status(&buf))
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, buf.ptr, buf.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    cz_buf_done(&buf);
}

static void result(sqlite3_context *context, const cz_json_value *value, enum wanted wanted)
{
    bool number = value->kind == CZ_JSON_INT || value->kind == CZ_JSON_REAL;
    double real = value->kind == CZ_JSON_INT ? (double)value->as.integer : value->as.real;
    switch (wanted) {
    case AS_DOCUMENT:
        result_document(context, value);
        break;
    case AS_TEXT:
        if (value->kind == CZ_JSON_STR)
            sqlite3_result_text64(context, value->as.text.len ? value->as.text.ptr : "",
                                  value->as.text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
        else if (value->kind != CZ_JSON_NULL)
            result_document(context, value);
        break;
    case AS_INTEGER:
        if (value->kind == CZ_JSON_INT)
            sqlite3_result_int64(context, value->as.integer);
        break;
    case AS_REAL:
        if (number)
            sqlite3_result_double(context, real);
        break;
    }
}

/* f(document, key, ...); what is wanted is the function's data */
static void json_path(sqlite3_context *context, int count, sqlite3_value **values)
{
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena)) {
        sqlite3_result_error_nomem(context);
        return;
    }
    const cz_json_value *at = parse(context, values[0], arena);
    for (int i = 1; at && i < count; i++)
        at = step(at, cz__sqlite_text(values[i]));
    if (at)
        result(context, at, *(const enum wanted *)sqlite3_user_data(context));
    cz_arena_destroy(arena);
}

/* ---- containment, as jsonb's @> ---- */

static bool contains(const cz_json_value *a, const cz_json_value *b);

static bool same_scalar(const cz_json_value *a, const cz_json_value *b)
{
    bool numbers = (a->kind == CZ_JSON_INT || a->kind == CZ_JSON_REAL) &&
                   (b->kind == CZ_JSON_INT || b->kind == CZ_JSON_REAL);
    if (numbers && a->kind != b->kind) {
        double x = a->kind == CZ_JSON_INT ? (double)a->as.integer : a->as.real;
        double y = b->kind == CZ_JSON_INT ? (double)b->as.integer : b->as.real;
        return x == y;
    }
    bool one = a->kind != CZ_JSON_LIST && a->kind != CZ_JSON_OBJECT;
    return one && cz_json_eq(a, b);
}

/* Equal as jsonb's documents are: whatever the order of keys; of a key given twice the last counts. */
static bool same(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind == CZ_JSON_LIST && b->kind == CZ_JSON_LIST) {
        for (uint32_t i = 0; a->count == b->count && i < a->count; i++)
            if (!same(&a->as.items[i], &b->as.items[i]))
                return false;
        return a->count == b->count;
    }
    if (a->kind != CZ_JSON_OBJECT || b->kind != CZ_JSON_OBJECT)
        return same_scalar(a, b);
    for (uint32_t i = 0; i < a->count; i++) {
        const cz_json_value *other = cz_json_get(b, a->keys[i]);
        if (!other || !same(cz_json_get(a, a->keys[i]), other))
            return false;
    }
    for (uint32_t i = 0; i < b->count; i++)
        if (!cz_json_get(a, b->keys[i]))
            return false;
    return true;
}

static bool list_has(const cz_json_value *list, const cz_json_value *item)
{
    bool container = item->kind == CZ_JSON_LIST || item->kind == CZ_JSON_OBJECT;
    for (uint32_t i = 0; i < list->count; i++)
        if (container ? list->as.items[i].kind == item->kind && contains(&list->as.items[i], item)
                      : same_scalar(&list->as.items[i], item))
            return true;
    return false;
}

static bool contains(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind == CZ_JSON_OBJECT && b->kind == CZ_JSON_OBJECT) {
        for (uint32_t i = 0; i < b->count; i++) {
            const cz_json_value *mine = cz_json_get(a, b->keys[i]);
            if (!mine || !contains(mine, &b->as.items[i]))
                return false;
        }
        return true;
    }
    if (a->kind == CZ_JSON_LIST && b->kind == CZ_JSON_LIST) {
        for (uint32_t i = 0; i < b->count; i++)
            if (!list_has(a, &b->as.items[i]))
                return false;
        return true;
    }
    return same_scalar(a, b);
}

/* The outermost level alone: a list contains a scalar that is one of its items. */
static bool contains_at_top(const cz_json_value *a, const cz_json_value *b)
{
    if (a->kind == CZ_JSON_LIST && b->kind != CZ_JSON_LIST && b->kind != CZ_JSON_OBJECT)
        return list_has(a, b);
    return contains(a, b);
}

static bool overlaps(const cz_json_value *a, const cz_json_value *b)
{
    for (uint32_t i = 0; a->kind == CZ_JSON_LIST && b->kind == CZ_JSON_LIST && i < b->count; i++)
        if (list_has(a, &b->as.items[i]))
            return true;
    return false;
}

static bool has_key(const cz_json_value *document, cz_str key)
{
    if (document->kind == CZ_JSON_OBJECT)
        return cz_json_get(document, key) != NULL;
    const cz_json_value text = { .kind = CZ_JSON_STR, .as.text = key };
    return document->kind == CZ_JSON_LIST ? list_has(document, &text)
                                          : same_scalar(document, &text);
}

static bool has_all_keys(const cz_json_value *document, const cz_json_value *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (!has_key(document, keys->as.items[i].as.text))
            return false;
    return true;
}

static bool has_any_key(const cz_json_value *document, const cz_json_value *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (has_key(document, keys->as.items[i].as.text))
            return true;
    return false;
}

struct question {
    bool (*ask)(const cz_json_value *a, const cz_json_value *b);
};

/* f(document, document); what is asked is the function's data */
static void json_question(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena)) {
        sqlite3_result_error_nomem(context);
        return;
    }
    const cz_json_value *a = parse(context, values[0], arena),
                        *b = parse(context, values[1], arena);
    const struct question *question = sqlite3_user_data(context);
    if (a && b)
        sqlite3_result_int(context, question->ask(a, b));
    cz_arena_destroy(arena);
}

bool cz__sqlite_add_json_functions(sqlite3 *handle)
{
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };
    static const enum wanted wanted[] = { AS_DOCUMENT, AS_TEXT, AS_INTEGER, AS_REAL };
    static const char *const paths[] = { "cz_json_path", "cz_json_text", "cz_json_int",
                                         "cz_json_real" };
    static const struct question questions[] = {
        { contains_at_top }, { overlaps }, { has_all_keys }, { has_any_key }, { same }
    };
    static const char *const names[] = { "cz_json_contains", "cz_json_overlaps", "cz_json_has_keys",
                                         "cz_json_has_any_keys", "cz_json_same" };
    for (size_t i = 0; i < CZ_COUNT(paths); i++)
        if (sqlite3_create_function(handle, paths[i], -1, FLAGS, (void *)(uintptr_t)&wanted[i],
                                    json_path, NULL, NULL))
            return false;
    for (size_t i = 0; i < CZ_COUNT(names); i++)
        if (sqlite3_create_function(handle, names[i], 2, FLAGS, (void *)(uintptr_t)&questions[i],
                                    json_question, NULL, NULL))
            return false;
    return true;
}
