/* Who calls, and what those who say nothing or lie are told. */
#include <calzone/calzone.h>
#include <calzone/testing.h>
#include "auth/auth_internal.h"
#include <string.h>

static bool by_name(cz_ctx *ctx, cz_request *req, const cz_authentication_scheme *self)
{
    cz_str name, password;
    (void)self;
    if (!cz_authorization_basic(ctx, req, &name, &password))
        return false;
    if (!cz_str_eq(password, CZ_STR("open: sesame")))
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "Invalid username/password.");
    cz_set_actor(ctx, cz_format(ctx, "user:%.*s", CZ_STR_ARG(name)));
    return true;
}
static const cz_authentication_scheme basic = { "basic", "Basic realm=\"api\"", by_name };
static const cz_authentication_scheme *const schemes[] = { &basic, &cz_client_tokens, NULL };
static CZ_AUTHENTICATION(authentication, .schemes = schemes);

static void who(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), ctx->actor);
}
static void inside(cz_ctx *ctx, cz_request *req)
{
    cz_permission_require(ctx, req, &cz_is_authenticated, NULL);
    who(ctx, req);
}
static void nowhere(cz_ctx *ctx, cz_request *req)
{
    cz_permission_require(ctx, req, &cz_deny_all, NULL);
}
/* One that reads credentials itself. */
static void digest(cz_ctx *ctx, cz_request *req)
{
    cz_respond(ctx, req, 200, CZ_STR("text/plain"), cz_authorization(req, "Digest"));
}
/* A handler with a challenge of its own. */
static void ask_for_digest(cz_ctx *ctx, cz_request *req)
{
    cz_respond_header(ctx, req, CZ_STR("WWW-Authenticate"), CZ_STR("Digest realm=\"own\""));
    cz_raise(ctx, CZ_EUNAUTHENTICATED, "Not so.");
}

static const cz_middleware *const around[] = { &authentication.middleware, NULL };
static const cz_route asked[] = { CZ_GET("/who", who),         CZ_GET("/inside", inside),
                                  CZ_GET("/nowhere", nowhere), CZ_GET("/digest", ask_for_digest),
                                  CZ_GET("/read", digest),     CZ_POST("/who", who),
                                  CZ_POST("/inside", inside),  CZ_ROUTES_END };
static const cz_route urls[] = {
    CZ_INCLUDE("/api", asked, .middleware = around),
    CZ_GET("/plain", inside),
    CZ_ROUTES_END,
};
static CZ_PROJECT(gatehouse, "gatehouse", .urls = urls);

#define TOKENS "mail:0123456789abcdef, shop:fedcba9876543210,mail:second-token-of-it"

#define NO_FORM                                                                                    \
    "Credentials of this form are not read here. Send Authorization: Basic BASE64(NAME:PASSWORD) " \
    "or Bearer BASE64(CLIENT:TOKEN)."

/* `base64` of "NAME:SECRET". */
static const struct {
    const char *path, *authorization;
    int status;
    const char *told;
} cases[] = {
    { "/api/who", NULL, 200, "" },
    { "/api/who", "Authorization: Basic bWF4Om9wZW46IHNlc2FtZQ==", 200, "user:max" },
    { "/api/who", "authorization:  bAsIc   bWF4Om9wZW46IHNlc2FtZQ== ", 200, "user:max" },
    { "/api/inside", "Authorization: Basic bWF4Om9wZW46IHNlc2FtZQ==", 200, "user:max" },
    { "/api/inside", NULL, 401, "Authentication credentials were not provided." },
    { "/api/nowhere", NULL, 401, "Authentication credentials were not provided." },
    { "/api/nowhere", "Authorization: Basic bWF4Om9wZW46IHNlc2FtZQ==", 403,
      "You do not have permission to perform this action." },
    { "/plain", NULL, 403, "You do not have permission to perform this action." },
    { "/api/who", "Authorization: Basic bWF4Om5vcGU=", 401, "Invalid username/password." },
    { "/api/who", "Authorization: Basic bWF4", 401, NULL }, /* "max" */
    { "/api/who", "Authorization: Basic b!", 401, NULL },
    { "/api/who", "Authorization: Basic /zo=", 401, NULL }, /* no UTF-8 */
    { "/api/who", "Authorization: Basic", 401, NO_FORM },
    { "/api/who", "Authorization: Digest abc", 401, NO_FORM },
    { "/api/inside", "Authorization: Digest abc", 401, NO_FORM },
    { "/api/read", "Authorization: Digest abc", 200, "abc" },
    { "/api/who", "Authorization: ", 200, "" },
    { "/plain", "Authorization: Digest abc", 403, /* no scheme is asked */
      "You do not have permission to perform this action." },
    { "/api/who", "Authorization: Bearer bWFpbDowMTIzNDU2Nzg5YWJjZGVm", 200, "client:mail" },
    { "/api/who", "Authorization: Bearer bWFpbDpzZWNvbmQtdG9rZW4tb2YtaXQ=", 200, "client:mail" },
    { "/api/who", "Authorization: Bearer c2hvcDpmZWRjYmE5ODc2NTQzMjEw", 200, "client:shop" },
    { "/api/who", "Authorization: Bearer c2hvcDowMTIzNDU2Nzg5YWJjZGVm", 401, "Invalid token." },
    { "/api/who", "Authorization: Bearer c2hvcDo=", 401, "Invalid token." }, /* "shop:" */
    { "/api/who", "Authorization: Bearer OjAxMjM0NTY3ODlhYmNkZWY=", 401, "Invalid token." },
    { "/api/who", "Authorization: Bearer bm9ib2R5OjAxMjM0NTY3ODlhYmNkZWY=", 401, "Invalid token." },
    { "/api/who", "Authorization: Bearer a.b.c", 401, NO_FORM },
    { "/api/who", "Authorization: Bearer 0123456789abcdef", 401, NO_FORM },
    { "/api/who",
      "Authorization: Bearer a.b.c\r\nAuthorization: Bearer c2hvcDpmZWRjYmE5ODc2NTQzMjEw", 400,
      "more than one Authorization" },
};

CZ_TEST(who_calls_is_known_by_the_first_scheme_that_is_used)
{
    cz_error err;
    cz_client *client = cz_client_create(&gatehouse);
    CZ_REQUIRE_OK(cz__client_tokens_read(CZ_STR(TOKENS), &err));
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        const char *header = cases[i].authorization ? cz_arena_printf(cz_test_arena(), "%s\r\n",
                                                                      cases[i].authorization)
                                                    : NULL;
        const cz_client_request request = { .method = "GET",
                                            .target = cases[i].path,
                                            .headers = header };
        const cz_answer *answer = cz_client_send(client, &request);
        CZ_EXPECT_STATUS(answer, cases[i].status);
        CZ_EXPECT_HEADER(answer, "WWW-Authenticate",
                         cases[i].status == 401 ? "Basic realm=\"api\"" : "");
        if (cases[i].status == 200)
            CZ_EXPECT_STR(answer->body, cases[i].told);
        else if (cases[i].told)
            CZ_EXPECT_JSON(answer, "detail", cases[i].told);
    }
}

CZ_TEST(a_change_is_stopped_before_it_or_not_at_all)
{
    cz_client *client = cz_client_create(&gatehouse);
    cz_client_request request = { .method = "POST",
                                  .target = "/api/inside",
                                  .headers = "Authorization: Digest abc\r\n" };
    const cz_answer *answer = cz_client_send(client, &request);
    CZ_EXPECT_STATUS(answer, 401);
    CZ_EXPECT_JSON(answer, "detail", NO_FORM);
    request.target = "/api/who"; /* asks for no permission: it has changed what it changes */
    CZ_EXPECT_STATUS(cz_client_send(client, &request), 200);
}

CZ_TEST(the_challenge_of_a_handler_is_kept)
{
    cz_client *client = cz_client_create(&gatehouse);
    const cz_answer *answer = cz_client_get(client, "/api/digest");
    CZ_EXPECT_STATUS(answer, 401);
    CZ_EXPECT_HEADER(answer, "WWW-Authenticate", "Digest realm=\"own\"");
}

CZ_TEST(a_list_of_schemes_without_its_end_is_told)
{
    static const cz_authentication_scheme *const list[] = {
        &basic, (const cz_authentication_scheme *)(uintptr_t)0x7265626d756e2061, NULL
    };
    static const cz_authentication_scheme *const none[] = { NULL };
    static CZ_AUTHENTICATION(endless, .schemes = list);
    static CZ_AUTHENTICATION(empty, .schemes = none);
    cz_error err;
    CZ_EXPECT_EQ(cz__authentication_check(&authentication.middleware, &err), CZ_OK);
    CZ_EXPECT_EQ(cz__authentication_check(&cz_host_check, &err), CZ_OK);
    CZ_EXPECT_EQ(cz__authentication_check(&endless.middleware, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)),
                  "scheme 2 of a CZ_AUTHENTICATION() lacks its function or its challenge, or the "
                  "list has no NULL at its end");
    CZ_EXPECT_EQ(cz__authentication_check(&empty.middleware, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), "CZ_AUTHENTICATION() without schemes");
}

CZ_TEST(tokens_that_cannot_be_stop_the_start_without_being_told)
{
    static const struct {
        const char *setting, *why;
    } wrong[] = {
        { "0123456789abcdef", "shorter than 16" },
        { ":0123456789abcdef", "a client's name has 1 to 64" },
        { "mail:short", "a token of \"mail\" is shorter than 16" },
        { "a:0123456789abcdef,a:0123456789abcdeg,a:0123456789abcdeh", "\"a\" has more than 2" },
    };
    for (size_t i = 0; i < CZ_COUNT(wrong); i++) {
        cz_error err;
        CZ_EXPECT_EQ(cz__client_tokens_read(cz_str_from(wrong[i].setting), &err), CZ_EVALIDATION);
        CZ_EXPECT_MSG(strstr(cz_error_message(&err), wrong[i].why) != NULL, "%s",
                      cz_error_message(&err));
        if (i)
            CZ_EXPECT(!strstr(cz_error_message(&err), "short\""));
    }
}
