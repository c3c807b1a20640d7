/* Interleaving ICY metadata blocks with audio.
 *
 * Does:        put a block after every `interval` bytes of audio: `block` at the first such place,
 *              an empty one at the others.
 * Never:       allocates; writes more than the size it told.
 *
 * The twin, which defines what is right, is talas_stream/wire/icy.py.
 */
#ifndef TALAS_ICY_H
#define TALAS_ICY_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct talas_icy {
    const uint8_t *audio;
    size_t audio_size;
    size_t interval; /* audio bytes between two blocks */
    size_t position; /* audio bytes sent since the last block, less than interval */
    const uint8_t *block;
    size_t block_size; /* 1 + 16 * block[0] */
};

/* Check the request and tell how many bytes `talas_icy_write` will write. */
enum talas_status talas_icy_size(const struct talas_icy *icy, size_t *size);

/* Write what a checked request asks for. */
void talas_icy_write(const struct talas_icy *icy, uint8_t *out);

#endif
