/* Files that commands are given by name. */
#include "management/project.h"
#include <errno.h>
#include <stdio.h>

enum { PART_BYTES = 1 << 16 };

static void close_file(void *file)
{
    cz_ignore(fclose(file)); /* was only read */
}

cz_str cz__command_read_file(cz_ctx *ctx, const char *path, size_t bytes_max)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    cz_defer(ctx, close_file, file);
    cz_buf *text = cz_scratch(ctx);
    cz_buf_init(text, bytes_max);
    for (size_t got = 1; got;) { /* a pipe does not tell how much there will be */
        size_t left = bytes_max - text->len, part = left < PART_BYTES ? left : PART_BYTES;
        char *at = cz_buf_reserve(text, part);
        cz_check(ctx, cz_buf_status(text));
        got = fread(at, 1, part, file);
        cz_buf_commit(text, got);
    }
    if (ferror(file))
        cz_raise(ctx, CZ_EIO, "%s: %s", path, strerror(errno));
    if (!feof(file) && fgetc(file) != EOF)
        cz_raise(ctx, CZ_ETOOBIG, "%s: has more than %zu MiB", path, bytes_max >> 20);
    return cz_buf_str(text);
}
