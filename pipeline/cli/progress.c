/* Progress, and how a run is interrupted.
 *
 * Terminal: one line a stage, drawn anew ten times a second: done/total, share, rate, time left, KL, memory; it stays
 * when the stage ends. Plain: the same text as lines, one in five seconds and one at the end of a stage. JSON: an
 * object a line, one a second and one at the end. Signals only set a flag; a second one acts as it does by default. */
#include "cli/cli.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    (void)number;
    stop = 1;
}

int cli_stopped(void) {
    return stop != 0;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void cli_progress_begin(cli_progress *p, int quiet, int json) {
    struct sigaction on = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    const char *term = getenv("TERM");
    *p = (cli_progress){.manner = CLI_PLAIN, .last = -1e9};
    if (isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0) p->manner = CLI_TERMINAL;
    if (quiet) p->manner = CLI_QUIET;
    if (json) p->manner = CLI_JSON;
    sigemptyset(&on.sa_mask);
    sigaction(SIGINT, &on, NULL);
    sigaction(SIGTERM, &on, NULL);
}

/* Peak memory of the process, bytes. */
static double memory(void) {
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss * 1024 : 0;
}

/* "850 ms", "12 s", "3 min 05 s", "2 h 10 min" */
static void duration(char *out, size_t size, double seconds) {
    long s = seconds > 1e8 ? 100000000L : (long)(seconds + .5);
    if (seconds < .95)
        snprintf(out, size, "%.0f ms", seconds * 1000);
    else if (seconds < 9.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (s < 60)
        snprintf(out, size, "%ld s", s);
    else if (s < 3600)
        snprintf(out, size, "%ld min %02ld s", s / 60, s % 60);
    else
        snprintf(out, size, "%ld h %02ld min", s / 3600, s / 60 % 60);
}

/* The text of one line without its end; rate and times are the part's. */
static void line(char *out, size_t size, const cli_progress *p, const limn_progress *q) {
    char time[32], value[32] = "";
    double seconds = q->seconds - p->began;
    double rate = seconds > 0 && q->done > p->first ? (double)(q->done - p->first) / seconds : 0;
    int done = q->done >= q->total;
    duration(time, sizeof time, done || rate <= 0 ? seconds : (double)(q->total - q->done) / rate);
    if (!isnan(q->value)) snprintf(value, sizeof value, "  KL %.4f", q->value);
    size_t n = (size_t)snprintf(out, size, "%-16.40s %*zu/%zu", q->stage, q->total > 9999 ? 6 : 4, q->done, q->total);
    if (!done && n < size)
        n += (size_t)snprintf(out + n, size - n, " %3.0f %%", 100. * (double)q->done / (double)q->total);
    if (rate > 0 && n < size) n += (size_t)snprintf(out + n, size - n, rate < 10 ? "  %.1f/s" : "  %.0f/s", rate);
    if (n < size)
        snprintf(out + n, size - n, "  %s%s%s  %.0f MB", time, done || rate <= 0 ? "" : " left", value, memory() / 1e6);
}

static void say_json(const limn_progress *q) {
    fputs("{\"stage\":", stdout);
    cli_json_text(q->stage);
    printf(",\"done\":%zu,\"total\":%zu,\"seconds\":", q->done, q->total);
    cli_json_number(q->seconds);
    fputs(",\"value\":", stdout);
    cli_json_number(q->value);
    printf(",\"memory\":%.0f}\n", memory());
    fflush(stdout);
}

/* Seconds between two lines, by manner. */
static const double pause_of[] = {[CLI_PLAIN] = 5, [CLI_TERMINAL] = .1, [CLI_JSON] = 1, [CLI_QUIET] = 0};

static int on_progress(void *ctx, const limn_progress *q) {
    cli_progress *p = ctx;
    char text[200];
    double t = now();
    int done = q->done >= q->total;
    if (p->manner == CLI_QUIET) return cli_stopped();
    int other = strncmp(p->stage, q->stage, sizeof p->stage - 1) != 0;
    if (other || q->total != p->total) {
        cli_progress_end(p);
        snprintf(p->stage, sizeof p->stage, "%s", q->stage);
        p->total = q->total;
        p->first = other ? 0 : q->done;
        p->began = other ? 0 : q->seconds;
        p->ended = 0;
        if (p->manner != CLI_TERMINAL) p->last = t; /* short stages have one line */
    }
    if (p->ended || (!done && t - p->last < pause_of[p->manner])) return cli_stopped();
    p->last = t;
    p->ended = done;
    if (p->manner == CLI_JSON) {
        say_json(q);
        return cli_stopped();
    }
    line(text, sizeof text, p, q);
    p->open = p->manner == CLI_TERMINAL && !done;
    if (p->manner == CLI_TERMINAL)
        fprintf(stderr, "\r%s\x1b[K%s", text, done ? "\n" : "");
    else
        fprintf(stderr, "%s\n", text);
    return cli_stopped();
}

void cli_progress_end(cli_progress *p) {
    if (p->open) fputc('\n', stderr);
    p->open = 0;
}

static int on_note(void *ctx, const char *text, size_t n) {
    cli_progress *p = ctx;
    if (p->manner == CLI_QUIET) return 0;
    if (p->manner == CLI_JSON) {
        char note[2048];
        snprintf(note, sizeof note, "%.*s", (int)(n > 2000 ? 2000 : n), text);
        note[strcspn(note, "\n")] = 0;
        fputs("{\"note\":", stdout);
        cli_json_text(note);
        puts("}");
        return fflush(stdout) != 0;
    }
    if (p->open) fputs("\r\x1b[K", stderr); /* the line is drawn anew below */
    p->open = 0;
    return fwrite(text, 1, n, stderr) != n;
}

limn_voice cli_voice(cli_progress *p) {
    return (limn_voice){.progress = on_progress, .note = on_note, .ctx = p};
}
