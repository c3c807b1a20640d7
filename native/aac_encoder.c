#include "aac_encoder.h"

#include <math.h>
#include <string.h>

#include "aac_books.h"
#include "aac_rate.h"
#include "aac_shape.h"

#define LINES TALAS_AAC_LINES
#define FRAME_RATE (48000.0 / LINES)
#define RESERVOIR 3.0 /* frames of the usual size, at most */
#define PART 0.028 /* of a channel's bits, that a Bark takes of 24 */
#define LEAST_SHARE 0.01
#define NOTHING 1e-10f /* -200 dB */

void talas_aac_prepare(void) {
    talas_aac_transform_prepare();
    talas_aac_hearing_prepare();
    talas_aac_books_prepare();
    talas_aac_shape_prepare();
}

/* The highest frequency worth coding at a rate. */
static double cutoff(int bit_rate) {
    static const struct {
        int rate;
        double hertz;
    } table[] = {{40000, 9000},  {48000, 11000},  {64000, 15000},  {80000, 16500},
                 {96000, 17300}, {112000, 19600}, {1 << 30, 22000}};
    int i = 0;
    while (bit_rate > table[i].rate)
        i++;
    return table[i].hertz;
}

static int bands_below(const uint16_t *edges, int count, double lines) {
    int bands = 1;
    while (bands < count && edges[bands + 1] <= lines)
        bands++;
    return bands;
}

static double usual_bits(const struct talas_aac_encoder *encoder) {
    return encoder->bit_rate / FRAME_RATE;
}

/* Bits that may be saved up: a decoder's room is that of the largest frame. */
static double reservoir(const struct talas_aac_encoder *encoder) {
    return fmin(RESERVOIR * usual_bits(encoder), 8 * TALAS_AAC_MOST_BYTES - usual_bits(encoder));
}

/* The share of a band's energy that its noise may have, if every Bark takes as many of a channel's
 * bits for a window: little where a Bark has few lines, since there a raised threshold saves little
 * and is heard as noise and as an image that moves. After 3GPP TS 26.403, 5.6.1.2. */
static void allow(float *share, const uint16_t *edges, int bands, double hertz, double bits) {
    const double each = PART * bits * 24 / talas_aac_bark(edges[bands] * hertz);
    for (int b = 0; b < bands; b++) {
        const double wide =
            talas_aac_bark(edges[b + 1] * hertz) - talas_aac_bark(edges[b] * hertz);
        const double ratio = pow(2, each * wide / (edges[b + 1] - edges[b])) - 1.5;
        share[b] = (float)fmin(fmax(1 / fmax(ratio, 1), LEAST_SHARE), TALAS_AAC_MOST_SHARE);
    }
}

enum talas_status talas_aac_open(struct talas_aac_encoder *encoder, int bit_rate) {
    if (bit_rate < TALAS_AAC_LEAST_RATE || bit_rate > TALAS_AAC_MOST_RATE)
        return TALAS_BAD_RATE;
    memset(encoder, 0, sizeof *encoder);
    const double share = cutoff(bit_rate) / 24000;
    encoder->bit_rate = bit_rate;
    encoder->attack = -1;
    encoder->long_bands =
        bands_below(talas_aac_long_edges, TALAS_AAC_LONG_BANDS, share * LINES);
    encoder->short_bands =
        bands_below(talas_aac_short_edges, TALAS_AAC_SHORT_BANDS, share * TALAS_AAC_SHORT);
    const double bits = usual_bits(encoder) / 2;
    allow(encoder->long_share, talas_aac_long_edges, encoder->long_bands, 24000.0 / LINES, bits);
    allow(encoder->short_share, talas_aac_short_edges, encoder->short_bands,
          24000.0 / TALAS_AAC_SHORT, bits / 8);
    encoder->saved = reservoir(encoder) / 2;
    encoder->bits_each = 1;
    return TALAS_OK;
}

/* A frame of eight windows needs one before it that narrows, and one after it that widens. */
static enum talas_aac_sequence follow(enum talas_aac_sequence before, bool attack, bool ahead) {
    if (attack || (before == TALAS_AAC_EIGHT && ahead))
        return TALAS_AAC_EIGHT;
    if (before == TALAS_AAC_EIGHT)
        return TALAS_AAC_STOP;
    return ahead ? TALAS_AAC_START : TALAS_AAC_LONG;
}

/* Windows before an attack, the attack, three after it, the rest: what they hold differs. */
static void group(struct talas_aac_layout *layout, int attack) {
    const int cuts[3] = {attack < 0 ? 4 : attack, attack + 1, attack + 4};
    int from = 0;
    layout->groups = 0;
    for (int i = 0; i < (attack < 0 ? 1 : 3); i++)
        if (cuts[i] > from && cuts[i] < 8) {
            layout->windows[layout->groups++] = cuts[i] - from;
            from = cuts[i];
        }
    layout->windows[layout->groups++] = 8 - from;
    layout->before = attack > 0 ? layout->each : 0;
}

static void lay_out(const struct talas_aac_encoder *encoder, struct talas_aac_layout *layout) {
    const bool eight = layout->sequence == TALAS_AAC_EIGHT;
    const uint16_t *edges = eight ? talas_aac_short_edges : talas_aac_long_edges;
    const float *share = eight ? encoder->short_share : encoder->long_share;
    layout->each = eight ? encoder->short_bands : encoder->long_bands;
    layout->groups = 1;
    layout->windows[0] = 1;
    layout->before = 0;
    if (eight)
        group(layout, encoder->attack);
    layout->bands = layout->edges[0] = 0;
    for (int g = 0; g < layout->groups; g++)
        for (int b = 0; b < layout->each; b++) {
            const int width = (edges[b + 1] - edges[b]) * layout->windows[g];
            layout->edges[layout->bands + 1] = layout->edges[layout->bands] + width;
            layout->share[layout->bands] = share[b];
            layout->bands++;
        }
}

/* Eight windows of lines, into the order of the bands. */
static void interleave(const struct talas_aac_layout *layout, const float *windows, float *lines) {
    for (int g = 0; g < layout->groups; g++) {
        for (int b = 0; b < layout->each; b++) {
            const int start = talas_aac_short_edges[b];
            const int width = talas_aac_short_edges[b + 1] - start;
            for (int w = 0; w < layout->windows[g]; w++) {
                memcpy(lines, windows + w * TALAS_AAC_SHORT + start, sizeof *lines * (size_t)width);
                lines += width;
            }
        }
        windows += layout->windows[g] * TALAS_AAC_SHORT;
    }
}

static void transform(const struct talas_aac_encoder *encoder, struct talas_aac_frame *frame) {
    const struct talas_aac_layout *layout = &frame->layout;
    for (int c = 0; c < 2; c++) {
        float *lines = frame->channel[c].lines, windows[LINES];
        if (layout->sequence == TALAS_AAC_EIGHT) {
            talas_aac_transform(layout->sequence, encoder->samples[c], windows);
            interleave(layout, windows, lines);
        } else {
            talas_aac_transform(layout->sequence, encoder->samples[c], lines);
        }
        const int end = layout->edges[layout->bands];
        memset(lines + end, 0, sizeof *lines * (size_t)(LINES - end));
    }
}

/* The bits that a frame should take: more where it has more to say, above all at an attack, and
 * from a full reservoir. */
static double wanted(const struct talas_aac_encoder *encoder, float entropy, bool attack) {
    const double usual = usual_bits(encoder), most = usual + 0.9 * encoder->saved;
    double need = encoder->usual > 0 ? entropy / encoder->usual - 1 : 0;
    need = fmin(fmax(need, -0.5), 3);
    const double more = (attack ? 0.7 : 0.6) * need;
    const double bits = usual * (1 + more) + 0.25 * (encoder->saved - reservoir(encoder) / 2);
    return fmax(fmin(bits, most), 0.4 * usual);
}

/* Quantise so that the frame takes no more than `limit` bits: all steps grow until it does. */
static int fit(struct talas_aac_frame *frame, int limit) {
    int bits = talas_aac_quantise(frame);
    for (int turn = 0; bits > limit && turn < 64; turn++) {
        const int coarser = bits > limit + limit / 4 ? 4 : bits > limit + limit / 16 ? 2 : 1;
        for (int c = 0; c < 2; c++)
            for (int b = 0; b < frame->layout.bands; b++)
                if (frame->channel[c].scale[b] + coarser <= 154)
                    frame->channel[c].scale[b] += coarser;
        bits = talas_aac_quantise(frame);
    }
    return bits;
}

static size_t code(struct talas_aac_encoder *encoder, struct talas_aac_frame *frame, uint8_t *out) {
    const double usual = usual_bits(encoder);
    const double limit = fmin(usual + encoder->saved, 8 * TALAS_AAC_MOST_BYTES);
    const float entropy = talas_aac_entropy(frame);
    const bool attack = frame->layout.sequence == TALAS_AAC_EIGHT;
    const float aim = (float)wanted(encoder, entropy, attack) / encoder->bits_each;
    const float reached = talas_aac_scales(frame, aim);
    const int taken = fit(frame, (int)limit);
    if (reached > 100) {
        const float each = talas_aac_smaller(talas_aac_larger((float)taken / reached, 0.5f), 2);
        encoder->bits_each += 0.2f * (each - encoder->bits_each);
    }
    encoder->usual += (encoder->usual > 0 ? 0.05f : 1) * (entropy - encoder->usual);
    const double spare = encoder->saved + usual - taken - reservoir(encoder);
    const size_t size = talas_aac_write(frame, spare > 0 ? (int)(spare / 8) : 0, out);
    encoder->saved += usual - 8.0 * (double)size;
    return size;
}

/* What is not a number, or far over full scale, would spoil the frames around it; what is next to
 * nothing would make numbers too small for a processor to be quick with. */
static void take(float *to, const float *from) {
    for (int i = 0; i < LINES; i++) {
        const float size = fabsf(from[i]);
        to[i] = size > NOTHING && size <= 8 ? from[i] : 0;
    }
}

size_t talas_aac_encode(struct talas_aac_encoder *encoder, const float *left, const float *right,
                        uint8_t *out) {
    struct talas_aac_frame frame;
    const float *fresh[2] = {left, right};
    size_t size = 0;
    for (int c = 0; c < 2; c++)
        take(encoder->samples[c] + 2 * LINES, fresh[c]);
    const int ahead = talas_aac_attack(&encoder->hearing, encoder->samples[0] + 2 * LINES,
                                       encoder->samples[1] + 2 * LINES);
    if (encoder->blocks > 0) {
        frame.layout.sequence = follow(encoder->sequence, encoder->attack >= 0, ahead >= 0);
        lay_out(encoder, &frame.layout);
        transform(encoder, &frame);
        talas_aac_thresholds(&encoder->hearing, &frame);
        talas_aac_shape(&frame);
        talas_aac_stereo(&frame);
        talas_aac_measure(&frame);
        size = code(encoder, &frame, out);
        encoder->sequence = frame.layout.sequence;
        encoder->attack = ahead;
    }
    encoder->blocks = 1;
    for (int c = 0; c < 2; c++)
        memmove(encoder->samples[c], encoder->samples[c] + LINES, 2 * LINES * sizeof(float));
    return size;
}
