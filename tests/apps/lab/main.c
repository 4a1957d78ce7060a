/* The lab: handlers that do what the system tests look at, and one that crashes. Not an example. */
#include <calzone/calzone.h>
#include <stdlib.h>
#include <time.h>

#define NOTE(F) F(char_field, text, .max_length = 200, .unique = true)
CZ_MODEL(Note, NOTE);

static const cz_app notes_app = { "notes", .models = CZ_MODELS(Note) };

/* What the connection is. */
static void tell_peer(cz_ctx *ctx, cz_request *req)
{
    cz_str text =
        cz_format(ctx, "%.*s %.*s", CZ_STR_ARG(req->scheme), CZ_STR_ARG(req->client_certificate));
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), text);
}

static void block(void *arg)
{
    int64_t ms = *(const int64_t *)arg;
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static void say(cz_ctx *ctx, cz_request *req, int status, cz_str text)
{
    cz_respond(ctx, req, status, CZ_STR("text/plain"), text);
}

static void echo(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, 200, req->body);
}

static void sleep_for(cz_ctx *ctx, cz_request *req)
{
    cz_sleep(ctx, (uint64_t)cz_path_int(ctx, req, "ms"));
    say(ctx, req, 200, CZ_STR("slept"));
}

static void offload_for(cz_ctx *ctx, cz_request *req)
{
    int64_t ms = cz_path_int(ctx, req, "ms");
    cz_offload(ctx, block, &ms);
    say(ctx, req, 200, CZ_STR("done"));
}

/* Holds the worker, so that what arrives meanwhile is read in one turn. */
static void hold_for(cz_ctx *ctx, cz_request *req)
{
    int64_t ms = cz_path_int(ctx, req, "ms");
    block(&ms);
    say(ctx, req, 200, CZ_STR("held"));
}

/* Takes so much of the processor, however often others take it meanwhile. */
static void burn_for(cz_ctx *ctx, cz_request *req)
{
    int64_t us = cz_path_int(ctx, req, "us");
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    int64_t until = now.tv_sec * 1000000 + now.tv_nsec / 1000 + us;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while (now.tv_sec * 1000000 + now.tv_nsec / 1000 < until);
    say(ctx, req, 200, CZ_STR("burnt"));
}

static void tell_ready(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, 200, CZ_STR("ready"));
}

static void crash(cz_ctx *ctx, cz_request *req)
{
    (void)ctx, (void)req;
    abort();
}

static void fail(cz_ctx *ctx, cz_request *req)
{
    (void)req;
    cz_raise(ctx, CZ_EDATABASE, "the secret of the lab");
}

/* Makes a note and reads it again, by its key, its text and by counting. */
static void make_note(cz_ctx *ctx, cz_request *req)
{
    int64_t before = cz_count(ctx, Note);
    const Note *made = cz_create(ctx, Note, (text, req->body));
    const Note *read = cz_get(ctx, Note, .where = CZ_Q(Note, id, EXACT, made->id));
    bool same = cz_str_eq(read->text, req->body) && cz_count(ctx, Note) == before + 1 &&
                cz_exists(ctx, Note, .where = CZ_Q(Note, text, EXACT, req->body));
    say(ctx, req, same ? 201 : 500, same ? CZ_STR("seen") : CZ_STR("not seen"));
}

static void count_notes(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, 200, cz_format(ctx, "%lld", (long long)cz_count(ctx, Note)));
}

static void drop_notes(cz_ctx *ctx, cz_request *req)
{
    cz_delete(ctx, Note, CZ_EVERY_ROW);
    say(ctx, req, 200, CZ_STR("dropped"));
}

static void insert_and_fail(cz_ctx *ctx, void *arg)
{
    const cz_request *req = arg;
    cz_create(ctx, Note, (text, req->body));
    cz_raise(ctx, CZ_EVALIDATION, "changed my mind");
}

static void make_no_note(cz_ctx *ctx, cz_request *req)
{
    cz_atomic(ctx, insert_and_fail, req);
}

/* Makes a note in the request's transaction and stays in it for a while. */
static void make_note_slowly(cz_ctx *ctx, cz_request *req)
{
    cz_create(ctx, Note, (text, req->body));
    cz_sleep(ctx, (uint64_t)cz_path_int(ctx, req, "ms"));
    say(ctx, req, 201, CZ_STR("made"));
}

static void count_a_life(void *arg)
{
    --*(int *)arg;
}

/* Queries, a pool job, a sleep, memory and clean-ups: what a client may leave in the middle of. */
static void mix(cz_ctx *ctx, cz_request *req)
{
    static int alive;
    alive++;
    cz_defer(ctx, count_a_life, &alive);
    int64_t ms = 1;
    for (int i = 0; i < 3; i++) {
        cz_count(ctx, Note);
        cz_offload(ctx, block, &ms);
        cz_alloc(ctx, 100000);
        cz_sleep(ctx, 1);
    }
    say(ctx, req, 200, cz_format(ctx, "%d", alive));
}

/* A body of so many bytes, in pieces that are no round number. */
static void send_bytes(cz_ctx *ctx, cz_request *req, void *arg)
{
    int64_t left = *(const int64_t *)arg;
    char piece[3001];
    memset(piece, 'x', sizeof piece);
    while (left > 0) {
        size_t len = left < (int64_t)sizeof piece ? (size_t)left : sizeof piece;
        cz_stream_write(ctx, req, cz_str_of(piece, len));
        cz_stream_write(ctx, req, CZ_STR("")); /* no piece, and not the end */
        left -= (int64_t)len;
    }
}

static void stream(cz_ctx *ctx, cz_request *req)
{
    int64_t *bytes = cz_new(ctx, int64_t);
    *bytes = cz_path_int(ctx, req, "bytes");
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_bytes, bytes);
}

/* The same, whole. */
static void repeat(cz_ctx *ctx, cz_request *req)
{
    size_t bytes = (size_t)cz_path_int(ctx, req, "bytes");
    char *text = cz_alloc(ctx, bytes);
    memset(text, 'x', bytes);
    say(ctx, req, 200, cz_str_of(text, bytes));
}

static void send_slowly(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++) {
        cz_stream_write(ctx, req, CZ_STR("tick "));
        cz_sleep(ctx, 20);
    }
}

static void trickle(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_slowly, NULL);
}

static void send_and_fail(cz_ctx *ctx, cz_request *req, void *arg)
{
    (void)arg;
    cz_stream_write(ctx, req, CZ_STR("half of "));
    cz_raise(ctx, CZ_EIO, "the rest cannot be read");
}

static void broken_stream(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("text/plain"), send_and_fail, NULL);
}

/* Writes without having read: what it reads then, it must see. */
static void make_own_note(cz_ctx *ctx, cz_request *req)
{
    const Note *made = cz_create(ctx, Note, (text, req->body));
    bool seen = cz_exists(ctx, Note, .where = CZ_Q(Note, id, EXACT, made->id));
    say(ctx, req, seen ? 201 : 500, seen ? CZ_STR("seen") : CZ_STR("not seen"));
}

/* ---- who answers SQL by hand: "copy" or "primary" ---- */

#define SERVER(F) F(char_field, text)
CZ_RECORD(Server, SERVER);
#define WHO "CASE WHEN pg_is_in_recovery() THEN 'copy' ELSE 'primary' END AS text"

static cz_str who(cz_ctx *ctx)
{
    return cz_raw_values(ctx, Server,
                         CZ_SQL((sqlite, "SELECT 'primary' AS text"), (postgresql, "SELECT " WHO)))
        .items[0]
        .text;
}

static void ask_who(cz_ctx *ctx, void *arg)
{
    *(cz_str *)arg = who(ctx);
}

static cz_str ask_by_rows(cz_ctx *ctx)
{
    return cz_raw(ctx, Note,
                  CZ_SQL((sqlite, "SELECT 1 AS id, 'primary' AS text"),
                         (postgresql, "SELECT 1 AS id, " WHO)))
        .items[0]
        .text;
}

static cz_str ask_by_built(cz_ctx *ctx)
{
    return cz_raw_values_unchecked(ctx, Server, CZ_STR("SELECT " WHO)).items[0].text;
}

static cz_str ask_locked(cz_ctx *ctx)
{
    return cz_raw_values(ctx, Server,
                         CZ_SQL((sqlite, "SELECT 'primary' AS text"),
                                (postgresql, "SELECT " WHO " FROM notes_note LIMIT 1 FOR UPDATE")))
        .items[0]
        .text;
}

/* What a copy refuses is asked of the primary. */
static cz_str ask_by_function(cz_ctx *ctx)
{
    return cz_raw_values(ctx, Server,
                         CZ_SQL((sqlite, "SELECT 'primary' AS text"),
                                (postgresql, "SELECT " WHO " FROM pg_current_xact_id() LIMIT 1")))
        .items[0]
        .text;
}

static cz_str ask_in_transaction(cz_ctx *ctx)
{
    cz_str found;
    cz_atomic(ctx, ask_who, &found);
    return found;
}

static cz_str ask_after_change(cz_ctx *ctx)
{
    cz_execute(ctx, "UPDATE notes_note SET text = text");
    return who(ctx);
}

static void who_answers(cz_ctx *ctx, cz_request *req)
{
    static const struct {
        const char *name;
        cz_str (*ask)(cz_ctx *ctx);
    } ways[] = {
        { "values", who },
        { "rows", ask_by_rows },
        { "built", ask_by_built },
        { "locked", ask_locked },
        { "function", ask_by_function },
        { "transaction", ask_in_transaction },
        { "after-change", ask_after_change },
    };
    for (size_t i = 0; i < CZ_COUNT(ways); i++)
        if (cz_str_eq(cz_path_str(ctx, req, "how"), cz_str_from(ways[i].name)))
            say(ctx, req, 200, ways[i].ask(ctx));
}

/* ---- files ---- */

#define PARCEL(F)                                                                                  \
    F(char_field, label, .max_length = 20)                                                         \
    F(file_field, content, .max_bytes = 1 << 20, .content_types = "image/png application/pdf",     \
      .extensions = "png pdf")
CZ_RECORD(Parcel, PARCEL);
static CZ_SERIALIZER(ParcelSerializer, Parcel, .fields = CZ_FIELDS(Parcel, label, content));

/* The label, and of the file its name, type, size and the sum of its bytes, read in pieces. */
static void weigh(cz_ctx *ctx, cz_request *req)
{
    Parcel *parcel = cz_read_row(ctx, req, &ParcelSerializer, Parcel);
    const cz_upload *file = &parcel->content;
    uint64_t sum = 0, at = 0;
    unsigned char piece[1000];
    for (size_t read; (read = cz_upload_read(ctx, file, at, piece, sizeof piece)) > 0; at += read)
        for (size_t i = 0; i < read; i++)
            sum += piece[i];
    cz_sleep(ctx, 1); /* others run, and the bytes are still there */
    cz_bytes whole = cz_upload_bytes(ctx, file);
    say(ctx, req, at == file->size && whole.len == at ? 200 : 500,
        cz_format(ctx, "%.*s %.*s %.*s %llu %llu", CZ_STR_ARG(parcel->label),
                  CZ_STR_ARG(file->filename), CZ_STR_ARG(file->content_type),
                  (unsigned long long)file->size, (unsigned long long)sum));
}

/* ---- bodies that are read as they come ---- */

static void tell_sum(cz_ctx *ctx, cz_request *req)
{
    enum { PIECE_BYTES = 64 << 10 };
    unsigned char *piece = cz_alloc(ctx, PIECE_BYTES);
    uint64_t sum = 0, bytes = 0;
    for (size_t n; (n = cz_body_read(ctx, req, piece, PIECE_BYTES)) > 0; bytes += n)
        for (size_t i = 0; i < n; i++)
            sum += piece[i];
    cz_str trailer = cz_request_trailer(req, CZ_STR("x-sum"));
    if (trailer.len)
        cz_respond_header(ctx, req, CZ_STR("X-Trailer"), trailer);
    say(ctx, req, 200,
        cz_format(ctx, "%llu %llu", (unsigned long long)bytes, (unsigned long long)sum));
}

static void sum_late(cz_ctx *ctx, cz_request *req)
{
    cz_sleep(ctx, (uint64_t)cz_path_int(ctx, req, "ms"));
    tell_sum(ctx, req);
}

static void not_read(cz_ctx *ctx, cz_request *req)
{
    say(ctx, req, 403, CZ_STR("no, whatever it is"));
}

/* What comes goes back, while it comes. */
static void send_back(cz_ctx *ctx, cz_request *req, void *arg)
{
    char piece[4096];
    (void)arg;
    for (size_t n; (n = cz_body_read(ctx, req, piece, sizeof piece)) > 0;)
        cz_stream_write(ctx, req, cz_str_of(piece, n));
}

static void echo_as_it_comes(cz_ctx *ctx, cz_request *req)
{
    cz_respond_stream(ctx, req, 200, CZ_STR("application/octet-stream"), send_back, NULL);
}

#define CARGO(F)                                                                                   \
    F(char_field, label, .max_length = 20)                                                         \
    F(file_field, content, .max_bytes = INT64_C(8) << 30, .allow_empty_file = true)
CZ_RECORD(Cargo, CARGO);
static CZ_SERIALIZER(CargoSerializer, Cargo, .fields = CZ_FIELDS(Cargo, label, content));

/* As weigh(), of what may lie on a disk; with ?as=NAME it is kept. */
static void load(cz_ctx *ctx, cz_request *req)
{
    enum { PIECE_BYTES = 64 << 10 };
    Cargo *cargo = cz_read_row(ctx, req, &CargoSerializer, Cargo);
    unsigned char *piece = cz_alloc(ctx, PIECE_BYTES);
    uint64_t sum = 0, at = 0;
    for (size_t n; (n = cz_upload_read(ctx, &cargo->content, at, piece, PIECE_BYTES)) > 0; at += n)
        for (size_t i = 0; i < n; i++)
            sum += piece[i];
    cz_str name = cz_query_str(ctx, req, "as");
    if (name.len)
        cz_upload_save(ctx, &cargo->content, cz_copy(ctx, name).ptr);
    say(ctx, req, 200,
        cz_format(ctx, "%.*s %.*s %llu %llu", CZ_STR_ARG(cargo->label),
                  CZ_STR_ARG(cargo->content.content_type), (unsigned long long)at,
                  (unsigned long long)sum));
}

/* Sends back what came. */
static void echo_messages(cz_ctx *ctx, cz_request *req, cz_websocket *ws)
{
    cz_ws_message message;
    (void)req;
    while (cz_ws_receive(ctx, ws, &message))
        cz_ws_send_binary(ctx, ws, message.data);
}

static void send_file(cz_ctx *ctx, cz_request *req)
{
    cz_respond_file(ctx, req, ".", CZ_STR("file.txt"), NULL);
}

#define ANY_BODY .body_streamed = true, .body_max = UINT64_C(8) << 30

static const cz_middleware *const read_your_writes[] = { &cz_read_your_writes, NULL };
static const cz_middleware *const compressed[] = { &cz_compression, NULL };
static const cz_middleware *const atomic_requests[] = { &cz_atomic_requests, NULL };

static const cz_route urls[] = {
    CZ_POST("/echo", echo),
    CZ_GET("/sleep/<int:ms>", sleep_for),
    CZ_GET("/offload/<int:ms>", offload_for),
    CZ_GET("/hold/<int:ms>", hold_for),
    CZ_GET("/burn/<int:us>", burn_for),
    CZ_GET("/readyz", tell_ready),
    CZ_GET("/crash", crash, .name = "crash"),
    CZ_GET("/fail", fail),
    CZ_GET("/notes", count_notes),
    CZ_GET("/stream/<int:bytes>", stream),
    CZ_GET("/small/stream/<int:bytes>", stream, .middleware = compressed),
    CZ_GET("/small/<int:bytes>", repeat, .middleware = compressed),
    CZ_GET("/small/trickle", trickle, .middleware = compressed),
    CZ_GET("/trickle", trickle),
    CZ_GET("/broken-stream", broken_stream),
    CZ_GET("/file", send_file),
    CZ_WEBSOCKET("/ws", echo_messages),
    CZ_POST("/notes", make_note),
    CZ_DELETE("/notes", drop_notes),
    CZ_POST("/no-notes", make_no_note),
    CZ_POST("/own-notes", make_own_note, .middleware = read_your_writes),
    CZ_GET("/own-notes", count_notes, .middleware = read_your_writes),
    CZ_POST("/slow-notes/<int:ms>", make_note_slowly, .middleware = atomic_requests),
    CZ_GET("/mix", mix),
    CZ_POST("/parcels", weigh),
    CZ_POST("/cargo", load, ANY_BODY),
    CZ_POST("/parcels-as-they-come", weigh, ANY_BODY),
    CZ_POST("/sum", tell_sum, ANY_BODY),
    CZ_PUT("/sum", tell_sum, ANY_BODY),
    CZ_POST("/sum/<int:ms>", sum_late, ANY_BODY),
    CZ_PUT("/not-read", not_read, ANY_BODY),
    CZ_PUT("/back", echo_as_it_comes, ANY_BODY),
    CZ_POST("/sum-held", tell_sum, .body_max = 20 << 20),
    CZ_POST("/sum-small", tell_sum, .body_streamed = true),
    CZ_GET("/who/<str:how>", who_answers),
    CZ_GET("/peer", tell_peer),
    CZ_ROUTES_END,
};

CZ_PROJECT_MAIN("lab", .apps = CZ_APPS(&notes_app), .urls = urls)
