/* db/schema.h: changing tables.
 *
 * A step is one table as it is and as it is to be; a driver's schema.c writes the statements that lead from
 * the one to the other, forward and backward alike. It writes text and runs nothing, so what is shown
 * beforehand is what runs. Names are quoted by cz__db_append_name(), values by cz__db_append_text(); both
 * come from the project's own models and migrations, never from a request.
 */
#ifndef CZ_DB_SCHEMA_H
#define CZ_DB_SCHEMA_H

#include "db/database.h"

enum { CZ__DB_NAME_BYTES_MAX = 63 }; /* PostgreSQL cuts longer names */

/* Which part of a table's change a step is. Where a key changes its type, the foreign keys that change along let
 * go before the first of the tables changes and hold again after the last; a database that looks at them only at
 * the end does nothing for these two. */
enum cz__schema_part {
    CZ__SCHEMA_WHOLE,
    CZ__SCHEMA_LETS_GO, /* the foreign keys that differ are dropped */
    CZ__SCHEMA_BETWEEN, /* all but foreign keys */
    CZ__SCHEMA_HOLDS    /* the foreign keys that differ are made */
};

typedef struct cz__schema_step {
    const cz__db_table *before, *after; /* NULL: the table is created; is dropped */
    /* The table, or one column of it, gets another name and nothing else happens; else names stay. */
    bool rename_table;
    const char *rename_from, *rename_to; /* the column; NULL: none */
    /* By column of `after`: what rows that are there get in a column that is new, or NULL in one that must
     * not be; CZ__PARAM_NULL: nothing. NULL: nothing for any column. */
    const cz__db_param *fills;
    /* Beside whoever writes, where the database can: statements that lock for a moment only, each run for
     * itself and outside a transaction, and again from the start after a failure. */
    bool online;
    enum cz__schema_part part; /* of a change; else WHOLE */
} cz__schema_step;

/* Statements in order, in an arena. */
typedef struct cz__sql_list {
    cz_arena *arena;
    cz_str *items; /* NUL-terminated */
    size_t count, cap;
} cz__sql_list;

/* Add what `sql` holds as one statement, and empty it. Errors: CZ_ENOMEM, CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__sql_list_add(cz__sql_list *list, cz_buf *sql, cz_error *err);

/* Statements that are being written: each in `sql`, then added. The first failure stays and ends it. */
typedef struct cz__sql_script {
    cz__sql_list *out;
    cz_buf sql; /* to be ended by cz_buf_done() */
    cz_status status;
    cz_error *err;
} cz__sql_script;

/* Add what the script's `sql` holds as one statement, and empty it. Errors, kept in its status: as above. */
void cz__sql_script_add(cz__sql_script *script);

/* "store_book_title_idx": the name of what belongs to columns of a table, from the table's, the columns' and
 * a suffix such as "idx". One over 63 bytes is cut and gets eight hexadecimal digits of its hash, so two
 * long ones still differ. `out` has room for 64 bytes. */
void cz__db_name(char *out, const char *table, const char *const *columns, size_t count,
                 const char *suffix);

/* The end of the piece of SQL at `at`, which is before its end: a quoted one, a comment, or one character. */
size_t cz__sql_piece(cz_str sql, size_t at);
/* Take the next statement off `*rest`: up to a semicolon outside quotes, comments and dollar quotes. Empty
 * at the end. */
cz_str cz__sql_cut(cz_str *rest);

/* Append text in single quotes, those inside it doubled (SQL-92, 5.3). */
void cz__db_append_text(cz_buf *sql, cz_str text);

/* The column of `table` called `name`, in any case; NULL when there is none. */
const cz__db_column *cz__db_column_find(const cz__db_table *table, const char *name);
/* Whether the database counts the column up where a row says nothing: a key of whole numbers that is no foreign
 * key. */
bool cz__db_column_is_counted(const cz__db_column *column);
/* Whether the database gives both the same when nothing is said. */
bool cz__db_default_eq(const cz__db_default_value *a, const cz__db_default_value *b);
/* What a new column is filled with; NULL: nothing. */
const cz__db_param *cz__schema_fill(const cz__schema_step *step, const cz__db_column *column);

/* The table's index `at`, those of its `index` columns first; false at the end. The name is in `list`'s arena.
 * Errors are none: when memory is short the name is empty and the list's next addition fails. */
bool cz__db_index_at(cz_arena *arena, const cz__db_table *table, size_t at, cz__db_index *out);
/* The index of `table` that is called and made as `index`; false when there is none. */
bool cz__db_has_index(cz_arena *arena, const cz__db_table *table, const cz__db_index *index);
bool cz__db_index_eq(const cz__db_index *a, const cz__db_index *b); /* but for their names */
bool cz__db_check_eq(const cz__db_check *a, const cz__db_check *b);
/* Whether the table's UNIQUE over several columns differs between before and after. */
bool cz__schema_together_differs(const cz__schema_step *step);

#endif
