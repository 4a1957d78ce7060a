/* testing/testing_internal.h: what the clients share. */
#ifndef CZ_TESTING_TESTING_INTERNAL_H
#define CZ_TESTING_TESTING_INTERNAL_H

#include <calzone/testing.h>

/* End the test, as failed, with a message. */
CZ_NORETURN void cz__test_die(const char *format, ...) CZ_PRINTF(1, 2);

#endif
