/* `backup` and `dbshell`. */
#include "management/project.h"
#include "orm/orm.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64 };

static cz_str file_of(const cz_url *url) /* sqlite:////a/b.db is /a/b.db, too */
{
    cz_str path = url->path;
    while (path.len > 1 && path.ptr[1] == '/')
        path = cz_str_tail(path, 1);
    return path;
}

/* A SQLite file that is not there would be made, and the copy be one of nothing. Whatever else may be wrong is told
 * when the database is opened. */
static bool is_missing(const struct cz__site *site, const char *alias, char *out, size_t bytes)
{
    cz_arena *arena = NULL;
    cz_url url;
    cz_buf text = { 0 };
    const cz__database *database = cz__database_find(alias ? alias : cz__databases[0].alias);
    bool missing =
        database && !cz__site_database_url(site, database, &text, NULL) &&
        !cz_arena_create(NULL, 0, &arena) && !cz_url_parse(arena, cz_buf_str(&text), &url) &&
        cz_str_eq(url.scheme, CZ_STR("sqlite")) && !cz_str_eq(url.path, CZ_STR("/:memory:"));
    if (missing) {
        snprintf(out, bytes, "%.*s", CZ_STR_ARG(file_of(&url)));
        missing = access(out, F_OK) != 0 && errno == ENOENT;
    }
    cz_arena_destroy(arena);
    cz_buf_done(&text);
    return missing;
}

static int back_up(cz_ctx *ctx, void *arg)
{
    const char *path = arg;
    cz_error err;
    struct stat about;
    cz__db *db = cz__database_at_home(ctx)->primary;
    if (!db->driver->backup)
        cz_raise(ctx, CZ_EUNSUPPORTED, "backup is for SQLite; PostgreSQL has pg_dump");
    if (db->driver->backup(ctx, db, path, &err))
        cz_raise_error(ctx, &err);
    if (stat(path, &about))
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    printf("%s: %lld bytes, checked\n", path, (long long)about.st_size);
    return 0;
}

int cz__command_backup(struct cz__site *site, int argc, char **argv)
{
    const char *database;
    if (!cz__command_database(&argc, argv, &database))
        return 2;
    if (argc != 2 || argv[1][0] == '-') {
        fputs("backup: name one file; see --help\n", stderr);
        return 2;
    }
    if (access(argv[1], F_OK) == 0) {
        fprintf(stderr, "backup: %s is there already\n", argv[1]);
        return 1;
    }
    char file[4096];
    if (is_missing(site, database, file, sizeof file)) {
        fprintf(stderr, "backup: there is no database %s\n", file);
        return 1;
    }
    return cz__site_run_on(site, database, back_up, argv[1]);
}

/* ---- dbshell ---- */

static char *to_text(cz_buf *buf)
{
    cz_buf_append_char(buf, '\0');
    return cz_buf_status(buf) ? NULL : buf->ptr;
}

/* The URL without its password, which goes by the environment: arguments are for everyone to see. */
static char *address_of(const cz_url *url, cz_buf *out)
{
    cz_buf_append_lit(out, "postgresql://");
    if (url->user.len) {
        cz_percent_encode(out, url->user);
        cz_buf_append_char(out, '@');
    }
    bool six = cz_str_find_char(url->host, ':') != SIZE_MAX;
    cz_buf_printf(out, six ? "[%.*s]" : "%.*s", CZ_STR_ARG(url->host));
    if (url->port)
        cz_buf_printf(out, ":%u", url->port);
    cz_percent_encode(out, url->path);
    char between = '?';
    for (cz_str rest = url->query; rest.len; between = '&') {
        cz_str part = cz_str_cut(&rest, '&');
        if (cz_str_starts_with(part, CZ_STR("password=")))
            continue; /* psql asks for it */
        cz_buf_append_char(out, between);
        cz_buf_append_str(out, part);
    }
    return to_text(out);
}

static int run_shell(const char *program, char *database, int argc, char **argv,
                     const char *package)
{
    char *arguments[ARGUMENTS_MAX + 3] = { (char *)(uintptr_t)program, database };
    if (argc > ARGUMENTS_MAX) {
        fputs("dbshell: too many arguments\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        arguments[i + 1] = argv[i];
    fflush(NULL);
    execvp(program, arguments);
    fprintf(stderr, "dbshell: %s: %s (package %s)\n", program, strerror(errno), package);
    return 1;
}

int cz__command_dbshell(struct cz__site *site, int argc, char **argv)
{
    cz_arena *arena;
    cz_url url;
    cz_buf text = { 0 }, address = { 0 }, password = { 0 };
    cz_error err;
    const char *alias;
    char names[256];
    if (!cz__command_database(&argc, argv, &alias))
        return 2;
    const cz__database *database = cz__database_find(alias ? alias : cz__databases[0].alias);
    if (!database) {
        cz__database_names(names, sizeof names);
        fprintf(stderr, "dbshell: there is no database \"%s\"; declared are %s\n", alias, names);
        return 2;
    }
    if (cz__site_database_url(site, database, &text, &err)) {
        fprintf(stderr, "dbshell: %s\n", cz_error_message(&err));
        return 1;
    }
    if (cz_arena_create(NULL, 0, &arena) || cz_url_parse(arena, cz_buf_str(&text), &url)) {
        fputs("dbshell: DATABASE_URL is malformed\n", stderr);
        return 1;
    }
    if (cz_str_eq(url.scheme, CZ_STR("sqlite"))) {
        cz_buf_append_str(&address, file_of(&url));
        char *file = to_text(&address);
        return file ? run_shell("sqlite3", file, argc, argv, "sqlite3") : 1;
    }
    if (!cz_str_starts_with(url.scheme, CZ_STR("postgres"))) {
        fprintf(stderr, "dbshell: no shell is known for \"%.*s\"\n", CZ_STR_ARG(url.scheme));
        return 1;
    }
    char *where = address_of(&url, &address);
    cz_buf_append_str(&password, url.password);
    const char *secret = to_text(&password);
    if (!where || !secret || (url.password.len && setenv("PGPASSWORD", secret, 1))) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    return run_shell("psql", where, argc, argv, "postgresql-client");
}
