/* migrations/autodetector.h: what changed between the migrations and the models; all of it raises. */
#ifndef CZ_MIGRATIONS_AUTODETECTOR_H
#define CZ_MIGRATIONS_AUTODETECTOR_H

#include "migrations/migrations.h"

/* Who answers what the two states cannot tell. */
typedef struct cz__answers {
    /* Was `app.model.old` (a field; NULL: the model itself) renamed to `name`? `similar`: they are alike but
     * for the name, so it may be. May raise when nobody knows. */
    bool (*renamed)(cz_ctx *ctx, void *user, const char *app, const char *model, const char *old,
                    const char *name, bool similar);
    /* What the rows there are get in a field that may not be NULL and has no default. Of a foreign key the field's kind
     * is that of the key it leads to. May raise. */
    cz_tagged (*fill)(cz_ctx *ctx, void *user, const char *app, const char *model,
                      const cz_state_field *field);
    void *user;
} cz__answers;

typedef struct cz__migration_list {
    cz_migration *items; /* an app's second comes after every first that it depends on */
    size_t count;
} cz__migration_list;

/* The migrations that lead from those of `graph` to the project's models: all, or, unless `app` is NULL, those of
 * that app and what they depend on. `name` is what they are called after their number; NULL: by what they do. */
cz__migration_list cz__autodetect(cz_ctx *ctx, const cz__graph *graph, const cz__answers *answers,
                                  const char *app, const char *name);

/* The same migrations, with what would lock a large table of PostgreSQL in ones of its own that are .online. `name` is
 * what they were called by, as above: of parts the second is NAME_2. */
cz__migration_list cz__split_online(cz_ctx *ctx, const cz__graph *graph,
                                    const cz__migration_list *list, const char *name);

/* A migration of the app without operations, and one that joins its leaves. */
cz_migration cz__migration_empty(cz_ctx *ctx, const cz__graph *graph, const char *app,
                                 const char *name);
cz_migration cz__migration_merge(cz_ctx *ctx, const cz__graph *graph, const char *app);

/* One migration in place of an app's first ones up to the node `last`: what makes their models at once. Raises:
 * CZ_EUNSUPPORTED: one of them runs SQL or a function, which is not among what makes models, unless
 * `without_data`; or other apps' migrations stand between them. */
cz_migration cz__migration_squash(cz_ctx *ctx, const cz__graph *graph, size_t last,
                                  bool without_data);

/* A value for a field, from text: a number, true or false, or the text itself, as the field's kind wants.
 * Raises: CZ_EVALIDATION: no such value. */
cz_tagged cz__fill_of_text(cz_ctx *ctx, const cz_state_field *field, const char *text);

#endif
