/* Every call of the ORM with every allocation failing once: it raises CZ_ENOMEM and has changed nothing, or it has done
 * all it was to do; the session is of use after it, also inside a transaction that goes on. */
#include "orm/orm_testing.h"

#ifdef CZ_FAULTS
#include <calzone/bulk.h>
#include <calzone/raw.h>
#include <calzone/relations.h>
#include <stdio.h>

enum {
    ALLOCATIONS_MAX = 6000, /* of one call */
    COPIED = 520,           /* rows that PostgreSQL loads by COPY */
    ONE = 1000000,          /* keys, out of the way of those the database gives */
    TWO,
    THREE
};

CZ_MODEL_FORWARD(Parlour)

#define LANDLORD(F)                                                                                \
    F(char_field, name, .max_length = 20, .unique = true)                                          \
    F(reverse, villas, Villa, landlord)
CZ_MODEL_FORWARD(Villa)
CZ_MODEL(Landlord, LANDLORD, .ordering = CZ_ORDER_BY(CZ_ASC(Landlord, name)));

#define COMFORT(F) F(char_field, name, .max_length = 20)
CZ_MODEL(Comfort, COMFORT, .ordering = CZ_ORDER_BY(CZ_ASC(Comfort, name)));

#define VILLA(F)                                                                                   \
    F(char_field, name, .max_length = 20)                                                          \
    F(int_field, floors, .default_ = cz_int(1))                                                    \
    F(foreign_key, landlord, Landlord, .on_delete = CZ_CASCADE)                                    \
    F(foreign_key, seller, Landlord, .null = true, .on_delete = CZ_SET_NULL)                       \
    F(many_to_many, comforts, Comfort)                                                             \
    F(reverse, parlours, Parlour, villa)
CZ_MODEL(Villa, VILLA, .ordering = CZ_ORDER_BY(CZ_ASC(Villa, name)));

#define PARLOUR(F)                                                                                 \
    CZ_BASE_MODEL(F)                                                                               \
    F(char_field, name, .max_length = 20)                                                          \
    F(foreign_key, villa, Villa, .on_delete = CZ_CASCADE)
CZ_MODEL(Parlour, PARLOUR, .ordering = CZ_ORDER_BY(CZ_ASC(Parlour, name)));

static const struct cz__orm_test street = { "street",
                                            CZ_MODELS(Landlord, Comfort, Villa, Parlour) };

/* ---- what there is ---- */

static void seed(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_purge(c, Parlour, CZ_EVERY_ROW);
    cz_delete(c, Villa, CZ_EVERY_ROW);
    cz_delete(c, Comfort, CZ_EVERY_ROW);
    cz_delete(c, Landlord, CZ_EVERY_ROW);
    static const char *const names[] = { "Ann", "Bob", "Cid" };
    for (int i = 0; i < 3; i++)
        cz_create(c, Landlord, (id, ONE + i), (name, names[i]));
    for (int i = 0; i < 3; i++)
        cz_create(c, Comfort, (id, ONE + i), (name, i ? (i == 1 ? "lake" : "park") : "bath"));
    Villa *one =
        cz_create(c, Villa, (id, ONE), (name, "one"), (landlord_id, ONE), (seller_id, TWO));
    cz_create(c, Villa, (id, TWO), (name, "two"), (landlord_id, TWO), (seller_id, ONE));
    cz_related_add(c, one, comforts, CZ_INTS(ONE, TWO));
    cz_create(c, Parlour, (name, "red"), (villa_id, ONE));
    cz_create(c, Parlour, (name, "blue"), (villa_id, ONE));
    Parlour *green = cz_create(c, Parlour, (name, "green"), (villa_id, TWO));
    cz_remove(c, green);
}

struct told {
    char text[4096];
    size_t len;
};

static void tell(struct told *told, const char *before, cz_str text)
{
    int len = snprintf(told->text + told->len, sizeof told->text - told->len, "%s%.*s", before,
                       CZ_STR_ARG(text));
    CZ_REQUIRE(len >= 0 && (size_t)len < sizeof told->text - told->len);
    told->len += (size_t)len;
}

/* All rows but for keys that the database gave. */
static void tell_rows(cz_ctx *c, void *arg)
{
    struct told *told = arg;
    cz_rows(Landlord) landlords = cz_select(c, Landlord);
    for (size_t i = 0; i < landlords.count; i++)
        tell(told, " ", landlords.items[i].name);
    cz_rows(Villa) villas =
        cz_select(c, Villa, .related = CZ_RELATED(Villa, landlord, seller), .limit = 20);
    tell(told, "; ", cz_format(c, "%lld", (long long)cz_count(c, Villa)));
    for (size_t i = 0; i < villas.count; i++) {
        Villa *villa = &villas.items[i];
        tell(told, " ", villa->name);
        tell(told, " of ", CZ_REL(c, villa, landlord)->name);
        if (!cz_is_null(villa, seller_id))
            tell(told, " by ", CZ_REL(c, villa, seller)->name);
        tell(told, " ", cz_format(c, "%d", villa->floors));
        cz_rows(Comfort) comforts = cz_related(c, Comfort, villa, comforts);
        for (size_t n = 0; n < comforts.count; n++)
            tell(told, "+", comforts.items[n].name);
    }
    cz_rows(Parlour) parlours = cz_select(c, Parlour, .deleted = CZ_WITH_DELETED);
    for (size_t i = 0; i < parlours.count; i++) {
        tell(told, " ", parlours.items[i].name);
        tell(told, parlours.items[i].is_deleted ? " (gone)" : "", CZ_STR(""));
    }
}

/* ---- calls ---- */

static void read_rows(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Villa) villas =
        cz_select(c, Villa,
                  .where = CZ_OR(CZ_Q(Villa, landlord->name, CONTAINS, "n"),
                                 CZ_Q(Villa, comforts->name, IN, CZ_STRS("bath", "x"))),
                  .related = CZ_RELATED(Villa, landlord, seller), .distinct = true,
                  .prefetch = CZ_PREFETCH(Villa, (parlours), (comforts)));
    CZ_EXPECT_EQ(villas.count, 1);
    CZ_EXPECT_EQ(cz_related(c, Parlour, &villas.items[0], parlours).count, 2);
    CZ_EXPECT_EQ(cz_count(c, Villa), 2);
    CZ_EXPECT(cz_exists(c, Landlord, .where = CZ_Q(Landlord, villas->floors, LT, 5)));
}

static void read_parts(cz_ctx *c, void *arg)
{
    (void)arg;
    size_t seen = 0;
    cz_iterator *iterator = cz_iterator_begin(c, Villa, 1);
    for (cz_rows(Villa) part; (part = cz_iterator_next(iterator, Villa)).count;)
        seen += CZ_REL(c, &part.items[0], landlord) != NULL;
    cz_chunks *chunks = cz_chunks_begin(c, Landlord, 2);
    for (cz_rows(Landlord) part; (part = cz_chunks_next(chunks, Landlord)).count;)
        seen += part.count;
    CZ_EXPECT_EQ(seen, 5);
}

#define CENSUS(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(big_int_field, villas)
CZ_RECORD(Census, CENSUS);

static void read_values(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Census) counted =
        cz_values(c, Census, Landlord,
                  .values = CZ_AS(Census, (name, CZ_UPPER(CZ_F(Landlord, name))),
                                  (villas, CZ_COUNT_OF(CZ_F(Landlord, villas->id)))));
    CZ_EXPECT_EQ(counted.count, 3);
    cz_rows(Villa) villas =
        cz_raw(c, Villa, "SELECT * FROM street_villa WHERE floors IN (?)", CZ_ARGS(CZ_INTS(1, 2)));
    CZ_EXPECT_EQ(villas.count, 2);
}

static void create(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Villa, (name, "three"), (landlord_id, THREE), (floors, 2));
}

static void save(cz_ctx *c, void *arg)
{
    (void)arg;
    Villa *villa = cz_get(c, Villa, .where = CZ_Q(Villa, name, EXACT, "one"));
    cz_set(c, villa, floors, 4);
    cz_save(c, villa);
}

static void update(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz_update(c, Villa, CZ_Q(Villa, landlord->name, EXACT, "Ann"),
                           (floors, CZ_ADD(CZ_F(Villa, floors), 1))),
                 1);
}

static void delete_cascade(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Landlord, CZ_Q(Landlord, name, EXACT, "Ann"));
}

static void delete_softly(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz_delete(c, Parlour, CZ_EVERY_ROW), 2);
}

static void restore(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(cz_restore(c, Parlour, CZ_EVERY_ROW), 1);
}

static void change_links(cz_ctx *c, void *arg)
{
    (void)arg;
    Villa *villa = cz_get(c, Villa, .where = CZ_Q(Villa, name, EXACT, "one"));
    cz_related_set(c, villa, comforts, CZ_INTS(TWO, THREE));
}

static void in_atomic(cz_ctx *c, void *arg)
{
    void (*const *fn)(cz_ctx *, void *) = arg;
    cz_atomic(c, *fn, NULL);
}

static void create_two(cz_ctx *c, void *arg)
{
    (void)arg;
    Landlord *dan = cz_create(c, Landlord, (name, "Dan"));
    cz_related_create(c, Villa, dan, villas, (name, "four"));
}

static void create_in_transaction(cz_ctx *c, void *arg)
{
    (void)arg;
    void (*fn)(cz_ctx *, void *) = create_two;
    in_atomic(c, &fn);
}

static void create_many(cz_ctx *c, size_t count)
{
    Villa **villas = cz_array(c, Villa *, count);
    for (size_t i = 0; i < count; i++) {
        villas[i] = cz_row_new(c, Villa);
        cz_set(c, villas[i], name, "villa");
        cz_set(c, villas[i], landlord_id, ONE);
    }
    CZ_EXPECT_EQ(cz_bulk_create(c, Villa, villas, count), (int64_t)count);
}

static void bulk_create(cz_ctx *c, void *arg)
{
    (void)arg;
    create_many(c, 3);
}

static void bulk_load(cz_ctx *c, void *arg)
{
    (void)arg;
    create_many(c, COPIED);
}

static void bulk_update(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Villa) villas = cz_select(c, Villa);
    Villa *rows[] = { &villas.items[0], &villas.items[1] };
    for (int i = 0; i < 2; i++)
        cz_set(c, rows[i], floors, 7 + i);
    CZ_EXPECT_EQ(cz_bulk_update(c, Villa, rows, 2, floors), 2);
}

static void get_or_create(cz_ctx *c, void *arg)
{
    (void)arg;
    bool created;
    cz_get_or_create(c, Landlord, CZ_PAIRS(Landlord, (name, "Ann")), CZ_PAIRS(Landlord), &created);
    CZ_EXPECT(!created);
    cz_update_or_create(c, Villa, CZ_PAIRS(Villa, (name, "two")), CZ_PAIRS(Villa, (floors, 3)),
                        &created);
    CZ_EXPECT(!created);
}

static void create_or_get(cz_ctx *c, void *arg)
{
    (void)arg;
    bool created;
    cz_get_or_create(c, Landlord, CZ_PAIRS(Landlord, (name, "Eve")), CZ_PAIRS(Landlord), &created);
    CZ_EXPECT(created);
}

static void execute(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(
        cz_execute(c, "UPDATE street_villa SET floors = ? WHERE name = ?", CZ_ARGS(9, "two")), 1);
}

static const struct fault_case {
    const char *name;
    void (*call)(cz_ctx *c, void *arg);
} cases[] = {
    { "select, count and exists", read_rows },
    { "iterator and chunks", read_parts },
    { "values and raw", read_values },
    { "create", create },
    { "save", save },
    { "update", update },
    { "delete with cascade", delete_cascade },
    { "soft deletion", delete_softly },
    { "restore", restore },
    { "links", change_links },
    { "two in a transaction", create_in_transaction },
    { "bulk_create", bulk_create },
    { "bulk_create by COPY", bulk_load },
    { "bulk_update", bulk_update },
    { "get_or_create of what is there", get_or_create },
    { "get_or_create", create_or_get },
    { "execute", execute },
};

/* ---- one after the other fails ---- */

/* Run something in a context of its own. */
static cz_status try_apart(void (*fn)(cz_ctx *c, void *arg), void *arg, cz_error *err)
{
    cz_arena *arena;
    cz_ctx own;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&own, arena);
    cz_status status = cz_try(&own, fn, arg, err);
    cz_ctx_done(&own);
    cz_arena_destroy(arena);
    return status;
}

static void run_apart(void (*fn)(cz_ctx *c, void *arg), void *arg)
{
    cz_error err = { 0 };
    CZ_EXPECT_MSG(try_apart(fn, arg, &err) == CZ_OK, "%s", cz_error_message(&err));
}

struct attempt {
    const struct fault_case *test;
    uint64_t nth, used;
    bool around; /* a transaction that goes on */
    cz_status status;
    cz_error err;
};

static void count_villas(cz_ctx *c, void *arg)
{
    *(int64_t *)arg = cz_count(c, Villa);
}

/* Where no memory is left to say ROLLBACK TO SAVEPOINT the connection is closed, and with it the whole transaction
 * undone. */
static bool lets_go(const struct attempt *a, cz_status status)
{
    return cz__test_on_postgresql && a->around && a->nth % 2 && a->status &&
           status == CZ_EUNAVAILABLE;
}

/* Let the n-th allocation fail, and every later one when n is odd; then ask something. */
static void attempt(cz_ctx *c, void *arg)
{
    struct attempt *a = arg;
    void (*call)(cz_ctx *, void *) = a->test->call;
    int64_t count;
    cz_error err = { 0 };
    cz_status status;
    cz__alloc_fail_at(a->nth, a->nth % 2);
    a->status = cz_try(c, a->around ? in_atomic : call, a->around ? &call : NULL, &a->err);
    a->used = cz__alloc_fail_at(0, false);
    status = cz_try(c, count_villas, &count, &err);
    CZ_EXPECT_MSG(!status || lets_go(a, status), "%s, %llu: the session: %s", a->test->name,
                  (unsigned long long)a->nth, cz_error_message(&err));
}

static void attempt_inside(cz_ctx *c, void *arg)
{
    cz_create(c, Comfort, (name, "zoo"));
    attempt(c, arg);
}

static void attempt_around(cz_ctx *c, void *arg)
{
    cz_atomic(c, attempt_inside, arg);
}

static void expect_rows(const struct attempt *a, const struct told *expected)
{
    struct told told = { 0 };
    run_apart(tell_rows, &told);
    CZ_EXPECT_MSG(strcmp(told.text, expected->text) == 0, "%s, %llu%s, %s: there is%s, not%s",
                  a->test->name, (unsigned long long)a->nth, a->around ? " inside" : "",
                  a->status ? cz_error_message(&a->err) : "done", told.text, expected->text);
}

static void try_case(const struct fault_case *test, bool around)
{
    struct told before = { 0 }, after = { 0 };
    struct attempt a = { .test = test, .around = around, .status = CZ_ENOMEM };
    run_apart(seed, NULL);
    run_apart(tell_rows, &before);
    bool failed = true;
    for (a.nth = 1; failed && a.nth < ALLOCATIONS_MAX; a.nth++) {
        cz_error err = { 0 };
        cz_status status = try_apart(around ? attempt_around : attempt, &a, &err);
        CZ_EXPECT_MSG(!status || lets_go(&a, status), "%s, %llu: then %s", test->name,
                      (unsigned long long)a.nth, cz_error_message(&err));
        failed = a.used >= a.nth;
        CZ_EXPECT_MSG(a.status == CZ_OK || a.status == CZ_ENOMEM, "%s, %llu: %s: %s", test->name,
                      (unsigned long long)a.nth, cz_status_name(a.status),
                      cz_error_message(&a.err));
        CZ_EXPECT_MSG(failed || !a.status, "%s: %s without a failure", test->name,
                      cz_error_message(&a.err));
        if (a.status || status) {
            expect_rows(&a, &before);
            continue;
        }
        if (!after.len)
            run_apart(tell_rows, &after);
        expect_rows(&a, &after);
        run_apart(seed, NULL);
    }
    CZ_EXPECT_MSG(!failed, "%s: more than %d allocations", test->name, ALLOCATIONS_MAX);
    CZ_EXPECT_MSG(a.nth > 2, "%s: %llu allocations", test->name, (unsigned long long)a.nth);
}

static void without_memory(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (int around = 0; around < 2; around++)
            try_case(&cases[i], around);
}

CZ_DATABASE_TEST(every_call_is_done_or_memory_is_missing_and_nothing_changed)
{
    cz__orm_test_run(&street, without_memory);
}
#endif
