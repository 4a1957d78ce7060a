/* A generation's side of what generation.h says. */
#include "runtime/generation.h"
#include <calzone/str.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/generation_internal.h"

struct cz__generation cz__generation = { .channel_fd = -1, .number = 1 };

static bool read_numbers(const char *text, uint64_t out[4])
{
    cz_str rest = cz_str_from(text);
    for (int i = 0; i < 4; i++)
        if (cz_str_to_u64(cz_str_cut(&rest, ' '), &out[i]) || out[i] > INT32_MAX)
            return false;
    return !rest.len;
}

cz_status cz__generation_begin(cz_error *err)
{
    const char *text = getenv(CZ__GENERATION_VARIABLE);
    uint64_t numbers[4];
    if (!text || cz__generation_has_keeper()) { /* it was forked, and has its own */
        unsetenv(CZ__INHERITED_VARIABLE);
        return CZ_OK;
    }
    if (!read_numbers(text, numbers) || numbers[2] != (uint64_t)getppid() ||
        fcntl((int)numbers[0], F_SETFD, FD_CLOEXEC)) {
        cz_error_set(err, CZ_EVALIDATION,
                     CZ__GENERATION_VARIABLE ": \"%.*s\" is of no program that reloads; it is not "
                                             "for you to set",
                     80, text);
        return CZ_EVALIDATION;
    }
    unsetenv(CZ__GENERATION_VARIABLE);
    cz__generation.channel_fd = (int)numbers[0];
    cz__generation.beat_ms = (int64_t)numbers[1];
    cz__generation.keeper = (pid_t)numbers[2];
    cz__generation.number = (unsigned)numbers[3];
    return cz__descriptors_receive(&cz__generation.given, CZ__INHERITED_VARIABLE, err);
}

bool cz__generation_next_activated(size_t *cursor, cz_str name, char out[CZ__DESCRIPTOR_NAME])
{
    const struct cz__descriptors *given = &cz__generation.given;
    while (*cursor < given->count) {
        cz_str has = cz_str_from(given->items[(*cursor)++].name);
        cz_str number = cz_str_cut(&has, ' ');
        if (!cz_str_starts_with(number, CZ_STR(CZ__ACTIVATED)) ||
            (name.len && !cz_str_eq(has, name)))
            continue;
        memcpy(out, number.ptr, number.len);
        out[number.len] = '\0';
        return true;
    }
    return false;
}

int cz__generation_take(const char *name)
{
    return cz__descriptors_take(&cz__generation.given, name);
}

cz_status cz__generation_leave(const char *name, int fd)
{
    return cz__descriptors_add(&cz__generation.leaves, name, fd);
}

void cz__generation_close_rest(void)
{
    cz__descriptors_close(&cz__generation.given, CZ__ACTIVATED);
}

/* ---- messages ---- */

cz_status cz__channel_send(int channel_fd, const char *text, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec part = { (void *)(uintptr_t)text, strlen(text) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    ssize_t sent;
    while ((sent = sendmsg(channel_fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent < 0 ? CZ_EIO : CZ_OK;
}

int cz__channel_receive(int channel_fd, char text[CZ__MESSAGE_BYTES], int *out_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = { text, CZ__MESSAGE_BYTES - 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    ssize_t got = recvmsg(channel_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *out_fd = -1;
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (got == 0)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(out_fd, CMSG_DATA(head), sizeof *out_fd);
    text[got] = '\0';
    return 1;
}

static cz_status leave_all(const struct cz__descriptors *list)
{
    cz_status status = CZ_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        char text[CZ__MESSAGE_BYTES];
        cz_ignore(snprintf(text, sizeof text, "K %s", list->items[i].name)); /* it fits */
        status = cz__channel_send(cz__generation.channel_fd, text, list->items[i].fd);
    }
    return status;
}

cz_status cz__generation_ready(uint64_t reload_timeout_ms, uint64_t drain_timeout_ms)
{
    char text[CZ__MESSAGE_BYTES];
    cz_status status = leave_all(&cz__generation.leaves);
    cz_ignore(snprintf(text, sizeof text, "R %llu %llu", (unsigned long long)reload_timeout_ms,
                       (unsigned long long)drain_timeout_ms));
    return status ? status : cz__channel_send(cz__generation.channel_fd, text, -1);
}

void cz__generation_beat(void)
{
    cz_ignore(cz__channel_send(cz__generation.channel_fd, "B", -1)); /* whose end is heard */
}

int cz__generation_hear(void)
{
    char text[CZ__MESSAGE_BYTES];
    int fd, got = cz__channel_receive(cz__generation.channel_fd, text, &fd);
    if (fd >= 0)
        close(fd);
    return got > 0 ? text[0] : got;
}
