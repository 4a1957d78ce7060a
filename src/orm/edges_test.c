/* Where pieces of the ORM meet: rolled back rows, slices, subqueries, managers and lists. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/expressions.h>
#include <calzone/raw.h>
#include <calzone/relations.h>
#include <calzone/transactions.h>

#define GUILD(F)                                                                                   \
    F(char_field, name)                                                                            \
    F(int_field, rank, .null = true)                                                               \
    F(char_field, note, .db_default = cz_text("none"))                                             \
    F(bool_field, hidden, .default_ = cz_bool(false))                                              \
    F(decimal_field, fee, .digits = 8, .places = 2, .default_ = cz_int(3))                         \
    F(ip_field, host, .null = true)                                                                \
    F(json_field, extra, .null = true)                                                             \
    F(char_field, crest, .max_length = 3, .null = true)                                            \
    F(reverse, crafts, Craft, guild)
CZ_MODEL_FORWARD(Craft)
CZ_MODEL(Guild, GUILD, .manager = CZ_MANAGER(.where = CZ_Q(Guild, hidden, EXACT, false)),
         .ordering = CZ_ORDER_BY(CZ_ASC_OF(CZ_COALESCE(CZ_F(Guild, rank), CZ_VALUE(7)))));
#define CRAFT(F)                                                                                   \
    CZ_SOFT_DELETED(F)                                                                             \
    F(char_field, title)                                                                           \
    F(foreign_key, guild, Guild, .null = true, .on_delete = CZ_CASCADE)
CZ_MODEL(Craft, CRAFT);
#define NUMBERED(F) F(big_int_field, number, .null = true)
CZ_RECORD(NumberedGuild, NUMBERED);
static const struct cz__orm_test town = { "town", CZ_MODELS(Guild, Craft) };

/* ---- rows that a trigger leaves out ---- */

static Craft *craft(cz_ctx *c, const char *title)
{
    Craft *row = cz_row_new(c, Craft);
    cz_set(c, row, title, title);
    return row;
}
static void store_left_out(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_save(c, craft(c, "left out"));
}
static void store_returning(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Guild, (name, "left out"));
}
static void store_many(cz_ctx *c, void *arg)
{
    Craft *rows[] = { craft(c, "kept"), craft(c, "left out"), craft(c, "kept, too") };
    cz_bulk_create(c, Craft, rows, 3, .ignore_conflicts = arg != NULL);
}

static void leave_out(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    const char *const triggers[] = {
        "CREATE TRIGGER town_craft_no BEFORE INSERT ON town_craft WHEN new.title = 'left out' "
        "BEGIN SELECT RAISE(IGNORE); END; "
        "CREATE TRIGGER town_guild_no BEFORE INSERT ON town_guild "
        "BEGIN SELECT RAISE(IGNORE); END",
        "CREATE FUNCTION town_no() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RETURN NULL; END$$; "
        "CREATE TRIGGER town_craft_no BEFORE INSERT ON town_craft FOR EACH ROW "
        "WHEN (new.title = 'left out') EXECUTE FUNCTION town_no(); "
        "CREATE TRIGGER town_guild_no BEFORE INSERT ON town_guild FOR EACH ROW "
        "EXECUTE FUNCTION town_no()",
    };
    cz_error err;
    cz__db_session *session = cz__session_of(c);
    CZ_REQUIRE_OK(
        session->db->driver->run(c, session, cz_str_from(triggers[cz__test_on_postgresql]), &err));
    static const struct cz__orm_test_refusal cases[] = {
        { store_left_out, CZ_EINTEGRITY,
          "This craft was not stored: a trigger of the database left it out." },
        { store_returning, CZ_EINTEGRITY,
          "This guild was not stored: a trigger of the database left it out." },
        { store_many, CZ_EINTEGRITY,
          "This craft was not stored: a trigger of the database left it out." },
    };
    cz_create(c, Craft, (title, "there"));
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, Craft), 1);
    store_many(c, c);
    CZ_EXPECT_EQ(cz_count(c, Craft), 3);
}

CZ_DATABASE_TEST(a_row_that_a_trigger_leaves_out_is_not_taken_for_stored)
{
    cz__orm_test_run(&town, leave_out);
}

/* ---- rows of a transaction that was rolled back ---- */

static unsigned tries;
static void save_and_fail(cz_ctx *c, void *arg)
{
    cz_save(c, (Guild *)arg);
    cz_raise(c, CZ_EVALIDATION, "no");
}
static void save_inside(cz_ctx *c, void *arg)
{
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, save_and_fail, arg, &err), CZ_EVALIDATION);
}
static void in_atomic(cz_ctx *c, void *arg)
{
    cz_atomic(c, save_and_fail, arg);
}
static void in_savepoint(cz_ctx *c, void *arg)
{
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, in_atomic, arg, &err), CZ_EVALIDATION);
    cz_save(c, (Guild *)arg);
}
static void save_at_second_try(cz_ctx *c, void *arg)
{
    cz_save(c, (Guild *)arg);
    if (!tries++)
        cz_raise(c, CZ_ESERIALIZATION, "once more");
}
static void create_many_and_fail(cz_ctx *c, void *arg)
{
    cz_row *rows[] = { arg };
    cz__bulk_create(c, &Guild__model, rows, 1, &(cz_bulk_options){ 0 });
    cz_raise(c, CZ_EVALIDATION, "no");
}

static void rolled_back(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_error err;
    Guild *made = cz_row_new(c, Guild);
    cz_set(c, made, name, "made");
    CZ_EXPECT_EQ(cz_try(c, in_atomic, made, &err), CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Guild), 0);
    cz_save(c, made);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, id, EXACT, made->id)), 1);
    cz_set(c, made, name, "changed");
    CZ_EXPECT_EQ(cz_try(c, in_atomic, made, &err), CZ_EVALIDATION);
    cz_save(c, made);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, name, EXACT, "changed")), 1);
    /* a savepoint's alone, then with the block around it */
    Guild *other = cz_row_new(c, Guild);
    cz_set(c, other, name, "other");
    cz_atomic(c, in_savepoint, other);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, name, EXACT, "other")), 1);
    /* an error that is caught inside is no rollback on its own */
    Guild *kept = cz_row_new(c, Guild);
    cz_set(c, kept, name, "kept");
    cz_atomic(c, save_inside, kept);
    cz_save(c, kept);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, name, EXACT, "kept")), 1);
    Guild *tried = cz_row_new(c, Guild);
    cz_set(c, tried, name, "tried");
    tries = 0;
    cz_atomic_with(c, &(cz_atomic_options){ .retries = 3 }, save_at_second_try, tried);
    CZ_EXPECT_EQ(tries, 2);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, name, EXACT, "tried")), 1);
    Guild *bulk = cz_row_new(c, Guild);
    cz_set(c, bulk, name, "bulk");
    struct {
        void (*fn)(cz_ctx *c, void *arg);
    } none = { NULL };
    (void)none;
    cz_status status = cz_try(c, create_many_and_fail, bulk, &err);
    CZ_EXPECT_EQ(status, CZ_EVALIDATION);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, name, EXACT, "bulk")),
                 1); /* its own block */
}
CZ_DATABASE_TEST(a_row_whose_transaction_was_rolled_back_is_stored_again)
{
    cz__orm_test_run(&town, rolled_back);
}

/* ---- queries ---- */

static void lock_alone(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Guild, .lock = CZ_FOR_UPDATE);
}
static void negative(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Guild, .limit = -1);
}
static void values_of_rows(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Guild, .values = CZ_AS(NumberedGuild, (number, CZ_F(Guild, id))));
}
static void update_unread(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_rows(Guild) part = cz_select(c, Guild, .only = CZ_FIELDS(Guild, name), .limit = 1);
    cz_row *rows[] = { &part.items[0].row_ };
    const cz_fields fields = CZ_FIELDS(Guild, note);
    cz__bulk_update(c, &Guild__model, rows, 1, &fields);
}
static void update_distinct_on(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update_rows(c, Guild,
                   CZ_QUERY(Guild, .where = CZ_EVERY_ROW, .distinct_on = CZ_FIELDS(Guild, name)),
                   (note, "x"));
}
static void null_among(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Guild, .where = CZ_AND(CZ_Q(Guild, rank, GT, 1), NULL));
}
static void add_nobody(cz_ctx *c, void *arg)
{
    cz_related_add(c, (Guild *)arg, crafts, CZ_INTS(999));
}

static void edges(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Guild *a = cz_create(c, Guild, (name, "a"), (rank, 9), (host, "192.0.2.1"));
    Guild *b = cz_create(c, Guild, (name, "b")),
          *d = cz_create(c, Guild, (name, "d"), (rank, 1), (fee, 5));
    cz_create(c, Guild, (name, "hidden"), (hidden, true));
    cz_create(c, Craft, (title, "x"), (guild_id, a->id));
    Craft *gone = cz_create(c, Craft, (title, "y"), (guild_id, b->id));
    cz_create(c, Craft, (title, "loose"));
    cz_remove(c, gone);
    /* slices of one row */
    CZ_EXPECT_STR(cz_get(c, Guild, .offset = 1, .limit = 1)->name, "b");
    CZ_EXPECT_STR(cz_get(c, Guild, .order_by = CZ_ORDER_BY(CZ_DESC(Guild, name)), .limit = 1)->name,
                  "d");
    CZ_EXPECT(
        cz_exists(c, Guild, .where = CZ_Q(Guild, name, EXACT, "b"),
                  .combine = CZ_UNION(CZ_QUERY(Guild, .where = CZ_Q(Guild, name, EXACT, "d")))));
    /* aggregates and slices in subqueries of an ordered model */
    cz_rows(NumberedGuild) counts = cz_values(
        c, NumberedGuild, Craft,
        .values = CZ_AS(NumberedGuild, (number, CZ_SUBQUERY(CZ_MAX(CZ_F(Guild, rank)), Guild,
                                                            .where = CZ_Q(Guild, name, LT, "c")))));
    CZ_EXPECT_EQ(counts.items[0].number, 9);
    counts = cz_values(
        c, NumberedGuild, Craft,
        .values = CZ_AS(NumberedGuild, (number, CZ_SUBQUERY(CZ_F(Guild, id), Guild, .offset = 1))));
    CZ_EXPECT_EQ(counts.items[0].number, b->id);
    /* NULLs among a subquery's rows are no reason to lose rows */
    CZ_EXPECT_EQ(
        cz_count(c, Guild,
                 .where = CZ_NOT(CZ_Q(Guild, id, IN, CZ_SUBQUERY(CZ_F(Craft, guild), Craft)))),
        2);
    /* deleted rows are left out of values as they are of conditions */
    cz_rows(NumberedGuild) with = cz_values(
        c, NumberedGuild, Guild,
        .values = CZ_AS(NumberedGuild,
                        (number, CZ_COUNT_ROWS_IF(CZ_Q(Guild, crafts->title, EXACT, "y")))));
    CZ_EXPECT_EQ(with.items[0].number, 0);
    /* long lists of what a column does not hold as it is */
    CZ_EXPECT_EQ(cz_count(c, Guild,
                          .where = CZ_Q(Guild, fee, IN,
                                        CZ_INTS(3, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                                21, 22, 23, 24, 25))),
                 3);
    CZ_EXPECT_EQ(cz_count(c, Guild,
                          .where = CZ_Q(Guild, host, IN,
                                        CZ_STRS("192.0.2.1", "::1", "::2", "::3", "::4", "::5",
                                                "::6", "::7", "::8", "::9", "::a", "::b", "::c",
                                                "::d", "::e", "::f", "::10", "::11"))),
                 1);
    /* orders over a relation, of distinct rows and of groups */
    CZ_EXPECT_EQ(
        cz_select(c, Craft, .distinct = true, .deleted = CZ_WITH_DELETED,
                  .order_by = CZ_ORDER_BY(CZ_DESC(Craft, guild->name, .nulls = CZ_NULLS_LAST)))
            .items[0]
            .id,
        gone->id);
    cz_rows(Craft) grouped =
        cz_select(c, Craft, .where = CZ_QE(CZ_COUNT_OF(CZ_F(Craft, guild->crafts)), GTE, 1),
                  .order_by = CZ_ORDER_BY(CZ_DESC(Craft, guild->name)));
    CZ_EXPECT_EQ(grouped.count, 1);
    for (int wanted = 0; wanted < 2; wanted++)
        CZ_EXPECT_EQ(
            cz_count(c, Guild,
                     .where = CZ_WHERE(cz_cond_when(c, wanted, CZ_Q(Guild, name, EXACT, "a")),
                                       cz_cond_when(c, true, CZ_Q(Guild, fee, LTE, 5)))),
            wanted ? 1 : 3);
    /* bulk changes go by every row, whatever the manager */
    cz_rows(Guild) all = cz_select(c, Guild, .manager = &cz_base_manager);
    cz_row *rows[4];
    for (size_t i = 0; i < all.count; i++) {
        cz_set(c, &all.items[i], note, "bulk");
        rows[i] = &all.items[i].row_;
    }
    const cz_fields fields = CZ_FIELDS(Guild, note);
    CZ_EXPECT_EQ(cz__bulk_update(c, &Guild__model, rows, all.count, &fields), 4);
    /* what was asked before a row was made is asked again */
    cz_rows(Guild) guilds = cz_select(c, Guild, .order_by = CZ_ORDER_BY(CZ_ASC(Guild, name)));
    CZ_EXPECT_EQ(
        cz_related(c, Craft, &guilds.items[0], crafts, .where = CZ_Q(Craft, title, GTE, "x")).count,
        1);
    cz_create(c, Craft, (title, "z"), (guild_id, a->id));
    CZ_EXPECT_EQ(
        cz_related(c, Craft, &guilds.items[0], crafts, .where = CZ_Q(Craft, title, GTE, "x")).count,
        2);
    CZ_EXPECT_STR(cz_load(c,
                          cz_get(c, Guild, .where = CZ_Q(Guild, id, EXACT, d->id),
                                 .only = CZ_FIELDS(Guild, name)),
                          note),
                  "bulk");
    cz_set(c, a, rank, NULL);
    CZ_EXPECT_EQ(a->rank, 0);
    static const struct cz__orm_test_refusal cases[] = {
        { lock_alone, CZ_EINVAL,
          "rows of Guild locked outside any cz_atomic(): the lock would end with the statement" },
        { negative, CZ_EINVAL, "a query of Guild with a negative limit or offset" },
        { values_of_rows, CZ_EINVAL, "cz_select() of Guild with .values, which cz_values() reads" },
        { update_unread, CZ_EINVAL,
          "row 0 of a bulk update has no \"note\": it was neither read nor set" },
        { update_distinct_on, CZ_EINVAL,
          "cz_update takes conditions alone: no order, limit, union, lock or values" },
        { null_among, CZ_EINVAL,
          "a condition that is gone, or NULL among others: CZ_Q() lives until the end of the block "
          "it is written in; cz_cond_when() and cz_cond_copy() make one that stays" },
        { add_nobody, CZ_EINTEGRITY, "no Craft has one of these keys" },
    };
    cz__orm_test_refused(c, a, cases, CZ_COUNT(cases));
}
CZ_DATABASE_TEST(edges_of_queries_hold)
{
    cz__orm_test_run(&town, edges);
}

/* ---- locks of what is no row ---- */

static void lock_distinct(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Guild, .where = CZ_Q(Guild, crafts->title, CONTAINS, "a"), .distinct = true,
              .unordered = true, .lock = CZ_FOR_UPDATE);
}
static void lock_groups(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_first(c, Guild, .where = CZ_QE(CZ_COUNT_OF(CZ_F(Guild, crafts)), GT, 1),
             .lock = CZ_FOR_SHARE);
}
static void lock_union(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Guild, .where = CZ_Q(Guild, rank, EXACT, 1), .lock = CZ_FOR_UPDATE_NOWAIT,
              .combine = CZ_UNION(CZ_QUERY(Guild, .where = CZ_Q(Guild, rank, EXACT, 2))));
}
static void lock_by_window(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Guild, .lock = CZ_FOR_UPDATE_SKIP_LOCKED,
              .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_WINDOW(CZ_RANK))));
}

static void locks(cz_ctx *c, void *arg)
{
#define NO_LOCK(what)                                                                              \
    "rows of Guild cannot be locked in a query with " what                                         \
    ": lock them by their keys, CZ_Q(Guild, id, IN, CZ_SUBQUERY(CZ_F(Guild, id), Guild, .where = " \
    "...))"
    static const struct cz__orm_test_refusal cases[] = {
        { lock_distinct, CZ_EINVAL, NO_LOCK(".distinct") },
        { lock_groups, CZ_EINVAL, NO_LOCK("groups") },
        { lock_union, CZ_EINVAL, NO_LOCK(".combine") },
        { lock_by_window, CZ_EINVAL, NO_LOCK("a window") },
    };
    cz__orm_test_refused(c, arg, cases, CZ_COUNT(cases));
    const cz_cond many = CZ_QE(CZ_COUNT_OF(CZ_F(Guild, crafts)), GT, 1);
    CZ_EXPECT_EQ(
        cz_select(c, Guild, .lock = CZ_FOR_UPDATE,
                  .where = CZ_Q(Guild, id, IN, CZ_SUBQUERY(CZ_F(Guild, id), Guild, .where = many)))
            .count,
        1);
}
static void lock_in_block(cz_ctx *c, void *arg)
{
    cz__tables_create(c);
    Guild *guild = cz_create(c, Guild, (name, "smiths"), (rank, 1));
    for (int i = 0; i < 2; i++)
        cz_create(c, Craft, (title, "a"), (guild, guild->id));
    cz_atomic(c, locks, arg);
}
CZ_DATABASE_TEST(what_is_no_row_of_a_table_cannot_be_locked)
{
    cz__orm_test_run(&town, lock_in_block);
}

static void addresses(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    const char *ways[] = { "2001:db8::1", "2001:DB8:0:0::1",
                           "2001:0db8:0000:0000:0000:0000:0000:0001" };
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        Guild *guild = cz_create(c, Guild, (name, ways[i]), (host, ways[i]));
        cz_refresh(c, guild);
        CZ_EXPECT_STR(guild->host, "2001:db8::1");
        CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, host, EXACT, ways[i])), i + 1);
        CZ_EXPECT_EQ(
            cz_count(c, Guild, .where = CZ_Q(Guild, host, IN, CZ_STRS("::1", "2001:DB8:0::1"))),
            i + 1);
    }
    CZ_EXPECT_EQ(cz_update(c, Guild, CZ_Q(Guild, name, EXACT, ways[0]), (host, "::FFFF:1.2.3.4")),
                 1);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, host, EXACT, "::ffff:1.2.3.4")), 1);
    CZ_EXPECT_EQ(cz_count(c, Guild, .where = CZ_Q(Guild, host, ISTARTSWITH, "2001:DB8")), 2);
}

#define REFUSED(name, field, value)                                                                \
    static void name(cz_ctx *c, void *arg)                                                         \
    {                                                                                              \
        Guild *guild = arg;                                                                        \
        cz_update(c, Guild, CZ_Q(Guild, id, EXACT, guild->id), (field, value));                    \
    }
REFUSED(no_json, extra, "{oops")
REFUSED(bad_utf8, name, "a\xff")
REFUSED(cut_utf8, note, ((cz_str){ "\xc3", 1 }))
REFUSED(with_null, name, ((cz_str){ "a\0b", 3 }))
REFUSED(null_in_json, extra, ((cz_str){ "\"\0\"", 3 }))
REFUSED(null_escaped, extra, "{\"a\": [\"b\\\\\\u0000c\"]}")
REFUSED(null_in_key, extra, "{\"\\u0000\": 1}")
REFUSED(no_address, host, "999.1.2.3")
REFUSED(empty_address, host, "")
REFUSED(no_network, host, "10.0.0.0/33")
REFUSED(long_crest, crest, "äöüß")

static void by_hand(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_execute(c, "UPDATE town_guild SET extra = '{oops'");
}

static void refusals(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Guild *guild = cz_create(c, Guild, (name, "\xf0\x9f\x92\xa1"), (host, "10.0.0.0/8"),
                             (crest, "äöü"), (extra, "{}"));
    static const struct cz__orm_test_refusal cases[] = {
        { no_json, CZ_EVALIDATION, "extra: Value must be valid JSON." },
        { bad_utf8, CZ_EVALIDATION, "name: Not a valid string: it is not UTF-8." },
        { cut_utf8, CZ_EVALIDATION, "note: Not a valid string: it is not UTF-8." },
        { with_null, CZ_EVALIDATION, "name: Null characters are not allowed." },
        { null_in_json, CZ_EVALIDATION, "extra: Null characters are not allowed." },
        { null_escaped, CZ_EVALIDATION, "extra: Null characters are not allowed." },
        { null_in_key, CZ_EVALIDATION, "extra: Null characters are not allowed." },
        { no_address, CZ_EVALIDATION, "host: Enter a valid IPv4 or IPv6 address." },
        { empty_address, CZ_EVALIDATION, "host: Enter a valid IPv4 or IPv6 address." },
        { no_network, CZ_EVALIDATION, "host: Enter a valid IPv4 or IPv6 address." },
    };
    cz__orm_test_refused(c, guild, cases, CZ_COUNT(cases));
    static const struct cz__orm_test_refusal on_postgresql[] = {
        { long_crest, CZ_EVALIDATION, "crest: Ensure this field has no more than 3 characters." },
    };
    cz_error err = { 0 };
    CZ_EXPECT_EQ(cz_try(c, by_hand, guild, &err), CZ_EVALIDATION);
    CZ_EXPECT(strstr(cz_error_message(&err), "A value is not what its column holds.") != NULL);
    if (!cz__test_on_postgresql)
        CZ_EXPECT_STR(cz_str_from(err.constraint), "town_guild.extra");
    if (cz__test_on_postgresql)
        cz__orm_test_refused(c, guild, on_postgresql, CZ_COUNT(on_postgresql));
    cz_refresh(c, guild);
    CZ_EXPECT_STR(guild->host, "10.0.0.0/8");
    CZ_EXPECT_STR(guild->extra, "{}");
}
CZ_DATABASE_TEST(what_cannot_be_read_again_is_not_stored)
{
    cz__orm_test_run(&town, refusals);
}

CZ_DATABASE_TEST(an_address_is_the_same_however_it_is_written)
{
    cz__orm_test_run(&town, addresses);
}

static void create_one(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Guild, (name, "x")); /* whose note the database gives, and tells */
}

static void create_while_reading(cz_ctx *c, void *arg)
{
    cz_atomic_options reading = { .read_only = true };
    cz_atomic_with(c, &reading, create_one, arg);
}

static void only_reading(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, create_while_reading, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_EQ(cz_count(c, Guild), 0);
}

CZ_DATABASE_TEST(a_row_that_is_told_back_is_no_read_either)
{
    cz__orm_test_run(&town, only_reading);
}

#ifdef CZ_FAULTS
/* ---- documents without memory ---- */

static void count_documents(cz_ctx *c, void *arg)
{
    (void)arg;
    CZ_EXPECT_EQ(
        cz_count(c, Guild,
                 .where = CZ_AND(CZ_Q(Guild, extra, CONTAINS, "{\"a\": [\"\\u0041\"]}"),
                                 CZ_QE(CZ_JSON_TEXT(CZ_F(Guild, extra), "b"), EXACT, "x"))),
        1);
}
static void store_document(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Guild, (name, "again"), (extra, "[\"\\u0041\"]"));
}
static void documents(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_create(c, Guild, (name, "one"), (extra, "{\"a\": [\"A\\u0042\", \"A\"], \"b\": \"x\"}"));
    cz__orm_test_without_memory(count_documents, NULL);
    cz__orm_test_without_memory(store_document, NULL);
}

CZ_DATABASE_TEST(a_document_without_memory_is_no_other_one)
{
    cz__orm_test_run(&town, documents);
}
#endif
