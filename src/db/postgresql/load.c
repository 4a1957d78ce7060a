/* COPY ... FROM STDIN (FORMAT binary), a part at a time: rows are encoded into a buffer, and a full buffer is a
 * COPY of its own, so that nothing is half-way when the caller stops and memory is bounded.
 *
 * The binary format has to fit the columns exactly, so the server is asked what they are; the question also locks
 * the table against becoming another before the transaction ends. What has no binary form here is the caller's to
 * insert. */
#include "db/postgresql/postgresql_internal.h"
#include <arpa/inet.h>
#include <endian.h>

enum {
    PART_BYTES = 256 * 1024,
    COLUMNS_MAX = 1600, /* of a table in PostgreSQL */
    KEYS_MAX = 8192,    /* asked for at once */
    FLAGS = 2           /* columns of the question before the table's */
};

struct cz__db_load {
    cz__db_session *session;
    struct cz__pg_shape shape; /* the columns' types */
    const char *copy;          /* the statement */
    cz_buf rows;
};

/* The format's signature, no flags, no extension (PostgreSQL's manual, COPY, "Binary Format"). */
static const char signature[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

static cz_status no_memory(cz_error *err)
{
    cz_ignore(cz_error_set(err, CZ_ENOMEM, "no memory to load rows"));
    return CZ_ENOMEM;
}

static cz_status unsupported(cz_error *err)
{
    cz_ignore(cz_error_set(err, CZ_EUNSUPPORTED, "rows that COPY cannot load"));
    return CZ_EUNSUPPORTED;
}

/* One row: whether COPY does what INSERT would, whether keys can be had beforehand, and NULLs that have the
 * columns' types. */
static void write_question(cz_buf *sql, const struct cz__db_load_table *table)
{
    cz_buf_append_lit(sql, "SELECT c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT "
                           "row_security_active(c.oid), "
                           "coalesce(has_sequence_privilege(pg_get_serial_sequence($1, $2), "
                           "'USAGE, UPDATE'), false)");
    for (size_t i = 0; i < table->column_count; i++) {
        cz_buf_append_lit(sql, ", t.");
        cz__db_append_name(sql, table->columns[i]);
    }
    cz_buf_append_lit(sql, " FROM pg_class c LEFT JOIN ");
    cz__db_append_name(sql, table->name);
    cz_buf_append_lit(sql, " t ON false WHERE c.oid = CAST($1 AS regclass)");
    cz_buf_cstr(sql);
}

static void write_copy(cz_buf *sql, const struct cz__db_load_table *table)
{
    cz_buf_append_lit(sql, "COPY ");
    cz__db_append_name(sql, table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        cz_buf_append_str(sql, i ? CZ_STR(", ") : CZ_STR(" ("));
        cz__db_append_name(sql, table->columns[i]);
    }
    cz_buf_append_lit(sql, ") FROM STDIN (FORMAT binary)");
    cz_buf_cstr(sql);
}

static cz_status ask(cz_ctx *ctx, cz__db_session *session, cz_str sql, const cz__db_param *params,
                     const cz__db_type *types, size_t count, cz__db_cursor *out, cz_error *err)
{
    cz__db_statement statement = {
        .sql = sql, .number = CZ__STATEMENT_UNCACHED, .types = types, .type_count = count
    };
    return cz__postgresql_select(ctx, session, &statement, params, count, out, err);
}

/* Keep the columns' types; CZ_EUNSUPPORTED when COPY is not for this table. */
static cz_status take_answer(cz_ctx *ctx, const struct cz__db_load_table *table,
                             cz__db_cursor *cursor, cz__db_load *load, cz_error *err)
{
    const struct cz__pg_request *request = cursor->handle;
    bool row, simple = false, keys = false;
    cz_status status = cz__postgresql_step(cursor, &row, err);
    if (status)
        return status;
    if (!row || !cz__postgresql_read(cursor, 0, CZ__DB_BOOL, &simple) || !simple ||
        !cz__postgresql_read(cursor, 1, CZ__DB_BOOL, &keys) || (table->key && !keys))
        return unsupported(err);
    load->shape.count = (uint16_t)table->column_count;
    load->shape.types = cz_arena_array(ctx->arena, Oid, table->column_count);
    if (!load->shape.types)
        return no_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        cz__db_kind kind = CZ__DB_KIND(table->types[i]);
        Oid type = cz__pq.PQftype(request->result, (int)i + FLAGS);
        bool list = kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST;
        if (list && type != cz__pg_oid_of(table->types[i]))
            return unsupported(err); /* an item brings its type along */
        load->shape.types[i] = type;
    }
    return CZ_OK;
}

static cz_status ask_columns(cz_ctx *ctx, const struct cz__db_load_table *table, cz__db_load *load,
                             cz_error *err)
{
    static const cz__db_type types[] = { CZ__DB_TEXT, CZ__DB_TEXT };
    cz_buf sql = { 0 }, name = { 0 };
    cz__db_cursor cursor;
    cz__db_append_name(&name, table->name);
    write_question(&sql, table);
    cz__db_param params[] = {
        { .kind = CZ__PARAM_TEXT, .text = cz_buf_str(&name) },
        { .kind = table->key ? CZ__PARAM_TEXT : CZ__PARAM_NULL,
          .text = cz_str_from(table->key ? table->key : "") },
    };
    cz_status status = cz_buf_status(&sql) || cz_buf_status(&name)
                           ? no_memory(err)
                           : ask(ctx, load->session, cz_buf_str(&sql), params, types,
                                 CZ_COUNT(types), &cursor, err);
    if (!status) {
        status = take_answer(ctx, table, &cursor, load, err);
        cz__postgresql_finish(&cursor);
    }
    cz_buf_done(&sql);
    cz_buf_done(&name);
    return status;
}

/* The next `count` values of the key's sequence. */
static cz_status take_some_keys(cz_ctx *ctx, cz__db_session *session,
                                const struct cz__db_load_table *table, cz_str name, int64_t *keys,
                                size_t count, cz_error *err)
{
    static const char sql[] =
        "SELECT nextval(s) FROM (SELECT CAST(pg_get_serial_sequence($1, $2) AS regclass) AS s "
        "OFFSET 0) known, generate_series(1, $3)";
    static const cz__db_type types[] = { CZ__DB_TEXT, CZ__DB_TEXT, CZ__DB_INT64 };
    cz__db_param params[] = {
        { .kind = CZ__PARAM_TEXT, .text = name },
        { .kind = CZ__PARAM_TEXT, .text = cz_str_from(table->key) },
        { .kind = CZ__PARAM_INT, .integer = (int64_t)count },
    };
    cz__db_cursor cursor;
    cz_status status = ask(ctx, session, cz_str_of(sql, sizeof sql - 1), params, types,
                           CZ_COUNT(types), &cursor, err);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++) {
        bool row;
        status = cz__postgresql_step(&cursor, &row, err);
        bool given = !status && row && cz__postgresql_read(&cursor, 0, CZ__DB_INT64, &keys[i]);
        cz_assert(given || status);
    }
    cz__postgresql_finish(&cursor);
    return status;
}

static cz_status take_keys(cz_ctx *ctx, cz__db_session *session,
                           const struct cz__db_load_table *table, cz_error *err)
{
    cz_buf name = { 0 };
    cz__db_append_name(&name, table->name);
    cz_status status = cz_buf_status(&name) ? no_memory(err) : CZ_OK;
    for (size_t done = 0, part; done < table->key_count && !status; done += part) {
        size_t left = table->key_count - done;
        part = left < KEYS_MAX ? left : KEYS_MAX;
        status =
            take_some_keys(ctx, session, table, cz_buf_str(&name), table->keys + done, part, err);
    }
    cz_buf_done(&name);
    return status;
}

cz_status cz__postgresql_load_begin(cz_ctx *ctx, cz__db_session *session,
                                    const struct cz__db_load_table *table, cz__db_load **out,
                                    cz_error *err)
{
    cz_assert(session->depth > 0);
    if (table->column_count > COLUMNS_MAX)
        return unsupported(err);
    cz__db_load *load = cz_arena_new(ctx->arena, cz__db_load);
    cz_buf copy = { 0 };
    cz_str text;
    write_copy(&copy, table);
    bool written =
        load && !cz_buf_status(&copy) && !cz_str_dup(ctx->arena, cz_buf_str(&copy), &text);
    cz_buf_done(&copy);
    if (!written)
        return no_memory(err);
    *load = (cz__db_load){ .session = session, .copy = text.ptr };
    cz_status status = ask_columns(ctx, table, load, err);
    if (!status && table->key)
        status = take_keys(ctx, session, table, err);
    if (!status)
        *out = load;
    return status;
}

static cz_status send_rows(cz_ctx *ctx, cz__db_load *load, cz_error *err)
{
    struct cz__pg_link *link = load->session->connection;
    static const uint16_t trailer = 0xffff;
    cz_buf_append(&load->rows, &trailer, sizeof trailer);
    if (cz_buf_status(&load->rows))
        return no_memory(err);
    /* whoever asked for the columns has taken it and begun all blocks around */
    cz_assert(link && load->session->depth_sent == load->session->depth);
    struct cz__pg_request *request = NULL;
    if (link->state == CZ__PG_READY) {
        request = cz__pg_request_load(link, load->copy, cz_buf_str(&load->rows));
        if (!request)
            return no_memory(err);
        cz_status status = cz__pg_request_wait(ctx, request, false);
        if (status)
            return cz_error_set(err, status, "gave up waiting for the database");
    }
    cz_status status = CZ_OK;
    if (!request || request->lost)
        status = cz_error_set(err, CZ_EUNAVAILABLE,
                              "the connection of this transaction was lost, which undid it");
    else if (request->failure)
        status = cz__pg_error(request->failure, err);
    cz__pg_request_destroy(request);
    cz_buf_clear(&load->rows);
    return status;
}

static void append_u32(cz_buf *out, uint32_t value)
{
    uint32_t wire = htobe32(value);
    cz_buf_append(out, &wire, sizeof wire);
}

cz_status cz__postgresql_load_row(cz_ctx *ctx, cz__db_load *load, const cz__db_param *params,
                                  cz_error *err)
{
    struct cz__pg *db = (struct cz__pg *)load->session->db;
    size_t count = load->shape.count;
    cz_status status = load->rows.len >= PART_BYTES ? send_rows(ctx, load, err) : CZ_OK;
    if (!status)
        status = cz__pg_encode(db, &load->shape, params, count, err);
    if (status)
        return status;
    if (load->shape.version) /* it widened a type, which a column cannot be */
        return cz_error_set(err, CZ_EVALIDATION, "A number is out of its column's range.");
    for (size_t i = 0; i < count; i++)
        if (db->values[i] && !db->formats[i])
            return unsupported(err);
    if (!load->rows.len)
        cz_buf_append(&load->rows, signature, sizeof signature);
    uint16_t fields = htobe16((uint16_t)count);
    cz_buf_append(&load->rows, &fields, sizeof fields);
    for (size_t i = 0; i < count; i++) {
        append_u32(&load->rows, db->values[i] ? (uint32_t)db->lengths[i] : UINT32_MAX);
        if (db->values[i])
            cz_buf_append(&load->rows, db->values[i], (size_t)db->lengths[i]);
    }
    return cz_buf_status(&load->rows) ? no_memory(err) : CZ_OK;
}

cz_status cz__postgresql_load_end(cz_ctx *ctx, cz__db_load *load, cz_error *err)
{
    cz_status status = load->rows.len ? send_rows(ctx, load, err) : CZ_OK;
    cz__postgresql_load_destroy(load);
    return status;
}

void cz__postgresql_load_destroy(cz__db_load *load)
{
    cz_buf_done(&load->rows);
}
