/* Text to a limn_text_fn: see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

limn_status text_put(const text_out *t, const char *fmt, ...) {
    char small[512], *text = small;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) return limn_fail(LIMN_EFAIL, "a text cannot be formatted");
    if ((size_t)n >= sizeof small) {
        limn_status s = limn_new(&text, (size_t)n + 1, 1);
        if (s != LIMN_OK) return s;
        va_start(ap, fmt);
        vsnprintf(text, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    int bad = t->write(t->ctx, text, (size_t)n);
    if (text != small) free(text);
    return bad ? limn_fail(LIMN_EFAIL, "the output cannot be written") : LIMN_OK;
}

void text_note(const limn_voice *v, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    if (!v || !v->note) return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text - 1, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    size_t len = (size_t)n < sizeof text - 2 ? (size_t)n : sizeof text - 2;
    text[len++] = '\n';
    v->note(v->ctx, text, len);
}
