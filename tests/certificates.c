#include "certificates.h"
#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static const char script[] =
    "set -e; cd \"$1\"; command -v openssl >/dev/null || exit 77\n"
    "key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "for ca in ca other-ca; do\n"
    "  openssl req -x509 $key -days 2 -subj \"/CN=$ca\" -keyout $ca.key -out $ca.pem\n"
    "done\n"
    "make() {\n"
    "  openssl req $key -subj \"/CN=$1\" -keyout $1.key -out $1.csr\n"
    "  echo \"subjectAltName=$2\" >$1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $4.pem -CAkey $4.key -CAcreateserial -days $3 \\\n"
    "    -extfile $1.ext -out $1.pem\n"
    "}\n"
    "here=DNS:localhost,IP:127.0.0.1\n"
    "make good $here 2 ca; make elsewhere DNS:example.com 2 ca\n"
    "make expired $here -1 ca; make foreign $here 2 other-ca\n"
    "openssl pkey -in good.key -aes128 -passout pass:x -out locked.key\n";

void certificates_make(void)
{
    char command[4096];
    int len =
        snprintf(command, sizeof command, "sh -s '%s' >'%s/openssl.log' 2>&1 <<'END'\n%sEND\n",
                 cz_test_directory(), cz_test_directory(), script);
    CZ_REQUIRE(len > 0 && (size_t)len < sizeof command);
    int status = system(command); /* NOLINT(cert-env33-c): its words are the test's own */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        cz_test_skip("openssl is not installed");
    CZ_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

const char *certificate_file(const char *name)
{
    char path[512];
    cz_str kept;
    int len = snprintf(path, sizeof path, "%s/%s", cz_test_directory(), name);
    CZ_REQUIRE(len > 0 && (size_t)len < sizeof path);
    CZ_REQUIRE_OK(cz_str_dup(cz_test_arena(), cz_str_of(path, (size_t)len + 1), &kept));
    return kept.ptr;
}
