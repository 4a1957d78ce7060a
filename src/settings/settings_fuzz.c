/* Fuzz target of the two parsers that read what an operator writes. The first byte chooses: a .env file
 * or a URL. What is accepted is written again in one canonical form and must read back as the same. */
#include <calzone/buf.h>
#include <stdlib.h>
#include "settings/settings_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append_quoted(cz_buf *out, cz_str value)
{
    cz_buf_append_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        switch (c) {
        case '\n':
            cz_buf_append_lit(out, "\\n");
            break;
        case '\r':
            cz_buf_append_lit(out, "\\r");
            break;
        case '"':
        case '\\':
            cz_buf_append_char(out, '\\');
            cz_buf_append_char(out, c);
            break;
        default:
            cz_buf_append_char(out, c);
        }
    }
    cz_buf_append_char(out, '"');
}

static void check_name(cz_str name)
{
    cz_assert(name.len && !(name.ptr[0] >= '0' && name.ptr[0] <= '9'));
    for (size_t i = 0; i < name.len; i++)
        cz_assert(
            strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", name.ptr[i]));
}

static void fuzz_env_file(cz_arena *arena, cz_str text)
{
    cz__env_reader reader, again;
    cz__env_reader_init(&reader, arena, text);
    for (;;) {
        cz_str name, value, same_name, same_value;
        cz_status status = cz__env_reader_next(&reader, &name, &value);
        cz_assert(reader.line <= cz_str_count(text, '\n') + 1);
        if (status == CZ_EVALIDATION)
            cz_assert(reader.error && reader.line);
        if (status)
            return;
        check_name(name);
        cz_assert(cz_str_is_utf8(value));
        cz_buf line = { 0 };
        cz_buf_append_str(&line, name);
        cz_buf_append_char(&line, '=');
        append_quoted(&line, value);
        cz_assert(cz_buf_status(&line) == CZ_OK);
        cz__env_reader_init(&again, arena, cz_buf_str(&line));
        cz_assert(cz__env_reader_next(&again, &same_name, &same_value) == CZ_OK);
        cz_assert(cz_str_eq(name, same_name) && cz_str_eq(value, same_value));
        cz_assert(cz__env_reader_next(&again, &same_name, &same_value) == CZ_ENOTFOUND);
        cz_buf_done(&line);
    }
}

static void append_encoded(cz_buf *out, cz_str text, bool path)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (path && c == '/');
        if (plain)
            cz_buf_append_char(out, (char)c);
        else
            cz_buf_printf(out, "%%%02X", c);
    }
}

static void fuzz_url(cz_arena *arena, cz_str text)
{
    cz_url url, again;
    cz_str shown;
    cz_assert(cz__url_mask(arena, text, &shown) == CZ_OK);
    url = (cz_url){ .port = 42 };
    if (cz_url_parse(arena, text, &url)) {
        cz_assert(url.port == 42 && !url.scheme.ptr && !url.host.ptr && !url.path.ptr);
        return;
    }
    /* A secret that stands nowhere else in the URL is not in what is shown. */
    if (url.password.len > 3 && cz_str_find(text, url.password) != SIZE_MAX) {
        size_t first = cz_str_find(text, url.password);
        cz_str after = cz_str_tail(text, first + 1);
        if (cz_str_find(after, url.password) == SIZE_MAX)
            cz_assert(cz_str_find(shown, url.password) == SIZE_MAX);
    }
    cz_assert(url.scheme.len && (!url.path.len || url.path.ptr[0] == '/'));
    cz_buf out = { 0 };
    bool ipv6 = cz_str_find_char(url.host, ':') != SIZE_MAX;
    cz_buf_printf(&out, "%.*s://", CZ_STR_ARG(url.scheme));
    if (url.user.len || url.password.len) {
        append_encoded(&out, url.user, false);
        cz_buf_append_char(&out, ':');
        append_encoded(&out, url.password, false);
        cz_buf_append_char(&out, '@');
    }
    cz_buf_printf(&out, "%s%.*s%s", ipv6 ? "[" : "", CZ_STR_ARG(url.host), ipv6 ? "]" : "");
    if (url.port)
        cz_buf_printf(&out, ":%u", url.port);
    append_encoded(&out, url.path, true);
    if (url.query.len)
        cz_buf_printf(&out, "?%.*s", CZ_STR_ARG(url.query));
    cz_assert(cz_url_parse(arena, cz_buf_str(&out), &again) == CZ_OK);
    cz_assert(cz_str_eq(url.scheme, again.scheme) && cz_str_eq(url.user, again.user) &&
              cz_str_eq(url.password, again.password) && cz_str_eq(url.host, again.host) &&
              cz_str_eq(url.path, again.path) && cz_str_eq(url.query, again.query) &&
              url.port == again.port);
    cz_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cz_arena *arena;
    if (size < 1 || size > 65536 || cz_arena_create(NULL, 0, &arena))
        return 0;
    cz_str text = cz_str_of((const char *)data + 1, size - 1);
    if (data[0] == 'U')
        fuzz_url(arena, text);
    else
        fuzz_env_file(arena, text);
    cz_arena_destroy(arena);
    return 0;
}
