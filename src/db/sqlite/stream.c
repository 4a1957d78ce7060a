/* Rows in parts, of one state of the database.
 *
 * A statement that stays open while the fiber suspends has a connection of its own; the log cannot be folded up past
 * what it still reads. Where only the write connection sees the rows (inside a transaction that writes, in memory)
 * nothing may stay open: there they are copied to a temporary table, and read from it part by part. */
#include "db/sqlite/sqlite_internal.h"
#include <stdio.h>

enum { READ_TIMEOUT_MS = 1000, NAME_BYTES = 96 };

struct cz__db_stream {
    struct cz__sqlite_connection own; /* of a statement that stays open */
    sqlite3_stmt *prepared;           /* owned; NULL: ended */
    struct cz__sqlite *db;
    size_t rows; /* of a part */
    bool over;
    unsigned copy;   /* the temporary table's number; 0: there is none */
    int64_t read_to; /* its last row that was read */
};

static cz_status open_own(cz__db_stream *stream, const cz__db_statement *statement,
                          const cz__db_param *params, size_t count, cz_error *err)
{
    cz_status status =
        cz__sqlite_connection_open(&stream->own, stream->db->path, SQLITE_OPEN_READWRITE, err);
    if (status)
        return status;
    cz_ignore(sqlite3_busy_timeout(stream->own.handle, READ_TIMEOUT_MS));
    /* not mapped: the whole file would count as this process's memory in the end */
    status = cz__sqlite_run_text(&stream->own, "PRAGMA query_only=ON; PRAGMA mmap_size=0;", err);
    if (!status)
        status = cz__sqlite_prepare(&stream->own, statement, &stream->prepared, err);
    if (!status)
        status = cz__sqlite_bind_all(&stream->own, stream->prepared, params, count, err);
    /* the first look into the file decides on the state that is seen */
    return status ? status
                  : cz__sqlite_run_text(&stream->own, "BEGIN; SELECT count(*) FROM sqlite_schema;",
                                        err);
}

static cz_status copy_rows(cz_ctx *ctx, cz__db_stream *stream, const cz__db_statement *statement,
                           const cz__db_param *params, size_t count, cz_error *err)
{
    static unsigned copies;
    struct cz__sqlite_connection *write = &stream->db->write;
    unsigned number = ++copies;
    char *sql = cz_arena_printf(ctx->arena, "CREATE TEMP TABLE cz_%u AS %.*s", number,
                                CZ_STR_ARG(statement->sql));
    if (!sql)
        return cz_error_set(err, CZ_ENOMEM, "no memory to read rows in parts");
    cz__db_statement create = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    sqlite3_stmt *prepared = NULL;
    cz_status status = cz__sqlite_prepare(write, &create, &prepared, err);
    if (status)
        return status;
    status = cz__sqlite_bind_all(write, prepared, params, count, err);
    int code = status ? SQLITE_DONE : sqlite3_step(prepared);
    if (code != SQLITE_DONE)
        status = cz__sqlite_error(write, code, err);
    cz__sqlite_release(prepared, true);
    if (status)
        return status;
    stream->copy = number;
    char text[NAME_BYTES];
    cz_ignore(snprintf(text, sizeof text,
                       "SELECT * FROM temp.cz_%u WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
                       number)); /* fits */
    cz__db_statement read = { .sql = cz_str_from(text), .number = CZ__STATEMENT_UNCACHED };
    return cz__sqlite_prepare(write, &read, &stream->prepared, err);
}

cz_status cz__sqlite_stream_begin(cz_ctx *ctx, cz__db_session *session,
                                  const cz__db_statement *statement, const cz__db_param *params,
                                  size_t count, size_t rows, cz__db_stream **out, cz_error *err)
{
    struct cz__sqlite *db = (struct cz__sqlite *)session->db;
    cz__db_stream *stream = cz_arena_new(ctx->arena, cz__db_stream);
    if (!stream)
        return cz_error_set(err, CZ_ENOMEM, "no memory to read rows in parts");
    *stream = (cz__db_stream){ .db = db, .rows = rows };
    cz__db_statement once = *statement;
    once.number = CZ__STATEMENT_UNCACHED;
    cz_status status = CZ_OK;
    if (db->in_memory && db->taken && !session->writing)
        status = cz__sqlite_wait_for_writer(ctx, db, err);
    if (!status)
        status = session->writing || db->in_memory
                     ? copy_rows(ctx, stream, &once, params, count, err)
                     : open_own(stream, &once, params, count, err);
    if (status)
        cz__sqlite_stream_end(ctx, stream, false);
    else
        *out = stream;
    return status;
}

cz_status cz__sqlite_stream_next(cz_ctx *ctx, cz__db_stream *stream, cz__db_cursor *out,
                                 cz_error *err)
{
    (void)ctx;
    if (stream->copy) {
        cz__db_param params[] = {
            { .kind = CZ__PARAM_INT, .type = CZ__DB_INT64, .integer = stream->read_to },
            { .kind = CZ__PARAM_INT, .type = CZ__DB_INT64, .integer = (int64_t)stream->rows },
        };
        cz_status status = cz__sqlite_bind_all(&stream->db->write, stream->prepared, params,
                                               CZ_COUNT(params), err);
        if (status)
            return status;
        stream->read_to += (int64_t)stream->rows;
    }
    *out = (cz__db_cursor){ .db = &stream->db->base,
                            .handle = stream->prepared,
                            .stream = stream,
                            .rows_left = stream->rows };
    return CZ_OK;
}

bool cz__sqlite_stream_step(cz__db_cursor *cursor)
{
    const cz__db_stream *stream = cursor->stream;
    if (stream->over || !cursor->rows_left)
        return false;
    cursor->rows_left--;
    return true;
}

void cz__sqlite_stream_over(cz__db_cursor *cursor)
{
    cz__db_stream *stream = cursor->stream;
    stream->over = true; /* another step would begin anew */
}

void cz__sqlite_stream_finish(cz__db_cursor *cursor)
{
    const cz__db_stream *stream = cursor->stream;
    if (stream->copy)
        cz__sqlite_release(stream->prepared, false);
}

void cz__sqlite_stream_end(cz_ctx *ctx, cz__db_stream *stream, bool ends_early)
{
    (void)ctx;
    (void)ends_early;
    if (stream->prepared)
        cz__sqlite_release(stream->prepared, true);
    stream->prepared = NULL;
    if (stream->copy) { /* which a rollback may have taken along */
        char text[NAME_BYTES];
        cz_ignore(snprintf(text, sizeof text, "DROP TABLE IF EXISTS temp.cz_%u",
                           stream->copy)); /* fits */
        cz_ignore(
            cz__sqlite_run_text(&stream->db->write, text, NULL)); /* else it goes at the close */
    }
    stream->copy = 0;
    cz__sqlite_connection_close(&stream->own);
}
