/* What SQLite spells its own way.
 *
 * CONTAINS, STARTSWITH and ENDSWITH tell upper from lower case, as on PostgreSQL: SQLite's LIKE would not,
 * so they are instr() and GLOB. The I-forms are LIKE, which folds ASCII letters only. */
#include "db/sqlite/sqlite_internal.h"
#include <calzone/lookups.h>

static const cz__lookup_sql lookups[CZ_LOOKUP_COUNT] = {
    [CZ_LOOKUP_EXACT] = { "", " = ?", CZ__PATTERN_NONE },
    [CZ_LOOKUP_IEXACT] = { "", " LIKE ? ESCAPE '\\'", CZ__PATTERN_LIKE_EXACT },
    [CZ_LOOKUP_CONTAINS] = { "instr(", ", ?) > 0", CZ__PATTERN_NONE },
    [CZ_LOOKUP_ICONTAINS] = { "", " LIKE ? ESCAPE '\\'", CZ__PATTERN_LIKE_CONTAINS },
    [CZ_LOOKUP_STARTSWITH] = { "", " GLOB ?", CZ__PATTERN_GLOB_PREFIX },
    [CZ_LOOKUP_ISTARTSWITH] = { "", " LIKE ? ESCAPE '\\'", CZ__PATTERN_LIKE_PREFIX },
    [CZ_LOOKUP_ENDSWITH] = { "", " GLOB ?", CZ__PATTERN_GLOB_SUFFIX },
    [CZ_LOOKUP_IENDSWITH] = { "", " LIKE ? ESCAPE '\\'", CZ__PATTERN_LIKE_SUFFIX },
    [CZ_LOOKUP_GT] = { "", " > ?", CZ__PATTERN_NONE },
    [CZ_LOOKUP_GTE] = { "", " >= ?", CZ__PATTERN_NONE },
    [CZ_LOOKUP_LT] = { "", " < ?", CZ__PATTERN_NONE },
    [CZ_LOOKUP_LTE] = { "", " <= ?", CZ__PATTERN_NONE },
    /* IN, RANGE and ISNULL are written by the compiler */
};

const cz__db_features cz__sqlite_features = {
    .numbered_parameters = false,
    .random = "random()",
    .limit_all = "-1",
    .lookups = lookups,
};
