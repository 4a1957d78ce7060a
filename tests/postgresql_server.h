/* A PostgreSQL of the test's own, run by tests/postgresql, so that it can be treated badly. */
#ifndef TESTS_POSTGRESQL_SERVER_H
#define TESTS_POSTGRESQL_SERVER_H

#include "server.h"

struct pg {
    char folder[80];
    pid_t pid; /* 0: not running */
    const char *url;
};

/* Run tests/postgresql with arguments (NULL: no more) and wait; what it printed. Where the server is not installed
 * the test ends as skipped. */
cz_str pg_script(const char *first, const char *second, const char *third);
/* Make its folder, which has nothing in it. Skips the test where Calzone is built without PostgreSQL. */
void pg_create(struct pg *pg);
/* Run its server, which the first call makes, and wait until it answers. It belongs to this test's process group, and so
 * ends with it, however that ends. */
void pg_run(struct pg *pg);
/* End the server at once, as a crash does. */
void pg_end(struct pg *pg);
/* End it and remove its folder. */
void pg_remove(struct pg *pg);

#endif
