#include "ogg_pages.h"

#include <string.h>

#define CAPTURE_BYTES 4
#define CRC_OFFSET 22

enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_WAIT };

/* tables[k][b]: what byte b does to the CRC when k more bytes follow it. */
static uint32_t tables[8][256];

void talas_ogg_prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
        tables[0][byte] = crc;
    }
    for (size_t k = 1; k < 8; k++)
        for (size_t byte = 0; byte < 256; byte++)
            tables[k][byte] = tables[k - 1][byte] << 8 ^ tables[0][tables[k - 1][byte] >> 24];
}

uint32_t talas_ogg_crc(uint32_t crc, const uint8_t *data, size_t size) {
    for (; size >= 8; size -= 8, data += 8) {
        crc ^= (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
        crc = tables[7][crc >> 24] ^ tables[6][crc >> 16 & 255] ^ tables[5][crc >> 8 & 255] ^
              tables[4][crc & 255] ^ tables[3][data[4]] ^ tables[2][data[5]] ^
              tables[1][data[6]] ^ tables[0][data[7]];
    }
    for (; size > 0; size--, data++)
        crc = crc << 8 ^ tables[0][crc >> 24 ^ *data];
    return crc;
}

static uint32_t little32(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool crc_holds(const uint8_t *page, size_t size) {
    static const uint8_t blank[4] = {0, 0, 0, 0};
    uint32_t crc = talas_ogg_crc(0, page, CRC_OFFSET);
    crc = talas_ogg_crc(crc, blank, sizeof blank);
    crc = talas_ogg_crc(crc, page + CRC_OFFSET + 4, size - CRC_OFFSET - 4);
    return crc == little32(page + CRC_OFFSET);
}

/* Whether a sound page of at most `most` bytes stands at `p`, of which `size` bytes are here. Sets
 * `length` where its sum was made. */
static enum verdict judge(const uint8_t *p, size_t size, size_t most, size_t *length) {
    if (size < TALAS_OGG_HEADER)
        return VERDICT_WAIT;
    if (p[4] != 0 || p[5] > 7)
        return VERDICT_NO;
    size_t total = (size_t)TALAS_OGG_HEADER + p[26];
    if (size < total)
        return VERDICT_WAIT;
    for (size_t i = 0; i < p[26]; i++)
        total += p[TALAS_OGG_HEADER + i];
    if (total > most)
        return VERDICT_NO;
    if (size < total)
        return VERDICT_WAIT;
    *length = total;
    return crc_holds(p, total) ? VERDICT_YES : VERDICT_NO;
}

static void describe(const uint8_t *data, size_t at, struct talas_page *page) {
    const uint8_t *p = data + at;
    page->flags = p[5];
    page->granule = (int64_t)((uint64_t)little32(p + 10) << 32 | little32(p + 6));
    page->serial = little32(p + 14);
    page->sequence = little32(p + 18);
    page->pieces = 0;
    page->complete = true;
    size_t start = at + TALAS_OGG_HEADER + p[26], end = start;
    for (size_t i = 0; i < p[26]; i++) {
        uint8_t lace = p[TALAS_OGG_HEADER + i];
        end += lace;
        page->complete = lace < 255;
        if (page->complete || i + 1 == p[26]) {
            page->piece[page->pieces].start = start;
            page->piece[page->pieces++].size = end - start;
            start = end;
        }
    }
    page->end = end;
}

static void put_little(uint8_t *out, uint64_t value, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

void talas_ogg_lay(const struct talas_page_head *head, const uint8_t *lacing, const uint8_t *body,
                   size_t size, uint8_t *out) {
    memcpy(out, "OggS", CAPTURE_BYTES);
    out[4] = 0;
    out[5] = head->flags;
    put_little(out + 6, (uint64_t)head->granule, 8);
    put_little(out + 14, head->serial, 4);
    put_little(out + 18, head->sequence, 4);
    put_little(out + CRC_OFFSET, 0, 4);
    out[26] = head->segments;
    memcpy(out + TALAS_OGG_HEADER, lacing, head->segments);
    memcpy(out + TALAS_OGG_HEADER + head->segments, body, size);
    uint32_t crc = talas_ogg_crc(0, out, TALAS_OGG_HEADER + head->segments + size);
    put_little(out + CRC_OFFSET, crc, 4);
}

/* Where the capture pattern next stands, or might once more bytes are here. */
static size_t find_capture(const uint8_t *data, size_t size, size_t from) {
    while (from < size) {
        const uint8_t *hit = memchr(data + from, 'O', size - from);
        if (!hit)
            return size;
        from = (size_t)(hit - data);
        size_t rest = size - from;
        if (memcmp(hit, "OggS", rest < CAPTURE_BYTES ? rest : CAPTURE_BYTES) == 0)
            return from;
        from++;
    }
    return size;
}

bool talas_ogg_next(const uint8_t *data, size_t size, bool final, struct talas_page_scan *scan,
                    struct talas_page *page) {
    size_t from = scan->position;
    scan->failed = false;
    while (from < size) {
        size_t at = find_capture(data, size, from), length = 0;
        size_t most = at < scan->strict ? TALAS_OGG_SHORT : SIZE_MAX;
        enum verdict verdict = at < size ? judge(data + at, size - at, most, &length) : VERDICT_NO;
        if (verdict == VERDICT_NO || (verdict == VERDICT_WAIT && final)) {
            from = at + 1;
            if (length > TALAS_OGG_SHORT) {
                scan->garbage += from - scan->position;
                scan->position = from;
                scan->failed = true;
                return false;
            }
            continue;
        }
        scan->garbage += at - scan->position;
        scan->position = at;
        if (verdict == VERDICT_WAIT)
            return false;
        describe(data, at, page);
        scan->position = at + length;
        return true;
    }
    scan->garbage += size - scan->position;
    scan->position = size;
    return false;
}
