/* cache/memcached/protocol.h: the answers of memcached's text protocol to meta commands (memcached's doc/protocol.txt).
 *
 *   reply = "VA" SP size *( SP flag ) CRLF value CRLF
 *         / ( "HD" / "EN" / "NF" / "NS" / "EX" / "OK" ) *( SP flag ) CRLF
 *         / "ERROR" CRLF / ( "CLIENT_ERROR" / "SERVER_ERROR" ) SP sentence CRLF
 *   flag  = "f" client-flags / "t" seconds-left / "c" unique / any other, which is passed over
 */
#ifndef CZ_CACHE_MEMCACHED_PROTOCOL_H
#define CZ_CACHE_MEMCACHED_PROTOCOL_H

#include <calzone/str.h>

enum {
    CZ__MC_LINE_BYTES_MAX = 2048,
    CZ__MC_VALUE_BYTES_MAX = 2 * 1024 * 1024 /* longer ones nobody here stores */
};

enum cz__mc_code {
    CZ__MC_DONE,       /* HD, OK */
    CZ__MC_VALUE,      /* VA */
    CZ__MC_MISS,       /* EN, NF */
    CZ__MC_NOT_STORED, /* NS */
    CZ__MC_EXISTS,     /* EX: changed since it was read */
    CZ__MC_REFUSED     /* an error; `text` says which */
};

struct cz__mc_reply {
    enum cz__mc_code code;
    uint32_t flags;
    int64_t seconds; /* left; -1: for ever */
    uint64_t unique; /* of this state of the value */
    char *value;     /* owned, ended by cz_free(); NULL: none */
    size_t len;
    char text[120];
};

/* All state of reading; zeroed it is at the beginning of a reply. */
struct cz__mc_reader {
    char line[CZ__MC_LINE_BYTES_MAX];
    size_t line_len;
    bool in_value;
    size_t got; /* bytes of the value and its CRLF */
    struct cz__mc_reply reply;
};

/* Read up to the end of one reply, or of the bytes; `*out_used` of them were taken. `*out_whole`: `*out` has a reply, whose value
 * is the caller's. Errors: CZ_EPROTOCOL: no such reply, and nothing after it can be read; CZ_ETOOBIG: a line or value over its
 * limit; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__mc_read(struct cz__mc_reader *reader, const char *bytes, size_t len,
                                   size_t *out_used, bool *out_whole, struct cz__mc_reply *out);
/* Free what was read of a reply that is not whole, and begin anew. */
void cz__mc_reader_clear(struct cz__mc_reader *reader);

#endif
