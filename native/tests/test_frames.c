/* Frame scanning on buffers of exact size: every prefix of sound streams, damaged ones, noise. */
#include "../adts_frames.h"
#include "../mpeg_frames.h"
#include "check.h"

#define FRAMES 6

/* MPEG-1 layer III at 128 kbit/s and 44.1 kHz: 417 bytes. */
static size_t mpeg_stream(uint8_t *out) {
    static const uint8_t header[4] = {0xff, 0xfb, 0x90, 0x44};
    for (size_t i = 0; i < FRAMES; i++) {
        memset(out + i * 417, (int)i, 417);
        memcpy(out + i * 417, header, sizeof header);
    }
    return FRAMES * 417;
}

/* AAC-LC at 48 kHz in stereo: frames of 7 + 60 bytes. */
static size_t adts_stream(uint8_t *out) {
    static const uint8_t header[7] = {0xff, 0xf1, 0x4c, 0x80, 67 >> 3, (67 & 7) << 5 | 0x1f, 0xfc};
    for (size_t i = 0; i < FRAMES; i++) {
        memset(out + i * 67, (int)i, 67);
        memcpy(out + i * 67, header, sizeof header);
    }
    return FRAMES * 67;
}

/* Scan a copy of exact size, one span at a time, and answer how many frames there were. */
static size_t scan(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                   bool final, struct talas_scan *state) {
    uint8_t *copy = exact(data, size);
    struct talas_span span;
    size_t count = 0;
    while (talas_scan_frames(grammar, copy, size, final, state, &span, 1) == 1) {
        CHECK(span.start <= size && span.size <= size - span.start);
        count++;
    }
    free(copy);
    return count;
}

static void test_prefixes(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                          size_t frame) {
    for (size_t end = 0; end <= size; end++) {
        struct talas_scan state = {0};
        size_t whole = end < grammar->header_bytes ? 0 : (end - grammar->header_bytes) / frame;
        CHECK(scan(grammar, data, end, false, &state) == whole);
        CHECK(state.position <= end);
        struct talas_scan last = {0};
        size_t expected = end / frame;
        CHECK(scan(grammar, data, end, true, &last) == (whole > 0 ? expected : 0));
        CHECK(last.position == end);
    }
}

/* In step, what ends with a frame is not held back; what ends anywhere else is scanned as ever. */
static void test_prompt(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                        size_t frame) {
    for (size_t end = 2 * frame; end <= size; end++) {
        struct talas_scan state = {.prompt = true};
        size_t whole = end % frame ? (end - grammar->header_bytes) / frame : end / frame;
        CHECK(scan(grammar, data, end, false, &state) == whole);
        CHECK(state.position == whole * frame && state.garbage == 0 && state.reference != 0);
        CHECK(state.hurried == (end % frame == 0));
    }
}

static void test_capacity(void) {
    uint8_t data[FRAMES * 417];
    size_t size = mpeg_stream(data);
    struct talas_scan state = {0};
    struct talas_span *spans = (struct talas_span *)(void *)exact(NULL, 4 * sizeof *spans);
    CHECK(talas_scan_frames(&talas_mpeg, data, size, true, &state, spans, 0) == 0);
    CHECK(talas_scan_frames(&talas_mpeg, data, size, true, &state, spans, 4) == 4);
    CHECK(spans[3].start == 3 * 417 && spans[3].size == 417);
    CHECK(talas_scan_frames(&talas_mpeg, data, size, true, &state, spans, 4) == 2);
    CHECK(state.garbage == 0 && state.reference == 0xfffa0000);
    free(spans);
}

static void test_tags(void) {
    uint8_t data[10 + FRAMES * 417];
    memcpy(data, "ID3\x04\x00\x00\x00\x00\x00\x00", 10);
    size_t size = 10 + mpeg_stream(data + 10);
    for (size_t end = 0; end <= size; end++) {
        struct talas_scan state = {0};
        size_t found = scan(&talas_mpeg, data, end, true, &state);
        CHECK(end < size || (found == FRAMES && state.garbage == 0));
    }
    /* The largest tag: the position goes past the data, and nothing there is touched. */
    memcpy(data, "ID3\x04\x00\x10\x7f\x7f\x7f\x7f", 10);
    struct talas_scan state = {0};
    CHECK(scan(&talas_mpeg, data, size, false, &state) == 0);
    CHECK(state.position == 20 + 0x0fffffff && state.garbage == 0);
}

static void test_cut_short(void) {
    uint8_t data[FRAMES * 417];
    size_t size = mpeg_stream(data);
    memmove(data + 2 * 417 + 100, data + 3 * 417, size - 3 * 417);
    size -= 317;
    struct talas_scan state = {0};
    CHECK(scan(&talas_mpeg, data, size, true, &state) == FRAMES - 1);
    CHECK(state.garbage == 100);
}

static void test_notes(void) {
    static const struct {
        uint8_t header[4];
        size_t at;
        const char *mark;
    } notes[] = {
        {{0xff, 0xfb, 0x90, 0x44}, 36, "Xing"}, {{0xff, 0xfb, 0x90, 0xc4}, 21, "Info"},
        {{0xff, 0xf3, 0x90, 0x44}, 21, "Xing"}, {{0xff, 0xf3, 0x90, 0xc4}, 13, "Info"},
        {{0xff, 0xfb, 0x90, 0x44}, 36, "VBRI"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        uint8_t frame[64] = {0};
        memcpy(frame, notes[i].header, 4);
        memcpy(frame + notes[i].at, notes[i].mark, 4);
        for (size_t size = 4; size <= sizeof frame; size++) {
            uint8_t *copy = exact(frame, size);
            CHECK(talas_mpeg.is_note(copy, size) == (size >= notes[i].at + 4));
            free(copy);
        }
    }
}

/* Noise thick with sync words, tags and sound frames, at every kind of reference. */
static void test_noise(const struct talas_grammar *grammar, const uint8_t *sound, size_t frame) {
    static const uint32_t references[] = {0, 0xfffa0000, 0xfff04c80, 0xffffffff};
    for (int round = 0; round < 4000; round++) {
        uint8_t data[2000];
        size_t size = 0;
        while (size + frame < 1500) {
            uint32_t kind = dice() % 4;
            if (kind == 0) {
                size_t part = dice() % frame;
                memcpy(data + size, sound, part);
                size += part;
            } else if (kind == 1) {
                memcpy(data + size, sound, frame);
                size += frame;
            } else if (kind == 2) {
                memcpy(data + size, "ID3\x04\x00\x00\x00\x00\x00\x10", 10);
                size += dice() % 11;
            } else {
                for (uint32_t n = dice() % 20; n > 0; n--)
                    data[size++] = dice() % 2 ? 0xff : (uint8_t)dice();
            }
        }
        struct talas_scan state = {.reference = references[dice() % 4], .prompt = dice() % 2};
        scan(grammar, data, dice() % (size + 1), dice() % 2, &state);
    }
}

int main(void) {
    uint8_t mpeg[FRAMES * 417], adts[FRAMES * 67];
    size_t mpeg_size = mpeg_stream(mpeg), adts_size = adts_stream(adts);
    test_prefixes(&talas_mpeg, mpeg, mpeg_size, 417);
    test_prefixes(&talas_adts, adts, adts_size, 67);
    test_prompt(&talas_mpeg, mpeg, mpeg_size, 417);
    test_prompt(&talas_adts, adts, adts_size, 67);
    test_capacity();
    test_tags();
    test_cut_short();
    test_notes();
    test_noise(&talas_mpeg, mpeg, 417);
    test_noise(&talas_adts, adts, 67);
    return failures != 0;
}
