/* The Bookstore's /v2: authors, books and magazines as resources. */
#ifndef BOOKSTORE_V2_H
#define BOOKSTORE_V2_H

#include <calzone/calzone.h>

extern const cz_route v2_urls[];

#endif
