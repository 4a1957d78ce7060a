/* The app that a project lists: the table, and its upkeep. */
#include <calzone/idempotency.h>
#include <calzone/queries.h>
#include <calzone/time.h>
#include "idempotency/migrations/list.h"
#include "idempotency/models.h"
#include <stdio.h>

static int clear(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)project;
    if (argc > 1) {
        fprintf(stderr, "%s: unknown argument \"%s\"; see --help\n", argv[0], argv[1]);
        return 2;
    }
    int64_t gone =
        cz_delete(ctx, cz_idempotency_key, CZ_Q(cz_idempotency_key, expires_at, LTE, cz_now()));
    printf("%lld key%s cleared\n", (long long)gone, gone == 1 ? "" : "s");
    return 0;
}

static const cz_command commands[] = {
    { "clearidempotencykeys", "Delete the Idempotency-Keys whose time is over.", NULL, clear },
};

const cz_app cz_idempotency_app = {
    .name = "idempotency",
    .models = CZ_MODELS(cz_idempotency_key),
    .migrations = idempotency_migrations,
    .commands = CZ_COMMANDS(commands),
    .folder = "src/idempotency",
};
