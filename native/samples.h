/* PCM samples as floats, limited.
 *
 * Does:        limit what is louder than full scale, and silence what is not a number.
 * Never:       allocates; reads or writes past `count`.
 *
 * The twin, which defines what is right, is talas_stream/wire/samples.py.
 */
#ifndef TALAS_SAMPLES_H
#define TALAS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* Limits to -1..1; what is not a number becomes 0. `in` need not be aligned. */
void talas_limit(const uint8_t *in, float *out, size_t count);

#endif
