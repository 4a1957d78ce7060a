/* Tokens of services, from the environment. Kept as SHA-256, so that all have one length and none is in memory. */
#include <calzone/authentication.h>
#include <calzone/base64.h>
#include "auth/auth_internal.h"
#include "base/crypto.h"
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

struct client {
    char name[NAME_MAX_BYTES + 1];
    unsigned char digests[CZ_CLIENT_TOKENS_MAX][CZ__SHA256];
    size_t count;
};

static struct client clients[CZ_CLIENTS_MAX]; /* written at start-up alone */
static size_t client_count;

static struct client *find(cz_str name)
{
    for (size_t i = 0; i < client_count; i++)
        if (cz_str_eq(cz_str_from(clients[i].name), name))
            return &clients[i];
    return NULL;
}

static struct client *add(cz_str name)
{
    struct client *client = &clients[client_count++];
    *client = (struct client){ 0 };
    memcpy(client->name, name.ptr, name.len);
    return client;
}

static cz_status read_one(cz_str item, cz_error *err)
{
    cz_str name = cz_str_trim(cz_str_cut(&item, ':')), token = cz_str_trim(item);
    if (!name.len || name.len > NAME_MAX_BYTES)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "CLIENT_TOKENS: write CLIENT:TOKEN,CLIENT:TOKEN; a client's name has 1 to %d "
            "characters",
            NAME_MAX_BYTES);
    if (token.len < CZ_CLIENT_TOKEN_BYTES_MIN)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "CLIENT_TOKENS: a token of \"%.*s\" is shorter than %d characters; `openssl "
            "rand -hex 32` prints a good one",
            CZ_STR_ARG(name), CZ_CLIENT_TOKEN_BYTES_MIN);
    struct client *client = find(name);
    if (!client && client_count == CZ_CLIENTS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "CLIENT_TOKENS: more than %d clients",
                            CZ_CLIENTS_MAX);
    if (!client)
        client = add(name);
    if (client->count == CZ_CLIENT_TOKENS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "CLIENT_TOKENS: \"%.*s\" has more than %d tokens",
                            CZ_STR_ARG(name), CZ_CLIENT_TOKENS_MAX);
    return cz__sha256(token, client->digests[client->count++], err);
}

cz_status cz__client_tokens_read(cz_str text, cz_error *err)
{
    cz_status status = CZ_OK;
    client_count = 0;
    while (!status && cz_str_trim(text).len)
        status = read_one(cz_str_cut(&text, ','), err);
    if (status)
        client_count = 0;
    return status;
}

size_t cz__client_tokens_count(void)
{
    return client_count;
}

/* Every token is compared, of a client that is not there as well. */
static bool is_token_of(cz_ctx *ctx, const struct client *client, cz_str token)
{
    static const struct client nobody;
    const struct client *of = client ? client : &nobody;
    unsigned char digest[CZ__SHA256];
    unsigned found = 0;
    cz_error err;
    if (cz__sha256(token, digest, &err))
        cz_raise_error(ctx, &err);
    for (size_t i = 0; i < CZ_CLIENT_TOKENS_MAX; i++)
        found |= (unsigned)cz__bytes_equal(digest, of->digests[i], sizeof digest) & (i < of->count);
    return found != 0;
}

static bool authenticate(cz_ctx *ctx, cz_request *req, const cz_authentication_scheme *self)
{
    cz_bytes bytes;
    cz_str encoded = cz_authorization(req, "Bearer");
    (void)self;
    if (!encoded.len || cz_base64_read(ctx->arena, encoded, &bytes))
        return false;
    cz_str token = cz_str_of(bytes.ptr, bytes.len);
    if (cz_str_find_char(token, ':') == SIZE_MAX)
        return false;
    cz_str name = cz_str_cut(&token, ':');
    const struct client *client = find(name);
    if (!is_token_of(ctx, client, token))
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "Invalid token.");
    cz_set_actor(ctx, cz_format(ctx, "client:%s", client->name));
    return true;
}

const cz_authentication_scheme cz_client_tokens = { "client tokens", "Bearer", authenticate };
