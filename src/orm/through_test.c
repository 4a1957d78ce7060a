/* Many-to-many relations whose links are rows of a model. */
#include "orm/orm_testing.h"
#include <calzone/relations.h>
#include <stdio.h>

CZ_MODEL_FORWARD(Person)
CZ_MODEL_FORWARD_UUID(Club)
CZ_MODEL_FORWARD(Outing)

/* Two keys to Person, so a field through it says which is meant; deleted members stay as marks. */
#define MEMBERSHIP(F)                                                                              \
    F(foreign_key, person, Person, .on_delete = CZ_CASCADE)                                        \
    F(foreign_key, club, Club, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, inviter, Person, .null = true, .on_delete = CZ_SET_NULL)                        \
    F(char_field, role, .max_length = 20, .default_ = cz_text("member"))                           \
    F(int_field, fee, .null = true)                                                                \
    CZ_SOFT_DELETED(F)
CZ_MODEL(Membership, MEMBERSHIP);

#define FRIENDSHIP(F)                                                                              \
    F(foreign_key, admirer, Person, .on_delete = CZ_CASCADE)                                       \
    F(foreign_key, admired, Person, .on_delete = CZ_CASCADE)
CZ_MODEL(Friendship, FRIENDSHIP, .unique_together = CZ_FIELDS(Friendship, admirer, admired));

#define PERSON(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(many_to_many, clubs, Club, .through = CZ_THROUGH(Membership),                                \
      .through_fields = CZ_FIELDS(Membership, person, club))                                       \
    F(many_to_many, admires, Person, .through = CZ_THROUGH(Friendship))                            \
    F(many_to_many, visited, Club, .through = CZ_THROUGH(Outing))                                  \
    F(many_to_many_reverse, admirers, Person, admires)                                             \
    F(reverse, memberships, Membership, person)
CZ_MODEL(Person, PERSON, .ordering = CZ_ORDER_BY(CZ_ASC(Person, name)));

#define CLUB(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(many_to_many_reverse, members, Person, clubs)                                                \
    F(many_to_many_reverse, visitors, Person, visited)                                             \
    F(reverse, memberships, Membership, club)
CZ_MODEL_UUID(Club, CLUB, .ordering = CZ_ORDER_BY(CZ_ASC(Club, name)));

/* A key may be NULL, and one person visits one club more than once. */
#define OUTING(F)                                                                                  \
    F(foreign_key, club, Club, .null = true, .on_delete = CZ_SET_NULL)                             \
    F(foreign_key, person, Person, .on_delete = CZ_PROTECT)                                        \
    F(int_field, hours, .null = true)
CZ_MODEL(Outing, OUTING, .manager = CZ_MANAGER(.where = CZ_Q(Outing, hours, ISNULL, true)));

static char trail[512];

static void note(cz_ctx *c, const cz_event *event)
{
    static const char *const names[] = { [CZ_PRE_SAVE] = "pre_save",
                                         [CZ_POST_SAVE] = "post_save",
                                         [CZ_PRE_DELETE] = "pre_delete",
                                         [CZ_POST_DELETE] = "post_delete",
                                         [CZ_M2M_CHANGED] = "m2m" };
    (void)c;
    size_t len = strlen(trail);
    if (event->signal == CZ_M2M_CHANGED)
        cz_ignore(snprintf(trail + len, sizeof trail - len, "%s.%s:%d:%zu ", event->model->name,
                           event->field->name, event->action, event->key_count));
    else
        cz_ignore(snprintf(trail + len, sizeof trail - len, "%s:%s ", names[event->signal],
                           event->model->name));
}

static const cz_receiver receivers[] = { CZ_RECEIVER_OF_ALL(CZ_M2M_CHANGED, note),
                                         CZ_RECEIVER(CZ_PRE_SAVE, Membership, note),
                                         CZ_RECEIVER(CZ_POST_SAVE, Membership, note),
                                         CZ_RECEIVER(CZ_PRE_DELETE, Membership, note),
                                         CZ_RECEIVER(CZ_POST_DELETE, Membership, note) };
static const struct cz__orm_test society = {
    "society",
    CZ_MODELS(Person, Club, Membership, Friendship, Outing),
    { receivers, CZ_COUNT(receivers) },
};

#define EXPECT_TRAIL(expected)                                                                     \
    do {                                                                                           \
        CZ_EXPECT_STR(cz_str_from(trail), expected);                                               \
        trail[0] = '\0';                                                                           \
    } while (0)

static const char *club_names(cz_ctx *c, cz_rows(Club) clubs)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < clubs.count; i++)
        text = cz_format(c, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(clubs.items[i].name));
    return text.ptr;
}
#define EXPECT_CLUBS(clubs, expected) CZ_EXPECT_STR(cz_str_from(club_names(c, clubs)), expected)

static const char *names_of(cz_ctx *c, cz_rows(Person) people)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < people.count; i++)
        text = cz_format(c, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(people.items[i].name));
    return text.ptr;
}
#define EXPECT_PEOPLE(people, expected) CZ_EXPECT_STR(cz_str_from(names_of(c, people)), expected)

static Person *people[3];
static Club *clubs[3];

static void make_society(cz_ctx *c)
{
    static const char *const names[] = { "a", "b", "c" }, *const of_clubs[] = { "X", "Y", "Z" };
    CZ_EXPECT_EQ(cz__tables_create(c), 5); /* those of models, and no more */
    for (int i = 0; i < 3; i++) {
        people[i] = cz_create(c, Person, (name, names[i]));
        clubs[i] = cz_create(c, Club, (name, of_clubs[i]));
    }
}

static const Membership *membership(cz_ctx *c, int64_t person, cz_uuid club)
{
    return cz_get(c, Membership,
                  .where = CZ_AND(CZ_Q(Membership, person, EXACT, person),
                                  CZ_Q(Membership, club, EXACT, club)));
}

static void change_links(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    cz_related_add(c, people[0], clubs, CZ_UUIDS(clubs[0]->id));
    EXPECT_TRAIL("Person.clubs:1:1 Person.clubs:2:1 "); /* rows made in bulk: no saves told */
    CZ_EXPECT_STR(membership(c, people[0]->id, clubs[0]->id)->role, "member");
    cz_related_add_through(
        c, people[0], clubs,
        CZ_PAIRS(Membership, (role, "captain"), (fee, 9), (inviter, people[1]->id)),
        CZ_UUIDS(clubs[0]->id, clubs[1]->id));
    EXPECT_TRAIL("Person.clubs:1:1 Person.clubs:2:1 ");
    CZ_EXPECT_STR(membership(c, people[0]->id, clubs[0]->id)->role, "member"); /* was there */
    const Membership *captain = membership(c, people[0]->id, clubs[1]->id);
    CZ_EXPECT_STR(captain->role, "captain");
    CZ_EXPECT(captain->fee == 9 && captain->inviter_id == people[1]->id);
    /* from the other side, with UUIDs on this one */
    cz_related_add_through(c, clubs[1], members, CZ_PAIRS(Membership, (role, "guest")),
                           CZ_INTS(people[1]->id, people[0]->id, people[1]->id));
    EXPECT_TRAIL("Club.members:1:1 Club.members:2:1 ");
    EXPECT_PEOPLE(cz_related(c, Person, clubs[1], members), "ab");
    EXPECT_CLUBS(cz_related(c, Club, people[0], clubs), "XY");
    EXPECT_CLUBS(cz_related(c, Club, people[0], clubs, .where = CZ_Q(Club, name, GT, "X")), "Y");
    /* set: what stays keeps its fields, what goes is deleted as rows are */
    cz_related_set_through(c, people[0], clubs, CZ_PAIRS(Membership, (role, "new")),
                           CZ_UUIDS(clubs[1]->id, clubs[2]->id));
    EXPECT_TRAIL("Person.clubs:3:1 pre_delete:Membership post_delete:Membership Person.clubs:4:1 "
                 "Person.clubs:1:1 Person.clubs:2:1 ");
    CZ_EXPECT_STR(membership(c, people[0]->id, clubs[1]->id)->role, "captain");
    CZ_EXPECT_STR(membership(c, people[0]->id, clubs[2]->id)->role, "new");
    cz_related_replace_through(c, people[0], clubs, CZ_PAIRS(Membership, (role, "again")),
                               CZ_UUIDS(clubs[1]->id));
    CZ_EXPECT_STR(membership(c, people[0]->id, clubs[1]->id)->role, "again");
    cz_related_remove(c, people[0], clubs, CZ_UUIDS(clubs[0]->id, clubs[1]->id));
    EXPECT_CLUBS(cz_related(c, Club, people[0], clubs), "");
    cz_related_clear(c, clubs[1], members);
    CZ_EXPECT_EQ(cz_count(c, Membership), 0);
    /* they were CZ_SOFT_DELETED: marked, and no links to anybody */
    CZ_EXPECT_EQ(cz_count(c, Membership, .deleted = CZ_ONLY_DELETED), 5);
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, clubs->name, EXACT, "Y")), 0);
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, clubs, ISNULL, true)), 3);
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, clubs->name, EXACT, "Y"),
                          .deleted = CZ_WITH_DELETED),
                 3); /* a twice: made, and made again */
}

CZ_DATABASE_TEST(links_through_a_model_are_its_rows)
{
    cz__orm_test_run(&society, change_links);
}

static void make_linked(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    Club *chess = cz_related_create_through(
        c, Club, people[0], clubs, CZ_PAIRS(Membership, (role, "founder")), (name, "chess"));
    CZ_EXPECT_STR(membership(c, people[0]->id, chess->id)->role, "founder");
    Person *dan = cz_related_create(c, Person, chess, members, (name, "dan"));
    CZ_EXPECT_STR(membership(c, dan->id, chess->id)->role, "member");
    bool created;
    Club *found =
        cz_related_get_or_create_through(c, Club, dan, clubs, CZ_PAIRS(Membership, (role, "x")),
                                         CZ_PAIRS(Club, (name, "chess")), CZ_PAIRS(Club), &created);
    CZ_EXPECT(!created && cz_uuid_eq(found->id, chess->id));
    CZ_EXPECT_STR(membership(c, dan->id, chess->id)->role, "member"); /* not a default's any more */
    found =
        cz_related_get_or_create_through(c, Club, dan, clubs, CZ_PAIRS(Membership, (role, "first")),
                                         CZ_PAIRS(Club, (name, "go")), CZ_PAIRS(Club), NULL);
    CZ_EXPECT_STR(membership(c, dan->id, found->id)->role, "first");
    found = cz_related_update_or_create_through(
        c, Club, dan, clubs, CZ_PAIRS(Membership, (role, "y")), CZ_PAIRS(Club, (name, "go")),
        CZ_PAIRS(Club, (name, "Go")), &created);
    CZ_EXPECT(!created);
    CZ_EXPECT_STR(found->name, "Go");
    CZ_EXPECT_STR(membership(c, dan->id, found->id)->role, "first");
    EXPECT_CLUBS(cz_related(c, Club, dan, clubs), "Gochess");
}

CZ_DATABASE_TEST(rows_are_made_behind_a_model_between)
{
    cz__orm_test_run(&society, make_linked);
}

static void read_links(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    for (int i = 0; i < 3; i++)
        for (int n = 0; n <= i; n++)
            cz_create(c, Membership, (person, people[i]->id), (club, clubs[n]->id), (fee, i + n),
                      (inviter, people[n]->id), (role, i == n ? "captain" : "member"));
    /* over the relation, over the rows between, and both at once */
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, clubs->name, EXACT, "Y")), 2);
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_NOT(CZ_Q(Person, clubs->name, EXACT, "Y"))), 1);
    CZ_EXPECT_EQ(cz_count(c, Club, .where = CZ_Q(Club, members->name, EXACT, "b")), 2);
    CZ_EXPECT_EQ(cz_count(c, Club, .where = CZ_Q(Club, memberships->role, EXACT, "captain")), 3);
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, memberships->club->name, EXACT, "Z")),
                 1);
    cz_rows(Person) all =
        cz_select(c, Person,
                  .prefetch = CZ_PREFETCH(Person, (clubs, Club, .limit = 2, .as = "two"),
                                          (clubs->members), (memberships)));
    CZ_EXPECT_QUERIES_OF(0)
    {
        EXPECT_CLUBS(cz_related(c, Club, &all.items[2], clubs), "XYZ");
        EXPECT_CLUBS(cz_prefetched(c, Club, &all.items[2], clubs, "two"), "XY");
        CZ_EXPECT_EQ(cz_related(c, Membership, &all.items[1], memberships).count, 2);
        EXPECT_PEOPLE(
            cz_related(c, Person, &cz_related(c, Club, &all.items[0], clubs).items[0], members),
            "abc");
    }
    /* conditions are about the row that links, not about any row between */
    cz_cond captain = CZ_Q(Club, memberships->role, EXACT, "captain");
    EXPECT_CLUBS(cz_related(c, Club, &all.items[2], clubs, .where = captain), "Z");
    CZ_EXPECT_EQ(cz_count(c, Club, .where = CZ_AND(captain, CZ_Q(Club, members->name, EXACT, "c"))),
                 1);
    cz_rows(Person) led = cz_select(
        c, Person, .prefetch = CZ_PREFETCH(Person, (clubs, Club, .where = captain, .as = "led")));
    EXPECT_CLUBS(cz_prefetched(c, Club, &led.items[2], clubs, "led"), "Z");
    /* so are they where the rows are read anew, or row by row */
    cz_set(c, people[0], name, "a");
    cz_save(c, people[0]);
    EXPECT_CLUBS(cz_related(c, Club, &all.items[2], clubs, .where = captain), "Z");
    EXPECT_CLUBS(
        cz_related(c, Club, &all.items[2], clubs, .where = captain, .distinct = true, .limit = 9),
        "Z");
    /* a row between that is changed by itself is a change of the relation */
    EXPECT_CLUBS(cz_related(c, Club, &all.items[2], clubs, .where = CZ_Q(Club, name, GT, "X")),
                 "YZ");
    cz_remove(c, (Membership *)membership(c, people[2]->id, clubs[1]->id));
    EXPECT_CLUBS(cz_related(c, Club, &all.items[2], clubs, .where = CZ_Q(Club, name, GT, "X")),
                 "Z");
    cz_rows(Person) again = cz_select(c, Person, .prefetch = CZ_PREFETCH(Person, (clubs)));
    EXPECT_CLUBS(cz_related(c, Club, &again.items[2], clubs), "XZ");
    /* what refers to a row that goes says what becomes of it */
    cz_delete(c, Club, CZ_Q(Club, name, EXACT, "X"));
    CZ_EXPECT_EQ(cz_count(c, Membership, .manager = &cz_base_manager), 3);
    cz_delete(c, Person, CZ_Q(Person, name, EXACT, "b"));
    CZ_EXPECT_EQ(cz_count(c, Membership), 1);
    CZ_EXPECT_EQ(cz_count(c, Membership, .where = CZ_Q(Membership, inviter, ISNULL, true)), 0);
}

CZ_DATABASE_TEST(relations_through_a_model_are_filtered_prefetched_and_deleted)
{
    cz__orm_test_run(&society, read_links);
}

static void of_itself(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    cz_related_add(c, people[0], admires, CZ_INTS(people[1]->id, people[2]->id));
    EXPECT_PEOPLE(cz_related(c, Person, people[0], admires), "bc");
    EXPECT_PEOPLE(cz_related(c, Person, people[1], admires), ""); /* one way alone */
    EXPECT_PEOPLE(cz_related(c, Person, people[1], admirers), "a");
    const Friendship *one =
        cz_get(c, Friendship, .where = CZ_Q(Friendship, admired, EXACT, people[1]->id));
    CZ_EXPECT_EQ(one->admirer_id, people[0]->id);
    cz_related_set(c, people[2], admirers, CZ_INTS(people[1]->id));
    EXPECT_PEOPLE(cz_related(c, Person, people[0], admires), "b");
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, admires->admires->name, EXACT, "c")), 1);
}

CZ_DATABASE_TEST(a_model_is_linked_with_itself_from_its_first_key_to_its_second)
{
    cz__orm_test_run(&society, of_itself);
}

static void more_than_once(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    for (int i = 0; i < 3; i++)
        cz_create(c, Outing, (person, people[0]->id), (club, clubs[0]->id));
    cz_create(c, Outing, (person, people[0]->id));
    cz_create(c, Outing, (person, people[0]->id), (club, clubs[1]->id), (hours, 2));
    /* once for each link, as a join gives it and Django does; its manager is not asked there */
    EXPECT_CLUBS(cz_related(c, Club, people[0], visited), "XXXY");
    CZ_EXPECT_EQ(cz_count(c, Person, .where = CZ_Q(Person, visited->name, EXACT, "X")), 3);
    const cz__column *visited = cz__column_find(&Person__model, CZ_STR("visited"));
    void *keys;
    CZ_EXPECT_EQ(cz__links_read(c, &people[0]->row_, visited, &keys),
                 1); /* but where links change */
    cz_related_add(c, people[0], visited, CZ_UUIDS(clubs[0]->id, clubs[2]->id));
    CZ_EXPECT_EQ(cz_count(c, Outing), 5);
    trail[0] = '\0';
    cz_related_remove(c, people[0], visited, CZ_UUIDS(clubs[0]->id));
    EXPECT_TRAIL("Person.visited:3:1 Person.visited:4:1 ");
    CZ_EXPECT_EQ(cz_count(c, Outing), 2); /* that of nowhere and that of Z */
    cz_related_clear(c, people[0], visited);
    CZ_EXPECT_EQ(cz_count(c, Outing), 1);
    CZ_EXPECT_EQ(cz_count(c, Outing, .manager = &cz_base_manager), 2);
}

CZ_DATABASE_TEST(a_row_may_be_linked_more_than_once_and_with_nothing)
{
    cz__orm_test_run(&society, more_than_once);
}

static void defaults_of_another(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_add_through(c, people[0], clubs, CZ_PAIRS(Outing, (hours, 1)),
                           CZ_UUIDS(clubs[0]->id));
}
static void defaults_of_a_reverse_side(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_set_through(c, people[0], memberships, CZ_PAIRS(Membership, (fee, 1)), CZ_INTS(1));
}
static void defaults_that_are_a_side(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_create_through(c, Club, people[0], clubs,
                              CZ_PAIRS(Membership, (person, people[1]->id)), (name, "no"));
}
static void defaults_that_are_the_other_side(cz_ctx *c, void *arg)
{
    (void)arg;
    bool created;
    cz_related_get_or_create_through(c, Person, clubs[0], members,
                                     CZ_PAIRS(Membership, (club, clubs[1]->id)),
                                     CZ_PAIRS(Person, (name, "no")), CZ_PAIRS(Person), &created);
}
static void link_nobody(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_add(c, people[0], admires, CZ_INTS(99));
}
static void link_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Friendship, (admirer, people[0]->id), (admired, people[1]->id));
    cz_create(c, Friendship, (admirer, people[0]->id), (admired, people[1]->id));
}
static void link_unstored(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_add(c, cz_row_new(c, Person), admires, CZ_INTS(1));
}
static void delete_protected(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_add(c, people[0], visited, CZ_UUIDS(clubs[0]->id));
    cz_remove(c, people[0]);
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    make_society(c);
    static const struct {
        void (*body)(cz_ctx *c, void *arg);
        cz_status status;
        const char *said;
    } cases[] = {
        { defaults_of_another, CZ_EINVAL,
          "clubs goes through Membership: what its links are given cannot be of Outing" },
        { defaults_of_a_reverse_side, CZ_EINVAL,
          "memberships has no .through: its links have no fields of their own" },
        { defaults_that_are_a_side, CZ_EINVAL,
          "Membership.person of a link is the row it leads to, not a default" },
        { defaults_that_are_the_other_side, CZ_EINVAL,
          "Membership.club of a link is the row it leads to, not a default" },
        { link_nobody, CZ_EINTEGRITY,
          "A row that is referred to does not exist, or is still in use." },
        { link_twice, CZ_EINTEGRITY, "Another row has this admirer_id, admired_id already." },
        { link_unstored, CZ_EINVAL, "a Person that is not stored has no relations" },
        { delete_protected, CZ_EINTEGRITY, "Cannot delete: a outing still refers to this person." },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_try(c, cases[i].body, NULL, &err), cases[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].said);
    }
    CZ_EXPECT_EQ(cz_count(c, Club), 3); /* nothing half made */
    CZ_EXPECT_EQ(cz_count(c, Membership, .deleted = CZ_WITH_DELETED), 0);
}

CZ_DATABASE_TEST(links_that_cannot_be_say_why)
{
    cz__orm_test_run(&society, mistakes);
}

/* ---- what the start refuses ---- */

CZ_MODEL_FORWARD(Near)
CZ_MODEL_FORWARD(Far)

#define BETWEEN(F)                                                                                 \
    F(foreign_key, near, Near, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, far, Far, .on_delete = CZ_CASCADE)
CZ_MODEL(Between, BETWEEN);
CZ_MODEL(Unlisted, BETWEEN);
#define SEVERAL(F)                                                                                 \
    F(foreign_key, near, Near, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, second, Near, .on_delete = CZ_CASCADE)                                          \
    F(foreign_key, third, Near, .on_delete = CZ_CASCADE)                                           \
    F(foreign_key, far, Far, .on_delete = CZ_CASCADE)                                              \
    F(foreign_key, further, Far, .on_delete = CZ_CASCADE)                                          \
    F(int_field, number)
CZ_MODEL(Several, SEVERAL);
#define ONLY_FAR(F)                                                                                \
    F(foreign_key, far, Far, .on_delete = CZ_CASCADE)                                              \
    F(big_int_field, near_id)
CZ_MODEL(OnlyFar, ONLY_FAR);
#define TWO_FAR(F)                                                                                 \
    F(foreign_key, near, Near, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, far, Far, .on_delete = CZ_CASCADE)                                              \
    F(foreign_key, further, Far, .on_delete = CZ_CASCADE)
CZ_MODEL(TwoFar, TWO_FAR);
#define ELSEWHERE(F)                                                                               \
    F(reference, near, Near, .on_delete = CZ_CASCADE)                                              \
    F(reference, far, Far, .on_delete = CZ_CASCADE)
CZ_MODEL(Elsewhere, ELSEWHERE, .database = "other");

#define NEAR(F)                                                                                    \
    F(many_to_many, links, Far, .through = CZ_THROUGH(Between))                                    \
    F(many_to_many, others, Far)                                                                   \
    F(char_field, name)
CZ_MODEL(Near, NEAR);
#define FAR(F) F(char_field, name)
CZ_MODEL(Far, FAR);

/* Near, but for the options of its second field, or of another when it says so. */
static void refused(cz_model *target, cz_field_options options, size_t field, const char *message)
{
    static cz_model *const models[] = { &Near__model,     &Far__model,     &Between__model,
                                        &Several__model,  &OnlyFar__model, &TwoFar__model,
                                        &Elsewhere__model };
    static cz_field fields[4];
    memcpy(fields, Near__model.fields, sizeof fields);
    fields[field].options = options;
    fields[field].target = target;
    Near__model.fields = fields;
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__database_declare("other", false, &err));
    cz_status status = cz__models_add("bad", models, CZ_COUNT(models), &err);
    if (!status)
        status = cz__models_resolve(&err);
    CZ_EXPECT_EQ(status, CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), message);
}

#define REFUSED(name, target, says, ...)                                                           \
    CZ_TEST(name)                                                                                  \
    {                                                                                              \
        refused(&target##__model, (cz_field_options){ __VA_ARGS__ }, 2, says);                     \
    }

REFUSED(a_model_between_is_in_an_app, Far,
        "Near.others: Unlisted is not in any app's .models, and is to link Near",
        .through = CZ_THROUGH(Unlisted))
REFUSED(a_model_between_has_a_key_to_this_side, Far,
        "Near.others: OnlyFar has no foreign key to Near", .through = CZ_THROUGH(OnlyFar))
REFUSED(a_model_between_has_a_key_to_the_other_side, Elsewhere,
        "Near.others: Between has no foreign key to Elsewhere", .through = CZ_THROUGH(Between))
REFUSED(a_model_between_has_one_key_to_this_side, Far,
        "Near.others: Several has more than one foreign key, say by .through_fields which one "
        "links: Near",
        .through = CZ_THROUGH(Several))
REFUSED(a_model_between_has_one_key_to_the_other_side, Far,
        "Near.others: TwoFar has more than one foreign key, say by .through_fields which one "
        "links: Far",
        .through = CZ_THROUGH(TwoFar))
REFUSED(a_model_is_linked_with_itself_by_two_keys, Near,
        "Near.others: Between needs two foreign keys, from and to: Near",
        .through = CZ_THROUGH(Between))
REFUSED(a_model_is_linked_with_itself_by_no_more_than_two_keys, Near,
        "Near.others: Several has more than two foreign keys: say by .through_fields which two "
        "link rows of Near",
        .through = CZ_THROUGH(Several))
REFUSED(through_fields_are_two, Far,
        "Near.others: .through_fields are two: the foreign key to Near and that to Far",
        .through = CZ_THROUGH(Several), .through_fields = CZ_FIELDS(Several, near))
REFUSED(the_first_of_through_fields_leads_to_this_side, Far,
        "Near.others: .through_fields: Several.far is no foreign key to Near",
        .through = CZ_THROUGH(Several), .through_fields = CZ_FIELDS(Several, far, near))
REFUSED(the_second_of_through_fields_leads_to_the_other_side, Far,
        "Near.others: .through_fields: Several.number is no foreign key to Far",
        .through = CZ_THROUGH(Several), .through_fields = CZ_FIELDS(Several, near, number))
REFUSED(through_fields_are_of_the_model_between, Far,
        "Near.others: .through_fields: Between.third is no foreign key to Near",
        .through = CZ_THROUGH(Between), .through_fields = CZ_FIELDS(Several, third, far))
REFUSED(through_fields_differ, Near, "Near.others: Several has one key for both sides of others",
        .through = CZ_THROUGH(Several), .through_fields = CZ_FIELDS(Several, third, third))
REFUSED(through_fields_need_a_model_between, Far,
        "Near.others: .through_fields are those of a .through",
        .through_fields = CZ_FIELDS(Several, near, far))
REFUSED(a_model_between_is_in_the_same_database, Far,
        "Near.others: its .through is in another database", .through = CZ_THROUGH(Elsewhere))
REFUSED(two_fields_do_not_go_through_the_same_keys, Far,
        "Near.others: Near.links goes through the same keys of Between",
        .through = CZ_THROUGH(Between))

REFUSED(a_table_of_links_is_not_beside_a_model_between, Far,
        "Near.others: .table is for many-to-many relations without .through", .table = "links",
        .through = CZ_THROUGH(Several), .through_fields = CZ_FIELDS(Several, near, far))
REFUSED(a_table_of_links_is_no_models, Far, "Near.others: its .table is that of Far already",
        .table = "bad_far")

CZ_TEST(only_a_many_to_many_has_a_table_of_links)
{
    refused(NULL, (cz_field_options){ .table = "links" }, 3,
            "Near.name: .table is for many-to-many relations without .through");
}

CZ_TEST(only_a_many_to_many_goes_through_a_model)
{
    refused(NULL, (cz_field_options){ .through = CZ_THROUGH(Between) }, 3,
            "Near.name: .through is for many-to-many relations");
}
