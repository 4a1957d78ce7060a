/* Private to src/idempotency. */
#ifndef CZ_IDEMPOTENCY_MODELS_H
#define CZ_IDEMPOTENCY_MODELS_H

#include <calzone/models.h>

/* A key that was used, and the answer. Named so that no project's model is called the same. */
#define CZ_IDEMPOTENCY_KEY(F)                                                                      \
    F(char_field, digest, .max_length = 64, .unique = true,                                        \
      .help_text = "SHA-256 of the caller and the key.")                                           \
    F(char_field, request, .max_length = 64,                                                       \
      .help_text = "SHA-256 of method, address, type and body.")                                   \
    F(int_field, status)                                                                           \
    F(char_field, content_type, .max_length = 255, .blank = true)                                  \
    F(text_field, headers, .blank = true, .help_text = "A line each.")                             \
    F(binary_field, body)                                                                          \
    F(datetime_field, expires_at, .index = true)
CZ_MODEL(cz_idempotency_key, CZ_IDEMPOTENCY_KEY, .table = "calzone_idempotency_key",
         .verbose_name = "idempotency key");

#endif
