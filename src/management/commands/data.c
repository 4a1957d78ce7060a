/* `createtables`. */
#include "management/project.h"
#include "migrations/migrations.h"
#include "orm/orm.h"
#include <stdio.h>

static int create_tables(cz_ctx *ctx, void *arg)
{
    const struct cz__site *site = arg;
    size_t created = cz__tables_create(ctx);
    printf("%s: %zu table%s created\n", site->project->name, created, created == 1 ? "" : "s");
    size_t pending = cz__migrate_pending(ctx);
    if (pending)
        printf("%zu migration%s not applied; run `%s migrate`\n", pending,
               pending == 1 ? " is" : "s are", site->project->name);
    return 0;
}

int cz__command_createtables(struct cz__site *site, int argc, char **argv)
{
    const char *database;
    if (!cz__command_database(&argc, argv, &database))
        return 2;
    if (argc > 1) {
        fprintf(stderr, "createtables: unknown argument \"%s\"; see --help\n", argv[1]);
        return 2;
    }
    return cz__site_run_on(site, database, create_tables, site);
}
