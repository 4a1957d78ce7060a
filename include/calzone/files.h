/* calzone/files.h: a file that came with a request.
 *
 *     #define COVER(F) F(file_field, picture, .max_bytes = 1 << 20, .content_types = "image/png image/jpeg")
 *     CZ_RECORD(Cover, COVER);
 *
 *     Cover *cover = cz_read_row(ctx, req, &CoverSerializer, Cover);
 *     cz_bytes bytes = cz_upload_bytes(ctx, &cover->picture);
 *
 * A cz_upload is the member of a file_field (models.h), which a serializer has checked. It lives as long as the request,
 * and so do its texts and bytes: what is to stay is written somewhere else, under a name of one's own making.
 */
#ifndef CALZONE_FILES_H
#define CALZONE_FILES_H

#include <calzone/context.h>
#include <calzone/str.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CZ_UPLOAD_BYTES_MAX = 2 << 20, /* of a file whose field has no .max_bytes */
    CZ_CONTENT_TYPE_BYTES = 12     /* as many of a file as tell what it is */
};

typedef struct cz_upload {
    /* As the client called it: the last step of a path, without control bytes, UTF-8, at most 255 bytes. For people to read: it
     * may be any name, and that of another file. */
    cz_str filename;
    /* What it is, in lower case without parameters, "image/png": what its first bytes show; where they show nothing, as the
     * client said, unless that is a type they would have shown. "application/octet-stream": nobody knows. */
    cz_str content_type;
    cz_str claimed_type; /* as the client said, likewise; empty: it said nothing that is a type */
    uint64_t size;       /* in bytes */
    /* private: the bytes, or where they lie on a disk; cz_upload_read() and cz_upload_bytes() read them */
    cz_bytes bytes_;
    struct cz__spool *spool_;
} cz_upload;

/* Copy bytes from the place `from` on to `out`, at most `count`; returns how many, 0 from the end on. A file that lies on a disk
 * is read on a thread of the pool. Raises: CZ_EIO; as cz_offload() (runtime.h). Context: fiber, may suspend. */
size_t cz_upload_read(cz_ctx *ctx, const cz_upload *upload, uint64_t from, void *out, size_t count);
/* The whole content. Owns: the request's. Raises: likewise, and CZ_ETOOBIG for a file that lies on a disk and has more than
 * CZ_UPLOAD_BYTES_MAX bytes. Context: likewise. */
cz_bytes cz_upload_bytes(cz_ctx *ctx, const cz_upload *upload);
/* Keep it under this path, whose folder exists, with the mode 0644. Its bytes and its name are on the disk when
 * this returns, and it is there whole or not at all. A file that lies on the same disk as UPLOAD_DIRECTORY is not copied. What has
 * the name already stays: a path made of `filename` is somebody else's file one day, so make names of your own.
 * Raises: CZ_EINTEGRITY: there is one; CZ_EIO, with 507 where the disk is full; as cz_offload(). Context: likewise. */
void cz_upload_save(cz_ctx *ctx, const cz_upload *upload, const char *path);

/* What the first CZ_CONTENT_TYPE_BYTES of a file show it to be: "image/png", "image/jpeg", "image/gif", "image/webp",
 * "application/pdf" or "application/zip"; empty: none of them. Fewer are enough for some. That a file begins as one of these
 * does not say that the rest of it is one. Owns: static. Context: any thread. */
cz_str cz_content_type_sniff(cz_bytes head);

/* What a file is by the end of its name, "text/css; charset=utf-8" of "site/main.CSS", as Python's mimetypes.guess_type();
 * "application/octet-stream" for what is not known. For files of one's own: a name that a client chose tells nothing. Owns:
 * static. Context: any thread. */
cz_str cz_content_type_by_name(cz_str name);

#ifdef __cplusplus
}
#endif
#endif
