/* Ogg pages on buffers of exact size: the CRC bit by bit, every prefix, lies and damage. */
#include "../ogg_pages.h"
#include "check.h"

static uint32_t slow_crc(const uint8_t *data, size_t size) {
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 31 ? crc << 1 ^ 0x04c11db7u : crc << 1;
    }
    return crc;
}

static void seal(uint8_t *page, size_t size) {
    memset(page + 22, 0, 4);
    uint32_t crc = slow_crc(page, size);
    for (size_t i = 0; i < 4; i++)
        page[22 + i] = (uint8_t)(crc >> 8 * i);
}

/* A page of `segments` segments, each but the last of 255 bytes, the last of `rest`. */
static size_t build(uint8_t *page, size_t segments, uint8_t rest) {
    memset(page, 0, 27);
    memcpy(page, "OggS", 4);
    page[5] = 2;
    memset(page + 6, 0xff, 8);
    page[14] = 9;
    page[18] = 3;
    page[26] = (uint8_t)segments;
    memset(page + 27, 255, segments);
    if (segments > 0)
        page[27 + segments - 1] = rest;
    size_t body = segments > 0 ? (segments - 1) * 255 + rest : 0, size = 27 + segments + body;
    for (size_t i = 0; i < body; i++)
        page[27 + segments + i] = (uint8_t)dice();
    seal(page, size);
    return size;
}

static bool next(const uint8_t *data, size_t size, bool final, struct talas_page_scan *scan,
                 struct talas_page *page) {
    uint8_t *copy = exact(data, size);
    bool found = talas_ogg_next(copy, size, final, scan, page);
    free(copy);
    return found;
}

static void test_lay(void) {
    for (size_t segments = 0; segments < 256; segments += 51) {
        uint8_t page[27 + 255 + 255 * 255];
        size_t size = build(page, segments, 7), body = size - 27 - segments;
        struct talas_page_head head = {-1, 9, 3, 2, (uint8_t)segments};
        uint8_t *lacing = exact(page + 27, segments), *rest = exact(page + 27 + segments, body);
        uint8_t *out = exact(NULL, size);
        talas_ogg_lay(&head, lacing, rest, body, out);
        CHECK(memcmp(out, page, size) == 0);
        free(lacing);
        free(rest);
        free(out);
    }
}

static void test_crc(void) {
    for (size_t size = 0; size < 70; size++) {
        uint8_t *data = exact(NULL, size);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)dice();
        CHECK(talas_ogg_crc(0, data, size) == slow_crc(data, size));
        CHECK(talas_ogg_crc(talas_ogg_crc(0, data, size / 3), data + size / 3, size - size / 3) ==
              slow_crc(data, size));
        free(data);
    }
}

static void test_prefixes(void) {
    static const struct {
        size_t segments;
        uint8_t rest;
        size_t pieces;
        bool complete;
    } shapes[] = {{0, 0, 0, true}, {1, 40, 1, true}, {3, 0, 1, true}, {3, 255, 1, false}};
    uint8_t data[27 + 3 + 3 * 255];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t size = build(data, shapes[i].segments, shapes[i].rest);
        for (size_t end = 0; end < size; end++) {
            struct talas_page_scan waits = {0}, ended = {0};
            struct talas_page page;
            CHECK(!next(data, end, false, &waits, &page));
            CHECK(waits.position == 0 && waits.garbage == 0);
            CHECK(!next(data, end, true, &ended, &page));
            CHECK(ended.position == end && ended.garbage == end);
        }
        struct talas_page_scan scan = {0};
        struct talas_page page;
        CHECK(next(data, size, false, &scan, &page));
        CHECK(scan.position == size && page.end == size && scan.garbage == 0);
        CHECK(page.granule == -1 && page.serial == 9 && page.sequence == 3 && page.flags == 2);
        CHECK(page.pieces == shapes[i].pieces && page.complete == shapes[i].complete);
    }
}

static void test_largest(void) {
    size_t size = 27 + 255 + 255 * 255;
    uint8_t *data = exact(NULL, size);
    CHECK(build(data, 255, 255) == size);
    struct talas_page_scan scan = {0};
    struct talas_page page;
    CHECK(next(data, size, false, &scan, &page));
    CHECK(page.pieces == 1 && page.piece[0].size == 255 * 255 && !page.complete);
    memset(data + 27, 0, 255); /* 255 packets of nothing */
    seal(data, 27 + 255);
    scan.position = 0;
    CHECK(next(data, 27 + 255, false, &scan, &page));
    CHECK(page.pieces == 255 && page.complete && page.end == 27 + 255);
    free(data);
}

static void test_damage(void) {
    uint8_t data[2000];
    size_t first = build(data, 2, 30), size = first + build(data + first, 1, 50);
    for (size_t at = 0; at < first; at++) {
        data[at] ^= 0x40;
        struct talas_page_scan scan = {0};
        struct talas_page page;
        bool found = next(data, size, true, &scan, &page);
        CHECK(found && page.end == size && scan.garbage == first);
        data[at] ^= 0x40;
    }
}

/* A long page whose sum is wrong ends the search once, right behind its beginning; a short one does
 * not, nor one that is not to be believed. */
static void test_false_pages(void) {
    for (size_t segments = 15; segments < 18; segments++) {
        size_t first = 27 + segments * 256;
        uint8_t *data = exact(NULL, first + 27 + 1 + 50);
        CHECK(build(data, segments, 255) == first);
        size_t size = first + build(data + first, 1, 50);
        bool is_long = first > TALAS_OGG_SHORT;
        struct talas_page page;

        struct talas_page_scan sound = {.strict = size};
        CHECK(next(data, size, true, &sound, &page));
        CHECK(!sound.failed && page.end == (is_long ? size : first));

        data[first - 1] ^= 1;
        struct talas_page_scan scan = {0};
        CHECK(next(data, size, true, &scan, &page) != is_long);
        if (is_long) {
            CHECK(scan.failed && scan.position == 1 && scan.garbage == 1);
            CHECK(next(data, size, true, &scan, &page));
        }
        CHECK(!scan.failed && page.end == size && scan.garbage == first);

        struct talas_page_scan strict = {.strict = 1};
        CHECK(next(data, size, true, &strict, &page));
        CHECK(!strict.failed && page.end == size && strict.garbage == first);
        free(data);
    }
}

static void test_noise(void) {
    for (int round = 0; round < 3000; round++) {
        uint8_t data[1200];
        size_t size = 0;
        while (size < 600) {
            uint32_t kind = dice() % 3;
            if (kind == 0)
                size += build(data + size, dice() % 3, (uint8_t)dice());
            else if (kind == 1)
                memcpy(data + size, "OggS\0\0", 6), size += dice() % 7;
            else
                data[size++] = (uint8_t)"OgS\0"[dice() % 4];
        }
        size = dice() % (size + 1);
        struct talas_page_scan scan = {0};
        struct talas_page page;
        while (next(data, size, dice() % 2, &scan, &page)) {
            CHECK(scan.position == page.end && page.end <= size);
            for (size_t i = 0; i < page.pieces; i++)
                CHECK(page.piece[i].start + page.piece[i].size <= page.end);
        }
        CHECK(scan.position <= size && scan.garbage <= scan.position);
    }
}

int main(void) {
    talas_ogg_prepare();
    test_crc();
    test_lay();
    test_prefixes();
    test_largest();
    test_damage();
    test_false_pages();
    test_noise();
    return failures != 0;
}
