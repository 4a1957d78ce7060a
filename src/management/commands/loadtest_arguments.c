/* What `loadtest` is told on its command line. */
#include "management/commands/loadtest.h"
#include "http/h1_head.h"
#include "settings/values.h"
#include <stdio.h>

enum {
    CLIENTS = 10,
    DURATION_MS = 10000,
    STEP_MS = 2000,
    TIMEOUT_MS = 10000,
    HEADER_BYTES = 16384
};
static const int64_t p99_us = 50000;
static const double errors_share = 0.001;

const char cz__loadtest_flags[] =
    "  --url URL        the server to ask, such as http://127.0.0.1:8000; without it the project "
    "is\n"
    "                   started on a free port, with the settings of this command\n"
    "  --allow-remote   another machine may be asked, not this one alone\n"
    "  --clients N      how many ask at the same time (10)\n"
    "  --duration TIME  how long (10s; of each step of a search 2s)\n"
    "  --requests N     no more than so many requests\n"
    "  --rate R         so many a second, whether the server keeps up or not\n"
    "  --timeout TIME   what takes longer has failed (10s)\n"
    "  --search         find the highest rate within --p99 (50ms) and --errors\n"
    "  --p99 TIME       99 of 100 requests may take so long; more is a failure\n"
    "  --errors SHARE   so many requests may fail (0.1%); more is a failure\n"
    "  --header LINE    sent with each request, such as \"Authorization: Bearer ...\"; may come "
    "again\n"
    "  --host NAME      sent as Host instead of the URL's\n"
    "  --json           print JSON\n";

static bool read_number(cz_str text, uint64_t max, uint64_t *out)
{
    return !cz_str_to_u64(text, out) && *out >= 1 && *out <= max;
}

static bool read_time(const char *text, int64_t *out_ms)
{
    return !cz__duration_ms_read(cz_str_from(text), out_ms) && *out_ms >= 1 &&
           *out_ms <= CZ__LOAD_DURATION_MAX_MS;
}

static bool read_clients(struct cz__loadtest_arguments *out, const char *text)
{
    uint64_t clients;
    bool fine = read_number(cz_str_from(text), CZ__LOAD_CLIENTS_MAX, &clients);
    if (fine)
        out->run.clients = (unsigned)clients;
    return fine;
}

static bool read_duration(struct cz__loadtest_arguments *out, const char *text)
{
    return read_time(text, &out->run.duration_ms);
}

static bool read_timeout(struct cz__loadtest_arguments *out, const char *text)
{
    return read_time(text, &out->run.timeout_ms);
}

static bool read_p99(struct cz__loadtest_arguments *out, const char *text)
{
    int64_t ms;
    bool fine = read_time(text, &ms);
    if (fine)
        out->limits.p99_us = ms * 1000;
    return fine;
}

static bool read_requests(struct cz__loadtest_arguments *out, const char *text)
{
    return read_number(cz_str_from(text), INT64_MAX, &out->run.requests_max);
}

static bool read_rate(struct cz__loadtest_arguments *out, const char *text)
{
    double rate;
    bool fine =
        !cz__real_read(cz_str_from(text), &rate) && rate >= 0.01 && rate <= CZ__LOAD_RATE_MAX;
    if (fine)
        out->run.rate = rate;
    return fine;
}

/* "0.1%", or "0.001". */
static bool read_errors(struct cz__loadtest_arguments *out, const char *text)
{
    cz_str number = cz_str_from(text);
    bool percent = cz_str_ends_with(number, CZ_STR("%"));
    double share;
    if (cz__real_read(percent ? cz_str_head(number, number.len - 1) : number, &share))
        return false;
    share = percent ? share / 100 : share;
    if (!(share >= 0 && share <= 1))
        return false;
    out->limits.errors_share = share;
    return true;
}

static bool read_header(struct cz__loadtest_arguments *out, const char *text)
{
    cz_str rest = cz_str_from(text);
    size_t colon = cz_str_find_char(rest, ':');
    if (colon == SIZE_MAX ||
        !cz__load_header_ok(cz_str_head(rest, colon), cz_str_tail(rest, colon + 1)))
        return false;
    cz_buf_printf(&out->headers, "%.*s: %.*s\r\n", CZ_STR_ARG(cz_str_head(rest, colon)),
                  CZ_STR_ARG(cz_str_trim(cz_str_tail(rest, colon + 1))));
    return !cz_buf_status(&out->headers);
}

static bool read_host(struct cz__loadtest_arguments *out, const char *text)
{
    out->host = text;
    return cz__http_is_host(cz_str_from(text));
}

static bool read_url(struct cz__loadtest_arguments *out, const char *text)
{
    out->url = text;
    return true; /* looked at when it is resolved */
}

static const struct option {
    const char *name;
    bool (*read)(struct cz__loadtest_arguments *out, const char *text);
    const char *takes;
} options[] = {
    { "--url", read_url, "a URL" },
    { "--clients", read_clients, "a number from 1 to 1000" },
    { "--duration", read_duration, "a time from 1ms to 24h, such as 10s" },
    { "--requests", read_requests, "a number from 1 on" },
    { "--rate", read_rate, "requests a second, from 0.01 to 1000000" },
    { "--timeout", read_timeout, "a time from 1ms to 24h, such as 10s" },
    { "--p99", read_p99, "a time from 1ms to 24h, such as 50ms" },
    { "--errors", read_errors, "a share from 0 to 1, or to 100%" },
    { "--header", read_header,
      "\"Name: value\", 16 KiB in all; not Connection, Content-Length or Transfer-Encoding, and "
      "for Host there is --host:" },
    { "--host", read_host, "a name or address, with a port or without" },
};

/* How many arguments it took from `at` on; 0: it makes no sense, which was printed. */
static int read_option(int argc, char **argv, int at, struct cz__loadtest_arguments *out)
{
    for (size_t i = 0; i < CZ_COUNT(options); i++) {
        if (strcmp(argv[at], options[i].name) != 0)
            continue;
        const char *text = at + 1 < argc ? argv[at + 1] : "";
        if (at + 1 < argc && options[i].read(out, text))
            return 2;
        fprintf(stderr, "loadtest: %s takes %s, not \"%s\"\n", options[i].name, options[i].takes,
                text);
        return 0;
    }
    fprintf(stderr, "loadtest: unknown argument \"%s\"; see --help\n", argv[at]);
    return 0;
}

/* How many arguments it took, as above. */
static int read_argument(int argc, char **argv, int at, struct cz__loadtest_arguments *out)
{
    if (!strcmp(argv[at], "--search"))
        out->search = true;
    else if (!strcmp(argv[at], "--json"))
        out->json = true;
    else if (!strcmp(argv[at], "--allow-remote"))
        out->allow_remote = true;
    else if (argv[at][0] != '-' && out->name_count < CZ__LOADTEST_NAMES_MAX)
        out->names[out->name_count++] = argv[at];
    else
        return read_option(argc, argv, at, out);
    return 1;
}

bool cz__loadtest_arguments_read(int argc, char **argv, struct cz__loadtest_arguments *out)
{
    *out = (struct cz__loadtest_arguments){
        .run = { .clients = CLIENTS, .timeout_ms = TIMEOUT_MS },
        .limits = { .errors_share = errors_share },
    };
    cz_buf_init(&out->headers, HEADER_BYTES);
    for (int at = 1, took; at < argc; at += took) {
        took = read_argument(argc, argv, at, out);
        if (!took)
            return false;
    }
    if (out->search && (out->run.rate > 0 || out->run.requests_max)) {
        fprintf(stderr, "loadtest: --search goes without --rate and --requests\n");
        return false;
    }
    if (out->search && !out->limits.p99_us)
        out->limits.p99_us = p99_us;
    if (!out->run.duration_ms)
        out->run.duration_ms = out->search             ? STEP_MS
                               : out->run.requests_max ? CZ__LOAD_DURATION_MAX_MS
                                                       : DURATION_MS;
    return true;
}

void cz__loadtest_arguments_done(struct cz__loadtest_arguments *arguments)
{
    cz_buf_done(&arguments->headers);
}
