/* What is said at the beginning, and whose reply is whose. */
#include "redis/redis.h"
#include <stdio.h>

enum { DATABASES_MAX = 10000, DEFAULT_PORT = 6379 };

/* A reply that is not whole yet: a few of the longest values. */
#define REPLY_BYTES_MAX CZ__LINK_BYTES_MAX

static cz__redis *opened;

/* ---- the protocol ---- */

static cz__redis *redis_of(cz__link *link)
{
    return (cz__redis *)(void *)link; /* its first member */
}

static void free_request(struct cz__link_request *request)
{
    cz__redis_done((struct cz__redis_request *)(void *)request);
}

/* An array's length comes before its elements: one that no command of ours asks for is not made room for. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *(*create_array)(const redisReadTask *task, element_count elements);

static void *create_bounded_array(const redisReadTask *task, element_count elements)
{
    return elements > CZ__REDIS_ELEMENTS_MAX ? NULL : create_array(task, elements);
}

static bool create_reader(cz__redis *redis)
{
    redis->reader = cz__hiredis.redisReaderCreate();
    if (!redis->reader)
        return false;
    redis->functions = *redis->reader->fn;
    create_array = redis->functions.createArray;
    redis->functions.createArray = create_bounded_array;
    redis->reader->fn = &redis->functions;
    return true;
}

static bool begin(cz__link *link)
{
    cz__redis *redis = redis_of(link);
    redis->hello_left = 0;
    if (!create_reader(redis))
        return false;
    if (*redis->password) {
        cz_str with_user[] = { CZ_STR("AUTH"), cz_str_from(redis->user),
                               cz_str_from(redis->password) };
        cz_str without[] = { CZ_STR("AUTH"), cz_str_from(redis->password) };
        cz__redis_command(&link->hello, *redis->user ? with_user : without, *redis->user ? 3 : 2);
        redis->hello_left++;
    }
    if (redis->number) {
        char text[24];
        cz_str select[] = { CZ_STR("SELECT"), cz_str_of(text, cz_i64_write(text, redis->number)) };
        cz__redis_command(&link->hello, select, 2);
        redis->hello_left++;
    }
    return true;
}

static void end(cz__link *link)
{
    cz__redis *redis = redis_of(link);
    if (redis->reader)
        cz__hiredis.redisReaderFree(redis->reader);
    redis->reader = NULL;
}

/* Errors of the server at the beginning, as a wrong password, end the connection; later they are replies. */
static const char *take_hello(cz__redis *redis, redisReply *reply)
{
    bool granted = reply->type != REDIS_REPLY_ERROR;
    if (!granted) /* kept here: the reply goes */
        cz_ignore(
            snprintf(redis->refusal, sizeof redis->refusal, "%s", reply->str)); /* may be cut */
    cz__hiredis.freeReplyObject(reply);
    if (granted && --redis->hello_left == 0)
        cz__link_ready(&redis->link);
    return granted ? NULL : redis->refusal;
}

static const char *take_reply(cz__redis *redis, redisReply *reply)
{
    if (redis->link.state == CZ__LINK_HELLO)
        return take_hello(redis, reply);
    struct cz__redis_request *request = (struct cz__redis_request *)(void *)redis->link.first;
    if (!request) {
        cz__hiredis.freeReplyObject(reply);
        return "a reply to nothing";
    }
    request->replies[request->got++] = reply;
    if (request->got == request->expected)
        cz__link_request_over(&redis->link);
    return NULL;
}

static const char *receive(cz__link *link, const char *bytes, size_t len)
{
    cz__redis *redis = redis_of(link);
    if (cz__hiredis.redisReaderFeed(redis->reader, bytes, len) != REDIS_OK)
        return "no memory";
    for (;;) {
        void *reply = NULL;
        if (cz__hiredis.redisReaderGetReply(redis->reader, &reply) != REDIS_OK)
            return redis->reader->errstr;
        if (!reply)
            break;
        const char *wrong = take_reply(redis, reply);
        if (wrong)
            return wrong;
    }
    return redis->reader->len - redis->reader->pos > REPLY_BYTES_MAX ? "a reply that does not end"
                                                                     : NULL;
}

static const struct cz__link_protocol protocol = { begin, receive, end, free_request };

/* ---- opening ---- */

static char *copy_text(cz_str text)
{
    char *copy = cz_malloc(text.len + 1);
    if (copy) {
        memcpy(copy, text.len ? text.ptr : "", text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

static void destroy(cz__redis *redis)
{
    cz__link_done(&redis->link);
    cz__tls_context_destroy(redis->tls);
    cz_free(redis->user);
    cz_free(redis->password);
    cz_free(redis->ca);
    cz_free(redis);
}

/* What a URL says, read and with its defaults. */
struct address {
    cz_str host, user, password, ca;
    uint16_t port;
    int64_t number;
    bool tls;
};

static cz_status create(const struct address *address, cz__redis **out)
{
    cz__redis *redis = cz_calloc(1, sizeof *redis);
    if (!redis)
        return CZ_ENOMEM;
    cz_status status = cz__link_init(&redis->link, &protocol, address->host, address->port);
    redis->number = address->number;
    redis->users = 1;
    redis->user = copy_text(address->user);
    redis->password = copy_text(address->password);
    redis->ca = copy_text(address->ca);
    if (status || !redis->user || !redis->password || !redis->ca) {
        destroy(redis);
        return CZ_ENOMEM;
    }
    *out = redis;
    return CZ_OK;
}

static bool is_same(const cz__redis *redis, const struct address *address)
{
    return cz_str_eq(cz_str_from(redis->link.host), address->host) &&
           redis->link.port == address->port && redis->number == address->number &&
           cz_str_eq(cz_str_from(redis->user), address->user) &&
           cz_str_eq(cz_str_from(redis->password), address->password) &&
           (redis->tls != NULL) == address->tls && cz_str_eq(cz_str_from(redis->ca), address->ca);
}

/* ---- URLs ---- */

static bool has_tls(const cz_url *url)
{
    return cz_str_eq(url->scheme, CZ_STR("rediss"));
}

bool cz__redis_has_parameter(const cz_url *url, cz_str name)
{
    return has_tls(url) && cz_str_eq(name, CZ_STR("ca"));
}

static cz_status read_ca(cz_arena *arena, const cz_url *url, const char *what, cz_str *out,
                         cz_error *err)
{
    cz_str rest = url->query, name, value;
    *out = CZ_STR("");
    while (rest.len) {
        cz_status status = cz_url_take_parameter(arena, &rest, &name, &value);
        if (status)
            return cz_error_set(err, status, "%s: its query cannot be read", what);
        if (!cz__redis_has_parameter(url, name))
            continue;
        if (!value.len || value.ptr[0] != '/')
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: ca is the path of a file of certificates, from the root",
                                what);
        *out = value;
    }
    return CZ_OK;
}

static cz_status read_address(cz_arena *arena, const cz_url *url, const char *what,
                              struct address *out, cz_error *err)
{
    *out = (struct address){ .host = url->host.len ? url->host : CZ_STR("localhost"),
                             .port = url->port ? url->port : DEFAULT_PORT,
                             .user = url->user,
                             .password = url->password,
                             .tls = has_tls(url) };
    if (url->path.len > 1 && (cz_str_to_i64(cz_str_tail(url->path, 1), &out->number) ||
                              out->number < 0 || out->number > DATABASES_MAX))
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: the path is the number of a database, as in "
                            "redis://localhost:6379/0",
                            what);
    if (url->user.len && !url->password.len)
        return cz_error_set(err, CZ_EVALIDATION, "%s: a user without a password", what);
    return read_ca(arena, url, what, &out->ca, err);
}

static cz_status add_tls(cz__redis *redis, const char *what, cz_error *err)
{
    cz_error why;
    cz_status status = cz__tls_context_create(*redis->ca ? redis->ca : NULL, &redis->tls, &why);
    redis->link.trusted = redis->tls;
    if (status)
        return cz_error_set(err, status, "%s: %s", what, cz_error_message(&why));
    return CZ_OK;
}

static cz_status open_address(const struct address *address, const char *what, cz__redis **out,
                              cz_error *err)
{
    for (cz__redis *redis = opened; redis; redis = redis->next)
        if (is_same(redis, address)) {
            redis->users++;
            *out = redis;
            return CZ_OK;
        }
    cz__redis *redis;
    if (create(address, &redis))
        return cz_error_set(err, CZ_ENOMEM, "%s: no memory", what);
    cz_status status = address->tls ? add_tls(redis, what, err) : CZ_OK;
    if (status) {
        destroy(redis);
        return status;
    }
    redis->next = opened;
    *out = opened = redis;
    return CZ_OK;
}

cz_status cz__redis_open(const cz_url *url, const char *what, cz__redis **out, cz_error *err)
{
    struct address address;
    cz_arena *arena;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "%s: no memory", what);
    cz_status status = read_address(arena, url, what, &address, err);
    if (!status)
        status = cz__hiredis_load(err);
    if (!status)
        status = open_address(&address, what, out, err);
    cz_arena_destroy(arena);
    return status;
}

void cz__redis_close(cz__redis *redis)
{
    if (!redis || --redis->users)
        return;
    cz__redis **link = &opened;
    while (*link != redis)
        link = &(*link)->next;
    *link = redis->next;
    destroy(redis);
}

/* ---- asking ---- */

void cz__redis_command(cz_buf *out, const cz_str *arguments, size_t count)
{
    cz_buf_append_char(out, '*');
    cz_buf_append_u64(out, count);
    cz_buf_append_lit(out, "\r\n");
    for (size_t i = 0; i < count; i++) {
        cz_buf_append_char(out, '$');
        cz_buf_append_u64(out, arguments[i].len);
        cz_buf_append_lit(out, "\r\n");
        cz_buf_append_str(out, arguments[i]);
        cz_buf_append_lit(out, "\r\n");
    }
}

void cz__redis_done(struct cz__redis_request *request)
{
    for (size_t i = 0; i < request->got; i++)
        cz__hiredis.freeReplyObject(request->replies[i]);
    cz_free(request);
}

cz_status cz__redis_ask(cz_ctx *ctx, cz__redis *redis, cz_buf *commands, size_t replies,
                        int64_t timeout_ms, struct cz__redis_request **out)
{
    struct cz__redis_request *request =
        cz_calloc(1, sizeof *request + replies * sizeof *request->replies);
    if (!request) {
        cz_buf_done(commands);
        return CZ_ENOMEM;
    }
    request->expected = replies;
    cz_status status = cz__link_send(&redis->link, &request->link, commands);
    if (!status)
        status = cz__link_wait(ctx, &redis->link, &request->link, timeout_ms);
    if (!status)
        *out = request;
    return status;
}
