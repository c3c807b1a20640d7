#include "aac_transform.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define LINES TALAS_AAC_LINES
#define SHORT TALAS_AAC_SHORT
#define FLAT 448 /* samples before and after the slope of a short window in a long one */
#define PI 3.14159265358979323846

/* Sizes of the complex transform inside, a half of the lines. */
#define LARGE (LINES / 2)
#define SMALL (SHORT / 2)

static float long_slope[LINES], short_slope[SHORT];
/* e^(-i pi (8n + 1) / 8M), cosine and sine; for the many, then for the few lines. */
static float twist[2][2][LARGE];
/* e^(-2 i pi n / LARGE), three quarters of the circle. */
static float circle[2][LARGE];

/* The modified Bessel function of the first kind and order 0. */
static double bessel(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 60; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static void slope(float *out, size_t size, double alpha) {
    double total = 0, sum = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        sum = 0;
        for (size_t i = 0; i <= size; i++) {
            const double at = 2.0 * (double)i / (double)size - 1;
            sum += bessel(PI * alpha * sqrt(1 - at * at));
            if (pass == 1 && i < size)
                out[i] = (float)sqrt(sum / total);
        }
        total = sum;
    }
}

static void twists(float out[2][LARGE], size_t lines) {
    for (size_t n = 0; n < lines / 2; n++) {
        const double angle = -PI * (8.0 * (double)n + 1) / (8.0 * (double)lines);
        out[0][n] = (float)cos(angle);
        out[1][n] = (float)sin(angle);
    }
}

void talas_aac_transform_prepare(void) {
    slope(long_slope, LINES, 4);
    slope(short_slope, SHORT, 6);
    twists(twist[0], LINES);
    twists(twist[1], SHORT);
    for (size_t n = 0; n < LARGE; n++) {
        circle[0][n] = (float)cos(-2 * PI * (double)n / LARGE);
        circle[1][n] = (float)sin(-2 * PI * (double)n / LARGE);
    }
}

/* One pass of radix 4 over `size` points that stand `stride` apart: in order in, in order out. */
static void quarter(size_t size, size_t stride, const float *restrict xr, const float *restrict xi,
                    float *restrict yr, float *restrict yi) {
    const size_t part = size / 4, jump = stride * part, step = LARGE / size;
    for (size_t p = 0; p < part; p++) {
        const size_t turn = p * step;
        const float c1 = circle[0][turn], s1 = circle[1][turn];
        const float c2 = circle[0][2 * turn], s2 = circle[1][2 * turn];
        const float c3 = circle[0][3 * turn], s3 = circle[1][3 * turn];
        const float *ar = xr + stride * p, *ai = xi + stride * p;
        float *br = yr + stride * 4 * p, *bi = yi + stride * 4 * p;
        for (size_t q = 0; q < stride; q++) {
            const float r0 = ar[q] + ar[q + 2 * jump], i0 = ai[q] + ai[q + 2 * jump];
            const float r1 = ar[q] - ar[q + 2 * jump], i1 = ai[q] - ai[q + 2 * jump];
            const float r2 = ar[q + jump] + ar[q + 3 * jump], i2 = ai[q + jump] + ai[q + 3 * jump];
            const float r3 = ar[q + jump] - ar[q + 3 * jump], i3 = ai[q + jump] - ai[q + 3 * jump];
            const float t1r = r1 + i3, t1i = i1 - r3, t3r = r1 - i3, t3i = i1 + r3;
            const float t2r = r0 - r2, t2i = i0 - i2;
            br[q] = r0 + r2;
            bi[q] = i0 + i2;
            br[q + stride] = t1r * c1 - t1i * s1;
            bi[q + stride] = t1r * s1 + t1i * c1;
            br[q + 2 * stride] = t2r * c2 - t2i * s2;
            bi[q + 2 * stride] = t2r * s2 + t2i * c2;
            br[q + 3 * stride] = t3r * c3 - t3i * s3;
            bi[q + 3 * stride] = t3r * s3 + t3i * c3;
        }
    }
}

/* The last pass, of two points `stride` apart. */
static void half(size_t stride, const float *restrict xr, const float *restrict xi,
                 float *restrict yr, float *restrict yi) {
    for (size_t q = 0; q < stride; q++) {
        yr[q] = xr[q] + xr[q + stride];
        yi[q] = xi[q] + xi[q + stride];
        yr[q + stride] = xr[q] - xr[q + stride];
        yi[q + stride] = xi[q] - xi[q + stride];
    }
}

/* The complex Fourier transform of `size` points (512, or 64), from `a` and back into it; `b` is
 * room. */
static void fourier(size_t size, float a[2][LARGE], float b[2][LARGE]) {
    float(*from)[LARGE] = a, (*to)[LARGE] = b;
    size_t left = size, stride = 1;
    for (; left >= 4; left /= 4, stride *= 4) {
        quarter(left, stride, from[0], from[1], to[0], to[1]);
        float(*swap)[LARGE] = from;
        from = to;
        to = swap;
    }
    if (left == 2) {
        half(stride, from[0], from[1], to[0], to[1]);
        from = to;
    }
    if (from != a)
        memcpy(a, from, 2 * LARGE * sizeof(float));
}

/* DCT-IV, times two, of `lines` folded samples. */
static void cosine(size_t lines, const float *restrict folded, float *restrict out) {
    float(*turn)[LARGE] = twist[lines == SHORT];
    const size_t points = lines / 2;
    float a[2][LARGE], b[2][LARGE];
    for (size_t n = 0; n < points; n++) {
        const float re = folded[2 * n], im = folded[lines - 1 - 2 * n];
        a[0][n] = re * turn[0][n] - im * turn[1][n];
        a[1][n] = re * turn[1][n] + im * turn[0][n];
    }
    fourier(points, a, b);
    const float scale = 2 * 32768;
    for (size_t n = 0; n < points; n++) {
        out[2 * n] = scale * (a[0][n] * turn[0][n] - a[1][n] * turn[1][n]);
        out[lines - 1 - 2 * n] = -scale * (a[0][n] * turn[1][n] + a[1][n] * turn[0][n]);
    }
}

/* Window `2 * lines` samples by a rising and a falling slope, and fold them upon themselves. */
static void fold(size_t lines, const float *restrict z, const float *restrict rise,
                 const float *restrict fall, float *restrict folded) {
    const size_t h = lines / 2;
    for (size_t n = 0; n < h; n++) {
        folded[n] = -z[3 * h - 1 - n] * fall[h + n] - z[3 * h + n] * fall[h - 1 - n];
        folded[h + n] = z[n] * rise[n] - z[2 * h - 1 - n] * rise[2 * h - 1 - n];
    }
}

/* A long slope, rising, that is a short one between nothing and all. */
static void steep(float *out) {
    memset(out, 0, FLAT * sizeof *out);
    memcpy(out + FLAT, short_slope, sizeof short_slope);
    for (size_t i = FLAT + SHORT; i < LINES; i++)
        out[i] = 1;
}

void talas_aac_transform(enum talas_aac_sequence sequence, const float *samples, float *lines) {
    float folded[LINES], rise[LINES];
    if (sequence == TALAS_AAC_EIGHT) {
        for (size_t w = 0; w < 8; w++) {
            fold(SHORT, samples + FLAT + w * SHORT, short_slope, short_slope, folded);
            cosine(SHORT, folded, lines + w * SHORT);
        }
        return;
    }
    if (sequence != TALAS_AAC_LONG)
        steep(rise);
    fold(LINES, samples, sequence == TALAS_AAC_STOP ? rise : long_slope,
         sequence == TALAS_AAC_START ? rise : long_slope, folded);
    cosine(LINES, folded, lines);
}
