/* chunked-body = *chunk last-chunk trailer-section CRLF
 * chunk        = 1*16HEXDIG [ chunk-ext ] CRLF chunk-data CRLF     last-chunk = 1*16"0" [ chunk-ext ] CRLF
 * chunk-ext    = *( BWS ";" *( HTAB / SP / VCHAR / obs-text ) )
 *
 * Extensions mean nothing here and are dropped, bounded; but no control byte is let through in them, for
 * a lone CR or LF there ends the line for some peers and not for others, and a request hides between. */
#include "http/h1_chunked.h"
#include "http/h1_scan.h"

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_BWS, /* white space after the size: only ";" may follow */
    CHUNK_EXT,
    CHUNK_SIZE_LF, /* after the CR of the size line */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START, /* at the start of a trailer line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,     /* after the CR of a field line */
    TRAILER_END_LF, /* after the CR of the empty line */
    CHUNK_DONE,
    CHUNK_REFUSED
};

void cz__h1_chunked_init(struct cz__h1_chunked *chunked, uint64_t body_bytes_max)
{
    *chunked = (struct cz__h1_chunked){ .body_bytes_max = body_bytes_max };
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum cz__h1_rule after_size(struct cz__h1_chunked *chunked, char c)
{
    if (chunked->digits == 0)
        return CZ__H1_CHUNK_SIZE;
    if (c == '\r')
        chunked->state = CHUNK_SIZE_LF;
    else if (c == ';')
        chunked->state = CHUNK_EXT;
    else if (c == ' ' || c == '\t')
        chunked->state = CHUNK_BWS;
    else
        return c == '\n' ? CZ__H1_CHUNK_LINE : CZ__H1_CHUNK_SIZE;
    chunked->ext_bytes = 0;
    return CZ__H1_NONE;
}

static enum cz__h1_rule in_size(struct cz__h1_chunked *chunked, char c)
{
    int digit = hex_digit(c);
    if (digit < 0)
        return after_size(chunked, c);
    if (++chunked->digits > 16) /* so the size fits 64 bits */
        return CZ__H1_CHUNK_SIZE;
    chunked->left = chunked->left << 4 | (uint64_t)digit;
    return CZ__H1_NONE;
}

static enum cz__h1_rule in_extension(struct cz__h1_chunked *chunked, char c)
{
    if (c == '\r' && chunked->state == CHUNK_EXT) {
        chunked->state = CHUNK_SIZE_LF;
        return CZ__H1_NONE;
    }
    if (c == '\n')
        return CZ__H1_CHUNK_LINE;
    if (++chunked->ext_bytes > CZ__CHUNK_EXT_BYTES_MAX ||
        ++chunked->ext_total_bytes > CZ__CHUNK_EXT_TOTAL_BYTES_MAX)
        return CZ__H1_CHUNK_EXTENSION_BYTES;
    if (chunked->state == CHUNK_BWS) {
        if (c == ';')
            chunked->state = CHUNK_EXT;
        else if (c != ' ' && c != '\t')
            return CZ__H1_CHUNK_EXTENSION;
    }
    return cz__is_ctl((unsigned char)c) ? CZ__H1_CHUNK_EXTENSION : CZ__H1_NONE;
}

static enum cz__h1_rule begin_data(struct cz__h1_chunked *chunked, char c)
{
    if (c != '\n')
        return CZ__H1_CHUNK_LINE;
    if (chunked->left > chunked->body_bytes_max - chunked->body_bytes)
        return CZ__H1_BODY_TOO_LONG;
    chunked->state = chunked->left ? CHUNK_DATA : TRAILER_START;
    return CZ__H1_NONE;
}

static enum cz__h1_rule in_trailer(struct cz__h1_chunked *chunked, char c)
{
    if (++chunked->trailer_bytes > CZ__CHUNK_TRAILER_BYTES_MAX)
        return CZ__H1_TRAILER_BYTES;
    bool ends = chunked->state == TRAILER_END_LF || (chunked->state == TRAILER_START && c == '\r');
    if (chunked->trailer && !ends)
        cz_buf_append_char(chunked->trailer, c);
    switch (chunked->state) {
    case TRAILER_START:
        if (c == '\r')
            chunked->state = TRAILER_END_LF;
        else if (cz__http_is_token(cz_str_of(&c, 1)))
            chunked->state = TRAILER_NAME;
        else
            return CZ__H1_TRAILER;
        return CZ__H1_NONE;
    case TRAILER_NAME:
        if (c == ':')
            chunked->state = TRAILER_VALUE;
        else if (!cz__http_is_token(cz_str_of(&c, 1)))
            return CZ__H1_TRAILER;
        return CZ__H1_NONE;
    case TRAILER_VALUE:
        if (c == '\r')
            chunked->state = TRAILER_LF;
        else if (cz__is_ctl((unsigned char)c))
            return CZ__H1_TRAILER;
        return CZ__H1_NONE;
    default: /* TRAILER_LF, TRAILER_END_LF */
        if (c != '\n')
            return CZ__H1_TRAILER;
        chunked->state = chunked->state == TRAILER_LF ? TRAILER_START : CHUNK_DONE;
        return CZ__H1_NONE;
    }
}

/* One byte outside chunk-data. */
static enum cz__h1_rule step(struct cz__h1_chunked *chunked, char c)
{
    switch ((enum chunk_state)chunked->state) {
    case CHUNK_SIZE:
        return in_size(chunked, c);
    case CHUNK_BWS:
    case CHUNK_EXT:
        return in_extension(chunked, c);
    case CHUNK_SIZE_LF:
        return begin_data(chunked, c);
    case CHUNK_DATA_CR:
        chunked->state = CHUNK_DATA_LF;
        return c == '\r' ? CZ__H1_NONE : CZ__H1_CHUNK_DATA;
    case CHUNK_DATA_LF:
        chunked->state = CHUNK_SIZE;
        chunked->digits = 0;
        chunked->left = 0;
        return c == '\n' ? CZ__H1_NONE : CZ__H1_CHUNK_DATA;
    default:
        return in_trailer(chunked, c);
    }
}

static cz_status verdict(const struct cz__h1_chunked *chunked)
{
    if (chunked->state == CHUNK_REFUSED)
        return cz__h1_rule_error((enum cz__h1_rule)chunked->rule, NULL);
    return chunked->state == CHUNK_DONE ? CZ_OK : CZ_EAGAIN;
}

cz_status cz__h1_chunked_feed(struct cz__h1_chunked *chunked, char *bytes, size_t len,
                              size_t *out_used, size_t *out_decoded)
{
    size_t i = 0, decoded = 0;
    while (i < len && chunked->state < CHUNK_DONE) {
        if (chunked->state == CHUNK_DATA) {
            size_t take = chunked->left < len - i ? (size_t)chunked->left : len - i;
            memmove(bytes + decoded, bytes + i, take);
            decoded += take;
            i += take;
            chunked->body_bytes += take;
            chunked->left -= take;
            if (chunked->left == 0)
                chunked->state = CHUNK_DATA_CR;
            continue;
        }
        enum cz__h1_rule rule = step(chunked, bytes[i++]);
        if (rule) {
            chunked->rule = (uint8_t)rule;
            chunked->state = CHUNK_REFUSED;
        }
    }
    *out_used = i;
    *out_decoded = decoded;
    return verdict(chunked);
}
