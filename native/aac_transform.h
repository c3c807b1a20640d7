/* From windowed samples to an MDCT spectrum, as AAC defines it (ISO/IEC 14496-3, 4.6.11).
 *
 * Does:        window 2048 samples by one of the four window sequences, Kaiser-Bessel-derived slopes
 *              everywhere, and transform them: 1024 lines, or eight times 128.
 * Never:       allocates, or keeps anything but its constants.
 * Guarantees:  a spectrum of sample values times 32768, the scale that decoders expect.
 * Lifetime:    `talas_aac_transform_prepare` is called once, before any other.
 */
#ifndef TALAS_AAC_TRANSFORM_H
#define TALAS_AAC_TRANSFORM_H

#define TALAS_AAC_LINES 1024
#define TALAS_AAC_SHORT 128

/* By the numbers that stand in the stream. */
enum talas_aac_sequence { TALAS_AAC_LONG, TALAS_AAC_START, TALAS_AAC_EIGHT, TALAS_AAC_STOP };

void talas_aac_transform_prepare(void);

/* `samples`: 2048, of which the first 1024 were the last of the frame before. `lines`: 1024; of
 * eight windows, 128 of each after the other. */
void talas_aac_transform(enum talas_aac_sequence sequence, const float *samples, float *lines);

#endif
