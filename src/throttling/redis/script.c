/* What a counter is on a server, and how a request counts: the table's log of runs (table.c), by the server's clock.
 *
 * A counter is "BEGUN:HITS BEGUN:HITS", its runs, oldest first, in microseconds; it ends by itself when the last run is
 * forgotten. Reading, judging and counting of all of a request's counters is one script, which nothing interrupts. */
#include "redis/redis.h"
#include "throttling/throttling_internal.h"
#include <stdio.h>

enum { KEY_BYTES = 128, ARGUMENTS = 4 /* of a hit: its key, its rate in three numbers */ };

static cz__redis_script script = {
    .text = /* before Redis 5 a script may write after it has asked the time only so */
    "if redis.replicate_commands then redis.replicate_commands() end "
    "local time = redis.call('TIME') "
    "local now = time[1] * 1000000 + time[2] "
    "local logs, answer, pass = {}, {0}, 1 "
    "for i, key in ipairs(KEYS) do "
    "  local log = {} "
    "  for begun, hits in string.gmatch(redis.call('GET', key) or '', '(%d+):(%d+)') do "
    "    log[#log + 1] = {tonumber(begun), tonumber(hits)} "
    "  end "
    "  if #log > 0 and log[#log][1] > now then now = log[#log][1] end " /* its clock was set back */
    "  logs[i] = log "
    "end "
    "for i, log in ipairs(logs) do "
    "  local span, counted = ARGV[3 * i - 1] + ARGV[3 * i], 0 "
    "  while #log > 0 and log[1][1] + span <= now do table.remove(log, 1) end "
    "  for _, run in ipairs(log) do counted = counted + run[2] end "
    "  local left = math.max(ARGV[3 * i - 2] - counted, 0) "
    "  if left == 0 then pass = 0 end "
    "  answer[2 * i] = left "
    "  answer[2 * i + 1] = counted > 0 and log[1][1] + span - now or span "
    "end "
    "answer[1] = pass "
    "for i, log in ipairs(pass == 1 and logs or {}) do "
    "  local last, step = log[#log], tonumber(ARGV[3 * i]) "
    "  if last and now <= last[1] + step then last[2] = last[2] + 1 "
    "  else log[#log + 1] = {now, 1} end "
    "  local runs = {} "
    "  for r, run in ipairs(log) do runs[r] = string.format('%.0f:%d', run[1], run[2]) end "
    "  local life = log[#log][1] + ARGV[3 * i - 1] + step - now "
    "  redis.call('SET', KEYS[i], table.concat(runs, ' '), 'PX', "
    "    string.format('%.0f', math.ceil(life / 1000))) "
    "end "
    "return answer",
};

/* No colon: nothing that a cache of some prefix removes by its pattern. */
static cz_str key_of(cz_arena *arena, cz_str prefix, const uint64_t key[2])
{
    char text[KEY_BYTES];
    cz_str out = { NULL, 0 };
    int bytes = snprintf(text, sizeof text, "throttles/%.*s/%016llx%016llx", CZ_STR_ARG(prefix),
                         (unsigned long long)key[0], (unsigned long long)key[1]);
    if (bytes < 0 || (size_t)bytes >= sizeof text ||
        cz_str_dup(arena, cz_str_of(text, (size_t)bytes), &out))
        out.ptr = NULL;
    return out;
}

static cz_str number(cz_arena *arena, int64_t value)
{
    char text[24];
    cz_str out = { NULL, 0 };
    if (cz_str_dup(arena, cz_str_of(text, cz_i64_write(text, value)), &out))
        out.ptr = NULL;
    return out;
}

static cz_status make_arguments(cz_arena *arena, cz_str prefix, const struct cz__hit *hits,
                                size_t count, cz_str *out)
{
    out[0] = number(arena, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        const cz__rate *rate = &hits[i].rate;
        cz_str *numbers = out + 1 + count + 3 * i;
        out[1 + i] = key_of(arena, prefix, hits[i].key);
        numbers[0] = number(arena, rate->hits);
        numbers[1] = number(arena, rate->period_us);
        numbers[2] = number(arena, cz__rate_step_us(rate));
    }
    for (size_t i = 0; i < 1 + ARGUMENTS * count; i++)
        if (!out[i].ptr)
            return CZ_ENOMEM;
    return CZ_OK;
}

static bool is_answer(const redisReply *reply, size_t count)
{
    if (reply->type != REDIS_REPLY_ARRAY || (size_t)reply->elements != 1 + 2 * count)
        return false;
    for (size_t i = 0; i < 1 + 2 * count; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER || reply->element[i]->integer < 0)
            return false;
    return true;
}

static bool read_answer(const redisReply *reply, struct cz__hit *hits, size_t count)
{
    bool pass = reply->element[0]->integer == 1;
    for (size_t i = 0; i < count; i++) {
        int64_t left = reply->element[1 + 2 * i]->integer;
        hits[i].reset_us = reply->element[2 + 2 * i]->integer;
        hits[i].wait_us = left ? 0 : hits[i].reset_us;
        hits[i].left = (uint32_t)(left - pass);
    }
    return pass;
}

cz_status cz__throttle_redis_take(cz_ctx *ctx, struct cz__redis *redis, cz_str prefix,
                                  struct cz__hit *hits, size_t count, int64_t timeout_ms,
                                  bool *out_pass, const char **out_reason)
{
    static char refusal[160];
    cz_str arguments[1 + ARGUMENTS * CZ__HITS_MAX];
    struct cz__redis_request *request;
    cz_status status = make_arguments(ctx->arena, prefix, hits, count, arguments);
    if (!status)
        status = cz__redis_run(ctx, redis, &script, arguments, 1 + ARGUMENTS * count, timeout_ms,
                               &request);
    *out_reason = status == CZ_EUNAVAILABLE ? redis->link.reason : cz_status_text(status);
    if (status)
        return status;
    const redisReply *reply = request->replies[0];
    if (is_answer(reply, count)) {
        *out_pass = read_answer(reply, hits, count);
    } else {
        const char *text =
            reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another kind";
        cz_ignore(snprintf(refusal, sizeof refusal, "%s", text)); /* may be cut */
        *out_reason = refusal;
        status = CZ_EUNAVAILABLE;
    }
    cz__redis_done(request);
    return status;
}
