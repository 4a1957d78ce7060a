/* files/spool.h: a file of a request that lies on a disk: without a name, so that nothing stays of it however the worker ends.
 *
 * It is written once, in order, and then read from any place. Writing, reading and saving are done on a thread of the pool, as a
 * disk may be slow; a spool belongs to one fiber. */
#ifndef CZ_FILES_SPOOL_H
#define CZ_FILES_SPOOL_H

#include <calzone/context.h>

typedef struct cz__spool cz__spool;

/* The folder for those made from now on, UPLOAD_DIRECTORY; borrowed. Errors: CZ_EVALIDATION: it is no folder one may write to.
 * Context: start-up. */
CZ_NODISCARD cz_status cz__spool_configure(const char *folder, cz_error *err);

/* Owns: the context closes it. Raises: CZ_EIO, with 507 where the disk is full; CZ_ENOMEM; as cz_offload(). Context: fiber,
 * suspends; so all here. */
cz__spool *cz__spool_create(cz_ctx *ctx);
void cz__spool_write(cz_ctx *ctx, cz__spool *spool, cz_str bytes);
uint64_t cz__spool_size(const cz__spool *spool);
/* At most `room` bytes from the place `from` on; returns how many, 0 from the end on. */
size_t cz__spool_read(cz_ctx *ctx, const cz__spool *spool, uint64_t from, void *out, size_t room);
/* Give it a name; see cz_upload_save(). */
void cz__spool_save(cz_ctx *ctx, const cz__spool *spool, const char *path);
/* The same for bytes in memory. */
void cz__bytes_save(cz_ctx *ctx, cz_str bytes, const char *path);

#endif
