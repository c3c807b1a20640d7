/* Any bytes as a request to interleave: refused by name, or written in exactly the size that was
 * told, with the audio whole and a block after every interval.
 *
 * Input: the interval and the position in two bytes each, the block's size in two, then block and
 * audio.
 */
#include "../icy.h"
#include "fuzz.h"

static size_t number(const uint8_t *p) {
    return (size_t)p[0] << 8 | p[1];
}

/* The audio in `out` is that of the request, and the blocks are where they belong. */
static void check(const struct talas_icy *icy, const uint8_t *out, size_t size) {
    size_t at = 0, since = icy->position, blocks = 0;
    for (size_t i = 0; i < icy->audio_size; i++) {
        DEMAND(at < size && out[at] == icy->audio[i]);
        at++;
        if (++since < icy->interval)
            continue;
        since = 0;
        size_t block = blocks++ == 0 ? icy->block_size : 1;
        DEMAND(block <= size - at);
        DEMAND(block == 1 ? out[at] == (blocks == 1 ? icy->block[0] : 0)
                          : memcmp(out + at, icy->block, block) == 0);
        at += block;
    }
    DEMAND(at == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 6)
        return 0;
    size_t block_size = number(data + 4) % (size - 5);
    size_t audio_size = size - 6 - block_size;
    uint8_t *block = exact(data + 6, block_size);
    uint8_t *audio = exact(data + 6 + block_size, audio_size);
    struct talas_icy icy = {audio, audio_size, number(data), number(data + 2), block, block_size};
    size_t told = 0;
    /* Few inputs are a whole request by chance: at the second look the block is put right. */
    for (int look = 0; look < 2; look++) {
        if (talas_icy_size(&icy, &told) == TALAS_OK) {
            uint8_t *out = malloc(told > 0 ? told : 1);
            DEMAND(out != NULL);
            talas_icy_write(&icy, out);
            check(&icy, out, told);
            free(out);
        } else {
            DEMAND(icy.interval == 0 || icy.position >= icy.interval || block_size == 0 ||
                   block_size != 1 + (size_t)block[0] * 16);
        }
        if (block_size > 0)
            icy.block_size = 1 + (block_size - 1) / 16 * 16;
        if (block_size > 0 && icy.block_size <= 1 + 255 * 16)
            block[0] = (uint8_t)((icy.block_size - 1) / 16);
        block_size = icy.block_size;
    }
    free(block);
    free(audio);
    return 0;
}
