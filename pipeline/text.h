/* Text to a limn_text_fn. */
#ifndef LIMN_TEXT_H
#define LIMN_TEXT_H

#include "limn.h"

typedef struct {
    limn_text_fn write;
    void *ctx;
} text_out;

/* printf to the caller's function; LIMN_EFAIL where it cannot be written. */
limn_status text_put(const text_out *t, const char *fmt, ...) LIMN_PRINTF(2, 3) LIMN_CHECK;

#endif
