/* The migrations of clients, one a line. */
#include <calzone/migrations.h>

CZ_MIGRATION_LIST(cz__clients_migrations)
{
    CZ_LISTED(cz__clients_0001_initial);
    CZ_LIST_END;
}
