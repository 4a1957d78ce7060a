#include "http/etags.h"
#include "middleware/compression.h"

/* The name without "-gzip" or another's mark; CZ__CODING_COUNT: it has none. */
static cz__coding mark_of(cz_str tag, cz_str *out_unmarked)
{
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++) {
        cz_str name = cz__coding_name(coding);
        if (tag.len <= name.len || !cz_str_ends_with(tag, name) ||
            tag.ptr[tag.len - name.len - 1] != '-')
            continue;
        *out_unmarked = cz_str_head(tag, tag.len - name.len - 1);
        return coding;
    }
    return CZ__CODING_COUNT;
}

static cz_header *copy_headers(cz_ctx *ctx, cz_request *req)
{
    cz_header *copy = cz_array(ctx, cz_header, req->header_count);
    memcpy(copy, req->headers, req->header_count * sizeof *copy);
    req->headers = copy;
    return copy;
}

/* The list with the unmarked names behind it; itself when none is marked. */
static cz_str with_unmarked(cz_ctx *ctx, const cz_request *req, cz_str list, cz__takes_coding takes)
{
    cz_str rest = list, all = list, tag, unmarked;
    bool weak;
    while (cz__etag_next(&rest, &tag, &weak)) {
        cz__coding coding = mark_of(tag, &unmarked);
        if (coding != CZ__CODING_COUNT && (!takes || takes(req, coding)))
            all = cz_format(ctx, "%.*s, %s\"%.*s\"", CZ_STR_ARG(all), weak ? "W/" : "",
                            CZ_STR_ARG(unmarked));
    }
    return all;
}

static void unmark(cz_ctx *ctx, cz_request *req, cz_str name, cz__takes_coding takes)
{
    cz_str list = cz_request_header(req, name), all;
    if (!list.len || (all = with_unmarked(ctx, req, list, takes)).len == list.len)
        return;
    cz_header *headers = copy_headers(ctx, req);
    for (uint32_t i = 0; i < req->header_count; i++)
        if (cz_str_eq_icase(headers[i].name, name))
            headers[i].value = all;
}

struct cz__marked_tags cz__compression_read_tags(cz_ctx *ctx, cz_request *req,
                                                 cz__takes_coding takes)
{
    struct cz__marked_tags tags = { cz_request_header(req, CZ_STR("If-None-Match")), takes };
    unmark(ctx, req, CZ_STR("If-Match"), NULL);
    unmark(ctx, req, CZ_STR("If-None-Match"), takes);
    return tags;
}

/* The answer's tag, when it is a strong one. */
static bool strong_tag(const cz_request *req, cz_str *out)
{
    cz_str list = cz_response_header(req, CZ_STR("ETag"));
    bool weak;
    return cz__etag_next(&list, out, &weak) && !weak;
}

static void set_tag(cz_ctx *ctx, cz_request *req, cz_str tag, cz__coding coding)
{
    cz_respond_header_static(
        ctx, req, CZ_STR("ETag"),
        cz_format(ctx, "\"%.*s-%s\"", CZ_STR_ARG(tag), cz__coding_name(coding).ptr));
}

void cz__compression_mark(cz_ctx *ctx, cz_request *req, cz__coding coding)
{
    cz_str tag;
    if (strong_tag(req, &tag))
        set_tag(ctx, req, tag, coding);
}

void cz__compression_weaken(cz_ctx *ctx, cz_request *req)
{
    cz_str tag;
    if (strong_tag(req, &tag))
        cz_respond_header_static(ctx, req, CZ_STR("ETag"),
                                 cz_format(ctx, "W/\"%.*s\"", CZ_STR_ARG(tag)));
}

void cz__compression_mark_known(cz_ctx *ctx, cz_request *req, const struct cz__marked_tags *tags)
{
    cz_str own, rest = tags->known, tag, unmarked;
    bool weak;
    cz__coding found = CZ__CODING_COUNT;
    if (!strong_tag(req, &own))
        return;
    while (cz__etag_next(&rest, &tag, &weak)) {
        if (cz_str_eq(tag, own))
            return; /* it has this very one */
        cz__coding coding = mark_of(tag, &unmarked);
        if (found == CZ__CODING_COUNT && coding != CZ__CODING_COUNT && cz_str_eq(unmarked, own) &&
            tags->takes(req, coding))
            found = coding;
    }
    if (found != CZ__CODING_COUNT)
        set_tag(ctx, req, own, found);
}
