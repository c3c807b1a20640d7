#include "samples.h"

#include <math.h>
#include <string.h>

void talas_int16_to_float(const int16_t *in, float *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = (float)in[i] * (1.0f / 32768.0f);
}

void talas_limit(const uint8_t *in, float *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float x;
        memcpy(&x, in + i * sizeof x, sizeof x);
        x = x == x ? x : 0.0f;
        x = x > -1.0f ? x : -1.0f;
        out[i] = x < 1.0f ? x : 1.0f;
    }
}

void talas_float_to_int16(const float *in, int16_t *out, size_t count) {
    /* 1.5 * 2^23: adding it to a number this small leaves no bits for a fraction, so the sum is
     * rounded to the even neighbour; taking it away again leaves the rounded number. Unlike rintf()
     * this becomes vector code. */
    const float magic = 12582912.0f;
    for (size_t i = 0; i < count; i++) {
        float x = in[i] * 32768.0f;
        x = x == x ? x : 0.0f;
        x = x > -32768.0f ? x : -32768.0f;
        x = x < 32767.0f ? x : 32767.0f;
        out[i] = (int16_t)((x + magic) - magic);
    }
}

enum talas_status talas_gain_ramp(const float *in, float *out, size_t count, double start,
                                  double end) {
    if (!(fabs(start) <= TALAS_MAX_GAIN && fabs(end) <= TALAS_MAX_GAIN))
        return TALAS_BAD_GAIN;
    double step = count > 0 ? (end - start) / (double)count : 0.0;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)((double)in[i] * (start + (double)i * step));
    return TALAS_OK;
}
