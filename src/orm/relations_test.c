/* Reverse sides and many-to-many: read for a whole result at once, narrowed, changed. */
#include "orm/orm_testing.h"
#include <calzone/relations.h>

CZ_MODEL_FORWARD(Song)
CZ_MODEL_FORWARD_UUID(Playlist)

#define BAND(F)                                                                                    \
    F(char_field, name)                                                                            \
    F(reverse, songs, Song, band)                                                                  \
    F(reverse, covers, Song, covered_from)
CZ_MODEL(Band, BAND);

#define SONG(F)                                                                                    \
    F(char_field, title)                                                                           \
    F(foreign_key, band, Band, .on_delete = CZ_CASCADE)                                            \
    F(foreign_key, covered_from, Band, .null = true, .on_delete = CZ_SET_NULL)                     \
    F(many_to_many, playlists, Playlist, .table = "airtime")                                       \
    F(many_to_many, similar, Song)
CZ_MODEL(Song, SONG, .ordering = CZ_ORDER_BY(CZ_DESC(Song, title)));

#define PLAYLIST(F)                                                                                \
    F(char_field, name)                                                                            \
    F(many_to_many_reverse, songs, Song, playlists)
CZ_MODEL_UUID(Playlist, PLAYLIST, .ordering = CZ_ORDER_BY(CZ_ASC(Playlist, name)));

static unsigned told;

static void count_event(cz_ctx *c, const cz_event *event)
{
    (void)c;
    if (event->action == CZ_M2M_POST_ADD)
        told += (unsigned)event->key_count;
}

static const cz_receiver receivers[] = { CZ_RECEIVER_OF_ALL(CZ_M2M_CHANGED, count_event) };
static const struct cz__orm_test radio = { "radio",
                                           CZ_MODELS(Band, Song, Playlist),
                                           { receivers, CZ_COUNT(receivers) } };

static const char *titles(cz_ctx *c, cz_rows(Song) songs)
{
    cz_str text = CZ_STR("");
    for (size_t i = 0; i < songs.count; i++)
        text = cz_format(c, "%.*s%.*s", CZ_STR_ARG(text), CZ_STR_ARG(songs.items[i].title));
    return text.ptr;
}
#define EXPECT_SONGS(songs, expected) CZ_EXPECT_STR(cz_str_from(titles(c, songs)), expected)

static void reverse_sides(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    for (int i = 0; i < 3; i++) {
        Band *band = cz_create(c, Band, (name, i == 0 ? "x" : "y"));
        for (int n = 0; n < i; n++)
            cz_create(c, Song, (title, n ? "b" : "a"), (band, band->id), (covered_from, 1));
    }
    cz_rows(Band) bands = cz_select(c, Band, .order_by = CZ_ORDER_BY(CZ_ASC(Band, id)));
    EXPECT_SONGS(cz_related(c, Song, &bands.items[0], songs), "");
    cz_delete(c, Song, CZ_EVERY_ROW); /* what was read at the first touch is what the others see */
    EXPECT_SONGS(cz_related(c, Song, &bands.items[1], songs), "a");
    EXPECT_SONGS(cz_related(c, Song, &bands.items[2], songs), "ba");
    CZ_EXPECT_STR(CZ_REL(c, &cz_related(c, Song, &bands.items[2], songs).items[1], band)->name,
                  "y");
    Band *one = cz_get(c, Band, .where = CZ_Q(Band, id, EXACT, 3));
    for (int n = 0; n < 4; n++)
        cz_create(c, Song,
                  (title, n == 0   ? "k"
                          : n == 1 ? "l"
                          : n == 2 ? "m"
                                   : "n"),
                  (band, n < 3 ? one->id : 1));
    EXPECT_SONGS(cz_related(c, Song, one, songs, .where = CZ_Q(Song, title, GTE, "l")), "ml");
    EXPECT_SONGS(cz_related(c, Song, one, songs, .limit = 1), "m");
    cz_rows(Song) rest = cz_select(c, Song, .where = CZ_Q(Song, title, GTE, "m"));
    cz_related_add(c, one, covers, CZ_INTS(rest.items[0].id, rest.items[1].id));
    EXPECT_SONGS(cz_related(c, Song, one, covers), "nm");
    cz_related_remove(c, one, covers, CZ_INTS(rest.items[0].id));
    EXPECT_SONGS(cz_related(c, Song, one, covers), "m");
    cz_related_set(c, one, covers, CZ_INTS(rest.items[0].id));
    EXPECT_SONGS(cz_related(c, Song, one, covers), "n");
    cz_related_clear(c, one, covers);
    EXPECT_SONGS(cz_related(c, Song, one, covers), "");
    CZ_EXPECT_EQ(cz_count(c, Song), 4);
}

CZ_DATABASE_TEST(reverse_sides_are_read_for_all_rows_and_changed)
{
    cz__orm_test_run(&radio, reverse_sides);
}

static void many_to_many(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Band *band = cz_create(c, Band, (name, "x"));
    Song *songs[3];
    for (int i = 0; i < 3; i++)
        songs[i] = cz_create(c, Song, (title, i == 0 ? "a" : i == 1 ? "b" : "c"), (band, band->id));
    Playlist *evening = cz_create(c, Playlist, (name, "evening"));
    Playlist *autumn = cz_create(c, Playlist, (name, "autumn"));
    cz_related_add(c, songs[0], playlists, CZ_UUIDS(evening->id, autumn->id));
    cz_related_add(c, evening, songs, CZ_INTS(songs[0]->id, songs[1]->id)); /* one is there */
    CZ_EXPECT_EQ(told, 3);
    cz_rows(Song) all = cz_select(c, Song, .order_by = CZ_ORDER_BY(CZ_ASC(Song, title)));
    cz_rows(Playlist) lists = cz_related(c, Playlist, &all.items[0], playlists);
    CZ_REQUIRE(lists.count == 2);
    CZ_EXPECT_STR(lists.items[0].name, "autumn");
    CZ_EXPECT_STR(lists.items[1].name, "evening");
    cz_related_clear(c, songs[1], playlists); /* behind the back of `all`, which was read */
    CZ_EXPECT_EQ(cz_related(c, Playlist, &all.items[1], playlists).count, 1);
    CZ_EXPECT_EQ(cz_related(c, Playlist, &all.items[2], playlists).count, 0);
    EXPECT_SONGS(cz_related(c, Song, evening, songs), "a");
    EXPECT_SONGS(cz_related(c, Song, evening, songs, .where = CZ_Q(Song, title, GT, "a")), "");
    cz_related_set(c, evening, songs, CZ_INTS(songs[2]->id, songs[1]->id, songs[2]->id));
    EXPECT_SONGS(cz_related(c, Song, evening, songs), "cb");
    cz_related_remove(c, evening, songs, CZ_INTS(songs[2]->id, songs[0]->id));
    EXPECT_SONGS(cz_related(c, Song, evening, songs), "b");
    CZ_EXPECT_EQ(cz_related(c, Playlist, songs[0], playlists).count, 1);
    /* a model linked with itself */
    cz_related_add(c, songs[0], similar, CZ_INTS(songs[1]->id, songs[2]->id));
    EXPECT_SONGS(cz_related(c, Song, songs[0], similar), "cb");
    EXPECT_SONGS(cz_related(c, Song, songs[1], similar), "");
    CZ_EXPECT_EQ(cz_related(c, Song, songs[0], similar, .where = CZ_Q(Song, band->name, EXACT, "x"),
                            .limit = 1)
                     .count,
                 1);
}

CZ_DATABASE_TEST(links_are_read_for_all_rows_and_changed)
{
    cz__orm_test_run(&radio, many_to_many);
}

static void remove_not_null(cz_ctx *c, void *arg)
{
    (void)arg;
    Band *band = cz_first(c, Band);
    cz_related_clear(c, band, songs);
}
static void add_what_is_not_there(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_add(c, (Song *)cz_first(c, Song), similar, CZ_INTS(99));
}
static void of_no_row(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related(c, Song, cz_row_new(c, Band), songs);
}

static void mistakes(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Band *band = cz_create(c, Band, (name, "x"));
    cz_create(c, Song, (title, "a"), (band, band->id));
    static const struct cz__orm_test_refusal cases[] = {
        { remove_not_null, CZ_EINVAL,
          "Song.band may not be NULL: rows can be added, not taken away" },
        { add_what_is_not_there, CZ_EINTEGRITY,
          "A row that is referred to does not exist, or is still in use." },
        { of_no_row, CZ_EINVAL, "a Band that is not stored has no relations" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
    CZ_EXPECT_EQ(cz_count(c, Song), 1);
}

CZ_DATABASE_TEST(related_rows_that_cannot_change_say_why)
{
    cz__orm_test_run(&radio, mistakes);
}

/* ---- new rows behind a field ---- */

static void make_behind(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    Band *x = cz_create(c, Band, (name, "x")), *y = cz_create(c, Band, (name, "y"));
    cz_rows(Band) bands = cz_select(c, Band, .order_by = CZ_ORDER_BY(CZ_ASC(Band, id)));
    EXPECT_SONGS(cz_related(c, Song, &bands.items[0], songs), "");
    Song *a = cz_related_create(c, Song, &bands.items[0], songs, (title, "a"));
    CZ_EXPECT_EQ(a->band_id, x->id);
    EXPECT_SONGS(cz_related(c, Song, &bands.items[0], songs), "a"); /* what was read is not so */
    /* a key that is given as well gives way to the row's, as in Django */
    Song *b = cz_related_create(c, Song, x, songs, (title, "b"), (band, y->id));
    CZ_EXPECT_EQ(b->band_id, x->id);
    bool created;
    Song *found = cz_related_get_or_create(c, Song, x, songs, CZ_PAIRS(Song, (title, "a")),
                                           CZ_PAIRS(Song), &created);
    CZ_EXPECT(!created && found->id == a->id);
    found = cz_related_get_or_create(c, Song, y, songs, CZ_PAIRS(Song, (title, "a")),
                                     CZ_PAIRS(Song, (covered_from, x->id)), &created);
    CZ_EXPECT(created && found->band_id == y->id && found->covered_from_id == x->id);
    found = cz_related_update_or_create(c, Song, x, songs, CZ_PAIRS(Song, (title, "a")),
                                        CZ_PAIRS(Song, (title, "A")), &created);
    CZ_EXPECT(!created && found->id == a->id);
    EXPECT_SONGS(cz_related(c, Song, x, songs), "bA");
    /* of links */
    Playlist *new = cz_related_create(c, Playlist, a, playlists, (name, "new"));
    EXPECT_SONGS(cz_related(c, Song, new, songs), "A");
    CZ_EXPECT_EQ(told, 1);
    Playlist *again = cz_related_get_or_create(
        c, Playlist, a, playlists, CZ_PAIRS(Playlist, (name, "new")), CZ_PAIRS(Playlist), &created);
    CZ_EXPECT(!created && cz_uuid_eq(again->id, new->id));
    again = cz_related_get_or_create(c, Playlist, b, playlists, CZ_PAIRS(Playlist, (name, "new")),
                                     CZ_PAIRS(Playlist), NULL);
    CZ_EXPECT(!cz_uuid_eq(again->id, new->id)); /* b was not linked with the first */
    CZ_EXPECT_EQ(cz_related(c, Playlist, b, playlists).count, 1);
    again =
        cz_related_update_or_create(c, Playlist, b, playlists, CZ_PAIRS(Playlist, (name, "new")),
                                    CZ_PAIRS(Playlist, (name, "newer")), &created);
    CZ_EXPECT(!created);
    CZ_EXPECT_STR(cz_related(c, Playlist, b, playlists).items[0].name, "newer");
    /* set tells of what comes; replace of all that is there then */
    told = 0;
    cz_related_set(c, a, playlists, CZ_UUIDS(new->id, again->id));
    CZ_EXPECT_EQ(told, 1);
    cz_related_replace(c, a, playlists, CZ_UUIDS(new->id, again->id, new->id));
    CZ_EXPECT_EQ(told, 3);
    CZ_EXPECT_EQ(cz_related(c, Playlist, a, playlists).count, 2);
    cz_related_replace(c, x, covers, CZ_INTS(b->id));
    EXPECT_SONGS(cz_related(c, Song, x, covers), "b");
}

CZ_DATABASE_TEST(rows_are_made_behind_a_field_and_found_there)
{
    cz__orm_test_run(&radio, make_behind);
}

static void make_behind_no_row(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_create(c, Song, cz_row_new(c, Band), songs, (title, "a"));
}
static void make_without_match(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_get_or_create(c, Song, (Band *)cz_first(c, Band), songs, CZ_PAIRS(Song),
                             CZ_PAIRS(Song, (title, "a")), NULL);
}
static void make_where_two_match(cz_ctx *c, void *arg)
{
    (void)arg;
    Band *band = cz_first(c, Band);
    cz_related_create(c, Song, band, songs, (title, "a"));
    cz_related_create(c, Song, band, songs, (title, "a"));
    cz_related_get_or_create(c, Song, band, songs, CZ_PAIRS(Song, (title, "a")), CZ_PAIRS(Song),
                             NULL);
}
static void make_where_two_links_match(cz_ctx *c, void *arg)
{
    (void)arg;
    Song *song = cz_first(c, Song);
    cz_related_create(c, Playlist, song, playlists, (name, "a"));
    cz_related_create(c, Playlist, song, playlists, (name, "a"));
    cz_related_get_or_create(c, Playlist, song, playlists, CZ_PAIRS(Playlist, (name, "a")),
                             CZ_PAIRS(Playlist), NULL);
}
static void replace_not_null(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_related_replace(c, (Band *)cz_first(c, Band), songs, CZ_INTS(1));
}

static void mistakes_behind(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    cz_create(c, Band, (name, "x"));
    static const struct cz__orm_test_refusal cases[] = {
        { make_behind_no_row, CZ_EINVAL, "a Band that is not stored has no relations" },
        { make_without_match, CZ_EINVAL, "get_or_create without anything to match a Song by" },
        { make_where_two_match, CZ_EMULTIPLE, "more than one Song matches the given query" },
        { make_where_two_links_match, CZ_EMULTIPLE,
          "more than one Playlist matches the given query" },
        { replace_not_null, CZ_EINVAL,
          "Song.band may not be NULL: rows can be added, not taken away" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
}

CZ_DATABASE_TEST(rows_that_cannot_be_made_behind_a_field_say_why)
{
    cz__orm_test_run(&radio, mistakes_behind);
}
