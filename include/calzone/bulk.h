/* calzone/bulk.h: many rows at once, and rows that may be there already.
 *
 *     Book *books[1000];
 *     for (...) { books[i] = cz_row_new(ctx, Book); cz_set(ctx, books[i], title, ...); }
 *     cz_bulk_create(ctx, Book, books, 1000);
 *
 *     bool created;
 *     Tag *tag = cz_get_or_create(ctx, Tag, CZ_PAIRS(Tag, (name, "new")), CZ_PAIRS(Tag), &created);
 *
 *     cz_chunks *chunks = cz_chunks_begin(ctx, Book, 2000, .where = ...);
 *     for (cz_rows(Book) books; (books = cz_chunks_next(chunks, Book)).count;)
 *         use(books);
 */
#ifndef CALZONE_BULK_H
#define CALZONE_BULK_H

#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- many rows ---- */

typedef struct cz_bulk_options {
    bool ignore_conflicts; /* leave out rows that are there already; no row gets its key */
    cz_fields update;      /* change these fields of a row that is there already ... */
    /* ... by these fields: a unique one, all of .unique_together or of a constraint, with its condition if it has one.
     * Required with .update; with .ignore_conflicts other rules are kept. */
    cz_fields unique;
    const char *database; /* by its alias (databases.h); NULL: the router's, the model's */
} cz_bulk_options;

int64_t cz__bulk_create(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_bulk_options *options);
int64_t cz__bulk_update(cz_ctx *ctx, cz_model *model, cz_row *const *rows, size_t count,
                        const cz_fields *fields);

/* Insert rows made by cz_row_new(), of an array of pointers, in one transaction; members that were not set take
 * their defaults. Each gets its key, with .update that of the row it changed, whose other fields are not read:
 * cz_refresh() does. With .ignore_conflicts nobody can say which of them were stored and under which keys, so cz_save()
 * of one raises CZ_EINVAL: read it first. Returns how many were stored: with .ignore_conflicts those that were not
 * there. No signals are sent, as in Django.
 * Raises: CZ_EINTEGRITY: nothing is stored; CZ_EINVAL: options that cannot be, .unique that is no rule of the model or
 * several, a value out of range. */
#define cz_bulk_create(ctx, M, rows, count, ...)                                                   \
    cz__bulk_create((ctx), &M##__model, CZ__ROW_POINTERS(M, rows), (count),                        \
                    &(const cz_bulk_options){ __VA_ARGS__ })
/* Write these fields of rows that are stored, in one transaction and a statement for each 256 rows; returns how many
 * were found. Of a row given twice the later values hold. */
#define cz_bulk_update(ctx, M, rows, count, ...)                                                   \
    cz__bulk_update((ctx), &M##__model, CZ__ROW_POINTERS(M, rows), (count),                        \
                    &(const cz_fields)CZ_FIELDS(M, __VA_ARGS__))
/* A pointer to a row is one to its beginning. */
#define CZ__ROW_POINTERS(M, rows)                                                                  \
    ((cz_row *const *)(const void *)_Generic((rows), M * * : (rows), M *const * : (rows)))

/* ---- rows that may be there ---- */

typedef struct cz_pairs {
    const struct cz__assign *items;
    size_t count;
    const cz_model *model;
} cz_pairs;
/* Fields and their values, as in cz_create(): CZ_PAIRS(Tag, (name, "new"), (owner, 3)). */
#define CZ_PAIRS(M, ...) ((cz_pairs){ CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__), &M##__model })

void *cz__get_or_create(cz_ctx *ctx, cz_model *model, cz_pairs match, cz_pairs defaults,
                        bool update, bool *out_created);
/* The row whose fields equal those of `match`, or a new one with them and `defaults`. When another fiber or
 * process creates it at the same time, its row is read: `match` should be unique. `out_created` may be NULL.
 * Raises: CZ_EMULTIPLE; CZ_EINTEGRITY: a rule that is not about `match`. */
#define cz_get_or_create(ctx, M, match, defaults, out_created)                                     \
    ((M *)cz__get_or_create((ctx), &M##__model, (match), (defaults), false, (out_created)))
/* The same, and a row that is there gets `defaults`, in the same transaction (locked, where rows can be). */
#define cz_update_or_create(ctx, M, match, defaults, out_created)                                  \
    ((M *)cz__get_or_create((ctx), &M##__model, (match), (defaults), true, (out_created)))

/* ---- rows in chunks ---- */

typedef struct cz_chunks cz_chunks;
cz_chunks *cz__chunks_begin(cz_ctx *ctx, size_t rows, const cz_query *query);
struct cz__rows cz__chunks_next(cz_chunks *chunks);

/* Go through all rows that match in the order of their keys, `rows` at a time, without ever holding more: each
 * chunk is a query of its own that begins after the last key, so rows inserted or deleted meanwhile neither
 * repeat nor hide others. Each row comes once, also where the condition goes over a to-many relation. All of the query's arguments count but those that would change the order or the number.
 * A chunk's rows live until the next, and so does what is read by cz_related() and CZ_REL() over them and what receivers
 * allocate meanwhile; cz_on_commit() and cz_set_actor() are for the whole unit of work all the same.
 * Raises: CZ_EINVAL: .order_by, .limit, .offset, .distinct, .distinct_on, .combine or .values. */
#define cz_chunks_begin(ctx, M, rows, ...)                                                         \
    cz__chunks_begin((ctx), (rows), cz__query_of(M, ##__VA_ARGS__))
/* The next rows, until there are none. Those of the chunk before are gone with their text, and with what
 * CZ_REL() read for them. Raises: as a query. */
#define cz_chunks_next(chunks, M)                                                                  \
    ({                                                                                             \
        struct cz__rows cz__r = cz__chunks_next(chunks);                                           \
        (M##__rows){ (M *)cz__r.items, cz__r.count };                                              \
    })

/* ---- rows of one moment, in parts ---- */

typedef struct cz_iterator cz_iterator;
cz_iterator *cz__iterator_begin(cz_ctx *ctx, size_t rows, const cz_query *query);
struct cz__rows cz__iterator_next(cz_iterator *iterator);

/* Go through all rows that match, `rows` at a time, without ever holding more (Django's iterator()): one statement, in
 * the query's order, whose rows are those of its beginning whatever is changed meanwhile. All of the query's arguments
 * count but .values and .lock.
 * On PostgreSQL it has a connection of the pool until its end, and outside cz_atomic() a transaction that only reads;
 * between two parts no more time may pass than `idle_in_transaction_session_timeout`. On SQLite it has a connection of
 * its own, and the log grows until its end; inside a transaction that writes, and in memory, the rows are copied first.
 * Raises: CZ_EINVAL: arguments that cannot be; as a query. Context: fiber, may suspend. */
#define cz_iterator_begin(ctx, M, rows, ...)                                                       \
    cz__iterator_begin((ctx), (rows), cz__query_of(M, ##__VA_ARGS__))
/* The next rows, until there are none. Those of the part before are gone with their text, and with what CZ_REL() read
 * for them. Raises: as a query; CZ_EINVAL: the cz_atomic() it began in has ended. */
#define cz_iterator_next(iterator, M)                                                              \
    ({                                                                                             \
        struct cz__rows cz__r = cz__iterator_next(iterator);                                       \
        (M##__rows){ (M *)cz__r.items, cz__r.count };                                              \
    })
/* Leave it before its end; the unit of work's end, or a raise, does so too. */
void cz_iterator_end(cz_iterator *iterator);

#ifdef __cplusplus
}
#endif
#endif
