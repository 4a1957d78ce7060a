/* Which parser reads a body. */
#include <calzone/parsers.h>
#include "http/content.h"

static cz_str body_as_it_is(cz_ctx *ctx, cz_request *req)
{
    return cz_request_body(ctx, req);
}

const cz_parser cz_json_parser = { .media_type = "application/json", .to_json = body_as_it_is };
const cz_parser cz_form_parser = { .media_type = "application/x-www-form-urlencoded" };
const cz_parser cz_multipart_parser = { .media_type = "multipart/form-data" };

static const cz_parser *const by_default[] = { &cz_json_parser, &cz_form_parser,
                                               &cz_multipart_parser };
const cz_parsers cz_default_parsers = { by_default, CZ_COUNT(by_default) };

static bool takes(const cz_parser *parser, cz_str type)
{
    bool found = cz_str_eq_icase(type, cz_str_from(parser->media_type));
    for (const char *const *name = parser->also; name && *name && !found; name++)
        found = cz_str_eq_icase(type, cz_str_from(*name));
    return found;
}

/* What would have been read: Accept in an answer (RFC 9110, 12.5.1). */
static CZ_NORETURN void raise_unsupported(cz_ctx *ctx, cz_request *req, const cz_parsers *parsers)
{
    for (size_t i = 0; i < parsers->count; i++)
        cz_respond_header_add(ctx, req, CZ_STR("Accept"),
                              cz_str_from(parsers->items[i]->media_type));
    cz_raise(ctx, CZ_EMEDIATYPE, "Unsupported media type \"%.*s\" in request.",
             CZ_STR_ARG(cz_str_head(req->content_type, 100)));
}

const cz_parser *cz_parser_for(cz_ctx *ctx, cz_request *req)
{
    cz__request_refuse_coding(ctx, req);
    const cz_parsers *parsers = req->parsers ? req->parsers : &cz_default_parsers;
    cz_str rest = req->content_type, type = cz_str_trim(cz_str_cut(&rest, ';'));
    for (size_t i = 0; i < parsers->count; i++)
        if (takes(parsers->items[i], type))
            return parsers->items[i];
    raise_unsupported(ctx, req, parsers);
}
