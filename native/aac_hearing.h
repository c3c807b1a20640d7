/* What of a frame can be heard: attacks, and for every band the noise that hides behind the sound.
 *
 * Does:        tell in which eighth of a block an attack begins; set bands' thresholds; code bands
 *              as middle and side where that takes less.
 * Guarantees:  thresholds over nothing, whatever the lines are.
 * Source:      the model follows 3GPP TS 26.403 in its outline: spread energies, the threshold in
 *              quiet, and no more noise than twice the frame before allowed.
 */
#ifndef TALAS_AAC_HEARING_H
#define TALAS_AAC_HEARING_H

#include "aac_frame.h"

struct talas_aac_hearing {
    float before[2]; /* the last sample of each channel */
    float calm[2];   /* what its eighths have had lately */
    float eighths[2][8];
    float allowed[2][TALAS_AAC_LONG_BANDS]; /* thresholds of the last long frame */
    bool allowed_known;
};

void talas_aac_hearing_prepare(void);

/* Of so many lines, a multiple of 4. */
float talas_aac_energy(const float *lines, int count);

/* The place of a frequency in the ear. */
double talas_aac_bark(double hertz);

/* Listen to the next block of 1024 samples. The answer is about the 1024 that end in its middle:
 * the eighth in which one of the channels has an attack, or -1. */
int talas_aac_attack(struct talas_aac_hearing *hearing, const float *left, const float *right);

/* Energies and thresholds from the lines. */
void talas_aac_thresholds(struct talas_aac_hearing *hearing, struct talas_aac_frame *frame);

/* Turn bands into middle and side where that is cheaper. */
void talas_aac_stereo(struct talas_aac_frame *frame);

#endif
