#include "orm/encryption.h"
#include "base/crypto.h"
#include "orm/orm_internal.h"
#include <calzone/base64.h>
#include <calzone/json.h>
#include <calzone/log.h>

#define VERSION "v1:"

struct key {
    char name[CZ__FIELD_KEY_NAME_MAX + 1];
    unsigned char bytes[CZ__AEAD_KEY];
};

static struct key keys[CZ__FIELD_KEYS_MAX]; /* written at start-up alone */
static size_t key_count;

size_t cz__field_keys_count(void)
{
    return key_count;
}

/* ---- the setting ---- */

static bool is_name(cz_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= CZ__FIELD_KEY_NAME_MAX;
}

static const struct key *find_key(cz_str name)
{
    for (size_t i = 0; i < key_count; i++)
        if (cz_str_eq(cz_str_from(keys[i].name), name))
            return &keys[i];
    return NULL;
}

static cz_status read_key(cz_arena *arena, cz_str item, cz_error *err)
{
    cz_str name = cz_str_trim(cz_str_cut(&item, ':')), text = cz_str_trim(item);
    cz_bytes bytes;
    if (!is_name(name))
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: key %zu has no name: write NAME:KEY, the name "
                            "of 1 to %d letters, digits, - and _",
                            key_count + 1, CZ__FIELD_KEY_NAME_MAX);
    if (cz_base64_read(arena, text, &bytes) || bytes.len != CZ__AEAD_KEY)
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: the key \"%.*s\" is not 32 bytes in base64, as "
                            "`openssl rand -base64 32` prints them",
                            CZ_STR_ARG(name));
    if (find_key(name))
        return cz_error_set(err, CZ_EVALIDATION,
                            "FIELD_ENCRYPTION_KEYS: two keys are called \"%.*s\"",
                            CZ_STR_ARG(name));
    if (key_count == CZ__FIELD_KEYS_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "FIELD_ENCRYPTION_KEYS: more than %d keys",
                            CZ__FIELD_KEYS_MAX);
    struct key *key = &keys[key_count++];
    memcpy(key->name, name.ptr, name.len);
    key->name[name.len] = '\0';
    memcpy(key->bytes, bytes.ptr, sizeof key->bytes);
    return CZ_OK;
}

cz_status cz__field_keys_set(cz_str text, cz_error *err)
{
    cz_arena *arena;
    key_count = 0;
    explicit_bzero(keys, sizeof keys);
    if (!cz_str_trim(text).len)
        return CZ_OK;
    cz_status status = cz__crypto_load(err);
    if (status)
        return status;
    if (cz_arena_create(NULL, 0, &arena))
        return cz_error_set(err, CZ_ENOMEM, "no memory for FIELD_ENCRYPTION_KEYS");
    while (!status && text.len)
        status = read_key(arena, cz_str_cut(&text, ','), err);
    cz_arena_destroy(arena);
    if (status)
        key_count = 0;
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
    if (!key_count)
        return cz_error_set(err, CZ_EINVAL,
                            "an encrypted field, and FIELD_ENCRYPTION_KEYS names no key");
    cz_buf sealed = { 0 };
    cz_status status = cz__aead_seal(keys[0].bytes, plain, &sealed, err);
    size_t len = 0;
    char *text = status ? NULL : write_stored(arena, keys[0].name, &sealed, &len);
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
    return is_name(*out_name);
}

cz_status cz__field_decrypt(cz_arena *arena, cz_str stored, cz_str *out, cz_error *err)
{
    cz_str name, text;
    cz_bytes sealed;
    if (!split(stored, &name, &text))
        return cz_error_set(err, CZ_EDATABASE, "a value of an encrypted field is not encrypted");
    const struct key *key = find_key(name);
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
