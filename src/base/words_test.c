#include "base/words.h"
#include <calzone/testing.h>

CZ_TEST(words_of_a_list)
{
    cz_str rest = CZ_STR(" png  jpg ");
    CZ_EXPECT_STR(cz__word_next(&rest), "png");
    CZ_EXPECT_STR(cz__word_next(&rest), "jpg");
    CZ_EXPECT_STR(cz__word_next(&rest), "");
    CZ_EXPECT_STR(cz__word_next(&rest), "");
    CZ_EXPECT(cz__words_have("png jpg", CZ_STR("jpg")));
    CZ_EXPECT(!cz__words_have("png jpg", CZ_STR("JPG")));
    CZ_EXPECT(cz__words_have_icase("png jpg", CZ_STR("JPG")));
    CZ_EXPECT(!cz__words_have("png jpg", CZ_STR("jp")));
    CZ_EXPECT(!cz__words_have("png jpg", CZ_STR("")));
    CZ_EXPECT(!cz__words_have("png jpg", CZ_STR("png jpg")));
    CZ_EXPECT(!cz__words_have(NULL, CZ_STR("png")));
    CZ_EXPECT(!cz__words_have_icase(NULL, CZ_STR("")));
}

static void list_words(cz_ctx *ctx, void *arg)
{
    (void)arg;
    CZ_EXPECT_STR(cz__words_listed(ctx, " png  jpg "), "png, jpg");
    CZ_EXPECT_STR(cz__words_listed(ctx, ""), "");
}

CZ_TEST(words_for_people)
{
    cz_arena *arena;
    cz_ctx ctx;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_EXPECT_EQ(cz_try(&ctx, list_words, NULL, NULL), CZ_OK);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}
