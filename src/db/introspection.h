/* db/introspection.h: a table as the database describes it. */
#ifndef CZ_DB_INTROSPECTION_H
#define CZ_DB_INTROSPECTION_H

#include "db/database.h"

typedef struct cz__column_info {
    const char *name;
    const char *type;        /* as the database names it: "TEXT", "character varying(200)" */
    const char *default_sql; /* NULL: none */
    bool null, primary_key;
    bool generated; /* the database gives the key: AUTOINCREMENT, an identity */
    const char *references_table, *references_column; /* NULL: none */
    const char *references_name, *key_name; /* what their constraints are called (PostgreSQL) */
} cz__column_info;

typedef struct cz__index_info {
    const char *
        name; /* "" for what a UNIQUE in SQLite's CREATE TABLE makes, which has no name of its own */
    /* "-price" is descending, "+price" held beside the key; what is no column is "()" or its SQL */
    const char **columns;
    size_t column_count;
    const char *where; /* NULL: all rows */
    bool unique;
    bool constraint;    /* it belongs to a UNIQUE of its name (PostgreSQL) */
    bool special;       /* made for LIKE and the like: of another operator class (PostgreSQL) */
    const char *method; /* "gin" (PostgreSQL); NULL: "btree" */
    const char *search; /* one of `searches`: the language its words are in; else NULL */
} cz__index_info;

typedef struct cz__table_info {
    const char *name;
    cz__column_info *columns;
    size_t column_count;
    cz__index_info *indexes; /* without the primary key's */
    size_t index_count;
    cz__index_info *searches; /* of full text, where those are tables of their own (SQLite) */
    size_t search_count;
    const char **checks;      /* what stands in each CHECK */
    const char **check_names; /* as `checks`; NULL: it has none */
    size_t check_count;
} cz__table_info;

/* The table as lines of text, the same for two tables that differ only in their name and the order of their
 * columns and indexes. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__table_info_text(const cz__table_info *table, cz_arena *arena,
                                           cz_str *out);

#endif
