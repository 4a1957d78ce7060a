/* Pages that show the document: their HTML, and the files they load, which are in the binary. */
#include "openapi/pages.h"
#include "http/accept.h"
#include "http/etags.h"
#include "routing/errors.h"
#include <calzone/html.h>
#include <calzone/map.h>
#include <stdio.h>
#include <zlib.h>

/* ---- assets ---- */

/* The step of the path below which the assets are kept for a year: it tells every state of them from every other. */
static void choose_folder(cz_api_page *page)
{
    static const uint8_t key[16] = "calzone's pages";
    const struct cz__page_kind *kind = page->kind;
    uint64_t state = 0;
    for (size_t i = 0; i < kind->asset_count; i++)
        state = state * 31 + cz__siphash13(key, kind->assets[i].bytes,
                                           (size_t)(kind->assets[i].end - kind->assets[i].bytes));
    snprintf(page->folder, sizeof page->folder, "%s-%08x", kind->version, (unsigned)state);
}

static void end_unpacking(void *stream)
{
    cz_ignore(inflateEnd(stream)); /* it has nothing to tell any more */
}

void cz__page_unpack(cz_ctx *ctx, const struct cz__page_asset *asset,
                     void (*take)(cz_ctx *ctx, cz_str piece, void *arg), void *arg)
{
    enum { PIECE_BYTES = 16 << 10, GZIP_WINDOW = 16 + MAX_WBITS };
    z_stream *stream = cz_new(ctx, z_stream);
    char *piece = cz_alloc(ctx, PIECE_BYTES);
    stream->next_in = (Bytef *)(uintptr_t)asset->bytes;
    stream->avail_in = (uInt)(asset->end - asset->bytes);
    if (inflateInit2(stream, GZIP_WINDOW) != Z_OK)
        cz_raise(ctx, CZ_ENOMEM, "no memory to unpack %s", asset->name);
    cz_defer(ctx, end_unpacking, stream);
    int code = Z_OK;
    while (code == Z_OK) {
        stream->next_out = (Bytef *)piece;
        stream->avail_out = PIECE_BYTES;
        code = inflate(stream, Z_NO_FLUSH);
        take(ctx, cz_str_of(piece, PIECE_BYTES - stream->avail_out), arg);
    }
    if (code != Z_STREAM_END)
        cz_raise(ctx, code == Z_MEM_ERROR ? CZ_ENOMEM : CZ_EPROTOCOL, "%s can not be unpacked",
                 asset->name);
}

static bool takes_gzip(const cz_request *req)
{
    return cz__accept_encoding(cz_request_header(req, CZ_STR("Accept-Encoding")), CZ_STR("gzip")) >
           0;
}

static const char *content_type_of(const struct cz__page_asset *asset)
{
    return cz_str_ends_with(cz_str_from(asset->name), CZ_STR(".css"))
               ? "text/css; charset=utf-8"
               : "text/javascript; charset=utf-8";
}

static void send_piece(cz_ctx *ctx, cz_str piece, void *arg)
{
    cz_stream_write(ctx, arg, piece);
}

static void send_unpacked(cz_ctx *ctx, cz_request *req, void *arg)
{
    cz__page_unpack(ctx, arg, send_piece, req);
}

/* What is behind an address never changes. A client that takes no gzip, which no browser is, gets it unpacked as it goes: whole
 * it would be a megabyte and more for each that reads slowly. */
static void answer_asset(cz_ctx *ctx, cz_request *req)
{
    const struct cz__page_kind *kind = ((const cz_api_page *)req->view_data)->kind;
    const struct cz__page_asset *asset = &kind->assets[req->view_action];
    bool packed = asset->gzip && takes_gzip(req);
    cz_str type = cz_str_from(content_type_of(asset));
    cz_respond_header_static(ctx, req, CZ_STR("ETag"),
                             cz_format(ctx, "\"%s%s\"", kind->version, packed ? "-gzip" : ""));
    cz_respond_header_static(ctx, req, CZ_STR("Cache-Control"),
                             CZ_STR("public, max-age=31536000, immutable"));
    cz_respond_header_static(ctx, req, CZ_STR("Vary"), CZ_STR("Accept-Encoding"));
    if (cz__etag_is_known(req)) {
        cz_respond_empty(ctx, req, 304);
    } else if (asset->gzip && !packed) {
        cz_respond_stream(ctx, req, 200, type, send_unpacked, (void *)(uintptr_t)asset);
    } else {
        cz_respond(ctx, req, 200, type, CZ_STR(""));
        req->response.body_text =
            cz_str_of((const char *)asset->bytes, (size_t)(asset->end - asset->bytes));
        if (packed)
            cz_respond_header_static(ctx, req, CZ_STR("Content-Encoding"), CZ_STR("gzip"));
    }
}

/* ---- the page ---- */

/* Where the document is served, for the page's script to fetch. */
static cz_str document_path(cz_ctx *ctx, const cz_api_page *page, const cz_openapi *api)
{
    cz_route_info route;
    cz_buf *path = cz_scratch(ctx);
    for (size_t cursor = 0; api && cz_router_next(cz_router_of_project(), &cursor, &route);) {
        if (!route.route->resource || route.data != api || strchr(route.pattern, '<'))
            continue;
        cz_percent_encode(path, cz_str_from(route.pattern));
        cz_check(ctx, cz_buf_status(path));
        return cz_copy(ctx, cz_buf_str(path));
    }
    cz_raise(ctx, CZ_EINVAL, "%s has no document to show: no route answers with %s",
             page->kind->label, api ? "the one it names" : "a CZ_OPENAPI()");
}

static void write_assets(const cz_api_page *page, cz_str path, bool scripts, cz_buf *out)
{
    for (size_t i = 0; i < page->kind->asset_count; i++) {
        const char *name = page->kind->assets[i].name;
        if (cz_str_ends_with(cz_str_from(name), CZ_STR(".js")) != scripts)
            continue;
        cz_buf_append_str(out, scripts ? CZ_STR("<script src=\"")
                                       : CZ_STR("<link rel=\"stylesheet\" href=\""));
        cz_html_escape(out, path);
        cz_buf_printf(out, "/%s/%s\">%s\n", page->folder, name, scripts ? "</script>" : "");
    }
}

static void write_page(const cz_api_page *page, cz_str title, cz_str document, cz_str path,
                       cz_buf *out)
{
    cz_buf_append_lit(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, "
                           "initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>");
    cz_html_escape(out, title);
    cz_buf_append_lit(out, "</title>\n");
    write_assets(page, path, false, out);
    cz_buf_append_lit(out, "<div id=\"page\" data-document=\"");
    cz_html_escape(out, document);
    cz_buf_append_lit(out, "\"></div>\n<noscript>This page needs scripts. The document itself is "
                           "<a href=\"");
    cz_html_escape(out, document);
    cz_buf_append_lit(out, "\">here</a>.</noscript>\n");
    write_assets(page, path, true, out);
    cz_buf_append_lit(out, "</html>\n");
}

static void answer_page(cz_ctx *ctx, cz_request *req)
{
    const cz_api_page *page = req->view_data;
    const cz_openapi *api = page->document ? page->document : cz_openapi_of(cz_router_of_project());
    cz_str path = cz_str_from(ctx->label);
    if (!page->kind->asset_count)
        cz_raise(ctx, CZ_EUNSUPPORTED,
                 "This build has no %s: when CMake configured Calzone, npm was not there or could "
                 "not install it. Install npm (Debian: nodejs npm), and configure and build again.",
                 page->kind->label);
    cz_str document = document_path(ctx, page, api);
    if (cz_str_ends_with(path, CZ_STR("/")))
        path = cz_str_head(path, path.len - 1);
    cz_respond(ctx, req, 200, CZ_STR("text/html; charset=utf-8"), CZ_STR(""));
    cz_respond_header_static(ctx, req, CZ_STR("Content-Security-Policy"),
                             cz_str_from(page->kind->policy));
    cz_respond_header_static(ctx, req, CZ_STR("Cache-Control"), CZ_STR("no-cache"));
    write_page(page, cz_str_from(api->title), document, path, req->response.body);
    cz_check(ctx, cz_buf_status(req->response.body));
}

cz_status cz__page_add_routes(const cz_resource *resource, cz_router *router, const cz_route *route,
                              const char *prefix, cz_error *err)
{
    cz_api_page *page = (cz_api_page *)(uintptr_t)resource; /* its first member */
    const struct cz__page_kind *kind = page->kind;
    size_t len = strlen(prefix);
    choose_folder(page);
    if (strchr(prefix, '<'))
        return cz_error_set(err, CZ_EVALIDATION, "the page at %s has a parameter in its path",
                            prefix);
    cz_status status = cz__router_add(router, route, CZ_METHOD_GET, prefix, answer_page,
                                      route->name ? route->name : "", page, 0, kind->label, err);
    for (size_t i = 0; i < kind->asset_count && !status; i++) {
        char path[512];
        int bytes =
            snprintf(path, sizeof path, "%s%s%s/%s", prefix,
                     len && prefix[len - 1] == '/' ? "" : "/", page->folder, kind->assets[i].name);
        if (bytes < 0 || (size_t)bytes >= sizeof path)
            return cz_error_set(err, CZ_ETOOBIG, "the path of a page is too long: %s", prefix);
        status = cz__router_add(router, route, CZ_METHOD_GET, path, answer_asset, "", page, (int)i,
                                kind->label, err);
    }
    return status;
}
