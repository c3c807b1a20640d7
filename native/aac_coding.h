/* From step sizes to bits: quantise a frame's lines, count, write.
 *
 * Does:        count exactly before anything is written, so that a frame too large is quantised
 *              anew, not cut.
 * Never:       writes past the room it is given; changes step sizes.
 * Source:      ISO/IEC 14496-3, 4.4.2 (syntax), 4.6.3 (noiseless coding).
 */
#ifndef TALAS_AAC_CODING_H
#define TALAS_AAC_CODING_H

#include <stddef.h>

#include "aac_frame.h"

#define TALAS_AAC_MOST_BYTES 1536 /* 6144 bits a channel, as decoders have room for */

/* Quantise by `scale`, choose the books, and return how many bits the frame takes, whole bytes. */
int talas_aac_quantise(struct talas_aac_frame *frame);

/* Write the frame that was quantised last, then `fill` bytes more than it takes, of 0 or as many as
 * may be and at least 2. Returns the bytes written, into room for TALAS_AAC_MOST_BYTES. */
size_t talas_aac_write(const struct talas_aac_frame *frame, int fill, uint8_t *out);

#endif
