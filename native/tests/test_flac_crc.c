/* FLAC's CRC-16 on buffers of exact size: bit by bit, in one run and in two. */
#include "../flac_crc.h"
#include "check.h"

static uint16_t slow_crc(const uint8_t *data, size_t size) {
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u ? crc << 1 ^ 0x8005u : crc << 1) & 0xFFFFu;
    }
    return (uint16_t)crc;
}

static void test_every_size(void) {
    for (size_t size = 0; size < 70; size++) {
        uint8_t *data = exact(NULL, size);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)dice();
        CHECK(talas_flac_crc16(0, data, size) == slow_crc(data, size));
        for (size_t cut = 0; cut <= size; cut++) {
            uint16_t first = talas_flac_crc16(0, data, cut);
            CHECK(talas_flac_crc16(first, data + cut, size - cut) == slow_crc(data, size));
        }
        free(data);
    }
}

static void test_its_own_sum_leaves_nothing(void) {
    uint8_t data[102];
    for (size_t i = 0; i < 100; i++)
        data[i] = (uint8_t)dice();
    uint16_t crc = slow_crc(data, 100);
    data[100] = (uint8_t)(crc >> 8);
    data[101] = (uint8_t)crc;
    CHECK(talas_flac_crc16(0, data, 102) == 0);
}

int main(void) {
    talas_flac_prepare();
    test_every_size();
    test_its_own_sum_leaves_nothing();
    return failures != 0;
}
