/* calzone/random.h: random bytes and UUIDs.
 *
 * All randomness comes from getrandom(2), read in blocks of 256 bytes and used once. A fork drops the
 * block, so two processes never share it.
 */
#ifndef CALZONE_RANDOM_H
#define CALZONE_RANDOM_H

#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fill `out`. Never fails: a kernel without random numbers ends the process. Context: any thread. */
void cz_random_bytes(void *out, size_t bytes);
uint64_t cz_random_u64(void);

/* A universally unique identifier (RFC 9562), in network byte order. A zeroed one is the nil UUID. */
typedef struct cz_uuid {
    uint8_t bytes[16];
} cz_uuid;

typedef struct cz_uuid_list {
    const cz_uuid *items;
    size_t count;
} cz_uuid_list;

enum { CZ_UUID_TEXT = 36 }; /* bytes of the text form, without NUL */

/* A random UUID: version 4; version 7 begins with the time in milliseconds and sorts by it, also within
 * one millisecond of one process (RFC 9562, 6.2, method 1). */
cz_uuid cz_uuid_v4(void);
cz_uuid cz_uuid_v7(void);
/* Read the 36-byte form, in either case. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz_uuid_parse(cz_str text, cz_uuid *out);
/* Write the 36-byte lower-case form at `out`; no NUL. */
void cz_uuid_write(char *out, cz_uuid uuid);
static inline bool cz_uuid_eq(cz_uuid a, cz_uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

#ifdef __cplusplus
}
#endif
#endif
