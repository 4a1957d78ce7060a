/* Reading SQL written by hand, as far as it must be: where its parameters are, whether it is one statement, and
 * whether it reads or changes. What stands in quotes and comments is passed over. */
#include "orm/raw.h"
#include <calzone/macros.h>
#include "db/schema.h"
#include "orm/orm_internal.h"

enum { WORD_BYTES = CZ__RAW_VERB_BYTES };

struct reader {
    cz_str sql;
    size_t at;
    const cz__db_features *features;
    const uint8_t *kinds;
    size_t kind_count;
    struct cz__raw_text text;
    cz_buf *out;
    cz_error *err;
    char word[WORD_BYTES];   /* the last, in capitals */
    char before[WORD_BYTES]; /* the one before it */
    char mark; /* the last character that is none of a word, a blank or a comment; 0: a word came */
    bool in_list; /* "IN (" was last */
    bool ended;   /* by a semicolon */
    unsigned words;
    /* A trigger of SQLite holds statements, and ends with an END where one of them could begin. */
    enum { NO_TRIGGER, IN_TRIGGER, BETWEEN_STATEMENTS, AFTER_END } trigger;
};

/* ---- words ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* CREATE TRIGGER, or CREATE TEMP TRIGGER. */
static bool begins_trigger(const struct reader *r)
{
    return r->features->trigger_bodies && strcmp(r->text.verb, "CREATE") == 0 && !r->mark &&
           strcmp(r->word, "TRIGGER") == 0 &&
           (r->words == 2 || (r->words == 3 && (strcmp(r->before, "TEMP") == 0 ||
                                                strcmp(r->before, "TEMPORARY") == 0)));
}

static void meet_trigger(struct reader *r)
{
    if (r->trigger)
        r->trigger = r->trigger == BETWEEN_STATEMENTS && strcmp(r->word, "END") == 0 ? AFTER_END
                                                                                     : IN_TRIGGER;
    else if (begins_trigger(r))
        r->trigger = IN_TRIGGER;
}

/* What it means that this word stands where it does. */
static void meet_word(struct reader *r)
{
    static const char *const changing[] = { "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE" };
    static const char *const locking[] = { "UPDATE", "SHARE", "NO", "KEY" };
    bool first = !r->text.verb[0];
    if (first)
        memcpy(r->text.verb, r->word, sizeof r->text.verb);
    r->words++;
    meet_trigger(r);
    /* "replace(" is a function; behind WITH a change begins after a parenthesis */
    if (is_one_of(r->word, changing, CZ_COUNT(changing)) &&
        (first || ((r->mark == '(' || r->mark == ')') && strcmp(r->word, "REPLACE") != 0)))
        r->text.changes = true;
    if (strcmp(r->word, "INTO") == 0)
        r->text.changes = true;
    if (!r->mark && strcmp(r->before, "FOR") == 0 && is_one_of(r->word, locking, CZ_COUNT(locking)))
        r->text.locks = true;
}

static size_t read_word(struct reader *r)
{
    size_t end = r->at, len = 0;
    memcpy(r->before, r->word, sizeof r->before);
    for (; end < r->sql.len && is_word(r->sql.ptr[end]); end++) {
        char c = r->sql.ptr[end];
        if (len + 1 < sizeof r->word)
            r->word[len++] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    memset(r->word + len, 0, sizeof r->word - len);
    meet_word(r);
    r->mark = '\0';
    return end;
}

/* ---- parameters ---- */

static bool is_list(uint8_t kind)
{
    return kind == CZ__VALUE_INTS || kind == CZ__VALUE_STRS || kind == CZ__VALUE_UUIDS;
}

/* The next character that is no blank. */
static char next_mark(const struct reader *r, size_t at)
{
    while (at < r->sql.len && is_blank(r->sql.ptr[at]))
        at++;
    return at < r->sql.len ? r->sql.ptr[at] : '\0';
}

static void append(struct reader *r, cz_str text)
{
    if (r->out)
        cz_buf_append_str(r->out, text);
}

static void append_parameter(struct reader *r)
{
    if (!r->out)
        return;
    cz_buf_append_char(r->out, r->features->parameter);
    cz_buf_append_u64(r->out, r->text.param_count);
}

/* "SELECT value FROM json_each(?3)". */
static void append_list(struct reader *r)
{
    for (const char *c = r->features->list_rows; *c; c++) {
        if (c[0] == '$' && c[1] == '1') {
            append_parameter(r);
            c++;
        } else {
            append(r, cz_str_of(c, 1));
        }
    }
}

static cz_status read_parameter(struct reader *r, size_t *out_end)
{
    size_t number = r->text.param_count;
    *out_end = r->at + 1;
    if (*out_end < r->sql.len && r->sql.ptr[*out_end] == '?') { /* the character itself */
        append(r, CZ_STR("?"));
        r->mark = '?';
        ++*out_end;
        return CZ_OK;
    }
    r->text.param_count++;
    uint8_t kind = number < r->kind_count ? r->kinds[number] : (uint8_t)CZ__VALUE_NULL;
    if (is_list(kind) && r->in_list) {
        if (next_mark(r, *out_end) != ')')
            return cz_error_set(r->err, CZ_EINVAL,
                                "value %zu is a list, which stands alone in IN (?)", number + 1);
        append_list(r);
    } else {
        append_parameter(r);
    }
    r->mark = '?';
    return CZ_OK;
}

/* ---- the statement ---- */

static cz_status read_mark(struct reader *r, size_t *out_end)
{
    char c = r->sql.ptr[r->at];
    bool in_list = c == '(' && !r->mark && strcmp(r->word, "IN") == 0;
    *out_end = r->at + 1;
    if (c == '?')
        return read_parameter(r, out_end);
    if (c == '$' && *out_end < r->sql.len && r->sql.ptr[*out_end] >= '0' &&
        r->sql.ptr[*out_end] <= '9')
        return cz_error_set(r->err, CZ_EINVAL, "a parameter is written ?, not $1");
    if (c == ';' && (!r->trigger || r->trigger == AFTER_END)) {
        r->ended = true;
        return CZ_OK;
    }
    if (r->trigger)
        r->trigger = c == ';' ? BETWEEN_STATEMENTS : IN_TRIGGER;
    append(r, cz_str_of(&c, 1));
    r->mark = c;
    r->in_list = in_list;
    return CZ_OK;
}

/* A piece in quotes stands for a word; a comment and a blank for nothing. */
static cz_status read_piece(struct reader *r)
{
    char c = r->sql.ptr[r->at];
    size_t end = cz__sql_piece(r->sql, r->at);
    cz_str piece = cz_str_of(r->sql.ptr + r->at, end - r->at);
    bool comment =
        cz_str_starts_with(piece, CZ_STR("--")) || cz_str_starts_with(piece, CZ_STR("/*"));
    cz_status status = CZ_OK;
    if (is_blank(c) || comment) {
        append(r, piece);
    } else if (r->ended && c != ';') {
        return cz_error_set(r->err, CZ_EINVAL, "this is more than one statement");
    } else if (is_word(c)) {
        end = read_word(r);
        append(r, cz_str_of(r->sql.ptr + r->at, end - r->at));
        r->in_list = false;
    } else if (piece.len > 1) {
        append(r, piece);
        r->mark = c;
        r->in_list = false;
        if (r->trigger)
            r->trigger = IN_TRIGGER;
    } else {
        status = read_mark(r, &end);
    }
    r->at = end;
    return status;
}

cz_status cz__raw_read(cz_str sql, const cz__db_features *features, const uint8_t *kinds,
                       size_t kind_count, struct cz__raw_text *out, cz_buf *out_sql, cz_error *err)
{
    struct reader r = { .sql = sql,
                        .features = features,
                        .kinds = kinds,
                        .kind_count = kind_count,
                        .out = out_sql,
                        .err = err };
    cz_status status = CZ_OK;
    if (sql.len > CZ__RAW_BYTES_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "over %d bytes of SQL", CZ__RAW_BYTES_MAX);
    if (cz_str_find_char(sql, '\0') != SIZE_MAX)
        return cz_error_set(err, CZ_EINVAL, "this SQL holds a null character");
    while (!status && r.at < sql.len)
        status = read_piece(&r);
    if (!status && out_sql)
        status = cz_buf_status(out_sql) ? cz_error_set(err, CZ_ENOMEM, "no memory for a statement")
                                        : CZ_OK;
    if (!status && !r.text.verb[0])
        status = cz_error_set(err, CZ_EINVAL, "there is no statement");
    if (!status && r.text.param_count != kind_count)
        status =
            cz_error_set(err, CZ_EINVAL, "the SQL has %zu parameter%s and CZ_ARGS() %zu value%s",
                         r.text.param_count, r.text.param_count == 1 ? "" : "s", kind_count,
                         kind_count == 1 ? "" : "s");
    if (!status)
        *out = r.text;
    return status;
}

/* ---- what it is for ---- */

cz_status cz__raw_suits(const struct cz__raw_text *text, enum cz__raw_use use, cz_error *err)
{
    static const char *const reading[] = { "SELECT", "WITH", "VALUES", "TABLE" };
    /* a change of rows or of what holds them; not what belongs to a connection, or begins or ends a transaction */
    static const char *const changing[] = { "INSERT",  "UPDATE",   "DELETE",  "REPLACE", "MERGE",
                                            "WITH",    "TRUNCATE", "CREATE",  "ALTER",   "DROP",
                                            "REFRESH", "ANALYZE",  "REINDEX", "COMMENT", "CALL",
                                            "LOCK",    "NOTIFY" };
    bool reads = is_one_of(text->verb, reading, CZ_COUNT(reading)) && !text->changes;
    if (use != CZ__RAW_CHANGE && !reads)
        return cz_error_set(err, CZ_EINVAL,
                            "%s%s changes or is no query; cz_raw() reads, cz_execute() changes",
                            text->verb, text->changes ? " here" : "");
    if (use == CZ__RAW_CHANGE && reads)
        return cz_error_set(err, CZ_EINVAL, "%s reads; cz_raw() and cz_raw_values() give its rows",
                            text->verb);
    if (use == CZ__RAW_CHANGE && !is_one_of(text->verb, changing, CZ_COUNT(changing)))
        return cz_error_set(err, CZ_EINVAL,
                            "%s is not for cz_execute(): it changes the connection or its "
                            "transaction, or is unknown",
                            text->verb);
    return CZ_OK;
}

cz_status cz__raw_type(const cz__db_features *features, uint8_t kind, size_t at, cz__db_type *out,
                       cz_error *err)
{
    static const cz__db_type types[CZ__VALUE_KIND_COUNT] = {
        [CZ__VALUE_NULL] = CZ__DB_TEXT | CZ__DB_BY_HAND,
        [CZ__VALUE_BOOL] = CZ__DB_BOOL,
        [CZ__VALUE_I8] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_I16] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_I32] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_I64] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_U8] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_U16] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_U32] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_U64] = CZ__DB_INT64 | CZ__DB_BY_HAND,
        [CZ__VALUE_FLOAT] = CZ__DB_REAL,
        [CZ__VALUE_DOUBLE] = CZ__DB_REAL,
        [CZ__VALUE_CSTR] = CZ__DB_TEXT | CZ__DB_BY_HAND,
        [CZ__VALUE_STR] = CZ__DB_TEXT | CZ__DB_BY_HAND,
        [CZ__VALUE_UUID] = CZ__DB_UUID,
        [CZ__VALUE_DATETIME] = CZ__DB_DATETIME,
        [CZ__VALUE_DATE] = CZ__DB_DATE,
        [CZ__VALUE_TIME] = CZ__DB_TIME,
        [CZ__VALUE_DURATION] = CZ__DB_DURATION,
        [CZ__VALUE_DECIMAL] = CZ__DB_DECIMAL,
        [CZ__VALUE_BYTES] = CZ__DB_BINARY,
        [CZ__VALUE_INTS] = CZ__DB_INT_LIST,
        [CZ__VALUE_STRS] = CZ__DB_TEXT_LIST,
        [CZ__VALUE_UUIDS] = CZ__DB_UUID_LIST,
    };
    if (kind == CZ__VALUE_DECIMAL && features->scaled_decimals)
        return cz_error_set(err, CZ_EINVAL,
                            "value %zu is a decimal, which %s keeps as a whole number of its last "
                            "place: pass that (cz_decimal_units())",
                            at + 1, features->name);
    *out = types[kind];
    return CZ_OK;
}
