/* calzone/lookups.h: the ways a field can be compared, under Django's names.
 *
 * What each means is in queries.h; how each is spelt in SQL is each database's features.c.
 */
#ifndef CALZONE_LOOKUPS_H
#define CALZONE_LOOKUPS_H

/* X(name, the check queries.h makes of its value): Django's lookups. */
#define CZ_LOOKUP_MAP(X)                                                                           \
    X(EXACT, CZ__SUITS)                                                                            \
    X(IEXACT, CZ__SUITS_TEXT)                                                                      \
    X(CONTAINS, CZ__SUITS_TEXT)                                                                    \
    X(ICONTAINS, CZ__SUITS_TEXT)                                                                   \
    X(STARTSWITH, CZ__SUITS_TEXT)                                                                  \
    X(ISTARTSWITH, CZ__SUITS_TEXT)                                                                 \
    X(ENDSWITH, CZ__SUITS_TEXT)                                                                    \
    X(IENDSWITH, CZ__SUITS_TEXT)                                                                   \
    X(IN, CZ__SUITS_LIST)                                                                          \
    X(GT, CZ__SUITS_ORDER)                                                                         \
    X(GTE, CZ__SUITS_ORDER)                                                                        \
    X(LT, CZ__SUITS_ORDER)                                                                         \
    X(LTE, CZ__SUITS_ORDER)                                                                        \
    X(RANGE, CZ__SUITS_LIST)                                                                       \
    X(ISNULL, CZ__SUITS_ISNULL)

typedef enum cz_lookup {
#define X(name, suits) CZ_LOOKUP_##name,
    CZ_LOOKUP_MAP(X)
#undef X
} cz_lookup;

enum { CZ_LOOKUP_COUNT = CZ_LOOKUP_ISNULL + 1 };

#endif
