/* The migrations of notes, one a line; makemigrations adds to them. */
#include <calzone/migrations.h>

CZ_MIGRATION_LIST(notes_migrations)
{
    CZ_LISTED(notes_0001_initial);
    CZ_LIST_END;
}
