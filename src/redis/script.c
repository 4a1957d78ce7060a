/* Scripts by their hashes. The server tells the hash, so nothing here computes one; a server that has forgotten a script,
 * because it was started again, says NOSCRIPT and has run nothing. */
#include "redis/redis.h"

static void add_command(cz_buf *out, cz_str name, cz_str script, const cz_str *arguments,
                        size_t count)
{
    enum { ARGUMENTS_MAX = 80 };
    cz_str all[2 + ARGUMENTS_MAX] = { name, script };
    cz_assert(count <= ARGUMENTS_MAX);
    memcpy(all + 2, arguments, count * sizeof *arguments);
    cz__redis_command(out, all, 2 + count);
}

static bool is_forgotten(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && !strncmp(reply->str, "NOSCRIPT", 8);
}

static void keep_hash(cz__redis_script *script, const redisReply *reply)
{
    script->is_unkept =
        reply->type != REDIS_REPLY_STRING || (size_t)reply->len + 1 != sizeof script->hash;
    if (!script->is_unkept)
        memcpy(script->hash, reply->str, sizeof script->hash);
}

static cz_status run_whole(cz_ctx *ctx, cz__redis *redis, cz__redis_script *script,
                           const cz_str *arguments, size_t count, int64_t timeout_ms,
                           struct cz__redis_request **out)
{
    cz_buf commands = { 0 };
    cz_str load[] = { CZ_STR("SCRIPT"), CZ_STR("LOAD"), cz_str_from(script->text) };
    size_t replies = script->is_unkept ? 1 : 2;
    add_command(&commands, CZ_STR("EVAL"), cz_str_from(script->text), arguments, count);
    if (!script->is_unkept)
        cz__redis_command(&commands, load, CZ_COUNT(load));
    cz_status status = cz__redis_ask(ctx, redis, &commands, replies, timeout_ms, out);
    if (!status && replies == 2)
        keep_hash(script, (*out)->replies[1]);
    return status;
}

cz_status cz__redis_run(cz_ctx *ctx, cz__redis *redis, cz__redis_script *script,
                        const cz_str *arguments, size_t count, int64_t timeout_ms,
                        struct cz__redis_request **out)
{
    if (!*script->hash)
        return run_whole(ctx, redis, script, arguments, count, timeout_ms, out);
    cz_buf commands = { 0 };
    add_command(&commands, CZ_STR("EVALSHA"), cz_str_from(script->hash), arguments, count);
    cz_status status = cz__redis_ask(ctx, redis, &commands, 1, timeout_ms, out);
    if (status || !is_forgotten((*out)->replies[0]))
        return status;
    cz__redis_done(*out);
    return run_whole(ctx, redis, script, arguments, count, timeout_ms, out);
}
