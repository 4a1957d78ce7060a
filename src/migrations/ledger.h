/* migrations/ledger.h: writing to calzone_migrations; all of it raises. */
#ifndef CZ_MIGRATIONS_LEDGER_H
#define CZ_MIGRATIONS_LEDGER_H

#include <calzone/context.h>

/* Make the table when it is missing. */
void cz__ledger_create(cz_ctx *ctx);
void cz__ledger_add(cz_ctx *ctx, const char *app, const char *name, const char *fingerprint);
/* Another fingerprint for a row; no such row: nothing. */
void cz__ledger_change(cz_ctx *ctx, const char *app, const char *name, const char *fingerprint);
void cz__ledger_remove(cz_ctx *ctx, const char *app, const char *name); /* no such row: nothing */

#endif
