/* ICY interleaving into buffers of exact size: every small shape, and senseless requests. */
#include "../icy.h"
#include "check.h"

/* What should come out, byte by byte. */
static size_t expected(const struct talas_icy *icy, uint8_t *out) {
    size_t size = 0, since = icy->position, blocks = 0;
    for (size_t i = 0; i < icy->audio_size; i++) {
        out[size++] = icy->audio[i];
        if (++since < icy->interval)
            continue;
        since = 0;
        if (blocks++ == 0) {
            memcpy(out + size, icy->block, icy->block_size);
            size += icy->block_size;
        } else {
            out[size++] = 0;
        }
    }
    return size;
}

static void test_shapes(void) {
    static const uint8_t text[17] = {1, 'S', 't', 'r', 'e', 'a', 'm'};
    for (size_t audio_size = 0; audio_size < 20; audio_size++)
        for (size_t interval = 1; interval < 8; interval++)
            for (size_t position = 0; position < interval; position++)
                for (size_t block_size = 1; block_size <= 17; block_size += 16) {
                    uint8_t *audio = exact(NULL, audio_size);
                    uint8_t *block = exact(text, block_size);
                    block[0] = block_size > 1;
                    for (size_t i = 0; i < audio_size; i++)
                        audio[i] = (uint8_t)(100 + i);
                    struct talas_icy icy = {audio, audio_size, interval,
                                            position, block, block_size};
                    uint8_t should[64];
                    size_t size = 0, want = expected(&icy, should);
                    CHECK(talas_icy_size(&icy, &size) == TALAS_OK && size == want);
                    uint8_t *out = exact(NULL, size);
                    talas_icy_write(&icy, out);
                    CHECK(memcmp(out, should, want) == 0);
                    free(out);
                    free(block);
                    free(audio);
                }
}

static void test_refusals(void) {
    static const uint8_t zero[2] = {0, 0};
    size_t size = 0;
    struct talas_icy icy = {zero, 1, 0, 0, zero, 1};
    CHECK(talas_icy_size(&icy, &size) == TALAS_BAD_INTERVAL);
    icy.interval = icy.position = 4;
    CHECK(talas_icy_size(&icy, &size) == TALAS_BAD_POSITION);
    icy.position = 0;
    icy.block_size = 0;
    CHECK(talas_icy_size(&icy, &size) == TALAS_BAD_BLOCK);
    icy.block_size = 2;
    CHECK(talas_icy_size(&icy, &size) == TALAS_BAD_BLOCK);
    icy.block_size = icy.interval = 1;
    icy.audio_size = PTRDIFF_MAX / 2 + 2;
    CHECK(talas_icy_size(&icy, &size) == TALAS_TOO_LARGE);
    icy.interval = SIZE_MAX;
    CHECK(talas_icy_size(&icy, &size) == TALAS_OK && size == icy.audio_size);
}

int main(void) {
    test_shapes();
    test_refusals();
    return failures != 0;
}
