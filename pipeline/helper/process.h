/* What the helper programs share: the answer as it is written, its budget, and the limits of the process. */
#ifndef LIMN_HELPER_PROCESS_H
#define LIMN_HELPER_PROCESS_H

#include <stddef.h>

#include "base/status.h"
#include "base/try.h"
#include "helper/answer.h"

typedef struct {
    uint64_t size;         /* of the file */
    uint64_t used, budget; /* bytes of the answer so far; bytes of data that may still come */
    uint64_t entries;
    size_t objects;
    char **skip;
    answer_status blame; /* what a LIMN_EINPUT means */
} answer;

#define REFUSE(a, ...)                                                                                                 \
    do {                                                                                                               \
        (a)->blame = ANSWER_REFUSED;                                                                                   \
        FAIL(LIMN_EINPUT, __VA_ARGS__);                                                                                \
    } while (0)

/* Budget and limits by the file's size, an empty header. arrays: what is asked for are arrays of data, which may be far
 * larger than the compressed file, but come in pieces. */
limn_status answer_begin(answer *a, int arrays) LIMN_CHECK;
/* The header, or the sentence of the failure s; returns the exit status. */
int answer_end(answer *a, limn_status s);

limn_status answer_entry_put(answer *a, answer_entry *e, const char *path, const char *name,
                             const void *data) LIMN_CHECK;
/* The same in pieces: the entry with e->data_bytes to come; each piece; the zeros after the last. */
limn_status answer_entry_open(answer *a, answer_entry *e, const char *path, const char *name) LIMN_CHECK;
limn_status answer_piece(answer *a, const void *data, size_t n) LIMN_CHECK;
limn_status answer_entry_close(answer *a) LIMN_CHECK;

/* Takes n bytes off the budget, before they are allocated. */
limn_status answer_spend(answer *a, const char *path, uint64_t n) LIMN_CHECK;
/* One more group, array or attribute. */
limn_status answer_count(answer *a) LIMN_CHECK;

#endif
