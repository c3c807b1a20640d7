/* Any bytes as sound for the AAC encoder: every block gives a frame that begins as one, fits, and
 * keeps the rate within the reservoir.
 *
 * Input: the bit rate in one byte, how to read the rest in another (samples as they lie in memory,
 * whatever number that is, or 16-bit ones at a level), then the sound of both channels.
 */
#include "../aac_encoder.h"
#include "fuzz.h"

#define MOST_BLOCKS 24

static float sample(const uint8_t *data, size_t size, size_t at, uint8_t how) {
    float value;
    if (how & 1) {
        const uint8_t bits[4] = {data[4 * at % size], data[(4 * at + 1) % size],
                                 data[(4 * at + 2) % size], data[(4 * at + 3) % size]};
        memcpy(&value, bits, sizeof value);
        return value;
    }
    const int number = data[2 * at % size] << 8 | data[(2 * at + 1) % size];
    return (float)(number - 32768) / 32768 / (float)(1 << (how >> 1 & 15));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct talas_aac_encoder encoder;
    if (size < 3)
        return 0;
    talas_aac_prepare();
    const int bit_rate = TALAS_AAC_LEAST_RATE + data[0] * 1850;
    DEMAND(talas_aac_open(&encoder, bit_rate) == TALAS_OK);
    const size_t blocks = 2 + size / 2048 < MOST_BLOCKS ? 2 + size / 2048 : MOST_BLOCKS;
    float *left = malloc(TALAS_AAC_LINES * sizeof *left);
    float *right = malloc(TALAS_AAC_LINES * sizeof *right);
    uint8_t *out = malloc(TALAS_AAC_MOST_BYTES);
    DEMAND(left && right && out);
    const double usual = bit_rate * 1024 / 48000.0;
    double bits = 0;
    for (size_t n = 0; n < blocks; n++) {
        for (size_t i = 0; i < TALAS_AAC_LINES; i++) {
            left[i] = sample(data + 2, size - 2, n * TALAS_AAC_LINES + i, data[1]);
            right[i] = sample(data + 2, size - 2, 2 * n * TALAS_AAC_LINES + i, data[1]);
        }
        const size_t bytes = talas_aac_encode(&encoder, left, right, out);
        DEMAND((bytes > 0) == (n > 0) && bytes <= TALAS_AAC_MOST_BYTES);
        DEMAND(n == 0 || out[0] >> 5 == 1);
        /* At first half of the reservoir is full, and it holds three frames. */
        bits += n > 0 ? 8.0 * (double)bytes - usual : 0;
        DEMAND(bits <= 1.5 * usual + 8 && bits >= -1.5 * usual - 64);
    }
    free(left);
    free(right);
    free(out);
    return 0;
}
