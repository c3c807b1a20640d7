/* A check that names itself when it fails, and buffers of exactly the size they should have, so
 * that the address sanitizer sees a read or write one byte too far.
 */
#ifndef TALAS_CHECK_H
#define TALAS_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            failures++;                                                       \
        }                                                                     \
    } while (0)

/* `size` bytes of heap, a copy of `from` when that is given. */
static uint8_t *exact(const void *from, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    if (from && size > 0)
        memcpy(copy, from, size);
    return copy;
}

/* The same row of numbers in every run. */
static inline uint32_t dice(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

#endif
