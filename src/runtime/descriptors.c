#include "runtime/descriptors.h"
#include <calzone/buf.h>
#include <calzone/memory.h>
#include <calzone/str.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return len && len < CZ__DESCRIPTOR_NAME;
}

static struct cz__descriptor *find(const struct cz__descriptors *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

cz_status cz__descriptors_add(struct cz__descriptors *list, const char *name, int fd)
{
    if (!is_name(name))
        return CZ_EINVAL;
    struct cz__descriptor *same = find(list, name);
    if (same) {
        if (same->fd != fd)
            close(same->fd);
        same->fd = fd;
        return CZ_OK;
    }
    if (list->count == CZ__DESCRIPTORS_MAX)
        return CZ_ETOOBIG;
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        struct cz__descriptor *items = cz_realloc(list->items, cap * sizeof *items);
        if (!items)
            return CZ_ENOMEM;
        list->items = items;
        list->cap = cap;
    }
    struct cz__descriptor *item = &list->items[list->count++];
    item->fd = fd;
    memcpy(item->name, name, strlen(name) + 1);
    return CZ_OK;
}

int cz__descriptors_find(const struct cz__descriptors *list, const char *name)
{
    const struct cz__descriptor *item = find(list, name);
    return item ? item->fd : -1;
}

int cz__descriptors_take(struct cz__descriptors *list, const char *name)
{
    struct cz__descriptor *item = find(list, name);
    if (!item)
        return -1;
    int fd = item->fd;
    *item = list->items[--list->count];
    return fd;
}

void cz__descriptors_close(struct cz__descriptors *list, const char *but)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (but && !strncmp(list->items[i].name, but, strlen(but)))
            list->items[kept++] = list->items[i];
        else
            close(list->items[i].fd);
    list->count = kept;
    if (kept)
        return;
    cz_free(list->items);
    *list = (struct cz__descriptors){ 0 };
}

/* ---- over exec ---- */

cz_status cz__descriptors_pass(const struct cz__descriptors *list, const char *variable)
{
    cz_buf text = { 0 };
    cz_status status = CZ_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        char line[CZ__DESCRIPTOR_NAME + 16];
        cz_ignore(snprintf(line, sizeof line, "%d %s\n", list->items[i].fd, list->items[i].name));
        cz_buf_append_str(&text, cz_str_from(line));
        if (fcntl(list->items[i].fd, F_SETFD, 0))
            status = CZ_EIO;
    }
    cz_buf_append_char(&text, '\0');
    if (!status)
        status = cz_buf_status(&text);
    if (!status && setenv(variable, text.ptr, 1))
        status = CZ_ENOMEM;
    cz_buf_done(&text);
    return status;
}

static cz_status receive_line(struct cz__descriptors *list, cz_str line)
{
    uint64_t number;
    char name[CZ__DESCRIPTOR_NAME];
    cz_str first = cz_str_cut(&line, ' ');
    if (cz_str_to_u64(first, &number) || number > INT32_MAX || line.len >= sizeof name ||
        fcntl((int)number, F_SETFD, FD_CLOEXEC))
        return CZ_EVALIDATION;
    memcpy(name, line.ptr, line.len);
    name[line.len] = '\0';
    cz_status status = cz__descriptors_add(list, name, (int)number);
    return status == CZ_EINVAL ? CZ_EVALIDATION : status;
}

cz_status cz__descriptors_receive(struct cz__descriptors *list, const char *variable, cz_error *err)
{
    const char *text = getenv(variable);
    cz_str rest = cz_str_from(text ? text : "");
    cz_status status = CZ_OK;
    while (rest.len && !status) {
        cz_str line = cz_str_cut(&rest, '\n');
        status = receive_line(list, line);
        if (status)
            cz_error_set(err, status, "%s: \"%.*s\" names no descriptor that is open", variable,
                         CZ_STR_ARG(line));
    }
    unsetenv(variable);
    return status;
}
