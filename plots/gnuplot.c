/* The gnuplot subprocess: see gnuplot.h.
 *
 * fork and exec with an argument vector, never a shell; -d keeps the user's start-up files out; the environment goes on
 * without GNUPLOT_LIB (a path for scripts) and GNUTERM. stdin is /dev/null; stdout and stderr come back through one
 * pipe, of which the first WORDS bytes are kept and the rest is thrown away. The child leads a process group of its
 * own, so that a time-out kills what it started as well, and so that Ctrl-C on our terminal leaves the picture in work
 * to be finished. Every descriptor is close-on-exec from its birth: threads that fork at the same time pass none on.
 * Between fork and exec only async-signal-safe calls are made. */
#define _GNU_SOURCE /* pipe2 */
#include "plots/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/figure.h"
#include "plots/text.h"

extern char **environ;

enum { WORDS = 4096, SHOWN = 240 };

typedef struct {
    pid_t pid;
    int out;  /* read end: its stdout and stderr */
    int code; /* wait status, once it has ended */
    int ended, slow;
    char *words; /* (room) what it said first: the caller's */
    size_t n, room;
} process;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int runnable(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

/* *path = an absolute path of `name`, looked for along PATH where it has no slash; NULL where there is none. */
static limn_status find_program(char **path, const char *name) {
    limn_status status = LIMN_OK;
    const char *dirs = getenv("PATH");
    char *tried = NULL;
    *path = NULL;
    if (strchr(name, '/')) {
        if (runnable(name)) *path = realpath(name, NULL);
        return LIMN_OK;
    }
    for (const char *p = dirs && *dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *p && !*path;) {
        size_t n = strcspn(p, ":");
        free(tried);
        tried = NULL;
        TRY(limn_format(&tried, "%.*s/%s", n ? (int)n : 1, n ? p : ".", name));
        if (runnable(tried)) *path = realpath(tried, NULL);
        p += n + (p[n] == ':');
    }
done:
    free(tried);
    return status;
}

static limn_status find_gnuplot(char **path) {
    const char *asked = getenv("LIMN_GNUPLOT");
    int own = asked && *asked;
    limn_status status = find_program(path, own ? asked : "gnuplot");
    if (status != LIMN_OK || *path) return status;
    if (own)
        return limn_fail(LIMN_EFAIL, "gnuplot is missing: LIMN_GNUPLOT says '%.200s', which is not a program", asked);
    return limn_fail(LIMN_EFAIL,
                     "gnuplot is missing: no program of that name in PATH (Debian: apt-get install gnuplot-nox; "
                     "or name it in LIMN_GNUPLOT)");
}

/* The environment without what would change gnuplot's ways. The strings are borrowed. */
static limn_status clean_environment(char ***out) {
    static const char *const dropped[] = {"GNUPLOT_LIB=", "GNUTERM=", "GNUPLOT_FONTPATH=", "GNUPLOT_DEFAULT_GDFONT="};
    size_t n = 0, kept = 0;
    while (environ && environ[n]) n++;
    if (limn_new(out, n + 1, sizeof **out) != LIMN_OK) return LIMN_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int keep = 1;
        for (size_t k = 0; k < COUNT_OF(dropped); k++) keep &= strncmp(environ[i], dropped[k], strlen(dropped[k])) != 0;
        if (keep) (*out)[kept++] = environ[i];
    }
    return LIMN_OK;
}

/* The child's side; never returns. A failure here is told through the same pipe. */
static void become(const char *path, char *const argv[], char *const env[], const char *folder, int in, int out) {
    static const char no_folder[] = "its folder cannot be entered\n", no_exec[] = "it cannot be executed\n";
    sigset_t none;
    ssize_t told = 0;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* our thread waits below: it ends early only where we are killed */
#endif
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(127);
    if (folder && chdir(folder) != 0) {
        told = write(2, no_folder, sizeof no_folder - 1);
        _exit(127);
    }
    execve(path, argv, env);
    told = write(2, no_exec, sizeof no_exec - 1);
    (void)told;
    _exit(127);
}

static limn_status start(process *p, const char *path, char *const argv[], const char *folder) {
    limn_status status = LIMN_OK;
    char **env = NULL;
    int end[2] = {-1, -1}, in = -1;
    TRY(clean_environment(&env));
    in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0 || pipe2(end, O_CLOEXEC) != 0) FAIL(LIMN_EFAIL, "gnuplot cannot be started: %s", strerror(errno));
    p->pid = fork();
    if (p->pid == 0) become(path, argv, env, folder, in, end[1]);
    if (p->pid < 0) FAIL(LIMN_EFAIL, "gnuplot cannot be started: %s", strerror(errno));
    setpgid(p->pid, p->pid); /* on both sides: whichever runs first */
    p->out = end[0];
    end[0] = -1;
done:
    if (in >= 0) close(in);
    if (end[0] >= 0) close(end[0]);
    if (end[1] >= 0) close(end[1]);
    free(env);
    return status;
}

/* Takes what the pipe holds; 0 where it has ended. */
static int listen_once(process *p) {
    char sink[4096];
    ssize_t got = read(p->out, sink, sizeof sink);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return 0;
    size_t keep = p->room - 1 - p->n;
    if (keep > (size_t)got) keep = (size_t)got;
    memcpy(p->words + p->n, sink, keep);
    p->n += keep;
    p->words[p->n] = '\0';
    return 1;
}

static int has_ended(process *p) {
    pid_t r = waitpid(p->pid, &p->code, WNOHANG);
    if (r == p->pid) p->ended = 1;
    if (r < 0 && errno == ECHILD) { /* somebody else reaps our children: the pictures tell how it went */
        p->code = 0;
        p->ended = 1;
    }
    return p->ended;
}

/* Waits for the end; a process that only closed its output, or whose children hold it open, is waited for as well. */
static void watch(process *p, double seconds) {
    double deadline = now() + seconds;
    int open = 1;
    while (!has_ended(p)) {
        double left = deadline - now();
        if (left <= 0) break;
        if (open) {
            struct pollfd f = {.fd = p->out, .events = POLLIN};
            if (poll(&f, 1, left < .02 ? 1 : 20) > 0) open = listen_once(p);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        }
    }
    if (!p->ended) {
        p->slow = 1;
        kill(-p->pid, SIGKILL);
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, &p->code, 0) < 0 && errno == EINTR) {
        }
    }
    struct pollfd f = {.fd = p->out, .events = POLLIN}; /* last words */
    while (open && p->n < p->room - 1 && poll(&f, 1, 0) > 0) open = listen_once(p);
    close(p->out);
}

/* The line of gnuplot's words that says what is wrong: it echoes the command and points at a place before that, and the
 * line of interest begins with the script's name ("map.gp" line 7: …). Otherwise the first line that says anything. */
static void first_words(char out[4 * SHOWN + 8], process *p) {
    char *best = NULL, *rest = NULL, *clean = NULL;
    for (char *line = strtok_r(p->words, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        if (strspn(line, " \t^") == strlen(line)) continue;
        if (!best) best = line;
        if (line[0] == '"' && strstr(line, "\" line ")) {
            best = line;
            break;
        }
    }
    out[0] = '\0';
    if (best && plots_clean(&clean, best + strspn(best, " \t"), SHOWN) == LIMN_OK)
        snprintf(out, 4 * SHOWN + 8, "%s", clean);
    free(clean);
}

static limn_status run(process *p, const char *path, char *const argv[], const char *folder, double seconds, char *said,
                       size_t room) {
    *p = (process){.words = said, .room = room};
    said[0] = '\0';
    limn_status status = start(p, path, argv, folder);
    if (status == LIMN_OK) watch(p, seconds);
    return status;
}

limn_status plots_gnuplot(const char *folder, const char *script, const char *part, double seconds) {
    limn_status status = LIMN_OK;
    char *path = NULL, *set = NULL, said[WORDS], words[4 * SHOWN + 8];
    process p;
    TRY(find_gnuplot(&path));
    TRY(limn_format(&set, "part='%s'", part));
    char *argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char[]){"-e"}, set, (char *)(size_t)script, NULL};
    TRY(run(&p, path, argv, folder, seconds, said, sizeof said));
    first_words(words, &p);
    if (p.slow)
        FAIL(LIMN_EFAIL, "gnuplot took longer than %g s on %s/%s and was stopped%s%s", seconds, folder, script,
             *words ? ": " : "", words);
    if (WIFSIGNALED(p.code))
        FAIL(LIMN_EFAIL, "gnuplot was killed by signal %d on %s/%s%s%s", WTERMSIG(p.code), folder, script,
             *words ? ": " : "", words);
    if (WEXITSTATUS(p.code) != 0)
        FAIL(LIMN_EFAIL, "gnuplot failed on %s/%s: %s (exit code %d)", folder, script,
             *words ? words : "it said nothing", WEXITSTATUS(p.code));
done:
    free(path);
    free(set);
    return status;
}

limn_status limn_gnuplot_find(char **path, char version[64]) {
    limn_status status = LIMN_OK;
    char said[WORDS], words[4 * SHOWN + 8];
    process p;
    *path = NULL;
    version[0] = '\0';
    TRY(find_gnuplot(path));
    char *argv[] = {(char[]){"gnuplot"}, (char[]){"--version"}, NULL};
    TRY(run(&p, *path, argv, NULL, 10, said, sizeof said));
    first_words(words, &p);
    if (p.slow || !WIFEXITED(p.code) || WEXITSTATUS(p.code) != 0)
        FAIL(LIMN_EFAIL, "gnuplot (%s) does not tell its version: %s", *path, *words ? words : "it said nothing");
    snprintf(version, 64, "%.63s", words);
done:
    if (status != LIMN_OK) {
        free(*path);
        *path = NULL;
    }
    return status;
}

int plots_fonts(char *words, size_t room) {
    char *path = NULL;
    char *argv[] = {(char[]){"fc-list"}, (char[]){"-f"}, (char[]){"%{charset}\n"}, NULL};
    process p = {.slow = 1};
    if (find_program(&path, "fc-list") != LIMN_OK || !path) return 0;
    limn_status s = run(&p, path, argv, NULL, 20, words, room);
    free(path);
    return s == LIMN_OK && !p.slow && WIFEXITED(p.code) && WEXITSTATUS(p.code) == 0 && p.n + 1 < room;
}
