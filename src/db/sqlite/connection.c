/* SQLite in the worker's loop.
 *
 * Two connections a process. The read connection keeps one read transaction per turn of the loop: it
 * opens with the first read and closes in the end-of-turn hook, so the cost of WAL's locking is shared by
 * all requests of the turn. The write connection belongs to one fiber at a time (turn.c, queue.c, write.c,
 * group.c).
 *
 * A commit ends the turn's read transaction, so the next read sees it; inside a transaction every read
 * goes to the write connection. A handler therefore always sees its own writes. In memory both are one
 * connection, and a read waits while another fiber has a transaction open on it.
 *
 * Readers wait for nobody in WAL mode but for the moments in which another process makes the log, recovers
 * it after a crash or folds it up at its last close: there the read connection, and both while they open, wait
 * inside SQLite for up to a second, which is rare and short.
 */
#include "db/sqlite/sqlite_internal.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { OPEN_TIMEOUT_MS = 5000, READ_TIMEOUT_MS = 1000, STATEMENTS_MIN = 64, PATH_BYTES_MAX = 4096 };

const cz__db_driver cz__sqlite_driver = {
    .scheme = "sqlite",
    .features = &cz__sqlite_features,
    .check = cz__sqlite_check,
    .open = cz__sqlite_open,
    .close = cz__sqlite_close,
    .select = cz__sqlite_select,
    .step = cz__sqlite_step,
    .read = cz__sqlite_read,
    .read_list = cz__sqlite_read_list,
    .write_json = cz__sqlite_write_json,
    .finish = cz__sqlite_finish,
    .stream_begin = cz__sqlite_stream_begin,
    .stream_next = cz__sqlite_stream_next,
    .stream_end = cz__sqlite_stream_end,
    .describe = cz__sqlite_describe,
    .column_count = cz__sqlite_column_count,
    .column_name = cz__sqlite_column_name,
    .is_readable = cz__sqlite_is_readable,
    .change = cz__sqlite_change,
    .begin = cz__sqlite_begin,
    .commit = cz__sqlite_commit,
    .rollback = cz__sqlite_rollback,
    .run = cz__sqlite_run_script,
    .schema_begin = cz__sqlite_schema_begin,
    .schema_commit = cz__sqlite_schema_commit,
    .schema_rollback = cz__sqlite_schema_rollback,
    .schema_write = cz__sqlite_schema_write,
    .schema_names = cz__sqlite_schema_names,
    .schema_keep = cz__sqlite_schema_keep,
    .create_table = cz__sqlite_create_table,
    .table_exists = cz__sqlite_table_exists,
    .column_exists = cz__sqlite_column_exists,
    .describe_table = cz__sqlite_describe_table,
    .list_tables = cz__sqlite_list_tables,
    .backup = cz__sqlite_backup,
    .share = cz__sqlite_share,
};

/* ---- errors ---- */

/* A broken rule as SQLite tells it: "UNIQUE constraint failed: store_book.isbn". */
struct broken {
    char table[128], columns[128]; /* "store_book" and "isbn", or "author_id, title" */
    char rest[128];                /* all after the colon; empty: it tells nothing */
};

static struct broken read_broken(const char *text)
{
    struct broken broken = { 0 };
    cz_str rest = cz_str_from(text);
    size_t colon = cz_str_find(rest, CZ_STR(": ")), len = 0;
    if (colon == SIZE_MAX)
        return broken;
    rest = cz_str_tail(rest, colon + 2);
    cz_ignore(snprintf(broken.rest, sizeof broken.rest, "%.*s", CZ_STR_ARG(rest))); /* may be cut */
    while (rest.len) {
        cz_str column = cz_str_trim(cz_str_cut(&rest, ','));
        size_t dot = cz_str_find_char(column, '.');
        if (dot != SIZE_MAX)
            cz_ignore(snprintf(broken.table, sizeof broken.table, "%.*s", (int)dot, column.ptr));
        column = dot == SIZE_MAX ? column : cz_str_tail(column, dot + 1);
        int added = snprintf(broken.columns + len, sizeof broken.columns - len, "%s%.*s",
                             len ? ", " : "", CZ_STR_ARG(column));
        if (added < 0 || (size_t)added >= sizeof broken.columns - len)
            break;
        len += (size_t)added;
    }
    return broken;
}

/* By the name of the unique index over these columns, if it has one and no other rule is over the same. */
static bool tell_unique_name(sqlite3 *handle, const struct broken *broken, cz_error *err)
{
    static const char sql[] =
        "SELECT min(name) FROM pragma_index_list(?1) AS list WHERE \"unique\" AND"
        " (SELECT group_concat(name, ', ') FROM"
        " (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno)) = ?2"
        " HAVING count(*) = 1 AND min(origin) = 'c'";
    sqlite3_stmt *statement = NULL;
    const char *name = NULL;
    if (sqlite3_prepare_v2(handle, sql, sizeof sql, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, broken->table, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, broken->columns, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        name = (const char *)sqlite3_column_text(statement, 0);
    if (name)
        cz__db_error_rule(err, NULL, cz_str_from(name));
    sqlite3_finalize(statement); /* its code is that of the step */
    return name != NULL;
}

/* Of "index 'reader_email'", a rule over expressions, its name; else empty. */
static cz_str index_name(const struct broken *broken)
{
    const cz_str index = CZ_STR("index '");
    cz_str rest = cz_str_from(broken->rest);
    if (!cz_str_starts_with(rest, index))
        return CZ_STR("");
    rest = cz_str_tail(rest, index.len);
    return cz_str_cut(&rest, '\'');
}

/* What cz_error.constraint says of it. */
static void tell_rule(sqlite3 *handle, int code, const struct broken *broken, cz_error *err)
{
    cz_str rest = cz_str_from(broken->rest), index = index_name(broken);
    if (code == SQLITE_CONSTRAINT_CHECK) { /* a name, or the text of a CHECK that has none */
        if (cz_str_find_char(rest, '(') == SIZE_MAX && cz_str_find_char(rest, '"') == SIZE_MAX)
            cz__db_error_rule(err, NULL, rest);
    } else if (code == SQLITE_CONSTRAINT_UNIQUE && index.len) {
        cz__db_error_rule(err, NULL, index);
    } else if (broken->table[0] &&
               (code != SQLITE_CONSTRAINT_UNIQUE || !tell_unique_name(handle, broken, err))) {
        cz__db_error_rule(err, broken->table, cz_str_from(broken->columns));
    }
}

static cz_status unique_error(const struct broken *broken, cz_error *err)
{
    cz_str index = index_name(broken);
    if (index.len)
        return cz_error_set(err, CZ_EINTEGRITY, CZ__DB_SAME_BY_RULE, CZ_STR_ARG(index));
    return cz_error_set(err, CZ_EINTEGRITY, "Another row has this %s already.", broken->columns);
}

/* What the column of a CHECK that its kind brings is called: SQLite tells the CHECK's text, of which it keeps the name
 * alone when it begins with a quoted one. */
static cz_str kind_check_column(cz_str rest)
{
    const cz_str valid = CZ_STR("json_valid(\"");
    if (cz_str_starts_with(rest, valid))
        rest = cz_str_tail(rest, valid.len);
    return cz_str_cut(&rest, '"');
}

/* Whether a value is not what its column holds: the CHECK is none that was declared, and its text that of a column.
 * Tells the column where one table alone has such a one, as SQLite tells no table. */
static bool breaks_kind(sqlite3 *handle, cz_str rest, cz_error *err)
{
    static const char sql[] =
        "SELECT min(name), count(*), (SELECT count(*) FROM sqlite_master WHERE"
        " instr(sql, 'CONSTRAINT \"' || ?1 || '\" CHECK')) FROM sqlite_master WHERE type = 'table' "
        "AND"
        " (instr(sql, 'json_valid(\"' || ?1 || '\")') OR instr(sql, 'CHECK (\"' || ?1 || '\" IN "
        "(0, 1)'))";
    cz_str column = kind_check_column(rest);
    sqlite3_stmt *statement = NULL;
    int tables = 0;
    if (sqlite3_prepare_v2(handle, sql, sizeof sql, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, column.ptr, (int)column.len, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && !sqlite3_column_int(statement, 2))
        tables = sqlite3_column_int(statement, 1);
    if (tables)
        cz_ignore(cz_error_set(err, CZ_EVALIDATION, "A value is not what its column holds."));
    if (tables == 1)
        cz__db_error_rule(err, (const char *)sqlite3_column_text(statement, 0), column);
    sqlite3_finalize(statement); /* its code is that of the step */
    return tables > 0;
}

static cz_status constraint_error(struct cz__sqlite_connection *connection, int code, cz_error *err)
{
    struct broken broken = read_broken(sqlite3_errmsg(connection->handle));
    cz_status status;
    switch (code) {
    case SQLITE_CONSTRAINT_CHECK:
        if (breaks_kind(connection->handle, cz_str_from(broken.rest), err))
            return CZ_EVALIDATION;
        status = cz_error_set(err, CZ_EINTEGRITY, "The change breaks a rule of the database.");
        break;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        status = unique_error(&broken, err);
        break;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return cz_error_set(err, CZ_EINTEGRITY,
                            "A row that is referred to does not exist, or is still in use.");
    case SQLITE_CONSTRAINT_NOTNULL:
        status = cz_error_set(err, CZ_EINTEGRITY, "%s may not be null.", broken.columns);
        break;
    default:
        status = cz_error_set(err, CZ_EINTEGRITY, "The change breaks a rule of the database.");
    }
    tell_rule(connection->handle, code, &broken, err);
    return status;
}

static cz_status status_of(struct cz__sqlite_connection *connection, int code, cz_error *err)
{
    const char *text = sqlite3_errmsg(connection->handle);
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return constraint_error(connection, code, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return cz_error_set(err, CZ_EBUSY, "the database is busy");
    case SQLITE_NOMEM:
        return cz_error_set(err, CZ_ENOMEM, "SQLite is out of memory");
    case SQLITE_MISMATCH: /* regex.c */
        return cz_error_set(err, CZ_EVALIDATION, "%s", text);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return cz_error_set(err, CZ_EDATABASE, "SQLite: %s: %s",
                            sqlite3_db_filename(connection->handle, "main"), text);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return cz_error_set(err, CZ_EIO, "SQLite: %s", text);
    default:
        if (strncmp(text, "no such table", strlen("no such table")) == 0)
            return cz_error_set(err, CZ_EDATABASE, "SQLite: %s; " CZ__DB_TABLE_HINT, text);
        return cz_error_set(err, CZ_EDATABASE, "SQLite: %s", text);
    }
}

cz_status cz__sqlite_error(struct cz__sqlite_connection *connection, int code, cz_error *err)
{
    char words[sizeof err->database]; /* before what asks further */
    bool ours = sqlite3_errcode(connection->handle) == SQLITE_OK;
    cz_ignore(snprintf(words, sizeof words, "%s", ours ? "" : sqlite3_errmsg(connection->handle)));
    cz_status status = status_of(connection, code, err);
    cz__db_error_words(err, words, "");
    return status;
}

/* ---- connections ---- */

cz_status cz__sqlite_run_text(struct cz__sqlite_connection *connection, const char *sql,
                              cz_error *err)
{
    int code = sqlite3_exec(connection->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK
               ? CZ_OK
               : cz__sqlite_error(connection, sqlite3_extended_errcode(connection->handle), err);
}

void cz__sqlite_connection_close(struct cz__sqlite_connection *connection)
{
    for (size_t i = 0; i < connection->statement_cap; i++)
        cz_ignore(sqlite3_finalize(connection->statements[i])); /* repeats the last step's error */
    cz_free(connection->statements);
    cz_ignore(sqlite3_close(connection->handle)); /* every statement is finalized */
    *connection = (struct cz__sqlite_connection){ 0 };
}

cz_status cz__sqlite_connection_open(struct cz__sqlite_connection *connection, const char *path,
                                     int flags, cz_error *err)
{
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &connection->handle, flags, NULL);
    if (code != SQLITE_OK) {
        cz_status status = cz_error_set(
            err, code == SQLITE_NOMEM ? CZ_ENOMEM : CZ_EIO, "cannot open the database %s: %s", path,
            connection->handle ? sqlite3_errmsg(connection->handle) : sqlite3_errstr(code));
        cz__sqlite_connection_close(connection);
        return status;
    }
    cz_ignore(sqlite3_busy_timeout(connection->handle, OPEN_TIMEOUT_MS)); /* cannot fail */
    /* SQLite's own advice against hostile database files (sqlite.org/security.html), but for an untrusted schema: its
     * triggers could not keep indexes of full text, as FTS5 is not marked innocuous before 3.41 */
    cz_ignore(sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL));
    cz_ignore(sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL));
    cz_ignore(sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL));
    /* before anything reads the schema, whose tables may call them */
    if (cz__sqlite_add_functions(connection->handle)) {
        cz__sqlite_connection_close(connection);
        return cz_error_set(err, CZ_ENOMEM, "no memory to open the database");
    }
    cz_status status = cz__sqlite_run_text(connection,
                                           "PRAGMA foreign_keys=ON;"
                                           "PRAGMA temp_store=MEMORY;"
                                           "PRAGMA mmap_size=268435456; PRAGMA cache_size=-2048;",
                                           err);
    if (status)
        cz__sqlite_connection_close(connection);
    return status;
}

/* Journal mode is a property of the file and changing it needs a lock nobody else may hold: retried, as
 * several workers open a new file at once. */
static cz_status enter_wal(struct cz__sqlite *db, cz_error *err)
{
    cz_status status = CZ_EBUSY;
    for (int tries = 0; status == CZ_EBUSY && tries < 500; tries++) {
        status = cz__sqlite_run_text(&db->write, "PRAGMA journal_mode=WAL;", err);
        if (status == CZ_EBUSY)
            cz_ignore(sqlite3_sleep(10));
    }
    return status;
}

static void end_turn(cz__turn_hook *hook);

/* sqlite:///absolute/path.db, or with a fourth slash as dj-database-url has it. */
static cz_status read_file_name(const cz_url *url, char *out, size_t bytes, cz_error *err)
{
    cz_str path = url->path;
    while (path.len > 1 && path.ptr[0] == '/' && path.ptr[1] == '/')
        path = cz_str_tail(path, 1);
    if (path.len < 2 || path.len >= bytes || url->host.len)
        return cz_error_set(err, CZ_EVALIDATION,
                            "DATABASE_URL: a SQLite URL is sqlite:///absolute/path.db");
    memcpy(out, path.ptr, path.len);
    out[path.len] = '\0';
    return CZ_OK;
}

cz_status cz__sqlite_check(cz_arena *arena, const cz_url *url, cz_error *err)
{
    (void)arena;
    char name[PATH_BYTES_MAX];
    struct cz__sqlite_options options;
    cz_status status = cz__sqlite_read_options(url->query, &options, err);
    return status ? status : read_file_name(url, name, sizeof name, err);
}

/* Make the file, unless it is there. A new one is for its owner alone; SQLite gives its log and index the same rights.
 * One that exists is not touched: closing a second descriptor of it would drop SQLite's locks. */
static bool make_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

cz_status cz__sqlite_open(const cz_url *url, cz__db **out, cz_error *err)
{
    bool in_memory = cz_str_eq(url->path, CZ_STR("/:memory:"));
    char name[PATH_BYTES_MAX];
    struct cz__sqlite_options options;
    cz_status status = cz__sqlite_read_options(url->query, &options, err);
    if (!status)
        status = read_file_name(url, name, sizeof name, err);
    if (status)
        return status;
    bool created = !in_memory && make_file(name);
    struct cz__sqlite *db = cz_calloc(1, sizeof *db);
    if (!db)
        return cz_error_set(err, CZ_ENOMEM, "no memory to open the database");
    db->base.driver = &cz__sqlite_driver;
    db->in_memory = in_memory;
    db->busy_timeout_ms = options.busy_timeout_ms;
    db->slot = -1;
    db->loop = cz__loop_current();
    status = cz__sqlite_connection_open(&db->write, in_memory ? ":memory:" : name,
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (!status && !in_memory)
        status = enter_wal(db, err);
    /* not where it only reads: mapped pages are checked at each visit, which costs more than the read (decision
     * 43) */
    if (!status)
        status = cz__sqlite_run_text(&db->write, "PRAGMA cell_size_check=ON;", err);
    if (!status)
        status = cz__sqlite_run_text(&db->write, options.synchronous, err);
    if (!status && !in_memory)
        status = cz__sqlite_connection_open(&db->read, name, SQLITE_OPEN_READWRITE, err);
    if (!status && !in_memory)
        status = cz__sqlite_run_text(&db->read, "PRAGMA query_only=ON;", err);
    if (!status && !(db->path = cz_strdup(name)))
        status = cz_error_set(err, CZ_ENOMEM, "no memory to open the database");
    if (status) {
        cz__sqlite_close(&db->base);
        return status;
    }
    db->base.created = created ? db->path : NULL;
    cz_ignore(sqlite3_busy_timeout(db->write.handle, 0));
    sqlite3_wal_hook(db->write.handle, cz__sqlite_note_frames, db);
    if (!in_memory)
        cz_ignore(sqlite3_busy_timeout(db->read.handle, READ_TIMEOUT_MS));
    if (db->loop && !in_memory) {
        db->turn_hook.on_turn_end = end_turn;
        cz__turn_hook_add(db->loop, &db->turn_hook);
    }
    cz__sqlite_turn_start(db, name);
    *out = &db->base;
    return CZ_OK;
}

void cz__sqlite_close(cz__db *base)
{
    struct cz__sqlite *db = (struct cz__sqlite *)base;
    if (db->turn_hook.on_turn_end)
        cz__turn_hook_remove(db->loop, &db->turn_hook);
    cz__sqlite_turn_stop(db);
    cz__sqlite_connection_close(&db->read);
    cz__sqlite_connection_close(&db->write);
    cz_free(db->path);
    cz_free(db);
}

/* ---- statements ---- */

cz_status cz__sqlite_prepare(struct cz__sqlite_connection *connection,
                             const cz__db_statement *statement, sqlite3_stmt **out, cz_error *err)
{
    uint32_t number = statement->number;
    bool cached = number != CZ__STATEMENT_UNCACHED;
    if (cached && number < connection->statement_cap && connection->statements[number]) {
        *out = connection->statements[number];
        return CZ_OK;
    }
    if (cached && number >= connection->statement_cap) {
        size_t cap = connection->statement_cap ? connection->statement_cap : STATEMENTS_MIN;
        while (cap <= number)
            cap *= 2;
        sqlite3_stmt **grown = cz_realloc(connection->statements, cap * sizeof(sqlite3_stmt *));
        if (!grown)
            return cz_error_set(err, CZ_ENOMEM, "no memory for a prepared statement");
        memset(grown + connection->statement_cap, 0,
               (cap - connection->statement_cap) * sizeof(sqlite3_stmt *));
        connection->statements = grown;
        connection->statement_cap = cap;
    }
    sqlite3_stmt *prepared = NULL;
    int code =
        sqlite3_prepare_v3(connection->handle, statement->sql.ptr, (int)statement->sql.len + 1,
                           cached ? SQLITE_PREPARE_PERSISTENT : 0, &prepared, NULL);
    if (code != SQLITE_OK)
        return cz__sqlite_error(connection, code, err);
    if (cached)
        connection->statements[number] = prepared;
    *out = prepared;
    return CZ_OK;
}

void cz__sqlite_release(sqlite3_stmt *prepared, bool uncached)
{
    /* both repeat the error of the last step, which was reported */
    if (uncached)
        cz_ignore(sqlite3_finalize(prepared));
    else
        cz_ignore(sqlite3_reset(prepared));
}

cz_status cz__sqlite_bind_all(struct cz__sqlite_connection *connection, sqlite3_stmt *prepared,
                              const cz__db_param *params, size_t count, cz_error *err)
{
    /* one too few would run with what the statement's last use left bound */
    int wanted = sqlite3_bind_parameter_count(prepared);
    if ((size_t)wanted != count)
        return cz_error_set(err, CZ_EINVAL, "the statement has %d parameters, not %zu", wanted,
                            count);
    for (size_t i = 0; i < count; i++) {
        int code = cz__sqlite_bind(prepared, (int)i + 1, &params[i]);
        if (code != SQLITE_OK)
            return cz__sqlite_error(connection, code, err);
    }
    return CZ_OK;
}

/* ---- reading ---- */

void cz__sqlite_end_read(struct cz__sqlite *db)
{
    if (!db->reading)
        return;
    db->reading = false;
    static const cz__db_statement commit = { .sql = { "COMMIT", 6 }, .number = 1 };
    sqlite3_stmt *prepared = NULL;
    if (cz__sqlite_prepare(&db->read, &commit, &prepared, NULL) == CZ_OK) {
        cz_ignore(sqlite3_step(prepared)); /* ending a read cannot fail; a failed one ends anyway */
        cz__sqlite_release(prepared, false);
    }
}

static void end_turn(cz__turn_hook *hook)
{
    cz__sqlite_end_read(
        (struct cz__sqlite *)((char *)hook - offsetof(struct cz__sqlite, turn_hook)));
}

static cz_status begin_read(struct cz__sqlite *db, cz_error *err)
{
    static const cz__db_statement begin = { .sql = { "BEGIN", 5 }, .number = 0 };
    sqlite3_stmt *prepared = NULL;
    cz_status status = cz__sqlite_prepare(&db->read, &begin, &prepared, err);
    if (status)
        return status;
    int code = sqlite3_step(prepared);
    cz__sqlite_release(prepared, false);
    if (code != SQLITE_DONE)
        return cz__sqlite_error(&db->read, code, err);
    db->reading = true;
    return CZ_OK;
}

cz_status cz__sqlite_select(cz_ctx *ctx, cz__db_session *session, const cz__db_statement *statement,
                            const cz__db_param *params, size_t count, cz__db_cursor *out,
                            cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    bool on_write = session->writing || db->in_memory;
    struct cz__sqlite_connection *connection = on_write ? &db->write : &db->read;
    cz_status status = CZ_OK;
    if (db->in_memory && db->taken && !session->writing)
        status = cz__sqlite_wait_for_writer(ctx, db, err);
    if (status)
        return status;
    if (!on_write && !db->reading && db->loop)
        status = begin_read(db, err);
    sqlite3_stmt *prepared = NULL;
    if (!status)
        status = cz__sqlite_prepare(connection, statement, &prepared, err);
    if (status)
        return status;
    bool uncached = statement->number == CZ__STATEMENT_UNCACHED;
    if (session->read_only && !sqlite3_stmt_readonly(prepared)) /* INSERT ... RETURNING */
        status = cz__sqlite_refuse_change(err);
    else
        status = cz__sqlite_bind_all(connection, prepared, params, count, err);
    if (status) {
        cz__sqlite_release(prepared, uncached);
        return status;
    }
    *out = (cz__db_cursor){ .db = &db->base, .handle = prepared, .uncached = uncached };
    db->misread = false; /* who read the last row of another may have left it there */
    return CZ_OK;
}

cz_status cz__sqlite_step(cz__db_cursor *cursor, bool *out_row, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)cursor->db;
    if (__builtin_expect(db->misread, 0)) {
        db->misread = false;
        return cz_error_set(err, CZ_EDATABASE,
                            "a column holds a number that does not fit its field's type");
    }
    if (cursor->stream && !cz__sqlite_stream_step(cursor)) {
        *out_row = false;
        return CZ_OK;
    }
    int code = sqlite3_step(cursor->handle);
    if (code == SQLITE_DONE && cursor->stream)
        cz__sqlite_stream_over(cursor);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        *out_row = code == SQLITE_ROW;
        return CZ_OK;
    }
    struct cz__sqlite_connection connection = { .handle = sqlite3_db_handle(cursor->handle) };
    return cz__sqlite_error(&connection, code, err);
}

void cz__sqlite_finish(cz__db_cursor *cursor)
{
    if (cursor->stream)
        cz__sqlite_stream_finish(cursor);
    else
        cz__sqlite_release(cursor->handle, cursor->uncached);
    cursor->handle = NULL;
}

/* ---- what a statement gives ---- */

cz_status cz__sqlite_describe(cz_ctx *ctx, cz__db_session *session,
                              const cz__db_statement *statement, cz__db_cursor *out, size_t *out_at,
                              cz_error *err)
{
    (void)ctx;
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    sqlite3_stmt *prepared = NULL;
    cz__db_statement once = *statement;
    once.number = CZ__STATEMENT_UNCACHED;
    cz_status status = cz__sqlite_prepare(&db->write, &once, &prepared, err);
    int at = status ? sqlite3_error_offset(db->write.handle) : -1;
    *out_at = at < 0 ? SIZE_MAX : (size_t)at;
    if (!status && (size_t)sqlite3_bind_parameter_count(prepared) != statement->type_count) {
        status = cz_error_set(err, CZ_EINVAL, "the statement has %d parameters, not %zu",
                              sqlite3_bind_parameter_count(prepared), statement->type_count);
        cz__sqlite_release(prepared, true);
    }
    if (!status)
        *out = (cz__db_cursor){ .db = session->db, .handle = prepared, .uncached = true };
    return status;
}

unsigned cz__sqlite_column_count(const cz__db_cursor *cursor)
{
    return (unsigned)sqlite3_column_count(cursor->handle);
}

const char *cz__sqlite_column_name(const cz__db_cursor *cursor, unsigned column)
{
    const char *name = sqlite3_column_name(cursor->handle, (int)column);
    return name ? name : ""; /* no memory: no column is called that */
}
