/* What the helper programs share: see process.h. */
#define _GNU_SOURCE
#include "helper/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
    MAX_OBJECTS = 1 << 17, /* groups, data sets and attributes; the largest Keras networks have some 10,000 */
    MAX_INFLATE = 1032,    /* deflate makes at most so many bytes of one */
    MIB = 1 << 20
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static limn_status write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return limn_fail(LIMN_EFAIL, "the answer cannot be written");
        p += k;
        n -= (size_t)k;
    }
    return LIMN_OK;
}

limn_status answer_piece(answer *a, const void *data, size_t n) {
    a->used += n;
    return write_all(ANSWER_OUT, data, n);
}

limn_status answer_entry_close(answer *a) {
    static const char zeros[8];
    return answer_piece(a, zeros, (8 - a->used % 8) % 8);
}

static limn_status put(answer *a, const void *data, size_t n) {
    limn_status s = answer_piece(a, data, n);
    return s == LIMN_OK ? answer_entry_close(a) : s;
}

limn_status answer_entry_open(answer *a, answer_entry *e, const char *path, const char *name) {
    limn_status status = LIMN_OK;
    e->path_bytes = (uint32_t)strlen(path) + 1;
    e->name_bytes = (uint32_t)strlen(name) + 1;
    TRY(put(a, e, sizeof *e));
    TRY(put(a, path, e->path_bytes));
    TRY(put(a, name, e->name_bytes));
    a->entries++;
done:
    return status;
}

limn_status answer_entry_put(answer *a, answer_entry *e, const char *path, const char *name, const void *data) {
    limn_status s = answer_entry_open(a, e, path, name);
    return s == LIMN_OK && e->data_bytes ? put(a, data, e->data_bytes) : s;
}

static limn_status put_header(const answer *a, answer_status s) {
    answer_header h = {ANSWER_MAGIC, s, a->entries, a->used};
    if (pwrite(ANSWER_OUT, &h, sizeof h, 0) == (ssize_t)sizeof h) return LIMN_OK;
    return limn_fail(LIMN_EFAIL, "the answer cannot be written");
}

/* Replaces what has been written by the sentence of the failure. */
static limn_status put_sentence(answer *a) {
    limn_status status = LIMN_OK;
    const char *text = limn_message();
    a->used = sizeof(answer_header);
    a->entries = 0;
    if (lseek(ANSWER_OUT, (off_t)a->used, SEEK_SET) < 0 || ftruncate(ANSWER_OUT, (off_t)a->used) != 0)
        FAIL(LIMN_EFAIL, "the answer cannot be written");
    TRY(put(a, text, strlen(text) + 1));
    TRY(put_header(a, a->blame));
done:
    return status;
}

limn_status answer_spend(answer *a, const char *path, uint64_t n) {
    limn_status status = LIMN_OK;
    if (n > a->budget) REFUSE(a, "`%s` says that it holds far more than the file", path);
    a->budget -= n;
done:
    return status;
}

limn_status answer_count(answer *a) {
    limn_status status = LIMN_OK;
    if (++a->objects > MAX_OBJECTS) REFUSE(a, "more than %d groups, arrays and attributes", (int)MAX_OBJECTS);
done:
    return status;
}

/* ---- the process ------------------------------------------------------------------------------------------------- */
static void limit(int what, uint64_t value) {
    /* one second between the soft and the hard limit: SIGXCPU says more than SIGKILL */
    struct rlimit r = {(rlim_t)value, (rlim_t)(what == RLIMIT_CPU ? value + 1 : value)};
    setrlimit(what, &r);
}

/* A network's reading runs at some 500 MB a second, a small file takes 10 ms; arrays may inflate to far more bytes. */
static void limit_all(uint64_t size, uint64_t budget, int arrays) {
    uint64_t memory = arrays ? 4 * size + 384 * (uint64_t)MIB : 2 * budget + 256 * (uint64_t)MIB;
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, 2 + size / ((arrays ? 1 : 16) * (uint64_t)MIB));
    limit(RLIMIT_FSIZE, 2 * budget);
    alarm((unsigned)(30 + size / ((arrays ? 1 : 2) * (uint64_t)MIB)));
#ifndef SANITIZED /* the address sanitizer reserves terabytes */
    limit(RLIMIT_AS, memory);
#else
    (void)memory;
#endif
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

limn_status answer_begin(answer *a, int arrays) {
    struct stat st;
    answer_header blank = {0};
    if (fstat(ANSWER_IN, &st) != 0 || st.st_size < 0) return LIMN_EINPUT;
    a->size = (uint64_t)st.st_size;
    if (a->size > UINT64_MAX / 4 / MAX_INFLATE) return LIMN_EINPUT;
    a->budget = (arrays ? MAX_INFLATE : 4) * a->size + 64 * (uint64_t)MIB; /* it may be compressed */
    limit_all(a->size, a->budget, arrays);
    return put(a, &blank, sizeof blank);
}

int answer_end(answer *a, limn_status s) {
    if (s == LIMN_OK) return put_header(a, ANSWER_COMPLETE);
    return s == LIMN_EINPUT ? put_sentence(a) : s;
}
