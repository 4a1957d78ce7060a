/* orm/encryption.h: the values of encrypted fields.
 *
 * A value is stored as text, "v1:KEY:BASE64": the name of the key it is encrypted with, and what cz__aead_seal()
 * made of it. The first key of FIELD_ENCRYPTION_KEYS encrypts, all of them decrypt.
 */
#ifndef CZ_ORM_ENCRYPTION_H
#define CZ_ORM_ENCRYPTION_H

#include <calzone/memory.h>
#include <calzone/status.h>
#include <calzone/str.h>

/* Take the keys from a setting, "NAME:BASE64,...", 32 bytes each; empty: none. Errors: CZ_EVALIDATION, which never
 * repeats a key; CZ_EUNSUPPORTED: no libcrypto. Context: start-up. */
CZ_NODISCARD cz_status cz__field_keys_set(cz_str text, cz_error *err);
size_t cz__field_keys_count(void);

/* Errors: CZ_EINVAL: there are no keys; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__field_encrypt(cz_arena *arena, cz_str plain, cz_str *out, cz_error *err);
/* Errors: CZ_EDATABASE: the key is not among those there are, or the text was changed; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__field_decrypt(cz_arena *arena, cz_str stored, cz_str *out,
                                         cz_error *err);

#endif
