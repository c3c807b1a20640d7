# cython: language_level=3
"""The one door between Python and the C kernels.

Does:        turn Python values into pointers and sizes, and what a kernel found into tuples; let
             other threads run while a kernel works on a long buffer.
Never:       decides anything about audio: that is in the kernels, and in their twins under
             talas_stream/wire.
Guarantees:  a status other than TALAS_OK becomes an exception in `check`, and nowhere else.
Lifetime:    input is `bytes`, or an array whose buffer is held for the length of the call: it can
             neither move nor be freed while the lock is not held.
"""

from cpython.buffer cimport (PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_WRITABLE,
                             PyBuffer_Release, PyObject_GetBuffer)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

import numpy

cdef extern from "status.h":
    enum talas_status:
        TALAS_OK
        TALAS_BAD_INTERVAL
        TALAS_BAD_POSITION
        TALAS_BAD_BLOCK
        TALAS_BAD_RANGE
        TALAS_BAD_SHAPE
        TALAS_BAD_SOCKETS
        TALAS_BAD_RATE
        TALAS_TOO_LARGE

cdef extern from "frame_scan.h" nogil:
    struct talas_grammar:
        pass
    struct talas_span:
        size_t start
        size_t size
    struct talas_scan:
        size_t position
        size_t garbage
        uint32_t reference
        bint prompt
        bint hurried
    size_t talas_scan_frames(const talas_grammar *grammar, const uint8_t *data, size_t size,
                             bint final, talas_scan *scan, talas_span *spans, size_t capacity)

cdef extern from "mpeg_frames.h" nogil:
    const talas_grammar talas_mpeg

cdef extern from "adts_frames.h" nogil:
    const talas_grammar talas_adts

cdef extern from "ogg_pages.h" nogil:
    enum:
        SEGMENTS "TALAS_OGG_SEGMENTS"
        OGG_HEADER "TALAS_OGG_HEADER"
    struct talas_page:
        size_t end
        int64_t granule
        uint32_t serial
        uint32_t sequence
        uint8_t flags
        bint complete
        size_t pieces
        talas_span piece[255]
    struct talas_page_scan:
        size_t position
        size_t garbage
        size_t strict
        bint failed
    void talas_ogg_prepare()
    struct talas_page_head:
        int64_t granule
        uint32_t serial
        uint32_t sequence
        uint8_t flags
        uint8_t segments
    void talas_ogg_lay(const talas_page_head *head, const uint8_t *lacing, const uint8_t *body,
                       size_t size, uint8_t *out)
    bint talas_ogg_next(const uint8_t *data, size_t size, bint final, talas_page_scan *scan,
                        talas_page *page)

cdef extern from "flac_crc.h" nogil:
    void talas_flac_prepare()
    uint16_t talas_flac_crc16(uint16_t crc, const uint8_t *data, size_t size)

cdef extern from "icy.h" nogil:
    struct talas_icy:
        const uint8_t *audio
        size_t audio_size
        size_t interval
        size_t position
        const uint8_t *block
        size_t block_size
    talas_status talas_icy_size(const talas_icy *icy, size_t *size)
    void talas_icy_write(const talas_icy *icy, uint8_t *out)

cdef extern from "batch_send.h" nogil:
    struct talas_short:
        size_t at
        int64_t taken
    size_t talas_batch_send(const uint8_t *data, size_t size, const int *sockets, size_t count,
                            size_t *position, talas_short *shorts, size_t capacity)

cdef extern from "samples.h" nogil:
    void talas_limit(const uint8_t *input, float *output, size_t count)

cdef extern from "loudness.h" nogil:
    struct talas_loudness:
        pass
    struct talas_step:
        double power
        double peak
    size_t talas_loudness_steps(talas_loudness *state, const float *left, const float *right,
                                size_t count, size_t *position, talas_step *steps,
                                size_t capacity)

cdef extern from "aac_encoder.h" nogil:
    enum:
        AAC_BYTES "TALAS_AAC_MOST_BYTES"
        AAC_LINES "TALAS_AAC_LINES"
    struct talas_aac_encoder:
        pass
    void talas_aac_prepare()
    talas_status talas_aac_open(talas_aac_encoder *encoder, int bit_rate)
    size_t talas_aac_encode(talas_aac_encoder *encoder, const float *left, const float *right,
                            uint8_t *out)

# Letting go of the lock and taking it back costs about as much as a kernel needs for a few KiB;
# below this many bytes (or samples) it is kept.
cdef enum:
    LONG = 32768
    SPANS = 256
    SHORTS = 256
    STEPS = 16
    MANY = 32  # sockets; the same in another measure

talas_ogg_prepare()
talas_flac_prepare()
talas_aac_prepare()

cdef int check(talas_status status) except -1:
    if status == TALAS_OK:
        return 0
    if status == TALAS_BAD_INTERVAL:
        raise ValueError("the interval must be at least one byte")
    if status == TALAS_BAD_POSITION:
        raise ValueError("the position must lie within the interval")
    if status == TALAS_BAD_BLOCK:
        raise ValueError("the block's length byte does not match its length")
    if status == TALAS_BAD_RANGE:
        raise ValueError("the run must lie within the data")
    if status == TALAS_BAD_SHAPE:
        raise ValueError("samples must be two planes, and the state one that was kept")
    if status == TALAS_BAD_SOCKETS:
        raise ValueError("sockets must be numbers of typecode i")
    if status == TALAS_BAD_RATE:
        raise ValueError("the bit rate must be between 40000 and 512000 bit/s")
    raise OverflowError("the result is too large")


cdef tuple scan_frames(const talas_grammar *grammar, bytes data, uint32_t reference, bint final,
                       bint prompt):
    cdef const uint8_t *start = <const uint8_t *> PyBytes_AS_STRING(data)
    cdef size_t size = <size_t> PyBytes_GET_SIZE(data), count = SPANS, i
    cdef talas_scan scan
    cdef talas_span spans[SPANS]
    cdef list found = []
    scan.position, scan.garbage, scan.reference = 0, 0, reference
    scan.prompt, scan.hurried = prompt, False
    while count == SPANS:
        if size >= LONG:
            with nogil:
                count = talas_scan_frames(grammar, start, size, final, &scan, spans, SPANS)
        else:
            count = talas_scan_frames(grammar, start, size, final, &scan, spans, SPANS)
        for i in range(count):
            found.append((spans[i].start, spans[i].start + spans[i].size))
    return found, scan.position, scan.reference, scan.garbage


def mpeg_scan(bytes data not None, uint32_t reference, bint final, bint prompt=False, /):
    return scan_frames(&talas_mpeg, data, reference, final, prompt)


def adts_scan(bytes data not None, uint32_t reference, bint final, bint prompt=False, /):
    return scan_frames(&talas_adts, data, reference, final, prompt)


def ogg_page(uint8_t flags, int64_t granule, uint32_t serial, uint32_t sequence,
             bytes lacing not None, bytes body not None):
    cdef const uint8_t *laces = <const uint8_t *> PyBytes_AS_STRING(lacing)
    cdef const uint8_t *start = <const uint8_t *> PyBytes_AS_STRING(body)
    cdef Py_ssize_t segments = PyBytes_GET_SIZE(lacing), size = PyBytes_GET_SIZE(body)
    cdef talas_page_head head
    check(TALAS_OK if segments <= SEGMENTS else TALAS_TOO_LARGE)
    head.flags, head.granule, head.serial, head.sequence = flags, granule, serial, sequence
    head.segments = <uint8_t> segments
    cdef bytes out = PyBytes_FromStringAndSize(NULL, OGG_HEADER + segments + size)
    cdef uint8_t *target = <uint8_t *> PyBytes_AS_STRING(out)
    if size >= LONG:
        with nogil:
            talas_ogg_lay(&head, laces, start, <size_t> size, target)
    else:
        talas_ogg_lay(&head, laces, start, <size_t> size, target)
    return out


cdef tuple page_tuple(const talas_page *page):
    cdef size_t i
    cdef list pieces = []
    for i in range(page.pieces):
        pieces.append((page.piece[i].start, page.piece[i].start + page.piece[i].size))
    return (page.end, page.serial, page.sequence, page.granule, page.flags, pieces,
            page.complete)


def ogg_scan(bytes data not None, bint final, size_t strict=0):
    cdef const uint8_t *start = <const uint8_t *> PyBytes_AS_STRING(data)
    cdef size_t size = <size_t> PyBytes_GET_SIZE(data)
    cdef talas_page_scan scan
    cdef talas_page page
    cdef bint more = True
    cdef list pages = []
    scan.position = scan.garbage = 0
    scan.strict = strict
    while more:
        if size >= LONG:
            with nogil:
                more = talas_ogg_next(start, size, final, &scan, &page)
        else:
            more = talas_ogg_next(start, size, final, &scan, &page)
        if more:
            pages.append(page_tuple(&page))
    return pages, scan.position, scan.garbage, bool(scan.failed)


def flac_crc16(bytes data not None, uint16_t crc, size_t start, size_t end):
    check(TALAS_OK if start <= end <= <size_t> PyBytes_GET_SIZE(data) else TALAS_BAD_RANGE)
    cdef const uint8_t *first = <const uint8_t *> PyBytes_AS_STRING(data) + start
    if end - start >= LONG:
        with nogil:
            crc = talas_flac_crc16(crc, first, end - start)
    else:
        crc = talas_flac_crc16(crc, first, end - start)
    return crc


def icy_interleave(bytes audio not None, size_t metaint, size_t position, bytes block not None):
    cdef talas_icy icy
    cdef size_t size = 0
    cdef bytes out
    cdef uint8_t *target
    icy.audio = <const uint8_t *> PyBytes_AS_STRING(audio)
    icy.audio_size = <size_t> PyBytes_GET_SIZE(audio)
    icy.block = <const uint8_t *> PyBytes_AS_STRING(block)
    icy.block_size = <size_t> PyBytes_GET_SIZE(block)
    icy.interval, icy.position = metaint, position
    check(talas_icy_size(&icy, &size))
    out = PyBytes_FromStringAndSize(NULL, <Py_ssize_t> size)
    target = <uint8_t *> PyBytes_AS_STRING(out)
    if size >= LONG:
        with nogil:
            talas_icy_write(&icy, target)
    else:
        talas_icy_write(&icy, target)
    return out


def batch_send(bytes data not None, sockets not None):
    cdef const uint8_t *start = <const uint8_t *> PyBytes_AS_STRING(data)
    cdef size_t size = <size_t> PyBytes_GET_SIZE(data), count, found = SHORTS, i
    cdef size_t position = 0
    cdef talas_short shorts[SHORTS]
    cdef list told = []
    cdef Py_buffer numbers
    # A memoryview would cost as much again as all the rest of a call for one socket.
    PyObject_GetBuffer(sockets, &numbers, PyBUF_ND | PyBUF_FORMAT)
    try:
        check(TALAS_OK if numbers.format[0] == c"i" else TALAS_BAD_SOCKETS)
        count = <size_t> numbers.len // sizeof(int)
        while found == SHORTS:
            if count >= MANY:
                with nogil:
                    found = talas_batch_send(start, size, <const int *> numbers.buf, count,
                                             &position, shorts, SHORTS)
            else:
                found = talas_batch_send(start, size, <const int *> numbers.buf, count, &position,
                                         shorts, SHORTS)
            for i in range(found):
                told.append((shorts[i].at, shorts[i].taken))
    finally:
        PyBuffer_Release(&numbers)
    return told


def limit_planes(planes not None, Py_ssize_t count):
    cdef tuple rows = tuple(planes)
    cdef object out = numpy.empty((len(rows), count), numpy.float32), plane
    cdef Py_buffer source, target
    cdef float *into
    PyObject_GetBuffer(out, &target, PyBUF_WRITABLE)
    try:
        into = <float *> target.buf
        for plane in rows:
            PyObject_GetBuffer(plane, &source, PyBUF_SIMPLE)
            try:
                check(TALAS_OK if count <= source.len // <Py_ssize_t> sizeof(float)
                      else TALAS_BAD_RANGE)
                if count >= LONG:
                    with nogil:
                        talas_limit(<const uint8_t *> source.buf, into, <size_t> count)
                else:
                    talas_limit(<const uint8_t *> source.buf, into, <size_t> count)
            finally:
                PyBuffer_Release(&source)
            into += count
    finally:
        PyBuffer_Release(&target)
    return out


def loudness_steps(samples not None, state not None):
    cdef const float[:, ::1] planes = numpy.ascontiguousarray(samples)
    cdef double[::1] kept = state
    cdef size_t count = <size_t> planes.shape[1], position = 0, found = STEPS, i
    cdef talas_step steps[STEPS]
    cdef list told = []
    check(TALAS_OK if planes.shape[0] == 2
          and <size_t> kept.shape[0] * sizeof(double) == sizeof(talas_loudness)
          else TALAS_BAD_SHAPE)
    if count == 0:
        return told
    cdef const float *left = &planes[0, 0]
    cdef const float *right = &planes[1, 0]
    cdef talas_loudness *memory = <talas_loudness *> &kept[0]
    while found == STEPS:
        if count >= LONG:
            with nogil:
                found = talas_loudness_steps(memory, left, right, count, &position, steps, STEPS)
        else:
            found = talas_loudness_steps(memory, left, right, count, &position, steps, STEPS)
        for i in range(found):
            told.append((steps[i].power, steps[i].peak))
    return told


cdef class AacEncoder:
    cdef talas_aac_encoder state

    def __cinit__(self, int bit_rate, /):
        check(talas_aac_open(&self.state, bit_rate))

    def encode(self, samples not None, /):
        cdef Py_buffer planes
        cdef uint8_t out[AAC_BYTES]
        cdef const float *left
        cdef size_t size
        PyObject_GetBuffer(samples, &planes, PyBUF_SIMPLE)
        try:
            check(TALAS_OK if planes.len == 2 * AAC_LINES * <Py_ssize_t> sizeof(float)
                  else TALAS_BAD_SHAPE)
            left = <const float *> planes.buf
            size = talas_aac_encode(&self.state, left, left + AAC_LINES, out)
        finally:
            PyBuffer_Release(&planes)
        return PyBytes_FromStringAndSize(<char *> out, <Py_ssize_t> size)
