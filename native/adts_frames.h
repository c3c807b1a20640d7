/* The grammar of ADTS frames: AAC with a header of 7 bytes, or 9 where a CRC is carried. */
#ifndef TALAS_ADTS_FRAMES_H
#define TALAS_ADTS_FRAMES_H

#include "frame_scan.h"

extern const struct talas_grammar talas_adts;

#endif
