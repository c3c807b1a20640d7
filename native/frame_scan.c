#include "frame_scan.h"

#define TAG_HEADER_BYTES 10

enum step { STEP_ON, STEP_FRAME, STEP_WAIT };
enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_WAIT };

struct input {
    const struct talas_grammar *grammar;
    const uint8_t *data;
    size_t size;
    bool final;
};

static uint32_t kind_at(const struct input *in, size_t at) {
    const uint8_t *p = in->data + at;
    uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return word & in->grammar->kind;
}

static bool fits(const struct input *in, size_t at, size_t count) {
    return at <= in->size && in->size - at >= count;
}

/* Length of the frame at `at` when a header of this kind stands there, else 0. */
static size_t frame_of_kind(const struct input *in, size_t at, uint32_t kind) {
    return kind_at(in, at) == kind ? in->grammar->frame_bytes(in->data + at) : 0;
}

/* Whether the frame of `length` at `at` is followed by a header of the same kind. */
static enum verdict confirmed(const struct input *in, size_t at, size_t length, uint32_t kind) {
    if (!fits(in, at, length) || !fits(in, at + length, in->grammar->header_bytes))
        return in->final ? VERDICT_NO : VERDICT_WAIT;
    return frame_of_kind(in, at + length, kind) ? VERDICT_YES : VERDICT_NO;
}

/* Length of the ID3v2 tag at `at`, 0 when there is none. Needs TAG_HEADER_BYTES. */
static size_t tag_bytes(const uint8_t *p) {
    if (p[0] != 'I' || p[1] != 'D' || p[2] != '3')
        return 0;
    if (p[3] == 0xff || p[4] == 0xff || (p[5] & 0x0f) != 0)
        return 0;
    if ((p[6] | p[7] | p[8] | p[9]) & 0x80)
        return 0;
    size_t body = (size_t)p[6] << 21 | (size_t)p[7] << 14 | (size_t)p[8] << 7 | p[9];
    return TAG_HEADER_BYTES + body + ((p[5] & 0x10) ? TAG_HEADER_BYTES : 0);
}

/* Look inside a frame for the start of an undamaged one: then the frame at hand was cut short. */
static enum verdict find_inside(const struct input *in, size_t start, size_t end, uint32_t kind,
                                size_t *found) {
    for (size_t at = start; at < end && fits(in, at, in->grammar->header_bytes); at++) {
        if (in->data[at] != 0xff)
            continue;
        size_t length = frame_of_kind(in, at, kind);
        if (length == 0)
            continue;
        enum verdict verdict = confirmed(in, at, length, kind);
        if (verdict != VERDICT_NO) {
            *found = at;
            return verdict;
        }
    }
    return VERDICT_NO;
}

static void discard_to(struct talas_scan *scan, size_t at) {
    scan->garbage += at - scan->position;
    scan->position = at;
}

/* Out of step: find a header that leads to another of its kind, or a tag. */
static enum step search(const struct input *in, struct talas_scan *scan) {
    size_t at = scan->position;
    for (; fits(in, at, TAG_HEADER_BYTES); at++) {
        const uint8_t *p = in->data + at;
        if (p[0] == 0xff) {
            size_t length = in->grammar->frame_bytes(p);
            if (length == 0)
                continue;
            uint32_t kind = kind_at(in, at);
            enum verdict verdict = confirmed(in, at, length, kind);
            if (verdict == VERDICT_NO)
                continue;
            discard_to(scan, at);
            if (verdict == VERDICT_WAIT)
                return STEP_WAIT;
            scan->reference = kind;
            return STEP_ON;
        }
        size_t tag = p[0] == 'I' ? tag_bytes(p) : 0;
        if (tag != 0) {
            discard_to(scan, at);
            scan->position += tag;
            return STEP_ON;
        }
    }
    /* Too little is left to hold a frame and its successor's header, so at the end it is garbage.
     * */
    if (in->final)
        at = in->size;
    if (at > scan->position)
        discard_to(scan, at);
    return STEP_WAIT;
}

/* In step, and a header of our kind stands here: is its frame whole? */
static enum step take_frame(const struct input *in, struct talas_scan *scan, size_t length,
                            struct talas_span *span) {
    size_t at = scan->position;
    if (!fits(in, at, length)) {
        if (!in->final)
            return STEP_WAIT;
        scan->reference = 0;
        return STEP_ON;
    }
    enum verdict verdict = confirmed(in, at, length, scan->reference);
    if (verdict == VERDICT_NO) {
        size_t inner = 0;
        verdict = find_inside(in, at + 1, at + length, scan->reference, &inner);
        if (verdict == VERDICT_YES) {
            discard_to(scan, inner);
            return STEP_ON;
        }
    }
    if (verdict == VERDICT_WAIT)
        return STEP_WAIT;
    scan->position = at + length;
    if (in->grammar->is_note && in->grammar->is_note(in->data + at, length))
        return STEP_ON;
    span->start = at;
    span->size = length;
    return STEP_FRAME;
}

static enum step advance(const struct input *in, struct talas_scan *scan, struct talas_span *span) {
    size_t at = scan->position;
    if (scan->reference == 0)
        return search(in, scan);
    if (!fits(in, at, in->grammar->header_bytes) && !in->final)
        return STEP_WAIT;
    if (fits(in, at, in->grammar->header_bytes)) {
        size_t length = frame_of_kind(in, at, scan->reference);
        if (length != 0)
            return take_frame(in, scan, length, span);
    }
    if (fits(in, at, TAG_HEADER_BYTES)) {
        size_t tag = tag_bytes(in->data + at);
        if (tag != 0) {
            scan->position += tag;
            return STEP_ON;
        }
    } else if (!in->final) {
        return STEP_WAIT;
    }
    scan->reference = 0;
    return STEP_ON;
}

/* Nothing more to find without more data: is that not to be waited for? */
static bool hurry(struct input *in, struct talas_scan *scan) {
    size_t at = scan->position;
    if (in->final || !scan->prompt || scan->reference == 0)
        return false;
    if (!fits(in, at, in->grammar->header_bytes) ||
        frame_of_kind(in, at, scan->reference) != in->size - at)
        return false;
    in->final = scan->hurried = true;
    return true;
}

size_t talas_scan_frames(const struct talas_grammar *grammar, const uint8_t *data, size_t size,
                         bool final, struct talas_scan *scan, struct talas_span *spans,
                         size_t capacity) {
    struct input in = {grammar, data, size, final || scan->hurried};
    size_t count = 0;
    while (count < capacity && scan->position < size) {
        switch (advance(&in, scan, &spans[count])) {
        case STEP_FRAME:
            count++;
            break;
        case STEP_WAIT:
            if (!hurry(&in, scan))
                return count;
            break;
        case STEP_ON:
            break;
        }
    }
    return count;
}
