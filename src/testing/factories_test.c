#include <calzone/calzone.h>
#include <calzone/factories.h>
#include <calzone/testing.h>
#include <inttypes.h>

#define PUBLISHER(F)                                                                               \
    F(char_field, name, .max_length = 40, .unique = true)                                          \
    F(email_field, email, .unique = true)                                                          \
    F(char_field, code, .max_length = 3, .unique = true)
CZ_MODEL(Publisher, PUBLISHER);

static const cz_choice states[] = { { "draft", "Draft" }, { "out", "Out" } };

static const char *refuse_odd(cz_str text, double number)
{
    (void)text;
    return (int)number % 2 ? "Even numbers only." : NULL;
}

#define NOVEL(F)                                                                                   \
    F(char_field, title, .max_length = 12)                                                         \
    F(char_field, state, .max_length = 5, .choices = CZ_CHOICES(states))                           \
    F(char_field, subtitle, .max_length = 80, .blank = true)                                       \
    F(char_field, language, .max_length = 2, .default_ = cz_text("en"))                            \
    F(slug_field, slug, .unique = true)                                                            \
    F(url_field, page)                                                                             \
    F(text_field, body)                                                                            \
    F(small_int_field, grade, .min = cz_int(-3), .max = cz_int(3))                                 \
    F(int_field, even, .validator = refuse_odd)                                                    \
    F(big_int_field, serial, .unique = true, .min = cz_int(100))                                   \
    F(float_field, weight, .min = cz_real(0.5), .max = cz_real(0.75))                              \
    F(decimal_field, price, .digits = 4, .places = 2)                                              \
    F(bool_field, lent)                                                                            \
    F(date_field, day)                                                                             \
    F(datetime_field, at)                                                                          \
    F(time_field, hour)                                                                            \
    F(duration_field, length)                                                                      \
    F(uuid_field, token, .unique = true)                                                           \
    F(ip_field, host)                                                                              \
    F(json_field, extra)                                                                           \
    F(binary_field, cover)                                                                         \
    F(int_array_field, pages)                                                                      \
    F(text_array_field, tags)                                                                      \
    F(int_field, year, .null = true)                                                               \
    F(foreign_key, publisher, Publisher, .on_delete = CZ_CASCADE)                                  \
    F(foreign_key, sequel, Novel, .on_delete = CZ_SET_NULL, .null = true)
CZ_MODEL(Novel, NOVEL);

#define CARD(F)                                                                                    \
    F(one_to_one, novel, Novel, .on_delete = CZ_CASCADE)                                           \
    F(char_field, shelf, .max_length = 10)                                                         \
    F(bool_field, yes, .unique = true)
CZ_MODEL(Card, CARD);

#define LINK(F) F(foreign_key, next, Link, .on_delete = CZ_CASCADE)
CZ_MODEL(Link, LINK);

static void fake_shelf(const cz_fake *fake, void *out)
{
    *(cz_str *)out = cz_format(fake->ctx, "S-%" PRIu64, fake->number);
}
CZ_FACTORY(Card, (shelf, fake_shelf))

static const cz_app app = { "shelf", .models = CZ_MODELS(Publisher, Novel, Card, Link) };
static CZ_SERIALIZER(NovelSerializer, Novel,
                     .fields = CZ_FIELDS(Novel, id, title, state, subtitle, language, slug, page,
                                         body, grade, even, serial, weight, price, lent, day, at,
                                         hour, length, token, host, extra, cover, pages, tags, year,
                                         publisher, sequel));
static CZ_VIEWSET(novel_views, Novel, .serializer = &NovelSerializer, .permissions = &cz_allow_any);
static const cz_route urls[] = { CZ_RESOURCE("/novels", &novel_views), CZ_ROUTES_END };
static CZ_PROJECT(library, "library", .apps = CZ_APPS(&app), .urls = urls);

static void make_one(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Novel *novel = cz_make(ctx, Novel, (title, "Dune"), (year, 1965));
    CZ_EXPECT_STR(novel->title, "Dune");
    CZ_EXPECT_EQ(novel->year, 1965);
    CZ_EXPECT_STR(novel->language, "en");
    CZ_EXPECT_STR(novel->subtitle, "");
    CZ_EXPECT(cz_is_null(novel, sequel));
    CZ_EXPECT(cz_str_eq(novel->state, CZ_STR("draft")) || cz_str_eq(novel->state, CZ_STR("out")));
    CZ_EXPECT(novel->body.len > 20 && novel->slug.len && novel->page.len);
    CZ_EXPECT_EQ(novel->serial, 100);
    Publisher *publisher = CZ_REL(ctx, novel, publisher);
    CZ_REQUIRE(publisher);
    CZ_EXPECT(cz_str_ends_with(publisher->email, CZ_STR("1@example.com")));
    CZ_EXPECT_EQ(cz_count(ctx, Publisher), 1);
    cz_make(ctx, Novel, (publisher_id, publisher->id));
    CZ_EXPECT_EQ(cz_count(ctx, Publisher), 1);
}

CZ_DATABASE_TEST(a_row_is_made_with_what_is_given_and_values_for_the_rest)
{
    cz_client_run(cz_client_create(&library), make_one, NULL);
}

static void make_many(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_create(ctx, Publisher, (name, "Ada Berg 3"), (email, "x@example.com"), (code, "2"));
    Novel__rows novels = cz_make_many(ctx, Novel, 60);
    CZ_EXPECT_EQ(novels.count, 60);
    CZ_EXPECT_EQ(cz_count(ctx, Novel), 60);
    CZ_EXPECT_EQ(cz_count(ctx, Publisher), 61);
    bool seen[7] = { 0 };
    for (size_t i = 0; i < novels.count; i++) {
        const Novel *novel = &novels.items[i];
        CZ_EXPECT(novel->id && novel->title.len && novel->title.len <= 12);
        CZ_EXPECT(novel->grade >= -3 && novel->grade <= 3);
        seen[(novel->grade + 3) % 7] = true;
        CZ_EXPECT(novel->even % 2 == 0 && novel->weight >= 0.5 && novel->weight <= 0.75);
        CZ_EXPECT(cz_decimal_digits(novel->price) <= 4);
    }
    for (size_t i = 0; i < CZ_COUNT(seen); i++)
        CZ_EXPECT(seen[i]);
}

CZ_DATABASE_TEST(values_stay_within_their_options_and_unique_ones_differ)
{
    cz_client *client = cz_client_create(&library);
    cz_client_run(client, make_many, NULL);
    /* a serializer takes what was made */
    const cz_answer *answer = cz_client_get(client, "/novels/7");
    CZ_EXPECT_STATUS(answer, 200);
    cz_client_request put = { .method = "PUT", .target = "/novels/7", .body = answer->body };
    CZ_EXPECT_STATUS(cz_client_send(client, &put), 200);
}

static void make_in_two_runs(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_fake fake = { .ctx = ctx, .number = 1 };
    cz_str one, two, three;
    cz_fake_seed(7);
    cz_fake_paragraph(&fake, &one);
    cz_fake_seed(7);
    cz_fake_paragraph(&fake, &two);
    cz_fake_seed(8);
    cz_fake_paragraph(&fake, &three);
    CZ_EXPECT(cz_str_eq(one, two) && !cz_str_eq(one, three));
}

CZ_TEST(a_seed_gives_the_same_values_again)
{
    cz_client_run(cz_client_create(&library), make_in_two_runs, NULL);
}

static void make_known(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_STR(cz_make(ctx, Publisher)->name, "Jonas Santos 1");
}

CZ_TEST(every_run_of_a_test_makes_the_same_row)
{
    cz_client_run(cz_client_create(&library), make_known, NULL);
}

static void make_cards(cz_ctx *ctx, void *arg)
{
    (void)arg;
    Card *one = cz_make(ctx, Card, (yes, true)), *two = cz_make(ctx, Card, (yes, false));
    CZ_EXPECT_STR(one->shelf, "S-1");
    CZ_EXPECT_STR(two->shelf, "S-2");
    CZ_EXPECT(one->novel_id != two->novel_id);
}

CZ_TEST(a_model_may_have_values_of_its_own)
{
    cz_client_run(cz_client_create(&library), make_cards, NULL);
}

static void make_link(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_make(ctx, Link);
}

static void make_third_card(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        cz_make(ctx, Card); /* there are two booleans */
}

static void expect_refusals(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const struct {
        void (*fn)(cz_ctx *ctx, void *arg);
        const char *said;
    } cases[] = { { make_link, "Link.next needs a row that needs another" },
                  { make_third_card, "no value was found for Card.yes" } };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_try(ctx, cases[i].fn, NULL, &err), CZ_EINVAL);
        CZ_EXPECT_MSG(strstr(cz_error_message(&err), cases[i].said), "%s", cz_error_message(&err));
    }
    CZ_EXPECT_EQ(cz_count(ctx, Link), 0);
}

CZ_TEST(what_cannot_be_made_up_is_asked_for)
{
    cz_client_run(cz_client_create(&library), expect_refusals, NULL);
}
