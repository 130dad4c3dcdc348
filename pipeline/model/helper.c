/* Starting the helper programs limn-hdf5 and limn-mat, and stopping them.
 *
 * 1. Find it: in $LIMN_LIBEXEC; ../libexec/limn and ../../libexec/limn from the file that holds this code (the
 *    library by dladdr, or the program); LIMN_LIBEXEC_DEFAULT.
 * 2. posix_spawn, no shell: descriptor 3 is the file, 4 a memory file for the answer, 5 the end of a pipe that closes
 *    when the helper ends; standard streams are /dev/null; signals are as if just started; a process group of its own,
 *    so that Ctrl-C reaches the parent alone.
 * 3. Wait for the pipe to close, at most WAIT_SECONDS and some for a large file, then kill; reap. The helper also
 * limits itself (hdf5.c). The parent's signal handlers and mask are not touched; where it has set SIGCHLD to ignore,
 * there is no exit status and the answer alone decides.
 * 4. Map the answer once nobody can write to it any more.
 * Threading: calls are independent of one another. */
#define _GNU_SOURCE
#include "model/helper.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "helper/answer.h"

#ifndef LIMN_LIBEXEC_DEFAULT
#define LIMN_LIBEXEC_DEFAULT "/usr/local/libexec/limn"
#endif

enum { WAIT_SECONDS = 60, FIRST_FD = 10, MAX_ARGS = 8, LIVE = 5 };

const helper_kind helper_hdf5 = {"limn-hdf5", "HDF5", "libhdf5"}, helper_mat = {"limn-mat", "MATLAB file", "libmatio"};

extern char **environ;

/* ---- where it is ------------------------------------------------------------------------------------------------- */
/* *path = FOLDER of `file` / up / libexec/limn/PROGRAM, where that can be run; else NULL. */
static limn_status beside(char **path, const char *file, const char *up, const char *program) {
    const char *slash = strrchr(file, '/');
    *path = NULL;
    if (!slash) return LIMN_OK;
    limn_status s = limn_format(path, "%.*s/%s/libexec/limn/%s", (int)(slash - file), file, up, program);
    if (s == LIMN_OK && access(*path, X_OK) != 0) {
        free(*path);
        *path = NULL;
    }
    return s;
}

limn_status helper_find_kind(char **path, const helper_kind *kind) {
    limn_status status = LIMN_OK;
    const char *folder = getenv("LIMN_LIBEXEC"), *up[] = {"..", "../.."};
    char self[4096] = "";
    Dl_info here = {0};
    *path = NULL;
    if (!folder || !*folder) {
        void *address = NULL;
        limn_status (*code)(char **) = helper_find;
        memcpy(&address, &code, sizeof address);
        if (dladdr(address, &here) == 0) here.dli_fname = NULL;
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        self[n > 0 ? n : 0] = 0;
        const char *file[] = {here.dli_fname ? here.dli_fname : "", self};
        for (int i = 0; i < 4 && !*path; i++) TRY(beside(path, file[i / 2], up[i % 2], kind->program));
        if (*path) return LIMN_OK;
        folder = LIMN_LIBEXEC_DEFAULT;
    }
    TRY(limn_format(path, "%s/%s", folder, kind->program));
    if (access(*path, X_OK) != 0) {
        limn_status missing = limn_fail(
            LIMN_EFAIL, "the program that reads %s, %s, is missing (LIMN_LIBEXEC names its folder)", kind->what, *path);
        free(*path);
        *path = NULL;
        return missing;
    }
done:
    return status;
}

limn_status helper_find(char **path) {
    return helper_find_kind(path, &helper_hdf5);
}

/* ---- running it -------------------------------------------------------------------------------------------------- */
limn_status helper_memory_file(int *fd) {
    *fd = -1;
#ifdef __linux__
    *fd = memfd_create("limn", MFD_CLOEXEC);
#else
    char name[] = "/tmp/limn-XXXXXX";
    *fd = mkstemp(name);
    if (*fd >= 0) {
        unlink(name);
        fcntl(*fd, F_SETFD, FD_CLOEXEC);
    }
#endif
    return *fd >= 0 ? LIMN_OK : limn_fail(LIMN_EFAIL, "no file in memory can be made: %s", strerror(errno));
}

/* The helper's descriptors here: the file, its answer, the pipe that closes when it ends (read end, write end). */
typedef struct {
    int in, out, alive[2];
} channels;

static void close_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* Moves *fd to a number above the helper's own, close-on-exec. */
static limn_status move_up(int *fd) {
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FD);
    close_fd(fd);
    *fd = high;
    return high >= 0 ? LIMN_OK : limn_fail(LIMN_EFAIL, "no file descriptor is left: %s", strerror(errno));
}

/* Close-on-exec from the start: another thread's child that held the write end would make this parent wait for it. */
static int open_pipe(int end[2]) {
#ifdef __linux__
    return pipe2(end, O_CLOEXEC);
#else
    return pipe(end);
#endif
}

static limn_status open_channels(channels *c, int fd, int out) {
    limn_status status = LIMN_OK;
    c->in = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
    if (c->in < 0 || open_pipe(c->alive) != 0) FAIL(LIMN_EFAIL, "no file descriptor is left: %s", strerror(errno));
    TRY(move_up(&c->alive[0]));
    TRY(move_up(&c->alive[1]));
    if (out < 0)
        TRY(helper_memory_file(&c->out));
    else if ((c->out = fcntl(out, F_DUPFD_CLOEXEC, FIRST_FD)) < 0)
        FAIL(LIMN_EFAIL, "no file descriptor is left: %s", strerror(errno));
    if (out < 0) TRY(move_up(&c->out));
done:
    return status;
}

static int set_actions(posix_spawn_file_actions_t *f, posix_spawnattr_t *a, const channels *c) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int bad = 0;
    for (int i = 0; i < 3; i++) bad |= posix_spawn_file_actions_addopen(f, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
    bad |= posix_spawn_file_actions_adddup2(f, c->in, ANSWER_IN);
    bad |= posix_spawn_file_actions_adddup2(f, c->out, ANSWER_OUT);
    bad |= posix_spawn_file_actions_adddup2(f, c->alive[1], LIVE);
    bad |= posix_spawnattr_setsigmask(a, &none);
    bad |= posix_spawnattr_setsigdefault(a, &all);
    bad |= posix_spawnattr_setpgroup(a, 0);
    return bad | posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static limn_status start(pid_t *pid, const char *program, const char *const *args, const channels *c) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *argv[MAX_ARGS + 2] = {(char *)(uintptr_t)program};
    for (int i = 0; args && args[i] && i < MAX_ARGS; i++) argv[i + 1] = (char *)(uintptr_t)args[i];
    int bad = posix_spawn_file_actions_init(&files);
    bad |= posix_spawnattr_init(&attributes);
    if (!bad) bad = set_actions(&files, &attributes, c);
    if (!bad) bad = posix_spawn(pid, program, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return bad ? limn_fail(LIMN_EFAIL, "%s cannot be started: %s", program, strerror(bad)) : LIMN_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits for the helper's end; *late where it had to be killed; *code its status as waitpid gives it, -1 if unknown. */
static void wait_for(pid_t pid, int pipe_end, double seconds, int *late, int *code) {
    double end = now() + seconds, left;
    int ready = 0;
    while (ready <= 0 && (left = end - now()) > 0) {
        ready = poll(&(struct pollfd){.fd = pipe_end, .events = POLLIN}, 1, (int)(left * 1000) + 1);
        if (ready < 0 && errno != EINTR) break;
    }
    *late = ready <= 0;
    if (*late) kill(pid, SIGKILL);
    pid_t p;
    while ((p = waitpid(pid, code, 0)) < 0 && errno == EINTR) {
    }
    if (p < 0) *code = -1; /* SIGCHLD is ignored, or somebody else has reaped it */
}

/* What an unhappy end means. */
static limn_status judge(const helper_kind *k, int late, int code) {
    int stopped = code >= 0 && WIFSIGNALED(code) ? WTERMSIG(code) : 0;
    int left = code >= 0 && WIFEXITED(code) ? WEXITSTATUS(code) : 0;
    if (late || stopped == SIGXCPU || stopped == SIGALRM)
        return limn_fail(LIMN_EINPUT, "damaged %s (reading it does not come to an end)", k->what);
    if (stopped == SIGXFSZ || left == LIMN_ENOMEM)
        return limn_fail(LIMN_EINPUT, "damaged %s (it says that it holds far more than its size allows)", k->what);
    if (stopped)
        return limn_fail(LIMN_EINPUT, "damaged %s (%s crashes on it: signal %d)", k->what, k->library, stopped);
    if (left == 126 || left == 127)
        return limn_fail(LIMN_EFAIL, "the program that reads %s cannot start (exit status %d): is %s installed?",
                         k->what, left, k->library);
    if (left) return limn_fail(LIMN_EINPUT, "damaged %s (its reader ended with exit status %d)", k->what, left);
    return LIMN_OK;
}

static limn_status map_answer(const helper_kind *k, int fd, void **bytes, size_t *n) {
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return limn_fail(LIMN_EINPUT, "damaged %s (its reader gave no answer)", k->what);
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return limn_fail(LIMN_ENOMEM, "no memory for %zu bytes", (size_t)st.st_size);
    *bytes = p;
    *n = (size_t)st.st_size;
    return LIMN_OK;
}

limn_status helper_call(const helper_kind *kind, int fd, int out, const char *const *args, void **bytes, size_t *n) {
    limn_status status = LIMN_OK;
    channels c = {-1, -1, {-1, -1}};
    char *program = NULL;
    struct stat st = {0};
    pid_t pid;
    int late, code;
    *bytes = NULL;
    *n = 0;
    TRY(helper_find_kind(&program, kind));
    TRY(open_channels(&c, fd, out));
    TRY(start(&pid, program, args, &c));
    close_fd(&c.alive[1]);
    if (fstat(fd, &st) != 0) st.st_size = 0;
    wait_for(pid, c.alive[0], WAIT_SECONDS + (double)st.st_size / 1e6, &late, &code);
    TRY(judge(kind, late, code));
    TRY(map_answer(kind, c.out, bytes, n));
done:
    close_fd(&c.in);
    close_fd(&c.out);
    close_fd(&c.alive[0]);
    close_fd(&c.alive[1]);
    free(program);
    return status;
}

limn_status helper_run(int fd, const char *const *skip, void **bytes, size_t *n) {
    return helper_call(&helper_hdf5, fd, -1, skip, bytes, n);
}

void helper_release(void *bytes, size_t n) {
    if (bytes) munmap(bytes, n);
}
