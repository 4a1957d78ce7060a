/* runtime/last_words.h: what a process says when a signal ends it; for those that start one and wait for its end. */
#ifndef CZ_RUNTIME_LAST_WORDS_H
#define CZ_RUNTIME_LAST_WORDS_H

#include <stddef.h>

/* In the process: from now on a crash writes one record to `fd`, a pipe. Once. */
void cz__last_words_install(int fd);
/* In its parent, which it is a fork of: the signal that ended it and, when it left a record in `fd`, which does not block, the
 * functions it was in, innermost first, a line each. Context: the process may allocate and read files. */
void cz__last_words_write(int fd, int wait_status, char *out, size_t bytes);

#endif
