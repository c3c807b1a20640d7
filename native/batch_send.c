#define _GNU_SOURCE
#include "batch_send.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

static int64_t offer(int socket, const uint8_t *data, size_t size) {
    ssize_t taken;
    do
        taken = send(socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (taken < 0 && errno == EINTR);
    return taken < 0 ? -(int64_t)errno : (int64_t)taken;
}

size_t talas_batch_send(const uint8_t *data, size_t size, const int *sockets, size_t count,
                        size_t *position, struct talas_short *shorts, size_t capacity) {
    size_t found = 0, at = *position;
    for (; at < count && found < capacity; at++) {
        int64_t taken = offer(sockets[at], data, size);
        if (taken != (int64_t)size)
            shorts[found++] = (struct talas_short){at, taken};
    }
    *position = at;
    return found;
}
