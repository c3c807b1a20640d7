/* Any bytes as a run to sum: bit by bit, at once and in two parts the sum is the same.
 *
 * The first two bytes of an input say where it is cut in two.
 */
#include "../flac_crc.h"
#include "fuzz.h"

static uint16_t by_bits(const uint8_t *data, size_t size) {
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u ? crc << 1 ^ 0x8005u : crc << 1) & 0xFFFFu;
    }
    return (uint16_t)crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    talas_flac_prepare();
    size_t cut = ((size_t)data[0] << 8 | data[1]) % (size - 1);
    size -= 2;
    uint8_t *first = exact(data + 2, cut), *second = exact(data + 2 + cut, size - cut);
    uint16_t told = by_bits(data + 2, size);
    DEMAND(talas_flac_crc16(0, data + 2, size) == told);
    DEMAND(talas_flac_crc16(talas_flac_crc16(0, first, cut), second, size - cut) == told);
    free(first);
    free(second);
    return 0;
}
