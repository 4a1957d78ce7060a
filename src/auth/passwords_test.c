/* Hashes made here, and those of Django 3.2's hashers. */
#include <calzone/passwords.h>
#include <calzone/random.h>
#include <calzone/testing.h>
#include <string.h>

#define SECRET "s\u00e9cret"

static const char *const djangos[] = {
    "pbkdf2_sha256$1000$saltsalt$4HJL3IYvdP7SnRJHSSNwkrHI1CtmEyUjOo0/s1MR+Jw=",
    "pbkdf2_sha1$1000$saltsalt$egurp0G055ClW386V+r26LKzwkY=",
    "bcrypt$$2b$04$abcdefghijklmnopqrstuuxgaAVrATsv2cxAkEB3ENsaS.NPyRuGO",
    "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuudhrnF6ibmbWMZk4MsTImhYLrHNWZv/a",
    "argon2$argon2id$v=19$m=1024,t=2,p=8$c29tZXNhbHQxNmJ5dGVzIQ$aw+dpbUJter0LAVDJu+fcQ",
};

static void with_ctx(void (*fn)(cz_ctx *ctx))
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    fn(&ctx);
    cz_ctx_done(&ctx);
}

static void check_own(cz_ctx *ctx)
{
    bool outdated = true;
    cz_str one = cz_password_hash(ctx, CZ_STR(SECRET)),
           other = cz_password_hash(ctx, CZ_STR(SECRET));
    CZ_EXPECT(cz_str_starts_with(one, CZ_STR("argon2$argon2id$v=19$m=65536,t=3,p=1$")));
    CZ_EXPECT(one.len <= CZ_PASSWORD_HASH_MAX);
    CZ_EXPECT(!cz_str_eq(one, other)); /* a salt of its own */
    CZ_EXPECT(cz_password_verify(ctx, CZ_STR(SECRET), one, &outdated));
    CZ_EXPECT(!outdated);
    CZ_EXPECT(!cz_password_verify(ctx, CZ_STR("secret"), one, &outdated));
    CZ_EXPECT(!cz_password_verify(ctx, CZ_STR(""), one, NULL));
    cz_str empty = cz_password_hash(ctx, CZ_STR(""));
    CZ_EXPECT(cz_password_verify(ctx, CZ_STR(""), empty, NULL));
}

CZ_TEST(a_password_is_verified_by_its_hash)
{
    with_ctx(check_own);
}

static void check_djangos(cz_ctx *ctx)
{
    for (size_t i = 0; i < CZ_COUNT(djangos); i++) {
        bool outdated = false;
        cz_str stored = cz_str_from(djangos[i]);
        CZ_EXPECT_MSG(cz_password_verify(ctx, CZ_STR(SECRET), stored, &outdated), "%s", djangos[i]);
        CZ_EXPECT(outdated);
        CZ_EXPECT_MSG(!cz_password_verify(ctx, CZ_STR(SECRET "s"), stored, &outdated), "%s",
                      djangos[i]);
        CZ_EXPECT(!outdated);
        cz_str cut = cz_copy(ctx, stored); /* its last character is another */
        ((char *)(uintptr_t)cut.ptr)[cut.len - 2] ^= 1;
        CZ_EXPECT_MSG(!cz_password_verify(ctx, CZ_STR(SECRET), cut, NULL), "%s", djangos[i]);
    }
}

CZ_TEST(hashes_of_django_are_verified_and_outdated)
{
    with_ctx(check_djangos);
}

/* None of them has a password, and none takes less time than a real one to say so: each is one computation. */
static void check_none(cz_ctx *ctx)
{
    static const char *const stored[] = {
        "",
        "!",
        "!abcdef",
        SECRET,
        "argon2",
        "argon2$",
        "argon2$argon2i$v=19$m=1024,t=2,p=8$c29tZXNhbHQxNmJ5dGVzIQ$aw+dpbUJter0LAVDJu+fcQ",
        "argon2$argon2id$v=19$m=1024,t=2,p=8$c29tZXNhbHQxNmJ5dGVzIQ$",
        "argon2$argon2id$v=19$m=x,t=2,p=8$c29tZXNhbHQxNmJ5dGVzIQ$aw+dpbUJter0LAVDJu+fcQ",
        "pbkdf2_sha256$$saltsalt$4HJL3IYvdP7SnRJHSSNwkrHI1CtmEyUjOo0/s1MR+Jw=",
        "pbkdf2_sha256$0$saltsalt$4HJL3IYvdP7SnRJHSSNwkrHI1CtmEyUjOo0/s1MR+Jw=",
        "pbkdf2_sha256$99999999$saltsalt$4HJL3IYvdP7SnRJHSSNwkrHI1CtmEyUjOo0/s1MR+Jw=",
        "pbkdf2_sha256$1000$$4HJL3IYvdP7SnRJHSSNwkrHI1CtmEyUjOo0/s1MR+Jw=",
        "pbkdf2_sha256$1000$saltsalt$",
        "pbkdf2_sha256$1000$saltsalt$egurp0G055ClW386V+r26LKzwkY=",
        "pbkdf2_md5$1000$saltsalt$egurp0G055ClW386V+r26LKzwkY=",
        "bcrypt$",
        "bcrypt$$1$abc$def",
        "bcrypt$$2b$04$short",
        "bcrypt$*0",
        "md5$salt$0123456789abcdef0123456789abcdef",
    };
    bool outdated = true;
    for (size_t i = 0; i < CZ_COUNT(stored); i++) {
        CZ_EXPECT_MSG(!cz_password_verify(ctx, CZ_STR(SECRET), cz_str_from(stored[i]), &outdated),
                      "%s", stored[i]);
        CZ_EXPECT(!outdated);
    }
    CZ_EXPECT(!cz_password_verify(ctx, CZ_STR("a\0b"), cz_str_from(djangos[2]), NULL));
}

CZ_TEST(what_is_no_hash_has_no_password)
{
    with_ctx(check_none);
}

static void hash_it(cz_ctx *ctx, void *arg)
{
    cz_ignore(cz_password_hash(ctx, *(const cz_str *)arg).len == 0); /* it raises, or not */
}

static void check_long(cz_ctx *ctx)
{
    static char text[CZ_PASSWORD_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    for (size_t longer = 0; longer < 2; longer++) {
        cz_str password = cz_str_of(text, CZ_PASSWORD_BYTES_MAX + longer);
        CZ_EXPECT_EQ(cz_try(ctx, hash_it, &password, NULL), longer ? CZ_EVALIDATION : CZ_OK);
    }
    CZ_EXPECT(
        !cz_password_verify(ctx, cz_str_of(text, sizeof text), cz_str_from(djangos[0]), NULL));
}

CZ_TEST(a_password_that_is_too_long_is_refused_unread)
{
    with_ctx(check_long);
}
