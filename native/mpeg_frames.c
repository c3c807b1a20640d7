#include "mpeg_frames.h"

#include <string.h>

/* kbit/s by row (MPEG-1 layers I, II, III; then MPEG-2 and 2.5 layer I, layers II and III) and
 * index. Index 0, "free format", gives no length, and 15 is forbidden. */
static const uint16_t bitrates[5][16] = {
    {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
};

/* Hz by version bits (0 = 2.5, 1 = reserved, 2 = MPEG-2, 3 = MPEG-1) and index. */
static const uint16_t rates[4][4] = {
    {11025, 12000, 8000, 0},
    {0, 0, 0, 0},
    {22050, 24000, 16000, 0},
    {44100, 48000, 32000, 0},
};

static size_t frame_bytes(const uint8_t *p) {
    if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || (p[3] & 0x03) == 0x02)
        return 0;
    unsigned version = p[1] >> 3 & 3, layer = 4 - (p[1] >> 1 & 3); /* layer 4 is the reserved one */
    uint32_t rate = rates[version][p[2] >> 2 & 3];
    if (rate == 0 || layer == 4)
        return 0;
    unsigned row = version == 3 ? layer - 1 : (layer == 1 ? 3 : 4);
    uint32_t bitrate = bitrates[row][p[2] >> 4] * 1000u, padding = p[2] >> 1 & 1;
    if (bitrate == 0)
        return 0;
    if (layer == 1)
        return (size_t)(12 * bitrate / rate + padding) * 4;
    uint32_t slots = layer == 3 && version != 3 ? 72 : 144;
    return (size_t)(slots * bitrate / rate + padding);
}

/* The first frame of an encoded file often holds a Xing, Info (LAME) or VBRI table where the audio
 * should be. */
static bool is_note(const uint8_t *frame, size_t size) {
    if ((frame[1] >> 1 & 3) != 1)
        return false;
    bool first_version = (frame[1] >> 3 & 3) == 3, mono = frame[3] >> 6 == 3;
    size_t table = first_version ? (mono ? 21 : 36) : (mono ? 13 : 21);
    if (size >= table + 4 && memcmp(frame + table, "Xing", 4) == 0)
        return true;
    if (size >= table + 4 && memcmp(frame + table, "Info", 4) == 0)
        return true;
    return size >= 40 && memcmp(frame + 36, "VBRI", 4) == 0;
}

/* Within one stream the sync word, version, layer and rate stay, and so does the upper bit of the
 * channel mode: an encoder changes freely between stereo (00) and joint stereo (01), not between
 * these and mono (11). */
const struct talas_grammar talas_mpeg = {
    .header_bytes = 4,
    .kind = 0xfffe0c80,
    .frame_bytes = frame_bytes,
    .is_note = is_note,
};
