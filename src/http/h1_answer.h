/* http/h1_answer.h: the head of an HTTP/1 answer, as a client reads it: strictly (RFC 9112, sections 4 to 6).
 *
 *     head        = status-line CRLF *( field-line CRLF ) CRLF
 *     status-line = "HTTP/1." DIGIT SP 3DIGIT SP *( HTAB / SP / VCHAR / obs-text )
 */
#ifndef CZ_HTTP_H1_ANSWER_H
#define CZ_HTTP_H1_ANSWER_H

#include <calzone/str.h>

enum { CZ__H1_ANSWER_HEAD_BYTES_MAX = 32768 };

enum cz__h1_answer_body {
    CZ__H1_ANSWER_NO_BODY,
    CZ__H1_ANSWER_LENGTH,  /* content_length bytes */
    CZ__H1_ANSWER_CHUNKED, /* cz__h1_chunked_feed() */
    CZ__H1_ANSWER_TO_CLOSE /* all that comes until the server closes */
};

struct cz__h1_answer {
    uint16_t status; /* 100 to 599 */
    uint8_t version_minor;
    uint8_t body;            /* enum cz__h1_answer_body */
    bool keep_alive;         /* the connection may be asked again after the body */
    uint64_t content_length; /* of CZ__H1_ANSWER_LENGTH */
    size_t bytes;            /* of the head, with the empty line */
};

/* Read a head. `in` is all that has come from its first byte on; `is_head`: HEAD was asked, so no body follows.
 * Returns CZ_OK when it is whole, CZ_EAGAIN when more is needed.
 * Errors: CZ_EPROTOCOL: it is malformed, `*out_why` says how; CZ_ETOOBIG: over CZ__H1_ANSWER_HEAD_BYTES_MAX. */
CZ_NODISCARD cz_status cz__h1_answer_read(cz_str in, bool is_head, struct cz__h1_answer *out,
                                          const char **out_why);

#endif
