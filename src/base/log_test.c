#include <calzone/log.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64], access_path[80];
static char content[1 << 20];

static void remove_files(void)
{
    char rotated[80];
    cz_ignore(snprintf(rotated, sizeof rotated, "%s.1", path)); /* fits */
    cz_ignore(unlink(rotated));                                 /* not every test makes each */
    cz_ignore(unlink(path));
    cz_ignore(unlink(access_path));
}

/* A log in a file of its own, with the clock at a known time. */
static void begin(cz_log_format format)
{
    cz_ignore(snprintf(path, sizeof path, "/tmp/calzone-log-%d", (int)getpid())); /* fits */
    cz_ignore(snprintf(access_path, sizeof access_path, "%s.access", path));      /* fits */
    atexit(remove_files);
    cz_datetime now;
    CZ_REQUIRE_OK(cz_datetime_parse(CZ_STR("2026-11-21T04:05:06.789Z"), &now));
    cz__time_freeze(now);
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ CZ_LOG_DEBUG, format, path }, NULL));
}

static cz_str read_back(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file)
        return CZ_STR("");
    size_t len = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    return cz_str_of(content, len);
}

CZ_TEST(a_line_is_one_json_object)
{
    begin(CZ_LOG_JSON);
    cz_ctx ctx = { .request_id = CZ_STR("r-1") };
    cz_log_info(NULL, "app", "started");
    cz_log_warning(&ctx, "http.server", "slow \"client\"", CZ_FIELD_STR("path", CZ_STR("/a\\b")),
                   CZ_FIELD_INT("status", -200), CZ_FIELD_REAL("seconds", 0.1),
                   CZ_FIELD_REAL("third", 1.0 / 3), CZ_FIELD_REAL("nan", __builtin_nan("")));
    CZ_EXPECT_STR(read_back(path),
                  "{\"time\":\"2026-11-21T04:05:06.789000Z\",\"level\":\"info\",\"logger\":\"app\","
                  "\"message\":\"started\"}\n"
                  "{\"time\":\"2026-11-21T04:05:06.789000Z\",\"level\":\"warning\","
                  "\"logger\":\"http.server\",\"message\":\"slow \\\"client\\\"\","
                  "\"request_id\":\"r-1\",\"path\":\"/a\\\\b\",\"status\":-200,\"seconds\":0.1,"
                  "\"third\":0.33333333333333331,\"nan\":null}\n");
}

CZ_TEST(the_console_form_is_for_people_and_has_colours_on_terminals_only)
{
    begin(CZ_LOG_CONSOLE);
    setenv("TERM", "xterm", 1);
    cz_log_debug(NULL, "app", "it's \"fine\"\n", CZ_FIELD_STR("a", CZ_STR("x")),
                 CZ_FIELD_STR("b", CZ_STR("x y")), CZ_FIELD_STR("c", CZ_STR("")),
                 CZ_FIELD_STR("d", CZ_STR("a=b")), CZ_FIELD_INT("n", 7));
    CZ_EXPECT_STR(read_back(path),
                  "04:05:06.789 DEBUG   app: it's \"fine\"\\n a=x b=\"x y\" c=\"\" "
                  "d=\"a=b\" n=7\n");
}

CZ_TEST(no_input_forges_a_line_or_reaches_the_terminal)
{
    static const char *const inputs[] = { "a\nb",     "a\r\nb",      "\x1b[31m", "\x7f",
                                          "\x01",     "\xc2\x9b[1m", "\xff",     "\xed\xa0\x80",
                                          "\"}\n{\"", "\xc3" };
    for (int format = CZ_LOG_CONSOLE; format <= CZ_LOG_JSON; format++) {
        begin((cz_log_format)format);
        for (size_t i = 0; i < CZ_COUNT(inputs); i++) {
            cz_log_info(NULL, inputs[i], inputs[i], CZ_FIELD_STR("field", cz_str_from(inputs[i])),
                        CZ_FIELD_STR(inputs[i], CZ_STR("x")));
            cz_str text = read_back(path);
            CZ_EXPECT_EQ(cz_str_count(text, '\n'), i + 1);
            CZ_EXPECT(cz_str_is_utf8(text));
            for (size_t k = 0; k < text.len; k++)
                CZ_REQUIRE(((unsigned char)text.ptr[k] >= 0x20 && text.ptr[k] != 0x7f) ||
                           text.ptr[k] == '\n');
            CZ_EXPECT(cz_str_find(text, CZ_STR("\xc2\x9b")) == SIZE_MAX);
        }
        remove_files();
    }
    char out[64];
    cz_str raw = CZ_STR("\"\\\n\t\r\b\x7f\xc2\x85\xc2\xa0\xff\xf0\x9f\x8d\x95");
    CZ_EXPECT_STR(cz_str_of(out, (size_t)(cz__json_escape(out, raw) - out)),
                  "\\\"\\\\\\n\\t\\r\\u0008\\u007f\\u0085\xc2\xa0\\ufffd\xf0\x9f\x8d\x95");
}

CZ_TEST(values_of_secret_fields_are_not_written)
{
    static const struct {
        const char *name;
        bool secret;
    } cases[] = {
        { "password", true },      { "PASSWORD", true },
        { "old_password", true },  { "passwordHash", true },
        { "token", true },         { "accessToken", true },
        { "client_secret", true }, { "Authorization", true },
        { "Set-Cookie", true },    { "cookie", true },
        { "api_key", true },       { "key", true },
        { "apiKey", true },        { "SECRET_KEY", true },
        { "credentials", true },   { "passphrase", true },
        { "path", false },         { "keyboard", false },
        { "user", false },         { "status", false },
        { "pass", false },         { "", false },
        { "ke", false },           { "author", false },
    };
    for (int format = CZ_LOG_CONSOLE; format <= CZ_LOG_JSON; format++)
        for (size_t i = 0; i < CZ_COUNT(cases); i++) {
            begin((cz_log_format)format);
            cz_log_info(NULL, "app", "m", CZ_FIELD_STR(cases[i].name, CZ_STR("hunter2")),
                        CZ_FIELD_INT(cases[i].name, 123456));
            cz_str text = read_back(path);
            CZ_EXPECT_MSG((cz_str_find(text, CZ_STR("hunter2")) == SIZE_MAX) == cases[i].secret,
                          "%s", cases[i].name);
            CZ_EXPECT_MSG((cz_str_find(text, CZ_STR("123456")) == SIZE_MAX) == cases[i].secret,
                          "%s", cases[i].name);
            remove_files();
        }
}

CZ_TEST(a_line_that_is_too_long_is_cut_and_stays_whole_json)
{
    begin(CZ_LOG_JSON);
    static char large[100000];
    for (size_t shift = 0; shift < 8; shift++) {
        memset(large, 'x', sizeof large);
        for (size_t i = shift; i + 2 < sizeof large; i += 2)
            memcpy(large + i, "\xc3\xa9", 2);
        cz_log_info(NULL, "app", "long", CZ_FIELD_STR("a", cz_str_of(large, sizeof large - 1)),
                    CZ_FIELD_INT("n", 7), CZ_FIELD_STR("b", CZ_STR("y")));
    }
    cz_str text = read_back(path);
    CZ_EXPECT_EQ(cz_str_count(text, '\n'), 8);
    while (text.len) {
        cz_str line = cz_str_cut(&text, '\n');
        CZ_EXPECT(line.len > 2000 && line.len < 16 * 1024);
        CZ_EXPECT(cz_str_ends_with(line, CZ_STR("\"n\":7,\"b\":\"y\",\"cut\":true}")));
        CZ_EXPECT(cz_str_is_utf8(line) && cz_str_find(line, CZ_STR("ufffd")) == SIZE_MAX);
    }
}

CZ_TEST(lines_below_the_level_are_not_made)
{
    begin(CZ_LOG_JSON);
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ CZ_LOG_WARNING, CZ_LOG_JSON, path }, NULL));
    int evaluated = 0;
    cz_log_info(NULL, "app", "no", CZ_FIELD_INT("n", ++evaluated));
    cz_log_error(NULL, "app", "yes", CZ_FIELD_INT("n", ++evaluated));
    CZ_EXPECT_EQ(evaluated, 1);
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1);
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ CZ_LOG_OFF, CZ_LOG_JSON, path }, NULL));
    cz_log_error(NULL, "app", "no");
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1);
}

CZ_TEST(lines_are_gathered_once_a_loop_turns_but_errors_leave_at_once)
{
    begin(CZ_LOG_JSON);
    CZ_EXPECT_EQ(cz__log_due_ms(), -1);
    cz_log_info(NULL, "app", "no loop yet");
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1);
    cz_log_flush(false);
    cz_log_info(NULL, "app", "gathered");
    cz_log_flush(false); /* less than 250 ms after the last write */
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1);
    int due = cz__log_due_ms();
    CZ_EXPECT(due >= 0 && due <= 250);
    cz_log_error(NULL, "app", "at once");
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 3);
    cz_log_info(NULL, "app", "gathered");
    usleep(300 * 1000);
    CZ_EXPECT_EQ(cz__log_due_ms(), 0);
    cz_log_flush(false);
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 4);
    for (int i = 0; i < 1000; i++) /* more than 32 KiB */
        cz_log_info(NULL, "app", "one of many");
    CZ_EXPECT(cz_str_count(read_back(path), '\n') > 300);
    cz_log_flush(true);
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1004);
    CZ_EXPECT_EQ(cz__log_due_ms(), -1);
}

CZ_TEST(a_fork_writes_no_line_twice)
{
    begin(CZ_LOG_JSON);
    CZ_REQUIRE_OK(cz_log_configure_access(access_path, NULL));
    cz_log_flush(false);
    cz_log_info(NULL, "app", "gathered before the fork");
    memcpy(cz__log_access_reserve(16), "before\n", 7);
    cz__log_access_commit(7);
    pid_t pid = fork();
    if (pid == 0) {
        cz_log_info(NULL, "app", "from the child");
        path[0] = access_path[0] = '\0'; /* the files are the parent's to remove */
        exit(0);                         /* runs the flush at exit */
    }
    CZ_REQUIRE(waitpid(pid, NULL, 0) == pid);
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 1);
    cz_log_flush(true);
    CZ_EXPECT_EQ(cz_str_count(read_back(path), '\n'), 2);
    CZ_EXPECT_STR(read_back(access_path), "before\n");
}

static void access_line(const char *text)
{
    char *at = cz__log_access_reserve(strlen(text));
    if (at) {
        memcpy(at, text, strlen(text));
        cz__log_access_commit(strlen(text));
    }
}

CZ_TEST(access_lines_go_where_they_are_sent)
{
    begin(CZ_LOG_JSON);
    access_line("shared\n");
    CZ_EXPECT_STR(read_back(path), "shared\n");
    CZ_EXPECT(cz_log_access_enabled());
    CZ_REQUIRE_OK(cz_log_configure_access(access_path, NULL));
    access_line("own\n");
    CZ_EXPECT_STR(read_back(access_path), "own\n");
    CZ_REQUIRE_OK(cz_log_configure_access("off", NULL));
    CZ_EXPECT(!cz_log_access_enabled() && !cz__log_access_reserve(10));
    CZ_REQUIRE_OK(cz_log_configure_access(NULL, NULL));
    access_line("shared again\n");
    CZ_EXPECT_STR(read_back(path), "shared\nshared again\n");
    cz_error err;
    CZ_EXPECT_EQ(cz_log_configure_access("/nonexistent/x", &err), CZ_EIO);
    CZ_EXPECT_STR(cz_str_from(err.message),
                  "cannot open the log file /nonexistent/x: No such file or directory");
    access_line("still\n");
    CZ_EXPECT_STR(read_back(path), "shared\nshared again\nstill\n");
}

CZ_TEST(a_rotated_file_is_opened_again)
{
    begin(CZ_LOG_JSON);
    CZ_REQUIRE_OK(cz_log_configure_access(access_path, NULL));
    cz_log_flush(false);
    cz_log_info(NULL, "app", "into the old file");
    char rotated[80];
    cz_ignore(snprintf(rotated, sizeof rotated, "%s.1", path)); /* fits */
    CZ_REQUIRE(rename(path, rotated) == 0);
    cz_log_reopen();
    cz_log_info(NULL, "app", "into the new file");
    cz_log_flush(true);
    CZ_EXPECT(cz_str_find(read_back(rotated), CZ_STR("into the old file")) != SIZE_MAX);
    cz_str text = read_back(path);
    CZ_EXPECT(cz_str_find(text, CZ_STR("into the new file")) != SIZE_MAX);
    CZ_EXPECT_EQ(cz_str_count(text, '\n'), 1);
}

/* The log becomes a pipe or socket nobody reads: nothing waits, and what arrives later is whole lines. */
static void expect_full_pipe_loses_lines(int read_end, int write_end)
{
    CZ_REQUIRE(dup2(write_end, STDERR_FILENO) >= 0);
    CZ_REQUIRE_OK(cz_log_configure(&(cz_log_options){ CZ_LOG_INFO, CZ_LOG_JSON, NULL }, NULL));
    CZ_EXPECT(!(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK));
    enum { LINES = 20000 };
    for (int i = 0; i < LINES; i++)
        cz_log_info(NULL, "app", "a line of some length, to fill what the kernel holds",
                    CZ_FIELD_INT("i", i));
    CZ_EXPECT(!(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)); /* others share the descriptor */
    uint64_t lost = cz_log_lost();
    CZ_EXPECT(lost > 0 && lost < LINES);
    uint64_t lines = 0;
    cz_str rest = { NULL, 0 };
    static char line[1 << 16];
    size_t kept = 0;
    CZ_REQUIRE(fcntl(read_end, F_SETFL, O_NONBLOCK) == 0);
    for (int idle = 0; idle < 3;) {
        ssize_t got = read(read_end, line + kept, sizeof line - kept);
        if (got <= 0) {
            cz_log_flush(true);
            idle++;
            continue;
        }
        rest = cz_str_of(line, kept + (size_t)got);
        size_t end;
        while ((end = cz_str_find_char(rest, '\n')) != SIZE_MAX) {
            CZ_REQUIRE(cz_str_starts_with(rest, CZ_STR("{\"time\"")) && rest.ptr[end - 1] == '}');
            rest = cz_str_tail(rest, end + 1);
            lines++;
        }
        memmove(line, rest.ptr, rest.len);
        kept = rest.len;
    }
    CZ_EXPECT_EQ(kept, 0);
    CZ_EXPECT_EQ(lines + lost, LINES);
    CZ_EXPECT_EQ(cz_log_lost(), lost);
}

CZ_TEST(a_full_pipe_loses_whole_lines_and_blocks_nobody)
{
    int fds[2];
    CZ_REQUIRE(pipe(fds) == 0);
    expect_full_pipe_loses_lines(fds[0], fds[1]);
}

CZ_TEST(a_full_socket_loses_whole_lines_and_blocks_nobody)
{
    int fds[2];
    CZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    expect_full_pipe_loses_lines(fds[0], fds[1]);
}

CZ_TEST(a_full_disk_loses_lines_and_counts_them)
{
    if (access("/dev/full", W_OK))
        cz_test_skip("needs /dev/full");
    CZ_REQUIRE_OK(
        cz_log_configure(&(cz_log_options){ CZ_LOG_INFO, CZ_LOG_JSON, "/dev/full" }, NULL));
    for (int i = 0; i < 10; i++)
        cz_log_info(NULL, "app", "lost");
    CZ_EXPECT_EQ(cz_log_lost(), 10);
}

CZ_TEST(a_log_file_that_cannot_be_opened_is_an_error_and_the_old_one_stays)
{
    begin(CZ_LOG_JSON);
    cz_error err;
    cz_log_options options = { CZ_LOG_INFO, CZ_LOG_CONSOLE, "/nonexistent/log" };
    CZ_EXPECT_EQ(cz_log_configure(&options, &err), CZ_EIO);
    cz_log_info(NULL, "app", "here");
    CZ_EXPECT(cz_str_starts_with(read_back(path), CZ_STR("{\"time\"")));
    struct stat info;
    CZ_REQUIRE(stat(path, &info) == 0);
    CZ_EXPECT_EQ(info.st_mode & 0007, 0); /* logs are not for everyone */
}

static void *log_in_thread(void *arg)
{
    for (int i = 0; i < 500; i++)
        cz_log_info(NULL, "app", arg, CZ_FIELD_INT("i", i));
    return NULL;
}

CZ_TEST(lines_of_several_threads_do_not_mix)
{
    begin(CZ_LOG_JSON);
    cz_log_flush(false);
    pthread_t threads[4];
    for (size_t i = 0; i < CZ_COUNT(threads); i++)
        CZ_REQUIRE(pthread_create(&threads[i], NULL, log_in_thread, (void *)"m") == 0);
    for (int i = 0; i < 100; i++)
        cz_log_flush(i % 10 == 0);
    for (size_t i = 0; i < CZ_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    cz_log_flush(true);
    cz_str text = read_back(path);
    CZ_EXPECT_EQ(cz_str_count(text, '\n'), 2000);
    while (text.len) {
        cz_str line = cz_str_cut(&text, '\n');
        CZ_REQUIRE(cz_str_starts_with(line, CZ_STR("{\"time\"")) &&
                   cz_str_ends_with(line, CZ_STR("}")) && cz_str_count(line, '{') == 1);
    }
}
