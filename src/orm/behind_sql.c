/* The rows behind a relation of many rows, in one SELECT: which they are, what each is behind, and each one's
 * slice by a window. */
#include "orm/compiler.h"

void cz__append_link_join(const struct cz__scope *scope, cz_buf *sql)
{
    cz_buf_append_lit(sql, " JOIN ");
    cz__db_append_name(sql, scope->link->link_table);
    cz_buf_append_char(sql, ' ');
    cz__append_alias(sql, scope->link_alias);
    cz_buf_append_lit(sql, " ON ");
    cz__append_column(sql, scope->link_alias, scope->link->link_to);
    cz_buf_append_lit(sql, " = ");
    cz__append_column(sql, scope->base, scope->model->state->key->name);
    if (scope->link->through)
        cz__append_kept(scope, sql, scope->link->through, scope->link_alias);
}

void cz__compile_behind(struct cz__compiler *c, cz_buf *key, cz_buf *among,
                        const struct cz__behind *behind)
{
    const cz__column *column = behind->column;
    struct cz__scope *scope = c->scope;
    if (column->link_table) {
        scope->link = column;
        scope->link_alias = ++c->alias_count;
        cz__append_column(key, scope->link_alias, column->link_from);
    } else {
        const cz__column *compared = column->many ? column->via : scope->model->state->key;
        cz__append_column(key, scope->base, compared->name);
    }
    bool uuid = behind->value_kind == CZ__VALUE_UUIDS;
    cz__db_type near = column->many ? behind->from->state->key->type : column->type;
    cz_buf *args[2] = { key, cz__scratch(c->ctx) };
    cz__append_slot(c, args[1],
                    (struct cz__slot){ .kind = CZ__SLOT_LIST,
                                       .ref = cz__take_ref(c),
                                       .type = uuid ? CZ__DB_UUID_LIST | (near & CZ__DB_AS_DIGITS)
                                                    : CZ__DB_INT_LIST,
                                       .name = column->field->name });
    cz_buf_append_str(among, cz_buf_str(key));
    cz__append_template(c, among, c->features->in_list, args, 2);
    cz_check(c->ctx, cz_buf_status(among));
}

void cz__append_behind(struct cz__compiler *c, cz_buf *outputs, const cz_buf *key,
                       const cz_buf *order)
{
    cz_buf_append_lit(outputs, ", ");
    cz_buf_append_str(outputs, cz_buf_str(key));
    if (!order)
        return;
    cz_buf_append_lit(outputs, " AS cz_behind, ROW_NUMBER() OVER (PARTITION BY ");
    cz_buf_append_str(outputs, cz_buf_str(key));
    cz_buf_append_str(outputs, cz_buf_str(order));
    if (!order->len) { /* the same rows each time */
        cz_buf_append_lit(outputs, " ORDER BY ");
        cz__append_column(outputs, c->scope->base, c->scope->model->state->key->name);
    }
    cz_buf_append_lit(outputs, ") AS cz_number");
}

void cz__append_sliced(struct cz__compiler *c, cz_buf *sql, const cz_query *query, bool before)
{
    if (before) {
        cz_buf_append_lit(sql, "SELECT * FROM (");
        return;
    }
    struct cz__slot limit = { .kind = CZ__SLOT_LIMIT, .type = CZ__DB_INT64, .name = "limit" };
    struct cz__slot offset = { .kind = CZ__SLOT_OFFSET, .type = CZ__DB_INT64, .name = "offset" };
    cz_buf_append_lit(sql, ") numbered WHERE ");
    if (query->offset) {
        cz_buf_append_lit(sql, "cz_number > ");
        cz__append_slot(c, sql, offset);
    }
    if (query->limit && query->offset) { /* their sum may be out of range */
        cz_buf_append_lit(sql, " AND cz_number - ");
        cz__append_slot(c, sql, offset);
        cz_buf_append_lit(sql, " <= ");
        cz__append_slot(c, sql, limit);
    } else if (query->limit) {
        cz_buf_append_lit(sql, "cz_number <= ");
        cz__append_slot(c, sql, limit);
    }
    cz_buf_append_lit(sql, " ORDER BY cz_behind, cz_number");
}
