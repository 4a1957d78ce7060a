/* The shelf: files as answers, of folders and of handlers. Not an example. */
#include <calzone/calzone.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A file of the working directory, whoever chose its name. */
static void download(cz_ctx *ctx, cz_request *req)
{
    const cz_file_options options = { .attachment = true };
    cz_respond_file(ctx, req, "files", cz_path_str(ctx, req, "name"), &options);
}

/* A path that no client chose. */
static void absolute(cz_ctx *ctx, cz_request *req)
{
    cz_respond_file(ctx, req, NULL, cz_str_from(getenv("SHELF_FILE")), NULL);
}

static void descriptor(cz_ctx *ctx, cz_request *req)
{
    const cz_file_options options = { .content_type = CZ_STR("text/x-shelf"),
                                      .filename = CZ_STR("a \"b\".txt") };
    cz_respond_descriptor(ctx, req, open("files/plain.txt", O_RDONLY | O_CLOEXEC), &options);
}

static void respond_and_raise(cz_ctx *ctx, void *arg)
{
    cz_respond_file(ctx, arg, "files", CZ_STR("plain.txt"), NULL);
    cz_raise(ctx, CZ_EINTEGRITY, "changed my mind");
}

/* The scope in which the file was opened ends by a raise that nobody hears of. */
static void closed(cz_ctx *ctx, cz_request *req)
{
    cz_ignore(cz_try(ctx, respond_and_raise, req, NULL)); /* what is left of it is the answer */
}

static void raise(cz_ctx *ctx, cz_request *req)
{
    respond_and_raise(ctx, req);
}

/* Twice: what was answered last counts. */
static void twice(cz_ctx *ctx, cz_request *req)
{
    cz_respond_file(ctx, req, "files", CZ_STR("other.txt"), NULL);
    cz_respond_file(ctx, req, "files", CZ_STR("plain.txt"), NULL);
}

/* Its own descriptors, for who looks for leaks. */
static void tell_process(cz_ctx *ctx, cz_request *req)
{
    int open_count = 0;
    for (int fd = 0; fd < 1024; fd++)
        open_count += fcntl(fd, F_GETFD) >= 0;
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_format(ctx, "%d", open_count));
}

static void send_word(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_stream_write(ctx, req, CZ_STR("streamed"));
}

/* A body whose length nobody knows. */
static void stream(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_word, NULL);
}

/* The addresses of a static file. */
static void tell_address(cz_ctx *ctx, cz_request *req)
{
    const cz_str path = CZ_STR("sub/deep.css");
    cz_str first = cz_reverse(ctx, "static", &path, 1), other = cz_reverse(ctx, "named", &path, 1);
    cz_respond(ctx, req, 200, CZ_STR("text/plain"),
               cz_format(ctx, "%.*s %.*s", CZ_STR_ARG(first), CZ_STR_ARG(other)));
}

/* Who is let in to files of a route with middleware of its own. */
static void let_friends_in(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    if (!cz_str_eq(req->query, CZ_STR("friend")))
        cz_raise(ctx, CZ_EDENIED, "Not for you.");
    cz_next_call(ctx, req, next);
}

static const cz_middleware friends = { .name = "friends", .process = let_friends_in };
static const cz_middleware *const friends_only[] = { &friends, NULL };
static const cz_static_files named = CZ_STATIC_FILES("static");

static void ping(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), CZ_STR("pong"));
}

static const cz_route urls[] = {
    CZ_GET("/download/<path:name>", download),
    CZ_GET("/absolute", absolute),
    CZ_GET("/descriptor", descriptor),
    CZ_GET("/closed", closed),
    CZ_GET("/raise", raise),
    CZ_GET("/twice", twice),
    CZ_GET("/process", tell_process),
    CZ_GET("/ping", ping),
    CZ_GET("/stream", stream),
    CZ_GET("/address", tell_address),
    CZ_STATIC("/static", "static", .name = "static"),
    CZ_STATIC("/site", "site", .index = "index.html", .serves_well_known = true),
    CZ_STATIC("/forever", "static", .immutable = true),
    CZ_RESOURCE("/named", &named, .name = "named", .middleware = friends_only),
    CZ_ROUTES_END,
};
CZ_PROJECT_MAIN("shelf", .urls = urls)
