/* Deleting by each rule of on_delete, marking instead of deleting, and bringing back. */
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/relations.h>

/* ---- RESTRICT and SET_DEFAULT, after the examples of Django's documentation of RESTRICT ---- */

#define ARTIST(F) F(char_field, name)
CZ_MODEL(Artist, ARTIST);

#define ALBUM(F)                                                                                   \
    F(char_field, title)                                                                           \
    F(foreign_key, artist, Artist, .on_delete = CZ_CASCADE)
CZ_MODEL(Album, ALBUM);

#define TRACK(F)                                                                                   \
    F(foreign_key, artist, Artist, .on_delete = CZ_CASCADE)                                        \
    F(foreign_key, album, Album, .on_delete = CZ_RESTRICT)
CZ_MODEL(Track, TRACK);

static void second(void *out)
{
    *(int64_t *)out = 2;
}
#define FAN(F)                                                                                     \
    F(foreign_key, likes, Artist, .default_ = cz_int(1), .on_delete = CZ_SET_DEFAULT)              \
    F(foreign_key, also, Artist, .default_function = second, .on_delete = CZ_SET_DEFAULT)          \
    F(foreign_key, maybe, Artist, .null = true, .on_delete = CZ_SET_DEFAULT)
CZ_MODEL(Fan, FAN);

static const struct cz__orm_test music = { "music", CZ_MODELS(Artist, Album, Track, Fan) };

static void delete_album(cz_ctx *c, void *arg)
{
    cz_delete(c, Album, CZ_Q(Album, title, EXACT, (const char *)arg));
}
static void delete_artist(cz_ctx *c, void *arg)
{
    cz_delete(c, Artist, CZ_Q(Artist, name, EXACT, (const char *)arg));
}

static void restricted(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Artist *one = cz_create(c, Artist, (name, "one")), *two = cz_create(c, Artist, (name, "two"));
    Album *first = cz_create(c, Album, (title, "first"), (artist_id, one->id));
    Album *other = cz_create(c, Album, (title, "other"), (artist_id, two->id));
    cz_create(c, Track, (artist_id, one->id), (album_id, first->id));
    cz_error err;
    char title[] = "first", name[] = "one", second_name[] = "two";
    CZ_EXPECT_EQ(cz_try(c, delete_album, title, &err), CZ_EINTEGRITY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Cannot delete: a track still refers to this album.");
    CZ_EXPECT_EQ(cz_count(c, Album), 2);
    /* A track of another artist keeps the album, and with it everything. */
    Track *guest = cz_create(c, Track, (artist_id, two->id), (album_id, first->id));
    CZ_EXPECT_EQ(cz_try(c, delete_artist, name, &err), CZ_EINTEGRITY);
    CZ_EXPECT_EQ(cz_count(c, Track), 2);
    CZ_EXPECT_EQ(cz_count(c, Artist), 2);
    cz_remove(c, guest);
    /* The track goes with its artist, so nothing keeps the album. */
    CZ_EXPECT_EQ(cz_try(c, delete_artist, name, &err), CZ_OK);
    CZ_EXPECT_EQ(cz_count(c, Artist), 1);
    CZ_EXPECT_EQ(cz_count(c, Album), 1);
    CZ_EXPECT_EQ(cz_count(c, Track), 0);
    CZ_EXPECT_EQ(cz_try(c, delete_artist, second_name, &err), CZ_OK);
    CZ_EXPECT(!cz_exists(c, Album, .where = CZ_Q(Album, id, EXACT, other->id)));
}
static void remove_new(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_remove(c, cz_row_new(c, Artist));
}
static void nothing_stored(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_create(c, Artist, (id, 0), (name, "of the key that a new row's member has"));
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, remove_new, NULL, &err), CZ_EINVAL);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "a Artist that is not stored cannot be removed");
    CZ_EXPECT_EQ(cz_count(c, Artist), 1);
}
CZ_DATABASE_TEST(a_row_without_a_key_removes_none)
{
    cz__orm_test_run(&music, nothing_stored);
}

CZ_DATABASE_TEST(restrict_lets_go_what_goes_anyway)
{
    cz__orm_test_run(&music, restricted);
}

static void to_defaults(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Artist *items[4];
    for (size_t i = 0; i < CZ_COUNT(items); i++)
        items[i] = cz_create(c, Artist, (name, "an artist"));
    int64_t gone = items[2]->id, kept = items[3]->id;
    cz_create(c, Fan, (likes_id, gone), (also_id, gone), (maybe_id, gone));
    cz_create(c, Fan, (likes_id, kept), (also_id, gone), (maybe_id, kept));
    cz_remove(c, items[2]);
    cz_rows(Fan) fans = cz_select(c, Fan, .order_by = CZ_ORDER_BY(CZ_ASC(Fan, id)));
    CZ_REQUIRE(fans.count == 2);
    CZ_EXPECT_EQ(fans.items[0].likes_id, items[0]->id);
    CZ_EXPECT_EQ(fans.items[0].also_id, items[1]->id);
    CZ_EXPECT(cz_is_null(&fans.items[0], maybe_id));
    CZ_EXPECT_EQ(fans.items[1].likes_id, kept);
    CZ_EXPECT_EQ(fans.items[1].also_id, items[1]->id);
    CZ_EXPECT_EQ(fans.items[1].maybe_id, kept);
    /* A default that is not there, or goes itself, is for the database to refuse. */
    cz_error err;
    char name[] = "an artist";
    CZ_EXPECT_EQ(cz_try(c, delete_artist, name, &err), CZ_EINTEGRITY);
    CZ_EXPECT_EQ(cz_count(c, Artist), 3);
}
CZ_DATABASE_TEST(set_default_refers_to_the_default)
{
    cz__orm_test_run(&music, to_defaults);
}

/* ---- marking ---- */

CZ_MODEL_FORWARD(Note)

#define FOLDER(F)                                                                                  \
    CZ_SOFT_DELETED(F)                                                                             \
    CZ_AUDITED(F)                                                                                  \
    F(char_field, name)                                                                            \
    F(foreign_key, inside, Folder, .null = true, .on_delete = CZ_CASCADE)                          \
    F(reverse, folders, Folder, inside)                                                            \
    F(reverse, notes, Note, folder)
CZ_MODEL(Folder, FOLDER, .ordering = CZ_ORDER_BY(CZ_ASC(Folder, name)));

#define NOTE(F)                                                                                    \
    CZ_BASE_MODEL(F)                                                                               \
    F(char_field, text)                                                                            \
    F(foreign_key, folder, Folder, .on_delete = CZ_CASCADE)                                        \
    F(foreign_key, copied_to, Folder, .null = true, .on_delete = CZ_SET_NULL)                      \
    F(many_to_many, labels, Label)

#define LABEL(F) F(char_field, name)
CZ_MODEL(Label, LABEL);
CZ_MODEL(Note, NOTE);

#define STAMP(F) F(foreign_key, note, Note, .on_delete = CZ_CASCADE)
CZ_MODEL(Stamp, STAMP);
#define LEASE(F)                                                                                   \
    CZ_SOFT_DELETED(F)                                                                             \
    F(foreign_key, note, Note, .on_delete = CZ_PROTECT)
CZ_MODEL(Lease, LEASE);

static unsigned told;
static void count_event(cz_ctx *c, const cz_event *event)
{
    (void)c;
    told += event->model == &Folder__model;
}
static const cz_receiver receivers[] = { CZ_RECEIVER_OF_ALL(CZ_POST_DELETE, count_event),
                                         CZ_RECEIVER_OF_ALL(CZ_POST_SAVE, count_event) };
static const struct cz__orm_test desk = { "desk", CZ_MODELS(Folder, Note, Label, Stamp, Lease),
                                          .receivers = { receivers, CZ_COUNT(receivers) } };

static Folder *folder(cz_ctx *c, const char *name, const Folder *inside)
{
    Folder *made = cz_row_new(c, Folder);
    cz_set(c, made, name, name);
    if (inside)
        cz_set(c, made, inside_id, inside->id);
    cz_save(c, made);
    return made;
}

static void marks(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Folder *top = folder(c, "top", NULL), *in = folder(c, "in", top),
           *other = folder(c, "other", NULL);
    Label *label = cz_create(c, Label, (name, "urgent"));
    Note *note = cz_create(c, Note, (text, "a"), (folder_id, in->id), (copied_to_id, top->id));
    Note *early = cz_create(c, Note, (text, "b"), (folder_id, in->id));
    cz_create(c, Note, (text, "c"), (folder_id, other->id), (copied_to_id, top->id));
    cz_related_add(c, note, labels, CZ_INTS(label->id));
    cz_create(c, Stamp, (note_id, note->id));
    cz_remove(c, early); /* before the rest, by itself */
    CZ_EXPECT(early->is_deleted);
    CZ_EXPECT(!cz_is_null(early, deleted_at));
    CZ_EXPECT_EQ(cz_count(c, Note), 2);

    told = 0;
    CZ_EXPECT_EQ(cz_delete(c, Folder, CZ_Q(Folder, name, EXACT, "top")), 3); /* top, in, note */
    CZ_EXPECT_EQ(told, 2);
    CZ_EXPECT_EQ(cz_count(c, Folder), 1);
    CZ_EXPECT_EQ(cz_count(c, Folder, .deleted = CZ_WITH_DELETED), 3);
    CZ_EXPECT_EQ(cz_count(c, Folder, .deleted = CZ_ONLY_DELETED), 2);
    CZ_EXPECT_EQ(cz_count(c, Folder, .manager = &cz_base_manager), 3);
    CZ_EXPECT_EQ(cz_count(c, Note), 1);
    CZ_EXPECT_EQ(cz_count(c, Stamp), 1); /* cannot be marked, so it stays with its note */
    /* What only points there stays as it is, and the row is found. */
    Note *c_note = cz_get(c, Note, .where = CZ_Q(Note, text, EXACT, "c"));
    CZ_EXPECT_EQ(c_note->copied_to_id, top->id);
    CZ_EXPECT(CZ_REL(c, c_note, copied_to)->is_deleted);
    Note *with = cz_get(c, Note, .where = CZ_Q(Note, text, EXACT, "c"),
                        .related = CZ_RELATED(Note, copied_to));
    CZ_EXPECT_STR(CZ_REL(c, with, copied_to)->name, "top");
    /* On the way to several rows deleted ones are left out. */
    CZ_EXPECT_EQ(cz_count(c, Folder, .where = CZ_Q(Folder, notes->text, EXACT, "a")), 0);
    CZ_EXPECT_EQ(cz_count(c, Folder, .where = CZ_Q(Folder, notes->text, EXACT, "a"),
                          .deleted = CZ_WITH_DELETED),
                 1);
    CZ_EXPECT_EQ(cz_count(c, Label, .where = CZ_Q(Label, name, EXACT, "urgent")), 1);
    cz_rows(Folder) all = cz_select(c, Folder, .deleted = CZ_WITH_DELETED);
    size_t notes = 0;
    for (size_t i = 0; i < all.count; i++)
        notes += cz_related(c, Note, &all.items[i], notes).count;
    CZ_EXPECT_EQ(notes, 1);
    CZ_EXPECT(
        !cz_exists(c, Folder, .where = CZ_EXISTS(Note, .where = CZ_Q(Note, text, EXACT, "a"))));

    /* Again is nothing; a row that was read can be saved. */
    CZ_EXPECT_EQ(cz_delete(c, Folder, CZ_Q(Folder, name, EXACT, "top")), 0);
    Folder *read =
        cz_get(c, Folder, .where = CZ_Q(Folder, id, EXACT, top->id), .deleted = CZ_ONLY_DELETED);
    cz_set(c, read, name, "renamed");
    cz_save(c, read);
    cz_refresh(c, read);
    CZ_EXPECT_STR(read->name, "renamed");

    /* Back comes what went then: not the note that was deleted before. */
    told = 0;
    CZ_EXPECT_EQ(cz_restore(c, Folder, CZ_Q(Folder, id, EXACT, top->id)), 3);
    CZ_EXPECT_EQ(told, 2);
    CZ_EXPECT_EQ(cz_count(c, Folder), 3);
    CZ_EXPECT_EQ(cz_count(c, Note), 2);
    CZ_EXPECT(!cz_exists(c, Note, .where = CZ_Q(Note, text, EXACT, "b")));
    CZ_EXPECT(cz_exists(c, Note,
                        .where = CZ_AND(CZ_Q(Note, labels->name, EXACT, "urgent"),
                                        CZ_Q(Note, is_deleted, EXACT, false))));
    CZ_EXPECT_EQ(cz_restore(c, Folder, CZ_EVERY_ROW), 0);
    CZ_EXPECT_EQ(
        cz_update_rows(c, Note, CZ_QUERY(Note, .deleted = CZ_ONLY_DELETED), (text, "gone")), 1);
}
CZ_DATABASE_TEST(soft_deleted_rows_leave_queries_and_come_back)
{
    cz__orm_test_run(&desk, marks);
}

static void delete_notes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete(c, Note, CZ_EVERY_ROW);
}
static void purge_notes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_purge(c, Note, CZ_EVERY_ROW);
}
static void restore_labels(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_restore(c, Label, CZ_EVERY_ROW);
}
static void update_nothing_said(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_update_rows(c, Note, CZ_QUERY(Note), (text, "x"));
}
static void delete_limited(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_delete_rows(c, CZ_QUERY(Note, .where = CZ_EVERY_ROW, .limit = 1));
}
static void long_actor(cz_ctx *c, void *arg)
{
    (void)arg;
    char name[CZ_ACTOR_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    cz_set_actor(c, cz_str_of(name, sizeof name));
}

static void for_good(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Folder *top = folder(c, "top", NULL);
    Note *note = cz_create(c, Note, (text, "a"), (folder_id, top->id));
    Lease *lease = cz_create(c, Lease, (note_id, note->id));
    cz_create(c, Stamp, (note_id, note->id));
    cz_error err;
    CZ_EXPECT_EQ(cz_try(c, delete_notes, NULL, &err), CZ_EINTEGRITY); /* protected */
    CZ_EXPECT_EQ(cz_count(c, Note), 1);
    cz_remove(c, lease);
    CZ_EXPECT_EQ(cz_try(c, delete_notes, NULL, &err), CZ_OK); /* by nothing but a deleted row */
    CZ_EXPECT_EQ(cz_try(c, purge_notes, NULL, &err), CZ_EINTEGRITY); /* which still refers to it */
    CZ_EXPECT_EQ(cz_purge(c, Lease, CZ_EVERY_ROW), 1);
    CZ_EXPECT_EQ(cz_purge(c, Note, CZ_EVERY_ROW), 2); /* and its stamp */
    CZ_EXPECT_EQ(cz_count(c, Note, .deleted = CZ_WITH_DELETED), 0);
    CZ_EXPECT_EQ(cz_count(c, Stamp), 0);
    const struct {
        void (*body)(cz_ctx *ctx, void *arg);
        const char *message;
    } bad[] = {
        { restore_labels, "Label is not CZ_SOFT_DELETED: its rows cannot be restored" },
        { update_nothing_said, "cz_update without a condition; CZ_EVERY_ROW means every row" },
        { delete_limited,
          "cz_delete takes conditions alone: no order, limit, union, lock or values" },
        { long_actor, "an actor's name has at most 150 bytes, not 151" },
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(cz_try(c, bad[i].body, NULL, &err), CZ_EINVAL);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), bad[i].message);
    }
}
CZ_DATABASE_TEST(purging_deletes_for_good)
{
    cz__orm_test_run(&desk, for_good);
}

static void actors(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Folder *top = folder(c, "top", NULL);
    CZ_EXPECT_STR(top->created_by, "");
    cz_set_actor(c, CZ_STR("user:7"));
    Folder *mine = folder(c, "mine", NULL);
    cz_set_actor(c, CZ_STR("user:8"));
    cz_set(c, mine, name, "ours");
    cz_save(c, mine);
    cz_refresh(c, mine);
    CZ_EXPECT_STR(mine->created_by, "user:7");
    CZ_EXPECT_STR(mine->updated_by, "user:8");
}
CZ_DATABASE_TEST(audited_rows_know_who)
{
    cz__orm_test_run(&desk, actors);
}

/* ---- what deleting reads, and what it says of deleted rows ---- */

#define REEF(F) F(text_field, about)
CZ_MODEL(Reef, REEF);

#define KELP(F)                                                                                    \
    CZ_SOFT_DELETED(F)                                                                             \
    F(char_field, name, .max_length = 20)                                                          \
    F(foreign_key, reef, Reef, .null = true, .on_delete = CZ_PROTECT)                              \
    F(foreign_key, near, Reef, .null = true, .on_delete = CZ_RESTRICT)
CZ_MODEL(Kelp, KELP);

static const struct cz__orm_test sea = { "sea", CZ_MODELS(Reef, Kelp) };

enum { REEFS = 20000, REEF_BATCH = 1000, ABOUT_BYTES = 600 };

static void delete_reefs(cz_ctx *c, void *arg)
{
    int64_t *removed = arg;
    *removed = cz_delete(c, Reef, CZ_EVERY_ROW);
}

static void delete_many(cz_ctx *c, void *arg)
{
    (void)arg;
    char about[ABOUT_BYTES];
    memset(about, 'x', sizeof about);
    cz__tables_create(c);
    Reef **rows = cz_array(c, Reef *, REEF_BATCH);
    for (int n = 0; n < REEFS; n += REEF_BATCH) {
        for (int i = 0; i < REEF_BATCH; i++) {
            rows[i] = cz_row_new(c, Reef);
            cz_set(c, rows[i], about, cz_str_of(about, sizeof about));
        }
        cz_bulk_create(c, Reef, rows, REEF_BATCH);
    }
    cz_arena *small; /* less than half of what the rows say */
    cz_ctx request;
    cz_error err = { 0 };
    int64_t removed = 0;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 6 << 20, &small));
    cz_ctx_init(&request, small);
    cz_status status = cz_try(&request, delete_reefs, &removed, &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
    CZ_EXPECT_EQ(removed, REEFS);
    cz_ctx_done(&request);
    cz_arena_destroy(small);
}

CZ_DATABASE_TEST(deleting_holds_keys_and_not_rows)
{
    cz__orm_test_run(&sea, delete_many);
}

static void delete_again(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Kelp *kelp = cz_create(c, Kelp, (name, "a"));
    cz_create(c, Kelp, (name, "b"));
    cz_remove(c, kelp);
    const cz_datetime then = { 86400000000 };
    cz_update_rows(c, Kelp, CZ_QUERY(Kelp, .deleted = CZ_ONLY_DELETED), (deleted_at, then));
    CZ_EXPECT_EQ(cz_delete_rows(c, CZ_QUERY(Kelp, .deleted = CZ_ONLY_DELETED)), 0);
    CZ_EXPECT_EQ(cz_delete_rows(c, CZ_QUERY(Kelp, .deleted = CZ_WITH_DELETED)), 1);
    CZ_EXPECT_EQ(cz_delete_rows(c, CZ_QUERY(Kelp, .manager = &cz_base_manager)), 0);
    const Kelp *first =
        cz_get(c, Kelp, .where = CZ_Q(Kelp, name, EXACT, "a"), .deleted = CZ_ONLY_DELETED);
    CZ_EXPECT_EQ(first->deleted_at.us, then.us);
}

CZ_DATABASE_TEST(a_row_that_is_deleted_stays_so_since_when_it_is)
{
    cz__orm_test_run(&sea, delete_again);
}

static void name_deleted(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    for (int i = 0; i < 2; i++) { /* PROTECT, RESTRICT */
        const Reef *reef = cz_create(c, Reef, (about, "x"));
        Kelp *kelp = i ? cz_create(c, Kelp, (name, "a"), (near_id, reef->id))
                       : cz_create(c, Kelp, (name, "a"), (reef_id, reef->id));
        cz_error err = { 0 };
        int64_t removed;
        CZ_EXPECT_EQ(cz_try(c, delete_reefs, &removed, &err), CZ_EINTEGRITY);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                      "Cannot delete: a kelp still refers to this reef.");
        cz_remove(c, kelp);
        CZ_EXPECT_EQ(cz_try(c, delete_reefs, &removed, &err), CZ_EINTEGRITY);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                      "Cannot delete: a deleted kelp still refers to this reef.");
        CZ_EXPECT_EQ(cz_purge(c, Kelp, CZ_EVERY_ROW), 1);
        CZ_EXPECT_EQ(cz_try(c, delete_reefs, &removed, &err), CZ_OK);
    }
}

CZ_DATABASE_TEST(a_deleted_row_that_still_refers_is_called_deleted)
{
    cz__orm_test_run(&sea, name_deleted);
}

/* ---- restoring what several rows take ---- */

CZ_MODEL_FORWARD_UUID(Crew)

#define HULL(F)                                                                                    \
    CZ_SOFT_DELETED(F)                                                                             \
    F(char_field, name, .max_length = 20)                                                          \
    F(foreign_key, captain, Crew, .null = true, .on_delete = CZ_CASCADE)

#define FLEET(F)                                                                                   \
    CZ_SOFT_DELETED(F)                                                                             \
    F(char_field, name, .max_length = 20)
CZ_MODEL(Fleet, FLEET);
CZ_MODEL_FORWARD(Hull)

#define CREW(F)                                                                                    \
    CZ_BASE_MODEL(F)                                                                               \
    F(text_field, about, .blank = true, .default_ = cz_text(""))                                   \
    F(foreign_key, fleet, Fleet, .null = true, .on_delete = CZ_CASCADE)                            \
    F(foreign_key, hull, Hull, .null = true, .on_delete = CZ_CASCADE)                              \
    F(foreign_key, was_on, Hull, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL_UUID(Crew, CREW);
CZ_MODEL(Hull, HULL);

#define BUNK(F)                                                                                    \
    CZ_SOFT_DELETED(F)                                                                             \
    F(foreign_key, crew, Crew, .on_delete = CZ_CASCADE)
CZ_MODEL(Bunk, BUNK);

static const struct cz__orm_test harbour = { "harbour", CZ_MODELS(Fleet, Hull, Crew, Bunk) };

static void delete_fleets(cz_ctx *c)
{
    CZ_EXPECT(cz_delete(c, Fleet, CZ_EVERY_ROW) > 0);
}
static void delete_hulls(cz_ctx *c)
{
    CZ_EXPECT(cz_delete(c, Hull, CZ_EVERY_ROW) > 0);
}
static int64_t restore_fleets(cz_ctx *c)
{
    return cz_restore(c, Fleet, CZ_EVERY_ROW);
}
static int64_t restore_hulls(cz_ctx *c)
{
    return cz_restore(c, Hull, CZ_EVERY_ROW);
}
static int64_t purge_deleted(cz_ctx *c, cz_model *model)
{
    return cz__purge(c, &(cz_query){ .model = model, .deleted = CZ_ONLY_DELETED });
}

static void two_parents(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Fleet *fleet = cz_create(c, Fleet, (name, "blue"));
    Hull *hull = cz_create(c, Hull, (name, "Argo"));
    Hull *other = cz_create(c, Hull, (name, "Beagle"));
    cz_remove(c, other); /* does not take who was on it */
    Crew *crew =
        cz_create(c, Crew, (fleet_id, fleet->id), (hull_id, hull->id), (was_on_id, other->id));
    cz_create(c, Bunk, (crew_id, crew->id));
    const struct {
        void (*first)(cz_ctx *c), (*second)(cz_ctx *c);
        int64_t (*restore_one)(cz_ctx *c), (*restore_other)(cz_ctx *c);
        cz_model *other;
    } cases[] = {
        { delete_fleets, delete_hulls, restore_fleets, restore_hulls, &Hull__model },
        { delete_fleets, delete_hulls, restore_hulls, restore_fleets, &Fleet__model },
        { delete_hulls, delete_fleets, restore_fleets, restore_hulls, &Hull__model },
        { delete_hulls, delete_fleets, restore_hulls, restore_fleets, &Fleet__model },
    };
    CZ_EXPECT_EQ(cz_purge(c, Hull, CZ_Q(Hull, id, EXACT, other->id)), 1);
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cases[i].first(c);
        cases[i].second(c);
        CZ_EXPECT_EQ(cases[i].restore_one(c), 1);
        CZ_EXPECT_EQ(cz_count(c, Crew), 0);
        CZ_EXPECT_EQ(cz_count(c, Bunk), 0);
        CZ_EXPECT_EQ(cases[i].restore_other(c), 3);
        CZ_EXPECT_EQ(cz_count(c, Crew), 1);
        CZ_EXPECT_EQ(cz_count(c, Bunk), 1);
    }
    /* What is held back is not alive when what holds it goes for good. */
    delete_fleets(c);
    delete_hulls(c);
    CZ_EXPECT_EQ(restore_fleets(c), 1);
    CZ_EXPECT_EQ(cz_count(c, Crew), 0);
    CZ_EXPECT_EQ(purge_deleted(c, &Hull__model), 3);
    CZ_EXPECT_EQ(cz_count(c, Crew, .deleted = CZ_WITH_DELETED), 0);
    CZ_EXPECT_EQ(cz_count(c, Fleet), 1);
}

CZ_DATABASE_TEST(a_row_comes_back_with_the_last_that_takes_it)
{
    cz__orm_test_run(&harbour, two_parents);
}

static void restore_one_fleet(cz_ctx *c, void *arg)
{
    *(int64_t *)arg = cz_restore(c, Fleet, CZ_Q(Fleet, name, EXACT, "blue"));
}
static void restore_crews(cz_ctx *c, void *arg)
{
    *(int64_t *)arg = cz_restore(c, Crew, CZ_EVERY_ROW);
}

static void one_deletion(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Fleet *fleet = cz_create(c, Fleet, (name, "blue"));
    cz_create(c, Fleet, (name, "red"));
    /* Each takes the other, and the fleet one of them. */
    Hull *hull = cz_create(c, Hull, (name, "Argo"));
    Crew *captain = cz_create(c, Crew, (fleet_id, fleet->id), (hull_id, hull->id));
    cz_set(c, hull, captain_id, captain->id);
    cz_save(c, hull);
    cz_create(c, Crew, (hull_id, hull->id)); /* of no fleet */
    CZ_EXPECT_EQ(cz_delete(c, Fleet, CZ_EVERY_ROW), 5);
    cz_error err = { 0 };
    int64_t restored = -1;
    CZ_EXPECT_EQ(cz_try(c, restore_crews, &restored, &err), CZ_EINTEGRITY);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "Cannot restore: this crew's \"fleet\" is deleted; restore that first.");
    CZ_EXPECT_EQ(cz_count(c, Crew), 0);
    CZ_EXPECT_EQ(cz_count(c, Hull), 0);
    /* Led elsewhere it may come back, with what it takes. */
    cz_update_rows(
        c, Crew,
        CZ_QUERY(Crew, .where = CZ_Q(Crew, id, EXACT, captain->id), .deleted = CZ_ONLY_DELETED),
        (fleet_id, NULL));
    CZ_EXPECT_EQ(cz_try(c, restore_crews, &restored, &err), CZ_OK);
    CZ_EXPECT_EQ(restored, 3);
    cz_update(c, Crew, CZ_Q(Crew, id, EXACT, captain->id), (fleet_id, fleet->id));
    CZ_EXPECT_EQ(restore_fleets(c), 2);
    CZ_EXPECT_EQ(cz_delete(c, Fleet, CZ_EVERY_ROW), 5);
    CZ_EXPECT_EQ(cz_try(c, restore_one_fleet, &restored, &err), CZ_OK);
    CZ_EXPECT_EQ(restored, 4);
    CZ_EXPECT_EQ(cz_count(c, Fleet), 1);
    CZ_EXPECT_EQ(cz_count(c, Crew), 2);
}

CZ_DATABASE_TEST(rows_that_take_each_other_come_back_together)
{
    cz__orm_test_run(&harbour, one_deletion);
}

static void restore_fleets_in(cz_ctx *c, void *arg)
{
    *(int64_t *)arg = restore_fleets(c);
}

static void restore_many(cz_ctx *c, void *arg)
{
    (void)arg;
    char about[ABOUT_BYTES];
    memset(about, 'x', sizeof about);
    cz__tables_create(c);
    Fleet *fleet = cz_create(c, Fleet, (name, "blue"));
    Crew **rows = cz_array(c, Crew *, REEF_BATCH);
    for (int n = 0; n < REEFS; n += REEF_BATCH) {
        for (int i = 0; i < REEF_BATCH; i++) {
            rows[i] = cz_row_new(c, Crew);
            cz_set(c, rows[i], about, cz_str_of(about, sizeof about));
            cz_set(c, rows[i], fleet_id, fleet->id);
        }
        cz_bulk_create(c, Crew, rows, REEF_BATCH);
    }
    CZ_EXPECT_EQ(cz_delete(c, Fleet, CZ_EVERY_ROW), REEFS + 1);
    cz_arena *small;
    cz_ctx request;
    cz_error err = { 0 };
    int64_t restored = 0;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 8 << 20, &small));
    cz_ctx_init(&request, small);
    cz_status status = cz_try(&request, restore_fleets_in, &restored, &err);
    CZ_EXPECT_MSG(!status, "%s", cz_error_message(&err));
    CZ_EXPECT_EQ(restored, REEFS + 1);
    cz_ctx_done(&request);
    cz_arena_destroy(small);
}

CZ_DATABASE_TEST(restoring_holds_keys_and_not_rows)
{
    cz__orm_test_run(&harbour, restore_many);
}
