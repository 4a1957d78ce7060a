/* serializers/romances_testing.h: what tests of serializers read and write: romances with authors, tags, cantos, and a
 * jacket each. */
#ifndef CZ_SERIALIZERS_ROMANCES_TESTING_H
#define CZ_SERIALIZERS_ROMANCES_TESTING_H

#include "orm/orm_testing.h"
#include <calzone/relations.h>
#include <calzone/routing.h>
#include <calzone/serializers.h>

CZ_MODEL_FORWARD(Realm)
CZ_MODEL_FORWARD(Fabulist)
CZ_MODEL_FORWARD_UUID(Motif)
CZ_MODEL_FORWARD(Romance)
CZ_MODEL_FORWARD(Canto)
CZ_MODEL_FORWARD(Jacket)

#define REALM(F)                                                                                   \
    F(slug_field, code, .unique = true)                                                            \
    F(char_field, name)
CZ_MODEL(Realm, REALM);

#define FABULIST(F)                                                                                \
    F(char_field, name, .max_length = 10, .unique = true)                                          \
    F(foreign_key, country, Realm, .null = true, .on_delete = CZ_SET_NULL)
CZ_MODEL(Fabulist, FABULIST);

#define MOTIF(F) F(char_field, word, .unique = true)
CZ_MODEL_UUID(Motif, MOTIF, .ordering = CZ_ORDER_BY(CZ_ASC(Motif, word)));

#define ROMANCE(F)                                                                                 \
    F(char_field, title, .max_length = 20)                                                         \
    F(char_field, secret, .blank = true)                                                           \
    F(int_field, pages, .default_ = cz_int(0))                                                     \
    F(foreign_key, author, Fabulist, .on_delete = CZ_CASCADE)                                      \
    F(foreign_key, editor, Fabulist, .null = true, .on_delete = CZ_SET_NULL)                       \
    F(many_to_many, tags, Motif)                                                                   \
    F(reverse, chapters, Canto, novel)                                                             \
    F(reverse, cover, Jacket, novel)
CZ_MODEL(Romance, ROMANCE);

#define CANTO(F)                                                                                   \
    F(foreign_key, novel, Romance, .on_delete = CZ_CASCADE)                                        \
    F(int_field, number, .min = cz_int(1))                                                         \
    F(char_field, heading, .max_length = 12)
CZ_MODEL(Canto, CANTO, .ordering = CZ_ORDER_BY(CZ_ASC(Canto, number)),
         .unique_together = CZ_FIELDS(Canto, novel, number));

#define JACKET(F)                                                                                  \
    F(one_to_one, novel, Romance, .on_delete = CZ_CASCADE)                                         \
    F(char_field, colour)
CZ_MODEL(Jacket, JACKET);

static inline void nowhere(cz_ctx *c, cz_request *req)
{
    (void)c, (void)req;
}
static const cz_route urls[] = {
    CZ_GET("/authors/<int:id>", nowhere, .name = "author-detail"),
    CZ_GET("/novels/<int:id>", nowhere, .name = "novel-detail"),
    CZ_GET("/tags/<uuid:id>", nowhere, .name = "tag-detail"),
    CZ_GET("/nobody", nowhere),
    CZ_ROUTES_END,
};
static cz_router *router;

static const struct cz__orm_test library = { "library", CZ_MODELS(Realm, Fabulist, Motif, Romance,
                                                                  Canto, Jacket) };

#define TAG_A "11111111-1111-4111-8111-111111111111"
#define TAG_B "22222222-2222-4222-8222-222222222222"

static inline Motif *make_tag(cz_ctx *c, const char *key, const char *word)
{
    cz_uuid id;
    CZ_REQUIRE_OK(cz_uuid_parse(cz_str_from(key), &id));
    return cz_create(c, Motif, (id, id), (word, word));
}

/* Two authors, two tags, three novels, of which the first has everything. */
static inline void seed(cz_ctx *c)
{
    cz__tables_create(c);
    Realm *oz = cz_create(c, Realm, (code, "oz"), (name, "Oz"));
    Fabulist *ann = cz_create(c, Fabulist, (name, "Ann"), (country, oz->id));
    Fabulist *bob = cz_create(c, Fabulist, (name, "Bob"));
    Motif *a = make_tag(c, TAG_A, "apple"), *b = make_tag(c, TAG_B, "bread");
    Romance *first = cz_create(c, Romance, (title, "Two words"), (author, ann->id),
                               (editor, bob->id), (pages, 301));
    cz_create(c, Romance, (title, "Bare"), (author, bob->id));
    Romance *third = cz_create(c, Romance, (title, "Third"), (author, ann->id));
    const cz_uuid both[] = { a->id, b->id };
    cz_related_set(c, first, tags, (cz_uuid_list){ both, 2 });
    cz_related_set(c, third, tags, (cz_uuid_list){ both, 1 });
    cz_create(c, Canto, (novel, first->id), (number, 2), (heading, "Two"));
    cz_create(c, Canto, (novel, first->id), (number, 1), (heading, "One"));
    cz_create(c, Canto, (novel, third->id), (number, 1), (heading, "Alone"));
    cz_create(c, Jacket, (novel, first->id), (colour, "red"));
    cz_error err;
    CZ_REQUIRE_OK(cz_router_create(urls, NULL, &router, &err));
}

struct reading {
    const char *text;
    cz_serializer *serializer;
    cz_row *instance;
    bool partial;
    cz_row *row;
};

static inline void read_and_save(cz_ctx *c, void *arg)
{
    struct reading *reading = arg;
    reading->row = cz__read_row_text(c, cz_str_from(reading->text), reading->serializer,
                                     reading->instance, reading->partial);
    cz__save(c, reading->row);
}

/* What is wrong with it, "author.name: message"; "" when it was stored. */
static inline const char *outcome(cz_ctx *c, struct reading *reading)
{
    cz_error err = { 0 };
    if (cz_try(c, read_and_save, reading, &err))
        return cz_copy(c, cz_str_from(cz_error_message(&err))).ptr;
    return "";
}

#endif
