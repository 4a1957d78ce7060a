#include "http/zlib.h"

enum { OUT_BYTES = 16 << 10 };

cz_status cz__deflate_append(z_stream *stream, cz_str piece, int flush, cz_buf *out)
{
    cz_assert(piece.len <= UINT32_MAX);
    stream->next_in = (Bytef *)(uintptr_t)piece.ptr;
    stream->avail_in = (uInt)piece.len;
    do {
        char *room = cz_buf_reserve(out, OUT_BYTES);
        if (!room)
            return cz_buf_status(out);
        stream->next_out = (Bytef *)room;
        stream->avail_out = OUT_BYTES;
        int code = deflate(stream, flush);
        cz_assert(code == Z_OK || code == Z_BUF_ERROR ||
                  (code == Z_STREAM_END && flush == Z_FINISH));
        cz_buf_commit(out, OUT_BYTES - stream->avail_out);
    } while (!stream->avail_out);
    return CZ_OK;
}
