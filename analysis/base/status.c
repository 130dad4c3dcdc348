/* Status codes and the thread-local message: see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[2048];

const char *limn_message(void) {
    return message;
}

int limn_exit_code(limn_status s) {
    static const int code[] = {[LIMN_OK] = 0,     [LIMN_EFAIL] = 1,          [LIMN_EINPUT] = 2,
                               [LIMN_ENOMEM] = 1, [LIMN_EINTERRUPTED] = 130, [LIMN_EBUSY] = 1};
    return (size_t)s < sizeof code / sizeof code[0] ? code[s] : 1;
}

/* n bytes of text become the message. Where they are too many the middle goes: a path may be long, and what is wrong
 * stands behind it. */
static void keep(const char *text, size_t n) {
    static const char gap[] = "\xe2\x80\xa6"; /* … */
    size_t room = sizeof message - 1, half = (room - strlen(gap)) / 2, tail = n - half;
    if (n <= room) {
        memcpy(message, text, n);
        message[n] = 0;
        return;
    }
    while (half > 0 && (text[half] & 0xc0) == 0x80) half--; /* whole UTF-8 characters */
    while (tail < n && (text[tail] & 0xc0) == 0x80) tail++;
    memcpy(message, text, half);
    memcpy(message + half, gap, strlen(gap));
    memcpy(message + half + strlen(gap), text + tail, n - tail);
    message[half + strlen(gap) + n - tail] = 0;
}

limn_status limn_fail(limn_status code, const char *fmt, ...) {
    char text[sizeof message], *large = NULL; /* an argument may be the message itself */
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n >= (int)sizeof text && (large = malloc((size_t)n + 1)) != NULL) vsnprintf(large, (size_t)n + 1, fmt, again);
    keep(large ? large : text, large ? (size_t)n : n < 0 ? 0 : strlen(text));
    free(large);
    va_end(again);
    va_end(ap);
    return code;
}

limn_status limn_fail_at(limn_status code, const char *fmt, ...) {
    char before[4400]; /* a path */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(before, sizeof before, fmt, ap);
    va_end(ap);
    return limn_fail(code, "%s%s", before, message);
}

limn_status limn_fail_without_line(limn_status code, const char *path) {
    size_t n = strlen(path), digits;
    if (strncmp(message, path, n) != 0 || message[n] != ':') return code;
    digits = strspn(message + n + 1, "0123456789");
    if (digits > 0 && message[n + 1 + digits] == ':') {
        char *rest = message + n + 1 + digits;
        memmove(message + n, rest, strlen(rest) + 1);
    }
    return code;
}
