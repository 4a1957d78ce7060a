#include "base/unset.h"
#include "http/ws_deflate.h"
#include "http/h1_head.h"
#include "http/zlib.h"

/* ---- What is agreed on ---- */

struct offer {
    bool is_deflate, can_be_met;
    bool server_no_takeover, client_no_takeover, client_bits;
    unsigned window_bits; /* of server_max_window_bits; 0: not asked */
};

/* Of 8 to 15, without a zero before it (RFC 7692, 7.1.2); 0: it is not. */
static unsigned bits_of(cz_str value)
{
    uint64_t bits;
    if (!value.len || value.ptr[0] == '0' || cz_str_to_u64(value, &bits) || bits < 8 || bits > 15)
        return 0;
    return (unsigned)bits;
}

static bool once(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

/* Whether this side knows the parameter and can do what it asks. */
static bool meets(struct offer *offer, cz_str name, bool has_value, cz_str value)
{
    if (cz_str_eq_icase(name, CZ_STR("server_no_context_takeover")))
        return !has_value && once(&offer->server_no_takeover);
    if (cz_str_eq_icase(name, CZ_STR("client_no_context_takeover")))
        return !has_value && once(&offer->client_no_takeover);
    if (cz_str_eq_icase(name, CZ_STR("client_max_window_bits"))) /* any window can be read */
        return once(&offer->client_bits) && (!has_value || bits_of(value));
    if (!cz_str_eq_icase(name, CZ_STR("server_max_window_bits")) || offer->window_bits)
        return false;
    offer->window_bits = has_value ? bits_of(value) : 0;
    return offer->window_bits >= CZ__WS_WINDOW_BITS_MIN; /* zlib has no window of 8 bits */
}

/* A value in quotes, of which what is inside has to be a token (RFC 6455, 9.1), or without. */
static bool take_value(cz_str *text)
{
    if (text->len > 1 && text->ptr[0] == '"' && text->ptr[text->len - 1] == '"')
        *text = cz_str_head(cz_str_tail(*text, 1), text->len - 2);
    return cz__http_is_token(*text);
}

static cz_str trim_blanks(cz_str text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = cz_str_tail(text, 1);
    while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* extension-param = token [ "=" ( token / quoted-string ) ] */
static bool read_parameter(struct offer *offer, cz_str text)
{
    size_t equals = cz_str_find_char(text, '=');
    bool has_value = equals != SIZE_MAX;
    cz_str name = trim_blanks(has_value ? cz_str_head(text, equals) : text);
    cz_str value = has_value ? trim_blanks(cz_str_tail(text, equals + 1)) : CZ_STR("");
    if (!cz__http_is_token(name) || (has_value && !take_value(&value)))
        return false;
    if (offer->is_deflate && !meets(offer, name, has_value, value))
        offer->can_be_met = false;
    return true;
}

/* extension = extension-token *( ";" extension-param ); nothing but tokens can be inside quotes, so no ";" or ",". */
static bool read_offer(cz_str text, struct offer *out)
{
    cz_str name = trim_blanks(cz_str_head(text, cz_str_find_char(text, ';')));
    *out = (struct offer){ 0 };
    out->is_deflate = out->can_be_met = cz_str_eq_icase(name, CZ_STR("permessage-deflate"));
    bool good = cz__http_is_token(name);
    for (size_t semicolon; good && (semicolon = cz_str_find_char(text, ';')) != SIZE_MAX;) {
        text = cz_str_tail(text, semicolon + 1);
        good = read_parameter(out, cz_str_head(text, cz_str_find_char(text, ';')));
    }
    return good;
}

cz_status cz__ws_deflate_choose(cz_str header, unsigned *out_window_bits)
{
    unsigned chosen = 0;
    bool any = false;
    while (header.len) {
        struct offer offer;
        cz_str text = trim_blanks(cz_str_cut(&header, ','));
        if (!text.len) /* empty items of a list are let pass (RFC 9110, 5.6.1.2) */
            continue;
        any = true;
        if (!read_offer(text, &offer))
            return CZ_EPROTOCOL;
        if (offer.can_be_met && !chosen)
            chosen = offer.window_bits ? offer.window_bits : CZ__WS_WINDOW_BITS_MAX;
    }
    if (!any)
        return CZ_EPROTOCOL;
    *out_window_bits = chosen;
    return CZ_OK;
}

/* ---- The streams ---- */

/* The level costs the loop's time: 1 takes a third of what zlib's usual 6 does and gives a tenth more bytes. */
enum { LEVEL = 1, MEMORY_LEVEL = 8, OUT_BYTES = 16 << 10 };

struct cz__ws_codec {
    z_stream in;
    bool in_ready;
    z_stream out[CZ__WS_WINDOW_BITS_MAX - CZ__WS_WINDOW_BITS_MIN + 1]; /* one a window */
    bool out_ready[CZ__WS_WINDOW_BITS_MAX - CZ__WS_WINDOW_BITS_MIN + 1];
};

/* What a flush ends in, which is not sent (RFC 7692, 7.2.1). */
static const unsigned char flush_tail[] = { 0, 0, 0xff, 0xff };

static void *allocate(void *unused, unsigned count, unsigned bytes)
{
    (void)unused;
    return cz_calloc(count, bytes);
}

static void release(void *unused, void *memory)
{
    (void)unused;
    cz_free(memory);
}

cz_status cz__ws_codec_create(cz__ws_codec **out)
{
    cz__ws_codec *codec = cz_calloc(1, sizeof *codec);
    if (!codec)
        return CZ_ENOMEM;
    *out = codec;
    return CZ_OK;
}

void cz__ws_codec_destroy(cz__ws_codec *codec)
{
    if (!codec)
        return;
    if (codec->in_ready)
        cz_ignore(
            inflateEnd(&codec->in)); /* it has nothing to tell any more, nor have those below */
    for (size_t i = 0; i < CZ_COUNT(codec->out); i++)
        if (codec->out_ready[i])
            cz_ignore(deflateEnd(&codec->out[i]));
    cz_free(codec);
}

/* ---- Inflating ---- */

static z_stream *inflater(cz__ws_codec *codec)
{
    z_stream *stream = &codec->in;
    if (codec->in_ready)
        return inflateReset(stream) == Z_OK ? stream : NULL;
    *stream = (z_stream){ .zalloc = allocate, .zfree = release };
    codec->in_ready = inflateInit2(stream, -CZ__WS_WINDOW_BITS_MAX) == Z_OK;
    return codec->in_ready ? stream : NULL;
}

/* Inflate what the stream has to read, and leave it where a block ends if it ends there: Z_BLOCK is what lets zlib tell. */
static cz_status inflate_part(z_stream *stream, cz_str part, cz_buf *out)
{
    char bytes[OUT_BYTES / 2] CZ__UNSET;
    stream->next_in = (Bytef *)(uintptr_t)part.ptr;
    stream->avail_in = (uInt)part.len;
    for (;;) {
        stream->next_out = (Bytef *)bytes;
        stream->avail_out = sizeof bytes;
        int code = inflate(stream, Z_BLOCK);
        size_t made = sizeof bytes - stream->avail_out;
        if (code == Z_MEM_ERROR)
            return CZ_ENOMEM;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return CZ_EPROTOCOL;
        if (out->bytes_max - out->len < made)
            return CZ_ETOOBIG;
        cz_buf_append(out, bytes, made);
        if (cz_buf_status(out))
            return cz_buf_status(out);
        if (code == Z_STREAM_END && inflateReset(stream) != Z_OK) /* a last block is not the last */
            return CZ_EPROTOCOL;
        if (code == Z_BUF_ERROR || (!stream->avail_in && stream->avail_out))
            return CZ_OK;
    }
}

cz_status cz__ws_inflate(cz__ws_codec *codec, cz_str message, cz_buf *out)
{
    enum { AFTER_BLOCK = 128 }; /* of z_stream.data_type */
    z_stream *stream = inflater(codec);
    cz_assert(message.len <= UINT32_MAX && out->bytes_max);
    if (!stream)
        return CZ_ENOMEM;
    cz_status status = inflate_part(stream, message, out);
    if (!status)
        status = inflate_part(stream, cz_str_of((const char *)flush_tail, sizeof flush_tail), out);
    if (!status && !(stream->data_type & AFTER_BLOCK))
        status = CZ_EPROTOCOL;
    return status;
}

/* ---- Deflating ---- */

static z_stream *deflater(cz__ws_codec *codec, unsigned window_bits)
{
    cz_assert(window_bits >= CZ__WS_WINDOW_BITS_MIN && window_bits <= CZ__WS_WINDOW_BITS_MAX);
    size_t i = window_bits - CZ__WS_WINDOW_BITS_MIN;
    z_stream *stream = &codec->out[i];
    if (codec->out_ready[i])
        return deflateReset(stream) == Z_OK ? stream : NULL;
    *stream = (z_stream){ .zalloc = allocate, .zfree = release };
    codec->out_ready[i] = deflateInit2(stream, LEVEL, Z_DEFLATED, -(int)window_bits, MEMORY_LEVEL,
                                       Z_DEFAULT_STRATEGY) == Z_OK;
    return codec->out_ready[i] ? stream : NULL;
}

cz_status cz__ws_deflate(cz__ws_codec *codec, unsigned window_bits, cz_str message, cz_buf *out)
{
    z_stream *stream = deflater(codec, window_bits);
    cz_status status = stream ? cz__deflate_append(stream, message, Z_SYNC_FLUSH, out) : CZ_ENOMEM;
    if (status)
        return status;
    cz_assert(out->len >= sizeof flush_tail);
    out->len -= sizeof flush_tail;
    return CZ_OK;
}
