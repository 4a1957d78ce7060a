/* calzone/lookups.h: the ways a field can be compared, under Django's names.
 *
 * What each means is in queries.h; how each is spelt in SQL is each database's features.c.
 */
#ifndef CALZONE_LOOKUPS_H
#define CALZONE_LOOKUPS_H

/* X(name): Django's lookups. */
#define CZ_LOOKUP_MAP(X)                                                                           \
    X(EXACT)                                                                                       \
    X(IEXACT)                                                                                      \
    X(CONTAINS)                                                                                    \
    X(ICONTAINS)                                                                                   \
    X(STARTSWITH)                                                                                  \
    X(ISTARTSWITH)                                                                                 \
    X(ENDSWITH)                                                                                    \
    X(IENDSWITH)                                                                                   \
    X(REGEX)                                                                                       \
    X(IREGEX)                                                                                      \
    X(SEARCH)                                                                                      \
    X(GT)                                                                                          \
    X(GTE)                                                                                         \
    X(LT)                                                                                          \
    X(LTE)                                                                                         \
    X(IN)                                                                                          \
    X(RANGE)                                                                                       \
    X(ISNULL)                                                                                      \
    X(CONTAINED_BY)                                                                                \
    X(OVERLAP)                                                                                     \
    X(HAS_KEY)                                                                                     \
    X(HAS_KEYS)                                                                                    \
    X(HAS_ANY_KEYS)

typedef enum cz_lookup {
#define X(name) CZ_LOOKUP_##name,
    CZ_LOOKUP_MAP(X)
#undef X
        CZ_LOOKUP_COUNT
} cz_lookup;

#endif
