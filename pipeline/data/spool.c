/* Bytes of a size that may be anything: see spool.h. */
#define _GNU_SOURCE /* mkostemp */
#include "data/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"

limn_status limn_temporary_file(int *fd) {
    const char *own = getenv("TMPDIR"), *folder[] = {own && *own ? own : "/var/tmp", "/var/tmp", "/tmp"};
    char path[4096];
    *fd = -1;
    for (size_t i = 0; i < COUNT_OF(folder) && *fd < 0; i++) {
        int n = snprintf(path, sizeof path, "%s/limn-XXXXXX", folder[i]);
        if (n < 0 || (size_t)n >= sizeof path) continue;
        *fd = mkostemp(path, O_CLOEXEC);
        if (*fd >= 0) unlink(path);
    }
    if (*fd >= 0) return LIMN_OK;
    return limn_fail(LIMN_EFAIL, "%s: no temporary file can be made there: %s", folder[0], strerror(errno));
}

limn_status limn_read_at(int fd, size_t at, void *bytes, size_t n, const char *name) {
    unsigned char *to = bytes;
    while (n > 0) {
        ssize_t k = pread(fd, to, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return limn_fail(LIMN_EFAIL, "%s: reading fails: %s", name, strerror(errno));
        if (k == 0) return limn_fail(LIMN_EINPUT, "%s: it has become shorter while it was read", name);
        to += k;
        at += (size_t)k;
        n -= (size_t)k;
    }
    return LIMN_OK;
}

static limn_status write_at(int fd, size_t at, const void *bytes, size_t n) {
    const unsigned char *from = bytes;
    while (n > 0) {
        ssize_t k = pwrite(fd, from, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0)
            return limn_fail(LIMN_EFAIL, "a temporary file cannot be written (TMPDIR names its folder): %s",
                             strerror(errno));
        from += k;
        at += (size_t)k;
        n -= (size_t)k;
    }
    return LIMN_OK;
}

static limn_status to_disk(limn_spool *s) {
    limn_status status = LIMN_OK;
    TRY(limn_temporary_file(&s->fd));
    s->on_disk = 1;
    TRY(write_at(s->fd, 0, s->memory, s->n));
    free(s->memory);
    s->memory = NULL;
    s->room = 0;
done:
    return status;
}

limn_status limn_spool_add(limn_spool *s, const void *bytes, size_t n) {
    limn_status status = LIMN_OK;
    if (n > SIZE_MAX / 2 - s->n) FAIL(LIMN_EINPUT, "more bytes than any machine can hold");
    if (!s->on_disk && s->n + n > SPOOL_MEMORY) TRY(to_disk(s));
    if (s->on_disk) {
        TRY(write_at(s->fd, s->n, bytes, n));
    } else if (n > 0) {
        if (s->n + n > s->room) {
            size_t room = 2 * s->room > s->n + n ? 2 * s->room : s->n + n;
            unsigned char *more = realloc(s->memory, room);
            if (!more) FAIL(LIMN_ENOMEM, "no memory for %zu bytes", room);
            s->memory = more;
            s->room = room;
        }
        memcpy(s->memory + s->n, bytes, n);
    }
    s->n += n;
done:
    return status;
}

limn_status limn_spool_reserve(limn_spool *s, size_t n) {
    limn_status status = LIMN_OK;
    if (n <= SPOOL_MEMORY) {
        TRY(limn_new(&s->memory, n, 1));
        s->room = n;
    } else {
        TRY(limn_temporary_file(&s->fd));
        s->on_disk = 1;
        if (ftruncate(s->fd, (off_t)n) != 0)
            FAIL(LIMN_EFAIL, "a temporary file of %zu bytes cannot be made (TMPDIR names its folder): %s", n,
                 strerror(errno));
    }
    s->n = n;
done:
    return status;
}

limn_status limn_spool_put(limn_spool *s, size_t at, const void *bytes, size_t n) {
    if (s->on_disk) return write_at(s->fd, at, bytes, n);
    if (n > 0) memcpy(s->memory + at, bytes, n);
    return LIMN_OK;
}

limn_status limn_spool_get(const limn_spool *s, size_t at, void *bytes, size_t n) {
    if (s->on_disk) return limn_read_at(s->fd, at, bytes, n, "a temporary file");
    if (n > 0) memcpy(bytes, s->memory + at, n);
    return LIMN_OK;
}

void limn_spool_clear(limn_spool *s) {
    if (s->on_disk) close(s->fd);
    free(s->memory);
    *s = (limn_spool){0};
}
