#include <calzone/middleware.h>
#include <calzone/random.h>

enum { ID_BYTES_MIN = 8, ID_BYTES_MAX = 64 };

static bool is_well_formed(cz_str id)
{
    if (id.len < ID_BYTES_MIN || id.len > ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.';
        if (!fine)
            return false;
    }
    return true;
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_str id = cz_request_header(req, CZ_STR("X-Request-Id"));
    if (!is_well_formed(id)) {
        char *text = cz_alloc(ctx, CZ_UUID_TEXT);
        cz_uuid_write(text, cz_uuid_v7());
        id = cz_str_of(text, CZ_UUID_TEXT);
    }
    ctx->request_id = id;
    cz_next_call(ctx, req, next);
    cz_respond_header_static(ctx, req, CZ_STR("X-Request-Id"), id);
}

const cz_middleware cz_request_id = { "request_id", process, NULL };
