/* The sample kernel on buffers of exact size: limits, what is no number, and odd addresses. */
#include <math.h>

#include "../samples.h"
#include "check.h"

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

int main(void) {
    test_limiting();
    return failures != 0;
}
