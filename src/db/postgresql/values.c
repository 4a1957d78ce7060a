/* Values on the wire, in PostgreSQL's binary format: big-endian, dates and instants counted from 2000.
 * What has no form of its own here travels as text, which the server reads as the parameter's type. */
#include "db/postgresql/postgresql_internal.h"
#include <arpa/inet.h>
#include <calzone/base64.h>
#include <calzone/decimal.h>
#include <calzone/json.h>
#include <endian.h>
#include <float.h>
#include <stdio.h>

enum { /* pg_type.dat; fixed for good */
       OID_BOOL = 16,
       OID_BYTEA = 17,
       OID_CHAR = 18,
       OID_NAME = 19,
       OID_INT8 = 20,
       OID_INT2 = 21,
       OID_INT4 = 23,
       OID_TEXT = 25,
       OID_OID = 26,
       OID_JSON = 114,
       OID_XML = 142,
       OID_FLOAT4 = 700,
       OID_FLOAT8 = 701,
       OID_UNKNOWN = 705,
       OID_INET = 869,
       OID_INT2_LIST = 1005,
       OID_INT4_LIST = 1007,
       OID_TEXT_LIST = 1009,
       OID_VARCHAR_LIST = 1015,
       OID_INT8_LIST = 1016,
       OID_BPCHAR = 1042,
       OID_VARCHAR = 1043,
       OID_DATE = 1082,
       OID_TIME = 1083,
       OID_TIMESTAMP = 1114,
       OID_TIMESTAMPTZ = 1184,
       OID_INTERVAL = 1186,
       OID_NUMERIC = 1700,
       OID_UUID = 2950,
       OID_UUID_LIST = 2951,
       OID_JSONB = 3802,
       OID_USER_FIRST = 16384
};

enum { PARAMS_MAX = 65535, DAYS_TO_2000 = 10957, DATE_DAYS_MIN = -719162, DATE_DAYS_MAX = 2932896 };
static const int64_t US_TO_2000 = 946684800000000;
static const int64_t DATETIME_US_MIN = -62135596800000000, DATETIME_US_MAX = 253402300799999999;

Oid cz__pg_oid_of(cz__db_type type)
{
    static const Oid oids[CZ__DB_TYPE_COUNT] = {
        [CZ__DB_TEXT] = OID_TEXT,
        /* wider than the column: a condition may name a number that could not be stored */
        [CZ__DB_INT16] = OID_INT8,
        [CZ__DB_INT32] = OID_INT8,
        [CZ__DB_INT64] = OID_INT8,
        [CZ__DB_BOOL] = OID_BOOL,
        [CZ__DB_REAL] = OID_FLOAT8,
        [CZ__DB_DATE] = OID_DATE,
        [CZ__DB_DATETIME] = OID_TIMESTAMPTZ,
        [CZ__DB_UUID] = OID_UUID,
        [CZ__DB_DECIMAL] = OID_NUMERIC,
        [CZ__DB_TIME] = OID_TIME,
        [CZ__DB_DURATION] = OID_INTERVAL,
        [CZ__DB_JSON] = OID_JSONB,
        [CZ__DB_BINARY] = OID_BYTEA,
        [CZ__DB_IP] = OID_INET,
        [CZ__DB_INT_LIST] = OID_INT8_LIST,
        [CZ__DB_TEXT_LIST] = OID_TEXT_LIST,
        [CZ__DB_UUID_LIST] = OID_UUID_LIST,
    };
    if (type &
        CZ__DB_BY_HAND) /* 0: the server finds out; a number that does not fit widens its type */
        return CZ__DB_KIND(type) == CZ__DB_TEXT ? 0 : OID_INT4;
    return oids[CZ__DB_KIND(type)];
}

/* ---- sending ---- */

static bool make_room(struct cz__pg *db, size_t count)
{
    if (count <= db->value_cap)
        return true;
    size_t cap = db->value_cap ? db->value_cap : 16;
    while (cap < count)
        cap *= 2;
    const char **values = cz_realloc(db->values, cap * sizeof *values);
    if (values)
        db->values = values;
    int *lengths = cz_realloc(db->lengths, cap * sizeof *lengths);
    if (lengths)
        db->lengths = lengths;
    int *formats = cz_realloc(db->formats, cap * sizeof *formats);
    if (formats)
        db->formats = formats;
    if (!values || !lengths || !formats)
        return false;
    db->value_cap = cap;
    return true;
}

enum { AS_IT_IS = 2 }; /* instead of a format: the parameter's own bytes, not copied */

struct encoder {
    struct cz__pg *db;
    size_t at; /* the parameter */
    Oid *type;
    bool widened;
};

/* Bytes that are copied; `values` holds their place until all are written, as the buffer may move. */
static void put(struct encoder *e, const void *bytes, size_t len, bool binary)
{
    cz_buf *scratch = &e->db->scratch;
    e->db->values[e->at] = (const char *)scratch->len; /* NOLINT(performance-no-int-to-ptr) */
    e->db->lengths[e->at] = (int)len;
    e->db->formats[e->at] = binary;
    cz_buf_append(scratch, bytes, len);
    cz_buf_append_char(scratch, '\0'); /* libpq takes the length of text from it */
}

static void put_text(struct encoder *e, const char *text, size_t len)
{
    put(e, text, len, false);
}

static void put_i64(struct encoder *e, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    put(e, &wire, sizeof wire, true);
}

static void put_i32(struct encoder *e, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    put(e, &wire, sizeof wire, true);
}

static void put_f64(struct encoder *e, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htobe64(bits);
    put(e, &bits, sizeof bits, true);
}

/* Groups of four digits, those of the decimals from the point on; see read_numeric(). */
static void put_numeric(struct encoder *e, cz_decimal value)
{
    enum { GROUPS_MAX = CZ_DECIMAL_DIGITS_MAX / 4 + 3, HEADER = 4, NEGATIVE = 0x4000 };
    unsigned __int128 rest = (unsigned __int128)(uint64_t)value.high << 64 | value.low;
    bool negative = value.high < 0;
    rest = negative ? -rest : rest;
    uint16_t groups[GROUPS_MAX], wire[HEADER + GROUPS_MAX]; /* the last group first */
    int count = 0, last = -((value.places + 3) / 4), first_of_last = value.places % 4;
    if (first_of_last && rest) { /* only the first digits of the last group are there */
        static const unsigned scales[] = { 1, 10, 100, 1000 };
        unsigned scale = scales[first_of_last];
        groups[count++] = (uint16_t)((unsigned)(rest % scale) * (10000 / scale));
        rest /= scale;
    }
    for (; rest; rest /= 10000)
        groups[count++] = (uint16_t)(rest % 10000);
    int weight = count ? last + count - 1 : 0, skip = 0;
    while (skip < count && !groups[skip])
        skip++;
    wire[0] = htobe16((uint16_t)(count - skip));
    wire[1] = htobe16((uint16_t)weight);
    wire[2] = htobe16(negative ? NEGATIVE : 0);
    wire[3] = htobe16((uint16_t)value.places);
    for (int i = count, at = HEADER; i > skip; i--)
        wire[at++] = htobe16(groups[i - 1]);
    put(e, wire, (size_t)(HEADER + count - skip) * sizeof *wire, true);
}

static void put_f32(struct encoder *e, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htobe32(bits);
    put(e, &bits, sizeof bits, true);
}

static void put_integer(struct encoder *e, int64_t value)
{
    char text[24];
    if ((*e->type == OID_INT2 && value != (int16_t)value) ||
        (*e->type == OID_INT4 && value != (int32_t)value)) {
        *e->type = OID_INT8;
        e->widened = true;
    }
    switch (*e->type) {
    case OID_INT8:
        put_i64(e, value);
        break;
    case OID_INT4:
        put_i32(e, (int32_t)value);
        break;
    case OID_INT2: {
        uint16_t wire = htobe16((uint16_t)value);
        put(e, &wire, sizeof wire, true);
        break;
    }
    case OID_BOOL:
        put(e, value ? "\1" : "\0", 1, true);
        break;
    case OID_FLOAT8:
        put_f64(e, (double)value);
        break;
    case OID_NUMERIC:
        put_numeric(e, cz_decimal_of(value, 0));
        break;
    default:
        put_text(e, text, cz_i64_write(text, value));
    }
}

static void put_real(struct encoder *e, double value)
{
    char text[CZ__JSON_F64_BYTES];
    if (*e->type == OID_FLOAT8)
        put_f64(e, value);
    else if (*e->type == OID_FLOAT4 && value >= (double)-FLT_MAX && value <= (double)FLT_MAX)
        put_f32(e, (float)value);
    else if (value - value != 0) /* no number, or without end */
        put_text(e,
                 value != value ? "NaN"
                 : value > 0    ? "Infinity"
                                : "-Infinity",
                 value != value ? 3
                 : value > 0    ? 8
                                : 9);
    else
        put_text(e, text, (size_t)(cz__json_write_f64(text, value) - text));
}

static bool is_text(Oid type)
{
    return type == OID_TEXT || type == OID_VARCHAR || type == OID_BPCHAR || type == OID_JSON ||
           type == OID_NAME || type == OID_UNKNOWN || type == OID_XML || type == OID_CHAR;
}

/* Behind the version of jsonb's format. */
static void put_document(struct encoder *e, cz_str text)
{
    cz_buf *scratch = &e->db->scratch;
    e->db->values[e->at] = (const char *)scratch->len; /* NOLINT(performance-no-int-to-ptr) */
    e->db->lengths[e->at] = (int)(text.len + 1);
    e->db->formats[e->at] = 1;
    cz_buf_append_char(scratch, 1);
    cz_buf_append_str(scratch, text);
}

/* See write_address(). What is no plain address is left to the server to read. */
static void put_address(struct encoder *e, cz_str text)
{
    enum { HEADER = 4, FAMILY_V4 = 2, FAMILY_V6 = 3 };
    char name[CZ__PG_ADDRESS_BYTES], wire[HEADER + 16] = { 0 };
    if (text.len && text.len < sizeof name) {
        memcpy(name, text.ptr, text.len);
        name[text.len] = '\0';
        bool v4 = inet_pton(AF_INET, name, wire + HEADER) == 1;
        if (v4 || inet_pton(AF_INET6, name, wire + HEADER) == 1) {
            wire[0] = v4 ? FAMILY_V4 : FAMILY_V6;
            wire[1] = v4 ? 32 : (char)128;
            wire[3] = v4 ? 4 : 16;
            put(e, wire, HEADER + (size_t)wire[3], true);
            return;
        }
    }
    put_text(e, text.ptr, text.len);
}

static cz_status put_string(struct encoder *e, cz_str text, cz_error *err)
{
    if (cz_str_find_char(text, '\0') != SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "Null characters are not allowed.");
    if (text.len > INT32_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "a text of over 2 GiB");
    if (*e->type == OID_JSONB && text.len < INT32_MAX) {
        put_document(e, text);
        return CZ_OK;
    }
    if (*e->type == OID_INET) {
        put_address(e, text);
        return CZ_OK;
    }
    if (!is_text(*e->type)) {
        put_text(e, text.ptr, text.len);
        return CZ_OK;
    }
    e->db->lengths[e->at] = (int)text.len;
    e->db->formats[e->at] = AS_IT_IS;
    return CZ_OK;
}

/* Days and the rest apart, as the server itself would; it counts a day as 24 hours when it compares. */
static void put_interval(struct encoder *e, int64_t us)
{
    enum { BYTES = 16 };
    static const int64_t day_us = 86400000000;
    uint64_t rest = htobe64((uint64_t)(us % day_us));
    uint32_t days = htobe32((uint32_t)(int32_t)(us / day_us));
    char wire[BYTES] = { 0 }; /* the last four are months */
    memcpy(wire, &rest, sizeof rest);
    memcpy(wire + 8, &days, sizeof days);
    put(e, wire, sizeof wire, true);
}

static void append_u32(cz_buf *out, uint32_t value)
{
    uint32_t wire = htobe32(value);
    cz_buf_append(out, &wire, sizeof wire);
}

/* Dimensions, no flags, the items' type; per dimension its size and first index; each item with its
 * length. An empty array has no dimension. */
static cz_status put_list(struct encoder *e, const cz__db_param *param, cz_error *err)
{
    cz_buf *out = &e->db->scratch;
    size_t from = out->len;
    if (param->item_count > INT32_MAX / 64)
        return cz_error_set(err, CZ_ETOOBIG, "a list of over %d items", INT32_MAX / 64);
    append_u32(out, param->item_count ? 1 : 0);
    append_u32(out, 0);
    append_u32(out, param->kind == CZ__PARAM_INT_LIST    ? OID_INT8
                    : param->kind == CZ__PARAM_TEXT_LIST ? OID_TEXT
                                                         : OID_UUID);
    if (param->item_count) {
        append_u32(out, (uint32_t)param->item_count);
        append_u32(out, 1);
    }
    for (size_t i = 0; i < param->item_count; i++) {
        if (param->kind == CZ__PARAM_INT_LIST) {
            uint64_t wire = htobe64((uint64_t)((const int64_t *)param->items)[i]);
            append_u32(out, sizeof wire);
            cz_buf_append(out, &wire, sizeof wire);
        } else if (param->kind == CZ__PARAM_TEXT_LIST) {
            cz_str text = ((const cz_str *)param->items)[i];
            if (cz_str_find_char(text, '\0') != SIZE_MAX)
                return cz_error_set(err, CZ_EVALIDATION, "Null characters are not allowed.");
            append_u32(out, (uint32_t)text.len);
            cz_buf_append_str(out, text);
        } else {
            append_u32(out, sizeof(cz_uuid));
            cz_buf_append(out, &((const cz_uuid *)param->items)[i], sizeof(cz_uuid));
        }
    }
    e->db->values[e->at] = (const char *)from; /* NOLINT(performance-no-int-to-ptr) */
    e->db->lengths[e->at] = (int)(out->len - from);
    e->db->formats[e->at] = 1;
    return CZ_OK;
}

static cz_status encode_one(struct encoder *e, const cz__db_param *param, cz_error *err)
{
    char text[64];
    e->db->values[e->at] = NULL;
    e->db->lengths[e->at] = 0;
    e->db->formats[e->at] = -1;
    switch (param->kind) {
    case CZ__PARAM_NULL:
        return CZ_OK;
    case CZ__PARAM_INT:
        put_integer(e, param->integer);
        return CZ_OK;
    case CZ__PARAM_REAL:
        put_real(e, param->real);
        return CZ_OK;
    case CZ__PARAM_TEXT:
        return put_string(e, param->text, err);
    case CZ__PARAM_DATE:
        if (*e->type == OID_DATE)
            put_i32(e, (int32_t)param->integer - DAYS_TO_2000);
        else
            put_text(e, text, cz_date_write(text, (cz_date){ (int32_t)param->integer }));
        return CZ_OK;
    case CZ__PARAM_DATETIME:
        if (*e->type == OID_TIMESTAMPTZ || *e->type == OID_TIMESTAMP)
            put_i64(e, param->integer - US_TO_2000);
        else
            put_text(e, text, cz_datetime_write(text, (cz_datetime){ param->integer }));
        return CZ_OK;
    case CZ__PARAM_UUID:
        if (*e->type == OID_UUID) {
            put(e, param->uuid.bytes, sizeof param->uuid.bytes, true);
        } else {
            cz_uuid_write(text, param->uuid);
            put_text(e, text, CZ_UUID_TEXT);
        }
        return CZ_OK;
    case CZ__PARAM_DECIMAL:
        if (*e->type == OID_NUMERIC)
            put_numeric(e, param->decimal);
        else
            put_text(e, text, cz_decimal_write(text, param->decimal));
        return CZ_OK;
    case CZ__PARAM_TIME:
        if (*e->type == OID_TIME)
            put_i64(e, param->integer);
        else
            put_text(e, text, cz_time_write(text, (cz_time){ param->integer }));
        return CZ_OK;
    case CZ__PARAM_DURATION:
        if (*e->type == OID_INTERVAL)
            put_interval(e, param->integer);
        else
            put_text(e, text, cz_duration_write(text, (cz_duration){ param->integer }));
        return CZ_OK;
    case CZ__PARAM_BINARY:
        if (param->text.len > INT32_MAX)
            return cz_error_set(err, CZ_ETOOBIG, "a value of over 2 GiB");
        e->db->lengths[e->at] = (int)param->text.len;
        e->db->formats[e->at] = AS_IT_IS;
        return CZ_OK;
    case CZ__PARAM_INT_LIST:
    case CZ__PARAM_TEXT_LIST:
    case CZ__PARAM_UUID_LIST:
        return put_list(e, param, err);
    }
    return cz_error_set(err, CZ_EINVAL, "a parameter of an unknown kind");
}

cz_status cz__pg_encode(struct cz__pg *db, struct cz__pg_shape *shape, const cz__db_param *params,
                        size_t count, cz_error *err)
{
    if (count != shape->count)
        return cz_error_set(err, CZ_EINVAL, "the statement has %u parameters, not %zu",
                            shape->count, count);
    if (!make_room(db, count))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a statement's parameters");
    cz_buf_clear(&db->scratch);
    struct encoder encoder = { .db = db };
    for (size_t i = 0; i < count; i++) {
        encoder.at = i;
        encoder.type = &shape->types[i];
        cz_status status = encode_one(&encoder, &params[i], err);
        if (status)
            return status;
    }
    if (cz_buf_status(&db->scratch))
        return cz_error_set(err, CZ_ENOMEM, "no memory for a statement's parameters");
    for (size_t i = 0; i < count; i++) {
        if (db->formats[i] == AS_IT_IS) {
            db->values[i] = params[i].text.ptr ? params[i].text.ptr : "";
            db->formats[i] = 1;
        } else if (db->formats[i] >= 0) {
            db->values[i] = db->scratch.ptr + (size_t)db->values[i];
        } else {
            db->formats[i] = 1; /* NULL */
        }
    }
    if (encoder.widened)
        cz__pg_shape_outdate(shape);
    return CZ_OK;
}

/* ---- receiving ---- */

struct cell {
    const char *ptr;
    size_t len;
    Oid type;
    bool null;
};

static struct cell cell_at(const cz__db_cursor *cursor, unsigned column)
{
    const struct cz__pg_request *request = cursor->handle;
    const PGresult *result = request->result;
    if ((int)column >= cz__pq.PQnfields(result) ||
        cz__pq.PQgetisnull(result, request->row, (int)column))
        return (struct cell){ .null = true };
    return (struct cell){ .ptr = cz__pq.PQgetvalue(result, request->row, (int)column),
                          .len = (size_t)cz__pq.PQgetlength(result, request->row, (int)column),
                          .type = cz__pq.PQftype(result, (int)column) };
}

static uint16_t read_u16(const char *at)
{
    uint16_t wire;
    memcpy(&wire, at, sizeof wire);
    return be16toh(wire);
}

static uint32_t read_u32(const char *at)
{
    uint32_t wire;
    memcpy(&wire, at, sizeof wire);
    return be32toh(wire);
}

static uint64_t read_u64(const char *at)
{
    uint64_t wire;
    memcpy(&wire, at, sizeof wire);
    return be64toh(wire);
}

static double read_f64(const struct cell *cell)
{
    double value = 0;
    if (cell->type == OID_FLOAT8 && cell->len == 8) {
        uint64_t bits = read_u64(cell->ptr);
        memcpy(&value, &bits, sizeof value);
    } else if (cell->type == OID_FLOAT4 && cell->len == 4) {
        uint32_t bits = read_u32(cell->ptr);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    }
    return value;
}

/* Base 10,000 digits, the weight of the first, a sign and the places to show. False: NaN, infinite, or more
 * than 38 digits. */
static bool read_numeric(const struct cell *cell, cz_decimal *out)
{
    enum { HEADER = 8, NEGATIVE = 0x4000 };
    if (cell->len < HEADER)
        return false;
    int count = read_u16(cell->ptr), weight = (int16_t)read_u16(cell->ptr + 2),
        sign = read_u16(cell->ptr + 4), places = read_u16(cell->ptr + 6);
    if ((sign && sign != NEGATIVE) || cell->len < HEADER + 2 * (size_t)count ||
        places > CZ_DECIMAL_DIGITS_MAX)
        return false;
    unsigned __int128 limit = 1, whole = 0;
    for (int i = 0; i < CZ_DECIMAL_DIGITS_MAX; i++)
        limit *= 10;
    /* the digits before the point, then as many decimals as are shown */
    int last = -((places + 3) / 4); /* the weight of the last group that is shown */
    for (int w = weight > 0 ? weight : 0; w >= last; w--) {
        int i = weight - w;
        unsigned group = i >= 0 && i < count ? read_u16(cell->ptr + HEADER + 2 * i) : 0;
        unsigned scale = 10000;
        if (w == last && places % 4) /* of the last group only its first digits */
            for (int cut = places % 4; cut < 4; cut++) {
                scale /= 10;
                group /= 10;
            }
        if (whole > (limit - 1 - group) / scale)
            return false;
        whole = whole * scale + group;
    }
    unsigned __int128 bits = sign ? -whole : whole;
    *out = (cz_decimal){ (uint64_t)bits, (int64_t)(uint64_t)(bits >> 64), places };
    return true;
}

static double read_real(const struct cell *cell);

static int64_t read_integer(const struct cell *cell)
{
    switch (cell->type) {
    case OID_INT8:
        return cell->len == 8 ? (int64_t)read_u64(cell->ptr) : 0;
    case OID_INT4:
        return cell->len == 4 ? (int32_t)read_u32(cell->ptr) : 0;
    case OID_INT2:
        return cell->len == 2 ? (int16_t)read_u16(cell->ptr) : 0;
    case OID_OID:
        return cell->len == 4 ? read_u32(cell->ptr) : 0;
    case OID_BOOL:
        return cell->len == 1 && cell->ptr[0];
    default: {
        double real = read_real(cell);
        return real >= -9.2e18 && real <= 9.2e18 ? (int64_t)real : 0;
    }
    }
}

static double read_real(const struct cell *cell)
{
    cz_decimal decimal;
    switch (cell->type) {
    case OID_FLOAT8:
    case OID_FLOAT4:
        return read_f64(cell);
    case OID_NUMERIC:
        return read_numeric(cell, &decimal) ? cz_decimal_to_double(decimal) : 0;
    case OID_INT8:
    case OID_INT4:
    case OID_INT2:
    case OID_OID:
    case OID_BOOL:
        return (double)read_integer(cell);
    default:
        return 0;
    }
}

static cz_str read_text(const struct cell *cell)
{
    if (cell->type == OID_JSONB && cell->len)
        return cz_str_of(cell->ptr + 1, cell->len - 1); /* behind the format's version */
    if (is_text(cell->type) || cell->type == OID_BYTEA ||
        cell->type >= OID_USER_FIRST /* an enum, citext */)
        return cz_str_of(cell->ptr, cell->len);
    return CZ_STR("");
}

/* Family, bits of the network, whether it is one, bytes, the address. Returns the bytes written. */
static size_t write_address(char *out, const struct cell *cell)
{
    enum { HEADER = 4, FAMILY_V4 = 2 };
    if (cell->type != OID_INET || cell->len < HEADER + 4)
        return 0;
    bool v4 = cell->ptr[0] == FAMILY_V4;
    if ((!v4 && cell->len < HEADER + 16) ||
        !inet_ntop(v4 ? AF_INET : AF_INET6, cell->ptr + HEADER, out, CZ__PG_ADDRESS_BYTES))
        return 0;
    size_t len = strlen(out);
    unsigned bits = (unsigned char)cell->ptr[1];
    if (bits != (v4 ? 32u : 128u)) { /* a network, which another program stored */
        out[len++] = '/';
        len += cz_u64_write(out + len, bits);
    }
    return len;
}

/* An address has no text in the result: it lives in the request until the next row. */
static cz_str read_address(const struct cell *cell, struct cz__pg_request *request)
{
    struct cz__pg_text *text;
    if (is_text(cell->type))
        return read_text(cell);
    if (!(text = cz_malloc(sizeof *text)))
        return CZ_STR("");
    text->next = request->texts;
    request->texts = text;
    return cz_str_of(text->bytes, write_address(text->bytes, cell));
}

static cz_decimal read_decimal(const struct cell *cell, cz__db_type type)
{
    cz_decimal d = { 0 }, rounded;
    if (cell->type == OID_FLOAT8 || cell->type == OID_FLOAT4) {
        if (cz_decimal_from_double(read_f64(cell), &d))
            d = (cz_decimal){ 0 };
    } else if (cell->type != OID_NUMERIC) {
        d = cz_decimal_of(read_integer(cell), 0);
    } else if (!read_numeric(cell, &d)) {
        d = (cz_decimal){ 0 };
    }
    if (!CZ__DB_DIGITS(type))
        return d;
    return cz_decimal_round(d, CZ__DB_PLACES(type), &rounded) ? d : rounded;
}

static cz_duration read_duration(const struct cell *cell)
{
    enum { MONTH_DAYS = 30 }; /* as the server itself compares them */
    if (cell->type != OID_INTERVAL || cell->len != 16)
        return (cz_duration){ 0 };
    int64_t days = (int64_t)(int32_t)read_u32(cell->ptr + 8) +
                   (int64_t)(int32_t)read_u32(cell->ptr + 12) * MONTH_DAYS,
            us;
    if (__builtin_mul_overflow(days, INT64_C(86400000000), &us) ||
        __builtin_add_overflow(us, (int64_t)read_u64(cell->ptr), &us))
        us = days < 0 ? INT64_MIN : INT64_MAX;
    return (cz_duration){ us };
}

static cz_time read_time(const struct cell *cell)
{
    enum { DAY_SECONDS = 86400 };
    uint64_t us = cell->type == OID_TIME && cell->len == 8 ? read_u64(cell->ptr) : 0;
    uint64_t end = UINT64_C(1000000) * DAY_SECONDS; /* "24:00" is a time there */
    return (cz_time){ (int64_t)(us < end ? us : end - 1) };
}

static cz_datetime read_datetime(const struct cell *cell);

/* Days and instants outside the years 1 to 9999, infinity among them, become the first or last there is. */
static cz_date read_date(const struct cell *cell)
{
    int64_t days = 0;
    if (cell->type == OID_DATE && cell->len == 4)
        days = (int64_t)(int32_t)read_u32(cell->ptr) + DAYS_TO_2000;
    else if (cell->type == OID_TIMESTAMPTZ || cell->type == OID_TIMESTAMP) {
        static const int64_t day_us = 86400000000;
        int64_t us = read_datetime(cell).us;
        days = us / day_us - (us % day_us < 0);
    }
    return (cz_date){ (int32_t)(days < DATE_DAYS_MIN   ? DATE_DAYS_MIN
                                : days > DATE_DAYS_MAX ? DATE_DAYS_MAX
                                                       : days) };
}

static cz_datetime read_datetime(const struct cell *cell)
{
    int64_t us = 0;
    if ((cell->type == OID_TIMESTAMPTZ || cell->type == OID_TIMESTAMP) && cell->len == 8) {
        us = (int64_t)read_u64(cell->ptr);
        us = us > DATETIME_US_MAX - US_TO_2000 ? DATETIME_US_MAX : us + US_TO_2000;
    } else if (cell->type == OID_DATE) {
        us = (int64_t)read_date(cell).days * 86400000000;
    }
    return (cz_datetime){ us < DATETIME_US_MIN ? DATETIME_US_MIN : us };
}

static cz_uuid read_uuid(const struct cell *cell)
{
    cz_uuid uuid = { { 0 } };
    if (cell->type == OID_UUID && cell->len == sizeof uuid.bytes)
        memcpy(uuid.bytes, cell->ptr, sizeof uuid.bytes);
    return uuid;
}

static bool is_number(Oid type)
{
    return type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_OID;
}

bool cz__postgresql_is_readable(const cz__db_cursor *cursor, unsigned column, cz__db_type type)
{
    const struct cz__pg_request *request = cursor->handle;
    Oid oid = cz__pq.PQftype(request->result, (int)column);
    bool instant = oid == OID_TIMESTAMPTZ || oid == OID_TIMESTAMP;
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_INT16:
    case CZ__DB_INT32:
    case CZ__DB_INT64:
        return is_number(oid);
    case CZ__DB_BOOL:
        return oid == OID_BOOL;
    case CZ__DB_REAL:
    case CZ__DB_DECIMAL:
        return is_number(oid) || oid == OID_NUMERIC || oid == OID_FLOAT8 || oid == OID_FLOAT4;
    case CZ__DB_TEXT:
        return is_text(oid) || oid >= OID_USER_FIRST;
    case CZ__DB_JSON:
        return oid == OID_JSON || oid == OID_JSONB;
    case CZ__DB_BINARY:
        return oid == OID_BYTEA;
    case CZ__DB_IP:
        return oid == OID_INET || is_text(oid);
    case CZ__DB_DATE:
    case CZ__DB_DATETIME:
        return instant || oid == OID_DATE;
    case CZ__DB_TIME:
        return oid == OID_TIME;
    case CZ__DB_DURATION:
        return oid == OID_INTERVAL;
    case CZ__DB_UUID:
        return oid == OID_UUID;
    case CZ__DB_INT_LIST:
        return oid == OID_INT8_LIST || oid == OID_INT4_LIST || oid == OID_INT2_LIST;
    case CZ__DB_TEXT_LIST:
        return oid == OID_TEXT_LIST || oid == OID_VARCHAR_LIST;
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        break;
    }
    return false;
}

bool cz__postgresql_read(const cz__db_cursor *cursor, unsigned column, cz__db_type type, void *out)
{
    struct cell cell = cell_at(cursor, column);
    if (cell.null)
        return false;
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_INT16:
        *(int16_t *)out = (int16_t)read_integer(&cell);
        break;
    case CZ__DB_INT32:
        *(int32_t *)out = (int32_t)read_integer(&cell);
        break;
    case CZ__DB_INT64:
        *(int64_t *)out = read_integer(&cell);
        break;
    case CZ__DB_BOOL:
        *(bool *)out = read_integer(&cell) != 0;
        break;
    case CZ__DB_REAL:
        *(double *)out = read_real(&cell);
        break;
    case CZ__DB_TEXT:
    case CZ__DB_JSON:
    case CZ__DB_BINARY:
        *(cz_str *)out = read_text(&cell);
        break;
    case CZ__DB_IP:
        *(cz_str *)out = read_address(&cell, cursor->handle);
        break;
    case CZ__DB_DECIMAL:
        *(cz_decimal *)out = read_decimal(&cell, type);
        break;
    case CZ__DB_TIME:
        *(cz_time *)out = read_time(&cell);
        break;
    case CZ__DB_DURATION:
        *(cz_duration *)out = read_duration(&cell);
        break;
    case CZ__DB_DATE:
        *(cz_date *)out = read_date(&cell);
        break;
    case CZ__DB_DATETIME:
        *(cz_datetime *)out = read_datetime(&cell);
        break;
    case CZ__DB_UUID:
        *(cz_uuid *)out = read_uuid(&cell);
        break;
    case CZ__DB_INT_LIST: /* by read_list() */
    case CZ__DB_TEXT_LIST:
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        break;
    }
    return true;
}

/* ---- lists ---- */

struct items { /* what is left of an array */
    const char *at, *end;
    size_t count;
    Oid type;
};

/* Of several dimensions the items follow one another. */
static struct items items_of(const struct cell *cell)
{
    enum { HEADER = 12, DIMENSION = 8, DIMENSIONS_MAX = 6 };
    struct items none = { 0 };
    if (cell->len < HEADER)
        return none;
    uint32_t dimensions = read_u32(cell->ptr);
    if (!dimensions || dimensions > DIMENSIONS_MAX || cell->len < HEADER + DIMENSION * dimensions)
        return none;
    uint64_t count = 1;
    for (uint32_t i = 0; i < dimensions; i++)
        count *= read_u32(cell->ptr + HEADER + DIMENSION * i);
    if (count > cell->len / 4) /* each has its length */
        return none;
    return (struct items){ .at = cell->ptr + HEADER + DIMENSION * dimensions,
                           .end = cell->ptr + cell->len,
                           .count = (size_t)count,
                           .type = read_u32(cell->ptr + 8) };
}

/* A NULL in a list reads as the type's zero. */
static bool take_item(struct items *items, struct cell *out)
{
    if (!items->count || items->end - items->at < 4)
        return false;
    uint32_t len = read_u32(items->at);
    items->at += 4;
    items->count--;
    if (len == UINT32_MAX)
        len = 0;
    if ((size_t)(items->end - items->at) < len)
        return false;
    *out = (struct cell){ .ptr = items->at, .len = len, .type = items->type };
    items->at += len;
    return true;
}

static bool is_list(Oid type)
{
    return type == OID_INT8_LIST || type == OID_INT4_LIST || type == OID_INT2_LIST ||
           type == OID_TEXT_LIST || type == OID_VARCHAR_LIST || type == OID_UUID_LIST ||
           type >= OID_USER_FIRST;
}

cz_status cz__postgresql_read_list(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                                   cz_arena *arena, void *out, bool *out_null)
{
    struct cell cell = cell_at(cursor, column), item;
    *out_null = cell.null;
    if (cell.null)
        return CZ_OK;
    struct items items = { 0 };
    if (is_list(cell.type))
        items = items_of(&cell);
    size_t count = 0;
    if (CZ__DB_KIND(type) == CZ__DB_INT_LIST) {
        int64_t *numbers = cz_arena_array(arena, int64_t, items.count);
        if (!numbers)
            return CZ_ENOMEM;
        while (take_item(&items, &item))
            numbers[count++] = read_integer(&item);
        *(cz_int_list *)out = (cz_int_list){ numbers, count };
        return CZ_OK;
    }
    cz_str *texts = cz_arena_array(arena, cz_str, items.count);
    if (!texts)
        return CZ_ENOMEM;
    while (take_item(&items, &item))
        if (cz_str_dup(arena, read_text(&item), &texts[count++]))
            return CZ_ENOMEM;
    *(cz_str_list *)out = (cz_str_list){ texts, count };
    return CZ_OK;
}

static void write_list(const struct cell *cell, bool integers, cz_buf *out)
{
    struct cell item;
    struct items items = { 0 };
    if (is_list(cell->type))
        items = items_of(cell);
    cz_buf_append_char(out, '[');
    for (bool first = true; take_item(&items, &item); first = false) {
        if (!first)
            cz_buf_append_char(out, ',');
        if (integers) {
            cz_buf_append_i64(out, read_integer(&item));
            continue;
        }
        char *start = cz_buf_reserve(out, 6 * item.len + 18);
        if (start)
            cz_buf_commit(out, (size_t)(cz__json_write_str(start, read_text(&item)) - start));
    }
    cz_buf_append_char(out, ']');
}

static char *write_word(char *at, const char *word)
{
    size_t len = strlen(word);
    memcpy(at, word, len);
    return at + len;
}

/* What stands between quotes. */
static char *write_quoted(char *at, const struct cell *cell, cz__db_type type)
{
    cz_uuid uuid;
    switch (CZ__DB_KIND(type)) {
    case CZ__DB_DATE:
        return at + cz_date_write(at, read_date(cell));
    case CZ__DB_DATETIME:
        return at + cz_datetime_write(at, read_datetime(cell));
    case CZ__DB_TIME:
        return at + cz_time_write(at, read_time(cell));
    case CZ__DB_DURATION:
        return at + cz_duration_write(at, read_duration(cell));
    case CZ__DB_DECIMAL: /* text, as DRF: a double would lose digits */
        return at + cz_decimal_write(at, read_decimal(cell, type));
    case CZ__DB_BINARY:
        return at + cz_base64_write(at, cell->ptr, cell->len);
    default:
        uuid = read_uuid(cell);
        cz_uuid_write(at, uuid);
        return at + CZ_UUID_TEXT;
    }
}

void cz__postgresql_write_json(const cz__db_cursor *cursor, unsigned column, cz__db_type type,
                               cz_buf *out)
{
    struct cell cell = cell_at(cursor, column);
    cz__db_kind kind = CZ__DB_KIND(type);
    char address[CZ__PG_ADDRESS_BYTES];
    if (cell.null) {
        cz_buf_append_lit(out, "null");
        return;
    }
    if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST) {
        write_list(&cell, kind == CZ__DB_INT_LIST, out);
        return;
    }
    char *start = cz_buf_reserve(out, kind == CZ__DB_BINARY    ? cell.len / 3 * 4 + 16
                                      : cz__kind_is_text(kind) ? 6 * cell.len + 80
                                                               : 80),
         *at = start;
    if (!start)
        return;
    switch (kind) {
    case CZ__DB_INT16:
        at += cz_i64_write(at, (int16_t)read_integer(&cell));
        break;
    case CZ__DB_INT32:
        at += cz_i64_write(at, (int32_t)read_integer(&cell));
        break;
    case CZ__DB_INT64:
        at += cz_i64_write(at, read_integer(&cell));
        break;
    case CZ__DB_BOOL:
        at = write_word(at, read_integer(&cell) ? "true" : "false");
        break;
    case CZ__DB_REAL:
        at = cz__json_write_f64(at, read_real(&cell));
        break;
    case CZ__DB_TEXT:
        at = cz__json_write_str(at, read_text(&cell));
        break;
    case CZ__DB_IP:
        at = cz__json_write_str(at, is_text(cell.type)
                                        ? read_text(&cell)
                                        : cz_str_of(address, write_address(address, &cell)));
        break;
    case CZ__DB_JSON: {
        cz_str document =
            cell.type == OID_JSONB || cell.type == OID_JSON ? read_text(&cell) : CZ_STR("null");
        if (document.len)
            memcpy(at, document.ptr, document.len);
        at += document.len;
        break;
    }
    default:
        *at++ = '"';
        at = write_quoted(at, &cell, type);
        *at++ = '"';
    }
    cz_buf_commit(out, (size_t)(at - start));
}
