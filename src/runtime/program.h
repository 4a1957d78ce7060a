/* runtime/program.h: where this program was started from, so that whatever lies there later can be started in its place. */
#ifndef CZ_RUNTIME_PROGRAM_H
#define CZ_RUNTIME_PROGRAM_H

#include <calzone/status.h>

enum { CZ__PROGRAM_PATH = 4096 };

/* Names, not files: a path through a symbolic link such as /srv/shop/current leads to what the link names when it is followed. */
struct cz__program {
    char path[CZ__PROGRAM_PATH]; /* absolute */
    char directory
        [CZ__PROGRAM_PATH]; /* where it was started in; "" when that has no name any more */
};

/* Find it, as long as the working directory and the file are those it was started with. The path is the one it was called by, or found
 * by in PATH; when that leads elsewhere, /proc/self/exe's. Errors: CZ_ENOTFOUND: no path leads to it. Context: at the start. */
CZ_NODISCARD cz_status cz__program_find(struct cz__program *out, cz_error *err);

/* In a child: go where it was started and execute it; `argv` ends with NULL. Returns errno, and only when it could not. */
int cz__program_execute(const struct cz__program *program, char *const *argv);

#endif
