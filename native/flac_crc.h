/* FLAC's CRC-16 (RFC 9639, section 9.3).
 *
 * Does:        go on with the CRC of a run of bytes, eight at a time.
 * Never:       allocates, keeps a pointer, or reads outside [data, data + size).
 * Guarantees:  a run in parts gives the same as in one.
 *
 * The twin, which defines what is right, is talas_stream/wire/flac_crc.py.
 */
#ifndef TALAS_FLAC_CRC_H
#define TALAS_FLAC_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Fill the CRC's tables. Call once, from one thread, before anything else here. */
void talas_flac_prepare(void);

/* The CRC (polynomial 0x8005, first bit first, no inversion), going on from `crc`. */
uint16_t talas_flac_crc16(uint16_t crc, const uint8_t *data, size_t size);

#endif
