/* orm/orm.h: what the rest of the library uses of the ORM beyond models.h and queries.h. */
#ifndef CZ_ORM_ORM_H
#define CZ_ORM_ORM_H

#include <calzone/buf.h>
#include <calzone/bulk.h>
#include <calzone/map.h>
#include <calzone/queries.h>
#include <calzone/signals.h>
#include "db/database.h"

/* X(period) for the rules unique_for_date, unique_for_month and unique_for_year. */
#define CZ__PERIOD_MAP(X)                                                                          \
    X(date)                                                                                        \
    X(month)                                                                                       \
    X(year)
enum cz__period {
#define X(period) CZ__PERIOD_##period,
    CZ__PERIOD_MAP(X)
#undef X
        CZ__PERIODS
};

/* One field as start-up resolved it. */
typedef struct cz__column {
    const cz_field *field;
    uint16_t ordinal;      /* in the model */
    uint16_t offset, slot; /* in the row; UINT16_MAX: none */
    bool stored;           /* has a column of its own */
    uint16_t position;     /* among the stored ones: its place in a query's rows */
    bool relation;         /* a foreign key or one-to-one */
    bool many;             /* a many-to-many or a reverse side: several rows */
    bool null;
    bool upload; /* a record's file: a cz_upload, which begins with its name, the text of `type` */
    cz__db_type type;              /* of what is stored */
    uint32_t max_length;           /* characters; 0: no limit */
    const struct cz__regex *regex; /* NULL: there is none */
    const struct cz__column
        *unique_for[CZ__PERIODS]; /* the date of such a rule; NULL: there is none */
    const char *name;             /* the column's name in the table */
    cz_str attribute;             /* the row's member: "author_id" for "author" */
    const struct cz__column *via; /* reverse sides: the foreign key or many-to-many on the target */
    const char *link_table, *link_from,
        *link_to;      /* many-to-many: its table and columns, this side first */
    cz_model *through; /* many-to-many: the model of that table; NULL: it has none */
    const struct cz__column *through_from,
        *through_to; /* its foreign keys, that to this side first */
} cz__column;

struct cz__model_state {
    cz_model *model;
    cz_model *concrete;     /* of a proxy: the model whose table it has; else the model itself */
    const char *app;        /* "store" */
    const char *table;      /* "store_book" */
    const char *lower_name; /* "book" */
    const char *label;      /* "store.book" */
    cz__column *columns;    /* one for each field, in order */
    uint16_t column_count, stored_count;
    const cz__column *key; /* columns[0] */
    cz_map by_name;        /* field name and attribute -> cz__column */
    /* foreign keys and one-to-ones of any model that point here, for deleting */
    const struct cz__referrer {
        cz_model *model;
        const cz__column *column;
    } * referrers;
    size_t referrer_count;
    uint32_t signals; /* bits by cz_signal: somebody listens */
    bool is_told;     /* cz__changes_told is called for its rows; of a proxy: see `concrete` */
    bool db_defaults; /* a column has a .db_default */
    bool sealed;      /* a column is encrypted */
    /* Of a model that is CZ_SOFT_DELETED; NULL: it is not, or has no such column. */
    const cz__column *deleted_at, *is_deleted;
    const struct cz__cond *is_kept, *is_gone; /* conditions on deleted_at */
    cz__database *database;                   /* by its meta; NULL: "default" */
};

/* Resolve `count` models of `app`, then, once every app is in, their relations. The registry lives as
 * long as the process. Errors: CZ_EVALIDATION: a declaration that cannot work; `err` names model and
 * field. Context: start-up, before workers. */
CZ_NODISCARD cz_status cz__models_add(const char *app, cz_model *const *models, size_t count,
                                      cz_error *err);
CZ_NODISCARD cz_status cz__models_resolve(cz_error *err);
/* What a field stores, by its kind and options; for relations ask the target's key. */
cz__db_type cz__field_type(const cz_field *field);
/* Every model in order of declaration. */
size_t cz__models_count(void);
cz_model *cz__models_at(size_t index);
/* "store.book", in any case; NULL when there is none. */
cz_model *cz__models_find(cz_str label);

/* The state of a record, made at its first use. Raises: CZ_EINVAL: a field no record can have. */
const struct cz__model_state *cz__record_state(cz_ctx *ctx, const cz_model *record);

/* Whether rows of the two are of one table: the same model, or proxies of it. */
static inline bool cz__same_table(const cz_model *a, const cz_model *b)
{
    return a == b || (a && b && a->state && b->state && a->state->concrete == b->state->concrete);
}

/* A field or attribute of a model; NULL when there is none. */
const cz__column *cz__column_find(const cz_model *model, cz_str name);
/* Follow a path such as "author->name". Errors: CZ_EINVAL, `err` names the part that does not exist. */
CZ_NODISCARD cz_status cz__path_resolve(const cz_model *model, cz_str path, const cz__column **out,
                                        cz_error *err);

/* Whether a path goes over a relation to several rows, so that a row may be found more than once by it. */
bool cz__path_is_many(const cz_model *model, cz_str path);
/* conditions.c: whether a value of the type can be compared so. */
bool cz__is_asked(cz__db_type type, cz_lookup lookup);

/* An app's receivers, once every model is in. Errors: CZ_EVALIDATION; `err` names app and number. */
CZ_NODISCARD cz_status cz__receivers_add(const char *app, const cz_receiver_list *receivers,
                                         cz_error *err);
/* Call the receivers of an event. Raises what they raise. */
void cz__signal_send(cz_ctx *ctx, const cz_event *event);
/* Whether somebody listens to a signal of no model. */
bool cz__signal_heard(cz_signal signal);
static inline bool cz__signal_wanted(const cz_model *model, cz_signal signal)
{
    return __builtin_expect(model->state->signals >> signal & 1, 0);
}
static inline void cz__signal_row(cz_ctx *ctx, cz_signal signal, cz_row *row)
{
    if (cz__signal_wanted(row->model, signal))
        cz__signal_send(ctx,
                        &(const cz_event){ .signal = signal, .model = row->model, .row = row });
}
/* Called after each statement of the ORM that may have changed rows of a model with `is_told`, in its transaction; `alias` names the
 * database. It may raise. Set at start, by whoever sets `is_told`. */
extern void (*cz__changes_told)(cz_ctx *ctx, const char *alias, const cz_model *model);
static inline void cz__tell_change(cz_ctx *ctx, const cz__db_session *session,
                                   const cz_model *model)
{
    const cz_model *concrete = model->state->concrete; /* none: of the past, in a migration */
    if (__builtin_expect(concrete && concrete->state->is_told, 0))
        cz__changes_told(ctx, session->database->alias, concrete);
}
/* cz_on_commit_on(), unless a block that is open has this call already. */
void cz__on_commit_once(cz_ctx *ctx, const char *alias, void (*fn)(cz_ctx *ctx, void *arg),
                        void *arg);
/* What cz_save() stores along with a row, in one transaction: links, and rows that refer to it, after it; rows it refers
 * to before it. Serializers hang it on a row that they read. Stored once, and again when that was rolled back. */
struct cz__pending {
    struct cz__pending *next;
    void (*store)(cz_ctx *ctx, cz_row *row, struct cz__pending *self); /* raises as cz_save() */
    bool before;

    uint32_t stored_in; /* private: the block it was stored in */
    bool stored;
};
/* Hang it on the row, behind what hangs there; `pending` lives as long as the row. */
void cz__pending_add(cz_row *row, struct cz__pending *pending);

/* Save a row as `loaddata` does: receivers see it as raw. */
void cz__save_raw(cz_ctx *ctx, cz_row *row);

/* ---- databases.c: which one ---- */

struct cz_database_router;
/* The project's; NULL: none. Before workers. */
void cz__database_router_set(const struct cz_database_router *router);
/* The alias that a statement about rows of `model` is to name, or NULL where there is nothing to choose. `row` and
 * `database` may be NULL. Raises: CZ_EINVAL: there is no such database, or the router named none. */
const char *cz__alias_of(cz_ctx *ctx, const cz_model *model, const cz_row *row,
                         const char *database, bool write);
/* Raises: CZ_EINVAL: there is no such database. */
cz__database *cz__database_named(cz_ctx *ctx, const char *alias);
/* position.c: what positions are signed with, and how long they matter. */
void cz__position_set_key(cz_str secret);
int64_t cz__position_life_ms(void);
/* Whether a database has the table of a model; of a model of the past `alias` is what its state says, NULL
 * "default". */
bool cz__database_has(const cz__database *database, const char *app, const char *model,
                      const char *alias);
bool cz__database_has_model(const cz__database *database, const cz_model *model);
/* The router's word on functions and SQL of the app's migrations. */
int cz__database_opinion(const cz__database *database, const char *app, const char *model);
/* The session of what names no database. Raises: none is open, or there is no memory. */
cz__db_session *cz__session_of(cz_ctx *ctx);
/* The database of what names none. Raises likewise. */
cz__database *cz__database_at_home(cz_ctx *ctx);

/* The keys of the rows that a many-to-many column of `row` links to, in order: `*out` is an int64_t or cz_uuid
 * array in the arena, as the target's key is. Returns their number. Raises as a query. */
size_t cz__links_read(cz_ctx *ctx, const cz_row *row, const cz__column *column, void **out);
struct cz__links { /* of a row, by a many-to-many, to the rows with these keys */
    cz_row *row;
    const cz__column *column;
    const void *keys;
    size_t count;
    cz_pairs defaults; /* of new rows of the column's .through; without a model: none */
};
/* Make those keys the linked ones, in a transaction; sends CZ_M2M_CHANGED for what goes and what comes. */
void cz__links_set(cz_ctx *ctx, const struct cz__links *links);
/* The same by clearing all and adding those. */
void cz__links_replace(cz_ctx *ctx, const struct cz__links *links);
/* Add or remove links, sending CZ_M2M_CHANGED; those that are there, or are not, stay as they are. */
void cz__links_change(cz_ctx *ctx, const struct cz__links *links, bool add);
/* Whether a column has a value of its own in a new row that gives none: NULL and "" aside. */
static inline bool cz__column_fills_itself(const cz__column *column)
{
    const cz_field_options *options = &column->field->options;
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (options->blank && (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST))
        return true; /* empty */
    return options->default_.kind != CZ__TAG_NONE || options->default_function ||
           options->db_default.kind != CZ__TAG_NONE || options->auto_now || options->auto_now_add ||
           options->auto_actor || options->auto_actor_add;
}

/* Rows without their types. */
static inline size_t cz__model_words(const cz_model *model)
{
    return CZ__BIT_WORDS((size_t)model->field_count);
}
static inline bool cz__row_bit(const cz_row *row, enum cz__row_bits which, size_t field)
{
    const uint64_t *bits = cz__row_bits(row, cz__model_words(row->model), which);
    return (bits[field / 64] >> (field % 64)) & 1;
}
static inline void cz__row_bit_set(cz_row *row, enum cz__row_bits which, size_t field, bool on)
{
    uint64_t *word = cz__row_bits(row, cz__model_words(row->model), which) + field / 64;
    uint64_t mask = (uint64_t)1 << (field % 64);
    *word = on ? *word | mask : *word & ~mask;
}
/* A row of a result, whose rows stand one after another. */
static inline cz_row *cz__row_nth(const void *items, size_t n, const cz_model *model)
{
    return (cz_row *)(void *)((char *)(uintptr_t)items + n * model->row_bytes);
}
static inline void *cz__row_at(const cz_row *row, const cz__column *column)
{
    return (char *)(uintptr_t)row + column->offset;
}
static inline cz_row **cz__row_slot(const cz_row *row, const cz__column *column)
{
    return (cz_row **)(void *)((char *)(uintptr_t)row + column->slot);
}

/* The bytes of a row's member; those of a foreign key are those of the key it names. */
size_t cz__column_bytes(const cz__column *column);

/* Call `each(cursor, arg)` for every row that matches, standing on the row: its columns are those the model
 * stores, in order (cz__column.position), or the query's values. `each` may neither raise nor suspend. Stops when
 * it returns false. Returns the rows seen. Raises as a query. */
size_t cz__each(cz_ctx *ctx, const cz_query *query,
                bool (*each)(const cz__db_cursor *cursor, void *arg), void *arg);

/* Append the column of the row a cursor stands on as JSON, decrypted. Failures stay in the buffer. */
void cz__write_column(const cz__db_cursor *cursor, const cz__column *column, cz_buf *out);

/* The choices of an enum column's type. */
const cz_choice_list *cz__choices_of(cz__db_type type);
/* The place of a text among them; -1: it is none. */
int cz__choice_find(cz__db_type type, cz_str text);
/* A column of an enum's texts into the enum: its place, -1 for a text that is none. Returns false when it is NULL. */
bool cz__choice_read(const cz__db_cursor *cursor, unsigned at, cz__db_type type, int *out);
/* A member's text: of an enum that of its choice, in `*store`; else the member itself. */
const cz_str *cz__member_text(const cz__column *column, const void *at, cz_str *store);

/* Read `text` as a value for a stored column, into `out` of the column's C type (cz_str: borrowed).
 * Errors: CZ_EVALIDATION with the sentence DRF uses. */
CZ_NODISCARD cz_status cz__value_from_text(const cz__column *column, cz_str text, void *out,
                                           cz_error *err);

/* A key of `model` as text, "12" or "550e8400-...", written into `text` of CZ_UUID_TEXT bytes. */
cz_str cz__key_text(const cz_model *model, const void *key, char *text);

/* Mark a member that was written through cz__row_at(); one that is NULL is zero. */
static inline void cz__row_mark(cz_row *row, const cz__column *column, bool null)
{
    if (null)
        memset(cz__row_at(row, column), 0, cz__column_bytes(column));
    cz__row_bit_set(row, CZ__BITS_NULL, column->ordinal, null);
    cz__row_bit_set(row, CZ__BITS_LOADED, column->ordinal, true);
    cz__row_bit_set(row, CZ__BITS_DIRTY, column->ordinal, true);
}
/* "path IN keys", which are as a column of `type` has them. Raises: CZ_ENOMEM. */
cz_cond cz__cond_keys(cz_ctx *ctx, const cz_model *model, cz_str path, cz__db_type type,
                      const void *keys, size_t count);
/* Forget what was read of a relation of the row's result, but for what has a name. */
void cz__related_forget(const cz_row *row, const cz__column *column);
/* The condition that rows are those a to-many field of `row` leads to. */
cz_cond cz__related_cond(cz_ctx *ctx, const cz_row *row, const cz__column *column);
/* A condition "key = the row's key", and "column = the value at `value`, of the column's C type". */
cz_cond cz__cond_key(cz_ctx *ctx, const cz_row *row);
cz_cond cz__cond_column(cz_ctx *ctx, cz_model *model, const cz__column *column, const void *value);
/* That both hold; of one that is NULL nothing is asked. Raises: CZ_ENOMEM. */
cz_cond cz__cond_both(cz_ctx *ctx, cz_cond a, cz_cond b);
/* That it does not hold. Raises: CZ_ENOMEM. */
cz_cond cz__cond_not(cz_ctx *ctx, cz_cond cond);
/* That one of `count` holds, a list that is borrowed. Raises: CZ_ENOMEM. */
cz_cond cz__cond_any(cz_ctx *ctx, const cz_cond *conds, size_t count);
/* That a column is NULL, or is not. NULL when there is no memory. */
cz_cond cz__cond_null(cz_arena *arena, const cz_model *model, const cz__column *column, bool null);

/* Whether rows keep a copy of what they were, so that what is assigned to a member without cz_set() is noticed; set
 * before the start, in development and tests. */
extern bool cz__rows_kept;
/* Make copies for `count` rows that stand one after another, in their arena. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__rows_keep(cz_arena *arena, const cz_model *model, void *items,
                                     size_t count);
/* What the row, or its member, is now is no assignment: it was read or stored so. */
void cz__row_keep(cz_row *row);
void cz__row_keep_member(cz_row *row, const cz__column *column);
/* Raises CZ_EINVAL when a member was assigned and is not marked as changed. */
void cz__row_check_assigned(cz_ctx *ctx, const cz_row *row);

/* One line that asked the same of one row after another, where one query could have asked for all. */
struct cz__repeat {
    const char *file;
    int line;
    uint32_t times;
    cz_str sql; /* the query, without its values */
};
/* How often a line may ask the same query with other values in one request, before cz__repeats_report is called at
 * the request's end; 0: nobody counts. Set before requests are served. */
extern uint32_t cz__repeats_max;
/* What is done then: a warning in the log. May neither raise nor suspend. */
extern void (*cz__repeats_report)(const cz_ctx *ctx, const struct cz__repeat *repeat);

/* A transaction that takes the database's write side at its first change, or at the first block inside it; one
 * that only reads never does. Inside another block `fn` is just called. As cz_atomic() else. */
void cz__atomic_lazily(cz_ctx *ctx, cz__database *database, void (*fn)(cz_ctx *ctx, void *arg),
                       void *arg);

/* Rows of the model were saved with keys of their own, as a fixture's are. Raises. */
void cz__keys_given(cz_ctx *ctx, const cz_model *model);

/* apart.c: work whose memory goes before the context's. Each run empties what the one before has left; cz__apart_done()
 * the last, and the end of the context. Raises: CZ_ENOMEM; what `fn` raises. */
struct cz__apart {
    cz_ctx *ctx;
    cz_arena *arena; /* owned; NULL: done */
    struct cz__defer *defers;
};
struct cz__apart *cz__apart_create(cz_ctx *ctx);
void cz__apart_run(struct cz__apart *apart, void (*fn)(cz_ctx *ctx, void *arg), void *arg);
void cz__apart_done(struct cz__apart *apart);

/* The columns of an index of .fields or .order, "-price" for a descending one; in the arena, `*out_count` of
 * them. Raises: CZ_ENOMEM. */
const char *const *cz__index_columns(cz_ctx *ctx, const cz_model *model, const cz_index *index,
                                     bool as_fields, size_t *out_count);
/* An index's name, or the one it gets by itself, in the arena. Raises: CZ_ENOMEM. */
/* The model's index of full text as its table has it; false when it has none. Raises: CZ_ENOMEM. */
bool cz__search_index(cz_ctx *ctx, const cz_model *model, cz__db_index *out);
/* Whether an index's .search may say so: a language, or, with a "_", a configuration of the project's own. */
bool cz__is_search_language(const char *name);
/* Make it anew from its table; false when there is none. Raises: CZ_EDATABASE. */
bool cz__search_rebuild(cz_ctx *ctx, const cz_model *model);
const char *cz__index_name(cz_ctx *ctx, const cz_model *model, const cz_index *index);
/* Create the tables that are missing, of apps without migrations, in one transaction, and record them in
 * calzone_migrations. Returns how many were created. Raises; CZ_EVALIDATION: a table lacks a column of its
 * model. */
size_t cz__tables_create(cz_ctx *ctx);
/* A managed model's table as it is to be, in the context's arena. Errors: CZ_ENOMEM. Raises: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__table_describe(cz_ctx *ctx, const cz_model *model, cz__db_table *out);
/* meta_sql.c: whether a model's meta or its fields' defaults hold SQL, or what only some databases have. */
bool cz__meta_has_sql(const cz_model *model);
/* Try that SQL of each model of the database the context is at home in: make the model's table with one index or rule
 * at a time, on PostgreSQL a temporary one, and roll back. Calls `tell(sentence, arg)` for each that the database
 * refuses, "Page: constraint page_pages: no such column: page". Returns how many. Raises what is about none of them. */
size_t cz__meta_sql_check(cz_ctx *ctx, void (*tell)(const char *sentence, void *arg), void *arg);
/* The first table that is missing; NULL when none is and each has its model's columns. Raises likewise. */
const char *cz__tables_missing(cz_ctx *ctx);

#endif
