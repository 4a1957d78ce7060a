#include "base/key_ring.h"
#include <calzone/base64.h>
#include <calzone/memory.h>
#include <string.h>

bool cz__key_name_is_valid(cz_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= CZ__KEY_NAME_MAX;
}

const struct cz__key *cz__key_ring_find(const struct cz__key_ring *ring, cz_str name)
{
    for (size_t i = 0; i < ring->count; i++)
        if (cz_str_eq(cz_str_from(ring->keys[i].name), name))
            return &ring->keys[i];
    return NULL;
}

static cz_status read_key(struct cz__key_ring *ring, const char *setting, cz_arena *arena,
                          cz_str item, cz_error *err)
{
    bool named =
        cz_str_find_char(item, ':') != SIZE_MAX; /* else it is a key, which nobody may read */
    cz_str name = cz_str_trim(cz_str_cut(&item, ':')), text = cz_str_trim(item);
    cz_bytes bytes;
    if (!named || !cz__key_name_is_valid(name))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: key %zu has no name: write NAME:KEY, the name "
                            "of 1 to %d letters, digits, - and _",
                            setting, ring->count + 1, CZ__KEY_NAME_MAX);
    if (cz_base64_read(arena, text, &bytes) || bytes.len != CZ__KEY_BYTES)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: the key \"%.*s\" is not 32 bytes in base64, as "
                            "`openssl rand -base64 32` prints them",
                            setting, CZ_STR_ARG(name));
    if (cz__key_ring_find(ring, name))
        return cz_error_set(err, CZ_EVALIDATION, "%s: two keys are called \"%.*s\"", setting,
                            CZ_STR_ARG(name));
    if (ring->count == CZ__KEYS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "%s: more than %d keys", setting, CZ__KEYS_MAX);
    struct cz__key *key = &ring->keys[ring->count++];
    memcpy(key->name, name.ptr, name.len);
    key->name[name.len] = '\0';
    memcpy(key->bytes, bytes.ptr, sizeof key->bytes);
    return CZ_OK;
}

cz_status cz__key_ring_read(struct cz__key_ring *ring, const char *setting, cz_str text,
                            cz_error *err)
{
    cz_arena *arena;
    explicit_bzero(ring, sizeof *ring);
    if (!cz_str_trim(text).len)
        return CZ_OK;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for %s", setting);
    cz_status status = CZ_OK;
    while (!status && text.len)
        status = read_key(ring, setting, arena, cz_str_cut(&text, ','), err);
    cz_arena_destroy(arena);
    if (status)
        ring->count = 0;
    return status;
}
