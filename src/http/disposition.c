/* Content-Disposition (RFC 6266), with names as RFC 8187 writes them. */
#include <calzone/file_response.h>

/* attr-char of RFC 8187, 3.2.1. */
static bool is_attribute_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$&+-.^_`|~", c));
}

static bool is_control(unsigned char c)
{
    return c < ' ' || c == 0x7f;
}

/* What every client reads alike between quotes. Some undo escapes and some do not, some decode "%41" (RFC 6266, D), and none is to
 * see a path. */
static bool is_plain(unsigned char c)
{
    return !is_control(c) && c < 0x80 && !strchr("\"\\%/", c);
}

/* With "_" for what is not plain: one for each character, not for each byte. */
static void write_plain(cz_buf *out, cz_str name)
{
    cz_buf_append_lit(out, "; filename=\"");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (is_plain(c))
            cz_buf_append_char(out, name.ptr[i]);
        else if ((c & 0xc0) != 0x80)
            cz_buf_append_char(out, '_');
    }
    cz_buf_append_char(out, '"');
}

static void write_extended(cz_buf *out, cz_str name)
{
    cz_buf_append_lit(out, "; filename*=UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (is_control(c) || c == '/')
            cz_buf_append_char(out, '_');
        else if (is_attribute_char(c))
            cz_buf_append_char(out, name.ptr[i]);
        else
            cz_buf_printf(out, "%%%02X", c);
    }
}

cz_str cz_content_disposition(cz_ctx *ctx, bool attachment, cz_str filename)
{
    if (filename.len > CZ_FILENAME_BYTES_MAX)
        cz_raise(ctx, CZ_EINVAL, "a filename of %zu bytes; clients take %d at most", filename.len,
                 CZ_FILENAME_BYTES_MAX);
    cz_buf *out = cz_scratch(ctx);
    bool plain = true;
    for (size_t i = 0; i < filename.len; i++)
        plain &= is_plain((unsigned char)filename.ptr[i]);
    cz_buf_append_str(out, attachment ? CZ_STR("attachment") : CZ_STR("inline"));
    if (filename.len)
        write_plain(out, filename);
    if (!plain && cz_str_is_utf8(filename))
        write_extended(out, filename);
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}
