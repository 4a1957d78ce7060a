/* The ear: a site that listens to PostgreSQL's notifications, and says what it has heard. Not an example. */
#include <calzone/calzone.h>

/* What this worker has heard, a line each; it serves one test and is never emptied. */
static cz_buf heard;
static unsigned at_once, most_at_once;

static void hear(cz_ctx *ctx, const cz_notification *notification)
{
    (void)ctx;
    cz_buf_printf(&heard, "%.*s:%.*s%s\n", CZ_STR_ARG(notification->channel),
                  CZ_STR_ARG(notification->payload),
                  notification->reconnected ? "(reconnected)" : "");
}

/* Takes its time, and uses the database. */
static void hear_slowly(cz_ctx *ctx, const cz_notification *notification)
{
    at_once++;
    most_at_once = at_once > most_at_once ? at_once : most_at_once;
    if (!notification->reconnected)
        cz_sleep(ctx, 20);
    at_once--;
    cz_notify(ctx, "done", notification->payload);
}

static void hear_badly(cz_ctx *ctx, const cz_notification *notification)
{
    if (!notification->reconnected)
        cz_raise(ctx, CZ_EVALIDATION, "%.*s is not to be heard", CZ_STR_ARG(notification->payload));
}

static const cz_listener listeners[] = {
    { "news", hear },        { "News \"x\"", hear }, { "done", hear },
    { "slow", hear_slowly }, { "bad", hear_badly },
};
static const cz_app ear_app = { "ear", .listeners = CZ_LISTENERS(listeners) };

static void say(cz_ctx *ctx, cz_request *req, cz_str text)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), text);
}

static void tell_heard(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, cz_format(ctx, "%s", cz_buf_cstr(&heard)));
}

static void tell_most(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, cz_format(ctx, "%u", most_at_once));
}

static const char *channel_of(cz_ctx *ctx, cz_request *req)
{
    cz_str channel = cz_path_str(ctx, req, "channel");
    return cz_str_eq(channel, CZ_STR("quoted")) ? "News \"x\"" : cz_copy(ctx, channel).ptr;
}

static void send(cz_ctx *ctx, cz_request *req)
{
    cz_notify(ctx, channel_of(ctx, req), req->body);
    say(ctx, req, CZ_STR("sent"));
}

static void send_many(cz_ctx *ctx, cz_request *req)
{
    for (int64_t i = 0; i < cz_path_int(ctx, req, "count"); i++)
        cz_notify(ctx, channel_of(ctx, req), cz_format(ctx, "%lld", (long long)i));
    say(ctx, req, CZ_STR("sent"));
}

struct sending {
    cz_request *req;
    bool fails;
};

static void send_inside(cz_ctx *ctx, void *arg)
{
    const struct sending *sending = arg;
    cz_notify(ctx, "news", sending->req->body);
    cz_sleep(ctx, 200);
    if (sending->fails)
        cz_raise(ctx, CZ_EVALIDATION, "changed my mind");
}

static void send_in_transaction(cz_ctx *ctx, cz_request *req)
{
    cz_atomic(ctx, send_inside, &(struct sending){ req, false });
    say(ctx, req, CZ_STR("sent"));
}

static void send_and_fail(cz_ctx *ctx, cz_request *req)
{
    cz_atomic(ctx, send_inside, &(struct sending){ req, true });
}

static const cz_route urls[] = {
    CZ_GET("/heard", tell_heard),
    CZ_GET("/most", tell_most),
    CZ_POST("/send/<channel>", send),
    CZ_POST("/send-many/<channel>/<int:count>", send_many),
    CZ_POST("/send-in-transaction", send_in_transaction),
    CZ_POST("/send-and-fail", send_and_fail),
    CZ_ROUTES_END,
};

CZ_PROJECT_MAIN("ear", .apps = CZ_APPS(&ear_app), .urls = urls)
