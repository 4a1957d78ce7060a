/* loadtest/histogram.h: how long requests took, in a fixed place whatever their number.
 *
 * Times are counted in buckets: those below 256 µs one by one, then 128 buckets for each doubling. So a quantile
 * is at most 1/128 (0.8 %) above the sorted sample it stands for, and never below it. Count, mean and the longest
 * are exact. */
#ifndef CZ_LOADTEST_HISTOGRAM_H
#define CZ_LOADTEST_HISTOGRAM_H

#include <calzone/status.h>

enum {
    CZ__HISTOGRAM_EXACT = 256, /* below it a bucket is 1 µs */
    CZ__HISTOGRAM_PART = CZ__HISTOGRAM_EXACT / 2,
    CZ__HISTOGRAM_DOUBLINGS =
        29, /* up to 2^37 µs, a day and a half; what is longer counts as that */
    CZ__HISTOGRAM_BUCKETS = CZ__HISTOGRAM_EXACT + CZ__HISTOGRAM_DOUBLINGS * CZ__HISTOGRAM_PART
};

typedef struct cz__histogram {
    uint64_t count, sum_us, max_us;
    uint64_t buckets[CZ__HISTOGRAM_BUCKETS];
} cz__histogram; /* zeroed: empty */

void cz__histogram_add(cz__histogram *histogram, int64_t us); /* below 0 is 0 */
/* Add what another one counted. */
void cz__histogram_merge(cz__histogram *histogram, const cz__histogram *other);
double cz__histogram_mean_us(const cz__histogram *histogram); /* 0 of none */
/* The time that this share of them, 0 to 1, is not longer than: 0.99 is p99. 0 of none. */
uint64_t cz__histogram_quantile_us(const cz__histogram *histogram, double share);

#endif
