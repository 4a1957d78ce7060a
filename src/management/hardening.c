#include "management/hardening.h"
#include <calzone/log.h>
#include "runtime/privileges.h"
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_in_the_open(const struct cz__site *site)
{
    return site->env == CZ_ENV_STAGING || site->env == CZ_ENV_PRODUCTION;
}

/* ---- root ---- */

cz_status cz__site_give_up_root(const struct cz__site *site, cz_error *err)
{
    const struct cz__serving *serving = site->serving;
    cz_str user =
        serving->user ? cz_str_from(serving->user) : cz_setting_str(site->settings, "RUN_AS_USER");
    enum cz__privileges privileges = CZ__PRIVILEGES_USER;
    cz_status status = cz__privileges_drop(user, ".", &privileges, err);
    if (!status && is_in_the_open(site))
        cz__core_dumps_off();
    if (status || privileges != CZ__PRIVILEGES_ROOT)
        return status;
    if (serving->require_sandbox)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "--require-sandbox: this is root, and so is the owner of the folder: name a "
            "user by RUN_AS_USER or --user");
    return CZ_OK;
}

void cz__site_warn_of_root(const struct cz__site *site)
{
    if (is_in_the_open(site) && geteuid() == 0) /* elsewhere, in containers, one often is */
        cz_log_warning(NULL, "calzone.run",
                       "the site is served as root: name a user by RUN_AS_USER or --user");
}

/* ---- folders ---- */

struct gathering {
    const struct cz__site *site;
    struct cz__sandbox *sandbox;
    cz_status status;
    cz_error *err;
};

/* Remember the first thing that goes wrong. */
static void fail(struct gathering *all, cz_status status, const char *what)
{
    if (!all->status)
        all->status = cz_error_set(all->err, status, "the sandbox: %s", what);
}

static void allow(struct gathering *all, cz_str path, bool write)
{
    struct cz__sandbox *sandbox = all->sandbox;
    cz_str kept;
    if (all->status || !path.len)
        return;
    if (sandbox->path_count == CZ__SANDBOX_PATHS_MAX) {
        fail(all, CZ_ETOOBIG, "there are more than 256 folders");
    } else if (cz_str_dup(all->site->arena, path, &kept)) {
        fail(all, CZ_ENOMEM, "no memory");
    } else {
        sandbox->paths[sandbox->path_count++] = (struct cz__sandbox_path){ kept.ptr, write };
    }
}

/* The folder of a file that is made, changed and removed with others beside it: a log that is rotated, a database. */
static void allow_beside(struct gathering *all, cz_str file)
{
    size_t slash = SIZE_MAX;
    for (size_t i = 0; i < file.len; i++)
        if (file.ptr[i] == '/')
            slash = i;
    if (file.len)
        allow(all, slash == SIZE_MAX ? CZ_STR(".") : cz_str_head(file, slash ? slash : 1), true);
}

static void allow_list(struct gathering *all, const char *setting, bool write)
{
    cz_str_list list = cz_setting_list(all->site->settings, setting);
    for (size_t i = 0; i < list.count; i++)
        allow(all, list.items[i], write);
}

/* What programs need that know nothing of the project: libraries, the machine's settings, devices that are none. */
static void allow_system(struct gathering *all)
{
    static const char *const read[] = {
        "/usr",
        "/lib",
        "/lib64",
        "/etc",
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/loadavg",
        "/sys/devices/system/cpu",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/run/systemd/resolve",
        "/run/resolvconf",
    };
    static const char *const write[] = { "/dev/null", "/tmp", "/var/tmp" };
    for (size_t i = 0; i < CZ_COUNT(read); i++)
        allow(all, cz_str_from(read[i]), false);
    for (size_t i = 0; i < CZ_COUNT(write); i++)
        allow(all, cz_str_from(write[i]), true);
    allow(all, cz_str_from(getenv("TMPDIR")), true);
}

static void allow_database(struct gathering *all, const cz__database *database)
{
    cz_buf text = { 0 };
    cz_url url;
    cz_status status = cz__site_database_url(all->site, database, &text, all->err);
    if (status)
        all->status = status;
    else if (!cz_url_parse(all->site->arena, cz_buf_str(&text), &url) &&
             cz_str_eq(url.scheme, CZ_STR("sqlite")))
        allow_beside(all, url.path);
    cz_buf_done(&text);
}

/* The folder of a cache in files, which the cache would make. */
static void allow_cache(struct gathering *all, const char *alias)
{
    const char *setting = cz__alias_setting(all->site->arena, "CACHE", alias, "URL");
    cz_str text = setting ? cz_setting_str(all->site->settings, setting) : CZ_STR("");
    cz_str path;
    cz_url url;
    if (!text.len || cz_url_parse(all->site->arena, text, &url) ||
        !cz_str_eq(url.scheme, CZ_STR("file")) || cz_str_dup(all->site->arena, url.path, &path))
        return;
    cz_ignore(mkdir(path.ptr, 0700)); /* it may be there; what is wrong with it the cache tells */
    allow(all, path, true);
}

static void allow_of_settings(struct gathering *all)
{
    const cz_settings *settings = all->site->settings;
    const cz_cache_list *caches = &all->site->project->caches;
    cz_str access_log = cz_setting_str(settings, "ACCESS_LOG");
    for (size_t i = 0; i < cz__database_count; i++)
        allow_database(all, &cz__databases[i]);
    allow_cache(all, "default");
    for (size_t i = 0; i < caches->count; i++)
        allow_cache(all, caches->items[i].alias ? caches->items[i].alias : "");
    allow(all, cz_setting_str(settings, "UPLOAD_DIRECTORY"), true);
    allow_beside(all, cz_setting_str(settings, "LOG_FILE"));
    if (!cz_str_eq(access_log, CZ_STR("-")) && !cz_str_eq(access_log, CZ_STR("off")))
        allow_beside(all, access_log);
    if (!cz_setting_bool(settings, "TLS_KEY_PROCESS")) { /* else another process reads them */
        allow_list(all, "TLS_CERTIFICATES", false);
        allow_list(all, "TLS_KEYS", false);
    }
    allow(all, cz_setting_str(settings, "TLS_CLIENT_CA"), false);
    allow_list(all, "SANDBOX_READ", false);
    allow_list(all, "SANDBOX_WRITE", true);
}

/* ---- keys of TLS ---- */

static bool is_below(const char *file, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(file, folder, len) == 0 &&
           (file[len] == '/' || !file[len] || (len && folder[len - 1] == '/'));
}

/* The folder through which workers reach a file; NULL: none. */
static const char *folder_above(const struct cz__site *site, const struct cz__sandbox *sandbox,
                                cz_str file)
{
    char real_file[PATH_MAX], real_folder[PATH_MAX];
    cz_str kept;
    if (cz_str_dup(site->arena, file, &kept) || !realpath(kept.ptr, real_file))
        return NULL; /* who reads it tells */
    for (size_t i = 0; i < sandbox->path_count; i++)
        if (realpath(sandbox->paths[i].path, real_folder) && is_below(real_file, real_folder))
            return sandbox->paths[i].path;
    return NULL;
}

/* Keys that workers have neither in memory nor given to them lie open to them all the same where everything does. */
static void warn_of_reachable_keys(const struct cz__site *site, const struct cz__sandbox *sandbox)
{
    cz_str_list keys = cz_setting_list(site->settings, "TLS_KEYS");
    if (!keys.count) /* the files of the certificates have them */
        keys = cz_setting_list(site->settings, "TLS_CERTIFICATES");
    for (size_t i = 0; i < keys.count && cz_setting_bool(site->settings, "TLS_KEY_PROCESS"); i++) {
        const char *folder = folder_above(site, sandbox, keys.items[i]);
        if (folder)
            cz_log_warning(NULL, "calzone.run",
                           "workers may read the file of a TLS key: keep it in a folder of its own",
                           CZ_FIELD_STR("file", keys.items[i]),
                           CZ_FIELD_STR("allowed_below", cz_str_from(folder)));
    }
}

/* ---- the rest ---- */

static cz_status read_ports(const struct cz__site *site, struct cz__sandbox *sandbox, cz_error *err)
{
    cz_str_list list = cz_setting_list(site->settings, "SANDBOX_CONNECT");
    if (list.count > CZ__SANDBOX_PORTS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "SANDBOX_CONNECT has more than %d ports",
                            CZ__SANDBOX_PORTS_MAX);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t port = 0;
        if (cz_str_to_u64(list.items[i], &port) || !port || port > 65535)
            return cz_error_set(err, CZ_EVALIDATION, "SANDBOX_CONNECT: \"%.*s\" is no port",
                                CZ_STR_ARG(list.items[i]));
        sandbox->connect[sandbox->connect_count++] = (uint16_t)port;
    }
    return CZ_OK;
}

/* On, and whether it must be whole. */
static cz_status read_mode(const struct cz__site *site, bool required, bool *out_on, cz_error *err)
{
    static const char *const words[] = { "on", "off" };
    size_t word = 0;
    cz_status status = cz__setting_one_of(site, "SANDBOX", words, CZ_COUNT(words),
                                          is_in_the_open(site) || required ? 0 : 1, &word, err);
    *out_on = word == 0;
    if (!status && required && !*out_on)
        return cz_error_set(err, CZ_EVALIDATION,
                            "--require-sandbox, and the setting SANDBOX is off");
    return status;
}

static cz_status tell_lacks(bool required, cz_error *err)
{
    const char *lacks = cz__sandbox_lacks();
    if (!lacks)
        return CZ_OK;
    if (required)
        return cz_error_set(err, CZ_EVALIDATION, "--require-sandbox: this machine lacks %s", lacks);
    cz_log_warning(NULL, "calzone.run", "the sandbox is not whole",
                   CZ_FIELD_STR("lacks", cz_str_from(lacks)));
    return CZ_OK;
}

cz_status cz__site_sandbox(const struct cz__site *site, bool required,
                           const struct cz__sandbox **out, cz_error *err)
{
    bool on = false;
    *out = NULL;
    cz_status status = read_mode(site, required, &on, err);
    if (!status && on)
        status = tell_lacks(required, err);
    if (status || !on)
        return status;
    struct cz__sandbox *sandbox = cz_arena_new(site->arena, struct cz__sandbox);
    if (!sandbox)
        return cz_error_set(err, CZ_ENOMEM, "the sandbox: no memory");
    struct gathering all = { site, sandbox, CZ_OK, err };
    sandbox->programs = cz_setting_bool(site->settings, "SANDBOX_PROGRAMS");
    allow(&all, CZ_STR("."), false);
    allow_system(&all);
    allow_of_settings(&all);
    status = all.status ? all.status : read_ports(site, sandbox, err);
    if (status)
        return status;
    warn_of_reachable_keys(site, sandbox);
    *out = sandbox;
    return CZ_OK;
}
