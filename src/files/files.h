/* files/files.h: what a file is. */
#ifndef CZ_FILES_FILES_H
#define CZ_FILES_FILES_H

#include <calzone/files.h>

/* "image/png" of `Image/PNG; x=y`, in the arena; empty when it is no type of RFC 9110, 8.3.1, or has more than 127 bytes.
 * Other names of a type whose first bytes are known become that, "image/jpeg" of `image/pjpeg`. Raises: CZ_ENOMEM. */
cz_str cz__content_type_read(cz_ctx *ctx, cz_str header);
/* What a file is by its first bytes and what was claimed, one cz__content_type_read() gave. */
cz_str cz__content_type_settle(cz_str claimed, cz_bytes head);
/* Whether a type is written as cz__content_type_read() gives it, and is no range as "image/" with a star. */
bool cz__content_type_is_plain(cz_str type);
/* Whether files of this type are known by their first bytes. */
bool cz__content_type_is_known(cz_str type);

#endif
