/* `createtables` and `loaddata`. */
#include "management/project.h"
#include <calzone/json.h>
#include "migrations/migrations.h"
#include "orm/orm.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIXTURE_BYTES_MAX = 64 << 20, FIXTURE_KEYS_MAX = 10 * 1000 * 1000 };

static int create_tables(cz_ctx *ctx, void *arg)
{
    const struct cz__site *site = arg;
    size_t created = cz__tables_create(ctx);
    printf("%s: %zu table%s created\n", site->project->name, created, created == 1 ? "" : "s");
    size_t pending = cz__migrate_pending(ctx);
    if (pending)
        printf("%zu migration%s not applied; run `%s migrate`\n", pending,
               pending == 1 ? " is" : "s are", site->project->name);
    return 0;
}

int cz__command_createtables(struct cz__site *site, int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "createtables: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    return cz__site_run(site, create_tables, site);
}

/* ---- loaddata: Django's fixtures, [{"model": "store.book", "pk": 1, "fields": {...}}] ---- */

struct load {
    const char *path;
    size_t rows;
    int argc;
    char **argv;
};

static void close_file(void *file)
{
    cz_ignore(fclose(file)); /* was only read */
}

static cz_str read_file(cz_ctx *ctx, const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    cz_defer(ctx, close_file, file);
    if (fseek(file, 0, SEEK_END))
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    long bytes = ftell(file);
    if (bytes < 0 || bytes > FIXTURE_BYTES_MAX)
        cz_raise(ctx, CZ_ETOOBIG, "%s: a fixture has at most 64 MiB", path);
    rewind(file);
    char *text = cz_alloc(ctx, (size_t)bytes + 1);
    if (fread(text, 1, (size_t)bytes, file) != (size_t)bytes)
        cz_raise(ctx, CZ_EIO, "%s: cannot be read", path);
    return cz_str_of(text, (size_t)bytes);
}

/* A fixture's value into a row's member. */
static void load_value(cz_ctx *ctx, const struct load *load, cz_row *row, const cz__column *column,
                       const cz_json_value *value)
{
    char number[32];
    cz_str text = CZ_STR("");
    bool readable = true;
    void *at = cz__row_at(row, column);
    switch (value->kind) {
    case CZ_JSON_NULL:
        cz__row_mark(row, column, true);
        return;
    case CZ_JSON_STR:
        text = value->as.text;
        break;
    case CZ_JSON_INT:
        text = cz_str_of(number, cz_i64_write(number, value->as.integer));
        readable = column->type != CZ__DB_TEXT;
        break;
    case CZ_JSON_BOOL:
        text = value->as.boolean ? CZ_STR("true") : CZ_STR("false");
        readable = column->type == CZ__DB_BOOL;
        break;
    case CZ_JSON_REAL:
        if (column->type == CZ__DB_REAL) {
            *(double *)at = value->as.real;
            cz__row_mark(row, column, false);
            return;
        }
        readable = false;
        break;
    default:
        readable = false;
    }
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_EVALIDATION, "a value of another kind is expected"));
    if (!readable || cz__value_from_text(column, text, at, &err))
        cz_raise(ctx, CZ_EVALIDATION, "%s: row %zu: %s.%s: %s", load->path, load->rows + 1,
                 row->model->state->label, column->field->name, cz_error_message(&err));
    cz__row_mark(row, column, false);
}

static void load_row(cz_ctx *ctx, struct load *load, const cz_json_value *item)
{
    const cz_json_value *label = cz_json_get(item, CZ_STR("model")),
                        *pk = cz_json_get(item, CZ_STR("pk"));
    const cz_json_value *fields = cz_json_get(item, CZ_STR("fields"));
    if (!label || label->kind != CZ_JSON_STR || !fields || fields->kind != CZ_JSON_OBJECT)
        cz_raise(ctx, CZ_EVALIDATION, "%s: row %zu: \"model\" and \"fields\" are required",
                 load->path, load->rows + 1);
    cz_model *model = cz__models_find(label->as.text);
    if (!model)
        cz_raise(ctx, CZ_EVALIDATION, "%s: row %zu: there is no model \"%.*s\"", load->path,
                 load->rows + 1, CZ_STR_ARG(label->as.text));
    cz_row *row = cz__row_new(ctx, model);
    const cz__column *key = model->state->key;
    for (uint32_t i = 0; i < fields->count; i++) {
        const cz__column *column = cz__column_find(model, fields->keys[i]);
        if (!column || !column->stored || column == key)
            cz_raise(ctx, CZ_EVALIDATION, "%s: row %zu: %s has no field \"%.*s\"", load->path,
                     load->rows + 1, model->state->label, CZ_STR_ARG(fields->keys[i]));
        load_value(ctx, load, row, column, &fields->as.items[i]);
    }
    if (pk && pk->kind != CZ_JSON_NULL) {
        load_value(ctx, load, row, key, pk);
        cz_query query = { .model = model, .where = cz__cond_key(ctx, row), .unordered = true };
        if (cz__exists(ctx, &query)) /* replaced: an UPDATE of every field given */
            cz__row_bit_set(row, CZ__BITS_DIRTY, 0, false);
    }
    cz__save_raw(ctx, row);
    load->rows++;
}

static void load_file(cz_ctx *ctx, struct load *load, const char *path)
{
    load->path = path;
    load->rows = 0;
    const cz_json_value *rows;
    cz_error err;
    cz_json_limits limits = { .keys_max = FIXTURE_KEYS_MAX };
    cz_str text = read_file(ctx, path);
    if (cz_json_parse(ctx->arena, text, &limits, &rows, &err))
        cz_raise(ctx, err.status, "%s: %s", path, cz_error_message(&err));
    if (rows->kind != CZ_JSON_LIST)
        cz_raise(ctx, CZ_EVALIDATION, "%s: a fixture is a list of objects", path);
    for (uint32_t i = 0; i < rows->count; i++)
        load_row(ctx, load, &rows->as.items[i]);
}

static void load_all(cz_ctx *ctx, void *arg)
{
    struct load *load = arg;
    size_t total = 0;
    for (int i = 1; i < load->argc; i++) {
        load_file(ctx, load, load->argv[i]);
        total += load->rows;
    }
    load->rows = total;
    for (size_t m = 0; m < cz__models_count(); m++)
        if (!cz__models_at(m)->meta.unmanaged)
            cz__keys_given(ctx, cz__models_at(m));
}

static int load_data(cz_ctx *ctx, void *arg)
{
    struct load *load = arg;
    cz_atomic(ctx, load_all, load); /* all files or none */
    printf("%zu row%s loaded from %d file%s\n", load->rows, load->rows == 1 ? "" : "s",
           load->argc - 1, load->argc == 2 ? "" : "s");
    return 0;
}

int cz__command_loaddata(struct cz__site *site, int argc, char **argv)
{
    if (argc < 2) {
        fputs("loaddata: name at least one file; see --help\n", stderr);
        return 2;
    }
    struct load load = { .argc = argc, .argv = argv };
    return cz__site_run(site, load_data, &load);
}
