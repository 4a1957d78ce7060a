#include <calzone/middleware.h>
#include <calzone/random.h>

enum { ID_BYTES_MIN = 8, ID_BYTES_MAX = 64, ID_BYTES_MADE = 16 };

static bool is_well_formed(cz_str id)
{
    if (id.len < ID_BYTES_MIN || id.len > ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.';
        if (!fine)
            return false;
    }
    return true;
}

/* A worker's ids are a random start counted up, each mixed by a bijection (splitmix64's finalizer): no two
 * of a worker are alike, two of different workers with the chance of 64 random bits, and none tells the
 * next to a casual eye. They are names for log lines, not secrets, so the kernel's random numbers are asked
 * once. They stand in every answer and log line, so they are short. */
static uint64_t next_id(void)
{
    static uint64_t counter; /* 0: not begun; only workers answer requests, so each draws its own */
    if (!counter)
        counter = cz_random_u64() | 1;
    uint64_t x = counter++;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void write_id(char *out, uint64_t bits)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < ID_BYTES_MADE; i++, bits >>= 4)
        out[i] = digits[bits & 15];
}

static void process(cz_ctx *ctx, cz_request *req, const cz_next *next)
{
    cz_str id = cz_request_header(req, CZ_STR("X-Request-Id"));
    if (!is_well_formed(id)) {
        id = cz_str_of(cz_alloc(ctx, ID_BYTES_MADE), ID_BYTES_MADE);
        write_id((char *)(uintptr_t)id.ptr, next_id());
    }
    ctx->request_id = id;
    cz_next_call(ctx, req, next);
    cz_respond_header_static(ctx, req, CZ_STR("X-Request-Id"), id);
}

const cz_middleware cz_request_id = { "request_id", process, NULL };
