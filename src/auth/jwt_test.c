/* Tokens that are good, and what others have tried. */
#include <calzone/base64.h>
#include <calzone/jwt.h>
#include <calzone/testing.h>
#include <calzone/time.h>
#include "auth/jwt_internal.h"
#include "base/crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" and "oooo...". */
#define NEW_KEY "new:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define OLD_KEY "old:b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="

static void use_keys(const char *keys)
{
    cz_error err;
    CZ_REQUIRE_OK(cz__jwt_configure(cz_str_from(keys), false, &err));
}

static void with_ctx(void (*fn)(cz_ctx *ctx))
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    fn(&ctx);
    cz_ctx_done(&ctx);
}

static void check_round(cz_ctx *ctx)
{
    cz_jwt jwt;
    use_keys(NEW_KEY);
    cz_datetime now = { (int64_t)1700000000 * 1000000 };
    cz__time_freeze(now);
    cz_str token = cz_jwt_sign(ctx,
                               &(cz_jwt){ .subject = CZ_STR("7"),
                                          .type = CZ_STR("access"),
                                          .more = CZ_STR("\"scope\":\"read\"") },
                               300);
    CZ_REQUIRE(cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt));
    CZ_EXPECT_STR(jwt.subject, "7");
    CZ_EXPECT_STR(jwt.type, "access");
    CZ_EXPECT_EQ(jwt.id.len, 32);
    CZ_EXPECT_EQ(jwt.issued_at, 1700000000);
    CZ_EXPECT_EQ(jwt.expires_at, 1700000300);
    CZ_EXPECT_STR(cz_json_get(jwt.claims, CZ_STR("scope"))->as.text, "read");
    CZ_EXPECT(!cz_jwt_verify(ctx, token, CZ_STR("refresh"), &jwt));
    CZ_EXPECT(!cz_jwt_verify(ctx, token, CZ_STR(""), &jwt));
    now.us += (int64_t)300 * 1000000 - 1;
    cz__time_freeze(now);
    CZ_EXPECT(cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt));
    now.us++;
    cz__time_freeze(now);
    CZ_EXPECT(!cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt));
    now.us -= (int64_t)400 * 1000000; /* before it was made */
    cz__time_freeze(now);
    CZ_EXPECT(!cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt));
}

CZ_TEST(a_token_is_good_in_its_time_and_for_what_it_is)
{
    with_ctx(check_round);
}

static void check_rotation(cz_ctx *ctx)
{
    cz_jwt jwt;
    use_keys(OLD_KEY);
    cz_str old = cz_jwt_sign(ctx, &(cz_jwt){ .subject = CZ_STR("7") }, 300);
    use_keys(NEW_KEY "," OLD_KEY);
    cz_str made = cz_jwt_sign(ctx, &(cz_jwt){ .subject = CZ_STR("8") }, 300);
    CZ_EXPECT(cz_jwt_verify(ctx, old, CZ_STR(""), &jwt));
    CZ_EXPECT(cz_jwt_verify(ctx, made, CZ_STR(""), &jwt));
    use_keys(NEW_KEY);
    CZ_EXPECT(!cz_jwt_verify(ctx, old, CZ_STR(""), &jwt));
    CZ_EXPECT(cz_jwt_verify(ctx, made, CZ_STR(""), &jwt));
    use_keys("new:b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="); /* another of that name */
    CZ_EXPECT(!cz_jwt_verify(ctx, made, CZ_STR(""), &jwt));
}

CZ_TEST(keys_change_while_tokens_live)
{
    with_ctx(check_rotation);
}

static cz_str base64url(cz_ctx *ctx, const void *bytes, size_t len)
{
    char *text = cz_alloc(ctx, CZ_BASE64_TEXT(len) + 1);
    size_t written = cz_base64_write(text, bytes, len);
    while (written && text[written - 1] == '=')
        written--;
    for (size_t i = 0; i < written; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return cz_str_of(text, written);
}

/* Signed as it should be, by the key "new". */
static cz_str signed_by_us(cz_ctx *ctx, const char *header, const char *claims)
{
    unsigned char signature[CZ__SHA256];
    cz_error err;
    cz_str text = cz_format(ctx, "%.*s.%.*s", CZ_STR_ARG(base64url(ctx, header, strlen(header))),
                            CZ_STR_ARG(base64url(ctx, claims, strlen(claims))));
    CZ_REQUIRE_OK(
        cz__hmac_sha256(CZ_STR("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"), text, signature, &err));
    return cz_format(ctx, "%.*s.%.*s", CZ_STR_ARG(text),
                     CZ_STR_ARG(base64url(ctx, signature, sizeof signature)));
}

#define HEADER "{\"alg\":\"HS256\",\"kid\":\"new\"}"

static const struct {
    const char *header, *claims;
    bool good;
} cases[] = {
    { HEADER, "{\"exp\":1700000001}", true },
    { HEADER, "{\"exp\":1700000001.5}", true },
    { HEADER, "{\"exp\":1700000001,\"nbf\":1700000030,\"iat\":1700000030}", true },
    { "{\"typ\":\"jwt\",\"alg\":\"HS256\",\"kid\":\"new\"}", "{\"exp\":1700000001}", true },
    { HEADER, "{\"exp\":1700000000}", false },
    { HEADER, "{}", false },
    { HEADER, "{\"exp\":null}", false },
    { HEADER, "{\"exp\":\"1700000001\"}", false },
    { HEADER, "{\"exp\":1e300}", false },
    { HEADER, "{\"exp\":1700000001,\"nbf\":1700000031}", false },
    { HEADER, "{\"exp\":1700000001,\"nbf\":\"soon\"}", false },
    { HEADER, "{\"exp\":1700000001,\"iat\":1700000031}", false },
    { HEADER, "{\"exp\":1700000000,\"exp\":1700000001}", false },
    { HEADER, "{\"exp\":1700000001,\"token_type\":\"access\"}", false },
    { HEADER, "[1700000001]", false },
    { HEADER, "1700000001", false },
    { HEADER, "{\"exp\":1700000001} ", true },
    { HEADER, "{\"exp\":1700000001}x", false },
    { HEADER, "", false },
    { "{\"alg\":\"none\",\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"hs256\",\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS384\",\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"RS256\",\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":[\"HS256\"],\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\",\"kid\":\"other\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\",\"kid\":7}", "{\"exp\":1700000001}", false },
    { "{\"kid\":\"new\"}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\",\"kid\":\"new\",\"crit\":[\"exp\"]}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\",\"kid\":\"new\",\"b64\":false}", "{\"exp\":1700000001}", false },
    { "{\"alg\":\"HS256\",\"kid\":\"new\",\"typ\":\"JWE\"}", "{\"exp\":1700000001}", false },
    { "[]", "{\"exp\":1700000001}", false },
    { "", "{\"exp\":1700000001}", false },
};

static void check_cases(cz_ctx *ctx)
{
    cz_jwt jwt;
    use_keys(NEW_KEY);
    cz__time_freeze((cz_datetime){ (int64_t)1700000000 * 1000000 });
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str token = signed_by_us(ctx, cases[i].header, cases[i].claims);
        CZ_EXPECT_MSG(cz_jwt_verify(ctx, token, CZ_STR(""), &jwt) == cases[i].good, "%s %s",
                      cases[i].header, cases[i].claims);
    }
}

CZ_TEST(a_token_says_what_a_reader_must_be_wary_of)
{
    with_ctx(check_cases);
}

/* Every other text of the same length, one character changed, and every beginning. */
static void check_changes(cz_ctx *ctx)
{
    cz_jwt jwt;
    use_keys(NEW_KEY);
    cz__time_freeze((cz_datetime){ (int64_t)1700000000 * 1000000 });
    cz_str token = signed_by_us(ctx, HEADER, "{\"exp\":1700000001}");
    char *text = cz_alloc(ctx, token.len + 8);
    for (size_t i = 0; i < token.len; i++)
        for (const char *c = "Aa0-_+/=. \n"; *c; c++) {
            memcpy(text, token.ptr, token.len);
            text[i] = *c;
            if (*c != token.ptr[i])
                CZ_EXPECT_MSG(!cz_jwt_verify(ctx, cz_str_of(text, token.len), CZ_STR(""), &jwt),
                              "%.*s", (int)token.len, text);
        }
    for (size_t len = 0; len < token.len; len++)
        CZ_EXPECT(!cz_jwt_verify(ctx, cz_str_head(token, len), CZ_STR(""), &jwt));
    static const char *const behind[] = { ".", "=", " ", ".a", "A" };
    for (size_t i = 0; i < CZ_COUNT(behind); i++)
        CZ_EXPECT(!cz_jwt_verify(ctx, cz_format(ctx, "%.*s%s", CZ_STR_ARG(token), behind[i]),
                                 CZ_STR(""), &jwt));
    CZ_EXPECT(cz_jwt_verify(ctx, token, CZ_STR(""), &jwt));
}

CZ_TEST(no_changed_character_of_a_token_is_good)
{
    with_ctx(check_changes);
}

static void sign_one(cz_ctx *ctx, void *arg)
{
    cz_ignore(cz_jwt_sign(ctx, &(cz_jwt){ .subject = CZ_STR("7") }, *(const int64_t *)arg).len ==
              0);
}

static void check_refusals(cz_ctx *ctx)
{
    int64_t life = 300, none = 0;
    cz_jwt jwt;
    cz_error err;
    use_keys("");
    CZ_EXPECT_EQ(cz_try(ctx, sign_one, &life, NULL), CZ_EINVAL);
    CZ_EXPECT(
        !cz_jwt_verify(ctx, signed_by_us(ctx, HEADER, "{\"exp\":99999999999}"), CZ_STR(""), &jwt));
    CZ_EXPECT_EQ(cz__jwt_configure(CZ_STR("new:c2hvcnQ="), true, &err), CZ_EVALIDATION);
    CZ_EXPECT(strstr(cz_error_message(&err), "JWT_KEYS: the key \"new\" is not 32 bytes") != NULL);
    CZ_REQUIRE_OK(cz__jwt_configure(CZ_STR(""), true, &err)); /* one of this start */
    CZ_EXPECT(cz_jwt_verify(ctx, cz_jwt_sign(ctx, &(cz_jwt){ .id = CZ_STR("1") }, 300), CZ_STR(""),
                            &jwt));
    use_keys(NEW_KEY);
    CZ_EXPECT_EQ(cz_try(ctx, sign_one, &none, NULL), CZ_EINVAL);
    char *claims = cz_alloc(ctx, CZ_JWT_BYTES_MAX);
    memset(claims, ' ', CZ_JWT_BYTES_MAX);
    cz_ignore(snprintf(claims, CZ_JWT_BYTES_MAX, "{\"exp\":99999999999}%*s", CZ_JWT_BYTES_MAX - 100,
                       "") < 0);
    CZ_EXPECT(!cz_jwt_verify(ctx, signed_by_us(ctx, HEADER, claims), CZ_STR(""), &jwt));
}

CZ_TEST(without_a_key_nothing_is_signed_and_nothing_is_good)
{
    with_ctx(check_refusals);
}

/* ---- C2SP/wycheproof ---- */

static cz_str read_vectors(cz_ctx *ctx, const char *name)
{
    FILE *file = fopen(cz_format(ctx, "%s/wycheproof/%s", CZ_SHARED_VECTORS, name).ptr, "re");
    if (!file)
        cz_test_skip("the vectors of wycheproof are not here");
    static char bytes[1 << 21];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    CZ_REQUIRE(len > 0 && len < sizeof bytes);
    return cz_str_of(bytes, len);
}

static cz_str text_at(const cz_json_value *object, const char *name)
{
    const cz_json_value *value = cz_json_get(object, cz_str_from(name));
    return value && value->kind == CZ_JSON_STR ? value->as.text : CZ_STR("");
}

/* False: its key is none that this verifies with. */
static bool read_ring(cz_ctx *ctx, const cz_json_value *group, struct cz__key_ring *ring)
{
    const cz_json_value *key = cz_json_get(group, CZ_STR("private"));
    cz_str name = text_at(key, "kid"), text = text_at(key, "k");
    if (!cz_str_eq(text_at(key, "alg"), CZ_STR("HS256")) || text.len != 43)
        return false;
    char *standard = cz_alloc(ctx, 44);
    for (size_t i = 0; i < 44; i++)
        standard[i] = i == 43              ? '='
                      : text.ptr[i] == '-' ? '+'
                      : text.ptr[i] == '_' ? '/'
                                           : text.ptr[i];
    cz_error err;
    return !cz__key_ring_read(ring, "KEY", cz_format(ctx, "%.*s:%.44s", CZ_STR_ARG(name), standard),
                              &err);
}

/* Of these the vectors say the opposite: the first two are, letter for letter, a token that is signed (the padding that their
 * comments tell of is not in them), the others hold a "?", which no base64url has (RFC 4648, 3.3). */
static bool is_mistaken(const cz_json_value *test)
{
    int64_t id = cz_json_get(test, CZ_STR("tcId"))->as.integer;
    return id == 367 || id == 370 || id == 372 || id == 373;
}

static void check_wycheproof(cz_ctx *ctx)
{
    const cz_json_value *document;
    static const cz_json_limits limits = { .keys_max = 100000 };
    cz_error err;
    int accepted = 0, refused = 0;
    CZ_REQUIRE_OK(cz_json_parse(ctx->arena, read_vectors(ctx, "json_web_signature_test.json"),
                                &limits, &document, &err));
    const cz_json_value *groups = cz_json_get(document, CZ_STR("testGroups"));
    for (size_t g = 0; g < groups->count; g++) {
        struct cz__key_ring ring;
        const cz_json_value *group = &groups->as.items[g];
        const cz_json_value *tests = cz_json_get(group, CZ_STR("tests"));
        for (size_t t = 0; read_ring(ctx, group, &ring) && t < tests->count; t++) {
            const cz_json_value *test = &tests->as.items[t];
            bool valid = cz_str_eq(text_at(test, "result"), CZ_STR("valid")) != is_mistaken(test);
            cz_str payload;
            const char *why;
            bool good = cz__jws_verify(ctx, &ring, text_at(test, "jws"), &payload, &why);
            CZ_EXPECT_MSG(good == valid, "%.*s (%s)", CZ_STR_ARG(text_at(test, "comment")),
                          good ? "taken" : why);
            *(good ? &accepted : &refused) += 1;
        }
    }
    CZ_EXPECT_MSG(accepted > 0 && refused > 25, "%d taken, %d refused", accepted, refused);
}

CZ_TEST(wycheproof_signatures_are_taken_and_refused)
{
    with_ctx(check_wycheproof);
}
