#include "loadtest/histogram.h"

/* The longest that has a bucket. */
static const uint64_t longest_us = ((uint64_t)CZ__HISTOGRAM_EXACT << CZ__HISTOGRAM_DOUBLINGS) - 1;

/* By how much a time is shifted to have as many bits as the parts of a doubling need. */
static unsigned shift_of(uint64_t us)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(us | 1);
    return bits > 8 ? bits - 8 : 0;
}

static size_t bucket_of(uint64_t us)
{
    unsigned shift = shift_of(us);
    return shift * (size_t)CZ__HISTOGRAM_PART + (size_t)(us >> shift);
}

/* The longest time of a bucket. */
static uint64_t end_of(size_t bucket)
{
    if (bucket < CZ__HISTOGRAM_EXACT)
        return bucket;
    unsigned shift = (unsigned)((bucket - CZ__HISTOGRAM_PART) / CZ__HISTOGRAM_PART);
    uint64_t part = bucket - (size_t)shift * CZ__HISTOGRAM_PART;
    return ((part + 1) << shift) - 1;
}

void cz__histogram_add(cz__histogram *histogram, int64_t us)
{
    uint64_t time_us = us < 0 ? 0 : (uint64_t)us;
    histogram->count++;
    histogram->sum_us += time_us;
    if (time_us > histogram->max_us)
        histogram->max_us = time_us;
    histogram->buckets[bucket_of(time_us < longest_us ? time_us : longest_us)]++;
}

void cz__histogram_merge(cz__histogram *histogram, const cz__histogram *other)
{
    histogram->count += other->count;
    histogram->sum_us += other->sum_us;
    if (other->max_us > histogram->max_us)
        histogram->max_us = other->max_us;
    for (size_t i = 0; i < CZ__HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += other->buckets[i];
}

double cz__histogram_mean_us(const cz__histogram *histogram)
{
    return histogram->count ? (double)histogram->sum_us / (double)histogram->count : 0;
}

uint64_t cz__histogram_quantile_us(const cz__histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < CZ__HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen && (double)seen >= wanted) /* of a bucket's times none is over the longest */
            return end_of(i) < histogram->max_us ? end_of(i) : histogram->max_us;
    }
    return histogram->max_us;
}
