/* The grammar of MPEG audio frames: versions 1, 2 and 2.5, layers I to III, fixed bit rates. */
#ifndef TALAS_MPEG_FRAMES_H
#define TALAS_MPEG_FRAMES_H

#include "frame_scan.h"

extern const struct talas_grammar talas_mpeg;

#endif
