/* middleware/compression.h: names of states that are compressed (RFC 9110, 8.8.3).
 *
 * Bytes that differ need names that differ, so a strong ETag "x" is "x-gzip" on an answer in gzip. Further in nobody knows of
 * that: "x" is put beside "x-gzip" in If-Match and If-None-Match, and what stood there stays, as it may be somebody's own name.
 */
#ifndef CZ_MIDDLEWARE_COMPRESSION_H
#define CZ_MIDDLEWARE_COMPRESSION_H

#include "http/codings.h"
#include <calzone/http.h>

typedef bool (*cz__takes_coding)(const cz_request *req, cz__coding coding);

/* If-None-Match as it came. */
struct cz__marked_tags {
    cz_str known;
    cz__takes_coding takes;
};

/* Put the names without marks into the request: for If-Match of all codings, as it is about a state; for If-None-Match of those
 * that the client takes, as others it could not read. Raises: CZ_ENOMEM. */
struct cz__marked_tags cz__compression_read_tags(cz_ctx *ctx, cz_request *req,
                                                 cz__takes_coding takes);
/* Mark the answer's ETag; a weak one names all codings of a state. Raises: CZ_ENOMEM. */
void cz__compression_mark(cz_ctx *ctx, cz_request *req, cz__coding coding);
/* Make the answer's ETag a weak one: the bytes may differ each time. Raises: CZ_ENOMEM. */
void cz__compression_weaken(cz_ctx *ctx, cz_request *req);
/* Mark that of a 304 as the client has it. Raises: CZ_ENOMEM. */
void cz__compression_mark_known(cz_ctx *ctx, cz_request *req, const struct cz__marked_tags *tags);

/* Why a coding that COMPRESSION names is not there; NULL: all are, or no middleware has asked. */
const char *cz__compression_missing(void);

#endif
