/* Which kinds of fields a table's columns are. Types are those of SQLite and PostgreSQL, and the names Django and
 * others use in SQLite, where a column's type is what one writes. */
#include "migrations/inspectdb_internal.h"

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
    { "bigserial", "big_int_field" },
    { "smallint", "small_int_field" },
    { "interval", "duration_field" },
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

/* What Django writes in SQLite for a UUID and an address; its texts are varchar and text. */
static const char *kind_by_django(const char *type)
{
    return strcmp(type, "char(32)") == 0   ? "uuid_field"
           : strcmp(type, "char(39)") == 0 ? "ip_field"
                                           : NULL;
}

void cz__inspect_numbers(const char *type, uint64_t out[2])
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

/* A column's name as its own table's CHECKs write it. */
static const char *quoted(cz_ctx *ctx, const char *name)
{
    cz_buf *buf = cz_new(ctx, cz_buf);
    cz__db_append_name(buf, name);
    const char *text = cz_buf_status(buf) ? "" : cz_copy(ctx, cz_buf_str(buf)).ptr;
    cz_buf_done(buf);
    return text;
}

/* The kind that a CHECK gives a column of SQLite: ours, or Django's of a document. */
static const char *kind_by_check(cz_ctx *ctx, const char *column, const char *check)
{
    const char *name = quoted(ctx, column);
    if (strcmp(check, cz_format(ctx, "%s IN (0, 1)", name).ptr) == 0)
        return "bool_field";
    if (strcmp(check, cz_format(ctx, "json_valid(%s)", name).ptr) == 0 ||
        strcmp(check, cz_format(ctx, "%s IS NULL OR json_valid(%s)", name, name).ptr) == 0 ||
        strcmp(check, cz_format(ctx, "(JSON_VALID(%s) OR %s IS NULL)", name, name).ptr) == 0)
        return "json_field";
    return NULL;
}

bool cz__inspect_is_implied(cz_ctx *ctx, const cz__table_info *table, const char *check)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (kind_by_check(ctx, table->columns[i].name, check))
            return true;
    return false;
}

static const char *kind_of(const struct cz__inspection *all, const cz__table_info *table,
                           const cz__column_info *column)
{
    cz_ctx *ctx = all->ctx;
    const char *type = cz__lower(ctx, column->type), *kind;
    for (size_t i = 0; i < table->check_count; i++)
        if ((kind = kind_by_check(ctx, column->name, table->checks[i])))
            return kind;
    if (all->made_by_django && (kind = kind_by_django(type)))
        return kind;
    if (strcmp(column->type, "INTEGER") == 0)
        return "big_int_field"; /* SQLite's whole numbers have 64 bits */
    if (cz_str_ends_with(cz_str_from(type), CZ_STR("range")))
        return NULL; /* int4range is no whole number */
    uint64_t numbers[2];
    cz__inspect_numbers(type, numbers);
    for (size_t i = 0; i < CZ_COUNT(types); i++) {
        if (strncmp(type, types[i].begins, strlen(types[i].begins)) != 0)
            continue;
        if (strstr(type, "[]") && !strstr(types[i].kind, "array"))
            return NULL; /* of a kind that has no arrays */
        return strcmp(types[i].kind, "char_field") == 0 && !numbers[0] ? "text_field"
                                                                       : types[i].kind;
    }
    return NULL;
}

const char *cz__inspect_long_name(const cz__table_info *table)
{
    if (strlen(table->name) > CZ__INSPECTED_NAME_BYTES_MAX)
        return table->name;
    for (size_t i = 0; i < table->column_count; i++)
        if (strlen(table->columns[i].name) > CZ__INSPECTED_NAME_BYTES_MAX)
            return table->columns[i].name;
    return NULL;
}

void cz__inspect_key(const struct cz__inspection *all, struct cz__inspected *table)
{
    const cz__column_info *key = NULL;
    size_t count = 0;
    for (size_t i = 0; i < table->info.column_count; i++) {
        if (!table->info.columns[i].primary_key)
            continue;
        key = &table->info.columns[i];
        count++;
    }
    if (count != 1 || strcmp(key->name, "id") != 0 || key->references_table ||
        cz__inspect_long_name(&table->info))
        return;
    const char *kind = kind_of(all, &table->info, key);
    /* our own UUIDs are TEXT in SQLite */
    table->uuid = kind && (strcmp(kind, "uuid_field") == 0 || strcmp(key->type, "TEXT") == 0);
    table->keyed =
        table->uuid || (kind && cz_str_ends_with(cz_str_from(kind), CZ_STR("int_field")));
}

static const struct cz__inspected *find_table(const struct cz__inspection *all, const char *name)
{
    for (size_t i = 0; name && i < all->count; i++)
        if (cz__same_name(all->tables[i].info.name, name))
            return &all->tables[i];
    return NULL;
}

struct named {
    const struct cz__inspected *table;
    size_t count; /* the columns before have names */
    bool relation;
};

static bool is_called(const struct named *named, const char *name)
{
    for (size_t i = 0; i < named->count; i++) {
        const struct cz__inspected_column *column = &named->table->columns[i];
        if (column->as == CZ__INSPECTED_KEY)
            continue;
        if (strcmp(column->name, name) == 0)
            return true;
        size_t len = strlen(column->name); /* a relation's key is a member, too */
        if (column->as == CZ__INSPECTED_RELATION && strncmp(column->name, name, len) == 0 &&
            strcmp(name + len, "_id") == 0)
            return true;
    }
    return strcmp(name, "id") == 0;
}

static bool is_used(void *arg, const char *name)
{
    const struct named *named = arg;
    char attribute[512];
    if (is_called(named, name))
        return true;
    size_t len = strlen(name);
    if (!named->relation || len + sizeof "_id" > sizeof attribute)
        return false;
    memcpy(attribute, name, len);
    memcpy(attribute + len, "_id", sizeof "_id");
    return is_called(named, attribute);
}

static bool is_of_django(const struct cz__inspection *all,
                         const struct cz__inspected_column *column)
{
    const char *type = cz__lower(all->ctx, column->info->type);
    return column->as != CZ__INSPECTED_RELATION && column->kind &&
           ((strcmp(column->kind, "decimal_field") == 0 && (all->scaled || all->made_by_django)) ||
            (all->made_by_django &&
             (strcmp(column->kind, "uuid_field") == 0 || strcmp(type, "char(32)") == 0)));
}

void cz__inspect_columns(const struct cz__inspection *all, struct cz__inspected *table)
{
    cz_ctx *ctx = all->ctx;
    table->columns = cz_array(ctx, struct cz__inspected_column, table->info.column_count + 1);
    struct named named = { table, 0, false };
    for (; named.count < table->info.column_count; named.count++) {
        const cz__column_info *info = &table->info.columns[named.count];
        struct cz__inspected_column *column = &table->columns[named.count];
        column->info = info;
        column->kind = kind_of(all, &table->info, info);
        const struct cz__inspected *target = find_table(all, info->references_table);
        cz_str name = cz_str_from(cz__inspect_member_name(ctx, info->name));
        if (info->primary_key && table->keyed) {
            column->as = CZ__INSPECTED_KEY;
        } else if (target && target->keyed && strcmp(info->references_column, "id") == 0) {
            column->as = CZ__INSPECTED_RELATION;
            column->target = target;
            if (cz_str_ends_with(name, CZ_STR("_id")) && name.len > 3)
                name = cz_str_from(cz__inspect_member_name(
                    ctx, cz_copy(ctx, cz_str_head(name, name.len - 3)).ptr));
        } else {
            column->as = CZ__INSPECTED_FIELD;
            column->unknown = !column->kind;
            column->kind = column->kind ? column->kind : "text_field";
        }
        named.relation = column->as == CZ__INSPECTED_RELATION;
        column->name = cz__inspect_unique(ctx, name.ptr, is_used, &named);
        table->django |= is_of_django(all, column);
    }
}

static const char *link_column(cz_ctx *ctx, const char *before, const struct cz__inspected *model)
{
    return cz_format(ctx, "%s%s_id", before, cz__lower(ctx, model->model)).ptr;
}

void cz__inspect_link(const struct cz__inspection *all, struct cz__inspected *table)
{
    cz_ctx *ctx = all->ctx;
    if (table->info.column_count != 3 || !table->keyed || table->uuid)
        return;
    const struct cz__inspected_column *a = &table->columns[1], *b = &table->columns[2];
    if (a->as != CZ__INSPECTED_RELATION || b->as != CZ__INSPECTED_RELATION || a->info->null ||
        b->info->null)
        return;
    bool self = a->target == b->target;
    const char *first = link_column(ctx, self ? "from_" : "", a->target);
    const char *second = link_column(ctx, self ? "to_" : "", b->target);
    if (strcmp(a->info->name, first) != 0 || strcmp(b->info->name, second) != 0)
        return;
    cz_str name = cz_str_from(table->info.name), of = cz_str_from(a->target->info.name);
    if (!cz_str_starts_with(name, of) || name.len < of.len + 2 || name.ptr[of.len] != '_')
        return;
    const char *field = name.ptr + of.len + 1;
    if (strcmp(cz__inspect_member_name(ctx, field), field) != 0)
        return;
    for (size_t i = 0; i < a->target->info.column_count; i++) /* a field has the name already */
        if (strcmp(a->target->columns[i].name, field) == 0)
            return;
    table->from = a->target;
    table->to = b->target;
    table->link = field;
}
