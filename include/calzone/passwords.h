/* calzone/passwords.h: passwords as they are stored.
 *
 *     cz_set(ctx, user, password, cz_password_hash(ctx, password));
 *     ...
 *     bool outdated;
 *     if (!cz_password_verify(ctx, password, user ? user->password : CZ_STR(""), &outdated))
 *         cz_raise(ctx, CZ_EUNAUTHENTICATED, "No such user, or another password.");
 *
 * New ones are Argon2id (RFC 9106) with 64 MiB, three passes and one lane, the setting PASSWORD_HASH_MEMORY, in the form of Django's
 * Argon2PasswordHasher. Those of Django are verified as they are: argon2, pbkdf2_sha256, pbkdf2_sha1, bcrypt_sha256 and bcrypt.
 * They are computed on threads of the pool, so a login does not hold up other requests.
 */
#ifndef CALZONE_PASSWORDS_H
#define CALZONE_PASSWORDS_H

#include <calzone/context.h>
#include <calzone/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CZ_PASSWORD_BYTES_MAX = 4096, /* of a password; more is refused unread, as in Django */
    CZ_PASSWORD_HASH_MAX = 255    /* of what is stored: .max_length of its field */
};

/* What to store for a password: "argon2$argon2id$v=19$m=65536,t=3,p=1$SALT$HASH", with a salt of the system's randomness. Owns: in
 * the arena. Raises: CZ_EVALIDATION: more than CZ_PASSWORD_BYTES_MAX bytes; CZ_EUNSUPPORTED: libargon2 is not there; CZ_EBUSY: too
 * many at once; CZ_ENOMEM. Context: fiber, suspends. */
cz_str cz_password_hash(cz_ctx *ctx, cz_str password);

/* Whether a password is the one that was stored. `out_outdated` (may be NULL) tells that it is and should be hashed anew: by
 * another algorithm, or with other parameters than are set. With an empty `stored`, or one that no password fits (Django's "!..."),
 * the answer is false after as much work as for a real one, so that nobody learns from the time which users there are. Raises as
 * above, and CZ_EUNSUPPORTED: the library that the stored one needs is not there. Context: fiber, suspends. */
CZ_NODISCARD bool cz_password_verify(cz_ctx *ctx, cz_str password, cz_str stored,
                                     bool *out_outdated);

/* Take PASSWORD_HASH_MEMORY. Context: start-up. */
void cz__passwords_configure(const cz_settings *settings);

#ifdef __cplusplus
}
#endif
#endif
