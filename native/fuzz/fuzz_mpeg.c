/* Any bytes as an MPEG audio stream. */
#include "../mpeg_frames.h"
#include "scan_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return scan_target(&talas_mpeg, data, size);
}
