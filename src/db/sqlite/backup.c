/* A copy of the database while others go on: SQLite's backup in steps, from a connection of its own that stays
 * in one read transaction. Writers do not wait for it, and it copies one state: without the transaction a
 * change between two steps would begin it anew, on a busy site for ever. */
#include "db/sqlite/sqlite_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { STEP_PAGES = 256, BUSY_MS = 5000 };

static cz_status failure(sqlite3 *handle, const char *what, cz_error *err)
{
    return cz_error_set(err, CZ_EIO, "%s: %s", what,
                        handle ? sqlite3_errmsg(handle) : "out of memory");
}

static cz_status copy_pages(cz_ctx *ctx, sqlite3 *from, sqlite3 *to, cz_error *err)
{
    if (sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL))
        return failure(from, "the database cannot be read", err);
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return failure(to, "the backup cannot begin", err);
    cz_status status = CZ_OK;
    int code = SQLITE_OK;
    while (!status && code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, STEP_PAGES);
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
            code = SQLITE_OK;
            status = cz__db_sleep(ctx, 10);
        } else if (code == SQLITE_OK) {
            status = cz__db_sleep(ctx, 0); /* others of this process, and cancellation */
        }
    }
    cz_ignore(sqlite3_backup_finish(backup)); /* repeats the last step's error */
    if (status)
        return cz_error_set(err, status, "the backup was given up");
    return code == SQLITE_DONE ? CZ_OK : failure(to, "the backup failed", err);
}

static int is_ok(void *arg, int count, char **values, char **names)
{
    (void)names;
    *(bool *)arg = count == 1 && values[0] && !strcmp(values[0], "ok");
    return 0;
}

/* As one file that needs no log beside it, and whole. */
static cz_status check_copy(sqlite3 *to, cz_error *err)
{
    bool ok = false;
    if (sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) ||
        sqlite3_exec(to, "PRAGMA integrity_check(1)", is_ok, &ok, NULL))
        return failure(to, "the backup cannot be checked", err);
    return ok ? CZ_OK : cz_error_set(err, CZ_EDATABASE, "the copy is not whole");
}

static cz_status make_copy(cz_ctx *ctx, const struct cz__sqlite *db, const char *part,
                           cz_error *err)
{
    sqlite3 *from = NULL, *to = NULL;
    const char *path = sqlite3_db_filename(db->write.handle, "main");
    cz_status status = CZ_OK;
    int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return cz_error_set(err, CZ_EIO, "%s: %s", part, strerror(errno));
    close(fd);
    if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE, NULL))
        status = failure(from, "the database cannot be opened", err);
    else if (cz__sqlite_add_functions(from) || sqlite3_busy_timeout(from, BUSY_MS))
        status = cz_error_set(err, CZ_ENOMEM, "no memory for the backup");
    else if (sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, NULL) ||
             cz__sqlite_add_functions(to))
        status = failure(to, "the copy cannot be opened", err);
    if (!status)
        status = copy_pages(ctx, from, to, err);
    if (!status)
        status = check_copy(to, err);
    cz_ignore(sqlite3_close(to));
    cz_ignore(sqlite3_close(from));
    return status;
}

/* The name appears when the copy is whole and on the disk. */
static cz_status keep_copy(const char *part, const char *path, cz_error *err)
{
    int fd = open(part, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (ok && rename(part, path)) {
        ok = false;
        code = errno;
    }
    return ok ? CZ_OK : cz_error_set(err, CZ_EIO, "%s: %s", path, strerror(code));
}

cz_status cz__sqlite_backup(cz_ctx *ctx, cz__db *base, const char *path, cz_error *err)
{
    const struct cz__sqlite *db = (const struct cz__sqlite *)base;
    char part[4096];
    if (db->in_memory)
        return cz_error_set(err, CZ_EUNSUPPORTED, "a database in memory has no file to copy");
    int len = snprintf(part, sizeof part, "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof part)
        return cz_error_set(err, CZ_ETOOBIG, "the path is too long");
    cz_status status = make_copy(ctx, db, part, err);
    if (!status)
        status = keep_copy(part, path, err);
    if (status)
        unlink(part);
    return status;
}
