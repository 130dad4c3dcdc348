/* Status codes and the thread-local message: see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
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

limn_status limn_fail(limn_status code, const char *fmt, ...) {
    char text[sizeof message]; /* an argument may be the message itself */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(message, text, sizeof message);
    return code;
}

limn_status limn_fail_at(limn_status code, const char *fmt, ...) {
    char text[sizeof message];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof text) snprintf(text + n, sizeof text - (size_t)n, "%s", message);
    memcpy(message, text, sizeof message);
    return code;
}
