/* What JSON costs: ns per document and MB/s, for an order of about 2 KB.
 *
 *     cc -O2 -D_GNU_SOURCE -Iinclude bench/json.c build/libcalzone.a -lsqlite3 -lpthread -lm -o
 *     build/json-bench taskset -c 0 build/json-bench [FILE [ROW]]
 *
 * Each row is the median and range of 7 runs of 5000. With a FILE (- for none), that document is
 * parsed and its tree written; the streaming row writes the built-in order whatever is given. With
 * a ROW, only rows with that in their name are measured, for a profiler. */
#include <calzone/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 7, ROUNDS = 5000 };

static cz_arena *arena;
static cz_buf out;
static cz_str text;
static const cz_json_value *tree;

static inline __attribute__((always_inline)) void member_str(cz_json_writer *json, const char *key,
                                                             const char *value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, cz_str_from(value));
}

static inline __attribute__((always_inline)) void member_i64(cz_json_writer *json, const char *key,
                                                             int64_t value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_i64(json, value);
}

static inline __attribute__((always_inline)) void member_f64(cz_json_writer *json, const char *key,
                                                             double value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_f64(json, value);
}

static void write_customer(cz_json_writer *json)
{
    cz_json_key(json, CZ_STR("customer"));
    cz_json_object(json);
    member_i64(json, "id", 4411);
    member_str(json, "name", "Zo\xc3\xab \"Z\" O'Neill");
    member_str(json, "email", "zoe.oneill@example.com");
    cz_json_key(json, CZ_STR("tags"));
    cz_json_list(json);
    cz_json_str(json, CZ_STR("vip"));
    cz_json_str(json, CZ_STR("newsletter"));
    cz_json_str(json, CZ_STR("b2b"));
    cz_json_list_end(json);
    cz_json_key(json, CZ_STR("address"));
    cz_json_object(json);
    member_str(json, "street", "12 Long Acre");
    member_str(json, "city", "London");
    member_str(json, "zip", "WC2E 9LH");
    member_str(json, "country", "GB");
    cz_json_key(json, CZ_STR("geo"));
    cz_json_object(json);
    member_f64(json, "lat", 51.5126);
    member_f64(json, "lng", -0.1253);
    cz_json_object_end(json);
    cz_json_object_end(json);
    cz_json_object_end(json);
}

static void write_items(cz_json_writer *json)
{
    static const char *const colors[] = { "black", "white", "red" };
    static char sku[8][16], title[8][40];
    if (!sku[0][0]) {
        for (int i = 0; i < 8; i++) {
            snprintf(sku[i], sizeof sku[i], "SKU-%d", 1000 + i);
            snprintf(title[i], sizeof title[i], "Wireless keyboard model %d", i);
        }
    }
    cz_json_key(json, CZ_STR("items"));
    cz_json_list(json);
    for (int i = 0; i < 8; i++) {
        cz_json_object(json);
        member_str(json, "sku", sku[i]);
        member_str(json, "title", title[i]);
        member_i64(json, "qty", i + 1);
        member_f64(json, "unit_price", (1999 + i * 750) / 100.0);
        cz_json_key(json, CZ_STR("taxable"));
        cz_json_bool(json, i % 2 == 0);
        cz_json_key(json, CZ_STR("attributes"));
        cz_json_object(json);
        member_str(json, "color", colors[i % 3]);
        member_i64(json, "weight_g", 350 + i * 25);
        member_str(json, "note", i == 2 ? "line one\nline two" : "");
        cz_json_object_end(json);
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
}

static void write_rest(cz_json_writer *json)
{
    static const char *const events[] = { "created", "payment_authorised", "payment_captured",
                                          "picking" };
    static const char *const times[] = { "2026-03-14T09:30:00Z", "2026-03-14T10:30:00Z",
                                         "2026-03-14T11:30:00Z", "2026-03-14T12:30:00Z" };
    cz_json_key(json, CZ_STR("totals"));
    cz_json_object(json);
    member_f64(json, "subtotal", 412.34);
    member_f64(json, "tax", 82.47);
    member_f64(json, "shipping", 4.99);
    member_f64(json, "grand_total", 499.8);
    member_str(json, "currency", "GBP");
    cz_json_object_end(json);
    cz_json_key(json, CZ_STR("history"));
    cz_json_list(json);
    for (int i = 0; i < 4; i++) {
        cz_json_object(json);
        member_str(json, "at", times[i]);
        member_str(json, "event", events[i]);
        member_i64(json, "by", 7 + i);
        cz_json_object_end(json);
    }
    cz_json_list_end(json);
}

static void stream(void)
{
    cz_json_writer json;
    cz_buf_clear(&out);
    cz_json_writer_init(&json, &out);
    cz_json_object(&json);
    member_i64(&json, "id", 918273);
    member_str(&json, "number", "ORD-2026-00918273");
    member_str(&json, "status", "processing");
    member_str(&json, "created_at", "2026-03-14T09:26:53Z");
    cz_json_key(&json, CZ_STR("paid"));
    cz_json_bool(&json, true);
    cz_json_key(&json, CZ_STR("discount"));
    cz_json_null(&json);
    write_customer(&json);
    write_items(&json);
    write_rest(&json);
    cz_json_object_end(&json);
}

static void pull(void)
{
    cz_json_reader reader;
    cz_json_reader_init(&reader, arena, text, NULL);
    do
        (void)cz_json_next(&reader);
    while (reader.depth && !reader.status);
    cz_assert(cz_json_next(&reader) == CZ_JSON_END && !reader.status);
    cz_arena_reset(arena);
}

static void parse(void)
{
    cz_assert(cz_json_parse(arena, text, NULL, &tree, NULL) == CZ_OK);
    cz_arena_reset(arena);
}

static void write_tree(void)
{
    cz_json_writer json;
    cz_buf_clear(&out);
    cz_json_writer_init(&json, &out);
    cz_json_write(&json, tree);
}

static void is_utf8(void)
{
    cz_assert(cz_str_is_utf8(text));
}

static double shortest_doubles[256];

static void doubles(void)
{
    char at[CZ__JSON_F64_BYTES];
    for (size_t i = 0; i < CZ_COUNT(shortest_doubles); i++) {
        char *end = cz__json_write_f64(at, shortest_doubles[i]);
        __asm__ volatile("" : : "r"(at), "r"(end) : "memory");
    }
}

static char double_text[256][CZ__JSON_F64_BYTES];

static void read_doubles(void)
{
    for (size_t i = 0; i < CZ_COUNT(double_text); i++) {
        double value = 0;
        cz_assert(cz__json_read_f64(cz_str_from(double_text[i]), &value) == CZ_OK);
        __asm__ volatile("" : : "r"(&value) : "memory");
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static const char *only = "";

static void measure(const char *name, size_t bytes, size_t items, void (*fn)(void))
{
    if (!strstr(name, only))
        return;
    double ns[RUNS];
    for (int i = 0; i < ROUNDS / 10; i++)
        fn();
    for (int run = 0; run < RUNS; run++) {
        struct timespec from, to;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (int i = 0; i < ROUNDS; i++)
            fn();
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        ns[run] = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
                  ROUNDS / (double)items;
    }
    qsort(ns, RUNS, sizeof *ns, by_value);
    printf("%-24s %8.1f [%.1f-%.1f] ns", name, ns[RUNS / 2], ns[0], ns[RUNS - 1]);
    if (bytes)
        printf(", %.0f MB/s", (double)bytes / ns[RUNS / 2] * 1e3);
    printf("\n");
}

static void make_doubles(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < CZ_COUNT(shortest_doubles); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        shortest_doubles[i] = (double)(state >> 11) / 0x1p53; /* about 17 digits each */
        *cz__json_write_f64(double_text[i], shortest_doubles[i]) = '\0';
    }
}

int main(int argc, char **argv)
{
    static char file[1 << 24];
    if (cz_arena_create(NULL, 0, &arena) != CZ_OK)
        return 1;
    stream();
    size_t stream_bytes = out.len;
    bool given = argc > 1 && strcmp(argv[1], "-") != 0;
    FILE *in = given ? fopen(argv[1], "rb") : NULL;
    if (given && !in)
        return 1;
    if (argc > 2)
        only = argv[2];
    if (in) {
        text = cz_str_of(file, fread(file, 1, sizeof file, in));
        fclose(in);
    } else {
        memcpy(file, out.ptr, out.len);
        text = cz_str_of(file, out.len);
    }
    printf("document %zu bytes\n", text.len);
    measure("parse, pull", text.len, 1, pull);
    measure("parse, tree", text.len, 1, parse);
    cz_arena *keep;
    if (cz_arena_create(NULL, 0, &keep) != CZ_OK ||
        cz_json_parse(keep, text, NULL, &tree, NULL) != CZ_OK)
        return 1;
    measure("write, tree", text.len, 1, write_tree);
    write_tree();
    bool same = cz_str_eq(cz_buf_str(&out), text);
    measure("write, stream", stream_bytes, 1, stream);
    measure("UTF-8 check alone", text.len, 1, is_utf8);
    make_doubles();
    measure("write a double", 0, CZ_COUNT(shortest_doubles), doubles);
    measure("read a double", 0, CZ_COUNT(double_text), read_doubles);
    printf("written as it was read: %s\n", same ? "yes" : "no");
    cz_arena_destroy(keep);
    cz_arena_destroy(arena);
    cz_buf_done(&out);
    return 0;
}
