/* `dumpdata`: rows as fixtures, [{"model": "store.book", "pk": 1, "fields": {...}}], or a model as CSV.
 *
 * All of it is read in one transaction that sees one state, a page of rows at a time, each cell as the JSON its
 * column's values have in answers, too. */
#include "management/project.h"
#include <calzone/json.h>
#include "orm/orm.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { PAGE_ROWS = 500, LABELS_MAX = 256, INDENT_MAX = 16 };

struct dump {
    const char *labels[LABELS_MAX], *excluded[LABELS_MAX];
    size_t label_count, excluded_count;
    int64_t indent; /* 0: everything in one line */
    bool csv, natural_foreign, natural_primary;
    const char *path; /* NULL: standard output */
    FILE *out;
    cz_arena *arena; /* of the whole dump */
    cz_map naturals; /* "store.author 12" -> cz_str, its natural key as JSON */
    size_t rows;
};

/* Rows as the JSON of their cells. */
struct page {
    cz_arena *arena;
    const cz_model *model;
    const cz__column *const *columns; /* to read */
    size_t column_count, count, cap;
    cz_str *cells;
    cz_buf text;            /* of one cell */
    cz_status status;       /* the first failure */
    const cz__column *lost; /* CZ_EVALIDATION: what JSON cannot say of the row in `text` */
};

/* JSON has no infinite number, and its text is UTF-8; columns of SQLite may hold what another program wrote. */
static bool cannot_be_said(const cz__db_cursor *cursor, const cz__column *column)
{
    const cz__db_driver *driver = cursor->db->driver;
    double real;
    cz_str text;
    if (CZ__DB_KIND(column->type) == CZ__DB_REAL)
        return driver->read(cursor, column->position, column->type, &real) && !isfinite(real);
    return CZ__DB_KIND(column->type) != CZ__DB_BINARY &&
           driver->is_readable(cursor, column->position, CZ__DB_TEXT) &&
           driver->read(cursor, column->position, CZ__DB_TEXT, &text) && !cz_str_is_utf8(text);
}

static void refuse_to_lose(struct page *page, const cz__db_cursor *cursor, const cz__column *column)
{
    page->status = CZ_EVALIDATION;
    page->lost = column;
    cz_buf_clear(&page->text);
    cz__write_column(cursor, page->model->state->key, &page->text);
}

static bool read_cells(const cz__db_cursor *cursor, void *arg)
{
    struct page *page = arg;
    if (page->count == page->cap) {
        page->status = CZ_ENOMEM;
        return false;
    }
    cz_str *cells = page->cells + page->count++ * page->column_count;
    for (size_t i = 0; i < page->column_count; i++) {
        if (cannot_be_said(cursor, page->columns[i])) {
            refuse_to_lose(page, cursor, page->columns[i]);
            return false;
        }
        cz_buf_clear(&page->text);
        cz__write_column(cursor, page->columns[i], &page->text);
        page->status = cz_buf_status(&page->text);
        if (!page->status)
            page->status = cz_str_dup(page->arena, cz_buf_str(&page->text), &cells[i]);
        if (page->status)
            return false;
    }
    return true;
}

/* The cells of at most `limit` rows that match, in order of their key. */
static struct page read_page(cz_ctx *ctx, cz_model *model, const cz__column *const *columns,
                             size_t column_count, cz_cond where, size_t limit)
{
    cz_order by_key = { .path = model->state->key->attribute };
    cz_query query = { .model = model,
                       .where = where,
                       .order_by = { &by_key, 1 },
                       .limit = (int64_t)limit,
                       .manager = &cz_base_manager };
    struct page page = { .arena = ctx->arena,
                         .model = model,
                         .columns = columns,
                         .column_count = column_count,
                         .cap = limit,
                         .cells = cz_array(ctx, cz_str, limit * column_count) };
    cz__each(ctx, &query, read_cells, &page);
    cz_str key = page.lost ? cz_copy(ctx, cz_buf_str(&page.text)) : CZ_STR("");
    cz_buf_done(&page.text);
    if (page.lost)
        cz_raise(ctx, CZ_EVALIDATION,
                 "dumpdata: %s %.*s: %s has %s, which a dump cannot hold; mend it first",
                 model->state->label, CZ_STR_ARG(key), page.lost->field->name,
                 CZ__DB_KIND(page.lost->type) == CZ__DB_REAL ? "a number that is not finite"
                                                             : "bytes that are no UTF-8");
    if (page.status)
        cz_raise(ctx, page.status,
                 page.status == CZ_EDATABASE ? "a row of %s cannot be decrypted; the log says why"
                                             : "no memory for the rows of %s",
                 model->name);
    return page;
}

/* "12" for 12, "a-b" for "a-b": what cz_cond_text() and CSV want. */
static cz_str plain(cz_ctx *ctx, cz_str json)
{
    const cz_json_value *value;
    if (!json.len || json.ptr[0] != '"')
        return json;
    cz_check(ctx, cz_json_parse(ctx->arena, json, NULL, &value, NULL));
    return value->as.text;
}

/* ---- natural keys ---- */

static cz_str natural_key(cz_ctx *ctx, struct dump *dump, cz_model *model, cz_str key);

/* The parts as a list of JSON's, or of CSV's, with blanks between. */
static cz_str join(cz_ctx *ctx, cz_arena *arena, const cz_str *parts, size_t count, bool csv)
{
    cz_buf out = { 0 };
    cz_buf_append_str(&out, csv ? CZ_STR("") : CZ_STR("["));
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_str(&out, !i ? CZ_STR("") : csv ? CZ_STR(" ") : CZ_STR(", "));
        cz_buf_append_str(&out, parts[i]);
    }
    cz_buf_append_str(&out, csv ? CZ_STR("") : CZ_STR("]"));
    cz_str list;
    cz_check(ctx, cz__buf_take(&out, arena, &list));
    return list;
}

/* A list of the natural key's cells, those of relations in turn as lists. */
static cz_str natural_list(cz_ctx *ctx, struct dump *dump, const cz__column *const *columns,
                           const cz_str *cells, size_t count)
{
    cz_str *parts = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < count; i++)
        parts[i] = columns[i]->relation && !cz_str_eq(cells[i], CZ_STR("null"))
                       ? natural_key(ctx, dump, columns[i]->field->target, cells[i])
                       : cells[i];
    return join(ctx, dump->arena, parts, count, false);
}

static cz_str natural_key(cz_ctx *ctx, struct dump *dump, cz_model *model, cz_str key)
{
    cz_str name = cz_format(ctx, "%s %.*s", model->state->label, CZ_STR_ARG(key));
    const cz_str *known = cz_map_get(&dump->naturals, name);
    if (known)
        return *known;
    size_t count = model->meta.natural_key.count;
    const cz__column **columns = cz_array(ctx, const cz__column *, count);
    for (size_t i = 0; i < count; i++)
        columns[i] = cz__column_find(model, model->meta.natural_key.items[i]);
    cz_cond where =
        cz_cond_text(ctx, model, model->state->key->attribute, CZ_LOOKUP_EXACT, plain(ctx, key));
    struct page page = read_page(ctx, model, columns, count, where, 1);
    if (!page.count)
        cz_raise(ctx, CZ_EINTEGRITY, "a row refers to %s %.*s, which does not exist",
                 model->state->label, CZ_STR_ARG(key));
    cz_str *list = cz_arena_new(dump->arena, cz_str), kept;
    cz_check(ctx, list ? cz_str_dup(dump->arena, name, &kept) : CZ_ENOMEM);
    *list = natural_list(ctx, dump, columns, page.cells, count);
    cz_check(ctx, cz_map_set(&dump->naturals, kept, list));
    return *list;
}

/* What stands for a reference to a row of `model` with this key: of one in another database the key. */
static cz_str reference(cz_ctx *ctx, struct dump *dump, cz_model *model, cz_str key)
{
    if (!dump->natural_foreign || !model->meta.natural_key.count ||
        cz_str_eq(key, CZ_STR("null")) || !cz__database_has_model(cz__database_at_home(ctx), model))
        return key;
    return natural_key(ctx, dump, model, key);
}

/* ---- links ---- */

static cz_str links(cz_ctx *ctx, struct dump *dump, cz_model *model, const cz__column *column,
                    cz_str key)
{
    cz_model *target = column->field->target;
    bool uuid = CZ__DB_KIND(target->state->key->type) == CZ__DB_UUID;
    size_t bytes = uuid ? sizeof(cz_uuid) : sizeof(int64_t);
    cz_row *row = cz_alloc_zero(ctx, 1, model->row_bytes);
    row->model = model;
    cz_check(ctx, cz__value_from_text(model->state->key, plain(ctx, key),
                                      cz__row_at(row, model->state->key), NULL));
    void *keys;
    size_t count = cz__links_read(ctx, row, column, &keys);
    const char *quote = uuid && !dump->csv ? "\"" : "";
    cz_str *parts = cz_array(ctx, cz_str, count);
    for (size_t i = 0; i < count; i++) {
        char text[CZ_UUID_TEXT];
        cz_str key_text = cz__key_text(target, (const char *)keys + i * bytes, text);
        parts[i] = cz_format(ctx, "%s%.*s%s", quote, CZ_STR_ARG(key_text), quote);
        if (!dump->csv)
            parts[i] = reference(ctx, dump, target, parts[i]);
    }
    return join(ctx, ctx->arena, parts, count, dump->csv);
}

/* ---- JSON ---- */

static void new_line(const struct dump *dump, int level)
{
    if (dump->indent)
        fprintf(dump->out, "\n%*s", (int)dump->indent * level, "");
}

static void put_member(const struct dump *dump, int level, bool *first, const char *name,
                       cz_str value)
{
    fputs(*first ? "" : dump->indent ? "," : ", ", dump->out);
    *first = false;
    new_line(dump, level);
    fprintf(dump->out, "\"%s\": %.*s", name, CZ_STR_ARG(value));
}

static void put_row(cz_ctx *ctx, struct dump *dump, cz_model *model, const cz__column *const *all,
                    size_t all_count, const cz_str *cells)
{
    const struct cz__model_state *state = model->state;
    bool first = true;
    fputs(dump->rows++ ? dump->indent ? "," : ", " : "", dump->out);
    fputs(dump->indent ? "\n{" : "{", dump->out);
    put_member(dump, 1, &first, "model", cz_format(ctx, "\"%s\"", state->label));
    if (!dump->natural_primary || !model->meta.natural_key.count)
        put_member(dump, 1, &first, "pk", cells[0]);
    put_member(dump, 1, &first, "fields", CZ_STR("{"));
    first = true;
    for (size_t i = 0; i < all_count; i++) {
        const cz__column *column = all[i];
        if (column == state->key)
            continue;
        cz_str value =
            column->stored ? cells[column->position] : links(ctx, dump, model, column, cells[0]);
        if (column->relation)
            value = reference(ctx, dump, column->field->target, value);
        put_member(dump, 2, &first, column->field->name, value);
    }
    if (!first)
        new_line(dump, 1);
    fputs("}", dump->out);
    if (dump->indent)
        fputc('\n', dump->out);
    fputs("}", dump->out);
}

/* ---- CSV (RFC 4180): NULL is empty, text is in quotes ---- */

static void put_quoted(const struct dump *dump, cz_str text)
{
    fputc('"', dump->out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            fputc('"', dump->out);
        fputc(text.ptr[i], dump->out);
    }
    fputc('"', dump->out);
}

static void put_line(cz_ctx *ctx, struct dump *dump, cz_model *model, const cz__column *const *all,
                     size_t all_count, const cz_str *cells)
{
    for (size_t i = 0; i < all_count; i++) {
        const cz__column *column = all[i];
        cz_str value =
            column->stored ? cells[column->position] : links(ctx, dump, model, column, cells[0]);
        if (i)
            fputc(',', dump->out);
        if (!column->stored || value.ptr[0] == '[' || value.ptr[0] == '{')
            put_quoted(dump, value);
        else if (CZ__DB_KIND(column->type) == CZ__DB_JSON && !cz_str_eq(value, CZ_STR("null")))
            put_quoted(dump, value);
        else if (value.ptr[0] == '"')
            put_quoted(dump, plain(ctx, value));
        else if (!cz_str_eq(value, CZ_STR("null")))
            fprintf(dump->out, "%.*s", CZ_STR_ARG(value));
    }
    fputs("\r\n", dump->out);
    dump->rows++;
}

/* ---- models ---- */

static bool is_named(const cz_model *model, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cz_str label = cz_str_from(labels[i]);
        if (cz_str_eq_icase(label, cz_str_from(model->state->app)) ||
            cz_str_eq_icase(label, cz_str_from(model->state->label)))
            return true;
    }
    return false;
}

struct part { /* a page of a model's rows */
    struct dump *dump;
    cz_model *model;
    const cz__column *const *stored, *const *all;
    size_t stored_count, all_count;
    cz_str last; /* the key of the last row so far, in the dump's arena */
    size_t count;
};

static void put_part(cz_ctx *ctx, void *arg)
{
    struct part *part = arg;
    cz_cond where = NULL;
    if (part->last.len)
        where = cz_cond_text(ctx, part->model, part->model->state->key->attribute, CZ_LOOKUP_GT,
                             plain(ctx, part->last));
    struct page page =
        read_page(ctx, part->model, part->stored, part->stored_count, where, PAGE_ROWS);
    for (size_t n = 0; n < page.count; n++)
        (part->dump->csv ? put_line : put_row)(ctx, part->dump, part->model, part->all,
                                               part->all_count,
                                               page.cells + n * part->stored_count);
    part->count = page.count;
    if (page.count)
        cz_check(ctx, cz_str_dup(part->dump->arena,
                                 page.cells[(page.count - 1) * part->stored_count], &part->last));
}

/* In a context of its own, so that its memory is given back. */
static void dump_part(cz_ctx *ctx, struct part *part)
{
    cz_ctx own;
    cz_arena *arena;
    cz_error err;
    cz_check(ctx, cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&own, arena);
    own.db = ctx->db;
    cz_status status = cz_try(&own, put_part, part, &err);
    cz_ctx_done(&own);
    cz_arena_destroy(arena);
    if (status)
        cz_raise_error(ctx, &err);
}

static void dump_model(cz_ctx *ctx, struct dump *dump, cz_model *model)
{
    const struct cz__model_state *state = model->state;
    const cz__column **stored = cz_array(ctx, const cz__column *, state->column_count),
                     **all = cz_array(ctx, const cz__column *, state->column_count);
    size_t stored_count = 0, all_count = 0;
    for (uint16_t i = 0; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        if (column->stored)
            stored[stored_count++] = column;
        if (column->stored || (column->field->kind == CZ_KIND_many_to_many && !column->through))
            all[all_count++] = column;
    }
    if (dump->csv)
        for (size_t i = 0; i < all_count; i++)
            fprintf(dump->out, "%s%s%s", i ? "," : "", all[i]->field->name,
                    i + 1 == all_count ? "\r\n" : "");
    struct part part = { .dump = dump,
                         .model = model,
                         .stored = stored,
                         .all = all,
                         .stored_count = stored_count,
                         .all_count = all_count };
    do
        dump_part(ctx, &part);
    while (part.count == PAGE_ROWS);
}

static void check_labels(cz_ctx *ctx, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        const cz_model *model = cz__models_find(cz_str_from(labels[i]));
        if (model && model->proxy_of)
            cz_raise(ctx, CZ_EVALIDATION, "dumpdata: %s is a proxy: its rows are those of %s",
                     labels[i], model->state->concrete->state->label);
        for (size_t m = 0; m < cz__models_count(); m++)
            known |= is_named(cz__models_at(m), &labels[i], 1);
        if (!known)
            cz_raise(ctx, CZ_EVALIDATION, "dumpdata: there is no app or model \"%s\"", labels[i]);
    }
}

static void dump_all(cz_ctx *ctx, void *arg)
{
    struct dump *dump = arg;
    size_t wanted = 0;
    check_labels(ctx, dump->labels, dump->label_count);
    check_labels(ctx, dump->excluded, dump->excluded_count);
    cz_model **models = cz_array(ctx, cz_model *, cz__models_count() + 1);
    for (size_t i = 0; i < cz__models_count(); i++) {
        cz_model *model = cz__models_at(i);
        if ((!dump->label_count || is_named(model, dump->labels, dump->label_count)) &&
            !is_named(model, dump->excluded, dump->excluded_count) && !model->proxy_of &&
            cz__database_has_model(cz__database_at_home(ctx), model))
            models[wanted++] = model;
    }
    if (dump->csv && wanted != 1)
        cz_raise(ctx, CZ_EVALIDATION, "dumpdata: CSV holds one model; %zu are named", wanted);
    dump->arena = ctx->arena;
    cz_map_init(&dump->naturals, dump->arena);
    if (!dump->csv)
        fputs("[", dump->out);
    for (size_t i = 0; i < wanted; i++)
        dump_model(ctx, dump, models[i]);
    if (!dump->csv)
        fputs(dump->indent ? "\n]\n" : "]\n", dump->out);
}

static void close_file(void *file)
{
    cz_ignore(fclose(file)); /* a failed dump is thrown away */
}

static void remove_file(void *path)
{
    cz_ignore(unlink(path)); /* renamed, after a dump that was whole */
}

static int dump_data(cz_ctx *ctx, void *arg)
{
    struct dump *dump = arg;
    cz_atomic_options one_state = { .read_only = true, .isolation = CZ_ISOLATION_REPEATABLE_READ };
    if (!dump->path) {
        dump->out = stdout;
        cz_atomic_with(ctx, &one_state, dump_all, dump);
        return 0; /* whether it all went out is looked at when the command ends */
    }
    /* beside the file, so that one that exists is replaced by a whole dump or not at all */
    char *part = cz_alloc(ctx, strlen(dump->path) + 6);
    snprintf(part, strlen(dump->path) + 6, "%s.part", dump->path);
    dump->out = fopen(part, "we");
    if (!dump->out)
        cz_raise(ctx, CZ_EIO, "%s: %s", part, strerror(errno));
    cz_defer(ctx, remove_file, part);
    cz_defer(ctx, close_file, dump->out);
    cz_atomic_with(ctx, &one_state, dump_all, dump);
    if (fflush(dump->out) || ferror(dump->out) || rename(part, dump->path))
        cz_raise(ctx, CZ_EIO, "%s: %s", dump->path, strerror(errno));
    return 0;
}

static bool add_label(const char **labels, size_t *count, const char *label)
{
    if (*count == LABELS_MAX)
        return false;
    labels[(*count)++] = label;
    return true;
}

static bool read_indent(const char *text, int64_t *out)
{
    return !cz_str_to_i64(cz_str_from(text), out) && *out >= 0 && *out <= INDENT_MAX;
}

int cz__command_dumpdata(struct cz__site *site, int argc, char **argv)
{
    struct dump dump = { 0 };
    const char *database;
    if (!cz__command_database(&argc, argv, &database))
        return 2;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool fine = true, takes = true;
        if (!strcmp(word, "--natural-foreign")) {
            dump.natural_foreign = true;
            takes = false;
        } else if (!strcmp(word, "--natural-primary")) {
            dump.natural_primary = true;
            takes = false;
        } else if (!strcmp(word, "--indent")) {
            fine = value && read_indent(value, &dump.indent);
        } else if (!strcmp(word, "--format")) {
            fine = value && (!strcmp(value, "json") || !strcmp(value, "csv"));
            dump.csv = fine && value[0] == 'c';
        } else if (!strcmp(word, "-o") || !strcmp(word, "--output")) {
            fine = value != NULL;
            dump.path = value;
        } else if (!strcmp(word, "-e") || !strcmp(word, "--exclude")) {
            fine = value && add_label(dump.excluded, &dump.excluded_count, value);
        } else {
            fine = word[0] != '-' && add_label(dump.labels, &dump.label_count, word);
            takes = false;
        }
        if (!fine) {
            fprintf(stderr, "dumpdata: \"%s%s%s\" makes no sense; see --help\n", word,
                    takes && value ? " " : "", takes && value ? value : "");
            return 2;
        }
        i += takes;
    }
    return cz__site_run_on(site, database, dump_data, &dump);
}
