/* `calzone`: the command line. */
#include "management/main/command.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage_text[] =
    "usage: calzone COMMAND [ARGUMENT...]\n"
    "\n"
    "  new NAME                   make a project in the new directory NAME\n"
    "  version                    print Calzone's version\n"
    "  help                       print this\n"
    "\n"
    "in a project's directory, or below it:\n"
    "\n"
    "  run [--bind ADDRESS:PORT]  build the project and serve it\n"
    "  test [PART_OF_A_NAME...]   build the project and run its tests\n"
    "  build [CMAKE_OPTION...]    build the project; with options, configure it anew first\n"
    "  cert [NAME...]             make a certificate for development, for localhost or these "
    "names\n"
    "  COMMAND                    build the project and run its own COMMAND: check, routes, "
    "settings...\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 a command line that makes no sense.\n";

int say(int code, const char *format, ...)
{
    va_list arguments;
    fputs("calzone: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

static int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs(usage_text, stdout);
    return EXIT_DONE;
}

static int command_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return say(EXIT_MISUSED, "version takes no arguments");
    printf("calzone %s\n", CZ_VERSION);
    return EXIT_DONE;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "new", command_new },   { "build", command_build },     { "test", command_test },
    { "cert", command_cert }, { "help", command_help },       { "--help", command_help },
    { "-h", command_help },   { "version", command_version }, { "--version", command_version },
};

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs(usage_text, stderr);
        return EXIT_MISUSED;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (argv[1][0] == '-')
        return say(EXIT_MISUSED, "unknown option \"%s\"; `calzone help` lists the commands",
                   argv[1]);
    return command_project(argc - 1, argv + 1);
}
