/* calzone/idempotency.h: a request that is sent twice is done once.
 *
 *     static const cz_middleware *const once[] = { &cz_idempotency, NULL };
 *
 *     CZ_RESOURCE("/payments", &payments, .middleware = once)
 *     CZ_PROJECT_MAIN("shop", .apps = CZ_APPS(&shop_app, &cz_idempotency_app), ...)
 *
 * A client that does not know whether its POST arrived sends it again with the same Idempotency-Key (the IETF's
 * draft-ietf-httpapi-idempotency-key-header), and gets the answer of the first. The key and the answer are stored in the
 * transaction of what the handler does, so there are both or none, whoever is killed when.
 */
#ifndef CALZONE_IDEMPOTENCY_H
#define CALZONE_IDEMPOTENCY_H

#include <calzone/middleware.h>
#include <calzone/project.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Around POST and PATCH with the header; others pass. What stands further in runs in one transaction on "default", which is
 * rolled back when the answer is an error, raised or not: a status of 400 or more; then the key is free again. Else the answer,
 * body and headers, is kept for IDEMPOTENCY_KEY_LIFE and given to whoever sends the same request with the same key, with
 * `Idempotency-Replayed: true`. A key is one caller's: of `ctx->actor`, and without one of the Authorization and Cookie headers as
 * they are.
 *
 * Answers 400 to a header that is no key (1 to 255 visible characters, between quotes or without) and to two keys; 422 to a key
 * that came with another request; 409 while the first request runs, after waiting for it
 * for half a second (on SQLite, which has one writer at a time, until it is done).
 * Raises CZ_EINVAL: the answer is a stream. The start fails without cz_idempotency_app. */
extern const cz_middleware cz_idempotency;
/* The same, and a POST or PATCH without the header is 400. */
extern const cz_middleware cz_idempotency_required;

/* The table, and the command `clearidempotencykeys`. */
extern const cz_app cz_idempotency_app;

enum { CZ_IDEMPOTENCY_KEY_MAX = 255 };

#ifdef __cplusplus
}
#endif
#endif
