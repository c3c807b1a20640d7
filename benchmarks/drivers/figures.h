/* What the drivers measure with: a clock, their own CPU time, and how values are spread. */
#ifndef TALAS_BENCH_FIGURES_H
#define TALAS_BENCH_FIGURES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static inline double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which this share of the sorted values lies; 0 if there are none. */
static inline double at_share(const double *values, int64_t count, double share) {
    return count ? values[(int64_t)(share * (double)(count - 1) + 0.5)] : 0;
}

/* Sorts the values, and prints them as one member of a JSON object. */
static inline void print_spread(const char *name, double *values, int count) {
    static const struct { const char *name; double share; } at[] = {
        {"min", 0}, {"p1", 0.01}, {"p50", 0.5}, {"p99", 0.99}, {"max", 1}};
    qsort(values, (size_t)count, sizeof *values, ascending);
    printf("\"%s\": {", name);
    for (int i = 0; i < 5; i++)
        printf("%s\"%s\": %.3f", i ? ", " : "", at[i].name,
               at_share(values, count, at[i].share));
    printf("}");
}

#endif
