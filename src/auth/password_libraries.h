/* Private to src/auth: libargon2 and libcrypt, loaded when a password needs them. Any thread. */
#ifndef CZ_AUTH_PASSWORD_LIBRARIES_H
#define CZ_AUTH_PASSWORD_LIBRARIES_H

#include <calzone/status.h>
#include <calzone/str.h>

struct cz__argon2_cost {
    uint32_t passes, memory_kib, lanes, tag_bytes;
};
/* The hash in libargon2's form, "$argon2id$v=19$m=...", NUL-terminated, to `out`. Errors: CZ_EUNSUPPORTED; CZ_ENOMEM;
 * CZ_EINVAL: parameters that cannot be. */
CZ_NODISCARD cz_status cz__argon2_hash(const struct cz__argon2_cost *cost, cz_str password,
                                       cz_str salt, char *out, size_t out_bytes, cz_error *err);
/* `encoded` is NUL-terminated and in that form; what is not has no password that matches. */
CZ_NODISCARD cz_status cz__argon2_verify(const char *encoded, cz_str password, bool *out_matches,
                                         cz_error *err);
/* The same of "$2b$12$..."; both are NUL-terminated. */
CZ_NODISCARD cz_status cz__bcrypt_verify(const char *encoded, const char *password,
                                         bool *out_matches, cz_error *err);

#endif
