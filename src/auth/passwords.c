/* Hashes of passwords, in Django's forms: ALGORITHM$PARAMETERS$SALT$HASH. */
#include <calzone/base64.h>
#include <calzone/passwords.h>
#include <calzone/random.h>
#include <calzone/runtime.h>
#include "auth/password_libraries.h"
#include "base/crypto.h"
#include <stdio.h>
#include <string.h>

enum {
    PASSES = 3,
    LANES = 1,
    SALT_BYTES = 16,
    TAG_BYTES = 32,
    PBKDF2_ROUNDS_MAX = 20000000 /* what is stored may not hold a thread for minutes */
};

static uint32_t memory_kib = 64 * 1024;

void cz__passwords_configure(const cz_settings *settings)
{
    memory_kib = (uint32_t)(cz_setting_int(settings, "PASSWORD_HASH_MEMORY") / 1024);
}

/* One computation, on a thread of the pool. */
struct work {
    cz_str password, salt;
    const char *stored; /* of argon2 and bcrypt, which read their own form */
    cz_bytes expected;  /* of PBKDF2 */
    unsigned rounds;
    bool sha1;
    cz_status status;
    cz_error err;
    bool matches;
    char out[CZ_PASSWORD_HASH_MAX + 1];
};

static void run(cz_ctx *ctx, struct work *work, void (*fn)(void *arg))
{
    cz_offload(ctx, fn, work);
    if (work->status)
        cz_raise_error(ctx, &work->err);
}

/* ---- Argon2id ---- */

static void hash_argon2(void *arg)
{
    struct work *work = arg;
    unsigned char salt[SALT_BYTES];
    cz_random_bytes(salt, sizeof salt);
    struct cz__argon2_cost cost = { PASSES, memory_kib, LANES, TAG_BYTES };
    work->status =
        cz__argon2_hash(&cost, work->password, cz_str_of((const char *)salt, sizeof salt),
                        work->out, sizeof work->out, &work->err);
}

static void verify_argon2(void *arg)
{
    struct work *work = arg;
    work->status = cz__argon2_verify(work->stored, work->password, &work->matches, &work->err);
}

cz_str cz_password_hash(cz_ctx *ctx, cz_str password)
{
    if (password.len > CZ_PASSWORD_BYTES_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "A password has at most %d bytes.", CZ_PASSWORD_BYTES_MAX);
    struct work *work = cz_new(ctx, struct work);
    work->password = password;
    run(ctx, work, hash_argon2);
    return cz_format(ctx, "argon2%s", work->out);
}

/* ---- those of others ---- */

static void verify_pbkdf2(void *arg)
{
    struct work *work = arg;
    unsigned char key[64];
    work->status = cz__pbkdf2(work->sha1, work->password, work->salt, work->rounds, key,
                              work->expected.len, &work->err);
    work->matches = !work->status && cz__bytes_equal(key, work->expected.ptr, work->expected.len);
}

static void verify_bcrypt(void *arg)
{
    struct work *work = arg;
    work->status = cz__bcrypt_verify(work->stored, work->password.ptr, &work->matches, &work->err);
}

/* ROUNDS$SALT$BASE64 */
static bool read_pbkdf2(cz_ctx *ctx, cz_str rest, struct work *work)
{
    uint64_t rounds;
    if (cz_str_to_u64(cz_str_cut(&rest, '$'), &rounds) || rounds < 1 || rounds > PBKDF2_ROUNDS_MAX)
        return false;
    work->rounds = (unsigned)rounds;
    work->salt = cz_str_cut(&rest, '$');
    return work->salt.len && !cz_base64_read(ctx->arena, rest, &work->expected) &&
           work->expected.len == (work->sha1 ? 20 : 32);
}

/* Django hands bcrypt, which reads 72 bytes and stops at a NUL, the hexadecimal SHA-256. */
static cz_str sha256_hex(cz_ctx *ctx, cz_str password)
{
    char *hex = cz_alloc(ctx, CZ__SHA256_HEX);
    cz_error err;
    if (cz__sha256_hex(password, hex, &err))
        cz_raise_error(ctx, &err);
    return cz_str_of(hex, CZ__SHA256_HEX);
}

/* What verifies a stored hash; NULL: it is of no known form. */
static void (*verifier_of(cz_ctx *ctx, cz_str stored, struct work *work))(void *arg)
{
    cz_str rest = stored, algorithm = cz_str_cut(&rest, '$');
    work->stored = rest.ptr ? cz_copy(ctx, rest).ptr : "";
    work->sha1 = cz_str_eq(algorithm, CZ_STR("pbkdf2_sha1"));
    if (cz_str_eq(algorithm, CZ_STR("argon2"))) {
        work->stored = cz_format(ctx, "$%.*s", CZ_STR_ARG(rest)).ptr;
        return cz_str_starts_with(rest, CZ_STR("argon2id$")) ? verify_argon2 : NULL;
    }
    if (work->sha1 || cz_str_eq(algorithm, CZ_STR("pbkdf2_sha256")))
        return read_pbkdf2(ctx, rest, work) ? verify_pbkdf2 : NULL;
    if (cz_str_eq(algorithm, CZ_STR("bcrypt_sha256")))
        work->password = sha256_hex(ctx, work->password);
    else if (!cz_str_eq(algorithm, CZ_STR("bcrypt")))
        return NULL;
    if (work->password.len && memchr(work->password.ptr, '\0', work->password.len))
        return NULL;
    work->password = cz_copy(ctx, work->password); /* with a NUL behind */
    return verify_bcrypt;
}

static bool is_current(cz_ctx *ctx, cz_str stored)
{
    return cz_str_starts_with(
        stored, cz_format(ctx, "argon2$argon2id$v=19$m=%u,t=%d,p=%d$", memory_kib, PASSES, LANES));
}

bool cz_password_verify(cz_ctx *ctx, cz_str password, cz_str stored, bool *out_outdated)
{
    struct work *work = cz_new(ctx, struct work);
    work->password = password;
    if (out_outdated)
        *out_outdated = false;
    if (password.len > CZ_PASSWORD_BYTES_MAX)
        return false;
    void (*verify)(void *arg) = verifier_of(ctx, stored, work);
    if (!verify) {
        work->password = password;
        run(ctx, work, hash_argon2); /* for the time it takes */
        return false;
    }
    run(ctx, work, verify);
    if (out_outdated)
        *out_outdated = work->matches && !is_current(ctx, stored);
    return work->matches;
}
