/* calzone/renderers.h: answers in the format a client asks for.
 *
 *     CZ_VIEWSET(books, Book, ..., .renderers = CZ_RENDERERS(&cz_json_renderer, &cz_csv_renderer));
 *
 * A client asks by Accept with q-values (RFC 9110, 12.5.1) or by ?format=csv. Of what it takes equally the first of the list
 * is given; what no renderer makes is 406, a format of no renderer 404, as in DRF. A handler writes JSON, and the renderer
 * makes the format of it; errors are rendered likewise.
 */
#ifndef CALZONE_RENDERERS_H
#define CALZONE_RENDERERS_H

#include <calzone/http.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_renderer {
    const char *format;       /* of ?format=, "csv" */
    const char *media_type;   /* what Accept is compared with, "text/csv" */
    const char *content_type; /* of the answer, "text/csv; charset=utf-8"; NULL: the media type */
    /* Append the document in this format; failures stay in the buffer. Raises: CZ_EINVAL for one that the format can't
     * have; CZ_ENOMEM. NULL: it is JSON and stays as it is. */
    void (*render)(cz_ctx *ctx, const cz_request *req, cz_str json, cz_buf *out);
    const char *const *
        also; /* other names of the media type, ended by NULL; NULL: none. The answer has the one that
                                was asked for */
} cz_renderer;

typedef struct cz_renderers {
    const cz_renderer *const *items;
    size_t count;
} cz_renderers;
#define CZ_RENDERERS(...)                                                                          \
    (&(const cz_renderers){ (const cz_renderer *const[]){ __VA_ARGS__ },                           \
                            sizeof((const cz_renderer *const[]){ __VA_ARGS__ }) /                  \
                                sizeof(void *) })

extern const cz_renderer cz_json_renderer; /* application/json, ?format=json */
/* text/csv, ?format=csv: a list of objects, the "results" of a page, or one object, as RFC 4180 has rows. The first row are the
 * names, of nested objects "author.name", in the order they come; lists are JSON. A text that a spreadsheet would take for a
 * formula begins with an apostrophe. */
extern const cz_renderer cz_csv_renderer;
/* application/msgpack, x-msgpack and vnd.msgpack, ?format=msgpack: the values of JSON, so instants, decimals and bytes are the
 * texts they are there. */
extern const cz_renderer cz_msgpack_renderer;
/* application/xml and text/xml, ?format=xml: <root> around the document, an element for each member, <list-item> for each item,
 * nothing inside for NULL; a name that no element may have is <member name="...">. */
extern const cz_renderer cz_xml_renderer;
extern const cz_renderers cz_default_renderers; /* JSON alone */

/* The renderer for a request, of `renderers`, or of the default ones when NULL. Raises: CZ_ENOTFOUND: ?format= names none;
 * CZ_ENOTACCEPTABLE. */
const cz_renderer *cz_renderer_for(cz_ctx *ctx, const cz_request *req,
                                   const cz_renderers *renderers);
/* Answer the request in the format of this renderer: what JSON its response is then, error documents too, is rendered
 * before it leaves. */
void cz_render_as(cz_request *req, const cz_renderer *renderer);
/* How much an Accept header wants a media type: 1000 for q=1, 0 for not at all. Of ranges that fit the most specific counts;
 * an absent or empty header takes all. */
int cz_accept_quality(cz_str accept, cz_str media_type);

#ifdef __cplusplus
}
#endif
#endif
