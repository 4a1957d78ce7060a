/* Which database a test gets, and how its template is made once. */
#include "testing/template.h"
#include "testing/testing_internal.h"
#include <calzone/map.h>
#include <calzone/random.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PART_BYTES = 64 * 1024, URL_BYTES_MAX = 4096 };

/* ---- names ---- */

static uint64_t identity(const void *project, const char *alias, cz_str base)
{
    static const uint8_t key[16] = "calzone template"; /* the same in every process of the run */
    const char *text =
        cz_arena_printf(cz_test_arena(), "%p %s %.*s", project, alias, CZ_STR_ARG(base));
    CZ_REQUIRE(text);
    return cz__siphash13(key, text, strlen(text));
}

/* A, what stands between, B: in the test's arena. */
static const char *joined(const char *between, const char *a, const char *b)
{
    const char *text = cz_arena_printf(cz_test_arena(), "%s%s%s", a, between, b);
    CZ_REQUIRE(text);
    return text;
}

/* sqlite://PATH with what the project's own URL says behind its "?". */
static const char *sqlite_url(const char *path, cz_str base)
{
    cz_buf url = { 0 };
    cz_str out;
    const char *query = base.len ? memchr(base.ptr, '?', base.len) : NULL;
    cz_buf_append_lit(&url, "sqlite://");
    cz_percent_encode(&url, cz_str_from(path));
    if (query)
        cz_buf_append(&url, query, base.len - (size_t)(query - base.ptr));
    CZ_REQUIRE_OK(cz_buf_status(&url));
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_buf_str(&url), &out));
    cz_buf_done(&url);
    return out.ptr;
}

void cz__test_database_plan(const void *project, const char *alias, cz_str base,
                            cz__test_database *out)
{
    uint64_t id = identity(project, alias, base);
    *out = (cz__test_database){ 0 };
    out->mark = cz_arena_printf(cz_test_arena(), "%s/template-%016llx", cz__test_run_directory(),
                                (unsigned long long)id);
    CZ_REQUIRE(out->mark);
    if (!cz_str_starts_with(base, CZ_STR("postgres"))) {
        const char *name =
            strcmp(alias, "default") == 0 ? "test.db" : joined(".", alias, "test.db");
        out->path = joined("/", cz_test_directory(), name);
        out->url = sqlite_url(out->path, base);
        out->template_ = joined(".", out->mark, "db");
        /* not the finished name: that one appears when it is whole */
        out->template_url = sqlite_url(joined(".", out->template_, "part"), base);
        return;
    }
    const char *prefix = cz__test_server_prefix(cz__test_runner());
    cz_str server;
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), base, &server));
    out->server = server.ptr;
    out->template_ = cz_arena_printf(cz_test_arena(), "%st%016llx", prefix, (unsigned long long)id);
    out->name = cz_arena_printf(cz_test_arena(), "%s%ld_%08x", prefix, (long)getpid(),
                                (unsigned)cz_random_u64());
    CZ_REQUIRE(out->template_ && out->name);
    out->template_url = cz__test_server_url(out->server, out->template_);
    out->url = cz__test_server_url(out->server, out->name);
}

/* ---- files ---- */

static void copy_file(const char *from, const char *to)
{
    static char part[PART_BYTES];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = in < 0 || out < 0 ? -1 : 0, put = 0;
    while (got >= 0 && (got = read(in, part, sizeof part)) > 0)
        for (ssize_t at = 0; at < got; at += put)
            if ((put = write(out, part + at, (size_t)(got - at))) < 0) {
                got = -1;
                break;
            }
    if (got < 0)
        cz__test_die("%s, a copy of %s: %s", to, from, strerror(errno));
    close(in);
    close(out);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        cz__test_die("%s: %s", path, strerror(errno));
    close(fd);
}

/* ---- the template ---- */

static void make_on_sqlite(const cz__test_database *database, void (*migrate)(const char *url))
{
    static const char *const beside[] = { "-wal", "-shm" };
    const char *part = joined(".", database->template_, "part");
    for (size_t i = 0; i < CZ_COUNT(beside); i++) /* of a test that died here */
        unlink(joined("", part, beside[i]));
    unlink(part);
    migrate(database->template_url);
    struct stat info;
    if (stat(joined("", part, "-wal"), &info) == 0 && info.st_size)
        cz__test_die("%s was not left as one file", part);
    if (rename(part, database->template_))
        cz__test_die("%s: %s", part, strerror(errno));
}

static void make_on_postgresql(const cz__test_database *database, void (*migrate)(const char *url))
{
    /* first what the runner reads at the end, then what it is to drop */
    write_file(joined(".", database->mark, "server"), database->server);
    if (!cz__test_server_sweep(database->server, NULL) ||
        !cz__test_server_drop(database->server, database->template_) ||
        !cz__test_server_create(database->server, database->template_, NULL))
        cz__test_abort();
    migrate(database->template_url);
    write_file(joined(".", database->mark, "done"), "");
}

static void make_template(const cz__test_database *database, void (*migrate)(const char *url))
{
    const char *done = database->path ? database->template_ : joined(".", database->mark, "done");
    if (access(done, F_OK) == 0)
        return;
    const char *lock = joined(".", database->mark, "lock");
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int locked = -1;
    while (fd >= 0 && (locked = flock(fd, LOCK_EX)) && errno == EINTR)
        ;
    if (locked)
        cz__test_die("%s: %s", lock, strerror(errno));
    if (access(done, F_OK) != 0) /* nobody else made it meanwhile */
        (database->path ? make_on_sqlite : make_on_postgresql)(database, migrate);
    close(fd); /* ends the lock, as this process's end does */
}

void cz__test_database_make(const cz__test_database *database, void (*migrate)(const char *url))
{
    make_template(database, migrate);
    if (database->path)
        copy_file(database->template_, database->path);
    else if (!cz__test_server_create(database->server, database->name, database->template_))
        cz__test_abort();
}

static void leave_empty(const char *url)
{
    (void)url;
}

const char *cz__test_database_shared(const char *server)
{
    static const char shared[] = "shared";
    cz__test_database database = { 0 };
    cz__test_database_plan(shared, shared, cz_str_from(server), &database);
    make_template(&database, leave_empty);
    return database.template_url;
}

void cz__test_database_drop(const cz__test_database *database)
{
    if (database->name) /* what stays is dropped at the end of the run */
        cz_ignore(cz__test_server_drop(database->server, database->name));
}

/* ---- the end of a run ---- */

static void sweep_server(const char *path, long runner)
{
    char server[URL_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, server, sizeof server - 1);
    if (got <= 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return;
    }
    close(fd);
    server[got] = '\0';
    cz_ignore(cz__test_server_sweep(server, cz__test_server_prefix(runner))); /* has told */
}

void cz__test_databases_end(const char *run_directory)
{
    DIR *folder = opendir(run_directory);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[URL_BYTES_MAX];
        cz_str name = cz_str_from(entry->d_name);
        int len = snprintf(path, sizeof path, "%s/%s", run_directory, entry->d_name);
        if (!cz_str_ends_with(name, CZ_STR(".server")) || len < 0 || (size_t)len >= sizeof path)
            continue;
        pid_t runner = getpid(),
              child = fork(); /* a driver's threads and sockets stay out of here */
        if (child == 0) {
            sweep_server(path, runner);
            fflush(NULL);
            _exit(0);
        }
        while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (folder)
        closedir(folder);
}
