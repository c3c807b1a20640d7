/* Sample kernels on buffers of exact size: every integer, limits, halves, and odd counts. */
#include <math.h>

#include "../samples.h"
#include "check.h"

static void test_every_integer(void) {
    int16_t *in = (int16_t *)(void *)exact(NULL, 65536 * sizeof *in);
    int16_t *back = (int16_t *)(void *)exact(NULL, 65536 * sizeof *back);
    float *floats = (float *)(void *)exact(NULL, 65536 * sizeof *floats);
    for (int i = 0; i < 65536; i++)
        in[i] = (int16_t)(i - 32768);
    talas_int16_to_float(in, floats, 65536);
    CHECK(floats[0] == -1.0f && floats[32768] == 0.0f);
    talas_float_to_int16(floats, back, 65536);
    CHECK(memcmp(in, back, 65536 * sizeof *in) == 0);
    free(in);
    free(back);
    free(floats);
}

static void test_limits(void) {
    const float in[] = {2, -2, INFINITY, -INFINITY, NAN, 3e38f, 1, 0.5f / 32768, 1.5f / 32768};
    const int16_t out[] = {32767, -32768, 32767, -32768, 0, 32767, 32767, 0, 2};
    int16_t got[9];
    talas_float_to_int16(in, got, 9);
    CHECK(memcmp(got, out, sizeof out) == 0);
}

static void test_limiting(void) {
    const float in[] = {2, -2, INFINITY, -INFINITY, NAN, 3e38f, 1, -1, 0.25f};
    const float out[] = {1, -1, 1, -1, 0, 1, 1, -1, 0.25f};
    for (size_t count = 0; count <= 9; count++) {
        /* One byte before the samples, so that they lie at odd addresses. */
        uint8_t *odd = exact(NULL, count * sizeof *in + 1);
        float *got = (float *)(void *)exact(NULL, count * sizeof *got);
        memcpy(odd + 1, in, count * sizeof *in);
        talas_limit(odd + 1, got, count);
        CHECK(memcmp(got, out, count * sizeof *got) == 0);
        free(odd);
        free(got);
    }
}

static void test_counts(void) {
    for (size_t count = 0; count < 40; count++) {
        float *in = (float *)(void *)exact(NULL, count * sizeof *in);
        float *out = (float *)(void *)exact(NULL, count * sizeof *out);
        int16_t *integers = (int16_t *)(void *)exact(NULL, count * sizeof *integers);
        for (size_t i = 0; i < count; i++)
            in[i] = 0.5f;
        CHECK(talas_gain_ramp(in, out, count, 1.0, 0.0) == TALAS_OK);
        for (size_t i = 0; i < count; i++)
            CHECK(fabs((double)out[i] - 0.5 * (1.0 - (double)i / (double)count)) < 1e-6);
        talas_float_to_int16(out, integers, count);
        CHECK(count == 0 || integers[0] == 16384);
        talas_int16_to_float(integers, out, count);
        CHECK(count == 0 || out[0] == 0.5f);
        free(in);
        free(out);
        free(integers);
    }
}

static void test_gains(void) {
    const double bad[] = {NAN, INFINITY, -INFINITY, 1000.5, -1000.5};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(talas_gain_ramp(NULL, NULL, 0, bad[i], 1.0) == TALAS_BAD_GAIN);
        CHECK(talas_gain_ramp(NULL, NULL, 0, 1.0, bad[i]) == TALAS_BAD_GAIN);
    }
    CHECK(talas_gain_ramp(NULL, NULL, 0, -1000.0, 1000.0) == TALAS_OK);
}

int main(void) {
    test_every_integer();
    test_limits();
    test_limiting();
    test_counts();
    test_gains();
    return failures != 0;
}
