/* Create model User. */
#include <calzone/migrations.h>

/* clang-format off */
CZ_MIGRATION(store_0002_users, "store", "0002_users",
    .depends = CZ_DEPENDS({ "store", "0001_initial" }),
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("User", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "username", "slug_field", .max_length = 40, .unique = true },
            { "email", "email_field", .max_length = 254 },
            { "password", "char_field", .max_length = 255 },
            { "is_superuser", "bool_field", .default_ = cz_bool(false) },
            { "token_round", "int_field", .default_ = cz_int(0) },
            { "created_at", "datetime_field", .auto_now_add = true }))));
