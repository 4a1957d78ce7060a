/* `reencrypt`: bring every value of encrypted fields under the first key, so that the others can go. */
#include "management/project.h"
#include "orm/encryption.h"
#include "orm/orm.h"
#include <calzone/bulk.h>
#include <stdio.h>

enum { ROWS = 500 };

struct step {
    cz_model *model;
    cz_fields fields;
    const char *database;
    struct cz__cond after; /* the last row's key; of no model: none yet */
    size_t count;
};

/* The next rows, locked, with their encrypted columns alone: written as they are, they are encrypted anew. */
static void encrypt_step(cz_ctx *ctx, void *arg)
{
    struct step *step = arg;
    cz_order by_key = { .path = step->model->state->key->attribute };
    cz_query query = { .model = step->model,
                       .where = step->after.model ? &step->after : NULL,
                       .order_by = { &by_key, 1 },
                       .only = step->fields,
                       .limit = ROWS,
                       .lock = CZ_FOR_UPDATE,
                       .manager = &cz_base_manager,
                       .database = step->database,
                       .repeats = true };
    struct cz__rows rows = cz__select(ctx, &query);
    step->count = rows.count;
    if (!rows.count)
        return;
    cz_row **each = cz_array(ctx, cz_row *, rows.count);
    for (size_t n = 0; n < rows.count; n++)
        each[n] = cz__row_nth(rows.items, n, step->model);
    cz_ignore(cz__bulk_update(ctx, step->model, each, rows.count, &step->fields) < 0);
    step->after = *cz__cond_key(ctx, each[rows.count - 1]);
    step->after.lookup = CZ_LOOKUP_GT;
}

static size_t encrypt_model(cz_ctx *ctx, cz_model *model)
{
    const struct cz__model_state *state = model->state;
    cz_str *names = cz_array(ctx, cz_str, state->column_count);
    struct step step = { .model = model, .fields = { names, 0 } };
    size_t total = 0;
    for (uint16_t i = 0; i < state->column_count; i++)
        if (state->columns[i].type & CZ__DB_SEALED)
            names[step.fields.count++] = state->columns[i].attribute;
    step.database = cz__alias_of(ctx, model, NULL, NULL, true);
    cz_atomic_options where = { .database = step.database };
    do {
        cz_atomic_with(ctx, &where, encrypt_step, &step);
        total += step.count;
    } while (step.count == ROWS);
    return total;
}

static int encrypt_all(cz_ctx *ctx, void *arg)
{
    (void)arg;
    if (!cz__field_keys_count())
        cz_raise(ctx, CZ_EVALIDATION, "reencrypt: FIELD_ENCRYPTION_KEYS names no key");
    for (size_t i = 0; i < cz__models_count(); i++) {
        cz_model *model = cz__models_at(i);
        if (!model->state->sealed || model->proxy_of)
            continue;
        size_t rows = encrypt_model(ctx, model);
        printf("%s: %zu row%s\n", model->state->label, rows, rows == 1 ? "" : "s");
    }
    return 0;
}

int cz__command_reencrypt(struct cz__site *site, int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "reencrypt: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    return cz__site_run(site, encrypt_all, NULL);
}
