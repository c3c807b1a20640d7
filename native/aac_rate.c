#include "aac_rate.h"

#include <math.h>
#include <string.h>

#define LEAST_SCALE (-100)
#define MOST_SCALE 154 /* one more may be said */
#define MOST_APART 59
#define FINEST 12.0f  /* halvings of the thresholds at most, where bits are plenty */
#define SEARCHES 14
#define NEAR 0.01f   /* enough, of the bits that are looked for */
#define GROWTH 1.5f  /* of the shares that noise may have, a turn, where bits lack */
#define ROOM 0.8f    /* of the bits, that bands may need at those shares */
#define INAUDIBLE 1  /* energy of a band that is not worth a look */

/* The logarithm to base 2 of a positive number, to 1/1000. */
static float log_2(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const float exponent = (float)((int)(bits >> 23) - 127);
    bits = (bits & 0x7fffff) | 0x3f800000;
    memcpy(&x, &bits, sizeof x);
    return exponent + ((0.1640425613f * x - 1.0988652862f) * x + 3.1482979293f) * x - 2.2134752044f;
}

void talas_aac_measure(struct talas_aac_frame *frame) {
    const int *edges = frame->layout.edges, bands = frame->layout.bands;
    for (int c = 0; c < 2; c++) {
        struct talas_aac_channel *channel = &frame->channel[c];
        float roots[TALAS_AAC_LINES];
        for (int i = 0; i < TALAS_AAC_LINES; i++) {
            roots[i] = sqrtf(fabsf(channel->lines[i]));
            channel->powers[i] = roots[i] * sqrtf(roots[i]);
        }
        for (int b = 0; b < bands; b++) {
            float sum[4] = {0}, peak[4] = {0};
            for (int i = edges[b]; i < edges[b + 1]; i += 4)
                for (int j = 0; j < 4; j++) {
                    sum[j] += roots[i + j];
                    peak[j] = peak[j] > channel->powers[i + j] ? peak[j] : channel->powers[i + j];
                }
            channel->roots[b] = sum[0] + sum[1] + sum[2] + sum[3];
            channel->peak[b] = talas_aac_larger(talas_aac_larger(peak[0], peak[1]),
                                                talas_aac_larger(peak[2], peak[3]));
        }
    }
}

/* What the search looks at: bands with anything in them, of both channels. */
struct audible {
    int count;
    struct talas_aac_channel *channel[2 * TALAS_AAC_BANDS];
    int band[2 * TALAS_AAC_BANDS];
    float logarithm[2 * TALAS_AAC_BANDS]; /* of the energy, to base 2 */
    float lines[2 * TALAS_AAC_BANDS];     /* how many of the band's matter */
    float fourth[2 * TALAS_AAC_BANDS];    /* root of the threshold */
    float most[2 * TALAS_AAC_BANDS];      /* that a move may make of the threshold */
    float limit[2 * TALAS_AAC_BANDS];     /* of `most`: leaves something of the band */
};

static void look(struct talas_aac_frame *frame, struct audible *bands) {
    bands->count = 0;
    for (int c = 0; c < 2; c++) {
        struct talas_aac_channel *channel = &frame->channel[c];
        for (int b = 0; b < frame->layout.bands; b++) {
            const float energy = channel->energy[b], threshold = channel->threshold[b];
            /* A side channel's energy may be rounding alone, without a line. */
            if (!(energy > INAUDIBLE && channel->roots[b] > 0))
                continue;
            const int n = bands->count++;
            const float width = (float)(frame->layout.edges[b + 1] - frame->layout.edges[b]);
            bands->channel[n] = channel;
            bands->band[n] = b;
            bands->logarithm[n] = log_2(energy);
            bands->lines[n] = channel->roots[b] / sqrtf(sqrtf(energy / width));
            bands->fourth[n] = sqrtf(sqrtf(threshold));
            bands->most[n] = talas_aac_larger(threshold, frame->layout.share[b] * energy);
            bands->limit[n] =
                talas_aac_larger(threshold, (float)TALAS_AAC_MOST_SHARE * energy);
        }
    }
}

/* The threshold of a band after a move: up by loudness where bits are short, down alike where they
 * are plenty. */
static float moved(const struct audible *bands, int n, float move) {
    const float fourth = bands->fourth[n] + talas_aac_larger(move, 0);
    const float threshold = fourth * fourth * (fourth * fourth);
    return move > 0 ? talas_aac_smaller(threshold, bands->most[n]) : threshold;
}

/* How far a band is over its threshold after a move, in doublings of energy. What is not over it
 * is left out: where bits are plenty, thresholds go below it. */
static float over(const struct audible *bands, int n, float move) {
    return bands->logarithm[n] - log_2(moved(bands, n, move)) + talas_aac_larger(-move, 0);
}

static float entropy(const struct audible *bands, float move) {
    float bits = 0;
    for (int n = 0; n < bands->count; n++) {
        const float octaves = over(bands, n, move);
        if (octaves <= 0)
            continue;
        /* Below 8 times the threshold a line costs less than its logarithm saves. */
        bits += bands->lines[n] * (octaves >= 3 ? octaves : 1.3219f + 0.5593f * octaves);
    }
    return bits;
}

float talas_aac_entropy(const struct talas_aac_frame *frame) {
    struct audible bands;
    look((struct talas_aac_frame *)frame, &bands);
    return entropy(&bands, 0);
}

/* Let noise have more of each band, until thresholds that are all at their most leave some of the
 * bits to the search: it gives them to the loud bands. */
static void loosen(struct audible *bands, float bits) {
    for (bool left = true; left && entropy(bands, HUGE_VALF) > ROOM * bits;) {
        left = false;
        for (int n = 0; n < bands->count; n++)
            if (bands->most[n] < bands->limit[n]) {
                bands->most[n] = talas_aac_smaller(GROWTH * bands->most[n], bands->limit[n]);
                left = true;
            }
    }
}

/* The move after which the entropy is nearest to `bits`. */
static float search(const struct audible *bands, float bits) {
    float low = -FINEST, high = 0;
    if (entropy(bands, 0) > bits) {
        low = 0;
        for (int n = 0; n < bands->count; n++)
            high = talas_aac_larger(high, sqrtf(sqrtf(bands->most[n])));
    }
    for (int turn = 0; turn < SEARCHES; turn++) {
        const float middle = 0.5f * (low + high), found = entropy(bands, middle);
        if (fabsf(found - bits) < NEAR * bits)
            return middle;
        if (found > bits)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static int limited(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

float talas_aac_scales(struct talas_aac_frame *frame, float bits) {
    struct audible bands;
    look(frame, &bands);
    loosen(&bands, bits);
    const float move = search(&bands, bits), finer = talas_aac_larger(-move, 0);
    int least = MOST_SCALE;
    for (int c = 0; c < 2; c++)
        for (int b = 0; b < frame->layout.bands; b++)
            frame->channel[c].scale[b] = MOST_SCALE;
    for (int n = 0; n < bands.count; n++) {
        struct talas_aac_channel *channel = bands.channel[n];
        const int b = bands.band[n];
        if (over(&bands, n, move) <= 0)
            continue;
        const float octaves = log_2(6.75f * moved(&bands, n, move) / channel->roots[b]) - finer;
        /* 2^(scale / 4) steps hold the band's highest line in a number. */
        const float room = log_2(channel->peak[b] / (TALAS_AAC_HIGHEST - 1)) * (16.0f / 3);
        const int scale = (int)floorf(octaves * (8.0f / 3)), needed = (int)ceilf(room);
        channel->scale[b] =
            limited(scale > needed ? scale : needed, LEAST_SCALE, MOST_SCALE);
        least = channel->scale[b] < least ? channel->scale[b] : least;
    }
    for (int n = 0; n < bands.count; n++) {
        int *scale = &bands.channel[n]->scale[bands.band[n]];
        *scale = *scale > least + MOST_APART ? least + MOST_APART : *scale;
    }
    return entropy(&bands, move);
}
