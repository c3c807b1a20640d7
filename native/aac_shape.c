#include "aac_shape.h"

#include <math.h>
#include <string.h>

#include "aac_hearing.h"

#define ORDER TALAS_AAC_SHAPE_ORDER
#define LAST 40       /* the band at which the profile's filters end, at 48 kHz */
#define WORTH 2.0f    /* times the power that is left: less is no use */
#define BARELY 0.1f   /* coefficients at the end that are smaller are left out */
#define RESOLVED 2.8e-4 /* how far lags count: no envelope is finer than 0.16 ms */
#define STEPS 8       /* of coefficients, on either side of 0 */
#define HALF_PI 1.57079632679489662

static float lag[ORDER + 1];
static float sines[2 * STEPS]; /* coefficients that a stream can say, from the lowest */

void talas_aac_shape_prepare(void) {
    for (int i = 0; i <= ORDER; i++)
        lag[i] = (float)exp(-RESOLVED * (i + 0.5) * (i + 0.5));
    for (int i = 0; i < 2 * STEPS; i++) {
        const int index = i - STEPS;
        sines[i] = (float)sin(index * HALF_PI / (index < 0 ? STEPS + 0.5 : STEPS - 0.5));
    }
}

/* The correlation of lines with their neighbours, each over what masks it: what a loud band leaves
 * in the next ones would else count as much as sound of their own. */
static void correlate(const struct talas_aac_layout *layout,
                      const struct talas_aac_channel *channel, int last, float *found) {
    const int start = layout->edges[TALAS_AAC_SHAPE_FIRST];
    const int count = layout->edges[last] - start;
    float flat[TALAS_AAC_LINES + ORDER] = {0};
    for (int b = TALAS_AAC_SHAPE_FIRST; b < last; b++) {
        const int from = layout->edges[b], to = layout->edges[b + 1];
        const float factor = 1 / sqrtf(channel->threshold[b] / (float)(to - from));
        for (int i = from; i < to; i++)
            flat[i - start] = factor * channel->lines[i];
    }
    for (int n = 0; n <= ORDER; n++) {
        float lane[8] = {0};
        for (int i = 0; i < count; i += 4)
            for (int j = 0; j < 4; j++)
                lane[j] += flat[i + j] * flat[i + j + n];
        found[n] = lag[n] * (lane[0] + lane[1] + lane[2] + lane[3]);
    }
}

/* One step of the Levinson-Durbin recursion: a filter of one more coefficient. */
static void extend(float *filter, int order, float reflection) {
    float before[ORDER + 1];
    memcpy(before, filter, sizeof before);
    for (int i = 1; i < order; i++)
        filter[i] = before[i] + reflection * before[order - i];
    filter[order] = reflection;
}

/* The nearest that a stream can say. */
static int nearest(float reflection) {
    const double scale = (reflection < 0 ? STEPS + 0.5 : STEPS - 0.5) / HALF_PI;
    const int index = (int)lrint(asin((double)reflection) * scale);
    return index < -STEPS ? -STEPS : index >= STEPS ? STEPS - 1 : index;
}

/* Choose the reflections that predict lines of such a correlation; returns the power a decoder
 * will make of noise. */
static float choose(struct talas_aac_shape *shape, const float *correlation) {
    float filter[ORDER + 1] = {1}, left = correlation[0], gain = 1;
    shape->order = 0;
    for (int m = 1; m <= ORDER && left > 0; m++) {
        float sum = 0;
        for (int i = 0; i < m; i++)
            sum += filter[i] * correlation[m - i];
        const float reflection = -sum / left;
        if (!(fabsf(reflection) < 1))
            break;
        extend(filter, m, reflection);
        left *= 1 - reflection * reflection;
        shape->index[m - 1] = (int8_t)nearest(reflection);
        if (fabsf(reflection) > BARELY)
            shape->order = m;
    }
    for (int m = 0; m < shape->order; m++) {
        const float said = sines[shape->index[m] + STEPS];
        gain /= 1 - said * said;
    }
    return gain;
}

/* Put what the filter leaves in the lines' place. */
static void filter(const struct talas_aac_shape *shape, float *lines, int count) {
    float a[ORDER + 1] = {1}, before[TALAS_AAC_LINES + ORDER] = {0};
    for (int m = 1; m <= shape->order; m++)
        extend(a, m, sines[shape->index[m - 1] + STEPS]);
    memcpy(before + ORDER, lines, sizeof *lines * (size_t)count);
    for (int n = 1; n <= shape->order; n++)
        for (int i = 0; i < count; i++)
            lines[i] += a[n] * before[ORDER + i - n];
}

void talas_aac_shape(struct talas_aac_frame *frame) {
    const struct talas_aac_layout *layout = &frame->layout;
    const int last = layout->bands < LAST ? layout->bands : LAST;
    frame->channel[0].shape.order = frame->channel[1].shape.order = 0;
    if (layout->sequence == TALAS_AAC_EIGHT || last <= TALAS_AAC_SHAPE_FIRST)
        return;
    for (int c = 0; c < 2; c++) {
        struct talas_aac_channel *channel = &frame->channel[c];
        float correlation[ORDER + 1];
        correlate(layout, channel, last, correlation);
        const float gain = choose(&channel->shape, correlation);
        if (gain < WORTH) {
            channel->shape.order = 0;
            continue;
        }
        const int start = layout->edges[TALAS_AAC_SHAPE_FIRST];
        filter(&channel->shape, channel->lines + start, layout->edges[last] - start);
        for (int b = TALAS_AAC_SHAPE_FIRST; b < last; b++) {
            channel->energy[b] = talas_aac_energy(channel->lines + layout->edges[b],
                                                  layout->edges[b + 1] - layout->edges[b]);
            channel->threshold[b] /= gain;
        }
    }
}

int talas_aac_shape_bits(const struct talas_aac_channel *channel) {
    return channel->shape.order > 0 ? 2 + 1 + 6 + 5 + 1 + 1 + 4 * channel->shape.order : 0;
}
