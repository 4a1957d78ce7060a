#include "project.h"
#include "notes/app.h"

/* The addresses of the API, for whoever opens the site's root. */
static void index_page(cz_ctx *ctx, cz_request *req)
{
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_object(&json);
    cz_json_key(&json, CZ_STR("notes"));
    cz_json_str(&json, cz_request_absolute_uri(ctx, req, cz_reverse(ctx, "note-list", NULL, 0)));
    cz_json_object_end(&json);
}

static const cz_route urls[] = {
    CZ_GET("/", index_page, .name = "index"),
    CZ_INCLUDE("/notes", notes_urls),
    CZ_ROUTES_END,
};

const cz_project project = {
    .name = "{{name}}",
    .version = "0.1.0",
    .apps = CZ_APPS(&notes_app),
    .urls = urls,
};
