/* calzone/relations.h: the rows behind a reverse side or a many-to-many.
 *
 *     cz_rows(Book) books = cz_related(ctx, Book, author, books);
 *     cz_rows(Book) early = cz_related(ctx, Book, author, books, .where = CZ_Q(Book, year, LT, 1900));
 *     cz_related_add(ctx, book, shelves, CZ_INTS(shelf->id));
 *
 * What Django's related managers do. Without further arguments the rows are read for all rows of the result
 * that the row came with, in one statement (two for a many-to-many), at the first touch: a loop over authors
 * asks once. With arguments each call is a query of its own. CZ_REL() (queries.h) is the same for a foreign
 * key.
 */
#ifndef CALZONE_RELATIONS_H
#define CALZONE_RELATIONS_H

#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cz__related_change { CZ__RELATED_ADD, CZ__RELATED_REMOVE, CZ__RELATED_SET, CZ__RELATED_CLEAR };
struct cz__rows cz__related_rows(cz_ctx *ctx, const cz_row *row, size_t field,
                                 const cz_query *query);
void cz__related_change(cz_ctx *ctx, cz_row *row, size_t field, enum cz__related_change how,
                        const void *list);

/* The rows of `Target` that `field` of a stored row leads to, in Target's order, as cz_rows(Target). Further
 * arguments are cz_query members. They live in the context's arena; after a change through the calls below
 * they are read again. Raises: as a query; CZ_EINVAL: the row is not stored. */
#define cz_related(ctx, Target, row, field, ...)                                                   \
    ({                                                                                             \
        _Static_assert(_Generic((row)->path_[0]->field, struct Target##__path * : 1, default : 0), \
                       #field " does not lead to " #Target);                                       \
        struct cz__rows cz__r = cz__related_rows((ctx), &(row)->row_, CZ__INDEX_OF(row, field),    \
                                                 cz__query_of(Target, ##__VA_ARGS__));             \
        (Target##__rows){ (Target *)cz__r.items, cz__r.count };                                    \
    })

#define CZ__RELATED_CHANGE(ctx, row, field, how, ...)                                              \
    cz__related_change(                                                                            \
        (ctx), &(row)->row_,                                                                       \
        CZ__INDEX_OF(row, field) +                                                                 \
            0 * sizeof(CZ__SUITED(CZ__SUITS_LIST((row)->path_[0]->field->id, (__VA_ARGS__)),       \
                                  __VA_ARGS__)),                                                   \
        how, CZ__ADDRESS_OF((__VA_ARGS__)))
/* Add rows by their keys, CZ_INTS(1, 2) or a cz_uuid_list: links of a many-to-many that are not there yet, or
 * the foreign keys of the rows of a reverse side. In a transaction of its own; links send CZ_M2M_CHANGED.
 * Raises: CZ_EINTEGRITY: a key that no row has; CZ_EINVAL: the row is not stored. */
#define cz_related_add(ctx, row, field, ...)                                                       \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_ADD, __VA_ARGS__)
/* Take rows away, which stay where they are. Raises: CZ_EINVAL: of a reverse side whose foreign key may not be
 * NULL. */
#define cz_related_remove(ctx, row, field, ...)                                                    \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_REMOVE, __VA_ARGS__)
/* Make these the related rows: those that are not among them go as by remove. */
#define cz_related_set(ctx, row, field, ...)                                                       \
    CZ__RELATED_CHANGE(ctx, row, field, CZ__RELATED_SET, __VA_ARGS__)
#define cz_related_clear(ctx, row, field)                                                          \
    cz__related_change((ctx), &(row)->row_, CZ__INDEX_OF(row, field), CZ__RELATED_CLEAR, NULL)

#ifdef __cplusplus
}
#endif
#endif
