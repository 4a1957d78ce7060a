/* How long a test waits for its database: cz_client_create() of a project with twelve models, from a template.
 *
 *     bench-testdatabase [--jobs 1]
 *
 * Each of 40 tests starts the project and reports what that took: the first also migrates the template. On
 * PostgreSQL with DATABASE_URL=postgresql://...; on SQLite without. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { TESTS = 40 };

#define SHELF(F)                                                                                   \
    F(char_field, name, .max_length = 80, .unique = true)                                          \
    F(int_field, height, .null = true, .index = true)                                              \
    F(datetime_field, made, .auto_now_add = true)
#define EACH_MODEL(X) X(A) X(B) X(C) X(D) X(E) X(F) X(G) X(H) X(I) X(J) X(K) X(L)
#define DECLARE(name) CZ_MODEL(Shelf##name, SHELF);
EACH_MODEL(DECLARE)

static const cz_app app = { "shelves",
                            .models = CZ_MODELS(ShelfA, ShelfB, ShelfC, ShelfD, ShelfE, ShelfF,
                                                ShelfG, ShelfH, ShelfI, ShelfJ, ShelfK, ShelfL) };
static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_PROJECT(project, "shelves", .apps = CZ_APPS(&app), .urls = urls);

static struct {
    unsigned count;
    int64_t us[TESTS];
} * times;

static void use(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_REQUIRE(cz_count(ctx, ShelfL) == 0);
    cz_create(ctx, ShelfL, (name, "top"));
}

static void measure(void)
{
    int64_t before = cz_monotonic_us();
    cz_client *client = cz_client_create(&project);
    int64_t us = cz_monotonic_us() - before;
    cz_client_run(client, use, NULL);
    times->us[__atomic_fetch_add(&times->count, 1, __ATOMIC_SEQ_CST)] = us;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static cz_test tests[TESTS];
    times = mmap(NULL, sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (times == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < TESTS; i++) {
        tests[i] = (cz_test){ .name = "start", .file = "testdatabase.c", .fn = measure };
        cz__test_register(&tests[i]);
    }
    int code = cz_test_main(argc, argv);
    if (code || times->count != TESTS)
        return 1;
    int64_t first = times->us[0];
    qsort(times->us, TESTS, sizeof times->us[0], ascending);
    printf("first %.1f ms; median %.1f ms, [%.1f-%.1f]\n", (double)first / 1e3,
           (double)times->us[TESTS / 2] / 1e3, (double)times->us[0] / 1e3,
           (double)times->us[TESTS - 1] / 1e3);
    return 0;
}
