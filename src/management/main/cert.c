/* `calzone cert`: certificates for development, by the openssl command: an authority of the project's own, and a certificate of it
 * for the local names. Not for production: nobody but this machine trusts it. */
#include "management/main/command.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_MAX = 32, NAME_BYTES_MAX = 253 };

static const char config_path[] = "certs/openssl.cnf", log_path[] = "certs/openssl.log";

/* The authority may sign for hosts and nothing above them; 397 days are what browsers take of a host's at most. */
static const char config_head[] = "[req]\ndistinguished_name = name\nprompt = no\n"
                                  "[name]\nCN = Calzone development authority\n"
                                  "[authority]\nbasicConstraints = critical, CA:TRUE, pathlen:0\n"
                                  "keyUsage = critical, keyCertSign, cRLSign\n"
                                  "subjectKeyIdentifier = hash\n"
                                  "[host]\nbasicConstraints = critical, CA:FALSE\n"
                                  "keyUsage = critical, digitalSignature\n"
                                  "extendedKeyUsage = serverAuth\n"
                                  "authorityKeyIdentifier = keyid\nsubjectAltName = ";

/* ---- names ---- */

static bool is_address(const char *name)
{
    return strchr(name, ':') || strspn(name, "0123456789.") == strlen(name);
}

/* A host's name, "*.shop.test" or an address. OpenSSL looks closer at addresses. */
static bool is_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t len = strlen(name);
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    if (!len || len > NAME_BYTES_MAX || name[0] == '-')
        return false;
    return strchr(name, ':') ? strspn(name, "0123456789abcdefABCDEF:.") == len
                             : *rest && strspn(rest, letters) == strlen(rest);
}

/* ---- files ---- */

static bool write_file(const char *path, const char *head, const char *const *names, int count)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    fputs(head, file);
    for (int i = 0; i < count; i++)
        fprintf(file, "%s%s:%s", i ? "," : "", is_address(names[i]) ? "IP" : "DNS", names[i]);
    fputc('\n', file);
    return fclose(file) == 0;
}

static bool make_folder(void)
{
    return (!mkdir("certs", 0700) || errno == EEXIST) &&
           write_file("certs/.gitignore", "*", NULL, 0);
}

static int print_log(void)
{
    char line[256];
    FILE *log = fopen(log_path, "re");
    while (log && fgets(line, sizeof line, log))
        fputs(line, stderr);
    if (log)
        fclose(log);
    return say(EXIT_FAILED, "openssl did not make the certificate");
}

extern char **environ;

/* Both outputs of openssl, which talks while all is well, go to a file. Returns its exit code, or EXIT_FAILED. */
static int run_openssl(const char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    int failed = posix_spawn_file_actions_init(&actions);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_path,
                                                  O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!failed)
        failed = posix_spawnp(&child, arguments[0], &actions, NULL,
                              (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return say(EXIT_FAILED, "%s: %s", arguments[0], strerror(failed));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* ---- the command ---- */

static int make_authority(void)
{
    static const char *const arguments[] = {
        "openssl",
        "req",
        "-x509",
        "-config",
        config_path,
        "-extensions",
        "authority",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "3650",
        "-keyout",
        "certs/ca.key",
        "-out",
        "certs/ca.pem",
        NULL,
    };
    if (!access("certs/ca.pem", F_OK) && !access("certs/ca.key", F_OK))
        return EXIT_DONE;
    return run_openssl(arguments);
}

static int make_certificate(const char *name)
{
    char subject[NAME_BYTES_MAX + 8], pem[PATH_MAX], key[PATH_MAX];
    snprintf(subject, sizeof subject, "/CN=%.60s", name);
    snprintf(pem, sizeof pem, "certs/%s.pem", *name == '*' ? name + 2 : name);
    snprintf(key, sizeof key, "certs/%s.key", *name == '*' ? name + 2 : name);
    const char *const arguments[] = {
        "openssl", "req",          "-x509",
        "-config", config_path,    "-extensions",
        "host",    "-CA",          "certs/ca.pem",
        "-CAkey",  "certs/ca.key", "-newkey",
        "ec",      "-pkeyopt",     "ec_paramgen_curve:P-256",
        "-nodes",  "-days",        "397",
        "-subj",   subject,        "-keyout",
        key,       "-out",         pem,
        NULL,
    };
    int code = run_openssl(arguments);
    if (!code)
        printf("Made %s and %s, of the authority certs/ca.pem. To use them:\n\n"
               "    TLS_CERTIFICATES=%s\n    TLS_KEYS=%s\n    BIND=https://127.0.0.1:8443\n\n"
               "in settings/local.env, and `curl --cacert certs/ca.pem https://localhost:8443/`. A "
               "browser that "
               "imports\ncerts/ca.pem trusts it; certs/ca.key must not leave this machine.\n",
               pem, key, pem, key);
    return code;
}

int command_cert(int argc, char **argv)
{
    static const char *const local[] = { "localhost", "127.0.0.1", "::1" };
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        puts("usage: calzone cert [NAME...]\n\n"
             "Make certs/NAME.pem and its key for development, for the names and addresses given, "
             "or localhost, 127.0.0.1 "
             "and ::1;\nsigned by certs/ca.pem, which is made once. What is there by these names "
             "is replaced.");
        return 0;
    }
    const char *const *names = argc > 1 ? (const char *const *)argv + 1 : local;
    int count = argc > 1 ? argc - 1 : 3;
    if (count > NAMES_MAX)
        return say(EXIT_MISUSED, "cert takes at most %d names", NAMES_MAX);
    for (int i = 0; i < count; i++)
        if (!is_name(names[i]))
            return say(EXIT_MISUSED, "cert: \"%.80s\" is no name of a host and no address",
                       names[i]);
    if (!enter_project("cert"))
        return EXIT_MISUSED;
    if (!program_exists("openssl"))
        return say(EXIT_FAILED, "cert needs the openssl command (Debian: openssl)");
    mode_t mask = umask(077);
    if (!make_folder() || !write_file(config_path, config_head, names, count))
        return say(EXIT_FAILED, "certs/ cannot be written: %s", strerror(errno));
    int code = make_authority();
    if (!code)
        code = make_certificate(names[0]);
    umask(mask);
    if (code)
        code = print_log();
    unlink(config_path);
    unlink(log_path);
    return code;
}
