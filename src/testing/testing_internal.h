/* testing/testing_internal.h: what the clients share. */
#ifndef CZ_TESTING_TESTING_INTERNAL_H
#define CZ_TESTING_TESTING_INTERNAL_H

#include <calzone/testing.h>

/* queries.c: the statements run so far on the database that is open, which are kept from the first call of either
 * on. In the test's arena. */
struct cz__test_queries {
    const cz_str *items; /* NULL: there was no memory to keep them */
    uint32_t count;
};
void cz__test_count_queries(void);
struct cz__test_queries cz__test_queries(void);

/* End the test, as failed, with a message. */
CZ_NORETURN void cz__test_die(const char *format, ...) CZ_PRINTF(1, 2);

#endif
