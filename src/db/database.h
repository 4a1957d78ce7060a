/* db/database.h: what the ORM asks of a database, whichever it is.
 *
 * A driver runs prepared statements and returns statuses; it knows no model. Statements carry a number,
 * so a connection finds its prepared form by index. Values travel as typed parameters and are read by
 * type into the caller's memory: each driver stores a date or a UUID in its own way.
 *
 * Calls that wait (for a lock, for the network) suspend the fiber of the context they are given.
 * Every call here is for the worker's own thread, or for a command outside a loop.
 */
#ifndef CZ_DB_DATABASE_H
#define CZ_DB_DATABASE_H

#include <calzone/buf.h>
#include <calzone/context.h>
#include <calzone/decimal.h>
#include <calzone/random.h>
#include <calzone/settings.h>
#include <calzone/time.h>
#include <calzone/transactions.h>

/* What a column holds, and the C type cz__db_read() writes. */
typedef enum cz__db_kind {
    CZ__DB_TEXT,     /* cz_str, pointing into the cursor until the next step */
    CZ__DB_INT16,    /* int16_t */
    CZ__DB_INT32,    /* int32_t */
    CZ__DB_INT64,    /* int64_t */
    CZ__DB_BOOL,     /* bool */
    CZ__DB_REAL,     /* double */
    CZ__DB_DATE,     /* cz_date */
    CZ__DB_DATETIME, /* cz_datetime */
    CZ__DB_UUID,     /* cz_uuid */
    CZ__DB_DECIMAL, /* cz_decimal; the type says how many digits and places, see cz__db_decimal() */
    CZ__DB_TIME,    /* cz_time */
    CZ__DB_DURATION,  /* cz_duration */
    CZ__DB_JSON,      /* cz_str, a JSON document; as text */
    CZ__DB_BINARY,    /* cz_bytes, as text */
    CZ__DB_IP,        /* cz_str, "192.0.2.1" or "2001:db8::1"; as text */
    CZ__DB_INT_LIST,  /* cz_int_list, by read_list() */
    CZ__DB_TEXT_LIST, /* cz_str_list, by read_list() */
    CZ__DB_UUID_LIST, /* cz_uuid_list; parameters only */
    CZ__DB_TYPE_COUNT
} cz__db_kind;

/* A kind and, for decimals, its digits and places. Every other type is its kind alone. */
typedef uint32_t cz__db_type;
#define CZ__DB_KIND(type) ((cz__db_kind)((type)&0xff))
#define CZ__DB_PLACES(type) ((int)((type) >> 8 & 0xff))
#define CZ__DB_DIGITS(type) ((int)((type) >> 16 & 0xff))
/* The column was made by somebody else and holds numbers as they are, not as scaled integers (SQLite). */
#define CZ__DB_AS_NUMBER (UINT32_C(1) << 24)
/* And UUIDs as 32 digits without hyphens (SQLite). */
#define CZ__DB_AS_DIGITS (UINT32_C(1) << 25)
/* A text that the ORM encrypts before it is stored and decrypts when it was read. */
#define CZ__DB_SEALED (UINT32_C(1) << 26)
/* A text that is one of a list's, and in a row its place there; where other types have digits and places this one
 * has the list's number, from 1 on (orm.h's cz__choices_of()). */
#define CZ__DB_CHOSEN (UINT32_C(1) << 27)
#define CZ__DB_LIST(type) ((type) >> 8 & 0xffff)
/* A parameter of SQL written by hand: text is what the database finds that it stands for, and a whole number is no
 * wider than it must be. */
#define CZ__DB_BY_HAND (UINT32_C(1) << 28)
static inline cz__db_type cz__db_decimal(int digits, int places)
{
    return CZ__DB_DECIMAL | (cz__db_type)places << 8 | (cz__db_type)digits << 16;
}

/* Whether values of a kind are bytes that read() leaves in the cursor. */
static inline bool cz__kind_is_text(cz__db_kind kind)
{
    return kind == CZ__DB_TEXT || kind == CZ__DB_JSON || kind == CZ__DB_IP || kind == CZ__DB_BINARY;
}

typedef enum cz__param_kind {
    CZ__PARAM_NULL,
    CZ__PARAM_INT,
    CZ__PARAM_REAL,
    CZ__PARAM_TEXT,
    CZ__PARAM_DATE,
    CZ__PARAM_DATETIME,
    CZ__PARAM_UUID,
    CZ__PARAM_DECIMAL,
    CZ__PARAM_TIME,
    CZ__PARAM_DURATION,
    CZ__PARAM_BINARY, /* in `text` */
    CZ__PARAM_INT_LIST,
    CZ__PARAM_TEXT_LIST,
    CZ__PARAM_UUID_LIST
} cz__param_kind;

typedef struct cz__db_param {
    cz__param_kind kind;
    cz__db_type type; /* of the column it is for; DECIMAL: already rounded to its places */
    int64_t integer;  /* INT, DATE (days), DATETIME, TIME, DURATION (microseconds) */
    double real;
    cz_str text; /* borrowed until the statement has run */
    cz_uuid uuid;
    cz_decimal decimal;
    const void *items; /* of a list: int64_t, cz_str or cz_uuid; borrowed as text is */
    size_t item_count;
} cz__db_param;

enum {
    CZ__STATEMENT_UNCACHED = UINT32_MAX,
    CZ__STATEMENT_FIRST = 16 /* of the ORM's; those below are for the drivers */
};

typedef struct cz__db_statement {
    cz_str sql;      /* NUL-terminated */
    uint32_t number; /* small and unique in the process, or CZ__STATEMENT_UNCACHED */
    /* What each parameter is, for databases that must know before they see a value; NULL: hand-written SQL,
     * whose parameters are what their first values are. */
    const cz__db_type *types;
    size_t type_count;
    bool
        by_hand; /* somebody's own: it may take its time, and a function in it may change something */
} cz__db_statement;

typedef struct cz__db cz__db;
typedef struct cz__db_driver cz__db_driver;
struct cz__schema_step;
struct cz__sql_list;
struct cz__table_info;

/* The rows of a running SELECT. Between opening and closing it the fiber may not suspend and nothing may
 * raise: the statement would stay open across the turn. */
typedef struct cz__db_cursor {
    cz__db *db;
    void *handle; /* the driver's, as all that follows */
    bool uncached;
    void *stream;     /* of whose rows this is a part; NULL: none */
    size_t rows_left; /* of the part */
} cz__db_cursor;

struct cz__database;
struct cz__replica;

/* A unit of work's use of one database; in the context's arena, made at its first query. */
typedef struct cz__db_session {
    cz__db *db;
    /* The context's only database, nor are there replicas or a router: there is nothing to choose. */
    bool alone;
    bool holds; /* it is one for which the context's waits are limited, see cz__db_hold_write() */
    cz_arena *arena; /* where the session lives, and what is kept for it */
    unsigned depth;  /* nested atomic blocks; 0: autocommit */
    bool writing;    /* holds the write side */
    /* the driver's */
    void *connection;    /* taken for this transaction; NULL: none yet */
    unsigned depth_sent; /* of the atomic blocks, those the server was told of */
    /* What the outermost begin() is to begin; set before it and kept until its end. */
    cz_isolation isolation;
    bool read_only; /* changes are refused */
    bool lazy;      /* take the write side at the first change, or at the first nested begin() */
    /* Set by a driver whose rollback of a savepoint failed, and by the ORM: the block it stands in can only be
     * rolled back. */
    bool broken;
    struct cz__block *block;   /* the ORM's: the innermost atomic block; NULL: none */
    struct cz__undone *undone; /* the ORM's: the blocks that were rolled back */
    struct cz__watch *
        watch; /* the ORM's, of a context's first session: what was changed and asked; may be NULL */

    /* several databases: the first session of a context is that of "default" */
    struct cz__database *database; /* NULL: a session that no context has */
    struct cz__db_session *next;
    struct cz__db_session
        *home; /* the first session's: where what names no database goes; NULL: to itself */
    /* replicas */
    struct cz__db_session *reader; /* its reads outside transactions; NULL: there are no replicas */
    struct cz__replica *replica;   /* a reader's; NULL: none is chosen yet */
    bool primary_only;             /* its reads go to the primary from here on */
    bool all_primary;              /* the first session's: and so do those of all others */
    bool wrote;                    /* it may have changed something */
    uint64_t wanted; /* a replica that reads for it has replayed so far; 0: anything will do */
} cz__db_session;

/* How long a write transaction may wait for anything but its database, in milliseconds; then the wait fails
 * with CZ_ETIMEDOUT. Negative: not at all, it fails at once with CZ_EINVAL, as in development. A driver whose
 * transactions hold up every other writer sets cz_ctx.write_hold_us by it while it holds the write side. */
extern int64_t cz__db_write_hold_ms;
void cz__db_hold_write(cz_ctx *ctx, cz__db_session *session);
void cz__db_release_write(cz_ctx *ctx, cz__db_session *session);
/* A driver's waits, cz__fiber_wait() and cz__fiber_sleep(): a transaction that may not wait for anything else may
 * wait for another database, as long as a setting lets it in production. */
CZ_NODISCARD cz_status cz__db_wait(cz_ctx *ctx);
CZ_NODISCARD cz_status cz__db_sleep(cz_ctx *ctx, uint64_t ms);

/* Say in `err`, if it is not NULL, which rule was broken (cz_error.constraint): by its name, or, with a table, by
 * that and its columns. */
void cz__db_error_rule(cz_error *err, const char *table, cz_str name);

/* What is wrong with a row that a rule over expressions refuses; the rule's name goes in. */
#define CZ__DB_SAME_BY_RULE "Another row is the same by the rule %.*s."

/* Say in `err`, if it is not NULL, what the database said itself (cz_error.database) beyond what the message repeats;
 * `detail` may be empty. */
void cz__db_error_words(cz_error *err, const char *message, const char *detail);
/* What to do about a table that is not there; behind the database's own words. */
#define CZ__DB_TABLE_HINT                                                                          \
    "`migrate` makes the tables of apps with migrations, `createtables` those of apps without"

/* ---- describing tables ---- */

/* What a column has when an INSERT says nothing of it. */
typedef struct cz__db_default_value {
    enum { CZ__DEFAULT_NONE, CZ__DEFAULT_VALUE, CZ__DEFAULT_SQL, CZ__DEFAULT_NOW } kind;
    cz__db_param value;
    const char *sql;
} cz__db_default_value;

typedef struct cz__db_column {
    const char *name;
    cz__db_type type;
    uint32_t max_length; /* text; 0: none */
    bool null, unique, index, primary_key;
    const char *references_table, *references_column; /* foreign key; NULL: none */
    cz__db_default_value default_;
} cz__db_column;

typedef struct cz__db_index {
    const char *name;
    const char *const *columns; /* names; "-price" is descending */
    size_t column_count;
    const char *where; /* a condition in SQL, for a partial index; NULL: all rows */
    bool unique;
    const char *expressions;    /* SQL instead of columns; NULL: columns */
    const char *const *include; /* further columns that are no part of the key */
    size_t include_count;
    const char *method;  /* NULL: a B-tree; others only PostgreSQL has */
    const char *search;  /* of full text: the language its words are in; NULL: it is none */
    const char *weights; /* of full text: a letter from A to D for each column; NULL: all are D */
} cz__db_index;

typedef struct cz__db_check {
    const char *name;
    const char *sql; /* what every row must fulfil, or be NULL in */
} cz__db_check;

typedef struct cz__db_table {
    const char *name;
    const cz__db_column *columns;
    size_t column_count;
    const char *const *unique_together; /* column names */
    size_t unique_together_count;
    const cz__db_index
        *indexes; /* beside those of `index` columns, which get a name of their own */
    size_t index_count;
    const cz__db_check *checks;
    size_t check_count;
} cz__db_table;

/* Write an IPv4 or IPv6 address in the one way PostgreSQL does, RFC 5952 for IPv6. Returns false when it is none. */
enum { CZ__IP_TEXT = 46 }; /* with its NUL */
bool cz__ip_write(char *out, cz_str text);

/* ---- what differs between databases in the SQL the ORM writes ---- */

enum cz__pattern { /* how a text value becomes the parameter of a lookup */
                   CZ__PATTERN_NONE,
                   CZ__PATTERN_LIKE_EXACT,
                   CZ__PATTERN_LIKE_CONTAINS,
                   CZ__PATTERN_LIKE_PREFIX,
                   CZ__PATTERN_LIKE_SUFFIX,
                   CZ__PATTERN_GLOB_PREFIX,
                   CZ__PATTERN_GLOB_SUFFIX,
                   CZ__PATTERN_SEARCH, /* as it is, if it is one */
                   /* a query of an index of full text, for words as they are and for English ones */
                   CZ__PATTERN_FTS5,
                   CZ__PATTERN_FTS5_ENGLISH,
                   CZ__PATTERN_TSQUERY,
                   CZ__PATTERN_TSQUERY_ENGLISH,
                   CZ__PATTERN_TSQUERY_RANK, /* without what is not to be found */
                   CZ__PATTERN_TSQUERY_RANK_ENGLISH
};

typedef struct cz__lookup_sql {
    const char
        *sql; /* with $1 for the column and $2 for the parameter; NULL: there is no such lookup */
    enum cz__pattern pattern;
    const char *with_expression; /* where $2 is an expression, of which no pattern can be made */
} cz__lookup_sql;

/* A question to an index of full text. */
typedef struct cz__db_search {
    const cz__db_index *index;
    const char *table, *key; /* and the name of its primary key */
    bool number_key;
    cz_str
        row; /* what the query calls the table's row that is asked about; empty: it has the key alone */
    cz_str row_key; /* that row's key, SQL */
    cz_str query;   /* a parameter made by the pattern below */
} cz__db_search;

typedef struct cz__db_features {
    const char *name;        /* for messages: "SQLite" */
    char parameter;          /* what stands before a parameter's number: '?' or '$' */
    bool concurrent_indexes; /* indexes can be made beside writers, outside a transaction */
    const char
        *settle; /* checks deferred constraints now, so that tables can change; NULL: they can */
    /* Makes the tables that the rest of the transaction creates temporary; NULL: there is no need, `check` has a
     * database of its own. */
    const char *temporary_tables;
    const char *random;            /* ORDER BY this */
    const char *limit_all;         /* LIMIT that means none, needed before OFFSET */
    const char *explain;           /* before a statement */
    unsigned explain_column;       /* of its rows: where the text is */
    const cz__lookup_sql *lookups; /* by cz_lookup, for those that need no list */
    const char *const
        *functions;        /* by enum cz__function: $1, $2, ... for arguments, $* for all of them */
    const char *in_list;   /* " IN (...)" for a list that is one parameter, $2 */
    const char *list_rows; /* the query of a list that is one parameter, $1 */
    const char
        *json_lookups[5];  /* CONTAINS, HAS_KEY, HAS_KEYS, HAS_ANY_KEYS on documents; $1, $2 */
    const char *json_same; /* EXACT on documents: whatever the order of keys; $1, $2 */
    const char *ip_text;   /* an address as the text that text lookups see; $1. NULL: it is text */
    const char *list_lookups[3];   /* CONTAINS, CONTAINED_BY, OVERLAP on arrays; $1, $2 */
    bool scaled_decimals;          /* decimals of at most 18 digits are whole numbers */
    const char *decimal_collation; /* behind a decimal, which longer ones need; NULL: they do not */
    bool row_locks, distinct_on, ordered_aggregates; /* STRING_AGG takes ORDER BY, and DISTINCT */
    bool returning_key;                              /* INSERT says the new key by RETURNING */
    bool trigger_bodies;         /* CREATE TRIGGER holds statements, between BEGIN and END */
    bool typed_sums;             /* SUM and AVG of integers need a cast back */
    bool streams_in_transaction; /* stream_begin() needs a session with a transaction */
    /* How queries of full text are written, of words as they are and of English ones. */
    enum cz__pattern search_patterns[2], rank_patterns[2], headline_patterns[2];
    /* Append whether the row is found; how well, of one that is; and, of any text, the words around those that are
     * found, as HTML. */
    void (*search_match)(cz_buf *sql, const cz__db_search *search);
    void (*search_rank)(cz_buf *sql, const cz__db_search *search);
    void (*search_headline)(cz_buf *sql, const char *language, cz_str text, cz_str query);
    void (*search_rebuild)(cz_buf *sql, const char *index); /* what makes one anew, for run() */
} cz__db_features;

/* ---- many rows ---- */

typedef struct cz__db_stream cz__db_stream; /* the driver's, in the context's arena */
typedef struct cz__db_load cz__db_load;     /* the driver's, in the context's arena */
struct cz__db_load_table {
    const char *name;
    const char *const *columns; /* that every row brings */
    const cz__db_type *types;
    size_t column_count;
    const char *key; /* one of them whose values the database is to give beforehand; NULL: none */
    size_t key_count;
    int64_t *keys; /* so many are written here, in rising order; nobody else gets them */
};

/* ---- notifications ---- */

typedef struct cz__db_notification {
    cz_str channel, payload;
    int sender;
    bool reconnected; /* nothing came, but what was sent before is lost */
} cz__db_notification;

struct cz__db_driver {
    const char *scheme, *scheme_short; /* of DATABASE_URL; the second may be NULL */
    const cz__db_features *features;
    /* Read the URL and open nothing. */
    cz_status (*check)(cz_arena *arena, const cz_url *url, cz_error *err);
    cz_status (*open)(const cz_url *url, cz__db **out, cz_error *err);
    void (*close)(cz__db *db);
    /* Open a cursor before the first row. */
    cz_status (*select)(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                        const cz__db_param *params, size_t count, cz__db_cursor *out,
                        cz_error *err);
    /* Go to the next row; `*out_row` false at the end. */
    cz_status (*step)(cz__db_cursor *cursor, bool *out_row, cz_error *err);
    /* Read a column of the row; false when it is NULL, and `out` is untouched.
     * A value that is not of the type gives the type's zero: the file was written by somebody else. */
    bool (*read)(const cz__db_cursor *cursor, unsigned column, cz__db_type type, void *out);
    /* The same for a list, copied into `arena`; `*out_null` when it is NULL. Errors: CZ_ENOMEM. */
    cz_status (*read_list)(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                           cz_arena *arena, void *out, bool *out_null);
    /* Append a column of the row as JSON, "null" when it is NULL: what read() and a writer would give, in
     * one step. Failures stay in the buffer. */
    void (*write_json)(const cz__db_cursor *cursor, unsigned column, cz__db_type type, cz_buf *out);
    void (*finish)(cz__db_cursor *cursor);
    /* Parse a statement and run nothing: `*out` has its columns and no row. Where the database tells what in the SQL it
     * stumbled over, `*out_at` is how many bytes stand before it; else SIZE_MAX. */
    cz_status (*describe)(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                          cz__db_cursor *out, size_t *out_at, cz_error *err);
    unsigned (*column_count)(const cz__db_cursor *cursor);
    const char *(*column_name)(const cz__db_cursor *cursor, unsigned column); /* until finish() */
    /* Whether read() makes of a column's value in this row what it is, and no zero: by the column's type, or, where
     * each value has its own, by that; without a row everything is. NULL is whatever one wants. */
    bool (*is_readable)(const cz__db_cursor *cursor, unsigned column, cz__db_type type);
    /* Run an INSERT, UPDATE or DELETE in the session's transaction, or in one of its own. */
    cz_status (*change)(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                        const cz__db_param *params, size_t count, int64_t *out_rows,
                        int64_t *out_last_id, cz_error *err);
    /* The rows of one SELECT in parts, all of the state the database was in at its beginning, whatever happens
     * meanwhile; between the parts the fiber may suspend. stream_next() opens a cursor on at most `rows` more, which
     * are over before the next: none at the end. stream_end() may be called while nothing else can be: after a
     * failure, in a clean-up; `ends_early`: and the transaction goes on. */
    cz_status (*stream_begin)(cz_ctx *ctx, cz__db_session *session,
                              const cz__db_statement *statement, const cz__db_param *params,
                              size_t count, size_t rows, cz__db_stream **out, cz_error *err);
    cz_status (*stream_next)(cz_ctx *ctx, cz__db_stream *stream, cz__db_cursor *out, cz_error *err);
    void (*stream_end)(cz_ctx *ctx, cz__db_stream *stream, bool ends_early);
    /* Load rows in the session's transaction by something faster than INSERT; NULL: there is nothing. Rows
     * are kept until there are enough to send, load_end() sends the last; a row that fails may be noticed by any
     * later call. load_destroy() gives back the memory and may follow any of them, more than once.
     * Errors: CZ_EUNSUPPORTED, with nothing broken: of load_begin() this table has to be inserted into, of
     * load_row() this row, which was not taken. */
    cz_status (*load_begin)(cz_ctx *ctx, cz__db_session *session,
                            const struct cz__db_load_table *table, cz__db_load **out,
                            cz_error *err);
    cz_status (*load_row)(cz_ctx *ctx, cz__db_load *load, const cz__db_param *params,
                          cz_error *err);
    cz_status (*load_end)(cz_ctx *ctx, cz__db_load *load, cz_error *err);
    void (*load_destroy)(cz__db_load *load);
    /* Send a notification when the transaction commits. NULL, as the three that follow: there are none. */
    cz_status (*notify)(cz_ctx *ctx, cz__db_session *session, cz_str channel, cz_str payload,
                        cz_error *err);
    /* Listen to channels, copied, on a connection that is opened again whenever it is lost, and hand out what
     * comes from the loop, in order. `deliver` neither raises nor suspends; when it returns false nothing more comes
     * until listen_again(). Once per database. After listen_stop() the loop turns before the database is closed. */
    cz_status (*listen)(cz__db *db, const char *const *channels, size_t count,
                        bool (*deliver)(const cz__db_notification *notification), cz_error *err);
    void (*listen_again)(cz__db *db);
    void (*listen_stop)(cz__db *db);
    /* Transactions: the outermost takes the write side, unless the session says otherwise; nested ones are
     * savepoints. commit() and rollback() end the innermost, also when they fail: of the outermost everything
     * is rolled back then, of a savepoint it stays to be rolled back with the block around it. */
    cz_status (*begin)(cz_ctx *ctx, cz__db_session *session, cz_error *err);
    cz_status (*commit)(cz_ctx *ctx, cz__db_session *session, cz_error *err);
    void (*rollback)(cz_ctx *ctx, cz__db_session *session);
    /* Statements without parameters and rows, in the session's transaction. */
    cz_status (*run)(cz_ctx *ctx, cz__db_session *session, cz_str sql, cz_error *err);
    /* A transaction in which tables may change: no other process changes them meanwhile, and its end fails
     * when a foreign key leads nowhere. */
    cz_status (*schema_begin)(cz_ctx *ctx, cz__db_session *session, cz_error *err);
    cz_status (*schema_commit)(cz_ctx *ctx, cz__db_session *session, cz_error *err);
    void (*schema_rollback)(cz_ctx *ctx, cz__db_session *session);
    /* schema.c and introspection.c */
    /* The statements that make one table's change (db/schema.h); runs nothing. */
    cz_status (*schema_write)(const struct cz__schema_step *step, struct cz__sql_list *out,
                              cz_error *err);
    cz_status (*create_table)(cz_ctx *ctx, cz__db_session *session, const cz__db_table *table,
                              cz_error *err);
    cz_status (*table_exists)(cz_ctx *ctx, cz__db_session *session, const char *table,
                              bool *out_exists, cz_error *err);
    cz_status (*column_exists)(cz_ctx *ctx, cz__db_session *session, const char *table,
                               const char *column, bool *out_exists, cz_error *err);
    /* Rows came with keys of their own: the next key the database gives comes after them. NULL: it does so
     * by itself. */
    cz_status (*keys_given)(cz_ctx *ctx, cz__db_session *session, const char *table,
                            const char *key, cz_error *err);
    /* Others gave constraints and indexes of the step's table names of their own: the statements that give them
     * those that schema_write() counts on, to be run before its own. */
    cz_status (*schema_names)(cz_ctx *ctx, cz__db_session *session,
                              const struct cz__schema_step *step, struct cz__sql_list *out,
                              cz_error *err);
    /* What the step would take along that no model knows, such as triggers, as the statements that make it
     * again afterwards. NULL: it takes nothing along. */
    cz_status (*schema_keep)(cz_ctx *ctx, cz__db_session *session,
                             const struct cz__schema_step *step, struct cz__sql_list *out,
                             cz_error *err);
    /* In the context's arena (db/introspection.h). Errors: CZ_ENOTFOUND: no such table. */
    cz_status (*describe_table)(cz_ctx *ctx, cz__db_session *session, const char *table,
                                struct cz__table_info *out, cz_error *err);
    /* The names of all tables, in order. */
    cz_status (*list_tables)(cz_ctx *ctx, cz__db_session *session, cz_str_list *out, cz_error *err);
    /* Copy the database, while others use it, to a new file, checked before it gets its name. Waits for no
     * writer and lets none wait. NULL: the server has its own way. */
    cz_status (*backup)(cz_ctx *ctx, cz__db *db, const char *path, cz_error *err);
    /* How far the server's log has come: of a primary what every later commit lies behind, of a replica what it
     * has replayed. Errors: CZ_EUNSUPPORTED: asked as a replica it is none. NULL: there are no replicas. */
    cz_status (*position)(cz_ctx *ctx, cz__db_session *session, bool as_replica, uint64_t *out,
                          cz_error *err);
    /* Prepare what `processes` processes of this one's children will share; before they fork. May be NULL. */
    cz_status (*share)(unsigned processes, cz_error *err);
};

struct cz__db { /* begins every driver's own */
    const cz__db_driver *driver;
    const char *
        created; /* the file that was made when it was opened, as long as it; NULL: there was one, or it is none */
};

/* Whether a driver knows the URL's scheme and can read the rest. Opens nothing. Errors: as cz__db_open(). */
CZ_NODISCARD cz_status cz__db_check_url(cz_str url, cz_error *err);
/* Open the database a URL names. Errors: CZ_EVALIDATION: no driver has this scheme; the driver's. */
CZ_NODISCARD cz_status cz__db_open(cz_str url, cz__db **out, cz_error *err);
void cz__db_close(cz__db *db); /* NULL does nothing */

/* For a master: what the drivers of its workers share. Opens no database. Errors: the driver's. */
CZ_NODISCARD cz_status cz__db_share(unsigned processes, cz_error *err);

/* ---- the databases of this process, by alias ---- */

enum { CZ__DATABASES_MAX = 16, CZ__REPLICAS_MAX = 8, CZ__ALIAS_BYTES_MAX = 40 };

typedef struct cz__database {
    const char *alias;             /* "default", "reports" */
    cz__db *primary;               /* NULL: not open */
    struct cz__replicas *replicas; /* replicas.h; NULL: none */
    bool atomic_requests;          /* cz_atomic_requests stands around it as well */
} cz__database;

/* "default" first; it is always declared. Declared at start, opened by a worker or command. */
extern cz__database cz__databases[CZ__DATABASES_MAX];
extern size_t cz__database_count;
#define cz__db_default (cz__databases[0].primary)
/* Whether sessions must ask where a statement goes: set when there is more than one database, a replica or a
 * router; before the first session. */
extern bool cz__db_must_choose;

/* Whether it can name a database or a cache: small letters, digits and underscores, a letter first, at most
 * CZ__ALIAS_BYTES_MAX. NULL cannot. */
bool cz__alias_is_valid(const char *alias);
/* Declare another one. `alias` is borrowed. Errors: CZ_EVALIDATION: no name for one, or taken; CZ_ETOOBIG. */
CZ_NODISCARD cz_status cz__database_declare(const char *alias, bool atomic_requests, cz_error *err);
/* NULL: there is none of this alias. */
cz__database *cz__database_find(const char *alias);
/* "default, reports", cut at `bytes`. */
void cz__database_names(char *out, size_t bytes);
/* Close what is open, replicas included; with `forget`, "default" alone stays declared. */
void cz__databases_close(bool forget);

/* The context's session of what names no database, made when there is none. Errors: CZ_ENOMEM; CZ_EINVAL: no
 * database is open. */
CZ_NODISCARD cz_status cz__db_session_of(cz_ctx *ctx, cz__db_session **out, cz_error *err);
/* Its session of a database. Errors: as above. */
CZ_NODISCARD cz_status cz__db_session_on(cz_ctx *ctx, cz__database *database, cz__db_session **out,
                                         cz_error *err);
/* The same, made or not: NULL when it has used it for nothing yet. */
cz__db_session *cz__db_session_find(const cz_ctx *ctx, const cz__database *database);
/* Make every session now: for a context that is lent to one with a shorter life. Errors: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__db_sessions_make(cz_ctx *ctx, cz_error *err);
/* Whatever the context asks without naming a database goes to this one from here on, wherever its models
 * live. Errors: as cz__db_session_on(). */
CZ_NODISCARD cz_status cz__db_go_home(cz_ctx *ctx, cz__database *database, cz_error *err);

/* Append a name in double quotes, those inside it doubled (SQL-92, 5.2): the only way a name gets into
 * SQL. Failures stay in the buffer. */
void cz__db_append_name(cz_buf *sql, const char *name);

extern const cz__db_driver cz__sqlite_driver;
#ifdef CZ_POSTGRESQL
extern const cz__db_driver cz__postgresql_driver;
#endif

#endif
