/* runtime/generation_internal.h: what the keeper and a generation share. */
#ifndef CZ_RUNTIME_GENERATION_INTERNAL_H
#define CZ_RUNTIME_GENERATION_INTERNAL_H

#include "runtime/generation.h"

#define CZ__GENERATION_VARIABLE "CZ_GENERATION"
#define CZ__INHERITED_VARIABLE "CZ_INHERITED_FDS"
#define CZ__ACTIVATED                                                                              \
    "fd:" /* with this begin the names of sockets of a service manager, which no generation closes */

enum { CZ__MESSAGE_BYTES = CZ__DESCRIPTOR_NAME + 16 };

/* Send a message, with a descriptor unless it is -1; waits for room. Errors: CZ_EIO: the other side is gone. */
CZ_NODISCARD cz_status cz__channel_send(int channel_fd, const char *text, int fd);
/* 1: a message, with a descriptor that is the caller's or -1; 0: none now; -1: the other side is gone. */
int cz__channel_receive(int channel_fd, char text[CZ__MESSAGE_BYTES], int *out_fd);

#endif
