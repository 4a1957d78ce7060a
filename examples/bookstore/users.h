/* The Bookstore's users: its administrators, who may write. */
#ifndef BOOKSTORE_USERS_H
#define BOOKSTORE_USERS_H

#include <calzone/calzone.h>

/* Why a password can't be one; NULL: it can. */
const char *check_password(cz_str password, double unused);

#define USER(F)                                                                                    \
    F(slug_field, username, .max_length = 40, .unique = true)                                      \
    F(email_field, email, .blank = true)                                                           \
    F(char_field, password, .max_length = CZ_PASSWORD_HASH_MAX, .validator = check_password)       \
    F(bool_field, is_superuser, .default_ = cz_bool(false), .read_only = true)                     \
    F(int_field, token_round, .default_ = cz_int(0), .read_only = true,                            \
      .help_text = "Tokens of another round are void: a new password begins one.")                 \
    F(datetime_field, created_at, .auto_now_add = true, .read_only = true)
CZ_MODEL(User, USER, .ordering = CZ_ORDER_BY(CZ_ASC(User, username)));

/* Who calls: the middleware, and its routes, which /v1 has. */
extern const cz_authentication authentication;
extern const cz_route user_urls[];
/* The command of this name. */
int create_superuser(cz_ctx *ctx, const cz_project *project, int argc, char **argv);

#endif
