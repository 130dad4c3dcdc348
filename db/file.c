/* The file of a store, before SQLite and around it: is it ours, who writes it, how a new one comes to be.
 *
 * 1. The first 100 bytes tell (https://www.sqlite.org/fileformat2.html, section 1.3): the magic, user_version at offset
 *    60, application_id at 68, both big-endian. Whatever is not ours is refused before SQLite opens it, because opening
 *    alone may roll a journal back or remove a -wal.
 * 2. One writer: flock() on FILE.lock. The kernel releases it when the process dies. The holder removes the file before
 *    it lets go, so whoever gets the lock checks that the name still leads to what he locked.
 * 3. A new database is made under FILE.limn-new and renamed: FILE is never half a schema. */
#define _GNU_SOURCE /* realpath, statfs */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"

enum { HEADER = 100, USER_VERSION_AT = 60, APPLICATION_ID_AT = 68 };

static uint32_t be32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Up to n bytes from the start of the file; *got of them. */
static limn_status read_head(const char *path, unsigned char *head, size_t n, size_t *got) {
    limn_status status = LIMN_OK;
    *got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return limn_fail(LIMN_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    while (*got < n) {
        ssize_t k = read(fd, head + *got, n - *got);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) FAIL(LIMN_EFAIL, "%s: cannot be read: %s", path, strerror(errno));
        if (k == 0) break;
        *got += (size_t)k;
    }
done:
    close(fd);
    return status;
}

limn_status db_file_check(const char *path, db_file *what) {
    unsigned char head[HEADER];
    size_t got = 0;
    struct stat st;
    *what = DB_FILE_ABSENT;
    if (stat(path, &st) != 0) {
        if (errno == ENOENT) return LIMN_OK;
        return limn_fail(LIMN_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) return limn_fail(LIMN_EINPUT, "%s: not a limn database: it is no regular file", path);
    limn_status status = read_head(path, head, sizeof head, &got);
    if (status != LIMN_OK) return status;
    *what = DB_FILE_EMPTY;
    if (got == 0) return LIMN_OK;
    if (got < sizeof head || memcmp(head, DB_MAGIC, sizeof DB_MAGIC) != 0)
        return limn_fail(LIMN_EINPUT, "%s: not a limn database: it is no SQLite file (left untouched)", path);
    uint32_t version = be32(head + USER_VERSION_AT);
    if (be32(head + APPLICATION_ID_AT) != DB_APPLICATION_ID || version < 1 || version > INT32_MAX)
        return limn_fail(LIMN_EINPUT, "%s: not a limn database: another program's SQLite file (left untouched)", path);
    if (version > DB_VERSION)
        return limn_fail(
            LIMN_EINPUT,
            "%s: made by a newer version of limn: its format is %u, this one knows up to %d (left untouched)", path,
            (unsigned)version, DB_VERSION);
    *what = DB_FILE_OURS;
    return LIMN_OK;
}

/* The files that SQLite opens beside the database have their names in a buffer of mxPathname bytes. */
static limn_status check_length(const char *path, const char *real) {
    static const char longest[] = ".limn-new-journal";
    size_t most = (size_t)sqlite3_vfs_find(NULL)->mxPathname - sizeof longest;
    if (strlen(real) <= most) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "%s: its absolute path has %zu bytes; SQLite takes %zu at most", path, strlen(real),
                     most);
}

limn_status db_file_resolve(char **out, const char *path) {
    limn_status status = LIMN_OK;
    char *folder = NULL, *real = NULL;
    *out = NULL;
    if (!*path) return limn_fail(LIMN_EINPUT, "the name of the database is empty");
    char *whole = realpath(path, NULL);
    if (whole) {
        status = check_length(path, whole);
        if (status == LIMN_OK) status = limn_strdup(out, whole);
        free(whole);
        return status;
    }
    if (errno != ENOENT) return limn_fail(LIMN_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!*name) return limn_fail(LIMN_EINPUT, "%s: names a folder, not a database", path);
    if (slash) TRY(limn_format(&folder, "%.*s", (int)(slash - path) + 1, path));
    real = realpath(folder ? folder : ".", NULL);
    if (!real) FAIL(LIMN_EINPUT, "%s: its folder cannot be opened: %s", path, strerror(errno));
    TRY(limn_format(out, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name));
    status = check_length(path, *out);
done:
    if (status != LIMN_OK) free(*out), *out = NULL;
    free(real);
    free(folder);
    return status;
}

limn_status db_file_writable(const char *path, const char *real, db_file what) {
    limn_status status = LIMN_OK;
    char *folder = NULL;
    if (what != DB_FILE_ABSENT && access(real, W_OK) != 0)
        FAIL(LIMN_EINPUT, "%s: cannot be written: %s", path, strerror(errno));
    TRY(limn_format(&folder, "%.*s", (int)(strrchr(real, '/') - real) + 1, real));
    if (access(folder, W_OK | X_OK) != 0)
        FAIL(LIMN_EINPUT, "%s: its folder cannot be written: %s", path, strerror(errno));
done:
    free(folder);
    return status;
}

/* ---- the lock ------------------------------------------------------------------------------------------- */

static const char lock_mark[] = "limn ";

/* One attempt: *fd = -1 with LIMN_OK where the lock file was removed meanwhile. */
static limn_status try_lock(int *fd, const char *lock_path, const char *path) {
    limn_status status = LIMN_OK;
    struct stat mine, named;
    char text[64] = "";
    *fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (*fd < 0) FAIL(LIMN_EINPUT, "%s: cannot be made: %s", lock_path, strerror(errno));
    ssize_t k = pread(*fd, text, sizeof text - 1, 0);
    if (k < 0) FAIL(LIMN_EINPUT, "%s: cannot be read: %s", lock_path, strerror(errno));
    if (k > 0 && strncmp(text, lock_mark, strlen(lock_mark)) != 0)
        FAIL(LIMN_EINPUT, "%s: is there and is not limn's; it would serve as the lock of %s", lock_path, path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) FAIL(LIMN_EFAIL, "%s: cannot be locked: %s", lock_path, strerror(errno));
        long pid = k > 0 ? strtol(text + strlen(lock_mark), NULL, 10) : 0;
        FAIL(LIMN_EBUSY, "%s: another limn writes it (process %ld); try again when that has ended", path, pid);
    }
    if (fstat(*fd, &mine) != 0 || stat(lock_path, &named) != 0 || mine.st_ino != named.st_ino ||
        mine.st_dev != named.st_dev) {
        close(*fd);
        *fd = -1;
    }
done:
    if (status != LIMN_OK && *fd >= 0) close(*fd), *fd = -1;
    return status;
}

limn_status db_lock(int *fd, const char *lock_path, const char *path) {
    char text[64];
    for (*fd = -1; *fd < 0;) {
        limn_status status = try_lock(fd, lock_path, path);
        if (status != LIMN_OK) return status;
    }
    int n = snprintf(text, sizeof text, "%s%ld\n", lock_mark, (long)getpid());
    /* The text helps people only: a full disk must not stop a run that has the lock. */
    if (ftruncate(*fd, 0) == 0 && pwrite(*fd, text, (size_t)n, 0) < 0) errno = 0;
    return LIMN_OK;
}

void db_unlock(int fd, const char *lock_path) {
    if (fd < 0) return;
    unlink(lock_path); /* while it is held: see above */
    close(fd);
}

/* ---- a new file ----------------------------------------------------------------------------------------- */

static const char new_file_sql[] = "PRAGMA journal_mode = OFF;" /* a failure leaves a file that nobody reads */
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA locking_mode = EXCLUSIVE;";

static limn_status fill(const char *path, const char *fresh) {
    limn_status status = LIMN_OK;
    sqlite3 *db = NULL;
    char text[128];
    if (sqlite3_open_v2(fresh, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        TRY(db_fail(db, path));
    snprintf(text, sizeof text, "PRAGMA page_size = %d; BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d;",
             DB_PAGE_SIZE, DB_APPLICATION_ID, DB_VERSION);
    const char *const step[] = {new_file_sql, text, db_schema, "COMMIT"};
    for (size_t i = 0; i < COUNT_OF(step); i++)
        if (sqlite3_exec(db, step[i], NULL, NULL, NULL) != SQLITE_OK) TRY(db_fail(db, path));
done:
    sqlite3_close(db);
    return status;
}

static void sync_folder(const char *real) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(real, '/') - real) + 1, real);
    int fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fsync(fd) != 0) errno = 0; /* some file systems cannot: the rename stands all the same */
    close(fd);
}

limn_status db_file_make(const char *path, const char *real) {
    limn_status status = LIMN_OK;
    static const char *const orphan[] = {"-wal", "-shm", "-journal"};
    char *fresh = NULL, *old = NULL;
    TRY(limn_format(&fresh, "%s.limn-new", real));
    if (unlink(fresh) != 0 && errno != ENOENT) FAIL(LIMN_EINPUT, "%s: cannot be replaced: %s", fresh, strerror(errno));
    status = fill(path, fresh);
    if (status != LIMN_OK) {
        unlink(fresh);
        goto done;
    }
    /* Those of a file that somebody removed: SQLite would take them for the new one's. */
    for (size_t i = 0; i < COUNT_OF(orphan); i++) {
        TRY(limn_format(&old, "%s%s", real, orphan[i]));
        unlink(old);
        free(old);
        old = NULL;
    }
    if (rename(fresh, real) != 0) FAIL(LIMN_EFAIL, "%s: cannot be made: %s", path, strerror(errno));
    sync_folder(real);
done:
    free(old);
    free(fresh);
    return status;
}

int db_file_is_remote(const char *real) {
    static const unsigned long remote[] = {0x6969 /* NFS */,        0xff534d42 /* CIFS */,
                                           0xfe534d42 /* SMB2 */,   0x517b /* SMB */,
                                           0x5346414f /* AFS */,    0x01021997 /* 9p */,
                                           0x0bd00bd0 /* Lustre */, 0x47504653 /* GPFS */,
                                           0x19830326 /* BeeGFS */, 0x00c36400 /* Ceph */};
    struct statfs fs;
    if (statfs(real, &fs) != 0) return 0;
    for (size_t i = 0; i < COUNT_OF(remote); i++)
        if (((unsigned long)fs.f_type & 0xffffffffUL) == remote[i]) return 1;
    return 0;
}
