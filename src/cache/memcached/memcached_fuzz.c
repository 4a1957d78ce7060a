/* Replies of memcached. Oracle: they mean the same wherever the network cuts them, and a value has the bytes it was sent with. */
#include "cache/memcached/protocol.h"
#include <calzone/memory.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

enum { REPLIES_MAX = 64 };

/* Read replies in pieces of at most `piece` bytes; how many there are, and in `*out_status` how it ended. */
static size_t read_all(const char *bytes, size_t len, size_t piece, struct cz__mc_reply *out,
                       cz_status *out_status)
{
    static struct cz__mc_reader reader;
    size_t count = 0, at = 0;
    cz__mc_reader_clear(&reader);
    *out_status = CZ_OK;
    while (at < len && count < REPLIES_MAX && !*out_status) {
        size_t used = 0, take = len - at < piece ? len - at : piece;
        bool whole = false;
        *out_status = cz__mc_read(&reader, bytes + at, take, &used, &whole, &out[count]);
        expect(*out_status || used > 0);
        at += used;
        count += whole;
    }
    cz__mc_reader_clear(&reader);
    return count;
}

static void expect_same(const struct cz__mc_reply *a, const struct cz__mc_reply *b)
{
    expect(a->code == b->code && a->flags == b->flags && a->seconds == b->seconds &&
           a->unique == b->unique && a->len == b->len);
    expect((a->value != NULL) == (a->code == CZ__MC_VALUE));
    expect(!a->value || !memcmp(a->value, b->value, a->len));
    expect(memchr(a->text, '\0', sizeof a->text) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cz__mc_reply whole[REPLIES_MAX], cut[REPLIES_MAX];
    if (size < 1)
        return 0;
    size_t piece = data[0] % 32 + 1;
    char *text = malloc(size); /* exactly as long, so a byte read past it is seen */
    expect(text != NULL);
    memcpy(text, data + 1, size - 1);
    cz_status status, again;
    size_t count = read_all(text, size - 1, SIZE_MAX, whole, &status);
    expect(read_all(text, size - 1, piece, cut, &again) == count);
    expect(status == again);
    for (size_t i = 0; i < count; i++) {
        expect_same(&whole[i], &cut[i]);
        cz_free(whole[i].value);
        cz_free(cut[i].value);
    }
    free(text);
    return 0;
}
