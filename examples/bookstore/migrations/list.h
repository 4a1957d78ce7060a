/* The migrations of store, one a line; makemigrations adds to them. */
#include <calzone/migrations.h>

CZ_MIGRATION_LIST(store_migrations)
{
    CZ_LISTED(store_0001_initial);
    CZ_LISTED(store_0002_users);
    CZ_LIST_END;
}
