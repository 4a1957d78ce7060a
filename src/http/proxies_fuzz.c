/* What proxies say of clients. The first byte chooses the header. Oracles: what becomes the client is an address in its
 * one form, which read again is the same; it is no trusted proxy's unless none other was said; a scheme is one of two; and
 * text that a client has put before what its proxy says changes nothing. */
#include "http/proxies.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void expect_address(cz_arena *arena, cz_str text)
{
    cz__address address;
    expect(cz__address_read(text, &address));
    cz_header said = { CZ_STR("X-Forwarded-For"), text };
    cz_request req = { .client_address = CZ_STR("10.0.0.1"), .headers = &said, .header_count = 1 };
    cz__proxies_apply(arena, &req);
    expect(cz_str_eq(req.client_address, text));
}

static void expect_client_cannot_change_it(cz_arena *arena, cz_str before)
{
    cz_header said[] = { { CZ_STR("X-Forwarded-For"), before },
                         { CZ_STR("X-Forwarded-For"), CZ_STR("192.0.2.1") } };
    cz_request req = { .client_address = CZ_STR("10.0.0.1"),
                       .headers = said,
                       .header_count = CZ_COUNT(said) };
    cz__proxies_apply(arena, &req);
    expect(cz_str_eq(req.client_address, CZ_STR("192.0.2.1")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cz_str names[] = { { "Forwarded", 9 },
                                    { "X-Forwarded-For", 15 },
                                    { "X-Forwarded-Proto", 17 } };
    static const cz_str trusted[] = { { "10.0.0.0/8", 10 }, { "fd00::/8", 8 } };
    static cz_arena *arena;
    cz_str_list list = { trusted, CZ_COUNT(trusted) };
    if (!size ||
        (!arena && (cz_arena_create(NULL, 0, &arena) || cz__proxies_configure(&list, NULL))))
        return 0;
    cz_str value = cz_str_of((const char *)data + 1, size - 1);
    cz_header said = { names[data[0] % CZ_COUNT(names)], value };
    cz_request req = { .client_address = CZ_STR("10.0.0.1"),
                       .scheme = CZ_STR("http"),
                       .headers = &said,
                       .header_count = 1 };
    cz__proxies_apply(arena, &req);
    expect_address(arena, req.client_address);
    expect(cz_str_eq(req.scheme, CZ_STR("http")) || cz_str_eq(req.scheme, CZ_STR("https")));
    expect_client_cannot_change_it(arena, value);
    cz_arena_reset(arena);
    return 0;
}
