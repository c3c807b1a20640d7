/* Loudness on buffers of exact size: a tone by the standard, cuts, bad numbers and states. */
#include <math.h>

#include "../loudness.h"
#include "check.h"

#define MANY 20

/* `count` samples of 997 Hz at full scale, at which BS.1770 reads -3.01 LUFS for one channel. */
static float *tone(size_t count) {
    float *plane = (float *)(void *)exact(NULL, count * sizeof *plane);
    for (size_t i = 0; i < count; i++)
        plane[i] = (float)sin((double)i * (2.0 * 3.14159265358979323846 * 997.0 / 48000.0));
    return plane;
}

static size_t heard(struct talas_loudness *state, const float *left, const float *right,
                    size_t count, struct talas_step *steps, size_t capacity) {
    size_t position = 0, found = 0, more = capacity;
    while (more == capacity) {
        more = talas_loudness_steps(state, left, right, count, &position, steps + found, capacity);
        found += more;
    }
    CHECK(position == count);
    return found;
}

static void test_a_tone(void) {
    size_t count = 10 * TALAS_STEP;
    float *left = tone(count), *right = (float *)(void *)exact(NULL, count * sizeof *right);
    memset(right, 0, count * sizeof *right);
    struct talas_loudness state = {0};
    struct talas_step steps[MANY];
    CHECK(heard(&state, left, right, count, steps, 3) == 10);
    for (size_t i = 1; i < 10; i++) {
        CHECK(fabs(10.0 * log10(steps[i].power / TALAS_STEP) - 0.691 + 3.01) < 0.01);
        CHECK(steps[i].peak > 0.99 && steps[i].peak <= 1.0);
    }
    free(left);
    free(right);
}

static void test_cuts(void) {
    size_t count = 5 * TALAS_STEP + 17;
    float *plane = tone(count);
    struct talas_loudness whole = {0};
    struct talas_step expected[MANY];
    CHECK(heard(&whole, plane, plane, count, expected, MANY) == 5);
    for (size_t size = 1; size < 12000; size = size * 3 + 1) {
        struct talas_loudness state = {0};
        struct talas_step steps[MANY];
        size_t found = 0;
        for (size_t at = 0; at < count; at += size) {
            size_t left_over = count - at, take = size < left_over ? size : left_over;
            float *piece = (float *)(void *)exact(plane + at, take * sizeof *piece);
            found += heard(&state, piece, piece, take, steps + found, 3);
            free(piece);
        }
        CHECK(found == 5);
        CHECK(memcmp(steps, expected, 5 * sizeof *steps) == 0);
        CHECK(memcmp(&state, &whole, sizeof state) == 0);
    }
    free(plane);
}

static void test_no_number_costs_its_own_step(void) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    float *plane = tone(3 * TALAS_STEP);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct talas_loudness state = {0};
        struct talas_step steps[3];
        plane[TALAS_STEP - 1] = bad[i];
        CHECK(heard(&state, plane, plane, 3 * TALAS_STEP, steps, 8) == 3);
        CHECK(steps[0].power == 0.0 && steps[0].peak == 0.0);
        CHECK(steps[1].power > 0.0 && steps[2].power > 0.0 && steps[2].peak > 0.99);
    }
    free(plane);
}

static void test_silence_rings_out(void) {
    size_t count = 60 * TALAS_STEP;
    float *plane = tone(count);
    memset(plane + TALAS_STEP, 0, (count - TALAS_STEP) * sizeof *plane);
    const struct talas_loudness rest = {0};
    struct talas_loudness state = {0};
    struct talas_step steps[60];
    CHECK(heard(&state, plane, plane, count, steps, 60) == 60);
    CHECK(steps[1].power > 0.0 && steps[59].power == 0.0);
    for (size_t i = 1; i < 60; i++)
        CHECK(steps[i].power == 0.0 || steps[i].power > 1e-100);
    CHECK(memcmp(&state, &rest, sizeof state) == 0);
    free(plane);
}

static void test_whatever_the_state_holds(void) {
    const double bad[] = {-1.0, 4800.0, 1e300, NAN, -INFINITY};
    float *plane = tone(TALAS_STEP);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct talas_loudness state = {0};
        struct talas_step step;
        state.taken = bad[i];
        CHECK(heard(&state, plane, plane, TALAS_STEP, &step, 2) == 1);
    }
    free(plane);
}

int main(void) {
    test_a_tone();
    test_cuts();
    test_no_number_costs_its_own_step();
    test_silence_rings_out();
    test_whatever_the_state_holds();
    return failures != 0;
}
