/* The format a client is answered in (RFC 9110, 12.5.1). */
#include "http/accept.h"
#include <calzone/renderers.h>

const cz_renderer cz_json_renderer = { "json", "application/json", NULL, NULL };

static const cz_renderer *const by_default[] = { &cz_json_renderer };
const cz_renderers cz_default_renderers = { by_default, CZ_COUNT(by_default) };

/* How specific a range is that fits: 3 for the type itself, 2 for "text/" and all below, 1 for anything, 0 does not fit. */
static int specificity(cz_str range, cz_str media_type)
{
    if (cz_str_eq_icase(range, media_type))
        return 3;
    size_t slash = cz_str_find_char(media_type, '/');
    if (range.len == slash + 2 && range.ptr[slash + 1] == '*' &&
        cz_str_eq_icase(cz_str_head(range, slash + 1), cz_str_head(media_type, slash + 1)))
        return 2;
    return cz_str_eq(range, CZ_STR("*/*")) ? 1 : 0;
}

int cz_accept_quality(cz_str accept, cz_str media_type)
{
    int best = 0, quality = 0;
    if (!cz_str_trim(accept).len)
        return CZ__WEIGHT_MOST;
    while (accept.len) {
        cz_str range = cz_str_cut(&accept, ',');
        int fits = specificity(cz_str_trim(cz_str_cut(&range, ';')), media_type);
        if (fits <= best)
            continue;
        best = fits;
        quality = cz__accept_weight(range);
    }
    return quality;
}

static const cz_renderer *by_format(cz_ctx *ctx, const cz_renderers *renderers, cz_str format)
{
    for (size_t i = 0; i < renderers->count; i++)
        if (cz_str_eq(format, cz_str_from(renderers->items[i]->format)))
            return renderers->items[i];
    cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
}

/* Of a renderer's names the one that is wanted most, and how much. */
static const char *wanted_name(const cz_renderer *renderer, cz_str accept, int *out_quality)
{
    const char *best = renderer->media_type;
    *out_quality = cz_accept_quality(accept, cz_str_from(best));
    for (const char *const *name = renderer->also; name && *name; name++) {
        int quality = cz_accept_quality(accept, cz_str_from(*name));
        if (quality > *out_quality) {
            *out_quality = quality;
            best = *name;
        }
    }
    return best;
}

const cz_renderer *cz_renderer_for(cz_ctx *ctx, const cz_request *req,
                                   const cz_renderers *renderers)
{
    const cz_renderer *best = NULL;
    cz_str format, accept = cz_request_header(req, CZ_STR("Accept"));
    int most = 0;
    if (!renderers)
        renderers = &cz_default_renderers;
    if (req->query.len && cz_query_get(ctx, req, CZ_STR("format"), &format) && format.len)
        return by_format(ctx, renderers, format);
    for (size_t i = 0; i < renderers->count; i++) {
        int quality;
        wanted_name(renderers->items[i], accept, &quality);
        if (quality > most) {
            most = quality;
            best = renderers->items[i];
        }
    }
    if (!best)
        cz_raise(ctx, CZ_ENOTACCEPTABLE, "Could not satisfy the request Accept header.");
    return best;
}

/* ---- rendering ---- */

static cz_str json_of(cz_ctx *ctx, const cz_response *response)
{
    cz_str body = cz_buf_str(response->body);
    return body.len ? cz_copy(ctx, body) : response->body_text;
}

static void render(cz_ctx *ctx, cz_request *req)
{
    cz_response *response = &req->response;
    const cz_renderer *renderer = req->renderer;
    if (!cz_str_eq(response->content_type, CZ_STR("application/json")) || response->stream)
        return; /* the handler has answered something else */
    cz_str json = json_of(ctx, response);
    cz_buf_clear(response->body);
    response->body_text = CZ_STR("");
    int quality;
    const char *name = wanted_name(renderer, cz_request_header(req, CZ_STR("Accept")), &quality);
    response->content_type = cz_str_from(renderer->content_type ? renderer->content_type : name);
    renderer->render(ctx, req, json, response->body);
    cz_check(ctx, cz_buf_status(response->body));
}

void cz_render_as(cz_request *req, const cz_renderer *renderer)
{
    req->renderer = renderer;
    req->render = renderer->render ? render : NULL;
}
