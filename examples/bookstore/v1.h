/* The Bookstore's /v1, by the names of the course it comes from: one resource a verb, its target in the query or the body. */
#ifndef BOOKSTORE_V1_H
#define BOOKSTORE_V1_H

#include <calzone/calzone.h>

extern const cz_route v1_urls[];

#endif
