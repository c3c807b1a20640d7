#include "flac_crc.h"

/* tables[k][b]: what byte b does to the CRC when k more bytes follow it. */
static uint16_t tables[8][256];

void talas_flac_prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000u ? crc << 1 ^ 0x8005u : crc << 1;
        tables[0][byte] = (uint16_t)crc;
    }
    for (size_t k = 1; k < 8; k++)
        for (size_t byte = 0; byte < 256; byte++) {
            uint16_t before = tables[k - 1][byte];
            tables[k][byte] = (uint16_t)(before << 8 ^ tables[0][before >> 8]);
        }
}

uint16_t talas_flac_crc16(uint16_t crc, const uint8_t *data, size_t size) {
    for (; size >= 8; size -= 8, data += 8)
        crc = (uint16_t)(tables[7][data[0] ^ crc >> 8] ^ tables[6][data[1] ^ (crc & 255)] ^
                         tables[5][data[2]] ^ tables[4][data[3]] ^ tables[3][data[4]] ^
                         tables[2][data[5]] ^ tables[1][data[6]] ^ tables[0][data[7]]);
    for (; size > 0; size--, data++)
        crc = (uint16_t)(crc << 8 ^ tables[0][crc >> 8 ^ *data]);
    return crc;
}
