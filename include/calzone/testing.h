/* calzone/testing.h: tests of Calzone and of projects made with it.
 *
 * A test is a function that registers itself and is named for the behaviour it shows. The runner
 * (cz_test_main()) runs each in its own process, so a crash or an exit fails one test and no other, and
 * ends with the line `N passed, N failed`, to which `, N skipped` is added when there are any.
 *
 *     CZ_TEST(an_isbn_with_a_wrong_check_digit_is_refused)
 *     {
 *         CZ_EXPECT(!isbn_is_valid(CZ_STR("9780131103628")));
 *     }
 *
 * An expectation that fails is reported with its file, line and values, and the test goes on; a
 * requirement (CZ_REQUIRE) ends it.
 */
#ifndef CALZONE_TESTING_H
#define CALZONE_TESTING_H

#include <calzone/status.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_test {
    const char *name, *file;
    void (*fn)(void);
    struct cz_test *next; /* private */
} cz_test;

void cz__test_register(cz_test *test);

#define CZ_TEST(test_name)                                                                         \
    static void test_name(void);                                                                   \
    __attribute__((constructor)) static void test_name##_register(void)                            \
    {                                                                                              \
        static cz_test test = { #test_name, __FILE__, test_name, NULL };                           \
        cz__test_register(&test);                                                                  \
    }                                                                                              \
    static void test_name(void)

/* Report a failure at a line; the test goes on. */
void cz__test_fail(const char *file, int line, const char *format, ...) CZ_PRINTF(3, 4);
/* End the test at once: as failed, or as skipped with the reason. */
CZ_NORETURN void cz__test_abort(void);
CZ_NORETURN void cz_test_skip(const char *reason);
/* Whether the running test has failed an expectation so far. */
bool cz_test_has_failed(void);

#define CZ_EXPECT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cz__test_fail(__FILE__, __LINE__, "%s", #condition);                                   \
    } while (0)
/* As CZ_EXPECT, with a printf-style message that tells the case. */
#define CZ_EXPECT_MSG(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cz__test_fail(__FILE__, __LINE__, __VA_ARGS__);                                        \
    } while (0)
#define CZ_EXPECT_EQ(actual, expected)                                                             \
    do {                                                                                           \
        long long cz__a = (long long)(actual), cz__e = (long long)(expected);                      \
        if (cz__a != cz__e)                                                                        \
            cz__test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld", #actual, cz__a, cz__e); \
    } while (0)
#define CZ_EXPECT_STR(actual, expected)                                                            \
    cz__test_expect_str(__FILE__, __LINE__, #actual, (actual), cz_str_from(expected))
#define CZ_REQUIRE(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            cz__test_fail(__FILE__, __LINE__, "%s", #condition);                                   \
            cz__test_abort();                                                                      \
        }                                                                                          \
    } while (0)
#define CZ_REQUIRE_OK(call)                                                                        \
    do {                                                                                           \
        cz_status cz__s = (call);                                                                  \
        if (cz__s != CZ_OK) {                                                                      \
            cz__test_fail(__FILE__, __LINE__, "%s gave %s", #call, cz_status_name(cz__s));         \
            cz__test_abort();                                                                      \
        }                                                                                          \
    } while (0)

void cz__test_expect_str(const char *file, int line, const char *text, cz_str actual,
                         cz_str expected);

/* Run the registered tests: `PROGRAM [--jobs N] [--list] [--timeout SECONDS] [PART_OF_A_NAME...]`.
 * Returns 0 when none failed. */
int cz_test_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
