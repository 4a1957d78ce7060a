/* Which server a key is on, and asking several at once: each has a link, a pause after a failure and a list of what it has still
 * to forget, so that one that is away takes no other's keys along. Its own are not moved to the others: they would be old when it
 * comes back. */
#include "cache/memcached/memcached_internal.h"
#include <calzone/map.h>
#include <calzone/time.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the protocol of a link ---- */

static struct cz__mc_server *server_of(cz__link *link)
{
    return (struct cz__mc_server *)(void *)link; /* its first member */
}

static void free_request(struct cz__link_request *link)
{
    struct cz__mc_request *request = (struct cz__mc_request *)(void *)link;
    for (size_t i = 0; i < request->got; i++)
        cz_free(request->replies[i].value);
    cz_free(request);
}

static bool begin(cz__link *link)
{
    cz__mc_reader_clear(&server_of(link)->reader);
    return true;
}

static void end(cz__link *link)
{
    cz__mc_reader_clear(&server_of(link)->reader);
}

static const char *receive(cz__link *link, const char *bytes, size_t len)
{
    while (len) {
        struct cz__mc_request *request = (struct cz__mc_request *)(void *)link->first;
        size_t used;
        bool whole;
        if (!request)
            return "a reply to nothing";
        cz_status status = cz__mc_read(&server_of(link)->reader, bytes, len, &used, &whole,
                                       &request->replies[request->got]);
        if (status)
            return status == CZ_ENOMEM ? "no memory" : "a reply that memcached does not give";
        bytes += used;
        len -= used;
        request->got += whole;
        if (request->got == request->expected)
            cz__link_request_over(link);
    }
    return NULL;
}

static const struct cz__link_protocol protocol = { begin, receive, end, free_request };

/* ---- the ring ---- */

/* The same in every process and machine. */
static uint64_t hash_of(cz_str text)
{
    static const uint8_t key[16] = "memcached points";
    return cz__siphash13(key, text.ptr, text.len);
}

cz_status cz__mc_add_server(struct cz__memcached *memcached, cz_str host, uint16_t port)
{
    struct cz__mc_server *server = &memcached->servers[memcached->count];
    static unsigned number; /* in the order of the settings, in each generation */
    char whose[60];
    cz_status status = cz__link_init(&server->link, &protocol, host, port);
    cz_ignore(snprintf(whose, sizeof whose, "memcached %u %016llx:%u", number++,
                       (unsigned long long)hash_of(host), port)); /* it fits */
    if (!status)
        status = cz__owed_create(whose, &server->owed);
    for (unsigned i = 0; i < CZ__MC_POINTS && !status; i++) {
        char name[300];
        int len = snprintf(name, sizeof name, "%.*s:%u-%u", CZ_STR_ARG(host), port, i);
        memcached->points[memcached->point_count++] =
            (struct cz__mc_point){ (uint32_t)hash_of(cz_str_of(name, (size_t)len)),
                                   (uint32_t)memcached->count };
    }
    memcached->count++;
    return status;
}

static int compare(const void *a, const void *b)
{
    const struct cz__mc_point *one = a, *other = b;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    return (one->server > other->server) - (one->server < other->server);
}

void cz__mc_sort_points(struct cz__memcached *memcached)
{
    qsort(memcached->points, memcached->point_count, sizeof *memcached->points, compare);
}

size_t cz__mc_server_of(const struct cz__memcached *memcached, cz_str token)
{
    uint32_t hash = (uint32_t)hash_of(token);
    size_t low = 0, high = memcached->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcached->points[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return memcached->points[low < memcached->point_count ? low : 0].server;
}

void cz__mc_destroy(struct cz__memcached *memcached)
{
    for (size_t i = 0; memcached && i < memcached->count; i++) {
        cz__link_done(&memcached->servers[i].link);
        cz__owed_destroy(memcached->servers[i].owed);
    }
    cz_free(memcached);
}

/* ---- asking ---- */

struct cz__mc_reply *cz__mc_reply(struct cz__mc_batch *batch, size_t server, size_t number)
{
    struct cz__mc_request *request = batch->parts[server].request;
    return request ? &request->replies[batch->parts[server].owed + number] : NULL;
}

void cz__mc_done(struct cz__mc_batch *batch)
{
    for (size_t i = 0; i < CZ__MC_SERVERS_MAX; i++) {
        cz_buf_done(&batch->parts[i].commands);
        if (batch->parts[i].request)
            free_request(&batch->parts[i].request->link);
        batch->parts[i].request = NULL;
    }
}

/* What the server has to forget goes before what it is asked, in one piece: nothing is read before. */
static cz_status add_debt(cz_ctx *ctx, struct cz__mc_server *server, struct cz__mc_batch *batch,
                          size_t number)
{
    cz_buf commands = { 0 };
    struct cz__debt *debt = &batch->parts[number].debt;
    cz_status status = cz__owed_read(server->owed, ctx->arena, debt);
    if (status)
        return status;
    if (debt->all)
        cz_buf_append_lit(&commands, "flush_all\r\n");
    for (size_t i = 0; i < debt->keys.count; i++)
        cz_buf_printf(&commands, "md %.*s\r\n", CZ_STR_ARG(debt->keys.items[i]));
    cz_buf_append_str(&commands, cz_buf_str(&batch->parts[number].commands));
    cz_buf_done(&batch->parts[number].commands);
    batch->parts[number].commands = commands;
    batch->parts[number].owed = debt->all ? 1 : debt->keys.count;
    return CZ_OK;
}

static void tell_away(cz_ctx *ctx, struct cz__store *store, const struct cz__mc_server *server)
{
    struct cz__memcached *memcached = store->state;
    cz_ignore(snprintf(memcached->reason, sizeof memcached->reason, "%.64s:%u: %s",
                       server->link.host, server->link.port, server->link.reason)); /* may be cut */
    cz__store_tell(ctx, store, CZ__NEWS_AWAY, memcached->reason);
}

static cz_status send_part(cz_ctx *ctx, struct cz__store *store, struct cz__mc_batch *batch,
                           size_t number)
{
    struct cz__memcached *memcached = store->state;
    struct cz__mc_server *server = &memcached->servers[number];
    cz_status status = cz_buf_status(&batch->parts[number].commands);
    if (!status && !cz__circuit_may_ask(&server->circuit))
        return CZ_OK;
    if (!status && !cz__owed_is_none(server->owed))
        status = add_debt(ctx, server, batch, number);
    size_t expected = batch->parts[number].owed + batch->parts[number].count;
    struct cz__mc_request *request =
        status ? NULL : cz_calloc(1, sizeof *request + expected * sizeof *request->replies);
    if (!request)
        return CZ_ENOMEM;
    request->expected = expected;
    status = cz__link_send(&server->link, &request->link, &batch->parts[number].commands);
    if (!status)
        batch->parts[number].request = request;
    else if (status == CZ_EUNAVAILABLE)
        tell_away(ctx, store, server);
    return status == CZ_EUNAVAILABLE ? CZ_OK : status;
}

/* A server that does not forget what it has to is not read from. */
static void settle(cz_ctx *ctx, struct cz__store *store, struct cz__mc_batch *batch, size_t number)
{
    struct cz__memcached *memcached = store->state;
    struct cz__mc_server *server = &memcached->servers[number];
    struct cz__mc_request *request = batch->parts[number].request;
    for (size_t i = 0; i < batch->parts[number].owed; i++)
        if (request->replies[i].code == CZ__MC_REFUSED) {
            cz__store_tell(ctx, store, CZ__NEWS_REFUSED, request->replies[i].text);
            cz__circuit_set(&server->circuit, false);
            free_request(&request->link);
            batch->parts[number].request = NULL;
            return;
        }
    cz__owed_settle(server->owed, &batch->parts[number].debt);
}

static cz_status wait_for_part(cz_ctx *ctx, struct cz__store *store, struct cz__mc_batch *batch,
                               size_t number, int64_t end_us)
{
    struct cz__memcached *memcached = store->state;
    struct cz__mc_server *server = &memcached->servers[number];
    int64_t left_ms = (end_us - cz_monotonic_us()) / 1000;
    cz_status status = cz__link_wait(ctx, &server->link, &batch->parts[number].request->link,
                                     left_ms > 1 ? left_ms : 1);
    if (status)
        batch->parts[number].request = NULL;
    if (status == CZ_OK || status == CZ_EUNAVAILABLE)
        cz__circuit_set(&server->circuit, !status);
    if (status == CZ_EUNAVAILABLE)
        tell_away(ctx, store, server);
    else if (!status && batch->parts[number].owed)
        settle(ctx, store, batch, number);
    return status == CZ_EUNAVAILABLE ? CZ_OK : status;
}

cz_status cz__mc_ask(cz_ctx *ctx, struct cz__store *store, struct cz__mc_batch *batch)
{
    const struct cz__memcached *memcached = store->state;
    int64_t end_us = cz_monotonic_us() + store->timeout_ms * 1000;
    cz_status status = CZ_OK, one;
    for (size_t i = 0; i < memcached->count && !status; i++)
        if (batch->parts[i].count)
            status = send_part(ctx, store, batch, i);
    for (size_t i = 0; i < memcached->count; i++) /* each, or what was sent would not be ended */
        if (batch->parts[i].request && (one = wait_for_part(ctx, store, batch, i, end_us)))
            status = one;
    return status;
}
