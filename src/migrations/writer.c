/* Migrations as C. The text is what a person would write: one operation below the other, options that say
 * nothing left out. */
#include "migrations/writer.h"
#include "migrations/migrations_internal.h"
#include <calzone/json.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_BYTES_MAX = 4 << 20 };

/* ---- text ---- */

/* Bytes of a character that turns the direction of what stands after it, so that a reader sees another program
 * than the compiler: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool turns_direction(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] == 0xd8 && c[1] == 0x9c)
        return true;
    return c[0] == 0xe2 &&
           ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae))) ||
            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

void cz__append_c_text(cz_buf *out, const char *text)
{
    bool question = false; /* "??" begins a trigraph */
    size_t turning = 0;
    cz_buf_append_char(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (!turning && turns_direction(text))
            turning = c == 0xd8 ? 2 : 3;
        if (c == '"' || c == '\\' || (c == '?' && question))
            cz_buf_append_char(out, '\\');
        if (c == '\n')
            cz_buf_append_lit(out, "\\n");
        else if (c < 0x20 || c == 0x7f || turning)
            cz_buf_printf(out, "\\%03o",
                          c); /* three digits: the next character is not one of them */
        else
            cz_buf_append_char(out, *text);
        question = c == '?';
        turning -= turning > 0;
    }
    cz_buf_append_char(out, '"');
}

void cz__append_c_comment(cz_buf *out, const char *text)
{
    size_t turning = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (!turning && turns_direction(text))
            turning = c == 0xd8 ? 2 : 3;
        bool ends = turning || c < 0x20 || c == 0x7f || c == '\\' || c == '?' ||
                    (c == '*' && text[1] == '/') || (c == '/' && text[1] == '*');
        cz_buf_append_char(out, ends ? '.' : *text);
        turning -= turning > 0;
    }
}

static void write_value(cz_buf *out, const cz_tagged *value)
{
    char number[CZ__JSON_F64_BYTES + 1];
    switch (value->kind) {
    case CZ__TAG_INT:
        if (value->integer == INT64_MIN)
            cz_buf_append_lit(out, "cz_int(INT64_MIN)");
        else
            cz_buf_printf(out, "cz_int(%" PRId64 ")", value->integer);
        return;
    case CZ__TAG_BOOL:
        cz_buf_printf(out, "cz_bool(%s)", value->integer ? "true" : "false");
        return;
    case CZ__TAG_REAL:
        *cz__json_write_f64(number, value->real) = '\0';
        cz_buf_printf(out, "cz_real(%s)", number);
        return;
    case CZ__TAG_TEXT:
    case CZ__TAG_SQL:
        cz_buf_append_str(out, value->kind == CZ__TAG_SQL ? CZ_STR("cz_sql(") : CZ_STR("cz_text("));
        cz__append_c_text(out, value->text);
        cz_buf_append_char(out, ')');
        return;
    case CZ__TAG_NOW:
        cz_buf_append_lit(out, "cz_db_now()");
        return;
    default:
        return;
    }
}

static void write_names(cz_buf *out, const cz_names *names)
{
    cz_buf_append_lit(out, "CZ_NAMES(");
    for (size_t i = 0; i < names->count; i++) {
        cz_buf_append_str(out, i ? CZ_STR(", ") : CZ_STR(""));
        cz__append_c_text(out, names->items[i]);
    }
    cz_buf_append_char(out, ')');
}

static void write_option(cz_buf *out, const char *name)
{
    cz_buf_printf(out, ", .%s = ", name);
}

static const char *const on_delete_names[] = {
    [CZ_CASCADE] = "CZ_CASCADE",   [CZ_PROTECT] = "CZ_PROTECT",
    [CZ_SET_NULL] = "CZ_SET_NULL", [CZ_DO_NOTHING] = "CZ_DO_NOTHING",
    [CZ_RESTRICT] = "CZ_RESTRICT", [CZ_SET_DEFAULT] = "CZ_SET_DEFAULT",
};

#define WRITE_NUMBER(member)                                                                       \
    if (field->member) {                                                                           \
        write_option(out, #member);                                                                \
        cz_buf_append_u64(out, field->member);                                                     \
    }
#define WRITE_SMALL WRITE_NUMBER
#define WRITE_FLAG(member)                                                                         \
    if (field->member) {                                                                           \
        write_option(out, #member);                                                                \
        cz_buf_append_lit(out, "true");                                                            \
    }
#define WRITE_VALUE(member)                                                                        \
    if (field->member.kind) {                                                                      \
        write_option(out, #member);                                                                \
        write_value(out, &field->member);                                                          \
    }
#define WRITE_ON_DELETE(member)                                                                    \
    if (field->member && (size_t)field->member < CZ_COUNT(on_delete_names)) {                      \
        write_option(out, #member);                                                                \
        cz_buf_append_str(out, cz_str_from(on_delete_names[field->member]));                       \
    }
#define WRITE_TEXT(member)                                                                         \
    if (field->member) {                                                                           \
        write_option(out, #member);                                                                \
        cz__append_c_text(out, field->member);                                                     \
    }

static void write_field(cz_buf *out, const cz_state_field *field, bool fill)
{
    cz_buf_append_lit(out, "{ ");
    cz__append_c_text(out, field->name);
    cz_buf_append_lit(out, ", ");
    cz__append_c_text(out, field->kind);
    if (field->to) {
        cz_buf_append_lit(out, ", ");
        cz__append_c_text(out, field->to);
    }
    if (field->primary_key)
        cz_buf_append_lit(out, ", .primary_key = true");
    WRITE_TEXT(through)
#define X(type, member) WRITE_##type(member)
    CZ_STATE_OPTION_MAP(X)
#undef X
    if (fill && field->fill.kind) {
        write_option(out, "fill");
        write_value(out, &field->fill);
    }
    cz_buf_append_lit(out, " }");
}

struct named_text {
    const char *name, *value; /* NULL: it is left out */
};

static void write_texts(cz_buf *out, const struct named_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i].value)
            continue;
        write_option(out, texts[i].name);
        cz__append_c_text(out, texts[i].value);
    }
}

static void write_index(cz_buf *out, const cz_state_index *index)
{
    cz_buf_append_lit(out, "{ ");
    cz__append_c_text(out, index->name);
    cz_buf_append_lit(out, ", ");
    if (index->expressions) {
        cz_buf_append_lit(out, ".expressions = ");
        cz__append_c_text(out, index->expressions);
    } else {
        write_names(out, &index->fields);
    }
    if (index->condition) {
        write_option(out, "condition");
        cz__append_c_text(out, index->condition);
    }
    if (index->include.count) {
        write_option(out, "include");
        write_names(out, &index->include);
    }
    const struct named_text texts[] = { { "method", index->method },
                                        { "search", index->search },
                                        { "weights", index->weights } };
    write_texts(out, texts, CZ_COUNT(texts));
    cz_buf_append_lit(out, " }");
}

static void write_constraint(cz_buf *out, const cz_state_constraint *constraint)
{
    cz_buf_append_lit(out, "{ ");
    cz__append_c_text(out, constraint->name);
    if (constraint->fields.count) {
        write_option(out, "fields");
        write_names(out, &constraint->fields);
    }
    const struct named_text texts[] = { { "expressions", constraint->expressions },
                                        { "condition", constraint->condition },
                                        { "check", constraint->check } };
    write_texts(out, texts, CZ_COUNT(texts));
    cz_buf_append_lit(out, " }");
}

/* ---- operations ---- */

#define LIST_MEMBER(member, macro, write)                                                          \
    if (op->member.count) {                                                                        \
        cz_buf_append_lit(out, ",\n            ." #member " = " macro "(");                        \
        for (size_t i = 0; i < op->member.count; i++) {                                            \
            cz_buf_append_str(out, i ? CZ_STR(",\n                ") : CZ_STR(""));                \
            write(out, &op->member.items[i]);                                                      \
        }                                                                                          \
        cz_buf_append_char(out, ')');                                                              \
    }

static void write_create(cz_buf *out, const cz_operation *op)
{
    cz_buf_append_lit(out, "CZ_CREATE_MODEL(");
    cz__append_c_text(out, op->model);
    cz_buf_append_lit(out, ", CZ_STATE_FIELDS(");
    for (size_t i = 0; i < op->fields.count; i++) {
        cz_buf_append_str(out, i ? CZ_STR(",\n            ") : CZ_STR("\n            "));
        write_field(out, &op->fields.items[i], false);
    }
    cz_buf_append_char(out, ')');
    if (op->table) {
        cz_buf_append_lit(out, ",\n            .table = ");
        cz__append_c_text(out, op->table);
    }
    if (op->unmanaged)
        cz_buf_append_lit(out, ",\n            .unmanaged = true");
    if (op->alias) {
        cz_buf_append_lit(out, ",\n            .alias = ");
        cz__append_c_text(out, op->alias);
    }
    if (op->unique_together.count) {
        cz_buf_append_lit(out, ",\n            .unique_together = ");
        write_names(out, &op->unique_together);
    }
    LIST_MEMBER(indexes, "CZ_STATE_INDEXES", write_index)
    LIST_MEMBER(constraints, "CZ_STATE_CONSTRAINTS", write_constraint)
    cz_buf_append_char(out, ')');
}

/* MACRO("a", "b"); the first NULL ends the list. */
static void write_call(cz_buf *out, const char *macro, const char *a, const char *b, const char *c)
{
    const char *const texts[] = { a, b, c };
    cz_buf_printf(out, "%s(", macro);
    for (size_t i = 0; i < CZ_COUNT(texts) && texts[i]; i++) {
        cz_buf_append_str(out, i ? CZ_STR(", ") : CZ_STR(""));
        cz__append_c_text(out, texts[i]);
    }
    cz_buf_append_char(out, ')');
}

static void write_with_field(cz_buf *out, const char *macro, const cz_operation *op)
{
    cz_buf_printf(out, "%s(", macro);
    cz__append_c_text(out, op->model);
    cz_buf_append_lit(out, ", ");
    write_field(out, &op->fields.items[0], true);
    cz_buf_append_char(out, ')');
}

static void write_together(cz_buf *out, const cz_operation *op)
{
    cz_buf_append_lit(out, "CZ_ALTER_UNIQUE_TOGETHER(");
    cz__append_c_text(out, op->model);
    for (size_t i = 0; i < op->unique_together.count; i++) {
        cz_buf_append_lit(out, ", ");
        cz__append_c_text(out, op->unique_together.items[i]);
    }
    cz_buf_append_char(out, ')');
}

static void write_sql(cz_buf *out, const cz_operation *op)
{
    cz_buf_append_lit(out, "CZ_RUN_SQL(");
    cz__append_c_text(out, op->sql);
    cz_buf_append_lit(out, ", ");
    if (op->reverse_sql)
        cz__append_c_text(out, op->reverse_sql);
    else
        cz_buf_append_lit(out, "NULL");
    if (op->database) {
        write_option(out, "database");
        cz__append_c_text(out, op->database);
    }
    if (op->alias) {
        write_option(out, "alias");
        cz__append_c_text(out, op->alias);
    }
    cz_buf_append_char(out, ')');
}

void cz__append_operation(cz_ctx *ctx, cz_buf *out, const cz_operation *op)
{
    switch (op->kind) {
    case CZ_OPERATION_CREATE_MODEL:
        write_create(out, op);
        return;
    case CZ_OPERATION_DELETE_MODEL:
        write_call(out, "CZ_DELETE_MODEL", op->model, NULL, NULL);
        return;
    case CZ_OPERATION_RENAME_MODEL:
        write_call(out, "CZ_RENAME_MODEL", op->model, op->new_name, NULL);
        return;
    case CZ_OPERATION_ALTER_TABLE:
        cz_buf_append_lit(out, "CZ_ALTER_TABLE(");
        cz__append_c_text(out, op->model);
        cz_buf_append_lit(out, ", ");
        if (op->table)
            cz__append_c_text(out, op->table);
        else
            cz_buf_append_lit(out, "NULL");
        cz_buf_append_char(out, ')');
        return;
    case CZ_OPERATION_ALTER_OPTIONS:
        cz_buf_append_lit(out, "CZ_ALTER_OPTIONS(");
        cz__append_c_text(out, op->model);
        cz_buf_printf(out, ", .unmanaged = %s)", op->unmanaged ? "true" : "false");
        return;
    case CZ_OPERATION_ALTER_UNIQUE_TOGETHER:
        write_together(out, op);
        return;
    case CZ_OPERATION_ADD_FIELD:
        write_with_field(out, "CZ_ADD_FIELD", op);
        return;
    case CZ_OPERATION_ALTER_FIELD:
        write_with_field(out, "CZ_ALTER_FIELD", op);
        return;
    case CZ_OPERATION_REMOVE_FIELD:
        write_call(out, "CZ_REMOVE_FIELD", op->model, op->name, NULL);
        return;
    case CZ_OPERATION_RENAME_FIELD:
        write_call(out, "CZ_RENAME_FIELD", op->model, op->name, op->new_name);
        return;
    case CZ_OPERATION_ADD_INDEX:
        cz_buf_append_lit(out, "CZ_ADD_INDEX(");
        cz__append_c_text(out, op->model);
        cz_buf_append_lit(out, ", ");
        write_index(out, &op->indexes.items[0]);
        cz_buf_append_char(out, ')');
        return;
    case CZ_OPERATION_REMOVE_INDEX:
        write_call(out, "CZ_REMOVE_INDEX", op->model, op->name, NULL);
        return;
    case CZ_OPERATION_RENAME_INDEX:
        write_call(out, "CZ_RENAME_INDEX", op->model, op->name, op->new_name);
        return;
    case CZ_OPERATION_ADD_CONSTRAINT:
        cz_buf_append_lit(out, "CZ_ADD_CONSTRAINT(");
        cz__append_c_text(out, op->model);
        cz_buf_append_lit(out, ", ");
        write_constraint(out, &op->constraints.items[0]);
        cz_buf_append_char(out, ')');
        return;
    case CZ_OPERATION_REMOVE_CONSTRAINT:
        write_call(out, "CZ_REMOVE_CONSTRAINT", op->model, op->name, NULL);
        return;
    case CZ_OPERATION_RUN_SQL:
        write_sql(out, op);
        return;
    case CZ_OPERATION_RUN_C:
    case CZ_OPERATION_SEPARATE:
        break;
    }
    cz_raise(ctx, CZ_EUNSUPPORTED, "\"%s\" cannot be written as C",
             cz__operation_describe(ctx, op));
}

/* ---- files ---- */

static const char *variable_of(cz_ctx *ctx, const cz_migration *migration)
{
    return cz_format(ctx, "%s_%s", migration->app, migration->name).ptr;
}

static void write_depends(cz_buf *out, const cz_dependency_list *depends)
{
    cz_buf_append_lit(out, ",\n    .depends = CZ_DEPENDS(");
    for (size_t i = 0; i < depends->count; i++) {
        cz_buf_append_str(out, i ? CZ_STR(", { ") : CZ_STR("{ "));
        cz__append_c_text(out, depends->items[i].app);
        cz_buf_append_lit(out, ", ");
        cz__append_c_text(out, depends->items[i].name);
        cz_buf_append_lit(out, " }");
    }
    cz_buf_append_char(out, ')');
}

static cz_buf *new_buf(cz_ctx *ctx)
{
    cz_buf *buf = cz_scratch(ctx);
    return buf;
}

cz_str cz__migration_text(cz_ctx *ctx, const cz_migration *migration)
{
    cz_buf *out = new_buf(ctx);
    cz_buf_append_lit(out, "/* ");
    for (size_t i = 0; i < migration->operations.count && i < 3; i++) {
        cz_buf_append_str(out, i ? CZ_STR("; ") : CZ_STR(""));
        cz__append_c_comment(out, cz__operation_describe(ctx, &migration->operations.items[i]));
    }
    if (!migration->operations.count)
        cz_buf_append_str(out, migration->depends.count > 1 ? CZ_STR("Join two histories")
                                                            : CZ_STR("Nothing yet"));
    cz_buf_append_str(out, migration->operations.count > 3 ? CZ_STR("; and more. */\n")
                                                           : CZ_STR(". */\n"));
    cz_buf_append_lit(out,
                      "#include <calzone/migrations.h>\n\n/* clang-format off */\nCZ_MIGRATION(");
    cz_buf_append_str(out, cz_str_from(variable_of(ctx, migration)));
    cz_buf_append_lit(out, ", ");
    cz__append_c_text(out, migration->app);
    cz_buf_append_lit(out, ", ");
    cz__append_c_text(out, migration->name);
    if (migration->replaces.count) {
        cz_buf_append_lit(out, ",\n    .replaces = ");
        write_names(out, &migration->replaces);
    }
    if (migration->depends.count)
        write_depends(out, &migration->depends);
    if (migration->online)
        cz_buf_append_lit(out, ",\n    .online = true");
    for (size_t i = 0; i < migration->operations.count; i++) {
        cz_buf_append_str(out, i ? CZ_STR(",\n        ")
                                 : CZ_STR(",\n    .operations = CZ_OPERATIONS(\n        "));
        cz__append_operation(ctx, out, &migration->operations.items[i]);
    }
    if (migration->operations.count)
        cz_buf_append_char(out, ')');
    cz_buf_append_lit(out, ");\n");
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}

static void close_fd(void *fd)
{
    close((int)(intptr_t)fd);
}

/* A new file with this text; one that is there already is not touched. */
static void create_file(cz_ctx *ctx, const char *path, cz_str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        cz_raise(ctx, errno == EEXIST ? CZ_EEXISTS : CZ_EIO, "%s: %s", path, strerror(errno));
    size_t at = 0;
    while (at < text.len) {
        ssize_t written = write(fd, text.ptr + at, text.len - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            break;
        at += (size_t)written;
    }
    int failed = at < text.len ? errno : 0;
    if (close(fd) && !failed)
        failed = errno;
    if (failed) {
        unlink(path);
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(failed));
    }
}

/* The file's text; empty when there is none. */
static cz_str read_text(cz_ctx *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return (cz_str){ 0 };
    if (fd < 0)
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    cz_defer(ctx, close_fd, (void *)(intptr_t)fd);
    struct stat info;
    if (fstat(fd, &info) || info.st_size > LIST_BYTES_MAX)
        cz_raise(ctx, CZ_EIO, "%s: cannot be read", path);
    char *text = cz_alloc(ctx, (size_t)info.st_size + 1);
    ssize_t got = read(fd, text, (size_t)info.st_size);
    if (got != info.st_size)
        cz_raise(ctx, CZ_EIO, "%s: cannot be read", path);
    return cz_str_of(text, (size_t)got);
}

static cz_str list_with(cz_ctx *ctx, const char *path, cz_str text, const cz_migration *migration)
{
    const char *variable = variable_of(ctx, migration);
    if (!text.len)
        return cz_format(ctx,
                         "/* The migrations of %s, one a line; makemigrations adds to them. */\n"
                         "#include <calzone/migrations.h>\n\n"
                         "CZ_MIGRATION_LIST(%s_migrations)\n{\n    CZ_LISTED(%s);\n    "
                         "CZ_LIST_END;\n}\n",
                         migration->app, migration->app, variable);
    size_t end = cz_str_find(text, CZ_STR("    CZ_LIST_END"));
    if (end == SIZE_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "%s has no line \"    CZ_LIST_END;\" to add before", path);
    return cz_format(ctx, "%.*s    CZ_LISTED(%s);\n%.*s", (int)end, text.ptr, variable,
                     CZ_STR_ARG(cz_str_tail(text, end)));
}

static void make_folder(cz_ctx *ctx, const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
}

struct written {
    const char *list, *next;
    cz_str text;
};

static void replace_list(cz_ctx *ctx, void *arg)
{
    const struct written *written = arg;
    if (unlink(written->next) && errno != ENOENT) /* of a run that was killed */
        cz_raise(ctx, CZ_EIO, "%s: %s", written->next, strerror(errno));
    create_file(ctx, written->next, written->text);
    if (rename(written->next, written->list)) {
        int failed = errno;
        unlink(written->next);
        cz_raise(ctx, CZ_EIO, "%s: %s", written->list, strerror(failed));
    }
}

const char *cz__migration_write(cz_ctx *ctx, const char *folder, const cz_migration *migration,
                                bool *out_new_list)
{
    const char *own = cz_format(ctx, "%s/migrations", folder).ptr;
    const char *path = cz_format(ctx, "%s/%s.c", own, migration->name).ptr;
    struct written written = { cz_format(ctx, "%s/list.h", own).ptr,
                               cz_format(ctx, "%s/list.h.new", own).ptr,
                               { 0 } };
    cz_str text = cz__migration_text(ctx, migration);
    if (access(path, F_OK) == 0)
        cz_raise(ctx, CZ_EEXISTS,
                 "%s is there already, and this program was built without it: build it first",
                 path);
    make_folder(ctx, own);
    cz_str list = read_text(ctx, written.list);
    written.text = list_with(ctx, written.list, list, migration);
    create_file(ctx, path, text);
    cz_error err;
    if (cz_try(ctx, replace_list, &written, &err)) {
        unlink(path);
        cz_raise_error(ctx, &err);
    }
    *out_new_list = !list.len;
    return path;
}
