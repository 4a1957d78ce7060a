/* Who may do what, how often, and what is kept of the answers: for both versions. */
#ifndef BOOKSTORE_ACCESS_H
#define BOOKSTORE_ACCESS_H

#include <calzone/calzone.h>

/* Everyone reads, whoever is known writes. */
extern const cz_permission write_with_token;

/* Around routes of these models: how often one caller may ask, and the cache that keeps answers until rows change. */
extern const cz_middleware *const around_authors[], *const around_books[],
                                                        *const around_magazines[];
/* Around routes that take a password: few tries. */
extern const cz_middleware *const few_tries[];

#endif
