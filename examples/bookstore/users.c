#include "users.h"
#include "access.h"
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MIN = 12, TOKEN_SECONDS = 15 * 60 };

const char *check_password(cz_str password, double unused)
{
    (void)unused;
    return cz_str_utf8_length(password) < PASSWORD_MIN
               ? "This password is too short. It must contain at least 12 characters."
               : NULL;
}

static CZ_SERIALIZER(UserSerializer, User,
                     .fields = CZ_FIELDS(User, username, email, password, is_superuser, created_at),
                     .write_only = CZ_FIELDS(User, password));

/* ---- credentials ---- */

/* The user of a name and password; NULL: there is none, or it is another password, and both take as long. */
static User *user_by_password(cz_ctx *ctx, cz_str name, cz_str password)
{
    User *user = cz_first(ctx, User, .where = CZ_Q(User, username, EXACT, name));
    bool outdated;
    if (!cz_password_verify(ctx, password, user ? user->password : CZ_STR(""), &outdated))
        return NULL;
    if (outdated) /* unless it was changed while the new hash was made */
        cz_update(
            ctx, User,
            CZ_AND(CZ_Q(User, id, EXACT, user->id), CZ_Q(User, password, EXACT, user->password)),
            (password, cz_password_hash(ctx, password)));
    return user;
}

static int64_t round_of(const cz_jwt *jwt)
{
    const cz_json_value *round = cz_json_get(jwt->claims, CZ_STR("round"));
    return round && round->kind == CZ_JSON_INT ? round->as.integer : -1;
}

/* A token of /v1/token, whose user is still there and has not changed the password since. */
static bool by_token(cz_ctx *ctx, cz_request *req, const cz_authentication_scheme *self)
{
    (void)self;
    cz_jwt jwt;
    int64_t id;
    cz_str token = cz_authorization(req, "Bearer");
    if (!token.len)
        return false;
    User *user = NULL;
    if (cz_jwt_verify(ctx, token, CZ_STR("access"), &jwt) && !cz_str_to_i64(jwt.subject, &id))
        user = cz_first(ctx, User, .where = CZ_Q(User, id, EXACT, id));
    if (!user || user->token_round != round_of(&jwt))
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "The token is not valid, or its time is over.");
    cz_set_actor(ctx, cz_format(ctx, "user:%lld", (long long)user->id));
    return true;
}

static const cz_authentication_scheme token_scheme = { "token", "Bearer", by_token };
static const cz_authentication_scheme *const schemes[] = { &cz_client_tokens, &token_scheme, NULL };
CZ_AUTHENTICATION(authentication, .schemes = schemes);

/* The user that calls. */
static User *caller(cz_ctx *ctx)
{
    int64_t id;
    User *user = NULL;
    if (cz_str_starts_with(ctx->actor, CZ_STR("user:")) &&
        !cz_str_to_i64(cz_str_tail(ctx->actor, strlen("user:")), &id))
        user = cz_first(ctx, User, .where = CZ_Q(User, id, EXACT, id));
    if (!user)
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "Authentication credentials were not provided.");
    return user;
}

static User *superuser(cz_ctx *ctx)
{
    User *user = caller(ctx);
    if (!user->is_superuser)
        cz_raise(ctx, CZ_EDENIED, "You do not have permission to perform this action.");
    return user;
}

/* The user a request is about: the caller, or with ?username= another, for superusers. */
static User *target(cz_ctx *ctx, const cz_request *req)
{
    cz_str name = cz_query_str(ctx, req, "username");
    User *user = caller(ctx);
    if (!name.len || cz_str_eq(name, user->username))
        return user;
    superuser(ctx); /* or it raises */
    user = cz_first(ctx, User, .where = CZ_Q(User, username, EXACT, name));
    if (!user)
        cz_raise(ctx, CZ_ENOTFOUND, "Not found.");
    return user;
}

/* ---- routes ---- */

/* A round counted up would be the same of two changes at once, which both read the old one while they hash: tokens of the
 * password that lost would go on. Nobody else draws this one, so the row needs no lock. */
static void hash_password(cz_ctx *ctx, User *user)
{
    cz_set(ctx, user, password, cz_password_hash(ctx, user->password));
    cz_set(ctx, user, token_round, (int32_t)(cz_random_u64() & INT32_MAX));
}

static void create_user(cz_ctx *ctx, cz_request *req)
{
    superuser(ctx);
    User *user = cz_read_row(ctx, req, &UserSerializer, User);
    hash_password(ctx, user);
    cz_save(ctx, user);
    cz_respond_row(ctx, req, 201, &UserSerializer, user);
}

static void replace_user(cz_ctx *ctx, cz_request *req)
{
    User *user = target(ctx, req);
    cz_read_row_into(ctx, req, &UserSerializer, user, false);
    hash_password(ctx, user);
    cz_save(ctx, user);
    cz_respond_row(ctx, req, 200, &UserSerializer, user);
}

static void delete_user(cz_ctx *ctx, cz_request *req)
{
    cz_remove(ctx, target(ctx, req));
    cz_respond_empty(ctx, req, 204);
}

/* Whether the request's Basic credentials are a user's. */
static void validate_user(cz_ctx *ctx, cz_request *req)
{
    cz_str name = CZ_STR(""), password = CZ_STR("");
    if (cz_query_str(ctx, req, "password").len)
        cz_raise(ctx, CZ_EPROTOCOL,
                 "A password in an address is kept by logs and histories: send it by Basic "
                 "authentication to /v1/user or /v1/validation/user.");
    bool given = cz_authorization_basic(ctx, req, &name, &password);
    if (!given || !user_by_password(ctx, name, password)) {
        cz_respond_header(ctx, req, CZ_STR("WWW-Authenticate"),
                          CZ_STR("Basic realm=\"bookstore\""));
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "%s",
                 given ? "No such user, or another password." : "Send a name and a password.");
    }
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_object(&json);
    cz_json_key(&json, CZ_STR("valid"));
    cz_json_bool(&json, true);
    cz_json_key(&json, CZ_STR("username"));
    cz_json_str(&json, name);
    cz_json_object_end(&json);
}

#define LOGIN(F)                                                                                   \
    F(char_field, grant_type, .max_length = 20, .default_ = cz_text("password"))                   \
    F(char_field, username, .max_length = 40)                                                      \
    F(text_field, password)                                                                        \
    F(text_field, scope, .blank = true)
CZ_RECORD(Login, LOGIN);
static CZ_SERIALIZER(
    LoginSerializer, Login, .fields = CZ_FIELDS(Login, grant_type, username, password, scope),
    .ignore_unknown = true); /* client_id and client_secret, which OAuth clients send */

#define TOKEN(F)                                                                                   \
    F(text_field, access_token)                                                                    \
    F(char_field, token_type, .max_length = 10)                                                    \
    F(int_field, expires_in)
CZ_RECORD(Token, TOKEN);
static CZ_SERIALIZER(TokenSerializer, Token,
                     .fields = CZ_FIELDS(Token, access_token, token_type, expires_in));

/* OAuth 2's password grant (RFC 6749, 4.3), as FastAPI's OAuth2PasswordRequestForm reads it. */
static void make_token(cz_ctx *ctx, cz_request *req)
{
    Login *login = cz_read_row(ctx, req, &LoginSerializer, Login);
    if (!cz_str_eq(login->grant_type, CZ_STR("password")))
        cz_raise(ctx, CZ_EPROTOCOL, "The grant_type is password.");
    User *user = user_by_password(ctx, login->username, login->password);
    if (!user)
        cz_raise(ctx, CZ_EUNAUTHENTICATED, "No such user, or another password.");
    cz_jwt jwt = { .subject = cz_format(ctx, "%lld", (long long)user->id),
                   .type = CZ_STR("access"),
                   .more = cz_format(ctx, "\"round\":%d", user->token_round) };
    Token *token = cz_row_new(ctx, Token);
    cz_set(ctx, token, access_token, cz_jwt_sign(ctx, &jwt, TOKEN_SECONDS));
    cz_set(ctx, token, token_type, CZ_STR("bearer"));
    cz_set(ctx, token, expires_in, TOKEN_SECONDS);
    cz_respond_header(ctx, req, CZ_STR("Cache-Control"), CZ_STR("no-store"));
    cz_respond_row(ctx, req, 200, &TokenSerializer, token);
}

#define WHOM                                                                                       \
    CZ_PARAMETERS({ .name = "username", .description = "Another than the caller, for superusers." })

const cz_route user_urls[] = {
    CZ_POST("/user", create_user,
            .doc = CZ_DOC(.summary = "Add a user", .tag = "users", .request = &UserSerializer,
                          .response = &UserSerializer, .status = 201,
                          .security = CZ_SECURITY("token"))),
    CZ_PUT("/user", replace_user,
           .doc = CZ_DOC(.summary = "Change the caller", .tag = "users", .parameters = WHOM,
                         .request = &UserSerializer, .response = &UserSerializer,
                         .security = CZ_SECURITY("token"))),
    CZ_DELETE("/user", delete_user,
              .doc = CZ_DOC(.summary = "Delete the caller", .tag = "users", .parameters = WHOM,
                            .status = 204, .security = CZ_SECURITY("token"))),
    CZ_GET("/user", validate_user, .middleware = few_tries,
           .doc = CZ_DOC(.summary = "Whether a name and password are a user's", .tag = "users",
                         .security = CZ_SECURITY("password"))),
    CZ_GET("/validation/user", validate_user, .middleware = few_tries,
           .doc = CZ_DOC(.summary = "Whether a name and password are a user's", .tag = "users",
                         .security = CZ_SECURITY("password"))),
    CZ_POST("/token", make_token, .middleware = few_tries,
            .doc = CZ_DOC(.summary = "Give a token for a name and a password", .tag = "users",
                          .request = &LoginSerializer, .response = &TokenSerializer)),
    CZ_ROUTES_END,
};

/* ---- the first of them ---- */

/* A line of the standard input, which a terminal does not show. False: there is none. */
static bool read_password(char *out, size_t bytes)
{
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        fprintf(stderr, "Password: ");
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        cz_ignore(tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)); /* then it is shown */
    }
    bool read = fgets(out, (int)bytes, stdin) != NULL;
    if (terminal) {
        cz_ignore(tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown));
        fprintf(stderr, "\n");
    }
    out[read ? strcspn(out, "\n") : 0] = '\0';
    return read;
}

int create_superuser(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    char password[CZ_PASSWORD_BYTES_MAX + 2] = "";
    if (argc != 2) {
        fprintf(stderr, "%s: createsuperuser needs a USERNAME; see --help\n", project->name);
        return 2;
    }
    if (!read_password(password, sizeof password)) {
        fprintf(stderr, "%s: createsuperuser: no password was given\n", project->name);
        return 1;
    }
    User *user = cz_row_new(ctx, User);
    cz_set(ctx, user, username, cz_str_from(argv[1]));
    cz_set(ctx, user, password, cz_str_from(password));
    cz_set(ctx, user, is_superuser, true);
    cz_full_clean(ctx, user);
    hash_password(ctx, user);
    cz_save(ctx, user);
    printf("%s is a superuser\n", argv[1]);
    return 0;
}
