/* Create model cz_client_platform. */
#include <calzone/migrations.h>

/* clang-format off */
CZ_MIGRATION(cz__clients_0001_initial, "clients", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("cz_client_platform", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "platform", "slug_field", .max_length = 32, .unique = true },
            { "minimum", "char_field", .max_length = 64 },
            { "recommended", "char_field", .max_length = 64 },
            { "store_link", "url_field", .max_length = 200 },
            { "message", "char_field", .max_length = 200 }),
            .table = "clients_platform")));
