/* management/commands/loadtest.h: what `loadtest` was told, and the server that it starts. */
#ifndef CZ_MANAGEMENT_COMMANDS_LOADTEST_H
#define CZ_MANAGEMENT_COMMANDS_LOADTEST_H

#include "loadtest/loadtest.h"
#include "management/project.h"
#include <sys/types.h>

enum { CZ__LOADTEST_NAMES_MAX = 32 };

struct cz__loadtest_arguments {
    struct cz__load_options run;
    struct cz__load_limits limits;
    bool search, json, allow_remote;
    const char *url;                           /* NULL: the project is started for it */
    const char *host;                          /* Host's value; NULL: the URL's */
    cz_buf headers;                            /* lines, each with CRLF */
    const char *names[CZ__LOADTEST_NAMES_MAX]; /* of scenarios; none: all */
    size_t name_count;
};

/* Read the command line; false: something in it makes no sense, which was printed. To be ended in any case. */
bool cz__loadtest_arguments_read(int argc, char **argv, struct cz__loadtest_arguments *out);
void cz__loadtest_arguments_done(struct cz__loadtest_arguments *arguments);

/* Find the address that a URL "http://HOST[:PORT][/]" names, and its part "HOST[:PORT]", in the arena.
 * Errors: CZ_EVALIDATION: it is none, is of another scheme, or, unless `remote`, is no loopback address;
 * CZ_EUNAVAILABLE: the host is not known. */
CZ_NODISCARD cz_status cz__loadtest_resolve(cz_arena *arena, const char *url, bool remote,
                                            struct cz__address *out, const char **out_host,
                                            cz_error *err);

/* A server of the project, in a process of its own. */
struct cz__loadtest_server {
    pid_t pid;     /* 0: none runs */
    char url[128]; /* where it is */
};
/* `run` on a free loopback port with the site's settings; it ends with this process at the latest.
 * Errors: CZ_EIO: it did not start, and has said why. */
CZ_NODISCARD cz_status cz__loadtest_server_start(struct cz__site *site,
                                                 struct cz__loadtest_server *out, cz_error *err);
/* Let it drain, and end it when that takes over ten seconds. */
void cz__loadtest_server_stop(struct cz__loadtest_server *server);

#endif
