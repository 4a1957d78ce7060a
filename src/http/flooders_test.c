#include "http/flooders.h"
#include <calzone/testing.h>

static cz__address ipv4(uint8_t a, uint8_t d)
{
    return cz__address_of_ipv4((uint8_t[]){ a, 0, 0, d });
}

CZ_TEST(who_floods_again_and_again_is_refused_for_longer_and_longer)
{
    static const struct {
        int at_ms, refused_ms; /* a flood, and for how long it is refused */
    } floods[] = {
        { 1000, 0 },
        { 1001, 1000 },
        { 2001, 2000 },
        { 4001, 4000 },
        { 8001, 8000 },
        { 16001, 16000 },
        { 32001, 32000 },
        { 64001, 64000 },
        { 128001, 64000 },
        { 248001, 0 },
        /* forgotten */ { 248002, 1000 },
    };
    struct cz__flooders flooders = { 0 };
    cz__address flooder = ipv4(10, 1), other = ipv4(10, 2);
    for (size_t i = 0; i < CZ_COUNT(floods); i++) {
        int64_t at = floods[i].at_ms, until = at + floods[i].refused_ms;
        CZ_EXPECT(!cz__flooders_refuse(&flooders, &flooder, at));
        cz__flooders_add(&flooders, &flooder, at);
        CZ_EXPECT_EQ(cz__flooders_refuse(&flooders, &flooder, at), floods[i].refused_ms > 0);
        CZ_EXPECT_MSG(!floods[i].refused_ms || cz__flooders_refuse(&flooders, &flooder, until - 1),
                      "flood %d", (int)i);
        CZ_EXPECT_MSG(!cz__flooders_refuse(&flooders, &flooder, until), "flood %d", (int)i);
        CZ_EXPECT(!cz__flooders_refuse(&flooders, &other, at));
    }
    CZ_EXPECT_EQ(flooders.count, 1);
}

CZ_TEST(addresses_of_one_client_are_one_flooder)
{
    static const struct {
        cz__address a, b;
        bool one;
    } cases[] = {
        { { { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5 } },
          { { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 6 } },
          true },
        { { { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5 } },
          { { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 5, 5 } },
          false },
        { { { [10] = 0xff, [11] = 0xff, [12] = 10 } },
          { { [10] = 0xff, [11] = 0xff, [12] = 11 } },
          false },
        { { { [10] = 0xff, [11] = 0xff, [12] = 10 } }, { { [15] = 1 } }, false }, /* IPv4 and ::1 */
        { { { 0, 0x64, 0xff, 0x9b, [12] = 10, [15] = 1 } },
          { { 0, 0x64, 0xff, 0x9b, [12] = 10, [15] = 2 } },
          false }, /* of IPv4, translated */
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct cz__flooders flooders = { 0 };
        cz__flooders_add(&flooders, &cases[i].a, 1);
        cz__flooders_add(&flooders, &cases[i].a, 2);
        CZ_EXPECT_MSG(cz__flooders_refuse(&flooders, &cases[i].b, 3) == cases[i].one, "%d", (int)i);
    }
}

CZ_TEST(more_flooders_than_there_is_room_for_push_out_the_one_that_was_quiet_longest)
{
    struct cz__flooders flooders = { 0 };
    for (int i = 0; i < 1000; i++) {
        cz__address address = ipv4((uint8_t)(i % 100), 1);
        cz__flooders_add(&flooders, &address, 1000 + i);
        cz__flooders_add(&flooders, &address, 1000 + i);
        CZ_EXPECT(cz__flooders_refuse(&flooders, &address, 1000 + i));
        CZ_EXPECT(flooders.count <= CZ__FLOODERS_MAX);
    }
    cz__address recent = ipv4(99, 1), old = ipv4(0, 1);
    CZ_EXPECT(cz__flooders_refuse(&flooders, &recent, 2000));
    CZ_EXPECT(!cz__flooders_refuse(&flooders, &old, 2000));
}
