/* What every fuzz target shares: the entry that libFuzzer calls, and a demand that ends the run.
 *
 * A target takes any bytes, calls one kernel on buffers of exactly their size, and demands what the
 * kernel's header guarantees. libFuzzer or driver.c brings the bytes; the sanitizers watch.
 */
#ifndef TALAS_FUZZ_H
#define TALAS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition)                                                     \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* `size` bytes of heap with nothing behind them, a copy of `from`. */
static inline uint8_t *exact(const uint8_t *from, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    if (size > 0)
        memcpy(copy, from, size);
    return copy;
}

#endif
