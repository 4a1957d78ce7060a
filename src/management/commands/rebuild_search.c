/* `rebuild_search`: make indexes of full text anew, beside whoever reads. */
#include "management/project.h"
#include "orm/orm.h"
#include <stdio.h>

struct named {
    char **items;
    int count;
};

static int rebuild_all(cz_ctx *ctx, void *arg)
{
    const struct named *named = arg;
    size_t rebuilt = 0;
    for (int i = 0; i < named->count; i++) {
        const cz_model *model = cz__models_find(cz_str_from(named->items[i]));
        cz__db_index index;
        if (!model || !cz__search_index(ctx, model, &index))
            cz_raise(ctx, CZ_EVALIDATION,
                     model ? "rebuild_search: %s has no index with .search"
                           : "rebuild_search: there is no model \"%s\"",
                     model ? model->state->label : named->items[i]);
    }
    for (size_t m = 0; m < cz__models_count(); m++) {
        const cz_model *model = cz__models_at(m);
        bool wanted = !named->count && !model->proxy_of; /* its base has the index */
        for (int i = 0; i < named->count && !wanted; i++)
            wanted = cz__models_find(cz_str_from(named->items[i])) == model;
        if (wanted && cz__search_rebuild(ctx, model)) {
            printf("%s: rebuilt\n", model->state->label);
            rebuilt++;
        }
    }
    if (!rebuilt)
        printf("no model has an index with .search\n");
    return 0;
}

int cz__command_rebuild_search(struct cz__site *site, int argc, char **argv)
{
    struct named named = { argv + 1, argc - 1 };
    for (int i = 0; i < named.count; i++) {
        if (named.items[i][0] == '-') {
            fprintf(stderr, "rebuild_search: unknown argument \"%s\"; see --help\n",
                    named.items[i]);
            return 2;
        }
    }
    return cz__site_run(site, rebuild_all, &named);
}
