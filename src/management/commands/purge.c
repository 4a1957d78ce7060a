/* `purge`: delete for good what was deleted longer ago. */
#include "management/project.h"
#include "orm/orm.h"
#include <stdio.h>

enum { DAYS_DEFAULT = 30, DAYS_MAX = 36500, LABELS_MAX = 64, BATCH = 500 };

struct purge {
    int64_t days;
    const char *labels[LABELS_MAX];
    size_t label_count;
    cz_datetime before;
};

struct batch {
    cz_model *model;
    cz_cond where[2]; /* which rows; that they went long ago */
    int64_t removed;
};

/* The rows were read a while ago: one that was restored meanwhile stays, one that is locked cannot be. */
static void purge_batch(cz_ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    cz_query query = { .model = batch->model,
                       .where = cz_cond_all(ctx, batch->where, 2),
                       .deleted = CZ_ONLY_DELETED,
                       .lock = CZ_FOR_UPDATE };
    batch->removed = cz__purge(ctx, &query);
}

/* What another row still refers to stays. Returns how many rows went, those of other models included. */
static int64_t try_purge(cz_ctx *ctx, cz_model *model, cz_cond rows, cz_cond before,
                         size_t *out_kept)
{
    struct batch batch = { .model = model, .where = { rows, before } };
    cz_error err;
    cz_status status = cz_try(ctx, purge_batch, &batch, &err);
    if (status && status != CZ_EINTEGRITY)
        cz_raise_error(ctx, &err);
    *out_kept = status != CZ_OK;
    return batch.removed;
}

/* The rows together, or, when one of them may not go, each for itself. */
static int64_t purge_rows(cz_ctx *ctx, cz_model *model, const struct cz__rows *rows, cz_cond before,
                          size_t *out_kept)
{
    cz_cond *each = cz_array(ctx, cz_cond, rows->count);
    for (size_t n = 0; n < rows->count; n++)
        each[n] = cz__cond_key(ctx, cz__row_nth(rows->items, n, model));
    cz_cond any = cz__cond_any(ctx, each, rows->count);
    size_t kept;
    int64_t removed = try_purge(ctx, model, any, before, &kept);
    for (size_t n = 0; kept && n < rows->count; n++) {
        size_t one;
        removed += try_purge(ctx, model, each[n], before, &one);
        *out_kept += one;
    }
    return removed;
}

/* Go through a model's deleted rows in the order of their keys. */
static int64_t purge_model(cz_ctx *ctx, const struct purge *purge, cz_model *model,
                           size_t *out_kept)
{
    const cz__column *key = model->state->key;
    cz_order by_key = { .path = key->attribute };
    cz_cond conds[2] = { cz__cond_column(ctx, model, model->state->deleted_at, &purge->before) };
    struct cz__cond before = *conds[0];
    before.lookup = CZ_LOOKUP_LT;
    conds[0] = &before;
    int64_t removed = 0;
    for (size_t count = 1;;) {
        cz_query query = { .model = model,
                           .where = cz_cond_all(ctx, conds, count),
                           .order_by = { &by_key, 1 },
                           .limit = BATCH,
                           .only = { &key->attribute, 1 }, /* the rest may be encrypted */
                           .deleted = CZ_ONLY_DELETED };
        struct cz__rows rows = cz__select(ctx, &query);
        if (!rows.count)
            return removed;
        removed += purge_rows(ctx, model, &rows, &before, out_kept);
        struct cz__cond *after = cz_new(ctx, struct cz__cond);
        *after = *cz__cond_key(ctx, cz__row_nth(rows.items, rows.count - 1, model));
        after->lookup = CZ_LOOKUP_GT;
        conds[1] = after;
        count = 2;
    }
}

static bool is_named(const struct purge *purge, const cz_model *model)
{
    for (size_t i = 0; i < purge->label_count; i++)
        if (cz_str_eq_icase(cz_str_from(purge->labels[i]), cz_str_from(model->state->label)))
            return true;
    return !purge->label_count;
}

static int purge_all(cz_ctx *ctx, void *arg)
{
    struct purge *purge = arg;
    for (size_t i = 0; i < purge->label_count; i++) {
        const cz_model *model = cz__models_find(cz_str_from(purge->labels[i]));
        if (model && model->proxy_of)
            cz_raise(ctx, CZ_EVALIDATION, "purge: %s is a proxy: its rows are those of %s",
                     purge->labels[i], model->state->concrete->state->label);
        if (!model || !model->state->deleted_at)
            cz_raise(ctx, CZ_EVALIDATION,
                     model ? "purge: %s is not CZ_SOFT_DELETED" : "purge: there is no model \"%s\"",
                     purge->labels[i]);
    }
    purge->before.us = cz_now().us - purge->days * INT64_C(86400000000);
    int64_t removed = 0, more;
    size_t kept;
    do { /* a row that was kept may go when what referred to it has gone */
        more = 0;
        kept = 0;
        for (size_t i = 0; i < cz__models_count(); i++) {
            cz_model *model = cz__models_at(i);
            if (model->state->deleted_at && !model->proxy_of && is_named(purge, model))
                more += purge_model(ctx, purge, model, &kept);
        }
        removed += more;
    } while (more && kept);
    printf("%lld row%s purged", (long long)removed, removed == 1 ? "" : "s");
    printf(kept ? "; %zu stay: other rows refer to them\n" : "\n", kept);
    return 0;
}

int cz__command_purge(struct cz__site *site, int argc, char **argv)
{
    struct purge purge = { .days = DAYS_DEFAULT };
    for (int i = 1; i < argc; i++) {
        bool fine = argv[i][0] != '-' && purge.label_count < LABELS_MAX;
        if (strcmp(argv[i], "--days") == 0) {
            i++;
            fine = i < argc && !cz_str_to_i64(cz_str_from(argv[i]), &purge.days) &&
                   purge.days >= 0 && purge.days <= DAYS_MAX;
        } else if (fine) {
            purge.labels[purge.label_count++] = argv[i];
        }
        if (!fine) {
            fprintf(stderr, "purge: \"%s\" makes no sense; see --help\n",
                    argv[i < argc ? i : argc - 1]);
            return 2;
        }
    }
    return cz__site_run(site, purge_all, &purge);
}
