/* What is wrong with each field of an input: collected, raised together, and written in DRF's shape. */
#include "routing/errors.h"
#include <stdarg.h>
#include <stdio.h>

/* Whether one more is kept. All it is inside of count it too. */
static bool count_one(cz_field_errors *errors)
{
    cz_field_errors *outermost = errors;
    for (;; outermost = outermost->outer) {
        outermost->count++;
        if (!outermost->outer)
            return outermost->count <= CZ_FIELD_ERRORS_MAX;
    }
}

static cz_field_error *append(cz_ctx *ctx, cz_field_errors *errors, cz_str field)
{
    cz_field_error *error = cz_new(ctx, cz_field_error);
    error->field = field;
    *errors->end = error;
    errors->end = &error->next;
    return error;
}

CZ_PRINTF(5, 0)
static void add(cz_ctx *ctx, cz_field_errors *errors, cz_str field, const char *code,
                const char *format, va_list args)
{
    char text[1024];
    if (!count_one(errors))
        return;
    int len = vsnprintf(text, sizeof text, format, args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    for (int i = 0; i < 3 && kept < (size_t)len && !cz_str_is_utf8(cz_str_of(text, kept)); i++)
        kept--; /* whole characters */
    cz_str message = cz_copy(ctx, cz_str_of(text, kept));
    cz_field_error *error = append(ctx, errors, field);
    error->code = code;
    error->message = message;
}

void cz_field_errors_add(cz_ctx *ctx, cz_field_errors *errors, cz_str field, const char *code,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(ctx, errors, field, code, format, args);
    va_end(args);
}

static cz_field_errors *new_inside(cz_ctx *ctx, cz_field_errors *outer)
{
    cz_field_errors *inside = cz_new(ctx, cz_field_errors);
    cz_field_errors_init(inside);
    inside->outer = outer;
    return inside;
}

cz_field_errors *cz_field_errors_inside(cz_ctx *ctx, cz_field_errors *errors, cz_str field)
{
    cz_field_errors *inside = new_inside(ctx, errors);
    append(ctx, errors, field)->object = inside;
    return inside;
}

/* The entry of a list, which its first item made. */
static cz_field_error *list_of(cz_ctx *ctx, cz_field_errors *errors, cz_str field, size_t count)
{
    for (cz_field_error *e = errors->first; e; e = e->next)
        if (e->items && cz_str_eq(e->field, field))
            return e;
    cz_field_errors **items = cz_array(ctx, cz_field_errors *, count);
    cz_field_error *error = append(ctx, errors, field);
    error->items = items;
    error->item_count = count;
    return error;
}

cz_field_errors *cz_field_errors_item(cz_ctx *ctx, cz_field_errors *errors, cz_str field,
                                      size_t index, size_t count)
{
    cz_assert(index < count);
    cz_field_errors *inside = new_inside(ctx, errors);
    cz_field_error *list = list_of(ctx, errors, field, count);
    cz_assert(list->item_count == count);
    list->items[index] = inside;
    return inside;
}

/* ---- raising ---- */

static bool is_message(const cz_field_error *error)
{
    return !error->object && !error->items;
}

static bool says(const cz_field_error *error);

/* Whether there is a message, of those that were kept. */
static bool says_any(const cz_field_errors *errors)
{
    for (const cz_field_error *e = errors ? errors->first : NULL; e; e = e->next)
        if (says(e))
            return true;
    return false;
}

static bool says(const cz_field_error *error)
{
    bool found = is_message(error) || says_any(error->object);
    for (size_t i = 0; i < error->item_count && !found; i++)
        found = says_any(error->items[i]);
    return found;
}

/* The first entry that says something; there is one. */
static const cz_field_error *first_that_says(const cz_field_errors *errors)
{
    const cz_field_error *e = errors->first;
    while (e && !says(e))
        e = e->next;
    cz_assert(e);
    return e;
}

static bool is_list_itself(const cz_field_error *e)
{
    return e->items && !e->field.len;
}

/* What is wrong inside of it, and the step that leads there, "author." or "chapters.1.", into `text`. */
static const cz_field_errors *step_into(const cz_field_error *e, char *text, size_t bytes)
{
    if (e->object) {
        cz_ignore(snprintf(text, bytes, "%.*s.", CZ_STR_ARG(e->field)) < 0); /* a long one is cut */
        return e->object;
    }
    size_t index = 0;
    while (index < e->item_count && !says_any(e->items[index]))
        index++;
    cz_assert(index < e->item_count && e->items[index]);
    cz_ignore(snprintf(text, bytes, "%.*s%s%zu.", CZ_STR_ARG(e->field),
                       is_list_itself(e) ? "" : ".", index) < 0);
    return e->items[index];
}

/* The first message there is, with the way to it, "chapters.1.title: This field is required.", into `text`. */
static void tell_first(const cz_field_errors *errors, char *text, size_t bytes)
{
    const cz_field_error *e = first_that_says(errors);
    size_t len = 0;
    while (!is_message(e) && len + 1 < bytes) {
        const cz_field_errors *inside = step_into(e, text + len, bytes - len);
        len += strlen(text + len);
        e = first_that_says(inside);
    }
    cz_ignore(snprintf(text + len, bytes - len, "%.*s: %.*s", CZ_STR_ARG(e->field),
                       CZ_STR_ARG(e->message)) < 0);
}

void cz_field_errors_raise(cz_ctx *ctx, const cz_field_errors *errors)
{
    if (!errors->count)
        return;
    cz_field_errors *kept = cz_new(ctx, cz_field_errors);
    *kept = *errors;
    char first[256];
    tell_first(errors, first, sizeof first);
    cz_error err;
    cz_ignore(
        cz_error_set(&err, CZ_EVALIDATION, "%s%s", first, errors->count > 1 ? " (and more)" : ""));
    err.details = kept;
    cz_raise_error(ctx, &err);
}

void cz_raise_field(cz_ctx *ctx, cz_str field, const char *code, const char *format, ...)
{
    cz_field_errors errors;
    va_list args;
    cz_field_errors_init(&errors);
    va_start(args, format);
    add(ctx, &errors, field, code, format, args);
    va_end(args);
    cz_field_errors_raise(ctx, &errors);
    __builtin_unreachable(); /* there is one */
}

/* ---- DRF's shape ---- */

static void write_object(cz_json_writer *json, const cz_field_errors *errors)
{
    cz_json_object(json);
    if (errors)
        cz__field_errors_write(json, errors);
    cz_json_object_end(json);
}

/* All that is said of one field: its messages, or what is wrong inside of it. */
static void write_field(cz_json_writer *json, const cz_field_error *first)
{
    const cz_field_error *deeper = NULL;
    bool messages = false;
    for (const cz_field_error *e = first; e; e = e->next)
        if (cz_str_eq(e->field, first->field)) {
            messages |= is_message(e);
            if (!deeper && !is_message(e) && says(e))
                deeper = e;
        }
    if (!messages && deeper && deeper->object) {
        write_object(json, deeper->object);
        return;
    }
    cz_json_list(json);
    for (const cz_field_error *e = first; messages && e; e = e->next)
        if (is_message(e) && cz_str_eq(e->field, first->field))
            cz_json_str(json, e->message);
    for (size_t i = 0; !messages && deeper && i < deeper->item_count; i++)
        write_object(json, deeper->items[i]);
    cz_json_list_end(json);
}

/* The entry that stands for the input when that is a list; NULL: it is an object. */
static const cz_field_error *list_itself(const cz_field_errors *errors)
{
    const cz_field_error *e = errors->first;
    while (e && !is_list_itself(e))
        e = e->next;
    return e;
}

void cz__field_errors_write_value(cz_json_writer *json, const cz_field_errors *errors)
{
    const cz_field_error *list = list_itself(errors);
    if (list)
        write_field(json, list);
    else
        write_object(json, errors);
}

void cz__field_errors_write(cz_json_writer *json, const cz_field_errors *errors)
{
    for (const cz_field_error *e = errors->first; e; e = e->next) {
        bool before = !says(e);
        for (const cz_field_error *p = errors->first; p != e && !before; p = p->next)
            before = cz_str_eq(p->field, e->field) && says(p);
        if (before)
            continue;
        cz_json_key(json, e->field);
        write_field(json, e);
    }
}
