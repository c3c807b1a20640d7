/* An AAC-LC encoder for 48 kHz stereo, made to be cheap: it takes a tenth of what FFmpeg's better
 * coder does (benchmarks/test_encoders.py).
 *
 * Does:        turn 1024 samples of two channels into one raw frame; switch to short windows before
 *              attacks, and shape noise in time in the others; code middle and side; hold the
 *              rate with a reservoir of a few frames.
 * Never:       allocates, asks a clock, or writes past TALAS_AAC_MOST_BYTES; uses noise
 *              substitution, intensity, prediction or pulses, which a decoder must know and an
 *              encoder may leave.
 * Guarantees:  any samples give a valid frame (what is not a number is silence); the bytes of any
 *              run of frames differ from bit rate times duration by the reservoir at most, silence
 *              included, as long as the rate is within TALAS_AAC_LEAST_RATE and _MOST_RATE.
 * Lifetime:    the state is the caller's; `talas_aac_open` fills it in.
 *
 * It has no twin: where the native core is not built, FFmpeg's encoder does its work. What is right
 * is what decoders hear; the tests ask FFmpeg's.
 */
#ifndef TALAS_AAC_ENCODER_H
#define TALAS_AAC_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "aac_coding.h"
#include "aac_hearing.h"
#include "status.h"

#define TALAS_AAC_LEAST_RATE 40000
#define TALAS_AAC_MOST_RATE 512000

struct talas_aac_encoder {
    float samples[2][3 * TALAS_AAC_LINES]; /* the block before, the one to code, the one ahead */
    struct talas_aac_hearing hearing;
    enum talas_aac_sequence sequence; /* of the frame before */
    int attack;                       /* of the frame to come: an eighth, or -1 */
    int blocks;                       /* seen, up to one */
    int bit_rate;
    int long_bands, short_bands; /* those that are coded */
    float long_share[TALAS_AAC_LONG_BANDS], short_share[TALAS_AAC_SHORT_BANDS]; /* see layout */
    double saved;                /* bits not used yet */
    float usual;                 /* entropy of frames lately */
    float bits_each;             /* bits that a bit of entropy took lately */
};

/* Once, before anything else. */
void talas_aac_prepare(void);

/* Begin at a rate in bit/s. */
enum talas_status talas_aac_open(struct talas_aac_encoder *encoder, int bit_rate);

/* Code the block before the one given: what comes out first is 1024 samples of silence, then the
 * sound. `left` and `right`: 1024 samples. Returns the frame's bytes, none for the first block. */
size_t talas_aac_encode(struct talas_aac_encoder *encoder, const float *left, const float *right,
                        uint8_t *out);

#endif
