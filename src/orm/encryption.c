#include "orm/encryption.h"
#include "base/crypto.h"
#include "base/key_ring.h"
#include "orm/orm_internal.h"
#include <calzone/base64.h>
#include <calzone/json.h>
#include <calzone/log.h>

#define VERSION "v1:"

static struct cz__key_ring keys; /* written at start-up alone */

size_t cz__field_keys_count(void)
{
    return keys.count;
}

cz_status cz__field_keys_set(cz_str text, cz_error *err)
{
    cz_status status = cz__key_ring_read(&keys, "FIELD_ENCRYPTION_KEYS", text, err);
    if (!status && keys.count)
        status = cz__crypto_load(err);
    if (status)
        keys.count = 0;
    return status;
}

/* ---- values ---- */

/* "v1:KEY:", then what was sealed. */
static char *write_stored(cz_arena *arena, const char *name, const cz_buf *sealed, size_t *out_len)
{
    size_t prefix = strlen(VERSION) + strlen(name) + 1;
    char *text = cz_arena_alloc(arena, prefix + CZ_BASE64_TEXT(sealed->len) + 1);
    if (!text)
        return NULL;
    memcpy(text, VERSION, strlen(VERSION));
    memcpy(text + strlen(VERSION), name, strlen(name));
    text[prefix - 1] = ':';
    *out_len = prefix + cz_base64_write(text + prefix, sealed->ptr, sealed->len);
    text[*out_len] = '\0';
    return text;
}

cz_status cz__field_encrypt(cz_arena *arena, cz_str plain, cz_str *out, cz_error *err)
{
    if (!keys.count)
        return cz_error_set(err, CZ_EINVAL,
                            "an encrypted field, and FIELD_ENCRYPTION_KEYS names no key");
    cz_buf sealed = { 0 };
    cz_status status = cz__aead_seal(keys.keys[0].bytes, plain, &sealed, err);
    size_t len = 0;
    char *text = status ? NULL : write_stored(arena, keys.keys[0].name, &sealed, &len);
    cz_buf_done(&sealed);
    if (!status && !text)
        status = cz_error_set(err, CZ_ENOMEM, "no memory to encrypt");
    if (!status)
        *out = cz_str_of(text, len);
    return status;
}

/* The name of the key a stored text is encrypted with, and what follows it; false when it is no such text. */
static bool split(cz_str stored, cz_str *out_name, cz_str *out_text)
{
    if (!cz_str_starts_with(stored, CZ_STR(VERSION)))
        return false;
    *out_text = cz_str_tail(stored, strlen(VERSION));
    *out_name = cz_str_cut(out_text, ':');
    return cz__key_name_is_valid(*out_name);
}

cz_status cz__field_decrypt(cz_arena *arena, cz_str stored, cz_str *out, cz_error *err)
{
    cz_str name, text;
    cz_bytes sealed;
    if (!split(stored, &name, &text))
        return cz_error_set(err, CZ_EDATABASE, "a value of an encrypted field is not encrypted");
    const struct cz__key *key = cz__key_ring_find(&keys, name);
    if (!key)
        return cz_error_set(err, CZ_EDATABASE,
                            "a value is encrypted with the key \"%.*s\", which "
                            "FIELD_ENCRYPTION_KEYS does not name",
                            CZ_STR_ARG(name));
    cz_status status = cz_base64_read(arena, text, &sealed);
    if (status == CZ_ENOMEM)
        return cz_error_set(err, CZ_ENOMEM, "no memory to decrypt");
    char *plain = cz_arena_alloc(arena, status ? 1 : sealed.len + 1);
    if (!plain)
        return cz_error_set(err, CZ_ENOMEM, "no memory to decrypt");
    if (!status)
        status =
            cz__aead_open(key->bytes, cz_str_of((const char *)sealed.ptr, sealed.len), plain, err);
    if (status)
        return cz_error_set(err, CZ_EDATABASE,
                            "a value encrypted with the key \"%s\" was changed, or the key is "
                            "another of that name",
                            key->name);
    *out = cz_str_of(plain, sealed.len - CZ__AEAD_OVERHEAD);
    plain[out->len] = '\0';
    return CZ_OK;
}

/* ---- rows ---- */

void cz__seal_param(cz_ctx *ctx, cz__db_param *param)
{
    cz_error err;
    if (param->kind == CZ__PARAM_TEXT &&
        cz__field_encrypt(ctx->arena, param->text, &param->text, &err))
        cz_raise_error(ctx, &err);
}

/* An empty text is one: what a column that was added gives to rows that were there. */
static cz_status unseal(cz_arena *arena, cz_str *text, cz_error *err)
{
    return text->len ? cz__field_decrypt(arena, *text, text, err) : CZ_OK;
}

void cz__unseal_rows(cz_ctx *ctx, const cz_model *model, char *rows, size_t count,
                     const uint64_t *loaded)
{
    const struct cz__model_state *state = model->state;
    for (uint16_t i = 0; state->sealed && i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        if (!(column->type & CZ__DB_SEALED) || (loaded && !(loaded[i / 64] >> (i % 64) & 1)))
            continue;
        for (size_t n = 0; n < count; n++) {
            cz_row *row = cz__row_nth(rows, n, model);
            cz_error err;
            if (!cz__row_bit(row, CZ__BITS_NULL, i) &&
                unseal(ctx->arena, cz__row_at(row, column), &err))
                cz_raise(ctx, err.status, "%s.%s: %s", model->name, column->field->name,
                         cz_error_message(&err));
        }
    }
}

static void write_unsealed(cz_arena *arena, cz_str text, const cz__column *column, cz_buf *out)
{
    cz_error err;
    cz_json_writer json;
    cz_status status = unseal(arena, &text, &err);
    if (status) {
        cz_log_error(NULL, "calzone.db", cz_error_message(&err),
                     CZ_FIELD_STR("field", cz_str_from(column->field->name)));
        out->status = status;
        return;
    }
    cz_json_writer_init(&json, out);
    cz_json_str(&json, text);
}

void cz__write_column(const cz__db_cursor *cursor, const cz__column *column, cz_buf *out)
{
    const cz__db_driver *driver = cursor->db->driver;
    cz_str text;
    cz_arena *arena;
    if (!(column->type & CZ__DB_SEALED) ||
        !driver->read(cursor, column->position, column->type, &text)) {
        driver->write_json(cursor, column->position, column->type, out);
        return;
    }
    if (cz_arena_create(NULL, 0, &arena)) {
        out->status = CZ_ENOMEM;
        return;
    }
    write_unsealed(arena, text, column, out);
    cz_arena_destroy(arena);
}
