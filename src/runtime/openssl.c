#include "runtime/openssl.h"
#include "base/library.h"

struct cz__ssl cz__ssl;

cz_status cz__openssl_load(cz_error *err)
{
    static struct cz__library ssl = { .file = "libssl.so.3",
                                      .from = " (package libssl3)",
                                      .name = "libssl",
                                      .need = "; version 3 is needed" };
    static struct cz__library crypto = { .file = "libcrypto.so.3",
                                         .from = " (package libssl3)",
                                         .name = "libcrypto",
                                         .need = "; version 3 is needed" };
#define X(type, name, arguments) { #name, &cz__ssl.name },
    static const struct cz__symbol of_ssl[] = { CZ__SSL_FUNCTIONS(X) };
    static const struct cz__symbol of_crypto[] = { CZ__CRYPTO_FUNCTIONS(X) };
#undef X
    cz_status status = cz__library_load(&crypto, of_crypto, CZ_COUNT(of_crypto), err);
    return status ? status : cz__library_load(&ssl, of_ssl, CZ_COUNT(of_ssl), err);
}
