#include "cache/memcached/protocol.h"
#include <calzone/memory.h>

static const struct {
    const char *word;
    enum cz__mc_code code;
} words[] = {
    { "HD", CZ__MC_DONE },   { "VA", CZ__MC_VALUE }, { "EN", CZ__MC_MISS },
    { "NF", CZ__MC_MISS },   { "OK", CZ__MC_DONE },  { "NS", CZ__MC_NOT_STORED },
    { "EX", CZ__MC_EXISTS },
};

void cz__mc_reader_clear(struct cz__mc_reader *reader)
{
    cz_free(reader->reply.value);
    reader->reply = (struct cz__mc_reply){ 0 };
    reader->line_len = reader->got = 0;
    reader->in_value = false;
}

static cz_status read_flag(cz_str flag, struct cz__mc_reply *reply)
{
    cz_str number = cz_str_tail(flag, 1);
    uint64_t flags;
    switch (flag.len ? flag.ptr[0] : '\0') {
    case 'f':
        if (cz_str_to_u64(number, &flags) || flags > UINT32_MAX)
            return CZ_EPROTOCOL;
        reply->flags = (uint32_t)flags;
        return CZ_OK;
    case 't':
        return cz_str_to_i64(number, &reply->seconds) || reply->seconds < -1 ? CZ_EPROTOCOL : CZ_OK;
    case 'c':
        return cz_str_to_u64(number, &reply->unique) ? CZ_EPROTOCOL : CZ_OK;
    default:
        return flag.len ? CZ_OK : CZ_EPROTOCOL;
    }
}

static bool is_error(cz_str line)
{
    return cz_str_eq(line, CZ_STR("ERROR")) || cz_str_starts_with(line, CZ_STR("CLIENT_ERROR ")) ||
           cz_str_starts_with(line, CZ_STR("SERVER_ERROR "));
}

static cz_status read_error(cz_str line, struct cz__mc_reply *reply)
{
    size_t len = line.len < sizeof reply->text ? line.len : sizeof reply->text - 1;
    reply->code = CZ__MC_REFUSED;
    memcpy(reply->text, line.ptr, len);
    reply->text[len] = '\0';
    return CZ_OK;
}

static cz_status make_room(cz_str size, struct cz__mc_reply *reply)
{
    uint64_t bytes;
    if (cz_str_to_u64(size, &bytes))
        return CZ_EPROTOCOL;
    if (bytes > CZ__MC_VALUE_BYTES_MAX)
        return CZ_ETOOBIG;
    reply->len = (size_t)bytes;
    reply->value = cz_malloc(reply->len + 2); /* and its CRLF */
    return reply->value ? CZ_OK : CZ_ENOMEM;
}

static cz_status read_line(cz_str line, struct cz__mc_reply *reply)
{
    if (is_error(line))
        return read_error(line, reply);
    cz_str word = cz_str_cut(&line, ' ');
    size_t at = 0;
    while (at < CZ_COUNT(words) && !cz_str_eq(word, cz_str_from(words[at].word)))
        at++;
    if (at == CZ_COUNT(words))
        return CZ_EPROTOCOL;
    reply->code = words[at].code;
    cz_status status = CZ_OK;
    if (reply->code == CZ__MC_VALUE)
        status = make_room(cz_str_cut(&line, ' '), reply);
    while (line.len && !status)
        status = read_flag(cz_str_cut(&line, ' '), reply);
    return status;
}

/* Take bytes up to the line's LF. True: it is there. */
static bool take_line(struct cz__mc_reader *reader, const char *bytes, size_t len, size_t *used)
{
    const char *end = memchr(bytes, '\n', len);
    size_t take = end ? (size_t)(end - bytes) + 1 : len,
           room = sizeof reader->line - reader->line_len;
    memcpy(reader->line + reader->line_len, bytes, take < room ? take : room);
    reader->line_len += take; /* over the limit: refused by who asks */
    *used += take;
    return end != NULL;
}

static cz_status begin_reply(struct cz__mc_reader *reader, const char *bytes, size_t len,
                             size_t *used, bool *whole)
{
    bool is_whole = take_line(reader, bytes, len, used);
    if (reader->line_len > sizeof reader->line)
        return CZ_ETOOBIG;
    if (!is_whole)
        return CZ_OK;
    if (reader->line_len < 2 || reader->line[reader->line_len - 2] != '\r')
        return CZ_EPROTOCOL;
    cz_status status = read_line(cz_str_of(reader->line, reader->line_len - 2), &reader->reply);
    reader->in_value = !status && reader->reply.code == CZ__MC_VALUE;
    *whole = !reader->in_value;
    return status;
}

static cz_status go_on_with_value(struct cz__mc_reader *reader, const char *bytes, size_t len,
                                  size_t *used, bool *whole)
{
    size_t all = reader->reply.len + 2, take = all - reader->got;
    take = take < len ? take : len;
    memcpy(reader->reply.value + reader->got, bytes, take);
    reader->got += take;
    *used += take;
    *whole = reader->got == all;
    if (!*whole)
        return CZ_OK;
    return memcmp(reader->reply.value + reader->reply.len, "\r\n", 2) == 0 ? CZ_OK : CZ_EPROTOCOL;
}

cz_status cz__mc_read(struct cz__mc_reader *reader, const char *bytes, size_t len, size_t *out_used,
                      bool *out_whole, struct cz__mc_reply *out)
{
    size_t used = 0;
    bool whole = false;
    cz_status status = CZ_OK;
    while (used < len && !whole && !status)
        status = reader->in_value
                     ? go_on_with_value(reader, bytes + used, len - used, &used, &whole)
                     : begin_reply(reader, bytes + used, len - used, &used, &whole);
    if (status)
        return status;
    if (whole) {
        *out = reader->reply;
        reader->reply.value = NULL;
        cz__mc_reader_clear(reader);
    }
    *out_used = used;
    *out_whole = whole;
    return CZ_OK;
}
