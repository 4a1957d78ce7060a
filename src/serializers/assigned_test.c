/* An answer does not show what no save has stored. */
#include "orm/orm_testing.h"
#include <calzone/json.h>
#include <calzone/serializers.h>

#define GARAGE(F) F(char_field, name)
CZ_MODEL(Garage, GARAGE);
#define TUNE_UP(F)                                                                                 \
    F(char_field, status, .default_ = cz_text("open"))                                             \
    F(foreign_key, garage, Garage, .on_delete = CZ_CASCADE)
CZ_MODEL(TuneUp, TUNE_UP);

static const struct cz__orm_test garages = { "garages", CZ_MODELS(Garage, TuneUp) };
static CZ_SERIALIZER(GarageSerializer, Garage, .fields = CZ_FIELDS(Garage, id, name));
static CZ_SERIALIZER(PlainSerializer, TuneUp, .fields = CZ_FIELDS(TuneUp, id, status));
static CZ_SERIALIZER(WholeSerializer, TuneUp, .fields = CZ_FIELDS(TuneUp, id, status),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(TuneUp, garage),
                                             .nested = &GarageSerializer }));

static const char *shown(cz_ctx *c, cz_serializer *serializer, TuneUp *row)
{
    cz_buf *out = cz_scratch(c);
    cz__serializer_write(c, NULL, serializer, &row->row_, out);
    cz_check(c, cz_buf_status(out));
    return cz_copy(c, cz_buf_str(out)).ptr;
}

static TuneUp *stored(cz_ctx *c)
{
    Garage *garage = cz_create(c, Garage, (name, "Ann"));
    return cz_create(c, TuneUp, (garage_id, garage->id));
}

static void show_plain(cz_ctx *c)
{
    TuneUp *row = stored(c);
    row->status = CZ_STR("done");
    cz_ignore(!*shown(c, &PlainSerializer, row)); /* raises */
}

static void show_nested(cz_ctx *c)
{
    TuneUp *row = stored(c);
    CZ_REL(c, row, garage)->name = CZ_STR("Bob");
    cz_ignore(!*shown(c, &WholeSerializer, row)); /* raises */
}

static void refuse(cz_ctx *c, void *arg)
{
    (void)arg;
    cz__tables_create(c);
    CZ_EXPECT_STR(cz_str_from(cz__orm_test_raised(c, show_plain)),
                  "TuneUp.status was assigned without cz_set(): nothing would store it");
    CZ_EXPECT_STR(cz_str_from(cz__orm_test_raised(c, show_nested)),
                  "Garage.name was assigned without cz_set(): nothing would store it");
    TuneUp *row = stored(c);
    cz_set(c, row, status, "shown"); /* and not saved: what was set is meant */
    CZ_EXPECT_STR(cz_str_from(shown(c, &PlainSerializer, row)), "{\"id\":3,\"status\":\"shown\"}");
    TuneUp *made = cz_row_new(c, TuneUp); /* was never stored, and nobody takes it for stored */
    made->status = CZ_STR("new");
    CZ_EXPECT_STR(cz_str_from(shown(c, &PlainSerializer, made)), "{\"id\":0,\"status\":\"new\"}");
}

CZ_DATABASE_TEST(an_answer_does_not_show_what_was_assigned_without_cz_set)
{
    cz__orm_test_run(&garages, refuse);
}
