/* Forms of both kinds. The first byte chooses; a multipart body has the boundary "XX". Oracles: limits hold, names and values
 * are UTF-8, filenames are no paths, and what is read lies in the body or was decoded; and who reads a multipart body as it
 * comes sees the same form, or refuses it as well. */
#include "http/form_internal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_file(const cz_form_item *item)
{
    expect(item->filename.len <= 255 && cz_str_is_utf8(item->filename));
    expect(!cz_str_eq(item->filename, CZ_STR("..")) && !cz_str_eq(item->filename, CZ_STR(".")));
    for (size_t i = 0; i < item->filename.len; i++) {
        char c = item->filename.ptr[i];
        expect(c != '/' && c != '\\' && (unsigned char)c >= 0x20);
    }
}

static void read_form(cz_ctx *ctx, void *arg)
{
    cz_request *req = arg;
    const cz_form *form = cz_request_form(ctx, req);
    expect(form->count <= CZ_FORM_ITEMS_MAX);
    for (size_t i = 0; i < form->count; i++) {
        const cz_form_item *item = &form->items[i];
        expect(cz_str_is_utf8(item->name) && item->value.len <= req->body.len);
        if (item->is_file)
            check_file(item);
        else
            expect(cz_str_is_utf8(item->value));
        expect(cz_form_find(form, item->name) != NULL);
    }
}

/* ---- as it comes ---- */

static void read_as_it_comes(cz_ctx *ctx, void *arg)
{
    const struct cz__form_limits all_in_memory = { UINT64_MAX, UINT64_MAX };
    struct cz__form_reading *reading = arg;
    reading->ctx = ctx;
    cz__form_read_stream(reading, ctx->request, CZ_STR("XX"), &all_in_memory);
}

static void compare(const cz_form_item *a, const cz_form_item *b)
{
    expect(cz_str_eq(a->name, b->name) && cz_str_eq(a->value, b->value) && a->size == b->size);
    expect(a->is_file == b->is_file && cz_str_eq(a->filename, b->filename) &&
           cz_str_eq(a->content_type, b->content_type));
}

static void check_as_it_comes(cz_ctx *ctx, cz_request *req, cz_status status)
{
    struct cz__form_reading reading = { 0 };
    ctx->request = req;
    req->body_given = 0;
    cz_status other = cz_try(ctx, read_as_it_comes, &reading, NULL);
    expect(!status == !other || status == CZ_ENOMEM || other == CZ_ENOMEM);
    expect(other || status || reading.count == req->form->count);
    for (size_t i = 0; !other && !status && i < reading.count; i++)
        compare(&reading.items[i], &req->form->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!size || (!arena && cz_arena_create(NULL, 0, &arena)))
        return 0;
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    cz_request req = { .content_type = data[0] & 1 ? CZ_STR("multipart/form-data; boundary=XX")
                                                   : CZ_STR("application/x-www-form-urlencoded"),
                       .body = { (const char *)data + 1, size - 1 } };
    cz_error err;
    cz_status status = cz_try(&ctx, read_form, &req, &err);
    expect(!status || status == CZ_EPROTOCOL || status == CZ_ETOOBIG || status == CZ_ENOMEM);
    if (data[0] & 1)
        check_as_it_comes(&ctx, &req, status);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    return 0;
}
