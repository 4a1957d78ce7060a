/* Running SQL written by hand, and `check` of all literals of the program (calzone/raw.h). */
#include "orm/raw.h"
#include "orm/orm_internal.h"
#include <stdlib.h>

/* The linker's names for the section's ends; none where a program has no literal. */
extern struct cz__raw __start_cz_raw[] __attribute__((weak));
extern struct cz__raw __stop_cz_raw[] __attribute__((weak));

bool cz__raw_mixed;
static cz_arena *kept; /* what was prepared; lives as long as the process */

static cz_arena *kept_arena(cz_ctx *ctx)
{
    if (!kept)
        cz_check(ctx, cz_arena_create(NULL, 0, &kept));
    return kept;
}

size_t cz__raw_kept_bytes(void)
{
    return kept ? cz_arena_bytes(kept) : 0;
}

size_t cz__raw_count(void)
{
    return __start_cz_raw ? (size_t)(__stop_cz_raw - __start_cz_raw) : 0;
}

struct cz__raw *cz__raw_at(size_t index)
{
    return &__start_cz_raw[index];
}

/* ---- preparing ---- */

static const char *sql_of(const struct cz__raw *here, const cz__db_features *features)
{
    return features == cz__sqlite_driver.features ? here->sqlite : here->postgresql;
}

/* Read the SQL into a statement in `arena`. */
static cz_status read_statement(cz_arena *arena, const struct cz__raw *here, cz_str sql,
                                const cz__db_features *features, struct cz__raw_statement *out,
                                cz_error *err)
{
    cz_buf text = { 0 };
    cz_str copy;
    cz__db_type *types = cz_arena_array(arena, cz__db_type, here->kind_count + 1);
    cz_status status = types ? CZ_OK : cz_error_set(err, CZ_ENOMEM, "no memory for a statement");
    out->features = features;
    if (!status)
        status = cz__raw_read(sql, features, here->kinds, here->kind_count, &out->text, &text, err);
    if (!status)
        status = cz__raw_suits(&out->text, here->use, err);
    for (size_t i = 0; i < here->kind_count && !status; i++)
        status = cz__raw_type(features, here->kinds[i], i, &types[i], err);
    if (!status && cz_str_dup(arena, cz_buf_str(&text), &copy))
        status = cz_error_set(err, CZ_ENOMEM, "no memory for a statement");
    if (!status)
        out->statement = (cz__db_statement){ .sql = copy,
                                             .number = CZ__STATEMENT_UNCACHED,
                                             .types = types,
                                             .type_count = here->kind_count,
                                             .by_hand = true };
    cz_buf_done(&text);
    return status;
}

static CZ_NORETURN void raise_at(cz_ctx *ctx, const struct cz__raw *here, const cz_error *err)
{
    cz_error at;
    cz_ignore(
        cz_error_set(&at, err->status, "%s:%d: %s", here->file, here->line, cz_error_message(err)));
    memcpy(at.constraint, err->constraint, sizeof at.constraint);
    memcpy(at.database, err->database, sizeof at.database);
    at.file = here->file;
    at.line = here->line;
    cz_raise_error(ctx, &at);
}

/* A copy that lives as long as the process. Raises: CZ_ENOMEM. */
static struct cz__raw_statement *keep(cz_ctx *ctx, const struct cz__raw_statement *statement)
{
    size_t count = statement->statement.type_count;
    struct cz__raw_statement *copy = cz_arena_new(kept_arena(ctx), struct cz__raw_statement);
    cz__db_type *types = cz_arena_array(kept, cz__db_type, count + 1);
    cz_str sql;
    if (!copy || !types || cz_str_dup(kept, statement->statement.sql, &sql))
        cz_raise(ctx, CZ_ENOMEM, "no memory for a statement");
    if (count)
        memcpy(types, statement->statement.types, count * sizeof *types);
    *copy = *statement;
    copy->statement.sql = sql;
    copy->statement.types = types;
    copy->statement.number = cz__statement_number();
    return copy;
}

/* The literal's statement for a database, kept from its first use on; of one that is wrong nothing is, however often
 * it is called. Raises. */
static const struct cz__raw_statement *prepare(cz_ctx *ctx, struct cz__raw *here,
                                               const cz__db_features *features)
{
    size_t free_at = 0;
    for (; free_at < CZ_COUNT(here->prepared) && here->prepared[free_at]; free_at++)
        if (here->prepared[free_at]->features == features)
            return here->prepared[free_at];
    cz_assert(free_at < CZ_COUNT(here->prepared)); /* there are as many drivers */
    cz_error err;
    const char *sql = sql_of(here, features);
    if (!sql)
        cz_raise(ctx, CZ_EINVAL, "%s:%d: there is no SQL for %s here", here->file, here->line,
                 features->name);
    struct cz__raw_statement made = { 0 };
    if (read_statement(ctx->arena, here, cz_str_from(sql), features, &made, &err))
        raise_at(ctx, here, &err);
    return here->prepared[free_at] = keep(ctx, &made);
}

static cz__db_param *params_of(cz_ctx *ctx, const struct cz__raw *here,
                               const struct cz__raw_statement *statement,
                               const struct cz__args *args)
{
    cz__db_param *params = cz_array(ctx, cz__db_param, args->count + 1);
    cz_assert(args->count == here->kind_count);
    for (size_t i = 0; i < args->count; i++)
        params[i] = cz__param_of_value(
            ctx, statement->statement.types[i],
            cz_format(ctx, "value %zu at %s:%d", i + 1, here->file, here->line).ptr,
            args->items[i].value_kind, args->items[i].value);
    return params;
}

/* ---- columns ---- */

struct rows {
    cz_ctx *ctx;
    const struct cz__raw *here;
    cz_model *model; /* or record */
    cz__database *database;
    const cz__column **columns; /* by column of the result */
    unsigned column_count;
    char *items;
    size_t count, cap;
    cz_error err;
};

static const cz__column *find_column(const cz_model *model, cz_str name)
{
    const struct cz__model_state *state = model->state;
    for (uint16_t i = 0; i < state->column_count; i++)
        if (state->columns[i].stored && cz_str_eq_icase(cz_str_from(state->columns[i].name), name))
            return &state->columns[i];
    return NULL;
}

/* Which column goes into which member. Errors: CZ_EINVAL. */
static cz_status match_columns(struct rows *r, const cz__db_cursor *cursor)
{
    const struct cz__model_state *state = r->model->state;
    const cz__db_driver *driver = cursor->db->driver;
    bool *seen = cz_arena_array(r->ctx->arena, bool, state->column_count + 1u);
    r->column_count = driver->column_count(cursor);
    r->columns = cz_arena_array(r->ctx->arena, const cz__column *, r->column_count + 1);
    if (!seen || !r->columns)
        return cz_error_set(&r->err, CZ_ENOMEM, "no memory for a query's columns");
    for (unsigned i = 0; i < r->column_count; i++) {
        const char *name = driver->column_name(cursor, i);
        const cz__column *column = find_column(r->model, cz_str_from(name));
        if (!column)
            return cz_error_set(
                &r->err, CZ_EINVAL, "%s has no column \"%s\"%s", r->model->name, name,
                r->here->use == CZ__RAW_ROWS ? "; a record has what one declares (cz_raw_values())"
                                             : "");
        if (column->upload)
            return cz_error_set(&r->err, CZ_EINVAL,
                                "\"%s\" of %s is a file, which comes with a request", name,
                                r->model->name);
        if (seen[column->ordinal])
            return cz_error_set(&r->err, CZ_EINVAL, "two columns are called \"%s\"", name);
        seen[column->ordinal] = true;
        r->columns[i] = column;
    }
    for (uint16_t i = 0; i < state->column_count; i++)
        if (!seen[i] && (r->here->use == CZ__RAW_RECORDS || &state->columns[i] == state->key))
            return cz_error_set(&r->err, CZ_EINVAL, "no column is called \"%s\", which %s needs",
                                state->columns[i].name, r->model->name);
    return CZ_OK;
}

static cz_status check_readable(struct rows *r, const cz__db_cursor *cursor, unsigned at)
{
    const cz__column *column = r->columns[at];
    if (cursor->db->driver->is_readable(cursor, at, column->type))
        return CZ_OK;
    return cz_error_set(
        &r->err, CZ_EINVAL,
        "the column \"%s\" is not of the type of the member \"%.*s\" of %s; CAST it", column->name,
        CZ_STR_ARG(column->attribute), r->model->name);
}

/* ---- rows ---- */

/* A number into a member that may be narrower. */
static bool read_integer(const cz__db_cursor *cursor, unsigned at, cz__db_kind kind, void *out,
                         bool *out_null)
{
    int64_t wide = 0;
    *out_null = !cursor->db->driver->read(cursor, at, CZ__DB_INT64, &wide);
    if (kind == CZ__DB_INT16)
        *(int16_t *)out = (int16_t)wide;
    else
        *(int32_t *)out = (int32_t)wide;
    return kind == CZ__DB_INT16 ? wide == (int16_t)wide : wide == (int32_t)wide;
}

static cz_status read_cell(struct rows *r, const cz__db_cursor *cursor, unsigned at, cz_row *row)
{
    const cz__db_driver *driver = cursor->db->driver;
    const cz__column *column = r->columns[at];
    cz__db_kind kind = CZ__DB_KIND(column->type);
    void *member = cz__row_at(row, column);
    bool null = false;
    cz_status status = check_readable(r, cursor, at);
    if (status)
        return status;
    if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST) {
        status = driver->read_list(cursor, at, column->type, r->ctx->arena, member, &null);
    } else if (kind == CZ__DB_INT16 || kind == CZ__DB_INT32) {
        if (!read_integer(cursor, at, kind, member, &null))
            return cz_error_set(&r->err, CZ_EINVAL,
                                "a number of \"%s\" does not fit the member \"%.*s\"", column->name,
                                CZ_STR_ARG(column->attribute));
    } else if (column->type & CZ__DB_CHOSEN) {
        null = !cz__choice_read(cursor, at, column->type, member);
    } else {
        null = !driver->read(cursor, at, column->type, member);
        if (!null && cz__kind_is_text(kind))
            status = cz_str_dup(r->ctx->arena, *(cz_str *)member, member);
    }
    if (status)
        return cz_error_set(&r->err, status,
                            "the rows of a query of %s do not fit the request's memory",
                            r->model->name);
    if (null && column == r->model->state->key && r->here->use == CZ__RAW_ROWS)
        return cz_error_set(&r->err, CZ_EINVAL, "a row of %s has no key", r->model->name);
    cz__row_bit_set(row, CZ__BITS_LOADED, column->ordinal, true);
    cz__row_bit_set(row, CZ__BITS_NULL, column->ordinal, null);
    return CZ_OK;
}

static cz_status read_one(struct rows *r, const cz__db_cursor *cursor)
{
    size_t bytes = r->model->row_bytes;
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        char *grown = cz__arena_grown(r->ctx->arena, r->items, r->count, cap, bytes);
        if (!grown)
            return cz_error_set(&r->err, CZ_ENOMEM,
                                "the rows of a query of %s do not fit the request's memory",
                                r->model->name);
        r->items = grown;
        r->cap = cap;
    }
    cz_row *row = (cz_row *)(void *)(r->items + r->count * bytes);
    memset(row, 0, bytes);
    row->model = r->model;
    row->database = r->database;
    cz_status status = CZ_OK;
    for (unsigned i = 0; i < r->column_count && !status; i++)
        status = read_cell(r, cursor, i, row);
    r->count += !status;
    return status;
}

/* The columns are known at the first step, also when it finds no row: before it they may be those of a table that
 * has changed since. */
static cz_status read_rows(struct rows *r, cz__db_cursor *cursor)
{
    bool more = true;
    cz_status status = cursor->db->driver->step(cursor, &more, &r->err);
    if (!status)
        status = match_columns(r, cursor);
    while (!status && more) {
        status = read_one(r, cursor);
        if (!status)
            status = cursor->db->driver->step(cursor, &more, &r->err);
    }
    return status;
}

/* ---- results ---- */

/* Where a statement goes that no model tells the way. */
static const char *alias_for(cz_ctx *ctx, const struct cz__raw *here, const cz_raw_options *options)
{
    if (options->database || here->use == CZ__RAW_ROWS)
        return options->database;
    return cz__database_at_home(ctx)->alias;
}

/* What loads relations and missing columns for all rows at once. */
static void link_result(struct rows *r, const cz_raw_options *options)
{
    struct cz__result *result = cz_new(r->ctx, struct cz__result);
    *result = (struct cz__result){ .model = r->model,
                                   .items = r->items,
                                   .count = r->count,
                                   .arena = r->ctx->arena,
                                   .strict = options->strict,
                                   .file = r->here->file,
                                   .line = r->here->line };
    for (size_t n = 0; n < r->count; n++) {
        cz_row *row = cz__row_nth(r->items, n, r->model);
        row->result = result;
    }
    cz_check(r->ctx, cz__rows_keep(r->ctx->arena, r->model, r->items, r->count));
    for (size_t n = 0; n < r->count; n++)
        cz__signal_row(r->ctx, CZ_POST_INIT, cz__row_nth(r->items, n, r->model));
    cz_query query = { .model = r->model,
                       .prefetch = options->prefetch,
                       .database = options->database,
                       .file = r->here->file,
                       .line = r->here->line };
    if (options->prefetch.count && r->count)
        cz__prefetch(r->ctx, result, &query);
}

static struct cz__rows run(cz_ctx *ctx, const struct cz__raw *here,
                           const struct cz__raw_statement *statement, cz__db_session *session,
                           const cz_raw_options *options)
{
    cz__db_cursor cursor;
    cz__db_param *params = params_of(ctx, here, statement, &options->args);
    struct rows r = {
        .ctx = ctx, .here = here, .model = here->model, .database = session->database
    };
    cz_status status = cz__open_rows(ctx, session, &statement->statement, params,
                                     options->args.count, &cursor, &r.err);
    if (!status) {
        status = read_rows(&r, &cursor);
        cursor.db->driver->finish(&cursor);
    }
    if (status && r.err.status == CZ_EINVAL)
        raise_at(ctx, here, &r.err);
    if (status)
        cz_raise_error(ctx, &r.err);
    cz__unseal_rows(ctx, r.model, r.items, r.count, NULL);
    if (here->use == CZ__RAW_ROWS)
        link_result(&r, options);
    return (struct cz__rows){ r.items, r.count };
}

static cz__db_session *reader(cz_ctx *ctx, const struct cz__raw *here,
                              const cz_raw_options *options, bool lock)
{
    if (here->use == CZ__RAW_RECORDS)
        cz_ignore(!cz__record_state(ctx, here->model)); /* made, or it raises */
    return cz__session_to_read(ctx, here->model, NULL, alias_for(ctx, here, options), lock);
}

static int64_t change(cz_ctx *ctx, const struct cz__raw *here,
                      const struct cz__raw_statement *statement, cz__db_session *session,
                      const cz_raw_options *options)
{
    cz_error err;
    int64_t rows = 0, last_id = 0;
    cz__db_param *params = params_of(ctx, here, statement, &options->args);
    cz__watch_change(ctx, NULL);
    cz_status status = session->db->driver->change(ctx, session, &statement->statement, params,
                                                   options->args.count, &rows, &last_id, &err);
    if (status == CZ_EINVAL)
        raise_at(ctx, here, &err);
    if (status)
        cz_raise_error(ctx, &err);
    return statement->text.changes ? rows : 0; /* SQLite repeats the last change's number */
}

/* ---- calls ---- */

struct cz__rows cz__raw(cz_ctx *ctx, struct cz__raw *here, const cz_raw_options *options)
{
    cz__db_session *session = reader(ctx, here, options, false);
    const struct cz__raw_statement *statement = prepare(ctx, here, session->db->driver->features);
    if (statement->text.locks)
        session = reader(ctx, here, options, true);
    return run(ctx, here, statement, session, options);
}

int64_t cz__execute(cz_ctx *ctx, struct cz__raw *here, const cz_raw_options *options)
{
    cz__db_session *session = cz__session_to_write(ctx, NULL, NULL, alias_for(ctx, here, options));
    return change(ctx, here, prepare(ctx, here, session->db->driver->features), session, options);
}

/* ---- SQL the program puts together ---- */

struct built {
    struct cz__raw here;
    struct cz__raw_statement statement;
};

static struct built *build(cz_ctx *ctx, enum cz__raw_use use, cz_model *model,
                           const cz_raw_options *options, const char *file, int line)
{
    struct built *built = cz_new(ctx, struct built);
    uint8_t *kinds = cz_array(ctx, uint8_t, options->args.count + 1);
    for (size_t i = 0; i < options->args.count; i++)
        kinds[i] = options->args.items[i].value_kind;
    built->here = (struct cz__raw){ .model = model,
                                    .file = file,
                                    .line = line,
                                    .use = (uint8_t)use,
                                    .kinds = kinds,
                                    .kind_count = options->args.count };
    return built;
}

static void read_built(cz_ctx *ctx, struct built *built, cz_str sql, const cz__db_session *session)
{
    cz_error err;
    if (read_statement(ctx->arena, &built->here, sql, session->db->driver->features,
                       &built->statement, &err))
        raise_at(ctx, &built->here, &err);
}

struct cz__rows cz__raw_built(cz_ctx *ctx, enum cz__raw_use use, cz_model *model, cz_str sql,
                              const cz_raw_options *options, const char *file, int line)
{
    struct built *built = build(ctx, use, model, options, file, line);
    cz__db_session *session = reader(ctx, &built->here, options, false);
    read_built(ctx, built, sql, session);
    if (built->statement.text.locks)
        session = reader(ctx, &built->here, options, true);
    return run(ctx, &built->here, &built->statement, session, options);
}

int64_t cz__execute_built(cz_ctx *ctx, cz_str sql, const cz_raw_options *options, const char *file,
                          int line)
{
    struct built *built = build(ctx, CZ__RAW_CHANGE, NULL, options, file, line);
    cz__db_session *session =
        cz__session_to_write(ctx, NULL, NULL, alias_for(ctx, &built->here, options));
    read_built(ctx, built, sql, session);
    return change(ctx, &built->here, &built->statement, session, options);
}

/* ---- check ---- */

/* What stands at a place of the SQL, on one line; "" when it is not known. */
static cz_str excerpt(cz_ctx *ctx, cz_str sql, size_t at)
{
    enum { EXCERPT_BYTES = 40 };
    if (at >= sql.len)
        return at == SIZE_MAX ? CZ_STR("") : CZ_STR(", at its end");
    size_t end = at;
    while (end < sql.len && end - at < EXCERPT_BYTES && sql.ptr[end] != '\n')
        end++;
    while (end < sql.len && ((unsigned char)sql.ptr[end] & 0xc0) == 0x80)
        end++; /* not inside a character */
    return cz_format(ctx, ", at \"%.*s\"", CZ_STR_ARG(cz_str_of(sql.ptr + at, end - at)));
}

/* Whether a literal is one for the database the context is at home in. */
static bool goes_here(const struct cz__raw *here, const cz__database *database)
{
    if (here->use == CZ__RAW_ROWS)
        return here->model->state && cz__database_has_model(database, here->model);
    return !cz__raw_mixed; /* of the others any database may take it */
}

static void check_columns(cz_ctx *ctx, const struct cz__raw *here, cz__db_cursor *cursor,
                          cz_error *err, cz_status *status)
{
    struct rows r = { .ctx = ctx, .here = here, .model = here->model };
    *status = match_columns(&r, cursor);
    for (unsigned i = 0; i < r.column_count && !*status; i++)
        *status = check_readable(&r, cursor, i);
    if (*status)
        *err = r.err;
}

static void check_one(cz_ctx *ctx, struct cz__raw *here, cz__db_session *session)
{
    const cz__db_features *features = session->db->driver->features;
    const char *sql = sql_of(here, features);
    struct cz__raw_statement statement = { 0 };
    cz__db_cursor cursor;
    cz_error err;
    size_t at = SIZE_MAX;
    if (!sql || !goes_here(here, session->database))
        return;
    if (here->use == CZ__RAW_RECORDS)
        cz_ignore(!cz__record_state(ctx, here->model)); /* made, or it raises */
    cz_status status =
        read_statement(ctx->arena, here, cz_str_from(sql), features, &statement, &err);
    if (!status) {
        status =
            session->db->driver->describe(ctx, session, &statement.statement, &cursor, &at, &err);
        if (!status) {
            if (here->use != CZ__RAW_CHANGE)
                check_columns(ctx, here, &cursor, &err, &status);
            session->db->driver->finish(&cursor);
        }
    }
    if (status && status != CZ_EINVAL && status != CZ_EDATABASE && status != CZ_ETOOBIG)
        cz_raise_error(ctx, &err);
    here->taken = here->taken || !status;
    if (status && !here->trouble)
        here->trouble = cz_arena_printf(kept_arena(ctx), "%s:%d: %s%.*s", here->file, here->line,
                                        cz_error_message(&err),
                                        CZ_STR_ARG(excerpt(ctx, statement.statement.sql, at)));
    if (status && !here->trouble)
        cz_raise(ctx, CZ_ENOMEM, "no memory to say what is wrong with a statement");
}

void cz__raw_check(cz_ctx *ctx)
{
    cz__db_session *session = cz__session(ctx);
    for (size_t i = 0; i < cz__raw_count(); i++)
        check_one(ctx, cz__raw_at(i), session);
}

static int by_place(const void *a, const void *b)
{
    const struct cz__raw *const *one = a, *const *other = b;
    int files = strcmp((*one)->file, (*other)->file);
    return files ? files : ((*one)->line > (*other)->line) - ((*one)->line < (*other)->line);
}

size_t cz__raw_check_end(bool all, void (*tell)(const char *sentence, void *arg), void *arg)
{
    size_t bad = 0, count = cz__raw_count();
    const struct cz__raw **wrong = cz_calloc(count + 1, sizeof(struct cz__raw *));
    for (size_t i = 0; i < count; i++) {
        const struct cz__raw *here = cz__raw_at(i);
        if (!here->trouble || here->taken || (!all && here->use != CZ__RAW_ROWS))
            continue;
        if (wrong)
            wrong[bad] = here;
        else
            tell(here->trouble, arg); /* unsorted is better than untold */
        bad++;
    }
    if (wrong)
        qsort(wrong, bad, sizeof *wrong, by_place);
    for (size_t i = 0; i < bad && wrong; i++)
        tell(wrong[i]->trouble, arg);
    cz_free(wrong);
    return bad;
}
