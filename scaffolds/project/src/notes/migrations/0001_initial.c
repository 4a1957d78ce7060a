/* Create model Note. */
#include <calzone/migrations.h>

/* clang-format off */
CZ_MIGRATION(notes_0001_initial, "notes", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("Note", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "title", "char_field", .max_length = 200 },
            { "body", "text_field", .default_ = cz_text("") },
            { "pinned", "bool_field", .index = true, .default_ = cz_bool(false) },
            { "created_at", "datetime_field", .auto_now_add = true },
            { "updated_at", "datetime_field", .auto_now = true }))));
