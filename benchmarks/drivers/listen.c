/* A crowd of audio listeners in one process, on raw epoll.
 *
 * Does:        connect N listeners at a given rate, read what comes for S seconds, and print one
 *              line of JSON: per listener bytes, longest gap between reads, time to first byte.
 * Never:       decodes or keeps audio; talks to anything but the address it was given.
 * Guarantees:  reports its own CPU time, so that a run in which the driver was the bottleneck can
 *              be thrown away.
 *
 * usage: listen HOST PORT PATH LISTENERS PER_SECOND SECONDS WARM_SECONDS
 *        Bytes and gaps are counted from WARM_SECONDS after the last connect.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct listener {
    int fd;
    int64_t connected_ns;
    int64_t first_ns;  /* first byte of the body after the connect, 0 before it came */
    int64_t last_ns;   /* last read inside the counted span */
    int64_t gap_ns;    /* longest time between two reads inside it */
    int64_t bytes;     /* inside it */
    int64_t total;
    int head_state;    /* bytes of CR LF CR LF seen */
    int closed;
};

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int open_one(const struct sockaddr_in *address, const char *request, size_t size) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return -1;
    if (write(fd, request, size) != (ssize_t)size) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Where the body starts in `data`, or `size` while the head goes on. */
static size_t skip_head(struct listener *l, const char *data, size_t size) {
    static const char end[] = "\r\n\r\n";
    size_t at = 0;
    while (at < size && l->head_state < 4) {
        l->head_state = data[at] == end[l->head_state] ? l->head_state + 1 : data[at] == '\r';
        at++;
    }
    return at;
}

static void took(struct listener *l, const char *data, size_t size, int64_t now, int counting) {
    size_t body = skip_head(l, data, size);
    if (body == size)
        return;
    if (l->first_ns == 0)
        l->first_ns = now;
    l->total += (int64_t)(size - body);
    if (!counting)
        return;
    if (l->last_ns != 0 && now - l->last_ns > l->gap_ns)
        l->gap_ns = now - l->last_ns;
    l->last_ns = now;
    l->bytes += (int64_t)(size - body);
}

static void read_one(struct listener *l, int64_t now, int counting) {
    static char buffer[262144];
    for (;;) {
        ssize_t size = read(l->fd, buffer, sizeof buffer);
        if (size > 0) {
            took(l, buffer, (size_t)size, now, counting);
            if (size < (ssize_t)sizeof buffer)
                return;
        } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            l->closed = 1;
            close(l->fd);
            return;
        } else {
            return;
        }
    }
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t at_share(const int64_t *sorted, int count, double share) {
    return count ? sorted[(int)(share * (count - 1) + 0.5)] : 0;
}

static void print_spread(const char *name, int64_t *values, int count, double unit) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    printf("\"%s\": {\"min\": %.3f, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}, ", name,
           (double)at_share(values, count, 0) / unit, (double)at_share(values, count, 0.5) / unit,
           (double)at_share(values, count, 0.99) / unit, (double)at_share(values, count, 1) / unit);
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: listen HOST PORT PATH LISTENERS PER_SECOND SECONDS WARM_SECONDS\n");
        return 2;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 || argv[1][0] != '1' ||
        strncmp(argv[1], "127.", 4) != 0) {
        fprintf(stderr, "listen: only loopback addresses\n");
        return 2;
    }
    char request[512];
    int request_size =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[3]);
    int count = atoi(argv[4]);
    double per_second = atof(argv[5]), seconds = atof(argv[6]), warm = atof(argv[7]);
    struct listener *all = calloc((size_t)count, sizeof *all);
    int poll = epoll_create1(0), opened = 0, failed = 0, counting = 0;
    int64_t start = now_ns(), all_open = 0, span_start = 0, stop = INT64_MAX;
    double cpu_start = cpu_seconds(), span_cpu = 0;
    struct epoll_event events[512];

    while (now_ns() < stop) {
        int64_t now = now_ns();
        while (opened < count && (now - start) / 1e9 * per_second >= opened) {
            struct listener *l = &all[opened++];
            l->connected_ns = now_ns();
            l->fd = open_one(&address, request, (size_t)request_size);
            if (l->fd < 0) {
                failed++;
                l->closed = 1;
                continue;
            }
            struct epoll_event wish = {.events = EPOLLIN, .data.ptr = l};
            epoll_ctl(poll, EPOLL_CTL_ADD, l->fd, &wish);
        }
        if (opened == count && all_open == 0)
            all_open = now;
        if (all_open != 0 && !counting && now - all_open >= (int64_t)(warm * 1e9)) {
            counting = 1;
            span_start = now;
            span_cpu = cpu_seconds();
            stop = now + (int64_t)(seconds * 1e9);
            fprintf(stderr, "counting\n");
        }
        int ready = epoll_wait(poll, events, 512, opened < count ? 1 : 20);
        now = now_ns();
        for (int i = 0; i < ready; i++)
            read_one(events[i].data.ptr, now, counting);
    }

    double span = (now_ns() - span_start) / 1e9;
    int64_t *bytes = calloc((size_t)count, sizeof *bytes), *gaps = calloc((size_t)count, sizeof *gaps),
            *first = calloc((size_t)count, sizeof *first);
    int closed = 0, heard = 0;
    for (int i = 0; i < count; i++) {
        bytes[i] = all[i].bytes;
        gaps[i] = all[i].gap_ns;
        closed += all[i].closed;
        if (all[i].first_ns)
            first[heard++] = all[i].first_ns - all[i].connected_ns;
    }
    printf("{\"listeners\": %d, \"failed\": %d, \"closed\": %d, \"heard\": %d, \"seconds\": %.3f, ",
           count, failed, closed, heard, span);
    print_spread("bytes", bytes, count, 1);
    print_spread("gap_ms", gaps, count, 1e6);
    print_spread("first_byte_ms", first, heard, 1e6);
    printf("\"driver_cpu\": %.3f, \"driver_cpu_all\": %.3f}\n", (cpu_seconds() - span_cpu) / span,
           cpu_seconds() - cpu_start);
    return 0;
}
