#include <calzone/random.h>
#include <calzone/time.h>
#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

static _Thread_local uint8_t block[256];
static _Thread_local size_t block_left;

static void drop_block(void)
{
    explicit_bzero(block, sizeof block);
    block_left = 0;
}

__attribute__((constructor)) static void drop_block_in_children(void)
{
    cz_ignore(pthread_atfork(NULL, NULL, drop_block)); /* fails only without memory at start-up */
}

static void fill(void *out, size_t bytes)
{
    uint8_t *at = out;
    while (bytes) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0) {
            cz_assert(errno == EINTR); /* a kernel without getrandom(): nothing safe can be done */
            continue;
        }
        at += got;
        bytes -= (size_t)got;
    }
}

void cz_random_bytes(void *out, size_t bytes)
{
    if (bytes > sizeof block / 2) {
        fill(out, bytes);
        return;
    }
    if (block_left < bytes) {
        fill(block, sizeof block);
        block_left = sizeof block;
    }
    block_left -= bytes;
    memcpy(out, block + block_left, bytes);
    explicit_bzero(block + block_left, bytes); /* used once */
}

uint64_t cz_random_u64(void)
{
    uint64_t value;
    cz_random_bytes(&value, sizeof value);
    return value;
}

static void stamp(cz_uuid *uuid, uint8_t version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | (version << 4));
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

cz_uuid cz_uuid_v4(void)
{
    cz_uuid uuid;
    cz_random_bytes(uuid.bytes, sizeof uuid.bytes);
    stamp(&uuid, 4);
    return uuid;
}

cz_uuid cz_uuid_v7(void)
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local uint16_t counter; /* 12 bits, RFC 9562, 6.2, method 1 */
    int64_t now_us = cz_now().us;
    uint64_t ms = now_us > 0 ? (uint64_t)now_us / 1000 : 0;
    if (ms > last_ms) {
        last_ms = ms;
        counter = (uint16_t)(cz_random_u64() & 0x7ff); /* leaves half the range to count in */
    } else if (++counter > 0xfff) {
        last_ms++;
        counter = 0;
    }
    cz_uuid uuid;
    cz_random_bytes(uuid.bytes + 8, 8);
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(last_ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(counter >> 8);
    uuid.bytes[7] = (uint8_t)counter;
    stamp(&uuid, 7);
    return uuid;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

cz_status cz_uuid_parse(cz_str text, cz_uuid *out)
{
    if (text.len != CZ_UUID_TEXT)
        return CZ_EVALIDATION;
    cz_uuid uuid;
    size_t byte = 0;
    for (size_t i = 0; i < text.len;) {
        if (is_dash_place(i)) {
            if (text.ptr[i++] != '-')
                return CZ_EVALIDATION;
            continue;
        }
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return CZ_EVALIDATION;
        uuid.bytes[byte++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *out = uuid;
    return CZ_OK;
}

void cz_uuid_write(char *out, cz_uuid uuid)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid.bytes[i] >> 4];
        *out++ = digits[uuid.bytes[i] & 15];
    }
}
