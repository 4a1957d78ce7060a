/* Create model Author; Create model Book; Create model Magazine. */
#include <calzone/migrations.h>

/* clang-format off */
CZ_MIGRATION(store_0001_initial, "store", "0001_initial",
    .operations = CZ_OPERATIONS(
        CZ_CREATE_MODEL("Author", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "name", "char_field", .max_length = 120, .unique = true },
            { "birth_year", "int_field", .null = true },
            { "death_year", "int_field", .null = true },
            { "source", "char_field", .max_length = 200 })),
        CZ_CREATE_MODEL("Book", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "title", "char_field", .max_length = 200, .index = true },
            { "author", "foreign_key", "store.Author", .on_delete = CZ_PROTECT },
            { "isbn", "char_field", .max_length = 13, .null = true, .unique = true },
            { "year", "int_field", .null = true },
            { "category", "char_field", .max_length = 20 },
            { "language", "char_field", .max_length = 8, .default_ = cz_text("en") },
            { "source", "char_field", .max_length = 200 })),
        CZ_CREATE_MODEL("Magazine", CZ_STATE_FIELDS(
            { "id", "big_int_field", .primary_key = true },
            { "title", "char_field", .max_length = 200, .unique = true },
            { "issn", "char_field", .max_length = 9, .null = true, .unique = true },
            { "founded", "int_field", .null = true },
            { "category", "char_field", .max_length = 20 },
            { "publisher", "char_field", .max_length = 120 },
            { "source", "char_field", .max_length = 200 }))));
