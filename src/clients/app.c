/* The app: its model and migrations. A file of its own, so that only projects that list it have them. */
#include <calzone/clients.h>
#include "clients/migrations/list.h"

const cz_app cz_clients_app = {
    .name = "clients",
    .models = CZ_MODELS(cz_client_platform),
    .migrations = cz__clients_migrations,
    .cached = CZ_MODELS(cz_client_platform),
};
