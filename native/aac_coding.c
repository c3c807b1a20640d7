#include "aac_coding.h"

#include <math.h>
#include <string.h>

#include "aac_books.h"
#include "aac_rate.h"
#include "aac_shape.h"

/* Below a half: of the numbers that a line lies between, the smaller one is the more frequent, above
 * all where numbers are small. */
#define ROUNDING 0.36f
#define ROUNDING_LARGE 0.45f
#define LARGE 4
#define SMALL 7      /* largest number in a band that may be said louder */
#define MISSED 1.19f /* times what is left of its energy, from which on it is: half of 1.5 dB */

/* The number that stands for a line whose size, to 3/4, is `power`. */
static int number(float power, float factor, float rounding) {
    const float size = power * factor + rounding;
    return (int)(size < TALAS_AAC_HIGHEST ? size : TALAS_AAC_HIGHEST);
}

/* Whether a decoder is to make a band louder by 1.5 dB: rounding towards nothing takes some of the
 * energy of those that have few bits, which is heard as dullness. */
static int louder(const struct talas_aac_channel *channel, int b, int start, int end) {
    /* Of each number, what it stands for, squared: n^(8/3). */
    static const float squares[SMALL + 1] = {0,        1,        6.3496f,   18.7208f,
                                             40.3175f, 73.1004f, 118.8712f, 179.2896f};
    float sum = 0;
    if (channel->highest[b] > SMALL)
        return 0;
    for (int i = start; i < end; i++)
        sum += squares[talas_aac_magnitude(channel->quantised[i])];
    return channel->energy[b] > MISSED * sum * exp2f(0.5f * (float)channel->scale[b]);
}

static void quantise(const struct talas_aac_layout *layout, struct talas_aac_channel *channel) {
    for (int b = 0; b < layout->bands; b++) {
        const int start = layout->edges[b], end = layout->edges[b + 1];
        const float factor = exp2f(-0.1875f * (float)channel->scale[b]);
        const float rounding = channel->peak[b] * factor > LARGE ? ROUNDING_LARGE : ROUNDING;
        channel->highest[b] = number(channel->peak[b], factor, rounding);
        if (channel->highest[b] == 0) {
            channel->louder[b] = 0;
            memset(channel->quantised + start, 0, sizeof(int16_t) * (size_t)(end - start));
            continue;
        }
        for (int i = start; i < end; i++) {
            const int size = number(channel->powers[i], factor, rounding);
            channel->quantised[i] = (int16_t)(channel->lines[i] < 0 ? -size : size);
        }
        channel->louder[b] = louder(channel, b, start, end);
    }
}

static bool any_middle(const struct talas_aac_frame *frame) {
    for (int b = 0; b < frame->layout.bands; b++)
        if (frame->middle[b])
            return true;
    return false;
}

int talas_aac_quantise(struct talas_aac_frame *frame) {
    const struct talas_aac_layout *layout = &frame->layout;
    /* Element, shared window, stereo; of each channel, gain and three tools; the end. */
    int bits = 8 + (layout->sequence == TALAS_AAC_EIGHT ? 15 : 11) + 2 + 2 * (8 + 3) + 3;
    if (any_middle(frame))
        bits += layout->bands;
    for (int c = 0; c < 2; c++) {
        struct talas_aac_channel *channel = &frame->channel[c];
        quantise(layout, channel);
        bits += talas_aac_choose(layout, channel) + talas_aac_shape_bits(channel);
    }
    return (bits + 7) / 8 * 8;
}

struct writer {
    uint8_t *out;
    size_t size, room;
    uint64_t held;
    int count;
};

static void put(struct writer *writer, uint32_t value, int bits) {
    writer->held = writer->held << bits | value;
    writer->count += bits;
    while (writer->count >= 8) {
        writer->count -= 8;
        if (writer->size < writer->room)
            writer->out[writer->size] = (uint8_t)(writer->held >> writer->count);
        writer->size++;
    }
}

static void put_code(struct writer *writer, uint32_t code) {
    put(writer, code >> 5, (int)(code & 31));
}

static void put_signs(struct writer *writer, const int16_t *lines, int count) {
    for (int i = 0; i < count; i++)
        if (lines[i] != 0)
            put(writer, lines[i] < 0, 1);
}

static void put_escape(struct writer *writer, int size) {
    if (size < TALAS_AAC_ESCAPED)
        return;
    const int more = 31 - __builtin_clz((unsigned)size) - 4;
    put(writer, (1u << (more + 1)) - 2, more + 1);
    put(writer, (uint32_t)size - (TALAS_AAC_ESCAPED << more), more + 4);
}

static void put_lines(struct writer *writer, int book, const int16_t *lines, int count) {
    const uint32_t *codes = talas_aac_books[book];
    const int base = book == TALAS_AAC_ESCAPES ? 17 : talas_aac_largest[book] + 1;
    for (int i = 0; i < count; i += book <= 4 ? 4 : 2) {
        const int16_t *v = lines + i;
        if (book <= 2) {
            put_code(writer, codes[27 * v[0] + 9 * v[1] + 3 * v[2] + v[3] + 40]);
        } else if (book <= 4) {
            put_code(writer, codes[27 * talas_aac_magnitude(v[0]) + 9 * talas_aac_magnitude(v[1]) +
                                   3 * talas_aac_magnitude(v[2]) + talas_aac_magnitude(v[3])]);
            put_signs(writer, v, 4);
        } else if (book <= 6) {
            put_code(writer, codes[9 * v[0] + v[1] + 40]);
        } else {
            const int a = talas_aac_magnitude(v[0]), b = talas_aac_magnitude(v[1]);
            put_code(writer, codes[base * (a < base ? a : base - 1) + (b < base ? b : base - 1)]);
            put_signs(writer, v, 2);
            if (book == TALAS_AAC_ESCAPES) {
                put_escape(writer, a);
                put_escape(writer, b);
            }
        }
    }
}

static void put_info(struct writer *writer, const struct talas_aac_layout *layout) {
    put(writer, 0, 1);
    put(writer, layout->sequence, 2);
    put(writer, 1, 1); /* Kaiser-Bessel-derived */
    if (layout->sequence != TALAS_AAC_EIGHT) {
        put(writer, (uint32_t)layout->each, 6);
        put(writer, 0, 1); /* no prediction */
        return;
    }
    put(writer, (uint32_t)layout->each, 4);
    for (int g = 0; g < layout->groups; g++)
        for (int w = g > 0 ? 0 : 1; w < layout->windows[g]; w++)
            put(writer, w > 0, 1);
}

static void put_sections(struct writer *writer, const struct talas_aac_layout *layout,
                         const struct talas_aac_channel *channel) {
    const int field = layout->sequence == TALAS_AAC_EIGHT ? 3 : 5, most = (1 << field) - 1;
    for (int first = 0; first < layout->bands; first += layout->each)
        for (int b = first, end = first + layout->each; b < end;) {
            int bands = 1;
            while (b + bands < end && channel->book[b + bands] == channel->book[b])
                bands++;
            put(writer, channel->book[b], 4);
            b += bands;
            for (; bands >= most; bands -= most)
                put(writer, (uint32_t)most, field);
            put(writer, (uint32_t)bands, field);
        }
}

/* One filter over the uppermost bands, those included that no stream of this rate has. */
static void put_shape(struct writer *writer, const struct talas_aac_shape *shape) {
    put(writer, shape->order > 0, 1);
    if (shape->order == 0)
        return;
    put(writer, 1, 2);
    put(writer, 1, 1); /* coefficients of 4 bits */
    put(writer, TALAS_AAC_LONG_BANDS - TALAS_AAC_SHAPE_FIRST, 6);
    put(writer, (uint32_t)shape->order, 5);
    put(writer, 0, 2); /* upwards; not compressed */
    for (int i = 0; i < shape->order; i++)
        put(writer, (uint32_t)shape->index[i] & 15, 4);
}

static void put_channel(struct writer *writer, const struct talas_aac_layout *layout,
                        const struct talas_aac_channel *channel) {
    int gain = 0, before;
    for (int b = layout->bands - 1; b >= 0; b--)
        if (channel->book[b] != 0)
            gain = talas_aac_said(channel, b) + 100;
    put(writer, (uint32_t)gain, 8);
    put_sections(writer, layout, channel);
    before = gain - 100;
    for (int b = 0; b < layout->bands; b++) {
        if (channel->book[b] == 0)
            continue;
        const int step = talas_aac_said(channel, b) - before;
        put_code(writer, talas_aac_scale_codes[step + TALAS_AAC_SCALE_MIDDLE]);
        before = talas_aac_said(channel, b);
    }
    put(writer, 0, 1); /* no pulses */
    put_shape(writer, &channel->shape);
    put(writer, 0, 1); /* no gain control */
    for (int b = 0; b < layout->bands; b++)
        if (channel->book[b] != 0)
            put_lines(writer, channel->book[b], channel->quantised + layout->edges[b],
                      layout->edges[b + 1] - layout->edges[b]);
}

/* An element of nothing. It takes 7 bits and whole bytes, or 15 and whole bytes from 15 on. */
static void put_fill(struct writer *writer, int bytes) {
    put(writer, 6, 3);
    if (bytes < 15) {
        put(writer, (uint32_t)bytes, 4);
    } else {
        put(writer, 15, 4);
        put(writer, (uint32_t)(bytes - 14), 8);
    }
    for (int i = 0; i < bytes; i++)
        put(writer, 0, 8);
}

size_t talas_aac_write(const struct talas_aac_frame *frame, int fill, uint8_t *out) {
    const struct talas_aac_layout *layout = &frame->layout;
    struct writer writer = {.out = out, .room = TALAS_AAC_MOST_BYTES};
    put(&writer, 1, 3); /* a pair of channels, the first of its kind */
    put(&writer, 0, 4);
    put(&writer, 1, 1);
    put_info(&writer, layout);
    put(&writer, any_middle(frame), 2);
    for (int b = 0; any_middle(frame) && b < layout->bands; b++)
        put(&writer, frame->middle[b], 1);
    for (int c = 0; c < 2; c++)
        put_channel(&writer, layout, &frame->channel[c]);
    for (int left = fill; left >= 2;) {
        /* Its 7 bits take a byte with what is left of the last one, its 15 two. */
        const int bytes = left - 1 < 15 ? left - 1 : left - 2 < 269 ? left - 2 : 269;
        put_fill(&writer, bytes);
        left -= bytes < 15 ? bytes + 1 : bytes + 2;
    }
    put(&writer, 7, 3);
    if (writer.count > 0)
        put(&writer, 0, 8 - writer.count);
    return writer.size;
}
