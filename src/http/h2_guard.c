#include "http/h2_guard.h"

enum { TOKEN = 1000 };

static const struct {
    int64_t burst, rate;
    const char *text;
} kinds[] = {
#define X(name, burst, rate, text) { burst, rate, text },
    CZ__H2_KIND_MAP(X)
#undef X
};

bool cz__h2_guard_take(struct cz__h2_guard *guard, enum cz__h2_kind kind, int64_t now_ms)
{
    int64_t *spent = &guard->buckets[kind].spent;
    int64_t back = (now_ms - guard->buckets[kind].since_ms) * kinds[kind].rate;
    *spent = back >= *spent ? 0 : *spent - back;
    guard->buckets[kind].since_ms = now_ms;
    if (*spent + TOKEN > kinds[kind].burst * TOKEN)
        return false;
    *spent += TOKEN;
    return true;
}

bool cz__h2_guard_is_low(const struct cz__h2_guard *guard, int64_t now_ms)
{
    for (int kind = 0; kind < CZ__H2_KIND_COUNT; kind++) {
        int64_t back = (now_ms - guard->buckets[kind].since_ms) * kinds[kind].rate;
        if ((guard->buckets[kind].spent - back) * 4 > kinds[kind].burst * TOKEN * 3)
            return true;
    }
    return false;
}

const char *cz__h2_kind_text(enum cz__h2_kind kind)
{
    return kinds[kind].text;
}

uint32_t cz__h2_scan_length(const struct cz__h2_scan *scan)
{
    return (uint32_t)scan->head[0] << 16 | (uint32_t)scan->head[1] << 8 | scan->head[2];
}

bool cz__h2_scan_next(struct cz__h2_scan *scan, const char *bytes, size_t len, size_t *at)
{
    enum { PREFACE = 24 };
    while (*at < len) {
        if (scan->left) {
            size_t step = len - *at < scan->left ? len - *at : scan->left;
            scan->left -= (uint32_t)step;
            *at += step;
            continue;
        }
        uint8_t byte = (uint8_t)bytes[(*at)++];
        if (!scan->begun) { /* which nghttp2 reads */
            scan->begun = ++scan->have == PREFACE;
            scan->have = scan->begun ? 0 : scan->have;
            continue;
        }
        scan->head[scan->have++] = byte;
        if (scan->have == sizeof scan->head) {
            scan->have = 0;
            scan->left = cz__h2_scan_length(scan);
            return true;
        }
    }
    return false;
}

enum cz__h2_kind cz__h2_kind_of(uint8_t type, uint8_t flags, uint32_t length)
{
    enum {
        DATA,
        HEADERS,
        PRIORITY,
        RST_STREAM,
        SETTINGS,
        PUSH_PROMISE,
        PING,
        GOAWAY,
        WINDOW_UPDATE,
        CONTINUATION,
        PRIORITY_UPDATE = 16 /* RFC 9218, 7.1 */,
        END_STREAM = 1,
        ACK = 1
    };
    switch (type) {
    case DATA:
        return length == 0 && !(flags & END_STREAM) ? CZ__H2_EMPTY : CZ__H2_KIND_COUNT;
    case HEADERS:
    case PUSH_PROMISE: /* which a client may not send: nghttp2 ends the connection */
    case GOAWAY:
    case WINDOW_UPDATE: /* it depends on its content */
        return CZ__H2_KIND_COUNT;
    case PRIORITY:
    case PRIORITY_UPDATE:
        return CZ__H2_PRIORITY;
    case RST_STREAM:
        return CZ__H2_RESET;
    case SETTINGS:
        return flags & ACK ? CZ__H2_KIND_COUNT : CZ__H2_SETTINGS;
    case PING:
        return CZ__H2_PING; /* acknowledgements of none of ours, too */
    case CONTINUATION:
        return CZ__H2_CONTINUATION;
    default:
        return CZ__H2_UNKNOWN;
    }
}
