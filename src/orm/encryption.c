#include "orm/encryption.h"
#include "base/crypto.h"
#include <calzone/base64.h>
#include <calzone/buf.h>

#define VERSION "v1:"

struct key {
    char name[CZ__FIELD_KEY_NAME_MAX + 1];
    unsigned char bytes[CZ__AEAD_KEY];
};

static struct key keys[CZ__FIELD_KEYS_MAX]; /* written at start-up alone */
static size_t key_count;

size_t cz__field_keys_count(void)
{
    return key_count;
}

/* ---- the setting ---- */

static bool is_name(cz_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= CZ__FIELD_KEY_NAME_MAX;
}

static const struct key *find_key(cz_str name)
{
    for (size_t i = 0; i < key_count; i++)
        if (cz_str_eq(cz_str_from(keys[i].name), name))
            return &keys[i];
    return NULL;
}

static cz_status read_key(cz_arena *arena, cz_str item, cz_error *err)
{
    cz_str name = cz_str_trim(cz_str_cut(&item, ':')), text = cz_str_trim(item);
    cz_bytes bytes;
    if (!is_name(name))
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: key %zu has no name: write NAME:KEY, the name "
                            "of 1 to %d letters, digits, - and _",
                            key_count + 1, CZ__FIELD_KEY_NAME_MAX);
    if (cz_base64_read(arena, text, &bytes) || bytes.len != CZ__AEAD_KEY)
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: the key \"%.*s\" is not 32 bytes in base64, as "
                            "`openssl rand -base64 32` prints them",
                            CZ_STR_ARG(name));
    if (find_key(name))
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: two keys are called \"%.*s\"",
                            CZ_STR_ARG(name));
    if (key_count == CZ__FIELD_KEYS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "FIELD_ENCRYPTION_KEYS: more than %d keys",
                            CZ__FIELD_KEYS_MAX);
    struct key *key = &keys[key_count++];
    memcpy(key->name, name.ptr, name.len);
    key->name[name.len] = '\0';
    memcpy(key->bytes, bytes.ptr, sizeof key->bytes);
    return CZ_OK;
}

cz_status cz__field_keys_set(cz_str text, cz_error *err)
{
    cz_arena *arena;
    key_count = 0;
    explicit_bzero(keys, sizeof keys);
    if (!cz_str_trim(text).len)
        return CZ_OK;
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for FIELD_ENCRYPTION_KEYS");
    while (!status && text.len)
        status = read_key(arena, cz_str_cut(&text, ','), err);
    cz_arena_destroy(arena);
    if (status)
        key_count = 0;
    return status;
}

/* ---- values ---- */

/* "v1:KEY:", then what was sealed. */
static char *write_stored(cz_arena *arena, const char *name, const cz_buf *sealed, size_t *out_len)
{
    size_t prefix = strlen(VERSION) + strlen(name) + 1;
    char *text = cz_arena_alloc(arena, prefix + CZ_BASE64_TEXT(sealed->len) + 1);
    if (!text)
        return NULL;
    memcpy(text, VERSION, strlen(VERSION));
    memcpy(text + strlen(VERSION), name, strlen(name));
    text[prefix - 1] = ':';
    *out_len = prefix + cz_base64_write(text + prefix, sealed->ptr, sealed->len);
    text[*out_len] = '\0';
    return text;
}

cz_status cz__field_encrypt(cz_arena *arena, cz_str plain, cz_str *out, cz_error *err)
{
    if (!key_count)
        return cz_error_set(err, CZ_EINVAL,
                            "an encrypted field, and FIELD_ENCRYPTION_KEYS names no key");
    cz_buf sealed = { 0 };
    cz_status status = cz__aead_seal(keys[0].bytes, plain, &sealed, err);
    size_t len = 0;
    char *text = status ? NULL : write_stored(arena, keys[0].name, &sealed, &len);
    cz_buf_done(&sealed);
    if (!status && !text)
        status = cz_error_set(err, CZ_ENOMEM, "no memory to encrypt");
    if (!status)
        *out = cz_str_of(text, len);
    return status;
}

/* The name of the key a stored text is encrypted with, and what follows it; false when it is no such text. */
static bool split(cz_str stored, cz_str *out_name, cz_str *out_text)
{
    if (!cz_str_starts_with(stored, CZ_STR(VERSION)))
        return false;
    *out_text = cz_str_tail(stored, strlen(VERSION));
    *out_name = cz_str_cut(out_text, ':');
    return is_name(*out_name);
}

bool cz__field_is_current(cz_str stored)
{
    cz_str name, text;
    return split(stored, &name, &text) && key_count && cz_str_eq(name, cz_str_from(keys[0].name));
}

cz_status cz__field_decrypt(cz_arena *arena, cz_str stored, cz_str *out, cz_error *err)
{
    cz_str name, text;
    cz_bytes sealed;
    if (!split(stored, &name, &text))
        return cz_error_set(err, CZ_EDATABASE, "a value of an encrypted field is not encrypted");
    const struct key *key = find_key(name);
    if (!key)
        return cz_error_set(err, CZ_EDATABASE,
                            "a value is encrypted with the key \"%.*s\", which "
                            "FIELD_ENCRYPTION_KEYS does not name",
                            CZ_STR_ARG(name));
    cz_status status = cz_base64_read(arena, text, &sealed);
    if (status == CZ_ENOMEM)
        return cz_error_set(err, CZ_ENOMEM, "no memory to decrypt");
    char *plain = cz_arena_alloc(arena, status ? 1 : sealed.len + 1);
    if (!plain)
        return cz_error_set(err, CZ_ENOMEM, "no memory to decrypt");
    if (!status)
        status =
            cz__aead_open(key->bytes, cz_str_of((const char *)sealed.ptr, sealed.len), plain, err);
    if (status)
        return cz_error_set(err, CZ_EDATABASE,
                            "a value encrypted with the key \"%s\" was changed, or the key is "
                            "another of that name",
                            key->name);
    *out = cz_str_of(plain, sealed.len - CZ__AEAD_OVERHEAD);
    plain[out->len] = '\0';
    return CZ_OK;
}
