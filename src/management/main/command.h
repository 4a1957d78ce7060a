/* management/main/command.h: the `calzone` command, which makes projects and builds them.
 *
 * It needs CMake and a compiler and nothing else: what it writes is compiled in (scaffold_files).
 */
#ifndef CZ_MANAGEMENT_MAIN_COMMAND_H
#define CZ_MANAGEMENT_MAIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of every command. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

/* A file of a new project; `{{name}}` in it stands for the project's name. */
struct scaffold_file {
    const char *path; /* below the project's directory */
    const char *bytes;
    size_t len;
};
extern const struct scaffold_file scaffold_files[];
extern const size_t scaffold_file_count;

/* `calzone new NAME`. A refusal is one line on standard error and EXIT_MISUSED; after a failure nothing is
 * left behind. */
int command_new(int argc, char **argv);

/* `calzone build [CMAKE OPTION...]`, `calzone test [ARGUMENT...]`, and any other command of the project's
 * binary, which takes this process's place. All work in the project's directory or below. */
int command_build(int argc, char **argv);
int command_test(int argc, char **argv);
int command_project(int argc, char **argv);

/* `calzone cert [NAME...]`: certificates for development below certs/. */
int command_cert(int argc, char **argv);

/* Change to the directory of the project around this one; false, and said, when there is none. */
bool enter_project(const char *command);
/* Whether a program is on PATH. */
bool program_exists(const char *program);

/* Print one line on standard error, after "calzone: ". Returns `code`. */
int say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
