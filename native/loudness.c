#include "loudness.h"

#include <math.h>

/* ITU-R BS.1770, tables 1 and 2: the coefficients for 48 kHz. */
#define SHELF_B0 1.53512485958697
#define SHELF_B1 (-2.69169618940638)
#define SHELF_B2 1.19839281085285
#define SHELF_A1 (-1.69065929318241)
#define SHELF_A2 0.73248077421585
#define HIGH_PASS_A1 (-1.99004745483398)
#define HIGH_PASS_A2 0.99007225036621 /* its b are 1, -2, 1 */

/* What rings on after the sound falls for ever; far below hearing it is cut off, as numbers too
 * small for the processor's fast path cost a hundred times as much. No step falls that far. */
#define TINY 1e-30

/* Both channels in one register. The extension is needed: from plain C the compiler makes code
 * that shuffles between registers and takes up to twice the time. */
typedef double pair __attribute__((vector_size(16)));

static pair load(const double from[2]) {
    return (pair){from[0], from[1]};
}

static void store(double into[2], pair from) {
    into[0] = from[0];
    into[1] = from[1];
}

static void hear(struct talas_loudness *state, const float *left, const float *right,
                 size_t count) {
    pair s1 = load(state->shelf[0]), s2 = load(state->shelf[1]);
    pair h1 = load(state->high_pass[0]), h2 = load(state->high_pass[1]);
    pair power = load(state->power);
    float left_peak = (float)state->peak, right_peak = left_peak;
    for (size_t i = 0; i < count; i++) {
        float l = fabsf(left[i]), r = fabsf(right[i]);
        left_peak = l > left_peak ? l : left_peak;
        right_peak = r > right_peak ? r : right_peak;
        pair x = {(double)left[i], (double)right[i]};
        pair y = SHELF_B0 * x + s1;
        s1 = (SHELF_B1 * x + s2) - SHELF_A1 * y;
        s2 = SHELF_B2 * x - SHELF_A2 * y;
        pair z = y + h1;
        h1 = (h2 - 2.0 * y) - HIGH_PASS_A1 * z;
        h2 = y - HIGH_PASS_A2 * z;
        power += z * z;
    }
    store(state->shelf[0], s1);
    store(state->shelf[1], s2);
    store(state->high_pass[0], h1);
    store(state->high_pass[1], h2);
    store(state->power, power);
    state->peak = (double)(left_peak > right_peak ? left_peak : right_peak);
}

static void settle(double memory[2]) {
    for (int channel = 0; channel < 2; channel++)
        if (!(isfinite(memory[channel]) && fabs(memory[channel]) > TINY))
            memory[channel] = 0.0;
}

static struct talas_step end(struct talas_loudness *state) {
    struct talas_step step = {state->power[0] + state->power[1], state->peak};
    if (!isfinite(step.power))
        step = (struct talas_step){0.0, 0.0};
    for (int i = 0; i < 2; i++) {
        settle(state->shelf[i]);
        settle(state->high_pass[i]);
    }
    state->taken = state->peak = state->power[0] = state->power[1] = 0.0;
    return step;
}

size_t talas_loudness_steps(struct talas_loudness *state, const float *left, const float *right,
                            size_t count, size_t *position, struct talas_step *steps,
                            size_t capacity) {
    size_t found = 0;
    while (found < capacity && *position < count) {
        double taken = state->taken >= 0.0 && state->taken < TALAS_STEP ? state->taken : 0.0;
        size_t run = TALAS_STEP - (size_t)taken, left_over = count - *position;
        run = run < left_over ? run : left_over;
        hear(state, left + *position, right + *position, run);
        *position += run;
        state->taken = taken + (double)run;
        if (state->taken >= TALAS_STEP)
            steps[found++] = end(state);
    }
    return found;
}
