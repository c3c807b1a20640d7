#include "icy.h"

#include <string.h>

enum talas_status talas_icy_size(const struct talas_icy *icy, size_t *size) {
    if (icy->interval == 0)
        return TALAS_BAD_INTERVAL;
    if (icy->position >= icy->interval)
        return TALAS_BAD_POSITION;
    if (icy->block_size == 0 || icy->block_size != 1 + (size_t)icy->block[0] * 16)
        return TALAS_BAD_BLOCK;
    /* Bytes before the first boundary, then whole intervals: no sum that could overflow. */
    size_t first = icy->interval - icy->position, blocks = 0;
    if (icy->audio_size >= first)
        blocks = 1 + (icy->audio_size - first) / icy->interval;
    size_t extra = blocks == 0 ? 0 : icy->block_size + blocks - 1;
    if (extra > PTRDIFF_MAX - icy->audio_size)
        return TALAS_TOO_LARGE;
    *size = icy->audio_size + extra;
    return TALAS_OK;
}

void talas_icy_write(const struct talas_icy *icy, uint8_t *out) {
    const uint8_t *audio = icy->audio;
    size_t left = icy->audio_size, due = icy->interval - icy->position;
    const uint8_t *block = icy->block;
    size_t block_size = icy->block_size;
    static const uint8_t empty[1] = {0};
    while (left >= due) {
        memcpy(out, audio, due);
        memcpy(out + due, block, block_size);
        out += due + block_size;
        audio += due;
        left -= due;
        due = icy->interval;
        block = empty;
        block_size = sizeof empty;
    }
    if (left > 0)
        memcpy(out, audio, left);
}
