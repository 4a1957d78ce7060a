/* migrations/linter.h: what an operation does to those who use the database meanwhile. */
#ifndef CZ_MIGRATIONS_LINTER_H
#define CZ_MIGRATIONS_LINTER_H

#include "migrations/migrations.h"

enum cz__safety {
    CZ__SAFE,      /* a lock for a moment, and the version that runs goes on */
    CZ__TWO_STEPS, /* the version of the program that runs meanwhile would fail: in two releases */
    CZ__BLOCKING   /* a lock as long as the table is large */
};

typedef struct cz__finding {
    enum cz__safety safety;
    bool can_be_online; /* a migration with .online = true does it without that lock */
    const char *lock;   /* PostgreSQL's, "ACCESS EXCLUSIVE"; NULL: none that matters */
    const char *advice; /* what to do instead; when safe what to know, or NULL */
    const char *online; /* what to know when it is done online; NULL: nothing */
} cz__finding;

/* Judge the operations of a migration, given the nodes before it: one finding an operation. In the context's
 * arena; raises as applying them does. */
cz__finding *cz__lint(cz_ctx *ctx, const cz__graph *graph, const cz_migration *migration);
const char *cz__safety_name(enum cz__safety safety);

#endif
