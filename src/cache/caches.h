/* cache/caches.h: the project's caches, from start to end. */
#ifndef CZ_CACHE_CACHES_H
#define CZ_CACHE_CACHES_H

#include <calzone/cache.h>
#include <calzone/settings.h>

enum { CZ__CACHES_MAX = 16 };

/* Open the cache of an alias, "default" the first; before the workers are forked, so that they share what lies in memory. No
 * server is asked yet. `url` empty: memory. `prefix`: of its keys where the URL names none. Everything is copied.
 * Errors: CZ_EVALIDATION: the alias or the URL; CZ_EUNSUPPORTED: its library is missing; CZ_ETOOBIG: over CZ__CACHES_MAX;
 * CZ_ENOMEM. Context: start-up. */
CZ_NODISCARD cz_status cz__cache_open(const char *alias, cz_str url, cz_str prefix, cz_error *err);
/* Have changes of these models invalidate their tags. Errors: CZ_EVALIDATION: one is in no app's .models; `app` is named. Context:
 * start-up, once every model is in. */
CZ_NODISCARD cz_status cz__cache_watch_models(const char *app, const cz_model_list *models,
                                              cz_error *err);
/* When a middleware is a CZ_PAGE_CACHE(), check it against the caches that were opened and the models that are watched. Errors:
 * CZ_EVALIDATION. Context: start-up, after both. */
CZ_NODISCARD cz_status cz__page_cache_check(const cz_middleware *middleware, cz_error *err);
/* Make the tables that are missing of caches in databases (of one, unless NULL), or with `dry_run` print the SQL that would;
 * those that are there are named. How many were missing. Raises: what the database says. Context: a command. */
size_t cz__cache_tables_create(cz_ctx *ctx, const char *database, bool dry_run);
/* Close all. */
void cz__caches_close(void);

#endif
