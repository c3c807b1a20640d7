/* What a kernel answers when it can be asked wrongly.
 *
 * Kernels never raise, print or abort: they return one of these, and the binding has one gate that
 * turns it into an exception.
 */
#ifndef TALAS_STATUS_H
#define TALAS_STATUS_H

enum talas_status {
    TALAS_OK = 0,
    TALAS_BAD_INTERVAL, /* a metadata interval of no bytes */
    TALAS_BAD_POSITION, /* a position at or past the interval */
    TALAS_BAD_BLOCK,    /* a metadata block whose length byte does not match its length */
    TALAS_BAD_RANGE,    /* a run that does not lie within its data */
    TALAS_BAD_SHAPE,    /* other planes than two, or not a state */
    TALAS_BAD_SOCKETS,  /* numbers of another type */
    TALAS_BAD_RATE,     /* a bit rate that the encoder does not go to */
    TALAS_TOO_LARGE,    /* the result does not fit a page, or this machine's address space */
};

#endif
