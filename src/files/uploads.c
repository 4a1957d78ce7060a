/* Files of requests: in memory, or on a disk when they came in a body that was not held. */
#include "files/files.h"
#include "files/spool.h"

size_t cz_upload_read(cz_ctx *ctx, const cz_upload *upload, uint64_t from, void *out, size_t count)
{
    if (upload->spool_)
        return cz__spool_read(ctx, upload->spool_, from, out, count);
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
    if (!upload->spool_)
        return upload->bytes_;
    if (upload->size > CZ_UPLOAD_BYTES_MAX)
        cz_raise(ctx, CZ_ETOOBIG, "The file has more than the %d bytes that are read at once.",
                 CZ_UPLOAD_BYTES_MAX);
    char *bytes = cz_alloc(ctx, (size_t)upload->size + 1);
    size_t len = 0;
    for (size_t n = 1; n && len < upload->size; len += n)
        n = cz_upload_read(ctx, upload, len, bytes + len, (size_t)upload->size - len);
    return (cz_bytes){ bytes, len };
}

void cz_upload_save(cz_ctx *ctx, const cz_upload *upload, const char *path)
{
    if (upload->spool_)
        cz__spool_save(ctx, upload->spool_, path);
    else
        cz__bytes_save(ctx, cz_str_of(upload->bytes_.ptr, upload->bytes_.len), path);
}
