/*     request  = id (8 bytes) scheme (2) key (1) zeros (5) signed
 *     signed   = 64 spaces, "TLS 1.3, server CertificateVerify", NUL, hash (32 or 48)     RFC 8446, 4.4.3
 *              | client's random (32) server's random (32) 3 curve (2) length (1) point   RFC 8422, 5.4
 *     answer   = id (8) signature (none: refused)
 *
 * Numbers are the machine's, but for the curve: both sides are one program. No bytes are signed of both forms, as the lengths
 * differ. */
#include "http/tls_signing.h"

enum { RANDOMS = 64, ZEROS = 5, NAMED_CURVE = 3 };

static const struct cz__scheme schemes[] = {
    { 0x0403, false, false, "EC", "SHA256" },  { 0x0503, false, false, "EC", "SHA384" },
    { 0x0603, false, false, "EC", "SHA512" },  { 0x0804, false, true, "RSA", "SHA256" },
    { 0x0805, false, true, "RSA", "SHA384" },  { 0x0806, false, true, "RSA", "SHA512" },
    { 0x0807, false, false, "ED25519", NULL }, { 0x0401, true, false, "RSA", "SHA256" },
    { 0x0501, true, false, "RSA", "SHA384" },  { 0x0601, true, false, "RSA", "SHA512" },
};

const struct cz__scheme *cz__scheme_numbered(uint16_t number)
{
    for (size_t i = 0; i < CZ_COUNT(schemes); i++)
        if (schemes[i].number == number)
            return &schemes[i];
    return NULL;
}

static bool is_digest(const struct cz__scheme *scheme, const char *name)
{
    cz_str digits = cz_str_from(name ? name : "");
    if (!scheme->digest)
        return !digits.len;
    if (cz_str_starts_with(digits, CZ_STR("SHA2-")))
        digits = cz_str_tail(digits, strlen("SHA2-"));
    else if (cz_str_starts_with(digits, CZ_STR("SHA")))
        digits = cz_str_tail(digits, strlen("SHA"));
    return cz_str_eq(digits, cz_str_from(scheme->digest + strlen("SHA")));
}

const struct cz__scheme *cz__scheme_of(const char *type, const char *digest, bool pss)
{
    for (size_t i = 0; i < CZ_COUNT(schemes); i++)
        if (strcmp(schemes[i].type, type) == 0 && schemes[i].pss == pss &&
            is_digest(&schemes[i], digest))
            return &schemes[i];
    return NULL;
}

/* ---- what a server signs ---- */

static bool is_tls13(cz_str bytes)
{
    static const char before[] = "                                                                "
                                 "TLS 1.3, server CertificateVerify"; /* with its NUL */
    _Static_assert(sizeof before == 64 + 33 + 1, "as the RFC has it");
    return (bytes.len == sizeof before + 32 || bytes.len == sizeof before + 48) &&
           memcmp(bytes.ptr, before, sizeof before) == 0;
}

static bool is_tls12(cz_str bytes)
{
    static const struct {
        unsigned char curve, point_bytes;
    } points[] = { { 23, 65 }, { 24, 97 }, { 29, 32 } }; /* P-256, P-384, X25519 */
    const unsigned char *head = (const unsigned char *)bytes.ptr + RANDOMS;
    for (size_t i = 0; i < CZ_COUNT(points); i++)
        if (bytes.len == RANDOMS + 4u + points[i].point_bytes)
            return head[0] == NAMED_CURVE && !head[1] && head[2] == points[i].curve &&
                   head[3] == points[i].point_bytes;
    return false;
}

cz_status cz__signing_read(cz_str message, struct cz__signing *out)
{
    static const char zeros[ZEROS];
    struct cz__signing signing = { 0 };
    uint16_t number;
    if (message.len <= CZ__SIGNING_HEAD || message.len > CZ__SIGNING_MAX)
        return CZ_EPROTOCOL;
    memcpy(&signing.id, message.ptr, 8);
    memcpy(&number, message.ptr + 8, 2);
    signing.key = (unsigned char)message.ptr[10];
    signing.scheme = cz__scheme_numbered(number);
    signing.bytes = cz_str_tail(message, CZ__SIGNING_HEAD);
    if (!signing.id || !signing.scheme || memcmp(message.ptr + 11, zeros, ZEROS) != 0)
        return CZ_EPROTOCOL;
    if (!is_tls12(signing.bytes) && (signing.scheme->tls12_alone || !is_tls13(signing.bytes)))
        return CZ_EPROTOCOL;
    *out = signing;
    return CZ_OK;
}

size_t cz__signing_write(const struct cz__signing *signing, unsigned char out[CZ__SIGNING_MAX])
{
    cz_assert(signing->bytes.len <= CZ__SIGNED_MAX);
    memset(out, 0, CZ__SIGNING_HEAD);
    memcpy(out, &signing->id, 8);
    memcpy(out + 8, &signing->scheme->number, 2);
    out[10] = (unsigned char)signing->key;
    memcpy(out + CZ__SIGNING_HEAD, signing->bytes.ptr, signing->bytes.len);
    return CZ__SIGNING_HEAD + signing->bytes.len;
}
