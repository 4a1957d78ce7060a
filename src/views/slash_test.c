/* What is sent to a path that is there only with a slash at its end, or without. */
#include "routing/errors.h"
#include <calzone/calzone.h>
#include <calzone/testing.h>

static void answer(cz_ctx *ctx, cz_request *req)
{
    cz_respond_empty(ctx, req, 204);
}

static const cz_route urls[] = {
    CZ_POST("/repairs/", answer),
    CZ_POST("/parts", answer),
    CZ_GET("/reports/<int:id>/", answer),
    CZ_ROUTES_END,
};
static CZ_PROJECT(slashes, "slashes", .urls = urls);

CZ_TEST(a_path_that_is_there_with_or_without_a_slash_is_told_in_development)
{
    static const struct {
        const char *method, *target, *development, *production;
    } cases[] = {
        { "POST", "/repairs", "Not found. There is “/repairs/”, with a slash at its end.",
          "Not found." },
        { "POST", "/parts/", "Not found. There is “/parts”, without a slash at its end.",
          "Not found." },
        { "DELETE", "/repairs", "Not found.", "Not found." }, /* which it does not take either */
        { "POST", "/reports/1", "Not found.", "Not found." },
        { "POST", "/nothing/", "Not found.", "Not found." },
        { "POST", "/", "Not found.", "Not found." },
    };
    cz_client *client = cz_client_create(&slashes);
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        for (int development = 0; development < 2; development++) {
            const cz_client_request request = { .method = cases[i].method,
                                                .target = cases[i].target };
            cz__errors_configure(CZ__ERRORS_DRF, development);
            const cz_answer *got = cz_client_send(client, &request);
            CZ_EXPECT_STATUS(got, 404);
            CZ_EXPECT_JSON(got, "detail", development ? cases[i].development : cases[i].production);
        }
    CZ_EXPECT_STATUS(cz_client_get(client, "/reports/1"), 301); /* as ever */
}
