/* Fields whose member is not what their column holds: enums, which are texts there, and encrypted texts. */
#include "orm/encryption.h"
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/factories.h>
#include <calzone/serializers.h>
#include <calzone/validation.h>

#define WEATHER(E)                                                                                 \
    E(WEATHER_SUN, "sun", "Sunny")                                                                 \
    E(WEATHER_RAIN, "rain", "Rainy")                                                               \
    E(WEATHER_SNOW, "snow", "Snow")
CZ_ENUM(Weather, WEATHER)

#define FORECAST(F)                                                                                \
    F(int_field, day)                                                                              \
    F(enum_field, morning, Weather, .default_ = cz_int(WEATHER_RAIN))                              \
    F(enum_field, evening, Weather, .null = true)                                                  \
    F(enum_field, night, Weather, .db_default = cz_text("snow"))
CZ_MODEL(Forecast, FORECAST, .ordering = CZ_ORDER_BY(CZ_ASC(Forecast, day)),
         .unique_together = CZ_FIELDS(Forecast, day, morning));
#define COUNTED(F) F(char_field, weather) F(big_int_field, days)
CZ_RECORD(CountedWeather, COUNTED);

static const struct cz__orm_test sky = { "sky", CZ_MODELS(Forecast) };
static CZ_SERIALIZER(ForecastSerializer, Forecast,
                     .fields = CZ_FIELDS(Forecast, day, morning, evening));

static void set_beyond(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_create(c, Forecast, (day, 9), (morning, 3));
}
static void ask_beyond(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Forecast, .where = CZ_Q(Forecast, morning, EXACT, -1));
}
static void ask_text(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_cond_text(c, &Forecast__model, CZ_STR("morning"), CZ_LOOKUP_EXACT, CZ_STR("hail"));
}
static void read_json(cz_ctx *c, void *arg)
{
    cz_ignore(!cz__read_row_text(c, cz_str_from(arg), &ForecastSerializer, NULL, false));
}
static void clean_twice(cz_ctx *c, void *arg)
{
    (void)arg;
    Forecast *same = cz_row_new(c, Forecast);
    cz_set(c, same, day, 1);
    cz_full_clean(c, same);
}

static void forecasts(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    CZ_EXPECT_STR(cz_str_from(Weather_text(WEATHER_SNOW)), "snow");
    CZ_EXPECT_STR(cz_str_from(Weather_label(WEATHER_SUN)), "Sunny");
    CZ_EXPECT(!Weather_text(Weather__count) && !Weather_label((Weather)-1));
    Forecast *first = cz_create(c, Forecast, (day, 1));
    CZ_EXPECT_EQ(first->morning, WEATHER_RAIN);
    CZ_EXPECT(cz_is_null(first, evening));
    CZ_EXPECT_EQ(first->night, WEATHER_SNOW);
    Weather given = WEATHER_SUN;
    Forecast *second = cz_create(c, Forecast, (day, 2), (morning, given), (evening, WEATHER_SNOW));
    cz_refresh(c, second);
    CZ_EXPECT_EQ(second->morning, WEATHER_SUN);
    CZ_EXPECT_EQ(second->evening, WEATHER_SNOW);
    CZ_EXPECT_EQ(cz_count(c, Forecast, .where = CZ_Q(Forecast, morning, EXACT, given)), 1);
    CZ_EXPECT_EQ(cz_count(c, Forecast,
                          .where = CZ_Q(Forecast, morning, IN, CZ_INTS(WEATHER_SUN, WEATHER_RAIN))),
                 2);
    CZ_EXPECT_EQ(cz_count(c, Forecast, .where = CZ_Q(Forecast, evening, ISNULL, true)), 1);
    CZ_EXPECT_EQ(
        cz_count(c, Forecast, .where = CZ_NOT(CZ_Q(Forecast, evening, EXACT, WEATHER_SUN))), 2);
    CZ_EXPECT_EQ(cz_count(c, Forecast,
                          .where = cz_cond_text(c, &Forecast__model, CZ_STR("morning"),
                                                CZ_LOOKUP_IN, CZ_STR("sun,snow"))),
                 1);
    cz_set(c, second, morning, WEATHER_SNOW);
    cz_set(c, second, evening, NULL);
    cz_save(c, second);
    CZ_EXPECT_EQ(cz_update(c, Forecast, CZ_Q(Forecast, day, EXACT, 2), (evening, WEATHER_RAIN)), 1);
    enum { MANY = 600 };
    cz_row *rows[MANY];
    for (int i = 0; i < MANY; i++) {
        Forecast *row = cz_row_new(c, Forecast);
        cz_set(c, row, day, 100 + i);
        cz_set(c, row, morning, i % 3);
        rows[i] = &row->row_;
    }
    cz__bulk_create(c, &Forecast__model, rows, MANY, &(cz_bulk_options){ 0 });
    CZ_EXPECT_EQ(cz_count(c, Forecast, .where = CZ_Q(Forecast, morning, EXACT, WEATHER_SUN)), 200);
    cz_rows(CountedWeather) counted = cz_values(
        c, CountedWeather, Forecast,
        .values = CZ_AS(CountedWeather, (weather, CZ_F(Forecast, morning)), (days, CZ_COUNT_ROWS)),
        .order_by = CZ_ORDER_BY(CZ_ASC(Forecast, morning)));
    CZ_REQUIRE(counted.count == 3);
    CZ_EXPECT_STR(counted.items[0].weather, "rain");
    CZ_EXPECT_EQ(counted.items[0].days, 201);

    cz_buf json = { 0 };
    cz_error err;
    CZ_REQUIRE_OK(cz__serializer_prepare(&ForecastSerializer, &err));
    cz__serializer_write(c, NULL, &ForecastSerializer, &first->row_, &json);
    CZ_EXPECT_STR(cz_buf_str(&json), "{\"day\":1,\"morning\":\"rain\",\"evening\":null}");
    cz_buf_done(&json);
    char good[] = "{\"day\":3,\"morning\":\"snow\",\"evening\":\"sun\"}";
    CZ_EXPECT_EQ(cz_try(c, read_json, good, &err), CZ_OK);
    static const struct {
        void (*body)(cz_ctx *ctx, void *arg);
        const char *text;
        cz_status status;
        const char *message;
    } bad[] = {
        { set_beyond, NULL, CZ_EINVAL, "3 is no value of \"morning\"" },
        { ask_beyond, NULL, CZ_EINVAL, "-1 is no value of \"morning\"" },
        { ask_text, NULL, CZ_EVALIDATION, "\"hail\" is not a valid choice." },
        { read_json, "{\"day\":3,\"morning\":\"hail\"}", CZ_EVALIDATION,
          "morning: \"hail\" is not a valid choice." },
        { read_json, "{\"day\":3,\"morning\":1}", CZ_EVALIDATION,
          "morning: \"1\" is not a valid choice." },
        { read_json, "{\"day\":3,\"morning\":\"\"}", CZ_EVALIDATION,
          "morning: \"\" is not a valid choice." },
        { read_json, "{\"day\":3,\"morning\":null}", CZ_EVALIDATION,
          "morning: This field may not be null." },
        { read_json, "{\"day\":1,\"morning\":\"rain\"}", CZ_EVALIDATION,
          "non_field_errors: The fields day, morning must make a unique set." },
        { clean_twice, NULL, CZ_EVALIDATION,
          "non_field_errors: The fields day, morning must make a unique set." },
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        CZ_EXPECT_EQ(cz_try(c, bad[i].body, (void *)(uintptr_t)bad[i].text, &err), bad[i].status);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), bad[i].message);
    }
    /* a text of a newer version */
    cz__db_session *session;
    CZ_REQUIRE_OK(cz__db_session_of(c, &session, &err));
    CZ_REQUIRE_OK(session->db->driver->run(
        c, session, CZ_STR("UPDATE sky_forecast SET morning = 'hail' WHERE day = 1"), &err));
    CZ_EXPECT_EQ(cz_get(c, Forecast, .where = CZ_Q(Forecast, day, EXACT, 1))->morning, (Weather)-1);
}
CZ_DATABASE_TEST(enums_are_texts_in_their_table)
{
    cz__orm_test_run(&sky, forecasts);
}

/* ---- encrypted ---- */

#define CONFESSION(F)                                                                              \
    F(encrypted_field, sin, .max_length = 10)                                                      \
    F(encrypted_field, penance, .null = true)
CZ_MODEL(Confession, CONFESSION);
static const struct cz__orm_test church = { "church", CZ_MODELS(Confession) };
static CZ_SERIALIZER(ConfessionSerializer, Confession,
                     .fields = CZ_FIELDS(Confession, id, sin, penance));

static void read_confession(cz_ctx *c, void *arg)
{
    Confession *read =
        (Confession *)cz__read_row_text(c, cz_str_from(arg), &ConfessionSerializer, NULL, false);
    cz_save(c, read);
}

static void confessions(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_REQUIRE_OK(
        cz__field_keys_set(CZ_STR("a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="), &err));
    cz__tables_create(c);
    CZ_REQUIRE_OK(cz__serializer_prepare(&ConfessionSerializer, &err));
    char good[] = "{\"sin\":\"pride \\\"1\\\"\"}", long_one[] = "{\"sin\":\"covetousness\"}";
    CZ_EXPECT_EQ(cz_try(c, read_confession, good, &err), CZ_OK);
    CZ_EXPECT_EQ(cz_try(c, read_confession, long_one, &err),
                 CZ_EVALIDATION); /* of the text itself */
    static const char json[] = "{\"id\":1,\"sin\":\"pride \\\"1\\\"\",\"penance\":null}";
    cz_buf text = { 0 };
    cz__serializer_write(c, NULL, &ConfessionSerializer, &cz_first(c, Confession)->row_, &text);
    CZ_EXPECT_STR(cz_buf_str(&text), json);
    cz_buf_clear(&text);
    cz_query query = { .model = &Confession__model };
    CZ_EXPECT_EQ(cz__serializer_write_query(c, NULL, &ConfessionSerializer, &query, &text), 1);
    CZ_EXPECT_STR(cz_buf_str(&text), json);
    cz_buf_clear(&text);
    CZ_REQUIRE_OK(
        cz__field_keys_set(CZ_STR(""), &err)); /* what cannot be opened fails the buffer */
    CZ_EXPECT_EQ(cz__serializer_write_query(c, NULL, &ConfessionSerializer, &query, &text), 1);
    CZ_EXPECT_EQ(cz_buf_status(&text), CZ_EDATABASE);
    cz_buf_done(&text);
}
CZ_DATABASE_TEST(encrypted_fields_are_themselves_in_json)
{
    cz__orm_test_run(&church, confessions);
}
