/* Idempotency-Key: the answer is stored with what it tells of (docs/decisions/0098-answers-kept-in-the-transaction.md). */
#include <calzone/idempotency.h>
#include <calzone/queries.h>
#include <calzone/raw.h>
#include <calzone/runtime.h>
#include <calzone/time.h>
#include <calzone/transactions.h>
#include "base/crypto.h"
#include "http/own_headers.h"
#include "idempotency/models.h"
#include <stdio.h>

enum { LOCK_WAIT_MS = 600 };

static int64_t life_ms;

/* One request with a key. */
struct attempt {
    cz_request *req;
    const cz_next *next;
    cz_str digest, request; /* as the table has them */
    struct cz__headers_before headers_before;
    bool busy; /* another has the key's lock */
};

/* ---- the key ---- */

static CZ_NORETURN void refuse(cz_ctx *ctx, int http, const char *code, const char *why)
{
    cz_error err;
    cz_ignore(cz_error_set(&err, CZ_EPROTOCOL, "%s", why));
    err.http_status = (uint16_t)http;
    snprintf(err.code, sizeof err.code, "%s", code);
    cz_raise_error(ctx, &err);
}

/* The header's string, without its quotes (RFC 8941, 3.3.3; bare ones are what most clients send). Two keys, with a comma
 * between, are none. */
static cz_str read_key(cz_ctx *ctx, const cz_request *req)
{
    cz_str key = cz_str_trim(cz_request_header(req, CZ_STR("Idempotency-Key")));
    bool quoted = key.len >= 2 && key.ptr[0] == '"' && key.ptr[key.len - 1] == '"';
    if (quoted)
        key = cz_str_of(key.ptr + 1, key.len - 2);
    bool fine = key.len > 0 && key.len <= CZ_IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; i < key.len && fine; i++)
        fine = key.ptr[i] > ' ' && key.ptr[i] < 0x7f && key.ptr[i] != '"' && key.ptr[i] != '\\' &&
               key.ptr[i] != ',';
    if (!fine)
        refuse(ctx, 400, "idempotency_key_invalid",
               "An Idempotency-Key is 1 to 255 visible characters.");
    return key;
}

static cz_str sha256(cz_ctx *ctx, cz_str text)
{
    char *hex = cz_alloc(ctx, CZ__SHA256_HEX);
    cz_error err;
    if (cz__sha256_hex(text, hex, &err))
        cz_raise_error(ctx, &err);
    return cz_str_of(hex, CZ__SHA256_HEX);
}

/* Parts that hold no NUL, each with one behind it. */
static void add(cz_buf *out, cz_str part)
{
    cz_buf_append_str(out, part);
    cz_buf_append_char(out, '\0');
}

static cz_str of_caller(cz_ctx *ctx, const cz_request *req)
{
    cz_buf *text = cz_scratch(ctx);
    add(text, read_key(ctx, req));
    add(text, ctx->actor);
    for (size_t i = 0; i < 2 && !ctx->actor.len; i++)
        add(text, cz_request_header(req, i ? CZ_STR("Cookie") : CZ_STR("Authorization")));
    cz_check(ctx, cz_buf_status(text));
    return cz_buf_str(text);
}

static cz_str of_request(cz_ctx *ctx, cz_request *req)
{
    cz_buf *text = cz_scratch(ctx);
    add(text, req->method_text);
    add(text, req->target);
    add(text, req->content_type);
    add(text, sha256(ctx, cz_request_body(ctx, req)));
    cz_check(ctx, cz_buf_status(text));
    return cz_buf_str(text);
}

/* ---- the answer ---- */

static void replay(cz_ctx *ctx, cz_request *req, const cz_idempotency_key *kept)
{
    cz_respond(ctx, req, kept->status, kept->content_type,
               cz_str_of(kept->body.ptr, kept->body.len));
    cz_str rest = kept->headers;
    while (rest.len) {
        cz_str value = cz_str_cut(&rest, '\n'), name = cz_str_cut(&value, ':');
        cz_respond_header_static(ctx, req, name,
                                 value); /* as long as the row, which is the context's */
    }
    cz_respond_header_static(ctx, req, CZ_STR("Idempotency-Replayed"), CZ_STR("true"));
}

static cz_str header_lines(cz_ctx *ctx, const struct attempt *attempt)
{
    struct cz__own_headers own =
        cz__headers_since(ctx, &attempt->req->response, &attempt->headers_before);
    cz_buf *lines = cz_scratch(ctx);
    for (size_t i = 0; i < own.count; i++)
        cz_buf_printf(lines, "%.*s:%.*s\n", CZ_STR_ARG(own.items[i].name),
                      CZ_STR_ARG(own.items[i].value));
    cz_check(ctx, cz_buf_status(lines));
    return cz_buf_str(lines);
}

static void keep(cz_ctx *ctx, const struct attempt *attempt)
{
    const cz_response *response = &attempt->req->response;
    if (response->stream)
        cz_raise(ctx, CZ_EINVAL,
                 "an answer that is a stream can not be kept for its Idempotency-Key");
    cz_str body = response->body->len ? cz_buf_str(response->body) : response->body_text;
    cz_create(ctx, cz_idempotency_key, (digest, attempt->digest), (request, attempt->request),
              (status, response->status), (content_type, response->content_type),
              (headers, header_lines(ctx, attempt)), (body, (cz_bytes){ body.ptr, body.len }),
              (expires_at, (cz_datetime){ cz_now().us + life_ms * 1000 }));
}

/* ---- the middleware ---- */

#define LOCK_RESULT(F) F(int_field, taken)
CZ_RECORD(cz_idempotency_lock, LOCK_RESULT);

/* To the end of the transaction. SQLite's transaction has the lock of all writers already; PostgreSQL's locks are one
 * database's, whose schemas may have a site each. */
static bool lock(cz_ctx *ctx, cz_str digest)
{
    cz_rows(cz_idempotency_lock) locks = cz_raw_values(
        ctx, cz_idempotency_lock,
        CZ_SQL((sqlite, "SELECT ? IS NOT NULL AS taken"),
               (postgresql, "SELECT pg_try_advisory_xact_lock(hashtextextended(coalesce("
                            "current_schema(), '') || ?, 0))::int AS taken")),
        CZ_ARGS(digest));
    return locks.items[0].taken != 0;
}

static void run(cz_ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    const cz_response *response = &attempt->req->response;
    attempt->busy = !lock(ctx, attempt->digest);
    if (attempt->busy)
        return;
    const cz_idempotency_key *kept = cz_first(
        ctx, cz_idempotency_key, .where = CZ_Q(cz_idempotency_key, digest, EXACT, attempt->digest));
    if (kept && kept->expires_at.us <= cz_now().us) {
        cz_delete(ctx, cz_idempotency_key, CZ_Q(cz_idempotency_key, id, EXACT, kept->id));
        kept = NULL;
    }
    if (kept && !cz_str_eq(kept->request, attempt->request))
        refuse(ctx, 422, "idempotency_key_reused",
               "This Idempotency-Key came with another request before.");
    if (kept) {
        replay(ctx, attempt->req, kept);
        return;
    }
    cz_next_call(ctx, attempt->req, attempt->next);
    /* An error says that nothing was done, so nothing is; then it may be sent again, mended or not, under the same key. */
    if (response->raised || response->status >= 400 || ctx->cancelled)
        cz_set_rollback(ctx, true);
    else
        keep(ctx, attempt);
}

/* A first request that ends soon is waited for. One that failed has its lock until the database has rolled it back, which
 * nobody waits for. Between two looks there is no transaction: a client that sends a key twenty times would else wait with
 * all connections of the pool. */
static void run_when_free(cz_ctx *ctx, struct attempt *attempt)
{
    uint64_t pause_ms = 5, waited_ms = 0;
    for (;;) {
        cz_atomic(ctx, run, attempt);
        if (!attempt->busy)
            return;
        if (waited_ms >= LOCK_WAIT_MS)
            refuse(ctx, 409, "idempotency_key_in_use",
                   "The first request with this Idempotency-Key is not answered yet.");
        cz_sleep(ctx, pause_ms);
        waited_ms += pause_ms;
        pause_ms *= 2;
    }
}

static void process_key(cz_ctx *ctx, cz_request *req, const cz_next *next, bool required)
{
    bool changes = req->method == CZ_METHOD_POST || req->method == CZ_METHOD_PATCH;
    if (changes && cz_request_has_header(req, CZ_STR("Idempotency-Key"))) {
        struct attempt attempt = { .req = req,
                                   .next = next,
                                   .headers_before = cz__headers_before(ctx, &req->response) };
        attempt.digest = sha256(ctx, of_caller(ctx, req));
        attempt.request = sha256(ctx, of_request(ctx, req));
        run_when_free(ctx, &attempt);
        return;
    }
    if (changes && required)
        refuse(ctx, 400, "idempotency_key_required",
               "Send an Idempotency-Key, so that this can be sent again without being done twice.");
    cz_next_call(ctx, req, next);
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    process_key(ctx, req, next, false);
}

static void process_required(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    process_key(ctx, req, next, true);
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    life_ms = cz_setting_int(settings, "IDEMPOTENCY_KEY_LIFE");
    if (!cz_idempotency_key__model.state)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "cz_idempotency keeps its keys in a table: list &cz_idempotency_app in .apps");
    return cz__crypto_load(err);
}

const cz_middleware cz_idempotency = { "idempotency", process, configure };
const cz_middleware cz_idempotency_required = { "idempotency", process_required, configure };
