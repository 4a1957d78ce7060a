/* What a request may say of versions: the first line is its Accept, the second its Host, the third its query, the fourth its
 * Accept-Version; one that is empty is not sent. Oracles: it is one of the versions that are, said word for word by the scheme
 * that is told of, or the default where nothing was said; asking again gives the same; refusing raises. */
#include "versioning/versioning_internal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const cz_route urls[] = { CZ_ROUTES_END };
static CZ_VERSIONS(versions,
                   .schemes = CZ_VERSION_SCHEMES(
                       { .by = CZ_VERSION_BY_PATH }, { .by = CZ_VERSION_BY_ACCEPT },
                       { .by = CZ_VERSION_BY_HOST }, { .by = CZ_VERSION_BY_HOST, .name = "b.c" },
                       { .by = CZ_VERSION_BY_QUERY, .name = "v" }, { .by = CZ_VERSION_BY_HEADER }),
                   .default_ = "2",
                   .versions = CZ_VERSION_LIST({ .name = "1", .urls = urls },
                                               { .name = "2", .urls = urls },
                                               { .name = "x.y", .urls = urls }));

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void refuse(cz_ctx *ctx, void *arg)
{
    cz__version_refuse(ctx, arg, &versions);
}

static void check_choice(cz_ctx *ctx, cz_request *req, const cz_str *said)
{
    static const uint8_t line_of[] = { 0, 0, 1, 1, 2, 3 }; /* by scheme */
    char room[CZ__VERSION_LABEL];
    const cz_version *version = req->version;
    expect(req->version_scheme < (int)versions.schemes.count && req->version_scheme != 0);
    if (req->version_scheme < 0)
        expect(version && strcmp(version->name, "2") == 0);
    else if (version && line_of[req->version_scheme] == 3)
        expect(cz_str_eq(said[3], cz_str_from(version->name)));
    else if (version && line_of[req->version_scheme] == 0)
        expect(cz_str_find(said[0], cz_str_from(version->name)) != SIZE_MAX);
    else if (version && line_of[req->version_scheme] == 1)
        expect(said[1].len > strlen(cz__version_label(version, room)));
    if (version)
        return;
    cz_status status = cz_try(ctx, refuse, req, NULL);
    expect(status == CZ_ENOTFOUND || status == CZ_ENOTACCEPTABLE || status == CZ_ENOMEM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (size > 4096 || (!arena && cz_arena_create(NULL, 0, &arena)))
        return 0;
    cz_str rest = cz_str_of((const char *)data, size), said[4];
    for (size_t i = 0; i < CZ_COUNT(said); i++)
        said[i] = cz_str_cut(&rest, '\n');
    const cz_header headers[] = { { CZ_STR("accept"), said[0] },
                                  { CZ_STR("Accept-Version"), said[3] } };
    cz_request req = {
        .host = said[1], .query = said[2], .headers = headers, .header_count = said[3].len ? 2 : 1
    };
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz__version_choose(&ctx, &req, &versions);
    const cz_version *first = req.version;
    check_choice(&ctx, &req, said);
    req.versions = NULL;
    cz__version_choose(&ctx, &req, &versions);
    expect(req.version == first);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    return 0;
}
