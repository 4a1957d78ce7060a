/* Private to src/auth. */
#ifndef CZ_AUTH_AUTH_INTERNAL_H
#define CZ_AUTH_AUTH_INTERNAL_H

#include <calzone/status.h>
#include <calzone/str.h>

/* client_tokens.c: take CLIENT_TOKENS. Errors: CZ_EVALIDATION, which never repeats a token. Context: start-up. */
CZ_NODISCARD cz_status cz__client_tokens_read(cz_str text, cz_error *err);
/* How many clients it names. */
size_t cz__client_tokens_count(void);

#endif
