/* A project whose migrations change one large table, each in one way: bench/run-data fills it after 0001 and runs the
 * others one by one. */
#include <calzone/calzone.h>

/* clang-format off */
static CZ_MIGRATION(bench_0001_initial, "bench", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("Heap", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "name", "char_field", .max_length = 200 },
            { "quantity", "int_field" },
            { "price", "int_field" }))));
static CZ_MIGRATION(bench_0002_add, "bench", "0002_add", .depends = CZ_DEPENDS({ "bench", "0001_initial" }),
    .operations = CZ_OPERATIONS(
        CZ_ADD_FIELD("Heap", { "state", "char_field", .max_length = 20, .default_ = cz_text("new") })));
static CZ_MIGRATION(bench_0003_index, "bench", "0003_index", .depends = CZ_DEPENDS({ "bench", "0002_add" }),
    .operations = CZ_OPERATIONS(CZ_ADD_INDEX("Heap", { "heap_quantity", CZ_NAMES("quantity") })));
static CZ_MIGRATION(bench_0004_alter, "bench", "0004_alter", .depends = CZ_DEPENDS({ "bench", "0003_index" }),
    .operations = CZ_OPERATIONS(CZ_ALTER_FIELD("Heap", { "quantity", "big_int_field" })));
static CZ_MIGRATION(bench_0005_online, "bench", "0005_online", .depends = CZ_DEPENDS({ "bench", "0004_alter" }),
    .online = true,
    .operations = CZ_OPERATIONS(CZ_ADD_INDEX("Heap", { "heap_price", CZ_NAMES("price") })));
/* clang-format on */

CZ_MIGRATION_LIST(migrations)
{
    CZ_LISTED(bench_0001_initial);
    CZ_LISTED(bench_0002_add);
    CZ_LISTED(bench_0003_index);
    CZ_LISTED(bench_0004_alter);
    CZ_LISTED(bench_0005_online);
    CZ_LIST_END;
}

static const cz_app bench_app = { .name = "bench", .migrations = migrations };
static const cz_route urls[] = { CZ_ROUTES_END };

CZ_PROJECT_MAIN("bench-migrate", .apps = CZ_APPS(&bench_app), .urls = urls)
