#include "loadtest/histogram.h"
#include <calzone/testing.h>
#include <stdlib.h>

enum { SAMPLES = 20000 };

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Times over all doublings, as many short as long. */
static int64_t any_time(uint64_t *seed, unsigned bits_max)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    unsigned bits = (unsigned)(*seed >> 58) % bits_max;
    return (int64_t)((*seed >> 8) & ((UINT64_C(1) << bits) - 1));
}

CZ_TEST(quantiles_are_those_of_the_sorted_samples_or_a_128th_more)
{
    static const double shares[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
    static int64_t samples[SAMPLES];
    cz__histogram *histogram = cz_arena_new(cz_test_arena(), cz__histogram);
    CZ_REQUIRE(histogram);
    for (unsigned bits = 1; bits <= 37; bits += 4) {
        uint64_t seed = bits;
        double sum = 0;
        *histogram = (cz__histogram){ 0 };
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = any_time(&seed, bits);
            sum += (double)samples[i];
            cz__histogram_add(histogram, samples[i]);
        }
        qsort(samples, SAMPLES, sizeof samples[0], by_time);
        for (size_t n = 0; n < CZ_COUNT(shares); n++) {
            size_t rank = (size_t)(shares[n] * SAMPLES + 0.999999);
            uint64_t exact = (uint64_t)samples[rank ? rank - 1 : 0];
            uint64_t told = cz__histogram_quantile_us(histogram, shares[n]);
            CZ_EXPECT_MSG(told >= exact && told - exact <= exact / 128,
                          "%u bits, share %g: %llu, sorted %llu", bits, shares[n],
                          (unsigned long long)told, (unsigned long long)exact);
        }
        CZ_EXPECT_EQ(histogram->count, SAMPLES);
        CZ_EXPECT_EQ(histogram->max_us, (uint64_t)samples[SAMPLES - 1]);
        CZ_EXPECT(cz__histogram_mean_us(histogram) == sum / SAMPLES);
    }
}

CZ_TEST(every_time_has_a_bucket)
{
    cz__histogram *histogram = cz_arena_new(cz_test_arena(), cz__histogram);
    CZ_REQUIRE(histogram);
    CZ_EXPECT_EQ(cz__histogram_quantile_us(histogram, 0.5), 0);
    CZ_EXPECT(cz__histogram_mean_us(histogram) == 0);
    cz__histogram_add(histogram, -5);
    CZ_EXPECT_EQ(cz__histogram_quantile_us(histogram, 1), 0);
    cz__histogram_add(histogram, (INT64_C(1) << 37) - 1);
    CZ_EXPECT_EQ(histogram->buckets[CZ__HISTOGRAM_BUCKETS - 1], 1);
    cz__histogram_add(histogram, INT64_MAX); /* longer than the last bucket */
    CZ_EXPECT_EQ(histogram->buckets[CZ__HISTOGRAM_BUCKETS - 1], 2);
    CZ_EXPECT_EQ(histogram->max_us, (uint64_t)INT64_MAX);
    CZ_EXPECT_EQ(histogram->count, 3);
}

CZ_TEST(merged_histograms_are_that_of_all_samples)
{
    cz__histogram *parts = cz_arena_array(cz_test_arena(), cz__histogram, 3);
    CZ_REQUIRE(parts);
    memset(parts, 0, 3 * sizeof *parts);
    uint64_t seed = 7;
    for (size_t i = 0; i < SAMPLES; i++) {
        int64_t time = any_time(&seed, 20);
        cz__histogram_add(&parts[i % 2], time);
        cz__histogram_add(&parts[2], time);
    }
    cz__histogram_merge(&parts[0], &parts[1]);
    CZ_EXPECT(memcmp(&parts[0], &parts[2], sizeof parts[0]) == 0);
}
