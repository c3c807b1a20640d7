/* Sending to socket pairs: those that take all, some or nothing, and numbers that are no socket. */
#define _GNU_SOURCE
#include "../batch_send.h"
#include "check.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 8, SIZE = 300 };

static int ends[PAIRS][2], *sockets;
static uint8_t *data;

static void set_up(void) {
    sockets = (int *)(void *)exact(NULL, PAIRS * sizeof *sockets);
    data = exact(NULL, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)dice();
    for (int i = 0; i < PAIRS; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) == 0);
        sockets[i] = ends[i][0];
    }
}

static void tear_down(void) {
    for (int i = 0; i < PAIRS; i++) {
        close(ends[i][0]);
        if (ends[i][1] >= 0)
            close(ends[i][1]);
    }
    free(sockets);
    free(data);
}

static void fill(int socket) {
    static const char zero[65536];
    while (send(socket, zero, sizeof zero, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static void check_heard(int socket) {
    uint8_t got[SIZE + 1];
    CHECK(recv(socket, got, sizeof got, MSG_DONTWAIT) == SIZE);
    CHECK(memcmp(got, data, SIZE) == 0);
}

static void test_all_take_it(void) {
    size_t position = 0;
    struct talas_short shorts[1];
    CHECK(talas_batch_send(data, SIZE, sockets, PAIRS, &position, shorts, 1) == 0);
    CHECK(position == PAIRS);
    for (int i = 0; i < PAIRS; i++)
        check_heard(ends[i][1]);
    position = 0;
    CHECK(talas_batch_send(data, SIZE, sockets, 0, &position, shorts, 1) == 0 && position == 0);
}

/* One full, one whose other end is closed, one that is no socket at all; and room to tell of one
 * at a time, so that the rest must come with the calls that follow. */
static void test_the_others_are_told_of(size_t capacity) {
    static const int64_t expected[3] = {-EAGAIN, -EPIPE, -EBADF};
    size_t position = 0, told = 0, found;
    struct talas_short *shorts =
        (struct talas_short *)(void *)exact(NULL, capacity * sizeof *shorts);
    fill(sockets[1]);
    close(ends[3][1]);
    ends[3][1] = -1;
    sockets[5] = -1;
    do {
        found = talas_batch_send(data, SIZE, sockets, PAIRS, &position, shorts, capacity);
        CHECK(found <= capacity && position <= PAIRS);
        for (size_t i = 0; i < found; i++, told++)
            CHECK(told < 3 && shorts[i].at == 1 + 2 * told && shorts[i].taken == expected[told]);
    } while (found == capacity);
    CHECK(told == 3 && position == PAIRS);
    for (int i = 0; i < PAIRS; i++)
        if (i != 1 && i != 3 && i != 5)
            check_heard(ends[i][1]);
    free(shorts);
}

static void test_a_part_is_told(void) {
    int size = 4096;
    size_t position = 0, many = 1 << 20;
    struct talas_short told = {99, 0};
    uint8_t *much = calloc(1, many);
    setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    CHECK(talas_batch_send(much, many, sockets, 1, &position, &told, 1) == 1);
    CHECK(told.at == 0 && told.taken > 0 && told.taken < (int64_t)many);
    free(much);
}

int main(void) {
    for (size_t capacity = 1; capacity <= 4; capacity++) {
        set_up();
        test_all_take_it();
        test_the_others_are_told_of(capacity);
        tear_down();
    }
    set_up();
    test_a_part_is_told();
    tear_down();
    return failures != 0;
}
