/* What loudness is computed from: the power and the peak of each tenth of a second of a programme.
 *
 * Does:        weigh two planes of samples at 48 kHz as hearing does (ITU-R BS.1770's K-weighting:
 *              a shelf for the head, then a high-pass), and sum their squares up, step by step.
 * Never:       allocates; reads or writes past what it was given, whatever the state holds.
 * Guarantees:  the same steps however the samples are cut into blocks; a step in which something is
 *              not a number counts as silence, and no later one suffers from it.
 * Lifetime:    the state is the caller's, all zero at first; it is changed, and kept for the next
 *              block.
 *
 * The twin, which defines what is right, is talas_stream/wire/loudness.py.
 */
#ifndef TALAS_LOUDNESS_H
#define TALAS_LOUDNESS_H

#include <stddef.h>

#define TALAS_STEP 4800 /* samples */

/* Numbers of one type only, so that the caller may keep them as an array. Of two, left is first. */
struct talas_loudness {
    double taken; /* samples of the step */
    double peak;
    double power[2];
    double shelf[2][2]; /* a filter's two memories */
    double high_pass[2][2];
};

struct talas_step {
    double power; /* sum of squares, of both channels */
    double peak;  /* of what was heard, not weighed */
};

/* Goes on at `position` and moves it; returns how many steps ended. There is more when that is
 * `capacity`. */
size_t talas_loudness_steps(struct talas_loudness *state, const float *left, const float *right,
                            size_t count, size_t *position, struct talas_step *steps,
                            size_t capacity);

#endif
