/* calzone/notifications.h: PostgreSQL's LISTEN and NOTIFY.
 *
 *     static void price_changed(cz_ctx *ctx, const cz_notification *notification)
 *     {
 *         if (notification->reconnected)
 *             forget_all_prices();       what was sent meanwhile is lost
 *         else
 *             forget_price(notification->payload);
 *     }
 *     static const cz_listener listeners[] = { { "prices", price_changed } };
 *     static const cz_app shop = { "shop", .listeners = CZ_LISTENERS(listeners) };
 *
 *     cz_notify(ctx, "prices", cz_format(ctx, "%lld", (long long)id));
 *
 * Each worker listens, on one connection of its own. A notification reaches every worker of every machine that
 * listens at that moment, and nobody later: what must not be lost belongs into a table.
 */
#ifndef CALZONE_NOTIFICATIONS_H
#define CALZONE_NOTIFICATIONS_H

#include <calzone/context.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CZ_CHANNEL_BYTES_MAX = 63,        /* of a channel's name */
    CZ_NOTIFICATION_BYTES_MAX = 7999, /* of a payload */
    CZ_NOTIFICATION_HANDLERS_MAX = 16 /* that a worker runs at once; the rest wait in order */
};

typedef struct cz_notification {
    cz_str channel, payload; /* as long as the handler runs */
    int sender;              /* the server's process that sent it */
    bool
        reconnected; /* nothing was sent: the connection was lost, or could not be made at first, and is back.
                         What was sent meanwhile is lost. `payload` is empty */
} cz_notification;

/* Runs in a fiber with a context of its own; handlers begin in the order of the notifications. What it raises is
 * logged. */
typedef void (*cz_notification_fn)(cz_ctx *ctx, const cz_notification *notification);

typedef struct cz_listener {
    const char *channel; /* at most CZ_CHANNEL_BYTES_MAX bytes; upper and lower case differ */
    cz_notification_fn fn;
} cz_listener;
typedef struct cz_listener_list {
    const cz_listener *items;
    size_t count;
} cz_listener_list;
/* A table of listeners for cz_app.listeners. It is checked at start. */
#define CZ_LISTENERS(array)                                                                        \
    {                                                                                              \
        (array), CZ_COUNT(array)                                                                   \
    }

/* Send to all who listen to `channel`: inside cz_atomic() when it commits, else at once. Equal notifications of one
 * transaction arrive once.
 * Raises: CZ_EINVAL: a channel that is empty or too long; CZ_ETOOBIG: a payload over CZ_NOTIFICATION_BYTES_MAX;
 * CZ_EVALIDATION: one of them is not UTF-8 or holds a null character; CZ_EUNSUPPORTED: SQLite; as a change does.
 * Context: fiber, may suspend. */
void cz_notify(cz_ctx *ctx, const char *channel, cz_str payload);

#ifdef __cplusplus
}
#endif
#endif
