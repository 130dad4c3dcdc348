/* Text to a limn_text_fn, notes to a limn_voice. */
#ifndef LIMN_TEXT_H
#define LIMN_TEXT_H

#include "limn.h"

typedef struct {
    limn_text_fn write;
    void *ctx;
} text_out;

/* printf to the caller's function; LIMN_EFAIL where it cannot be written. */
limn_status text_put(const text_out *t, const char *fmt, ...) LIMN_PRINTF(2, 3) LIMN_CHECK;

/* A sentence for the user (without a line break; of a long one 1 KB); v may be NULL. */
void text_note(const limn_voice *v, const char *fmt, ...) LIMN_PRINTF(2, 3);

#endif
