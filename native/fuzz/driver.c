/* Runs a fuzz target where there is no libFuzzer: the same inputs in every run.
 *
 *     target EXECUTIONS SECONDS SEED_FILE...
 *
 * Each execution takes a seed (or nothing), changes it in a few ways that have broken parsers
 * before, and hands it over. It ends after so many executions, or so many seconds where these are
 * not 0. What fails is written to ./crash before the program aborts.
 */
#include "fuzz.h"

#include <signal.h>
#include <time.h>

#define MAX_SEEDS 64
#define MAX_BYTES 16384

static struct {
    uint8_t *data;
    size_t size;
} seeds[MAX_SEEDS];

static uint8_t input[MAX_BYTES];
static size_t input_size;

static uint32_t dice(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static size_t below(size_t bound) {
    return bound > 0 ? dice() % bound : 0;
}

static size_t load(char **names, int count) {
    size_t loaded = 0;
    for (int i = 0; i < count && loaded < MAX_SEEDS; i++) {
        FILE *file = fopen(names[i], "rb");
        if (!file)
            continue;
        seeds[loaded].data = malloc(MAX_BYTES);
        DEMAND(seeds[loaded].data != NULL);
        seeds[loaded].size = fread(seeds[loaded].data, 1, MAX_BYTES, file);
        fclose(file);
        loaded++;
    }
    return loaded;
}

/* Bytes that mean something to a parser, at a random place. */
static void plant(void) {
    static const char *const words[] = {"ID3\4\0\0", "OggS", "\377\373\220\144", "\377\361\114\200",
                                        "\377\377\377\377", "OpusHead", "\177\177\177\177"};
    const char *word = words[below(sizeof words / sizeof *words)];
    size_t size = word[0] == 'I' ? 6 : strlen(word), at = below(input_size);
    if (at + size <= input_size)
        memcpy(input + at, word, size);
}

static void change(void) {
    size_t at = below(input_size), count = below(input_size - at < 600 ? input_size - at : 600);
    switch (dice() % 6) {
    case 0:
        input[at] ^= (uint8_t)(1u << dice() % 8);
        break;
    case 1:
        input[at] = (uint8_t)dice();
        break;
    case 2: /* cut out */
        memmove(input + at, input + at + count, input_size - at - count);
        input_size -= count;
        break;
    case 3: /* say twice */
        if (input_size + count <= MAX_BYTES) {
            memmove(input + at + count, input + at, input_size - at);
            input_size += count;
        }
        break;
    case 4:
        for (size_t i = 0; i < count; i++)
            input[at + i] = (uint8_t)dice();
        break;
    default:
        plant();
    }
}

static void make_input(size_t loaded) {
    if (loaded > 0 && dice() % 8 != 0) {
        size_t pick = below(loaded);
        input_size = seeds[pick].size;
        memcpy(input, seeds[pick].data, input_size);
    } else {
        input_size = 1 + below(2000);
        for (size_t i = 0; i < input_size; i++)
            input[i] = (uint8_t)dice();
    }
    for (uint32_t changes = dice() % 6; changes > 0 && input_size > 0; changes--)
        change();
    if (input_size > 2) {
        input[0] = (uint8_t)dice();
        input[1] = (uint8_t)dice();
    }
}

static void keep_crash(int number) {
    FILE *file = fopen("crash", "wb");
    if (file) {
        fwrite(input, 1, input_size, file);
        fclose(file);
    }
    signal(number, SIG_DFL);
    raise(number);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    unsigned long most = strtoul(argv[1], NULL, 10), done = 0;
    time_t seconds = (time_t)strtoul(argv[2], NULL, 10), began = time(NULL);
    size_t loaded = load(argv + 3, argc - 3);
    signal(SIGABRT, keep_crash);
    while ((most == 0 || done < most) && (seconds == 0 || time(NULL) - began < seconds)) {
        make_input(loaded);
        uint8_t *copy = exact(input, input_size);
        LLVMFuzzerTestOneInput(copy, input_size);
        free(copy);
        done++;
    }
    printf("executions: %lu\n", done);
    for (size_t i = 0; i < loaded; i++)
        free(seeds[i].data);
    return 0;
}
