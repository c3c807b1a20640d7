/* The chat's WebSocket (RFC 6455), as much of it as a driver in a client's place needs.
 *
 * Does:        write a client's short frame; find the whole frame that some bytes begin with; tell
 *              the type of the JSON object in it, and its numbers.
 * Never:       touches a socket, allocates or copies what came.
 */
#ifndef TALAS_BENCH_CHAT_H
#define TALAS_BENCH_CHAT_H

#include <stdint.h>
#include <string.h>

#define MOST_HEAD_BYTES 8 /* of a client's frame of less than 64 KiB, mask and all */

enum { TEXT = 0x1, PING = 0x9, PONG = 0xA };

struct frame {
    int opcode;
    const char *payload; /* borrowed: it lies in the bytes that were split */
    size_t bytes, whole; /* of the payload; with the head */
};

/* Writes a frame of less than 64 KiB, and returns of how many bytes: at most MOST_HEAD_BYTES more
 * than its payload. The mask is zero, so masking changes nothing. */
static inline size_t write_frame(char *out, int opcode, const char *payload, size_t bytes) {
    size_t head = 2;
    out[0] = (char)(0x80 | opcode);
    out[1] = (char)(0x80 | (bytes < 126 ? bytes : 126));
    if (bytes >= 126) {
        out[head++] = (char)(bytes >> 8);
        out[head++] = (char)bytes;
    }
    memset(out + head, 0, 4);
    memcpy(out + head + 4, payload, bytes);
    return head + 4 + bytes;
}

/* Whether `data` begins with a whole frame of the server's. */
static inline int split_frame(const char *data, size_t bytes, struct frame *frame) {
    const unsigned char *byte = (const unsigned char *)data;
    if (bytes < 2)
        return 0;
    size_t length = byte[1], head = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (bytes < head)
        return 0;
    if (head > 2)
        length = 0;
    for (size_t i = 2; i < head; i++)
        length = length << 8 | byte[i];
    if (bytes - head < length)
        return 0;
    *frame = (struct frame){byte[0] & 0xF, data + head, length, head + length};
    return 1;
}

/* The number that follows `key` in the payload, or -1. */
static inline int64_t number_after(const struct frame *frame, const char *key) {
    const char *found = memmem(frame->payload, frame->bytes, key, strlen(key));
    const char *end = frame->payload + frame->bytes;
    int64_t number = -1;
    for (found = found ? found + strlen(key) : end; found < end; found++) {
        if (*found < '0' || *found > '9' || number > INT64_MAX / 10 - 1)
            break;
        number = (number < 0 ? 0 : number * 10) + (*found - '0');
    }
    return number;
}

/* Whether it is an object of this type; the server puts the type first. */
static inline int is_a(const struct frame *frame, const char *type) {
    static const char key[] = "{\"type\":\"";
    size_t head = sizeof key - 1, bytes = strlen(type);
    return frame->opcode == TEXT && frame->bytes > head + bytes &&
           memcmp(frame->payload, key, head) == 0 &&
           memcmp(frame->payload + head, type, bytes) == 0 && frame->payload[head + bytes] == '"';
}

#endif
