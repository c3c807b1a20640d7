/* Any bytes as a stream of ADTS frames. */
#include "../adts_frames.h"
#include "scan_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return scan_target(&talas_adts, data, size);
}
