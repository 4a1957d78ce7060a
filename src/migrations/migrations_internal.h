/* Private to src/migrations. Everything here raises. */
#ifndef CZ_MIGRATIONS_INTERNAL_H
#define CZ_MIGRATIONS_INTERNAL_H

#include "migrations/autodetector.h"
#include "migrations/migrations.h"
#include "db/schema.h"
#include "orm/orm.h"

/* ---- state.c: all models at one time ---- */

/* A model at one time. Never changed once it stands in a state: operations put a copy in its place. */
typedef struct cz__state_model {
    const char *app, *name; /* "store", "Book" */
    const char *table;      /* NULL: by app and name */
    bool unmanaged;
    const char *alias;          /* of its database; NULL: "default" */
    cz_state_field_list fields; /* the key first */
    cz_names unique_together;
    cz_state_index_list indexes;
    cz_state_constraint_list constraints;
} cz__state_model;

typedef struct cz__state {
    const cz__state_model **models; /* in order of creation */
    size_t count;
} cz__state;

struct cz_history { /* what a migration's function is given */
    const cz__state *state;
    const char *app;
};

/* The models as the project declares them. */
cz__state *cz__state_of_models(cz_ctx *ctx);
cz__state *cz__state_copy(cz_ctx *ctx, const cz__state *state);
/* The model's place; SIZE_MAX: there is none. Names in any case. */
size_t cz__state_find(const cz__state *state, const char *app, const char *name);
const cz__state_model *cz__state_get(const cz__state *state, const char *app, const char *name);
/* Add a model, or put one in the place of another. */
void cz__state_add(cz_ctx *ctx, cz__state *state, const cz__state_model *model);
const cz_state_field *cz__state_field(const cz__state_model *model, const char *name);
/* A relation's target, from "store.Author". NULL: there is none. */
const cz__state_model *cz__state_target(const cz__state *state, const cz_state_field *field);
const char *cz__state_table(cz_ctx *ctx, const cz__state_model *model);
/* The table of a many-to-many that goes through no model. */
const char *cz__state_link_table(cz_ctx *ctx, const cz__state_model *model,
                                 const cz_state_field *field);
/* Equal in what a migration can change; a field's name and fill are not compared. */
bool cz__state_field_eq(const cz_state_field *a, const cz_state_field *b);
bool cz__state_index_eq(const cz_state_index *a, const cz_state_index *b);
bool cz__state_constraint_eq(const cz_state_constraint *a, const cz_state_constraint *b);
bool cz__names_eq(const cz_names *a, const cz_names *b);
bool cz__tagged_eq(const cz_tagged *a, const cz_tagged *b);
bool cz__same_name(const char *a, const char *b); /* in any case; NULLs are equal */
const char *cz__lower(cz_ctx *ctx, const char *text);

/* The models after the nodes that are marked, or, NULL, after all. */
cz__state *cz__graph_state(cz_ctx *ctx, const cz__graph *graph, const bool *nodes);

/* ---- keys.c: what holds keys of a model ---- */

/* A model's key as its values are: of one that is a one-to-one, the key of the model that leads to. Raises:
 * CZ_EVALIDATION: it leads nowhere. */
const cz_state_field *cz__state_key(cz_ctx *ctx, const cz__state *state,
                                    const cz__state_model *model);
/* The tables with columns that hold keys of a model, "store_review, store_book_tags"; NULL: there are none. */
const char *cz__state_referrers(cz_ctx *ctx, const cz__state *state, const cz__state_model *model);
/* Whether an operation (NULL: none) that lies between two states, in either direction, changes the type of a
 * model's key. */
bool cz__state_rekeys(cz_ctx *ctx, const cz__state *before, const cz__state *after, const char *app,
                      const cz_operation *op);

/* ---- kinds ---- */

/* The kind of this name; CZ_KIND_COUNT: none. */
cz_field_kind cz__kind_of(const char *name);
const char *cz__kind_name(cz_field_kind kind);
bool cz__kind_is_relation(const char *kind); /* foreign_key, one_to_one, many_to_many */
bool cz__kind_is_stored(const char *kind);   /* has a column */
bool cz__has_link_table(
    const cz_state_field *field); /* a many-to-many whose table no model stands for */

/* ---- tables.c: the tables of a state ---- */

typedef struct cz__steps {
    cz__schema_step *items;
    size_t count, cap;
    bool rekeys; /* a key changes its type, and every column that holds one of its values with it */
} cz__steps;

/* What a column of the field holds, but that of a relation. */
cz__db_type cz__state_type(const cz_state_field *field);
/* What a column is called. */
const char *cz__state_column(cz_ctx *ctx, const cz_state_field *field);
/* Whether a value suits a field. Raises CZ_EVALIDATION when not. */
void cz__fill_check(cz_ctx *ctx, const cz_state_field *field, const cz_tagged *value);
/* Refuse to fill an encrypted field: raises CZ_EVALIDATION. */
CZ_NORETURN void cz__fill_refuse(cz_ctx *ctx, const char *app, const char *model,
                                 const cz_state_field *field);
/* Refuse to change a field between one with a table of links and one that goes through a model: raises
 * CZ_EUNSUPPORTED. */
void cz__through_unchanged(cz_ctx *ctx, const char *app, const char *model,
                           const cz_state_field *before, const cz_state_field *after);
/* A condition's SQL with a column's new name: columns in it stand in double quotes. */
const char *cz__rename_in_sql(cz_ctx *ctx, const char *sql, const char *from, const char *to);
/* The steps from the tables of one state to those of the other; `op` tells which model or field has another
 * name now, in the direction of its writing or, `backward`, the other. */
void cz__state_steps(cz_ctx *ctx, const cz__state *before, const cz__state *after, const char *app,
                     const cz_operation *op, bool backward, cz__steps *out);

/* ---- autodetector.c ---- */

/* As cz__autodetect(), to any state. */
cz__migration_list cz__autodetect_state(cz_ctx *ctx, const cz__graph *graph, const cz__state *to,
                                        const cz__answers *answers, const char *app,
                                        const char *name);

/* ---- writer.c ---- */

/* Append text as a string of C, or inside a comment, which it cannot end. */
void cz__append_c_text(cz_buf *out, const char *text);
void cz__append_c_comment(cz_buf *out, const char *text);
/* An operation as it stands in a migration's file. Raises: CZ_EUNSUPPORTED: RUN_C and SEPARATE have no text. */
void cz__append_operation(cz_ctx *ctx, cz_buf *out, const cz_operation *op);

/* ---- fingerprint.c ---- */

/* What the ledger keeps of a migration's operations; and whether text is that. */
const char *cz__migration_fingerprint(cz_ctx *ctx, const cz_migration *migration);
bool cz__is_fingerprint(cz_str text);
/* A sentence that says what differs from what was recorded; NULL: nothing, or it cannot be told. */
const char *cz__migration_edited(cz_ctx *ctx, const cz_migration *migration, const char *recorded);

/* ---- operations.c ---- */

/* Apply to a state, in place. CZ_EVALIDATION: the model or field it names is not there, or is already. */
void cz__operation_apply(cz_ctx *ctx, cz__state *state, const char *app, const cz_operation *op);
/* "Add field isbn to Book". */
const char *cz__operation_describe(cz_ctx *ctx, const cz_operation *op);
/* "book_isbn"; NULL: the operation gives no name. */
const char *cz__operation_fragment(cz_ctx *ctx, const cz_operation *op);
/* Whether it can be undone. */
bool cz__operation_is_reversible(const cz_operation *op);

#endif
