/* Values into parameters and out of columns. */
#include <calzone/base64.h>
#include <calzone/json.h>
#include "db/sqlite/sqlite_internal.h"
#include <math.h>

/* ---- parameters ---- */

/* A decimal of at most 18 digits is stored as the whole number of its last place, a longer one as text in a
 * column whose collation compares numbers; see cz__sqlite_decimal_is_scaled(). */
static int bind_decimal(sqlite3_stmt *prepared, int at, const cz__db_param *param)
{
    int64_t units;
    char text[CZ_DECIMAL_TEXT];
    if (cz__sqlite_decimal_is_scaled(param->type) &&
        cz_decimal_units(param->decimal, CZ__DB_PLACES(param->type), &units) == CZ_OK)
        return sqlite3_bind_int64(prepared, at, units);
    if (param->type & CZ__DB_AS_NUMBER)
        return sqlite3_bind_double(prepared, at, cz_decimal_to_double(param->decimal));
    return sqlite3_bind_text(prepared, at, text, (int)cz_decimal_write(text, param->decimal),
                             SQLITE_TRANSIENT);
}

size_t cz__sqlite_uuid_write(char *out, cz_uuid uuid, cz__db_type type)
{
    char text[CZ_UUID_TEXT];
    size_t len = 0;
    cz_uuid_write(text, uuid);
    for (size_t i = 0; i < CZ_UUID_TEXT; i++)
        if (text[i] != '-' || !(type & CZ__DB_AS_DIGITS))
            out[len++] = text[i];
    return len;
}

cz_status cz__sqlite_uuid_parse(cz_str text, cz_uuid *out)
{
    char hyphened[CZ_UUID_TEXT];
    if (text.len != 2 * sizeof out->bytes)
        return cz_uuid_parse(text, out);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            hyphened[len++] = '-';
        hyphened[len++] = text.ptr[i];
    }
    return cz_uuid_parse(cz_str_of(hyphened, len), out);
}

/* A list is a JSON list, which json_each() takes apart. */
static int bind_list(sqlite3_stmt *prepared, int at, const cz__db_param *param)
{
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_list(&json);
    for (size_t i = 0; i < param->item_count; i++) {
        char uuid[CZ_UUID_TEXT];
        if (param->kind == CZ__PARAM_INT_LIST) {
            cz_json_i64(&json, ((const int64_t *)param->items)[i]);
        } else if (param->kind == CZ__PARAM_TEXT_LIST) {
            cz_json_str(&json, ((const cz_str *)param->items)[i]);
        } else {
            size_t len =
                cz__sqlite_uuid_write(uuid, ((const cz_uuid *)param->items)[i], param->type);
            cz_json_str(&json, cz_str_of(uuid, len));
        }
    }
    cz_json_list_end(&json);
    int code = SQLITE_NOMEM;
    if (!cz_buf_status(&buf))
        code = sqlite3_bind_text64(prepared, at, buf.ptr, buf.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    cz_buf_done(&buf);
    return code;
}

/* Dates are stored as Django stores them, text that sorts; UUIDs in their usual form. */
int cz__sqlite_bind(sqlite3_stmt *prepared, int at, const cz__db_param *param)
{
    char text[64];
    size_t len;
    switch (param->kind) {
    case CZ__PARAM_NULL:
        return sqlite3_bind_null(prepared, at);
    case CZ__PARAM_INT:
        return sqlite3_bind_int64(prepared, at, param->integer);
    case CZ__PARAM_REAL:
        return sqlite3_bind_double(prepared, at, param->real);
    case CZ__PARAM_TEXT:
        return sqlite3_bind_text64(prepared, at, param->text.ptr ? param->text.ptr : "",
                                   param->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case CZ__PARAM_DATE:
        len = cz_date_write(text, (cz_date){ (int32_t)param->integer });
        return sqlite3_bind_text(prepared, at, text, (int)len, SQLITE_TRANSIENT);
    case CZ__PARAM_DATETIME:
        len = cz_datetime_write(text, (cz_datetime){ param->integer });
        text[10] = ' ';
        return sqlite3_bind_text(prepared, at, text, (int)len - 1 /* the Z */, SQLITE_TRANSIENT);
    case CZ__PARAM_UUID:
        len = cz__sqlite_uuid_write(text, param->uuid, param->type);
        return sqlite3_bind_text(prepared, at, text, (int)len, SQLITE_TRANSIENT);
    case CZ__PARAM_TIME:
        len = cz_time_write(text, (cz_time){ param->integer });
        return sqlite3_bind_text(prepared, at, text, (int)len, SQLITE_TRANSIENT);
    case CZ__PARAM_DURATION:
        return sqlite3_bind_int64(prepared, at, param->integer);
    case CZ__PARAM_DECIMAL:
        return bind_decimal(prepared, at, param);
    case CZ__PARAM_BINARY:
        return sqlite3_bind_blob64(prepared, at, param->text.len ? param->text.ptr : "",
                                   param->text.len, SQLITE_STATIC);
    case CZ__PARAM_INT_LIST:
    case CZ__PARAM_TEXT_LIST:
    case CZ__PARAM_UUID_LIST:
        return bind_list(prepared, at, param);
    }
    return SQLITE_MISUSE;
}

/* ---- columns ---- */

cz_decimal cz__sqlite_decimal(sqlite3_value *value, cz__db_type type)
{
    cz_decimal d = { 0 };
    int places = CZ__DB_PLACES(type);
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: {
        int64_t units = sqlite3_value_int64(value);
        if (cz__sqlite_decimal_is_scaled(type))
            return cz_decimal_of(units, places);
        d = cz_decimal_of(units, 0);
        break;
    }
    case SQLITE_FLOAT:
        if (cz_decimal_from_double(sqlite3_value_double(value), &d))
            d = (cz_decimal){ 0 };
        if (cz__sqlite_decimal_is_scaled(
                type)) { /* what became of scaled integers in an expression */
            cz_decimal unit = cz_decimal_of(1, places);
            if (cz_decimal_multiply(d, unit, &d))
                d = (cz_decimal){ 0 };
        }
        break;
    default: {
        cz_str text;
        text.ptr = (const char *)sqlite3_value_text(value);
        text.len = (size_t)sqlite3_value_bytes(value);
        if (cz_decimal_parse(text, &d))
            d = (cz_decimal){ 0 };
    }
    }
    cz_decimal rounded; /* numbers of other hands come with places of their own */
    return cz_decimal_round(d, places, &rounded) ? d : rounded;
}

/* Each sqlite3_column_*() call takes the connection's mutex and checks for a failed allocation; the value's
 * own accessors do neither. SQLite calls such a value "unprotected" because another thread could change it
 * meanwhile: this connection is used by one thread (SQLITE_OPEN_NOMUTEX). */
bool cz__sqlite_read(const cz__db_cursor *cursor, unsigned column, cz__db_type type, void *out)
{
    sqlite3_value *value = sqlite3_column_value(cursor->handle, (int)column);
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return false;
    cz__db_kind kind = CZ__DB_KIND(type);
    int64_t wide;
    switch (kind) {
    case CZ__DB_INT16:
        wide = sqlite3_value_int64(value);
        *(int16_t *)out = (int16_t)wide;
        if (__builtin_expect(wide != (int16_t)wide, 0))
            ((struct cz__sqlite *)cursor->db)->misread = true;
        return true;
    case CZ__DB_INT32:
        wide = sqlite3_value_int64(value);
        *(int32_t *)out = (int32_t)wide;
        if (__builtin_expect(wide != (int32_t)wide, 0))
            ((struct cz__sqlite *)cursor->db)->misread = true;
        return true;
    case CZ__DB_INT64:
        *(int64_t *)out = sqlite3_value_int64(value);
        return true;
    case CZ__DB_BOOL:
        *(bool *)out = sqlite3_value_int64(value) != 0;
        return true;
    case CZ__DB_REAL:
        *(double *)out = sqlite3_value_double(value);
        return true;
    case CZ__DB_DURATION:
        /* an average has a fraction */
        *(cz_duration *)out = (cz_duration){ sqlite3_value_type(value) == SQLITE_FLOAT
                                                 ? llround(sqlite3_value_double(value))
                                                 : sqlite3_value_int64(value) };
        return true;
    case CZ__DB_DECIMAL:
        *(cz_decimal *)out = cz__sqlite_decimal(value, type);
        return true;
    case CZ__DB_BINARY:
        ((cz_str *)out)->ptr = sqlite3_value_blob(value);
        ((cz_str *)out)->len = (size_t)sqlite3_value_bytes(value);
        return true;
    default:
        break;
    }
    cz_str text;
    text.ptr = (const char *)sqlite3_value_text(value);
    text.len = (size_t)sqlite3_value_bytes(value);
    cz_status status = CZ_OK;
    switch (kind) {
    case CZ__DB_DATE:
        *(cz_date *)out = (cz_date){ 0 };
        status = cz_date_parse(text, out);
        break;
    case CZ__DB_DATETIME:
        *(cz_datetime *)out = (cz_datetime){ 0 };
        status = cz_datetime_parse(text, out);
        break;
    case CZ__DB_TIME:
        *(cz_time *)out = (cz_time){ 0 };
        status = cz_time_parse(text, out);
        break;
    case CZ__DB_UUID:
        *(cz_uuid *)out = (cz_uuid){ { 0 } };
        status = cz__sqlite_uuid_parse(text, out);
        break;
    default: /* TEXT, JSON, IP, and lists as they are stored */
        *(cz_str *)out = text;
        break;
    }
    cz_ignore(status); /* text that is no such value reads as zero, as the header says */
    return true;
}

/* What is stored as text and means something else. */
static bool is_text_of(cz__db_kind kind, cz_str text)
{
    cz_date date;
    cz_datetime instant;
    cz_time time;
    cz_uuid uuid;
    cz_decimal decimal;
    switch (kind) {
    case CZ__DB_DATE:
        return cz_date_parse(text, &date) == CZ_OK;
    case CZ__DB_DATETIME:
        return cz_datetime_parse(text, &instant) == CZ_OK;
    case CZ__DB_TIME:
        return cz_time_parse(text, &time) == CZ_OK;
    case CZ__DB_UUID:
        return cz_uuid_parse(text, &uuid) == CZ_OK;
    case CZ__DB_DECIMAL:
        return cz_decimal_parse(text, &decimal) == CZ_OK;
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
        return text.len && text.ptr[0] == '[';
    default:
        return kind == CZ__DB_TEXT || kind == CZ__DB_JSON || kind == CZ__DB_IP;
    }
}

bool cz__sqlite_is_readable(const cz__db_cursor *cursor, unsigned column, cz__db_type type)
{
    if (!sqlite3_data_count(cursor->handle))
        return true;
    sqlite3_value *value = sqlite3_column_value(cursor->handle, (int)column);
    cz__db_kind kind = CZ__DB_KIND(type);
    cz_str text;
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        return true;
    case SQLITE_INTEGER:
        return kind == CZ__DB_INT16 || kind == CZ__DB_INT32 || kind == CZ__DB_INT64 ||
               kind == CZ__DB_BOOL || kind == CZ__DB_REAL || kind == CZ__DB_DURATION ||
               kind == CZ__DB_DECIMAL;
    case SQLITE_FLOAT:
        return kind == CZ__DB_REAL || kind == CZ__DB_DURATION || kind == CZ__DB_DECIMAL;
    case SQLITE_BLOB:
        return kind == CZ__DB_BINARY;
    default:
        text.ptr = (const char *)sqlite3_value_text(value);
        text.len = (size_t)sqlite3_value_bytes(value);
        return is_text_of(kind, text);
    }
}

cz_status cz__sqlite_read_list(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                               cz_arena *arena, void *out, bool *out_null)
{
    cz_str text;
    *out_null = !cz__sqlite_read(cursor, column, CZ__DB_TEXT, &text);
    if (*out_null)
        return CZ_OK;
    size_t count = 0, cap = cz_str_count(text, ',') + 1; /* commas inside texts are room to spare */
    bool integers = CZ__DB_KIND(type) == CZ__DB_INT_LIST;
    int64_t *numbers = integers ? cz_arena_array(arena, int64_t, cap) : NULL;
    cz_str *texts = integers ? NULL : cz_arena_array(arena, cz_str, cap);
    if (!numbers && !texts)
        return CZ_ENOMEM;
    cz_json_reader reader;
    cz_json_reader_init(&reader, arena, text, NULL);
    cz_json_kind kind = cz_json_next(&reader);
    /* a document that is no such list was written by somebody else and reads as far as it is one */
    while (kind == CZ_JSON_LIST || count) {
        kind = cz_json_next(&reader);
        if (reader.status || kind == CZ_JSON_END || kind != (integers ? CZ_JSON_INT : CZ_JSON_STR))
            break;
        if (integers)
            numbers[count++] = reader.integer;
        else if (cz_str_dup(arena, reader.text, &texts[count++]))
            return CZ_ENOMEM;
    }
    if (reader.status == CZ_ENOMEM)
        return CZ_ENOMEM;
    if (integers)
        *(cz_int_list *)out = (cz_int_list){ numbers, count };
    else
        *(cz_str_list *)out = (cz_str_list){ texts, count };
    return CZ_OK;
}

/* A stored date or UUID is its own JSON once it is known to be one; an instant is written "2026-11-21
 * 04:05:06" and sent with "T" and "Z". */
static char *write_stored_text(char *at, cz__db_kind kind, cz_str text)
{
    cz_datetime instant = { 0 };
    cz_date date = { 0 };
    cz_time time = { 0 };
    cz_uuid uuid = { { 0 } };
    *at++ = '"';
    if (kind == CZ__DB_DATETIME) {
        if (cz_datetime_parse(text, &instant) == CZ_OK && text.len == 19) {
            memcpy(at, text.ptr, 19);
            at[10] = 'T';
            at[19] = 'Z';
            at += 20;
        } else {
            at +=
                cz_datetime_write(at, instant); /* text that is no such value is the type's zero */
        }
    } else if (kind == CZ__DB_DATE) {
        cz_ignore(cz_date_parse(text, &date));
        at += cz_date_write(at, date);
    } else if (kind == CZ__DB_TIME) {
        cz_ignore(cz_time_parse(text, &time));
        at += cz_time_write(at, time);
    } else {
        cz_ignore(cz__sqlite_uuid_parse(text, &uuid));
        cz_uuid_write(at, uuid);
        at += CZ_UUID_TEXT;
    }
    *at++ = '"';
    return at;
}

static char *write_quoted(char *at, sqlite3_value *value, cz__db_type type)
{
    *at++ = '"';
    if (CZ__DB_KIND(type) == CZ__DB_DECIMAL) /* text, as DRF: a double would lose digits */
        at += cz_decimal_write(at, cz__sqlite_decimal(value, type));
    else
        at += cz_duration_write(at, (cz_duration){ sqlite3_value_int64(value) });
    *at++ = '"';
    return at;
}

/* What is stored as text and how many bytes of JSON it can become. */
static size_t json_bytes_max(cz__db_kind kind, sqlite3_value *value, cz_str *out_text)
{
    switch (kind) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
    case CZ__DB_BOOL:
    case CZ__DB_REAL:
    case CZ__DB_DECIMAL:
    case CZ__DB_DURATION:
        return 64;
    case CZ__DB_BINARY:
        out_text->ptr = sqlite3_value_blob(value);
        out_text->len = (size_t)sqlite3_value_bytes(value);
        return out_text->len / 3 * 4 + 8;
    default:
        out_text->ptr = (const char *)sqlite3_value_text(value);
        out_text->len = (size_t)sqlite3_value_bytes(value);
        return 6 * out_text->len + 64;
    }
}

void cz__sqlite_write_json(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                           cz_buf *out)
{
    sqlite3_value *value = sqlite3_column_value(cursor->handle, (int)column);
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        cz_buf_append_lit(out, "null");
        return;
    }
    cz__db_kind kind = CZ__DB_KIND(type);
    cz_str text = { 0 };
    char *start = cz_buf_reserve(out, json_bytes_max(kind, value, &text)), *at = start;
    if (!start)
        return;
    switch (kind) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        at += cz_i64_write(at, sqlite3_value_int64(value));
        break;
    case CZ__DB_BOOL:
        if (sqlite3_value_int64(value)) {
            memcpy(at, "true", 4);
            at += 4;
        } else {
            memcpy(at, "false", 5);
            at += 5;
        }
        break;
    case CZ__DB_REAL:
        at = cz__json_write_f64(at, sqlite3_value_double(value));
        break;
    case CZ__DB_TEXT:
    case CZ__DB_IP:
        at = cz__json_write_str(at, text);
        break;
    case CZ__DB_JSON: /* a document of its own; the column's CHECK keeps it one */
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
        memcpy(at, text.ptr, text.len);
        at += text.len;
        break;
    case CZ__DB_BINARY:
        *at++ = '"';
        at += cz_base64_write(at, text.ptr, text.len);
        *at++ = '"';
        break;
    case CZ__DB_DECIMAL:
    case CZ__DB_DURATION:
        at = write_quoted(at, value, type);
        break;
    case CZ__DB_DATE:
    case CZ__DB_DATETIME:
    case CZ__DB_TIME:
    case CZ__DB_UUID:
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        at = write_stored_text(at, kind, text);
        break;
    }
    cz_buf_commit(out, (size_t)(at - start));
}
