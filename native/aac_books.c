#include "aac_books.h"

#include <string.h>

#include "aac_rate.h"

#define BOOKS 12
#define NEVER (1 << 24)

/* What each book can hold, without sign. */
const int talas_aac_largest[BOOKS] = {0, 1, 1, 2, 2, 4, 4, 7, 7, 12, 12, TALAS_AAC_HIGHEST};

/* Lengths of codes, signs included, in several books at once: fields of 16 bits for four lines
 * (books 1 to 4, by numbers from -2 to 2), of 16 for two small ones with sign (5 and 6), and of 12
 * for two without (7 to 11). Of a number that a book lacks, the field means nothing. */
static uint64_t fours[5 * 5 * 5 * 5];
static uint32_t small_pairs[9 * 9];
static uint64_t pairs[17 * 17];

static unsigned length(int book, int index) {
    return talas_aac_books[book][index] & 31;
}

static void prepare_fours(void) {
    for (int i = 0; i < 5 * 5 * 5 * 5; i++) {
        const int v[4] = {i / 125 - 2, i / 25 % 5 - 2, i / 5 % 5 - 2, i % 5 - 2};
        int with_sign = 0, without = 0, signs = 0, most = 0;
        for (int j = 0; j < 4; j++) {
            const int size = v[j] < 0 ? -v[j] : v[j];
            with_sign = 3 * with_sign + v[j] + 1;
            without = 3 * without + size;
            signs += size > 0;
            most = size > most ? size : most;
        }
        for (int book = 1; book <= 4; book++) {
            const unsigned bits = book > 2     ? length(book, without) + (unsigned)signs
                                  : most <= 1 ? length(book, with_sign)
                                              : 0;
            fours[i] |= (uint64_t)bits << 16 * (book - 1);
        }
    }
}

void talas_aac_books_prepare(void) {
    memset(fours, 0, sizeof fours);
    memset(pairs, 0, sizeof pairs);
    prepare_fours();
    for (int i = 0; i < 9 * 9; i++)
        small_pairs[i] = length(5, i) | length(6, i) << 16;
    for (int a = 0; a <= 16; a++)
        for (int b = 0; b <= 16; b++)
            for (int book = 7; book <= 11; book++) {
                const int base = book == 11 ? 17 : talas_aac_largest[book] + 1;
                if (a < base && b < base)
                    pairs[17 * a + b] |= (uint64_t)(length(book, base * a + b) + (a > 0) + (b > 0))
                                         << 12 * (book - 7);
            }
}

/* Bits after the code of a number that the last book escapes: a prefix, then all but its first. */
static int escape_bits(int size) {
    return size < TALAS_AAC_ESCAPED ? 0 : 2 * (31 - __builtin_clz((unsigned)size)) - 3;
}

/* Bits in the books of four numbers, of which the first two hold but 1. */
static void costs_of_fours(const int16_t *lines, int count, int highest, int *bits) {
    uint64_t sum = 0;
    for (int i = 0; i < count; i += 4)
        sum += fours[125 * lines[i] + 25 * lines[i + 1] + 5 * lines[i + 2] + lines[i + 3] + 312];
    for (int book = highest <= 1 ? 1 : 3; book <= 4; book++)
        bits[book] = (int)(sum >> 16 * (book - 1) & 0xffff);
}

static void costs_of_small_pairs(const int16_t *lines, int count, int *bits) {
    uint32_t sum = 0;
    for (int i = 0; i < count; i += 2)
        sum += small_pairs[9 * lines[i] + lines[i + 1] + 40];
    bits[5] = (int)(sum & 0xffff);
    bits[6] = (int)(sum >> 16);
}

static void costs_of_pairs(const int16_t *lines, int count, int highest, int *bits) {
    uint64_t sum = 0;
    int escapes = 0;
    for (int i = 0; i < count; i += 2) {
        const int a = talas_aac_magnitude(lines[i]), b = talas_aac_magnitude(lines[i + 1]);
        sum += pairs[17 * (a < 16 ? a : 16) + (b < 16 ? b : 16)];
        if (highest >= TALAS_AAC_ESCAPED)
            escapes += escape_bits(a) + escape_bits(b);
    }
    for (int book = 7; book <= 11; book++)
        if (highest <= talas_aac_largest[book])
            bits[book] = (int)(sum >> 12 * (book - 7) & 0xfff);
    bits[11] += escapes;
}

/* Bits of one band's lines in every book that can hold them. */
static void costs(const int16_t *lines, int count, int highest, int *bits) {
    for (int book = 0; book < BOOKS; book++)
        bits[book] = NEVER;
    if (highest == 0)
        bits[0] = 0;
    if (highest <= 2)
        costs_of_fours(lines, count, highest, bits);
    if (highest <= 4)
        costs_of_small_pairs(lines, count, bits);
    costs_of_pairs(lines, count, highest, bits);
}

/* Bits that say a section's book and how many bands it has. */
static int section_bits(const struct talas_aac_layout *layout, int bands) {
    const int field = layout->sequence == TALAS_AAC_EIGHT ? 3 : 5, most = (1 << field) - 1;
    return 4 + field * (bands / most + 1);
}

/* The cheapest ways to code a group's bands up to one of them, by the book that band is in. */
struct ways {
    int bits[BOOKS];
    int bands[BOOKS]; /* of the section that goes on */
    int best;         /* book */
};

/* Go on by a band that takes `bits` in each book: in the section of the band before, or in a
 * new one after the best way so far. `from` becomes the book of the band before, for each of now. */
static void extend(const struct talas_aac_layout *layout, const int *bits, bool first,
                   struct ways *ways, uint8_t *from) {
    const int best = ways->best, begun = (first ? 0 : ways->bits[best]) + section_bits(layout, 1);
    int next = 0;
    for (int book = 0; book < BOOKS; book++) {
        const int bands = ways->bands[book];
        const int gone_on = first ? NEVER
                                  : ways->bits[book] + section_bits(layout, bands + 1) -
                                        section_bits(layout, bands);
        const bool joins = gone_on <= begun;
        from[book] = (uint8_t)(joins ? book : best);
        ways->bands[book] = joins ? bands + 1 : 1;
        ways->bits[book] = (joins ? gone_on : begun) + bits[book];
        if (ways->bits[book] > NEVER)
            ways->bits[book] = NEVER;
        if (ways->bits[book] < ways->bits[next])
            next = book;
    }
    ways->best = next;
}

/* The books of the group that begins at band `first`. Returns the bits of sections and lines. */
static int choose_group(const struct talas_aac_layout *layout, struct talas_aac_channel *channel,
                        int first) {
    uint8_t from[TALAS_AAC_BANDS][BOOKS];
    struct ways ways = {.best = 0};
    for (int n = 0; n < layout->each; n++) {
        const int b = first + n, start = layout->edges[b];
        int bits[BOOKS];
        costs(channel->quantised + start, layout->edges[b + 1] - start, channel->highest[b], bits);
        extend(layout, bits, n == 0, &ways, from[n]);
    }
    for (int n = layout->each - 1, book = ways.best; n >= 0; n--) {
        channel->book[first + n] = (uint8_t)book;
        book = from[n][book];
    }
    return ways.bits[ways.best];
}

/* The scale of the first band that is not silent. */
static int first_scale(const struct talas_aac_layout *layout,
                       const struct talas_aac_channel *channel) {
    for (int b = 0; b < layout->bands; b++)
        if (channel->highest[b] > 0)
            return talas_aac_said(channel, b);
    return 0;
}

/* Bits of the scale factors, which are told as differences. */
static int scale_bits(const struct talas_aac_layout *layout, struct talas_aac_channel *channel) {
    int bits = 0, before = first_scale(layout, channel);
    for (int b = 0; b < layout->bands; b++) {
        if (channel->book[b] == 0)
            continue;
        if (channel->highest[b] == 0)
            channel->scale[b] = before;
        const int step = talas_aac_said(channel, b) - before;
        bits += (int)(talas_aac_scale_codes[step + TALAS_AAC_SCALE_MIDDLE] & 31);
        before = talas_aac_said(channel, b);
    }
    return bits;
}

int talas_aac_choose(const struct talas_aac_layout *layout, struct talas_aac_channel *channel) {
    int bits = 0;
    for (int first = 0; first < layout->bands; first += layout->each)
        bits += choose_group(layout, channel, first);
    return bits + scale_bits(layout, channel);
}
