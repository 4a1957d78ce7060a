/* What `bookstore loadtest` asks, of a database with the sample data; with RATE_LIMIT=false, or it measures that. */
#ifndef BOOKSTORE_LOAD_TESTS_H
#define BOOKSTORE_LOAD_TESTS_H

#include <calzone/calzone.h>

enum { LOAD_TESTS = 3 };
extern const cz_load_test load_tests[LOAD_TESTS];

#endif
