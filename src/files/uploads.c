/* Files of requests. Their bytes are the body's; one that is read as it comes may lie elsewhere. */
#include "files/files.h"

size_t cz_upload_read(cz_ctx *ctx, const cz_upload *upload, uint64_t from, void *out, size_t count)
{
    (void)ctx;
    if (from >= upload->bytes_.len)
        return 0;
    size_t left = upload->bytes_.len - (size_t)from;
    if (count > left)
        count = left;
    memcpy(out, (const char *)upload->bytes_.ptr + from, count);
    return count;
}

cz_bytes cz_upload_bytes(cz_ctx *ctx, const cz_upload *upload)
{
    (void)ctx;
    return upload->bytes_;
}
