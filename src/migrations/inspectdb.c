/* Models from tables, as Django's inspectdb: a beginning for a person to go over. Types are those of SQLite and
 * PostgreSQL, and the names Django and others use in SQLite, where a column's type is what one writes. */
#include "migrations/inspectdb.h"
#include "db/introspection.h"
#include "migrations/migrations_internal.h"

static cz__db_session *session_of(cz_ctx *ctx)
{
    cz__db_session *session = NULL;
    cz_error err;
    if (cz__db_session_of(ctx, &session, &err))
        cz_raise_error(ctx, &err);
    return session;
}

static const char *const keywords = " auto break case char const continue default do double else "
                                    "enum extern float for goto if inline "
                                    "int long register restrict return short signed sizeof static "
                                    "struct switch typedef typeof union "
                                    "unsigned void volatile while asm bool true false ";

/* "StoreBook" for "store_book". */
static const char *model_name(cz_ctx *ctx, const char *table)
{
    char *name = cz_alloc(ctx, strlen(table) + 2);
    size_t len = 0;
    bool upper = true;
    for (; *table; table++) {
        bool letter = (*table >= 'a' && *table <= 'z') || (*table >= 'A' && *table <= 'Z');
        bool digit = *table >= '0' && *table <= '9';
        if (digit && !len)
            name[len++] = 'T';
        if (letter || digit)
            name[len++] = upper && *table >= 'a' && *table <= 'z' ? (char)(*table - 32) : *table;
        upper = !letter && !digit;
    }
    name[len] = '\0';
    return len ? name : "Table";
}

/* A column's name as a C member: no keyword, no blanks, no two underscores in a row. */
static const char *member_name(cz_ctx *ctx, const char *column)
{
    char *name = cz_alloc(ctx, strlen(column) + 8);
    size_t len = 0;
    for (const char *c = column; *c; c++) {
        bool good =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!len && *c >= '0' && *c <= '9')
            name[len++] = 'n';
        if (good || (len && name[len - 1] != '_'))
            name[len++] = !good ? '_' : *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    }
    name[len] = '\0';
    if (!len || strstr(keywords, cz_format(ctx, " %s ", name).ptr))
        memcpy(name + len, "_field", sizeof "_field");
    return name;
}

/* ---- types ---- */

static const struct {
    const char *begins; /* the type, in small letters */
    const char *kind;
} types[] = {
    { "bool", "bool_field" },
    { "bigint[]", "int_array_field" },
    { "integer[]", "int_array_field" },
    { "text[]", "text_array_field" },
    { "character varying[]", "text_array_field" },
    { "bigint", "big_int_field" },
    { "smallint", "small_int_field" },
    { "integer", "int_field" },
    { "int", "int_field" },
    { "tinyint", "small_int_field" },
    { "real", "float_field" },
    { "double", "float_field" },
    { "float", "float_field" },
    { "numeric", "decimal_field" },
    { "decimal", "decimal_field" },
    { "timestamp", "datetime_field" },
    { "datetime", "datetime_field" },
    { "date", "date_field" },
    { "time", "time_field" },
    { "interval", "duration_field" },
    { "uuid", "uuid_field" },
    { "json", "json_field" },
    { "bytea", "binary_field" },
    { "blob", "binary_field" },
    { "inet", "ip_field" },
    { "cidr", "ip_field" },
    { "character", "char_field" },
    { "varchar", "char_field" },
    { "char", "char_field" },
    { "text", "text_field" },
};

static const char *kind_of(cz_ctx *ctx, const cz__table_info *table, const cz__column_info *column)
{
    const char *type = cz__lower(ctx, column->type);
    const char *is_bool = cz_format(ctx, "\"%s\" IN (0, 1)", column->name).ptr;
    const char *is_json = cz_format(ctx, "json_valid(\"%s\")", column->name).ptr;
    for (size_t i = 0; i < table->check_count; i++) { /* how SQLite's tables of ours say it */
        if (strcmp(table->checks[i], is_bool) == 0)
            return "bool_field";
        if (strcmp(table->checks[i], is_json) == 0)
            return "json_field";
    }
    if (strcmp(column->type, "INTEGER") == 0)
        return "big_int_field"; /* SQLite's whole numbers have 64 bits */
    for (size_t i = 0; i < CZ_COUNT(types); i++)
        if (strncmp(type, types[i].begins, strlen(types[i].begins)) == 0)
            return types[i].kind;
    return NULL;
}

/* The numbers of "numeric(8, 2)"; 0 where there is none. */
static void read_numbers(const char *type, uint64_t out[2])
{
    cz_str rest = cz_str_from(type);
    size_t open = cz_str_find_char(rest, '(');
    out[0] = out[1] = 0;
    if (open == SIZE_MAX)
        return;
    rest = cz_str_tail(rest, open + 1);
    cz_str inside = cz_str_cut(&rest, ')');
    for (int i = 0; i < 2; i++)
        if (cz_str_to_u64(cz_str_trim(cz_str_cut(&inside, ',')), &out[i]))
            out[i] = 0;
}

static bool has_index(const cz__table_info *table, const char *column, bool unique)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const cz__index_info *index = &table->indexes[i];
        if (index->unique == unique && index->column_count == 1 && !index->where &&
            strcmp(index->columns[0], column) == 0)
            return true;
    }
    return false;
}

/* ---- fields ---- */

static void write_options(cz_buf *out, const cz__table_info *table, const cz__column_info *column,
                          const char *kind, const char *implied)
{
    uint64_t numbers[2];
    read_numbers(column->type, numbers);
    if (strcmp(kind, "char_field") == 0 && numbers[0])
        cz_buf_printf(out, ", .max_length = %u", (unsigned)numbers[0]);
    if (strcmp(kind, "decimal_field") == 0)
        cz_buf_printf(out, ", .digits = %u, .places = %u", numbers[0] ? (unsigned)numbers[0] : 18u,
                      (unsigned)numbers[1]);
    if (column->null)
        cz_buf_append_lit(out, ", .null = true");
    if (strcmp(kind, "one_to_one") != 0 && has_index(table, column->name, true))
        cz_buf_append_lit(out, ", .unique = true");
    else if (!column->references_table && has_index(table, column->name, false))
        cz_buf_append_lit(out, ", .index = true");
    if (!cz_str_eq(cz_str_from(implied), cz_str_from(column->name)))
        cz_buf_printf(out, ", .column = \"%s\"", column->name);
}

static void write_field(cz_ctx *ctx, cz_buf *out, const cz__table_info *table,
                        const cz__column_info *column)
{
    cz_str name = cz_str_from(member_name(ctx, column->name));
    if (column->references_table) {
        bool single = has_index(table, column->name, true);
        if (cz_str_ends_with(name, CZ_STR("_id")) && name.len > 3)
            name = cz_copy(ctx, cz_str_head(name, name.len - 3));
        const char *kind = single ? "one_to_one" : "foreign_key";
        cz_buf_printf(out, "    F(%s, %s, %s, .on_delete = CZ_DO_NOTHING", kind, name.ptr,
                      model_name(ctx, column->references_table));
        write_options(out, table, column, kind, cz_format(ctx, "%s_id", name.ptr).ptr);
    } else {
        const char *kind = kind_of(ctx, table, column);
        cz_buf_printf(out, "    F(%s, %s", kind ? kind : "text_field", name.ptr);
        write_options(out, table, column, kind ? kind : "text_field", name.ptr);
        if (!kind)
            cz_buf_printf(out, " /* its type is %s */", column->type);
    }
    cz_buf_append_char(out, ')');
}

/* ---- models ---- */

static const cz__column_info *key_of(const cz__table_info *table)
{
    const cz__column_info *key = NULL;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].primary_key)
            key = key ? NULL : &table->columns[i];
    return key;
}

static bool is_uuid(cz_ctx *ctx, const cz__table_info *table)
{
    const cz__column_info *key = key_of(table);
    const char *kind = key ? kind_of(ctx, table, key) : NULL;
    return kind && (strcmp(kind, "uuid_field") == 0 || strcmp(kind, "text_field") == 0);
}

/* Whether an index is of columns alone. */
static bool is_plain(const cz__table_info *table, const cz__index_info *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        bool found = false;
        for (size_t c = 0; c < table->column_count && !found; c++)
            found = strcmp(table->columns[c].name, index->columns[i]) == 0;
        if (!found)
            return false;
    }
    return true;
}

static void write_together(cz_ctx *ctx, cz_buf *out, const cz__table_info *table)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const cz__index_info *index = &table->indexes[i];
        if (!index->unique || index->column_count < 2 || index->where || !is_plain(table, index))
            continue;
        cz_buf_printf(out, ", .unique_together = CZ_FIELDS(%s", model_name(ctx, table->name));
        for (size_t c = 0; c < index->column_count; c++)
            cz_buf_printf(out, ", %s", member_name(ctx, index->columns[c]));
        cz_buf_append_char(out, ')');
        return;
    }
}

static void write_model(cz_ctx *ctx, cz_buf *out, const cz__table_info *table)
{
    const char *model = model_name(ctx, table->name);
    const cz__column_info *key = key_of(table);
    size_t len = strlen(model);
    char *list = cz_alloc(ctx, len + 1);
    for (size_t i = 0; i <= len; i++)
        list[i] = model[i] >= 'a' && model[i] <= 'z' ? (char)(model[i] - 32) : model[i];
    if (!key || strcmp(key->name, "id") != 0)
        cz_buf_printf(out, "/* %s: its key is not one column called id, which a model needs. */\n",
                      table->name);
    cz_buf_printf(out, "#define %s(F)", list);
    for (size_t i = 0; i < table->column_count; i++) {
        if (&table->columns[i] == key)
            continue;
        cz_buf_append_lit(out, " \\\n");
        write_field(ctx, out, table, &table->columns[i]);
    }
    cz_buf_printf(out, "\n%s(%s, %s, .table = \"%s\"",
                  is_uuid(ctx, table) ? "CZ_MODEL_UUID" : "CZ_MODEL", model, list, table->name);
    write_together(ctx, out, table);
    cz_buf_append_lit(out, ");\n\n");
}

static void free_buf(void *buf)
{
    cz_buf_done(buf);
}

static cz__table_info describe(cz_ctx *ctx, const char *table)
{
    cz__db_session *session = session_of(ctx);
    cz__table_info info;
    cz_error err;
    if (session->db->driver->describe_table(ctx, session, table, &info, &err))
        cz_raise_error(ctx, &err);
    return info;
}

static bool is_own(cz_str name)
{
    return cz_str_starts_with(name, CZ_STR("calzone_")) ||
           cz_str_eq(name, CZ_STR("django_migrations"));
}

cz_str cz__inspectdb(cz_ctx *ctx, const char *const *tables, size_t count)
{
    cz__db_session *session = session_of(ctx);
    cz_error err;
    cz_str_list all = { 0 };
    if (!count && session->db->driver->list_tables(ctx, session, &all, &err))
        cz_raise_error(ctx, &err);
    cz__table_info *infos = cz_array(ctx, cz__table_info, count + all.count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        infos[found++] = describe(ctx, tables[i]);
    for (size_t i = 0; i < all.count; i++)
        if (!is_own(all.items[i]))
            infos[found++] = describe(ctx, all.items[i].ptr);
    cz_buf *out = cz_new(ctx, cz_buf);
    cz_defer(ctx, free_buf, out);
    cz_buf_append_lit(out,
                      "/* Models of tables that existed: go over names, kinds and on_delete. */\n"
                      "#include <calzone/calzone.h>\n\n");
    for (size_t i = 0; i < found; i++)
        cz_buf_printf(out, "%s(%s)\n",
                      is_uuid(ctx, &infos[i]) ? "CZ_MODEL_FORWARD_UUID" : "CZ_MODEL_FORWARD",
                      model_name(ctx, infos[i].name));
    cz_buf_append_lit(out, "\n");
    for (size_t i = 0; i < found; i++)
        write_model(ctx, out, &infos[i]);
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}
