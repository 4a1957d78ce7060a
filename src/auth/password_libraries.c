/* The functions are declared here, as argon2.h and crypt(3) have them: neither library's headers are needed to build. */
#include "auth/password_libraries.h"
#include "base/crypto.h"
#include "base/library.h"
#include <calzone/memory.h>
#include <string.h>

enum { ARGON2_OK = 0, ARGON2_MEMORY_ALLOCATION_ERROR = -22, CRYPT_DATA = 32768 };

static struct {
    int (*hash)(uint32_t passes, uint32_t memory_kib, uint32_t lanes, const void *password,
                size_t password_len, const void *salt, size_t salt_len, size_t tag_len, char *out,
                size_t out_len);
    int (*verify)(const char *encoded, const void *password, size_t password_len);
    char *(*crypt)(const char *phrase, const char *setting, void *data, int size);
} functions;

static cz_status load_argon2(cz_error *err)
{
    static struct cz__library library = {
        .file = "libargon2.so.1", .from = " (package libargon2-1)", .name = "libargon2", .need = ""
    };
    static const struct cz__symbol symbols[] = {
        { "argon2id_hash_encoded", &functions.hash },
        { "argon2id_verify", &functions.verify },
    };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}

static cz_status load_crypt(cz_error *err)
{
    static struct cz__library library = { .file = "libcrypt.so.1",
                                          .from = " (package libcrypt1)",
                                          .name = "libcrypt",
                                          .need = "; libxcrypt 4 is needed" };
    static const struct cz__symbol symbols[] = { { "crypt_rn", &functions.crypt } };
    return cz__library_load(&library, symbols, CZ_COUNT(symbols), err);
}

static const char *bytes_of(cz_str text)
{
    return text.len ? text.ptr : "";
}

cz_status cz__argon2_hash(const struct cz__argon2_cost *cost, cz_str password, cz_str salt,
                          char *out, size_t out_bytes, cz_error *err)
{
    cz_status status = load_argon2(err);
    if (status)
        return status;
    int code = functions.hash(cost->passes, cost->memory_kib, cost->lanes, bytes_of(password),
                              password.len, salt.ptr, salt.len, cost->tag_bytes, out, out_bytes);
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return cz_error_set(err, CZ_ENOMEM, "no memory to hash a password");
    return code == ARGON2_OK ? CZ_OK : cz_error_set(err, CZ_EINVAL, "libargon2: error %d", code);
}

cz_status cz__argon2_verify(const char *encoded, cz_str password, bool *out_matches, cz_error *err)
{
    cz_status status = load_argon2(err);
    if (status)
        return status;
    int code = functions.verify(encoded, bytes_of(password), password.len);
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return cz_error_set(err, CZ_ENOMEM, "no memory to verify a password");
    *out_matches = code == ARGON2_OK;
    return CZ_OK;
}

cz_status cz__bcrypt_verify(const char *encoded, const char *password, bool *out_matches,
                            cz_error *err)
{
    cz_status status = load_crypt(err);
    if (status)
        return status;
    void *data = cz_malloc(CRYPT_DATA);
    if (!data)
        return cz_error_set(err, CZ_ENOMEM, "no memory to verify a password");
    memset(data, 0, CRYPT_DATA);
    const char *made = strncmp(encoded, "$2", 2) == 0
                           ? functions.crypt(password, encoded, data, CRYPT_DATA)
                           : NULL;
    size_t len = strlen(encoded);
    *out_matches = made && strlen(made) == len && cz__bytes_equal(made, encoded, len);
    explicit_bzero(data, CRYPT_DATA);
    cz_free(data);
    return CZ_OK;
}
