/* Temporal noise shaping: a predictor along the lines of a long window, so that its noise is loud
 * where the sound in the window is (ISO/IEC 14496-3, 4.6.9).
 *
 * Does:        choose one filter a channel, for the lines over 1.3 kHz, where it predicts enough;
 *              put what it leaves of the lines in their place, and bring thresholds down by as much
 *              as a decoder will bring the noise up.
 * Never:       shapes short windows: they are short enough.
 * Guarantees:  coefficients that a stream can say; a decoder's filter is the inverse of this one.
 */
#ifndef TALAS_AAC_SHAPE_H
#define TALAS_AAC_SHAPE_H

#include "aac_frame.h"

#define TALAS_AAC_SHAPE_FIRST 12 /* band */

void talas_aac_shape_prepare(void);

/* Shape both channels, whose energies and thresholds are known. */
void talas_aac_shape(struct talas_aac_frame *frame);

/* Bits that say a channel's filter. */
int talas_aac_shape_bits(const struct talas_aac_channel *channel);

#endif
