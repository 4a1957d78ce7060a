/* Tokens in compact form, HEADER.PAYLOAD.SIGNATURE in base64url. The signature is verified over the text as it came, before
 * anything of the payload is read. */
#include <calzone/base64.h>
#include <calzone/jwt.h>
#include <calzone/log.h>
#include <calzone/random.h>
#include <calzone/time.h>
#include "auth/jwt_internal.h"
#include "base/crypto.h"
#include "base/key_ring.h"

static struct cz__key_ring ring; /* written at start-up alone */

cz_status cz__jwt_configure(cz_str keys, bool make_one, cz_error *err)
{
    cz_status status = cz__key_ring_read(&ring, "JWT_KEYS", keys, err);
    if (status)
        return status;
    if (!ring.count && make_one) {
        ring.count = 1;
        memcpy(ring.keys[0].name, "start", sizeof "start");
        cz_random_bytes(ring.keys[0].bytes, sizeof ring.keys[0].bytes);
        return CZ_OK; /* the library is loaded when a token is signed */
    }
    return ring.count ? cz__crypto_load(err) : CZ_OK;
}

/* ---- base64url (RFC 4648, 5), without padding ---- */

static void append_base64url(cz_ctx *ctx, cz_buf *out, const void *bytes, size_t len)
{
    char *text = cz_alloc(ctx, CZ_BASE64_TEXT(len) + 1);
    size_t written = cz_base64_write(text, bytes, len);
    for (size_t i = 0; i < written && text[i] != '='; i++)
        cz_buf_append_char(out, text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
}

/* False: it is none. One value has one text, as in cz_base64_read(). */
static bool read_base64url(cz_ctx *ctx, cz_str text, cz_str *out)
{
    size_t padded = (text.len + 3) / 4 * 4;
    char *standard = cz_alloc(ctx, padded + 1);
    cz_bytes bytes;
    for (size_t i = 0; i < padded; i++) {
        char c = i < text.len ? text.ptr[i] : '=';
        if (i < text.len && (c == '+' || c == '/' || c == '='))
            return false;
        standard[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (cz_base64_read(ctx->arena, cz_str_of(standard, padded), &bytes))
        return false;
    *out = cz_str_of((const char *)bytes.ptr, bytes.len);
    return true;
}

/* ---- the signature ---- */

static void sign(cz_ctx *ctx, const struct cz__key *key, cz_str text, unsigned char out[CZ__SHA256])
{
    cz_error err;
    if (cz__hmac_sha256(cz_str_of((const char *)key->bytes, sizeof key->bytes), text, out, &err))
        cz_raise_error(ctx, &err);
}

/* The object that a text is, with no member twice: readers that differ on which one counts could be played off against each
 * other. */
static const cz_json_value *read_object(cz_ctx *ctx, cz_str text)
{
    const cz_json_value *value = NULL;
    cz_error err;
    if (cz_json_parse(ctx->arena, text, NULL, &value, &err) || value->kind != CZ_JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < value->count; i++)
        for (size_t other = 0; other < i; other++)
            if (cz_str_eq(value->keys[i], value->keys[other]))
                return NULL;
    return value;
}

/* The text of a member that must be one; empty: it is not there, or no text. */
static cz_str text_of(const cz_json_value *object, const char *name)
{
    const cz_json_value *value = cz_json_get(object, cz_str_from(name));
    return value && value->kind == CZ_JSON_STR ? value->as.text : CZ_STR("");
}

/* The key that a header names, if there is nothing else in it to be wary of. */
static const struct cz__key *key_named(cz_ctx *ctx, const struct cz__key_ring *keys, cz_str encoded,
                                       const char **out_why)
{
    cz_str text = CZ_STR("");
    const cz_json_value *header =
        read_base64url(ctx, encoded, &text) ? read_object(ctx, text) : NULL;
    *out_why = "its header is malformed";
    if (!header)
        return NULL;
    *out_why = "it is not signed by HS256";
    if (!cz_str_eq(text_of(header, "alg"), CZ_STR("HS256")))
        return NULL;
    *out_why = "it has extensions that must be understood";
    if (cz_json_get(header, CZ_STR("crit")) || cz_json_get(header, CZ_STR("b64")))
        return NULL;
    *out_why = "it is of another type";
    if (cz_json_get(header, CZ_STR("typ")) &&
        !cz_str_eq_icase(text_of(header, "typ"), CZ_STR("JWT")))
        return NULL;
    *out_why = "its key is not among JWT_KEYS";
    return cz__key_ring_find(keys, text_of(header, "kid"));
}

bool cz__jws_verify(cz_ctx *ctx, const struct cz__key_ring *keys, cz_str token, cz_str *out_payload,
                    const char **out_why)
{
    cz_str rest = token, header = cz_str_cut(&rest, '.'), payload = cz_str_cut(&rest, '.'), given;
    unsigned char made[CZ__SHA256];
    *out_why = "it has not three parts";
    if (token.len > CZ_JWT_BYTES_MAX || cz_str_count(token, '.') != 2)
        return false;
    const struct cz__key *key = key_named(ctx, keys, header, out_why);
    if (!key)
        return false;
    *out_why = "it is not signed by its key";
    sign(ctx, key, cz_str_head(token, header.len + 1 + payload.len), made);
    if (!read_base64url(ctx, rest, &given) || given.len != sizeof made ||
        !cz__bytes_equal(given.ptr, made, sizeof made))
        return false;
    *out_why = "its payload is malformed";
    return read_base64url(ctx, payload, out_payload);
}

/* ---- claims ---- */

static int64_t now_s(void)
{
    return cz_now().us / 1000000;
}

/* A number of seconds. False: it is there and is none. */
static bool read_time(const cz_json_value *claims, const char *name, int64_t absent, int64_t *out)
{
    const cz_json_value *value = cz_json_get(claims, cz_str_from(name));
    *out = absent;
    if (!value)
        return true;
    if (value->kind == CZ_JSON_INT)
        *out = value->as.integer;
    else if (value->kind == CZ_JSON_REAL && value->as.real > -9e15 && value->as.real < 9e15)
        *out = (int64_t)value->as.real;
    else
        return false;
    return true;
}

/* What is wrong with the claims; NULL: nothing. */
static const char *read_claims(const cz_json_value *claims, cz_str type, cz_jwt *out)
{
    int64_t not_before;
    if (!read_time(claims, "exp", INT64_MIN, &out->expires_at) ||
        !read_time(claims, "iat", INT64_MIN, &out->issued_at) ||
        !read_time(claims, "nbf", INT64_MIN, &not_before))
        return "a time in it is no number";
    if (out->expires_at == INT64_MIN)
        return "it has no end";
    if (now_s() >= out->expires_at)
        return "its time is over";
    if (not_before > now_s() + CZ_JWT_LEEWAY_S || out->issued_at > now_s() + CZ_JWT_LEEWAY_S)
        return "its time has not begun";
    out->type = text_of(claims, "token_type");
    out->subject = text_of(claims, "sub");
    out->id = text_of(claims, "jti");
    out->claims = claims;
    return cz_str_eq(out->type, type) ? NULL : "it is for something else";
}

bool cz_jwt_verify(cz_ctx *ctx, cz_str token, cz_str type, cz_jwt *out)
{
    const char *why;
    cz_str payload = CZ_STR("");
    *out = (cz_jwt){ 0 };
    if (cz__jws_verify(ctx, &ring, token, &payload, &why)) {
        const cz_json_value *claims = read_object(ctx, payload);
        why = claims ? read_claims(claims, type, out) : "its payload is no object";
    }
    if (why)
        cz_log_debug(ctx, "calzone.auth", "a token was refused",
                     CZ_FIELD_STR("why", cz_str_from(why)));
    return !why;
}

static void write_text(cz_json_writer *json, const char *name, cz_str text)
{
    if (!text.len)
        return;
    cz_json_key(json, cz_str_from(name));
    cz_json_str(json, text);
}

static void write_claims(cz_ctx *ctx, const cz_jwt *jwt, int64_t life_s, cz_buf *out)
{
    cz_json_writer json;
    cz_str id = jwt->id.len ? jwt->id
                            : cz_format(ctx, "%016llx%016llx", (unsigned long long)cz_random_u64(),
                                        (unsigned long long)cz_random_u64());
    cz_json_writer_init(&json, out);
    cz_json_object(&json);
    write_text(&json, "sub", jwt->subject);
    write_text(&json, "token_type", jwt->type);
    write_text(&json, "jti", id);
    cz_json_key(&json, CZ_STR("iat"));
    cz_json_i64(&json, now_s());
    cz_json_key(&json, CZ_STR("exp"));
    cz_json_i64(&json, now_s() + life_s);
    if (jwt->more.len)
        cz_buf_printf(out, ",%.*s", CZ_STR_ARG(jwt->more));
    cz_json_object_end(&json);
    cz_check(ctx, cz_buf_status(out));
}

cz_str cz_jwt_sign(cz_ctx *ctx, const cz_jwt *jwt, int64_t life_s)
{
    const struct cz__key *key = &ring.keys[0];
    cz_buf *token = cz_scratch(ctx), *claims = cz_scratch(ctx);
    unsigned char signature[CZ__SHA256];
    if (!ring.count)
        cz_raise(ctx, CZ_EINVAL, "a token is to be signed, and JWT_KEYS names no key");
    if (life_s <= 0)
        cz_raise(ctx, CZ_EINVAL, "a token lasts longer than no time");
    cz_str header = cz_format(ctx, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", key->name);
    write_claims(ctx, jwt, life_s, claims);
    append_base64url(ctx, token, header.ptr, header.len);
    cz_buf_append_char(token, '.');
    append_base64url(ctx, token, claims->ptr, claims->len);
    cz_check(ctx, cz_buf_status(token));
    sign(ctx, key, cz_buf_str(token), signature);
    cz_buf_append_char(token, '.');
    append_base64url(ctx, token, signature, sizeof signature);
    cz_check(ctx, cz_buf_status(token));
    return cz_buf_str(token);
}
