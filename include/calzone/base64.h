/* calzone/base64.h: bytes as text, RFC 4648 section 4. */
#ifndef CALZONE_BASE64_H
#define CALZONE_BASE64_H

#include <calzone/memory.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes that `bytes` of data become, padding included. */
#define CZ_BASE64_TEXT(bytes) (((bytes) + 2) / 3 * 4)

/* Write `len` bytes as CZ_BASE64_TEXT(len) characters, without NUL; returns that number. */
size_t cz_base64_write(char *out, const void *bytes, size_t len);
/* Decode into the arena. The text is padded and of the standard alphabet, without line breaks, and the bits
 * that stand for nothing are zero, so that one value has one text. Errors: CZ_EVALIDATION, CZ_ENOMEM. */
CZ_NODISCARD cz_status cz_base64_read(cz_arena *arena, cz_str text, cz_bytes *out);

#ifdef __cplusplus
}
#endif
#endif
