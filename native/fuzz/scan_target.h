/* The frame scanner under any grammar: what it finds lies in the data, in order, and is the same
 * when the data comes in two pieces.
 *
 * The first two bytes of an input say where it is cut in two.
 */
#ifndef TALAS_SCAN_TARGET_H
#define TALAS_SCAN_TARGET_H

#include "../frame_scan.h"
#include "fuzz.h"

#define SPANS 16 /* few, so that a scan often stops for lack of room and goes on */

struct finding {
    struct talas_scan scan;
    size_t count;
    uint64_t digest; /* of where each frame starts and ends */
};

/* Scan on in `data`, of which the first byte stands at `base` in the whole. */
static void scan_on(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                    bool final, size_t base, struct finding *found) {
    struct talas_span spans[SPANS];
    size_t count = SPANS, behind = 0;
    while (count == SPANS) {
        size_t before = found->scan.position;
        count = talas_scan_frames(grammar, data, size, final, &found->scan, spans, SPANS);
        DEMAND(count <= SPANS && found->scan.position >= before);
        for (size_t i = 0; i < count; i++) {
            DEMAND(spans[i].start >= behind && spans[i].size >= grammar->header_bytes);
            DEMAND(spans[i].start <= size && spans[i].size <= size - spans[i].start);
            DEMAND(grammar->frame_bytes(data + spans[i].start) == spans[i].size);
            behind = spans[i].start + spans[i].size;
            found->digest = found->digest * 1099511628211u + base + spans[i].start;
            found->digest = found->digest * 1099511628211u + base + behind;
        }
        found->count += count;
    }
    DEMAND(!final || found->scan.position >= size);
}

static int scan_target(const struct talas_grammar *grammar, const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t cut = (size_t)data[0] << 8 | data[1];
    data += 2;
    size -= 2;
    cut = size > 0 ? cut % (size + 1) : 0;
    struct finding whole = {0}, pieces = {0};
    scan_on(grammar, data, size, true, 0, &whole);
    DEMAND(whole.scan.garbage <= size);

    uint8_t *first = exact(data, cut);
    scan_on(grammar, first, cut, false, 0, &pieces);
    free(first);
    /* As the framer does: what is used up goes, and a tag may end past what is here. */
    size_t used = pieces.scan.position;
    DEMAND(used >= cut || cut - used <= 16384);
    if (used < size) {
        uint8_t *rest = exact(data + used, size - used);
        pieces.scan.position = 0;
        scan_on(grammar, rest, size - used, true, used, &pieces);
        free(rest);
    }
    DEMAND(pieces.count == whole.count && pieces.digest == whole.digest);
    DEMAND(pieces.scan.garbage == whole.scan.garbage);
    return 0;
}

#endif
