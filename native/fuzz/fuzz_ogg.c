/* Any bytes as Ogg pages: what is found lies in the data, in order, with a CRC that holds, and is
 * the same when the data comes in two pieces.
 *
 * The first two bytes of an input say where it is cut in two. No mutation would ever hit on a CRC,
 * so where the third is odd each page's is put right before the scan. The rest of the third says
 * from where on long pages are believed.
 */
#include "../ogg_pages.h"
#include "fuzz.h"

#define HEADER 27
#define CRC_AT 22

struct finding {
    struct talas_page_scan scan;
    size_t count;
    uint64_t digest;
};

static void note(struct finding *found, uint64_t value) {
    found->digest = found->digest * 1099511628211u + value;
}

/* Length of the page that stands at `p` by its own words; 0 when it does not fit. */
static size_t promised(const uint8_t *p, size_t size) {
    if (size < HEADER || memcmp(p, "OggS", 4) != 0 || size < HEADER + (size_t)p[26])
        return 0;
    size_t total = HEADER + (size_t)p[26];
    for (size_t i = 0; i < p[26]; i++)
        total += p[HEADER + i];
    return total <= size ? total : 0;
}

static uint32_t crc_of(const uint8_t *page, size_t size) {
    static const uint8_t blank[4] = {0, 0, 0, 0};
    uint32_t crc = talas_ogg_crc(0, page, CRC_AT);
    crc = talas_ogg_crc(crc, blank, sizeof blank);
    return talas_ogg_crc(crc, page + CRC_AT + 4, size - CRC_AT - 4);
}

static void put_right(uint8_t *data, size_t size) {
    for (size_t at = 0; at + HEADER <= size;) {
        size_t total = promised(data + at, size - at);
        if (total > 0) {
            uint32_t crc = crc_of(data + at, total);
            for (size_t i = 0; i < 4; i++)
                data[at + CRC_AT + i] = (uint8_t)(crc >> 8 * i);
        }
        at += total > 0 ? total : 1;
    }
}

static void scan_on(const uint8_t *data, size_t size, bool final, size_t base,
                    struct finding *found) {
    struct talas_page page;
    size_t behind = 0;
    while (talas_ogg_next(data, size, final, &found->scan, &page) || found->scan.failed) {
        if (found->scan.failed)
            continue;
        DEMAND(page.end <= size && page.end == found->scan.position && page.end >= behind + HEADER);
        DEMAND(page.pieces <= TALAS_OGG_SEGMENTS);
        size_t start = behind;
        for (size_t i = 0; i < page.pieces; i++) {
            DEMAND(page.piece[i].start >= start && page.piece[i].size <= page.end);
            start = page.piece[i].start + page.piece[i].size;
            DEMAND(start <= page.end);
            note(found, base + start);
        }
        note(found, base + page.end);
        note(found, (uint64_t)page.granule ^ page.serial ^ page.sequence ^ page.flags);
        behind = page.end;
        found->count++;
    }
    DEMAND(!final || found->scan.position == size);
}

/* `strict`: how many bytes in front have no long pages that are to be believed. */
static void check(const uint8_t *data, size_t size, size_t cut, size_t strict) {
    struct finding whole = {{.strict = strict}, 0, 0}, pieces = {{.strict = strict}, 0, 0};
    scan_on(data, size, true, 0, &whole);
    DEMAND(whole.scan.garbage <= size);

    uint8_t *first = exact(data, cut);
    scan_on(first, cut, false, 0, &pieces);
    free(first);
    size_t used = pieces.scan.position;
    DEMAND(used <= cut && cut - used < 65307);
    uint8_t *rest = exact(data + used, size - used);
    pieces.scan.position = 0;
    pieces.scan.strict = strict > used ? strict - used : 0;
    scan_on(rest, size - used, true, used, &pieces);
    free(rest);
    DEMAND(pieces.count == whole.count && pieces.digest == whole.digest);
    DEMAND(pieces.scan.garbage == whole.scan.garbage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool prepared;
    if (!prepared)
        talas_ogg_prepare();
    prepared = true;
    if (size < 3)
        return 0;
    size_t cut = ((size_t)data[0] << 8 | data[1]) % (size - 2);
    uint8_t *copy = exact(data + 3, size - 3);
    if (data[2] & 1)
        put_right(copy, size - 3);
    check(copy, size - 3, cut, data[2] & 2 ? (size_t)(data[2] >> 2) << 8 : 0);
    free(copy);
    return 0;
}
