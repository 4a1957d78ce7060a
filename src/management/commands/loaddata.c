/* `loaddata`: Django's fixtures, [{"model": "store.book", "pk": 1, "fields": {...}}], and CSV with a line of
 * field names.
 *
 * All files are loaded in one transaction. A row may refer to one that comes later: by its key, because foreign
 * keys are checked at the commit, or by its natural key, because a row whose references are not there yet waits
 * until the others have been loaded. Whatever is wrong is told with file and line.
 *
 * Each row is parsed and stored in memory of its own, which the next one gets. What stays is the files' text, the
 * names of the rows that were loaded, and what is known of rows that wait or refer to others. */
#include "management/project.h"
#include <calzone/base64.h>
#include <calzone/json.h>
#include "orm/orm.h"
#include <errno.h>
#include <stdio.h>

enum {
    FILE_BYTES_MAX = 1 << 30,
    KEYS_MAX = FILE_BYTES_MAX, /* no limit but the file's */
    COLUMNS_MAX = 1024
};

struct item { /* one row of a fixture */
    struct item *next;
    const char *path;
    size_t line;
    cz_str source;   /* its text, to find a field's line in */
    cz_model *model; /* NULL: to be passed over */
    /* while it is loaded */
    const cz_json_value *pk, *fields;
    cz_row *row; /* once it is stored */
    /* afterwards */
    struct item *kept; /* itself, where it stays; NULL: it does not */
    cz_str name;       /* what it is called in messages */
    cz_str waits_for;  /* why it was put off: "store.author [\"Ovid\"]" */
    bool cut;          /* a reference is not set yet, for the row itself comes first */
    bool stored;       /* only its links may still wait */
    union {
        int64_t number;
        cz_uuid uuid;
    } key; /* of its row then */
};

struct reference { /* to a row that must be there in the end */
    cz_model *model;
    cz_str key; /* as text */
    const struct item *item;
    const cz__column *column;
};

struct load {
    int argc;
    char **argv;
    const char *model; /* of the CSV files; NULL: their names tell */
    bool ignore_unknown, csv;
    cz_arena *arena;         /* of the whole load */
    struct cz__apart *apart; /* of one row */
    size_t rows;
    struct item *waiting, **waiting_end;
    size_t waiting_count;
    bool cutting;      /* what waits is stored without references that may be NULL */
    cz_map loaded;     /* "store.book 12": rows loaded here -> the load */
    cz_map references; /* likewise -> struct reference */
    cz_map models;     /* labels of the models whose tables got rows */
};

/* ---- where ---- */

static size_t lines_in(const char *from, const char *to)
{
    size_t lines = 0;
    for (; from < to; from++)
        lines += *from == '\n';
    return lines;
}

static cz_str text_of(cz_ctx *ctx, const cz_json_value *value);

/* "store.book 12"; without a key the model alone. */
static cz_str item_name(cz_ctx *ctx, const struct item *item)
{
    const char *label = item->model ? item->model->state->label : "row";
    if (item->name.len)
        return item->name;
    if (!item->pk || item->pk->kind == CZ_JSON_NULL)
        return cz_str_from(label);
    return cz_format(ctx, "%s %.*s", label, CZ_STR_ARG(text_of(ctx, item->pk)));
}

static CZ_NORETURN void refuse(cz_ctx *ctx, const struct item *item, const cz__column *column,
                               const char *text)
{
    size_t line = item->line;
    if (column && item->source.ptr) {
        cz_str name = cz_format(ctx, "\"%s\"", column->field->name);
        size_t at = cz_str_find(item->source, name);
        line += at == SIZE_MAX ? 0 : lines_in(item->source.ptr, item->source.ptr + at);
    }
    cz_raise(ctx, CZ_EVALIDATION, "%s:%zu: %.*s%s%s: %s", item->path, line,
             CZ_STR_ARG(item_name(ctx, item)), column ? ": " : "",
             column ? column->field->name : "", text);
}

static void raise_at(cz_ctx *ctx, const struct item *item, const cz_error *err)
{
    cz_error copy = *err;
    const char *rule = err->constraint;
    cz_ignore(cz_error_set(&copy, err->status, "%s:%zu: %.*s: %s%s%s%s", item->path, item->line,
                           CZ_STR_ARG(item_name(ctx, item)), cz_error_message(err),
                           *rule ? " (" : "", rule, *rule ? ")" : ""));
    memcpy(copy.database, err->database, sizeof copy.database);
    cz_raise_error(ctx, &copy);
}

/* ---- values ---- */

static cz_str json_text(cz_ctx *ctx, const cz_json_value *value)
{
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_write(&json, value);
    cz_str text;
    cz_check(ctx, cz__buf_take(&buf, ctx->arena, &text));
    return text;
}

static cz_str text_of(cz_ctx *ctx, const cz_json_value *value)
{
    char number[32];
    switch (value->kind) {
    case CZ_JSON_STR:
        return value->as.text;
    case CZ_JSON_INT:
        return cz_copy(ctx, cz_str_of(number, cz_i64_write(number, value->as.integer)));
    case CZ_JSON_BOOL:
        return value->as.boolean ? CZ_STR("true") : CZ_STR("false");
    default:
        return json_text(ctx, value);
    }
}

/* ---- documents and numbers as they are written: a tree has no more digits than a double ---- */

static void copy_json(cz_json_reader *reader, cz_json_kind kind, cz_json_writer *json)
{
    cz_json_kind next;
    switch (kind) {
    case CZ_JSON_LIST:
        cz_json_list(json);
        while ((next = cz_json_next(reader)) != CZ_JSON_END)
            copy_json(reader, next, json);
        cz_json_list_end(json);
        return;
    case CZ_JSON_OBJECT:
        cz_json_object(json);
        while ((next = cz_json_next(reader)) != CZ_JSON_END) {
            cz_json_key(json, reader->key);
            copy_json(reader, next, json);
        }
        cz_json_object_end(json);
        return;
    case CZ_JSON_STR:
        cz_json_str(json, reader->text);
        return;
    case CZ_JSON_BOOL:
        cz_json_bool(json, reader->boolean);
        return;
    case CZ_JSON_NULL:
        cz_json_null(json);
        return;
    default:
        cz_json_raw(json, reader->text);
    }
}

static void pass_over(cz_json_reader *reader, cz_json_kind kind)
{
    if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT)
        cz_json_skip(reader);
}

/* Of members that are repeated the last, as cz_json_get() takes it. */
static void copy_member(cz_json_reader *reader, cz_str name, cz_buf *out)
{
    cz_json_kind kind;
    cz_json_writer json;
    while ((kind = cz_json_next(reader)) != CZ_JSON_END) {
        if (!cz_str_eq(reader->key, name)) {
            pass_over(reader, kind);
            continue;
        }
        cz_buf_clear(out);
        cz_json_writer_init(&json, out);
        copy_json(reader, kind, &json);
    }
}

/* The value of a row's field as JSON. The row was parsed before, so nothing is malformed. */
static cz_str source_of(cz_ctx *ctx, const struct item *item, const cz__column *column)
{
    cz_json_reader reader;
    cz_json_kind kind;
    cz_json_limits limits = { .keys_max = KEYS_MAX };
    cz_buf buf = { 0 };
    cz_str text;
    cz_json_reader_init(&reader, ctx->arena, item->source, &limits);
    cz_ignore(cz_json_next(&reader)); /* the row's object */
    while ((kind = cz_json_next(&reader)) != CZ_JSON_END) {
        if (kind == CZ_JSON_OBJECT && cz_str_eq(reader.key, CZ_STR("fields")))
            copy_member(&reader, cz_str_from(column->field->name), &buf);
        else
            pass_over(&reader, kind);
    }
    cz_status status = cz__buf_take(&buf, ctx->arena, &text);
    cz_check(ctx, reader.status ? reader.status : status);
    return text;
}

static void load_list(cz_ctx *ctx, const struct item *item, const cz__column *column, void *at,
                      const cz_json_value *list)
{
    bool integers = CZ__DB_KIND(column->type) == CZ__DB_INT_LIST;
    int64_t *numbers = cz_array(ctx, int64_t, list->count + 1);
    cz_str *texts = cz_array(ctx, cz_str, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++) {
        const cz_json_value *one = &list->as.items[i];
        if (one->kind != (integers ? CZ_JSON_INT : CZ_JSON_STR))
            refuse(ctx, item, column, "a list of another kind is expected");
        if (integers)
            numbers[i] = one->as.integer;
        else
            texts[i] = one->as.text;
    }
    if (integers)
        *(cz_int_list *)at = (cz_int_list){ numbers, list->count };
    else
        *(cz_str_list *)at = (cz_str_list){ texts, list->count };
}

/* Whether JSON of this kind can be read as the column's value at all. */
static bool suits(const cz__column *column, cz_json_kind kind)
{
    cz__db_kind type = CZ__DB_KIND(column->type);
    switch (kind) {
    case CZ_JSON_STR:
        return true;
    case CZ_JSON_INT:
        return type != CZ__DB_TEXT && type != CZ__DB_BOOL && type != CZ__DB_IP;
    case CZ_JSON_REAL:
        return type == CZ__DB_REAL || type == CZ__DB_DECIMAL;
    case CZ_JSON_BOOL:
        return type == CZ__DB_BOOL;
    default:
        return false;
    }
}

static void load_value(cz_ctx *ctx, const struct load *load, const struct item *item, cz_row *row,
                       const cz__column *column, const cz_json_value *value)
{
    void *at = cz__row_at(row, column);
    cz__db_kind type = CZ__DB_KIND(column->type);
    cz_error err;
    /* what may not be NULL is the document null */
    if (value->kind == CZ_JSON_NULL && (type != CZ__DB_JSON || column->null)) {
        cz__row_mark(row, column, true);
        return;
    }
    if (load->csv && value->kind == CZ_JSON_STR &&
        (type == CZ__DB_INT_LIST || type == CZ__DB_TEXT_LIST) &&
        cz_json_parse(ctx->arena, value->as.text, NULL, &value, &err))
        refuse(ctx, item, column, cz_error_message(&err));
    cz__row_mark(row, column, false);
    if (type == CZ__DB_INT_LIST || type == CZ__DB_TEXT_LIST) {
        if (value->kind != CZ_JSON_LIST)
            refuse(ctx, item, column, "a list is expected");
        load_list(ctx, item, column, at, value);
    } else if (type == CZ__DB_BINARY) {
        if (value->kind != CZ_JSON_STR || cz_base64_read(ctx->arena, value->as.text, at))
            refuse(ctx, item, column, "Not valid base64.");
    } else if (type == CZ__DB_JSON && !(load->csv && value->kind == CZ_JSON_STR)) {
        *(cz_str *)at = load->csv ? json_text(ctx, value) : source_of(ctx, item, column);
    } else {
        if (!suits(column, value->kind))
            refuse(ctx, item, column, "a value of another kind is expected");
        bool digits = type == CZ__DB_DECIMAL && value->kind == CZ_JSON_REAL;
        cz_str text = digits ? source_of(ctx, item, column) : text_of(ctx, value);
        if (cz__value_from_text(column, text, at, &err))
            refuse(ctx, item, column, cz_error_message(&err));
    }
}

/* ---- what stays ---- */

static cz_str keep_text(cz_ctx *ctx, const struct load *load, cz_str text)
{
    cz_str kept;
    cz_check(ctx, cz_str_dup(load->arena, text, &kept));
    return kept;
}

/* A copy of the row that stays until the load ends. */
static struct item *keep(cz_ctx *ctx, const struct load *load, struct item *item)
{
    if (item->kept)
        return item->kept;
    struct item *kept = cz_arena_new(load->arena, struct item);
    cz_check(ctx, kept ? CZ_OK : CZ_ENOMEM);
    *kept = *item;
    kept->name = keep_text(ctx, load, item_name(ctx, item));
    kept->pk = kept->fields = NULL;
    kept->row = NULL;
    item->kept = kept->kept = kept;
    return kept;
}

/* ---- references ---- */

/* "store.book 12", under which a row is known to be there or needed. */
static cz_str row_name(cz_ctx *ctx, const cz_model *model, cz_str key)
{
    return cz_format(ctx, "%s %.*s", model->state->label, CZ_STR_ARG(key));
}

static void need(cz_ctx *ctx, struct load *load, struct item *item, const cz__column *column,
                 cz_str key)
{
    cz_model *target = column->field->target;
    cz_str name = row_name(ctx, target, key);
    if (cz_map_get(&load->loaded, name) || cz_map_get(&load->references, name))
        return;
    struct reference *reference = cz_arena_new(load->arena, struct reference);
    cz_check(ctx, reference ? CZ_OK : CZ_ENOMEM);
    *reference =
        (struct reference){ target, keep_text(ctx, load, key), keep(ctx, load, item), column };
    cz_check(ctx, cz_map_set(&load->references, keep_text(ctx, load, name), reference));
}

static cz_row *find_by_natural_key(cz_ctx *ctx, const struct item *item, const cz__column *column,
                                   cz_model *model, const cz_json_value *const *values);

/* The row of `model` that a list names; NULL: it is not there (yet). */
static cz_row *find_by_list(cz_ctx *ctx, const struct item *item, const cz__column *column,
                            cz_model *model, const cz_json_value *list)
{
    size_t count = model->meta.natural_key.count;
    if (!count)
        refuse(ctx, item, column, cz_format(ctx, "%s has no natural key", model->state->label).ptr);
    if (list->count != count)
        refuse(
            ctx, item, column,
            cz_format(ctx, "the natural key of %s has %zu parts", model->state->label, count).ptr);
    const cz_json_value **values = cz_array(ctx, const cz_json_value *, count);
    for (size_t i = 0; i < count; i++)
        values[i] = &list->as.items[i];
    return find_by_natural_key(ctx, item, column, model, values);
}

static cz_row *find_by_natural_key(cz_ctx *ctx, const struct item *item, const cz__column *column,
                                   cz_model *model, const cz_json_value *const *values)
{
    size_t count = model->meta.natural_key.count;
    cz_cond *parts = cz_array(ctx, cz_cond, count);
    for (size_t i = 0; i < count; i++) {
        const cz__column *part = cz__column_find(model, model->meta.natural_key.items[i]);
        const cz_json_value *value = values[i];
        if (part->relation && value->kind == CZ_JSON_LIST) {
            const cz_row *of =
                find_by_list(ctx, item, column ? column : part, part->field->target, value);
            if (!of)
                return NULL;
            parts[i] = cz__cond_column(ctx, model, part, cz__row_at(of, of->model->state->key));
        } else if (value->kind == CZ_JSON_NULL) {
            parts[i] = cz_cond_text(ctx, model, part->attribute, CZ_LOOKUP_ISNULL, CZ_STR("true"));
        } else {
            parts[i] =
                cz_cond_text(ctx, model, part->attribute, CZ_LOOKUP_EXACT, text_of(ctx, value));
        }
    }
    cz_query query = { .model = model,
                       .where = cz_cond_all(ctx, parts, count),
                       .unordered = true,
                       .limit = 2,
                       .manager = &cz_base_manager };
    struct cz__rows rows = cz__select(ctx, &query);
    if (rows.count > 1)
        refuse(ctx, item, column,
               cz_format(ctx, "several rows of %s have this natural key", model->state->label).ptr);
    return rows.count ? rows.items : NULL;
}

static bool wait_for(cz_ctx *ctx, struct item *item, const cz_model *model,
                     const cz_json_value *list)
{
    item->waits_for =
        cz_format(ctx, "%s %.*s", model->state->label, CZ_STR_ARG(text_of(ctx, list)));
    return false;
}

/* Set a foreign key; false: its row is named by a natural key and not there yet. */
static bool load_relation(cz_ctx *ctx, struct load *load, struct item *item, cz_row *row,
                          const cz__column *column, const cz_json_value *value)
{
    cz_model *target = column->field->target;
    if (value->kind != CZ_JSON_LIST) {
        load_value(ctx, load, item, row, column, value);
        if (value->kind != CZ_JSON_NULL && !column->field->options.unconstrained)
            need(ctx, load, item, column, text_of(ctx, value));
        return true;
    }
    if (!cz__database_has_model(cz__database_at_home(ctx), target))
        refuse(ctx, item, column,
               cz_format(ctx, "the rows of %s are in another database: name this one by its key",
                         target->state->label)
                   .ptr);
    const cz_row *of = find_by_list(ctx, item, column, target, value);
    if (!of)
        return wait_for(ctx, item, target, value);
    memcpy(cz__row_at(row, column), cz__row_at(of, target->state->key),
           cz__column_bytes(target->state->key));
    cz__row_mark(row, column, false);
    return true;
}

static bool load_links(cz_ctx *ctx, struct load *load, struct item *item, const cz__column *column,
                       const cz_json_value *value)
{
    cz_model *target = column->field->target;
    const cz__column *key = target->state->key;
    size_t bytes = cz__column_bytes(target->state->key);
    if (value->kind != CZ_JSON_LIST)
        refuse(ctx, item, column, "a list of keys is expected");
    char *keys = cz_alloc_zero(ctx, value->count + 1, bytes);
    for (uint32_t i = 0; i < value->count; i++) {
        const cz_json_value *one = &value->as.items[i];
        cz_error err;
        if (one->kind == CZ_JSON_LIST) {
            const cz_row *of = find_by_list(ctx, item, column, target, one);
            if (!of)
                return wait_for(ctx, item, target, one);
            memcpy(keys + i * bytes, cz__row_at(of, key), bytes);
            continue;
        }
        if (!suits(key, one->kind) ||
            cz__value_from_text(key, text_of(ctx, one), keys + i * bytes, &err))
            refuse(ctx, item, column, "a list of keys is expected");
        need(ctx, load, item, column, text_of(ctx, one));
    }
    struct cz__links links = {
        .row = item->row, .column = column, .keys = keys, .count = value->count
    };
    cz__links_set(ctx, &links);
    return true;
}

/* ---- rows ---- */

static const cz__column *field_of(cz_ctx *ctx, const struct load *load, const struct item *item,
                                  cz_str name)
{
    const cz__column *column = cz__column_find(item->model, name);
    bool settable = column && column != item->model->state->key &&
                    (column->stored || column->field->kind == CZ_KIND_many_to_many);
    if (!settable && !load->ignore_unknown)
        refuse(ctx, item, NULL, cz_format(ctx, "there is no field \"%.*s\"", CZ_STR_ARG(name)).ptr);
    return settable ? column : NULL;
}

/* The key of a row that is there, so that saving it is an UPDATE. */
static void set_key(cz_row *row, const void *key)
{
    memcpy(cz__row_at(row, row->model->state->key), key, cz__column_bytes(row->model->state->key));
    cz__row_mark(row, row->model->state->key, false);
    cz__row_bit_set(row, CZ__BITS_DIRTY, 0, false);
    cz__row_keep_member(row, row->model->state->key);
}

/* An UPDATE when the row is there already, by its key or, without one, by its natural key. */
static void find_existing(cz_ctx *ctx, const struct load *load, struct item *item, cz_row *row)
{
    cz_model *model = item->model;
    const cz__column *key = model->state->key;
    size_t count = model->meta.natural_key.count;
    if (item->pk && item->pk->kind != CZ_JSON_NULL) {
        load_value(ctx, load, item, row, key, item->pk);
        cz_query query = { .model = model,
                           .where = cz__cond_key(ctx, row),
                           .unordered = true,
                           .manager = &cz_base_manager };
        if (cz__exists(ctx, &query)) {
            cz__row_bit_set(row, CZ__BITS_DIRTY, 0, false);
            cz__row_keep_member(row, key);
        }
        return;
    }
    const cz_json_value **values = cz_array(ctx, const cz_json_value *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const cz__column *part = cz__column_find(model, model->meta.natural_key.items[i]);
        values[i] = cz_json_get(item->fields, cz_str_from(part->field->name));
        if (!values[i])
            return; /* stored as a new row, or refused by the database */
    }
    const cz_row *there = count ? find_by_natural_key(ctx, item, NULL, model, values) : NULL;
    if (!there)
        return;
    set_key(row, cz__row_at(there, key));
}

static void save_row(cz_ctx *ctx, void *arg)
{
    cz__save_raw(ctx, arg);
}

static void note_loaded(cz_ctx *ctx, struct load *load, const struct item *item)
{
    const cz_model *concrete = item->model->state->concrete;
    char text[CZ_UUID_TEXT];
    cz_str name = row_name(ctx, item->model, cz__key_text(item->model, &item->key, text));
    cz_str label = cz_str_from(concrete->state->label);
    if (!cz_map_get(&load->loaded, name))
        cz_check(ctx, cz_map_set(&load->loaded, keep_text(ctx, load, name), load));
    cz_check(ctx, cz_map_set(&load->models, label, load));
}

/* False: a row it refers to is not there yet. One that was stored without such a reference is stored again. */
static bool store(cz_ctx *ctx, struct load *load, struct item *item)
{
    bool cut = false;
    cz_row *row = cz__row_new(ctx, item->model);
    const cz__column *key = item->model->state->key;
    for (uint32_t i = 0; i < item->fields->count; i++) {
        const cz__column *column = field_of(ctx, load, item, item->fields->keys[i]);
        const cz_json_value *value = &item->fields->as.items[i];
        if (!column || !column->stored)
            continue;
        if (!column->relation)
            load_value(ctx, load, item, row, column, value);
        else if (!load_relation(ctx, load, item, row, column, value)) {
            if (!load->cutting || item->stored || !column->null)
                return false;
            cz__row_mark(row, column, true);
            cut = true;
        }
    }
    if (item->stored)
        set_key(row, &item->key);
    else
        find_existing(ctx, load, item, row);
    cz_error err;
    if (cz_try(ctx, save_row, row, &err))
        raise_at(ctx, item, &err);
    item->row = row;
    item->cut = cut;
    if (item->stored)
        return true;
    item->stored = true;
    memcpy(&item->key, cz__row_at(row, key), cz__column_bytes(item->model->state->key));
    load->rows++;
    note_loaded(ctx, load, item);
    return true;
}

/* Store a row and its links; false: a row it refers to is not there yet. Rows whose table is in another database
 * are passed over, as in Django: one file can be loaded into each. */
static bool load_item(cz_ctx *ctx, struct load *load, struct item *item)
{
    if (!cz__database_has_model(cz__database_at_home(ctx), item->model))
        return true;
    if ((!item->stored || item->cut) && !store(ctx, load, item))
        return false;
    if (item->cut)
        return false;
    if (!item->row) { /* it was stored before, and its links waited */
        item->row = cz__row_new(ctx, item->model);
        set_key(item->row, &item->key);
    }
    for (uint32_t i = 0; i < item->fields->count; i++) {
        const cz__column *column = field_of(ctx, load, item, item->fields->keys[i]);
        if (column && !column->stored &&
            !load_links(ctx, load, item, column, &item->fields->as.items[i]))
            return false;
    }
    return true;
}

static void load_or_wait(cz_ctx *ctx, struct load *load, struct item *item)
{
    if (load_item(ctx, load, item))
        return;
    struct item *kept = keep(ctx, load, item);
    kept->waits_for = keep_text(ctx, load, item->waits_for);
    kept->stored = item->stored;
    kept->cut = item->cut;
    kept->key = item->key;
    kept->pk = kept->fields = NULL;
    kept->row = NULL;
    *load->waiting_end = kept;
    load->waiting_end = &kept->next;
    load->waiting_count++;
}

struct turn { /* of one row */
    struct load *load;
    struct item *item;
};

static void load_object(cz_ctx *ctx, void *arg);

/* Try all that wait once more. Returns whether one was stored, or waits no more. */
static bool load_again(struct load *load)
{
    struct item *items = load->waiting, *next;
    size_t rows = load->rows, waiting = load->waiting_count;
    load->waiting = NULL;
    load->waiting_end = &load->waiting;
    load->waiting_count = 0;
    for (; items; items = next) {
        next = items->next;
        items->next = NULL;
        cz__apart_run(load->apart, load_object, &(struct turn){ load, items });
    }
    return load->rows > rows || load->waiting_count < waiting;
}

/* As long as some of those that wait can be stored. Rows that wait for each other, or for themselves, are stored
 * without the references that may be NULL, and again with them. */
static void load_waiting(cz_ctx *ctx, struct load *load)
{
    for (bool progress = true; load->waiting && (progress || load->cutting);) {
        progress = load_again(load);
        load->cutting = !progress && !load->cutting;
    }
    if (load->waiting)
        refuse(ctx, load->waiting, NULL,
               cz_format(ctx, "there is no %.*s", CZ_STR_ARG(load->waiting->waits_for)).ptr);
}

static void check_reference(cz_ctx *ctx, void *arg)
{
    const struct reference *reference = arg;
    cz_query query = { .model = reference->model, .unordered = true, .manager = &cz_base_manager };
    query.where = cz_cond_text(ctx, reference->model, reference->model->state->key->attribute,
                               CZ_LOOKUP_EXACT, reference->key);
    if (!cz__exists(ctx, &query))
        refuse(ctx, reference->item, reference->column,
               cz_format(ctx, "there is no %s %.*s", reference->model->state->label,
                         CZ_STR_ARG(reference->key))
                   .ptr);
}

/* Every row referred to by its key is there; else the commit would say only that one is not. */
static void check_references(const struct load *load)
{
    size_t cursor = 0;
    const cz_map_entry *entry;
    while ((entry = cz_map_next(&load->references, &cursor)))
        if (!cz_map_get(&load->loaded, entry->key))
            cz__apart_run(load->apart, check_reference, entry->value);
}

/* ---- JSON files ---- */

static cz_model *model_named(cz_ctx *ctx, const struct load *load, const struct item *item,
                             cz_str label)
{
    cz_model *model = cz__models_find(label);
    if (!model && !load->ignore_unknown)
        refuse(ctx, item, NULL,
               cz_format(ctx, "there is no model \"%.*s\"", CZ_STR_ARG(label)).ptr);
    return model;
}

static void load_object(cz_ctx *ctx, void *arg)
{
    const struct turn *turn = arg;
    struct load *load = turn->load;
    struct item *item = turn->item;
    const cz_json_value *object;
    cz_error err;
    cz_json_limits limits = { .keys_max = KEYS_MAX };
    if (cz_json_parse(ctx->arena, item->source, &limits, &object, &err))
        refuse(ctx, item, NULL, cz_error_message(&err));
    const cz_json_value *label = cz_json_get(object, CZ_STR("model"));
    item->pk = cz_json_get(object, CZ_STR("pk"));
    item->fields = cz_json_get(object, CZ_STR("fields"));
    if (!label || label->kind != CZ_JSON_STR || !item->fields ||
        item->fields->kind != CZ_JSON_OBJECT)
        refuse(ctx, item, NULL, "\"model\" and \"fields\" are required");
    item->model = model_named(ctx, load, item, label->as.text);
    if (item->model)
        load_or_wait(ctx, load, item);
}

static CZ_NORETURN void refuse_json(cz_ctx *ctx, const char *path, const cz_json_reader *reader)
{
    size_t line, column;
    cz_json_error_position(reader, &line, &column);
    cz_raise(ctx, reader->status == CZ_EPROTOCOL ? CZ_EVALIDATION : reader->status,
             "%s:%zu: %s, at column %zu", path, line,
             reader->error ? reader->error : cz_status_text(reader->status), column);
}

static void load_json(cz_ctx *ctx, struct load *load, const char *path, cz_str text)
{
    cz_json_reader reader;
    cz_json_limits limits = { .keys_max = KEYS_MAX };
    cz_json_reader_init(&reader, load->apart->arena, text, &limits);
    cz_json_kind kind = cz_json_next(&reader);
    if (kind != CZ_JSON_LIST && !reader.status)
        cz_raise(ctx, CZ_EVALIDATION, "%s:1: a fixture is a list of objects", path);
    const char *counted = text.ptr;
    size_t line = 1;
    while (!reader.status) {
        kind = cz_json_next(&reader);
        if (kind == CZ_JSON_END)
            break;
        const char *start = reader.at;
        line += lines_in(counted, start);
        counted = start;
        if (kind != CZ_JSON_OBJECT)
            cz_raise(ctx, CZ_EVALIDATION, "%s:%zu: a fixture is a list of objects", path, line);
        cz_json_skip(&reader);
        if (reader.status)
            break;
        struct item item = { .path = path, .line = line };
        item.source = cz_str_of(start - 1, (size_t)(reader.at - start) + 1); /* with its "{" */
        cz__apart_run(load->apart, load_object, &(struct turn){ load, &item });
    }
    if (!reader.status)
        cz_ignore(cz_json_next(&reader)); /* the end of the document, or what follows it */
    if (reader.status)
        refuse_json(ctx, path, &reader);
}

/* ---- CSV files ---- */

struct csv {
    const char *at, *end;
    size_t line;
};

/* The next cell: NULL kind for an empty one without quotes. `*out_last`: a line ends behind it. */
static cz_json_value next_cell(cz_ctx *ctx, struct csv *csv, const char *path, bool *out_last)
{
    cz_json_value cell = { .kind = CZ_JSON_NULL };
    char *text = NULL;
    size_t len = 0;
    if (csv->at < csv->end && *csv->at == '"') {
        size_t line = csv->line;
        const char *from = ++csv->at;
        text = cz_alloc(ctx, (size_t)(csv->end - from) + 1);
        for (;; csv->at++) {
            if (csv->at == csv->end)
                cz_raise(ctx, CZ_EVALIDATION, "%s:%zu: a quote is not closed", path, line);
            if (*csv->at == '"') {
                if (csv->at + 1 == csv->end || csv->at[1] != '"')
                    break;
                csv->at++;
            }
            csv->line += *csv->at == '\n';
            text[len++] = *csv->at;
        }
        csv->at++;
        cell.kind = CZ_JSON_STR;
    } else {
        const char *from = csv->at;
        while (csv->at < csv->end && !memchr(",\r\n", *csv->at, 3))
            csv->at++;
        len = (size_t)(csv->at - from);
        text = cz_alloc(ctx, len + 1);
        memcpy(text, from, len);
        cell.kind = len ? CZ_JSON_STR : CZ_JSON_NULL;
    }
    cell.as.text = cz_str_of(text, len);
    if (!cz_str_is_utf8(cell.as.text))
        cz_raise(ctx, CZ_EVALIDATION, "%s:%zu: what is not UTF-8", path, csv->line);
    *out_last = csv->at == csv->end || *csv->at != ',';
    if (*out_last && csv->at < csv->end && *csv->at == '\r')
        csv->at++;
    if (*out_last && csv->at < csv->end && *csv->at != '\n')
        cz_raise(ctx, CZ_EVALIDATION, "%s:%zu: a comma or the line's end is expected after a quote",
                 path, csv->line);
    if (csv->at < csv->end) {
        csv->line += *csv->at == '\n';
        csv->at++;
    }
    return cell;
}

/* "1 2 3" as a list of keys. */
static cz_json_value list_of_keys(cz_ctx *ctx, cz_str text)
{
    cz_json_value list = { .kind = CZ_JSON_LIST };
    cz_json_value *items = cz_array(ctx, cz_json_value, cz_str_count(text, ' ') + 1);
    while (text.len) {
        cz_str key = cz_str_cut(&text, ' ');
        if (key.len)
            items[list.count++] = (cz_json_value){ .kind = CZ_JSON_STR, .as.text = key };
    }
    list.as.items = items;
    return list;
}

static void load_cells(cz_ctx *ctx, struct load *load, struct item *item, const cz_str *names,
                       size_t count, cz_json_value *cells)
{
    cz_json_value *fields = cz_new(ctx, cz_json_value),
                  *values = cz_array(ctx, cz_json_value, count);
    cz_str *keys = cz_array(ctx, cz_str, count);
    *fields = (cz_json_value){ .kind = CZ_JSON_OBJECT, .as.items = values, .keys = keys };
    for (size_t i = 0; i < count; i++) {
        const cz__column *column = cz__column_find(item->model, names[i]);
        if (column == item->model->state->key || cz_str_eq(names[i], CZ_STR("pk"))) {
            item->pk = &cells[i];
            continue;
        }
        if (column && !column->stored)
            cells[i] = list_of_keys(ctx, cells[i].as.text);
        else if (column && cells[i].kind == CZ_JSON_NULL && !column->null &&
                 CZ__DB_KIND(column->type) == CZ__DB_TEXT)
            cells[i].kind = CZ_JSON_STR;
        keys[fields->count] = names[i];
        values[fields->count++] = cells[i];
    }
    item->fields = fields;
    load_or_wait(ctx, load, item);
}

struct table {
    struct load *load;
    struct csv *csv;
    const char *path;
    cz_model *model;
    const cz_str *names;
    size_t count;
};

static void load_line(cz_ctx *ctx, void *arg)
{
    const struct table *table = arg;
    struct item item = { .path = table->path, .line = table->csv->line, .model = table->model };
    cz_json_value *cells = cz_array(ctx, cz_json_value, table->count + 1);
    size_t seen = 0;
    for (bool last = false; !last; seen++) {
        cz_json_value cell = next_cell(ctx, table->csv, table->path, &last);
        if (seen < table->count)
            cells[seen] = cell;
    }
    if (seen != table->count)
        refuse(ctx, &item, NULL,
               cz_format(ctx, "%zu cells where the first line has %zu", seen, table->count).ptr);
    load_cells(ctx, table->load, &item, table->names, table->count, cells);
}

/* "store.book" of "fixtures/store.book.csv". */
static cz_str model_of_file(const struct load *load, const char *path)
{
    const char *name = strrchr(path, '/');
    cz_str label = cz_str_from(load->model ? load->model : name ? name + 1 : path);
    return !load->model && cz_str_ends_with(label, CZ_STR(".csv"))
               ? cz_str_head(label, label.len - 4)
               : label;
}

static void load_csv(cz_ctx *ctx, struct load *load, const char *path, cz_str text)
{
    struct csv csv = { text.ptr, text.ptr + text.len, 1 };
    if (cz_str_starts_with(text, CZ_STR("\xef\xbb\xbf"))) /* as spreadsheets begin a file */
        csv.at += strlen("\xef\xbb\xbf");
    struct item head = { .path = path, .line = 1 };
    head.model = model_named(ctx, load, &head, model_of_file(load, path));
    if (!head.model)
        return;
    cz_str *names = cz_array(ctx, cz_str, COLUMNS_MAX);
    size_t count = 0;
    bool last = csv.at == csv.end;
    if (last)
        refuse(ctx, &head, NULL, "a line with the names of the fields is expected");
    while (!last) {
        if (count == COLUMNS_MAX)
            refuse(ctx, &head, NULL, "too many columns");
        names[count++] = next_cell(ctx, &csv, path, &last).as.text;
    }
    struct table table = { load, &csv, path, head.model, names, count };
    while (csv.at < csv.end)
        cz__apart_run(load->apart, load_line, &table);
}

/* ---- the command ---- */

static void load_all(cz_ctx *ctx, void *arg)
{
    struct load *load = arg;
    load->arena = ctx->arena;
    load->apart = cz__apart_create(ctx);
    cz_map_init(&load->loaded, ctx->arena);
    cz_map_init(&load->references, ctx->arena);
    cz_map_init(&load->models, ctx->arena);
    load->waiting_end = &load->waiting;
    for (int i = 0; i < load->argc; i++) {
        cz_str text = cz__command_read_file(ctx, load->argv[i], FILE_BYTES_MAX);
        load->csv = cz_str_ends_with(cz_str_from(load->argv[i]), CZ_STR(".csv"));
        if (load->csv)
            load_csv(ctx, load, load->argv[i], text);
        else
            load_json(ctx, load, load->argv[i], text);
        load->csv = false;
    }
    load_waiting(ctx, load);
    check_references(load);
    for (size_t m = 0; m < cz__models_count(); m++)
        if (cz_map_get(&load->models, cz_str_from(cz__models_at(m)->state->label)))
            cz__keys_given(ctx, cz__models_at(m));
}

static int load_data(cz_ctx *ctx, void *arg)
{
    struct load *load = arg;
    cz_atomic(ctx, load_all, load); /* all files or none */
    printf("%zu row%s loaded from %d file%s\n", load->rows, load->rows == 1 ? "" : "s", load->argc,
           load->argc == 1 ? "" : "s");
    return 0;
}

int cz__command_loaddata(struct cz__site *site, int argc, char **argv)
{
    struct load load = { 0 };
    int first = 1;
    const char *database;
    if (!cz__command_database(&argc, argv, &database))
        return 2;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (!strcmp(argv[first], "--ignorenonexistent")) {
            load.ignore_unknown = true;
        } else if (!strcmp(argv[first], "--model") && first + 1 < argc) {
            load.model = argv[++first];
        } else {
            fprintf(stderr, "loaddata: unknown argument \"%s\"; see --help\n", argv[first]);
            return 2;
        }
    }
    if (first == argc) {
        fputs("loaddata: name at least one file; see --help\n", stderr);
        return 2;
    }
    load.argc = argc - first;
    load.argv = argv + first;
    return cz__site_run_on(site, database, load_data, &load);
}
