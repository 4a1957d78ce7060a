/* Models from tables, as Django's inspectdb: a beginning for a person to go over. Whatever the database holds for
 * names, types and conditions, what is written is C that compiles: names become identifiers, text stands in
 * strings and comments that it cannot end. */
#include "migrations/inspectdb.h"
#include "migrations/inspectdb_internal.h"

enum { MODELS_PER_APP = 64 };

/* ---- fields ---- */

/* Whether an index is no more than its column's .index or .unique says. */
static bool stands_at_field(const cz__index_info *index)
{
    return index->column_count == 1 && !index->where && !index->special && !index->method;
}

static bool has_index(const cz__table_info *table, const char *column, bool unique)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const cz__index_info *index = &table->indexes[i];
        if (index->unique == unique && stands_at_field(index) &&
            strcmp(index->columns[0], column) == 0)
            return true;
    }
    return false;
}

static void write_string(cz_buf *out, const char *option, const char *text)
{
    cz_buf_printf(out, "%s", option);
    cz__append_c_text(out, text);
}

static void write_options(cz_buf *out, const cz__table_info *table,
                          const struct cz__inspected_column *column, const char *kind,
                          const char *implied)
{
    const cz__column_info *info = column->info;
    uint64_t numbers[2];
    cz__inspect_numbers(info->type, numbers);
    if (strcmp(kind, "char_field") == 0)
        cz_buf_printf(out, ", .max_length = %u", (unsigned)numbers[0]);
    bool guessed = strcmp(kind, "decimal_field") == 0 && !numbers[0];
    if (strcmp(kind, "decimal_field") == 0)
        cz_buf_printf(out, ", .digits = %u, .places = %u", guessed ? 15 : (unsigned)numbers[0],
                      guessed ? 5 : (unsigned)numbers[1]);
    if (info->null)
        cz_buf_append_lit(out, ", .null = true");
    if (strcmp(kind, "one_to_one") != 0 && has_index(table, info->name, true))
        cz_buf_append_lit(out, ", .unique = true");
    else if (column->as == CZ__INSPECTED_FIELD && has_index(table, info->name, false))
        cz_buf_append_lit(out, ", .index = true");
    if (strcmp(implied, info->name) != 0)
        write_string(out, ", .column = ", info->name);
    cz_buf_append_char(out, ')');
    if (guessed)
        cz_buf_append_lit(out, " /* how many digits and places, the database does not say */");
    if (column->unknown) {
        cz_buf_append_lit(out, " /* its type is ");
        cz__append_c_comment(out, info->type);
        cz_buf_append_lit(out, " */");
    }
}

static void write_field(cz_ctx *ctx, cz_buf *out, const cz__table_info *table,
                        const struct cz__inspected_column *column)
{
    cz_buf_append_lit(out, " \\\n");
    if (column->as == CZ__INSPECTED_RELATION) {
        const char *kind =
            has_index(table, column->info->name, true) ? "one_to_one" : "foreign_key";
        cz_buf_printf(out, "    F(%s, %s, %s, .on_delete = CZ_DO_NOTHING", kind, column->name,
                      column->target->model);
        write_options(out, table, column, kind, cz_format(ctx, "%s_id", column->name).ptr);
    } else {
        cz_buf_printf(out, "    F(%s, %s", column->kind, column->name);
        write_options(out, table, column, column->kind, column->name);
    }
}

/* ---- what is said of the whole table ---- */

/* The member a column is in a list of fields; NULL: none. */
static const char *member_of(cz_ctx *ctx, const struct cz__inspected *table, const char *column)
{
    for (size_t i = 0; i < table->info.column_count; i++) {
        const struct cz__inspected_column *at = &table->columns[i];
        if (strcmp(at->info->name, column) != 0)
            continue;
        return at->as == CZ__INSPECTED_KEY        ? "id"
               : at->as == CZ__INSPECTED_RELATION ? cz_format(ctx, "%s_id", at->name).ptr
                                                  : at->name;
    }
    return NULL;
}

/* What the columns of an index are in C. */
struct written {
    bool named;    /* every column of its key is a field */
    bool descends; /* one of them does */
    bool told; /* every column of its key is a field, or an expression that the database tells */
    size_t included; /* beside the key */
};

/* "price" of "-price" and "+price", but for a column that is called so. */
static const char *bare(cz_ctx *ctx, const struct cz__inspected *table, const char *column)
{
    return (*column == '-' || *column == '+') && !member_of(ctx, table, column) ? column + 1
                                                                                : column;
}

static struct written look_at(cz_ctx *ctx, const struct cz__inspected *table,
                              const cz__index_info *index)
{
    struct written is = { .named = true, .told = true };
    for (size_t i = 0; i < index->column_count; i++) {
        const char *column = bare(ctx, table, index->columns[i]);
        bool field = member_of(ctx, table, column) != NULL;
        is.named &= field;
        is.told &= field || strcmp(column, "()") != 0;
        if (column == index->columns[i])
            continue;
        if (index->columns[i][0] == '+')
            is.included++;
        else
            is.descends = true;
    }
    return is;
}

/* "CZ_FIELDS(M, a, b)" of the columns from `first` up to `end`. */
static void write_members(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                          const cz__index_info *index, size_t first, size_t end)
{
    cz_buf_printf(out, "CZ_FIELDS(%s", table->model);
    for (size_t i = first; i < end; i++)
        cz_buf_printf(out, ", %s", member_of(ctx, table, bare(ctx, table, index->columns[i])));
    cz_buf_append_char(out, ')');
}

/* CZ_ORDER_BY(CZ_DESC(M, a), CZ_ASC(M, b)). */
static void write_order(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                        const cz__index_info *index, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        const char *column = bare(ctx, table, index->columns[i]);
        cz_buf_printf(out, "%s%s(%s, %s)", i ? ", " : "CZ_ORDER_BY(",
                      column == index->columns[i] ? "CZ_ASC" : "CZ_DESC", table->model,
                      member_of(ctx, table, column));
    }
    cz_buf_append_char(out, ')');
}

/* What stands between the parentheses of CREATE INDEX, as a string. */
static void write_expressions(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                              const cz__index_info *index, size_t end)
{
    cz_buf *sql = cz_new(ctx, cz_buf);
    for (size_t i = 0; i < end; i++) {
        const char *column = bare(ctx, table, index->columns[i]);
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(""));
        if (member_of(ctx, table, column))
            cz__db_append_name(sql, column);
        else
            cz_buf_append_str(sql, cz_str_from(column));
        if (column != index->columns[i])
            cz_buf_append_lit(sql, " DESC");
    }
    cz_status status = cz_buf_status(sql);
    if (!status)
        write_string(out, ", .expressions = ", cz_copy(ctx, cz_buf_str(sql)).ptr);
    cz_buf_done(sql);
    cz_check(ctx, status);
}

static bool is_plain(const cz__index_info *index, const struct written *is)
{
    return is->named && !is->descends && !is->included && !index->special && !index->method;
}

static const cz__index_info *together_of(cz_ctx *ctx, const struct cz__inspected *table)
{
    for (size_t i = 0; i < table->info.index_count; i++) {
        const cz__index_info *index = &table->info.indexes[i];
        struct written is = look_at(ctx, table, index);
        if (index->unique && !index->where && index->column_count > 1 && is_plain(index, &is))
            return index;
    }
    return NULL;
}

/* Why an index is in no model; NULL: it is in one. */
static const char *why_left_out(cz_ctx *ctx, const struct cz__inspected *table,
                                const cz__index_info *index, const cz__index_info *together)
{
    static const char *const methods[] = { "hash", "gin", "gist", "spgist", "brin" };
    struct written is = look_at(ctx, table, index);
    bool known = !index->method;
    for (size_t i = 0; i < CZ_COUNT(methods); i++)
        known = known || strcmp(index->method, methods[i]) == 0;
    if (index == together || (is_plain(index, &is) && stands_at_field(index)))
        return NULL;
    if (index->special)
        return "an operator class of its own";
    if (!known)
        return "a method that Calzone does not know";
    if (!is.told)
        return "an expression that the database does not tell";
    if (index->unique && (is.included || index->method))
        return "unique, and more than its columns or expressions";
    if (!*index->name)
        return "it has no name, as another has none";
    return strlen(index->name) > CZ__INSPECTED_NAME_BYTES_MAX ? "its name is too long" : NULL;
}

static void write_condition(cz_buf *out, const char *condition)
{
    if (condition)
        write_string(out, ", .condition = ", condition);
}

static void separate(cz_buf *out, size_t *count, const char *option, const char *macro)
{
    if ((*count)++)
        cz_buf_append_lit(out, ",\n        ");
    else
        cz_buf_printf(out, ",\n    %s = %s(\n        ", option, macro);
}

static void write_index(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                        const cz__index_info *index)
{
    struct written is = look_at(ctx, table, index);
    size_t end = index->column_count - is.included;
    write_string(out, "{ .name = ", index->name);
    if (!is.named) {
        write_expressions(ctx, out, table, index, end);
    } else if (is.descends) {
        cz_buf_append_lit(out, ", .order = ");
        write_order(ctx, out, table, index, end);
    } else {
        cz_buf_append_lit(out, ", .fields = ");
        write_members(ctx, out, table, index, 0, end);
    }
    if (is.included) {
        cz_buf_append_lit(out, ", .include = ");
        write_members(ctx, out, table, index, end, index->column_count);
    }
    write_condition(out, index->where);
    if (index->method)
        write_string(out, ", .method = ", index->method);
    cz_buf_append_lit(out, " }");
}

/* Whether each column is a field of text, which an index of full text has alone. */
static bool are_texts(const struct cz__inspected *table, const struct cz__inspected_search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        const char *kind = NULL;
        for (size_t c = 0; c < table->info.column_count; c++)
            if (strcmp(table->columns[c].info->name, search->columns[i]) == 0 &&
                table->columns[c].as == CZ__INSPECTED_FIELD)
                kind = table->columns[c].kind;
        if (!kind || (strcmp(kind, "text_field") != 0 && strcmp(kind, "char_field") != 0))
            return false;
    }
    return true;
}

/* A model has one: the first is, and false is returned for others. */
static bool write_search(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                         const cz__index_info *index, bool *is_searched, size_t *count)
{
    struct cz__inspected_search search;
    if (*is_searched || strlen(index->name) > CZ__INSPECTED_NAME_BYTES_MAX ||
        !cz__inspect_search(ctx, index, &search) || !are_texts(table, &search))
        return false;
    separate(out, count, ".indexes", "CZ_INDEXES");
    write_string(out, "{ .name = ", index->name);
    cz_buf_printf(out, ", .fields = CZ_FIELDS(%s", table->model);
    for (size_t i = 0; i < search.count; i++)
        cz_buf_printf(out, ", %s", member_of(ctx, table, search.columns[i]));
    write_string(out, "), .search = ", search.language);
    if (search.weights)
        write_string(out, ", .weights = ", search.weights);
    cz_buf_append_lit(out, " }");
    *is_searched = true;
    return true;
}

/* Indexes of their own: those of one column stand at its field. */
static void write_indexes(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table)
{
    size_t count = 0;
    bool searched = false;
    for (size_t i = 0; i < table->info.search_count; i++)
        cz_ignore(write_search(ctx, out, table, &table->info.searches[i], &searched, &count));
    for (size_t i = 0; i < table->info.index_count; i++) {
        const cz__index_info *index = &table->info.indexes[i];
        struct written is = look_at(ctx, table, index);
        if (index->unique || (is_plain(index, &is) && stands_at_field(index)) ||
            why_left_out(ctx, table, index, NULL) ||
            write_search(ctx, out, table, index, &searched, &count))
            continue;
        separate(out, &count, ".indexes", "CZ_INDEXES");
        write_index(ctx, out, table, index);
    }
    if (count)
        cz_buf_append_char(out, ')');
}

static void write_uniques(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                          const cz__index_info *together, size_t *count)
{
    for (size_t i = 0; i < table->info.index_count; i++) {
        const cz__index_info *index = &table->info.indexes[i];
        struct written is = look_at(ctx, table, index);
        bool plain = is_plain(index, &is);
        if (!index->unique || (plain && stands_at_field(index)) || index == together ||
            why_left_out(ctx, table, index, together))
            continue;
        separate(out, count, ".constraints", "CZ_CONSTRAINTS");
        write_string(out, "{ .name = ", index->name);
        if (plain) {
            cz_buf_append_lit(out, ", .unique = ");
            write_members(ctx, out, table, index, 0, index->column_count);
        } else {
            write_expressions(ctx, out, table, index, index->column_count);
        }
        write_condition(out, index->where);
        cz_buf_append_lit(out, " }");
    }
}

/* What stands in a CHECK; NULL: it is none. PostgreSQL's have their name before them. */
static const char *inside_check(cz_ctx *ctx, const cz__table_info *table, size_t at)
{
    const char *name = table->check_names[at];
    cz_str text = cz_str_from(table->checks[at]);
    if (!name || !cz_str_starts_with(text, cz_format(ctx, "%s CHECK (", name)))
        return cz_str_find(text, CZ_STR(" FOREIGN KEY ")) == SIZE_MAX ? text.ptr : NULL;
    text = cz_str_tail(text, strlen(name) + strlen(" CHECK ("));
    return cz_str_ends_with(text, CZ_STR(")")) ? cz_copy(ctx, cz_str_head(text, text.len - 1)).ptr
                                               : NULL;
}

static void write_checks(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table, size_t *count)
{
    for (size_t i = 0; i < table->info.check_count; i++) {
        const char *check = inside_check(ctx, &table->info, i);
        const char *name = table->info.check_names[i];
        if (!check || cz__inspect_is_implied(ctx, &table->info, check))
            continue;
        if (!name)
            name = cz_format(ctx, "%s_check%zu", table->info.name, i + 1).ptr;
        if (strlen(name) > CZ__INSPECTED_NAME_BYTES_MAX)
            continue;
        separate(out, count, ".constraints", "CZ_CONSTRAINTS");
        write_string(out, "{ .name = ", name);
        write_string(out, ", .check = ", check);
        cz_buf_append_lit(out, " }");
    }
}

/* What the table has and its model has not. */
static void write_left_out(cz_ctx *ctx, cz_buf *out, const struct cz__inspected *table,
                           const cz__index_info *together)
{
    for (size_t i = 0; i < table->info.index_count; i++) {
        const cz__index_info *index = &table->info.indexes[i];
        const char *why = why_left_out(ctx, table, index, together);
        if (!why)
            continue;
        cz_buf_append_str(out, *index->name ? CZ_STR("/* Left out: the index ")
                                            : CZ_STR("/* Left out: the UNIQUE of "));
        cz__append_c_comment(out, index->name);
        for (size_t c = 0; c < index->column_count && !*index->name; c++) {
            cz_buf_append_str(out, c ? CZ_STR(", ") : CZ_STR(""));
            cz__append_c_comment(out, index->columns[c]);
        }
        cz_buf_printf(out, ": %s. */\n", why);
    }
    for (size_t i = 0; i < table->info.check_count; i++) {
        const char *name = table->info.check_names[i];
        if (!name || strlen(name) <= CZ__INSPECTED_NAME_BYTES_MAX ||
            !inside_check(ctx, &table->info, i))
            continue;
        cz_buf_append_lit(out, "/* Left out: the check ");
        cz__append_c_comment(out, name);
        cz_buf_append_lit(out, ": its name is too long. */\n");
    }
}

/* ---- models ---- */

static void write_links(const struct cz__inspection *all, cz_buf *out,
                        const struct cz__inspected *table)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->tables[i].link && all->tables[i].listed && all->tables[i].from == table)
            cz_buf_printf(out, " \\\n    F(many_to_many, %s, %s)", all->tables[i].link,
                          all->tables[i].to->model);
}

static void write_model(const struct cz__inspection *all, cz_buf *out,
                        const struct cz__inspected *table)
{
    cz_ctx *ctx = all->ctx;
    size_t constraints = 0;
    const cz__index_info *together = together_of(ctx, table);
    write_left_out(ctx, out, table, together);
    cz_buf_printf(out, "#define %s(F)", table->list);
    for (size_t i = 0; i < table->info.column_count; i++)
        if (table->columns[i].as != CZ__INSPECTED_KEY)
            write_field(ctx, out, &table->info, &table->columns[i]);
    write_links(all, out, table);
    cz_buf_printf(out, "\n%s(%s, %s, .table = ", table->uuid ? "CZ_MODEL_UUID" : "CZ_MODEL",
                  table->model, table->list);
    cz__append_c_text(out, table->info.name);
    if (table->django)
        cz_buf_append_lit(out, ", .django = true");
    if (all->unmanaged)
        cz_buf_append_lit(out, ", .unmanaged = true");
    if (together) {
        cz_buf_append_lit(out, ", .unique_together = ");
        write_members(ctx, out, table, together, 0, together->column_count);
    }
    write_indexes(ctx, out, table);
    write_uniques(ctx, out, table, together, &constraints);
    write_checks(ctx, out, table, &constraints);
    cz_buf_append_str(out, constraints ? CZ_STR("));\n\n") : CZ_STR(");\n\n"));
}

static bool is_written(const struct cz__inspected *table)
{
    return table->listed && table->keyed && !table->link;
}

static void write_no_model(cz_buf *out, const struct cz__inspected *table)
{
    cz_buf_append_lit(out, "/* Left out: ");
    cz__append_c_comment(out, table->info.name);
    const char *name = cz__inspect_long_name(&table->info);
    if (name) {
        cz_buf_append_lit(out, ". The name ");
        cz__append_c_comment(out, name);
        cz_buf_append_lit(out, " has more than 60 bytes, which no model can say. */\n");
        return;
    }
    cz_buf_append_lit(out,
                      ". Its key is not one column called id, a whole number or a UUID, which a "
                      "model needs. */\n");
}

/* The other models name them, so that each may refer to each. */
static void write_forwards(const struct cz__inspection *all, cz_buf *out)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct cz__inspected *table = &all->tables[i];
        if (table->keyed && !table->link)
            cz_buf_printf(out, "%s(%s)%s\n",
                          table->uuid ? "CZ_MODEL_FORWARD_UUID" : "CZ_MODEL_FORWARD", table->model,
                          table->listed ? "" : " /* declared elsewhere */");
    }
    cz_buf_append_lit(out, "\n");
}

/* CZ_MODELS() takes no more than MODELS_PER_APP; what is more goes to another app. */
static void write_list(const struct cz__inspection *all, cz_buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (!is_written(&all->tables[i]))
            continue;
        if (count % MODELS_PER_APP == 0)
            cz_buf_printf(out, "%s/* For an app: .models = CZ_MODELS(", count ? ") */\n" : "");
        cz_buf_printf(out, "%s%s", count++ % MODELS_PER_APP ? ", " : "", all->tables[i].model);
    }
    if (count)
        cz_buf_append_lit(out, ") */\n");
}

/* ---- the tables ---- */

static cz__table_info describe(cz_ctx *ctx, const char *table)
{
    cz__db_session *session = cz__session_of(ctx);
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

static bool is_found(const struct cz__inspection *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (cz__same_name(all->tables[i].info.name, name))
            return true;
    return false;
}

static void add_table(struct cz__inspection *all, const char *name, bool listed)
{
    if (is_found(all, name))
        return;
    struct cz__inspected *grown = cz_array(all->ctx, struct cz__inspected, all->count + 1);
    if (all->count)
        memcpy(grown, all->tables, all->count * sizeof *grown);
    grown[all->count].info = describe(all->ctx, name);
    grown[all->count++].listed = listed;
    all->tables = grown;
}

/* What the tables asked for refer to is described, but not written. */
static void add_targets(struct cz__inspection *all)
{
    for (size_t i = 0, count = all->count; i < count; i++)
        for (size_t c = 0; c < all->tables[i].info.column_count; c++) {
            const char *target = all->tables[i].info.columns[c].references_table;
            if (target)
                add_table(all, target, false);
        }
}

static bool is_model(void *arg, const char *name)
{
    const struct cz__inspection *all = arg;
    for (size_t i = 0; i < all->count; i++)
        if (all->tables[i].model && cz__same_name(all->tables[i].model, name))
            return true;
    return false;
}

static void name_models(struct cz__inspection *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *name = cz__inspect_model_name(all->ctx, all->tables[i].info.name);
        /* Django's tables are called "app_model", and a many-to-many's columns go by the model alone */
        const char *line = strchr(all->tables[i].info.name, '_');
        if (all->made_by_django && line) {
            const char *bare = cz__inspect_model_name(all->ctx, line + 1);
            name = strcmp(bare, "Table") == 0 || is_model(all, bare) ? name : bare;
        }
        name = cz__inspect_unique(all->ctx, name, is_model, all);
        all->tables[i].model = name;
        all->tables[i].list = cz__inspect_list_name(all->ctx, name);
    }
}

static void find_tables(struct cz__inspection *all, const char *const *tables, size_t count)
{
    cz_ctx *ctx = all->ctx;
    cz__db_session *session = cz__session_of(ctx);
    const cz__db_driver *driver = session->db->driver;
    cz_str_list found = { 0 };
    cz_error err;
    if (driver->table_exists(ctx, session, "django_migrations", &all->made_by_django, &err) ||
        (!count && driver->list_tables(ctx, session, &found, &err)))
        cz_raise_error(ctx, &err);
    for (size_t i = 0; i < count; i++)
        add_table(all, tables[i], true);
    for (size_t i = 0; i < found.count; i++)
        if (!is_own(found.items[i]))
            add_table(all, found.items[i].ptr, true);
    add_targets(all);
}

cz_str cz__inspectdb(cz_ctx *ctx, const char *const *tables, size_t count, bool unmanaged)
{
    struct cz__inspection all = {
        .ctx = ctx,
        .unmanaged = unmanaged,
        .scaled = cz__session_of(ctx)->db->driver->features->scaled_decimals,
    };
    find_tables(&all, tables, count);
    name_models(&all);
    for (size_t i = 0; i < all.count; i++)
        cz__inspect_key(&all, &all.tables[i]);
    for (size_t i = 0; i < all.count; i++)
        cz__inspect_columns(&all, &all.tables[i]);
    for (size_t i = 0; i < all.count; i++)
        cz__inspect_link(&all, &all.tables[i]);
    cz_buf *out = cz_scratch(ctx);
    cz_buf_append_lit(out,
                      "/* Models of tables that existed: go over names, kinds and on_delete. */\n"
                      "#include <calzone/calzone.h>\n\n");
    write_forwards(&all, out);
    for (size_t i = 0; i < all.count; i++) {
        if (is_written(&all.tables[i]))
            write_model(&all, out, &all.tables[i]);
        else if (all.tables[i].listed && !all.tables[i].link)
            write_no_model(out, &all.tables[i]);
    }
    write_list(&all, out);
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}
