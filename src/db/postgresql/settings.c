/* postgresql://user:password@host:port/database?parameter=value... */
#include "db/postgresql/postgresql_internal.h"
#include <arpa/inet.h>
#include <unistd.h>

static char *keep(cz_arena *arena, cz_str text)
{
    return cz_arena_printf(arena, "%.*s", CZ_STR_ARG(text));
}

/* "500" is seconds for connect_timeout, as in libpq, and milliseconds for the server's own, as there;
 * "500ms", "5s", "2min" say it. */
static cz_status read_ms(cz_str text, int64_t unit_ms, int64_t *out)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "min", 60000 }, { "s", 1000 } };
    for (size_t i = 0; i < CZ_COUNT(units); i++) {
        cz_str suffix = cz_str_from(units[i].suffix);
        if (cz_str_ends_with(text, suffix)) {
            text = cz_str_head(text, text.len - suffix.len);
            unit_ms = units[i].ms;
            break;
        }
    }
    uint64_t number;
    if (cz_str_to_u64(text, &number) || number > 86400000 || (int64_t)number * unit_ms > 86400000)
        return CZ_EVALIDATION;
    *out = (int64_t)number * unit_ms;
    return CZ_OK;
}

static cz_status read_count(cz_str text, unsigned max, unsigned *out)
{
    uint64_t number;
    if (cz_str_to_u64(text, &number) || number > max)
        return CZ_EVALIDATION;
    *out = (unsigned)number;
    return CZ_OK;
}

static cz_status read_text(cz_arena *arena, cz_str text, char **out)
{
    *out = keep(arena, text);
    return *out ? CZ_OK : CZ_ENOMEM;
}

static cz_status read_parameter(cz_arena *arena, cz_str name, cz_str value,
                                struct cz__pg_settings *s)
{
    const struct {
        const char *name;
        char **text;
        int64_t *ms;
        unsigned *count;
        int64_t unit_ms;
        unsigned max;
    } known[] = {
        { "host", &s->host, NULL, NULL, 0, 0 },
        { "sslmode", &s->sslmode, NULL, NULL, 0, 0 },
        { "sslrootcert", &s->sslrootcert, NULL, NULL, 0, 0 },
        { "sslcert", &s->sslcert, NULL, NULL, 0, 0 },
        { "sslkey", &s->sslkey, NULL, NULL, 0, 0 },
        { "application_name", &s->application_name, NULL, NULL, 0, 0 },
        { "options", &s->options, NULL, NULL, 0, 0 },
        { "connect_timeout", NULL, &s->connect_timeout_ms, NULL, 1000, 0 },
        { "statement_timeout", NULL, &s->statement_timeout_ms, NULL, 1, 0 },
        { "pipeline_timeout", NULL, &s->pipeline_timeout_ms, NULL, 1, 0 },
        { "lock_timeout", NULL, &s->lock_timeout_ms, NULL, 1, 0 },
        { "idle_in_transaction_session_timeout", NULL, &s->idle_in_transaction_ms, NULL, 1, 0 },
        { "pool_timeout", NULL, &s->pool_timeout_ms, NULL, 1000, 0 },
        { "pool_size", NULL, NULL, &s->pool_size, 0, CZ__PG_LINKS_MAX },
        { "pipelines", NULL, NULL, &s->pipelines, 0, 8 },
        { "port", NULL, NULL, &s->port, 0, UINT16_MAX },
    };
    for (size_t i = 0; i < CZ_COUNT(known); i++) {
        if (!cz_str_eq(name, cz_str_from(known[i].name)))
            continue;
        if (known[i].text == &s->options && s->options) { /* may be given in parts */
            s->options = cz_arena_printf(arena, "%s %.*s", s->options, CZ_STR_ARG(value));
            return s->options ? CZ_OK : CZ_ENOMEM;
        }
        if (known[i].text)
            return read_text(arena, value, known[i].text);
        return known[i].ms ? read_ms(value, known[i].unit_ms, known[i].ms)
                           : read_count(value, known[i].max, known[i].count);
    }
    return CZ_ENOTFOUND;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return cz_str_eq_icase(cz_str_from(host), CZ_STR("localhost"));
}

/* Over a network the server must prove who it is: by the system's certificates, unless the URL says
 * otherwise. libpq looks only into the user's home by itself. */
static void default_tls(struct cz__pg_settings *s)
{
    static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt",
                                           "/etc/pki/tls/certs/ca-bundle.crt" };
    static char mode[] = "verify-full", root[sizeof "/etc/ssl/certs/ca-certificates.crt"];
    if (s->is_socket || s->is_loopback)
        return;
    if (!s->sslmode)
        s->sslmode = mode;
    for (size_t i = 0; i < CZ_COUNT(bundles) && !s->sslrootcert; i++)
        if (access(bundles[i], R_OK) == 0) {
            memcpy(root, bundles[i], strlen(bundles[i]) + 1);
            s->sslrootcert = root;
        }
}

static cz_status read_parts(cz_arena *arena, const cz_url *url, struct cz__pg_settings *s)
{
    cz_str database = cz_str_tail(url->path, 1);
    cz_status status = CZ_OK;
    if (url->host.len)
        status = read_text(arena, url->host, &s->host);
    if (!status && url->user.len)
        status = read_text(arena, url->user, &s->user);
    if (!status && url->password.len)
        status = read_text(arena, url->password, &s->password);
    if (!status && database.len)
        status = read_text(arena, database, &s->database);
    s->port = url->port;
    return status;
}

cz_status cz__pg_settings_read(cz_arena *arena, const cz_url *url, bool interactive,
                               struct cz__pg_settings *out, cz_error *err)
{
    *out = (struct cz__pg_settings){ .pool_size = 4,
                                     .pipelines = 2,
                                     .connect_timeout_ms = 5000,
                                     .statement_timeout_ms = interactive ? 0 : 30000,
                                     .pipeline_timeout_ms = 250,
                                     .lock_timeout_ms = 5000,
                                     .idle_in_transaction_ms = interactive ? 0 : 30000,
                                     .pool_timeout_ms = 5000 };
    cz_status status = read_parts(arena, url, out);
    cz_str query = url->query, name = { 0 }, value = { 0 };
    while (!status && query.len) {
        status = cz_url_take_parameter(arena, &query, &name, &value);
        if (!status && name.len)
            status = read_parameter(arena, name, value, out);
        if (status == CZ_ENOTFOUND)
            return cz_error_set(err, CZ_EVALIDATION,
                                "DATABASE_URL: PostgreSQL's driver has no parameter \"%.*s\"",
                                CZ_STR_ARG(name));
        if (status == CZ_EVALIDATION)
            return cz_error_set(err, status, "DATABASE_URL: the value of \"%.*s\" is malformed",
                                CZ_STR_ARG(name));
    }
    if (status)
        return cz_error_set(err, status, "no memory to open the database");
    if (!out->database)
        return cz_error_set(err, CZ_EVALIDATION,
                            "DATABASE_URL: a PostgreSQL URL is postgresql://USER@HOST/DATABASE");
    if (!out->pool_size)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "DATABASE_URL: pool_size is at least 1: transactions need a connection");
    out->is_socket = !out->host || out->host[0] == '/';
    out->is_loopback = !out->is_socket && is_loopback(out->host);
    default_tls(out);
    return CZ_OK;
}
