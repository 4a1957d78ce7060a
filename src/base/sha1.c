#include "base/sha1.h"

enum { BLOCK = 64, LENGTH_AT = 56 };

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static uint32_t choose(unsigned t, const uint32_t h[5])
{
    if (t < 20)
        return ((h[1] & h[2]) | (~h[1] & h[3])) + 0x5a827999;
    if (t < 40)
        return (h[1] ^ h[2] ^ h[3]) + 0x6ed9eba1;
    if (t < 60)
        return ((h[1] & h[2]) | (h[1] & h[3]) | (h[2] & h[3])) + 0x8f1bbcdc;
    return (h[1] ^ h[2] ^ h[3]) + 0xca62c1d6;
}

/* One block of 64 bytes (RFC 3174, 6.1). */
static void add_block(uint32_t hash[5], const unsigned char *block)
{
    uint32_t w[80], h[5];
    for (unsigned t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    memcpy(h, hash, sizeof h);
    for (unsigned t = 0; t < 80; t++) {
        uint32_t next = rotate(h[0], 5) + choose(t, h) + h[4] + w[t];
        h[4] = h[3];
        h[3] = h[2];
        h[2] = rotate(h[1], 30);
        h[1] = h[0];
        h[0] = next;
    }
    for (unsigned i = 0; i < 5; i++)
        hash[i] += h[i];
}

void cz__sha1(cz_str text, unsigned char out[CZ__SHA1])
{
    uint32_t hash[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    const uint64_t bits = (uint64_t)text.len * 8;
    for (; text.len >= BLOCK; text = cz_str_tail(text, BLOCK))
        add_block(hash, (const unsigned char *)text.ptr);
    unsigned char last[2 * BLOCK] = {
        0
    }; /* what is left, a one, zeros, the length (RFC 3174, 4) */
    size_t blocks = text.len < LENGTH_AT ? 1 : 2;
    if (text.len)
        memcpy(last, text.ptr, text.len);
    last[text.len] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        last[blocks * BLOCK - 1 - i] = (unsigned char)(bits >> (8 * i));
    for (size_t i = 0; i < blocks; i++)
        add_block(hash, last + i * BLOCK);
    for (unsigned i = 0; i < CZ__SHA1; i++)
        out[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
