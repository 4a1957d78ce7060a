/* runtime/shared_memory.h: memory that all workers of a site share, and all of its generations (generation.h).
 *
 * It has a name that says its layout, "throttles 1 32768": a generation whose layout is another begins with memory of its own. What
 * lies in it may hold no pointer, and has to outlive whoever dies in the middle of a change. */
#ifndef CZ_RUNTIME_SHARED_MEMORY_H
#define CZ_RUNTIME_SHARED_MEMORY_H

#include <calzone/status.h>

/* Map `bytes` of it, what the generation before left by this name, or zeroes: `*out_fresh`. Left to the next generation as long as
 * this process lives. Ended by munmap(). Errors: CZ_ENOMEM, CZ_EINVAL: the name is too long. Context: at the start, before workers are
 * forked. */
CZ_NODISCARD cz_status cz__shared_memory_open(const char *name, size_t bytes, void **out,
                                              bool *out_fresh);

#endif
