/* Bytes of an input file, plain or gzip: see bytes.h.
 *
 * A raw source (file descriptor, memory, zip member) fills a buffer of 64 KiB; above it, either the bytes go through as
 * they are or zlib inflates them. A gzip file may have several members (RFC 1952, 2.2); what follows the last one must
 * be another. */
#include "data/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/try.h"

enum { BUFFER = 1 << 16, MAX_INFLATE = 1032 };

struct limn_bytes {
    char *name;
    limn_bytes_source source;
    unsigned char *buffer; /* (BUFFER) raw bytes [at, have) not yet used */
    size_t at, have;
    size_t left;  /* raw bytes that the source may still give */
    size_t taken; /* raw bytes that it has given */
    int gzip, member_ended, inflating;
    size_t inflated, inflated_most;
    z_stream z;
};

/* ---- raw sources ------------------------------------------------------------------------------------------------- */
static limn_status pull_file(void *ctx, const char *name, void *to, size_t n, size_t *got) {
    ssize_t r;
    do r = read(*(int *)ctx, to, n);
    while (r < 0 && errno == EINTR);
    if (r < 0) return limn_fail(LIMN_EFAIL, "%s: reading fails: %s", name, strerror(errno));
    *got = (size_t)r;
    return LIMN_OK;
}

static void close_file(void *ctx) {
    close(*(int *)ctx);
    free(ctx);
}

typedef struct {
    const unsigned char *p;
    size_t n;
} memory;

static limn_status pull_memory(void *ctx, const char *name, void *to, size_t n, size_t *got) {
    memory *m = ctx;
    (void)name;
    if (n > m->n) n = m->n;
    if (n > 0) memcpy(to, m->p, n);
    m->p += n;
    m->n -= n;
    *got = n;
    return LIMN_OK;
}

limn_status limn_open_regular(int *fd, size_t *size, const char *path) {
    struct stat st;
    /* O_NONBLOCK: a named pipe without a writer must not hang us before fstat tells what it is */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return limn_fail(LIMN_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    const char *wrong = NULL;
    if (fstat(*fd, &st) != 0)
        wrong = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        wrong = "it is a folder, where a file is needed";
    else if (!S_ISREG(st.st_mode))
        wrong = "it is not a regular file";
    if (wrong) {
        close(*fd);
        *fd = -1;
        return limn_fail(LIMN_EINPUT, "%s: %s", path, wrong);
    }
    *size = (size_t)st.st_size;
    return LIMN_OK;
}

limn_status limn_file_read(unsigned char **out, size_t *n, const char *path) {
    limn_status status = LIMN_OK;
    int fd = -1;
    size_t size = 0, got = 1;
    *out = NULL;
    *n = 0;
    TRY(limn_open_regular(&fd, &size, path));
    TRY(limn_new(out, size, 1));
    while (*n < size && got > 0) {
        TRY(pull_file(&fd, path, *out + *n, size - *n, &got));
        *n += got;
    }
done:
    if (fd >= 0) close(fd);
    if (status != LIMN_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */
/* Refills the empty buffer; leaves it empty at the end. */
static limn_status fill(limn_bytes *b) {
    size_t want = b->left < BUFFER ? b->left : BUFFER, got = 0;
    b->at = b->have = 0;
    while (b->have < want) {
        limn_status s = b->source.pull(b->source.ctx, b->name, b->buffer + b->have, want - b->have, &got);
        if (s != LIMN_OK) return s;
        if (got == 0) want = b->have; /* the file became shorter than it said */
        b->have += got;
    }
    b->left -= b->have;
    b->taken += b->have;
    if (b->have < BUFFER) b->left = 0;
    return LIMN_OK;
}

limn_status limn_bytes_from(limn_bytes **out, limn_bytes_source source, size_t most, const char *name) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    *out = NULL;
    TRY(limn_new(&b, 1, sizeof *b));
    b->source = source;
    source.close = NULL;
    TRY(limn_strdup(&b->name, name));
    TRY(limn_new(&b->buffer, BUFFER, 1));
    b->left = most;
    TRY(fill(b));
    *out = b;
    b = NULL;
done:
    if (source.close) source.close(source.ctx);
    limn_bytes_free(b);
    return status;
}

static limn_status begin_gzip(limn_bytes *b) {
    if (b->have < 3 || memcmp(b->buffer, "\x1f\x8b\x08", 3) != 0) return LIMN_OK;
    size_t raw = b->have + b->left;
    b->gzip = 1;
    b->inflated_most = raw > SIZE_MAX / MAX_INFLATE ? SIZE_MAX : raw * MAX_INFLATE;
    if (inflateInit2(&b->z, 15 + 16) != Z_OK) return limn_fail(LIMN_ENOMEM, "%s: no memory to inflate it", b->name);
    b->inflating = 1;
    return LIMN_OK;
}

static limn_status finish_open(limn_bytes **out, limn_bytes_source source, size_t n, const char *name) {
    limn_status s = limn_bytes_from(out, source, n, name);
    if (s != LIMN_OK) return s;
    s = begin_gzip(*out);
    if (s == LIMN_OK) return s;
    limn_bytes_free(*out);
    *out = NULL;
    return s;
}

limn_status limn_bytes_open(limn_bytes **out, const char *path) {
    int fd = -1, *ctx = NULL;
    size_t size = 0;
    *out = NULL;
    limn_status s = limn_open_regular(&fd, &size, path);
    if (s != LIMN_OK) return s;
    s = limn_new(&ctx, 1, sizeof *ctx);
    if (s != LIMN_OK) {
        close(fd);
        return s;
    }
    *ctx = fd;
    return finish_open(out, (limn_bytes_source){pull_file, close_file, ctx}, size, path);
}

limn_status limn_bytes_memory(limn_bytes **out, const void *bytes, size_t n, const char *name) {
    memory *m = NULL;
    *out = NULL;
    limn_status s = limn_new(&m, 1, sizeof *m);
    if (s != LIMN_OK) return s;
    *m = (memory){bytes, n};
    return finish_open(out, (limn_bytes_source){pull_memory, free, m}, n, name);
}

void limn_bytes_free(limn_bytes *b) {
    if (!b) return;
    if (b->inflating) inflateEnd(&b->z);
    if (b->source.close) b->source.close(b->source.ctx);
    free(b->buffer);
    free(b->name);
    free(b);
}

const char *limn_bytes_name(const limn_bytes *b) {
    return b->name;
}

int limn_bytes_gzip(const limn_bytes *b) {
    return b->gzip;
}

size_t limn_bytes_most(const limn_bytes *b) {
    if (!b->gzip) return b->have - b->at + b->left;
    return b->inflated < b->inflated_most ? b->inflated_most - b->inflated : 0;
}

int limn_bytes_file(const limn_bytes *b, int *fd, size_t *at) {
    if (b->gzip || b->source.pull != pull_file) return 0;
    *fd = fcntl(*(int *)b->source.ctx, F_DUPFD_CLOEXEC, 3);
    *at = b->taken - (b->have - b->at);
    return *fd >= 0;
}

static limn_status read_plain(limn_bytes *b, unsigned char *to, size_t n, size_t *got) {
    while (*got < n) {
        if (b->at == b->have) {
            limn_status s = fill(b);
            if (s != LIMN_OK) return s;
            if (b->have == 0) return LIMN_OK;
        }
        size_t k = b->have - b->at < n - *got ? b->have - b->at : n - *got;
        memcpy(to + *got, b->buffer + b->at, k);
        b->at += k;
        *got += k;
    }
    return LIMN_OK;
}

/* Between two members, or at the end: *more tells which. */
static limn_status next_member(limn_bytes *b, int *more) {
    *more = b->have > b->at;
    if (!*more) return LIMN_OK;
    if (b->buffer[b->at] != 0x1f)
        return limn_fail(LIMN_EINPUT, "%s: bytes that are not gzip follow the gzip data", b->name);
    if (inflateReset(&b->z) != Z_OK) return limn_fail(LIMN_EFAIL, "%s: zlib cannot start again", b->name);
    b->member_ended = 0;
    return LIMN_OK;
}

static limn_status read_gzip(limn_bytes *b, unsigned char *to, size_t n, size_t *got) {
    while (*got < n) {
        if (b->at == b->have) {
            limn_status s = fill(b);
            if (s != LIMN_OK) return s;
        }
        if (b->member_ended) {
            int more;
            limn_status s = next_member(b, &more);
            if (s != LIMN_OK || !more) return s;
        }
        if (b->have == b->at)
            return limn_fail(LIMN_EINPUT, "%s: the gzip data stop before their end: the file is cut short", b->name);
        size_t room = n - *got < BUFFER ? n - *got : BUFFER;
        b->z.next_in = b->buffer + b->at;
        b->z.avail_in = (uInt)(b->have - b->at);
        b->z.next_out = to + *got;
        b->z.avail_out = (uInt)room;
        int r = inflate(&b->z, Z_NO_FLUSH);
        b->at = b->have - b->z.avail_in;
        *got += room - b->z.avail_out;
        b->inflated += room - b->z.avail_out;
        if (r == Z_STREAM_END)
            b->member_ended = 1;
        else if (r != Z_OK && r != Z_BUF_ERROR)
            return limn_fail(LIMN_EINPUT, "%s: the gzip data are damaged (%s)", b->name, b->z.msg ? b->z.msg : "zlib");
    }
    return LIMN_OK;
}

limn_status limn_bytes_read(limn_bytes *b, void *to, size_t n, size_t *got) {
    *got = 0;
    return b->gzip ? read_gzip(b, to, n, got) : read_plain(b, to, n, got);
}

limn_status limn_bytes_exact(limn_bytes *b, void *to, size_t n, const char *what) {
    size_t got;
    limn_status s = limn_bytes_read(b, to, n, &got);
    if (s != LIMN_OK) return s;
    if (got == n) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "%s: it stops in its %s: %zu of %zu bytes are there", b->name, what, got, n);
}

limn_status limn_bytes_end(limn_bytes *b, const char *what) {
    unsigned char extra[4096];
    size_t got;
    limn_status s = limn_bytes_read(b, extra, sizeof extra, &got);
    if (s != LIMN_OK || got == 0) return s;
    if (b->gzip) return limn_fail(LIMN_EINPUT, "%s: more bytes follow after its %s", b->name, what);
    got += b->left + b->have - b->at;
    return limn_fail(LIMN_EINPUT, "%s: %zu more byte%s after its %s", b->name, got, got == 1 ? " follows" : "s follow",
                     what);
}
