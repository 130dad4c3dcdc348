/* Status codes and the thread-local message.
 *
 * The library never exits and never prints. A function that can fail returns a limn_status; the sentence that says what
 * is wrong (file, what, what would be right) is kept per thread until the next failure on that thread. */
#ifndef LIMN_STATUS_H
#define LIMN_STATUS_H

#if defined(__GNUC__)
#define LIMN_API __attribute__((visibility("default")))
#define LIMN_CHECK __attribute__((warn_unused_result))
#define LIMN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define LIMN_API
#define LIMN_CHECK
#define LIMN_PRINTF(f, a)
#endif

typedef enum {
    LIMN_OK = 0,
    LIMN_EFAIL = 1,        /* it failed while running: what is stored stays valid (exit code 1) */
    LIMN_EINPUT = 2,       /* usage, configuration or an input file is wrong (exit code 2) */
    LIMN_ENOMEM = 3,       /* out of memory, or a size that overflows (exit code 1) */
    LIMN_EINTERRUPTED = 4, /* the progress callback asked to stop (exit code 130) */
    LIMN_EBUSY = 5         /* another process holds the file (exit code 1) */
} limn_status;

/* The sentence of the last failure on this thread; "" where there was none. Borrowed; valid until the next failure. */
LIMN_API const char *limn_message(void);

/* The program's exit code for a status: 0, 1, 2 or 130. */
LIMN_API int limn_exit_code(limn_status s);

/* Records a sentence (printf-like, without a final full stop or line break) and returns `code`. */
LIMN_API limn_status limn_fail(limn_status code, const char *fmt, ...) LIMN_PRINTF(2, 3) LIMN_CHECK;

/* Puts text before the message that is already there ("experiment.yaml:7: " …) and returns `code`. */
LIMN_API limn_status limn_fail_at(limn_status code, const char *fmt, ...) LIMN_PRINTF(2, 3) LIMN_CHECK;

/* A sentence about a text that the user did not write ("limn attribute:9: …") loses its line: "limn attribute: …".
 * Returns `code`. */
LIMN_API limn_status limn_fail_without_line(limn_status code, const char *path) LIMN_CHECK;

#endif
