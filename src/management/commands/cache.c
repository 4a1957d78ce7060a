/* `createcachetable`. */
#include "cache/caches.h"
#include "management/project.h"
#include <stdio.h>

struct making {
    const struct cz__site *site;
    const char *database;
    bool dry_run;
};

static int create_tables(cz_ctx *ctx, void *arg)
{
    const struct making *making = arg;
    size_t made = cz__cache_tables_create(ctx, making->database, making->dry_run);
    if (!making->dry_run)
        printf("%s: %zu table%s created\n", making->site->project->name, made,
               made == 1 ? "" : "s");
    return 0;
}

int cz__command_createcachetable(struct cz__site *site, int argc, char **argv)
{
    struct making making = { .site = site };
    if (!cz__command_database(&argc, argv, &making.database))
        return 2;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dry-run") != 0) {
            fprintf(stderr, "createcachetable: unknown argument \"%s\"; see --help\n", argv[i]);
            return 2;
        }
        making.dry_run = true;
    }
    return making.database ? cz__site_run_on(site, making.database, create_tables, &making)
                           : cz__site_run(site, create_tables, &making);
}
