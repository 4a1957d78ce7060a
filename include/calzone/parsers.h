/* calzone/parsers.h: what a request's body may be, by its Content-Type.
 *
 *     CZ_VIEWSET(books, Book, ..., .parsers = CZ_PARSERS(&cz_json_parser, &cz_form_parser));
 *
 * Serializers read JSON and forms of either kind unless a viewset says otherwise; what no parser takes is 415. No body at
 * all, whatever its type, is an empty object, as in DRF.
 */
#ifndef CALZONE_PARSERS_H
#define CALZONE_PARSERS_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_parser {
    const char *media_type; /* "application/json"; compared without case and without parameters */
    /* The body as a JSON document, in the arena or the body itself. Raises: CZ_EPROTOCOL for what is malformed. NULL: it is a
     * form, cz_request_form(), whose meaning the serializer's fields give. */
    cz_str (*to_json)(cz_ctx *ctx, cz_request *req);
    const char *const *also; /* other names of the media type, ended by NULL; NULL: none */
} cz_parser;

typedef struct cz_parsers {
    const cz_parser *const *items;
    size_t count;
} cz_parsers;
#define CZ_PARSERS(...)                                                                            \
    (&(const cz_parsers){ (const cz_parser *const[]){ __VA_ARGS__ },                               \
                          sizeof((const cz_parser *const[]){ __VA_ARGS__ }) / sizeof(void *) })

extern const cz_parser cz_json_parser;      /* application/json */
extern const cz_parser cz_form_parser;      /* application/x-www-form-urlencoded */
extern const cz_parser cz_multipart_parser; /* multipart/form-data */
/* application/msgpack, x-msgpack and vnd.msgpack: the whole format, read strictly; bytes become base64 text and timestamps
 * ISO 8601. Raises: CZ_ETOOBIG: more than 64 levels or 20,000 keys. */
extern const cz_parser cz_msgpack_parser;
/* JSON and both forms. */
extern const cz_parsers cz_default_parsers;

/* The parser for the request's body, of req->parsers or the default ones. Raises: CZ_EMEDIATYPE: there is none, and Accept says
 * what there is; the body has a Content-Encoding, and Accept-Encoding says that none is undone (RFC 9110, 15.5.16). */
const cz_parser *cz_parser_for(cz_ctx *ctx, cz_request *req);

#ifdef __cplusplus
}
#endif
#endif
