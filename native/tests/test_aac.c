/* The AAC encoder and its parts on buffers of exact size: complete codes, a transform that is the
 * formula, and valid frames of the right size from any samples. What decoders make of them is asked
 * in tests/talas_stream/codec/stages/test_aac.py. */
#include <math.h>

#include "../aac_books.h"
#include "../aac_codes.h"
#include "../aac_coding.h"
#include "../aac_encoder.h"
#include "../aac_frame.h"
#include "../aac_hearing.h"
#include "../aac_rate.h"
#include "../aac_shape.h"
#include "../aac_transform.h"
#include "check.h"

#define PI 3.14159265358979323846

static float random_sample(void) {
    return (float)(dice() % 65536) / 32768.0f - 1;
}

/* Every code is as long as it says, none begins another, and together they are all there are. */
static void check_codes(const uint32_t *codes, size_t count) {
    double share = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t length = codes[i] & 31, code = codes[i] >> 5;
        CHECK(length > 0 && code < 1u << length);
        share += pow(2, -(double)length);
        for (size_t j = 0; j < i; j++) {
            const uint32_t other = codes[j] & 31;
            const uint32_t shorter = length < other ? length : other;
            CHECK(code >> (length - shorter) != codes[j] >> 5 >> (other - shorter));
        }
    }
    CHECK(fabs(share - 1) < 1e-9);
}

static void test_codes_are_complete(void) {
    static const size_t sizes[12] = {0, 81, 81, 81, 81, 81, 81, 64, 64, 169, 169, 289};
    for (size_t book = 1; book < 12; book++)
        check_codes(talas_aac_books[book], sizes[book]);
    check_codes(talas_aac_scale_codes, 121);
    CHECK(talas_aac_long_edges[TALAS_AAC_LONG_BANDS] == TALAS_AAC_LINES);
    CHECK(talas_aac_short_edges[TALAS_AAC_SHORT_BANDS] == TALAS_AAC_SHORT);
    for (size_t b = 0; b < TALAS_AAC_LONG_BANDS; b++)
        CHECK((talas_aac_long_edges[b + 1] - talas_aac_long_edges[b]) % 4 == 0);
    for (size_t b = 0; b < TALAS_AAC_SHORT_BANDS; b++)
        CHECK((talas_aac_short_edges[b + 1] - talas_aac_short_edges[b]) % 4 == 0);
}

/* One line of the MDCT of `size` windowed samples, by its formula. */
static double line(const double *z, size_t size, size_t k) {
    double sum = 0;
    for (size_t n = 0; n < size; n++)
        sum += z[n] * cos(2 * PI / (double)size * ((double)n + ((double)size / 2 + 1) / 2) *
                          ((double)k + 0.5));
    return 2 * 32768 * sum;
}

/* The last of a slope's samples is nearly 1, its middle has half the power, and what a window and
 * the next one have of a sample's power is all of it: seen in the lines of one sample. */
static void test_the_transform_is_the_formula(void) {
    float *samples = (float *)(void *)exact(NULL, 2048 * sizeof *samples);
    float *lines = (float *)(void *)exact(NULL, 1024 * sizeof *lines);
    double z[2048];
    for (size_t place = 500; place < 1024; place += 131) {
        double power = 0;
        for (size_t half = 0; half < 2; half++) {
            for (size_t n = 0; n < 2048; n++) {
                samples[n] = 0;
                z[n] = 0;
            }
            const size_t at = place + 1024 * half;
            samples[at] = 1;
            z[at] = 1;
            talas_aac_transform(TALAS_AAC_LONG, samples, lines);
            double share = 0, most = 0;
            for (size_t k = 0; k < 1024; k += 97)
                if (fabs(line(z, 2048, k)) > most) {
                    most = fabs(line(z, 2048, k));
                    share = (double)lines[k] / line(z, 2048, k);
                }
            for (size_t k = 0; k < 1024; k += 97)
                CHECK(fabs((double)lines[k] - share * line(z, 2048, k)) < 1e-6 * 65536);
            power += share * share;
        }
        CHECK(fabs(power - 1) < 1e-5);
    }
    memset(samples, 0, 2048 * sizeof *samples);
    samples[448 + 3 * 128] = 1; /* begins window 3, and is in the middle of window 2 */
    talas_aac_transform(TALAS_AAC_EIGHT, samples, lines);
    for (size_t k = 0; k < 1024; k++)
        CHECK((fabsf(lines[k]) > 1e-3f) <= (k / 128 == 2 || k / 128 == 3));
    CHECK(fabsf(lines[2 * 128]) > 1);
    free(samples);
    free(lines);
}

static void test_an_attack_is_found_where_it_is(void) {
    struct talas_aac_hearing hearing = {0};
    float *quiet = (float *)(void *)exact(NULL, 1024 * sizeof *quiet);
    float *loud = (float *)(void *)exact(NULL, 1024 * sizeof *loud);
    for (size_t i = 0; i < 1024; i++) {
        quiet[i] = 0.001f * random_sample();
        loud[i] = i < 300 ? quiet[i] : random_sample();
    }
    for (int n = 0; n < 9; n++)
        talas_aac_attack(&hearing, quiet, quiet);
    CHECK(talas_aac_attack(&hearing, quiet, quiet) == -1);
    /* Sample 300 is in the third eighth of the block, the seventh of those that end in its middle. */
    CHECK(talas_aac_attack(&hearing, quiet, loud) == 6);
    CHECK(talas_aac_attack(&hearing, loud, loud) == 6);
    CHECK(talas_aac_attack(&hearing, loud, loud) == -1);
    free(quiet);
    free(loud);
}

/* A decoder's filter (ISO/IEC 14496-3, 4.6.9.3), over so many lines. */
static void unshape(const struct talas_aac_shape *shape, double *lines, size_t count) {
    double a[TALAS_AAC_SHAPE_ORDER + 1] = {1}, b[TALAS_AAC_SHAPE_ORDER + 1];
    for (int m = 1; m <= shape->order; m++) {
        const int index = shape->index[m - 1];
        const double said = sin(index / ((index >= 0 ? 8 - 0.5 : 8 + 0.5) / (PI / 2)));
        for (int i = 1; i < m; i++)
            b[i] = a[i] + said * a[m - i];
        for (int i = 1; i < m; i++)
            a[i] = b[i];
        a[m] = said;
    }
    for (size_t n = 0; n < count; n++)
        for (size_t i = 1; i <= (size_t)shape->order && i <= n; i++)
            lines[n] -= a[i] * lines[n - i];
}

/* Lines of a click late in the window, which one filter predicts, and of hiss, which none does. */
static void test_noise_is_shaped_where_the_sound_has_a_shape_and_a_decoder_undoes_it(void) {
    struct talas_aac_frame *frame = calloc(1, sizeof *frame);
    double lines[1024];
    frame->layout.bands = TALAS_AAC_LONG_BANDS;
    for (size_t b = 0; b <= TALAS_AAC_LONG_BANDS; b++)
        frame->layout.edges[b] = talas_aac_long_edges[b];
    for (size_t i = 0; i < 1024; i++) {
        frame->channel[0].lines[i] = 1000 * (float)cos(2.9 * (double)i) + 300 * random_sample();
        frame->channel[1].lines[i] = 1000 * random_sample();
        lines[i] = (double)frame->channel[0].lines[i];
    }
    for (size_t c = 0; c < 2; c++)
        for (size_t b = 0; b < TALAS_AAC_LONG_BANDS; b++) {
            frame->channel[c].energy[b] =
                talas_aac_energy(frame->channel[c].lines + frame->layout.edges[b],
                                 frame->layout.edges[b + 1] - frame->layout.edges[b]);
            frame->channel[c].threshold[b] = 1;
        }
    talas_aac_shape(frame);
    CHECK(frame->channel[0].shape.order > 0 && frame->channel[1].shape.order == 0);
    CHECK(frame->channel[1].threshold[20] == 1 && frame->channel[0].threshold[20] < 0.5f);
    CHECK(frame->channel[0].threshold[TALAS_AAC_SHAPE_FIRST - 1] == 1);
    const size_t first = talas_aac_long_edges[TALAS_AAC_SHAPE_FIRST], last = talas_aac_long_edges[40];
    double left[1024], power = 0, residual = 0;
    for (size_t i = 0; i < 1024; i++)
        left[i] = (double)frame->channel[0].lines[i];
    for (size_t i = first; i < last; i++) {
        power += lines[i] * lines[i];
        residual += left[i] * left[i];
    }
    CHECK(residual < 0.5 * power);
    unshape(&frame->channel[0].shape, left + first, last - first);
    for (size_t i = 0; i < 1024; i++)
        CHECK(fabs(left[i] - lines[i]) < 0.1);
    frame->layout.sequence = TALAS_AAC_EIGHT;
    talas_aac_shape(frame);
    CHECK(frame->channel[0].shape.order == 0);
    free(frame);
}

/* Samples that want everything of an encoder in turn. */
static void make(int kind, float *samples) {
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-42f, 0, 1, -1, 7.9f};
    for (size_t i = 0; i < 1024; i++)
        switch (kind % 6) {
        case 0:
            samples[i] = 0;
            break;
        case 1:
            samples[i] = random_sample();
            break;
        case 2:
            samples[i] = odd[dice() % 10];
            break;
        case 3:
            samples[i] = dice() % 500 == 0 ? 8 * random_sample() : 0;
            break;
        case 4:
            samples[i] = i & 64 ? 8.0f : -8.0f;
            break;
        default:
            samples[i] = 1e-5f * random_sample();
        }
}

static void test_any_samples_give_a_frame_and_the_rate_is_held(int bit_rate) {
    struct talas_aac_encoder *encoder = malloc(sizeof *encoder);
    float *left = (float *)(void *)exact(NULL, 1024 * sizeof *left);
    float *right = (float *)(void *)exact(NULL, 1024 * sizeof *right);
    uint8_t *out = exact(NULL, TALAS_AAC_MOST_BYTES);
    CHECK(talas_aac_open(encoder, bit_rate) == TALAS_OK);
    double bits = 0, least = 0, most = 0;
    for (int n = 0; n < 600; n++) {
        make(n / 7, left);
        make(dice() % 3 == 0 ? (int)(dice() % 6) : n / 7, right);
        const size_t size = talas_aac_encode(encoder, left, right, out);
        CHECK((size > 0) == (n > 0) && size <= TALAS_AAC_MOST_BYTES);
        CHECK(n == 0 || out[0] >> 5 == 1);
        if (n > 0)
            bits += 8.0 * (double)size - bit_rate * 1024 / 48000.0;
        least = bits < least ? bits : least;
        most = bits > most ? bits : most;
    }
    /* What was saved at first, what may be saved, and bytes that fill elements leave. */
    CHECK(most - least <= 3 * bit_rate * 1024 / 48000.0 + 64);
    free(encoder);
    free(left);
    free(right);
    free(out);
}

/* Numbers too small to be normal ones cost a processor a hundred times as much. */
static void test_next_to_nothing_is_nothing(void) {
    struct talas_aac_encoder *encoder = malloc(sizeof *encoder);
    float *samples = (float *)(void *)exact(NULL, 1024 * sizeof *samples);
    uint8_t *out = exact(NULL, TALAS_AAC_MOST_BYTES);
    CHECK(talas_aac_open(encoder, 128000) == TALAS_OK);
    for (int n = 0; n < 3; n++) {
        for (size_t i = 0; i < 1024; i++)
            samples[i] = (n == 1 ? 1e-11f : 1e-40f) * random_sample();
        talas_aac_encode(encoder, samples, samples, out);
    }
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < 3 * 1024; i++)
            CHECK(encoder->samples[c][i] == 0);
    free(encoder);
    free(samples);
    free(out);
}

/* Where a Bark has few lines, noise may have little of a band; everywhere it leaves something; more
 * bits leave it less. */
static void test_noise_may_have_less_of_low_bands_and_at_high_rates(void) {
    struct talas_aac_encoder *lean = malloc(sizeof *lean), *rich = malloc(sizeof *rich);
    CHECK(talas_aac_open(lean, 64000) == TALAS_OK && talas_aac_open(rich, 192000) == TALAS_OK);
    for (int b = 0; b < lean->long_bands; b++) {
        CHECK(lean->long_share[b] > 0 && lean->long_share[b] <= (float)TALAS_AAC_MOST_SHARE);
        CHECK(rich->long_share[b] <= lean->long_share[b]);
    }
    CHECK(lean->long_share[8] < 0.2f * lean->long_share[lean->long_bands - 1]);
    CHECK(lean->short_share[0] < lean->short_share[lean->short_bands - 1]);
    free(lean);
    free(rich);
}

static void test_rates(void) {
    struct talas_aac_encoder *encoder = malloc(sizeof *encoder);
    CHECK(talas_aac_open(encoder, TALAS_AAC_LEAST_RATE - 1) == TALAS_BAD_RATE);
    CHECK(talas_aac_open(encoder, TALAS_AAC_MOST_RATE + 1) == TALAS_BAD_RATE);
    CHECK(talas_aac_open(encoder, -1) == TALAS_BAD_RATE);
    free(encoder);
    const int rates[] = {TALAS_AAC_LEAST_RATE, 64000, 128000, 192000, TALAS_AAC_MOST_RATE};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        test_any_samples_give_a_frame_and_the_rate_is_held(rates[i]);
}

int main(void) {
    talas_aac_prepare();
    test_codes_are_complete();
    test_the_transform_is_the_formula();
    test_an_attack_is_found_where_it_is();
    test_noise_is_shaped_where_the_sound_has_a_shape_and_a_decoder_undoes_it();
    test_next_to_nothing_is_nothing();
    test_noise_may_have_less_of_low_bands_and_at_high_rates();
    test_rates();
    return failures != 0;
}
