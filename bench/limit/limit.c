/* limit.c: how cheap these answers can be on this machine.
 *
 *     cc -O2 limit.c -lsqlite3 -o limit
 *     ./limit PORT items.db
 *
 * A bare epoll server with no router, no middleware, no validation and no log, serving on 127.0.0.1
 *
 *     /json           {"message":"Hello, World!"}
 *     /items/{id}     one row by primary key
 *     /items?page=N   count and 50 rows, in the shape of DRF's PageNumberPagination
 *
 * It does what no framework can do less of: one recv() per readiness, every answer of a pipelined
 * batch in one send(), prepared statements, one read transaction per turn of the loop, columns
 * written straight into the output. What it answers is right, though: strings are escaped, doubles
 * read back as the same double, a slow reader is waited for and a malformed request is refused. A
 * limit that cheated would not be one.
 *
 * One thread. A connection is in one of three states, all visible in `struct conn`: reading
 * (pending is empty), writing (pending holds what the socket did not take; nothing is parsed until
 * it drains), and closing (the same, with `closing` set: closed once drained).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_BYTES_MAX 8192 /* a request head longer than this is refused */
#define FLUSH_BYTES 65536    /* answers are sent once this many bytes have gathered */
#define EVENTS_MAX 256
#define PAGE_SIZE 50
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void die(const char *what, const char *why)
{
    fprintf(stderr, "limit: %s: %s\n", what, why);
    exit(1);
}

/* ---- output ----
 *
 * One buffer for the whole process, reused by every turn. A piece of an answer reserves the most it
 * can take, is written through a plain pointer that each put_x() moves on, and is committed: no
 * check and no store to the buffer's length between two bytes. */

struct out {
    char *data;
    size_t len, size;
};

static struct out out;

/* Room for `most` bytes behind what is committed. */
static char *out_reserve(size_t most)
{
    if (out.size - out.len < most) {
        size_t size = (out.len + most) * 2;
        char *data = realloc(out.data, size);
        if (!data)
            die("output", "out of memory");
        out.data = data;
        out.size = size;
    }
    return out.data + out.len;
}

static void out_commit(const char *end)
{
    out.len = (size_t)(end - out.data);
}

#define INT_MAX_BYTES 20                    /* -9223372036854775808 */
#define DOUBLE_MAX_BYTES 32                 /* -1.7976931348623157e+308 is 24 */
#define STRING_MAX_BYTES(len) ((len)*6 + 2) /* every byte as \u00xx, and the quotes */

static inline char *put(char *p, const char *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static inline char *put_int(char *p, int64_t value)
{
    /* Negated in unsigned arithmetic, which the smallest int64_t survives. */
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0)
        *p++ = '-';
    int digits = 1;
    for (uint64_t bound = rest; bound >= 10; bound /= 10)
        digits++;
    for (int at = digits - 1; at >= 0; at--, rest /= 10)
        p[at] = (char)('0' + rest % 10);
    return p + digits;
}

/* Whether any of eight bytes is a control character, a quote or a backslash. A borrow from the byte
 * below can say so wrongly: then the eight are looked at one by one, which costs time and no
 * correctness. */
static inline bool eight_need_escape(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
    uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
    return (((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
            ((backslash - ones) & ~backslash)) &
           tops;
}

/* A JSON string. Text in the database is taken to be UTF-8, as SQLite does. */
static char *put_string(char *p, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = text + len;
    *p++ = '"';
    while (text < end) {
        uint64_t eight;
        while (end - text >= 8) {
            memcpy(&eight, text, 8);
            if (eight_need_escape(eight))
                break;
            memcpy(p, &eight, 8);
            p += 8;
            text += 8;
        }
        /* The last few bytes as part of the last eight: where those need no escape, the ones before
         * the few stand in the output just as they do in the text, and are written again. */
        size_t few = (size_t)(end - text);
        if (few < 8 && len >= 8) {
            memcpy(&eight, end - 8, 8);
            if (!eight_need_escape(eight)) {
                memcpy(p + few - 8, &eight, 8);
                p += few;
                break;
            }
        }
        const char *stop = few > 8 ? text + 8 : end;
        for (; text < stop; text++) {
            unsigned char c = (unsigned char)*text;
            if (c >= 0x20 && c != '"' && c != '\\') {
                *p++ = (char)c;
                continue;
            }
            *p++ = '\\';
            switch (c) {
            case '"':
            case '\\':
                *p++ = (char)c;
                break;
            case '\n':
                *p++ = 'n';
                break;
            case '\r':
                *p++ = 'r';
                break;
            case '\t':
                *p++ = 't';
                break;
            default:
                p = PUT(p, "u00");
                *p++ = hex[c >> 4];
                *p++ = hex[c & 15];
            }
        }
    }
    *p++ = '"';
    return p;
}

/* A double that reads back as the same double: as cents when it is a whole number of them, which
 * prices are, else the shortest of 15, 16 and 17 digits. JSON has no infinity and no NaN: those
 * become null. */
static char *put_double(char *p, double value)
{
    if (!isfinite(value))
        return PUT(p, "null");
    double size = fabs(value);
    if (size < 1e13) {
        int64_t cents = (int64_t)(size * 100 + 0.5);
        if ((double)cents / 100 == size) {
            if (signbit(value))
                *p++ = '-';
            p = put_int(p, cents / 100);
            *p++ = '.';
            *p++ = (char)('0' + cents / 10 % 10);
            if (cents % 10)
                *p++ = (char)('0' + cents % 10);
            return p;
        }
    }
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(p, DOUBLE_MAX_BYTES, "%.*g", digits, value);
        if (strtod(p, NULL) == value)
            break;
    }
    return p + len;
}

/* ---- HTTP ---- */

struct request {
    const char *method, *target, *host;
    size_t method_len, target_len, host_len;
    bool keep;
};

/* Whether a header's name or a token is `wanted`, in whatever case. */
static bool named(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && !strncasecmp(name, wanted, len);
}

/* Parse one request head. Answers its length, 0 when it is not complete, -1 when it is malformed or
 * has a body: no path here takes one, and left unread it would be taken for the next request. */
static int parse(const char *at, size_t len, struct request *request)
{
    const char *p = at, *end = at + len, *mark;
    *request = (struct request){ .method = at, .keep = true };

    mark = memchr(p, '\n', len);
    if (!mark)
        return 0;
    const char *line_end = mark - 1;
    if (line_end <= p || *line_end != '\r')
        return -1;
    mark = memchr(p, ' ', (size_t)(line_end - p));
    if (!mark || mark == p)
        return -1;
    request->method_len = (size_t)(mark - p);
    p = request->target = mark + 1;
    mark = memchr(p, ' ', (size_t)(line_end - p));
    if (!mark || *p != '/')
        return -1;
    request->target_len = (size_t)(mark - p);
    p = mark + 1;
    if (line_end - p != 8 || memcmp(p, "HTTP/1.", 7))
        return -1;
    bool old = p[7] == '0';
    if (!old && p[7] != '1')
        return -1;
    request->keep = !old;

    for (p = line_end + 2;; p = line_end + 2) {
        mark = memchr(p, '\n', (size_t)(end - p));
        if (!mark)
            return 0;
        line_end = mark - 1;
        if (line_end < p || *line_end != '\r')
            return -1;
        if (line_end == p)
            break;
        const char *colon = memchr(p, ':', (size_t)(line_end - p));
        if (!colon || colon == p)
            return -1;
        /* Most headers mean nothing here, and their first letter tells. */
        switch (*p | 0x20) {
        case 'h':
        case 'c':
        case 't':
            break;
        default:
            continue;
        }
        const char *value = colon + 1, *value_end = line_end;
        while (value < value_end && (*value == ' ' || *value == '\t'))
            value++;
        while (value < value_end && (value_end[-1] == ' ' || value_end[-1] == '\t'))
            value_end--;
        size_t name_len = (size_t)(colon - p), value_len = (size_t)(value_end - value);
        if (named(p, name_len, "host")) {
            if (request->host)
                return -1;
            request->host = value;
            request->host_len = value_len;
        } else if (named(p, name_len, "connection")) {
            if (named(value, value_len, "close"))
                request->keep = false;
            else if (named(value, value_len, "keep-alive"))
                request->keep = true;
        } else if (named(p, name_len, "content-length")) {
            if (value_len != 1 || *value != '0')
                return -1;
        } else if (named(p, name_len, "transfer-encoding")) {
            return -1;
        }
    }
    if (!request->host) {
        if (!old)
            return -1;
        request->host = "127.0.0.1";
        request->host_len = strlen(request->host);
    }
    return (int)(line_end + 2 - at);
}

static char date[30]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Once per turn of the loop, so that no answer asks for the time. */
static void date_update(void)
{
    static time_t shown;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec == shown)
        return;
    shown = now.tv_sec;
    struct tm parts;
    gmtime_r(&shown, &parts);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* The body is written straight behind the head, so its length is not known yet: the head leaves a
 * gap, filled with the spaces that may stand before a header's value. */
#define LENGTH_GAP "            "
#define HEAD_MAX_BYTES 256

/* Commits a head and answers where the body begins, for answer_end(). `status` is a short literal.
 */
static size_t answer_begin(const char *status)
{
    char *p = out_reserve(HEAD_MAX_BYTES);
    p = PUT(p, "HTTP/1.1 ");
    p = put(p, status, strlen(status));
    p = PUT(p, "\r\nDate: ");
    p = put(p, date, sizeof date - 1);
    p = PUT(p, "\r\nContent-Type: application/json\r\nContent-Length:" LENGTH_GAP "\r\n\r\n");
    out_commit(p);
    return out.len;
}

static void answer_end(size_t body)
{
    char *p = out.data + body - 4;
    size_t len = out.len - body;
    do
        *--p = (char)('0' + len % 10);
    while (len /= 10);
}

static void answer_error(const char *status, const char *detail)
{
    size_t body = answer_begin(status), len = strlen(detail);
    char *p = out_reserve(STRING_MAX_BYTES(len) + 16);
    p = PUT(p, "{\"detail\":");
    p = put_string(p, detail, len);
    *p++ = '}';
    out_commit(p);
    answer_end(body);
}

/* ---- the table ---- */

#define COLUMNS "id, name, description, price, quantity, created_at"

static sqlite3 *db;
static sqlite3_stmt *select_one, *select_page, *select_count, *begin, *commit;
static bool in_transaction;

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
        die(sql, sqlite3_errmsg(db));
    return statement;
}

static void db_open(const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db, flags, NULL))
        die(path, sqlite3_errmsg(db));
    sqlite3_exec(db, "pragma mmap_size = 268435456", NULL, NULL, NULL);
    select_one = prepare("select " COLUMNS " from items where id = ?");
    select_page = prepare("select " COLUMNS " from items order by id limit ? offset ?");
    select_count = prepare("select count(*) from items");
    begin = prepare("begin");
    commit = prepare("commit");
}

static void run(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        die("sqlite", sqlite3_errmsg(db));
    sqlite3_reset(statement);
}

/* One read transaction for all that a turn of the loop answers: taking and dropping WAL's read lock
 * are three system calls, more than the query itself. */
static void db_need(void)
{
    if (!in_transaction)
        run(begin);
    in_transaction = true;
}

static void db_turn_end(void)
{
    if (in_transaction)
        run(commit);
    in_transaction = false;
}

/* Text of a column; the length is asked for after the text, which may convert. */
static const char *column_text(sqlite3_stmt *row, int column, size_t *out_len)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    *out_len = (size_t)sqlite3_column_bytes(row, column);
    return text ? text : "";
}

static void put_row(sqlite3_stmt *row)
{
    size_t name_len, description_len, created_len;
    const char *name = column_text(row, 1, &name_len);
    const char *description = column_text(row, 2, &description_len);
    const char *created = column_text(row, 5, &created_len);
    /* 128 is more than the names of the members and what stands between them. */
    char *p = out_reserve(128 + 2 * INT_MAX_BYTES + DOUBLE_MAX_BYTES + STRING_MAX_BYTES(name_len) +
                          STRING_MAX_BYTES(description_len) + STRING_MAX_BYTES(created_len));
    p = PUT(p, "{\"id\":");
    p = put_int(p, sqlite3_column_int64(row, 0));
    p = PUT(p, ",\"name\":");
    p = put_string(p, name, name_len);
    p = PUT(p, ",\"description\":");
    p = put_string(p, description, description_len);
    p = PUT(p, ",\"price\":");
    p = put_double(p, sqlite3_column_double(row, 3));
    p = PUT(p, ",\"quantity\":");
    p = put_int(p, sqlite3_column_int64(row, 4));
    p = PUT(p, ",\"created_at\":");
    p = put_string(p, created, created_len);
    /* "2026-01-31 12:00:00" as the database keeps it, "2026-01-31T12:00:00Z" as JSON has it. */
    if (created_len == 19 && p[-10] == ' ') {
        p[-10] = 'T';
        p = PUT(p - 1, "Z\"");
    }
    *p++ = '}';
    out_commit(p);
}

/* ---- the three paths ---- */

/* Digits only, at most nine of them so that page * PAGE_SIZE fits easily; -1 for anything else. */
static int64_t number(const char *text, size_t len)
{
    int64_t value = 0;
    if (len < 1 || len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static void get_item(const char *id, size_t len)
{
    int64_t key = number(id, len);
    int status = SQLITE_DONE;
    if (key >= 0) {
        db_need();
        sqlite3_bind_int64(select_one, 1, key);
        status = sqlite3_step(select_one);
    }
    if (status == SQLITE_ROW) {
        size_t body = answer_begin("200 OK");
        put_row(select_one);
        answer_end(body);
    } else if (status == SQLITE_DONE) {
        answer_error("404 Not Found", "Not found.");
    } else {
        answer_error("500 Internal Server Error", sqlite3_errmsg(db));
    }
    sqlite3_reset(select_one);
}

/* Link to a page, or null; page 1 has no number, as in DRF. The host came from outside: it is
 * escaped, and the quote that closes it is taken back. */
static char *put_link(char *p, const struct request *request, int64_t page)
{
    if (page < 1)
        return PUT(p, "null");
    p = PUT(p, "\"http://");
    char *host = p - 1;
    char kept = *host;
    p = put_string(host, request->host, request->host_len);
    *host = kept;
    p = PUT(p - 1, "/items");
    if (page > 1) {
        p = PUT(p, "?page=");
        p = put_int(p, page);
    }
    *p++ = '"';
    return p;
}

static void get_page(const struct request *request, int64_t page)
{
    db_need();
    int status = sqlite3_step(select_count);
    int64_t count = sqlite3_column_int64(select_count, 0);
    sqlite3_reset(select_count);
    if (status != SQLITE_ROW) {
        answer_error("500 Internal Server Error", sqlite3_errmsg(db));
        return;
    }
    int64_t offset = (page - 1) * PAGE_SIZE;
    if (page < 1 || (offset >= count && page > 1)) {
        answer_error("404 Not Found", "Invalid page.");
        return;
    }
    size_t answer = out.len;
    size_t body = answer_begin("200 OK");
    char *p = out_reserve(128 + 3 * INT_MAX_BYTES + 2 * STRING_MAX_BYTES(request->host_len));
    p = PUT(p, "{\"count\":");
    p = put_int(p, count);
    p = PUT(p, ",\"next\":");
    p = put_link(p, request, offset + PAGE_SIZE < count ? page + 1 : 0);
    p = PUT(p, ",\"previous\":");
    p = put_link(p, request, page - 1);
    p = PUT(p, ",\"results\":[");
    out_commit(p);

    sqlite3_bind_int64(select_page, 1, PAGE_SIZE);
    sqlite3_bind_int64(select_page, 2, offset);
    bool first = true;
    while ((status = sqlite3_step(select_page)) == SQLITE_ROW) {
        if (!first)
            out_commit(PUT(out_reserve(1), ","));
        first = false;
        put_row(select_page);
    }
    sqlite3_reset(select_page);
    if (status != SQLITE_DONE) {
        out.len = answer;
        answer_error("500 Internal Server Error", sqlite3_errmsg(db));
        return;
    }
    out_commit(PUT(out_reserve(2), "]}"));
    answer_end(body);
}

/* The value of `page` in a query, 1 when it is absent. */
static int64_t query_page(const char *query, size_t len)
{
    const char *end = query + len;
    for (const char *p = query; p < end;) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        if (!stop)
            stop = end;
        if (stop - p >= 5 && !memcmp(p, "page=", 5))
            return number(p + 5, (size_t)(stop - p - 5));
        p = stop + 1;
    }
    return 1;
}

static bool is(const char *text, size_t len, const char *wanted)
{
    return len == strlen(wanted) && !memcmp(text, wanted, len);
}

static void answer(const struct request *request)
{
    const char *path = request->target;
    const char *query = memchr(path, '?', request->target_len);
    size_t path_len = query ? (size_t)(query - path) : request->target_len;
    size_t query_len = query ? request->target_len - path_len - 1 : 0;

    if (!is(request->method, request->method_len, "GET")) {
        answer_error("405 Method Not Allowed", "Only GET is served here.");
    } else if (is(path, path_len, "/json")) {
        size_t body = answer_begin("200 OK");
        out_commit(PUT(out_reserve(32), "{\"message\":\"Hello, World!\"}"));
        answer_end(body);
    } else if (path_len > 7 && !memcmp(path, "/items/", 7)) {
        get_item(path + 7, path_len - 7);
    } else if (is(path, path_len, "/items")) {
        get_page(request, query ? query_page(query + 1, query_len) : 1);
    } else {
        answer_error("404 Not Found", "Not found.");
    }
}

/* ---- connections ---- */

struct conn {
    int fd;
    bool closing;     /* close once `pending` is sent */
    size_t input_len; /* bytes of `input` not yet answered */
    char *pending;    /* owned; NULL unless the socket took less than was sent */
    size_t pending_at, pending_len;
    char input[INPUT_BYTES_MAX];
};

static int epoll;

static void conn_close(struct conn *conn)
{
    close(conn->fd); /* which also takes it out of the epoll set */
    free(conn->pending);
    free(conn);
}

static bool conn_watch(struct conn *conn, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = conn };
    return !epoll_ctl(epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

/* Send what has gathered. False when the peer is gone. What the socket does not take is kept aside
 * and reading stops until it drains, so a slow reader holds one batch of answers and no more. */
static bool conn_flush(struct conn *conn)
{
    ssize_t sent = send(conn->fd, out.data, out.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return false;
    size_t taken = sent > 0 ? (size_t)sent : 0;
    size_t rest = out.len - taken;
    out.len = 0;
    if (!rest)
        return true;
    conn->pending = malloc(rest);
    if (!conn->pending)
        return false;
    memcpy(conn->pending, out.data + taken, rest);
    conn->pending_at = 0;
    conn->pending_len = rest;
    return conn_watch(conn, EPOLLOUT);
}

/* Answer all complete requests that have arrived. False when the connection is to be closed now. */
static bool conn_answer(struct conn *conn)
{
    size_t at = 0;
    while (at < conn->input_len && !conn->closing && !conn->pending) {
        struct request request;
        int used = parse(conn->input + at, conn->input_len - at, &request);
        if (used == 0 && (at > 0 || conn->input_len < sizeof conn->input))
            break;
        if (used <= 0) {
            answer_error("400 Bad Request", "Not a request this server takes.");
            conn->closing = true;
            break;
        }
        answer(&request);
        at += (size_t)used;
        conn->closing = !request.keep;
        if (out.len >= FLUSH_BYTES && !conn_flush(conn))
            return false;
    }
    conn->input_len -= at;
    if (conn->input_len)
        memmove(conn->input, conn->input + at, conn->input_len);
    if (out.len && !conn_flush(conn))
        return false;
    return !conn->closing || conn->pending;
}

static bool conn_readable(struct conn *conn)
{
    size_t room = sizeof conn->input - conn->input_len;
    ssize_t got = recv(conn->fd, conn->input + conn->input_len, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    conn->input_len += (size_t)got;
    return conn_answer(conn);
}

static bool conn_writable(struct conn *conn)
{
    ssize_t sent = send(conn->fd, conn->pending + conn->pending_at,
                        conn->pending_len - conn->pending_at, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    conn->pending_at += (size_t)sent;
    if (conn->pending_at < conn->pending_len)
        return true;
    free(conn->pending);
    conn->pending = NULL;
    if (conn->closing || !conn_watch(conn, EPOLLIN))
        return false;
    /* Requests already read wait in `input`; no readiness will tell of them. */
    return conn_answer(conn);
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *conn = malloc(sizeof *conn);
        if (!conn) {
            close(fd);
            return;
        }
        conn->fd = fd;
        conn->closing = false;
        conn->input_len = 0;
        conn->pending = NULL;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
            conn_close(conn);
    }
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024))
        die(port, strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: limit PORT items.db\n");
        return 2;
    }
    db_open(argv[2]);
    out_reserve(2 * FLUSH_BYTES);
    int listener = listen_on(argv[1]);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS_MAX], listening = { .events = EPOLLIN, .data.ptr = NULL };
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening))
        die("epoll", strerror(errno));

    for (;;) {
        int ready = epoll_wait(epoll, events, COUNT(events), -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait", strerror(errno));
        date_update();
        for (int i = 0; i < ready; i++) {
            struct conn *conn = events[i].data.ptr;
            if (!conn)
                accept_all(listener);
            else if (!(conn->pending ? conn_writable(conn) : conn_readable(conn)))
                conn_close(conn);
            out.len = 0; /* of a peer that went away half-way */
        }
        db_turn_end();
    }
}
