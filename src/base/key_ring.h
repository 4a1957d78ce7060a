/* base/key_ring.h: keys of a setting, "NAME:BASE64,NAME:BASE64": the first is for what is made now, all of them for what was
 * made before, so that keys can be changed without a pause. */
#ifndef CZ_BASE_KEY_RING_H
#define CZ_BASE_KEY_RING_H

#include <calzone/status.h>
#include <calzone/str.h>

enum { CZ__KEYS_MAX = 16, CZ__KEY_NAME_MAX = 20, CZ__KEY_BYTES = 32 };

struct cz__key {
    char name[CZ__KEY_NAME_MAX + 1];
    unsigned char bytes[CZ__KEY_BYTES];
};
struct cz__key_ring {
    struct cz__key keys[CZ__KEYS_MAX];
    size_t count;
};

/* Take the keys of `setting`, 32 bytes each; an empty text: none. What the ring had is overwritten. Errors: CZ_EVALIDATION,
 * which never repeats a key, and CZ_ENOMEM: the ring is empty. Context: start-up. */
CZ_NODISCARD cz_status cz__key_ring_read(struct cz__key_ring *ring, const char *setting,
                                         cz_str text, cz_error *err);
/* NULL: there is none of that name. */
const struct cz__key *cz__key_ring_find(const struct cz__key_ring *ring, cz_str name);
/* Whether a text is one that keys may be called: 1 to CZ__KEY_NAME_MAX letters, digits, - and _. */
bool cz__key_name_is_valid(cz_str name);

#endif
