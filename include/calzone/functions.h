/* calzone/functions.h: what databases compute, under Django's names.
 *
 * What each means is in expressions.h; how each is spelt in SQL is each database's features.c.
 */
#ifndef CALZONE_FUNCTIONS_H
#define CALZONE_FUNCTIONS_H

/* The aggregates are COUNT_ROWS to STRING_AGG; those after them stand only in windows. */
#define CZ__FUNCTION_MAP(X)                                                                        \
    X(ADD)                                                                                         \
    X(SUB)                                                                                         \
    X(MUL)                                                                                         \
    X(DIV)                                                                                         \
    X(MOD)                                                                                         \
    X(NEGATE)                                                                                      \
    X(LOWER)                                                                                       \
    X(UPPER)                                                                                       \
    X(LENGTH)                                                                                      \
    X(TRIM)                                                                                        \
    X(LTRIM)                                                                                       \
    X(RTRIM)                                                                                       \
    X(CONCAT)                                                                                      \
    X(SUBSTR)                                                                                      \
    X(REPLACE)                                                                                     \
    X(STRPOS)                                                                                      \
    X(LEFT)                                                                                        \
    X(RIGHT)                                                                                       \
    X(COALESCE)                                                                                    \
    X(GREATEST)                                                                                    \
    X(LEAST)                                                                                       \
    X(NULLIF)                                                                                      \
    X(ABS)                                                                                         \
    X(CEIL)                                                                                        \
    X(FLOOR)                                                                                       \
    X(ROUND)                                                                                       \
    X(SIGN)                                                                                        \
    X(SQRT)                                                                                        \
    X(POWER)                                                                                       \
    X(NOW)                                                                                         \
    X(YEAR)                                                                                        \
    X(ISO_YEAR)                                                                                    \
    X(QUARTER)                                                                                     \
    X(MONTH)                                                                                       \
    X(WEEK)                                                                                        \
    X(DAY)                                                                                         \
    X(WEEK_DAY)                                                                                    \
    X(ISO_WEEK_DAY)                                                                                \
    X(HOUR)                                                                                        \
    X(MINUTE)                                                                                      \
    X(SECOND)                                                                                      \
    X(DATE_OF)                                                                                     \
    X(TIME_OF)                                                                                     \
    X(TRUNC_YEAR)                                                                                  \
    X(TRUNC_QUARTER)                                                                               \
    X(TRUNC_MONTH)                                                                                 \
    X(TRUNC_WEEK)                                                                                  \
    X(TRUNC_DAY)                                                                                   \
    X(TRUNC_HOUR)                                                                                  \
    X(TRUNC_MINUTE)                                                                                \
    X(TRUNC_SECOND)                                                                                \
    X(CAST_TEXT)                                                                                   \
    X(CAST_INT)                                                                                    \
    X(CAST_REAL)                                                                                   \
    X(JSON_PATH)                                                                                   \
    X(JSON_TEXT)                                                                                   \
    X(JSON_INT)                                                                                    \
    X(JSON_REAL)                                                                                   \
    X(LIST_LENGTH)                                                                                 \
    X(SEARCH_RANK)                                                                                 \
    X(SEARCH_HEADLINE)                                                                             \
    X(COUNT_ROWS)                                                                                  \
    X(COUNT_OF)                                                                                    \
    X(SUM)                                                                                         \
    X(AVG)                                                                                         \
    X(MIN)                                                                                         \
    X(MAX)                                                                                         \
    X(STDDEV)                                                                                      \
    X(VARIANCE)                                                                                    \
    X(STRING_AGG)                                                                                  \
    X(ROW_NUMBER)                                                                                  \
    X(RANK)                                                                                        \
    X(DENSE_RANK)                                                                                  \
    X(PERCENT_RANK)                                                                                \
    X(CUME_DIST)                                                                                   \
    X(NTILE)                                                                                       \
    X(LAG)                                                                                         \
    X(LEAD)                                                                                        \
    X(FIRST_VALUE)                                                                                 \
    X(LAST_VALUE)                                                                                  \
    X(NTH_VALUE)

enum cz__function {
#define X(name) CZ__FN_##name,
    CZ__FUNCTION_MAP(X)
#undef X
        CZ__FN_COUNT
};

#endif
