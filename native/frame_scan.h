/* Whole frames in a stream of bytes, for any codec whose frames begin with a header that tells
 * their length.
 *
 * Does:        lock where one header leads to a second of the same kind; then report each frame,
 *              losing only damaged ones; step over ID3v2 tags by their size, also in mid-stream.
 * Never:       copies, allocates, keeps a pointer, or reads outside [data, data + size).
 * Guarantees:  the answer does not depend on how the stream was cut into buffers; every byte is
 *              passed over a bounded number of times.
 *
 * The twin, which defines what is right, is talas_stream/wire/framing.py.
 */
#ifndef TALAS_FRAME_SCAN_H
#define TALAS_FRAME_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct talas_grammar {
    size_t header_bytes;
    uint32_t kind; /* the bits of a header's first four bytes that stay within one stream */
    /* Length of the frame whose header_bytes stand at `header`; 0 when they are no header. */
    size_t (*frame_bytes)(const uint8_t *header);
    /* Whether a whole frame carries notes about the file and no audio. */
    bool (*is_note)(const uint8_t *frame, size_t size);
};

struct talas_span {
    size_t start;
    size_t size;
};

/* Where a scan stands. `position` may end up past the data: what follows belongs to a tag, too. */
struct talas_scan {
    size_t position;
    size_t garbage;
    uint32_t reference; /* what the locked stream's headers look like; 0 while not locked */
    bool prompt;        /* a frame in step that ends where the data does is waited for no longer */
    bool hurried;       /* there was one: the data is scanned to its end as if it were final */
};

/* Fill `spans` with the next audio frames and move `scan` behind them. Fewer than `capacity` were
 * found only when the data is used up; `final` says that no more will come. */
size_t talas_scan_frames(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                         bool final, struct talas_scan *scan, struct talas_span *spans,
                         size_t capacity);

#endif
