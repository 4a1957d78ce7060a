/* `makemigrations`, `migrate`, `showmigrations`, `sqlmigrate`, `squashmigrations`, `inspectdb`. */
#include "management/project.h"
#include "migrations/autodetector.h"
#include "migrations/inspectdb.h"
#include "migrations/linter.h"
#include "migrations/writer.h"
#include "orm/orm.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPEATS_MAX = 64, LINE_BYTES_MAX = 1024 };

/* ---- arguments ---- */

struct arguments { /* of any of the commands; each takes those it knows */
    const struct cz__site *site;
    const char *app, *name; /* what stands without an option: APP [NAME] */
    const char *file_name;  /* --name */
    const char *folder;
    const char *database; /* --database */
    const char *renames[REPEATS_MAX], *defaults[REPEATS_MAX];
    size_t rename_count, default_count;
    size_t unanswered; /* questions that were told, because there is nobody to ask */
    bool no_rename, online, without_data, check, dry_run, empty, merge, plan, fake, fake_initial,
        backwards, accept_edited;
};

struct flag {
    const char *name;
    bool *is_set;        /* of one without a value */
    const char **value;  /* of one with */
    const char **values; /* of one that may come again */
    size_t *value_count;
};

/* Read argv into what the flags name; what has no dash goes to app and name. Prints what is wrong. */
static bool read_arguments(int argc, char **argv, const struct flag *flags, size_t flag_count,
                           struct arguments *a, size_t words_max)
{
    size_t words = 0;
    for (int i = 1; i < argc; i++) {
        const struct flag *flag = NULL;
        for (size_t f = 0; f < flag_count; f++)
            if (strcmp(argv[i], flags[f].name) == 0)
                flag = &flags[f];
        if (flag && flag->is_set) {
            *flag->is_set = true;
        } else if (flag && i + 1 < argc && flag->value) {
            *flag->value = argv[++i];
        } else if (flag && i + 1 < argc && *flag->value_count < REPEATS_MAX) {
            flag->values[(*flag->value_count)++] = argv[++i];
        } else if (!flag && argv[i][0] != '-' && words < words_max) {
            *(words ? &a->name : &a->app) = argv[i];
            words++;
        } else {
            fprintf(stderr, "%s: %s \"%s\"; see --help\n", argv[0],
                    flag ? "no value, or too many, for" : "unknown argument", argv[i]);
            return false;
        }
    }
    return true;
}

static bool has_app(const struct cz__site *site, const char *name)
{
    for (size_t i = 0; i < site->project->apps.count; i++)
        if (strcmp(site->project->apps.items[i]->name, name) == 0)
            return true;
    return false;
}

/* An app named on the command line that is not there is a slip: say which there are. */
static void check_app(cz_ctx *ctx, const struct arguments *a)
{
    if (!a->app || has_app(a->site, a->app))
        return;
    cz_str names = CZ_STR("");
    for (size_t i = 0; i < a->site->project->apps.count; i++)
        names = cz_format(ctx, "%.*s%s%s", CZ_STR_ARG(names), i ? ", " : "",
                          a->site->project->apps.items[i]->name);
    cz_raise(ctx, CZ_EVALIDATION, "there is no app \"%s\"; there are %.*s", a->app,
             CZ_STR_ARG(names));
}

/* ---- questions ---- */

static bool can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* A line from the terminal, without its end. Raises when there is none. */
static const char *ask(cz_ctx *ctx, const char *question)
{
    char line[LINE_BYTES_MAX];
    printf("%s ", question);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        cz_raise(ctx, CZ_ECANCELED, "no answer");
    line[strcspn(line, "\n")] = '\0';
    return cz_copy(ctx, cz_str_from(line)).ptr;
}

/* Tell a question that only the next call can answer. */
static void tell_question(struct arguments *a, const char *sentence)
{
    fprintf(stderr, "%s: %s\n", a->site->project->name, sentence);
    a->unanswered++;
}

static bool answer_renamed(cz_ctx *ctx, void *user, const char *app, const char *model,
                           const char *old, const char *name, bool similar)
{
    struct arguments *a = user;
    cz_str said = old ? cz_format(ctx, "%s.%s.%s:%s", app, model, old, name)
                      : cz_format(ctx, "%s.%s:%s", app, model, name);
    for (size_t i = 0; i < a->rename_count; i++)
        if (cz_str_eq_icase(cz_str_from(a->renames[i]), said))
            return true;
    if (!similar || a->no_rename)
        return false;
    if (!can_ask()) {
        tell_question(a,
                      cz_format(ctx, "was %s.%s%s%s renamed to %s? Say --rename %s, or --no-rename",
                                app, model, old ? "." : "", old ? old : "", name, said.ptr)
                          .ptr);
        return true; /* so that all others are asked as if */
    }
    const char *answer = ask(ctx, cz_format(ctx, "Was %s.%s%s%s renamed to %s? [y/N]", app, model,
                                            old ? "." : "", old ? old : "", name)
                                      .ptr);
    return answer[0] == 'y' || answer[0] == 'Y';
}

struct attempt {
    const cz_state_field *field;
    const char *text;
    cz_tagged value;
};

static void read_fill(cz_ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    attempt->value = cz__fill_of_text(ctx, attempt->field, attempt->text);
}

static cz_tagged answer_fill(cz_ctx *ctx, void *user, const char *app, const char *model,
                             const cz_state_field *field)
{
    struct arguments *a = user;
    cz_str said = cz_format(ctx, "%s.%s.%s=", app, model, field->name);
    for (size_t i = 0; i < a->default_count; i++) {
        cz_str given = cz_str_from(a->defaults[i]);
        if (given.len >= said.len && cz_str_eq_icase(cz_str_head(given, said.len), said))
            return cz__fill_of_text(ctx, field, a->defaults[i] + said.len);
    }
    if (!can_ask()) {
        tell_question(a, cz_format(ctx,
                                   "%s.%s.%s may not be NULL and has no default: say what the rows "
                                   "that are there get, --default %sVALUE",
                                   app, model, field->name, said.ptr)
                             .ptr);
        return (cz_tagged){ 0 };
    }
    printf("%s.%s.%s may not be NULL and has no default. What do the rows that are there get?\n",
           app, model, field->name);
    for (;;) {
        struct attempt attempt = { .field = field, .text = ask(ctx, "Value:") };
        cz_error err;
        cz_status status = cz_try(ctx, read_fill, &attempt, &err);
        if (!status)
            return attempt.value;
        printf("%s\n", cz_error_message(&err));
    }
}

static bool answer_no(cz_ctx *ctx, void *user, const char *app, const char *model, const char *old,
                      const char *name, bool similar)
{
    (void)ctx;
    (void)user;
    (void)app;
    (void)model;
    (void)old;
    (void)name;
    (void)similar;
    return false;
}

static cz_tagged answer_nothing(cz_ctx *ctx, void *user, const char *app, const char *model,
                                const cz_state_field *field)
{
    (void)ctx;
    (void)user;
    (void)app;
    (void)model;
    (void)field;
    return (cz_tagged){ 0 };
}

size_t cz__models_drift(cz_ctx *ctx, const char **out_first)
{
    static const cz__answers none = { answer_no, answer_nothing, NULL };
    size_t count;
    const cz_migration *const *migrations = cz__migrations_all(&count);
    if (!count)
        return 0;
    cz__migration_list made =
        cz__autodetect(ctx, cz__graph_make(ctx, migrations, count, NULL), &none, NULL, NULL);
    size_t drift = 0;
    for (size_t i = 0; i < made.count; i++) {
        const cz_migration *migration = &made.items[i];
        if (!cz__migrations_of(migration->app))
            continue; /* apps without migrations have their tables as they are */
        if (!drift && migration->operations.count && out_first)
            *out_first = cz_format(ctx, "%s: %s", migration->app,
                                   cz__migrate_describe(ctx, &migration->operations.items[0]))
                             .ptr;
        drift += migration->operations.count;
    }
    return drift;
}

int cz__command_check_drift(cz_ctx *ctx, void *arg)
{
    const struct cz__site *site = arg;
    const char *first = "";
    size_t drift = cz__models_drift(ctx, &first);
    char more[32] = "";
    if (drift > 1)
        cz_ignore(snprintf(more, sizeof more, " and %zu more", drift - 1)); /* it fits */
    if (drift)
        fprintf(stderr,
                "%s: the models have changes that no migration has (%s%s); run `%s makemigrations` "
                "and build\n",
                site->project->name, first, more, site->project->name);
    return drift > 0;
}

/* ---- makemigrations ---- */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Where the app's sources are. */
static const char *folder_of(cz_ctx *ctx, const struct arguments *a, const char *app)
{
    static const char *const places[] = { "src/%s", "%s", "apps/%s", "src/apps/%s" };
    if (a->folder)
        return a->folder;
    for (size_t i = 0; i < a->site->project->apps.count; i++)
        if (strcmp(a->site->project->apps.items[i]->name, app) == 0 &&
            a->site->project->apps.items[i]->folder)
            return a->site->project->apps.items[i]->folder;
    for (size_t i = 0; i < CZ_COUNT(places); i++) {
        cz_str place = cz_str_from(places[i]);
        const char *path = cz_format(ctx, "%.*s%s", (int)(place.len - 2), place.ptr, app).ptr;
        if (is_folder(path))
            return path;
    }
    cz_raise(ctx, CZ_ENOTFOUND,
             "neither src/%s nor %s is a folder here; name the app's with --folder, or .folder in "
             "its cz_app",
             app, app);
}

/* What an operation means for a busy PostgreSQL, below its own line. */
static void tell_finding(const cz__finding *finding)
{
    if (!finding->advice)
        return;
    printf("      %s%s%s%s: %s\n", cz__safety_name(finding->safety), finding->lock ? " (" : "",
           finding->lock ? finding->lock : "", finding->lock ? ")" : "", finding->advice);
}

static void tell_operations(cz_ctx *ctx, const cz__graph *graph, const cz_migration *migration)
{
    const cz__finding *findings = cz__lint(ctx, graph, migration);
    for (size_t i = 0; i < migration->operations.count; i++) {
        printf("    - %s\n", cz__migrate_describe(ctx, &migration->operations.items[i]));
        tell_finding(&findings[i]);
    }
}

static void write_migration(cz_ctx *ctx, const struct arguments *a, const cz__graph *graph,
                            const cz_migration *migration)
{
    printf("Migrations for %s:\n", migration->app);
    if (a->dry_run || a->check) {
        printf("  %s\n", migration->name);
        tell_operations(ctx, graph, migration);
        if (a->dry_run) {
            cz_str text = cz__migration_text(ctx, migration);
            printf("\n%.*s\n", CZ_STR_ARG(text));
        }
        return;
    }
    bool new_list = false;
    const char *path =
        cz__migration_write(ctx, folder_of(ctx, a, migration->app), migration, &new_list);
    printf("  %s\n", path);
    tell_operations(ctx, graph, migration);
    if (new_list && !cz__migrations_of(migration->app))
        printf(
            "Add to the app %s: #include \"migrations/list.h\" and .migrations = %s_migrations\n",
            migration->app, migration->app);
}

/* The migrations there are and those made now. */
static cz__graph *graph_with(cz_ctx *ctx, const cz_migration *const *migrations, size_t count,
                             const cz__migration_list *made)
{
    const cz_migration **all = cz_array(ctx, const cz_migration *, count + made->count + 1);
    for (size_t i = 0; i < count + made->count; i++)
        all[i] = i < count ? migrations[i] : &made->items[i - count];
    return cz__graph_make(ctx, all, count + made->count, NULL);
}

static int make_migrations(cz_ctx *ctx, void *arg)
{
    struct arguments *a = arg;
    size_t count;
    const cz_migration *const *migrations = cz__migrations_all(&count);
    cz__graph *graph = cz__graph_make(ctx, migrations, count, NULL);
    cz__answers answers = { a->check ? answer_no : answer_renamed,
                            a->check ? answer_nothing : answer_fill, a };
    check_app(ctx, a);
    if (a->merge) {
        size_t merged = 0;
        for (size_t i = 0; i < a->site->project->apps.count; i++) {
            const char *app = a->site->project->apps.items[i]->name;
            size_t *leaves;
            if ((a->app && strcmp(app, a->app) != 0) ||
                cz__graph_leaves(ctx, graph, app, &leaves) < 2)
                continue;
            cz_migration merge = cz__migration_merge(ctx, graph, app);
            write_migration(ctx, a, graph, &merge);
            merged++;
        }
        if (!merged)
            puts("No conflicts to merge");
        return 0;
    }
    cz__graph_check_leaves(ctx, graph);
    if (a->empty) {
        if (!a->app)
            cz_raise(ctx, CZ_EVALIDATION, "makemigrations --empty: name the app");
        cz_migration empty = cz__migration_empty(ctx, graph, a->app, a->file_name);
        write_migration(ctx, a, graph, &empty);
        return 0;
    }
    cz__migration_list made = cz__autodetect(ctx, graph, &answers, a->app, a->file_name);
    if (a->unanswered)
        return 1;
    graph = graph_with(ctx, migrations, count, &made);
    if (a->online) {
        made = cz__split_online(ctx, graph, &made, a->file_name);
        graph = graph_with(ctx, migrations, count, &made);
    }
    for (size_t i = 0; i < made.count; i++)
        write_migration(ctx, a, graph, &made.items[i]);
    if (!made.count)
        printf("No changes detected%s%s\n", a->app ? " in " : "", a->app ? a->app : "");
    return a->check && made.count ? 1 : 0;
}

static bool is_file_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_'))
            return false;
    return *name != '\0' && strlen(name) <= 100;
}

int cz__command_makemigrations(struct cz__site *site, int argc, char **argv)
{
    struct arguments a = { .site = site };
    const struct flag flags[] = {
        { "--check", &a.check, NULL, NULL, NULL },
        { "--dry-run", &a.dry_run, NULL, NULL, NULL },
        { "--empty", &a.empty, NULL, NULL, NULL },
        { "--merge", &a.merge, NULL, NULL, NULL },
        { "--no-rename", &a.no_rename, NULL, NULL, NULL },
        { "--online", &a.online, NULL, NULL, NULL },
        { "--name", NULL, &a.file_name, NULL, NULL },
        { "--folder", NULL, &a.folder, NULL, NULL },
        { "--rename", NULL, NULL, a.renames, &a.rename_count },
        { "--default", NULL, NULL, a.defaults, &a.default_count },
    };
    if (!read_arguments(argc, argv, flags, CZ_COUNT(flags), &a, 1))
        return 2;
    if (a.file_name && !is_file_name(a.file_name)) {
        fputs("makemigrations: --name takes small letters, digits and underscores\n", stderr);
        return 2;
    }
    return cz__site_run_offline(site, make_migrations, &a);
}

/* ---- migrate ---- */

static cz__graph *graph_of_database(cz_ctx *ctx, cz__ledger **out_ledger)
{
    size_t count;
    const cz_migration *const *migrations = cz__migrations_all(&count);
    *out_ledger = cz__ledger_read(ctx);
    return cz__graph_make(ctx, migrations, count, *out_ledger);
}

static void tell_plan(cz_ctx *ctx, const cz__graph *graph, const cz__plan_list *plan)
{
    puts("Planned operations:");
    for (size_t i = 0; i < plan->count; i++) {
        const cz_migration *migration = graph->nodes[plan->items[i].node];
        printf("%s.%s\n", migration->app, migration->name);
        const cz__finding *findings = cz__lint(ctx, graph, migration);
        for (size_t o = 0; o < migration->operations.count; o++) {
            size_t at = plan->items[i].backward ? migration->operations.count - 1 - o : o;
            printf("    %s%s\n", plan->items[i].backward ? "Undo " : "",
                   cz__migrate_describe(ctx, &migration->operations.items[at]));
            if (!plan->items[i].backward)
                tell_finding(&findings[at]);
        }
    }
    if (!plan->count)
        puts("  No planned migration operations.");
}

struct step_call {
    cz__graph *graph;
    cz__planned step;
    enum cz__migrate_how how;
    enum cz__migrated outcome;
};

static void call_step(cz_ctx *ctx, void *arg)
{
    struct step_call *call = arg;
    call->outcome = cz__migrate_step(ctx, call->graph, call->step, call->how);
}

static void run_plan(cz_ctx *ctx, const struct arguments *a, cz__graph *graph,
                     const cz__plan_list *plan)
{
    static const char *const outcomes[] = { [CZ__MIGRATED_RUN] = "OK",
                                            [CZ__MIGRATED_FAKED] = "FAKED",
                                            [CZ__MIGRATED_BY_ANOTHER] = "done by another process" };
    enum cz__migrate_how how = a->fake           ? CZ__MIGRATE_FAKE
                               : a->fake_initial ? CZ__MIGRATE_FAKE_INITIAL
                                                 : CZ__MIGRATE_RUN;
    const char *created = cz__database_at_home(ctx)->primary->created;
    if (created)
        printf("New database %s\n", created);
    puts("Running migrations:");
    for (size_t i = 0; i < plan->count; i++) {
        const cz_migration *migration = graph->nodes[plan->items[i].node];
        printf("  %s %s.%s...", plan->items[i].backward ? "Unapplying" : "Applying", migration->app,
               migration->name);
        fflush(stdout);
        struct step_call call = { .graph = graph, .step = plan->items[i], .how = how };
        cz_error err;
        if (cz_try(ctx, call_step, &call, &err)) {
            puts(""); /* what went wrong has a line of its own */
            fflush(stdout);
            cz_raise_error(ctx, &err);
        }
        printf(" %s\n", outcomes[call.outcome]);
    }
    if (!plan->count)
        puts("  No migrations to apply.");
}

static void tell_edited(const char *sentence)
{
    printf("  Warning: %s.\n", sentence);
}

static int migrate(cz_ctx *ctx, void *arg)
{
    struct arguments *a = arg;
    check_app(ctx, a);
    cz__ledger *ledger;
    cz__graph *graph = graph_of_database(ctx, &ledger);
    cz__graph_check_leaves(ctx, graph);
    cz__graph_check_applied(ctx, graph);
    cz__plan_list plan = cz__migrate_plan(ctx, graph, a->app, a->name);
    size_t edited = cz__migrations_edited(ctx, graph, ledger, tell_edited);
    if (edited && !a->accept_edited)
        puts("  Put back what was applied; or, when every database is as it says now, run\n"
             "  `migrate --accept-edited`, which records it.");
    if (a->plan || a->check) {
        if (a->plan)
            tell_plan(ctx, graph, &plan);
        return a->check && plan.count ? 1 : 0;
    }
    cz__migrate_check_tables(ctx, graph, ledger);
    cz__migrate_signal(ctx, CZ_PRE_MIGRATE);
    cz__migrate_record_squashed(ctx, graph, ledger);
    if (a->accept_edited)
        printf("  Recorded anew: %zu\n", cz__migrations_accept_edited(ctx, graph, ledger));
    run_plan(ctx, a, graph, &plan);
    if (!a->app) {
        size_t created = cz__tables_create(ctx); /* of apps that have no migrations */
        if (created)
            printf("  Created %zu table%s of apps without migrations.\n", created,
                   created == 1 ? "" : "s");
    }
    cz__migrate_signal(ctx, CZ_POST_MIGRATE);
    if (cz__models_drift(ctx, NULL))
        puts("  The models have changes that no migration has: run makemigrations, build, then "
             "migrate.");
    return 0;
}

int cz__command_migrate(struct cz__site *site, int argc, char **argv)
{
    struct arguments a = { .site = site };
    const struct flag flags[] = {
        { "--database", NULL, &a.database, NULL, NULL },
        { "--plan", &a.plan, NULL, NULL, NULL },
        { "--check", &a.check, NULL, NULL, NULL },
        { "--fake", &a.fake, NULL, NULL, NULL },
        { "--fake-initial", &a.fake_initial, NULL, NULL, NULL },
        { "--accept-edited", &a.accept_edited, NULL, NULL, NULL },
    };
    if (!read_arguments(argc, argv, flags, CZ_COUNT(flags), &a, 2))
        return 2;
    return cz__site_run_on(site, a.database, migrate, &a);
}

int cz__command_check_database(cz_ctx *ctx, void *arg)
{
    const struct cz__site *site = arg;
    cz__ledger *ledger;
    cz__graph *graph = graph_of_database(ctx, &ledger);
    cz__graph_check_leaves(ctx, graph);
    cz__graph_check_applied(ctx, graph);
    size_t edited = cz__migrations_edited(ctx, graph, ledger, tell_edited);
    size_t pending = cz__migrate_plan(ctx, graph, NULL, NULL).count;
    printf("%s: the database \"%s\" ", site->project->name, cz__database_at_home(ctx)->alias);
    if (!pending)
        printf("is up to date");
    else
        printf("lacks %zu migration%s", pending, pending == 1 ? "" : "s");
    if (edited)
        printf("; %zu of those it has w%s changed since", edited, edited == 1 ? "as" : "ere");
    putchar('\n');
    return 0;
}

/* ---- showmigrations, sqlmigrate ---- */

static int show_migrations(cz_ctx *ctx, void *arg)
{
    struct arguments *a = arg;
    check_app(ctx, a);
    cz__ledger *ledger;
    const cz__graph *graph = graph_of_database(ctx, &ledger);
    for (size_t i = 0; i < a->site->project->apps.count; i++) {
        const char *app = a->site->project->apps.items[i]->name;
        size_t shown = 0;
        if (a->app && strcmp(a->app, app) != 0)
            continue;
        printf("%s\n", app);
        for (size_t n = 0; n < graph->count; n++) {
            if (strcmp(graph->nodes[n]->app, app) != 0)
                continue;
            printf(" [%c] %s\n", graph->applied[n] ? 'X' : ' ', graph->nodes[n]->name);
            shown++;
        }
        if (!shown)
            puts(" (no migrations)");
    }
    return 0;
}

int cz__command_showmigrations(struct cz__site *site, int argc, char **argv)
{
    struct arguments a = { .site = site };
    const struct flag flags[] = { { "--database", NULL, &a.database, NULL, NULL } };
    if (!read_arguments(argc, argv, flags, CZ_COUNT(flags), &a, 1))
        return 2;
    return cz__site_run_on(site, a.database, show_migrations, &a);
}

static int sql_migrate(cz_ctx *ctx, void *arg)
{
    struct arguments *a = arg;
    check_app(ctx, a);
    cz__ledger *ledger;
    const cz__graph *graph = graph_of_database(ctx, &ledger);
    size_t node = cz__graph_find(ctx, graph, a->app, a->name);
    if (node == SIZE_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "%s has no migration \"%s\"", a->app, a->name);
    cz__sql_list *list = cz__migrate_sql(ctx, graph, (cz__planned){ node, a->backwards });
    for (size_t i = 0; i < list->count; i++) {
        bool comment = cz_str_starts_with(list->items[i], CZ_STR("--"));
        printf("%.*s%s\n", CZ_STR_ARG(list->items[i]), comment ? "" : ";");
    }
    return 0;
}

int cz__command_sqlmigrate(struct cz__site *site, int argc, char **argv)
{
    struct arguments a = { .site = site };
    const struct flag flags[] = { { "--backwards", &a.backwards, NULL, NULL, NULL },
                                  { "--database", NULL, &a.database, NULL, NULL } };
    if (!read_arguments(argc, argv, flags, CZ_COUNT(flags), &a, 2))
        return 2;
    if (!a.name) {
        fputs("sqlmigrate: name an app and a migration; see --help\n", stderr);
        return 2;
    }
    return cz__site_run_on(site, a.database, sql_migrate, &a);
}

/* ---- squashmigrations ---- */

static int squash_migrations(cz_ctx *ctx, void *arg)
{
    struct arguments *a = arg;
    size_t count;
    const cz_migration *const *migrations = cz__migrations_all(&count);
    const cz__graph *graph = cz__graph_make(ctx, migrations, count, NULL);
    check_app(ctx, a);
    cz__graph_check_leaves(ctx, graph);
    size_t last = cz__graph_find(ctx, graph, a->app, a->name);
    if (last == SIZE_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "%s has no migration \"%s\"", a->app, a->name);
    cz_migration squashed = cz__migration_squash(ctx, graph, last, a->without_data);
    if (squashed.replaces.count < 2)
        cz_raise(ctx, CZ_EVALIDATION, "%s.%s is the first: there is nothing to squash", a->app,
                 squashed.replaces.items[0]);
    cz__migration_list made = { &squashed, 1 };
    graph = graph_with(ctx, migrations, count, &made); /* raises when it would need itself */
    write_migration(ctx, a, graph, &squashed);
    printf("It replaces %zu migrations. Keep them until every database has them, then remove their "
           "files, their lines in list.h and its .replaces.\n",
           squashed.replaces.count);
    return 0;
}

int cz__command_squashmigrations(struct cz__site *site, int argc, char **argv)
{
    struct arguments a = { .site = site };
    const struct flag flags[] = {
        { "--without-data", &a.without_data, NULL, NULL, NULL },
        { "--dry-run", &a.dry_run, NULL, NULL, NULL },
        { "--folder", NULL, &a.folder, NULL, NULL },
    };
    if (!read_arguments(argc, argv, flags, CZ_COUNT(flags), &a, 2))
        return 2;
    if (!a.name) {
        fputs("squashmigrations: name an app and the last migration to squash; see --help\n",
              stderr);
        return 2;
    }
    return cz__site_run_offline(site, squash_migrations, &a);
}

/* ---- inspectdb ---- */

struct inspection {
    const char *const *tables;
    size_t count;
    bool unmanaged;
};

static int inspect_database(cz_ctx *ctx, void *arg)
{
    const struct inspection *asked = arg;
    cz_str text = cz__inspectdb(ctx, asked->tables, asked->count, asked->unmanaged);
    printf("%.*s", CZ_STR_ARG(text));
    return 0;
}

int cz__command_inspectdb(struct cz__site *site, int argc, char **argv)
{
    const char *database;
    if (!cz__command_database(&argc, argv, &database))
        return 2;
    struct inspection asked = { (const char *const *)(argv + 1), 0, false };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--unmanaged") == 0) {
            asked.unmanaged = true;
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "inspectdb: unknown argument \"%s\"; see --help\n", argv[i]);
            return 2;
        } else {
            argv[1 + asked.count++] = argv[i];
        }
    }
    return cz__site_run_on(site, database, inspect_database, &asked);
}
