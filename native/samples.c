#include "samples.h"

#include <string.h>

void talas_limit(const uint8_t *in, float *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float x;
        memcpy(&x, in + i * sizeof x, sizeof x);
        x = x == x ? x : 0.0f;
        x = x > -1.0f ? x : -1.0f;
        out[i] = x < 1.0f ? x : 1.0f;
    }
}
