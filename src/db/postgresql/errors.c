/* SQLSTATEs (PostgreSQL manual, appendix A) as statuses, with the sentences the other back-end has too. */
#include "db/postgresql/postgresql_internal.h"
#include "db/schema.h"
#include <stdio.h>

enum { KEY_COLUMNS_MAX = 16 };

static const char *field(const PGresult *failure, int code)
{
    const char *text = cz__pq.PQresultErrorField(failure, code);
    return text ? text : "";
}

bool cz__pg_has_state(const PGresult *failure, const char *sqlstate)
{
    const char *state = field(failure, PG_DIAG_SQLSTATE);
    return strncmp(state, sqlstate, strlen(sqlstate)) == 0;
}

bool cz__pg_is_loss(const PGresult *failure)
{
    if (!failure || cz__pg_has_state(failure, "25P03")) /* it waited, and ran nothing */
        return false;
    const char *severity = field(failure, PG_DIAG_SEVERITY_NONLOCALIZED);
    return !*field(failure, PG_DIAG_SQLSTATE) || !strcmp(severity, "FATAL") ||
           !strcmp(severity, "PANIC");
}

/* "Key (isbn, shop_id)=(978, 1) already exists." names the columns whatever the language. */
static void key_columns(const PGresult *failure, char *out, size_t out_bytes)
{
    cz_str detail = cz_str_from(field(failure, PG_DIAG_MESSAGE_DETAIL));
    size_t open = cz_str_find_char(detail, '('), close = cz_str_find(detail, CZ_STR(")=("));
    cz_str columns = cz_str_from(field(failure, PG_DIAG_CONSTRAINT_NAME));
    if (open != SIZE_MAX && close != SIZE_MAX && open < close)
        columns = cz_str_of(detail.ptr + open + 1, close - open - 1);
    size_t len = 0;
    for (size_t i = 0; i < columns.len && len + 1 < out_bytes; i++)
        if (columns.ptr[i] != '"')
            out[len++] = columns.ptr[i];
    out[len] = '\0';
}

/* Whether the constraint's name is the one that schema.c gives to a rule of these columns. */
static bool is_named_after(const PGresult *failure, const char *columns, const char *suffix)
{
    char text[128], name[CZ__DB_NAME_BYTES_MAX + 1];
    const char *each[KEY_COLUMNS_MAX];
    size_t count = 0;
    cz_ignore(snprintf(text, sizeof text, "%s", columns)); /* cut is another name */
    for (char *at = text; at && count < KEY_COLUMNS_MAX;) {
        each[count++] = at;
        at = strstr(at, ", ");
        if (at) {
            *at = '\0';
            at += strlen(", ");
        }
    }
    cz__db_name(name, field(failure, PG_DIAG_TABLE_NAME), each, count, suffix);
    return strcmp(name, field(failure, PG_DIAG_CONSTRAINT_NAME)) == 0;
}

/* The column of a foreign key, by the constraint's name: the detail has that of the row referred to as often. */
static void reference_column(const PGresult *failure, char *out, size_t out_bytes)
{
    cz_str name = cz_str_from(field(failure, PG_DIAG_CONSTRAINT_NAME));
    size_t table = strlen(field(failure, PG_DIAG_TABLE_NAME)), end = strlen("_fk");
    out[0] = '\0';
    if (name.len > table + 1 + end &&
        name.len < CZ__DB_NAME_BYTES_MAX) /* else it may be a hash's */
        cz_ignore(snprintf(out, out_bytes, "%.*s", (int)(name.len - table - 1 - end),
                           name.ptr + table + 1));
}

/* A rule of `columns` that has a name of its own goes by it, another by its table and columns. */
static void tell_rule(const PGresult *failure, const char *columns, cz_error *err)
{
    static const char *const suffixes[] = { "key", "uniq", "fk" };
    const char *name = field(failure, PG_DIAG_CONSTRAINT_NAME),
               *table = field(failure, PG_DIAG_TABLE_NAME);
    char primary[CZ__DB_NAME_BYTES_MAX + 1];
    cz__db_name(primary, table, NULL, 0, "pkey");
    bool own = *name && strcmp(name, primary) != 0;
    for (size_t i = 0; i < CZ_COUNT(suffixes) && own; i++)
        own = !is_named_after(failure, columns, suffixes[i]);
    if (own || !*table)
        cz__db_error_rule(err, NULL, cz_str_from(name));
    else
        cz__db_error_rule(err, table, cz_str_from(columns));
}

static cz_status integrity_error(const PGresult *failure, cz_error *err)
{
    char columns[128] = "";
    const char *null = field(failure, PG_DIAG_COLUMN_NAME);
    cz_status status;
    if (cz__pg_has_state(failure, "23505")) {
        key_columns(failure, columns, sizeof columns);
        cz_str name = cz_str_from(field(failure, PG_DIAG_CONSTRAINT_NAME));
        status =
            strchr(columns, '(') /* an expression: a call, or in parentheses */
                ? cz_error_set(err, CZ_EINTEGRITY, CZ__DB_SAME_BY_RULE, CZ_STR_ARG(name))
                : cz_error_set(err, CZ_EINTEGRITY, "Another row has this %s already.", columns);
    } else if (cz__pg_has_state(failure, "23503")) {
        reference_column(failure, columns, sizeof columns);
        status = cz_error_set(err, CZ_EINTEGRITY,
                              "A row that is referred to does not exist, or is still in use.");
    } else if (cz__pg_has_state(failure, "23502")) {
        cz_ignore(snprintf(columns, sizeof columns, "%s", null)); /* 63 bytes */
        status = cz_error_set(err, CZ_EINTEGRITY, "%s may not be null.", null);
    } else {
        status = cz_error_set(err, CZ_EINTEGRITY, "The change breaks a rule of the database.");
    }
    tell_rule(failure, columns, err);
    return status;
}

/* Class by class; where a state of the class differs it stands first. */
static const struct {
    const char *state;
    cz_status status;
    const char *sentence; /* NULL: the server's own */
} states[] = {
    { "22001", CZ_EVALIDATION, "A text is longer than its column." },
    { "22003", CZ_EVALIDATION, "A number is out of its column's range." },
    { "22P02", CZ_EVALIDATION, "A value is not what its column holds." },
    { "22007", CZ_EVALIDATION, "A value is not what its column holds." },
    { "22008", CZ_EVALIDATION, "A date or time is out of its column's range." },
    { "22021", CZ_EVALIDATION, "A text is not valid UTF-8 or holds a null character." },
    { "22P05", CZ_EVALIDATION, "A text holds a character that cannot be stored." },
    { "2201B", CZ_EVALIDATION, "A text is no regular expression, or one that is too large." },
    { "25006", CZ_EINVAL, "a change in a transaction that only reads" },
    { "25P02", CZ_EDATABASE,
      "an earlier statement of this transaction failed; give what may fail a cz_atomic() of its "
      "own" },
    { "25P03", CZ_EUNAVAILABLE, NULL }, /* idle in a transaction */
    { "40", CZ_ESERIALIZATION, NULL },  /* 40001 serialization, 40P01 deadlock */
    { "53100", CZ_EIO, NULL },          /* disk full */
    { "53200", CZ_EUNAVAILABLE, NULL }, /* out of memory */
    { "53", CZ_EUNAVAILABLE, NULL },    /* 53300 too many connections */
    { "55P03", CZ_EBUSY, "a lock was not free in time" },
    { "57014", CZ_ETIMEDOUT, "a statement took longer than its time-out, or was cancelled" },
    { "57P", CZ_EUNAVAILABLE, NULL }, /* 57P01 shutdown, 57P03 starting up */
    { "08", CZ_EUNAVAILABLE, NULL },
    { "58", CZ_EIO, NULL },
};

/* Of rows that are loaded the server tells where it is: "COPY store_book, line 7, column extra: ...". */
static void tell_column(const PGresult *failure, cz_error *err)
{
    cz_str context = cz_str_from(field(failure, PG_DIAG_CONTEXT));
    const cz_str before = CZ_STR(", column "), copy = CZ_STR("COPY ");
    size_t begins = cz_str_find(context, copy), at = cz_str_find(context, before);
    if (begins == SIZE_MAX || at == SIZE_MAX || at < begins)
        return;
    cz_str column = cz_str_tail(context, at + before.len);
    cz_str rest = cz_str_tail(context, begins + copy.len), table = cz_str_cut(&rest, ',');
    char name[CZ__DB_NAME_BYTES_MAX + 1];
    cz_ignore(snprintf(name, sizeof name, "%.*s", CZ_STR_ARG(table))); /* fits */
    column = cz_str_cut(&column, '\n');
    cz__db_error_rule(err, name, cz_str_cut(&column, ':'));
}

static cz_status status_of(const PGresult *failure, cz_error *err)
{
    const char *message = field(failure, PG_DIAG_MESSAGE_PRIMARY);
    if (!*field(failure, PG_DIAG_SQLSTATE)) /* libpq's own: the server said nothing */
        return cz_error_set(err, CZ_EUNAVAILABLE, "the connection to PostgreSQL was lost");
    if (cz__pg_has_state(failure, "23"))
        return integrity_error(failure, err);
    for (size_t i = 0; i < CZ_COUNT(states); i++)
        if (cz__pg_has_state(failure, states[i].state))
            return states[i].sentence
                       ? cz_error_set(err, states[i].status, "%s", states[i].sentence)
                       : cz_error_set(err, states[i].status, "PostgreSQL: %s", message);
    if (cz__pg_has_state(failure, "42P01"))
        return cz_error_set(err, CZ_EDATABASE, "PostgreSQL: %s; " CZ__DB_TABLE_HINT, message);
    return cz_error_set(err, CZ_EDATABASE, "PostgreSQL: %s (%s)", message,
                        field(failure, PG_DIAG_SQLSTATE));
}

cz_status cz__pg_error(const PGresult *failure, cz_error *err)
{
    cz_status status = status_of(failure, err);
    if (status == CZ_EVALIDATION)
        tell_column(failure, err);
    cz__db_error_words(err, field(failure, PG_DIAG_MESSAGE_PRIMARY),
                       field(failure, PG_DIAG_MESSAGE_DETAIL));
    return status;
}
