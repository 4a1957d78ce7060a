/* http/file_response.h: files that are open to be an answer. */
#ifndef CZ_HTTP_FILE_RESPONSE_H
#define CZ_HTTP_FILE_RESPONSE_H

#include <calzone/file_response.h>

/* A regular file; in the arena of its context, at whose end it is closed. What is known of it is from when it was opened. */
struct cz__file {
    int fd; /* -1: closed */
    uint64_t bytes;
    /* A name of its content, as far as size, times and inode tell one from another. */
    uint64_t state;
    int64_t modified_s; /* not after now */
    /* It was not changed just now: clocks of file systems tell times apart by 10 ms, and some by 2 s. */
    bool settled;
    /* Its file system does not tell what is in memory: it is read by threads alone. */
    bool asks_disk;
    bool in_layers; /* but what was read lately of one of these, which is overlayfs */
    bool in_memory; /* all of it always is */
    bool is_copied; /* sendfile() does not take it */
};

/* ---- file_open.c ---- */

/* What there is where a file was looked for. */
enum cz__file_kind { CZ__FILE_REGULAR, CZ__FILE_FOLDER };

/* Open `name`, below `folder` unless that is NULL, as cz_respond_file() has it. What the kernel has in memory is looked up here;
 * a thread does it where a disk has to be asked. `*out` is written for CZ__FILE_REGULAR.
 * Errors: CZ_ENOTFOUND: nothing that can be answered with; CZ_EDENIED; CZ_EBUSY: no descriptor or thread is free; CZ_EIO;
 * CZ_ENOMEM; CZ_ECANCELED, CZ_ETIMEDOUT. Raises: CZ_ENOMEM. Context: fiber, may suspend. */
CZ_NODISCARD cz_status cz__file_open(cz_ctx *ctx, const char *folder, cz_str name,
                                     enum cz__file_kind *out_kind, struct cz__file **out);
/* Take an open descriptor, which is closed on failure. Errors: CZ_ENOTFOUND: it is no regular file; CZ_EIO. Raises: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__file_take(cz_ctx *ctx, int fd, struct cz__file **out);
/* Close it at once. */
void cz__file_close(struct cz__file *file);

/* Where the kernel has no openat2(): open `path` below a folder step by step, none of which may be a symbolic link or "..".
 * Returns the descriptor, or -1 and errno. Context: any thread; blocks. */
int cz__file_walk(int folder, const char *path, int flags);

/* ---- file_send.c ---- */

struct cz__file_part {
    cz_str head; /* sent before it */
    uint64_t first, bytes;
};

struct cz__file_body {
    struct cz__file *file;
    struct cz__file_part *parts;
    size_t count;
    cz_str end; /* sent behind the last */
};

/* Send a body, a cz__file_body; for cz__respond_counted(). */
void cz__file_send(cz_ctx *ctx, cz_request *req, void *arg);

/* ---- file_response.c ---- */

struct cz__file_answer {
    cz_str content_type;
    cz_str coding;      /* "gzip", of its bytes; empty: none */
    cz_str disposition; /* empty: none is told */
};

/* Answer with a file. Raises as cz_respond_file(). */
void cz__file_respond(cz_ctx *ctx, cz_request *req, struct cz__file *file,
                      const struct cz__file_answer *answer);

#endif
