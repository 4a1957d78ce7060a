/* migrations/inspectdb.h: models from tables that exist. */
#ifndef CZ_MIGRATIONS_INSPECTDB_H
#define CZ_MIGRATIONS_INSPECTDB_H

#include <calzone/context.h>

/* The text of a header with a model for each table named, or, with none, for every table but the library's
 * own; `unmanaged` ones say so. In the context's arena. Raises: CZ_ENOTFOUND: no such table; the database's. */
cz_str cz__inspectdb(cz_ctx *ctx, const char *const *tables, size_t count, bool unmanaged);

#endif
