#include "app.h"
#include "migrations/list.h"
#include "models.h"
#include "views.h"

const cz_app notes_app = {
    .name = "notes",
    .models = CZ_MODELS(Note),
    .migrations = notes_migrations,
};

const cz_route notes_urls[] = {
    CZ_RESOURCE("", &note_views),
    CZ_ROUTES_END,
};
