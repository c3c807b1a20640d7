/* The members of one chat room in one process, on raw epoll.
 *
 * Does:        take over sockets that are already in the room, send messages at a steady rate, each
 *              from the next of them, and read what everybody gets until nothing more comes. Prints
 *              one line of JSON: counts, latencies, its own share of a core.
 * Never:       connects, signs in or judges.
 * Guarantees:  every message on every socket is counted, has its place in the order checked and its
 *              latency noted. A latency begins with the time that stands in the message's text and
 *              ends when this process has read it, both CLOCK_MONOTONIC, which all processes of a
 *              machine share: its own delays, a rest of REST_US after each look among them, count
 *              against the server. What is measured lies between `begin` and `end` on standard
 *              error.
 *
 * All members get the very same bytes, so a frame is understood where it comes first, and after
 * that only compared, whole.
 *
 * usage: room ROOM RATE SECONDS WARM_SECONDS AFTER FD...
 *        Sends for WARM_SECONDS + SECONDS; without a ROOM ("") it waits as long for what the server
 *        says by itself. Latencies are of what was sent in the last SECONDS. AFTER is the offset
 *        before the first message, the FDs are inherited.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chat.h"
#include "figures.h"

#define READ_BYTES 65536
#define LONGEST_FRAME 16384
#define LONGEST_REQUEST 512
#define TEXT_BYTES 100
#define MOST_ERRORS 5
#define ERROR_BYTES 200
#define MOST_READY 512
#define REST_US 200     /* after a look: to be woken for each socket by itself is dear */
#define DRAIN_SECONDS 5 /* silence after which what is missing counts as lost */

struct member {
    int fd;       /* -1 once the server has closed it */
    int64_t last; /* number of the last message that it got; the first is 1 */
    char *rest;   /* what has come of a frame that goes on */
    size_t rest_bytes;
};

struct message {
    char *frame; /* as it came first, on whichever socket */
    size_t bytes;
    int64_t sent_ns;
};

static struct {
    const char *room;
    double rate;
    int64_t warm_ns, after, total;
    int count;
} plan;

static struct member *members;
static struct message *messages; /* by number; one beyond the last, which never comes */
static double *delays_ms;
static int64_t sent, acked, delivered, counted, disorder, reads, counted_from_ns;
static char errors[MOST_ERRORS][ERROR_BYTES + 1];
static int poll, complaints;

static void complain(const char *text, size_t bytes) {
    if (complaints == MOST_ERRORS)
        return;
    char *error = errors[complaints++];
    for (size_t i = 0; i < bytes && i < ERROR_BYTES; i++) /* as a JSON string may hold it */
        error[i] = text[i] < ' ' || text[i] > '~' || strchr("\"\\", text[i]) ? '\'' : text[i];
}

static void leave(struct member *m, const char *why) {
    if (m->fd < 0)
        return;
    complain(why, strlen(why));
    close(m->fd);
    m->fd = -1;
}

static void say(struct member *m, int opcode, const char *payload, size_t bytes) {
    char data[MOST_HEAD_BYTES + LONGEST_REQUEST];
    size_t whole = write_frame(data, opcode, payload, bytes);
    if (send(m->fd, data, whole, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)whole)
        leave(m, "a socket did not take a whole frame");
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void deliver(struct member *m, int64_t number, int64_t now) {
    disorder += number != m->last + 1;
    m->last = number;
    delivered++;
    const struct message *message = &messages[number];
    if (message->sent_ns >= counted_from_ns && counted < plan.total * plan.count)
        delays_ms[counted++] = (double)(now - message->sent_ns) / 1e6;
}

/* Bytes of the member's next message if `data` begins with it as it is known, else 0. */
static size_t next_bytes(const struct member *m, const char *data, size_t bytes) {
    const struct message *next = &messages[m->last + 1];
    if (next->bytes == 0 || next->bytes > bytes || memcmp(data, next->frame, next->bytes) != 0)
        return 0;
    return next->bytes;
}

static void remember(struct message *message, const struct frame *frame, int64_t sent_ns) {
    message->frame = malloc(frame->whole);
    memcpy(message->frame, frame->payload - (frame->whole - frame->bytes), frame->whole);
    message->bytes = frame->whole;
    message->sent_ns = sent_ns;
    if (counted_from_ns == 0)
        counted_from_ns = sent_ns + plan.warm_ns;
}

static void understand(struct member *m, const struct frame *frame, int64_t now) {
    int64_t number = number_after(frame, "\"offset\":") - plan.after;
    int64_t sent_ns = number_after(frame, "\"text\":\"t=");
    if (frame->opcode == PING && frame->bytes < 126) {
        say(m, PONG, frame->payload, frame->bytes);
    } else if (is_a(frame, "ack")) {
        acked++;
    } else if (is_a(frame, "message") && number >= 1 && number <= plan.total && sent_ns >= 0) {
        if (messages[number].bytes == 0)
            remember(&messages[number], frame, sent_ns);
        deliver(m, number, now);
    } else {
        complain(frame->payload, frame->bytes);
    }
}

static void keep(struct member *m, const char *data, size_t bytes) {
    if (bytes > LONGEST_FRAME) {
        leave(m, "a frame is too long");
        return;
    }
    if (bytes > 0) {
        m->rest = m->rest ? m->rest : malloc(LONGEST_FRAME);
        memcpy(m->rest, data, bytes);
    }
    m->rest_bytes = bytes;
}

static void took(struct member *m, const char *data, size_t bytes, int64_t now) {
    size_t at = 0, whole;
    int64_t before = delivered;
    struct frame frame;
    for (; at < bytes; at += whole) {
        whole = next_bytes(m, data + at, bytes - at);
        if (whole > 0) {
            deliver(m, m->last + 1, now);
        } else if (split_frame(data + at, bytes - at, &frame)) {
            understand(m, &frame, now);
            whole = frame.whole;
        } else {
            break;
        }
    }
    reads += delivered > before;
    keep(m, data + at, bytes - at);
}

static void read_one(struct member *m) {
    static char buffer[LONGEST_FRAME + READ_BYTES];
    if (m->fd < 0)
        return;
    if (m->rest_bytes > 0)
        memcpy(buffer, m->rest, m->rest_bytes);
    ssize_t bytes = recv(m->fd, buffer + m->rest_bytes, READ_BYTES, MSG_DONTWAIT);
    if (bytes > 0)
        took(m, buffer, m->rest_bytes + (size_t)bytes, now_ns());
    else if (bytes == 0 || (errno != EAGAIN && errno != EINTR))
        leave(m, "a socket was closed");
}

/* Read what there is, or comes meanwhile; returns from how many sockets. */
static int read_for(int wait_ms) {
    struct epoll_event events[MOST_READY];
    int ready = epoll_wait(poll, events, MOST_READY, wait_ms);
    for (int i = 0; i < ready; i++)
        read_one(events[i].data.ptr);
    if (ready > 0 && ready < MOST_READY)
        usleep(REST_US);
    return ready;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void send_one(void) {
    char text[TEXT_BYTES + 1], request[LONGEST_REQUEST];
    long long now = now_ns();
    int stamp = snprintf(text, sizeof text, "t=%lld;", now);
    memset(text + stamp, '.', (size_t)(TEXT_BYTES - stamp));
    text[TEXT_BYTES] = 0;
    int bytes = snprintf(request, sizeof request,
                         "{\"type\":\"message.send\",\"room\":\"%s\",\"text\":\"%s\","
                         "\"nonce\":\"n%lld\",\"ref\":%lld}",
                         plan.room, text, now, (long long)sent);
    struct member *m = &members[sent % plan.count];
    if (m->fd >= 0)
        say(m, TEXT, request, (size_t)bytes);
}

static int complete(void) {
    for (int i = 0; i < plan.count; i++)
        if (members[i].last < plan.total)
            return 0;
    /* The last acknowledgement may come after the message itself. */
    return acked >= (*plan.room ? plan.total : 0);
}

/* For the plan's time, then until nothing more comes. */
static void run(void) {
    int64_t start = now_ns();
    while (sent < plan.total) {
        int64_t wait = start + (int64_t)((double)sent * 1e9 / plan.rate) - now_ns();
        if (wait > 0) {
            read_for((int)((wait + 999999) / 1000000));
            continue;
        }
        if (*plan.room)
            send_one();
        sent++;
    }
    int64_t give_up = now_ns() + DRAIN_SECONDS * SECOND;
    while (now_ns() < give_up && !complete())
        if (read_for(50) > 0)
            give_up = now_ns() + DRAIN_SECONDS * SECOND;
}

static void print_report(double share) {
    printf("{\"sent\": %lld, \"acked\": %lld, \"delivered\": %lld, \"wanted\": %lld, "
           "\"disorder\": %lld, \"reads\": %lld, \"driver_share\": %.4f, ",
           (long long)sent, (long long)acked, (long long)delivered,
           (long long)(sent * plan.count), (long long)disorder, (long long)reads, share);
    qsort(delays_ms, (size_t)counted, sizeof *delays_ms, ascending);
    printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f, \"errors\": [",
           at_share(delays_ms, counted, 0.5), at_share(delays_ms, counted, 0.99),
           at_share(delays_ms, counted, 0.999), at_share(delays_ms, counted, 1));
    for (int i = 0; i < complaints; i++)
        printf("%s\"%s\"", i ? ", " : "", errors[i]);
    printf("]}\n");
}

static int understand_plan(int argc, char **argv) {
    if (argc < 7 || strlen(argv[1]) > 64)
        return 0;
    plan.room = argv[1];
    plan.rate = atof(argv[2]);
    plan.warm_ns = (int64_t)(atof(argv[4]) * 1e9);
    plan.total = (int64_t)(plan.rate * (atof(argv[3]) + atof(argv[4])));
    plan.after = atoll(argv[5]);
    plan.count = argc - 6;
    return plan.rate > 0 && plan.total > 0;
}

static void take_over(char **handles) {
    members = calloc((size_t)plan.count, sizeof *members);
    messages = calloc((size_t)plan.total + 2, sizeof *messages);
    delays_ms = calloc((size_t)(plan.total * plan.count), sizeof *delays_ms);
    poll = epoll_create1(0);
    for (int i = 0; i < plan.count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &members[i]};
        members[i].fd = atoi(handles[i]);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, members[i].fd, &event) != 0) {
            perror("room: a socket was not handed over");
            exit(1);
        }
    }
}

int main(int argc, char **argv) {
    if (!understand_plan(argc, argv)) {
        fprintf(stderr, "usage: room ROOM RATE SECONDS WARM_SECONDS AFTER FD...\n");
        return 2;
    }
    take_over(argv + 6);
    fprintf(stderr, "begin\n");
    int64_t start = now_ns();
    double cpu = cpu_seconds();
    run();
    double share = (cpu_seconds() - cpu) * 1e9 / (double)(now_ns() - start);
    fprintf(stderr, "end\n");
    print_report(share);
    return 0;
}
