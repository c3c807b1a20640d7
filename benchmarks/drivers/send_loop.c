/* The yardstick for sending to listeners: a bare send() loop on epoll.
 *
 * Does:        accept N listeners, answer each a minimal head, then send the same packet to each at
 *              every interval, and print one line of JSON: what that cost, how late it was.
 * Never:       listens anywhere but on 127.0.0.1; waits for a listener, or keeps what it did not
 *              take; reads audio, frames it, or knows who listens to what.
 * Guarantees:  an absolute schedule: a late round is not followed by a late schedule.
 *
 * usage: send_loop PORT LISTENERS PACKET_BYTES INTERVAL_MS SECONDS WARM_SECONDS
 *        Prints `listening` when it does. Counts for SECONDS, from WARM_SECONDS after the last of
 *        the LISTENERS has connected, then ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_NS (600 * (int64_t)1000000000)

static const char head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nConnection: close\r\n\r\n";

static int *sockets;
static int wanted, connected, gone;

static struct {
    int64_t rounds, sent, sent_bytes, unsent;
    int64_t *late_ns; /* how long after it was due each counted round was done */
    int64_t capacity;
} tally;

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

static void watch(int poll, int fd, int number) {
    struct epoll_event wish = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wish);
}

static int open_door(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4096) != 0) {
        perror("send_loop");
        exit(1);
    }
    return fd;
}

/* Numbers up to `wanted` are listeners; the door and the timer come after them. */
static void let_in(int poll, int door) {
    int fd, yes = 1;
    while (connected < wanted && (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        sockets[connected] = fd;
        watch(poll, fd, connected++);
    }
}

/* A request, or the end of a listener. */
static void hear(int number) {
    char request[4096];
    ssize_t size = recv(sockets[number], request, sizeof request, 0);
    if (size > 0) {
        (void)!send(sockets[number], head, sizeof head - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(sockets[number]);
        sockets[number] = -1;
        gone++;
    }
}

static void send_round(const char *packet, size_t size, int64_t due, int counting) {
    for (int i = 0; i < connected; i++) {
        if (sockets[i] < 0)
            continue;
        ssize_t took = send(sockets[i], packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (!counting)
            continue;
        tally.sent++;
        tally.sent_bytes += took > 0 ? took : 0;
        tally.unsent += took != (ssize_t)size;
    }
    if (!counting)
        return;
    if (tally.rounds < tally.capacity)
        tally.late_ns[tally.rounds] = now_ns() - due;
    tally.rounds++;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double late_ms(int64_t noted, double share) {
    return noted ? (double)tally.late_ns[(int64_t)(share * (double)(noted - 1) + 0.5)] / 1e6 : 0;
}

static void report(double cpu, double span) {
    /* Some may leave at the very end: what counts is to how many each round went. */
    double listening = tally.rounds > 0 ? (double)tally.sent / (double)tally.rounds : 0;
    int64_t noted = tally.rounds < tally.capacity ? tally.rounds : tally.capacity;
    qsort(tally.late_ns, (size_t)noted, sizeof *tally.late_ns, ascending);
    printf("{\"listeners\": %.0f, \"gone\": %d, \"seconds\": %.3f, \"rounds\": %lld, "
           "\"sends\": %lld, \"bytes\": %lld, \"unsent\": %lld, \"cpu_share\": %.4f, "
           "\"cpu_ms_per_listener_second\": %.5f, "
           "\"late_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}}\n",
           listening, gone, span, (long long)tally.rounds, (long long)tally.sent,
           (long long)tally.sent_bytes, (long long)tally.unsent, cpu / span,
           listening > 0 ? cpu * 1000 / span / listening : 0, late_ms(noted, 0.5),
           late_ms(noted, 0.99), late_ms(noted, 1));
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: send_loop PORT LISTENERS PACKET_BYTES INTERVAL_MS SECONDS WARM\n");
        return 2;
    }
    wanted = atoi(argv[2]);
    size_t size = (size_t)atoi(argv[3]);
    int64_t interval = (int64_t)(atof(argv[4]) * 1e6);
    double seconds = atof(argv[5]), warm = atof(argv[6]);
    if (wanted < 1 || size < 1 || interval < 1000000) {
        fprintf(stderr, "send_loop: at least one listener, one byte and one millisecond\n");
        return 2;
    }
    sockets = calloc((size_t)wanted, sizeof *sockets);
    char *packet = calloc(1, size);
    tally.capacity = (int64_t)(seconds * 1e9) / interval + 16;
    tally.late_ns = calloc((size_t)tally.capacity, sizeof *tally.late_ns);
    int poll = epoll_create1(0), door = open_door(atoi(argv[1]));
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(poll, door, wanted);
    watch(poll, timer, wanted + 1);
    printf("listening\n");
    fflush(stdout);

    int64_t began = now_ns(), due = began + interval, mark = 0, stop = began + GIVE_UP_NS;
    int counting = 0;
    double cpu = 0;
    struct itimerspec ticks = {.it_interval.tv_sec = interval / 1000000000,
                               .it_interval.tv_nsec = interval % 1000000000,
                               .it_value.tv_sec = due / 1000000000,
                               .it_value.tv_nsec = due % 1000000000};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &ticks, NULL);
    struct epoll_event events[256];
    while (now_ns() < stop) {
        if (connected == wanted && mark == 0)
            mark = now_ns() + (int64_t)(warm * 1e9);
        if (mark != 0 && !counting && now_ns() >= mark) {
            counting = 1;
            mark = now_ns();
            stop = mark + (int64_t)(seconds * 1e9);
            cpu = cpu_seconds();
        }
        int ready = epoll_wait(poll, events, 256, 1000);
        for (int i = 0; i < ready; i++) {
            int number = (int)events[i].data.u32;
            uint64_t passed = 0;
            if (number == wanted) {
                let_in(poll, door);
            } else if (number < wanted) {
                hear(number);
            } else if (read(timer, &passed, sizeof passed) == sizeof passed) {
                for (; passed > 0; passed--, due += interval)
                    send_round(packet, size, due, counting);
            }
        }
    }
    if (!counting) {
        fprintf(stderr, "send_loop: %d of %d listeners came\n", connected, wanted);
        return 1;
    }
    report(cpu_seconds() - cpu, (double)(now_ns() - mark) / 1e9);
    return 0;
}
