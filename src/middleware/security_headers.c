/* The headers of OWASP's Secure Headers project, on every answer. What an answer sets itself is kept. */
#include <calzone/middleware.h>

static const cz_header headers[] = {
#define H(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }
    H("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; "
                                 "frame-ancestors 'none'; form-action 'self'"),
    H("X-Content-Type-Options", "nosniff"),
    H("X-Frame-Options", "DENY"),
    H("Referrer-Policy", "same-origin"),
    H("Cross-Origin-Opener-Policy", "same-origin"),
    H("Cross-Origin-Resource-Policy", "same-origin"),
    H("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
#undef H
};

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_next_call(ctx, req, next);
    for (size_t i = 0; i < CZ_COUNT(headers); i++)
        if (!cz_response_header(req, headers[i].name).len)
            cz_respond_header_static(ctx, req, headers[i].name, headers[i].value);
}

const cz_middleware cz_security_headers = { "security_headers", process, NULL };
