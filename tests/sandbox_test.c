/* What a worker cannot do, and what it goes on doing: tests/apps/cell tries both. */
#include <calzone/json.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "certificates.h"
#include "server.h"

enum { ACTS_LEAST = 25, NOBODY = 65534 };

/* Files, ports and signals are Landlock's from its sixth version on, of Linux 6.12. */
static void need_landlock(void)
{
    enum { VERSION = 1, WHOLE_SINCE = 6 };
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION) < WHOLE_SINCE)
        cz_test_skip("this kernel has no Landlock of Linux 6.12");
}

static cz_str secret(void)
{
    need_landlock();
    cz_str path = format("CELL_SECRET=/var/lib/calzone-secret-%d", (int)getpid());
    int fd = open(path.ptr + strlen("CELL_SECRET="), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) /* somebody who is not root has a home */
        cz_test_skip("the test's folder of secrets needs root");
    close(fd);
    return path;
}

static void forget(cz_str path)
{
    cz_ignore(unlink(path.ptr + strlen("CELL_SECRET="))); /* a test that failed may have lost it */
}

static void expect_all_refused(uint16_t port)
{
    const cz_answer *answer = get(port, "/acts");
    CZ_REQUIRE(answer);
    CZ_EXPECT_STATUS(answer, 200);
    cz_json_reader reader;
    size_t count = 0;
    cz_json_reader_init(&reader, cz_test_arena(), answer->body, NULL);
    CZ_REQUIRE(cz_json_next(&reader) == CZ_JSON_OBJECT);
    for (; cz_json_next(&reader) == CZ_JSON_INT; count++)
        CZ_EXPECT_MSG(reader.integer == EPERM || reader.integer == EACCES, "%.*s: errno %lld",
                      CZ_STR_ARG(reader.key), (long long)reader.integer);
    CZ_EXPECT(count >= ACTS_LEAST);
}

static void expect_work(uint16_t port, const char *const *told)
{
    for (int i = 0; i < 3; i++) {
        const cz_answer *answer = get(port, "/work");
        CZ_REQUIRE(answer);
        CZ_EXPECT_STATUS(answer, 200);
        for (const char *const *text = told; *text; text++)
            CZ_EXPECT_MSG(cz_str_find(answer->body, cz_str_from(*text)) != SIZE_MAX, "%s in %.*s",
                          *text, CZ_STR_ARG(answer->body));
    }
}

CZ_TEST(a_worker_that_was_taken_over_can_do_nothing_but_serve)
{
    cz_str hidden = secret();
    struct server server =
        server_start("cell", 2, (const char *[]){ "SANDBOX=on", hidden.ptr, NULL });
    expect_all_refused(server.port);
    expect_work(server.port, (const char *[]){ "notes ", "CapEff:\t0000000000000000",
                                               "NoNewPrivs:\t1", "Seccomp:\t2", NULL });
    expect_all_refused(server.port);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    forget(hidden);
}

/* Else the test above shows nothing. */
CZ_TEST(without_the_sandbox_a_worker_may_what_its_user_may)
{
    cz_str hidden = secret();
    struct server server = server_start("cell", 1, (const char *[]){ hidden.ptr, NULL });
    expect_work(server.port, (const char *[]){ "notes ", "Seccomp:\t0", NULL });
    CZ_EXPECT_EQ(server_stop(&server), 0);
    forget(hidden);
}

/* The secret is the key that the site serves with. */
CZ_TEST(a_worker_cannot_read_the_key_of_its_certificate)
{
    cz_str hidden = secret();
    certificates_make();
    const char *path = hidden.ptr + strlen("CELL_SECRET=");
    CZ_REQUIRE(!system(format("cat '%s' >'%s'", certificate_file("good.key"), path).ptr));
    const char *const env[] = { "SANDBOX=on", hidden.ptr,
                                format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
                                format("TLS_KEYS=%s", path).ptr, NULL };
    struct server server = server_start_on("cell", "127.0.0.1:0, https://127.0.0.1:0", 2, env);
    expect_all_refused(server.port);
    cz_str said = shell(&server, "curl -sS --cacert $DIR/ca.pem https://localhost:$PORT/work", "");
    CZ_EXPECT_MSG(cz_str_find(said, CZ_STR("notes ")) != SIZE_MAX, "%.*s", CZ_STR_ARG(said));
    CZ_EXPECT_EQ(server_logged(&server, "workers may read the file of a TLS key"), 0);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    forget(hidden);
}

/* The test's folder becomes somebody's, who can get there. */
static void give_away_the_folder(void)
{
    const char *folder = cz_test_directory();
    if (geteuid() != 0)
        cz_test_skip("only root can give up root");
    CZ_REQUIRE(chown(folder, NOBODY, NOBODY) == 0);
    CZ_REQUIRE(chmod(format("%s/..", folder).ptr, 0711) == 0);
}

CZ_TEST(root_becomes_the_owner_of_the_folder)
{
    give_away_the_folder();
    cz_str hidden = secret();
    struct server server =
        server_start("cell", 2, (const char *[]){ "SANDBOX=on", hidden.ptr, NULL });
    expect_all_refused(server.port);
    expect_work(server.port, (const char *[]){ "uid 65534\n", "CapEff:\t0000000000000000",
                                               "CapBnd:\t0000000000000400", NULL });
    struct stat status;
    CZ_EXPECT(stat(server.database, &status) == 0 && status.st_uid == NOBODY);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    forget(hidden);
}

static void expect_refusal(const char *const *env, const char *says, bool required)
{
    cz_str out;
    const char *argv[] = {
        "cell", "run", "--bind", "127.0.0.1:0", required ? "--require-sandbox" : NULL, NULL
    };
    CZ_EXPECT_EQ(run_binary("cell", argv, env, &out), 1);
    CZ_EXPECT_MSG(cz_str_find(out, cz_str_from(says)) != SIZE_MAX, "%.*s", CZ_STR_ARG(out));
}

CZ_TEST(what_cannot_be_kept_stops_the_start)
{
    static const struct {
        const char *setting, *says;
        bool required;
    } cases[] = {
        { "RUN_AS_USER=root", "cell: the user to serve as may not be root", false },
        { "RUN_AS_USER=0", "cell: the user to serve as may not be root", false },
        { "RUN_AS_USER=nobody-has-this-name",
          "cell: there is no user \"nobody-has-this-name\" on this machine", false },
        { "SANDBOX=maybe", "run: SANDBOX: \"maybe\" is none of on, off", false },
        { "SANDBOX_CONNECT=5432,http", "run: SANDBOX_CONNECT: \"http\" is no port", false },
        { "X=y", "cell: --require-sandbox: this is root, and so is the owner of the folder", true },
    };
    if (geteuid() != 0)
        cz_test_skip("it is about root");
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        expect_refusal((const char *[]){ "ENV=test", cases[i].setting, "SANDBOX=on", NULL },
                       cases[i].says, cases[i].required);
    give_away_the_folder();
    expect_refusal((const char *[]){ "ENV=test", "SANDBOX=off", NULL },
                   "run: --require-sandbox, and the setting SANDBOX is off", true);
}

CZ_TEST(ports_that_are_not_listed_cannot_be_reached)
{
    cz_str hidden = secret();
    struct server server = server_start(
        "cell", 1, (const char *[]){ "SANDBOX=on", "SANDBOX_CONNECT=9", hidden.ptr, NULL });
    const cz_answer *answer = get(server.port, "/connect");
    CZ_REQUIRE(answer);
    CZ_EXPECT_STR(answer->body, "9: 111\n10: 13\n"); /* ECONNREFUSED: nobody is there; EACCES */
    CZ_EXPECT_EQ(server_stop(&server), 0);
    forget(hidden);
}
