/* Keys that are elsewhere, for OpenSSL (provider(7)).
 *
 * A key of this provider has its public half, as the certificate tells it, and knows whom to ask for signatures. libssl prepares
 * what is to be signed, and verifies and exchanges keys, as ever by the default provider; so this one has keys of three types, which
 * may be made of public ones alone and are never given out, and how they sign. It lives in a library context of its own, where the
 * default provider is preferred, so the rest of the program never meets it.
 *
 * Not RSA_METHOD and EC_KEY_METHOD: deprecated, of no use for Ed25519, and for RSA-PSS they are asked for the bare operation, which
 * decrypts as well as it signs. */
#include <calzone/memory.h>
#include "http/tls_internal.h"

#define OWN "provider=calzone"
enum { GROUP_BYTES = 64, PUBLIC_MAX = CZ__TLS_RSA_BITS_MAX / 8 };

/* What no other program's keys have: parameter "calzone" of a key that is made here. */
struct origin {
    cz__tls_keys *keys; /* borrowed */
    unsigned index;
    int bits, security_bits, signature_bytes;
    char group[GROUP_BYTES]; /* of elliptic curves; empty: none */
};

struct key {
    const char *type;
    struct origin origin; /* without keys: one that is compared with others */
    size_t public_len;
    unsigned char public_key[PUBLIC_MAX];
};

struct signing {
    const struct key *key; /* owned by whom it was begun for */
    char digest[32];
    bool pss;
};

static const OSSL_PARAM *find(const OSSL_PARAM *params, const char *name)
{
    for (; params && params->key; params++)
        if (strcmp(params->key, name) == 0)
            return params;
    return NULL;
}

/* ---- keys ---- */

static struct key *new_key(const char *type)
{
    struct key *key = cz_calloc(1, sizeof *key);
    if (key)
        key->type = type;
    return key;
}

static void *new_rsa(void *context)
{
    (void)context;
    return new_key("RSA");
}

static void *new_ec(void *context)
{
    (void)context;
    return new_key("EC");
}

static void *new_ed25519(void *context)
{
    (void)context;
    return new_key("ED25519");
}

static void free_key(void *key)
{
    cz_free(key);
}

static int has(const void *key, int selection)
{
    (void)selection; /* the private half, too, as it can be asked to sign */
    return key != NULL;
}

static int match(const void *a, const void *b, int selection)
{
    const struct key *one = a, *other = b;
    (void)selection;
    return one->type == other->type && one->public_len == other->public_len &&
           memcmp(one->public_key, other->public_key, one->public_len) == 0;
}

static int import(void *to, int selection, const OSSL_PARAM *params)
{
    struct key *key = to;
    const OSSL_PARAM *public_key = find(params, strcmp(key->type, "RSA") == 0 ? "n" : "pub");
    const OSSL_PARAM *origin = find(params, "calzone");
    (void)selection;
    if (!public_key || public_key->data_size > sizeof key->public_key)
        return 0;
    key->public_len = public_key->data_size;
    memcpy(key->public_key, public_key->data, key->public_len);
    if (origin && origin->data_size == sizeof key->origin)
        memcpy(&key->origin, origin->data, sizeof key->origin);
    return 1;
}

static const OSSL_PARAM *import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        { .key = "n", .data_type = OSSL_PARAM_UNSIGNED_INTEGER },
        { .key = "pub", .data_type = OSSL_PARAM_OCTET_STRING },
        { .key = "calzone", .data_type = OSSL_PARAM_OCTET_STRING },
        { .key = NULL },
    };
    (void)selection;
    return types;
}

static void put_int(OSSL_PARAM *params, const char *name, int value)
{
    OSSL_PARAM *param = (OSSL_PARAM *)(uintptr_t)find(params, name);
    if (!param || param->data_type != OSSL_PARAM_INTEGER || param->data_size != sizeof value)
        return;
    memcpy(param->data, &value, sizeof value);
    param->return_size = sizeof value;
}

static int get_params(void *of, OSSL_PARAM params[])
{
    const struct origin *origin = &((const struct key *)of)->origin;
    OSSL_PARAM *group = (OSSL_PARAM *)(uintptr_t)find(params, "group");
    put_int(params, "bits", origin->bits);
    put_int(params, "security-bits", origin->security_bits);
    put_int(params, "max-size", origin->signature_bytes);
    if (!group || !origin->group[0])
        return 1;
    group->return_size = strlen(origin->group);
    if (group->data && group->data_size > group->return_size)
        memcpy(group->data, origin->group, group->return_size + 1);
    return 1;
}

static const OSSL_PARAM *gettable_params(void *context)
{
    static const OSSL_PARAM known[] = {
        { .key = "bits", .data_type = OSSL_PARAM_INTEGER },
        { .key = "security-bits", .data_type = OSSL_PARAM_INTEGER },
        { .key = "max-size", .data_type = OSSL_PARAM_INTEGER },
        { .key = "group", .data_type = OSSL_PARAM_UTF8_STRING },
        { .key = NULL },
    };
    (void)context;
    return known;
}

static const char *ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

/* ---- signatures ---- */

static void *new_signing(void *context, const char *properties)
{
    (void)context;
    (void)properties;
    return cz_calloc(1, sizeof(struct signing));
}

static void free_signing(void *signing)
{
    cz_free(signing);
}

/* RSA's padding comes as a number or a name. The length of PSS's salt comes as well, and is always the digest's in TLS. */
static int set_params(void *of, const OSSL_PARAM params[])
{
    struct signing *signing = of;
    const OSSL_PARAM *pad = find(params, "pad-mode");
    int mode = 0;
    if (!pad)
        return 1;
    if (pad->data_type == OSSL_PARAM_INTEGER && pad->data_size == sizeof mode)
        memcpy(&mode, pad->data, sizeof mode);
    signing->pss = mode == RSA_PKCS1_PSS_PADDING ||
                   (pad->data_type == OSSL_PARAM_UTF8_STRING && strcmp(pad->data, "pss") == 0);
    return 1;
}

static const OSSL_PARAM *settable_params(void *of, void *context)
{
    static const OSSL_PARAM known[] = {
        { .key = "pad-mode", .data_type = OSSL_PARAM_UTF8_STRING },
        { .key = "saltlen", .data_type = OSSL_PARAM_UTF8_STRING },
        { .key = NULL },
    };
    (void)of;
    (void)context;
    return known;
}

static int begin(void *of, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct signing *signing = of;
    cz_str name = cz_str_from(digest ? digest : "");
    if (name.len >= sizeof signing->digest)
        return 0;
    *signing = (struct signing){ .key = key };
    memcpy(signing->digest, name.ptr, name.len);
    return set_params(of, params);
}

/* Without `out` its length is asked, at most. */
static int sign(void *of, unsigned char *out, size_t *len, size_t room, const unsigned char *bytes,
                size_t bytes_len)
{
    const struct signing *signing = of;
    const struct origin *origin = &signing->key->origin;
    const struct cz__scheme *scheme =
        cz__scheme_of(signing->key->type, signing->digest, signing->pss);
    unsigned char signature[CZ__SIGNATURE_MAX];
    size_t signature_len;
    if (!out) {
        *len = (size_t)origin->signature_bytes;
        return 1;
    }
    if (!scheme || !origin->keys ||
        cz__tls_keys_sign(origin->keys, origin->index, scheme,
                          cz_str_of((const char *)bytes, bytes_len), signature, &signature_len) ||
        signature_len > room)
        return 0;
    memcpy(out, signature, signature_len);
    *len = signature_len;
    return 1;
}

/* ---- what there is of it ---- */

#define FUNCTION(of, name)                                                                         \
    {                                                                                              \
        OSSL_FUNC_##of, (void (*)(void))(name)                                                     \
    }
#define KEYS(name, ...)                                                                            \
    static const OSSL_DISPATCH name##_keys[] = { FUNCTION(KEYMGMT_NEW, new_##name),                \
                                                 FUNCTION(KEYMGMT_FREE, free_key),                 \
                                                 FUNCTION(KEYMGMT_HAS, has),                       \
                                                 FUNCTION(KEYMGMT_MATCH, match),                   \
                                                 FUNCTION(KEYMGMT_IMPORT, import),                 \
                                                 FUNCTION(KEYMGMT_IMPORT_TYPES, import_types),     \
                                                 FUNCTION(KEYMGMT_GET_PARAMS, get_params),         \
                                                 FUNCTION(KEYMGMT_GETTABLE_PARAMS,                 \
                                                          gettable_params),                        \
                                                 __VA_ARGS__{ 0, NULL } }
KEYS(rsa, );
KEYS(ec, FUNCTION(KEYMGMT_QUERY_OPERATION_NAME, ec_operation), );
KEYS(ed25519, );

static const OSSL_DISPATCH signatures[] = { FUNCTION(SIGNATURE_NEWCTX, new_signing),
                                            FUNCTION(SIGNATURE_FREECTX, free_signing),
                                            FUNCTION(SIGNATURE_DIGEST_SIGN_INIT, begin),
                                            FUNCTION(SIGNATURE_DIGEST_SIGN, sign),
                                            FUNCTION(SIGNATURE_SET_CTX_PARAMS, set_params),
                                            FUNCTION(SIGNATURE_SETTABLE_CTX_PARAMS,
                                                     settable_params),
                                            { 0, NULL } };

static const OSSL_ALGORITHM *query(void *context, int operation, int *out_no_cache)
{
    static const OSSL_ALGORITHM keys[] = {
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", OWN, rsa_keys, NULL },
        { "EC:id-ecPublicKey:1.2.840.10045.2.1", OWN, ec_keys, NULL },
        { "ED25519:1.3.101.112", OWN, ed25519_keys, NULL },
        { NULL, NULL, NULL, NULL },
    };
    static const OSSL_ALGORITHM sign_by[] = {
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", OWN, signatures, NULL },
        { "ECDSA", OWN, signatures, NULL },
        { "ED25519:1.3.101.112", OWN, signatures, NULL },
        { NULL, NULL, NULL, NULL },
    };
    (void)context;
    *out_no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_SIGNATURE ? sign_by : NULL;
}

static int provide(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                   const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = { FUNCTION(PROVIDER_QUERY_OPERATION, query),
                                               { 0, NULL } };
    static char none;
    (void)handle;
    (void)in;
    *out = functions;
    *context = &none; /* OpenSSL takes NULL for a failure */
    return 1;
}

OSSL_LIB_CTX *cz__tls_provider_library(void)
{
    static OSSL_LIB_CTX *library; /* for the life of the process */
    if (library)
        return library;
    OSSL_LIB_CTX *made = cz__ssl.OSSL_LIB_CTX_new();
    if (made && cz__ssl.OSSL_PROVIDER_load(made, "default") &&
        cz__ssl.OSSL_PROVIDER_add_builtin(made, "calzone", provide) == 1 &&
        cz__ssl.OSSL_PROVIDER_load(made, "calzone") &&
        cz__ssl.EVP_set_default_properties(made, "?provider=default") == 1)
        library = made;
    else
        cz__ssl.OSSL_LIB_CTX_free(made);
    return library;
}

/* ---- a certificate's key ---- */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *how = cz__ssl.EVP_PKEY_CTX_new_from_name(cz__tls_provider_library(), type, OWN);
    if (how && cz__ssl.EVP_PKEY_fromdata_init(how) == 1)
        cz_ignore(
            cz__ssl.EVP_PKEY_fromdata(how, &key, EVP_PKEY_PUBLIC_KEY, params)); /* else NULL */
    cz__ssl.EVP_PKEY_CTX_free(how);
    return key;
}

/* A key as `public_key` with an origin, which knows who signs. */
static EVP_PKEY *copy_key(const EVP_PKEY *public_key, const char *type, struct origin *origin)
{
    enum { PARAMS_MAX = 32 };
    OSSL_PARAM *told = NULL, params[PARAMS_MAX] = { { .key = "calzone",
                                                      .data_type = OSSL_PARAM_OCTET_STRING,
                                                      .data = origin,
                                                      .data_size = sizeof *origin } };
    if (cz__ssl.EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &told) != 1)
        return NULL;
    for (size_t i = 0; told[i].key && i + 2 < PARAMS_MAX; i++)
        params[i + 1] = told[i];
    EVP_PKEY *key = make_key(type, params);
    cz__ssl.OSSL_PARAM_free(told);
    return key;
}

bool cz__tls_provider_use(SSL_CTX *ssl, cz__tls_keys *keys, unsigned index)
{
    static const char *const types[] = { "RSA", "EC", "ED25519" };
    const EVP_PKEY *public_key = cz__ssl.X509_get0_pubkey(cz__ssl.SSL_CTX_get0_certificate(ssl));
    const char *type = NULL;
    for (size_t i = 0; i < CZ_COUNT(types) && public_key; i++)
        if (cz__ssl.EVP_PKEY_is_a(public_key, types[i]))
            type = types[i];
    if (!type)
        return false;
    size_t len = 0;
    struct origin origin = { .keys = keys,
                             .index = index,
                             .bits = cz__ssl.EVP_PKEY_get_bits(public_key),
                             .security_bits = cz__ssl.EVP_PKEY_get_security_bits(public_key),
                             .signature_bytes = cz__ssl.EVP_PKEY_get_size(public_key) };
    if (strcmp(type, "EC") == 0 &&
        cz__ssl.EVP_PKEY_get_group_name(public_key, origin.group, sizeof origin.group, &len) != 1)
        return false;
    EVP_PKEY *key = copy_key(public_key, type, &origin);
    bool used = key && cz__ssl.SSL_CTX_use_PrivateKey(ssl, key) == 1;
    cz__ssl.EVP_PKEY_free(key);
    return used;
}
