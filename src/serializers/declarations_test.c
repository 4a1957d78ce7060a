/* Serializers that cannot work stop the start, with a sentence that names the member. */
#include "serializers/romances_testing.h"
#include <stdio.h>

static void compute(cz_ctx *c, const cz_request *req, const void *row, cz_json_writer *out)
{
    (void)c, (void)req, (void)row;
    cz_json_null(out);
}

static CZ_SERIALIZER(Fine, Fabulist, .fields = CZ_FIELDS(Fabulist, name));
static CZ_SERIALIZER(Nothing, Romance, .ignore_unknown = true);
static CZ_SERIALIZER(NotListed, Romance, .fields = CZ_FIELDS(Romance, id),
                     .write_only = CZ_FIELDS(Romance, title));
static CZ_SERIALIZER(Both, Romance, .fields = CZ_FIELDS(Romance, title),
                     .read_only = CZ_FIELDS(Romance, title),
                     .write_only = CZ_FIELDS(Romance, title));

/* One member each. */
#define MEMBER(variable, ...)                                                                      \
    static CZ_SERIALIZER(variable, Romance, .fields = CZ_FIELDS(Romance, id, title),               \
                         .members = CZ_MEMBERS({ __VA_ARGS__ }))
MEMBER(Nameless, .compute = compute);
MEMBER(Sourceless, .name = "x");
MEMBER(Unknown, .source = { "author->nick", 12 }, .name = "x");
MEMBER(OverNoKey, .source = { "tags->word", 10 }, .name = "x");
MEMBER(PathAsName, .source = CZ_FIELD(Romance, author->name));
MEMBER(TwoWays, .source = CZ_FIELD(Romance, author), .nested = &Fine, .view = "author-detail");
MEMBER(SourceAndFunction, .source = CZ_FIELD(Romance, pages), .compute = compute);
MEMBER(NoRelation, .source = CZ_FIELD(Romance, pages), .nested = &Fine);
MEMBER(OtherModel, .source = CZ_FIELD(Romance, tags), .nested = &Fine);
MEMBER(NoSlug, .source = CZ_FIELD(Romance, author), .slug = { "nick", 4 });
MEMBER(LooseSlug, .source = CZ_FIELD(Romance, cover), .slug = CZ_FIELD(Jacket, colour));
MEMBER(WantedAndNot, .source = CZ_FIELD(Romance, pages), .required = true, .optional = true);
MEMBER(ReadAndWrite, .source = CZ_FIELD(Romance, author), .nested = &Fine, .read_only = true,
       .writable = true);
MEMBER(WritePath, .name = "x", .source = CZ_FIELD(Romance, author->name), .required = true);
MEMBER(WriteComputed, .name = "x", .compute = compute, .write_only = true);
MEMBER(ListOfField, .source = CZ_FIELD(Romance, pages), .list = true);
MEMBER(RelationType, .name = "x", .compute = compute, .type = CZ_KIND_foreign_key);
MEMBER(NestedAndExpand, .source = CZ_FIELD(Romance, author), .nested = &Fine, .expand = &Fine);
MEMBER(ExpandValue, .source = CZ_FIELD(Romance, pages), .expand = &Fine);
MEMBER(ExpandOther, .source = CZ_FIELD(Romance, tags), .expand = &Fine);
MEMBER(SameName, .name = "id", .compute = compute);
extern cz_serializer Circle;
static CZ_SERIALIZER(Round, Canto, .fields = CZ_FIELDS(Canto, number),
                     .members = CZ_MEMBERS({ .source = CZ_FIELD(Canto, novel),
                                             .nested = &Circle }));
CZ_SERIALIZER(Circle, Romance, .fields = CZ_FIELDS(Romance, id),
              .members = CZ_MEMBERS({ .source = CZ_FIELD(Romance, chapters), .nested = &Round }));
#undef MEMBER

static const struct {
    cz_serializer *serializer;
    const char *message;
} refused[] = {
    { &Nothing, ".fields is required" },
    { &NotListed, "write_only \"title\" is not in .fields" },
    { &Both, "\"title\" is read-only and write-only" },
    { &Nameless, "a member without .name and .source" },
    { &Sourceless, "\"x\" has no .source" },
    { &Unknown, "\"x\" is no field of its model" },
    { &OverNoKey, "\"x\" goes over what is no foreign key" },
    { &PathAsName, "\"author->name\" is a path: give the member a .name" },
    { &TwoWays, "\"author\" has more than one of .nested, .slug, .view and .compute" },
    { &SourceAndFunction, "\"pages\" has either .source or .compute" },
    { &NoRelation, "\"pages\" is no relation" },
    { &OtherModel, "\"tags\" leads to another model than its .nested is of" },
    { &NoSlug, "\"author\" has a .slug that is no field of the other side" },
    { &WantedAndNot, "\"pages\" is .required and .optional" },
    { &ReadAndWrite, "\"author\" is .read_only and not" },
    { &WritePath, "\"x\" can not be written by input" },
    { &WriteComputed, "\"x\" can not be written by input" },
    { &ListOfField, "\"pages\" has .list, which is for a .compute" },
    { &RelationType, "\"x\" has a .type that is no value's" },
    { &NestedAndExpand, "\"author\" has an .expand, which is for relations that are not .nested" },
    { &ExpandValue, "\"pages\" has an .expand, which is for relations that are not .nested" },
    { &ExpandOther, "\"tags\" leads to another model than its .expand is of" },
    { &SameName, "two members are called \"id\"" },
    { &Circle, "it is nested in itself, and its rows would have no end" },
};

CZ_TEST(a_serializer_that_cannot_work_is_refused)
{
    cz_error err = { 0 };
    CZ_REQUIRE_OK(cz__models_add(library.app, library.models.items, library.models.count, &err));
    CZ_REQUIRE_OK(cz__models_resolve(&err));
    for (size_t i = 0; i < CZ_COUNT(refused); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "serializer of Romance: %s", refused[i].message);
        CZ_EXPECT_EQ(cz__serializer_prepare(refused[i].serializer, &err), CZ_EVALIDATION);
        CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), expected);
    }
    CZ_EXPECT_EQ(cz__serializer_prepare(&LooseSlug, &err), CZ_OK); /* nothing is written by it */
}
