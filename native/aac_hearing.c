#include "aac_hearing.h"

#include <math.h>
#include <string.h>

#define LONG_BANDS TALAS_AAC_LONG_BANDS
#define SHORT_BANDS TALAS_AAC_SHORT_BANDS

#define ATTACK 5.0f        /* times what was before */
#define AUDIBLE 1e-4f      /* energy of an eighth's differences below which nothing is an attack */
#define MASKED 0.0012589   /* -29 dB: noise in a band that its own sound hides, where a Bark is */
#define NARROW 100.0       /* hertz wide */
#define WIDER 1.2          /* power by which it grows with that width */
#define BEFORE 0.25f       /* of a threshold stays before an attack: noise is heard there */
#define PRE_ECHO 0.01f     /* of a threshold stays, however quiet it was before */

/* A sine at full scale has this energy among 1024 lines, and stands for more than anybody plays it
 * at: a listener to a quiet programme turns it up. */
#define FULL_SCALE 1.1259e15
#define FULL_SCALE_DB 110.0
#define QUIET_DB -4.0 /* threshold in quiet, at most */

struct band {
    float quiet;      /* threshold in quiet */
    float hides;      /* of its energy, as noise */
    float up, down;   /* how much of a band's energy masks the next one above, and below */
};
static struct band long_band[LONG_BANDS], short_band[SHORT_BANDS];

double talas_aac_bark(double hertz) {
    return 13.3 * atan(0.00076 * hertz) + 3.5 * atan((hertz / 7500) * (hertz / 7500));
}

/* Terhardt's threshold in quiet, in dB, lowest at 3.3 kHz. */
static double quiet(double hertz) {
    const double k = (hertz < 20 ? 20 : hertz) / 1000;
    return 3.64 * pow(k, -0.8) - 6.5 * exp(-0.6 * (k - 3.3) * (k - 3.3)) + 1e-3 * k * k * k * k;
}

/* How wide a Bark is between two frequencies. What is heard of noise is its share of a Bark, and
 * the bits that lower it are as many as its lines: where a Bark is wide, they are better spent
 * elsewhere. */
static double bark_hertz(double low, double high) {
    return (high - low) / (talas_aac_bark(high) - talas_aac_bark(low));
}

static void prepare(struct band *bands, const uint16_t *edges, int count, double hertz,
                    double energy) {
    double at[LONG_BANDS];
    for (int b = 0; b < count; b++) {
        at[b] = talas_aac_bark(0.5 * (edges[b] + edges[b + 1]) * hertz);
        const double low = quiet(edges[b] * hertz), high = quiet(edges[b + 1] * hertz);
        const double least = fmin(fmin(low, high), QUIET_DB);
        bands[b].quiet = (float)(energy * pow(10, (least - FULL_SCALE_DB) / 10));
        const double wide = bark_hertz(edges[b] * hertz, edges[b + 1] * hertz);
        bands[b].hides = (float)(MASKED * pow(fmax(wide / NARROW, 1), WIDER));
    }
    for (int b = 0; b < count; b++) {
        const double below = b > 0 ? at[b] - at[b - 1] : 0;
        const double above = b + 1 < count ? at[b + 1] - at[b] : 0;
        bands[b].up = (float)pow(10, -1.5 * above);
        bands[b].down = (float)pow(10, -3.0 * below);
    }
}

void talas_aac_hearing_prepare(void) {
    prepare(long_band, talas_aac_long_edges, LONG_BANDS, 24000.0 / 1024, FULL_SCALE);
    prepare(short_band, talas_aac_short_edges, SHORT_BANDS, 24000.0 / 128, FULL_SCALE / 64);
}

/* Energies of the differences between samples, of each eighth of a block. */
static void differences(const float *samples, float before, float *energies) {
    for (int eighth = 0; eighth < 8; eighth++) {
        const float *s = samples + 128 * eighth;
        float lane[8] = {0};
        lane[0] = (s[0] - before) * (s[0] - before);
        for (int i = 1; i < 128; i++) {
            const float step = s[i] - s[i - 1];
            lane[i & 7] += step * step;
        }
        energies[eighth] = lane[0] + lane[1] + lane[2] + lane[3] + lane[4] + lane[5] + lane[6] +
                           lane[7];
        before = s[127];
    }
}

int talas_aac_attack(struct talas_aac_hearing *hearing, const float *left, const float *right) {
    const float *samples[2] = {left, right};
    int found = -1;
    for (int c = 0; c < 2; c++) {
        float *eighths = hearing->eighths[c], fresh[8];
        differences(samples[c], hearing->before[c], fresh);
        hearing->before[c] = samples[c][1023];
        /* The region: what was left of the last block, and the first half of this. */
        memmove(eighths, eighths + 4, 4 * sizeof *eighths);
        memcpy(eighths + 4, fresh, 4 * sizeof *eighths);
        for (int i = 0; i < 8; i++) {
            if (eighths[i] > ATTACK * hearing->calm[c] && eighths[i] > AUDIBLE &&
                (found < 0 || i < found))
                found = i;
            hearing->calm[c] += 0.3f * (eighths[i] - hearing->calm[c]);
        }
        /* The second half waits for the next call. */
        memcpy(eighths + 4, fresh + 4, 4 * sizeof *eighths);
    }
    return found;
}

float talas_aac_energy(const float *lines, int count) {
    float lane[4] = {0};
    for (int i = 0; i < count; i += 4)
        for (int j = 0; j < 4; j++)
            lane[j] += lines[i + j] * lines[i + j];
    return lane[0] + lane[1] + lane[2] + lane[3];
}

/* Thresholds of one group of bands, from their energies. */
static void masks(const struct band *bands, int count, int windows, const float *energies,
                  float *thresholds) {
    float spread[LONG_BANDS];
    for (int b = 0; b < count; b++) {
        spread[b] = bands[b].hides * energies[b];
        if (b > 0)
            spread[b] = talas_aac_larger(spread[b], spread[b - 1] * bands[b - 1].up);
    }
    for (int b = count - 1; b >= 0; b--) {
        if (b + 1 < count)
            spread[b] = talas_aac_larger(spread[b], spread[b + 1] * bands[b + 1].down);
        thresholds[b] = talas_aac_larger(spread[b], bands[b].quiet * (float)windows);
    }
}

void talas_aac_thresholds(struct talas_aac_hearing *hearing, struct talas_aac_frame *frame) {
    const struct talas_aac_layout *layout = &frame->layout;
    const bool eight = layout->sequence == TALAS_AAC_EIGHT;
    for (int c = 0; c < 2; c++) {
        struct talas_aac_channel *channel = &frame->channel[c];
        for (int b = 0; b < layout->bands; b++)
            channel->energy[b] = talas_aac_energy(channel->lines + layout->edges[b],
                                                  layout->edges[b + 1] - layout->edges[b]);
        for (int g = 0, first = 0; g < layout->groups; g++, first += layout->each)
            masks(eight ? short_band : long_band, layout->each, layout->windows[g],
                  channel->energy + first, channel->threshold + first);
        for (int b = 0; b < layout->before; b++)
            channel->threshold[b] *= BEFORE;
        float *allowed = hearing->allowed[c];
        for (int b = 0; !eight && b < layout->bands; b++) {
            const float now = channel->threshold[b];
            if (hearing->allowed_known)
                channel->threshold[b] =
                    talas_aac_larger(PRE_ECHO * now, talas_aac_smaller(now, 2 * allowed[b]));
            allowed[b] = now;
        }
    }
    hearing->allowed_known = !eight;
}

/* How much louder than its threshold; nothing below it counts. */
static float over(float energy, float threshold) {
    return talas_aac_larger(energy, threshold) / threshold;
}

void talas_aac_stereo(struct talas_aac_frame *frame) {
    struct talas_aac_channel *l = &frame->channel[0], *r = &frame->channel[1];
    for (int b = 0; b < frame->layout.bands; b++) {
        const int first = frame->layout.edges[b], end = frame->layout.edges[b + 1];
        float product = 0;
        for (int i = first; i < end; i++)
            product += l->lines[i] * r->lines[i];
        const float both = l->energy[b] + r->energy[b];
        const float middle = talas_aac_larger(0.25f * both + 0.5f * product, 0);
        const float side = talas_aac_larger(0.25f * both - 0.5f * product, 0);
        /* Noise of both sums up in either channel. */
        const float each = 0.5f * talas_aac_smaller(l->threshold[b], r->threshold[b]);
        const float apart =
            over(l->energy[b], l->threshold[b]) * over(r->energy[b], r->threshold[b]);
        frame->middle[b] = over(middle, each) * over(side, each) < apart;
        if (!frame->middle[b])
            continue;
        for (int i = first; i < end; i++) {
            const float left = l->lines[i], right = r->lines[i];
            l->lines[i] = 0.5f * (left + right);
            r->lines[i] = 0.5f * (left - right);
        }
        l->energy[b] = middle;
        r->energy[b] = side;
        l->threshold[b] = r->threshold[b] = each;
    }
}
