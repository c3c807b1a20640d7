/* How coarsely each band is quantised, so that a frame takes the bits it may.
 *
 * Does:        move all thresholds up or down until the frame's perceptual entropy is what the bits
 *              allow, and turn thresholds into step sizes.
 * Guarantees:  step sizes within what a stream can say, no line above the largest number it can
 *              hold, and no two bands further apart than a difference can tell.
 * Source:      perceptual entropy, form factors and step sizes as in 3GPP TS 26.403, 5.6.
 */
#ifndef TALAS_AAC_RATE_H
#define TALAS_AAC_RATE_H

#include "aac_frame.h"

#define TALAS_AAC_HIGHEST 8191
#define TALAS_AAC_MOST_SHARE 0.8 /* of a band's energy: noise of as much leaves it with something */

/* Fill in `powers`, `roots` and `peak`. */
void talas_aac_measure(struct talas_aac_frame *frame);

/* The frame's perceptual entropy, in bits, with thresholds as they are. */
float talas_aac_entropy(const struct talas_aac_frame *frame);

/* Fill in `scale`, for an entropy of `bits`. Returns the entropy that it became. */
float talas_aac_scales(struct talas_aac_frame *frame, float bits);

#endif
