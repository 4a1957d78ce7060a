/* Whether memory can be read at all: for lists whose end may be missing, so that the start names the list and does not crash. */
#ifndef CZ_BASE_MAPPED_H
#define CZ_BASE_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the process may read these bytes, of which there are a page's at most. Context: any thread; a system call or two. */
bool cz__mapped(const void *address, size_t bytes);

#endif
