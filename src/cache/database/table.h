/* cache/database/table.h: the tables that caches lie in. */
#ifndef CZ_CACHE_DATABASE_TABLE_H
#define CZ_CACHE_DATABASE_TABLE_H

#include "cache/database/database_internal.h"

/* Remove what is over, and of more than `entries` rows a third: those that end soonest. Errors: the database's. */
CZ_NODISCARD cz_status cz__cache_table_cull(cz_ctx *ctx, struct cz__cache_use *use);

#endif
