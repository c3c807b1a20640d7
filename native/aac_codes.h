/* The tables of AAC that a coder needs at 48 kHz: Huffman codes and band edges.
 *
 * Source: ISO/IEC 14496-3, tables 4.A.1 to 4.A.12 and 4.130 to 4.131. Each book is a complete prefix
 * code; a test says so.
 */
#ifndef TALAS_AAC_CODES_H
#define TALAS_AAC_CODES_H

#include <stdint.h>

#define TALAS_AAC_LONG_BANDS 49
#define TALAS_AAC_SHORT_BANDS 14
#define TALAS_AAC_SCALE_MIDDLE 60 /* index of a difference of nothing */

/* Each entry is code << 5 | length. */
extern const uint32_t talas_aac_scale_codes[121];
extern const uint32_t *const talas_aac_books[12];
extern const uint16_t talas_aac_long_edges[TALAS_AAC_LONG_BANDS + 1];
extern const uint16_t talas_aac_short_edges[TALAS_AAC_SHORT_BANDS + 1];

#endif
