#include "http/codings_testing.h"
#include <calzone/random.h>

enum { TEXT_BYTES = 1 << 20 };

/* Words, and at last what can't be made smaller. */
static cz_str text_of(size_t bytes)
{
    static char text[TEXT_BYTES];
    if (!text[0]) {
        cz_random_bytes(text + TEXT_BYTES / 2, TEXT_BYTES / 2);
        for (size_t i = 0; i < TEXT_BYTES / 2; i++)
            text[i] = "the quick brown fox jumps over a lazy dog. "[(i * i / 7 + i) % 43];
    }
    return cz_str_of(text, bytes);
}

static cz__encoder *encoder_of(cz__coding coding, int level, size_t bytes, unsigned padding)
{
    const cz__encoder_options options = { coding, level, bytes, padding };
    cz__encoder *encoder = NULL;
    CZ_REQUIRE_OK(cz__coding_load(coding, NULL));
    CZ_REQUIRE_OK(cz__encoder_acquire(&options, &encoder));
    return encoder;
}

CZ_TEST(what_was_coded_is_read_by_the_librarys_own_decoder)
{
    static const int levels[][2] = { { 1, 9 }, { 0, 6 }, { 1, 12 } };
    static const size_t sizes[] = { 0, 1, 499, 65536, TEXT_BYTES };
    static const unsigned paddings[] = { 0, 1, CZ__PADDING_MAX };
    cz_buf out = { 0 };
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++)
        for (size_t i = 0; i < CZ_COUNT(sizes) * CZ_COUNT(paddings) * 4; i++) {
            cz_str text = text_of(sizes[i / 12]);
            cz__encoder *encoder = encoder_of(coding, levels[coding][i & 1], i & 2 ? text.len : 0,
                                              paddings[i / 4 % 3]);
            cz_buf_clear(&out);
            CZ_EXPECT_EQ(cz__encoder_write(encoder, text, CZ__ENCODE_END, &out), CZ_OK);
            cz__encoder_release(encoder);
            cz_str back = decode(coding, cz_buf_str(&out), text.len);
            CZ_EXPECT_MSG(cz_str_eq(back, text), "%s of %zu bytes, case %zu: %zu bytes",
                          cz__coding_name(coding).ptr, text.len, i, back.len);
        }
    cz_buf_done(&out);
}

CZ_TEST(what_was_written_can_be_read_after_each_flush)
{
    static const size_t pieces[] = { 1, 40, 3000, 70000, 2 };
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++) {
        cz_buf out = { 0 };
        cz__encoder *encoder = encoder_of(coding, 3, 0, 17);
        size_t written = 0;
        for (size_t i = 0; i < CZ_COUNT(pieces); i++) {
            cz_str piece = cz_str_tail(text_of(written + pieces[i]), written);
            CZ_EXPECT_EQ(cz__encoder_write(encoder, piece, CZ__ENCODE_FLUSH, &out), CZ_OK);
            written += pieces[i];
            EXPECT_SAME(decode(coding, cz_buf_str(&out), written), text_of(written));
        }
        CZ_EXPECT_EQ(cz__encoder_write(encoder, CZ_STR(""), CZ__ENCODE_END, &out), CZ_OK);
        EXPECT_SAME(decode(coding, cz_buf_str(&out), written), text_of(written));
        cz__encoder_release(encoder);
        cz_buf_done(&out);
    }
}

CZ_TEST(padding_makes_it_longer_by_as_much)
{
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++) {
        size_t lengths[2];
        for (unsigned i = 0; i < 2; i++) {
            cz_buf out = { 0 };
            cz__encoder *encoder = encoder_of(coding, 3, 5000, i ? 90 : 30);
            CZ_EXPECT_EQ(cz__encoder_write(encoder, text_of(5000), CZ__ENCODE_END, &out), CZ_OK);
            lengths[i] = out.len;
            cz__encoder_release(encoder);
            cz_buf_done(&out);
        }
        CZ_EXPECT_EQ(lengths[1] - lengths[0], 60);
    }
}

CZ_TEST(there_are_so_many_encoders_and_no_more)
{
    cz__encoder *taken[CZ__ENCODERS_MAX], *more = NULL;
    const cz__encoder_options options = { .coding = CZ__GZIP, .level = 1 };
    for (size_t i = 0; i < CZ__ENCODERS_MAX; i++)
        taken[i] = encoder_of(CZ__GZIP, 1, 0, 0);
    CZ_EXPECT_EQ(cz__encoder_acquire(&options, &more), CZ_EBUSY);
    CZ_EXPECT(!more);
    cz__encoder_release(taken[0]);
    taken[0] = encoder_of(CZ__GZIP, 1, 0, 0);
    for (size_t i = 0; i < CZ__ENCODERS_MAX; i++)
        cz__encoder_release(taken[i]);
}

CZ_TEST(an_encoder_that_failed_serves_again)
{
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++) {
        cz_buf small, out = { 0 };
        cz_buf_init(&small, 20000);
        cz__encoder *encoder = encoder_of(coding, 1, TEXT_BYTES, 0);
        CZ_EXPECT_EQ(cz__encoder_write(encoder, text_of(TEXT_BYTES), CZ__ENCODE_END, &small),
                     CZ_ETOOBIG);
        cz__encoder_release(encoder);
        encoder = encoder_of(coding, 1, 4000, 0);
        CZ_EXPECT_EQ(cz__encoder_write(encoder, text_of(4000), CZ__ENCODE_END, &out), CZ_OK);
        EXPECT_SAME(decode(coding, cz_buf_str(&out), 4000), text_of(4000));
        cz__encoder_release(encoder);
        cz_buf_done(&small);
        cz_buf_done(&out);
    }
}

/* Builds with CZ_FAULTS; elsewhere nothing fails. */
CZ_TEST(whichever_allocation_fails_an_encoder_says_so_and_the_next_one_serves)
{
    for (cz__coding coding = CZ__GZIP; coding < CZ__CODING_COUNT; coding++)
        for (uint64_t nth = 1; nth <= 40; nth++) {
            const cz__encoder_options options = { coding, 3, 0, 9 };
            cz__encoder *encoder = NULL;
            cz_buf out = { 0 };
            CZ_REQUIRE_OK(cz__coding_load(coding, NULL));
            cz_ignore(cz__alloc_fail_at(nth, false)); /* the count before is of no use */
            cz_status status = cz__encoder_acquire(&options, &encoder);
            if (!status)
                status = cz__encoder_write(encoder, text_of(90000), CZ__ENCODE_END, &out);
            uint64_t count = cz__alloc_fail_at(0, false);
            CZ_EXPECT_MSG(!status || status == CZ_ENOMEM, "allocation %d", (int)nth);
            CZ_EXPECT_MSG(count >= nth || !status, "allocation %d of %d", (int)nth, (int)count);
            cz__encoder_release(encoder);
            cz_buf_clear(&out);
            encoder = encoder_of(coding, 3, 0, 0);
            CZ_EXPECT_EQ(cz__encoder_write(encoder, text_of(5000), CZ__ENCODE_END, &out), CZ_OK);
            EXPECT_SAME(decode(coding, cz_buf_str(&out), 5000), text_of(5000));
            cz__encoder_release(encoder);
            cz_buf_done(&out);
        }
}
