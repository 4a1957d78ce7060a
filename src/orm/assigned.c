/* Members that were assigned without cz_set(), which no save would store. In development and tests each row keeps a
 * copy of what its members were when it was read, made or stored; a member that differs and is not marked as changed
 * was assigned. In production there are no copies, as they double the memory of rows. */
#include "orm/orm_internal.h"

bool cz__rows_kept;

void cz__row_keep(cz_row *row)
{
    if (row->kept)
        memcpy(row->kept, row, row->model->row_bytes);
}

void cz__row_keep_member(cz_row *row, const cz__column *column)
{
    if (row->kept)
        memcpy((char *)row->kept + column->offset, cz__row_at(row, column),
               cz__column_bytes(column));
}

cz_status cz__rows_keep(cz_arena *arena, const cz_model *model, void *items, size_t count)
{
    if (!cz__rows_kept || !count)
        return CZ_OK;
    char *kept = cz_arena_alloc(arena, count * model->row_bytes); /* as `items`: no overflow */
    if (!kept)
        return CZ_ENOMEM;
    for (size_t n = 0; n < count; n++) {
        cz_row *row = cz__row_nth(items, n, model);
        row->kept = kept + n * model->row_bytes;
        cz__row_keep(row);
    }
    return CZ_OK;
}

/* Bytes may differ where values do not: between the members of a decimal, and in where a text lies. */
static bool is_same(const cz__column *column, const void *a, const void *b)
{
    const cz_decimal *x = a, *y = b;
    if (memcmp(a, b, cz__column_bytes(column)) == 0)
        return true;
    if (CZ__DB_KIND(column->type) == CZ__DB_DECIMAL)
        return cz_decimal_compare(*x, *y) == 0;
    return cz__value_kind_of(column) == CZ__VALUE_STR &&
           cz_str_eq(*(const cz_str *)a, *(const cz_str *)b);
}

/* Whether a member holds what no save would store: it is not marked as changed, or as one that is NULL. */
static bool is_lost(const cz_row *row, const cz__column *column)
{
    static const char zeros[sizeof(cz_decimal)]; /* the largest member */
    const void *now = cz__row_at(row, column);
    if (!cz__row_bit(row, CZ__BITS_DIRTY, column->ordinal))
        return !is_same(column, now, (const char *)row->kept + column->offset);
    return cz__row_bit(row, CZ__BITS_NULL, column->ordinal) &&
           memcmp(now, zeros, cz__column_bytes(column)) != 0;
}

void cz__row_check_assigned(cz_ctx *ctx, const cz_row *row)
{
    const struct cz__model_state *state = row->model->state;
    for (uint16_t i = 0; row->kept && i < state->column_count; i++)
        if (state->columns[i].stored && is_lost(row, &state->columns[i]))
            cz_raise(ctx, CZ_EINVAL,
                     "%s.%.*s was assigned without cz_set(): nothing would store it",
                     row->model->name, CZ_STR_ARG(state->columns[i].attribute));
}
