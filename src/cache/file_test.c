#include "cache/cache_testing.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[256];

static void begin(const char *query)
{
    char url[400];
    cz_ignore(snprintf(path, sizeof path, "%s/cache", cz_test_directory())); /* it fits */
    cz_ignore(snprintf(url, sizeof url, "file://%s%s", path, query));        /* it fits */
    cache_begin(url);
}

static struct cz__store *store(void)
{
    return cz_cache_of(NULL, "default")->store;
}

CZ_TEST(files_do_what_every_cache_does)
{
    begin("");
    cache_run(cache_suite, NULL);
    cache_run_on_fiber(cache_suite, NULL);
    cache_flight_suite();
    CZ_EXPECT(!store()->circuit.is_away);
}

CZ_TEST(urls_of_folders_are_read_strictly)
{
    static const char *const bad[] = { "file://", "file:///", "file://host/path",
                                       "file:///path?bytes=1000000", "file:///path?entries=1" };
    cz_error err;
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_MSG(cz__cache_open("default", cz_str_from(bad[i]), CZ_STR("p"), &err) ==
                          CZ_EVALIDATION,
                      "%s", bad[i]);
}

/* ---- the files ---- */

static void set_one(cz_ctx *ctx, void *arg)
{
    CZ_EXPECT(cz_cache_set(ctx, NULL, CZ_STR("one"), cz_str_from(arg), NULL));
}

/* Call `fn` for each entry's file; returns how many there are. */
static unsigned each_file(void (*fn)(const char *file, void *arg), void *arg)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 256; i++) {
        char folder[300], file[600];
        cz_ignore(snprintf(folder, sizeof folder, "%s/%02x", path, i)); /* it fits */
        DIR *open = opendir(folder);
        const struct dirent *entry;
        while (open && (entry = readdir(open)))
            if (strlen(entry->d_name) == 32) {
                cz_ignore(snprintf(file, sizeof file, "%s/%s", folder, entry->d_name)); /* fits */
                fn(file, arg);
                count++;
            }
        if (open)
            closedir(open);
    }
    return count;
}

static void expect_private(const char *file, void *arg)
{
    struct stat at;
    (void)arg;
    CZ_EXPECT(!stat(file, &at) && (at.st_mode & 0777) == 0600);
}

CZ_TEST(nobody_else_can_read_the_files)
{
    struct stat at;
    begin("");
    umask(0);
    cache_run(set_one, (void *)"secret");
    CZ_EXPECT_EQ(each_file(expect_private, NULL), 1);
    CZ_EXPECT(!stat(path, &at) && (at.st_mode & 0777) == 0700);
}

static void expect_nothing(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("one")));
}

static void cut(const char *file, void *arg)
{
    CZ_EXPECT(!truncate(file, *(off_t *)arg));
}

static void flip(const char *file, void *arg)
{
    unsigned char byte;
    off_t at = *(off_t *)arg;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    CZ_REQUIRE(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 0x10;
    CZ_REQUIRE(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

static void measure(const char *file, void *arg)
{
    struct stat at;
    CZ_REQUIRE(!stat(file, &at));
    *(off_t *)arg = at.st_size;
}

CZ_TEST(a_file_that_was_cut_or_damaged_is_a_miss)
{
    off_t bytes = 0;
    begin("");
    cache_run(set_one, (void *)"value");
    CZ_REQUIRE(each_file(measure, &bytes) == 1 && bytes > 30);
    for (off_t at = 0; at < bytes; at++) {
        cache_run(set_one, (void *)"value");
        each_file(cut, &at);
        cache_run(expect_nothing, NULL);
        cache_run(set_one, (void *)"value");
        if (at < 4 ||
            at >= 12) { /* not its time: that alone is not summed up, and is read as another */
            each_file(flip, &at);
            cache_run(expect_nothing, NULL);
        }
    }
    CZ_EXPECT(!store()->circuit.is_away);
}

static void expect_away(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT(!cz_cache_set(ctx, NULL, CZ_STR("one"), CZ_STR("x"), NULL));
    CZ_EXPECT(!cz_cache_has_key(ctx, NULL, CZ_STR("one")));
    CZ_EXPECT(store()->circuit.is_away);
}

CZ_TEST(a_folder_that_others_may_write_to_is_not_used)
{
    begin("");
    CZ_REQUIRE(!mkdir(path, 0700) && !chmod(path, 0777));
    cache_run(expect_away, NULL);
    cz__caches_close();
    cache_begin("file:///proc/nothing/here");
    cache_run(expect_away, NULL);
}

static void set_many(cz_ctx *ctx, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3000; i++)
        CZ_REQUIRE(cz_cache_set(ctx, NULL, cz_format(ctx, "key %d", i), CZ_STR("x"), NULL));
    CZ_EXPECT(cz_cache_has_key(ctx, NULL, CZ_STR("key 2999")));
}

static void ignore_file(const char *file, void *arg)
{
    (void)file, (void)arg;
}

CZ_TEST(a_folder_holds_no_more_entries_than_it_may)
{
    begin("?entries=512");
    cache_run(set_many, NULL);
    unsigned count = each_file(ignore_file, NULL);
    CZ_EXPECT_MSG(count > 128 && count <= 512, "%u files", count);
}

static void write_for_ever(cz_ctx *ctx, void *arg)
{
    size_t stored;
    static char text[20000];
    (void)arg;
    for (unsigned i = 0;; i++) {
        memset(text, 'a' + (int)(i % 26), sizeof text);
        cz_cache_item item = { CZ_STR("test:1:one"), cz_str_of(text, 1 + i * 7919 % sizeof text) };
        cz_ignore(store()->driver->set(ctx, store(), &item, 1, 60000, &stored));
    }
}

static void expect_whole_value(cz_ctx *ctx, void *arg)
{
    const cz_str key = CZ_STR("test:1:one");
    cz_str value;
    CZ_REQUIRE_OK(store()->driver->get(ctx, store(), &key, 1, &value));
    for (size_t i = 1; value.ptr && i < value.len; i++)
        CZ_REQUIRE(value.ptr[i] == value.ptr[0]);
    *(unsigned *)arg += value.ptr != NULL;
}

CZ_TEST(processes_killed_while_they_write_files_leave_whole_values_and_no_lock)
{
    unsigned found = 0;
    begin("");
    for (int round = 0; round < 20; round++) {
        pid_t pids[2];
        fflush(NULL);
        for (size_t i = 0; i < CZ_COUNT(pids); i++) {
            pids[i] = fork();
            CZ_REQUIRE(pids[i] >= 0);
            if (!pids[i])
                cache_run(write_for_ever, NULL);
        }
        usleep(5000 + (useconds_t)round * 300);
        for (size_t i = 0; i < CZ_COUNT(pids); i++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
        cache_run(expect_whole_value, &found);
    }
    CZ_EXPECT(found > 10);
    cache_run(set_one, (void *)"after all");
}

#ifdef CZ_FAULTS
CZ_TEST(without_memory_a_call_on_files_fails_and_the_next_succeeds)
{
    begin("");
    cache_without_memory_suite(cache_run, NULL);
    cache_without_memory_suite(cache_run_on_fiber, NULL);
}
#endif
