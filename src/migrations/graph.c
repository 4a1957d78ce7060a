/* The order of migrations. */
#include "base/mapped.h"
#include "migrations/migrations_internal.h"
#include <stdlib.h>

enum { MIGRATIONS_MAX = 16384 };

static const cz_migration *all[MIGRATIONS_MAX];
static size_t all_count;

/* Those that CZ_MIGRATION has made, listed or not; the linker gives the names where there is one. */
extern const cz_migration *__start_cz_migrations[] __attribute__((weak));
extern const cz_migration *__stop_cz_migrations[] __attribute__((weak));

static int compare_names(const void *a, const void *b)
{
    const cz_migration *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* A list without CZ_LIST_END returns, past its last migration, whatever the processor has at hand. */
static bool is_no_migration(const cz_migration *migration, size_t first)
{
    for (size_t i = first; i < all_count; i++)
        if (all[i] == migration)
            return true;
    return !cz__mapped(migration, sizeof *migration) || !cz__mapped(migration->app, 1) ||
           !cz__mapped(migration->name, 1);
}

cz_status cz__migrations_add(const char *app, cz_migration_list list, cz_error *err)
{
    size_t first = all_count;
    const cz_migration *migration;
    for (size_t i = 0; list && (migration = list(i)); i++) {
        if (is_no_migration(migration, first))
            return cz_error_set(err, CZ_EVALIDATION,
                                "the list of migrations of the app %s has no CZ_LIST_END, or one "
                                "of them twice",
                                app);
        if (all_count == MIGRATIONS_MAX)
            return cz_error_set(err, CZ_ETOOBIG, "more than %d migrations", MIGRATIONS_MAX);
        if (strcmp(migration->app, app) != 0)
            return cz_error_set(err, CZ_EVALIDATION, "migration %s.%s is in the list of the app %s",
                                migration->app, migration->name, app);
        all[all_count++] = migration;
    }
    qsort(all + first, all_count - first, sizeof *all, compare_names);
    return CZ_OK;
}

cz_status cz__migrations_check_listed(cz_error *err)
{
    size_t compiled =
        __start_cz_migrations ? (size_t)(__stop_cz_migrations - __start_cz_migrations) : 0;
    for (size_t i = 0; i < compiled; i++) {
        const cz_migration *migration = __start_cz_migrations[i];
        bool listed = !cz__migrations_of(migration->app); /* then none of them is meant */
        for (size_t n = 0; n < all_count && !listed; n++)
            listed = all[n] == migration;
        if (!listed)
            return cz_error_set(err, CZ_EVALIDATION,
                                "migration %s.%s is compiled in and in no list: add "
                                "CZ_LISTED(%s_%s); to the list.h of %s",
                                migration->app, migration->name, migration->app, migration->name,
                                migration->app);
    }
    return CZ_OK;
}

const cz_migration *const *cz__migrations_all(size_t *out_count)
{
    *out_count = all_count;
    return all;
}

bool cz__migrations_of(const char *app)
{
    for (size_t i = 0; i < all_count; i++)
        if (strcmp(all[i]->app, app) == 0)
            return true;
    return false;
}

/* ---- ordering ---- */

struct nodes {
    cz_ctx *ctx;
    const cz_migration **items;
    size_t count;
};

static size_t find(const struct nodes *nodes, const char *app, const char *name)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (strcmp(nodes->items[i]->app, app) == 0 && strcmp(nodes->items[i]->name, name) == 0)
            return i;
    return SIZE_MAX;
}

static bool replaces(const cz_migration *migration, const char *app, const char *name)
{
    if (strcmp(migration->app, app) != 0)
        return false;
    for (size_t i = 0; i < migration->replaces.count; i++)
        if (strcmp(migration->replaces.items[i], name) == 0)
            return true;
    return false;
}

/* Leave out either a squashed migration or those it replaces. */
static void drop_replaced(struct nodes *nodes, const cz__ledger *ledger)
{
    bool *dropped = cz_array(nodes->ctx, bool, nodes->count + 1);
    for (size_t i = 0; i < nodes->count; i++) {
        const cz_migration *squashed = nodes->items[i];
        size_t applied = 0, there = 0;
        for (size_t r = 0; r < squashed->replaces.count; r++) {
            const char *name = squashed->replaces.items[r];
            there += find(nodes, squashed->app, name) != SIZE_MAX;
            applied += ledger && cz__ledger_has(ledger, squashed->app, name);
        }
        if (!squashed->replaces.count)
            continue;
        /* also where the squashed one ran, and an older program has undone some of them since */
        if (applied && applied < squashed->replaces.count) {
            if (there < squashed->replaces.count)
                cz_raise(nodes->ctx, CZ_EVALIDATION,
                         "%s.%s replaces migrations of which the database has some and the project "
                         "not all; apply the rest before their files go",
                         squashed->app, squashed->name);
            dropped[i] = true;
            continue;
        }
        for (size_t other = 0; other < nodes->count; other++)
            if (replaces(squashed, nodes->items[other]->app, nodes->items[other]->name))
                dropped[other] = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < nodes->count; i++)
        if (!dropped[i])
            nodes->items[kept++] = nodes->items[i];
    nodes->count = kept;
}

/* The node a dependency means, or the squashed one that stands for it; SIZE_MAX: there is none. */
static size_t find_needed(const struct nodes *nodes, const cz_dependency *needed)
{
    size_t first = SIZE_MAX, last = SIZE_MAX;
    for (size_t i = 0; i < nodes->count; i++) {
        const cz_migration *node = nodes->items[i];
        if (strcmp(node->app, needed->app) != 0)
            continue;
        if (strcmp(node->name, needed->name) == 0 || replaces(node, needed->app, needed->name))
            return i;
        first = first == SIZE_MAX ? i : first;
        last = i;
    }
    if (strcmp(needed->name, "first") == 0)
        return first;
    return strcmp(needed->name, "last") == 0 ? last : SIZE_MAX;
}

static bool is_ready(const struct nodes *nodes, const bool *placed, size_t node)
{
    const cz_dependency_list *depends = &nodes->items[node]->depends;
    for (size_t i = 0; i < depends->count; i++) {
        size_t needed = find_needed(nodes, &depends->items[i]);
        if (needed == SIZE_MAX)
            cz_raise(nodes->ctx, CZ_EVALIDATION,
                     "migration %s.%s depends on %s.%s, which is in no list",
                     nodes->items[node]->app, nodes->items[node]->name, depends->items[i].app,
                     depends->items[i].name);
        if (needed != node && !placed[needed])
            return false;
    }
    return true;
}

static bool is_applied(const cz__ledger *ledger, const cz_migration *migration)
{
    if (!ledger)
        return false;
    if (cz__ledger_has(ledger, migration->app, migration->name))
        return true;
    for (size_t i = 0; i < migration->replaces.count; i++)
        if (!cz__ledger_has(ledger, migration->app, migration->replaces.items[i]))
            return false;
    return migration->replaces.count > 0;
}

/* The migration that tables made without migrations are those of, where none has the name they were recorded
 * by: the app's first. NULL: there is none, or one has it. */
static const cz_migration *stand_in(const struct nodes *nodes, const cz__ledger_row *row)
{
    const cz_migration *first = NULL;
    for (size_t i = 0; i < nodes->count; i++) {
        const cz_migration *node = nodes->items[i];
        if (strcmp(node->app, row->app) != 0)
            continue;
        if (strcmp(node->name, row->name) == 0 || replaces(node, row->app, row->name))
            return NULL;
        if (cz__graph_is_initial(node) && (!first || strcmp(node->name, first->name) < 0))
            first = node;
    }
    return first;
}

/* The name of the row about tables made without migrations that a migration stands in for; NULL: none. */
static const char *stands_in_for(const struct nodes *nodes, const cz__ledger *ledger,
                                 const cz_migration *migration)
{
    for (size_t i = 0; ledger && i < ledger->count; i++)
        if (ledger->rows[i].from_tables && stand_in(nodes, &ledger->rows[i]) == migration)
            return ledger->rows[i].name;
    return NULL;
}

cz__graph *cz__graph_make(cz_ctx *ctx, const cz_migration *const *migrations, size_t count,
                          const cz__ledger *ledger)
{
    struct nodes nodes = { ctx, cz_array(ctx, const cz_migration *, count + 1), 0 };
    for (size_t i = 0; i < count; i++) {
        if (find(&nodes, migrations[i]->app, migrations[i]->name) != SIZE_MAX)
            cz_raise(ctx, CZ_EVALIDATION, "migration %s.%s is listed twice", migrations[i]->app,
                     migrations[i]->name);
        nodes.items[nodes.count++] = migrations[i];
    }
    drop_replaced(&nodes, ledger);
    cz__graph *graph = cz_new(ctx, cz__graph);
    graph->nodes = cz_array(ctx, const cz_migration *, nodes.count + 1);
    graph->applied = cz_array(ctx, bool, nodes.count + 1);
    bool *placed = cz_array(ctx, bool, nodes.count + 1);
    while (graph->count < nodes.count) {
        size_t next = 0;
        while (next < nodes.count && (placed[next] || !is_ready(&nodes, placed, next)))
            next++;
        if (next == nodes.count) {
            for (next = 0; placed[next];)
                next++;
            cz_raise(ctx, CZ_EVALIDATION, "migration %s.%s depends, by way of others, on itself",
                     nodes.items[next]->app, nodes.items[next]->name);
        }
        placed[next] = true;
        graph->applied[graph->count] = is_applied(ledger, nodes.items[next]) ||
                                       stands_in_for(&nodes, ledger, nodes.items[next]);
        graph->nodes[graph->count++] = nodes.items[next];
    }
    return graph;
}

/* ---- asking ---- */

static struct nodes nodes_of(cz_ctx *ctx, const cz__graph *graph)
{
    return (struct nodes){ ctx, graph->nodes, graph->count };
}

/* Whether `node` depends on `needed` directly. */
static bool needs(const struct nodes *nodes, size_t node, size_t needed)
{
    const cz_dependency_list *depends = &nodes->items[node]->depends;
    for (size_t i = 0; i < depends->count; i++)
        if (find_needed(nodes, &depends->items[i]) == needed)
            return node != needed;
    return false;
}

size_t cz__graph_find(cz_ctx *ctx, const cz__graph *graph, const char *app, const char *name)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < graph->count; i++) {
        if (strcmp(graph->nodes[i]->app, app) != 0)
            continue;
        if (strcmp(graph->nodes[i]->name, name) == 0)
            return i;
        if (strncmp(graph->nodes[i]->name, name, strlen(name)) != 0)
            continue;
        if (found != SIZE_MAX)
            cz_raise(ctx, CZ_EVALIDATION, "\"%s\" of %s may be %s or %s", name, app,
                     graph->nodes[found]->name, graph->nodes[i]->name);
        found = i;
    }
    return found;
}

size_t cz__graph_of_row(cz_ctx *ctx, const cz__graph *graph, const cz__ledger_row *row)
{
    struct nodes nodes = nodes_of(ctx, graph);
    const cz_migration *first = stand_in(&nodes, row);
    return cz__graph_find(ctx, graph, row->app, first ? first->name : row->name);
}

const char *cz__graph_stands_in_for(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger,
                                    size_t node)
{
    struct nodes nodes = nodes_of(ctx, graph);
    return stands_in_for(&nodes, ledger, graph->nodes[node]);
}

size_t cz__graph_leaves(cz_ctx *ctx, const cz__graph *graph, const char *app, size_t **out)
{
    struct nodes nodes = nodes_of(ctx, graph);
    size_t count = 0;
    *out = cz_array(ctx, size_t, graph->count + 1);
    for (size_t i = 0; i < graph->count; i++) {
        bool leaf = strcmp(graph->nodes[i]->app, app) == 0;
        for (size_t other = i + 1; other < graph->count && leaf; other++)
            leaf = strcmp(graph->nodes[other]->app, app) != 0 || !needs(&nodes, other, i);
        if (leaf)
            (*out)[count++] = i;
    }
    return count;
}

void cz__graph_check_leaves(cz_ctx *ctx, const cz__graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        size_t *leaves;
        size_t count = cz__graph_leaves(ctx, graph, graph->nodes[i]->app, &leaves);
        if (count > 1)
            cz_raise(ctx, CZ_EVALIDATION,
                     "%s has two last migrations, %s and %s; `makemigrations --merge` joins them",
                     graph->nodes[i]->app, graph->nodes[leaves[0]]->name,
                     graph->nodes[leaves[1]]->name);
    }
}

void cz__graph_check_applied(cz_ctx *ctx, const cz__graph *graph)
{
    struct nodes nodes = nodes_of(ctx, graph);
    for (size_t i = 0; i < graph->count; i++)
        for (size_t needed = 0; needed < i && graph->applied[i]; needed++)
            if (!graph->applied[needed] && needs(&nodes, i, needed))
                cz_raise(
                    ctx, CZ_EVALIDATION,
                    "the database's history is inconsistent: %s.%s is applied and %s.%s, which "
                    "it depends on, is not",
                    graph->nodes[i]->app, graph->nodes[i]->name, graph->nodes[needed]->app,
                    graph->nodes[needed]->name);
}

bool cz__graph_is_initial(const cz_migration *migration)
{
    for (size_t i = 0; i < migration->depends.count; i++)
        if (strcmp(migration->depends.items[i].app, migration->app) == 0)
            return false;
    return true;
}

/* ---- plans ---- */

static void want(const struct nodes *nodes, bool *wanted, size_t node)
{
    for (size_t i = node + 1; i-- > 0;) {
        if (i == node)
            wanted[i] = true;
        for (size_t other = i + 1; other <= node && !wanted[i]; other++)
            wanted[i] = wanted[other] && needs(nodes, other, i);
    }
}

/* Everything that is applied and needs a node that goes. */
static void unwant(const struct nodes *nodes, bool *goes)
{
    for (size_t i = 0; i < nodes->count; i++)
        for (size_t other = 0; other < i && !goes[i]; other++)
            goes[i] = goes[other] && needs(nodes, i, other);
}

static cz__plan_list plan_of(cz_ctx *ctx, const cz__graph *graph, const bool *chosen, bool backward)
{
    cz__plan_list plan = { cz_array(ctx, cz__planned, graph->count + 1), 0 };
    for (size_t i = 0; i < graph->count; i++) {
        size_t node = backward ? graph->count - 1 - i : i;
        if (chosen[node] && graph->applied[node] == backward)
            plan.items[plan.count++] = (cz__planned){ node, backward };
    }
    return plan;
}

/* Who looks for a migration that is not there may mean one that was squashed. */
CZ_NORETURN static void refuse_name(cz_ctx *ctx, const cz__graph *graph, const char *app,
                                    const char *name)
{
    for (size_t i = 0; i < graph->count; i++) {
        const cz_migration *node = graph->nodes[i];
        for (size_t r = 0; r < node->replaces.count && strcmp(node->app, app) == 0; r++)
            if (strncmp(node->replaces.items[r], name, strlen(name)) == 0)
                cz_raise(ctx, CZ_EVALIDATION, "%s.%s was squashed: %s stands in its place", app,
                         node->replaces.items[r], node->name);
    }
    cz_raise(ctx, CZ_EVALIDATION, "%s has no migration \"%s\"", app, name);
}

cz__plan_list cz__migrate_plan(cz_ctx *ctx, const cz__graph *graph, const char *app,
                               const char *name)
{
    struct nodes nodes = nodes_of(ctx, graph);
    bool *chosen = cz_array(ctx, bool, graph->count + 1);
    bool zero = name && strcmp(name, "zero") == 0;
    size_t target = name && !zero ? cz__graph_find(ctx, graph, app, name) : SIZE_MAX;
    bool known = !app;
    for (size_t i = 0; i < graph->count && !known; i++)
        known = strcmp(graph->nodes[i]->app, app) == 0;
    if (!known)
        cz_raise(ctx, CZ_EVALIDATION, "no app \"%s\" has migrations", app);
    if (name && !zero && target == SIZE_MAX)
        refuse_name(ctx, graph, app, name);
    bool backward = zero || (target != SIZE_MAX && graph->applied[target]);
    for (size_t i = 0; i < graph->count; i++) {
        bool own = !app || strcmp(graph->nodes[i]->app, app) == 0;
        if (!backward && target == SIZE_MAX && own)
            want(&nodes, chosen, i);
        else if (backward && app && own)
            chosen[i] = zero || needs(&nodes, i, target);
    }
    if (backward)
        unwant(&nodes, chosen);
    else if (target != SIZE_MAX)
        want(&nodes, chosen, target);
    return plan_of(ctx, graph, chosen, backward);
}
