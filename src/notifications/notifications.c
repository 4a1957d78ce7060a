#include <calzone/log.h>
#include "notifications/listeners.h"
#include "runtime/fiber.h"

enum { HANDLER_BYTES_MAX = 16 * 1024 * 1024 };

/* ---- sending ---- */

static bool is_channel(const char *channel)
{
    size_t len = channel ? strlen(channel) : 0;
    return len > 0 && len <= CZ_CHANNEL_BYTES_MAX;
}

void cz_notify(cz_ctx *ctx, const char *channel, cz_str payload)
{
    cz__db_session *session;
    cz_error err;
    if (!is_channel(channel))
        cz_raise(ctx, CZ_EINVAL, "a channel's name has 1 to %d bytes", CZ_CHANNEL_BYTES_MAX);
    if (payload.len > CZ_NOTIFICATION_BYTES_MAX)
        cz_raise(ctx, CZ_ETOOBIG, "a notification of %zu bytes; %d is the most", payload.len,
                 CZ_NOTIFICATION_BYTES_MAX);
    if (cz__db_session_of(ctx, &session, &err))
        cz_raise_error(ctx, &err);
    if (!session->db->driver->notify)
        cz_raise(ctx, CZ_EUNSUPPORTED, "%s has no notifications; PostgreSQL has",
                 session->db->driver->features->name);
    if (session->db->driver->notify(ctx, session, cz_str_from(channel), payload, &err))
        cz_raise_error(ctx, &err);
}

/* ---- listening ---- */

static struct {
    cz__db *db; /* borrowed; NULL: nobody listens */
    const cz_listener_list *const *lists;
    size_t count;
    unsigned running; /* handlers */
} worker;

struct delivery { /* one notification for one listener; in its own arena */
    cz_arena *arena;
    cz_ctx ctx;
    const cz_listener *listener;
    cz_notification notification;
};

static void call_handler(cz_ctx *ctx, void *arg)
{
    const struct delivery *delivery = arg;
    delivery->listener->fn(ctx, &delivery->notification);
}

static void run_handler(void *arg)
{
    struct delivery *delivery = arg;
    cz_arena *arena = delivery->arena;
    cz_ctx *ctx = &delivery->ctx;
    cz_error err;
    cz_ctx_init(ctx, arena);
    ctx->label = delivery->listener->channel;
    cz__fiber_attach(ctx);
    if (cz_try(ctx, call_handler, delivery, &err))
        cz_log_error(ctx, "calzone.notifications", cz_error_message(&err),
                     CZ_FIELD_STR("error", cz_str_from(cz_status_name(err.status))),
                     CZ_FIELD_STR("channel", delivery->notification.channel),
                     CZ_FIELD_STR("file", cz_str_from(err.file ? err.file : "")),
                     CZ_FIELD_INT("line", err.line));
    cz_ctx_done(ctx);
    cz__fiber_attach(NULL);
    cz_arena_destroy(arena);
    if (worker.running-- == CZ_NOTIFICATION_HANDLERS_MAX && worker.db)
        worker.db->driver->listen_again(worker.db);
}

static cz_status start_handler(const cz_listener *listener, const cz__db_notification *from)
{
    cz_arena *arena;
    cz_status status = cz_arena_create(NULL, HANDLER_BYTES_MAX, &arena);
    if (status)
        return status;
    struct delivery *delivery = cz_arena_new(arena, struct delivery);
    status = delivery ? CZ_OK : CZ_ENOMEM;
    if (!status) {
        delivery->arena = arena;
        delivery->listener = listener;
        delivery->notification.sender = from->sender;
        delivery->notification.reconnected = from->reconnected;
        status = cz_str_dup(arena, from->channel, &delivery->notification.channel);
    }
    if (!status)
        status = cz_str_dup(arena, from->payload, &delivery->notification.payload);
    worker.running++;
    if (!status)
        status = cz__fiber_start(run_handler, delivery);
    if (status) {
        worker.running--;
        cz_arena_destroy(arena);
    }
    return status;
}

/* Returns whether more can come now. */
static bool deliver(const cz__db_notification *notification)
{
    for (size_t i = 0; i < worker.count; i++)
        for (size_t n = 0; n < worker.lists[i]->count; n++) {
            const cz_listener *listener = &worker.lists[i]->items[n];
            if (!cz_str_eq(cz_str_from(listener->channel), notification->channel))
                continue;
            cz_status status = start_handler(listener, notification);
            if (status)
                cz_log_error(NULL, "calzone.notifications", "a notification has no handler",
                             CZ_FIELD_STR("error", cz_str_from(cz_status_name(status))),
                             CZ_FIELD_STR("channel", notification->channel));
        }
    return worker.running < CZ_NOTIFICATION_HANDLERS_MAX;
}

cz_status cz__listeners_check(const char *app, const cz_listener_list *listeners, cz_error *err)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (!is_channel(listeners->items[i].channel) || !listeners->items[i].fn)
            return cz_error_set(err, CZ_EVALIDATION,
                                "app %s: listener %zu needs a function and a channel of 1 to %d "
                                "bytes",
                                app, i + 1, CZ_CHANNEL_BYTES_MAX);
    return CZ_OK;
}

/* Each channel once. Returns how many; `out` may be NULL. */
static size_t list_channels(const cz_listener_list *const *lists, size_t count, const char **out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < lists[i]->count; n++) {
            const char *channel = lists[i]->items[n].channel;
            bool known = false;
            for (size_t k = 0; k < found && out && !known; k++)
                known = !strcmp(out[k], channel);
            if (!known && out)
                out[found] = channel;
            found += !known;
        }
    return found;
}

cz_status cz__listeners_start(cz__db *db, const cz_listener_list *const *lists, size_t count,
                              cz_error *err)
{
    size_t most = list_channels(lists, count, NULL);
    if (!most)
        return CZ_OK;
    if (!db->driver->listen)
        return cz_error_set(err, CZ_EUNSUPPORTED,
                            "%s has no notifications, and an app has listeners; PostgreSQL has",
                            db->driver->features->name);
    const char **channels = cz_calloc(most, sizeof(const char *));
    if (!channels)
        return cz_error_set(err, CZ_ENOMEM, "no memory to listen");
    size_t distinct = list_channels(lists, count, channels);
    worker.db = db;
    worker.lists = lists;
    worker.count = count;
    cz_status status = db->driver->listen(db, channels, distinct, deliver, err);
    cz_free(channels);
    if (status)
        worker.db = NULL;
    return status;
}

void cz__listeners_stop(void)
{
    if (worker.db)
        worker.db->driver->listen_stop(worker.db);
    worker.db = NULL;
}
