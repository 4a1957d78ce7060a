/* Migrations that were changed after a database had them. The ledger keeps a hash of each operation, of what it
 * says and not of how its file is laid out; the body of a C function is not part of it.
 *
 * "operations 1: 0123456789abcdef ..." has the number of the form operations are written in. Whoever changes what
 * write_operation() says of an operation that was there raises it, so that older rows are not compared. */
#include "migrations/migrations_internal.h"
#include "migrations/ledger.h"
#include <calzone/transactions.h>
#include <inttypes.h>

static const char form[] = "operations 1:";

/* FNV-1a, 64 bits: not against forgery, but the same everywhere and for ever. */
static uint64_t hash_of(cz_str text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* How an operation may have been recorded that ran the same. */
struct form {
    bool without_alias; /* .alias was added since */
    enum { UNDONE_AS_IS, UNDONE, NOT_UNDONE } reverse;
};

static void append(cz_ctx *ctx, cz_buf *out, const cz_operation *op, struct form as);

static void append_list(cz_ctx *ctx, cz_buf *out, const char *name, const cz_operation_list *list,
                        struct form as)
{
    cz_buf_printf(out, " %s(", name);
    for (size_t i = 0; i < list->count; i++)
        append(ctx, out, &list->items[i], as);
    cz_buf_append_char(out, ')');
}

static void append(cz_ctx *ctx, cz_buf *out, const cz_operation *op, struct form as)
{
    cz_operation plain = *op;
    bool undone = as.reverse == UNDONE_AS_IS ? op->reverse != NULL : as.reverse == UNDONE;
    switch (op->kind) {
    case CZ_OPERATION_RUN_C:
        cz_buf_append_str(out, undone ? CZ_STR("run, undone") : CZ_STR("run"));
        return;
    case CZ_OPERATION_RUN_SQL:
        if (as.without_alias)
            plain.alias = NULL;
        cz__append_operation(ctx, out, &plain);
        return;
    case CZ_OPERATION_SEPARATE:
        append_list(ctx, out, "database", &op->database_operations, as);
        append_list(ctx, out, "state", &op->state_operations, as);
        return;
    default:
        cz__append_operation(ctx, out, op);
    }
}

static uint64_t hash_operation(cz_ctx *ctx, const cz_operation *op, struct form as)
{
    cz_buf *text = cz_new(ctx, cz_buf);
    append(ctx, text, op, as);
    cz_status status = cz_buf_status(text);
    uint64_t hash = hash_of(cz_buf_str(text));
    cz_buf_done(text);
    cz_check(ctx, status);
    return hash;
}

static void write_hash(char out[16], uint64_t hash)
{
    for (int i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
}

/* Whether the hash is that of an operation which ran the same as this one. */
static bool ran_the_same(cz_ctx *ctx, const cz_operation *op, cz_str recorded)
{
    char hash[16];
    for (int form_number = 0; form_number < 6; form_number++) {
        struct form as = { form_number % 2 == 1, (unsigned)form_number / 2 };
        write_hash(hash, hash_operation(ctx, op, as));
        if (cz_str_eq(cz_str_of(hash, sizeof hash), recorded))
            return true;
    }
    return false;
}

const char *cz__migration_fingerprint(cz_ctx *ctx, const cz_migration *migration)
{
    size_t count = migration->operations.count;
    char *text = cz_alloc(ctx, sizeof form + count * 17);
    size_t len = sizeof form - 1;
    memcpy(text, form, sizeof form);
    for (size_t i = 0; i < count; i++) {
        text[len++] = ' ';
        write_hash(text + len,
                   hash_operation(ctx, &migration->operations.items[i], (struct form){ 0 }));
        len += 16;
    }
    text[len] = '\0';
    return text;
}

bool cz__is_fingerprint(cz_str text)
{
    return cz_str_starts_with(text, CZ_STR("operations "));
}

/* The number of its first hash that is another, from 1; 0: all that both have are the same. */
static size_t first_other(cz_ctx *ctx, const cz_migration *migration, cz_str now, cz_str then,
                          size_t *out_now, size_t *out_then)
{
    size_t first = 0;
    *out_now = *out_then = 0;
    while (now.len || then.len) {
        cz_str a = cz_str_cut(&now, ' '), b = cz_str_cut(&then, ' ');
        *out_now += a.len > 0;
        *out_then += b.len > 0;
        if (!first && a.len && b.len && !cz_str_eq(a, b) &&
            !ran_the_same(ctx, &migration->operations.items[*out_now - 1], b))
            first = *out_now;
    }
    return first;
}

const char *cz__migration_edited(cz_ctx *ctx, const cz_migration *migration, const char *recorded)
{
    cz_str then = cz_str_from(recorded);
    cz_str now = cz_str_from(cz__migration_fingerprint(ctx, migration));
    if (cz_str_eq(now, then) || !cz_str_starts_with(then, cz_str_from(form)))
        return NULL;
    size_t is, was;
    size_t first = first_other(ctx, migration, cz_str_trim(cz_str_tail(now, sizeof form - 1)),
                               cz_str_trim(cz_str_tail(then, sizeof form - 1)), &is, &was);
    if (!first && is == was)
        return NULL;
    if (!first && is < was)
        return cz_format(
                   ctx,
                   "%s.%s was changed after it was applied: it had %zu operations, and has %zu",
                   migration->app, migration->name, was, is)
            .ptr;
    first = first ? first : was + 1;
    return cz_format(ctx, "%s.%s was changed after it was applied: its operation %zu, \"%s\", %s",
                     migration->app, migration->name, first,
                     cz__operation_describe(ctx, &migration->operations.items[first - 1]),
                     first > was ? "was added" : "was another")
        .ptr;
}

static void accept(cz_ctx *ctx, void *arg)
{
    const cz_migration *migration = arg;
    cz__ledger_change(ctx, migration->app, migration->name,
                      cz__migration_fingerprint(ctx, migration));
}

size_t cz__migrations_accept_edited(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger)
{
    size_t accepted = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const cz_migration *migration = graph->nodes[i];
        for (size_t r = 0; r < ledger->count; r++) {
            const cz__ledger_row *row = &ledger->rows[r];
            if (!row->fingerprint || strcmp(row->app, migration->app) != 0 ||
                strcmp(row->name, migration->name) != 0 ||
                !cz__migration_edited(ctx, migration, row->fingerprint))
                continue;
            cz_atomic(ctx, accept, (void *)(uintptr_t)migration);
            accepted++;
        }
    }
    return accepted;
}

size_t cz__migrations_edited(cz_ctx *ctx, const cz__graph *graph, const cz__ledger *ledger,
                             void (*each)(const char *sentence))
{
    size_t edited = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        const cz__ledger_row *row = &ledger->rows[i];
        size_t node = row->fingerprint ? cz__graph_find(ctx, graph, row->app, row->name) : SIZE_MAX;
        if (node == SIZE_MAX || strcmp(graph->nodes[node]->name, row->name) != 0)
            continue;
        const char *sentence = cz__migration_edited(ctx, graph->nodes[node], row->fingerprint);
        if (sentence)
            each(sentence);
        edited += sentence != NULL;
    }
    return edited;
}
