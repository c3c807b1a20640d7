/* What the parts of the AAC encoder hand each other: a frame of two channels that share a window.
 *
 * A frame has bands. Of eight short windows, those of a group stand as one: its bands follow each
 * other, and in a band its windows, as they do in the stream.
 */
#ifndef TALAS_AAC_FRAME_H
#define TALAS_AAC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "aac_codes.h"
#include "aac_transform.h"

#define TALAS_AAC_GROUPS 4
#define TALAS_AAC_BANDS (TALAS_AAC_GROUPS * TALAS_AAC_SHORT_BANDS)

/* As `fmaxf` and `fminf`, which are calls where numbers may be none; here all are. */
static inline float talas_aac_larger(float a, float b) {
    return a > b ? a : b;
}

static inline float talas_aac_smaller(float a, float b) {
    return a < b ? a : b;
}

struct talas_aac_layout {
    enum talas_aac_sequence sequence;
    int groups;
    int windows[TALAS_AAC_GROUPS]; /* of each group */
    int each;                      /* bands of one group */
    int before;                    /* bands of the group before an attack, or none */
    int bands;                     /* of all groups */
    int edges[TALAS_AAC_BANDS + 1];
    float share[TALAS_AAC_BANDS]; /* of a band's energy, that noise may have, unless bits lack */
};

#define TALAS_AAC_SHAPE_ORDER 12

/* A filter along the lines, see aac_shape.h. */
struct talas_aac_shape {
    int order; /* 0: none */
    int8_t index[TALAS_AAC_SHAPE_ORDER];
};

struct talas_aac_channel {
    struct talas_aac_shape shape;
    float lines[TALAS_AAC_LINES];
    float powers[TALAS_AAC_LINES]; /* of the lines, to 3/4 */
    int16_t quantised[TALAS_AAC_LINES];
    float energy[TALAS_AAC_BANDS];
    float threshold[TALAS_AAC_BANDS]; /* of noise that is masked */
    float roots[TALAS_AAC_BANDS];     /* sum of the lines' square roots */
    float peak[TALAS_AAC_BANDS];      /* the largest of `powers` */
    int scale[TALAS_AAC_BANDS];       /* step size 2^(scale / 4) */
    int louder[TALAS_AAC_BANDS];      /* 1 where a stream says a scale that is one higher */
    int highest[TALAS_AAC_BANDS];     /* of `quantised`, without sign */
    uint8_t book[TALAS_AAC_BANDS];
};

/* The scale of a band as a stream says it. */
static inline int talas_aac_said(const struct talas_aac_channel *channel, int band) {
    return channel->scale[band] + channel->louder[band];
}

struct talas_aac_frame {
    struct talas_aac_layout layout;
    struct talas_aac_channel channel[2];
    bool middle[TALAS_AAC_BANDS]; /* the band holds half the sum and half the difference */
};

#endif
