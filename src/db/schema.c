#include "db/schema.h"
#include <stdio.h>

cz_status cz__sql_list_add(cz__sql_list *list, cz_buf *sql, cz_error *err)
{
    cz_status status = cz_buf_status(sql);
    if (!status && list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        cz_str *grown = cz__arena_grown(list->arena, list->items, list->count, cap, sizeof *grown);
        if (grown) {
            list->items = grown;
            list->cap = cap;
        } else {
            status = CZ_ENOMEM;
        }
    }
    if (!status)
        status = cz_str_dup(list->arena, cz_buf_str(sql), &list->items[list->count]);
    if (status)
        return cz_error_set(err, status, "no memory to write a table's SQL");
    list->count++;
    cz_buf_clear(sql);
    return CZ_OK;
}

void cz__sql_script_add(cz__sql_script *script)
{
    if (!script->status)
        script->status = cz__sql_list_add(script->out, &script->sql, script->err);
    cz_buf_clear(&script->sql);
}

/* FNV-1a: the same in every process and version, which a keyed hash is not. */
static uint32_t hash_name(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

void cz__db_name(char *out, const char *table, const char *const *columns, size_t count,
                 const char *suffix)
{
    char whole[1024];
    int added = snprintf(whole, sizeof whole, "%s", table);
    size_t len = added > 0 ? (size_t)added : 0;
    for (size_t i = 0; i < count && len < sizeof whole; i++) {
        const char *column = columns[i][0] == '-' ? columns[i] + 1 : columns[i];
        added = snprintf(whole + len, sizeof whole - len, "_%s", column);
        len += added > 0 ? (size_t)added : 0;
    }
    size_t suffix_len = strlen(suffix), keep = len;
    char hash[10] = "";
    if (len + 1 + suffix_len > CZ__DB_NAME_BYTES_MAX) {
        keep = CZ__DB_NAME_BYTES_MAX - suffix_len - sizeof hash;
        while (keep && ((unsigned char)whole[keep] & 0xc0) == 0x80)
            keep--; /* not inside a character */
        cz_ignore(snprintf(hash, sizeof hash, "_%08x", hash_name(whole))); /* fits */
    }
    memcpy(out, whole, keep);
    char *at = out + keep;
    for (const char *c = hash; *c; c++)
        *at++ = *c;
    *at++ = '_';
    memcpy(at, suffix, suffix_len + 1);
}

/* The end of a $tag$...$tag$ that begins at `at`; `at` itself when none does. */
static size_t skip_dollars(cz_str sql, size_t at)
{
    size_t end = at + 1;
    while (end < sql.len && sql.ptr[end] != '$') {
        char c = sql.ptr[end++];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      (unsigned char)c >= 0x80;
        if (!letter && !(c >= '0' && c <= '9' && end > at + 2))
            return at;
    }
    if (end >= sql.len)
        return at;
    cz_str tag = cz_str_of(sql.ptr + at, end + 1 - at);
    size_t close = cz_str_find(cz_str_tail(sql, end + 1), tag);
    return close == SIZE_MAX ? sql.len : end + 1 + close + tag.len;
}

size_t cz__sql_piece(cz_str sql, size_t at)
{
    cz_str rest = cz_str_tail(sql, at);
    char c = sql.ptr[at];
    size_t end = SIZE_MAX;
    if (c == '\'' || c == '"') {
        end = cz_str_find_char(cz_str_tail(rest, 1), c); /* a doubled one begins the next piece */
        return end == SIZE_MAX ? sql.len : at + end + 2;
    }
    if (cz_str_starts_with(rest, CZ_STR("--"))) {
        end = cz_str_find_char(rest, '\n');
        return end == SIZE_MAX ? sql.len : at + end + 1;
    }
    if (cz_str_starts_with(rest, CZ_STR("/*"))) {
        end = cz_str_find(rest, CZ_STR("*/"));
        return end == SIZE_MAX ? sql.len : at + end + 2;
    }
    if (c == '$')
        end = skip_dollars(sql, at);
    return end == SIZE_MAX || end == at ? at + 1 : end;
}

cz_str cz__sql_cut(cz_str *rest)
{
    while (rest->len) {
        size_t at = 0;
        while (at < rest->len && rest->ptr[at] != ';')
            at = cz__sql_piece(*rest, at);
        cz_str statement = cz_str_trim(cz_str_head(*rest, at));
        *rest = cz_str_tail(*rest, at + 1);
        if (statement.len)
            return statement;
    }
    return (cz_str){ 0 };
}

void cz__db_append_text(cz_buf *sql, cz_str text)
{
    cz_buf_append_char(sql, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            cz_buf_append_char(sql, '\'');
        cz_buf_append_char(sql, text.ptr[i]);
    }
    cz_buf_append_char(sql, '\'');
}

static bool is_name(const char *a, const char *b)
{
    return cz_str_eq_icase(cz_str_from(a), cz_str_from(b));
}

const cz__db_column *cz__db_column_find(const cz__db_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (is_name(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

bool cz__db_column_is_counted(const cz__db_column *column)
{
    return column->primary_key && !column->references_table &&
           (column->type == CZ__DB_INT16 || column->type == CZ__DB_INT32 ||
            column->type == CZ__DB_INT64);
}

const cz__db_param *cz__schema_fill(const cz__schema_step *step, const cz__db_column *column)
{
    if (!step->fills)
        return NULL;
    const cz__db_param *fill = &step->fills[column - step->after->columns];
    return fill->kind == CZ__PARAM_NULL ? NULL : fill;
}

bool cz__db_index_at(cz_arena *arena, const cz__db_table *table, size_t at, cz__db_index *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const cz__db_column *column = &table->columns[i];
        if (!column->index || column->unique || column->primary_key)
            continue;
        if (at--)
            continue;
        char name[CZ__DB_NAME_BYTES_MAX + 1];
        cz__db_name(name, table->name, &column->name, 1, "idx");
        const char *copy = cz_arena_strdup(arena, name);
        *out =
            (cz__db_index){ .name = copy ? copy : "", .columns = &column->name, .column_count = 1 };
        return true;
    }
    if (at >= table->index_count)
        return false;
    *out = table->indexes[at];
    return true;
}

static bool is_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool param_eq(const cz__db_param *a, const cz__db_param *b)
{
    return a->kind == b->kind && a->type == b->type && a->integer == b->integer &&
           a->real <= b->real && a->real >= b->real && cz_str_eq(a->text, b->text) &&
           memcmp(&a->uuid, &b->uuid, sizeof a->uuid) == 0 &&
           cz_decimal_compare(a->decimal, b->decimal) == 0;
}

bool cz__db_default_eq(const cz__db_default_value *a, const cz__db_default_value *b)
{
    return a->kind == b->kind && is_text(a->sql, b->sql) && param_eq(&a->value, &b->value);
}

static bool are_names(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!is_name(a[i], b[i]))
            return false;
    return true;
}

bool cz__db_index_eq(const cz__db_index *a, const cz__db_index *b)
{
    return a->unique == b->unique && is_text(a->where, b->where) &&
           is_text(a->expressions, b->expressions) && is_text(a->method, b->method) &&
           is_text(a->search, b->search) && is_text(a->weights, b->weights) &&
           are_names(a->columns, a->column_count, b->columns, b->column_count) &&
           are_names(a->include, a->include_count, b->include, b->include_count);
}

bool cz__db_has_index(cz_arena *arena, const cz__db_table *table, const cz__db_index *index)
{
    cz__db_index other;
    for (size_t i = 0; cz__db_index_at(arena, table, i, &other); i++)
        if (is_text(index->name, other.name) && cz__db_index_eq(index, &other))
            return true;
    return false;
}

bool cz__db_check_eq(const cz__db_check *a, const cz__db_check *b)
{
    return is_text(a->name, b->name) && is_text(a->sql, b->sql);
}

bool cz__schema_together_differs(const cz__schema_step *step)
{
    const cz__db_table *before = step->before, *after = step->after;
    if (before->unique_together_count != after->unique_together_count)
        return true;
    for (size_t i = 0; i < before->unique_together_count; i++)
        if (!is_name(before->unique_together[i], after->unique_together[i]))
            return true;
    return false;
}
