/* Differences between programs, written down: see record.h. */
#include "tests/lib/record.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void record_difference(record *r, double difference) {
    if (!(difference >= 0)) difference = INFINITY;
    r->passed += difference <= r->limit;
    if (r->maps == 0 || difference > r->worst) r->worst = difference, r->row = (int)r->maps;
    r->maps++;
}

void record_map(record *r, const float *ours, const float *golden, size_t n) {
    double off = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)ours[i] - golden[i];
        off += d * d, all += (double)golden[i] * golden[i];
    }
    record_difference(r, sqrt(off / (all > 0 ? all : 1)));
}

void record_values(record *r, const double *ours, const double *golden, size_t n) {
    double off = 0, all = 0;
    for (size_t i = 0; i < n; i++) off += (ours[i] - golden[i]) * (ours[i] - golden[i]), all += golden[i] * golden[i];
    record_difference(r, sqrt(off / (all > 0 ? all : 1)));
}

static void append(const char *line) {
    const char *path = getenv("FIDELITY");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!path) return;
    if (!f || fputs(line, f) < 0 || fclose(f) != 0) fail_msg("%s can't be written", path);
}

int record_failed(const record *r) {
    char line[1024];
    int failed = r->maps == 0 || !(r->worst <= (r->cause ? r->wide : r->limit));
    snprintf(line, sizeof line, "array\t%s\t%s\t%s\t%zu\t%zu\t%.1e\t%.0e\t%s\n", r->file, r->member, r->what, r->maps,
             r->passed, r->worst, r->limit, r->cause ? r->cause : "");
    append(line);
    if (failed || getenv("FIDELITY"))
        print_message("# %s %s (%s): %zu of %zu within %.0e, worst %.1e, row %d\n", r->file, r->member, r->what,
                      r->passed, r->maps, r->limit, r->worst, r->row);
    return failed;
}

void record_input(const char *file, const char *member, const char *as) {
    char line[512];
    snprintf(line, sizeof line, "input\t%s\t%s\t%s\n", file, member, as);
    append(line);
}
