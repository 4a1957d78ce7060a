/* calzone/relations.h: the rows behind a reverse side or a many-to-many.
 *
 *     cz_rows(Book) books = cz_related(ctx, Book, author, books);
 *     cz_rows(Book) early = cz_related(ctx, Book, author, books, .where = CZ_Q(Book, year, LT, 1900));
 *     cz_related_add(ctx, book, shelves, CZ_INTS(shelf->id));
 *
 * What Django's related managers do. The rows are read for all rows of the result that the row came with, in one
 * statement, at the first touch: a loop over authors asks once, with further arguments once for each set of their
 * values. CZ_REL() (queries.h) is the same for a foreign key, CZ_PREFETCH() reads at once.
 */
#ifndef CALZONE_RELATIONS_H
#define CALZONE_RELATIONS_H

#include <calzone/bulk.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cz__related_change {
    CZ__RELATED_ADD,
    CZ__RELATED_REMOVE,
    CZ__RELATED_SET,
    CZ__RELATED_REPLACE,
    CZ__RELATED_CLEAR
};
struct cz__rows cz__related_rows(cz_ctx *ctx, cz_row *row, size_t field, const cz_query *query);
struct cz__rows cz__prefetched(cz_ctx *ctx, const cz_row *row, size_t field, const char *name);
void *cz__related_one(cz_ctx *ctx, cz_row *row, size_t field, const char *file, int line);
void cz__related_change(cz_ctx *ctx, cz_row *row, size_t field, enum cz__related_change how,
                        cz_pairs through_defaults, const void *list);
void *cz__related_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs through_defaults,
                         cz_pairs pairs);
enum cz__related_or { CZ__RELATED_GET, CZ__RELATED_UPDATE };
void *cz__related_or_create(cz_ctx *ctx, cz_row *row, size_t field, cz_pairs through_defaults,
                            cz_pairs match, cz_pairs defaults, enum cz__related_or how,
                            bool *out_created);
#define CZ__NO_DEFAULTS ((cz_pairs){ 0 })

/* The rows of `Target` that `field` of a stored row leads to, in Target's order, as cz_rows(Target). Further
 * arguments are cz_query members; .limit and .offset count for each row apart. They live in the context's arena;
 * after a change through the calls below they are read again.
 * Raises: as a query; CZ_EINVAL: the row is not stored, or they were not read and its query is .strict. */
#define cz_related(ctx, Target, row, field, ...)                                                   \
    ({                                                                                             \
        CZ__LEADS_TO(row, field, Target);                                                          \
        struct cz__rows cz__r = cz__related_rows((ctx), &(row)->row_, CZ__INDEX_OF(row, field),    \
                                                 cz__query_of(Target, ##__VA_ARGS__));             \
        (Target##__rows){ (Target *)cz__r.items, cz__r.count };                                    \
    })
#define CZ__LEADS_TO(row, field, Target)                                                           \
    _Static_assert(_Generic((row)->path_[0]->field, Target##__path * : 1, default : 0),            \
                   #field " does not lead to " #Target)
/* The rows that a CZ_PREFETCH() of the row's query read under this name. Raises: CZ_EINVAL: none did. */
#define cz_prefetched(ctx, Target, row, field, name)                                               \
    ({                                                                                             \
        CZ__LEADS_TO(row, field, Target);                                                          \
        struct cz__rows cz__r =                                                                    \
            cz__prefetched((ctx), &(row)->row_, CZ__INDEX_OF(row, field), (name));                 \
        (Target##__rows){ (Target *)cz__r.items, cz__r.count };                                    \
    })
/* The row on the other side of a one-to-one, loaded as by cz_related(). Raises: CZ_ENOTFOUND (a 404): there is
 * none. */
#define cz_related_one(ctx, Target, row, field)                                                    \
    ({                                                                                             \
        CZ__LEADS_TO(row, field, Target);                                                          \
        (Target *)cz__related_one((ctx), &(row)->row_, CZ__INDEX_OF(row, field), __FILE__,         \
                                  __LINE__);                                                       \
    })

#define CZ__RELATED_CHANGE(ctx, row, field, how, through_defaults, ...)                            \
    cz__related_change(                                                                            \
        (ctx), &(row)->row_,                                                                       \
        CZ__INDEX_OF(row, field) +                                                                 \
            0 * sizeof(CZ__SUITED(CZ__SUITS_LIST((row)->path_[0]->field->id, (__VA_ARGS__)),       \
                                  __VA_ARGS__)),                                                   \
        how, (through_defaults), CZ__ADDRESS_OF((__VA_ARGS__)))
/* Add rows by their keys, CZ_INTS(1, 2) or a cz_uuid_list: links of a many-to-many that are not there yet, or
 * the foreign keys of the rows of a reverse side. In a transaction of its own; links send CZ_M2M_CHANGED.
 * Raises: CZ_EINTEGRITY: a key that no row has; CZ_EINVAL: the row is not stored. */
#define cz_related_add(ctx, row, field, ...)                                                       \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_ADD, CZ__NO_DEFAULTS, __VA_ARGS__)
/* Take rows away, which stay where they are. Raises: CZ_EINVAL: of a reverse side whose foreign key may not be
 * NULL. */
#define cz_related_remove(ctx, row, field, ...)                                                    \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_REMOVE, CZ__NO_DEFAULTS, __VA_ARGS__)
/* Make these the related rows: those that are not among them go as by remove. */
#define cz_related_set(ctx, row, field, ...)                                                       \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_SET, CZ__NO_DEFAULTS, __VA_ARGS__)
/* The same by taking all away and adding these, as Django's set(clear=True): also of links that stay, receivers are
 * told. */
#define cz_related_replace(ctx, row, field, ...)                                                   \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_REPLACE, CZ__NO_DEFAULTS, __VA_ARGS__)
#define cz_related_clear(ctx, row, field)                                                          \
    cz__related_change((ctx), &(row)->row_, CZ__INDEX_OF(row, field), CZ__RELATED_CLEAR,           \
                       CZ__NO_DEFAULTS, NULL)

/* A new row of `Target` behind the field: cz_related_create(ctx, Book, author, books, (title, "Dune")). Its
 * foreign key is set, or it is linked. In a transaction. Raises as cz_create(); CZ_EINVAL: the row is not stored. */
#define cz_related_create(ctx, Target, row, field, ...)                                            \
    cz_related_create_through(ctx, Target, row, field, CZ__NO_DEFAULTS __VA_OPT__(, ) __VA_ARGS__)
/* The row behind the field whose fields equal those of `match`, or a new one there with them and `defaults`, as
 * cz_get_or_create() (bulk.h). Of a many-to-many only linked rows are looked at, and a new one is linked.
 * Raises: CZ_EMULTIPLE; CZ_EINTEGRITY: also when a row that is not behind the field is in the way. */
#define cz_related_get_or_create(ctx, Target, row, field, match, defaults, out_created)            \
    CZ__RELATED_OR_CREATE(ctx, Target, row, field, CZ__NO_DEFAULTS, match, defaults,               \
                          CZ__RELATED_GET, out_created)
#define cz_related_update_or_create(ctx, Target, row, field, match, defaults, out_created)         \
    CZ__RELATED_OR_CREATE(ctx, Target, row, field, CZ__NO_DEFAULTS, match, defaults,               \
                          CZ__RELATED_UPDATE, out_created)

/* ---- links that are rows of a model (.through) ----
 *
 *     cz_related_add_through(ctx, ann, clubs, CZ_PAIRS(Membership, (role, "captain")), CZ_INTS(club->id));
 *
 * The calls above make rows of that model with its defaults alone, and delete them, as Django's do: new ones
 * without CZ_PRE_SAVE and CZ_POST_SAVE, deleted ones by its manager and on_delete rules and with their signals.
 * These say what new links hold besides: `through_defaults`, Django's, are CZ_PAIRS() of that model. Links that are
 * there stay as they are. Raise: CZ_EINVAL: the field has no .through, or another, or they name a key to one of its
 * sides. */
#define cz_related_add_through(ctx, row, field, through_defaults, ...)                             \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_ADD, through_defaults, __VA_ARGS__)
#define cz_related_set_through(ctx, row, field, through_defaults, ...)                             \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_SET, through_defaults, __VA_ARGS__)
#define cz_related_replace_through(ctx, row, field, through_defaults, ...)                         \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_REPLACE, through_defaults, __VA_ARGS__)
#define cz_related_create_through(ctx, Target, row, field, through_defaults, ...)                  \
    ({                                                                                             \
        CZ__LEADS_TO(row, field, Target);                                                          \
        (Target *)cz__related_create((ctx), &(row)->row_, CZ__INDEX_OF(row, field),                \
                                     (through_defaults),                                           \
                                     CZ_PAIRS(Target __VA_OPT__(, ) __VA_ARGS__));                 \
    })
#define cz_related_get_or_create_through(ctx, Target, row, field, through_defaults, match,         \
                                         defaults, out_created)                                    \
    CZ__RELATED_OR_CREATE(ctx, Target, row, field, through_defaults, match, defaults,              \
                          CZ__RELATED_GET, out_created)
#define cz_related_update_or_create_through(ctx, Target, row, field, through_defaults, match,      \
                                            defaults, out_created)                                 \
    CZ__RELATED_OR_CREATE(ctx, Target, row, field, through_defaults, match, defaults,              \
                          CZ__RELATED_UPDATE, out_created)
#define CZ__RELATED_OR_CREATE(ctx, Target, row, field, through_defaults, match, defaults, how,     \
                              out_created)                                                         \
    ({                                                                                             \
        CZ__LEADS_TO(row, field, Target);                                                          \
        (Target *)cz__related_or_create((ctx), &(row)->row_, CZ__INDEX_OF(row, field),             \
                                        (through_defaults), (match), (defaults), how,              \
                                        (out_created));                                            \
    })

#ifdef __cplusplus
}
#endif
#endif
