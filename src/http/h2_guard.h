/* http/h2_guard.h: how much of what costs a server more than its client one HTTP/2 connection may do.
 *
 * Each kind has a bucket of tokens that fills at a rate; what finds none is a flood. Classes of attacks: rapid reset
 * (CVE-2023-44487), resets that the server is made to send (CVE-2025-8671), CONTINUATION without end (CVE-2024-27316), and those
 * of CVE-2019-9511 to 9518. */
#ifndef CZ_HTTP_H2_GUARD_H
#define CZ_HTTP_H2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*    kind            burst  a second  what it is, for the log */
#define CZ__H2_KIND_MAP(X)                                                                         \
    X(RESET, 200, 20, "streams are reset")                                                         \
    X(SETTINGS, 50, 5, "settings")                                                                 \
    X(PING, 100, 10, "pings")                                                                      \
    X(PRIORITY, 1000, 100, "priorities")                                                           \
    X(WINDOW, 2000, 500, "small windows")                                                          \
    X(CONTINUATION, 1000, 200, "continuations of headers")                                         \
    X(EMPTY, 100, 10, "frames without content")                                                    \
    X(UNKNOWN, 100, 10, "frames of unknown types")

enum cz__h2_kind {
#define X(name, burst, rate, text) CZ__H2_##name,
    CZ__H2_KIND_MAP(X)
#undef X
        CZ__H2_KIND_COUNT
};

struct cz__h2_guard {
    struct {
        int64_t since_ms; /* when `spent` was right */
        int64_t spent;    /* thousandths of a token */
    } buckets[CZ__H2_KIND_COUNT];
};

/* Where in its frames what a client sends is; zeroed at its first byte. */
struct cz__h2_scan {
    uint32_t have; /* bytes of the preface, then of a frame's head */
    uint32_t left; /* bytes of a frame's content */
    bool begun;    /* the preface is over */
    uint8_t head[9];
};

/* The next frame whose head ends in `bytes`, from `*at` on, which goes behind it. False: there is none in the rest. */
bool cz__h2_scan_next(struct cz__h2_scan *scan, const char *bytes, size_t len, size_t *at);
uint32_t cz__h2_scan_length(const struct cz__h2_scan *scan);

/* Take a token of a kind; false: there is none. Zeroed is full. */
bool cz__h2_guard_take(struct cz__h2_guard *guard, enum cz__h2_kind kind, int64_t now_ms);
/* Whether three quarters of a bucket are spent. */
bool cz__h2_guard_is_low(const struct cz__h2_guard *guard, int64_t now_ms);
const char *cz__h2_kind_text(enum cz__h2_kind kind);

/* The kind that a frame is of by its head (RFC 9113, 4.1); CZ__H2_KIND_COUNT: of none. */
enum cz__h2_kind cz__h2_kind_of(uint8_t type, uint8_t flags, uint32_t length);

#endif
