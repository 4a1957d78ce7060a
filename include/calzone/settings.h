/* calzone/settings.h: typed settings from the environment (12-factor, III).
 *
 * Looked up in this order: the process's environment; NAME_FILE, a file that holds the value (mounted
 * secrets); settings/local.env; settings/$ENV.env; .env (development and test only). The first that has
 * the name, or NAME_FILE, wins. ENV itself comes from the environment or settings/local.env. A project declares what it reads in a table, so that `APP settings` can list it, `check`
 * can verify it and a missing or malformed required one stops the start with one line that names it, its
 * type and where it was looked for.
 *
 * Secrets (declared so, or named like one: *_KEY, *_SECRET, *_PASSWORD, *_TOKEN, *_URL's password) are
 * never printed.
 */
#ifndef CALZONE_SETTINGS_H
#define CALZONE_SETTINGS_H

#include <calzone/memory.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CZ_SETTING_KIND_MAP(X)                                                                     \
    X(STRING, "string")                                                                            \
    X(BOOL, "bool")                                                                                \
    X(INT, "int")                                                                                  \
    X(FLOAT, "float")                                                                              \
    X(DURATION, "duration")                                                                        \
    X(SIZE, "size")                                                                                \
    X(LIST, "list")                                                                                \
    X(PATH, "path")                                                                                \
    X(URL, "URL")

typedef enum cz_setting_kind {
#define X(name, text) CZ_SETTING_##name,
    CZ_SETTING_KIND_MAP(X)
#undef X
} cz_setting_kind;

typedef struct cz_setting {
    const char *name; /* "ALLOWED_HOSTS" */
    cz_setting_kind kind;
    const char *default_value;   /* text form; NULL with `required` unset: empty or zero */
    const char *help;            /* one sentence for `APP settings` */
    bool required;               /* start refused when absent */
    bool required_in_production; /* the same, for ENV=production only */
    bool secret;
    int64_t min, max; /* for INT, DURATION (ms), SIZE (bytes); both 0: no bounds */
} cz_setting;

typedef struct cz_settings cz_settings;

/* What one app or the library itself declares; borrowed as long as the settings live. */
typedef struct cz_setting_table {
    const cz_setting *settings;
    size_t count;
} cz_setting_table;

/* Read the environment and the files below `directory` (NULL: the working directory), and check every
 * declared setting. A required one ignores its default; so does a required_in_production one there.
 * Errors: CZ_EVALIDATION, `err` holds the one line; CZ_EIO an unreadable file; CZ_EINVAL a name declared
 * twice; CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz_settings_load(const char *directory, const cz_setting_table *tables,
                                        size_t table_count, cz_settings **out, cz_error *err);
void cz_settings_destroy(cz_settings *settings);

/* The values. The name must be declared and of that kind (asserted). Durations are milliseconds (text:
 * "500ms", "10s", "5m", "2h", "1d"), sizes bytes ("64k", "2M", "1G", powers of 1024). Strings live as long
 * as the settings and have a NUL after them; list items have none. */
cz_str cz_setting_str(const cz_settings *settings, const char *name);
bool cz_setting_bool(const cz_settings *settings, const char *name);
int64_t cz_setting_int(const cz_settings *settings, const char *name); /* INT, DURATION and SIZE */
double cz_setting_float(const cz_settings *settings, const char *name);
/* Separated by commas, trimmed, empty items dropped. */
cz_str_list cz_setting_list(const cz_settings *settings, const char *name);

typedef enum cz_env { CZ_ENV_DEVELOPMENT, CZ_ENV_TEST, CZ_ENV_STAGING, CZ_ENV_PRODUCTION } cz_env;
/* ENV, "development" by default; anything else than the four names stops the start. */
cz_env cz_settings_env(const cz_settings *settings);
const char *cz_env_name(cz_env env);

/* Walk the declared settings with their value as text ("***" for secrets) and where it came from
 * ("environment", "file settings/local.env", "default"); false at the end. */
typedef struct cz_setting_value {
    const cz_setting *setting;
    cz_str value, origin;
} cz_setting_value;
bool cz_settings_next(const cz_settings *settings, size_t *cursor, cz_setting_value *out);

/* Walk what .env files name and no setting has; false at the end. A misspelt setting has its default all the same. */
bool cz_settings_next_unknown(const cz_settings *settings, size_t *cursor, cz_str *out_name,
                              const char **out_file);

/* A database, cache or broker URL taken apart: scheme://user:password@host:port/path?query, each part but
 * the scheme optional. The scheme is in lower case, `path` begins with "/" when there is one, `host` has
 * no brackets around an IPv6 address. Percent-escapes in user, password and path are decoded. */
typedef struct cz_url {
    cz_str scheme, user, password, host, path, query;
    uint16_t port;     /* 0: none given */
    cz_str more_hosts; /* "b,c:11212" of memcached://a,b,c:11212; empty with any other scheme */
} cz_url;
/* Errors: CZ_EVALIDATION; CZ_ENOMEM. `out` points into `text` and `arena`. */
CZ_NODISCARD cz_status cz_url_parse(cz_arena *arena, cz_str text, cz_url *out);
/* Make the next of several hosts the URL's host and port. False: there is none. */
bool cz_url_take_host(cz_url *url);
/* Take the first "name=value" off a URL's query, its percent-escapes decoded; both are empty at the end.
 * Errors: CZ_EVALIDATION: a malformed escape or a control character; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz_url_take_parameter(cz_arena *arena, cz_str *query, cz_str *out_name,
                                             cz_str *out_value);

#ifdef __cplusplus
}
#endif
#endif
