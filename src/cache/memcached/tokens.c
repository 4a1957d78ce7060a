/* Keys as memcached takes them: no blanks, 250 bytes. Others are escaped as in a URL, and those that are then too long hashed;
 * "#:" and a hash is no key of ours, which has two colons. */
#include "base/crypto.h"
#include "cache/memcached/memcached_internal.h"

static const char digits[] = "0123456789abcdef";

static char *put_hex(char *at, unsigned char byte)
{
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

static bool is_plain(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && c != '%';
}

static cz_status hash(char *out, cz_str key, size_t *out_len)
{
    *out++ = '#';
    *out++ = ':';
    *out_len = 2 + CZ__SHA256_HEX;
    return cz__sha256_hex(key, out, NULL);
}

cz_status cz__mc_token(cz_arena *arena, cz_str key, cz_str *out)
{
    size_t len = key.len;
    for (size_t i = 0; i < key.len; i++)
        len += is_plain(key.ptr[i]) ? 0 : 2;
    char *token = cz_arena_alloc(arena, CZ__MC_TOKEN_BYTES_MAX), *at = token;
    if (!token)
        return CZ_ENOMEM;
    cz_status status = CZ_OK;
    if (len > CZ__MC_TOKEN_BYTES_MAX) {
        status = hash(token, key, &len);
    } else {
        for (size_t i = 0; i < key.len; i++) {
            if (is_plain(key.ptr[i])) {
                *at++ = key.ptr[i];
            } else {
                *at++ = '%';
                at = put_hex(at, (unsigned char)key.ptr[i]);
            }
        }
    }
    *out = cz_str_of(token, len);
    return status;
}
