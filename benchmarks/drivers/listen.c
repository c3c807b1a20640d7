/* Many audio listeners in one process, on raw epoll.
 *
 * Does:        connect N listeners at a given rate, read what comes for S seconds, and print one
 *              line of JSON: when each heard the first byte of the body, at which rate each got the
 *              rest, how long the reads were apart. On request it then cuts all connections at
 *              once, has everybody come back, and counts again.
 * Never:       decodes or keeps audio; talks to anything but a loopback address.
 * Guarantees:  reports its own share of a core in each part, so that a run in which the driver was
 *              the bottleneck can be thrown away; says on standard error when a part begins and
 *              ends: `counting`, `counted`, `cut`.
 *
 * usage: listen HOST PORT PATH LISTENERS PER_SECOND SECONDS WARM_SECONDS [AGAIN_PER_SECOND]
 *        Counts for SECONDS, from WARM_SECONDS after all hear something. With AGAIN_PER_SECOND it
 *        counts a second time, from BACK_SECONDS after the cut.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figures.h"

#define BACK_SECONDS 3  /* after the cut, all should be back */
#define LATE_SECONDS 15 /* who has heard nothing so long after the last came is waited for no more */
#define LONGEST_GAP_MS 8192

struct listener {
    int fd;           /* -1 once closed, by either side */
    int64_t seen;     /* bytes of all, head and body */
    int head_matched; /* bytes of CR LF CR LF seen */
    int64_t came_ns;  /* just before the connect */
    int64_t first_ns; /* first byte of the body, 0 before it came */
    int64_t begin_ns; /* first and last read inside the counted span, */
    int64_t last_ns;
    int64_t gap_ns;   /* the longest time between two of them, */
    int64_t bytes;    /* and what came after the first */
};

static struct {
    struct sockaddr_in address;
    char request[512];
    int request_size;
    int count;
    double per_second, seconds, warm, again_per_second;
} plan;

static struct listener *all;
static int poll, heard, failed, closed, counting;
static int64_t reads;
static int64_t gaps[LONGEST_GAP_MS + 1]; /* how many gaps were of so many whole milliseconds */

static void leave(struct listener *l) {
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static void watch(struct listener *l, int operation, uint32_t wish) {
    struct epoll_event event = {.events = wish, .data.ptr = l};
    epoll_ctl(poll, operation, l->fd, &event);
}

/* Nobody waits for a server that is slow to let another one in. */
static void open_one(struct listener *l) {
    memset(l, 0, sizeof *l);
    l->came_ns = now_ns();
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    watch(l, EPOLL_CTL_ADD, EPOLLOUT);
    if (connect(l->fd, (const struct sockaddr *)&plan.address, sizeof plan.address) != 0 &&
        errno != EINPROGRESS) {
        failed++;
        leave(l);
    }
}

static void ask(struct listener *l) {
    watch(l, EPOLL_CTL_MOD, EPOLLIN);
    if (send(l->fd, plan.request, (size_t)plan.request_size, MSG_NOSIGNAL) != plan.request_size) {
        failed++;
        leave(l);
    }
}

/* Where the body starts in `data`, or `size` while the head goes on. */
static size_t skip_head(struct listener *l, const char *data, size_t size) {
    static const char end[] = "\r\n\r\n";
    size_t at = 0;
    while (at < size && l->head_matched < 4) {
        l->head_matched = data[at] == end[l->head_matched] ? l->head_matched + 1 : data[at] == '\r';
        at++;
    }
    return at;
}

static void note_gap(struct listener *l, int64_t gap) {
    int64_t ms = gap / 1000000;
    gaps[ms < LONGEST_GAP_MS ? ms : LONGEST_GAP_MS]++;
    if (gap > l->gap_ns)
        l->gap_ns = gap;
}

/* Whether the status, bytes 9 to 11 of `HTTP/1.1 200`, is another one as far as `data` shows it. */
static int refused(struct listener *l, const char *data, size_t size) {
    static const char wanted[] = "200";
    for (size_t at = 0; at < size && l->seen + (int64_t)at < 12; at++)
        if (l->seen + (int64_t)at >= 9 && data[at] != wanted[l->seen + (int64_t)at - 9])
            return 1;
    return 0;
}

static void took(struct listener *l, const char *data, size_t size, int64_t now) {
    if (refused(l, data, size)) {
        failed++;
        leave(l);
        return;
    }
    l->seen += (int64_t)size;
    size_t body = skip_head(l, data, size);
    if (body == size)
        return;
    if (l->first_ns == 0)
        heard++, l->first_ns = now;
    if (!counting)
        return;
    reads++;
    if (l->begin_ns == 0) {
        l->begin_ns = now;
    } else {
        note_gap(l, now - l->last_ns);
        l->bytes += (int64_t)(size - body);
    }
    l->last_ns = now;
}

static void read_one(struct listener *l) {
    static char buffer[262144];
    ssize_t size;
    do {
        size = read(l->fd, buffer, sizeof buffer);
        if (size > 0)
            took(l, buffer, (size_t)size, now_ns());
    } while (size == (ssize_t)sizeof buffer && l->fd >= 0);
    if (l->fd < 0)
        return;
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        closed++;
        leave(l);
    }
}

static void read_for(int wait_ms) {
    struct epoll_event events[512];
    int ready = epoll_wait(poll, events, 512, wait_ms);
    for (int i = 0; i < ready; i++) {
        struct listener *l = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            ask(l);
        else
            read_one(l);
    }
}

static void read_until(int64_t stop) {
    while (now_ns() < stop)
        read_for(20);
}

/* Let everybody come, evenly spread, and wait until they hear something. Returns our share of a core meanwhile. */
static double arrive(double per_second) {
    int64_t start = now_ns();
    int64_t late = start + (int64_t)(plan.count / per_second * 1e9) + LATE_SECONDS * SECOND;
    double cpu = cpu_seconds();
    heard = failed = 0;
    for (int opened = 0; opened < plan.count || (heard + failed < plan.count && now_ns() < late);) {
        while (opened < plan.count && (double)(now_ns() - start) / 1e9 * per_second >= opened)
            open_one(&all[opened++]);
        read_for(1);
    }
    return (cpu_seconds() - cpu) * 1e9 / (double)(now_ns() - start);
}

static void say(const char *mark) {
    fprintf(stderr, "%s\n", mark);
    fflush(stderr);
}

/* The counted span. Returns our share of a core in it. */
static double count(void) {
    memset(gaps, 0, sizeof gaps);
    reads = 0;
    for (int i = 0; i < plan.count; i++)
        all[i].begin_ns = all[i].last_ns = all[i].gap_ns = all[i].bytes = 0;
    say("counting");
    int64_t start = now_ns();
    double cpu = cpu_seconds();
    counting = 1;
    read_until(start + (int64_t)(plan.seconds * 1e9));
    counting = 0;
    double share = (cpu_seconds() - cpu) * 1e9 / (double)(now_ns() - start);
    say("counted");
    return share;
}

static int64_t cut(void) {
    say("cut");
    int64_t now = now_ns();
    for (int i = 0; i < plan.count; i++)
        leave(&all[i]);
    return now;
}

/* The gaps of all listeners together, to the millisecond. */
static double gap_at(double share) {
    int64_t total = 0, passed = 0;
    for (int ms = 0; ms <= LONGEST_GAP_MS; ms++)
        total += gaps[ms];
    for (int ms = 0; ms <= LONGEST_GAP_MS; ms++)
        if ((passed += gaps[ms]) >= share * (double)total && passed > 0)
            return ms;
    return 0;
}

/* How it went for who came: `since` is 0, or when the wait of all began. */
static void print_arrival(double share, int64_t since) {
    double *first = calloc((size_t)plan.count, sizeof *first);
    int noted = 0;
    for (int i = 0; i < plan.count; i++)
        if (all[i].first_ns)
            first[noted++] = (double)(all[i].first_ns - (since ? since : all[i].came_ns)) / 1e6;
    printf("{\"failed\": %d, \"heard\": %d, \"driver_share\": %.3f, ", failed, heard, share);
    print_spread("first_byte_ms", first, noted);
    printf("}");
    free(first);
}

static void print_span(double share) {
    double *rate = calloc((size_t)plan.count, sizeof *rate);
    double *gap = calloc((size_t)plan.count, sizeof *gap);
    for (int i = 0; i < plan.count; i++) {
        int64_t span = all[i].last_ns - all[i].begin_ns;
        rate[i] = span > 0 ? (double)all[i].bytes * 1e9 / (double)span : 0;
        gap[i] = (double)all[i].gap_ns / 1e6;
    }
    printf("{\"closed\": %d, \"driver_share\": %.3f, \"reads\": %lld, ", closed, share,
           (long long)reads);
    print_spread("bytes_per_second", rate, plan.count);
    printf(", ");
    print_spread("longest_gap_ms", gap, plan.count);
    printf(", \"gap_ms\": {\"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f, \"max\": %.0f}}",
           gap_at(0.5), gap_at(0.99), gap_at(0.999), gap_at(1));
    free(rate);
    free(gap);
}

static int understand(int argc, char **argv) {
    if (argc != 8 && argc != 9)
        return 0;
    plan.address.sin_family = AF_INET;
    plan.address.sin_port = htons((uint16_t)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &plan.address.sin_addr) != 1 ||
        strncmp(argv[1], "127.", 4) != 0)
        return 0;
    plan.request_size = snprintf(plan.request, sizeof plan.request,
                                 "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[3]);
    plan.count = atoi(argv[4]);
    plan.per_second = atof(argv[5]);
    plan.seconds = atof(argv[6]);
    plan.warm = atof(argv[7]);
    plan.again_per_second = argc == 9 ? atof(argv[8]) : 0;
    return plan.request_size < (int)sizeof plan.request && plan.count > 0 && plan.per_second > 0;
}

int main(int argc, char **argv) {
    if (!understand(argc, argv)) {
        fprintf(stderr, "usage: listen HOST PORT PATH LISTENERS PER_SECOND SECONDS WARM_SECONDS "
                        "[AGAIN_PER_SECOND]\n       HOST is a loopback address\n");
        return 2;
    }
    all = calloc((size_t)plan.count, sizeof *all);
    poll = epoll_create1(0);
    double share = arrive(plan.per_second);
    read_until(now_ns() + (int64_t)(plan.warm * 1e9));
    printf("{\"listeners\": %d, \"arrival\": ", plan.count);
    print_arrival(share, 0);
    share = count();
    printf(", \"span\": ");
    print_span(share);
    if (plan.again_per_second > 0) {
        int64_t since = cut();
        share = arrive(plan.again_per_second);
        read_until(since + BACK_SECONDS * SECOND);
        printf(", \"back\": ");
        print_arrival(share, since);
        share = count();
        printf(", \"after\": ");
        print_span(share);
    }
    printf("}\n");
    return 0;
}
