/* calzone/file_response.h: answers with files, as Django's FileResponse.
 *
 *     static void invoice(cz_ctx *ctx, cz_request *req)
 *     {
 *         const cz_file_options options = { .attachment = true };
 *         cz_respond_file(ctx, req, "invoices", cz_path_str(ctx, req, "name"), &options);
 *     }
 *
 * The answer has Content-Type, Content-Length, Last-Modified, ETag and Accept-Ranges. If-Match, If-Unmodified-Since,
 * If-None-Match, If-Modified-Since, If-Range and Range of the request are kept (RFC 9110, 13 and 14): 304, 412, 206 with one
 * part or as multipart/byteranges, 416. What the handler or a middleware adds stays. The body leaves when all of them have
 * returned, by sendfile(2) where there is no TLS, and takes the same memory however large the file is. A file that became
 * shorter by then cuts the connection, so the client knows that it has not all of it.
 */
#ifndef CALZONE_FILE_RESPONSE_H
#define CALZONE_FILE_RESPONSE_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CZ_FILENAME_BYTES_MAX = 255 };

typedef struct cz_file_options {
    cz_str content_type; /* static or in the arena; empty: by the end of the name (files.h) */
    bool attachment;     /* to be kept as a file, and not shown */
    /* What clients are to call it, of at most CZ_FILENAME_BYTES_MAX bytes; empty: the last step of the name when it is an
     * attachment, and else nothing is said. */
    cz_str filename;
} cz_file_options;

/* Answer with the file `name` below `folder`, whoever chose the name: it leads nowhere else, neither by "..", nor by "/" at its
 * beginning, nor by a symbolic link. Where `folder` is NULL `name` is a path like any other, which no client may have chosen.
 * A relative path begins at the working directory. `options` may be NULL.
 * Raises: CZ_ENOTFOUND: there is no such file, or it is a folder, a pipe, a socket or a device; CZ_EDENIED: it may not be
 * read; CZ_EPRECONDITION and an error with the HTTP status 416, as the request has it; CZ_EINVAL: the filename is too long;
 * CZ_EBUSY: no descriptor is left; CZ_EIO; CZ_ENOMEM; CZ_ECANCELED, CZ_ETIMEDOUT.
 * Context: fiber, suspends where a disk has to be read to find it. */
void cz_respond_file(cz_ctx *ctx, cz_request *req, const char *folder, cz_str name,
                     const cz_file_options *options);

/* Answer with an open file, which is the answer's from now on and is closed however that ends, also where this raises. It is read from
 * its beginning, wherever its offset is. Without .content_type it is application/octet-stream. Raises and context as above. */
void cz_respond_descriptor(cz_ctx *ctx, cz_request *req, int fd, const cz_file_options *options);

/* What tells clients to keep an answer as a file, "attachment; filename=\"a.pdf\"", or, not `attachment`, to show it (RFC
 * 6266): the value of Content-Disposition. A name beyond plain ASCII is told twice, as RFC 8187 has it and, for old clients,
 * with "_" in its place; so are quotes, "%" and "/", and a control byte is "_" in both. One that is not UTF-8 is told the
 * second way alone. Empty: no name. Owns: in the arena. Raises: CZ_EINVAL: more than CZ_FILENAME_BYTES_MAX bytes; CZ_ENOMEM. */
cz_str cz_content_disposition(cz_ctx *ctx, bool attachment, cz_str filename);

#ifdef __cplusplus
}
#endif
#endif
