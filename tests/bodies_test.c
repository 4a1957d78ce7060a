/* Bodies of any size, by curl: read as they come, in memory that does not grow. CZ_BODY_BYTES is how many; 200 MB unless it says
 * another number, such as 2147483648. */
#include "certificates.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROWTH_KIB_MAX = 8 << 10 };

static struct server start(const char *setting)
{
    certificates_make();
    const char *const env[] = {
        format("TLS_CERTIFICATES=%s", certificate_file("good.pem")).ptr,
        format("TLS_KEYS=%s", certificate_file("good.key")).ptr,
        "ALLOWED_HOSTS=localhost,127.0.0.1",
        setting,
        NULL,
    };
    return server_start_on("lab", "127.0.0.1:0, https://127.0.0.1:0", 1, env);
}

/* What a shell command prints, without its last line end; "$T" and "$P" are the site's addresses, "$C" is curl. */
static cz_str told(const struct server *server, const char *command)
{
    cz_str whole =
        format("cd \"$DIR\"; T=https://localhost:$PORT; P=http://localhost:$PLAIN; C='curl -sS "
               "--cacert ca.pem'; %s",
               command);
    return cz_str_trim(shell(server, whole.ptr, ""));
}

/* A line of /proc/PID/status, in KiB. */
static long kib_of(pid_t pid, const char *name)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen(format("/proc/%d/status", (int)pid).ptr, "re");
    CZ_REQUIRE(file);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    CZ_REQUIRE(fclose(file) == 0);
    return kib;
}

/* Connections that linger take a moment. */
static void expect_open_files(pid_t pid, size_t expected)
{
    for (int tries = 0; tries < 60 && open_files(pid) != expected; tries++)
        sleep_ms(50);
    CZ_EXPECT_EQ(open_files(pid), expected);
}

static long long body_bytes(void)
{
    const char *wanted = getenv("CZ_BODY_BYTES");
    return wanted ? strtoll(wanted, NULL, 10) : is_sanitized() ? 20000000 : 200000000;
}

CZ_TEST(a_body_of_any_size_is_read_in_constant_memory)
{
    static const char *const ways[] = {
        "$C --http1.1 -T zeros $P/sum",
        "cat zeros | $C --http1.1 -T - $P/sum",
        "$C --http1.1 -T zeros $T/sum",
        "$C --http2-prior-knowledge -T zeros $P/sum",
        "$C --http2 -T zeros $T/sum",
        "cat zeros | $C --http2 -T - $T/sum",
        "$C --http1.1 -X PUT -T zeros $T/back | wc -c",
        "$C --http2 -X PUT -T zeros $T/back | wc -c",
    };
    struct server server = start(NULL);
    pid_t worker;
    CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    CZ_REQUIRE(!told(&server, format("truncate -s %lld zeros", body_bytes()).ptr).len);
    long before = kib_of(worker, "VmRSS");
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        bool counts = cz_str_ends_with(cz_str_from(ways[i]), CZ_STR("wc -c"));
        cz_str said = told(&server, ways[i]);
        CZ_EXPECT_MSG(cz_str_eq(said, format(counts ? "%lld" : "%lld 0", body_bytes())), "%s: %.*s",
                      ways[i], CZ_STR_ARG(said));
        long grown = kib_of(worker, "VmHWM") - before;
        CZ_EXPECT_MSG(is_sanitized() || grown < GROWTH_KIB_MAX, "%s: %ld KiB more", ways[i], grown);
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

CZ_TEST(the_bytes_of_a_body_are_those_that_were_sent)
{
    struct server server = start(NULL);
    told(&server, "head -c 3000001 /dev/urandom > noise");
    cz_str sum = told(&server, "od -An -v -tu1 -w1 noise | awk '{ s += $1 } END { print s }'");
    static const char *const ways[] = { "--http1.1 $P", "--http1.1 $T", "--http2 $T",
                                        "--http2-prior-knowledge $P" };
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        cz_str said = told(&server, format("$C -T noise %s/sum", ways[i]).ptr);
        CZ_EXPECT_MSG(cz_str_eq(said, format("3000001 %.*s", CZ_STR_ARG(sum))), "%s: %.*s", ways[i],
                      CZ_STR_ARG(said));
        said = told(&server, format("$C -T noise %s/back | cmp - noise && echo same", ways[i]).ptr);
        CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("same")), "%s: %.*s", ways[i], CZ_STR_ARG(said));
        said = told(&server, format("$C --data-binary @noise %s/sum-held", ways[i]).ptr);
        CZ_EXPECT_MSG(cz_str_eq(said, format("3000001 %.*s", CZ_STR_ARG(sum))), "%s: %.*s", ways[i],
                      CZ_STR_ARG(said));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Over HTTP/2 curl 7.88 takes the RST_STREAM behind an early answer for an error; http2_test.c looks at the frames. */
CZ_TEST(limits_of_bodies_are_the_routes_own)
{
    static const struct {
        const char *command, *said;
    } cases[] = {
        { "$C -o /dev/null -w '%{http_code}' --data-binary @medium $P/sum-small", "413" },
        { "$C -o /dev/null -w '%{http_code}' --data-binary @medium $P/echo", "413" },
        { "$C -o /dev/null -w '%{http_code}' --data-binary @medium $P/sum-held", "200" },
        { "$C -o /dev/null -w '%{http_code}' --data-binary @medium $P/sum", "200" },
        { "$C --http2 -o /dev/null -w '%{http_code}' --data-binary @medium $T/sum-held", "200" },
        { "$C -o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -T medium $P/not-read",
          "403" },
    };
    struct server server = start(NULL);
    told(&server, "truncate -s 3000000 medium");
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str said = told(&server, cases[i].command);
        CZ_EXPECT_MSG(cz_str_eq(said, cz_str_from(cases[i].said)), "%s: %.*s", cases[i].command,
                      CZ_STR_ARG(said));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* Uploads that end in the midst: nothing of them stays. */
CZ_TEST(uploads_that_are_broken_off_leave_nothing_open)
{
    static const char *const ways[] = {
        "-T zeros --http1.1 $P/sum",
        "-T zeros --http1.1 $T/sum",
        "-T zeros --http2 $T/sum",
        "-F label=A -F content=@zeros --http1.1 $P/cargo",
        "-F label=A -F content=@zeros --http2 $T/cargo",
    };
    struct server server = start("UPLOAD_DIRECTORY=.");
    pid_t worker;
    CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
    told(&server, "truncate -s 1G zeros");
    size_t before = open_files(worker);
    for (size_t i = 0; i < CZ_COUNT(ways); i++)
        for (int ms = 1; ms < 200; ms += full_or_short(20, 60))
            told(&server, format("timeout 0.%03d $C %s; echo", ms, ways[i]).ptr);
    expect_open_files(worker, before);
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* ---- files of forms ---- */

#define FORM "-F label=Coal -F 'content=@zeros;type=text/plain'"

CZ_TEST(a_file_of_a_form_of_any_size_lies_on_a_disk_and_is_gone_with_its_request)
{
    static const char *const ways[] = {
        "$C --http1.1 " FORM " $P/cargo",
        "$C --http1.1 -H 'Transfer-Encoding: chunked' " FORM " $T/cargo",
        "$C --http2 " FORM " $T/cargo",
    };
    struct server server = start("UPLOAD_DIRECTORY=.");
    pid_t worker;
    CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    told(&server, format("truncate -s %lld zeros", body_bytes()).ptr);
    cz_str names = told(&server, "ls");
    size_t before = open_files(worker);
    long kib = kib_of(worker, "VmRSS");
    for (size_t i = 0; i < CZ_COUNT(ways); i++) {
        cz_str said = told(&server, ways[i]);
        CZ_EXPECT_MSG(cz_str_eq(said, format("Coal text/plain %lld 0", body_bytes())), "%s: %.*s",
                      ways[i], CZ_STR_ARG(said));
        long grown = kib_of(worker, "VmHWM") - kib;
        CZ_EXPECT_MSG(is_sanitized() || grown < GROWTH_KIB_MAX, "%s: %ld KiB more", ways[i], grown);
        expect_open_files(worker, before);
    }
    cz_str names_after = told(&server, "ls");
    CZ_EXPECT_MSG(cz_str_eq(names, names_after), "%.*s", CZ_STR_ARG(names_after));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

static void keep_files(const char *setting)
{
    static const size_t sizes[] = { 0, 1, 65536, 65537, 3000000 };
    struct server server = start(setting);
    for (size_t i = 0; i < CZ_COUNT(sizes); i++) {
        told(&server, format("head -c %zu /dev/urandom > zeros", sizes[i]).ptr);
        cz_str said = told(&server, format("$C " FORM " \"$P/cargo?as=kept%zu\" -o /dev/null -w "
                                           "'%%{http_code} '; cmp zeros kept%zu && stat -c %%a "
                                           "kept%zu",
                                           i, i, i)
                                        .ptr);
        CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("200 644")), "%zu: %.*s", sizes[i], CZ_STR_ARG(said));
    }
    cz_str said = told(&server, "rm -f kept*; echo mine > taken; $C " FORM
                                " \"$P/cargo?as=taken\" -o /dev/null "
                                "-w '%{http_code} '; cat taken; $C " FORM
                                " \"$P/cargo?as=no/such/folder\" -o /dev/null -w '%{http_code}'");
    CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("409 mine\n500")), "%.*s", CZ_STR_ARG(said));
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* By a link, and where the disk is another, /dev/shm, by a copy. */
CZ_TEST(a_file_of_a_form_is_kept_whole_under_a_name_that_was_free)
{
    keep_files("UPLOAD_DIRECTORY=.");
    keep_files("UPLOAD_DIRECTORY=/dev/shm");
}

CZ_TEST(a_form_is_read_alike_whether_it_is_held_or_not)
{
    static const char *const forms[] = {
        "-F label=A -F 'content=@dot.png;type=image/png'",
        "-F label=A -F 'content=@dot.png;type=text/html;filename=a.html'",
        "-F label=A -F content=text",
        "-F label=A",
        "-F 'label=a name that has more than twenty letters' -F 'content=@dot.png'",
        "-H 'Content-Type: multipart/form-data' -d x",
        "-H 'Content-Type: multipart/form-data; boundary=XX' -d '--XX'",
        "-d 'label=A&content=x'",
        "--json '{\"label\": \"A\"}'",
        "-H 'Content-Type: image/png' --data-binary @dot.png",
        "-X POST",
    };
    struct server server = start(NULL);
    told(&server, "printf '\\211PNG\\r\\n\\032\\n and so on' > dot.png");
    for (size_t i = 0; i < CZ_COUNT(forms); i++) {
        cz_str held = told(&server, format("$C %s $P/parcels -w ' %%{http_code}'", forms[i]).ptr);
        cz_str other = told(
            &server, format("$C %s $P/parcels-as-they-come -w ' %%{http_code}'", forms[i]).ptr);
        CZ_EXPECT_MSG(cz_str_eq(held, other), "%s: %.*s, %.*s", forms[i], CZ_STR_ARG(held),
                      CZ_STR_ARG(other));
        CZ_EXPECT_MSG(cz_str_ends_with(held, i ? CZ_STR("0") : CZ_STR(" 200")) ||
                          cz_str_ends_with(held, CZ_STR(" 415")),
                      "%s: %.*s", forms[i], CZ_STR_ARG(held));
    }
    CZ_EXPECT_EQ(server_stop(&server), 0);
}

/* A limit on the size of files is what a test can do to a disk; what workers share counts as one, of some 16 MiB. */
CZ_TEST(a_full_disk_is_507_and_nothing_stays_of_the_file)
{
    struct rlimit before, small = { 32 << 20, 32 << 20 };
    pid_t worker;
    CZ_REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small.rlim_max = before.rlim_max;
    CZ_REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    struct server server = start("UPLOAD_DIRECTORY=.");
    CZ_REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CZ_REQUIRE(server_workers(&server, &worker, 1) == 1);
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    told(&server, "truncate -s 40000000 zeros");
    size_t files = open_files(worker);
    cz_str names = told(&server, "ls");
    for (int i = 0; i < 3; i++) {
        cz_str said = told(&server, "$C " FORM " $P/cargo -o /dev/null -w '%{http_code}'");
        CZ_EXPECT_MSG(cz_str_eq(said, CZ_STR("507")), "%.*s", CZ_STR_ARG(said));
    }
    expect_open_files(worker, files);
    CZ_EXPECT(cz_str_eq(names, told(&server, "ls")));
    CZ_EXPECT_STATUS(get(server.port, "/notes"), 200);
    CZ_EXPECT_EQ(server_stop(&server), 0);
    CZ_EXPECT(cz_str_find(server_log(&server), CZ_STR("an upload can not be written to .: ")) !=
              SIZE_MAX);
}
