/* Create model cz_idempotency_key. */
#include <calzone/migrations.h>

/* clang-format off */
CZ_MIGRATION(idempotency_0001_initial, "idempotency", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("cz_idempotency_key", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "digest", "char_field", .max_length = 64, .unique = true },
            { "request", "char_field", .max_length = 64 },
            { "status", "int_field" },
            { "content_type", "char_field", .max_length = 255 },
            { "headers", "text_field" },
            { "body", "binary_field" },
            { "expires_at", "datetime_field", .index = true }),
            .table = "calzone_idempotency_key")));
