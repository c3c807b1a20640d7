/* PCM samples: 16-bit integers to floats and back, limiting, and a gain that moves.
 *
 * Does:        map -32768..32767 to -1..1 and back, limiting what is louder and silencing what is
 *              not a number.
 * Never:       allocates; reads or writes past `count`.
 * Guarantees:  integer -> float -> integer gives the same integers.
 *
 * The twin, which defines what is right, is talas_stream/wire/samples.py.
 */
#ifndef TALAS_SAMPLES_H
#define TALAS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define TALAS_MAX_GAIN 1000.0 /* 60 dB */

void talas_int16_to_float(const int16_t *in, float *out, size_t count);

/* Limits to -1..1; what is not a number becomes 0. `in` need not be aligned. */
void talas_limit(const uint8_t *in, float *out, size_t count);

/* Rounds halves to the even neighbour. */
void talas_float_to_int16(const float *in, int16_t *out, size_t count);

/* Sample i is multiplied by start + i * (end - start) / count: the next block begins at `end`. */
enum talas_status talas_gain_ramp(const float *in, float *out, size_t count, double start,
                                  double end);

#endif
