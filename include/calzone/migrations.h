/* calzone/migrations.h: a project's tables, changed step by step.
 *
 * A migration is a file of an app, APP/migrations/0002_book_isbn.c, that says what changes and what must
 * have happened before. `makemigrations` writes it from the difference between the models and the
 * migrations there are; `migrate` runs those the database has not seen. It is compiled into the binary.
 *
 *     #include <calzone/migrations.h>
 *
 *     CZ_MIGRATION(store_0002_book_isbn, "store", "0002_book_isbn",
 *                  .depends = CZ_DEPENDS({ "store", "0001_initial" }),
 *                  .operations = CZ_OPERATIONS(
 *                      CZ_ADD_FIELD("Book", { "isbn", "char_field", .max_length = 13,
 *                                             .default_ = cz_text("") })));
 *
 * APP/migrations/list.h names an app's migrations, one a line, and is merged like code; the app takes it
 * as a member:
 *
 *     #include "migrations/list.h"
 *     const cz_app store_app = { "store", .models = CZ_MODELS(Book), .migrations = store_migrations };
 *
 * A migration speaks of models and fields by name and never includes a model's header: it says what was
 * then, whatever the models are now. Operations run forward and backward; what to do is worked out from
 * the state of all models before and after, so an operation needs no SQL of its own.
 */
#ifndef CALZONE_MIGRATIONS_H
#define CALZONE_MIGRATIONS_H

#include <calzone/context.h>
#include <calzone/models.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a field, an index, a constraint is at one time ---- */

/* X(type, member) for the options of a field that the database or a row of history needs. What only people,
 * forms and checks of input see (verbose name, help text, choices, blank, validators) needs no migration. */
#define CZ_STATE_OPTION_MAP(X)                                                                     \
    X(NUMBER, max_length)                                                                          \
    X(SMALL, digits)                                                                               \
    X(SMALL, places)                                                                               \
    X(FLAG, null)                                                                                  \
    X(FLAG, unique)                                                                                \
    X(FLAG, index)                                                                                 \
    X(FLAG, auto_now_add)                                                                          \
    X(FLAG, auto_now)                                                                              \
    X(FLAG, django)                                                                                \
    X(VALUE, default_)                                                                             \
    X(VALUE, db_default)                                                                           \
    X(ON_DELETE, on_delete)                                                                        \
    X(FLAG, unconstrained)                                                                         \
    X(TEXT, column)                                                                                \
    X(TEXT, table)

#define CZ__STATE_TYPE_NUMBER uint32_t
#define CZ__STATE_TYPE_SMALL uint8_t
#define CZ__STATE_TYPE_FLAG bool
#define CZ__STATE_TYPE_VALUE cz_tagged
#define CZ__STATE_TYPE_ON_DELETE cz_on_delete
#define CZ__STATE_TYPE_TEXT const char *

typedef struct cz_state_field {
    const char *name;
    const char *kind; /* as in a model's list: "char_field", "foreign_key" */
    const char *to;   /* relations: "store.Author" */
    bool primary_key;
    const char *through; /* a many-to-many whose links are rows of a model: "store.Membership" */
/* the options, named and meant as in cz_field_options */
#define X(type, member) CZ__STATE_TYPE_##type member;
    CZ_STATE_OPTION_MAP(X)
#undef X
    /* What the rows that are there get in a new field, or in place of NULL where it is no longer allowed:
     * cz_text("unknown"). Only for this once; NONE: the default. */
    cz_tagged fill;
} cz_state_field;

/* Names of fields, in the order that counts: CZ_NAMES("title", "author"). */
typedef struct cz_names {
    const char *const *items;
    size_t count;
} cz_names;
#define CZ_NAMES(...)                                                                              \
    {                                                                                              \
        (const char *const[]){ __VA_ARGS__ },                                                      \
            sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)                          \
    }

typedef struct cz_state_index {
    const char *name;
    cz_names fields;         /* "-price" is descending */
    const char *condition;   /* SQL over columns in double quotes: the rows it holds; NULL: all */
    const char *expressions; /* SQL instead of fields; NULL: fields */
    cz_names include;        /* fields it holds beside */
    const char *method;      /* PostgreSQL's, "gin"; NULL: btree */
    const char *search;      /* of full text: the language; NULL: it is none */
    const char *weights;     /* of full text: a letter for each field; NULL: D */
} cz_state_index;
typedef struct cz_state_index_list {
    const cz_state_index *items;
    size_t count;
} cz_state_index_list;
#define CZ_STATE_INDEXES(...)                                                                      \
    {                                                                                              \
        (const cz_state_index[]){ __VA_ARGS__ },                                                   \
            sizeof((const cz_state_index[]){ __VA_ARGS__ }) / sizeof(cz_state_index)               \
    }

/* UNIQUE over `fields` or `expressions`, for rows that fulfil `condition`, or CHECK `check`: one of the three. All but
 * fields are SQL over columns in double quotes. */
typedef struct cz_state_constraint {
    const char *name;
    cz_names fields;
    const char *condition;
    const char *check;
    const char *expressions;
} cz_state_constraint;
typedef struct cz_state_constraint_list {
    const cz_state_constraint *items;
    size_t count;
} cz_state_constraint_list;
#define CZ_STATE_CONSTRAINTS(...)                                                                  \
    {                                                                                              \
        (const cz_state_constraint[]){ __VA_ARGS__ },                                              \
            sizeof((const cz_state_constraint[]){ __VA_ARGS__ }) / sizeof(cz_state_constraint)     \
    }

typedef struct cz_state_field_list {
    const cz_state_field *items;
    size_t count;
} cz_state_field_list;
#define CZ_STATE_FIELDS(...)                                                                       \
    {                                                                                              \
        (const cz_state_field[]){ __VA_ARGS__ },                                                   \
            sizeof((const cz_state_field[]){ __VA_ARGS__ }) / sizeof(cz_state_field)               \
    }

/* ---- operations ---- */

typedef enum cz_operation_kind {
    CZ_OPERATION_CREATE_MODEL = 1,
    CZ_OPERATION_DELETE_MODEL,
    CZ_OPERATION_RENAME_MODEL,
    CZ_OPERATION_ALTER_TABLE,
    CZ_OPERATION_ALTER_OPTIONS,
    CZ_OPERATION_ALTER_UNIQUE_TOGETHER,
    CZ_OPERATION_ADD_FIELD,
    CZ_OPERATION_REMOVE_FIELD,
    CZ_OPERATION_ALTER_FIELD,
    CZ_OPERATION_RENAME_FIELD,
    CZ_OPERATION_ADD_INDEX,
    CZ_OPERATION_REMOVE_INDEX,
    CZ_OPERATION_RENAME_INDEX,
    CZ_OPERATION_ADD_CONSTRAINT,
    CZ_OPERATION_REMOVE_CONSTRAINT,
    CZ_OPERATION_RUN_SQL,
    CZ_OPERATION_RUN_C,
    CZ_OPERATION_SEPARATE
} cz_operation_kind;

/* The models as they are at a migration: for functions that move data. */
typedef struct cz_history cz_history;
/* Moves data. In the migration's transaction; raises to fail it. Context: a command, outside a loop. */
typedef void (*cz_migration_function)(cz_ctx *ctx, const cz_history *history);

typedef struct cz_operation cz_operation;
typedef struct cz_operation_list {
    const cz_operation *items;
    size_t count;
} cz_operation_list;

struct cz_operation { /* written with the macros below */
    cz_operation_kind kind;
    const char *model;          /* "Book"; any case */
    const char *name;           /* of a field, index or constraint */
    const char *new_name;       /* renames */
    cz_state_field_list fields; /* CREATE_MODEL: all, the key first; ADD_FIELD, ALTER_FIELD: one */
    /* CREATE_MODEL, and what the ALTERs set */
    const char *table; /* NULL: by the app's and the model's name */
    bool unmanaged;    /* the table is somebody else's */
    cz_names unique_together;
    cz_state_index_list indexes;          /* ADD_INDEX: one */
    cz_state_constraint_list constraints; /* ADD_CONSTRAINT: one */
    const char *sql,
        *reverse_sql;     /* RUN_SQL; reverse NULL: cannot be undone; "": nothing to undo */
    const char *database; /* RUN_SQL: only for this kind, "sqlite" or "postgresql" */
    /* CREATE_MODEL: of the database its table is in (databases.h), NULL: "default". RUN_SQL, RUN_C: of the only
     * one they run in; NULL: of those in which the app has a model, of an app without models "default". */
    const char *alias;
    cz_migration_function run, reverse;    /* RUN_C; reverse NULL: cannot be undone */
    cz_operation_list database_operations; /* SEPARATE: what the database does */
    cz_operation_list state_operations;    /* SEPARATE: what the models' state takes from it */
};

#define CZ_OPERATIONS(...)                                                                         \
    {                                                                                              \
        (const cz_operation[]){ __VA_ARGS__ },                                                     \
            sizeof((const cz_operation[]){ __VA_ARGS__ }) / sizeof(cz_operation)                   \
    }
#define CZ__OPERATION(...)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* A new model: CZ_CREATE_MODEL("Tag", CZ_STATE_FIELDS({ "id", "big_int_field", .primary_key = true },
 * { "name", "char_field", .max_length = 30 }), .unique_together = CZ_NAMES("name")). */
#define CZ_CREATE_MODEL(model_name, model_fields, ...)                                             \
    CZ__OPERATION(.kind = CZ_OPERATION_CREATE_MODEL, .model = (model_name),                        \
                  .fields = model_fields, ##__VA_ARGS__)
#define CZ_DELETE_MODEL(model_name)                                                                \
    CZ__OPERATION(.kind = CZ_OPERATION_DELETE_MODEL, .model = (model_name))
#define CZ_RENAME_MODEL(old_name, to_name)                                                         \
    CZ__OPERATION(.kind = CZ_OPERATION_RENAME_MODEL, .model = (old_name), .new_name = (to_name))
/* The table's name; NULL: by the app's and the model's. */
#define CZ_ALTER_TABLE(model_name, table_name)                                                     \
    CZ__OPERATION(.kind = CZ_OPERATION_ALTER_TABLE, .model = (model_name), .table = (table_name))
/* The options that touch no table: CZ_ALTER_OPTIONS("Book", .unmanaged = true). */
#define CZ_ALTER_OPTIONS(model_name, ...)                                                          \
    CZ__OPERATION(.kind = CZ_OPERATION_ALTER_OPTIONS, .model = (model_name), ##__VA_ARGS__)
/* CZ_ALTER_UNIQUE_TOGETHER("Book", "title", "author"); without fields: none. */
#define CZ_ALTER_UNIQUE_TOGETHER(model_name, ...)                                                  \
    CZ__OPERATION(.kind = CZ_OPERATION_ALTER_UNIQUE_TOGETHER, .model = (model_name),               \
                  .unique_together = CZ_NAMES(__VA_ARGS__))
/* CZ_ADD_FIELD("Book", { "isbn", "char_field", .max_length = 13, .null = true }) */
#define CZ_ADD_FIELD(model_name, ...)                                                              \
    CZ__OPERATION(.kind = CZ_OPERATION_ADD_FIELD, .model = (model_name),                           \
                  .fields = CZ_STATE_FIELDS(__VA_ARGS__))
#define CZ_REMOVE_FIELD(model_name, field_name)                                                    \
    CZ__OPERATION(.kind = CZ_OPERATION_REMOVE_FIELD, .model = (model_name), .name = (field_name))
/* The field as it is afterwards, whole. */
#define CZ_ALTER_FIELD(model_name, ...)                                                            \
    CZ__OPERATION(.kind = CZ_OPERATION_ALTER_FIELD, .model = (model_name),                         \
                  .fields = CZ_STATE_FIELDS(__VA_ARGS__))
#define CZ_RENAME_FIELD(model_name, old_name, to_name)                                             \
    CZ__OPERATION(.kind = CZ_OPERATION_RENAME_FIELD, .model = (model_name), .name = (old_name),    \
                  .new_name = (to_name))
/* CZ_ADD_INDEX("Book", { "store_book_year_idx", CZ_NAMES("-year", "title") }) */
#define CZ_ADD_INDEX(model_name, ...)                                                              \
    CZ__OPERATION(.kind = CZ_OPERATION_ADD_INDEX, .model = (model_name),                           \
                  .indexes = CZ_STATE_INDEXES(__VA_ARGS__))
#define CZ_REMOVE_INDEX(model_name, index_name)                                                    \
    CZ__OPERATION(.kind = CZ_OPERATION_REMOVE_INDEX, .model = (model_name), .name = (index_name))
#define CZ_RENAME_INDEX(model_name, old_name, to_name)                                             \
    CZ__OPERATION(.kind = CZ_OPERATION_RENAME_INDEX, .model = (model_name), .name = (old_name),    \
                  .new_name = (to_name))
/* CZ_ADD_CONSTRAINT("Book", { "book_price_ck", .check = "\"price\" >= 0" }) */
#define CZ_ADD_CONSTRAINT(model_name, ...)                                                         \
    CZ__OPERATION(.kind = CZ_OPERATION_ADD_CONSTRAINT, .model = (model_name),                      \
                  .constraints = CZ_STATE_CONSTRAINTS(__VA_ARGS__))
#define CZ_REMOVE_CONSTRAINT(model_name, constraint_name)                                          \
    CZ__OPERATION(.kind = CZ_OPERATION_REMOVE_CONSTRAINT, .model = (model_name),                   \
                  .name = (constraint_name))
/* Statements, and those that undo them: NULL when nothing can, "" when nothing need be undone. Further
 * arguments are members: .database = "postgresql", .alias = "reports". */
#define CZ_RUN_SQL(forward_sql, backward_sql, ...)                                                 \
    CZ__OPERATION(.kind = CZ_OPERATION_RUN_SQL, .sql = (forward_sql),                              \
                  .reverse_sql = (backward_sql), ##__VA_ARGS__)
/* A function, and the one that undoes it; NULL when nothing can, cz_run_nothing when nothing need be. Further
 * arguments are members: .alias = "reports". */
#define CZ_RUN_C(forward, backward, ...)                                                           \
    CZ__OPERATION(.kind = CZ_OPERATION_RUN_C, .run = (forward), .reverse = (backward),             \
                  ##__VA_ARGS__)
/* What the database does apart from what the models' state takes from it:
 * CZ_SEPARATE(.database_operations = CZ_OPERATIONS(...), .state_operations = CZ_OPERATIONS(...)). */
#define CZ_SEPARATE(...) CZ__OPERATION(.kind = CZ_OPERATION_SEPARATE, ##__VA_ARGS__)

/* Does nothing: for what need not be undone. */
void cz_run_nothing(cz_ctx *ctx, const cz_history *history);

/* ---- rows of models as they were: what a migration's function works with ----
 *
 *     static void split(cz_ctx *ctx, cz_past_row *row, void *arg)
 *     {
 *         cz_str name = cz_past_text(ctx, row, "name");
 *         cz_past_set_text(ctx, row, "first_name", cz_str_cut(&name, ' '));
 *     }
 *     static void split_names(cz_ctx *ctx, const cz_history *history)
 *     {
 *         cz_past_each(ctx, history, "Author", split, NULL);
 *     }
 *
 * Fields go by name; a foreign key's value is the key it holds. All of it raises: CZ_EVALIDATION: there is no
 * such model or field then, or the value is not of its kind. Rows live as long as the command.
 */
typedef struct cz_past_row cz_past_row;

/* Call `each` for every row of a model of the migration's app ("Book") or of another ("store.Book"), in order
 * of its key, and save what it sets. A row that is added meanwhile may come or not. Returns the rows. */
size_t cz_past_each(cz_ctx *ctx, const cz_history *history, const char *model,
                    void (*each)(cz_ctx *ctx, cz_past_row *row, void *arg), void *arg);
/* A new row with its defaults; stored by cz_past_save(). */
cz_past_row *cz_past_new(cz_ctx *ctx, const cz_history *history, const char *model);
/* Store what was set of a row, a new one with its key; delete it by its key. No receiver is told, and no on_delete
 * is followed: the database's rules alone hold. */
void cz_past_save(cz_ctx *ctx, cz_past_row *row);
void cz_past_delete(cz_ctx *ctx, cz_past_row *row);

/* Whether a field is NULL. */
bool cz_past_is_null(cz_ctx *ctx, const cz_past_row *row, const char *field);
/* The member, of the C type models.h names for the field's kind; NULL when it is NULL. */
const void *cz_past_value(cz_ctx *ctx, const cz_past_row *row, const char *field);
/* Of text kinds, and of integers, booleans and keys that are; NULL is the empty text and 0. */
cz_str cz_past_text(cz_ctx *ctx, const cz_past_row *row, const char *field);
int64_t cz_past_int(cz_ctx *ctx, const cz_past_row *row, const char *field);
/* Set from the member's C type; NULL sets NULL. */
void cz_past_set(cz_ctx *ctx, cz_past_row *row, const char *field, const void *value);
/* Set a field of any kind from text, as a form would: "2026-11-21", "9.90", "true". */
void cz_past_set_text(cz_ctx *ctx, cz_past_row *row, const char *field, cz_str text);
void cz_past_set_int(cz_ctx *ctx, cz_past_row *row, const char *field, int64_t value);

/* ---- migrations ---- */

typedef struct cz_dependency {
    const char *app, *name; /* name "first" or "last": that app's first or last migration */
} cz_dependency;
typedef struct cz_dependency_list {
    const cz_dependency *items;
    size_t count;
} cz_dependency_list;
#define CZ_DEPENDS(...)                                                                            \
    {                                                                                              \
        (const cz_dependency[]){ __VA_ARGS__ },                                                    \
            sizeof((const cz_dependency[]){ __VA_ARGS__ }) / sizeof(cz_dependency)                 \
    }

typedef struct cz_migration {
    const char *app, *name;
    cz_dependency_list depends;
    cz_operation_list operations;
    cz_names replaces; /* a squashed one's: the names of this app's it stands for */
    /* On PostgreSQL beside whoever writes: each statement for itself, indexes CONCURRENTLY, constraints NOT
     * VALID and then validated, NULLs filled in batches. A failure leaves what ran before it; `migrate` then
     * begins this migration again, so what it runs must bear that. Elsewhere it changes nothing. */
    bool online;
} cz_migration;

/* A migration. It stands in its app's list as well; a project does not start with one that is in none. */
#define CZ_MIGRATION(variable, app_name, migration_name, ...)                                      \
    const cz_migration variable = { .app = (app_name), .name = (migration_name), ##__VA_ARGS__ };  \
    static const cz_migration *cz__compiled_##variable                                             \
        __attribute__((section("cz_migrations"), used)) = &variable

/* An app's list: the migration at `index`, NULL past the end. Written as
 *
 *     CZ_MIGRATION_LIST(store_migrations)
 *     {
 *         CZ_LISTED(store_0001_initial);
 *         CZ_LIST_END;
 *     }
 */
typedef const cz_migration *(*cz_migration_list)(size_t index);
#define CZ_MIGRATION_LIST(function) static const cz_migration *function(size_t index)
#define CZ_LISTED(variable)                                                                        \
    {                                                                                              \
        extern const cz_migration variable;                                                        \
        if (index-- == 0)                                                                          \
            return &variable;                                                                      \
    }
#define CZ_LIST_END return (void)index, NULL

#ifdef __cplusplus
}
#endif
#endif
