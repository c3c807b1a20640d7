/* One buffer to many sockets.
 *
 * Does:        offer the same bytes to each socket once, and tell of each that did not take all.
 * Never:       waits, raises SIGPIPE, closes a socket or tries one twice.
 * Guarantees:  a socket that is not told of has taken the whole buffer. What became of it is for
 *              the caller to find out: an error is told like bytes, as a negative number.
 *
 * Danger: a number names whatever is open under it now. The caller must not hold one of a socket
 * that has been closed: the next connection has the same.
 *
 * The twin, which defines what is right, is in talas_stream/batch.py.
 */
#ifndef TALAS_BATCH_SEND_H
#define TALAS_BATCH_SEND_H

#include <stddef.h>
#include <stdint.h>

struct talas_short {
    size_t at;     /* which of the sockets */
    int64_t taken; /* bytes it took, or minus the errno */
};

/* Send to `sockets` from `*position` on, until all are done or `capacity` are to be told of. Moves
 * `*position` past those done; returns how many of `shorts` were filled. */
size_t talas_batch_send(const uint8_t *data, size_t size, const int *sockets, size_t count,
                        size_t *position, struct talas_short *shorts, size_t capacity);

#endif
