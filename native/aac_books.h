/* Which Huffman books a channel's numbers are written with.
 *
 * Does:        count what every band takes in every book that can hold it, and choose the books, and
 *              so the sections, that take least.
 * Guarantees:  the bits are those that writing will take.
 * Source:      ISO/IEC 14496-3, 4.6.3.
 */
#ifndef TALAS_AAC_BOOKS_H
#define TALAS_AAC_BOOKS_H

#include "aac_frame.h"

#define TALAS_AAC_ESCAPES 11 /* the book whose largest number says that a longer one follows */
#define TALAS_AAC_ESCAPED 16

/* What each book can hold, without sign. */
extern const int talas_aac_largest[12];

static inline int talas_aac_magnitude(int value) {
    return value < 0 ? -value : value;
}

void talas_aac_books_prepare(void);

/* Fill in `book`, from `quantised` and `highest`; give silent bands that stand among others a scale
 * that takes little. Returns the bits of sections, scale factors and lines. */
int talas_aac_choose(const struct talas_aac_layout *layout, struct talas_aac_channel *channel);

#endif
