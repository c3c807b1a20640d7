#include "adts_frames.h"

static size_t frame_bytes(const uint8_t *p) {
    if (p[0] != 0xff || (p[1] & 0xf6) != 0xf0 || (p[2] >> 2 & 0x0f) > 12)
        return 0;
    size_t length = (size_t)(p[3] & 3) << 11 | (size_t)p[4] << 3 | p[5] >> 5;
    size_t header = (p[1] & 1) ? 7 : 9;
    return length > header ? length : 0;
}

/* The sync word, layer, profile, rate and channels stay; whether a CRC follows, and the marks of
 * origin, may not. */
const struct talas_grammar talas_adts = {
    .header_bytes = 7,
    .kind = 0xfffefdc0,
    .frame_bytes = frame_bytes,
    .is_note = 0,
};
