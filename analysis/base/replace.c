/* A file written whole or not at all: see replace.h. */
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"

limn_status limn_replace_file(const char *path, limn_content_fn content, const void *ctx) {
    limn_status status = LIMN_OK;
    char *temporary = NULL;
    FILE *f = NULL;
    TRY(limn_format(&temporary, "%s.%ld.tmp", path, (long)getpid()));
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) {
        status = limn_fail(LIMN_EFAIL, "%s: cannot be written: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        goto done;
    }
    int wrong = content(f, ctx) || fflush(f) || fsync(fd), why = errno;
    if (fclose(f) != 0 && !wrong) wrong = 1, why = errno;
    if (wrong) FAIL(LIMN_EFAIL, "%s: writing fails: %s", path, strerror(why));
    if (rename(temporary, path) != 0) FAIL(LIMN_EFAIL, "%s: cannot be written: %s", path, strerror(errno));
    free(temporary);
    temporary = NULL;
done:
    if (temporary) unlink(temporary);
    free(temporary);
    return status;
}
