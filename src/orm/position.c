/* What a unit of work has written, as a text that another one reads by: cz_read_position(), cz_read_after().
 *
 *     1700000000000.default.50331928.reports.0.9120938471
 *
 * The time, then each database and where its log was after the change, 0 when that could not be learned and only
 * the primary will do, then a keyed hash of it all. A replica in use is never further behind than a limit, so a
 * position older than that says nothing any more; this bounds what a log that began anew (a failover to another
 * server, a restored copy) can do, too. */
#include "orm/orm_internal.h"
#include <calzone/databases.h>
#include <calzone/map.h>
#include "db/replicas.h"

enum { CLOCKS_APART_MS = 5000 }; /* those of two machines, at most */

static uint8_t key[16];

void cz__position_set_key(cz_str secret)
{
    static const uint8_t salts[2][16] = { "calzone position", "position calzone" };
    cz__siphash13_twice(salts, secret.ptr, secret.len, key);
}

int64_t cz__position_life_ms(void)
{
    return cz__replica_lag_max_ms + CLOCKS_APART_MS;
}

/* ---- writing one ---- */

static bool has_written(const cz_ctx *ctx)
{
    for (const cz__db_session *session = ctx->db; session; session = session->next)
        if (session->wrote && session->reader)
            return true;
    return false;
}

/* 0: only the primary has it for certain. */
static uint64_t position_of(cz_ctx *ctx, cz__db_session *session)
{
    uint64_t position;
    cz_error err;
    if (!session->wrote)
        return session->wanted;
    if (session->block || session->depth ||
        session->db->driver->position(ctx, session, false, &position, &err))
        return 0;
    return position;
}

cz_str cz_read_position(cz_ctx *ctx)
{
    if (!has_written(ctx))
        return CZ_STR("");
    cz_buf *text = cz__scratch(ctx);
    cz_buf_printf(text, "%lld", (long long)(cz_now().us / 1000));
    for (cz__db_session *session = ctx->db; session; session = session->next)
        if (session->reader && (session->wrote || session->wanted))
            cz_buf_printf(text, ".%s.%llu", session->database->alias,
                          (unsigned long long)position_of(ctx, session));
    uint64_t mark = cz__siphash13(key, text->ptr, text->len);
    cz_buf_printf(text, ".%llu", (unsigned long long)mark);
    cz_check(ctx, cz_buf_status(text));
    cz_assert(text->len <= CZ_POSITION_BYTES_MAX);
    return cz_copy(ctx, cz_buf_str(text));
}

/* ---- reading by one ---- */

/* Cut the mark off; false when it is not ours. */
static bool is_ours(cz_str *text)
{
    uint64_t mark;
    size_t dot = text->len;
    while (dot && text->ptr[dot - 1] != '.')
        dot--;
    if (!dot || text->len > CZ_POSITION_BYTES_MAX || cz_str_to_u64(cz_str_tail(*text, dot), &mark))
        return false;
    *text = cz_str_head(*text, dot - 1);
    return mark == cz__siphash13(key, text->ptr, text->len);
}

static bool is_recent(cz_str time)
{
    int64_t issued_ms, now_ms = cz_now().us / 1000;
    return !cz_str_to_i64(time, &issued_ms) && issued_ms <= now_ms + CLOCKS_APART_MS &&
           now_ms - issued_ms <= cz__position_life_ms();
}

static void read_one_after(cz_ctx *ctx, cz_str alias, uint64_t position)
{
    cz__db_session *session = NULL;
    cz_error err;
    for (size_t i = 0; i < cz__database_count; i++) {
        cz__database *database = &cz__databases[i];
        if (!database->replicas || !cz_str_eq(alias, cz_str_from(database->alias)))
            continue;
        if (cz__db_session_on(ctx, database, &session, &err))
            cz_raise_error(ctx, &err);
        if (!position)
            session->primary_only = true;
        else if (position > session->wanted)
            session->wanted = position;
    }
}

bool cz_read_after(cz_ctx *ctx, cz_str position)
{
    cz_str rest = position;
    if (!cz__replicas_any() || !is_ours(&rest) || !is_recent(cz_str_cut(&rest, '.')))
        return false;
    while (rest.len) {
        cz_str alias = cz_str_cut(&rest, '.'), number = cz_str_cut(&rest, '.');
        uint64_t at;
        if (cz_str_to_u64(number, &at))
            return false; /* we never sign such a thing */
        read_one_after(ctx, alias, at);
    }
    return true;
}
