/* Multipart bodies that are read as they come. A window of the body is in memory, and of each value what is left of it once it is
 * told from a delimiter goes on: of fields and small files to memory, of others to a file without a name.
 *
 * The window is filled before it is looked at. It has room for a delimiter's line and a whole head, so neither is ever cut. */
#include "http/form_internal.h"
#include "files/spool.h"

enum { WINDOW_BYTES = 128 << 10 };

struct stream {
    struct cz__form_reading *reading;
    cz_request *req;
    const struct cz__form_limits *limits;
    cz_str delimiter;
    char *window;
    size_t at, end; /* what is not looked at yet */
    bool over;      /* nothing comes behind it */
    uint64_t held;  /* bytes of values in memory */
    cz_buf *value;  /* of the part at hand, as far as it is in memory */
};

static cz_str rest_of(const struct stream *stream)
{
    return cz_str_of(stream->window + stream->at, stream->end - stream->at);
}

static void fill(struct stream *stream)
{
    cz_ctx *ctx = stream->reading->ctx;
    stream->end -= stream->at;
    memmove(stream->window, stream->window + stream->at, stream->end);
    stream->at = 0;
    while (!stream->over && stream->end < WINDOW_BYTES) {
        size_t n = cz_body_read(ctx, stream->req, stream->window + stream->end,
                                WINDOW_BYTES - stream->end);
        stream->end += n;
        stream->over = n == 0;
    }
}

/* ---- values ---- */

static void hold(struct stream *stream, const cz_form_item *item, cz_str piece)
{
    cz_ctx *ctx = stream->reading->ctx;
    stream->held += piece.len;
    if (stream->held > stream->limits->held_bytes_max && !item->is_file)
        cz_raise(ctx, CZ_ETOOBIG, "The fields of the form are longer than HTTP_BODY_MAX.");
    cz_buf_append_str(stream->value, piece);
    cz_check(ctx, cz_buf_status(stream->value));
}

static void take(struct stream *stream, cz_form_item *item, cz_str piece)
{
    cz_ctx *ctx = stream->reading->ctx;
    const struct cz__form_limits *limits = stream->limits;
    bool fits = stream->value->len + piece.len <= limits->file_bytes_max &&
                stream->held + piece.len <= limits->held_bytes_max;
    item->size += piece.len;
    if (!item->is_file || (!item->spool_ && fits)) {
        hold(stream, item, piece);
        return;
    }
    if (!item->spool_) {
        item->spool_ = cz__spool_create(ctx);
        cz__spool_write(ctx, item->spool_, cz_buf_str(stream->value));
        stream->held -= stream->value->len;
        cz_buf_clear(stream->value);
    }
    cz__spool_write(ctx, item->spool_, piece);
}

/* Up to the next delimiter, which is passed by. */
static void read_value(struct stream *stream, cz_form_item *item)
{
    cz_buf_clear(stream->value);
    for (;;) {
        cz_str rest = rest_of(stream);
        size_t found = cz_str_find(rest, stream->delimiter);
        /* the last bytes may be the first of a delimiter */
        size_t sure = rest.len < stream->delimiter.len ? 0 : rest.len - stream->delimiter.len + 1;
        size_t len = found == SIZE_MAX ? sure : found;
        if (len)
            take(stream, item, cz_str_head(rest, len));
        stream->at += len;
        if (found != SIZE_MAX)
            break;
        if (stream->over)
            cz__form_malformed(stream->reading->ctx, "a part has no end");
        fill(stream);
    }
    stream->at += stream->delimiter.len;
    if (!item->spool_)
        item->value = cz_copy(stream->reading->ctx, cz_buf_str(stream->value));
}

/* ---- parts ---- */

static void read_part(struct stream *stream)
{
    struct cz__form_reading *reading = stream->reading;
    cz_str rest = rest_of(stream);
    size_t end = cz_str_find(rest, CZ_STR("\r\n\r\n")), next = cz_str_find(rest, stream->delimiter);
    cz_form_item *item = cz__form_add(reading);
    if (end == SIZE_MAX && !stream->over && next == SIZE_MAX)
        end = CZ_FORM_PART_HEADER_MAX + 1; /* which is said of it */
    else if (end == SIZE_MAX || (next != SIZE_MAX && end + 4 > next))
        cz__form_malformed(reading->ctx, "a part has no header");
    cz_str lines = cz_copy(reading->ctx, cz_str_head(rest, end)); /* the window goes on */
    cz__form_read_head(reading, lines, item);
    stream->at += end + 4;
    read_value(stream, item);
    cz__form_check_part(reading, item);
}

void cz__form_read_stream(struct cz__form_reading *reading, cz_request *req, cz_str boundary,
                          const struct cz__form_limits *limits)
{
    cz_ctx *ctx = reading->ctx;
    struct stream stream = { .reading = reading, .req = req, .limits = limits };
    stream.delimiter = cz_format(ctx, "\r\n--%.*s", CZ_STR_ARG(boundary));
    stream.window = cz_alloc(ctx, WINDOW_BYTES);
    stream.value = cz_scratch(ctx);
    fill(&stream);
    if (!cz_str_starts_with(rest_of(&stream), cz_str_tail(stream.delimiter, 2)))
        cz__form_malformed(ctx, "it does not begin with its boundary");
    stream.at += stream.delimiter.len - 2;
    for (;;) {
        bool last;
        fill(&stream);
        stream.at += cz__form_line_after(reading, rest_of(&stream), &last);
        if (last)
            break;
        read_part(&stream);
    }
    while (!stream.over) { /* the epilogue is nobody's */
        stream.at = stream.end;
        fill(&stream);
    }
}
