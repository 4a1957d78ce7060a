/* http/ranges.h: which bytes a Range header asks for (RFC 9110, 14.1.2 and 14.2). */
#ifndef CZ_HTTP_RANGES_H
#define CZ_HTTP_RANGES_H

#include <calzone/str.h>

enum { CZ__RANGES_MAX = 16 }; /* of one request; who asks for more gets all */

struct cz__range {
    uint64_t first, bytes; /* within the size; at least one byte */
};

struct cz__ranges {
    struct cz__range items[CZ__RANGES_MAX]; /* in the order they were asked for */
    size_t count;
};

enum cz__ranges_wanted {
    CZ__RANGES_ALL,  /* the whole, 200: nothing is asked for that can be read or is worth it */
    CZ__RANGES_SOME, /* `*out`, 206 */
    CZ__RANGES_NONE  /* nothing of it is there, 416 */
};

/* What `header` asks for of so many bytes; `*out` is written for CZ__RANGES_SOME. All of it is given, too, where the ranges
 * overlap, which serves nobody but who wants a server to send more than it has, and of nothing, of which 416 would only
 * refuse clients that always ask for a first part. Context: any. */
enum cz__ranges_wanted cz__ranges_read(cz_str header, uint64_t size, struct cz__ranges *out);

#endif
