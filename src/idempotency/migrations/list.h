/* The migrations of idempotency, one a line; makemigrations adds to them. */
#include <calzone/migrations.h>

CZ_MIGRATION_LIST(idempotency_migrations)
{
    CZ_LISTED(idempotency_0001_initial);
    CZ_LIST_END;
}
