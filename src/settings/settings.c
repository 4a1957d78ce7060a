/* The loader: collect what each source says, then read every declared setting from the first that has
 * it. Settings are found by binary search, not through a cz_map: the master loads them and workers, who
 * draw a hash key of their own, read them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <calzone/log.h>
#include "settings/settings_internal.h"

enum { SECRET_FILE_BYTES_MAX = 64 * 1024, FILES_MAX = 3, SHOWN_BYTES = 40 };

struct assignment {
    cz_str name, value;
    struct assignment *next;
};

struct file {
    const char *name; /* relative to the project's directory: "settings/local.env" */
    struct assignment *assignments;
};

struct entry {
    const cz_setting *setting;
    struct cz__value value;
    cz_str shown, origin;
};

struct cz_settings {
    cz_arena *arena; /* owned; holds this struct, too */
    const char *directory;
    cz_env env;
    cz_str env_origin;
    struct file files[FILES_MAX];
    size_t file_count;
    struct entry *entries; /* sorted by name */
    size_t count;
};

static const char *const env_names[] = { "development", "test", "staging", "production" };
static const cz_setting env_setting = {
    .name = "ENV",
    .kind = CZ_SETTING_STRING,
    .default_value = "development",
    .help = "Which environment this is: development, test, staging or production.",
};

const char *cz_env_name(cz_env env)
{
    return env_names[env];
}

/* ---- files ---- */

/* Read a whole file into the arena. Errors: CZ_ENOTFOUND, CZ_EIO, CZ_ETOOBIG, CZ_ENOMEM. */
static cz_status read_file(cz_arena *arena, const char *path, size_t bytes_max, cz_str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? CZ_ENOTFOUND : CZ_EIO;
    struct stat info;
    cz_status status = CZ_OK;
    size_t cap = 4096, len = 0;
    if (fstat(fd, &info)) {
        status = CZ_EIO;
    } else if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        status = CZ_EIO;
    } else if (info.st_size > (off_t)bytes_max) {
        status = CZ_ETOOBIG;
    } else if (S_ISREG(info.st_mode)) {
        cap = (size_t)info.st_size + 1; /* the one byte more sees the end, or that it grew */
    } else {
        cap = bytes_max + 1; /* a pipe from a secret manager */
    }
    char *bytes = status ? NULL : cz_arena_alloc(arena, cap);
    if (!status && !bytes)
        status = CZ_ENOMEM;
    while (!status && len < cap) {
        ssize_t got = read(fd, bytes + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = CZ_EIO;
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    int error = errno;
    close(fd);
    errno = error;
    if (status)
        return status;
    if (len == cap)
        return CZ_ETOOBIG;
    *out = cz_str_of(bytes, len);
    return CZ_OK;
}

static cz_status report_file(cz_error *err, const char *name, cz_status status)
{
    if (status == CZ_EIO)
        return cz_error_set(err, status, "%s: cannot be read: %s", name, strerror(errno));
    if (status == CZ_ETOOBIG)
        return cz_error_set(err, CZ_EVALIDATION, "%s: too large", name);
    return cz_error_set(err, status, "%s: out of memory", name);
}

static const struct assignment *find_assignment(const struct file *file, cz_str name)
{
    for (const struct assignment *a = file->assignments; a; a = a->next)
        if (cz_str_eq(a->name, name))
            return a;
    return NULL;
}

/* Take in a .env file; one that does not exist is an empty one. */
static cz_status load_file(cz_settings *settings, const char *name, cz_error *err)
{
    char *path = cz_arena_printf(settings->arena, "%s/%s", settings->directory, name);
    char *kept = cz_arena_strdup(settings->arena, name);
    if (!path || !kept)
        return cz_error_set(err, CZ_ENOMEM, "%s: out of memory", name);
    struct file *file = &settings->files[settings->file_count++];
    *file = (struct file){ .name = kept };
    cz_str text = { NULL, 0 };
    cz_status status = read_file(settings->arena, path, CZ__ENV_FILE_BYTES_MAX, &text);
    if (status == CZ_ENOTFOUND)
        return CZ_OK;
    if (status)
        return report_file(err, name, status);
    cz__env_reader reader;
    cz__env_reader_init(&reader, settings->arena, text);
    for (;;) {
        cz_str key, value;
        status = cz__env_reader_next(&reader, &key, &value);
        if (status == CZ_ENOTFOUND)
            return CZ_OK;
        if (status == CZ_EVALIDATION)
            return cz_error_set(err, status, "%s:%u: %s", name, reader.line, reader.error);
        if (status)
            return report_file(err, name, status);
        if (find_assignment(file, key))
            return cz_error_set(err, CZ_EVALIDATION, "%s:%u: %.*s is set a second time", name,
                                reader.line, CZ_STR_ARG(cz_str_head(key, 100)));
        struct assignment *assignment = cz_arena_new(settings->arena, struct assignment);
        if (!assignment)
            return report_file(err, name, CZ_ENOMEM);
        *assignment = (struct assignment){ key, value, file->assignments };
        file->assignments = assignment;
    }
}

/* ---- looking up ---- */

static struct entry *find_entry(const cz_settings *settings, cz_str name)
{
    size_t low = 0, high = settings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = cz_str_cmp(name, cz_str_from(settings->entries[middle].setting->name));
        if (order == 0)
            return &settings->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The value from the file that NAME_FILE names. */
static cz_status read_value_file(cz_settings *settings, struct entry *entry, cz_str path,
                                 cz_error *err)
{
    bool absolute = path.len && path.ptr[0] == '/';
    char *full = cz_arena_printf(settings->arena, "%s%s%.*s", absolute ? "" : settings->directory,
                                 absolute ? "" : "/", CZ_STR_ARG(path));
    char *origin = cz_arena_printf(settings->arena, "file %.*s", CZ_STR_ARG(path));
    if (!full || !origin)
        return cz_error_set(err, CZ_ENOMEM, "%s: out of memory", entry->setting->name);
    cz_str text;
    cz_status status =
        path.len ? read_file(settings->arena, full, SECRET_FILE_BYTES_MAX, &text) : CZ_ENOTFOUND;
    if (status == CZ_ENOTFOUND) {
        errno = ENOENT;
        status = CZ_EIO;
    }
    if (status) {
        char *name = cz_arena_printf(settings->arena, "%s: the file that %s_FILE names, %.*s,",
                                     entry->setting->name, entry->setting->name,
                                     CZ_STR_ARG(cz_str_head(path, 80)));
        if (status == CZ_EIO)
            return cz_error_set(err, status, "%s cannot be read: %s", name ? name : "",
                                strerror(errno));
        return report_file(err, name ? name : entry->setting->name, status);
    }
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (cz_str_find_char(text, '\0') != SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "%s: %s holds a NUL byte", entry->setting->name,
                            origin);
    entry->value.text = text;
    entry->origin = cz_str_from(origin);
    return CZ_OK;
}

/* Look `entry` up in all sources; its origin stays empty when none has it. */
static cz_status look_up(cz_settings *settings, struct entry *entry, cz_error *err)
{
    const char *name = entry->setting->name;
    char *file_name = cz_arena_printf(settings->arena, "%s_FILE", name);
    if (!file_name)
        return cz_error_set(err, CZ_ENOMEM, "%s: out of memory", name);
    /* A project may declare LOG and LOG_FILE: then the second is a setting and no pointer to a file. */
    bool has_file = !find_entry(settings, cz_str_from(file_name));
    if (!strcmp(name, env_setting.name)) {
        entry->value.text = cz_str_from(cz_env_name(settings->env));
        entry->origin = settings->env_origin;
        return CZ_OK;
    }
    const char *text = getenv(name);
    if (text) {
        entry->value.text = cz_str_from(text);
        entry->origin = CZ_STR("environment");
        return CZ_OK;
    }
    const char *path = has_file ? getenv(file_name) : NULL;
    if (path)
        return read_value_file(settings, entry, cz_str_from(path), err);
    for (size_t i = 0; i < settings->file_count; i++) {
        const struct file *file = &settings->files[i];
        const struct assignment *found = find_assignment(file, cz_str_from(name));
        if (found) {
            char *origin = cz_arena_printf(settings->arena, "file %s", file->name);
            if (!origin)
                return cz_error_set(err, CZ_ENOMEM, "%s: out of memory", name);
            entry->value.text = found->value;
            entry->origin = cz_str_from(origin);
            return CZ_OK;
        }
        found = has_file ? find_assignment(file, cz_str_from(file_name)) : NULL;
        if (found)
            return read_value_file(settings, entry, found->value, err);
    }
    return CZ_OK;
}

/* ---- checking ---- */

static const char *kind_name(cz_setting_kind kind)
{
    switch (kind) {
#define X(name, text)                                                                              \
    case CZ_SETTING_##name:                                                                        \
        return text;
        CZ_SETTING_KIND_MAP(X)
#undef X
    }
    return "value";
}

static bool is_secret(const cz_setting *setting)
{
    static const char *const ends[] = { "KEY",      "KEYS",      "SECRET", "SECRETS",
                                        "PASSWORD", "PASSWORDS", "TOKEN",  "TOKENS" };
    cz_str name = cz_str_from(setting->name);
    for (size_t i = 0; i < CZ_COUNT(ends); i++) {
        cz_str end = cz_str_from(ends[i]);
        if (cz_str_ends_with(name, end) &&
            (name.len == end.len || name.ptr[name.len - end.len - 1] == '_'))
            return true;
    }
    return setting->secret;
}

static cz_status report_missing(const cz_settings *settings, const struct entry *entry, bool empty,
                                cz_error *err)
{
    const cz_setting *setting = entry->setting;
    if (empty)
        return cz_error_set(err, CZ_EVALIDATION, "%s: required %s is empty, from %.*s",
                            setting->name, kind_name(setting->kind), CZ_STR_ARG(entry->origin));
    char places[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < settings->file_count && len < sizeof places; i++)
        len += (size_t)snprintf(places + len, sizeof places - len, ", %s", settings->files[i].name);
    return cz_error_set(err, CZ_EVALIDATION,
                        "%s: required %s is missing; looked in the environment, %s_FILE%s",
                        setting->name, kind_name(setting->kind), setting->name, places);
}

static cz_status report_malformed(const struct entry *entry, const char *expected, cz_error *err)
{
    const cz_setting *setting = entry->setting;
    char value[SHOWN_BYTES * 6 + 1] = "the value";
    if (!is_secret(setting) && setting->kind != CZ_SETTING_URL) {
        value[0] = '"';
        char *end = cz__json_escape(value + 1, cz_str_head(entry->value.text, SHOWN_BYTES - 1));
        end[0] = '"';
        end[1] = '\0';
    }
    const char *kind = kind_name(setting->kind);
    return cz_error_set(err, CZ_EVALIDATION, "%s: %s from %.*s is not %s %s (%s)", setting->name,
                        value, CZ_STR_ARG(cz_str_head(entry->origin, 60)),
                        kind[0] == 'i' ? "an" : "a", kind, expected);
}

static cz_status check_bounds(const struct entry *entry, cz_error *err)
{
    const cz_setting *setting = entry->setting;
    bool counts = setting->kind == CZ_SETTING_INT || setting->kind == CZ_SETTING_DURATION ||
                  setting->kind == CZ_SETTING_SIZE;
    if (!counts || (setting->min == 0 && setting->max == 0))
        return CZ_OK;
    if (entry->value.integer >= setting->min && entry->value.integer <= setting->max)
        return CZ_OK;
    const char *unit = setting->kind == CZ_SETTING_DURATION ? " ms"
                       : setting->kind == CZ_SETTING_SIZE   ? " bytes"
                                                            : "";
    return cz_error_set(err, CZ_EVALIDATION, "%s: %lld%s from %.*s is not between %lld and %lld%s",
                        setting->name, (long long)entry->value.integer, unit,
                        CZ_STR_ARG(cz_str_head(entry->origin, 60)), (long long)setting->min,
                        (long long)setting->max, unit);
}

static cz_status set_shown(cz_settings *settings, struct entry *entry)
{
    const cz_setting *setting = entry->setting;
    entry->shown = entry->value.text;
    if (is_secret(setting)) {
        if (entry->shown.len)
            entry->shown = CZ_STR("***");
        return CZ_OK;
    }
    if (setting->kind == CZ_SETTING_URL ||
        cz_str_ends_with(cz_str_from(setting->name), CZ_STR("URL")))
        return cz__url_mask(settings->arena, entry->value.text, &entry->shown);
    return CZ_OK;
}

static bool is_required(const cz_settings *settings, const cz_setting *setting)
{
    return setting->required ||
           (setting->required_in_production && settings->env == CZ_ENV_PRODUCTION);
}

/* The names of further ones that are required and have no value, behind the sentence about the first: who sets up a machine
 * does not learn of them one at a time. */
static void tell_further_missing(cz_settings *settings, const struct entry *first, cz_error *err)
{
    size_t len = err ? strlen(err->message) : 0, count = 0;
    const struct entry *end = settings->entries + settings->count;
    for (const struct entry *entry = first + 1; err && entry < end; entry++) {
        struct entry copy = *entry;
        if (!is_required(settings, entry->setting) || look_up(settings, &copy, NULL) ||
            copy.value.text.len)
            continue;
        int added = snprintf(err->message + len, sizeof err->message - len, "%s%s",
                             count++ ? ", " : "; also missing: ", entry->setting->name);
        if (added < 0 || (size_t)added >= sizeof err->message - len)
            break; /* cut, as any message is */
        len += (size_t)added;
    }
}

static cz_status resolve(cz_settings *settings, struct entry *entry, cz_error *err)
{
    const cz_setting *setting = entry->setting;
    cz_status status = look_up(settings, entry, err);
    if (status)
        return status;
    if (is_required(settings, setting) && !entry->value.text.len) {
        status = report_missing(settings, entry, entry->origin.len != 0, err);
        tell_further_missing(settings, entry, err);
        return status;
    }
    bool unset = !entry->origin.len && !setting->default_value;
    if (!entry->origin.len) {
        entry->value.text = cz_str_from(setting->default_value);
        entry->origin = CZ_STR("default");
    }
    const char *expected = "";
    /* Our own copy: setenv() may move the environment's. With a NUL, for those who pass it to libc. */
    status = cz_str_dup(settings->arena, entry->value.text, &entry->value.text);
    if (status == CZ_OK && !unset) {
        status = cz__value_read(settings->arena, setting->kind, &entry->value, &expected);
        if (status == CZ_EVALIDATION)
            return report_malformed(entry, expected, err);
        if (status == CZ_OK)
            status = check_bounds(entry, err);
    }
    if (status == CZ_OK)
        status = set_shown(settings, entry);
    if (status == CZ_ENOMEM)
        cz_error_set(err, status, "%s: out of memory", setting->name);
    return status;
}

/* ---- loading ---- */

/* ENV decides which files are read, so only the environment and settings/local.env can say it. */
static cz_status choose_env(cz_settings *settings, cz_error *err)
{
    const char *text = getenv("ENV");
    cz_str value = cz_str_from(text);
    settings->env_origin = text ? CZ_STR("environment") : CZ_STR("default");
    const struct assignment *found = find_assignment(&settings->files[0], CZ_STR("ENV"));
    if (!text && found) {
        value = found->value;
        settings->env_origin = CZ_STR("file settings/local.env");
    } else if (!text) {
        value = cz_str_from(env_setting.default_value);
    }
    for (size_t i = 0; i < CZ_COUNT(env_names); i++)
        if (cz_str_eq(value, cz_str_from(env_names[i]))) {
            settings->env = (cz_env)i;
            return CZ_OK;
        }
    char shown[SHOWN_BYTES * 6 + 1];
    char *end = cz__json_escape(shown, cz_str_head(value, SHOWN_BYTES));
    *end = '\0';
    return cz_error_set(err, CZ_EVALIDATION,
                        "ENV: \"%s\" from %.*s is none of development, test, staging, production",
                        shown, CZ_STR_ARG(settings->env_origin));
}

static cz_status load_files(cz_settings *settings, cz_error *err)
{
    cz_status status = load_file(settings, "settings/local.env", err);
    if (status == CZ_OK)
        status = choose_env(settings, err);
    if (status)
        return status;
    char name[40];
    cz_ignore(
        snprintf(name, sizeof name, "settings/%s.env", cz_env_name(settings->env))); /* fits */
    status = load_file(settings, name, err);
    bool has_dot_env = settings->env == CZ_ENV_DEVELOPMENT || settings->env == CZ_ENV_TEST;
    if (status == CZ_OK && has_dot_env)
        status = load_file(settings, ".env", err);
    return status;
}

/* Put `setting` at its place in the sorted entries. */
static cz_status add_entry(cz_settings *settings, const cz_setting *setting, cz_error *err)
{
    size_t at = settings->count;
    cz_str name = cz_str_from(setting->name);
    if (find_entry(settings, name))
        return cz_error_set(err, CZ_EINVAL, "%s: declared twice", setting->name);
    for (; at && cz_str_cmp(name, cz_str_from(settings->entries[at - 1].setting->name)) < 0; at--)
        settings->entries[at] = settings->entries[at - 1];
    settings->entries[at] = (struct entry){ .setting = setting };
    settings->count++;
    return CZ_OK;
}

static cz_status collect(cz_settings *settings, const cz_setting_table *tables, size_t table_count,
                         cz_error *err)
{
    size_t count = 1; /* ENV */
    for (size_t i = 0; i < table_count; i++)
        count += tables[i].count;
    settings->entries = cz_arena_array(settings->arena, struct entry, count);
    if (!settings->entries)
        return cz_error_set(err, CZ_ENOMEM, "settings: out of memory");
    for (size_t i = 0; i < table_count; i++)
        for (size_t k = 0; k < tables[i].count; k++) {
            cz_status status = add_entry(settings, &tables[i].settings[k], err);
            if (status)
                return status;
        }
    return find_entry(settings, CZ_STR("ENV")) ? CZ_OK : add_entry(settings, &env_setting, err);
}

static cz_status load(cz_settings *settings, const char *directory, const cz_setting_table *tables,
                      size_t table_count, cz_error *err)
{
    settings->directory = cz_arena_strdup(settings->arena, directory ? directory : ".");
    if (!settings->directory)
        return cz_error_set(err, CZ_ENOMEM, "settings: out of memory");
    cz_status status = load_files(settings, err);
    if (status == CZ_OK)
        status = collect(settings, tables, table_count, err);
    for (size_t i = 0; status == CZ_OK && i < settings->count; i++)
        status = resolve(settings, &settings->entries[i], err);
    return status;
}

cz_status cz_settings_load(const char *directory, const cz_setting_table *tables,
                           size_t table_count, cz_settings **out, cz_error *err)
{
    cz_arena *arena;
    cz_settings *settings = NULL;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "settings: out of memory");
    settings = cz_arena_new(arena, cz_settings);
    if (!settings) {
        cz_arena_destroy(arena);
        return cz_error_set(err, CZ_ENOMEM, "settings: out of memory");
    }
    settings->arena = arena;
    cz_status status = load(settings, directory, tables, table_count, err);
    if (status) {
        cz_arena_destroy(arena);
        return status;
    }
    *out = settings;
    return CZ_OK;
}

void cz_settings_destroy(cz_settings *settings)
{
    if (settings)
        cz_arena_destroy(settings->arena);
}

/* ---- reading ---- */

static const struct cz__value *value_of(const cz_settings *settings, const char *name,
                                        unsigned kinds)
{
    const struct entry *entry = find_entry(settings, cz_str_from(name));
    char text[160];
    if (!entry || !(1u << entry->setting->kind & kinds)) { /* our caller's bug: say which setting */
        cz_ignore(snprintf(text, sizeof text,
                           entry ? "setting %s is read as another kind than it is declared"
                                 : "setting %s is read but not declared",
                           name));
        cz__assert_failed(text, __FILE__, __LINE__);
    }
    return &entry->value;
}

cz_str cz_setting_str(const cz_settings *settings, const char *name)
{
    return value_of(settings, name,
                    1u << CZ_SETTING_STRING | 1u << CZ_SETTING_PATH | 1u << CZ_SETTING_URL)
        ->text;
}

bool cz_setting_bool(const cz_settings *settings, const char *name)
{
    return value_of(settings, name, 1u << CZ_SETTING_BOOL)->boolean;
}

int64_t cz_setting_int(const cz_settings *settings, const char *name)
{
    return value_of(settings, name,
                    1u << CZ_SETTING_INT | 1u << CZ_SETTING_DURATION | 1u << CZ_SETTING_SIZE)
        ->integer;
}

double cz_setting_float(const cz_settings *settings, const char *name)
{
    return value_of(settings, name, 1u << CZ_SETTING_FLOAT)->real;
}

cz_str_list cz_setting_list(const cz_settings *settings, const char *name)
{
    return value_of(settings, name, 1u << CZ_SETTING_LIST)->list;
}

cz_env cz_settings_env(const cz_settings *settings)
{
    return settings->env;
}

/* NAME_FILE is a setting's, too. */
static bool is_a_setting_s(const cz_settings *settings, cz_str name)
{
    cz_str end = CZ_STR("_FILE");
    return find_entry(settings, name) ||
           (cz_str_ends_with(name, end) &&
            find_entry(settings, cz_str_head(name, name.len - end.len)));
}

bool cz_settings_next_unknown(const cz_settings *settings, size_t *cursor, cz_str *out_name,
                              const char **out_file)
{
    size_t seen = 0;
    for (size_t i = 0; i < settings->file_count; i++)
        for (const struct assignment *a = settings->files[i].assignments; a; a = a->next)
            if (!is_a_setting_s(settings, a->name) && seen++ == *cursor) {
                ++*cursor;
                *out_name = a->name;
                *out_file = settings->files[i].name;
                return true;
            }
    return false;
}

bool cz_settings_next(const cz_settings *settings, size_t *cursor, cz_setting_value *out)
{
    if (*cursor >= settings->count)
        return false;
    const struct entry *entry = &settings->entries[(*cursor)++];
    *out = (cz_setting_value){ entry->setting, entry->shown, entry->origin };
    return true;
}
