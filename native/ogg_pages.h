/* Ogg pages: finding whole ones in a stream of bytes, laying new ones, and their CRC.
 *
 * Does:        find the next page whose CRC holds; say where its packet pieces lie; write a page;
 *              compute the CRC.
 * Never:       allocates, keeps a pointer, or reads outside [data, data + size).
 * Guarantees:  a page that lies about its length or was damaged is passed over, and the search goes
 *              on inside it.
 *
 * The twin, which defines what is right, is talas_stream/wire/ogg_pages.py.
 */
#ifndef TALAS_OGG_PAGES_H
#define TALAS_OGG_PAGES_H

#include "frame_scan.h"

#define TALAS_OGG_SEGMENTS 255
#define TALAS_OGG_HEADER 27
#define TALAS_OGG_SHORT 4096

struct talas_page {
    size_t end; /* where the page ends in the data */
    int64_t granule;
    uint32_t serial;
    uint32_t sequence;
    uint8_t flags;
    bool complete; /* the last piece ends its packet */
    size_t pieces; /* how many of `piece` are set */
    struct talas_span piece[TALAS_OGG_SEGMENTS];
};

/* Pages that begin in the first `strict` bytes are believed up to TALAS_OGG_SHORT bytes only.
 * `failed`: the search stopped behind the beginning of a longer page that was none. */
struct talas_page_scan {
    size_t position;
    size_t garbage;
    size_t strict;
    bool failed;
};

/* What stands in front of a page's segments. */
struct talas_page_head {
    int64_t granule;
    uint32_t serial;
    uint32_t sequence;
    uint8_t flags;
    uint8_t segments;
};

/* Fill the CRC's tables. Call once, from one thread, before anything else here. */
void talas_ogg_prepare(void);

/* The CRC of Ogg (polynomial 0x04c11db7, first bit first, no inversion), going on from `crc`. */
uint32_t talas_ogg_crc(uint32_t crc, const uint8_t *data, size_t size);

/* Write a page: TALAS_OGG_HEADER bytes, one for each segment, and the body, `size` bytes. */
void talas_ogg_lay(const struct talas_page_head *head, const uint8_t *lacing, const uint8_t *body,
                   size_t size, uint8_t *out);

/* Find the next page and move `scan` behind it. False: the data is used up, or `scan->failed`;
 * `final` says no more will come. */
bool talas_ogg_next(const uint8_t *data, size_t size, bool final, struct talas_page_scan *scan,
                    struct talas_page *page);

#endif
