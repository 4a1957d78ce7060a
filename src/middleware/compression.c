/* Smaller bodies for those who take them: what is compressed, with what, and for whom not. */
#include "http/accept.h"
#include "http/codings.h"
#include "http/streams.h"
#include "middleware/compression.h"
#include "runtime/fiber.h"
#include <calzone/map.h>
#include <calzone/middleware.h>
#include <calzone/random.h>
#include <stdio.h>

enum {
    BODY_BYTES_MAX = 64 << 20, /* of what is made */
    KEPT_BYTES_MAX = 64 << 10, /* a pooled buffer that grew past it is freed */
    /* More is compressed on a thread of the pool: with gzip so much takes half a millisecond of the loop. */
    HERE_BYTES_MAX = 32 << 10
};

static struct {
    cz__coding
        codings[CZ__CODING_COUNT]; /* those that are there, the one that is liked most first */
    size_t count;
    int levels[CZ__CODING_COUNT];
    uint64_t bytes_min;
    unsigned padding_max;
    uint8_t padding_key[16];
    char missing[256];
} self;

/* ---- What may be ---- */

/* Text, and what is as wordy. What is packed already, pictures, films, archives, only takes time. */
static bool is_wordy(cz_str content_type)
{
    static const char *const names[] = {
        "application/json",
        "application/javascript",
        "application/xml",
        "application/x-ndjson",
        "application/x-javascript",
        "application/wasm",
        "application/yaml",
        "application/msgpack",
        "application/x-msgpack",
        "application/sql",
        "application/vnd.msgpack",
        "application/rtf",
        "application/toml",
        "application/vnd.ms-fontobject",
        "font/otf",
        "application/graphql",
        "application/x-yaml",
        "font/ttf",
        "application/xhtml+xml",
        "image/bmp",
        "image/x-icon",
    };
    static const char *const endings[] = { "+json", "+xml", "+yaml", "+text" };
    cz_str type = cz_str_trim(cz_str_cut(&content_type, ';'));
    if (cz_str_eq_icase(cz_str_head(type, 5), CZ_STR("text/")))
        return !cz_str_eq_icase(type, CZ_STR("text/event-stream"));
    for (size_t i = 0; i < CZ_COUNT(names); i++)
        if (cz_str_eq_icase(type, cz_str_from(names[i])))
            return true;
    for (size_t i = 0; i < CZ_COUNT(endings); i++) {
        size_t len = strlen(endings[i]);
        if (type.len > len &&
            cz_str_eq_icase(cz_str_tail(type, type.len - len), cz_str_from(endings[i])))
            return true;
    }
    return false;
}

static bool list_has(cz_str list, cz_str item)
{
    while (list.len)
        if (cz_str_eq_icase(cz_str_trim(cz_str_cut(&list, ',')), item))
            return true;
    return false;
}

/* Whether this answer is one that somebody might get compressed: then it varies. Files have told their length, and are packed
 * beforehand or not at all. */
static bool may_be_coded(const cz_request *req)
{
    const cz_response *response = &req->response;
    int status = response->status;
    return status != 204 && status != 205 && status != 206 && !response->upgrade &&
           !response->stream_counted && is_wordy(response->content_type) &&
           !cz_response_header(req, CZ_STR("Content-Encoding")).len &&
           !cz_response_header(req, CZ_STR("Content-Range")).len &&
           !list_has(cz_response_header(req, CZ_STR("Cache-Control")), CZ_STR("no-transform"));
}

/* ---- Whose answers may tell a secret by their length (BREACH) ---- */

/* What browsers send by themselves, whoever made them ask; a token in Authorization they do not. */
static bool has_ambient_credentials(const cz_request *req)
{
    cz_str authorization = cz_request_header(req, CZ_STR("Authorization"));
    cz_str scheme = cz_str_cut(&authorization, ' ');
    return cz_request_has_header(req, CZ_STR("Cookie")) || req->client_certificate.len ||
           cz_str_eq_icase(scheme, CZ_STR("Basic")) || cz_str_eq_icase(scheme, CZ_STR("Digest")) ||
           cz_str_eq_icase(scheme, CZ_STR("Negotiate")) || cz_str_eq_icase(scheme, CZ_STR("NTLM"));
}

/* Another site's page can let a browser ask a thousand times with the client's cookies and words of its own, and look at the
 * lengths. Browsers say who let them, and pages cannot change it (Fetch Metadata); who does not say it is not trusted. */
static bool is_asked_by_itself(const cz_request *req)
{
    cz_str site = cz_request_header(req, CZ_STR("Sec-Fetch-Site"));
    return cz_str_eq(site, CZ_STR("same-origin")) || cz_str_eq(site, CZ_STR("none"));
}

static bool may_hold_a_secret(const cz_request *req)
{
    return cz_response_header(req, CZ_STR("Set-Cookie")).len ||
           (has_ambient_credentials(req) && !is_asked_by_itself(req));
}

/* ---- What is wanted ---- */

struct wish {
    cz__coding coding; /* CZ__CODING_COUNT: none */
    bool must;         /* the body as it is was refused */
};

static bool takes(const cz_request *req, cz__coding coding)
{
    return cz__accept_encoding(cz_request_header(req, CZ_STR("Accept-Encoding")),
                               cz__coding_name(coding)) > 0;
}

/* The one with the greatest weight, of equal ones the first of ours (RFC 9110, 12.5.3). */
static struct wish wish_of(const cz_request *req)
{
    cz_str header = cz_request_header(req, CZ_STR("Accept-Encoding"));
    struct wish wish = { .coding = CZ__CODING_COUNT };
    int identity = cz__accept_encoding(header, CZ_STR("identity")), most = 0;
    if (!header.len)
        return wish;
    for (size_t i = 0; i < self.count; i++) {
        int weight = cz__accept_encoding(header, cz__coding_name(self.codings[i]));
        if (weight > most) {
            most = weight;
            wish.coding = self.codings[i];
        }
    }
    wish.must = identity == 0;
    if (identity > most)
        wish.coding = CZ__CODING_COUNT;
    return wish;
}

/* ---- The answer ---- */

static void say_coding(cz_ctx *ctx, cz_request *req, cz__coding coding)
{
    cz_respond_header_static(ctx, req, CZ_STR("Content-Encoding"), cz__coding_name(coding));
}

struct job {
    cz__encoder *encoder;
    cz_str body;
    cz_buf *out;
    cz_status status;
};

static void encode(void *arg)
{
    struct job *job = arg;
    job->status = cz__encoder_write(job->encoder, job->body, CZ__ENCODE_END, job->out);
}

/* What it is fits the body, so that the same answer has the same bytes, as its strong ETag says. */
static unsigned padding_of(cz_str body)
{
    return (unsigned)(cz__siphash13(self.padding_key, body.ptr, body.len) % (self.padding_max + 1));
}

static void give_up_buffer(cz_buf *out)
{
    if (out->cap > KEPT_BYTES_MAX)
        cz_buf_done(out);
}

/* Where it can't be, for want of memory, threads or time, the body goes as it is. */
static void code_body(cz_ctx *ctx, cz_request *req, cz__coding coding)
{
    static cz_buf out; /* of the one thread that has a loop; not while it waits */
    cz_response *response = &req->response;
    cz_str body = response->body->len ? cz_buf_str(response->body) : response->body_text;
    cz_buf apart = { 0 };
    bool here = body.len <= HERE_BYTES_MAX;
    struct job job = { .body = body, .out = here ? &out : &apart };
    const cz__encoder_options options = { coding, self.levels[coding], body.len, padding_of(body) };
    if (cz__encoder_acquire(&options, &job.encoder))
        return;
    cz_buf_clear(job.out);
    job.out->bytes_max = BODY_BYTES_MAX;
    if (here)
        encode(&job);
    cz_status status = here ? CZ_OK : cz__fiber_offload(ctx, encode, &job);
    cz__encoder_release(job.encoder);
    if (!status && !job.status && job.out->len < body.len) {
        cz_buf_clear(response->body);
        cz_buf before = *response->body;
        *response->body = *job.out; /* and the other's memory is the next one's */
        response->body->bytes_max = before.bytes_max;
        *job.out = before;
        response->body_text = CZ_STR("");
        say_coding(ctx, req, coding);
        cz__compression_mark(ctx, req, coding);
    }
    if (here)
        give_up_buffer(&out);
    else
        cz_buf_done(&apart);
    if (status == CZ_ECANCELED)
        cz_raise(ctx, CZ_ECANCELED, "the client went away");
}

/* ---- Streams ---- */

struct coded_stream {
    cz__encoder *encoder;
    cz_stream_fn stream;
    void *arg;
    cz_buf *out;
};

static void send_coded(cz_ctx *ctx, cz_request *req, struct coded_stream *coded, cz_str piece,
                       cz__encoding then)
{
    cz_buf_clear(coded->out);
    cz_check(ctx, cz__encoder_write(coded->encoder, piece, then, coded->out));
    cz__stream_put(ctx, req, cz_buf_str(coded->out));
}

/* Whatever was written leaves at once, as without. */
static void filter(cz_ctx *ctx, cz_request *req, cz_str piece, void *arg)
{
    if (piece.len)
        send_coded(ctx, req, arg, piece, CZ__ENCODE_FLUSH);
}

static void stream(cz_ctx *ctx, cz_request *req, void *arg)
{
    struct coded_stream *coded = arg;
    coded->stream(ctx, req, coded->arg);
    send_coded(ctx, req, coded, CZ_STR(""), CZ__ENCODE_END);
}

static void release(void *encoder)
{
    cz__encoder_release(encoder);
}

static void code_stream(cz_ctx *ctx, cz_request *req, cz__coding coding)
{
    cz_response *response = &req->response;
    struct coded_stream *coded = cz_new(ctx, struct coded_stream);
    const cz__encoder_options options = { coding, self.levels[coding], 0,
                                          (unsigned)(cz_random_u64() % (self.padding_max + 1)) };
    if (req->method != CZ_METHOD_HEAD) { /* which has the head alone */
        coded->out = cz_scratch(ctx);
        if (cz__encoder_acquire(&options, &coded->encoder))
            return;
        cz_defer(ctx, release, coded->encoder);
    }
    coded->stream = response->stream;
    coded->arg = response->stream_arg;
    response->stream = stream;
    response->stream_arg = coded;
    response->stream_filter = filter;
    say_coding(ctx, req, coding);
    cz__compression_weaken(ctx, req); /* pieces are cut, and padded, as it comes */
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    const struct wish wish = wish_of(req);
    const struct cz__marked_tags tags = cz__compression_read_tags(ctx, req, takes);
    cz_next_call(ctx, req, next);
    const cz_response *response = &req->response;
    if (!self.count || (response->status != 304 && !may_be_coded(req)))
        return;
    cz_respond_header_add(ctx, req, CZ_STR("Vary"), CZ_STR("Accept-Encoding"));
    if (response->status == 304) {
        cz__compression_mark_known(ctx, req, &tags);
        return;
    }
    size_t bytes = response->body->len ? response->body->len : response->body_text.len;
    bool small = !response->stream && bytes < (wish.must ? 1 : self.bytes_min);
    if (wish.coding == CZ__CODING_COUNT || small || cz_buf_status(response->body) ||
        may_hold_a_secret(req))
        return;
    if (response->stream)
        code_stream(ctx, req, wish.coding);
    else
        code_body(ctx, req, wish.coding);
}

/* ---- Settings ---- */

static cz_status read_codings(const cz_settings *settings, cz_error *err)
{
    cz_str_list names = cz_setting_list(settings, "COMPRESSION");
    cz_error why;
    bool off = names.count == 1 && cz_str_eq(names.items[0], CZ_STR("off"));
    self.count = 0;
    self.missing[0] = '\0';
    for (size_t i = 0; i < names.count && !off; i++) {
        cz__coding coding = cz__coding_find(names.items[i]);
        bool twice = false;
        for (size_t k = 0; k < self.count; k++)
            twice |= self.codings[k] == coding;
        if (coding == CZ__CODING_COUNT || twice)
            return cz_error_set(err, CZ_EVALIDATION,
                                "COMPRESSION: \"%.*s\" %s; zstd, br and gzip in the order they "
                                "are liked, or off",
                                CZ_STR_ARG(names.items[i]),
                                twice ? "stands there twice" : "is none");
        if (!cz__coding_load(coding, &why))
            self.codings[self.count++] = coding;
        else if (!self.missing[0])
            cz_ignore(snprintf(self.missing, sizeof self.missing,
                               "answers are not compressed with %s: %s",
                               cz__coding_name(coding).ptr, cz_error_message(&why)));
    }
    return CZ_OK;
}

/* Of the site's secret, so that all of its machines pad alike; without one this server's processes do. */
static void make_padding_key(cz_str secret)
{
    static const uint8_t keys[2][16] = { "compression pad1", "compression pad2" };
    if (secret.len)
        cz__siphash13_twice(keys, secret.ptr, secret.len, self.padding_key);
    else
        cz_random_bytes(self.padding_key, sizeof self.padding_key);
}

static cz_status configure(const cz_settings *settings, cz_error *err)
{
    self.levels[CZ__GZIP] = (int)cz_setting_int(settings, "COMPRESSION_GZIP_LEVEL");
    self.levels[CZ__BR] = (int)cz_setting_int(settings, "COMPRESSION_BR_LEVEL");
    self.levels[CZ__ZSTD] = (int)cz_setting_int(settings, "COMPRESSION_ZSTD_LEVEL");
    self.bytes_min = (uint64_t)cz_setting_int(settings, "COMPRESSION_MIN");
    self.padding_max = (unsigned)cz_setting_int(settings, "COMPRESSION_PADDING");
    make_padding_key(cz_setting_str(settings, "SECRET_KEY"));
    return read_codings(settings, err);
}

const char *cz__compression_missing(void)
{
    return self.missing[0] ? self.missing : NULL;
}

const cz_middleware cz_compression = { "compression", process, configure };
