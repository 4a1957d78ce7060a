/* http/form_internal.h: what both readers of multipart bodies share: of one in memory, and of one that is read as it comes. */
#ifndef CZ_HTTP_FORM_INTERNAL_H
#define CZ_HTTP_FORM_INTERNAL_H

#include <calzone/http.h>

struct cz__form_reading {
    cz_ctx *ctx;
    cz_form_item *items;
    size_t count, cap, files;
};

CZ_NORETURN void cz__form_malformed(cz_ctx *ctx, const char *why);
/* One more item; good until the next. Raises: CZ_ETOOBIG, CZ_ENOMEM. */
cz_form_item *cz__form_add(struct cz__form_reading *reading);
/* The lines of a part's head, without the empty one. Raises: CZ_EPROTOCOL; CZ_ETOOBIG: they are too long; CZ_ENOMEM. */
void cz__form_read_head(struct cz__form_reading *reading, cz_str lines, cz_form_item *item);
/* Whether a part may be, now that it is whole. Raises: CZ_EPROTOCOL, CZ_ETOOBIG. */
void cz__form_check_part(struct cz__form_reading *reading, const cz_form_item *item);
/* What follows a delimiter on its line: white space, and "--" at the last. Returns the bytes up to the next line. Raises:
 * CZ_EPROTOCOL. */
size_t cz__form_line_after(struct cz__form_reading *reading, cz_str rest, bool *out_last);

/* ---- form_stream.c ---- */

struct cz__form_limits {
    uint64_t held_bytes_max; /* of values in memory together; more of fields is CZ_ETOOBIG */
    uint64_t
        file_bytes_max; /* of a file in memory; a larger one, or one for which there is no room, lies on a disk */
};

/* Read the parts by cz_body_read(). Raises: as cz_request_form(), and as a spool (files/spool.h). */
void cz__form_read_stream(struct cz__form_reading *reading, cz_request *req, cz_str boundary,
                          const struct cz__form_limits *limits);

#endif
