/* Two versions with a line end between. Oracles: each is as itself; the order of two is the other way round when they are;
 * and what is taken has digits first and nothing but the characters of versions. */
#include <calzone/clients.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_one(cz_str text)
{
    expect(text.len <= CZ_SEMVER_BYTES_MAX && text.ptr[0] >= '0' && text.ptr[0] <= '9');
    for (size_t i = 0; i < text.len; i++)
        expect(text.ptr[i] >= '+' && text.ptr[i] <= 'z' && text.ptr[i] != '/');
    expect(cz_semver_compare(text, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cz_str b = cz_str_of((const char *)data, size), a = cz_str_cut(&b, '\n');
    bool a_valid = cz_semver_is_valid(a), b_valid = cz_semver_is_valid(b);
    if (a_valid)
        check_one(a);
    if (b_valid)
        check_one(b);
    if (a_valid && b_valid) {
        int order = cz_semver_compare(a, b), back = cz_semver_compare(b, a);
        expect((order > 0) == (back < 0) && (order < 0) == (back > 0));
    }
    return 0;
}
